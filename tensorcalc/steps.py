"""Rules and steps: plain data that the rewriting engine yields and displays read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tensorcalc.expr import Expr

__all__ = ["Rule", "Step"]


@dataclass(frozen=True)
class Rule:
    """A named rewrite of one type of ``node``; ``apply`` gives None where it does not fit.

    ``tidies`` marks a rule that only cleans up, so that displays can fold its steps. ``at_once``
    gives what comes of several applications where nobody looks at the steps between.
    """

    name: str
    node: type[Expr]
    apply: Callable[[Expr], Expr | None]
    formula: str = ""
    tidies: bool = False
    at_once: Callable[[Expr], Expr | None] | None = None


@dataclass(frozen=True, repr=False)
class Step:
    """One application of a rule: the whole expression before and after, and the rule."""

    rule: Rule
    before: Expr
    after: Expr
    part_before: Expr
    part_after: Expr
