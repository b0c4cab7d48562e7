"""What compiling makes of formulas: the products a careful person would choose, the same values."""

import itertools
import re

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.codegen.symmetric import never_negative

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6}

# the factors' axes, the product, and the NumPy that should be written for it
PRODUCTS = {
    ("ab", "bc", "ac"): "P @ Q",
    ("ba", "bc", "ac"): "P.T @ Q",
    ("ab", "cb", "ca"): "Q @ P.T",
    ("ab", "ab", ""): "np.vdot(P, Q)",
    ("a", "b", "ab"): "np.outer(P, Q)",
    ("abc", "cd", "abd"): "P @ Q",
    ("abc", "bd", "adc"): "Q.T @ P",
    ("abc", "c", "ab"): "P @ Q",
    ("abc", "acd", "abd"): "P @ Q",
    ("abc", "adc", "abd"): "P @ Q.transpose((0, 2, 1))",
    ("abc", "acd", "dab"): "(P @ Q).transpose((2, 0, 1))",
    ("abc", "ab", "ac"): "(P.transpose((0, 2, 1)) @ Q[..., None])[..., 0]",
    ("abc", "bc", "a"): "np.tensordot(P, Q, ([1, 2], [0, 1]))",
    ("abc", "dbe", "adce"): "np.tensordot(P, Q, ([1], [1])).transpose((0, 2, 1, 3))",
    ("abcd", "bd", "ca"): "np.tensordot(P, Q, ([1, 3], [0, 1])).T",
    ("abc", "abc", "ab"): 'np.einsum("abc,abc->ab", P, Q)',
}


@pytest.mark.parametrize(("axes", "expected"), PRODUCTS.items(), ids="-".join)
def test_products_are_those_of_blas(axes, expected):
    left, right, output = axes
    rng = np.random.default_rng(0)
    P, Q = (rng.normal(size=[SIZES[i] for i in side]) for side in (left, right))
    t = tc.program(
        f"einsum('{left},{right}->{output}', P, Q)", P=tuple(left), Q=tuple(right)
    ).result
    f = t.compile()
    line = next(line for line in f.source.splitlines() if "return" in line)
    assert line.partition("  #")[0].strip() == f"return {expected}"
    np.testing.assert_allclose(f(P=P, Q=Q), np.einsum(f"{left},{right}->{output}", P, Q))


# the order of a product of several factors, chosen over what is written
ORDERS = {
    "(D @ V.T) @ V": "D @ (V.T @ V)",
    "A @ (B @ (C @ x))": "A @ (B @ (C @ x))",
    "((A @ B) @ C) @ x": "A @ (B @ (C @ x))",
    "x.T @ A @ B @ x": "(x.T @ A) @ (B @ x)",
    "A @ (u @ x.T)": "np.outer(A @ u, x)",
}


@pytest.mark.parametrize(("text", "same"), ORDERS.items())
def test_the_order_of_products_is_the_cheapest(text, same):
    shapes = {"A": ("n", "n"), "B": ("n", "n"), "C": ("n", "n"), "x": "n", "u": "n",
              "D": ("m", "k"), "V": ("n", "k")}  # fmt: skip
    f = tc.program(text, shapes).result.compile()
    sizes = {"n": 5, "m": 4, "k": 3}
    rng = np.random.default_rng(0)
    at = {name: rng.normal(size=[sizes[d] for d in s]) for name, s in shapes.items()}
    expected = eval(same, {"np": np}, at)
    found = f({name: at[name] for name in f.arguments})
    np.testing.assert_allclose(np.squeeze(found), expected, rtol=1e-12)
    best = [tc.program(same.replace("np.outer(A @ u, x)", "(A @ u) @ x.T"), shapes).result]
    cost = dict.fromkeys(("n", "m", "k"), 64)
    cost = {d: n for d, n in cost.items() if any(d in v.shape for v in f._variables.values())}
    assert f.cost(**cost).compiled.flops <= best[0].compile().cost(**cost).compiled.flops


TRACES = {
    "trace(A @ B)": "np.vdot(A, B.T)",
    "trace(A.T @ B)": "np.vdot(A, B)",
    "trace(A @ B @ A)": "np.vdot(A, (A @ B).T)",
    "diagonal(A @ B)": 'np.einsum("ab,ba->a", A, B)',
}


