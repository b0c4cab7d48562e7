"""One table at one number of threads, in a process of its own: ``python -m benchmarks.session``.

The number of threads stands in the environment before NumPy is loaded, and the process is kept
to as many processors, which is what the libraries without such a variable go by.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import asdict, replace
from pathlib import Path

VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def environment(threads: int) -> dict[str, str]:
    """The variables that hold every library to this number of threads."""
    eigen = "false" if threads == 1 else "true"
    flags = f"--xla_cpu_multi_thread_eigen={eigen}"
    chosen = dict.fromkeys(VARIABLES, str(threads))
    return {**os.environ, **chosen, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def keep_to_processors(threads: int) -> None:
    """Run on this many processors, where the system lets one choose."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[-threads:])


def main(group: str, threads: int, quick: bool, path: Path, limit: int, again: bool) -> None:
    """Measure, and write the results after every case; ``again`` what threads can change."""
    keep_to_processors(threads)
    warnings.simplefilter("ignore")
    import numpy as np  # not before the environment is as it should be

    from benchmarks import peers
    from benchmarks.timing import QUICK, Effort, race, worth_threads
    from benchmarks.workloads import GROUPS

    np.seterr(all="ignore")
    asked = GROUPS[group]
    effort = replace(QUICK if quick else Effort(), limit=limit)
    results = []
    if asked.measure is not None and not again:
        results = asked.measure(threads, quick, limit)
        _write(path, results)
    if asked.cases is not None:
        peers.preload()
    for case in asked.cases(quick) if asked.cases else ():
        if again and not worth_threads(case):
            continue
        contenders = {**case.ours, **case.others, **peers.contenders(case.question)}
        results += race(group, case, contenders, threads, effort)
        _write(path, results)
    for result in results:
        result.group = group
    _write(path, results)


def _write(path: Path, results: list) -> None:
    path.write_text(json.dumps([asdict(result) for result in results]))


if __name__ == "__main__":
    name, count, how, where, most, *rest = sys.argv[1:]
    main(name, int(count), how == "quick", Path(where), int(most), rest == ["again"])
