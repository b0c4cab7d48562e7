"""Stable functions recognised in what people write for them: log(1 + exp u), exp u / Σ exp u.

``see`` says what stands behind a factor: the factor itself for a rule of ``simplify``, which
must not look through names before a differentiation, or what a name stands for where only a
value is about to be computed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from tensorcalc import special
from tensorcalc.expr import (
    Add,
    Constant,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Special,
    add,
    full,
    power,
    product,
    transpose,
)
from tensorcalc.functions import exp, log, log1p, sigmoid, softplus
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import Factor, coefficient_and_core, is_view, times
from tensorcalc.rewrite.quotients import base_and_exponent, flat_factors

__all__ = [
    "log_of_sum",
    "of_log_softmax",
    "opposite",
    "recognise_exponentials",
    "recognise_log_softmax",
    "recognise_softmax",
    "recognise_softplus",
    "share_of_all",
    "shift_of_softmax",
    "softmax_sums_to_one",
]

See = Callable[[Expr], Expr]


def _itself(e: Expr) -> Expr:
    return e


def recognise_softplus(e: Expr, see: See = _itself) -> Expr | None:
    """log(1 + exp u) = softplus(u), log Σ exp u = logsumexp(u), 1/(1 + exp u) = σ(−u)."""
    if not isinstance(e, Elementwise):
        return None
    if e.function is log1p:
        u = _exponent(see(e.arguments[0]))
        return None if u is None else softplus(u)
    if e.function is log:
        inner = see(e.arguments[0])
        u = _one_plus_exp(inner, see)
        return softplus(u) if u is not None else log_of_sum(inner, see)
    exponent = e.function.exponent
    if exponent is not None and exponent < 0:
        u = _one_plus_exp(see(e.arguments[0]), see)
        return None if u is None else _raised(sigmoid(opposite(u)), -exponent)
    return None


def recognise_exponentials(e: Expr, see: See = _itself) -> Expr | None:
    """exp(u) σ(−u) = σ(u), entry by entry."""
    if not isinstance(e, Einsum):
        return None
    factors = flat_factors(e)
    for (k, u, indices), (n, v, others) in _pairs(factors, _exponent, _of_sigmoid, see):
        if indices == others and opposite(u) is v:
            return _replaced(factors, (k, n), (sigmoid(u), indices), e.output)
    return None


def recognise_softmax(e: Expr, see: See = _itself) -> Expr | None:
    """exp(u) / Σ exp(u) = softmax(u), along the axis that is summed."""
    if not isinstance(e, Einsum):
        return None
    factors, bottom = flat_factors(e), lambda f: _one_over_sum(f, see)
    for (k, u, indices), found in _pairs(factors, _exponent, bottom, see):
        n, (v, axis, repeated), others = found
        below = indices if repeated else indices[:axis] + indices[axis + 1 :]
        if u is v and below == others:
            order = (*(a for a in range(u.ndim) if a != axis), axis)
            moved = tuple(indices[a] for a in order)
            whole = Special(special.softmax, transpose(u, order))
            return _replaced(factors, (k, n), (whole, moved), e.output)
    return None


def share_of_all(e: Expr, see: See, *, shifted: bool = True) -> Expr | None:
    """exp(u) / Σ exp(u) = exp(u − logsumexp(u)), where the sum is along several axes.

    Unless ``shifted``, a u that a number for all its entries is subtracted from is left: it is
    written so that its exponentials do not overflow.
    """
    if not isinstance(e, Einsum):
        return None
    factors, bottom = flat_factors(e), lambda f: _one_over_whole_sum(f, see)
    for (k, u, indices), found in _pairs(factors, _exponent, bottom, see):
        n, (v, axes, total), others = found
        kept = tuple(i for a, i in enumerate(indices) if a not in axes)
        if u is v and kept == others and (shifted or not _is_shifted(see(u), axes)):
            place = tuple(a for a in range(u.ndim) if a not in axes)
            parts = [(total, place), *((Ones(u.shape[a]), (a,)) for a in axes)]
            everywhere = tuple(range(u.ndim))
            log_sum = product([f for f, _ in parts], [ix for _, ix in parts], everywhere)
            return _replaced(factors, (k, n), (exp(u - log_sum), indices), e.output)
    return None


def _is_shifted(u: Expr, axes: Collection[int]) -> bool:
    terms = u.terms if isinstance(u, Add) else ()
    return any(set(axes) <= set(_once(term)[1]) for term in terms)


def _one_over_whole_sum(e: Expr, see: See) -> tuple[Expr, list[int], Expr] | None:
    """u, the axes and logsumexp(u), where e is 1 / Σ exp(u) along more than one axis."""
    base, exponent = base_and_exponent(e)
    whole = see(base)
    found = _summed_axes(whole, see) if exponent == -1 else None
    total = _whole_log_of_sum(whole, see)
    return None if found is None or total is None or len(found[1]) < 2 else (*found, total)


def recognise_log_softmax(e: Expr) -> Expr | None:
    """log of softmax(u), and exp of log softmax(u)."""
    if not isinstance(e, Elementwise) or e.function not in (log, exp):
        return None
    u, before, after = e.arguments[0], special.softmax, special.log_softmax
    if e.function is exp:
        before, after = after, before
    return Special(after, u.argument) if isinstance(u, Special) and u.function is before else None


def of_log_softmax(e: Expr) -> Expr | None:
    """softmax and log softmax of log softmax(u) are those of u; logsumexp of it is 0."""
    if not isinstance(e, Special) or not isinstance(e.argument, Special):
        return None
    u = e.argument
    if u.function is not special.log_softmax:
        return None
    if e.function is special.logsumexp:
        return full(0.0, e.shape)
    return Special(e.function, u.argument) if e.function in _SHIFTED else None


# adding a number to every entry leaves these alone
_SHIFTED = (special.softmax, special.log_softmax)


def shift_of_softmax(e: Expr, see: See = _itself) -> Expr | None:
    """softmax(u + c) = softmax(u) for every c that is constant along its axis."""
    if not isinstance(e, Special) or e.function not in _SHIFTED:
        return None
    terms = _terms(e.argument, see)
    kept = [t for t in terms if not _is_constant_along_last(t)]
    return Special(e.function, add(*kept)) if 0 < len(kept) < len(terms) else None


def _terms(e: Expr, see: See) -> Sequence[Expr]:
    """The terms of a sum, or of the sum whose axes ``e`` rearranges."""
    seen = see(e)
    if isinstance(seen, Einsum) and is_view(seen):
        terms, (indices,) = _terms(seen.operands[0], see), seen.inputs
        return [product((t,), (indices,), seen.output) for t in terms]
    return seen.terms if isinstance(seen, Add) else [seen]


def _is_constant_along_last(e: Expr) -> bool:
    if not isinstance(e, Einsum):
        return isinstance(e, Ones)
    if len(e.operands) == 1 and isinstance(e.operands[0], Einsum):
        e = _opened(e)
        if not isinstance(e, Einsum):
            return isinstance(e, Ones)
    i = e.output[-1]
    along = [f for f, ix in zip(e.operands, e.inputs, strict=True) if i in ix]
    return all(isinstance(f, Ones) for f in along) and i not in e.output[:-1]


def softmax_sums_to_one(e: Expr) -> Expr | None:
    """Σ softmax(u) = 1 along its axis."""
    if not isinstance(e, Einsum):
        return None
    for k, (operand, indices) in enumerate(zip(e.operands, e.inputs, strict=True)):
        if not isinstance(operand, Special) or operand.function is not special.softmax:
            continue
        i, others = indices[-1], [ix for n, ix in enumerate(e.inputs) if n != k]
        if i in e.output or i in indices[:-1] or any(i in ix for ix in others):
            continue
        ones = [(Ones(e.dims[b]), (b,)) for b in dict.fromkeys(indices[:-1])]
        kept = [f for n, f in enumerate(zip(e.operands, e.inputs, strict=True)) if n != k]
        whole = kept + (ones or [(Constant(1.0), ())])
        return product([f for f, _ in whole], [ix for _, ix in whole], e.output)
    return None


def _opened(e: Expr) -> Expr:
    """A product with the inner products opened that sum nothing."""
    if not isinstance(e, Einsum) or not any(isinstance(f, Einsum) for f in e.operands):
        return e
    factors = flat_factors(e)
    return product([f for f, _ in factors], [ix for _, ix in factors], e.output)


def opposite(e: Expr) -> Expr:
    """−e with its number in front, so that −(−e) is e."""
    number, core = coefficient_and_core(e)
    return times(-number, core)


def _raised(e: Expr, exponent: float) -> Expr:
    return e if exponent == 1 else power(exponent)(e)


def _exponent(e: Expr) -> Expr | None:
    """u where e is exp(u)."""
    return e.arguments[0] if isinstance(e, Elementwise) and e.function is exp else None


def _of_sigmoid(e: Expr) -> Expr | None:
    """u where e is σ(u)."""
    return e.arguments[0] if isinstance(e, Elementwise) and e.function is sigmoid else None


def _one_plus_exp(e: Expr, see: See) -> Expr | None:
    """u where e is 1 + exp(u)."""
    if not isinstance(e, Add) or len(e.terms) != 2:
        return None
    for one, other in (e.terms, e.terms[::-1]):
        if constant_entry(one) == 1:
            return _exponent(see(other))
    return None


def _summed_axes(e: Expr, see: See) -> tuple[Expr, list[int]] | None:
    """u and the axes where e is exp(u) summed over these axes."""
    if not isinstance(e, Einsum) or len(e.operands) != 1:
        return None
    (indices,) = e.inputs
    axes = [axis for axis, i in enumerate(indices) if i not in e.output]
    kept = tuple(i for i in indices if i in e.output)
    u = _exponent(see(e.operands[0]))
    if u is None or not axes or len(set(indices)) < len(indices) or kept != e.output:
        return None
    return u, axes


def _whole_log_of_sum(e: Expr, see: See) -> Expr | None:
    found = _summed_axes(e, see)
    if found is None:
        return None
    u, axes = found
    for axis in reversed(axes):
        order = (*(a for a in range(u.ndim) if a != axis), axis)
        u = Special(special.logsumexp, transpose(u, order))
    return u


def log_of_sum(e: Expr, see: See) -> Expr | None:
    """log Σ exp(u), repeated along axes where the sum is."""
    once, axes = _once(e)
    found = _whole_log_of_sum(see(once), see)
    if found is None or not axes:
        return found
    kept = tuple(a for a in range(e.ndim) if a not in axes)
    ones = [(Ones(e.shape[a]), (a,)) for a in axes]
    factors = [(found, kept), *ones]
    return product([f for f, _ in factors], [ix for _, ix in factors], tuple(range(e.ndim)))


def _once(e: Expr) -> tuple[Expr, list[int]]:
    """``e`` without the axes along which it is only repeated, and these."""
    if not isinstance(e, Einsum):
        return e, []
    pairs = list(zip(e.operands, e.inputs, strict=True))
    others = {i for f, ix in pairs if not isinstance(f, Ones) for i in ix}
    axes = [a for a, i in enumerate(e.output) if i not in others]
    kept = [(f, ix) for f, ix in pairs if not isinstance(f, Ones) or ix[0] in others]
    if not axes or not kept:
        return e, []
    output = tuple(i for i in e.output if i in others)
    return product([f for f, _ in kept], [ix for _, ix in kept], output), axes


def _squeezed(e: Expr, see: See) -> Expr:
    """1/s for Σ 1/(s ⊗ 1) over the axis of size 1 that a sum is written with."""
    if not isinstance(e, Einsum) or len(e.operands) != 1 or not e.summed:
        return e
    base, exponent = base_and_exponent(e.operands[0])
    (indices,) = e.inputs
    gone = [a for a, i in enumerate(indices) if i not in e.output]
    once, axes = _once(see(base))
    kept = tuple(i for a, i in enumerate(indices) if a not in gone)
    if exponent == 1 or axes != gone or kept != e.output or any(base.shape[a] != 1 for a in gone):
        return e
    return power(exponent)(once)


def _one_over_sum(e: Expr, see: See) -> tuple[Expr, int, bool] | None:
    """u, the axis and whether it is repeated there, where e is 1 / Σ exp(u) along one axis."""
    base, exponent = base_and_exponent(_squeezed(e, see))
    if exponent != -1:
        return None
    whole = see(base)
    repeated = _repeated_axis(whole)
    found = _summed_axes(see(whole if repeated is None else repeated[0]), see)
    if found is None or len(found[1]) != 1 or (repeated and [repeated[1]] != found[1]):
        return None
    return found[0], found[1][0], repeated is not None


def _repeated_axis(e: Expr) -> tuple[Expr, int] | None:
    """What ``e`` repeats along one axis, and which."""
    if not isinstance(e, Einsum) or len(e.operands) != 2 or e.summed:
        return None
    for ones, other in ((0, 1), (1, 0)):
        if isinstance(e.operands[ones], Ones):
            axis = e.output.index(e.inputs[ones][0])
            if e.output[:axis] + e.output[axis + 1 :] == e.inputs[other]:
                return e.operands[other], axis
    return None


def _pairs(
    factors: Sequence[Factor],
    first: Callable[[Expr], object],
    second: Callable[[Expr], object],
    see: See,
) -> Iterator[tuple[tuple, tuple]]:
    """Pairs of factors of which one reads as ``first`` and the other as ``second``."""
    for k, (f, ix) in enumerate(factors):
        one = first(see(f))
        if one is None:
            continue
        for n, (g, jx) in enumerate(factors):
            other = second(see(g)) if n != k else None
            if other is not None:
                yield (k, one, ix), (n, other, jx)


def _replaced(
    factors: Sequence[Factor], places: tuple[int, int], factor: Factor, output: tuple[int, ...]
) -> Expr:
    """The product of the factors with one for the two at ``places``."""
    kept = [f for k, f in enumerate(factors) if k not in places]
    kept.insert(min(places), factor)
    return product([f for f, _ in kept], [ix for _, ix in kept], output)
