"""``verify`` proves right derivatives, exposes wrong ones, and says what each route saw."""

import re

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc import functions as f
from tensorcalc.check.points import draw_point, near_kink
from tensorcalc.derivative import Derivative
from tensorcalc.evaluate import Dense
from tensorcalc.expr import Constant, hadamard
from tensorcalc.layout import LAYOUTS
from tensorcalc.operations import lift

SHAPES = {
    **{"W": (5, 4), "x": 4, "y": 5, "A": (3, 4), "b": 3, "B": (3, 2), "S": (3, 3), "Q": (4, 4)},
    **{"a": (), "T": (2, 3, 4), "M": "m m", "K": "k n", "r": "n", "t": "k", "R": "n m", "Y": "k m"},
}

PROGRAMS = {
    "sigmoid layer": ("v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2", "W"),
    "sigmoid layer by its input": ("v = W @ x; s = sigmoid(v); E = sum(s)", "x"),
    "vector by matrix": ("u = tanh(A @ x + b)", "A"),
    "matrix by matrix": ("tanh(B) * B", "B"),
    "scalar by scalar": ("sin(a) * a**3", "a"),
    "vector by scalar": ("tanh(a * x)", "a"),
    "row by column": ("b.T @ B", "b"),
    "scalar by 3-tensor": ("sum(tanh(T))", "T"),
    "relu": ("h = relu(W @ x); sum(h**2)", "W"),
    "gelu": ("sum(gelu(x))", "x"),
    "softmax": ("p = softmax(A @ x)", "x"),
    "softmax cross-entropy": ("p = softmax(W @ x); C = -sum(y * log(p))", "x"),
    "log-softmax of a batch": ("-sum(Y * log_softmax(K @ R, axis=0))", "K"),
    "logsumexp": ("logsumexp(A @ x)", "A"),
    "norm": ("norm(A @ x - b)", "x"),
    "quadratic form": ("b.T @ S @ b", "b"),
    "trace": ("trace(A @ Q @ A.T)", "A"),
    "two paths": ("u = tanh(x); v = u * sum(u); E = dot(v, u)", "x"),
    "named dims": ("v = K @ r; s = sigmoid(v); E = norm(s - t)**2 / 2", "K"),
    "one name twice": ("trace(M @ M)", "M"),
    "an argument that drops out": ("norm(x)**2 + 0 * sum(y)", "y"),
}

each_program = pytest.mark.parametrize(("text", "wrt"), PROGRAMS.values(), ids=PROGRAMS.keys())


def rows(verification):
    """The rows by the name of their route."""
    return {row.route: row for row in verification.rows}


def verdicts(verification):
    """What the three routes other than the reference say."""
    return {row.route: row.ok for row in verification.rows if row.route != "formula"}


EVERY_ROUTE_AGREES = {"literal": True, "differences": True, "Taylor": True}


# ── right derivatives ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", LAYOUTS)
@each_program
def test_right_derivatives_are_proved_by_every_route(text, wrt, layout):
    p = tc.program(text, SHAPES)
    proof = p.derivative(p.result, wrt, layout=layout).verify()
    assert verdicts(proof) == EVERY_ROUTE_AGREES, proof
    assert bool(proof) is True
    assert 0 <= proof.error < 1e-10


@each_program
def test_every_seed_draws_another_point_and_proves_the_same(text, wrt):
    p = tc.program(text, SHAPES)
    d = p.derivative(p.result, wrt)
    first, same, other = (draw_point(d.universe, seed, d.title).values for seed in (1, 1, 2))
    for name in first:
        np.testing.assert_array_equal(first[name], same[name])
        assert not np.array_equal(first[name], other[name])
    assert verdicts(d.verify(seed=1)) == verdicts(d.verify(seed=2)) == EVERY_ROUTE_AGREES


