"""f′(v) as a diagonal matrix: S = Diag(s) and ds = (S − S²) dv for the logistic s = σ(v).

Where a function's derivative is a polynomial in its value, that polynomial is written in S;
otherwise D = Diag(f′(v)).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tensorcalc.derivation.scribe import first_free, name_notation
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import (
    Atom,
    Call,
    Differential,
    Hadamard,
    Infix,
    Notation,
    Number,
    Power,
    hadamard,
    scaled,
    sum_of,
)
from tensorcalc.display.spelling import spell
from tensorcalc.evaluate import Dense
from tensorcalc.expr import Definition, Elementwise, Expr, Function, Variable, toposort

__all__ = ["DiagonalForm", "diagonal_form"]


@dataclass(frozen=True)
class DiagonalForm:
    """S = Diag(s); ``entrywise`` is ds = (s − s ∘ s) ∘ dv, ``matrix`` is S − S²."""

    name: str
    definition: Notation
    matrix: Notation
    entrywise: Notation
    inner: Notation
    why: str


def diagonal_form(s: Definition, body: Elementwise, taken: Collection[str]) -> DiagonalForm | None:
    """How the change of an elementwise function of a vector is written by a diagonal matrix."""
    argument = body.arguments[0]
    if not isinstance(argument, (Variable, Definition)):
        return None
    inner = Differential(name_notation(argument))
    coefficients = _in_its_value(body.function)
    if coefficients is None:
        return _by_slope(s, body, taken, inner)
    name = _free(s.name.upper(), s.name, taken)
    matrix = _polynomial(coefficients, Atom(name, symmetric=True), Atom("I", symmetric=True))
    slope = _entrywise_polynomial(coefficients, name_notation(s))
    sign = body.function.text or body.function.name
    words = Infix("=", (Atom(f"{sign}′"), _powers(coefficients, Atom(sign))))
    return DiagonalForm(
        name,
        Call("Diag", r"\operatorname{Diag}", (name_notation(s),)),
        matrix,
        hadamard([slope, inner], 1) if slope != Number(1.0) else inner,
        inner,
        spell(words),
    )


def _by_slope(
    s: Definition, body: Elementwise, taken: Collection[str], inner: Notation
) -> DiagonalForm | None:
    slope = matrix_form(body.function.derivatives[0](*body.arguments, s))
    if slope is None:
        return None
    name = _free("D", s.name, taken)
    definition = Call("Diag", r"\operatorname{Diag}", (slope,))
    return DiagonalForm(
        name, definition, Atom(name, symmetric=True), hadamard([slope, inner], 1), inner, ""
    )


def _free(wanted: str, own: str, taken: Collection[str]) -> str:
    """S for s; D, D2, D3, … where that is taken. An index below would be read as an entry."""
    used = {*taken, own}
    return wanted if wanted not in used else first_free(("D",), used)


def _in_its_value(function: Function) -> tuple[float, ...] | None:
    """c₀ + c₁ y + c₂ y², the derivative in terms of the value y; None if it is no such thing."""
    t, y = Variable("t", ()), Variable("y", ())
    slope = function.derivatives[0](t, y)
    if t in toposort([slope]):
        return None
    at = [float(_number(slope, y=v)) for v in (0.0, 1.0, -1.0, 2.0)]
    c0, c2 = at[0], (at[1] + at[2]) / 2 - at[0]
    c1 = at[1] - c0 - c2
    return (c0, c1, c2) if np.isclose(c0 + 2 * c1 + 4 * c2, at[3], rtol=1e-12, atol=1e-12) else None


def _number(e: Expr, **values: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return Dense({n: np.asarray(v) for n, v in values.items()}, {}).array(e)


def _polynomial(c: tuple[float, ...], s: Notation, one: Notation) -> Notation:
    powers = (one, s, Power(s, 2.0, 0))
    terms = [scaled(k, [], p) for k, p in zip(c, powers, strict=True) if k]
    return sum_of(terms)


def _entrywise_polynomial(c: tuple[float, ...], s: Notation) -> Notation:
    powers = (Number(1.0), s, Hadamard((s, s)))
    return sum_of(scaled(k, [], p) for k, p in zip(c, powers, strict=True) if k)


def _powers(c: tuple[float, ...], s: Notation) -> Notation:
    powers = (Number(1.0), s, Power(s, 2.0, 0))
    return sum_of(scaled(k, [], p) for k, p in zip(c, powers, strict=True) if k)
