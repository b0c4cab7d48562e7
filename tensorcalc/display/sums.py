"""Sums of terms as a person writes them: what terms share stands once, in front or behind.

A x + Aᵀ x is (A + Aᵀ) x, and ½ u − ½ v is ½ (u − v). Products of sums are multiplied out where
that makes the whole shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tensorcalc.display.notation import (
    Atom,
    Call,
    Chain,
    Hadamard,
    Notation,
    Number,
    Power,
    Quotient,
    Relation,
    Scaled,
    Sum,
    Transposed,
    chain,
    is_negative,
    negated,
    power_of,
    scaled,
    sum_of,
    transposed,
)
from tensorcalc.display.walk import pieces

__all__ = ["collected_sum", "length_of", "turns"]

_MOST_TERMS = 24
_ROUNDS = 3
_FRAMES = (Scaled, Chain, Sum, Hadamard, Transposed, Quotient)  # what only holds other pieces

Factor = tuple[Notation, bool]


@dataclass(frozen=True)
class _Term:
    """number · scalars · a chain of factors."""

    number: float
    scalars: tuple[Notation, ...]
    factors: tuple[Factor, ...]

    @property
    def notation(self) -> Notation:
        """The term as it is written."""
        return scaled(self.number, self.scalars, chain(*self.factors) if self.factors else None)

    @property
    def key(self) -> Hashable:
        """The scalars, in whatever order."""
        return frozenset(Counter(self.scalars).items())


def collected_sum(terms: Iterable[Notation], ndim: int) -> Notation:
    """The sum of terms of ``ndim`` axes, in the shorter of its forms."""
    whole = sum_of(terms)
    if not isinstance(whole, Sum) or len(whole.terms) > _MOST_TERMS:
        return whole
    indicator = _indicator(whole.terms)
    if indicator is not None:
        return indicator
    parts = list(map(_term, whole.terms))
    forms = [_collected(parts, ndim)]
    opened = parts
    for _ in range(_ROUNDS):
        opened = [p for part in opened for p in _multiplied_out(part)][: _MOST_TERMS + 1]
    if len(parts) < len(opened) <= _MOST_TERMS:
        added = sum_of(p.notation for p in opened)
        again = added.terms if isinstance(added, Sum) else (added,)
        forms.append(_collected(list(map(_term, again)), ndim))
    return min(forms, key=length_of)


def _indicator(terms: Sequence[Notation]) -> Notation | None:
    """½ + ½ sign(x − y) as [x > y]: the derivative of a maximum, wherever x is not y."""
    half = Number(0.5)
    if len(terms) != 2 or half not in terms:
        return None
    (other,) = [t for t in terms if t != half] or [half]
    if not isinstance(other, Scaled) or abs(other.number) != 0.5 or other.scalars:
        return None
    step = other.body
    if not isinstance(step, Call) or step.name != "sign":
        return None
    left, right = _sides(step.arguments[0])
    return Relation(left, ">", right) if other.number > 0 else Relation(right, ">", left)


def _sides(n: Notation) -> tuple[Notation, Notation]:
    """x and y of x − y, or n and 0."""
    if isinstance(n, Sum) and len(n.terms) == 2 and is_negative(n.terms[1]):
        return n.terms[0], negated(n.terms[1])
    return n, Number(0.0)


def length_of(n: Notation) -> int:
    """How many names, numbers and functions a formula writes."""
    numbers = sum(isinstance(p, Scaled) and abs(p.number) != 1 for p in pieces(n))
    return numbers + sum(not isinstance(p, _FRAMES) for p in pieces(n))


def _collected(parts: list[_Term], ndim: int) -> Notation:
    if ndim:
        parts = _shared(parts, -1)
        parts = _shared(parts, 0)
        parts = _same_scalars(parts)
    number, scalars, rest = _common(parts)
    return scaled(number, scalars, sum_of(_mirrored_in_order([t.notation for t in rest])))


def _term(n: Notation) -> _Term:
    if isinstance(n, Number):
        return _Term(n.value, (), ())
    number, scalars, body = 1.0, (), n
    if isinstance(n, Scaled):
        number, scalars, body = n.number, n.scalars, n.body
    if body is None:
        return _Term(number, scalars, ())
    if isinstance(body, Chain):
        return _Term(number, scalars, body.factors)
    if isinstance(body, Transposed):
        return _Term(number, scalars, ((body.inner, True),))
    return _Term(number, scalars, ((body, False),))


def _multiplied_out(term: _Term) -> list[_Term]:
    """The terms of a product with a sum: (u + v) xᵀ is u xᵀ + v xᵀ."""
    for k, factor in enumerate(term.scalars):
        if isinstance(factor, Sum):
            others = term.scalars[:k] + term.scalars[k + 1 :]
            return [
                _term(scaled(term.number, (*others, part), _chained(term.factors)))
                for part in factor.terms
            ]
    for k, (factor, flag) in enumerate(term.factors):
        if isinstance(factor, Sum):
            before, after = term.factors[:k], term.factors[k + 1 :]
            wholes = [chain(*before, (part, flag), *after) for part in factor.terms]
            if not any(isinstance(part, Number) for part in factor.terms):
                return [_term(scaled(term.number, term.scalars, whole)) for whole in wholes]
    return [term]


def _chained(factors: tuple[Factor, ...]) -> Notation | None:
    return chain(*factors) if factors else None


def _shared(terms: list[_Term], end: int) -> list[_Term]:
    """Terms with the same scalars and the same factors at one end become one term."""
    groups: dict[Hashable, list[_Term]] = {}
    for k, term in enumerate(terms):
        shares = len(term.factors) > 1 and _has_one_size(term.factors[end], end)
        groups.setdefault((term.key, term.factors[end]) if shares else k, []).append(term)
    return [_joined(group, end) if len(group) > 1 else group[0] for group in groups.values()]


def _has_one_size(factor: Factor, end: int) -> bool:
    """Whether what stands beside a shared factor has one size: beside 1 or e[0] it may not."""
    n, flag = factor
    return not (isinstance(n, Atom) and n.constant) or flag == bool(end)


def _joined(group: Sequence[_Term], end: int) -> _Term:
    """(u + v) c for the terms u c and v c, or c (u + v) for c u and c v."""
    size, longest = 1, min(len(t.factors) for t in group) - 1
    while size < longest and len({_ends(t, end, size + 1) for t in group}) == 1:
        size += 1
    while not _has_one_size(_ends(group[0], end, size)[0 if end else -1], end):
        size -= 1
    shared = _ends(group[0], end, size)
    rests = [t.factors[:-size] if end else t.factors[size:] for t in group]
    sign = -1.0 if all(t.number < 0 for t in group) else 1.0
    inner = collected_sum(
        (_Term(sign * t.number, (), rest).notation for t, rest in zip(group, rests, strict=True)),
        max(1, len(shared)),
    )
    factors = ((inner, False), *shared) if end else (*shared, (inner, False))
    return _term(scaled(sign, group[0].scalars, chain(*factors)))


def _ends(term: _Term, end: int, size: int) -> tuple[Factor, ...]:
    return term.factors[-size:] if end else term.factors[:size]


def _same_scalars(terms: list[_Term]) -> list[_Term]:
    """Terms with the same scalars become one: A / s + B / s is (A + B) / s."""
    groups: dict[Hashable, list[_Term]] = {}
    for k, term in enumerate(terms):
        groups.setdefault(term.key if term.scalars and term.factors else k, []).append(term)
    if len(groups) == 1:
        return terms
    return [_over(group) if len(group) > 1 else group[0] for group in groups.values()]


def _over(group: list[_Term]) -> _Term:
    number, scalars, rest = _common(group)
    if all(t.number < 0 for t in rest):
        number, rest = -number, [replace(t, number=-t.number) for t in rest]
    return _term(scaled(number, scalars, sum_of(_mirrored_in_order([t.notation for t in rest]))))


def _common(terms: Sequence[_Term]) -> tuple[float, tuple[Notation, ...], list[_Term]]:
    """The number and the scalars that all terms have, and the terms without them."""
    if len(terms) < 2:
        return 1.0, (), list(terms)
    split = _with_divisors_apart(terms)
    shared = _shared_scalars(split)
    if shared:
        terms = split
    sizes = {abs(t.number) for t in terms}
    bare = any(not t.factors and not t.scalars for t in terms)
    number = sizes.pop() if len(sizes) == 1 and not bare else 1.0
    rest = [
        _Term(t.number / number, tuple((Counter(t.scalars) - shared).elements()), t.factors)
        for t in terms
    ]
    return number, tuple(shared.elements()), rest


def _shared_scalars(terms: Sequence[_Term]) -> Counter[Notation]:
    shared = Counter(terms[0].scalars)
    for term in terms[1:]:
        shared &= Counter(term.scalars)
    if any(not t.factors and not (Counter(t.scalars) - shared) for t in terms):
        return Counter()  # nothing would be left of a term
    return shared


def _with_divisors_apart(terms: Sequence[_Term]) -> Sequence[_Term]:
    """u / s + v / s + w / s³ with s in all: of the higher power the rest stands apart.

    Only where that makes the whole shorter: two terms lose their divisor, or √ its power.
    """
    divisors = [dict(map(_divisor, filter(_divides, t.scalars))) for t in terms]
    common = set(divisors[0]).intersection(*divisors[1:])
    least = {base: min(d[base] for d in divisors) for base in common}
    least = {
        base: p
        for base, p in least.items()
        if sum(d[base] == p for d in divisors) > 1 or _is_root(base)
    }
    if all(d[base] == p for d in divisors for base, p in least.items()):
        return terms
    return [replace(t, scalars=tuple(_apart(t.scalars, least))) for t in terms]


def _apart(scalars: Iterable[Notation], least: dict[Notation, float]) -> Iterator[Notation]:
    for scalar in scalars:
        base, power = _divisor(scalar) if _divides(scalar) else (scalar, 0.0)
        rest = power - least.get(base, power)
        if not rest:
            yield scalar
            continue
        yield power_of(base, -least[base], 0)
        if isinstance(base, Call) and _is_root(base) and rest % 2 == 0:  # (√u)² = u
            base, rest = base.arguments[0], rest / 2
        yield power_of(base, -rest, 0)


def _is_root(n: Notation) -> bool:
    return isinstance(n, Call) and n.name == "√"


def _divides(n: Notation) -> bool:
    return isinstance(n, Quotient) and not n.entrywise and n.top == Number(1.0)


def _divisor(n: Notation) -> tuple[Notation, float]:
    """s and p where n is 1 / sᵖ."""
    assert isinstance(n, Quotient)
    below = n.bottom
    plain = isinstance(below, Power) and not below.ndim
    return (below.base, below.exponent) if plain else (below, 1.0)  # type: ignore[union-attr]


def _mirrored_in_order(terms: Sequence[Notation]) -> list[Notation]:
    """Of a term and its transpose the one with fewer transposes stands first."""
    ordered = list(terms)
    for k, first in enumerate(ordered):
        for n in range(k + 1, len(ordered)):
            second = ordered[n]
            mirrored = not is_negative(first) and second == transposed(first)
            if mirrored and turns(second) < turns(first):
                ordered[k], ordered[n] = second, first
                break
    return ordered


def turns(n: Notation) -> int:
    """How many factors are written transposed."""
    return sum(_turned(n))


def _turned(n: Notation) -> Iterator[bool]:
    if isinstance(n, Scaled) and n.body is not None:
        yield from _turned(n.body)
    elif isinstance(n, Chain):
        for factor, flag in n.factors:
            yield flag != getattr(factor, "flipped", False)
    elif isinstance(n, Sum):
        for term in n.terms:
            yield from _turned(term)
    else:
        yield isinstance(n, Transposed) or getattr(n, "flipped", False)
