"""Index letters and numbers, chosen in one place so that every output agrees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction

from tensorcalc.display.raised import lowered, raised

__all__ = [
    "argument_letters",
    "digits_and_power",
    "number_text",
    "small_fraction",
    "summation_letters",
    "surd",
    "value_letters",
]

_VALUE = "klmnpq"
_ARGUMENTS = ("j", "ji", "jir"), ("t", "ts", "tsq"), ("v", "vu", "vuw")
_SUMMED = "khmnpqrtuvwabcdefg"
_FRACTIONS = {
    1 / 2: "½", 1 / 3: "⅓", 2 / 3: "⅔", 1 / 4: "¼", 3 / 4: "¾", 1 / 5: "⅕", 2 / 5: "⅖", 3 / 5: "⅗",
    4 / 5: "⅘", 1 / 6: "⅙", 5 / 6: "⅚", 1 / 7: "⅐", 1 / 8: "⅛", 3 / 8: "⅜", 5 / 8: "⅝", 7 / 8: "⅞",
    1 / 9: "⅑", 1 / 10: "⅒",
}  # fmt: skip
_LARGEST_BOTTOM = 400
_TENS = (1, 10, 100)


def value_letters(ndim: int, taken: Collection[str] = ()) -> list[str]:
    """Letters for the axes of the value: k, then l, m, …, without those taken."""
    free = (letter for letter in _numbered(_VALUE) if letter not in taken)
    return list(itertools.islice(free, ndim))


def argument_letters(ndim: int, taken: Collection[str] = ()) -> list[str]:
    """Letters for the axes of an argument: j for a vector, j and i for a matrix's row, column."""
    for words in _ARGUMENTS:
        if ndim and ndim <= len(words) and not set(words[ndim - 1]) & set(taken):
            return list(words[ndim - 1])
    free = (letter for letter in _numbered("jitsvuw") if letter not in taken)
    return list(itertools.islice(free, ndim))


def summation_letters(used: Iterable[str]) -> Iterator[str]:
    """Letters that are free for summation indices."""
    taken = set(used)
    return (letter for letter in _numbered(_SUMMED) if letter not in taken)


def _numbered(letters: str) -> Iterator[str]:
    yield from letters
    for n in itertools.count(1):
        for letter in letters:
            yield f"{letter}{n}"


def number_text(value: float) -> str:
    """A number as a person writes it: 2, ½, ²⁄₉, 0.05, √½."""
    if value < 0:
        return "−" + number_text(-value)
    for fraction, sign in _FRACTIONS.items():
        if abs(value - fraction) < 1e-14:
            return sign
    fraction = small_fraction(value)
    if fraction:
        top, bottom = map(str, fraction)
        return f"{raised(top)}⁄{lowered(bottom)}"
    root = surd(value)
    if root:
        inside = number_text(root[0]) + ("/π" if root[1] else "")
        return f"√{inside}" if len(inside) == 1 else f"√({inside})"
    digits, power = digits_and_power(value)
    return f"{digits}·10{raised(str(power))}" if power else digits


def small_fraction(value: float) -> tuple[int, int] | None:
    """Top and bottom where a number is a fraction of small numbers.

    Of the short decimals these are 1/16 and 2/25, which means and variances make; 0.3, 0.01 and
    what is above 1 stay as people write them.
    """
    if not 1e-6 < abs(value) < 1e3:
        return None
    near = Fraction(value).limit_denominator(_LARGEST_BOTTOM)
    if not _is_near(value, float(near)):
        return None
    top, bottom = near.as_integer_ratio()
    is_short = len(digits_and_power(value)[0]) < 10
    if is_short and (abs(value) > 1 or abs(top) >= 10 or bottom in _TENS):
        return None
    return top, bottom


def surd(value: float) -> tuple[float, bool] | None:
    """u, and whether it is over π, where a number is √u or √(u/π) for a small fraction u."""
    if not 1e-3 < abs(value) < 1e3 or len(digits_and_power(value)[0]) < 10:
        return None
    for over_pi, square in ((False, value * value), (True, value * value * math.pi)):
        near = float(Fraction(square).limit_denominator(20))
        if near and _is_near(square, near):
            return near, over_pi
    return None


def _is_near(value: float, other: float) -> bool:
    return abs(value - other) <= 4e-15 * abs(other)


def digits_and_power(value: float) -> tuple[str, int]:
    """The digits of a number, none of them rounded away, and the power of 10 they are times.

    What rounding alone has added to a number of few digits is left out: 0.1 · 3 is 0.3.
    """
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value)), 0
    exact, short = repr(float(value)), f"{value:.15g}"
    digits, _, power = (short if len(short) < len(exact) - 2 else exact).partition("e")
    return digits.removesuffix(".0"), int(power or 0)
