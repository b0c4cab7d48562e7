"""Derivatives that need no chain: 0 where nothing depends, the identity by the quantity itself."""

from __future__ import annotations

from tensorcalc.derivation.parts import Part
from tensorcalc.derivation.record import DerivationStep
from tensorcalc.derivation.scribe import name_notation
from tensorcalc.derivative import Derivative
from tensorcalc.display.document import Paragraph, Prose
from tensorcalc.display.notation import Atom, Infix, Partial
from tensorcalc.expr import Expr, identity, toposort, zeros

__all__ = ["constant_step", "constant_value"]


def constant_value(parts: list[Part], d: Derivative) -> Expr | None:
    """0 where one part has no path, the identity for x by x; None where there is a chain."""
    if d.of.expr is d.arguments[0].expr and len(parts) == 1:
        return identity(d.of.expr.shape)
    if any(not part.stages.path_count for part in parts):
        return zeros(d.value.shape)
    return None


def constant_step(value: Expr, parts: list[Part], d: Derivative, title: Partial) -> DerivationStep:
    """The one step of such a derivation, with its reason."""
    last = next((p for p in parts if not p.stages.path_count), parts[-1])
    of, wrt = last.stages.of, last.wrt
    if d.of.expr is d.arguments[0].expr:
        letters = Atom("1" if not wrt.ndim else "I", symmetric=True)
        rule: Prose = ("a quantity changes exactly as itself",)
    else:
        letters = Atom("0", symmetric=True)
        held = [*d.contributions[0].links[0].held, *(a.expr for a in d.arguments[1:])]
        below = toposort([of], lambda n: n in held and n is not of)
        reason = " meets a factor 0 on every path to " if wrt in below else " does not depend on "
        before = tuple(name_notation(p.wrt) for p in parts[: last.number])
        said = Partial(title.of, before) if before else name_notation(of)
        rule = (said, reason, name_notation(wrt))
    note = f"{d.kind}, {last.scribe.shape(d.of.expr.shape, [a.expr.shape for a in d.arguments])}"
    paragraph = Paragraph(1, (Infix("=", (title, letters)),), (), (rule,), note)
    shown = last.scribe.live(value, d.of.expr.ndim, [a.expr.ndim for a in d.arguments])
    words = "".join(w for w in rule if isinstance(w, str)).strip()
    return DerivationStep(1, words, shown, shown, (shown.expr,), paragraph)
