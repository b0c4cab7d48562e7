"""Traces and diagonals of products without the product: tr(AB) = Σ_ij A_ij B_ji."""

from __future__ import annotations

from tensorcalc.codegen.passes import Alone, Expressions, rewritten
from tensorcalc.expr import Einsum, Expr, fresh_indices, product

__all__ = ["traces_opened"]


def traces_opened(e: Expressions) -> Expressions:
    """The expressions with products whose diagonal alone is used taken into what uses it."""
    return rewritten(e, Einsum, _diagonal_opened)


def _diagonal_opened(e: Einsum, alone: Alone) -> Expr | None:
    """A diagonal, or a trace, of a sum of products as one sum of products."""
    if len(e.operands) != 1 or not alone(0):
        return None
    (operand,), (indices,) = e.operands, e.inputs
    if not isinstance(operand, Einsum) or not operand.summed:
        return None
    if len(set(indices)) == len(indices):
        return None
    numbers = fresh_indices(e.dims)
    name = dict(zip(operand.output, indices, strict=True))
    for i in operand.summed:
        name[i] = next(numbers)
    inputs = [tuple(name[i] for i in ix) for ix in operand.inputs]
    return product(operand.operands, inputs, e.output)
