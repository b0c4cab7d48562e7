"""Elementwise functions: one record each, with everything there is to know about it.

The records are a plain list (``FUNCTIONS``) for tests and for the program text. A rule in
``derivatives`` takes the argument ``x`` and the value ``y``; it may use either. Functions
written as ``def`` are quoted in generated code, so they stand alone and use only ``np``.

Functions that are built from others (the norm) need no record and no rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

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


# ── values that NumPy does not have, safe for every real x; they continue analytically ────


def sigmoid_value(x):
    """exp(x) / (1 + exp(x)); x is held back just before exp overflows, where this is 1."""
    e = np.exp(np.minimum(x, 88 if x.itemsize == 4 else 709))
    return e / (1 + e)


def softplus_value(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(np.minimum(x, -x)))


def relu_value(x):
    """max(x, 0)."""
    return np.maximum(x, 0)


def step_value(x):
    """1 where x > 0, else 0: the derivative of relu, with 0 at the kink."""
    return np.heaviside(x, 0)


def where_value(condition, x, y):
    """x where the condition is not 0, else y."""
    return np.where(condition, x, y)


def nonzero_value(x):
    """1 where x is not 0, else 0."""
    return np.abs(np.sign(np.real(x)))


def greater_value(x, y):
    """1 where x > y, else 0."""
    return np.heaviside(np.real(x) - np.real(y), 0)


def greater_equal_value(x, y):
    """1 where x >= y, else 0."""
    return np.heaviside(np.real(x) - np.real(y), 1)


def inverse_or_zero_value(x):
    """1 / x, and 0 where x is 0."""
    return np.divide(1, x, out=np.zeros_like(x), where=x != 0)


def log_cosh_value(x):
    """log(cosh(x)), without overflow and without cancellation."""
    far = np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2)
    near = np.log1p(2 * np.sinh(np.where(np.abs(x) < 1, x, 0) / 2) ** 2)
    return np.where(np.abs(x) < 1, near, far)


def erfc_value(x):
    """1 - erf(x) with full relative precision, by the approximations of fdlibm's s_erf.c."""
    near = (
        [-2.37630166566501626084e-05, -5.77027029648944159157e-03, -2.84817495755985104766e-02,
         -3.25042107247001499370e-01, 1.28379167095512558561e-01],
        [-3.96022827877536812320e-06, 1.32494738004321644526e-04, 5.08130628187576562776e-03,
         6.50222499887672944485e-02, 3.97917223959155352819e-01, 1.0],
    )  # fmt: skip
    around_one = (
        [-2.16637559486879084300e-03, 3.54783043256182359371e-02, -1.10894694282396677476e-01,
         3.18346619901161753674e-01, -3.72207876035701323847e-01, 4.14856118683748331666e-01,
         -2.36211856075265944077e-03],
        [1.19844998467991074170e-02, 1.36370839120290507362e-02, 1.26171219808761642112e-01,
         7.18286544141962662868e-02, 5.40397917702171048937e-01, 1.06420880400844228286e-01, 1.0],
    )  # fmt: skip
    beyond = (
        [-9.81432934416914548592e00, -8.12874355063065934246e01, -1.84605092906711035994e02,
         -1.62396669462573470355e02, -6.23753324503260060396e01, -1.05586262253232909814e01,
         -6.93858572707181764372e-01, -9.86494403484714822705e-03],
        [-6.04244152148580987438e-02, 6.57024977031928170135e00, 1.08635005541779435134e02,
         4.29008140027567833386e02, 6.45387271733267880336e02, 4.34565877475229228821e02,
         1.37657754143519042600e02, 1.96512716674392571292e01, 1.0],
    )  # fmt: skip
    far = (
        [-4.83519191608651397019e02, -1.02509513161107724954e03, -6.37566443368389627722e02,
         -1.60636384855821916062e02, -1.77579549177547519889e01, -7.99283237680523006574e-01,
         -9.86494292470009928597e-03],
        [-2.24409524465858183362e01, 4.74528541206955367215e02, 2.55305040643316442583e03,
         3.19985821950859553908e03, 1.53672958608443695994e03, 3.25792512996573918826e02,
         3.03380607434824582924e01, 1.0],
    )  # fmt: skip

    def polynomial(coefficients, t):
        value = coefficients[0]
        for coefficient in coefficients[1:]:  # plain floats, so that float32 stays float32
            value = value * t + coefficient
        return value

    def ratio(coefficients, t):
        return polynomial(coefficients[0], t) / polynomial(coefficients[1], t)

    a = np.abs(x)
    small = np.where(a < 0.84375, a, 0)
    middle = np.where((a >= 0.84375) & (a < 1.25), a, 1)
    tail = np.clip(a, 1.25, 28)
    inverse = 1 / tail**2
    rest = np.where(tail < 1 / 0.35, ratio(beyond, inverse), ratio(far, inverse))
    head = np.round(tail * 4096) / 4096  # its square is exact
    value = np.exp(-(head**2) - 0.5625) * np.exp((head - tail) * (head + tail) + rest) / tail
    value = np.where(a < 28, value, 0)
    middle = 1 - 8.45062911510467529297e-01 - ratio(around_one, middle - 1)
    value = np.where(a < 1.25, middle, value)
    value = np.where(a < 0.84375, 1 - (small + small * ratio(near, small**2)), value)
    return np.where(np.isnan(x), x, np.where(x < 0, 2 - value, value))


