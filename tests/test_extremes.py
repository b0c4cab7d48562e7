"""Functions far out, and what people write for them, against mpmath: value, slope, curvature."""

import numpy as np
import pytest

import tensorcalc as tc

mp = pytest.importorskip("mpmath")


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def _normal(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


softplus = lambda x: mp.log1p(mp.exp(x))
log_cosh = lambda x: mp.log(mp.cosh(x))
ENTRYWISE = {
    "softplus(x)": softplus,
    "log(1 + exp(x))": softplus,
    "log(1 + exp(-x))": lambda x: softplus(-x),
    "sigmoid(x)": _sigmoid,
    "1 / (1 + exp(-x))": _sigmoid,
    "exp(x) / (1 + exp(x))": _sigmoid,
    "1 - sigmoid(x)": lambda x: _sigmoid(-x),
    "-log(sigmoid(x))": lambda x: softplus(-x),
    "log(1 - sigmoid(x))": lambda x: -softplus(x),
    "log(exp(x) / (1 + exp(x)))": lambda x: -softplus(-x),
    "-(0.25 * log(sigmoid(x)) + 0.75 * log(1 - sigmoid(x)))": lambda x: softplus(x) - x / 4,
    "log1p(exp(-abs(x)))": lambda x: softplus(-abs(x)),
    "maximum(x, 0) - 0.25 * x + log(1 + exp(-abs(x)))": lambda x: softplus(x) - x / 4,
    "tanh(x)": mp.tanh,
    "(exp(x) - exp(-x)) / (exp(x) + exp(-x))": mp.tanh,
    "sinh(x) / cosh(x)": mp.tanh,
    "1 - tanh(x)**2": lambda x: mp.sech(x) ** 2,
    "log(cosh(x))": log_cosh,
    "log(2 * cosh(x))": lambda x: mp.log(2 * mp.cosh(x)),
    "log(exp(x) + exp(-x))": lambda x: mp.log(2 * mp.cosh(x)),
    "log(exp(2 * x) + exp(x))": lambda x: x + softplus(x),
    "log(2 * exp(x) + 3 * exp(-x))": lambda x: mp.log(2 * mp.exp(x) + 3 * mp.exp(-x)),
    "log(exp(x) + 2)": lambda x: mp.log(mp.exp(x) + 2),
    "log(0.5 + exp(x) + 4 * exp(3 * x))": lambda x: mp.log(0.5 + mp.exp(x) + 4 * mp.exp(3 * x)),
    "e = exp(x); s = e + exp(-3 * x); log(s)": lambda x: mp.log(mp.exp(x) + mp.exp(-3 * x)),
    "log(exp(2 * x) + sum(exp(x * ones(3))))": lambda x: mp.log(mp.exp(2 * x) + 3 * mp.exp(x)),
    "silu(x)": lambda x: x * _sigmoid(x),
    "x / (1 + exp(-x))": lambda x: x * _sigmoid(x),
    "gelu(x)": lambda x: x * _normal(x),
    "x * tanh(softplus(x))": lambda x: x * mp.tanh(softplus(x)),
    "erf(x)": mp.erf,
    "arctan(x)": mp.atan,
}
FAR = [0.5, 20.0, -18.0, -40.0, 300.0, 1e4, -1e4]


def _agrees(found, expected):
    return abs(found - expected) <= max(mp.mpf("1e-12") * abs(expected), mp.mpf("1e-300"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("text", "truth"), ENTRYWISE.items(), ids=ENTRYWISE)
def test_functions_of_one_number_far_out(text, truth):
    p = tc.program(text, x=())
    parts = [p.result, *(tc.derivative(p.result, *[p["x"]] * n) for n in (1, 2))]
    for x in FAR:
        with mp.workdps(500):  # what vanishes beyond these digits vanishes among floats
            for order, part in enumerate(parts):
                right = mp.diff(truth, mp.mpf(x), order) if order else truth(mp.mpf(x))
                found = part.evaluate(x=x).item()
                assert _agrees(found, mp.re(right)), (x, order, found, float(mp.re(right)))


NOT_ADDED = {
    "log(exp(2 * x) - exp(x) + 1)": lambda x: mp.log(mp.exp(2 * x) - mp.exp(x) + 1),
    "log(9 - exp(x))": lambda x: mp.log(9 - mp.exp(x)),
    "log(exp(x) + x**2)": lambda x: mp.log(mp.exp(x) + x**2),
    "log(exp(x) + 2 * exp(-x) - 0.5)": lambda x: mp.log(mp.exp(x) + 2 * mp.exp(-x) - 0.5),
}


@pytest.mark.parametrize(("text", "truth"), NOT_ADDED.items(), ids=NOT_ADDED)
def test_logarithms_of_sums_in_which_not_all_are_exponentials(text, truth):
    p = tc.program(text, x=())
    for order in range(3):
        part = tc.derivative(p.result, *[p["x"]] * order) if order else p.result
        for x in (0.5, -0.25, 1.5, -2.0):
            found, right = part.evaluate(x=x).item(), float(mp.diff(truth, x, order))
            assert found == pytest.approx(right, rel=1e-9), (x, order)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1, 1e4])
