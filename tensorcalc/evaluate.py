"""Plain evaluation, node by node, with nothing simplified: the slow truth.

Deltas are made dense identity matrices and every product is one einsum over all of its
factors, so that what this computes does not depend on the rewriting it is used to check.
Any node can be overridden, and an overridden value may carry a leading batch axis: finite
differences evaluate all their points in one sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any

import numpy as np
import opt_einsum

from tensorcalc.errors import MemoryLimitError, MissingValueError, NotSupportedError
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Merge,
    Ones,
    Select,
    Special,
    Variable,
    toposort,
)
from tensorcalc.shapes import format_bytes, size_of, sizes_of

__all__ = ["Dense", "contract"]

_LARGEST_DELTA = 2**31  # bytes


class Dense:
    """One evaluation: the values of variables, sizes of names, and what is overridden.

    ``overrides`` maps a node to (array, batched).
    """

    def __init__(
        self,
        values: Mapping[str, np.ndarray],
        sizes: Mapping[str, int],
        overrides: Mapping[Expr, tuple[np.ndarray, bool]] | None = None,
    ) -> None:
        self.values = values
        self.sizes = sizes
        self.known: dict[Expr, tuple[np.ndarray, bool]] = dict(overrides or {})

    @staticmethod
    def contract(call: list[Any], output: list[int]) -> np.ndarray:
        """One product of arrays and index lists."""
        return contract(call, output)

    def __call__(self, root: Expr) -> tuple[np.ndarray, bool]:
        """The value of ``root``, and whether its first axis is the batch."""
        for node in toposort([root], lambda n: n in self.known):
            if node not in self.known:
                self.known[node] = dense_value(node, self)
        return self.known[root]

    def array(self, root: Expr) -> np.ndarray:
        """The value of ``root``, which has no batch axis."""
        return self(root)[0]

    def arguments(self, node: Expr) -> tuple[list[np.ndarray], bool]:
        """The arguments' values; the second says whether any has the batch axis."""
        pairs = [self.known[arg] for arg in node.args]
        return [array for array, _ in pairs], any(batched for _, batched in pairs)


@singledispatch
def dense_value(node: Expr, at: Dense) -> tuple[np.ndarray, bool]:
    """The array of a node whose arguments are known, and whether it has the batch axis."""
    raise TypeError(f"no rule to evaluate {type(node).__name__}")


@dense_value.register
def of_variable(node: Variable, at: Dense) -> tuple[np.ndarray, bool]:
    if node.name not in at.values:
        raise MissingValueError(f"no value for {node.name}", f"give {node.name}=…")
    return at.values[node.name], False


@dense_value.register
def of_definition(node: Definition, at: Dense) -> tuple[np.ndarray, bool]:
    return at.known[node.body]


@dense_value.register
def of_constant(node: Constant, at: Dense) -> tuple[np.ndarray, bool]:
    return node.value, False


@dense_value.register
def of_delta(node: Delta, at: Dense) -> tuple[np.ndarray, bool]:
    size = size_of(node.dim, at.sizes)
    if 8 * size**2 > _LARGEST_DELTA:
        raise MemoryLimitError(
            f"the dense identity matrix of size {size:,} takes {format_bytes(8 * size**2)}",
            "check at smaller sizes",
        )
    return np.eye(size), False


@dense_value.register
def of_ones(node: Ones, at: Dense) -> tuple[np.ndarray, bool]:
    return np.ones(size_of(node.dim, at.sizes)), False


@dense_value.register
def of_merge(node: Merge, at: Dense) -> tuple[np.ndarray, bool]:
    whole, *parts = sizes_of(node.shape, at.sizes)
    return np.eye(whole).reshape(whole, *parts), False


@dense_value.register
def of_einsum(node: Einsum, at: Dense) -> tuple[np.ndarray, bool]:
    pairs = [at.known[operand] for operand in node.operands]
    batch = len(node.dims)
    call: list[Any] = []
    for (array, batched), indices in zip(pairs, node.inputs, strict=True):
        call += [array, [batch, *indices] if batched else list(indices)]
    any_batched = any(batched for _, batched in pairs)
    output = [batch, *node.output] if any_batched else list(node.output)
    return at.contract(call, output), any_batched


def contract(call: list[Any], output: list[int]) -> np.ndarray:
    """One einsum of arrays and index lists, every delta a dense array."""
    if len(call) <= 4:
        return np.asarray(np.einsum(*call, output))
    return np.asarray(opt_einsum.contract(*call, output))


@dense_value.register
def of_sum(node: Add, at: Dense) -> tuple[np.ndarray, bool]:
    arrays, batched = at.arguments(node)
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total, batched


@dense_value.register
def of_elementwise(node: Elementwise, at: Dense) -> tuple[np.ndarray, bool]:
    arrays, batched = at.arguments(node)
    return np.asarray(value_of(node.function.name, node.function.evaluate)(*arrays)), batched


@dense_value.register
def of_special(node: Special, at: Dense) -> tuple[np.ndarray, bool]:
    arrays, batched = at.arguments(node)
    return np.asarray(node.function.value(*arrays)), batched


@dense_value.register
def of_slice(node: Select, at: Dense) -> tuple[np.ndarray, bool]:
    (array,), batched = at.arguments(node)
    index = node.index if isinstance(node.index, int) else list(node.index)
    return np.take(array, index, axis=node.axis + batched), batched


def value_of(name: str, evaluate: Callable[..., Any] | None) -> Callable[..., Any]:
    """The NumPy callable of a function; NotSupportedError for an abstract one."""
    if evaluate is None:
        raise NotSupportedError(
            f"the value of {name}, an abstract function",
            f"declare it with a value: tc.function({name.rstrip('′')!r}, value=…, derivative=…)",
        )
    return evaluate
