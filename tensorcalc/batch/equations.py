"""The batch equations: from the loss down to every weight and bias, in matrix form throughout.

    Δᴸ = ∇_A L ⊙ g′(Zᴸ)        Δˡ = (Wˡ⁺¹)ᵀ Δˡ⁺¹ ⊙ g′(Zˡ)
    ∂L/∂Wˡ = Δˡ (Aˡ⁻¹)ᵀ        ∂L/∂bˡ = Δˡ 1

Every gradient stands in the shape of its argument. Nothing here knows these formulas: each line
is a product of the adjoint above it with a local derivative, and its deltas consumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import Scribe, name_notation, partial
from tensorcalc.derivation.stages import Edge, Stages
from tensorcalc.derivation.story import Product, Story
from tensorcalc.display.document import Cell, Prose, Row
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Call,
    Infix,
    Notation,
    hadamard,
)
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import pieces, same_but_for_sums, with_letters
from tensorcalc.expr import Definition, Elementwise, Expr, Variable, toposort
from tensorcalc.expr import hadamard as entrywise
from tensorcalc.shapes import Dim, format_shape

__all__ = ["BatchStory"]


class BatchStory(Story):
    """Tells the gradients by all stages and all shared variables in one sweep."""

    def __init__(
        self,
        stages: Stages,
        scribe: Scribe,
        before: int,
        place: Mapping[Expr, int | None],
        count: Dim,
    ) -> None:
        """``place`` has the axis of the samples of each vertex, ``count`` how many there are."""
        super().__init__(stages, scribe, before)
        self.place = place
        self.count = count

    def sweep(self) -> list[DerivationStep]:
        """One step for each stage, from the value down, then one for each shared variable."""
        order = self.stages.order[1:]
        for vertex in (*(v for v in order if not self.is_shared(v)), *self.by_layer()):
            edges = self.stages.into(vertex)
            if len(edges) == 1 and self._is_whole(edges[0]):
                self.told[vertex] = self.adjoint[vertex]
                self.first(vertex)
            else:
                self._multiply(vertex, edges)
        return self.steps

    def by_layer(self) -> list[Expr]:
        """The shared variables, those of the last layer first, weights before biases."""
        place = {v: k for k, v in enumerate(self.stages.order)}
        layer = lambda v: min(place[e.of] for e in self.stages.into(v))
        shared = [v for v in self.stages.order[1:] if self.is_shared(v)]
        return sorted(shared, key=lambda v: (layer(v), -v.ndim))

    def is_shared(self, vertex: Expr) -> bool:
        """Whether all samples share it: a weight or a bias."""
        known = vertex in self.place and self.place[vertex] is None
        return known and isinstance(vertex, Variable)

    def _name_for(self, vertex: Expr, value: Expr) -> str | None:
        below = any(e.of is vertex for e in self.stages.edges) and vertex not in self.stages.named
        known = any(isinstance(n, (Variable, Definition)) for n in toposort([value]))
        return super()._name_for(vertex, value) if below and known else None

    def _free_name(self, vertex: Expr) -> str:
        """Δ for a matrix without a number, if it is the first of them."""
        named = getattr(vertex, "name", "")
        used = {*self.scribe.taken, *self.scribe.called, *self.scribe.all_letters}
        if vertex.ndim == 2 and not named[-1:].isdigit() and "Δ" not in used:
            return "Δ"
        return super()._free_name(vertex)

    # ── steps ──

    def first(self, vertex: Expr) -> None:
        """A quantity that acts on the value directly."""
        value, of = self.adjoint[vertex], self.stages.of
        left: Notation = partial(of, vertex)
        form = self.scribe.matrix(value)
        if form is None:
            left = Infix("", (left, self.scribe.place(of, vertex)))
            form = self.scribe.entry(value, self.scribe.letters[vertex])
        said = {
            "title": ("From ", name_notation(of), " to ", name_notation(vertex), "."),
            "rows": (Row(Cell(left), (Cell(form, "="),)),),
            "note": self._shape(vertex),
        }
        self.add_step("the value by what it is made of", [value], (0, (vertex.ndim,)), said)

    def product(self, p: Product) -> None:
        """One product: by its rule, and as a matrix."""
        of, wrt = self.stages.of, partial(self.stages.of, p.vertex)
        rows: list[Row] = []
        lines = [p.literal]
        slopes = self._by_slopes(p)
        if slopes is None:
            entries, more = self._entries(p)
            left = Infix("", (wrt, self.scribe.place(of, p.vertex))) if p.value.ndim else wrt
            rows += [
                Row(None if k else Cell(left), (Cell(form, "="),)) for k, form in enumerate(entries)
            ]
            lines += more
        else:
            forms, value = slopes
            cells = tuple(Cell(form, "=") for form in forms)
            rows.append(Row(Cell(self._left(p)), cells))
            lines.append(value)
        if p.form is not None and p.value.ndim:
            left = None if slopes else Cell(self._left(p))
            rows.append(Row(left, (Cell(p.form, "="),)))
            lines.append(p.value)
        said = {
            "title": self._title(p),
            "rows": tuple(_without_repeats(rows)),
            "rules": tuple(self._rules(p)),
            "note": self._shape(p.vertex),
        }
        self.add_step(p.words, lines, (0, (p.vertex.ndim,)), said)

    def _left(self, p: Product) -> Notation:
        place = partial(self.stages.of, p.vertex)
        return Infix("=", (Atom(p.name), place)) if p.name else place

    def _entries(self, p: Product) -> tuple[list[Notation], list[Expr]]:
        """One entry with every delta, and after them; a sum over samples keeps its letter."""
        entry, above = p.entry, [letter for e in p.edges if (letter := self.letter(e.of))]
        bound = {i for n in pieces(entry) if isinstance(n, BigSum) for i in n.letters}
        if len(bound) == 1 and above and self.letter(p.vertex) is None:
            kept = dict.fromkeys(bound, above[0])
            entry = with_letters(entry, lambda i: kept.get(i, i))
        forms = [entry] if same_but_for_sums(p.written, entry) else [p.written, entry]
        return forms, [p.value]

    def letter(self, vertex: Expr) -> str | None:
        """The letter that counts the samples of a vertex."""
        axis = self.place.get(vertex)
        return None if axis is None else self.scribe.letters[vertex][axis]

    def _by_slopes(self, p: Product) -> tuple[list[Notation], Expr] | None:
        """∂L/∂A ⊙ g′(Z), where the vertex acts through one function entry by entry."""
        if len(p.edges) != 1:
            return None
        edge = p.edges[0]
        sign = slope_sign(edge)
        if sign is None:
            return None
        adjoint = self.told[edge.of]
        form = self.scribe.matrix(adjoint)
        body = edge.of.body  # type: ignore[attr-defined]
        slope = body.function.derivatives[0](*body.arguments, edge.of)
        above: Notation = partial(self.stages.of, edge.of)
        forms = [hadamard([above, sign], p.vertex.ndim)]
        if form is not None and not isinstance(adjoint, Definition):
            forms.append(hadamard([form, sign], p.vertex.ndim))
        return forms, entrywise(adjoint, slope)

    # ── words ──

    def _title(self, p: Product) -> Prose:
        vertex = name_notation(p.vertex)
        if self.is_shared(p.vertex):
            return ("By ", vertex, ", which all samples share.")
        call: Prose = (" Call it ", Atom(p.name), ".") if p.name else ()
        above, *more = (name_notation(e.of) for e in p.edges)
        if more:
            return ("Back to ", vertex, f", which acts on {1 + len(more)} quantities.", *call)
        return ("Back from ", above, " to ", vertex, ".", *call)

    def _rules(self, p: Product) -> list[Prose]:
        edge, *more = p.edges
        if more or self.letter(edge.of) is None:
            return [(p.words,)]
        if not self.is_shared(p.vertex):
            inside = toposort([edge.value], lambda n: isinstance(n, Definition))
            weights = [n for n in inside if self.is_shared(n)]
            if slope_sign(edge) is not None:
                return [("the function acts on each entry of each sample by itself",)]
            return [("all samples go back through the same weights",)] if weights else [(p.words,)]
        letter = self.letter(edge.of)
        over = f"{letter} runs over the {self.count} samples: "
        name = name_notation(p.vertex)
        if p.vertex.ndim != 2 or p.form is None:
            return [(over, "all of them have the same ", name, ", so what they add is summed")]
        return [
            (
                over,
                f"the sum over {letter} is the contraction in ",
                p.form,
                ", one outer product a sample",
            )
        ]

    def _shape(self, vertex: Expr) -> str:
        size = format_shape((*vertex.shape, 1) if vertex.ndim == 1 else vertex.shape or (1, 1))
        return f"{size}, the shape of {getattr(vertex, 'name', 'it')}"


def slope_sign(edge: Edge) -> Notation | None:
    """g′(Z), where one function is applied entry by entry to a named quantity."""
    body = getattr(edge.of, "body", None)
    if not isinstance(body, Elementwise) or body.function.arity != 1:
        return None
    function = body.function
    name = function.text or function.name
    if body.arguments[0] is not edge.wrt or not name.isidentifier():
        return None
    return Call(f"{name}′", f"{function.latex or name}'", (name_notation(edge.wrt),))


def _without_repeats(rows: Sequence[Row]) -> list[Row]:
    """Rows, each with only those cells that say something new."""
    kept: list[Row] = []
    said: set[str] = set()
    for row in rows:
        cells = tuple(c for c in row.cells if row.left or spell(c.math) not in said)
        said |= {spell(c.math) for c in cells}
        if cells:
            kept.append(Row(row.left, cells, row.note))
    return kept
