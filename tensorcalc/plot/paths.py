"""How named quantities depend on each other: the vertices and edges of the chain rule."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tensorcalc.expr import Definition, Expr, Variable, toposort

__all__ = ["count_paths", "inputs_of", "named_below", "paths"]


def inputs_of(node: Expr) -> list[Expr]:
    """The named quantities that stand in the formula of ``node`` itself."""
    if isinstance(node, Variable):
        return []
    start = node.body if isinstance(node, Definition) else node
    below = toposort([start], leaf=lambda e: isinstance(e, (Variable, Definition)))
    return [e for e in below if isinstance(e, (Variable, Definition))]


def named_below(of: Expr) -> list[Expr]:
    """``of`` and the named quantities that it is made from, inputs before what uses them."""
    return toposort([of], below=inputs_of)


def count_paths(of: Expr, wrt: Expr, held: Collection[Expr] = ()) -> int:
    """How many ways lead from ``of`` down to ``wrt`` through named quantities but ``held``."""
    return _counts(of, wrt, held)[of]


def _counts(of: Expr, wrt: Expr, held: Collection[Expr]) -> dict[Expr, int]:
    count: dict[Expr, int] = {}
    for node in named_below(of):
        through = 0 if node in held else sum(count[e] for e in inputs_of(node))
        count[node] = 1 if node is wrt else through
    return count


def paths(of: Expr, wrt: Expr, held: Collection[Expr] = ()) -> Iterator[tuple[Expr, ...]]:
    """Every way from ``of`` down to ``wrt``, both included, past none that is held fixed."""
    leads = {node for node, count in _counts(of, wrt, held).items() if count}
    waiting = [(of,)]
    while waiting:
        path = waiting.pop()
        if path[-1] is wrt:
            yield path
            continue
        waiting += [(*path, e) for e in reversed(inputs_of(path[-1])) if e in leads]
