"""Solving with a product of factors: each factor is solved with along its own axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tensorcalc.codegen.structured_form import Form, Part, applied, parts_of, sizes_of_labels
from tensorcalc.codegen.structured_terms import Term
from tensorcalc.errors import NotSupportedError, ValueNotAllowedError

__all__ = ["solved"]

_INSTEAD = "use scipy.sparse.linalg.cg(H.matrix, b), or np.linalg.solve(H.matrix.dense(), b)"


def solved(form: Form, arrays: Sequence[np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The map of b, a matrix with one row for each row entry, to the x of the columns.

    Raises NotSupportedError where the structure has no inverse, or shows none.
    """
    rows, columns = form.matrix_shape
    what = f"{form.title}.solve of {rows} rows by {columns} columns"
    if rows != columns:
        raise NotSupportedError(
            f"{what}: it is not square", "use np.linalg.lstsq(H.matrix.dense(), b)"
        )
    terms = list(form.terms)
    if not terms:
        raise NotSupportedError(f"{what}: it is zero", "no x gives anything but zero")
    if len(terms) > 1:
        raise NotSupportedError(
            f"{what}: the inverse of a sum of {len(terms)} products has no such form", _INSTEAD
        )
    term = terms[0]
    rank = _rank(form, term)
    if rank < rows:
        raise NotSupportedError(
            f"{what}: by its factors it has rank {rank} at most, and no inverse",
            "use np.linalg.lstsq(H.matrix.dense(), b) for the shortest x that comes closest",
        )
    return lambda b: _solution(form, term, arrays, b)


def _rank(form: Form, term: Term) -> int:
    """What the rank cannot exceed: the product over the factors."""
    sizes = sizes_of_labels(form, term)
    count = lambda labels: math.prod(sizes[i] for i in labels)
    return math.prod(
        count(p.both) * min(count(p.rows), count(p.columns)) for p in parts_of(form, term)
    )


def _solution(form: Form, term: Term, arrays: Sequence[np.ndarray], b: np.ndarray) -> np.ndarray:
    # of the axes that one label has on one side, all have size 1: the rank would be less
    above, below = term.labels[: form.split], term.labels[form.split :]
    labels = tuple(dict.fromkeys(above))
    sizes = sizes_of_labels(form, term)
    x = b.reshape(*(sizes[i] for i in labels), b.shape[1])
    for part in parts_of(form, term):
        turned = Part(part.number, part.labels, part.both, part.columns, part.rows)
        if part.number is not None:
            act = _solving(form, form.names[part.number])
            x, labels = _back(turned, arrays[part.number], x, labels, act)
        elif not part.both:
            kept = tuple(i for i in labels if i not in part.rows)
            x = x.reshape(*(sizes[i] for i in (*kept, *part.columns)), b.shape[1])
            labels = (*kept, *part.columns)
    order = tuple(dict.fromkeys(below))
    return x.transpose(*(labels.index(i) for i in order), x.ndim - 1)


def _back(
    turned: Part,
    array: np.ndarray,
    x: np.ndarray,
    labels: tuple[int, ...],
    act: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Solving takes rows to columns: the part as it is applied, with its sides exchanged."""
    return applied(turned, array, x, labels, lambda a, y: act(a.transpose(0, 2, 1), y))


def _solving(form: Form, name: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def act(matrix: np.ndarray, b: np.ndarray) -> np.ndarray:
        if matrix.shape[1:] == (1, 1):
            if not matrix.all():
                raise _singular(form, name)
            return b / matrix
        try:
            return np.linalg.solve(matrix, b)
        except np.linalg.LinAlgError:
            raise _singular(form, name) from None

    return act


def _singular(form: Form, name: str) -> ValueNotAllowedError:
    return ValueNotAllowedError(
        f"{form.title}.solve: the factor {name} is singular at these values",
        "give values at which it is invertible, or use np.linalg.lstsq(H.matrix.dense(), b)",
    )
