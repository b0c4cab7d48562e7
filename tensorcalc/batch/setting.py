"""A batch read off a program: losses, samples, what is shared, and the graph to walk down.

The graph that is told has a name at every stage (σ(Z) becomes one where the program has none), so
that each line of the batch equations is one rule. Values are the same as in the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tensorcalc.batch.parameter import refuse_parameter
from tensorcalc.chain import differentiate
from tensorcalc.derivation.samples import (
    Losses,
    Reading,
    axis_of_samples,
    one_over,
    samples_word,
    tied_to,
)
from tensorcalc.derivation.scribe import first_free
from tensorcalc.derivation.stages import Stages, staged, staged_by_all
from tensorcalc.derivative import Derivative, derivative
from tensorcalc.errors import NotSupportedError, TensorCalcError
from tensorcalc.expr import (
    Definition,
    Einsum,
    Expr,
    Variable,
    add,
    hadamard,
    is_zero,
    toposort,
)
from tensorcalc.shapes import Dim
from tensorcalc.structure import loose_ties, quantity_names, tied_axes
from tensorcalc.tensor import Tensor, define
from tensorcalc.wording import name_of, titled

__all__ = ["Setting", "read_setting"]

_LOSSES = ("l", "e", "q", "ell")


@dataclass(frozen=True)
class Setting:
    """L and Z as the user gave them, and what was found out about the samples.

    ``losses`` is the vector (l_1 … l_m), or None where L is no sum of losses; ``total`` is L with
    that sum written out; ``axis`` is the axis of Z along which samples lie. Where L is no sum it
    may be open which axis that is: then ``axis_known`` is False.
    """

    total: Tensor
    argument: Tensor
    losses: Tensor | None
    axis: int
    axis_known: bool
    scale: Expr | None
    coupled: bool
    why: str
    obstacle: Expr | None

    @property
    def count(self) -> Dim:
        """m, the number of samples."""
        return self.argument.expr.shape[self.axis]

    @property
    def is_mean(self) -> bool:
        """Whether L is the mean of the losses."""
        return self.scale is one_over(self.count)

    @property
    def sample(self) -> str:
        """What one sample of Z is: a row or a column of it."""
        return samples_word(self.argument, self.axis)

    @property
    def them(self) -> str:
        """The samples: the columns of Z."""
        several = "entries" if self.argument.expr.ndim == 1 else f"{self.sample}s"
        if not self.axis_known:
            several = "samples (rows or columns)"
        return f"the {several} of {name_of(self.argument)}"

    @cached_property
    def by_argument(self) -> Derivative:
        """∂L/∂Z, in numerator layout."""
        return derivative(self.total, self.argument)

    @cached_property
    def jacobian(self) -> Derivative | None:
        """∂l/∂Z, the derivative of the vector of losses, in numerator layout."""
        return derivative(self.losses, self.argument) if self.losses is not None else None

    # ── the graph that is told ──

    @cached_property
    def shared(self) -> tuple[Variable, ...]:
        """The variables that all samples share: weights and biases."""
        if not self.axis_known:
            return ()
        whole = self.argument if self.losses is None else self.losses
        below = [n for n in toposort([whole.expr]) if isinstance(n, Variable) and n.ndim]
        return tuple(v for v in below if self._place(v) is None)

    def _place(self, quantity: Expr, *, told: bool = False) -> int | None:
        """The axis along which the samples of a quantity lie; None for what they share.

        Told by a delta in its derivative: in every term of it, or, where samples are coupled, in
        some term. ``told``: as it stands in the graph.
        """
        wrt = self.told(self.argument) if told else self.argument.expr
        if quantity is wrt:
            return self.axis
        whole, axis = wrt, self.axis
        if self.losses is not None:
            whole, axis = self.told(self.losses) if told else self.losses.expr, 0
        if quantity is whole:
            return axis
        if quantity not in toposort([whole]):
            return None
        value = differentiate(whole, quantity)
        for ties in (tied_axes(value), loose_ties(value)):
            axes = [q - whole.ndim for p, q in ties if p == axis and q >= whole.ndim]
            if axes:
                return min(axes)
        return None

    @cached_property
    def mixed(self) -> list[Expr]:
        """What has samples that act on each other's losses."""
        if self.losses is None or self.coupled:
            return []
        each = self.told(self.losses)
        there = [*self.places, *self.data]
        placed = {**self.data, **self.places}
        return [v for v in there if placed[v] is not None and tied_to(each, v) is None]

    @cached_property
    def graph(self) -> Stages:
        """Every stage between L and what is shared, each under a name, with the edges between."""
        if not self.shared:
            return staged(self.total.expr, self.argument.expr)
        return staged_by_all(self.total.expr, [self.argument.expr, *self.shared])

    @cached_property
    def places(self) -> dict[Expr, int | None]:
        """The axis of the samples of every stage of the graph; None for what is shared."""
        return {vertex: self._place(vertex, told=True) for vertex in self.graph.order}

    @cached_property
    def data(self) -> dict[Expr, int | None]:
        """The variables with one row or column for each sample, and along which axis."""
        found = [n for n in toposort([self.total.expr]) if isinstance(n, Variable)]
        return {v: self._place(v) for v in found if v.ndim and v not in self.shared}

    def told(self, quantity: Tensor) -> Expr:
        """A quantity of the program as it stands in the graph."""
        return next((v for v in self.graph.order if v.name == quantity.name), quantity.expr)  # type: ignore[attr-defined]


