"""Notation: the tokens of an expression brought to what ``ast`` reads, faults noted on the way."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import MutableMapping
from typing import Any, NamedTuple, NoReturn

from tensorcalc.reading.faults import Edit, Fault, Faults, cut, wrapped
from tensorcalc.reading.foreign import CONSTRUCTS, LATEX, SIGN_HINTS, letter_for
from tensorcalc.reading.tokens import CLOSERS, Token
from tensorcalc.reading.written import Piece, Written
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["DEEPEST", "Notation", "Unreadable"]

DEEPEST = 150
_LONGEST = 10_000  # words of one expression
_LONGEST_NUMBER = 350

_BINARY = {
    "+",
    "-",
    "*",
    "/",
    "@",
    "**",
    "<",
    ">",
    "<=",
    ">=",
    "==",
    "!=",
    "//",
    "%",
    "&",
    "<<",
    ">>",
}
# signs that stand for another; the reader knows what is on both sides and judges
_FOREIGN = {
    "·": "@", "×": "*", "^": "**", ".*": "*", "./": "/", ".^": "**", "\\": "@", "∘": "*", "÷": "/",
}  # fmt: skip
_AUGMENTED = {"+=", "-=", "*=", "/=", "@=", "**=", "//=", "%=", "^=", "&=", "|=", "<<=", ">>="}


class Unreadable(Exception):
    """The rest of a statement cannot be read; its fault is noted."""


class _Open(NamedTuple):
    """An opened bracket: what it opens, where its operand begins, the operator before it."""

    sign: str  # "(", "call", "[", "{", "|" or "||"
    token: Token
    begin: int
    before: str


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


class _Reading:
    """One expression on its way: operand, operator, operand."""

    def __init__(self, notation: Notation, found: list[Token], after: Token | None) -> None:
        self.notation = notation
        self.faults = notation.faults
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

    def stop(
        self, message: str, token: Token, hint: str, edits: list[Edit] | None = None
    ) -> NoReturn:
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

    # ── where an operand is due ──────────────────────────────────────────────────────────

    def operand(self, token: Token) -> None:
        self.refuse_stray(token)
        if token.kind in ("name", "number", "text"):
            self.begin(token)
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

    def number(self, token: Token) -> str:
        text = token.text
        if len(text) > _LONGEST_NUMBER:
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
            and following.text in {"j", "J"}.difference(self.notation.names)
        ):
            self.stop(
                "complex numbers are not in the language",
                token._replace(end=following.end),
                "quantities are real",
            )
        return plain

    def keyword(self, token: Token) -> str:
        """A keyword where a value is due: a name that Python keeps for itself, or a construct."""
        rest = self.found[self.place : self.place + 40]
        ahead = next((t.text for t in rest if t.kind != "name" and t.text not in (",", "*")), "")
        if token.text == "lambda" and ahead != ":":
            return self.notation.rename(token)
        return self.construct(token)

    def construct(self, token: Token) -> NoReturn:
        self.stop(f"{token.text} is not in the language", token, CONSTRUCTS[token.text])

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

    def inside(self, sign: str) -> bool:
        return bool(self.open) and self.open[-1].sign == sign

    def peek(self) -> Token | None:
        return self.found[self.place] if self.place < len(self.found) else None

    # ── where an operator is due ─────────────────────────────────────────────────────────

    def operator(self, token: Token) -> None:
        self.refuse_stray(token)
        text = token.text
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
        elif text in (")", "]", "}"):
            self.close(token)
        elif text == ".":
            self.attribute(token)
        elif text in ("'", ".'"):
            self.transpose(token, "primes are not in the language")
        elif text == "ᵀ":
            self.pieces += [Piece(".", token.start, token.end), Piece("T", token.start, token.end)]
        elif text in ("|", "||") and self.inside(text):
            self.close(token)
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

    def after_sign(self, token: Token) -> None:
        self.needs_operand, self.signs, self.sign = True, 0, token.text

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
        function = before.text in FUNCTION_NAMES and before.text not in self.notation.names
        if function and self.primary == len(self.pieces) - 1 and token.kind != "text":
            following = self.peek()
            if token.text not in ("(", "{"):
                certain = following is None or following.text in (*_BINARY, ")", ",", "]")
                opened = Edit.between(gap.start, gap.end, "(")
                edits = [opened, *wrapped(token.end, token.end, "", ")")] if certain else None
                self.faults.add(
                    f"{before.text} without brackets",
                    (before.start, token.end),
                    f"write {before.text}({cut(token.text)})",
                    edits,
                )
            self.pieces.append(Piece("(", gap.start, gap.end, "call"))
            begin = self.primary
            self.closing_after = begin
        else:
            mark = "doubtful" if self.sign in ("/", "÷", "./", "**", "^") else "side by side"
            self.pieces.append(Piece("@", gap.start, gap.end, mark))
            self.after_sign(gap)
        self.needs_operand = True
        self.operand(token)

    def close_application(self) -> None:
        if self.closing_after is not None:
            end = self.pieces[-1].end
            self.pieces.append(Piece(")", end, end))
            self.primary, self.closing_after = self.closing_after, None

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
        self.push(".", token)
        self.push(f"{name.text}_" if keyword.iskeyword(name.text) else name.text, name)

    def superscript(self, token: Token) -> None:
        if token.text.strip("-+") == "" or not token.text.lstrip("-+").isdecimal():
            self.stop("a raised sign without a number", token, "write powers with **")
        if token.text == "-1":
            self.insert(["inv", "("], [")"])
            self.pieces[self.primary].mark = "⁻¹"
            self.pieces[-1].start, self.pieces[-1].end = token.start, token.end
            return
        if len(token.text) > _LONGEST_NUMBER:
            self.stop(f"a power of {len(token.text):,} digits", token, "write fewer digits")
        self.raised += 1
        if self.raised > DEEPEST:
            self.stop(f"more than {DEEPEST} powers in a row", token, "multiply them")
        digits = token.text.lstrip("-+").lstrip("0") or "0"
        self.insert(["("], [])
        self.push("**", token)
        self.push(f"({'-' if token.text[0] == '-' else ''}{digits})", token)
        self.push(")", token._replace(start=token.end))

    def transpose(self, token: Token, message: str) -> None:
        before, following = self.pieces[-1].text, self.peek()
        if following and following.text == "(" and before in FUNCTION_NAMES:
            self.stop(
                f"{before}′ is no function here",
                token,
                "derivatives are taken of the program: p.derivative(of, wrt)",
            )
        start = self.pieces[self.primary].start
        self.faults.add(
            message,
            (start, token.end),
            "write .T for the transpose",
            [Edit(token.start, token.end, ".T")],
        )
        self.pieces += [Piece(".", token.start, token.end), Piece("T", token.start, token.end)]

    def raised_transpose(self, token: Token) -> bool:
        """x^T, also with braces, where no quantity is called T."""
        ahead = self.found[self.place : self.place + 3]
        texts = [t.text for t in ahead]
        count = 3 if texts[:1] == ["{"] and texts[2:] == ["}"] else 1
        letter = texts[count // 2] if len(texts) >= count else ""
        if letter not in ("T", "t") or letter in self.notation.names:
            return False
        self.place += count
        end = ahead[count - 1].end
        start = self.pieces[self.primary].start
        self.faults.add(
            "a raised T is no transpose here",
            (start, end),
            "write .T",
            [Edit(self.pieces[-1].end, end, ".T")],
        )
        self.pieces += [Piece(".", token.start, end), Piece("T", token.start, end)]
        return True

    # ── brackets ─────────────────────────────────────────────────────────────────────────

    def enter(self, sign: str, token: Token, begin: int) -> None:
        if len(self.open) >= DEEPEST:
            self.stop(
                f"nested more than {DEEPEST} deep", token, "name parts of it on lines of their own"
            )
        self.open.append(_Open(sign, token, begin, self.sign))
        self.sign = ""

    def close(self, token: Token) -> None:
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
            edits = [
                Edit(opened.token.start, opened.token.end, "norm("),
                Edit(token.start, token.end, ")"),
            ]
            self.faults.add(
                "bars are not in the language",
                (opened.token.start, token.end),
                "write norm(x) for the length",
                edits,
            )
            self.push(")", token)
        else:
            self.push(")" if opened.sign == "|" else token.text, token)
        self.close_application()

    def open_bar(self, token: Token) -> None:
        if not any(self.found[i].text == token.text for i in range(self.place, len(self.found))):
            self.stop(f"{token.text} is never closed", token, "write norm(x) or abs(x)")
        self.enter(token.text, token, len(self.pieces))
        name = "norm" if token.text == "||" else "abs"
        self.pieces.append(Piece(name, token.start, token.end, token.text))
        self.pieces.append(Piece("(", token.end, token.end, "call"))

    # ── what the language lacks ──────────────────────────────────────────────────────────

    def refuse_stray(self, token: Token) -> None:
        if token.kind == "stray":
            self.refuse_lowered(token)
            self.stop(*_stray(token))
        if token.kind == "open text":
            self.stop(
                f"the text that {token.text} begins is never closed",
                token,
                f"close it with {token.text}, or write .T for the transpose",
            )
        if token.kind == "power" and self.needs_operand:
            self.missing(token)

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

    def refuse_latex(self, token: Token) -> None:
        following = self.found[self.place]
        word = following.text
        adjacent = following.kind == "name" and following.start == token.end
        if adjacent and word in LATEX and word not in self.notation.names:
            self.stop(
                f"\\{word} is LaTeX",
                token._replace(end=following.end),
                "write it as in Python: sigmoid(W @ x)",
            )

    def unknown_sign(self, token: Token) -> NoReturn:
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