def sech_squared_value(x):
    """1 / cosh(x)², without overflow."""
    e = np.exp(2 * np.minimum(x, -x))
    return 4 * e / (1 + e) ** 2


def erf_value(x):
    """The error function, by the rational approximations of fdlibm's s_erf.c (Sun, 1993)."""
    near = (
        [-2.37630166566501626084e-05, -5.77027029648944159157e-03, -2.84817495755985104766e-02,
         -3.25042107247001499370e-01, 1.28379167095512558561e-01],
        [-3.96022827877536812320e-06, 1.32494738004321644526e-04, 5.08130628187576562776e-03,
         6.50222499887672944485e-02, 3.97917223959155352819e-01, 1.0],
    )  # fmt: skip
    around_one = (
        [-2.16637559486879084300e-03, 3.54783043256182359371e-02, -1.10894694282396677476e-01,
         3.18346619901161753674e-01, -3.72207876035701323847e-01, 4.14856118683748331666e-01,
         -2.36211856075265944077e-03],
        [1.19844998467991074170e-02, 1.36370839120290507362e-02, 1.26171219808761642112e-01,
         7.18286544141962662868e-02, 5.40397917702171048937e-01, 1.06420880400844228286e-01, 1.0],
    )  # fmt: skip
    beyond = (
        [-9.81432934416914548592e00, -8.12874355063065934246e01, -1.84605092906711035994e02,
         -1.62396669462573470355e02, -6.23753324503260060396e01, -1.05586262253232909814e01,
         -6.93858572707181764372e-01, -9.86494403484714822705e-03],
        [-6.04244152148580987438e-02, 6.57024977031928170135e00, 1.08635005541779435134e02,
         4.29008140027567833386e02, 6.45387271733267880336e02, 4.34565877475229228821e02,
         1.37657754143519042600e02, 1.96512716674392571292e01, 1.0],
    )  # fmt: skip
    far = (
        [-4.83519191608651397019e02, -1.02509513161107724954e03, -6.37566443368389627722e02,
         -1.60636384855821916062e02, -1.77579549177547519889e01, -7.99283237680523006574e-01,
         -9.86494292470009928597e-03],
        [-2.24409524465858183362e01, 4.74528541206955367215e02, 2.55305040643316442583e03,
         3.19985821950859553908e03, 1.53672958608443695994e03, 3.25792512996573918826e02,
         3.03380607434824582924e01, 1.0],
    )  # fmt: skip

    def polynomial(coefficients, t):
        value = coefficients[0]
        for coefficient in coefficients[1:]:  # plain floats, so that float32 stays float32
            value = value * t + coefficient
        return value

    def ratio(coefficients, t):
        return polynomial(coefficients[0], t) / polynomial(coefficients[1], t)

    sign = np.copysign(1, np.real(x))
    a = x * sign  # |x|, in a form that continues to complex arguments
    size = np.real(a)
    small = np.where(size < 0.84375, a, 0)
    middle = np.where((size >= 0.84375) & (size < 1.25), a, 1)
    tail = np.where((size >= 1.25) & (size < 6), a, 6)
    inverse = 1 / tail**2
    exponent = np.where(np.real(tail) < 1 / 0.35, ratio(beyond, inverse), ratio(far, inverse))
    value = np.where(size < 6, 1 - np.exp(-(tail**2) - 0.5625 + exponent) / tail, 1)
    value = np.where(size < 1.25, 8.45062911510467529297e-01 + ratio(around_one, middle - 1), value)
    value = np.where(size < 0.84375, small + small * ratio(near, small**2), value)
    return np.where(np.isnan(x), x, sign * value)


