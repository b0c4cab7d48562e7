"""Equations 1 to 15 of Carolyn Johnston's write-up, as objects by her numbers.

Each equation has its statement in her notation, the shapes with a network's numbers, a literal
form (the product of explicit derivative objects as she writes it), a fast form (what the engine
makes of it), and ``verify()``. Statements are words; every derivative in this file is asked of
the engine, so a wrong derivative rule makes the equations that use it fail.

Source: Carolyn Johnston, *Backpropagation*, write-up, 2020. Slips of the text are noted as
"read as" where they are met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tensorcalc.backprop.network import ACTIVATIONS, FeedForward
from tensorcalc.chain import adjoint
from tensorcalc.check.points import Point, draw_point
from tensorcalc.check.routes import allows_complex_step, differences, literal, taylor
from tensorcalc.check.verify import Row, Verification, relative_error
from tensorcalc.derivative import Derivative, derivative
from tensorcalc.display import expression_text
from tensorcalc.display.derivative import formula
from tensorcalc.errors import TensorCalcError, UnknownNameError
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import apply, compile_derivative, compile_tensor
from tensorcalc.expr import Expr
from tensorcalc.presentation import view_of
from tensorcalc.regroup import regrouped
from tensorcalc.tensor import Tensor

__all__ = ["SUMMARY_SLIPS", "Equation", "EquationAtLayer", "Equations", "johnston"]

ALLOWED = 1e-10
ALLOWED_CENTRAL = 1e-6
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

SUMMARY_SLIPS = (
    "step 2 of the summary runs to z^{L+1}: read up to z^L",
    "its references to sections 2.2, 2.3, 2.5 and 3.3 mean 3.2, 3.3, 3.5 and 4",
)


def superscript(layer: int) -> str:
    """A layer's number as she writes it: z², a¹²."""
    return str(layer).translate(_SUPERSCRIPT)


def at_layer(statement: str, layer: int) -> str:
    """The statement with l replaced by a number."""
    for word, value in (("ˡ⁺¹", layer + 1), ("ˡ⁻¹", layer - 1), ("ˡ", layer)):
        statement = statement.replace(word, superscript(value))
    for word, value in (("_{l+1}", layer + 1), ("_l", layer)):
        statement = statement.replace(word, f"_{value}")
    return statement


@dataclass(frozen=True)
class _Sides:
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
    sides: Callable[[int], _Sides]
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
        point = self._point(params, sample, seed)
        rows = [self.layer(layer).row(point, seed) for layer in self.layers]
        return Verification(f"({self.number}) {self.statement}", tuple(rows))

    def _point(self, params: Any, sample: Any, seed: int) -> Point:
        return network_point(self.network, params, sample, seed)

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
        number = r"\text{box}" if self.number == "box" else self.number
        return rf"$$\begin{{gathered}} {lines} \end{{gathered}} \tag{{{number}}}$$"


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
    _sides: _Sides = field(repr=False)

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
            why = "f(W + ΔW) − f(W) − [δf/δW]·ΔW falls as h²"
            if order == np.inf:
                return Row("Taylor", f"{route}: exact", 0.0, 1.9, why, True)
            return Row("Taylor", f"{route}: order {order:.2f}", order, 1.9, why, order >= 1.9)
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


# ── the checks ───────────────────────────────────────────────────────────────────────────


def _truth(d: Derivative, point: Point) -> np.ndarray:
    """The left side by differences alone, remembered per point."""
    key = (d.of.expr, d.arguments[0].expr)
    if key not in point.known:
        point.known[key] = differences(d, point, complex_step=allows_complex_step(d, point))
    return point.known[key]


