"""Notation: the tokens of an expression brought to what ``ast`` reads, faults noted on the way."""

from __future__ import annotations

import keyword
from collections.abc import MutableMapping
from typing import Any

from tensorcalc.reading.faults import Edit, Fault, Faults, cut, wrapped
from tensorcalc.reading.foreign import FUNCTIONS, letter_for
from tensorcalc.reading.pieces import DEEPEST, Unreadable
from tensorcalc.reading.raised import Raised
from tensorcalc.reading.tokens import CLOSERS, Token
from tensorcalc.reading.written import Piece, Written

__all__ = ["Notation"]

_LONGEST = 10_000  # words of one expression

_BINARY = {
    *("+", "-", "*", "/", "@", "**", "<", ">", "<=", ">=", "==", "!="),
    *("//", "%", "&", "<<", ">>"),
}
# signs that stand for another; the reader knows what is on both sides and judges
_FOREIGN = {
    "·": "@", "×": "*", "^": "**", ".*": "*", "./": "/", ".^": "**", "\\": "@", "∘": "*", "÷": "/",
}  # fmt: skip


class Notation:
    """Reads the expressions of one program, whose ``names`` grow line by line."""

    def __init__(self, faults: Faults, names: MutableMapping[str, Any]) -> None:
        self.faults = faults
        self.names = names
        self._renamed: dict[str, tuple[str, Fault]] = {}

    def rename(self, token: Token, assigned: bool = False) -> str:
        """A name in place of a keyword; the first use of the keyword is a fault."""
        if token.text not in self._renamed:
            name = letter_for(token.text, self.names, assigned)
            known = assigned or name in self.names
            fault = self.faults.add(
                f"{token.text} is a word of Python and no name",
                (token.start, token.end),
                f"write {name}" if known else f"write {name}, and add its shape: {name}=…",
                [] if known else None,
            )
            if not known:
                self.names[name] = None
            self._renamed[token.text] = name, fault
        name, fault = self._renamed[token.text]
        if fault.edits is not None:
            fault.edits.append(Edit(token.start, token.end, name))
        return name

    def expression(self, found: list[Token], after: Token | None = None) -> Written:
        """The expression that the tokens write; ``after`` is the sign that they follow."""
        if len(found) > _LONGEST:
            self.faults.add(
                f"an expression of {len(found):,} words",
                (found[0].start, found[-1].end),
                "name parts of it on lines of their own",
            )
            raise Unreadable
        return _Reading(self, found, after).written()


