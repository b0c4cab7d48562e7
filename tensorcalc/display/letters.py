"""Index letters and numbers, chosen in one place so that every output agrees."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator

__all__ = ["argument_letters", "number_text", "summation_letters", "value_letters"]

_VALUE = "klmnpq"
_ARGUMENTS = ("j", "ji", "jir"), ("t", "ts", "tsq"), ("v", "vu", "vuw")
_SUMMED = "khmnpqrtuvwabcdefg"
_FRACTIONS = {
    1 / 2: "½", 1 / 3: "⅓", 2 / 3: "⅔", 1 / 4: "¼", 3 / 4: "¾", 1 / 5: "⅕", 2 / 5: "⅖", 3 / 5: "⅗",
    4 / 5: "⅘", 1 / 6: "⅙", 5 / 6: "⅚", 1 / 7: "⅐", 1 / 8: "⅛", 3 / 8: "⅜", 5 / 8: "⅝", 7 / 8: "⅞",
    1 / 9: "⅑", 1 / 10: "⅒",
}  # fmt: skip
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


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
    """A number as a person writes it: 2, ½, 0.1."""
    if value < 0:
        return "−" + number_text(-value)
    for fraction, sign in _FRACTIONS.items():
        if abs(value - fraction) < 1e-14:
            return sign
    if float(value).is_integer() and value < 1e15:
        return str(int(value))
    digits, e, power = f"{value:.6g}".partition("e")
    return f"{digits}·10{str(int(power)).translate(_RAISED)}" if e else digits
