"""Hessian-vector products of the four functions of ``second_order``."""

from __future__ import annotations

from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Case, Run, Values
from benchmarks.ours import every_way
from benchmarks.workloads.second_order import (
    DEEP,
    FACTORS,
    LAYERS,
    LOGISTIC,
    QUADRATIC,
    Problem,
    asked,
    sigmoid,
)


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


def product(problem: Problem) -> Any:
    p, shape = problem.program(), TANGENTS[problem]
    D = tc.vector("D", shape) if isinstance(shape, str) else tc.matrix("D", *shape)
    return tc.hvp(p[problem.value], p[problem.argument], D)


def case(problem: Problem, n: int) -> Case:
    return problem.case(n, HAND[problem], every_way(lambda: product(problem)), "hvp", "D")


def cases(smallest: bool = False) -> list[Case]:
    return [case(problem, n) for problem, n in asked(smallest)]
