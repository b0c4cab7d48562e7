"""A document as HTML: a fragment for notebooks, and a page that stands alone.

Nothing is fetched and nothing runs. The fragment reads well with its style sheet and its
attributes stripped, as in a notebook that is not trusted; the page draws formulas in MathML.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Protocol

from tensorcalc.display.document import Document, Paragraph, Prose, Row, Section
from tensorcalc.display.html import HTML
from tensorcalc.display.mathml import math_element
from tensorcalc.display.notation import Notation
from tensorcalc.display.spelling import spell_between
from tensorcalc.display.writers.reading import Placed, by_columns, by_commas, lines_of, with_lefts
from tensorcalc.display.writers.style import FRAGMENT_STYLE, PAGE_STYLE
from tensorcalc.display.writers.text import prose_text
from tensorcalc.display.writers.words import names_in, with_formulas, with_formulas_in

__all__ = ["Drawing", "write_html", "write_page"]

_WIDE = 100  # characters after which a row goes on below
# notebooks have styles of their own for tables; what stands on the element is kept everywhere
_TABLE = "margin:0;width:auto;font-size:1em;border:0;border-collapse:collapse"
_ROW = "background:none"
_CELL = "text-align:left;vertical-align:baseline;border:0;padding:.1em .5em .1em 0"
_NOTE = _CELL + ";padding-left:2em"
_UNDER = "display:inline-flex;flex-direction:column;align-items:center;line-height:1.3"


class Drawing(Protocol):
    """A picture that writes itself as an ``<img>`` element."""

    def _repr_html_(self) -> str: ...


def write_html(document: Document, pictures: Iterable[Drawing] = ()) -> str:
    """The derivation as an HTML fragment, for a notebook's output."""
    writer = _Writer(_plain_math, heading="h3")
    return f"<style>{FRAGMENT_STYLE}</style>" + writer.derivation(document, pictures)


def write_page(document: Document, pictures: Iterable[Drawing] = ()) -> str:
    """The derivation as a complete HTML page, with formulas in MathML; it prints well."""
    title = escape(prose_text(document.title))
    body = _Writer(_mathml, heading="h1").derivation(document, pictures)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{PAGE_STYLE}{FRAGMENT_STYLE}</style>\n"
        f"</head>\n<body>\n<main>{body}</main>\n</body>\n</html>\n"
    )


Math = Callable[[Notation, Sequence[str]], str]


def _plain_math(notation: Notation, beside: Sequence[str]) -> str:
    return f'<span class="tc-math">{spell_between(notation, HTML, beside)}</span>'


def _mathml(notation: Notation, beside: Sequence[str]) -> str:
    return math_element(notation, beside)


