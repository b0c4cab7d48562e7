"""Rewriting: named rules in a table whose order can be read, and the engine that applies them.

A rule is a pure function from a node to a simpler node of the same shape, or None. Rules
never see a recorder: ``rewrites`` yields every application as a ``Step``; ``simplify`` keeps
only the last expression and remembers it on the node.

Sharing is kept. Only deltas, ones, numbers and pure views are absorbed by their consumers;
a contraction of two real factors stays a node of its own, since flattening it into every
consumer makes the cost of a gradient grow with the square of the depth. Names
(``Definition``) are leaves here: what they stand for is simplified where it is used.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Select,
    Special,
    add,
    fresh_indices,
    full,
    is_zero,
    power,
    product,
    toposort,
    zeros,
)
from tensorcalc.functions import length
from tensorcalc.steps import Rule, Step

__all__ = ["RULES", "coefficient_and_core", "rebuild", "rewrites", "simplify", "substitute"]


Factor = tuple[Expr, tuple[int, ...]]

# ── products ─────────────────────────────────────────────────────────────────────────────


def is_structural(operand: Expr) -> bool:
    """Whether a factor is a number, a delta, ones or a unit vector: no computed entries."""
    if isinstance(operand, Select):
        return isinstance(operand.operand, Delta)
    return isinstance(operand, (Delta, Ones)) or (
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
    if places == [0] and number != 1 and len(e.operands) > 1:
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
    for k, operand in enumerate(e.operands):
        if not isinstance(operand, Delta):
            continue
        p, q = e.inputs[k]
        if p == q:
            return _without_delta(e, k, p, p, keep=False)
        if p not in e.output:
            return _without_delta(e, k, p, q, keep=False)
        if q not in e.output:
            return _without_delta(e, k, q, p, keep=False)
        if e.output.index(p) > e.output.index(q):
            p, q = q, p
        if any(q in indices for n, indices in enumerate(e.inputs) if n != k):
            return _without_delta(e, k, q, p, keep=True)
    return None


def _without_delta(e: Einsum, k: int, old: int, new: int, *, keep: bool) -> Expr:
    """``old`` renamed to ``new`` in every other factor; delta k kept or consumed."""
    operands, inputs = list(e.operands), list(e.inputs)
    for n, indices in enumerate(inputs):
        if n != k:
            inputs[n] = tuple(new if i == old else i for i in indices)
    if not keep:
        operands[k], inputs[k] = Ones(e.dims[new]), (new,)
    return product(operands, inputs, e.output)


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


def pick_entry(e: Expr) -> Expr | None:
    """A summed unit vector picks one slice: Σ_q e_c[q] A_q = A_c."""
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if not (isinstance(operand, Select) and isinstance(operand.operand, Delta)):
            continue
        (p,) = e.inputs[k]
        users = [n for n, ix in enumerate(e.inputs) if n != k and p in ix]
        if p in e.output or not users:
            continue
        operands, inputs = list(e.operands), list(e.inputs)
        for n in users:
            while p in inputs[n]:
                axis = inputs[n].index(p)
                operands[n] = Select(operands[n], axis, operand.index)
                inputs[n] = inputs[n][:axis] + inputs[n][axis + 1 :]
        del operands[k], inputs[k]
        return product(operands, inputs, e.output)
    return None


def cancel_reciprocals(e: Expr) -> Expr | None:
    """u · u⁻¹ = 1, entry by entry; more generally powers of one base are added up."""
    if not isinstance(e, Einsum) or not _divides(e):
        return None
    factors = _flat_factors(e)
    powers: dict[tuple[int, tuple[int, ...]], list[tuple[int, float]]] = {}
    for k, (operand, indices) in enumerate(factors):
        base, exponent = base_and_exponent(operand)
        powers.setdefault(_identity_of(base, indices), []).append((k, exponent))
    for group in powers.values():
        exponents = [p for _, p in group]
        if min(exponents) < 0 < max(exponents):
            operand, indices = factors[group[0][0]]
            merged = _power_factors(base_and_exponent(operand)[0], indices, sum(exponents))
            dropped = {k for k, _ in group}
            rest = merged + [f for k, f in enumerate(factors) if k not in dropped]
            return product([f[0] for f in rest], [f[1] for f in rest], e.output)
    return None


def _identity_of(base: Expr, indices: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """What a factor is, whatever name or transpose it goes by."""
    while isinstance(base, Definition):
        base = base.body
        if isinstance(base, Einsum) and is_view(base) and base.operands[0].ndim == base.ndim:
            indices = tuple(indices[base.output.index(i)] for i in base.inputs[0])
            base = base.operands[0]
    return id(base), indices


def _divides(e: Expr, levels: int = 3) -> bool:
    """Whether a reciprocal stands in ``e`` or a little below."""
    if isinstance(e, Elementwise):
        return base_and_exponent(e)[1] < 0
    return (
        levels > 0
        and isinstance(e, (Einsum, Add))
        and any(_divides(arg, levels - 1) for arg in e.args)
    )


def _flat_factors(e: Einsum, levels: int = 2) -> list[Factor]:
    """The factors of ``e``, with inner products that sum nothing opened a little way down."""
    numbers = fresh_indices(e.dims)
    factors: list[Factor] = list(zip(e.operands, e.inputs, strict=True))
    for _ in range(levels):
        opened: list[Factor] = []
        for operand, indices in factors:
            if isinstance(operand, Einsum) and not operand.summed:
                rename = dict(zip(operand.output, indices, strict=True))
                for inner, ix in zip(operand.operands, operand.inputs, strict=True):
                    opened.append((inner, tuple(rename.setdefault(i, next(numbers)) for i in ix)))
            else:
                opened.append((operand, indices))
        factors = opened
    return factors


def _power_factors(base: Expr, indices: tuple[int, ...], exponent: float) -> list[Factor]:
    if exponent == 0:
        dims = dict(zip(indices, base.shape, strict=True))
        return [(Ones(dim), (i,)) for i, dim in dims.items()] or [(Constant(1.0), ())]
    return [(base if exponent == 1 else power(exponent)(base), indices)]


def base_and_exponent(e: Expr) -> tuple[Expr, float]:
    """u and p where the factor is u**p, else the factor and 1."""
    if isinstance(e, Elementwise) and e.function.exponent is not None:
        return e.arguments[0], e.function.exponent
    return e, 1.0


def distribute(e: Expr) -> Expr | None:
    """A product over a sum is multiplied out where a term has a delta to be consumed.

    The other terms stay together, or the delta would have to be made a dense matrix.
    """
    if not isinstance(e, Einsum):
        return None
    for k, operand in enumerate(e.operands):
        if isinstance(operand, Add) and any(map(has_delta, operand.terms)):
            tied = [t for t in operand.terms if has_delta(t)]
            plain = [t for t in operand.terms if not has_delta(t)]
            parts = tied + ([add(*plain)] if plain else [])
            return Add([_with_operand(e, k, part) for part in parts])
    return None


def distribute_to_cancel(e: Expr) -> Expr | None:
    """A product over a sum is multiplied out where a term divides by another factor."""
    if not isinstance(e, Einsum) or not _divides(e):
        return None
    factors = {_identity_of(f, ix) for f, ix in _flat_factors(e) if not is_structural(f)}
    for k, operand in enumerate(e.operands):
        if isinstance(operand, Add) and any(
            _identity_of(base, tuple(e.inputs[k][axis] for axis in axes)) in factors
            for term in operand.terms
            for base, axes in _divisors(term)
        ):
            return Add([_with_operand(e, k, term) for term in operand.terms])
    return None


def _divisors(term: Expr) -> Iterator[tuple[Expr, tuple[int, ...]]]:
    """What a term divides by, with the axes of the term that it runs over."""
    if isinstance(term, Einsum):
        place = {i: axis for axis, i in enumerate(term.output)}
        for factor, indices in _flat_factors(term):
            base, exponent = base_and_exponent(factor)
            if exponent < 0 and all(i in place for i in indices):
                yield base, tuple(place[i] for i in indices)
    else:
        base, exponent = base_and_exponent(term)
        if exponent < 0:
            yield base, tuple(range(term.ndim))


def has_delta(e: Expr) -> bool:
    """Whether a term is tied by a Kronecker delta (or a unit vector)."""
    factors = e.operands if isinstance(e, Einsum) else (e,)
    return any(is_structural(f) and isinstance(f, (Delta, Select)) for f in factors)


def _with_operand(e: Einsum, k: int, operand: Expr) -> Expr:
    return product((*e.operands[:k], operand, *e.operands[k + 1 :]), e.inputs, e.output)


# ── sums ─────────────────────────────────────────────────────────────────────────────────


def coefficient_and_core(term: Expr) -> tuple[float, Expr]:
    """A term as a number times the rest."""
    if isinstance(term, Constant) and term.ndim == 0:
        return term.number, Constant(1.0)
    if isinstance(term, Einsum) and isinstance(term.operands[0], Constant):
        first = term.operands[0]
        if first.ndim == 0 and len(term.operands) > 1:
            return first.number, product(term.operands[1:], term.inputs[1:], term.output)
    return 1.0, term


def canonical(e: Expr) -> object:
    """A key that is equal for two orders of the factors of one product."""
    if not isinstance(e, Einsum):
        return id(e)
    label = {i: k for k, i in enumerate(e.output)}
    n = len(label)
    rows = sorted(
        (id(f), tuple(label.get(i, n) for i in indices), indices)
        for f, indices in zip(e.operands, e.inputs, strict=True)
    )
    for _, _, indices in rows:
        for i in indices:
            label.setdefault(i, len(label))
    return tuple((key, tuple(label[i] for i in indices)) for key, _, indices in rows)


def collect_terms(e: Expr) -> Expr | None:
    """Equal terms are added up, zero terms dropped."""
    if not isinstance(e, Add):
        return None
    whole = _collected(e, [t for t in e.terms if not is_zero(t)])
    return _collected(e, _flat_terms(e)) if whole is None else whole


def _collected(e: Add, terms: list[Expr]) -> Expr | None:
    """The sum of ``terms`` with equal ones added up; None if there are none."""
    collected: dict[object, tuple[float, Expr]] = {}
    for term in terms:
        number, core = coefficient_and_core(term)
        key = canonical(core)
        before = collected[key][0] if key in collected else 0.0
        collected[key] = (before + number, collected.get(key, (0.0, core))[1])
    kept = [(number, core) for number, core in collected.values() if number != 0]
    if len(kept) == len(e.terms) and len(kept) > 1:
        return None
    if not kept:
        return zeros(e.shape)
    return add(*(_times(number, core) for number, core in kept))


def _flat_terms(e: Add) -> list[Expr]:
    """The terms, with an inner sum opened only where its terms meet others here.

    Opening every inner sum would make long residual chains quadratic. Of a sum with a delta
    only the delta comes out, so that a product can consume it; the rest stays together.
    """
    terms = [t for t in e.terms if not is_zero(t)]
    if not any(isinstance(t, Add) for t in terms):
        return terms
    parts = [p for t in terms for p in (t.terms if isinstance(t, Add) else (t,))]
    count = Counter(canonical(coefficient_and_core(part)[1]) for part in parts)
    numbers = sum(constant_entry(part) is not None for part in parts)
    flat: list[Expr] = []
    for term in terms:
        if not isinstance(term, Add):
            flat.append(term)
        elif any(
            count[canonical(coefficient_and_core(part)[1])] > 1
            or (numbers > 1 and constant_entry(part) is not None)
            for part in term.terms
        ):
            flat.extend(term.terms)
        elif any(map(has_delta, term.terms)):
            flat.extend(part for part in term.terms if has_delta(part))
            plain = [part for part in term.terms if not has_delta(part)]
            flat.extend([add(*plain)] if plain else [])
        else:
            flat.append(term)
    return flat


def open_inner_sums(e: Expr) -> Expr | None:
    """A sum within a sum is opened where its terms meet others."""
    if not isinstance(e, Add):
        return None
    flat = _flat_terms(e)
    return Add(flat) if len(flat) > len(e.terms) else None


def _times(number: float, core: Expr) -> Expr:
    if number == 1:
        return core
    if isinstance(core, Constant) and core.ndim == 0:
        return Constant(number * core.number)
    if isinstance(core, Einsum):
        return Einsum((Constant(number), *core.operands), ((), *core.inputs), core.output)
    axes = tuple(range(core.ndim))
    return Einsum((Constant(number), core), ((), axes), axes)


def expand_where_shorter(e: Expr) -> Expr | None:
    """Products of sums are multiplied out where terms then cancel: (1−λ)a − λ(1−a) = a − λ.

    Only sums and products of names: expanding what was built up would undo its sharing.
    """
    if not isinstance(e, Add) or not any(map(_expandable, e.terms)):
        return None
    if not all(_is_polynomial(term, 3) for term in e.terms):
        return None
    expanded: list[Expr] = []
    for term in e.terms:
        expanded.extend(_expanded(term))
        if len(expanded) > 32:
            return None
    shorter = simplify(Add(expanded))
    return shorter if _weight(shorter) < _weight(e) else None


def _expandable(term: Expr) -> bool:
    return isinstance(term, Einsum) and any(isinstance(f, Add) for f in term.operands)


def _is_polynomial(e: Expr, levels: int) -> bool:
    """Whether an expression is made of names and numbers by a few sums and products."""
    if isinstance(e, (Einsum, Add)):
        return levels > 0 and all(_is_polynomial(arg, levels - 1) for arg in e.args)
    return not isinstance(e, (Elementwise, Special, Select))


def _expanded(term: Expr) -> list[Expr]:
    done: list[Expr] = []
    waiting = [term]
    while waiting and len(done) + len(waiting) <= 32:
        t = waiting.pop(0)
        if not isinstance(t, Einsum):
            done.append(t)
            continue
        k = next((k for k, f in enumerate(t.operands) if isinstance(f, Add)), None)
        if k is None:
            done.append(t)
        else:
            waiting.extend(_with_operand(t, k, part) for part in t.operands[k].args)
    return done + waiting


def _weight(e: Expr, levels: int = 4) -> int:
    """How long a sum of products is when written out, looking a few levels down."""
    if levels and isinstance(e, Add):
        return sum(_weight(term, levels - 1) for term in e.terms)
    if levels and isinstance(e, Einsum):
        factors = (f for f in e.operands if not isinstance(f, Constant))
        return sum(_weight(f, levels - 1) for f in factors) or 1
    return 1


# ── functions and slices ─────────────────────────────────────────────────────────────────


def constant_entry(e: Expr) -> float | None:
    """The number that every entry of ``e`` is, if it is written as a number times ones."""
    if isinstance(e, Constant) and e.ndim == 0:
        return e.number
    if isinstance(e, Ones):
        return 1.0
    if not isinstance(e, Einsum) or len(e.dims) != e.ndim:
        return None
    number = 1.0
    for operand in e.operands:
        if isinstance(operand, Constant) and operand.ndim == 0:
            number *= operand.number
        elif not isinstance(operand, Ones):
            return None
    return number


def apply_to_numbers(e: Expr) -> Expr | None:
    """A function of a number is a number."""
    if not isinstance(e, Elementwise) or e.function.evaluate is None:
        return None
    numbers = [constant_entry(argument) for argument in e.arguments]
    if any(n is None for n in numbers):
        return None
    with np.errstate(all="ignore"):
        value = float(e.function.evaluate(*map(np.asarray, map(float, numbers))))  # type: ignore[arg-type]
    return full(value, e.shape) if np.isfinite(value) else None


def combine_powers(e: Expr) -> Expr | None:
    """(√S)² = S for a sum of squares S, (uᵖ)^q = u^(pq) for whole p and q, and u¹ = u."""
    if not isinstance(e, Elementwise) or e.function.exponent is None:
        return None
    (u,), p = e.arguments, e.function.exponent
    if p == 1:
        return u
    if p == 0:
        return full(1.0, e.shape)
    if p == 2:
        axes = tuple(range(u.ndim))
        return Einsum((u, u), (axes, axes), axes)
    if isinstance(u, Elementwise):
        q = u.function.exponent
        if q is not None and p.is_integer() and q.is_integer():
            return power(p * q)(u.arguments[0])
        if u.function is length and p % 2 == 0:
            return power(p / 2)(u.arguments[0])
    number, core = coefficient_and_core(u)
    if number not in (1.0, 0.0) and (p.is_integer() or number > 0):
        try:
            factor = number**p
        except OverflowError:
            return None
        return _times(factor, power(p)(core)) if factor and np.isfinite(factor) else None
    return None


def square_of_length(e: Expr) -> Expr | None:
    """‖u‖ · ‖u‖ = ‖u‖²."""
    if not isinstance(e, Einsum):
        return None
    lengths = [k for k, f in enumerate(e.operands) if _is_length(f)]
    for n, k in enumerate(lengths):
        for m in lengths[n + 1 :]:
            if e.operands[k] is e.operands[m] and e.inputs[k] == e.inputs[m]:
                square = e.operands[k].args[0]
                operands = (*e.operands[:k], square, *e.operands[k + 1 : m], *e.operands[m + 1 :])
                return product(operands, e.inputs[:m] + e.inputs[m + 1 :], e.output)
    return None


def _is_length(e: Expr) -> bool:
    return isinstance(e, Elementwise) and e.function is length


def push_slice(e: Expr) -> Expr | None:
    """A slice of a product or a sum is the product or the sum of slices."""
    if not isinstance(e, Select):
        return None
    inner = e.operand
    if isinstance(inner, Add):
        return Add([Select(term, e.axis, e.index) for term in inner.terms])
    if isinstance(inner, Elementwise):
        return Elementwise(inner.function, [Select(a, e.axis, e.index) for a in inner.arguments])
    if isinstance(inner, Ones):
        return Constant(1.0)
    if isinstance(inner, Einsum):
        unit = Select(Delta(inner.shape[e.axis]), 0, e.index)
        p = inner.output[e.axis]
        return product(
            (*inner.operands, unit),
            (*inner.inputs, (p,)),
            inner.output[: e.axis] + inner.output[e.axis + 1 :],
        )
    return None


# ── the table and the engine ─────────────────────────────────────────────────────────────

RULES: tuple[Rule, ...] = (
    Rule("leave out what does nothing", Einsum, leave_out_nothing, tidies=True),
    Rule("absorb the inner product", Einsum, absorb_factors, tidies=True),
    Rule("multiply the numbers", Einsum, multiply_numbers, tidies=True),
    Rule("contract the Kronecker delta", Einsum, contract_delta, "Σ_k I[k=j] A_k = A_j"),
    Rule("drop the ones", Einsum, drop_ones, "Σ_i 1 = n", tidies=True),
    Rule("pick the entry", Einsum, pick_entry, "Σ_q I[q=c] A_q = A_c"),
    Rule("‖u‖ · ‖u‖ = ‖u‖²", Einsum, square_of_length),
    Rule("cancel the reciprocal", Einsum, cancel_reciprocals, "u · (1/u) = 1"),
    Rule("multiply out over the sum", Einsum, distribute, "(A + I) B = A B + B"),
    Rule("multiply out to cancel", Einsum, distribute_to_cancel, "(p/u + q) u = p + q u"),
    Rule("collect equal terms", Add, collect_terms, "A + A = 2 A"),
    Rule("open the inner sum", Add, open_inner_sums, tidies=True),
    Rule("multiply out where terms cancel", Add, expand_where_shorter),
    Rule("evaluate at a number", Elementwise, apply_to_numbers, tidies=True),
    Rule("combine the powers", Elementwise, combine_powers, "(uᵖ)^q = u^(pq)"),
    Rule("slice each factor", Select, push_slice, tidies=True),
)

RULES_FOR: dict[type[Expr], tuple[Rule, ...]] = {
    kind: tuple(rule for rule in RULES if rule.node is kind)
    for kind in dict.fromkeys(rule.node for rule in RULES)
}

_LEAVES = (Definition, Delta, Ones, Constant)


def is_leaf(e: Expr) -> bool:
    """Where rewriting does not look further down: names and atoms."""
    return isinstance(e, _LEAVES) or not e.args


def first_rule(node: Expr) -> tuple[Rule, Expr] | None:
    """The first rule of the table that rewrites ``node``, and what it gives."""
    for rule in RULES_FOR.get(type(node), ()):
        after = rule.apply(node)
        if after is not None:
            assert after.shape == node.shape, f"{rule.name} changed the shape"
            return rule, after
    return None


def simplify(root: Expr) -> Expr:
    """The normal form: arguments first, then rules at the node until none applies."""
    stack: list[tuple[Expr, Expr | None]] = [(root, None)]
    while stack:
        node, successor = stack.pop()
        if "normal" in node.memo:
            continue
        if successor is not None:
            node.memo["normal"] = normal_of(successor)
            continue
        if is_leaf(node):
            node.memo["normal"] = None
            continue
        waiting = [arg for arg in node.args if "normal" not in arg.memo]
        if waiting:
            stack.append((node, None))
            stack.extend((arg, None) for arg in waiting)
            continue
        after = node.with_args(tuple(map(normal_of, node.args)))
        if after is node:
            applied = first_rule(node)
            if applied is None:
                node.memo["normal"] = None
                continue
            after = applied[1]
        stack.append((node, after))
        stack.append((after, None))
    return normal_of(root)


def normal_of(node: Expr) -> Expr:
    """The normal form already found; None stands for the node itself."""
    return node.memo["normal"] or node


def rewrites(root: Expr, rules: Iterable[Rule] = RULES) -> Iterator[Step]:
    """Apply rules one at a time, innermost node first, until none fires; yield every step."""
    rules = tuple(rules)
    while True:
        step = _next_step(root, rules)
        if step is None:
            return
        yield step
        root = step.after


def _next_step(root: Expr, rules: tuple[Rule, ...]) -> Step | None:
    for node in toposort([root], is_leaf):
        if is_leaf(node):
            continue
        for rule in rules:
            after = rule.apply(node) if isinstance(node, rule.node) else None
            if after is not None:
                assert after.shape == node.shape, f"{rule.name} changed the shape"
                whole = substitute(root, {node: after}, is_leaf)
                return Step(rule, root, whole, node, after)
    return None


def substitute(
    root: Expr, replacement: Mapping[Expr, Expr], leaf: Callable[[Expr], bool] | None = None
) -> Expr:
    """``root`` with nodes replaced; sharing is kept."""
    return rebuild(root, replacement.get, leaf) if replacement else root


def rebuild(
    root: Expr,
    change: Callable[[Expr], Expr | None],
    leaf: Callable[[Expr], bool] | None = is_leaf,
) -> Expr:
    """``root`` with ``change(node)`` in place of each node for which it is not None."""
    result: dict[Expr, Expr] = {}
    for node in toposort([root], leaf):
        changed = change(node)
        if changed is not None:
            result[node] = changed
        elif leaf is not None and leaf(node):
            result[node] = node
        else:
            args = tuple(result[arg] for arg in node.args)
            result[node] = node if args == node.args else node.with_args(args)
    return result[root]
