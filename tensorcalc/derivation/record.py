"""A derivation as an object: numbered steps that can be read, sliced, evaluated and verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from tensorcalc.check.points import draw_point
from tensorcalc.derivative import Derivative
from tensorcalc.display import writers
from tensorcalc.display.document import Document, Paragraph
from tensorcalc.errors import TensorCalcError
from tensorcalc.evaluate import Dense
from tensorcalc.expr import Expr
from tensorcalc.shapes import Shape
from tensorcalc.tensor import Tensor

__all__ = ["Derivation", "DerivationStep", "Written"]


@dataclass(frozen=True, repr=False)
class DerivationStep:
    """One numbered step: ``before`` and ``after`` are quantities to evaluate, equal by ``rule``.

    ``lines`` are the values of its lines in order; ``shape`` is that of ``after``.
    """

    number: int
    rule: str
    before: Tensor
    after: Tensor
    lines: tuple[Expr, ...]
    paragraph: Paragraph
    universe: tuple[Expr, ...] = ()  # what binds named sizes that no line has any more

    @property
    def shape(self) -> Shape:
        """The shape of what the step arrives at."""
        return self.after.shape

    def verify(self, seed: int = 0) -> bool:
        """Whether all lines of the step are equal at a random point, to rounding.

        Raises DomainError where no point is found at which they are defined.
        """
        point = draw_point((*self.lines, *self.universe), seed, f"step {self.number}")
        evaluation = Dense(point.values, point.sizes)
        first, *others = (evaluation.array(line) for line in self.lines)
        scale = np.abs(first).max(initial=0.0)
        largest = max(np.abs(a).max(initial=0.0) for a, _ in evaluation.known.values())
        allowed = max(1e-9 * scale, 1e-13 * largest)
        return all(np.abs(first - other).max(initial=0.0) <= allowed for other in others)

    def __repr__(self) -> str:
        whole = Document((), "", (), (self.paragraph,), ())
        return writers.write_text(whole).strip("\n")


class Html(str):
    """Text that a notebook shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


class Written:
    """What is told as a document: the same words and formulas in every form."""

    document: Document
    steps: tuple[DerivationStep, ...]

    @property
    def called(self) -> str:
        """What messages call it."""
        raise NotImplementedError

    def step(self, number: int, /) -> DerivationStep:
        """The step of that number, from 1; TensorCalcError where there is none."""
        known = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not known or not 1 <= number <= len(self.steps):
            raise TensorCalcError(
                f"step {number!r} of {self.called}",
                f"its steps are 1 to {len(self.steps)}",
            )
        return self.steps[number - 1]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[DerivationStep]:
        return iter(self.steps)

    def text(self, *, width: int = 100) -> str:
        """It as Unicode text, at most ``width`` columns."""
        return writers.write_text(self.document, width=width).strip("\n")

    def latex(self) -> str:
        """It in LaTeX."""
        return writers.write_latex(self.document)

    def markdown(self) -> str:
        """It in Markdown with LaTeX formulas."""
        return writers.write_markdown(self.document)

    def html(self) -> Html:
        """It as HTML with collapsible steps, which a notebook shows as it is."""
        return Html(writers.write_html(self.document))

    def page(self) -> str:
        """It as a whole HTML page that needs no network."""
        return writers.write_page(self.document)

    def json(self) -> dict[str, Any]:
        """It as plain data; ``docs/outputs.md`` lists its keys."""
        return writers.write_data(self.document)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return writers.notebook_latex(self.document)


class Derivation(Written):
    """How ∂of/∂wrt is derived, in one style; made by ``d.derivation(style=, detail=)``.

    ``text()``, ``latex()``, ``markdown()``, ``html()`` and ``json()`` write it; ``step(4)`` and
    slices give its steps, which are live: ``D.step(4).after.evaluate(…)``.
    """

    def __init__(
        self,
        derivative: Derivative,
        style: str,
        detail: str,
        steps: tuple[DerivationStep, ...],
        document: Document,
    ) -> None:
        self.derivative = derivative
        self.style = style
        self.detail = detail
        self.steps = steps
        self.document = document

    @property
    def called(self) -> str:
        """The derivation of ∂E/∂W."""
        return f"the derivation of {self.derivative.title}"

    @overload
    def __getitem__(self, place: int) -> DerivationStep: ...
    @overload
    def __getitem__(self, place: slice) -> Derivation: ...
    def __getitem__(self, place: int | slice) -> DerivationStep | Derivation:
        """A step by its place from 0, or a part of the derivation."""
        if not isinstance(place, slice):
            return self.steps[place]
        kept = self.steps[place]
        paragraphs = tuple(s.paragraph for s in kept)
        document = replace(self.document, paragraphs=paragraphs)
        return Derivation(self.derivative, self.style, self.detail, kept, document)

    def verify(self, seed: int = 0) -> bool:
        """Whether every step holds at a random point: its lines are equal there, to rounding."""
        return all(step.verify(seed) for step in self.steps)
