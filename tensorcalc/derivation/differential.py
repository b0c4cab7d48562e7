"""The differential style: dE = Ē : dk for each named k in turn, until dE = G : dW is read off.

A : B = tr(AᵀB) = Σ A_ij B_ij. Each line replaces a differential by what it is and moves the
factors across ``:``; the move is the rule's name. Terms of one differential are collected where
paths meet. For a value with axes, dv = J dx is brought to the form from which J is read.

Source: Magnus & Neudecker, Matrix Differential Calculus, 1988, chapter 9; Minka 2000.
"""

from __future__ import annotations

from typing import TypeAlias

from tensorcalc.derivation.adjoints import adjoints, tangents
from tensorcalc.derivation.moves import NUMBER, moved
from tensorcalc.derivation.opening import definition_row, given, variables_of
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import Scribe, column_shape, first_free, name_notation
from tensorcalc.derivation.slopes import DiagonalForm, diagonal_form
from tensorcalc.derivation.stages import Edge, Stages, number_of
from tensorcalc.display.document import Cell, Paragraph, Prose, Row, Section
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Call,
    Chain,
    Differential,
    Indexed,
    Infix,
    Norm,
    Notation,
    Number,
    Power,
    Scaled,
    chain,
    is_negative,
    negated,
    scaled,
    sum_of,
)
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import mapped, pieces
from tensorcalc.errors import NotSupportedError
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
        self.taken = {*scribe.taken, *(d.name for d in self.diagonals.values())}
        wrt = stages.wrt
        self._require_free_changes()
        self.change = Variable(f"d{_name(wrt)}", wrt.shape)
        self.tangent = tangents(stages, self.change)
        self.adjoint = adjoints(stages)
        self.reached: dict[Expr, Expr] = {}
        self.composed: Notation | None = None

    # ── what every differential is ──

    def _require_free_changes(self) -> None:
        """dx must mean the change of x: NotSupportedError where a quantity has that name."""
        for vertex in self.stages.order:
            if f"d{_name(vertex)}" in self.scribe.taken:
                raise NotSupportedError(
                    f"the derivation by differentials, which writes d{_name(vertex)} for the "
                    f"change of {_name(vertex)}: a quantity has that name",
                    'rename it, or take style="chain"',
                )

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

        def change(n: Notation) -> Notation | None:
            if n == Atom(marker.name):
                return d
            if isinstance(n, Atom) and n.name.startswith(marker.name):  # a slice of the change
                return Differential(Atom(_name(edge.wrt) + n.name[len(marker.name) :]))
            return None

        return mapped(form, change)

    def differential(self, vertex: Expr) -> Notation | None:
        """dk in the differentials of what k is written in."""
        parts = [self.part(e) for e in self.stages.edges if e.of is vertex]
        known = [p for p in parts if p is not None]
        return sum_of(known) if known and len(known) == len(parts) else None

    # ── the opening ──

    def opening(self) -> tuple[Section, ...]:
        """Given; every definition with its differential; what ``:`` means."""
        rows: list[Row | Prose] = []
        for node in self.stages.defined:
            if node not in self.stages.order:
                rows.append(definition_row(node, self.scribe, by_index=False, note=""))
            else:
                rows += self._defined(node)
        variables = given(self.stages)
        fixed = [_name(v) for v in variables_of(self.stages)[1:]]
        if fixed:
            held = ", ".join(fixed[:-1]) + " and " * (len(fixed) > 1) + fixed[-1]
            words = f"{held} {'are' if len(fixed) > 1 else 'is'} held fixed"
            variables = Section(variables.label, (*variables.lines, (words,)))
        return (
            Section("", (("A : B = tr(AᵀB) = Σ_ij A_ij B_ij,  ⊙ multiplies entry by entry",),)),
            variables,
            Section("Define", tuple(rows)),
        )

    def _defined(self, node: Definition) -> list[Row | Prose]:
        scribe = self.scribe
        whole = definition_row(node, scribe, by_index=False, note="")
        d = Differential(name_notation(node))
        size = column_shape(node.shape)
        diagonal = self.diagonals.get(node)
        form = self.differential(node) if diagonal is None else diagonal.entrywise
        why = diagonal.why if diagonal is not None else ""
        if not node.ndim:
            moved_form, rules = self._scalar_differential(node)
            form, why = moved_form or form, _known(whole.cells[0].math) or "; ".join(rules)
        cells = list(whole.cells)
        if form is not None:
            cells.append(Cell(Infix("=", (d, form)), ","))
        note = f"{size}     {why}" if why else size
        rows: list[Row | Prose] = [Row(whole.left, tuple(cells), (note,))]
        if diagonal is not None:
            left = Infix("=", (d, chain((diagonal.matrix, False), (diagonal.inner, False))))
            named = (Cell(diagonal.definition, "="), Cell(left, ","))
            size = format_shape((*node.shape, *node.shape))
            rows.append(Row(Cell(Atom(diagonal.name)), named, (f"{size}     d ⊙ u = Diag(d) u",)))
        return rows

    def _scalar_differential(self, node: Definition) -> tuple[Notation | None, tuple[str, ...]]:
        """dE as a sum of G : du, and the moves that made it so."""
        terms: Terms = {}
        rules: dict[str, None] = {}
        for edge in (e for e in self.stages.edges if e.of is node):
            form = self.part(edge)
            d = Differential(name_notation(edge.wrt))
            done = moved(None, form, d, 0) if form is not None else None
            if done is None:
                return None, ()
            terms[edge.wrt] = done.adjoint
            rules |= dict.fromkeys(done.rules)
        return self._sum(terms), tuple(rules)

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
        rows = (*([more] if more else []), Row(head, (Cell(form, "="),), (rule,)))
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
                terms = self._put_in(terms, vertex)
        wrt = s.wrt
        self.composed = terms[wrt]
        letter = first_free(("G", "Γ", "G_"), self.taken)
        total = _frobenius(self.adjoint[wrt], self.change)
        noun = "gradient" if wrt.ndim else "derivative"
        words = f"for every d{_name(wrt)}, so {letter} is the {noun}"
        self._line(words, value, total, self._product(wrt, Atom(letter)))

    def _into(self, terms: Terms, edge: Edge, adjoint: Notation | None) -> list[str]:
        """Add what ``edge`` contributes to the terms, moved across; the rules used."""
        form = self.part(edge)
        d = Differential(name_notation(edge.wrt))
        known = adjoint is not None or edge.of is self.stages.of
        done = moved(adjoint, form, d, edge.of.ndim) if form is not None and known else None
        reached = self._contribution(edge)
        if edge.wrt in self.reached:
            self.reached[edge.wrt] = simplify(add(self.reached[edge.wrt], reached))
        else:
            self.reached[edge.wrt] = simplify(reached)
        own = self.scribe.matrix(simplify(reached)) if done is None else done.adjoint
        self._collect(terms, edge.wrt, own)
        return ["the local derivative, summed over its entries"] if done is None else [*done.rules]

    def _collect(self, terms: Terms, wrt: Expr, own: Notation | None) -> None:
        """One more G : dk; where there is one already, the two become one."""
        if wrt not in terms:
            terms[wrt] = own
            return
        before = terms[wrt]
        both = before is not None and own is not None
        terms[wrt] = sum_of([before, own]) if both else self.scribe.matrix(self.reached[wrt])  # type: ignore[list-item]

    def _contribution(self, edge: Edge) -> Expr:
        """What this edge alone adds to the adjoint of its argument."""
        if edge.of is self.stages.of:
            return edge.value
        return contract(self.adjoint[edge.of], edge.value, edge.of.ndim)

    def _put_in(self, terms: Terms, vertex: Expr) -> Terms:
        """Replace dk by what it is, and move the factors across; each term keeps its place."""
        terms[vertex] = self._shorter(terms, vertex)
        terms[vertex] = adjoint = self._named(terms[vertex], vertex, terms)
        form = self.differential(vertex)
        if isinstance(vertex, Definition) and not vertex.ndim:
            form = self._scalar_differential(vertex)[0] or form
        value = self.tangent[self.stages.of]
        before = self._sum(terms)
        if form is not None and adjoint is not None:
            inside = self._colon(adjoint, form, vertex.ndim)
            before = sum_of(
                inside if v is vertex else self._product(v, g) for v, g in terms.items()
            )
            self._line(f"put in d{_name(vertex)}", value, value, before)
        rules: list[str] = []
        after: Terms = {}
        for v, g in terms.items():
            if v is not vertex:
                self._collect(after, v, g)
                continue
            for edge in (e for e in self.stages.edges if e.of is vertex):
                rules += self._into(after, edge, adjoint)
        if not vertex.ndim:
            rules = [NUMBER]
        total = self._sum(after)
        if spell(total) != spell(before):
            words = "; ".join(dict.fromkeys(rules)) or NUMBER
            if len(after) < len(terms):
                words += f"; the terms in d{_name(next(iter(after)))} together"
            self._line(words, value, value, total)
        return after

    def _named(self, n: Notation | None, vertex: Expr, terms: Terms) -> Notation | None:
        """A long adjoint under a name of its own, δ, so that the lines below stay short."""
        if n is None or len(spell(n)) <= self._longest(vertex):
            return n
        name = self._free_name(vertex)
        self.scribe.call(name, turned=False)
        value = self.tangent[self.stages.of]
        atom = Atom(name)
        whole = self._sum({**terms, vertex: atom})
        named = Row(Cell(atom), (Cell(n, "="),), (column_shape(vertex.shape),))
        self._line(f"call it {name}", value, value, whole, more=named)
        return atom

    def _longest(self, vertex: Expr) -> int:
        """How long an adjoint may be without a name: in a deep network each layer gets one."""
        assert isinstance(vertex, Definition)
        deep = len(self.stages.order) > _DEEP
        return 10 if deep and not isinstance(vertex.body, Elementwise) else _LONGEST

    def _free_name(self, vertex: Expr) -> str:
        own = _name(vertex)
        digits = number_of(own)
        used = {*self.taken, *self.scribe.called, *self.scribe.all_letters}
        stems = ("δ", "ε", "γ", "η") if vertex.ndim < 2 else ("Δ", "Γ", "Ε", "Η")
        return next(n for stem in stems for n in (stem + digits, f"{stem}_{own}") if n not in used)

    def _shorter(self, terms: Terms, vertex: Expr) -> Notation | None:
        """The adjoint as moved, or as simplified where that is shorter; told on a line."""
        n, own = terms[vertex], self.scribe.matrix(self.adjoint[vertex])
        if own is None or (n is not None and len(spell(own)) >= len(spell(n))):
            return n
        if n is not None:
            value = self.tangent[self.stages.of]
            gone = self._diagonals_in(n) - self._diagonals_in(own)
            with_ = " and ".join(sorted(gone))
            words = f"multiplied out, with {with_} entry by entry" if gone else "simplified"
            self._line(words, value, value, self._sum({**terms, vertex: own}))
        return own

    def _diagonals_in(self, n: Notation) -> set[str]:
        """The diagonal matrices that a formula names."""
        names = {d.name for d in self.diagonals.values()}
        return {p.name for p in pieces(n) if isinstance(p, Atom)} & names

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
            if any(_is_slice_of(piece, vertex) for piece in pieces(form)):
                break
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


