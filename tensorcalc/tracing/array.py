"""The array that stands for an argument while a NumPy function runs.

It has no values: its operators, methods and the NumPy functions that meet it build an
expression, with NumPy's own meaning of shapes and axes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np

from tensorcalc.absent import instead_in_numpy
from tensorcalc.display import describe
from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.expr import Expr, Ones, Select, product
from tensorcalc.shapes import Dim
from tensorcalc.tracing import linear, shaping
from tensorcalc.tracing.algebra import entries, named, refuse, shape_text
from tensorcalc.tracing.functions import BITWISE, FUNCTIONS, LOGICAL, METHODS, UFUNCS

__all__ = ["Size", "Traced"]

_LONGEST_LOOP = 10_000

# Options that change nothing when they are given so.
_IDLE: Mapping[str, tuple[Any, ...]] = {
    "out": (None,),
    "dtype": (None, float, "float", np.float64, "float64"),
    "order": ("C", "K", "A", None),
    "where": (True,),
    "initial": (None,),
    "casting": ("same_kind",),
    "subok": (True, False),
    "optimize": (True, False, "greedy", "optimal"),
    "overwrite_input": (False,),
    "copy": (None, True, False),
}


class Traced:
    """An array whose values are not known yet: an expression with NumPy's behaviour.

    What has no formula here raises NotSupportedError, what does not fit ShapeError.
    """

    __slots__ = ("expr", "logical")

    def __init__(self, expr: Expr, logical: bool = False) -> None:
        self.expr = expr
        self.logical = logical  # whether it is a condition, of entries true or false

    # ── NumPy's protocols ──

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if options.get("out") is not None:
            raise NotSupportedError(
                f"np.{name} with out=, or {_IN_PLACE.get(name, 'an operation')} in place",
                "make a new array: acc = acc + x instead of acc += x",
            )
        if method == "reduce" and name in _REDUCTIONS:
            return call(_REDUCTIONS[name], *inputs, **{"axis": 0, **options})
        if method == "outer" and name in UFUNCS and len(inputs) == 2:
            left, right = map(_as_expr, inputs)
            wide = shaping.reshape(left, [*left.shape, *[1] * right.ndim])
            return entry_by_entry(name, Traced(wide), Traced(right))
        if method != "__call__" or name not in UFUNCS:
            suffix = "" if method == "__call__" else f".{method}"
            raise _unknown(name + suffix)
        left_over = _without_idle(options)
        if left_over:
            raise refuse(f"np.{name}(…, {next(iter(left_over))}=…)", "leave that option out")
        return entry_by_entry(name, *inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        module = getattr(function, "__module__", None) or "numpy"
        words = [word for word in module.split(".")[1:] if word in ("linalg", "fft")]
        return call(".".join([*words, function.__name__]), *args, **kwargs)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotSupportedError(
            f"{self._titled} as an array of numbers",
            "leave out np.asarray and np.array; join arrays with np.stack, and do not assign "
            "into an array",
        )

    # ── what it is ──

    @property
    def shape(self) -> tuple[Any, ...]:
        """The sizes; a named one is an array of one number, usable in formulas."""
        return tuple(dim if isinstance(dim, int) else Size(dim) for dim in self.expr.shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.expr.ndim

    @property
    def size(self) -> Any:
        """The number of entries."""
        whole = entries(self.expr.shape)
        return Traced(whole) if whole.args else int(whole.number)  # type: ignore[attr-defined]

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64, or bool for a condition."""
        return np.dtype(bool if self.logical else float)

    @property
    def _titled(self) -> str:
        return named(self.expr)

    @property
    def T(self) -> Any:
        """The array with its axes in reverse order."""
        return call("transpose", self)

    @property
    def mT(self) -> Any:
        """The array with its last two axes exchanged."""
        return call("swapaxes", self, -1, -2)

    @property
    def real(self) -> Traced:
        """The array itself."""
        return self

    def __len__(self) -> int:
        if not self.ndim:
            raise ShapeError(f"len of {self._titled}", "a number has no length")
        dim = self.expr.shape[0]
        if not isinstance(dim, int):
            raise _unsized(self._titled, dim)
        return dim

    def __iter__(self) -> Iterator[Traced]:
        if len(self) > _LONGEST_LOOP:
            raise NotSupportedError(
                f"a loop over {self._titled}",
                f"loops end at {_LONGEST_LOOP:,} entries; write it with whole arrays",
            )
        return iter([Traced(Select(self.expr, 0, k), self.logical) for k in range(len(self))])

    def __repr__(self) -> str:
        return f"<traced {describe(self.expr)}, shape {shape_text(self.expr.shape)}>"

    def __format__(self, spec: str) -> str:
        if spec:
            raise self._no_number(f"the format {spec!r} of {self._titled}")
        return repr(self)

    # ── entries ──

    def __getitem__(self, key: Any) -> Traced:
        return Traced(shaping.indexed(self.expr, _plain(key)), self.logical)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise NotSupportedError(
            f"an assignment into {self._titled}",
            "arrays do not change here: build the new one with np.where or np.concatenate",
        )

    def __contains__(self, value: Any) -> NoReturn:
        raise self._no_decision(f"{_titled(value)} in {self._titled}")

    # ── operators ──

    def __add__(self, other: Any) -> Any:
        return operate("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return operate("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return operate("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return operate("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return operate("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return operate("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return operate("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return operate("divide", other, self)

    def __matmul__(self, other: Any) -> Any:
        return operate("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return operate("matmul", other, self)

    def __pow__(self, other: Any) -> Any:
        return operate("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return operate("power", other, self)

    def __mod__(self, other: Any) -> NoReturn:
        raise _unknown("remainder")

    def __floordiv__(self, other: Any) -> NoReturn:
        raise _unknown("floor_divide")

    __rmod__, __rfloordiv__ = __mod__, __floordiv__

    def __neg__(self) -> Any:
        return entry_by_entry("negative", self)

    def __pos__(self) -> Traced:
        return self

    def __abs__(self) -> Any:
        return entry_by_entry("absolute", self)

    def __invert__(self) -> Any:
        return entry_by_entry("invert", self)

    def __and__(self, other: Any) -> Any:
        return operate("bitwise_and", self, other)

    def __or__(self, other: Any) -> Any:
        return operate("bitwise_or", self, other)

    __rand__, __ror__ = __and__, __or__

    def __gt__(self, other: Any) -> Any:
        return operate("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return operate("greater_equal", self, other)

    def __lt__(self, other: Any) -> Any:
        return operate("less", self, other)

    def __le__(self, other: Any) -> Any:
        return operate("less_equal", self, other)

    def __eq__(self, other: object) -> Any:
        raise _unknown("equal", f"{self._titled} == {_titled(other)}")

    def __ne__(self, other: object) -> Any:
        raise _unknown("not_equal", f"{self._titled} != {_titled(other)}")

    __hash__ = object.__hash__

    # ── methods ──

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in METHODS:
            return functools.partial(call, name, self)
        raise AttributeError(f"a traced array has no attribute {name!r}", name=name, obj=self)

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same entries in the same order in another shape; one −1 is found."""
        return call("reshape", self, shape[0] if len(shape) == 1 else shape, order=order)

    def flatten(self, order: str = "C") -> Any:
        """All entries in one axis."""
        return call("ravel", self, order=order)

    def transpose(self, *axes: Any) -> Any:
        """Axis k of the result is axis ``axes[k]``."""
        several = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
        return call("transpose", self, axes[0] if several else axes or None)

    def astype(self, dtype: Any, **_: Any) -> Traced:
        """The array itself: values decide on the precision."""
        try:
            kind = np.dtype(dtype).kind
        except TypeError:
            raise refuse(f"{self._titled} as {dtype!r}", "arrays hold real numbers") from None
        if kind != "f":
            raise refuse(f"{self._titled} as {np.dtype(dtype)}", "arrays hold real numbers")
        return Traced(self.expr)

    # ── decisions and numbers, which need values ──

    def _no_decision(self, what: str) -> NotSupportedError:
        return NotSupportedError(
            f"a decision on {what}, whose value is not known yet",
            "write both cases with np.where(condition, a, b), or take np.maximum and np.minimum",
        )

    def _no_number(self, what: str) -> NotSupportedError:
        return NotSupportedError(
            f"{what}, whose value is not known yet",
            "keep the array, use NumPy's functions on it, and evaluate the program",
        )

    def __bool__(self) -> NoReturn:
        raise self._no_decision(self._titled)

    def __float__(self) -> NoReturn:
        raise self._no_number(f"{self._titled} as a Python number")

    __int__ = __complex__ = __float__

    def __index__(self) -> NoReturn:
        raise self._no_number(f"{self._titled} as a whole number")

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise _unknown("round")

    def item(self, *_: Any) -> NoReturn:
        """Refused: there is no value yet."""
        raise self._no_number(f"{self._titled} as a Python number")

    tolist = item


class Size(Traced):
    """The size of a named axis: equal to itself, and a number in formulas."""

    __slots__ = ("dim",)

    def __init__(self, dim: Dim) -> None:
        self.dim = dim
        super().__init__(product((Ones(dim),), ((0,),), ()))

    def __eq__(self, other: object) -> bool:
        return str(other) == str(self.dim) if isinstance(other, (Size, str)) else False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(str(self.dim))

    def __repr__(self) -> str:
        return str(self.dim)

    __str__ = __repr__

    def __index__(self) -> NoReturn:
        raise _unsized("an array", self.dim)

    __int__ = __index__


# ── calls ────────────────────────────────────────────────────────────────────────────────

_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
_IN_PLACE = {"add": "+=", "subtract": "-=", "multiply": "*=", "divide": "/=", "power": "**="}


def operate(name: str, left: Any, right: Any) -> Any:
    """A binary operator; Python is told where the other side is nothing that NumPy takes."""
    for side in (left, right):
        known = isinstance(side, (Traced, np.ndarray, np.generic, int, float, complex, list, tuple))
        if not known:
            return NotImplemented
    return entry_by_entry(name, left, right)


def entry_by_entry(name: str, *inputs: Any) -> Traced:
    """NumPy's ufunc of this name."""
    conditions = [_is_logical(x) for x in inputs]
    if name in BITWISE and not all(conditions):
        raise NotSupportedError(
            f"np.{name} of {' and '.join(map(_titled, inputs))}", "combine conditions such as x > 0"
        )
    if name in ("add", "subtract", "negative", "multiply") and all(conditions):
        raise NotSupportedError(
            f"np.{name} of conditions", "combine conditions with &, | and ~, or use 1.0 * (x > 0)"
        )
    value = UFUNCS[name](*map(_as_operand, inputs))
    return Traced(value, name in LOGICAL or name in BITWISE)


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """NumPy's function of this name, of arrays of which some are traced."""
    if name not in FUNCTIONS:
        raise _unknown(name)
    meaning = FUNCTIONS[name]
    args, kwargs = _plain(list(args)), {k: _plain(v) for k, v in _without_idle(kwargs).items()}
    try:
        bound = inspect.signature(meaning).bind(*args, **kwargs)
    except TypeError as error:
        hint = "leave out the options that are not read"
        if name == "where":
            hint = "give all three: np.where(condition, a, b)"
        raise NotSupportedError(
            f"np.{name} with these arguments is not in the language ({error})", hint
        ) from None
    return _wrapped(meaning(*bound.args, **bound.kwargs))


def _without_idle(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say something."""
    left = {}
    for name, value in options.items():
        idle = _IDLE.get(name, ())
        plain = isinstance(value, (str, bool, type, type(None)))
        if value is not getattr(np, "_NoValue", None) and not (plain and value in idle):
            left[name] = value
    return left


def _unknown(name: str, attempt: str = "") -> NotSupportedError:
    hint = (
        instead_in_numpy(name) or "write it with functions that are, such as np.exp, np.sum and @"
    )
    known = hasattr(np, name.partition(".")[0])
    return refuse(attempt or (f"np.{name}" if known else name), hint)


def _unsized(what: str, dim: Dim) -> NotSupportedError:
    return NotSupportedError(
        f"{what} of size {dim} where a number is needed", f"declare {dim} as a number"
    )


def _is_logical(x: Any) -> bool:
    if isinstance(x, Traced):
        return x.logical
    return isinstance(x, (bool, np.bool_)) or (isinstance(x, np.ndarray) and x.dtype == bool)


def _as_operand(x: Any) -> Any:
    return x.expr if isinstance(x, Traced) else x


def _as_expr(x: Any) -> Expr:
    plain = _plain(x)
    return plain if isinstance(plain, Expr) else shaping.expr_of(plain)


def _titled(x: Any) -> str:
    return named(x.expr) if isinstance(x, Traced) else repr(x)[:30]


def _plain(value: Any) -> Any:
    """Expressions for traced arrays, in tuples, lists and slices too."""
    if isinstance(value, Traced):
        return value.expr
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    return value


def _wrapped(value: Any) -> Any:
    """Traced arrays for expressions."""
    if isinstance(value, Expr):
        return Traced(value)
    if isinstance(value, linear.Slogdet):
        return linear.Slogdet(value.sign, Traced(value.logabsdet))
    return type(value)(map(_wrapped, value)) if type(value) in (tuple, list) else value
