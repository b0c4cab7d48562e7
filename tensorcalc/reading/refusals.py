"""Refusals: characters, numbers and signs that an expression cannot have."""

from __future__ import annotations

import unicodedata
from typing import NoReturn

from tensorcalc.reading.faults import Edit, cut
from tensorcalc.reading.foreign import CONSTRUCTS, SIGN_HINTS
from tensorcalc.reading.pieces import Pieces, Unreadable
from tensorcalc.reading.tokens import Token

__all__ = ["LONGEST_NUMBER", "Refusals"]

LONGEST_NUMBER = 350
_AUGMENTED = {"+=", "-=", "*=", "/=", "@=", "**=", "//=", "%=", "^=", "&=", "|=", "<<=", ">>="}


class Refusals(Pieces):
    """Gives up, with a fault and a hint, at what the language lacks."""

    def number(self, token: Token) -> str:
        """A number as Python spells it."""
        text = token.text
        if len(text) > LONGEST_NUMBER:
            self.stop(f"a number of {len(text):,} characters", token, "write fewer digits")
        plain = text.replace("_", "")
        if plain.isdecimal() and plain[0] == "0" and plain.strip("0"):
            spelt = plain.lstrip("0")
            self.faults.add(
                f"the number {cut(text)} begins with 0",
                (token.start, token.end),
                f"write {cut(spelt)}",
                [Edit(token.start, token.end, spelt)],
            )
            return spelt
        following = self.peek()
        if (
            following
            and following.start == token.end
            and following.text in {"j", "J"}.difference(self.names)
        ):
            self.stop(
                "complex numbers are not in the language",
                token._replace(end=following.end),
                "quantities are real",
            )
        return plain

    def construct(self, token: Token) -> NoReturn:
        """Give up at a word of Python."""
        self.stop(f"{token.text} is not in the language", token, CONSTRUCTS[token.text])

    def refuse_stray(self, token: Token) -> None:
        """Give up at a token that no expression has."""
        if token.kind == "stray":
            self.refuse_lowered(token)
            self.refuse_raised(token)
            self.stop(*_stray(token))
        if token.kind == "open text":
            self.stop(
                f"the text that {token.text} begins is never closed",
                token,
                f"close it with {token.text}, or write .T for the transpose",
            )
        if token.kind == "power" and self.needs_operand:
            self.missing(token)

    def refuse_raised(self, token: Token) -> None:
        """A raised letter behind an operand: xⁿ."""
        letter = unicodedata.normalize("NFKC", token.text)
        raised = unicodedata.decomposition(token.text[:1]).startswith("<super>")
        if raised and not self.needs_operand:
            edits = [Edit(token.start, token.end, f"**{letter}")]
            base = self.operand_text(self.pieces[self.primary].start, token.start)
            self.stop(f"the raised letter {token.text}", token, f"write {base}**{letter}", edits)

    def refuse_lowered(self, token: Token) -> None:
        """A lowered number behind a name, which Python would not take for a part of it."""
        digits, place = "", self.place - 1
        while place < len(self.found) and len(digits) < 9:
            digit = unicodedata.normalize("NFKC", self.found[place].text)
            if self.found[place].kind != "stray" or not digit.isdecimal():
                break
            digits, place = digits + digit, place + 1
        if digits and self.last and self.last.kind == "name" and self.last.end == token.start:
            end = self.found[place - 1].end
            self.faults.add(
                "a lowered number in a name",
                (self.last.start, end),
                f"write {cut(self.last.text)}{digits}",
                [Edit(token.start, end, digits)],
            )
            raise Unreadable

    def unknown_sign(self, token: Token) -> NoReturn:
        """Give up at a sign that the language lacks."""
        if token.text == ":=" or token.text in _AUGMENTED:
            self.stop(
                f"{token.text} inside an expression",
                token,
                "name the value on a line of its own: name = expression",
            )
        hint = SIGN_HINTS.get(token.text, "leave it out")
        self.stop(f"{token.text} is not in the language", token, hint)


def _stray(token: Token) -> tuple[str, Token, str, list[Edit] | None]:
    """The message, place, hint and repair for a character that belongs to no token."""
    text = token.text
    if token.end - token.start > 1 or len(text) > 1:
        return "text in quotes is not in the language", token, "leave it out", None
    plain = unicodedata.normalize("NFKC", text)
    code = f"U+{ord(text):04X}"
    if text == "\0":
        return "a NUL character", token, "leave it out", [Edit(token.start, token.end, "")]
    name = unicodedata.name(text, "")
    if unicodedata.category(text)[0] in "CZ":
        what = f"an invisible character {code}" + (f" ({name.lower()})" if name else "")
        return what, token, "leave it out", [Edit(token.start, token.end, "")]
    if plain != text and plain.isascii():
        return (
            f"{text} ({code}) for {plain}",
            token,
            f"write {plain}",
            [Edit(token.start, token.end, plain)],
        )
    shown = f"{text} ({code}, {name.lower()})" if name else code
    return f"{shown} is not in the language", token, SIGN_HINTS.get(text, "leave it out"), None
