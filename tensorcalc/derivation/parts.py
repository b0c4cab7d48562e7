"""The parts of a derivation: one for each argument, and the chain a person has joined with ``@``.

A second derivative is the derivative of a first: its second part differentiates the gradient,
which by then has a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tensorcalc.derivation.adjoints import adjoints
from tensorcalc.derivation.lettering import PageLetters
from tensorcalc.derivation.scribe import Scribe, first_free
from tensorcalc.derivation.stages import Edge, Stages, staged
from tensorcalc.derivative import Derivative
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Constant, Definition, Expr, toposort
from tensorcalc.layout import LAYOUTS
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


def parts_of(d: Derivative, style: str) -> list[Part]:
    """The derivatives to be told one after the other."""
    _require_no_multiple(d)
    links = [link for c in d.contributions for link in c.links]
    given = any(link.given for link in links)
    if style == "differential" and (given or d.is_partial):
        what = "an array that was given" if given else "one contribution to a derivative"
        raise NotSupportedError(
            f"the derivation of {d.title} by differentials, from {what}", 'take style="chain"'
        )
    if given or (len(links) > 1 and style != "differential"):
        stages = _joined(d)
        return [Part(0, stages, Scribe(stages.order, d.layout_view), frozenset())]
    held = links[0].held if len(links) == 1 else frozenset[Expr]()
    arguments = [a.expr for a in d.arguments]
    parts: list[Part] = []
    of, known = d.of.expr, frozenset[Expr]()
    letters: dict[Expr, tuple[str, ...]] = {}
    page = PageLetters()
    for number, wrt in enumerate(arguments):
        others = {a for a in arguments if isinstance(a, Definition) and a is not wrt}
        stages = staged(of, wrt, {*held, *others} if len(arguments) > 1 else held)
        inner = number + 1 < len(arguments)  # a gradient on the way stands in its own shape
        layout = LAYOUTS["mixed"] if inner else d.layout_view
        scribe = Scribe(stages.order, layout, letters, page)
        parts.append(Part(number, stages, scribe, known))
        known |= {*stages.defined}
        if inner:
            of = _gradient(stages, [d.of.expr, *arguments])
            letters = {**scribe.letters, of: (*scribe.letters[stages.of], *scribe.letters[wrt])}
            del letters[wrt]
    return parts


def _require_no_multiple(d: Derivative) -> None:
    if any(c.number != 1 for c in d.contributions):
        raise NotSupportedError(
            f"the derivation of a multiple of {d.title}", "ask for that of the derivative itself"
        )


def _gradient(stages: Stages, universe: list[Expr]) -> Definition:
    """The derivative just found, under a name of its own."""
    value = adjoints(stages)[stages.wrt]
    taken = quantity_names([*universe, stages.of])
    stem = ("r", "g", "G", "H")[min(value.ndim, 3)]
    return Definition(first_free((stem,), taken), value)


def _joined(d: Derivative) -> Stages:
    """The graph of the links that were joined with ``@`` and ``+``."""
    edges: dict[tuple[Expr, Expr], Edge] = {}
    for c in d.contributions:
        for link in c.links:
            pair = link.of.expr, link.wrt[0].expr
            value = _given(link.value, edges, d) if link.given else link.value
            edges.setdefault(pair, Edge(*pair, value))
    of, wrt = d.of.expr, d.arguments[0].expr
    order = _from_value_down(of, list(edges.values()))
    below = toposort([e for edge in edges.values() for e in (edge.wrt, edge.of, edge.value)])
    defined = [n for n in below if isinstance(n, Definition)]
    stages = Stages(of, wrt, order, tuple(reversed(edges.values())), tuple(defined), frozenset())
    if stages.path_count != len(d.contributions):
        raise NotSupportedError(
            f"the derivation of {d.title} as a sum of {len(d.contributions)} contributions that "
            f"join to {stages.path_count} paths",
            "add only different paths, or ask for tc.derivative(…).derivation()",
        )
    return stages


def _given(value: Expr, edges: Mapping[tuple[Expr, Expr], Edge], d: Derivative) -> Expr:
    """An array that somebody gave, under a name for formulas."""
    if not isinstance(value, Constant) or not value.ndim:
        return value
    taken = quantity_names([*d.universe, *(e.value for e in edges.values())])
    return Definition(first_free(("K", "M", "N"), taken), value)


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
