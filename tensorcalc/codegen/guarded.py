"""What a condition leaves out is computed at a safe point: 0 · ∞ must not become NaN.

The branch of a ``where`` that is not selected, and every factor of a product that a condition
makes 0, may lie outside the domain of its functions. There the arguments of these functions are
replaced: log(x) under the condition c becomes log(where(c, x, 1)), which is log(x) wherever it
counts and finite elsewhere. Nothing else changes, and nothing is warned of.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from tensorcalc.expr import (
    Add,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Function,
    Ones,
    Select,
    Special,
    SpecialFunction,
    full,
    product,
    toposort,
)
from tensorcalc.functions import (
    CONDITIONS,
    arccos,
    arcsin,
    cosh,
    exp,
    expm1,
    greater_equal,
    log,
    log1p,
    nonzero,
    pow_,
    sign,
    sinh,
    sqrt,
    step,
    tan,
    where,
)
from tensorcalc.kinds import functions_in
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import coefficient_and_core, is_structural
from tensorcalc.special import inv, logdet, share_of_maximum

__all__ = ["guarded", "may_fail"]

See = Callable[[Expr], Expr]
Axes = tuple[int, ...]
Rank = tuple[bool, int]
# what is 0 where a factor is 0, the axes of the factor it runs over, and its rank
Mask = tuple[Expr, Axes, Rank]

# where a function and all of its derivatives are finite
_SAFE: dict[Function, float] = {
    **dict.fromkeys((log, sqrt, pow_), 1.0),
    **dict.fromkeys((log1p, arcsin, arccos, tan, exp, expm1, sinh, cosh), 0.0),
}


def guarded(root: Expr, see: See, leaf: Callable[[Expr], bool]) -> Expr:
    """The same value, with safe arguments wherever a condition makes the result not count.

    ``see`` says what a name stands for where a branch consists of it.
    """
    done: dict[Expr, Expr] = {}
    for node in toposort([root], leaf):
        args = node.args if leaf(node) else tuple(done[arg] for arg in node.args)
        after = node if args == node.args else node.with_args(args)
        if isinstance(after, Elementwise) and after.function is where:
            after = _guarded_branches(after, see)
        elif isinstance(after, Einsum):
            after = _guarded_factors(after, see)
        done[node] = after
    return done[root]


def _guarded_branches(node: Elementwise, see: See) -> Expr:
    condition, chosen, other = node.arguments
    known = isinstance(condition, Elementwise) and condition.function in CONDITIONS
    mask = condition if known else nonzero(condition)
    whole = tuple(range(node.ndim))
    return where(
        condition,
        _Guard(mask, see)(chosen, whole),
        _Guard(1 - mask, see)(other, whole),
    )


def _guarded_factors(node: Einsum, see: See) -> Expr:
    operands = list(node.operands)
    if len(operands) < 2 or not any(may_fail(o) for o in operands):
        return node
    inputs = list(node.inputs)
    for k, factor in enumerate(node.operands):
        for mask, axes, rank in _masks(factor):
            guard = _Guard(mask, see, rank)
            over = tuple(node.inputs[k][a] for a in axes)
            for n in range(len(operands)):
                if n != k:
                    operands[n], inputs[n] = _under(operands[n], inputs[n], guard, over, node)
    return node if operands == [*node.operands] else product(operands, inputs, node.output)


def _under(
    operand: Expr, indices: Axes, guard: _Guard, over: Axes, node: Einsum
) -> tuple[Expr, Axes]:
    """A factor under a condition over the indices ``over``, repeated along them if need be."""
    missing = tuple(dict.fromkeys(i for i in over if i not in indices))
    if missing:
        if not _fails_by_itself(operand, guard.see):
            return operand, indices
        operand = _repeated(operand, tuple(map(Ones, (node.dims[i] for i in missing))), guard.see)
        indices = indices + missing
    return guard(operand, tuple(indices.index(i) for i in over)), indices


# ── masks ────────────────────────────────────────────────────────────────────────────────


# Two masks of one product must not change each other: where both are 0, neither might be left.
# So all conditions have a rank, and a mask changes only those of higher rank; what is not defined
# everywhere ranks above all that is.
_RANKS = itertools.count()


def _rank(condition: Expr) -> Rank:
    if "rank" not in condition.memo:
        condition.memo["rank"] = any(map(may_fail, condition.args)), next(_RANKS)
    return condition.memo["rank"]


def _is_condition(e: Expr) -> bool:
    if isinstance(e, Special):
        return e.function is share_of_maximum(e.function.core)
    return isinstance(e, Elementwise) and e.function in (*CONDITIONS, sign)


def _masks(e: Expr) -> list[Mask]:
    """What makes ``e`` 0, whatever else stands in it."""
    whole = tuple(range(e.ndim))
    if isinstance(e, Elementwise) and e.function is step:  # infinite factors show at its kink
        return [(greater_equal(e.arguments[0], full(0.0, e.shape)), whole, _rank(e))]
    if _is_condition(e):
        return [] if isinstance(e, Elementwise) and e.function is sign else [(e, whole, _rank(e))]
    if isinstance(e, Add):
        complement = _complement(e)
        return [(complement[0], whole, complement[1])] if complement else _common(e)
    if isinstance(e, Einsum):
        return [
            _seen_from_outside(e, mask, tuple(indices[a] for a in axes), rank)
            for operand, indices in zip(e.operands, e.inputs, strict=True)
            for mask, axes, rank in _masks(operand)
        ]
    return []


def _seen_from_outside(e: Einsum, mask: Expr, over: Axes, rank: Rank) -> Mask:
    """A factor's mask as one of the product: summed over what the product sums."""
    kept = tuple(dict.fromkeys(i for i in over if i in e.output))
    return product((mask,), (over,), kept), tuple(e.output.index(i) for i in kept), rank


