"""``tc.explain_batch(L, Z)``: what the array of all samples' derivatives is, and the equations.

Sources: the question "How do the derivatives of the loss function with respect to a layer's inputs
form a Jacobian?" (Cross Validated, 2021); Petersen & Pedersen, The Matrix Cookbook, 2012.
"""

from __future__ import annotations

from typing import Any

from tensorcalc.batch.apart import apart_steps
from tensorcalc.batch.closing import closing
from tensorcalc.batch.coupled import coupled_steps
from tensorcalc.batch.coupling import what_couples
from tensorcalc.batch.equations import BatchStory
from tensorcalc.batch.numbering import Letters
from tensorcalc.batch.per_sample import PerSample, per_sample, read_axis
from tensorcalc.batch.preface import opening_of
from tensorcalc.batch.setting import Setting, read_setting
from tensorcalc.check import equal
from tensorcalc.derivation.generics import with_own_letters
from tensorcalc.derivation.record import DerivationStep, Written
from tensorcalc.derivation.scribe import Scribe, name_notation
from tensorcalc.derivative import Derivative, derivative, gradient
from tensorcalc.display.document import Document, Paragraph
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Expr, Ones
from tensorcalc.layout import LAYOUTS
from tensorcalc.structure import quantity_names
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of, title_of

__all__ = ["BatchExplanation", "explain_batch"]


class BatchExplanation(Written):
    """What ∂L/∂Z is over a batch, and the batch equations; made by ``tc.explain_batch(L, Z)``.

    ``losses`` is the vector (l_1 … l_m); ``per_sample`` their row gradients, stacked; ``jacobian``
    the 3-tensor ∂l/∂Z; ``gradient`` the matrix gradient ∂L/∂Z; ``equations`` the gradients by all
    that the samples share, each in its own shape. ``coupled`` says that samples are coupled: then
    there are no per-sample gradients. ``axis`` is the axis of Z along which samples lie.
    """

    def __init__(self, of: Tensor, wrt: Tensor, setting: Setting) -> None:
        self.of, self.wrt = of, wrt
        self.setting = setting
        self.axis = setting.axis if setting.axis_known else None
        self.coupled = setting.coupled
        self.steps, self.document = _told(setting)

    @property
    def losses(self) -> Tensor:
        """The losses of the samples as one vector; NotSupportedError where L is no sum of such."""
        if self.setting.losses is None:
            raise NotSupportedError(
                f"the losses of {name_of(self.of)}, which is no sum over samples",
                "write it as a sum or a mean over samples",
            )
        return self.setting.losses

    @property
    def jacobian(self) -> Derivative:
        """∂l/∂Z, the derivative of the vector of losses: a 3-tensor."""
        return derivative(self.losses, self.wrt)

    @property
    def gradient(self) -> Derivative:
        """∂L/∂Z, the derivative of one number by a matrix."""
        whole = self.of if not self.of.expr.ndim else self.setting.total
        return derivative(whole, self.wrt)

    @property
    def per_sample(self) -> PerSample:
        """The row gradients of the losses by their own samples, stacked: m × n.

        Raises NotSupportedError where samples are coupled, and says by what.
        """
        if not self.coupled:
            return per_sample(self.jacobian, self.setting.axis)
        why = f"{name_of(self.of)} is no sum of losses, one for each sample"
        if self.setting.losses is not None:
            why = what_couples(self.setting.losses.expr, self.wrt, self.setting.axis)
        raise NotSupportedError(
            f"the per-sample gradients of {name_of(self.of)} by {name_of(self.wrt)}: the samples "
            f"are coupled. {why}",
            f"use {title_of(self.of, [self.wrt])} itself: .gradient",
        )

    @property
    def equations(self) -> dict[str, Derivative]:
        """The gradients by weights and biases, each in its own shape, by name."""
        whole = self.of if not self.of.expr.ndim else self.setting.total
        return {v.name: gradient(whole, Tensor(v)) for v in self.setting.shared}

    # ── steps ──

    @property
    def called(self) -> str:
        """The batch of L by Z."""
        return f"the batch of {name_of(self.of)} by {name_of(self.wrt)}"

    def __getitem__(self, place: int) -> DerivationStep:
        """A step by its place from 0; TensorCalcError where there is none."""
        return self._found(place)

    def verify(self, seed: int = 0) -> bool:
        """Whether every step holds at a random point, and the derivatives agree with differences.

        That L is the sum of the losses is checked first, then each line of each step, then ∂l/∂Z,
        ∂L/∂Z and the gradients by what is shared against finite differences of the program.
        """
        sides = [getattr(t.expr, "body", t.expr) for t in (self.setting.total, self.of)]
        if not self.of.expr.ndim and not equal(*map(Tensor, sides), seed=seed):
            return False
        if not all(step.verify(seed) for step in self.steps):
            return False
        found = [self.gradient, *self.equations.values()]
        if self.setting.losses is not None:
            found.append(self.jacobian)
        return all(bool(d.verify(seed=seed)) for d in found)


