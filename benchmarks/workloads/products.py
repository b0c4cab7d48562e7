"""Hessian-vector products of the four functions of ``second_order``."""

from __future__ import annotations

from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Case, Question, Run, Values
from benchmarks.ours import every_way
from benchmarks.workloads.hessians import DEEP, FACTORS, LOGISTIC, QUADRATIC, SIZES
from benchmarks.workloads.second_order import LAYERS, sigmoid


def logistic(v: Values) -> Run:
    X, w, D = v["X"], v["w"], v["D"]

    def run() -> np.ndarray:
        s = sigmoid(X @ w)
        return X.T @ (s * (1 - s) * (X @ D))

    return run


def factors(v: Values) -> Run:
    V, D = v["V"], v["D"]
    return lambda: 2 * D @ (V.T @ V)


def deep(v: Values) -> Run:
    """Backpropagation and its tangent, layer by layer."""
    Ws = [v[f"W{l}"] for l in range(1, LAYERS + 1)]
    x, y, D = v["x"], v["y"], v["D"]

    def run() -> np.ndarray:
        a, dz = [sigmoid(Ws[0] @ x)], [D @ x]
        slopes = [a[0] * (1 - a[0])]
        for W in Ws[1:]:
            dz.append(W @ (slopes[-1] * dz[-1]))
            a.append(sigmoid(W @ a[-1]))
            slopes.append(a[-1] * (1 - a[-1]))
        u, du = a[-1] - y, slopes[-1] * dz[-1]  # the adjoint of a, and its tangent
        for l in reversed(range(LAYERS)):
            du = slopes[l] * (du + u * (1 - 2 * a[l]) * dz[l])
            u = slopes[l] * u
            if l:
                u, du = Ws[l].T @ u, Ws[l].T @ du
        return np.outer(du, x)

    return run


def quadratic(v: Values) -> Run:
    A, D = v["A"], v["D"]
    return lambda: A @ D + D @ A


HAND = {LOGISTIC: logistic, FACTORS: factors, DEEP: deep, QUADRATIC: quadratic}
TANGENTS = {LOGISTIC: "n", FACTORS: ("m", "k"), DEEP: ("n", "n"), QUADRATIC: "n"}


def product(entry: Any) -> Any:
    _, program, value, argument, *_ = entry
    p, shape = program(), TANGENTS[entry]
    D = tc.vector("D", shape) if isinstance(shape, str) else tc.matrix("D", *shape)
    return tc.hvp(p[value], p[argument], D)


def case(entry: Any, n: int) -> Case:
    title, _, _, argument, draw, function = entry
    return Case(
        name=f"{title}, n = {n}",
        draw=lambda rng: draw(rng, n),
        hand=HAND[entry],
        ours=every_way(lambda: product(entry)),
        question=Question(function, (argument,), "hvp", "D"),
    )


def cases(smallest: bool = False) -> list[Case]:
    sizes = dict.fromkeys(SIZES, (3,)) if smallest else SIZES
    return [case(entry, n) for entry, several in sizes.items() for n in several]
