"""Points to check at: what a person gives, or drawn from a seed inside every domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tensorcalc.derivative import Derivative
from tensorcalc.errors import DomainError, ShapeError, TensorCalcError
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import derivative_output
from tensorcalc.expr import Constant, Elementwise, Expr, Special, Variable, toposort
from tensorcalc.layout import permuted
from tensorcalc.shapes import format_shape, names_in, sizes_of
from tensorcalc.simplify import simplify
from tensorcalc.special import inv, logdet
from tensorcalc.tensor import Tensor, as_tensor
from tensorcalc.values import computation, given_values, read_values, require_entries

__all__ = ["Point", "draw_point", "equal", "given_point", "kinks_everywhere", "near_kink"]

_TRIES = 60
_LOOKS = 4
_LARGEST = 1e5
_KINK_DISTANCE = 1e-4
_WORST_CONDITION = 1e10


@dataclass(frozen=True)
class Point:
    """Float64 values for every variable of a computation, with the sizes they bind.

    ``known`` is for what a check computes at the point and wants again.
    """

    values: dict[str, np.ndarray]
    sizes: dict[str, int]
    known: dict[Any, np.ndarray] = field(default_factory=dict, compare=False, repr=False)


def given_point(universe: Iterable[Expr], at: Mapping[str, Any], what: str) -> Point:
    """The checked values a person gives, in float64."""
    universe = list(universe)
    variables = computation(universe)
    values = read_values(
        variables, variables, given_values(at, {}), finite=True, what=what, giving="at=dict({})"
    )
    require_entries(universe, values.sizes)
    return Point({n: a.astype(np.float64) for n, a in values.items()}, values.sizes)


def draw_point(
    universe: Iterable[Expr], seed: int, what: str, functions: Sequence[Expr] = ()
) -> Point:
    """Random values at which everything is finite and away from kinks.

    Named dimensions get unequal sizes, so that no axis is mistaken for another. Where there is
    no such point, ``functions`` alone need be finite: a formula may exist only as it is computed.
    Raises DomainError where there is none either.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise TensorCalcError(f"a seed given as {seed!r}", "give a whole number of 0 or more")
    universe = list(universe)
    variables = computation(universe)
    rng = np.random.default_rng(seed)
    sizes = _unequal_sizes(variables)
    always = kinks_everywhere(functions or universe, sizes)
    reasons: Counter[str] = Counter()
    for roots in (universe, *([functions] if functions else [])):
        reasons.clear()
        for attempt in range(_TRIES):
            point = Point(_drawn(rng, variables, sizes, attempt), sizes)
            reason = _outside(roots, point, always)
            if reason is None:
                return point
            reasons[reason] += 1
    ((reason, times),) = reasons.most_common(1)
    raise DomainError(
        f"no random point found at which {what} is defined ({_TRIES} tried): {reason} at "
        + ("all of them" if times == _TRIES else f"{times} of them"),
        "give one: at=dict(" + ", ".join(f"{name}=…" for name in variables) + ")",
    )


def _drawn(
    rng: np.random.Generator,
    variables: Mapping[str, Variable],
    sizes: Mapping[str, int],
    attempt: int,
) -> dict[str, np.ndarray]:
    return {
        name: _with_traits(_draw(rng, sizes_of(v.shape, sizes), attempt), v.traits)
        for name, v in variables.items()
    }


def _unequal_sizes(variables: Mapping[str, Variable]) -> dict[str, int]:
    dims = [dim for v in variables.values() for dim in v.shape]
    taken = {dim for dim in dims if isinstance(dim, int)}
    sizes: dict[str, int] = {}
    for name in names_in(dims):
        sizes[name] = next(n for n in range(2, 1000) if n not in taken)
        taken.add(sizes[name])
    return sizes


def _draw(rng: np.random.Generator, shape: tuple[int, ...], attempt: int) -> np.ndarray:
    """Of either sign first; then positive, small, negative ones, for narrower domains."""
    if attempt % 4 == 0:
        return np.asarray(rng.normal(size=shape))
    low, high = ((0.2, 1.5), (-0.6, 0.6), (-1.5, -0.2))[attempt % 4 - 1]
    return np.asarray(rng.uniform(low, high, size=shape))


def _with_traits(array: np.ndarray, traits: tuple[str, ...]) -> np.ndarray:
    """The numbers drawn, made what the matrix is declared to be."""
    if "diagonal" in traits:
        array = np.diag(np.diag(array))
        return np.abs(array) + np.eye(len(array)) if "positive definite" in traits else array
    if "positive definite" in traits:
        return array @ array.T + np.eye(len(array))
    return (array + array.T) / 2 if "symmetric" in traits else array


def _outside(universe: Iterable[Expr], point: Point, always: Collection[Expr]) -> str | None:
    """Why a point is not to be used, or None."""
    universe = list(universe)
    evaluation = Dense(point.values, point.sizes)
    try:
        with np.errstate(all="ignore"):
            for root in universe:
                evaluation.array(root)
    except np.linalg.LinAlgError:
        return "a matrix has no inverse"
    constants = [n.value for n in toposort(universe) if isinstance(n, Constant)]
    largest = _LARGEST * max(1.0, *(np.abs(c).max(initial=0) for c in constants), 0.0)
    for node, (array, _) in evaluation.known.items():
        if not np.isfinite(array).all():
            named = isinstance(node, (Elementwise, Special))
            return f"{node.function.name if named else 'a product'} has no finite value"
        if isinstance(node, Special) and node.function in (inv, logdet):
            condition = np.linalg.cond(evaluation.array(node.argument))
            if condition.max(initial=0) > _WORST_CONDITION:
                return "a matrix has no inverse"
        if array.size and np.abs(array).max() >= largest:
            return "something is too large to be checked"
    convention = near_kink(universe, evaluation, always)
    return None if convention is None else f"it is at a kink, where {convention} by convention,"


