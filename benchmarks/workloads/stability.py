"""The literal log(1 + exp(−z)) far out: value, slope and curvature, finite and right?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import tensorcalc as tc
from benchmarks import peers
from benchmarks.case import Question, Result
from benchmarks.timing import reason

SCALES = (1, 30, 1000)
ALLOWED = 1e-8  # of each entry, down to the smallest normal numbers
ORDERS = {"gradient": "first derivative", "hessian": "second derivative"}


def literal(xp: Any, v: Mapping[str, Any]) -> Any:
    return xp.sum(xp.log(1 + xp.exp(-v["z"])))


def first(z: np.ndarray) -> np.ndarray:
    """−σ(−z), without overflow and without cancellation."""
    small = np.exp(-np.abs(z))
    return -np.where(z > 0, small, 1) / (1 + small)


def second(z: np.ndarray) -> np.ndarray:
    """σ(z) σ(−z) on a diagonal."""
    small = np.exp(-np.abs(z))
    return np.diag(small / (1 + small) ** 2)


def ours(wanted: str) -> Callable[[np.ndarray], Any]:
    p = tc.program("L = sum(log(1 + exp(-z)))", z="n")
    d = tc.gradient(p["L"], p["z"]) if wanted == "gradient" else tc.hessian(p["L"], p["z"])
    return d.compile()


def naive(wanted: str) -> Callable[[np.ndarray], Any]:
    """What the chain rule gives when it is followed to the letter."""

    def run(z: np.ndarray) -> np.ndarray:
        e = np.exp(-z)
        return -e / (1 + e) if wanted == "gradient" else np.diag(e / (1 + e) - (e / (1 + e)) ** 2)

    return run


def verdict(found: Any, expected: np.ndarray) -> tuple[float | None, str]:
    """The largest relative error, or which entries are no numbers."""
    found = np.asarray(found[0] if isinstance(found, (list, tuple)) else found)
    found = found.reshape(expected.shape)
    if not np.isfinite(found).all():
        word = "NaN" if np.isnan(found).any() else "infinite"
        return None, f"{word} in {np.count_nonzero(~np.isfinite(found))} entries"
    scale = np.maximum(np.abs(expected), np.finfo(float).tiny)
    error = float((np.abs(found - expected) / scale).max())
    return error, "" if error <= ALLOWED else f"wrong by {error:.0e}"


def measure(threads: int, quick: bool = False, limit: int = 20) -> list[Result]:
    base = np.random.default_rng(0).normal(size=6)
    results = []
    for wanted, words in ORDERS.items():
        question = Question(literal, ("z",), wanted)
        ways: dict[str, Callable[[], Callable[[np.ndarray], Any]]] = {
            "NumPy, chain rule": lambda wanted=wanted: naive(wanted),
            "tensorcalc": lambda wanted=wanted: ours(wanted),
        }
        for name, contender in peers.contenders(question).items():
            ways[name] = lambda contender=contender: _called(contender.make())
        for name, make in ways.items():
            results += _judged(name, make, wanted, words, base, threads)
    return sorted(results, key=lambda r: SCALES.index(int(r.case.split()[2])))


def _called(bind: Any) -> Callable[[np.ndarray], Any]:
    return lambda z: bind({"z": z})()


def _judged(name, make, wanted, words, base, threads) -> list[Result]:
    right = first if wanted == "gradient" else second
    results = []
    for scale in SCALES:
        result = Result("stability", f"z × {scale} : {words}", name, threads, unit="error")
        try:
            with np.errstate(all="ignore"):
                found = make()(base * scale)
            result.value, result.note = verdict(found, right(base * scale))
        except Exception as error:
            result.note = reason(error)
        results.append(result)
    return results
