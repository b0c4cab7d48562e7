"""From an expression to a sum of products of factors that share no index.

I[i=s] K_jt is the delta of two axes and a matrix over the other two; x_j x_t K_is is three
arrays. Each product of the sum is kept as its factors, each over some of the axes of the whole;
axes that a delta ties have one label, and an axis without a factor repeats the others along it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tensorcalc.expr import Add, Constant, Delta, Einsum, Expr, Merge, Ones, is_zero, product
from tensorcalc.rewrite.products import Factor
from tensorcalc.shapes import Dim, Shape

__all__ = ["Pattern", "Term", "pattern_of"]

_TERMS = 16  # a sum of more products is one array
_LEVELS = 3  # of sums inside products inside sums


@dataclass(frozen=True)
class Term:
    """A product: the label of every axis, and each factor's number and labels.

    Axes of one label are tied by a delta.
    """

    labels: tuple[int, ...]
    factors: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Pattern:
    """A sum of products over the axes of a value: ``groups[k]`` are the sizes that axis k counts.

    A merged axis counts several; it is looked at as those.
    """

    groups: tuple[Shape, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class _Product:
    """Items over indices, and the indices along each axis of the whole."""

    items: tuple[Factor, ...]
    groups: tuple[tuple[int, ...], ...]
    dims: Mapping[int, Dim]

    @property
    def output(self) -> tuple[int, ...]:
        return tuple(itertools.chain(*self.groups))

    def with_item(self, k: int, items: Iterable[Factor]) -> _Product:
        """The product with others in place of item k."""
        there = (*self.items[:k], *items, *self.items[k + 1 :])
        dims = {i: dim for e, ix in there for i, dim in zip(ix, e.shape, strict=True)}
        return _Product(there, self.groups, {**self.dims, **dims})

    def renamed(self, rename: Mapping[int, int]) -> _Product:
        """The product with some indices under other names."""
        new = lambda indices: tuple(rename.get(i, i) for i in indices)
        items = tuple((e, new(indices)) for e, indices in self.items)
        return _Product(items, tuple(map(new, self.groups)), self.dims)


def pattern_of(root: Expr, factors: dict[Expr, int]) -> Pattern:
    """The sum of products that ``root`` is; ``factors`` numbers the arrays it is made of."""
    if is_zero(root):
        return Pattern(tuple((dim,) for dim in root.shape), ())
    axes = tuple(range(root.ndim))
    whole = _Product(((root, axes),), tuple((a,) for a in axes), dict(enumerate(root.shape)))
    products = _expanded(whole, _LEVELS)
    groups = {tuple(tuple(p.dims[i] for i in g) for g in p.groups) for p in products}
    if len(groups) > 1:  # one merged axis is split in two ways
        return Pattern(tuple((d,) for d in root.shape), (_term(whole, factors),))
    return Pattern(groups.pop(), tuple(_term(p, factors) for p in products))


# ── taking products apart ────────────────────────────────────────────────────────────────


def _expanded(whole: _Product, levels: int) -> list[_Product]:
    """The product, or those of a sum in it where their factors then have fewer axes."""
    whole = _opened(whole)
    for k, (e, indices) in enumerate(whole.items):
        if not (levels and isinstance(e, Add) and len(e.terms) <= _TERMS):
            continue
        each = [whole.with_item(k, [(term, indices)]) for term in e.terms]
        parts = [part for p in each for part in _expanded(p, levels - 1)]
        if len(parts) <= _TERMS and max(map(_order, parts)) < _order(whole):
            return parts
    return [whole]


def _opened(p: _Product) -> _Product:
    """The product with inner products of separate factors, deltas and merged axes taken apart."""
    while True:
        k = next((k for k, (e, _) in enumerate(p.items) if _opens(e, alone=len(p.items) == 1)), -1)
        if k >= 0:
            p = _spliced(p, k)
            continue
        k = next((k for k, (e, _) in enumerate(p.items) if isinstance(e, Delta)), -1)
        if k >= 0:
            p = _tied(p, k)
            continue
        k = next((k for k in range(len(p.items)) if _splits_an_axis(p, k)), -1)
        if k < 0:
            return p
        p = _split(p, k)


def _opens(e: Expr, *, alone: bool) -> bool:
    if not isinstance(e, Einsum):
        return False
    if alone or any(isinstance(o, (Delta, Merge)) for o in e.operands):
        return True
    pairs = list(zip(e.operands, e.inputs, strict=True))
    return len([c for c in _components(pairs) if any(ix for _, ix in c)]) > 1


def _spliced(p: _Product, k: int) -> _Product:
    e, indices = p.items[k]
    assert isinstance(e, Einsum)
    fresh = itertools.count(max([-1, *p.dims]) + 1)
    name = dict(zip(e.output, indices, strict=True))
    for i in e.summed:
        name[i] = next(fresh)
    pairs = zip(e.operands, e.inputs, strict=True)
    return p.with_item(k, [(operand, tuple(name[i] for i in own)) for operand, own in pairs])


def _tied(p: _Product, k: int) -> _Product:
    """The two indices of a delta as one; ones stay in its place, which count it if summed."""
    a, b = sorted(p.items[k][1])
    return p.with_item(k, [(Ones(p.dims[a]), (a,))]).renamed({b: a})


def _splits_an_axis(p: _Product, k: int) -> bool:
    e, indices = p.items[k]
    others = [ix for n, (_, ix) in enumerate(p.items) if n != k]
    return (
        isinstance(e, Merge)
        and len(set(indices)) == len(indices)
        and indices[0] in p.output
        and not any(indices[0] in ix for ix in others)
    )


def _split(p: _Product, k: int) -> _Product:
    """The axis p of I[p=(i,j)] as the axes i and j, which count as it does."""
    e, (merged, *parts) = p.items[k]
    groups = tuple(
        tuple(itertools.chain(*(parts if i == merged else [i] for i in g))) for g in p.groups
    )
    ones = [(Ones(dim), (i,)) for dim, i in zip(e.shape[1:], parts, strict=True)]
    return _Product(p.with_item(k, ones).items, groups, p.dims)


# ── what a product is made of ────────────────────────────────────────────────────────────


def _components(items: Sequence[Factor]) -> list[list[Factor]]:
    """Items that are connected by indices; a number is alone."""
    groups: list[tuple[set[int], list[Factor]]] = []
    for item in items:
        indices = set(item[1])
        touching = [g for g in groups if g[0] & indices]
        merged = (indices.union(*(g[0] for g in touching)), [i for g in touching for i in g[1]])
        groups = [g for g in groups if g not in touching]
        groups.append((merged[0], [*merged[1], item]))
    return [group for _, group in groups]


def _order(p: _Product) -> int:
    """The most axes that one factor has."""
    output = set(p.output)
    sizes = [
        len(output & {i for _, ix in component for i in ix})
        for component in _components(p.items)
        if not all(isinstance(e, Ones) for e, _ in component)
    ]
    return max(sizes, default=0)


def _term(p: _Product, factors: dict[Expr, int]) -> Term:
    """The labels of a product, with its factors numbered; numbers join the smallest of them."""
    output = tuple(dict.fromkeys(p.output))
    arrays: list[tuple[list[Factor], tuple[int, ...]]] = []
    numbers: list[Factor] = []
    for component in _components(p.items):
        there = {i for _, ix in component for i in ix}
        labels = tuple(i for i in output if i in there)
        real = [item for item in component if not isinstance(item[0], Ones)]
        if not labels:
            numbers += component if not real else _without_needless(component)
        elif real:
            arrays.append((_without_needless(component), labels))
    arrays.sort(key=lambda a: [p.output.index(i) for i in a[1]])
    if numbers and not _is_one(numbers):
        smallest = min(range(len(arrays)), key=lambda k: len(arrays[k][1])) if arrays else 0
        if not arrays:
            arrays.append(([], ()))
        items, labels = arrays[smallest]
        arrays[smallest] = ([*_numbers_first(numbers), *items], labels)
    found = []
    for items, labels in arrays:
        e = product([e for e, _ in items], [ix for _, ix in items], labels)
        found.append((factors.setdefault(e, len(factors)), labels))
    return Term(p.output, tuple(found))


def _without_needless(component: Sequence[Factor]) -> list[Factor]:
    """The items without ones along an axis that another has."""
    real = {i for e, ix in component if not isinstance(e, Ones) for i in ix}
    return [item for item in component if not (isinstance(item[0], Ones) and item[1][0] in real)]


def _numbers_first(items: Sequence[Factor]) -> list[Factor]:
    return sorted(items, key=lambda item: not isinstance(item[0], Constant))


def _is_one(items: Sequence[Factor]) -> bool:
    return all(isinstance(e, Constant) and e.ndim == 0 and e.number == 1 for e, _ in items)
