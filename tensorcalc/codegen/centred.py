"""Sums over a softmax as covariances: Σ p v w − (Σ p v)(Σ p w) is Σ p (v − v̄)(w − w̄).

A second derivative contracts vectors with diag(p) − p pᵀ. Where deltas have the two parts
contracted apart, large numbers are subtracted last, and an error of the size of their rounding
stays where p is nearly 0 and 1. The value does not change when a constant is added to v along
the axis of p. Where that is proven, by writing v = (v − v̄) + v̄ in every term and seeing v̄
cancel, v − v̄ takes the place of v, and terms with Σ p (v − v̄) = 0 are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorcalc.codegen.deviations import Known, Side, sides_of, split
from tensorcalc.codegen.gathered import written
from tensorcalc.codegen.monomials import Monomial, Numbering, collected, monomials
from tensorcalc.codegen.shares import Shares
from tensorcalc.codegen.stable import stabilised
from tensorcalc.codegen.ties import is_of, off_diagonal, tied_late
from tensorcalc.expr import Add, Definition, Expr, toposort, zeros
from tensorcalc.simplify import simplify

__all__ = ["centred"]

_Terms = Mapping[Expr, list[Monomial] | None]


def centred(
    roots: Sequence[Expr], hints: Mapping[Expr, str], values: Sequence[Expr] = ()
) -> tuple[list[Expr], dict[Expr, str]]:
    """The roots with what is subtracted last, though a softmax lets it be first, centred.

    ``values`` are those that the roots are derivatives of. What they are made of is a factor by
    itself, as if it had a name, where that lets more be centred.
    """
    shares = Shares(roots)
    if not shares:
        return list(roots), dict(hints)
    made = _made_of(values)
    ways = [
        [monomials(roots, shares.of, closed=closed, sums=sums) for sums in (True, False)]
        for closed in ((made, ()) if made else ((),))
    ]
    changed: dict[Expr, Expr] = {}
    seen: set[Expr] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node in seen or isinstance(node, Definition):
            continue
        seen.add(node)
        after = None
        if isinstance(node, Add):
            opened = _opened_in(ways, node, shares)
            after = _centred_sum(node, opened, shares) if opened else None
        if after is not None:
            changed[node] = after
            waiting.extend(after.args)
        else:
            waiting.extend(node.args)
    if not changed:
        return list(roots), dict(hints)
    whole = _replaced([*roots, *hints], changed)
    return [whole[root] for root in roots], {whole[node]: name for node, name in hints.items()}


def _made_of(values: Sequence[Expr]) -> set[Expr]:
    """The nodes of values and of what their names stand for, in each form they are met in."""
    names = [e for e in toposort(values) if isinstance(e, Definition)]
    written = [*(e for e in values if not isinstance(e, Definition)), *(e.body for e in names)]
    plain = [simplify(e) for e in written]
    forms = [*written, *plain, *map(stabilised, plain)]
    return set(toposort(forms, lambda e: isinstance(e, Definition)))


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


@dataclass(frozen=True)
class _Opened:
    """A sum, term by term, and the deviations of what may be shifted in it, by its mean.

    ``known`` has the terms multiplied out, ``sums`` those with inner sums as factors.
    """

    known: Sequence[Known]
    sums: Sequence[Sequence[Monomial]]
    numbers: Numbering
    allowed: Mapping[Expr, Expr]

    def refuses(self) -> bool:
        """Whether something stands beside a softmax that may not be shifted."""
        sides = [s for own in self.known for _, found in own for s in found]
        return any(s.deviation not in self.allowed for s in sides)

    def length(self, shares: Shares) -> int:
        """How many terms are left when all is shifted that may be."""
        terms = [pair for own in self.known for pair in own]
        return len(collected(split(terms, self.allowed, shares), self.numbers))


def _opened_in(ways: Sequence[Sequence[_Terms]], e: Add, shares: Shares) -> _Opened | None:
    """The sum in the first way that refuses nothing, or else the one in which it is shortest."""
    found = []
    for whole, shallow in ways:
        opened = _opened(e, whole, shallow, shares)
        if opened is not None:
            found.insert(0, opened)
            if not opened.refuses():
                return opened
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda opened: opened.length(shares))


def _opened(e: Add, whole: _Terms, shallow: _Terms, shares: Shares) -> _Opened | None:
    """The sum term by term; None where the terms are too many."""
    terms, sums = ([f.get(t) or [] for t in e.terms] for f in (whole, shallow))
    if any(whole.get(t) is None for t in e.terms):
        return None
    numbers: Numbering = {}
    known = [[(m, sides_of(m, shares, numbers)) for m in own] for own in terms]
    return _Opened(known, sums, numbers, _allowed(known, shares, numbers))


def _centred_sum(e: Add, opened: _Opened, shares: Shares) -> Expr | None:
    """The sum with what a constant may be added to centred; None where nothing is gained."""
    known, numbers, allowed = opened.known, opened.numbers, opened.allowed
    alone = [_is_free_of(allowed, own, shares, numbers) for own in known]
    moved = [pair for own, free in zip(known, alone, strict=True) if not free for pair in own]
    whole = collected(split(moved, allowed, shares), numbers)
    late = any(_subtracted_late(m, found, allowed) for m, found in moved)
    if late and any(_is_long(m, allowed, shares) for m in whole):
        outer = [[(m, sides_of(m, shares, numbers)) for m in own] for own in opened.sums]
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
