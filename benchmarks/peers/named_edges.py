"""tensorgrad's tensors, whose axes have names and no order, under the notation of arrays.

An array is such a tensor with its edges in order; a place without an edge is an axis of length
one, as ``b[:, None]`` makes it. Names of edges are never used twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import sympy
import tensorgrad.functions as F
from tensorgrad import Tensor, Variable

Edges = tuple[str | None, ...]
_counter = itertools.count()


def fresh() -> str:
    return f"e{next(_counter)}"


class Array:
    """Elementwise operations align axes from the last, as in NumPy."""

    def __init__(self, tensor: Tensor, edges: Sequence[str | None]) -> None:
        self.tensor, self.edges = tensor, tuple(edges)

    def map(self, function: Any, *given: Any) -> Array:
        return Array(function(self.tensor, *given), self.edges)

    def __neg__(self) -> Array:
        return Array(-self.tensor, self.edges)

    def __add__(self, other: Any) -> Array:
        if not isinstance(other, Array):
            return Array(self.tensor + other, self.edges)
        a, b, edges = aligned(self, other)
        return Array(a + b, edges)

    def __sub__(self, other: Array) -> Array:
        a, b, edges = aligned(self, other)
        return Array(a - b, edges)

    def __mul__(self, other: Any) -> Array:
        if not isinstance(other, Array):
            return Array(self.tensor * other, self.edges)
        a, b, edges = aligned(self, other)
        return Array(a * b, edges)

    def __truediv__(self, divisor: int) -> Array:
        return Array(self.tensor / divisor, self.edges)

    def __pow__(self, exponent: int) -> Array:
        return self.map(F.pow, exponent)

    def __matmul__(self, other: Array) -> Array:
        a, b = self.renamed(), other.renamed()
        below = 1 if len(b.edges) == 1 else len(b.edges) - 2
        inner = b.edges[0] if len(b.edges) == 1 else b.edges[below]
        tensor = a.tensor.rename(**{a.edges[-1]: inner}) @ b.tensor  # a shared edge is summed
        return Array(tensor, a.edges[:-1] + tuple(e for e in b.edges if e != inner))

    __radd__, __rmul__ = __add__, __mul__

    @property
    def T(self) -> Array:
        return Array(self.tensor, self.edges[::-1])

    def __getitem__(self, places: tuple) -> Array:
        """``b[:, None]`` and its like."""
        there: Iterator[str | None] = iter(self.edges)
        return Array(self.tensor, [None if place is None else next(there) for place in places])

    def renamed(self) -> Array:
        """The same with edges that nobody else has."""
        new = {edge: fresh() for edge in self.edges if edge is not None}
        edges = [edge and new[edge] for edge in self.edges]
        return Array(self.tensor.rename(**new), edges)


def aligned(a: Array, b: Array) -> tuple[Tensor, Tensor, Edges]:
    """Both tensors with edges of the same names where they are axes of the same place."""
    pairs = [*itertools.zip_longest(a.edges[::-1], b.edges[::-1])][::-1]
    edges = [ours or (theirs and fresh()) for ours, theirs in pairs]
    names = {theirs: edge for (_, theirs), edge in zip(pairs, edges, strict=True) if theirs}
    return a.tensor, b.tensor.rename(**names), tuple(edges)


def size(n: int) -> sympy.Symbol:
    """One symbol for each size, as sizes that agree are all that the workloads need."""
    return sympy.Symbol(f"n{n}")


def variable(name: str, shape: Sequence[int]) -> Array:
    edges = [fresh() for _ in shape]
    sizes = {edge: size(n) for edge, n in zip(edges, shape, strict=True)}
    return Array(Variable(name, **sizes), edges)


class functions:
    """What workloads ask of a library; softmax is along the first axis."""

    exp = staticmethod(lambda a: a.map(F.exp))
    log = staticmethod(lambda a: a.map(F.log))
    sqrt = staticmethod(lambda a: a.map(F.sqrt))
    sigmoid = staticmethod(lambda a: a.map(F.sigmoid))
    relu = staticmethod(lambda a: a.map(F.relu))
    softmax = staticmethod(lambda a: a.map(F.softmax, a.edges[0]))
    log_softmax = staticmethod(lambda a: a.map(F.log_softmax, a.edges[0]))
    sum = staticmethod(lambda a: Array(F.sum(a.tensor), ()))
