"""Matrix notation as a small tree, apart from how it is spelt (text, LaTeX).

A product chain is a list of factors with a transposition flag each, so that transposing
reverses the list. Builders keep the tree tidy: no double transposes, no nested products,
numbers in front.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

__all__ = [
    "Atom",
    "BigSum",
    "Call",
    "Chain",
    "Differential",
    "Entry",
    "Hadamard",
    "Indexed",
    "Indicator",
    "Infix",
    "Inverse",
    "Kronecker",
    "Norm",
    "Notation",
    "Number",
    "Partial",
    "Power",
    "Quotient",
    "Raised",
    "Relation",
    "Scaled",
    "Sum",
    "Transposed",
    "chain",
    "hadamard",
    "is_symmetric",
    "power_of",
    "quotient",
    "scaled",
    "sum_of",
    "transposed",
]


class Notation:
    """A piece of matrix notation."""


@dataclass(frozen=True)
class Atom(Notation):
    """A name, or 1 for the vector of ones, or I."""

    name: str
    symmetric: bool = False
    constant: bool = False  # I, 1, e[0] themselves: of whatever size fits, no quantity's name
    which: int = 0  # tells apart what is written alike: arrays of numbers, what is left out


@dataclass(frozen=True)
class Number(Notation):
    """A number."""

    value: float


@dataclass(frozen=True)
class Transposed(Notation):
    """Xᵀ."""

    inner: Notation


@dataclass(frozen=True)
class Chain(Notation):
    """A matrix product; each factor with whether it is transposed."""

    factors: tuple[tuple[Notation, bool], ...]


@dataclass(frozen=True)
class Hadamard(Notation):
    """A product entry by entry."""

    factors: tuple[Notation, ...]


@dataclass(frozen=True)
class Quotient(Notation):
    """``top`` over ``bottom``, entry by entry where both have axes."""

    top: Notation
    bottom: Notation
    entrywise: bool


@dataclass(frozen=True)
class Scaled(Notation):
    """A number and scalar factors before a body."""

    number: float
    scalars: tuple[Notation, ...]
    body: Notation | None


@dataclass(frozen=True)
class Sum(Notation):
    """A sum of terms; the sign of a term is its number's."""

    terms: tuple[Notation, ...]


@dataclass(frozen=True)
class Power(Notation):
    """Base to a number, entry by entry; ``ndim`` tells a matrix from a vector."""

    base: Notation
    exponent: float
    ndim: int


@dataclass(frozen=True)
class Call(Notation):
    """A function of arguments; ``latex`` is its name there.

    ``by_rows`` says that it acts on each row of a matrix, which is told beside the formula.
    """

    name: str
    latex: str
    arguments: tuple[Notation, ...]
    extra: str = ""
    by_rows: bool = False


@dataclass(frozen=True)
class Inverse(Notation):
    """X⁻¹, or X⁻ᵀ."""

    inner: Notation
    flipped: bool = False


@dataclass(frozen=True)
class Kronecker(Notation):
    """A ⊗ B."""

    left: Notation
    right: Notation


@dataclass(frozen=True)
class Raised(Notation):
    """Base to a power that is itself a formula."""

    base: Notation
    exponent: Notation


@dataclass(frozen=True)
class Relation(Notation):
    """[x > y]: 1 where it holds, else 0."""

    left: Notation
    sign: str
    right: Notation


@dataclass(frozen=True)
class Norm(Notation):
    """‖u‖."""

    inner: Notation


@dataclass(frozen=True)
class Indexed(Notation):
    """One entry of a named quantity: x_i."""

    name: str
    letters: tuple[str, ...]
    which: int = 0  # tells apart what is written alike


@dataclass(frozen=True)
class Indicator(Notation):
    """The Kronecker delta as Johnston prints it: I[k=j]."""

    left: str
    right: str


@dataclass(frozen=True)
class BigSum(Notation):
    """Σ over the letters."""

    letters: tuple[str, ...]
    body: Notation


