"""What an import costs: whole processes, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks import peers
from benchmarks.case import Result

ROUNDS = 9


def seconds(code: str) -> float:
    """The wall time of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - started


def measure(threads: int, quick: bool = False, limit: int = 20) -> list[Result]:
    shown = {"numpy": "NumPy", "tensorcalc": "tensorcalc", **peers.installed()}
    results, times = [], {}
    for module in list(shown):
        try:
            seconds(f"import {module}")  # once, for the caches of the file system
            times[module] = []
        except subprocess.CalledProcessError as error:
            last = error.stderr.decode().strip().splitlines()[-1][:90]
            results.append(Result("imports", "import", shown[module], threads, note=last))
    for _ in range(2 if quick else ROUNDS):
        for module, taken in times.items():
            taken.append(seconds(f"import {module}"))
    for module, taken in times.items():
        pairs = zip(taken, times["numpy"], strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
        median = statistics.median(taken)
        results.append(Result("imports", "import", shown[module], threads, median, ratio=ratio))
    return results
