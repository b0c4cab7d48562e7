"""What printed formulas are worth, by NumPy alone: by matrices, or entry by entry.

``Values(known).matrix(formula)`` and ``.entries(formula, letters, sizes)`` give arrays. 1 and I
have whatever size fits; where none does, a ``ReadingError`` says so. Nothing of the library is
used, so that what is checked is the print.
"""

import math
import re
from dataclasses import dataclass, field

import numpy as np
from reader import FRACTIONS, SUBSCRIPT, SUPERSCRIPT, Node, ReadingError

__all__ = ["FUNCTIONS", "STANDARD", "Identity", "Values", "axes_of", "plain"]


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def softmax(t, axis=None):
    """Of a column, or in each row of a matrix."""
    axis = 1 if axis is None and np.ndim(t) == 2 and np.shape(t)[1] > 1 else axis
    e = np.exp(t)
    return e / e.sum(axis=axis, keepdims=axis is not None)


def logsumexp(t, axis=None):
    return np.log(np.sum(np.exp(t), axis=axis, keepdims=True))


def reduced(of):
    return lambda t, axis=None: (
        np.reshape(of(t), (1, 1)) if axis is None else of(t, axis=axis, keepdims=True)
    )


def extremum(of, pair):
    whole = reduced(of)
    return lambda t, *more, axis=None: pair(t, *more) if more else whole(t, axis)


def share(of):
    def shared(t, axis=None):
        best = t == of(t, axis=axis, keepdims=True)
        return best / best.sum(axis=axis, keepdims=True)

    return shared


def column(t):
    return np.reshape(t, (-1, 1))


erf = np.vectorize(math.erf, otypes=[float])
STANDARD = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "arcsin": np.arcsin, "arccos": np.arccos,
    "arctan": np.arctan, "abs": np.abs, "sign": np.sign, "√": np.sqrt,
    "max": extremum(np.max, np.maximum), "min": extremum(np.min, np.minimum),
    "tr": reduced(np.trace), "det": reduced(np.linalg.det),
    "diag": lambda t: np.diag(t.ravel()), "Diag": lambda t: np.diag(t.ravel()),
    "diagonal": lambda t: column(np.diagonal(t)), "vec": lambda t: column(t.T.ravel()),
}  # fmt: skip
FUNCTIONS = STANDARD | {
    "log1p": np.log1p, "expm1": np.expm1, "σ": sigmoid, "softplus": lambda t: np.logaddexp(t, 0),
    "relu": lambda t: np.maximum(t, 0), "relu′": lambda t: (t > 0) * 1.0, "erf": erf,
    "softmax": softmax, "logsumexp": logsumexp,
    "log_softmax": lambda t, axis=None: np.log(softmax(t, axis)),
    "argmax": share(np.max), "argmin": share(np.min), "∏": reduced(np.prod),
    "∏₋₁": lambda t: np.reshape([np.prod(np.delete(t, k)) for k in range(t.size)], t.shape),
    "nonzero": lambda t: (t != 0) * 1.0, "where": np.where,
    "silu": lambda t: t * sigmoid(t), "Φ": lambda t: (1 + erf(t / np.sqrt(2))) / 2,
    "φ": lambda t: np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi),
    "gelu": lambda t: t * FUNCTIONS["Φ"](t),
}  # fmt: skip


class Ones:
    """1 as a column of whatever size, or 1ᵀ."""

    def __init__(self, row=False):
        self.row = row


class Identity:
    """A number times I, of whatever size."""

    def __init__(self, number=1.0):
        self.number = number