class _Writer:
    """Writes the parts of a document with formulas as ``math`` writes them."""

    def __init__(self, math: Math, heading: str) -> None:
        self.math = math
        self.heading = heading
        self.names: frozenset[str] = frozenset()

    def derivation(self, document: Document, pictures: Iterable[Drawing]) -> str:
        label = escape(prose_text(document.title), quote=True)
        self.names = names_in(document)
        document = with_formulas_in(document)
        steps = "".join(self._step(p) for p in with_lefts(document.paragraphs))
        images = "".join(
            f'<figure class="tc-picture">{picture._repr_html_()}</figure>' for picture in pictures
        )
        return (
            f'<section class="tensorcalc" lang="en" aria-label="{label}">\n'
            f'<{self.heading} class="tc-title">{self.prose(document.title)}</{self.heading}>\n'
            f'<p class="tc-convention">{self.words(document.convention)}</p>\n'
            f"{self._sections(document.opening)}{images}"
            f'<div class="tc-steps" role="list">\n{steps}</div>\n'
            f"{self._sections(document.closing)}</section>\n"
        )

    def words(self, words: str) -> str:
        """A line without columns, with the formulas in it."""
        return self.prose(with_formulas((words,), self.names))

    def prose(self, prose: Prose) -> str:
        """Words and formulas; a tab is a wide space."""
        columns = [
            "".join(
                escape(part) if isinstance(part, str) else self.math(part, ()) for part in column
            )
            for column in by_columns(prose)
        ]
        return '<span class="tc-gap">&emsp; </span>'.join(filter(None, columns))

    # ── rows ──

    def _cell(self, p: Placed) -> str:
        sign = (
            "" if not p.sign.strip() else f'<span class="tc-sign">&#8201;{escape(p.sign)}</span> '
        )
        math = self.math(p.cell.math, p.beside)
        if p.cell.under:
            shape = f'<small class="tc-shape">{escape(p.cell.under)}</small>'
            math = f'<span class="tc-under" style="{_UNDER}">{math} {shape}</span>'
        return sign + math

    def _row(self, row: Row) -> str:
        whole, *beside = by_commas(row)
        left, lines = "", lines_of(whole, _WIDE)
        if row.left is not None:
            left, lines[0] = self._cell(lines[0][0]), lines[0][1:]
        notes = [self.prose(column) for column in by_columns(row.note) if column]
        cells = [("tc-left", _CELL, left), ("tc-right", _CELL, self._lines(lines))]
        cells += [("tc-right", _NOTE, self._lines(lines_of(other, _WIDE))) for other in beside]
        cells += [("tc-note", _NOTE, note) for note in notes]
        return f'<tr style="{_ROW}">{"".join(itertools.starmap(_table_cell, cells))}</tr>\n'

    def _lines(self, lines: Sequence[Sequence[Placed]]) -> str:
        return "<br/>".join(" ".join(map(self._cell, line)) for line in lines)

    def _rows(self, rows: Sequence[Row]) -> str:
        """Formulas as tables, lines of words as paragraphs between them."""
        parts: list[str] = []
        for formulas, group in itertools.groupby(rows, lambda r: bool(r.cells or r.left)):
            if formulas:
                body = "".join(map(self._row, group))
                table = f'<table role="presentation" style="{_TABLE}">{body}</table>'
                parts.append(f'<div class="tc-scroll">{table}</div>\n')
            else:
                parts += (f'<p class="tc-words">{self.prose(row.note)}</p>\n' for row in group)
        return "".join(parts)

    # ── steps and sections ──

    def _step(self, paragraph: Paragraph) -> str:
        number = (
            "" if paragraph.number is None else f'<b class="tc-number">({paragraph.number})</b> '
        )
        note = ""
        if paragraph.note:
            shape = self.words(paragraph.note).replace(" × ", "&#160;×&#160;")
            note = f' <span class="tc-note">&emsp;{shape}</span>'
        title, rows = self.prose(paragraph.title), list(paragraph.rows)
        if not paragraph.title and rows and len(lines_of(rows[0], _WIDE)) == 1:
            title = " ".join(map(self._cell, lines_of(rows[0], _WIDE)[0]))
            if rows[0].note:
                title += f' <span class="tc-note">&emsp;{self.prose(rows[0].note)}</span>'
            rows = rows[1:]
        rules = "".join(
            f'<p class="tc-rule"><i>rule:</i> {self.prose(rule)}</p>\n' for rule in paragraph.rules
        )
        rules += "".join(f'<p class="tc-rule">{self.prose(r)}</p>\n' for r in paragraph.remarks)
        head, body = f"{number}{title or 'Step'}{note}", self._rows(rows) + rules
        if not body:
            return f'<div class="tc-step tc-bare" role="listitem">{head}</div>\n'
        shown = "" if paragraph.tidies else ' open="open"'
        return (
            f'<div class="tc-step" role="listitem"><details{shown}><summary>{head}</summary>\n'
            f'<div class="tc-body">{body}</div></details></div>\n'
        )

    def _sections(self, sections: Sequence[Section]) -> str:
        return "".join(map(self._section, sections))

    def _section(self, section: Section) -> str:
        parts: list[str] = []
        rows: list[Row] = []
        for line in section.lines:
            if isinstance(line, Row):
                rows.append(line)
                continue
            parts += [self._rows(rows), f'<p class="tc-line">{self.prose(line)}</p>\n']
            rows = []
        body = "".join([*parts, self._rows(rows)])
        label = (
            f'<div class="tc-label"><b>{self.words(section.label)}</b></div>'
            if section.label
            else ""
        )
        wide = " tc-long" if len(section.label) > 10 or not section.label else ""
        return f'<div class="tc-section{wide}">{label}<div class="tc-lines">{body}</div></div>\n'


def _table_cell(look: str, style: str, words: str) -> str:
    return f'<td class="{look}" style="{style}">{words}</td>'