class _Reading(Raised):
    """One expression on its way: operand, operator, operand."""

    def __init__(self, notation: Notation, found: list[Token], after: Token | None) -> None:
        super().__init__(notation.faults, notation.names, found, after)
        self.notation = notation

    # ── the whole ────────────────────────────────────────────────────────────────────────

    def written(self) -> Written:
        while self.place < len(self.found):
            if self.faults.full:
                raise Unreadable
            token = self.found[self.place]
            self.place += 1
            if self.needs_operand:
                self.operand(token)
            else:
                self.operator(token)
            self.last = token
        if self.open:
            bracket = self.open[-1]
            closer = CLOSERS.get(bracket.token.text, bracket.token.text)
            self.stop(f"{bracket.token.text} is never closed", bracket.token, f"add {closer}")
        if self.needs_operand:
            self.missing(None)
        try:
            return Written(self.faults.text, self.pieces)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            deep = isinstance(error, (MemoryError, RecursionError))
            first, last = self.found[0], self.found[-1]
            self.faults.add(
                "nested too deeply to be read" if deep else "this expression cannot be read",
                (first.start, last.end),
                "name parts of it on lines of their own",
            )
            raise Unreadable from None

    # ── where an operand is due ──────────────────────────────────────────────────────────

    def operand(self, token: Token) -> None:
        if token.text in ("∑", "∏"):
            self.refuse_index_sum(token)
        self.refuse_stray(token)
        if token.kind == "name":
            token = self.apart(token)
            self.refuse_index_sum(token)
            self.refuse_derivative(token)
        if token.kind in ("name", "number", "text"):
            self.begin(token)
        elif self.open_angle(token):
            pass
        elif token.text == "√":
            self.refuse_root(token)
        elif token.text in ("+", "-"):
            self.signs += 1
            if self.signs > DEEPEST:
                self.stop(f"more than {DEEPEST} signs in a row", token, "leave some out")
            self.push(token.text, token)
        elif token.text == "(":
            self.enter("(", token, len(self.pieces))
            self.push("(", token)
        elif token.text in ("|", "||"):
            self.open_bar(token)
        elif token.text == "{":
            if self.sign != "^":
                self.faults.add(
                    "{ } are no brackets here",
                    (token.start, token.end),
                    "use round brackets",
                    [Edit(token.start, token.end, "(")],
                )
            self.enter("{", token, len(self.pieces))
            self.push("(", token, "{")
        elif token.text == "[":
            self.stop(
                "a list is not in the language",
                token,
                "give arrays by their shapes, beside the text",
            )
        elif token.text == "\\" and self.place < len(self.found):
            self.refuse_latex(token)
            self.missing(token)
        elif token.text == ":" and self.inside("["):
            self.colon(token)
        elif token.text in (")", "]", "}"):
            self.close_early(token)
        elif token.text == "," and self.inside("[") and self.pieces[-1].text == ":":
            self.push(",", token)
        elif token.text in _BINARY or token.text in _FOREIGN or token.text in ("=", ","):
            self.missing(token)
        else:
            self.unknown_sign(token)

    def begin(self, token: Token) -> None:
        """A name, a number or a text as an operand."""
        self.primary, self.signs, self.raised = len(self.pieces), 0, 0
        if token.kind == "number":
            self.push(self.number(token), token)
        elif token.kind == "text":
            self.push(ascii(token.text[1:-1]), token)
        elif keyword.iskeyword(token.text):
            self.push(self.keyword(token), token)
        else:
            self.push(token.text, token)
        self.needs_operand = False
        self.close_application()

    def keyword(self, token: Token) -> str:
        """A keyword where a value is due: a name that Python keeps for itself, or a construct."""
        rest = self.found[self.place : self.place + 40]
        ahead = next((t.text for t in rest if t.kind != "name" and t.text not in (",", "*")), "")
        option = self.inside("call") and self.pieces[-1].text == "="
        if token.text in ("True", "False", "None") and option:  # which the function may not have
            return token.text
        if token.text == "lambda" and ahead != ":":
            return self.notation.rename(token)
        return self.construct(token)

    def close_early(self, token: Token) -> None:
        """A bracket closes where an operand is due."""
        last, opened = self.last, self.open[-1] if self.open else None
        empty_call = opened and opened.sign == "call" and self.pieces[-1].mark == "call"
        trailing = opened and opened.sign in ("call", "[") and self.pieces[-1].text == ","
        slice_ = opened and opened.sign == "[" and self.pieces[-1].text == ":"
        if token.text == CLOSERS.get(opened.token.text if opened else "") and (
            empty_call or (trailing and last) or slice_
        ):
            self.close(token)
        else:
            self.missing(token)

    # ── where an operator is due ─────────────────────────────────────────────────────────

    def operator(self, token: Token) -> None:
        self.refuse_stray(token)
        text = token.text
        if self.is_raised_function(token):
            self.refuse_raised_function(token)
        if token.kind == "name" and keyword.iskeyword(text) and text != "lambda":
            self.construct(token)
        if token.kind in ("name", "number", "text"):
            self.side_by_side(token)
        elif token.kind == "power":
            self.superscript(token)
        elif text in ("(", "{"):
            self.bracket(token)
        elif text == "[":
            self.enter("[", token, self.primary)
            self.push("[", token)
            self.needs_operand = True
        elif text in (")", "]", "}", "⟩"):
            self.close(token)
        elif text == ".":
            self.attribute(token)
        elif text in ("'", ".'"):
            self.transpose(token, "primes are not in the language")
        elif text == "T":
            self.transpose(token, "a T behind a name is no transpose here")
        elif text == "ᵀ":
            self.pieces += [Piece(".", token.start, token.end), Piece("T", token.start, token.end)]
        elif text in ("|", "||") and self.inside(text):
            self.close(token)
        elif text in ("|", "||") and any(t.text == text for t in self.found[self.place :]):
            self.side_by_side(token)
        elif text == "\\" and self.place < len(self.found):
            self.refuse_latex(token)
            self.binary(token)
        elif text in ("^", "**") and self.raised_transpose(token):
            pass
        elif text in _BINARY or text in _FOREIGN or text == "|":
            self.binary(token)
        elif text == ",":
            self.push(",", token)
            self.after_sign(token)
        elif text == ":" and self.inside("["):
            self.colon(token)
        elif text == "=":
            self.equals(token)
        elif text in ("√",):
            self.stop("no operator stands before √", token, "write * sqrt(x)")
        else:
            self.unknown_sign(token)

    def binary(self, token: Token) -> None:
        foreign = _FOREIGN.get(token.text)
        self.push(foreign or token.text, token, token.text if foreign else "")
        self.after_sign(token)

    def colon(self, token: Token) -> None:
        self.push(":", token)
        self.after_sign(token)

    def equals(self, token: Token) -> None:
        named = len(self.pieces) > 1 and self.pieces[-2].text in ("(", ",")
        if self.inside("call") and named and self.pieces[-1].text.isidentifier():
            self.push("=", token)
            self.after_sign(token)
        elif self.open and "\n" in self.faults.text[self.open[0].token.end : token.start]:
            opened = self.open[0].token
            self.stop(
                f"{opened.text} is never closed",
                opened,
                f"add {CLOSERS.get(opened.text, opened.text)}",
            )
        elif self.open:
            self.stop("= inside an expression", token, "name the value on a line of its own")
        else:
            self.stop("a second = in one line", token, "assign one name on each line")

    def side_by_side(self, token: Token) -> None:
        """Two operands without an operator: a product, or a function without brackets."""
        before = self.pieces[-1]
        if self.inside("[") and before.text != "]":
            self.stop("no comma between two indices", token, "write A[i, j]")
        gap = token._replace(text="side by side", start=before.end, end=token.start)
        if (
            self.is_function(before.text)
            and self.primary == len(self.pieces) - 1
            and token.kind != "text"
        ):
            following = self.peek()
            if token.text not in ("(", "{"):
                certain = following is None or following.text in (*_BINARY, ")", ",", "]")
                opened = Edit.between(gap.start, gap.end, "(")
                edits = [opened, *wrapped(token.end, token.end, "", ")")] if certain else None
                self.faults.add(
                    f"{before.text} without brackets",
                    (before.start, token.end),
                    f"write {FUNCTIONS.get(before.text, before.text)}({cut(token.text)})",
                    edits,
                )
            self.pieces.append(Piece("(", gap.start, gap.end, "call"))
            begin = self.primary
            self.closing_after = begin
        else:
            mark = "doubtful" if self.is_doubtful() else "side by side"
            self.pieces.append(Piece("@", gap.start, gap.end, mark))
            self.after_sign(gap)
        self.needs_operand = True
        self.operand(token)

    def is_doubtful(self) -> bool:
        """Whether an operand behind a division or a power may belong to its right side.

        Numbers and brackets raise alone, and numbers divide alone: A^-1 b is (A^-1) b, and
        1/2 x is (1/2) x.
        """
        last = self.pieces[-4:]
        numbers = [p.text[:1].isdecimal() or p.text[:1] == "." for p in last]
        if self.sign in ("**", "^"):
            return not (numbers[-1] or self.pieces[self.primary].text == "(")
        alone = len(last) == 3 or last[0].text in ("(", "+", "-", ",", "=")
        halves = len(last) > 2 and alone and numbers[-3] and numbers[-1]
        return self.sign in ("/", "÷", "./") and not halves

    def bracket(self, token: Token) -> None:
        before = self.pieces[-1]
        if token.text == "(" and before.text.isidentifier():
            self.enter("call", token, self.primary)
            self.push("(", token, "call")
            self.needs_operand, self.signs = True, 0
        else:
            self.side_by_side(token)

    def attribute(self, token: Token) -> None:
        name = self.peek()
        if name is None or name.kind != "name":
            self.stop("no name after the dot", token, "write x.T for the transpose")
        self.place += 1
        name = self.leading_transpose(name) or name
        self.push(".", token)
        self.push(f"{name.text}_" if keyword.iskeyword(name.text) else name.text, name)
