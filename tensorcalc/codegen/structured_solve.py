"""Solving with a product of factors: each factor is solved with along its own axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tensorcalc.codegen.structured_form import Form, Part, applied, parts_of, sizes_of_labels
from tensorcalc.codegen.structured_sums import Block
from tensorcalc.codegen.structured_terms import Term
from tensorcalc.errors import MemoryLimitError, NotSupportedError, ValueNotAllowedError
from tensorcalc.shapes import format_bytes

__all__ = ["MAX_BYTES", "solved"]

MAX_BYTES = 2**31

_INSTEAD = "use scipy.sparse.linalg.cg(H.matrix, b), or np.linalg.solve(H.matrix.dense(), b)"


def solved(
    form: Form, arrays: Sequence[np.ndarray], doubts: list[str]
) -> Callable[[np.ndarray], np.ndarray]:
    """The map of b, a matrix with one row for each row entry, to the x of the columns.

    What it says of factors that are nearly singular goes to ``doubts``. Raises NotSupportedError
    where the structure has no inverse, or shows none.
    """
    rows, columns = form.matrix_shape
    what = f"{form.title}.solve of {rows} rows by {columns} columns"
    if rows != columns:
        raise NotSupportedError(
            f"{what}: it is not square", "use np.linalg.lstsq(H.matrix.dense(), b)"
        )
    if not form.terms:
        raise NotSupportedError(f"{what}: it is zero", "no x gives anything but zero")
    if len(form.terms) > 1:
        form, arrays = _one_block(form, arrays, what)
    term = next(iter(form.terms))
    rank = _rank(form, term)
    if rank < rows:
        raise NotSupportedError(
            f"{what}: by its factors it has rank {rank} at most, and no inverse",
            "use np.linalg.lstsq(H.matrix.dense(), b) for the shortest x that comes closest",
        )
    return lambda b: _solution(form, arrays, b, doubts)


def _one_block(
    form: Form, arrays: Sequence[np.ndarray], what: str
) -> tuple[Form, Sequence[np.ndarray]]:
    """A sum as one product, where that is far from dense, or a product is as large already."""
    block = Block.of(form)
    entries = math.prod(block.sizes)
    if not (block.ties_rows_to_columns or entries <= max(a.size for a in arrays)):
        raise NotSupportedError(
            f"{what}: the inverse of a sum of {len(form.terms)} products has no such form", _INSTEAD
        )
    needed = entries * form.dtype.itemsize
    if needed > MAX_BYTES:
        raise MemoryLimitError(
            f"{what}: the blocks of the sum would take {format_bytes(needed)}",
            "use scipy.sparse.linalg.cg(H.matrix, b)",
        )
    return block.made(arrays)


def _rank(form: Form, term: Term) -> int:
    """What the rank cannot exceed: the product over the factors."""
    sizes = sizes_of_labels(form, term)
    count = lambda labels: math.prod(sizes[i] for i in labels)
    return math.prod(
        count(p.both) * min(count(p.rows), count(p.columns)) for p in parts_of(form, term)
    )


def _solution(
    form: Form, arrays: Sequence[np.ndarray], b: np.ndarray, doubts: list[str]
) -> np.ndarray:
    (term,) = form.terms
    # of the axes that one label has on one side, all have size 1: the rank would be less
    above, below = term.labels[: form.split], term.labels[form.split :]
    labels = tuple(dict.fromkeys(above))
    sizes = sizes_of_labels(form, term)
    x = b.reshape(*(sizes[i] for i in labels), b.shape[1])
    for part in parts_of(form, term):
        turned = Part(part.number, part.labels, part.both, part.columns, part.rows)
        if part.number is not None:
            act = _solving(form, form.names[part.number], doubts)
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


def _solving(
    form: Form, name: str, doubts: list[str]
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def act(matrix: np.ndarray, b: np.ndarray) -> np.ndarray:
        if matrix.shape[1:] == (1, 1):
            if not matrix.all():
                raise _singular(form, name)
            return b / matrix
        probes = _probes(matrix.shape[1]).astype(b.dtype)
        probes = np.broadcast_to(probes, (len(matrix), *probes.shape))
        try:
            both = np.linalg.solve(matrix, np.concatenate([b, probes], axis=-1))
        except np.linalg.LinAlgError:
            raise _singular(form, name) from None
        x, answers = both[..., : b.shape[-1]], both[..., b.shape[-1] :]
        _judge(form, name, _condition(matrix, answers), doubts)
        return x

    return act


def _probes(n: int) -> np.ndarray:
    """Columns of signs: what solving makes of them bounds the norm of the inverse from below."""
    signs = np.random.default_rng(0).integers(2, size=(n, 2)) * 2.0 - 1
    signs[:, 0] = (-1.0) ** np.arange(n)
    return signs


def _condition(matrix: np.ndarray, answers: np.ndarray) -> float:
    """An estimate of ‖A‖ ‖A⁻¹‖ in the maximum norm, too small if anything; the largest of all."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.abs(matrix).sum(-1).max(-1, initial=0)
        estimates = norms * np.abs(answers).max((-2, -1), initial=0)
    return float(estimates.max(initial=0))


def _judge(form: Form, name: str, condition: float, doubts: list[str]) -> None:
    # one digit of what rounding leaves is the least that an answer should have
    if condition > 0.1 / np.finfo(form.dtype).eps:
        doubts.append(
            f"{form.title}.solve: the factor {name} is singular to working precision, with a "
            f"condition number of about {condition:.0e}, and x may have no correct digit; use "
            f".shifted(number) to solve with a multiple of the identity added"
        )


def _singular(form: Form, name: str) -> ValueNotAllowedError:
    return ValueNotAllowedError(
        f"{form.title}.solve: the factor {name} is singular at these values",
        "give values at which it is invertible, or use np.linalg.lstsq(H.matrix.dense(), b)",
    )
