"""Moving a factor across ``:``: from G : F(dv), F linear, to G′ : dv.

A : B = tr(AᵀB), so A : L X R = Lᵀ A Rᵀ : X, A : (B ∘ X) = (A ∘ B) : X, A : Xᵀ = Aᵀ : X,
A : Diag(x) = diagonal(A) : x. Each move is named as it is made. Works on notation trees, so that
the formula a reader sees is the one that was moved; None where no move is known.

Source: Petersen & Pedersen, The Matrix Cookbook, 2012, sections 1.1 and 2; Minka 2000.
"""

from __future__ import annotations

from dataclasses import dataclass

from tensorcalc.display.notation import (
    IDENTITY,
    Atom,
    Call,
    Chain,
    Differential,
    Hadamard,
    Notation,
    Number,
    Power,
    Quotient,
    Scaled,
    Sum,
    Transposed,
    chain,
    hadamard,
    scaled,
    sum_of,
    transposed,
)
from tensorcalc.display.walk import pieces

__all__ = ["DISTRIBUTES", "NUMBER", "Moved", "moved", "with_change_last"]

LEFT = "A : BC = BᵀA : C"
RIGHT = "A : BC = ACᵀ : B"
ENTRYWISE = "A : (B ⊙ C) = (A ⊙ B) : C"
TRANSPOSE = "A : Bᵀ = Aᵀ : B"
DIAGONAL = "A : Diag(b) = diagonal(A) : b"
ON_DIAGONAL = "a : diagonal(B) = Diag(a) : B"
TRACE = "tr(AB) = Aᵀ : B"
CYCLIC = "the trace is cyclic: tr(AB) = tr(BA)"
TURNED_TRACE = "tr(A) = tr(Aᵀ)"
INNER = "aᵀb = a : b"
OWN_TRANSPOSE = "a scalar is its own transpose"
BETWEEN = "aᵀ B c = a cᵀ : B"
NUMBER = "a number moves freely"
DISTRIBUTES = "A : (B + C) = A : B + A : C"
SCALAR = "A : bC = b (A : C)"
SYMMETRIC = ", and B is symmetric"


@dataclass(frozen=True)
class Moved:
    """The new left side of ``:`` and the moves that led there."""

    adjoint: Notation
    rules: tuple[str, ...]


def moved(adjoint: Notation | None, form: Notation, d: Differential, ndim: int) -> Moved | None:
    """G′ with G : form = G′ : d, ``ndim`` the axes of the form; no adjoint stands for 1."""
    if form == d:
        return Moved(Number(1.0) if adjoint is None else adjoint, ())
    if isinstance(form, Sum):
        return _of_terms(adjoint, form, d, ndim)
    if not _has(form, d):
        return None
    step = _STEPS.get(type(form))
    return step(adjoint, form, d, ndim) if step else None


def _has(n: Notation, d: Differential) -> bool:
    return any(piece == d for piece in pieces(n))


def _of_terms(g: Notation | None, form: Sum, d: Differential, ndim: int) -> Moved | None:
    done = [moved(g, term, d, ndim) for term in form.terms]
    if any(m is None for m in done):
        return None
    terms = [m for m in done if m is not None]
    rules = dict.fromkeys(rule for m in terms for rule in m.rules)
    return Moved(sum_of(m.adjoint for m in terms), tuple(rules))


def _then(inner: Moved | None, *rules: str) -> Moved | None:
    return inner and Moved(inner.adjoint, tuple(dict.fromkeys((*rules, *inner.rules))))


def _times(g: Notation | None, *scalars: Notation) -> Notation | None:
    kept = [s for s in scalars if s != Number(1.0)]
    if not kept:
        return g
    return scaled(1.0, kept, g)


def _after(g: Notation | None, ndim: int, *scalars: Notation) -> Notation | None:
    """``g`` times numbers, which stand behind it if it is a number too."""
    if g is None or ndim:
        return _times(g, *scalars)
    return scaled(1.0, [g, *(s for s in scalars if s != Number(1.0))], None)


