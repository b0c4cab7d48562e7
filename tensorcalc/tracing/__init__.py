"""Ordinary NumPy functions as programs: traced once, over arrays without values."""

from tensorcalc.trace.program import program

__all__ = ["program"]
