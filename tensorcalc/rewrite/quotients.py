"""Rules of powers and reciprocals within products, and products multiplied out over sums."""

from __future__ import annotations

from collections.abc import Iterator

from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Merge,
    Ones,
    Select,
    add,
    fresh_indices,
    power,
    product,
)
from tensorcalc.functions import length
from tensorcalc.rewrite.products import Factor, is_structural, is_view, merged_axes

__all__ = [
    "base_and_exponent",
    "cancel_reciprocals",
    "distribute",
    "distribute_to_cancel",
    "flat_factors",
    "has_delta",
    "square_of_length",
    "with_operand",
]


def cancel_reciprocals(e: Expr) -> Expr | None:
    """u · u⁻¹ = 1, entry by entry; more generally powers of one base are added up."""
    if not isinstance(e, Einsum) or not _has_reciprocal(e):
        return None
    factors = flat_factors(e)
    powers: dict[tuple[int, tuple[int, ...]], list[tuple[int, float]]] = {}
    for k, (operand, indices) in enumerate(factors):
        base, exponent = base_and_exponent(operand)
        powers.setdefault(_identity_of(base, indices), []).append((k, exponent))
    for group in powers.values():
        exponents = [p for _, p in group]
        if min(exponents) < 0 < max(exponents):
            operand, indices = factors[group[0][0]]
            merged = _power_factors(base_and_exponent(operand)[0], indices, sum(exponents))
            dropped = {k for k, _ in group}
            rest = merged + [f for k, f in enumerate(factors) if k not in dropped]
            return product([f[0] for f in rest], [f[1] for f in rest], e.output)
    return None


def _identity_of(base: Expr, indices: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """What a factor is, whatever name, transpose or diagonal it goes by."""
    while isinstance(base, Definition):
        base = base.body
        if isinstance(base, Einsum) and is_view(base):
            indices = tuple(indices[base.output.index(i)] for i in base.inputs[0])
            base = base.operands[0]
    return id(base), indices


def _has_reciprocal(e: Einsum) -> bool:
    """``_divides``, remembered: several rules ask."""
    if "has reciprocal" not in e.memo:
        e.memo["has reciprocal"] = _divides(e)
    return e.memo["has reciprocal"]


def _divides(e: Expr, levels: int = 3) -> bool:
    """Whether a reciprocal stands in ``e`` or a little below."""
    if isinstance(e, Elementwise):
        return base_and_exponent(e)[1] < 0
    return (
        levels > 0
        and isinstance(e, (Einsum, Add))
        and any(_divides(arg, levels - 1) for arg in e.args)
    )


def flat_factors(e: Einsum, levels: int = 2) -> list[Factor]:
    """The factors of ``e``, with inner products that sum nothing opened a little way down."""
    numbers = fresh_indices(e.dims)
    factors: list[Factor] = list(zip(e.operands, e.inputs, strict=True))
    for _ in range(levels):
        opened: list[Factor] = []
        for operand, indices in factors:
            if isinstance(operand, Einsum) and not operand.summed:
                rename = dict(zip(operand.output, indices, strict=True))
                for inner, ix in zip(operand.operands, operand.inputs, strict=True):
                    opened.append((inner, tuple(rename.setdefault(i, next(numbers)) for i in ix)))
            else:
                opened.append((operand, indices))
        factors = opened
    return factors


def _power_factors(base: Expr, indices: tuple[int, ...], exponent: float) -> list[Factor]:
    if exponent == 0:
        dims = dict(zip(indices, base.shape, strict=True))
        return [(Ones(dim), (i,)) for i, dim in dims.items()] or [(Constant(1.0), ())]
    return [(base if exponent == 1 else power(exponent)(base), indices)]


def base_and_exponent(e: Expr) -> tuple[Expr, float]:
    """u and p where the factor is u**p, else the factor and 1."""
    if isinstance(e, Elementwise) and e.function.exponent is not None:
        return e.arguments[0], e.function.exponent
    return e, 1.0


def distribute(e: Expr) -> Expr | None:
    """A product over a sum is multiplied out where a term has a delta to be consumed.

    The other terms stay together, or the delta would have to be made a dense matrix.
    """
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if not isinstance(operand, Add):
            continue
        if any(map(has_delta, operand.terms)):
            tied = [t for t in operand.terms if has_delta(t)]
            plain = [t for t in operand.terms if not has_delta(t)]
            parts = tied + ([add(*plain)] if plain else [])
            return Add([with_operand(e, k, part) for part in parts])
        if _merges_meet(e, k, operand):
            return Add([with_operand(e, k, part) for part in operand.terms])
    return None


def _merges_meet(e: Einsum, k: int, operand: Add) -> bool:
    """Whether an axis merged in a term of factor k is merged elsewhere in ``e`` too."""
    inside = {
        e.inputs[k][axis]
        for term in operand.terms
        if isinstance(term, Einsum)
        for axis in merged_axes(term)
    }
    return any(
        isinstance(f, Merge) and ix[0] in inside
        for n, (f, ix) in enumerate(zip(e.operands, e.inputs, strict=True))
        if n != k
    )


def distribute_to_cancel(e: Expr) -> Expr | None:
    """A product over a sum is multiplied out where a term divides by another factor."""
    if not isinstance(e, Einsum) or not _has_reciprocal(e):
        return None
    factors = {_identity_of(f, ix) for f, ix in flat_factors(e) if not is_structural(f)}
    for k, operand in enumerate(e.operands):
        if isinstance(operand, Add) and any(
            _identity_of(base, tuple(e.inputs[k][axis] for axis in axes)) in factors
            for term in operand.terms
            for base, axes in _divisors(term)
        ):
            return Add([with_operand(e, k, term) for term in operand.terms])
    return None


def _divisors(term: Expr) -> Iterator[tuple[Expr, tuple[int, ...]]]:
    """What a term divides by, with the axes of the term that it runs over."""
    if isinstance(term, Einsum):
        place = {i: axis for axis, i in enumerate(term.output)}
        for factor, indices in flat_factors(term):
            base, exponent = base_and_exponent(factor)
            if exponent < 0 and all(i in place for i in indices):
                yield base, tuple(place[i] for i in indices)
    else:
        base, exponent = base_and_exponent(term)
        if exponent < 0:
            yield base, tuple(range(term.ndim))


def has_delta(e: Expr) -> bool:
    """Whether a term is tied by a Kronecker delta (or a unit vector)."""
    factors = e.operands if isinstance(e, Einsum) else (e,)
    return any(is_structural(f) and isinstance(f, (Delta, Select)) for f in factors)


def with_operand(e: Einsum, k: int, operand: Expr) -> Expr:
    """``e`` with another factor in place k."""
    return product((*e.operands[:k], operand, *e.operands[k + 1 :]), e.inputs, e.output)


def square_of_length(e: Expr) -> Expr | None:
    """‖u‖ · ‖u‖ = ‖u‖²."""
    if not isinstance(e, Einsum):
        return None
    lengths = [k for k, f in enumerate(e.operands) if _is_length(f)]
    for n, k in enumerate(lengths):
        for m in lengths[n + 1 :]:
            if e.operands[k] is e.operands[m] and e.inputs[k] == e.inputs[m]:
                square = e.operands[k].args[0]
                operands = (*e.operands[:k], square, *e.operands[k + 1 : m], *e.operands[m + 1 :])
                return product(operands, e.inputs[:m] + e.inputs[m + 1 :], e.output)
    return None


def _is_length(e: Expr) -> bool:
    return isinstance(e, Elementwise) and e.function is length
