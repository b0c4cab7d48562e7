"""Which arrays a function returns for values with a structure, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tensorcalc.codegen.structured import Form, StructuredArray
from tensorcalc.codegen.structured_form import unused_name
from tensorcalc.codegen.structured_sums import Block, is_one_block
from tensorcalc.codegen.structured_terms import Pattern, pattern_of
from tensorcalc.expr import Definition, Einsum, Expr, Variable
from tensorcalc.shapes import sizes_of
from tensorcalc.structure import quantity_names

if TYPE_CHECKING:
    from tensorcalc.codegen.generate import Output

__all__ = ["Presentation", "structured_outputs"]


@dataclass(frozen=True)
class Presentation:
    """What a call gives: for each output the number of its array, or its form over arrays."""

    shown: tuple[int | _Symbolic, ...]
    several: bool

    def made_of(
        self, sizes: Mapping[str, int], dtype: Any
    ) -> Callable[[Sequence[np.ndarray]], Any]:
        """The results by the arrays, for values of these sizes and this precision."""
        made = [
            one.made_of(sizes, np.dtype(dtype)) if isinstance(one, _Symbolic) else _nth(one)
            for one in self.shown
        ]
        if not self.several:
            return made[0]
        return lambda arrays: tuple([make(arrays) for make in made])


@dataclass(frozen=True)
class _Symbolic:
    """A form whose sizes may have names, of the arrays with these numbers."""

    title: str
    pattern: Pattern
    rows: int
    names: tuple[str, ...]
    numbers: tuple[int, ...]

    def made_of(
        self, sizes: Mapping[str, int], dtype: np.dtype
    ) -> Callable[[Sequence[np.ndarray]], Any]:
        groups = tuple(sizes_of(group, sizes) for group in self.pattern.groups)
        form = Form(self.title, groups, self.rows, self.pattern.terms, self.names, dtype)
        numbers = self.numbers
        if is_one_block(form):
            block = Block.of(form)
            return lambda arrays: StructuredArray(*block.made([arrays[n] for n in numbers]))
        if numbers == (0,):
            return lambda arrays: StructuredArray(form, (arrays[0],))
        return lambda arrays: StructuredArray(form, tuple([arrays[n] for n in numbers]))


def _nth(number: int) -> Callable[[Sequence[np.ndarray]], Any]:
    return lambda arrays: arrays[number]


def structured_outputs(
    outputs: Sequence[Output], hints: Mapping[Expr, str], *, several: bool
) -> tuple[tuple[Output, ...], Presentation]:
    """The arrays to return, and how the outputs are made of them."""
    returned: list[Output] = []
    shown: list[int | _Symbolic] = []
    taken = quantity_names(e for o in outputs for e in (o.expr, *o.universe))
    for o in outputs:
        if o.rows is None:
            shown.append(len(returned))
            returned.append(o)
            continue
        factors: dict[Expr, int] = {}
        pattern = pattern_of(o.expr, factors)
        # each result has arrays of its own, as the caller may change them
        numbers = tuple(range(len(returned), len(returned) + len(factors)))
        for e in factors:
            place = tuple(range(e.ndim))
            returned.append(replace(o, expr=e, place=place, rows=None, like=None))
        names = _names(factors, hints, taken)
        shown.append(_Symbolic(o.title, pattern, o.rows, names, numbers))
    return tuple(returned), Presentation(tuple(shown), several)


def _names(
    factors: Sequence[Expr] | Mapping[Expr, int], hints: Mapping[Expr, str], taken: set[str]
) -> tuple[str, ...]:
    """The names of the arrays: of quantities their own, of others a letter."""
    names: list[str] = []
    used = set(taken)
    for e in factors:
        own = hints.get(e) or _own_name(e)
        name = own or unused_name(e.ndim, used)
        used.add(name)
        names.append(name)
    return tuple(names)


def _own_name(e: Expr) -> str | None:
    """The name of a quantity, or of a transposed matrix."""
    if isinstance(e, Einsum) and e.inputs == ((0, 1),) and e.output == (1, 0):
        name = _own_name(e.operands[0])
        return name and f"{name}ᵀ"
    return e.name if isinstance(e, (Variable, Definition)) else None
