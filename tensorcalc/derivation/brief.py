"""The brief detail of the chain style: the product of objects on a few lines.

    ∂E/∂W  =  ∂E/∂s   ·  ∂s/∂v             ·  ∂v/∂W
           =  (s − y)ᵀ · diag(s ⊙ (1 − s)) ·  ∂v/∂W       3 local derivatives
           =  δ · ∂v/∂W                                    a row times a diagonal matrix …
    [i, j] =  Σ_k δ_k I[k=j] x_i  =  x_i δ_j               the indicator keeps k = j
           =  x ⊗ δ

Where there are several paths or many stages, one line for each adjoint.
"""

from __future__ import annotations

from tensorcalc.derivation.chain import ChainStory
from tensorcalc.derivation.scribe import partial
from tensorcalc.derivation.stages import Edge
from tensorcalc.derivation.story import Product
from tensorcalc.display.document import Cell, Paragraph, Row
from tensorcalc.display.notation import Atom, Infix, Notation

__all__ = ["brief"]

_LONGEST = 4  # factors in one product; beyond this, line by line


def brief(story: ChainStory) -> tuple[Paragraph, ...]:
    """The steps of the story as one paragraph."""
    edges = story.stages.edges
    if story.stages.path_count == 1 and len(edges) <= _LONGEST:
        rows = _product_rows(story)
    else:
        rows = _adjoint_rows(story)
    return (Paragraph(None, (), tuple(rows)),)


def _product_rows(story: ChainStory) -> list[Row]:
    """One product, its factors replaced and then multiplied from the value down."""
    s, scribe = story.stages, story.scribe
    edges = story.in_reading_order()
    backwards = scribe.layout.name == "denominator"
    ordered = edges[::-1] if backwards else edges
    left = Cell(partial(s.of, s.wrt), under=story.sized(s.of, s.wrt))
    titles = [Cell(story.link(e.of, e.wrt), "·", story.sized(e.of, e.wrt)) for e in ordered]
    rows = [Row(left, _signed(titles))]
    forms = [Cell(_form(story, e), "·") for e in ordered]
    if [c.math for c in forms] != [c.math for c in titles]:
        words = f"{len(edges)} local derivatives" if len(edges) > 1 else "local derivative"
        rows.append(Row(None, _signed(forms), (words,)))
    names = []
    for step in story.products:
        rest = [e for e in edges if s.order.index(e.wrt) > s.order.index(step.vertex)]
        if step.name is not None:
            names.append(step)
            cells = [Cell(Atom(step.name), "·"), *(Cell(partial(e.of, e.wrt), "·") for e in rest)]
            rows.append(Row(None, _signed(cells[::-1] if backwards else cells), (step.words,)))
        elif not rest:
            rows += _last_rows(story, step)
    for step in names:
        equation = Infix("=", (Atom(step.name or ""), partial(s.of, step.vertex)))
        rows.append(Row(Cell(equation), (Cell(step.form, "="),)) if step.form else Row(None, ()))
    return [row for row in rows if row.cells]


def _signed(cells: list[Cell]) -> tuple[Cell, ...]:
    return tuple(Cell(c.math, "·" if k else "=", c.under) for k, c in enumerate(cells))


def _form(story: ChainStory, e: Edge) -> Notation:
    form = story.scribe.shown(e.value, e.of.ndim, (e.wrt.ndim,))
    return partial(e.of, e.wrt) if form is None else form


def _last_rows(story: ChainStory, step: Product) -> list[Row]:
    scribe, s = story.scribe, story.stages
    place = scribe.place(s.of, step.vertex)
    cells = [Cell(n, "=") for n in (step.written, step.entry) if n is not None]
    rows = []
    if step.form is None or any(e.value.ndim > 2 for e in step.edges):
        rows.append(Row(Cell(place), tuple(cells), (step.words,)))
    if step.form is not None:
        rows.append(Row(None, (Cell(step.form, "="),), () if rows else (step.words,)))
    return rows


def _adjoint_rows(story: ChainStory) -> list[Row]:
    """∂E/∂v = ∂E/∂s · ∂s/∂v = …, one row for each vertex from the value down."""
    s, scribe = story.stages, story.scribe
    rows = []
    for vertex in s.order[1:]:
        recursion = story.recursion(vertex)
        assert recursion.left is not None
        left = recursion.left.math
        step = next((p for p in story.products if p.vertex is vertex), None)
        form = step.form if step else scribe.shown(story.adjoint[vertex], s.of.ndim, (vertex.ndim,))
        cells = [Cell(c.math, c.sign) for c in recursion.cells] if step else []
        if form is None:
            entry = (
                step.entry
                if step and step.entry
                else scribe.entry(
                    story.adjoint[vertex], (*scribe.letters[s.of], *scribe.letters[vertex])
                )
            )
            left = Infix("", (left, scribe.place(s.of, vertex)))
            cells.append(Cell(entry, "="))
        else:
            cells.append(Cell(form, "="))
        if step is not None and step.name:
            left = Infix("=", (Atom(step.name), left))
        rows.append(Row(Cell(left), tuple(cells), (story.sized(s.of, vertex),)))
    return rows
