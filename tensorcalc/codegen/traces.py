"""Traces and diagonals of products without the product: tr(AB) = Σ_ij A_ij B_ji."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tensorcalc.expr import Definition, Einsum, Expr, fresh_indices, product, toposort

__all__ = ["traces_opened"]


def traces_opened(
    roots: Sequence[Expr], hints: Mapping[Expr, str]
) -> tuple[list[Expr], dict[Expr, str]]:
    """The roots with products whose diagonal alone is used taken into what uses it."""
    order = toposort([*roots, *hints], lambda n: isinstance(n, Definition))
    uses = Counter(arg for node in order for arg in node.args)
    uses.update(roots)
    done: dict[Expr, Expr] = {}
    for node in order:
        if isinstance(node, Definition) or not node.args:
            done[node] = node
            continue
        args = tuple(done[arg] for arg in node.args)
        after = node if args == node.args else node.with_args(args)
        if isinstance(node, Einsum):
            (first, *_) = node.args
            if uses[first] == 1 and first not in hints and isinstance(after, Einsum):
                after = _opened(after) or after
        done[node] = after
    return [done[root] for root in roots], {done[node]: name for node, name in hints.items()}


def _opened(e: Einsum) -> Expr | None:
    """A diagonal, or a trace, of a sum of products as one sum of products."""
    operand, indices = e.operands[0], e.inputs[0]
    if len(e.operands) != 1 or not isinstance(operand, Einsum) or not operand.summed:
        return None
    if len(set(indices)) == len(indices):
        return None
    numbers = fresh_indices(e.dims)
    name = dict(zip(operand.output, indices, strict=True))
    for i in operand.summed:
        name[i] = next(numbers)
    inputs = [tuple(name[i] for i in ix) for ix in operand.inputs]
    return product(operand.operands, inputs, e.output)
