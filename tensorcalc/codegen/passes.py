"""What the passes over the expressions of all outputs share: the way through them.

A pass is a rule for the nodes of one type. Nodes are met after their arguments; names are not
looked through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tensorcalc.expr import Definition, Expr, toposort

__all__ = ["order_of", "over", "rewritten"]

N = TypeVar("N", bound=Expr)


def rewritten(
    roots: Sequence[Expr],
    hints: Mapping[Expr, str],
    kind: type[N],
    rule: Callable[[N, Sequence[bool]], Expr | None],
) -> tuple[list[Expr], dict[Expr, str]]:
    """The roots with the rule applied to every node of one type, and the names of what came out.

    The rule is given a node over rewritten arguments and, for each of them, whether it serves
    this node alone: no other use, no name. It gives None where the node stays as it is.
    """
    order = order_of(roots, hints)
    uses = Counter(arg for node in order for arg in node.args)
    uses.update(roots)
    done: dict[Expr, Expr] = {}
    for node in order:
        after = over(node, done)
        if isinstance(after, kind):
            alone = [uses[arg] == 1 and arg not in hints for arg in node.args]
            after = rule(after, alone) or after
        done[node] = after
    return [done[root] for root in roots], {done[node]: name for node, name in hints.items()}


def order_of(roots: Sequence[Expr], hints: Mapping[Expr, str]) -> list[Expr]:
    """Every node below the roots and what has a name, arguments first."""
    return toposort([*roots, *hints], lambda node: isinstance(node, Definition))


def over(node: Expr, done: Mapping[Expr, Expr]) -> Expr:
    """The node over what became of its arguments; a name stays."""
    if isinstance(node, Definition):
        return node
    args = tuple([done[arg] for arg in node.args])
    return node if args == node.args else node.with_args(args)
