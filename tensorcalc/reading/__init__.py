"""Program text to quantities: tokens, notation, expressions, and the faults found on the way."""
