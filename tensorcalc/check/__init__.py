"""Proof by independent routes, and judgement of a person's own answer."""

from __future__ import annotations

from tensorcalc.check.diagnose import AnswerCheck, check_answer, check_derivative
from tensorcalc.check.points import equal
from tensorcalc.check.verify import Verification, verify

__all__ = ["AnswerCheck", "Verification", "check_answer", "check_derivative", "equal", "verify"]
