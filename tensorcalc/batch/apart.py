"""What the m × n array of all samples' derivatives is, told in four steps.

One sample's row gradient; the rows stacked; the Jacobian of the vector of losses, a 3-tensor with
those rows in its blocks; the gradient of the one number L by the whole matrix.
"""

from __future__ import annotations

from tensorcalc.batch.numbering import Letters, Telling
from tensorcalc.batch.per_sample import PerSample
from tensorcalc.batch.setting import Setting
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import column_shape, name_notation, partial
from tensorcalc.derivative import Derivative, derivative
from tensorcalc.display.document import Cell, Prose, Row
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Entry,
    Indexed,
    Indicator,
    Infix,
    Notation,
    Partial,
    scaled,
    transposed,
)
from tensorcalc.expr import Constant, Delta, Einsum, Expr, contract, product
from tensorcalc.shapes import format_shape
from tensorcalc.simplify import simplify
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of

__all__ = ["apart_steps"]


def apart_steps(
    setting: Setting, g: PerSample, letters: Letters, taken: frozenset[str]
) -> tuple[DerivationStep, ...]:
    """The row gradient, the stack of them, the Jacobian, the matrix gradient."""
    told = Apart(setting, letters, taken)
    told.g = g
    told.one_sample()
    told.all_samples()
    told.jacobian()
    told.gradient()
    return tuple(told.steps)


