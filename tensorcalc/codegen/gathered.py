"""Sums of products with what their terms share taken out, so that the rest is added first.

Σ_i p_ij g_ij w_i − Σ_i p_ij p_ij w_i is Σ_i (g_ij − p_ij) p_ij w_i: less is multiplied, and where
the difference is small, it is small before it is multiplied and summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tensorcalc.codegen.monomials import Monomial, Numbering, as_expr, groups, ordered
from tensorcalc.codegen.shares import Shares
from tensorcalc.codegen.ties import unequal
from tensorcalc.expr import Add, Delta, Expr, Ones, product
from tensorcalc.rewrite.products import Factor
from tensorcalc.shapes import Dim

__all__ = ["written"]

Plain = Callable[[Factor], bool]


def written(terms: Sequence[Monomial], shares: Shares, numbers: Numbering) -> Iterator[Expr]:
    """The terms as they are computed: with what they share taken out, and by names."""
    formed = [_formed(term, shares, numbers) for term in terms]
    plain = lambda f: shares.of(f[0]) is None and not isinstance(f[0], (Add, Ones))
    for group in _over_the_same(formed, plain, numbers):
        named = [Monomial(t.number, tuple(map(shares.named, t.factors)), t.ndim) for t in group]
        whole = _gathered(named)
        masks = tuple(f for f in whole.factors if f[0].ndim and f[0] is unequal(f[0].shape[-1]))
        rest = tuple(f for f in whole.factors if f not in masks)
        inner = as_expr(Monomial(whole.number, rest, whole.ndim))
        axes = tuple(range(whole.ndim))
        yield as_expr(Monomial(1.0, (*masks, (inner, axes)), whole.ndim))  # entries left out last


def _formed(term: Monomial, shares: Shares, numbers: Numbering) -> Monomial:
    """The term with products that no softmax stands in as one factor."""
    apart = {i for f, ix in term.factors if shares.of(f) is not None for i in ix}
    plain = [
        k
        for k, (f, _) in enumerate(term.factors)
        if shares.of(f) is None and not isinstance(f, (Delta, Ones, Add))
    ]
    joined = [g for g in groups(term, plain, apart) if len(g) > 1]
    taken = {k for g in joined for k in g}
    factors = [f for k, f in enumerate(term.factors) if k not in taken]
    for group in joined:
        own = [term.factors[k] for k in sorted(group)]
        outside = {i for k, (_, ix) in enumerate(term.factors) if k not in group for i in ix}
        inner = {i for _, ix in own for i in ix}
        free = {i for i in inner if i < term.ndim or i in outside}
        rows, order = ordered(own, {i: int(i not in free) for i in inner}, numbers)
        kept = tuple(i for i in order if i in free)
        factors.append((product([f for f, _ in rows], [ix for _, ix in rows], kept), kept))
    return Monomial(term.number, tuple(factors), term.ndim)


def _over_the_same(
    terms: Sequence[Monomial], plain: Plain, numbers: Numbering
) -> list[list[Monomial]]:
    """The terms, those together whose ``plain`` factors and deltas are the same.

    Their indices are called alike, so that such factors are equal.
    """
    found: dict[object, list[Monomial]] = {}
    for term in terms:
        fixed = [f for f in term.factors if isinstance(f[0], Delta) or plain(f)]
        rows, order = ordered(fixed, {k: k for k in range(term.ndim)}, numbers)
        summed = [i for i in order if i >= term.ndim]
        name = {i: term.ndim + k for k, i in enumerate(summed)} | {k: k for k in range(term.ndim)}
        for _, ix in term.factors:
            for i in ix:
                name.setdefault(i, len(name))
        factors = [(f, tuple(name[i] for i in ix)) for f, ix in term.factors]
        key = tuple((numbers[f], tuple(name[i] for i in ix)) for f, ix in rows)
        found.setdefault(key, []).append(Monomial(term.number, tuple(factors), term.ndim))
    return list(found.values())


def _gathered(terms: Sequence[Monomial]) -> Monomial:
    """The sum of the terms as one product: the factors of all of them, times what is left."""
    if len(terms) == 1:
        return terms[0]
    shared = Counter(terms[0].factors)
    for term in terms[1:]:
        shared &= Counter(term.factors)
    common = tuple(shared.elements())
    rests = [_without(term, shared) for term in terms]
    ndim = terms[0].ndim
    outer = {i for _, ix in common for i in ix}
    used = {i for rest in rests for _, ix in rest for i in ix if i < ndim or i in outer}
    axes = sorted(used, key=lambda i: (i < ndim, i))  # a batch first
    dims: dict[int, Dim] = {}
    for term in terms:
        for f, ix in term.factors:
            dims.update(zip(ix, f.shape, strict=True))
    left = [
        as_expr(_over(term.number, rest, axes, dims))
        for term, rest in zip(terms, rests, strict=True)
    ]
    return Monomial(1.0, (*common, (Add(left), tuple(axes))), ndim)


def _without(term: Monomial, shared: Counter[Factor]) -> list[Factor]:
    gone = shared.copy()
    rest = []
    for f in term.factors:
        if gone[f] > 0:
            gone[f] -= 1
        else:
            rest.append(f)
    return rest


def _over(
    number: float, rest: Sequence[Factor], axes: Sequence[int], dims: dict[int, Dim]
) -> Monomial:
    """What is left of a term over the axes that any term has, repeated along the others."""
    place = {i: k for k, i in enumerate(axes)}
    for _, ix in rest:
        for i in ix:
            place.setdefault(i, len(place))
    factors = [(f, tuple(place[i] for i in ix)) for f, ix in rest]
    present = {i for _, ix in factors for i in ix}
    missing = [(Ones(dims[i]), (k,)) for k, i in enumerate(axes) if k not in present]
    return Monomial(number, (*factors, *missing), len(axes))
