"""Derivative objects: ∂of/∂wrt with its axes known, chained by ``@`` and summed by ``+``.

The value is stored once, with the axes of ``of`` and then those of ``wrt``; a layout is a view
of it. ``@`` is the chain rule: it joins the argument of the left with the value of the right
when they are the same quantity, not merely of the same size. A product is the contribution of
one path; ``+`` adds contributions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from tensorcalc.chain import adjoint, differentiate, differentiate_in_turn
from tensorcalc.compile import CompiledFunction, Output, compile_outputs
from tensorcalc.compile.callable import too_large
from tensorcalc.display import expression_latex, expression_text
from tensorcalc.display.derivative import (
    View,
    entry_text,
    formula,
    letters_of,
    title_latex,
    title_text,
)
from tensorcalc.display.spelling import LATEX, TEXT
from tensorcalc.errors import (
    ChainError,
    LayoutError,
    NotSupportedError,
    ShapeError,
    TensorCalcError,
)
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Expr,
    Select,
    Variable,
    add,
    contract,
    identity,
    is_zero,
    product,
    toposort,
)
from tensorcalc.layout import Layout, read_layout
from tensorcalc.shapes import Shape, format_shape
from tensorcalc.simplify import rewrites, simplify
from tensorcalc.steps import Step
from tensorcalc.tensor import Tensor, as_tensor
from tensorcalc.values import computation, given_values, read_values

__all__ = [
    "Contribution",
    "Derivative",
    "Link",
    "compile_all",
    "derivative",
    "evaluate_tensor",
    "from_array",
    "gradient",
    "hessian",
    "jacobian",
]

MAX_BYTES = 2**31


@dataclass(frozen=True)
class Link:
    """One factor of a chain: ∂of/∂wrt with ``held`` fixed, or an array somebody gave."""

    of: Tensor
    wrt: tuple[Tensor, ...]
    held: frozenset[Expr]
    value: Expr
    given: bool = False

    @property
    def title(self) -> str:
        """∂E/∂W."""
        return title_text(_name(self.of), [_name(w) for w in self.wrt])


@dataclass(frozen=True)
class Contribution:
    """A number times a chain of links: what one path contributes."""

    number: float
    links: tuple[Link, ...]


class Derivative:
    """∂of/∂wrt as a structured object: nothing dense is made until it is evaluated.

    Made by ``tc.derivative``, ``tc.gradient``, ``tc.jacobian``, ``tc.from_array``, by ``@``
    (the chain rule) and ``+`` (the sum over paths). ``value`` is the expression with the axes
    of ``of`` and then those of ``wrt``; ``layout`` says how it is shown and evaluated.
    """

    __array_ufunc__ = None
    __array_priority__ = 100

    def __init__(
        self,
        of: Tensor,
        arguments: tuple[Tensor, ...],
        value: Expr,
        contributions: tuple[Contribution, ...],
        *,
        layout: Layout,
        own_shape: bool = False,
        placeholders: frozenset[Expr] = frozenset(),
        literal: Expr | None = None,
    ) -> None:
        expected = of.expr.shape + tuple(d for a in arguments for d in a.expr.shape)
        assert value.shape == expected, "a derivative has the axes of its value and argument"
        self.of = of
        self.arguments = arguments
        self.value = value
        self.contributions = contributions
        self._layout = layout
        self._own_shape = own_shape
        self._placeholders = placeholders
        self.literal = value if literal is None else literal
        self._compiled: CompiledFunction | None = None

    # ── what it is ──

    @property
    def wrt(self) -> Tensor | tuple[Tensor, ...]:
        """The quantity differentiated by; a tuple for a second derivative."""
        return self.arguments[0] if len(self.arguments) == 1 else self.arguments

    @property
    def layout(self) -> str:
        """The name of the layout: numerator, denominator or mixed."""
        return self._layout.name

    @property
    def shape(self) -> Shape:
        """The shape in this layout: numbers, or names where dimensions are named."""
        return self._layout.shape(self.of.expr.shape, [a.expr.shape for a in self.arguments])

    @property
    def ndim(self) -> int:
        """The number of axes in this layout."""
        return len(self.shape)

    @property
    def title(self) -> str:
        """∂E/∂W, as text."""
        return title_text(_name(self.of), [_name(a) for a in self.arguments])

    @property
    def kind(self) -> str:
        """The field's word for it: row gradient, Jacobian, 3-tensor, …"""
        value, argument = self.of.expr.ndim, sum(a.expr.ndim for a in self.arguments)
        if len(self.arguments) == 2 and value == 0:
            return "Hessian" if argument else "second derivative"
        row = "row gradient" if self.layout == "numerator" else "gradient"
        names = {
            (0, 0): "derivative",
            (1, 0): "tangent vector",
            (2, 0): "tangent matrix",
            (0, 1): row,
            (0, 2): "matrix gradient",
            (1, 1): "Jacobian",
        }
        return names.get((value, argument), f"{value + argument}-tensor")

    @property
    def structure(self) -> str:
        """'zero', 'identity', 'diagonal', 'block diagonal', 'outer product' or 'dense'.

        'block diagonal': a delta ties an axis of the value to one of the argument.
        """
        return _structure(self.value, self.of.expr.ndim)

    @property
    def dense_nbytes(self) -> int | None:
        """Bytes of the dense float64 array; None while a dimension has only a name."""
        sizes = [dim for dim in self.value.shape if isinstance(dim, int)]
        return 8 * math.prod(sizes) if len(sizes) == self.value.ndim else None

    @property
    def entries_used(self) -> int | None:
        """How many entries can differ from zero, where deltas say so and sizes are numbers."""
        if self.dense_nbytes is None:
            return None
        whole = self.dense_nbytes // 8
        if is_zero(self.value):
            return 0
        for dim in _tied_dims(self.value):
            whole //= int(dim)
        return whole

    def entry(self) -> str:
        """One entry in index letters: ``'x_i δ_j'``; for ∂v/∂W ``'x_i if k = j else 0'``.

        k is an axis of the value, j and i are row and column of a matrix argument; δ is the
        derivative by the intermediate through which the argument acts.
        """
        return entry_text(self.view, self._helper_names())

    def _helper_names(self) -> dict[Expr, str]:
        """δ for a compound adjoint that the value is a product with."""
        if not isinstance(self.value, Einsum) or self.of.expr.ndim:
            return {}
        adjoints = {
            adjoint(self.of.expr, node): node
            for node in toposort([self.of.expr])
            if isinstance(node, Definition) and node is not self.of.expr
        }
        found = [
            operand
            for operand in self.value.operands
            if operand in adjoints and isinstance(operand, Einsum) and operand.ndim
        ]
        return {found[0]: "δ"} if len(set(found)) == 1 else {}

    @property
    def via(self) -> tuple[Tensor, ...]:
        """The quantities at which factors were joined by ``@``."""
        joined = [link.of for c in self.contributions for link in c.links[1:]]
        return tuple(dict.fromkeys(joined))

    @property
    def is_partial(self) -> bool:
        """Whether other paths than those via the joined quantities reach the argument."""
        if len(self.contributions) != 1 or any(n.given for n in self.contributions[0].links):
            return False
        links = self.contributions[0].links
        stops = [links[0].of.expr, *(link.wrt[0].expr for link in links)]
        return len(links) > 1 and any(
            link.held or not is_zero(differentiate(start, end, [middle]))
            for link, start, middle, end in zip(links, stops, stops[1:], stops[2:], strict=False)
        )

    # ── views ──

    @property
    def view(self) -> View:
        """The value as this layout shows it, for printing."""
        ndims = tuple(a.expr.ndim for a in self.arguments)
        place = self._layout.place(self.of.expr.ndim, ndims)
        return View(self.value, self.of.expr.ndim, ndims, place, _taken_letters(self.universe))

    def to(self, layout: str) -> Derivative:
        """The same derivative in another layout; LayoutError for an unknown one."""
        return self._like(layout=read_layout(layout), own_shape=False)

    @property
    def gradient(self) -> Derivative:
        """The derivative of a scalar in the argument's own shape, for an update step."""
        if self.of.expr.ndim or len(self.arguments) > 1:
            raise NotSupportedError(
                f"the gradient of {_titled(self.of)} by {_name(self.arguments[0])}: only a scalar "
                "has one",
                f"use the derivative itself, a {self.kind}",
            )
        return self._like(layout=read_layout("mixed"), own_shape=True)

    def _like(self, **changes: Any) -> Derivative:
        whole: dict[str, Any] = {
            "layout": self._layout,
            "own_shape": self._own_shape,
            "placeholders": self._placeholders,
        }
        return Derivative(
            changes.pop("of", self.of),
            self.arguments,
            changes.pop("value", self.value),
            changes.pop("contributions", self.contributions),
            **{**whole, **changes},
        )

    def __getitem__(self, index: int) -> Derivative:
        """Slice ``index`` along the first axis of the value: the derivative of one entry."""
        if self.layout == "denominator":
            raise LayoutError(
                f"{self.title}[{index!r}] in denominator layout, where the value's axis is last",
                f'slice another view: .to("numerator")[{index!r}]',
            )
        if not self.of.expr.ndim:
            raise ShapeError(
                f"{self.title}[{index!r}]: a scalar has no axis to slice",
                "evaluate it and slice the array",
            )
        dim = self.of.expr.shape[0]
        if not isinstance(index, (int, np.integer)) or isinstance(index, bool):
            raise ShapeError(f"{self.title}[{index!r}]", "slice by one whole number, as in d[0]")
        k = int(index) + (dim if index < 0 and isinstance(dim, int) else 0)
        if k < 0 or (isinstance(dim, int) and k >= dim):
            raise ShapeError(
                f"{self.title}[{index}]: its first axis has size {dim}",
                f"choose a slice from 0 to {dim}" + (" − 1" if isinstance(dim, str) else ""),
            )
        of = Tensor(Select(self.of.expr, 0, k))
        links = Link(of, self.arguments, self._held(), Select(self.value, 0, k))
        return self._like(
            of=of,
            value=simplify(Select(self.value, 0, k)),
            contributions=(Contribution(1.0, (links,)),),
        )

    def _held(self) -> frozenset[Expr]:
        return self.contributions[0].links[0].held

    def __iter__(self) -> NoReturn:
        raise NotSupportedError(
            f"a loop over {self.title}", "slice it with d[0], or evaluate it first"
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotSupportedError(f"{self.title} as an array", "evaluate it first: .evaluate(…)")

    def __bool__(self) -> NoReturn:
        raise NotSupportedError(
            f"{self.title} as a condition", "use bool(d.verify()) or d.structure == 'zero'"
        )

    # ── the chain rule ──

    def __matmul__(self, inner: Any) -> Derivative:
        """The chain rule: ∂a/∂b @ ∂b/∂c is the contribution to ∂a/∂c via b."""
        if not isinstance(inner, Derivative):
            raise ChainError(
                f"{self.title} @ {type(inner).__name__}: the right is no derivative",
                "make one with tc.from_array(array, of=…, wrt=…)",
            )
        self._require_first_order(inner)
        joined = self.arguments[0]
        if not self._joins(inner):
            raise _cannot_chain(self, inner)
        if self._layout is not inner._layout and not (self._own_shape or inner._own_shape):
            raise LayoutError(
                f"{self.title} ({self.layout}) @ {inner.title} ({inner.layout})",
                f'bring both to one layout: .to("{self.layout}")',
            )
        literal = contract(self.value, inner.value, joined.expr.ndim)
        return Derivative(
            self.of,
            inner.arguments,
            simplify(literal),
            tuple(
                Contribution(a.number * b.number, a.links + b.links)
                for a in self.contributions
                for b in inner.contributions
            ),
            layout=self._layout,
            placeholders=self._placeholders | inner._placeholders,
            literal=literal,
        )

    def steps(self) -> tuple[Step, ...]:
        """How the literal contraction that ``@`` wrote becomes the value, rule by rule."""
        return tuple(rewrites(self.literal))

    def __rmatmul__(self, outer: Any) -> NoReturn:
        raise ChainError(
            f"{type(outer).__name__} @ {self.title}: the left is no derivative",
            "make one with tc.from_array(array, of=…, wrt=…)",
        )

    def _require_first_order(self, inner: Derivative) -> None:
        for d in (self, inner):
            if len(d.arguments) > 1:
                raise NotSupportedError(
                    f"{self.title} @ {inner.title}: the chain rule of a second derivative has "
                    "more than one term",
                    "differentiate the whole expression with tc.derivative(E, x, y)",
                )

    def _joins(self, inner: Derivative) -> bool:
        left, right = self.arguments[0], inner.of
        if left.expr is right.expr:
            return True
        loose = left.expr in self._placeholders or right.expr in inner._placeholders
        return loose and left.name == right.name and left.expr.shape == right.expr.shape

    def __add__(self, other: Any) -> Derivative:
        """The sum of two contributions to one derivative."""
        if not isinstance(other, Derivative):
            raise ChainError(
                f"{self.title} + {type(other).__name__}: the right is no derivative",
                "add derivatives of one quantity by one quantity, or evaluate first",
            )
        same = self.of.expr is other.of.expr and [a.expr for a in self.arguments] == [
            a.expr for a in other.arguments
        ]
        if not same:
            raise ChainError(
                f"{self.title} ({format_shape(self.shape)}) + {other.title} "
                f"({format_shape(other.shape)}): contributions to different derivatives",
                "add only paths from one quantity to one quantity",
            )
        return self._like(
            value=simplify(add(self.value, other.value)),
            contributions=self.contributions + other.contributions,
            placeholders=self._placeholders | other._placeholders,
        )

    def __mul__(self, number: Any) -> Derivative:
        if isinstance(number, bool) or not isinstance(number, (int, float, np.number)):
            raise ChainError(
                f"{self.title} * {type(number).__name__}: only a number can scale a derivative",
                "use @ for the chain rule",
            )
        axes = tuple(range(self.value.ndim))
        scaled = product((Constant(float(number)), self.value), ((), axes), axes)
        return self._like(
            value=simplify(scaled),
            contributions=tuple(
                replace(c, number=c.number * float(number)) for c in self.contributions
            ),
        )

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Derivative:
        if number == 0:
            raise TensorCalcError(f"{self.title} / 0", "divide by another number")
        return self * (1 / number)

    def __neg__(self) -> Derivative:
        return self * -1.0

    def __sub__(self, other: Any) -> Derivative:
        return self + -other

    # ── numbers ──

    @property
    def universe(self) -> tuple[Expr, ...]:
        """Every expression this derivative is made from."""
        found = [self.of.expr, *(a.expr for a in self.arguments), self.value]
        for contribution in self.contributions:
            for link in contribution.links:
                found += [link.of.expr, *(w.expr for w in link.wrt)]
        return tuple(e for e in dict.fromkeys(found) if e not in self._placeholders)

    def output(self) -> Output:
        """What a compiled function is to return for this derivative."""
        argument = self.arguments[0].expr
        like = argument.name if self._own_shape and isinstance(argument, Variable) else None
        place = self.view.place
        if self._own_shape and self.arguments[0].form == "row":
            place = (None, *place)
        return Output(self.value, place, self.title, self.universe, like)

    def compile(self, name: str | None = None) -> CompiledFunction:
        """A plain NumPy function of this derivative in this layout; see its ``source``."""
        if name is not None:
            return compile_outputs([self.output()], name, _hints([self]))
        if self._compiled is None:
            self._compiled = compile_outputs([self.output()], _function_name(self), _hints([self]))
        return self._compiled

    def evaluate(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        layout: str | None = None,
        max_bytes: float = MAX_BYTES,
        **named: Any,
    ) -> np.ndarray:
        """The dense array of exactly ``shape``, for values given by name or as a mapping.

        Raises MemoryLimitError, before anything is computed, if the array or what is computed
        on the way takes more than ``max_bytes``; errors of ``read_values`` for bad values.
        """
        if layout is not None:
            return self.to(layout).evaluate(values, max_bytes=max_bytes, **named)
        if self.dense_nbytes is not None and self.dense_nbytes > max_bytes:
            raise too_large(self.title, [int(d) for d in self.shape], self.dense_nbytes, max_bytes)
        run = self.compile()
        checked = run.read(given_values(values, named), finite=True)
        run.require_memory(checked.sizes, max_bytes)
        return run.run(checked)

    def apply(self, *increments: Any, at: Mapping[str, Any] | None = None) -> Any:
        """[∂f/∂X]·ΔX, contracted over every axis of X: the change of the value, as eq. (3).

        ``increments`` has one array of the argument's shape per argument; the result has the
        value's shape. An increment may be a quantity; then the result is one.
        Source: Johnston 2020, eq. (3).
        """
        if len(increments) != len(self.arguments):
            raise ShapeError(
                f"{self.title} applied to {len(increments)} increments",
                f"give one for each of {', '.join(_name(a) for a in self.arguments)}",
            )
        return self._contracted(self.arguments, increments, at, "the increment of", last=True)

    def jvp(self, tangent: Any, /, at: Mapping[str, Any] | None = None) -> Any:
        """The Jacobian times a tangent of the argument's shape: the same as ``apply``."""
        return self.apply(tangent, at=at)

    def vjp(self, cotangent: Any, /, at: Mapping[str, Any] | None = None) -> Any:
        """A cotangent of the value's shape times the Jacobian: an array of the argument's shape."""
        return self._contracted((self.of,), (cotangent,), at, "the cotangent of", last=False)

    def _contracted(
        self,
        sides: Sequence[Tensor],
        given: Sequence[Any],
        at: Mapping[str, Any] | None,
        what: str,
        *,
        last: bool,
    ) -> Any:
        symbolic = any(isinstance(g, Tensor) for g in given)
        names = [f"Δ{_name(side)}" if side.name else f"Δ_{k}" for k, side in enumerate(sides)]
        factors: list[Expr] = []
        for side, value, name in zip(sides, given, names, strict=True):
            if symbolic:
                t = as_tensor(value)
                if t.expr.shape != side.expr.shape:
                    raise ShapeError(
                        f"{what} {_titled(side)} given as {format_shape(t.shape)}",
                        f"give it the shape {format_shape(side.shape)}",
                    )
                factors.append(t.expr)
            else:
                factors.append(Variable(name, side.expr.shape))
        axes = tuple(range(self.value.ndim))
        split = self.of.expr.ndim
        outer, inner = (axes[:split], axes[split:]) if last else (axes[split:], axes[:split])
        inputs, start = [axes], 0
        for factor in factors:
            inputs.append(inner[start : start + factor.ndim])
            start += factor.ndim
        result = simplify(product((self.value, *factors), inputs, outer))
        if symbolic:
            return Tensor(result, self.of.form if last else None)
        return _numbers(self, result, names, given, at, last=last)

    # ── display ──

    def __repr__(self) -> str:
        text, by_index = formula(self.view, TEXT)
        title = self.title
        if by_index:
            letters = _letters(self)
            title += f"[{', '.join(letters)}]"
        return f"{title} = {text} : {self.description}"

    @property
    def description(self) -> str:
        """``4 × 5 matrix gradient, numerator (shape of Wᵀ)``."""
        words = [f"{format_shape(self.shape) if self.shape else 'scalar'} {self.kind}", self.layout]
        text = ", ".join(words)
        if self.of.expr.ndim == 0 and len(self.arguments) == 1:
            if self.arguments[0].form == "matrix":
                turned = "ᵀ" if self.layout == "numerator" else ""
                text += f" (shape of {_name(self.arguments[0])}{turned})"
        elif self.entries_used is not None and self.dense_nbytes is not None:
            whole = self.dense_nbytes // 8
            if self.entries_used < whole:
                text += f", {self.entries_used:,} of {whole:,} entries used"
        if self.is_partial:
            text += ", via " + ", ".join(_name(t) for t in self.via)
        held = self._held() if self.contributions else frozenset()
        if held:
            text += ", holding " + ", ".join(sorted(getattr(h, "name", "…") for h in held))
        return text

    def latex(self) -> str:
        """The title and the formula in LaTeX, without dollars."""
        text, by_index = formula(self.view, LATEX)
        of = self.of.name or expression_latex(self.of.expr)
        title = title_latex(of, [_name(a) for a in self.arguments], self.of.name is not None)
        if by_index:
            title = rf"\left[{title}\right]_{{{''.join(_letters(self))}}}"
        return f"{title} = {text}"

    def _repr_latex_(self) -> str:
        size = r" \times ".join(map(str, self.shape))
        return rf"$$\underset{{{size}}}{{{self.latex()}}}$$" if size else f"$${self.latex()}$$"


# ── making them ──────────────────────────────────────────────────────────────────────────


def derivative(
    of: Any, wrt: Any, /, *more: Any, holding: Iterable[Any] = (), layout: str = "numerator"
) -> Derivative:
    """∂of/∂wrt, the total derivative over every path, as a structured object.

    ``wrt`` is a variable or a named intermediate; an intermediate is an independent variable in
    everything built on it. ``holding`` keeps further quantities fixed. A second ``wrt`` gives
    the second derivative. The result has the axes of ``of``, then of ``wrt``, in ``layout``.

    >>> import tensorcalc as tc
    >>> W, x = tc.matrix("W", 5, 4), tc.vector("x", 4)
    >>> v = tc.define("v", W @ x)
    >>> tc.derivative(v, W)
    ∂v/∂W[k, i, j] = I[k=j] x_i : 5 × 4 × 5 3-tensor, numerator, 20 of 100 entries used

    Source: Johnston 2020, section 3 (numerator layout).
    """
    shown = read_layout(layout)
    of = as_tensor(of)
    arguments = tuple(_differentiable(w, of) for w in (wrt, *more))
    held_tensors = [holding] if isinstance(holding, Tensor) else list(holding)
    held = frozenset(_differentiable(h, of).expr for h in held_tensors)
    computation([of.expr, *(a.expr for a in arguments), *held])
    if len(arguments) > 2:
        raise NotSupportedError(
            f"a derivative of order {len(arguments)} of {_titled(of)}",
            "differentiate once or twice",
        )
    if len(arguments) == 1:
        value = differentiate(of.expr, arguments[0].expr, held)
    else:
        value = differentiate_in_turn(of.expr, [a.expr for a in arguments], held)
    link = Link(of, arguments, held, value)
    return Derivative(of, arguments, value, (Contribution(1.0, (link,)),), layout=shown)


def jacobian(of: Any, wrt: Any, /, *, layout: str = "numerator") -> Derivative:
    """∂of/∂wrt: ``tc.derivative`` under the name it has for vectors, m × n in numerator layout."""
    return derivative(of, wrt, layout=layout)


def gradient(of: Any, wrt: Any, /) -> Derivative:
    """The derivative of a scalar in the argument's own shape; NotSupportedError for others."""
    return derivative(of, wrt).gradient


def hessian(of: Any, wrt: Any, /, *, layout: str = "numerator") -> Derivative:
    """∂²of/∂wrt² of a scalar: n × n for a vector; NotSupportedError for a value with axes."""
    if as_tensor(of).expr.ndim:
        raise NotSupportedError(
            f"the Hessian of {_titled(as_tensor(of))}: only a scalar has one",
            "use tc.derivative(v, x, x)",
        )
    return derivative(of, wrt, wrt, layout=layout)


def from_array(array: Any, /, of: Any, wrt: Any, *, layout: str = "numerator") -> Derivative:
    """An explicit derivative from one's own array, in ``layout``; the array is copied.

    ``of`` and ``wrt`` are quantities, or strings, which stand for the quantity of that name and
    size. Raises ShapeError where the array has not the shape of ∂of/∂wrt.
    """
    shown = read_layout(layout)
    constant = as_tensor(np.array(array, copy=True) if not np.isscalar(array) else array)
    shape = constant.expr.shape
    if isinstance(of, str) and isinstance(wrt, str):
        value_ndim, argument_ndim = _axes_of_named(shape, of, wrt)
    else:
        argument_ndim = 0 if isinstance(wrt, str) else as_tensor(wrt).expr.ndim
        value_ndim = 0 if isinstance(of, str) else as_tensor(of).expr.ndim
        rest = len(shape) - value_ndim - argument_ndim
        squeezed = _lone_axis_is_pad(shown, shape, of, wrt)
        if isinstance(of, str):
            value_ndim = rest - squeezed
        elif isinstance(wrt, str):
            argument_ndim = rest - squeezed
    if value_ndim < 0 or argument_ndim < 0:
        raise _misshapen(shape, of, wrt)
    value = _placed(constant.expr, value_ndim, argument_ndim, shown, of, wrt)
    quantities, placeholders = [], set()
    dims = value.shape[:value_ndim], value.shape[value_ndim:]
    for given, shape_ in zip((of, wrt), dims, strict=True):
        if isinstance(given, str):
            t = Tensor(Variable(given, shape_))
            placeholders.add(t.expr)
        else:
            t = as_tensor(given)
            if t.expr.shape != shape_:
                raise _misshapen(shape, of, wrt)
        quantities.append(t)
    link = Link(quantities[0], (quantities[1],), frozenset(), value, given=True)
    return Derivative(
        quantities[0],
        (quantities[1],),
        value,
        (Contribution(1.0, (link,)),),
        layout=shown,
        placeholders=frozenset(placeholders),
    )


def _axes_of_named(shape: Shape, of: str, wrt: str) -> tuple[int, int]:
    if len(shape) == 2:
        return (0, 1) if shape[0] == 1 else (1, 1)
    if len(shape) <= 1:
        return 0, len(shape)
    raise ShapeError(
        f"∂{of}/∂{wrt} from an array of shape {format_shape(shape)}: which axes are whose is open",
        "give of= or wrt= as a quantity",
    )


def _lone_axis_is_pad(layout: Layout, shape: Shape, of: Any, wrt: Any) -> int:
    """1 where the array's extra axis of size 1 only makes a row or a column of the rest."""
    if not layout.pads or len(shape) != 2:
        return 0
    known = wrt if isinstance(of, str) else of
    if as_tensor(known).expr.ndim != 1:
        return 0
    pad = 0 if (layout.name == "numerator") == isinstance(of, str) else 1
    return int(shape[pad] == 1)


def _placed(
    constant: Expr, value_ndim: int, argument_ndim: int, layout: Layout, of: Any, wrt: Any
) -> Expr:
    """The array with stored axes: pads taken off, the layout's permutation undone."""
    place = layout.place(value_ndim, (argument_ndim,))
    array = np.asarray(constant.value)  # type: ignore[attr-defined]
    if array.ndim == len(place) and any(axis is None for axis in place):
        pads = tuple(k for k, axis in enumerate(place) if axis is None)
        if any(array.shape[k] != 1 for k in pads):
            raise _misshapen(array.shape, of, wrt)
        array = array.squeeze(pads)
    if array.ndim != value_ndim + argument_ndim:
        raise _misshapen(array.shape, of, wrt)
    axes = layout.axes(value_ndim, (argument_ndim,))
    return Constant(array.transpose(np.argsort(axes)))


def _misshapen(shape: Sequence[int | str], of: Any, wrt: Any) -> ShapeError:
    names = [g if isinstance(g, str) else _titled(as_tensor(g)) for g in (of, wrt)]
    return ShapeError(
        f"∂{names[0]}/∂{names[1]} from an array of shape {format_shape(tuple(shape))}",
        "the array has the axes of the value, then those of the argument reversed (numerator "
        "layout), or pass layout=",
    )


def _differentiable(w: Any, of: Tensor) -> Tensor:
    if isinstance(w, Tensor) and w.name is not None:
        return w
    if isinstance(w, str):
        raise TensorCalcError(
            f"the derivative of {_titled(of)} by the text {w!r}",
            f"pass the quantity itself, or use p.derivative(…, {w!r}) of a program p",
        )
    what = _titled(w) if isinstance(w, Tensor) else type(w).__name__
    raise TensorCalcError(
        f"the derivative of {_titled(of)} by {what}, which is no variable and has no name",
        "name it first: u = tc.define('u', …)",
    )


# ── words ────────────────────────────────────────────────────────────────────────────────


def _name(t: Tensor) -> str:
    if t.name:
        return t.name + ("ᵀ" if t.form == "row" and isinstance(t.expr, Variable) else "")
    return expression_text(t.expr)


def _titled(t: Tensor) -> str:
    return f"{_name(t)} ({format_shape(t.shape) if t.shape else '1 × 1'})"


def _taken_letters(universe: Iterable[Expr]) -> frozenset[str]:
    """Names that an index letter must not repeat: those of quantities and of dimensions."""
    taken = {dim for e in universe for dim in e.shape if isinstance(dim, str)}
    for node in toposort(universe):
        if isinstance(node, (Variable, Definition)):
            taken.add(node.name)
    return frozenset(t for t in taken if len(t) == 1)


def _letters(d: Derivative) -> list[str]:
    letters = letters_of(d.view)
    return [letters[axis] for axis in d.view.axes]


def _cannot_chain(outer: Derivative, inner: Derivative) -> ChainError:
    """Why ``outer @ inner`` has no meaning, and what would."""
    left, right = outer.arguments[0], inner.of
    message = (
        f"{outer.title} @ {inner.title}: the left ends at {_ends(left)}, "
        f"the right starts at {_ends(right)}."
    )
    if left.expr.shape == right.expr.shape:
        message += " Same size, different quantity."
    if inner.arguments[0].expr is outer.of.expr:
        return ChainError(message, f"swap the factors: {inner.title} @ {outer.title}")
    if left.name is None or right.name is None or left.name == right.name:
        return ChainError(message, "join the argument of the left with the value of the right")
    return ChainError(message, f"put tc.derivative({left.name}, {right.name}) between them")


def _ends(t: Tensor) -> str:
    return f"{_name(t)} ({format_shape(t.expr.shape) if t.expr.shape else 'a scalar'})"


# ── structure ────────────────────────────────────────────────────────────────────────────


def _products(value: Expr) -> list[Expr]:
    return list(value.terms) if isinstance(value, Add) else [value]


def _ties(term: Expr, value_ndim: int) -> set[tuple[int, int]]:
    """Which axes of the value are tied to which axes of the argument by deltas."""
    if isinstance(term, Delta):
        return {(0, 1)} if value_ndim == 1 else set()
    if not isinstance(term, Einsum):
        return set()
    place = {i: axis for axis, i in enumerate(term.output)}
    ties = set()
    for operand, indices in zip(term.operands, term.inputs, strict=True):
        if isinstance(operand, Delta) and all(i in place for i in indices):
            p, q = sorted(place[i] for i in indices)
            if p < value_ndim <= q:
                ties.add((p, q))
    return ties


def _structure(value: Expr, value_ndim: int) -> str:
    if is_zero(value):
        return "zero"
    if value is identity(value.shape[:value_ndim]) or value is simplify(
        identity(value.shape[:value_ndim])
    ):
        return "identity"
    terms = _products(value)
    common = set.intersection(*(_ties(term, value_ndim) for term in terms))
    tied = {axis for pair in common for axis in pair}
    if common and tied == set(range(value.ndim)):
        return "diagonal"
    if common:
        return "block diagonal"
    if len(terms) == 1 and _is_outer_product(terms[0]):
        return "outer product"
    return "dense"


def _is_outer_product(term: Expr) -> bool:
    """Whether the factors fall into groups that share no index, each with an output axis."""
    if not isinstance(term, Einsum) or term.ndim < 2:
        return False
    groups: list[set[int]] = []
    for indices in term.inputs:
        if not indices:
            continue
        touching = [g for g in groups if g & set(indices)]
        merged = set(indices).union(*touching)
        groups = [g for g in groups if g not in touching] + [merged]
    return len(groups) > 1 and all(g & set(term.output) for g in groups)


def _tied_dims(value: Expr) -> list[int | str]:
    """The dims of deltas that every term has: each divides the number of entries used."""
    if isinstance(value, Delta):
        return [value.dim]
    terms = _products(value)
    if not all(isinstance(t, (Einsum, Delta)) for t in terms):
        return []
    ties = [_all_ties(t) for t in terms]
    return [value.shape[q] for _, q in set.intersection(*ties)]


def _all_ties(term: Expr) -> set[tuple[int, int]]:
    if isinstance(term, Delta):
        return {(0, 1)}
    assert isinstance(term, Einsum)
    place = {i: axis for axis, i in enumerate(term.output)}
    return {
        tuple(sorted(place[i] for i in indices))  # type: ignore[misc]
        for operand, indices in zip(term.operands, term.inputs, strict=True)
        if isinstance(operand, Delta) and all(i in place for i in indices)
    }


# ── compiling and evaluating ─────────────────────────────────────────────────────────────


def _hints(items: Iterable[Derivative]) -> dict[Expr, str]:
    """Names for adjoints in generated code: dv for the derivative by v."""
    hints: dict[Expr, str] = {}
    for d in items:
        memo = d.of.expr.memo
        for key, known in memo.items():
            if isinstance(key, tuple) and key and key[0] == "adjoints":
                for node, value in known.items():
                    if isinstance(node, Definition) and node is not d.of.expr and value.args:
                        hints.setdefault(value, "d" + node.name)
    return hints


def _function_name(d: Derivative) -> str:
    of = d.of.name or "value"
    kind = "grad" if d._own_shape else "d"
    names = "_d".join(a.name or "u" for a in d.arguments)
    return f"grad_{of}_{names}" if kind == "grad" else f"d{of}_d{names}"


def quantity_output(t: Tensor) -> Output:
    """What a compiled function is to return for a quantity."""
    place: tuple[int | None, ...] = tuple(range(t.expr.ndim))
    if t.form == "row":
        place = (None, *place)
    return Output(t.expr, place, _name(t), (t.expr,))


def compile_all(items: Any, name: str = "compute") -> CompiledFunction:
    """One function for several quantities and derivatives; shared work is done once.

    Returns a tuple in the order given (one array for a single quantity or derivative).
    """
    several = isinstance(items, (list, tuple))
    listed = list(items) if isinstance(items, (list, tuple)) else [items]
    if not listed or not all(isinstance(item, (Tensor, Derivative)) for item in listed):
        raise TensorCalcError(
            f"compile of {type(items).__name__}",
            "give quantities and derivatives, such as tc.compile([E, tc.gradient(E, W)])",
        )
    outputs = [
        item.output() if isinstance(item, Derivative) else quantity_output(item) for item in listed
    ]
    computation(e for o in outputs for e in (o.expr, *o.universe))
    derivatives = [item for item in listed if isinstance(item, Derivative)]
    return compile_outputs(outputs, name, _hints(derivatives), several=several)


def compile_tensor(t: Tensor, /, name: str | None = None) -> CompiledFunction:
    """A plain NumPy function of this quantity."""
    return compile_outputs([quantity_output(t)], name or t.name or "value")


def evaluate_tensor(
    t: Tensor,
    values: Mapping[str, Any] | None = None,
    /,
    *,
    max_bytes: float = MAX_BYTES,
    **named: Any,
) -> np.ndarray:
    """The value as an array of the quantity's shape, for values by name or as a mapping."""
    run = compile_tensor(t)
    checked = run.read(given_values(values, named), finite=True)
    run.require_memory(checked.sizes, max_bytes)
    return run.run(checked)


def _numbers(
    d: Derivative,
    result: Expr,
    names: Sequence[str],
    given: Sequence[Any],
    at: Mapping[str, Any] | None,
    *,
    last: bool,
) -> np.ndarray:
    universe = (
        *d.universe,
        *(
            Variable(n, s.expr.shape)
            for n, s in zip(names, d.arguments if last else (d.of,), strict=True)
        ),
    )
    output = Output(result, tuple(range(result.ndim)), f"[{d.title}]", universe)
    run = compile_outputs([output], "apply")
    values = {**given_values(at, {}), **dict(zip(names, given, strict=True))}
    checked = read_values(
        dict.fromkeys([*run.arguments, *names]),
        computation((*universe, result)),
        values,
        finite=True,
        what=f"{d.title} applied",
    )
    return run.run(checked)
