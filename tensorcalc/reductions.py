"""Reductions of quantities, along one axis or all, and the softmax, which keeps its axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.errors import ShapeError
from tensorcalc.expr import (
    Constant,
    Einsum,
    Expr,
    Ones,
    Special,
    SpecialFunction,
    hadamard,
    product,
    transpose,
)
from tensorcalc.expr import einsum as index_einsum
from tensorcalc.shapes import Shape
from tensorcalc.tensor import Tensor, as_tensor, short, title

__all__ = [
    "largest",
    "log_softmax",
    "logsumexp",
    "mean",
    "norm",
    "norm1",
    "prod",
    "smallest",
    "softmax",
    "total",
    "var",
]


def _axis_of(t: Tensor, axis: Any, what: str) -> int | None:
    """The stored axis to reduce along: None for all, −1 where that axis has one entry."""
    if axis is None:
        return None
    ndim = max(t.ndim, 2)
    whole = isinstance(axis, int) and not isinstance(axis, bool)
    if not whole or not -ndim <= axis < ndim or t.form == "scalar":
        hint = "axis is 0 (gives a row) or 1 (a column)"
        if t.form == "tensor":
            hint = f"axis is a number from 0 to {ndim - 1}"
        elif t.form == "scalar":
            hint = "leave axis out: a scalar has no axes"
        elif isinstance(axis, Tensor) and what in ("max", "min"):
            hint = f"the larger or smaller of two is tc.{what}imum({short(t)}, {short(axis)})"
        elif what == "norm" and axis == 2:
            hint = f"leave 2 out: norm({short(t)}) is the 2-norm"
        along = title(axis) if isinstance(axis, Tensor) else axis
        raise ShapeError(f"{what} of {title(t)} along axis {along}", hint)
    axis %= ndim
    if t.form in ("column", "row"):
        return 0 if (t.form == "column") == (axis == 0) else -1
    return axis


def _form_without(t: Tensor, axis: int | None) -> str:
    """How ``t`` stands once an axis is reduced: sums down the columns are a row."""
    if axis is None or t.expr.ndim == 1:
        return "scalar"
    if t.form == "matrix":
        return "row" if axis == 0 else "column"
    return ("scalar", "column", "matrix")[t.expr.ndim - 1] if t.expr.ndim < 4 else "tensor"


def _reduced(
    t: Tensor, axis: Any, what: str, along: Callable[[Expr, tuple[int, ...]], Expr]
) -> Tensor:
    """``along(expression, axes)`` for all axes or for one."""
    place = _axis_of(t, axis, what)
    if place == -1:
        return Tensor(along(t.expr, ()), t.form)
    axes = tuple(range(t.expr.ndim)) if place is None else (place,)
    return Tensor(along(t.expr, axes), _form_without(t, place))


def _sum_along(e: Expr, axes: tuple[int, ...]) -> Expr:
    kept = tuple(k for k in range(e.ndim) if k not in axes)
    if isinstance(e, Einsum) and not e.summed:  # sum(u**2) is the sum of squares, as u.T @ u is
        return Einsum(e.operands, e.inputs, tuple(e.output[k] for k in kept))
    return product((e,), (tuple(range(e.ndim)),), kept)


def _mean_along(e: Expr, axes: tuple[int, ...]) -> Expr:
    whole = _sum_along(e, axes)
    count, scale = 1, []
    for axis in axes:
        dim = e.shape[axis]
        if isinstance(dim, int):
            count *= dim
        else:
            scale.append(f.reciprocal(index_einsum("i->", Ones(dim))))
    factors = ([Constant(1 / count)] if count != 1 else []) + scale
    return hadamard(*factors, whole) if factors else whole


def _repeated_along(e: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    """What was reduced along ``axes``, repeated along them again."""
    kept = tuple(k for k in range(len(shape)) if k not in axes)
    ones = tuple(Ones(shape[k]) for k in axes)
    return product((e, *ones), (kept, *((k,) for k in axes)), tuple(range(len(shape))))


def _variance_along(e: Expr, axes: tuple[int, ...]) -> Expr:
    deviation = e - _repeated_along(_mean_along(e, axes), e.shape, axes)
    return _mean_along(deviation * deviation, axes)


def _special_along(
    e: Expr, axes: tuple[int, ...], record: Callable[[int], SpecialFunction]
) -> Expr:
    """A function that couples the entries along ``axes``, which are moved last for it."""
    if not axes:
        return e
    kept = tuple(k for k in range(e.ndim) if k not in axes)
    return Special(record(len(axes)), transpose(e, (*kept, *axes)))


def total(t: Any, /, axis: int | None = None) -> Tensor:
    """The sum of all entries, or along ``axis``: 0 gives a row, 1 a column.

    Raises ShapeError for an axis that is not there.
    """
    return _reduced(as_tensor(t), axis, "sum", _sum_along)


def mean(t: Any, /, axis: int | None = None) -> Tensor:
    """The mean of all entries, or along ``axis``: 0 gives a row, 1 a column.

    Raises ShapeError for an axis that is not there.
    """
    return _reduced(as_tensor(t), axis, "mean", _mean_along)


def var(t: Any, /, axis: int | None = None) -> Tensor:
    """The population variance mean((x − mean x)²) of all entries, or along ``axis``.

    Raises ShapeError for an axis that is not there.
    """
    return _reduced(as_tensor(t), axis, "var", _variance_along)


def prod(t: Any, /, axis: int | None = None) -> Tensor:
    """The product of all entries, or along ``axis``; its derivative divides by no entry.

    Raises ShapeError for an axis that is not there.
    """
    along = lambda e, axes: _special_along(e, axes, lambda n: special.product_without(0, n))
    return _reduced(as_tensor(t), axis, "prod", along)


def largest(t: Any, /, axis: int | None = None) -> Tensor:
    """The largest entry, or that along ``axis``; tied maxima share the derivative equally.

    Raises ShapeError for an axis that is not there.
    """
    along = lambda e, axes: _special_along(e, axes, special.maximum_over)
    return _reduced(as_tensor(t), axis, "max", along)


def smallest(t: Any, /, axis: int | None = None) -> Tensor:
    """The smallest entry, or that along ``axis``; tied minima share the derivative equally.

    Raises ShapeError for an axis that is not there.
    """
    return -largest(-as_tensor(t), axis)


def norm(t: Any, /, axis: int | None = None) -> Tensor:
    """The 2-norm ‖x‖ (Frobenius for a matrix), or that along ``axis``; gradient 0 at 0.

    Raises ShapeError for an axis that is not there.
    """
    along = lambda e, axes: f.length(_sum_along(e * e, axes))
    return _reduced(as_tensor(t), axis, "norm", along)


def norm1(t: Any, /, axis: int | None = None) -> Tensor:
    """The 1-norm Σ |x| of all entries, or along ``axis``; abs′(0) = 0.

    Raises ShapeError for an axis that is not there.
    """
    along = lambda e, axes: _sum_along(f.abs_(e), axes)
    return _reduced(as_tensor(t), axis, "norm1", along)


def logsumexp(t: Any, /, axis: int | None = None) -> Tensor:
    """log Σ exp(x) of all entries, or along ``axis``, without overflow.

    Raises ShapeError for an axis that is not there.
    """

    def along(e: Expr, axes: tuple[int, ...]) -> Expr:
        for axis in sorted(axes, reverse=True):  # one axis after the other is the same
            e = _special_along(e, (axis,), lambda _: special.logsumexp)
        return e

    return _reduced(as_tensor(t), axis, "logsumexp", along)


def _along_one_axis(record: SpecialFunction) -> Callable[..., Tensor]:
    """A function along one axis that keeps it: of a vector, or of more axes with ``axis``."""

    def apply(t: Any, /, axis: int | None = None) -> Tensor:
        t = as_tensor(t)
        if axis is None and t.form == "matrix" and 1 in t.shape:  # a declared row, or n × 1
            axis = 1 if t.shape[0] == 1 else 0
        if axis is None and t.form in ("matrix", "tensor"):
            raise ShapeError(
                f"{record.name} of {title(t)} without an axis",
                "give a vector, or say axis=0 (down each column) or axis=1",
            )
        place = 0 if axis is None else _axis_of(t, axis, record.name)
        assert place is not None
        if place == -1 or t.form == "scalar":
            raise ShapeError(
                f"{record.name} of {title(t)} along an axis of one entry, where it is 1 or 0",
                "give a vector" if axis is None else f"leave axis out: {record.name}({short(t)})",
            )
        value = _special_along(t.expr, (place,), lambda _: record)
        order = (*(k for k in range(value.ndim) if k != place), place)
        return Tensor(transpose(value, map(order.index, range(value.ndim))), t.form)

    apply.__name__ = apply.__qualname__ = record.name
    apply.__doc__ = (
        f"{record.name} of a vector, or of a matrix along ``axis`` (0: down each column).\n\n"
        "    Raises ShapeError for an axis that is not there or has one entry."
    )
    return apply


softmax = _along_one_axis(special.softmax)
log_softmax = _along_one_axis(special.log_softmax)
