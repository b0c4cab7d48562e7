"""The matrix-notation front end: rows, columns, broadcasting and shape errors live here.

A ``Tensor`` is an index-notation expression together with how it stands in matrix notation:
a scalar, a column, a row, a matrix, or a tensor of three axes and more. A column is an n × 1
matrix in every product and every elementwise operation.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from tensorcalc import functions as f
from tensorcalc.absent import ABSENT
from tensorcalc.display import describe
from tensorcalc.errors import (
    NameClashError,
    NotSupportedError,
    ShapeError,
    TensorCalcError,
    UnknownAttributeError,
    ValueNotAllowedError,
)
from tensorcalc.expr import (
    Constant,
    Definition,
    Einsum,
    Expr,
    Interned,
    Ones,
    Select,
    Variable,
    add,
    full,
    hadamard,
    named_alike,
    product,
    toposort,
    transpose,
)
from tensorcalc.rewrite.recognise import (
    recognise_exponentials,
    recognise_softmax,
    recognise_softplus,
)
from tensorcalc.shapes import Dim, Shape, format_shape, read_dim, read_shape
from tensorcalc.simplify import simplify

if TYPE_CHECKING:
    from tensorcalc.codegen import CompiledFunction

__all__ = [
    "NAMED",
    "UFUNCS",
    "Tensor",
    "align",
    "as_tensor",
    "define",
    "filled",
    "is_finite_number",
    "matrix",
    "matrix_shape",
    "read_name",
    "scalar",
    "short",
    "tensor",
    "title",
    "variable",
    "vector",
]

UFUNCS: dict[str, Callable[..., Tensor]] = {}  # by NumPy's names; filled by ``operations``
NAMED: set[str] = set()  # the functions tc.name; filled by ``operations``
_made: WeakValueDictionary[tuple[Expr, str], Tensor] = WeakValueDictionary()


_CONDITIONS = "write one condition inside another: tc.where(x > 0, tc.where(y > 0, a, b), b)"
_DERIVATIVES = {"backward", "derivative", "diff", "grad", "gradient", "hessian", "jacobian"}
_VALUES = {"detach", "eval", "item", "numpy", "tolist", "value", "values"}


def _refused(sign: str, hint: str) -> Callable[..., NoReturn]:
    """An operation of Python that quantities do not have."""

    def refuse(self: Tensor, *others: Any) -> NoReturn:
        words = " ".join([title(self), sign, *map(title, others[:1])])
        raise NotSupportedError(words, hint)

    return refuse


def _instead_of(function: str) -> str:
    """What to write in place of a function of NumPy."""
    name = {"add": "sum", "multiply": "prod", "amax": "max", "amin": "min"}.get(function, function)
    if name in NAMED:
        return f"use tc.{name}"
    return ABSENT.get(name, "write it with the functions of tc, or evaluate first: .evaluate(…)")


def _instead_of_attribute(t: Tensor, name: str) -> str:
    if name in NAMED:
        return f"write tc.{name}({short(t)})"
    if name in _DERIVATIVES:
        return f"write tc.derivative({short(t)}, x), or tc.gradient({short(t)}, x)"
    if name in _VALUES:
        return f"evaluate it: {short(t)}.evaluate(…)"
    if name in ("transpose", "t", "mT", "H"):
        return f"write {short(t)}.T"
    if name == "size":
        return f"read the sizes from {short(t)}.shape"
    return ABSENT.get(name, "it has .shape, .T, .name, .evaluate(…), .compile() and .latex()")


class Tensor:
    """A quantity in matrix notation; make one with ``vector``, ``matrix``, … or by operators.

    ``form`` is "scalar", "column", "row", "matrix" or "tensor".
    """

    __slots__ = ("__weakref__", "expr", "form")
    expr: Expr
    form: str

    # attached by the package, from the layers above: numbers and formulas
    evaluate: Callable[..., np.ndarray]
    compile: Callable[..., CompiledFunction]
    latex: Callable[..., str]
    to_einsum: Callable[..., str]
    to_latex: Callable[..., str]
    to_numpy_source: Callable[..., str]
    to_sympy: Callable[..., Any]

    def __new__(cls, expr: Expr, form: str | None = None) -> Tensor:
        """The one quantity of this expression that stands so."""
        form = form or ("scalar", "column", "matrix")[expr.ndim] if expr.ndim < 3 else "tensor"
        with Interned.lock:
            known = _made.get((expr, form))
            if known is None:
                known = super().__new__(cls)
                known.expr, known.form = expr, form
                _made[expr, form] = known
        return known

    def __reduce__(self) -> Any:
        return Tensor, (self.expr, self.form)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Tensor:
        operation = UFUNCS.get(ufunc.__name__)
        if operation is None or method != "__call__" or options:
            called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise NotSupportedError(f"np.{called} of {title(self)}", _instead_of(ufunc.__name__))
        return operation(*map(as_tensor, inputs))

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        inside = (function.__module__ or "").removeprefix("numpy").strip(".")
        called = f"{inside}.{function.__name__}" if inside in ("linalg", "fft") else ""
        raise NotSupportedError(
            f"np.{called or function.__name__} of {title(self)}", _instead_of(function.__name__)
        )

    @property
    def name(self) -> str | None:
        """The name of a variable or a definition, else None."""
        return self.expr.name if isinstance(self.expr, (Variable, Definition)) else None

    @property
    def shape(self) -> Shape:
        """The declared shape: a column has one axis, a row is 1 × n."""
        return (1, *self.expr.shape) if self.form == "row" else self.expr.shape

    @property
    def ndim(self) -> int:
        """The number of axes of ``shape``."""
        return len(self.shape)

    @property
    def T(self) -> Tensor:
        """The transpose: a column's is a row."""
        if self.form == "tensor":
            raise ShapeError(
                f"the transpose of {title(self)}", "say which axes with tc.einsum('ijk->kji', …)"
            )
        if self.form == "matrix":
            e = self.expr
            if isinstance(e, Einsum) and (e.inputs, e.output) == (((0, 1),), (1, 0)):
                return Tensor(e.operands[0], "matrix")
            return Tensor(transpose(e, (1, 0)), "matrix")
        return Tensor(self.expr, {"column": "row", "row": "column"}.get(self.form, "scalar"))

    def __matmul__(self, other: Any) -> Tensor:
        return _matmul(self, _operand(other, "@", self))

    def __rmatmul__(self, other: Any) -> Tensor:
        return _matmul(_operand(other, "@", self), self)

    def __add__(self, other: Any) -> Tensor:
        return _sum(self, _operand(other, "+", self), "+")

    def __radd__(self, other: Any) -> Tensor:
        return _sum(_operand(other, "+", self), self, "+")

    def __sub__(self, other: Any) -> Tensor:
        return _sum(self, _operand(other, "−", self), "−")

    def __rsub__(self, other: Any) -> Tensor:
        return _sum(_operand(other, "−", self), self, "−")

    def __neg__(self) -> Tensor:
        if isinstance(self.expr, Constant):
            return Tensor(Constant(-self.expr.value), self.form)
        return Tensor(-self.expr, self.form)

    def __pos__(self) -> Tensor:
        return self

    def __mul__(self, other: Any) -> Tensor:
        return _times(self, _operand(other, "*", self), "*")

    def __rmul__(self, other: Any) -> Tensor:
        return _times(_operand(other, "*", self), self, "*")

    def __truediv__(self, other: Any) -> Tensor:
        return _divided(self, _operand(other, "/", self))

    def __rtruediv__(self, other: Any) -> Tensor:
        return _divided(_operand(other, "/", self), self)

    def __pow__(self, exponent: Any) -> Tensor:
        return _power(self, exponent)

    def __rpow__(self, base: Any) -> Tensor:
        return UFUNCS["float_power"](_operand(base, "**", self), self)

    def __abs__(self) -> Tensor:
        return Tensor(f.abs_(self.expr), self.form)

    def __getitem__(self, index: Any) -> Tensor:
        return _indexed(self, index)

    def __eq__(self, other: object) -> bool:
        raise NotSupportedError(
            f"{title(self)} == {title(other)}: quantities have no values to compare",
            "use tc.equal(a, b) for equality as functions, or `is` for the same quantity",
        )

    def __ne__(self, other: object) -> bool:
        raise NotSupportedError(
            f"{title(self)} != {title(other)}: quantities have no values to compare",
            "use not tc.equal(a, b), or `is not`",
        )

    __hash__ = object.__hash__

    def __gt__(self, other: Any) -> Tensor:
        return UFUNCS["greater"](self, _operand(other, ">", self))

    def __ge__(self, other: Any) -> Tensor:
        return UFUNCS["greater_equal"](self, _operand(other, "≥", self))

    def __lt__(self, other: Any) -> Tensor:
        return UFUNCS["greater"](_operand(other, "<", self), self)

    def __le__(self, other: Any) -> Tensor:
        return UFUNCS["greater_equal"](_operand(other, "≤", self), self)

    def __bool__(self) -> NoReturn:
        raise NotSupportedError(
            f"{title(self)} as a condition: a quantity has no value yet",
            "decide on values after .evaluate(…)",
        )

    def __iter__(self) -> NoReturn:
        raise NotSupportedError(
            f"a loop over {title(self)}", "use its entries by number, or tc.einsum"
        )

    def __float__(self) -> NoReturn:
        raise NotSupportedError(f"{title(self)} as a number", "evaluate it first: .evaluate(…)")

    if not TYPE_CHECKING:  # checkers know of what is there only
        __int__ = __complex__ = __index__ = __float__
        __mod__ = __rmod__ = _refused("%", ABSENT["mod"])
        __floordiv__ = __rfloordiv__ = _refused("//", "write / for division")
        __xor__ = __rxor__ = _refused("^", "write powers with **")
        __and__ = __rand__ = _refused("&", _CONDITIONS)
        __or__ = __ror__ = _refused("|", _CONDITIONS)
        __invert__ = _refused("~", _CONDITIONS)
        __round__ = _refused("rounded", ABSENT["round"])
        __len__ = _refused("has no len", "read its sizes from .shape")
        __setitem__ = __delitem__ = _refused("does not change: entries", "define a new quantity")

        def __contains__(self, value: object) -> bool:
            raise NotSupportedError(
                f"{title(value)} in {title(self)}: quantities have no values to compare",
                "compare the names of quantities instead",
            )

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            raise UnknownAttributeError(
                f"{title(self)} has no attribute {name}", _instead_of_attribute(self, name)
            )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotSupportedError(f"{title(self)} as an array", "evaluate it first: .evaluate(…)")


