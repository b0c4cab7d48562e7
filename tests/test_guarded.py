"""What a condition leaves out may be undefined: it leaves no trace in any derivative."""

import re

import numpy as np
import pytest

import tensorcalc as tc

pytestmark = pytest.mark.filterwarnings("error")

# a branch and the other, the condition, and values: only the second entry is in the branch
BRANCHES = {
    "x * log(x)": ("0", "x > 0", (0.0, 1.25, -1.0)),
    "sqrt(x)": ("x", "x > 0", (0.0, 1.25, -1.0)),
    "1 / x": ("0", "x > 0", (0.0, 1.25, -1.0)),
    "x**-2": ("x", "x > 0", (0.0, 1.25, -1.0)),
    "x**1.5": ("x**2", "x > 0", (0.0, 1.25, -1.0)),
    "log(x / (1 + x))": ("0", "x > 0", (0.0, 1.25, -1.0)),
    "log1p(x)": ("x", "x > -1", (-1.0, 1.25, -3.0)),
    "x**y": ("y", "x > 0", (0.0, 1.25, -1.0)),
    "1 / log(x)": ("0", "x > 1", (1.0, 1.25, -1.0)),
    "exp(100 * x)": ("x", "x < 1", (8.0, 0.01, 9.0)),
    "where(x < 1, arcsin(x), x)": ("x", "x > -1", (-2.0, 0.25, -1.0)),
    "tan(x) / sqrt(x)": ("-x", "x > 0", (0.0, 1.25, -1.0)),
    "sqrt(maximum(x, 0)) * log(x)": ("sin(x)", "x > 0", (0.0, 1.25, -1.0)),
}
# how the column v of such branches is used further
USES = ["v", "exp(sum(v))", "sum(where(M > 0, v, 0))"]
FURTHER = [
    "sum(W @ v)", "max(v)", "norm(v)**2", "sum(softmax(v) * y)", "u = 2 * v; sum(u**2)",
    "outer(v, y)",
]  # fmt: skip
CASES = [(branch, use) for branch in BRANCHES for use in USES]
CASES += [(branch, use) for branch in ("x * log(x)", "sqrt(x)") for use in FURTHER]
SHAPES = {"x": 3, "y": 3, "W": (3, 3), "M": (3, 3), "e0": 3, "e1": 3, "e2": 3}
VALUES = {
    "y": np.array([0.5, -0.5, 0.25]),
    "W": np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0], [3.0, 1.0, -1.0]]),
    "M": np.array([[1.0, -1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]]),
    **{f"e{k}": np.eye(3)[k] for k in range(3)},
}


ENTRIES = np.eye(6).reshape(6, 2, 3)


def values_of(text, at, orders=3):
    p = tc.program(text, SHAPES)
    at = {name: value for name, value in at.items() if name in p}
    derivatives = (tc.derivative(p.result, *[p["x"]] * n) for n in range(1, orders + 1))
    return [q.evaluate(at) for q in (p.result, *derivatives)]


def entry(text, k):
    """The same text for one entry of x and y."""
    return re.sub(r"\b([xy])\b", rf"\1[{k}]", text)


@pytest.mark.parametrize(("branch", "use"), CASES)
def test_a_branch_left_out_is_the_same_as_one_never_written(branch, use):
    other, condition, x = BRANCHES[branch]
    at = {**VALUES, "x": np.array(x)}
    found = values_of(f"v = where({condition}, {branch}, {other}); {use}", at)
    written = [entry(other, 0), entry(branch, 1), entry(other, 2)]
    by_hand = " + ".join(f"e{k} * ({text})" for k, text in enumerate(written))
    expected = values_of(f"v = {by_hand}; {use}", at)
    for one, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, right, rtol=1e-10, atol=1e-10 * np.abs(right).max())


# text, and the same with what is left out never written
WHOLE = {
    "p = x * log(x); sum(where(x > 0, p, 0))": "x[1] * log(x[1])",
    "s = sqrt(x); sum(where(x > 0, 1 / s, 0))": "1 / sqrt(x[1])",
    "where(c > 0, sum(log(c * x)), c)": "c",
    "where(c > 0, logdet(c * A), 0) * x[1]": "0 * x[1]",
    "where(c > 0, inv(c * A)[0, 0], 1) * x[1]": "x[1]",
    "where(x[0] > 0, log(x[0]), x[1])": "x[1]",
    "sum(where(x[0:2] > 0, log(x[0:2]), 0))": "log(x[1])",
    "sum(where(B > 0, log(x), 0))": "2 * log(x[1])",
    "sum(where(B > 0, A / x, 0))": "(A[1, 0] + A[1, 2]) / x[1]",
    "sum(where(r > 0, log(r) * A, 0)) * x[1]": "log(r[0, 1]) * sum(A[:, 1]) * x[1]",
    "where(c > 0, log(c), where(c < 0, log(-c), x[1]))": "x[1]",
    "sum(maximum(x, 0)**0.5) - where(x[0] > 0, 1, 0)": "x[1]**0.5",
}


