"""Large networks: seconds to derive and compile, seconds and memory of a call."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import tensorcalc as tc
from benchmarks import peers
from benchmarks.case import Case, Question, Result
from benchmarks.ours import every_way
from benchmarks.timing import HAND, Effort, peak_bytes, race
from benchmarks.workloads import attention, networks

EFFORT = Effort(rounds=3, sample=0.0, share=20.0, limit=300)


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


def measure(threads: int, quick: bool = False) -> list[Result]:
    results = []
    deep(2, 3, 2).ours["tensorcalc"].make()  # loads what deriving and compiling need
    for case in cases(smallest=quick):
        results += _derived(case, threads)
        results += race("size", case, case.ours | peers.contenders(case.question), threads, EFFORT)
        results += _memory(case, threads)
    return results


def _derived(case: Case, threads: int) -> list[Result]:
    """tensorcalc only: what peers do at their first call stands in the table of depths.

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
    name = f"{case.name}: peak memory"
    hand = peak_bytes(case.hand(values))
    results = [Result("size", name, HAND, threads, hand, "B", 1.0)]
    run = case.ours["tensorcalc"].make()(values)
    for _ in range(3):
        run()
    peak = peak_bytes(run)
    return [*results, Result("size", name, "tensorcalc", threads, peak, "B", peak / hand)]
