"""Functions that couple the entries of a vector or a matrix: one record each.

A record acts on the last ``core`` axes; any axes before them are a batch. Its derivative
is an expression of shape y.shape + argument.shape, with Kronecker deltas on the batch axes.
"""

from __future__ import annotations

import numpy as np

from tensorcalc.expr import Delta, Einsum, Expr, Special, SpecialFunction, full
from tensorcalc.shapes import Shape

__all__ = ["SPECIAL_FUNCTIONS", "log_softmax", "logsumexp", "softmax"]

_HERE = __name__


# ── values; they quote well, and continue analytically ───────────────────────────────────


def softmax_value(x):
    """exp(x) / sum(exp(x)) along the last axis, without overflow."""
    e = np.exp(x - np.max(np.real(x), axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def log_softmax_value(x):
    """x - log(sum(exp(x))) along the last axis, without overflow."""
    x = x - np.max(np.real(x), axis=-1, keepdims=True)
    return x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))


def logsumexp_value(x):
    """log(sum(exp(x))) along the last axis, without overflow."""
    peak = np.max(np.real(x), axis=-1, keepdims=True)
    return (peak + np.log(np.sum(np.exp(x - peak), axis=-1, keepdims=True)))[..., 0]


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
    evaluate=softmax_value,
    derivative=_softmax_rule,
    core=1,
    keeps=1,
    latex=r"\operatorname{softmax}",
    module=_HERE,
)

log_softmax = SpecialFunction(
    name="log_softmax",
    evaluate=log_softmax_value,
    derivative=_log_softmax_rule,
    core=1,
    keeps=1,
    latex=r"\operatorname{log\,softmax}",
    module=_HERE,
)

logsumexp = SpecialFunction(
    name="logsumexp",
    evaluate=logsumexp_value,
    derivative=_logsumexp_rule,
    core=1,
    keeps=0,
    latex=r"\operatorname{logsumexp}",
    module=_HERE,
)

SPECIAL_FUNCTIONS: tuple[SpecialFunction, ...] = (softmax, log_softmax, logsumexp)
