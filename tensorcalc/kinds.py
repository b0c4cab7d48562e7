"""What occurs in an expression: the types of its nodes and the functions that these apply.

Many a rule and many a sweep looks for something that most expressions have nowhere. What occurs
in a node and in all that stands below it, names looked through, is found once and remembered.
"""

from __future__ import annotations

from tensorcalc.expr import (
    Elementwise,
    Expr,
    Function,
    Special,
    SpecialFunction,
    unknown_below,
)

__all__ = ["Kind", "functions_in", "kinds_in"]

Kind = type[Expr] | Function | SpecialFunction


def kinds_in(e: Expr) -> frozenset[Kind]:
    """The types of ``e`` and of every node below it, and the functions they apply."""
    if "kinds" not in e.memo:
        for node in unknown_below(e, "kinds"):
            node.memo["kinds"] = _kinds(node)
    return e.memo["kinds"]


def functions_in(e: Expr) -> list[Function | SpecialFunction]:
    """The functions that ``e`` and the nodes below it apply."""
    return [k for k in kinds_in(e) if isinstance(k, (Function, SpecialFunction))]


def _kinds(node: Expr) -> frozenset[Kind]:
    """Those of the arguments with the node's own; one set is shared by all that add nothing."""
    own = {type(node), node.function} if isinstance(node, (Elementwise, Special)) else {type(node)}
    whole = frozenset[Kind]()
    for arg in node.args:
        inner = arg.memo["kinds"]
        whole = inner if whole <= inner else whole | inner
    return whole if own <= whole else whole | own
