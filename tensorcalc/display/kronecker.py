"""Jacobians between columns: ∂vec(Y)/∂vec(X) as Kronecker products, vec stacking columns.

One product has the axes i, j of the value and k, l of the argument. Where its factors fall into
a group that ties j to l and one that ties i to k, it is L ⊗ R; where i is tied to l and j to k,
the argument is turned first, and it is K (L ⊗ R), for K vec(M) = vec(Mᵀ); where i is tied to j
and k to l, vec(M) vec(N)ᵀ. A factor with both axes of one side is diag(vec(D)) there, and one
with two axes that are summed is that between two such products. What fits none of these has no
Kronecker form: ``kronecker_form`` gives None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import (
    IDENTITY,
    ONE,
    Atom,
    Call,
    Kronecker,
    Notation,
    Number,
    Scaled,
    Sum,
    chain,
    negated,
    scaled,
    sum_of,
    transposed,
)
from tensorcalc.display.sums import collected_sum, length_of
from tensorcalc.display.walk import pieces
from tensorcalc.expr import Add, Delta, Einsum, Expr, Merge, Ones, fresh_indices, is_zero, product
from tensorcalc.rewrite.products import Factor

__all__ = ["kronecker_form"]

_MOST_TERMS = 32
_DEEPEST = 3  # elementwise functions one inside the other

_UNIT = Number(1.0)

Pair = tuple[int | None, int | None]  # the row and the column of a quantity, where it has them


@dataclass(frozen=True)
class _Term:
    """scale · front · K, if turned, · body: matrices one after the other."""

    body: tuple[Notation, ...]
    scale: Notation = _UNIT
    front: tuple[Notation, ...] = ()
    turned: bool = False

    def notation(self, swap: Notation) -> Notation:
        """The term as it is written."""
        return _times(self.scale, self.front, ((swap,) if self.turned else ()) + self.body)


def kronecker_form(value: Expr, value_ndim: int, swap: Notation) -> Notation | None:
    """The matrix of a derivative between columns; ``swap`` is what K is called.

    ``value`` has the axes of what is differentiated, then those of the argument, at most two each.
    """
    first, second = value_ndim, value.ndim - value_ndim
    if max(first, second) > 2:
        return None
    if is_zero(value):
        return Atom("0", symmetric=True, constant=True)
    if not first or not second:
        whole = matrix_form(value)
        column = whole and _vec(whole, value.ndim)
        return column and (column if first else transposed(column))
    terms = []
    for written in _products(value, deep=False):
        found = _term_of(written, first)
        opened = [_term_of(p, first) for p in _products(written, deep=True)] if not found else []
        if not found and not all(opened):
            return None
        terms += [found] if found else [term for term in opened if term]
    return _added(terms, swap)


def _term_of(e: Einsum, first: int) -> _Term | None:
    """One product, by the shortest of its forms."""
    factors = list(zip(e.operands, e.inputs, strict=True))
    stacked = {ix[0]: (ix[2], ix[1]) for f, ix in factors if isinstance(f, Merge) and len(ix) == 3}
    sides = [_pairs(e.output[:first], stacked), _pairs(e.output[first:], stacked)]
    read = {i for pairs in sides for pair in pairs for i in pair}
    factors = [f for f in factors if not isinstance(f[0], Merge)]
    if not set(e.output) <= read | set(stacked) or not _indices(factors) >= read - {None}:
        return None
    options = [
        _split(*_untied(factors, rows, columns), _DEEPEST)
        for rows in sides[0]
        for columns in sides[1]
    ]
    return min(filter(None, options), key=_cost, default=None)


def _untied(factors: list[Factor], rows: Pair, columns: Pair) -> tuple[list[Factor], Pair, Pair]:
    """With a delta for each index of the argument that vec of the value has inside its own."""
    dims = {i: d for f, ix in factors for i, d in zip(ix, f.shape, strict=True)}
    numbers = fresh_indices(dims)
    name = {i: next(numbers) for i in columns if i is not None and i in rows}
    deltas: list[Factor] = [(Delta(dims[i]), (i, new)) for i, new in name.items()]
    k, l = (i if i is None else name.get(i, i) for i in columns)
    return [*factors, *deltas], rows, (k, l)


def _pairs(indices: tuple[int, ...], stacked: Mapping[int, Pair]) -> list[Pair]:
    """A vector is its own vec, and so is the row of it; the column vec(X) has the axes of X."""
    if len(indices) == 1 and indices[0] in stacked:
        return [stacked[indices[0]]]
    if len(indices) == 2:
        return [(indices[0], indices[1])]
    return [(indices[0], None), (None, indices[0])]


def _cost(term: _Term) -> tuple[int, bool]:
    return sum(map(length_of, (*term.front, *term.body))), term.turned


# ── one product ──────────────────────────────────────────────────────────────────────────


def _split(factors: list[Factor], rows: Pair, columns: Pair, depth: int) -> _Term | None:
    """A product as a term, with whatever is entry by entry taken to its ends."""
    found = _grouped(factors, rows, columns)
    if found or not depth:
        return found
    return (
        _cut_end(factors, rows, columns, depth - 1, left=True)
        or _cut_end(factors, rows, columns, depth - 1, left=False)
        or _cut_inside(factors, rows, columns, depth - 1)
    )


def _grouped(factors: list[Factor], rows: Pair, columns: Pair) -> _Term | None:
    """L ⊗ R, K (L ⊗ R) or vec(M) vec(N)ᵀ, where the factors fall into such groups."""
    (i, j), (k, l) = rows, columns
    free = {i, j, k, l} - {None}
    groups = _groups(factors)
    scale = _form([f for g in groups if not free & _indices(g) for f in g], ())
    live = [g for g in groups if free & _indices(g)]
    if scale is None:
        return None
    found = []
    upright = None not in (i, k)
    if upright and (outer := _two_sides(live, free, (i, j), (k, l))):
        m, n = (
            _vec(form, sum(x is not None for x in p))
            for form, p in zip(outer, (rows, columns), strict=True)
        )
        found.append(_Term((chain((m, False), (n, True)),), scale))
    if plain := _two_sides(live, free, (j, l), (i, k)):
        found.append(_Term((_kronecker(*plain, (j, l), (i, k)),), scale))
    whole = None not in (i, j, k, l)
    if whole and (turned := _two_sides(live, free, (i, l), (j, k))):
        found.append(_Term((_kronecker(*turned, (i, l), (j, k)),), scale, turned=True))
    return min(found, key=_cost, default=None)


def _two_sides(
    groups: list[list[Factor]], free: set[int | None], one: Pair, other: Pair
) -> tuple[Notation, Notation] | None:
    """The matrices of the groups on either side, where no group lies on both."""
    sides: tuple[list[Factor], list[Factor]] = [], []
    for group in groups:
        met = _indices(group) & free
        if not met <= set(one) and not met <= set(other):
            return None
        sides[0 if met <= set(one) else 1].extend(group)
    forms = [_form(side, pair) for side, pair in zip(sides, (one, other), strict=True)]
    return (forms[0], forms[1]) if forms[0] and forms[1] else None


def _form(factors: list[Factor], pair: Pair | tuple[()]) -> Notation | None:
    """A group as a matrix, a column (of a row index alone), a row or a number."""
    output = tuple(x for x in pair if x is not None)
    found = matrix_form(product([f for f, _ in factors], [ix for _, ix in factors], output))
    return transposed(found) if found and pair and pair[0] is None and output else found


def _cut_end(
    factors: list[Factor], rows: Pair, columns: Pair, depth: int, *, left: bool
) -> _Term | None:
    """The rest, with diag(vec(D)) at the end whose axes alone D has: the value's are left."""
    own, others = (rows, columns) if left else (columns, rows)
    taken, rest = _entrywise(factors, own, others)
    if not taken:
        return None
    inner = _split(rest, rows, columns, depth)
    diagonal = _diagonal(taken, own)
    if inner is None or diagonal is None:
        return None
    if left:
        return replace(inner, front=(diagonal, *inner.front))
    return replace(inner, body=_without_identity((*inner.body, diagonal)))