@pytest.mark.parametrize("text", ["sum(log(exp(b) + exp(X)))", "sum(log(exp(b.T) + exp(X.T)))"])
def test_a_column_of_exponentials_added_to_a_matrix(text, scale):
    rng = np.random.default_rng(0)
    b, X = scale * rng.normal(size=3), scale * rng.normal(size=(3, 2))
    p = tc.program(text, b=3, X=(3, 2))
    share = np.exp(X - np.logaddexp(b[:, None], X))
    assert p.result.evaluate(b=b, X=X) == pytest.approx(np.logaddexp(b[:, None], X).sum())
    assert tc.gradient(p.result, p["X"]).evaluate(b=b, X=X) == pytest.approx(share)
    assert tc.gradient(p.result, p["b"]).evaluate(b=b, X=X) == pytest.approx((1 - share).sum(1))


def _softmax(z):
    top = max(z)
    e = [mp.exp(t - top) for t in z]
    return [t / mp.fsum(e) for t in e]


def _logsumexp(z):
    return max(z) + mp.log(mp.fsum(mp.exp(t - max(z)) for t in z))


LABELS = [0.25, 0.5, 0.25]
cross_entropy = lambda z: _logsumexp(z) - mp.fsum(y * t for y, t in zip(LABELS, z, strict=True))
OF_VECTORS = {
    "logsumexp(z)": _logsumexp,
    "log(sum(exp(z)))": _logsumexp,
    "log(sum(exp(z - max(z)))) + max(z)": _logsumexp,
    "logsumexp(outer(z, ones(1)), axis=0)[0]": _logsumexp,
    "-sum(y * log_softmax(z))": cross_entropy,
    "-sum(y * log(softmax(z)))": cross_entropy,
    "-sum(y * log(exp(z) / sum(exp(z))))": cross_entropy,
    "p = softmax(z); -sum(y * log(p))": cross_entropy,
    "softmax(z)[0]": lambda z: _softmax(z)[0],
    "(exp(z) / sum(exp(z)))[0]": lambda z: _softmax(z)[0],
}
POINTS = [(1e4, 0.0, -1e4), (1e4, 9999.0, 9998.0), (-1e4, -1e4, -9999.0), (0.3, -0.2, 20.0)]


@pytest.mark.parametrize(("text", "truth"), OF_VECTORS.items(), ids=OF_VECTORS)
def test_functions_of_vectors_far_out(text, truth):
    p = tc.program(text, z=3, y=3)
    first, second = (tc.derivative(p.result, *[p["z"]] * n, layout="mixed") for n in (1, 2))
    for point in POINTS:
        at = {"z": list(point), "y": LABELS}
        at = {name: value for name, value in at.items() if name in p}
        slope, curvature = first.evaluate(at), second.evaluate(at)
        with mp.workdps(120):
            z = [mp.mpf(t) for t in point]
            moved = lambda *t: truth(list(t))
            value = truth(z)
            assert _agrees(p.result.evaluate(at).item(), value)
            for i in range(3):
                unit = tuple(int(k == i) for k in range(3))
                right = mp.diff(moved, tuple(z), unit)
                # entries that cancel are compared on the scale of 1
                assert abs(slope[i] - right) < 1e-12, (point, i, slope[i], float(right))
                for j in range(3):
                    pair = tuple(int(k == i) + int(k == j) for k in range(3))
                    right = mp.diff(moved, tuple(z), pair)
                    assert abs(curvature[i, j] - right) < 1e-12
    assert np.isfinite(curvature).all()


