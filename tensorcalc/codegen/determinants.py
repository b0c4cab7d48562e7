"""Higher derivatives of determinants by minors, which exist where the matrix is singular.

det(X) X⁻ᵀ is what is shown, and what a second derivative is made from: det(X) times two
inverses, less the same with two indices exchanged. Where X is singular, or nearly so, nothing is
left of this difference. For matrices of a few rows the same derivative is computed from minors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tensorcalc.chain import differentiate_in_turn
from tensorcalc.codegen.exponentials import exponential_forms
from tensorcalc.codegen.hyperbolic import hyperbolic_forms
from tensorcalc.expr import Definition, Expr, Special, toposort
from tensorcalc.kinds import kinds_in
from tensorcalc.simplify import substitute
from tensorcalc.special import det, inv, minors

__all__ = ["as_written", "by_minors", "minor_forms", "with_names_of"]

_MOST_MINORS = 5000


def by_minors(of: Expr, by: Sequence[Expr], held: Collection[Expr], value: Expr) -> Expr:
    """``value``, the derivative of ``of`` by these arguments in turn, in forms for its numbers."""
    inverted = _inverted(value)
    minors_used = minor_forms(of, len(by)) if inverted else {}
    if len(by) == 1 and inverted <= {e.args[0] for e in minors_used}:
        minors_used = {}  # det(X) X⁻ᵀ in one product, which is computed as the adjugate
    forms = {
        **hyperbolic_forms(of),
        **minors_used,
        **exponential_forms(of, frozenset((*by, *held))),
    }
    if not forms or differentiate_in_turn(of, by, held) is not value:
        return value
    arguments = [substitute(e, forms) for e in by]
    fixed = [substitute(e, forms) for e in held]
    after = differentiate_in_turn(substitute(of, forms), arguments, fixed)
    return as_written(with_names_of([of, *by], after, forms), minors_used)


def with_names_of(roots: Sequence[Expr], value: Expr, forms: Mapping[Expr, Expr]) -> Expr:
    """``value`` in the names below ``roots``, where these forms took the place of nodes."""
    names = [e for e in toposort(roots) if isinstance(e, Definition)]
    return substitute(value, {substitute(e, forms): e for e in names})


def _inverted(value: Expr) -> set[Expr]:
    """The matrices whose inverse stands in ``value``."""
    is_inverse = lambda e: isinstance(e, Special) and e.function is inv
    if inv not in kinds_in(value):
        return set()
    return {e.args[0] for e in toposort([value]) if is_inverse(e)}


def minor_forms(of: Expr, order: int) -> dict[Expr, Expr]:
    """The determinants below ``of``, and what has the same value and minors for derivatives."""
    return {
        e: Special(minors(0), e.argument)
        for e in toposort([of])
        if isinstance(e, Special) and e.function is det and _is_small(e.argument, order)
    }


def as_written(e: Expr, forms: Mapping[Expr, Expr]) -> Expr:
    """``e`` with the determinants themselves: names mean what they meant before."""
    return substitute(e, {minor: written for written, minor in forms.items()})


def _is_small(matrix: Expr, order: int) -> bool:
    size = matrix.shape[-1]
    return isinstance(size, int) and size ** (2 * order) <= _MOST_MINORS
