"""Program text to quantities: tokens, notation, expressions, and the faults found on the way."""

__all__: list[str] = []
