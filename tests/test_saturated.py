"""Second derivatives where a softmax is nearly 0 and 1, against differences at 400 digits.

The reference knows the value alone. Its step is so small, and its digits so many, that its
Hessian is right to more digits than a float has; a quadratic form shows it.
"""

import numpy as np
import pytest

import tensorcalc as tc

mp = pytest.importorskip("mpmath")
SHAPES = {name: (3, 2) if name in "XKVY" else (2, 2) for name in "XABCKVY"}
SHAPES |= {"P0": (3, 3), "D": (2, 2)}
STEP = 100  # digits of the step of a difference


def _mapped(f, z):
    return np.vectorize(f, otypes=[object])(z)


def _softmax(z, axis):
    e = _mapped(mp.exp, z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _logsumexp(z, axis):
    top = z.max(axis=axis, keepdims=True)
    return top + _mapped(mp.log, _mapped(mp.exp, z - top).sum(axis=axis, keepdims=True))


WORDS = {
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "log_softmax": lambda z, axis: z - _logsumexp(z, axis),
    "sum": np.sum,
    "tanh": lambda z: _mapped(mp.tanh, z),
}


def _value(text, at):
    """What the lines of a program come to, in the numbers that it is given."""
    known = dict(WORDS, **at)
    for line in text.split("; "):
        name, formula = line.split(" = ")
        known[name] = eval(formula, {}, known)
    return known["E"]


def _second(f, x):
    """All second differences of f at x, forwards."""
    h = mp.mpf(10) ** -STEP
    x = _mapped(mp.mpf, x)

    def moved(*places):
        y = x.copy()
        for k in places:
            y.flat[k] += h
        return f(y)

    n = x.size
    still, once = moved(), [moved(k) for k in range(n)]
    second = np.empty((n, n), dtype=object)
    for j, k in np.ndindex(n, n):
        second[j, k] = (moved(j, k) - once[j] - once[k] + still) / h**2 if j <= k else second[k, j]
    return second.reshape(x.shape * 2)


def _expected(text, by, at):
    with mp.workdps(400):
        given = {name: _mapped(mp.mpf, v) for name, v in at.items()}
        return _second(lambda x: _value(text, {**given, by: x}), at[by])


def _point(by, scale, everything):
    rng = np.random.default_rng(0)
    at = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    return {name: v * scale if everything or name == by else v for name, v in at.items()}


def test_the_reference_is_exact():
    rng = np.random.default_rng(0)
    x, m = rng.normal(size=(2, 3)), rng.integers(-9, 9, size=(6, 6))
    with mp.workdps(400):
        found = _second(lambda y: y.ravel() @ m @ y.ravel() + mp.exp(y[0, 0]), x)
        expected = (m + m.T).astype(object)
        expected[0, 0] += mp.exp(x[0, 0])
        assert abs(found.reshape(6, 6) - expected).max() < 1e-90


SCORES = "softmax(X @ A @ (X @ B).T, axis=1)"
PROGRAMS = [
    ("P = softmax(K @ (X @ B).T, axis=1); E = sum(P * P0)", "X"),
    ("P = softmax(X @ B @ K.T, axis=0); E = sum(P * P0)", "X"),
    (f"P = {SCORES}; E = sum(P * P0)", "X"),
    (f"P = {SCORES}; E = sum(P * P0)", "A"),
    (f"P = {SCORES}; E = sum(P * P0)", "B"),
    ("P = softmax(X @ A @ (X @ B).T, axis=0); E = sum(P * P0)", "X"),
    ("P = softmax(X @ A @ K.T, axis=1); O = P @ V; E = sum(O * Y)", "X"),
    ("P = softmax(X @ A @ K.T, axis=1); O = P @ (X @ C); E = sum(O * Y)", "X"),
    (f"P = {SCORES}; O = P @ (X @ C); E = sum((O - Y)**2)", "X"),
    (f"P = {SCORES}; O = P @ (X @ C); E = sum((O - Y)**2)", "A"),
    ("P = softmax(K @ (X @ B).T, axis=1); E = sum((P - P0)**2)", "X"),
    ("L = logsumexp(K @ (X @ B).T, axis=1); E = sum(L)", "X"),
    ("L = logsumexp(X @ A @ (X @ B).T, axis=1); E = sum(L)", "X"),
    ("L = log_softmax(K @ (X @ B).T, axis=1); E = sum(L * P0)", "X"),
    ("L = log_softmax(X @ A @ (X @ B).T, axis=1); E = sum(L * P0)", "X"),
    # attention whose parts have no names of their own
    (f"P = {SCORES}; E = sum((P @ (X @ C) - Y)**2)", "X"),
    (f"P = {SCORES}; E = sum((P @ (X @ C) @ D - Y)**2)", "X"),
    (f"P = {SCORES}; E = sum((P @ (X @ B))**2)", "X"),
    (f"P = {SCORES}; E = sum((P @ (X @ C))**3)", "X"),
    (f"P = {SCORES}; E = sum((P @ tanh(X @ C) - Y)**2)", "X"),
    ("P = softmax(X @ A @ (X @ B).T + P0, axis=1); E = sum((P @ (X @ C) - Y)**2)", "X"),
]
BOUND = 1e-9  # scores of some thousands are rounded by 1e-13, which second derivatives enlarge
POINTS = [(s, False) for s in (1, 3, 10, 30, 100)] + [(s, True) for s in (3, 10, 30, 100)]


def _compiled(text, by, order=2):
    p = tc.program(text, SHAPES)
    return tc.derivative(p["E"], *[p[by]] * order).to("mixed").compile()


def _error(found, expected):
    """The largest error and the largest entry."""
    return float(abs(found - expected).max()), float(abs(expected).max())


@pytest.mark.parametrize(("text", "by"), PROGRAMS)
def test_nothing_large_is_subtracted_last(text, by):
    f = _compiled(text, by)
    for scale, everything in POINTS:
        at = _point(by, scale, everything)
        error, size = _error(f({name: at[name] for name in f.arguments}), _expected(text, by, at))
        assert error <= BOUND * size + 1e-12, (scale, everything, error, size)


BOTH_CENTRED = [
    (f"P = {SCORES}; E = sum(P * P0)", "A"),
    (f"P = {SCORES}; E = sum(P * P0)", "B"),
    ("P = softmax(X @ A @ K.T, axis=1); O = P @ V; E = sum(O * Y)", "X"),
]


@pytest.mark.parametrize(("text", "by"), BOTH_CENTRED)
def test_a_covariance_is_exact_however_small(text, by):
    at = _point(by, 10, everything=True)
    f = _compiled(text, by)
    error, size = _error(f({name: at[name] for name in f.arguments}), _expected(text, by, at))
    assert size < 1e-10
    assert error <= 1e-10 * size


@pytest.mark.parametrize(("text", "by"), [PROGRAMS[k] for k in (0, 2, 3, 11)])
@pytest.mark.parametrize(("scale", "everything"), [(10, False), (30, True)])
def test_a_hessian_times_a_tangent(text, by, scale, everything):
    p, at = tc.program(text, SHAPES), _point(by, scale, everything)
    tangent = np.random.default_rng(1).normal(size=SHAPES[by])
    found = tc.hvp(p["E"], p[by], tangent, at=at)
    error, size = _error(found, np.tensordot(_expected(text, by, at), tangent, 2))
    assert error <= 1e-10 * size + 1e-12


@pytest.mark.parametrize(("text", "by"), [PROGRAMS[k] for k in (0, 2, 3)])
@pytest.mark.parametrize(("scale", "everything"), [(1, False), (10, False), (30, True)])
def test_third_derivatives(text, by, scale, everything):
    at = _point(by, scale, everything)
    tangent = np.random.default_rng(1).normal(size=SHAPES[by])
    f = _compiled(text, by, order=3)
    found = np.tensordot(f({name: at[name] for name in f.arguments}), tangent, 2)
    with mp.workdps(400):
        step = mp.mpf(10) ** -40
        moved = {**at, by: _mapped(mp.mpf, at[by]) + step * _mapped(mp.mpf, tangent)}
        expected = (_expected(text, by, moved) - _expected(text, by, at)) / step
    error, size = _error(found, expected)
    assert error <= 1e-10 * size + 1e-12
