"""Four functions of which Hessians are wanted: text, values, and the value in other libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Bind, Case, Contender, Question, Values

RANK = 5  # columns of U and V
LAYERS = 10


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


# ── the logistic loss, m = 2 n ───────────────────────────────────────────────────────────


def logistic() -> tc.Program:
    text = "L = sum(log(1 + exp(X @ w)) - y * (X @ w))"
    return tc.program(text, X=("m", "n"), w="n", y="m")


def draw_logistic(rng: np.random.Generator, n: int) -> Values:
    w = rng.normal(size=n) / np.sqrt(n)
    y = rng.integers(0, 2, size=2 * n).astype(float)
    return {"X": rng.normal(size=(2 * n, n)), "w": w, "y": y, "D": rng.normal(size=n)}


def logistic_loss(xp: Any, v: Mapping[str, Any]) -> Any:
    z = v["X"] @ v["w"]
    return xp.sum(xp.log(1 + xp.exp(z)) - v["y"] * z)


# ── factors of a matrix, ‖T − U Vᵀ‖² by U ────────────────────────────────────────────────


def factors() -> tc.Program:
    text = "L = norm(T - U @ V.T)**2"
    return tc.program(text, T=("m", "n"), U=("m", "k"), V=("n", "k"))


def draw_factors(rng: np.random.Generator, n: int) -> Values:
    values = {name: rng.normal(size=(n, RANK)) for name in "UVD"}
    return values | {"T": rng.normal(size=(n, n))}


def factors_loss(xp: Any, v: Mapping[str, Any]) -> Any:
    return xp.sum((v["T"] - v["U"] @ v["V"].T) ** 2)


# ── ten layers, by the first weights ─────────────────────────────────────────────────────


def deep() -> tc.Program:
    lines, shapes, below = [], {"x": "n", "y": "n"}, "x"
    for l in range(1, LAYERS + 1):
        lines += [f"z{l} = W{l} @ {below}", f"a{l} = sigmoid(z{l})"]
        shapes[f"W{l}"] = ("n", "n")
        below = f"a{l}"
    return tc.program("\n".join([*lines, f"C = norm({below} - y)**2 / 2"]), shapes)


def draw_deep(rng: np.random.Generator, n: int) -> Values:
    # weights so large that the curvature is not lost on the way down
    values = {f"W{l}": 2 * rng.normal(size=(n, n)) / np.sqrt(n) for l in range(1, LAYERS + 1)}
    return values | {
        "x": rng.normal(size=n),
        "y": rng.normal(size=n),
        "D": rng.normal(size=(n, n)),
    }


def deep_loss(xp: Any, v: Mapping[str, Any]) -> Any:
    a = v["x"]
    for l in range(1, LAYERS + 1):
        a = xp.sigmoid(v[f"W{l}"] @ a)
    return xp.sum((a - v["y"]) ** 2) / 2


# ── a quadratic form, A not symmetric ────────────────────────────────────────────────────


def quadratic() -> tc.Program:
    return tc.program("f = x.T @ A @ x", A=("n", "n"), x="n")


def draw_quadratic(rng: np.random.Generator, n: int) -> Values:
    return {"A": rng.normal(size=(n, n)), "x": rng.normal(size=n), "D": rng.normal(size=n)}


def quadratic_form(xp: Any, v: Mapping[str, Any]) -> Any:
    return v["x"] @ (v["A"] @ v["x"])


# ── the four of them ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Problem:
    """A value of a program, the argument by which it is differentiated twice, and fresh values.

    ``function`` is the same value for other libraries.
    """

    name: str
    program: Callable[[], tc.Program]
    value: str
    argument: str
    draw: Callable[[np.random.Generator, int], Values]
    function: Callable[[Any, Mapping[str, Any]], Any]

    def case(
        self, n: int, hand: Bind, ours: Mapping[str, Contender], wanted: str, tangent: str = ""
    ) -> Case:
        return Case(
            name=f"{self.name}, n = {n}",
            draw=lambda rng: self.draw(rng, n),
            hand=hand,
            ours=ours,
            question=Question(self.function, (self.argument,), wanted, tangent),
        )


LOGISTIC = Problem("logistic loss", logistic, "L", "w", draw_logistic, logistic_loss)
FACTORS = Problem("‖T − UVᵀ‖² by U", factors, "L", "U", draw_factors, factors_loss)
DEEP = Problem("10 layers, by W1", deep, "C", "W1", draw_deep, deep_loss)
QUADRATIC = Problem("xᵀAx", quadratic, "f", "x", draw_quadratic, quadratic_form)
SIZES = {
    LOGISTIC: (100, 500, 1000),
    FACTORS: (50, 100, 200),
    DEEP: (10, 20, 50),
    QUADRATIC: (100, 500, 1000),
}


def asked(smallest: bool) -> list[tuple[Problem, int]]:
    """Every problem at each of its sizes."""
    sizes = dict.fromkeys(SIZES, (3,)) if smallest else SIZES
    return [(problem, n) for problem, several in sizes.items() for n in several]
