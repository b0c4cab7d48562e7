"""One line for a quantity, as text and as LaTeX."""

from __future__ import annotations

from typing import Protocol

from tensorcalc.display import expression_latex, expression_text
from tensorcalc.display.spelling import latex_name
from tensorcalc.expr import Definition, Expr, Variable
from tensorcalc.shapes import Shape

__all__ = ["notebook_latex", "quantity_latex", "quantity_text"]


class Quantity(Protocol):
    """What is printed: an expression and how it stands."""

    expr: Expr
    form: str

    @property
    def shape(self) -> Shape: ...


def _body(t: Quantity) -> Expr:
    """What a definition stands for; a variable itself."""
    return t.expr.body if isinstance(t.expr, Definition) else t.expr


def quantity_text(t: Quantity, /) -> str:
    """``v = W x : 5 × 1 column``."""
    body = _body(t)
    text = expression_text(body)
    if t.form == "row":
        text = f"{text}ᵀ" if isinstance(body, (Variable, Definition)) else f"({text})ᵀ"
    title = f"{t.expr.name} = " if isinstance(t.expr, Definition) else ""
    return f"{title}{text} : {_sized(t.form, t.shape)}"


def quantity_latex(t: Quantity, /) -> str:
    """The same in LaTeX, without dollars and shape."""
    text = expression_latex(_body(t))
    if t.form == "row":
        text = rf"\left({text}\right)^{{\top}}"
    return f"{latex_name(t.expr.name)} = {text}" if isinstance(t.expr, Definition) else text


def notebook_latex(t: Quantity, /) -> str:
    """The LaTeX a notebook shows, with the shape below."""
    size = r" \times ".join(map(str, (*t.shape, 1) if t.form == "column" else t.shape))
    return (
        rf"$$\underset{{{size}}}{{{quantity_latex(t)}}}$$" if size else f"$${quantity_latex(t)}$$"
    )


def _sized(form: str, shape: Shape) -> str:
    if form == "scalar":
        return "scalar"
    whole = (*shape, 1) if form == "column" else shape
    kind = form if len(whole) < 3 else f"{len(whole)}-tensor"
    return f"{' × '.join(map(str, whole))} {kind}"
