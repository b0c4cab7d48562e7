"""Rules of sums: equal terms collected, inner sums opened where their terms meet others."""

from __future__ import annotations

from collections import Counter

from tensorcalc.expr import (
    Add,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Special,
    Variable,
    add,
    fresh_indices,
    is_zero,
    product,
    zeros,
)
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import Factor, coefficient_and_core, times
from tensorcalc.rewrite.quotients import has_delta
from tensorcalc.special import inv

__all__ = ["canonical", "collect_terms", "factor_delta", "is_symmetric", "open_inner_sums"]


_MIRRORED = {"symmetric", "positive definite", "diagonal"}  # what makes a variable symmetric
_LEVELS = 4  # how far down symmetry is looked for: chains may be long


def canonical(e: Expr, levels: int = _LEVELS, *, named: bool = False) -> object:
    """A key that is equal for two orders of the factors of one product.

    A symmetric factor has no order of its axes: S_ij and S_ji are one.
    """
    if not isinstance(e, Einsum):
        return id(e)
    factors = _viewed(e)
    label = {i: k for k, i in enumerate(e.output)}
    n = len(label)
    rows = []
    for f, indices in factors:
        if is_symmetric(f, levels - 1, named=named):
            indices = tuple(sorted(indices, key=lambda i: label.get(i, n)))
        rows.append((id(f), tuple(label.get(i, n) for i in indices), indices))
    rows.sort()
    for _, _, indices in rows:
        for i in indices:
            label.setdefault(i, len(label))
    return tuple((key, tuple(label[i] for i in indices)) for key, _, indices in rows)


def _viewed(e: Einsum) -> list[Factor]:
    """The factors of a product, or those of the one product that it only turns."""
    (first, *others), (indices, *_) = e.operands, e.inputs
    if others or e.summed or not isinstance(first, Einsum) or len(set(indices)) < len(indices):
        return list(zip(e.operands, e.inputs, strict=True))
    numbers = fresh_indices(e.dims)
    rename = dict(zip(first.output, indices, strict=True))
    for i in first.summed:
        rename[i] = next(numbers)
    inputs = (tuple(rename[i] for i in ix) for ix in first.inputs)
    return list(zip(first.operands, inputs, strict=True))


def is_symmetric(e: Expr, levels: int = _LEVELS, *, named: bool = False) -> bool:
    """Whether a matrix is its own transpose by the way it is built, whatever its names hold.

    With ``named``, what its variables are declared to be and what its names stand for counts too:
    true of values, not of what is yet to be differentiated.
    """
    if levels < 1 or e.ndim != 2 or e.shape[0] != e.shape[1]:
        return False
    if isinstance(e, Einsum):
        turned = Einsum(e.operands, e.inputs, e.output[::-1])
        return turned is e or canonical(turned, levels, named=named) == canonical(
            e, levels, named=named
        )
    if isinstance(e, (Add, Elementwise)):
        return all(is_symmetric(arg, levels - 1, named=named) for arg in e.args)
    if isinstance(e, Special):
        return e.function is inv and is_symmetric(e.argument, levels - 1, named=named)
    if named and isinstance(e, Variable):
        return not _MIRRORED.isdisjoint(e.traits)
    if named and isinstance(e, Definition):
        return is_symmetric(e.body, levels - 1, named=True)
    return isinstance(e, Delta)


def collect_terms(e: Expr) -> Expr | None:
    """Equal terms are added up, zero terms dropped."""
    if not isinstance(e, Add):
        return None
    whole = _collected(e, [t for t in e.terms if not is_zero(t)])
    return _collected(e, _flat_terms(e)) if whole is None else whole


def _collected(e: Add, terms: list[Expr]) -> Expr | None:
    """The sum of ``terms`` with equal ones added up; None if there are none."""
    collected: dict[object, tuple[float, Expr]] = {}
    for term in terms:
        number, core = coefficient_and_core(term)
        key = canonical(core)
        before = collected[key][0] if key in collected else 0.0
        collected[key] = (before + number, collected.get(key, (0.0, core))[1])
    kept = [(number, core) for number, core in collected.values() if number != 0]
    if len(kept) == len(e.terms) and len(kept) > 1:
        return None
    if not kept:
        return zeros(e.shape)
    return add(*(times(number, core) for number, core in kept))