def _complement(e: Add) -> tuple[Expr, Rank] | None:
    """What is 0 where 1 − c is, for a condition c, or ½ ± ½ sign(u); it is 1 elsewhere."""
    if len(e.terms) != 2:
        return None
    for one, other in (e.terms, e.terms[::-1]):
        (slope, core), number = coefficient_and_core(other), constant_entry(one)
        if number and isinstance(core, Elementwise):
            if core.function in CONDITIONS and slope == -number:
                return 1 - core, _rank(core)
            if core.function is sign and abs(slope) == abs(number):
                sides = core.arguments[0], full(0.0, e.shape)
                return greater_equal(*(sides if slope == number else sides[::-1])), _rank(core)
    return None


def _common(e: Add) -> list[Mask]:
    """What makes every term 0: one mask of all, or masks of each that are 0 together."""
    first, *others = each = [_masks(term) for term in e.terms]
    shared = [mask for mask in first if all(mask in other for other in others)]
    if shared or not all(each):
        return shared
    over = tuple(sorted({a for masks in each for _, axes, _ in masks for a in axes}))
    ones = [(Ones(e.shape[a]), (a,)) for a in over]
    terms = []
    for masks in each:
        factors = [*((mask, axes) for mask, axes, _ in masks), *ones]
        terms.append(product([f for f, _ in factors], [axes for _, axes in factors], over))
    return [(Add(terms), over, max(rank for masks in each for _, _, rank in masks))]


# ── functions under a mask ───────────────────────────────────────────────────────────────


def _safe_argument(e: Expr) -> Expr | None:
    """Where the function of a node is certainly finite, if it may not be elsewhere."""
    if isinstance(e, Special) and e.function in (inv, logdet):
        batch, dim = e.argument.shape[:-2], e.argument.shape[-1]
        axes = tuple((a,) for a in range(len(batch)))
        matrix = (len(batch), len(batch) + 1)
        whole = tuple(range(e.argument.ndim))
        return product((*map(Ones, batch), Delta(dim)), (*axes, matrix), whole)
    if not isinstance(e, Elementwise):
        return None
    number = 1.0 if e.function.exponent is not None else _SAFE.get(e.function)
    return None if number is None else full(number, e.shape)


def may_fail(e: Expr) -> bool:
    """Whether a function stands in ``e``, or in what it names, that is not finite everywhere."""
    if "may fail" not in e.memo:
        e.memo["may fail"] = any(map(_fails_somewhere, functions_in(e)))
    return e.memo["may fail"]


def _fails_somewhere(function: Function | SpecialFunction) -> bool:
    if isinstance(function, SpecialFunction):
        return function in (inv, logdet)
    return function.exponent is not None or function in _SAFE


def _fails_by_itself(e: Expr, see: See) -> bool:
    """Whether ``e`` is undefined where its own entry is, not because of a sum over others.

    What merely grows beyond all floats is not worth an array with more axes.
    """
    entrywise = lambda n: (
        isinstance(n, (Elementwise, Add)) or (isinstance(n, Einsum) and not _sums(n))
    )
    below = lambda n: (see(n),) if isinstance(n, Definition) else n.args if entrywise(n) else ()
    reached = toposort([e], lambda n: not may_fail(n), below)
    broken = (n for n in reached if isinstance(n, Elementwise) and _safe_argument(n) is not None)
    return any(not _only_grows(n) for n in broken)


def _only_grows(e: Elementwise) -> bool:
    return e.function in (exp, expm1, sinh, cosh) or (e.function.exponent or 0) > 1


def _sums(e: Einsum) -> bool:
    """Whether a product sums over more than an axis of size 1."""
    return any(e.dims[i] != 1 for i in e.summed)


