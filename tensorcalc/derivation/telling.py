"""``d.derivation(style=, detail=)``: which story is told of which derivative."""

from __future__ import annotations

from typing import Any, TypeAlias

from tensorcalc.derivation.brief import brief
from tensorcalc.derivation.chain import ChainStory
from tensorcalc.derivation.differential import DifferentialStory
from tensorcalc.derivation.opening import opening
from tensorcalc.derivation.record import Derivation, DerivationStep
from tensorcalc.derivation.result import read_off, result_sections
from tensorcalc.derivation.scribe import Scribe, partial
from tensorcalc.derivation.stages import Stages, staged
from tensorcalc.derivative import Derivative
from tensorcalc.display.document import Document
from tensorcalc.errors import TensorCalcError

__all__ = ["DETAILS", "STYLES", "derivation"]

STYLES = ("chain", "index", "differential")
DETAILS = ("full", "brief")
Told: TypeAlias = tuple[list[DerivationStep], Document]


def derivation(d: Derivative, /, style: str = "chain", *, detail: str = "full") -> Derivation:
    """How ∂of/∂wrt is found, step by step.

    ``style``: "chain" (explicit objects and their product), "index" (one entry, every delta
    visible) or "differential" (dE = G : dW). ``detail``: "full" or "brief".

    Raises TensorCalcError for another style or detail, NotSupportedError for what has none.

    Source: Johnston 2020, sections 3 and 4 (chain).
    """
    _require("style", style, STYLES)
    _require("detail", detail, DETAILS)
    held = [h for c in d.contributions for link in c.links for h in link.held]
    stages = staged(d.of.expr, d.arguments[0].expr, held)
    tell = {"chain": _by_chain, "index": _by_chain, "differential": _by_differentials}[style]
    steps, document = tell(d, stages, detail)
    return Derivation(d, style, detail, tuple(steps), document)


def _by_chain(d: Derivative, stages: Stages, detail: str) -> Told:
    story = ChainStory(stages, d.layout_view)
    steps = story.tell()
    title = partial(stages.of, stages.wrt)
    document = Document(
        (title, " by the chain rule"),
        f"{d.layout} layout",
        opening(stages, story.scribe),
        tuple(s.paragraph for s in steps) if detail == "full" else brief(story),
        result_sections(story.scribe, stages.of, title, story.adjoint[stages.wrt], (stages.wrt,)),
    )
    return steps, document


def _by_differentials(d: Derivative, stages: Stages, detail: str) -> Told:
    story = DifferentialStory(stages, d.layout_view)
    steps = story.tell()
    title = partial(stages.of, stages.wrt)
    scribe = Scribe(stages.order, d.layout_view)
    value, wrt = story.adjoint[stages.wrt], stages.wrt
    if story.composed is not None and wrt.ndim:
        closing = read_off(scribe, title, story.composed, value, wrt)
    else:
        closing = result_sections(scribe, stages.of, title, value, (wrt,))
    document = Document(
        (title, " by differentials"),
        "read off in the argument's own shape",
        story.opening(),
        tuple(s.paragraph for s in steps),
        closing,
    )
    return steps, document


def _require(what: str, given: Any, known: tuple[str, ...]) -> None:
    if given not in known:
        listed = ", ".join(f'"{k}"' for k in known[:-1]) + f' or "{known[-1]}"'
        raise TensorCalcError(f"a derivation with {what}={given!r}", f"choose {listed}")
