"""Forms that neither overflow nor lose everything: only for values, never for derivatives.

log σ(z), log(1 − σ(z)) and log softmax(z) are −∞ where the inner value rounds to 0 or 1; the
equivalent softplus and log-softmax are right there. This looks through names, which a rule
of differentiation must not, so it is applied to what is about to be computed and no earlier.
"""

from __future__ import annotations

from collections.abc import Callable

from tensorcalc import special
from tensorcalc.codegen.guarded import guarded, may_fail
from tensorcalc.codegen.hyperbolic import WRITTEN_IN, hyperbolic
from tensorcalc.codegen.lengths import divided_in_turn, divides, length_of_squares
from tensorcalc.codegen.merge import reshaped_last
from tensorcalc.expr import (
    Add,
    Definition,
    Einsum,
    Elementwise,
    Expr,
    Special,
    product,
    toposort,
    unknown_below,
)
from tensorcalc.functions import erf, erfc, exp, log, sech_squared, sigmoid, softplus, tanh
from tensorcalc.kinds import Kind, functions_in, kinds_in
from tensorcalc.rewrite.added_exponentials import log_of_added_exponentials
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import coefficient_and_core
from tensorcalc.rewrite.recognise import (
    opposite,
    recognise_exponentials,
    recognise_softmax,
    recognise_softplus,
    share_of_all,
)
from tensorcalc.simplify import is_leaf, rebuild_once, simplify

__all__ = ["stabilised"]

_ROUNDS = 5


def stabilised(root: Expr) -> Expr:
    """The same value in stable forms."""
    if "stable" not in root.memo:
        result = reshaped_last(_divided(_guarded(root)))
        root.memo["stable"] = None if result is root else result
    return root.memo["stable"] or root


def _guarded(root: Expr) -> Expr:
    """Stable forms, undefined nowhere but where the value is."""
    for _ in range(_ROUNDS):  # each form that is recognised may show another
        before, root = root, simplify(rebuild_once(root, _stable_form, "stable form"))
        if root is before:
            break
    return simplify(guarded(root, _named, is_leaf)) if may_fail(root) else root


def _divided(root: Expr) -> Expr:
    """Quotients by squares as quotients in turn, arguments first."""
    if not any(map(divides, functions_in(root))):
        return root
    for node in unknown_below(root, "divided", through_names=False):
        after = node
        if not is_leaf(node):
            args = tuple(arg.memo["divided"] or arg for arg in node.args)
            after = node if args == node.args else node.with_args(args)
        after = divided_in_turn(after) or after
        node.memo["divided"] = None if after is node else after
    return root.memo["divided"] or root


def _named(e: Expr) -> Expr:
    """What a name stands for, as it is computed; inner names first, as there may be many."""
    for node in toposort([e], lambda n: "named value" in n.memo):
        if isinstance(node, Definition) and "named value" not in node.memo:
            node.memo["named value"] = _guarded(_looked_through(node))
    return e.memo["named value"]


def _stable_form(node: Expr) -> Expr | None:
    present = kinds_in(node)
    for form, needed in _FORMS:
        after = None if needed.isdisjoint(present) else form(node)
        if after is not None:
            return after
    return None


def _of_names(node: Expr) -> Expr | None:
    """What is recognised once names are looked through."""
    for recognise in (
        recognise_softplus,
        recognise_exponentials,
        recognise_softmax,
        _unshifted_share,
        log_of_added_exponentials,
    ):
        after = recognise(node, _looked_through)
        if after is not None:
            return after
    if isinstance(node, Elementwise) and (node.function.exponent or 0) < 0:
        inner = node.arguments[0]
        seen = _looked_through(inner)
        plain = recognise_softmax(seen, _looked_through) if seen is not inner else None
        return None if plain is None else node.function(plain)
    return None


def _unshifted_share(node: Expr, see: Callable[[Expr], Expr]) -> Expr | None:
    return share_of_all(node, see, shifted=False)


