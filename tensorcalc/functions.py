"""Elementwise functions: one record each, with everything there is to know about it.

The records are a plain list (``FUNCTIONS``) for tests and for the program text. A rule in
``derivatives`` takes the argument ``x`` and the value ``y``; it may use either. Values that NumPy
lacks are in ``function_values``.

Functions that are built from others (the norm) need no record and no rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tensorcalc import function_values as values
from tensorcalc.errors import ShapeError
from tensorcalc.expr import (
    Constant,
    Einsum,
    Elementwise,
    Expr,
    Function,
    Ones,
    full,
    hadamard,
    power,
    refuse_derivative,
)

__all__ = [
    "CONDITIONS",
    "FUNCTIONS",
    "abstract",
    "custom",
    "gelu",
    "magnitude",
    "silu",
    "sum_of_squares",
]

_HERE = __name__


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
    meaning="log(1 + t)",
    evaluate=np.log1p,
    derivatives=(lambda x, y: 1 / (1 + x),),
    latex=r"\operatorname{log1p}",
    domain=(-0.6, 2.0),
    increasing=True,
    module=_HERE,
)

expm1 = Function(
    name="expm1",
    meaning="eᵗ − 1",
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
    meaning="1/(1 + e⁻ᵗ)",
    evaluate=values.sigmoid,
    derivatives=(lambda x, y: y * (1 - y),),
    text="σ",
    latex=r"\sigma",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

softplus = Function(
    name="softplus",
    meaning="log(1 + eᵗ)",
    evaluate=values.softplus,
    derivatives=(lambda x, y: sigmoid(x),),
    latex=r"\operatorname{softplus}",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

relu = Function(
    name="relu",
    meaning="max(t, 0)",
    evaluate=values.relu,
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
    meaning="1 if t > 0, else 0",
    evaluate=values.step,
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
    meaning="2/√π ∫₀ᵗ e^(−u²) du",
    evaluate=values.erf,
    derivatives=(lambda x, y: (2 / math.sqrt(math.pi)) * exp(-(x**2)),),
    latex=r"\operatorname{erf}",
    increasing=True,
    module=_HERE,
)

# x ⊙ σ(x) [Elfwing, Uchibe & Doya 2018]
silu = Function(
    name="silu",
    meaning="t/(1 + e⁻ᵗ)",
    evaluate=values.silu,
    derivatives=(lambda x, y: x * sigmoid(x) * (1 - sigmoid(x)) + sigmoid(x),),
    latex=r"\operatorname{silu}",
    module=_HERE,
)

# x Φ(x) = ½ x (1 + erf(x/√2)) [Hendrycks & Gimpel 2016, eq. 1]
gelu = Function(
    name="gelu",
    meaning="½ t (1 + erf(t/√2))",
    evaluate=values.gelu,
    derivatives=(
        lambda x, y: (
            0.5 * (1 + erf(math.sqrt(0.5) * x)) + math.sqrt(0.5 / math.pi) * x * exp(-0.5 * x**2)
        ),
    ),
    latex=r"\operatorname{gelu}",
    complex_step=False,
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
    kinks=(0.0,),
    convention="the gradient of norm at 0 is 0",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

inverse_or_zero = Function(
    name="inverse_or_zero",
    evaluate=values.inverse_or_zero,
    derivatives=(lambda x, y: -1 * y**2,),
    text="1/",
    latex="1/",
    domain=(0.3, 3.0),
    convention="the gradient of norm at 0 is 0",
    module=_HERE,
)

maximum = Function(
    name="maximum",
    evaluate=np.maximum,
    derivatives=(
        lambda x, y, z: 0.5 + 0.5 * sign(x - y),
        lambda x, y, z: 0.5 - 0.5 * sign(x - y),
    ),
    text="max",
    latex=r"\max",
    complex_step=False,
    kinks=(0.0,),
    convention="equal arguments of maximum share its derivative equally",
    module=_HERE,
)

minimum = Function(
    name="minimum",
    evaluate=np.minimum,
    derivatives=(
        lambda x, y, z: 0.5 - 0.5 * sign(x - y),
        lambda x, y, z: 0.5 + 0.5 * sign(x - y),
    ),
    text="min",
    latex=r"\min",
    complex_step=False,
    kinks=(0.0,),
    convention="equal arguments of minimum share its derivative equally",
    module=_HERE,
)

greater = Function(
    name="greater",
    evaluate=values.greater,
    derivatives=(lambda x, y, z: full(0.0, x.shape), lambda x, y, z: full(0.0, x.shape)),
    text=">",
    latex=">",
    kinks=(0.0,),
    convention="a condition has derivative 0 everywhere",
    nonnegative=True,
    module=_HERE,
)

greater_equal = Function(
    name="greater_equal",
    evaluate=values.greater_equal,
    derivatives=(lambda x, y, z: full(0.0, x.shape), lambda x, y, z: full(0.0, x.shape)),
    text="≥",
    latex=r"\ge",
    kinks=(0.0,),
    convention="a condition has derivative 0 everywhere",
    nonnegative=True,
    module=_HERE,
)

where = Function(
    name="where",
    meaning="t if c ≠ 0, else u",
    evaluate=values.where,
    derivatives=(
        lambda c, x, y, z: full(0.0, c.shape),
        lambda c, x, y, z: _holds(c),
        lambda c, x, y, z: 1 - _holds(c),
    ),
    latex=r"\operatorname{where}",
    convention="a condition has derivative 0 everywhere",
    module=_HERE,
)

nonzero = Function(
    name="nonzero",
    meaning="1 if t ≠ 0, else 0",
    evaluate=values.nonzero,
    derivatives=(lambda x, y: full(0.0, x.shape),),
    latex=r"\operatorname{nonzero}",
    nonnegative=True,
    convention="a condition has derivative 0 everywhere",
    module=_HERE,
)

pow_ = Function(
    name="pow",
    evaluate=np.power,
    derivatives=(
        lambda x, p, y: p * pow_(x, p - 1),
        lambda x, p, y: y * log(x),
    ),
    latex=r"\operatorname{pow}",
    domain=(0.3, 2.0),
    module=_HERE,
)

logaddexp = Function(
    name="logaddexp",
    meaning="log(eˢ + eᵗ)",
    evaluate=np.logaddexp,
    derivatives=(lambda x, y, z: sigmoid(x - y), lambda x, y, z: sigmoid(y - x)),
    latex=r"\operatorname{logaddexp}",
    increasing=True,
    module=_HERE,
)


# Forms of values, in which nothing overflows and nothing cancels; never to be derived.

hypot = Function(
    name="hypot",
    evaluate=np.hypot,
    derivatives=(refuse_derivative("hypot"), refuse_derivative("hypot")),
    nonnegative=True,
    module=_HERE,
)

erfc = Function(
    name="erfc",
    evaluate=values.erfc,
    derivatives=(refuse_derivative("erfc"),),
    nonnegative=True,
    module=_HERE,
)

# Of these the derivative is known: they stand for what is derived anew for its numbers.
log_cosh = Function(
    name="log_cosh",
    evaluate=values.log_cosh,
    derivatives=(lambda x, y: tanh(x),),
    nonnegative=True,
    module=_HERE,
)

sech_squared = Function(
    name="sech_squared",
    evaluate=values.sech_squared,
    derivatives=(refuse_derivative("sech²"),),
    nonnegative=True,
    module=_HERE,
)


def _holds(condition: Expr) -> Expr:
    """1 where a condition is not 0: the condition itself, if it is one of those here."""
    known = isinstance(condition, Elementwise) and condition.function in CONDITIONS
    return condition if known else nonzero(condition)


# What a product tends to where a condition leaves it out is not computed: 0 · ∞ is 0 there.
CONDITIONS = (greater, greater_equal, nonzero, step)

FUNCTIONS: tuple[Function, ...] = (
    *(exp, log, log1p, expm1, sqrt, sign, abs_, sin, cos, tan, sinh, cosh, tanh),
    *(
        arcsin,
        arccos,
        arctan,
        sigmoid,
        softplus,
        relu,
        silu,
        gelu,
        step,
        erf,
        length,
        inverse_or_zero,
    ),
    *(maximum, minimum, greater, greater_equal, where, nonzero, pow_),
)


# ── compositions: no rule of their own ────────────────────────────────────────────────────


def sum_of_squares(u: Expr) -> Expr:
    """Σ u², for u of any shape: what every spelling of ‖u‖² builds."""
    axes = tuple(range(u.ndim))
    return Einsum((u, u), (axes, axes), ()) if axes else hadamard(u, u)


def magnitude(u: Expr) -> Expr:
    """The 2-norm ‖u‖ (Frobenius for matrices); its gradient at 0 is taken as 0."""
    return length(sum_of_squares(u))


# ── functions a person declares ───────────────────────────────────────────────────────────


_ABSTRACT: dict[str, Function] = {}


def abstract(name: str) -> Function:
    """A function of which only the name is known: its derivative is called name′."""
    known = _ABSTRACT.get(name)
    if known is None:  # setdefault, so that threads that meet here get one record
        record = Function(
            name=name,
            evaluate=None,
            derivatives=(lambda x, y: abstract(name + "′")(x),),
            text=name,
            latex=name.replace("′", "'"),
            made_by=(abstract, (name,)),
        )
        known = _ABSTRACT.setdefault(name, record)
    return known


def custom(
    name: str, value: Callable[[Any], Any], derivative: Callable[[Any], Any] | None
) -> Function:
    """A person's own elementwise function, and perhaps its derivative, as NumPy callables."""
    if derivative is None:
        rule = refuse_derivative(name)
    else:  # a function of quantities brings its own derivatives along, a callable has none
        prime = getattr(derivative, "record", None) or custom(name + "′", derivative, None)
        rule = lambda x, y: prime(x)

    def entry_by_entry(x):
        result = np.asarray(value(x))
        if result.shape != np.shape(x):
            raise ShapeError(
                f"{name} of an array of shape {np.shape(x)} has shape {result.shape}",
                f"{name} must act entry by entry",
            )
        return result

    return Function(
        name=name,
        evaluate=entry_by_entry,
        derivatives=(rule,),
        text=name,
        latex=name.replace("′", "'"),
        complex_step=False,
        made_by=(custom, (name, value, derivative)),
    )