# ── names and shapes in messages ─────────────────────────────────────────────────────────


def matrix_shape(t: Tensor) -> Shape:
    """Rows × columns as matrix notation reads the quantity."""
    if t.form == "scalar":
        return (1, 1)
    if t.form == "column":
        return (*t.expr.shape, 1)
    return t.shape


def title(t: object) -> str:
    """A quantity with its shape, as messages name it."""
    if isinstance(t, Tensor):
        words = describe(t.expr, row=t.form == "row")
        return f"{words} ({format_shape(matrix_shape(t))})"
    return repr(t) if len(repr(t)) < 30 else type(t).__name__


# ── making quantities ────────────────────────────────────────────────────────────────────


def read_name(name: object) -> str:
    """The name as Python itself would spell it; TensorCalcError for what is no identifier."""
    if isinstance(name, str):
        name = unicodedata.normalize("NFKC", name)
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise TensorCalcError(f"a quantity named {name!r}", "choose a name such as W, x or delta_2")
    return name


def _read_dims(name: str, dims: tuple[Any, ...], count: int) -> Shape:
    shape = read_shape(dims[0]) if len(dims) == 1 else tuple(map(read_dim, dims))
    if len(shape) != count:
        kind = ("scalar", "vector", "matrix")[count]
        given = f"with {len(shape)} dimensions ({format_shape(shape)})"
        if len(shape) < 2:
            given = f"with 1 dimension ({format_shape(shape)})" if shape else "without a size"
        raise ShapeError(
            f"{kind} {name} declared {given}", f"give {count}, or use tc.variable({name!r}, shape)"
        )
    return shape