def _prove_derivative(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Left side by differences; right side literally (dense) and by its formula."""
    assert isinstance(e.left, Derivative)
    assert isinstance(e.literal, Derivative)
    truth = _truth(e.left, point)
    dense = literal(e.literal, point).array
    fast = compile_derivative(e.literal.to("mixed"))(point.values)
    return max(relative_error(dense, truth), relative_error(fast, truth))


def _prove_value(e: EquationAtLayer, point: Point, seed: int) -> float:
    """The network's quantity, compiled, against the written formula, node by node."""
    assert isinstance(e.left, Tensor)
    assert isinstance(e.literal, Tensor)
    left = compile_tensor(e.left)(point.values)
    right = Dense(point.values, point.sizes).array(e.literal.expr)
    return relative_error(left, right)


def _prove_taylor(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Eq. (3): the double sum over entries, and the order of Taylor's remainder."""
    d = e.left
    assert isinstance(d, Derivative)
    array = compile_derivative(d.to("mixed"))(point.values)
    increment = np.random.default_rng(seed).normal(size=array.shape)
    written = sum(
        array[i, j] * increment[i, j] for i in range(array.shape[0]) for j in range(array.shape[1])
    )
    applied = apply(d, increment, at=point.values)
    if abs(written - applied) > ALLOWED * max(abs(written), 1e-300) * array.size:
        return 0.0
    order = taylor(d, array, point, seed)
    return np.inf if order is None else order


def _prove_composition(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Eq. (4): C of a moved zˡ equals C of the zˡ⁺¹ that φ_{l+1} makes of it."""
    net, layer = e.equation.network, e.layer
    cost, z, above = (net[n].expr for n in ("C", f"z{layer}", f"z{layer + 1}"))
    base = Dense(point.values, point.sizes)
    moved = base.array(z) + np.random.default_rng(seed).normal(size=net.size(layer))
    lower = Dense(point.values, point.sizes, {z: (moved, False)})
    pushed = lower.array(above)
    upper = Dense(point.values, point.sizes, {above: (pushed, False)})
    return relative_error(upper.array(cost), lower.array(cost))


# ── the equations ────────────────────────────────────────────────────────────────────────


def johnston(network: FeedForward) -> Equations:
    """Johnston's equations 1 to 15 for a network, as objects by her numbers.

    >>> import tensorcalc as tc
    >>> eqs = tc.johnston(tc.FeedForward([3, 4, 2]))
    >>> eqs[9].layer(2).shapes
    '1×4 = 1×2 · 2×4 · 4×4'
    >>> bool(eqs[9].verify())
    True

    Source: Carolyn Johnston, Backpropagation, 2020.
    """
    if not isinstance(network, FeedForward):
        raise TensorCalcError(
            f"Johnston's equations for {type(network).__name__}",
            "give a network: tc.johnston(tc.FeedForward([3, 4, 2]))",
        )
    return Equations(network, list(_Written(network).equations()))


class _Written:
    """Writes the equations down for one network."""

    def __init__(self, network: FeedForward) -> None:
        self.net = network
        self.top = network.depth
        self.n = network.size
        self.q = network.__getitem__

    def d(self, of: str, wrt: str) -> Derivative:
        """The total derivative of one quantity by another."""
        return derivative(self.q(of), self.q(wrt))

    def equations(self) -> Iterator[Equation]:
        """All of them, in her order."""
        yield from self.feed_forward()
        yield from self.helper_gradients()
        yield from self.weights()
        yield from self.biases()

    # shapes, as she writes them

    def row(self, layer: int) -> str:
        return f"1×{self.n(layer)}"

    def column(self, layer: int) -> str:
        return f"{self.n(layer)}×1"

    def square(self, layer: int) -> str:
        return f"{self.n(layer)}×{self.n(layer)}"

    def weight(self, layer: int) -> str:
        return f"{self.n(layer)}×{self.n(layer - 1)}"

    def turned(self, layer: int) -> str:
        return f"{self.n(layer - 1)}×{self.n(layer)}"

    def box_shape(self, layer: int) -> str:
        return f"{self.n(layer)}×{self.n(layer - 1)}×{self.n(layer)}"

    def make(self, number: int | str, **words: Any) -> Equation:
        return Equation(number=number, network=self.net, **words)

    def layers(self, first: int, last: int) -> tuple[int, ...]:
        return tuple(range(first, last + 1))

    # ── feed forward ──

    def feed_forward(self) -> Iterator[Equation]:
        section = "FEED FORWARD"
        linear_input = self.net.activation(1) == "identity"
        yield self.make(
            1,
            statement="zˡ = φ_l(zˡ⁻¹) = Wˡ σ(zˡ⁻¹) + bˡ",
            latex=r"z^l = \varphi_l(z^{l-1}) = W^l\,\sigma(z^{l-1}) + b^l",
            section=section,
            layers=self.layers(2, self.top),
            sides=self._layer_sides,
            prove=_prove_value,
            note="the input is not activated here: a¹ = z¹" if linear_input else "",
        )
        yield self.make(
            2,
            statement="f(z¹) = σ(φ_L(φ_{L−1}(… φ₂(z¹) …)))",
            latex=r"f(z^1) = \sigma(\varphi_L(\varphi_{L-1}(\dots\varphi_2(z^1)\dots)))",
            section=section,
            layers=(self.top,),
            sides=self._function_sides,
            prove=_prove_value,
        )
        yield self.make(
            3,
            statement="[δf/δW]·ΔW = Σ_i Σ_j [δf/δw_ij] Δw_ij",
            latex=r"\left[\frac{\delta f}{\delta W}\right]\cdot\Delta W = "
            r"\sum_i\sum_j \left[\frac{\delta f}{\delta w_{ij}}\right]\Delta w_{ij}",
            section=section,
            layers=self.layers(2, self.top),
            sides=lambda l: _Sides(
                self.d("C", f"W{l}"),
                self.d("C", f"W{l}"),
                f"1×1 ← {self.turned(l)}, {self.weight(l)}",
            ),
            prove=_prove_taylor,
            read_as=(
                "section 3.4 drops the superscript of W: read Wˡ⁺¹",
                "the entry [j, i] belongs to w_ij here, the 3-tensor's entry [k, i, j] to w_ji",
            ),
        )
        yield self.make(
            4,
            statement="C_l = C_{l+1} ∘ φ_{l+1}",
            latex=r"C_l = C_{l+1}\circ\varphi_{l+1}",
            section=section,
            layers=self.layers(1, self.top - 1),
            sides=lambda l: _Sides(self.q("C"), self.q("C"), "1×1"),
            prove=_prove_composition,
            read_as=("C_l is given the domain R^{N_L}: read R^{N_l}",),
        )

    def _layer_sides(self, layer: int) -> _Sides:
        below = ACTIVATIONS[self.net.activation(layer - 1)](self.q(f"z{layer - 1}"))
        written = self.q(f"W{layer}") @ below + self.q(f"b{layer}")
        shapes = (
            f"{self.column(layer)} = {self.weight(layer)} · {self.column(layer - 1)} "
            f"+ {self.column(layer)}"
        )
        return _Sides(self.q(f"z{layer}"), written, shapes)

    def _function_sides(self, layer: int) -> _Sides:
        z = self.q("z1")
        for k in range(2, self.top + 1):
            inner = ACTIVATIONS[self.net.activation(k - 1)](z)
            z = self.q(f"W{k}") @ inner + self.q(f"b{k}")
        whole = ACTIVATIONS[self.net.activation(self.top)](z)
        return _Sides(self.q(f"a{self.top}"), whole, self.column(self.top))

    # ── helper gradients ──

    def helper_gradients(self) -> Iterator[Equation]:
        section = "HELPER GRADIENTS, backwards"
        hidden = self.layers(1, self.top - 1)
        top = superscript(self.top)
        softmax = self.net.activations[-1] == "softmax"
        middle = "(diag{p} − p pᵀ)" if softmax else f"diag{{σ′(z{top}_j)}}"
        middle_latex = (
            r"\left(\operatorname{diag}\{p\} - p\,p^{\top}\right)"
            if softmax
            else r"\operatorname{diag}\{\sigma'(z^L_j)\}"
        )
        yield self.make(
            5,
            statement=f"δ{top} = [δC/δa{top}] · {middle}",
            latex=rf"\delta^L = \left[\frac{{\delta C}}{{\delta a^L}}\right]\cdot {middle_latex}",
            section=section,
            layers=(self.top,),
            sides=lambda l: _Sides(
                self.d("C", f"z{l}"),
                self.d("C", f"a{l}") @ self.d(f"a{l}", f"z{l}"),
                f"{self.row(l)} = {self.row(l)} · {self.square(l)}",
            ),
            prove=_prove_derivative,
            read_as=(
                "δˡ is once called N_l × 1: it is a row, 1 × N_l",
                "section 4.1 opens with δ^L = δf/δz^L: read δC_L/δz^L",
            ),
            note=(
                "departs from the text: with a softmax output [δa/δz] is not diagonal, p = a"
                if softmax
                else ""
            ),
        )
        yield self.make(
            6,
            statement="δˡ = δˡ⁺¹ · [δzˡ⁺¹/δzˡ]",
            latex=r"\delta^l = \delta^{l+1}\cdot"
            r"\left[\frac{\delta z^{l+1}}{\delta z^l}\right]",
            section=section,
            layers=hidden,
            sides=lambda l: _Sides(
                self.d("C", f"z{l}"),
                self.d("C", f"z{l + 1}") @ self.d(f"z{l + 1}", f"z{l}"),
                f"{self.row(l)} = {self.row(l + 1)} · {self.n(l + 1)}×{self.n(l)}",
            ),
            prove=_prove_derivative,
        )
        yield self.make(
            7,
            statement="[δzˡ⁺¹/δzˡ] = Wˡ⁺¹ · [δaˡ/δzˡ]",
            latex=r"\left[\frac{\delta z^{l+1}}{\delta z^l}\right] = "
            r"W^{l+1}\cdot\left[\frac{\delta a^l}{\delta z^l}\right]",
            section=section,
            layers=hidden,
            sides=lambda l: _Sides(
                self.d(f"z{l + 1}", f"z{l}"),
                self.d(f"z{l + 1}", f"a{l}") @ self.d(f"a{l}", f"z{l}"),
                f"{self.n(l + 1)}×{self.n(l)} = {self.weight(l + 1)} · {self.square(l)}",
            ),
            prove=_prove_derivative,
            read_as=("φ_l and bˡ stand for φ_{l+1} and bˡ⁺¹",),
        )
        yield self.make(
            8,
            statement="[δaˡ/δzˡ] = diag{σ′(zˡ_j)}",
            latex=r"\left[\frac{\delta a^l}{\delta z^l}\right] = "
            r"\operatorname{diag}\{\sigma'(z^l_j)\}",
            section=section,
            layers=hidden,
            sides=lambda l: _Sides(
                self.d(f"a{l}", f"z{l}"), self.d(f"a{l}", f"z{l}"), self.square(l)
            ),
            prove=_prove_derivative,
        )
        yield self.make(
            9,
            statement="δˡ = δˡ⁺¹ · Wˡ⁺¹ · diag{σ′(zˡ_j)}",
            latex=r"\delta^l = \delta^{l+1}\cdot W^{l+1}\cdot"
            r"\operatorname{diag}\{\sigma'(z^l_j)\}",
            section=section,
            layers=hidden,
            sides=lambda l: _Sides(
                self.d("C", f"z{l}"),
                self.d("C", f"z{l + 1}") @ self.d(f"z{l + 1}", f"a{l}") @ self.d(f"a{l}", f"z{l}"),
                f"{self.row(l)} = {self.row(l + 1)} · {self.weight(l + 1)} · {self.square(l)}",
            ),
            prove=_prove_derivative,
        )

    # ── weights and biases ──

    def weights(self) -> Iterator[Equation]:
        section = "WEIGHTS"
        layers = self.layers(2, self.top)
        product = lambda l: self.d("C", f"z{l}") @ self.d(f"z{l}", f"W{l}")
        yield self.make(
            10,
            statement="[δC₁/δWˡ] = [δC₁/δzˡ] · [δzˡ/δWˡ]",
            latex=r"\left[\frac{\delta C_1}{\delta W^l}\right] = "
            r"\left[\frac{\delta C_1}{\delta z^l}\right]\cdot"
            r"\left[\frac{\delta z^l}{\delta W^l}\right]",
            section=section,
            layers=layers,
            sides=lambda l: _Sides(
                self.d("C", f"W{l}"),
                product(l),
                f"{self.turned(l)} = {self.row(l)} · {self.box_shape(l)}",
            ),
            prove=_prove_derivative,
        )
        yield self.make(
            11,
            statement="[δC₁/δzˡ] = [δC_l/δzˡ] = δˡ",
            latex=r"\left[\frac{\delta C_1}{\delta z^l}\right] = "
            r"\left[\frac{\delta C_l}{\delta z^l}\right] = \delta^l",
            section=section,
            layers=layers,
            sides=lambda l: _Sides(
                self.d("C", f"z{l}"), self.net.helper_gradients()[l], self.row(l)
            ),
            prove=_prove_derivative,
            read_as=("φ_{l−1} … φ_1 are composed: read φ_l … φ_2",),
        )
        yield self.make(
            "box",
            statement="[δzˡ/δWˡ](k,i,j) = I[j=k] aˡ⁻¹_i",
            latex=r"\left[\frac{\delta z^l}{\delta W^l}\right](k,i,j) = I_{j=k}\,a^{l-1}_i",
            section=section,
            layers=layers,
            sides=self._box_sides,
            prove=_prove_derivative,
            read_as=("the entry formula reuses i as its summation index: read another letter",),
        )
        yield self.make(
            12,
            statement="[δC₁/δWˡ](i,j) = Σ_k δˡ_k I[j=k] aˡ⁻¹_i = δˡ_j aˡ⁻¹_i",
            latex=r"\left[\frac{\delta C_1}{\delta W^l}\right](i,j) = "
            r"\sum_k \delta^l_k\,I_{j=k}\,a^{l-1}_i = \delta^l_j\,a^{l-1}_i",
            section=section,
            layers=layers,
            sides=lambda l: _Sides(self.d("C", f"W{l}"), product(l), self.turned(l)),
            prove=_prove_derivative,
        )
        yield self.make(
            13,
            statement="[δC₁/δWˡ] = aˡ⁻¹ ⊗ δˡ",
            latex=r"\left[\frac{\delta C_1}{\delta W^l}\right] = a^{l-1}\otimes\delta^l",
            section=section,
            layers=layers,
            sides=lambda l: _Sides(
                self.d("C", f"W{l}"),
                product(l),
                f"{self.turned(l)} = {self.column(l - 1)} ⊗ {self.row(l)}",
            ),
            prove=_prove_derivative,
        )

    def _box_sides(self, layer: int) -> _Sides:
        box = self.d(f"z{layer}", f"W{layer}")
        whole = self.n(layer) ** 2 * self.n(layer - 1)
        shapes = f"{self.box_shape(layer)}, {box.entries_used:,} of {whole:,} used"
        return _Sides(box, box, shapes)

    def biases(self) -> Iterator[Equation]:
        section = "BIASES"
        layers = self.layers(2, self.top)
        product = lambda l: self.d("C", f"z{l}") @ self.d(f"z{l}", f"b{l}")
        yield self.make(
            14,
            statement="[δC₁/δbˡ] = [δC₁/δzˡ] · [δzˡ/δbˡ]",
            latex=r"\left[\frac{\delta C_1}{\delta b^l}\right] = "
            r"\left[\frac{\delta C_1}{\delta z^l}\right]\cdot"
            r"\left[\frac{\delta z^l}{\delta b^l}\right]",
            section=section,
            layers=layers,
            sides=lambda l: _Sides(
                self.d("C", f"b{l}"),
                product(l),
                f"{self.row(l)} = {self.row(l)} · {self.square(l)}",
            ),
            prove=_prove_derivative,
        )
        yield self.make(
            15,
            statement="[δzˡ/δbˡ] = I, so [δC₁/δbˡ] = δˡ",
            latex=r"\left[\frac{\delta z^l}{\delta b^l}\right] = I,\quad "
            r"\left[\frac{\delta C_1}{\delta b^l}\right] = \delta^l",
            section=section,
            layers=layers,
            sides=lambda l: _Sides(self.d("C", f"b{l}"), product(l), self.row(l)),
            prove=_prove_identity,
        )


def _prove_identity(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Eq. (15): [δz/δb] must be the identity itself, and the product δˡ."""
    q = e.equation.network
    link = derivative(q[f"z{e.layer}"], q[f"b{e.layer}"])
    return _prove_derivative(e, point, seed) if link.structure == "identity" else np.inf