def _scaled(g: Notation | None, form: Scaled, d: Differential, ndim: int) -> Moved | None:
    number = [Number(form.number)] if form.number != 1 else []
    inside = [s for s in form.scalars if _has(s, d)]
    if not inside and form.body is not None:
        rules = [SCALAR] if form.scalars and ndim else []
        return _then(moved(_after(g, ndim, *number, *form.scalars), form.body, d, ndim), *rules)
    if len(inside) != 1 or (form.body is not None and _has(form.body, d)):
        return None
    others = [s for s in form.scalars if s is not inside[0]]
    body = form.body
    if body is None:
        return moved(_times(g, *number, *others), inside[0], d, 0)
    if g is None:
        return moved(_times(body, *number, *others), inside[0], d, 0)
    product = _frobenius(g, body, ndim)
    return _then(moved(_times(product, *number, *others), inside[0], d, 0), SCALAR)


def _frobenius(a: Notation, b: Notation, ndim: int) -> Notation:
    if ndim < 2:
        return chain((a, ndim == 1), (b, False)) if ndim else scaled(1.0, [a, b], None)
    return Call("tr", r"\operatorname{tr}", (chain((a, True), (b, False)),))


def _chain(g: Notation | None, form: Chain, d: Differential, ndim: int) -> Moved | None:
    places = [k for k, (factor, _) in enumerate(form.factors) if _has(factor, d)]
    if len(places) != 1:
        return None
    k = places[0]
    factor, flag = form.factors[k]
    left, right = form.factors[:k], form.factors[k + 1 :]
    turned_left, turned_right = _turned(left), _turned(right)
    whole = g is not None and ndim and not (g == IDENTITY and (left or right))
    middle = [(g, False)] if whole and g is not None else []
    product = chain(*turned_left, *middle, *turned_right)
    if g is not None and not ndim:
        product = scaled(1.0, [g], product)
    if flag:
        product = transposed(product)
    rules = []
    if left and ndim:
        rules.append(LEFT + (SYMMETRIC if all(_is_symmetric(f) for f, _ in left) else ""))
    if right and ndim:
        rules.append(RIGHT)
    if not ndim:
        rules += [OWN_TRANSPOSE] if flag else []
        rules.append(BETWEEN if left and right else INNER)
    if flag and ndim:
        rules.append(TRANSPOSE)
    return _then(moved(product, factor, d, _axes_of(factor, product)), *rules)


def _turned(factors: tuple[tuple[Notation, bool], ...]) -> list[tuple[Notation, bool]]:
    """The product transposed: in the other order, each factor turned unless it is symmetric."""
    return [(f, False if _is_symmetric(f) else not t) for f, t in reversed(factors)]


def _is_symmetric(n: Notation) -> bool:
    if isinstance(n, Atom):
        return n.symmetric
    if isinstance(n, Power):
        return _is_symmetric(n.base)
    if isinstance(n, Scaled):
        return n.body is not None and _is_symmetric(n.body)
    if isinstance(n, Sum):
        return all(map(_is_symmetric, n.terms))
    return isinstance(n, Call) and n.name in ("diag", "Diag")


def _axes_of(factor: Notation, product: Notation) -> int:
    """How many axes the factor of a product has: a matrix, unless it is read as a column."""
    return 2 if isinstance(factor, (Call, Chain, Transposed, Hadamard, Sum, Quotient)) else 1


def _hadamard(g: Notation | None, form: Hadamard, d: Differential, ndim: int) -> Moved | None:
    inside = [f for f in form.factors if _has(f, d)]
    if len(inside) != 1:
        return None
    others = [f for f in form.factors if f is not inside[0]]
    product = hadamard([*([] if g is None else [g]), *others], ndim)
    return _then(moved(product, inside[0], d, ndim), ENTRYWISE)


def _quotient(g: Notation | None, form: Quotient, d: Differential, ndim: int) -> Moved | None:
    if _has(form.bottom, d):
        return None
    below = Quotient(Number(1.0), form.bottom, form.entrywise)
    if form.entrywise:
        product = hadamard([*([] if g is None else [g]), below], ndim)
        return _then(moved(product, form.top, d, ndim), ENTRYWISE)
    return moved(_times(g, below), form.top, d, ndim)