# ── reading ──────────────────────────────────────────────────────────────────────────────


def read_setting(of: Tensor, wrt: Tensor, axis: int | None) -> Setting:
    """The batch in L and Z; TensorCalcError where it is open which axis counts samples."""
    if wrt.expr.ndim not in (1, 2):
        raise NotSupportedError(
            f"explain_batch by {titled(wrt)}, which has {wrt.expr.ndim} axes",
            "give a matrix whose rows or columns are the samples",
        )
    if of.expr.ndim > 1:
        raise NotSupportedError(
            f"explain_batch of {titled(of)}: neither one number nor one loss for each sample",
            "give the loss L, a scalar, or the vector of losses",
        )
    if is_zero(derivative(of, wrt).value):
        raise TensorCalcError(
            f"explain_batch of {name_of(of)} by {name_of(wrt)}, on which it does not depend",
            f"give a quantity that {name_of(of)} is computed from",
        )
    if axis is None:
        refuse_parameter(of, wrt)
    reading = axis_of_samples(of.expr, wrt.expr, axis)
    if reading.axis is None and (reading.tied or reading.losses.each is not None):
        raise _open_axis(of, wrt, reading)
    losses, total = _named(of, wrt, reading.losses)
    return Setting(
        total,
        wrt,
        losses,
        wrt.expr.ndim - 1 if reading.axis is None else reading.axis,
        reading.axis is not None,
        reading.losses.scale,
        not reading.tied,
        reading.why if axis is None else "",
        reading.losses.obstacle,
    )


def _open_axis(of: Tensor, wrt: Tensor, reading: Reading) -> TensorCalcError:
    axes = reading.open_axes or tuple(range(wrt.expr.ndim))
    ways = " or ".join(f"axis={q} if its {samples_word(wrt, q)}s are" for q in axes)
    reason = "nothing in the program tells"
    if reading.open_axes and reading.tied:
        reason = f"{name_of(of)} is a sum over its rows and over its columns alike"
    return TensorCalcError(
        f"explain_batch of {name_of(of)} by {titled(wrt)}: whether its rows or its columns are the "
        f"samples is open, {reason}",
        f"give {ways}",
    )


def _named(of: Tensor, wrt: Tensor, found: Losses) -> tuple[Tensor | None, Tensor]:
    """The losses under a name, and L as the sum of them."""
    if found.each is None:
        return None, of if of.name else define(_free_name(("L", "C", "E"), [of.expr]), of)
    universe = [of.expr, wrt.expr, found.each]
    losses = found.each
    if not isinstance(losses, (Definition, Variable)):
        losses = Definition(_free_name(_LOSSES, universe), losses)
    vector = of if losses is of.expr else Tensor(losses, "column")
    if found.named and not of.expr.ndim and of.name:
        return vector, of
    summed = Einsum((losses,), ((0,),), ())
    whole = hadamard(found.scale, summed) if found.scale is not None else summed
    if found.rest is not None:
        whole = add(whole, found.rest)
    name = of.name if of.name and not of.expr.ndim else _free_name(("L", "C", "E"), universe)
    return vector, Tensor(Definition(name, whole), "scalar")


def _free_name(wanted: Sequence[str], universe: Sequence[Expr]) -> str:
    """The first of the names that no quantity has."""
    taken = quantity_names(universe)
    return first_free(wanted, taken)
