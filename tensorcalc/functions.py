"""Elementwise functions: one record each, with everything there is to know about it.

The records are a plain list (``FUNCTIONS``) for tests and for the program text. A rule in
``derivatives`` takes the argument ``x`` and the value ``y``; it may use either. Functions
written as ``def`` are quoted in generated code, so they stand alone and use only ``np``.

Functions that are built from others (silu, gelu) need no record and no rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tensorcalc.expr import (
    Einsum,
    Elementwise,
    Expr,
    Function,
    full,
    hadamard,
    power,
    refuse_derivative,
)

__all__ = [
    "FUNCTIONS",
    "abstract",
    "custom",
    "gelu",
    "magnitude",
    "silu",
    "sum_of_squares",
]

_HERE = __name__


# ── values that NumPy does not have, safe for every real x; they continue analytically ────


def sigmoid_value(x):
    """1 / (1 + exp(-x)), without overflow and with full relative precision."""
    e = np.exp(np.where(np.real(x) < 0, x, -x))
    return np.where(np.real(x) < 0, e, 1) / (1 + e)


def softplus_value(x):
    """log(1 + exp(x)), without overflow."""
    e = np.exp(np.where(np.real(x) > 0, -x, x))
    return np.where(np.real(x) > 0, x, 0) + np.log1p(e)


def relu_value(x):
    """max(x, 0)."""
    return np.maximum(x, 0)


def step_value(x):
    """1 where x > 0, else 0: the derivative of relu, with 0 at the kink."""
    return np.heaviside(x, 0)


def inverse_or_zero_value(x):
    """1 / x, and 0 where x is 0."""
    return np.divide(1, x, out=np.zeros_like(x), where=x != 0)


def erf_value(x):
    """The error function, entry by entry."""
    return np.vectorize(math.erf, otypes=[float])(x).astype(x.dtype)


# ── the records ──────────────────────────────────────────────────────────────────────────

exp = Function(
    name="exp",
    evaluate=np.exp,
    derivatives=(lambda x, y: y,),
    latex=r"\exp",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

log = Function(
    name="log",
    evaluate=np.log,
    derivatives=(lambda x, y: 1 / x,),
    latex=r"\log",
    domain=(0.3, 3.0),
    increasing=True,
    module=_HERE,
)

log1p = Function(
    name="log1p",
    evaluate=np.log1p,
    derivatives=(lambda x, y: 1 / (1 + x),),
    latex=r"\operatorname{log1p}",
    domain=(-0.6, 2.0),
    increasing=True,
    module=_HERE,
)

expm1 = Function(
    name="expm1",
    evaluate=np.expm1,
    derivatives=(lambda x, y: exp(x),),
    latex=r"\operatorname{expm1}",
    increasing=True,
    module=_HERE,
)

sqrt = Function(
    name="sqrt",
    evaluate=np.sqrt,
    derivatives=(lambda x, y: 1 / (2 * y),),
    text="√",
    latex=r"\sqrt",
    domain=(0.3, 3.0),
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

sign = Function(
    name="sign",
    evaluate=np.sign,
    derivatives=(lambda x, y: full(0.0, x.shape),),
    latex=r"\operatorname{sign}",
    complex_step=False,
    kinks=(0.0,),
    convention="sign′(0) = 0",
    module=_HERE,
)

abs_ = Function(
    name="abs",
    evaluate=np.abs,
    derivatives=(lambda x, y: sign(x),),
    latex=r"\operatorname{abs}",
    complex_step=False,
    kinks=(0.0,),
    convention="abs′(0) = 0",
    nonnegative=True,
    module=_HERE,
)

sin = Function(
    name="sin",
    evaluate=np.sin,
    derivatives=(lambda x, y: cos(x),),
    latex=r"\sin",
    module=_HERE,
)

cos = Function(
    name="cos",
    evaluate=np.cos,
    derivatives=(lambda x, y: -sin(x),),
    latex=r"\cos",
    module=_HERE,
)

tan = Function(
    name="tan",
    evaluate=np.tan,
    derivatives=(lambda x, y: 1 + y**2,),
    latex=r"\tan",
    domain=(-1.2, 1.2),
    module=_HERE,
)

sinh = Function(
    name="sinh",
    evaluate=np.sinh,
    derivatives=(lambda x, y: cosh(x),),
    latex=r"\sinh",
    increasing=True,
    module=_HERE,
)

cosh = Function(
    name="cosh",
    evaluate=np.cosh,
    derivatives=(lambda x, y: sinh(x),),
    latex=r"\cosh",
    nonnegative=True,
    module=_HERE,
)

tanh = Function(
    name="tanh",
    evaluate=np.tanh,
    derivatives=(lambda x, y: 1 - y**2,),
    latex=r"\tanh",
    increasing=True,
    module=_HERE,
)

arcsin = Function(
    name="arcsin",
    evaluate=np.arcsin,
    derivatives=(lambda x, y: 1 / sqrt(1 - x**2),),
    latex=r"\arcsin",
    domain=(-0.9, 0.9),
    increasing=True,
    module=_HERE,
)

arccos = Function(
    name="arccos",
    evaluate=np.arccos,
    derivatives=(lambda x, y: -1 / sqrt(1 - x**2),),
    latex=r"\arccos",
    domain=(-0.9, 0.9),
    module=_HERE,
)

arctan = Function(
    name="arctan",
    evaluate=np.arctan,
    derivatives=(lambda x, y: 1 / (1 + x**2),),
    latex=r"\arctan",
    increasing=True,
    module=_HERE,
)

sigmoid = Function(
    name="sigmoid",
    evaluate=sigmoid_value,
    derivatives=(lambda x, y: y * (1 - y),),
    text="σ",
    latex=r"\sigma",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

softplus = Function(
    name="softplus",
    evaluate=softplus_value,
    derivatives=(lambda x, y: sigmoid(x),),
    latex=r"\operatorname{softplus}",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

relu = Function(
    name="relu",
    evaluate=relu_value,
    derivatives=(lambda x, y: step(x),),
    latex=r"\operatorname{relu}",
    complex_step=False,
    kinks=(0.0,),
    convention="relu′(0) = 0",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

step = Function(
    name="step",
    evaluate=step_value,
    derivatives=(lambda x, y: full(0.0, x.shape),),
    text="relu′",
    latex=r"\operatorname{relu}'",
    complex_step=False,
    kinks=(0.0,),
    convention="relu′(0) = 0",
    nonnegative=True,
    module=_HERE,
)

erf = Function(
    name="erf",
    evaluate=erf_value,
    derivatives=(lambda x, y: (2 / math.sqrt(math.pi)) * exp(-(x**2)),),
    latex=r"\operatorname{erf}",
    complex_step=False,
    increasing=True,
    module=_HERE,
)

# The root of a sum of squares is a record of its own because the gradient of the norm at 0
# is 0 by convention, while that of a plain square root is infinite.
length = Function(
    name="length",
    evaluate=np.sqrt,
    derivatives=(lambda x, y: 0.5 * inverse_or_zero(y),),
    text="√",
    latex=r"\sqrt",
    domain=(0.3, 3.0),
    convention="the gradient of norm at 0 is 0",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

inverse_or_zero = Function(
    name="inverse_or_zero",
    evaluate=inverse_or_zero_value,
    derivatives=(lambda x, y: -1 * y**2,),
    text="1/",
    latex="1/",
    domain=(0.3, 3.0),
    convention="the gradient of norm at 0 is 0",
    module=_HERE,
)

FUNCTIONS: tuple[Function, ...] = (
    *(exp, log, log1p, expm1, sqrt, sign, abs_, sin, cos, tan, sinh, cosh, tanh),
    *(arcsin, arccos, arctan, sigmoid, softplus, relu, step, erf, length, inverse_or_zero),
)


# ── compositions: no rule of their own ────────────────────────────────────────────────────


def silu(x: Expr) -> Expr:
    """x ⊙ σ(x) [Elfwing, Uchibe & Doya 2018]."""
    return x * sigmoid(x)


def gelu(x: Expr) -> Expr:
    """x Φ(x) = ½ x (1 + erf(x/√2)) [Hendrycks & Gimpel 2016, eq. 1]."""
    return 0.5 * x * (1 + erf(x * (1 / math.sqrt(2))))


def sum_of_squares(u: Expr) -> Expr:
    """Σ u², for u of any shape: what every spelling of ‖u‖² builds."""
    axes = tuple(range(u.ndim))
    return Einsum((u, u), (axes, axes), ()) if axes else hadamard(u, u)


def magnitude(u: Expr) -> Expr:
    """The 2-norm ‖u‖ (Frobenius for matrices); its gradient at 0 is taken as 0."""
    return length(sum_of_squares(u))


# ── functions a person declares ───────────────────────────────────────────────────────────


@cache
def abstract(name: str) -> Function:
    """A function of which only the name is known: its derivative is called name′."""
    return Function(
        name=name,
        evaluate=None,
        derivatives=(lambda x, y: abstract(name + "′")(x),),
        text=name,
        latex=name.replace("′", "'"),
    )


def custom(
    name: str, value: Callable[[Any], Any], derivative: Callable[[Any], Any] | None
) -> Function:
    """A person's own elementwise function, and perhaps its derivative, as NumPy callables."""
    prime = (
        None
        if derivative is None
        else Function(
            name=name + "′",
            evaluate=derivative,
            derivatives=(refuse_derivative(name + "′"),),
            text=name + "′",
            latex=name + "'",
            complex_step=False,
        )
    )
    return Function(
        name=name,
        evaluate=value,
        derivatives=(refuse_derivative(name) if prime is None else lambda x, y: prime(x),),
        text=name,
        latex=name,
        complex_step=False,
    )


def raised(u: Expr, exponent: float) -> Expr:
    """u**exponent, with ‖u‖² built as the sum of squares it is (differentiable at 0)."""
    if isinstance(u, Elementwise) and u.function is length and exponent % 2 == 0:
        return raised(u.arguments[0], exponent / 2)
    return u if exponent == 1 else u**exponent


def reciprocal(x: Expr) -> Expr:
    """1 / x, entry by entry."""
    return power(-1.0)(x)
