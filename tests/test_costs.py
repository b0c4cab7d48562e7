"""What a compiled function costs, counted by hand, and the table of its contractions."""

import re
import tracemalloc

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.codegen.costs import Expense

LAYER = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
SIZES = {"W": ("k", "n"), "x": "n", "y": "k"}


def gradient():
    p = tc.program(LAYER, SIZES)
    return tc.compile([tc.gradient(p["E"], p["W"])], "step")


@pytest.mark.parametrize(("k", "n"), [(5, 4), (30, 64), (512, 784), (1, 1)])
def test_one_layer_costs_what_is_counted_by_hand(k, n):
    cost = gradient().cost(k=k, n=n)
    # W x, four operations of the sigmoid, four for δ, δ ⊗ x
    assert cost.compiled.flops == 2 * k * n + 8 * k + k * n
    # ∂s/∂v and ∂v/∂W are multiplied from the left by one row
    assert cost.literal.flops == 2 * k * k + 2 * k * k * n
    assert cost.literal.bytes == 8 * (k + k * k + k * k * n)


def test_two_paths_are_both_in_the_literal_chain():
    p = tc.program("u = A @ x; h = x + u; E = norm(h)**2", A=("n", "n"), x="n")
    cost = p.derivative("E", "x").compile().cost(n=7)
    # E by h, h by x, h by u, u by x
    assert cost.literal.bytes == 8 * (7 + 3 * 49)
    assert cost.literal.flops == 3 * 2 * 49


CALLS = {
    "A @ B": lambda n: 2 * n**3,
    "A + B": lambda n: n * n,
    "sum(A)": lambda n: n * n,
    "A.T": lambda n: 0,
    "inv(A)": lambda n: 2 * n**3,
    "trace(A @ B)": lambda n: 2 * n * n,
    "einsum('ij,ij->i', A, B)": lambda n: 2 * n * n,
    "outer(x, x)": lambda n: n * n,
    "A @ x": lambda n: 2 * n * n,
}


@pytest.mark.parametrize(("text", "flops"), CALLS.items())
def test_operations_are_counted_by_their_kind(text, flops):
    f = tc.program(text, A=("n", "n"), B=("n", "n"), x="n").result.compile()
    for n in (2, 9):
        assert f.cost(n=n).compiled.flops == flops(n)


OF_MATRICES = {np.linalg.inv: 2, np.linalg.det: 2 / 3}


@pytest.mark.parametrize(("function", "factor"), OF_MATRICES.items())
def test_a_function_of_matrices_counts_each_of_a_batch(function, factor):
    f = tc.program(lambda A: function(A), A=("b", "n", "n")).result.compile()
    assert f.cost(b=5, n=3).compiled.flops == round(5 * factor * 3**3)


def test_a_second_derivative_has_no_literal_chain():
    p = tc.program(LAYER, SIZES)
    cost = tc.hessian(p["E"], p["x"]).compile().cost(k=3, n=2)
    assert cost.literal is None
    assert "literal" not in repr(cost)


def test_a_value_beside_derivatives_adds_nothing_to_their_literal_chains():
    p = tc.program(LAYER, SIZES)
    slopes = [tc.gradient(p["E"], p[name]) for name in "Wx"]
    chains = [slope.compile().cost(k=3, n=2).literal for slope in slopes]
    assert tc.compile([p["E"], *slopes]).cost(k=3, n=2).literal == chains[0] + chains[1]
    assert tc.compile([p["E"]]).cost(k=3, n=2).literal is None
    second = tc.hessian(p["E"], p["x"])
    assert tc.compile([slopes[0], second]).cost(k=3, n=2).literal is None


MOVES = {
    "W @ x by W": ("W @ x", "W", {"m": 10, "n": 5}),
    "x * y by x": ("x * y", "x", {"n": 10}),
    "sum(x) by x": ("sum(x)", "x", {"n": 10}),
}


@pytest.mark.parametrize("case", MOVES)
def test_what_is_only_put_in_its_place_takes_no_operations(case):
    text, by, sizes = MOVES[case]
    p = tc.program(text, {"W": ("m", "n"), "x": "n", "y": "n"})
    assert tc.derivative(p.result, p[by]).compile().cost(**sizes).compiled.flops == 0


def test_sizes_may_be_integers_of_numpy_and_absurd():
    f = tc.program("W @ x", {"W": ("m", "n"), "x": "n"}).result.compile()
    assert f.cost(m=np.int64(4), n=3).compiled == f.cost(m=4, n=3).compiled
    rows = repr(f.cost(m=10**30, n=10**30)).splitlines()
    assert rows[-1].split()[-3:] == ["2.000e+60", "6.94e+12", "EiB"]
    with pytest.raises(tc.DimensionError, match="m = True"):
        f.cost(m=True, n=3)


