"""Terms of a differential: G : dk, and the change that a term of a formula holds."""

from __future__ import annotations

from dataclasses import dataclass

from tensorcalc.derivation.changes import colon
from tensorcalc.derivation.definitions import name_of_vertex
from tensorcalc.display.notation import (
    Atom,
    Chain,
    Differential,
    Infix,
    Notation,
    Sum,
    chain,
    is_negative,
    negated,
    scaled,
)
from tensorcalc.display.walk import mapped, pieces
from tensorcalc.expr import Expr

__all__ = [
    "Term",
    "applied",
    "change_in",
    "is_slice_of",
    "scaled_term",
    "with_formula",
]


@dataclass(frozen=True)
class Term:
    """G : dk; no adjoint where G has no matrix form."""

    vertex: Expr
    adjoint: Notation | None


def scaled_term(number: Notation, term: Notation) -> Notation:
    """A number times a term; of G : du, the factor G takes it."""
    if is_negative(term):
        return negated(scaled_term(number, negated(term)))
    if isinstance(term, Infix) and term.sign == ":":
        left, right = term.parts
        return colon(scaled(1.0, [number], left), right, 1)
    return scaled(1.0, [number], term)


def applied(term: Notation) -> list[tuple[Notation | None, Notation]]:
    """The pairs G, F of a term G : (F + …), each F with one change; no G for other terms."""
    if is_negative(term) and (turned := applied(negated(term)))[0][0] is not None:
        return [(negated(left), f) for left, f in turned if left is not None]
    if not isinstance(term, Infix) or term.sign != ":":
        return [(None, term)]
    left, right = term.parts
    return [(left, f) for f in (right.terms if isinstance(right, Sum) else (right,))]


def change_in(term: Notation) -> Differential | None:
    """The differential in a term; None where there are several, or none."""
    found = {p for p in pieces(term) if isinstance(p, Differential)}
    return found.pop() if len(found) == 1 else None


def is_slice_of(n: Notation, vertex: Expr) -> bool:
    """du[0:2], which no formula for du replaces."""
    inside = n.of if isinstance(n, Differential) else None
    return isinstance(inside, Atom) and inside.name.startswith(f"{name_of_vertex(vertex)}[")


def with_formula(form: Notation, d: Differential, inner: Notation) -> Notation:
    """The formula with d replaced, products opened."""

    def change(n: Notation) -> Notation | None:
        if n == d:
            return inner
        if isinstance(n, Chain):
            return chain(*((mapped(factor, change), flag) for factor, flag in n.factors))
        return None

    return mapped(form, change)
