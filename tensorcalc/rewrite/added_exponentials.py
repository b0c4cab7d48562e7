"""Logarithms of sums of exponentials written term by term: log(exp u + exp v) = logaddexp(u, v).

Every term is positive, so the logarithm of each is a number wherever its exponent is, and nothing
overflows. Such forms are for values and derivatives about to be computed, not for what is shown.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from tensorcalc.expr import Add, Einsum, Elementwise, Expr, Ones, full, product
from tensorcalc.functions import exp, log, logaddexp
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import coefficient_and_core
from tensorcalc.rewrite.recognise import log_of_sum

__all__ = ["log_of_added_exponentials"]

See = Callable[[Expr], Expr]


def log_of_added_exponentials(e: Expr, see: See) -> Expr | None:
    """logaddexp(u, v) where e is log(a exp(u) + b exp(v)), with a and b positive in u and v."""
    if not isinstance(e, Elementwise) or e.function is not log:
        return None
    inner = see(e.arguments[0])
    return _log_of(inner, see) if isinstance(inner, Add) else None


def _log_of(e: Expr, see: See) -> Expr | None:
    """log of a positive number, of an exponential, of a multiple or a sum of these."""
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
    else:
        u = _exponent(core, see) or log_of_sum(core, see)
    return u if u is None or number == 1 else u + math.log(number)


def _exponent(e: Expr, see: See) -> Expr | None:
    """u where e is exp(u), repeated along other axes or transposed, too."""
    if isinstance(e, Elementwise) and e.function is exp:
        return e.arguments[0]
    if not isinstance(e, Einsum) or e.summed:
        return None
    inner = [k for k, f in enumerate(e.operands) if not isinstance(f, Ones)]
    if len(inner) != 1 or len(set(e.inputs[inner[0]])) < len(e.inputs[inner[0]]):
        return None
    u = _exponent(see(e.operands[inner[0]]), see)
    if u is None:
        return None
    operands = [u if k == inner[0] else f for k, f in enumerate(e.operands)]
    return product(operands, e.inputs, e.output)
