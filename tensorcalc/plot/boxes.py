"""A derivative as boxes of numbers: slices side by side, zeros left empty."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tensorcalc.derivative import Derivative
from tensorcalc.display.derivative import letters_of
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Variable, toposort
from tensorcalc.plot.given import read_derivative
from tensorcalc.plot.pattern import can_differ, is_plain, ties_of_terms
from tensorcalc.plot.picture import Picture
from tensorcalc.plot.sizes import drawn_sizes, told
from tensorcalc.plot.svg import Drawing, text_width
from tensorcalc.presentation import description, view_of
from tensorcalc.shapes import format_shape, size_of

__all__ = ["slices"]

_MOST = {"slices": 6, "rows": 8, "columns": 10}  # more of them are abbreviated with …
_COUNTED = 20_000  # of so many entries it is counted how many can differ from zero
_CELL, _GAP, _HEAD = 20.0, 26.0, 24.0

Cell = Callable[[tuple[int, ...]], str | None]


def slices(d: Derivative, at: Mapping[str, Any] | None = None) -> Picture:
    """The derivative as boxes of entries: what can differ from zero is filled, zeros are empty.

    A 3-tensor is drawn as its slices, a 4-tensor as a table of slices; what is long is
    abbreviated. With values ``at``, the numbers stand in the boxes. Raises NotSupportedError for
    more than four axes, and the errors of ``Derivative.evaluate`` for values that do not fit.
    """
    d = read_derivative(d, "tc.plot.slices")
    if d.ndim > 4:
        raise NotSupportedError(
            f"a picture of {d.title}, which has {d.ndim} axes",
            "draw one slice of it: tc.plot.slices(d[0])",
        )
    view = view_of(d)
    stored = letters_of(view)
    place = (*(None for _ in range(2 - len(view.place))), *view.place)
    letters = ["" if axis is None else stored[axis] for axis in place]
    if at is None:
        sizes = drawn_sizes(d.value.shape)
        shape = tuple(1 if a is None else size_of(d.value.shape[a], sizes) for a in place)
        cell, remark = _filled(d, place, sizes), told(sizes) if sizes else ""
    else:
        array = d.evaluate(at)
        array = array.reshape((1,) * (2 - array.ndim) + array.shape)
        shape, remark = array.shape, "at the given values"
        cell = _numbers(array, _filled(d, place, _sizes_in(d, place, shape)))
    drawing = Drawing()
    _draw(drawing, shape, letters, cell)
    title = f"{d.title}: {description(d)}"
    if remark:
        title += f" ({remark})"
    drawing.words(drawing.left, drawing.top - 14, title, 13, "ink", "start")
    return drawing.picture(d.title, _alternative(d, letters, cell, shape, remark))


def _sizes_in(d: Derivative, place: Sequence[int | None], shape: Sequence[int]) -> dict[str, int]:
    """The sizes of the named dimensions, as an array of this shape has them."""
    pairs = [
        (d.value.shape[axis], n) for axis, n in zip(place, shape, strict=True) if axis is not None
    ]
    return {dim: n for dim, n in pairs if isinstance(dim, str)}


def _filled(d: Derivative, place: Sequence[int | None], sizes: Mapping[str, int]) -> Cell:
    """An empty string where the entry can differ from zero, None where it is zero."""

    def cell(entry: tuple[int, ...]) -> str | None:
        stored = [0] * d.value.ndim
        for axis, k in zip(place, entry, strict=True):
            if axis is not None:
                stored[axis] = k
        return "" if can_differ(d.value, stored, sizes) else None

    return cell


def _numbers(array: np.ndarray, filled: Cell) -> Cell:
    """The number of an entry that can differ from zero."""

    def cell(entry: tuple[int, ...]) -> str | None:
        if filled(entry) is None:
            return None
        return f"{float(array[entry]):.2g}".replace("-", "−")

    return cell


# ── drawing ──────────────────────────────────────────────────────────────────────────────


def _shown(size: int, most: int) -> list[int | None]:
    """The places to draw along an axis; None stands for those left out."""
    return list(range(size)) if size <= most else [*range(most - 2), None, size - 1]


def _draw(drawing: Drawing, shape: Sequence[int], letters: Sequence[str], cell: Cell) -> None:
    rows, columns = _shown(shape[-2], _MOST["rows"]), _shown(shape[-1], _MOST["columns"])
    outer = [_shown(size, _MOST["slices"]) for size in shape[:-2]]
    lines, along = outer if len(outer) == 2 else ([None], *(outer or [[None]]))
    width = _cell_width(shape, cell)
    down = _HEAD + len(rows) * _CELL + _GAP
    for line, first in enumerate(lines):
        x = 0.0
        for second in along:
            left_out = bool(outer) and (second is None or (len(outer) == 2 and first is None))
            fixed = [k for k in (first, second) if k is not None]
            if left_out:
                drawing.words(x + 8, line * down + _HEAD + len(rows) * _CELL / 2, "…", 16, "quiet")
                x += 16 + _GAP
                continue
            label = ", ".join(
                f"{letter} = {k + 1}" for letter, k in zip(letters, fixed, strict=False)
            )
            origin = (x, line * down + _HEAD)
            _draw_slice(drawing, origin, width, (rows, columns), (fixed, cell))
            middle = x + len(columns) * width / 2
            drawing.words(middle, origin[1] - 7, label, 12, "quiet") if label else None
            x += len(columns) * width + _GAP
    _label_axes(drawing, letters, len(rows))


def _cell_width(shape: Sequence[int], cell: Cell) -> float:
    """Wide enough for the numbers that stand in the first entries."""
    first = itertools.islice(itertools.product(*(range(min(n, 12)) for n in shape)), 2000)
    return max([_CELL, *(text_width(words, 9) + 6 for words in map(cell, first) if words)])


def _draw_slice(
    drawing: Drawing,
    origin: tuple[float, float],
    width: float,
    shown: tuple[list[int | None], list[int | None]],
    content: tuple[list[int], Cell],
) -> None:
    (rows, columns), (fixed, cell) = shown, content
    for (r, i), (c, j) in itertools.product(enumerate(rows), enumerate(columns)):
        x, y = origin[0] + c * width, origin[1] + r * _CELL
        if i is None or j is None:
            sign = "⋱" if i is None and j is None else "⋮" if i is None else "…"
            drawing.words(x + width / 2, y + 14, sign, 11, "quiet")
            continue
        words = cell((*fixed, i, j))
        drawing.rectangle(x, y, width, _CELL, "empty" if words is None else "full")
        if words:
            drawing.words(x + width / 2, y + 13.5, words, 9, "ink")
        elif words is None:
            drawing.circle(x + width / 2, y + _CELL / 2, 1.0, "quiet")


def _label_axes(drawing: Drawing, letters: Sequence[str], rows: int) -> None:
    """Which letter counts the rows, which the columns."""
    row, column = letters[-2:]
    words = [f"{row} ↓" if row else "", f"{column} →" if column else ""]
    line = "\N{EM SPACE}".join(filter(None, words))
    if line:
        drawing.words(0, _HEAD + rows * _CELL + 17, line, 12, "quiet", "start")


def _zeros_told(d: Derivative, cell: Cell, shape: Sequence[int]) -> str:
    """Which entries can differ from zero, or how many; nothing where that is not known."""
    terms = ties_of_terms(d.value)
    if not terms:
        return "; every entry is zero"
    pairs = sorted(terms[0])
    if is_plain(d.value):
        return "; every entry can differ from zero"
    if len(terms) == 1 and pairs:
        stored = letters_of(view_of(d))
        equal = " and ".join(f"{stored[p]} = {stored[q]}" for p, q in pairs)
        return f"; only the entries with {equal} can differ from zero"
    whole = math.prod(shape)
    if whole > _COUNTED:
        return "; most entries are zero" if all(terms) else ""
    left = sum(cell(entry) is not None for entry in np.ndindex(*shape))
    return f"; {left} of its {whole} entries can differ from zero" if left < whole else ""


def _alternative(
    d: Derivative, letters: list[str], cell: Cell, shape: Sequence[int], remark: str
) -> str:
    size = format_shape(tuple(shape))
    axes = ", ".join(filter(None, letters))
    words = f"{d.title}, {d.kind} of {size} entries" + (f" by {axes}" if axes else "")
    words += _zeros_told(d, cell, shape)
    inputs = [n.name for n in toposort([d.value]) if isinstance(n, Variable)]
    if inputs:
        words += f"; made from {', '.join(inputs)}"
    return words + (f"; {remark}" if remark else "")
