"""Random well-typed program texts over the whole language, and their values by plain NumPy.

The reference never touches the library: a column is an n × 1 array, a row 1 × n, and the text
itself is run by Python over functions written here. Run as a script, it compares many programs
and counts what they were made of: ``python tests/random_programs.py 20000 0``.
"""

# ruff: noqa: E501 - a choice reads best on one line

from __future__ import annotations

import math
import random
import re
import sys
from collections import Counter

import numpy as np

VARIABLES = {
    "S": (), "c": (), "x": (3,), "y": (3,), "z": (2,), "u": (1,), "A": (3, 3), "B": (3, 3),
    "C": (2, 2), "W": (2, 3), "V": (3, 2), "R": (1, 3), "Q": (3, 1), "T": (2, 3, 2),
}  # fmt: skip
SMOOTH = ["exp", "sin", "cos", "tanh", "sigmoid", "softplus", "arctan", "sinh", "cosh", "silu",
          "gelu", "erf", "square", "expm1", "tan"]  # fmt: skip
BOUNDED = ["sin", "cos", "tanh", "sigmoid", "arctan", "erf"]
OF_POSITIVE = ["log", "sqrt", "log1p", "reciprocal"]
OF_UNIT = ["arcsin", "arccos"]
KINKED = ["abs", "relu", "sign"]
# what is spread over what; a column of n is an n × 1 matrix as well
BROADCASTS = [
    ((), (3,)), ((1,), (3,)), ((), "row3"), ((1,), "row3"), ((), (2,)), ((1,), (2,)), ((), (1,)),
    ((1,), ()), *(
        (other, shape)
        for shape in [(3, 3), (2, 3), (2, 2), (3, 2), (3, 1), (2, 1)]
        for other in [(), (1,), (shape[0],), (shape[0], 1),
                      (1, shape[1]) if shape[1] != 3 else "row3"]
    ),
]  # fmt: skip
REDUCTIONS = ["sum", "mean", "var", "prod", "max", "min", "norm", "norm1", "logsumexp"]
REPEATED = [
    ((), "(({0}).T @ ({0}))", (3,)), ((), "dot({0}, {0})", (2,)), ((3, 3), "({0} @ {0})", (3, 3)),
    ((3, 3), "outer({0}, {0})", (3,)), ((3,), "({0} * {0})", (3,)), ((2, 3), "({0} - {0} * {0})", (2, 3)),
    ((2, 2), "({0} @ ({0}).T)", (2, 3)), ((3,), "maximum({0}, {0})", (3,)),
    ((), "einsum('ij,ji->', {0}, {0})", (3, 3)), ((), "frobenius({0}, {0})", (2, 3)),
    ((3,), "where(x > y, {0}, {0})", (3,)), ((2, 3), "({0} / (2 + {0}**2))", (2, 3)),
    ((), "trace(({0}).T @ {0} @ ({0}).T @ {0})", (2, 3)), ((3,), "solve(4 * eye(3) + sin({0}), diagonal({0}))", (3, 3)),
    ((3,), "einsum('i,i,i->i', {0}, {0}, {0})", (3,)), ((), "sum(kron({0}, {0}))", (2,)),
    ((3,), "((1.5 + sin({0}))**({0}))", (3,)), ((3,), "softmax({0}) * ({0})", (3,)),
]  # fmt: skip


# why a program is not compared to the end
UNDECIDED = ("out of range", "second out of range", "constant")