def _cut_inside(factors: list[Factor], rows: Pair, columns: Pair, depth: int) -> _Term | None:
    """Two products with diag(vec(D)) between, for a D with two axes."""
    whole = factors
    for _, indices in whole:
        if len(indices) != 2 or len(set(indices)) != 2:
            continue
        factors, (a, b) = _inwards(whole, indices, {*rows, *columns})
        taken = [f for f in factors if set(f[1]) == {a, b}]
        rest = [f for f in factors if f not in taken]
        sides = _sides(rest, rows, columns, (a, b))
        if sides is None:
            continue
        options = [_joined(taken, sides, rows, (p, q), columns, depth) for p, q in ((a, b), (b, a))]
        if any(options):
            return min(filter(None, options), key=_cost)
    return None


def _inwards(
    factors: list[Factor], pair: tuple[int, ...], free: set[int | None]
) -> tuple[list[Factor], tuple[int, int]]:
    """The factors with a delta between each free axis of ``pair`` and all else that has it."""
    dims = {i: d for f, ix in factors for i, d in zip(ix, f.shape, strict=True)}
    numbers = fresh_indices(dims, (i for i in free if i is not None))
    name = {i: next(numbers) for i in pair if i in free}
    deltas: list[Factor] = [(Delta(dims[i]), (i, new)) for i, new in name.items()]
    renamed = [(f, tuple(name.get(i, i) for i in ix)) for f, ix in factors]
    a, b = (name.get(i, i) for i in pair)
    return renamed + deltas, (a, b)


