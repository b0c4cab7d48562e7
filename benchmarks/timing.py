"""Interleaved timing: agreement first, then rounds in which every contender takes its turn.

A busy machine slows neighbours in time alike, so a ratio is the median of the ratios to the
hand-written NumPy of the same round.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import statistics
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.case import Bind, Case, Contender, NotSupported, Result, Run

HAND = "NumPy by hand"
TOLERANCE = 1e-8  # of the largest entry
WARM_UP = 4  # calls before agreement: what is specialised or compiled late is compared too
WARM = 1.0  # seconds of such calls after which no more are made
FAR = 20  # times the code by hand: a contender so slow is measured in few rounds
FEW = 5
THREADS_FROM = 2e-4  # seconds of the code by hand; below it no library divides the work


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int = 21
    sample: float = 3e-3  # seconds of repeated calls that make one sample
    share: float = 3.0  # seconds for one contender of one case
    limit: int = 20  # seconds until a contender has to be made, warm and right


QUICK = Effort(rounds=5, sample=1e-3, share=0.5, limit=10)


class Disagreement(AssertionError):
    """A contender's answer is not the hand-written one."""


def arrays(answer: Any) -> list[np.ndarray]:
    """The answer as a list of arrays."""
    several = isinstance(answer, (list, tuple))
    return [np.asarray(a) for a in (answer if several else [answer])]


def require_agreement(given: Any, expected: Any) -> None:
    """Raise Disagreement unless every array is within TOLERANCE of its largest entry."""
    found, wanted = arrays(given), arrays(expected)
    if len(found) != len(wanted):
        raise Disagreement(f"{len(found)} arrays for {len(wanted)}")
    for a, b in zip(found, wanted, strict=True):
        if a.size != b.size:
            raise Disagreement(f"shape {a.shape} for {b.shape}")
        scale = np.abs(b).max(initial=0) or 1.0
        error = np.abs(a.reshape(b.shape) - b).max(initial=0) / scale
        if not error <= TOLERANCE:
            raise Disagreement(f"differs by {error:.0e}")


class TooSlow(BaseException):
    """Not an Exception, so that no library takes it for one of its own."""


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TooSlow in the main thread after so many seconds, where the system has alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    rung = False

    def stop(*_: Any) -> None:
        nonlocal rung
        rung = True
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    # again every second: what is raised in a callback of a library does not get through
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    except Exception as error:
        if rung:  # what a library makes of being interrupted says nothing
            raise TooSlow(f"more than {seconds} s") from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def reason(error: BaseException) -> str:
    """Why there is no figure, in a few words."""
    if isinstance(error, TooSlow):
        return str(error)
    if isinstance(error, NotSupported):
        return f"not supported: {error}"
    if isinstance(error, Disagreement):
        return f"wrong: {error}"
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, RecursionError):
        return "recursion error"
    first = str(error).strip().splitlines()[:1] or [""]
    return f"{type(error).__name__}: {first[0][:90]}"


def bound(case: Case, contender: Contender, rng: np.random.Generator) -> Bind:
    """The contender, made and found right on fresh values after its warm-up."""
    bind = contender.make()
    warm = case.draw(rng)
    run = bind(warm)
    started = time.perf_counter()
    for _ in range(WARM_UP):
        run()
        if time.perf_counter() - started > WARM:
            break
    for values in (warm, case.draw(rng)):
        expected = (case.dense or case.hand)(values)()
        require_agreement(contender.read(bind(values)()), expected)
    return bind


def check(case: Case, contenders: Mapping[str, Contender], seed: int = 0) -> dict[str, str]:
    """Why contenders fail, by name: empty if all agree with the hand-written code."""
    faults = {}
    for name, contender in contenders.items():
        try:
            bound(case, contender, np.random.default_rng(seed))
        except Exception as error:
            faults[name] = reason(error)
    return faults


def race(
    group: str, case: Case, contenders: Mapping[str, Contender], threads: int, effort: Effort
) -> list[Result]:
    """Median times of those that agree with the hand-written code; notes for the others."""
    rng = np.random.default_rng(0)
    runs: dict[str, Run] = {}
    results = []
    values = case.draw(rng)
    runs[HAND] = case.hand(values)
    for name, contender in contenders.items():
        try:
            with time_limit(effort.limit):
                runs[name] = bound(case, contender, rng)(values)
        except (Exception, TooSlow) as error:
            results.append(Result(group, case.name, name, threads, note=reason(error)))
    seconds = interleaved(runs, effort)
    for name, samples in seconds.items():
        ratios = [a / b for a, b in zip(samples, seconds[HAND], strict=False)]
        low, ratio, high = statistics.quantiles(ratios, n=4)
        result = Result(group, case.name, name, threads, statistics.median(samples), ratio=ratio)
        result.low, result.high = low, high
        results.append(result)
    return results


def interleaved(runs: Mapping[str, Run], effort: Effort) -> dict[str, list[float]]:
    """Seconds per call, by round, for every contender; slow ones sit out the later rounds."""
    once = {name: _once(run) for name, run in runs.items()}
    calls = {name: max(1, round(effort.sample / t)) for name, t in once.items()}
    sample = {name: once[name] * calls[name] for name in runs}
    most = {n: FEW if t > FAR * once[HAND] else effort.rounds for n, t in once.items()}
    rounds = {n: min(most[n], max(3, int(effort.share / t))) for n, t in sample.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(effort.rounds):
        first = turn % len(names)  # nobody always runs in the caches of the same neighbour
        for name in names[first:] + names[:first]:
            if name == names[0] or turn < rounds[name]:
                seconds[name].append(_seconds(runs[name], calls[name]))
        if all(turn + 1 >= n for n in rounds.values()):
            break
    return seconds


def worth_threads(case: Case) -> bool:
    """Whether a call by hand is so long that a second thread can shorten it."""
    return _once(case.hand(case.draw(np.random.default_rng(0)))) >= THREADS_FROM


def _once(run: Run) -> float:
    """Seconds of one call, to plan by."""
    first = _seconds(run, 1)
    return min(first, _seconds(run, 3)) if first < 0.1 else first


def _seconds(run: Run, calls: int) -> float:
    collecting = gc.isenabled()
    gc.disable()
    try:
        started = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - started) / calls
    finally:
        if collecting:
            gc.enable()


def peak_bytes(run: Run) -> int:
    """Most memory that NumPy and Python held during one call, beyond what was there before."""
    run()
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
