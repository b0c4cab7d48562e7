"""Symmetric products: Xᵀ diag(d) X with d ≥ 0 as RᵀR, R = diag(√d) X.

BLAS forms a product of an array with its own transpose at half the cost (syrk), and NumPy asks
for it wherever both sides of ``@`` are one array. That d is never negative is known from the
records of the functions it is made of, not from its values.
"""

from __future__ import annotations

from tensorcalc import special
from tensorcalc.codegen.passes import Expressions, rewritten
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Einsum,
    Elementwise,
    Expr,
    Select,
    Special,
    product,
    toposort,
)
from tensorcalc.functions import erf, sigmoid, sqrt, tanh
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import Factor, coefficient_and_core

__all__ = ["never_negative", "symmetric_products"]

_AT_MOST_ONE = (sigmoid, tanh, erf)
_SHARES = (special.softmax,)  # entries of these lie between 0 and 1


def symmetric_products(e: Expressions) -> Expressions:
    """The expressions with weighted symmetric products as products of one factor with itself."""
    return rewritten(e, Einsum, lambda node, alone: _halved(node))


def _halved(e: Einsum) -> Expr | None:
    """Σ_k X_ki d_k X_kj as Σ_k R_ki R_kj, where e is of that form."""
    if len(e.output) != 2 or len(e.summed) != 1:
        return None
    (k,) = e.summed
    items = _all_factors(e)
    sides = [(o, indices) for o, indices in items if o.ndim == 2]
    numbers = [o for o, indices in items if not indices]
    weights = [o for o, indices in items if indices == (k,)]
    if len(sides) != 2 or len(sides) + len(numbers) + len(weights) != len(items) or not weights:
        return None
    (x, first), (other, second) = sides
    i, j = e.output
    if x is not other or {first, second} not in ({(k, i), (k, j)}, {(i, k), (j, k)}):
        return None
    d = product(weights, [(0,)] * len(weights), (0,))
    if not never_negative(d):
        return None
    scaled = product((x, sqrt(d)), ((0, 1), (first.index(k),)), (0, 1))
    return product((*numbers, scaled, scaled), (*[()] * len(numbers), first, second), e.output)


def _all_factors(e: Einsum) -> list[Factor]:
    """The factors of a product, those of products inside it in their place."""
    items: list[Factor] = []
    for operand, indices in zip(e.operands, e.inputs, strict=True):
        if isinstance(operand, Einsum) and not operand.summed:
            inner = dict(zip(operand.output, indices, strict=True))
            items += [(o, tuple(inner[i] for i in own)) for o, own in _all_factors(operand)]
        else:
            items.append((operand, indices))
    return items


def never_negative(e: Expr) -> bool:
    """Whether no entry can be negative, whatever the values of the variables."""
    if "never negative" not in e.memo:
        for node in toposort([e], lambda n: "never negative" in n.memo, below=_below):
            if "never negative" not in node.memo:
                node.memo["never negative"] = _never_negative(node)
    return e.memo["never negative"]


def _below(node: Expr) -> tuple[Expr, ...]:
    return (node.body,) if isinstance(node, Definition) else node.args


def _never_negative(e: Expr) -> bool:
    known = lambda node: node.memo["never negative"]
    if isinstance(e, Definition):
        return known(e.body)
    if isinstance(e, Constant):
        return bool((e.value >= 0).all())
    if isinstance(e, Elementwise):
        return e.function.nonnegative or (e.function.exponent is not None and known(e.arguments[0]))
    if isinstance(e, Special):
        return e.function in _SHARES
    if isinstance(e, Select):
        return known(e.operand)
    if isinstance(e, Add):
        return all(map(known, e.terms)) or _is_complement(e)
    if isinstance(e, Einsum):
        return _is_square_or_positive(e)
    return not e.args and constant_entry(e) is not None


def _is_square_or_positive(e: Einsum) -> bool:
    """Every factor is never negative or stands an even number of times."""
    left: dict[Factor, int] = {}
    for operand, indices in zip(e.operands, e.inputs, strict=True):
        if not operand.memo["never negative"]:
            left[operand, indices] = left.get((operand, indices), 0) + 1
    return all(times % 2 == 0 for times in left.values())


def _is_complement(e: Add) -> bool:
    """1 − p, where p is at most 1."""
    if len(e.terms) != 2:
        return False
    for one, other in (e.terms, e.terms[::-1]):
        number, core = coefficient_and_core(other)
        if constant_entry(one) == 1 and number == -1:
            while isinstance(core, Definition):
                core = core.body
            return (isinstance(core, Elementwise) and core.function in _AT_MOST_ONE) or (
                isinstance(core, Special) and core.function in _SHARES
            )
    return False
