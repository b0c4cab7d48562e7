"""Where a derivative can differ from zero: what its Kronecker deltas leave."""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.expr import Add, Delta, Einsum, Expr, is_zero

__all__ = ["can_differ", "ties"]


def ties(value: Expr) -> list[set[tuple[int, int]]]:
    """For each term the pairs of axes that a delta ties; none for the zero tensor."""
    if is_zero(value):
        return []
    if isinstance(value, Add):
        return [pairs for term in value.terms for pairs in ties(term)]
    if isinstance(value, Delta):
        return [{(0, 1)}]
    if not isinstance(value, Einsum):
        return [set()]
    place = {index: axis for axis, index in enumerate(value.output)}
    return [
        {
            (place[i], place[j])
            for operand, indices in zip(value.operands, value.inputs, strict=True)
            if isinstance(operand, Delta)
            for i, j in [indices]
            if i in place and j in place
        }
    ]


def can_differ(terms: Sequence[set[tuple[int, int]]], entry: Sequence[int]) -> bool:
    """Whether a term leaves this entry."""
    return any(all(entry[p] == entry[q] for p, q in pairs) for pairs in terms)
