"""Numbers from quantities and derivatives: compile, evaluate, and apply to increments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tensorcalc.backends import compile_for
from tensorcalc.chain import differentiate, known_adjoints
from tensorcalc.codegen import CompiledFunction, Output, compile_outputs
from tensorcalc.codegen.determinants import as_written, by_minors, minor_forms, with_names_of
from tensorcalc.codegen.domains import refuse_nan, refuse_undefined
from tensorcalc.codegen.exponentials import exponential_forms
from tensorcalc.codegen.memory import too_large
from tensorcalc.derivative import Derivative, gradient
from tensorcalc.errors import NotSupportedError, ShapeError, TensorCalcError
from tensorcalc.expr import Definition, Expr, Variable, product
from tensorcalc.options import with_known_options
from tensorcalc.shapes import format_shape
from tensorcalc.simplify import simplify, substitute
from tensorcalc.structure import quantity_names
from tensorcalc.tensor import Tensor, as_tensor
from tensorcalc.values import Values, computation, given_values, read_array, read_values
from tensorcalc.wording import name_of, titled

__all__ = [
    "apply",
    "compile_derivative",
    "compile_several",
    "compile_tensor",
    "evaluate",
    "evaluate_tensor",
    "hvp",
    "jvp",
    "vjp",
]

MAX_BYTES = 2**31


# ── compiling ────────────────────────────────────────────────────────────────────────────


def derivative_output(d: Derivative, *, structured: bool = False) -> Output:
    """What a compiled function is to return for a derivative."""
    argument = d.arguments[0].expr
    as_given = d.own_shape and d.arguments[0].form != "row"
    like = argument.name if as_given and isinstance(argument, Variable) else None
    place = d.layout_view.place(d.of.expr.ndim, [a.expr.ndim for a in d.arguments])
    if d.own_shape and d.arguments[0].form == "row":
        place = (None, *place)
    rows = _row_axes(d) if structured and d.value.ndim > 1 else None
    link = (d.of.expr, argument) if len(d.arguments) == 1 else None
    return Output(_computed_form(d), place, d.title, d.universe, like, rows, link, _values_of(d))


def _values_of(d: Derivative) -> tuple[Expr, ...]:
    """The quantities whose derivatives a derivative is made of."""
    links = (link.of.expr for c in d.contributions for link in c.links)
    return tuple(dict.fromkeys((d.of.expr, *links)))


def _row_axes(d: Derivative) -> int:
    """How many axes of the layout are the rows of a linear map, those of the argument its columns.

    For a scalar these are those of the first argument, or the first axis of its gradient.
    """
    value, arguments = d.of.expr.ndim, [a.expr.ndim for a in d.arguments]
    if not value:
        return arguments[0] if len(arguments) > 1 and arguments[0] else 1
    return sum(arguments) if d.layout == "denominator" else value


def _computed_form(d: Derivative) -> Expr:
    """The value, or a form of it from which better numbers come."""
    links = [link for c in d.contributions for link in c.links]
    if len(links) > 1 or links[0].given or links[0].value is not d.value:
        return d.value
    (link,) = links
    return by_minors(link.of.expr, [w.expr for w in link.wrt], link.held, d.value)


def quantity_output(t: Tensor) -> Output:
    """What a compiled function is to return for a quantity."""
    return Output(t.expr, _place(t), name_of(t), (t.expr,))


def _place(t: Tensor) -> tuple[int | None, ...]:
    """Where the axes of a quantity stand: a row is 1 × n."""
    place = tuple(range(t.expr.ndim))
    return (None, *place) if t.form == "row" else place


@with_known_options("compile of a derivative")
def compile_derivative(
    d: Derivative,
    /,
    name: str | None = None,
    *,
    reuse_buffers: bool = False,
    structured: bool = False,
    backend: str = "numpy",
) -> CompiledFunction:
    """A plain NumPy function of this derivative in this layout; see its ``source``.

    With ``reuse_buffers`` the result lies in memory that the next call overwrites. With
    ``structured`` a derivative of two axes or more comes as a ``StructuredArray`` of its factors.
    ``backend`` is the library it is written for: numpy, numba, jax, torch or array_api.
    """
    if name is None and not reuse_buffers and not structured and backend == "numpy":
        if d.compiled is None:
            d.compiled = _compiled([derivative_output(d)], _function_name(d), [d])
        return d.compiled
    name = _function_name(d) if name is None else name
    output = derivative_output(d, structured=structured)
    return _compiled([output], name, [d], backend, reuse_buffers=reuse_buffers)


def _compiled(
    outputs: Sequence[Output],
    name: str,
    derivatives: Iterable[Derivative],
    backend: str = "numpy",
    **options: bool,
) -> CompiledFunction:
    return compile_for(backend, outputs, name, _names_of_adjoints(derivatives), **options)


@with_known_options("compile of a quantity")
def compile_tensor(
    t: Tensor,
    /,
    name: str | None = None,
    *,
    reuse_buffers: bool = False,
    backend: str = "numpy",
) -> CompiledFunction:
    """A plain NumPy function of this quantity.

    With ``reuse_buffers`` the result lies in memory that the next call overwrites. ``backend`` is
    the library it is written for: numpy, numba, jax, torch or array_api.
    """
    name = name or t.name or "value"
    return compile_for(backend, [quantity_output(t)], name, reuse_buffers=reuse_buffers)


@with_known_options("tc.compile")
def compile_several(
    items: Any,
    name: str = "compute",
    *,
    reuse_buffers: bool = False,
    structured: bool = False,
    backend: str = "numpy",
) -> CompiledFunction:
    """One function for several quantities and derivatives; shared work is done once.

    Returns a tuple in the order given (one array for a single quantity or derivative). With
    ``reuse_buffers`` the arrays lie in memory that the next call of the same thread overwrites:
    copy what is to be kept. With ``structured`` derivatives of two axes or more come as
    ``StructuredArray`` objects: their factors in place of their entries. ``backend`` is the library
    it is written for: numpy, numba, jax, torch or array_api; see docs/compile.md.
    Raises TensorCalcError for anything else or an unknown backend, NameClashError if a name has
    two meanings.
    """
    several = isinstance(items, (list, tuple))
    listed = list(items) if several else [items]
    strange = [item for item in listed if not isinstance(item, (Tensor, Derivative))]
    if strange or not listed:
        what = type(strange[0]).__name__ if strange else "nothing"
        raise TensorCalcError(
            f"compile of {what}, which is neither a quantity nor a derivative",
            "give quantities and derivatives, such as tc.compile([E, tc.gradient(E, W)])",
        )
    outputs = [
        derivative_output(item, structured=structured)
        if isinstance(item, Derivative)
        else quantity_output(item)
        for item in listed
    ]
    derivatives = [item for item in listed if isinstance(item, Derivative)]
    options = {"several": several, "reuse_buffers": reuse_buffers}
    return _compiled(outputs, name, derivatives, backend, **options)


def _names_of_adjoints(items: Iterable[Derivative]) -> dict[Expr, str]:
    """Names in generated code: dv for the derivative by v."""
    names: dict[Expr, str] = {}
    for of in dict.fromkeys(d.of.expr for d in items):
        for node, value in known_adjoints(of):
            if isinstance(node, Definition) and node is not of and value.args:
                names.setdefault(value, "d" + node.name)
    return names


def _function_name(d: Derivative) -> str:
    of = d.of.name or "value"
    by = "_d".join(a.name or "u" for a in d.arguments)
    return f"grad_{of}_{by}" if d.own_shape else f"d{of}_d{by}"


# ── evaluating ───────────────────────────────────────────────────────────────────────────


def evaluate(
    d: Derivative,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    layout: str | None = None,
    max_bytes: float = MAX_BYTES,
    **named: Any,
) -> np.ndarray:
    """The dense array of exactly ``shape``, for values given by name or as a mapping.

    Raises MemoryLimitError, before anything is computed, if the array or what is computed on
    the way takes more than ``max_bytes``; MissingValueError, ShapeError or ValueNotAllowedError
    for values that are absent, do not fit, or are no finite real numbers.
    """
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, (int, float)):
        raise TensorCalcError(
            f"max_bytes={max_bytes!r}", "give a number of bytes, such as max_bytes=2**31"
        )
    if layout is not None:
        return evaluate(d.to(layout), values, max_bytes=max_bytes, **named)
    if d.dense_nbytes is not None and d.dense_nbytes > max_bytes:
        raise too_large(d.title, d.shape, d.dense_nbytes, max_bytes)
    run = compile_derivative(d)
    checked = _checked(run, given_values(values, named), max_bytes)
    return _defined(d, checked, run, len(d.arguments))


def evaluate_tensor(
    t: Tensor,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    max_bytes: float = MAX_BYTES,
    **named: Any,
) -> np.ndarray:
    """The value as an array of the quantity's shape, for values by name or as a mapping.

    Raises the errors of ``Derivative.evaluate``.
    """
    run = compile_tensor(t)
    checked = _checked(run, given_values(values, named), max_bytes)
    with np.errstate(invalid="ignore"):
        result = run.run(checked)
    if result.size and np.isnan(result.min()):
        refuse_undefined(name_of(t), (t.expr,), t.expr, 0, checked)
        refuse_nan(name_of(t), result)
    return result


def _checked(run: CompiledFunction, given: Mapping[str, Any], max_bytes: float) -> Values:
    checked = run.read(given, finite=True)
    run.require_memory(checked.sizes, max_bytes)
    return checked


def _defined(d: Derivative, values: Values, run: CompiledFunction, order: int) -> np.ndarray:
    """The numbers of a formula, where what it is derived from has a value and a derivative."""
    refuse_undefined(d.title, d.universe, run.outputs[0].expr, order, values)
    with np.errstate(invalid="ignore"):
        result = run.run(values)
    refuse_nan(d.title, result)
    return result


# ── applying to increments ───────────────────────────────────────────────────────────────


def apply(d: Derivative, /, *increments: Any, at: Mapping[str, Any] | None = None) -> Any:
    """[∂f/∂X]·ΔX, contracted over every axis of X: the change of the value, as eq. (3).

    ``increments`` has one array of the argument's shape per argument; the result has the
    value's shape. An increment may be a quantity; then the result is one. Raises ShapeError
    for an increment of another shape. Source: Johnston 2020, eq. (3).
    """
    if len(increments) != len(d.arguments):
        raise ShapeError(
            f"{d.title} applied to {len(increments)} increments",
            f"give one for each of {', '.join(map(name_of, d.arguments))}",
        )
    return _contracted(d, d.arguments, increments, at, last=True)


def jvp(d: Derivative, tangent: Any, /, at: Mapping[str, Any] | None = None) -> Any:
    """The Jacobian times a tangent of the argument's shape: the same as ``apply``.

    Raises the errors of ``apply``.
    """
    return apply(d, tangent, at=at)


def vjp(d: Derivative, cotangent: Any, /, at: Mapping[str, Any] | None = None) -> Any:
    """A cotangent of the value's shape times the Jacobian: an array of the argument's shape.

    Raises ShapeError for a cotangent of another shape.
    """
    return _contracted(d, (d.of,), (cotangent,), at, last=False)


def hvp(of: Any, wrt: Any, tangent: Any, /, at: Mapping[str, Any] | None = None) -> Any:
    """The Hessian of a scalar times a tangent, [∂²of/∂wrt²]·ΔX, without the Hessian.

    Differentiates the directional derivative; the result has the argument's shape, and is a
    quantity if the tangent is one. Raises NotSupportedError for a value with axes.
    Source: Pearlmutter 1994.
    """
    if isinstance(of, Tensor) and of.expr.ndim:
        raise NotSupportedError(
            f"the Hessian of {titled(of)}: only a scalar has one",
            "give tc.hvp a scalar, or use tc.derivative(v, x, x).apply(…)",
        )
    slope = gradient(of, wrt)
    x = slope.arguments[0]
    # the tangent stays as it is, and a name means nothing but itself: variables for both
    moved = _increment(x, tangent, quantity_names(slope.universe), symbolic=False)
    alone = Variable(f"{x.name} alone", x.expr.shape)
    axes = tuple(range(x.expr.ndim))
    of = substitute(slope.of.expr, {x.expr: alone})
    minors = minor_forms(of, 2)
    forms = {**minors, **exponential_forms(of, frozenset())}
    first = differentiate(substitute(of, forms), alone)
    directional = simplify(product((first, moved), (axes, axes), ()))
    value = as_written(differentiate(directional, alone), minors)
    value = with_names_of([of], value, forms)
    value = substitute(value, {alone: x.expr})
    if isinstance(tangent, Tensor):
        given = _increment(x, tangent, set(), symbolic=True)
        return Tensor(simplify(substitute(value, {moved: given})), x.form)
    assert isinstance(moved, Variable)
    what = f"the Hessian of {name_of(slope.of)} by {x.name} times a tangent"
    increments = {moved: _lying(x, tangent)}
    return _numbers(slope, Tensor(value, x.form), increments, at, what, order=2)


def _contracted(
    d: Derivative,
    sides: Sequence[Tensor],
    given: Sequence[Any],
    at: Mapping[str, Any] | None,
    *,
    last: bool,
) -> Any:
    """The derivative with its last axes (or first) summed against increments."""
    symbolic = any(isinstance(g, Tensor) for g in given)
    taken = quantity_names(d.universe)
    factors = []
    for side, value in zip(sides, given, strict=True):
        factors.append(_increment(side, value, taken, symbolic=symbolic))
    axes = tuple(range(d.value.ndim))
    split = d.of.expr.ndim
    kept, summed = (axes[:split], axes[split:]) if last else (axes[split:], axes[:split])
    inputs, start = [axes], 0
    for factor in factors:
        inputs.append(summed[start : start + factor.ndim])
        start += factor.ndim
    form = d.of.form if last else d.arguments[0].form if len(d.arguments) == 1 else None
    result = Tensor(simplify(product((_computed_form(d), *factors), inputs, kept)), form)
    if symbolic:
        return result
    variables = [factor for factor in factors if isinstance(factor, Variable)]
    increments = dict(zip(variables, map(_lying, sides, given), strict=True))
    return _numbers(d, result, increments, at, order=len(d.arguments))


def _increment(side: Tensor, value: Any, taken: set[str], *, symbolic: bool) -> Expr:
    """The increment as a quantity; a variable of its own for an array."""
    if not symbolic:
        name = f"Δ{side.name or ''}"
        while name in taken:
            name += "_"
        taken.add(name)
        return Variable(name, side.expr.shape)
    t = as_tensor(value)
    if t.expr.shape != side.expr.shape:
        raise ShapeError(
            f"the increment of {titled(side)} given as {format_shape(t.shape)}",
            f"give it the shape {format_shape(side.shape)}",
        )
    return t.expr


def _lying(side: Tensor, value: Any) -> Any:
    """An increment of a row, given as 1 × n, as its n numbers."""
    if side.form != "row":
        return value
    array = read_array(f"Δ{side.name or ''}", value, finite=False)
    return array[0] if array.ndim == 2 and array.shape[0] == 1 else array


def _numbers(
    d: Derivative,
    result: Tensor,
    increments: Mapping[Variable, Any],
    at: Mapping[str, Any] | None,
    what: str = "",
    *,
    order: int,
) -> np.ndarray:
    universe = (*d.universe, result.expr)
    output = Output(result.expr, _place(result), f"[{d.title}]", universe, values=_values_of(d))
    run = compile_outputs([output], "apply")
    named = {variable.name: variable for variable in increments}
    given = {variable.name: value for variable, value in increments.items()}
    checked = read_values(
        dict.fromkeys([*run.arguments, *named]),
        {**computation(universe), **named},  # a result may contain no increment any more
        {**given_values(at, {}), **given},
        finite=True,
        what=what or f"{d.title} applied to an increment",
        giving="at=dict({})",
    )
    return _defined(d, checked, run, order)
