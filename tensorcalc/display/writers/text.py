"""A document as plain text: aligned columns, shapes below their factors, no line too long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tensorcalc.display.document import Document, Paragraph, Prose, Row, Section
from tensorcalc.display.spelling import TEXT, spell, spell_between
from tensorcalc.display.writers.breaking import broken, wrapped
from tensorcalc.display.writers.reading import Placed, by_columns, continues, folded, placed

__all__ = ["prose_text", "row_text", "write_text"]

_NUMBER = 4  # the width of "(1) "
_WIDE_LEFT = 12  # a left side wider than this does not push the signs of other rows
_WIDE_LINE = 66  # a line longer than this does not push the notes of other lines
_NOTES = 40  # notes start here, or further to the right
_GAP = 4  # between columns


def prose_text(prose: Prose) -> str:
    """Words and formulas as one string."""
    return "".join(part if isinstance(part, str) else spell(part, TEXT) for part in prose)


def write_text(document: Document, width: int = 100, folded: bool = False) -> str:
    """The derivation as text of at most ``width`` columns, as far as its names allow.

    ``folded`` leaves out the steps that only tidy up.
    """
    shown = _without_tidying(document) if folded else document
    steps = _Steps(shown.paragraphs, width)
    title = [_Line(prose_text(shown.title), shown.convention)]
    opening = _written_sections(shown.opening, shown, width)
    closing = _written_sections(shown.closing, shown, width)
    column = _note_column([*title, *steps.lines], width)
    head = [*_finished(title, column, width), *opening]
    blocks = [head, _finished(steps.lines, column, width), closing]
    text = "\n\n".join("\n".join(block) for block in blocks if block)
    return "\n".join(line.rstrip() for line in text.split("\n"))


_without_tidying = folded


@dataclass
class _Line:
    """A line before its note is put in the column of notes."""

    text: str
    note: str = ""


def _note_column(lines: Iterable[_Line], width: int) -> int:
    widths = [len(line.text) for line in lines if line.note and len(line.text) <= _WIDE_LINE]
    return min(max([_NOTES - _GAP, *widths]) + _GAP, width - 24)


def _finished(lines: Iterable[_Line], column: int, width: int) -> list[str]:
    """The lines with their notes in one column; a note that finds no room stands below."""
    done: list[str] = []
    for line in lines:
        if not line.note:
            done.append(line.text)
            continue
        if len(line.text) + 2 <= column:
            first, start = line.text.ljust(column), column
        elif len(line.text) + 2 + len(line.note) <= width:
            first, start = line.text + "  ", len(line.text) + 2
        else:
            done.append(line.text)
            first, start = " " * column, column
        words = wrapped(line.note, width - start, width - _NUMBER)
        over = start + max(map(len, words)) - width
        if over > 0:  # a formula finds no room here: it stands below, further to the left
            done += [line.text] if first.strip() else []
            start = max(start - over, _NUMBER)
            first = " " * start
        done += [first + words[0], *(" " * start + more for more in words[1:])]
    return done


# ── rows ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Table:
    """Where the signs of rows stand that are written below each other."""

    left: int = 0
    space: str = " "
    columns: dict[tuple[str, ...], list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Table:
        table = cls()
        for row in rows:
            if row.left is not None and (width := len(_math(placed(row)[0]))) <= _WIDE_LEFT:
                table.left = max(table.left, width, len(row.left.under))
            signs = _signs(row)
            if any(p.cell.under for p in placed(row)) and "·" in signs:
                table.space = "  "  # a chain of factors with their shapes stands wide
            if "·" in signs or "," in signs:
                widths = [max(len(_math(p)), len(p.cell.under)) for p in _right(row)]
                known = table.columns.get(signs, [0] * len(widths))
                table.columns[signs] = [max(pair) for pair in zip(known, widths, strict=True)]
        return table


def _right(row: Row) -> list[Placed]:
    return placed(row)[1:] if row.left else placed(row)


def _math(p: Placed) -> str:
    return spell_between(p.cell.math, TEXT, p.beside)


def _row_lines(row: Row, indent: int, table: _Table, left: int, width: int) -> list[_Line]:
    """A row, and the shapes below it; broken before a sign where it is too long."""
    note = prose_text(row.note)
    if not row.cells and row.left is None:
        return _words(note, indent, width)
    margin = left if row.left is None and row.cells[0].sign else 0
    start = indent + (margin + len(table.space) if margin else 0)
    widths = [left if row.left else 0, *table.columns.get(_signs(row), [])][not row.left :]
    lines = _laid_out(placed(row), start, widths, table.space)
    if any(len(line.text) > width for line in lines):  # the shapes below count too
        lines = _broken_row(row, indent, width, table.space)
        lines[-1].note = note
    else:
        lines[0].note = note
    return lines


def row_text(row: Row) -> str:
    """The formulas of a row as one line, however long."""
    return _laid_out(placed(row), 0, (), " ")[0].text


def _signs(row: Row) -> tuple[str, ...]:
    return tuple(cell.sign for cell in row.cells)


def _laid_out(
    pieces: Sequence[Placed], indent: int, widths: Sequence[int], space: str
) -> list[_Line]:
    """Cells on one line, at least as wide as ``widths`` says, and their shapes below them."""
    text = below = " " * indent
    for k, p in enumerate(pieces):
        text += _sign(p.sign, text, _math(p), space, first=not k)
        below = _put_below(below, p.cell.under, len(text))
        end = len(text) + (widths[k] if k < len(widths) else 0)
        text = (text + _math(p)).ljust(end)
        if p.cell.under and k + 1 < len(pieces) and pieces[k + 1].sign in ("·", "=", "+"):
            text = text.ljust(len(below))
    lines = [_Line(text.rstrip())]
    return [*lines, _Line(below.rstrip())] if below.strip() else lines


def _sign(sign: str, before: str, after: str, space: str, *, first: bool) -> str:
    if sign == " ":
        return "" if before.endswith(")") and after.startswith("(") else " "
    if not sign:
        return ""
    if sign == ",":  # what stands beside, in a column of its own
        return " " * _GAP
    return f"{sign}{space}" if first else f"{space}{sign}{space}"


def _put_below(below: str, under: str, start: int) -> str:
    if not under:
        return below
    gap = 2 if below.strip() else 0
    return below.ljust(max(start, len(below) + gap)) + under


def _broken_row(row: Row, indent: int, width: int, space: str) -> list[_Line]:
    """As many cells on each line as fit; a formula that is still too long is broken inside."""
    lines: list[_Line] = []
    waiting = placed(row)
    while waiting:
        start = indent + (2 if lines else 0)
        fits = [k for k in range(1, len(waiting) + 1) if _fits(waiting[:k], start, width, space)]
        count = max(fits, default=1)
        here, waiting = waiting[:count], waiting[count:]
        if fits:
            lines += _laid_out(here, start, (), space)
        else:
            sign = _sign(here[0].sign, "", "", " ", first=True).lstrip()
            before = " " * start
            if len(lines) == 1 and row.left and len(lines[0].text) <= indent + _WIDE_LEFT:
                before = lines.pop().text + " "
            text, *more = broken(sign + _math(here[0]), width - len(before), width - indent - 4)
            lines.append(_Line(before + text))
            lines += (_Line(" " * (indent + 4) + piece) for piece in more)
    return lines


def _fits(pieces: Sequence[Placed], start: int, width: int, space: str) -> bool:
    return all(len(line.text) <= width for line in _laid_out(pieces, start, (), space))


def _words(words: str, indent: int, width: int, first: str = "") -> list[_Line]:
    """Wrapped prose; ``first`` stands before it and later lines hang below its first word."""
    lines = wrapped(words, width - indent - len(first))
    start = " " * indent
    rest = start + " " * len(first)
    return [_Line(start + first + lines[0]), *(_Line(rest + line) for line in lines[1:])]


# ── steps ────────────────────────────────────────────────────────────────────────────────


class _Steps:
    """The numbered steps; an equation that goes on over several steps keeps its columns."""

    def __init__(self, paragraphs: Sequence[Paragraph], width: int) -> None:
        self.width = width
        self.lines: list[_Line] = []
        self.indent = 2 * _NUMBER
        self.left = 0
        before: Paragraph | None = None
        for k, paragraph in enumerate(paragraphs):
            if before is not None and _turns(before, paragraph):
                self.lines.append(_Line(""))
            following = paragraphs[k + 1 :]
            self._write(paragraph, following)
            before = paragraph

    def _write(self, paragraph: Paragraph, following: Sequence[Paragraph]) -> None:
        number = "" if paragraph.number is None else f"({paragraph.number})"
        number = number.ljust(_NUMBER - 1) + " "
        if paragraph.number is None and not paragraph.title:
            number = ""
        rows = list(paragraph.rows)
        if not continues(paragraph):
            self.indent = 2 * _NUMBER if paragraph.title else len(number)
            self.table = _Table.of([*rows, *_going_on(following)])
        lines = self._rows(rows)
        if paragraph.title:
            self._title(number, paragraph)
        elif lines and not lines[0].text[: len(number)].strip():
            lines[0].text = number + lines[0].text[len(number) :]
            lines[0].note = lines[0].note or paragraph.note
        else:
            self.lines.append(_Line(number.rstrip(), paragraph.note))
        self.lines += lines
        for rule in paragraph.rules:
            self.lines += _words(prose_text(rule), 2 * _NUMBER, self.width, "rule: ")
        for remark in paragraph.remarks:
            self.lines += _words(prose_text(remark), 2 * _NUMBER, self.width, "")

    def _title(self, number: str, paragraph: Paragraph) -> None:
        title = prose_text(paragraph.title)
        pieces = broken(title, self.width - _NUMBER, self.width - 2 * _NUMBER)
        lines = [_Line(number + pieces[0])]
        lines += [_Line(" " * 2 * _NUMBER + more) for more in pieces[1:]]
        lines[-1].note = paragraph.note
        self.lines += lines

    def _rows(self, rows: Sequence[Row]) -> list[_Line]:
        lines: list[_Line] = []
        for row in rows:
            if row.left is not None:
                width = len(_math(placed(row)[0]))
                self.left = max(width, self.table.left if width <= _WIDE_LEFT else 0)
            elif not lines and not self.left:
                self.left = self.table.left
            lines += _row_lines(row, self.indent, self.table, self.left, self.width)
        return lines


def _going_on(paragraphs: Sequence[Paragraph]) -> list[Row]:
    """The rows of the steps that go on with the equation."""
    rows: list[Row] = []
    for paragraph in paragraphs:
        if not continues(paragraph):
            break
        rows += paragraph.rows
    return rows


def _turns(before: Paragraph, after: Paragraph) -> bool:
    """Whether steps told in words give way to steps told by formulas, or the other way round."""
    titles = [paragraph.title[0] for paragraph in (before, after) if paragraph.title]
    return len({isinstance(first, str) for first in titles}) == 2


# ── sections ─────────────────────────────────────────────────────────────────────────────


def _written_sections(sections: Sequence[Section], document: Document, width: int) -> list[str]:
    labels = [s.label for s in (*document.opening, *document.closing) if len(s.label) <= 10]
    indent = max([7, *map(len, labels)]) + 2
    lines: list[str] = []
    for section in sections:
        start = indent if section.label else 0
        written = _section_lines(section, start, width)
        if len(section.label) > indent - 2:
            lines += wrapped(section.label, width)
        elif section.label and written:
            written[0] = section.label.ljust(indent) + written[0][indent:]
        elif section.label:
            written = [section.label]
        lines += written
    return lines


def _section_lines(section: Section, indent: int, width: int) -> list[str]:
    """Rows and prose by columns: each column starts where it does in the lines around."""
    rows = [line for line in section.lines if isinstance(line, Row)]
    table, left = _Table.of(rows), 0
    entries: list[tuple[bool, list[str], list[_Line]]] = []
    for line in section.lines:
        if isinstance(line, Row):
            wide = len(_math(placed(line)[0])) if line.left else 0
            left = max(wide, table.left if wide <= _WIDE_LEFT else 0) if line.left else left
            bare = Row(line.left, line.cells)
            first = _row_lines(bare, indent, table, left, width) if line.cells or line.left else []
            notes = [prose_text(column) for column in by_columns(line.note)]
            entries.append((True, notes, first))
        else:
            first, *rest = [prose_text(column) for column in by_columns(line)]
            entries.append((False, rest, _words(first, indent, width)))
    return _in_columns(entries, indent, width)


def _in_columns(
    entries: list[tuple[bool, list[str], list[_Line]]], indent: int, width: int
) -> list[str]:
    starts = {kind: _starts([e for e in entries if e[0] is kind]) for kind in (True, False)}
    done: list[str] = []
    for kind, notes, lines in entries:
        texts = [line.text for line in lines] or [" " * indent]
        if any(notes):
            texts = _with_notes(texts, notes, starts[kind], indent, width)
        done += texts
    return done


def _starts(entries: list[tuple[bool, list[str], list[_Line]]]) -> list[int]:
    """Where each column of notes starts."""
    starts: list[int] = []
    widths = [len(lines[0].text) for _, notes, lines in entries if any(notes) and lines]
    end = max((w for w in widths if w <= _WIDE_LINE), default=0)
    for k in range(max((len(notes) for _, notes, _ in entries), default=0)):
        starts.append(end + _GAP)
        end = starts[-1] + max(len(notes[k]) for _, notes, _ in entries if k < len(notes))
    return starts


def _with_notes(
    texts: list[str], notes: list[str], starts: list[int], indent: int, width: int
) -> list[str]:
    """The notes of a line after it, in their columns; on lines of their own where too long."""
    *done, line = texts
    for note, start in zip(notes, starts, strict=False):
        if not note:
            continue
        room = max(start, len(line) + 2) if line.strip() else len(line)
        if room + len(note) > width:
            done.append(line)
            line, room = "", indent + 2
        words = wrapped(note, width - room)
        line = line.ljust(room) + words[0]
        for rest in words[1:]:
            done.append(line)
            line = " " * room + rest
    return [*done, line]
