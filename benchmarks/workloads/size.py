"""Large networks: seconds to derive and compile, seconds and memory of a call."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import tensorcalc as tc
from benchmarks.case import Case, Question, Result
from benchmarks.ours import every_way
from benchmarks.timing import HAND, peak_bytes
from benchmarks.workloads import attention, networks, whole

PATIENCE = 3  # times the usual limit: one call by hand takes a second
WHOLES = (
    ("seconds", "s", "until the first answer"),
    ("bytes", "B", "peak memory of the process"),
)


def deep(layers: int, width: int, samples: int) -> Case:
    one = networks.case((width,) * (layers + 1), samples, "squared")
    return Case(f"{layers} layers × {width}, batch {samples}", *_parts(one))


def attending(blocks: int, width: int, places: int) -> Case:
    def gradients() -> list:
        p = attention.program(blocks)
        return [tc.gradient(p["C"], p[name]) for name in attention.parameters(blocks)]

    return Case(
        name=f"{blocks} attention blocks × {width}, {places} places",
        draw=lambda rng: attention.draw(rng, blocks, width, places),
        hand=lambda values: attention.by_hand(values, blocks),
        ours=every_way(gradients),
        question=Question(
            lambda xp, v: attention.loss(xp, v, blocks), attention.parameters(blocks)
        ),
    )


def _parts(one: Case) -> tuple:
    return one.draw, one.hand, one.ours, one.question


def cases(smallest: bool = False) -> list[Case]:
    if smallest:
        return [deep(3, 4, 2), attending(2, 4, 3)]
    return [deep(50, 1024, 256), attending(16, 256, 128)]


def measure(threads: int, quick: bool = False, limit: int = 20) -> list[Result]:
    """What is beside the times of calls."""
    results = []
    deep(2, 3, 2).ours["tensorcalc"].make()  # loads what deriving and compiling need
    for index, case in enumerate(cases(smallest=quick)):
        results += _derived(case, threads)
        results += _wholes(case, index, threads, quick, PATIENCE * limit)
        results += _memory(case, threads)
    return results


def _wholes(case: Case, index: int, threads: int, quick: bool, limit: int) -> list[Result]:
    """Every library to its first answer, and the peak of its process."""
    rows: dict[str, list[Result]] = {"seconds": [], "bytes": []}
    for contender, shown in whole.contenders().items():
        found = whole.measured(contender, index, quick, limit)
        for row, unit, what in WHOLES:
            note = found.get("note", "" if row in found else "only Linux tells")
            name = f"{case.name}: {what}"
            result = Result("size", name, shown, threads, found.get(row), unit, note=note)
            rows[row].append(result)
    return _by_hand(rows["seconds"]) + _by_hand(rows["bytes"])


def _by_hand(row: list[Result]) -> list[Result]:
    """The row with ratios to its first, where both have figures."""
    for result in row:
        if result.value is not None and row[0].value:
            result.ratio = result.value / row[0].value
    return row


def _derived(case: Case, threads: int) -> list[Result]:
    """tensorcalc only, as peers have nothing before their first answer.

    Once: what has been derived is remembered as long as someone has it.
    """
    name = f"{case.name}: derive and compile"
    return [Result("size", name, "tensorcalc", threads, _seconds(case.ours["tensorcalc"].make))]


def _seconds(make: Callable[[], object]) -> float:
    started = time.perf_counter()
    make()
    return time.perf_counter() - started


def _memory(case: Case, threads: int) -> list[Result]:
    """Peak of one call, results included, by tracemalloc, which sees NumPy's arrays only."""
    values = case.draw(np.random.default_rng(0))
    name = f"{case.name}: peak memory of NumPy's arrays"
    hand = peak_bytes(case.hand(values))
    results = [Result("size", name, HAND, threads, hand, "B", 1.0)]
    run = case.ours["tensorcalc"].make()(values)
    for _ in range(3):
        run()
    peak = peak_bytes(run)
    return [*results, Result("size", name, "tensorcalc", threads, peak, "B", peak / hand)]
