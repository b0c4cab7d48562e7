"""SymPy expressions of quantities and derivatives: by matrices, or entry by entry."""

from __future__ import annotations

from typing import Any

from tensorcalc.derivative import Derivative
from tensorcalc.display.letters import argument_letters, value_letters
from tensorcalc.errors import TensorCalcError
from tensorcalc.expr import Expr
from tensorcalc.interop.index import entry_of
from tensorcalc.interop.matrix import matrix_of
from tensorcalc.interop.symbols import require_sympy
from tensorcalc.layout import permuted
from tensorcalc.shapes import names_in
from tensorcalc.structure import quantity_names
from tensorcalc.tensor import Tensor
from tensorcalc.values import computation

__all__ = ["to_sympy"]


def to_sympy(item: Tensor | Derivative, /, form: str = "matrix") -> Any:
    """The formula as a SymPy expression in the variables; definitions are written out.

    ``form="matrix"``: a matrix expression of the shape that the quantity or the derivative, in
    its layout, has as rows × columns (a lone axis is a column); a scalar expression for a
    scalar. Variables are ``MatrixSymbol``, vectors n × 1, scalars ``Symbol``, named sizes
    ``Symbol`` too. Raises NotSupportedError where matrix notation has no word for the formula.

    ``form="index"``: the pair (entry, indices), one scalar expression with ``IndexedBase``
    symbols, ``Sum`` and ``KroneckerDelta``, and one ``Idx`` for each axis, counted from 0; the
    axes of the value come first, then those of the argument. ``entry.subs(…)`` and ``doit()``
    evaluate it. Raises NotSupportedError for inverses, determinants, and formulas too long.

    At kinks the values are this library's. Raises TensorCalcError where SymPy is missing.
    """
    if form not in ("matrix", "index"):
        raise TensorCalcError(f"to_sympy with form={form!r}", 'choose form="matrix" or "index"')
    require_sympy()
    if form == "index":
        return _by_index(item)
    return _by_matrices(item)


def _by_matrices(item: Tensor | Derivative) -> Any:
    if isinstance(item, Tensor):
        expr, lies = item.expr, item.form == "row"
    else:
        place = item.layout_view.place(item.of.expr.ndim, [a.expr.ndim for a in item.arguments])
        expr = permuted(item.value, [axis for axis in place if axis is not None])
        lies = place[0] is None if place else False
        if item.own_shape:
            lies = item.arguments[0].form == "row"
    computation([expr])
    return matrix_of(expr, lies=lies and expr.ndim == 1)


def _by_index(item: Tensor | Derivative) -> tuple[Any, tuple[Any, ...]]:
    expr = item.expr if isinstance(item, Tensor) else item.value
    computation([expr])
    taken = _taken(expr)
    if isinstance(item, Tensor):
        return entry_of(expr, value_letters(expr.ndim, taken), taken)
    letters = value_letters(item.of.expr.ndim, taken)
    for argument in item.arguments:
        letters += argument_letters(argument.expr.ndim, taken | set(letters))
    return entry_of(expr, letters, taken)


def _taken(expr: Expr) -> set[str]:
    """Names that an index must not have: those of quantities and of sizes."""
    variables = computation([expr]).values()
    return quantity_names([expr]) | set(names_in(d for v in variables for d in v.shape))