@dataclass(frozen=True)
class Infix(Notation):
    """Formulas with a sign between them: u = v, A : B, v → s; side by side where it is empty."""

    sign: str
    parts: tuple[Notation, ...]


@dataclass(frozen=True)
class Partial(Notation):
    """∂v/∂W, or of an entry ∂v_k/∂W_ji; by several arguments, ∂²E/∂x²; ``held`` stay fixed."""

    of: Notation
    by: tuple[Notation, ...]
    held: tuple[Notation, ...] = ()


@dataclass(frozen=True)
class Differential(Notation):
    """dv, the change of a quantity."""

    of: Notation


@dataclass(frozen=True)
class Entry(Notation):
    """[k, i, j], which entry a line speaks of."""

    letters: tuple[str, ...]


ONE = Atom("1", constant=True)
IDENTITY = Atom("I", symmetric=True, constant=True)


def set_apart(n: Notation, names: Container[str]) -> Notation:
    """Id for I where a quantity is called I, and I[:, k] for e[k] where one is called e."""
    return _apart(n, names) if "I" in names or "e" in names else n


def _apart(piece: Any, names: Container[str]) -> Any:
    if isinstance(piece, Atom):
        if not piece.constant or (piece.name[:2] != "e[" and piece != IDENTITY):
            return piece
        identity = "Id" if "I" in names else "I"
        if piece == IDENTITY:
            return replace(piece, name=identity)
        column = f"{identity}[:, {piece.name[2:]}"
        return replace(piece, name=column) if "e" in names else piece
    if isinstance(piece, tuple):
        return tuple(_apart(part, names) for part in piece)
    if isinstance(piece, Notation) and is_dataclass(piece):
        parts = {f.name: _apart(getattr(piece, f.name), names) for f in fields(piece)}
        return replace(piece, **parts)
    return piece


def transposed(n: Notation) -> Notation:
    """The transpose, moved inwards where a person would."""
    if isinstance(n, Transposed):
        return n.inner
    if is_symmetric(n):
        return n
    if isinstance(n, Inverse):
        return Inverse(n.inner, not n.flipped)
    if isinstance(n, Kronecker):
        return Kronecker(transposed(n.left), transposed(n.right))
    if isinstance(n, Chain):
        return chain(*((factor, not flag) for factor, flag in reversed(n.factors)))
    if isinstance(n, Scaled) and n.body is not None:
        return replace(n, body=transposed(n.body))
    if isinstance(n, Sum) and all(_simple_transpose(t) for t in n.terms):
        return Sum(tuple(map(transposed, n.terms)))
    return Transposed(n)


@lru_cache(maxsize=1024)
def is_symmetric(n: Notation) -> bool:
    """Whether a formula reads the same when it is transposed: AᵀA, A + Aᵀ, diag(d), (AᵀA)⁻¹."""
    if isinstance(n, Atom):
        return n.symmetric
    if isinstance(n, Scaled):
        return n.body is None or is_symmetric(n.body)
    if isinstance(n, Inverse):
        return is_symmetric(n.inner)
    if isinstance(n, Kronecker):
        return is_symmetric(n.left) and is_symmetric(n.right)
    if isinstance(n, Hadamard):
        return IDENTITY in n.factors or all(map(is_symmetric, n.factors))
    if isinstance(n, Chain):
        turned = [_in_order(factor, not flag) for factor, flag in reversed(n.factors)]
        return turned == [_in_order(factor, flag) for factor, flag in n.factors]
    if isinstance(n, Sum):
        return all(map(is_symmetric, n.terms)) or _reads_alike_turned(n)
    return isinstance(n, Number) or (isinstance(n, Call) and n.name == "diag")


def _in_order(factor: Notation, flag: bool) -> tuple[Notation, bool]:
    """A factor of a chain, written in one way only."""
    if is_symmetric(factor):
        return factor, False
    if isinstance(factor, Inverse):
        return replace(factor, flipped=False), flag != factor.flipped
    return factor, flag