@dataclass
class Values:
    """Arrays by name; derivatives and changes are asked for when a formula speaks of them.

    ``partial(of, by)`` has the value's axes, then the argument's; ``laid_out`` orders its axes as
    the layout of the page shows them.
    """

    known: dict
    partial: object = None
    change: object = None
    laid_out: object = None
    ranges: dict = field(default_factory=dict)
    told: dict = field(default_factory=dict)  # how far the page says that letters run
    size: int = 0
    square: int = 0  # the rows of a square matrix that is asked for

    def matrix(self, formula, shape=None):
        """The formula by matrices, as an array of two axes or more."""
        self.square = shape[0] if shape is not None and len(set(shape)) == 1 else 0
        value = self._sized(formula, shape)
        if isinstance(value, Identity):
            if shape is None or len(shape) != 2:
                raise ReadingError(f"{formula.text}: the size of I is open")
            value = value.number * np.eye(shape[0])
        value = plain(value)
        if shape is not None and value.shape != tuple(shape):
            if not all(a in (1, b) for a, b in zip(value.shape, shape, strict=False)):
                raise ReadingError(f"{formula.text}: is {value.shape}, not {tuple(shape)}")
            value = np.broadcast_to(value, shape)
        return value

    def _sized(self, formula, shape):
        """The value; where columns of I of an unknown size stand in it, with the size that fits."""
        if not any(
            n.kind == "slice" and n.parts[0].word in ("e", "I") for n in formula.tree.walk()
        ):
            return self._matrix(formula.tree)
        for size in sorted({n for v in self.known.values() for n in np.shape(v)} - {1}):
            self.size = size
            try:
                value = self._matrix(formula.tree)
            except (ReadingError, ValueError, IndexError):
                continue
            if shape is None or np.shape(value) == tuple(shape):
                return value
        raise ReadingError(f"{formula.text}: no size of I fits")

    def entries(self, formula, letters, sizes):
        """The formula for all values of these letters, one axis for each."""
        self.ranges = dict(zip(letters, sizes, strict=True))
        self._infer(formula.tree)
        grid = {
            letter: np.arange(n).reshape([-1 if k == j else 1 for j in range(len(letters))])
            for k, (letter, n) in enumerate(zip(letters, sizes, strict=True))
        }
        value = self._entry(formula.tree, grid, len(letters))
        return np.broadcast_to(value, tuple(sizes))

    # ── by matrices ──

    def _matrix(self, n):
        return getattr(self, "_m_" + NAMES.get(n.kind, n.kind))(n)

    def _m_number(self, n):
        return Ones() if n.word == "1" else np.full((1, 1), _number(n.word))

    def _m_name(self, n):
        if n.word in self.known:
            return self.known[n.word]
        if n.word == "I":
            return Identity()
        if n.word == "π":
            return np.full((1, 1), math.pi)
        raise ReadingError(f"{n.word} is not defined")

    def _m_d(self, n):
        return self.change(n.word)

    def _m_partial(self, n):
        return self.laid_out(n.parts[0].word, [p.word for p in n.parts[1:]], n.word)

    def _m_minus(self, n):
        return _product([np.full((1, 1), -1.0), self._matrix(n.parts[0])])

    def _m_sum(self, n):
        values = [self._matrix(p) for p in n.parts]
        if all(isinstance(v, Identity) for v in values):
            return Identity(sum(v.number for v in values))
        sizes = [v.shape for v in values if isinstance(v, np.ndarray)]
        size = max((max(s[:2]) for s in sizes), default=1)
        size = self.square if size == 1 and self.square else size  # I − ⅕ 1 1ᵀ
        total = 0.0
        for v in values:
            total = total + (v.number * np.eye(size) if isinstance(v, Identity) else plain(v))
        shapes = {v.shape for v in values if isinstance(v, np.ndarray) and v.size > 1}
        if len(shapes) > 1 and not all(1 in s for s in shapes):
            pass
        return total

    def _m_product(self, n):
        return _product([self._matrix(p) for p in n.parts])

    def _m_over(self, n):
        return _product([self._matrix(n.parts[0]), 1 / _scalar(self._matrix(n.parts[1]))])

    def _m_entrywise(self, n):
        left, right = (self._matrix(p) for p in n.parts)
        if isinstance(left, Identity) or isinstance(right, Identity):
            i, other = (left, right) if isinstance(left, Identity) else (right, left)
            return i.number * np.diag(np.diagonal(other))
        left, right = plain(left), plain(right)
        return left / right if n.kind == "⊘" else left * right

    def _m_kron(self, n):
        left, right = (self._matrix(p) for p in n.parts)
        if isinstance(left, Identity) or isinstance(right, Identity):
            raise ReadingError("the size of I in ⊗ is open")
        return np.kron(plain(left), plain(right))

    def _m_colon(self, n):
        left, right = (self._matrix(p) for p in n.parts)
        if isinstance(left, Identity):
            return left.number * np.reshape(np.trace(right), (1, 1))
        left, right = plain(left), plain(right)
        if not all(a == b or 1 in (a, b) for a, b in zip(left.shape, right.shape, strict=True)):
            raise ReadingError(f": between {left.shape} and {right.shape}")
        return np.reshape(np.sum(left * right), (1, 1))

    def _m_mark(self, n):
        value, mark = self._matrix(n.parts[0]), n.word
        if mark == "ᵀ":
            if isinstance(value, Ones):
                return Ones(not value.row)
            return value if isinstance(value, Identity) else value.T
        if mark in ("⁻¹", "⁻ᵀ"):
            if (
                isinstance(value, np.ndarray)
                and value.size > 1
                and value.shape[0] == value.shape[1]
            ):
                inverse = np.linalg.inv(value)
                return inverse.T if mark == "⁻ᵀ" else inverse
            return 1 / value
        exponent = float(mark.strip("^(⊙)").translate(SUPERSCRIPT))
        if "⊙" not in mark and value.size > 1 and 1 not in value.shape:
            return np.linalg.matrix_power(value, int(exponent))  # A² is A A
        return value**exponent

    def _m_raised(self, n):
        return plain(self._matrix(n.parts[0])) ** plain(self._matrix(n.parts[1]))

    def _m_norm(self, n):
        return np.reshape(np.linalg.norm(plain(self._matrix(n.parts[0]))), (1, 1))

    def _m_logdet(self, n):
        return np.reshape(np.linalg.slogdet(self._matrix(n.parts[0]))[1], (1, 1))

    def _m_call(self, n):
        word, axis = n.word if isinstance(n.word, tuple) else (n.word, None)
        arguments = [plain(self._matrix(p)) for p in n.parts]
        return _applied(word, axis, arguments)

    def _m_relation(self, n):
        return _related(n.word, *(plain(self._matrix(p)) for p in n.parts))

    def _m_array(self, n):
        return np.array([[_scalar(self._matrix(p)) for p in n.parts]])

    def _m_slice(self, n):
        name = n.parts[0].word
        if name in ("e", "I") and name not in self.known:
            whole = np.eye(self.size)
            return whole[:, [int(n.word)]] if name == "e" else _sliced(whole, n.word)
        return _sliced(self._matrix(n.parts[0]), n.word)

    def _m_entry(self, n):
        value = self._matrix(n.parts[0])
        if not all(w.isdigit() for w in n.word):
            raise ReadingError(f"an entry {n.word} in a formula by matrices")
        return np.reshape(_at(value, [int(w) for w in n.word]), (1, 1))

    def _m_bigsum(self, n):
        self.ranges = {}
        self._infer(n)
        return np.reshape(self._entry(n, {}, 0), (1, 1))

    # ── entry by entry ──

    def _infer(self, tree):
        """The range of every letter, from the axes at which it stands."""
        for n in tree.walk():
            if n.kind == "entry" and n.parts[0].kind in ("name", "call", "mark", "d"):
                shape = axes_of(self._matrix(n.parts[0]), len(n.word))
                self._range(n.word, shape)
            elif n.kind == "∂" and n.parts[0].kind == "entry":
                for part in n.parts:
                    if part.kind == "entry":
                        self._range(
                            part.word, axes_of(self.known[part.parts[0].word], len(part.word))
                        )
        for _ in range(2):  # an indicator ties two letters
            for n in tree.walk():
                if n.kind == "indicator" and all(p.kind == "name" for p in n.parts):
                    a, b = (p.word for p in n.parts)
                    for one, other in ((a, b), (b, a)):
                        if one in self.ranges:
                            self._range([other], [self.ranges[one]])

    def _range(self, letters, sizes):
        for letter, size in zip(letters, sizes, strict=True):
            if (
                letter[0].isalpha()
                and letter.isalnum()
                and self.ranges.setdefault(letter, size) != size
            ):
                raise ReadingError(f"{letter} runs to {self.ranges[letter]} and to {size}")
            if self.told.get(letter, size) != size:
                raise ReadingError(
                    f"{letter} runs to {size}, and the page says {self.told[letter]}"
                )

    def _entry(self, n, grid, depth):
        """The value of a piece over the grid of letters."""
        e = lambda part: self._entry(part, grid, depth)
        match n.kind:
            case "number":
                return _number(n.word)
            case "name":
                if n.word in grid:
                    return grid[n.word]
                return _scalar(self._m_name(n))
            case "d" | "∂" | "norm" | "logdet" | "mark" | "call" | "slice" if self._is_whole(
                n, grid
            ):
                return _scalar(self._matrix(n))
            case "entry":
                return self._at(n, grid)
            case "∂":
                return self._partial_at(n, grid)
            case "place":
                array = self._m_partial(n.parts[0])
                return _at(array, [grid[w] for w in n.word])
            case "minus":
                return -e(n.parts[0])
            case "sum":
                return sum(e(p) for p in n.parts)
            case "product" | "·" | "⊙":
                return math.prod(e(p) for p in n.parts)
            case "over" | "⊘":
                return e(n.parts[0]) / e(n.parts[1])
            case "mark":
                return e(n.parts[0]) ** float(n.word.translate(SUPERSCRIPT))
            case "raised":
                return e(n.parts[0]) ** e(n.parts[1])
            case "indicator":
                return self._indicator(n, grid, depth)
            case "relation":
                return _related(n.word, e(n.parts[0]), e(n.parts[1]))
            case "call":
                word = n.word[0] if isinstance(n.word, tuple) else n.word
                return _applied(word, None, [e(p) for p in n.parts])
            case "Σ":
                return self._big_sum(n, grid, depth)
        raise ReadingError(f"{n.kind} in a formula by entries")

    def _is_whole(self, n, grid):
        """Whether a piece speaks of whole quantities, not of their entries."""
        if n.kind == "∂":
            return all(p.kind == "name" for p in n.parts)
        if n.kind == "d":
            return n.word not in grid
        names = [p for p in n.walk() if p.kind == "name" and p.word not in grid]
        if any(p.kind in ("entry", "indicator", "Σ") for p in n.walk()):
            return False
        return bool(names) and any(np.size(self.known.get(p.word, 0)) > 1 for p in names)

    def _at(self, n, grid):
        value = self._matrix(n.parts[0])
        if isinstance(value, Identity):
            a, b = (grid[w] for w in n.word)
            return (a == b) * value.number
        return _at(plain(value), [self._place(w, grid) for w in n.word])

    def _place(self, word, grid):
        """A place on an axis: a letter, a number, or k+1, 2k, 3−k."""
        if word.isdigit():
            return int(word)
        if word in grid:
            return grid[word]
        match = re.fullmatch(r"(\d*)(−?)(\d*)([a-z]\d*)(?:\+(\d+))?", word)
        if not match or match[4] not in grid:
            raise ReadingError(f"the letter {word} is free")
        before, sign, times, letter, after = match.groups()
        if not sign:
            times, before = before + times, ""
        step = int(times or 1) * (-1 if sign else 1)
        return int(before or 0) + step * grid[letter] + int(after or 0)

    def _partial_at(self, n, grid):
        words = [p.word if p.kind == "entry" else () for p in n.parts]
        names = [p.parts[0].word if p.kind == "entry" else p.word for p in n.parts]
        array = self.partial(names[0], names[1:], n.word)
        return array[tuple(int(w) if w.isdigit() else grid[w] for row in words for w in row)]

    def _indicator(self, n, grid, depth):
        left, right = n.parts
        if right.kind == "pair":
            first, second = (self._entry(p, grid, depth) for p in right.parts)
            size = self.ranges[right.parts[1].word]
            whole = first * size + second
            return (self._entry(left, grid, depth) == whole) * 1.0
        return (self._entry(left, grid, depth) == self._entry(right, grid, depth)) * 1.0

    def _big_sum(self, n, grid, depth):
        letter, *others = n.word
        body = Node("Σ", tuple(others), n.parts) if others else n.parts[0]
        if letter not in self.ranges and letter in self.told:
            self.ranges[letter] = self.told[letter]
        if letter not in self.ranges:
            raise ReadingError(f"how far {letter} runs is not said")
        size = self.ranges[letter]
        inner = {**grid, letter: np.arange(size).reshape((-1,) + (1,) * depth)}
        value = np.asarray(self._entry(body, inner, depth + 1))
        if value.ndim <= depth:
            return size * value
        return value.sum(axis=0) * (size if value.shape[0] == 1 else 1)


