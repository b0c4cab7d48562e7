"""An equation of Johnston's as an object: statement, shapes, literal form, fast form, check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tensorcalc.backprop.network import FeedForward
from tensorcalc.chain import adjoint
from tensorcalc.check.points import Point, draw_point
from tensorcalc.check.routes import allows_complex_step
from tensorcalc.check.verify import TAYLOR_ORDER, Row, Verification
from tensorcalc.derivative import Derivative
from tensorcalc.display import expression_text
from tensorcalc.display.derivative import formula
from tensorcalc.display.raised import raised
from tensorcalc.errors import TensorCalcError, UnknownNameError
from tensorcalc.expr import Expr
from tensorcalc.presentation import view_of
from tensorcalc.regroup import regrouped
from tensorcalc.tensor import Tensor

__all__ = [
    "ALLOWED",
    "ALLOWED_CENTRAL",
    "Equation",
    "EquationAtLayer",
    "Equations",
    "Sides",
    "network_point",
]

ALLOWED = 1e-10
ALLOWED_CENTRAL = 1e-6


def superscript(layer: int) -> str:
    """A layer's number as she writes it: z², a¹²."""
    return raised(str(layer))


def at_layer(statement: str, layer: int) -> str:
    """The statement with l replaced by a number."""
    for word, value in (("ˡ⁺¹", layer + 1), ("ˡ⁻¹", layer - 1), ("ˡ", layer)):
        statement = statement.replace(word, superscript(value))
    for word, value in (("_{l+1}", layer + 1), ("_l", layer)):
        statement = statement.replace(word, f"_{value}")
    return statement


@dataclass(frozen=True)
class Sides:
    """One equation in one layer: what stands left, the written product, and its factors."""

    left: Derivative | Tensor
    literal: Derivative | Tensor
    shapes: str


@dataclass(frozen=True)
class Equation:
    """One of Johnston's equations for a network, in every layer in which it holds.

    ``statement``, ``section`` and ``read_as`` are words; ``literal``, ``fast`` and ``shapes``
    are those of the first layer, ``layer(l)`` gives the others.
    """

    number: int | str
    statement: str
    latex: str
    section: str
    layers: tuple[int, ...]
    network: FeedForward
    sides: Callable[[int], Sides]
    prove: Callable[[EquationAtLayer, Point, int], float]
    read_as: tuple[str, ...] = ()
    note: str = ""

    def layer(self, layer: int) -> EquationAtLayer:
        """The equation in one layer; TensorCalcError where it does not stand."""
        if layer not in self.layers:
            raise TensorCalcError(
                f"equation ({self.number}) in layer {layer}",
                f"it holds for l = {', '.join(map(str, self.layers))}",
            )
        return EquationAtLayer(self, layer, self.sides(layer))

    def __iter__(self) -> Iterator[EquationAtLayer]:
        return (self.layer(layer) for layer in self.layers)

    @property
    def shown(self) -> EquationAtLayer:
        """The layer whose shapes are shown: the second where it can be."""
        return self.layer(2 if 2 in self.layers else self.layers[0])

    @property
    def literal(self) -> Derivative | Tensor:
        """The product of explicit objects as written."""
        return self.shown.literal

    @property
    def fast(self) -> Derivative | Tensor:
        """What the literal form becomes."""
        return self.shown.fast

    @property
    def shapes(self) -> str:
        """The shapes with this network's numbers."""
        return self.shown.shapes

    def verify(self, params: Any = None, sample: Any = None, seed: int = 0) -> Verification:
        """Check the equation in every layer; random values where none are given."""
        point = network_point(self.network, params, sample, seed)
        rows = [self.layer(layer).row(point, seed) for layer in self.layers]
        return Verification(f"({self.number}) {self.statement}", tuple(rows))

    def __repr__(self) -> str:
        lines = [f"({self.number}) {self.statement}"]
        lines += [f"    l = {e.layer}: {e.shapes}" for e in self]
        lines += [f"    {line}" for line in self.shown.forms]
        lines += [f"    note: {self.note}"] if self.note else []
        lines += [f"    read as: {slip}" for slip in self.read_as]
        return "\n".join(lines)

    def _repr_latex_(self) -> str:
        shapes = [rf"l = {e.layer}:\quad {_latex_shapes(e.shapes)}" for e in self]
        lines = r" \\ ".join([self.latex, *(rf"{{\scriptstyle {line}}}" for line in shapes[:4])])
        # a tag is words already: MathJax draws an error where it finds \text in one
        return rf"$$\begin{{gathered}} {lines} \end{{gathered}} \tag{{{self.number}}}$$"


