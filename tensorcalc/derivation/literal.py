"""A local derivative as the product rule writes it, every delta still visible.

Σ_h W_kh x_h by W_ji is Σ_h I[k=j] I[h=i] x_h before any index is renamed: one term for each
place in which the argument stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.expr import (
    Add,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    add,
    fresh_indices,
    product,
    toposort,
)
from tensorcalc.local import local_derivative

__all__ = ["product_rule_terms"]

_MOST = 6  # terms; beyond this the product rule is no longer written out


def product_rule_terms(body: Expr, wrt: Expr) -> Expr | None:
    """∂body/∂wrt with every delta of the product rule; None where it would not be read."""
    terms = _terms(body, wrt, 0)
    if terms is None or not terms or len(terms) > _MOST:
        return None
    return terms[0] if len(terms) == 1 else add(*terms)


def _terms(e: Expr, wrt: Expr, depth: int) -> list[Expr] | None:
    """The terms of ∂e/∂wrt; None where a node has no product rule or there are too many."""
    if e is wrt:
        return [_deltas(wrt)]
    if wrt not in toposort([e]):
        return []
    if depth > 6 or not isinstance(e, (Einsum, Add, Elementwise)):
        return None
    found: list[Expr] = []
    for k, arg in enumerate(e.args):
        inner = _terms(arg, wrt, depth + 1)
        if inner is None:
            return None
        found += [_times(e, k, term, wrt) for term in inner]
        if len(found) > _MOST:
            return None
    return found


def _deltas(wrt: Expr) -> Expr:
    axes = tuple(range(wrt.ndim))
    primed = tuple(range(wrt.ndim, 2 * wrt.ndim))
    pairs = tuple(zip(axes, primed, strict=True))
    return Einsum(tuple(map(Delta, wrt.shape)), pairs, axes + primed)


def _times(e: Expr, k: int, inner: Expr, wrt: Expr) -> Expr:
    """The change of e by its k-th argument, ``inner`` being that argument's derivative."""
    if isinstance(e, Add):
        return inner
    if isinstance(e, Einsum):
        return _placed(e.operands, e.inputs, e.output, k, inner, wrt)
    assert isinstance(e, Elementwise)
    slope = local_derivative(e, k)
    assert isinstance(slope, Einsum)
    factor = slope.operands[-1]  # the deltas of an elementwise function only repeat the axes
    axes = tuple(range(e.ndim))
    return _placed((factor, e), (axes, axes), axes, 1, inner, wrt)


def _placed(
    operands: Sequence[Expr],
    inputs: Sequence[tuple[int, ...]],
    output: tuple[int, ...],
    k: int,
    inner: Expr,
    wrt: Expr,
) -> Expr:
    """The product with ``inner`` in place of factor k, its own factors opened into it."""
    numbers = fresh_indices(*inputs, output)
    new = tuple(next(numbers) for _ in wrt.shape)
    place = (*inputs[k], *new)
    if not isinstance(inner, Einsum):
        return product(
            (*operands[:k], inner, *operands[k + 1 :]),
            (*inputs[:k], place, *inputs[k + 1 :]),
            output + new,
        )
    letter = dict(zip(inner.output, place, strict=True))
    for i in inner.summed:
        letter[i] = next(numbers)
    opened = tuple(tuple(letter[i] for i in ix) for ix in inner.inputs)
    return Einsum(
        (*operands[:k], *inner.operands, *operands[k + 1 :]),
        (*inputs[:k], *opened, *inputs[k + 1 :]),
        output + new,
    )
