"""Values at which a function has no value, or no derivative, are refused by name.

The derivative of log(x) is the formula 1/x, which gives numbers where log has none; the norm has
a gradient at 0 by convention, and no second derivative. What a condition leaves out does not
count: the arguments looked at are those that are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tensorcalc.codegen.callable import CompiledFunction, Output, compile_outputs
from tensorcalc.codegen.computed import computed_below
from tensorcalc.codegen.stable import stabilised
from tensorcalc.display import expression_text
from tensorcalc.errors import ValueNotAllowedError
from tensorcalc.expr import Elementwise, Expr, Special, Variable, toposort
from tensorcalc.functions import arccos, arcsin, inverse_or_zero, log, log1p, pow_, sqrt
from tensorcalc.simplify import simplify
from tensorcalc.special import det, inv
from tensorcalc.values import Values

__all__ = ["refuse_nan", "refuse_undefined"]

Outside = Callable[..., np.ndarray]
_WORST_CONDITION = 1e10  # beyond it, differences of det times two inverses mean little

_OUTSIDE: dict[object, Outside] = {
    log: lambda x: x < 0,
    sqrt: lambda x: x < 0,
    log1p: lambda x: x < -1,
    arcsin: lambda x: np.abs(x) > 1,
    arccos: lambda x: np.abs(x) > 1,
    pow_: lambda x, p: (x < 0) & (p != np.round(p)),
}


@dataclass(frozen=True)
class _Place:
    """A function, the arguments it is computed at, and where it has no value."""

    node: Elementwise | Special
    outside: Outside
    words: str


def refuse_undefined(
    what: str, roots: Iterable[Expr], formula: Expr, order: int, values: Values
) -> None:
    """ValueNotAllowedError where something in ``roots``, or its derivative, does not exist.

    ``formula`` is a derivative of this order of something in ``roots``.
    """
    places = _places((*roots,), formula, order)
    known = [p for p in places if _may_be_outside(p.node, values)]
    if not known:
        return
    with np.errstate(all="ignore"):
        arrays = iter(_arguments((*known,)).run(values))
        for place in known:
            args = [next(arrays) for _ in place.node.args]
            outside = place.outside(*args)
            if np.any(outside):
                raise _refusal(what, place, args[0][outside].flat[0])


def refuse_nan(what: str, result: np.ndarray) -> None:
    """ValueNotAllowedError where a result is not a number."""
    if result.size and np.isnan(result.min()):  # unlike isnan, this makes no temporary array
        raise ValueNotAllowedError(
            f"{what} at these values is not a number: it has no value there, or something on "
            "the way is beyond the range of floats",
            "give other values",
        )


def _refusal(what: str, place: _Place, at: float) -> ValueNotAllowedError:
    argument = expression_text(place.node.args[0])
    if isinstance(place.node, Special):
        return ValueNotAllowedError(
            f"{what} where the inverse of {argument}, from which it is computed, does not exist",
            "give values at which the matrix is invertible, or sizes as small numbers",
        )
    return ValueNotAllowedError(
        f"{what} at values where {place.words} has no value: {argument} is {at:g} there",
        "give values at which it exists, or leave these entries out with where(condition, …, …)",
    )


def _places(roots: tuple[Expr, ...], formula: Expr, order: int) -> list[_Place]:
    places = []
    for node in computed_below([stabilised(simplify(root)) for root in roots]):
        if isinstance(node, Elementwise):
            exponent = node.function.exponent
            broken = exponent is not None and not exponent.is_integer()
            outside = _OUTSIDE.get(sqrt if broken else node.function)
            if outside is not None:
                name = f"a power of {exponent:g}" if broken else node.function.name
                places.append(_Place(node, outside, name))
    nodes = computed_below([stabilised(simplify(formula))]) if order else []
    determinants = any(isinstance(n, Special) and n.function is det for n in nodes)
    for node in nodes:
        if determinants and isinstance(node, Special) and node.function is inv:
            places.append(_Place(node, _nearly_singular, "det"))
        if order > 1 and isinstance(node, Elementwise) and node.function is inverse_or_zero:
            places.append(_Place(node, lambda x: x == 0, "a second derivative of norm"))
    return places


def _nearly_singular(x: np.ndarray) -> np.ndarray:
    return np.broadcast_to((np.linalg.cond(x) > _WORST_CONDITION)[..., None, None], x.shape)


def _may_be_outside(node: Expr, values: Values) -> bool:
    """Whether a node is computed from these values; of sizes alone all are positive."""
    below = toposort([node])
    names = {n.name for n in below if isinstance(n, Variable)}
    of_sizes = not names and any(isinstance(dim, str) for n in below for dim in n.shape)
    return names <= values.keys() and not of_sizes


def _arguments(places: tuple[_Place, ...]) -> CompiledFunction:
    """One function for all the arguments of these places, remembered on the first."""
    nodes = tuple(place.node for place in places)
    known = nodes[0].memo.setdefault("arguments", {})
    if nodes not in known:
        arguments = [arg for node in nodes for arg in node.args]
        outputs = [Output(arg, tuple(range(arg.ndim)), "an argument") for arg in arguments]
        known[nodes] = compile_outputs(outputs, "arguments", several=True)
    return known[nodes]