def _latex_shapes(shapes: str) -> str:
    """1×4 = 1×2 · 2×4 in LaTeX."""
    for word, spelt in (
        ("×", r" \times "),
        ("·", r"\cdot"),
        ("⊗", r"\otimes"),
        ("←", r"\leftarrow"),
        (" used", r"\ \text{used}"),
        (" of ", r"\ \text{of}\ "),
    ):
        shapes = shapes.replace(word, spelt)
    return shapes


@dataclass(frozen=True, repr=False)
class EquationAtLayer:
    """One equation in one layer."""

    equation: Equation
    layer: int
    _sides: Sides = field(repr=False)

    def __repr__(self) -> str:
        return f"({self.equation.number}) {self.statement}    {self.shapes}\n" + "\n".join(
            f"    {line}" for line in self.forms
        )

    @property
    def forms(self) -> tuple[str, str]:
        """The literal and the fast form as two lines, for this layer."""
        d = self.fast
        columns = ", δ as columns" if isinstance(d, Derivative) and d.own_shape else ""
        where = f"(l = {self.layer}{columns})"
        return f"literal  {self.literal_text}", f"fast     {self.fast_text}    {where}"

    @property
    def statement(self) -> str:
        """The statement with this layer's number."""
        return at_layer(self.equation.statement, self.layer)

    @property
    def left(self) -> Derivative | Tensor:
        """What the equation is about: a total derivative, or a quantity."""
        return self._sides.left

    @property
    def literal(self) -> Derivative | Tensor:
        """The product of explicit objects as written; ``contributions`` holds its factors."""
        return self._sides.literal

    @property
    def fast(self) -> Derivative | Tensor:
        """The literal form with its deltas consumed; for the cost, in column form.

        The column form is the transpose of Johnston's rows: δ a^T for (13).
        """
        d = self._sides.literal
        return d.gradient if isinstance(d, Derivative) and d.of.expr.ndim == 0 else d

    @property
    def shapes(self) -> str:
        """The shapes with this layer's numbers."""
        return self._sides.shapes

    @property
    def literal_text(self) -> str:
        """The factors by name: ∂C/∂z3 · ∂z3/∂a2 · ∂a2/∂z2."""
        d = self.literal
        if isinstance(d, Derivative):
            return " · ".join(link.title for link in d.contributions[0].links)
        return expression_text(d.expr.args[0] if d.name else d.expr)

    @property
    def fast_text(self) -> str:
        """The closed formula, with the helper gradients by name."""
        d = self.fast
        if isinstance(d, Derivative):
            (value,), names = regrouped([d.value], self._helpers())
            names = {node: name for node, name in names.items() if name}
            text, by_index = formula(replace(view_of(d), value=value), names=names)
            return f"[k, i, j] = {text}" if by_index else text
        return expression_text(d.expr.args[0] if d.name else d.expr)

    def _helpers(self) -> dict[Expr, str]:
        """δˡ as a column, for every layer but the one the equation defines.

        The derivatives by aˡ have no name of hers; they only take their numbers with them.
        """
        net, d = self.equation.network, self.fast
        assert isinstance(d, Derivative)
        by = lambda name: adjoint(net["C"].expr, net[name].expr)
        helpers = {by(f"a{k}"): "" for k in range(1, net.depth + 1)}
        for k in range(1, net.depth + 1):
            if d.arguments[0] is not net[f"z{k}"]:
                helpers[by(f"z{k}")] = f"δ{superscript(k)}"
        return helpers

    def slice(self, k: int) -> Derivative:
        """Slice k of a 3-tensor: the matrix gradient of entry k."""
        if not isinstance(self.literal, Derivative):
            raise TensorCalcError(f"a slice of {self.statement}", "slice the 3-tensor eqs.box")
        return self.literal[k]

    def verify(self, params: Any = None, sample: Any = None, seed: int = 0) -> Verification:
        """Check the equation in this layer; random values where none are given."""
        point = network_point(self.equation.network, params, sample, seed)
        return Verification(f"({self.equation.number}) {self.statement}", (self.row(point, seed),))

    def error(self, point: Point, seed: int = 0) -> float:
        """The largest relative error of literal and fast form (for (3), the Taylor order)."""
        return self.equation.prove(self, point, seed)

    def row(self, point: Point, seed: int) -> Row:
        """The check as one row."""
        route = f"l = {self.layer}"
        if self.equation.number == 3:
            order = self.error(point, seed)
            detail = "exact" if order == np.inf else f"order {order:.2f}"
            why = "f(W + ΔW) − f(W) − [δf/δW]·ΔW falls as h²"
            holds = order >= TAYLOR_ORDER
            return Row("Taylor", f"{route}: {detail}", order, TAYLOR_ORDER, why, holds)
        error = self.error(point, seed)
        allowed = ALLOWED if _complex_allowed(self, point) else ALLOWED_CENTRAL
        return Row(route, self.shapes, error, allowed, "rounding", error <= allowed)


