"""The computation graph of a quantity: names, formulas, shapes, and the paths to an argument."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tensorcalc.derivative import Derivative
from tensorcalc.display import describe
from tensorcalc.errors import NotSupportedError, TensorCalcError
from tensorcalc.expr import Definition, Expr, Variable
from tensorcalc.plot.given import read_argument, read_quantity
from tensorcalc.plot.paths import inputs_of, named_below
from tensorcalc.plot.picture import Picture
from tensorcalc.plot.svg import Drawing, text_width
from tensorcalc.shapes import Shape, format_shape
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of

__all__ = ["graph"]

_MOST = 60
_ROW, _BETWEEN, _HEIGHT = 74.0, 62.0, 52.0


@dataclass(frozen=True)
class _Bend:
    """Where an edge passes a column."""

    source: Expr
    target: Expr
    rank: int


_Slot: TypeAlias = Expr | _Bend


@dataclass(frozen=True)
class _Box:
    """A vertex: what stands in it, and where."""

    lines: tuple[str, ...]
    width: float
    x: float = 0.0
    y: float = 0.0


def graph(q: Tensor | Derivative, wrt: Tensor | None = None) -> Picture:
    """The named quantities that ``q`` is made from, each with its formula and shape.

    With ``wrt``, or for a derivative, the paths along which the argument reaches the value are
    marked: the chain rule has one product for each. Raises NotSupportedError for more than 60
    quantities, TensorCalcError for a ``wrt`` on which ``q`` does not depend.
    """
    q, wrt = read_quantity(q, "tc.plot.graph"), read_argument(wrt, "tc.plot.graph")
    if isinstance(q, Derivative):
        q, wrt = q.of, q.arguments[0] if wrt is None else wrt
    nodes = named_below(q.expr)
    if len(nodes) > _MOST:
        raise NotSupportedError(
            f"a picture of the {len(nodes)} quantities that {name_of(q)} is made from",
            f"draw the graph of a part of at most {_MOST}",
        )
    if wrt is not None and wrt.expr not in nodes:
        raise TensorCalcError(
            f"the paths from {name_of(wrt)} to {name_of(q)}, which is not made from it",
            f"choose among {', '.join(_name(node, q) for node in nodes if node is not q.expr)}",
        )
    argument = None if wrt is None else wrt.expr
    marked = set() if argument is None else _depend_on(nodes, argument)
    columns = _columns(nodes)
    boxes = _placed(columns, q)
    drawing = Drawing()
    for node in nodes:
        for source in inputs_of(node):
            on_path = source in marked and node in marked and node is not argument
            bends = [
                b for b in boxes if isinstance(b, _Bend) and (b.source, b.target) == (source, node)
            ]
            _draw_edge(drawing, [boxes[slot] for slot in (source, *bends, node)], on_path=on_path)
    for node in nodes:
        chosen = node in (q.expr, argument)
        _draw_box(drawing, boxes[node], "chosen" if chosen else "empty")
    title = f"How {name_of(q)} is made" + (
        f"; marked: from {name_of(wrt)}" if wrt is not None else ""
    )
    drawing.words(drawing.left, drawing.top - 14, title, 13, "ink", "start")
    return drawing.picture(title, _alternative(q, wrt, nodes, marked))


def _name(node: Expr, q: Tensor) -> str:
    if isinstance(node, (Variable, Definition)):
        return node.name
    return "result" if node is q.expr else "?"


def _depend_on(nodes: Sequence[Expr], wrt: Expr) -> set[Expr]:
    found = {wrt}
    for node in nodes:
        if any(source in found for source in inputs_of(node)):
            found.add(node)
    return found


# ── where everything stands ──────────────────────────────────────────────────────────────


def _columns(nodes: Sequence[Expr]) -> list[list[_Slot]]:
    """Quantities by columns, every one to the right of what it is made from, close to its use.

    An edge over several columns has a bend in each of those between, so that it passes no box.
    """
    users: dict[_Slot, list[_Slot]] = {node: [] for node in nodes}
    for node in nodes:
        for source in inputs_of(node):
            users[source].append(node)
    rank: dict[_Slot, int] = {}
    for node in reversed(nodes):  # how far from the value
        rank[node] = 1 + max((rank[user] for user in users[node]), default=-1)
    columns: list[list[_Slot]] = [[] for _ in range(1 + max(rank.values()))]
    for node in nodes:
        columns[-1 - rank[node]].append(node)
    for node in nodes:
        for source in inputs_of(node):
            bends = [_Bend(source, node, k) for k in range(rank[source] - 1, rank[node], -1)]
            for bend in bends:
                columns[-1 - bend.rank].append(bend)
            for before, after in itertools.pairwise([source, *bends, node]):
                users.setdefault(before, []).append(after)
    return _untangled(columns, users)


def _untangled(columns: list[list[_Slot]], users: dict[_Slot, list[_Slot]]) -> list[list[_Slot]]:
    """Each column ordered by where its users stand, from the value back."""
    height: dict[_Slot, float] = {}
    for column in reversed(columns):
        near = {slot: [height[u] for u in users[slot] if u in height] for slot in column}
        column.sort(key=lambda slot: sum(near[slot]) / max(len(near[slot]), 1))
        for k, slot in enumerate(column):
            height[slot] = k - (len(column) - 1) / 2
    return columns


def _placed(columns: list[list[_Slot]], q: Tensor) -> dict[_Slot, _Box]:
    boxes: dict[_Slot, _Box] = {}
    x = 0.0
    for column in columns:
        bare = {slot: _box(slot, q) for slot in column}
        width = max(box.width for box in bare.values())
        for k, (slot, box) in enumerate(bare.items()):
            y = (k - (len(column) - 1) / 2) * _ROW
            boxes[slot] = _Box(box.lines, width, x, y)
        x += width + _BETWEEN
    return boxes


def _box(node: _Slot, q: Tensor) -> _Box:
    if isinstance(node, _Bend):
        return _Box((), 0.0)
    name = _name(node, q)
    if isinstance(node, Variable):
        lines = (name, _size(node.shape))
    else:
        body = node.body if isinstance(node, Definition) else node
        lines = (f"{name} = {describe(body, 24)}", _size(node.shape))
    width = max(text_width(lines[0], 14), text_width(lines[1], 11)) + 22
    return _Box(lines, max(width, 64.0))


def _size(shape: Shape) -> str:
    return format_shape((*shape, *(1,) * (2 - len(shape))))


# ── drawing ──────────────────────────────────────────────────────────────────────────────


def _draw_box(drawing: Drawing, box: _Box, look: str) -> None:
    drawing.rectangle(box.x, box.y - _HEIGHT / 2, box.width, _HEIGHT, look, rounded=9)
    middle = box.x + box.width / 2
    drawing.words(middle, box.y - 2, box.lines[0], 14, "ink math")
    drawing.words(middle, box.y + 16, box.lines[1], 11, "quiet")


def _draw_edge(drawing: Drawing, stops: Sequence[_Box], *, on_path: bool) -> None:
    """From the right of the first box to the left of the last, level through the bends."""
    look = "path" if on_path else "line"
    for source, target in itertools.pairwise(stops):
        last = target is stops[-1]
        end = (target.x - 6 if last else target.x, target.y)
        drawing.curve((source.x + source.width, source.y), end, look)
        if not last:
            drawing.line(end, (target.x + target.width, target.y), look=look)
    drawing.arrow_head(stops[-1].x - 1, stops[-1].y, "patharrow" if on_path else "arrow")


def _alternative(q: Tensor, wrt: Tensor | None, nodes: Sequence[Expr], marked: set[Expr]) -> str:
    made = [
        f"{_name(node, q)} ({_size(node.shape)}) from "
        + ", ".join(_name(source, q) for source in inputs_of(node))
        for node in nodes
        if inputs_of(node)
    ]
    words = f"The graph of {name_of(q)}: " + "; ".join(made or [name_of(q)])
    if wrt is not None:
        on = [_name(node, q) for node in nodes if node in marked]
        words += f". {name_of(wrt)} acts through {', '.join(on)}"
    return words
