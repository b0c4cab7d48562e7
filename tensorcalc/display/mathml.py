"""Formulas as MathML Core, which browsers draw without a library."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

from tensorcalc.display.letters import digits_and_power, number_text
from tensorcalc.display.notation import Notation
from tensorcalc.display.script import GREEK, Spelling, name_pieces
from tensorcalc.display.spelling import spell_between

__all__ = ["MATHML", "MathML", "math_element"]

_LETTER = {word: letter for letter, word in GREEK.items()} | {"epsilon": "ϵ", "phi": "ϕ"}
_MARKS = {"ᵀ": "<mi>⊤</mi>", "⁻¹": "<mo>−</mo><mn>1</mn>", "⁻ᵀ": "<mo>−</mo><mi>⊤</mi>"}
_TOKENS = re.compile(r"(\d+(?:\.\d+)?)|(\w+?(?=\d|\W|$))|\s+|(.)")
_ROOT = "√"


class MathML(Spelling):
    """Every piece is one element, so that it can stand under, over or inside another."""

    longest = 60000
    ellipsis = "<mo>…</mo>"

    def atom(self, name: str) -> str:
        if name == "1":
            return '<mn style="font-weight:bold">1</mn>'
        stem, bracket, place = name.partition("[")  # an entry, a slice, an array of numbers
        if not bracket:
            return _name(stem)
        return _row((_name(stem) if stem else "") + _tokens(bracket + place))

    def number(self, value: float) -> str:
        if value < 0:
            return self.negative(self.number(-value))
        digits, power = digits_and_power(value)
        if not power:
            return _small_fraction(value) or f"<mn>{number_text(value)}</mn>"
        raised = _row(_tokens(str(power).replace("-", "−")))
        return _row(f"<mn>{digits}</mn><mo>·</mo><msup><mn>10</mn>{raised}</msup>")

    def joined(self, sign: str, parts: Sequence[str]) -> str:
        if sign == " ":
            return _row('<mo lspace="0" rspace="0.17em">&#8290;</mo>'.join(parts))
        if not sign:
            return _row("".join(parts))
        space = ' lspace="0.28em" rspace="0.28em"' if sign in ":→←" else ""
        return _row(f"<mo{space}>{escape(sign)}</mo>".join(parts))

    def negative(self, inner: str) -> str:
        return _row(f'<mo form="prefix">−</mo>{inner}')

    def brackets(self, inner: str) -> str:
        inner_marks = inner.replace("</mfrac></mstyle>", "")
        tall = any(mark in inner_marks for mark in ("</mfrac>", "<munder", "<msqrt"))
        form = "" if tall else ' stretchy="false"'
        return _row(f"<mo{form}>(</mo>{inner}<mo{form}>)</mo>")

    def condition(self, inner: str) -> str:
        return _row(f'<mo stretchy="false">[</mo>{inner}<mo stretchy="false">]</mo>')

    def norm(self, inner: str) -> str:
        left, right = (
            f'<mo form="{form}" stretchy="true">‖</mo>' for form in ("prefix", "postfix")
        )
        return _row(left + inner + right)

    def fraction(self, top: str, bottom: str) -> str:
        return f"<mfrac>{top}{bottom}</mfrac>"

    def marked(self, base: str, mark: str) -> str:
        return f"<msup>{base}{_row(_MARKS[mark])}</msup>"

    def power(self, base: str, exponent: float, ndim: int) -> str:
        number = self.number(exponent)
        return f"<msup>{base}{_row('<mo>⊙</mo>' + number) if ndim > 1 else number}</msup>"

    def raised(self, base: str, exponent: str) -> str:
        return f"<msup>{base}{exponent}</msup>"

    def call(self, name: str, latex: str, arguments: Sequence[str], extra: str) -> str:
        inner = _row("<mo>,</mo>".join(arguments) + _tokens(extra))
        if name == _ROOT:
            return f"<msqrt>{inner}</msqrt>"
        stem = name.removesuffix("|")  # log|det(X)|
        bar = "<mo>|</mo>" if stem != name else ""
        return _row(f"{_name(stem)}<mo>&#8289;</mo>{self.brackets(inner)}{bar}")

    def indexed(self, name: str, letters: Sequence[str]) -> str:
        if not letters:
            return _name(name)
        base = _name(name)
        base = self.brackets(base) if "msub" in base else base
        comma = "<mo>,</mo>" if any(len(letter) > 1 for letter in letters) else ""
        return f"<msub>{base}{_row(comma.join(map(_tokens, letters)))}</msub>"

    def indicator(self, left: str, right: str) -> str:
        return _row(f"<mi>I</mi>{self.condition(_tokens(f'{left}={right}'))}")

    def entry(self, letters: Sequence[str]) -> str:
        return self.condition("<mo>,</mo>".join(map(_tokens, letters)))

    def big_sum(self, letters: Sequence[str], body: str) -> str:
        below = _row("<mo>,</mo>".join(map(_tokens, letters)))
        return _row(f"<munder><mo>∑</mo>{below}</munder>{body}")

    def partial(self, order: int, of: str, by: Sequence[tuple[str, int]]) -> str:
        top = _row(_times("<mo>∂</mo>", order) + of)
        below = _row("".join(f"<mo>∂</mo>{_times(name, count)}" for name, count in by))
        return self.fraction(top, below)

    def holding(self, partial: str, held: Sequence[str]) -> str:
        names = _row("<mo>,</mo>".join(held))
        return f"<msub>{_row(partial + '<mo>|</mo>')}{names}</msub>"

    def differential(self, of: str) -> str:
        return _row(f'<mi mathvariant="normal">d</mi>{of}')


MATHML = MathML()


def math_element(
    notation: Notation, beside: Iterable[str] = (), *, display: bool = False, under: str = ""
) -> str:
    """The notation as one ``<math>`` element, with a shape below it where one is given."""
    inner = spell_between(notation, MATHML, beside)
    if under:
        inner = f"<munder>{inner}{_row(_tokens(under))}</munder>"
    style = ' displaystyle="true"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{style}>{inner}</math>'


def _small_fraction(value: float) -> str:
    """A fraction that has a sign of its own, such as ½, with numbers that can be read."""
    parts = unicodedata.normalize("NFKC", number_text(value)).split("\N{FRACTION SLASH}")
    if len(parts) != 2:
        return ""
    top, bottom = (f"<mn>{part}</mn>" for part in parts)
    return f'<mstyle displaystyle="false"><mfrac>{top}{bottom}</mfrac></mstyle>'


def _row(inner: str) -> str:
    return f"<mrow>{inner}</mrow>"


def _times(base: str, count: int) -> str:
    return f"<msup>{base}<mn>{count}</mn></msup>" if count > 1 else base


def _identifier(word: str) -> str:
    """A letter is italic, a word upright, as browsers have it."""
    return f"<mi>{escape(_LETTER.get(word, word))}</mi>"


def _name(name: str) -> str:
    """W2 with a subscript, delta as δ, primes raised; a name with other signs as it stands."""
    stem, subscript, primes, raised = name_pieces(name)
    if not re.fullmatch(r"[\w ]+", stem + subscript):
        return _row(_tokens(name)) if len(name) > 1 else f"<mi>{escape(name)}</mi>"
    base = _identifier(stem)
    below = f"<mn>{subscript}</mn>" if subscript.isdigit() else _identifier(subscript)
    above = _row(_tokens(raised)) if raised else f"<mo>{'′' * primes}</mo>"
    if subscript and (primes or raised):
        return f"<msubsup>{base}{below}{above}</msubsup>"
    if subscript:
        return f"<msub>{base}{below}</msub>"
    return f"<msup>{base}{above}</msup>" if primes or raised else base


def _tokens(text: str) -> str:
    """Written-out mathematics, as in ``W[0, :]``: numbers, names and signs."""
    found = []
    for number, word, sign in _TOKENS.findall(text):
        if number:
            found.append(f"<mn>{number}</mn>")
        elif word:
            found.append(_identifier(word))
        elif sign:
            found.append(f"<mo>{escape(sign)}</mo>")
    return "".join(found)
