"""Giving numbers back to the quantities they came from.

Simplifying moves the 2 of δ = 2 (a − λ) ⊙ … into everything that uses δ, where it meets other
numbers. In code and in formulas δ is one name: wherever 2 · core is used, it is used by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tensorcalc.expr import Constant, Definition, Einsum, Expr, product, toposort
from tensorcalc.rewrite.products import coefficient_and_core

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
    used = lambda node: _named_use(node, named)
    order = toposort(
        [*hints, *roots],
        lambda n: isinstance(n, Definition),
        below=lambda n: (*n.args, *(whole for _, whole in used(n))),
    )
    result: dict[Expr, Expr] = {}
    for node in order:
        result[node] = _with_name(node, used(node), result)
    return [result[root] for root in roots], {result[node]: name for node, name in hints.items()}


def _named_use(node: Expr, named: Mapping[tuple[float, Expr], Expr]) -> list[tuple[int, Expr]]:
    """Where 2 · core stands in a product, with the named node that it is."""
    if not isinstance(node, Einsum) or not isinstance(node.operands[0], Constant):
        return []
    number = node.operands[0]
    found = [
        (k, named[number.number, operand])
        for k, operand in enumerate(node.operands)
        if number.ndim == 0 and (number.number, operand) in named
    ]
    return [(k, whole) for k, whole in found if whole is not node][:1]


def _with_name(node: Expr, used: Sequence[tuple[int, Expr]], result: Mapping[Expr, Expr]) -> Expr:
    if isinstance(node, Definition) or not node.args:
        return node
    args = tuple(result[arg] for arg in node.args)
    if isinstance(node, Einsum) and used:
        ((k, whole),) = used
        operands = (*args[1:k], result[whole], *args[k + 1 :])
        return product(operands, node.inputs[1:], node.output)
    return node if args == node.args else node.with_args(args)