WEIGHTS = [0.5, 0.25, 0.125, 0.125]
weighted = lambda z: mp.fsum(w * p for w, p in zip(WEIGHTS, _softmax(z), strict=True))
surprise = lambda z: _logsumexp(z) - mp.fsum(w * t for w, t in zip(WEIGHTS, z, strict=True))
OF_ALL_ENTRIES = {
    "F = exp(X); P = F / sum(F); sum(A * P)": weighted,
    "F = exp(X - max(X)); P = F / sum(F); sum(A * P)": weighted,
    "F = exp(X.T); P = F / sum(F); sum(A.T * P)": weighted,
    "F = exp(X); P = F / sum(F); -sum(A * log(P))": surprise,
    "F = exp(X - max(X)); P = F / sum(F); -sum(A * log(P))": surprise,
    "-sum(A * log(exp(X) / sum(exp(X))))": surprise,
}
FLAT = [(0.3, -0.2, 20.0, 1.0), (1e4, 9999.0, 9998.0, -1e4), (-1e4, -9999.0, 1e4, 0.0)]


@pytest.mark.parametrize("point", FLAT)
@pytest.mark.parametrize(("text", "truth"), OF_ALL_ENTRIES.items(), ids=OF_ALL_ENTRIES)
def test_a_softmax_over_all_entries_of_a_matrix(text, truth, point):
    p = tc.program(text, X=(2, 2), A=(2, 2))
    at = {"X": np.reshape(point, (2, 2)), "A": np.reshape(WEIGHTS, (2, 2))}
    first, second = (tc.derivative(p.result, *[p["X"]] * n, layout="mixed") for n in (1, 2))
    slope, curvature = first.evaluate(at).reshape(4), second.evaluate(at).reshape(4, 4)
    units = np.eye(4, dtype=int)
    with mp.workdps(120):
        z, moved = [mp.mpf(t) for t in point], lambda *t: truth(list(t))
        assert _agrees(p.result.evaluate(at).item(), truth(z))
        for i in range(4):
            assert abs(slope[i] - mp.diff(moved, tuple(z), tuple(map(int, units[i])))) < 1e-11, i
            for j in range(4):
                right = mp.diff(moved, tuple(z), tuple(map(int, units[i] + units[j])))
                assert abs(curvature[i, j] - right) < 1e-11, (i, j)


@pytest.mark.parametrize("x", [1e200, -1e200, 1e-200])
@pytest.mark.parametrize("text", ["sqrt(1 + x**2)", "(1 + x**2)**0.5", "s = 1 + x * x; sqrt(s)"])
def test_a_root_of_one_and_a_square_beyond_floats(text, x):
    p = tc.program(text, x=())
    with mp.workdps(900):
        root = mp.sqrt(1 + mp.mpf(x) ** 2)
        assert _agrees(p.result.evaluate(x=x).item(), root)
        if "s = " not in text:
            assert _agrees(p.derivative(p.result, "x").evaluate(x=x).item(), x / root)


ENDS = np.array([-np.inf, -1.0, 0.0, 2.0, np.inf])
COMPARISONS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


