"""Where a function has no value, or no derivative, an evaluation says so; it gives no number."""

import numpy as np
import pytest

import tensorcalc as tc

UNDEFINED = {
    "sum(log(x))": -1.0,
    "sum(log1p(x))": -2.0,
    "sum(sqrt(x))": -1.0,
    "sum(arcsin(x))": 1.5,
    "sum(arccos(x))": -1.5,
    "sum(x**1.5)": -1.0,
    "sum(x**-0.5)": -1.0,
    "sum(x**y)": -1.0,
    "p = log(x); sum(p * p)": -1.0,
    "sum(y) * log(sum(x))": -1.0,
    "x[0] * y[0] + log(x[1])": -1.0,
    "where(x > -5, log(x), 0)": -1.0,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(("text", "at"), UNDEFINED.items(), ids=UNDEFINED)
def test_outside_the_domain_there_is_no_number(text, at, order):
    p = tc.program(text, x=2, y=2)
    d = tc.derivative(p.result, *[p["x"]] * order) if order else p.result
    given = {"x": [at, at], "y": [0.5, 0.25]}
    with pytest.raises(tc.ValueNotAllowedError, match=r"has no value|not a number"):
        d.evaluate({name: value for name, value in given.items() if name in p})


def test_a_derivative_by_another_variable_is_refused_as_well_and_products_with_tangents():
    p = tc.program("sum(log(x)) + y**2", x=2, y=())
    bad, good = {"x": [-1.0, 2.0], "y": 3.0}, {"x": [1.0, 2.0], "y": 3.0}
    d = p.derivative(p.result, "y")
    assert d.evaluate(good) == 6
    assert d.evaluate(y=3.0) == 6  # x is not needed, and not given
    with pytest.raises(tc.ValueNotAllowedError, match=r"log has no value: x is -1 there"):
        d.evaluate(bad)
    with pytest.raises(tc.ValueNotAllowedError, match="log has no value"):
        p.derivative(p.result, "x").jvp(np.ones(2), at=bad)
    with pytest.raises(tc.ValueNotAllowedError, match="log has no value"):
        tc.hvp(p.result, p["x"], np.ones(2), at=bad)


def test_what_is_defined_after_all_is_computed():
    p = tc.program("sum(log(x**2)) + sum(log(softmax(x))) + norm(0 * x)", x=2)
    found = p.gradient(p.result, "x").evaluate(x=[-2.0, -4.0])
    np.testing.assert_allclose(found, [-1 + np.tanh(-1), -0.5 + np.tanh(1)])


# the norm at 0: its gradient is 0 by convention, and it has no second derivative
AT_ZERO = {
    "norm(x)": (0.0, None),
    "sqrt(x.T @ x)": (0.0, None),
    "(x.T @ x)**0.5": (0.0, None),
    "sqrt(sum(x**2))": (0.0, None),
    "sqrt(mean(x**2))": (0.0, None),
    "norm(x)**2": (0.0, 2 * np.eye(2)),
    "norm(x)**4": (0.0, np.zeros((2, 2))),
    "norm(x)**1.5": (0.0, None),
    "norm(x)**0.5": (None, None),
    "1 / norm(x)": (None, None),
    "sum(x / norm(x))": (None, None),
    "norm(x) * norm(x)": (0.0, None),
    "sum(sqrt(x**2))": (0.0, None),
}


@pytest.mark.parametrize(("text", "expected"), AT_ZERO.items(), ids=AT_ZERO)
def test_the_norm_at_zero(text, expected):
    p = tc.program(text, x=2)
    for order, right in enumerate(expected, start=1):
        d = tc.derivative(p.result, *[p["x"]] * order, layout="mixed")
        if right is None:
            with pytest.raises(tc.ValueNotAllowedError), np.errstate(all="ignore"):
                d.evaluate(x=[0.0, 0.0])
        else:
            np.testing.assert_array_equal(d.evaluate(x=[0.0, 0.0]), right + np.zeros((2,) * order))


LENGTHS = ["norm(x)", "sqrt(x.T @ x)", "sqrt(sum(x**2))", "(x.T @ x)**0.5", "sum(norm(X, axis=0))",
           "norm(3 * x) / 3", "sqrt(sum(x[0:2]**2) + x[2]**2)", "n2 = x.T @ x; sqrt(n2)",
           "norm(outer(x, ones(4))) / 2"]  # fmt: skip


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1.0, 1e160, 1e200, 1e300])
@pytest.mark.parametrize("text", LENGTHS)
def test_the_length_of_very_short_and_very_long_vectors(text, scale):
    p = tc.program(text, x=3, X=(3, 1))
    wrt = "X" if "X" in text else "x"
    u = np.array([2.0, -1.0, 2.0])
    x = scale * u if wrt == "x" else scale * u[:, None]
    found = [p.result.evaluate({wrt: x})]
    for order in (1, 2):
        d = tc.derivative(p.result, *[p[wrt]] * order)
        found.append(d.evaluate({wrt: x}).reshape((3,) * order))
    # not an equality of formulas: they agree to the last digits only
    np.testing.assert_allclose(found[0], 3 * scale, rtol=1e-14)
    np.testing.assert_allclose(found[1], u / 3, rtol=1e-14)
    right = (np.eye(3) - np.outer(u, u) / 9) / 3
    np.testing.assert_allclose(found[2] * scale, right, rtol=1e-13)
