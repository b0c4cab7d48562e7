"""Logarithms of what exponentials make positive: log(exp u + exp v) = logaddexp(u, v).

Sums, products, powers, entries and slices of exponentials, of their sums and of shares are
positive, so the logarithm of each is a number wherever its exponents are, and nothing overflows.
Such forms are for values and derivatives about to be computed, not for what is shown.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from tensorcalc import special
from tensorcalc.expr import Add, Einsum, Elementwise, Expr, Ones, Select, Special, full
from tensorcalc.functions import exp, log, logaddexp, sigmoid, softplus
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import Factor, coefficient_and_core, factors_of, product_of, times
from tensorcalc.rewrite.recognise import log_of_sum

__all__ = ["log_of_added_exponentials"]

See = Callable[[Expr], Expr]


def log_of_added_exponentials(e: Expr, see: See) -> Expr | None:
    """logaddexp(u, v) where e is log(a exp(u) + b exp(v)), with a and b positive in u and v.

    u − logsumexp(u) of an entry of softmax(u), log Σ exp(u) − log n of a mean, and their like.
    """
    if not isinstance(e, Elementwise) or e.function is not log:
        return None
    inner = see(e.arguments[0])
    power = isinstance(inner, Elementwise) and inner.function.exponent is not None
    return _log_of(inner, see) if power or isinstance(inner, (Add, Einsum, Select)) else None


def _log_of(e: Expr, see: See) -> Expr | None:
    """log of a positive number, of an exponential, of what is made of these."""
    entry = constant_entry(e)
    if entry is not None:
        return full(math.log(entry), e.shape) if entry > 0 else None
    number, core = coefficient_and_core(e)
    if number <= 0:
        return None
    core = see(core)
    if isinstance(core, Add):
        logs = [_log_of(term, see) for term in core.terms]
        known = [u for u in logs if u is not None]
        u = functools.reduce(logaddexp, known) if len(known) == len(logs) else None
    elif isinstance(core, Select):
        inner = _log_of(core.operand, see)
        u = None if inner is None else Select(inner, core.axis, core.index)
    elif isinstance(core, Einsum):
        u = log_of_sum(core, see) or _log_of_product(core, see)
    else:
        u = _log_of_function(core, see)
    return u if u is None or number == 1 else u + math.log(number)


def _log_of_function(e: Expr, see: See) -> Expr | None:
    """log of exp(u), of σ(u), of softmax(u), and of a power of what is positive."""
    if isinstance(e, Special) and e.function is special.softmax:
        return Special(special.log_softmax, e.argument)
    if not isinstance(e, Elementwise):
        return None
    u, exponent = e.arguments[0], e.function.exponent
    if e.function is exp:
        return u
    if e.function is sigmoid:
        return -softplus(-u)
    inner = None if exponent is None else _log_of(u, see)
    return None if inner is None or exponent is None else times(exponent, inner)


def _log_of_product(e: Einsum, see: See) -> Expr | None:
    """The sum of the logarithms of the factors, repeated along the axes that a factor lacks."""
    if all(isinstance(f, Ones) for f in e.operands):
        return log(e)  # a size
    if e.summed:
        return None
    terms = []
    for factor, indices in factors_of(e):
        if isinstance(factor, Ones):
            continue
        u = _log_of(factor, see)
        if u is None or len(set(indices)) < len(indices):
            return None
        repeated: list[Factor] = [(Ones(e.dims[i]), (i,)) for i in e.output if i not in indices]
        terms.append(product_of([(u, indices), *repeated], e.output))
    return functools.reduce(lambda a, b: a + b, terms)
