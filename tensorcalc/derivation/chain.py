"""The chain style: definitions, the chain of explicit objects, each of them, and their product.

∂E/∂W = [∂E/∂s]·[∂s/∂v]·[∂v/∂W] with the shapes below; each local derivative with its entry and
its rule; the products from the value down, each delta consumed; the result. Where several paths
lead from the argument to the value, contributions are summed where they meet.

Source: Johnston 2020, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tensorcalc.derivation.literal import product_rule_terms
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.rules import has_named_rule, local_rule, product_rule
from tensorcalc.derivation.scribe import Scribe, name_notation, partial
from tensorcalc.derivation.stages import Edge, Stages
from tensorcalc.derivative import Contribution, Derivative, Link
from tensorcalc.display.document import Cell, Paragraph, Prose, Row
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Indexed,
    Infix,
    Notation,
    Partial,
    scaled,
    sum_of,
)
from tensorcalc.display.spelling import spell
from tensorcalc.expr import Add, Constant, Definition, Einsum, Expr, add, contract
from tensorcalc.layout import Layout
from tensorcalc.shapes import format_shape
from tensorcalc.simplify import simplify
from tensorcalc.structure import structure
from tensorcalc.tensor import Tensor

__all__ = ["ChainStory"]

_MOST_PATHS = 3  # written out as sums of products; beyond this, from vertex to vertex


@dataclass(frozen=True)
class ProductStep:
    """What a product with the next local derivative gave, for shorter tellings of it."""

    vertex: Expr
    written: Notation
    entry: Notation | None
    form: Notation | None
    name: str | None
    words: str
    shows_entry: bool


class ChainStory:
    """Tells one derivative as a chain of explicit objects."""

    def __init__(self, stages: Stages, layout: Layout, names: dict[str, str] | None = None) -> None:
        self.stages = stages
        self.scribe = Scribe(stages.order, layout)
        self.steps: list[DerivationStep] = []
        self.adjoint: dict[Expr, Expr] = {}
        self.products: list[ProductStep] = []

    def tell(self) -> list[DerivationStep]:
        """All steps, from the chain rule to the closed form."""
        edges = self.stages.edges
        if len(edges) > 1:
            self.chain_rule()
        for edge in self.in_reading_order():
            self.local(edge)
        self.accumulate()
        return self.steps

    def in_reading_order(self) -> list[Edge]:
        """The edges along the first path from the value down, then those that other paths add."""
        edges = {(e.of, e.wrt): e for e in reversed(self.stages.edges)}
        along: dict[tuple[Expr, Expr], None] = {}
        for path in self.stages.paths(_MOST_PATHS):
            along |= dict.fromkeys((v, u) for v, u in zip(path[:0:-1], path[-2::-1], strict=True))
        return [edges[pair] for pair in dict.fromkeys((*along, *edges))]

    # ── the parts of a step ──

    def _add(
        self,
        rule: str,
        lines: Sequence[Expr],
        ndims: tuple[int, Sequence[int]],
        title: Prose,
        rows: Sequence[Row],
        rules: Sequence[Prose] = (),
        note: str = "",
    ) -> None:
        number = len(self.steps) + 1
        shown = [self.scribe.live(line, *ndims) for line in lines]
        paragraph = Paragraph(number, title, tuple(rows), tuple(rules), note)
        self.steps.append(
            DerivationStep(
                number, rule, shown[0], shown[-1], tuple(t.expr for t in shown), paragraph
            )
        )

    def _object(self, of: Expr, wrt: Expr, value: Expr) -> Derivative:
        """A part of the chain as a derivative object: its kind, its shape, its structure."""
        link = Link(Tensor(of), (Tensor(wrt),), frozenset(), value)
        return Derivative(
            Tensor(of),
            (Tensor(wrt),),
            value,
            (Contribution(1.0, (link,)),),
            layout=self.scribe.layout,
        )

    def sized(self, of: Expr, wrt: Expr) -> str:
        """The shape of ∂of/∂wrt in the layout."""
        return self.scribe.shape(of.shape, [wrt.shape])

    # ── the chain rule ──

    def chain_rule(self) -> None:
        """∂E/∂W as the sum over paths of products of local derivatives."""
        s = self.stages
        count = s.path_count
        total = self._total()
        wrt, of = name_notation(s.wrt), name_notation(s.of)
        left = Cell(partial(s.of, s.wrt), under=self.sized(s.of, s.wrt))
        if count <= _MOST_PATHS:
            paths = s.paths(_MOST_PATHS)
            ways = [Infix("→", tuple(map(name_notation, path))) for path in paths]
            several = f"{count} paths" if count > 1 else "one path"
            between = [x for way in ways for x in (way, " and ")][:-1]
            title: Prose = ("Chain rule. ", wrt, " reaches ", of, f" by {several}: ", *between, ".")
            cells = [
                Cell(
                    partial(v, u),
                    "=" if not done and not k else "+" if not k else "·",
                    self.sized(v, u),
                )
                for done, path in enumerate(paths)
                for k, (v, u) in enumerate(self._links(path))
            ]
            rows = [Row(left, tuple(cells))]
        else:
            title = (
                "Chain rule, from ",
                of,
                " down to ",
                wrt,
                f": {count:,} paths, summed where they meet.",
            )
            rows = [self.recursion(v) for v in s.order[1:] if not self._is_first(v)]
        self._add(
            "chain rule", [total, self._literal_chain(total)], self._ndims(s.wrt), title, rows
        )

    def _links(self, path: Sequence[Expr]) -> list[tuple[Expr, Expr]]:
        """The factors along a path in the order in which the layout multiplies them."""
        pairs = [(path[k + 1], path[k]) for k in range(len(path) - 1)]
        return pairs if self.scribe.layout.name == "denominator" else pairs[::-1]

    def _ndims(self, wrt: Expr) -> tuple[int, tuple[int]]:
        return self.stages.of.ndim, (wrt.ndim,)

    def _is_first(self, vertex: Expr) -> bool:
        """Whether the vertex acts on the value alone, so that its adjoint is a local derivative."""
        return all(e.of is self.stages.of for e in self.stages.into(vertex))

    def recursion(self, vertex: Expr) -> Row:
        """∂E/∂v as the sum over what v acts on."""
        of = self.stages.of
        cells: list[Cell] = []
        for edge in self.stages.into(vertex):
            pair = [(of, edge.of), (edge.of, vertex)] if edge.of is not of else [(of, vertex)]
            for k, (v, u) in enumerate(
                pair if self.scribe.layout.name != "denominator" else pair[::-1]
            ):
                sign = "·" if k else "+" if cells else "="
                cells.append(Cell(partial(v, u), sign, self.sized(v, u)))
        return Row(Cell(partial(of, vertex), under=self.sized(of, vertex)), tuple(cells))

    def _total(self) -> Expr:
        """∂of/∂wrt, from the local derivatives."""
        known: dict[Expr, Expr] = {}
        for vertex in self.stages.order[1:]:
            terms = [
                e.value
                if e.of is self.stages.of
                else simplify(contract(known[e.of], e.value, e.of.ndim))
                for e in self.stages.into(vertex)
            ]
            known[vertex] = simplify(add(*terms))
        self.adjoint = known
        return known[self.stages.wrt]

    def _literal_chain(self, total: Expr) -> Expr:
        """The product over every path, nothing simplified; the total where paths are many."""
        if self.stages.path_count > _MOST_PATHS:
            return total
        value = {(e.of, e.wrt): e.value for e in self.stages.edges}
        terms = []
        for path in self.stages.paths(_MOST_PATHS):
            pairs = list(zip(path[1:], path, strict=False))[::-1]
            term = value[pairs[0]]
            for pair in pairs[1:]:
                term = contract(term, value[pair], pair[0].ndim)
            terms.append(term)
        return add(*terms)

    # ── local derivatives ──

    def local(self, edge: Edge) -> None:
        """One factor of the chain: its matrix form, its entry, its rule."""
        assert isinstance(edge.of, Definition)
        scribe, d = self.scribe, self._object(edge.of, edge.wrt, edge.value)
        title: Notation = partial(edge.of, edge.wrt)
        form = scribe.shown(edge.value, edge.of.ndim, (edge.wrt.ndim,))
        if form is not None:
            title = Infix("=", (title, form))
        lines, rows = [edge.value], []
        of, by = scribe.letters[edge.of], scribe.letters[edge.wrt]
        if edge.value.ndim:
            rows, lines = self._entry_rows(edge, of, by)
        rules = local_rule(edge.of, edge.wrt)
        if edge.value.ndim > 2:
            rules = [*rules, self._why_so_many_axes(edge)]
        words = rules[0]
        self._add(
            "".join(w for w in words if isinstance(w, str)).strip(" ;"),
            lines,
            (edge.of.ndim, (edge.wrt.ndim,)),
            (title,),
            rows,
            rules,
            f"{d.kind}, {self.sized(edge.of, edge.wrt)}",
        )

    def _entry_rows(
        self, edge: Edge, of: tuple[str, ...], by: tuple[str, ...]
    ) -> tuple[list[Row], list[Expr]]:
        scribe = self.scribe
        assert isinstance(edge.of, Definition)
        letters = of + by
        entry = scribe.entry(edge.value, letters)
        cells = [Cell(entry, "=")]
        lines = [edge.value]
        literal = None
        if not has_named_rule(edge.of.body, edge.wrt):
            literal = product_rule_terms(edge.of.body, edge.wrt)
        if literal is not None:
            written = scribe.entry(literal, letters)
            if spell(written) != spell(entry):
                cells.insert(0, Cell(written, "="))
                lines.insert(0, literal)
        if edge.value.ndim > 2:
            slope = partial_entry(edge.of, of, edge.wrt, by)
            cells.insert(0, Cell(slope, "="))
        rows = [Row(Cell(scribe.place(edge.of, edge.wrt)), (cells[0],))]
        rows += [Row(None, (cell,)) for cell in cells[1:]]
        return rows, lines

    def _why_so_many_axes(self, edge: Edge) -> Prose:
        of, wrt = name_notation(edge.of), name_notation(edge.wrt)
        value, argument = format_shape(edge.of.shape or (1,)), format_shape(edge.wrt.shape)
        return (
            "shape: it turns a change of ", wrt, f" ({argument}) into one of ", of,
            f" ({value}), so it has {value} × ({argument}) entries",
        )  # fmt: skip

    # ── products, from the value down ──

    def accumulate(self) -> None:
        """The adjoint of each vertex in turn: a product with the local derivative, or a sum."""
        s = self.stages
        adjoint: dict[Expr, Expr] = {}
        for vertex in s.order[1:]:
            edges = s.into(vertex)
            terms = [
                e.value if e.of is s.of else contract(adjoint[e.of], e.value, e.of.ndim)
                for e in edges
            ]
            literal = add(*terms)
            value = simplify(literal)
            if len(edges) > 1 or not self._is_whole(edges[0], adjoint):
                self._product(vertex, edges, adjoint, literal, value)
            adjoint[vertex] = value
        self.adjoint = adjoint

    def _is_whole(self, edge: Edge, adjoint: dict[Expr, Expr]) -> bool:
        """Whether the local derivative already is the adjoint: nothing stands before it."""
        before = adjoint.get(edge.of)
        one = isinstance(before, Constant) and before.ndim == 0 and before.number == 1
        return edge.of is self.stages.of or one

    def _product(
        self,
        vertex: Expr,
        edges: Sequence[Edge],
        adjoint: dict[Expr, Expr],
        literal: Expr,
        value: Expr,
    ) -> None:
        s, scribe = self.stages, self.scribe
        of, by = scribe.letters[s.of], scribe.letters[vertex]
        d = self._object(s.of, vertex, value)
        title = self._product_title(vertex, edges)
        written = sum_of(self._written(e, adjoint) for e in edges)
        rows: list[Row] = []
        lines = [literal]
        entry = scribe.entry(value, of + by)
        place = partial(s.of, vertex)
        if value.ndim:
            rows.append(
                Row(Cell(Infix("", (place, scribe.place(s.of, vertex)))), (Cell(written, "="),))
            )
            if spell(entry) != spell(written):
                rows.append(Row(None, (Cell(entry, "="),)))
                lines.append(value)
        else:
            rows.append(Row(Cell(place), (Cell(written, "="),)))
        form = scribe.shown(value, s.of.ndim, (vertex.ndim,))
        rules: list[Prose] = [(self._words(edges),)]
        name = self._name_for(vertex, value)
        if form is not None and value.ndim:
            left = Infix("=", (Atom(name), place)) if name else place
            rows.append(Row(Cell(left), (Cell(form, "="),)))
            lines.append(value)
            if structure(value, s.of.ndim) == "outer product" and value.ndim == 2:
                rules.append(
                    ("rule: a product of one entry of each, for all pairs: a column times a row",)
                )
        shows_entry = any(e.value.ndim > 2 for e in edges)
        last = entry if len(rows) > 1 and value.ndim else None
        self.products.append(
            ProductStep(vertex, written, last, form, name, self._words(edges), shows_entry)
        )
        if name:
            title = (*title, " Call it ", Atom(name), ".")
        self._add(
            self._words(edges), lines, self._ndims(vertex), title, rows, rules,
            f"{d.kind}, {self.sized(s.of, vertex)}",
        )  # fmt: skip
        if name:
            turned = scribe.layout.name == "numerator" and s.of.ndim == 0 and vertex.ndim > 0
            scribe.call(value, name, turned=turned)

    def _words(self, edges: Sequence[Edge]) -> str:
        if len(edges) > 1:
            return "contributions of several paths add up"
        return product_rule(self.stages.of.ndim, edges[0].value, edges[0].of.ndim)

    def _product_title(self, vertex: Expr, edges: Sequence[Edge]) -> Prose:
        s = self.stages
        if len(edges) > 1:
            return (f"Sum over {len(edges)} paths into ", name_notation(vertex), ".")
        left = "Row" if s.of.ndim == 0 and edges[0].of.ndim == 1 else "Next factor:"
        kind = self._object(edges[0].of, vertex, edges[0].value).kind
        if left == "Row":
            return (f"Row times {kind}.",)
        return ("Product with ", partial(edges[0].of, vertex), ".")

    def _written(self, edge: Edge, adjoint: dict[Expr, Expr]) -> Notation:
        """Σ over the letters between: the literal product of two entries."""
        s, scribe = self.stages, self.scribe
        of, by = scribe.letters[s.of], scribe.letters[edge.wrt]
        between = scribe.letters[edge.of]
        right = scribe.entry(edge.value, between + by)
        if edge.of is s.of:
            return right
        left = scribe.entry(adjoint[edge.of], of + between)
        body = scaled(1.0, [left, right], None)
        return BigSum(between, body) if between else body

    def _name_for(self, vertex: Expr, value: Expr) -> str | None:
        """δ for a compound adjoint that goes on into further products."""
        s = self.stages
        if vertex is s.wrt or s.of.ndim or not isinstance(value, (Einsum, Add)) or not value.ndim:
            return None
        if value in self.scribe.names:
            return None
        if not any(isinstance(n, Definition) and n is vertex for n in s.order):
            return None
        if all(_is_diagonal(e) for e in self.stages.edges if e.of is vertex):
            return None
        return self._free_name(vertex)

    def _free_name(self, vertex: Expr) -> str:
        """δ, or with the vertex's name above it: δᶻ; Δ where the vertex is a matrix."""
        used = {*self.scribe.taken, *self.scribe.names.values(), *self.scribe.all_letters}
        own = getattr(vertex, "name", "")
        stem = "δ" if vertex.ndim < 2 else "Δ"
        digits = own[len(own.rstrip("0123456789")) :]
        above = own.translate(_ABOVE) if own and all(c in _RAISED for c in own) else f"_{own}"
        several = sum(not self._is_first(v) for v in self.stages.order[1:-1]) > 1
        wanted = [stem + digits, stem + above] if digits or not several else [stem + above, stem]
        return next(
            name for name in (*wanted, f"ε{above}", f"γ{above}", f"η_{own}") if name not in used
        )


_RAISED = "abcdefghijklmnoprstuvwxyz"
_ABOVE = str.maketrans(_RAISED, "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


def _is_diagonal(edge: Edge) -> bool:
    return edge.of.ndim > 0 and structure(edge.value, edge.of.ndim) == "diagonal"


def partial_entry(
    of: Expr, letters: Sequence[str], by: Expr, letters_by: Sequence[str]
) -> Notation:
    """∂v_k/∂W_ji."""
    return Partial(
        Indexed(getattr(of, "name", "?"), tuple(letters)),
        (Indexed(getattr(by, "name", "?"), tuple(letters_by)),),
    )
