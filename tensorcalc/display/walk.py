"""Walking through notation trees: what stands in one, and the same tree with pieces changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

from tensorcalc.display.notation import BigSum, Entry, Indexed, Indicator, Notation

__all__ = ["mapped", "pieces", "same_but_for_sums", "with_letters"]


def mapped(n: Notation, change: Callable[[Notation], Notation | None]) -> Notation:
    """The tree with ``change(piece)`` for each outermost piece for which that is not None."""
    changed = change(n)
    if changed is not None:
        return changed
    inner = {name: _inside(getattr(n, name), change) for name in _names(type(n))}
    return replace(n, **inner)  # type: ignore[type-var]


def with_letters(n: Notation, letter: Callable[[str], str]) -> Notation:
    """The formula with ``letter(i)`` for every index letter i."""

    def change(piece: Notation) -> Notation | None:
        if isinstance(piece, (Indexed, Entry)):
            return replace(piece, letters=tuple(map(letter, piece.letters)))
        if isinstance(piece, Indicator):
            return Indicator(letter(piece.left), letter(piece.right))
        if isinstance(piece, BigSum):
            return BigSum(tuple(map(letter, piece.letters)), mapped(piece.body, change))
        return None

    return mapped(n, change)


def same_but_for_sums(a: Notation, b: Notation) -> bool:
    """Whether two formulas differ in the letters summed over, if at all."""
    return _sums_renamed(a) == _sums_renamed(b)


def _sums_renamed(n: Notation) -> Notation:
    bound: dict[str, str] = {}
    for piece in pieces(n):
        if isinstance(piece, BigSum):
            for i in piece.letters:
                bound.setdefault(i, f"·{len(bound)}·")
    return with_letters(n, lambda i: bound.get(i, i))


def _inside(value: Any, change: Callable[[Notation], Notation | None]) -> Any:
    if isinstance(value, Notation):
        return mapped(value, change)
    if isinstance(value, tuple):
        return tuple(_inside(v, change) for v in value)
    return value


def pieces(n: Any) -> Iterator[Notation]:
    """Every piece of the tree, outermost first."""
    stack = [n]
    while stack:
        part = stack.pop()
        if isinstance(part, Notation):
            yield part
            stack += [getattr(part, name) for name in reversed(_names(type(part)))]
        elif isinstance(part, tuple):
            stack += reversed(part)


@cache
def _names(kind: type[Notation]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind))  # type: ignore[arg-type]
