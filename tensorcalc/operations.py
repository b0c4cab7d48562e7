"""Operations on quantities by name: products, linear algebra, constants, functions of entries."""

from __future__ import annotations

import itertools
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
    Delta,
    Einsum,
    Expr,
    Function,
    Merge,
    Ones,
    Special,
    full,
    product,
)
from tensorcalc.expr import einsum as index_einsum
from tensorcalc.reductions import (
    largest,
    log_softmax,
    logsumexp,
    mean,
    norm,
    norm1,
    prod,
    smallest,
    softmax,
    total,
    var,
)
from tensorcalc.rewrite.recognise import recognise_softplus
from tensorcalc.shapes import Dim, read_dim
from tensorcalc.tensor import (
    NAMED,
    UFUNCS,
    Tensor,
    align,
    as_tensor,
    filled,
    matrix_shape,
    read_name,
    short,
    title,
)

__all__ = [
    "LIFTED",
    "det",
    "diag",
    "diagonal",
    "dot",
    "einsum",
    "eye",
    "frobenius",
    "function",
    "gelu",
    "greater",
    "greater_equal",
    "inv",
    "kron",
    "largest",
    "lift",
    "log_softmax",
    "logdet",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "norm1",
    "ones",
    "outer",
    "power",
    "prod",
    "reciprocal",
    "silu",
    "smallest",
    "softmax",
    "solve",
    "square",
    "total",
    "trace",
    "var",
    "vec",
    "where",
    "zeros",
]


# ── products ─────────────────────────────────────────────────────────────────────────────


def _vector(t: Tensor, what: str) -> Expr:
    """The one axis of a vector: a column, a row, or a matrix with a single row or column."""
    if t.form in ("column", "row"):
        return t.expr
    if t.form == "matrix" and 1 in t.shape:
        kept = 1 if t.shape[0] == 1 else 0
        return product((t.expr,), ((0, 1),), (kept,))
    raise ShapeError(f"{what} of {title(t)}", f"give {what} a vector")


def dot(x: Any, y: Any, /) -> Tensor:
    """xᵀ y of two vectors of one size: a scalar; ShapeError for anything else."""
    left, right = as_tensor(x), as_tensor(y)
    a, b = _vector(left, "dot"), _vector(right, "dot")
    if a.shape != b.shape:
        raise ShapeError(f"dot of {title(left)} and {title(right)}", "give them one size")
    return Tensor(index_einsum("i,i->", a, b))


def outer(x: Any, y: Any, /) -> Tensor:
    """x yᵀ of two vectors: the rows of x and the columns of y; ShapeError for anything else."""
    a, b = _vector(as_tensor(x), "outer"), _vector(as_tensor(y), "outer")
    return Tensor(index_einsum("i,j->ij", a, b))


def frobenius(a: Any, b: Any, /) -> Tensor:
    """A : B = Σ A_ij B_ij of two quantities of one shape; ShapeError for two shapes."""
    left, right = as_tensor(a), as_tensor(b)
    if matrix_shape(left) != matrix_shape(right):
        raise ShapeError(f"frobenius of {title(left)} and {title(right)}", "give them one shape")
    first, second, _ = align(left, right, "frobenius")
    axes = tuple(range(first.ndim))
    return Tensor(product((first, filled(second, first.shape)), (axes, axes), ()))


def trace(a: Any, /) -> Tensor:
    """tr A = Σ A_ii of a square matrix."""
    return Tensor(index_einsum("ii->", _square(a, "trace")))


def diag(x: Any, /) -> Tensor:
    """diag(x): the matrix with the vector x on its diagonal."""
    e = _vector(as_tensor(x), "diag")
    return Tensor(index_einsum("ij,i->ij", Delta(e.shape[0]), e))


def diagonal(a: Any, /) -> Tensor:
    """The diagonal of a square matrix as a column."""
    return Tensor(index_einsum("ii->i", _square(a, "diagonal")))


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
    tensors = [
        Tensor(_vector(t, "einsum")) if len(word) == 1 and 1 in t.shape and t.ndim == 2 else t
        for word, t in zip(words, tensors, strict=True)
    ]
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


def _square(a: Any, what: str) -> Expr:
    t = as_tensor(a)
    if t.form != "matrix" or t.expr.shape[0] != t.expr.shape[1]:
        raise ShapeError(f"{what} of {title(t)}", f"give {what} a square matrix")
    return t.expr


# ── linear algebra ───────────────────────────────────────────────────────────────────────


def inv(a: Any, /) -> Tensor:
    """The inverse A⁻¹ of a square matrix; ShapeError for anything else."""
    return Tensor(Special(special.inv, _square(a, "inv")))


def det(a: Any, /) -> Tensor:
    """The determinant of a square matrix; ShapeError for anything else."""
    return Tensor(Special(special.det, _square(a, "det")))


def logdet(a: Any, /) -> Tensor:
    """log |det A| of a square matrix, by a factorisation; ShapeError for anything else."""
    return Tensor(Special(special.logdet, _square(a, "logdet")))


def solve(a: Any, b: Any, /) -> Tensor:
    """The solution A⁻¹ b of A x = b, for a vector or a matrix b; ShapeError where they misfit."""
    left, right = as_tensor(a), as_tensor(b)
    rows, _ = _square(left, "solve").shape
    if right.form not in ("column", "matrix") or right.expr.shape[0] != rows:
        raise ShapeError(
            f"solve({short(left)}, {short(right)}) of {title(left)} and {title(right)}",
            f"give a right side with {rows} rows",
        )
    return inv(left) @ right