def _joined(
    taken: list[Factor],
    sides: tuple[list[Factor], list[Factor]],
    rows: Pair,
    middle: tuple[int, int],
    columns: Pair,
    depth: int,
) -> _Term | None:
    left = _split(sides[0], rows, middle, depth)
    right = _split(sides[1], middle, columns, depth)
    diagonal = _diagonal(taken, middle)
    if not left or not right or not diagonal or right.turned:
        return None
    body = _without_identity((*left.body, diagonal, *right.front, *right.body))
    return replace(left, body=body, scale=scaled(1.0, (left.scale, right.scale), None))


def _sides(
    factors: list[Factor], rows: Pair, columns: Pair, middle: tuple[int, int]
) -> tuple[list[Factor], list[Factor]] | None:
    """The factors towards the value and those towards the argument, met in ``middle`` only."""
    left: list[Factor] = []
    right: list[Factor] = []
    for group in _groups(factors, apart=set(middle)):
        met = _indices(group)
        to_rows, to_columns = bool(met & set(rows)), bool(met & set(columns))
        if to_rows and to_columns:
            return None
        (left if to_rows else right).extend(group)
    dims = {i: d for f, ix in factors for i, d in zip(ix, f.shape, strict=True)}
    if not set(middle) <= set(dims):
        return None
    for side in (left, right):
        there = _indices(side)
        side += [(Ones(dims[i]), (i,)) for i in middle if i not in there]
    return left, right


def _entrywise(factors: list[Factor], own: Pair, other: Pair) -> tuple[list[Factor], list[Factor]]:
    """The factors that have both axes of one side, as deltas allow to read them, and the rest."""
    if None in own:
        return [], factors
    tied = {}
    for f, indices in factors:
        if isinstance(f, Delta):
            for p, q in (indices, indices[::-1]):
                if p in own and q in other:
                    tied[q] = p
    taken, rest = [], []
    for f, indices in factors:
        read = tuple(tied.get(i, i) for i in indices)
        if set(read) == set(own) and not isinstance(f, Delta):
            taken.append((f, read))
        else:
            rest.append((f, indices))
    there = _indices(rest)
    missing = {
        i: dim
        for f, indices in factors
        for i, dim in zip(indices, f.shape, strict=True)
        if i not in there
    }
    return taken, rest + [(Ones(dim), (i,)) for i, dim in missing.items()]


