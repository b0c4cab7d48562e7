"""What people write naively is recognised, and is then as right as the stable function."""

from types import FunctionType

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
    "a = exp(x); b = sum(a); p = a / b; sum(y * log(p))": "sum(y * log_softmax(x))",
    "a = exp(-x); sum(y / (1 + a))": "sum(y * sigmoid(x))",
    "P = exp(X) / (sum(exp(X), axis=1) @ ones(1, 3)); sum(Y * log(P))": (
        "sum(Y * log_softmax(X, axis=1))"
    ),
    "A = exp(X); P = A / (sum(A, axis=1) @ ones(1, 3)); sum(Y * P**2)": (
        "sum(Y * softmax(X, axis=1)**2)"
    ),
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


def inline(Z, Y, axis):
    P = np.exp(Z) / np.sum(np.exp(Z), axis=axis, keepdims=True)
    return -np.sum(Y * np.log(P))


def in_steps(Z, Y, axis):
    E = np.exp(Z)
    total = np.sum(E, axis=axis, keepdims=True)
    P = E / total
    return -np.sum(Y * np.log(P))


def shifted(Z, Y, axis):
    S = Z - np.max(Z, axis=axis, keepdims=True)
    E = np.exp(S)
    P = E / E.sum(axis=axis, keepdims=True)
    return -np.sum(Y * np.log(P))


def shifted_inline(Z, Y, axis):
    m = np.max(Z, axis=axis, keepdims=True)
    P = np.exp(Z - m) / np.sum(np.exp(Z - m), axis=axis, keepdims=True)
    return -np.sum(Y * np.log(P))


def log_of_sum(Z, Y, axis):
    L = np.log(np.sum(np.exp(Z), axis=axis, keepdims=True))
    return -np.sum(Y * (Z - L))


def log_of_sum_in_steps(Z, Y, axis):
    total = np.sum(np.exp(Z), axis=axis, keepdims=True)
    return -np.sum(Y * (Z - np.log(total)))


def log_of_sum_shifted(Z, Y, axis):
    m = np.max(Z, axis=axis, keepdims=True)
    E = np.exp(Z - m)
    total = np.sum(E, axis=axis, keepdims=True)
    return -np.sum(Y * (Z - m - np.log(total)))


# the softmax cross-entropy as people write it in NumPy
CROSS_ENTROPIES = (
    *(inline, in_steps, shifted, shifted_inline),
    *(log_of_sum, log_of_sum_in_steps, log_of_sum_shifted),
)
ALONG = {"rows": (1, ", axis=1"), "columns": (0, ", axis=0"), "one sample": (None, "")}
LOGITS = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, -2.0], [0.5, 0.25, 0.125]])
TARGETS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])


@pytest.mark.parametrize("scale", [1.0, 800.0, 1e4])
@pytest.mark.parametrize("along", ALONG)
@pytest.mark.parametrize("function", CROSS_ENTROPIES)
def test_cross_entropy_in_numpy_is_as_right_as_that_of_log_softmax(function, along, scale):
    axis, option = ALONG[along]
    at = {"Z": LOGITS * scale, "Y": TARGETS}
    if axis is None:
        at = {name: value[0] for name, value in at.items()}
    shapes = {name: value.shape for name, value in at.items()}
    with_axis = FunctionType(function.__code__, function.__globals__, argdefs=(axis,))
    found = loss_and_derivatives(tc.program(with_axis, shapes), at)
    meant = tc.program(f"-sum(Y * log_softmax(Z{option}))", shapes)
    for one, other in zip(found, loss_and_derivatives(meant, at), strict=True):
        np.testing.assert_allclose(np.ravel(one), np.ravel(other), rtol=1e-12, atol=1e-12)


def loss_and_derivatives(p, at):
    E, Z = p.result, p["Z"]
    tangent = np.cos(np.arange(at["Z"].size)).reshape(at["Z"].shape)
    found = [E, tc.gradient(E, Z), tc.hessian(E, Z)]
    return [*(f.evaluate(at) for f in found), tc.hvp(E, Z, tangent, at=at)]


@pytest.mark.parametrize("name", ["E", "S", "P", "total"])
def test_a_name_that_is_differentiated_by_is_not_looked_through(name):
    """The derivative by each step, times that of the step by Z, is the derivative by Z."""
    text = "S = Z + 1; E = exp(S); total = sum(E, axis=1) @ ones(1, 3); P = E / total"
    text += "; -sum(Y * log(P))"
    p = tc.program(text, Z=(3, 3), Y=(3, 3))
    at = {"Z": LOGITS, "Y": TARGETS}
    slope = tc.gradient(p.result, p[name]).evaluate(at)
    P, E = (p[n].evaluate(at) for n in ("P", "E"))
    by_P = -TARGETS / P
    by_total = -by_P * P * P / E
    exact = {"P": by_P, "total": by_total, "S": P - TARGETS}
    exact["E"] = exact["S"] / E
    np.testing.assert_allclose(slope, exact[name], rtol=1e-12, atol=1e-12)


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
