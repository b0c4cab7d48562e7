"""One line that says everything about a derivative, and its LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tensorcalc.display.index import index_form
from tensorcalc.display.letters import argument_letters, value_letters
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import Notation, Number, set_apart, transposed
from tensorcalc.display.spelling import TEXT, Spelling, latex_name, spell
from tensorcalc.display.titles import repeated
from tensorcalc.expr import Delta, Einsum, Expr
from tensorcalc.layout import permuted

__all__ = ["View", "entry_text", "formula", "letters_of", "title_latex"]


@dataclass(frozen=True)
class View:
    """A stored derivative as a layout shows it: the expression, and the place of each axis."""

    value: Expr
    value_ndim: int
    argument_ndims: tuple[int, ...]
    place: tuple[int | None, ...]
    taken: frozenset[str] = frozenset()

    @property
    def axes(self) -> tuple[int, ...]:
        """The stored axes in the order of the view."""
        return tuple(a for a in self.place if a is not None)


def letters_of(view: View) -> list[str]:
    """The letters of the stored axes: k for the value, j and i for a matrix argument."""
    letters = value_letters(view.value_ndim, view.taken)
    for ndim in view.argument_ndims:
        letters += argument_letters(ndim, view.taken | set(letters))
    return letters


def formula(
    view: View, spelling: Spelling = TEXT, names: dict[Expr, str] | None = None
) -> tuple[str, bool]:
    """The formula in the view's layout, and whether it had to be written by indices."""
    e = permuted(view.value, view.axes)
    form = matrix_form(e, names) if e.ndim <= 2 else None
    if form is not None and view.place[:1] == (None,) and e.ndim == 1:
        form = transposed(form)
    if form is not None:
        return spell(set_apart(form, view.taken), spelling), False
    return spell(index_form(view.value, letters_of(view), names, view.taken), spelling), True


def entry_text(view: View, names: dict[Expr, str] | None = None) -> str:
    """One entry: ``x_i δ_j``; with a delta in words, ``x_i if k = j else 0``."""
    letters = letters_of(view)
    ordered = [letters[axis] for axis in view.axes]
    value = permuted(view.value, view.axes)
    if isinstance(value, Delta):
        return f"1 if {ordered[0]} = {ordered[1]} else 0"
    if not isinstance(value, Einsum):
        return spell(index_form(value, ordered, names, view.taken))
    letter = dict(zip(value.output, ordered, strict=True))
    conditions: list[str] = []
    factors = []
    for operand, indices in zip(value.operands, value.inputs, strict=True):
        if isinstance(operand, Delta) and all(i in letter for i in indices):
            p, q = sorted(indices, key=lambda i: letters.index(letter[i]))
            conditions.append(f"{letter[p]} = {letter[q]}")
        else:
            factors.append((operand, indices))
    factors.sort(key=lambda f: _first_place(f[1], value.output))
    core = _entry_of(factors, value, letter, names, view.taken)
    text = spell(core)
    return f"{text} if {' and '.join(conditions)} else 0" if conditions else text


def _first_place(indices: tuple[int, ...], output: tuple[int, ...]) -> int:
    """Factors in the order of the axes they run over; numbers first, sums in between."""
    if not indices:
        return -1
    return min((output.index(i) for i in indices if i in output), default=len(output))


def _entry_of(
    factors: list[tuple[Expr, tuple[int, ...]]],
    value: Einsum,
    letter: dict[int, str],
    names: dict[Expr, str] | None,
    taken: frozenset[str],
) -> Notation:
    if not factors:
        return Number(1.0)
    present = {i for _, indices in factors for i in indices}
    output = tuple(i for i in value.output if i in present)
    core = Einsum([f[0] for f in factors], [f[1] for f in factors], output)
    return index_form(core, [letter[i] for i in output], names, taken)


def title_latex(of: str, wrt: Sequence[str], named: bool) -> str:
    r"""\frac{\partial E}{\partial W}."""
    of = latex_name(of) if named else rf"\left({of}\right)"
    power = lambda times: f"^{{{times}}}" if times > 1 else ""
    below = r"\,".join(rf"\partial {latex_name(w)}{power(times)}" for w, times in repeated(wrt))
    return rf"\frac{{\partial{power(len(wrt))} {of}}}{{{below}}}"
