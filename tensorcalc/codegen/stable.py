"""Forms that neither overflow nor lose everything: only for values, never for derivatives.

log σ(z), log(1 − σ(z)) and log softmax(z) are −∞ where the inner value rounds to 0 or 1; the
equivalent softplus and log-softmax are right there. This looks through names, which a rule
of differentiation must not, so it is applied to what is about to be computed and no earlier.
"""

from __future__ import annotations

from tensorcalc import special
from tensorcalc.codegen.merge import reshaped_last
from tensorcalc.expr import Add, Definition, Einsum, Elementwise, Expr, Special, product
from tensorcalc.functions import log, sigmoid, softplus
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import coefficient_and_core
from tensorcalc.simplify import rebuild, simplify

__all__ = ["stabilised"]


def stabilised(root: Expr) -> Expr:
    """The same value in stable forms."""
    if "stable" not in root.memo:
        result = reshaped_last(simplify(rebuild(root, _stable_log)))
        root.memo["stable"] = None if result is root else result
    return root.memo["stable"] or root


def _stable_log(node: Expr) -> Expr | None:
    if not isinstance(node, Elementwise) or node.function is not log:
        return None
    inner = _looked_through(node.arguments[0])
    if isinstance(inner, Elementwise) and inner.function is sigmoid:
        return -softplus(-inner.arguments[0])
    complement = _complement(inner)
    if isinstance(complement, Elementwise) and complement.function is sigmoid:
        return -softplus(complement.arguments[0])
    if isinstance(inner, Special) and inner.function is special.softmax:
        return Special(special.log_softmax, inner.argument)
    if isinstance(inner, Einsum) and len(inner.operands) == 1 and not inner.summed:
        below = _looked_through(inner.operands[0])
        if isinstance(below, Special) and below.function is special.softmax:
            return product(
                (Special(special.log_softmax, below.argument),), inner.inputs, inner.output
            )
    return None


def _looked_through(e: Expr) -> Expr:
    while isinstance(e, Definition):
        e = simplify(e.body)
    return e


def _complement(e: Expr) -> Expr | None:
    """u where e is 1 − u."""
    if not isinstance(e, Add) or len(e.terms) != 2:
        return None
    for one, other in (e.terms, e.terms[::-1]):
        number, core = coefficient_and_core(other)
        if constant_entry(one) == 1 and number == -1:
            return _looked_through(core)
    return None
