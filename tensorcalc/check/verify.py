"""``d.verify()``: the same derivative by routes that do not share their mistakes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tensorcalc.check.points import (
    Point,
    draw_point,
    given_point,
    kinks_everywhere,
    near_kink,
)
from tensorcalc.check.routes import (
    CENTRAL_STEP,
    COMPLEX_STEP,
    allows_complex_step,
    differences,
    has_function,
    literal,
    taylor,
)
from tensorcalc.codegen.memory import too_large
from tensorcalc.derivative import Derivative
from tensorcalc.display.derivative import formula
from tensorcalc.errors import MemoryLimitError, ValueNotAllowedError
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import MAX_BYTES, compile_derivative
from tensorcalc.expr import Expr
from tensorcalc.presentation import view_of
from tensorcalc.shapes import format_shape, sizes_of
from tensorcalc.values import refuse_singular

__all__ = ["Row", "Verification", "relative_error", "scale_floor", "verify"]

LITERAL_ALLOWED = 1e-12
COMPLEX_ALLOWED = 1e-10
CENTRAL_ALLOWED = 1e-7
TAYLOR_ORDER = 1.9
_MOST_ENTRIES = 100_000
_VANISHING = 1e-12  # what is left of numbers that cancel
_MOST_ROUNDING = 1e-9  # more than this is no rounding, however much cancels
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
        if self.route == "formula" and self.ok is None:
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
    error = float(np.abs(value - reference).max()) / _scale(reference, floor)
    return error if np.isfinite(error) else float("inf")


def _scale(reference: np.ndarray, floor: float) -> float:
    return max(float(np.abs(reference).max(initial=0)), floor) or 1.0


def verify(d: Derivative, at: Mapping[str, Any] | None = None, seed: int = 0) -> Verification:
    """Prove a derivative by four routes: literal, formula, differences and Taylor.

    Literal: dense local derivatives contracted in the written order, nothing simplified.
    Formula: the simplified expression, compiled. Differences: complex step where every function
    on the path allows it, else central. Taylor: the observed order of the remainder. Without
    ``at`` the point is drawn from ``seed``, with unequal sizes for named dimensions. A product
    of derivatives is checked against its own path.
    """
    if d.dense_nbytes is not None and d.dense_nbytes > MAX_BYTES:
        raise too_large(d.title, d.shape, d.dense_nbytes, MAX_BYTES)
    if at is None:
        point = draw_point(d.universe, seed, d.title, _functions(d))
        where = f"seed {seed}"
    else:
        point = given_point(d.universe, at, d.title)
        where = "at the values given"
    with refuse_singular(d.title):
        rows = _verified(d, point, seed)
    sizes = ", ".join(
        f"{a.name} {format_shape(sizes_of(a.shape, point.sizes))}"
        for a in dict.fromkeys(d.arguments)
        if a.shape
    )
    return Verification(", ".join(filter(None, (d.title, sizes, where))), rows)


def _verified(d: Derivative, point: Point, seed: int) -> tuple[Row, ...]:
    """The four routes at one point."""
    for argument in d.arguments:
        entries = math.prod(sizes_of(argument.shape, point.sizes))
        if entries > _MOST_ENTRIES:
            raise MemoryLimitError(
                f"{d.title} by {entries:,} entries, each of which would be moved to check it",
                "check at smaller sizes: the formula is the same",
            )
    evaluation = Dense(point.values, point.sizes)
    with np.errstate(all="ignore"):
        finite = all(np.isfinite(evaluation.array(root)).all() for root in _functions(d))
        stored = _stored(d, point) if finite else np.zeros(())
    if not finite or not np.isfinite(stored).all():
        raise ValueNotAllowedError(
            f"{d.title} at values outside the domain: something is not finite there",
            "give other values, or leave at= out",
        )
    arrays = [array for array, _ in evaluation.known.values()]
    largest = max((float(np.abs(a).max(initial=0)) for a in arrays), default=0.0)
    floor = scale_floor(d, evaluation)
    if np.abs(stored).max(initial=0) <= _VANISHING * largest:  # a derivative that cancels to 0
        floor = max(floor, _NEGLIGIBLE * largest)
    rows = _Rows(d, point, stored, floor, largest)
    table = [
        rows.literal(),
        rows.formula(),
        *rows.from_values(_no_differences(d, evaluation, point), seed),
    ]
    return rows.judged(table)


def _functions(d: Derivative) -> list[Expr]:
    """What is differentiated, not the formula: that may exist only as it is computed."""
    links = [link for c in d.contributions for link in c.links]
    found = [e for k in links for e in (k.of.expr, *(w.expr for w in k.wrt)) if e in d.universe]
    return [*found, *(link.value for link in links if link.given)]


def scale_floor(d: Derivative, evaluation: Dense) -> float:
    """Below this an entry is compared on the scale of the function itself."""
    if d.of.expr not in d.universe:  # what an array is the derivative of may be a mere name
        return 0.0
    return _NEGLIGIBLE * float(np.abs(evaluation.array(d.of.expr)).max(initial=0))


def _no_differences(d: Derivative, evaluation: Dense, point: Point) -> str | None:
    """Why no differences can be taken here, if so."""
    if any(c.links[-1].given and not has_function(c.links[-1]) for c in d.contributions):
        return "given as an array: there is no function to evaluate"
    functions = _functions(d)
    convention = near_kink(functions, evaluation)
    if convention:
        convention = near_kink(functions, evaluation, kinks_everywhere(functions, point.sizes))
    return f"at a kink, where {convention} by convention" if convention else None


def _stored(d: Derivative, point: Point) -> np.ndarray:
    """The formula's numbers with the stored axes: value, then arguments."""
    run = compile_derivative(d.to("mixed"))
    return run(point.values)