def _reads_alike_turned(n: Sum) -> bool:
    """Whether a sum has the transpose of each of its terms."""
    return len(n.terms) <= 8 and set(n.terms) == set(map(transposed, n.terms))


def _simple_transpose(n: Notation) -> bool:
    if isinstance(n, Scaled) and n.body is not None:
        return _simple_transpose(n.body)
    return isinstance(n, (Transposed, Chain, Inverse)) or is_symmetric(n)


def chain(*factors: tuple[Notation, bool]) -> Notation:
    """A matrix product, with inner products opened and scalars moved to the front."""
    flat: list[tuple[Notation, bool]] = []
    number, scalars = 1.0, []
    for factor, flag in factors:
        inner = transposed(factor) if flag else factor
        if isinstance(inner, Scaled) and inner.body is not None:
            number *= inner.number
            scalars += inner.scalars
            inner = inner.body
        if isinstance(inner, Chain):
            flat.extend(inner.factors)
        elif isinstance(inner, Transposed):
            flat.append((inner.inner, True))
        elif _is_diag(inner) and flat and _is_diag(flat[-1][0]):
            flat[-1] = (_joined_diag(flat[-1][0], inner), False)
        elif inner == ONE and flat and _is_diag(flat[-1][0]):  # diag(u) 1 = u
            flat[-1] = (_diagonal(flat[-1][0]), False)
        elif _is_diag(inner) and flat and flat[-1] == (ONE, True):
            flat[-1] = (_diagonal(inner), True)
        elif inner != IDENTITY:
            flat.append((inner, False))
    if not flat:  # a product of identities
        body = IDENTITY
    elif len(flat) == 1:
        body = transposed(flat[0][0]) if flat[0][1] else flat[0][0]
    else:
        body = Chain(tuple(flat))
    return scaled(number, scalars, body)


def _is_diag(n: Notation) -> bool:
    return isinstance(n, Call) and n.name == "diag"


def _diagonal(n: Notation) -> Notation:
    assert isinstance(n, Call)
    return n.arguments[0]


def _joined_diag(a: Notation, b: Notation) -> Notation:
    """diag(u) diag(v) = diag(u ⊙ v)."""
    assert isinstance(a, Call)
    assert isinstance(b, Call)
    return replace(a, arguments=(hadamard((*a.arguments, *b.arguments), 1),))


def hadamard(factors: Iterable[Notation], ndim: int) -> Notation:
    """A product entry by entry, with inner ones opened, divisors below, numbers in front."""
    tops: list[Notation] = []
    bottoms: list[Notation] = []
    number, scalars = 1.0, []
    waiting = list(factors)
    while waiting:
        factor = waiting.pop(0)
        if isinstance(factor, Scaled):
            number *= factor.number
            scalars += factor.scalars
            if factor.body is not None:
                waiting.insert(0, factor.body)
        elif isinstance(factor, Number):
            number *= factor.value
        elif isinstance(factor, Hadamard):
            waiting[:0] = factor.factors
        elif isinstance(factor, Quotient) and factor.entrywise:
            bottoms.append(factor.bottom)
            waiting.insert(0, factor.top)
        elif factor == ONE and (waiting or tops):
            continue
        else:
            tops.append(factor)
    tops = [t for t in tops if t != ONE] or tops[:1]
    tops = _collect_powers(tops, ndim)
    top = Hadamard(tuple(tops)) if len(tops) > 1 else tops[0] if tops else None
    body = Quotient(top or Number(1.0), hadamard(bottoms, ndim), True) if bottoms else top
    return scaled(number, scalars, body)