def scalar(name: str, /) -> Tensor:
    """A scalar variable."""
    return Tensor(Variable(read_name(name), ()))


def vector(name: str, dim: Any, /) -> Tensor:
    """A column vector variable, n × 1, of a size (an int) or a named dimension."""
    return Tensor(Variable(read_name(name), _read_dims(name, (dim,), 1)))


def matrix(
    name: str,
    /,
    *dims: Any,
    symmetric: bool = False,
    positive_definite: bool = False,
    diagonal: bool = False,
) -> Tensor:
    """A matrix variable: ``matrix("W", 5, 4)``, or with named dimensions ``matrix("W", "k n")``.

    A square matrix may be declared symmetric, positive definite (which is symmetric too) or
    diagonal: its values are checked for that, its transpose prints as itself, and a derivative
    by it takes its entries as independent unless ``d.symmetric()`` is asked for. Raises
    ShapeError for a shape that is no matrix's, or not square where one of these is declared.
    """
    shape = _read_dims(name, dims, 2)
    declared = {
        "symmetric": symmetric or positive_definite or diagonal,
        "positive definite": positive_definite,
        "diagonal": diagonal,
    }
    traits = tuple(trait for trait, holds in declared.items() if holds)
    if traits and shape[0] != shape[1]:
        raise ShapeError(
            f"matrix {name} declared {traits[-1]} and {format_shape(shape)}",
            "give it as many rows as columns",
        )
    return Tensor(Variable(read_name(name), shape, traits))