@pytest.mark.parametrize("sign", COMPARISONS)
def test_infinities_are_compared_as_numpy_compares_them(sign):
    p = tc.parse(f"t = where(x {sign} y, 2 * x, 3 * y)", x="n", y="n")
    x, y = np.repeat(ENDS, len(ENDS)), np.tile(ENDS, len(ENDS))
    holds = COMPARISONS[sign](x, y)
    f = tc.compile([p["t"], tc.derivative(p["t"], p["x"]), tc.derivative(p["t"], p["y"])])
    for dtype in (np.float64, np.float32):
        for _ in range(4):
            value, by_x, by_y = f(x=x.astype(dtype), y=y.astype(dtype))
            np.testing.assert_array_equal(value, np.where(holds, 2 * x, 3 * y))
            np.testing.assert_array_equal(by_x, np.diag(np.where(holds, 2, 0)))
            np.testing.assert_array_equal(by_y, np.diag(np.where(holds, 0, 3)))
            assert value.dtype == by_x.dtype == dtype
    unknown = f(x=np.array([np.nan, 1.0]), y=np.array([1.0, np.nan]))
    assert np.isnan(unknown[1].diagonal()).all()


def share(k, times=1.0):
    """−log of a share of exp(x), its gradient and its Hessian, each so many times."""

    def truth(x):
        total = np.logaddexp.reduce(x)
        p, unit = np.exp(x - total), np.eye(len(x))[k]
        return times * (total - x[k]), times * (p - unit), times * (np.diag(p) - np.outer(p, p))

    return truth


def mean(x):
    value, slope, curvature = share(0)(x)
    return value + x[0] - np.log(len(x)), slope + np.eye(len(x))[0], curvature


def odds(k):
    """−log σ(x[k])."""

    def truth(x):
        s, unit = np.exp(-np.logaddexp(0, x[k])), np.eye(len(x))[k]
        slope = np.exp(-np.logaddexp(0, x[k])) * np.exp(-np.logaddexp(0, -x[k]))
        return np.logaddexp(0, -x[k]), -s * unit, slope * np.outer(unit, unit)

    return truth


def both(one, other):
    return lambda x: tuple(a + b for a, b in zip(one(x), other(x), strict=True))


LOGS_OF_ENTRIES = {
    "-log(softmax(x)[1])": share(1),
    "p = softmax(x); -log(p[1])": share(1),
    "-log(softmax(x)[2]**3)": share(2, 3.0),
    "-sum(log(softmax(x)[0:2]))": both(share(0), share(1)),
    "-log(exp(x[1]) / sum(exp(x)))": share(1),
    "p = exp(x) / sum(exp(x)); -log(p[1])": share(1),
    "p = exp(x) / sum(exp(x)); -log(p[0] * p[1])": both(share(0), share(1)),
    "log(mean(exp(x)))": mean,
    "-log(sigmoid(x)[1])": odds(1),
    "s = sigmoid(x); -sum(log(s[1:3]))": both(odds(1), odds(2)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1.0, 30.0, 800.0, 1e4])
@pytest.mark.parametrize(("text", "truth"), LOGS_OF_ENTRIES.items(), ids=LOGS_OF_ENTRIES)
def test_logarithms_of_entries_of_shares_far_out(text, truth, scale):
    p = tc.program(text, x="n")
    x = scale * np.array([1.0, -1.0, 0.25])
    parts = [tc.derivative(p.result, *[p["x"]] * n, layout="mixed") for n in (1, 2)]
    for found, expected in zip((p.result, *parts), truth(x), strict=True):
        at = found.evaluate(x=x)
        np.testing.assert_allclose(at, expected, rtol=1e-9, atol=1e-12 * max(1, scale))


@pytest.mark.parametrize("text", ["log(x[0] * exp(x[1]))", "log(sum(x) / sum(exp(x)))"])
def test_logarithms_of_what_may_be_negative_are_left(text):
    p = tc.program(text, x="n")
    x = np.array([0.5, -1.0, 2.0])
    plain = {"log(x[0] * exp(x[1]))": np.log(0.5) - 1}
    expected = plain.get(text, np.log(1.5 / np.exp(x).sum()))
    np.testing.assert_allclose(p.result.evaluate(x=x), expected)
    with pytest.raises(tc.TensorCalcError):
        p.result.evaluate(x=-x)
