"""A batch whose samples are coupled: what couples them, and what is there all the same.

There are no per-sample gradients then; the gradient of the one number L by the whole matrix is.
"""

from __future__ import annotations

from tensorcalc.batch.coupling import across, share_across, what_couples
from tensorcalc.batch.numbering import Letters, Telling
from tensorcalc.batch.setting import Setting
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import name_notation, partial
from tensorcalc.derivative import Derivative, derivative
from tensorcalc.display.document import Cell, Prose, Row
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import (
    Entry,
    Indexed,
    Infix,
    Partial,
)
from tensorcalc.display.spelling import spell
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import contract
from tensorcalc.shapes import format_shape
from tensorcalc.wording import name_of

__all__ = ["coupled_steps"]

_LONGEST = 150


def coupled_steps(
    setting: Setting, letters: Letters, taken: frozenset[str]
) -> tuple[DerivationStep, ...]:
    """What is not block diagonal, and the one object that is still there: ∂L/∂Z."""
    told = Coupled(setting, letters, taken)
    if setting.jacobian is not None:
        told.jacobian(setting.jacobian)
    else:
        told.second_derivative()
    told.gradient()
    return tuple(told.steps)


class Coupled(Telling):
    """Why there are no per-sample gradients here, and what there is."""

    def jacobian(self, d: Derivative) -> None:
        """∂l/∂Z, with entries between different samples."""
        k, by = self.letters.loss, self.letters.of_argument(self.setting.axis)
        left = Infix("", (partial(d.of.expr, self.wrt.expr), Entry((k, *reversed(by)))))
        share = share_across(d.value, 1, self.setting.axis)
        if not share:
            raise _not_seen(self.setting, share)
        size = f", at a random point up to {share:.0%} of the largest"
        self.add(
            "samples are coupled",
            [d.value],
            f"{d.kind}, {format_shape(d.shape)}",
            title=("The losses ", name_notation(d.of.expr), " by ", name_notation(self.wrt.expr),
                   ": the samples are coupled."),
            rows=(Row(Cell(left), (Cell(self.entry(d.value, (k, *by)), "="),)),),
            remarks=(
                (what_couples(d.of.expr, self.wrt, self.setting.axis),),
                (f"So it is not block diagonal: entries with {k} ≠ {self.letters.sample} are not "
                 f"zero{size}.",),
                ("There is no array of per-sample gradients.",),
            ),
        )  # fmt: skip

    def second_derivative(self) -> None:
        """∂²L/∂Z∂Z: zero between different samples if L were a sum of losses."""
        d = derivative(self.of, self.wrt, self.wrt)
        axis, ndim = self.setting.axis, self.wrt.expr.ndim
        along = [axis] if self.setting.axis_known else range(ndim)
        shares = [across(d.value, q, ndim + q) for q in along]
        known = [s for s in shares if s is not None]
        share = min(known) if len(known) == len(shares) else None
        if not share:
            raise _not_seen(self.setting, share)
        obstacle = self.setting.obstacle
        written = matrix_form(obstacle) if obstacle is not None else None
        of, wrt = name_notation(self.of.expr), name_notation(self.wrt.expr)
        each = f"{self.setting.sample}s" if self.setting.axis_known else "samples"
        rows, letters = self._entry_of(d)
        self.add(
            "samples are coupled",
            [d.value],
            f"{d.kind}, {format_shape(d.shape)}",
            title=(of, " is no sum over samples: the samples are coupled."),
            rows=rows,
            remarks=(
                *letters,
                (*((written, " is a function of all samples together, ") if written else ()),
                 "so there are no losses ", Indexed("l", (self.letters.sample,)), " of which ", of,
                 " is the sum, and no per-sample gradients."),
                ("If ", of, " were such a sum, its second derivative would be zero between "
                 f"different {each} of ", wrt, f": block diagonal. At a random point entries "
                 f"between different {each} are as large as {share:.0%} of the largest."),
            ),
        )  # fmt: skip

    def _entry_of(self, d: Derivative) -> tuple[tuple[Row, ...], tuple[Prose, ...]]:
        """One entry of the second derivative, if it is short enough, and what its letters are."""
        by = self.letters.of_argument(self.setting.axis)
        free = (letter for letter in "ihtrpquvw" if letter not in {*by, *self.taken})
        again = tuple(next(free, f"t{n}") for n, _ in enumerate(by))
        form = self.entry(d.value, (*by, *again))
        if len(spell(form)) > _LONGEST:
            return (), ()
        names = [Indexed(name_of(self.wrt), letters) for letters in (by, again)]
        left = Cell(Partial(name_notation(self.of.expr), tuple(names)))
        axes = ("entries",) if len(by) == 1 else ("rows", "columns")
        roles = [f"{i}, {j} count {axis}" for i, j, axis in zip(by, again, axes, strict=True)]
        said: Prose = (", ".join(roles) + " of ", name_notation(self.wrt.expr), ".")
        return (Row(left, (Cell(form, "="),)),), (said,)

    def gradient(self) -> None:
        """∂L/∂Z is there all the same."""
        d = self.setting.by_argument
        title = partial(self.of.expr, self.wrt.expr)
        form = self.shown(d)
        left = Cell(title)
        if form is None:
            by = self.letters.of_argument(self.setting.axis)
            left = Cell(Infix("", (title, Entry(tuple(reversed(by))))))
            form = self.entry(d.value, by)
        of, wrt = name_notation(self.of.expr), name_notation(self.wrt.expr)
        s = self.letters.sample
        one = self.setting.sample if self.setting.axis_known else "sample"
        through = (
            "through the losses of several samples"
            if self.setting.losses is not None
            else "as a whole"
        )
        lines = [d.value]
        if self.setting.jacobian is not None:
            outer = derivative(self.of, self.setting.losses).value
            lines.append(contract(outer, self.setting.jacobian.value, 1))
        self.add(
            "one number by a matrix",
            lines,
            f"{d.kind}, {format_shape(d.shape)}",
            title=("The derivative of the one number ", of, " by the whole of ", wrt, "."),
            rows=(Row(left, (Cell(form, "="),)),),
            remarks=(
                ("This matrix gradient is there all the same, and is right for an update step. Its "
                 f"part for {one} {s} of ", wrt, " says how ", of, f" changes with sample {s} "
                 f"{through}; it is not the gradient of a loss of sample {s}."),
            ),
        )  # fmt: skip


def _not_seen(setting: Setting, share: float | None) -> NotSupportedError:
    """Samples that by the formula act together, but not at a point; or no point was found."""
    name, wrt = name_of(setting.total), name_of(setting.argument)
    what = name_of(setting.losses) if setting.losses is not None else name
    by_formula = (
        f"explain_batch of {name} by {wrt}: by its formula {what} is not made of one loss for each "
        f"sample"
    )
    if share is None:
        return NotSupportedError(
            f"{by_formula}, and whether its samples act on it together is open: no random point "
            f"was found at which {what} has a derivative",
            f"see that {name} has a value: evaluate it at a point of yours",
        )
    return NotSupportedError(
        f"{by_formula}, yet at a random point no two samples act on it together",
        f"write {name} as a sum or a mean over samples of losses that have one formula each",
    )
