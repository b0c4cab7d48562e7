"""Reads the printed matrix notation back into numbers: an independent meaning of what people see.

``read("2 Aᵀ (A x − b)", values)`` gives an array with rows and columns. Nothing of the library is
used. 1 and I have whatever size fits: 1 stretches, I waits until it meets a matrix.
"""

import math
import re
from dataclasses import dataclass

import numpy as np

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻·", "0123456789-.")
SUBSCRIPT = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
FRACTIONS = dict(zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒", (
    1/2, 1/3, 2/3, 1/4, 3/4, 1/5, 2/5, 3/5, 4/5, 1/6, 5/6, 1/7, 1/8, 3/8, 5/8, 7/8, 1/9, 1/10,
), strict=True))  # fmt: skip
TOKEN = re.compile(
    r"\s*(?P<fraction>[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁄[₀₁₂₃₄₅₆₇₈₉]+|[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒])"
    r"|\s*(?P<number>\d+(?:\.\d+)?(?:·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
    r"|(?P<power>⁻ᵀ|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹·]+|ᵀ|\^\(⊙[\d.]+\)|\^)"
    r"|\s*(?P<name>[A-Za-zα-ωΑ-Ω_][\wα-ω]*?(?=[^A-Za-z0-9_α-ω]|$)′*|√|∏)"
    r"|\s*(?P<sign>[+−⊙⊘⊗/(),‖|\[\]>≥=:])"
)


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def softmax(t, axis=None):
    """Of a column, or in each row of a matrix."""
    axis = 1 if axis is None and np.ndim(t) == 2 and np.shape(t)[1] > 1 else axis
    e = np.exp(t)
    return e / e.sum(axis=axis, keepdims=axis is not None)


def logsumexp(t, axis=None):
    return np.log(np.exp(t).sum(axis=axis, keepdims=True))


def over_all(of):
    return lambda t: np.reshape(of(t), (1, 1))


def column(values):
    return np.reshape(values, (-1, 1))


def share(of):
    return lambda t: (t == of(t)) / np.sum(t == of(t))


def extremum(one, two):
    return lambda t, *other: two(t, *other) if other else np.reshape(one(t), (1, 1))


FUNCTIONS = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "abs": np.abs,
    "sign": np.sign, "√": np.sqrt, "σ": sigmoid, "softplus": lambda t: np.logaddexp(t, 0),
    "relu": lambda t: np.maximum(t, 0), "relu′": lambda t: (t > 0) * 1.0,
    "erf": np.vectorize(math.erf, otypes=[float]), "silu": lambda t: t * sigmoid(t),
    "gelu": lambda t: t * FUNCTIONS["Φ"](t),
    "Φ": lambda t: (1 + FUNCTIONS["erf"](t / np.sqrt(2))) / 2,
    "φ": lambda t: np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi),
    "softmax": softmax, "logsumexp": logsumexp, "log_softmax": lambda t, axis=None: np.log(
        softmax(t, axis)),
    "argmax": share(np.max), "argmin": share(np.min),
    "max": extremum(np.max, np.maximum), "min": extremum(np.min, np.minimum),
    "tr": over_all(np.trace), "det": over_all(np.linalg.det),
    "∏": over_all(np.prod), "nonzero": lambda t: (t != 0) * 1.0,
    "where": lambda c, t, u: np.where(c, t, u),
    "diag": lambda t: np.diag(t.ravel()), "diagonal": lambda t: column(np.diagonal(t)),
    "vec": lambda t: column(t.T.ravel()),
}  # fmt: skip


def slope(of, step):
    """f′ by differences of f, of the eighth order: nothing is known here of what a slope is."""
    weights = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
    return lambda t: sum(
        w * (of(t + k * step) - of(t - k * step)) / step for k, w in enumerate(weights, start=1)
    )


def function_named(word):
    """A function by its name; f′ by differences of f."""
    if word not in FUNCTIONS and word.endswith("′"):
        return slope(function_named(word.removesuffix("′")), 1e-2)
    return FUNCTIONS[word]


@dataclass
class Ones:
    """1, a column of whatever size, or 1ᵀ."""

    row: bool = False


@dataclass
class Identity:
    """A number times I."""

    number: float = 1.0


def read(text, values, shape=None):
    """The array that ``text`` means; of the given shape where 1 and I leave it open."""
    reader = _Reader(text, values, shape[0] if shape else 1)
    found = reader.sum()
    assert reader.next is None, f"{text}: {reader.next} is left over"
    if isinstance(found, Identity):
        found = found.number * np.eye(shape[0])
    return found if shape is None else np.broadcast_to(plain(found), shape)


def plain(value):
    """1 as a number that stretches."""
    return np.ones((1, 1)) if isinstance(value, Ones) else value


def is_scalar(value):
    return isinstance(value, np.ndarray) and value.shape == (1, 1)


