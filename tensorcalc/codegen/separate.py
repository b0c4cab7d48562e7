"""Factors that only repeat along their own axes are multiplied last.

∂z/∂W of a layer is I[k=j] x_i: its axis i comes from x alone. Every product and sum that it
goes through on the way to a second derivative would carry that axis along. Here each value is
seen as a product of outer factors, each with an axis that nothing else has, and a core without
those axes; products and sums are formed of the cores, and the factors come back where the
whole is needed: x_i x_s K[j, t] with an n × n matrix K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorcalc.codegen.passes import Expressions, over
from tensorcalc.expr import Add, Einsum, Expr, Merge, Ones, product
from tensorcalc.rewrite.products import Factor, contract_delta, drop_ones

__all__ = ["separated"]


@dataclass(frozen=True)
class _Parts:
    """A value as outer ``factors`` times a ``core`` over the axes ``kept``.

    ``saves`` says that less is computed when it is seen so.
    """

    core: Expr
    kept: tuple[int, ...]
    factors: tuple[Factor, ...] = ()
    saves: bool = False


def separated(e: Expressions) -> Expressions:
    """The expressions with outer factors multiplied last."""
    parts: dict[Expr, _Parts] = {}  # of what has outer factors
    whole: dict[Expr, Expr] = {}  # what became of what is changed
    for node in e.order:
        found = None
        if isinstance(node, Einsum) and not any(isinstance(o, Merge) for o in node.operands):
            found = _parts_of_product(node, parts, whole)
        elif isinstance(node, Add):
            found = _parts_of_sum(node, parts)
        after = None
        if found is not None:
            parts[node] = found
            after = _multiplied(found, node.ndim) if found.saves else None
        after = after or over(node, whole)
        if after is not node:
            whole[node] = after
    return e.over(whole)


def _multiplied(parts: _Parts, ndim: int) -> Expr:
    items = [*parts.factors, (parts.core, parts.kept)]
    return product([e for e, _ in items], [axes for _, axes in items], tuple(range(ndim)))


def _parts_of_product(
    node: Einsum, parts: Mapping[Expr, _Parts], whole: Mapping[Expr, Expr]
) -> _Parts | None:
    """Factors of the operands, and operands, that have an index of the output to themselves."""
    items: list[Factor] = []
    opened = saves = False
    for operand, indices in zip(node.operands, node.inputs, strict=True):
        inner = parts.get(operand)
        if inner is not None and len(set(indices)) == len(indices):
            items += [(e, tuple(indices[a] for a in axes)) for e, axes in inner.factors]
            items.append((inner.core, tuple(indices[a] for a in inner.kept)))
            opened, saves = True, saves or inner.saves
        else:
            items.append((whole.get(operand, operand), indices))
    outer = _outer_items(items, node.output)
    if not outer:
        return None
    inside = [items[k] for k in range(len(items)) if k not in outer]
    present = {i for _, indices in inside for i in indices}
    place = {i: axis for axis, i in enumerate(node.output)}
    kept = tuple(i for i in node.output if i in present)
    core = _tied(product([e for e, _ in inside], [indices for _, indices in inside], kept))
    factors = tuple((items[k][0], tuple(place[i] for i in items[k][1])) for k in sorted(outer))
    at_work = sum(e.ndim > 0 for e, _ in inside) > 1
    return _Parts(core, tuple(place[i] for i in kept), factors, saves or (opened and at_work))


def _tied(e: Expr) -> Expr:
    """A product without deltas whose index is summed, which only rename, and needless ones."""
    while (after := contract_delta(e) or drop_ones(e)) is not None:
        e = after
    return e


def _outer_items(items: Sequence[Factor], output: tuple[int, ...]) -> set[int]:
    """Which items have an index of the output to themselves and are summed over nowhere.

    The largest stays, if it would be all of them: a core is what is left.
    """
    users: dict[int, list[int]] = {}
    for k, (_, indices) in enumerate(items):
        for i in indices:
            users.setdefault(i, []).append(k)
    outer = {
        k
        for k, (e, indices) in enumerate(items)
        if indices
        and set(indices) <= set(output)
        and len(set(indices)) == len(indices)
        and any(users[i] == [k] for i in indices)
        and not isinstance(e, Ones)
    }
    if all(k in outer for k, (e, _) in enumerate(items) if e.ndim):
        outer -= {max(outer, key=lambda k: items[k][0].ndim)} if outer else set()
    return outer


def _parts_of_sum(node: Add, parts: Mapping[Expr, _Parts]) -> _Parts | None:
    """Factors that every term has, along the same axes."""
    if not all(term in parts for term in node.terms):
        return None
    terms = [parts[term] for term in node.terms]
    common = [item for item in terms[0].factors if all(item in t.factors for t in terms[1:])]
    if not common:
        return None
    cores = []
    kept: tuple[int, ...] | None = None
    for term in terms:
        items = [item for item in term.factors if item not in common]
        items.append((term.core, term.kept))
        present = tuple(sorted({axis for _, axes in items for axis in axes}))
        if kept is not None and present != kept:
            return None
        kept = present
        cores.append(product([e for e, _ in items], [axes for _, axes in items], present))
    assert kept is not None
    return _Parts(Add(cores), kept, tuple(common), saves=True)
