"""Breaking a long line of text: before a sign, outside brackets where that is possible."""

from __future__ import annotations

import re
import textwrap

from tensorcalc.display.document import Prose
from tensorcalc.display.notation import Notation
from tensorcalc.display.spelling import spell
from tensorcalc.display.writers.words import formula_places

__all__ = ["broken", "wrapped", "wrapped_prose"]

_SIGNS = frozenset("=≈→:+−·⊙⊘⊗∘")
_OPEN, _CLOSE = "([{", ")]}"


_HELD = "\N{NO-BREAK SPACE}"


def wrapped(words: str, width: int, most: int = 0) -> list[str]:
    """Prose in lines of at most ``width`` characters, one at least; formulas and shapes stay whole.

    Where a formula is longer than that, so is the line, up to ``most`` characters.
    """
    held = words.replace(" × ", f"{_HELD}×{_HELD}")
    for start, end in formula_places(words):
        if end - start <= max(width, most):
            held = held[:start] + held[start:end].replace(" ", _HELD) + held[end:]
    lines = textwrap.wrap(held, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return [line.replace(_HELD, " ") for line in lines] or [""]


def wrapped_prose(prose: Prose, width: int) -> list[Prose]:
    """Prose in lines of about ``width`` characters, with its formulas whole."""
    lines: list[list[str | Notation]] = [[]]
    length = 0
    for part in prose:
        pieces = re.findall(r"\S+\s*|\s+", part) if isinstance(part, str) else [part]
        for piece in pieces:
            size = len(piece) if isinstance(piece, str) else len(spell(piece))
            if length and length + size > width:
                lines.append([])
                length = 0
            lines[-1].append(piece)
            length += size
    return [_words_joined(line) for line in lines]


def _words_joined(parts: list[str | Notation]) -> Prose:
    joined: list[str | Notation] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


def broken(text: str, first: int, rest: int) -> list[str]:
    """The text in pieces of at most ``first``, then ``rest`` characters.

    A piece ends before a sign, as far outside of brackets as possible, or else at a space.
    What has no space is left whole.
    """
    pieces: list[str] = []
    room = first
    while len(text) > room:
        at = _best_break(text, room)
        if at is None:
            break
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip()
        room = rest
    return [*pieces, text]


def _best_break(text: str, room: int) -> int | None:
    """The last of the best places to break: outermost first, and before a sign."""
    best: tuple[int, int] | None = None
    place: int | None = None
    depth = 0
    for k, letter in enumerate(text):
        if k > room and place is not None:
            break
        depth += (letter in _OPEN) - (letter in _CLOSE)
        if letter == " " and text[:k].strip():
            before_sign = text[k + 1 : k + 2] in _SIGNS and text[k + 2 : k + 3] == " "
            after_sign = text[k - 1] in _SIGNS and text[k - 2 : k - 1] == " "
            rank = (2 if after_sign else 0 if before_sign else 1, depth)
            late = k > room // 3
            if best is None or (late and rank <= best) or k > room:
                best, place = rank if late else (3, depth), k
    return place
