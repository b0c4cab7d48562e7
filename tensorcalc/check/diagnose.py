"""``d.check(answer)``: is a person's own answer right, and if not, what went wrong?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from tensorcalc.check.points import draw_point, given_point
from tensorcalc.check.slips import without_slopes
from tensorcalc.check.verify import scale_floor
from tensorcalc.derivative import Derivative
from tensorcalc.errors import MissingValueError, TensorCalcError, ValueNotAllowedError
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import compile_derivative, derivative_output
from tensorcalc.layout import LAYOUTS
from tensorcalc.shapes import format_shape
from tensorcalc.tensor import Tensor
from tensorcalc.values import computation, given_values, refuse_singular

__all__ = ["AnswerCheck", "check_answer", "check_derivative"]

_TOLERANCE = 1e-6  # relative to the largest entry
_ROUNDING = 1e-10  # relative to what verify() calls small beside the function

_ROUNDED = 2  # digits in common that are no accident


@dataclass(frozen=True)
class AnswerCheck:
    """The judgement of an answer; true if it is correct.

    ``cause`` is None for a correct answer, else "layout" (right in another layout),
    "transposed", "factor", "sign", "slope" (of an elementwise function, forgotten), "shape",
    "rounding" or "not found"; several are joined by " and ".
    ``hint`` is one thing to do; ``factor`` the constant found, if any.
    """

    correct: bool
    cause: str | None
    message: str
    hint: str | None = None
    factor: float | None = None

    def __bool__(self) -> bool:
        return self.correct

    def __str__(self) -> str:
        lines = [f"{'✓' if self.correct else '✗'} {self.message}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    __repr__ = __str__


def check_answer(
    answer: Any, d: Derivative, /, at: Mapping[str, Any] | None = None, *, seed: int = 0
) -> AnswerCheck:
    """Judge ``answer``, an array for the values ``at`` or a quantity, as ∂of/∂wrt.

    Recognised: correct; right in another layout; transposed; a constant factor; the wrong
    sign; a forgotten slope of an elementwise function; the wrong shape, with the axis that is
    missing or too many. Raises MissingValueError for an array without ``at``,
    ValueNotAllowedError for an answer that is no finite real array.
    """
    if not isinstance(d, Derivative):
        raise TensorCalcError(
            f"an answer checked against {type(d).__name__}, which is no derivative",
            "give the answer first, then the derivative: tc.check_answer(answer, d, at=…)",
        )
    symbolic = isinstance(answer, (Tensor, Derivative))
    given = None if symbolic else _read_answer(answer)
    if at is None and given is not None:
        names = ", ".join(f"{name}=…" for name in computation(d.universe))
        raise MissingValueError(
            f"an array checked against {d.title} without the values it was computed at",
            f"pass them: d.check(answer, at=dict({names}))",
        )
    extra = (answer.expr,) if isinstance(answer, Tensor) else ()
    if isinstance(answer, Derivative):
        extra = answer.universe
    universe = (*d.universe, *extra)
    point = (
        draw_point(universe, seed, d.title) if at is None else given_point(universe, at, d.title)
    )
    evaluation = Dense(point.values, point.sizes)
    with refuse_singular(d.title):
        floor = scale_floor(d, evaluation)
        array = _answered(answer, given, evaluation)
    if given is not None and d.own_shape and _is_upright(array, d, at or {}):
        array = array[:, 0]
    return _judge(array, d, evaluation, _ROUNDING * floor)


def _answered(answer: Any, given: np.ndarray | None, evaluation: Dense) -> np.ndarray:
    """The answer in numbers."""
    if isinstance(answer, Tensor):
        array = evaluation.array(answer.expr)
        return array[None] if answer.form == "row" else array
    if isinstance(answer, Derivative):
        return compile_derivative(answer)(evaluation.values)
    assert given is not None
    return given


def _is_upright(array: np.ndarray, d: Derivative, at: Mapping[str, Any]) -> bool:
    """A gradient (n, 1) of a vector whose value was given so."""
    (argument,) = d.arguments
    value: Any = given_values(at, {}).get(argument.name or "")
    return argument.expr.ndim == 1 and array.ndim == 2 and np.shape(value) == array.shape


def _read_answer(answer: Any) -> np.ndarray:
    try:
        array = np.asarray(answer)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise ValueNotAllowedError(
            f"the answer is {type(answer).__name__} of {array.dtype}, not an array of real numbers",
            "give the numbers of the derivative",
        )
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise ValueNotAllowedError(
            "the answer contains NaN or infinite entries", "give finite numbers"
        )
    return array


@dataclass(frozen=True)
class _Candidate:
    """What the answer might be right for: the derivative as expected, or seen another way."""

    array: np.ndarray
    cause: str | None
    words: str
    hint: str


def _candidates(d: Derivative, values: Mapping[str, np.ndarray]) -> Iterator[_Candidate]:
    expected = compile_derivative(d)(values)
    yield _Candidate(expected, None, "correct", "")
    for layout in LAYOUTS.values():
        if layout.name == d.layout:
            continue
        other = compile_derivative(d.to(layout.name))(values)
        name = f"{layout.name} layout"
        square = other.shape == expected.shape
        yield _Candidate(
            other,
            "transposed" if square else "layout",
            f"the transpose: right in {name}" if square else f"right in {name}",
            f"this is the {name}; {d.layout} layout is expected here, so transpose it"
            if square
            else f"{d.layout} layout is expected, {format_shape(expected.shape)}; "
            f"yours is {name}, {format_shape(other.shape)}",
        )
    if expected.ndim == 2:
        yield _Candidate(
            expected.T, "transposed", "the transpose", "transpose it: swap its two axes"
        )


def _slips(d: Derivative, evaluation: Dense) -> Iterator[_Candidate]:
    """What the answer would be if the slope of an elementwise function had been forgotten."""
    for sign, array in without_slopes(d, evaluation):
        slopes = " and ".join(f"{s}′" for s in sign.split(" and "))
        yield _Candidate(
            array,
            "slope",
            f"the slope of the elementwise function {sign} is missing"
            if " and " not in sign
            else f"the slopes of the elementwise functions {sign} are missing",
            f"multiply by {slopes}, entry by entry, where the chain goes through {sign}",
        )


def _judge(array: np.ndarray, d: Derivative, evaluation: Dense, noise: float) -> AnswerCheck:
    candidates = list(_candidates(d, evaluation.values))
    expected = candidates[0].array
    if expected.size == 1 == array.size:
        array = array.reshape(expected.shape)  # a number is a number
    same_shape = [c for c in candidates if c.array.shape == array.shape]
    found = _recognised(array, same_shape, noise)
    if found is None and array.shape == expected.shape:
        found = _recognised(array, list(_slips(d, evaluation)), noise)
    if found is not None:
        return _verdict(*found, expected)
    size = f"{format_shape(expected.shape) if expected.shape else 'a scalar'}"
    if array.size == expected.size and array.shape != expected.shape:
        return _judge_reshaped(array, d, expected, _recognised(array, candidates, noise))
    if array.shape != expected.shape:
        return AnswerCheck(
            False,
            "shape",
            f"wrong shape: {format_shape(array.shape) if array.shape else 'a scalar'} "
            f"where {size} is expected",
            _axis_hint(array.shape, d, expected.shape),
        )
    digits = _digits_in_common(array, expected)
    if digits >= _ROUNDED:
        return AnswerCheck(
            False,
            "rounding",
            f"right to {digits} digits, wrong beyond",
            "give more digits, or look for rounding on the way",
        )
    worst = np.unravel_index(np.argmax(np.abs(array - expected)), expected.shape)
    place = ", ".join(str(int(k)) for k in worst)
    return AnswerCheck(
        False,
        "not found",
        f"right shape ({size}), wrong values; no cause found",
        f"look at entry [{place}] first, which is farthest off",
    )


def _recognised(
    array: np.ndarray, candidates: list[_Candidate], noise: float
) -> tuple[_Candidate, float] | None:
    """The first candidate with the answer's values in this order, or with a multiple of them."""
    for factor_allowed in (False, True):
        for candidate in candidates:
            reshaped = array.reshape(candidate.array.shape)
            factor = _factor(reshaped, candidate.array) if factor_allowed else 1.0
            if factor is not None and _close(reshaped, factor * candidate.array, noise):
                return candidate, factor
    return None


