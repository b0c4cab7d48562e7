"""Letters of general rules that mean nothing else in a derivation.

Beside a given A the rule A : BC = BᵀA : C is written P : BC = BᵀP : C, and σ(t) = 1/(1 + e⁻ᵗ)
takes another letter where t is a quantity or an index. A symbol so has one meaning on a page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from tensorcalc.derivation.signs import formulas_in, letters_in
from tensorcalc.display.document import Document, Paragraph, Prose, Row, Section
from tensorcalc.display.notation import Atom, Call, Indexed, Infix, Notation
from tensorcalc.display.raised import raised
from tensorcalc.display.walk import mapped, pieces

__all__ = ["with_one_spelling_of_diagonals", "with_own_letters"]

_CAPITALS, _SMALL = "ABCXPQRMNKLYZ", "abcdtuprsvwzghkmnqxyfijl"
_PARTS = re.compile(r"(; |, (?!axis)|(?<=\w): | {2,}|\t)")
_WHOLE = re.compile(r"(; | {2,}|\t)")
_DEFINED = re.compile(r"\S+?\([a-z](?:, [a-z])*(?:, axis=1)?\) (?:=|is) ")  # where(c, t, u) = …
_WORD = re.compile(r"[a-z]{2,}")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(?=\()|\b(?:log|det|exp|axis)\b|d(?=[A-Za-z](?![A-Za-z]))")
_LETTER = re.compile(
    r"(?P<kept>[A-Za-z_]\w+(?=\()|log|det|exp|axis|_\w+|d(?=[A-Za-z(‖√]| log| det| tr))"
    r"|(?P<letter>[A-Za-z]|[ᵃᵇᶜᵈᵗᵘᵖ])"
)
_SAID = re.compile(
    r"‖u‖|B is symmetric|in each row of t|\(t\) = |diagonal\(A\)|vec\(A\)|at the \w+ entry of t"
)


def with_own_letters(document: Document) -> Document:
    """The document with letters of general rules that are no quantity's and no index."""
    letters = _letters(_taken(document))
    if not letters:
        return document
    section = lambda s: Section(s.label, tuple(_line(line, letters) for line in s.lines))
    return replace(
        document,
        opening=tuple(map(section, document.opening)),
        paragraphs=tuple(_paragraph(p, letters) for p in document.paragraphs),
    )


def with_one_spelling_of_diagonals(document: Document) -> Document:
    """The document with Diag(s) for every diag(s), as it stands beside S = Diag(s)."""

    def change(n: Notation) -> Notation | None:
        if isinstance(n, Call) and n.name == "diag":
            arguments = tuple(mapped(a, change) for a in n.arguments)
            return Call("Diag", r"\operatorname{Diag}", arguments)
        return None

    formula = lambda n: mapped(n, change)
    cell = lambda c: replace(c, math=formula(c.math))
    prose = lambda said: tuple(p if isinstance(p, str) else formula(p) for p in said)

    def line(said: Row | Prose) -> Row | Prose:
        if not isinstance(said, Row):
            return prose(said)
        left = cell(said.left) if said.left else None
        return replace(said, left=left, cells=tuple(map(cell, said.cells)), note=prose(said.note))

    def paragraph(p: Paragraph) -> Paragraph:
        rows = tuple(line(row) for row in p.rows)
        return replace(p, title=prose(p.title), rows=rows, rules=tuple(map(prose, p.rules)))

    section = lambda s: replace(s, lines=tuple(map(line, s.lines)))
    return replace(
        document,
        title=prose(document.title),
        opening=tuple(map(section, document.opening)),
        paragraphs=tuple(map(paragraph, document.paragraphs)),
        closing=tuple(map(section, document.closing)),
    )


def _taken(document: Document) -> set[str]:
    """The names and the index letters of all formulas but those of general rules."""
    told = [replace(p, rules=()) for p in document.paragraphs]
    formulas = list(formulas_in((*document.opening, *told, *document.closing)))
    names = letters_in(formulas)
    for formula in formulas:
        names |= {p.name for p in pieces(formula) if isinstance(p, (Atom, Indexed))}
    return names


def _letters(taken: Collection[str]) -> dict[str, str]:
    """What each general letter becomes: itself, unless it means something else here."""
    found: dict[str, str] = {}
    for pool, general in ((_CAPITALS, "ABCX"), (_SMALL, "abcdtup")):
        free = iter([x for x in pool if x not in taken and x not in general])
        for letter in general:
            if letter in taken:
                found[letter] = next(free, letter)
    small = {raised(k): raised(v) for k, v in found.items() if k.islower()}
    return found | small


def _paragraph(p: Paragraph, letters: Mapping[str, str]) -> Paragraph:
    rows = tuple(replace(row, note=_prose(row.note, letters)) for row in p.rows)
    rules = tuple(_prose(rule, letters) for rule in p.rules)
    return replace(p, rows=rows, rules=rules)


def _line(line: Row | Prose, letters: Mapping[str, str]) -> Row | Prose:
    if isinstance(line, Row):
        return replace(line, note=_prose(line.note, letters))
    return _prose(line, letters)


def _prose(prose: Prose, letters: Mapping[str, str]) -> Prose:
    return tuple(_words(p, letters) if isinstance(p, str) else _slope(p, letters) for p in prose)


def _words(words: str, letters: Mapping[str, str]) -> str:
    if words.startswith("I["):  # the line that says what an indicator is
        return words
    return "".join(
        _renamed(p, letters) if defined or _is_general(p) else p
        for chunk in _WHOLE.split(words)
        for defined in [bool(_DEFINED.match(chunk))]
        for p in _PARTS.split(chunk)
    )


def _is_general(part: str) -> bool:
    """Whether a part of a sentence is a formula, or words about one."""
    if _SAID.search(part):
        return True
    return bool(re.search(r"=| : ", part)) and "…" not in part and not _has_words(part)


def _has_words(part: str) -> bool:
    return bool(_WORD.search(re.sub(r"_[a-z]+", "", _FUNCTION.sub("", part))))


def _renamed(part: str, letters: Mapping[str, str]) -> str:
    if not _has_words(part):
        return _LETTER.sub(lambda m: m[0] if m["kept"] else letters.get(m[0], m[0]), part)
    alone = r"(?<![A-Za-z])([A-Za-z])(?![A-Za-z])"  # in a sentence; a and I are words
    part = re.sub(alone, lambda m: m[0] if m[0] in "aI" else letters.get(m[0], m[0]), part)
    return re.sub("[ᵃᵇᶜᵈᵗᵘᵖ]", lambda m: letters.get(m[0], m[0]), part)


def _slope(n: Notation, letters: Mapping[str, str]) -> Notation:
    """log′(t) = 1/t by another letter."""
    head = n.parts[0] if isinstance(n, Infix) and n.sign == "=" else None
    if not isinstance(head, Atom) or not head.name.endswith("′(t)") or "t" not in letters:
        return n
    t = letters["t"]

    def change(piece: Notation) -> Notation | None:
        if piece == head:
            return Atom(f"{head.name[:-2]}{t})")
        return Atom(t) if piece == Atom("t") else None

    return mapped(n, change)
