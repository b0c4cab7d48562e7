"""Products with merged axes that other notations have a word for: vec X and A ⊗ B."""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.expr import Einsum, Expr, Merge, product
from tensorcalc.rewrite.products import Factor

__all__ = ["kron_parts", "merged_parts", "vec_part"]


def merged_parts(node: Expr) -> tuple[Expr, ...]:
    """X of vec X, or A and B of A ⊗ B; nothing for any other expression."""
    return kron_parts(node) or vec_part(node)


def vec_part(node: Expr) -> tuple[Expr, ...]:
    """(X,) where the expression is vec X: entry (i, j) of X stands where (j, i) is counted."""
    if not isinstance(node, Einsum) or node.ndim != 1:
        return ()
    parts, others = _split(node)
    if list(parts) != list(node.output) or len(parts[node.output[0]]) != 2:
        return ()
    j, i = parts[node.output[0]]
    return _only(_part(others, (i, j)))


def kron_parts(node: Expr) -> tuple[Expr, ...]:
    """(A, B) where the expression is A ⊗ B, for matrices and columns."""
    if not isinstance(node, Einsum) or not 1 <= node.ndim <= 2:
        return ()
    parts, others = _split(node)
    if not parts or node.output[0] not in parts or not set(parts) <= set(node.output):
        return ()
    if any(len(part) != 2 for part in parts.values()):
        return ()
    first = {part[0] for part in parts.values()}
    group = _connected([indices for _, indices in others], first)
    if any(part[1] in group for part in parts.values()):
        return ()
    outputs: tuple[list[int], list[int]] = ([], [])
    for axis in node.output:
        if axis in parts:
            for output, index in zip(outputs, parts[axis], strict=True):
                output.append(index)
        else:
            outputs[axis not in group].append(axis)
    left = [pair for pair in others if not pair[1] or set(pair[1]) & group]
    right = [pair for pair in others if pair[1] and not set(pair[1]) & group]
    found = _part(left, tuple(outputs[0])), _part(right, tuple(outputs[1]))
    return () if None in found else found  # type: ignore[return-value]


def _split(node: Einsum) -> tuple[dict[int, tuple[int, ...]], list[Factor]]:
    """What each merged index is made of, and the other factors; nothing where one recurs."""
    pairs = list(zip(node.operands, node.inputs, strict=True))
    others = [pair for pair in pairs if not isinstance(pair[0], Merge)]
    merges = [indices for operand, indices in pairs if isinstance(operand, Merge)]
    wholes = [indices[0] for indices in merges]
    inside = {i for _, indices in others for i in indices}
    inside.update(i for indices in merges for i in indices[1:])
    if len(set(wholes)) < len(wholes) or inside & set(wholes):
        return {}, others
    return {indices[0]: indices[1:] for indices in merges}, others


def _part(pairs: Sequence[Factor], output: tuple[int, ...]) -> Expr | None:
    present = {i for _, indices in pairs for i in indices}
    if not pairs or not set(output) <= present or len(set(output)) < len(output):
        return None
    return product([operand for operand, _ in pairs], [indices for _, indices in pairs], output)


def _only(part: Expr | None) -> tuple[Expr, ...]:
    return () if part is None else (part,)


def _connected(inputs: Sequence[tuple[int, ...]], start: set[int]) -> set[int]:
    """The indices tied to those of ``start`` through common factors."""
    found = set(start)
    while True:
        more = found.union(*(set(indices) for indices in inputs if set(indices) & found))
        if more == found:
            return found
        found = more
