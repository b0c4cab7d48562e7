"""The story both styles of the chain rule tell: links, their products, names for adjoints.

What differs between them, how a link and a product are written, is left to ``ChainStory`` and
``IndexStory``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorcalc.derivation.adjoints import adjoints, contribution
from tensorcalc.derivation.literal import product_rule_terms
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.rules import has_named_rule, local_rule, product_rule
from tensorcalc.derivation.scribe import Scribe, column_shape, partial
from tensorcalc.derivation.stages import Edge, Stages, number_of
from tensorcalc.derivative import Contribution, Derivative, Link
from tensorcalc.display.document import Paragraph, Prose
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Indexed,
    Infix,
    Notation,
    Partial,
    Quotient,
    Transposed,
    scaled,
    sum_of,
    transposed,
)
from tensorcalc.display.raised import RAISED, raised
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import pieces, same_but_for_sums
from tensorcalc.expr import Add, Constant, Definition, Einsum, Expr, add, contract
from tensorcalc.simplify import simplify, substitute
from tensorcalc.structure import structure
from tensorcalc.tensor import Tensor

__all__ = ["MOST_PATHS", "Product", "Story"]

_LONGEST = 120  # a result that takes more room than this stays in names
MOST_PATHS = 3  # written out as sums of products; beyond this, from vertex to vertex


@dataclass(frozen=True)
class Product:
    """The adjoint of a vertex as a product with its local derivatives.

    ``literal`` is what stands before any delta is contracted, ``value`` what it comes to;
    ``written`` and ``entry`` are one entry of each, ``form`` the matrix form if there is one.
    """

    vertex: Expr
    edges: tuple[Edge, ...]
    literal: Expr
    value: Expr
    written: Notation
    entry: Notation
    form: Notation | None
    name: str | None
    words: str


class Story:
    """Tells one derivative by the chain rule, from the value down."""

    turns_names = True  # δ is a row where the layout makes it one

    def __init__(self, stages: Stages, scribe: Scribe, before: int = 0) -> None:
        """``before`` is the number of steps told already."""
        self.stages = stages
        self.scribe = scribe
        self.before = before
        self.steps: list[DerivationStep] = []
        self.products: list[Product] = []
        self.adjoint = adjoints(stages)
        self.told: dict[Expr, Expr] = {}  # adjoints, each as what later steps call it
        self.put_in = True  # whether the last step says what its names stand for

    def tell(self) -> list[DerivationStep]:
        """All steps, from the chain rule to the closed form."""
        if len(self.stages.edges) > 1:
            self.chain_rule()
        for edge in self.in_reading_order():
            self.local(edge)
        for vertex in self.stages.order[1:]:
            edges = self.stages.into(vertex)
            if len(edges) > 1 or not self._is_whole(edges[0]):
                self._multiply(vertex, edges)
            else:
                self.told[vertex] = self.adjoint[vertex]
        return self.steps

    def chain_rule(self) -> None:
        """The statement of the chain rule."""
        raise NotImplementedError

    def local(self, edge: Edge) -> None:
        """One local derivative."""
        raise NotImplementedError

    def product(self, p: Product) -> None:
        """One product."""
        raise NotImplementedError

    def in_full(self, p: Product) -> tuple[Notation | None, Prose]:
        """The last product without names of adjoints, and the words for that; None if it has none.

        Such a name stays where the formula would be too long to read.
        """
        names = [n for n in self.scribe.called if _speaks_of(p.form or p.entry, n)]
        if p.vertex is not self.stages.wrt or not names:
            return None, ()
        s, scribe = self.stages, self.scribe
        whole = self.adjoint[p.vertex]
        form = scribe.shown(whole, s.of.ndim, (p.vertex.ndim,)) if p.form is not None else None
        if form is None:
            form = scribe.entry_shown(whole, scribe.letters[s.of], scribe.letters[p.vertex])
        self.put_in = len(spell(form)) <= _LONGEST
        return (form if self.put_in else None), (f"put in {' and '.join(names)}",)

    def before_cancelling(self, p: Product) -> tuple[Notation, Expr] | None:
        """The last product with what its names stand for, where a divisor then cancels."""
        named: dict[Expr, Expr] = {
            e: e.body
            for e in self.told.values()
            if isinstance(e, Definition) and e.name in self.scribe.called
        }
        literal = substitute(p.value, named)
        form = self.scribe.shown(literal, self.stages.of.ndim, (p.vertex.ndim,))
        whole = self.scribe.shown(self.adjoint[p.vertex], self.stages.of.ndim, (p.vertex.ndim,))
        if form is None or whole is None or len(spell(form)) > _LONGEST:
            return None
        return (form, literal) if _divisions(form) > _divisions(whole) else None

    # ── what every step needs ──

    def add_step(
        self,
        rule: str,
        lines: Sequence[Expr],
        ndims: tuple[int, Sequence[int]],
        paragraph: Mapping[str, object],
    ) -> None:
        """One more step: its rule, the values of its lines, and what it says."""
        number = self.before + len(self.steps) + 1
        shown = [self.scribe.live(line, *ndims) for line in lines]
        said = Paragraph(number, **paragraph)  # type: ignore[arg-type]
        exprs = tuple(t.expr for t in shown)
        whole = (self.stages.of,)
        self.steps.append(DerivationStep(number, rule, shown[0], shown[-1], exprs, said, whole))

    def object_of(self, of: Expr, wrt: Expr, value: Expr) -> Derivative:
        """A part of the chain as a derivative object: its kind, its shape, its structure."""
        link = Link(Tensor(of), (Tensor(wrt),), frozenset(), value)
        told = (Contribution(1.0, (link,)),)
        return Derivative(Tensor(of), (Tensor(wrt),), value, told, layout=self.scribe.layout)

    def note(self, of: Expr, wrt: Expr, value: Expr) -> str:
        """Jacobian, 5 × 4."""
        return f"{self.object_of(of, wrt, value).kind}, {self.sized(of, wrt)}"

    def sized(self, of: Expr, wrt: Expr) -> str:
        """The shape of ∂of/∂wrt in the layout."""
        return self.scribe.shape(of.shape, [wrt.shape])

    def link(self, of: Expr, wrt: Expr) -> Partial:
        """∂of/∂wrt as one link; where other paths join the two, with what is held fixed."""
        return partial(of, wrt, self.stages.held(of, wrt))

    @property
    def backwards(self) -> bool:
        """Whether products are written from the argument to the value: Jᵀ times a column."""
        name = self.scribe.layout.name
        return name == "denominator" or (name == "mixed" and not self.stages.of.ndim)

    def turns(self, of: Expr, wrt: Expr) -> bool:
        """Whether ∂of/∂wrt stands transposed in a product, since the mixed layout turns nothing."""
        if self.scribe.layout.name != "mixed":
            return False
        if not self.stages.of.ndim:
            return of.ndim > 0
        return not of.ndim and wrt.ndim == 1

    def factor(self, of: Expr, wrt: Expr) -> tuple[Notation, str]:
        """∂of/∂wrt as a factor of the chain rule, and its shape there."""
        link, size = self.link(of, wrt), self.sized(of, wrt)
        if self.turns(of, wrt):
            whole = (*wrt.shape, *of.shape) if of.ndim else (1, *wrt.shape)
            return Transposed(link), column_shape(whole)
        return link, size

    def factor_form(self, edge: Edge) -> Notation | None:
        """What a factor comes to, by matrices."""
        form = self.scribe.shown(edge.value, edge.of.ndim, (edge.wrt.ndim,))
        return transposed(form) if form is not None and self.turns(edge.of, edge.wrt) else form

    def entry_title(self, of: Expr, wrt: Expr, *, total: bool = False) -> Partial:
        """∂v_k/∂W_ji."""
        names = self.link(of, wrt)
        indexed = [Indexed(getattr(e, "name", "?"), self.scribe.letters[e]) for e in (of, wrt)]
        return Partial(indexed[0], (indexed[1],), () if total else names.held)

    def why(self, edge: Edge) -> list[Prose]:
        """The rule of a local derivative."""

        def entry() -> tuple[Notation, tuple[str, ...]]:
            assert isinstance(edge.of, Definition)
            letters = self.scribe.letters[edge.of]
            left = Indexed(edge.of.name, letters)
            return Infix("=", (left, self.scribe.entry(edge.of.body, letters))), letters

        said = local_rule(edge.of, edge.wrt, entry)
        return [self._laid_out(words, edge.wrt.ndim) for words in said]

    def _laid_out(self, words: Prose, ndim: int) -> Prose:
        """The gradient of ½‖u‖² is a row in numerator layout only, and only by a vector."""
        if not words or not isinstance(words[0], str):
            return words
        first = words[0] if ndim < 2 else words[0].replace("row gradient", "gradient")
        if self.scribe.layout.name != "numerator":
            first = first.replace("row gradient", "gradient").replace("uᵀ", "u")
        return (first, *words[1:])

    def entry_forms(self, edge: Edge) -> tuple[list[Notation], list[Expr]]:
        """One entry of a link and its value: as the product rule gives it, and as it comes out."""
        letters = self.scribe.letters[edge.of] + self.scribe.letters[edge.wrt]
        forms, lines = [self.scribe.entry(edge.value, letters)], [edge.value]
        literal = None
        if isinstance(edge.of, Definition) and not has_named_rule(edge.of.body, edge.wrt):
            literal = product_rule_terms(edge.of.body, edge.wrt)
        if literal is not None:
            written = self.scribe.entry(literal, letters)
            if not same_but_for_sums(written, forms[0]) and spell(written) != spell(forms[0]):
                forms.insert(0, written)
                lines.insert(0, literal)
        return forms, lines

    def in_reading_order(self) -> list[Edge]:
        """The edges along the first path from the value down, then those that other paths add."""
        edges = {(e.of, e.wrt): e for e in reversed(self.stages.edges)}
        along: dict[tuple[Expr, Expr], None] = {}
        for path in self.stages.paths(MOST_PATHS):
            along |= dict.fromkeys((v, u) for v, u in zip(path[:0:-1], path[-2::-1], strict=True))
        return [edges[pair] for pair in dict.fromkeys((*along, *edges))]

    def is_first(self, vertex: Expr) -> bool:
        """Whether the vertex acts on the value alone, so that its adjoint is a local derivative."""
        return all(e.of is self.stages.of for e in self.stages.into(vertex))

    # ── the mathematics ──

    def literal_chain(self) -> Expr:
        """The product over every path, nothing simplified; the total where paths are many."""
        total = self.adjoint[self.stages.wrt]
        if self.stages.path_count > MOST_PATHS:
            return total
        value = {(e.of, e.wrt): e.value for e in self.stages.edges}
        terms = []
        for path in self.stages.paths(MOST_PATHS):
            pairs = list(zip(path[1:], path, strict=False))[::-1]
            term = value[pairs[0]]
            for pair in pairs[1:]:
                term = contract(term, value[pair], pair[0].ndim)
            terms.append(term)
        return add(*terms)

    def _is_whole(self, edge: Edge) -> bool:
        """Whether the local derivative already is the adjoint: nothing stands before it."""
        before = self.adjoint.get(edge.of)
        one = isinstance(before, Constant) and before.ndim == 0 and before.number == 1
        return edge.of is self.stages.of or one

    def _multiply(self, vertex: Expr, edges: Sequence[Edge]) -> None:
        s, scribe = self.stages, self.scribe
        of, by = scribe.letters[s.of], scribe.letters[vertex]
        literal = add(*(contribution(s, e, self.told) for e in edges))
        value = simplify(literal)
        between = [i for e in edges for i in scribe.letters[e.of]]
        p = Product(
            vertex,
            tuple(edges),
            literal,
            value,
            written=sum_of(self._written(e) for e in edges),
            entry=scribe.entry_shown(value, of, by, between),
            form=scribe.shown(value, s.of.ndim, (vertex.ndim,)),
            name=self._name_for(vertex, value),
            words=self._words(edges),
        )
        self.products.append(p)
        self.product(p)
        self.told[vertex] = value
        if p.name:
            self.told[vertex] = Definition(p.name, value)
            scribe.call(
                p.name, vertex, turned=self.turns_names and scribe.layout.name == "numerator"
            )

    def _written(self, edge: Edge) -> Notation:
        """Σ over the letters between: the literal product of two entries."""
        s, scribe = self.stages, self.scribe
        of, by = scribe.letters[s.of], scribe.letters[edge.wrt]
        between = scribe.letters[edge.of]
        right = scribe.entry(edge.value, between + by)
        if edge.of is s.of:
            return right
        left = scribe.entry(self.told[edge.of], of + between)
        body = scaled(1.0, [left, right], None)
        return BigSum(between, body) if between else body

    def _words(self, edges: Sequence[Edge]) -> str:
        if len(edges) > 1:
            return "contributions of several paths add up"
        (edge,) = edges
        before = self.adjoint[edge.of]
        return product_rule(self.noun(edge.of), edge.value, edge.of.ndim, before, self.backwards)

    def noun(self, vertex: Expr) -> str:
        """What ∂of/∂vertex is called in a sentence: a row in numerator layout, else a column."""
        if self.stages.of.ndim or vertex.ndim > 1:
            return "Jacobian" if vertex.ndim == self.stages.of.ndim == 1 else "tensor"
        if vertex.ndim == 0:
            return "number"
        return "row" if self.scribe.layout.name == "numerator" else "column"

    # ── names for adjoints ──

    def _name_for(self, vertex: Expr, value: Expr) -> str | None:
        """δ for a compound adjoint that goes on into further products."""
        s = self.stages
        if vertex is s.wrt or s.of.ndim or not isinstance(value, (Einsum, Add)) or not value.ndim:
            return None
        if all(_is_diagonal(e) for e in s.edges if e.of is vertex):
            return None
        return self._free_name(vertex)

    def _free_name(self, vertex: Expr) -> str:
        """δ, or with the vertex's name above it: δᶻ; Δ where the vertex is a matrix."""
        used = {*self.scribe.taken, *self.scribe.called, *self.scribe.all_letters}
        own = getattr(vertex, "name", "")
        stem = "δ" if vertex.ndim < 2 else "Δ"
        digits = number_of(own)
        low = own.lower()
        above = raised(low) if low.isalpha() and set(low) <= set(RAISED.values()) else ""
        several = sum(not self.is_first(v) for v in self.stages.order[1:-1]) > 1
        wanted = [stem + digits, stem + above] if digits or not several else [stem + above, stem]
        others = ("ε", "γ", "η") if vertex.ndim < 2 else ("Γ", "ε", "γ", "η")
        wanted += [*(f"{other}{above}" for other in others), f"η_{own}"]
        return next(name for name in wanted if name not in used)


def _speaks_of(n: Notation, name: str) -> bool:
    """Whether a formula writes δ, or an entry of it."""
    return any(isinstance(p, (Atom, Indexed)) and p.name == name for p in pieces(n))


def _divisions(n: Notation) -> int:
    return sum(isinstance(p, Quotient) for p in pieces(n))


def _is_diagonal(edge: Edge) -> bool:
    return edge.of.ndim > 0 and structure(edge.value, edge.of.ndim) == "diagonal"