def _diagonal(factors: list[Factor], pair: Pair) -> Notation | None:
    inner = _form(factors, pair)
    if inner is None:
        return None
    column = _vec(inner, 2)
    if isinstance(column, Scaled) and column.body is not None:
        return replace(column, body=Call("diag", r"\operatorname{diag}", (column.body,)))
    return Call("diag", r"\operatorname{diag}", (column,))


def _groups(factors: Iterable[Factor], apart: set[int] | None = None) -> list[list[Factor]]:
    """The factors that hang together by common indices, other than those in ``apart``."""
    groups: list[list[Factor]] = []
    for factor in factors:
        mine = set(factor[1]) - (apart or set())
        touching = [g for g in groups if (_indices(g) - (apart or set())) & mine]
        joined = [f for g in touching for f in g] + [factor]
        groups = [g for g in groups if g not in touching] + [joined]
    return groups


def _indices(factors: Iterable[Factor]) -> set[int]:
    return {i for _, indices in factors for i in indices}


# ── pieces of notation ───────────────────────────────────────────────────────────────────


def _vec(n: Notation, ndim: int) -> Notation:
    """vec(M), with numbers in front; a vector is its own."""
    if ndim < 2:
        return n
    if isinstance(n, Scaled) and n.body is not None:
        return scaled(n.number, n.scalars, _vec(n.body, ndim))
    return Call("vec", r"\operatorname{vec}", (n,))


def _kronecker(left: Notation, right: Notation, l_pair: Pair, r_pair: Pair) -> Notation:
    """L ⊗ R, or one of them where the other is the number 1; numbers in front."""
    if l_pair == (None, None):
        return scaled(1.0, (left,), right)
    if r_pair == (None, None):
        return scaled(1.0, (right,), left)
    number, scalars, sides = 1.0, (), []
    for side in (left, right):
        if isinstance(side, Scaled) and side.body is not None:
            number, scalars, side = number * side.number, scalars + side.scalars, side.body
        sides.append(side)
    same = sides == [IDENTITY, IDENTITY]
    return scaled(number, scalars, IDENTITY if same else Kronecker(*sides))


def _without_identity(factors: Sequence[Notation]) -> tuple[Notation, ...]:
    kept = tuple(f for f in factors if f != IDENTITY)
    return kept or (IDENTITY,)


def _times(scale: Notation, front: Sequence[Notation], body: Sequence[Notation]) -> Notation:
    whole = chain(*((factor, False) for factor in _without_identity((*front, *body))))
    return scaled(1.0, (scale,), whole)


# ── sums of products ─────────────────────────────────────────────────────────────────────


def _products(e: Expr, *, deep: bool) -> Iterator[Einsum]:
    """The terms of a sum as products, opened where a factor has more axes than a matrix.

    ``deep``: factors that are sums and products of matrices are opened as well.
    """
    waiting, made = [e], 0
    while waiting and made < _MOST_TERMS:
        term = waiting.pop(0)
        if isinstance(term, Add):
            waiting[:0] = term.terms
            continue
        if not isinstance(term, Einsum):
            axes = tuple(range(term.ndim))
            term = Einsum((term,), (axes,), axes)
        place = next((p for p, f in enumerate(term.operands) if _opens(f, deep)), None)
        if place is None:
            made += 1
            yield term
        else:
            waiting[:0] = _opened(term, place)


def _opens(f: Expr, deep: bool) -> bool:
    return isinstance(f, (Einsum, Add)) and (f.ndim > 2 or (deep and f.ndim > 0))


