"""The index style: one entry throughout, sums written out, every delta visible until it is used.

∂E/∂W_ji = Σ_h Σ_k ∂E/∂s_h ∂s_h/∂v_k ∂v_k/∂W_ji: each factor, then the sums from the value down.
An axis keeps its letter through all steps.

Source: Johnston 2020, equations (3) and (12).
"""

from __future__ import annotations

from tensorcalc.derivation.chain import below, entry_title, plain_words, ways
from tensorcalc.derivation.literal import product_rule_terms
from tensorcalc.derivation.rules import has_named_rule, local_rule
from tensorcalc.derivation.stages import Edge
from tensorcalc.derivation.story import MOST_PATHS, Product, Story
from tensorcalc.display.document import Cell, Row
from tensorcalc.display.notation import BigSum, Indexed, Infix, Notation, scaled, sum_of
from tensorcalc.display.spelling import spell
from tensorcalc.expr import Definition, Expr

__all__ = ["IndexStory"]


class IndexStory(Story):
    """Tells one derivative by its entries."""

    def chain_rule(self) -> None:
        """∂E/∂W_ji = Σ_h Σ_k ∂E/∂s_h ∂s_h/∂v_k ∂v_k/∂W_ji, summed over the paths."""
        s = self.stages
        if s.path_count <= MOST_PATHS:
            whole = sum_of(self._along(path) for path in s.paths(MOST_PATHS))
            rows = [Row(Cell(self._title(s.of, s.wrt)), (Cell(whole, "="),))]
        else:
            rows = [self._recursion(v) for v in s.order[1:] if not self.is_first(v)]
        lines = [self.adjoint[s.wrt], self.literal_chain()]
        said = {"title": ways(self), "rows": tuple(rows)}
        self.add_step("chain rule", lines, (s.of.ndim, (s.wrt.ndim,)), said)

    def _title(self, of: Expr, wrt: Expr) -> Notation:
        return entry_title(of, self.scribe.letters[of], wrt, self.scribe.letters[wrt])

    def _along(self, path: list[Expr]) -> Notation:
        """The product of entries along one path, summed over the letters between."""
        pairs = list(zip(path[:0:-1], path[-2::-1], strict=True))
        body = scaled(1.0, [self._title(v, u) for v, u in pairs], None)
        between = tuple(letter for v, _ in pairs[1:] for letter in self.scribe.letters[v])
        return BigSum(between, body) if between else body

    def _recursion(self, vertex: Expr) -> Row:
        of = self.stages.of
        ways = [
            [vertex, e.of] if e.of is of else [vertex, e.of, of] for e in self.stages.into(vertex)
        ]
        whole = sum_of(map(self._along, ways))
        return Row(Cell(self._title(of, vertex)), (Cell(whole, "="),))

    def local(self, edge: Edge) -> None:
        """One factor: what the product rule writes, and what is left of it."""
        scribe = self.scribe
        letters = scribe.letters[edge.of] + scribe.letters[edge.wrt]
        forms, lines = [scribe.entry(edge.value, letters)], [edge.value]
        literal = None
        if isinstance(edge.of, Definition) and not has_named_rule(edge.of.body, edge.wrt):
            literal = product_rule_terms(edge.of.body, edge.wrt)
        if literal is not None:
            written = scribe.entry(literal, letters)
            if spell(written) != spell(forms[0]):
                forms.insert(0, written)
                lines.insert(0, literal)
        rules = local_rule(edge.of, edge.wrt)
        said = {
            "title": (),
            "rows": below(Cell(self._title(edge.of, edge.wrt)), forms),
            "rules": tuple(rules),
            "note": self.note(edge.of, edge.wrt, edge.value),
        }
        self.add_step(plain_words(rules[0]), lines, (edge.of.ndim, (edge.wrt.ndim,)), said)

    def product(self, p: Product) -> None:
        """The sum over the letters between, and what the deltas leave of it."""
        s, scribe = self.stages, self.scribe
        left: Notation = self._title(s.of, p.vertex)
        if p.name:
            left = Infix("=", (Indexed(p.name, scribe.letters[p.vertex]), left))
        forms, lines = [p.written], [p.literal]
        if spell(p.entry) != spell(p.written):
            forms.append(p.entry)
            lines.append(p.value)
        said = {
            "title": (),
            "rows": below(Cell(left), forms),
            "rules": ((p.words,),),
            "note": self.note(s.of, p.vertex, p.value),
        }
        self.add_step(p.words, lines, (s.of.ndim, (p.vertex.ndim,)), said)
