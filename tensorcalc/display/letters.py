"""Index letters and numbers, chosen in one place so that every output agrees."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator

__all__ = ["argument_letters", "number_text", "summation_letters", "value_letters"]

_VALUE = "klmnpq"
_ARGUMENTS = ("j", "ji", "jir"), ("t", "ts", "tsq"), ("v", "vu", "vuw")
_SUMMED = "khmnpqrtuvwabcdefg"
_FRACTIONS = {0.5: "½", 0.25: "¼", 0.75: "¾", 1 / 3: "⅓", 2 / 3: "⅔", 0.125: "⅛"}


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
    if value in _FRACTIONS:
        return _FRACTIONS[value]
    if float(value).is_integer() and value < 1e15:
        return str(int(value))
    return f"{value:.6g}"