class _Rows:
    """The routes at one point; ``arrays`` keeps what each found, with the error allowed."""

    def __init__(
        self, d: Derivative, point: Point, stored: np.ndarray, floor: float, largest: float
    ) -> None:
        self.d, self.point, self.stored, self.floor = d, point, stored, floor
        self.largest = largest
        self.arrays: dict[str, tuple[np.ndarray, float]] = {}

    def _row(self, route: str, detail: str, array: np.ndarray, allowed: float, why: str) -> Row:
        self.arrays[route] = array, allowed
        error = relative_error(array, self.stored, self.floor)
        return Row(route, detail, error, allowed, why, error <= allowed)

    def literal(self) -> Row:
        """Dense factors in the written order."""
        if all(link.given for c in self.d.contributions for link in c.links):
            return Row("literal", "not taken", None, None, "the array itself is all there is", None)
        try:
            with np.errstate(all="ignore"):
                result = literal(self.d, self.point)
        except MemoryLimitError as error:
            return Row("literal", "not taken", None, None, str(error), None)
        count = f"{result.factors} dense factor" + ("s, in order" if result.factors > 1 else "")
        why = "rounding in a chain of products"
        allowed = LITERAL_ALLOWED
        if relative_error(result.array, self.stored, self.floor) > allowed:
            # rounding is relative to the largest number on the way, of which less may be left
            lost = self.largest / _scale(self.stored, self.floor)
            allowed = min(max(allowed, 10 * allowed * lost), _MOST_ROUNDING)
        return self._row("literal", count, result.array, allowed, why)

    def formula(self) -> Row:
        """The compiled formula, to which the others are compared."""
        text, _ = formula(view_of(self.d))
        text = text if len(text) <= 44 else text[:43] + "…"
        return Row("formula", text, None, None, "what is checked", None)

    def from_values(self, why_not: str | None, seed: int) -> tuple[Row, Row]:
        """Differences and Taylor's remainder: the function's values alone."""
        if why_not:
            return (
                Row("differences", "not taken", None, None, why_not, None),
                Row("Taylor", "not taken", None, None, why_not, None),
            )
        return self.differences(), self.taylor(seed)

    def differences(self) -> Row:
        """Complex step where every function on the path allows it, else central."""
        complex_step = allows_complex_step(self.d, self.point)
        with np.errstate(all="ignore"):
            array = differences(self.d, self.point, complex_step=complex_step)
        if complex_step:
            detail, allowed = f"complex step, h = {scientific(COMPLEX_STEP)}", COMPLEX_ALLOWED
            why = "rounding only: the complex step subtracts nothing"
        else:
            detail, allowed = f"central, h = {scientific(CENTRAL_STEP)}", CENTRAL_ALLOWED
            why = "h² from the third derivative and rounding over h"
        return self._row("differences", detail, array, allowed, why)

    def taylor(self, seed: int) -> Row:
        """The observed order of the remainder."""
        order = taylor(self.d, self.stored, self.point, seed)
        why = "the remainder of a right derivative falls as h² or faster"
        if order is None:
            return Row("Taylor", "exact: no remainder", 0.0, TAYLOR_ORDER, why, True)
        detail = f"remainder falls as h^{order:.2f}"
        return Row("Taylor", detail, order, TAYLOR_ORDER, why, order >= TAYLOR_ORDER)

    def judged(self, table: list[Row]) -> tuple[Row, ...]:
        """The rows; where the other routes agree against the formula, it is what is wrong."""
        if len(self.arrays) < 2:
            return tuple(table)
        (dense, _), (moved, allowed) = self.arrays["literal"], self.arrays["differences"]
        between = relative_error(dense, moved, self.floor)
        if between > allowed or relative_error(self.stored, moved, self.floor) <= allowed:
            return tuple(table)
        wrong = relative_error(self.stored, dense, self.floor)
        verdicts = {
            "formula": {"error": wrong, "allowed": LITERAL_ALLOWED, "ok": False},
            "literal": {"error": between, "allowed": allowed, "ok": True},
            "differences": {"error": between, "allowed": allowed, "ok": True},
        }
        return tuple(replace(row, **verdicts.get(row.route, {})) for row in table)
