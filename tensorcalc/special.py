"""Functions that couple the entries of a vector or a matrix: one record each.

A record acts on the last ``core`` axes; any axes before them are a batch. Its derivative
is an expression of shape y.shape + argument.shape, with Kronecker deltas on the batch axes.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tensorcalc.expr import (
    Delta,
    Einsum,
    Expr,
    Special,
    SpecialFunction,
    full,
    refuse_derivative,
)
from tensorcalc.shapes import Shape

__all__ = [
    "SPECIAL_FUNCTIONS",
    "adjugate",
    "det",
    "inv",
    "log_softmax",
    "logdet",
    "logsumexp",
    "maximum_over",
    "minors",
    "norm_over",
    "product_without",
    "share_of_maximum",
    "softmax",
]

_HERE = __name__


# ── values; they quote well, and continue analytically ───────────────────────────────────


def softmax_value(x):
    """exp(x) / sum(exp(x)) along the last axis, without overflow."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax_value(x):
    """x - log(sum(exp(x))) along the last axis, without overflow."""
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def logsumexp_value(x):
    """log(sum(exp(x))) along the last axis, without overflow."""
    peak = x.max(axis=-1, keepdims=True)
    return (peak + np.log(np.exp(x - peak).sum(axis=-1, keepdims=True)))[..., 0]


def logdet_value(x):
    """log |det x|, from a factorisation: no overflow."""
    sign, size = np.linalg.slogdet(x)
    if np.iscomplexobj(x):  # continued analytically from the real axis
        return size + np.log(sign / np.sign(np.real(sign)))
    return size


def adjugate_value(x):
    """det(x) x⁻¹, which exists for a singular x too; by the singular value decomposition."""
    if np.iscomplexobj(x):
        return np.linalg.det(x)[..., None, None] * np.linalg.inv(x)
    u, s, vt = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    turned = np.linalg.det(u) * np.linalg.det(vt)
    ut, v = np.swapaxes(u, -1, -2), np.swapaxes(vt, -1, -2)
    return turned[..., None, None] * (v * others[..., None, :]) @ ut


def minors_value(x, order):
    """The derivative of det(x) of this order by entries of x: signed minors, by the SVD."""
    u, s, vt = np.linalg.svd(x)
    n = x.shape[-1]
    left = [p for p in np.ndindex(*(n,) * order) if len(set(p)) == order]
    others = np.zeros(s.shape[:-1] + (n,) * order)  # products of the other singular values
    for places in left:
        others[(..., *places)] = np.delete(s, places, axis=-1).prod(axis=-1)
    turned = np.linalg.det(u) * np.linalg.det(vt)
    total = np.zeros(())
    for turn in np.ndindex(*(order,) * order):
        if len(set(turn)) < order:
            continue
        sign = np.linalg.det(np.eye(order)[list(turn)])
        factors = [others, [..., *range(order)]]
        for k in range(order):  # row index 2k and column index 2k + 1 after the first ``order``
            factors += [u, [..., order + 2 * k, k]]
            factors += [vt, [..., turn[k], order + 2 * k + 1]]
        output = [..., *range(order, 3 * order)]
        total = total + sign * np.einsum(*factors, output, optimize=True)
    return turned[(..., *[None] * (2 * order))] * total


def norm_over_value(x, core):
    """The 2-norm over the last ``core`` axes, scaled by a power of 2: no square overflows."""
    axes = tuple(range(x.ndim - core, x.ndim))
    _, exponent = np.frexp(np.max(np.abs(x), axis=axes, keepdims=True, initial=0))
    scaled = np.ldexp(x, -exponent)
    return np.ldexp(
        np.sqrt(np.sum(scaled * scaled, axis=axes)), exponent.reshape(x.shape[: x.ndim - core])
    )


def product_without_value(x, left_out, core):
    """The product over the last ``core`` axes of all entries but ``left_out`` of them."""
    batch, whole = x.shape[: x.ndim - core], x.shape[x.ndim - core :]
    entries = x.reshape(*batch, -1) if x.ndim else x.reshape(1)
    n = entries.shape[-1]
    kept, distinct = np.ones((n,), dtype=bool), np.ones((), dtype=bool)
    places = np.indices((n,) * left_out)
    for k in range(left_out):
        kept = kept & (places[k][..., None] != np.arange(n))
        for j in range(k):
            distinct = distinct & (places[k] != places[j])
    spread = entries.reshape(*batch, *(1,) * left_out, n)
    product = np.where(kept, spread, 1).prod(axis=-1) * distinct
    return product.reshape((*batch, *whole * left_out))


def maximum_over_value(x, core):
    """The largest entry over the last ``core`` axes."""
    return x.max(axis=tuple(range(x.ndim - core, x.ndim)))


def share_of_maximum_value(x, core):
    """1/m at each of the m largest entries over the last ``core`` axes, else 0."""
    axes = tuple(range(x.ndim - core, x.ndim))
    largest = (x == x.max(axis=axes, keepdims=True)).astype(x.dtype)
    return largest / largest.sum(axis=axes, keepdims=True)