def silu_value(x):
    """x σ(x), without overflow."""
    e = np.exp(np.where(np.real(x) < 0, x, -x))
    return x * (np.where(np.real(x) < 0, e, 1) / (1 + e))


def gelu_value(x):
    """x Φ(x) with full relative precision; 1 − Φ(|x|) by a Chebyshev series."""
    series = [
        -1.3026537197817094,
        0.6419697923564902,
        0.019476473204185836,
        -0.009561514786808632,
        -0.0009465953444820369,
        0.00036683949785276145,
        4.252332480690777e-05,
        -2.0278578112534242e-05,
        -1.6242900046470256e-06,
        1.3036558355805232e-06,
        1.5626441722066142e-08,
        -8.523809591492654e-08,
        6.5290544390988515e-09,
        5.059343495551469e-09,
        -9.91364156493033e-10,
        -2.273651222931836e-10,
        9.646791102015527e-11,
        2.3940380830391146e-12,
        -6.886027526497553e-12,
        8.944879273090725e-13,
        3.130921399342958e-13,
        -1.1270822361367252e-13,
        3.810905255189232e-16,
        7.106097613609237e-15,
        -1.5230282014571043e-15,
        -9.457494571291233e-17,
        1.210237189224279e-16,
        -2.816663087747177e-17,
    ]  # of log(erfc(z) exp(z²) / t) in t = 2 / (2 + z)
    a = np.minimum(np.abs(x), 60)
    t = 2 / (2 + a * 0.5**0.5)
    u = 4 * t - 2
    one, before = 0, 0
    for coefficient in series[:0:-1]:
        one, before = u * one - before + coefficient, one
    head = np.round(a * 1024) / 1024  # its square is exact
    rest = (series[0] + u * one) / 2 - before - (a - head) * (a + head) / 2
    tail = t * np.exp(-(head**2) / 2) * np.exp(rest) / 2
    return x * np.where(x < 0, tail, 1 - tail)


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
    meaning="log(1 + eᵗ)",
    evaluate=softplus_value,
    derivatives=(lambda x, y: sigmoid(x),),
    latex=r"\operatorname{softplus}",
    nonnegative=True,
    increasing=True,
    module=_HERE,
)

relu = Function(
    name="relu",
    meaning="max(t, 0)",
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
    meaning="1 if t > 0, else 0",
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
    meaning="2/√π ∫₀ᵗ e^(−u²) du",
    evaluate=erf_value,
    derivatives=(lambda x, y: (2 / math.sqrt(math.pi)) * exp(-(x**2)),),
    latex=r"\operatorname{erf}",
    increasing=True,
    module=_HERE,
)

# x ⊙ σ(x) [Elfwing, Uchibe & Doya 2018]
silu = Function(
    name="silu",
    meaning="t/(1 + e⁻ᵗ)",
    evaluate=silu_value,
    derivatives=(lambda x, y: x * sigmoid(x) * (1 - sigmoid(x)) + sigmoid(x),),
    latex=r"\operatorname{silu}",
    module=_HERE,
)

# x Φ(x) = ½ x (1 + erf(x/√2)) [Hendrycks & Gimpel 2016, eq. 1]
gelu = Function(
    name="gelu",
    meaning="½ t (1 + erf(t/√2))",
    evaluate=gelu_value,
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
    evaluate=inverse_or_zero_value,
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
    evaluate=greater_value,
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
    evaluate=greater_equal_value,
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
    evaluate=where_value,
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
    evaluate=nonzero_value,
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
    evaluate=erfc_value,
    derivatives=(refuse_derivative("erfc"),),
    nonnegative=True,
    module=_HERE,
)

# Of these the derivative is known: they stand for what is derived anew for its numbers.
log_cosh = Function(
    name="log_cosh",
    evaluate=log_cosh_value,
    derivatives=(lambda x, y: tanh(x),),
    nonnegative=True,
    module=_HERE,
)

sech_squared = Function(
    name="sech_squared",
    evaluate=sech_squared_value,
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
