r"""A document as LaTeX: an ``aligned`` block for each step, shapes set below with ``\underset``.

Only what KaTeX and MathJax both draw is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorcalc.display.document import Document, Paragraph, Prose, Row, Section
from tensorcalc.display.latex import latex_words
from tensorcalc.display.spelling import LATEX, spell, spell_between
from tensorcalc.display.writers.breaking import wrapped_prose
from tensorcalc.display.writers.reading import (
    Placed,
    by_columns,
    by_commas,
    lines_of,
    placed,
    with_lefts,
)
from tensorcalc.display.writers.words import with_formulas_in

__all__ = ["latex_rows", "line_latex", "notebook_latex", "prose_latex", "row_latex", "write_latex"]

_WIDE = 90  # characters after which a line is broken


def write_latex(document: Document) -> str:
    r"""The derivation as LaTeX without dollars: lines of text and ``aligned`` blocks."""
    document = with_formulas_in(document)
    lines = [prose_latex(document.title) + r"\qquad " + latex_words(document.convention)]
    lines += _sections(document.opening)
    for paragraph in with_lefts(document.paragraphs):
        lines += _step(paragraph)
    lines += _sections(document.closing)
    body = " \\\\[4pt]\n".join(lines)
    return f"\\begin{{array}}{{l}}\n{body}\n\\end{{array}}"


def notebook_latex(document: Document) -> str:
    """The LaTeX that a notebook shows."""
    return f"$${write_latex(document)}$$"


def prose_latex(prose: Prose) -> str:
    r"""Words as ``\text{…}``, formulas in between, tabs as wide spaces."""
    columns = ["".join(map(_part, column)) for column in by_columns(prose)]
    return r"\qquad ".join(filter(None, columns))


def _part(part: object) -> str:
    return latex_words(part) if isinstance(part, str) else spell(part, LATEX)  # type: ignore[arg-type]


# ── rows ─────────────────────────────────────────────────────────────────────────────────


def _cell(p: Placed, *, first: bool) -> str:
    math = spell_between(p.cell.math, LATEX, p.beside)
    if p.cell.under:
        math = rf"\underset{{{latex_words(p.cell.under)}}}{{{math}}}"
    sign = LATEX.joined(p.sign, ["", ""]).strip() if p.sign else ""
    return math if not sign else f"{{}}{sign} {math}" if first else f" {sign} {math}"


def _guarded(left: str) -> str:
    r"""A left side that opens with a bracket in braces: after ``\\`` it would be its option."""
    return f"{{{left}}}" if left.startswith("[") else left


def latex_rows(rows: Iterable[Row]) -> list[str]:
    """The rows for an ``aligned`` block, with notes in a further column."""
    return [line for row in rows for line in row_latex(row)]


def line_latex(row: Row) -> str:
    """The formulas of a row as one line, with nothing to align."""
    return "".join(_cell(p, first=False) for p in placed(row)).strip()


def row_latex(row: Row) -> list[str]:
    """One row, as several lines where it is long: ``left &= cell`` and what goes on below."""
    note = prose_latex(row.note)
    if not row.cells and row.left is None:
        return [rf"&{note}"]
    lines: list[str] = []
    whole, *beside = by_commas(row)
    for k, pieces in enumerate(lines_of(whole, _WIDE)):
        left = ""
        if k == 0 and row.left is not None:
            left, pieces = _guarded(_cell(pieces[0], first=True)), pieces[1:]
        right = "".join(_cell(p, first=not n) for n, p in enumerate(pieces))
        hang = r"\quad " if k else ""
        lines.append(f"{left} &{hang}{right}")
    for words in (*map(line_latex, beside), note):
        lines[-1] += f" &&{words}" if words else ""
    return lines


def _aligned(rows: Sequence[Row]) -> str:
    body = " \\\\\n".join(latex_rows(rows))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


# ── steps and sections ───────────────────────────────────────────────────────────────────


def _step(paragraph: Paragraph) -> list[str]:
    number = "" if paragraph.number is None else rf"\text{{({paragraph.number}) }}"
    note = rf"\qquad {latex_words(paragraph.note)}" if paragraph.note else ""
    indent = r"\quad "
    if paragraph.title:
        first, *more = wrapped_prose(paragraph.title, _WIDE)
        lines = [number + prose_latex(first), *(indent + prose_latex(words) for words in more)]
        lines[-1] += note
        if paragraph.rows:
            lines.append(indent + _aligned(paragraph.rows))
    else:
        lines = [number + _aligned(paragraph.rows) + note]
    for words in (*(("rule: ", *rule) for rule in paragraph.rules), *paragraph.remarks):
        lines += [indent + prose_latex(part) for part in wrapped_prose(words, _WIDE)]
    return lines


def _sections(sections: Iterable[Section]) -> list[str]:
    lines: list[str] = []
    for section in sections:
        if section.label:
            lines.append(latex_words(section.label, r"\textbf"))
        rows: list[Row] = []
        for line in section.lines:
            if isinstance(line, Row):
                rows.append(line)
                continue
            lines += [r"\quad " + _aligned(rows)] if rows else []
            rows = []
            lines += [r"\quad " + prose_latex(words) for words in wrapped_prose(line, _WIDE)]
        lines += [r"\quad " + _aligned(rows)] if rows else []
    return lines
