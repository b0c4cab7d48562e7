"""Layouts: how the axes of a finished derivative are shown, and nothing else.

A derivative is stored with the value's axes first and then each argument's axes. A layout is
a permutation of these, with axes of size 1 that make a row or a column of a lone axis. No rule
of calculus ever asks for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tensorcalc.errors import LayoutError
from tensorcalc.expr import Add, Einsum, Expr, transpose
from tensorcalc.shapes import Shape

__all__ = ["LAYOUTS", "Layout", "permuted", "read_layout"]


@dataclass(frozen=True)
class Layout:
    """One convention for the order of axes; ``pads`` makes rows and columns two-dimensional."""

    name: str
    pads: bool

    def axes(self, value: int, arguments: Sequence[int]) -> tuple[int, ...]:
        """Axis k of the view is stored axis ``axes[k]``, for these numbers of axes."""
        blocks, start = [], 0
        for count in (value, *arguments):
            blocks.append(list(range(start, start + count)))
            start += count
        head, tail = blocks[0], blocks[1:]
        if self.name == "numerator":
            return tuple(head + [axis for block in tail for axis in reversed(block)])
        if self.name == "denominator":
            return tuple([axis for block in tail for axis in block] + head[::-1])
        return tuple(head + [axis for block in tail for axis in block])

    def place(self, value: int, arguments: Sequence[int]) -> tuple[int | None, ...]:
        """Like ``axes``, with None for an axis of size 1 that the layout adds."""
        axes: tuple[int | None, ...] = self.axes(value, arguments)
        if not self.pads or len(axes) > 1:
            return axes
        if not axes:
            return (None, None)
        stands_upright = (value == 1) == (self.name == "numerator")
        return (axes[0], None) if stands_upright else (None, axes[0])

    def shape(self, value: Shape, arguments: Sequence[Shape]) -> Shape:
        """The shape of the view."""
        stored = value + tuple(dim for shape in arguments for dim in shape)
        place = self.place(len(value), [len(shape) for shape in arguments])
        return tuple(1 if axis is None else stored[axis] for axis in place)


LAYOUTS = {
    "numerator": Layout("numerator", pads=True),
    "denominator": Layout("denominator", pads=True),
    "mixed": Layout("mixed", pads=False),
}


def read_layout(name: object) -> Layout:
    """The layout of that name; LayoutError if there is none."""
    if isinstance(name, str) and name in LAYOUTS:
        return LAYOUTS[name]
    raise LayoutError(f"a layout called {name!r}", 'choose "numerator", "denominator" or "mixed"')


def permuted(e: Expr, axes: Sequence[int]) -> Expr:
    """The expression with its axes reordered, inside its outermost product or sum."""
    if isinstance(e, Add):
        return Add([_turned(term, axes) for term in e.terms])
    return _turned(e, axes)


def _turned(e: Expr, axes: Sequence[int]) -> Expr:
    if isinstance(e, Einsum):
        return Einsum(e.operands, e.inputs, tuple(e.output[a] for a in axes))
    return transpose(e, axes)
