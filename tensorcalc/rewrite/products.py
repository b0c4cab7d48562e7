"""Rules of products: inner products absorbed, deltas contracted, ones dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tensorcalc.expr import (
    Constant,
    Delta,
    Einsum,
    Expr,
    Merge,
    Ones,
    Select,
    fresh_indices,
    product,
    zeros,
)

__all__ = [
    "Factor",
    "absorb_factors",
    "coefficient_and_core",
    "contract_delta",
    "contract_deltas",
    "drop_ones",
    "factors_of",
    "is_outer",
    "is_structural",
    "is_view",
    "leave_out_nothing",
    "merged_axes",
    "multiply_numbers",
    "pick_entry",
    "product_of",
    "split_structure",
    "times",
    "undo_merge",
]

Factor = tuple[Expr, tuple[int, ...]]  # of a product, and its indices or the axes it has


def factors_of(e: Einsum) -> list[Factor]:
    """The factors of a product, each with its indices."""
    return list(zip(e.operands, e.inputs, strict=True))


def product_of(factors: Sequence[Factor], output: tuple[int, ...]) -> Expr:
    """The product of the factors, summed over every index that ``output`` lacks."""
    return product([f for f, _ in factors], [indices for _, indices in factors], output)


def is_structural(operand: Expr) -> bool:
    """Whether a factor is a number, a delta, ones or a unit vector: no computed entries."""
    if isinstance(operand, Select):
        return isinstance(operand.operand, Delta)
    return isinstance(operand, (Delta, Ones, Merge)) or (
        isinstance(operand, Constant) and operand.ndim == 0
    )


def is_view(e: Einsum) -> bool:
    """Whether an einsum only permutes or repeats the axes of its one operand."""
    return len(e.operands) == 1 and not e.summed


def is_outer(e: Einsum) -> bool:
    """Whether a product sums nothing and has more axes than any factor.

    Its consumer had better take the factors: (x δᵀ) y is x (δᵀ y).
    """
    return not e.summed and e.ndim > max(f.ndim for f in e.operands)


def split_structure(e: Einsum) -> tuple[list[Factor], bool]:
    """The factors of ``e`` with its real factors grouped into one node, and whether that helps.

    The second value says whether ``e`` has anything to be absorbed by a consumer.
    """
    factors = list(zip(e.operands, e.inputs, strict=True))
    structural = [f for f in factors if is_structural(f[0])]
    real = [f for f in factors if not is_structural(f[0])]
    if real and any(isinstance(operand, Merge) for operand in e.operands):
        return factors, False  # reshaping stays where it is: two of them may not fit together
    if not structural:
        return factors, is_view(e) or is_outer(e)
    if len(real) > 1:
        outside = {i for _, indices in structural for i in indices} | set(e.output)
        indices = dict.fromkeys(i for _, ix in real for i in ix)
        kept = [i for i in e.output if i in indices]
        kept += [i for i in indices if i in outside and i not in kept]
        grouped = product([f[0] for f in real], [f[1] for f in real], tuple(kept))
        real = [(grouped, tuple(kept))]
    return structural + real, True


def absorb_factors(e: Expr) -> Expr | None:
    """A factor that is itself a product with deltas, ones or a number is multiplied out."""
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if isinstance(operand, Einsum):
            factors, absorbs = split_structure(operand)
            if absorbs:
                return _spliced(e, k, operand, factors)
    return None


def _spliced(e: Einsum, k: int, operand: Einsum, factors: Sequence[Factor]) -> Expr:
    numbers = fresh_indices(e.dims)
    rename: dict[int, int] = dict(zip(operand.output, e.inputs[k], strict=True))
    renamed = []
    for _, indices in factors:
        for i in indices:
            if i not in rename:
                rename[i] = next(numbers)
        renamed.append(tuple(rename[i] for i in indices))
    return product(
        (*e.operands[:k], *(f[0] for f in factors), *e.operands[k + 1 :]),
        (*e.inputs[:k], *renamed, *e.inputs[k + 1 :]),
        e.output,
    )


def leave_out_nothing(e: Expr) -> Expr | None:
    """A product of one factor, with its axes as they are, is that factor."""
    if isinstance(e, Einsum) and len(e.operands) == 1 and e.inputs[0] == e.output:
        return e.operands[0]
    return None


def multiply_numbers(e: Expr) -> Expr | None:
    """Numbers are multiplied and stand first; a zero makes the whole product zero."""
    if not isinstance(e, Einsum):
        return None
    places = [k for k, f in enumerate(e.operands) if isinstance(f, Constant) and not f.ndim]
    if not places:
        return None
    values = [float(e.operands[k].value) for k in places]  # type: ignore[attr-defined]
    number = math.prod(values)
    if not math.isfinite(number) or (number == 0 and all(values)):
        return None  # beyond the range of floats: left to the evaluation
    if number == 0:
        return None if e is zeros(e.shape) else zeros(e.shape)
    if places == [0] and number != 1:
        return None
    others = [k for k in range(len(e.operands)) if k not in places]
    operands = [e.operands[k] for k in others]
    inputs = [e.inputs[k] for k in others]
    if number != 1 or not operands:
        operands.insert(0, Constant(number))
        inputs.insert(0, ())
    return product(operands, inputs, e.output)


def contract_delta(e: Expr) -> Expr | None:
    """A summed delta keeps the one term with equal indices: Σ_k I[k=j] A_k = A_j."""
    if not isinstance(e, Einsum):
        return None
    after = _one_delta_less(factors_of(e), e.output)
    return None if after is None else product_of(after, e.output)


def contract_deltas(e: Expr) -> Expr | None:
    """``contract_delta`` as often as it fits, and ``drop_ones`` of the ones that are left over."""
    if not isinstance(e, Einsum):
        return None
    factors = None
    left = _one_delta_less(factors_of(e), e.output)
    while left is not None:
        factors = left
        left = _one_delta_less(factors, e.output)
    while factors is not None and (k := _needless_ones(factors)) is not None:
        del factors[k]
    return None if factors is None else product_of(factors, e.output)


def _one_delta_less(factors: Sequence[Factor], output: tuple[int, ...]) -> list[Factor] | None:
    """The factors with ones for a delta, or with a delta whose second axis no other factor has."""
    for k, (operand, indices) in enumerate(factors):
        if not isinstance(operand, Delta):
            continue
        new, old = sorted(indices, key=lambda i: output.index(i) if i in output else len(output))
        kept = old in output and old != new
        if kept and not any(old in ix for n, (_, ix) in enumerate(factors) if n != k):
            continue
        after = [(f, tuple([new if i == old else i for i in ix])) for f, ix in factors]
        after[k] = factors[k] if kept else (Ones(operand.dim), (new,))
        return after
    return None


def drop_ones(e: Expr) -> Expr | None:
    """Ones multiply by 1; a sum of n ones is the number n."""
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if not isinstance(operand, Ones):
            continue
        (p,) = e.inputs[k]
        others = e.inputs[:k] + e.inputs[k + 1 :]
        if any(p in indices for indices in others):
            return product(e.operands[:k] + e.operands[k + 1 :], others, e.output)
        if p not in e.output and isinstance(operand.dim, int):
            count = Constant(operand.dim)
            return product((count, *e.operands[:k], *e.operands[k + 1 :]), ((), *others), e.output)
    return None


def _needless_ones(factors: Sequence[Factor]) -> int | None:
    """Where ones stand along an axis that another factor has."""
    for k, (operand, indices) in enumerate(factors):
        if isinstance(operand, Ones) and any(
            indices[0] in others for n, (_, others) in enumerate(factors) if n != k
        ):
            return k
    return None


def pick_entry(e: Expr) -> Expr | None:
    """A summed unit vector, or a few of them, picks a slice: Σ_q e_c[q] A_q = A_c."""
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if not (isinstance(operand, Select) and isinstance(operand.operand, Delta)):
            continue
        *kept, p = e.inputs[k]
        kept = tuple(kept)
        users = [n for n, ix in enumerate(e.inputs) if n != k and p in ix]
        if p in e.output or p in kept or not users or _is_merged(e, p):
            continue
        operands, inputs = list(e.operands), list(e.inputs)
        for n in users:
            while p in inputs[n]:
                axis = inputs[n].index(p)
                operands[n] = Select(operands[n], axis, operand.index)
                inputs[n] = inputs[n][:axis] + kept + inputs[n][axis + 1 :]
        del operands[k], inputs[k]
        return product(operands, inputs, e.output)
    return None


def _is_merged(e: Einsum, index: int) -> bool:
    """Whether an axis is merged from others, or one of those that are merged."""
    pairs = zip(e.operands, e.inputs, strict=True)
    return any(isinstance(operand, Merge) and index in indices for operand, indices in pairs)


def undo_merge(e: Expr) -> Expr | None:
    """Axes that are merged and split again, or merged and summed, need no merging."""
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if isinstance(operand, Merge):
            after = _summed_merge(e, k) or _same_merge(e, k)
            if after is not None:
                return after
        elif isinstance(operand, Einsum) and _merge_meets(e, k, operand):
            pairs = list(zip(operand.operands, operand.inputs, strict=True))
            return _spliced(e, k, operand, pairs)
    return None


def _summed_merge(e: Einsum, k: int) -> Expr | None:
    """Σ_p [p = (i, j)] = 1 for all i, j, and Σ_ij [p = (i, j)] = 1 for all p."""
    p, *parts = e.inputs[k]
    merge = e.operands[k]
    used = {i for n, ix in enumerate(e.inputs) if n != k for i in ix} | set(e.output)
    if p not in used:
        left = list(zip(merge.shape[1:], parts, strict=True))
    elif not used & set(parts) and len(set(parts)) == len(parts):
        left = [(merge.shape[0], p)]
    else:
        return None
    return product(
        (*e.operands[:k], *(Ones(dim) for dim, _ in left), *e.operands[k + 1 :]),
        (*e.inputs[:k], *((i,) for _, i in left), *e.inputs[k + 1 :]),
        e.output,
    )


def _same_merge(e: Einsum, k: int) -> Expr | None:
    """[p = (i, j)] [p = (k, l)] ties i to k and j to l; [p = (i, j)] [q = (i, j)] ties p to q."""
    merge = e.operands[k]
    p, *parts = e.inputs[k]
    for n in range(k + 1, len(e.operands)):
        if e.operands[n] is not merge:
            continue
        q, *others = e.inputs[n]
        if p != q and parts != others:
            continue
        pairs = [(i, j) for i, j in zip((p, *parts), (q, *others), strict=True) if i != j]
        dims = [e.dims[i] for i, _ in pairs]
        return product(
            (*e.operands[:n], *map(Delta, dims), *e.operands[n + 1 :]),
            (*e.inputs[:n], *pairs, *e.inputs[n + 1 :]),
            e.output,
        )
    return None


def _merge_meets(e: Einsum, k: int, operand: Einsum) -> bool:
    """Whether an axis merged inside factor k is merged alike elsewhere in ``e``, or summed."""
    inside = merged_axes(operand)
    for axis, merge in inside.items():
        p = e.inputs[k][axis]
        others = [n for n, ix in enumerate(e.inputs) if n != k and p in ix]
        alone = not others and p not in e.output
        if alone or e.inputs[k].count(p) > 1:
            return True
        for n in others:
            other = e.operands[n]
            if other is merge and e.inputs[n][0] == p:
                return True
            if isinstance(other, Einsum):
                there = merged_axes(other)
                if any(there.get(a) is merge for a, q in enumerate(e.inputs[n]) if q == p):
                    return True
    return False


def merged_axes(e: Einsum) -> dict[int, Merge]:
    """The axes of a product that are merged in it, and how."""
    place = {i: axis for axis, i in enumerate(e.output)}
    return {
        place[indices[0]]: operand
        for operand, indices in zip(e.operands, e.inputs, strict=True)
        if isinstance(operand, Merge) and indices[0] in place
    }


def coefficient_and_core(term: Expr) -> tuple[float, Expr]:
    """A term as a number times the rest."""
    if isinstance(term, Constant) and term.ndim == 0:
        return term.number, Constant(1.0)
    if isinstance(term, Einsum) and isinstance(term.operands[0], Constant):
        first = term.operands[0]
        if first.ndim == 0 and len(term.operands) > 1:
            return first.number, product(term.operands[1:], term.inputs[1:], term.output)
    return 1.0, term


def times(number: float, core: Expr) -> Expr:
    """``number`` times ``core``, with the number standing first."""
    if number == 1:
        return core
    if isinstance(core, Constant) and core.ndim == 0:
        return Constant(number * core.number)
    if isinstance(core, Einsum):
        return Einsum((Constant(number), *core.operands), ((), *core.inputs), core.output)
    axes = tuple(range(core.ndim))
    return Einsum((Constant(number), core), ((), axes), axes)
