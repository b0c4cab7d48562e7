"""Faults of a text: where each stands, what it says, and the text with all of them mended."""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tensorcalc.errors import ParseError, TensorCalcError

__all__ = ["Edit", "Fault", "Faults", "cut", "mended", "printable", "shorter", "wrapped"]

_MOST = 20  # faults looked for in one text
_SHOWN = 10  # faults told of
_WIDEST = 76  # columns of a line shown
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_CLOSING, _BETWEEN, _OPENING, _REPLACING = range(4)


class Edit(NamedTuple):
    """A stretch of the text and what is to stand there instead.

    Of several insertions at one place those that close come first, then those that stand
    between, then those that open.
    """

    start: int
    end: int
    text: str
    side: int = _REPLACING

    @staticmethod
    def between(start: int, end: int, text: str) -> Edit:
        """Replace the gap between two expressions."""
        return Edit(start, end, text, _BETWEEN if start == end else _REPLACING)


def wrapped(start: int, end: int, before: str, after: str) -> list[Edit]:
    """The edits that put ``before`` and ``after`` around a stretch of the text."""
    return [Edit(start, start, before, _OPENING), Edit(end, end, after, _CLOSING)]


def mended(text: str, edits: Iterable[Edit]) -> str | None:
    """The text with the edits made, None where two of them overlap."""
    parts, place = [], 0
    order = sorted(
        enumerate(dict.fromkeys(edits)),
        key=lambda item: (
            item[1].start,
            item[1].side,
            item[0] * (1 - (item[1].side == _OPENING) * 2),
        ),
    )
    for _, edit in order:
        if edit.start < place:
            return None
        parts += [text[place : edit.start], edit.text]
        place = edit.end
    return "".join([*parts, text[place:]])


@dataclass
class Fault:
    """One fault: the kind of error, what was attempted, the stretch it stands at, one hint.

    ``edits`` mend it for certain; None where what was meant is a guess.
    """

    kind: type[TensorCalcError]
    message: str
    start: int
    end: int
    hint: str
    edits: list[Edit] | None = None


class Faults:
    """The faults found in one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Fault] = []
        self._lines = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]

    @property
    def full(self) -> bool:
        """Whether enough are found to stop looking."""
        return len(self.found) >= _MOST

    def add(
        self,
        message: str,
        span: tuple[int, int],
        hint: str,
        edits: list[Edit] | None = None,
        kind: type[TensorCalcError] = ParseError,
    ) -> Fault:
        """Note a fault at a stretch of the text."""
        fault = Fault(kind, cut(printable(message), 300), *span, cut(printable(hint), 1_000), edits)
        if not any((f.start, f.end, f.message) == (*span, fault.message) for f in self.found):
            self.found.append(fault)
        return fault

    def mended(self, start: int, end: int) -> str | None:
        """A stretch of the text with the faults inside it mended; None where one cannot be."""
        inside = [f for f in self.found if start <= f.start and f.end <= end]
        if any(fault.edits is None for fault in inside):
            return None
        edits = [
            edit._replace(start=edit.start - start, end=edit.end - start)
            for fault in inside
            for edit in fault.edits or ()
            if start <= edit.start and edit.end <= end
        ]
        return mended(self.text[start:end], edits)

    def repaired(self, settled: Callable[[str], str | None]) -> str | None:
        """The whole text with all faults mended, as ``settled`` leaves it; None where none is."""
        if self.full or any(fault.edits is None for fault in self.found):
            return None
        faults = sorted(self.found, key=lambda fault: fault.start)
        text = mended(self.text, (e for fault in faults for e in fault.edits or ()))
        return settled(text) if text is not None and _is_shown(text) else None

    def error(self, settled: Callable[[str], str | None]) -> TensorCalcError:
        """One error that tells of all the faults, of the kind of the first.

        It ends with the mended text if every fault has edits and the result is a program, or
        ``settled`` makes one of it.
        """
        faults = sorted(self.found, key=lambda fault: fault.start)
        first = faults[0]
        repaired = self.repaired(settled)
        ending = [] if repaired is None else ["repaired:", repaired.strip()]
        if len(faults) == 1:
            return first.kind("\n".join([self.shown(first), *ending]), first.hint)
        lines = [part for f in faults[:_SHOWN] for part in (self.shown(f), f"  hint: {f.hint}")]
        if len(faults) > _SHOWN:
            more = f"{'at least ' if self.full else ''}{len(faults) - _SHOWN}"
            lines.append(f"… and {more} more")
        hint = "paste the repaired text" if repaired else "each fault above has its own"
        return first.kind("\n".join([*lines, *ending]), hint)

    def shown(self, fault: Fault) -> str:
        """The message with its place, the line of the text and a caret line under the fault."""
        number = bisect.bisect_right(self._lines, fault.start)
        begin = self._lines[number - 1]
        line = re.match(r"[^\r\n]*", self.text[begin : begin + 100_000])
        line = line.group() if line else ""
        first = fault.start - begin
        last = max(min(fault.end - begin, len(line)), first + 1)
        shown, before, under = _window(line, first, last)
        return (
            f"line {number}, column {first + 1}: {fault.message}\n"
            f"  {shown}\n  {' ' * before}{'^' * under}"
        )


def _window(line: str, first: int, last: int) -> tuple[str, int, int]:
    """The line around a stretch, the columns before it and the columns under it."""
    left = max(0, first - _WIDEST // 2) if len(line) > _WIDEST else len(line) - len(line.lstrip())
    left = min(left, first)
    right = left + _WIDEST
    shown = ("…" if len(line) > _WIDEST and left else "") + printable(line[left:right])
    tail = "…" if len(line) > right else ""
    before = shown[: len(shown) - len(line[left:right])] + printable(line[left:first])
    under = printable(line[first : min(last, right)])
    return (shown + tail).rstrip(), _columns(before), max(_columns(under), 1)


def _columns(text: str) -> int:
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me")
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def _is_shown(text: str) -> bool:
    """Whether a terminal shows the text as it is, and nothing else happens."""
    return all(c in "\n\r\t" or unicodedata.category(c) not in _UNSEEN for c in text)


def printable(text: str) -> str:
    """The text with what cannot be shown, or would move the rest, replaced one for one."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if c == "\t" or unicodedata.category(c) == "Zs"
        else "�" if unicodedata.category(c) in _UNSEEN
        else c
        for c in text
    )  # fmt: skip


def shorter(text: str) -> str:
    """An operand as hints show it: in one line, and in its place … where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= 30 else "(…)"


def cut(text: str, longest: int = 40) -> str:
    """The text, short enough for a message."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
