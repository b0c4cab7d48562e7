"""Printing: visitors outside the mathematics, which never imports them."""

from __future__ import annotations

from tensorcalc.expr import Expr
from tensorcalc.structure import quantity_names

__all__ = ["describe", "expression_latex", "expression_text"]


def expression_text(e: Expr, names: dict[Expr, str] | None = None, *, row: bool = False) -> str:
    """The expression in matrix notation as Unicode text; in index notation where it must.

    ``row``: a vector stands as a row.
    """
    return _spelt(e, "TEXT", names, row)


def expression_latex(e: Expr, names: dict[Expr, str] | None = None, *, row: bool = False) -> str:
    """The expression in matrix notation as LaTeX; in index notation where it must."""
    return _spelt(e, "LATEX", names, row)


def _spelt(e: Expr, spelling: str, names: dict[Expr, str] | None, row: bool) -> str:
    # loaded when something is first printed, which many a computation never does
    from tensorcalc.display import spelling as spellings
    from tensorcalc.display.index import index_form
    from tensorcalc.display.letters import value_letters
    from tensorcalc.display.matrix import matrix_form
    from tensorcalc.display.notation import transposed

    form = matrix_form(e, names)
    if form is not None and row:
        form = transposed(form)
    if form is None:
        taken = quantity_names([e])
        form = index_form(e, value_letters(e.ndim, taken), names, taken)
    return spellings.spell(form, getattr(spellings, spelling))


def describe(e: Expr, longest: int = 30, *, row: bool = False) -> str:
    """The expression in a few words, for messages."""
    text = expression_text(e, row=row)
    return text if len(text) <= longest else text[: longest - 1] + "…"
