"""Giving numbers back to the quantities they came from.

Simplifying moves the 2 of δ = 2 (a − λ) ⊙ … into everything that uses δ, where it meets other
numbers. In code and in formulas δ is one name: wherever 2 · core is used, it is used by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tensorcalc.expr import Constant, Definition, Einsum, Expr, product, toposort
from tensorcalc.simplify import coefficient_and_core

__all__ = ["regrouped"]


def regrouped(
    roots: Sequence[Expr], hints: Mapping[Expr, str]
) -> tuple[list[Expr], dict[Expr, str]]:
    """The roots over named quantities with their numbers, and the names of what they became."""
    named: dict[tuple[float, Expr], Expr] = {}
    for node in hints:
        number, core = coefficient_and_core(node)
        if number != 1 and core.ndim:
            named[number, core] = node
    if not named:
        return list(roots), dict(hints)
    result: dict[Expr, Expr] = {}
    for node in _order([*hints, *roots]):
        result[node] = _with_names(node, named, result)
    return [result[root] for root in roots], {result[node]: name for node, name in hints.items()}


def _order(roots: Iterable[Expr]) -> list[Expr]:
    return toposort(roots, lambda n: isinstance(n, Definition))


def _with_names(
    node: Expr, named: Mapping[tuple[float, Expr], Expr], result: Mapping[Expr, Expr]
) -> Expr:
    if isinstance(node, Definition) or not node.args:
        return node
    args = tuple(result[arg] for arg in node.args)
    if isinstance(node, Einsum) and isinstance(node.operands[0], Constant):
        number = node.operands[0]
        for k, operand in enumerate(node.operands[1:], 1):
            whole = named.get((number.number, operand)) if number.ndim == 0 else None
            if whole is not None and whole is not node and whole in result:
                operands = (*args[1:k], result[whole], *args[k + 1 :])
                return product(operands, node.inputs[1:], node.output)
    return node if args == node.args else node.with_args(args)
