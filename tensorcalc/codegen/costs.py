"""What a compiled function costs, beside the literal chain of dense objects it was made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorcalc.codegen.generate import Generated
from tensorcalc.codegen.product import Contraction
from tensorcalc.codegen.record import CannotRecord, Node, Record
from tensorcalc.codegen.recording import recorded_by_shapes
from tensorcalc.codegen.shaped import ShapedArray
from tensorcalc.errors import DimensionError, NotSupportedError
from tensorcalc.expr import Definition, Expr, Variable, toposort
from tensorcalc.shapes import format_bytes, format_shape, sizes_of

__all__ = [
    "Cost",
    "Expense",
    "compiled_expense",
    "contraction_table",
    "literal_expense",
    "recorded_expense",
    "require_sizes",
]

_WIDTH = 9
_LONGEST = 60  # characters of a product in a table
# operations for one n × n matrix, as multiples of n³
_OF_MATRICES: dict[Callable[..., Any], float] = {
    np.linalg.inv: 2.0,
    np.linalg.solve: 2 / 3,
    np.linalg.det: 2 / 3,
    np.linalg.slogdet: 2 / 3,
}

# what puts numbers in their places, and computes none
_MOVES = {
    *("zeros", "ones", "full", "eye", "array", "asarray", "copy", "diag", "diagonal"),
    *("broadcast_to", "concatenate", "stack", "take", "repeat", "tile"),
}


@dataclass(frozen=True)
class Expense:
    """Operations with floats, and bytes of the arrays that are made."""

    flops: int
    bytes: int

    def __add__(self, other: Expense) -> Expense:
        return Expense(self.flops + other.flops, self.bytes + other.bytes)


@dataclass(frozen=True)
class Cost:
    """What a function costs at given sizes: as compiled, and as the literal chain.

    ``literal`` is None where no chain of first derivatives is behind the outputs.
    """

    title: str
    sizes: Mapping[str, int]
    compiled: Expense
    literal: Expense | None

    def __repr__(self) -> str:
        at = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        rows = [("literal", "every local derivative dense", self.literal)] if self.literal else []
        rows.append(("compiled", "as the source computes", self.compiled))
        lines = [f"{self.title}{' at ' if at else ''}{at}"]
        lines.append(f"{'':<{_WIDTH}} {'':<28} {'flops':>16} {'bytes':>10}")
        for name, what, expense in rows:
            lines.append(
                f"{name:<{_WIDTH}} {what:<28} {_grouped(expense.flops):>16} "
                f"{format_bytes(expense.bytes):>10}"
            )
        return "\n".join(lines)


def _grouped(flops: int) -> str:
    """All digits, as far as the column has room for them."""
    return f"{flops:,}" if flops < 10**12 else f"{flops:.3e}"


def literal_expense(of: Expr, by: Expr, sizes: Mapping[str, int]) -> Expense:
    """The chain from ``of`` down to ``by`` with every local derivative a dense array.

    A link ∂v/∂u costs |of| |v| |u| multiplications and additions, and |v| |u| floats of memory.
    """
    count = lambda e: math.prod(sizes_of(e.shape, sizes))
    total = Expense(0, 0)
    for value, argument in _links(of, by):
        entries = count(value) * count(argument)
        flops = 0 if value is of else 2 * count(of) * entries
        total += Expense(flops, 8 * entries)
    return total


def _links(of: Expr, by: Expr) -> list[tuple[Expr, Expr]]:
    """Pairs of quantities, one a function of the other, on the way from ``by`` to ``of``."""
    is_name = lambda e: isinstance(e, (Definition, Variable))
    below: dict[Expr, list[Expr]] = {}
    named = [e for e in toposort([of, by]) if is_name(e) or e is of]
    reaches = {by}
    for node in named:  # arguments first
        if node is by:
            continue
        inner = node.args if node is of or isinstance(node, Definition) else ()
        parts = [e for e in toposort(inner, is_name) if e in reaches]
        if parts:
            reaches.add(node)
            below[node] = parts
    on_the_way, links = {of}, []
    for node in reversed(named):
        if node in on_the_way:
            links += [(node, part) for part in below.get(node, ())]
            on_the_way.update(below.get(node, ()))
    return links


def compiled_expense(made: Generated, sizes: Mapping[str, int]) -> Expense:
    """The operations of a run at these sizes, found from shapes alone.

    NotSupportedError where something else decides what is done.
    """
    for given in made.functions:
        raise NotSupportedError(
            f"the cost of {made.name}, which calls {given}: what that does is not known",
            "time it with your own values",
        )
    shapes = [ShapedArray(sizes_of(made.variables[n].shape, sizes)) for n in made.arguments]
    try:
        record = recorded_by_shapes(made.source, made.name, made.constants, shapes)
    except CannotRecord as error:
        raise NotSupportedError(
            f"the cost of {made.name}: its run cannot be recorded ({error})",
            "time it with your own values",
        ) from None
    return recorded_expense(record)


def recorded_expense(record: Record) -> Expense:
    """The operations of a run, and the arrays it makes."""
    return Expense(
        sum(map(_flops, record.nodes)),
        sum(_size(n) * n.dtype.itemsize for n in record.nodes if n.kind != "view" and n.shape),
    )


def _size(node: Any) -> int:
    return math.prod(node.shape)


def _flops(node: Node) -> int:
    if node.kind == "dot":
        a = node.inputs[0]
        return 2 * _size(a) * (_size(node) // _size_without_last(a) if _size(a) else 0)
    if node.kind == "ufunc":
        return _size(node)
    if node.kind == "reduce":
        return _size(node.inputs[0])
    if node.kind == "call":
        return _flops_of_call(node)
    return 0


def _size_without_last(a: Any) -> int:
    return max(1, math.prod(a.shape[:-1]))


def _flops_of_call(node: Node) -> int:
    factor = _OF_MATRICES.get(node.function)
    if factor is not None:
        *batch, _, n = node.inputs[0].shape
        return round(math.prod(batch) * factor * n**3)
    arrays = [i for i in node.inputs if hasattr(i, "shape")]
    if node.function is np.einsum:
        return _flops_of_einsum(node.inputs[0], arrays)
    if node.function is np.tensordot:
        summed = math.prod(arrays[0].shape[a] for a in node.inputs[2][0])
        return 2 * _size(node) * summed
    if node.function is np.vdot:
        return 2 * _size(arrays[0])
    if isinstance(node.function, str) or node.function.__name__ in _MOVES:
        return 0
    return _size(node) if node.is_array or not node.shape else 0


def _flops_of_einsum(spec: str, arrays: Sequence[Any]) -> int:
    inputs, output = spec.split("->")
    size: dict[str, int] = {}
    for word, array in zip(inputs.split(","), arrays, strict=True):
        size |= dict(zip(word, array.shape, strict=True))
    operations = len(arrays) - 1 + (set(size) > set(output))
    return operations * math.prod(size.values())


def require_sizes(name: str, dims: Sequence[str], sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes of all named dimensions; DimensionError for one that is missing or no size."""
    missing = [dim for dim in dims if dim not in sizes]
    strange = [dim for dim in sizes if dim not in dims]
    whole = {d: n for d, n in sizes.items() if isinstance(n, (int, np.integer)) and n >= 0}
    wrong = [d for d, n in sizes.items() if d not in whole or isinstance(n, bool)]
    if missing or strange or wrong:
        if missing:
            what = f"without a size of {', '.join(missing)}"
        elif strange:
            what = f"with a size of {', '.join(strange)}, which it does not have"
        else:
            what = f"with {wrong[0]} = {sizes[wrong[0]]!r}, which is no size"
        raise DimensionError(
            f"the cost of {name} {what}",
            f"give {name}.cost({', '.join(f'{dim}=…' for dim in dims)})",
        )
    return {dim: int(sizes[dim]) for dim in dims}


def contraction_table(title: str, contractions: Sequence[Contraction]) -> str:
    """One row for each product of two arrays: its code, its axes and its operations."""
    if not contractions:
        return f"{title}: no product of two arrays with different axes"
    rows = [("product", "axes", "flops")]
    for c in contractions:
        sizes = [str(dim) for dim in c.axes]
        flops = " ".join([*(["2"] if c.summed else []), *sizes])
        axes = format_shape(c.axes)
        summed = f", sum over {', '.join(map(str, c.summed))}" if c.summed else ""
        rows.append((_shortened(c.text), axes + summed, flops))
    widths = [max(len(row[k]) for row in rows) for k in range(2)]
    lines = [
        f"{text:<{widths[0]}}   {axes:<{widths[1]}}   {flops}".rstrip()
        for text, axes, flops in rows
    ]
    return "\n".join([title, *lines])


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
