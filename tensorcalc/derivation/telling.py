"""``d.derivation(style=, detail=)``: which story is told of which derivative."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tensorcalc.derivation.brief import (
    MOST_FACTORS,
    brief,
    brief_entries,
    with_definitions,
)
from tensorcalc.derivation.chain import ChainStory
from tensorcalc.derivation.constant import constant_step, constant_value
from tensorcalc.derivation.differential import DifferentialStory
from tensorcalc.derivation.folding import fold_definitions, fold_steps
from tensorcalc.derivation.generics import with_one_spelling_of_diagonals, with_own_letters
from tensorcalc.derivation.indices import IndexStory
from tensorcalc.derivation.opening import definition_row, letters_section, opening
from tensorcalc.derivation.parts import Part, parts_of
from tensorcalc.derivation.record import Derivation, DerivationStep
from tensorcalc.derivation.result import read_off, result_sections
from tensorcalc.derivation.samples import batch_sections
from tensorcalc.derivation.scribe import column_shape, name_notation, partial
from tensorcalc.derivation.signs import (
    counts_from_zero,
    formulas_in,
    indicator_line,
    layer_line,
    letters_in,
    product_signs,
    sign_lines,
    turned_line,
    words_in,
)
from tensorcalc.derivative import Derivative
from tensorcalc.display.document import Document, Paragraph, Prose, Row, Section
from tensorcalc.display.notation import Notation, Partial
from tensorcalc.display.spelling import spell
from tensorcalc.errors import TensorCalcError
from tensorcalc.expr import Definition, Expr, Merge, contract, toposort
from tensorcalc.simplify import simplify, substitute
from tensorcalc.tensor import Tensor
from tensorcalc.wording import name_of

__all__ = ["DETAILS", "STYLES", "derivation"]

STYLES = ("chain", "index", "differential")
DETAILS = ("full", "brief")


def derivation(
    d: Derivative, /, style: str = "chain", *, detail: str = "full", fold: bool = True
) -> Derivation:
    """How ∂of/∂wrt is found, step by step.

    ``style``: "chain" (explicit objects and their product), "index" (one entry, every delta
    visible) or "differential" (dE = G : dW). ``detail``: "full" or "brief". ``fold``: whether
    what four or more layers of a deep network repeat is told once, for l; such a step keeps those
    of the other layers as ``repeated``, and with ``fold=False`` each stands by itself.

    Raises TensorCalcError for another style or detail, NotSupportedError for a derivative that
    is a multiple or a mixture of others.

    Source: Johnston 2020, sections 3 and 4 (chain); Magnus & Neudecker 1988 (differential).
    """
    _require("style", style, STYLES)
    _require("detail", detail, DETAILS)
    if not isinstance(fold, bool):
        raise TensorCalcError(f"a derivation with fold={fold!r}", "choose True or False")
    telling = _Telling(d, style, detail, fold)
    steps, document = telling.told()
    return Derivation(d, style, detail, steps, document, Tensor(telling.value), telling.ends_at)


class _Telling:
    """One derivation being told, part after part."""

    def __init__(self, d: Derivative, style: str, detail: str, fold: bool) -> None:
        self.d, self.style, self.detail, self.fold = d, style, detail, fold
        self.parts = parts_of(d, style)
        of, by = self.parts[0].stages.of, [p.wrt for p in self.parts]
        held = self.parts[0].stages.fixed if d.contributions[0].links[0].held else ()
        names = [tuple(map(name_notation, row)) for row in (by, held)]
        self.title = Partial(name_notation(of), *names)
        self.steps: list[DerivationStep] = []
        self.stories: dict[int, DifferentialStory] = {}
        self.value = self.told_value = d.value
        self.in_names = False  # whether the result stays in δ
        self.ends_at: Tensor | None = None
        self.closing: tuple[Section, ...] = ()
        self.reads_off = False  # in the argument's own shape

    def told(self) -> tuple[tuple[DerivationStep, ...], Document]:
        """All steps, and the document that says them."""
        constant = constant_value(self.parts, self.d)
        if constant is not None:
            return self._constant(constant)
        tell = self._by_differentials if self.style == "differential" else self._by_chain
        paragraphs: list[Paragraph] = []
        for part in self.parts:
            if part.number:
                paragraphs.append(self._once_more(part))
            paragraphs += tell(part)
        self.closing = (
            *(self.closing or self._result()),
            *batch_sections(self.d, self.parts[0].stages.of),
        )
        document = Document(
            (self.title, _WORDS[self.style]),
            self._convention(),
            self._opening(paragraphs),
            tuple(paragraphs),
            self.closing,
        )
        if self._is_one_product():
            first = self.parts[0]
            defined = with_definitions(first.stages, first.scribe)
            ends = self._ends_by_entries()
            closing = self.closing if ends else ()
            document = Document((), "", (defined,), tuple(paragraphs), closing)
        return self._as_printed(document)

    def _as_printed(self, document: Document) -> tuple[tuple[DerivationStep, ...], Document]:
        """The document in its own letters, and the steps with the paragraphs that it prints."""
        document = with_own_letters(document)
        if self.style == "differential":
            document = with_one_spelling_of_diagonals(document)
        printed = {p.number: p for p in document.paragraphs if p.number is not None}
        steps = [replace(s, paragraph=printed.get(s.number, s.paragraph)) for s in self.steps]
        return tuple(steps), document

    def _constant(self, value: Expr) -> tuple[tuple[DerivationStep, ...], Document]:
        step = constant_step(value, self.parts, self.d, self.title)
        first = self.parts[0]
        given, define = opening(first.stages, first.scribe, by_index=False)
        before = (given, define) if define.lines else (given,)
        of = self.d.of.expr
        if of is self.d.arguments[0].expr:  # whatever it is made of
            before = (Section("Given", ((name_notation(of), f" : {column_shape(of.shape)}"),)),)
        words = (self.title, _WORDS[self.style])
        document = Document(words, self._convention(), before, (step.paragraph,), ())
        self.steps = [step]
        self.value, self.ends_at = value, step.after
        return self._as_printed(document)

    def _is_one_product(self) -> bool:
        """Whether the brief telling is one product of what the program itself has named."""
        (first, *more) = self.parts
        one = not more and first.stages.path_count == 1 and len(first.stages.edges) <= MOST_FACTORS
        brief = self.style == "chain" and self.detail == "brief"
        plain = not first.stages.named and not first.stages.fixed
        return brief and one and plain and self.d.layout == "numerator"

    def _ends_by_entries(self) -> bool:
        """Whether the last product has no matrix form, so that the result says more."""
        (only,) = self.parts
        return only.scribe.shown(self.value, only.stages.of.ndim, (only.wrt.ndim,)) is None

    def _convention(self) -> str:
        if self.reads_off:
            return f"read off in {getattr(self.parts[0].wrt, 'name', 'its')}'s shape"
        via = ", ".join(name_of(t) for t in self.d.via) if self.d.is_partial else ""
        words = f"{self.d.layout} layout" + (f", what comes via {via}" if via else "")
        first = self.parts[0]
        if len(self.parts) > 1 and self.style == "chain" and first.wrt.ndim:
            where = "as a column" if first.wrt.ndim == 1 else "in its argument's shape"
            words += f", {spell(partial(first.stages.of, first.wrt))} {where}"
        return words

    def _opening(self, paragraphs: list[Paragraph]) -> tuple[Section, ...]:
        first = self.parts[0]
        if self.style == "differential":
            given, define = self._differentials(first).opening()
            before = (given, self._folded(define))
            before = (*product_signs((*before, *paragraphs)), *before)
        else:
            by_index = self.style == "index"
            given, define = opening(first.stages, first.scribe, by_index=by_index)
            before = (given, self._folded(define))
        formulas = list(formulas_in((*before, *paragraphs, *self.closing)))
        told = [(p.stages, p.scribe) for p in self.parts]
        letters = letters_section(told, letters_in(formulas), counts_from_zero(formulas))
        signs = sign_lines(formulas, "".join(words_in(before)))
        lines = (
            *letters.lines,
            *indicator_line(formulas),
            *self._turned(formulas),
            *signs,
            *layer_line(formulas),
        )
        label = letters.label if letters.lines else "Signs"
        return (*before, Section(label, lines)) if lines else before

    def _turned(self, formulas: list[Notation]) -> list[Prose]:
        """What ᵀ says of a link with more than two axes."""
        tensors = any(e.value.ndim > 2 for part in self.parts for e in part.stages.edges)
        return turned_line(formulas) if tensors else []

    def _folded(self, define: Section) -> Section:
        return fold_definitions(define) if self.fold else define

    def _once_more(self, part: Part) -> Paragraph:
        """Where one derivative is found, and is differentiated again."""
        of, wrt = name_notation(part.stages.of), name_notation(part.wrt)
        title: Prose = ("The derivative just found is called ", of, "; now by ", wrt, ".")
        if self.style == "differential":
            story = self._differentials(part)
            rows = [line for line in story.opening()[-1].lines if isinstance(line, Row)]
            return Paragraph(None, title, tuple(rows))
        new = [n for n in part.stages.defined if n not in part.known]
        rows = [definition_row(n, part.scribe, by_index=False, note="") for n in new]
        return Paragraph(None, title, tuple(rows))

    def _by_chain(self, part: Part) -> list[Paragraph]:
        kind = IndexStory if self.style == "index" else ChainStory
        story = kind(part.stages, part.scribe, len(self.steps))
        told = story.tell()
        self.value, self.told_value = story.adjoint[part.wrt], story.told[part.wrt]
        self.in_names = not story.put_in
        ndims = part.stages.of.ndim, (part.wrt.ndim,)
        self.ends_at = part.scribe.live(self.d.value, *ndims)
        if self.detail == "brief" and isinstance(story, ChainStory):
            self.steps += told
            return list(brief(story))
        folded = fold_steps(told) if self.fold else told
        self.steps += folded
        if self.detail == "brief":
            return list(brief_entries(folded, {p.words for p in story.products}))
        return [step.paragraph for step in folded]

    def _differentials(self, part: Part) -> DifferentialStory:
        """The story of a part, made once: its opening and its steps are asked for apart."""
        if part.number not in self.stories:
            story = DifferentialStory(part.stages, part.scribe, len(self.steps))
            self.stories[part.number] = story
        return self.stories[part.number]

    def _by_differentials(self, part: Part) -> list[Paragraph]:
        story = self._differentials(part)
        told = story.tell()
        told = fold_steps(told) if self.fold else told
        self.steps += told
        self.value, wrt = story.adjoint[part.wrt], part.wrt
        self.ends_at = Tensor(contract(self.d.value, story.change, wrt.ndim))
        if story.composed is not None and wrt.ndim and len(self.parts) == 1:
            self.reads_off = True
            self.closing = read_off(part.scribe, self.title, story.composed, self.value, wrt)
        said = [s.paragraph for s in told]
        if self.detail == "full":
            return said
        kept = [s.paragraph for s in told if not s.rule.startswith("put in")]
        return [replace(p, number=None) for p in kept]

    def _result(self) -> tuple[Section, ...]:
        first, last = self.parts[0], self.parts[-1]
        letters = [p.scribe.letters[p.wrt] for p in self.parts]
        letters.insert(0, first.scribe.letters[first.stages.of])
        scribe, of = last.scribe, first.stages.of
        arguments = tuple(p.wrt for p in self.parts)
        value = self.told_value if self.in_names else self.value
        told = None if value is self.told_value or self.detail == "full" else self.told_value
        value, words = self._by_matrices(value)
        return result_sections(scribe, of, self.title, value, arguments, letters, told, words)

    def _by_matrices(self, value: Expr) -> tuple[Expr, str]:
        """The result and words for it: names put in, where only that has a short matrix form."""
        first, last = self.parts[0], self.parts[-1]
        ndims = first.stages.of.ndim, [p.wrt.ndim for p in self.parts]
        form = None if value.ndim > 2 else last.scribe.shown(value, *ndims)
        given = {n for p in self.parts for n in p.stages.named}
        merged = lambda d: any(isinstance(n, Merge) for n in toposort([d.body]))
        defined = [d for p in self.parts for d in p.stages.defined]
        names = [d for d in defined if (merged(d) if form is None else d in given)]
        opened = simplify(substitute(value, {d: d.body for d in names}))
        found = None if value.ndim > 2 else last.scribe.shown(opened, *ndims)
        if found is None or (form is not None and len(spell(found)) >= len(spell(form))):
            return value, ""
        used = toposort([value], lambda n: isinstance(n, Definition))
        return opened, f", {' and '.join(d.name for d in names if d in used)} put in"


_WORDS = {
    "chain": " by the chain rule",
    "index": " by indices",
    "differential": " by differentials",
}


def _require(what: str, given: Any, known: tuple[str, ...]) -> None:
    if given not in known:
        listed = ", ".join(f'"{k}"' for k in known[:-1]) + f' or "{known[-1]}"'
        raise TensorCalcError(f"a derivation with {what}={given!r}", f"choose {listed}")