def _adjugate(node: Expr) -> Expr | None:
    """det(X) X⁻¹ as one: it exists where X is singular."""
    if not isinstance(node, Einsum):
        return None
    seen = [_looked_through(f) for f in node.operands]
    for k, one in enumerate(seen):
        for n, other in enumerate(seen):
            if (
                isinstance(one, Special)
                and isinstance(other, Special)
                and (one.function, other.function) == (special.det, special.inv)
                and one.argument is other.argument
            ):
                kept = [m for m in range(len(seen)) if m != k]
                operands = [
                    Special(special.adjugate, one.argument) if m == n else node.operands[m]
                    for m in kept
                ]
                return product(operands, [node.inputs[m] for m in kept], node.output)
    return None


def _stable_log(node: Expr) -> Expr | None:
    if not isinstance(node, Elementwise) or node.function is not log:
        return None
    inner = _looked_through(node.arguments[0])
    shared = share_of_all(inner, _looked_through)
    if isinstance(shared, Elementwise):
        return shared.arguments[0]
    inner = recognise_softmax(inner, _looked_through) or inner
    if isinstance(inner, Elementwise) and inner.function is sigmoid:
        return -softplus(-inner.arguments[0])
    complement = _one_less(inner)
    complement = None if complement is None else _looked_through(complement)
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
    found = recognise_softplus(node, _looked_through)
    return found or log_of_added_exponentials(node, _looked_through)


def _looked_through(e: Expr) -> Expr:
    while isinstance(e, Definition):
        e = simplify(e.body)
    return e


def _complement_of_sigmoid(e: Expr) -> Expr | None:
    """1 − σ(u) = σ(−u), which does not round to 0; a name that is there anyway is left."""
    found = _one_less(e)
    if isinstance(found, Elementwise) and found.function is sigmoid:
        return sigmoid(-found.arguments[0])
    return None


def _complement_of_square(e: Expr) -> Expr | None:
    """1 − tanh(u)² = 1/cosh(u)², and 1 − u² = (1 − u) (1 + u)."""
    square = _one_less(e)
    if not isinstance(square, Einsum) or len(square.operands) != 2:
        return None
    (u, other), (indices, others) = square.operands, square.inputs
    if u is not other or indices != others or square.output != indices:
        return None
    if isinstance(u, Elementwise) and u.function is tanh:
        return sech_squared(u.arguments[0])
    return None if isinstance(u, Definition) else (1 - u) * (1 + u)


def _one_less(e: Expr) -> Expr | None:
    """u where e is 1 − u."""
    if not isinstance(e, Add) or len(e.terms) != 2:
        return None
    for one, other in (e.terms, e.terms[::-1]):
        number, core = coefficient_and_core(other)
        if constant_entry(one) == 1 and number == -1:
            return core
    return None


def _complement_of_erf(e: Expr) -> Expr | None:
    """1 + erf(u) = erfc(−u), which does not round to 0."""
    if isinstance(e, Add) and len(e.terms) == 2:
        for one, other in (e.terms, e.terms[::-1]):
            number, core = coefficient_and_core(other)
            if constant_entry(one) == 1 and abs(number) == 1:
                found = _looked_through(core)
                if isinstance(found, Elementwise) and found.function is erf:
                    return erfc(opposite(found.arguments[0]) if number > 0 else found.arguments[0])
    return None


# each with what it may be recognised by: one of these occurs where the form does
_FORMS: tuple[tuple[Callable[[Expr], Expr | None], frozenset[Kind]], ...] = (
    (hyperbolic, WRITTEN_IN),
    (_stable_log, frozenset({log})),
    (_of_names, frozenset({exp})),
    (_adjugate, frozenset({special.inv})),
    (_complement_of_sigmoid, frozenset({sigmoid})),
    (_complement_of_square, frozenset({Add})),
    (_complement_of_erf, frozenset({erf})),
    (lambda node: length_of_squares(node, _looked_through), frozenset({Elementwise})),
)