def _complex_allowed(e: EquationAtLayer, point: Point) -> bool:
    return not isinstance(e.left, Derivative) or allows_complex_step(e.left, point)


class Equations(Mapping[Any, Equation]):
    """Equations 1 to 15 by number, and the 3-tensor [δzˡ/δWˡ] between (11) and (12) as ``box``."""

    def __init__(self, network: FeedForward, equations: list[Equation]) -> None:
        self.network = network
        self._by_number = {e.number: e for e in equations if e.number != "box"}
        self.box = next(e for e in equations if e.number == "box")
        self.in_order = tuple(equations)

    def __getitem__(self, number: Any) -> Equation:
        if number == "box":
            return self.box
        if number not in self._by_number:
            raise UnknownNameError(
                f"equation {number!r}", "Johnston's equations are numbered 1 to 15"
            )
        return self._by_number[number]

    def __iter__(self) -> Iterator[int | str]:
        return iter(self._by_number)

    def __len__(self) -> int:
        return len(self._by_number)

    def verify(self, params: Any = None, sample: Any = None, seed: int = 0) -> Verification:
        """Check every equation in every layer: a table, true if all of them hold."""
        point = network_point(self.network, params, sample, seed)
        rows = []
        for equation in self.in_order:
            number = "box" if equation.number == "box" else f"({equation.number})"
            for layer in equation.layers:
                row = equation.layer(layer).row(point, seed)
                where = "" if row.route == "Taylor" else f"{row.route}: "
                detail = f"{number:>4} {where}{row.detail}"
                rows.append(
                    replace(row, detail=detail, route="Taylor" if not where else "equation")
                )
        return Verification("Johnston's equations", tuple(rows))

    def __repr__(self) -> str:
        wide = max(len(e.statement) for e in self.in_order)
        lines = [f"{self.network!r}", f"{'eq':>3}  {'statement':<{wide}}  shapes"]
        for e in self.in_order:
            number = "–" if e.number == "box" else e.number
            lines.append(f"{number:>3}  {e.statement:<{wide}}  l = {e.shown.layer}: {e.shapes}")
        return "\n".join(lines)


def network_point(network: FeedForward, params: Any, sample: Any, seed: int) -> Point:
    """Values for a network: as given, or random and away from kinks."""
    if params is None and sample is None:
        return draw_point([network["C"].expr], seed, "the network")
    if params is None:
        params = network.initial_parameters(seed)
    if sample is None:
        rng = np.random.default_rng(seed)
        sample = (rng.normal(size=network.sizes[0]), rng.uniform(size=network.sizes[-1]))
    values = network.values(params, sample)
    return Point({k: a.astype(np.float64) for k, a in values.items()}, values.sizes)
