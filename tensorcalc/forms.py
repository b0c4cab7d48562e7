"""The formula of a derivative in the form that is asked for: of matrices, entries or columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

import numpy as np

from tensorcalc.derivative import Contribution, Derivative
from tensorcalc.display.derivative import View, letters_of
from tensorcalc.display.index import index_form
from tensorcalc.display.kronecker import kronecker_form
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import Atom, Notation, set_apart, transposed
from tensorcalc.display.spelling import LATEX, TEXT, spell
from tensorcalc.display.tensor import left_out
from tensorcalc.display.walk import pieces
from tensorcalc.errors import NotSupportedError, TensorCalcError
from tensorcalc.evaluation import evaluate
from tensorcalc.expr import Constant, Expr, add, contract, hadamard
from tensorcalc.layout import permuted
from tensorcalc.presentation import description, view_of
from tensorcalc.shapes import Shape, format_shape, product_dim
from tensorcalc.simplify import simplify
from tensorcalc.slopes import named_slope
from tensorcalc.structure import quantity_names
from tensorcalc.wording import name_of

__all__ = ["FORMS", "SLOPES", "Formula", "formula"]

FORMS = ("matrix", "index", "vec")
SLOPES = ("expanded", "prime")
_SWAPS = ("K", "C", "Π", "K_c")  # what the commutation matrix is called, where a name is free


@dataclass(frozen=True)
class Formula:
    """A derivative written in one form; ``str`` is the formula, ``repr`` says everything.

    ``title`` is its left side and ``convention`` what a reader must know besides: the letters
    of an entry, how vec stacks, what K is. ``shape`` is that of ``evaluate(…)``.
    """

    derivative: Derivative
    form: str
    title: str
    notation: Notation
    shape: Shape
    convention: str

    @property
    def text(self) -> str:
        """The formula as Unicode text."""
        return spell(self.notation, TEXT)

    @property
    def latex(self) -> str:
        """The formula in LaTeX, without dollars."""
        return spell(self.notation, LATEX)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = self.text
        return f"{self.title} = {text} : {self.convention}{left_out(text)}"

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def evaluate(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> np.ndarray:
        """The numbers that the formula denotes, of exactly ``shape``.

        For ``form="vec"`` the matrix ∂vec(Y)/∂vec(X). Raises the errors of ``d.evaluate``.
        """
        if self.form != "vec":
            return evaluate(self.derivative, values, **named)
        array = evaluate(self.derivative.to("mixed"), values, **named)
        first = self.derivative.of.expr.ndim
        if not first and len(self.derivative.arguments) > 1:
            first = self.derivative.arguments[0].expr.ndim
        rows = int(np.prod(array.shape[:first], dtype=int))
        return array.reshape(rows, -1 if array.size else 0, order="F")


def formula(
    d: Derivative,
    /,
    form: Literal["matrix", "index", "vec"] | None = None,
    slopes: Literal["expanded", "prime"] = "expanded",
) -> Formula:
    """The formula of this derivative in the form that is asked for, as text and as LaTeX.

    ``form="matrix"`` is matrix notation in this layout, ``"index"`` one entry with a letter for
    each axis, ``"vec"`` the matrix ∂vec(Y)/∂vec(X) of Kronecker products, where vec stacks
    columns: Bᵀ ⊗ A for Y = A X B; left out, it is matrix notation, or entries where there is none.
    ``slopes="prime"`` writes σ′(z), tanh′(z), f′(z) for the
    derivatives of functions instead of what they are, such as σ(z) ⊙ (1 − σ(z)).

    Raises NotSupportedError where there is no such form, TensorCalcError for an unknown one.
    Source: Magnus & Neudecker, Matrix Differential Calculus, 2019, chapters 2 and 3.
    """
    if form is not None:
        _require_one_of("form", form, FORMS)
    _require_one_of("slopes", slopes, SLOPES)
    view = view_of(d)
    if slopes == "prime":
        view = replace(view, value=_with_named_slopes(d))
    if form is None:
        form = "matrix" if _in_notation(view) is not None else "index"
    made = {"matrix": _in_matrices, "index": _by_entries, "vec": _between_columns}[form]
    return made(d, view)


def _require_one_of(what: str, given: object, known: tuple[str, ...]) -> None:
    if given not in known:
        words = " or ".join(f'"{word}"' for word in known)
        raise TensorCalcError(f"d.formula({what}={given!r})", f"choose {words}")


def _with_named_slopes(d: Derivative) -> Expr:
    """The value as a sum over paths of products of derivatives that keep their slopes' names."""
    return simplify(add(*map(_path, d.contributions)))


