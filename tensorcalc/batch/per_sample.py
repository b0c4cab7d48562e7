"""The derivatives of every sample, stacked: a block diagonal derivative without its delta.

∂l_k/∂Z_js = I[k=s] G[s, j] has m · m · n entries, all but m · n of them zero. G holds those: row s
is the row gradient of loss s by sample s. Nothing dense is made on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tensorcalc.batch.coupling import what_couples
from tensorcalc.codegen import CompiledFunction, Output, compile_outputs
from tensorcalc.derivation.samples import samples_word
from tensorcalc.derivative import Derivative
from tensorcalc.display.index import index_form
from tensorcalc.display.spelling import spell
from tensorcalc.errors import NotSupportedError, ShapeError, TensorCalcError
from tensorcalc.expr import Einsum, Expr, Select, is_zero, transpose
from tensorcalc.shapes import Dim, Shape, format_shape, size_of
from tensorcalc.simplify import simplify
from tensorcalc.structure import tied_axes
from tensorcalc.tensor import Tensor
from tensorcalc.values import given_values
from tensorcalc.wording import name_of

__all__ = ["PerSample", "per_sample", "read_axis"]


@dataclass(frozen=True, repr=False)
class PerSample:
    """The derivatives [∂of_s/∂wrt_s] of all samples s, stacked along the first axis.

    Of losses (m) by Z (n × m) these are m row gradients, m × n. They are derivatives at m
    different points: no Jacobian of one function at one point. ``value`` has the axes in the order
    of ``shape``; ``axis`` is the axis of the argument along which its samples lie.
    """

    derivative: Derivative
    axis: int
    value: Expr

    @property
    def shape(self) -> Shape:
        """The number of samples, then the shape of one sample's derivative in the layout."""
        return self.value.shape

    @property
    def count(self) -> Dim:
        """The number of samples."""
        return self.shape[0]

    @property
    def title(self) -> str:
        """∂l/∂Z, per column."""
        one = samples_word(self.derivative.arguments[0], self.axis)
        return f"{self.derivative.title} per {one}"

    @property
    def quantity(self) -> Tensor:
        """The stacked derivatives as a quantity to compute with."""
        return Tensor(self.value, {1: "column", 2: "matrix"}.get(self.value.ndim, "tensor"))

    @cached_property
    def _compiled(self) -> CompiledFunction:
        axes = tuple(range(self.value.ndim))
        output = Output(self.value, axes, self.title, self.derivative.universe)
        return compile_outputs([output], "per_sample")

    def compile(self) -> CompiledFunction:
        """A plain NumPy function of the stacked derivatives; see its ``source``."""
        return self._compiled

    def evaluate(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> np.ndarray:
        """The array of exactly ``shape``, for values given by name or as a mapping.

        Raises MissingValueError, ShapeError or ValueNotAllowedError as ``Derivative.evaluate``.
        """
        checked = self._compiled.read(given_values(values, named), finite=True)
        return self._compiled.run(checked)

    def __getitem__(self, sample: int) -> Tensor:
        """The derivative of one sample, counted from 0, as a quantity; a row for a gradient."""
        known = isinstance(sample, (int, np.integer)) and not isinstance(sample, bool)
        size = self.count
        if not known or sample < 0 or (isinstance(size, int) and sample >= size):
            last = size - 1 if isinstance(size, int) else f"{size} − 1"
            raise ShapeError(f"sample {sample!r} of {self.title}", f"count from 0 to {last}")
        one = Select(self.value, 0, int(sample))
        forms = {0: "scalar", 1: "row", 2: "matrix"}
        return Tensor(one, forms.get(one.ndim, "tensor"))

    def __len__(self) -> int:
        """The number of samples; DimensionError while it has only a name."""
        return size_of(self.count, {})

    def __iter__(self) -> Iterator[Tensor]:
        """The derivatives of all samples in turn; DimensionError while they have no number."""
        return (self[sample] for sample in range(len(self)))

    def entry(self) -> str:
        """One entry in index letters, s the sample: ``2 (A_js − Y_js)``."""
        return spell(index_form(self.value, _letters(self.value.ndim)))

    def __repr__(self) -> str:
        letters = ", ".join(_letters(self.value.ndim))
        each = self.derivative.of.expr.ndim > 1
        what = "Jacobians" if each else "row gradients"
        return (
            f"({self.title})[{letters}] = {self.entry()} : {format_shape(self.shape)}, "
            f"{self.count} {what} at {self.count} points, stacked"
        )


def _letters(ndim: int) -> list[str]:
    return list({1: "s", 2: "sj", 3: "skj"}.get(ndim, "sklmnpqj"))[:ndim]


def per_sample(d: Derivative, /, axis: int | None = None) -> PerSample:
    """The derivatives of every sample, stacked: m × n from ∂l/∂Z, m × k × n from ∂A/∂Z.

    ``axis`` is the axis of the argument along which samples lie: 0 where they are its rows, 1
    where they are its columns; found where one axis only is tied by a delta. Raises
    NotSupportedError where the derivative is not block diagonal along it, and says what couples
    the samples; TensorCalcError for an axis that the argument lacks, or where two would do.
    """
    argument = _only_argument(d)
    first = d.of.expr.ndim
    if axis is not None:
        axis = read_axis(axis, argument, f"{d.title}.per_sample()")
    tied = {(p, q - first) for p, q in tied_axes(d.value) if p < first <= q}
    fitting = sorted(pair for pair in tied if axis in (None, pair[1]))
    if not fitting:
        raise _not_block_diagonal(d, axis)
    if len(fitting) > 1:
        ways = " or ".join(f"axis={q} (its {samples_word(argument, q)}s)" for _, q in fitting)
        raise TensorCalcError(
            f"{d.title}.per_sample(): which axis of {name_of(argument)} counts samples is open",
            f"give {ways}",
        )
    value_axis, own_axis = fitting[0]
    return PerSample(d, own_axis, _stacked(d, value_axis, own_axis))


def _stacked(d: Derivative, value_axis: int, own_axis: int) -> Expr:
    """The entries where both sample axes agree, that axis first, then those of the layout."""
    first, whole = d.of.expr.ndim, d.value.ndim
    indices = list(range(whole))
    indices[first + own_axis] = value_axis
    of = [a for a in range(first) if a != value_axis]
    by = [a for a in range(first, whole) if a != first + own_axis]
    stacked = simplify(Einsum((d.value,), (tuple(indices),), (value_axis, *of, *by)))
    order = d.layout_view.axes(len(of), (len(by),))
    return simplify(transpose(stacked, (0, *(1 + a for a in order))))


def _only_argument(d: Derivative) -> Tensor:
    first, *more = d.arguments
    if more:
        raise NotSupportedError(
            f"{d.title}.per_sample(): a derivative by more than one quantity",
            "take it of a first derivative, such as tc.derivative(l, Z)",
        )
    return first


def _not_block_diagonal(d: Derivative, axis: int | None) -> NotSupportedError:
    argument, first = d.arguments[0], d.of.expr.ndim
    size = f"{d.title}, {format_shape(d.shape)} {d.kind}"
    if not first:
        return NotSupportedError(
            f"{d.title}.per_sample(): {name_of(d.of)} is one number, not one for each sample",
            f"take the vector of losses, one for each sample, and its derivative by "
            f"{name_of(argument)}",
        )
    along = [axis] if axis is not None else range(argument.expr.ndim)
    dims = d.of.expr.shape
    fits = [q for q in along if argument.expr.shape[q] in dims]
    if is_zero(d.value):
        return NotSupportedError(
            f"per_sample of {size}: it is zero, {name_of(d.of)} does not depend on "
            f"{name_of(argument)}",
            "take the derivative by a quantity that the losses depend on",
        )
    if not fits:
        return NotSupportedError(
            f"per_sample of {size}: no axis of {name_of(d.of)} has the size of one of "
            f"{name_of(argument)}",
            "it is for a value with one entry, row or column for each sample",
        )
    return NotSupportedError(
        f"per_sample of {size}: not block diagonal along axis {fits[0]} of {name_of(argument)}. "
        + what_couples(d.of.expr, argument, fits[0]),
        f"evaluate {d.title} itself: what belongs to one sample alone is not defined",
    )


def read_axis(axis: Any, argument: Tensor, what: str) -> int:
    """The axis of the argument along which samples lie, counted from 0."""
    ndim = argument.expr.ndim
    known = isinstance(axis, (int, np.integer)) and not isinstance(axis, bool)
    if not known or not -ndim <= axis < ndim:
        ways = " or ".join(f"axis={k} (its {samples_word(argument, k)}s)" for k in range(ndim))
        raise TensorCalcError(
            f"{what} with axis={axis!r}: {name_of(argument)} has {ndim or 'no'} "
            f"ax{'i' if ndim == 1 else 'e'}s",
            f"give {ways}" if ways else "take the derivative by a quantity with samples",
        )
    return int(axis) % ndim
