"""Hessians of the four functions, dense, and as their blocks where they have some."""

from __future__ import annotations

from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Case, Run, Values
from benchmarks.ours import every_way, structured
from benchmarks.workloads.second_order import (
    DEEP,
    FACTORS,
    LAYERS,
    LOGISTIC,
    QUADRATIC,
    RANK,
    Problem,
    asked,
    sigmoid,
)


def logistic(v: Values) -> Run:
    X, w = v["X"], v["w"]

    def run() -> np.ndarray:
        s = sigmoid(X @ w)
        return (X * (s * (1 - s))[:, None]).T @ X

    return run


def factors(v: Values) -> Run:
    V, n = v["V"], len(v["U"])
    i = np.arange(n)

    def run() -> np.ndarray:
        H = np.zeros((n, RANK, n, RANK))
        H[i, :, i, :] = 2 * V.T @ V
        return H

    return run


def factors_block(v: Values) -> Run:
    V = v["V"]
    return lambda: 2 * V.T @ V


def curvature(v: Values) -> Run:
    """The Hessian of the deep network by its first sums z1."""
    Ws = [v[f"W{l}"] for l in range(1, LAYERS + 1)]
    x, y = v["x"], v["y"]

    def run() -> np.ndarray:
        a = [x]
        for W in Ws:
            a.append(sigmoid(W @ a[-1]))
        slopes = [s * (1 - s) for s in a[1:]]
        d, H = a[-1] - y, np.eye(len(x))
        for l in reversed(range(LAYERS)):
            H = slopes[l][:, None] * H * slopes[l]
            H.flat[:: len(H) + 1] += d * slopes[l] * (1 - 2 * a[l + 1])
            d = d * slopes[l]
            if l:
                H, d = Ws[l].T @ H @ Ws[l], Ws[l].T @ d
        return H

    return run


def deep(v: Values) -> Run:
    by_sums, x = curvature(v), v["x"]
    return lambda: by_sums()[:, None, :, None] * np.outer(x, x)[None, :, None, :]


def quadratic(v: Values) -> Run:
    A = v["A"]
    return lambda: A + A.T


HAND = {LOGISTIC: logistic, FACTORS: factors, DEEP: deep, QUADRATIC: quadratic}
BLOCKS = {FACTORS: factors_block, DEEP: curvature}


def hessian(problem: Problem) -> Any:
    p = problem.program()
    return tc.hessian(p[problem.value], p[problem.argument]).to("mixed")


def dense(problem: Problem, n: int) -> Case:
    return problem.case(n, HAND[problem], every_way(lambda: hessian(problem)), "hessian")


def in_blocks(problem: Problem, n: int) -> Case:
    """The structured Hessian, whose dense form must be right, against its blocks alone."""
    return Case(
        name=f"{problem.name}, n = {n}, structured",
        draw=lambda rng: problem.draw(rng, n),
        hand=BLOCKS[problem],
        ours={"tensorcalc": structured(lambda: hessian(problem))},
        dense=HAND[problem],
    )


def cases(smallest: bool = False) -> list[Case]:
    there = asked(smallest)
    return [
        *(dense(problem, n) for problem, n in there),
        *(in_blocks(problem, n) for problem, n in there if problem in BLOCKS),
    ]
