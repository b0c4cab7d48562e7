"""Sums, products and functions of expressions with NumPy's own broadcasting.

Axes are aligned from the last one; an axis of size 1 fits every size, and a named axis itself
or 1. Everything here takes expressions, numbers or arrays and gives an expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from tensorcalc import functions as f
from tensorcalc.display import describe
from tensorcalc.errors import NotSupportedError, ShapeError, ValueNotAllowedError
from tensorcalc.expr import (
    Constant,
    Delta,
    Einsum,
    Expr,
    Function,
    Ones,
    Special,
    SpecialFunction,
    add,
    full,
    hadamard,
    is_zero,
    product,
    transpose,
)
from tensorcalc.shapes import Dim, Shape, product_dim

__all__ = [
    "both",
    "common_shape",
    "dim_of",
    "divide",
    "elementwise",
    "entries",
    "expand",
    "expr_of",
    "fitted",
    "joined",
    "minus",
    "moved_last",
    "named",
    "negative",
    "number_of",
    "plus",
    "raised",
    "refuse",
    "shape_text",
    "special_last",
    "squeezed",
    "times",
]

# ── what stands for an array ─────────────────────────────────────────────────────────────


def shape_text(shape: Iterable[Dim]) -> str:
    """A shape as NumPy writes it: (5, 4), (5,), ()."""
    words = [str(dim) for dim in shape]
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"


def named(e: Expr) -> str:
    """An expression with its shape, as messages name it."""
    return f"{describe(e)} {shape_text(e.shape)}"


def expr_of(value: Any) -> Expr:
    """The expression itself, or the constant that a number or an array is."""
    if isinstance(value, Expr):
        return value
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        what = type(value).__name__ if array.dtype == object else f"type {array.dtype}"
        raise ValueNotAllowedError(
            f"a constant of {what}", "use real numbers and arrays of real numbers"
        )
    if not np.isfinite(array).all():
        raise ValueNotAllowedError(
            "a constant with NaN or infinite entries", "use a finite number, such as -1e9 in a mask"
        )
    if not array.size:
        raise ShapeError(
            f"a constant of shape {shape_text(array.shape)}, without entries", "give it entries"
        )
    return _constant(array.astype(float))


def _constant(array: np.ndarray) -> Expr:
    """A constant array; equal entries and multiples of the identity as what they are."""
    if array.ndim == 0:
        return Constant(array)
    if (array == array.flat[0]).all():
        return full(float(array.flat[0]), array.shape)
    if array.ndim == 2 and array.shape[0] == array.shape[1]:
        number = float(array[0, 0])
        if np.array_equal(array, number * np.eye(len(array))):
            unit = Delta(len(array))
            return unit if number == 1 else hadamard(Constant(number), unit)
    return Constant(array)


def number_of(value: Any) -> float | None:
    """The number that a constant scalar is, else None."""
    if isinstance(value, Constant) and value.ndim == 0:
        return value.number
    if isinstance(value, Real) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return float(value)
    return None


def dim_of(value: Any) -> Dim:
    """The dimension that a size is: a whole number, or a sum of ones over a named axis."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Einsum) and not value.output:
        return product_dim(*map(_dim_of_factor, value.operands))
    raise ShapeError(f"a size given as {type(value).__name__}", "give whole numbers as sizes")


def _dim_of_factor(factor: Expr) -> Dim:
    if isinstance(factor, Ones):
        return factor.dim
    number = number_of(factor)
    return dim_of(factor if number is None or number % 1 else int(number))


# ── shapes ───────────────────────────────────────────────────────────────────────────────


def common_shape(attempt: str, *exprs: Expr) -> Shape:
    """The shape that all are broadcast to; ShapeError where two axes differ and neither is 1."""
    ndim = max(e.ndim for e in exprs)
    shape: list[Dim] = [1] * ndim
    for e in exprs:
        for k, dim in enumerate(e.shape, ndim - e.ndim):
            if shape[k] == 1:
                shape[k] = dim
            elif dim not in (1, shape[k]):
                raise _misfit(attempt, exprs)
    return tuple(shape)


def _misfit(attempt: str, exprs: Sequence[Expr]) -> ShapeError:
    shapes = [e.shape for e in exprs]
    hint = "axes are matched from the last one; give them one size, or size 1 by x[:, None]"
    if any(isinstance(dim, str) for shape in shapes for dim in shape):
        hint = "a named size fits itself or 1; give the axes one name"
    sign = {"pow": "**", "greater": ">", "greater_equal": ">="}.get(attempt, attempt)
    return ShapeError(f"{sign} of {' and '.join(map(named, exprs))}: they do not fit", hint)


def squeezed(e: Expr, axes: Iterable[int]) -> Expr:
    """``e`` without the given axes of size 1."""
    gone = set(axes)
    kept = tuple(k for k in range(e.ndim) if k not in gone)
    return product((e,), (tuple(range(e.ndim)),), kept) if gone else e


def expand(e: Expr, axes: Iterable[int]) -> Expr:
    """``e`` with new axes of size 1 at these places of the result."""
    new = set(axes)
    if not new:
        return e
    ndim = e.ndim + len(new)
    old = tuple(k for k in range(ndim) if k not in new)
    ones = [(Ones(1), (k,)) for k in sorted(new)]
    return product((e, *(o for o, _ in ones)), (old, *(i for _, i in ones)), tuple(range(ndim)))


