"""Where diag(p) − p pᵀ is contracted in two parts: its diagonal p (1 − p) is formed before.

With nothing beside p along its axis there is nothing to centre. Σ_i w_i p_ij p_ik is then taken
apart into its entries with j ≠ k and those with j = k, which join Σ_i w_i p_ij.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tensorcalc.codegen.monomials import Monomial, Numbering, key_of
from tensorcalc.codegen.shares import Shares
from tensorcalc.expr import Add, Constant, Delta, Einsum, Expr, Ones
from tensorcalc.rewrite.products import Factor
from tensorcalc.shapes import Dim

__all__ = ["Ties", "is_of", "off_diagonal", "tied_late", "unequal"]

Ties = Mapping[tuple[int, int], Dim]  # pairs of axes, and their dimension


def tied_late(terms: Sequence[Monomial], shares: Shares, numbers: Numbering) -> Ties:
    """The axes where terms with I[j=k] p_j and with p_j p_k cancel for p_j = 1, both summed."""
    total: dict[object, list[float]] = {}
    tied: dict[object, tuple[tuple[int, int], Dim]] = {}
    for term in terms:
        deltas = {ix: f.shape[0] for f, ix in term.factors if isinstance(f, Delta)}
        met = _pairs(term, shares)
        for pair in {*deltas, *met}:
            whole = Monomial(term.number, _on_diagonal(term, pair), term.ndim)
            for softmax in dict.fromkeys(whole.factors):
                p, ix = softmax
                if shares.of(p) is None or ix[-1] != pair[0] or max(ix) < term.ndim:
                    continue
                if pair in deltas or (p, (*ix[:-1], pair[1])) in term.factors:
                    key = (pair, p, key_of(_at_one(whole, softmax), numbers))
                    total.setdefault(key, []).append(term.number)
                    if pair in deltas:
                        tied[key] = (pair, deltas[pair])
    cancels = lambda own: abs(sum(own)) <= 1e-14 * max(map(abs, own))
    return dict(pair for key, pair in tied.items() if cancels(total[key]))


def _at_one(term: Monomial, softmax: Factor) -> Monomial:
    """The term where a softmax is 1 at one entry and 0 at all others of its axis."""
    p, (*over, at) = softmax
    own = [ix[-1] for f, ix in term.factors if f is p and [*ix[:-1]] == over]
    gone = {i for i in own if i >= term.ndim}
    factors = tuple(
        (f, tuple(at if i in gone else i for i in ix))
        for f, ix in term.factors
        if not (f is p and [*ix[:-1]] == over and (ix[-1] in gone or ix[-1] == at))
    )
    return Monomial(term.number, factors, term.ndim)


def _pairs(term: Monomial, shares: Shares) -> set[tuple[int, int]]:
    """The pairs of axes that are those of one softmax, of which a batch axis is summed over."""
    at = {ix for f, ix in term.factors if shares.of(f) is not None and max(ix) >= term.ndim}
    return {
        (one[-1], other[-1])
        for one in at
        for other in at
        if one[:-1] == other[:-1] and one[-1] < other[-1] < term.ndim
    }


def _on_diagonal(term: Monomial, pair: tuple[int, int]) -> tuple[Factor, ...]:
    """The factors of the entries of a term where two axes agree, by the first of them."""
    j, k = pair
    return tuple(
        (f, tuple(j if i == k else i for i in ix))
        for f, ix in term.factors
        if not (isinstance(f, Delta) and ix == pair)
    )


def is_of(term: Monomial, tied: Ties, shares: Shares) -> bool:
    """Whether a term is to be added to others before it is summed, on a diagonal or beside it."""
    if any(pair in tied for pair in _pairs(term, shares)):
        return True
    deltas = [ix for f, ix in term.factors if isinstance(f, Delta) and ix in tied]
    ends = {ix[-1] for f, ix in term.factors if shares.of(f) is not None and max(ix) >= term.ndim}
    return any(j in ends for j, _ in deltas)


def off_diagonal(terms: Sequence[Monomial], tied: Ties, shares: Shares) -> Iterator[Monomial]:
    """The terms, those with p_j p_k as what they are off the diagonal and what they are on it."""
    for term in terms:
        pair = next((pair for pair in sorted(_pairs(term, shares)) if pair in tied), None)
        if pair is None:
            yield term
            continue
        others, tie = unequal(tied[pair]), Delta(tied[pair])
        yield Monomial(term.number, (*term.factors, (others, pair)), term.ndim)
        yield Monomial(term.number, (*_on_diagonal(term, pair), (tie, pair)), term.ndim)


def unequal(dim: Dim) -> Expr:
    """1 − I: 1 where two indices differ."""
    ones = Einsum((Ones(dim), Ones(dim)), ((0,), (1,)), (0, 1))
    return Add((ones, Einsum((Constant(-1.0), Delta(dim)), ((), (0, 1)), (0, 1))))
