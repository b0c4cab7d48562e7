"""The matrix-notation front end: rows, columns, broadcasting and shape errors live here.

A ``Tensor`` is an index-notation expression together with how it stands in matrix notation:
a scalar, a column, a row, a matrix, or a tensor of three axes and more. A column is an n × 1
matrix in every product and every elementwise operation.
"""

from __future__ import annotations

import keyword
import operator
import unicodedata
from collections.abc import Callable
from numbers import Real
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.display import describe
from tensorcalc.errors import (
    NameClashError,
    NotSupportedError,
    ShapeError,
    TensorCalcError,
    ValueNotAllowedError,
)
from tensorcalc.expr import (
    Constant,
    Definition,
    Delta,
    Einsum,
    Expr,
    Function,
    Interned,
    Ones,
    Select,
    Special,
    SpecialFunction,
    Variable,
    add,
    full,
    hadamard,
    product,
    toposort,
    transpose,
)
from tensorcalc.expr import einsum as index_einsum
from tensorcalc.shapes import Dim, Shape, format_shape, read_dim, read_shape
from tensorcalc.simplify import simplify

__all__ = [
    "Tensor",
    "as_tensor",
    "define",
    "diag",
    "diagonal",
    "dot",
    "einsum",
    "eye",
    "frobenius",
    "function",
    "matrix",
    "mean",
    "norm",
    "ones",
    "outer",
    "read_name",
    "scalar",
    "tensor",
    "total",
    "trace",
    "variable",
    "vector",
    "zeros",
]

_made: WeakValueDictionary[tuple[Expr, str], Tensor] = WeakValueDictionary()