class Writer:
    """Writes one program; ``kinked`` says whether the complex step is excluded."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names: dict[tuple, list[str]] = {}
        self.used: Counter[str] = Counter()
        self.kinked = False
        self.lines: list[str] = []

    def program(self) -> str:
        """A few lines, the last a scalar, a vector or a matrix."""
        r = self.random
        for k in range(r.randint(0, 3)):
            shape = r.choice([(), (3,), (2,), (3, 3), (2, 3), "row3"])
            self.lines.append(f"d{k} = {self.of(shape, 2)}")
            self.names.setdefault(shape, []).append(f"d{k}")
        last = r.choice([(), (), (), (3,), (2, 3), (3, 3), "row3", (2,)])
        if r.random() < 0.85:
            self.lines.append(f"f = {self.focus()}")
            g = self.of(last, 2)
            total = r.choice(["sum(f)", "sum(sin(f))", "norm(2 + f)"])
            if last == ():
                g = r.choice([total, f"({total} * {g})", f"({g} + {total})"])
            else:
                g = f"({total} * {g})"
            self.lines.append(f"result = {g}")
        else:
            self.lines.append(f"result = {self.of(last, 3)}")
        return "; ".join(self.lines)

    def focus(self) -> str:
        """One construct of the language, each as often as any other."""
        r = self.random
        kind = r.choice(["broadcast", "broadcast", "function", "reduce", "reduce", "repeated"])
        if kind == "broadcast":
            other, shape = r.choice(BROADCASTS)
            return self.broadcast(shape, 1, other)
        if kind == "function":
            shape = r.choice([(3,), (2, 3), "row3", ()])
            name = r.choice([*SMOOTH, *OF_POSITIVE, *OF_UNIT, *KINKED])
            inner = {"positive": "1.5 + sin({})", "unit": "0.8 * sin({})"}.get(
                "positive" if name in OF_POSITIVE else "unit" if name in OF_UNIT else "", "tanh({})"
            )
            self.kinked |= name in KINKED
            return f"{self.use(name)}({inner.format(self.of(shape, 1))})"
        if kind == "reduce":
            name = self.use(r.choice(REDUCTIONS))
            self.kinked |= name in ("max", "min", "norm1")
            shift = "0.3 + " if name == "norm" else ""
            axis = r.choice([None, 0, 1, 2])
            inner = "T" if axis == 2 or r.random() < 0.3 else self.of(r.choice([(2, 3), (3, 3)]), 1)
            self.use(f"{name} axis={axis}")
            if inner == "T":
                self.use(f"3-tensor axis={axis}")
            return f"{name}({shift}{inner}" + ("" if axis is None else f", axis={axis}") + ")"
        shape, text, of = r.choice(REPEATED)
        self.kinked |= "maximum" in text
        self.use(f"repeated in {text}")
        return text.format(self.of(of, 1))

    def use(self, word: str) -> str:
        self.used[word] += 1
        return word

    def leaf(self, shape: object) -> str:
        r = self.random
        known = [name for name, s in VARIABLES.items() if s == shape]
        known += self.names.get(shape, []) * 2
        if shape == "row3":
            known += ["x.T", "y.T", "R"]
        if shape == () and r.random() < 0.3:
            return r.choice(["2", "0.5", "3", "1.5"])
        return r.choice(known) if known else {
            (1, 3): "R", (3, 1): "Q", (1, 1): "(R @ Q)",
        }.get(shape, "S")  # fmt: skip

    def of(self, shape: object, depth: int) -> str:
        """An expression of a shape."""
        if depth <= 0 or self.random.random() < 0.1:
            return self.leaf(shape)
        make = {(): self.scalar, "row3": self.row}.get(shape)
        if make is None:
            make = self.column if len(shape) == 1 else self.matrix
        return make(shape, depth - 1)

    def elementwise(self, shape: object, d: int) -> str:
        r = self.random
        kind = r.choice(
            ["unary", "unary", "+", "-", "*", "*", "/", "**", "positive", "unit", "scaled",
             "negative", "kinked", "pow", "two", "where", "broadcast", "broadcast", "broadcast"]
        )  # fmt: skip
        a = lambda: self.of(shape, d)
        if kind == "unary":
            name = self.use(r.choice(SMOOTH))
            inner = a() if name in BOUNDED else f"{self.use('tanh')}({a()})"
            return f"{name}({inner})"
        if kind in "+-*":
            return f"({a()} {self.use(kind)} {a()})"
        if kind == "/":
            return f"({a()} {self.use('/')} (2 + {a()}**2))"
        if kind == "**":
            self.use("**")
            return f"(({a()})**{r.choice(['2', '3'])})"
        if kind == "positive":
            return f"{self.use(r.choice(OF_POSITIVE))}(1.5 + {self.use('sin')}({a()}))"
        if kind == "unit":
            return f"{self.use(r.choice(OF_UNIT))}(0.8 * {self.use('sin')}({a()}))"
        if kind == "scaled":
            return f"({self.of((), d)} * {a()})"
        if kind == "negative":
            return f"(-{a()})"
        if kind == "kinked":
            self.kinked = True
            return f"{self.use(r.choice(KINKED))}({a()})"
        if kind == "pow":
            return f"((1.5 + {self.use('sin')}({a()})){self.use('**')}({a()}))"
        if kind == "two":
            self.kinked = True
            # the shift keeps equal sums apart, whose order is rounding
            return f"{self.use(r.choice(['maximum', 'minimum']))}({a()}, 0.0137 + {a()})"
        if kind == "where":
            self.use("where")
            sign = r.choice([">", "<", ">=", "<="])
            return f"where({a()} {sign} 0.0173 + {a()}, {a()}, {a()})"
        return self.broadcast(shape, d)

    def broadcast(self, shape: object, d: int, other: object = None) -> str:
        """A scalar, a column or a row spread over a shape."""
        r = self.random
        operator = r.choice(["+", "-", "*"])
        others = [(), (1,)]
        if isinstance(shape, tuple) and len(shape) == 2:
            others += [(shape[0],), (1, shape[1]) if shape[1] != 3 else "row3", (shape[0], 1)]
        if shape == "row3" or (isinstance(shape, tuple) and len(shape) == 1):
            others += [()]
        other = r.choice(others) if other is None else other
        self.use(f"broadcast {other} to {shape}")
        parts = [self.of(shape, d), self.of(other, d)]
        r.shuffle(parts)
        return f"({parts[0]} {operator} {parts[1]})"

    def any(self, d: int) -> str:
        return self.of(self.random.choice([(3,), (2,), (3, 3), (2, 3), "row3", (3, 2)]), d)

    def square(self, d: int, n: int = 3) -> str:
        """A square matrix well away from singular."""
        return f"(4 * eye({n}) + {self.use('sin')}({self.of((n, n), d)}))"

    def scalar(self, shape: object, d: int) -> str:
        r = self.random
        kind = r.choice(
            ["elementwise", "elementwise", "elementwise", "reduce", "reduce", "reduce", "inner", "trace", "det", "quadratic",
             "einsum", "entry", "tensor", "frobenius", "coupled"]
        )  # fmt: skip
        if kind == "elementwise":
            return self.elementwise((), d)
        if kind == "reduce":
            name = r.choice(["sum", "mean", "var", "norm", "prod", "logsumexp", "max", "min",
                             "norm1", "sum", "sum"])  # fmt: skip
            self.use(name)
            self.kinked |= name in ("max", "min", "norm1")
            inner = self.any(d)
            return f"{name}(0.3 + {inner})" if name == "norm" else f"{name}({inner})"
        if kind == "inner":
            n = r.choice([(3,), (2,)])
            form = r.choice(["({}).T @ ({})", "dot({}, {})", "sum({} * {})"])
            self.use("dot" if "dot" in form else "@")
            return f"({form.format(self.of(n, d), self.of(n, d))})"
        if kind == "trace":
            self.use("trace")
            return r.choice([
                lambda: f"trace({self.of((3, 3), d)})",
                lambda: f"trace({self.of((2, 3), d)} @ {self.of((3, 2), d)})",
            ])()  # fmt: skip
        if kind == "det":
            name = self.use(r.choice(["det", "logdet"]))
            return f"{name}({self.square(d, r.choice([2, 3]))})" + (
                " / 60" if name == "det" else ""
            )
        if kind == "quadratic":
            self.use("@")
            return f"({self.of((3,), d)}.T @ {self.of((3, 3), d)} @ {self.of((3,), d)})".replace(
                "(" + "-", "(-"
            )
        if kind == "einsum":
            self.use("einsum")
            return r.choice([
                lambda: f"einsum('ij,ij->', {self.of((2, 3), d)}, {self.of((2, 3), d)})",
                lambda: f"einsum('i,ij,j->', {self.of((3,), d)}, {self.of((3, 3), d)}, {self.of((3,), d)})",
                lambda: f"einsum('ii,i->', {self.of((3, 3), d)}, {self.of((3,), d)})",
                lambda: f"einsum('ij,ji->', A, {self.of((3, 3), d)})",
            ])()  # fmt: skip
        if kind == "entry":
            self.use("entry")
            return r.choice([
                lambda: f"({self.of((3,), d)})[{r.randint(0, 2)}]",
                lambda: f"({self.of((2, 3), d)})[{r.randint(0, 1)}, {r.randint(-3, 2)}]",
            ])()  # fmt: skip
        if kind == "tensor":
            self.use("3-tensor")
            return r.choice([
                lambda: f"sum({self.use('tanh')}(T * {self.of((), d)}))",
                lambda: f"norm(T + {self.of((), d)} + 3)",
                lambda: f"einsum('ijk,ji,k->', T, {self.of((3, 2), d)}, {self.of((2,), d)})",
                lambda: f"sum(sum(T, axis=1) * {self.of((2, 2), d)})",
                lambda: f"logsumexp(T * {self.of((), d)})",
                lambda: f"sum(softmax(T, axis=1) * T * {self.of((), d)})",
                lambda: f"prod(T[0, :, 1] * {self.of((3,), d)})",
            ])()  # fmt: skip
        if kind == "frobenius":
            self.use("frobenius")
            n = r.choice([(3, 3), (2, 3), (3,)])
            return f"frobenius({self.of(n, d)}, {self.of(n, d)})"
        name = self.use(r.choice(["softmax", "log_softmax"]))
        return f"sum({name}({self.of((3,), d)}) * {self.of((3,), d)})"

    def column(self, shape: tuple, d: int) -> str:
        r = self.random
        (n,) = shape
        if n == 1:
            return r.choice([lambda: self.elementwise((1,), d), lambda: self.leaf((1,))])()
        other = 5 - n
        kind = r.choice(
            [*["elementwise"] * 8, "product", "product", "reduce", "diagonal", "solve",
             "coupled", "slice", "column", "vec", "row.T", "einsum", "kron"]
        )  # fmt: skip
        if kind == "elementwise":
            return self.elementwise(shape, d)
        if kind == "product":
            self.use("@")
            k = r.choice([n, other])
            return f"({self.of((n, k), d)} @ {self.of((k,), d)})"
        if kind == "reduce":
            name = self.use(r.choice(["sum", "mean", "var", "prod", "logsumexp", "max", "norm"]))
            self.use("axis=1")
            self.kinked |= name == "max"
            inner = self.of((n, other), d)
            return f"{name}({'0.3 + ' if name == 'norm' else ''}{inner}, axis=1)"
        if kind == "diagonal":
            self.use("diagonal")
            return f"diagonal({self.of((n, n), d)})"
        if kind == "solve":
            self.use("solve")
            return f"solve({self.square(d, n)}, {self.of((n,), d)})"
        if kind == "coupled":
            return f"{self.use(r.choice(['softmax', 'log_softmax']))}({self.of((n,), d)})"
        if kind == "slice":
            self.use("slice")
            if n == 2:
                part = r.choice(["0:2", "1:", "1:3", "::2", "2:0:-1", "-2:"])
                return f"({self.of((3,), d)})[{part}]"
            return f"({self.of((3,), d)})[::-1]"
        if kind == "column":
            self.use("column")
            return f"({self.of((n, other), d)})[:, {r.randint(-other, other - 1)}]"
        if kind == "vec":
            self.use("vec")
            if n == 2:
                return f"vec({self.of((3, 3), d)})[{r.choice(['0:2', '4:6', '7::-6'])}]"
            return f"vec({self.of((2, 3), d)})[{r.choice(['0:3', '1::2', '3:'])}]"
        if kind == "row.T":
            return f"({self.of('row3', d)}).T" if n == 3 else self.leaf(shape)
        if kind == "einsum":
            self.use("einsum")
            return r.choice([
                lambda: f"einsum('ij,j->i', {self.of((n, other), d)}, {self.of((other,), d)})",
                lambda: f"einsum('ii->i', {self.of((n, n), d)})",
                lambda: f"einsum('ij,ij->i', {self.of((n, other), d)}, {self.of((n, other), d)})",
                lambda: f"einsum('i,ij,ij->i', {self.of((n,), d)}, {self.of((n, n), d)}, {self.of((n, n), d)})",
            ])()  # fmt: skip
        self.use("kron")
        return f"kron({self.of((1,), d)}, {self.of((n,), d)})"

    def row(self, shape: object, d: int) -> str:
        r = self.random
        kind = r.choice([*["elementwise"] * 4, "transpose", "reduce", "product", "row", "coupled"])
        if kind == "elementwise":
            return self.elementwise("row3", d)
        if kind == "transpose":
            self.use(".T")
            return f"({self.of((3,), d)}).T"
        if kind == "reduce":
            name = self.use(r.choice(["sum", "mean", "var", "prod", "logsumexp", "max"]))
            self.use("axis=0")
            self.kinked |= name == "max"
            return f"{name}({self.of((2, 3), d)}, axis=0)"
        if kind == "product":
            self.use("@")
            return f"({self.of((2,), d)}.T @ {self.of((2, 3), d)})"
        if kind == "row":
            self.use("row")
            return f"({self.of((2, 3), d)})[{r.choice(['0', '1', '-1, :', '0, ::'])}]"
        return f"{self.use('softmax')}({self.of('row3', d)})"

    def matrix(self, shape: tuple, d: int) -> str:
        r = self.random
        m, n = shape
        kinds = [*["elementwise"] * 7, "product", "product", "outer", "transpose", "einsum",
                 "slice", "coupled", "kron"]  # fmt: skip
        if m == n:
            kinds += ["inv", "diag", "power", "solve"]
        if 1 in shape:
            kinds = ["elementwise", "leaf"]
        kind = r.choice(kinds)
        if kind == "elementwise":
            return self.elementwise(shape, d)
        if kind == "leaf":
            return self.leaf(shape)
        if kind == "product":
            self.use("@")
            k = r.choice([2, 3])
            return f"({self.of((m, k), d)} @ {self.of((k, n), d)})"
        if kind == "outer":
            self.use("outer")
            form = r.choice(["outer({}, {})", "({} @ ({}).T)"])
            return form.format(self.of((m,), d), self.of((n,), d))
        if kind == "transpose":
            self.use(".T")
            return f"({self.of((n, m), d)}).T"
        if kind == "einsum":
            self.use("einsum")
            return r.choice([
                lambda: f"einsum('ij,jk->ik', {self.of((m, 3), d)}, {self.of((3, n), d)})",
                lambda: f"einsum('i,j,i->ij', {self.of((m,), d)}, {self.of((n,), d)}, {self.of((m,), d)})",
                lambda: f"einsum('ijk,k->{'ij' if m == 2 else 'ji'}', T, {self.of((2,), d)})" if {m, n} == {2, 3} else f"einsum('ij,ij->ij', {self.of((m, n), d)}, {self.of((m, n), d)})",
            ])()  # fmt: skip
        if kind == "slice":
            self.use("slice")
            rows = "0:2" if m == 2 else r.choice([":", "::-1"])
            columns = r.choice(["1:", "0:3:2"]) if n == 2 else r.choice([":", "::-1"])
            return f"({self.of((3, 3), d)})[{rows}, {columns}]"
        if kind == "coupled":
            name = self.use(r.choice(["softmax", "log_softmax"]))
            axis = r.choice([0, 1])
            self.use(f"axis={axis}")
            return f"{name}({self.of((m, n), d)}, axis={axis})"
        if kind == "kron":
            self.use("kron")
            return r.choice([
                lambda: f"kron({self.of((m,), d)}, ({self.of((n,), d)}).T)",
                lambda: f"kron(C, {self.of((3, 3), d)})[{'0:2' if m == 2 else '1:6:2'}, {'4:6' if n == 2 else '3:'}]",
            ])()  # fmt: skip
        if kind == "inv":
            self.use("inv")
            return f"inv({self.square(d, m)})"
        if kind == "diag":
            self.use("diag")
            return f"diag({self.of((m,), d)})"
        if kind == "power":
            inner = self.of((m, m), d)
            return f"({inner} @ {inner})"
        self.use("solve")
        return f"solve({self.square(d, m)}, {self.of((m, n), d)})"


# ── the reference: plain NumPy on arrays of two axes ─────────────────────────────────────


class Tensor3(np.ndarray):
    """Three axes, so that functions know that no column is meant."""


def _column(array):
    return array.reshape(-1, 1)


def _reduce(of):
    def reduced(t, axis=None):
        if axis is None:
            return of(t, tuple(range(np.ndim(t))))
        out = of(t, (axis,))
        return out if np.ndim(t) == 3 else np.expand_dims(out, axis)

    return reduced


def _total(t, axes):
    return np.sum(t, axis=axes)


def _count(t, axes):
    return math.prod(np.shape(t)[a] for a in axes)


def _var(t, axes):
    centred = t - np.sum(t, axis=axes, keepdims=True) / _count(t, axes)
    return np.sum(centred**2, axis=axes) / _count(t, axes)


def _maximum(t, axes):
    return np.max(np.real(t), axis=axes)


def _logsumexp(t, axes):
    return np.log(np.sum(np.exp(t), axis=axes))


def _softmax(t, axis=None):
    axis = (0 if t.shape[1] == 1 else 1) if axis is None else axis
    return np.exp(t) / np.sum(np.exp(t), axis=axis, keepdims=True)


def _erf(t):
    t = np.asarray(t)
    slope = 2 / math.sqrt(math.pi) * np.exp(-(np.real(t) ** 2))
    value = np.vectorize(math.erf, otypes=[float])(np.real(t))
    return value + 1j * np.imag(t) * slope if np.iscomplexobj(t) else value


def _einsum(subscripts, *operands):
    words = subscripts.split("->")[0].split(",")
    output = subscripts.split("->")[1]
    flat = [o.reshape(-1) if len(w) == 1 else o for w, o in zip(words, operands, strict=True)]
    result = np.einsum(subscripts, *flat)
    return _column(result) if len(output) == 1 else result


def _scalar(t):
    return t.reshape(()) if np.size(t) == 1 and np.ndim(t) == 2 else t


REFERENCE = {
    **{n: getattr(np, n) for n in (
        "exp", "sin", "cos", "tanh", "arctan", "sinh", "cosh", "square", "expm1", "tan", "log",
        "sqrt", "log1p", "reciprocal", "arcsin", "arccos", "abs", "sign", "maximum", "minimum")},
    "sigmoid": lambda t: 1 / (1 + np.exp(-t)),
    "softplus": lambda t: np.log1p(np.exp(t)),
    "silu": lambda t: t / (1 + np.exp(-t)),
    "erf": _erf,
    "gelu": lambda t: t * (1 + _erf(t / math.sqrt(2))) / 2,
    "relu": lambda t: t * (np.real(t) > 0),
    "where": lambda c, a, b: np.where(c, a, b),
    "sum": _reduce(_total),
    "mean": _reduce(lambda t, axes: np.sum(t, axis=axes) / _count(t, axes)),
    "var": _reduce(_var),
    "prod": _reduce(lambda t, axes: np.prod(t, axis=axes)),
    "max": _reduce(_maximum),
    "min": _reduce(lambda t, axes: np.min(np.real(t), axis=axes)),
    "norm": _reduce(lambda t, axes: np.sqrt(np.sum(t * t, axis=axes))),
    "norm1": _reduce(lambda t, axes: np.sum(np.abs(t), axis=axes)),
    "logsumexp": _reduce(_logsumexp),
    "softmax": _softmax,
    "log_softmax": lambda t, axis=None: np.log(_softmax(t, axis)),
    "trace": np.trace,
    "det": np.linalg.det,
    "logdet": lambda a: np.log(np.linalg.det(a)),
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "dot": lambda a, b: np.sum(a.reshape(-1) * b.reshape(-1)),
    "outer": lambda a, b: _column(a) @ b.reshape(1, -1),
    "frobenius": lambda a, b: np.sum(a * b),
    "kron": np.kron,
    "vec": lambda a: _column(a.T.reshape(-1)),
    "diag": lambda a: np.diag(a.reshape(-1)),
    "diagonal": lambda a: _column(np.diagonal(a)),
    "eye": np.eye,
    "einsum": _einsum,
}  # fmt: skip


class Matrix(np.ndarray):
    """An array whose rows are rows and whose columns are columns when they are taken out."""

    def __getitem__(self, index):
        plain = np.asarray(self)
        if plain.ndim == 3:
            taken = plain[index]
            return (_column(taken) if taken.ndim == 1 else taken).view(Matrix)
        if plain.shape[1] == 1 and not isinstance(index, tuple):
            taken = plain[:, 0][index]
            return (_column(taken) if np.ndim(taken) else np.asarray(taken)).view(Matrix)
        places = index if isinstance(index, tuple) else (index, slice(None))
        rows, columns = [slice(p, p + 1 or None) if isinstance(p, int) else p for p in places]
        taken = plain[rows, columns]
        if all(isinstance(p, int) for p in places):
            taken = taken.reshape(())
        return taken.view(Matrix)


def reference(text, values):
    """The value of the program's last line, with NumPy's arrays of two axes."""
    scope = {name: (_column(a) if a.ndim == 1 else a).view(Matrix) for name, a in values.items()}
    functions = {
        name: (lambda *args, _f=f, **kw: np.asarray(_f(*args, **kw)).view(Matrix))
        for name, f in REFERENCE.items()
    }
    for line in text.split("; "):
        name, expression = line.split(" = ", 1)
        scope[name] = np.asarray(eval(expression, {"__builtins__": {}}, functions | scope)).view(
            Matrix
        )
    return np.asarray(scope["result"])


def draw_values(seed):
    rng = np.random.default_rng(seed)
    return {
        name: np.asarray(rng.uniform(-1.2, 1.2, size=shape)) for name, shape in VARIABLES.items()
    }


def slope_of(text, values, name, *, kinked, step=1e-6):
    """∂result/∂name entry by entry: value axes, then the variable's."""
    base = values[name]
    columns = []
    for k in range(base.size):
        unit = np.zeros(base.size)
        unit[k] = 1.0
        unit = unit.reshape(base.shape)
        if kinked:
            up = reference(text, values | {name: base + step * unit})
            down = reference(text, values | {name: base - step * unit})
            columns.append((up - down) / (2 * step))
        else:
            columns.append(reference(text, values | {name: base + 1e-30j * unit}).imag / 1e-30)
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape((*stacked.shape[:-1], *base.shape))


