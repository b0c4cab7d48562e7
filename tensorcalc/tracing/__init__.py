"""Ordinary NumPy functions as programs: traced over arrays without values."""

from tensorcalc.tracing.program import program

__all__ = ["program"]