class Tensor:
    """A quantity in matrix notation; make one with ``vector``, ``matrix``, … or by operators.

    ``form`` is "scalar", "column", "row", "matrix" or "tensor".
    """

    __slots__ = ("__weakref__", "expr", "form")
    expr: Expr
    form: str

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
        operation = _UFUNCS.get(ufunc.__name__)
        if operation is None or method != "__call__" or options:
            raise NotSupportedError(
                f"np.{ufunc.__name__} of {_title(self)}",
                f"use tc.{ufunc.__name__} if there is one, or evaluate first",
            )
        return operation(*map(as_tensor, inputs))

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        raise NotSupportedError(
            f"np.{function.__name__} of {_title(self)}",
            f"use tc.{function.__name__} if there is one, or evaluate first",
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
                f"the transpose of {_title(self)}", "say which axes with tc.einsum('ijk->kji', …)"
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

    def __rpow__(self, base: Any) -> NoReturn:
        raise NotSupportedError(
            f"{base!r} ** {_title(self)}", "write tc.exp(exponent * tc.log(base)) instead"
        )

    def __abs__(self) -> Tensor:
        return Tensor(f.abs_(self.expr), self.form)

    def __getitem__(self, index: Any) -> Tensor:
        return _entry(self, index)

    def __eq__(self, other: object) -> bool:
        raise NotSupportedError(
            f"{_title(self)} == {_title(other)}: quantities have no values to compare",
            "use tc.equal(a, b) for equality as functions, or `is` for the same quantity",
        )

    def __ne__(self, other: object) -> bool:
        raise NotSupportedError(
            f"{_title(self)} != {_title(other)}: quantities have no values to compare",
            "use not tc.equal(a, b), or `is not`",
        )

    __hash__ = object.__hash__

    def _unordered(self, other: object) -> NoReturn:
        raise NotSupportedError(
            f"{_title(self)} compared with {_title(other)}: quantities have no values yet",
            "compare values after .evaluate(…)",
        )

    __lt__ = __le__ = __gt__ = __ge__ = _unordered

    def __bool__(self) -> NoReturn:
        raise NotSupportedError(
            f"{_title(self)} as a condition: a quantity has no value yet",
            "decide on values after .evaluate(…)",
        )

    def __iter__(self) -> NoReturn:
        raise NotSupportedError(
            f"a loop over {_title(self)}", "use its entries by number, or tc.einsum"
        )

    def __float__(self) -> NoReturn:
        raise NotSupportedError(f"{_title(self)} as a number", "evaluate it first: .evaluate(…)")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotSupportedError(f"{_title(self)} as an array", "evaluate it first: .evaluate(…)")


# ── names and shapes in messages ─────────────────────────────────────────────────────────


def matrix_shape(t: Tensor) -> Shape:
    """Rows × columns as matrix notation reads the quantity."""
    if t.form == "scalar":
        return (1, 1)
    if t.form == "column":
        return (*t.expr.shape, 1)
    return t.shape


def _title(t: object) -> str:
    if isinstance(t, Tensor):
        atomic = t.form == "row" and isinstance(t.expr, (Variable, Definition))
        return f"{describe(t.expr)}{'ᵀ' if atomic else ''} ({format_shape(matrix_shape(t))})"
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
        raise ShapeError(
            f"{kind} {name} declared with {len(shape)} dimensions ({format_shape(shape)})",
            f"give {count}, or use tc.variable({name!r}, shape)",
        )
    return shape


def scalar(name: str, /) -> Tensor:
    """A scalar variable."""
    return Tensor(Variable(read_name(name), ()))


def vector(name: str, dim: Any, /) -> Tensor:
    """A column vector variable, n × 1, of a size (an int) or a named dimension."""
    return Tensor(Variable(read_name(name), _read_dims(name, (dim,), 1)))


def matrix(name: str, /, *dims: Any) -> Tensor:
    """A matrix variable: ``matrix("W", 5, 4)``, or with named dimensions ``matrix("W", "k n")``."""
    return Tensor(Variable(read_name(name), _read_dims(name, dims, 2)))


def tensor(name: str, /, *dims: Any) -> Tensor:
    """A variable with any number of axes."""
    shape = read_shape(dims[0]) if len(dims) == 1 else tuple(map(read_dim, dims))
    return Tensor(Variable(read_name(name), shape))


def variable(name: str, shape: Any, /) -> Tensor:
    """A variable of the shape that an int, a tuple, names or an array stand for."""
    return Tensor(Variable(read_name(name), read_shape(shape)))


def define(name: str, value: Any, /) -> Tensor:
    """A named intermediate: printing stops at it, and it can be differentiated by.

    Raises NameClashError if the value already contains another quantity of this name.
    """
    t = as_tensor(value)
    read_name(name)
    for node in toposort([t.expr]):
        if isinstance(node, (Variable, Definition)) and node.name == name:
            raise NameClashError(
                f"{name} = {describe(t.expr)} already uses a quantity named {name}",
                "choose another name for the new quantity",
            )
    return Tensor(Definition(name, t.expr), t.form)


def function(
    name: str,
    value: Callable[[Any], Any] | None = None,
    derivative: Callable[[Any], Any] | None = None,
) -> Callable[[Any], Tensor]:
    """An elementwise function of one's own, or an abstract one that prints f′(v).

    ``value`` and ``derivative`` are NumPy callables, entry by entry; a ``derivative`` that is a
    function of quantities (tc.cos, another tc.function) can be differentiated again. Without
    ``value`` the function can be differentiated and printed, but not evaluated; without
    ``derivative`` it can be evaluated, and differentiating it raises NotSupportedError.
    """
    read_name(name)
    for role, given in (("value", value), ("derivative", derivative)):
        if given is not None and not callable(given):
            raise TensorCalcError(
                f"tc.function({name!r}, {role}={given!r})",
                f"give {role} as a function of an array, such as np.tanh",
            )
    if value is None and derivative is not None:
        raise TensorCalcError(
            f"tc.function({name!r}, derivative=…) without its value", "give value= as well"
        )
    record = f.abstract(name) if value is None else f.custom(name, value, derivative)
    return lift(record)


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
            f"{_title(other)} {operation} {value!r}", "use a quantity, a number or an array"
        )
    return as_tensor(value)


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
            f"{_title(a)} {operation} {_title(b)}: they have different axes",
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


def _misfit(a: Tensor, b: Tensor, operation: str) -> ShapeError:
    message = f"{_title(a)} {operation} {_title(b)}"
    forms = (a.form, b.form)
    if forms in (("column", "row"), ("row", "column")):
        return ShapeError(
            message + ": a column with a row is not summed or multiplied entry by entry",
            f"transpose one of them, or write {_short(a)} @ {_short(b)} for their product",
        )
    if forms == ("column", "column"):
        return ShapeError(
            message + ": two columns of different length",
            f"give {_short(a)} and {_short(b)} one size",
        )
    if matrix_shape(a) == matrix_shape(b)[::-1]:
        return ShapeError(message, f"did you mean {_short(a)} {operation} {_short(b.T)}?")
    if operation == "*" and matrix_shape(a)[1] == matrix_shape(b)[0]:
        return ShapeError(message, f"did you mean {_short(a)} @ {_short(b)}?")
    return ShapeError(
        message, "entry by entry, a column fits the rows of a matrix and a row its columns"
    )


