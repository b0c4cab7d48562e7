"""The chain rule: by hand, over several paths, by names, forward and reverse, and at depth."""

import gc
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import dense, expressions, largest_entry, numerical_derivative, values_for

from tensorcalc import functions as f
from tensorcalc.chain import _tangent, adjoint, differentiate, differentiate_in_turn
from tensorcalc.expr import (
    Definition,
    Delta,
    Einsum,
    Function,
    Select,
    Special,
    Variable,
    einsum,
    hadamard,
    identity,
    is_zero,
    power,
    toposort,
    transpose,
    zeros,
)
from tensorcalc.simplify import simplify
from tensorcalc.special import softmax

W, V = Variable("W", (3, 3)), Variable("V", (3, 3))
x, y, b = Variable("x", (3,)), Variable("y", (3,)), Variable("b", (3,))
p = Variable("p", (3,))  # positive
c = Variable("c", ())


def times(A, v):
    """A v."""
    return einsum("ij,j->i", A, v)


def half_square(v):
    """½‖v‖²."""
    return 0.5 * f.sum_of_squares(v)


def over(e):
    """1/e, entry by entry."""
    return power(-1.0)(e)


def named(e):
    """The variables and intermediates of an expression."""
    return [n for n in toposort([e]) if isinstance(n, (Variable, Definition))]


# ── by hand ──────────────────────────────────────────────────────────────────────────────

BY_HAND = {
    "∂v/∂W = I[k=j] x_i": ("v", "W", lambda at: np.einsum("kj,i->kji", np.eye(5), at.x)),
    "∂v/∂x = W": ("v", "x", lambda at: at.W),
    "∂s/∂v = diag(s ⊙ (1 − s))": ("s", "v", lambda at: np.diag(at.s * (1 - at.s))),
    "∂E/∂s = (s − y)ᵀ": ("E", "s", lambda at: at.s - at.y),
    "∂E/∂y = (y − s)ᵀ": ("E", "y", lambda at: at.y - at.s),
    "∂E/∂v = δᵀ": ("E", "v", lambda at: at.delta),
    "∂E/∂W = δ xᵀ": ("E", "W", lambda at: np.outer(at.delta, at.x)),
    "∂E/∂x = (Wᵀ δ)ᵀ": ("E", "x", lambda at: at.W.T @ at.delta),
    "∂s/∂W": (
        "s",
        "W",
        lambda at: np.einsum("kj,k,i->kji", np.eye(5), at.s * (1 - at.s), at.x),
    ),
}