def near_kink(
    universe: Iterable[Expr], evaluation: Dense, always: Collection[Expr] = ()
) -> str | None:
    """The convention of a function evaluated at, or too near, a point without a derivative.

    What is ``always`` at its kink moves with nothing: there the convention does not matter.
    """
    for node in _kinked(universe):
        if node not in always and _distance_to_kink(node, evaluation) < _KINK_DISTANCE:
            return node.function.convention
    return None


def _kinked(universe: Iterable[Expr]) -> list[Elementwise | Special]:
    return [
        n
        for n in toposort(universe)
        if (isinstance(n, Elementwise) and n.function.kinks)
        or (isinstance(n, Special) and n.function.kink_distance)
    ]


def kinks_everywhere(universe: Iterable[Expr], sizes: Mapping[str, int]) -> set[Expr]:
    """The functions that are at a kink wherever one looks: maximum(x, x), relu(0 x)."""
    universe = list(universe)
    found: set[Expr] = set(_kinked(universe))
    variables = computation(universe)
    rng = np.random.default_rng(0)
    for attempt in range(_LOOKS if found else 0):
        evaluation = Dense(_drawn(rng, variables, sizes, attempt), sizes)
        for node in list(found):
            try:
                with np.errstate(all="ignore"):
                    for arg in node.args:
                        evaluation.array(arg)
                    if _distance_to_kink(node, evaluation) >= _KINK_DISTANCE:
                        found.discard(node)
            except np.linalg.LinAlgError:
                found.discard(node)
    return found


def _distance_to_kink(node: Expr, evaluation: Dense) -> float:
    """How near the arguments come to a kink; one of two arguments is where they differ by it."""
    first, *others = (evaluation.array(arg) for arg in node.args)
    if not first.size:
        return np.inf
    if isinstance(node, Special):
        distance = node.function.kink_distance
        return distance(first) if distance else np.inf
    if not isinstance(node, Elementwise):
        return np.inf
    place = first - others[0] if len(others) == 1 else first
    return min((float(np.abs(place - kink).min()) for kink in node.function.kinks), default=np.inf)


def equal(a: Any, b: Any, /, *, seed: int = 0) -> bool:
    """Whether two quantities, or two derivatives, are equal as functions of their variables.

    Derivatives are compared as their layouts show them. Decided by simplification, and otherwise
    at random points, some of them mirrored and some far out (to 1e-9 of the largest entry). What
    differs in shape is different; ShapeError if the shapes cannot be compared.
    """
    left, right = _quantity(a), _quantity(b)
    if left.shape != right.shape or left.form != right.form:
        if left.expr.ndim != right.expr.ndim:
            return False
        pairs = zip(left.expr.shape, right.expr.shape, strict=True)
        if any(type(p) is not type(q) for p, q in pairs):
            raise ShapeError(
                f"equality of shapes {format_shape(left.shape)} and {format_shape(right.shape)}",
                "use sizes or names for both",
            )
        return False
    if isinstance(a, Derivative) and isinstance(b, Derivative) and a.shape != b.shape:
        return False
    if simplify(_opened(left)) is simplify(_opened(right)):
        return True
    for point in _apart([left.expr, right.expr], seed):
        evaluation = Dense(point.values, point.sizes)
        x, y = evaluation.array(left.expr), evaluation.array(right.expr)
        scale = max(np.abs(x).max(initial=0), np.abs(y).max(initial=0))
        # where everything cancels, what is left is rounding of the largest intermediate
        largest = max(np.abs(a).max(initial=0) for a, _ in evaluation.known.values())
        if np.abs(x - y).max(initial=0) > max(1e-9 * scale, 1e-13 * largest):
            return False
    return True


def _apart(universe: Sequence[Expr], seed: int) -> Iterator[Point]:
    """Random points, and each mirrored and stretched: |x| is x, and x > 5 false, at too many."""
    variables = computation(universe)
    declared = [name for name, v in variables.items() if "positive definite" in v.traits]
    for k in range(4):
        point = draw_point(universe, seed + k, "the comparison")
        yield point
        always = kinks_everywhere(universe, point.sizes)
        for factor in (-1.0, 6.0, -6.0):
            values = {
                name: array if name in declared else factor * array
                for name, array in point.values.items()
            }
            other = Point(values, point.sizes)
            if _outside(universe, other, always) is None:
                yield other


def _quantity(x: Any) -> Tensor:
    if not isinstance(x, Derivative):
        return as_tensor(x)
    place = derivative_output(x).place
    e = permuted(x.value, [axis for axis in place if axis is not None])
    return Tensor(e, "row" if place[:1] == (None,) and e.ndim == 1 else None)


def _opened(t: Tensor) -> Expr:
    return t.expr.args[0] if t.name and t.expr.args else t.expr
