"""Sums of products inside sums of products, as one: their order is chosen when code is written.

2 D Vᵀ V is best formed from VᵀV, which a product of two products does not show. What is used
more than once, or has a name, stays a value of its own.
"""

from __future__ import annotations

from tensorcalc.codegen.passes import Alone, Expressions, rewritten
from tensorcalc.expr import Delta, Einsum, Expr, Merge, fresh_indices, product

__all__ = ["chains_opened"]

_LONGEST = 4  # factors, so that every order can be tried


def chains_opened(e: Expressions) -> Expressions:
    """The expressions with contractions of contractions as contractions of several factors."""
    return rewritten(e, Einsum, _contractions_opened)


def _contractions_opened(e: Einsum, alone: Alone) -> Expr | None:
    """A contraction with the factors of those contractions that nothing else uses, if few.

    The same of a contraction that is only turned: (AᵀB)ᵀ is BᵀA.
    """
    if not e.summed and len([o for o in e.operands if o.ndim]) != 1:
        return None
    if not any(map(_is_contraction, e.operands)):
        return None
    numbers = fresh_indices(e.dims)
    operands: list[Expr] = []
    inputs: list[tuple[int, ...]] = []
    opened = False
    for k, (operand, indices) in enumerate(zip(e.operands, e.inputs, strict=True)):
        if _is_contraction(operand) and alone(k) and len(set(indices)) == len(indices):
            assert isinstance(operand, Einsum)
            name = dict(zip(operand.output, indices, strict=True))
            name |= {i: next(numbers) for i in operand.summed}
            operands += operand.operands
            inputs += [tuple(name[i] for i in ix) for ix in operand.inputs]
            opened = True
        else:
            operands.append(operand)
            inputs.append(indices)
    factors = [o for o in operands if o.ndim]
    if not opened or len(factors) > _LONGEST:
        return None
    return product(operands, inputs, e.output)


def _is_contraction(e: Expr) -> bool:
    return (
        isinstance(e, Einsum)
        and bool(e.summed)
        and not any(isinstance(o, (Delta, Merge)) for o in e.operands)
    )
