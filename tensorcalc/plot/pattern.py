"""Where a derivative can differ from zero: what deltas, merged axes and selections leave.

An entry is asked for by its numbers. The indices that a product sums over are found from those, as
far as deltas and merged axes determine them; where they contradict each other, it is zero. What is
not determined so counts as an entry that can differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Expr,
    Merge,
    Select,
    Variable,
    is_zero,
    toposort,
)
from tensorcalc.shapes import names_in, sizes_of
from tensorcalc.structure import ties

__all__ = ["can_differ", "is_plain", "ties_of_terms"]


def ties_of_terms(value: Expr) -> list[set[tuple[int, int]]]:
    """For each term the pairs of axes that a delta ties; none for the zero tensor."""
    if is_zero(value):
        return []
    return [ties(term) for term in (value.terms if isinstance(value, Add) else (value,))]


def is_plain(value: Expr) -> bool:
    """Whether nothing in a value can make a pattern of zeros."""
    below = toposort([value], lambda n: isinstance(n, (Variable, Definition)))
    return not any(isinstance(node, (Delta, Merge, Select)) for node in below)


def can_differ(value: Expr, entry: Sequence[int], sizes: Mapping[str, int]) -> bool:
    """Whether a term leaves this entry, with the named dimensions of these sizes."""
    waiting = [(value, tuple(entry))]
    while waiting:
        e, at = waiting.pop()
        if isinstance(e, Add):
            waiting += [(term, at) for term in e.terms]
        elif isinstance(e, Select):
            waiting.append((e.operand, _before(e, at)))
        elif _is_left(e, at, sizes):
            return True
    return False


def _before(e: Select, at: tuple[int, ...]) -> tuple[int, ...]:
    """The entry of what was selected from."""
    if isinstance(e.index, range):
        return (*at[: e.axis], e.index[at[e.axis]], *at[e.axis + 1 :])
    return (*at[: e.axis], e.index, *at[e.axis :])


def _is_left(e: Expr, at: tuple[int, ...], sizes: Mapping[str, int]) -> bool:
    if isinstance(e, Constant):
        return bool(e.value[at])
    if is_zero(e):
        return False
    own = tuple(range(e.ndim))
    product = e if isinstance(e, Einsum) else Einsum((e,), (own,), own)
    factors = [_factor(*pair) for pair in zip(product.operands, product.inputs, strict=True)]
    known = dict(zip(product.output, at, strict=True))
    before = -1
    while before < len(known):  # each round finds an index, or is the last
        before = len(known)
        if not all(f.agrees(known, sizes) for f in factors if f is not None):
            return False
    return True


# ── factors that are zero almost everywhere ──────────────────────────────────────────────


@dataclass(frozen=True)
class _Axis:
    """An axis of a delta or of a merged axis: an index, and which numbers of it are selected."""

    index: int | None
    chosen: range | None = None

    def number(self, known: Mapping[int, int]) -> int | None:
        """Where along the axis the entry lies, if that is known."""
        if self.index is None:
            return self.chosen[0] if self.chosen else None
        place = known.get(self.index)
        return place if place is None or self.chosen is None else self.chosen[place]

    def agrees(self, number: int, known: dict[int, int]) -> bool:
        """Whether the entry can lie there; then that becomes known."""
        if self.chosen is not None and number not in self.chosen:
            return False
        if self.index is None:
            return True
        place = number if self.chosen is None else self.chosen.index(number)
        return known.setdefault(self.index, place) == place


@dataclass(frozen=True)
class _Factor:
    """A delta or a merged axis that stands in a product."""

    node: Delta | Merge
    axes: tuple[_Axis, ...]

    def agrees(self, known: dict[int, int], sizes: Mapping[str, int]) -> bool:
        """Whether the entry can differ from zero; what it must be then becomes known."""
        numbers = [axis.number(known) for axis in self.axes]
        if isinstance(self.node, Merge):
            wanted = _merged(numbers, self.node, sizes)
        else:
            wanted = _tied(numbers)
        return all(
            axis.agrees(n, known)
            for axis, n in zip(self.axes, wanted, strict=True)
            if n is not None
        )


def _tied(numbers: list[int | None]) -> list[int | None]:
    one, other = numbers
    return [one if other is None else other, other if one is None else one]


def _merged(numbers: list[int | None], node: Merge, sizes: Mapping[str, int]) -> list[int | None]:
    if not set(names_in(node.dims)) <= set(sizes):
        return numbers
    dims = sizes_of(node.dims, sizes)
    whole, *parts = numbers
    if whole is not None:
        return [whole, *map(int, np.unravel_index(whole, dims))]
    found = [n for n in parts if n is not None]
    return [int(np.ravel_multi_index(found, dims)) if len(found) == len(parts) else None, *parts]


def _factor(e: Expr, indices: tuple[int, ...]) -> _Factor | None:
    """A delta or a merged axis, or entries selected from one; None for anything else."""
    selected: list[Select] = []
    while isinstance(e, Select):
        selected.append(e)
        e = e.operand
    if not isinstance(e, (Delta, Merge)):
        return None
    axes = [_Axis(i) for i in indices]
    for s in selected:
        if isinstance(s.index, range):
            outer = axes[s.axis]
            axes[s.axis] = _Axis(outer.index, _within(s.index, outer.chosen))
        else:
            axes.insert(s.axis, _Axis(None, range(s.index, s.index + 1)))
    return _Factor(e, tuple(axes))


def _within(inner: range, chosen: range | None) -> range:
    """The entries that are selected from a selection, as entries of the whole."""
    if chosen is None:
        return inner
    first, step = inner[chosen[0]], inner.step * chosen.step
    return range(first, first + step * len(chosen), step)