def _judge_reshaped(
    array: np.ndarray, d: Derivative, expected: np.ndarray, found: tuple[_Candidate, float] | None
) -> AnswerCheck:
    """Right number of entries, other axes: what would the values be, once reshaped?"""
    shapes = f"{_words(array.shape)} where {_words(expected.shape)} is expected"
    if found is None:
        hint = _axis_hint(array.shape, d, expected.shape)
        return AnswerCheck(False, "shape", f"wrong shape: {shapes}", hint)
    size = _words(found[0].array.shape)
    verdict = _verdict(*found, expected)
    if verdict.correct:
        message = f"right values, wrong shape: {shapes}"
        return AnswerCheck(False, "shape", message, f"reshape it to {size}")
    return replace(
        verdict,
        cause=f"shape and {verdict.cause}",
        message=f"wrong shape: {shapes}; reshaped to {size}, {verdict.message}",
        hint=f"reshape it to {size}; {verdict.hint}",
    )


def _words(shape: tuple[int, ...]) -> str:
    return format_shape(shape) if shape else "a scalar"


def _verdict(candidate: _Candidate, factor: float, expected: np.ndarray) -> AnswerCheck:
    if candidate.cause is None and factor == 1.0:
        return AnswerCheck(True, None, f"correct ({format_shape(expected.shape) or 'scalar'})")
    causes = [candidate.cause] if candidate.cause else []
    words = [candidate.words] if candidate.cause else []
    hints = [candidate.hint] if candidate.cause else []
    if factor == -1.0:
        causes.append("sign")
        words.append("the negative of the answer")
        hints.append("turn the sign")
    elif factor != 1.0:
        causes.append("factor")
        words.append(f"{_as_number(factor)} times the answer")
        hints.append(f"a factor {_as_number(1 / factor)} is missing")
    return AnswerCheck(
        False,
        " and ".join(causes),
        ", and ".join(words),
        "; ".join(hints),
        factor if factor != 1.0 else None,
    )