class Apart(Telling):
    """The four steps where each loss depends on its own sample alone."""

    g: PerSample

    @property
    def row_letters(self) -> tuple[str, ...]:
        return (self.letters.sample, *self.letters.entry)

    @property
    def losses(self) -> Tensor:
        assert self.setting.losses is not None
        return self.setting.losses

    def own(self) -> Notation:
        """∂l_s/∂z_s."""
        s = (self.letters.sample,)
        return Partial(Indexed(name_of(self.losses), s), (Indexed(self.letters.one, s),))

    def one_sample(self) -> None:
        """[∂l_s/∂z_s] = … with its entry."""
        where, entry = (Entry(self.letters.entry),) if self.letters.entry else (), self.g.value
        left = Infix("", (self.own(), *where)) if where else self.own()
        s, one = self.letters.sample, Indexed(self.letters.one, (self.letters.sample,))
        own_loss = Indexed(name_of(self.losses), (s,))
        size = format_shape((1, *entry.shape[1:])) if entry.ndim > 1 else "1 × 1"
        d = self.setting.jacobian
        assert d is not None
        self.add(
            "the gradient of one loss by its own sample",
            [_diagonal(d.value, 1 + self.setting.axis), entry],
            f"row gradient, {size}",
            title=("One sample: the gradient of its loss.",),
            rows=(Row(Cell(left), (Cell(self.entry(entry, self.row_letters), "="),)),),
            rules=(
                ("the chain rule with ", Atom(s), " fixed: ", own_loss, " is computed from ", one,
                 " alone"),
            ),
            remarks=(
                (one, f" is {self.setting.sample} {s} of ", name_notation(self.wrt.expr),
                 ". One number by one vector: a Jacobian with a single row."),
            ),
        )  # fmt: skip

    def all_samples(self) -> None:
        """G, its row s the gradient of loss s."""
        m, name, s = self.setting.count, self.letters.gradients, self.letters.sample
        rows = [Row(Cell(Indexed(name, self.row_letters)), (Cell(self._own_entry(), "="),))]
        form = matrix_form(self.g.value)
        if form is not None:
            rows.append(Row(Cell(Atom(name)), (Cell(form, "="),)))
        point = Indexed(self.letters.one, (s,))
        loss = Indexed(name_of(self.losses), (s,))
        self.add(
            "rows stacked",
            [self.g.value],
            f"{m} row gradients, {column_shape(self.g.shape)}",
            title=("All samples: the rows stacked. Call the array ", Atom(name), "."),
            rows=tuple(rows),
            remarks=(
                (f"Row {s} belongs to the loss ", loss, " and is taken at the point ", point,
                 f": {m} gradients at {m} points. ", Atom(name),
                 " is not the Jacobian of one function at one point."),
            ),
        )  # fmt: skip

    def _own_entry(self) -> Notation:
        own = self.own()
        return Infix("", (own, Entry(self.letters.entry))) if self.letters.entry else own

    def jacobian(self) -> None:
        """∂l/∂Z[k, s, j] = I[k=s] G_sj, with its zeros counted."""
        d = self.setting.jacobian
        assert d is not None
        k, s = self.letters.loss, self.letters.sample
        by = self.letters.of_argument(self.setting.axis)
        title = partial(self.losses.expr, self.wrt.expr)
        place = Entry((k, *reversed(by)))
        entry = Partial(Indexed(name_of(self.losses), (k,)), (Indexed(name_of(self.wrt), by),))
        block = scaled(
            1.0, [Indicator(k, s), Indexed(self.letters.gradients, self.row_letters)], None
        )
        forms = [entry, self.entry(d.value, (k, *by)), block]
        left = Cell(Infix("", (title, place)))
        losses, wrt = name_notation(self.losses.expr), name_notation(self.wrt.expr)
        self.add(
            "the indicator keeps the samples apart",
            [d.value, self._blocks()],
            f"{d.kind}, {format_shape(d.shape)}",
            title=("The Jacobian there is: all losses ", losses, " by the whole of ", wrt, "."),
            rows=tuple(Row(None if n else left, (Cell(f, "="),)) for n, f in enumerate(forms)),
            rules=(
                (f"sample {s} acts on loss {k} only if {k} = {s}: the samples are not coupled",),
            ),
            remarks=(self._layouts(d), self._zeros(d), self._slice(d)),
        )

    def _blocks(self) -> Expr:
        """I[k=s] G[s, j] with the axes of ∂l/∂Z: the Jacobian made of G again."""
        ndim, axis = self.wrt.expr.ndim, self.setting.axis
        by = [2 + n for n in range(ndim - 1)]
        output = list(by)
        output.insert(axis, 1)
        delta = Delta(self.setting.count)
        return product((delta, self.g.value), ((0, 1), (1, *by)), (0, *output))

    def _layouts(self, d: Derivative) -> Prose:
        shapes = {n: format_shape(d.to(n).shape) for n in ("numerator", "mixed", "denominator")}
        return ("; ".join(f"{size} in {name}" for name, size in shapes.items()) + " layout.",)

    def _zeros(self, d: Derivative) -> Prose:
        name = Atom(self.letters.gradients)
        used = format_shape(self.g.shape)
        if d.dense_nbytes is None or d.entries_used is None:
            whole = format_shape(d.shape)
            return (f"Of its {whole} entries only {used} can differ from 0, those of ", name, ".")
        whole = d.dense_nbytes // 8
        return (
            f"{d.entries_used:,} of its {whole:,} entries can differ from 0, those of ", name,
            f"; the other {whole - d.entries_used:,} are zeros.",
        )  # fmt: skip

    def _slice(self, d: Derivative) -> Prose:
        k, s, m = self.letters.loss, self.letters.sample, self.setting.count
        size = format_shape(tuple(reversed(d.value.shape[1:])))
        if self.wrt.expr.ndim == 1:
            return (
                f"Its row {k} = 1 is ",
                Atom(self.letters.gradients),
                f"[1] at {s} = 1, else 0.",
            )
        rows = "rows" if self.setting.axis == 1 else "columns"
        turned = "" if self.setting.axis == 1 else ", upright"
        others = "" if m == 1 else f"; the {rows} {s} = 2…{m} are 0"
        return (
            f"Slice {k} = 1, {size}: {rows[:-1]} {s} = 1 is ", Atom(self.letters.gradients),
            f"[1, ·]{turned}{others}.",
        )  # fmt: skip

    def gradient(self) -> None:
        """∂L/∂Z = Σ_k ∂L/∂l_k I[k=s] G_sj: one number by a matrix."""
        d, k = self.setting.by_argument, self.letters.loss
        by = self.letters.of_argument(self.setting.axis)
        title = partial(self.of.expr, self.wrt.expr)
        place = Entry(tuple(reversed(by)))
        outer = simplify(derivative(self.of, self.losses).value)
        weight = self.entry(outer, (k,))
        block = [Indicator(k, self.letters.sample), self._g_entry()]
        own = self.entry(outer, (self.letters.sample,))
        forms = [
            BigSum((k,), scaled(1.0, [weight, *block], None)),
            scaled(1.0, [own, block[1]], None),
        ]
        left = Cell(Infix("", (title, place)))
        rows = [Row(None if n else left, (Cell(f, "="),)) for n, f in enumerate(forms)]
        whole = self._whole()
        matrix = self.shown(d)
        cells = [Cell(f, "=") for f in (whole, matrix) if f is not None]
        if cells and self.wrt.expr.ndim == 2:
            rows.append(Row(Cell(title), tuple(cells)))
        wrt, of = name_notation(self.wrt.expr), name_notation(self.of.expr)
        shaped = f", shaped as {name_of(self.wrt)}ᵀ" if self.wrt.expr.ndim == 2 else ""
        self.add(
            f"sample {self.letters.sample} acts on {name_of(self.of)} through its own loss only",
            [d.value, contract(outer, self._blocks(), 1)],
            f"{d.kind}, {format_shape(d.shape)}{shaped}",
            title=("The derivative of the one number ", of, " by the whole of ", wrt, "."),
            rows=tuple(rows),
            rules=(
                (f"sample {self.letters.sample} acts on ", of, " through its own loss only, so the "
                 "indicator keeps one term"),
            ),
            remarks=tuple(self._which_of_three()),
        )  # fmt: skip

    def _g_entry(self) -> Notation:
        return Indexed(self.letters.gradients, self.row_letters)

    def _whole(self) -> Notation | None:
        """G, Gᵀ, ⅕ G: where all losses count alike."""
        alike = self._factor()
        if alike is None:
            return None
        name: Notation = Atom(self.letters.gradients)
        name = name if self.setting.axis == 1 else transposed(name)
        return scaled(1.0, [alike], name)

    def _factor(self) -> Notation | None:
        """What every loss is counted with: 1, ⅕, 1/m."""
        factor = self.setting.scale if self.setting.scale is not None else Constant(1.0)
        return matrix_form(factor) if not factor.ndim else None

    def _which_of_three(self) -> list[Prose]:
        name, of = Atom(self.letters.gradients), name_notation(self.of.expr)
        losses, wrt = name_notation(self.losses.expr), name_notation(self.wrt.expr)
        factor, d = self._factor(), self.setting.jacobian
        plain = self.setting.scale is None or factor is None
        times: Prose = () if plain or factor is None else (", each times ", factor, ",")
        turned = " upright" if self.setting.axis == 0 and self.wrt.expr.ndim == 2 else ""
        jacobian = format_shape(d.shape) if d is not None else ""
        gradient = self.setting.by_argument.kind
        return [
            (f"So the {column_shape(self.g.shape)} array ", name, " has the gradients of the "
             f"{self.setting.count} losses one by one. Its entries", *times,
             f" stand{turned} in the {gradient} of the one number ", of, " too."),
            ("It is not the Jacobian of ", losses, " by ", wrt, f", which is {jacobian}."),
        ]  # fmt: skip


def _diagonal(value: Expr, own_axis: int) -> Expr:
    """The entries of ∂l/∂Z where loss and sample agree, the sample first; nothing simplified."""
    indices = list(range(value.ndim))
    indices[own_axis] = 0
    rest = tuple(i for a, i in enumerate(indices) if a not in (0, own_axis))
    return Einsum((value,), (tuple(indices),), (0, *rest))
