"""The literal chain δ · ∂v/∂W with its 3-tensor, against the outer product it comes down to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks.case import Bind, Case, Contender, Question, Result, Run, Values
from benchmarks.ours import every_way
from benchmarks.timing import HAND, peak_bytes

PROGRAMS = {
    "δ given": "v = W @ x; E = d.T @ v",
    "½‖σ(Wx) − d‖²": "v = W @ x; s = sigmoid(v); E = norm(s - d)**2 / 2",
}
SIZES = (32, 64, 128, 256)
LARGEST = 4096
LITERAL = "NumPy, 3-tensor"


def product(kind: str) -> Any:
    """∂E/∂v · ∂v/∂W, in the shape of W."""
    p = tc.program(PROGRAMS[kind], W=("m", "n"), x="n", d="m")
    return (p.derivative("E", "v") @ p.derivative("v", "W")).to("mixed")


def draw(rng: np.random.Generator, n: int) -> Values:
    W = rng.normal(size=(n, n)) / np.sqrt(n)
    return {"W": W, "x": rng.normal(size=n), "d": rng.normal(size=n)}


def delta(kind: str, W: np.ndarray, x: np.ndarray, d: np.ndarray) -> np.ndarray:
    if kind == "δ given":
        return d
    s = 1 / (1 + np.exp(-(W @ x)))
    return (s - d) * s * (1 - s)


def by_hand(kind: str, values: Values) -> Run:
    W, x, d = values["W"], values["x"], values["d"]
    return lambda: np.outer(delta(kind, W, x, d), x)


def literally(kind: str, values: Values) -> Run:
    """The box with its zeros, and a sum over k."""
    W, x, d = values["W"], values["x"], values["d"]
    m, n = W.shape

    def run() -> np.ndarray:
        box = np.zeros((m, m, n))
        box[np.arange(m), np.arange(m)] = x
        return np.einsum("k,kji->ji", delta(kind, W, x, d), box)

    return run


def loss(xp: Any, v: Mapping[str, Any], kind: str) -> Any:
    """E as a function of v, which the literal chain stops at."""
    if kind == "δ given":
        return xp.sum(v["d"] * v["v"])
    return xp.sum((xp.sigmoid(v["v"]) - v["d"]) ** 2) / 2


def case(kind: str, n: int) -> Case:
    def make() -> Bind:
        return lambda values: literally(kind, values)

    return Case(
        name=f"{kind}, {n} × {n}",
        draw=lambda rng: draw(rng, n),
        hand=lambda values: by_hand(kind, values),
        ours=every_way(lambda: product(kind)),
        question=Question(lambda xp, v: loss(xp, v, kind), ("W",), "literal chain"),
        others={LITERAL: Contender(make)},
    )


def cases(smallest: bool = False) -> list[Case]:
    return [case(kind, n) for kind in PROGRAMS for n in ((3,) if smallest else SIZES)]


def beyond_result(threads: int, quick: bool = False, limit: int = 20) -> list[Result]:
    """Memory of one call above the result's own, by tracemalloc; the largest without its box."""
    return [
        result
        for kind in PROGRAMS
        for n in (SIZES[:1] if quick else (*SIZES, LARGEST))
        for result in _above_result(case(kind, n), n, threads)
    ]


def _above_result(one: Case, n: int, threads: int) -> list[Result]:
    values = one.draw(np.random.default_rng(0))
    runs = {HAND: one.hand(values), "tensorcalc": one.ours["tensorcalc"].make()(values)}
    if n < LARGEST:
        runs[LITERAL] = one.others[LITERAL].make()(values)
    found = []
    for name, run in runs.items():
        for _ in range(4):
            run()
        above = max(0, peak_bytes(run) - 8 * n * n)
        found.append(Result("memory", one.name, name, threads, above, "B"))
    if n == LARGEST:
        note = "out of memory: the 3-tensor alone would take 512 GiB"
        found.append(Result("memory", one.name, LITERAL, threads, note=note))
    return found
