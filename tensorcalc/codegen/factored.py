"""Sums with what their terms share taken out: A ⊙ b + A ⊙ c is A ⊙ (b + c).

Factors stand with the axes of the sum that they have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tensorcalc.codegen.passes import Expressions, rewritten
from tensorcalc.expr import (
    Add,
    Constant,
    Delta,
    Einsum,
    Expr,
    Merge,
    Ones,
    product,
)
from tensorcalc.rewrite.products import Factor

__all__ = ["factored"]


def factored(e: Expressions) -> Expressions:
    """The expressions with factors of several terms taken out of sums."""
    return rewritten(e, Add, lambda node, alone: _factored(node))


def _factored(e: Add) -> Expr:
    """The sum with the factor taken out that most of its terms share, and so on."""
    items = [_items(term) for term in e.terms]
    counted = Counter(item for own in items for item in dict.fromkeys(own))
    shared = [item for item, times in counted.items() if times > 1 and item[0].ndim]
    for item in sorted(shared, key=lambda i: (-counted[i], -i[0].ndim)):
        having = [k for k, own in enumerate(items) if item in own]
        rests = [_without(items[k], item) for k in having]
        kept = tuple(sorted({axis for own in rests for _, indices in own for axis in indices}))
        inner = _sum_of([_over_all(rest, kept, e) for rest in rests])
        whole = product([inner, item[0]], [kept, item[1]], tuple(range(e.ndim)))
        others = [term for k, term in enumerate(e.terms) if k not in having]
        place = having[0]
        terms = [*others[:place], whole, *others[place:]]
        return whole if len(terms) == 1 else _factored(Add(terms))
    return e


def _over_all(items: Sequence[Factor], axes: tuple[int, ...], e: Expr) -> Expr:
    """The product of the items, repeated along the axes that none of them has."""
    missing = [a for a in axes if not any(a in indices for _, indices in items)]
    items = [*items, *((Ones(e.shape[a]), (a,)) for a in missing)]
    return product([o for o, _ in items], [i for _, i in items], axes)


def _sum_of(terms: Sequence[Expr]) -> Expr:
    """The sum of what is left, factored again; (1 − a) − a stays, as it is exact near a = 1."""
    return _factored(Add(terms))


def _items(term: Expr, levels: int = 1) -> list[Factor]:
    """The factors of a product; what is no product, or sums over an index, is one itself.

    There are none where axes are merged or only repeated. Products among the factors are opened
    ``levels`` deep: of A ⊙ (b ⊙ c), A and b and c with one level. Further down stand values that
    other lines share, and what is opened there is computed once more.
    """
    if not isinstance(term, Einsum) or term.summed:
        return [(term, tuple(range(term.ndim)))]
    place = {i: axis for axis, i in enumerate(term.output)}
    if any(isinstance(o, (Merge, Ones)) for o in term.operands):
        return []
    pairs = list(zip(term.operands, term.inputs, strict=True))
    # entries along a diagonal stand at its first axis
    first = {max(ix): min(ix) for o, ix in pairs if isinstance(o, Delta)}
    items: list[Factor] = []
    for operand, indices in pairs:
        at = indices if isinstance(operand, Delta) else [first.get(i, i) for i in indices]
        axes = tuple(place[i] for i in at)
        inner = _items(operand, levels - 1) if levels and isinstance(operand, Einsum) else []
        items += [(e, tuple(axes[a] for a in own)) for e, own in inner] or [(operand, axes)]
    return items


def _without(items: Sequence[Factor], item: Factor) -> list[Factor]:
    rest = list(items)
    rest.remove(item)
    return rest or [(Constant(1.0), ())]
