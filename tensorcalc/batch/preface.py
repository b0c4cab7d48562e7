"""What stands before the explanation of a batch: what is given, where samples lie, the letters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tensorcalc.batch.numbering import Letters
from tensorcalc.batch.setting import Setting
from tensorcalc.derivation.opening import axis_role, opening
from tensorcalc.derivation.samples import samples_word
from tensorcalc.derivation.scribe import Scribe, name_notation
from tensorcalc.derivation.signs import formulas_in, letters_in, sign_lines, words_in
from tensorcalc.display.document import Paragraph, Prose, Section
from tensorcalc.display.notation import BigSum, Indexed, Notation
from tensorcalc.display.walk import pieces
from tensorcalc.expr import Expr
from tensorcalc.tensor import Tensor

__all__ = ["opening_of"]


def opening_of(
    setting: Setting, scribe: Scribe, letters: Letters, paragraphs: Sequence[Paragraph]
) -> tuple[Section, ...]:
    """Given, Define, Samples and Letters."""
    given, define = opening(setting.graph, scribe)
    before = (given, define)
    formulas = list(formulas_in((*before, *paragraphs)))
    used = letters_in(formulas)
    counted: list[Prose] = []
    if setting.axis_known:
        counted += _letters(setting, scribe, letters, used)
        counted += _summed(formulas, {*scribe.all_letters, letters.loss, letters.sample})
    if "I" in used:
        agree = letters.loss in used and letters.sample in used
        sign = f"I[{letters.loss}={letters.sample}]" if agree else "an indicator I[ ]"
        counted.append((f"{sign} is 1 if both letters agree, else 0",))
    lines = [*counted, *sign_lines(formulas, _said(before))]
    samples = Section("Samples", tuple(_samples(setting)))
    letters_and_signs = Section("Letters", tuple(lines))
    shown = (samples, letters_and_signs) if setting.axis_known else (letters_and_signs,)
    return (*before, *(section for section in shown if section.lines))


def _said(sections: tuple[Section, ...]) -> str:
    return "".join(words_in(sections))


def _samples(setting: Setting) -> list[Prose]:
    """Which quantities have one row or column for each sample, and which are shared."""
    by_word: dict[str, dict[Expr, None]] = {}
    places = {**setting.places, **setting.data}
    for quantity, axis in places.items():
        if axis is not None:
            by_word.setdefault(samples_word(Tensor(quantity), axis), {})[quantity] = None
    lines: list[Prose] = [
        (f"one {word} a sample in ", *_listed(quantities)) for word, quantities in by_word.items()
    ]
    if setting.shared:
        lines.append(("shared by all samples: ", *_listed(setting.shared)))
    if setting.mixed:
        words = (" are coupled before they reach ", name_notation(setting.argument.expr))
        lines.append(("the samples in ", *_listed(setting.mixed), *words))
    if setting.why:
        lines.append((f"{setting.them}, since {setting.why}",))
    return lines


def _listed(quantities: Iterable[Expr]) -> Prose:
    """A, Z, Y."""
    parts = [part for q in quantities for part in (name_notation(q), ", ")]
    return tuple(parts[:-1])


def _letters(setting: Setting, scribe: Scribe, letters: Letters, used: set[str]) -> list[Prose]:
    """s, p = 1…5 count samples, k the losses; j = 1…3 a row of Z."""
    samples: dict[str, None] = {letters.sample: None}
    others: dict[str, tuple[object, str]] = {}
    for vertex in setting.graph.order:
        for axis, letter in enumerate(scribe.letters[vertex]):
            if axis == setting.places.get(vertex):
                samples[letter] = None
            else:
                others.setdefault(letter, (vertex.shape[axis], axis_role(vertex, axis)))
    counted = [letter for letter in samples if letter in used and letter != letters.loss]
    lines: list[Prose] = []
    if counted or letters.loss in used:
        of_losses = [letters.loss] if letters.loss in used else []
        words = f"{', '.join([*counted, *of_losses])} = 1…{setting.count} count samples"
        lines.append((words + "".join(f", {letter} their losses" for letter in of_losses),))
    rest = [
        f"{letter} = 1…{size} {role}"
        for letter, (size, role) in others.items()
        if letter in used and letter not in samples
    ]
    lines += [(",  ".join(rest[k : k + 4]),) for k in range(0, len(rest), 4)]
    return lines


def _summed(formulas: Sequence[Notation], counted: Collection[str]) -> list[Prose]:
    """r in Σ_r takes all its values: the letters that stand for no axis of a named quantity."""
    bound = (n.letters for f in formulas for n in pieces(f) if isinstance(n, BigSum))
    letters = [i for i in dict.fromkeys(i for row in bound for i in row) if i not in counted]
    if not letters:
        return []
    signs = [part for i in letters for part in (Indexed("Σ", (i,)), ", ")][:-1]
    takes = "takes" if len(letters) == 1 else "take"
    return [(*signs, f": {', '.join(letters)} {takes} all values")]
