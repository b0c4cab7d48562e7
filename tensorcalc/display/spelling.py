"""Spelling a notation tree: what stands where, and which pieces need brackets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tensorcalc.display.latex import Latex, latex_name
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Call,
    Chain,
    Differential,
    Entry,
    Hadamard,
    Indexed,
    Indicator,
    Infix,
    Inverse,
    Kronecker,
    Norm,
    Notation,
    Number,
    Partial,
    Power,
    Quotient,
    Raised,
    Relation,
    Scaled,
    Sum,
    Transposed,
    is_negative,
    negated,
    transposed,
)
from tensorcalc.display.script import Spelling
from tensorcalc.display.text import UnicodeText

__all__ = ["LATEX", "TEXT", "Spelling", "latex_name", "spell", "spell_between"]

TEXT, LATEX = UnicodeText(), Latex()

# how tightly a piece binds: a piece that binds less than its place needs brackets
RELATION, SUM, HADAMARD, PRODUCT, POSTFIX, ATOM = range(6)

# what a sign asks of the pieces beside it, and how tightly the whole then binds
_SIGNS = {
    "+": (SUM, SUM), "−": (HADAMARD, SUM), "·": (PRODUCT, HADAMARD), ":": (PRODUCT, HADAMARD),
    "∘": (PRODUCT, HADAMARD), "⊙": (PRODUCT, HADAMARD), "⊗": (PRODUCT, HADAMARD),
    " ": (POSTFIX, PRODUCT), "": (POSTFIX, POSTFIX),
}  # fmt: skip
_RELATION = (SUM, RELATION)


def spell(notation: Notation, spelling: Spelling = TEXT) -> str:
    """The notation as one line."""
    return _spell(notation, spelling)[0]


def spell_between(notation: Notation, spelling: Spelling, signs: Iterable[str]) -> str:
    """The notation as it stands beside these signs: in brackets where they bind tighter."""
    return _at(notation, spelling, max((_SIGNS.get(s, (RELATION, 0))[0] for s in signs), default=0))


def _at(notation: Notation, spelling: Spelling, needed: int) -> str:
    text, binding = _spell(notation, spelling)
    return spelling.brackets(text) if binding < needed else text


def _spell(n: Notation, s: Spelling) -> tuple[str, int]:
    text, binding = _SPELLERS[type(n)](n, s)
    return (s.ellipsis, ATOM) if len(text) > s.longest else (text, binding)


def _atom(n: Atom, s: Spelling) -> tuple[str, int]:
    return s.atom(n.name), ATOM


def _number(n: Number, s: Spelling) -> tuple[str, int]:
    return s.number(n.value), SUM if n.value < 0 else ATOM


def _transposed(n: Transposed, s: Spelling) -> tuple[str, int]:
    return s.marked(_at(n.inner, s, ATOM), "ᵀ"), POSTFIX


def _chain(n: Chain, s: Spelling) -> tuple[str, int]:
    parts = [_at(transposed(factor) if flag else factor, s, POSTFIX) for factor, flag in n.factors]
    return s.joined(" ", parts), PRODUCT


def _hadamard(n: Hadamard, s: Spelling) -> tuple[str, int]:
    return s.joined("⊙", [_at(factor, s, PRODUCT) for factor in n.factors]), HADAMARD


def _quotient(n: Quotient, s: Spelling) -> tuple[str, int]:
    if n.entrywise:
        return s.joined("⊘", [_at(n.top, s, HADAMARD), _at(n.bottom, s, PRODUCT + 1)]), HADAMARD
    return _fraction(_at(n.top, s, RELATION if s.stacks else PRODUCT), [n.bottom], s), PRODUCT


def _fraction(top: str, bottoms: list[Notation], s: Spelling) -> str:
    if len(bottoms) == 1:
        return s.fraction(top, _at(bottoms[0], s, RELATION if s.stacks else POSTFIX))
    below = s.joined(" ", [_at(b, s, PRODUCT if s.stacks else POSTFIX) for b in bottoms])
    return s.fraction(top, below if s.stacks else s.brackets(below))


def _scaled(n: Scaled, s: Spelling) -> tuple[str, int]:
    if n.number < 0:
        around = SUM if _ends_in_sum(n) else HADAMARD
        around = PRODUCT if n.number == -1 and isinstance(n.body, Kronecker) else around
        return s.negative(_at(negated(n), s, around)), SUM
    bottoms = [f.bottom for f in n.scalars if isinstance(f, Quotient)]
    tops = [f.top if isinstance(f, Quotient) else f for f in n.scalars]
    tops = [t for t in tops if not (isinstance(t, Number) and t.value == 1)]
    number = [] if n.number == 1 and (tops or n.body is not None) else [Number(n.number)]
    body = [] if n.body is None else [n.body]
    alone = len(number) + len(tops) + len(body) == 1
    if alone and not bottoms:
        return _spell((number + tops + body)[0], s)
    # a Hadamard product may stand unbracketed behind a number: 2 u ⊙ v
    opens = isinstance(n.body, (Hadamard, Quotient, Kronecker))
    loose = HADAMARD if opens and not bottoms else PRODUCT
    loose = SUM if _ends_in_sum(n) else loose
    parts = [_at(p, s, PRODUCT if alone else POSTFIX) for p in number + tops]
    parts += [_at(p, s, HADAMARD if alone else loose) for p in body]
    text = s.joined(" ", parts)
    if bottoms:
        return _fraction(text, bottoms, s), PRODUCT
    return text, loose


def _ends_in_sum(n: Notation) -> bool:
    """Whether a term ends in Σ over all that follows."""
    if isinstance(n, Scaled) and not any(isinstance(f, Quotient) for f in n.scalars):
        n = n.body or n
    return isinstance(n, BigSum)


def _sum(n: Sum, s: Spelling) -> tuple[str, int]:
    text = _at(n.terms[0], s, HADAMARD if _ends_in_sum(n.terms[0]) else SUM)
    for term in n.terms[1:]:
        sign, shown = ("−", negated(term)) if is_negative(term) else ("+", term)
        text = s.joined(sign, [text, _at(shown, s, HADAMARD)])
    return text, SUM


def _power(n: Power, s: Spelling) -> tuple[str, int]:
    if n.ndim > 1 and n.exponent == 2:  # A² would be the matrix product
        return _hadamard(Hadamard((n.base, n.base)), s)
    return s.power(_at(n.base, s, ATOM), n.exponent, n.ndim), POSTFIX


def _call(n: Call, s: Spelling) -> tuple[str, int]:
    return s.call(n.name, n.latex, [_spell(a, s)[0] for a in n.arguments], n.extra), ATOM


def _inverse(n: Inverse, s: Spelling) -> tuple[str, int]:
    return s.marked(_at(n.inner, s, ATOM), "⁻ᵀ" if n.flipped else "⁻¹"), POSTFIX


def _kronecker(n: Kronecker, s: Spelling) -> tuple[str, int]:
    return s.joined("⊗", [_at(n.left, s, PRODUCT), _at(n.right, s, PRODUCT)]), HADAMARD


def _raised(n: Raised, s: Spelling) -> tuple[str, int]:
    return s.raised(
        _at(n.base, s, ATOM), _at(n.exponent, s, RELATION if s.stacks else ATOM)
    ), POSTFIX


def _relation(n: Relation, s: Spelling) -> tuple[str, int]:
    return s.condition(s.joined(n.sign, [_spell(n.left, s)[0], _spell(n.right, s)[0]])), ATOM


def _norm(n: Norm, s: Spelling) -> tuple[str, int]:
    return s.norm(_spell(n.inner, s)[0]), ATOM


def _indexed(n: Indexed, s: Spelling) -> tuple[str, int]:
    return s.indexed(n.name, n.letters), ATOM


def _indicator(n: Indicator, s: Spelling) -> tuple[str, int]:
    return s.indicator(n.left, n.right), ATOM


def _big_sum(n: BigSum, s: Spelling) -> tuple[str, int]:
    return s.big_sum(n.letters, _at(n.body, s, PRODUCT)), SUM


def _infix(n: Infix, s: Spelling) -> tuple[str, int]:
    needed, binding = _SIGNS.get(n.sign, _RELATION)
    return s.joined(n.sign, [_at(part, s, needed) for part in n.parts]), binding


def _partial(n: Partial, s: Spelling) -> tuple[str, int]:
    by = [(_at(b, s, ATOM), len(list(group))) for b, group in itertools.groupby(n.by)]
    whole = s.partial(len(n.by), _at(n.of, s, ATOM), by)
    return s.holding(whole, [_at(h, s, ATOM) for h in n.held]) if n.held else whole, POSTFIX


def _differential(n: Differential, s: Spelling) -> tuple[str, int]:
    return s.differential(_at(n.of, s, ATOM)), ATOM


def _entry(n: Entry, s: Spelling) -> tuple[str, int]:
    return s.entry(n.letters), ATOM


_SPELLERS = {
    Atom: _atom,
    Number: _number,
    Transposed: _transposed,
    Chain: _chain,
    Hadamard: _hadamard,
    Quotient: _quotient,
    Scaled: _scaled,
    Sum: _sum,
    Power: _power,
    Call: _call,
    Inverse: _inverse,
    Kronecker: _kronecker,
    Norm: _norm,
    Raised: _raised,
    Relation: _relation,
    Indexed: _indexed,
    Indicator: _indicator,
    BigSum: _big_sum,
    Infix: _infix,
    Partial: _partial,
    Differential: _differential,
    Entry: _entry,
}