def tensor(name: str, /, *dims: Any) -> Tensor:
    """A variable with any number of axes."""
    shape = read_shape(dims[0]) if len(dims) == 1 else tuple(map(read_dim, dims))
    return Tensor(Variable(read_name(name), shape))


def variable(name: str, shape: Any, /) -> Tensor:
    """A variable of the shape that an int, a tuple, names, an array or a variable stand for.

    What a variable given as shape is declared to be (symmetric, …) holds for the new one too.
    Raises DimensionError for a shape that cannot be one, TensorCalcError for a name.
    """
    traits = shape.expr.traits if isinstance(getattr(shape, "expr", None), Variable) else ()
    return Tensor(Variable(read_name(name), read_shape(shape), traits))


def define(name: str, value: Any, /) -> Tensor:
    """A named intermediate: printing stops at it, and it can be differentiated by.

    Raises NameClashError if the value already contains another quantity of this name.
    """
    t = as_tensor(value)
    read_name(name)
    namesakes = set(named_alike(name))  # none of them, and a long chain need not be walked
    for node in toposort([t.expr]) if namesakes else ():
        if node in namesakes:
            raise NameClashError(
                f"{name} = {describe(t.expr)} already uses a quantity named {name}",
                "choose another name for the new quantity",
            )
    return Tensor(Definition(name, t.expr), t.form)


