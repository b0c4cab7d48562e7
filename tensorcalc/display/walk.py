"""Walking through notation trees: what stands in one, and the same tree with pieces changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from tensorcalc.display.notation import Notation

__all__ = ["mapped", "pieces"]


def mapped(n: Notation, change: Callable[[Notation], Notation | None]) -> Notation:
    """The tree with ``change(piece)`` for each outermost piece for which that is not None."""
    changed = change(n)
    if changed is not None:
        return changed
    inner = {f.name: _inside(getattr(n, f.name), change) for f in fields(n)}  # type: ignore[arg-type]
    return replace(n, **inner)  # type: ignore[type-var]


def _inside(value: Any, change: Callable[[Notation], Notation | None]) -> Any:
    if isinstance(value, Notation):
        return mapped(value, change)
    if isinstance(value, tuple):
        return tuple(_inside(v, change) for v in value)
    return value


def pieces(n: Any) -> Iterator[Notation]:
    """Every piece of the tree, outermost first."""
    if isinstance(n, Notation):
        yield n
        for f in fields(n):  # type: ignore[arg-type]
            yield from pieces(getattr(n, f.name))
    elif isinstance(n, tuple):
        for part in n:
            yield from pieces(part)
