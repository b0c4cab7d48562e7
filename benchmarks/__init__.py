"""Times tensorcalc against careful NumPy and against other libraries: ``python -m benchmarks``."""
