"""Derivative objects: ∂of/∂wrt with its axes known, chained by ``@`` and summed by ``+``.

The value is stored once, with the axes of ``of`` and then those of ``wrt``; a layout is a view
of it. ``@`` is the chain rule: it joins the argument of the left with the value of the right
when they are the same quantity, not merely of the same size. A product is the contribution of
one path; ``+`` adds contributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tensorcalc.chain import differentiate, differentiate_in_turn
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
    add,
    contract,
    hadamard,
    is_zero,
    toposort,
    transpose,
)
from tensorcalc.layout import Layout, read_layout
from tensorcalc.shapes import Shape, format_shape, size_of
from tensorcalc.simplify import rewrites, simplify
from tensorcalc.steps import Step
from tensorcalc.structure import structure, tied_dims
from tensorcalc.tensor import Tensor, as_tensor, is_finite_number
from tensorcalc.values import require_one_meaning
from tensorcalc.wording import cannot_chain, helper_name, name_of, title_of, titled

if TYPE_CHECKING:
    from tensorcalc.check import AnswerCheck, Verification
    from tensorcalc.codegen import CompiledFunction
    from tensorcalc.forms import Formula

__all__ = [
    "Contribution",
    "Derivative",
    "Link",
    "derivative",
    "gradient",
    "hessian",
    "jacobian",
]


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
        return title_of(self.of, self.wrt)


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

    # attached by the package, from the layers above: numbers, words and checks
    evaluate: Callable[..., np.ndarray]
    compile: Callable[..., CompiledFunction]
    apply: Callable[..., Any]
    jvp: Callable[..., Any]
    vjp: Callable[..., Any]
    entry: Callable[..., str]
    formula: Callable[..., Formula]
    latex: Callable[..., str]
    verify: Callable[..., Verification]
    check: Callable[..., AnswerCheck]
    to_einsum: Callable[..., str]
    to_latex: Callable[..., str]
    to_numpy_source: Callable[..., str]
    to_sympy: Callable[..., Any]
    derivation: Callable[..., Any]
    per_sample: Callable[..., Any]

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
        self.layout_view = layout
        self.own_shape = own_shape
        self._placeholders = placeholders
        self.literal = value if literal is None else literal
        self.compiled: Any = None

    # ── what it is ──

    @property
    def wrt(self) -> Tensor | tuple[Tensor, ...]:
        """The quantity differentiated by; a tuple of them for a higher derivative."""
        return self.arguments[0] if len(self.arguments) == 1 else self.arguments

    @property
    def layout(self) -> str:
        """The name of the layout: numerator, denominator or mixed."""
        return self.layout_view.name

    @property
    def shape(self) -> Shape:
        """The shape in this layout: numbers, or names where dimensions are named."""
        shape = self.layout_view.shape(self.of.expr.shape, [a.expr.shape for a in self.arguments])
        return (1, *shape) if self.own_shape and self.arguments[0].form == "row" else shape

    @property
    def ndim(self) -> int:
        """The number of axes in this layout."""
        return len(self.shape)

    @property
    def title(self) -> str:
        """∂E/∂W, as text."""
        return title_of(self.of, self.arguments)

    @property
    def kind(self) -> str:
        """The field's word for it: row gradient, Jacobian, 3-tensor, …"""
        value, argument = self.of.expr.ndim, sum(a.expr.ndim for a in self.arguments)
        order = len(self.arguments)
        if order == 2 and value == 0:
            return "Hessian" if argument else "second derivative"
        if order > 2 and value + argument < 3:
            return "third derivative" if order == 3 else f"derivative of order {order}"
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

        'block diagonal': a delta ties an axis of the value to one of the argument; for a Hessian,
        of the one argument to one of the other.
        """
        first = self.of.expr.ndim
        if not first and len(self.arguments) > 1:
            first = self.arguments[0].expr.ndim
        return structure(self.value, first)

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
        for dim in tied_dims(self.value):
            whole //= size_of(dim, {})
        return whole

    @property
    def via(self) -> tuple[Tensor, ...]:
        """The quantities at which factors were joined by ``@``."""
        joined = [link.of for c in self.contributions for link in c.links[1:]]
        return tuple(dict.fromkeys(joined))

    @property
    def is_partial(self) -> bool:
        """Whether this is not the total derivative, as far as its form tells."""
        links = [link for c in self.contributions for link in c.links]
        if len(links) == 1 or any(link.given for link in links):
            return False
        if len(self.contributions) > 1:
            total = differentiate(self.of.expr, self.arguments[0].expr)
            return not is_zero(simplify(add(self.value, -total)))
        of, *joints, wrt = [links[0].of.expr, *(link.wrt[0].expr for link in links)]
        passed_by = lambda joint: not is_zero(differentiate(of, wrt, [joint]))
        return any(link.held for link in links) or any(map(passed_by, joints))

    # ── views ──

    def to(self, layout: str) -> Derivative:
        """The same derivative in another layout; LayoutError for an unknown one."""
        return self._like(layout=read_layout(layout), own_shape=False, literal=self.literal)

    @property
    def gradient(self) -> Derivative:
        """The derivative of a scalar in the argument's own shape, for an update step."""
        if len(self.arguments) > 1:
            raise NotSupportedError(
                f"the gradient of {self.title}: by more than one quantity there is none",
                "take the gradient by one quantity: tc.gradient(E, x)",
            )
        if self.of.expr.ndim:
            by = ", ".join(map(name_of, self.arguments))
            raise NotSupportedError(
                f"the gradient of {titled(self.of)} by {by}: only a scalar has one",
                f"use the derivative itself, a {self.kind}",
            )
        return self._like(layout=read_layout("mixed"), own_shape=True, literal=self.literal)

    def symmetric(self) -> Tensor:
        """The gradient of a scalar by a symmetric matrix whose equal entries move together.

        G + Gᵀ − diag(G) in the matrix's shape, for the gradient G with independent entries;
        diag(G) by a diagonal matrix. Source: Petersen & Pedersen, The Matrix Cookbook, 2012,
        eqs. (138) and (140). Raises NotSupportedError where the value is no scalar or the
        argument no square matrix.
        """
        wrt = self.arguments[0]
        square = wrt.form == "matrix" and wrt.expr.shape[0] == wrt.expr.shape[1]
        if self.of.expr.ndim or len(self.arguments) > 1 or not square:
            raise NotSupportedError(
                f"the symmetric form of {self.title}",
                "it is for a scalar by one square matrix",
            )
        gradient, identity = self.value, Delta(wrt.expr.shape[0])
        if "diagonal" in getattr(wrt.expr, "traits", ()):
            return Tensor(simplify(gradient * identity), "matrix")
        both = gradient + transpose(gradient, (1, 0)) - gradient * identity
        return Tensor(simplify(both), "matrix")

    def _like(self, **changes: Any) -> Derivative:
        whole: dict[str, Any] = {
            "layout": self.layout_view,
            "own_shape": self.own_shape,
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
                f"choose a slice from 0 to {dim - 1 if isinstance(dim, int) else f'{dim} − 1'}",
            )
        of = Tensor(Select(self.of.expr, 0, k))
        stands = {of.expr} if self.of.expr in self._placeholders else set()  # for a mere name
        return self._like(
            of=of,
            value=simplify(Select(self.value, 0, k)),
            contributions=self._sliced(of, k),
            placeholders=self._placeholders | stands,
        )

    def _sliced(self, of: Tensor, k: int) -> tuple[Contribution, ...]:
        """Every path, with its first link cut to entry k of the value."""
        return tuple(
            replace(c, links=(replace(first, of=of, value=Select(first.value, 0, k)), *rest))
            for c in self.contributions
            for first, *rest in [c.links]
        )

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
            raise cannot_chain((self.of, joined), (inner.of, inner.arguments[0]))
        if self.layout_view is not inner.layout_view and not (self.own_shape or inner.own_shape):
            raise LayoutError(
                f"{self.title} ({self.layout}) @ {inner.title} ({inner.layout})",
                f'bring both to one layout: .to("{self.layout}")',
            )
        literal = contract(self.value, inner.value, joined.expr.ndim)
        shown = contract(_helper(self), inner.value, joined.expr.ndim)
        return Derivative(
            self.of,
            inner.arguments,
            simplify(literal),
            tuple(
                Contribution(a.number * b.number, a.links + b.links)
                for a in self.contributions
                for b in inner.contributions
            ),
            layout=self.layout_view,
            placeholders=self._placeholders | inner._placeholders,
            literal=shown,
        )

    def steps(self) -> tuple[Step, ...]:
        """How the literal contraction that ``@`` wrote becomes the value, rule by rule.

        A compound row on the left is called δ throughout.
        """
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
                    f"{self.title} @ {inner.title}: the chain rule of a higher derivative has "
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
        self._require_number(number, "*")
        scaled = lambda e: hadamard(Constant(float(number)), e)
        return self._like(
            value=simplify(scaled(self.value)),
            literal=scaled(self.literal),
            contributions=tuple(
                replace(c, number=c.number * float(number)) for c in self.contributions
            ),
        )

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Derivative:
        self._require_number(number, "/")
        if number == 0:
            raise TensorCalcError(f"{self.title} / 0", "divide by another number")
        return self * (1 / float(number))

    def _require_number(self, number: Any, operation: str) -> None:
        if isinstance(number, bool) or not is_finite_number(number):
            shown = repr(number) if isinstance(number, float) else type(number).__name__
            raise ChainError(
                f"{self.title} {operation} {shown}: only a number can scale a derivative",
                "use @ for the chain rule",
            )

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


