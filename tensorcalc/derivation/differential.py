"""The differential style: dE = Ē : dk for each named k in turn, until dE = G : dW is read off.

A : B = tr(AᵀB) = Σ A_ij B_ij. Each line replaces a differential by what it is and moves the
factors across ``:``; the move is the rule's name. Terms of one differential are collected where
paths meet. For a value with axes, dv = J dx is brought to the form from which J is read.

Source: Magnus & Neudecker, Matrix Differential Calculus, 1988, chapter 9; Minka 2000.
"""

from __future__ import annotations

from typing import TypeAlias

from tensorcalc.derivation.moves import moved
from tensorcalc.derivation.opening import definition_row, given
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import Scribe, column_shape, name_notation
from tensorcalc.derivation.slopes import DiagonalForm, diagonal_form
from tensorcalc.derivation.stages import Edge, Stages
from tensorcalc.display.document import Cell, Paragraph, Prose, Row, Section
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Chain,
    Differential,
    Indexed,
    Infix,
    Notation,
    Number,
    chain,
    is_negative,
    negated,
    scaled,
    sum_of,
)
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import mapped
from tensorcalc.expr import Definition, Elementwise, Expr, Variable, add, contract
from tensorcalc.shapes import format_shape
from tensorcalc.simplify import simplify
from tensorcalc.tensor import Tensor

__all__ = ["DifferentialStory"]

_DEEP = 12  # vertices
_LONGEST = 44  # an adjoint that takes more room than this gets a name
Terms: TypeAlias = dict[Expr, Notation | None]  # G of each G : dk; None where it has no matrix form


