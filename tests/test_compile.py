"""Compiled functions: their source, their arguments, and that they compute what is evaluated."""

import ast
import inspect
import math
import tracemalloc

import numpy as np
import pytest

import tensorcalc as tc

W, x, y = tc.matrix("W", 5, 4), tc.vector("x", 4), tc.vector("y", 5)
v = tc.define("v", W @ x)
s = tc.define("s", tc.sigmoid(v))
E = tc.define("E", tc.norm(s - y) ** 2 / 2)
S = tc.scalar("S")
X, t, w = tc.matrix("X", "m", "n"), tc.vector("t", "m"), tc.vector("w", "n")
L = tc.define("L", tc.mean((X @ w - t) ** 2))
f = tc.function("f", value=lambda u: u**3, derivative=lambda u: 3 * u**2)
TABLE = np.linspace(-1.0, 1.0, 20).reshape(5, 4) * 1e-7 + 1 / 3

# What is compiled: quantities and derivatives of every kind of code.
ITEMS = {
    "v": v, "s": s, "E": E, "L": L, "row": x.T, "matrix": W @ x @ y.T, "scalar": S**3 + 1,
    "power": tc.norm(x) ** -1.5, "quotient": x / (1 + x**2), "entry": W[1, 2] * x[-1],
    "softmax": tc.softmax(W @ x), "rows": tc.log_softmax(X, 1), "columns": tc.logsumexp(X, 0),
    "constant": tc.sum(TABLE * W), "small": x * 1e-300, "einsum": tc.einsum("ij,ij,j->i", W, W, x),
    "trace": tc.trace(W @ W.T), "diagonal": tc.diagonal(W.T @ W), "ones": tc.ones(3, 4) @ x,
    "gelu": tc.gelu(x), "relu": tc.relu(-x), "mean": tc.mean(X, 0), "stable": tc.log(s),
    "∂E/∂W": tc.derivative(E, W), "∇E": tc.gradient(E, W), "∂E/∂x": tc.derivative(E, x),
    "∂v/∂W": tc.derivative(v, W), "∂s/∂v": tc.derivative(s, v), "∂v/∂x": tc.derivative(v, x),
    "∂W/∂W": tc.derivative(W, W), "∂²E/∂x²": tc.hessian(E, x), "∂x/∂y": tc.derivative(x, y),
    "∂L/∂w": tc.derivative(L, w), "∇L": tc.gradient(L, w), "∂L/∂X": tc.derivative(L, X),
    "∂²L/∂w²": tc.hessian(L, w), "∂w/∂w": tc.derivative(2 * w, w), "∂t/∂w": tc.derivative(t, w),
    "∂softmax": tc.derivative(tc.softmax(x), x), "∂rows": tc.derivative(tc.softmax(X, 1), X),
    "∂S³/∂S": tc.derivative(S**3, S), "∂norm": tc.derivative(tc.norm(w), w),
    "product": tc.derivative(E, s) @ tc.derivative(s, v) @ tc.derivative(v, W),
    "own": tc.from_array(TABLE, of="C", wrt=x), "mixed": tc.derivative(E, x, layout="mixed"),
}  # fmt: skip

each_item = pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)


@pytest.fixture
def at():
    """A value for each variable above."""
    rng = np.random.default_rng(4)
    sizes = {"m": 3, "n": 2}
    return {
        q.name: rng.normal(size=[sizes.get(d, d) for d in q.shape]) for q in (W, x, y, S, X, t, w)
    }


def pasted(function):
    """The function that the source alone makes, in a namespace of its own."""
    namespace = {"__name__": "pasted"}
    exec(compile(function.source, "pasted", "exec"), namespace)
    return namespace[function.name]


# ── source ───────────────────────────────────────────────────────────────────────────────


@each_item
def test_the_source_stands_alone_when_pasted(item, at):
    function = item.compile()
    values = [np.asarray(at[name], dtype=float) for name in function.arguments]
    result, expected = pasted(function)(*values), function(*values)
    assert np.shape(result) == expected.shape
    np.testing.assert_array_equal(result, expected)