@pytest.mark.parametrize(("of", "wrt", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_the_worked_example_has_the_derivatives_found_by_hand(of, wrt, expected, example):
    quantity = vars(example)
    found = dense(differentiate(quantity[of].expr, quantity[wrt].expr), example.values)
    np.testing.assert_allclose(found, expected(example_in_numbers(example)), rtol=1e-12)


def example_in_numbers(example):
    class at:
        W, x, y = (example.values[name] for name in "Wxy")
        s = 1 / (1 + np.exp(-W @ x))
        delta = (s - y) * s * (1 - s)

    return at


def test_derivatives_of_names_are_written_in_names(example):
    v, s, x, y = (vars(example)[name].expr for name in "vsxy")
    delta = differentiate(example.E.expr, v)
    assert s in toposort([delta])
    assert set(toposort([delta], lambda node: node is s)) & {v, example.W.expr, x} == set()
    assert differentiate(example.E.expr, example.W.expr) is einsum("j,i->ji", delta, x)
    assert differentiate(example.E.expr, s) is s + -1 * y


# ── the sum over paths ───────────────────────────────────────────────────────────────────

h1 = Definition("h1", f.tanh(times(W, x)))
h2 = Definition("h2", x + f.tanh(times(W, x)))
SEVERAL_PATHS = {
    "a weight used twice": half_square(f.sigmoid(times(W, f.tanh(times(W, x)))) - y),
    "a weight used twice, with names": half_square(times(W, h1) - y),
    "a weight used and added": half_square(times(W, x) + einsum("ii->i", W)),
    "tied weights": half_square(times(transpose(W, (1, 0)), f.sigmoid(times(W, x))) - x),
    "a residual connection": half_square(x + f.tanh(times(W, x))),
    "two residual connections": half_square(h2 + times(V, f.sin(h2))),
    "an argument used twice": einsum("i,ij,j->", x, W, x),
    "an argument three times in one product": einsum("i,i,i->", x, x, x),
    "a gate": einsum("i,i->", x, f.sigmoid(times(W, x))),
    "a softmax of scores": einsum("i,i->", Special(softmax, times(W, x)), times(V, x)),
    "a normalised vector": half_square(hadamard(over(f.magnitude(x)), x) - y),
    "a fraction of itself": einsum("i->", p * over(p + x * x)),
    "a matrix and its transpose": einsum("ij,ji->", W, W),
    "a slice of what is used": Select(x, 0, 1) * einsum("i,i->", x, x),
    "a recurrence": half_square(
        f.tanh(times(W, f.tanh(times(W, f.tanh(times(W, x) + b)) + b)) + b)
    ),
}


@pytest.mark.parametrize("e", SEVERAL_PATHS.values(), ids=SEVERAL_PATHS)
def test_the_total_derivative_sums_over_every_path(e):
    for wrt in named(e):
        expected = numerical_derivative(e, wrt)
        np.testing.assert_allclose(
            dense(differentiate(e, wrt), values_for(e)), expected, rtol=1e-11, atol=1e-12
        )


def test_a_weight_used_twice_collects_both_contributions(rng):
    e = half_square(times(W, times(W, x)))
    at = {"W": rng.normal(size=(3, 3)), "x": rng.normal(size=3)}
    A, v = at["W"], at["x"]
    expected = np.outer(A @ A @ v, A @ v) + np.outer(A.T @ A @ A @ v, v)
    np.testing.assert_allclose(dense(differentiate(e, W), at), expected)


def test_another_framework_finds_the_same_gradient():
    autograd = pytest.importorskip("autograd")
    anp = pytest.importorskip("autograd.numpy")

    def loss(W, V, x, b):
        h = x + anp.tanh(anp.dot(W, x) + b)
        q = anp.exp(anp.dot(V, h)) / anp.sum(anp.exp(anp.dot(V, h)))
        return anp.sum(q * anp.log(q)) + anp.sum(anp.dot(W.T, h) ** 2)

    h = Definition("h", x + f.tanh(times(W, x) + b))
    q = Definition("q", Special(softmax, times(V, h)))
    e = einsum("i,i->", q, f.log(q)) + f.sum_of_squares(times(transpose(W, (1, 0)), h))
    at = values_for(e)
    expected = autograd.grad(loss, (0, 1, 2, 3))(*(at[v.name] for v in (W, V, x, b)))
    for wrt, slope in zip((W, V, x, b), expected, strict=True):
        np.testing.assert_allclose(dense(differentiate(e, wrt), at), slope, rtol=1e-10, atol=1e-12)


# ── random programs ──────────────────────────────────────────────────────────────────────


@settings(max_examples=100)
@given(expressions(), st.data())
def test_derivatives_of_random_programs_agree_with_the_complex_step(e, data):
    assume(named(e))
    wrt = data.draw(st.sampled_from(named(e)))
    others = [q for q in named(e) if q is not wrt]
    held = data.draw(st.lists(st.sampled_from(others), max_size=1)) if others else []
    found = dense(differentiate(e, wrt, held), values_for(e))
    expected = numerical_derivative(e, wrt, holding=[h for h in held if h is not e])
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9 * scale)


@settings(max_examples=60)
@given(expressions(), st.data())
def test_forward_and_reverse_accumulation_agree(e, data):
    assume(named(e))
    wrt = data.draw(st.sampled_from(named(e)))
    forward, reverse = _tangent(e, wrt, frozenset()), adjoint(e, wrt)
    values = values_for(e)
    scale = max(1.0, largest_entry(reverse))
    np.testing.assert_allclose(
        dense(forward, values), dense(reverse, values), rtol=1e-8, atol=1e-9 * scale
    )


@settings(max_examples=50)
@given(expressions(operations=6), st.data())
def test_second_derivatives_agree_with_differences_of_the_first(e, data):
    assume(named(e))
    first, second = (data.draw(st.sampled_from(named(e))) for _ in range(2))
    assume(e.ndim + first.ndim + second.ndim <= 6)
    once = differentiate_in_turn(e, [first], {second} - {first})
    held = {first} - {second}
    assume(largest_entry(once) < 1e4)
    expected = numerical_derivative(once, second, values_for(e), holding=held - {once})
    found = dense(differentiate_in_turn(e, [first, second]), values_for(e))
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * scale)