@pytest.mark.parametrize("wrt", ["x", "c", "A", "r"])
@pytest.mark.parametrize("text", WHOLE)
def test_conditions_along_some_axes_or_none(text, wrt):
    shapes = {"x": 3, "c": (), "A": (3, 3), "B": (3, 3), "r": (1, 3)}
    at = {
        "x": np.array([-2.0 if "maximum" in text else 0.0, 1.25, -1.0]),
        "c": 0.0,
        "A": VALUES["W"],
        "B": np.array([[-1.0, -2.0, -3.0], [1.0, -1.0, 2.0], [-1.0, -1.0, 0.0]]),
        "r": np.array([[-1.0, 2.0, 0.0]]),
    }
    one, other = tc.program(text, shapes), tc.program(WHOLE[text], shapes)
    if wrt not in one:
        pytest.skip(f"{wrt} does not occur")
    pairs = [(one.result, other.result)]
    by = [q[wrt] if wrt in q else tc.tensor(wrt, *np.shape(at[wrt])) for q in (one, other)]
    for order in (1, 2, 3):
        pairs.append(
            tuple(
                tc.derivative(q.result, *[v] * order) for q, v in zip((one, other), by, strict=True)
            )
        )
    for found, expected in pairs:
        given = [{n: v for n, v in at.items() if n in q} for q in (one, other)]
        a, b = found.evaluate(given[0]), expected.evaluate(given[1])
        np.testing.assert_allclose(np.broadcast_to(b, a.shape), a, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("bound", ["sqrt(1.5 + sin(z))", "log(4 + z)", "1 / (0.6 + 0 * z)"])
@pytest.mark.parametrize("use", ["d * d", "sum(d * d)", "d * d * maximum(z, sqrt(1.5 + sin(z)))"])
def test_two_conditions_in_one_product_do_not_change_each_other(use, bound):
    p = tc.program(f"d = maximum(sum(W * W, axis=1), {bound}); {use}", W=(2, 3), z=2)
    at = {"W": np.array([[0.6, 0.7, 0.76], [1.0, 1.0, -1.0]]), "z": np.array([0.9, 0.8])}
    for order in (1, 2):
        lower = tc.derivative(p.result, p["W"], layout="mixed") if order > 1 else p.result
        sides = [
            np.stack([lower.evaluate(at | {"W": at["W"] + h * e}) for e in ENTRIES], axis=-1)
            for h in (1e-6, -1e-6)
        ]
        moved = (sides[0] - sides[1]) / 2e-6
        found = tc.derivative(p.result, *[p["W"]] * order, layout="mixed").evaluate(at)
        np.testing.assert_allclose(found.reshape(moved.shape), moved, atol=1e-7)


def test_products_with_tangents_and_compiled_functions_are_right_as_well():
    p = tc.program("v = where(x > 0, x * log(x), 0); E = sum(v)**2", x=3)
    at, dx = {"x": np.array([0.0, 2.0, -1.0])}, np.array([1.0, 1.0, 1.0])
    slope = 1 + np.log(2)
    np.testing.assert_allclose(tc.derivative(p["v"], p["x"]).jvp(dx, at=at), [0, slope, 0])
    second = 2 * slope**2 + 2 * np.log(2)
    np.testing.assert_allclose(tc.hvp(p["E"], p["x"], dx, at=at), [0, second, 0])
    both = tc.compile([p["E"], tc.gradient(p["E"], p["x"])])
    np.testing.assert_allclose(both(at)[1], [0, 4 * np.log(2) * slope, 0])


def test_at_the_kink_of_relu_an_infinite_slope_is_not_hidden():
    p = tc.program("sum(relu(x)**0.5)", x=2)
    with np.errstate(all="ignore"):
        found = p.gradient(p.result, "x").compile()(x=np.array([-1.0, 0.0]))
    assert found[0] == 0
    assert not np.isfinite(found[1])
