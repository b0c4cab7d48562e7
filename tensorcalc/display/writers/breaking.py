"""Breaking a long line of text: before a sign, outside brackets where that is possible."""

from __future__ import annotations

import re
import textwrap

from tensorcalc.display.document import Prose
from tensorcalc.display.notation import Notation
from tensorcalc.display.spelling import spell

__all__ = ["broken", "wrapped", "wrapped_prose"]

_SIGNS = frozenset("=≈→:+−·⊙⊘⊗∘")
_OPEN, _CLOSE = "([{", ")]}"


_HELD = "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}"  # a shape is not broken


def wrapped(words: str, width: int) -> list[str]:
    """Prose in lines of at most ``width`` characters, one at least; shapes stay whole."""
    lines = textwrap.wrap(words.replace(" × ", _HELD), max(width, 20)) or [""]
    return [line.replace(_HELD, " × ") for line in lines]


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