# ── derivatives ──────────────────────────────────────────────────────────────────────────


def _on_batch(
    batch: Shape,
    factors: tuple[Expr, ...],
    core_inputs: tuple[tuple[int, ...], ...],
    core_output: tuple[int, ...],
    kept: int,
) -> Expr:
    """The product of ``factors`` with I[b=b'] on each batch axis.

    Factors run over the batch axes b and then the core indices given; the value has the
    axes b, the first ``kept`` core outputs, b', the rest.
    """
    n = len(batch)
    b = tuple(range(n))
    primed = tuple(range(n, 2 * n))
    shift = 2 * n
    deltas = tuple(Delta(dim) for dim in batch)
    inputs = [
        (b if factor.ndim == n + len(core) and not isinstance(factor, Delta) else ())
        + tuple(shift + i for i in core)
        for factor, core in zip(factors, core_inputs, strict=True)
    ]
    output = tuple(shift + i for i in core_output)
    return Einsum(
        deltas + factors,
        [(i, n + i) for i in b] + inputs,
        b + output[:kept] + primed + output[kept:],
    )


def _softmax_rule(x: Expr, y: Expr) -> Expr:
    """∂p/∂x = diag(p) − p pᵀ."""
    batch, dim = x.shape[:-1], x.shape[-1]
    diagonal = _on_batch(batch, (Delta(dim), y), ((0, 1), (0,)), (0, 1), 1)
    return diagonal - _on_batch(batch, (y, y), ((0,), (1,)), (0, 1), 1)


def _log_softmax_rule(x: Expr, y: Expr) -> Expr:
    """∂ log p/∂x = I − 1 pᵀ."""
    batch, dim = x.shape[:-1], x.shape[-1]
    unit = _on_batch(batch, (Delta(dim),), ((0, 1),), (0, 1), 1)
    return unit - _on_batch(
        batch, (full(1.0, x.shape), Special(softmax, x)), ((0,), (1,)), (0, 1), 1
    )


def _logsumexp_rule(x: Expr, y: Expr) -> Expr:
    """∂ logsumexp(x)/∂x = softmax(x)ᵀ."""
    return _on_batch(x.shape[:-1], (Special(softmax, x),), ((0,),), (0,), 0)


softmax = SpecialFunction(
    name="softmax",
    meaning="eᵗ / Σ eᵗ",
    rule="p = softmax(t) has the Jacobian diag(p) − p pᵀ",
    evaluate=softmax_value,
    derivative=_softmax_rule,
    core=1,
    copies=1,
    latex=r"\operatorname{softmax}",
    module=_HERE,
)

log_softmax = SpecialFunction(
    name="log_softmax",
    meaning="t − log Σ eᵗ",
    rule="log_softmax(t) has the Jacobian I − 1 softmax(t)ᵀ",
    evaluate=log_softmax_value,
    derivative=_log_softmax_rule,
    core=1,
    copies=1,
    latex=r"\operatorname{log\,softmax}",
    module=_HERE,
)

logsumexp = SpecialFunction(
    name="logsumexp",
    meaning="log Σ eᵗ",
    rule="the gradient of logsumexp is softmax",
    evaluate=logsumexp_value,
    derivative=_logsumexp_rule,
    core=1,
    copies=0,
    latex=r"\operatorname{logsumexp}",
    module=_HERE,
)

# ── matrices ─────────────────────────────────────────────────────────────────────────────


def _inverse_rule(x: Expr, y: Expr) -> Expr:
    """∂(X⁻¹)_ij/∂X_kl = −(X⁻¹)_ik (X⁻¹)_lj [Petersen & Pedersen 2012, eq. 60]."""
    return -_on_batch(x.shape[:-2], (y, y), ((0, 2), (3, 1)), (0, 1, 2, 3), 2)


def _det_rule(x: Expr, y: Expr) -> Expr:
    """∂ det X/∂X = det(X) X⁻ᵀ [Petersen & Pedersen 2012, eq. 49]."""
    factors = (y, Special(inv, x))
    return _on_batch(x.shape[:-2], factors, ((), (1, 0)), (0, 1), 0)


def _logdet_rule(x: Expr, y: Expr) -> Expr:
    """∂ log |det X|/∂X = X⁻ᵀ [Petersen & Pedersen 2012, eq. 57]."""
    return _on_batch(x.shape[:-2], (Special(inv, x),), ((1, 0),), (0, 1), 0)


inv = SpecialFunction(
    name="inv",
    rule="d(X⁻¹) = −X⁻¹ dX X⁻¹",
    evaluate=np.linalg.inv,
    derivative=_inverse_rule,
    core=2,
    copies=1,
    latex=r"\operatorname{inv}",
    module=_HERE,
)

det = SpecialFunction(
    name="det",
    rule="Jacobi: d det X = det(X) tr(X⁻¹ dX)",
    evaluate=np.linalg.det,
    derivative=_det_rule,
    core=2,
    copies=0,
    latex=r"\det",
    module=_HERE,
)

