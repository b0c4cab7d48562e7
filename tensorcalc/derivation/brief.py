"""The brief detail of the chain and index styles: the product of objects on a few lines.

    ∂E/∂W       = ∂E/∂s · ∂s/∂v · ∂v/∂W
                = (s − y)ᵀ · diag(s ⊙ (1 − s)) · ∂v/∂W    3 local derivatives
    δ = ∂E/∂v   = ((s − y) ⊙ s ⊙ (1 − s))ᵀ                1 × 5; a row times a diagonal matrix …
    ∂E/∂W       = δ · ∂v/∂W                               with δ
    ∂E/∂W[i, j] = Σ_k δ_k I[k=j] x_i = δ_j x_i            the indicator keeps …
    ∂E/∂W       = x δ                                     4 × 5

Where there are several paths or many stages, one line for each adjoint.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from tensorcalc.derivation.chain import ChainStory, column_times_row
from tensorcalc.derivation.opening import definition_row
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import Scribe, partial
from tensorcalc.derivation.stages import Edge, Stages
from tensorcalc.derivation.story import Product
from tensorcalc.display.document import Cell, Paragraph, Row, Section
from tensorcalc.display.notation import Atom, Indexed, Infix, Notation
from tensorcalc.display.spelling import spell
from tensorcalc.structure import structure

__all__ = ["MOST_FACTORS", "brief", "brief_entries", "with_definitions"]

_SHORTER = {
    "a row times a diagonal matrix is an elementwise product": "row · diagonal = elementwise",
    "a diagonal matrix times a column is an elementwise product": "diagonal · column = elementwise",
    "the indicator keeps the one term in which both letters agree": "the indicator keeps one term",
}
_IN_A_WORD = {  # beside a line that says what is multiplied
    "a row times a diagonal matrix is an elementwise product": "row · diagonal",
    "a diagonal matrix times a column is an elementwise product": "diagonal · column",
    "a diagonal matrix behind a Jacobian scales its columns": "columns scaled",
    "a diagonal matrix before a Jacobian scales its rows": "rows scaled",
    "the indicator keeps the one term in which both letters agree": "one term kept",
    "the indicators keep the one term in which the letters agree": "one term kept",
    "sum over the index between them": "matrix product",
    "contributions of several paths add up": "paths added",
}
MOST_FACTORS = 4  # factors in one product; beyond this, line by line


def brief(story: ChainStory) -> tuple[Paragraph, ...]:
    """The steps of the story as one paragraph."""
    edges = story.stages.edges
    if story.stages.path_count == 1 and len(edges) <= MOST_FACTORS:
        rows = _product_rows(story)
    else:
        rows = _adjoint_rows(story)
    return (Paragraph(None, (), tuple(rows)),)


def with_definitions(stages: Stages, scribe: Scribe) -> Section:
    """With v = W x, s = σ(v), E = ½ ‖s − y‖²: what is written below, on one line."""
    words: list[str | Notation] = []
    for node in stages.defined:
        row = definition_row(node, scribe, by_index=False, note="")
        assert row.left is not None
        words += [", " if words else "with ", Infix("=", (row.left.math, row.cells[0].math))]
    return Section("", (tuple(words),) if words else ())


def brief_entries(
    steps: Sequence[DerivationStep], products: Collection[str]
) -> tuple[Paragraph, ...]:
    """The steps of the index style, each on one line: entries of the factors, then of products.

    A factor is said as it comes out, a product as the sum that it is and as what is left of it.
    """
    rows: list[Row] = []
    for step in steps:
        paragraph = step.paragraph
        if step.rule == "chain rule":
            rows += (replace(row, note=("chain rule",)) for row in paragraph.rows)
            continue
        told = paragraph.rows if step.rule in products else paragraph.rows[-1:]
        put_in = any(rule and str(rule[0]).startswith("put in") for rule in paragraph.rules)
        told = told[:-1] if put_in else told  # the result says it
        cells = tuple(cell for row in told for cell in row.cells)
        note = _short(step.rule) if step.rule in products else paragraph.note
        layers = [p for p in paragraph.title[:1] if isinstance(p, str) and p.startswith("For l")]
        said = "; ".join([note, *(p[0].lower() + p[1:].rstrip(": ") for p in layers)])
        rows.append(Row(paragraph.rows[0].left, cells, (said,)))
    return (Paragraph(None, (), tuple(rows)),)


def _product_rows(story: ChainStory) -> list[Row]:
    """One product, its factors replaced and then multiplied from the value down."""
    s = story.stages
    edges = story.in_reading_order()
    if len(edges) == 1:
        return _single(story, edges[0])
    ordered = edges[::-1] if story.backwards else edges
    left = Cell(partial(s.of, s.wrt), under=story.sized(s.of, s.wrt))
    factors = [story.factor(e.of, e.wrt) for e in ordered]
    titles = [Cell(link, "·", size) for link, size in factors]
    forms = [Cell(_form(story, e), "·") for e in ordered]
    if [c.math for c in forms] == [c.math for c in titles]:
        rows = [Row(left, _signed(titles), ("chain rule",))]
    else:
        rows = [Row(left, _signed(titles))]
        rows.append(Row(None, _signed(forms), (f"{len(edges)} local derivatives",)))
    for step in story.products:
        rest = [e for e in edges if s.order.index(e.wrt) > s.order.index(step.vertex)]
        if step.name is not None:
            rows += _named(story, step)
            cells = [
                Cell(Atom(step.name), "·"),
                *(Cell(story.factor(e.of, e.wrt)[0], "·") for e in rest),
            ]
            shortened = _signed(cells[::-1] if story.backwards else cells)
            rows.append(Row(Cell(left.math), shortened, (f"with {step.name}",)))
        elif not rest:
            rows += _last_rows(story, step)
    return rows


def _single(story: ChainStory, edge: Edge) -> list[Row]:
    """A value that is written in the argument itself: its derivative and the rule."""
    value = edge.value
    form = story.scribe.shown(value, edge.of.ndim, (edge.wrt.ndim,))
    title = story.link(edge.of, edge.wrt)
    left: Notation = title
    if form is None:
        letters = (*story.scribe.letters[edge.of], *story.scribe.letters[edge.wrt])
        left = Infix("", (title, story.scribe.place(edge.of, edge.wrt)))
        form = story.scribe.entry(value, letters)
    return [Row(Cell(left), (Cell(form, "="),), story.why(edge)[0])]


def _named(story: ChainStory, step: Product) -> list[Row]:
    """δ = ∂E/∂v = …, before it is used."""
    s, scribe = story.stages, story.scribe
    form, place = step.form, partial(s.of, step.vertex)
    left: Notation = Infix("=", (Atom(step.name or ""), place))
    if form is None:
        letters = scribe.letters[step.vertex]
        form, left = step.entry, Infix("=", (Indexed(step.name or "", letters), left.parts[1]))
    words = _short(step.words)
    return [Row(Cell(left), (Cell(form, "="),), (words,))]


def _short(words: str) -> str:
    """A rule in the few words that fit beside a formula."""
    return _SHORTER.get(words, words)


def _signed(cells: list[Cell]) -> tuple[Cell, ...]:
    return tuple(Cell(c.math, "·" if k else "=", c.under) for k, c in enumerate(cells))


def _form(story: ChainStory, e: Edge) -> Notation:
    form = story.factor_form(e)
    return story.factor(e.of, e.wrt)[0] if form is None else form


def _last_rows(story: ChainStory, step: Product) -> list[Row]:
    scribe, s = story.scribe, story.stages
    whole = partial(s.of, step.vertex)
    rows = []
    if step.form is None or any(e.value.ndim > 2 for e in step.edges):
        entry = Infix("", (whole, scribe.place(s.of, step.vertex))) if step.value.ndim else whole
        cells = [Cell(step.written, "=")]
        if spell(step.entry) != spell(step.written):
            cells.append(Cell(step.entry, "="))
        rows.append(Row(Cell(entry), tuple(cells), (_short(step.words),)))
    if step.form is not None:
        words = story.sized(s.of, step.vertex) if rows else _short(step.words)
        form = step.form
        if structure(step.value, s.of.ndim) == "outer product" and step.value.ndim == 2:
            words, form = "column times row", column_times_row(form)
        rows.append(Row(Cell(whole), (Cell(form, "="),), (words,)))
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
        words = _IN_A_WORD.get(step.words, step.words) if step else "local derivative"
        rows.append(Row(Cell(left), tuple(cells), (f"{story.sized(s.of, vertex)}; {words}",)))
    return rows