# ── what counts as independent ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("e", [c, x, W, Definition("u", f.exp(x))], ids=repr)
def test_a_quantity_by_itself_is_the_identity(e):
    assert differentiate(e, e) is identity(e.shape)


@pytest.mark.parametrize("wrt", [c, x, W], ids=repr)
@pytest.mark.parametrize("of", [f.sin(b), einsum("i,i->", b, b), identity((3,))], ids=repr)
def test_what_does_not_occur_has_the_derivative_zero(of, wrt):
    found = differentiate(of, wrt)
    assert is_zero(found)
    assert found is zeros(of.shape + wrt.shape)


def test_what_an_intermediate_is_built_from_does_not_depend_on_it():
    u = Definition("u", f.exp(x))
    e = einsum("i,i,i->", u, f.exp(x), x)
    np.testing.assert_allclose(
        dense(differentiate(e, u)), np.exp(values_for(x)["x"]) * values_for(x)["x"]
    )
    assert is_zero(differentiate(f.exp(x), u))


HELD = {
    "nothing": ([], lambda at: 1 + 2 * at.v),
    "the intermediate": (["v"], lambda at: 1),
    "an intermediate further up": (["t"], lambda at: 1),
    "both": (["v", "t"], lambda at: 1),
    "the value itself": (["e"], lambda at: 1 + 2 * at.v),
}


@pytest.mark.parametrize(("held", "expected"), HELD.values(), ids=HELD)
def test_what_is_held_passes_nothing_on(held, expected):
    v = Definition("v", c * 1)
    t = Definition("t", v * v)
    e = Definition("e", t + c)

    class at:
        v = values_for(c)["c"]

    quantities = {"v": v, "t": t, "e": e}
    found = differentiate(e, c, [quantities[name] for name in held])
    np.testing.assert_allclose(dense(found, values_for(c)), expected(at))


def test_what_is_held_passes_nothing_on_forwards_either():
    moving = hadamard(c, x)
    h = Definition("h", moving)
    e = moving * h
    found = dense(differentiate(e, c, [h]), values_for(e))
    np.testing.assert_allclose(found, dense(h * x, values_for(e)))


def test_a_derivative_is_written_in_the_name_of_a_transpose():
    s = Definition("s", transpose(f.sigmoid(W), (1, 0)))
    e = einsum("ij,ij->", s, V)
    gradient = differentiate(e, W)
    assert s in toposort([gradient], lambda node: node is s)
    assert W not in toposort([gradient], lambda node: node is s)
    np.testing.assert_allclose(dense(gradient, values_for(e)), numerical_derivative(e, W))


NOT_ITS_NAME = {
    "a multiple": lambda s: 2 * s,
    "a product": lambda s: s * V,
    "its diagonal": lambda s: einsum("ii->i", s),
    "its sums along rows": lambda s: einsum("ij->i", s),
    "a matrix times it": lambda s: einsum("ij,jk->ik", s, V),
}


@pytest.mark.parametrize("make", NOT_ITS_NAME.values(), ids=NOT_ITS_NAME)
def test_a_derivative_is_not_written_in_the_name_of_something_else(make):
    named = Definition("named", make(f.sigmoid(W)))
    e = f.sum_of_squares(named)
    found = dense(differentiate(e, W), values_for(e))
    np.testing.assert_allclose(found, numerical_derivative(e, W), rtol=1e-11, atol=1e-12)


def test_a_derivative_is_not_written_in_a_name_that_is_held():
    v = times(W, x)
    s = Definition("s", f.sigmoid(v))
    e = einsum("i,i->", f.sigmoid(v), s)
    assert s not in toposort([differentiate(f.sigmoid(v), x, [s])])
    np.testing.assert_allclose(
        dense(differentiate(e, x, [s]), values_for(e)), numerical_derivative(e, x, holding=[s])
    )


# ── second derivatives ───────────────────────────────────────────────────────────────────


def test_the_hessian_of_a_quadratic_form_is_the_symmetric_part_doubled():
    found = dense(differentiate(differentiate(einsum("i,ij,j->", x, W, x), x), x), values_for(W))
    np.testing.assert_allclose(found, values_for(W)["W"] + values_for(W)["W"].T)


