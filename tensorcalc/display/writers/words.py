"""Formulas among words: ½‖u‖² in a sentence becomes notation, to be drawn as the formulas are."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from tensorcalc.display.document import Document, Prose
from tensorcalc.display.notation import Atom, Indexed, Notation
from tensorcalc.display.writers.formula import HELD, MARKED, FormulaReader

__all__ = ["formula_places", "names_in", "with_formulas", "with_formulas_in"]

_START = re.compile(r"(?:^|(?<=[\s(\[]))(?=\S)")


def with_formulas_in(document: Document) -> Document:
    """The document with the formulas among its words as notation."""
    names = names_in(document)
    return _mapped(document, lambda prose: with_formulas(prose, names))


def formula_places(words: str) -> list[tuple[int, int]]:
    """Where the formulas among the words start and end."""
    return [(start, end) for start, end, _ in _found(words, [], ())]


def names_in(document: Document) -> frozenset[str]:
    """The names of quantities and the letters in all formulas of the document."""
    return frozenset(_names(document))


def with_formulas(prose: Prose, names: Collection[str] = ()) -> Prose:
    """The prose with its formulas as notation; ``names`` are quantities and letters to be known.

    A letter is taken for a name where it is one of ``names`` or stands in a formula beside it.
    """
    held = [part for part in prose if not isinstance(part, str)]
    places = iter(range(HELD, HELD + len(held)))
    text = "".join(part if isinstance(part, str) else chr(next(places)) for part in prose)
    if not (held or any(letter in text for letter in names) or MARKED.search(text)):
        return prose
    found = _found(text, held, names)
    beside = {name for _, _, formula in found for name in _names(formula)}
    known = frozenset(names) | beside
    return _joined(text, held, _found(text, held, known) if beside - set(names) else found)


def _mapped(piece: Any, change: Callable[[Prose], Prose]) -> Any:
    """A part of a document with its prose changed."""
    if isinstance(piece, tuple):
        if any(isinstance(part, (str, Notation)) for part in piece):
            return change(piece)
        return tuple(_mapped(part, change) for part in piece)
    if isinstance(piece, Notation) or not is_dataclass(piece):
        return piece
    parts = {f.name: _mapped(getattr(piece, f.name), change) for f in fields(piece)}
    return replace(piece, **parts)  # type: ignore[type-var]


def _names(piece: Any) -> Iterator[str]:
    """The names and letters of all formulas in a part of a document."""
    if isinstance(piece, Atom):
        yield piece.name
    elif isinstance(piece, Indexed):
        yield piece.name
        yield from piece.letters
    elif isinstance(piece, tuple):
        for part in piece:
            yield from _names(part)
    elif is_dataclass(piece):
        for f in fields(piece):
            yield from _names(getattr(piece, f.name))


_Found = list[tuple[int, int, Notation]]


def _found(text: str, held: list[Notation], names: Collection[str]) -> _Found:
    """Where formulas start and end, from left to right."""
    reader = FormulaReader(text, held, names)
    found: _Found = []
    at = 0
    while (start := _START.search(text, at)) is not None and start.start() < len(text):
        read = reader.formula(start.start())
        if read is None:
            at = start.start() + 1
        else:
            at = read[1]
            found.append((start.start(), at, read[0]))
    return found


def _joined(text: str, held: list[Notation], found: _Found) -> Prose:
    parts: list[str | Notation] = []
    at = 0
    for start, end, formula in [*found, (len(text), len(text), None)]:
        for piece in re.split(r"([\uE000-\uF8FF])", text[at:start]):
            inside = len(piece) == 1 and 0 <= ord(piece) - HELD < len(held)
            parts.append(held[ord(piece) - HELD] if inside else piece)
        if formula is not None:
            parts.append(formula)
        at = end
    return tuple(part for part in parts if part != "")
