"""The chain rule over the graph: total derivatives as sums over every path.

Reverse: the adjoint of a node is ∂of/∂node, the sum over its consumers c of
(adjoint of c) · ∂c/∂node. Forward: the tangent of a node is ∂node/∂wrt, the sum over its
arguments a of ∂node/∂a · (tangent of a). Both contract the same local derivatives.

A quantity held fixed passes nothing on to what it is built from. Adjoints are remembered
on ``of``, so that the gradients by all parameters of a network share one sweep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tensorcalc.expr import (
    Definition,
    Einsum,
    Expr,
    SpecialFunction,
    Variable,
    add,
    contract,
    identity,
    product,
    toposort,
    zeros,
)
from tensorcalc.kinds import functions_in
from tensorcalc.local import local_derivative
from tensorcalc.rewrite.products import is_view
from tensorcalc.simplify import simplify, substitute

__all__ = ["adjoint", "differentiate", "differentiate_in_turn", "known_adjoints"]


def differentiate(of: Expr, wrt: Expr, holding: Collection[Expr] = ()) -> Expr:
    """∂of/∂wrt, of shape of.shape + wrt.shape, simplified and structured.

    ``wrt`` is an independent quantity in everything built on it; so is each of ``holding``,
    which also stay fixed. Works forward where the argument has fewer axes than the value.
    """
    held = frozenset(holding) - {of}
    if wrt.ndim < of.ndim:
        return _tangent(of, wrt, held)
    return adjoint(of, wrt, held)


def _rules_in_force(of: Expr) -> tuple[object, ...]:
    """The derivative rules below ``of``; remembered adjoints hold only for these."""
    return tuple(
        f.derivative if isinstance(f, SpecialFunction) else f.derivatives for f in functions_in(of)
    )


def _consumers(of: Expr) -> dict[Expr, list[tuple[Expr, int]]]:
    """For each node below ``of``, the nodes that use it and in which place."""
    if "consumers" not in of.memo:
        consumers: dict[Expr, list[tuple[Expr, int]]] = {}
        for node in toposort([of]):
            for k, arg in enumerate(node.args):
                consumers.setdefault(arg, []).append((node, k))
        of.memo["consumers"] = consumers
    return of.memo["consumers"]


def adjoint(of: Expr, wrt: Expr, held: frozenset[Expr] = frozenset()) -> Expr:
    """∂of/∂wrt accumulated from ``of`` downwards."""
    consumers = _consumers(of)
    sweeps: dict[object, dict[Expr, Expr]] = of.memo.setdefault("adjoints", {})
    known = sweeps.setdefault((held, _rules_in_force(of)), {of: identity(of.shape)})
    stack = [wrt]
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        users = [(c, k) for c, k in consumers.get(node, ()) if c not in held]
        waiting = [c for c, _ in users if c not in known]
        if waiting:
            stack.extend(waiting)
            continue
        terms = [
            _product(known[c], local_derivative(c, k, _name(consumers, c, held)), c)
            for c, k in users
        ]
        known[node] = simplify(add(*terms)) if terms else zeros(of.shape + node.shape)
    return known[wrt]


def known_adjoints(of: Expr) -> Iterator[tuple[Expr, Expr]]:
    """Each node below ``of`` and ∂of/∂node, as far as sweeps have found them."""
    for sweep in of.memo.get("adjoints", {}).values():
        yield from sweep.items()


def _tangent(of: Expr, wrt: Expr, held: frozenset[Expr]) -> Expr:
    """∂of/∂wrt accumulated from ``wrt`` upwards."""
    consumers = _consumers(of)
    known: dict[Expr, Expr] = {wrt: identity(wrt.shape)}
    for node in toposort([of], lambda n: n is wrt or n in held):
        moved = [] if node in held else [k for k, arg in enumerate(node.args) if arg in known]
        if moved:
            name = _name(consumers, node, held)
            terms = [
                _product(local_derivative(node, k, name), known[node.args[k]], node.args[k])
                for k in moved
            ]
            known[node] = simplify(add(*terms))
    return known.get(of, zeros(of.shape + wrt.shape))


def _name(
    consumers: dict[Expr, list[tuple[Expr, int]]], node: Expr, held: frozenset[Expr]
) -> Expr | None:
    """The name that the value of ``node`` goes by, if any: a definition, or its transpose."""
    for user, _ in consumers.get(node, ()):
        if isinstance(user, Definition) and user not in held:
            return user
        if isinstance(user, Einsum) and is_view(user) and user.ndim == node.ndim:
            for named, _ in consumers.get(user, ()):
                if isinstance(named, Definition) and named not in held:
                    return product((named,), (user.output,), user.inputs[0])
    return None


def _product(left: Expr, right: Expr, joined: Expr) -> Expr:
    """left · right, summed over the axes of ``joined``."""
    unchanged = identity(joined.shape)
    if right is unchanged:
        return left
    if left is unchanged:
        return simplify(right)
    return simplify(contract(left, right, joined.ndim))


def differentiate_in_turn(of: Expr, by: Sequence[Expr], holding: Collection[Expr] = ()) -> Expr:
    """∂ⁿof/∂by₁…∂byₙ: all of ``by`` are made independent variables first, then used in turn.

    Really made variables: a rewrite between two steps must not see what a name stands for.
    """
    stand_in: dict[Expr, Expr] = {
        e: Variable(f"{e.name} alone", e.shape)
        for e in dict.fromkeys((*by, *holding))
        if isinstance(e, Definition) and e is not of
    }
    value = substitute(of, stand_in)
    for argument in by:
        value = differentiate(value, stand_in.get(argument, argument))
    back = {stand: e for e, stand in stand_in.items()}
    return substitute(value, back)