def _short(t: Tensor) -> str:
    if t.form == "row":
        return f"{_short(t.T)}.T"
    if t.form == "matrix" and isinstance(t.T.expr, (Variable, Definition)):
        return f"{t.T.name}.T"
    if t.name or isinstance(t.expr, Constant):
        return describe(t.expr)
    return "(…)"


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
    return Tensor(add(_filled(left, shape), _filled(right, shape)), form)


def _filled(e: Expr, shape: Shape) -> Expr:
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
            raise TensorCalcError(f"{_title(a)} / 0", "divide by something else")
        return Tensor(hadamard(Constant(1 / right.number), left), form)
    return Tensor(hadamard(left, f.reciprocal(right)), form)


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
    if not isinstance(exponent, Real) or not is_finite_number(exponent):
        raise NotSupportedError(
            f"{_title(base)} ** {_title(exponent)}: the exponent is not a number",
            "write tc.exp(exponent * tc.log(base)) instead",
        )
    return Tensor(f.raised(base.expr, float(exponent)), base.form)


# ── products ─────────────────────────────────────────────────────────────────────────────


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    if "scalar" in (a.form, b.form):
        raise ShapeError(
            f"{_title(a)} @ {_title(b)}: a scalar has no matrix product",
            f"write {_short(a)} * {_short(b)}",
        )
    if "tensor" in (a.form, b.form):
        raise ShapeError(
            f"{_title(a)} @ {_title(b)}: more than two axes",
            "say which axes are summed with tc.einsum",
        )
    inner, other = matrix_shape(a)[1], matrix_shape(b)[0]
    if inner != other:
        raise _no_product(a, b)
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


def _no_product(a: Tensor, b: Tensor) -> ShapeError:
    (_, inner), (other, columns) = matrix_shape(a), matrix_shape(b)
    message = f"{_title(a)} @ {_title(b)}: the left has {inner} columns, the right has {other} rows"
    left, right = _short(a), _short(b)
    if a.form == b.form == "column":
        if a.expr.shape == b.expr.shape:
            return ShapeError(
                message,
                f"did you mean {left}.T @ {right} (a scalar) or {left} @ {right}.T (a matrix)?",
            )
        return ShapeError(message, f"did you mean {left} @ {right}.T (a matrix)?")
    if a.form == b.form == "row":
        return ShapeError(message, f"did you mean {left} @ {_short(b.T)} (a scalar)?")
    if matrix_shape(a)[0] == other:
        return ShapeError(message, f"did you mean {_short(a.T)} @ {right}?")
    if inner == columns:
        return ShapeError(message, f"did you mean {left} @ {_short(b.T)}?")
    if columns == matrix_shape(a)[0]:
        return ShapeError(message, f"did you mean {right} @ {left}?")
    return ShapeError(message, f"the columns of {left} must be the rows of {right}")


def dot(x: Any, y: Any, /) -> Tensor:
    """xᵀ y of two vectors of one size: a scalar."""
    a, b = as_tensor(x), as_tensor(y)
    _require(a, "dot", "column", "row")
    _require(b, "dot", "column", "row")
    if a.expr.shape != b.expr.shape:
        raise ShapeError(f"dot of {_title(a)} and {_title(b)}", "give them one size")
    return Tensor(index_einsum("i,i->", a.expr, b.expr))


def outer(x: Any, y: Any, /) -> Tensor:
    """x yᵀ of two vectors: a matrix with the rows of x and the columns of y."""
    a, b = as_tensor(x), as_tensor(y)
    _require(a, "outer", "column", "row")
    _require(b, "outer", "column", "row")
    return Tensor(index_einsum("i,j->ij", a.expr, b.expr))


def frobenius(a: Any, b: Any, /) -> Tensor:
    """A : B = Σ A_ij B_ij of two quantities of one shape."""
    left, right = as_tensor(a), as_tensor(b)
    if left.expr.shape != right.expr.shape or matrix_shape(left) != matrix_shape(right):
        raise ShapeError(f"frobenius of {_title(left)} and {_title(right)}", "give them one shape")
    axes = tuple(range(left.expr.ndim))
    return Tensor(product((left.expr, right.expr), (axes, axes), ()))


def trace(a: Any, /) -> Tensor:
    """tr A = Σ A_ii of a square matrix."""
    t = as_tensor(a)
    _require_square(t, "trace")
    return Tensor(index_einsum("ii->", t.expr))


