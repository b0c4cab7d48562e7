"""A structured array in words: ``I(200) ⊗ K (5 × 5), 200·5 × 200·5, 200 B of 7.63 MiB``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tensorcalc.codegen.structured_form import Form, Part, parts_of, sizes_of_labels
from tensorcalc.codegen.structured_terms import Term
from tensorcalc.shapes import format_bytes, format_shape

__all__ = ["words"]

_INDICES = "ijklmnpqrstuvwxyzabcdefgh"


def words(form: Form, arrays: Sequence[np.ndarray]) -> str:
    """The factors, the shape as a map, and the bytes that are held of those it would take."""
    formula = " + ".join(_product(form, term, arrays) for term in form.terms) or "zero"
    sides = (form.shape[: form.rows], form.shape[form.rows :])
    shape = " × ".join("·".join(map(str, side)) or "1" for side in sides)
    held = sum(array.nbytes for array in arrays)
    whole = math.prod(form.shape) * form.dtype.itemsize
    return f"{formula}, {shape}, {format_bytes(held)} of {format_bytes(whole)}"


def _product(form: Form, term: Term, arrays: Sequence[np.ndarray]) -> str:
    parts = parts_of(form, term)
    if len(parts) == 1 and len(parts[0].labels) == len(term.labels) > 1:
        return f"dense {_named(form, parts[0], arrays)}"
    return _kronecker(form, term, arrays) or _entry(form, term, arrays)


def _kronecker(form: Form, term: Term, arrays: Sequence[np.ndarray]) -> str:
    """The factors by ⊗; nothing if they do not stand in one order on both sides."""
    parts = [p for p in parts_of(form, term) if p.labels]
    ordered = sorted(parts, key=lambda p: min(term.labels.index(i) for i in p.labels))
    above = [p for p in ordered if p.both or p.rows]
    below = sorted(
        (p for p in parts if p.both or p.columns),
        key=lambda p: min(term.labels.index(i, form.split) for i in (*p.both, *p.columns)),
    )
    if [i for p in above for i in (*p.both, *p.rows)] != list(term.labels[: form.split]):
        return ""
    if [i for p in below for i in (*p.both, *p.columns)] != list(term.labels[form.split :]):
        return ""
    anchors = [p for p in above if p in below]
    if anchors != [p for p in below if p in above]:
        return ""
    numbers = [_number(form, p, arrays) for p in parts_of(form, term) if not p.labels]
    pieces: list[str] = []
    for anchor in [*anchors, None]:
        left = _stacked(form, term, _until(above, anchor), arrays, "")
        right = _stacked(form, term, _until(below, anchor), arrays, "ᵀ")
        if left or right:
            pieces.append(" ".join(filter(None, (left, right))))
        if anchor is not None:
            pieces.append(_piece(form, term, anchor, arrays))
    return " · ".join([*numbers, " ⊗ ".join(pieces)])


def _number(form: Form, p: Part, arrays: Sequence[np.ndarray]) -> str:
    """A factor without axes, as the number that it is."""
    assert p.number is not None
    return f"{float(arrays[p.number]):.4g}"


def _until(parts: list[Part], anchor: Part | None) -> list[Part]:
    """Take the parts off that stand before the anchor, and the anchor."""
    end = len(parts) if anchor is None else parts.index(anchor)
    taken = parts[:end]
    del parts[: end + 1]
    return taken


def _stacked(
    form: Form, term: Term, parts: Sequence[Part], arrays: Sequence[np.ndarray], mark: str
) -> str:
    each = [_piece(form, term, p, arrays, mark) for p in parts]
    return each[0] if len(each) == 1 else f"({' ⊗ '.join(each)})" if each else ""


def _piece(form: Form, term: Term, p: Part, arrays: Sequence[np.ndarray], mark: str = "") -> str:
    if p.number is None:
        return f"{'I' if p.both else '1' + mark}({sizes_of_labels(form, term)[p.labels[0]]})"
    name = _named(form, p, arrays, mark)
    if not p.both:
        return name
    return f"diag({name})" if not p.rows and not p.columns else f"blockdiag({name})"


def _named(form: Form, p: Part, arrays: Sequence[np.ndarray], mark: str = "") -> str:
    assert p.number is not None
    place = p.labels.index
    if len(p.rows) == len(p.columns) == 1 and place(p.rows[0]) > place(p.columns[0]):
        mark = "ᵀ"
    name = form.names[p.number] + mark
    return f"{name.removesuffix('ᵀᵀ')} ({format_shape(arrays[p.number].shape)})"


def _entry(form: Form, term: Term, arrays: Sequence[np.ndarray]) -> str:
    """One entry, where the factors cross: I[i=l] K[j,k]."""
    letters = [_INDICES[a] if a < len(_INDICES) else f"i{a}" for a in range(len(term.labels))]
    first = {i: letters[term.labels.index(i)] for i in term.labels}
    tied = [(first[i], b) for i, b in zip(term.labels, letters, strict=True) if first[i] != b]
    pieces = [f"I[{a}={b}]" for a, b in sorted(tied, key=lambda t: letters.index(t[0]))]
    for p in parts_of(form, term):
        if p.number is not None:
            indices = ",".join(first[i] for i in p.labels)
            name = form.names[p.number]
            pieces.append(f"{name}[{indices}]" if indices else _number(form, p, arrays))
    sides = (", ".join(side) for side in (letters[: form.split], letters[form.split :]))
    return f"{' '.join(pieces) or '1'} at ({' | '.join(sides)})"