def by_hand():
    """Derivatives that people put together themselves."""
    d = tc.derivative
    p = tc.program(
        "v = W @ x; s = sigmoid(v); t = tanh(v); E = dot(s, t) + norm(t)**2", W=(5, 4), x=4
    )
    W, x, v, s, t, E = (p[name] for name in "WxvstE")
    via_s, via_t = d(E, s) @ d(s, v), d(E, t) @ d(t, v)
    own = tc.function("f", lambda x: x**3, lambda x: 3 * x**2)
    z = tc.define("z", own(x))
    matrix = np.arange(6.0).reshape(2, 3) - 2
    u = tc.define("u", tc.tanh(tc.vector("q", 3)))
    w = tc.define("w", s * t)
    return {
        "a product": d(E, s) @ d(s, v) @ d(v, W),
        "a product in denominator layout": d(E, s, layout="denominator")
        @ d(s, x, layout="denominator"),
        "one of two paths": via_s,
        "the sum of both paths": via_s + via_t,
        "the sum of both paths by W": (via_s + via_t) @ d(v, W),
        "a difference": d(E, v) - via_s,
        "a multiple": 3 * via_s,
        "a negative": -d(E, W),
        "a gradient": tc.gradient(E, W),
        "a partial derivative": d(E, v, holding=[s]),
        "a slice": d(v, W)[2],
        "a slice of a Jacobian": d(s, x)[-1],
        "a slice of a product": (d(t, v) @ d(v, x))[0],
        "a slice of one of two paths": (d(w, s) @ d(s, v))[0],
        "a slice of a sum": (d(t, v) + d(t, v))[1],
        "an array times a Jacobian": tc.from_array(matrix, of="y", wrt=u) @ d(u, tc.vector("q", 3)),
        "a Hessian": tc.hessian(E, x),
        "a Hessian by a matrix": tc.hessian(E, W),
        "a mixed second derivative": d(E, W, x),
        "a mixed second derivative in denominator layout": d(E, W, x, layout="denominator"),
        "a second derivative of a vector": d(s, x, x),
        "a third derivative": d(E, x, x, x),
        "a third derivative by a matrix and a vector": d(E, W, x, x),
        "a third derivative of a vector, in denominator layout": d(s, x, W, x).to("denominator"),
        "a third derivative by names": d(E, v, v, v),
        "a fourth derivative": d(t, v, v, v, v).to("mixed"),
        "a slice of a third derivative": d(s, v, v, v)[2],
        "one's own function with its derivative": d(z, x),
        "one's own function in a chain": d(tc.define("G", tc.norm(z) ** 2), z) @ d(z, x),
    }


@pytest.mark.parametrize("name", by_hand())
def test_derivatives_put_together_by_hand_are_proved(name):
    proof = by_hand()[name].verify()
    assert verdicts(proof) == EVERY_ROUTE_AGREES, proof


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("sum(sigmoid(x))", [36.0, 40.0]),
        ("sum(tanh(x))", [20.0, 18.0]),
        ("sum(softmax(x))", [1.0, 2.0]),  # always 1: its derivative is 0, but for rounding
        ("sum(x**2) - x.T @ x", [1.0, 2.0]),
    ],
)
def test_a_derivative_that_is_all_rounding_is_proved_on_the_scale_of_the_function(text, at):
    p = tc.program(text, x=2)
    assert p.derivative(p.result, "x").verify(at={"x": at})


@pytest.mark.parametrize("record", f.FUNCTIONS, ids=lambda record: record.name)
def test_every_function_is_proved_in_its_domain_by_the_route_it_allows(record, rng):
    arguments = [tc.vector(f"x{k}", 4) for k in range(record.arity)]
    values = {x.name: rng.uniform(*record.domain, size=4) for x in arguments}
    y = tc.define("y", tc.Tensor(record(*(x.expr for x in arguments))))
    proof = tc.derivative(y, arguments[-1]).verify(at=values)
    assert verdicts(proof) == EVERY_ROUTE_AGREES, proof
    taken = rows(proof)["differences"].detail
    assert taken.startswith("complex step" if record.complex_step else "central")


def test_a_function_without_complex_values_beside_the_way_leaves_the_complex_step():
    x = tc.vector("x", 4)
    below = tc.define("u", tc.relu(x - 0.1))
    beside = tc.define("w", tc.tanh(below) * tc.abs(x))
    for d in (
        tc.derivative(tc.tanh(below), below),  # relu is below u
        tc.derivative(beside, below),
        tc.hessian(tc.sum(beside), below),
    ):
        proof = d.verify()
        assert verdicts(proof) == EVERY_ROUTE_AGREES
        assert rows(proof)["differences"].detail.startswith("complex step")


def test_one_function_without_complex_values_on_the_way_means_central_differences():
    x = tc.vector("x", 4)
    smooth = tc.define("u", tc.tanh(x))
    mixed = tc.define("w", tc.sum(tc.relu(smooth + 2)))
    steps = [
        rows(d.verify())["differences"].detail.split(",")[0]
        for d in (
            tc.derivative(smooth, x),
            tc.derivative(mixed, x),
            tc.derivative(mixed, smooth) @ tc.derivative(smooth, x),
        )
    ]
    assert steps == ["complex step", "central", "central"]