def fitted(e: Expr, shape: Shape) -> Expr:
    """``e`` broadcast to ``shape``, which it fits."""
    if e.shape == shape:
        return e
    number = number_of(e)
    if number is not None:
        return full(number, shape)
    thin, indices = _aligned(e, shape)
    missing = [k for k in range(len(shape)) if k not in indices]
    ones = [Ones(shape[k]) for k in missing]
    return product((thin, *ones), (indices, *((k,) for k in missing)), tuple(range(len(shape))))


def _aligned(e: Expr, shape: Shape) -> tuple[Expr, tuple[int, ...]]:
    """``e`` without the axes that are repeated, and which axes of ``shape`` the others are."""
    places = range(len(shape) - e.ndim, len(shape))
    repeated = [k for k, p in enumerate(places) if e.shape[k] == 1 and shape[p] != 1]
    return squeezed(e, repeated), tuple(p for k, p in enumerate(places) if k not in repeated)


def both(attempt: str, *values: Any) -> list[Expr]:
    """All values as expressions of the one shape they are broadcast to."""
    exprs = list(map(expr_of, values))
    shape = common_shape(attempt, *exprs)
    return [fitted(e, shape) for e in exprs]


def moved_last(e: Expr, axes: Sequence[int]) -> Expr:
    """``e`` with the given axes moved behind all others."""
    kept = [k for k in range(e.ndim) if k not in axes]
    return transpose(e, (*kept, *axes))


def entries(shape: Iterable[Dim]) -> Expr:
    """How many entries there are, as an expression: named sizes are sums of ones."""
    number, names = 1, []
    for dim in shape:
        if isinstance(dim, int):
            number *= dim
        else:
            names.append(product((Ones(dim),), ((0,),), ()))
    return times(Constant(number), *names) if number != 1 or not names else times(*names)


# ── sums and products ────────────────────────────────────────────────────────────────────


def plus(a: Any, b: Any) -> Expr:
    """a + b."""
    left, right = expr_of(a), expr_of(b)
    shape = common_shape("+", left, right)
    for one, other in ((left, right), (right, left)):
        if is_zero(one) and other.shape == shape:  # sum([…]) starts from 0
            return other
    return add(fitted(left, shape), fitted(right, shape))


def negative(a: Any) -> Expr:
    """−a."""
    e = expr_of(a)
    return Constant(-e.value) if isinstance(e, Constant) else -e


def minus(a: Any, b: Any) -> Expr:
    """a − b."""
    left, right = expr_of(a), expr_of(b)
    common_shape("-", left, right)
    return plus(left, negative(right))


def times(*values: Any) -> Expr:
    """The product entry by entry."""
    exprs = list(map(expr_of, values))
    shape = common_shape("*", *exprs)
    factors = [e for e in exprs if number_of(e) != 1] or exprs[:1]
    pairs = [_aligned(e, shape) for e in factors]
    return product([e for e, _ in pairs], [ix for _, ix in pairs], tuple(range(len(shape))))


def divide(a: Any, b: Any) -> Expr:
    """a / b; a constant divides by what it is."""
    left, right = expr_of(a), expr_of(b)
    common_shape("/", left, right)
    if isinstance(right, Constant):
        if not right.value.all():
            raise ValueNotAllowedError(
                f"{named(left)} divided by a constant that contains 0", "divide by something else"
            )
        return times(Constant(1 / right.value), left)
    return times(left, f.reciprocal(right))


def raised(a: Any, exponent: Any) -> Expr:
    """a ** exponent: a power of a number, or exp(exponent · log a) as one function."""
    base, number = expr_of(a), number_of(exponent)
    if number is None:
        return elementwise(f.pow_, base, exponent)
    if not math.isfinite(number):
        raise ValueNotAllowedError(f"{named(base)} ** {number}", "give a finite exponent")
    if number == 0:  # a function of the base still, or its size would be lost
        return f.power(0.0)(base)
    if f.is_sum_of_squares(base):
        return f.raised(base, number)
    return base if number == 1 else base**number


def elementwise(record: Function | Callable[..., Expr], *values: Any) -> Expr:
    """A function entry by entry, its arguments broadcast to one shape."""
    return record(*both(getattr(record, "name", "a function"), *values))


def joined(
    attempt: str,
    operands: Sequence[Expr],
    inputs: Sequence[Sequence[int]],
    output: Sequence[int],
) -> Expr:
    """The product summed over the indices that ``output`` lacks; size 1 fits every size."""
    dims: dict[int, Dim] = {}
    for e, indices in zip(operands, inputs, strict=True):
        for i, dim in zip(indices, e.shape, strict=True):
            if dims.get(i, 1) == 1:
                dims[i] = dim
            elif dim not in (1, dims[i]):
                raise ShapeError(
                    f"{attempt} of {' and '.join(map(named, operands))}: they do not fit",
                    "axes with one index must have one size, or size 1",
                )
    thin, left = [], []
    for e, indices in zip(operands, inputs, strict=True):
        gone = [k for k, i in enumerate(indices) if e.shape[k] == 1 and dims[i] != 1]
        thin.append(squeezed(e, gone))
        left.append(tuple(i for k, i in enumerate(indices) if k not in gone))
    return product(thin, left, tuple(output))


def special_last(e: Expr, axes: Sequence[int], record: Callable[[int], SpecialFunction]) -> Expr:
    """A function that couples the entries along ``axes``, which are moved last for it."""
    return Special(record(len(axes)), moved_last(e, axes)) if axes else e


def refuse(what: str, hint: str) -> NotSupportedError:
    """The error for what is not in the language, with what to write instead."""
    return NotSupportedError(f"{what} is not in the language", hint)
