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
from tensorcalc.simplify import simplify

__all__ = ["quantity_names", "structure", "tied_dims"]


def quantity_names(roots: Iterable[Expr]) -> set[str]:
    """The names of all variables and intermediates below some expressions."""
    return {node.name for node in toposort(roots) if isinstance(node, (Variable, Definition))}


def _products(value: Expr) -> list[Expr]:
    return list(value.terms) if isinstance(value, Add) else [value]


def _ties(term: Expr, value_ndim: int) -> set[tuple[int, int]]:
    """Which axes of the value are tied to which axes of the argument by deltas."""
    if isinstance(term, Delta):
        return {(0, 1)} if value_ndim == 1 else set()
    if not isinstance(term, Einsum):
        return set()
    place = {i: axis for axis, i in enumerate(term.output)}
    ties = set()
    for operand, indices in zip(term.operands, term.inputs, strict=True):
        if isinstance(operand, Delta) and all(i in place for i in indices):
            p, q = sorted(place[i] for i in indices)
            if p < value_ndim <= q:
                ties.add((p, q))
    return ties


def structure(value: Expr, value_ndim: int) -> str:
    """The word for ``Derivative.structure``, for a value whose first axes are the value's."""
    if is_zero(value):
        return "zero"
    if value is identity(value.shape[:value_ndim]) or value is simplify(
        identity(value.shape[:value_ndim])
    ):
        return "identity"
    terms = _products(value)
    common = set.intersection(*(_ties(term, value_ndim) for term in terms))
    tied = {axis for pair in common for axis in pair}
    if common and tied == set(range(value.ndim)):
        return "diagonal"
    if common:
        return "block diagonal"
    if len(terms) == 1 and _is_outer_product(terms[0]):
        return "outer product"
    return "dense"


def _is_outer_product(term: Expr) -> bool:
    """Whether the factors fall into groups that share no index, each with an output axis."""
    if not isinstance(term, Einsum) or term.ndim < 2:
        return False
    groups: list[set[int]] = []
    for indices in term.inputs:
        if not indices:
            continue
        touching = [g for g in groups if g & set(indices)]
        merged = set(indices).union(*touching)
        groups = [g for g in groups if g not in touching] + [merged]
    return len(groups) > 1 and all(g & set(term.output) for g in groups)


def tied_dims(value: Expr) -> list[int | str]:
    """The dims of deltas that every term has: each divides the number of entries used."""
    if isinstance(value, Delta):
        return [value.dim]
    terms = _products(value)
    if not all(isinstance(t, (Einsum, Delta)) for t in terms):
        return []
    ties = [_all_ties(t) for t in terms]
    return [value.shape[q] for _, q in set.intersection(*ties)]


def _all_ties(term: Expr) -> set[tuple[int, int]]:
    if isinstance(term, Delta):
        return {(0, 1)}
    assert isinstance(term, Einsum)
    place = {i: axis for axis, i in enumerate(term.output)}
    return {
        tuple(sorted(place[i] for i in indices))  # type: ignore[misc]
        for operand, indices in zip(term.operands, term.inputs, strict=True)
        if isinstance(operand, Delta) and all(i in place for i in indices)
    }