def _transposed(g: Notation | None, form: Transposed, d: Differential, ndim: int) -> Moved | None:
    if g is None:
        return None
    return _then(moved(transposed(g), form.inner, d, ndim), TRANSPOSE)


def _call(g: Notation | None, form: Call, d: Differential, ndim: int) -> Moved | None:
    (inner, *more) = form.arguments
    if more:
        return None
    if form.name == "tr":
        done = _of_trace(inner, d)
        return done and Moved(scaled(1.0, [] if g is None else [g], done.adjoint), done.rules)
    if form.name == "diag" and g is not None:
        return _then(moved(_diagonal_of(g), inner, d, 1), DIAGONAL)
    if form.name == "diagonal" and g is not None:
        turned = Call("diag", r"\operatorname{diag}", (g,))
        return _then(moved(turned, inner, d, 2), ON_DIAGONAL)
    return None


def _of_trace(form: Notation, d: Differential) -> Moved | None:
    """G with tr(form) = G : d."""
    if isinstance(form, Sum):
        done = [_of_trace(term, d) for term in form.terms]
        adjoints = [m.adjoint for m in done if m is not None]
        rules = tuple(dict.fromkeys(r for m in done if m is not None for r in m.rules))
        return Moved(sum_of(adjoints), rules) if len(adjoints) == len(done) else None
    if (
        isinstance(form, Scaled)
        and form.body is not None
        and not any(_has(x, d) for x in form.scalars)
    ):
        inner = _of_trace(form.body, d)
        return inner and Moved(scaled(form.number, form.scalars, inner.adjoint), inner.rules)
    if form == d or form == Transposed(d):
        return Moved(IDENTITY, ("tr(A) = I : A",))
    if not isinstance(form, Chain):
        return None
    done = _chain(None, form, d, 2)
    kept = [r for r in done.rules if not r.startswith((LEFT, RIGHT))] if done else []
    around = [] if form.factors[-1] == (d, False) else [CYCLIC]
    return done and Moved(done.adjoint, (*around, TRACE, *kept))


def with_change_last(term: Notation, d: Differential) -> Moved | None:
    """tr(L dX R) as tr(R L dX), and tr(L dXᵀ R) as tr(Lᵀ Rᵀ dX); None where that is no move."""
    if isinstance(term, Scaled) and term.body is not None:
        inner = with_change_last(term.body, d)
        return inner and Moved(scaled(term.number, term.scalars, inner.adjoint), inner.rules)
    inner = term.arguments[0] if isinstance(term, Call) and term.name == "tr" else None
    if isinstance(inner, Scaled) and inner.body is not None:
        number, scalars, inner = inner.number, inner.scalars, inner.body
    else:
        number, scalars = 1.0, ()
    if not isinstance(inner, Chain) or inner.factors[-1] == (d, False):
        return None
    place = next((k for k, (f, _) in enumerate(inner.factors) if f == d), None)
    if place is None:
        return None
    assert isinstance(term, Call)
    left, right = inner.factors[:place], inner.factors[place + 1 :]
    turned = inner.factors[place][1]
    if turned:
        product = chain(*_turned(left), *_turned(right), (d, False))
        rules = (*([CYCLIC] if left else []), TURNED_TRACE)
    else:
        product, rules = chain(*right, *left, (d, False)), (CYCLIC,)
    return Moved(scaled(number, scalars, Call(term.name, term.latex, (product,))), rules)


def _diagonal_of(g: Notation) -> Notation:
    if isinstance(g, Call) and g.name == "diag":
        return g.arguments[0]
    return Call("diagonal", r"\operatorname{diagonal}", (g,))


_STEPS = {
    Scaled: _scaled,
    Chain: _chain,
    Hadamard: _hadamard,
    Quotient: _quotient,
    Transposed: _transposed,
    Call: _call,
}