# ── wrong derivatives ────────────────────────────────────────────────────────────────────

WRONG_RULES = {
    "sigmoid": lambda x, y: y * (2 - y),
    "tanh": lambda x, y: 1 - y,
    "softplus": lambda x, y: y,
    "exp": lambda x, y: x,
    "expm1": lambda x, y: y,
    "log": lambda x, y: 1.001 / x,
    "sqrt": lambda x, y: 1 / y,
    "cos": lambda x, y: f.sin(x),
    "relu": lambda x, y: 1 - f.step(x),
    "abs": lambda x, y: -f.sign(x),
}


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_is_seen_by_differences_and_taylor_until_it_is_restored(
    name, monkeypatch, rng
):
    record = next(r for r in f.FUNCTIONS if r.name == name)
    x = tc.vector("x", 4)
    y = tc.define("y", lift(record)(x))
    at = {"x": rng.uniform(*record.domain, size=4)}
    before = tc.derivative(y, x)
    assert before.verify(at=at)
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(record), "derivatives", (WRONG_RULES[name],))
        proof = tc.derivative(y, x).verify(at=at)
        # the literal route uses the same rule, so it cannot know
        assert verdicts(proof) == {"literal": True, "differences": False, "Taylor": False}, proof
        assert not proof
        assert not before.verify(at=at)
    assert tc.derivative(y, x).verify(at=at)


@pytest.mark.parametrize(
    ("derivative", "right"),
    [
        (lambda x: 1 - np.tanh(x) ** 2, True),
        (lambda x: 1 - np.tanh(x), False),
        (lambda x: np.tanh(x) ** 2 - 1, False),
        (lambda x: (1 - np.tanh(x) ** 2) * (1 + 1e-5), False),
        (lambda x: np.zeros_like(x), False),
        (lambda x: 1 - np.tanh(x) ** 2 + (x > 0), False),
    ],
    ids=["right", "not squared", "sign", "one in 100,000", "zero", "half of it"],
)
def test_the_derivative_of_ones_own_function_is_compared_with_its_values(derivative, right):
    x = tc.vector("x", 5)
    own = tc.function("f", np.tanh, derivative)
    proof = tc.derivative(tc.define("z", own(x)), x).verify()
    assert bool(proof) is right
    assert rows(proof)["differences"].ok is right


def with_value(d, value):
    """The derivative as it would be if rewriting had made another formula of its chain."""
    return Derivative(d.of, d.arguments, value, d.contributions, layout=LAYOUTS[d.layout])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda d: hadamard(Constant(2.0), d.value),
        lambda d: -d.value,
        lambda d: d.value + 1e-9,
        lambda d: Constant(np.zeros(d.value.shape)),
        lambda d: Constant(np.ones(d.value.shape)),
    ],
    ids=["twice", "negative", "a billionth more", "zero", "ones"],
)
def test_a_wrong_formula_is_found_wrong_where_the_other_routes_agree(example, wrong):
    e = example
    d = tc.derivative(e.E, e.s) @ tc.derivative(e.s, e.v) @ tc.derivative(e.v, e.W)
    proof = with_value(d, wrong(d)).verify()
    assert {route: row.ok for route, row in rows(proof).items() if route != "Taylor"} == {
        "literal": True,
        "formula": False,
        "differences": True,
    }, proof
    assert not proof
    assert re.search(r"\nformula .+ WRONG\n", str(proof))
    assert with_value(d, d.value).verify()


def test_a_wrong_formula_is_seen_by_the_literal_route_at_a_kink_too():
    x = tc.vector("x", 3)
    d = tc.derivative(tc.relu(x), x)
    proof = with_value(d, 2 * d.value).verify(at={"x": [0.0, 1.0, 2.0]})
    assert verdicts(proof) == {"literal": False, "differences": None, "Taylor": None}
    assert not proof


def test_a_lost_path_makes_a_formula_wrong():
    p = tc.program("t = sin(a); u = cos(a); g = t * u", a=())
    via_t = p.derivative("g", "t") @ p.derivative("t", "a")
    whole = via_t + p.derivative("g", "u") @ p.derivative("u", "a")
    assert whole.verify()
    proof = with_value(whole, via_t.value).verify()
    assert rows(proof)["formula"].ok is False
    assert not proof


