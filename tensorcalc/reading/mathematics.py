"""Notation of mathematics on paper: names without gaps, ⟨x, y⟩, sin²(x), sums over an index.

Each is brought to tokens of the language where one reading only is possible, and refused with
what to write where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from tensorcalc.reading.faults import Edit
from tensorcalc.reading.foreign import CONSTANTS, FUNCTIONS, MODULES
from tensorcalc.reading.latex import LatexRefusals
from tensorcalc.reading.tokens import CLOSERS, Token
from tensorcalc.reading.written import Piece
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["Mathematical", "split_name"]

_SHORT = re.compile(r"[^\W\d_](?:_?\d+)?")  # x, W1, a_2
_LONGEST = 12  # letters of a name that is read as several
_SUM = re.compile(r"(?:sum|prod|Σ|Π)_\w*")
_DERIVATIVE = "derivatives are taken of the program: "


def split_name(name: str, names: Container[str]) -> list[str] | None:
    """The short names and transposes that a name consists of: W, x for Wx.

    A T behind a name is a transpose if no quantity is called T. None where no such reading
    exists, or where there are several.
    """
    ways: list[list[str]] = [[]] if len(name) <= _LONGEST else []
    found: list[list[str]] = []
    while ways:
        way = ways.pop()
        place = sum(map(len, way))
        if place == len(name):
            found.append(way)
        for end in range(place + 1, min(len(name), place + 4) + 1):
            part = name[place:end]
            transposes = part == "T" and "T" not in names and way and way[-1] != "T"
            if transposes or (_SHORT.fullmatch(part) and part in names):
                ways.append([*way, part])
    return found[0] if len(found) == 1 and len(found[0]) > 1 else None


class Mathematical(LatexRefusals):
    """Reads, or refuses with what to write, the notation of mathematics."""

    # ── names without gaps ───────────────────────────────────────────────────────────────

    def is_function(self, name: str) -> bool:
        """Whether the name is a function's, here or elsewhere, and no quantity's."""
        return name not in self.names and (name in FUNCTION_NAMES or name in FUNCTIONS)

    def apart(self, token: Token) -> Token:
        """The first of the names that an unknown one consists of; the others come next."""
        name, following = token.text, self.peek()
        applied = following and following.text == "(" and following.start == token.end
        known = name in self.names or name in CONSTANTS or name in MODULES or applied
        if known or self.is_function(name) or len(name) != token.end - token.start:
            return token
        parts = split_name(name, self.names)
        if not parts or any(other.lower() == name.lower() for other in self.names):
            return token
        return self._replaced(token, parts)

    def leading_transpose(self, token: Token) -> Token | None:
        """The T of Tx, where x is a name: behind a dot or a raised sign."""
        whole, rest = token.text, token.text[1:]
        if whole[:1] != "T" or {"T", whole} & self.names.keys() or not rest:
            return None
        parts = [rest] if rest in self.names else split_name(rest, self.names)
        fits = parts and len(whole) == token.end - token.start
        return self._replaced(token, ["T", *(parts or [])]) if fits else None

    def _replaced(self, token: Token, parts: Sequence[str]) -> Token:
        """The first of the parts of a token; the others come next."""
        split, start = [], token.start
        for k, part in enumerate(parts):
            kind = "sign" if part == "T" and k else "name"
            split.append(Token(kind, part, start, start + len(part)))
            start += len(part)
        self.found[self.place : self.place] = split[1:]
        return split[0]

    # ── ⟨x, y⟩ ───────────────────────────────────────────────────────────────────────────

    def open_angle(self, token: Token) -> bool:
        """⟨x, y⟩, also as <x, y>: a call of dot or frobenius."""
        if token.text == "<":
            end = self._closing_angle()
            if end is None:
                return False
            self.found[end] = self.found[end]._replace(text="⟩")
            token = token._replace(text="⟨")
        if token.text != "⟨":
            return False
        self.enter("⟨", token, len(self.pieces))
        self.pieces.append(Piece("dot", token.start, token.end, "⟨"))
        self.pieces.append(Piece("(", token.end, token.end, "call"))
        return True

    def _closing_angle(self) -> int | None:
        """The place of the > that closes < around two values."""
        depth = commas = 0
        for place in range(self.place, len(self.found)):
            text = self.found[place].text
            depth += (text in CLOSERS) - (text in CLOSERS.values())
            commas += text == "," and not depth
            if text == ">" and not depth:
                return place if commas == 1 else None
        return None

    # ── functions raised, roots ──────────────────────────────────────────────────────────

    def is_raised_function(self, token: Token) -> bool:
        """Whether a power stands behind the name of a function, in place of its argument."""
        raises = token.kind == "power" or token.text in ("^", "**")
        alone = self.primary == len(self.pieces) - 1
        return raises and alone and self.is_function(self.pieces[-1].text)

    def refuse_raised_function(self, token: Token) -> None:
        """sin²(x) and exp^x."""
        function, first = self.pieces[-1], self.place
        if token.kind == "power":
            exponent, place = token.text, first
        else:
            minus = first < len(self.found) and self.found[first].text == "-"
            number = [t.kind == "number" for t in self.found[first + minus : first + minus + 1]]
            place = first + minus + 1 if number == [True] else self.group(first + minus)
            place = place or len(self.found)
            exponent = self.inner_text(first, place)
        argument = self.group(place)
        if not re.fullmatch(r"-?\s*\d+", exponent):
            self._applied(function, token, first, place, exponent)
        if "-" in exponent or argument is None:
            shown = self.inner_text(place, argument) if argument else "x"
            inverse = (
                f"arc{function.text}({shown}) or "
                if f"arc{function.text}" in FUNCTION_NAMES
                else ""
            )
            raised = f"write {inverse}{function.text}({shown})**{exponent}"
            end = self.found[place - 1].end
            self.stop(f"a power of {function.text} itself", _over(function, end), raised)
        last = self.found[argument - 1].end
        opened = self.found[place]
        edits = [Edit(token.start, opened.end, "("), Edit(last - 1, last, f")**{exponent}")]
        if opened.text not in ("(", "{"):
            edits = [Edit(token.start, opened.start, "("), Edit(last, last, f")**{exponent}")]
        self.stop(
            f"{function.text} is raised before it is applied",
            _over(function, last),
            f"write {self.rewritten(function.start, last, edits)}",
            edits,
        )

    def _applied(self, function: Piece, token: Token, first: int, place: int, value: str) -> None:
        """exp^x: the argument is raised."""
        end = self.found[place - 1].end if place > first else token.end
        certain = function.text == "exp" and place > first
        bracketed = place > first and self.found[first].text in ("(", "{")
        opened = self.found[first] if place > first else token
        edits = [Edit(token.start, opened.end if bracketed else opened.start, "(")]
        edits.append(Edit(end - bracketed, end, ")"))
        self.stop(
            f"{function.text} is a function, and no number to raise",
            _over(function, end),
            f"write {function.text}({value or 'x'})",
            edits if certain else None,
        )

    def refuse_root(self, token: Token) -> None:
        """√x."""
        end = self.group(self.place)
        if end is None:
            self.stop("√ is not in the language", token, "write sqrt(x)")
        first, last = self.found[self.place], self.found[end - 1].end
        edits = [Edit(token.start, first.start, "sqrt("), Edit(last, last, ")")]
        if first.text == "(":
            edits = [Edit(token.start, token.end, "sqrt")]
        hint = f"write {self.rewritten(token.start, last, edits)}"
        self.stop("√ is not in the language", token, hint, edits)

    # ── sums over an index, derivatives ──────────────────────────────────────────────────

    def refuse_index_sum(self, token: Token) -> None:
        """sum_i x_i, Σ_{i=1}^n x_i and their like."""
        following = self.peek()
        lowered = following is not None and following.text.startswith("_")
        word = token.text
        capital = token.text in ("Σ", "Π") and following is not None
        if capital and not lowered:
            capital = following.kind == "name" and "_" in following.text  # type: ignore[union-attr]
        if token.text in ("∑", "∏") or capital:
            word += following.text if following and lowered else "_"
            self.place += lowered
        if token.text in self.names or not (_SUM.fullmatch(word) or word[0] in "∑∏"):
            return
        function = "prod" if word[0] in "pΠ∏" else "sum"
        index = word.partition("_")[2]
        if self._at("{"):
            end = self.group(self.place) or len(self.found)
            index = self.inner_text(self.place, end).partition("=")[0].strip()
            self.place = end
        if self._at("^"):
            self.place = self.group(self.place + 1) or len(self.found)
        self._refuse_sum(token, function, index)

    def _at(self, sign: str) -> bool:
        following = self.peek()
        return following is not None and following.text == sign

    def _refuse_sum(self, token: Token, function: str, index: str) -> None:
        end, edits = self._summand(index)
        word = "product" if function == "prod" else "sum"
        message = f"a {word} over {index}" if index else f"a {word} without brackets"
        if edits is None or end <= self.place:
            hint = f"write {function}(x) of all entries; @ and einsum sum products"
            self.stop(message, token, hint)
        last = self.found[end - 1].end
        edits = [Edit(token.start, self.found[self.place].start, f"{function}("), *edits]
        edits.append(Edit(last, last, ")"))
        hint = f"write {self.rewritten(token.start, last, edits)}"
        self.stop(message, token._replace(end=last), hint, edits)

    def _summand(self, index: str) -> tuple[int, list[Edit] | None]:
        """Where the summand ends, and the edits that write it for all entries at once."""
        edits: list[Edit] = []
        for token in self.found[self.place :]:
            base, _, lower = token.text.rpartition("_")
            index = index or (lower if token.kind == "name" and base in self.names else "")
        depth, place, stripped, operand = 0, self.place, not index, False
        while place < len(self.found):
            token = self.found[place]
            if not depth and token.text in ("+", "-", ",", ")", "]", "}", "="):
                break
            starts = token.kind in ("name", "number") or token.text in ("(", "{")
            if operand and starts:
                edits.append(Edit.between(self.found[place - 1].end, token.start, " * "))
            depth += (token.text in CLOSERS) - (token.text in CLOSERS.values())
            lowered = token.kind == "name" and index and token.text.endswith(f"_{index}")
            entry = [t.text for t in self.found[place + 1 : place + 4]] == ["[", index, "]"]
            if lowered:
                edits.append(Edit(token.end - len(index) - 1, token.end, ""))
            elif token.kind == "name" and entry:
                edits.append(Edit(token.end, self.found[place + 3].end, ""))
                place += 3
            elif token.text == "^":
                edits.append(Edit(token.start, token.end, "**"))
            elif token.text.rpartition("_")[0] in self.names and token.text not in self.names:
                return place, None  # another index
            stripped = bool(stripped or lowered or (token.kind == "name" and entry))
            applies = token.kind == "name" and self.is_function(token.text)
            closes = token.text in (")", "]", "}") or token.kind == "power"
            operand = closes or (token.kind in ("name", "number") and not applies)
            place += 1
        return place, edits if stripped and not depth else None

    def refuse_derivative(self, token: Token) -> None:
        """d/dx, dE/dx and d(…)/dx."""
        name, value = token.text, token.text[1:]
        if name[:1] not in ("d", "∂") or name in self.names:
            return
        place = self.place
        if not value and self._at("("):
            place = self.group(place) or place
        slash, below = self.found[place : place + 1], self.found[place + 1 : place + 2]
        by = below[0].text[1:] if below and below[0].text[:1] in ("d", "∂") else ""
        known = by in self.names and (value in self.names or not value)
        if slash and slash[0].text == "/" and known:
            of = f'"{value}"' if value else "p.result"
            self.stop(
                "a derivative inside the text",
                token._replace(end=below[0].end),
                f'{_DERIVATIVE}p.derivative({of}, "{by}")',
            )


def _over(function: Piece, end: int) -> Token:
    """The stretch from a function on."""
    return Token("name", function.text, function.start, end)