NAMES = {
    "⊙": "entrywise", "⊘": "entrywise", "⊗": "kron", ":": "colon", "·": "product", "∂": "partial",
    "Σ": "bigsum",
}  # fmt: skip


def _number(word):
    if word in FRACTIONS:
        return FRACTIONS[word]
    if "⁄" in word:
        top, bottom = word.split("⁄")
        return int(top.translate(SUPERSCRIPT)) / int(bottom.translate(SUBSCRIPT))
    digits, _, power = word.partition("·10")
    return float(digits) * 10.0 ** int(power.translate(SUPERSCRIPT) or 0)


def plain(value):
    if isinstance(value, Identity):
        raise ReadingError("the size of I is open")
    return np.ones((1, 1)) if isinstance(value, Ones) else value


def _scalar(value):
    value = plain(value)
    if np.size(value) != 1:
        raise ReadingError(f"a number expected, not an array {np.shape(value)}")
    return np.reshape(value, ())[()]


def _product(factors):
    """A chain: numbers scale, 1 sums what it stands beside, the rest are matrix products."""
    if len(factors) == 1:
        return factors[0]
    number, rest = 1.0, []
    for f in factors:
        if isinstance(f, Identity):
            number *= f.number
        elif (isinstance(f, np.ndarray) and f.ndim == 2 and f.size == 1) or (
            np.ndim(f) == 0 and not isinstance(f, Ones)
        ):
            number *= _scalar(f)
        else:
            rest.append(f)
    if not rest:
        whole = any(isinstance(f, Identity) for f in factors)
        return Identity(number) if whole else np.full((1, 1), number)
    done = [rest[0]]
    for f in rest[1:]:
        done.append(f)
        while len(done) > 1 and (joined := _joined(*done[-2:])) is not None:
            done[-2:] = [joined]
    if len(done) > 1:
        raise ReadingError("1 beside 1 has no size")
    if isinstance(done[0], Ones):
        return number * np.ones((1, 1)) if number != 1 else done[0]
    return number * done[0]


