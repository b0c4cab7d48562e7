"""Arithmetic with structured arrays: multiples, sums, and sums that are one block after all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tensorcalc.codegen.structured_form import (
    Form,
    Labels,
    diagonal_view,
    entry_product,
    sizes_of_labels,
    unused_name,
)
from tensorcalc.codegen.structured_terms import Term
from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.shapes import format_shape

__all__ = ["Block", "added", "is_one_block", "scaled", "shifted"]

Arrays = tuple[np.ndarray, ...]


def scaled(form: Form, arrays: Arrays, by: float) -> tuple[Form, Arrays]:
    """The multiple of every product: a number beside its factors."""
    numbers = [_multiplied(term, arrays, by) for term in form.terms]
    terms, found = [], list(arrays)
    for term, (others, number) in zip(form.terms, numbers, strict=True):
        terms.append(replace(term, factors=(*others, (len(found), ()))))
        found.append(np.asarray(number, form.dtype))
    title = f"{by:.4g} · {_grouped(form.title)}"
    names = form.names + ("c",) * len(terms)
    return replace(form, title=title, terms=tuple(terms), names=names), tuple(found)


def _multiplied(term: Term, arrays: Arrays, by: float) -> tuple[list[tuple[int, Labels]], float]:
    """The factors with axes, and the number that all the others make with ``by``."""
    others = [(n, labels) for n, labels in term.factors if labels]
    numbers = [arrays[n] for n, labels in term.factors if not labels]
    return others, by * math.prod(map(float, numbers))


def added(a: Form, of_a: Arrays, b: Form, of_b: Arrays) -> tuple[Form, Arrays]:
    """The sum of two arrays with the same rows and columns."""
    if (a.shape, a.rows) != (b.shape, b.rows):
        sides = (f"{format_shape(f.shape[: f.rows])} by {format_shape(f.shape[f.rows :])}"
                 for f in (a, b))  # fmt: skip
        raise ShapeError(
            "{} + {}: the maps are {} and {}".format(a.title, b.title, *sides),
            "add derivatives of the same value by the same argument",
        )
    if a.groups != b.groups:
        raise NotSupportedError(
            f"{a.title} + {b.title}: one axis counts those of {a.groups} and of {b.groups}",
            "add the .dense() arrays",
        )
    start = len(of_a)
    moved = [
        replace(t, factors=tuple((n + start, labels) for n, labels in t.factors)) for t in b.terms
    ]
    whole = replace(
        a,
        title=f"{a.title} + {b.title}",
        terms=(*a.terms, *moved),
        names=a.names + b.names,
        dtype=np.result_type(a.dtype, b.dtype),
    )
    return tidied(whole, of_a + of_b)


def shifted(form: Form, arrays: Arrays, by: float | np.ndarray) -> tuple[Form, Arrays]:
    """The sum with a multiple of the identity, or with a diagonal matrix."""
    split = form.split
    rows, columns = form.inner[:split], form.inner[split:]
    what = f"{form.title}.shifted"
    if rows != columns:
        raise ShapeError(
            f"{what}: its rows are {format_shape(rows)} and its columns {format_shape(columns)}, "
            f"between which there is no identity",
            'ask for the derivative with layout="mixed"',
        )
    array = np.asarray(by)
    array = array.astype(form.dtype if array.ndim == 0 else np.result_type(form.dtype, array))
    if array.ndim and array.shape not in (form.shape[: form.rows], (math.prod(rows),)):
        raise ShapeError(
            f"{what} by an array of shape {array.shape}: the rows are {format_shape(rows)}",
            "give a number, or one for each row",
        )
    axes = tuple(range(split)) if array.ndim else ()
    identity = Term((*range(split), *range(split)), ((0, axes),))
    addend = replace(form, title="λI", terms=(identity,), names=("λ",), dtype=array.dtype)
    return added(form, arrays, addend, (array.reshape(rows) if axes else array,))


def _grouped(title: str) -> str:
    return f"({title})" if " + " in title else title


# ── one block in place of a sum ───────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Block:
    """A sum as one product: an array over what not all of its products leave alone.

    ``ties`` has one label for axes that every product ties; ``inside`` are the labels of the array.
    Along the others, rows and columns are tied, and every product is the same.
    """

    form: Form
    ties: Labels
    inside: Labels

    @staticmethod
    def of(form: Form) -> Block:
        """The block of a sum, by its labels alone."""
        signatures = [tuple(t.labels[a] for t in form.terms) for a in range(len(form.inner))]
        number = {s: k for k, s in enumerate(dict.fromkeys(signatures))}
        ties = tuple(number[s] for s in signatures)
        split = form.split
        alone = {i for i in ties[:split] if i in ties[split:]}
        for k, term in enumerate(form.terms):
            used = {i for _, labels in term.factors for i in labels}
            count = [s[k] for s in number]
            alone -= {i for s, i in number.items() if s[k] in used or count.count(s[k]) > 1}
        inside = tuple(i for i in number.values() if i not in alone)
        return Block(form, ties, inside)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the array."""
        size = dict(zip(self.ties, self.form.inner, strict=True))
        return tuple(size[i] for i in self.inside)

    @property
    def ties_rows_to_columns(self) -> bool:
        """Whether every product has the same delta of a row axis and a column axis."""
        split = self.form.split
        return bool(set(self.ties[:split]) & set(self.ties[split:]))

    def made(self, arrays: Sequence[np.ndarray]) -> tuple[Form, Arrays]:
        """The form of the one product, and its array."""
        form = self.form
        box = np.zeros(self.sizes, form.dtype)
        for term in form.terms:
            own = dict(zip(self.ties, term.labels, strict=True))
            view, labels = diagonal_view(box, tuple(own[i] for i in self.inside))
            view += entry_product(term, arrays, labels, form.dtype)
        term = Term(self.ties, ((0, self.inside),))
        name = unused_name(box.ndim, set(form.names))
        return replace(form, terms=(term,), names=(name,)), (box,)


