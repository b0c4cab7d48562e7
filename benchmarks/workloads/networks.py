"""Gradients of every weight and bias of five networks, samples as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Case, Question, Run, Values
from benchmarks.ours import every_way

NETWORKS = (  # sizes, samples (0 is one sample without an axis), cost
    ((2, 3, 2), 0, "squared"),
    ((784, 30, 10), 0, "squared"),
    ((784, 30, 10), 10, "squared"),
    ((784, 300, 100, 10), 256, "softmax"),
    ((64,) * 21, 32, "squared"),
)


def network(sizes: Sequence[int], samples: int, cost: str) -> tc.Program:
    """The program; every layer's size has a name of its own."""
    last = len(sizes) - 1
    lines, shapes, below = [], {}, "X"
    for l in range(1, last + 1):
        lines.append(f"Z{l} = W{l} @ {below} + b{l}")
        shapes |= {f"W{l}": (f"n{l}", f"n{l - 1}"), f"b{l}": f"n{l}"}
        if l < last or cost == "squared":
            lines.append(f"A{l} = sigmoid(Z{l})")
            below = f"A{l}"
    batch = ("m",) if samples else ()
    shapes |= {"X": ("n0", *batch), "Y": (f"n{last}", *batch)}
    if cost == "squared":
        lines.append(f"C = norm({below} - Y)**2 / 2")
    else:
        lines += [f"P = softmax(Z{last}, axis=0)", f"C = -sum(Y * log(P)) / {samples}"]
    return tc.program("\n".join(lines), shapes)


def parameters(layers: int) -> tuple[str, ...]:
    """W1, b1, W2, …"""
    return tuple(f"{kind}{l}" for l in range(1, layers + 1) for kind in "Wb")


def gradients(sizes: Sequence[int], samples: int, cost: str) -> list[Any]:
    p = network(sizes, samples, cost)
    return [tc.gradient(p["C"], p[name]) for name in parameters(len(sizes) - 1)]


def draw(rng: np.random.Generator, sizes: Sequence[int], samples: int, cost: str) -> Values:
    values = {}
    for l, (rows, columns) in enumerate(zip(sizes[1:], sizes, strict=False), 1):
        values[f"W{l}"] = rng.normal(size=(rows, columns)) / np.sqrt(columns)
        values[f"b{l}"] = rng.normal(size=rows)
    batch = (samples,) if samples else ()
    values["X"] = rng.normal(size=(sizes[0], *batch))
    if cost == "squared":
        values["Y"] = rng.normal(size=(sizes[-1], *batch))
    else:
        values["Y"] = np.eye(sizes[-1])[:, rng.integers(0, sizes[-1], size=samples)].copy()
    return values


def by_hand(values: Values, layers: int, cost: str) -> Run:
    """Backpropagation as one writes it down for speed."""
    batch = values["X"].ndim == 2
    Ws = [values[f"W{l}"] for l in range(1, layers + 1)]
    bs = [values[f"b{l}"] for l in range(1, layers + 1)]
    bs = [b[:, None] for b in bs] if batch else bs
    X, Y = values["X"], values["Y"]

    def run() -> tuple[np.ndarray, ...]:
        A = [X]
        for l in range(layers):
            Z = Ws[l] @ A[-1] + bs[l]
            if l < layers - 1 or cost == "squared":
                A.append(1 / (1 + np.exp(-Z)))
        if cost == "squared":
            D = (A[-1] - Y) * A[-1] * (1 - A[-1])
        else:
            E = np.exp(Z - Z.max(axis=0))
            D = (E / E.sum(axis=0) - Y) / Y.shape[1]
        found = []
        for l in reversed(range(layers)):
            found += [D.sum(axis=1), D @ A[l].T] if batch else [D, np.outer(D, A[l])]
            if l:
                D = (Ws[l].T @ D) * A[l] * (1 - A[l])
        return tuple(found[::-1])

    return run


def loss(xp: Any, v: Any, layers: int, samples: int, cost: str) -> Any:
    """The cost with another library's functions."""
    A = v["X"]
    for l in range(1, layers + 1):
        b = v[f"b{l}"]
        Z = v[f"W{l}"] @ A + (b[:, None] if samples else b)
        A = xp.sigmoid(Z)
    if cost == "squared":
        return xp.sum((A - v["Y"]) ** 2) / 2
    return -xp.sum(v["Y"] * xp.log_softmax(Z)) / samples


def title(sizes: Sequence[int], samples: int, cost: str) -> str:
    deep = len(set(sizes)) == 1 and len(sizes) > 3
    shape = f"{len(sizes) - 1} layers × {sizes[0]}" if deep else "-".join(map(str, sizes))
    batch = f"batch {samples}" if samples else "one sample"
    return f"{shape}, {batch}" + (", softmax cross-entropy" if cost == "softmax" else "")


def case(sizes: Sequence[int], samples: int, cost: str) -> Case:
    layers = len(sizes) - 1
    return Case(
        name=title(sizes, samples, cost),
        draw=lambda rng: draw(rng, sizes, samples, cost),
        hand=lambda values: by_hand(values, layers, cost),
        ours=every_way(lambda: gradients(sizes, samples, cost)),
        question=Question(
            lambda xp, v: loss(xp, v, layers, samples, cost), parameters(layers), "gradient"
        ),
    )


def cases(smallest: bool = False) -> list[Case]:
    """All five; the smallest of each kind for a test of agreement."""
    if smallest:
        return [case((2, 3, 2), 0, "squared"), case((4, 5, 3, 2), 3, "softmax")]
    return [case(*network) for network in NETWORKS]