def explain_batch(of: Any, wrt: Any, /, *, axis: int | None = None) -> BatchExplanation:
    """What the derivative of a loss by a batch is, object by object, and the batch equations.

    ``of`` is the loss L, a sum or a mean over samples (or the vector of the losses); ``wrt`` a
    matrix Z whose rows or columns are samples. ``axis`` is the axis of Z that counts samples, 0 for
    rows and 1 for columns; it is found where a delta or a repeated bias tells.

    Raises TensorCalcError where it is open which axis counts samples or L does not depend on Z,
    NotSupportedError for quantities that are no loss and no batch.

    >>> import tensorcalc as tc
    >>> p = tc.program(
    ...     "Z = W @ X + b; L = sum((sigmoid(Z) - Y)**2)", W=(3, 4), X=(4, 5), b=3, Y=(3, 5)
    ... )
    >>> batch = tc.explain_batch(p["L"], p["Z"])
    >>> batch.per_sample.shape, batch.jacobian.shape, batch.gradient.shape
    ((5, 3), (5, 5, 3), (5, 3))
    >>> batch.equations["W"]
    ∂L/∂W = 2 ((σ(Z) − Y) ⊙ σ(Z) ⊙ (1 − σ(Z))) Xᵀ : 3 × 4 matrix gradient, mixed (shape of W)

    Source: "How do the derivatives of the loss function with respect to a layer's inputs form a
    Jacobian?", Cross Validated 2021; Petersen & Pedersen 2012.
    """
    d = derivative(of, wrt)
    value, argument = d.of, d.arguments[0]
    if axis is not None:
        axis = read_axis(axis, argument, "explain_batch")
    return BatchExplanation(value, argument, read_setting(value, argument, axis))


# ── telling ──────────────────────────────────────────────────────────────────────────────


def _told(setting: Setting) -> tuple[tuple[DerivationStep, ...], Document]:
    graph = setting.graph
    taken = frozenset(quantity_names([graph.of])) | {"I"}
    letters = _letters(setting, taken)
    scribe = Scribe(graph.order, LAYOUTS["mixed"], _own_letters(setting, letters))
    told = setting.told(setting.argument)
    scribe.letters[told] = letters.of_argument(setting.axis)
    taken |= scribe.all_letters
    if not setting.axis_known:
        first = coupled_steps(setting, letters, taken)
        paragraphs = [s.paragraph for s in first]
        return first, _document(setting, scribe, letters, paragraphs, None)
    if setting.coupled:
        first = coupled_steps(setting, letters, taken)
    else:
        assert setting.jacobian is not None
        g = per_sample(setting.jacobian, setting.axis)
        first = apart_steps(setting, g, letters, taken)
    story = BatchStory(graph, scribe, len(first), setting.places, setting.count)
    equations = story.sweep()
    head = Paragraph(None, (*_heading(setting),), ())
    paragraphs = [s.paragraph for s in first]
    if equations:
        paragraphs += [head, *(s.paragraph for s in equations)]
    document = _document(setting, scribe, letters, paragraphs, story)
    return (*first, *equations), document


def _document(
    setting: Setting,
    scribe: Scribe,
    letters: Letters,
    paragraphs: list[Paragraph],
    story: BatchStory | None,
) -> Document:
    document = Document(
        _title(setting),
        _samples(setting),
        opening_of(setting, scribe, letters, paragraphs),
        tuple(paragraphs),
        closing(setting, story),
    )
    return with_own_letters(document)


def _samples(setting: Setting) -> str:
    """5 samples, the columns of Z."""
    if not setting.axis_known:
        return setting.them
    if setting.count == 1:
        return f"1 sample, the {setting.sample} of {name_of(setting.argument)}"
    return f"{setting.count} samples, {setting.them}"


def _title(setting: Setting) -> tuple[Any, ...]:
    of, wrt = name_notation(setting.total.expr), name_notation(setting.argument.expr)
    return ("The derivative of ", of, " by the batch ", wrt)


def _heading(setting: Setting) -> tuple[Any, ...]:
    of = name_notation(setting.total.expr)
    return ("The batch in matrix form, from ", of, " down. Every gradient has the shape of its "
            "argument.")  # fmt: skip


def _own_letters(setting: Setting, letters: Letters) -> dict[Expr, tuple[str, ...]]:
    """Letters that the steps about Z have used, for the equations too."""
    known = {setting.told(setting.argument): letters.of_argument(setting.axis)}
    if setting.losses is not None:
        known[setting.told(setting.losses)] = (letters.loss,)
    else:
        samples = Ones(setting.count)
        known[samples] = (letters.loss,)  # a letter that no stage is to have
    return known


def _letters(setting: Setting, taken: frozenset[str]) -> Letters:
    used = set(taken) | set(map(str, (d for v in setting.graph.order for d in v.shape)))

    def free(*wanted: str) -> str:
        name = next(
            w for w in (*wanted, *(f"{wanted[0]}{n}" for n in range(2, 99))) if w not in used
        )
        used.add(name)
        return name

    wrt = setting.argument
    name = wrt.name or "Z"
    ones = (name.lower(), name.rstrip("0123456789").lower(), "u", "x", "v", "r")
    entry = tuple(free("j", "i", "h") for _ in range(wrt.expr.ndim - 1))
    return Letters(free("k", "q", "p"), free("s", "t", "r"), entry, free("G", "Γ"), free(*ones))