def _opened(term: Einsum, place: int) -> list[Expr]:
    """The product with one factor that is a product or a sum multiplied out."""
    factor, before = term.operands[place], list(zip(term.operands, term.inputs, strict=True))
    parts = factor.terms if isinstance(factor, Add) else (factor,)
    made = []
    for part in parts:
        numbers = fresh_indices(term.dims)
        inner: list[Factor] = [(part, tuple(range(part.ndim)))]
        output = tuple(range(part.ndim))
        if isinstance(part, Einsum):
            inner, output = list(zip(part.operands, part.inputs, strict=True)), part.output
        name = dict(zip(output, term.inputs[place], strict=True))
        for _, indices in inner:
            for i in indices:
                if i not in name:
                    name[i] = next(numbers)
        spliced = [(f, tuple(name[i] for i in indices)) for f, indices in inner]
        whole = before[:place] + spliced + before[place + 1 :]
        made.append(Einsum([f for f, _ in whole], [ix for _, ix in whole], term.output))
    return made


def _added(terms: Sequence[_Term], swap: Notation) -> Notation:
    """The sum, with what stands beside a common factor of Kronecker products added up first."""
    terms = _paired([_with_scale_outside(t) for t in terms])
    done: list[Notation] = []
    while terms:
        term = terms.pop(0)
        twin = next((t for t in terms if _is_twin(term, t)), None)
        if twin is None:
            done.append(term.notation(swap))
            continue
        terms.remove(twin)
        plain, turned = (twin, term) if term.turned else (term, twin)
        sign = swap if plain.scale == turned.scale else negated(swap)
        both = Sum((IDENTITY, sign))
        done.append(_times(plain.scale, (*plain.front, both), plain.body))
    if any(ONE in pieces(n) for n in done):  # nothing tells whether two 1 are equally long
        return sum_of(done)
    return collected_sum(done, 2)


def _is_twin(a: _Term, b: _Term) -> bool:
    """Whether two terms differ in K, and in their sign at most."""
    alike = a.body == b.body and a.front == b.front and a.turned != b.turned
    return alike and a.scale in (b.scale, negated(b.scale))


def _with_scale_outside(term: _Term) -> _Term:
    """The term with the numbers of its matrices in its scale."""
    scalars, inner = [term.scale], []
    for factor in term.body:
        if isinstance(factor, Scaled) and factor.body is not None:
            scalars.append(scaled(factor.number, factor.scalars, None))
            factor = factor.body
        inner.append(factor)
    return replace(term, body=tuple(inner), scale=scaled(1.0, scalars, None))


def _paired(terms: Sequence[_Term]) -> list[_Term]:
    """A ⊗ C + B ⊗ C as (A + B) ⊗ C, and likewise on the other side."""
    done: list[_Term] = []
    for term in terms:
        for k, other in enumerate(done):
            joined = _one_kronecker(other, term)
            if joined is not None:
                done[k] = joined
                break
        else:
            done.append(term)
    return done


def _one_kronecker(a: _Term, b: _Term) -> _Term | None:
    if (a.front, a.turned) != (b.front, b.turned) or len(a.body) != 1 or len(b.body) != 1:
        return None
    one, other = map(_as_kronecker, (a.body[0], b.body[0]))
    if one is None or other is None:
        return None
    if one == other:
        return replace(a, body=(one,), scale=sum_of((a.scale, b.scale)))
    if one.right == other.right:
        left = _sum_of_scaled((a.scale, one.left), (b.scale, other.left))
        return _with_scale_outside(
            _Term((_kronecker(left, one.right, (0, 1), (2, 3)),), turned=a.turned, front=a.front)
        )
    if one.left == other.left:
        right = _sum_of_scaled((a.scale, one.right), (b.scale, other.right))
        return _with_scale_outside(
            _Term((_kronecker(one.left, right, (0, 1), (2, 3)),), turned=a.turned, front=a.front)
        )
    return None


def _as_kronecker(n: Notation) -> Kronecker | None:
    if n == IDENTITY:
        return Kronecker(IDENTITY, IDENTITY)
    return n if isinstance(n, Kronecker) else None


def _sum_of_scaled(*terms: tuple[Notation, Notation]) -> Notation:
    return collected_sum([scaled(1.0, (scale,), body) for scale, body in terms], 2)
