"""A structured array in words: ``I(200) ⊗ K (5 × 5), 200·5 × 200·5, 200 B of 7.63 MiB``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tensorcalc.codegen.structured_form import Form, Part, held, parts_of, sizes_of_labels
from tensorcalc.codegen.structured_terms import Term
from tensorcalc.shapes import format_bytes, format_shape

__all__ = ["words"]

_INDICES = "ijklmnpqrstuvwxyzabcdefgh"


def words(form: Form, arrays: Sequence[np.ndarray]) -> str:
    """The factors, the shape as a map, and the bytes that are held of those it would take."""
    formula = " + ".join(_Product(form, term, arrays).words() for term in form.terms) or "zero"
    formula = formula.replace(" + -", " - ")
    sides = (form.shape[: form.rows], form.shape[form.rows :])
    shape = " × ".join("·".join(map(str, side)) or "1" for side in sides)
    there = sum(array.nbytes for array in held(form, arrays))
    whole = math.prod(form.shape) * form.dtype.itemsize
    return f"{formula}, {shape}, {format_bytes(there)} of {format_bytes(whole)}"


@dataclass(frozen=True)
class _Product:
    """One product, to be told."""

    form: Form
    term: Term
    arrays: Sequence[np.ndarray]

    def words(self) -> str:
        """Its factors by ⊗ if they stand in one order on both sides, else one entry."""
        parts = parts_of(self.form, self.term)
        if len(parts) == 1 and len(parts[0].labels) == len(self.term.labels) > 1:
            return f"dense {self.named(parts[0])}"
        numbers = [self.number(p) for p in parts if not p.labels]
        factors = self.kronecker([p for p in parts if p.labels])
        return " · ".join([*numbers, factors]) if factors else self.entry(parts)

    def kronecker(self, parts: Sequence[Part]) -> str:
        """The factors by ⊗; nothing if they cross."""
        split, labels = self.form.split, self.term.labels
        above = [p for p in parts if p.both or p.rows]
        above.sort(key=lambda p: min(map(labels.index, (*p.both, *p.rows))))
        below = [p for p in parts if p.both or p.columns]
        below.sort(key=lambda p: min(labels.index(i, split) for i in (*p.both, *p.columns)))
        anchors = [p for p in above if p in below]
        if (
            [i for p in above for i in (*p.both, *p.rows)] != list(labels[:split])
            or [i for p in below for i in (*p.both, *p.columns)] != list(labels[split:])
            or anchors != [p for p in below if p in above]
        ):
            return ""
        pieces: list[str] = []
        for anchor in [*anchors, None]:
            left = self.stacked(_until(above, anchor), "")
            right = self.stacked(_until(below, anchor), "ᵀ")
            pieces.append(" ".join(filter(None, (left, right))))
            if anchor is not None:
                pieces.append(self.piece(anchor))
        return " ⊗ ".join(filter(None, pieces))

    def stacked(self, parts: Sequence[Part], mark: str) -> str:
        """Factors of one side."""
        each = [self.piece(p, mark) for p in parts]
        return f"({' ⊗ '.join(each)})" if len(each) > 1 else "".join(each)

    def piece(self, p: Part, mark: str = "") -> str:
        """One factor."""
        if p.number is None:
            size = sizes_of_labels(self.form, self.term)[p.labels[0]]
            return f"{'I' if p.both else '1' + mark}({size})"
        name = self.named(p, mark)
        if not p.both:
            return name
        return f"blockdiag({name})" if p.rows or p.columns else f"diag({name})"

    def named(self, p: Part, mark: str = "") -> str:
        """An array by its name and shape."""
        assert p.number is not None
        if len(p.rows) == len(p.columns) == 1 and p.labels.index(p.rows[0]) > p.labels.index(
            p.columns[0]
        ):
            mark = "ᵀ"
        name = self.form.names[p.number] + mark
        return f"{name.removesuffix('ᵀᵀ')} ({format_shape(self.arrays[p.number].shape)})"

    def number(self, p: Part) -> str:
        """A factor without axes, as the number that it is."""
        assert p.number is not None
        return f"{float(self.arrays[p.number]):.4g}"

    def entry(self, parts: Sequence[Part]) -> str:
        """One entry, where the factors cross: I[i=l] K[j,k]."""
        labels, split = self.term.labels, self.form.split
        letters = [_INDICES[a] if a < len(_INDICES) else f"i{a}" for a in range(len(labels))]
        first = {i: letters[labels.index(i)] for i in labels}
        tied = [(first[i], b) for i, b in zip(labels, letters, strict=True) if first[i] != b]
        pieces = [f"I[{a}={b}]" for a, b in sorted(tied, key=lambda t: letters.index(t[0]))]
        for p in parts:
            if p.number is not None:
                indices = ",".join(first[i] for i in p.labels)
                name = self.form.names[p.number]
                pieces.append(f"{name}[{indices}]" if indices else self.number(p))
        sides = (", ".join(side) for side in (letters[:split], letters[split:]))
        return f"{' '.join(pieces) or '1'} at ({' | '.join(sides)})"


def _until(parts: list[Part], anchor: Part | None) -> list[Part]:
    """Take the parts off that stand before the anchor, and the anchor."""
    end = len(parts) if anchor is None else parts.index(anchor)
    taken = parts[:end]
    del parts[: end + 1]
    return taken
