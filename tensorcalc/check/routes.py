"""Independent routes to a derivative's numbers.

``literal`` evaluates every local derivative as a dense array, deltas and all, and contracts
them in the written order; it uses no rewriting. ``differences`` and ``taylor`` use no rule of
differentiation at all: they evaluate the functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorcalc.chain import differentiate_in_turn
from tensorcalc.check.points import Point
from tensorcalc.codegen.determinants import minor_forms
from tensorcalc.derivative import Contribution, Derivative, Link
from tensorcalc.errors import MemoryLimitError
from tensorcalc.evaluate import Dense, contract
from tensorcalc.expr import Definition, Elementwise, Expr, Special, toposort
from tensorcalc.local import local_derivative
from tensorcalc.shapes import format_bytes, sizes_of
from tensorcalc.simplify import substitute

__all__ = [
    "LiteralRoute",
    "allows_complex_step",
    "differences",
    "first_order",
    "has_function",
    "literal",
    "taylor",
]

_TAYLOR_STEPS = 40
COMPLEX_STEP = 1e-30
CENTRAL_STEP = 1e-5
_WORST_CONDITION = 1e6
_CHUNK = 2**21  # entries of one batch of perturbed values
LITERAL_LIMIT = 2**31


# ── the literal route ────────────────────────────────────────────────────────────────────


@dataclass
class Literal:
    """The dense result, and the number of dense factors contracted."""

    array: np.ndarray
    factors: int


def literal(d: Derivative, point: Point, limit: int = LITERAL_LIMIT) -> Literal:
    """Dense local Jacobians and tensors, contracted in the written order and summed over paths.

    Raises MemoryLimitError if a dense factor would exceed ``limit`` bytes.
    """
    route = LiteralRoute(point, limit)
    total: np.ndarray | None = None
    for contribution in d.contributions:
        array: np.ndarray | None = None
        for link in contribution.links:
            factor = route.link(link)
            array = factor if array is None else route.chain(array, factor, link.of.expr.ndim)
        assert array is not None
        array = contribution.number * array
        total = array if total is None else total + array
    assert total is not None
    return Literal(total, max(route.factors, 1))


class _Masking(Dense):
    """An evaluation in which 0 times anything is 0: what a condition leaves out may be infinite."""

    @staticmethod
    def contract(call: list[Any], output: list[int]) -> np.ndarray:
        arrays, indices = call[::2], call[1::2]
        sizes = {
            i: n
            for a, ix in zip(arrays, indices, strict=True)
            for i, n in zip(ix, a.shape, strict=True)
        }
        finite = all(np.isfinite(a).all() for a in arrays)
        if finite or math.prod(sizes.values()) > _CHUNK:
            return contract(call, output)
        order = [*output, *(i for i in sizes if i not in output)]
        whole, gone = np.ones([sizes[i] for i in order]), np.zeros((), dtype=bool)
        for array, ix in zip(arrays, indices, strict=True):
            own = [i for i in order if i in ix]
            spread = np.einsum(array, ix, own).reshape([sizes[i] if i in ix else 1 for i in order])
            whole, gone = whole * spread, gone | (spread == 0)
        return np.where(gone, 0, whole).sum(axis=tuple(range(len(output), len(order))))


class LiteralRoute:
    """Dense factors at one point, evaluated once and contracted as written."""

    def __init__(self, point: Point, limit: int) -> None:
        self.at = _Masking(point.values, point.sizes)
        self.point = point
        self.limit = limit
        self.factors = 0

    def chain(self, left: np.ndarray, right: np.ndarray, joined: int) -> np.ndarray:
        """left · right, summed over the last axes of the one and the first of the other."""
        a = list(range(left.ndim))
        b = list(range(left.ndim - joined, left.ndim - joined + right.ndim))
        return self.at.contract([left, a, right, b], a[: left.ndim - joined] + b[joined:])

    def link(self, link: Link) -> np.ndarray:
        """∂of/∂wrt as a sum over paths through named quantities."""
        if link.given:
            return self.at.array(link.value)
        of, wrt, held = self._without_inverses(*first_order(link))
        order = toposort([of], lambda n: n is wrt or n in held)
        below = _reaching(order, {wrt}) - held - {wrt, of}
        names = [n for n in order if isinstance(n, Definition) and n in below]
        reached = {of: self._identity(of)}
        stops = {*names, wrt}
        for node in [of, *reversed(names)]:
            if node not in reached:
                continue
            for stop, factor in self._direct(node, stops - {node}, held).items():
                self.factors += 1
                product = factor if node is of else self.chain(reached[node], factor, node.ndim)
                reached[stop] = reached[stop] + product if stop in reached else product
        if wrt in reached:
            return reached[wrt]
        self._require(of, wrt)
        return np.zeros(self._shape(of) + self._shape(wrt))

    def _without_inverses(
        self, of: Expr, wrt: Expr, held: frozenset[Expr]
    ) -> tuple[Expr, Expr, frozenset[Expr]]:
        """The same with minors for determinants of matrices that have no inverse to speak of."""
        forms = {
            e: minors
            for e, minors in minor_forms(of, 1).items()
            if np.linalg.cond(self.at.array(e.args[0])).max() > _WORST_CONDITION
        }
        return _substituted(forms, of, wrt, held)

    def _direct(
        self, node: Expr, stops: set[Expr], held: frozenset[Expr]
    ) -> dict[Expr, np.ndarray]:
        """The dense local derivatives of one named quantity by those it names directly."""
        body = node.body if isinstance(node, Definition) else node
        if body in stops:
            return {body: self._identity(body)}
        order = toposort([body], lambda n: n in stops or n in held)
        below = _reaching(order, stops)
        reached = {body: self._identity(body)}
        found: dict[Expr, np.ndarray] = {}
        for n in reversed(order):
            if n not in reached or n in held:
                continue
            if n in stops:
                found[n] = reached[n]
                continue
            for k, arg in enumerate(n.args):
                if arg in below:
                    self._require(n, arg)
                    step = self.at.array(local_derivative(n, k))
                    product = step if n is body else self.chain(reached[n], step, n.ndim)
                    reached[arg] = reached[arg] + product if arg in reached else product
        return found

    def _shape(self, e: Expr) -> tuple[int, ...]:
        return sizes_of(e.shape, self.point.sizes)

    def _identity(self, e: Expr) -> np.ndarray:
        self._require(e, e)
        shape = self._shape(e)
        return np.eye(math.prod(shape)).reshape(shape + shape)

    def _require(self, a: Expr, b: Expr) -> None:
        count = 8 * math.prod(self._shape(a)) * math.prod(self._shape(b))
        if count > self.limit:
            raise MemoryLimitError(
                f"a dense local derivative would take {format_bytes(count)}",
                "check at smaller sizes",
            )


def _reaching(order: Sequence[Expr], stops: set[Expr]) -> set[Expr]:
    reaching: set[Expr] = set()
    for node in order:
        if node in stops or any(arg in reaching for arg in node.args):
            reaching.add(node)
    return reaching


def _on_the_way(of: Expr, wrt: Expr, held: frozenset[Expr]) -> set[Expr]:
    """The nodes whose value changes with ``wrt``."""
    order = toposort([of], lambda n: n is wrt or n in held)
    return _reaching(order, {wrt}) - held - {wrt}


def first_order(link: Link) -> tuple[Expr, Expr, frozenset[Expr]]:
    """A link as one function of one argument: a second derivative is that of a first."""
    *earlier, last = (w.expr for w in link.wrt)
    if not earlier:
        return link.of.expr, last, link.held
    # the first derivatives, with everything that is to stay independent kept so
    of, held = link.of.expr, link.held | (set(earlier) - {last})
    forms = minor_forms(of, len(link.wrt))  # a determinant's first derivative where it is 0
    of, last, held = _substituted(forms, of, last, held)
    earlier = [substitute(e, forms) for e in earlier]
    others = [*(substitute(e, forms) for e in link.held), *({last} - set(earlier))]
    return differentiate_in_turn(of, earlier, others), last, held


def _substituted(
    forms: Mapping[Expr, Expr], of: Expr, wrt: Expr, held: frozenset[Expr]
) -> tuple[Expr, Expr, frozenset[Expr]]:
    inside = lambda e: substitute(e, forms)
    return inside(of), inside(wrt), frozenset(map(inside, held))


# ── differences ──────────────────────────────────────────────────────────────────────────


class _Path:
    """A chain of links as a function: change the last argument, carry the change to the front."""

    def __init__(self, links: Sequence[Link], point: Point) -> None:
        self.links = [(link, *first_order(link)) for link in reversed(links)]
        self.point = point
        self.base = Dense(point.values, point.sizes)

    @property
    def start(self) -> np.ndarray:
        """The argument's own value."""
        return self.base.array(self.links[0][2])

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """The value for each argument of the batch, with the batch as first axis."""
        moved = batch
        for link, of, wrt, held in self.links:
            if link.given and not has_function(link):
                array = self.base.array(link.value)
                flat = moved.reshape(len(moved), -1) @ array.reshape(-1, wrt_size(wrt, self)).T
                moved = flat.reshape((len(moved), *array.shape[: of.ndim]))
                continue
            overrides = {h: (self.base.array(h), False) for h in held}
            overrides[wrt] = (moved, True)
            value, batched = Dense(self.point.values, self.point.sizes, overrides)(of)
            moved = value if batched else np.broadcast_to(value, (len(batch), *value.shape))
        return moved

    def allows_complex_step(self) -> bool:
        """Whether every function on the way continues to complex arguments."""
        return all(
            node.function.complex_step
            for _, of, wrt, held in self.links
            for node in _on_the_way(of, wrt, held)
            if isinstance(node, (Elementwise, Special))
        )