def test_the_hessian_by_a_matrix_keeps_its_delta():
    e = half_square(f.sigmoid(times(W, x)) - y)
    hessian = differentiate(differentiate(e, W), W)
    assert hessian.shape == (3, 3, 3, 3)
    assert isinstance(hessian, Einsum)
    assert Delta(3) in hessian.operands
    expected = numerical_derivative(differentiate(e, W), W, values_for(e))
    np.testing.assert_allclose(dense(hessian, values_for(e)), expected, atol=1e-14)


u = Definition("u", f.exp(c))
v = Definition("v", f.sin(u))
IN_TURN = {  # E by two quantities, each independent of the other
    "a name twice": (f.exp(c) * over(u), [u, u], lambda c, u: 2 * np.exp(c) / u**3),
    "a name and what it is built from": (c * u * u, [u, c], lambda c, u: 2 * u),
    "what it is built from and the name": (c * u * u, [c, u], lambda c, u: 2 * u),
    "two names, one built on the other": (u * v * v, [u, v], lambda c, u: 2 * np.sin(u)),
    "the upper name first": (u * v * v, [v, u], lambda c, u: 2 * np.sin(u)),
    "by a variable twice": (c * u, [c, c], lambda c, u: (2 + c) * u),
    "once": (c * u, [c], lambda c, u: (1 + c) * u),
    "not at all": (c * u, [], lambda c, u: c * u),
}


@pytest.mark.parametrize(("e", "by", "expected"), IN_TURN.values(), ids=IN_TURN)
def test_quantities_in_turn_are_all_independent_from_the_start(e, by, expected):
    at = float(values_for(c)["c"])
    found = differentiate_in_turn(e, by)
    np.testing.assert_allclose(dense(found, values_for(c)), expected(at, np.exp(at)), rtol=1e-12)
    assert set(named(found)) <= {c, u, v}


def test_in_turn_a_quantity_can_be_held():
    found = differentiate_in_turn(c * u * v, [c], holding=[u])
    np.testing.assert_allclose(dense(found, values_for(c)), dense(u * v, values_for(c)))
    twice = differentiate_in_turn(f.exp(c) * over(u), [c, c], holding=[u])
    np.testing.assert_allclose(dense(twice, values_for(c)), 1.0)


def test_in_turn_the_value_itself_may_be_held():
    e = Definition("e", c * c)
    found = differentiate_in_turn(e, [c, c], holding=[e])
    np.testing.assert_allclose(dense(found, values_for(c)), 2.0)


def test_in_turn_the_value_itself_may_be_named():
    e = Definition("e", c * u)
    found = differentiate_in_turn(e, [u, c])
    np.testing.assert_allclose(dense(found, values_for(c)), 1.0)
    assert is_zero(differentiate_in_turn(e, [e, c]))


# ── sharing, memory and depth ────────────────────────────────────────────────────────────

GROWN = {
    "functions": f.tanh,
    "layers": lambda h: f.tanh(times(W, h) + b),
    "residual": lambda h: h + f.tanh(h),
    "residual layers": lambda h: h + times(W, f.tanh(h)),
    "linear residual layers": lambda h: h + times(W, h),
    "gates": lambda h: h * f.sigmoid(times(W, h)),
    "gelu": lambda h: f.gelu(times(W, h)),
    "products": lambda h: h * y,
    "squares": lambda h: h * h,
    "fractions": lambda h: over(h) * y,
    "norms": lambda h: h * over(f.magnitude(h)),
    "softmax": lambda h: Special(softmax, times(W, h)),
    "outer products": lambda h: times(einsum("i,j->ij", h, y), h),
    "inner products": lambda h: einsum("i,i,j->j", h, h, h),
    "slices": lambda h: hadamard(Select(h, 0, 0), y),
}


LOSSES = {"half the square, named": (half_square, True), "sum": (lambda h: einsum("i->", h), False)}


def network(step, loss, depth, name="p"):
    """A scalar after ``depth`` steps from a variable of its own."""
    cost, names = LOSSES[loss]
    start = Variable(f"{name}{depth}{loss}", (3,))
    h = start
    for k in range(depth):
        h = Definition(f"h{k}", step(h)) if names else step(h)
    return cost(h), start


