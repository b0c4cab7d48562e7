"""Deep networks: what every layer repeats is said once, for l.

Names that end in a number, z3 and a2, are read as zˡ⁺¹ and aˡ. Steps and definitions that read
alike but for that number, whatever letters their axes have, are told once, in general letters.

Source: Johnston 2020, equations (6) to (9): one recursion instead of one equation per layer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tensorcalc.derivation.record import DerivationStep
from tensorcalc.display.document import Paragraph, Prose, Row, Section
from tensorcalc.display.notation import Atom, Indexed, Notation
from tensorcalc.display.raised import raised
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import mapped, with_letters

__all__ = ["fold_definitions", "fold_steps"]

_MANY = 4  # so many of one kind are told as one
_NUMBERED = re.compile(r"([^\W\d_]+)(\d+)(?![A-Za-z0-9])")
_SIZES = re.compile(r"\(?\d+ × [\d× ]+\)?")


def fold_steps(steps: Sequence[DerivationStep]) -> list[DerivationStep]:
    """The steps, each kind that many layers repeat told once; numbered anew."""
    texts = [_texts_of(s.paragraph) for s in steps]
    alike = _groups(texts)
    kept: list[DerivationStep] = []
    for k, step in enumerate(steps):
        group = alike[k]
        if len(group) < _MANY:
            kept.append(step)
        elif k == group[0]:
            layers = [min(_numbers(texts[j])) for j in group]
            others = tuple(steps[j] for j in group[1:])
            said = _in_general(step.paragraph, layers)
            kept.append(replace(step, paragraph=said, repeated=others))
    first = steps[0].number if steps else 1
    return [
        replace(s, number=n, paragraph=replace(s.paragraph, number=n))
        for n, s in enumerate(kept, first)
    ]


def fold_definitions(section: Section) -> Section:
    """Define, with the layers that are defined alike told once."""
    texts = [_texts_of_row(line) if isinstance(line, Row) else [] for line in section.lines]
    alike = _groups(texts)
    lines: list[Row | Prose] = []
    for k, line in enumerate(section.lines):
        group = alike[k]
        if len(group) < _MANY or not isinstance(line, Row):
            lines.append(line)
        elif k == group[0]:
            layers = [max(_numbers(texts[j])) for j in group]
            note = _common_note([section.lines[j] for j in group], f"for l = {_range(layers)}")
            lines.append(replace(_general_row(line, layers[0]), note=note))
    return Section(section.label, tuple(lines))


def _common_note(rows: Sequence[Row | Prose], words: str) -> Prose:
    """The note of rows told as one; a shape that differs from row to row is left out."""
    notes = [row.note for row in rows if isinstance(row, Row)]
    firsts = [str(note[0]) if note else "" for note in notes]
    sizes = {" ".join(_SIZES.findall(first)[:1]).strip() for first in firsts}
    said = firsts[0] if len(sizes) == 1 else _SIZES.sub("", firsts[0], count=1).strip()
    return (f"{said}     {words}" if said else words, *notes[0][1:])


# ── what reads alike ──


def _groups(texts: Sequence[Sequence[str]]) -> list[list[int]]:
    """For each text, the places of those that read alike but for the number of the layer."""
    kinds: dict[object, list[int]] = {}
    for k, said in enumerate(texts):
        kinds.setdefault(_relative(said) or k, []).append(k)
    return [kinds[_relative(said) or k] for k, said in enumerate(texts)]


def _relative(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The texts with every number counted from the smallest; None where there is none."""
    numbers = _numbers(texts)
    if not numbers:
        return None
    base = min(numbers)
    counted = lambda m: f"{m.group(1)}⟨{int(m.group(2)) - base}⟩"
    return tuple(_NUMBERED.sub(counted, text) for text in texts)


def _numbers(texts: Iterable[str]) -> list[int]:
    return [int(m.group(2)) for text in texts for m in _NUMBERED.finditer(text)]


def _formulas(paragraph: Paragraph) -> list[Notation]:
    prose = (*paragraph.title, *(part for rule in paragraph.rules for part in rule))
    said = [p for p in prose if isinstance(p, Notation)]
    return said + [n for row in paragraph.rows for n in _of_row(row)]


def _of_row(row: Row) -> list[Notation]:
    return [c.math for c in (*([row.left] if row.left else []), *row.cells)]


def _texts_of(paragraph: Paragraph) -> list[str]:
    prose = (*paragraph.title, *(part for rule in paragraph.rules for part in rule))
    words = [_SIZES.sub("", p) for p in prose if isinstance(p, str)]
    return [*words, *_spelt(_formulas(paragraph))]


def _texts_of_row(row: Row) -> list[str]:
    return _spelt(_of_row(row))


def _spelt(formulas: Iterable[Notation]) -> list[str]:
    """The formulas with their letters renamed by first appearance."""
    order: dict[str, str] = {}
    renamed = lambda letter: order.setdefault(letter, f"·{len(order)}·")
    return [spell(with_letters(n, renamed)) for n in formulas]


# ── the same in general ──


def _in_general(paragraph: Paragraph, layers: Sequence[int]) -> Paragraph:
    base = layers[0]
    prose: Callable[[Prose], Prose] = lambda said: tuple(
        _general_words(p, base) if isinstance(p, str) else _general(p, base) for p in said
    )
    rules = [prose(r) for r in paragraph.rules]
    return replace(
        paragraph,
        title=(f"For l = {_range(layers)}: ", *prose(paragraph.title)),
        rows=tuple(_general_row(row, base) for row in paragraph.rows),
        rules=tuple(rules),
        note=f"{paragraph.note} for l = {base}" if paragraph.note else "",
    )


def _range(layers: Sequence[int]) -> str:
    """8, 7, …, 1; all of them where they are not evenly spaced."""
    if len({b - a for a, b in itertools.pairwise(layers)}) > 1:
        return ", ".join(map(str, layers))
    return f"{layers[0]}, {layers[1]}, …, {layers[-1]}"


def _general_row(row: Row, base: int) -> Row:
    cell = lambda c: replace(c, math=_general(c.math, base))
    left = cell(row.left) if row.left else None
    note = tuple(
        _general_words(p, base) if isinstance(p, str) else _general(p, base) for p in row.note
    )
    return replace(row, left=left, cells=tuple(map(cell, row.cells)), note=note)


def _general_words(text: str, base: int) -> str:
    return _NUMBERED.sub(lambda m: m.group(1) + _superscript(int(m.group(2)) - base), text)


def _general(n: Notation, base: int) -> Notation:
    def change(piece: Notation) -> Notation | None:
        if isinstance(piece, (Atom, Indexed)) and _NUMBERED.fullmatch(piece.name):
            return replace(piece, name=_general_words(piece.name, base))
        return None

    return mapped(n, change)


def _superscript(offset: int) -> str:
    return "ˡ" + (raised(f"{offset:+d}") if offset else "")
