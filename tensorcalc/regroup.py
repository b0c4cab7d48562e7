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
    named: dict[Expr, dict[float, Expr]] = {}
    for node in hints:
        number, core = coefficient_and_core(node)
        if number not in (0, 1) and core.ndim:
            named.setdefault(core, {})[number] = node
    if not named:
        return list(roots), dict(hints)
    used = lambda node: _named_use(node, named)
    order = toposort(
        [*hints, *roots],
        lambda n: isinstance(n, Definition),
        below=lambda n: (*n.args, *(whole for _, whole, _ in used(n))),
    )
    result: dict[Expr, Expr] = {}
    for node in order:
        result[node] = _with_name(node, used(node), result)
    return [result[root] for root in roots], {result[node]: name for node, name in hints.items()}


def _named_use(
    node: Expr, named: Mapping[Expr, Mapping[float, Expr]]
) -> list[tuple[int, Expr, float]]:
    """Where 2 · core stands in a product, with the named node that it is, and how often."""
    if not isinstance(node, Einsum) or not isinstance(node.operands[0], Constant):
        return []
    number = node.operands[0]
    if number.ndim:
        return []
    for k, operand in enumerate(node.operands):
        multiples = named.get(operand, {})
        if number.number in multiples and multiples[number.number] is not node:
            return [(k, multiples[number.number], 1.0)]
        for known, whole in multiples.items():  # -2 · core by the name of 2 · core
            if whole is node:
                break  # what has the first name is no multiple of a later one
            ratio = number.number / known
            if ratio * known == number.number:
                return [(k, whole, ratio)]
    return []


def _with_name(
    node: Expr, used: Sequence[tuple[int, Expr, float]], result: Mapping[Expr, Expr]
) -> Expr:
    if isinstance(node, Definition) or not node.args:
        return node
    args = tuple(result[arg] for arg in node.args)
    if isinstance(node, Einsum) and used:
        ((k, whole, ratio),) = used
        operands = (Constant(ratio), *args[1:k], result[whole], *args[k + 1 :])
        first = 0 if ratio != 1 else 1
        return product(operands[first:], node.inputs[first:], node.output)
    return node if args == node.args else node.with_args(args)