def _joined(left, right):
    if isinstance(left, Ones) and isinstance(right, Ones):
        if not left.row and right.row:  # 1 1ᵀ stretches to whatever is asked for
            return np.ones((1, 1))
        return None
    if isinstance(left, Ones):
        if left.row:
            return right.sum(axis=0, keepdims=True)
        if right.shape[0] != 1:
            raise ReadingError("1 as a column before a matrix")
        return right
    if isinstance(right, Ones):
        if not right.row:
            return left.sum(axis=1, keepdims=True)
        if left.shape[1] != 1:
            raise ReadingError("1ᵀ behind a matrix")
        return left
    if left.shape[-1] != right.shape[0]:
        raise ReadingError(f"a product of {left.shape} and {right.shape}")
    return left @ right


def _applied(word, axis, arguments):
    of = FUNCTIONS.get(word)
    if of is None:
        raise ReadingError(f"{word} is no known function")
    return of(*arguments) if axis is None else of(*arguments, axis=axis)


def _related(sign, left, right):
    compare = {
        ">": np.greater, "≥": np.greater_equal, "<": np.less, "≤": np.less_equal,
        "=": np.equal, "≠": np.not_equal,
    }  # fmt: skip
    return compare[sign](left, right) * 1.0


def _sliced(value, words):
    pieces = words.split(",")
    if len(pieces) < 2:
        pieces = [*pieces, ":"]
    index = []
    for piece in pieces:
        if ":" in piece:
            index.append(
                slice(*(int(w) if w else None for w in piece.replace("−", "-").split(":")))
            )
        else:
            k = int(piece.replace("−", "-"))
            index.append(slice(k, k + 1 or None))  # X[0, :] stays a row
    return value[tuple(index)]


def axes_of(value, count):
    """The sizes of the axes at which ``count`` letters stand."""
    if isinstance(value, Identity):
        return ()
    shape = np.shape(plain(value))
    if count == len(shape):
        return shape
    kept = tuple(n for n in shape if n != 1)
    if count != len(kept):
        raise ReadingError(f"{count} letters for an array {shape}")
    return kept


def _at(value, places):
    if len(places) != value.ndim:
        value = value.reshape(axes_of(value, len(places)))
    return value[tuple(places)]
