"""The parts of a derivation: one for each argument, and the chain a person has joined with ``@``.

A second derivative is the derivative of a first: its second part differentiates the gradient,
which by then has a name.
"""

from __future__ import annotations

from dataclasses import dataclass

from tensorcalc.derivation.scribe import Scribe
from tensorcalc.derivation.stages import Edge, Stages, staged
from tensorcalc.derivative import Derivative
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Definition, Expr, add, contract, toposort
from tensorcalc.layout import LAYOUTS
from tensorcalc.simplify import simplify
from tensorcalc.structure import quantity_names

__all__ = ["Part", "parts_of"]


@dataclass(frozen=True)
class Part:
    """One derivative to be told: its stages, who writes it, and what was defined before."""

    number: int
    stages: Stages
    scribe: Scribe
    known: frozenset[Expr]

    @property
    def wrt(self) -> Expr:
        """What is differentiated by."""
        return self.stages.wrt


def parts_of(d: Derivative) -> list[Part]:
    """The derivatives to be told one after the other."""
    links = [link for c in d.contributions for link in c.links]
    if len(links) > 1 or links[0].given:
        stages = _joined(d)
        return [Part(0, stages, Scribe(stages.order, d.layout_view), frozenset())]
    held = links[0].held
    arguments = [a.expr for a in d.arguments]
    parts: list[Part] = []
    of, known = d.of.expr, frozenset[Expr]()
    letters: dict[Expr, tuple[str, ...]] = {}
    for number, wrt in enumerate(arguments):
        others = {a for a in arguments if isinstance(a, Definition) and a is not wrt}
        stages = staged(of, wrt, {*held, *others} if len(arguments) > 1 else held)
        inner = number + 1 < len(arguments)  # a gradient on the way stands in its own shape
        layout = LAYOUTS["mixed"] if inner else d.layout_view
        scribe = Scribe(stages.order, layout, letters)
        parts.append(Part(number, stages, scribe, known))
        known |= {*stages.defined}
        if inner:
            of = _gradient(stages, [d.of.expr, *arguments])
            letters = {**scribe.letters, of: (*scribe.letters[stages.of], *scribe.letters[wrt])}
            del letters[wrt]
    return parts


def _gradient(stages: Stages, universe: list[Expr]) -> Definition:
    """The derivative just found, under a name of its own."""
    known: dict[Expr, Expr] = {}
    for vertex in stages.order[1:]:
        terms = [
            e.value if e.of is stages.of else contract(known[e.of], e.value, e.of.ndim)
            for e in stages.into(vertex)
        ]
        known[vertex] = simplify(add(*terms))
    value = known[stages.wrt]
    taken = quantity_names([*universe, stages.of])
    stem = ("r", "g", "G", "H")[min(value.ndim, 3)]
    name = next(n for n in (stem, *(f"{stem}{k}" for k in range(2, 99))) if n not in taken)
    return Definition(name, value)


def _joined(d: Derivative) -> Stages:
    """The graph of the links that were joined with ``@`` and ``+``."""
    edges: dict[tuple[Expr, Expr], Edge] = {}
    for c in d.contributions:
        if c.number != 1:
            raise NotSupportedError(
                f"the derivation of a multiple of {d.title}",
                "ask for that of the derivative itself",
            )
        for link in c.links:
            pair = link.of.expr, link.wrt[0].expr
            edges.setdefault(pair, Edge(*pair, link.value))
    of, wrt = d.of.expr, d.arguments[0].expr
    order = _from_value_down(of, list(edges.values()))
    defined = [n for n in toposort([of]) if isinstance(n, Definition)]
    stages = Stages(of, wrt, order, tuple(reversed(edges.values())), tuple(defined), frozenset())
    if stages.path_count != len(d.contributions):
        raise NotSupportedError(
            f"the derivation of {d.title} as a sum of {len(d.contributions)} contributions that "
            f"join to {stages.path_count} paths",
            "add only different paths, or ask for tc.derivative(…).derivation()",
        )
    return stages


def _from_value_down(of: Expr, edges: list[Edge]) -> tuple[Expr, ...]:
    """The vertices so that each comes after all that it acts on."""
    order: list[Expr] = []
    waiting = [of]
    while waiting:
        vertex = waiting.pop(0)
        order.append(vertex)
        for edge in edges:
            ready = all(e.of in order for e in edges if e.wrt is edge.wrt)
            if edge.of is vertex and ready and edge.wrt not in (*order, *waiting):
                waiting.append(edge.wrt)
    return tuple(order)
