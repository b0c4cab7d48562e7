"""What every writer asks of a document: rows with their signs, prose by columns, a folded view."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from tensorcalc.display.document import Cell, Document, Paragraph, Prose, Row
from tensorcalc.display.notation import Notation, Sum, is_negative, negated
from tensorcalc.display.spelling import spell

__all__ = [
    "Placed",
    "by_columns",
    "by_commas",
    "continues",
    "folded",
    "lines_of",
    "placed",
    "with_lefts",
]


class Placed(NamedTuple):
    """A cell, the sign before it (a space is a product), and the signs on both its sides."""

    sign: str
    cell: Cell
    beside: tuple[str, ...]


def placed(row: Row) -> list[Placed]:
    """The cells of a row, its left side first, with what each stands between."""
    cells = [*([row.left] if row.left else []), *row.cells]
    signs = [cell.sign or (" " if k else "") for k, cell in enumerate(cells)]
    if row.left:
        signs[0] = ""
    return [
        Placed(sign, cell, tuple(filter(None, (sign, *signs[k + 1 : k + 2]))))
        for k, (sign, cell) in enumerate(zip(signs, cells, strict=True))
    ]


def by_columns(prose: Prose) -> list[Prose]:
    """The prose between its tabs, or between wide gaps."""
    columns: list[list[str | Notation]] = [[]]
    for part in prose:
        if not isinstance(part, str):
            columns[-1].append(part)
            continue
        first, *rest = re.split(r"\t| {3,}", part)
        columns[-1].append(first)
        columns.extend([words] for words in rest)
    return [tuple(part for part in column if part != "") for column in columns]


def by_commas(row: Row) -> list[Row]:
    """The row, and what stands beside it after commas, each as a row of its own."""
    parts: list[list[Cell]] = [[]]
    for cell in row.cells:
        if cell.sign == ",":
            parts.append([replace(cell, sign="")])
        else:
            parts[-1].append(cell)
    first, *rest = parts
    return [Row(row.left, tuple(first)), *(Row(None, tuple(cells)) for cells in rest)]


def continues(paragraph: Paragraph) -> bool:
    """Whether the paragraph goes on with the equation of the one before it."""
    rows = paragraph.rows
    return not paragraph.title and bool(rows) and rows[0].left is None and bool(rows[0].cells)


def folded(document: Document) -> Document:
    """The document without what only tidies; an equation that goes on keeps its left side."""
    return replace(document, paragraphs=tuple(_unfolding(document.paragraphs)))


def _unfolding(paragraphs: Iterable[Paragraph]) -> Iterator[Paragraph]:
    left, lost = None, False
    for paragraph in paragraphs:
        if not continues(paragraph):
            left, lost = None, False
        if paragraph.tidies:
            lost = lost or bool(paragraph.rows)
        elif lost and continues(paragraph) and left is not None:
            first = replace(paragraph.rows[0], left=replace(left, under=""))
            yield replace(paragraph, rows=(first, *paragraph.rows[1:]))
            lost = False
        else:
            yield paragraph
        left = next((row.left for row in reversed(paragraph.rows) if row.left), left)


def with_lefts(paragraphs: Iterable[Paragraph]) -> Iterator[Paragraph]:
    """The steps, each with the left side of the equation that it goes on with."""
    left: Cell | None = None
    for paragraph in paragraphs:
        if continues(paragraph) and left is not None:
            first = replace(paragraph.rows[0], left=replace(left, under=""))
            yield replace(paragraph, rows=(first, *paragraph.rows[1:]))
        else:
            yield paragraph
        left = next((row.left for row in reversed(paragraph.rows) if row.left), left)


def lines_of(row: Row, width: int) -> list[list[Placed]]:
    """The cells of a row by lines of about ``width`` characters; long sums are taken apart."""
    lines: list[list[Placed]] = [[]]
    length = 0
    for p in (part for whole in placed(row) for part in _terms(whole, width)):
        size = max(len(spell(p.cell.math)), len(p.cell.under)) + len(p.sign) + 2
        if lines[-1] and length + size > width and p.sign.strip():
            lines.append([])
            length = 0
        lines[-1].append(p)
        length += size
    return lines


def _terms(p: Placed, width: int) -> list[Placed]:
    """The terms of a sum that is too long for one line, each with its sign."""
    math = p.cell.math
    product = any(sign in " ·:⊙⊗∘" for sign in p.beside)
    if product or p.cell.under or not isinstance(math, Sum) or len(spell(math)) <= width:
        return [p]
    found = [Placed(p.sign, replace(p.cell, math=math.terms[0]), p.beside)]
    for term in math.terms[1:]:
        sign, shown = ("−", negated(term)) if is_negative(term) else ("+", term)
        found.append(Placed(sign, Cell(shown, sign), (sign,)))
    return found
