"""A product as a tensor network: factors are vertices, summed indices edges, free ones legs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tensorcalc.derivative import Derivative
from tensorcalc.display import describe
from tensorcalc.display.derivative import letters_of
from tensorcalc.display.letters import number_text, summation_letters, value_letters
from tensorcalc.expr import Add, Constant, Definition, Delta, Einsum, Expr, Ones
from tensorcalc.plot.given import read_quantity
from tensorcalc.plot.picture import Picture
from tensorcalc.plot.svg import Drawing, text_width
from tensorcalc.presentation import view_of
from tensorcalc.structure import quantity_names
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of

__all__ = ["network"]

_MOST_TERMS = 4
_LEG, _RADIUS, _STEP = 46.0, 19.0, 56.0


@dataclass(frozen=True)
class _Factor:
    """A vertex: what it is called and the letters of its axes."""

    label: str
    letters: tuple[str, ...]
    dot: bool


@dataclass(frozen=True)
class _Term:
    """A product: its number, its factors, and the letters that stay free."""

    number: float
    factors: tuple[_Factor, ...]


@dataclass(frozen=True)
class _Strand:
    """An index: the factors that hold it, and its leg: −1 up, 1 down, 0 none.

    ``height`` is how far it reaches; of the ``crowd`` of strands that stand in one place,
    ``count`` came before it.
    """

    letter: str
    at: tuple[int, ...]
    leg: int
    height: float
    count: int
    crowd: int = 1

    @property
    def aside(self) -> float:
        """From −1 to 1 and beyond: how far from the middle of the crowd it stands."""
        return self.count - (self.crowd - 1) / 2


def network(q: Tensor | Derivative) -> Picture:
    """The product that a quantity or a derivative is, as a tensor network.

    Factors are vertices and summed indices edges between them; free indices are legs: those of
    the value point up, those of an argument down. A Kronecker delta is a dot, and so is a place
    where more than two axes share an index. The terms of a sum stand below each other.
    """
    q = read_quantity(q, "tc.plot.network")
    if isinstance(q, Derivative):
        value, title = q.value, q.title
        view = view_of(q)
        letters, up = letters_of(view), q.of.expr.ndim
    else:
        value = q.expr.body if isinstance(q.expr, Definition) else q.expr
        title = name_of(q)
        letters, up = value_letters(value.ndim, quantity_names([value])), value.ndim
    whole = value.terms if isinstance(value, Add) else (value,)
    terms = [_read(term, letters) for term in whole[:_MOST_TERMS]]
    legs = {letter: -1 if k < up else 1 for k, letter in enumerate(letters)}
    drawing = Drawing()
    top = 0.0
    for k, term in enumerate(terms):
        top = _draw_term(drawing, term, top, legs, first=not k)
    if len(whole) > len(terms):
        more = len(whole) - len(terms)
        drawing.words(0, top, f"+ {more} more terms", 13, "quiet", "start")
    drawing.words(
        drawing.left, drawing.top - 14, f"{title} as a tensor network", 13, "ink", "start"
    )
    return drawing.picture(title, _alternative(title, terms, letters, len(whole)))


# ── reading ──────────────────────────────────────────────────────────────────────────────


def _read(term: Expr, letters: Sequence[str]) -> _Term:
    """The factors of a product, and of the products that stand in it."""
    free = summation_letters({*letters, *quantity_names([term])})
    number, factors = 1.0, []
    waiting = [(term, tuple(letters))]
    while waiting:
        e, own = waiting.pop(0)
        if isinstance(e, Constant) and not e.ndim:
            number *= e.number
        elif isinstance(e, Einsum):
            letter = dict(zip(e.output, own, strict=True))
            letter |= {index: next(free) for index in e.summed}
            inner = [tuple(letter[i] for i in indices) for indices in e.inputs]
            waiting[:0] = zip(e.operands, inner, strict=True)
        else:
            factors.append(_factor(e, own))
    return _Term(number, tuple(factors))


def _factor(e: Expr, letters: tuple[str, ...]) -> _Factor:
    if isinstance(e, Delta):
        return _Factor(f"I[{'='.join(letters)}]", letters, dot=True)
    if isinstance(e, Ones):
        return _Factor("1", letters, dot=False)
    return _Factor(describe(e, 18), letters, dot=False)


# ── drawing ──────────────────────────────────────────────────────────────────────────────


def _draw_term(
    drawing: Drawing, term: _Term, top: float, legs: dict[str, int], *, first: bool
) -> float:
    """One product below ``top``; returns where the next may start."""
    strands = _strands(term, legs)
    above = max((s.height for s in strands if s.leg < 0), default=0.0)
    y = top + _RADIUS + above
    x = 0.0
    number = abs(term.number)
    sign = "−" if term.number < 0 else "" if first else "+"
    lead = sign + (number_text(number) if number != 1 or not term.factors else "")
    if lead:
        drawing.words(x, y + 6, lead, 17, "ink", "start")
        x += text_width(lead, 17) + 18
    places: list[float] = []
    for factor in term.factors:
        half = _half(factor)
        places.append(x + half)
        x += 2 * half + _STEP
    for strand in strands:
        _draw_strand(drawing, strand, places, y)
    for factor, place in zip(term.factors, places, strict=True):
        _draw_factor(drawing, factor, place, y)
    return y + _RADIUS + max((s.height for s in strands if s.leg >= 0), default=0.0) + 30


def _half(factor: _Factor) -> float:
    """Half the width of a factor."""
    return 14.0 if factor.dot else max(_RADIUS, text_width(factor.label, 14) / 2 + 8)


def _strands(term: _Term, legs: dict[str, int]) -> list[_Strand]:
    """Every index with the factors that hold it; those alike in place are set apart."""
    holders: dict[str, list[int]] = {}
    for k, factor in enumerate(term.factors):
        for letter in factor.letters:
            holders.setdefault(letter, []).append(k)
    found: list[tuple[object, _Strand]] = []
    met: dict[object, int] = {}
    for letter, at in holders.items():
        leg = legs.get(letter, 0)
        joined = len(at) > 2 or (len(at) == 2 and leg)
        place = ("joint", leg) if joined else (at[0], at[-1], leg)
        count = met[place] = met.get(place, -1) + 1
        if joined:
            height = 30.0 + 22 * count + (24 if leg else 12)
        elif len(at) == 1:
            height = _LEG
        else:
            height = 24.0 if at[0] == at[1] else _bow(at, count) / 2
        found.append((place, _Strand(letter, tuple(at), leg, height, count)))
    return [replace(strand, crowd=met[place] + 1) for place, strand in found]


def _bow(at: Sequence[int], count: int) -> float:
    """How far an edge hangs down: past the factors between, and below other edges."""
    return 50.0 * count + (70.0 + 12 * (at[1] - at[0]) if at[1] - at[0] > 1 else 0.0)


def _draw_strand(drawing: Drawing, strand: _Strand, places: Sequence[float], y: float) -> None:
    """An index: an edge, a leg, or a dot where several meet."""
    ends = [places[k] for k in strand.at]
    direction = strand.leg or 1
    if len(ends) == 1:
        x = ends[0] + 26 * strand.aside
        tip = y + direction * (_RADIUS + _LEG)
        drawing.line((ends[0], y), (x, tip), look="strong" if strand.leg else "line")
        if not strand.leg:  # summed over one factor alone
            drawing.circle(x, tip, 4, "dot")
        _letter(drawing, strand, x, tip - direction * 4)
    elif len(ends) == 2 and not strand.leg:
        _draw_edge(drawing, strand, ends, y)
    else:
        middle = sum(ends) / len(ends)
        middle += _RADIUS * 1.5 if any(abs(middle - end) < 8 for end in ends) else 0
        x = middle + 34 * strand.aside
        joint = (x, y + direction * (_RADIUS + 18 + 22 * strand.count))
        for end in ends:
            drawing.line((end, y), joint)
        drawing.circle(*joint, 4, "dot")
        tip = y + direction * (_RADIUS + strand.height) if strand.leg else joint[1] + 8
        if strand.leg:
            drawing.line(joint, (x, tip), look="strong")
        _letter(drawing, strand, x, tip - direction * 4)


def _draw_edge(drawing: Drawing, strand: _Strand, ends: Sequence[float], y: float) -> None:
    start, end = ends
    if start == end:  # a trace
        drawing.loop(start, y, _RADIUS + 12)
        _letter(drawing, strand, start + 10, y + _RADIUS + 20)
        return
    bow = _bow(strand.at, strand.count)
    drawing.arc((start, y), (end, y), bow)
    _letter(drawing, strand, (start + end) / 2 - 8, y + bow / 2 - 10)


def _letter(drawing: Drawing, strand: _Strand, x: float, y: float) -> None:
    look = "hot math" if strand.leg else "quiet math"
    drawing.words(x + 9, y + 4, strand.letter, 13, look)


def _draw_factor(drawing: Drawing, factor: _Factor, x: float, y: float) -> None:
    if factor.dot:
        drawing.circle(x, y, 6, "dot")
        drawing.words(x - 10, y + 14, factor.label, 12, "quiet math", "end")
        return
    half = _half(factor)
    drawing.rectangle(x - half, y - _RADIUS, 2 * half, 2 * _RADIUS, "full", rounded=_RADIUS)
    drawing.words(x, y + 5, factor.label, 14, "ink math")


def _alternative(title: str, terms: list[_Term], letters: Sequence[str], whole: int) -> str:
    def told(term: _Term) -> str:
        factors = [
            f.label if f.dot else f"{f.label} with {', '.join(f.letters) or 'no axes'}"
            for f in term.factors
        ]
        held = dict.fromkeys(letter for f in term.factors for letter in f.letters)
        summed = [letter for letter in held if letter not in letters]
        words = " times ".join([*([f"{term.number:g}"] if term.number != 1 else []), *factors])
        return (words or "1") + (f", summed over {', '.join(summed)}" if summed else "")

    free = f", free in {', '.join(letters)}" if letters else ""
    more = f"; plus {whole - len(terms)} more terms" if whole > len(terms) else ""
    return f"{title}{free}: " + "; plus ".join(map(told, terms)) + more
