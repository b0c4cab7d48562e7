"""Ordinary NumPy functions as programs: run on arrays that record what is computed."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np

from tensorcalc.absent import instead_in_numpy
from tensorcalc.errors import NotSupportedError, TensorCalcError
from tensorcalc.expr import (
    Add,
    Definition,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Special,
    Variable,
    toposort,
)
from tensorcalc.language import Program, parse
from tensorcalc.rewrite.products import (
    absorb_factors,
    drop_ones,
    leave_out_nothing,
    multiply_numbers,
)
from tensorcalc.rewrite.quotients import square_of_length
from tensorcalc.rewrite.recognise import recognise_softmax, recognise_softplus, shift_of_softmax
from tensorcalc.rewrite.sums import open_inner_sums
from tensorcalc.tensor import Tensor
from tensorcalc.tracing.algebra import expand, squeezed
from tensorcalc.tracing.arguments import Arguments, read_arguments, title_of
from tensorcalc.tracing.array import Traced

__all__ = ["program"]


def program(source: Any, shapes: Any = None, /, **named: Any) -> Program:
    """A program from text, or from an ordinary NumPy function; with shapes for its variables.

    Text has lines ``name = expression``, see ``tc.parse``. A function is run without values, and
    once more to see that the same formula comes of it: its arguments become variables, its
    local variables named intermediates, and what it returns is ``result``; a name that is bound
    again counts for the last time. NumPy's own meaning of shapes holds in it, and derivatives
    come in mixed layout by default. Shapes are ints, tuples, names such as ``"k n"`` or arrays,
    by keyword, or as a mapping or pairs; a mapping, list or tuple of shapes stands for an
    argument that holds several arrays. These variables have the name of their key if no other
    has it, else all keys joined by ``_``.

    Raises NotSupportedError for NumPy functions without a formula here and for decisions on
    values, with the line of the function; ShapeError where shapes do not fit; what ``tc.parse``
    raises for text. Other errors of the function come through as they are.

    >>> import tensorcalc as tc
    >>> p = tc.program("v = W @ x; E = norm(v)**2 / 2", W=(5, 4), x=4)
    >>> p.derivative("E", "x")
    ∂E/∂x = vᵀ W : 1 × 4 row gradient, numerator
    >>> def model(W, x):
    ...     v = W @ x
    ...     return (v**2).sum() / 2
    >>> tc.program(model, W=(5, 4), x=4)["v"]
    v = W x : 5 × 1 column
    """
    if not callable(source):
        return parse(source, shapes, **named)
    arguments = read_arguments(source, shapes, named)
    returned, found = _run(source, arguments)
    result = _result(returned, source, arguments)
    _require_repeatable(source, result, read_arguments(source, shapes, named))
    names = _local_names(found, arguments.variables)
    definitions, result = _defined(names, result)
    quantities = {**arguments.variables, **definitions}
    return Program(
        _text(source),
        {name: Tensor(e) for name, e in quantities.items()},
        Tensor(result),
        layout="mixed",
    )


def _text(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return title_of(function)


# ── running it ───────────────────────────────────────────────────────────────────────────


def _code(function: Any) -> CodeType | None:
    """The code whose local variables are read: that of the person's own function."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if not hasattr(function, "__code__") and not inspect.ismethod(function):
        function = getattr(type(function), "__call__", function)  # noqa: B004
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _run(function: Callable[..., Any], arguments: Arguments) -> tuple[Any, dict[str, Any]]:
    """What the function returns, and its local variables at its end."""
    code, found = _code(function), {}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:  # the outermost call returns last
            found.clear()
            own = (*code.co_varnames, *code.co_cellvars)  # type: ignore[union-attr]
            found.update((n, frame.f_locals[n]) for n in own if n in frame.f_locals)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        returned = function(*arguments.positional, **arguments.by_name)
    except (ValueError, TypeError, AttributeError) as error:
        translated = _translated(error)
        if translated is None:
            raise
        raise translated from None
    finally:
        sys.setprofile(before)
    return returned, found


def _require_repeatable(function: Callable[..., Any], result: Expr, again: Arguments) -> None:
    """NotSupportedError where another run gives another formula: random numbers, kept state."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            second = function(*again.positional, **again.by_name)
    except Exception:
        second = None
    if not isinstance(second, Traced) or second.expr is not result:
        raise NotSupportedError(
            f"{title_of(function)} gives another formula when it runs again: it draws random "
            "numbers, or keeps something from run to run",
            "give what changes as an argument with a shape",
        )


def _translated(error: Exception) -> TensorCalcError | None:
    """The error with the line it comes from, if tracing caused it; None for one's own errors."""
    place, outside = _place(error.__traceback__)
    if outside and isinstance(error, TensorCalcError):
        return NotSupportedError(
            f"{place}{outside} is not in the language", instead_in_numpy(outside)
        )
    if isinstance(error, TensorCalcError) and f"({Traced.__name__})" in str(error):
        return NotSupportedError(
            f"{place}a quantity or a function of tensorcalc, applied to an array of the function",
            "write the function with NumPy alone: np.exp(x) for tc.exp(x)",
        )
    if isinstance(error, TensorCalcError):
        return type(error)(f"{place}{error}", error.hint)
    if isinstance(error, AttributeError) and isinstance(error.obj, Traced):
        hint = instead_in_numpy(str(error.name))
        hint = hint or "write it with NumPy's functions, such as np.exp and np.sum"
        return NotSupportedError(f"{place}x.{error.name} of an array is not in the language", hint)
    if "setting an array element" in str(error) and isinstance(error.__cause__, TensorCalcError):
        return NotSupportedError(
            f"{place}an assignment of a traced array into an array of numbers",
            "build the new array with np.stack, np.concatenate or np.where",
        )
    if isinstance(error, TypeError) and Traced.__name__ in str(error):
        words = (
            str(error).replace(f"'{Traced.__name__}'", "array").replace(Traced.__name__, "array")
        )
        return NotSupportedError(f"{place}{words}", "use NumPy's functions and operators on arrays")
    return None


