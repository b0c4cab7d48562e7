"""Reshaped products in matrix notation: vec X and A ⊗ B."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tensorcalc.display.notation import Call, Kronecker, Notation
from tensorcalc.expr import Einsum, Expr, Merge, product

__all__ = ["merged_form"]

Form = Callable[[Expr], Notation | None]


def merged_form(node: Einsum, form: Form) -> Notation | None:
    """vec X or A ⊗ B, where that is what a product with merged axes is."""
    pairs = list(zip(node.operands, node.inputs, strict=True))
    parts = {ix[0]: ix[1:] for o, ix in pairs if isinstance(o, Merge) and len(ix) == 3}
    others = [(o, ix) for o, ix in pairs if not isinstance(o, Merge)]
    if len(parts) != len(pairs) - len(others) or set(parts) != set(node.output):
        return None
    if node.ndim == 1:
        (j, i) = parts[node.output[0]]
        inner = _form_of([f for f, _ in others], [ix for _, ix in others], (i, j), form)
        return inner and Call("vec", r"\operatorname{vec}", (inner,))
    if node.ndim != 2:
        return None
    (a, b), (c, d) = (parts[p] for p in node.output)
    group = _connected([ix for _, ix in others], a)
    left = [pair for pair in others if set(pair[1]) & group]
    right = [pair for pair in others if not set(pair[1]) & group]
    if c not in group or b in group or d in group or not right:
        return None
    first = _form_of([f for f, _ in left], [ix for _, ix in left], (a, c), form)
    second = _form_of([f for f, _ in right], [ix for _, ix in right], (b, d), form)
    return Kronecker(first, second) if first and second else None


def _connected(inputs: Sequence[tuple[int, ...]], start: int) -> set[int]:
    """The indices tied to ``start`` through common factors."""
    found = {start}
    while True:
        more = found.union(*(set(ix) for ix in inputs if set(ix) & found))
        if more == found:
            return found
        found = more


def _form_of(
    operands: Sequence[Expr],
    inputs: Sequence[tuple[int, ...]],
    output: tuple[int, ...],
    form: Form,
) -> Notation | None:
    used = {i for ix in inputs for i in ix}
    if not set(output) <= used:
        return None
    whole = product(operands, inputs, output)
    return form(whole)
