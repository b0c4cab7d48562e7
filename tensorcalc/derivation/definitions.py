"""What every differential is: the rows under *Define* of the differential style.

Beside each definition stands its differential by one rule, no factor moved; where a function of a
vector acts entry by entry, also by a diagonal matrix: S = Diag(s) and ds = (S − S²) dv.
"""

from __future__ import annotations

from dataclasses import replace

from tensorcalc.derivation.changes import PRODUCT, Change, change_of
from tensorcalc.derivation.opening import definition_row, given, variables_of
from tensorcalc.derivation.rules import slope_words
from tensorcalc.derivation.scribe import Scribe, column_shape, name_notation
from tensorcalc.derivation.slopes import DiagonalForm, diagonal_form
from tensorcalc.derivation.stages import Edge, Stages
from tensorcalc.display.document import Cell, Prose, Row, Section
from tensorcalc.display.notation import (
    Atom,
    Differential,
    Infix,
    Inverse,
    Notation,
    Sum,
    chain,
    sum_of,
    transposed,
)
from tensorcalc.display.walk import mapped
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import (
    Add,
    Definition,
    Elementwise,
    Expr,
    Special,
    Variable,
    contract,
    toposort,
)
from tensorcalc.functions import length
from tensorcalc.shapes import format_shape
from tensorcalc.simplify import simplify
from tensorcalc.special import inv

__all__ = ["Definitions", "name_of_vertex"]