_MACHINERY = (str(Path(__file__).parents[1]), str(Path(np.__file__).parent), "<__array_function__")


def _place(traceback: TracebackType | None) -> tuple[str, str]:
    """Line and function of the innermost call outside the libraries; and whose call it made."""
    place, outside = "", ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if "scipy" in Path(code.co_filename).parts:
            outside = outside or (code.co_name if instead_in_numpy(code.co_name) else "")
        elif not code.co_filename.startswith(_MACHINERY):
            name = "the lambda" if code.co_name == "<lambda>" else code.co_name
            place, outside = f"line {traceback.tb_lineno} of {name}: ", ""
        traceback = traceback.tb_next
    return place, outside


# ── what it gives ────────────────────────────────────────────────────────────────────────


def _result(returned: Any, function: Callable[..., Any], arguments: Arguments) -> Expr:
    where = title_of(function)
    if isinstance(returned, Traced):
        known = set(arguments.variables.values())
        used = set(_variables_below(returned.expr))
        if used and used <= known:
            return returned.expr
        if used:
            raise NotSupportedError(
                f"{where} returns an array that another program made", "compute it from arguments"
            )
    what = type(returned).__name__
    if returned is None:
        raise NotSupportedError(f"{where} returns nothing", "end it with return")
    if isinstance(returned, (tuple, list, Mapping)):
        raise NotSupportedError(
            f"{where} returns a {what} of {len(returned)}",
            "return one array; every local variable is a quantity of the program by its name",
        )
    if inspect.isgenerator(returned) or inspect.iscoroutine(returned):
        returned.close()
        raise NotSupportedError(f"{where} returns a {what}", "use return, not yield or async")
    if isinstance(returned, (Traced, int, float, np.ndarray, np.generic)):
        raise NotSupportedError(
            f"{where} returns a value that does not depend on its arguments",
            "compute it from the arguments",
        )
    raise NotSupportedError(f"{where} returns a {what}", "return one array")


def _variables_below(e: Expr) -> Iterable[Variable]:
    return (node for node in toposort([e]) if isinstance(node, Variable))


def _local_names(found: Mapping[str, Any], variables: Mapping[str, Variable]) -> dict[Expr, str]:
    """The first name of each computed array; arguments have theirs."""
    names: dict[Expr, str] = {}
    for name, value in found.items():
        usable = name.isidentifier() and not name.startswith("_") and name not in variables
        if usable and isinstance(value, Traced) and value.expr not in names:
            below = set(_variables_below(value.expr))
            if below and below <= set(variables.values()) and value.expr not in below:
                names[value.expr] = name
    return names


def _defined(names: Mapping[Expr, str], result: Expr) -> tuple[dict[str, Expr], Expr]:
    """The definitions in order of dependence, and the result, both over these names."""
    done: dict[Expr, Expr] = {}
    definitions: dict[str, Expr] = {}
    for node in toposort([*names, result]):
        whole = node.with_args(tuple(done[a] for a in node.args)) if node.args else node
        whole = _tidied(whole)
        if node in names and not isinstance(whole, (Variable, Definition)):
            whole = definitions[names[node]] = Definition(names[node], whole)
        done[node] = whole
    return definitions, done[result]


def _sum_of_product(e: Expr) -> Expr | None:
    """Σ of a product entry by entry is one sum of products."""
    if not isinstance(e, Einsum) or len(e.operands) != 1:
        return None
    (inner,), (indices,) = e.operands, e.inputs
    if not isinstance(inner, Einsum) or len(set(indices)) != len(indices):
        return None
    largest = max(operand.ndim for operand in inner.operands)
    if inner.summed and not (e.summed and len(inner.dims) == largest):
        return None  # a matrix product stays one: it may be used elsewhere
    place = dict(zip(indices, inner.output, strict=True))
    return Einsum(inner.operands, inner.inputs, tuple(place[i] for i in e.output))


def _thin(e: Expr) -> Expr | None:
    """Axes of size 1 that every argument only has as ones are left to the consumer."""
    axes = [k for k in range(e.ndim) if e.shape[k] == 1 and all(_is_spread(a, k) for a in e.args)]
    if not axes:
        return None
    return expand(e.with_args(tuple(_tidied(squeezed(a, axes)) for a in e.args)), axes)


def _is_spread(e: Expr, axis: int) -> bool:
    if not isinstance(e, Einsum):
        return False
    index = e.output[axis]
    return [o for o, ix in zip(e.operands, e.inputs, strict=True) if index in ix] == [Ones(1)]


_TIDY: dict[type[Expr], tuple[Callable[[Any], Expr | None], ...]] = {
    Einsum: (
        *(leave_out_nothing, absorb_factors, multiply_numbers, drop_ones),
        *(_sum_of_product, square_of_length, recognise_softmax),
    ),
    Add: (_thin, open_inner_sums),
    Elementwise: (_thin, recognise_softplus),
    Special: (shift_of_softmax,),
}


def _tidied(e: Expr) -> Expr:
    """``e`` without what tracing one operation at a time leaves behind; names stay."""
    while True:
        rules = _TIDY.get(type(e), ())
        after = next((new for rule in rules if (new := rule(e)) is not None), None)
        if after is None:
            return e
        e = after
