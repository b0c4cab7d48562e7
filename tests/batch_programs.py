"""Networks over a batch as program text, and by plain NumPy, one sample after the other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

import tensorcalc as tc

__all__ = ["NETWORKS", "Network"]

SAMPLES = 5
WIDTHS = (4, 6, 2, 3)  # unequal, and unequal to the number of samples
LOSSES = ("squared", "logistic", "softmax")


@dataclass(frozen=True)
class Network:
    """``depth`` layers, samples as columns or as rows, a sum or a mean of losses of one kind."""

    depth: int
    columns: bool
    mean: bool
    loss: str
    named: bool = True

    def __str__(self) -> str:
        words = (
            f"{self.depth} layers",
            "columns" if self.columns else "rows",
            "mean" if self.mean else "sum",
            self.loss,
            *([] if self.named else ["inline"]),
        )
        return " ".join(words)

    @property
    def top(self) -> str:
        """The name of the last pre-activation."""
        return f"Z{self.depth}"

    @cached_property
    def text(self) -> str:
        """The program."""
        lines = []
        below = "A0"
        for layer in range(1, self.depth + 1):
            w, b, z = f"W{layer}", f"b{layer}", f"Z{layer}"
            if self.columns:
                lines.append(f"{z} = {w} @ {below} + {b} @ ones(1, {SAMPLES})")
            else:
                lines.append(f"{z} = {below} @ {w} + {b}.T")
            if layer < self.depth:
                lines.append(f"A{layer} = tanh({z})")
                below = f"A{layer}"
        axis = 0 if self.columns else 1
        each = {
            "squared": f"sum((sigmoid({self.top}) - Y)**2, axis={axis})",
            "logistic": f"sum(softplus({self.top}) - Y * {self.top}, axis={axis})",
            "softmax": f"logsumexp({self.top}, axis={axis}) - sum(Y * {self.top}, axis={axis})",
        }[self.loss]
        whole = "mean" if self.mean else "sum"
        if self.named:
            return "\n".join([*lines, f"l = {each}", f"L = {whole}(l)"])
        return "\n".join([*lines, f"L = {whole}({each})"])

    @cached_property
    def program(self) -> tc.Program:
        """The program as quantities."""
        return tc.parse(self.text, {name: array.shape for name, array in self.values.items()})

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Random values of every variable, samples lying as the program has them."""
        rng = np.random.default_rng(self.depth)
        layers = range(1, self.depth + 1)
        turned = (lambda a: a) if self.columns else np.transpose
        values = {"A0": turned(rng.normal(size=(WIDTHS[0], SAMPLES)))}
        for layer in layers:
            values[f"W{layer}"] = turned(rng.normal(size=(WIDTHS[layer], WIDTHS[layer - 1])))
            values[f"b{layer}"] = rng.normal(size=WIDTHS[layer])
        values["Y"] = turned(rng.uniform(size=(WIDTHS[self.depth], SAMPLES)))
        return values

    @cached_property
    def looped(self) -> dict[str, np.ndarray]:
        """∂l_s/∂z_s for every layer, stacked, and the gradients of L by all weights and biases.

        By hand, for one sample at a time: δ = ∂l/∂a ⊙ g′(z), then Wᵀ δ ⊙ tanh′(z).
        """
        turned = (lambda a: a) if self.columns else np.transpose
        v = {n: turned(a) if a.ndim == 2 else a for n, a in self.values.items()}
        layers = range(1, self.depth + 1)
        found: dict[str, np.ndarray] = {f"Z{k}": np.zeros((SAMPLES, WIDTHS[k])) for k in layers}
        found |= {n: np.zeros(v[n].shape) for k in layers for n in (f"W{k}", f"b{k}")}
        for s in range(SAMPLES):
            a = {0: v["A0"][:, s]}
            z = {}
            for k in layers:
                z[k] = v[f"W{k}"] @ a[k - 1] + v[f"b{k}"]
                a[k] = np.tanh(z[k])
            delta = self._at_the_top(z[self.depth], v["Y"][:, s])
            for k in reversed(layers):
                found[f"Z{k}"][s] = delta
                share = 1 / SAMPLES if self.mean else 1.0
                found[f"W{k}"] += share * delta[:, None] * a[k - 1][None, :]
                found[f"b{k}"] += share * delta
                if k > 1:
                    delta = (v[f"W{k}"].T @ delta) * (1 - a[k - 1] ** 2)
        return {n: turned(a) if n[0] == "W" else a for n, a in found.items()}

    def _at_the_top(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        sigma = 1 / (1 + np.exp(-z))
        if self.loss == "squared":
            return 2 * (sigma - y) * sigma * (1 - sigma)
        if self.loss == "logistic":
            return sigma - y
        return np.exp(z) / np.exp(z).sum() - y


NETWORKS = [
    Network(depth, columns, mean, loss)
    for depth, columns, mean, loss in itertools.product(
        (1, 2, 3), (True, False), (False, True), LOSSES
    )
]
NETWORKS += [
    Network(depth, columns, mean, loss, named=False)
    for depth, columns, mean, loss in [
        (1, True, False, "squared"),
        (2, False, True, "logistic"),
        (2, True, True, "softmax"),
    ]
]
