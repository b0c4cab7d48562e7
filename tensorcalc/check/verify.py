"""``d.verify()``: the same derivative by routes that do not share their mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorcalc.check.points import Point, draw_point, given_point, near_kink
from tensorcalc.check.routes import (
    CENTRAL_STEP,
    COMPLEX_STEP,
    allows_complex_step,
    differences,
    has_function,
    literal,
    taylor,
)
from tensorcalc.derivative import Derivative
from tensorcalc.display.derivative import formula
from tensorcalc.errors import MemoryLimitError
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import compile_derivative
from tensorcalc.presentation import view_of
from tensorcalc.shapes import format_shape, sizes_of

__all__ = ["Row", "Verification", "relative_error", "verify"]

LITERAL_ALLOWED = 1e-12
COMPLEX_ALLOWED = 1e-10
CENTRAL_ALLOWED = 1e-7
TAYLOR_ORDER = 1.9
_NEGLIGIBLE = 1e-3  # entries this much smaller than the function are compared on its scale


@dataclass(frozen=True)
class Row:
    """One route: what was done, its error relative to the largest entry, and the verdict.

    ``ok`` is None where the route is the reference or could not be taken; ``why`` says what
    the allowed error is made of, or why there is none.
    """

    route: str
    detail: str
    error: float | None
    allowed: float | None
    why: str
    ok: bool | None

    def cells(self) -> tuple[str, str, str, str, str]:
        """The row as text."""
        if self.route == "formula":
            return self.route, self.detail, "reference", "", ""
        if self.ok is None:
            return self.route, self.detail, "–", "", self.why
        if self.route == "Taylor":
            return self.route, self.detail, "order", f"≥ {self.allowed:g}", _verdict(self.ok)
        return (
            self.route,
            self.detail,
            scientific(self.error or 0.0),
            scientific(self.allowed or 0.0),
            _verdict(self.ok),
        )


@dataclass(frozen=True)
class Verification:
    """The rows of a verification; true if every route that was taken agrees."""

    title: str
    rows: tuple[Row, ...]

    def __bool__(self) -> bool:
        return all(row.ok is not False for row in self.rows) and any(row.ok for row in self.rows)

    @property
    def error(self) -> float:
        """The largest relative error of the routes."""
        return max((row.error or 0.0 for row in self.rows if row.route != "Taylor"), default=0.0)

    def __str__(self) -> str:
        table = [row.cells() for row in self.rows]
        name = max(len(cells[0]) for cells in table)
        wide = max(len(self.title), *(name + 1 + len(cells[1]) for cells in table))
        lines = [f"{self.title:<{wide}}  {'error':<9} {'allowed':<8}".rstrip()]
        for route, what, error, allowed, verdict in table:
            line = f"{f'{route:<{name}} {what}':<{wide}}  {error:<9} {allowed:<8} {verdict}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    __repr__ = __str__


def _verdict(ok: bool | None) -> str:
    return "ok" if ok else "WRONG"


def scientific(value: float) -> str:
    """2e−16: one digit is all that an error means."""
    if value == 0:
        return "0"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def relative_error(value: np.ndarray, reference: np.ndarray, floor: float = 0.0) -> float:
    """The largest deviation relative to the reference's largest entry, or to ``floor``.

    A derivative that vanishes, such as that of the sum of a softmax, is rounding noise; only
    a ``floor`` from the size of the function itself says how small that is.
    """
    if not np.size(reference):
        return 0.0
    scale = max(float(np.abs(reference).max()), floor) or 1.0
    error = float(np.abs(value - reference).max()) / scale
    return error if np.isfinite(error) else float("inf")


def verify(d: Derivative, at: Mapping[str, Any] | None = None, seed: int = 0) -> Verification:
    """Prove a derivative by four routes: literal, formula, differences and Taylor.

    Literal: dense local derivatives contracted in the written order, nothing simplified.
    Formula: the simplified expression, compiled. Differences: complex step where every function
    on the path allows it, else central. Taylor: the observed order of the remainder. Without
    ``at`` the point is drawn from ``seed``, with unequal sizes for named dimensions. A product
    of derivatives is checked against its own path.
    """
    if at is None:
        point = draw_point(d.universe, seed, d.title)
        where = f"seed {seed}"
    else:
        point = given_point(d.universe, at, d.title)
        where = "at the values given"
    stored = _stored(d, point)
    evaluation = Dense(point.values, point.sizes)
    for root in d.universe:
        evaluation.array(root)
    known = d.of.expr in d.universe  # what an array is the derivative of may be a mere name
    size = np.abs(evaluation.array(d.of.expr)).max(initial=0) if known else 0.0
    floor = _NEGLIGIBLE * float(size)
    rows = [_literal_row(d, point, stored, floor), _formula_row(d)]
    convention = near_kink(d.universe, evaluation)
    given = any(c.links[-1].given and not has_function(c.links[-1]) for c in d.contributions)
    if convention or given:
        why = (
            "given as an array: there is no function to evaluate"
            if given
            else f"at a kink, where {convention} by convention"
        )
        rows.append(Row("differences", "not taken", None, None, why, None))
        rows.append(Row("Taylor", "not taken", None, None, why, None))
    else:
        rows.append(_difference_row(d, point, stored, floor))
        rows.append(_taylor_row(d, point, stored, seed))
    sizes = ", ".join(
        f"{a.name} {format_shape(sizes_of(a.shape, point.sizes))}" for a in d.arguments if a.shape
    )
    return Verification(", ".join(filter(None, (d.title, sizes, where))), tuple(rows))


def _stored(d: Derivative, point: Point) -> np.ndarray:
    """The formula's numbers with the stored axes: value, then arguments."""
    run = compile_derivative(d.to("mixed"))
    return run(point.values)