# ── the rows ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "at", "order"),
    [
        ("sum(sigmoid(x))", [0.3, -0.7], 2),
        ("sum(exp(x))", [0.0, 0.0], 2),
        ("sum(x**3)", [0.0, 0.0], 3),  # the second derivative vanishes
        ("sum(x**4)", [0.0, 0.0], 4),
        ("sum(x**2)", [5.0, -3.0], 2),
        ("A @ x + b", [5.0, -3.0], None),
        ("sum(3 * x) / 7", [5.0, -3.0], None),
        ("sum(relu(x))", [5.0, 3.0], None),
    ],
)
def test_taylors_remainder_has_the_order_of_the_first_derivative_left_out(text, at, order, rng):
    p = tc.program(text, x=2, A=(3, 2), b=3)
    values = {"x": at, "A": rng.normal(size=(3, 2)), "b": rng.normal(size=3)}
    row = rows(p.derivative(p.result, "x").verify(at=values))["Taylor"]
    assert row.ok is True
    if order is None:
        assert row.detail == "exact: no remainder"
    else:
        assert row.error == pytest.approx(order, abs=0.05)
        assert row.detail == f"remainder falls as h^{row.error:.2f}"


@pytest.mark.parametrize("text", ["log(x)", "1 / x", "sqrt(x)"])
def test_near_the_edge_of_a_domain_the_smallest_steps_show_the_order(text):
    p = tc.program(f"sum({text})", x=2)
    assert p.derivative(p.result, "x").verify(at={"x": [1e-3, 1.3e-3]})


def test_taylors_remainder_of_a_wrong_derivative_has_order_one():
    x = tc.vector("x", 3)
    own = tc.function("f", np.tanh, lambda x: 2 * (1 - np.tanh(x) ** 2))
    row = rows(tc.derivative(tc.define("z", own(x)), x).verify())["Taylor"]
    assert row.error == pytest.approx(1, abs=0.1)
    assert row.ok is False


def test_the_table_names_each_route_its_error_and_what_is_allowed(example):
    proof = tc.derivative(example.E, example.W).verify()
    patterns = [
        r"∂E/∂W, W 5 × 4, seed 0 +error     allowed",
        r"literal     3 dense factors, in order +(\de−\d\d|0) +1e−12    ok",
        r"formula     x \(\(s − y\) ⊙ s ⊙ \(1 − s\)\)ᵀ +reference",
        r"differences complex step, h = 1e−30 +(\de−\d\d|0) +1e−10    ok",
        r"Taylor      remainder falls as h\^(2\.0\d|1\.99) +order +≥ 1\.9    ok",
    ]
    lines = str(proof).split("\n")
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)
    column = lines[0].index("error")
    assert all(line[column - 2 : column] == "  " and line[column] != " " for line in lines)
    assert repr(proof) == str(proof)


def test_the_table_says_central_and_wrong_where_that_is_so():
    x = tc.vector("x", 3)
    own = tc.function("f", np.tanh, np.tanh)
    text = str(tc.derivative(tc.define("z", own(x)), x).verify(at={"x": [1.0, 2.0, 3.0]}))
    assert text.startswith("∂z/∂x, x 3, at the values given")
    assert re.search(r"differences central, h = 1e−5 +\d+e[−]?\d+ +1e−7     WRONG", text)
    assert re.search(r"Taylor      remainder falls as h\^1\.\d\d +order +≥ 1\.9    WRONG", text)


def test_a_dense_factor_beyond_memory_is_left_out_and_the_rest_still_proves():
    a, x = tc.scalar("a"), tc.vector("x", 17_000)
    proof = tc.derivative(tc.tanh(a * x), a).verify()
    assert verdicts(proof) == {"literal": None, "differences": True, "Taylor": True}
    assert proof
    assert re.search(
        r"literal +not taken +– +a dense local derivative would take 2\.15 GiB", str(proof)
    )


@pytest.mark.parametrize(("array", "right"), [(np.eye(4), True), (np.ones((4, 4)), False)])
def test_a_slice_of_an_array_is_proved_as_the_whole_array_is(array, right):
    x = tc.vector("x", 4)
    d = tc.from_array(array, of=tc.define("u", 1 * x), wrt=x)
    for proof in (d.verify(), d[0].verify()):
        assert verdicts(proof) == {"literal": None, "differences": right, "Taylor": right}
        assert rows(proof)["literal"].why == "the array itself is all there is"


