"""Printing: visitors outside the mathematics, which never imports them."""

from __future__ import annotations

from tensorcalc.display.index import index_form
from tensorcalc.display.letters import value_letters
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.spelling import LATEX, TEXT, Spelling, spell
from tensorcalc.expr import Expr

__all__ = ["describe", "expression_latex", "expression_text"]


def expression_text(e: Expr, names: dict[Expr, str] | None = None) -> str:
    """The expression in matrix notation as Unicode text; in index notation where it must."""
    return _spelt(e, TEXT, names)


def expression_latex(e: Expr, names: dict[Expr, str] | None = None) -> str:
    """The expression in matrix notation as LaTeX; in index notation where it must."""
    return _spelt(e, LATEX, names)


def _spelt(e: Expr, spelling: Spelling, names: dict[Expr, str] | None) -> str:
    form = matrix_form(e, names)
    return spell(form or index_form(e, value_letters(e.ndim), names), spelling)


def describe(e: Expr, longest: int = 30) -> str:
    """The expression in a few words, for messages."""
    text = expression_text(e)
    return text if len(text) <= longest else text[: longest - 1] + "…"