def _literal_row(d: Derivative, point: Point, stored: np.ndarray, floor: float) -> Row:
    why = "rounding in a chain of products"
    if all(link.given for c in d.contributions for link in c.links):
        return Row("literal", "not taken", None, None, "the array itself is all there is", None)
    try:
        with np.errstate(all="ignore"):
            result = literal(d, point)
    except MemoryLimitError as error:
        return Row("literal", "not taken", None, None, str(error), None)
    error = relative_error(result.array, stored, floor)
    count = f"{result.factors} dense factor" + ("s, in order" if result.factors > 1 else "")
    return Row("literal", count, error, LITERAL_ALLOWED, why, error <= LITERAL_ALLOWED)


def _formula_row(d: Derivative) -> Row:
    text, _ = formula(view_of(d))
    text = text if len(text) <= 44 else text[:43] + "…"
    return Row("formula", text, None, None, "what is checked", None)


def _difference_row(d: Derivative, point: Point, stored: np.ndarray, floor: float) -> Row:
    complex_step = allows_complex_step(d, point)
    with np.errstate(all="ignore"):
        array = differences(d, point, complex_step=complex_step)
    error = relative_error(array, stored, floor)
    if complex_step:
        detail, allowed = f"complex step, h = {scientific(COMPLEX_STEP)}", COMPLEX_ALLOWED
        why = "rounding only: the complex step subtracts nothing"
    else:
        detail, allowed = f"central, h = {scientific(CENTRAL_STEP)}", CENTRAL_ALLOWED
        why = "h² from the third derivative and rounding over h"
    return Row("differences", detail, error, allowed, why, error <= allowed)


def _taylor_row(d: Derivative, point: Point, stored: np.ndarray, seed: int) -> Row:
    order = taylor(d, stored, point, seed)
    why = "the remainder of a right derivative falls as h² or faster"
    if order is None:
        return Row("Taylor", "exact: no remainder", 0.0, TAYLOR_ORDER, why, True)
    detail = f"remainder falls as h^{order:.2f}"
    return Row("Taylor", detail, order, TAYLOR_ORDER, why, order >= TAYLOR_ORDER)
