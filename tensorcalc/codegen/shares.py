"""Which values are a softmax, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc import special
from tensorcalc.codegen.stable import stabilised
from tensorcalc.expr import Definition, Einsum, Expr, Special, toposort
from tensorcalc.functions import exp
from tensorcalc.kinds import kinds_in
from tensorcalc.rewrite.products import Factor
from tensorcalc.simplify import simplify

__all__ = ["Shares"]

_WRITTEN_IN = frozenset({special.softmax, exp})


class Shares:
    """Which nodes are a softmax, by its axes; one by several names counts as one."""

    def __init__(self, roots: Sequence[Expr]) -> None:
        self.seen: dict[Expr, Factor] = {}
        self.names: dict[Expr, Factor] = {}  # the softmax by its name and the axes of that
        seen = [root for root in roots if not kinds_in(root).isdisjoint(_WRITTEN_IN)]
        for node in toposort(seen, lambda n: isinstance(n, Definition)):
            found = _softmax(node)
            if found is not None:
                self.seen[node] = found
                whole, axes = found
                self.seen[whole] = (whole, tuple(range(whole.ndim)))
                if isinstance(node, Definition):
                    place = tuple(axes.index(a) for a in range(node.ndim))
                    self.names.setdefault(whole, (node, place))

    def __bool__(self) -> bool:
        return bool(self.seen)

    def of(self, e: Expr) -> Factor | None:
        """The softmax that ``e`` is and the axis of ``e`` that each of its axes is."""
        return self.seen.get(e)

    def named(self, factor: Factor) -> Factor:
        """The factor by the name of the softmax, if it is one and has a name."""
        e, indices = factor
        if e not in self.names:
            return factor
        name, place = self.names[e]
        return name, tuple(indices[k] for k in place)


def _softmax(e: Expr) -> Factor | None:
    """The softmax that a node is computed as, by the axes of the node."""
    if not isinstance(e, (Definition, Special)):
        return None
    axes, ndim = tuple(range(e.ndim)), e.ndim
    while True:
        if isinstance(e, Definition):
            e = stabilised(simplify(e.body))
        elif isinstance(e, Einsum) and len(e.operands) == 1 and len(e.inputs[0]) == ndim:
            place = {i: axes[k] for k, i in enumerate(e.output)}
            if len(place) < ndim or set(place) != set(e.inputs[0]):
                return None
            axes, e = tuple(place[i] for i in e.inputs[0]), e.operands[0]
        else:
            found = isinstance(e, Special) and e.function is special.softmax
            return (e, axes) if found else None
