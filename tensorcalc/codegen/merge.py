"""Merged and split axes as ``reshape``: products with ``Merge`` are taken apart for that.

Every factor that has the merged axis is reshaped to have its parts instead; the product is
then formed without ``Merge``; and where the result has the merged axis, it is reshaped last.
"""

from __future__ import annotations

from tensorcalc.expr import Delta, Einsum, Expr, Merge, Ones, fresh_indices, product
from tensorcalc.kinds import kinds_in
from tensorcalc.simplify import rebuild_once

__all__ = ["is_reshape", "reshaped_last"]


def reshaped_last(root: Expr) -> Expr:
    """The same value with each product with ``Merge`` taken apart into reshapes and products."""
    return rebuild_once(root, _taken_apart, "taken apart") if Merge in kinds_in(root) else root


def is_reshape(e: Einsum) -> bool:
    """Whether ``e`` is X with some axes merged into one, or with one split, in their order."""
    if len(e.operands) != 2 or sum(isinstance(o, Merge) for o in e.operands) != 1:
        return False
    k = 0 if isinstance(e.operands[0], Merge) else 1
    p, *parts = e.inputs[k]
    given = e.inputs[1 - k]
    if len({p, *parts}) != 1 + len(parts) or len(set(given)) != len(given):
        return False
    if p in given:
        return e.output == _replaced(given, p, parts)
    return p in e.output and given == _replaced(e.output, p, parts)


def _replaced(indices: tuple[int, ...], p: int, parts: list[int]) -> tuple[int, ...]:
    return tuple(i for q in indices for i in (parts if q == p else [q]))


def _taken_apart(e: Expr) -> Expr | None:
    if not isinstance(e, Einsum) or is_reshape(e):
        return None
    for k, operand in enumerate(e.operands):
        if isinstance(operand, Merge) and _stands_alone(e, k):
            return _without_merge(e, k, operand)
    return None


def _stands_alone(e: Einsum, k: int) -> bool:
    """Whether no other merge shares an index: one axis split in two ways stays a product."""
    mine = set(e.inputs[k])
    return len(mine) == len(e.inputs[k]) and not any(
        isinstance(o, Merge) and mine & set(ix)
        for n, (o, ix) in enumerate(zip(e.operands, e.inputs, strict=True))
        if n != k
    )


def _without_merge(e: Einsum, k: int, merge: Merge) -> Expr:
    p, *parts = e.inputs[k]
    numbers = fresh_indices(e.dims)
    operands: list[Expr] = []
    inputs: list[tuple[int, ...]] = []
    for n, (operand, indices) in enumerate(zip(e.operands, e.inputs, strict=True)):
        if n == k:
            continue
        if p in indices:
            operand, indices = _split(operand, indices, p, parts, merge)
        operands.append(operand)
        inputs.append(indices)
    # in the result, parts that stand there as well get indices of their own, tied by deltas
    last = [i if i not in e.output else next(numbers) for i in parts] if p in e.output else []
    for part, own, dim in zip(parts, last, merge.dims, strict=False):
        if own != part:
            operands.append(Delta(dim))
            inputs.append((part, own))
    present = {i for indices in inputs for i in indices}
    for i, dim in zip([*parts], merge.dims, strict=True):
        if i not in present:
            operands.append(Ones(dim))
            inputs.append((i,))
    output = _replaced(e.output, p, last)
    inner = reshaped_last(product(operands, inputs, output))
    if p not in e.output:
        return inner
    return Einsum((inner, merge), (output, (p, *last)), e.output)


def _split(
    operand: Expr, indices: tuple[int, ...], p: int, parts: list[int], merge: Merge
) -> tuple[Expr, tuple[int, ...]]:
    """``operand`` with axis p split into ``parts``."""
    while p in indices:
        axis = indices.index(p)
        n = len(indices)
        old = tuple(range(n))
        new = tuple(range(n, n + len(parts)))
        operand = Einsum(
            (operand, merge), (old, (axis, *new)), (*old[:axis], *new, *old[axis + 1 :])
        )
        indices = (*indices[:axis], *parts, *indices[axis + 1 :])
    return operand, indices
