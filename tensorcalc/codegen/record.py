"""What is on record of one run of generated source: its operations, how their values lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CannotRecord", "Node", "Record"]


class CannotRecord(Exception):
    """The run does something whose record would not hold for other values."""


@dataclass(eq=False)
class Node:
    """One value of the run: what made it, of which others, and how it lies in memory.

    ``kind`` is argument, constant, ufunc, reduce, dot, call, view or write. ``storage`` is the
    node that owns the memory: the node itself, but for views and what may be one in other calls.
    """

    kind: str
    function: Any = None
    inputs: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    dtype: Any = None
    is_array: bool = True
    contiguous: bool = True
    writeable: bool = True
    name: str = ""
    storage: Node = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.storage = self.storage or self

    @property
    def nodes(self) -> list[Node]:
        """The inputs that are values of the run."""
        return [i for i in (*self.inputs, *self.options.values()) if isinstance(i, Node)]


@dataclass(frozen=True)
class Record:
    """The operations of one run in their order, and its arguments and results."""

    arguments: tuple[Node, ...]
    nodes: tuple[Node, ...]
    results: tuple[Any, ...]