class Definitions:
    """The differential of every named quantity, and the section that says them."""

    def __init__(self, stages: Stages, scribe: Scribe) -> None:
        self.stages = stages
        self.scribe = scribe
        self._require_free_changes()
        self.diagonals = self._diagonals()
        self.taken = {*scribe.taken, *(d.name for d in self.diagonals.values())}
        self._known: dict[Expr, Change | None] = {}

    def _require_free_changes(self) -> None:
        """dx must mean the change of x: NotSupportedError where a quantity has that name."""
        for vertex in self.stages.order:
            name = name_of_vertex(vertex)
            if f"d{name}" in self.scribe.taken:
                raise NotSupportedError(
                    f"the derivation by differentials, which writes d{name} for the change of "
                    f"{name}: a quantity has that name",
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

    # ── one differential ──

    def change(self, vertex: Expr) -> Change | None:
        """dk as terms in the differentials of what k is written in; None without such a form."""
        if vertex not in self._known:
            assert isinstance(vertex, Definition)
            own = self._of_scalar(vertex) if not vertex.ndim else None
            self._known[vertex] = own or self._by_parts(vertex)
        return self._known[vertex]

    def _of_scalar(self, vertex: Definition) -> Change | None:
        """The differential of the formula as it is written."""
        form = self.scribe.matrix(vertex.body)
        if form is None:
            return None
        inside = toposort([vertex.body], lambda n: isinstance(n, Definition))
        named = [n for n in inside if isinstance(n, (Variable, Definition))]
        live = [name_of_vertex(e.wrt) for e in self.stages.edges if e.of is vertex]
        ndims = {n.name: n.ndim for n in named}
        change = change_of(form, ndims, name_notation(vertex), live)
        return change and replace(change, terms=tuple(map(self._by_names, change.terms)))

    def _by_names(self, n: Notation) -> Notation:
        """The formula with U for S⁻¹ where U = S⁻¹ is defined."""
        inverses = {}
        for node in self.stages.defined:
            if isinstance(node.body, Special) and node.body.function is inv:
                inverses[self.scribe.matrix(node.body)] = Atom(node.name)

        def change(piece: Notation) -> Notation | None:
            if not isinstance(piece, Inverse):
                return None
            name = inverses.get(Inverse(piece.inner))
            return transposed(name) if name is not None and piece.flipped else name

        return mapped(n, change) if inverses else n

    def _by_parts(self, vertex: Definition) -> Change | None:
        """The sum of the local derivatives, each applied to its differential."""
        edges = [e for e in self.stages.edges if e.of is vertex]
        parts = [self.part(e) for e in edges]
        known = [p for p in parts if p is not None]
        if not known or len(known) < len(parts):
            return None
        terms = [t for p in known for t in (p.terms if isinstance(p, Sum) else (p,))]
        return Change(tuple(terms), self._rules(vertex, len(terms)))

    def _rules(self, vertex: Definition, count: int) -> tuple[str, ...]:
        body = vertex.body
        if vertex in self.diagonals:
            assert isinstance(body, Elementwise)
            return (self.diagonals[vertex].why or slope_words(body.function),)
        if isinstance(body, Elementwise) and body.function.exponent is None:
            return tuple(filter(None, (slope_words(body.function),)))
        if isinstance(body, Special):
            return tuple(filter(None, (_special_words(vertex, body),)))
        inside = toposort([body], lambda n: isinstance(n, Definition))
        powers = [n.function for n in inside if isinstance(n, Elementwise)]
        if any((f.exponent or 0) < 0 or f is length for f in powers):
            return ("product and quotient rule",) if count > 1 else ("power rule",)
        if powers:
            return ("power rule",) if count == 1 else ("product and power rule",)
        wrts = [e.wrt for e in self.stages.edges if e.of is vertex]
        return (PRODUCT,) if count > len(wrts) or _is_product(body, wrts) else ()

    def part(self, edge: Edge) -> Notation | None:
        """∂k/∂u applied to du, by matrices: dW x, (S − S²) dv, −V dX V."""
        d = Differential(name_notation(edge.wrt))
        diagonal = self.diagonals.get(edge.of)
        if diagonal is not None:
            return chain((diagonal.matrix, False), (d, False))
        marker = Variable(f"d⟨{name_of_vertex(edge.wrt)}⟩", edge.wrt.shape)
        form = self.scribe.matrix(simplify(contract(edge.value, marker, edge.wrt.ndim)))
        if form is None:
            return None

        def change(n: Notation) -> Notation | None:
            if n == Atom(marker.name):
                return d
            if isinstance(n, Atom) and n.name.startswith(marker.name):  # a slice of the change
                return Differential(Atom(name_of_vertex(edge.wrt) + n.name[len(marker.name) :]))
            return None

        return mapped(form, change)

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
        fixed = [name_of_vertex(v) for v in variables_of(self.stages)[1:]]
        if fixed:
            held = ", ".join(fixed[:-1]) + " and " * (len(fixed) > 1) + fixed[-1]
            words = f"{held} {'are' if len(fixed) > 1 else 'is'} held fixed"
            variables = Section(variables.label, (*variables.lines, (words,)))
        return variables, Section("Define", tuple(rows))

    def _defined(self, node: Definition) -> list[Row | Prose]:
        whole = definition_row(node, self.scribe, by_index=False, note="")
        d = Differential(name_notation(node))
        size = column_shape(node.shape)
        diagonal = self.diagonals.get(node)
        change = self.change(node)
        cells = list(whole.cells)
        if diagonal is not None:
            cells.append(Cell(Infix("=", (d, diagonal.entrywise)), ","))
        elif change is not None:
            cells.append(Cell(Infix("=", (d, sum_of(change.terms))), ","))
        why = "; ".join(filter(None, change.rules)) if change is not None else ""
        note = f"{size}     {why}" if why else size
        rows: list[Row | Prose] = [Row(whole.left, tuple(cells), (note,))]
        if diagonal is not None:
            left = Infix("=", (d, chain((diagonal.matrix, False), (diagonal.inner, False))))
            named = (Cell(diagonal.definition, "="), Cell(left, ","))
            size = format_shape((*node.shape, *node.shape))
            rows.append(Row(Cell(Atom(diagonal.name)), named, (f"{size}     d ⊙ u = Diag(d) u",)))
        return rows


_SPECIAL = {
    "inv": "d(A⁻¹) = −A⁻¹ dA A⁻¹",
    "logsumexp": "the gradient of logsumexp is softmax",
    "max": "the derivative of max is 1 at the largest entry, shared by tied ones",
    "prod": "the derivative of ∏ by an entry is the product of all others",
}


def _special_words(vertex: Definition, body: Special) -> str:
    """The rule of a function that couples entries; of softmax in the names of the program."""
    name, argument = body.function.name, body.args[0]
    if "softmax" not in name or not isinstance(argument, (Variable, Definition)):
        return _SPECIAL.get(name, "")
    p, z = vertex.name, argument.name
    if vertex.ndim > 1:
        return f"each row of {p} is the {name} of the same row of {z}"
    jacobian = f"Diag({p}) − {p} {p}ᵀ" if name == "softmax" else f"I − 1 softmax({z})ᵀ"
    return f"{p} = {name}({z}) has the Jacobian {jacobian}"


def _is_product(body: Expr, wrts: list[Expr]) -> bool:
    """Whether two of the quantities stand in one product."""
    terms = body.terms if isinstance(body, Add) else (body,)
    inside = [set(toposort([t], lambda n: isinstance(n, Definition))) for t in terms]
    return any(len(each.intersection(wrts)) > 1 for each in inside)


def name_of_vertex(vertex: Expr) -> str:
    """The name of a quantity that has one."""
    assert isinstance(vertex, (Variable, Definition))
    return vertex.name
