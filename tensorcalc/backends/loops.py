"""Quoted functions as Numba wants them: of one entry, or as loops over the last axes.

Numba compiles the text of these; here they are ordinary functions of numbers and arrays.
"""

from __future__ import annotations

import math

import numpy as np

from tensorcalc import function_values, special

__all__ = ["LOOPS", "NJIT", "row_sums", "times_transposed"]

# ── of one entry: numba.vectorize makes loops of them and fuses these with others ─────────


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 1 / (1 + math.exp(-x))


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(x)))


def relu(x):
    """max(x, 0)."""
    return 0.0 if x <= 0 else x


def step(x):
    """1 where x > 0, else 0: the derivative of relu, with 0 at the kink."""
    return x if x != x else 1.0 if x > 0 else 0.0


def where(condition, x, y):
    """x where the condition is not 0, else y."""
    return x if condition != 0 else y


def nonzero(x):
    """1 where x is not 0, else 0."""
    return x if x != x else 1.0 if x != 0 else 0.0


def greater(x, y):
    """1 where x > y, else 0."""
    return x + y if x != x or y != y else 1.0 if x > y else 0.0


def greater_equal(x, y):
    """1 where x >= y, else 0."""
    return x + y if x != x or y != y else 1.0 if x >= y else 0.0


def inverse_or_zero(x):
    """1 / x, and 0 where x is 0."""
    return 0.0 if x == 0 else 1 / x


def log_cosh(x):
    """log(cosh(x)), without overflow and without cancellation."""
    if abs(x) < 1:
        return math.log1p(2 * math.sinh(x / 2) ** 2)
    return abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2.0)


def sech_squared(x):
    """1 / cosh(x)², without overflow."""
    e = math.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def erf(x):
    """The error function."""
    return math.erf(x)


def erfc(x):
    """1 - erf(x) with full relative precision."""
    return math.erfc(x)


def silu(x):
    """x σ(x), without overflow."""
    e = math.exp(-abs(x))
    return x * ((e if x < 0 else 1.0) / (1 + e))


def gelu(x):
    """x Φ(x), with full relative precision."""
    return x * math.erfc(x * -(0.5**0.5)) / 2


# ── over the last axis, row by row ────────────────────────────────────────────────────────


def softmax(x):
    """exp(x) / sum(exp(x)) along the last axis, without overflow."""
    rows = np.ascontiguousarray(x).reshape((-1, x.shape[-1]))
    out = np.empty_like(rows)
    for i in range(rows.shape[0]):
        peak = np.max(rows[i])
        total = 0 * peak
        for j in range(rows.shape[1]):
            out[i, j] = math.exp(rows[i, j] - peak)
            total += out[i, j]
        for j in range(rows.shape[1]):
            out[i, j] /= total
    return out.reshape(x.shape)


def log_softmax(x):
    """x - log(sum(exp(x))) along the last axis, without overflow."""
    rows = np.ascontiguousarray(x).reshape((-1, x.shape[-1]))
    out = np.empty_like(rows)
    for i in range(rows.shape[0]):
        peak = np.max(rows[i])
        total = 0 * peak
        for j in range(rows.shape[1]):
            total += math.exp(rows[i, j] - peak)
        for j in range(rows.shape[1]):
            out[i, j] = rows[i, j] - peak - math.log(total)
    return out.reshape(x.shape)


def logsumexp(x):
    """log(sum(exp(x))) along the last axis, without overflow."""
    rows = np.ascontiguousarray(x).reshape((-1, x.shape[-1]))
    out = np.empty_like(rows[:, 0])
    for i in range(rows.shape[0]):
        peak = np.max(rows[i])
        total = 0 * peak
        for j in range(rows.shape[1]):
            total += math.exp(rows[i, j] - peak)
        out[i] = peak + math.log(total)
    return out.reshape(x.shape[:-1])


def logdet(x):
    """log |det x|, from a factorisation: no overflow."""
    return np.linalg.slogdet(x)[1]


