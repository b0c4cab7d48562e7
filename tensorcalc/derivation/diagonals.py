"""Several diagonal matrices as one: diag(a) − diag(b) is diag(a − b)."""

from __future__ import annotations

from tensorcalc.display.notation import (
    Call,
    Chain,
    Notation,
    Scaled,
    Sum,
    chain,
    hadamard,
    scaled,
    sum_of,
)
from tensorcalc.display.walk import mapped, pieces

__all__ = ["with_one_diagonal"]


def with_one_diagonal(n: Notation) -> Notation:
    """The formula with neighbouring diagonal matrices, added or multiplied, as one."""
    several = sum(map(_is_diagonal, pieces(n))) > 1
    return mapped(n, _joined) if several else n


def _joined(n: Notation) -> Notation | None:
    if isinstance(n, Sum):
        return _added(n)
    return _multiplied(n) if isinstance(n, Chain) else None


def _added(n: Sum) -> Notation | None:
    """diag(a) − 2 diag(b) as diag(a − 2 b); None where a term is no diagonal matrix."""
    found: list[Notation] = []
    for term in n.terms:
        number, scalars, body = 1.0, (), term
        if isinstance(term, Scaled) and term.body is not None:
            number, scalars, body = term.number, term.scalars, term.body
        if not _is_diagonal(body):
            return None
        found.append(scaled(number, scalars, _inside(body)))
    return _diagonal(sum_of(found))


def _multiplied(n: Chain) -> Notation:
    """A diag(a) diag(b) B as A diag(a ⊙ b) B."""
    factors: list[tuple[Notation, bool]] = []
    for factor, flag in n.factors:
        whole = mapped(factor, _joined)
        if _is_diagonal(whole) and factors and _is_diagonal(factors[-1][0]):
            both = hadamard([_inside(factors[-1][0]), _inside(whole)], 1)
            factors[-1] = (_diagonal(both), False)
        else:
            factors.append((whole, flag))
    return n if tuple(factors) == n.factors else chain(*factors)


def _is_diagonal(n: Notation) -> bool:
    return isinstance(n, Call) and n.name == "diag" and len(n.arguments) == 1


def _inside(n: Notation) -> Notation:
    assert isinstance(n, Call)
    return n.arguments[0]


def _diagonal(n: Notation) -> Notation:
    return Call("diag", r"\operatorname{diag}", (n,))
