"""What people write naively is recognised, and is then as right as the stable function."""

import numpy as np
import pytest

import tensorcalc as tc

SHAPES = {"x": 3, "y": 3, "X": (2, 3), "Y": (2, 3), "W": (3, 3)}

# naive text, and the function it means
NAIVE = {
    "sum(log(1 + exp(x)))": "sum(softplus(x))",
    "sum(log(exp(x) + 1))": "sum(softplus(x))",
    "sum(log1p(exp(x)))": "sum(softplus(x))",
    "log(sum(exp(x)))": "logsumexp(x)",
    "sum(log(sum(exp(X), axis=1)))": "sum(logsumexp(X, axis=1))",
    "sum(log(sum(exp(X), axis=0)))": "sum(logsumexp(X, axis=0))",
    "log(sum(exp(X)))": "logsumexp(X)",
    "sum(y / (1 + exp(-x)))": "sum(y * sigmoid(x))",
    "sum(y * exp(x) / (1 + exp(x)))": "sum(y * sigmoid(x))",
    "sum(y * (exp(x) / sum(exp(x))))": "sum(y * softmax(x))",
    "sum(Y * (exp(X) / sum(exp(X), axis=1)))": "sum(Y * softmax(X, axis=1))",
    "sum(Y * (exp(X) / sum(exp(X), axis=0)))": "sum(Y * softmax(X, axis=0))",
    "sum(y * log(softmax(x)))": "sum(y * log_softmax(x))",
    "sum(y * log(exp(x) / sum(exp(x))))": "sum(y * log_softmax(x))",
    "sum(log(sigmoid(x)))": "-sum(softplus(-x))",
    "sum(log(1 - sigmoid(x)))": "-sum(softplus(x))",
    "sum(log(1 / (1 + exp(-x))))": "-sum(softplus(-x))",
    "sum(softplus(W @ x)) + 0 * sum(log(1 + exp(W @ x)))": "sum(softplus(W @ x))",
}
# the same through names, where a derivative must not look through them but a value may
NAMED = {
    "a = exp(x); sum(log(1 + a))": "sum(softplus(x))",
    "a = 1 + exp(x); sum(log(a))": "sum(softplus(x))",
    "a = exp(x); log(sum(a))": "logsumexp(x)",
    "p = softmax(x); sum(y * log(p))": "sum(y * log_softmax(x))",
    "s = sigmoid(x); sum(y * log(s) + (1 - y) * log(1 - s))": (
        "-sum(y * softplus(-x) + (1 - y) * softplus(x))"
    ),
}
POINTS = [(1e4, 0.0, -1e4), (1e4, 1e4, 1e4), (-1e4, -1e4, -9999.0), (0.3, -0.2, 40.0)]


def values(point):
    x, y = np.array(point), np.array([0.2, 0.3, 0.5])
    return {"x": x, "y": y, "X": np.stack([x, -x]), "Y": np.stack([y, -y]), "W": np.eye(3)}


def outcomes(text, point, orders):
    p = tc.program(text, SHAPES)
    wrt = p["X" if "X" in text else "x"]
    found = [p.result.evaluate(values(point))]
    for order in range(1, orders + 1):
        found.append(tc.derivative(p.result, *[wrt] * order).evaluate(values(point)))
    return found


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize(("naive", "stable"), NAIVE.items(), ids=NAIVE)
def test_naive_text_is_as_right_as_the_stable_function(naive, stable, point):
    for found, expected in zip(outcomes(naive, point, 2), outcomes(stable, point, 2), strict=True):
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize(("named", "stable"), NAMED.items(), ids=NAMED)
def test_values_and_gradients_look_through_names(named, stable, point):
    for found, expected in zip(outcomes(named, point, 1), outcomes(stable, point, 1), strict=True):
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_determinants_gradient_exists_where_the_matrix_is_singular():
    A = tc.matrix("A", 3, 3)
    at = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
    cofactors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(at, i, 0), j, 1)) for j in range(3)]
        for i in range(3)
    ]
    np.testing.assert_allclose(tc.gradient(tc.det(A), A).evaluate(A=at), cofactors, atol=1e-12)


@pytest.mark.parametrize("text", ["sum(where(x > 0, log(x), 0))", "sum(where(x > 0, x**-2, x))"])
def test_what_a_condition_leaves_out_may_be_infinite(text):
    p = tc.program(text, x=3)
    at = np.array([0.0, -1.0, 2.0])
    with np.errstate(all="ignore"):
        found = p.gradient(p.result, "x").evaluate(x=at)
    assert np.isfinite(found).all()
    assert found[2] == pytest.approx(0.5 if "log" in text else -0.25)


@pytest.mark.parametrize(
    "text", ["norm(0.3 + relu(V), axis=1)", "where(R >= y.T, arctan(x.T), softmax(y.T))"]
)
def test_a_condition_may_run_along_axes_of_its_own(text):
    p = tc.program(text, V=(3, 2), R=(1, 3), x=3, y=3)
    wrt = "V" if "V" in text else "y"
    d = p.derivative(p.result, wrt)
    at = {
        "V": np.array([[0.3, -1.0], [-0.2, 0.5], [1.0, 2.0]]),
        "R": np.array([[0.1, 0.9, -0.4]]),
        "x": np.array([0.4, -0.7, 1.1]),
        "y": np.array([0.2, 0.3, -0.5]),
    }
    assert d.verify(at={name: at[name] for name in p if name in at})


QUOTIENTS = {
    "exp(x) / (3 + exp(x))": 0.0,
    "(exp(x) - exp(-x)) / (exp(x) + exp(-x))": 0.0,
    "sinh(x) / cosh(x)": 0.0,
    "1 / (1 + x**2)": None,
}


@pytest.mark.parametrize(("text", "slope"), QUOTIENTS.items(), ids=QUOTIENTS)
def test_the_square_of_a_denominator_beyond_floats_is_never_formed(text, slope):
    p = tc.program(f"sum({text})", x=1)
    d = p.derivative(p.result, "x")
    if slope is None:
        assert d.evaluate(x=[1e60]) == pytest.approx(-2e-180, rel=1e-12)
    else:
        np.testing.assert_allclose(d.evaluate(x=[400.0]), [[slope]], atol=1e-15)