def is_one_block(form: Form) -> bool:
    """Whether a sum held as one block takes no more than its factors do."""
    sizes: dict[int, int] = {}
    for term in form.terms:
        size = sizes_of_labels(form, term)
        sizes.update({n: math.prod(size[i] for i in labels) for n, labels in term.factors})
    return len(form.terms) > 1 and math.prod(Block.of(form).sizes) <= sum(sizes.values())


def tidied(form: Form, arrays: Arrays) -> tuple[Form, Arrays]:
    """The sum with fewer products: two are one block, or all are, if that takes no more."""
    pairs = ((replace(form, terms=pair), pair) for pair in itertools.combinations(form.terms, 2))
    found = next((pair for pair in pairs if is_one_block(pair[0])), None)
    if found is None:
        return Block.of(form).made(arrays) if is_one_block(form) else (form, arrays)
    two, pair = found
    one, made = Block.of(two).made(arrays)
    ((_, inside),) = one.terms[0].factors
    block = replace(one.terms[0], factors=((len(arrays), inside),))
    terms = tuple(block if t is pair[0] else t for t in form.terms if t is not pair[1])
    whole = replace(form, terms=terms, names=(*form.names, *one.names))
    return tidied(*_needed(whole, arrays + made))


def _needed(form: Form, arrays: Arrays) -> tuple[Form, Arrays]:
    """The form over the arrays that it uses, so that nothing else is kept alive."""
    used = sorted({n for t in form.terms for n, _ in t.factors})
    new = {n: k for k, n in enumerate(used)}
    terms = [
        replace(t, factors=tuple((new[n], labels) for n, labels in t.factors)) for t in form.terms
    ]
    names = tuple(form.names[n] for n in used)
    return replace(form, terms=tuple(terms), names=names), tuple(arrays[n] for n in used)
