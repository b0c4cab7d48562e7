"""What stands after the explanation of a batch: the equations once more, and how they turn."""

from __future__ import annotations

from collections.abc import Mapping

from tensorcalc import special
from tensorcalc.batch.equations import BatchStory
from tensorcalc.batch.setting import Setting
from tensorcalc.derivation.scribe import partial
from tensorcalc.display.document import Cell, Prose, Row, Section
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import (
    ONE,
    Atom,
    Call,
    Chain,
    Hadamard,
    Infix,
    Notation,
    Number,
    Power,
    Scaled,
    Sum,
    Transposed,
    chain,
    hadamard,
    scaled,
    sum_of,
    transposed,
)
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import pieces
from tensorcalc.expr import Elementwise, Expr, Variable, toposort
from tensorcalc.shapes import format_shape

__all__ = ["closing", "turned"]

_SOURCES = (
    "the question 'How do the derivatives of the loss function with respect to a layer's inputs "
    "form a Jacobian?' (Cross Validated, 2021); Petersen & Pedersen, The Matrix Cookbook (2012)"
)

_COMPARED = 60  # characters of a formula that is told beside another


def closing(setting: Setting, story: BatchStory | None) -> tuple[Section, ...]:
    """Result, the factor of a mean, the other orientation, the sources."""
    if story is None:
        return (Section("Sources", ((_SOURCES,),)),)
    sections = []
    rows = _result(setting, story)
    if rows:
        sections.append(Section("Result", tuple(rows)))
    if not setting.coupled:
        sections.append(Section("Mean", (_mean(setting),)))
    other = _other_way(setting, story)
    if other:
        word = "rows" if setting.axis == 1 else "columns"
        sections.append(Section(f"As {word}", tuple(other)))
    return (*sections, Section("Sources", ((_SOURCES,),)))


def _forms(story: BatchStory) -> list[tuple[Expr, Notation, Notation]]:
    """Each named adjoint and each gradient by what is shared: vertex, left side, formula."""
    found = []
    for p in story.products:
        if p.form is None or not (p.name or story.is_shared(p.vertex)):
            continue
        place = partial(story.stages.of, p.vertex)
        left = Infix("=", (Atom(p.name), place)) if p.name else place
        found.append((p.vertex, left, p.form))
    return found


def _result(setting: Setting, story: BatchStory) -> list[Row]:
    rows = []
    told, names = setting.told(setting.argument), {p.name for p in story.products}
    for vertex, left, form in _forms(story):
        cells = [Cell(form, "=")]
        note = format_shape((*vertex.shape, 1) if vertex.ndim == 1 else vertex.shape)
        by_others = any(isinstance(n, Atom) and n.name in names for n in pieces(form))
        if vertex is told and vertex.ndim == 2 and by_others:
            closed = _closed(setting)
            if closed is not None and spell(closed) != spell(form):
                cells.append(Cell(closed, "="))
                note += f", the transpose of ({story.before})"
        rows.append(Row(Cell(left), tuple(cells), (note,)))
    return rows


def _closed(setting: Setting) -> Notation | None:
    """∂L/∂Z in the shape of Z by the step about it, where that is short enough to compare."""
    form = matrix_form(setting.by_argument.value)
    return form if form is not None and len(spell(form)) <= _COMPARED else None


def _mean(setting: Setting) -> Prose:
    m = setting.count
    if setting.is_mean:
        return (
            f"{getattr(setting.total, 'name', 'L')} is the mean of the losses: the factor 1/{m} "
            "comes in once, at the top, and goes down into every line",
        )
    if setting.scale is None:
        return (
            f"for the mean of the losses instead of their sum, the factor 1/{m} comes in at the "
            "top, and goes down into every line",
        )
    return ("the factor before the sum comes in once, at the top, and goes down into every line",)


# ── the other orientation ────────────────────────────────────────────────────────────────


def _other_way(setting: Setting, story: BatchStory) -> list[Row | Prose]:
    """The equations where every matrix is the transpose of what it is here, as far as they turn."""
    if setting.argument.expr.ndim != 2 or setting.coupled:
        return []
    stages = story.stages
    own = {v for v in stages.defined if v not in stages.named or isinstance(v.body, Elementwise)}
    ndim = {v.name: v.ndim for v in toposort([story.stages.of]) if isinstance(v, Variable)}
    ndim |= {v.name: v.ndim for v in own}
    ndim |= {p.name: p.vertex.ndim for p in story.products if p.name}
    rows: list[Row | Prose] = []
    for vertex, left, form in _forms(story):
        other = turned(form, vertex.ndim, ndim)
        if other is not None:
            rows.append(Row(Cell(left), (Cell(other, "="),)))
    if not rows:
        return []
    one = "row" if setting.axis == 1 else "column"
    words = f"with one {one} a sample every matrix is the transpose of this one:"
    return [(words,), *rows]


_NOT_ENTRYWISE = ("diag", *(f.text or f.name for f in (special.softmax, special.log_softmax)))


def turned(n: Notation, ndim: int, known: Mapping[str, int]) -> Notation | None:
    """The formula of a quantity when each matrix in it is given by its transpose, under its name.

    ``known`` are the axes of what has a name. None where a part cannot be turned.
    """
    if isinstance(n, Number) or n == ONE:
        return n
    if isinstance(n, Atom):
        return n if known.get(n.name) == ndim else None
    if isinstance(n, Chain):
        return _turned_chain(n, ndim, known)
    if isinstance(n, (Hadamard, Sum)):
        parts = n.factors if isinstance(n, Hadamard) else n.terms
        found = [t for part in parts if (t := turned(part, ndim, known)) is not None]
        if len(found) < len(parts):
            return None
        return hadamard(found, ndim) if isinstance(n, Hadamard) else sum_of(found)
    if isinstance(n, Scaled):
        body = turned(n.body, ndim, known) if n.body is not None else None
        return scaled(n.number, n.scalars, body) if body is not None else None
    if isinstance(n, (Power, Transposed, Call)):
        return _turned_inside(n, ndim, known)
    return None


def _turned_inside(
    n: Power | Transposed | Call, ndim: int, known: Mapping[str, int]
) -> Notation | None:
    """Functions entry by entry, and transposes, act on what is turned; softmax acts on rows."""
    if isinstance(n, Call) and (n.extra or n.name in _NOT_ENTRYWISE or len(n.arguments) != 1):
        return None
    part = n.base if isinstance(n, Power) else n.arguments[0] if isinstance(n, Call) else n.inner
    inner = turned(part, ndim, known)
    if inner is None:
        return None
    if isinstance(n, Power):
        return Power(inner, n.exponent, n.ndim)
    return Call(n.name, n.latex, (inner,)) if isinstance(n, Call) else transposed(inner)


def _turned_chain(n: Chain, ndim: int, known: Mapping[str, int]) -> Notation | None:
    """Δ Aᵀ is Aᵀ Δ, Δ 1 is Δᵀ 1, and u vᵀ is v uᵀ: vectors stay columns."""
    is_vector = lambda f: f == ONE or (isinstance(f, Atom) and known.get(f.name) == 1)
    if ndim == 1:
        flips = [not is_vector(f) for f, _ in n.factors]
        ordered = [*zip(n.factors, flips, strict=True)]
    else:
        ordered = [((f, flag), is_vector(f)) for f, flag in reversed(n.factors)]
    factors = []
    for (f, flag), flip in ordered:
        other = f if is_vector(f) else turned(f, 2, known)
        if other is None:
            return None
        factors.append((other, flag != flip))
    return chain(*factors)
