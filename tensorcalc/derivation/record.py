"""A derivation as an object: numbered steps that can be read, sliced, evaluated and verified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from tensorcalc.check.points import Point, draw_point
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

    ``lines`` are the values of its lines in order; ``shape`` is that of ``after``. A step that is
    told for every layer of a deep network is the first of them; ``repeated`` are the others.
    """

    number: int
    rule: str
    before: Tensor
    after: Tensor
    lines: tuple[Expr, ...]
    paragraph: Paragraph
    universe: tuple[Expr, ...] = ()  # what binds named sizes that no line has any more
    repeated: tuple[DerivationStep, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of what the step arrives at."""
        return self.after.shape

    def verify(self, seed: int = 0) -> bool:
        """Whether all lines of the step, and of those it stands for, are equal at a random point.

        Raises DomainError where no point is found at which they are defined.
        """
        own = agree(self.lines, self.universe, seed, f"step {self.number}")
        return own and all(step.verify(seed) for step in self.repeated)

    def __repr__(self) -> str:
        whole = Document((), "", (), (self.paragraph,), ())
        return writers.write_text(whole).strip("\n")


def agree(lines: Sequence[Expr], universe: Sequence[Expr], seed: int, what: str) -> bool:
    """Whether expressions are equal at a random point, to rounding.

    Raises DomainError where no point is found at which they are defined.
    """
    point = draw_point((*lines, *universe), seed, what)
    return _agree_at(point, lines)


def comes_to(line: Expr, derivative: Expr, universe: Sequence[Expr], seed: int, what: str) -> bool:
    """Whether what a derivation arrives at is the derivative, whatever names it gave on the way."""
    point = draw_point((derivative, *universe), seed, what)
    return line.shape == derivative.shape and _agree_at(point, (derivative,), (line,))


def _agree_at(point: Point, *graphs: Sequence[Expr]) -> bool:
    """Whether all lines are equal there; a name may mean one thing in each of the graphs."""
    arrays: list[np.ndarray] = []
    largest = 0.0
    for lines in graphs:
        evaluation = Dense(point.values, point.sizes)
        arrays += [evaluation.array(line) for line in lines]
        known = (np.abs(a).max(initial=0.0) for a, _ in evaluation.known.values())
        largest = max(largest, *known)
    first, *others = arrays
    allowed = max(1e-9 * np.abs(first).max(initial=0.0), 1e-13 * largest)
    return all(np.abs(first - other).max(initial=0.0) <= allowed for other in others)


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

    @overload
    def _found(self, place: int) -> DerivationStep: ...
    @overload
    def _found(self, place: slice) -> tuple[DerivationStep, ...]: ...
    def _found(self, place: int | slice) -> DerivationStep | tuple[DerivationStep, ...]:
        """The step at a place from 0, or several; TensorCalcError where there is none."""
        try:
            if not isinstance(place, bool):
                return self.steps[place]
        except (IndexError, TypeError, ValueError):
            pass
        count = len(self.steps)
        many = f"{count} steps stand at places 0 to {count - 1}" if count else "no steps are there"
        raise TensorCalcError(
            f"[{place!r}] of {self.called}", f"{many}; step(1) is the first by its number"
        )

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
    slices give its steps, which are live: ``D.step(4).after.evaluate(…)``. ``result`` is what its
    last section says, ``ends_at`` what its last step must come to.
    """

    def __init__(
        self,
        derivative: Derivative,
        style: str,
        detail: str,
        steps: tuple[DerivationStep, ...],
        document: Document,
        result: Tensor,
        ends_at: Tensor | None,
    ) -> None:
        self.derivative = derivative
        self.style = style
        self.detail = detail
        self.steps = steps
        self.document = document
        self.result = result
        self.ends_at = ends_at

    @property
    def called(self) -> str:
        """The derivation of ∂E/∂W."""
        return f"the derivation of {self.derivative.title}"

    @overload
    def __getitem__(self, place: int) -> DerivationStep: ...
    @overload
    def __getitem__(self, place: slice) -> Derivation: ...
    def __getitem__(self, place: int | slice) -> DerivationStep | Derivation:
        """A step by its place from 0, or a part; TensorCalcError where there is none."""
        found = self._found(place)
        if isinstance(found, DerivationStep):
            return found
        document = replace(self.document, paragraphs=tuple(s.paragraph for s in found))
        ends_at = self.ends_at if found and found[-1] is self.steps[-1] else None
        told = (self.style, self.detail, found, document, self.result, ends_at)
        return Derivation(self.derivative, *told)

    def verify(self, seed: int = 0) -> bool:
        """Whether every step holds at a random point, and what they come to is the derivative.

        The lines of each step are compared with each other; the last line and the result with
        the derivative, which is found in another way. Raises DomainError where no point is found.
        """
        if not all(step.verify(seed) for step in self.steps):
            return False
        whole = (self.derivative.of.expr,)
        if not comes_to(self.result.expr, self.derivative.value, whole, seed, "the result"):
            return False
        if self.ends_at is None or not self.steps:
            return True
        last = self.steps[-1].after.expr
        return comes_to(last, self.ends_at.expr, whole, seed, "the last line")
