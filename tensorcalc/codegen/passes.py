"""What the passes over the expressions of all outputs share: the way through them.

A pass is a rule for the nodes of one type. Nodes are met after their arguments; names are not
looked through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

from tensorcalc.expr import Definition, Expr, toposort

__all__ = ["Alone", "Expressions", "over", "rewritten"]

N = TypeVar("N", bound=Expr)
Alone = Callable[[int], bool]  # whether the argument in this place serves one node, unnamed


@dataclass(frozen=True)
class Expressions:
    """What is computed, ``roots``, and the names that nodes are to have in code."""

    roots: Sequence[Expr]
    names: Mapping[Expr, str]

    @cached_property
    def order(self) -> list[Expr]:
        """Every node below the roots and what has a name, arguments first."""
        return toposort([*self.roots, *self.names], lambda node: isinstance(node, Definition))

    @cached_property
    def uses(self) -> Counter[Expr]:
        """How often each node is an argument, or a root."""
        uses = Counter(arg for node in self.order for arg in node.args)
        uses.update(self.roots)
        return uses

    def is_alone(self, node: Expr, k: int) -> bool:
        """Whether argument k serves this node alone: no other use, no name."""
        arg = node.args[k]
        return self.uses[arg] == 1 and arg not in self.names

    def over(self, done: Mapping[Expr, Expr]) -> Expressions:
        """The same over what became of the nodes that changed; itself where none did."""
        if not done:
            return self
        roots = [done.get(root, root) for root in self.roots]
        return Expressions(roots, {done.get(node, node): name for node, name in self.names.items()})


def rewritten(
    e: Expressions, kind: type[N], rule: Callable[[N, Alone], Expr | None]
) -> Expressions:
    """The expressions with the rule applied to every node of one type.

    The rule is given a node over rewritten arguments and what says which of them it has for
    itself. It gives None where the node stays as it is.
    """
    done: dict[Expr, Expr] = {}
    for node in e.order:
        after = over(node, done) if done else node
        if isinstance(after, kind):
            after = rule(after, partial(e.is_alone, node)) or after
        if after is not node:
            done[node] = after
    return e.over(done)


def over(node: Expr, done: Mapping[Expr, Expr]) -> Expr:
    """The node over what became of its arguments; a name stays."""
    if isinstance(node, Definition):
        return node
    args = tuple([done.get(arg, arg) for arg in node.args])
    return node if args == node.args else node.with_args(args)
