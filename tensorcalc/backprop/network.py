"""Feed-forward networks in Johnston's notation, written down and nothing more.

z¹ is the input, aˡ = σ(zˡ), zˡ = Wˡ aˡ⁻¹ + bˡ, and C the cost of the output a^L against the
target λ. No derivative is typed in here: every gradient comes from the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tensorcalc.check.points import Point
from tensorcalc.check.routes import LiteralRoute
from tensorcalc.codegen import CompiledFunction
from tensorcalc.derivative import Derivative, derivative, gradient
from tensorcalc.errors import (
    MissingValueError,
    ShapeError,
    TensorCalcError,
    UnknownNameError,
    ValueNotAllowedError,
)
from tensorcalc.evaluation import compile_several
from tensorcalc.operations import LIFTED, norm, softmax, total
from tensorcalc.tensor import Tensor, define, matrix, variable, vector
from tensorcalc.values import Values, computation, read_array, read_values

__all__ = ["ACTIVATIONS", "COSTS", "FeedForward"]

ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    **{name: LIFTED[name] for name in ("sigmoid", "tanh", "relu", "softplus")},
    "identity": lambda z: z,
    "softmax": softmax,
}
COSTS = ("squared", "half squared", "cross-entropy")


class FeedForward:
    """A fully connected network with layers of the given sizes, after Johnston 2020.

    ``activation`` is one of sigmoid, tanh, relu, softplus, identity, or a sequence with one per
    layer from the second on, or for every layer (the last may be "softmax"); ``output`` overrides
    the last.
    ``cost`` is "squared" ‖a−λ‖² (Johnston's), "half squared", or "cross-entropy" for a sigmoid
    or softmax output. The input passes through the activation, a¹ = σ(z¹), as in the text;
    ``input_activation`` names another, or None for a¹ = z¹. Raises TensorCalcError for sizes,
    activations and costs that make no network.

    >>> import tensorcalc as tc
    >>> net = tc.FeedForward([3, 4, 2])
    >>> net["z2"]
    z2 = W2 a1 + b2 : 4 × 1 column
    >>> tc.derivative(net["C"], net["W2"]).shape
    (3, 4)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Sequence[str] = "sigmoid",
        cost: str = "squared",
        *,
        output: str | None = None,
        input_activation: str | bool | None = True,
    ) -> None:
        self.sizes = _read_sizes(sizes)
        self.activations = _read_activations(activation, output, input_activation, len(self.sizes))
        self.cost = _read_cost(cost, self.activations[-1])
        self.quantities = self._written(None)

    def __repr__(self) -> str:
        layers = " → ".join(map(str, self.sizes))
        return (
            f"FeedForward {layers} (L = {self.depth}, {self.parameter_count:,} parameters), "
            f"{', '.join(dict.fromkeys(self.activations[1:]))}, cost {self.cost}"
        )

    @property
    def depth(self) -> int:
        """L, the number of layers, the input counted as the first."""
        return len(self.sizes)

    @property
    def parameter_count(self) -> int:
        """The number of weights and biases."""
        return sum(n * (m + 1) for m, n in zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """W2, b2, W3, b3, …"""
        return tuple(f"{p}{layer}" for layer in range(2, self.depth + 1) for p in "Wb")

    def size(self, layer: int) -> int:
        """N_l; raises TensorCalcError where there is no such layer."""
        if layer not in range(1, self.depth + 1):
            raise TensorCalcError(
                f"layer {layer!r} of a network of {self.depth} layers",
                f"choose one from 1, the input, to {self.depth}, the output",
            )
        return self.sizes[layer - 1]

    def activation(self, layer: int) -> str:
        """The name of layer l's activation."""
        return self.activations[layer - 1]

    def __getitem__(self, name: str) -> Tensor:
        """A quantity by name: z1, a1, W2, b2, z2, …, λ and C."""
        if name not in self.quantities:
            raise UnknownNameError(
                f"the network has no quantity {name!r}", f"it has {', '.join(self.quantities)}"
            )
        return self.quantities[name]

    def _written(self, samples: str | None) -> dict[str, Tensor]:
        """The forward pass: for one sample, or for ``samples`` of them as columns."""
        shape = lambda n: (n,) if samples is None else (n, samples)
        q: dict[str, Tensor] = {"z1": variable("z1", shape(self.sizes[0]))}
        for layer in range(1, self.depth + 1):
            if layer > 1:
                n, m = self.size(layer), self.size(layer - 1)
                weights = q[f"W{layer}"] = matrix(f"W{layer}", n, m)
                bias = q[f"b{layer}"] = vector(f"b{layer}", n)
                z = weights @ q[f"a{layer - 1}"] + bias
                q[f"z{layer}"] = define(f"z{layer}", z)
            name = self.activation(layer)
            options = {"axis": 0} if samples and name == "softmax" else {}
            value = ACTIVATIONS[name](q[f"z{layer}"], **options)
            q[f"a{layer}"] = define(f"a{layer}", value)
        q["λ"] = variable("λ", shape(self.sizes[-1]))
        cost = self._cost(q[f"a{self.depth}"], q["λ"])
        q["C"] = define("C", cost)
        return q

    def _cost(self, a: Tensor, target: Tensor) -> Tensor:
        if self.cost == "squared":
            return norm(a - target) ** 2
        if self.cost == "half squared":
            return norm(a - target) ** 2 / 2
        log = LIFTED["log"]
        if self.activations[-1] == "softmax":
            return -total(target * log(a))
        return -total(target * log(a) + (1 - target) * log(1 - a))

    # ── values ──

    def initial_parameters(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Random weights of variance 1/N_{l−1} and biases of 0.1 that of a unit normal."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise TensorCalcError(f"a seed given as {seed!r}", "give a whole number of 0 or more")
        rng = np.random.default_rng(seed)
        parameters = {}
        for layer in range(2, self.depth + 1):
            n, m = self.size(layer), self.size(layer - 1)
            parameters[f"W{layer}"] = rng.normal(size=(n, m)) / np.sqrt(m)
            parameters[f"b{layer}"] = 0.1 * rng.normal(size=n)
        return parameters

    def values(self, params: Mapping[str, Any], sample: Any) -> Values:
        """Checked values for one sample (z¹, λ) and the parameters.

        Raises ShapeError where a sample or a parameter has another size than its layer,
        MissingValueError where one is absent, ValueNotAllowedError for what is no finite array.
        """
        if not isinstance(sample, (tuple, list)) or len(sample) != 2:
            raise ShapeError(
                f"a sample given as {type(sample).__name__}",
                "give a pair (input z1, target λ)",
            )
        given = {**self._parameters(params), "z1": sample[0], "λ": sample[1]}
        variables = computation([self["C"].expr])
        return read_values(variables, variables, given, finite=True, what="the network")

    def _parameters(self, params: Any) -> Mapping[str, Any]:
        if not isinstance(params, Mapping):
            raise MissingValueError(
                f"parameters given as {type(params).__name__}",
                f"give a mapping with {', '.join(self.parameter_names)}",
            )
        return params

    def output(self, params: Mapping[str, Any], inputs: Any) -> np.ndarray:
        """f(z¹) for one input (N_1,), or for many as the columns of an N_1 × m array.

        Raises ShapeError, MissingValueError or ValueNotAllowedError for values that do not fit.
        """
        array = read_array("z1", inputs, finite=False)
        run = self._forward if array.ndim == 1 else self._forward_batch
        return run({**self._parameters(params), "z1": array})

    @cached_property
    def _forward(self) -> CompiledFunction:
        return compile_several(self[f"a{self.depth}"], "forward")

    @cached_property
    def batch(self) -> dict[str, Tensor]:
        """The same network for m samples as columns; the cost is the sum of theirs."""
        return self._written("m")

    @cached_property
    def _forward_batch(self) -> CompiledFunction:
        return compile_several(self.batch[f"a{self.depth}"], "forward")

    # ── three ways to the gradients ──

    def literal_gradients(self, params: Mapping[str, Any], sample: Any) -> dict[str, np.ndarray]:
        """Every ∂C/∂Wˡ and ∂C/∂bˡ by dense objects contracted in the written order.

        [δC/δa^L]·[δa^L/δz^L]·[δz^L/δa^{L−1}]· … ·[δzˡ/δWˡ], the last a dense 3-tensor. Each
        gradient has the shape of its parameter. Raises ShapeError, MissingValueError or
        ValueNotAllowedError for values that do not fit or an output so saturated that a factor
        is infinite, MemoryLimitError where a dense factor would take more than 8 GiB.
        Source: Johnston 2020, eqs. (5), (6), (10), (14).
        """
        values = self.values(params, sample)
        route = LiteralRoute(Point(dict(values), values.sizes), limit=2**33)
        factor = lambda of, wrt: route.link(
            derivative(self[of], self[wrt]).contributions[0].links[0]
        )
        top = self.depth
        gradients: dict[str, np.ndarray] = {}
        with np.errstate(all="ignore"):
            row = route.chain(factor("C", f"a{top}"), factor(f"a{top}", f"z{top}"), 1)
            for layer in range(top, 1, -1):
                z, below = f"z{layer}", layer - 1
                gradients[f"W{layer}"] = route.chain(row, factor(z, f"W{layer}"), 1)
                gradients[f"b{layer}"] = route.chain(row, factor(z, f"b{layer}"), 1)
                if layer > 2:
                    row = route.chain(row, factor(z, f"a{below}"), 1)
                    row = route.chain(row, factor(f"a{below}", f"z{below}"), 1)
        if not all(np.isfinite(array).all() for array in gradients.values()):
            raise ValueNotAllowedError(
                "the literal route at a saturated output: a factor [δC/δa] divides by 0",
                "use net.fast_gradients, where the division cancels",
            )
        shapes = values.given_shapes
        return {name: gradients[name].reshape(shapes[name]) for name in self.parameter_names}

    def helper_gradients(self) -> dict[int, Derivative]:
        """δˡ = [δC_l/δzˡ] for l = L … 1, each chained from the one above (eqs. 5 and 6)."""
        top = self.depth
        deltas = {
            top: derivative(self["C"], self[f"a{top}"])
            @ derivative(self[f"a{top}"], self[f"z{top}"])
        }
        for layer in range(top - 1, 0, -1):
            z, above = self[f"z{layer}"], self[f"z{layer + 1}"]
            deltas[layer] = deltas[layer + 1] @ derivative(above, z)
        return deltas

    @cached_property
    def structured(self) -> CompiledFunction:
        """The gradients chained through the deltas as structured objects, compiled."""
        deltas = self.helper_gradients()
        chained = [
            (deltas[layer] @ derivative(self[f"z{layer}"], self[f"{p}{layer}"])).gradient
            for layer in range(2, self.depth + 1)
            for p in "Wb"
        ]
        return compile_several(chained, "structured_gradients")

    def structured_gradients(self, params: Mapping[str, Any], sample: Any) -> dict[str, np.ndarray]:
        """The same gradients through δˡ and I[j=k], with nothing dense (eqs. 9, 12, 15).

        Raises ShapeError, MissingValueError or ValueNotAllowedError for values that do not fit.
        """
        return self._named(self.structured.run(self.values(params, sample)))

    @cached_property
    def fast(self) -> CompiledFunction:
        """Johnston's summary algorithm: feed forward, then (5), (9), (13) and (15), compiled."""
        return compile_several(
            [gradient(self["C"], self[name]) for name in self.parameter_names], "backprop"
        )

    def fast_gradients(self, params: Mapping[str, Any], sample: Any) -> dict[str, np.ndarray]:
        """The gradients by her summary algorithm, in its fast outer-product form.

        Raises ShapeError, MissingValueError or ValueNotAllowedError for values that do not fit.
        """
        return self._named(self.fast.run(self.values(params, sample)))

    @cached_property
    def training(self) -> CompiledFunction:
        """The cost summed over a batch and its gradients by every parameter, compiled.

        Arguments z1 and λ have one sample per column; the outputs are C and then the gradients
        in the order of ``parameter_names``, each in its parameter's shape.
        """
        q = self.batch
        return compile_several(
            [q["C"], *(gradient(q["C"], q[name]) for name in self.parameter_names)],
            "cost_and_gradients",
        )

    def _named(self, arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self.parameter_names, arrays, strict=True))


def _read_sizes(sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, (str, int)) or not isinstance(sizes, Sequence):
        raise TensorCalcError(
            f"a network of sizes {sizes!r}", "give a list with one size per layer: [64, 30, 10]"
        )
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise TensorCalcError(
                f"a layer of size {size!r} in {list(sizes)}", "give whole numbers of 1 or more"
            )
    if len(sizes) < 2:
        raise TensorCalcError(
            f"a network of {len(sizes)} layer{'s' * (len(sizes) != 1)}: it has no weights",
            "give at least an input and an output layer: [3, 2]",
        )
    return tuple(int(size) for size in sizes)


def _read_activations(
    activation: Any, output: Any, input_activation: Any, depth: int
) -> tuple[str, ...]:
    if isinstance(activation, str):
        hidden = [activation] * (depth - 1)
        if activation == "softmax":
            raise TensorCalcError(
                "softmax as the activation of every layer",
                'use it for the output: output="softmax"',
            )
    elif not isinstance(activation, Sequence):
        raise TensorCalcError(
            f"activations given as {type(activation).__name__}",
            'give a name such as "tanh", or a list with one per layer from the second on',
        )
    else:
        hidden = list(activation)
        if len(hidden) == depth and input_activation is True:
            input_activation, *hidden = hidden
        if len(hidden) != depth - 1:
            raise TensorCalcError(
                f"{len(hidden)} activations for {depth} layers",
                f"give {depth - 1}, one for each layer from the second on, or {depth}",
            )
    if output is not None:
        hidden[-1] = output
    if input_activation is True:
        first = hidden[0] if hidden[0] != "softmax" else "sigmoid"
    elif input_activation is None or input_activation is False:
        first = "identity"
    else:
        first = input_activation
    for name in (first, *hidden):
        if not isinstance(name, str) or name not in ACTIVATIONS:
            raise TensorCalcError(
                f"an activation called {name!r}", f"choose one of {', '.join(ACTIVATIONS)}"
            )
    for name in (first, *hidden[:-1]):
        if name == "softmax":
            raise TensorCalcError(
                "softmax in a layer that is not the output", "use it for the last layer only"
            )
    return (first, *hidden)


def _read_cost(cost: Any, output: str) -> str:
    if cost == "quadratic":
        raise TensorCalcError(
            'the cost "quadratic", which some books use for ‖a−λ‖² and some for its half',
            'say which: cost="squared" (Johnston) or cost="half squared"',
        )
    if cost not in COSTS:
        raise TensorCalcError(f"a cost called {cost!r}", f"choose one of {', '.join(COSTS)}")
    if cost == "cross-entropy" and output not in ("sigmoid", "softmax"):
        raise TensorCalcError(
            f"the cross-entropy of {output} outputs, which are no probabilities",
            'use output="sigmoid" or output="softmax"',
        )
    return cost
