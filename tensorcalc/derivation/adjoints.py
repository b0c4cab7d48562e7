"""The two sweeps over the stages: adjoints from the value down, tangents from the argument up."""

from __future__ import annotations

from collections.abc import Mapping

from tensorcalc.derivation.stages import Edge, Stages
from tensorcalc.expr import Expr, add, contract, zeros
from tensorcalc.simplify import simplify

__all__ = ["adjoints", "contribution", "tangents"]


def adjoints(stages: Stages) -> dict[Expr, Expr]:
    """∂of/∂vertex for every vertex below the value; zeros where none of its paths counts."""
    known: dict[Expr, Expr] = {}
    for vertex in stages.order[1:]:
        terms = [contribution(stages, e, known) for e in stages.into(vertex)]
        known[vertex] = simplify(add(*terms)) if terms else zeros(stages.of.shape + vertex.shape)
    return known


def contribution(stages: Stages, edge: Edge, adjoint: Mapping[Expr, Expr]) -> Expr:
    """(adjoint of what the edge leads to) · (its local derivative), nothing simplified."""
    if edge.of is stages.of:
        return edge.value
    return contract(adjoint[edge.of], edge.value, edge.of.ndim)


def tangents(stages: Stages, change: Expr) -> dict[Expr, Expr]:
    """dvertex for every vertex, linear in the change of the argument."""
    known: dict[Expr, Expr] = {stages.wrt: change}
    for vertex in reversed(stages.order[:-1]):
        edges = [e for e in stages.edges if e.of is vertex]
        terms = [contract(e.value, known[e.wrt], e.wrt.ndim) for e in edges]
        known[vertex] = simplify(add(*terms)) if terms else zeros(vertex.shape)
    return known
