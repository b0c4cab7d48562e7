"""Explicit derivative objects from one's own arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorcalc.derivative import Contribution, Derivative, Link
from tensorcalc.errors import ShapeError
from tensorcalc.expr import Constant, Expr, Variable
from tensorcalc.layout import Layout, read_layout
from tensorcalc.shapes import Dim, Shape, format_shape
from tensorcalc.tensor import Tensor, as_tensor, read_name
from tensorcalc.wording import titled

__all__ = ["from_array"]


def from_array(array: Any, /, of: Any, wrt: Any, *, layout: str = "numerator") -> Derivative:
    """An explicit derivative from one's own array, in ``layout``; the array is copied.

    ``of`` and ``wrt`` are quantities, or strings, which stand for the quantity of that name and
    size. Raises ShapeError where the array has not the shape of ∂of/∂wrt.
    """
    shown = read_layout(layout)
    constant = as_tensor(array)  # a Constant copies and freezes its array
    shape = constant.expr.shape
    if isinstance(of, str) and isinstance(wrt, str):
        value_ndim, argument_ndim = _axes_of_named(shape, of, wrt)
    else:
        argument_ndim = 0 if isinstance(wrt, str) else as_tensor(wrt).expr.ndim
        value_ndim = 0 if isinstance(of, str) else as_tensor(of).expr.ndim
        rest = len(shape) - value_ndim - argument_ndim
        squeezed = _lone_axis_is_pad(shown, shape, of, wrt)
        if isinstance(of, str):
            value_ndim = rest - squeezed
        elif isinstance(wrt, str):
            argument_ndim = rest - squeezed
    if value_ndim < 0 or argument_ndim < 0:
        raise _misshapen(shape, of, wrt)
    value = _placed(constant.expr, value_ndim, argument_ndim, shown, of, wrt)
    quantities, placeholders = [], set()
    dims = value.shape[:value_ndim], value.shape[value_ndim:]
    for given, shape_ in zip((of, wrt), dims, strict=True):
        if isinstance(given, str):
            t = Tensor(Variable(read_name(given), shape_))
            placeholders.add(t.expr)
        else:
            t = as_tensor(given)
            if t.expr.shape != shape_:
                raise _misshapen(shape, of, wrt)
        quantities.append(t)
    link = Link(quantities[0], (quantities[1],), frozenset(), value, given=True)
    return Derivative(
        quantities[0],
        (quantities[1],),
        value,
        (Contribution(1.0, (link,)),),
        layout=shown,
        placeholders=frozenset(placeholders),
    )


def _axes_of_named(shape: Shape, of: str, wrt: str) -> tuple[int, int]:
    if len(shape) == 2:
        return (0, 1) if shape[0] == 1 else (1, 1)
    if len(shape) <= 1:
        return 0, len(shape)
    raise ShapeError(
        f"∂{of}/∂{wrt} from an array of shape {format_shape(shape)}: which axes are whose is open",
        "give of= or wrt= as a quantity",
    )


def _lone_axis_is_pad(layout: Layout, shape: Shape, of: Any, wrt: Any) -> int:
    """1 where the array's extra axis of size 1 only makes a row or a column of the rest."""
    if not layout.pads or len(shape) != 2:
        return 0
    known = wrt if isinstance(of, str) else of
    if as_tensor(known).expr.ndim > 1:
        return 0
    pad = 0 if (layout.name == "numerator") == isinstance(of, str) else 1
    if as_tensor(known).expr.ndim == 0:  # then the lone axis is the named quantity's
        pad = 1 - pad
    return int(shape[pad] == 1)


def _placed(
    constant: Expr, value_ndim: int, argument_ndim: int, layout: Layout, of: Any, wrt: Any
) -> Expr:
    """The array with stored axes: pads taken off, the layout's permutation undone."""
    place = layout.place(value_ndim, (argument_ndim,))
    array = np.asarray(constant.value)  # type: ignore[attr-defined]
    if array.ndim == len(place) and any(axis is None for axis in place):
        pads = tuple(k for k, axis in enumerate(place) if axis is None)
        if any(array.shape[k] != 1 for k in pads):
            raise _misshapen(array.shape, of, wrt)
        array = array.squeeze(pads)
    if array.ndim != value_ndim + argument_ndim:
        raise _misshapen(array.shape, of, wrt)
    axes = layout.axes(value_ndim, (argument_ndim,))
    return Constant(array.transpose(np.argsort(axes)))


def _misshapen(shape: Sequence[Dim], of: Any, wrt: Any) -> ShapeError:
    names = [g if isinstance(g, str) else titled(as_tensor(g)) for g in (of, wrt)]
    return ShapeError(
        f"∂{names[0]}/∂{names[1]} from an array of shape {format_shape(tuple(shape))}",
        "the array has the axes of the value, then those of the argument reversed (numerator "
        "layout), or pass layout=",
    )
