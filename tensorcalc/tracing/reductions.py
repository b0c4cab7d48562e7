"""Sums, means, maxima, products and norms along axes, as NumPy takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.expr import Constant, Expr, product
from tensorcalc.tracing.algebra import (
    divide,
    entries,
    expand,
    expr_of,
    fitted,
    minus,
    named,
    negative,
    number_of,
    raised,
    refuse,
    special_last,
    times,
)
from tensorcalc.tracing.shaping import axes_of, axis_of, ravel

__all__ = [
    "average",
    "cumsum",
    "largest",
    "mean",
    "norm",
    "prod",
    "ptp",
    "smallest",
    "std",
    "total",
    "var",
]

Along = Callable[[Expr, tuple[int, ...]], Expr]


def reduced(what: str, a: Any, axis: Any, keepdims: Any, along: Along) -> Expr:
    """``along(expression, axes)``; the axes come back with size 1 where they are kept."""
    e = expr_of(a)
    axes = axes_of(axis, e.ndim, f"np.{what} of {named(e)}")
    value = along(e, axes)
    return expand(value, axes) if keepdims else value


def sum_along(e: Expr, axes: tuple[int, ...]) -> Expr:
    """The sum over ``axes``."""
    kept = tuple(k for k in range(e.ndim) if k not in axes)
    return product((e,), (tuple(range(e.ndim)),), kept)


def _over_count(e: Expr, count: Expr, ddof: float = 0) -> Expr:
    number = number_of(count)
    if number is None:
        return times(f.reciprocal(count - ddof if ddof else count), e)
    if number <= ddof:
        raise ShapeError(
            f"a variance of {number:g} entries with ddof={ddof}", "take a smaller ddof"
        )
    return times(1 / (number - ddof), e)


def mean_along(e: Expr, axes: tuple[int, ...]) -> Expr:
    """The mean over ``axes``."""
    return _over_count(sum_along(e, axes), entries(e.shape[k] for k in axes))


def total(a: Any, axis: Any = None, *, keepdims: Any = False) -> Expr:
    """np.sum."""
    return reduced("sum", a, axis, keepdims, sum_along)


def mean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Expr:
    """np.mean."""
    return reduced("mean", a, axis, keepdims, mean_along)


def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: Any = False) -> Expr:
    """np.average, with weights of the array's shape or of that of its one axis."""
    e = expr_of(a)
    if weights is None:
        return mean(e, axis, keepdims=keepdims)
    w = expr_of(weights)
    if w.shape != e.shape and w.ndim == 1 and axis is not None:
        place = axis_of(axis, e.ndim, f"np.average of {named(e)}")
        w = fitted(expand(w, [k for k in range(e.ndim) if k != place]), e.shape)
    whole = total(times(e, w), axis, keepdims=keepdims)
    return divide(whole, total(w, axis, keepdims=keepdims))


def var(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: Any = False) -> Expr:
    """np.var: the mean square of what is left without the mean."""

    def along(e: Expr, axes: tuple[int, ...]) -> Expr:
        rest = minus(e, expand(mean_along(e, axes), axes))
        count = entries(e.shape[k] for k in axes)
        return _over_count(sum_along(rest * rest, axes), count, ddof)

    return reduced("var", a, axis, keepdims, along)


def std(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: Any = False) -> Expr:
    """np.std: the square root of np.var."""
    return f.sqrt(var(a, axis, ddof=ddof, keepdims=keepdims))


def prod(a: Any, axis: Any = None, *, keepdims: Any = False) -> Expr:
    """np.prod; its derivative divides by no entry."""
    along = lambda e, axes: special_last(e, axes, lambda n: special.product_without(0, n))
    return reduced("prod", a, axis, keepdims, along)


def largest(a: Any, axis: Any = None, *, keepdims: Any = False) -> Expr:
    """np.max; tied maxima share the derivative equally."""
    along = lambda e, axes: special_last(e, axes, special.maximum_over)
    return reduced("max", a, axis, keepdims, along)


def smallest(a: Any, axis: Any = None, *, keepdims: Any = False) -> Expr:
    """np.min; tied minima share the derivative equally."""
    return negative(largest(negative(a), axis, keepdims=keepdims))


def ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Expr:
    """np.ptp: the largest less the smallest."""
    return minus(largest(a, axis, keepdims=keepdims), smallest(a, axis, keepdims=keepdims))


def cumsum(a: Any, axis: Any = None) -> Expr:
    """np.cumsum: a product with the triangle of ones."""
    e = ravel(a) if axis is None else expr_of(a)
    place = 0 if axis is None else axis_of(axis, e.ndim, f"np.cumsum of {named(e)}")
    size = e.shape[place]
    if not isinstance(size, int):
        raise NotSupportedError(f"np.cumsum of {named(e)}", "declare the size as a number")
    axes = tuple(range(e.ndim))
    output = tuple(e.ndim if k == place else k for k in axes)
    return product((Constant(np.tri(size)), e), ((e.ndim, place), axes), output)


# ── norms ────────────────────────────────────────────────────────────────────────────────


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Expr:
    """np.linalg.norm: of all entries, of vectors along one axis, of matrices along two."""
    e = expr_of(x)
    attempt = f"np.linalg.norm of {named(e)}"
    if axis is None and ord is None:
        return reduced("linalg.norm", e, None, keepdims, _euclidean)
    if axis is None and e.ndim > 2:
        raise ShapeError(f"{attempt} with ord={ord!r}", "say which axes with axis=")
    axes = axes_of(axis, e.ndim, attempt)
    if len(axes) > 2 or (len(axes) == 0 and ord is not None):
        raise ShapeError(f"{attempt} along axes {axis}", "norms are taken along one axis or two")
    along = _vector_norm(ord, attempt) if len(axes) == 1 else _matrix_norm(ord, attempt)
    return reduced("linalg.norm", e, axis, keepdims, along)


def _euclidean(e: Expr, axes: tuple[int, ...]) -> Expr:
    return f.length(sum_along(e * e, axes))


def _vector_norm(order: Any, attempt: str) -> Along:
    if order is None or order == 2:
        return _euclidean
    if order == 1:
        return lambda e, axes: sum_along(f.abs_(e), axes)
    if order in (np.inf, -np.inf):
        pick = largest if order > 0 else smallest
        return lambda e, axes: pick(f.abs_(e), axes)
    if isinstance(order, (int, float)) and order != 0:
        return lambda e, axes: raised(sum_along(raised(f.abs_(e), order), axes), 1 / order)
    raise refuse(f"{attempt} with ord={order!r}", "use ord 1, 2 or another number than 0")


def _matrix_norm(order: Any, attempt: str) -> Along:
    if order in (None, "fro"):
        return _euclidean
    if order in (1, -1, np.inf, -np.inf):
        inner, pick = int(abs(order) == np.inf), largest if order > 0 else smallest

        def along(e: Expr, axes: tuple[int, ...]) -> Expr:
            first, second = axes[inner], axes[1 - inner]
            return pick(sum_along(f.abs_(e), (first,)), second - (first < second))

        return along
    raise refuse(f"{attempt} with ord={order!r}, a singular value,", "use the Frobenius norm")
