"""Pieces: an expression on its way from tokens to words, with its open brackets."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import MutableMapping
from typing import Any, NamedTuple, NoReturn

from tensorcalc.reading.faults import Edit, Faults, shorter
from tensorcalc.reading.tokens import CLOSERS, Token
from tensorcalc.reading.written import Piece

__all__ = ["DEEPEST", "Pieces", "Unreadable"]

DEEPEST = 150


class Unreadable(Exception):
    """The rest of a statement cannot be read; its fault is noted."""


class _Open(NamedTuple):
    """An opened bracket: what it opens, where its operand begins, the operator before it."""

    sign: str  # "(", "call", "[", "{", "|" or "||"
    token: Token
    begin: int
    before: str


class Pieces:
    """The words so far, the brackets that are open, and what is due."""

    def __init__(
        self,
        faults: Faults,
        names: MutableMapping[str, Any],
        found: list[Token],
        after: Token | None,
    ) -> None:
        self.faults = faults
        self.names = names
        self.found = found
        self.last = after  # the token before the present one
        self.pieces: list[Piece] = []
        self.open: list[_Open] = []
        self.primary = 0  # where the present operand begins among the pieces
        self.place = 0
        self.needs_operand = True
        self.closing_after: int | None = None  # a bracket to close behind the next operand
        self.sign = ""  # the operator before the present operand
        self.signs = 0  # in a row before an operand
        self.raised = 0  # raised numbers in a row behind it

    def stop(
        self, message: str, token: Token, hint: str, edits: list[Edit] | None = None
    ) -> NoReturn:
        """Note a fault at a token and give the expression up."""
        self.faults.add(message, (token.start, token.end), hint, edits)
        raise Unreadable

    def missing(self, token: Token | None) -> NoReturn:
        """An operand is missing before ``token``, or at the end."""
        last = self.last
        here = token or last
        assert here is not None
        left = last.text if last else ""
        if last is None or (token and left in ("(", "[", ",", "=", "|", "||")):
            if token and token.text in (")", "]", "}", "|", "||", ","):
                self.stop(f"nothing stands between {left} and {token.text}", token, "write a value")
            if token is None or left == "":
                self.stop(
                    f"the left side of {here.text} is missing", here, "write what stands there"
                )
            self.stop(f"the left side of {token.text} is missing", token, "write what stands there")
        if token is None or token.text in (")", "]", "}", ",", "|", "||"):
            what = f"the right side of {left} is missing"
            if left == ",":
                what = "nothing stands after the last comma"
            self.stop(what, last, "write what stands there")
        self.stop(
            f"nothing stands between {left} and {token.text}",
            token,
            f"leave out {left} or {token.text}",
        )

    def push(self, text: str, token: Token, mark: str = "") -> None:
        """A word that stands for the token."""
        self.pieces.append(Piece(text, token.start, token.end, mark))

    def insert(self, before: list[str], after: list[str]) -> None:
        """Words around the present operand that stand for nothing in the text."""
        start, end = self.pieces[self.primary].start, self.pieces[-1].end
        opening = [
            Piece(text, start, start, "call" if text == "(" and len(before) > 1 else "")
            for text in before
        ]
        self.pieces[self.primary : self.primary] = opening
        self.pieces += [Piece(text, end, end) for text in after]

    def inside(self, sign: str) -> bool:
        """Whether the innermost open bracket is of this kind."""
        return bool(self.open) and self.open[-1].sign == sign

    def peek(self) -> Token | None:
        """The token after the present one."""
        return self.found[self.place] if self.place < len(self.found) else None

    def group(self, place: int) -> int | None:
        """Where the one operand that begins at a token ends: a name, a number, or brackets."""
        if place >= len(self.found):
            return None
        first, *rest = self.found[place : place + 2]
        if first.text not in ("(", "{"):
            tight = rest and rest[0].text in ("(", "[", ".", "^", "**")
            return place + 1 if first.kind in ("name", "number") and not tight else None
        depth = 0
        for end in range(place, len(self.found)):
            text = self.found[end].text
            depth += (text in CLOSERS) - (text in CLOSERS.values())
            if not depth:
                return end + 1
        return None

    def inner_text(self, first: int, end: int) -> str:
        """The tokens as the text has them, without the brackets around them."""
        if end <= first:
            return ""
        text = self.faults.text[self.found[first].start : self.found[end - 1].end]
        return text[1:-1] if self.found[first].text in ("(", "{") else text

    def operand_text(self, start: int, end: int) -> str:
        """A stretch of the text as hints show it, with the faults inside it mended."""
        return shorter(self.faults.mended(start, end) or self.faults.text[start:end])

    def after_sign(self, token: Token) -> None:
        """An operand is due."""
        self.needs_operand, self.signs, self.sign = True, 0, token.text

    def enter(self, sign: str, token: Token, begin: int) -> None:
        """Open a bracket."""
        if len(self.open) >= DEEPEST:
            self.stop(
                f"nested more than {DEEPEST} deep", token, "name parts of it on lines of their own"
            )
        self.open.append(_Open(sign, token, begin, self.sign))
        self.sign = ""

    def close(self, token: Token) -> None:
        """Close the innermost bracket."""
        if not self.open:
            self.stop(f"{token.text} closes nothing", token, "leave it out, or open it before")
        opened = self.open.pop()
        expected = CLOSERS.get(opened.token.text, opened.token.text)
        if token.text != expected:
            self.faults.add(
                f"{opened.token.text} is closed by {token.text}",
                (opened.token.start, token.end),
                f"write {expected}",
            )
            raise Unreadable
        self.primary = opened.begin
        self.needs_operand, self.signs, self.sign = False, 0, opened.before
        if opened.sign == "{":
            fault = next((f for f in self.faults.found if f.start == opened.token.start), None)
            if fault and fault.edits is not None:
                fault.edits.append(Edit(token.start, token.end, ")"))
            self.push(")", token, "{")
        elif opened.sign == "||":
            self._close_norm(opened, token)
        else:
            self.push(")" if opened.sign in ("|", "⟨") else token.text, token)
        self.close_application()

    def _close_norm(self, opened: _Open, token: Token) -> None:
        """‖x‖, also with the order of the norm lowered behind it."""
        order, end = self._order(token)
        name = "norm1" if order == "1" else "norm"
        mark = "‖2" if order == "2" else "||"
        called = self.pieces[opened.begin]
        self.pieces[opened.begin] = dataclasses.replace(called, text=name, mark=mark)
        inside = self.operand_text(opened.token.end, token.start)
        edits = [
            Edit(opened.token.start, opened.token.end, f"{name}("),
            Edit(token.start, end, ")"),
        ]
        if order != "2":  # which of a matrix is another norm: the reader knows
            self.faults.add(
                "bars are not in the language",
                (opened.token.start, end),
                f"write {name}({inside})",
                edits,
            )
        self.push(")", token._replace(end=end))

    def _order(self, token: Token) -> tuple[str, int]:
        """The order lowered behind bars, and where it ends: ‖x‖₂, ‖x‖_1, ‖A‖_F."""
        rest = self.found[self.place : self.place + 4]
        words = [unicodedata.normalize("NFKC", t.text) for t in rest]
        ways = {
            1: [f"_{order}" for order in ("1", "2", "F", "fro")],
            4: [f"_{{{order}}}" for order in ("1", "2", "F")],
        }
        for count, spellings in ways.items():
            written = "".join(words[:count])
            lowered = count == 1 and rest and rest[0].kind == "stray" and written in ("1", "2")
            if written in spellings or lowered:
                self.place += count
                return written.strip("_{}"), rest[count - 1].end
        return "", token.end

    def open_bar(self, token: Token) -> None:
        """|x| and ||x||, as calls."""
        if not any(self.found[i].text == token.text for i in range(self.place, len(self.found))):
            self.stop(f"{token.text} is never closed", token, "write norm(x) or abs(x)")
        self.enter(token.text, token, len(self.pieces))
        name = "norm" if token.text == "||" else "abs"
        self.pieces.append(Piece(name, token.start, token.end, token.text))
        self.pieces.append(Piece("(", token.end, token.end, "call"))

    def close_application(self) -> None:
        """The bracket that a function without brackets lacks."""
        if self.closing_after is not None:
            end = self.pieces[-1].end
            self.pieces.append(Piece(")", end, end))
            self.primary, self.closing_after = self.closing_after, None
