"""In whose memory the results of recorded operations lie, and what is kept between calls."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorcalc.codegen.operands import lies_by_rows
from tensorcalc.codegen.record import Node, Record

__all__ = ["Memory", "apart_from"]

_CACHE_LINE = 64  # bytes


class Memory:
    """The memory of one function: whose a result lies in, and what lies free.

    A memory is known by the node that made it. ``new`` gives a kept buffer its name; without it
    nothing is kept between calls.
    """

    def __init__(self, record: Record, new: Callable[[np.ndarray], str] | None) -> None:
        self.new = new
        self.last = _last_uses(record)
        self.words: dict[Node, str] = {}  # by the memory
        self.holder: dict[Node, Node] = {}  # the memory, by what lies in it now
        self.free: dict[Any, list[Node]] = {}  # by their form
        self.buffers: set[int] = set()  # by the identity of what owns their memory

    def own(self, node: Node, word: str) -> None:
        """What a statement has just made lies in memory of its own."""
        self.words[node] = word
        self.holder[node] = node

    def taken(self, node: Node, memory: Node) -> str:
        """The name of a memory into which a result is written from now on."""
        self.holder[node] = memory
        return self.words[memory]

    def word_of(self, node: Node) -> str:
        """The name of the memory that a value lies in; nothing if it is none of this function."""
        memory = self.holder.get(node)
        return "" if memory is None else self.words[memory]

    def into(self, node: Node, place: int) -> Node | None:
        """Memory for the result: an operand's that is needed no more, or what is free."""
        for used in node.nodes:
            memory = self.holder.get(used)
            if memory is not None and self.last[used] == place and _form(used) == _form(node):
                return memory
        return self.spare(node)

    def spare(self, node: Node, *, by_rows: bool = False) -> Node | None:
        """Memory that lies free, or a new buffer where these are kept."""
        waiting = self.free.get(_form(node), [])
        for memory in reversed(waiting):
            if not by_rows or lies_by_rows(memory):  # BLAS writes nowhere else
                waiting.remove(memory)
                return memory
        if self.new is None or not node.contiguous:
            return None
        buffer = Node("constant", shape=node.shape, dtype=node.dtype)
        array = _aligned(node.shape, node.dtype)
        self.buffers.add(id(array.base))
        self.words[buffer] = self.new(array)
        return buffer

    def release(self, node: Node, place: int) -> None:
        """Let go memory that nobody reads after this operation."""
        for storage in {n.storage for n in (*node.nodes, node)}:
            memory = self.holder.get(storage)
            if memory is None or self.last[storage] > place:
                continue
            if self.holder.get(node) is memory and node.storage is not storage:
                continue  # the result has taken it over
            if not memory.contiguous:
                continue
            waiting = self.free.setdefault(_form(storage), [])
            if memory not in waiting:
                waiting.append(memory)


def _last_uses(record: Record) -> dict[Node, int]:
    """After which operation nobody reads a node's memory any more."""
    last: dict[Node, int] = {}
    for place, node in enumerate(record.nodes):
        for used in (*node.nodes, node):
            last[used.storage] = place
    for result in record.results:
        if isinstance(result, Node):
            last[result.storage] = len(record.nodes)
    return last


def _form(node: Node) -> Any:
    return node.shape, node.dtype


def apart_from(buffers: set[int]) -> Callable[..., tuple[np.ndarray, ...]]:
    """What copies values that lie in memory with one of these owners."""
    return lambda *values: tuple([v.copy() if id(v.base) in buffers else v for v in values])


def _aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that begins with a cache line: what is written to it splits none."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % _CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)
