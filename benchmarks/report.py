"""Results as JSON and as Markdown tables."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.case import Result

LIBRARIES = (
    "numpy",
    "opt_einsum",
    "jax",
    "torch",
    "autograd",
    "pytensor",
    "numba",
    "sympy",
    "tensorgrad",
)
SCALES = {"s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")), "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))}
NONE = "–"


def machine() -> dict[str, Any]:
    """Processors, their widest instructions, and versions."""
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "vectors": _vectors(config),
        "blas": config["Build Dependencies"]["blas"].get("version", "?"),
        "python": platform.python_version(),
        "versions": {name: v for name in LIBRARIES if (v := _version(name))},
    }


def _vectors(config: Any) -> str:
    found = config.get("SIMD Extensions", {}).get("found", [])
    return found[-1] if found else "baseline"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def write_json(path: Path, about: dict[str, Any], results: Iterable[Result]) -> None:
    data = {"machine": about, "results": [asdict(result) for result in results]}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def markdown(about: dict[str, Any], results: Sequence[Result], titles: dict[str, str]) -> str:
    """All tables, with what they were measured on in front."""
    parts = [_about(about)]
    for group, title in titles.items():
        chosen = [result for result in results if result.group == group]
        if chosen:
            parts.append(f"### {title}\n\n{_table(chosen)}")
    return "\n\n".join(parts) + "\n"


def _about(about: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items())
    return (
        f"{about['processors']} processors ({about['architecture']}, {about['vectors']}); "
        f"Python {about['python']}; BLAS {about['blas']}; {versions}."
    )


def _table(results: Sequence[Result]) -> str:
    columns = list(dict.fromkeys(result.contender for result in results))
    silent = [c for c in columns if not any(_has_figure(r) for r in results if r.contender == c)]
    shown = [c for c in columns if c not in silent]
    shown.sort(key=lambda c: not c.startswith("NumPy by hand"))
    by_cell = {(r.case, r.threads, r.contender): r for r in results}
    lines = list(dict.fromkeys((r.case, r.threads) for r in results))
    several = len({threads for _, threads in lines}) > 1
    order = list(dict.fromkeys(case for case, _ in lines))
    lines.sort(key=lambda line: (order.index(line[0]), line[1]))
    notes: dict[str, int] = {}
    head = ["", *(["threads"] if several else []), *shown]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for case, threads in lines:
        cells = [_cell(by_cell.get((case, threads, c)), notes) for c in shown]
        rows.append([case.replace("|", "\\|"), *([str(threads)] if several else []), *cells])
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    footnotes = [f"[{number}] {note}" for note, number in notes.items()]
    footnotes += _silent(results, silent)
    return text + "".join(f"  \n{line}" if i else f"\n\n{line}" for i, line in enumerate(footnotes))


def _has_figure(result: Result) -> bool:
    return result.value is not None or result.unit == "error"


def _silent(results: Sequence[Result], columns: Sequence[str]) -> list[str]:
    """Those without a single figure, with every reason."""
    lines = []
    for column in columns:
        reasons = dict.fromkeys(r.note for r in results if r.contender == column)
        lines.append(f"{column}: no figure ({'; '.join(reasons)})")
    return lines


def _cell(result: Result | None, notes: dict[str, int]) -> str:
    if result is None:
        return NONE
    mark = f" [{notes.setdefault(result.note, len(notes) + 1)}]" if result.note else ""
    if result.value is None:
        return NONE + mark
    if result.unit == "error":
        return f"{result.value:.0e}{mark}"
    amount = _amount(result.value, result.unit)
    if result.ratio is None:
        return amount
    return f"{amount} ({'~' if _unsteady(result) else ''}{_ratio(result.ratio)})"


def _unsteady(result: Result) -> bool:
    """Whether the quartiles of the ratio are further apart than a quarter of it."""
    if result.low is None or result.high is None or not result.ratio:
        return False
    return result.high - result.low > result.ratio / 4


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.1f}"


def _amount(value: float, unit: str) -> str:
    """Three digits and a unit."""
    if not value:
        return f"0 {unit}"
    scales = SCALES[unit]
    scale, name = next(((s, n) for s, n in scales if value >= s), scales[-1])
    number = value / scale
    return f"{number:.{max(0, 2 - (number >= 10) - (number >= 100))}f} {name}"
