"""Libraries that compile a function for values of given shapes, known from the first of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.case import Bind, Run, Values

Compiled = tuple[Callable[..., Any], Sequence[str]]  # and the names of its arguments in order


def at_first_values(compiled: Callable[[Values], Compiled]) -> Bind:
    made: list[Compiled] = []

    def bind(values: Values) -> Run:
        if not made:
            made.append(compiled(values))
        ((function, names),) = made
        given = [values[name] for name in names]
        return lambda: function(*given)

    return bind