def mismatch(found, expected, allowed):
    """How far two arrays are apart beyond what is allowed, or None."""
    found, expected = np.squeeze(np.asarray(found)), np.squeeze(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape} for {expected.shape}"
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    error = float(np.abs(found - expected).max(initial=0)) / scale
    return None if error <= allowed else f"error {error:.2e}"


def verdict(seed: int) -> tuple[str, str | None, Writer]:
    """The text, what is wrong with it if anything, and what it was made of."""
    import tensorcalc as tc

    writer = Writer(seed)
    text = writer.program()
    values = draw_values(seed)
    with np.errstate(all="ignore"):
        expected = reference(text, values)
        if not np.isfinite(expected).all() or np.abs(expected).max() > 1e3:
            return text, "out of range", writer
        p = tc.program(text, VARIABLES)
        at = {name: values[name] for name in VARIABLES}
        problem = mismatch(p.result.evaluate(at), expected, 1e-10)
        if problem:
            return text, f"value: {problem}", writer
        present = [n for n in VARIABLES if re.search(rf"\b{n}\b", text)]
        if not present:
            return text, "constant", writer
        name = writer.random.choice(present)
        first = slope_of(text, values, name, kinked=writer.kinked)
        if not np.isfinite(first).all() or np.abs(first).max(initial=0) > 1e4:
            return text, "out of range", writer
        d = tc.derivative(p.result, p[name], layout="mixed")
        problem = mismatch(d.evaluate(at), first, 3e-5 if writer.kinked else 1e-9)
        if problem:
            return text, f"first by {name}: {problem}", writer
        other = writer.random.choice(present)
        second = tc.derivative(p.result, p[name], p[other], layout="mixed").evaluate(at)
        h = 1e-5
        base, columns = values[other], []
        for k in range(base.size):
            unit = np.eye(base.size)[k].reshape(base.shape)
            up, down = (np.asarray(d.evaluate(at | {other: base + s * unit})) for s in (h, -h))
            columns.append((up - down) / (2 * h))
        moved = np.stack(columns, axis=-1)
        if not np.isfinite(moved).all() or np.abs(moved).max(initial=0) > 1e4:
            return text, "second out of range", writer
        problem = mismatch(second, moved.reshape((*moved.shape[:-1], *base.shape)), 1e-5)
        if problem:
            return text, f"second by {name}, {other}: {problem}", writer
        for layout in ("numerator", "denominator"):
            view = tc.derivative(p.result, p[name]).to(layout)
            if not np.allclose(
                np.sort(view.evaluate(at), axis=None), np.sort(d.evaluate(at), axis=None)
            ):
                return text, f"{layout} layout", writer
    return text, None, writer


def main(count: int, start: int) -> int:
    """Compare many programs; print each that is wrong, and the counts of what they were of."""
    used: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for seed in range(start, start + count):
        try:
            text, problem, writer = verdict(seed)
        except Exception as error:  # a script for people: show what happened and go on
            text, problem, writer = (
                Writer(seed).program(),
                f"{type(error).__name__}: {error}",
                Writer(seed),
            )
        outcome = "right" if problem is None else problem if problem in UNDECIDED else "WRONG"
        outcomes[outcome] += 1
        if outcome == "right":
            used.update(dict.fromkeys(writer.used, 1))
        if outcome == "WRONG":
            print(f"seed {seed}: {problem}\n    {text}", flush=True)
    print(dict(outcomes))
    print("\n".join(f"{n:>7} {word}" for word, n in sorted(used.items(), key=lambda i: -i[1])))
    return int(outcomes["WRONG"] > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
