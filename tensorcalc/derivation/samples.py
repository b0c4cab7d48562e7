"""Finding the samples of a batch: L = c Σ_s l_s, and the axis of Z along which they lie.

The samples lie along the axis that a delta ties to the losses: ∂l_k/∂Z_js = I[k=s] G[s, j]. Where
L is one number, its sum over samples is undone to give the losses. Nothing is guessed: what could
be read in two ways is left open, with both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tensorcalc.chain import differentiate
from tensorcalc.derivation.scribe import name_notation
from tensorcalc.derivation.stages import dependents
from tensorcalc.derivative import Derivative
from tensorcalc.display.document import Prose, Section
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Einsum,
    Expr,
    Ones,
    Variable,
    add,
    hadamard,
    power,
    product,
    toposort,
)
from tensorcalc.functions import inverse_or_zero
from tensorcalc.shapes import Dim
from tensorcalc.structure import quantity_names, tied_axes
from tensorcalc.tensor import Tensor

__all__ = [
    "Losses",
    "Reading",
    "axis_of_samples",
    "batch_sections",
    "one_over",
    "samples_word",
    "tied_to",
]


@dataclass(frozen=True)
class Losses:
    """L = scale · Σ_s each[s] + rest, where ``rest`` does not depend on Z (None for none).

    ``scale`` is None for a plain sum; ``named`` says that the program has the losses by name.
    ``each`` is None where L is no sum over samples: then ``obstacle`` is what is no sum.
    """

    each: Expr | None
    scale: Expr | None = None
    rest: Expr | None = None
    obstacle: Expr | None = None

    @property
    def named(self) -> bool:
        """Whether the program has the losses by name."""
        return isinstance(self.each, (Definition, Variable))


def tied_to(each: Expr, quantity: Expr) -> int | None:
    """The axis of a quantity along which its entries act on the loss of one sample only."""
    if quantity is each:
        return 0
    ties = tied_axes(differentiate(each, quantity))
    axes = sorted(q - 1 for p, q in ties if p == 0)
    return axes[0] if axes else None


def losses_of(of: Expr, wrt: Expr) -> Iterator[tuple[Losses, int | None]]:
    """The ways in which a scalar is a sum of losses, and the axis of ``wrt`` that each is tied to.

    A way that is tied to no axis is among them: there samples are coupled.
    """
    terms, rest, obstacle = _terms(of, wrt)
    if obstacle is not None or not terms:
        yield Losses(None, obstacle=obstacle), None
        return
    known = [[(way, tied_to(way[0], wrt)) for way in t.ways()] for t in terms]
    for axis, dim in enumerate(wrt.shape):
        tied = [next((way for way, q in ways if q == axis), None) for ways in known]
        some = [next((way for way, _ in ways if way[0].shape[0] == dim), None) for ways in known]
        for choice, q in ((tied, axis), (some, None)):
            found = [c for c in choice if c is not None]
            if len(found) == len(terms):
                split = [_split(t, *way) for t, way in zip(terms, found, strict=True)]
                yield _joined(split, rest), q
                break


# ── undoing the sum ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Term:
    """A number, scalar factors, and a sum of a product over all of its indices."""

    number: float
    factors: tuple[Expr, ...]
    summed: Einsum

    def ways(self) -> list[tuple[Expr, tuple[Dim, ...]]]:
        """The product with one index kept, and the sizes of those that are still summed."""
        s = self.summed
        return [
            (_kept(s, index), tuple(s.dims[i] for i in s.summed if i != index))
            for index in s.summed
        ]


def _kept(s: Einsum, index: int) -> Expr:
    """The product with one index kept; ones that only repeat it are left out."""
    pairs = [*zip(s.operands, s.inputs, strict=True)]
    others = [p for p in pairs if not (isinstance(p[0], Ones) and p[1] == (index,))]
    if any(index in indices for _, indices in others):
        pairs = others
    return product([p[0] for p in pairs], [p[1] for p in pairs], (index,))


def _terms(of: Expr, wrt: Expr) -> tuple[list[_Term], list[Expr], Expr | None]:
    """The sums that a scalar is made of, what does not depend on ``wrt``, what is no sum."""
    found: list[_Term] = []
    rest: list[Expr] = []
    waiting: list[tuple[Expr, float, tuple[Expr, ...]]] = [(of, 1.0, ())]
    depends = dependents(toposort([of], lambda n: n is wrt), {wrt}, {wrt})
    while waiting:
        e, number, factors = waiting.pop(0)
        if e not in depends:
            rest.append(hadamard(Constant(number), *factors, e))
        elif isinstance(e, Definition):
            waiting.append((e.body, number, factors))
        elif isinstance(e, Add):
            waiting += [(term, number, factors) for term in e.terms]
        elif isinstance(e, Einsum):
            scalars = [f for f, ix in zip(e.operands, e.inputs, strict=True) if not ix]
            whole = [(f, ix) for f, ix in zip(e.operands, e.inputs, strict=True) if ix]
            numbers = [f.number for f in scalars if isinstance(f, Constant)]
            others = [f for f in scalars if not isinstance(f, Constant)]
            for n in numbers:
                number *= n
            moving = [f for f in others if f in depends]
            fixed = (*factors, *(f for f in others if f not in depends))
            if len(moving) == 1 and not whole:
                waiting.append((moving[0], number, fixed))
            elif moving or not whole:
                return [], rest, e
            else:
                summed = Einsum([f for f, _ in whole], [ix for _, ix in whole], ())
                found.append(_Term(number, fixed, summed))
        else:
            return [], rest, e
    return found, rest, None


def _split(t: _Term, each: Expr, others: Sequence[Dim]) -> tuple[Expr | None, Expr]:
    """The factor of the mean, 1/m, and the loss with every other factor."""
    m = each.shape[0]
    number, factors = t.number, list(t.factors)
    scale: Expr | None = next((f for f in factors if _is_one_over(f, m)), None)
    if scale is not None:
        factors.remove(scale)
    elif isinstance(m, int) and m > 1 and not (abs(number) == 0.5 and m == 2 and others):
        counts = [n for n in others if isinstance(n, int)]
        all_of_them = 1
        for n in counts:
            all_of_them *= n
        share = number * m
        if any(abs(abs(share) * k - 1) < 1e-12 for k in (1, 2, all_of_them, 2 * all_of_them)):
            scale, number = Constant(1 / m), share
    number = float(f"{number:.15g}")  # ⅕ · 5 is 1
    front = [Constant(number)] if number != 1 else []
    return scale, hadamard(*front, *factors, each) if front or factors else each


def _is_one_over(e: Expr, m: Dim) -> bool:
    return e is one_over(m) or e is inverse_or_zero(_count(m))


def one_over(m: Dim) -> Expr:
    """1/m, for a number or a name."""
    return Constant(1 / m) if isinstance(m, int) else power(-1.0)(_count(m))


def _count(m: Dim) -> Expr:
    return Einsum((Ones(m),), ((0,),), ())


def _joined(scaled: list[tuple[Expr | None, Expr]], rest: list[Expr]) -> Losses:
    """One vector of losses from the terms, with a factor that all of them have in front."""
    scales = {scale for scale, _ in scaled}
    if len(scales) == 1:
        each, scale = add(*(e for _, e in scaled)), scales.pop()
    else:
        each, scale = add(*(hadamard(s, e) if s is not None else e for s, e in scaled)), None
    return Losses(each, scale, add(*rest) if rest else None)


# ── which axis ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reading:
    """The losses, the axis of Z along which samples lie (None where it is open), and why.

    ``tied`` is False where samples are coupled. ``open_axes`` are those that would do.
    """

    losses: Losses
    axis: int | None
    tied: bool
    why: str = ""
    open_axes: tuple[int, ...] = ()


def axis_of_samples(of: Expr, wrt: Expr, axis: int | None = None) -> Reading:
    """The samples of ``wrt`` in ``of``, a scalar or the vector of losses itself."""
    ways = [(Losses(of), tied_to(of, wrt))] if of.ndim else list(losses_of(of, wrt))
    if not ways or ways[0][0].each is None:
        return _no_losses(of, wrt, ways[0][0] if ways else Losses(None), axis)
    readings = [
        Reading(way, q, tied=True) for way, q in ways if q is not None and axis in (None, q)
    ]
    if not readings:
        return _coupled([way for way, _ in ways], wrt, axis)
    if len(readings) == 1:
        return _confirmed(of, wrt, readings[0], [way for way, _ in ways], axis)
    return _narrowed(of, wrt, readings)


def _confirmed(
    of: Expr, wrt: Expr, reading: Reading, ways: Sequence[Losses], axis: int | None
) -> Reading:
    """The one axis whose entries act on one loss each, unless a bias says that it is another.

    A batch norm keeps features apart as a softmax keeps samples apart; losses with a name or a
    bias tell which it is.
    """
    acts = replace(reading, why="each of them acts on one loss only")
    if of.ndim or axis is not None or reading.losses.named:
        return acts
    repeated = _biases(of, wrt)
    if repeated and all(q != reading.axis for q, _ in repeated):
        q, name = repeated[0]
        coupled = _coupled(ways, wrt, q)
        return replace(coupled, why=f"{name} is the same for all of them")
    others = [q for q in range(wrt.ndim) if q != reading.axis and wrt.shape[q] != 1]
    if repeated or not others or wrt.ndim != 2:
        return acts
    word = ("rows", "columns")[others[0]]
    caution = f"of its {word} (axis={others[0]}) that was not found"
    return replace(acts, why=f"{acts.why}; {caution}")


def _no_losses(of: Expr, wrt: Expr, found: Losses, axis: int | None) -> Reading:
    """L is no sum over samples; a bias may tell along which axis they lie."""
    repeated = dict(_biases(of, wrt))
    if axis is None and len(repeated) == 1:
        (axis, name), *_ = repeated.items()
        return Reading(found, axis, tied=False, why=f"{name} is the same for all of them")
    return Reading(found, axis, tied=False)


def _coupled(ways: Sequence[Losses], wrt: Expr, axis: int | None) -> Reading:
    """Losses that depend on several samples; a named vector of them says which axis."""
    fitting = [
        (way, q)
        for way in sorted(ways, key=lambda w: not w.named)
        for q, dim in enumerate(wrt.shape)
        if way.each is not None and way.each.shape[0] == dim and axis in (None, q)
    ]
    if not fitting:
        return Reading(Losses(None), axis, tied=False)
    sure = {q for way, q in fitting if way.named} or {q for _, q in fitting}
    way, q = fitting[0]
    if len(sure) > 1:
        return Reading(way, None, tied=False, open_axes=tuple(sorted(sure)))
    return Reading(next(w for w, p in fitting if p in sure), q, tied=False)


def _narrowed(of: Expr, wrt: Expr, readings: list[Reading]) -> Reading:
    """Of several axes, the one along which all stages keep samples apart, or biases repeat."""
    stages = [
        n
        for n in toposort([of])
        if isinstance(n, Definition) and n.ndim == 2 and n is not wrt and wrt.ndim == 2
    ]
    kept = [r for r in readings if all(_keeps_apart(r, n) for n in stages)]
    if len(kept) == 1:
        return replace(kept[0], why="the layers mix what lies along the other axis")
    repeated = {axis for axis, _ in _biases(of, wrt)}
    named = [name for _, name in _biases(of, wrt)]
    chosen = [r for r in kept or readings if r.axis in repeated]
    if len(chosen) == 1 and len(repeated) == 1:
        return replace(chosen[0], why=f"{' and '.join(named)} is the same for all of them")
    return replace(readings[0], axis=None, open_axes=tuple(r.axis or 0 for r in readings))


def _keeps_apart(r: Reading, stage: Expr) -> bool:
    each = r.losses.each
    return each is None or stage not in toposort([each]) or tied_to(each, stage) is not None


def _biases(of: Expr, wrt: Expr) -> list[tuple[int, str]]:
    """Vectors that a term of ``wrt`` repeats along an axis: b 1ᵀ along the columns."""
    found: dict[tuple[int, str], None] = {}
    body = wrt.body if isinstance(wrt, Definition) else wrt
    for node in toposort([body], lambda n: isinstance(n, Definition)):
        if not isinstance(node, Add) or node.shape != wrt.shape:
            continue
        for term in node.terms:
            if isinstance(term, Einsum):
                found |= dict.fromkeys(_repeats(term))
    return list(found)


def _repeats(term: Einsum) -> Iterator[tuple[int, str]]:
    """The axes along which a term is repeated; of b (1) repeated to 1 × 5 the longer one only."""
    names = sorted(quantity_names([term]))
    pairs = list(zip(term.operands, term.inputs, strict=True))
    repeated = [
        axis
        for axis, index in enumerate(term.output)
        if all(isinstance(f, Ones) for f, indices in pairs if index in indices)
    ]
    if any(isinstance(n, Variable) and n.ndim for n in toposort([term])):
        repeated = [axis for axis in repeated if term.shape[axis] != 1] or repeated
    if names:
        yield from ((axis, names[0]) for axis in repeated)


def batch_sections(d: Derivative, told: Expr) -> tuple[Section, ...]:
    """What is said unasked of one number by a batch: that it is no Jacobian; else nothing.

    ``told`` is the value as the derivation calls it.
    """
    of, (wrt, *more) = d.of, d.arguments
    is_stage = isinstance(wrt.expr, Definition) and wrt.expr.ndim == 2
    if of.expr.ndim or more or not is_stage or len(d.contributions) > 1 or d.is_partial:
        return ()
    reading = axis_of_samples(of.expr, wrt.expr)
    if not reading.tied:
        return ()
    axes = (0, 1) if reading.axis is None else (reading.axis,)
    samples = " or ".join(f"{samples_word(wrt, q)}s" for q in axes)
    value, batch = name_notation(told), name_notation(wrt.expr)
    words: Prose = (
        value, " is one number, a sum over the ", samples, " of ", batch,
        ": this is the matrix gradient of that number, no Jacobian",
    )  # fmt: skip
    return (Section("Batch", (words,)),)


# ── words ────────────────────────────────────────────────────────────────────────────────


def samples_word(argument: Tensor, axis: int) -> str:
    """What one sample of the argument is: a row, a column, an entry."""
    if argument.expr.ndim == 1:
        return "entry"
    return ("row", "column")[axis] if argument.expr.ndim == 2 else f"slice along axis {axis}"
