"""Arrays with entries along a diagonal only: zeros, and a view of the places that have some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorcalc.codegen.code import Code, negative
from tensorcalc.codegen.product import Factor, broadcast_code, letters, times
from tensorcalc.expr import Delta, Einsum, Expr, Merge, Ones

if TYPE_CHECKING:
    from tensorcalc.codegen.lower import Lowering

__all__ = ["deltas_of", "diagonal_box", "has_delta", "on_diagonal"]

Indices = tuple[int, ...]


def deltas_of(node: Einsum) -> list[Indices]:
    """The pairs of indices that deltas tie."""
    return [ix for o, ix in zip(node.operands, node.inputs, strict=True) if isinstance(o, Delta)]


def has_delta(term: Expr) -> bool:
    """Whether a term of a sum has entries along a diagonal only."""
    if not isinstance(term, Einsum) or any(isinstance(o, Merge) for o in term.operands):
        return False
    return bool(deltas_of(term))


def diagonal_box(lowering: Lowering, node: Einsum, named: Expr | None = None) -> Code:
    """An array of zeros whose diagonal, along the tied axes, is the core product."""
    spec, has, core = on_diagonal(lowering, node)
    if node.ndim == 2 and len(deltas_of(node)) == 1 and named is None:
        if not has:
            eye = Code(f"np.eye({lowering.size(node.shape[0])})")
            signed = {"1.0": eye, "-1": negative(eye)}
            return signed.get(core.text) or times(core, eye)
        return Code(f"np.diag({core.text})")
    if not lowering.in_place:
        return _spread(lowering, node)
    named = named or node
    shape = ", ".join(map(lowering.size, node.shape))
    hint = lowering.hints.get(named)
    box = lowering.names.claim(hint) if hint else lowering.names.number("box")
    lowering.lines.append(f"{box} = np.zeros(({shape}))")
    lowering.lines.append(f'np.einsum("{spec}", {box})[...] = {core.text}  # the diagonal')
    return Code(box)


def _spread(lowering: Lowering, node: Einsum) -> Code:
    """The same as a product with identity matrices, where no array can be written to."""
    first, has, core = _entries(lowering, node)
    factors = [(core.text, has)] if has else []
    for i in node.output:
        size = lowering.size(node.dims[i])
        if first.get(i, i) != i:
            factors.append((f"np.eye({size})", (first[i], i)))
        elif i not in has and i not in first.values():
            factors.append((f"np.ones({size})", (i,)))
    spec = ",".join(letters(indices) for _, indices in factors)
    inputs = ", ".join(text for text, _ in factors)
    box = Code(f'np.einsum("{spec}->{letters(node.output)}", {inputs})')
    return box if has or core.text == "1.0" else times(core, box)


def on_diagonal(lowering: Lowering, node: Einsum) -> tuple[str, Indices, Code]:
    """The einsum that is a view of the diagonal, the axes with entries, and the entries."""
    first, has, core = _entries(lowering, node)
    kept = tuple(i for i in node.output if first.get(i, i) == i)
    if node.ndim > 2 or len(deltas_of(node)) > 1:
        core = broadcast_code(Factor(core, has), kept)
    spec = letters(tuple(first.get(i, i) for i in node.output)) + "->" + letters(kept)
    return spec, has, core


def _entries(lowering: Lowering, node: Einsum) -> tuple[dict[int, int], Indices, Code]:
    """The first of each group of tied axes, and the entries along the axes that have some."""
    first = _first_of_tied(deltas_of(node), node.output)
    factors = [
        (operand, tuple(first.get(i, i) for i in indices))
        for operand, indices in zip(node.operands, node.inputs, strict=True)
        if not isinstance(operand, Delta)
    ]
    real = {i for operand, ix in factors if not isinstance(operand, Ones) for i in ix}
    has = tuple(i for i in node.output if first.get(i, i) == i and i in real)
    return first, has, lowering.core(node, has, factors)


def _first_of_tied(deltas: Sequence[tuple[int, ...]], output: tuple[int, ...]) -> dict[int, int]:
    """For each index that deltas tie to others, the one of them that stands first in the output."""
    groups: list[set[int]] = []
    for pair in deltas:
        touching = [g for g in groups if g & set(pair)]
        groups = [g for g in groups if g not in touching] + [set(pair).union(*touching)]
    return {i: min(group, key=output.index) for group in groups for i in group}
