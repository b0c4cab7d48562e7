"""A document as plain data, ready for JSON."""

from __future__ import annotations

from typing import Any

from tensorcalc.display.document import Cell, Document, Paragraph, Prose, Row, Section
from tensorcalc.display.spelling import LATEX, TEXT, spell
from tensorcalc.display.writers.latex import line_latex, prose_latex
from tensorcalc.display.writers.reading import by_columns, placed, with_lefts
from tensorcalc.display.writers.text import prose_text, row_text

__all__ = ["VERSION", "write_data"]

VERSION = 1


def write_data(document: Document) -> dict[str, Any]:
    """The derivation as dicts, lists, strings and numbers; ``version`` counts changes of form.

    ``title``, ``convention``; ``opening`` and ``closing``: sections with ``label`` and ``lines``;
    ``steps``: each with ``number``, ``title``, ``note`` (its shape or kind), ``rows``, ``rules``,
    ``remarks`` and ``tidies``. Words are ``{"text": …, "latex": …}``. A row has ``text``,
    ``latex``, ``note`` and ``cells``: each with ``sign``, ``text``, ``latex`` and ``shape``; the
    first cell of a row with ``"left": true`` is its left side.
    """
    return {
        "version": VERSION,
        "title": _words(document.title),
        "convention": document.convention,
        "opening": [_section(section) for section in document.opening],
        "steps": [_step(paragraph) for paragraph in with_lefts(document.paragraphs)],
        "closing": [_section(section) for section in document.closing],
    }


def _words(prose: Prose) -> dict[str, str]:
    text = "    ".join(filter(None, (prose_text(column).strip() for column in by_columns(prose))))
    return {"text": text, "latex": prose_latex(prose)}


def _cell(cell: Cell) -> dict[str, str]:
    math = {"text": spell(cell.math, TEXT), "latex": spell(cell.math, LATEX)}
    return {"sign": cell.sign, **math, "shape": cell.under}


def _row(row: Row) -> dict[str, Any]:
    bare = Row(row.left, row.cells)
    formulas = bool(row.cells or row.left)
    return {
        "text": row_text(bare) if formulas else "",
        "latex": line_latex(row) if formulas else "",
        "left": row.left is not None,
        "cells": [_cell(p.cell) for p in placed(row)],
        "note": _words(row.note),
    }


def _step(paragraph: Paragraph) -> dict[str, Any]:
    return {
        "number": paragraph.number,
        "title": _words(paragraph.title),
        "note": paragraph.note,
        "rows": [_row(row) for row in paragraph.rows],
        "rules": [_words(rule) for rule in paragraph.rules],
        "remarks": [_words(remark) for remark in paragraph.remarks],
        "tidies": paragraph.tidies,
    }


def _section(section: Section) -> dict[str, Any]:
    lines = [
        {"row": _row(line)} if isinstance(line, Row) else {"words": _words(line)}
        for line in section.lines
    ]
    return {"label": section.label, "lines": lines}
