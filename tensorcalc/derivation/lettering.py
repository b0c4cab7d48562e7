"""One range for every letter of a page, and one letter for every axis that is summed over.

A sum over an axis of r takes the letter of r's axis wherever that is free, so that Σ_k 2 r_k A_kj
becomes 2 Σ_k r_k A_kj; any other sum takes a letter that runs over nothing of another size.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tensorcalc.display.letters import summation_letters
from tensorcalc.display.notation import BigSum, Entry, Indexed, Indicator, Notation
from tensorcalc.display.walk import mapped, pieces
from tensorcalc.shapes import Dim, product_dim

__all__ = ["PageLetters", "relettered"]

_LETTER = re.compile(r"[a-z]\d*")
_INSIDE = re.compile(r"\(+([^(),⁻]+)")  # softmax(z)_k, (S⁻¹)_kh


@dataclass
class PageLetters:
    """The letters of a page, each with the size it runs over."""

    size: dict[str, Dim | None] = field(default_factory=dict)
    summed: dict[str, None] = field(default_factory=dict)  # in no quantity's axis

    def choose(
        self, size: Dim | None, wanted: Iterable[str], avoid: Collection[str], taken: Iterable[str]
    ) -> str:
        """The first wanted letter that is free and runs over ``size``, or a letter for sums."""
        if size is not None:
            for letter in (*wanted, *self.summed):
                if letter not in avoid and self.size.get(letter) == size:
                    return letter
        letter = next(summation_letters({*self.size, *avoid, *taken}))
        self.size[letter] = size
        self.summed[letter] = None
        return letter


def relettered(
    n: Notation,
    page: PageLetters,
    shapes: Mapping[str, Sequence[Dim]],
    own: Mapping[str, Sequence[str]],
    wanted: Sequence[str],
    taken: Collection[str],
) -> Notation:
    """The formula with the page's letter for every index summed over.

    ``shapes`` are those of quantities by name, ``own`` the letters that their axes have.
    """
    bound = {i for p in pieces(n) if isinstance(p, BigSum) for i in p.letters}
    if not bound:
        return n
    writer = _Relettering(page, shapes, own, wanted, taken)
    return writer.within(n, {}, _letters_of(n) - bound)


@dataclass(frozen=True)
class _Relettering:
    page: PageLetters
    shapes: Mapping[str, Sequence[Dim]]
    own: Mapping[str, Sequence[str]]
    wanted: Sequence[str]
    taken: Collection[str]

    def within(self, n: Notation, new: Mapping[str, str], avoid: Collection[str]) -> Notation:
        """The formula with ``new`` letters, and others than ``avoid`` for what it sums over."""

        def change(piece: Notation) -> Notation | None:
            if isinstance(piece, BigSum):
                return self._sum(piece, new, avoid)
            if isinstance(piece, (Indexed, Entry)):
                return replace(piece, letters=tuple(_renamed(i, new) for i in piece.letters))
            if isinstance(piece, Indicator):
                return Indicator(_renamed(piece.left, new), _renamed(piece.right, new))
            return None

        return mapped(n, change)

    def _sum(self, n: BigSum, new: Mapping[str, str], avoid: Collection[str]) -> Notation:
        around = _letters_of(n) & (new.keys() | avoid)  # of what is outside of this sum
        known = {i: self.page.size.get(new.get(i, i)) for i in around}
        sizes = _sizes(n.body, self.shapes, known)
        inner, used = dict(new), set(avoid)
        for i in n.letters:
            wanted = (*self._own_letters(n.body, i), *self.wanted)
            inner[i] = self.page.choose(sizes.get(i), wanted, used, self.taken)
            used.add(inner[i])
        return BigSum(tuple(inner[i] for i in n.letters), self.within(n.body, inner, used))

    def _own_letters(self, n: Notation, letter: str) -> list[str]:
        """The letters of the axes on which ``letter`` stands."""
        return [
            own
            for p in pieces(n)
            if isinstance(p, Indexed) and len(self.own.get(p.name, ())) == len(p.letters)
            for i, own in zip(p.letters, self.own.get(p.name, ()), strict=True)
            if i == letter
        ]


def _renamed(index: str, new: Mapping[str, str]) -> str:
    return _LETTER.sub(lambda m: new.get(m[0], m[0]), index)


def _letters_of(n: Notation) -> set[str]:
    """Every letter at which a formula is written."""
    found: set[str] = set()
    for p in pieces(n):
        if isinstance(p, (Indexed, Entry)):
            found.update(x for i in p.letters for x in _LETTER.findall(i))
        elif isinstance(p, Indicator):
            found.update(_LETTER.findall(f"{p.left} {p.right}"))
    return found


def _sizes(
    n: Notation, shapes: Mapping[str, Sequence[Dim]], known: Mapping[str, Dim | None]
) -> dict[str, Dim]:
    """The size over which a letter runs, as far as the quantities that it stands at tell.

    ``known`` are those of letters outside.
    """
    found: dict[str, Dim] = {}
    ties: list[tuple[str, str]] = []
    for p in pieces(n):
        if isinstance(p, Indexed):
            shape = _shape_of(p.name, shapes)
            if len(shape) == len(p.letters):
                found.update(zip(p.letters, shape, strict=True))
        elif isinstance(p, Indicator):
            ties.append((p.left, p.right))
    for left, right in (*ties, *ties[::-1]):
        for one, other in ((left, right), (right, left)):
            size = found.get(one, known.get(one))
            if size is not None:
                found.setdefault(other, size)
    for whole, parts in ties:
        inner = _LETTER.findall(parts)
        if len(inner) > 1 and all(i in found for i in inner):
            found.setdefault(whole, product_dim(*(found[i] for i in inner)))
    return found


def _shape_of(name: str, shapes: Mapping[str, Sequence[Dim]]) -> Sequence[Dim]:
    if name in shapes:
        return shapes[name]
    inside = _INSIDE.search(name)
    return shapes.get(inside[1], ()) if inside else ()