def test_an_array_on_its_own_is_no_proof_of_itself():
    d = tc.from_array(np.eye(2, 3), of="y", wrt=tc.vector("x", 3))
    proof = d.verify()
    assert verdicts(proof) == {"literal": None, "differences": None, "Taylor": None}
    assert not proof
    assert rows(proof)["differences"].why.startswith("given as an array")


# ── points ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "shapes",
    [
        {"A": "k n", "x": "n", "B": "k m"},
        {"A": ("k", 3), "x": 3, "B": ("k", 2)},
        {"A": ("k", 2), "x": 2, "B": ("k", "m")},
    ],
    ids=["names", "sizes and a name", "a size and names"],
)
def test_named_dimensions_get_unequal_sizes(shapes):
    p = tc.program("A @ x + sum(B, axis=1)", shapes)
    point = draw_point([p.result.expr], 0, "it")
    numbers = {dim for name in "AxB" for dim in p[name].shape if isinstance(dim, int)}
    sizes = list(point.sizes.values())
    assert len({*sizes, *numbers}) == len(sizes) + len(numbers)
    assert all(size > 1 for size in sizes)
    for name in "AxB":
        bound = tuple(point.sizes.get(dim, dim) for dim in p[name].shape)
        assert point.values[name].shape == bound
    assert p.derivative(p.result, "A").verify()


DOMAINS = {
    "log(x)": lambda x: x > 0,
    "log1p(x)": lambda x: x > -1,
    "sqrt(x)": lambda x: x > 0,
    "arcsin(x)": lambda x: np.abs(x) < 1,
    "arccos(x)": lambda x: np.abs(x) < 1,
    "x**0.5": lambda x: x > 0,
    "x**1.5": lambda x: x > 0,
    "x**-2": lambda x: x != 0,
    "1 / x**0.5": lambda x: x > 0,
    "1 / x": lambda x: x != 0,
    "log(1 - x**2)": lambda x: np.abs(x) < 1,
    "log(1 - x.T @ x) * x": lambda x: x @ x < 1,
    "sqrt(log(x + 1))": lambda x: x > 0,
}


@pytest.mark.parametrize("text", DOMAINS)
def test_points_are_drawn_inside_every_domain(text):
    p = tc.program(f"sum({text})", x=4)
    d = p.derivative(p.result, "x")
    for seed in range(5):
        assert np.all(DOMAINS[text](draw_point(d.universe, seed, d.title).values["x"]))
        assert d.verify(seed=seed)


@pytest.mark.parametrize("text", ["log(x - 9)", "sqrt(-x**2 - 1)", "arcsin(x + 5)", "log(-exp(x))"])
def test_where_no_point_is_found_the_error_asks_for_one(text):
    p = tc.program(f"sum({text})", x=4)
    with pytest.raises(tc.TensorCalcError, match=r"no random point found at which ∂.*/∂x") as e:
        p.derivative(p.result, "x").verify()
    assert e.value.hint == "give one: at=dict(x=…)"


def test_a_given_point_replaces_the_one_that_is_not_found():
    p = tc.program("sum(log(x - 9))", x=3)
    assert p.derivative(p.result, "x").verify(at={"x": [10.0, 11.5, 14.0]})


