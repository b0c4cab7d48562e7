"""Time to derive and generate all weight gradients of networks of growing depth.

Each measurement is a process of its own, so that nothing is remembered; libraries are imported
and warmed by a network of one layer before the clock starts. For peers the time ends with the
first answer, as that is when most of them compile.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time

import numpy as np

import tensorcalc as tc
from benchmarks import peers
from benchmarks.case import Question, Result
from benchmarks.timing import reason
from benchmarks.workloads.networks import by_hand, draw, loss, network

DEPTHS = (1, 2, 5, 10, 20)
DEEPER = (50, 100, 200, 500)  # tensorcalc alone: does time grow in proportion?
WIDTH = 8
RUNS = 3
LONG = 1.0  # seconds; what takes longer is measured once
OURS = "tensorcalc"
CALLED = "tensorcalc, and first call"


def weights(layers: int) -> tuple[str, ...]:
    return tuple(f"W{l}" for l in range(1, layers + 1))


def derive(contender: str, layers: int) -> None:
    """What is timed, from the text of the program to a function, or to the first answer."""
    sizes = (WIDTH,) * (layers + 1)
    if contender in (OURS, CALLED):
        p = network(sizes, 0, "squared")
        function = tc.compile([tc.gradient(p["C"], p[name]) for name in weights(layers)])
        if contender == CALLED:
            function(draw(np.random.default_rng(0), sizes, 0, "squared"))
        return
    question = Question(lambda xp, v: loss(xp, v, layers, 0, "squared"), weights(layers))
    values = draw(np.random.default_rng(0), sizes, 0, "squared")
    found = peers.load(contender).prepare(question)(values)()
    expected = by_hand(values, layers, "squared")()[::2]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-8, atol=1e-12)


def measured(contender: str, layers: int, limit: int) -> dict:
    """Seconds in a fresh process, or why there are none."""
    command = [sys.executable, "-m", "benchmarks.workloads.deriving", contender, str(layers)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"note": f"more than {limit} s"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return {"note": f"process ended with {done.returncode}: {last[0][:80]}"}
    return json.loads(done.stdout.splitlines()[-1])


def measure(threads: int, quick: bool = False, limit: int = 20) -> list[Result]:
    contenders = {OURS: OURS, CALLED: CALLED, **peers.installed()}
    failed: dict[str, str] = {}
    results = []
    for layers in DEPTHS[:2] if quick else DEPTHS + DEEPER:
        racing = contenders if layers <= DEPTHS[-1] else {OURS: OURS, CALLED: CALLED}
        seconds: dict[str, list[float]] = {name: [] for name in racing}
        for _ in range(1 if quick else RUNS):
            for name in racing:
                if name in failed or (seconds[name] and seconds[name][0] > LONG):
                    continue
                found = measured(name, layers, limit)
                if "note" in found:
                    failed[name] = found["note"]
                else:
                    seconds[name].append(found["seconds"])
        for name, shown in racing.items():
            results.append(_result(layers, shown, threads, seconds, name, failed))
    return results


def _result(layers, shown, threads, seconds, name, failed) -> Result:
    case = f"{layers} layers" if layers > 1 else "1 layer"
    if not seconds[name]:
        return Result("deriving", case, shown, threads, note=failed[name])
    value = statistics.median(seconds[name])
    ratio = value / statistics.median(seconds[OURS]) if seconds[OURS] else None
    return Result("deriving", case, shown, threads, value, ratio=ratio)


def main(contender: str, layers: int) -> None:
    """One measurement, in this process."""
    try:
        derive(contender, 2 if layers == 1 else 1)  # never the same network
        gc.collect()
        started = time.perf_counter()
        derive(contender, layers)
        found = {"seconds": time.perf_counter() - started}
    except Exception as error:
        found = {"note": reason(error)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
