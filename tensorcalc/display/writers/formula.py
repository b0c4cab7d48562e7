"""Reading a formula as text output writes it: ½ ‖u‖², A : BC = BᵀA : C, d(X⁻¹) = −X⁻¹ dX X⁻¹.

A formula is read from a place in a text as far as it goes. What spells otherwise than it stood is
no formula, so nothing is drawn that was not said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from tensorcalc.display.notation import (
    Atom,
    Call,
    Differential,
    Indexed,
    Indicator,
    Infix,
    Inverse,
    Norm,
    Notation,
    Number,
    Partial,
    Power,
    Quotient,
    Raised,
    Scaled,
    Sum,
    Transposed,
)
from tensorcalc.display.raised import RAISED
from tensorcalc.display.spelling import spell
from tensorcalc.functions import FUNCTIONS

__all__ = ["HELD", "MARKED", "FormulaReader"]

HELD = 0xE000  # formulas that stand in prose already, as letters of the private use area
MARKED = re.compile(r"[=:⊙∘⊗←→−+/‖√∂∏≠<>≤≥≈′ᵀᵃ-ᵿʰ-ʸ⁰-⁹⁻₀-₉¹²³_(\[\uE000-\uF8FF]")
_END = re.compile(r"$|(?:'s)?[.,;:!?)]*(?=$|\s)(?! [=:⊙∘⊗←→−+/×≠<>≤≥≈·])")
_WORD = re.compile(r"[A-Za-zα-ωΑ-Ω]+")
_AS_IT_STANDS = re.compile(r"log\|det(?: \w+|\(\w+\))\||\d/√π|√[\dπ½⅓¼⅔]+|∫₀ᵗ")
_NAME = re.compile(r"([A-Za-zα-ωΑ-ΡΤ-Ω])(\d+(?![\d.…])|_[A-Za-z0-9]+)?(′*)")
_RAISED = re.compile(rf"[{''.join(RAISED)}]+")
_FRACTION = {"½": 0.5, "⅓": 1 / 3, "¼": 0.25}
_INDICATOR = re.compile(r"I\[([^\]=]+)=([^\]=]+)\]")
_ENTRIES = re.compile(r"\[[\d:·, \w]+\]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FUNCTION = re.compile(r"([A-Za-z]+(?:_[a-z]+)?|σ)′*")
_DEFINED = re.compile(r"[A-Za-z_]{2,}′*\([^()]*\) = ")  # a function that is told
_SUMMED = re.compile(r"Σ_([a-z]+)(?!\w)")
_AXIS = re.compile(r", axis=\d")
_SPACE = re.compile(r"\s|$")
_LETTER = re.compile(r"_([a-z])(?!\w)")
_AFTER_NAMES = "is|are|and|or|as|in|by|to|of|at|has|with|stands|uses|d[a-z]"
_ARTICLE = re.compile(rf"[aA] (?!(?:{_AFTER_NAMES})\b)[a-z]{{2,}}|[aA] \d|I [a-z]{{2,}}")
_PARTIAL = re.compile(r"∂(\w+)/∂(\w+)(?:\|(\w+(?:,\w+)*))?")
_FUNCTIONS = {f.text or f.name for f in FUNCTIONS} | {
    *("tr", "det", "log", "max", "min", "Diag", "diag", "diagonal", "softmax", "logsumexp", "vec"),
    *("log_softmax", "argmax", "relu", "nonzero", "where", "sum", "mean", "prod", "sign", "σ"),
}  # fmt: skip
_RELATIONS, _PRODUCTS = "=←→≠<>≤≥≈", ":⊙∘⊗"


class _NoFormulaError(Exception):
    """What stands here is no formula."""


class FormulaReader:
    """Reads a formula from a place in a text, as far as it goes."""

    def __init__(self, text: str, held: Sequence[Notation], names: Collection[str]) -> None:
        self.text, self.held, self.names = text, held, names
        self.at = 0

    def formula(self, start: int) -> tuple[Notation, int] | None:
        """The formula that starts here, and where it ends; None for a word or a number."""
        self.at = start
        try:
            read = self._relation()
        except _NoFormulaError:
            return None
        source = self.text[start : self.at]
        known = source in self.names and len(source.strip("′0123456789")) == 1
        known = known or (source[:1] == "d" and source[1:] in self.names)
        if not (known or (MARKED.search(source) and source[0] not in "([")):
            return None
        if not _END.match(self.text, self.at) or _spaceless(spell(read)) != self._plain(source):
            return None
        return read, self.at

    def _plain(self, source: str) -> str:
        whole = "".join(
            spell(self.held[ord(c) - HELD]) if 0 <= ord(c) - HELD < len(self.held) else c
            for c in source
        )
        return _spaceless(whole)

    # ── what stands here ──

    def _here(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.at)

    def _take(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def _sign(self, signs: str) -> str:
        """A sign between two spaces, if one of these stands here."""
        here = self.text[self.at : self.at + 3]
        if len(here) == 3 and here[0] == here[2] == " " and here[1] in signs:
            self.at += 3
            return here[1]
        return ""

    def _going_on(self, read: Callable[[], Notation]) -> Notation | None:
        """What can be read here, or None with nothing read."""
        start = self.at
        try:
            return read()
        except _NoFormulaError:
            self.at = start
            return None

    # ── from what binds least to what binds most ──

    def _relation(self) -> Notation:
        left = self._sum()
        start = self.at
        while sign := self._sign(_RELATIONS):
            right = self._going_on(self._sum)
            if right is None:
                self.at = start
                break
            left = _beside(left, sign, right)
            start = self.at
        return left

    def _sum(self) -> Notation:
        terms = [Scaled(-1.0, (), self._sided()) if self._take("−") else self._sided()]
        while sign := self._sign("+−"):
            term = self._sided()
            terms.append(Scaled(-1.0, (), term) if sign == "−" else term)
        return Sum(tuple(terms)) if len(terms) > 1 else terms[0]

    def _sided(self) -> Notation:
        """A : B, A ⊙ B."""
        left = self._product()
        while sign := self._sign(_PRODUCTS):
            left = _beside(left, sign, self._product())
        return left

    def _product(self) -> Notation:
        """a db, a db/b²: factors side by side, over what follows a stroke."""
        parts = [self._joined_factors()]
        while self.text[self.at : self.at + 1] == " ":
            start = self.at
            self.at += 1
            part = None if self._here(_SPACE) else self._going_on(self._joined_factors)
            if part is None:
                self.at = start
                break
            parts.append(part)
        whole = Infix(" ", tuple(parts)) if len(parts) > 1 else parts[0]
        if self._take("/") or self._take(" / "):
            return Quotient(whole, self._joined_factors(), False)
        return whole

    def _joined_factors(self) -> Notation:
        """Factors without a space between them: BC, ½‖u‖², log|det X|."""
        parts = [self._prefixed()]
        while self.text[self.at : self.at + 1] not in ("", "("):
            part = self._going_on(self._prefixed)
            if part is None:
                break
            parts.append(part)
        return Infix("", tuple(parts)) if len(parts) > 1 else parts[0]

    def _prefixed(self) -> Notation:
        if (partial := self._here(_PARTIAL)) is not None:
            self.at = partial.end()
            of, by, held = partial.groups()
            names = tuple(map(self._quantity, held.split(","))) if held else ()
            return Partial(self._quantity(of), (self._quantity(by),), names)
        for sign in ("∂", "Σ ", "∏"):
            if self._take(sign):
                if self.text[self.at : self.at + 1] == "/":
                    return Atom(sign)
                return Infix("", (Atom(sign.strip()), self._prefixed()))
        return self._raised(self._factor())

    def _raised(self, base: Notation) -> Notation:
        while True:
            if self._take("⁻¹"):
                base = Inverse(base)
            elif self._take("⁻ᵀ"):
                base = Inverse(base, True)
            elif self._take("ᵀ"):
                base = Transposed(Atom("1") if base == Number(1) else base)
            elif (raised := self._here(_RAISED)) is not None:
                self.at = raised.end()
                base = self._power(base, raised.group())
            elif self._take("^("):
                base = Raised(base, self._bracketed())
            else:
                return base

    def _power(self, base: Notation, raised: str) -> Notation:
        digits = "".join(RAISED[sign] for sign in raised)
        if digits.lstrip("-").isdecimal():
            return Power(base, float(digits), 0)
        if isinstance(base, Atom):  # uᵖ, eᵗ: a name with letters above it
            return Atom(base.name + raised)
        raise _NoFormulaError

    def _bracketed(self) -> Notation:
        inner = self._relation()
        if not self._take(")"):
            raise _NoFormulaError
        return inner

    def _factor(self) -> Notation:
        letter = self.text[self.at : self.at + 1]
        if 0 <= ord(letter or "\0") - HELD < len(self.held):
            self.at += 1
            return self.held[ord(letter) - HELD]
        if (whole := self._here(_AS_IT_STANDS)) is not None:
            self.at = whole.end()
            return Atom(whole.group())
        if letter in _FRACTION:
            self.at += 1
            return Number(_FRACTION[letter])
        if (summed := self._here(_SUMMED)) is not None:
            self.at = summed.end()
            return Indexed("Σ", tuple(summed.group(1)))
        if (number := self._here(_NUMBER)) is not None:
            self.at = number.end()
            return self._counted(Number(float(number.group())))
        if self._take("("):
            return self._bracketed()
        if self._take("√("):
            return Call("√", r"\sqrt", (self._bracketed(),))
        if self._take("‖"):
            return Norm(self._between("‖"))
        return self._named()

    def _counted(self, first: Number) -> Notation:
        """1…5."""
        if not self._take("…"):
            return first
        return Infix("", (first, Atom("…"), self._factor()))

    def _between(self, bar: str) -> Notation:
        inner = self._sum()
        if not self._take(bar):
            raise _NoFormulaError
        return inner

    def _named(self) -> Notation:
        """A letter, a name, a function with its arguments, an indicator, a differential."""
        if self._here(_ARTICLE):
            raise _NoFormulaError
        if (indicator := self._here(_INDICATOR)) is not None:
            self.at = indicator.end()
            return Indicator(*indicator.groups())
        word = self._function()
        if word is not None:
            return word
        name = self._here(_NAME)
        if name is None:
            raise _NoFormulaError
        word = self._here(_WORD)
        if word is not None and len(word.group()) > 1:
            return self._letters(len(word.group()))
        self.at = name.end()
        whole = name.group()
        if self._take("("):
            return self._call(whole)
        if (entries := self._here(_ENTRIES)) is not None:
            self.at = entries.end()
            return Atom(whole + entries.group())
        return self._quantity(whole)

    def _quantity(self, name: str) -> Notation:
        """A name, or a name with letters below it: W_in, W_ji."""
        stem, line, letters = name.rpartition("_")
        if line and name not in self.names and letters.isalpha():
            return Indexed(stem, tuple(letters))
        return Atom(name)

    def _letters(self, length: int) -> Notation:
        """BC, bC: letters side by side; dX: a differential. Other words are words."""
        word = self.text[self.at : self.at + length]
        if word[0] == "d" and word[1:] in self.names and length > 2:
            self.at += length
            return Differential(Atom(word[1:]))
        if length != 2 or not (word[0] == "d" or word[1].isupper()):
            raise _NoFormulaError
        self.at += 1
        if word[0] != "d":
            return Atom(word[0])
        name = self._here(_NAME)
        if name is None:
            raise _NoFormulaError
        self.at = name.end()
        return Differential(Atom(name.group()))

    def _function(self) -> Notation | None:
        """det, tr(AB), σ′, softmax(z)_j; None where no function's name stands here."""
        match = self._here(_FUNCTION)
        if match is None:
            return None
        if match.group() == "d" and self.text[match.end() :][:1] == "(":
            self.at = match.end() + 1
            # a relation of one side binds least, so that it keeps its brackets
            return Differential(Infix("=", (self._bracketed(),)))
        if match.group(1) not in _FUNCTIONS and not self._here(_DEFINED):
            return None
        self.at = match.end()
        if not self._take("("):
            return Atom(match.group())
        call = self._call(match.group())
        letter = self._here(_LETTER)
        if letter is None:
            return call
        self.at = letter.end()
        return Indexed(spell(call), (letter.group(1),))

    def _arguments(self) -> tuple[Notation, ...]:
        found = [self._relation()]
        while self._here(_AXIS) is None and self._take(", "):
            found.append(self._relation())
        return tuple(found)

    def _call(self, name: str) -> Call:
        """A function whose bracket is open already, to its closing bracket."""
        arguments = self._arguments()
        axis = self._here(_AXIS)
        self.at = axis.end() if axis else self.at
        if not self._take(")"):
            raise _NoFormulaError
        return Call(name, _latex(name), arguments, axis.group() if axis else "")


def _beside(left: Notation, sign: str, right: Notation) -> Notation:
    """left = right, or one side more of what is joined by this sign already."""
    sides = left.parts if isinstance(left, Infix) and left.sign == sign else (left,)
    return Infix(sign, (*sides, right))


def _latex(name: str) -> str:
    known = {"max": r"\max", "min": r"\min", "log": r"\log", "det": r"\det"}
    return known.get(name, name.replace("′", "'"))


def _spaceless(text: str) -> str:
    return "".join(text.split())
