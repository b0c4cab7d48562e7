"""The index style: one entry throughout, sums written out, every delta visible until it is used.

∂E/∂W_ji = Σ_h Σ_k ∂E/∂s_h ∂s_h/∂v_k ∂v_k/∂W_ji: each factor, then the sums from the value down.
An axis keeps its letter through all steps.

Source: Johnston 2020, equations (3) and (12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tensorcalc.derivation.chain import below, plain_words, ways
from tensorcalc.derivation.stages import Edge
from tensorcalc.derivation.story import MOST_PATHS, Product, Story
from tensorcalc.display.document import Cell, Prose, Row
from tensorcalc.display.notation import BigSum, Indexed, Infix, Notation, scaled, sum_of
from tensorcalc.display.walk import same_but_for_sums
from tensorcalc.expr import Expr

__all__ = ["IndexStory"]


class IndexStory(Story):
    """Tells one derivative by its entries."""

    turns_names = False  # δ_k and Δ_kh have the letters of the vertex, in its order

    def chain_rule(self) -> None:
        """∂E/∂W_ji = Σ_h Σ_k ∂E/∂s_h ∂s_h/∂v_k ∂v_k/∂W_ji, summed over the paths."""
        s = self.stages
        if s.path_count <= MOST_PATHS:
            whole = sum_of(self._along(path) for path in s.paths(MOST_PATHS))
            rows = [Row(Cell(self._total(s.wrt)), (Cell(whole, "="),))]
        else:
            rows = [self._recursion(v) for v in s.order[1:] if not self.is_first(v)]
        lines = [self.adjoint[s.wrt], self.literal_chain()]
        said = {"title": ways(self), "rows": tuple(rows)}
        self.add_step("chain rule", lines, (s.of.ndim, (s.wrt.ndim,)), said)

    def _total(self, vertex: Expr) -> Notation:
        return self.entry_title(self.stages.of, vertex, total=True)

    def _along(self, path: list[Expr]) -> Notation:
        """The product of entries along one path, summed over the letters between."""
        pairs = list(zip(path[:0:-1], path[-2::-1], strict=True))
        factors = [self.entry_title(v, u) for v, u in pairs]
        return self._summed(factors, [v for v, _ in pairs[1:]])

    def _summed(self, factors: Sequence[Notation], over: Sequence[Expr]) -> Notation:
        between = tuple(letter for v in over for letter in self.scribe.letters[v])
        body = scaled(1.0, factors, None)
        return BigSum(between, body) if between else body

    def _recursion(self, vertex: Expr) -> Row:
        """∂E/∂v_k as the sum over what v acts on, each by its total and then its own derivative."""
        terms = []
        for edge in self.stages.into(vertex):
            last = self.entry_title(edge.of, vertex)
            first = edge.of is self.stages.of
            terms.append(last if first else self._summed([self._total(edge.of), last], [edge.of]))
        return Row(Cell(self._total(vertex)), (Cell(sum_of(terms), "="),))

    def local(self, edge: Edge) -> None:
        """One factor: what the product rule writes, and what is left of it."""
        forms, lines = self.entry_forms(edge)
        rules = self.why(edge)
        said = {
            "title": (),
            "rows": below(Cell(self.entry_title(edge.of, edge.wrt)), forms),
            "rules": tuple(rules),
            "note": self.note(edge.of, edge.wrt, edge.value),
        }
        self.add_step(plain_words(rules[0]), lines, (edge.of.ndim, (edge.wrt.ndim,)), said)

    def product(self, p: Product) -> None:
        """The sum over the letters between, and what the deltas leave of it."""
        s, scribe = self.stages, self.scribe
        left: Notation = self._total(p.vertex)
        if p.name:
            left = Infix("=", (Indexed(p.name, scribe.letters[p.vertex]), left))
        forms, lines = [p.written], [p.literal]
        if not same_but_for_sums(p.entry, p.written):
            forms.append(p.entry)
            lines.append(p.value)
        rules: list[Prose] = [(p.words,)]
        whole, words = self.in_full(replace(p, form=None))
        if whole is not None:
            forms.append(whole)
            lines.append(self.adjoint[p.vertex])
            rules.append(words)
        said = {
            "title": (),
            "rows": below(Cell(left), forms),
            "rules": tuple(rules),
            "note": self.note(s.of, p.vertex, p.value),
        }
        self.add_step(p.words, lines, (s.of.ndim, (p.vertex.ndim,)), said)
