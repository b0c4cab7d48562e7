"""What stands beside a softmax p in a product, as its deviation from its mean: v = (v − v̄) + v̄.

v̄ = Σ p v runs along the axis of p. What a side is made of is told by the axis of p and by the
sums that hold its factors together, so that in other terms it is the same one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tensorcalc.codegen.monomials import Monomial, Numbering, groups, normal, ordered
from tensorcalc.codegen.shares import Shares
from tensorcalc.expr import Add, Constant, Delta, Einsum, Expr, Ones, product
from tensorcalc.rewrite.products import Factor

__all__ = ["Known", "Side", "sides_of", "split"]


@dataclass(frozen=True)
class Side:
    """One v of a Σ p v w …: the factors of a term that make it, and what takes their place.

    ``at`` is the index of the axis of the softmax p and ``over`` those of its other axes.
    ``deviation`` is v − v̄ over these and then over the indices ``free``.
    """

    places: frozenset[int]
    at: int
    over: tuple[int, ...]
    free: tuple[int, ...]
    deviation: Expr
    mean: Expr

    def centred(self) -> Factor:
        """v − v̄, by the indices of the term."""
        return self.deviation, (*self.over, self.at, *self.free)

    def averaged(self) -> Factor:
        """v̄, by the indices of the term."""
        return self.mean, (*self.over, *self.free)


def _owners(term: Monomial, shares: Shares) -> dict[int, int]:
    """For each index that is the axis of one softmax only, a factor that is that softmax."""
    found: dict[int, set[Factor]] = {}
    for f in term.factors:
        if shares.of(f[0]) is not None:
            found.setdefault(f[1][-1], set()).add(f)
    alone = {i: own.pop() for i, own in found.items() if len(own) == 1}
    distinct = lambda f: len(set(f[1])) == len(f[1])
    return {i: term.factors.index(f) for i, f in alone.items() if distinct(f)}


def sides_of(term: Monomial, shares: Shares, numbers: Numbering) -> list[Side]:
    """What stands beside each softmax of a term, along its axis; every factor in one at most."""
    owners = _owners(term, shares)
    softmaxes = {term.factors[k] for k in owners.values()}
    apart = {i for _, ix in softmaxes for i in ix}
    along = {k: {i for i in ix if i in owners} for k, (_, ix) in enumerate(term.factors)}
    plain = [
        k
        for k, f in enumerate(term.factors)
        if f not in softmaxes and not isinstance(f[0], (Delta, Ones)) and len(along[k]) < 2
    ]
    found = []
    for group in groups(term, plain, apart):
        met = set().union(*(along[k] for k in group))
        for at in sorted(met):  # what leads from one softmax to another belongs to neither
            own = [k for k in sorted(group) if len(met) == 1 or at in along[k]]
            for part in groups(term, own, apart):
                softmax = term.factors[owners[at]]
                found.append(_side(term, part, softmax, shares, numbers))
    return found


def _side(
    term: Monomial,
    group: frozenset[int],
    softmax: Factor,
    shares: Shares,
    numbers: Numbering,
) -> Side:
    indices = softmax[1]
    *over, at = indices
    outside = {i for k, (_, ix) in enumerate(term.factors) if k not in group for i in ix}
    own = [term.factors[k] for k in sorted(group)]
    inner = {i for _, ix in own for i in ix}
    free = {i for i in inner - set(indices) if i < term.ndim or i in outside}
    label = {i: k for k, i in enumerate((at, *over))} | dict.fromkeys(free, len(indices))
    label |= dict.fromkeys(inner - free - set(indices), len(indices) + 1)
    rows, order = ordered(own, label, numbers)
    kept = [i for i in order if i in free]
    present = [i for i in over if i in inner]
    core = product([f for f, _ in rows], [ix for _, ix in rows], (*present, at, *kept))
    place = {i: k for k, i in enumerate((*over, at, *kept))}
    axes = tuple(place[i] for i in (*present, at, *kept))
    across = tuple(range(len(over)))
    mean_axes = (*across, *range(len(indices), len(place)))
    p, named = shares.named(softmax)
    own_axes = tuple(place[i] for i in named)
    dims = dict(zip(own_axes, p.shape, strict=True))
    mean = product([p, core], [own_axes, axes], mean_axes)
    missing = [k for k, i in enumerate(over) if i not in inner]
    ones = [Ones(dims[k]) for k in missing]
    everywhere = tuple(range(len(place)))
    value = product([core, *ones], [axes, *((k,) for k in missing)], everywhere)
    repeated = [Constant(-1.0), mean, Ones(dims[len(over)])]
    less = Einsum(repeated, [(), mean_axes, (len(over),)], everywhere)
    return Side(group, at, tuple(over), tuple(kept), Add((value, less)), mean)


Known = Sequence[tuple[Monomial, Sequence[Side]]]  # terms, and what stands beside softmaxes


def split(terms: Known, allowed: Mapping[Expr, Expr], shares: Shares) -> Iterator[Monomial]:
    """Every term with v = (v − v̄) + v̄ for each side that is allowed, multiplied out."""
    for term, found in terms:
        sides = [s for s in found if s.deviation in allowed]
        taken = {k for s in sides for k in s.places}
        rest = [f for k, f in enumerate(term.factors) if k not in taken]
        for choice in itertools.product((True, False), repeat=len(sides)):
            made = [
                s.centred() if deviates else s.averaged()
                for s, deviates in zip(sides, choice, strict=True)
            ]
            whole = normal(Monomial(term.number, (*rest, *made), term.ndim), shares.of)
            if not _vanishes(whole, [s for s, c in zip(sides, choice, strict=True) if c]):
                yield whole


def _vanishes(term: Monomial, sides: Sequence[Side]) -> bool:
    """Whether a Σ p (v − v̄) stands in a term."""
    used = [i for _, ix in term.factors for i in ix]
    return any(s.at >= term.ndim and used.count(s.at) == 2 for s in sides)
