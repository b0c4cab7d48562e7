"""The command: every table, each in processes of its own, as JSON and Markdown."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.case import Result
from benchmarks.report import machine, markdown, write_json
from benchmarks.session import environment
from benchmarks.workloads import GROUPS

ROOT = Path(__file__).resolve().parents[1]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="this table alone")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and 2")
    parser.add_argument("--quick", action="store_true", help="smallest sizes, few rounds")
    seconds = "until a contender has to be made, warm and right"
    parser.add_argument("--limit", type=int, default=20, metavar="SECONDS", help=seconds)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    return parser.parse_args()


def measured(group: str, threads: int, quick: bool, limit: int, again: bool) -> list[Result]:
    """The results of one table from a process of its own, also if that ends before its time.

    ``again``: it was measured with another number of threads before.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        how = "quick" if quick else "full"
        given = [group, str(threads), how, str(path), str(limit), *(["again"] if again else [])]
        command = [sys.executable, "-m", "benchmarks.session", *given]
        done = subprocess.run(command, env=environment(threads), cwd=ROOT)
        results = [Result(**r) for r in json.loads(path.read_text())] if path.exists() else []
    if done.returncode:
        note = f"the process ended with {done.returncode}"
        results.append(Result(group, "the rest", "all", threads, note=note))
    return results


def main() -> int:
    asked = options()
    results: list[Result] = []
    about = machine()
    counts = asked.threads or [1, 2]
    for threads, group in itertools.product(counts, asked.only or GROUPS):
        again = threads != counts[0]
        if again and not GROUPS[group].threads:
            continue
        started = time.perf_counter()
        results += measured(group, threads, asked.quick, asked.limit, again)
        seconds = time.perf_counter() - started
        print(f"{group}, {threads} threads: {seconds:.0f} s", file=sys.stderr, flush=True)
        if asked.json:  # what is there is kept if the rest is broken off
            write_json(asked.json, about, results)
    text = markdown(about, results, {name: group.title for name, group in GROUPS.items()})
    if asked.markdown:
        asked.markdown.write_text(text)
    print(text)
    return int(any("process ended" in result.note for result in results))


if __name__ == "__main__":
    sys.exit(main())