def diag(x: Any, /) -> Tensor:
    """diag(x): the matrix with the vector x on its diagonal."""
    t = as_tensor(x)
    _require(t, "diag", "column", "row")
    dim = t.expr.shape[0]
    return Tensor(index_einsum("ij,i->ij", Delta(dim), t.expr))


def diagonal(a: Any, /) -> Tensor:
    """The diagonal of a square matrix as a column."""
    t = as_tensor(a)
    _require_square(t, "diagonal")
    return Tensor(index_einsum("ii->i", t.expr))


def einsum(subscripts: str, /, *operands: Any) -> Tensor:
    """A sum of products by index letters: ``einsum("ij,j->i", W, x)``; the output is written."""
    if not isinstance(subscripts, str):
        raise ShapeError(
            f"einsum with subscripts of type {type(subscripts).__name__}",
            'write them first, as in einsum("ij,j->i", W, x)',
        )
    tensors = [as_tensor(operand) for operand in operands]
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    words = inputs.split(",")
    fits = arrow and len(words) == len(tensors) and len(set(output)) == len(output)
    fits = fits and all(letter.isalpha() for word in [*words, output] for letter in word)
    if not fits or not set(output) <= set(inputs):
        raise ShapeError(
            f"einsum({subscripts!r}) of {len(tensors)} operands",
            'write one word per operand and the output, as in "ij,j->i"',
        )
    sizes: dict[str, tuple[Dim, str]] = {}
    for word, t in zip(words, tensors, strict=True):
        if len(word) != t.expr.ndim:
            raise ShapeError(
                f"einsum: {word!r} has {len(word)} letters and {_title(t)} has {t.expr.ndim} axes",
                "give one letter per axis (a column or a row has one)",
            )
        for letter, dim in zip(word, t.expr.shape, strict=True):
            known, where = sizes.setdefault(letter, (dim, _short(t)))
            if known != dim:
                raise ShapeError(
                    f"einsum: {letter} is {known} in {where} and {dim} in {_title(t)}",
                    "use different letters, or quantities that agree",
                )
    return Tensor(index_einsum(f"{inputs}->{output}", *(t.expr for t in tensors)))


def _require(t: Tensor, what: str, *forms: str) -> None:
    if t.form not in forms:
        wanted = "a vector" if "column" in forms else " or ".join(forms)
        raise ShapeError(f"{what} of {_title(t)}", f"{what} takes {wanted}")


def _require_square(t: Tensor, what: str) -> None:
    if t.form != "matrix" or t.expr.shape[0] != t.expr.shape[1]:
        raise ShapeError(f"{what} of {_title(t)}", f"{what} takes a square matrix")


# ── reductions ───────────────────────────────────────────────────────────────────────────


def _reduced(t: Tensor, axis: int | None, what: str) -> tuple[tuple[int, ...], str, Shape]:
    """The output indices, the form of the result, and the dims summed over."""
    if axis is None:
        return (), "scalar", t.expr.shape
    if isinstance(axis, Tensor) or axis not in (0, 1) or t.form not in ("column", "row", "matrix"):
        raise ShapeError(
            f"{what} of {_title(t)} along axis {axis}", "axis is 0 (gives a row) or 1 (a column)"
        )
    if t.form == "matrix":
        return ((1,), "row", t.expr.shape[:1]) if axis == 0 else ((0,), "column", t.expr.shape[1:])
    along = (t.form == "column") == (axis == 0)
    return ((), "scalar", t.expr.shape) if along else ((0,), t.form, ())


def total(t: Any, /, axis: int | None = None) -> Tensor:
    """The sum of all entries, or along ``axis``: 0 gives a row, 1 a column."""
    t = as_tensor(t)
    output, form, _ = _reduced(t, axis, "sum")
    e = t.expr
    if isinstance(e, Einsum) and not e.summed:  # sum(u**2) is the sum of squares, as u.T @ u is
        return Tensor(Einsum(e.operands, e.inputs, tuple(e.output[k] for k in output)), form)
    return Tensor(product((e,), (tuple(range(e.ndim)),), output), form)


def mean(t: Any, /, axis: int | None = None) -> Tensor:
    """The mean of all entries, or along ``axis``: 0 gives a row, 1 a column."""
    t = as_tensor(t)
    _, _, dims = _reduced(t, axis, "mean")
    whole = total(t, axis)
    count, scale = 1, []
    for dim in dims:
        if isinstance(dim, int):
            count *= dim
        else:
            scale.append(f.reciprocal(index_einsum("i->", Ones(dim))))
    factors = ([Constant(1 / count)] if count != 1 else []) + scale
    return Tensor(hadamard(*factors, whole.expr), whole.form) if factors else whole


