"""Values of functions that NumPy does not have, safe for every real x; they continue analytically.

Each is quoted in generated code as it stands here, so it uses nothing but ``np``.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "erf",
    "erfc",
    "gelu",
    "greater",
    "greater_equal",
    "inverse_or_zero",
    "log_cosh",
    "nonzero",
    "relu",
    "sech_squared",
    "sigmoid",
    "silu",
    "softplus",
    "step",
    "where",
]


def sigmoid(x):
    """exp(x) / (1 + exp(x)); x is held back just before exp overflows, where this is 1."""
    e = np.exp(np.minimum(x, 88 if x.itemsize == 4 else 709))
    return e / (1 + e)


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(np.minimum(x, -x)))


def relu(x):
    """max(x, 0)."""
    return np.maximum(x, 0)


def step(x):
    """1 where x > 0, else 0: the derivative of relu, with 0 at the kink."""
    return np.heaviside(x, 0)


def where(condition, x, y):
    """x where the condition is not 0, else y."""
    return np.where(condition, x, y)


def nonzero(x):
    """1 where x is not 0, else 0."""
    return np.abs(np.sign(np.real(x)))


def greater(x, y):
    """1 where x > y, else 0."""
    x, y = np.real(x), np.real(y)
    low = np.minimum(x, y)  # whose comparison holds of infinities too
    return np.where(low == low, low != x, low)


def greater_equal(x, y):
    """1 where x >= y, else 0."""
    x, y = np.real(x), np.real(y)
    low = np.minimum(x, y)
    return np.where(low == low, low == y, low)


def inverse_or_zero(x):
    """1 / x, and 0 where x is 0."""
    return np.divide(1, x, out=np.zeros_like(x), where=x != 0)


def log_cosh(x):
    """log(cosh(x)), without overflow and without cancellation."""
    far = np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2)
    near = np.log1p(2 * np.sinh(np.where(np.abs(x) < 1, x, 0) / 2) ** 2)
    return np.where(np.abs(x) < 1, near, far)


def erfc(x):
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


def sech_squared(x):
    """1 / cosh(x)², without overflow."""
    e = np.exp(2 * np.minimum(x, -x))
    return 4 * e / (1 + e) ** 2


def erf(x):
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


def silu(x):
    """x σ(x), without overflow."""
    e = np.exp(np.where(np.real(x) < 0, x, -x))
    return x * (np.where(np.real(x) < 0, e, 1) / (1 + e))


def gelu(x):
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