def has_function(link: Link) -> bool:
    """Whether the value of a link is a function of its argument, or a mere name."""
    *_, last = link.wrt
    return any(node is last.expr for node in toposort([link.of.expr]))


def wrt_size(wrt: Expr, path: _Path) -> int:
    """The number of entries of an argument."""
    return math.prod(sizes_of(wrt.shape, path.point.sizes))


def allows_complex_step(d: Derivative, point: Point) -> bool:
    """Whether the complex step can be used for every path."""
    return all(_Path(c.links, point).allows_complex_step() for c in d.contributions)


def differences(d: Derivative, point: Point, *, complex_step: bool) -> np.ndarray:
    """The derivative from function values alone, with the stored axes."""
    return sum(
        (_path_differences(c, point, complex_step=complex_step) for c in d.contributions),
        start=np.zeros(()),
    )


def _path_differences(c: Contribution, point: Point, *, complex_step: bool) -> np.ndarray:
    path = _Path(c.links, point)
    start = path.start
    rows = max(1, _CHUNK // max(_largest_node(path), 1))
    columns = []
    for first in range(0, start.size, rows):
        count = min(rows, start.size - first)
        unit = np.zeros((count, start.size))
        unit[np.arange(count), first + np.arange(count)] = 1
        unit = unit.reshape(count, *start.shape)
        if complex_step:
            columns.append(np.imag(path(start + 1j * COMPLEX_STEP * unit)) / COMPLEX_STEP)
        else:
            forward, back = path(start + CENTRAL_STEP * unit), path(start - CENTRAL_STEP * unit)
            columns.append((forward - back) / (2 * CENTRAL_STEP))
    whole = np.concatenate(columns) if columns else np.zeros((0, *path(start[None]).shape[1:]))
    return c.number * np.moveaxis(whole, 0, -1).reshape(whole.shape[1:] + start.shape)


def _largest_node(path: _Path) -> int:
    sizes = path.point.sizes
    return max(
        math.prod(sizes_of(node.shape, sizes))
        for _, of, _, _ in path.links
        for node in toposort([of])
    )


# ── Taylor ───────────────────────────────────────────────────────────────────────────────


def taylor(d: Derivative, array: np.ndarray, point: Point, seed: int) -> float | None:
    """The observed order of the remainder f(x + hΔ) − f(x) − h [∂f/∂x]·Δ; None if it vanishes.

    ``array`` is the derivative with its stored axes. A right derivative gives 2 or more.
    """
    rng = np.random.default_rng(seed + 1)
    paths = [(c.number, _Path(c.links, point)) for c in d.contributions]
    start = paths[0][1].start
    direction = rng.normal(size=start.shape)
    direction /= max(np.linalg.norm(direction), 1e-300)
    slope = np.tensordot(array, direction, axes=start.ndim)
    steps = 0.25 * 0.5 ** np.arange(_TAYLOR_STEPS)
    batch = start + steps.reshape(-1, *[1] * start.ndim) * direction
    with np.errstate(all="ignore"):
        moved = sum(number * path(batch) for number, path in paths)
        rest = sum(number * path(start[None])[0] for number, path in paths)
    shaped = steps.reshape(-1, *[1] * slope.ndim)
    remainder = np.asarray(moved - rest - shaped * slope).reshape(len(steps), -1)
    size = np.abs(remainder).max(axis=1, initial=0)
    # at the smallest steps only rounding is left; it grows with the numbers subtracted
    largest = np.abs(np.asarray(moved)).reshape(len(steps), -1).max(axis=1, initial=0)
    largest = largest + np.abs(rest).max(initial=0) + steps * np.abs(slope).max(initial=0)
    floor = np.maximum(64 * size[-4:].max(), 4e-14 * largest)
    known = (a for _, path in paths for a, _ in path.base.known.values())
    floor = np.maximum(floor, 1e-15 * max((np.abs(a).max(initial=0) for a in known), default=0))
    usable = np.isfinite(size) & (size > floor)
    last = max(np.flatnonzero(usable), default=-1)
    if -1 < last < len(size) - 1 and size[last] > 16 * floor[last]:
        return None  # gone at once: affine near the point, with a kink farther off
    pairs = [
        math.log2(size[k] / size[k + 1])
        for k in range(len(size) - 1)
        if usable[k] and usable[k + 1]
    ]
    if not pairs:
        return None
    # a wrong derivative shows 1 at every step; a right one may reach 2 only at the smallest
    return float(min(pairs[-3:], key=lambda order: abs(order - 2)))
