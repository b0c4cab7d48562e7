"""Hessians of the four functions, dense, and as their blocks where they have some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Case, Question, Run, Values
from benchmarks.ours import every_way, structured
from benchmarks.workloads import second_order as of
from benchmarks.workloads.second_order import LAYERS, RANK, sigmoid

# the title, the program, its value and argument, fresh values, and the same for other libraries
LOGISTIC = ("logistic loss", of.logistic, "L", "w", of.draw_logistic, of.logistic_loss)
FACTORS = ("‖T − UVᵀ‖² by U", of.factors, "L", "U", of.draw_factors, of.factors_loss)
DEEP = ("10 layers, by W1", of.deep, "C", "W1", of.draw_deep, of.deep_loss)
QUADRATIC = ("xᵀAx", of.quadratic, "f", "x", of.draw_quadratic, of.quadratic_form)
SIZES = {
    LOGISTIC: (100, 500, 1000),
    FACTORS: (50, 100, 200),
    DEEP: (10, 20, 50),
    QUADRATIC: (100, 500, 1000),
}


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


def hessian(entry: Any) -> Any:
    _, program, value, argument, *_ = entry
    p = program()
    return tc.hessian(p[value], p[argument]).to("mixed")


def case(entry: Any, n: int) -> Case:
    title, _, _, argument, draw, function = entry
    return Case(
        name=f"{title}, n = {n}",
        draw=lambda rng: draw(rng, n),
        hand=HAND[entry],
        ours=every_way(lambda: hessian(entry)),
        question=Question(function, (argument,), "hessian"),
    )


def in_blocks(entry: Any, n: int, by_hand: Callable[[Values], Run]) -> Case:
    """The structured Hessian, whose dense form must be right, against its blocks alone."""
    title, _, _, _, draw, _ = entry
    return Case(
        name=f"{title}, n = {n}, structured",
        draw=lambda rng: draw(rng, n),
        hand=by_hand,
        ours={"tensorcalc": structured(lambda: hessian(entry))},
        dense=HAND[entry],
    )


def cases(smallest: bool = False) -> list[Case]:
    sizes = dict.fromkeys(SIZES, (3,)) if smallest else SIZES
    dense = [case(entry, n) for entry, several in sizes.items() for n in several]
    blocks = [in_blocks(entry, n, hand) for entry, hand in BLOCKS.items() for n in sizes[entry]]
    return dense + blocks