def kron(a: Any, b: Any, /) -> Tensor:
    """The Kronecker product A ⊗ B: block (i, j) is A_ij B; of vectors, matrices or scalars.

    Raises ShapeError for more than two axes.
    """
    left, right = as_tensor(a), as_tensor(b)
    for t in (left, right):
        if t.form == "tensor":
            raise ShapeError(f"kron of {title(t)}", "give kron vectors and matrices")
    place = {"scalar": (), "column": (0,), "row": (1,), "matrix": (0, 1)}
    outer_axes, inner_axes = place[left.form], tuple(k + 2 for k in place[right.form])
    operands, inputs = [left.expr, right.expr], [outer_axes, inner_axes]
    output = []
    for axis in (0, 1):
        there = [k for k in (axis, axis + 2) if k in outer_axes + inner_axes]
        if len(there) == 2:
            merge = Merge(
                (
                    left.expr.shape[outer_axes.index(axis)],
                    right.expr.shape[inner_axes.index(axis + 2)],
                )
            )
            operands.append(merge)
            inputs.append((4 + axis, *there))
            there = [4 + axis]
        output += there
    rows = any(k in (0, 2, 4) for k in output)
    columns = any(k in (1, 3, 5) for k in output)
    form = {(0, 0): "scalar", (1, 0): "column", (0, 1): "row", (1, 1): "matrix"}[rows, columns]
    return Tensor(product(operands, inputs, tuple(output)), form)


def vec(a: Any, /) -> Tensor:
    """vec A: the columns of a matrix, one below the other; a vector is its own vec.

    Raises ShapeError for more than two axes.
    """
    t = as_tensor(a)
    if t.form == "tensor":
        raise ShapeError(f"vec of {title(t)}", "give vec a matrix")
    if t.form == "scalar":
        return Tensor(product((t.expr, Ones(1)), ((), (0,)), (0,)))
    if t.form != "matrix":
        return Tensor(t.expr, "column")
    m, n = t.expr.shape
    return Tensor(Einsum((Merge((n, m)), t.expr), ((0, 1, 2), (2, 1)), (0,)))


# ── two and three arguments, entry by entry ──────────────────────────────────────────────


def _together(what: str, *tensors: Tensor) -> tuple[list[Expr], str]:
    """All as expressions of one shape, by the broadcasting of the operators."""
    for one, other in itertools.combinations(tensors, 2):
        align(one, other, what)  # an error names two of what was given
    whole = tensors[0]
    for t in tensors[1:]:
        left, right, form = align(whole, t, what)
        shape = left.shape or right.shape
        whole = Tensor(filled(left, shape), form)
    spread = []
    for t in tensors:
        expr, _, _ = align(t, whole, what)
        spread.append(filled(expr, whole.expr.shape))
    return spread, whole.form


def _of_several(record: Function) -> Callable[..., Tensor]:
    """A function of several arguments, entry by entry, with the operators' broadcasting."""

    def apply(*arguments: Any) -> Tensor:
        if len(arguments) != record.arity:
            raise TypeError(f"{record.name} takes {record.arity} arguments")
        expressions, form = _together(record.name, *map(as_tensor, arguments))
        return Tensor(record(*expressions), form)

    apply.record = record  # type: ignore[attr-defined]
    apply.__name__ = apply.__qualname__ = record.name.rstrip("_")
    apply.__doc__ = f"{apply.__name__}, entry by entry." + (
        f" {record.convention}." if record.convention else ""
    )
    return apply


maximum = _of_several(f.maximum)
minimum = _of_several(f.minimum)
where = _of_several(f.where)
greater = _of_several(f.greater)
greater_equal = _of_several(f.greater_equal)
power = _of_several(f.pow_)

UFUNCS.update(
    {
        "maximum": maximum,
        "minimum": minimum,
        "greater": greater,
        "greater_equal": greater_equal,
        "less": lambda a, b: greater(b, a),
        "less_equal": lambda a, b: greater_equal(b, a),
        "float_power": power,
    }
)


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
        e = record(t.expr)
        return Tensor(recognise_softplus(e) or e, t.form)  # log(1 + exp(u)) is softplus(u)

    apply.record = record  # type: ignore[attr-defined]
    apply.__name__ = apply.__qualname__ = name or getattr(record, "name", "function")
    convention = getattr(record, "convention", "")
    apply.__doc__ = f"{apply.__name__}(x), entry by entry." + (
        f" {convention}." if convention else ""
    )
    return apply


# every function of one argument that has a record and is no piece of another's derivative
LIFTED: dict[str, Callable[[Any], Tensor]] = {
    record.name: lift(record)
    for record in f.FUNCTIONS
    if record.arity == 1 and record not in (f.step, f.length, f.inverse_or_zero, f.nonzero)
}
LIFTED["sqrt"] = lift(f.root, "sqrt")  # of a sum of squares it is the norm
LIFTED["sqrt"].record = f.sqrt  # type: ignore[attr-defined]

NAMED.update(LIFTED, set(__all__) - {"LIFTED", "largest", "lift", "power", "smallest", "total"})
NAMED.update(("max", "min", "sum"))

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
        "absolute": LIFTED["abs"],
        **{
            record.name: LIFTED[record.name]
            for record in f.FUNCTIONS
            if record.name in LIFTED and isinstance(record.evaluate, np.ufunc)
        },
    }
)

square = lift(lambda x: x**2, "square")
reciprocal = lift(f.reciprocal, "reciprocal")
silu, gelu = LIFTED["silu"], LIFTED["gelu"]


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