@pytest.mark.parametrize(("text", "expected"), TRACES.items())
def test_of_a_product_whose_diagonal_is_used_nothing_else_is_formed(text, expected):
    t = tc.program(text, A=(3, 3), B=(3, 3)).result
    f = t.compile()
    assert f"return {expected}" in f.source
    rng = np.random.default_rng(0)
    at = {"A": rng.normal(size=(3, 3)), "B": rng.normal(size=(3, 3))}
    product = eval(text.partition("(")[2][:-1], {}, at)
    of = np.trace if text.startswith("trace") else np.diagonal
    np.testing.assert_allclose(f(at), of(product), rtol=1e-13)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(
    "loss",
    [
        "sum(log(1 + exp(X @ w)) - y * (X @ w))",
        "-sum(y * log(sigmoid(X @ w)) + (1 - y) * log(1 - sigmoid(X @ w)))",
        "sum(softplus(X @ w)) - y.T @ X @ w",
    ],
)
def test_a_hessian_with_weights_that_are_never_negative_is_a_symmetric_product(loss):
    p = tc.program(f"L = {loss}", X=("m", "n"), w="n", y="m")
    f = tc.hessian(p["L"], p["w"]).compile()
    assert "t2.T @ t2" in f.source
    assert "sqrt" in f.source
    rng = np.random.default_rng(1)
    at = {"X": rng.normal(size=(7, 4)), "w": rng.normal(size=4), "y": rng.uniform(size=7)}
    s = sigmoid(at["X"] @ at["w"])
    expected = at["X"].T @ np.diag(s * (1 - s)) @ at["X"]
    np.testing.assert_allclose(f({n: at[n] for n in f.arguments}), expected, rtol=1e-12)


def test_weights_of_unknown_sign_are_no_square():
    p = tc.program("sum(c * (X @ w)**2)", X=("m", "n"), w="n", c="m")
    f = tc.hessian(p.result, p["w"]).compile()
    assert "sqrt" not in f.source
    X, c = np.arange(6.0).reshape(3, 2), np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(f(X=X, c=c), 2 * X.T @ np.diag(c) @ X)


def test_a_gram_matrix_keeps_one_array_on_both_sides_and_is_scaled_last():
    p = tc.program("norm(A @ x - b)**2", A=("m", "n"), x="n", b="m")
    assert "2 * (A.T @ A)" in tc.hessian(p.result, p["x"]).compile().source


SIGNS = {
    "exp(x)": True,
    "x": False,
    "x * x": True,
    "x**3": False,
    "x**4 + 1": True,
    "sigmoid(x) * (1 - sigmoid(x))": True,
    "1 - sigmoid(x)": True,
    "1 - tanh(x)": True,
    "1 - exp(x)": False,
    "0.5 - sigmoid(x)": False,
    "1 - 2 * sigmoid(x)": False,
    "2 - x": False,
    "-exp(x)": False,
    "abs(x) * sqrt(exp(x))": True,
    "softmax(x)": True,
    "1 - softmax(x)": True,
    "log_softmax(x)": False,
    "x * exp(x)": False,
    "cosh(x)": True,
    "sinh(x)": False,
    "sin(x)": False,
    "1 - cos(x)": False,
    "1 / exp(x)": True,
    "1 / x": False,
    "norm(x) * exp(x)": True,
    "sum(x) * exp(x)": False,
    "(x.T @ x) * exp(x)": True,
    "(x.T @ u) * exp(x)": False,
    "relu(x) + softplus(x)": True,
}


@pytest.mark.parametrize(("text", "expected"), SIGNS.items())
def test_what_is_never_negative_is_known_from_records(text, expected):
    t = tc.program(text, x=3, u=3).result
    if not expected:  # what is known is true: nothing that can be negative is taken for more
        assert not never_negative(t.expr)
        return
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert (t.evaluate(x=5 * rng.normal(size=3), u=rng.normal(size=3)) >= 0).all()
    assert never_negative(t.expr)


def deep(layers):
    lines, shapes, before = [], {"x": "n", "y": "n"}, "x"
    for k in range(1, layers + 1):
        lines.append(f"z{k} = W{k} @ {before}; a{k} = sigmoid(z{k})")
        before, shapes[f"W{k}"] = f"a{k}", ("n", "n")
    lines.append(f"C = norm({before} - y)**2 / 2")
    return tc.program("\n".join(lines), shapes)


def test_the_hessian_of_a_network_carries_no_axis_of_its_input_along():
    p = deep(4)
    f = tc.derivative(p["C"], p["W1"], p["W1"], layout="mixed").compile()
    *before, last = [line for line in f.source.splitlines() if line.startswith("    ")]
    assert "np.outer(x, x)" in last
    assert not any("None, :]" in line for line in before)  # no product of three axes
    assert "- a2)" in f.source  # σ″ = σ′ (1 − σ − σ): what its terms share is taken out
    assert 'einsum("aa->a"' in f.source  # the second slope is added to the diagonal
    rng = np.random.default_rng(0)
    at = {name: rng.normal(size=(3, 3)) if name[0] == "W" else rng.normal(size=3)
          for name in f.arguments}  # fmt: skip
    np.testing.assert_allclose(f(**at), by_differences(p, at), rtol=1e-5, atol=1e-8)


