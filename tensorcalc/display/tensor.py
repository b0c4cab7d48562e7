"""One line for a quantity, as text and as LaTeX."""

from __future__ import annotations

from tensorcalc.display import expression_latex, expression_text
from tensorcalc.display.spelling import latex_name
from tensorcalc.expr import Definition, Expr, Variable
from tensorcalc.shapes import Shape

__all__ = ["quantity_latex", "quantity_text"]


def _standing(e: Expr, form: str) -> tuple[Expr, bool]:
    """The body of a definition, and whether it stands as a row."""
    return (e.body if isinstance(e, Definition) else e), form == "row"


def quantity_text(e: Expr, form: str, shape: Shape) -> str:
    """``v = W x : 5 × 1 column``."""
    body, row = _standing(e, form)
    text = expression_text(body)
    if row:
        text = f"{text}ᵀ" if isinstance(body, (Variable, Definition)) else f"({text})ᵀ"
    title = f"{e.name} = " if isinstance(e, Definition) else ""
    return f"{title}{text} : {_sized(form, shape)}"


def quantity_latex(e: Expr, form: str, shape: Shape) -> str:
    """The same in LaTeX, between double dollars."""
    body, row = _standing(e, form)
    text = expression_latex(body)
    if row:
        text = rf"\left({text}\right)^{{\top}}"
    title = f"{latex_name(e.name)} = " if isinstance(e, Definition) else ""
    size = r" \times ".join(map(str, shape if form != "column" else (*shape, 1)))
    return rf"$$\underset{{{size}}}{{{title}{text}}}$$" if size else f"$${title}{text}$$"


def _sized(form: str, shape: Shape) -> str:
    if form == "scalar":
        return "scalar"
    whole = (*shape, 1) if form == "column" else shape
    kind = form if len(whole) < 3 else f"{len(whole)}-tensor"
    return f"{' × '.join(map(str, whole))} {kind}"
