"""Matrix products and linear algebra, as NumPy reads 1-D, 2-D and stacked arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from tensorcalc import special
from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.expr import Constant, Expr, Merge, Special, SpecialFunction, product
from tensorcalc.shapes import Dim
from tensorcalc.tracing.algebra import expand, expr_of, joined, named, refuse, times
from tensorcalc.tracing.shaping import axes_of, diagonal, from_diagonal, ravel

__all__ = [
    "Slogdet",
    "cross",
    "det",
    "diag",
    "dot",
    "einsum",
    "inner",
    "inv",
    "kron",
    "matmul",
    "matrix_power",
    "matvec",
    "multi_dot",
    "outer",
    "slogdet",
    "solve",
    "tensordot",
    "trace",
    "vdot",
    "vecdot",
    "vecmat",
]


# ── products ─────────────────────────────────────────────────────────────────────────────


def _misfit(attempt: str, a: Expr, b: Expr, hint: str) -> ShapeError:
    return ShapeError(f"{attempt} of {named(a)} and {named(b)}: they do not fit", hint)


def matmul(a: Any, b: Any) -> Expr:
    """a @ b: vectors lose their axis, leading axes are a stack that is broadcast."""
    left, right = expr_of(a), expr_of(b)
    if not left.ndim or not right.ndim:
        raise _misfit("@", left, right, "multiply by a number with *")
    inner_dim = right.shape[-2] if right.ndim > 1 else right.shape[0]
    if left.shape[-1] != inner_dim:
        hint = f"the last axis of {named(left)} must be as long as the rows of {named(right)}"
        raise _misfit("@", left, right, hint)
    rows, joint, columns = -3, -2, -1
    stack = lambda e: tuple(range(e.ndim - 2))[::-1]  # counted from the matrix outwards
    left_in = (*stack(left), rows, joint) if left.ndim > 1 else (joint,)
    right_in = (*stack(right), joint, columns) if right.ndim > 1 else (joint,)
    deeper = max(stack(left), stack(right), key=len)
    output = (*deeper, *(i for i in (rows, columns) if i in left_in + right_in))
    return joined("@", (left, right), (left_in, right_in), output)


def dot(a: Any, b: Any) -> Expr:
    """np.dot: the last axis of a with the second to last of b."""
    left, right = expr_of(a), expr_of(b)
    if not left.ndim or not right.ndim:
        return times(left, right)
    return tensordot_axes("np.dot", left, right, [left.ndim - 1], [max(right.ndim - 2, 0)])


def inner(a: Any, b: Any) -> Expr:
    """np.inner: the last axes of both."""
    left, right = expr_of(a), expr_of(b)
    if not left.ndim or not right.ndim:
        return times(left, right)
    return tensordot_axes("np.inner", left, right, [left.ndim - 1], [right.ndim - 1])


def vdot(a: Any, b: Any) -> Expr:
    """np.vdot: of all entries in order."""
    return tensordot_axes("np.vdot", ravel(a), ravel(b), [0], [0])


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Expr:
    """np.vecdot: the sums of products along the last axis, stacks broadcast."""
    left, right = expr_of(x1), expr_of(x2)
    if axis != -1:
        raise refuse("np.vecdot along another axis than the last", "move that axis last")
    if not left.ndim or not right.ndim or left.shape[-1] != right.shape[-1]:
        raise _misfit("np.vecdot", left, right, "give last axes of one size")
    places = [tuple(range(e.ndim))[::-1] for e in (left, right)]
    return joined("np.vecdot", (left, right), places, max(places, key=len)[:-1])


def matvec(a: Any, x: Any) -> Expr:
    """np.matvec: stacked matrices times stacked vectors."""
    vector = expr_of(x)
    return _without_last(matmul(a, expand(vector, [vector.ndim])), -1)


def vecmat(x: Any, a: Any) -> Expr:
    """np.vecmat: stacked vectors times stacked matrices."""
    vector = expr_of(x)
    return _without_last(matmul(expand(vector, [vector.ndim - 1]), a), -2)


def _without_last(e: Expr, axis: int) -> Expr:
    kept = tuple(k for k in range(e.ndim) if k != e.ndim + axis)
    return product((e,), (tuple(range(e.ndim)),), kept)


def outer(a: Any, b: Any) -> Expr:
    """np.outer: of all entries in order."""
    return product((ravel(a), ravel(b)), ((0,), (1,)), (0, 1))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Expr:
    """np.tensordot: the last ``axes`` of a with the first of b, or axes by number."""
    left, right = expr_of(a), expr_of(b)
    attempt = f"np.tensordot of {named(left)} and {named(right)}"
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(left.ndim, right.ndim):
            raise ShapeError(f"{attempt} over {axes} axes", "sum over axes that both have")
        return tensordot_axes(
            "np.tensordot", left, right, range(left.ndim - axes, left.ndim), range(axes)
        )
    first, second = axes
    return tensordot_axes(
        "np.tensordot",
        left,
        right,
        axes_of(first, left.ndim, attempt),
        axes_of(second, right.ndim, attempt),
    )


def tensordot_axes(
    attempt: str, a: Expr, b: Expr, first: Sequence[int], second: Sequence[int]
) -> Expr:
    """The sum over pairs of axes, which must have one size; then a's other axes, then b's."""
    if [a.shape[k] for k in first] != [b.shape[k] for k in second]:
        raise _misfit(attempt, a, b, "the axes that are summed must have one size")
    left = tuple(range(a.ndim))
    right = [a.ndim + k for k in range(b.ndim)]
    for i, j in zip(first, second, strict=True):
        right[j] = i
    summed = set(first)
    output = [i for i in (*left, *right) if i not in summed]
    return product((a, b), (left, tuple(right)), tuple(output))


def multi_dot(arrays: Sequence[Any]) -> Expr:
    """np.linalg.multi_dot."""
    whole = expr_of(arrays[0])
    for array in arrays[1:]:
        whole = matmul(whole, array)
    return whole


def kron(a: Any, b: Any) -> Expr:
    """np.kron: block (i, j) is a[i, j] b; the shorter shape is filled with leading ones."""
    left, right = expr_of(a), expr_of(b)
    ndim = max(left.ndim, right.ndim)
    operands: list[Expr] = [left, right]
    inputs: list[tuple[int, ...]] = [(), ()]
    output: list[int] = []
    for axis in range(ndim):
        there = [
            (k, e.shape[axis - ndim + e.ndim])
            for k, e in enumerate((left, right))
            if axis - ndim + e.ndim >= 0
        ]
        for k, _ in there:
            inputs[k] = (*inputs[k], 3 * axis + k)
        if len(there) == 1:
            output.append(3 * axis + there[0][0])
        else:
            operands.append(Merge(tuple(dim for _, dim in there)))
            inputs.append((3 * axis + 2, 3 * axis, 3 * axis + 1))
            output.append(3 * axis + 2)
    return product(operands, inputs, tuple(output))


def cross(a: Any, b: Any) -> Expr:
    """np.cross of vectors of three entries in the last axis."""
    left, right = expr_of(a), expr_of(b)
    if not (left.ndim and right.ndim and left.shape[-1] == right.shape[-1] == 3):
        raise _misfit("np.cross", left, right, "give vectors of three entries")
    turn = np.zeros((3, 3, 3))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        turn[i, j, k], turn[i, k, j] = 1, -1
    stack = tuple(range(max(left.ndim, right.ndim) - 1))[::-1]
    places = [(*stack[len(stack) - e.ndim + 1 :], -1 - k) for k, e in enumerate((left, right))]
    return joined("np.cross", (Constant(turn), left, right), ((-3, -1, -2), *places), (*stack, -3))


# ── einsum ───────────────────────────────────────────────────────────────────────────────


def einsum(*operands: Any) -> Expr:
    """np.einsum with letters, with or without "->", or with lists of indices."""
    if not operands or not isinstance(operands[0], str):
        return _einsum_by_lists(operands)
    subscripts, *arrays = operands
    exprs = list(map(expr_of, arrays))
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    words: list[Any] = [_letters(word) for word in inputs.split(",")]
    return _einsum(subscripts, exprs, words, _letters(output) if arrow else None)


def _letters(word: str) -> list[Any]:
    return [Ellipsis if part == "." else part for part in word.replace("...", ".")]


def _einsum_by_lists(operands: Sequence[Any]) -> Expr:
    pairs, last = list(zip(operands[::2], operands[1::2], strict=False)), len(operands) % 2
    exprs = [expr_of(e) for e, _ in pairs]
    output = list(operands[-1]) if last else None
    return _einsum("index lists", exprs, [list(ix) for _, ix in pairs], output)


def _einsum(what: str, exprs: list[Expr], words: list[list[Any]], output: Any) -> Expr:
    attempt = f"np.einsum({what!r}) of {' and '.join(map(named, exprs))}"
    if len(words) != len(exprs):
        raise ShapeError(attempt, "write one word of letters per array")
    if output is None:  # NumPy's rule: what stands once, in order of the alphabet
        every = [i for word in words for i in word if i is not Ellipsis]
        output = [Ellipsis] * any(Ellipsis in word for word in words)
        output += sorted(i for i in set(every) if every.count(i) == 1)
    spread = [_spread(word, e, attempt) for word, e in zip(words, exprs, strict=True)]
    deepest = max(
        (e.ndim - len(w) + 1 for w, e in zip(words, exprs, strict=True) if Ellipsis in w), default=0
    )
    result = [
        i for o in output for i in ([(k,) for k in range(deepest)][::-1] if o is Ellipsis else [o])
    ]
    number: dict[Any, int] = {}
    inputs = [[number.setdefault(i, len(number)) for i in word] for word in spread]
    if any(i not in number for i in result) or len(set(result)) != len(result):
        raise ShapeError(attempt, "the output has each letter once, and only letters of the inputs")
    return joined(f"np.einsum({what!r})", exprs, inputs, [number[i] for i in result])


def _spread(word: list[Any], e: Expr, attempt: str) -> list[Any]:
    """One index per axis: "..." stands for those that are left, counted from the last."""
    left = e.ndim - len(word) + 1
    if (Ellipsis not in word and left != 1) or left < 0 or word.count(Ellipsis) > 1:
        raise ShapeError(
            f"{attempt}: {named(e)} has {e.ndim} ax{'i' if e.ndim == 1 else 'e'}s",
            "write one letter per axis",
        )
    whole = []
    for i in word:
        whole += [(k,) for k in range(left)][::-1] if i is Ellipsis else [i]
    return whole


# ── linear algebra ───────────────────────────────────────────────────────────────────────


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """np.trace: the sum of the diagonal."""
    e = diagonal(a, offset, axis1, axis2, what="trace")
    return product((e,), (tuple(range(e.ndim)),), tuple(range(e.ndim - 1)))


def diag(v: Any, k: int = 0) -> Expr:
    """np.diag: the matrix of a vector, or the diagonal of a matrix."""
    e = expr_of(v)
    if e.ndim not in (1, 2):
        raise ShapeError(f"np.diag of {named(e)}", "give a vector or a matrix")
    return from_diagonal(e, k) if e.ndim == 1 else diagonal(e, k)


def _of_matrix(record: SpecialFunction, a: Any, what: str) -> Expr:
    e = expr_of(a)
    if e.ndim < 2 or e.shape[-1] != e.shape[-2]:
        raise ShapeError(f"np.linalg.{what} of {named(e)}", "give square matrices")
    return Special(record, e)


def inv(a: Any) -> Expr:
    """np.linalg.inv."""
    return _of_matrix(special.inv, a, "inv")


def det(a: Any) -> Expr:
    """np.linalg.det."""
    return _of_matrix(special.det, a, "det")


class Slogdet(NamedTuple):
    """What np.linalg.slogdet returns; only the logarithm can be differentiated."""

    sign: Any
    logabsdet: Any


def slogdet(a: Any) -> Slogdet:
    """np.linalg.slogdet: log |det a| as second entry."""
    return Slogdet(Sign(), _of_matrix(special.logdet, a, "slogdet"))


class Sign:
    """The sign of a determinant, which may be ignored and nothing else."""

    __array_ufunc__ = None

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotSupportedError(
            "the sign of a determinant is not in the language: its derivative is 0 or undefined",
            "use the second entry, log |det a|, alone",
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __float__ = __int__ = __array__ = _refuse
    __array_function__ = __getitem__ = __abs__ = __format__ = _refuse


def solve(a: Any, b: Any) -> Expr:
    """np.linalg.solve: a⁻¹ b, for a vector or (stacks of) matrices b."""
    left, right = expr_of(a), expr_of(b)
    inverse = _of_matrix(special.inv, left, "solve")
    rows: Dim | None = right.shape[-2 if right.ndim > 1 else 0] if right.ndim else None
    if rows != left.shape[-1]:
        raise _misfit("np.linalg.solve", left, right, f"give b with {left.shape[-1]} rows")
    return matmul(inverse, right)


def matrix_power(a: Any, n: int) -> Expr:
    """np.linalg.matrix_power, for whole numbers n."""
    base = expr_of(a)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or abs(n) > 64:
        raise refuse(f"np.linalg.matrix_power to {n!r}", "give a whole number up to 64")
    if n == 0:
        raise refuse("np.linalg.matrix_power to 0", "write np.eye(n)")
    if n < 0 or base.ndim < 2 or base.shape[-1] != base.shape[-2]:
        base = _of_matrix(special.inv, base, "matrix_power")
    whole = base
    for _ in range(abs(int(n)) - 1):
        whole = matmul(whole, base)
    return whole