def _path(c: Contribution) -> Expr:
    values = [
        link.value
        if link.given
        else named_slope(link.of.expr, [w.expr for w in link.wrt], link.held)
        for link in c.links
    ]
    joints = iter(link.wrt[0].expr.ndim for link in c.links[:-1])
    whole = reduce(lambda left, right: contract(left, right, next(joints)), values)
    return whole if c.number == 1 else hadamard(Constant(c.number), whole)


def _in_matrices(d: Derivative, view: View) -> Formula:
    notation = _in_notation(view)
    if notation is None:
        many = view.value.ndim > 2
        raise NotSupportedError(
            f"{d.title} in matrix notation: "
            + ("it has more than two axes" if many else "there is none for its products"),
            'take its entries: d.formula(form="index")',
        )
    if view.place[:1] == (None,) and view.value.ndim == 1:
        notation = transposed(notation)
    notation = set_apart(notation, view.taken)
    return Formula(d, "matrix", d.title, notation, d.shape, description(d))


def _in_notation(view: View) -> Notation | None:
    """The value in matrix notation, a vector as a column, where there is any."""
    return matrix_form(permuted(view.value, view.axes)) if view.value.ndim <= 2 else None


def _by_entries(d: Derivative, view: View) -> Formula:
    letters = letters_of(view)
    notation = index_form(view.value, letters, taken=view.taken)
    shown = ", ".join(letters[axis] for axis in view.axes)
    title = f"{d.title}[{shown}]" if shown else d.title
    return Formula(d, "index", title, notation, d.shape, description(d))


# ── between columns ──────────────────────────────────────────────────────────────────────


def _between_columns(d: Derivative, view: View) -> Formula:
    rows, columns = _sides(d)
    swap = Atom(_free_name(d), constant=True)
    notation = kronecker_form(view.value, len(rows), swap)
    if notation is None:
        sizes = " by ".join(format_shape(s) or "a scalar" for s in (rows, columns))
        raise NotSupportedError(
            f"{d.title}, {sizes}, as Kronecker products: a term of it does not split into them",
            'take its entries: d.formula(form="index")',
        )
    notation = set_apart(notation, view.taken)
    shape = (product_dim(*rows), product_dim(*columns))
    words = f"{_grouped(rows)} × {_grouped(columns)}, vec stacks columns"
    if swap in list(pieces(notation)):
        turned = format_shape(rows[::-1])
        words += f", {swap.name} vec(M) = vec(Mᵀ) for M of {turned}"
    return Formula(d, "vec", _title(d), notation, shape, words)


def _sides(d: Derivative) -> tuple[Shape, Shape]:
    """The axes stacked in the rows and those in the columns: of a Hessian its two arguments'."""
    sides = [d.of.expr.shape, *(a.expr.shape for a in d.arguments)]
    if not sides[0] and len(sides) > 2:
        del sides[0]
    if len(sides) != 2 or max(map(len, sides)) > 2:
        raise NotSupportedError(
            f"{d.title}, {format_shape(d.shape)}, as a matrix between columns: it is for one "
            "matrix by another",
            'take its entries: d.formula(form="index")',
        )
    return sides[0], sides[1]


def _grouped(shape: Shape) -> str:
    """m·n."""
    return "·".join(map(str, shape)) or "1"


def _title(d: Derivative) -> str:
    bare = d.of.name or f"({name_of(d.of)})"
    first, *others = (f"vec({name_of(a)})" if a.expr.ndim == 2 else name_of(a) for a in d.arguments)
    if others:
        return f"∂²{bare}/∂{first}∂{others[0]}ᵀ"
    return f"∂{f'vec({name_of(d.of)})' if d.of.expr.ndim == 2 else bare}/∂{first}"


def _free_name(d: Derivative) -> str:
    taken = quantity_names(d.universe)
    return next(
        name for name in (*_SWAPS, *(f"K_{n}" for n in range(len(taken) + 1))) if name not in taken
    )