@pytest.mark.parametrize(
    ("text", "at", "convention"),
    [
        ("sum(relu(x))", [1.0, 0.0, -2.0], "relu′(0) = 0"),
        ("relu(x)", [1.0, 1e-6, -2.0], "relu′(0) = 0"),
        ("sum(abs(x))", [0.0, 1.0, 2.0], "abs′(0) = 0"),
        ("sum(sign(x))", [0.0, 1.0, 2.0], "sign′(0) = 0"),
        ("norm(x)", [0.0, 0.0, 0.0], "the gradient of norm at 0 is 0"),
        ("sum(relu(x - 1))", [1.0, 2.0, 3.0], "relu′(0) = 0"),
        ("sum(maximum(x, c))", [1.0, 2.0, 3.0],
         "equal arguments of maximum share its derivative equally"),
        ("minimum(x, c)", [0.0, 1.0, 5.0 + 1e-6],
         "equal arguments of minimum share its derivative equally"),
        ("max(x)", [1.0, 3.0, 3.0], "tied maxima share the derivative equally"),
        ("sum(max(outer(x, x), axis=0))", [2.0, 2.0 + 1e-6, 1.0],
         "tied maxima share the derivative equally"),
    ],
)  # fmt: skip
def test_at_a_kink_the_rows_say_so(text, at, convention):
    p = tc.program(text, x=3, c=3)
    proof = p.derivative(p.result, "x").verify(at={"x": at, "c": [4.0, 2.0, 5.0]})
    assert verdicts(proof) == {"literal": True, "differences": None, "Taylor": None}
    for route in ("differences", "Taylor"):
        assert rows(proof)[route].why == f"at a kink, where {convention} by convention"
    assert str(proof).count(f"at a kink, where {convention} by convention") == 2


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("sum(maximum(x, c))", [0.0, 0.0, -1.0]),  # the sum of both is 0 here, or one of them
        ("sum(minimum(x, c)**2)", [0.0, -2.0, -5.0]),
        ("max(x)", [0.0, 0.0, 1.0]),
        ("sum(where(x > c, x**2, sin(x)))", [0.0, 3.0, 5.5]),
        ("norm(x)", [0.0, 0.0, 1.0]),
    ],
)
def test_away_from_a_kink_every_route_is_taken(text, at):
    p = tc.program(text, x=3, c=3)
    proof = p.derivative(p.result, "x").verify(at={"x": at, "c": [4.0, 2.0, 5.0]})
    assert verdicts(proof) == EVERY_ROUTE_AGREES, proof


@pytest.mark.parametrize("text", ["max(x)", "sum(maximum(x, c))", "sum(where(x >= c, x**2, c))"])
def test_points_are_drawn_away_from_kinks_between_arguments(text):
    p = tc.program(text, x=12, c=12)
    d = p.derivative(p.result, "x")
    for seed in range(5):
        assert verdicts(d.verify(seed=seed)) == EVERY_ROUTE_AGREES


def test_a_function_of_ones_own_called_length_has_no_kink_at_0():
    x = tc.vector("x", 3)
    own = tc.function("length", lambda t: t**2, lambda t: 2 * t)
    e = own(x).expr
    assert near_kink([e], Dense({"x": np.zeros(3)}, {})) is None


# ── refusals ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("at", "error", "message", "hint"),
    [
        ({"x": [1.0, np.nan]}, tc.ValueNotAllowedError, "value of x contains NaN", "finite"),
        ({"x": [1.0, np.inf]}, tc.ValueNotAllowedError, "value of x contains NaN or inf", "finite"),
        ({"x": [1.0, 2j]}, tc.ValueNotAllowedError, "value of x is complex numbers", "real"),
        ({"x": "text"}, tc.ValueNotAllowedError, "value of x is text", "real"),
        ({"x": None}, tc.ValueNotAllowedError, "value of x is NoneType", "real"),
        ({"x": [[1.0], [2.0, 3.0]]}, tc.ValueNotAllowedError, "value of x is list", "real"),
        ({"x": [1.0, 2.0, 3.0]}, tc.ShapeError, "x is declared 2, but its value is 3", "shape 2"),
        ({"x": 1.0}, tc.ShapeError, "x is declared 2, but its value is scalar", "shape 2"),
        ({}, tc.MissingValueError, r"∂E/∂x needs a value for x \(2\)", "give at=dict(x=…)"),
        (
            {"X": [1.0, 2.0]},
            tc.MissingValueError,
            "X is not a variable of it",
            "did you mean x by X?",
        ),
        ([1.0, 2.0], tc.ValueNotAllowedError, "values given as list", "mapping"),
    ],
)
def test_values_that_cannot_be_used_are_refused_by_name(at, error, message, hint):
    x = tc.vector("x", 2)
    d = tc.derivative(tc.define("E", tc.norm(x) ** 2), x)
    with pytest.raises(error, match=message) as caught:
        d.verify(at=at)
    assert hint in caught.value.hint


@pytest.mark.parametrize("seed", [-1, 1.5, "seed", None, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed, example):
    with pytest.raises(tc.TensorCalcError, match=f"a seed given as {seed!r}") as caught:
        tc.derivative(example.E, example.W).verify(seed=seed)
    assert caught.value.hint == "give a whole number of 0 or more"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (tc.function("f"), "the value of f, an abstract function"),
        (tc.function("f", np.tanh), "the derivative of f is not known"),
    ],
    ids=["abstract", "without derivative"],
)
def test_a_function_without_numbers_says_what_to_declare(own, message):
    x = tc.vector("x", 2)
    with pytest.raises(tc.NotSupportedError, match=message) as caught:
        tc.derivative(tc.define("z", own(x)), x).verify()
    assert "tc.function('f', value=…, derivative=…)" in caught.value.hint