class DifferentialStory:
    """Tells a derivative by successive differentials."""

    def __init__(self, stages: Stages, scribe: Scribe, before: int = 0) -> None:
        """``before`` is the number of steps told already."""
        self.stages = stages
        self.scribe = scribe
        self.before = before
        self.steps: list[DerivationStep] = []
        self.diagonals = self._diagonals()
        wrt = stages.wrt
        name = getattr(wrt, "name", "x")
        self.change = Variable(f"d{name}", wrt.shape)
        self.tangent = self._tangents()
        self.adjoint = self._adjoints()
        self.reached: dict[Expr, Expr] = {}
        self.composed: Notation | None = None

    # ── what every differential is ──

    def _tangents(self) -> dict[Expr, Expr]:
        """dk for every vertex k, as a quantity linear in the change of the argument."""
        known: dict[Expr, Expr] = {self.stages.wrt: self.change}
        for vertex in reversed(self.stages.order[:-1]):
            edges = [e for e in self.stages.edges if e.of is vertex]
            terms = [contract(e.value, known[e.wrt], e.wrt.ndim) for e in edges]
            known[vertex] = simplify(add(*terms))
        return known

    def _adjoints(self) -> dict[Expr, Expr]:
        known: dict[Expr, Expr] = {}
        for vertex in self.stages.order[1:]:
            terms = [
                e.value
                if e.of is self.stages.of
                else simplify(contract(known[e.of], e.value, e.of.ndim))
                for e in self.stages.into(vertex)
            ]
            known[vertex] = simplify(add(*terms))
        return known

    def _diagonals(self) -> dict[Expr, DiagonalForm]:
        """For each elementwise stage of a vector: S = Diag(s) and ds = (S − S²) dv."""
        taken = set(self.scribe.taken)
        found: dict[Expr, DiagonalForm] = {}
        for vertex in reversed(self.stages.order[:-1]):
            assert isinstance(vertex, Definition)
            body = vertex.body
            if isinstance(body, Elementwise) and vertex.ndim == 1 and len(body.arguments) == 1:
                form = diagonal_form(vertex, body, taken)
                if form is not None:
                    found[vertex] = form
                    taken.add(form.name)
        return found

    def part(self, edge: Edge) -> Notation | None:
        """∂k/∂u applied to du, by matrices: dW x, (S − S²) dv, −V dX V."""
        d = Differential(name_notation(edge.wrt))
        diagonal = self.diagonals.get(edge.of)
        if diagonal is not None:
            return chain((diagonal.matrix, False), (d, False))
        marker = Variable(f"d⟨{_name(edge.wrt)}⟩", edge.wrt.shape)
        form = self.scribe.matrix(simplify(contract(edge.value, marker, edge.wrt.ndim)))
        if form is None:
            return None
        return mapped(form, lambda n: d if n == Atom(marker.name) else None)

    def differential(self, vertex: Expr) -> Notation | None:
        """dk in the differentials of what k is written in."""
        parts = [self.part(e) for e in self.stages.edges if e.of is vertex]
        return None if any(p is None for p in parts) else sum_of(p for p in parts if p is not None)

    # ── the opening ──

    def opening(self) -> tuple[Section, ...]:
        """Given; every definition with its differential; what ``:`` means."""
        rows: list[Row | Prose] = []
        for node in self.stages.defined:
            if node not in self.stages.order:
                rows.append(definition_row(node, self.scribe, by_index=False, note=""))
            else:
                rows += self._defined(node)
        fixed = given(self.stages)
        return (
            Section("", (("A : B = tr(AᵀB) = Σ_ij A_ij B_ij,  ⊙ multiplies entry by entry",),)),
            fixed,
            Section("Define", tuple(rows)),
        )

    def _defined(self, node: Definition) -> list[Row | Prose]:
        scribe = self.scribe
        whole = definition_row(node, scribe, by_index=False, note="")
        d = Differential(name_notation(node))
        size = column_shape(node.shape)
        diagonal = self.diagonals.get(node)
        form = self.differential(node) if diagonal is None else diagonal.entrywise
        if not node.ndim:
            form = self._scalar_differential(node) or form
        cells = list(whole.cells)
        if form is not None:
            cells.append(Cell(Infix("=", (d, form)), ","))
        why = f"     {diagonal.why}" if diagonal is not None and diagonal.why else ""
        rows: list[Row | Prose] = [Row(whole.left, tuple(cells), (size + why,))]
        if diagonal is not None:
            left = Infix("=", (d, chain((diagonal.matrix, False), (diagonal.inner, False))))
            named = (Cell(diagonal.definition, "="), Cell(left, ","))
            size = format_shape((*node.shape, *node.shape))
            rows.append(Row(Cell(Atom(diagonal.name)), named, (f"{size}     d ⊙ u = Diag(d) u",)))
        return rows

    def _scalar_differential(self, node: Definition) -> Notation | None:
        """dE as a sum of G : du, the moves made."""
        terms: Terms = {}
        for edge in (e for e in self.stages.edges if e.of is node):
            form = self.part(edge)
            d = Differential(name_notation(edge.wrt))
            done = moved(None, form, d, 0) if form is not None else None
            if done is None:
                return None
            terms[edge.wrt] = done.adjoint
        return self._sum(terms)

    # ── scalar values: dE = G : dW ──

    def tell(self) -> list[DerivationStep]:
        """All steps, to the line from which the derivative is read."""
        if self.stages.of.ndim:
            self._forward()
        else:
            self._backward()
        return self.steps

    def _line(
        self,
        rule: str,
        before: Expr,
        after: Expr,
        form: Notation,
        left: Notation | None = None,
        more: Row | None = None,
    ) -> None:
        number = self.before + len(self.steps) + 1
        head = Cell(left or Differential(name_notation(self.stages.of)))
        rows = (Row(head, (Cell(form, "="),), (rule,)), *([more] if more else []))
        paragraph = Paragraph(number, (), rows)
        lines = (before, after)
        step = DerivationStep(number, rule, Tensor(before), Tensor(after), lines, paragraph)
        self.steps.append(step)

    def _backward(self) -> None:
        s = self.stages
        value = self.tangent[s.of]
        terms: Terms = {}
        for edge in (e for e in s.edges if e.of is s.of):
            self._into(terms, edge, None)
        self._line(f"the differential of {_name(s.of)}", value, value, self._sum(terms))
        for vertex in s.order[1:-1]:
            if vertex in terms:
                self._put_in(terms, vertex)
        wrt = s.wrt
        self.composed = terms[wrt]
        letter = next(g for g in ("G", "Γ", "G_") if g not in self.scribe.taken)
        total = _frobenius(self.adjoint[wrt], self.change)
        words = f"for every d{_name(wrt)}, so {letter} is the gradient"
        self._line(words, value, total, self._product(wrt, Atom(letter)))

    def _into(self, terms: Terms, edge: Edge, adjoint: Notation | None) -> list[str]:
        """Add what ``edge`` contributes to the terms, moved across; the rules used."""
        form = self.part(edge)
        d = Differential(name_notation(edge.wrt))
        known = adjoint is not None or edge.of is self.stages.of
        done = moved(adjoint, form, d, edge.of.ndim) if form is not None and known else None
        reached = [self._contribution(edge)]
        if edge.wrt in terms:
            reached.append(self.reached[edge.wrt])
        self.reached[edge.wrt] = simplify(add(*reached))
        if done is None:
            terms[edge.wrt] = self.scribe.matrix(self.reached[edge.wrt])
            return ["the local derivative by indices, summed"]
        before = terms.get(edge.wrt)
        if edge.wrt not in terms:
            terms[edge.wrt] = done.adjoint
        elif before is not None:
            terms[edge.wrt] = sum_of([before, done.adjoint])
        return list(done.rules)

    def _contribution(self, edge: Edge) -> Expr:
        """What this edge alone adds to the adjoint of its argument."""
        if edge.of is self.stages.of:
            return edge.value
        return contract(self.adjoint[edge.of], edge.value, edge.of.ndim)

    def _put_in(self, terms: Terms, vertex: Expr) -> None:
        """Replace dk by what it is, and move the factors across."""
        adjoint = self._named(self._shorter(terms.pop(vertex), vertex), vertex, terms)
        form = self.differential(vertex)
        value = self.tangent[self.stages.of]
        before = self._sum({vertex: adjoint, **terms})
        if form is not None and adjoint is not None:
            inside = self._colon(adjoint, form, vertex.ndim)
            before = sum_of([inside, *(self._product(v, g) for v, g in terms.items())])
            self._line(f"put in d{_name(vertex)}", value, value, before)
        rules: list[str] = []
        for edge in (e for e in self.stages.edges if e.of is vertex):
            rules += self._into(terms, edge, adjoint)
        after = self._sum(terms)
        if spell(after) != spell(before):
            self._line("; ".join(dict.fromkeys(rules)), value, value, after)

    def _named(self, n: Notation | None, vertex: Expr, terms: Terms) -> Notation | None:
        """A long adjoint under a name of its own, δ, so that the lines below stay short."""
        if n is None or len(spell(n)) <= self._longest(vertex):
            return n
        name = self._free_name(vertex)
        self.scribe.call(name, turned=False)
        value = self.tangent[self.stages.of]
        atom = Atom(name)
        whole = self._sum({vertex: atom, **terms})
        self._line(f"call it {name}", value, value, whole, more=Row(Cell(atom), (Cell(n, "="),)))
        return atom

    def _longest(self, vertex: Expr) -> int:
        """How long an adjoint may be without a name: in a deep network each layer gets one."""
        assert isinstance(vertex, Definition)
        deep = len(self.stages.order) > _DEEP
        return 10 if deep and not isinstance(vertex.body, Elementwise) else _LONGEST

    def _free_name(self, vertex: Expr) -> str:
        own = _name(vertex)
        digits = own[len(own.rstrip("0123456789")) :]
        used = {*self.scribe.taken, *self.scribe.called, *self.scribe.all_letters}
        stems = ("δ", "ε", "γ", "η") if vertex.ndim < 2 else ("Δ", "Γ", "Ε", "Η")
        return next(n for stem in stems for n in (stem + digits, f"{stem}_{own}") if n not in used)

    def _shorter(self, n: Notation | None, vertex: Expr) -> Notation | None:
        """The adjoint as moved, or as simplified where that is shorter."""
        own = self.scribe.matrix(self.adjoint[vertex])
        return own if n is None or (own and len(spell(own)) < len(spell(n))) else n

    def _product(self, vertex: Expr, adjoint: Notation | None) -> Notation:
        """G : dk; entry by entry where G has no matrix form."""
        if adjoint is None:
            letters = self.scribe.letters[vertex]
            entry = self.scribe.entry(self.reached[vertex], letters)
            change = Differential(Indexed(_name(vertex), letters))
            return BigSum(letters, scaled(1.0, [entry, change], None))
        return self._colon(adjoint, Differential(name_notation(vertex)), vertex.ndim)

    def _colon(self, left: Notation, right: Notation, ndim: int) -> Notation:
        if is_negative(left):
            return negated(self._colon(negated(left), right, ndim))
        if ndim:
            return Infix(":", (left, right))
        return right if left == Number(1.0) else scaled(1.0, [left], right)

    def _sum(self, terms: Terms) -> Notation:
        return sum_of(self._product(v, g) for v, g in terms.items())

    # ── values with axes: dv = J dx ──

    def _forward(self) -> None:
        s = self.stages
        value = self.tangent[s.of]
        form = self.differential(s.of)
        if form is None:
            self._by_indices()
            return
        self._line("the differential of " + _name(s.of), value, value, form)
        for vertex in s.order[1:-1]:
            inner = self.differential(vertex)
            if inner is None:
                self._by_indices()
                return
            d = Differential(name_notation(vertex))
            form = _put(form, d, inner)
            self._line(f"put in d{_name(vertex)}", value, value, form)
        self._by_indices()

    def _by_indices(self) -> None:
        """dv_k = Σ_ji J_kji dW_ji, from which the entries are read."""
        s, scribe = self.stages, self.scribe
        of, by = scribe.letters[s.of], scribe.letters[s.wrt]
        entry = scribe.entry(self.adjoint[s.wrt], (*of, *by))
        name = _name(s.wrt)
        body = scaled(1.0, [entry, Differential(Indexed(name, by))], None)
        total = contract(self.adjoint[s.wrt], self.change, s.wrt.ndim)
        self._line(
            f"one entry, for every d{name}: what multiplies it is the derivative",
            self.tangent[s.of],
            total,
            BigSum(by, body) if by else body,
            Differential(Indexed(_name(s.of), of)),
        )


def _name(vertex: Expr) -> str:
    assert isinstance(vertex, (Variable, Definition))
    return vertex.name


def _frobenius(a: Expr, b: Expr) -> Expr:
    return contract(a, b, b.ndim)


def _put(form: Notation, d: Differential, inner: Notation) -> Notation:
    """The formula with d replaced, products opened."""

    def change(n: Notation) -> Notation | None:
        if n == d:
            return inner
        if isinstance(n, Chain):
            return chain(*((mapped(factor, change), flag) for factor, flag in n.factors))
        return None

    return mapped(form, change)
