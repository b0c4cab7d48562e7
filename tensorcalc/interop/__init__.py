"""Formulas for other programs: LaTeX, NumPy source, einsum text and SymPy."""

from __future__ import annotations

from tensorcalc.interop.einsum import to_einsum
from tensorcalc.interop.sympy_forms import to_sympy
from tensorcalc.interop.text import to_latex, to_numpy_source

__all__ = ["to_einsum", "to_latex", "to_numpy_source", "to_sympy"]