logdet = SpecialFunction(
    name="logdet",
    rule="d log|det X| = tr(X⁻¹ dX)",
    evaluate=logdet_value,
    derivative=_logdet_rule,
    core=2,
    copies=0,
    text="log|det|",
    latex=r"\log\left|\det\right|",
    module=_HERE,
)

# det(X) X⁻¹ in one: only for values, where X may be singular; det's rule is what is derived.
adjugate = SpecialFunction(
    name="adj",
    evaluate=adjugate_value,
    derivative=refuse_derivative("the adjugate"),
    core=2,
    copies=1,
    latex=r"\operatorname{adj}",
    module=_HERE,
)


@cache
def minors(order: int) -> SpecialFunction:
    """The derivative of det of this order, which divides by nothing: x may be singular.

    Only for values; det's own rule, det(X) X⁻ᵀ, is what is derived and shown.
    """

    def rule(x: Expr, y: Expr) -> Expr:
        indices = tuple(range(2 * order + 2))
        return _on_batch(
            x.shape[:-2], (Special(minors(order + 1), x),), (indices,), indices, 2 * order
        )

    return SpecialFunction(
        name="det" if order == 0 else f"minors_{order}",
        evaluate=minors_value,
        parameters=(order,),
        derivative=rule,
        core=2,
        copies=order,
        latex=r"\det" if order == 0 else rf"\det^{{({order})}}",
        complex_step=False,
        made_by=(minors, (order,)),
    )


# ── products and maxima of entries ───────────────────────────────────────────────────────


_WITHOUT = ("the product of the entries of t", "for each entry of t, the product of all others")
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@cache
def product_without(left_out: int, core: int) -> SpecialFunction:
    """∏ of the entries over the last ``core`` axes, less ``left_out`` of them: 0 if two coincide.

    Leaving out one more is the derivative: nothing is divided, so entries may be 0.
    """
    name = "prod" if left_out == 0 else f"prod_without_{left_out}"

    def rule(x: Expr, y: Expr) -> Expr:
        batch = x.shape[: x.ndim - core]
        indices = tuple(range(core * (left_out + 1)))
        factor = Special(product_without(left_out + 1, core), x)
        return _on_batch(batch, (factor,), (indices,), indices, core * left_out)

    return SpecialFunction(
        name=name,
        evaluate=product_without_value,
        derivative=rule,
        core=core,
        copies=left_out,
        parameters=(left_out, core),
        text="∏" if left_out == 0 else f"∏₋{left_out}".translate(_BELOW),
        meaning=_WITHOUT[left_out] if left_out < len(_WITHOUT) else "",
        rule="∂∏x/∂x_j is the product of all other entries",
        latex=r"\prod" if left_out == 0 else rf"\prod\nolimits_{{-{left_out}}}",
        made_by=(product_without, (left_out, core)),
    )


@cache
def norm_over(core: int) -> SpecialFunction:
    """The 2-norm over the last ``core`` axes: only for values; what is derived is the root."""
    return SpecialFunction(
        name="norm",
        evaluate=norm_over_value,
        parameters=(core,),
        derivative=refuse_derivative("the scaled norm"),
        core=core,
        copies=0,
        made_by=(norm_over, (core,)),
    )


@cache
def maximum_over(core: int) -> SpecialFunction:
    """The largest entry over the last ``core`` axes; tied maxima share the derivative equally."""

    def rule(x: Expr, y: Expr) -> Expr:
        batch = x.shape[: x.ndim - core]
        indices = tuple(range(core))
        return _on_batch(batch, (Special(share_of_maximum(core), x),), (indices,), indices, 0)

    return SpecialFunction(
        name="max",
        evaluate=maximum_over_value,
        parameters=(core,),
        derivative=rule,
        core=core,
        copies=0,
        latex=r"\max",
        complex_step=False,
        convention="tied maxima share the derivative equally",
        rule="the derivative of max is 1 at the largest entry, shared by tied ones",
        kink_distance=lambda x: _gap_below_maximum(x, core),
        made_by=(maximum_over, (core,)),
    )


def _gap_below_maximum(x: np.ndarray, core: int) -> float:
    entries = np.sort(x.reshape(*x.shape[: x.ndim - core], -1), axis=-1)
    return float((entries[..., -1] - entries[..., -2]).min()) if entries.shape[-1] > 1 else np.inf


@cache
def share_of_maximum(core: int) -> SpecialFunction:
    """1/m at each of the m largest entries over the last ``core`` axes, else 0."""
    return SpecialFunction(
        name="argmax",
        meaning="1 at the largest entry of t, else 0 (shared by tied ones)",
        evaluate=share_of_maximum_value,
        parameters=(core,),
        derivative=lambda x, y: full(0.0, y.shape + x.shape),
        core=core,
        copies=1,
        text="argmax",
        latex=r"\operatorname{argmax}",
        complex_step=False,
        convention="tied maxima share the derivative equally",
        made_by=(share_of_maximum, (core,)),
    )


SPECIAL_FUNCTIONS: tuple[SpecialFunction, ...] = (
    *(softmax, log_softmax, logsumexp, inv, det, logdet),
    *(product_without(0, 1), product_without(1, 1), maximum_over(1), share_of_maximum(1)),
)