# ── making them ──────────────────────────────────────────────────────────────────────────


def derivative(
    of: Any, wrt: Any, /, *more: Any, holding: Iterable[Any] = (), layout: str = "numerator"
) -> Derivative:
    """∂of/∂wrt, the total derivative over every path, as a structured object.

    ``wrt`` is a variable or a named intermediate; an intermediate is an independent variable in
    everything built on it. ``holding`` keeps further quantities fixed. A second ``wrt`` gives
    the second derivative, a third the third. The result has the axes of ``of``, then of ``wrt``,
    in ``layout``.

    Raises TensorCalcError for a ``wrt`` that is no named quantity or is held, LayoutError for an
    unknown layout, NameClashError where a name has two meanings, NotSupportedError where a
    function's derivative is not known.

    >>> import tensorcalc as tc
    >>> W, x = tc.matrix("W", 5, 4), tc.vector("x", 4)
    >>> v = tc.define("v", W @ x)
    >>> tc.derivative(v, W)
    ∂v/∂W[k, i, j] = I[k=j] x_i : 5 × 4 × 5 3-tensor, numerator, 20 of 100 entries used

    Source: Johnston 2020, section 3 (numerator layout).
    """
    shown = read_layout(layout)
    of = _to_differentiate(of)
    arguments: tuple[Tensor, ...] = tuple(_differentiable(w, of) for w in (wrt, *more))
    if isinstance(holding, (Tensor, str)):
        holding = [holding]
    if not isinstance(holding, (list, tuple, set, frozenset)):
        raise TensorCalcError(
            f"holding={holding!r}", "give the quantities that stay fixed: holding=[s, y]"
        )
    held = frozenset(_differentiable(h, of).expr for h in holding)
    held &= frozenset(toposort([of.expr]) if held else ())
    for argument in arguments if held else ():
        if argument.expr in held:
            raise TensorCalcError(
                f"the derivative of {titled(of)} by {titled(argument)}, holding it fixed",
                f"leave {name_of(argument)} out of holding=",
            )
    require_one_meaning(of.expr, [*(a.expr for a in arguments), *held])
    if len(arguments) == 1:
        value = differentiate(of.expr, arguments[0].expr, held)
    else:
        value = differentiate_in_turn(of.expr, [a.expr for a in arguments], held)
    link = Link(of, arguments, held, value)
    return Derivative(of, arguments, value, (Contribution(1.0, (link,)),), layout=shown)