def calls_during(action):
    """How many Python functions are called: work that does not depend on the clock."""
    count = 0

    def on_event(frame, event, argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    gc.collect()
    gc.disable()  # what it calls back is not this work
    sys.setprofile(on_event)
    try:
        action()
    finally:
        sys.setprofile(before)
        gc.enable()
    return count


networks = pytest.mark.parametrize(
    ("step", "loss"),
    [pytest.param(s, loss, id=f"{name}, {loss}") for name, s in GROWN.items() for loss in LOSSES],
)


@networks
def test_the_gradient_of_a_deep_network_is_as_large_as_the_network_is_deep(step, loss):
    sizes = []
    for depth in (8, 16, 32):
        gradient = differentiate(*network(step, loss, depth))
        sizes.append(sum(1 + len(node.args) for node in toposort([gradient])))
    assert sizes[2] - sizes[1] <= 2.2 * (sizes[1] - sizes[0]) + 4


@networks
def test_the_work_of_differentiating_grows_with_the_depth_alone(step, loss):
    # names of their own, for which no other test has left anything to remember
    shallow, deep = (network(step, loss, depth, "work") for depth in (8, 16))
    work = calls_during(lambda: differentiate(*shallow)), calls_during(lambda: differentiate(*deep))
    assert work[1] < 3 * work[0]


def test_a_derivative_is_accumulated_from_the_side_that_has_fewer_axes():
    forward = differentiate(times(W, times(V, hadamard(c, x))), c)
    backward = differentiate(einsum("i,i->", y, times(W, times(V, x))), x)
    for found in (forward, backward):
        assert [n for n in toposort([found]) if isinstance(n, Einsum) and n.ndim > 1] == []


def test_gradients_by_all_parameters_share_one_sweep():
    weights = [Variable(f"W{k}", (3, 3)) for k in range(30)]
    h = x
    for k, weight in enumerate(weights):
        h = Definition(f"h{k}", f.tanh(times(weight, h)))
    e = half_square(h)
    first = calls_during(lambda: differentiate(e, weights[0]))
    rest = calls_during(lambda: [differentiate(e, weight) for weight in weights[1:]])
    assert rest < first
    gradients = [differentiate(e, weight) for weight in weights]
    assert len(toposort(gradients)) < 25 * len(weights)


def test_a_derivative_is_remembered_for_the_rules_in_force():
    g = Function("g", evaluate=np.sin, derivatives=(lambda t, y: f.cos(t),))
    e = einsum("i->", g(x))
    right = differentiate(e, x)
    assert differentiate(e, x) is right is f.cos(x)
    object.__setattr__(g, "derivatives", (lambda t, y: -1 * f.cos(t),))
    assert differentiate(e, x) is -1 * f.cos(x)


LONG = {
    "functions": (3_000, f.exp),
    "sums": (10_000, lambda e: e + x),
    "names": (1_100, lambda e: Definition("link", f.tanh(e))),
    "layers": (1_100, lambda e: f.tanh(times(W, e))),
    "residual": (1_100, lambda e: e + f.tanh(e)),
    "products": (1_100, lambda e: e * y),
    "Horner's scheme": (1_100, lambda e: e * y + x),
    "softmax": (1_100, lambda e: Special(softmax, e)),
    "slices": (1_100, lambda e: Select(einsum("i,j->ij", e, y), 1, 0)),
    "named fractions": (1_100, lambda e: Definition("link", y * over(e))),
}


@pytest.mark.parametrize(("length", "link"), LONG.values(), ids=LONG)
def test_a_chain_longer_than_the_stack_is_differentiated(length, link):
    start = Variable("first", (3,))
    e = start
    for _ in range(length):
        e = link(e)
    assert differentiate(half_square(e), start).shape == (3,)


def test_a_chain_longer_than_the_stack_is_differentiated_forwards():
    e = hadamard(c, x)
    for _ in range(1_100):
        e = f.tanh(e)
    assert differentiate(e, c).shape == (3,)


def test_a_derivative_below_views_stacked_higher_than_the_stack_is_found():
    A = Variable("A", (3, 4))
    e = f.tanh(A)
    for _ in range(1_201):
        e = transpose(e, (1, 0))
    expected = 1 - f.tanh(A) * f.tanh(A)
    assert simplify(differentiate(einsum("ji->", e), A)) is simplify(expected)
