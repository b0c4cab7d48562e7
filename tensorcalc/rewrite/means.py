"""Rules of means: deviations from the mean sum to zero, and sizes cancel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tensorcalc.expr import Add, Einsum, Expr, Ones, product, zeros
from tensorcalc.rewrite.products import Factor, coefficient_and_core
from tensorcalc.rewrite.quotients import base_and_exponent, flat_factors
from tensorcalc.rewrite.sums import canonical

__all__ = ["cancel_sizes", "deviations_sum_to_zero"]

Simplify = Callable[[Expr], Expr]

_ROUNDING = 1e-14


def cancel_sizes(e: Expr) -> Expr | None:
    """Σ_i 1 · 1/n = 1 where n is the number of the i, known by name alone."""
    if not isinstance(e, Einsum):
        return None
    for operand, indices in zip(e.operands, e.inputs, strict=True):
        if not isinstance(operand, Ones) or not _is_lone(e, indices[0]):
            continue
        factors = flat_factors(e)
        for n, (factor, _) in enumerate(factors):
            base, exponent = base_and_exponent(factor)
            if exponent == -1 and _is_size(base, operand):
                kept = [f for m, f in enumerate(factors) if m != n and f[1] != indices]
                return product([f for f, _ in kept], [ix for _, ix in kept], e.output)
    return None


def _is_lone(e: Einsum, index: int) -> bool:
    """Whether an index is summed and stands in one place only."""
    return index not in e.output and sum(ix.count(index) for ix in e.inputs) == 1


def _is_size(e: Expr, ones: Ones) -> bool:
    """Whether ``e`` is Σ 1 over the dimension of ``ones``."""
    return isinstance(e, Einsum) and e.operands == (ones,) and e.ndim == 0


def deviations_sum_to_zero(e: Expr, simplify: Simplify) -> Expr | None:
    """Σ_i (x_i − x̄) = 0."""
    if not isinstance(e, Einsum) or not any(_is_lone(e, i) for i in e.summed):
        return None
    factors = flat_factors(e)
    used = Counter(i for _, indices in factors for i in indices)
    for operand, indices in factors:
        if not isinstance(operand, Add):
            continue
        for axis, i in enumerate(indices):
            lone = i in e.summed and used[i] == 1
            if lone and _repeats(operand, axis) and _vanishes(operand, axis, simplify):
                return zeros(e.shape)
    return None


def _repeats(e: Add, axis: int) -> bool:
    """Whether a term is the same all along an axis, as a mean is."""
    return any(
        isinstance(t, Einsum)
        and any(isinstance(f, Ones) and ix == (t.output[axis],) for f, ix in _factors(t))
        for t in e.terms
    )


def _factors(e: Einsum) -> Iterator[Factor]:
    yield from zip(e.operands, e.inputs, strict=True)


def _vanishes(e: Add, axis: int, simplify: Simplify) -> bool:
    """Whether the terms, summed along an axis, cancel but for rounding."""
    total: dict[object, list[float]] = {}
    axes = tuple(range(e.ndim))
    for term in e.terms:
        summed = Einsum((term,), (axes,), axes[:axis] + axes[axis + 1 :])
        number, core = coefficient_and_core(simplify(summed))
        total.setdefault(canonical(core), []).append(number)
    return all(abs(sum(n)) <= _ROUNDING * max(map(abs, n)) for n in total.values())
