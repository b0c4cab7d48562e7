"""Hyperbolic functions in what people write for them: sinh u / cosh u, log cosh u, exponentials.

The numbers of a derivative come from the function that is meant: 1 − (sinh u / cosh u)² is 0
long before the derivative of tanh is, and NaN where cosh u is beyond the range of floats.
"""

from __future__ import annotations

import math

from tensorcalc.expr import Add, Einsum, Elementwise, Expr, product, toposort
from tensorcalc.functions import cosh, exp, log, log_cosh, sinh, tanh
from tensorcalc.kinds import kinds_in
from tensorcalc.rewrite.products import coefficient_and_core, times
from tensorcalc.rewrite.quotients import base_and_exponent
from tensorcalc.rewrite.recognise import opposite
from tensorcalc.simplify import simplify

__all__ = ["WRITTEN_IN", "hyperbolic", "hyperbolic_forms"]

WRITTEN_IN = frozenset({cosh, exp})  # what is hyperbolic in other words has one of these


def hyperbolic_forms(of: Expr) -> dict[Expr, Expr]:
    """The nodes below ``of`` that are hyperbolic functions written otherwise, and these."""
    if "hyperbolic forms" not in of.memo:
        below = [] if kinds_in(of).isdisjoint(WRITTEN_IN) else toposort([of])
        found = ((node, hyperbolic(node)) for node in below)
        of.memo["hyperbolic forms"] = {node: after for node, after in found if after is not None}
    return of.memo["hyperbolic forms"]


def hyperbolic(e: Expr) -> Expr | None:
    """tanh(u) where e is sinh(u)/cosh(u) or written in exponentials; log cosh u as one function."""
    if isinstance(e, Elementwise) and e.function is log:
        found = _even(simplify(e.arguments[0]))
        if found is None:
            return None
        number, u = found
        return log_cosh(u) if number == 1 else log_cosh(u) + math.log(number)
    if isinstance(e, Einsum) and not e.summed:
        return _quotient(e)
    return None


def _quotient(e: Einsum) -> Expr | None:
    pairs = list(zip(e.operands, e.inputs, strict=True))
    for k, (bottom, indices) in enumerate(pairs):
        base, exponent = base_and_exponent(bottom)
        below = _even(simplify(base)) if exponent == -1 else None
        if below is None:
            continue
        for n, (top, others) in enumerate(pairs):
            above = _odd(simplify(top)) if n != k and others == indices else None
            if above is not None and above[1] is below[1]:
                rest = [pair for m, pair in enumerate(pairs) if m not in (k, n)]
                factors = [(times(above[0] / below[0], tanh(below[1])), indices), *rest]
                return product([f for f, _ in factors], [ix for _, ix in factors], e.output)
    return None


def _even(e: Expr) -> tuple[float, Expr] | None:
    """c and u where e is c cosh(u)."""
    return _written_as(e, cosh, 1.0)


def _odd(e: Expr) -> tuple[float, Expr] | None:
    """c and u where e is c sinh(u)."""
    return _written_as(e, sinh, -1.0)


def _written_as(e: Expr, function: object, sign: float) -> tuple[float, Expr] | None:
    number, core = coefficient_and_core(e)
    if number > 0 and isinstance(core, Elementwise) and core.function is function:
        return number, core.arguments[0]
    if not isinstance(e, Add) or len(e.terms) != 2:
        return None
    (p, one), (q, other) = map(coefficient_and_core, e.terms)
    if not all(isinstance(f, Elementwise) and f.function is exp for f in (one, other)):
        return None
    u, v = one.args[0], other.args[0]
    if opposite(u) is not v and opposite(v) is not u:
        return None
    if coefficient_and_core(u)[0] < 0:  # the first of the two is exp(u)
        (p, u), (q, v) = (q, v), (p, u)
    return (2 * p, u) if p > 0 and q == sign * p else None
