"""Rules of elementwise functions and of slices."""

from __future__ import annotations

import numpy as np

from tensorcalc.expr import (
    Add,
    Constant,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Select,
    full,
    power,
    product,
    transpose,
)
from tensorcalc.functions import length
from tensorcalc.rewrite.products import coefficient_and_core, times

__all__ = ["apply_to_numbers", "as_slice", "combine_powers", "constant_entry", "push_slice"]


def constant_entry(e: Expr) -> float | None:
    """The number that every entry of ``e`` is, if it is written as a number times ones."""
    if isinstance(e, Constant) and e.ndim == 0:
        return e.number
    if isinstance(e, Ones):
        return 1.0
    if not isinstance(e, Einsum) or len(e.dims) != e.ndim:
        return None
    number = 1.0
    for operand in e.operands:
        if isinstance(operand, Constant) and operand.ndim == 0:
            number *= operand.number
        elif not isinstance(operand, Ones):
            return None
    return number


def apply_to_numbers(e: Expr) -> Expr | None:
    """A function of a number is a number."""
    if not isinstance(e, Elementwise) or e.function.evaluate is None:
        return None
    numbers = [constant_entry(argument) for argument in e.arguments]
    if any(n is None for n in numbers):
        return None
    with np.errstate(all="ignore"):
        value = float(e.function.evaluate(*map(np.asarray, map(float, numbers))))  # type: ignore[arg-type]
    return full(value, e.shape) if np.isfinite(value) else None


def combine_powers(e: Expr) -> Expr | None:
    """(√S)² = S for a sum of squares S, (uᵖ)^q = u^(pq) for whole p and q, and u¹ = u.

    A product of scalars, or one with a quotient in it, is raised factor by factor:
    1/(u/v) = v/u.
    """
    if not isinstance(e, Elementwise) or e.function.exponent is None:
        return None
    (u,), p = e.arguments, e.function.exponent
    if p == 1:
        return u
    if p == 0:
        return full(1.0, e.shape)
    if p == 2:
        axes = tuple(range(u.ndim))
        return Einsum((u, u), (axes, axes), axes)
    if isinstance(u, Elementwise):
        q = u.function.exponent
        if q is not None and p.is_integer() and q.is_integer():
            return power(p * q)(u.arguments[0])
        if u.function is length and p % 2 == 0:
            return power(p / 2)(u.arguments[0])
    if isinstance(u, Einsum) and p.is_integer() and _raised_by_factors(u):
        raised = [f if isinstance(f, Ones) else power(p)(f) for f in u.operands]
        return product(raised, u.inputs, u.output)
    number, core = coefficient_and_core(u)
    if number not in (1.0, 0.0) and (p.is_integer() or number > 0):
        try:
            factor = number**p
        except OverflowError:
            return None
        return times(factor, power(p)(core)) if factor and np.isfinite(factor) else None
    return None


def _raised_by_factors(u: Einsum) -> bool:
    """Whether a power of a product is better written as a product of powers."""
    if _repeats(u):
        return True
    if u.summed or len(u.operands) < 2 or any(map(_is_number, u.operands)):
        return False
    divides = any(isinstance(f, Elementwise) and (f.function.exponent or 0) < 0 for f in u.operands)
    return all(isinstance(f, Ones) or f.ndim in (0, u.ndim) for f in u.operands) and (
        divides or not u.ndim
    )


def _repeats(u: Einsum) -> bool:
    """Whether a product is one factor repeated along further axes: 1 uᵀ."""
    real = [ix for f, ix in zip(u.operands, u.inputs, strict=True) if not isinstance(f, Ones)]
    return len(real) == 1 and len(set(real[0])) == len(real[0]) == len(set(real[0]) & {*u.output})


def _is_number(e: Expr) -> bool:
    return isinstance(e, Constant) and not e.ndim


def push_slice(e: Expr) -> Expr | None:
    """A slice of a product or a sum is the product or the sum of slices."""
    if not isinstance(e, Select):
        return None
    inner = e.operand
    if isinstance(inner, Add):
        return Add([Select(term, e.axis, e.index) for term in inner.terms])
    if isinstance(inner, Elementwise):
        return Elementwise(inner.function, [Select(a, e.axis, e.index) for a in inner.arguments])
    if isinstance(inner, Ones):
        return full(1.0, e.shape)
    if isinstance(inner, Delta) and e.axis == 1:
        return transpose(Select(inner, 0, e.index), tuple(range(e.ndim))[::-1])
    if isinstance(inner, Einsum):
        unit = Select(Delta(inner.shape[e.axis]), 0, e.index)
        p = inner.output[e.axis]
        kept = (max(inner.dims) + 1,) if isinstance(e.index, range) else ()
        return product(
            (*inner.operands, unit),
            (*inner.inputs, (*kept, p)),
            inner.output[: e.axis] + kept + inner.output[e.axis + 1 :],
        )
    if isinstance(inner, Select) and inner.axis == e.axis and isinstance(inner.index, range):
        return Select(inner.operand, e.axis, inner.index[as_slice(e.index)])
    return None


def as_slice(index: int | range) -> int | slice:
    """An index of a range, as Python takes it."""
    if isinstance(index, int):
        return index
    stop = index.stop if index.stop >= 0 else None
    return slice(index.start, stop, index.step)
