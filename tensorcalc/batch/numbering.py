"""What both tellings of a batch need: letters, entries, numbered steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tensorcalc.batch.setting import Setting
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import Scribe
from tensorcalc.derivative import Derivative
from tensorcalc.display.document import Paragraph
from tensorcalc.display.index import index_form
from tensorcalc.display.notation import (
    Notation,
)
from tensorcalc.expr import Expr
from tensorcalc.layout import LAYOUTS
from tensorcalc.tensor import Tensor

__all__ = ["Letters", "Telling"]


@dataclass(frozen=True)
class Letters:
    """k counts losses, s samples, j the entries of one sample; G names their gradients."""

    loss: str
    sample: str
    entry: tuple[str, ...]
    gradients: str
    one: str

    def of_argument(self, axis: int) -> tuple[str, ...]:
        """The letters of Z: j and s where its columns are the samples."""
        rest = list(self.entry)
        rest.insert(axis, self.sample)
        return tuple(rest)


class Telling:
    """The steps of one telling, numbered as they come."""

    def __init__(self, setting: Setting, letters: Letters, taken: frozenset[str]) -> None:
        self.setting = setting
        self.letters = letters
        self.taken = taken
        self.steps: list[DerivationStep] = []
        self.of, self.wrt = setting.total, setting.argument

    def add(self, rule: str, lines: Sequence[Expr], note: str, **said: object) -> None:
        """One more step: its rule, the values of its lines, and what it says."""
        paragraph = Paragraph(len(self.steps) + 1, note=note, **said)  # type: ignore[arg-type]
        first, last = (Tensor(e) for e in (lines[0], lines[-1]))
        whole = (self.setting.total.expr,)
        self.steps.append(
            DerivationStep(paragraph.number or 0, rule, first, last, tuple(lines), paragraph, whole)
        )

    def entry(self, e: Expr, letters: Sequence[str]) -> Notation:
        """One entry of an expression."""
        return index_form(e, letters, None, self.taken - set(letters))

    def shown(self, d: Derivative) -> Notation | None:
        """A derivative by matrices, in numerator layout."""
        scribe = Scribe([d.of.expr, d.arguments[0].expr], LAYOUTS["numerator"])
        return scribe.shown(d.value, d.of.expr.ndim, (d.arguments[0].expr.ndim,))
