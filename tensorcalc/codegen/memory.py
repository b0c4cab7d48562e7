"""The memory that the arrays of a run take, told before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from tensorcalc.codegen.generate import Output
from tensorcalc.display import expression_text
from tensorcalc.errors import MemoryLimitError
from tensorcalc.expr import Definition, Expr, toposort
from tensorcalc.shapes import Shape, format_bytes, format_shape, sizes_of
from tensorcalc.simplify import simplify

__all__ = [
    "arrays_of",
    "require_memory",
    "too_large",
]

Arrays = Sequence[tuple[str, tuple[int, ...]]]  # what each is, in words, and its shape

_LONGEST = 40  # characters of a formula by which an intermediate is called


def too_large(title: str, shape: Shape, count: int, limit: float) -> MemoryLimitError:
    """The error for one dense array beyond the limit."""
    return MemoryLimitError(
        f"{title} as a dense {format_shape(shape)} array would take {format_bytes(count)}, "
        f"and max_bytes is {format_bytes(limit)}",
        f"keep it structured and chain it with @, or pass max_bytes={count}",
    )


def arrays_of(outputs: Iterable[Output], sizes: Mapping[str, int]) -> Arrays:
    """The arrays that a run makes: the outputs, and what is computed on the way to each."""
    arrays = []
    for output in outputs:
        root = simplify(output.expr)
        shape = sizes_of(root.shape, sizes)
        arrays.append((output.title, tuple(1 if a is None else shape[a] for a in output.place)))
        for e in _computed(root):
            if e is not root:
                arrays.append((_intermediate(e, output.title), sizes_of(e.shape, sizes)))
    return arrays


def require_memory(title: str, arrays: Arrays, max_bytes: float) -> None:
    """MemoryLimitError if an array, or all of them together, would exceed ``max_bytes``."""
    for what, shape in _largest(arrays):
        if _bytes(shape) > max_bytes:
            raise too_large(what, shape, _bytes(shape), max_bytes)
    total = sum(_bytes(shape) for _, shape in arrays)
    if total > max_bytes:
        raise MemoryLimitError(
            f"{title} with all its intermediates would take {format_bytes(total)}, and "
            f"max_bytes is {format_bytes(max_bytes)}",
            f"pass max_bytes={total} if that much memory is there",
        )


def _bytes(shape: tuple[int, ...]) -> int:
    return 8 * math.prod(shape)


def _largest(arrays: Arrays) -> Arrays:
    """The array that takes most, the first of several; nothing of nothing."""
    return [max(arrays, key=lambda array: _bytes(array[1]))] if arrays else []


def _computed(root: Expr) -> list[Expr]:
    """What is computed on the way: every node but atoms."""
    return [n for n in toposort([root]) if n.args and not isinstance(n, Definition)]


def _intermediate(e: Expr, title: str) -> str:
    text = expression_text(e)
    return f"{text if len(text) <= _LONGEST else 'an array'} on the way to {title}"
