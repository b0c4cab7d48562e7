"""Results that keep their structure: the factors of an array in place of its entries."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tensorcalc.codegen.structured_form import (
    Form,
    applied,
    diagonal_view,
    entry_product,
    held,
    parts_of,
    sizes_of_labels,
)
from tensorcalc.codegen.structured_solve import MAX_BYTES, solved
from tensorcalc.codegen.structured_sums import added, scaled, shifted
from tensorcalc.codegen.structured_words import words
from tensorcalc.errors import (
    IllConditionedWarning,
    MemoryLimitError,
    NotSupportedError,
    ShapeError,
    ValueNotAllowedError,
)
from tensorcalc.shapes import format_bytes, format_shape

__all__ = ["Factor", "StructuredArray"]


@dataclass(frozen=True)
class Factor:
    """One factor of a product: an array, or the delta of some axes where ``array`` is None.

    ``axes[k]`` are the axes of the whole along which axis k of the array runs; a delta ties them
    where they are several. ``term`` counts the products of a sum.
    """

    name: str
    array: np.ndarray | None
    axes: tuple[tuple[int, ...], ...]
    term: int


class StructuredArray:
    """An array held as a sum of products of factors, and a linear map from columns to rows.

    ``compile(structured=True)`` makes them. The first axes, those of the value, are the rows of
    the map, and those of the argument its columns; of the Hessian of a scalar, its two arguments';
    of a matrix gradient, its rows and columns. ``dense()`` is the array that the same function
    returns without ``structured``.
    """

    __slots__ = ("_arrays", "_form")
    __array_ufunc__ = None

    def __init__(self, form: Form, arrays: tuple[np.ndarray, ...]) -> None:
        self._form = form
        self._arrays = arrays

    # ── what it is ──

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the dense array."""
        return self._form.shape

    @property
    def ndim(self) -> int:
        """The number of axes of the dense array."""
        return len(self._form.shape)

    @property
    def size(self) -> int:
        """The number of entries of the dense array."""
        return math.prod(self._form.shape)

    @property
    def dtype(self) -> np.dtype:
        """The precision of the entries."""
        return self._form.dtype

    @property
    def nbytes(self) -> int:
        """The bytes that the factors take."""
        return sum(array.nbytes for array in held(self._form, self._arrays))

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of what the map gives."""
        return self._form.shape[: self._form.rows]

    @property
    def column_shape(self) -> tuple[int, ...]:
        """The shape of what the map is applied to."""
        return self._form.shape[self._form.rows :]

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Which array stands on which axes, and which axes deltas tie; merged axes are split."""
        found = []
        for k, term in enumerate(self._form.terms):
            for part in parts_of(self._form, term):
                axes = [tuple(a for a, i in enumerate(term.labels) if i == j) for j in part.labels]
                array = None if part.number is None else self._arrays[part.number]
                name = "I" if part.number is None else self._form.names[part.number]
                if array is None and len(axes[0]) == 1:
                    name = "1"
                found.append(Factor(name, array, tuple(axes), k))
        return tuple(found)

    @property
    def terms(self) -> tuple[StructuredArray, ...]:
        """The products of which this is the sum."""
        return tuple(StructuredArray(self._form.alone(t), self._arrays) for t in self._form.terms)

    def __repr__(self) -> str:
        return words(self._form, self._arrays)

    # ── as arrays ──

    def dense(self, max_bytes: float = MAX_BYTES) -> np.ndarray:
        """The array with every entry; MemoryLimitError if it would exceed ``max_bytes``."""
        form = self._form
        needed = self.size * self.dtype.itemsize
        if needed > max_bytes:
            raise MemoryLimitError(
                f"{form.title} as a dense {format_shape(self.shape)} array would take "
                f"{format_bytes(needed)}, and max_bytes is {format_bytes(max_bytes)}",
                f"use it as it is, with @, .solve and .diagonal(), or pass max_bytes={needed}",
            )
        box = np.zeros(form.inner, self.dtype)
        for term in form.terms:
            view, labels = diagonal_view(box, term.labels)
            view += entry_product(term, self._arrays, labels, self.dtype)
        return box.reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise NotSupportedError(
                f"{self._form.title} as an array without a copy: its entries are not stored",
                "leave copy out, or use .dense()",
            )
        return self.dense() if dtype is None else self.dense().astype(dtype, copy=False)

    def diagonal(self) -> np.ndarray:
        """The entries at (p, p) of the rows by columns matrix, p counted along all the axes."""
        form = self._form
        count = np.arange(min(form.matrix_shape))
        sides = (form.inner[: form.split], form.inner[form.split :])
        at = [index for side in sides for index in _unravelled(count, side)]
        total = np.zeros(len(count), self.dtype)
        for term in form.terms:
            first: dict[int, np.ndarray] = {}
            entries = np.ones(len(count), self.dtype)
            for i, index in zip(term.labels, at, strict=True):
                if i in first:
                    entries *= first[i] == index
                first.setdefault(i, index)
            for number, labels in term.factors:
                entries = entries * self._arrays[number][tuple(first[i] for i in labels)]
            total += entries
        return total

    # ── multiples and sums ──

    def __mul__(self, number: Any) -> StructuredArray:
        """The multiple by a real number."""
        if np.ndim(number) or isinstance(number, StructuredArray):
            raise NotSupportedError(
                f"{self._form.title} times an array, entry by entry",
                "use @ for the product of maps, or multiply the .dense() array",
            )
        by = float(_as_array(number, f"{self._form.title} times"))
        return StructuredArray(*scaled(self._form, self._arrays, by))

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> StructuredArray:
        """The quotient by a real number other than 0."""
        if np.ndim(number) == 0 and number == 0:
            raise ValueNotAllowedError(
                f"{self._form.title} divided by 0: what is 0 off its blocks would be NaN",
                "divide the .dense() array",
            )
        if np.ndim(number) or isinstance(number, StructuredArray):
            return self * number  # which is refused
        return self * (1 / _as_array(number, f"{self._form.title} divided by"))

    def __neg__(self) -> StructuredArray:
        return self * -1

    def __add__(self, other: Any) -> StructuredArray:
        """The sum with another structured array of the same rows and columns.

        It is one block where that takes no more than the factors of both. Raises ShapeError.
        """
        if isinstance(other, StructuredArray):
            return StructuredArray(*added(self._form, self._arrays, other._form, other._arrays))
        if np.ndim(other) == 0 and other == 0:
            return self  # where Python's sum starts
        raise NotSupportedError(
            f"{self._form.title} plus {'a number' if np.ndim(other) == 0 else 'an array'}",
            "use .shifted(number) for a multiple of the identity, or add to the .dense() array",
        )

    __radd__ = __add__

    def __sub__(self, other: Any) -> StructuredArray:
        return self + -other

    def __rsub__(self, other: Any) -> StructuredArray:
        return -self + other

    def shifted(self, by: Any) -> StructuredArray:
        """The sum with ``by`` times the identity; a number, or one for each row.

        H + λI of damped Newton steps, and H + diag(d) of Levenberg's and Marquardt's. Raises
        ShapeError where rows and columns differ.
        """
        array = _as_array(by, f"{self._form.title} shifted by")
        return StructuredArray(*shifted(self._form, self._arrays, array))

    # ── as a linear map ──

    @property
    def matrix(self) -> StructuredArray:
        """The rows by columns matrix of the same factors, with the axes of each side merged."""
        form, split = self._form, self._form.split
        groups = (form.inner[:split], form.inner[split:])
        return StructuredArray(replace(form, groups=groups, rows=1), self._arrays)

    @property
    def T(self) -> StructuredArray:
        """The transposed map: the axes of the columns, then those of the rows."""
        return StructuredArray(self._form.transposed, self._arrays)

    def __matmul__(self, v: Any) -> np.ndarray:
        """The map of ``v``: an array of the columns' shape, flat, or a matrix of several columns.

        The result has the rows' shape, or is flat, or has as many columns. Raises ShapeError.
        """
        return self._mapped(v, self.column_shape, self.row_shape, self._product, "@")

    def __rmatmul__(self, v: Any) -> np.ndarray:
        """``v`` times the map: an array of the rows' shape, flat, or a matrix of several rows."""
        array = _as_array(v, f"{self._form.title} @")
        if array.ndim == 2 and array.shape != self.row_shape:
            return (self.T @ array.T).T
        return self.T @ array

    def solve(self, b: Any) -> np.ndarray:
        """The x with self @ x = b, one factor after the other; ``b`` as on the left of ``@``.

        A sum is solved with as one block for each index along which all its products are diagonal.
        Raises NotSupportedError for other sums, and for factors that have no inverse by their
        shape; ValueNotAllowedError where a factor is singular. Warns with IllConditionedWarning
        where one is nearly so: where rounding alone may change the digits of x.
        """
        form = self._form
        doubts: list[str] = []
        solving = solved(form, self._arrays, doubts)
        x = self._mapped(b, self.row_shape, self.column_shape, solving, ".solve of")
        for doubt in doubts:
            warnings.warn(doubt, IllConditionedWarning, stacklevel=2)
        return x

    def matvec(self, v: Any) -> np.ndarray:
        """The map of a flat vector, or of one column, as SciPy's linear operators have it."""
        array = _as_array(v, f"{self._form.title} @")
        flat = self.matrix @ array.reshape(-1)
        return flat.reshape(-1, 1) if array.ndim == 2 else flat

    def rmatvec(self, v: Any) -> np.ndarray:
        """The transposed map of a flat vector."""
        return self.T.matvec(v)

    def matmat(self, v: Any) -> np.ndarray:
        """The map of each column of a matrix."""
        return self.matrix @ v

    def rmatmat(self, v: Any) -> np.ndarray:
        """The transposed map of each column of a matrix."""
        return self.T.matmat(v)

    def _mapped(
        self,
        given: Any,
        before: tuple[int, ...],
        after: tuple[int, ...],
        act: Callable[[np.ndarray], np.ndarray],
        sign: str,
    ) -> np.ndarray:
        array = _as_array(given, f"{self._form.title} {sign}")
        flat, count = math.prod(before), 1
        if array.shape == before:
            shape = after
        elif array.shape == (flat,):
            shape = (math.prod(after),)
        elif array.ndim == 2 and array.shape[0] == flat:
            count = array.shape[1]
            shape = (math.prod(after), count)
        else:
            raise ShapeError(
                f"{self._form.title} {sign} an array of shape {array.shape}: the map is "
                f"{format_shape(self.row_shape)} by {format_shape(self.column_shape)}",
                f"give an array of shape {before}, a flat one of {flat} entries, or a matrix "
                f"with {flat} rows",
            )
        dtype = np.result_type(self.dtype, array.dtype)
        result = act(array.reshape(flat, count).astype(dtype, copy=False)).reshape(shape)
        # of an identity it is what was given
        return result.copy() if np.may_share_memory(result, array) else result

    def _product(self, v: np.ndarray) -> np.ndarray:
        """The sum over the products, of a matrix with one row for each column entry."""
        form = self._form
        box = np.zeros((*form.inner[: form.split], v.shape[1]), v.dtype)
        given = v.reshape(*form.inner[form.split :], v.shape[1])
        for term in form.terms:
            _add_product(box, form, term, self._arrays, given)
        return box