def _flat_terms(e: Add) -> list[Expr]:
    """The terms, with an inner sum opened only where its terms meet others here.

    Opening every inner sum would make long residual chains quadratic. Of a sum with a delta
    only the delta comes out, so that a product can consume it; the rest stays together.
    """
    terms = [t for t in e.terms if not is_zero(t)]
    if not any(isinstance(t, Add) for t in terms):
        return terms
    parts = [p for t in terms for p in (t.terms if isinstance(t, Add) else (t,))]
    count = Counter(canonical(coefficient_and_core(part)[1]) for part in parts)
    numbers = sum(constant_entry(part) is not None for part in parts)
    flat: list[Expr] = []
    for term in terms:
        if not isinstance(term, Add):
            flat.append(term)
        elif any(
            count[canonical(coefficient_and_core(part)[1])] > 1
            or (numbers > 1 and constant_entry(part) is not None)
            for part in term.terms
        ):
            flat.extend(term.terms)
        elif any(map(has_delta, term.terms)):
            flat.extend(part for part in term.terms if has_delta(part))
            plain = [part for part in term.terms if not has_delta(part)]
            flat.extend([add(*plain)] if plain else [])
        else:
            flat.append(term)
    return flat


def factor_delta(e: Expr) -> Expr | None:
    """A delta that every term has stands in front of the sum: I a + I = I (a + 1).

    Two such sums multiply as two diagonals do; with a delta in each term they would be
    multiplied out, and a chain of them would double with every link.
    """
    if not isinstance(e, Add) or len(e.terms) < 2:
        return None
    rest, ties, axes = list(e.terms), [], list(range(e.ndim))
    while common := set.intersection(*(set(_tied_axes(term)) for term in rest)):
        first, second = min(common)
        rest = [_without_tie(term, first, second) for term in rest]
        ties.append((axes[first], axes[second]))
        del axes[second]
    if not ties or any(map(_shows_delta, rest)):  # else the product would be multiplied out again
        return None
    deltas = [Delta(e.shape[first]) for first, _ in ties]
    return Einsum((*deltas, Add(rest)), (*ties, tuple(axes)), tuple(range(e.ndim)))


def _shows_delta(term: Expr) -> bool:
    """Whether a term has a delta, or will once what stands around its factors is gone."""
    factors = term.operands if isinstance(term, Einsum) else ()
    return has_delta(term) or any(has_delta(f) for f in factors if isinstance(f, Einsum))


def _tied_axes(term: Expr) -> list[tuple[int, int]]:
    """The pairs of axes of a term that a delta ties and nothing else reads the second of."""
    if isinstance(term, Delta):
        return [(0, 1)]
    if not isinstance(term, Einsum):
        return []
    place = {i: axis for axis, i in enumerate(term.output)}
    found = []
    for k, (operand, indices) in enumerate(zip(term.operands, term.inputs, strict=True)):
        if isinstance(operand, Delta) and all(i in place for i in indices):
            first, second = sorted(indices, key=place.__getitem__)
            others = (ix for n, ix in enumerate(term.inputs) if n != k)
            if not any(second in ix for ix in others):
                found.append((place[first], place[second]))
    return found


def _without_tie(term: Expr, first: int, second: int) -> Expr:
    """The term without that delta and without its second axis."""
    if isinstance(term, Delta):
        return Ones(term.dim)
    assert isinstance(term, Einsum)
    tie = {term.output[first], term.output[second]}
    pairs = list(zip(term.operands, term.inputs, strict=True))
    k = next(k for k, (f, ix) in enumerate(pairs) if isinstance(f, Delta) and set(ix) == tie)
    pairs[k] = (Ones(term.shape[first]), (term.output[first],))
    output = term.output[:second] + term.output[second + 1 :]
    return product([f for f, _ in pairs], [ix for _, ix in pairs], output)


def open_inner_sums(e: Expr) -> Expr | None:
    """A sum within a sum is opened where its terms meet others."""
    if not isinstance(e, Add):
        return None
    flat = _flat_terms(e)
    return Add(flat) if len(flat) > len(e.terms) else None
