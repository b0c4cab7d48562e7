"""A document as Markdown with mathematics between dollars, as GitHub and notebooks draw it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tensorcalc.display.document import Document, Paragraph, Prose, Row, Section
from tensorcalc.display.spelling import LATEX, spell
from tensorcalc.display.writers.latex import latex_rows, line_latex, row_latex
from tensorcalc.display.writers.reading import by_columns, with_lefts
from tensorcalc.display.writers.text import prose_text
from tensorcalc.display.writers.words import with_formulas_in

__all__ = ["prose_markdown", "write_markdown"]

_MARKUP = re.compile(r"([\\`*_$<>|#~\[\]])")


def write_markdown(document: Document) -> str:
    """The derivation as Markdown: a heading, a section per label, numbered steps, formulas."""
    blocks = [f"## {_escaped(prose_text(document.title))}", f"*{_escaped(document.convention)}*"]
    document = with_formulas_in(document)
    blocks += _sections(document.opening)
    for paragraph in with_lefts(document.paragraphs):
        blocks += _step(paragraph)
    blocks += _sections(document.closing)
    return "\n\n".join(filter(None, blocks)) + "\n"


def prose_markdown(prose: Prose) -> str:
    """Words with their formulas between dollars, which stand apart from letters and digits."""
    columns = []
    for column in by_columns(prose):
        text = ""
        for part in column:
            if isinstance(part, str):
                glued = text.endswith("$") and part[:1].isalnum()
                text += (" " if glued else "") + _escaped(part)
            else:
                glued = text[-1:].isalnum() or text.endswith("$")
                text += (" " if glued else "") + f"${spell(part, LATEX)}$"
        columns.append(text.strip())
    return " &emsp; ".join(filter(None, columns))


def _escaped(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)


def _displayed(rows: Iterable[Row]) -> list[str]:
    """One block of formulas, and the lines of words among them as paragraphs after it."""
    rows = list(rows)
    formulas = [row for row in rows if row.cells or row.left]
    words = [prose_markdown(row.note) for row in rows if not (row.cells or row.left)]
    if not formulas:
        return words
    body = " \\\\\n".join(latex_rows(formulas))
    return [f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$", *words]


def _step(paragraph: Paragraph) -> list[str]:
    number = "" if paragraph.number is None else f"**({paragraph.number})** "
    title, rows = prose_markdown(paragraph.title), list(paragraph.rows)
    if not title and rows and len(row_latex(rows[0])) == 1:
        first, *rows = rows
        title = f"${line_latex(first)}$"
        title += f" &emsp; {prose_markdown(first.note)}" if first.note else ""
    note = f" &emsp; *{_escaped(paragraph.note)}*" if paragraph.note else ""
    rules = [f"*rule:* {prose_markdown(rule)}" for rule in paragraph.rules]
    rules += [prose_markdown(remark) for remark in paragraph.remarks]
    return [f"{number}{title}{note}".strip(), *_displayed(rows), *rules]


def _sections(sections: Iterable[Section]) -> list[str]:
    blocks: list[str] = []
    for section in sections:
        blocks.append(f"**{_escaped(section.label)}**" if section.label else "")
        rows: list[Row] = []
        for line in section.lines:
            if isinstance(line, Row):
                rows.append(line)
                continue
            blocks += _displayed(rows)
            blocks.append(prose_markdown(line))
            rows = []
        blocks += _displayed(rows)
    return blocks