def _add_product(
    box: np.ndarray, form: Form, term: Any, arrays: Sequence[np.ndarray], given: np.ndarray
) -> None:
    """Add one product, applied factor by factor, those first that leave the least."""
    sizes = sizes_of_labels(form, term)
    count = lambda labels: math.prod(sizes[i] for i in labels)
    value, labels = diagonal_view(given, (*term.labels[form.split :], -1))
    labels = labels[:-1]
    parts = sorted(parts_of(form, term), key=lambda p: count(p.rows) / max(1, count(p.columns)))
    for part in parts:
        if part.number is not None:
            value, labels = applied(part, arrays[part.number], value, labels, np.matmul)
        elif part.columns:
            axis = labels.index(part.columns[0])
            value, labels = value.sum(axis), labels[:axis] + labels[axis + 1 :]
    view, there = diagonal_view(box, (*term.labels[: form.split], -1))
    order = [i for i in there[:-1] if i in labels]
    moved = value.transpose(*(labels.index(i) for i in order), value.ndim - 1)
    extent = iter(moved.shape)
    view += moved.reshape(
        [next(extent) if i in labels else 1 for i in there[:-1]] + [given.shape[-1]]
    )


def _unravelled(count: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The indices along each axis of the first entries; no axes have one entry."""
    return np.unravel_index(count, sizes) if sizes and len(count) else (count,) * len(sizes)


def _as_array(v: Any, attempted: str) -> np.ndarray:
    """Real numbers that stand on the right of what is attempted."""
    if isinstance(v, StructuredArray):
        raise NotSupportedError(
            f"{attempted} the structured {v._form.title}", "use the .dense() array of one of them"
        )
    array = np.asarray(v)
    if array.dtype.kind in "biu":
        return array.astype(float)
    if array.dtype.kind != "f":
        kinds = {"U": "text", "S": "text", "O": "objects", "c": "complex numbers"}
        what = kinds.get(array.dtype.kind, f"an array of {array.dtype}")
        raise ShapeError(f"{attempted} {what}", "give real numbers")
    return array
