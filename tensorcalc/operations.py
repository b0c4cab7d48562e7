"""Operations on quantities by name: products, reductions, constants, functions of entries."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.errors import (
    ShapeError,
    TensorCalcError,
)
from tensorcalc.expr import (
    Constant,
    Delta,
    Einsum,
    Expr,
    Function,
    Ones,
    Special,
    SpecialFunction,
    full,
    hadamard,
    product,
    transpose,
)
from tensorcalc.expr import einsum as index_einsum
from tensorcalc.shapes import Dim, Shape, read_dim
from tensorcalc.tensor import UFUNCS, Tensor, as_tensor, matrix_shape, read_name, short, title

__all__ = [
    "diag",
    "diagonal",
    "dot",
    "einsum",
    "eye",
    "frobenius",
    "function",
    "gelu",
    "lift",
    "lift_special",
    "log_softmax",
    "logsumexp",
    "mean",
    "norm",
    "ones",
    "outer",
    "silu",
    "softmax",
    "square",
    "total",
    "trace",
    "zeros",
]


# ── products ─────────────────────────────────────────────────────────────────────────────


def dot(x: Any, y: Any, /) -> Tensor:
    """xᵀ y of two vectors of one size: a scalar."""
    a, b = as_tensor(x), as_tensor(y)
    _require(a, "dot", "column", "row")
    _require(b, "dot", "column", "row")
    if a.expr.shape != b.expr.shape:
        raise ShapeError(f"dot of {title(a)} and {title(b)}", "give them one size")
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
        raise ShapeError(f"frobenius of {title(left)} and {title(right)}", "give them one shape")
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
                f"einsum: {word!r} has {len(word)} letters and {title(t)} has {t.expr.ndim} axes",
                "give one letter per axis (a column or a row has one)",
            )
        for letter, dim in zip(word, t.expr.shape, strict=True):
            known, where = sizes.setdefault(letter, (dim, short(t)))
            if known != dim:
                raise ShapeError(
                    f"einsum: {letter} is {known} in {where} and {dim} in {title(t)}",
                    "use different letters, or quantities that agree",
                )
    return Tensor(index_einsum(f"{inputs}->{output}", *(t.expr for t in tensors)))


def _require(t: Tensor, what: str, *forms: str) -> None:
    if t.form not in forms:
        wanted = "a vector" if "column" in forms else " or ".join(forms)
        raise ShapeError(f"{what} of {title(t)}", f"{what} takes {wanted}")


def _require_square(t: Tensor, what: str) -> None:
    if t.form != "matrix" or t.expr.shape[0] != t.expr.shape[1]:
        raise ShapeError(f"{what} of {title(t)}", f"{what} takes a square matrix")


# ── reductions ───────────────────────────────────────────────────────────────────────────


def _reduced(t: Tensor, axis: int | None, what: str) -> tuple[tuple[int, ...], str, Shape]:
    """The output indices, the form of the result, and the dims summed over."""
    if axis is None:
        return (), "scalar", t.expr.shape
    if isinstance(axis, Tensor) or axis not in (0, 1) or t.form not in ("column", "row", "matrix"):
        raise ShapeError(
            f"{what} of {title(t)} along axis {axis}", "axis is 0 (gives a row) or 1 (a column)"
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
                    f"{record.name} of {title(t)} along axis {axis}: that axis has one entry",
                    f"leave axis out: {record.name}({short(t)})",
                )
            return Tensor(Special(record, t.expr), t.form if record.keeps else "scalar")
        if t.form != "matrix" or isinstance(axis, Tensor) or axis not in (0, 1):
            raise ShapeError(
                f"{record.name} of {title(t)} along axis {axis}",
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


# what np.array @ Tensor and np.exp(Tensor) ask for
UFUNCS.update(
    {
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
)

square = lift(lambda x: x**2, "square")
silu = lift(f.silu, "silu")
gelu = lift(f.gelu, "gelu")
softmax = lift_special(special.softmax)
log_softmax = lift_special(special.log_softmax)
logsumexp = lift_special(special.logsumexp)


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
