"""The chain rule as blocks: one for each factor, with its shape and its diagonals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tensorcalc.chain import differentiate
from tensorcalc.derivative import Derivative, Link
from tensorcalc.display.letters import number_text
from tensorcalc.display.titles import title_text
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Expr
from tensorcalc.layout import LAYOUTS
from tensorcalc.plot.given import read_derivative
from tensorcalc.plot.paths import count_paths, inputs_of, paths
from tensorcalc.plot.pattern import ties_of_terms
from tensorcalc.plot.picture import Picture
from tensorcalc.plot.sizes import drawn_sizes, told
from tensorcalc.plot.svg import Drawing, text_width
from tensorcalc.shapes import Shape, format_shape, size_of
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of

__all__ = ["chain"]

_MOST_PATHS = 5
_GAP, _SIGN = 16.0, 16.0


@dataclass(frozen=True)
class _Block:
    """One derivative: its title, its shape, and where it can differ from zero."""

    title: str
    shape: Shape
    terms: tuple[frozenset[tuple[int, int]], ...]

    @classmethod
    def of(cls, title: str, value: Expr, shapes: tuple[Shape, Shape]) -> _Block:
        layout = LAYOUTS["numerator"]
        place = layout.place(len(shapes[0]), [len(shapes[1])])
        axis = {stored: k for k, stored in enumerate(place) if stored is not None}
        pairs = [
            frozenset((min(axis[p], axis[q]), max(axis[p], axis[q])) for p, q in term)
            for term in ties_of_terms(value)
        ]
        return cls(title, layout.shape(shapes[0], [shapes[1]]), tuple(pairs))


@dataclass(frozen=True)
class _Line:
    """A number times a product of blocks: what one path contributes."""

    number: float
    blocks: tuple[_Block, ...]

    def lead(self, *, first: bool) -> tuple[str, str]:
        """The sign before the line and its number; after the first line a minus is the sign."""
        sign = "=" if first else "−" if self.number < 0 else "+"
        number = self.number if first else abs(self.number)
        return sign, "" if number == 1 else number_text(number)


def chain(d: Derivative) -> Picture:
    """The chain rule for a derivative, as blocks drawn about to scale, one line for each path.

    A derivative made by ``@`` shows its own factors; a total derivative those of every path
    through named quantities that are not held fixed. The blocks are in numerator layout; where
    deltas leave only a diagonal, it is drawn as one. Raises NotSupportedError for a higher
    derivative.
    """
    d = read_derivative(d, "tc.plot.chain")
    argument, *more = d.arguments
    if more:
        raise NotSupportedError(
            f"a picture of the chain of {d.title}: a higher derivative has more than products",
            "draw the boxes of it: tc.plot.slices(d)",
        )
    lines, left_out = _lines(d, argument)
    shapes = (d.of.expr.shape, argument.expr.shape)
    result = _Block.of(_title(d), d.value, shapes)
    blocks = [result, *(block for line in lines for block in line.blocks)]
    sizes = drawn_sizes(dim for block in blocks for dim in block.shape)
    drawing = Drawing()
    indent = _draw_block(drawing, result, 0.0, 0.0, sizes)
    middle = 0.0
    for k, line in enumerate(lines):
        middle += _reach(line, sizes) if k else 0.0
        x = indent + _GAP
        sign, number = line.lead(first=not k)
        if number:
            drawing.words(x + _SIGN / 2, middle + 5, sign, 16)
            drawing.words(x + _SIGN + _GAP, middle + 5, number, 16, "ink", "start")
            x, sign = x + _SIGN + 2 * _GAP + text_width(number, 16), "·"
        for n, block in enumerate(line.blocks):
            drawing.words(x + _SIGN / 2, middle + 5, "·" if n else sign, 16)
            x = _draw_block(drawing, block, x + _SIGN + _GAP, middle, sizes) + _GAP
        middle += _reach(line, sizes) + 60
    if left_out:
        drawing.words(indent + _GAP, middle, f"+ {left_out} more paths", 13, "quiet", "start")
    title = f"{result.title} by the chain rule, numerator layout"
    title += f" ({told(sizes)})" if sizes else ""
    drawing.words(drawing.left, drawing.top - 14, title, 13, "ink", "start")
    return drawing.picture(d.title, _alternative(result, lines, left_out))


# ── factors ──────────────────────────────────────────────────────────────────────────────


def _lines(d: Derivative, argument: Tensor) -> tuple[list[_Line], int]:
    """The factors of every path, and how many paths are left out."""
    first, *rest = d.contributions
    link = first.links[0]
    if rest or len(first.links) > 1 or link.given:
        lines = [_Line(c.number, tuple(map(_block_of, c.links))) for c in d.contributions]
        return lines[:_MOST_PATHS], max(0, len(lines) - _MOST_PATHS)
    of, wrt = d.of.expr, argument.expr
    whole = count_paths(of, wrt, link.held)
    if whole == 0:
        return [_Line(1.0, (_Block.of(_title(d), d.value, (of.shape, wrt.shape)),))], 0
    shown = list(itertools.islice(paths(of, wrt, link.held), _MOST_PATHS))
    lines = [_Line(first.number, tuple(_factors(d, path, link.held))) for path in shown]
    return lines, whole - len(shown)


def _block_of(link: Link) -> _Block:
    title = _with_fixed(link.title, link.held)
    return _Block.of(title, link.value, (link.of.expr.shape, link.wrt[0].expr.shape))


def _factors(d: Derivative, path: tuple[Expr, ...], held: frozenset[Expr]) -> Iterator[_Block]:
    names = [name_of(d.of), *(e.name for e in path[1:])]  # type: ignore[attr-defined]
    for (upper, lower), (a, b) in zip(
        itertools.pairwise(path), itertools.pairwise(names), strict=True
    ):
        others = [e for e in inputs_of(upper) if e is not lower]
        value = differentiate(upper, lower, frozenset(others))
        fixed = [
            e
            for e in others
            if count_paths(e, lower, held) or (e in held and count_paths(e, lower))
        ]
        yield _Block.of(_with_fixed(title_text(a, [b]), fixed), value, (upper.shape, lower.shape))
    if len(path) == 1:
        yield _Block.of(d.title, differentiate(path[0], path[0]), (path[0].shape, path[0].shape))


def _title(d: Derivative) -> str:
    """∂E/∂x; −∂E/∂x and 2 ∂E/∂x for its multiples; ∂E/∂x, v fixed."""
    (first, *rest) = d.contributions
    if rest:
        return d.title
    number = {1.0: "", -1.0: "−"}.get(first.number, f"{number_text(first.number)} ")
    return _with_fixed(number + d.title, first.links[0].held if len(first.links) == 1 else ())


def _with_fixed(title: str, fixed: Iterable[Expr]) -> str:
    names = sorted(e.name for e in fixed)  # type: ignore[attr-defined]
    return title + (f", {' and '.join(names)} fixed" if names else "")


# ── drawing ──────────────────────────────────────────────────────────────────────────────


def _pixels(size: int) -> float:
    return 13.0 * size if size <= 7 else 91 + 14 * math.log2(size / 7)


def _extent(block: _Block, sizes: Mapping[str, int]) -> tuple[float, float, float]:
    """Depth, height and width; what has four axes or more is drawn as a box of three."""
    numbers = [size_of(dim, sizes) for dim in block.shape]
    height, width = (_pixels(n) for n in (*([1, 1]), *numbers)[-2:])
    depth = _pixels(math.prod(numbers[:-2])) if len(numbers) > 2 else 0.0
    return 0.45 * depth, height, width


def _reach(line: _Line, sizes: Mapping[str, int]) -> float:
    """How far the blocks reach above and below their middle."""
    extents = [_extent(block, sizes) for block in line.blocks]
    return max((height + depth) / 2 for depth, height, _ in extents)


def _draw_block(
    drawing: Drawing, block: _Block, x: float, middle: float, sizes: Mapping[str, int]
) -> float:
    """Draws a block around the line ``middle`` from ``x``; returns where it ends."""
    depth, height, width = _extent(block, sizes)
    sparse = _common(block)
    words = format_shape(block.shape) + (", sparse" if sparse and len(block.shape) > 3 else "")
    label = max(text_width(block.title, 13), text_width(words, 11))
    whole = max(label, width + depth)
    left = x + (whole - width - depth) / 2
    top = middle - (height - depth) / 2
    look = "empty" if sparse or not block.terms else "full"
    if depth:
        planes = sparse if len(block.shape) == 3 else frozenset()
        _draw_box(drawing, (left, top), (depth, height, width), look, planes)
    else:
        drawing.rectangle(left, top, width, height, look)
        if (0, 1) in sparse:
            drawing.line((left, top), (left + width, top + height), look="strong")
    bottom = top + height
    drawing.words(x + whole / 2, bottom + 18, block.title, 13, "ink math")
    drawing.words(x + whole / 2, bottom + 34, words, 11, "quiet")
    return x + whole


def _common(block: _Block) -> frozenset[tuple[int, int]]:
    """The pairs of axes that every term ties."""
    return frozenset.intersection(*block.terms) if block.terms else frozenset()


def _draw_box(
    drawing: Drawing,
    corner: tuple[float, float],
    extent: tuple[float, float, float],
    look: str,
    sparse: frozenset[tuple[int, int]],
) -> None:
    """A box seen from the front; slices of it go into the depth, diagonals are planes."""
    (x, y), (d, h, w) = corner, extent
    front = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    top = [(x, y), (x + d, y - d), (x + w + d, y - d), (x + w, y)]
    side = [(x + w, y), (x + w + d, y - d), (x + w + d, y + h - d), (x + w, y + h)]
    for face in (front, top, side):
        drawing.line(*face, look=look, closed=True)
    if (0, 2) in sparse:  # slice k has column k
        plane = [(x, y), (x + w + d, y - d), (x + w + d, y + h - d), (x, y + h)]
    elif (0, 1) in sparse:  # slice k has row k
        plane = [(x, y), (x + w, y), (x + w + d, y + h - d), (x + d, y + h - d)]
    elif (1, 2) in sparse:  # every slice is diagonal
        plane = [(x, y), (x + w, y + h), (x + w + d, y + h - d), (x + d, y - d)]
    else:
        return
    drawing.line(*plane, look="plane", closed=True)


def _alternative(result: _Block, lines: list[_Line], left_out: int) -> str:
    def told_block(block: _Block) -> str:
        words = f"{block.title} ({format_shape(block.shape)}"
        if not block.terms:
            return f"{words}, zero)"
        kind = "diagonal in two of its axes" if len(block.shape) > 2 else "diagonal"
        return f"{words}, {kind})" if _common(block) else f"{words})"

    def told_line(k: int, line: _Line) -> str:
        sign, number = line.lead(first=not k)
        before = {"=": "", "+": "; plus ", "−": "; minus "}[sign]
        factors = [*([number] if number else []), *map(told_block, line.blocks)]
        return before + " times ".join(factors)

    products = "".join(told_line(k, line) for k, line in enumerate(lines))
    more = f"; and {left_out} more paths" if left_out else ""
    return f"{told_block(result)} is {products}{more}"
