"""The last lines: the result in the layout asked for, and what it is in the argument's shape."""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.derivation.scribe import Scribe, first_free
from tensorcalc.display.document import Cell, Prose, Row, Section
from tensorcalc.display.notation import Atom, Entry, Infix, Notation, Partial
from tensorcalc.display.spelling import spell
from tensorcalc.expr import Expr
from tensorcalc.layout import LAYOUTS
from tensorcalc.shapes import format_shape
from tensorcalc.structure import structure

__all__ = ["read_off", "result_sections"]


def result_sections(
    scribe: Scribe,
    of: Expr,
    title: Partial,
    value: Expr,
    arguments: tuple[Expr, ...],
    letters: Sequence[tuple[str, ...]],
    told: Expr | None = None,
    more: str = "",
) -> tuple[Section, ...]:
    """``Result`` in the layout of the derivation, and the other forms that differ from it.

    ``told`` is the value in the names that steps gave, where no step has put in what they mean;
    ``more`` is said after the shape.
    """
    ndims = tuple(a.ndim for a in arguments)
    shapes = [a.shape for a in arguments]
    form = scribe.shown(value, of.ndim, ndims)
    left: Notation = title
    if form is None:
        of_letters, *by = letters
        form = scribe.entry(value, (*of_letters, *(letter for row in by for letter in row)))
        if value.ndim:
            left = Infix("", (title, Entry(scribe.order(of_letters, by))))
    note = scribe.shape(of.shape, shapes)
    words = _shape_words(scribe, of, arguments, value) + more
    named = None if told is None else scribe.shown(told, of.ndim, ndims)
    cells = [Cell(form, "=")]
    if named is not None and spell(named) != spell(form):
        cells.insert(0, Cell(named, "="))
    rows = [Row(Cell(left), tuple(cells), (note + words,))]
    sections = [Section("Result", tuple(rows))]
    own = _in_own_shape(scribe, of, value, arguments)
    if own is not None:
        sections.append(own)
    return tuple(sections)


def read_off(
    scribe: Scribe, title: Partial, composed: Notation, value: Expr, wrt: Expr
) -> tuple[Section, ...]:
    """The gradient as it was read off, in the argument's shape, and in the layout asked for."""
    tidied = scribe.matrix(value)
    cells = [Cell(composed, "=")]
    if tidied is not None and spell(tidied) != spell(composed):
        cells.append(Cell(tidied, "="))
    name = getattr(wrt, "name", "it")
    whole = (*wrt.shape, 1) if wrt.ndim == 1 else wrt.shape
    rows: list[Row | Prose] = [
        Row(Cell(title), tuple(cells), (f"{format_shape(whole)}, the shape of {name}",))
    ]
    turned = scribe.shown(value, 0, (wrt.ndim,))
    if scribe.layout.name == "numerator" and turned is not None:
        size = scribe.shape((), [wrt.shape])
        rows.append(("numerator layout: the transpose, ", turned, f"    {size}"))
    return (Section("Result", tuple(rows)),)


def _shape_words(scribe: Scribe, of: Expr, arguments: tuple[Expr, ...], value: Expr) -> str:
    declared = [a for a in arguments if getattr(a, "traits", ())]
    words = _plain_shape_words(scribe, of, arguments, value)
    if declared:
        names = " and ".join(dict.fromkeys(getattr(a, "name", "") for a in declared))
        words += f", entries of {names} taken as independent"
    return words


def _plain_shape_words(scribe: Scribe, of: Expr, arguments: tuple[Expr, ...], value: Expr) -> str:
    if of.ndim == 0 and len(arguments) == 1 and arguments[0].ndim == 2:
        turned = "ᵀ" if scribe.layout.name == "numerator" else ""
        return f", the shape of {getattr(arguments[0], 'name', 'it')}{turned}"
    kind = structure(value, of.ndim if of.ndim or len(arguments) == 1 else arguments[0].ndim)
    return f", {kind}" if kind not in ("dense", "outer product") and value.ndim else ""


def _in_own_shape(
    scribe: Scribe, of: Expr, value: Expr, arguments: tuple[Expr, ...]
) -> Section | None:
    """The gradient of a scalar as an update step wants it; other layouts of anything else."""
    if of.ndim == 0 and len(arguments) == 1 and arguments[0].ndim in (1, 2):
        if scribe.layout.name != "numerator":
            return None
        name = getattr(arguments[0], "name", "W")
        form = scribe.matrix(value)
        if form is None:
            return None
        letter = first_free(("G", "Γ", "G_"), scribe.taken)
        size = format_shape(arguments[0].shape if value.ndim > 1 else (*arguments[0].shape, 1))
        label = f"In {name}'s shape"
        words = f"{size}; mixed and denominator layout, for {name} ← {name} − η {letter}"
        return Section(label, (Row(Cell(Atom(letter)), (Cell(form, "="),), (words,)),))
    if of.ndim == 0 and not any(a.ndim for a in arguments):
        return None  # a number is the same in every layout
    shapes = [a.shape for a in arguments]
    others = [
        f"{name} {format_shape(layout.shape(of.shape, shapes)) or 'a number'}"
        for name, layout in LAYOUTS.items()
        if name != scribe.layout.name
    ]
    return Section(
        "Other layouts", ((", ".join(others) + ": the same entries, axes in another order",),)
    )