def raised(u: Expr, exponent: float) -> Expr:
    """u**exponent; a root of a sum of squares is the norm, differentiable at 0 by convention."""
    if isinstance(u, Elementwise) and u.function is length and exponent % 2 == 0:
        return raised(u.arguments[0], exponent / 2)
    if exponent == 0:  # a function of u still, or the size of u would be lost
        return power(0.0)(u)
    if (2 * exponent) % 2 == 1 and is_sum_of_squares(u):
        return raised(length(u), 2 * exponent)
    return u if exponent == 1 else u**exponent


def root(u: Expr) -> Expr:
    """√u, entry by entry; of a sum of squares it is the norm."""
    return length(u) if is_sum_of_squares(u) else sqrt(u)


def is_sum_of_squares(e: Expr) -> bool:
    """Whether ``e`` is written as a sum, or a mean, of squares of the entries of one quantity."""
    while isinstance(e, Einsum):
        pairs = zip(e.operands, e.inputs, strict=True)
        real = [(o, indices) for o, indices in pairs if not _is_positive_number(o)]
        if len(real) == 2:
            return real[0] == real[1] and len(set(real[0][1])) == len(real[0][1])
        if len(real) != 1:
            return False
        e = real[0][0]
    return False


def _is_positive_number(e: Expr) -> bool:
    if isinstance(e, Elementwise) and e.function.exponent == -1:
        return _is_positive_number(e.arguments[0])
    if isinstance(e, Einsum):
        return all(map(_is_positive_number, e.operands))
    return isinstance(e, Ones) or (isinstance(e, Constant) and not e.ndim and e.number > 0)


def reciprocal(x: Expr) -> Expr:
    """1 / x, entry by entry."""
    return power(-1.0)(x)
