"""Equations 1 to 15 of Carolyn Johnston's write-up, as objects by her numbers.

Each equation has its statement in her notation, the shapes with a network's numbers, a literal
form (the product of explicit derivative objects as she writes it), a fast form (what the engine
makes of it), and ``verify()``. Statements are words; every derivative in this file is asked of
the engine, so a wrong derivative rule makes the equations that use it fail.

Source: Carolyn Johnston, *Backpropagation*, write-up, 2020. Slips of the text are noted as
"read as" where they are met.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tensorcalc.backprop.equation import (
    Equation,
    Equations,
    Sides,
    superscript,
)
from tensorcalc.backprop.network import ACTIVATIONS, FeedForward
from tensorcalc.backprop.proofs import (
    prove_composition,
    prove_derivative,
    prove_identity,
    prove_taylor,
    prove_value,
)
from tensorcalc.derivative import Derivative, derivative
from tensorcalc.errors import TensorCalcError

__all__ = ["SUMMARY_SLIPS", "johnston"]

SUMMARY_SLIPS = (
    "step 2 of the summary runs to z^{L+1}: read up to z^L",
    "its references to sections 2.2, 2.3, 2.5 and 3.3 mean 3.2, 3.3, 3.5 and 4",
)


def johnston(network: FeedForward) -> Equations:
    """Johnston's equations 1 to 15 for a network, as objects by her numbers.

    >>> import tensorcalc as tc
    >>> eqs = tc.johnston(tc.FeedForward([3, 4, 2]))
    >>> eqs[9].layer(2).shapes
    '1×4 = 1×2 · 2×4 · 4×4'
    >>> bool(eqs[9].verify())
    True

    Raises TensorCalcError for what is no ``FeedForward`` network.
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
            prove=prove_value,
            note="the input is not activated here: a¹ = z¹" if linear_input else "",
        )
        yield self.make(
            2,
            statement="f(z¹) = σ(φ_L(φ_{L−1}(… φ₂(z¹) …)))",
            latex=r"f(z^1) = \sigma(\varphi_L(\varphi_{L-1}(\dots\varphi_2(z^1)\dots)))",
            section=section,
            layers=(self.top,),
            sides=self._function_sides,
            prove=prove_value,
        )
        yield self.make(
            3,
            statement="[δf/δW]·ΔW = Σ_i Σ_j [δf/δw_ij] Δw_ij",
            latex=r"\left[\frac{\delta f}{\delta W}\right]\cdot\Delta W = "
            r"\sum_i\sum_j \left[\frac{\delta f}{\delta w_{ij}}\right]\Delta w_{ij}",
            section=section,
            layers=self.layers(2, self.top),
            sides=lambda l: Sides(
                self.d("C", f"W{l}"),
                self.d("C", f"W{l}"),
                f"1×1 ← {self.turned(l)}, {self.weight(l)}",
            ),
            prove=prove_taylor,
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
            sides=lambda l: Sides(self.q("C"), self.q("C"), "1×1"),
            prove=prove_composition,
            read_as=("C_l is given the domain R^{N_L}: read R^{N_l}",),
        )

    def _layer_sides(self, layer: int) -> Sides:
        below = ACTIVATIONS[self.net.activation(layer - 1)](self.q(f"z{layer - 1}"))
        written = self.q(f"W{layer}") @ below + self.q(f"b{layer}")
        shapes = (
            f"{self.column(layer)} = {self.weight(layer)} · {self.column(layer - 1)} "
            f"+ {self.column(layer)}"
        )
        return Sides(self.q(f"z{layer}"), written, shapes)

    def _function_sides(self, layer: int) -> Sides:
        z = self.q("z1")
        for k in range(2, self.top + 1):
            inner = ACTIVATIONS[self.net.activation(k - 1)](z)
            z = self.q(f"W{k}") @ inner + self.q(f"b{k}")
        whole = ACTIVATIONS[self.net.activation(self.top)](z)
        return Sides(self.q(f"a{self.top}"), whole, self.column(self.top))

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
            sides=lambda l: Sides(
                self.d("C", f"z{l}"),
                self.d("C", f"a{l}") @ self.d(f"a{l}", f"z{l}"),
                f"{self.row(l)} = {self.row(l)} · {self.square(l)}",
            ),
            prove=prove_derivative,
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
            sides=lambda l: Sides(
                self.d("C", f"z{l}"),
                self.d("C", f"z{l + 1}") @ self.d(f"z{l + 1}", f"z{l}"),
                f"{self.row(l)} = {self.row(l + 1)} · {self.n(l + 1)}×{self.n(l)}",
            ),
            prove=prove_derivative,
        )
        yield self.make(
            7,
            statement="[δzˡ⁺¹/δzˡ] = Wˡ⁺¹ · [δaˡ/δzˡ]",
            latex=r"\left[\frac{\delta z^{l+1}}{\delta z^l}\right] = "
            r"W^{l+1}\cdot\left[\frac{\delta a^l}{\delta z^l}\right]",
            section=section,
            layers=hidden,
            sides=lambda l: Sides(
                self.d(f"z{l + 1}", f"z{l}"),
                self.d(f"z{l + 1}", f"a{l}") @ self.d(f"a{l}", f"z{l}"),
                f"{self.n(l + 1)}×{self.n(l)} = {self.weight(l + 1)} · {self.square(l)}",
            ),
            prove=prove_derivative,
            read_as=("φ_l and bˡ stand for φ_{l+1} and bˡ⁺¹",),
        )
        yield self.make(
            8,
            statement="[δaˡ/δzˡ] = diag{σ′(zˡ_j)}",
            latex=r"\left[\frac{\delta a^l}{\delta z^l}\right] = "
            r"\operatorname{diag}\{\sigma'(z^l_j)\}",
            section=section,
            layers=hidden,
            sides=lambda l: Sides(
                self.d(f"a{l}", f"z{l}"), self.d(f"a{l}", f"z{l}"), self.square(l)
            ),
            prove=prove_derivative,
        )
        yield self.make(
            9,
            statement="δˡ = δˡ⁺¹ · Wˡ⁺¹ · diag{σ′(zˡ_j)}",
            latex=r"\delta^l = \delta^{l+1}\cdot W^{l+1}\cdot"
            r"\operatorname{diag}\{\sigma'(z^l_j)\}",
            section=section,
            layers=hidden,
            sides=lambda l: Sides(
                self.d("C", f"z{l}"),
                self.d("C", f"z{l + 1}") @ self.d(f"z{l + 1}", f"a{l}") @ self.d(f"a{l}", f"z{l}"),
                f"{self.row(l)} = {self.row(l + 1)} · {self.weight(l + 1)} · {self.square(l)}",
            ),
            prove=prove_derivative,
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
            sides=lambda l: Sides(
                self.d("C", f"W{l}"),
                product(l),
                f"{self.turned(l)} = {self.row(l)} · {self.box_shape(l)}",
            ),
            prove=prove_derivative,
        )
        yield self.make(
            11,
            statement="[δC₁/δzˡ] = [δC_l/δzˡ] = δˡ",
            latex=r"\left[\frac{\delta C_1}{\delta z^l}\right] = "
            r"\left[\frac{\delta C_l}{\delta z^l}\right] = \delta^l",
            section=section,
            layers=layers,
            sides=lambda l: Sides(
                self.d("C", f"z{l}"), self.net.helper_gradients()[l], self.row(l)
            ),
            prove=prove_derivative,
            read_as=("φ_{l−1} … φ_1 are composed: read φ_l … φ_2",),
        )
        yield self.make(
            "box",
            statement="[δzˡ/δWˡ](k,i,j) = I[j=k] aˡ⁻¹_i",
            latex=r"\left[\frac{\delta z^l}{\delta W^l}\right](k,i,j) = I_{j=k}\,a^{l-1}_i",
            section=section,
            layers=layers,
            sides=self._box_sides,
            prove=prove_derivative,
            read_as=("the entry formula reuses i as its summation index: read another letter",),
        )
        yield self.make(
            12,
            statement="[δC₁/δWˡ](i,j) = Σ_k δˡ_k I[j=k] aˡ⁻¹_i = δˡ_j aˡ⁻¹_i",
            latex=r"\left[\frac{\delta C_1}{\delta W^l}\right](i,j) = "
            r"\sum_k \delta^l_k\,I_{j=k}\,a^{l-1}_i = \delta^l_j\,a^{l-1}_i",
            section=section,
            layers=layers,
            sides=lambda l: Sides(self.d("C", f"W{l}"), product(l), self.turned(l)),
            prove=prove_derivative,
        )
        yield self.make(
            13,
            statement="[δC₁/δWˡ] = aˡ⁻¹ ⊗ δˡ",
            latex=r"\left[\frac{\delta C_1}{\delta W^l}\right] = a^{l-1}\otimes\delta^l",
            section=section,
            layers=layers,
            sides=lambda l: Sides(
                self.d("C", f"W{l}"),
                product(l),
                f"{self.turned(l)} = {self.column(l - 1)} ⊗ {self.row(l)}",
            ),
            prove=prove_derivative,
        )

    def _box_sides(self, layer: int) -> Sides:
        box = self.d(f"z{layer}", f"W{layer}")
        whole = self.n(layer) ** 2 * self.n(layer - 1)
        shapes = f"{self.box_shape(layer)}, {box.entries_used:,} of {whole:,} used"
        return Sides(box, box, shapes)

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
            sides=lambda l: Sides(
                self.d("C", f"b{l}"),
                product(l),
                f"{self.row(l)} = {self.row(l)} · {self.square(l)}",
            ),
            prove=prove_derivative,
        )
        yield self.make(
            15,
            statement="[δzˡ/δbˡ] = I, so [δC₁/δbˡ] = δˡ",
            latex=r"\left[\frac{\delta z^l}{\delta b^l}\right] = I,\quad "
            r"\left[\frac{\delta C_1}{\delta b^l}\right] = \delta^l",
            section=section,
            layers=layers,
            sides=lambda l: Sides(self.d("C", f"b{l}"), product(l), self.row(l)),
            prove=prove_identity,
        )