def jacobian(of: Any, wrt: Any, /, *, layout: str = "numerator") -> Derivative:
    """∂of/∂wrt: ``tc.derivative`` under the name it has for vectors, m × n in numerator layout.

    Raises the errors of ``tc.derivative``.
    """
    return derivative(of, wrt, layout=layout)


def gradient(of: Any, wrt: Any, /) -> Derivative:
    """The derivative of a scalar in the argument's own shape, for an update step.

    Raises NotSupportedError for a value with axes, and the errors of ``tc.derivative``.
    """
    return derivative(of, wrt).gradient


def hessian(of: Any, wrt: Any, /, *others: Any, layout: str = "numerator") -> Derivative:
    """∂²of/∂wrt² of a scalar: n × n for a vector.

    Raises NotSupportedError for a value with axes, TensorCalcError for more than one argument,
    and the errors of ``tc.derivative``.
    """
    if others:
        names = [name_of(as_tensor(q)) for q in (of, wrt, *others)]
        raise TensorCalcError(
            f"the Hessian of {names[0]} by {', '.join(names[1:])}: it is by one argument, twice",
            f"use tc.derivative({', '.join(names)})",
        )
    if as_tensor(of).expr.ndim:
        raise NotSupportedError(
            f"the Hessian of {titled(as_tensor(of))}: only a scalar has one",
            "use tc.derivative(v, x, x)",
        )
    return derivative(of, wrt, wrt, layout=layout)


def _to_differentiate(of: Any) -> Tensor:
    if isinstance(of, str):
        raise TensorCalcError(
            f"the derivative of the text {of!r}",
            f"pass the quantity itself, or use p.derivative({of!r}, …) of a program p",
        )
    if isinstance(of, Derivative):
        raise TensorCalcError(
            f"the derivative of {of.title}, which is a derivative itself",
            "differentiate in turn: tc.derivative(E, x, y)",
        )
    return as_tensor(of)


def _differentiable(w: Any, of: Tensor) -> Tensor:
    if isinstance(w, Tensor) and w.name is not None:
        return w
    if isinstance(w, str):
        raise TensorCalcError(
            f"the derivative of {titled(of)} by the text {w!r}",
            f"pass the quantity itself, or use p.derivative(…, {w!r}) of a program p",
        )
    if not isinstance(w, Tensor):
        what = repr(w) if isinstance(w, (int, float)) else type(w).__name__
        raise TensorCalcError(
            f"the derivative of {titled(of)} by {what}, which is no quantity",
            "give a variable or a named intermediate, such as x = tc.vector('x', 4)",
        )
    what = titled(w)
    raise TensorCalcError(
        f"the derivative of {titled(of)} by {what}, which is no variable and has no name",
        "name it first: u = tc.define('u', …)",
    )


def _helper(d: Derivative) -> Expr:
    """The value under the name δ where it is a compound row: a helper gradient."""
    if d.of.expr.ndim or not isinstance(d.value, (Einsum, Add)):
        return d.value
    return Definition(helper_name(d.universe), d.value)