def _digits_in_common(a: np.ndarray, b: np.ndarray) -> int:
    """To how many digits of the largest entry two arrays agree."""
    apart = np.abs(a - b).max(initial=0.0)
    largest = np.abs(b).max(initial=0.0)
    return int(np.floor(np.log10(largest / apart))) if apart and largest > apart else 0


def _close(a: np.ndarray, b: np.ndarray, noise: float = 0.0) -> bool:
    largest = float(np.abs(b).max(initial=0))
    return bool(np.abs(a - b).max(initial=0) <= max(_TOLERANCE * largest, noise))


def _factor(array: np.ndarray, expected: np.ndarray) -> float | None:
    """The constant c with array = c · expected, if the entries can tell one."""
    weight = float(np.vdot(expected, expected))
    if expected.size < 2 or weight == 0 or not array.any():
        if expected.size == 1 and weight and _close(array, -expected):
            return -1.0
        return None
    factor = float(np.vdot(expected, array)) / weight
    if abs(factor + 1) < _TOLERANCE:
        return -1.0
    nearest = Fraction(factor).limit_denominator(1000)
    return float(nearest) if abs(float(nearest) - factor) < 1e-9 * abs(factor) else factor


def _as_number(value: float) -> str:
    fraction = Fraction(value).limit_denominator(1000)
    if fraction and abs(float(fraction) - value) < 1e-9 * abs(value):
        return str(fraction).replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


def _axis_hint(shape: tuple[int, ...], d: Derivative, expected: tuple[int, ...]) -> str:
    labels = _axis_labels(d)
    if len(shape) == len(expected):
        wrong = [k for k in range(len(shape)) if shape[k] != expected[k]]
        if (
            len(wrong) == 1
            and labels[wrong[0]] != "of size 1"
            and sorted(shape) != sorted(expected)
        ):
            k = wrong[0]
            return f"the axis {labels[k]} has size {expected[k]}, yours {shape[k]}"
    left = list(shape)
    missing = []
    for size, label in zip(expected, labels, strict=True):
        if size in left:
            left.remove(size)
        elif label != "of size 1" or len(shape) == len(expected):
            missing.append(f"the axis {label} ({size})")
    parts = []
    if missing:
        parts.append(
            " and ".join(missing) + (" is missing" if len(missing) == 1 else " are missing")
        )
    if left:
        sizes = " and ".join(map(str, left))
        parts.append(f"an axis of size {sizes} is too many: sum over it")
    if not parts:
        parts.append("the axes stand in another order")
    return "; ".join(parts)


def _axis_labels(d: Derivative) -> list[str]:
    stored = []
    for t in (d.of, *d.arguments):
        name = t.name or "the value"
        if t.expr.ndim == 2:
            stored += [f"of {name}'s rows", f"of {name}'s columns"]
        else:
            stored += [f"of {name}"] * t.expr.ndim
    place = derivative_output(d).place
    return ["of size 1" if axis is None else stored[axis] for axis in place]


def check_derivative(
    d: Derivative, answer: Any, /, at: Mapping[str, Any] | None = None, *, seed: int = 0
) -> AnswerCheck:
    """Judge a person's answer for this derivative: ``check_answer`` as a method."""
    return check_answer(answer, d, at, seed=seed)