# ── known faults ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("log(x)", 1e-4),
        ("1 / x", 1e-4),
        ("sqrt(x)", 1e-4),
        ("x**1.5", 1e-5),
        ("sin(1000 * x)", 1.0),
    ],
)
def test_a_right_derivative_is_proved_where_the_function_bends_sharply(text, at):
    p = tc.program(f"sum({text})", x=2)
    assert p.derivative(p.result, "x").verify(at={"x": [at, 1.3 * at]})


def test_the_derivative_of_saturated_functions_that_cancel_is_proved():
    p = tc.program("sum(tanh(x))", x=2)
    assert p.derivative(p.result, "x").verify(at={"x": [-20.0, 18.0]})


@pytest.mark.parametrize("text", ["sum(tanh(x)) + 200000", "1000000 * sum(tanh(x))"])
def test_large_constants_do_not_keep_points_from_being_found(text):
    p = tc.program(text, x=2)
    assert p.derivative(p.result, "x").verify()


def test_points_are_found_where_every_entry_must_be_negative():
    p = tc.program("sum(log(-x))", x=12)
    assert p.derivative(p.result, "x").verify()


@pytest.mark.parametrize(("text", "at"), [("log(x)", -1.0), ("log(x)", 0.0), ("arcsin(x)", 2.0)])
def test_a_given_point_outside_the_domain_is_refused(text, at):
    p = tc.program(f"sum({text})", x=2)
    with pytest.raises(tc.TensorCalcError):
        p.derivative(p.result, "x").verify(at={"x": [at, 0.5]})


def test_the_title_of_a_hessian_names_its_argument_once(example):
    assert tc.hessian(example.E, example.x).verify().title == "∂²E/∂x², x 4, seed 0"


# ── singular matrices ────────────────────────────────────────────────────────────────────

SINGULAR = {
    "evaluate": lambda d, at: d.evaluate(at),
    "a quantity": lambda d, at: d.of.evaluate(at),
    "a compiled function": lambda d, at: d.compile()(at),
    "several": lambda d, at: tc.compile([d.of, d])(at),
    "apply": lambda d, at: d.apply(np.ones((3, 3)), at=at),
    "verify": lambda d, at: d.verify(at=at),
    "check": lambda d, at: d.check(np.ones(d.shape), at=at),
    "check a formula": lambda d, at: tc.derivative(tc.sum(d.wrt), d.wrt).check(d.of, at=at),
}


@pytest.mark.parametrize("text", ["inv(A) @ x", "solve(A, x)"])
@pytest.mark.parametrize("act", SINGULAR)
def test_a_singular_matrix_is_refused_by_the_function_that_fails(text, act):
    p = tc.program(f"u = {text}", A=(3, 3), x=3)
    with pytest.raises(tc.ValueNotAllowedError, match=r": (inv|solve) fails at these values") as e:
        SINGULAR[act](p.derivative("u", "A"), {"A": np.ones((3, 3)), "x": np.ones(3)})
    assert e.value.hint == "give values at which the matrix is invertible"
    assert e.value.__suppress_context__


def test_points_are_drawn_where_matrices_have_inverses():
    p = tc.program("inv(diag(relu(x))) @ x", x=6)  # singular where any entry is negative
    assert p.derivative(p.result, "x").verify()
    p = tc.program("inv(diag(x - x)) @ x", x=2)
    with pytest.raises(tc.DomainError, match="no random point found"):
        p.derivative(p.result, "x").verify()


# ── equality as functions ────────────────────────────────────────────────────────────────


def test_quantities_and_derivatives_are_equal_as_functions():
    x, S = tc.vector("x", 4), tc.matrix("S", 4, 4)
    E = tc.define("E", tc.norm(x) ** 2 / 2)
    assert tc.equal(tc.sin(x) ** 2 + tc.cos(x) ** 2, tc.ones(4))
    assert tc.equal(tc.derivative(E, x), x.T)
    assert tc.equal(tc.gradient(E, x), x)
    assert tc.equal(tc.gradient(E, x.T), x.T)
    assert not tc.equal(tc.derivative(E, x), x)
    assert tc.equal(tc.derivative(E, x), tc.derivative(E, x) * 1)
    assert not tc.equal(tc.derivative(E, x), 2 * tc.derivative(E, x))
    assert not tc.equal(x.T @ S, x.T @ S.T)


