"""What couples the samples of a batch: the first stage of which one entry takes in several."""

from __future__ import annotations

import numpy as np

from tensorcalc.check.points import draw_point
from tensorcalc.derivation.stages import Stages, staged
from tensorcalc.display import describe
from tensorcalc.errors import DomainError
from tensorcalc.evaluate import Dense
from tensorcalc.expr import Expr, toposort
from tensorcalc.structure import tied_axes
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of

__all__ = ["across", "coupling_stage", "share_across", "what_couples"]

_ROUNDING = 1e-9
_CANCELLED = 1e-13
_WORDS = {0: "rows", 1: "columns"}


def what_couples(of: Expr, argument: Tensor, axis: int) -> str:
    """A sentence: the quantity at which samples stop being apart."""
    several = _several(argument, axis)
    culprit = coupling_stage(of, argument.expr, axis)
    if culprit is None:
        return f"one entry of {name_of(Tensor(of))} depends on several {several}."
    name = getattr(culprit, "name", "")
    written = next((n for n in toposort([of]) if getattr(n, "name", "") == name), culprit)
    formula = describe(getattr(written, "body", written), 60)
    return f"{name} = {formula} couples them: one entry of {name} depends on several {several}."


def _several(argument: Tensor, axis: int) -> str:
    word = "entries" if argument.expr.ndim == 1 else _WORDS.get(axis, "slices")
    return f"{word} of {name_of(argument)}"


def coupling_stage(of: Expr, wrt: Expr, axis: int) -> Expr | None:
    """The first vertex from ``wrt`` up of which one entry depends on several samples."""
    stages = staged(of, wrt)
    place: dict[Expr, int] = {wrt: axis}
    for vertex in reversed(stages.order[:-1]):
        found = _axis_through(stages, vertex, place)
        if found is None:
            return _with_a_name(stages, vertex)
        place[vertex] = found
    return None


def _with_a_name(stages: Stages, vertex: Expr) -> Expr:
    """The first quantity from a vertex up that the program itself has named."""
    while vertex in stages.named:
        above = [e.of for e in stages.into(vertex)]
        if not above:
            break
        vertex = above[0]
    return vertex


def _axis_through(stages: Stages, vertex: Expr, place: dict[Expr, int]) -> int | None:
    """The axis of a vertex that all its edges tie to the samples of what it is made from."""
    axes: set[int] | None = None
    for edge in stages.edges:
        if edge.of is vertex:
            sample = vertex.ndim + place[edge.wrt]
            tied = {p for p, q in tied_axes(edge.value) if q == sample}
            axes = tied if axes is None else axes & tied
    return min(axes) if axes else None


def share_across(value: Expr, first: int, axis: int) -> float | None:
    """How large ∂l_k/∂Z is between different samples, as a share of its largest entry.

    ``value`` has ``first`` axes of the losses, axis 0 counting them. None where no random point is
    found.
    """
    return across(value, 0, first + axis)


def across(value: Expr, one: int, other: int) -> float | None:
    """The largest entry at which two axes of equal size differ, relative to the largest of all.

    0 where it is no larger than what rounding leaves of numbers that cancel.
    """
    try:
        point = draw_point([value], 0, "the derivative")
    except DomainError:
        return None
    evaluation = Dense(point.values, point.sizes)
    array = np.abs(evaluation.array(value))
    whole = array.max(initial=0.0)
    moved = np.moveaxis(array, (one, other), (0, 1))
    between = moved[~np.eye(len(moved), dtype=bool)].max(initial=0.0)
    largest = max(np.abs(a).max(initial=0.0) for a, _ in evaluation.known.values())
    rounding = max(_ROUNDING * whole, _CANCELLED * largest)
    return float(between / whole) if between > rounding else 0.0
