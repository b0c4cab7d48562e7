"""The form of a structured array over known sizes, and what its factors are as maps.

Each factor of a product has axes of its own, so the whole is a Kronecker product up to the order
of axes: it is multiplied, and solved with, one factor after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tensorcalc.codegen.structured_terms import Term

__all__ = ["Form", "Part", "applied", "diagonal_view", "held", "parts_of", "unused_name"]

Labels = tuple[int, ...]
_LETTERS = ("c", "uvwpqrabdefgh", "KABCDGHJLMNPQR")  # for what has no axis, one, and more


@dataclass(frozen=True)
class Form:
    """A sum of products of arrays: axis k of the whole counts the axes of sizes ``groups[k]``.

    The first ``rows`` axes of the whole are the value of a linear map, the others its argument.
    """

    title: str
    groups: tuple[tuple[int, ...], ...]
    rows: int
    terms: tuple[Term, ...]
    names: tuple[str, ...]
    dtype: np.dtype

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole."""
        return tuple(map(math.prod, self.groups))

    @cached_property
    def inner(self) -> tuple[int, ...]:
        """The sizes of all axes, with merged axes split."""
        return tuple(size for group in self.groups for size in group)

    @cached_property
    def split(self) -> int:
        """How many of the inner axes are those of the rows."""
        return sum(map(len, self.groups[: self.rows]))

    @cached_property
    def matrix_shape(self) -> tuple[int, int]:
        """The shape as a matrix: rows by columns."""
        return math.prod(self.shape[: self.rows]), math.prod(self.shape[self.rows :])

    @cached_property
    def transposed(self) -> Form:
        """The form with rows and columns exchanged."""
        split, count = self.split, len(self.groups) - self.rows
        turned = [replace(t, labels=t.labels[split:] + t.labels[:split]) for t in self.terms]
        groups = self.groups[self.rows :] + self.groups[: self.rows]
        title = self.title[:-1] if self.title.endswith("ᵀ") else self.title + "ᵀ"
        return replace(self, title=title, groups=groups, rows=count, terms=tuple(turned))

    def alone(self, term: Term) -> Form:
        """The form of one product of the sum."""
        return replace(self, terms=(term,))


@dataclass(frozen=True)
class Part:
    """A factor of one product as a map: ``both`` label rows and columns, the others one side.

    ``number`` is that of its array; None where there is none, and all entries are 1.
    """

    number: int | None
    labels: Labels
    both: Labels
    rows: Labels
    columns: Labels


def unused_name(ndim: int, used: Collection[str]) -> str:
    """A letter for an array with so many axes, or a numbered one."""
    letters = _LETTERS[min(ndim, 2)]
    numbered = (f"{letters[0]}{k}" for k in range(2, len(used) + 3))
    return next(name for name in (*letters, *numbered) if name not in used)


def held(form: Form, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The arrays of which the products are made, each once."""
    return [arrays[n] for n in sorted({n for t in form.terms for n, _ in t.factors})]


def parts_of(form: Form, term: Term) -> list[Part]:
    """The factors of a product, and the labels that no factor has."""
    above, below = set(term.labels[: form.split]), set(term.labels[form.split :])
    covered = {i for _, labels in term.factors for i in labels}
    bare = [(None, (i,)) for i in dict.fromkeys(term.labels) if i not in covered]
    found = []
    for number, labels in (*term.factors, *bare):
        both = tuple(i for i in labels if i in above and i in below)
        rows = tuple(i for i in labels if i not in below)
        columns = tuple(i for i in labels if i not in above)
        found.append(Part(number, labels, both, rows, columns))
    return found


def sizes_of_labels(form: Form, term: Term) -> dict[int, int]:
    """How many values each label takes."""
    return dict(zip(term.labels, form.inner, strict=True))


def diagonal_view(array: np.ndarray, labels: Labels) -> tuple[np.ndarray, Labels]:
    """A view of the entries at which axes of one label agree, and its labels."""
    distinct = tuple(dict.fromkeys(labels))
    if len(distinct) == len(labels):
        return array, distinct
    number = {i: k for k, i in enumerate(distinct)}
    axes = [number[i] for i in labels]
    return np.einsum(array, axes, list(range(len(distinct)))), distinct


def applied(
    part: Part,
    array: np.ndarray,
    given: np.ndarray,
    labels: Labels,
    act: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, Labels]:
    """What ``act`` makes of a part, as a batch of matrices, and of the columns of ``given``.

    The last axis of ``given`` has no label. Gives the new array and its labels.
    """
    gone, new = part.columns, part.rows
    rest = tuple(i for i in labels if i not in part.labels)
    order = [labels.index(i) for i in (*part.both, *gone, *rest)]
    moved = given.transpose(*order, given.ndim - 1)
    depth, width = len(part.both), len(gone)
    batch, columns = moved.shape[:depth], moved.shape[depth : depth + width]
    after = moved.shape[depth + width :]
    sizes = dict(zip(part.labels, array.shape, strict=True))
    turned = array.transpose([part.labels.index(i) for i in (*part.both, *new, *gone)])
    rows = math.prod(sizes[i] for i in new)
    matrix = turned.reshape(math.prod(batch), rows, math.prod(columns))
    out = act(matrix, moved.reshape(math.prod(batch), math.prod(columns), math.prod(after)))
    shape = (*batch, *(sizes[i] for i in new), *after)
    return out.reshape(shape), (*part.both, *new, *rest)


def entry_product(
    term: Term, arrays: Sequence[np.ndarray], labels: Labels, dtype: np.dtype
) -> np.ndarray:
    """The product of a term's arrays, ready to be spread over axes with these labels."""
    total = np.ones((1,) * len(labels), dtype)
    for number, own in term.factors:
        array = arrays[number]
        turned = array.transpose(sorted(range(len(own)), key=lambda k: labels.index(own[k])))
        shape = iter(turned.shape)
        total = total * turned.reshape([next(shape) if i in own else 1 for i in labels])
    return total
