"""SymPy, entry by entry: sums over indices of products with Kronecker deltas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from typing import Any

from tensorcalc import special
from tensorcalc.display.letters import summation_letters
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Merge,
    Ones,
    Select,
    Special,
    Variable,
    toposort,
)
from tensorcalc.interop.symbols import (
    function_of,
    number,
    require_shallow,
    require_sympy,
    size,
    too_long,
)
from tensorcalc.shapes import Dim, format_shape

__all__ = ["entry_of"]

_LARGEST = 3000  # entries written out
_ENTRIES = 100  # of an array of numbers, or of what a maximum is taken over


def entry_of(
    root: Expr, letters: Sequence[str], taken: Collection[str]
) -> tuple[Any, tuple[Any, ...]]:
    """The entry of ``root`` at one index for each axis, and these indices.

    Raises NotSupportedError for inverses, determinants, and formulas too long to write out.
    """
    require_shallow(toposort([root]))
    writer = _Writer({*letters, *taken})
    indices = tuple(
        writer.index(letter, dim) for letter, dim in zip(letters, root.shape, strict=True)
    )
    return writer.entry(root, indices), indices


def _counted(indices: Sequence[Any], dims: Sequence[Dim]) -> Any:
    """The place of an entry in a merged axis, the last index fastest."""
    counted = require_sympy().Integer(0)
    for index, dim in zip(indices, dims, strict=True):
        counted = counted * size(dim) + index
    return counted


class _Writer:
    """Writes entries, each node at the same indices once."""

    def __init__(self, taken: Collection[str]) -> None:
        self.sp = require_sympy()
        self.free = summation_letters(taken)
        self.known: dict[tuple[Expr, tuple[Any, ...]], Any] = {}

    def index(self, letter: str, dim: Dim) -> Any:
        """An index that counts an axis from 0."""
        return self.sp.Idx(letter, (0, size(dim) - 1))

    def summed(self, dims: Sequence[Dim]) -> list[Any]:
        """A new index for each axis."""
        return [self.index(next(self.free), dim) for dim in dims]

    def over(self, kind: Any, body: Any, indices: Sequence[Any]) -> Any:
        """The sum or the product of ``body`` over indices."""
        return kind(body, *((i, i.lower, i.upper) for i in indices)) if indices else body

    def entry(self, node: Expr, at: tuple[Any, ...]) -> Any:
        """The entry of a node at these indices."""
        key = (node, at)
        if key not in self.known:
            if len(self.known) > _LARGEST:
                raise too_long()
            self.known[key] = getattr(self, "_" + type(node).__name__.lower())(node, at)
        return self.known[key]

    def _variable(self, node: Variable, at: tuple[Any, ...]) -> Any:
        return self.sp.IndexedBase(node.name)[at] if at else self.sp.Symbol(node.name)

    def _definition(self, node: Definition, at: tuple[Any, ...]) -> Any:
        return self.entry(node.body, at)

    def _constant(self, node: Constant, at: tuple[Any, ...]) -> Any:
        if node.value.size > _ENTRIES:
            raise NotSupportedError(
                f"an array of numbers ({format_shape(node.shape)}) by indices",
                "declare it as a variable",
            )
        places = itertools.product(*map(range, node.value.shape))
        return self.sp.Add(*(number(float(node.value[p])) * self._tied(at, p) for p in places))

    def _tied(self, left: Sequence[Any], right: Sequence[Any]) -> Any:
        pairs = zip(left, right, strict=True)
        return self.sp.Mul(*(self.sp.KroneckerDelta(i, j) for i, j in pairs))

    def _delta(self, node: Delta, at: tuple[Any, ...]) -> Any:
        return self.sp.KroneckerDelta(*at)

    def _ones(self, node: Ones, at: tuple[Any, ...]) -> Any:
        return self.sp.Integer(1)

    def _merge(self, node: Merge, at: tuple[Any, ...]) -> Any:
        return self.equal([at[0]], [_counted(at[1:], node.dims)])

    def equal(self, left: Sequence[Any], right: Sequence[Any]) -> Any:
        """1 where the places are one, else 0; SymPy sums a KroneckerDelta of plain indices only."""
        same = self.sp.And(*(self.sp.Eq(i, j) for i, j in zip(left, right, strict=True)))
        return self.sp.Piecewise((1, same), (0, True))

    def _select(self, node: Select, at: tuple[Any, ...]) -> Any:
        if isinstance(node.index, range):
            place = node.index.start + node.index.step * at[node.axis]
            return self.entry(node.operand, (*at[: node.axis], place, *at[node.axis + 1 :]))
        place = self.sp.Integer(node.index)
        return self.entry(node.operand, (*at[: node.axis], place, *at[node.axis :]))

    def _add(self, node: Add, at: tuple[Any, ...]) -> Any:
        return self.sp.Add(*(self.entry(term, at) for term in node.terms))

    def _elementwise(self, node: Elementwise, at: tuple[Any, ...]) -> Any:
        return function_of(node.function, [self.entry(a, at) for a in node.arguments])

    def _einsum(self, node: Einsum, at: tuple[Any, ...]) -> Any:
        index = dict(zip(node.output, at, strict=True))
        pairs = list(zip(node.operands, node.inputs, strict=True))
        real = {i for operand, indices in pairs if not isinstance(operand, Ones) for i in indices}
        count = self.sp.Mul(*(size(node.dims[i]) for i in node.summed if i not in real))
        pairs = [pair for pair in pairs if not isinstance(pair[0], Ones)]
        for operand, indices in list(pairs):
            if isinstance(operand, Merge) and self._place_merged(operand, indices, index):
                pairs.remove((operand, indices))
        summed = [i for i in node.summed if i in real and i not in index]
        index.update(zip(summed, self.summed([node.dims[i] for i in summed]), strict=True))
        body = self.sp.Mul(
            *(self.entry(operand, tuple(index[i] for i in indices)) for operand, indices in pairs)
        )
        return count * self.over(self.sp.Sum, body, [index[i] for i in summed])

    def _place_merged(self, merge: Merge, indices: tuple[int, ...], index: dict[int, Any]) -> bool:
        """Say summed indices by those they are tied to: no sum is left, and no factor."""
        whole, *parts = indices
        if len(set(indices)) < len(indices):
            return False
        if whole not in index and all(i in index for i in parts):
            index[whole] = _counted([index[i] for i in parts], merge.dims)
            return True
        if whole not in index or any(i in index for i in parts):
            return False
        rest = index[whole]
        for part, dim in reversed(list(zip(parts[1:], merge.dims[1:], strict=True))):
            index[part] = self.sp.Mod(rest, size(dim))
            rest = self.sp.floor(rest / size(dim))
        index[parts[0]] = rest
        return True

    def _special(self, node: Special, at: tuple[Any, ...]) -> Any:
        function, x, sp = node.function, node.argument, self.sp
        batch = x.ndim - function.core
        if function in (special.softmax, special.log_softmax, special.logsumexp):
            k = self.summed(x.shape[-1:])
            total = self.over(sp.Sum, sp.exp(self.entry(x, (*at[:batch], *k))), k)
            if function is special.logsumexp:
                return sp.log(total)
            if function is special.softmax:
                return sp.exp(self.entry(x, at)) / total
            return self.entry(x, at) - sp.log(total)
        if function.name.startswith("prod"):
            return self._product(node, at)
        if function.name in ("max", "argmax"):
            return self._maximum(node, at)
        raise NotSupportedError(
            f"{function.name} by indices: its entries have no short formula",
            'use to_sympy(form="matrix")',
        )

    def _product(self, node: Special, at: tuple[Any, ...]) -> Any:
        """∏ of the entries other than those at some places; 0 where two places are one."""
        left_out, core = node.function.parameters
        batch = node.argument.ndim - core
        k = self.summed(node.argument.shape[batch:])
        places = [at[batch + n * core : batch + (n + 1) * core] for n in range(left_out)]
        x = self.entry(node.argument, (*at[:batch], *k))
        left = [self.sp.And(*map(self.sp.Eq, k, place)) for place in places]
        factor = self.sp.Piecewise((1, self.sp.Or(*left)), (x, True)) if left else x
        distinct = (1 - self.equal(a, b) for a, b in itertools.combinations(places, 2))
        return self.sp.Mul(*distinct) * self.over(self.sp.Product, factor, k)

    def _maximum(self, node: Special, at: tuple[Any, ...]) -> Any:
        batch = node.argument.ndim - node.function.core
        dims = [dim for dim in node.argument.shape[batch:] if isinstance(dim, int)]
        if len(dims) < node.function.core or math.prod(dims) > _ENTRIES:
            raise NotSupportedError(
                f"{node.function.name} over {format_shape(node.argument.shape[batch:])} entries "
                "by indices",
                f"declare sizes as numbers, at most {_ENTRIES} entries",
            )
        entries = [
            self.entry(node.argument, (*at[:batch], *map(self.sp.Integer, place)))
            for place in itertools.product(*map(range, dims))
        ]
        largest = self.sp.Max(*entries)
        if node.function.name == "max":
            return largest
        shares = self.sp.Add(*(self.sp.Heaviside(e - largest, 1) for e in entries))
        return self.sp.Heaviside(self.entry(node.argument, at) - largest, 1) / shares
