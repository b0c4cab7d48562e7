"""Tokens: program text as names, numbers and signs, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from tensorcalc.display.raised import RAISED

__all__ = ["CLOSERS", "SUPERSCRIPTS", "Token", "look_alike", "spelt", "statements", "tokens"]


class Token(NamedTuple):
    """A name, a number, a text, a sign, an end of line or a stray character.

    ``text`` is how Python spells it; ``start`` and ``end`` are offsets in the program.
    """

    kind: str  # "name", "number", "text", "open text", "sign", "power", "end" or "stray"
    text: str
    start: int
    end: int


CLOSERS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩"}
SUPERSCRIPTS = {sign: plain for sign, plain in RAISED.items() if not plain.isalpha()}

# one sign for another that means the same
_SIGNS = {
    "–": "-", "∗": "*",
    "−": "-", "⊙": "*", "⋅": "·", "∙": "·", "•": "·", "·": "·", "≤": "<=", "≥": ">=", "≠": "!=",
    "‖": "||", "∥": "||", "′": "'", "’": "'", "∖": "\\", "⊤": "ᵀ", "ᵗ": "ᵀ", "†": "ᵀ", "ᴴ": "ᵀ",
    "\u2329": "⟨", "\u232a": "⟩", "\u3008": "⟨", "\u3009": "⟩",
    "“": '"', "”": '"', "‘": "'",
}  # fmt: skip

_NO_LETTERS = "··"  # parts of names to Python: dots in the middle
_SPACE = re.compile(r"(?:[^\S\r\n\f\v\x1c-\x1f\x85\u2028\u2029]|#[^\r\n]*|\\[ \t]*(?:\r\n|\r|\n))+")
_LINE_END = re.compile(r"\r\n|\r|\n|;")
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+"
    r"|(?:[0-9][0-9_]*(?:\.(?![*/^'])[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?"
)
_SIGN = re.compile(
    r"\.\.\.|&&|\*\*=|//=|<<=|>>=|\*\*|//|<<|>>|<=|>=|==|!=|:=|->|[-+*/@%^&|]=|\|\||\.\*|\./|\.\^"
    r"|\.'|[-+*/@%^&|~<>=()\[\]{},:.!?$`\\'·×∘÷√ᵀ⟨⟩]"
)
_ASCII_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXT = re.compile(r"\"[^\"\r\n]*\"|'[^'\r\n]*'|“[^”\r\n]*”|‘[^’\r\n]*’")

# letters of other alphabets that look like Latin ones
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԁԛԝһАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοıꓪꓫ",
    "aeopcyxijsdqwhABEKMHOPCTYXIJSABEZHIKMNOPTYXoiWX",
)


def look_alike(name: str) -> str:
    """The name in Latin letters where others only look like them."""
    return name.translate(_LOOK_ALIKE)


def spelt(name: str) -> str:
    """The name for a message, its letters told apart where they look like others."""
    shown = name if len(name) <= 40 else f"{name[:39]}…"
    if name == look_alike(name):
        return shown
    odd = next(c for c in name if c != look_alike(c))
    letter = unicodedata.name(odd, "a letter").capitalize()
    return f"{shown} ({'with ' if len(name) > 1 else ''}{letter})"


def tokens(text: str) -> list[Token]:
    """All the tokens of a text; a character that belongs to none is a stray one."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        token = _token(text, place, bool(found) and found[-1].end == place and _ends(found[-1]))
        found.append(token)
        place = token.end
    return found


def _ends(token: Token) -> bool:
    """Whether an operand can end with the token, so that a quote after it is a transpose."""
    return token.kind in ("name", "number", "power") or token.text in (")", "]", "}", "'", "ᵀ", "|")


def _token(text: str, place: int, after_operand: bool) -> Token:
    if end := _LINE_END.match(text, place):
        return Token("end", ";" if end.group() == ";" else "\n", place, end.end())
    if number := _NUMBER.match(text, place):
        return Token("number", number.group(), place, number.end())
    character = text[place]
    name = _name_end(text, place)
    if name > place:
        spelt = unicodedata.normalize("NFKC", text[place:name])
        if name < len(text) and text[name] in "\"'" and spelt.lower() in ("f", "b", "r", "u", "rb"):
            quoted = _TEXT.match(text, name)
            if quoted and re.match(r"[\w{\\\"'%]", text[name + 1]):
                return Token("stray", "text", place, quoted.end())
        return Token("name" if spelt.isidentifier() else "stray", spelt, place, name)
    sign = _SIGNS.get(character, character)
    if character in SUPERSCRIPTS:
        end = place
        while end < len(text) and text[end] in SUPERSCRIPTS:
            end += 1
        return Token("power", "".join(SUPERSCRIPTS[c] for c in text[place:end]), place, end)
    if len(unicodedata.decomposition(character).split()) > 3:  # <fraction> 1 ⁄ 2
        value = unicodedata.numeric(character, 0.0)
        return Token("number", repr(value), place, place + 1)
    if sign == '"' or (sign == "'" and not after_operand):
        quoted = _TEXT.match(text, place)
        if quoted:
            return Token("text", quoted.group(), place, quoted.end())
        return Token("open text", sign, place, place + 1)
    if sign is not character:
        return Token("sign", sign, place, place + 1)
    if spelt := _SIGN.match(text, place):
        return Token("sign", spelt.group(), place, spelt.end())
    return Token("stray", character, place, place + 1)


def _name_end(text: str, place: int) -> int:
    """Where the name that begins here ends: at ``place`` if none does."""
    if not text[place].isidentifier() or _is_raised(text[place]):
        return place
    while place < len(text):
        if ascii_ := _ASCII_NAME.match(text, place):
            place = ascii_.end()
        elif ("a" + text[place]).isidentifier() and not _is_raised(text[place]):
            place += 1
        else:
            break
    return place


def _is_raised(character: str) -> bool:
    """Whether a letter, which Python takes for a part of a name, is raised, or is a dot."""
    return character in _NO_LETTERS or unicodedata.decomposition(character).startswith("<super>")


def statements(found: list[Token]) -> Iterator[list[Token]]:
    """The tokens of each statement, without line ends.

    A line goes on inside brackets. Where one is never closed, its statement ends before the
    next line that assigns a name.
    """
    begin = 0
    while begin < len(found):
        end = _statement_end(found, begin)
        statement = [t for t in found[begin:end] if t.kind != "end"]
        if statement:
            yield statement
        begin = end + 1


def _statement_end(found: list[Token], begin: int) -> int:
    depth, first, assigns = 0, None, None
    for place in range(begin, len(found)):
        token = found[place]
        if token.kind == "end":
            if depth == 0 or token.text == ";":
                return place
            first = place if first is None else first
            following = found[place + 1 : place + 3]
            if assigns is None and [t.kind for t in following] == ["name", "sign"]:
                assigns = place if following[1].text == "=" else None
        elif token.kind == "sign" and token.text in CLOSERS:
            depth += 1
        elif token.kind == "sign" and token.text in CLOSERS.values():
            depth = max(depth - 1, 0)
    if depth == 0 or first is None:
        return len(found)
    return first if assigns is None else assigns
