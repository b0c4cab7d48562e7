"""Sums of products written out: every term one list of factors, products inside products opened.

Two terms that are equal as products of the same factors then have one key, however they were
nested. Only what a softmax stands in is opened; other sums, functions and names are factors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Expr,
    Merge,
    Ones,
    product,
    toposort,
)
from tensorcalc.rewrite.products import Factor
from tensorcalc.shapes import Dim

__all__ = [
    "Monomial",
    "Numbering",
    "Powers",
    "as_expr",
    "collected",
    "groups",
    "key_of",
    "monomials",
    "normal",
    "ordered",
]

_MOST = 128  # terms: a longer sum is left as it is
_LONGEST = 24  # factors

Powers = Callable[[Expr], Factor | None]  # the softmax that a node is, by the axes of the node
Numbering = dict[Expr, int]  # nodes in the order in which they were met: the same in every run


@dataclass(frozen=True)
class Monomial:
    """``number`` times the factors. Index k < ``ndim`` is axis k; the others are summed over."""

    number: float
    factors: tuple[Factor, ...]
    ndim: int


def monomials(
    roots: Sequence[Expr],
    softmax: Powers,
    *,
    sums: bool = True,
    closed: Collection[Expr] = (),
) -> dict[Expr, list[Monomial] | None]:
    """The terms of every sum and product below ``roots``; None where they would be too many.

    Without ``sums`` every sum is a factor. What is ``closed`` is a factor where it sums anything
    that a softmax stands in.
    """
    kinds = (Add, Einsum) if sums else Einsum
    opened = lambda n: isinstance(n, kinds) and softmax(n) is None and _plain(n)
    found: dict[Expr, list[Monomial] | None] = {}
    coupled: set[Expr] = set()  # what a softmax stands in
    leaf = lambda n: isinstance(n, Definition) or softmax(n) is not None
    for node in toposort(roots, leaf):
        seen, inside = softmax(node), any(arg in coupled for arg in node.args)
        atom = [Monomial(1.0, ((node, tuple(range(node.ndim))),), node.ndim)]
        if seen is not None:
            coupled.add(node)
            found[node] = [Monomial(1.0, (seen,), node.ndim)]
        elif isinstance(node, Constant) and node.ndim == 0:
            found[node] = [Monomial(node.number, (), 0)]
        elif not opened(node) or (inside and node in closed and _adds_up(node)):
            found[node] = atom
        else:
            if inside:
                coupled.add(node)
            terms = _terms(node, found, softmax) if inside or isinstance(node, Einsum) else atom
            if terms is not None and isinstance(node, Add) and all(map(_is_one_factor, terms)):
                terms = atom
            short = terms is not None and all(len(t.factors) <= _LONGEST for t in terms)
            found[node] = terms if short else None if inside else atom
    return found


def _is_one_factor(term: Monomial) -> bool:
    return len(term.factors) <= 1 and not any(isinstance(f, Delta) for f, _ in term.factors)


def _adds_up(e: Expr) -> bool:
    return isinstance(e, Add) or (isinstance(e, Einsum) and bool(e.summed))


def _plain(e: Expr) -> bool:
    return not any(isinstance(arg, Merge) for arg in e.args)


def _terms(
    e: Expr, found: Mapping[Expr, list[Monomial] | None], softmax: Powers
) -> list[Monomial] | None:
    parts = [found[arg] for arg in e.args]
    known = [p for p in parts if p is not None]
    if len(known) < len(parts):
        return None
    if not isinstance(e, Einsum):
        terms = [t for p in known for t in p]
        return terms if len(terms) <= _MOST else None
    number = 1
    for p in known:
        number *= len(p)
    if number > _MOST:
        return None
    return [_multiplied(e, choice, softmax) for choice in itertools.product(*known)]


def _multiplied(e: Einsum, choice: Iterable[Monomial], softmax: Powers) -> Monomial:
    """The product of one term of each operand."""
    place = {i: axis for axis, i in enumerate(e.output)}
    fresh = itertools.count(e.ndim)
    for i in e.summed:
        place[i] = next(fresh)
    number, factors = 1.0, []
    for term, indices in zip(choice, e.inputs, strict=True):
        number *= term.number
        name = {k: place[i] for k, i in enumerate(indices)}
        for f, ix in term.factors:
            for i in ix:
                if i not in name:
                    name[i] = next(fresh)
            factors.append((f, tuple(name[i] for i in ix)))
    return normal(Monomial(number, tuple(factors), e.ndim), softmax)


def normal(term: Monomial, softmax: Powers) -> Monomial:
    """The term without deltas that only rename, ones that others repeat, and Σ softmax = 1."""
    term = _without_deltas(term)
    while True:
        used = [i for _, ix in term.factors for i in ix]
        lone = next(
            (
                k
                for k, (f, ix) in enumerate(term.factors)
                if softmax(f) is not None and ix[-1] >= term.ndim and used.count(ix[-1]) == 1
            ),
            None,
        )
        if lone is None:
            return _without_ones(term)
        f, ix = term.factors[lone]
        ones = tuple((Ones(dim), (i,)) for dim, i in zip(f.shape[:-1], ix[:-1], strict=True))
        factors = (*term.factors[:lone], *ones, *term.factors[lone + 1 :])
        term = Monomial(term.number, factors, term.ndim)


def _without_deltas(term: Monomial) -> Monomial:
    """Every index that a delta ties is the first of those tied; axes stay tied by deltas."""
    first: dict[int, int] = {}

    def found(i: int) -> int:
        while i in first:
            i = first[i]
        return i

    dims: dict[int, Dim] = {}
    for f, ix in term.factors:
        dims.update(zip(ix, f.shape, strict=True))
        if isinstance(f, Delta):
            low, high = sorted(map(found, ix))
            if low != high:
                first[high] = low
    if not any(isinstance(f, Delta) for f, _ in term.factors):
        return term
    kept = [(f, tuple(map(found, ix))) for f, ix in term.factors if not isinstance(f, Delta)]
    tied = sorted(i for i in first if i < term.ndim)
    kept += [(Delta(dims[i]), (found(i), i)) for i in tied]
    alone = {found(i) for f, ix in term.factors if isinstance(f, Delta) for i in ix}
    kept += [(Ones(dims[i]), (i,)) for i in sorted(alone)]
    return Monomial(term.number, tuple(kept), term.ndim)


def _without_ones(term: Monomial) -> Monomial:
    seen = {i for f, ix in term.factors if not isinstance(f, Ones) for i in ix}
    kept: list[Factor] = []
    for f, ix in term.factors:
        if not isinstance(f, Ones) or ix[0] not in seen:
            kept.append((f, ix))
            seen.update(ix)
    return Monomial(term.number, tuple(kept), term.ndim)


def ordered(
    factors: Sequence[Factor], label: Mapping[int, int], numbers: Numbering
) -> tuple[list[Factor], list[int]]:
    """The factors and the indices in an order that does not depend on how indices are called.

    Indices with labels come first, by their labels. The others are told apart by the factors that
    have them, round by round; of those that are still alike, one is taken first [McKay 1981].
    """
    for f, _ in factors:
        numbers.setdefault(f, len(numbers))
    indices = list(dict.fromkeys(i for _, ix in factors for i in ix))
    last = 1 + max(label.values(), default=-1)
    colour = {i: label.get(i, last) for i in indices}
    while True:
        colour = _refined(factors, colour, numbers)
        groups: dict[int, list[int]] = {}
        for i in indices:
            groups.setdefault(colour[i], []).append(i)
        alike = min((c for c, group in groups.items() if len(group) > 1), default=None)
        if alike is None:
            break
        colour = {i: 2 * c for i, c in colour.items()}
        colour[groups[alike][0]] -= 1
    rank = {i: k for k, i in enumerate(sorted(indices, key=colour.__getitem__))}
    rows = sorted(factors, key=lambda f: (numbers[f[0]], [rank[i] for i in f[1]]))
    return rows, sorted(indices, key=rank.__getitem__)


def _refined(
    factors: Sequence[Factor], colour: dict[int, int], numbers: Numbering
) -> dict[int, int]:
    while True:
        places: dict[int, list[tuple[int, int, tuple[int, ...]]]] = {i: [] for i in colour}
        for f, ix in factors:
            own = tuple(colour[i] for i in ix)
            for axis, i in enumerate(ix):
                places[i].append((numbers[f], axis, own))
        full = {i: (colour[i], sorted(places[i])) for i in colour}
        rank: dict[int, int] = {}
        previous, at = None, -1
        for i in sorted(full, key=full.__getitem__):
            at += full[i] != previous
            previous = full[i]
            rank[i] = at
        if len(set(rank.values())) == len(set(colour.values())):
            return rank
        colour = rank


def groups(term: Monomial, among: Iterable[int], apart: Set[int]) -> list[frozenset[int]]:
    """The factors ``among`` a term's, those together that share an index which is summed over."""
    left, groups = list(among), []
    while left:
        group = [left.pop(0)]
        reached: set[int] = set()
        for k in group:
            reached |= {i for i in term.factors[k][1] if i >= term.ndim and i not in apart}
            near = [n for n in left if reached & set(term.factors[n][1])]
            left = [n for n in left if n not in near]
            group += near
        groups.append(frozenset(group))
    return groups


def key_of(term: Monomial, numbers: Numbering) -> object:
    """What is equal for terms with the same factors, whatever their order and their indices."""
    rows, order = ordered(term.factors, {k: k for k in range(term.ndim)}, numbers)
    rank = {i: k for k, i in enumerate(order)}
    return tuple((numbers[f], tuple(rank[i] for i in ix)) for f, ix in rows)


def collected(terms: Iterable[Monomial], numbers: Numbering) -> list[Monomial]:
    """Equal terms added up; what cancels but for rounding of the numbers is left out."""
    found: dict[object, tuple[list[float], Monomial]] = {}
    for term in terms:
        found.setdefault(key_of(term, numbers), ([], term))[0].append(term.number)
    return [
        Monomial(sum(own), term.factors, term.ndim)
        for own, term in found.values()
        if abs(sum(own)) > 1e-14 * max(map(abs, own))
    ]


def as_expr(term: Monomial) -> Expr:
    """The term as one product."""
    number = [(Constant(term.number), ())] if term.number != 1 or not term.factors else []
    whole = [*number, *term.factors]
    return product([f for f, _ in whole], [ix for _, ix in whole], tuple(range(term.ndim)))
