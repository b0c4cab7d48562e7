"""What is computed for expressions: names are looked through, to stable forms of their bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tensorcalc.codegen.stable import stabilised
from tensorcalc.expr import Definition, Expr, toposort
from tensorcalc.simplify import simplify

__all__ = ["computed_below", "computed_body", "count_uses"]


def computed_body(node: Definition) -> Expr:
    """What is computed for a name."""
    return stabilised(simplify(node.body))


def computed_below(roots: Iterable[Expr]) -> list[Expr]:
    """Every node that is computed for ``roots``, arguments first."""
    return toposort(roots, below=_children)


def count_uses(order: Iterable[Expr], roots: Iterable[Expr]) -> Counter[Expr]:
    """How often each node is an argument of others, or a root."""
    uses = Counter(child for node in order for child in _children(node))
    uses.update(roots)
    return uses


def _children(node: Expr) -> tuple[Expr, ...]:
    return (computed_body(node),) if isinstance(node, Definition) else node.args
