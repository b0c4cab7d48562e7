"""What a derivation says, apart from how it is written: rows of formulas with words beside them.

Writers turn a document into text, LaTeX, Markdown, HTML or plain data. Formulas are notation
trees, so every writer spells the same mathematics; prose is a tuple of words and formulas, and
a tab in it parts columns. A row without formulas is a line of words: its note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tensorcalc.display.notation import Notation

__all__ = ["Cell", "Document", "Paragraph", "Prose", "Row", "Section"]

Prose: TypeAlias = tuple[str | Notation, ...]


@dataclass(frozen=True)
class Cell:
    """A formula, the sign before it (``=``, ``·``, ``:``, ``+``), and a shape below it.

    Without a sign it is a factor after the cell before it. Writers set the brackets that the
    signs on both its sides ask for.
    """

    math: Notation
    sign: str = ""
    under: str = ""


@dataclass(frozen=True)
class Row:
    """One line: a left side, then cells with their signs, and a shape or a reason at the right.

    Rows of one paragraph align at the first sign; a row without a left side goes on from above.
    """

    left: Cell | None
    cells: tuple[Cell, ...]
    note: Prose = ()


@dataclass(frozen=True)
class Paragraph:
    """A numbered step: what is done, rows, and the rules used; ``tidies`` marks what can fold.

    Without a title and a left side it goes on with the equation of the step before.
    """

    number: int | None
    title: Prose
    rows: tuple[Row, ...]
    rules: tuple[Prose, ...] = ()
    note: str = ""
    tidies: bool = False
    remarks: tuple[Prose, ...] = ()


@dataclass(frozen=True)
class Section:
    """What stands before the steps or after them, under a word: Given, Define, Letters, Result.

    A label that is a sentence stands on a line of its own.
    """

    label: str
    lines: tuple[Row | Prose, ...]


@dataclass(frozen=True)
class Document:
    """A derivation: title and convention, what is given, the steps, the result."""

    title: Prose
    convention: str
    opening: tuple[Section, ...]
    paragraphs: tuple[Paragraph, ...]
    closing: tuple[Section, ...]