def _repeated(e: Expr, ones: Sequence[Expr], see: See) -> Expr:
    """A function, a sum or a product of factors repeated along further axes, inside it."""
    e = see(e) if isinstance(e, Definition) else e
    more = [(ones[k], (-1 - k,)) for k in range(len(ones))]
    beyond = tuple(i for _, (i,) in more)
    if isinstance(e, Einsum):
        factors = [*zip(e.operands, e.inputs, strict=True), *more]
        return product([f for f, _ in factors], [ix for _, ix in factors], e.output + beyond)
    whole = tuple(range(e.ndim))
    spread = lambda a: product((a, *ones), (whole, *(ix for _, ix in more)), whole + beyond)
    return (
        e.with_args(tuple(map(spread, e.args))) if isinstance(e, (Elementwise, Add)) else spread(e)
    )


class _Guard:
    """Expressions made finite where a mask is 0; a mask runs over some of their axes."""

    def __init__(self, mask: Expr, see: See, rank: Rank = (False, -1)) -> None:
        self.mask, self.see, self.rank = mask, see, rank
        self.done: dict[tuple[Expr, Axes], Expr] = {}

    def __call__(self, root: Expr, axes: Axes) -> Expr:
        stack = [(root, axes)]
        while stack:
            key = stack[-1]
            parts = self._parts(*key)
            waiting = [part for part in parts if part not in self.done]
            if key in self.done or not waiting:
                stack.pop()
                if key not in self.done:
                    self.done[key] = self._built(*key)
            stack.extend(waiting if key not in self.done else ())
        return self.done[root, axes]

    def _parts(self, e: Expr, axes: Axes) -> list[tuple[Expr, Axes]]:
        """The arguments, or factors, in which the mask still says which entries count."""
        if not may_fail(e) or (_is_condition(e) and _rank(e) <= self.rank):
            return []
        if isinstance(e, Definition):
            return [(self.see(e), axes)]
        if isinstance(e, (Elementwise, Add)):
            return [(arg, axes) for arg in e.args]
        if isinstance(e, Special):  # the mask chooses between whole vectors or matrices
            batch = e.argument.ndim - e.function.core
            return [(e.argument, axes)] if all(a < batch for a in axes) else []
        if isinstance(e, Select):
            kept = [a for a in range(e.operand.ndim) if a != e.axis]
            if isinstance(e.index, range):
                kept.insert(e.axis, -1)  # entries of a slice are not those of the whole
            places = tuple(kept[a] for a in axes)
            return [] if -1 in places else [(e.operand, places)]
        if isinstance(e, Einsum):
            over = tuple(e.output[a] for a in axes)
            placed = (self._placed(e, k, over) for k in range(len(e.operands)))
            return [
                (operand, tuple(indices.index(i) for i in over))
                for operand, indices in placed
                if set(over) <= set(indices)
            ]
        return []

    def _placed(self, e: Einsum, k: int, over: Axes) -> tuple[Expr, Axes]:
        """A factor, repeated along the mask's axes where that keeps the product's size."""
        operand, indices = e.operands[k], e.inputs[k]
        missing = tuple(dict.fromkeys(i for i in over if i not in indices))
        if not missing or _sums(e) or is_structural(operand):
            return operand, indices
        if not _fails_by_itself(operand, self.see):
            return operand, indices
        ones = tuple(Ones(e.dims[i]) for i in missing)
        return _repeated(operand, ones, self.see), indices + missing

    def _built(self, e: Expr, axes: Axes) -> Expr:
        parts = self._parts(e, axes)
        if not parts:
            return e
        if isinstance(e, Definition):
            after = self.done[parts[0]]
            return e if after is parts[0][0] else after
        if isinstance(e, Einsum):
            return self._product(e, axes)
        args = tuple(self.done[part] for part in parts)
        safe = _safe_argument(e)
        if safe is not None:
            args = tuple(self._or_else(arg, axes, safe) for arg in args)
        return e if args == e.args else e.with_args(args)

    def _product(self, e: Einsum, axes: Axes) -> Expr:
        over = tuple(e.output[a] for a in axes)
        pairs = [self._placed(e, k, over) for k in range(len(e.operands))]
        operands = [
            self.done[operand, tuple(indices.index(i) for i in over)]
            if set(over) <= set(indices)
            else operand
            for operand, indices in pairs
        ]
        return product(operands, [indices for _, indices in pairs], e.output)

    def _or_else(self, argument: Expr, axes: Axes, safe: Expr) -> Expr:
        """The argument where the mask is not 0, else a safe one."""
        lone = [a for a in range(argument.ndim) if a not in axes]
        ones = [Ones(argument.shape[a]) for a in lone]
        whole = tuple(range(argument.ndim))
        mask = product((self.mask, *ones), (axes, *((a,) for a in lone)), whole)
        return where(mask, argument, safe)