class _Reader:
    """One formula, read from left to right."""

    def __init__(self, text, values, size):
        self.size = size
        self.values = {name: np.atleast_2d(np.asarray(v, float)) for name, v in values.items()}
        for name, v in values.items():
            if np.ndim(v) == 1:
                self.values[name] = column(v)
        self.tokens = []
        place = 0
        while place < len(text):
            match = TOKEN.match(text, place)
            assert match, f"{text[place:]!r} has no meaning"
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            place = match.end()
        self.place = 0

    @property
    def next(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self):
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, *signs):
        if self.next and self.next[1] in signs and self.next[0] in ("sign", "power"):
            return self.take()[1]
        return None

    def expect(self, sign):
        assert self.accept(sign), f"{sign} expected, {self.next} found"

    def sum(self):
        total = (
            multiplied([np.full((1, 1), -1.0), self.hadamard()])
            if self.accept("−")
            else self.hadamard()
        )
        while sign := self.accept("+", "−"):
            total = self.added(total, self.hadamard(), 1 if sign == "+" else -1)
        return total

    def added(self, left, right, sign):
        if isinstance(left, Identity) and isinstance(right, Identity):
            return Identity(left.number + sign * right.number)
        sized = [v for v in (left, right) if not isinstance(v, Identity)]
        known = isinstance(sized[0], np.ndarray) and max(sized[0].shape) > 1
        size = max(sized[0].shape) if known else self.size
        dense = lambda v: v.number * np.eye(size) if isinstance(v, Identity) else plain(v)
        return dense(left) + sign * dense(right)

    def hadamard(self):
        value = self.product()
        while sign := self.accept("⊙", "⊘", "⊗"):
            other = self.product()
            if sign == "⊗":
                value = np.kron(value, other)
            elif isinstance(other, Identity) or isinstance(value, Identity):
                value, other = (other, value) if isinstance(value, Identity) else (value, other)
                value = other.number * np.diag(np.diagonal(value))
            else:
                value = plain(value) * (1 / plain(other) if sign == "⊘" else plain(other))
        return value

    def product(self):
        factors = []
        while self.next and (self.next[0] in ("fraction", "number", "name") or self.opens()):
            factors.append(self.postfix())
        value = multiplied(factors)
        while self.accept("/"):
            value = multiplied([value, 1 / plain(self.postfix())])
        return value

    def opens(self):
        if self.next[1] == "‖" or self.next[1] == "|":
            return self.closing != self.next[1]
        return self.next[0] == "sign" and self.next[1] in "(["

    closing = None

    def postfix(self):
        value = self.atom()
        while self.next and self.next[0] == "power":
            mark = self.take()[1]
            if mark == "ᵀ":
                value = Ones(row=True) if isinstance(value, Ones) else value.T
            elif mark == "⁻ᵀ":
                value = np.linalg.inv(value).T
            elif mark == "^":
                value = value ** plain(self.atom())
            elif mark == "⁻¹":
                value = np.linalg.inv(value)
            else:
                value = value ** float(mark.strip("^(⊙)").translate(SUPERSCRIPT))
        return value

    def atom(self):
        kind, word = self.take()
        if kind == "fraction":
            return np.full((1, 1), fraction(word))
        if kind == "number":
            return Ones() if word == "1" else np.full((1, 1), decimal(word))
        if kind == "name":
            return self.named(word)
        if word == "(":
            value = self.inside(")", self.sum)
        elif word == "‖":
            value = np.reshape(np.linalg.norm(self.inside("‖", self.sum)), (1, 1))
        elif word == "|":
            value = np.abs(self.inside("|", self.sum))
        else:
            value = self.inside("]", self.relation)
        return value

    def inside(self, end, what):
        before, self.closing = self.closing, end
        value = what()
        self.expect(end)
        self.closing = before
        return value

    def relation(self):
        left = plain(self.sum())
        sign = self.accept(">", "≥")
        right = plain(self.sum())
        return (left > right if sign == ">" else left >= right) * 1.0

    def named(self, word):
        if word in self.values:
            return self.values[word]
        if word == "I":
            return Identity()
        if word == "π":
            return np.full((1, 1), np.pi)
        if word == "log" and self.accept("|"):
            return np.log(np.abs(self.inside("|", self.sum)))
        if word == "√" and self.next[1] != "(":
            return np.sqrt(self.atom())
        self.expect("(")
        arguments = self.inside(")", self.arguments)
        axis = {"axis": 1} if self.axis else {}
        return function_named(word)(*np.broadcast_arrays(*map(plain, arguments)), **axis)

    def arguments(self):
        self.axis = False
        found = [self.sum()]
        axis = False
        while self.accept(","):
            if self.next == ("name", "axis"):
                self.take()
                self.expect("=")
                self.take()
                axis = True
            else:
                found.append(self.sum())
        self.axis = axis
        return found


def fraction(word):
    if word in FRACTIONS:
        return FRACTIONS[word]
    top, bottom = word.split("⁄")
    return int(top.translate(SUPERSCRIPT)) / int(bottom.translate(SUBSCRIPT))


def decimal(word):
    digits, _, power = word.partition("·10")
    return float(digits) * 10.0 ** int(power.translate(SUPERSCRIPT) or 0)


def multiplied(factors):
    """A chain: numbers scale, 1 sums what it stands beside, the rest are matrix products."""
    assert factors, "a factor is expected"
    number = math.prod(float(f[0, 0]) for f in factors if is_scalar(f))
    number *= math.prod(f.number for f in factors if isinstance(f, Identity))
    rest = [f for f in factors if not is_scalar(f) and not isinstance(f, Identity)]
    if not rest and any(isinstance(f, Identity) for f in factors):
        return Identity(number)
    k = 0
    while k < len(rest) - 1:
        left, right = rest[k], rest[k + 1]
        if isinstance(left, Ones) and isinstance(right, Ones):
            k += 1
            continue
        if isinstance(left, Ones) and left.row:
            rest[k : k + 2] = [right.sum(axis=0, keepdims=True)]
        elif isinstance(right, Ones) and not right.row:
            rest[k : k + 2] = [left.sum(axis=1, keepdims=True)]
        elif isinstance(left, Ones) or isinstance(right, Ones):
            k += 1
            continue
        else:
            rest[k : k + 2] = [left @ right]
        k = max(0, k - 1)
    arrays = [f for f in rest if isinstance(f, np.ndarray)]
    value = math.prod(arrays[1:], start=arrays[0]) if arrays else np.ones((1, 1))
    if len(factors) == 1 and isinstance(factors[0], Ones):
        return factors[0]
    return number * value