# ── over the last axes, as many as ``core``, a number by the time this is compiled ────────


def norm_over(x, core):
    """The 2-norm over the last ``core`` axes; no square overflows."""
    out = np.empty(x.shape[:-core])
    rows = np.ascontiguousarray(x).reshape((out.size, x.size // max(out.size, 1)))
    norms = out.reshape(out.size)
    for i in range(rows.shape[0]):
        peak = 0.0
        for j in range(rows.shape[1]):
            peak = max(peak, abs(rows[i, j]))
        total, exponent = 0.0, 0
        if peak == math.inf or 1e-140 < peak < 1e140:
            for j in range(rows.shape[1]):
                total += rows[i, j] ** 2
        else:
            exponent = math.frexp(peak)[1]
            for j in range(rows.shape[1]):
                total += math.ldexp(rows[i, j], -exponent) ** 2
        norms[i] = math.ldexp(math.sqrt(total), exponent)
    if x.ndim == core:
        return out[()]
    return out


def maximum_over(x, core):
    """The largest entry over the last ``core`` axes; NaN where one is NaN."""
    out = np.empty(x.shape[:-core])
    rows = np.ascontiguousarray(x).reshape((out.size, x.size // max(out.size, 1)))
    peaks = out.reshape(out.size)
    for i in range(rows.shape[0]):
        if rows.shape[1] == 0:
            raise ValueError("zero-size array to reduction operation maximum which has no identity")
        peak = rows[i, 0]
        for j in range(rows.shape[1]):
            if rows[i, j] > peak or rows[i, j] != rows[i, j]:
                peak = rows[i, j]
        peaks[i] = peak
    if x.ndim == core:
        return out[()]
    return out


def share_of_maximum(x, core):
    """1/m at each of the m largest entries over the last ``core`` axes, else 0."""
    out, batch = np.empty(x.shape), np.empty(x.shape[:-core])
    shape = (batch.size, x.size // max(batch.size, 1))
    rows, shares = np.ascontiguousarray(x).reshape(shape), out.reshape(shape)
    for i in range(shape[0]):
        if shape[1] == 0:
            raise ValueError("zero-size array to reduction operation maximum which has no identity")
        peak = rows[i, 0]
        for j in range(shape[1]):
            if rows[i, j] > peak or rows[i, j] != rows[i, j]:
                peak = rows[i, j]
        count = 0.0
        for j in range(shape[1]):
            count += rows[i, j] == peak
        for j in range(shape[1]):
            shares[i, j] = (1.0 if rows[i, j] == peak else 0.0) / count
    return out


# ── in place of expressions ───────────────────────────────────────────────────────────────


def row_sums(x):
    """The sums along axis 1."""
    if x.ndim == 2:
        sums = np.empty(x.shape[0])
        for i in range(x.shape[0]):
            total = 0.0
            for j in range(x.shape[1]):
                total += x[i, j]
            sums[i] = total
        return sums
    return np.sum(x, axis=1)


def times_transposed(a, b):
    """a @ b.T; of a small b its transpose is made first, which BLAS is faster with."""
    if a.ndim == 2 and b.size <= 8192 and b.shape[1] <= min(32, a.shape[0]):
        return a @ np.ascontiguousarray(b.T)
    return a @ b.T


_ENTRY = (
    *("sigmoid", "softplus", "relu", "step", "where", "nonzero", "greater", "greater_equal"),
    *("inverse_or_zero", "log_cosh", "sech_squared", "erf", "erfc", "silu", "gelu"),
)
_ROWS = (
    *("softmax", "log_softmax", "logsumexp", "logdet"),
    *("norm_over", "maximum_over", "share_of_maximum"),
)

NJIT = '@numba.njit(cache=True, error_model="numpy")'

# The form of each quoted function, and how it is decorated.
LOOPS = {
    **{getattr(function_values, n): (globals()[n], "@numba.vectorize") for n in _ENTRY},
    **{getattr(special, f"{n}_value"): (globals()[n], NJIT) for n in _ROWS},
}