@each_item
def test_the_source_is_plain_numpy(item):
    function = item.compile()
    tree = ast.parse(function.source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    assert function.source.endswith("\n")
    assert "tensorcalc" not in function.source
    (main,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function.name]
    assert tuple(argument.arg for argument in main.args.args) == function.arguments
    assert max(map(len, function.source.splitlines())) <= 120 or "np.array([" in function.source
    assert repr(function) == f"<compiled {function.name}({', '.join(function.arguments)})>"


def test_the_source_says_where_a_function_of_ones_own_belongs(at):
    source = tc.derivative(f(x), x).compile().source
    assert "# f_prime is the function given to tc.function" in source
    np.testing.assert_allclose(tc.derivative(f(x), x).evaluate(at), np.diag(3 * at["x"] ** 2))


def test_the_gradient_of_the_worked_example_reads_as_a_person_would_write_it():
    lines = tc.gradient(E, W).compile().source.splitlines()
    body = lines[lines.index("def grad_E_W(W, x, y):") + 1 :]
    assert body == [
        "    v = W @ x",
        "    s = sigmoid(v)",
        "    ds = s - y",
        "    dv = ds * s * (1 - s)",
        "    return np.outer(dv, x)  # 5 × 4",
    ]


def test_constants_are_written_with_every_digit(at):
    array = np.random.default_rng(5).normal(size=(5, 4)) * 10.0 ** np.arange(-8, 12).reshape(5, 4)
    function = (array * W).compile()
    np.testing.assert_array_equal(function(at["W"]), array * at["W"])
    np.testing.assert_array_equal(pasted(function)(at["W"]), array * at["W"])


@pytest.mark.parametrize(
    "options",
    [{"formatter": {"float": "{:.1f}".format}}, {"legacy": "1.13"}],
    ids=lambda options: next(iter(options)),
)
def test_constants_do_not_depend_on_how_numpy_prints(options):
    array = np.random.default_rng(5).normal(size=7) * 1e-5
    u = tc.vector("u", 7)
    with np.printoptions(**options):
        result = (u * array).evaluate(u=np.ones(7))
    np.testing.assert_array_equal(result, array)


# ── arguments ────────────────────────────────────────────────────────────────────────────


def test_arguments_are_the_variables_that_are_needed_in_the_order_of_use():
    assert E.compile().arguments == ("W", "x", "y")
    assert tc.gradient(E, W).compile().arguments == ("W", "x", "y")
    assert tc.derivative(v, W).compile().arguments == ("x",)
    assert tc.derivative(v, x).compile().arguments == ("W",)
    assert tc.derivative(x, x).compile().arguments == ()


def test_arguments_are_given_by_position_by_name_or_as_a_mapping(at):
    g = tc.gradient(E, W).compile()
    expected = g(at["W"], at["x"], at["y"])
    for got in (
        g(W=at["W"], x=at["x"], y=at["y"]),
        g(at["W"], y=at["y"], x=at["x"]),
        g(at),
        g({W: at["W"], x: at["x"]}, y=at["y"]),
    ):
        np.testing.assert_array_equal(got, expected)


def test_a_variable_whose_size_alone_is_needed_is_an_argument(at):
    slope = tc.derivative(tc.mean(w), w).compile()
    assert slope.arguments == ("w",)
    np.testing.assert_array_equal(slope(w=at["w"]), np.full((1, 2), 0.5))
    identity = tc.derivative(2 * w, w).compile()
    np.testing.assert_array_equal(identity(w=np.zeros(7)), 2 * np.eye(7))
    vanishing = tc.derivative(t, w).compile()
    assert set(vanishing.arguments) == {"t", "w"}
    assert vanishing(t=np.ones(3), w=np.ones(2)).shape == (3, 2)


def test_names_that_the_function_does_not_know_are_ignored(at):
    g = tc.derivative(v, x).compile()
    np.testing.assert_array_equal(g(W=at["W"], z="nonsense", y=None), at["W"])


def test_one_name_of_a_dimension_is_one_size(at):
    with pytest.raises(tc.ShapeError, match="n = 5, but X has n = 2"):
        L.compile()(X=at["X"], t=at["t"], w=np.ones(5))


def test_a_gradient_comes_back_in_the_shape_in_which_the_argument_was_given(at):
    g = tc.compile([L, tc.gradient(L, w), tc.derivative(L, w)])
    upright = {**at, "w": at["w"][:, None], "t": at["t"][:, None]}
    shapes = [result.shape for result in g(upright)]
    assert shapes == [(), (2, 1), (1, 2)]
    assert [result.shape for result in g(at)] == [(), (2,), (1, 2)]


# ── values ───────────────────────────────────────────────────────────────────────────────


@each_item
def test_a_compiled_function_computes_what_is_evaluated(item, at):
    function = item.compile()
    result = function(at)
    np.testing.assert_array_equal(result, item.evaluate(at))
    assert result.dtype == np.float64
    assert result.shape == tuple({"m": 3, "n": 2}.get(dim, dim) for dim in item.shape)


@each_item
def test_float32_goes_in_and_comes_out(item, at):
    single = {name: np.float32(array) for name, array in at.items()}
    function = item.compile()
    if function.arguments:
        assert function(single).dtype == np.float32
        np.testing.assert_allclose(function(single), function(at), rtol=1e-3, atol=1e-5)
    double = {name: np.asarray(array) for name, array in at.items()}
    assert function(double).dtype == np.float64


BAD = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_non_finite_values_pass_through_compiled_functions_and_evaluate_refuses_them(bad, at):
    at["x"][2] = bad
    doubled = tc.define("doubled", 2 * x)
    np.testing.assert_array_equal(doubled.compile()(at), 2 * at["x"])
    jacobian = tc.derivative(tc.square(x), x)
    np.testing.assert_array_equal(np.diag(jacobian.compile()(at)), 2 * at["x"])
    for item in (doubled, jacobian, tc.derivative(doubled, x)):
        with pytest.raises(tc.ValueNotAllowedError, match="the value of x contains NaN or infin"):
            item.evaluate(at)


# ── several outputs ──────────────────────────────────────────────────────────────────────


def test_several_outputs_are_a_tuple_in_the_order_given(at):
    items = [E, tc.derivative(E, W), tc.gradient(E, x), s, tc.hessian(E, x)]
    function = tc.compile(items)
    results = function(at)
    assert isinstance(results, tuple)
    for result, item in zip(results, items, strict=True):
        np.testing.assert_allclose(result, item.evaluate(at), rtol=1e-12)
        assert result.shape == item.evaluate(at).shape
    by_source = pasted(function)(*(at[name] for name in function.arguments))
    for result, alone in zip(results, by_source, strict=True):
        np.testing.assert_array_equal(result, alone)


def test_several_outputs_do_shared_work_once():
    source = tc.compile((E, tc.gradient(E, W), tc.gradient(E, x), s)).source
    body = source[source.index("def compute(") :]
    assert body.count("W @ x") == 1
    assert body.count("sigmoid(") == 1
    assert body.count("s - y") == 1
    assert body.count("(1 - s)") == 1


def test_a_single_item_gives_an_array_and_a_name_names_the_function(at):
    function = tc.compile(E, "cost")
    assert function.name == "cost"
    assert float(function(at)) == float(E.evaluate(at))
    assert E.compile("energy").source.count("def energy(") == 1
    assert tc.derivative(E, W).compile("slope").name == "slope"


@pytest.mark.parametrize("item", [E, s, tc.vector("o", 1) * 2], ids=repr)
def test_a_list_of_one_item_gives_a_tuple_of_one_array(item, at):
    values = {**at, "o": np.ones(1)}
    (result,) = tc.compile([item])(values)
    np.testing.assert_array_equal(result, item.evaluate(values))
    assert result.shape == item.shape


# ── names ────────────────────────────────────────────────────────────────────────────────

AWKWARD = [
    "np", "self", "text", "t1", "sum", "λ", "layout", "n", "sigmoid", "softmax", "box1", "c1",
    "dE_dq", "grad_E", "float", "print", "values", "args", "at", "dv", "x_", "np_", "_", "__",
    "value", "compute", "E1", "range", "eye", "e", "max_bytes", "δ", "match", "x̄",
]  # fmt: skip


@pytest.mark.parametrize("name", AWKWARD)
def test_a_variable_may_have_any_name(name):
    q, other = tc.vector(name, "n"), tc.vector("n" if name != "n" else "m", "n")
    u = tc.define("u", tc.sigmoid(q) * other)
    C = tc.define("C", tc.norm(tc.softmax(u) + 2 * q) ** 2 / 2 + tc.mean(q))
    d, both = tc.derivative(C, q), tc.compile([C, tc.gradient(C, other)])
    rng = np.random.default_rng(6)
    values = {name: rng.normal(size=3), other.name: rng.normal(size=3)}
    expected = d.evaluate(values)
    np.testing.assert_array_equal(d.compile()(**values), expected)
    alone = pasted(d.compile())(*(values[argument] for argument in d.compile().arguments))
    np.testing.assert_array_equal(alone, expected)
    assert both(**values)[0] == C.evaluate(values)
    moved = lambda h: C.evaluate({**values, name: values[name] + h})
    slopes = [(moved(h) - moved(-h)) / 2e-6 for h in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(expected[0], slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", AWKWARD)
def test_an_intermediate_may_have_any_name(name):
    q = tc.vector("q", "k")
    u = tc.define(name, tc.sigmoid(q) * 3)
    C = tc.define("C", tc.sum(tc.sigmoid(u)) + tc.norm(u * u) ** 2)
    value = 3 / (1 + np.exp(-np.ones(2)))
    np.testing.assert_allclose(u.evaluate(q=np.ones(2)), value)
    np.testing.assert_allclose((0 * u + u).compile(name)(np.ones(2)), value)
    named_zero = tc.define(name, tc.sum(q) * 0 + tc.zeros("k"))
    np.testing.assert_array_equal(named_zero.evaluate(q=np.ones(2)), np.zeros(2))
    d = tc.derivative(C, u).evaluate(q=np.ones(2))
    sigma = 1 / (1 + np.exp(-value))
    np.testing.assert_allclose(d[0], sigma * (1 - sigma) + 4 * value**3)


def test_a_sum_of_thousands_of_terms_is_compiled_in_parts():
    s = W @ x
    for k in range(3000):
        s = tc.tanh((k + 1) * (W @ x)) + s
    d = tc.derivative(tc.sum(s), W)
    assert np.isfinite(d.evaluate(W=0.01 * np.ones(W.shape), x=np.ones(x.shape))).all()


def test_a_residual_chain_costs_in_proportion_to_its_depth():
    lengths = []
    for n in (5, 10, 20):
        s = W @ x
        for _ in range(n):
            s = tc.tanh(s) + s
        lengths.append(len(tc.derivative(s, W).compile().source))
    assert lengths[2] < 5 * lengths[0]


def test_a_value_is_let_go_after_its_last_use():
    u, entries = tc.vector("u", "n"), 10**5
    for k in range(12):
        u = tc.define(f"u{k}", tc.tanh(u))
    run, value = u.compile().function, np.ones(entries)
    tracemalloc.start()
    try:
        run(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * value.nbytes


def test_the_signature_of_a_compiled_function_has_its_arguments(example):
    run = tc.compile([example.E, tc.derivative(example.E, example.W)])
    assert list(inspect.signature(run).parameters) == ["W", "x", "y"]


@pytest.mark.parametrize("second", ["0.5 + (R - R)", "minimum(0.25, 0 * R)", "maximum(x.T, 0 * R)"])
def test_an_axis_that_all_arguments_repeat_is_there(second):
    p = tc.program(f"(1.5 + (z.T @ W)**2)**maximum(x.T, {second})", R=(1, 3), W=(2, 3), x=3, z=2)
    at = {"R": [[1.0, 2.0, 3.0]], "W": np.ones((2, 3)), "x": [1.0, -2.0, 0.1], "z": [1.0, 2.0]}
    assert p.result.evaluate(at).shape == (1, 3)
    for order in (1, 2):
        d = tc.derivative(p.result, *[p["z"]] * order, layout="mixed")
        flat = tc.derivative(p.result @ tc.matrix("E", 3, 1), *[p["z"]] * order, layout="mixed")
        for k in range(3):
            unit = np.eye(3)[:, [k]]
            expected = np.squeeze(flat.evaluate({**at, "E": unit}))
            np.testing.assert_allclose(d.evaluate(at)[0, k], expected, rtol=1e-12)


def test_the_function_that_the_source_defines_is_there_without_checks():
    x = tc.vector("x", "n")
    f = tc.sum(x * x).compile()
    assert f.function(np.arange(3.0)) == f(np.arange(3.0)) == 5
    with pytest.raises(TypeError):  # of the list, which nobody has looked at
        f.function([1, 2, 3])


@pytest.mark.parametrize(
    ("text", "written", "by_hand"),
    [
        ("ones(n, n) - eye(n)", "1 - np.eye(n)", lambda A: (1 - np.eye(3)) @ A),
        ("2*eye(n) - ones(n, n)", "2 * np.eye(n) - 1", lambda A: (2 * np.eye(3) - 1) @ A),
        ("eye(n) + 0.5*ones(n, n)", "np.eye(n) + 0.5", lambda A: (np.eye(3) + 0.5) @ A),
    ],
)
def test_numbers_beside_an_identity_are_a_sum_of_one_line(text, written, by_hand):
    p = tc.parse(f"J = {text}\nB = J @ A", A=("n", "n"))
    f, A = tc.compile([p["B"]]), np.arange(9.0).reshape(3, 3)
    assert f"{written}" in f.source
    for _ in range(4):
        np.testing.assert_allclose(f(A)[0], by_hand(A))
        assert f(A.astype(np.float32))[0].dtype == np.float32


@pytest.mark.parametrize(
    "text", ["exp(X) / sum(exp(X))", "log(sum(exp(X)) + sum(exp(2 * X)))", "log(mean(exp(X)))"]
)
def test_forms_that_need_an_entry_say_so_where_there_is_none(text):
    f = tc.program(text, X=("n", "m")).result.compile()
    for _ in range(4):
        with pytest.raises(tc.ShapeError, match="over n, which has size 0"):
            f(np.zeros((0, 2)))
        assert np.isfinite(f(np.zeros((1, 2)))).all()