def as_tensor(value: Any) -> Tensor:
    """The quantity itself, or a constant from a number or an array."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Expr):
        return Tensor(value)
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise ValueNotAllowedError(
            f"a constant of type {array.dtype} ({type(value).__name__})",
            "use real numbers, arrays of them, or quantities",
        )
    if not np.isfinite(array).all():
        raise ValueNotAllowedError(
            "a constant with NaN or infinite entries", "use finite numbers in formulas"
        )
    read_shape(array.shape)
    return Tensor(Constant(array))


def _operand(value: Any, operation: str, other: Tensor) -> Tensor:
    if isinstance(value, (str, bytes)) or value is None:
        raise ValueNotAllowedError(
            f"{title(other)} {operation} {value!r}", "use a quantity, a number or an array"
        )
    try:
        return as_tensor(value)
    except ValueNotAllowedError as error:
        raise type(error)(f"{title(other)} {operation} {error}", error.hint) from None


# ── broadcasting ─────────────────────────────────────────────────────────────────────────


def _is_single(t: Tensor) -> bool:
    """A scalar, a 1 × 1, a vector of size 1: it fits everything."""
    return all(dim == 1 for dim in t.expr.shape)


def _as_scalar(t: Tensor) -> Expr:
    axes = tuple(range(t.expr.ndim))
    return product((t.expr,), (axes,), ())


def align(a: Tensor, b: Tensor, operation: str) -> tuple[Expr, Expr, str]:
    """Both as expressions of one shape (scalars stay scalars), and how the result stands."""
    if a.form == b.form and a.expr.shape == b.expr.shape:
        return a.expr, b.expr, a.form
    if _is_single(b) and (not _is_single(a) or a.expr.ndim >= b.expr.ndim):
        return a.expr, _as_scalar(b), a.form
    if _is_single(a):
        return _as_scalar(a), b.expr, b.form
    if "tensor" in (a.form, b.form):
        raise ShapeError(
            f"{_attempted(a, b, operation)}: they have different axes",
            "match the axes with tc.einsum first",
        )
    (ra, ca), (rb, cb) = matrix_shape(a), matrix_shape(b)
    fits_rows = ra == rb and (ca == cb or 1 in (ca, cb))
    fits_columns = ca == cb and (ra == rb or 1 in (ra, rb))
    if not fits_rows and not fits_columns:
        raise _misfit(a, b, operation)
    rows = ra if rb == 1 else rb
    columns = ca if cb == 1 else cb
    return _spread(a, rows, columns), _spread(b, rows, columns), "matrix"


def _attempted(a: Tensor, b: Tensor, operation: str) -> str:
    """x + y, or maximum of x and y."""
    sign = {"pow": "**", "greater": ">", "greater_equal": "≥"}.get(operation, operation)
    if sign.isidentifier():
        return f"{sign} of {title(a)} and {title(b)}"
    return f"{title(a)} {sign} {title(b)}"


def _misfit(a: Tensor, b: Tensor, operation: str) -> ShapeError:
    message = _attempted(a, b, operation)
    forms = (a.form, b.form)
    if forms in (("column", "row"), ("row", "column")):
        return ShapeError(
            message + ": a column with a row is not summed or multiplied entry by entry",
            f"transpose one of them, or write {short(a)} @ {short(b)} for their product",
        )
    if forms == ("column", "column"):
        return ShapeError(
            message + ": two columns of different length",
            f"give {short(a)} and {short(b)} one size",
        )
    if matrix_shape(a) == matrix_shape(b)[::-1]:
        return ShapeError(message, f"did you mean {short(a)} {operation} {short(b.T)}?")
    if operation == "*" and matrix_shape(a)[1] == matrix_shape(b)[0]:
        return ShapeError(message, f"did you mean {short(a)} @ {short(b)}?")
    return ShapeError(
        message, "entry by entry, a column fits the rows of a matrix and a row its columns"
    )


def short(t: Tensor) -> str:
    """A quantity as a hint writes it, short."""
    if t.form == "row":
        return f"{short(t.T)}.T"
    if t.form == "matrix" and isinstance(t.T.expr, (Variable, Definition)):
        return f"{t.T.name}.T"
    if isinstance(t.expr, Constant) and t.ndim:
        return "array"
    return describe(t.expr) if t.name or isinstance(t.expr, Constant) else "(…)"


def _spread(t: Tensor, rows: Dim, columns: Dim) -> Expr:
    """The quantity as a rows × columns matrix, with ones where it is repeated."""
    if t.form == "matrix" and t.expr.shape == (rows, columns):
        return t.expr
    vector = t.expr
    if t.form == "matrix":
        vector = product((vector,), ((0, 1),), (1,) if vector.shape[0] == 1 else (0,))
    stands = t.form == "column" or (t.form == "matrix" and t.expr.shape[1] == 1)
    if stands:
        return Einsum((vector, Ones(columns)), ((0,), (1,)), (0, 1))
    return Einsum((Ones(rows), vector), ((0,), (1,)), (0, 1))


def _sum(a: Tensor, b: Tensor, operation: str) -> Tensor:
    left, right, form = align(a, b, operation)
    shape = left.shape or right.shape
    if operation == "−":
        right = -right
    return Tensor(add(filled(left, shape), filled(right, shape)), form)


def filled(e: Expr, shape: Shape) -> Expr:
    """A scalar repeated over ``shape``."""
    if e.shape == shape:
        return e
    if isinstance(e, Constant):
        return full(e.number, shape)
    axes = tuple(range(len(shape)))
    return Einsum((e, *map(Ones, shape)), ((), *((i,) for i in axes)), axes)


def _times(a: Tensor, b: Tensor, operation: str) -> Tensor:
    left, right, form = align(a, b, operation)
    return Tensor(hadamard(left, right), form)


def _divided(a: Tensor, b: Tensor) -> Tensor:
    left, right, form = align(a, b, "/")
    if isinstance(right, Constant) and right.ndim == 0:
        if right.number == 0:
            raise TensorCalcError(f"{title(a)} / 0", "divide by something else")
        return Tensor(hadamard(Constant(1 / right.number), left), form)
    bottom = f.reciprocal(right)
    logistic = recognise_softplus(bottom)  # 1/(1 + exp(−u)) is σ(u)
    if logistic is not None and left is Constant(1.0):
        return Tensor(logistic, form)
    quotient = hadamard(left, logistic or bottom)
    known = recognise_softmax(quotient) or recognise_exponentials(quotient)
    return Tensor(known or quotient, form)


def is_finite_number(value: Any) -> bool:
    """Whether a value is one real number that a float can hold."""
    if not isinstance(value, Real):
        return False
    try:
        return bool(np.isfinite(float(value)))
    except OverflowError:
        return False


def _power(base: Tensor, exponent: Any) -> Tensor:
    if isinstance(exponent, Tensor):
        number = simplify(exponent.expr)
        if isinstance(number, Constant) and number.ndim == 0:
            exponent = number.number
    if isinstance(exponent, (Tensor, np.ndarray)):
        return UFUNCS["float_power"](base, exponent)
    if not isinstance(exponent, Real) or not is_finite_number(exponent):
        raise NotSupportedError(
            f"{title(base)} ** {title(exponent)}: the exponent is not a number",
            "give a number or a quantity as exponent",
        )
    return Tensor(f.raised(base.expr, float(exponent)), base.form)


# ── products ─────────────────────────────────────────────────────────────────────────────


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    if "scalar" in (a.form, b.form):
        raise ShapeError(
            f"{title(a)} @ {title(b)}: a scalar has no matrix product",
            f"write {short(a)} * {short(b)}",
        )
    if "tensor" in (a.form, b.form):
        raise ShapeError(
            f"{title(a)} @ {title(b)}: more than two axes",
            "say which axes are summed with tc.einsum",
        )
    inner, other = matrix_shape(a)[1], matrix_shape(b)[0]
    if inner != other:
        raise _no_product(a, b)
    if a.form == "column" and b.form == "matrix":
        b = _vector_of_ones(b, "row")
    if b.form == "row" and a.form == "matrix":
        a = _vector_of_ones(a, "column")
    # rows get index 0, the joined axis 1, columns 2; a column or a row lacks one of them
    left = {"column": (0,), "row": (1,), "matrix": (0, 1)}[a.form]
    right = {"column": (1,), "row": (2,), "matrix": (1, 2)}[b.form]
    output = tuple(i for i in (0, 2) if i in left + right)
    if a.form == "column" and b.form == "column":  # n × 1 times 1 × 1
        return Tensor(product((a.expr, b.expr), ((0,), (1,)), (0,)), "column")
    if a.form == "row" and b.form == "row":  # 1 × 1 times 1 × n
        return Tensor(product((a.expr, b.expr), ((1,), (2,)), (2,)), "row")
    form = {(): "scalar", (0,): "column", (2,): "row", (0, 2): "matrix"}[output]
    return Tensor(product((a.expr, b.expr), (left, right), output), form)


def _vector_of_ones(t: Tensor, form: str) -> Tensor:
    """ones(1, n) as the row of ones that it is, ones(m, 1) as a column; others stay as they are."""
    kept = 1 if form == "row" else 0
    vector = simplify(Einsum((t.expr,), ((0, 1),), (kept,)))
    return Tensor(vector, form) if isinstance(vector, Ones) else t


def _no_product(a: Tensor, b: Tensor) -> ShapeError:
    (_, inner), (other, columns) = matrix_shape(a), matrix_shape(b)
    columns_of = "1 column" if inner == 1 else f"{inner} columns"
    rows_of = "1 row" if other == 1 else f"{other} rows"
    message = f"{title(a)} @ {title(b)}: the left has {columns_of}, the right has {rows_of}"
    left, right = short(a), short(b)
    constant = isinstance(a.expr, Constant) or isinstance(b.expr, Constant)
    if a.form == b.form == "column" and constant:  # an array's own .T may change nothing
        ways = f"tc.outer({left}, {right}) (a matrix)"
        if a.expr.shape == b.expr.shape:
            ways = f"tc.dot({left}, {right}) (a scalar) or {ways}"
        return ShapeError(message, f"did you mean {ways}?")
    if a.form == b.form == "column":
        if a.expr.shape == b.expr.shape:
            return ShapeError(
                message,
                f"did you mean {left}.T @ {right} (a scalar) or {left} @ {right}.T (a matrix)?",
            )
        return ShapeError(message, f"did you mean {left} @ {right}.T (a matrix)?")
    if a.form == b.form == "row":
        return ShapeError(message, f"did you mean {left} @ {short(b.T)} (a scalar)?")
    if matrix_shape(a)[0] == other:
        return ShapeError(message, f"did you mean {short(a.T)} @ {right}?")
    if inner == columns:
        return ShapeError(message, f"did you mean {left} @ {short(b.T)}?")
    if columns == matrix_shape(a)[0]:
        return ShapeError(message, f"did you mean {right} @ {left}?")
    return ShapeError(message, f"the columns of {left} must be the rows of {right}")


# ── entries ──────────────────────────────────────────────────────────────────────────────


def _indexed(t: Tensor, index: Any) -> Tensor:
    """x[i], A[i, j], rows A[i], columns A[:, j] and slices, by constant whole numbers."""
    places = list(index) if isinstance(index, tuple) else [index]
    if t.form in ("column", "row") and len(places) == 2:  # as the n × 1 matrix that it is
        lone = places.pop(1 if t.form == "column" else 0)
        if lone not in (0, -1, slice(None)):
            raise ShapeError(
                f"{title(t)}[{_index_text(index)}]", "the other axis has the one entry 0"
            )
    attempted = f"{title(t)}[{_index_text(index)}]"
    if not all(_is_constant_index(place) for place in places):
        raise NotSupportedError(
            attempted, "give constant whole numbers or slices, such as x[0], A[0, 1] or A[:, 0]"
        )
    if len(places) > t.expr.ndim:
        axes = f"{t.expr.ndim} ax{'i' if t.expr.ndim == 1 else 'e'}s" if t.expr.ndim else "no axis"
        raise ShapeError(
            f"{attempted}: {len(places)} indices for {axes}", "give at most one index per axis"
        )
    e, axis, gone = t.expr, 0, []
    for k, place in enumerate(places):
        dim = e.shape[axis]
        if isinstance(place, slice):
            chosen = _range_of(place, dim, attempted)
            e = e if chosen is None else Select(e, axis, chosen)
            axis += 1
        else:
            e = Select(e, axis, _entry_number(int(place), dim, attempted))
            gone.append(k)
    if t.form == "matrix" and len(gone) == 1:
        return Tensor(e, "row" if gone == [0] else "column")
    return Tensor(e, t.form if not gone else None)


def _is_constant_index(place: Any) -> bool:
    if isinstance(place, slice):
        return all(
            k is None or (isinstance(k, (int, np.integer)) and not isinstance(k, bool))
            for k in (place.start, place.stop, place.step)
        )
    return isinstance(place, (int, np.integer)) and not isinstance(place, (bool, np.bool_))


def _entry_number(asked: int, dim: Dim, attempted: str) -> int:
    number = asked + dim if asked < 0 and isinstance(dim, int) else asked
    if number < 0 or (isinstance(dim, int) and number >= dim):
        last = f"{dim - 1}" if isinstance(dim, int) else f"{dim} − 1"
        raise ShapeError(
            f"{attempted}: entry {asked} along an axis of size {dim}",
            f"choose an entry from 0 to {last}",
        )
    return number


def _range_of(place: slice, dim: Dim, attempted: str) -> range | None:
    """The entries that a slice takes; None for all of them in order."""
    start, stop, step = place.start or 0, place.stop, place.step
    if isinstance(dim, int):
        if step == 0:
            raise ShapeError(f"{attempted}: a slice with step 0", "give another step")
        chosen = range(*place.indices(dim))
        if chosen == range(dim):
            return None
    elif place == slice(None):
        return None
    elif stop is None or start < 0 or stop < 0 or (step or 1) < 1:
        raise NotSupportedError(
            f"{attempted}: a slice that depends on the size {dim}",
            "say where it ends, counting from 0, or declare the size as a number",
        )
    else:
        chosen = range(int(start), int(stop), int(step or 1))
    if not len(chosen):
        raise ShapeError(f"{attempted}: a slice without entries", "take at least one entry")
    return chosen


def _index_text(index: Any) -> str:
    words = [
        ":".join("" if k is None else str(k) for k in (p.start, p.stop, p.step)).removesuffix(":")
        if isinstance(p, slice)
        else (title(p) if isinstance(p, Tensor) else repr(p))
        for p in (index if isinstance(index, tuple) else (index,))
    ]
    return ", ".join(words)
