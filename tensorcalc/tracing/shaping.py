"""Axes moved, merged, split, cut and joined, with NumPy's own meaning and order of entries."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.expr import Delta, Expr, Merge, Select, add, product, transpose
from tensorcalc.shapes import Dim, Shape, product_dim
from tensorcalc.tracing.algebra import (
    common_shape,
    dim_of,
    expand,
    expr_of,
    fitted,
    named,
    shape_text,
    squeezed,
)

__all__ = [
    "axes_of",
    "axis_of",
    "broadcast_to",
    "concatenate",
    "diagonal",
    "expand_dims",
    "from_diagonal",
    "indexed",
    "moveaxis",
    "permuted",
    "ravel",
    "reshape",
    "stack",
    "swapaxes",
    "take_out",
]


# ── axes ─────────────────────────────────────────────────────────────────────────────────


def axis_of(axis: Any, ndim: int, attempt: str) -> int:
    """An axis counted from 0; ShapeError for one that is not there."""
    try:
        number = operator.index(axis)
    except TypeError:
        given = named(axis) if isinstance(axis, Expr) else repr(axis)
        raise ShapeError(f"{attempt} along axis {given}", "give the axis as a number") from None
    if not -ndim <= number < ndim:
        hint = f"choose an axis from 0 to {ndim - 1}" if ndim > 1 else "its one axis is 0"
        hint = hint if ndim else "leave the axis out: a number has none"
        raise ShapeError(f"{attempt} along axis {number}", hint)
    return number % ndim


def axes_of(axis: Any, ndim: int, attempt: str) -> tuple[int, ...]:
    """The axes that ``axis`` names: all for None, one, or several; each once."""
    if axis is None:
        return tuple(range(ndim))
    several = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(axis_of(a, ndim, attempt) for a in several)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{attempt} along axes {axis}", "name each axis once")
    return axes


def permuted(a: Any, axes: Sequence[Any] | None = None) -> Expr:
    """np.transpose: axis k of the result is axis ``axes[k]``."""
    e = expr_of(a)
    if axes is None:
        return transpose(e, range(e.ndim)[::-1])
    order = axes_of(tuple(axes), e.ndim, _of("transpose", e))
    if len(order) != e.ndim:
        raise ShapeError(f"{_of('transpose', e)} to axes {order}", "name every axis once")
    return transpose(e, order)


def swapaxes(a: Any, axis1: Any, axis2: Any) -> Expr:
    """np.swapaxes."""
    e = expr_of(a)
    i, j = (axis_of(axis, e.ndim, _of("swapaxes", e)) for axis in (axis1, axis2))
    order = list(range(e.ndim))
    order[i], order[j] = j, i
    return transpose(e, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Expr:
    """np.moveaxis."""
    e = expr_of(a)
    start = axes_of(source, e.ndim, _of("moveaxis", e))
    end = axes_of(destination, e.ndim, _of("moveaxis", e))
    if len(start) != len(end):
        raise ShapeError(
            f"{_of('moveaxis', e)} from {source} to {destination}", "name as many axes"
        )
    order = [k for k in range(e.ndim) if k not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return transpose(e, order)


def expand_dims(a: Any, axis: Any) -> Expr:
    """np.expand_dims: new axes of size 1 at these places of the result."""
    e = expr_of(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return expand(e, axes_of(axis, e.ndim + count, _of("expand_dims", e)))


def take_out(a: Any, axis: Any = None) -> Expr:
    """np.squeeze: axes of size 1 are left out."""
    e = expr_of(a)
    if axis is None:
        return squeezed(e, [k for k, dim in enumerate(e.shape) if dim == 1])
    axes = axes_of(axis, e.ndim, _of("squeeze", e))
    if any(e.shape[k] != 1 for k in axes):
        raise ShapeError(f"{_of('squeeze', e)} along axis {axis}", "leave out axes of size 1")
    return squeezed(e, axes)


def broadcast_to(a: Any, shape: Any) -> Expr:
    """np.broadcast_to."""
    e = expr_of(a)
    wanted = read_dims(shape)
    if common_shape("broadcast_to", e, fitted(expr_of(1.0), wanted)) != wanted:
        raise ShapeError(
            f"{_of('broadcast_to', e)} to {shape_text(wanted)}", "only size 1 is repeated"
        )
    return fitted(e, wanted)


def read_dims(shape: Any) -> Shape:
    """The dimensions that a shape argument gives: one size, or several."""
    return tuple(map(dim_of, shape if isinstance(shape, (tuple, list)) else (shape,)))


def _of(what: str, e: Expr) -> str:
    return f"np.{what} of {named(e)}"


# ── reshape ──────────────────────────────────────────────────────────────────────────────


def ravel(a: Any) -> Expr:
    """All entries in one axis, the last index fastest."""
    e = expr_of(a)
    return e if e.ndim == 1 else _regrouped(e, (product_dim(*e.shape),))


def reshape(a: Any, shape: Any) -> Expr:
    """np.reshape: the same entries in the same order, the last index fastest; one −1 is found."""
    e = expr_of(a)
    sizes = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    unknown = [
        k for k, size in enumerate(sizes) if isinstance(size, (int, np.integer)) and size == -1
    ]
    dims: list[Dim] = [1 if k in unknown else dim_of(size) for k, size in enumerate(sizes)]
    misfit = ShapeError(
        f"{_of('reshape', e)} to {shape_text(map(_written, sizes))}",
        f"give a shape of {product_dim(*e.shape)} entries",
    )
    if len(unknown) > 1:
        raise misfit
    if unknown:
        dims[unknown[0]] = _remaining(e.shape, dims, misfit)
    if product_dim(*dims) != product_dim(*e.shape):
        raise misfit
    return _regrouped(e, tuple(dims))


def _is_open(size: Any) -> bool:
    return isinstance(size, (int, np.integer)) and size == -1


def _written(size: Any) -> Dim:
    return -1 if _is_open(size) else dim_of(size)


def _remaining(whole: Shape, known: Sequence[Dim], misfit: ShapeError) -> Dim:
    """The size that makes ``known`` as many entries as ``whole``."""
    left = list(whole)
    for dim in known:
        if isinstance(dim, str) and dim in left:
            left.remove(dim)
        elif not isinstance(dim, int):
            raise misfit
    number = math.prod(dim for dim in left if isinstance(dim, int))
    count = math.prod(dim for dim in known if isinstance(dim, int))
    if count == 0 or number % count:
        raise misfit
    return product_dim(number // count, *(dim for dim in left if not isinstance(dim, int)))


def _regrouped(e: Expr, shape: Shape) -> Expr:
    """``e`` in another shape of as many entries: each group of axes is merged and split."""
    if e.shape == shape:
        return e
    old = [k for k, dim in enumerate(e.shape) if dim != 1]
    new = [k for k, dim in enumerate(shape) if dim != 1]
    core = squeezed(e, [k for k, dim in enumerate(e.shape) if dim == 1])
    operands, inputs = [core], [tuple(range(len(old)))]
    output, fresh = [], len(old)
    for before, after in _groups(core.shape, [shape[k] for k in new]):
        if len(before) == len(after) == 1:
            output += before
            continue
        whole = before[0] if len(before) == 1 else fresh + len(after)
        parts = list(range(fresh, fresh + len(after)))
        if len(after) == 1:
            whole = parts[0]
        fresh += len(after) + 1
        if len(before) > 1:
            operands.append(Merge(tuple(core.shape[k] for k in before)))
            inputs.append((whole, *before))
        if len(after) > 1:
            operands.append(Merge(tuple(shape[new[k]] for k in after)))
            inputs.append((whole, *parts))
        output += parts
    merged = product(operands, inputs, tuple(output))
    return expand(merged, [k for k in range(len(shape)) if k not in new])


def _groups(old: Sequence[Dim], new: Sequence[Dim]) -> list[tuple[list[int], list[int]]]:
    """The shortest runs of axes of ``old`` and ``new`` that have as many entries."""
    groups, i, j = [], 0, 0
    while i < len(old):
        before, after = [i], [j]
        i, j = i + 1, j + 1
        while (left := product_dim(*(old[k] for k in before))) != (
            right := product_dim(*(new[k] for k in after))
        ):
            grow_old = j == len(new) or (
                i < len(old) and isinstance(left, int) and isinstance(right, int) and left < right
            )
            if not grow_old and not (isinstance(left, int) and isinstance(right, int)):
                grow_old = i < len(old) and len(before) <= len(after)
            if grow_old:
                before.append(i)
                i += 1
            else:
                after.append(j)
                j += 1
        groups.append((before, after))
    return groups


# ── entries ──────────────────────────────────────────────────────────────────────────────


def indexed(e: Expr, key: Any) -> Expr:
    """x[key] for whole numbers, slices, None and … ."""
    places = list(key) if isinstance(key, tuple) else [key]
    for place in places:
        _require_basic(e, place)
    used = sum(place is not None and place is not Ellipsis for place in places)
    if used > e.ndim or sum(place is Ellipsis for place in places) > 1:
        raise ShapeError(f"{named(e)} with {used} indices", "give at most one index per axis")
    whole = [slice(None)] * (e.ndim - used)
    cut = next((k for k, place in enumerate(places) if place is Ellipsis), len(places))
    places[cut : cut + 1] = whole
    axis, new, result = 0, [], 0
    for place in places:
        if place is None:
            new.append(result)
        elif isinstance(place, slice):
            e = _sliced(e, axis, place)
            axis += 1
        else:
            e = Select(e, axis, _entry(e, axis, int(place)))
            continue
        result += 1
    return expand(e, new)


def _require_basic(e: Expr, place: Any) -> None:
    if place is None or place is Ellipsis or isinstance(place, slice):
        return
    if isinstance(place, (int, np.integer)) and not isinstance(place, (bool, np.bool_)):
        return
    if isinstance(place, Expr):
        raise NotSupportedError(
            f"{named(e)} indexed by {named(place)}, whose value is not known yet",
            "choose entries with np.where(condition, a, b)",
        )
    kind = np.asarray(place).dtype.kind if isinstance(place, (list, np.ndarray, bool)) else ""
    if kind == "b":
        raise NotSupportedError(
            f"{named(e)} indexed by a mask", "choose entries with np.where(mask, x, 0)"
        )
    raise NotSupportedError(
        f"{named(e)} indexed by {type(place).__name__}",
        "give whole numbers and slices; pick rows by a matrix of zeros and ones, np.eye(n)[k] @ x",
    )


def _entry(e: Expr, axis: int, number: int) -> int:
    dim = e.shape[axis]
    found = number + dim if number < 0 and isinstance(dim, int) else number
    if found < 0 or (isinstance(dim, int) and found >= dim):
        raise ShapeError(
            f"{named(e)}: entry {number} along an axis of size {dim}",
            f"choose an entry from 0 to {dim - 1}" if isinstance(dim, int) else "count from 0",
        )
    return found


def _sliced(e: Expr, axis: int, place: slice) -> Expr:
    dim = e.shape[axis]
    if place == slice(None) or place == slice(None, None, 1):
        return e
    if not isinstance(dim, int):
        raise NotSupportedError(
            f"{named(e)}: a slice of an axis of size {dim}", "declare the size as a number"
        )
    try:
        chosen = range(*place.indices(dim))
    except (TypeError, ValueError):
        raise ShapeError(
            f"{named(e)} sliced by {place}", "give whole numbers, and a step other than 0"
        ) from None
    if not len(chosen):
        raise ShapeError(f"{named(e)}: a slice without entries", "take at least one entry")
    return e if chosen == range(dim) else Select(e, axis, chosen)


def diagonal(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, what: str = "diagonal"
) -> Expr:
    """np.diagonal: the entries with equal indices along two axes, in a last axis."""
    e = expr_of(a)
    if e.ndim < 2:
        raise ShapeError(_of(what, e), "give an array of two axes or more")
    i, j = (axis_of(axis, e.ndim, _of("diagonal", e)) for axis in (axis1, axis2))
    rows, columns = e.shape[i], e.shape[j]
    if offset or rows != columns:
        if not (isinstance(rows, int) and isinstance(columns, int)):
            raise NotSupportedError(_of("diagonal", e), "declare the sizes as numbers")
        top, left = max(-offset, 0), max(offset, 0)
        length = min(rows - top, columns - left)
        if length < 1:
            raise ShapeError(f"{_of('diagonal', e)}, offset {offset}", "take one with entries")
        e = _sliced(e, i, slice(top, top + length))
        e = _sliced(e, j, slice(left, left + length))
    kept = [k for k in range(e.ndim) if k not in (i, j)]
    indices = tuple(i if k == j else k for k in range(e.ndim))
    return product((e,), (indices,), (*kept, i))


def from_diagonal(a: Any, k: int = 0) -> Expr:
    """np.diag of a vector: the matrix with it on the diagonal ``k``."""
    e = expr_of(a)
    (dim,) = e.shape
    if not k:
        return product((Delta(dim), e), ((0, 1), (0,)), (0, 1))
    if not isinstance(dim, int):
        raise NotSupportedError(_of("diag", e), "declare the size as a number")
    top, left, size = max(-k, 0), max(k, 0), dim + abs(k)
    rows = Select(Delta(size), 0, range(top, top + dim))
    columns = Select(Delta(size), 0, range(left, left + dim))
    return product((e, rows, columns), ((0,), (0, 1), (0, 2)), (1, 2))


# ── joining ──────────────────────────────────────────────────────────────────────────────


def concatenate(arrays: Any, axis: Any = 0) -> Expr:
    """np.concatenate: each part stands at its place in zeros, and all are added."""
    parts = _parts(arrays, "concatenate")
    if axis is None:
        parts, axis = [ravel(part) for part in parts], 0
    place = axis_of(axis, parts[0].ndim, _of("concatenate", parts[0]))
    sizes = [part.shape[place] if part.ndim > place else None for part in parts]
    rest = {part.shape[:place] + part.shape[place + 1 :] for part in parts}
    if len(rest) > 1 or len({part.ndim for part in parts}) > 1:
        raise ShapeError(
            f"np.concatenate of {' and '.join(map(named, parts))} along axis {axis}",
            "give parts that agree along every other axis",
        )
    if len(parts) == 1:
        return parts[0]
    if not all(isinstance(size, int) for size in sizes):
        raise NotSupportedError(
            f"np.concatenate of {' and '.join(map(named, parts))}", "declare the sizes as numbers"
        )
    whole, start, terms = sum(sizes), 0, []  # type: ignore[arg-type]
    for part in parts:
        size = part.shape[place]
        assert isinstance(size, int)
        terms.append(_placed(part, place, whole, range(start, start + size)))
        start += size
    return add(*terms)


def _placed(part: Expr, axis: int, whole: int, where: range) -> Expr:
    """``part`` at the entries ``where`` of an axis of size ``whole``, zeros elsewhere."""
    axes, fresh = tuple(range(part.ndim)), part.ndim
    output = tuple(fresh if k == axis else k for k in axes)
    if len(where) == 1:
        thin = axes[:axis] + axes[axis + 1 :]
        unit = Select(Delta(whole), 0, where[0])
        return product((squeezed(part, [axis]), unit), (thin, (fresh,)), output)
    return product((part, Select(Delta(whole), 0, where)), (axes, (axis, fresh)), output)


def stack(arrays: Any, axis: Any = 0) -> Expr:
    """np.stack: the parts along a new axis."""
    parts = _parts(arrays, "stack")
    if len({part.shape for part in parts}) > 1:
        raise ShapeError(
            f"np.stack of {' and '.join(map(named, parts))}", "give parts of one shape"
        )
    place = axis_of(axis, parts[0].ndim + 1, _of("stack", parts[0]))
    return concatenate([expand(part, [place]) for part in parts], place)


def _parts(arrays: Any, what: str) -> list[Expr]:
    if isinstance(arrays, Expr):
        dim = arrays.shape[0] if arrays.ndim else None
        if not isinstance(dim, int):
            raise NotSupportedError(f"np.{what} of {named(arrays)}", "give a list of arrays")
        return [Select(arrays, 0, k) for k in range(dim)]
    parts = list(map(expr_of, arrays))
    if not parts:
        raise ShapeError(f"np.{what} of no arrays", "give at least one")
    return parts
