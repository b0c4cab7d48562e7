"""Derivatives that keep the slopes of functions as they are called: σ′(z), tanh′(z), f′(z).

A record says what a slope is: σ′ is y (1 − y). To keep its name, the quantity is written over
records with the same value, whose derivative is a function called σ′; the rules of
differentiation and of rewriting then never see what it is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tensorcalc import functions as f
from tensorcalc.chain import differentiate, differentiate_in_turn
from tensorcalc.expr import Elementwise, Expr, Function, toposort

__all__ = ["named_slope", "with_named_slopes"]

# their slopes are functions of their own names, or quotients that nobody writes with a prime
_PLAIN = {
    *(f.exp, f.expm1, f.log, f.sqrt, f.sign, f.abs_, f.sin, f.cos, f.sinh, f.cosh),
    *(f.length, f.inverse_or_zero, *f.CONDITIONS),
}
_PRIMED: dict[tuple[Function, int], Function] = {}


def with_named_slopes(e: Expr) -> Expr:
    """The same value, of functions whose derivatives are called f′; names keep their names."""
    done: dict[Expr, Expr] = {}
    for node in toposort([e]):
        args = tuple(done[arg] for arg in node.args)
        new = node if args == node.args else node.with_args(args)
        if isinstance(new, Elementwise) and _has_named_slope(new.function):
            new = Elementwise(_primed(new.function, 0), new.arguments)
        done[node] = new
    return done[e]


def named_slope(of: Expr, by: Sequence[Expr], held: Iterable[Expr]) -> Expr:
    """∂of/∂by with the slopes of its functions under their names."""
    of = with_named_slopes(of)
    by, held = list(map(with_named_slopes, by)), list(map(with_named_slopes, held))
    if len(by) == 1:
        return differentiate(of, by[0], frozenset(held))
    return differentiate_in_turn(of, by, frozenset(held))


def _has_named_slope(record: Function) -> bool:
    known = record.evaluate is None  # an abstract function has named slopes already
    return record.arity == 1 and record.exponent is None and not known and record not in _PLAIN


def _primed(record: Function, order: int) -> Function:
    """The record's function itself, or its derivative of an order by the name f′, f″ written ′′."""
    made = _PRIMED.get((record, order))
    if made is None:
        rule = lambda x, y: _primed(record, order + 1)(x)
        if order == 0:
            made = replace(record, derivatives=(rule,), made_by=(_primed, (record, 0)))
        else:
            made = Function(
                name=record.name + "′" * order,
                evaluate=None,
                derivatives=(rule,),
                text=(record.text or record.name) + "′" * order,
                latex=(record.latex or record.name) + "'" * order,
                made_by=(_primed, (record, order)),
            )
        made = _PRIMED.setdefault((record, order), made)  # threads that meet here get one
    return made