def norm(t: Any, /) -> Tensor:
    """The 2-norm ‖x‖ (Frobenius for a matrix); its gradient at 0 is taken as 0."""
    return Tensor(f.magnitude(as_tensor(t).expr))


# ── constants ────────────────────────────────────────────────────────────────────────────


def ones(*dims: Any) -> Tensor:
    """``ones(m)`` is a column of ones, ``ones(m, n)`` a matrix."""
    shape = tuple(map(read_dim, dims))
    return Tensor(full(1.0, shape))


def zeros(*dims: Any) -> Tensor:
    """``zeros(m)`` is a column of zeros, ``zeros(m, n)`` a matrix."""
    return Tensor(full(0.0, tuple(map(read_dim, dims))))


def eye(dim: Any, /) -> Tensor:
    """The identity matrix."""
    return Tensor(Delta(read_dim(dim)))


# ── functions ────────────────────────────────────────────────────────────────────────────


def lift(record: Function | Callable[[Expr], Expr], name: str = "") -> Callable[[Any], Tensor]:
    """An elementwise function of expressions as one of quantities."""

    def apply(t: Any, /) -> Tensor:
        t = as_tensor(t)
        return Tensor(record(t.expr), t.form)

    apply.record = record  # type: ignore[attr-defined]
    apply.__name__ = apply.__qualname__ = name or getattr(record, "name", "function")
    convention = getattr(record, "convention", "")
    apply.__doc__ = f"{apply.__name__}(x), entry by entry." + (
        f" {convention}." if convention else ""
    )
    return apply


def lift_special(record: SpecialFunction) -> Callable[..., Tensor]:
    """A function along one axis, of a vector or of a matrix with ``axis``."""

    def apply(t: Any, /, axis: int | None = None) -> Tensor:
        t = as_tensor(t)
        if t.form in ("column", "row"):
            if isinstance(axis, Tensor) or axis not in (None, 0 if t.form == "column" else 1):
                raise ShapeError(
                    f"{record.name} of {_title(t)} along axis {axis}: that axis has one entry",
                    f"leave axis out: {record.name}({_short(t)})",
                )
            return Tensor(Special(record, t.expr), t.form if record.keeps else "scalar")
        if t.form != "matrix" or isinstance(axis, Tensor) or axis not in (0, 1):
            raise ShapeError(
                f"{record.name} of {_title(t)} along axis {axis}",
                "give a vector, or a matrix with axis=0 (down each column) or axis=1",
            )
        along = t.expr if axis == 1 else transpose(t.expr, (1, 0))
        value = Special(record, along)
        if not record.keeps:
            return Tensor(value, "column" if axis == 1 else "row")
        return Tensor(value if axis == 1 else transpose(value, (1, 0)), "matrix")

    apply.__name__ = apply.__qualname__ = record.name
    apply.__doc__ = (
        f"{record.name} of a vector, or of a matrix along ``axis`` (0: down each column)."
    )
    return apply


def _entry(t: Tensor, index: Any) -> Tensor:
    """x[i] and A[i, j] with constant whole numbers."""
    numbers = index if isinstance(index, tuple) else (index,)
    e = t.expr
    if len(numbers) != e.ndim or not all(type(n) is int for n in numbers):
        raise NotSupportedError(
            f"{_title(t)}[{index!r}]", "give one whole number per axis, such as x[0] or A[0, 1]"
        )
    for asked in numbers:
        dim = e.shape[0]
        number = asked + dim if asked < 0 and isinstance(dim, int) else asked
        if number < 0:
            raise ShapeError(
                f"entry {asked} along an axis of size {dim}", "count entries from 0 onwards"
            )
        e = Select(e, 0, number)
    return Tensor(e)


# what np.array @ Tensor and np.exp(Tensor) ask for
_UFUNCS: dict[str, Callable[..., Tensor]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "matmul": operator.matmul,
    "power": operator.pow,
    "negative": lambda t: -t,
    "absolute": lift(f.abs_),
    **{
        record.name: lift(record)
        for record in f.FUNCTIONS
        if record.evaluate.__class__ is np.ufunc and record is not f.length
    },
}

square = lift(lambda x: x**2, "square")
silu = lift(f.silu, "silu")
gelu = lift(f.gelu, "gelu")
softmax = lift_special(special.softmax)
log_softmax = lift_special(special.log_softmax)
logsumexp = lift_special(special.logsumexp)
