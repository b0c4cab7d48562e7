"""The chain style: definitions, the chain of explicit objects, each of them, and their product.

∂E/∂W = [∂E/∂s]·[∂s/∂v]·[∂v/∂W] with the shapes below; each local derivative with its entry and
its rule; the products from the value down, each delta consumed; the result. Where several paths
lead from the argument to the value, contributions are summed where they meet.

Source: Johnston 2020, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.derivation.scribe import name_notation, partial
from tensorcalc.derivation.stages import Edge
from tensorcalc.derivation.story import MOST_PATHS, Product, Story
from tensorcalc.display.document import Cell, Prose, Row
from tensorcalc.display.notation import Atom, Chain, Infix, Notation
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import same_but_for_sums
from tensorcalc.expr import Expr
from tensorcalc.shapes import format_shape
from tensorcalc.structure import structure

__all__ = ["ChainStory", "below", "column_times_row", "plain_words", "ways"]

_LONG = 7  # links of one path that are all written down


class ChainStory(Story):
    """Tells one derivative as a chain of explicit objects."""

    # ── the chain rule ──

    def chain_rule(self) -> None:
        """∂E/∂W as the sum over paths of products of local derivatives."""
        s = self.stages
        if s.path_count <= MOST_PATHS:
            rows = [self._sum_over_paths()]
        else:
            rows = [self.recursion(v) for v in s.order[1:] if not self.is_first(v)]
        lines = [self.adjoint[s.wrt], self.literal_chain()]
        said = {"title": ways(self), "rows": tuple(rows)}
        self.add_step("chain rule", lines, (s.of.ndim, (s.wrt.ndim,)), said)

    def _sum_over_paths(self) -> Row:
        s = self.stages
        cells: list[Cell] = []
        for path in s.paths(MOST_PATHS):
            pairs = list(zip(path[:0:-1], path[-2::-1], strict=True))
            factors = self._factors(pairs, len(cells))
            if len(factors) > _LONG:
                factors[3:-2] = [Cell(Atom("…"), "·", "…")]
            cells += factors
        return Row(Cell(partial(s.of, s.wrt), under=self.sized(s.of, s.wrt)), tuple(cells))

    def _factors(self, pairs: Sequence[tuple[Expr, Expr]], before: int) -> list[Cell]:
        """The factors of one product, with the sign that stands before it."""
        titles = [self.factor(v, u) for v, u in pairs]
        return self._product_of(titles, before)

    def _product_of(self, titles: Sequence[tuple[Notation, str]], before: int) -> list[Cell]:
        ordered = titles[::-1] if self.backwards else titles
        signs = ["+" if before else "=", *["·"] * (len(titles) - 1)]
        return [Cell(n, sign, size) for sign, (n, size) in zip(signs, ordered, strict=True)]

    def recursion(self, vertex: Expr) -> Row:
        """∂E/∂v as the sum over what v acts on, each by its total and then its own derivative."""
        of = self.stages.of
        cells: list[Cell] = []
        for edge in self.stages.into(vertex):
            titles = [self.factor(edge.of, vertex)]
            if edge.of is not of:
                titles.insert(0, (partial(of, edge.of), self.sized(of, edge.of)))
            cells += self._product_of(titles, len(cells))
        return Row(Cell(partial(of, vertex), under=self.sized(of, vertex)), tuple(cells))

    # ── local derivatives ──

    def local(self, edge: Edge) -> None:
        """One factor of the chain: its matrix form, its entry, its rule."""
        scribe = self.scribe
        title: Notation = self.link(edge.of, edge.wrt)
        form = scribe.shown(edge.value, edge.of.ndim, (edge.wrt.ndim,))
        if form is not None:
            title = Infix("=", (title, form))
        lines, cells = [edge.value], []
        if edge.value.ndim:
            cells, lines = self._entries(edge)
        rules = self.why(edge)
        said = {
            "title": (title,),
            "rows": below(Cell(scribe.place(edge.of, edge.wrt)), cells),
            "rules": tuple(rules),
            "note": self.note(edge.of, edge.wrt, edge.value),
        }
        if edge.value.ndim > 2:
            said["remarks"] = (self._why_so_many_axes(edge),)
        self.add_step(plain_words(rules[0]), lines, (edge.of.ndim, (edge.wrt.ndim,)), said)

    def _entries(self, edge: Edge) -> tuple[list[Notation], list[Expr]]:
        """One entry: as the product rule gives it, and as it comes out."""
        forms, lines = self.entry_forms(edge)
        if edge.value.ndim > 2:
            forms.insert(0, self.entry_title(edge.of, edge.wrt))
        return forms, lines

    def _why_so_many_axes(self, edge: Edge) -> Prose:
        of, wrt = name_notation(edge.of), name_notation(edge.wrt)
        value, argument = format_shape(edge.of.shape or (1,)), format_shape(edge.wrt.shape)
        return (
            "shape: it turns a change of ", wrt, f" ({argument}) into one of ", of,
            f" ({value}), so it has {value} × ({argument}) entries",
        )  # fmt: skip

    # ── products ──

    def product(self, p: Product) -> None:
        """A row times a Jacobian, a sum over paths: the entry, the delta consumed, the form."""
        s, scribe = self.stages, self.scribe
        place = partial(s.of, p.vertex)
        forms, lines = [p.written], [p.literal]
        if not same_but_for_sums(p.entry, p.written):
            forms.append(p.entry)
            lines.append(p.value)
        left = place
        if p.value.ndim:
            left = Infix("", (place, scribe.place(s.of, p.vertex)))
        rows = [*below(Cell(left), forms)]
        rules: list[Prose] = [(p.words,)]
        if p.form is not None and p.value.ndim:
            named = Infix("=", (Atom(p.name), place)) if p.name else place
            form: Notation = p.form
            if structure(p.value, s.of.ndim) == "outer product" and p.value.ndim == 2:
                rules.append(("one entry of each, for all pairs: a column times a row",))
                form = column_times_row(form)
            rows.append(Row(Cell(named), (Cell(form, "="),)))
            lines.append(p.value)
        whole, words = self.in_full(p)
        if whole is not None:
            cancelling = self.before_cancelling(p) if p.form is not None else None
            if cancelling is not None:
                rows.append(Row(None, (Cell(cancelling[0], "="),)))
                lines.append(cancelling[1])
                words = (*words, "; then what is divided by and multiplied with cancels")
            rows.append(Row(None, (Cell(whole, "="),)))
            lines.append(self.adjoint[p.vertex])
            rules.append(words)
        said = {
            "title": self._product_title(p),
            "rows": tuple(rows),
            "rules": tuple(rules),
            "note": self.note(s.of, p.vertex, p.value),
        }
        self.add_step(p.words, lines, (s.of.ndim, (p.vertex.ndim,)), said)

    def _product_title(self, p: Product) -> Prose:
        call: Prose = (" Call it ", Atom(p.name), ".") if p.name else ()
        edge = p.edges[-1]
        if len(p.edges) > 1:
            return (f"Sum over {len(p.edges)} paths into ", name_notation(p.vertex), ".", *call)
        if self.stages.of.ndim == 0 and edge.of.ndim == 1:
            kind = self.object_of(edge.of, p.vertex, edge.value).kind
            noun = self.noun(edge.of)
            kind = f"transposed {kind}" if self.turns(edge.of, p.vertex) else kind
            words = f"{kind} times {noun}" if self.backwards else f"{noun} times {kind}"
            return (words[0].upper() + words[1:] + ".", *call)
        return ("Product with ", self.link(edge.of, p.vertex), ".", *call)


def ways(story: Story) -> Prose:
    """Chain rule. W reaches E by one path: W → v → s → E."""
    s = story.stages
    wrt, of = name_notation(s.wrt), name_notation(s.of)
    if s.path_count > MOST_PATHS:
        many = f": {s.path_count:,} paths, summed where they meet."
        return ("Chain rule, from ", of, " down to ", wrt, many)
    paths = [Infix("→", _abbreviated(path)) for path in s.paths(MOST_PATHS)]
    several = f"{s.path_count} paths" if s.path_count > 1 else "one path"
    between = [x for way in paths for x in (way, " and ")][:-1]
    return ("Chain rule. ", wrt, " reaches ", of, f" by {several}: ", *between, ".")


def _abbreviated(path: Sequence[Expr]) -> tuple[Notation, ...]:
    names = list(map(name_notation, path))
    if len(names) > _LONG + 1:
        names[3:-3] = [Atom("…")]
    return tuple(names)


def column_times_row(n: Notation) -> Notation:
    """x δ with δ the name of a row is what Johnston writes x ⊗ δ."""
    if not isinstance(n, Chain) or len(n.factors) != 2 or any(turned for _, turned in n.factors):
        return n
    return Infix("⊗", tuple(factor for factor, _ in n.factors))


def below(left: Cell, forms: Sequence[Notation]) -> tuple[Row, ...]:
    """The forms one under the other, each equal to the one above."""
    return tuple(Row(None if k else left, (Cell(form, "="),)) for k, form in enumerate(forms))


def plain_words(prose: Prose) -> str:
    """The prose as plain text."""
    return "".join(w if isinstance(w, str) else spell(w) for w in prose)