_DETERMINANTS = {
    "det": "d det(A) = det(A) tr(A⁻¹ dA)",
    "log|det|": "d log|det(A)| = tr(A⁻¹ dA)",
}


def _known(form: Notation) -> str:
    """The rule for ‖u‖², ½‖u‖² and determinants; of no other formula."""
    if isinstance(form, Call) and form.name in _DETERMINANTS:
        return _DETERMINANTS[form.name]
    half = isinstance(form, Scaled) and form.number == 0.5
    inner = form
    if isinstance(form, Scaled) and half:
        parts = [*form.scalars, *([] if form.body is None else [form.body])]
        inner = parts[0] if len(parts) == 1 else form
    if not isinstance(inner, Power) or not isinstance(inner.base, Norm) or inner.exponent != 2:
        return ""
    return "d(½ ‖u‖²) = u : du" if half else "d‖u‖² = 2 u : du"


def _name(vertex: Expr) -> str:
    assert isinstance(vertex, (Variable, Definition))
    return vertex.name


def _frobenius(a: Expr, b: Expr) -> Expr:
    return contract(a, b, b.ndim)


def _is_slice_of(n: Notation, vertex: Expr) -> bool:
    """du[0:2], which no formula for du replaces."""
    inside = n.of if isinstance(n, Differential) else None
    return isinstance(inside, Atom) and inside.name.startswith(f"{_name(vertex)}[")


def _put(form: Notation, d: Differential, inner: Notation) -> Notation:
    """The formula with d replaced, products opened."""

    def change(n: Notation) -> Notation | None:
        if n == d:
            return inner
        if isinstance(n, Chain):
            return chain(*((mapped(factor, change), flag) for factor, flag in n.factors))
        return None

    return mapped(form, change)