def by_differences(p, at):
    """Central differences of the gradient, which is proved elsewhere."""
    g, h = tc.gradient(p["C"], p["W1"]).compile(), 1e-6
    columns = []
    for k in range(9):
        step = np.zeros(9)
        step[k] = h
        up, down = (g(**{**at, "W1": at["W1"] + s * step.reshape(3, 3)}) for s in (1, -1))
        columns.append((up - down) / (2 * h))
    return np.stack(columns, axis=-1).reshape(3, 3, 3, 3)


def test_slopes_far_out_keep_their_relative_precision_in_second_derivatives():
    p = deep(1)
    f = tc.derivative(p["C"], p["W1"], p["W1"]).compile()
    found = f(W1=np.eye(1), x=np.array([25.0]), y=np.array([2.0])).item()
    s, one_less = 1 / (1 + np.exp(-25.0)), np.exp(-25.0) / (1 + np.exp(-25.0))
    slope = s * one_less
    exact = 625 * (slope**2 + (s - 2.0) * slope * (one_less - s))
    assert found == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("power", range(2, 8))
def test_powers_of_one_matrix(power):
    f = tc.program(" @ ".join("A" * power), A=(3, 3)).result.compile()
    A = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_allclose(f(A=A), np.linalg.matrix_power(A, power), rtol=1e-12, atol=1e-12)


def test_a_number_beside_a_diagonal_is_spread_once():
    p = tc.program("sum(x) ** 3 + sum(x ** 3)", x=4)
    f = tc.derivative(p.result, p["x"], p["x"]).compile()
    x = np.array([1.0, 2.0, -0.5, 3.0])
    np.testing.assert_allclose(f(x=x), 6 * x.sum() + 6 * np.diag(x), rtol=1e-14)
    assert f.source.count("broadcast_to") == 1


# Hessians that add to the diagonal of an array of their own
ON_DIAGONALS = {
    "p = softmax(W @ x + b); -sum(y * log(p))": "bW",
    "h = tanh(V @ x); p = softmax(W @ h); -sum(y * log(p))": "WVx",
    "P = softmax(X @ W.T, axis=1); -mean(sum(Y * log(P), axis=1))": "W",
}
LOGISTIC_SIZES = {"X": "N d", "Y": "N c", "x": "d", "y": "c", "b": "c", "W": "c d", "V": "d d"}


@pytest.mark.parametrize("text", ON_DIAGONALS)
def test_hessians_copy_no_new_array_and_bracket_no_name(text):
    p = tc.program(text, {n: s for n, s in LOGISTIC_SIZES.items() if re.search(rf"\b{n}\b", text)})
    pairs = itertools.combinations_with_replacement(ON_DIAGONALS[text], 2)
    wanted = [tc.derivative(p.result, p[one], p[other]) for one, other in pairs]
    source = tc.compile(wanted).source.split("def compute")[1]
    body = source.split("\n", 1)[1]
    assert not re.search(r"(?<![\w.])\(\w+\)", body)
    copied = [made for made in re.findall(r"= (.*)\.copy\(\)", body) if "broadcast_to" not in made]
    assert all(made.isidentifier() or ".transpose(" in made for made in copied), copied
    for name in filter(str.isidentifier, copied):  # else it is used once more
        assert len(re.findall(rf"\b{name}\b", body)) > 2, name


def test_the_gradients_of_attention_are_what_a_person_writes():
    p = tc.program(
        "P = softmax(Q @ K.T, axis=1); O = P @ V; E = norm(O - Y)**2",
        dict.fromkeys("QKVY", ("n", "d")),
    )
    source = tc.compile([tc.gradient(p["E"], p[name]) for name in "QKV"], "slopes").source
    body = [line.strip() for line in source.partition("def slopes")[2].splitlines()]
    assert "dP = dO @ V.T" in body  # once, though -2 (O - Y) Vᵀ stands in the formula too
    assert body.count("dO = 2 * (O - Y)") == 1
    assert "t1 = dP * P - (dP * P).sum(axis=1)[:, None] * P" in body  # subtracted, not turned first
    assert "dK = t1.T @ Q" in body  # and not (Q.T @ t1).T


@pytest.mark.parametrize("number", [-2, -1, 0.5, 3, 1e-9, 0])
def test_a_multiple_of_a_named_quantity_has_its_value(number):
    p = tc.program(
        f"D = 2 * tanh(A @ B); E = sum(D * A) + {number} * norm(tanh(A @ B))**2 + sum(D**2)",
        A="n n",
        B="n n",
    )
    gradient = tc.gradient(p["E"], p["A"])
    rng = np.random.default_rng(0)
    at = {name: rng.normal(size=(3, 3)) for name in "AB"}
    T = np.tanh(at["A"] @ at["B"])
    outer = 2 * at["A"] + 2 * number * T + 8 * T
    expected = 2 * T + ((1 - T**2) * outer) @ at["B"].T
    np.testing.assert_allclose(tc.compile([p["D"], gradient])(at)[1], expected, rtol=1e-12)
