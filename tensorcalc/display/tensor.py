"""One line for a quantity, as text and as LaTeX."""

from __future__ import annotations

from typing import Protocol

from tensorcalc.display import expression_latex, expression_text
from tensorcalc.display.spelling import latex_name
from tensorcalc.expr import Definition, Expr
from tensorcalc.shapes import Shape

__all__ = ["left_out", "notebook_latex", "quantity_latex", "quantity_text"]


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
    text = expression_text(body, row=t.form == "row")
    title = f"{t.expr.name} = " if isinstance(t.expr, Definition) else ""
    return f"{title}{text} : {_sized(t.form, t.shape)}{left_out(text)}"


def left_out(text: str) -> str:
    """What … stands for, where it is in a formula."""
    return ", … is a part too long to print" if "…" in text else ""


def quantity_latex(t: Quantity, /) -> str:
    """The same in LaTeX, without dollars and shape."""
    title, text = _latex_sides(t)
    return f"{title} = {text}" if text else title


def _latex_sides(t: Quantity) -> tuple[str, str]:
    """The name and the formula; a quantity without a name has its formula alone."""
    body = _body(t)
    text = expression_latex(body, row=t.form == "row")
    return (latex_name(t.expr.name), text) if isinstance(t.expr, Definition) else (text, "")


def notebook_latex(t: Quantity, /) -> str:
    """The LaTeX a notebook shows, with the shape below the name."""
    size = r" \times ".join(map(str, (*t.shape, 1) if t.form == "column" else t.shape))
    title, text = _latex_sides(t)
    named = rf"\underset{{{size}}}{{{title}}}" if size else title
    return f"$${named} = {text}$$" if text else f"$${named}$$"


def _sized(form: str, shape: Shape) -> str:
    if form == "scalar":
        return "scalar"
    whole = (*shape, 1) if form == "column" else shape
    kind = form if len(whole) < 3 else f"{len(whole)}-tensor"
    return f"{' × '.join(map(str, whole))} {kind}"