def _collect_powers(factors: list[Notation], ndim: int) -> list[Notation]:
    """u ⊙ u as u²."""
    count: dict[Notation, float] = {}
    for factor in factors:
        base, exponent = factor, 1.0
        if isinstance(factor, Power):
            base, exponent = factor.base, factor.exponent
        elif isinstance(factor, Quotient) and factor.top == Number(1.0) and not factor.entrywise:
            base, exponent = factor.bottom, -1.0
            if isinstance(base, Power):
                base, exponent = base.base, -base.exponent
        count[base] = count.get(base, 0.0) + exponent
    return [power_of(base, p, ndim) for base, p in count.items() if p != 0]


def power_of(base: Notation, exponent: float, ndim: int) -> Notation:
    """Base to a number; of a negative one, 1 over it; (‖x‖²)² is ‖x‖⁴."""
    if isinstance(base, Power) and not ndim and exponent.is_integer():
        return power_of(base.base, base.exponent * exponent, 0)
    if exponent < 0:
        return quotient(Number(1.0), power_of(base, -exponent, ndim), ndim > 0)
    return base if exponent == 1 else Power(base, exponent, ndim)


def scaled(number: float, scalars: Iterable[Notation], body: Notation | None) -> Notation:
    """number · scalars · body with numbers multiplied and ones dropped."""
    if number == 0 and body is not None:
        return Atom("0", symmetric=True, constant=True)
    kept: list[Notation] = []
    for scalar in scalars:
        if isinstance(scalar, Number):
            number *= scalar.value
        elif isinstance(scalar, Scaled):
            number *= scalar.number
            kept += scalar.scalars
            if scalar.body is not None:
                kept.append(scalar.body)
        else:
            kept.append(scalar)
    if isinstance(body, Number):
        number, body = number * body.value, None
    if isinstance(body, Scaled):
        number, kept, body = number * body.number, [*kept, *body.scalars], body.body
    if number < 0 and isinstance(body, Sum) and all(map(is_negative, body.terms)):
        number, body = -number, Sum(tuple(map(negated, body.terms)))
    kept = _collect_powers(kept, 0)
    if body is None and len(kept) == 1 and number == 1:
        return kept[0]
    if body is None and not kept:
        return Number(number)
    if body is not None and not kept and number == 1:
        return body
    return Scaled(number, tuple(kept), body)


def quotient(top: Notation, bottom: Notation, entrywise: bool) -> Notation:
    """top / bottom."""
    return Quotient(top, bottom, entrywise)


def sum_of(terms: Iterable[Notation]) -> Notation:
    """A sum with inner sums opened and a leading positive term where there is one."""
    flat: list[Notation] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Sum) else (term,))
    flat = _equal_ones_added(flat)
    if len(flat) == 1:
        return flat[0]
    first = next((k for k, t in enumerate(flat) if not is_negative(t)), 0)
    return Sum((flat[first], *flat[:first], *flat[first + 1 :]))


def _equal_ones_added(terms: list[Notation]) -> list[Notation]:
    """Terms that read alike are added up: A x + A x, where Aᵀ is A, is 2 A x."""
    count: dict[Hashable, tuple[float, Notation]] = {}
    for term in terms:
        number, rest, key = 1.0, term, (frozenset(), term)
        if isinstance(term, Scaled) and (term.scalars or term.body is not None):
            number, rest = term.number, scaled(1.0, term.scalars, term.body)
            key = frozenset(Counter(term.scalars).items()), term.body
        before, first = count.get(key, (0.0, rest))
        count[key] = before + number, first
    if len(count) == len(terms):
        return terms
    added = [scaled(number, (), rest) for number, rest in count.values() if number]
    return added or [Number(0.0)]


def is_negative(n: Notation) -> bool:
    """Whether a term is written with a minus."""
    return (isinstance(n, Scaled) and n.number < 0) or (isinstance(n, Number) and n.value < 0)


def negated(n: Notation) -> Notation:
    """The term with its sign turned."""
    if isinstance(n, Number):
        return Number(-n.value)
    if isinstance(n, Scaled):
        return scaled(-n.number, n.scalars, n.body)
    return Scaled(-1.0, (), n)
