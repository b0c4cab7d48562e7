"""Roots of sums of squares without the squares: √(Σ u²) = ‖u‖, √(1 + u²) = hypot(1, u).

The squares of numbers below 1e-154 vanish and those above 1e154 overflow, where their root
does neither.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from tensorcalc import special
from tensorcalc.expr import (
    Add,
    Einsum,
    Elementwise,
    Expr,
    Function,
    Ones,
    Special,
    SpecialFunction,
    full,
    power,
    product,
)
from tensorcalc.functions import abs_, hypot, inverse_or_zero, length, sqrt
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import Factor, coefficient_and_core, is_structural, times
from tensorcalc.rewrite.quotients import base_and_exponent, flat_factors

__all__ = ["divided_in_turn", "divides", "length_of_squares"]

See = Callable[[Expr], Expr]
_LEVELS = 6  # of products within products


def length_of_squares(e: Expr, see: See) -> Expr | None:
    """A root of a sum of squares, or a broken power of one, by the length itself."""
    if not isinstance(e, Elementwise):
        return None
    exponent = 0.5 if e.function in (sqrt, length) else e.function.exponent
    if exponent is None or (exponent.is_integer() and exponent > 0):
        return None
    squares = see(e.arguments[0])
    whole = _norm(squares) if exponent.is_integer() else _length(squares, see)
    if whole is None:
        return None
    return whole if exponent == 0.5 else power(2 * exponent)(whole)


def _length(e: Expr, see: See) -> Expr | None:
    """√e where e is a sum of squares and numbers."""
    if not isinstance(e, Add):
        return _norm(e)
    lengths: list[Expr] = []
    for term in map(see, e.terms):
        number = constant_entry(term)
        found = _norm(term) if number is None else None
        if found is None and (number is None or number < 0):
            return None
        lengths.append(full(math.sqrt(number or 0.0), e.shape) if found is None else found)
    if all(constant_entry(one) is not None for one in lengths):
        return None
    total = lengths[0]
    for one in lengths[1:]:
        total = hypot(total, one)
    return total


def _norm(e: Expr) -> Expr | None:
    """‖u‖ where e is Σ u², or a positive number times that."""
    number, core = coefficient_and_core(e)
    if not isinstance(core, Einsum) or number <= 0:
        return None
    counts = Counter(
        pair
        for pair in zip(core.operands, core.inputs, strict=True)
        if not isinstance(pair[0], Ones)
    )
    if not counts or any(n % 2 for n in counts.values()):
        return None
    halves: list[Factor] = [pair for pair, n in counts.items() for _ in range(n // 2)]
    indices = tuple(dict.fromkeys(i for _, ix in halves for i in ix))
    if set(indices) != set(core.dims):
        return None
    order = (*core.output, *(i for i in indices if i not in core.output))
    u = product([f for f, _ in halves], [ix for _, ix in halves], order)
    summed = len(order) - core.ndim
    found = Special(special.norm_over(summed), u) if summed else abs_(u)
    return times(math.sqrt(number), found)


def divided_in_turn(e: Expr) -> Expr | None:
    """u v / w² as (u/w) (v/w): the square may be beyond the range of floats where each is not."""
    if not isinstance(e, Einsum) or not _may_divide(e, _LEVELS):
        return None
    tops: list[Factor] = []
    bottoms: list[Factor] = []
    for operand, indices in flat_factors(e, _LEVELS):
        base, exponent = base_and_exponent(operand)
        if exponent in (-1.0, -2.0, -3.0, -4.0):
            bottoms += [(power(-1.0)(base), indices)] * int(-exponent)
        elif _is_inverse(operand):
            bottoms.append((operand, indices))
        else:
            tops.append((operand, indices))
    if len(bottoms) < 2:
        return None
    left = []
    waiting = [n for n, (f, ix) in enumerate(tops) if not is_structural(f) and _distinct(ix)]
    for bottom, indices in bottoms:
        n = next((n for n in waiting if set(indices) <= set(tops[n][1])), None)
        if n is None:
            left.append((bottom, indices))
        else:
            waiting.remove(n)
            top, whole = tops[n]
            tops[n] = Einsum((top, bottom), (whole, indices), whole), whole
    if len(left) == len(bottoms):
        return None
    return product([f for f, _ in tops + left], [ix for _, ix in tops + left], e.output)


def divides(function: Function | SpecialFunction) -> bool:
    """Whether a function is a reciprocal, or a power of one."""
    exponent = function.exponent if isinstance(function, Function) else None
    return function is inverse_or_zero or (exponent is not None and exponent < 0)


def _may_divide(e: Expr, levels: int) -> bool:
    """Whether a reciprocal stands among the factors, so many products down."""
    if isinstance(e, Elementwise):
        return divides(e.function)
    if levels < 0 or not isinstance(e, Einsum):
        return False
    return any(_may_divide(operand, levels - 1) for operand in e.operands)


def _is_inverse(e: Expr) -> bool:
    return isinstance(e, Elementwise) and e.function is inverse_or_zero


def _distinct(indices: tuple[int, ...]) -> bool:
    return len(set(indices)) == len(indices)
