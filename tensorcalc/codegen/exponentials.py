"""Quotients of exponentials by their sums, seen through the names a program gives its steps.

E = exp(Z), P = E/ΣE is the softmax of Z. Its derivative by way of E, with E as a quantity of its
own, is a difference of quotients that overflow together; the numbers come from the softmax.
Names that are differentiated by, or held fixed, are quantities of their own and not looked through.
"""

from __future__ import annotations

from collections.abc import Callable

from tensorcalc.codegen.hyperbolic import hyperbolic
from tensorcalc.expr import Definition, Einsum, Elementwise, Expr, Select, Special, toposort
from tensorcalc.functions import exp, log, sigmoid
from tensorcalc.kinds import kinds_in
from tensorcalc.rewrite.added_exponentials import log_of_added_exponentials
from tensorcalc.rewrite.recognise import (
    recognise_softmax,
    recognise_softplus,
    share_of_all,
    shift_of_softmax,
)
from tensorcalc.simplify import simplify, substitute

__all__ = ["exponential_forms"]


def exponential_forms(of: Expr, alone: frozenset[Expr]) -> dict[Expr, Expr]:
    """Nodes below ``of`` that are stable functions once names but ``alone`` are looked through."""
    if not _has_exponentials(of):
        return {}
    key = ("exponential forms", alone)
    if key not in of.memo:
        forms: dict[Expr, Expr] = {}
        logs = log in kinds_in(of)
        for node in toposort([of], lambda n: not _has_exponentials(n)):
            after = _form(node, lambda e: _seen(e, alone), logs=logs)
            if after is not None:
                forms[node] = substitute(after, forms)
        of.memo[key] = forms
    return of.memo[key]


def _has_exponentials(of: Expr) -> bool:
    """Whether an exponential or a softmax stands in ``of`` or below: most have none.

    Of a sigmoid only the logarithm of an entry has another form than the sigmoid by itself.
    """
    present = kinds_in(of)
    return not present.isdisjoint((exp, Special)) or present >= {sigmoid, log, Select}


def _form(e: Expr, see: Callable[[Expr], Expr], *, logs: bool) -> Expr | None:
    """What one node is; a share that cannot overflow is another form only for its logarithm."""
    if isinstance(e, Elementwise):
        return recognise_softplus(e, see) or _log_of_added(e, see)
    if isinstance(e, Special):
        return shift_of_softmax(e, see)
    if not isinstance(e, Einsum):
        return None
    after = recognise_softmax(e, see) or share_of_all(e, see, shifted=logs)
    return None if after is None else _unshifted(after, see)


def _log_of_added(e: Elementwise, see: Callable[[Expr], Expr]) -> Expr | None:
    """log(exp u + exp v) by one function, where it is no log cosh."""
    return None if hyperbolic(e) is not None else log_of_added_exponentials(e, see)


def _unshifted(e: Expr, see: Callable[[Expr], Expr]) -> Expr:
    """``e`` with every softmax in it that of the argument less what it ignores."""
    shifts = {n: after for n in e.args if (after := shift_of_softmax(n, see)) is not None}
    return substitute(shift_of_softmax(e, see) or e, shifts)


def _seen(e: Expr, alone: frozenset[Expr]) -> Expr:
    while isinstance(e, Definition) and e not in alone:
        e = simplify(e.body)
    return e
