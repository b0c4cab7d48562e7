"""Formulas as HTML that survives wherever notebooks are shown: italics, sub- and superscripts.

Many viewers strip MathML, style sheets and scripts from what they do not trust; these few
elements they keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tensorcalc.display.letters import number_text
from tensorcalc.display.script import GREEK, name_pieces
from tensorcalc.display.text import UnicodeText

__all__ = ["HTML", "Html"]

_LETTER = {word: letter for letter, word in GREEK.items()} | {"epsilon": "ϵ", "phi": "ϕ"}
_MARKS = {"ᵀ": "⊤", "⁻¹": "−1", "⁻ᵀ": "−⊤"}


class Html(UnicodeText):
    """One line as in text, with letters in italics and marks above and below."""

    longest = 40000

    def atom(self, name: str) -> str:
        if name == "1":
            return "<b>1</b>"
        stem, bracket, place = name.partition("[")
        return (_name(stem) if stem else "") + escape(bracket + place)

    def number(self, value: float) -> str:
        return escape(number_text(value))

    def joined(self, sign: str, parts: Sequence[str]) -> str:
        return super().joined(escape(sign), parts)

    def marked(self, base: str, mark: str) -> str:
        return f"{base}<sup>{_MARKS[mark]}</sup>"

    def power(self, base: str, exponent: float, ndim: int) -> str:
        mark = "⊙" if ndim > 1 else ""
        return f"{base}<sup>{mark}{number_text(exponent)}</sup>"

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}<sup>{exponent}</sup>"

    def call(self, name: str, latex: str, arguments: Sequence[str], extra: str) -> str:
        inner = ", ".join(arguments) + escape(extra)
        stem = name.removesuffix("|")  # log|det(X)|
        return f"{_name(stem)}({inner}){name[len(stem) :]}"

    def indexed(self, name: str, letters: Sequence[str]) -> str:
        if not letters:
            return _name(name)
        base = _name(name)
        base = f"({base})" if "<sub>" in base else base
        joint = "," if any(len(letter) > 1 for letter in letters) else ""
        return f"{base}<sub>{joint.join(map(_letter, letters))}</sub>"

    def indicator(self, left: str, right: str) -> str:
        return f"<i>I</i>[{_letter(left)}={_letter(right)}]"

    def entry(self, letters: Sequence[str]) -> str:
        return f"[{', '.join(map(_letter, letters))}]"

    def big_sum(self, letters: Sequence[str], body: str) -> str:
        return f"∑<sub>{','.join(map(_letter, letters))}</sub> {body}"

    def partial(self, order: int, of: str, by: Sequence[tuple[str, int]]) -> str:
        below = "".join(f"∂{name}{_times(count)}" for name, count in by)
        return f"∂{_times(order)}{of}/{below}"


HTML = Html()


def _times(count: int) -> str:
    return f"<sup>{count}</sup>" if count > 1 else ""


def _letter(letter: str) -> str:
    return f"<i>{escape(letter)}</i>" if letter.isalpha() else escape(letter)


def _name(name: str) -> str:
    """W2 with a subscript, delta as δ; a letter is italic, a word upright."""
    stem, subscript, primes, above = name_pieces(name)
    stem = _LETTER.get(stem, stem)
    base = f"<i>{escape(stem)}</i>" if len(stem) == 1 and stem.isalpha() else escape(stem)
    below = f"<sub>{escape(subscript)}</sub>" if subscript else ""
    raised = f"<sup>{escape(above)}</sup>" if above else ""
    return base + below + raised + "′" * primes
