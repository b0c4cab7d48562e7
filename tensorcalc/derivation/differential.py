"""The differential style: dE = Ē : dk for each named k in turn, until dE = G : dW is read off.

A : B = tr(AᵀB) = Σ A_ij B_ij. Each line does one thing and says it: it replaces a differential by
what it is, turns a trace, moves factors across ``:``, or collects the terms in one differential.
For a value with axes, dv = J dx is brought to the form from which J is read.

Source: Magnus & Neudecker, Matrix Differential Calculus, 1988, chapter 9; Minka 2000.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorcalc.derivation.adjoints import adjoints, tangents
from tensorcalc.derivation.changes import axes, colon
from tensorcalc.derivation.definitions import Definitions, name_of_vertex
from tensorcalc.derivation.moves import DISTRIBUTES, NUMBER, moved, with_change_last
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import Scribe, column_shape, first_free, name_notation
from tensorcalc.derivation.stages import Edge, Stages, number_of
from tensorcalc.derivation.terms import (
    Term,
    applied,
    change_in,
    is_slice_of,
    scaled_term,
    with_formula,
)
from tensorcalc.display.document import Cell, Paragraph, Row, Section
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Differential,
    Indexed,
    Infix,
    Notation,
    Sum,
    scaled,
    sum_of,
)
from tensorcalc.display.spelling import spell
from tensorcalc.display.walk import pieces
from tensorcalc.expr import Definition, Elementwise, Expr, Variable, add, contract
from tensorcalc.simplify import simplify
from tensorcalc.tensor import Tensor

__all__ = ["DifferentialStory"]

_DEEP = 12  # vertices
_LONGEST = 44  # an adjoint that takes more room than this gets a name
_ENTRIES = "the local derivative, summed over its entries"


class DifferentialStory:
    """Tells a derivative by successive differentials."""

    def __init__(self, stages: Stages, scribe: Scribe, before: int = 0) -> None:
        """``before`` is the number of steps told already."""
        self.stages = stages
        self.scribe = scribe
        self.before = before
        self.steps: list[DerivationStep] = []
        self.definitions = Definitions(stages, scribe)
        self.taken = self.definitions.taken
        wrt = stages.wrt
        self.change = Variable(f"d{name_of_vertex(wrt)}", wrt.shape)
        self.tangent = tangents(stages, self.change)
        self.adjoint = adjoints(stages)
        self.reached: dict[Expr, Expr] = {}  # adjoints, as far as they are put together
        self.composed: Notation | None = None
        self.simplified = False  # whether collecting terms has done more than collect
        self.ndims = {name_of_vertex(v): v.ndim for v in (*stages.order, *stages.defined)}

    def opening(self) -> tuple[Section, ...]:
        """Given; every definition with its differential."""
        return self.definitions.opening()

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

    def _next(self, rule: str, form: Notation, more: Row | None = None) -> None:
        """One more line for the differential of the value."""
        value = self.tangent[self.stages.of]
        self._line(rule, value, value, form, more=more)

    # ── scalar values: dE = G : dW ──

    def _backward(self) -> None:
        s = self.stages
        change = self.definitions.change(s.of)
        terms: list[Term] = []
        if change is None:
            terms = self._by_entries(s.of, None)
            self._next(_ENTRIES, self._sum(terms))
        else:
            form = sum_of(change.terms)
            rules = "; ".join(filter(None, change.rules))
            self._next(rules or f"the differential of {name_of_vertex(s.of)}", form)
            terms = self._moved([], s.of, change.terms, form)
        for vertex in s.order[1:-1]:
            terms = self._put_in(terms, vertex)
        (last,) = terms
        wrt = s.wrt
        self.composed = last.adjoint
        letter = first_free(("G", "Γ", "G_"), self.taken)
        total = contract(self.adjoint[wrt], self.change, wrt.ndim)
        noun = "gradient" if wrt.ndim else "derivative"
        words = f"for every d{name_of_vertex(wrt)}, so {letter} is the {noun}"
        value = self.tangent[s.of]
        self._line(words, value, total, self._product(Term(wrt, Atom(letter))))

    def _put_in(self, terms: list[Term], vertex: Expr) -> list[Term]:
        """Replace dk by what it is, and move the factors across; each term keeps its place."""
        place = next((k for k, t in enumerate(terms) if t.vertex is vertex), None)
        if place is None:
            return terms
        adjoint = self._shorter(terms, place)
        terms = [*terms[:place], Term(vertex, adjoint), *terms[place + 1 :]]
        adjoint = self._named(terms, place)
        terms[place] = Term(vertex, adjoint)
        change = self.definitions.change(vertex)
        if change is None or adjoint is None:
            after = self._by_entries(vertex, adjoint)
            return self._collected([*terms[:place], *after, *terms[place + 1 :]], [_ENTRIES])
        put = [scaled_term(adjoint, t) for t in change.terms] if not vertex.ndim else None
        inside = sum_of(put) if put else colon(adjoint, sum_of(change.terms), vertex.ndim)
        form = sum_of(inside if k == place else self._product(t) for k, t in enumerate(terms))
        words = f"put in d{name_of_vertex(vertex)}"
        own = name_notation(vertex)
        if put and own in pieces(adjoint) and own not in pieces(inside):
            words += f"; {spell(own)} cancels"
        self._next(words, form)
        rest = terms[:place], terms[place + 1 :]
        return self._moved(rest, vertex, put or change.terms, form, None if put else adjoint)

    def _moved(
        self,
        rest: Sequence[list[Term]],
        vertex: Expr,
        forms: Sequence[Notation],
        shown: Notation,
        adjoint: Notation | None = None,
    ) -> list[Term]:
        """The terms of dk turned to G : du, told line by line; ``rest`` stands before and after."""
        before, after = rest or ([], [])
        forms = self._changes_last(before, after, forms, shown)
        found: list[Term] = []
        rules: list[str] = []
        for form in forms:
            some = self._across(adjoint, form, vertex.ndim)
            if some is None:
                entries = self._by_entries(vertex, adjoint)
                return self._collected([*before, *entries, *after], [_ENTRIES])
            found += some[0]
            rules += some[1]
        for edge in (e for e in self.stages.edges if e.of is vertex):
            self._reach(edge)
        return self._collected([*before, *found, *after], rules)

    def _changes_last(
        self, before: list[Term], after: list[Term], forms: Sequence[Notation], shown: Notation
    ) -> list[Notation]:
        """Every trace with its change as the last factor, on a line of its own."""
        turned: list[Notation] = []
        rules: list[str] = []
        for form in forms:
            d = change_in(form)
            done = with_change_last(form, d) if d is not None else None
            turned.append(done.adjoint if done else form)
            rules += done.rules if done else ()
        whole = Sum((*map(self._product, before), *turned, *map(self._product, after)))
        if rules and spell(whole) != spell(shown):
            self._next(
                "; ".join(dict.fromkeys(rules)), whole if len(whole.terms) > 1 else turned[0]
            )
        return turned

    def _across(
        self, adjoint: Notation | None, form: Notation, ndim: int
    ) -> tuple[list[Term], tuple[str, ...]] | None:
        """G : du for each change in a term, and the moves; None where no move is known."""
        vertices = {name_of_vertex(v): v for v in self.stages.order}
        found: list[Term] = []
        rules: list[str] = []
        for left, inner in applied(form):
            d = change_in(inner)
            vertex = vertices.get(d.of.name) if d and isinstance(d.of, Atom) else None
            whole = adjoint if left is None else left
            axes_of = ndim if left is None else axes(left, self.ndims) or 1
            done = moved(whole, inner, d, axes_of) if d is not None and vertex else None
            if done is None or vertex is None:
                return None
            found.append(Term(vertex, done.adjoint))
            rules += done.rules
        return found, tuple(rules)

    def _collected(self, terms: list[Term], rules: Sequence[str]) -> list[Term]:
        """The terms told as they are, then with those of one differential together."""
        words = "; ".join(dict.fromkeys(rules))
        apart = Sum(tuple(map(self._product, terms))) if len(terms) > 1 else self._sum(terms)
        same = _in_any_order(apart) == _in_any_order(self._last_form())
        if spell(apart) != self._told() and (words or not same):
            self._next(words or self._why_apart(apart), apart)
        together: dict[Expr, Notation | None] = {}
        self.simplified = False
        for t in terms:
            known = t.vertex in together
            together[t.vertex] = self._added(together[t.vertex], t) if known else t.adjoint
        if len(together) == len(terms):
            return terms
        several = [v for v in together if sum(t.vertex is v for t in terms) > 1]
        merged = [Term(v, g) for v, g in together.items()]
        said = " and ".join(f"d{name_of_vertex(v)}" for v in several)
        tidied = ", simplified" if self.simplified else ""
        self._next(f"the terms in {said} together{tidied}", self._sum(merged))
        return merged

    def _why_apart(self, apart: Notation) -> str:
        """What led to a line with no other rule: a bracket that is gone, or a number moved."""
        more = _products(apart) > _products(self._last_form())
        return DISTRIBUTES if more else NUMBER

    def _last_form(self) -> Notation | None:
        return self.steps[-1].paragraph.rows[-1].cells[0].math if self.steps else None

    def _told(self) -> str:
        """The formula of the last line."""
        form = self._last_form()
        return "" if form is None else spell(form)

    def _added(self, before: Notation | None, term: Term) -> Notation | None:
        """G : dk + H : dk as (G + H) : dk, with a common factor in front if there is one."""
        own = self.scribe.matrix(self.reached[term.vertex])
        if before is None or term.adjoint is None:
            return own
        both = sum_of([before, term.adjoint])
        named = {*self.scribe.called, *self._diagonals_in(both)}
        uses = any(isinstance(p, Atom) and p.name in named for p in pieces(both))
        shorter = own is not None and _size(own) < _size(both)
        if not shorter or uses:
            return both
        assert own is not None
        sums = [{p for p in pieces(n) if isinstance(p, Sum)} for n in (own, both)]
        self.simplified |= not sums[0] - sums[1]  # else a common factor stands in front
        return own

    def _reach(self, edge: Edge) -> None:
        """The adjoint of what the edge leads from, with what this edge adds to it."""
        first = edge.of is self.stages.of
        more = edge.value if first else contract(self.adjoint[edge.of], edge.value, edge.of.ndim)
        known = self.reached.get(edge.wrt)
        self.reached[edge.wrt] = simplify(more if known is None else add(known, more))

    def _by_entries(self, vertex: Expr, adjoint: Notation | None) -> list[Term]:
        """What dk contributes, from its local derivatives, where no formula can be moved."""
        found: list[Term] = []
        for edge in (e for e in self.stages.edges if e.of is vertex):
            form = self.definitions.part(edge)
            d = Differential(name_notation(edge.wrt))
            known = adjoint is not None or edge.of is self.stages.of
            done = moved(adjoint, form, d, edge.of.ndim) if form is not None and known else None
            before = self.reached.pop(edge.wrt, None)
            self._reach(edge)
            own = self.scribe.matrix(self.reached[edge.wrt]) if done is None else done.adjoint
            if before is not None:
                self.reached[edge.wrt] = simplify(add(before, self.reached[edge.wrt]))
            found.append(Term(edge.wrt, own))
        return found

    def _named(self, terms: list[Term], place: int) -> Notation | None:
        """A long adjoint under a name of its own, δ, so that the lines below stay short."""
        vertex, n = terms[place].vertex, terms[place].adjoint
        if n is None or len(spell(n)) <= self._longest(vertex):
            return n
        name = self._free_name(vertex)
        self.scribe.call(name, vertex, turned=False)
        atom = Atom(name)
        whole = self._sum([*terms[:place], Term(vertex, atom), *terms[place + 1 :]])
        named = Row(Cell(atom), (Cell(n, "="),), (column_shape(vertex.shape),))
        self._next(f"call it {name}", whole, more=named)
        return atom

    def _longest(self, vertex: Expr) -> int:
        """How long an adjoint may be without a name: in a deep network each layer gets one."""
        assert isinstance(vertex, Definition)
        deep = len(self.stages.order) > _DEEP
        return 10 if deep and not isinstance(vertex.body, Elementwise) else _LONGEST

    def _free_name(self, vertex: Expr) -> str:
        own = name_of_vertex(vertex)
        digits = number_of(own)
        used = {*self.taken, *self.scribe.called, *self.scribe.all_letters}
        stems = ("δ", "ε", "γ", "η") if vertex.ndim < 2 else ("Δ", "Γ", "Ε", "Η")
        return next(n for stem in stems for n in (stem + digits, f"{stem}_{own}") if n not in used)

    def _shorter(self, terms: list[Term], place: int) -> Notation | None:
        """The adjoint as moved, or as simplified where that is shorter; told on a line."""
        vertex, n = terms[place].vertex, terms[place].adjoint
        own = self.scribe.matrix(self.adjoint[vertex])
        if own is None or (n is not None and len(spell(own)) >= len(spell(n))):
            return n
        if n is not None:
            gone = self._diagonals_in(n) - self._diagonals_in(own)
            with_ = " and ".join(sorted(gone))
            words = f"multiplied out, with {with_} entry by entry" if gone else "simplified"
            whole = self._sum([*terms[:place], Term(vertex, own), *terms[place + 1 :]])
            if spell(whole) != self._told():
                self._next(words, whole)
        return own

    def _diagonals_in(self, n: Notation) -> set[str]:
        """The diagonal matrices that a formula names."""
        names = {d.name for d in self.definitions.diagonals.values()}
        return {p.name for p in pieces(n) if isinstance(p, Atom)} & names

    def _product(self, term: Term) -> Notation:
        """G : dk; entry by entry where G has no matrix form."""
        vertex = term.vertex
        if term.adjoint is None:
            letters = self.scribe.letters[vertex]
            entry = self.scribe.entry(self.reached[vertex], letters)
            change = Differential(Indexed(name_of_vertex(vertex), letters))
            return BigSum(letters, scaled(1.0, [entry, change], None))
        return colon(term.adjoint, Differential(name_notation(vertex)), vertex.ndim)

    def _sum(self, terms: Sequence[Term]) -> Notation:
        return sum_of(map(self._product, terms))

    # ── values with axes: dv = J dx ──

    def _forward(self) -> None:
        s = self.stages
        change = self.definitions.change(s.of)
        if change is not None:
            form = sum_of(change.terms)
            rules = "; ".join(filter(None, change.rules))
            self._next(rules or "the differential of " + name_of_vertex(s.of), form)
            for vertex in s.order[1:-1]:
                inner = self.definitions.change(vertex)
                if inner is None:
                    break
                d = Differential(name_notation(vertex))
                form = with_formula(form, d, sum_of(inner.terms))
                if any(is_slice_of(piece, vertex) for piece in pieces(form)):
                    break
                self._next(f"put in d{name_of_vertex(vertex)}", form)
        self._by_indices()

    def _by_indices(self) -> None:
        """dv_k = Σ_ji J_kji dW_ji, from which the entries are read."""
        s, scribe = self.stages, self.scribe
        of, by = scribe.letters[s.of], scribe.letters[s.wrt]
        entry = scribe.entry(self.adjoint[s.wrt], (*of, *by))
        name = name_of_vertex(s.wrt)
        body = scaled(1.0, [entry, Differential(Indexed(name, by))], None)
        total = contract(self.adjoint[s.wrt], self.change, s.wrt.ndim)
        self._line(
            f"one entry, for every d{name}: what multiplies it is the derivative",
            self.tangent[s.of],
            total,
            BigSum(by, body) if by else body,
            Differential(Indexed(name_of_vertex(s.of), of)),
        )


def _in_any_order(n: Notation | None) -> set[Notation | None]:
    return set(n.terms) if isinstance(n, Sum) else {n}


def _products(n: Notation | None) -> int:
    """How many products with ``:`` a formula writes."""
    return sum(isinstance(p, Infix) and p.sign == ":" for p in pieces(n))


def _size(n: Notation) -> int:
    """How many names a formula writes."""
    return sum(isinstance(p, Atom) for p in pieces(n))