def test_derivatives_of_different_shapes_are_different():
    x, r = tc.vector("x", 4), tc.vector("r", "n")
    d, named = tc.derivative(tc.sum(x**2), x), tc.derivative(tc.sum(r**2), r)
    for one in (d, named):
        assert tc.equal(one, one.to("numerator"))
        assert not tc.equal(one, one.to("mixed"))
        assert not tc.equal(one.to("denominator"), one)
        assert tc.equal(one.gradient, one.to("mixed"))
    with pytest.raises(tc.ShapeError, match="equality of shapes 1 × 4 and 1 × n"):
        tc.equal(d, named)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("sum(x - mean(x))", 1),
        ("logsumexp(log_softmax(x))", 1),
        ("norm(sum(x[0] * B, axis=1))", 2),
        ("det(B - ones(3) @ x.T)", 2),
    ],
)
def test_what_cancels_is_proved_on_the_scale_of_what_cancels(text, order):
    p = tc.program(text, x=3, B=(3, 3))
    proof = tc.derivative(p.result, *[p["x"]] * order).verify()
    assert proof, proof


def test_a_check_that_would_move_a_million_entries_is_refused():
    p = tc.program("sum(x)", x=10**6)
    with pytest.raises(tc.MemoryLimitError, match="1,000,000 entries"):
        p.derivative(p.result, "x").verify()


# functions that are at a kink, or singular, wherever one looks: what they compute is smooth
EVERYWHERE = [
    "sum(maximum(x, x))", "sum(minimum(x, 2 * x - x))", "sum(where(x > x, x, 2 * x))",
    "sum(max(ones(3)) * x)", "sum(relu(0 * x))", "norm(x - x)", "sum(sign(0 * x) * x)",
    "det(outer(x, y))",
]  # fmt: skip


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("text", EVERYWHERE)
def test_what_is_at_a_kink_everywhere_is_verified(text, order):
    p = tc.program(text, x=3, y=3)
    found = tc.derivative(p.result, *[p["x"]] * order).verify()
    assert found
    assert all(row.ok for row in found.rows if row.route != "formula")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sum(log(-x**2))", "log has no finite value at all of them"),
        ("sum(inv(outer(x, y)))", "a matrix has no inverse at all of them"),
    ],
)
def test_where_no_point_is_found_the_reason_is_told(text, reason):
    p = tc.program(text, x=3, y=3)
    with pytest.raises(tc.DomainError, match=reason):
        p.derivative(p.result, "x").verify()


def test_a_kink_at_the_values_given_is_no_kink_everywhere():
    p = tc.program("sum(relu(x)) + sum(relu(0 * x))", x=2)
    rows = {row.route: row for row in p.derivative(p.result, "x").verify(at={"x": [0.0, 1.0]}).rows}
    assert rows["differences"].ok is None
    assert p.derivative(p.result, "x").verify(at={"x": [-1.0, 1.0]}).rows[2].ok


@pytest.mark.parametrize("order", [1, 2])
def test_what_a_condition_leaves_out_does_not_keep_a_derivative_from_being_proved(order):
    p = tc.program("sum(where(x > 0, sqrt(x) * log(x), 0))", x=3)
    found = tc.derivative(p.result, *[p["x"]] * order).verify(at={"x": [-1.0, 1.0, 2.0]})
    assert all(row.ok for row in found.rows if row.route != "formula")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda s, A: abs(s), lambda s, A: s),
        (lambda s, A: tc.sqrt(s**2), lambda s, A: s),
        (lambda s, A: tc.relu(s), lambda s, A: s),
        (lambda s, A: tc.maximum(s, 0), lambda s, A: s),
        (lambda s, A: tc.det(A), lambda s, A: tc.exp(tc.logdet(A))),
        (lambda s, A: tc.where(s > 5, s, 0 * s), lambda s, A: 0 * s),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_what_differs_only_beyond_a_kink_is_not_equal(one, other, seed):
    s, A = tc.scalar("s"), tc.matrix("A", 3, 3)
    assert not tc.equal(one(s, A), other(s, A), seed=seed)
    assert tc.equal(one(s, A), one(s, A) * 1 + 0 * other(s, A), seed=seed)
