"""What signs mean that a reader may not know: one line for each that a derivation writes.

1 is a column of ones, I[h=(i, k)] ties a merged axis to those it is made of, and every function
that is not in a school book is told by its formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tensorcalc.display.document import Cell, Paragraph, Prose, Row, Section
from tensorcalc.display.notation import (
    ONE,
    Atom,
    BigSum,
    Call,
    Entry,
    Indexed,
    Indicator,
    Notation,
    Partial,
    Relation,
    Transposed,
)
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import pieces
from tensorcalc.functions import FUNCTIONS
from tensorcalc.special import SPECIAL_FUNCTIONS

__all__ = [
    "counts_from_zero",
    "formulas_in",
    "indicator_line",
    "layer_line",
    "letters_in",
    "product_signs",
    "sign_lines",
    "turned_line",
    "words_in",
]

_RECORDS = {f.text or f.name: f for f in (*FUNCTIONS, *SPECIAL_FUNCTIONS) if f.meaning}
_PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_LEFT_OUT = (
    "for each choice of {} entries of t, the product of all others; 0 where one is chosen twice"
)
_NAMED = {
    "diagonal": "diagonal(A) is the diagonal of A as a column",
    "vec": "vec(A) is the columns of A below each other",
    "sign": "sign(t) = 1 if t > 0, −1 if t < 0, 0 if t = 0",
    "argmin": "argmin(t) is 1 at the smallest entry of t, else 0",
}
_EXTREMA = ("max", "min")
_BY_ROWS = ("softmax", "log_softmax")


def formulas_in(said: Iterable[Section | Paragraph | Row | Prose]) -> Iterator[Notation]:
    """Every formula in parts of a document."""
    for part in said:
        if isinstance(part, Section):
            yield from formulas_in(part.lines)
        elif isinstance(part, Paragraph):
            yield from formulas_in((part.title, *part.rules, *part.rows))
        elif isinstance(part, Row):
            cells: tuple[Cell, ...] = (*([part.left] if part.left else []), *part.cells)
            yield from (cell.math for cell in cells)
            yield from (p for p in part.note if isinstance(p, Notation))
        else:
            yield from (p for p in part if isinstance(p, Notation))


def words_in(said: Iterable[Section]) -> Iterator[str]:
    """The words beside the formulas of some sections."""
    for section in said:
        for line in section.lines:
            yield from (
                p for p in (line.note if isinstance(line, Row) else line) if isinstance(p, str)
            )


def letters_in(formulas: Iterable[Notation]) -> set[str]:
    """The index letters that are written in formulas, and I for an indicator."""
    found: set[str] = set()
    for formula in formulas:
        for piece in pieces(formula):
            if isinstance(piece, (Indexed, Entry, BigSum)):
                found.update(piece.letters)
            elif isinstance(piece, Indicator):
                found.update((*re.findall(r"[a-z]\d*", piece.left + " " + piece.right), "I"))
    return found


def sign_lines(formulas: Iterable[Notation], said: str = "") -> list[Prose]:
    """A line for each sign in the formulas that needs one; ``said`` is what was told before."""
    lines: dict[str, str] = {}
    formulas = list(formulas)
    ties = _extremum_of_two(formulas)
    for formula in formulas:
        for piece in pieces(formula):
            words = _relation(piece, ties) if isinstance(piece, Relation) else _meaning(piece)
            head = words.split(" = ")[0]
            if words and not re.search(rf"(?<!\w){re.escape(head)} = ", said):
                kind = (
                    "I[=(" if words.startswith("I[") and "=(" in head else words
                )  # one for all merged axes
                lines.setdefault(kind, words)
    return [(words,) for words in sorted(lines.values(), key=_order)]


def product_signs(said: Sequence[Section | Paragraph]) -> list[Section]:
    """What A : B and ⊙ mean, of those that are written in formulas or in rules."""
    formulas = [spell(f) for f in formulas_in(said)]
    written = "\n".join([*formulas, *_rules_in(said)])
    meanings = {" : ": "A : B = tr(AᵀB) = Σ_ij A_ij B_ij", "⊙": "⊙ multiplies entry by entry"}
    words = ",  ".join(words for sign, words in meanings.items() if sign in written)
    return [Section("", ((words,),))] if words else []


def _rules_in(said: Sequence[Section | Paragraph]) -> Iterator[str]:
    """The words of rules beside lines."""
    for part in said:
        if isinstance(part, Section) and part.label == "Given":
            continue
        rows = part.lines if isinstance(part, Section) else part.rows
        for row in rows:
            yield from (
                p for p in (row.note if isinstance(row, Row) else row) if isinstance(p, str)
            )


def _extremum_of_two(formulas: Iterable[Notation]) -> str:
    """max or min where one of two arguments is written."""
    calls = (p for formula in formulas for p in pieces(formula) if isinstance(p, Call))
    return next((c.name for c in calls if c.name in _EXTREMA and len(c.arguments) == 2), "")


def _relation(n: Relation, ties: str) -> str:
    """[x > y] is 1 where x > y, else 0: what it is at a tie is said too."""
    left, right, whole = spell(n.left), spell(n.right), spell(n)
    if any("_" in side for side in (left, right)):  # of entries: the same sign
        return ""
    at_ties = f"; ½ where {left} = {right}, as the derivative of {ties}" if ties else ""
    return f"{whole} is 1 if {left} {n.sign} {right}, else 0{at_ties}"


def counts_from_zero(formulas: Iterable[Notation]) -> bool:
    """Whether an index is a number or is shifted, so that it matters where counting starts."""
    for formula in formulas:
        for piece in pieces(formula):
            letters = piece.letters if isinstance(piece, Indexed) else ()
            if isinstance(piece, Indicator):
                letters = (piece.left, piece.right)
            if any(w[-1:].isdigit() and (w.isdigit() or not w.isalnum()) for w in letters):
                return True
    return False


def _meaning(n: Notation) -> str:
    if isinstance(n, Partial) and n.held:
        return f"{spell(n)}: with {' and '.join(map(spell, n.held))} held fixed"
    if n == ONE:
        return "1 as a factor of a product is a column of ones, 1ᵀ a row of ones"
    if isinstance(n, Indicator) and n.right.startswith("("):
        return f"I[{n.left}={n.right}] is 1 if {n.left} counts {n.right}, the last fastest"
    if isinstance(n, Atom) and n.name.endswith("]") and "[" in n.name:
        if n.constant and n.name.startswith("e["):
            return "e[0], e[1], … are the columns of I, counted from 0"
        if n.constant and n.name.startswith(("I[", "Id[")):
            return f"{n.name}: these rows or columns of the identity matrix, counted from 0"
        if ":" in n.name:
            return "x[1:3], X[0, :] choose entries, rows, columns, counted from 0"
    if isinstance(n, Call):
        return _function(n.name, n.extra, n.arguments, n.by_rows)
    if isinstance(n, Indexed) and n.name.endswith(")"):  # softmax(z)_k
        name = n.name.partition("(")[0]
        return _function(name, "", (), name in _BY_ROWS and len(n.letters) == 2)
    return ""


def _function(name: str, extra: str, arguments: tuple[Notation, ...], rows: bool) -> str:
    record = _RECORDS.get(name)
    if record is None and name.startswith("∏₋"):
        return f"{name}(t) = {_LEFT_OUT.format(name[2:].translate(_PLAIN))}"
    if record is None:
        return _NAMED.get(name, "")
    row = ", in each row of t" if rows else ""
    parameters = ("t", "t", "t, u", "c, t, u")[len(arguments)]
    return f"{name}({parameters}{extra}) = {record.meaning}{row}"


def indicator_line(formulas: Iterable[Notation]) -> list[Prose]:
    """I[k=j] is 1 if k = j, else 0: in letters that the derivation writes, these if it does."""
    written = [
        (n.left, n.right)
        for formula in formulas
        for n in pieces(formula)
        if isinstance(n, Indicator) and "(" not in n.left + n.right
    ]
    if not written:
        return []
    left, right = ("k", "j") if ("k", "j") in written else written[0]
    return [(f"I[{left}={right}] is 1 if {left} = {right}, else 0",)]


def layer_line(formulas: Iterable[Notation]) -> list[Prose]:
    """Wˡ is W1, W2, …: what is told once for all layers."""
    atoms = (p for formula in formulas for p in pieces(formula) if isinstance(p, (Atom, Indexed)))
    names = sorted({p.name.partition("ˡ")[0] for p in atoms if p.name.endswith("ˡ")})
    if not names:
        return []
    name = next((n for n in names if n.isascii()), names[0])
    here, before = Atom(f"{name}ˡ"), Atom(f"{name}ˡ⁻¹")
    listed = f" is {name}1, {name}2, …, "
    return [(here, listed, before, " that of the layer before: l is no power")]


def turned_line(formulas: Iterable[Notation]) -> list[Prose]:
    """(∂v/∂x)ᵀ in a product has the axes of x first, whatever their number."""
    turned = [
        n
        for formula in formulas
        for n in pieces(formula)
        if isinstance(n, Transposed) and isinstance(n.inner, Partial)
    ]
    if not turned:
        return []
    link = turned[0].inner
    assert isinstance(link, Partial)
    return [(turned[0], " is ", link, " with the axes of ", link.by[0], " first")]


def _order(words: str) -> tuple[bool, str]:
    return not words.startswith(("1", "I[", "e[", "x[", "[")), words
