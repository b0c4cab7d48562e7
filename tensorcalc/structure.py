"""Reading structure off expressions: which deltas tie which axes, what is an outer product.

Structure is not declared: it is visible as Kronecker deltas and separate factors in the value.
"""

from __future__ import annotations

from collections.abc import Iterable

from tensorcalc.expr import (
    Add,
    Definition,
    Delta,
    Einsum,
    Expr,
    Variable,
    identity,
    is_zero,
    toposort,
)
from tensorcalc.shapes import Dim

__all__ = ["loose_ties", "quantity_names", "structure", "tied_axes", "tied_dims", "ties"]


def quantity_names(roots: Iterable[Expr]) -> set[str]:
    """The names of all variables and intermediates below some expressions."""
    return {node.name for node in toposort(roots) if isinstance(node, (Variable, Definition))}


def _products(value: Expr) -> list[Expr]:
    return list(value.terms) if isinstance(value, Add) else [value]


def ties(term: Expr) -> set[tuple[int, int]]:
    """The pairs of axes of one product that are tied by deltas."""
    if isinstance(term, Delta):
        return {(0, 1)}
    if not isinstance(term, Einsum):
        return set()
    place = {i: axis for axis, i in enumerate(term.output)}
    found = set()
    for operand, indices in zip(term.operands, term.inputs, strict=True):
        if isinstance(operand, Delta) and all(i in place for i in indices):
            p, q = sorted(place[i] for i in indices)
            found.add((p, q))
    return found


def tied_axes(value: Expr) -> set[tuple[int, int]]:
    """The pairs of axes that are tied by a delta in every term."""
    return set.intersection(*map(ties, _products(value)))


def loose_ties(value: Expr) -> set[tuple[int, int]]:
    """The pairs of axes that are tied by a delta in some term, however deep inside."""
    found: dict[Expr, set[tuple[int, int]]] = {}
    for node in toposort([value], lambda n: isinstance(n, Definition)):
        pairs: set[tuple[int, int]] = {(0, 1)} if isinstance(node, Delta) else set()
        if isinstance(node, Add):
            pairs = set().union(*(found[term] for term in node.terms))
        elif isinstance(node, Einsum):
            place = {i: axis for axis, i in enumerate(node.output)}
            for operand, indices in zip(node.operands, node.inputs, strict=True):
                ends = [(place.get(indices[p]), place.get(indices[q])) for p, q in found[operand]]
                pairs |= {(min(e), max(e)) for e in ends if None not in e}  # type: ignore[type-var]
        found[node] = pairs
    return found[value]


def structure(value: Expr, value_ndim: int) -> str:
    """The word for ``Derivative.structure``, for a value whose first axes are the value's."""
    if is_zero(value):
        return "zero"
    if value is identity(value.shape[:value_ndim]):
        return "identity"
    terms = _products(value)
    common = {(p, q) for p, q in tied_axes(value) if p < value_ndim <= q}
    tied = {axis for pair in common for axis in pair}
    if common and tied == set(range(value.ndim)):
        return "diagonal"
    if common:
        return "block diagonal"
    if len(terms) == 1 and _is_outer_product(terms[0]):
        return "outer product"
    return "dense"


def _is_outer_product(term: Expr) -> bool:
    """Whether two or more groups of factors that share no index have axes of the output."""
    if not isinstance(term, Einsum):
        return False
    groups: list[set[int]] = []
    for indices in term.inputs:
        touching = [g for g in groups if g & set(indices)]
        merged = set(indices).union(*touching)
        groups = [g for g in groups if g not in touching] + [merged]
    return sum(not g.isdisjoint(term.output) for g in groups) > 1


def tied_dims(value: Expr) -> list[Dim]:
    """The dims of deltas that every term has: each divides the number of entries used."""
    return [value.shape[q] for _, q in tied_axes(value)]
