"""Formulas as one line of Unicode text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tensorcalc.display.letters import digits_and_power, number_text
from tensorcalc.display.raised import raised
from tensorcalc.display.script import Spelling

__all__ = ["UnicodeText"]

_LETTER = re.compile(r"[^\W\d]\w*|\d+")


class UnicodeText(Spelling):
    """x_i, Wᵀ, ∂E/∂W: fractions lie on the line and need brackets."""

    stacks = False

    def atom(self, name: str) -> str:
        return name

    def number(self, value: float) -> str:
        return number_text(value)

    def joined(self, sign: str, parts: Sequence[str]) -> str:
        return (f" {sign} " if sign.strip() else sign).join(parts)

    def negative(self, inner: str) -> str:
        return f"−{inner}"

    def brackets(self, inner: str) -> str:
        return f"({inner})"

    def condition(self, inner: str) -> str:
        return f"[{inner}]"

    def norm(self, inner: str) -> str:
        return f"‖{inner}‖"

    def fraction(self, top: str, bottom: str) -> str:
        return f"{top} / {bottom}"

    def marked(self, base: str, mark: str) -> str:
        return f"{base}{mark}"

    def power(self, base: str, exponent: float, ndim: int) -> str:
        digits, power = digits_and_power(exponent)
        if ndim > 1 or power:
            mark = "⊙" if ndim > 1 else ""
            return f"{base}^({mark}{number_text(exponent) if power else digits})"
        return base + raised(digits).replace(".", "·")

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def call(self, name: str, latex: str, arguments: Sequence[str], extra: str) -> str:
        stem = name.removesuffix("|")  # log|det(X)|
        return f"{stem}({', '.join(arguments)}{extra})" + name[len(stem) :]

    def indexed(self, name: str, letters: Sequence[str]) -> str:
        one = len(letters) == 1
        plain = one or all(len(letter) == 1 and letter.isalpha() for letter in letters)
        joint = "" if plain else ","
        joined = joint.join(letters)
        if not all(_LETTER.fullmatch(letter) for letter in letters):  # x_(k+1), not x_k + 1
            joined = f"({joined})"
        return f"{name}_{joined}" if letters else name

    def indicator(self, left: str, right: str) -> str:
        return f"I[{left}={right}]"

    def entry(self, letters: Sequence[str]) -> str:
        return f"[{', '.join(letters)}]"

    def big_sum(self, letters: Sequence[str], body: str) -> str:
        return f"{' '.join('Σ_' + letter for letter in letters)} {body}"

    def partial(self, order: int, of: str, by: Sequence[tuple[str, int]]) -> str:
        below = "".join(f"∂{name}{_times(count)}" for name, count in by)
        return f"∂{_times(order)}{of}/{below}"

    def holding(self, partial: str, held: Sequence[str]) -> str:
        return f"{partial}|{','.join(held)}"

    def differential(self, of: str) -> str:
        return f"d{of}"


def _times(count: int) -> str:
    return raised(str(count)) if count > 1 else ""
