"""Sums over a softmax as covariances: Σ p v w − (Σ p v)(Σ p w) is Σ p (v − v̄)(w − w̄).

A second derivative contracts vectors with diag(p) − p pᵀ. Where deltas have the two parts
contracted apart, large numbers are subtracted last, and an error of the size of their rounding
stays where p is nearly 0 and 1. The value does not change when a constant is added to v along
the axis of p. Where that is proven, by writing v = (v − v̄) + v̄ in every term and seeing v̄
cancel, v − v̄ takes the place of v, and terms with Σ p (v − v̄) = 0 are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tensorcalc.codegen.deviations import Known, Side, sides_of, split
from tensorcalc.codegen.gathered import written
from tensorcalc.codegen.monomials import Monomial, Numbering, collected, monomials
from tensorcalc.codegen.shares import Shares
from tensorcalc.codegen.ties import is_of, off_diagonal, tied_late
from tensorcalc.expr import Add, Definition, Expr, toposort, zeros

__all__ = ["centred"]


def centred(roots: Sequence[Expr], hints: Mapping[Expr, str]) -> tuple[list[Expr], dict[Expr, str]]:
    """The roots with what is subtracted last, though a softmax lets it be first, centred."""
    shares = Shares(roots)
    if not shares:
        return list(roots), dict(hints)
    found = monomials(roots, shares.of)
    shallow = monomials(roots, shares.of, sums=False)
    changed: dict[Expr, Expr] = {}
    seen: set[Expr] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in seen or isinstance(node, Definition):
            continue
        seen.add(node)
        after = None
        if isinstance(node, Add) and all(found.get(t) is not None for t in node.terms):
            terms, sums = ([f.get(t) or [] for t in node.terms] for f in (found, shallow))
            after = _centred_sum(node, terms, sums, shares)
        if after is not None:
            changed[node] = after
            waiting.extend(after.args)
        else:
            waiting.extend(node.args)
    if not changed:
        return list(roots), dict(hints)
    whole = _replaced([*roots, *hints], changed)
    return [whole[root] for root in roots], {whole[node]: name for node, name in hints.items()}


def _replaced(roots: Sequence[Expr], changed: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    """What becomes of every node, with changes inside of what others were changed to."""

    def below(node: Expr) -> tuple[Expr, ...]:
        if node in changed:
            return (changed[node],)
        return () if isinstance(node, Definition) else node.args

    whole: dict[Expr, Expr] = {}
    for node in toposort(roots, below=below):
        args = tuple(whole[arg] for arg in below(node))
        if node in changed:
            whole[node] = args[0]
        else:
            whole[node] = node if args in ((), node.args) else node.with_args(args)
    return whole


def _centred_sum(
    e: Add, terms: Sequence[list[Monomial]], sums: Sequence[list[Monomial]], shares: Shares
) -> Expr | None:
    """The sum with what a constant may be added to centred; None where nothing is gained.

    ``terms`` has the terms of the sum multiplied out, ``sums`` those with inner sums as factors.
    """
    numbers: Numbering = {}
    known = [[(m, sides_of(m, shares, numbers)) for m in own] for own in terms]
    allowed = _allowed(known, shares, numbers)
    alone = [_is_free_of(allowed, own, shares, numbers) for own in known]
    moved = [pair for own, free in zip(known, alone, strict=True) if not free for pair in own]
    whole = collected(split(moved, allowed, shares), numbers)
    late = any(_subtracted_late(m, found, allowed) for m, found in moved)
    if late and any(_is_long(m, allowed, shares) for m in whole):
        outer = [[(m, sides_of(m, shares, numbers)) for m in own] for own in sums]
        seen = [own for own, free in zip(outer, alone, strict=True) if not free]
        late = not _subtracted_first(seen, shares, numbers)
    each = [collected(split(own, allowed, shares), numbers) for own in known]
    every = [*whole, *(m for own, free in zip(each, alone, strict=True) if free for m in own)]
    tied = tied_late(every, shares, numbers)
    late = late or any(is_of(m, tied, shares) for m in whole)
    kept, apart = [], whole if late else []
    for term, own, free in zip(e.terms, each, alone, strict=True):
        if free and any(is_of(m, tied, shares) for m in own):
            apart = [*apart, *own]
        elif free or not late:
            kept.append(term)
    if len(kept) == len(e.terms):
        return _first(e, alone)
    result = [*kept, *written(list(off_diagonal(apart, tied, shares)), shares, numbers)]
    if not result:
        return zeros(e.shape)
    return result[0] if len(result) == 1 else Add(result)


def _first(e: Add, alone: Sequence[bool]) -> Expr | None:
    """The sum with what cancels added up before what does not; None where that is all or none."""
    apart = [term for term, free in zip(e.terms, alone, strict=True) if not free]
    rest = [term for term, free in zip(e.terms, alone, strict=True) if free]
    return Add((*rest, Add(apart))) if rest and len(apart) > 1 else None


def _allowed(known: Sequence[Known], shares: Shares, numbers: Numbering) -> dict[Expr, Expr]:
    """The deviations, by which their means go, of what may be shifted: no mean is left over."""
    whole = [pair for own in known for pair in own]
    allowed = {side.deviation: side.mean for _, found in whole for side in found}
    while allowed:
        used = {f for m in collected(split(whole, allowed, shares), numbers) for f, _ in m.factors}
        kept = {v: mean for v, mean in allowed.items() if mean not in used}
        if len(kept) == len(allowed):
            break
        allowed = kept
    return allowed


def _is_free_of(
    allowed: Mapping[Expr, Expr], own: Known, shares: Shares, numbers: Numbering
) -> bool:
    """Whether one term of the sum does not change by itself."""
    means = set(allowed.values())
    inside = collected(split(own, allowed, shares), numbers)
    return not any(f in means for m in inside for f, _ in m.factors)


def _is_long(term: Monomial, allowed: Mapping[Expr, Expr], shares: Shares) -> bool:
    """Whether a deviation has an axis of its own that is summed: it is more work than v."""
    coupled = {i for f, ix in term.factors if shares.of(f) is not None for i in ix}
    return any(
        f in allowed and any(i >= term.ndim and i not in coupled for i in ix)
        for f, ix in term.factors
    )


def _subtracted_first(known: Sequence[Known], shares: Shares, numbers: Numbering) -> bool:
    """Whether a sum is p ⊙ (v − v̄) as it stands, with whatever v is."""
    allowed = _allowed(known, shares, numbers)
    terms = [pair for own in known for pair in own]
    return all(
        any(s.deviation in allowed for s in found) and not _subtracted_late(m, found, allowed)
        for m, found in terms
    )


def _subtracted_late(term: Monomial, sides: Sequence[Side], allowed: Mapping[Expr, Expr]) -> bool:
    """Whether a term is summed, by more than its own mean, before others are subtracted."""
    used = [i for _, ix in term.factors for i in ix]
    for s in sides:
        if s.deviation in allowed:
            lone = used.count(s.at) == 1 + sum(s.at in term.factors[k][1] for k in s.places)
            if (s.at >= term.ndim and not lone) or any(i >= term.ndim for i in s.over):
                return True
    return False
