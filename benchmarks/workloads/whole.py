"""Seconds to the first answer, and the most memory until then, of a process of its own.

The clock starts, and memory is counted, when libraries are imported, warmed by a small network,
and the arguments are there. The peak of the process counts every library alike, and what a
compiler needs as well as the calls; only Linux tells it from what the imports took.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import peers
from benchmarks.case import Bind, Case
from benchmarks.timing import HAND, arrays, reason, require_agreement

STATUS = Path("/proc/self/status")
FORGET = Path("/proc/self/clear_refs")  # "5" takes the present size for the peak


def contenders() -> dict[str, str]:
    """By the name that a process is told, those that can try; SymPy writes out every entry."""
    others = {peer: shown for peer, shown in peers.installed().items() if peer != "sympy"}
    return {HAND: HAND, "tensorcalc": "tensorcalc", **others}


def made(contender: str, case: Case) -> Bind:
    if contender == HAND:
        return case.hand
    if contender in case.ours:
        return case.ours[contender].make()
    assert case.question is not None
    return peers.load(contender).prepare(case.question)


def seconds_and_bytes(contender: str, small: Case, case: Case) -> dict:
    """One measurement, in this process."""
    made(contender, small)(small.draw(np.random.default_rng(0)))()
    values = case.draw(np.random.default_rng(0))
    gc.collect()
    before = _forgotten()
    started = time.perf_counter()
    answer = made(contender, case)(values)()
    found = {"seconds": time.perf_counter() - started}
    if before is not None:
        found["bytes"] = _status("VmHWM") - before
    if contender != HAND:
        require_agreement(arrays(answer), case.hand(values)())
    return found


def _forgotten() -> int | None:
    """The memory that the process holds now, from which its peak is counted."""
    try:
        FORGET.write_text("5")
        return _status("VmRSS")
    except OSError:
        return None


def _status(entry: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(entry))
    return 1024 * int(line.split()[1])


def measured(contender: str, index: int, quick: bool, limit: int) -> dict:
    """The same from a fresh process, or why there is nothing."""
    command = [sys.executable, "-m", "benchmarks.workloads.whole", contender, str(index)]
    try:
        done = subprocess.run(
            [*command, "quick" if quick else "full"], capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return {"note": f"more than {limit} s"}
    if done.returncode:
        return {"note": f"the process ended with {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def main(contender: str, index: int, quick: bool) -> None:
    from benchmarks.workloads import size

    try:
        found = seconds_and_bytes(contender, size.cases(True)[index], size.cases(quick)[index])
    except Exception as error:
        found = {"note": reason(error)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "quick")