def test_the_cost_reads_as_a_table():
    assert repr(gradient().cost(k=512, n=784)).splitlines() == [
        "∂E/∂W at k = 512, n = 784",
        "                                                  flops      bytes",
        "literal   every local derivative dense      411,566,080   1.53 GiB",
        "compiled  as the source computes              1,208,320    3.1 MiB",
    ]


def test_printing_a_function_shows_its_contractions():
    assert str(gradient()).splitlines() == [
        "compiled step(W, x, y)",
        "product           axes                flops",
        "W @ x             k × n, sum over n   2 k n",
        "np.outer(dv, x)   k × n               k n",
    ]
    assert str(tc.vector("x", 3).compile()).endswith("no product of two arrays with different axes")


def test_sums_of_one_factor_are_no_axes_of_its_product():
    model = tc.program(
        "A = softmax(Q @ K.T, axis=1); sum((A @ V) * G)", dict.fromkeys("QKVG", "n d")
    )
    f = tc.compile(tc.gradient(model.result, model["Q"]))
    found = [tuple(re.split(" {3,}", line)[1:]) for line in str(f).splitlines()[2:]]
    assert sorted(found) == [
        *[("n × d × n, sum over d", "2 n d n")] * 2,
        ("n × n", "n n"),
        ("n × n × d, sum over n", "2 n n d"),
    ]


REFUSED = {
    "step without a size of k, n": {},
    "step without a size of n": {"k": 3},
    "step with a size of z, which it does not have": {"k": 3, "n": 2, "z": 1},
    "step with k = -1, which is no size": {"k": -1, "n": 2},
    "step with k = 2.5, which is no size": {"k": 2.5, "n": 2},
    "step with a size of max_bytes, which": {"k": 3, "n": 2, "max_bytes": 10},
}


@pytest.mark.parametrize(("message", "sizes"), REFUSED.items())
def test_sizes_that_are_none_are_refused(message, sizes):
    with pytest.raises(tc.TensorCalcError, match=message):
        gradient().cost(**sizes)


SUM = "z = A @ x; E = sum(exp(z))"
LOSS = "E = sum(A @ x); H = outer(x, A.T @ (A @ x))"
HUGE = {
    "terabytes": {"m": 10**6, "n": 10**6},
    "more than NumPy can address": {"m": 10**15, "n": 10**20},
}


def without_memory(call):
    """What is returned by a call that takes less than a megabyte."""
    tracemalloc.start()
    try:
        result = call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20
    return result


@pytest.mark.parametrize("sizes", HUGE.values(), ids=HUGE)
def test_counting_takes_no_memory(sizes):
    p = tc.program(LOSS, A=("m", "n"), x="n")
    f = tc.compile([tc.gradient(p["E"], p["A"]), p["H"]])
    m, n = sizes["m"], sizes["n"]
    # A x, Aᵀ (A x), the outer product; the gradient 1 xᵀ is filled in, which computes nothing
    counted = Expense(4 * m * n + n * n, 8 * (m + n + n * n + m * n))
    assert without_memory(lambda: f.cost(**sizes).compiled) == counted


def test_declared_sizes_are_as_large_and_a_network_as_deep():
    layers, n = 20, 4096
    text = [f"a{k + 1} = tanh(W{k} @ a{k})" for k in range(layers)]
    p = tc.program("; ".join(text), {"a0": n} | {f"W{k}": (n, n) for k in range(layers)})
    f = tc.compile(p.result)
    assert f.cost().compiled == Expense(layers * (2 * n * n + n), 8 * layers * 2 * n)


def test_what_is_bound_is_not_computed_with():
    f = tc.program("sum(outer(x, x) + c)", x="n", c=()).result.compile().bind(x=np.ones(1000))
    assert without_memory(f.cost).compiled == Expense(2 * 1000**2, 8 * 1000**2)


def test_evaluating_names_an_intermediate_that_is_too_large():
    p = tc.program(SUM, A=("m", "n"), x="n")
    with pytest.raises(tc.MemoryLimitError, match="A x on the way to E as a dense 50 array"):
        p["E"].evaluate(A=np.ones((50, 2)), x=np.ones(2), max_bytes=300)


def test_what_is_bound_gives_its_sizes():
    p = tc.program(SUM, A=("m", "n"), x="n")
    f = p["E"].compile().bind(A=np.ones((3, 2)))
    # A x, exp and its sum
    assert f.cost() == f.cost(n=2)
    assert f.cost().compiled.flops == 2 * 3 * 2 + 3 + 3
    assert f.bind(x=np.ones(2)).cost().compiled.flops == 0
    with pytest.raises(tc.DimensionError, match="with n = 5, but in what is bound n = 2"):
        f.cost(n=5)


def test_a_run_that_is_a_users_function_is_refused():
    own = tc.function("own", value=lambda t: t if np.all(t > 0) else -t)
    f = own(tc.vector("x", 3)).compile()
    with pytest.raises(tc.NotSupportedError, match="which calls own: what that does is not known"):
        f.cost()
