"""Which NumPy function means what: tables by NumPy's own names.

``UFUNCS`` holds what acts entry by entry, ``FUNCTIONS`` the rest; what neither holds is refused
with what ``absent`` says. A function takes expressions, numbers and arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorcalc import functions as f
from tensorcalc.errors import ShapeError
from tensorcalc.expr import Expr, full
from tensorcalc.tracing import linear, reductions, shaping
from tensorcalc.tracing.algebra import (
    both,
    divide,
    elementwise,
    expand,
    expr_of,
    fitted,
    minus,
    named,
    negative,
    plus,
    raised,
    times,
)

__all__ = ["BITWISE", "FUNCTIONS", "LOGICAL", "METHODS", "UFUNCS"]

Meaning = Callable[..., Any]


# ── entry by entry ───────────────────────────────────────────────────────────────────────


def _square(x: Any) -> Expr:
    return raised(x, 2)


def _greater(a: Any, b: Any) -> Expr:
    return elementwise(f.greater, a, b)


def _greater_equal(a: Any, b: Any) -> Expr:
    return elementwise(f.greater_equal, a, b)


def _truth(a: Any) -> Expr:
    """1 where an entry is not 0, else 0; a condition is that already."""
    e = expr_of(a)
    plain = getattr(e, "function", None) in f.CONDITIONS
    return e if plain else f.nonzero(e)


def _and(a: Any, b: Any) -> Expr:
    return times(_truth(a), _truth(b))


def _or(a: Any, b: Any) -> Expr:
    return elementwise(f.maximum, _truth(a), _truth(b))


def _not(a: Any) -> Expr:
    return minus(1.0, _truth(a))


def _logaddexp(a: Any, b: Any) -> Expr:
    """log(exp a + exp b), without overflow."""
    left, right = both("logaddexp", a, b)
    return plus(left, f.softplus(minus(right, left)))


def _xlogy(x: Any, y: Any) -> Expr:
    left, right = both("xlogy", x, y)
    return f.where(left, times(left, f.log(right)), full(0.0, left.shape))


def _xlog1py(x: Any, y: Any) -> Expr:
    left, right = both("xlog1py", x, y)
    return f.where(left, times(left, f.log1p(right)), full(0.0, left.shape))


def _scaled(factor: float) -> Meaning:
    return lambda x: times(factor, x)


def _same(x: Any) -> Expr:
    return expr_of(x)


def _of(record: Any) -> Meaning:
    return lambda *arguments: elementwise(record, *arguments)


UFUNCS: dict[str, Meaning] = {
    "add": plus,
    "subtract": minus,
    "multiply": times,
    "divide": divide,
    "true_divide": divide,
    "matmul": linear.matmul,
    "vecdot": linear.vecdot,
    "matvec": linear.matvec,
    "vecmat": linear.vecmat,
    "power": raised,
    "float_power": raised,
    "pow": raised,
    "negative": negative,
    "positive": _same,
    "conjugate": _same,
    "absolute": _of(f.abs_),
    "fabs": _of(f.abs_),
    "square": _square,
    "reciprocal": lambda x: divide(1.0, x),
    "exp2": lambda x: f.exp(times(math.log(2), x)),
    "log2": lambda x: times(1 / math.log(2), f.log(expr_of(x))),
    "log10": lambda x: times(1 / math.log(10), f.log(expr_of(x))),
    "logaddexp": _logaddexp,
    "hypot": lambda a, b: f.root(plus(_square(a), _square(b))),
    "arctanh": lambda x: times(0.5, minus(f.log1p(expr_of(x)), f.log1p(negative(x)))),
    "deg2rad": _scaled(math.pi / 180),
    "radians": _scaled(math.pi / 180),
    "rad2deg": _scaled(180 / math.pi),
    "degrees": _scaled(180 / math.pi),
    **{
        record.name: _of(record)
        for record in (
            *(f.exp, f.log, f.log1p, f.expm1, f.sign, f.sin, f.cos, f.tan),
            *(f.sinh, f.cosh, f.tanh, f.arcsin, f.arccos, f.arctan, f.maximum, f.minimum, f.erf),
        )
    },
    "sqrt": lambda x: f.root(expr_of(x)),
    "greater": _greater,
    "greater_equal": _greater_equal,
    "less": lambda a, b: _greater(b, a),
    "less_equal": lambda a, b: _greater_equal(b, a),
    "logical_and": _and,
    "logical_or": _or,
    "logical_not": _not,
    "bitwise_and": _and,
    "bitwise_or": _or,
    "invert": _not,
    # scipy.special's, which are ufuncs too
    "expit": _of(f.sigmoid),
    "log_expit": lambda x: negative(f.softplus(negative(x))),
    "logit": lambda x: minus(f.log(expr_of(x)), f.log1p(negative(x))),
    "softplus": _of(f.softplus),
    "ndtr": lambda x: times(0.5, plus(1.0, f.erf(times(math.sqrt(0.5), x)))),
    "xlogy": _xlogy,
    "xlog1py": _xlog1py,
    "entr": lambda x: negative(_xlogy(x, x)),
}

# Those whose values are true or false, and those that take nothing else.
LOGICAL = frozenset(
    ["greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or", "logical_not"]
)
BITWISE = frozenset(["bitwise_and", "bitwise_or", "invert"])


# ── of whole arrays ──────────────────────────────────────────────────────────────────────


def _where(condition: Any, x: Any, y: Any) -> Expr:
    return elementwise(f.where, condition, x, y)


def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Expr:
    e, low, high = expr_of(a), a_min if min is None else min, a_max if max is None else max
    if low is not None:
        e = elementwise(f.maximum, e, low)
    return e if high is None else elementwise(f.minimum, e, high)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Expr:
    whole = expr_of(default)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        whole = _where(condition, choice, whole)
    return whole


def _filled_like(value: float) -> Meaning:
    def like(a: Any, shape: Any = None) -> Any:
        dims = expr_of(a).shape if shape is None else shaping.read_dims(shape)
        if all(isinstance(dim, int) for dim in dims):
            return np.full(dims, value)  # type: ignore[arg-type]
        return full(value, dims)

    return like


def _full_like(a: Any, fill_value: Any, shape: Any = None) -> Any:
    return fitted(
        expr_of(fill_value), expr_of(a).shape if shape is None else shaping.read_dims(shape)
    )


def _at_least(ndim: int) -> Meaning:
    """np.atleast_1d, 2d and 3d: where a vector's axis goes is NumPy's choice."""
    new = {
        (1, 0): (0,),
        (2, 0): (0, 1),
        (2, 1): (0,),
        (3, 0): (0, 1, 2),
        (3, 1): (0, 2),
        (3, 2): (2,),
    }

    def apply(*arrays: Any) -> Any:
        exprs = [expand(e, new.get((ndim, e.ndim), ())) for e in map(expr_of, arrays)]
        return exprs[0] if len(exprs) == 1 else exprs

    return apply


def _hstack(tup: Any) -> Expr:
    parts = [_at_least(1)(part) for part in tup]
    return shaping.concatenate(parts, 0 if parts[0].ndim == 1 else 1)


def _vstack(tup: Any) -> Expr:
    return shaping.concatenate([_at_least(2)(part) for part in tup], 0)


def _dstack(tup: Any) -> Expr:
    return shaping.concatenate([_at_least(3)(part) for part in tup], 2)


def _column_stack(tup: Any) -> Expr:
    parts = [expand(e, [1]) if e.ndim == 1 else e for e in map(expr_of, tup)]
    return shaping.concatenate(parts, 1)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    e = expr_of(ary)
    place = shaping.axis_of(axis, e.ndim, f"np.split of {named(e)}")
    size = e.shape[place]
    if isinstance(indices_or_sections, (int, np.integer)):
        if not isinstance(size, int) or size % indices_or_sections:
            raise ShapeError(
                f"np.split of {named(e)} into {indices_or_sections} parts along axis {axis}",
                "give a number of parts that divides the size",
            )
        step = size // int(indices_or_sections)
        stops = list(range(step, size, step))
    else:
        stops = [int(k) for k in indices_or_sections]
    before = (slice(None),) * place
    bounds = zip([None, *stops], [*stops, None], strict=True)
    return [shaping.indexed(e, (*before, slice(start, stop))) for start, stop in bounds]


def _flip(m: Any, axis: Any = None) -> Expr:
    e = expr_of(m)
    axes = shaping.axes_of(axis, e.ndim, f"np.flip of {named(e)}")
    turned = slice(None, None, -1)
    return shaping.indexed(e, tuple(turned if k in axes else slice(None) for k in range(e.ndim)))


def _roll(a: Any, shift: int, axis: Any = None) -> Expr:
    e = expr_of(a)
    if axis is None:
        return shaping.reshape(_roll(shaping.ravel(e), shift, 0), list(e.shape))
    place = shaping.axis_of(axis, e.ndim, f"np.roll of {named(e)}")
    cut = -int(shift) % int(e.shape[place])  # type: ignore[arg-type]
    if not cut:
        return e
    before = (slice(None),) * place
    parts = [shaping.indexed(e, (*before, s)) for s in (slice(cut, None), slice(None, cut))]
    return shaping.concatenate(parts, place)


def _diff(a: Any, n: int = 1, axis: int = -1) -> Expr:
    e = expr_of(a)
    place = shaping.axis_of(axis, e.ndim, f"np.diff of {named(e)}")
    before = (slice(None),) * place
    for _ in range(n):
        later = shaping.indexed(e, (*before, slice(1, None)))
        e = minus(later, shaping.indexed(e, (*before, slice(None, -1))))
    return e


def _triangle(mask: Callable[..., np.ndarray]) -> Meaning:
    def apply(m: Any, k: int = 0) -> Expr:
        e = expr_of(m)
        return times(e, mask(np.ones(e.shape[-2:]), k))  # type: ignore[arg-type]

    return apply


def _polyval(p: Any, x: Any) -> Expr:
    coefficients = [shaping.indexed(e, k) for e in [expr_of(p)] for k in range(int(e.shape[0]))]  # type: ignore[arg-type]
    whole = fitted(coefficients[0], expr_of(x).shape)
    for coefficient in coefficients[1:]:
        whole = plus(times(whole, x), coefficient)
    return whole


def _broadcast_arrays(*args: Any) -> tuple[Expr, ...]:
    return tuple(both("np.broadcast_arrays", *args))


FUNCTIONS: dict[str, Meaning] = {
    # reductions
    "sum": reductions.total,
    "mean": reductions.mean,
    "average": reductions.average,
    "var": reductions.var,
    "std": reductions.std,
    "prod": reductions.prod,
    "max": reductions.largest,
    "amax": reductions.largest,
    "min": reductions.smallest,
    "amin": reductions.smallest,
    "ptp": reductions.ptp,
    "cumsum": reductions.cumsum,
    # products and linear algebra
    "dot": linear.dot,
    "inner": linear.inner,
    "outer": linear.outer,
    "vdot": linear.vdot,
    "tensordot": linear.tensordot,
    "einsum": linear.einsum,
    "kron": linear.kron,
    "cross": linear.cross,
    "trace": linear.trace,
    "diag": linear.diag,
    "diagonal": shaping.diagonal,
    "linalg.inv": linear.inv,
    "linalg.det": linear.det,
    "linalg.slogdet": linear.slogdet,
    "linalg.solve": linear.solve,
    "linalg.norm": reductions.norm,
    "linalg.matrix_power": linear.matrix_power,
    "linalg.multi_dot": linear.multi_dot,
    "linalg.matmul": linear.matmul,
    "linalg.outer": linear.outer,
    "linalg.cross": linear.cross,
    "linalg.tensordot": linear.tensordot,
    "linalg.vecdot": linear.vecdot,
    "linalg.trace": lambda x, *, offset=0: linear.trace(x, offset, -2, -1),
    "linalg.diagonal": lambda x, *, offset=0: shaping.diagonal(x, offset, -2, -1),
    "linalg.matrix_transpose": lambda x: shaping.swapaxes(x, -1, -2),
    # axes
    "transpose": shaping.permuted,
    "permute_dims": shaping.permuted,
    "matrix_transpose": lambda x: shaping.swapaxes(x, -1, -2),
    "swapaxes": shaping.swapaxes,
    "moveaxis": shaping.moveaxis,
    "reshape": shaping.reshape,
    "ravel": shaping.ravel,
    "expand_dims": shaping.expand_dims,
    "squeeze": shaping.take_out,
    "broadcast_to": shaping.broadcast_to,
    "broadcast_arrays": _broadcast_arrays,
    "atleast_1d": _at_least(1),
    "atleast_2d": _at_least(2),
    "atleast_3d": _at_least(3),
    # joining and cutting
    "concatenate": shaping.concatenate,
    "concat": shaping.concatenate,
    "stack": shaping.stack,
    "hstack": _hstack,
    "vstack": _vstack,
    "dstack": _dstack,
    "column_stack": _column_stack,
    "split": _split,
    "flip": _flip,
    "flipud": lambda m: _flip(m, 0),
    "fliplr": lambda m: _flip(m, 1),
    "roll": _roll,
    "diff": _diff,
    "tril": _triangle(np.tril),
    "triu": _triangle(np.triu),
    # choices and constants
    "where": _where,
    "clip": _clip,
    "select": _select,
    "polyval": _polyval,
    "ones_like": _filled_like(1.0),
    "zeros_like": _filled_like(0.0),
    "empty_like": _filled_like(0.0),
    "full_like": _full_like,
    "copy": _same,
    "conj": _same,
    "real": _same,
    "real_if_close": _same,
    "iscomplexobj": lambda x: False,
    "isrealobj": lambda x: True,
    "ndim": lambda a: expr_of(a).ndim,
}

# Methods of an array that are functions of it.
METHODS = frozenset(
    (
        *("all", "any", "argmax", "argmin", "argsort", "clip", "conj", "copy", "cumprod"),
        *("cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "ptp", "ravel"),
        *("repeat", "round", "searchsorted", "sort", "squeeze", "std", "sum", "swapaxes"),
        *("take", "trace", "var"),
    )
)
