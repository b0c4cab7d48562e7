"""The differential of a formula as it is written: d(xᵀ A x) = dxᵀ A x + xᵀ A dx.

One rule of differentials at a time, in the notation a reader sees; no factor is moved. What has
no such rule here, a function that couples entries among them, is left to the local derivatives.

Source: Magnus & Neudecker, Matrix Differential Calculus, 1988, chapter 8; Minka 2000.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tensorcalc.display.notation import (
    IDENTITY,
    ONE,
    Atom,
    Call,
    Chain,
    Differential,
    Hadamard,
    Infix,
    Inverse,
    Kronecker,
    Norm,
    Notation,
    Number,
    Power,
    Quotient,
    Scaled,
    Sum,
    Transposed,
    chain,
    hadamard,
    is_negative,
    negated,
    power_of,
    scaled,
    sum_of,
    transposed,
)
from tensorcalc.display.walk import pieces

__all__ = ["Change", "axes", "change_of", "colon"]

PRODUCT = "product rule"
QUOTIENT = "quotient rule"
HALF_SQUARE = "d(½ ‖u‖²) = u : du"
SQUARE = "d‖u‖² = 2 u : du"
LENGTH = "d‖u‖ = u/‖u‖ : du"
ROOT = "d√(t) = dt/(2 √(t))"
TRACE = "d tr(A) = tr(dA)"
LOGDET = "d log|det(A)| = A⁻ᵀ : dA"
DETERMINANT = "d det(A) = det(A) A⁻ᵀ : dA"
INVERSE = "d(A⁻¹) = −A⁻¹ dA A⁻¹"
_LINEAR = ("diag", "Diag", "diagonal", "vec")


@dataclass(frozen=True)
class Change:
    """The terms of a differential, each with one dk, and the rules that gave them."""

    terms: tuple[Notation, ...]
    rules: tuple[str, ...]


def change_of(
    form: Notation, ndims: Mapping[str, int], own: Notation, live: Iterable[str]
) -> Change | None:
    """The differential of a formula; None where a piece of it has no rule here.

    ``ndims`` are the axes of every quantity by name, ``live`` those that change; ``own`` is the
    name of the whole, which stands for it in its own differential.
    """
    differ = _Differ(ndims, own, frozenset(live))
    try:
        terms = differ.terms(form, whole=True)
    except _NoRuleError:
        return None
    return Change(tuple(terms), tuple(differ.rules))


class _NoRuleError(Exception):
    """A piece whose differential is no business of this module."""


class _Differ:
    """One formula, differentiated; collects the rules on its way."""

    def __init__(self, ndims: Mapping[str, int], own: Notation, live: frozenset[str]) -> None:
        self.ndims, self.own, self.live = ndims, own, live
        self.rules: dict[str, None] = {}

    def terms(self, n: Notation, *, whole: bool = False) -> list[Notation]:
        """The terms of dn; none for a constant. ``whole``: n is all of what has a name."""
        names = {p.name for p in pieces(n) if isinstance(p, Atom)}
        if any(name.partition("[")[0] in self.live for name in names - self.live):
            raise _NoRuleError  # a slice
        if not names & self.live:
            return []
        if isinstance(n, Atom):
            return [Differential(n)]
        if isinstance(n, Sum):
            return [t for term in n.terms for t in self.terms(term)]
        if isinstance(n, Transposed):
            return [transposed(t) for t in self.terms(n.inner)]
        if isinstance(n, (Norm, Inverse)):
            return self._norm(n, whole) if isinstance(n, Norm) else self._inverse(n, whole)
        rule = _RULES.get(type(n))
        if rule is None:
            raise _NoRuleError
        return rule(self, n, whole) if rule is _Differ._call else rule(self, n)

    def _say(self, rule: str) -> None:
        self.rules.setdefault(rule)

    def _of_product(self, changes: list[list[Notation]]) -> None:
        if sum(map(bool, changes)) > 1:
            self._say(PRODUCT)

    def _chain(self, n: Chain) -> list[Notation]:
        changes = [self.terms(f) for f, _ in n.factors]
        self._of_product(changes)
        found = []
        for k, (_, flag) in enumerate(n.factors):
            before, after = n.factors[:k], n.factors[k + 1 :]
            found += [chain(*before, (t, flag), *after) for t in changes[k]]
        return found

    def _hadamard(self, n: Hadamard) -> list[Notation]:
        changes = [self.terms(f) for f in n.factors]
        self._of_product(changes)
        return [
            hadamard([*n.factors[:k], *n.factors[k + 1 :], t], axes(n, self.ndims))
            for k, own in enumerate(changes)
            for t in own
        ]

    def _scaled(self, n: Scaled) -> list[Notation]:
        if n.number == 0.5 and (inner := _squared_length(n)) is not None:
            self._say(HALF_SQUARE)
            return [Infix(":", (inner, self._sum(inner)))]
        factors = [*n.scalars, *([] if n.body is None else [n.body])]
        changes = [self.terms(f) for f in factors]
        pairs = list(zip(factors, changes, strict=True))
        above = [own for f, own in pairs if not isinstance(f, Quotient)]
        below = [own for f, own in pairs if isinstance(f, Quotient)]
        # of one factor above and one below, the quotient rule says all
        self._of_product(above if sum(map(bool, below)) == 1 else changes)
        found = []
        for k, own in enumerate(changes):
            in_body = n.body is not None and k == len(n.scalars)
            others = [s for i, s in enumerate(n.scalars) if i != k]
            for t in own:
                if in_body or n.body is None:
                    found.append(_times(n.number, others, t))
                else:
                    found.append(scaled(n.number, [*others, t], n.body))
        return found

    def _power(self, n: Power) -> list[Notation]:
        inner = _squared_length(n)
        if inner is not None:
            self._say(SQUARE)
            return [Infix(":", (scaled(2.0, [], inner), self._sum(inner)))]
        slope = power_of(n.base, n.exponent - 1, n.ndim)
        self._say("d(tᵖ) = p tᵖ⁻¹ dt" + (", entry by entry" if n.ndim else ""))
        if n.ndim:
            slope = scaled(n.exponent, [], slope)
            return [hadamard([slope, t], n.ndim) for t in self.terms(n.base)]
        return [_times(n.exponent, [slope], t) for t in self.terms(n.base)]

    def _norm(self, n: Norm, whole: bool) -> list[Notation]:
        self._say(LENGTH)
        length = self.own if whole else n
        unit = scaled(1.0, [Quotient(Number(1.0), length, False)], n.inner)
        return [Infix(":", (unit, self._sum(n.inner)))]

    def _inverse(self, n: Inverse, whole: bool) -> list[Notation]:
        self._say(INVERSE)
        own = self.own if whole else n
        return [
            scaled(-1.0, [], chain((own, False), (t, n.flipped), (own, False)))
            for t in self.terms(n.inner)
        ]

    def _quotient(self, n: Quotient) -> list[Notation]:
        if n.entrywise:
            raise _NoRuleError
        below = Quotient(Number(1.0), n.bottom, False)
        top, bottom = self.terms(n.top), self.terms(n.bottom)
        if bottom:
            self._say(QUOTIENT)
        found = [_times(1.0, [below], t) for t in top]
        square = Quotient(Number(1.0), power_of(n.bottom, 2.0, 0), False)
        if axes(n.top, self.ndims):
            return found + [scaled(-1.0, [t, square], n.top) for t in bottom]
        return found + [_times(-1.0, [n.top, square], t) for t in bottom]

    def _call(self, n: Call, whole: bool) -> list[Notation]:
        if len(n.arguments) != 1 or n.extra:
            raise _NoRuleError
        (inner,) = n.arguments
        if n.name == "tr":
            self._say(TRACE)
            return [Call(n.name, n.latex, (t,)) for t in self.terms(inner)]
        if n.name in _LINEAR:
            return [_signed(Call(n.name, n.latex, (t,))) for t in self.terms(inner)]
        if n.name in ("det", "log|det|"):
            turned = transposed(Inverse(inner))
            self._say(DETERMINANT if n.name == "det" else LOGDET)
            size = self.own if whole else n
            left = scaled(1.0, [size], turned) if n.name == "det" else turned
            return [Infix(":", (left, self._sum(inner)))]
        if n.name == "√" and not axes(inner, self.ndims):
            self._say(ROOT)
            half = Quotient(Number(1.0), self.own if whole else n, False)
            return [_times(0.5, [half], t) for t in self.terms(inner)]
        raise _NoRuleError

    def _sum(self, n: Notation) -> Notation:
        return sum_of(self.terms(n))


_RULES = {
    Chain: _Differ._chain,
    Hadamard: _Differ._hadamard,
    Scaled: _Differ._scaled,
    Power: _Differ._power,
    Quotient: _Differ._quotient,
    Call: _Differ._call,
}


def colon(left: Notation, right: Notation, ndim: int) -> Notation:
    """left : right, or the product of numbers."""
    if is_negative(left):
        return negated(colon(negated(left), right, ndim))
    if ndim:
        return Infix(":", (left, right))
    return right if left == Number(1.0) else scaled(1.0, [left], right)


def _times(number: float, scalars: list[Notation], term: Notation) -> Notation:
    """A term times numbers; of G : du, the factor G takes them."""
    if is_negative(term):
        number, term = -number, negated(term)
    if isinstance(term, Infix) and term.sign == ":":
        left, right = term.parts
        return colon(scaled(number, scalars, left), right, 1)
    return scaled(number, scalars, term)


def _signed(call: Call) -> Notation:
    """diag(−U dX U) as −diag(U dX U)."""
    (inner,) = call.arguments
    if isinstance(inner, Scaled) and inner.body is not None:
        whole = Call(call.name, call.latex, (inner.body,))
        return scaled(inner.number, inner.scalars, whole)
    return call


def _squared_length(n: Notation) -> Notation | None:
    """u of ‖u‖², or of ½ ‖u‖²."""
    if isinstance(n, Scaled):
        parts = [*n.scalars, *([] if n.body is None else [n.body])]
        n = parts[0] if len(parts) == 1 else n
    if isinstance(n, Power) and isinstance(n.base, Norm) and n.exponent == 2:
        return n.base.inner
    return None


# ── how many axes a formula has ──


def axes(n: Notation, ndims: Mapping[str, int]) -> int:
    """0 for a number, 1 for a column or a row, 2 for a matrix."""
    return sum(_sides(n, ndims))


def _sides(n: Notation, ndims: Mapping[str, int]) -> tuple[bool, bool]:
    """Whether a formula has rows, and whether it has columns."""
    if isinstance(n, Atom):
        if n == ONE:
            return True, False
        if n == IDENTITY:
            return True, True
        ndim = ndims.get(n.name, 0)
        return ndim > 0, ndim > 1
    if isinstance(n, Differential):
        return _sides(n.of, ndims)
    if isinstance(n, Chain):
        (first, turned), (last, flag) = n.factors[0], n.factors[-1]
        left, right = _sides(first, ndims), _sides(last, ndims)
        return left[turned], right[not flag]
    if isinstance(n, Transposed):
        rows, columns = _sides(n.inner, ndims)
        return columns, rows
    if isinstance(n, (Sum, Hadamard)):
        parts = n.terms if isinstance(n, Sum) else n.factors
        return tuple(map(any, zip(*(_sides(p, ndims) for p in parts), strict=True)))  # type: ignore[return-value]
    if isinstance(n, Scaled):
        return (False, False) if n.body is None else _sides(n.body, ndims)
    if isinstance(n, Power):
        return n.ndim > 0, n.ndim > 1
    if isinstance(n, Quotient):
        return _sides(n.bottom if n.top == Number(1.0) else n.top, ndims)
    if isinstance(n, (Inverse, Kronecker)):
        return True, True
    return _sides_of_call(n, ndims) if isinstance(n, Call) else (False, False)


def _sides_of_call(n: Call, ndims: Mapping[str, int]) -> tuple[bool, bool]:
    if n.name in ("diag", "Diag"):
        return True, True
    if n.name in ("diagonal", "vec"):
        return True, False
    if n.name in ("tr", "det", "log|det|", "logsumexp"):
        return False, False
    return _sides(n.arguments[0], ndims)
