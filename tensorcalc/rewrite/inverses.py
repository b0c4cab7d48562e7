"""Rules of inverses and determinants: what stands beside the inverse of a product cancels."""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.expr import Delta, Einsum, Expr, Special, power, product, transpose
from tensorcalc.rewrite.products import Factor, is_view
from tensorcalc.rewrite.quotients import flat_factors
from tensorcalc.special import det, inv, logdet

__all__ = ["cancel_inverse", "undo_inverse"]

Link = tuple[Expr, bool]
_LEVELS = 4


def undo_inverse(e: Expr) -> Expr | None:
    """(X⁻¹)⁻¹ = X, det X⁻¹ = 1/det X, log|det X⁻¹| = −log|det X|; a transpose comes out."""
    if not isinstance(e, Special) or e.argument.ndim != 2:
        return None
    x = e.argument
    if isinstance(x, Einsum) and is_view(x) and len(set(x.inputs[0])) == 2:
        turned = Special(e.function, x.operands[0])
        if e.function is inv:
            return transpose(turned, (1, 0))
        return turned if e.function in (det, logdet) else None
    if not isinstance(x, Special) or x.function is not inv:
        return None
    if e.function is inv:
        return x.argument
    if e.function is det:
        return power(-1.0)(Special(det, x.argument))
    return -Special(logdet, x.argument) if e.function is logdet else None


def cancel_inverse(e: Expr) -> Expr | None:
    """B (A B)⁻¹ = A⁻¹ and (A B)⁻¹ A = B⁻¹ where what cancels is square, so invertible too."""
    if not isinstance(e, Einsum) or not any(map(_has_inverse, e.operands)):
        return None
    factors = flat_factors(e)
    opened = Einsum([f for f, _ in factors], [ix for _, ix in factors], e.output)
    inverses = [k for k, f in enumerate(opened.operands) if _is_inverse(f)]
    tries = (_cancelled(opened, k, side) for k in inverses for side in (0, 1))
    return next((after for after in tries if after is not None), None)


def _is_inverse(e: Expr) -> bool:
    return isinstance(e, Special) and e.function is inv and e.ndim == 2


def _has_inverse(e: Expr) -> bool:
    """Whether a factor is an inverse, or one that numbers and scalars multiply."""
    if isinstance(e, Einsum) and not e.summed:
        return any(map(_is_inverse, e.operands))
    return _is_inverse(e)


def _cancelled(e: Einsum, k: int, side: int) -> Expr | None:
    """``e`` without what its inverse k and the factor that meets its axis ``side`` share."""
    inverse = e.operands[k]
    assert isinstance(inverse, Special)
    joint, far = e.inputs[k][side], e.inputs[k][1 - side]
    n = _neighbour(e, k, joint)
    if n is None or joint == far:
        return None
    other = next(i for i in e.inputs[n] if i != joint)
    # written as (what stands beside) times (the inverse), from the other end to the far one
    beside = _links(e.operands[n])
    beside = beside if e.inputs[n] == (other, joint) else _turned(beside)
    inside = _links(inverse.argument)
    inside = _turned(inside) if side else inside
    shared = _shared_square(beside, inside)
    if not shared:
        return None
    left, rest = beside[:-shared], inside[:-shared]
    factors: list[Factor] = []
    middle = joint if left and rest else far if left else other
    if left:
        factors.append((_chain(left), (other, middle)))
    if rest:
        whole = Special(inv, _chain(_turned(rest) if side else rest))
        factors.append((whole, (far, middle) if side else (middle, far)))
    if not factors:
        factors.append((Delta(e.dims[far]), (other, far)))
    kept = [(f, ix) for m, (f, ix) in enumerate(zip(e.operands, e.inputs, strict=True))
            if m not in (k, n)]  # fmt: skip
    whole = kept + factors
    return product([f for f, _ in whole], [ix for _, ix in whole], e.output)


def _neighbour(e: Einsum, k: int, joint: int) -> int | None:
    """The one matrix that shares the summed index ``joint`` with factor k."""
    users = [n for n, ix in enumerate(e.inputs) if n != k and joint in ix]
    if joint in e.output or len(users) != 1:
        return None
    (n,) = users
    return n if len(e.inputs[n]) == 2 and len(set(e.inputs[n])) == 2 else None


def _shared_square(beside: Sequence[Link], inside: Sequence[Link]) -> int:
    """How many links at the ends of both make a square matrix; 0 if none do."""
    for size in range(1, min(len(beside), len(inside)) + 1):
        if beside[-size] != inside[-size]:
            return 0
        if _rows(beside[-size]) == _rows((beside[-1][0], not beside[-1][1])):
            return size
    return 0


def _rows(link: Link) -> object:
    matrix, flag = link
    return matrix.shape[1 if flag else 0]


def _turned(links: Sequence[Link]) -> list[Link]:
    return [(matrix, not flag) for matrix, flag in reversed(links)]


def _links(e: Expr, levels: int = _LEVELS) -> list[Link]:
    """The factors of a matrix product, each with whether it is transposed."""
    if not isinstance(e, Einsum) or not levels or any(f.ndim != 2 for f in e.operands):
        return [(e, False)]
    left = list(zip(e.operands, e.inputs, strict=True))
    at, end = e.output
    found: list[Link] = []
    while left:
        here = [pair for pair in left if at in pair[1]]
        if len(here) != 1 or len(set(here[0][1])) != 2:
            return [(e, False)]
        ((operand, indices),) = here
        left.remove(here[0])
        inner = _links(operand, levels - 1)
        found += inner if indices[0] == at else _turned(inner)
        at = indices[1] if indices[0] == at else indices[0]
    return found if at == end else [(e, False)]


def _chain(links: Sequence[Link]) -> Expr:
    """The product of the links."""
    if len(links) == 1:
        ((matrix, flag),) = links
        return transpose(matrix, (1, 0)) if flag else matrix
    inputs = [(k + 1, k) if flag else (k, k + 1) for k, (_, flag) in enumerate(links)]
    return product([matrix for matrix, _ in links], inputs, (0, len(links)))
