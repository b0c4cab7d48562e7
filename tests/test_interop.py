"""Formulas for other programs have the same values there, or are refused."""

import builtins

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.evaluate import Dense
from tensorcalc.functions import inverse_or_zero

SHAPES = {
    "A": (3, 3), "B": (3, 3), "S": (3, 3), "W": (3, 2), "X": (2, 3), "x": 3, "y": 3, "u": 2,
    "c": (), "P": (4, 5),
}  # fmt: skip
NETWORK = "v = W @ u; s = sigmoid(v); E = norm(s - y)**2 / 2"

# a program, and what of it is written: the result, or the derivative of the last by the names
CASES = [
    ("W @ u", ""),
    ("x.T @ A @ y", ""),
    ("x.T", ""),
    ("x @ y.T + 2 * A.T", ""),
    ("x * y - c * x / 3 + 1", ""),
    ("norm(x) + norm1(y) + mean(A) + var(x)", ""),
    ("trace(A @ B) + trace(A) + sum(A * B)", ""),
    ("diag(x) @ A @ diag(y)", ""),
    ("diagonal(A @ B)", ""),
    ("A + 3 * eye(3) + ones(3, 3)", ""),
    ("inv(A) @ x", ""),
    ("det(A) + logdet(B)", ""),
    ("softmax(x)", ""),
    ("softmax(A, axis=1)", ""),
    ("log_softmax(A, axis=1) + logsumexp(A, axis=1)", ""),
    ("log_softmax(x) * logsumexp(y)", ""),
    ("maximum(x, y) + minimum(x, 0.25)", ""),
    ("where(x > y, exp(x), y**3)", ""),
    ("where(x >= 0.5, x, sqrt(y))", ""),
    ("kron(A, X)", ""),
    ("kron(x, u)", ""),
    ("A[0].T + A[:, 1] + x[2]", ""),
    ("P[1:4, 0:3] @ x[0:3]", ""),
    ("tanh(A) * log1p(B) + expm1(A) + softplus(B) + relu(A - B)", ""),
    ("gelu(x) + silu(y) + reciprocal(x)**2 + x**1.5", ""),
    ("sin(x) + cos(y) + tan(x) + arctan(y) + sinh(x) + cosh(y) + abs(x - y) + sign(y)", ""),
    ("2 ** x", ""),
    (NETWORK, ""),
    (NETWORK, "W"),
    (NETWORK, "u"),
    (NETWORK, "v"),
    ("v = W @ u; s = sigmoid(v)", "u"),
    ("v = A @ x; s = tanh(v)", "x"),
    ("norm(A @ x)", "x"),
    ("x.T @ A @ x", "x x"),
    ("trace(A @ B @ A)", "A"),
    ("logdet(A)", "A"),
    ("sum(inv(A) @ x)", "A"),
    ("softmax(x)", "x"),
    ("logsumexp(A @ x)", "x"),
    ("norm(A)**2 + c", "c"),
    ("sum(relu(A @ x - y))", "x"),
    ("sum(maximum(x, y) * exp(y))", "y"),
    ("sum(where(x > y, x**2, y))", "x"),
    ("sum((A * B) @ x)", "B"),
    ("sum(gelu(A @ x))", "x"),
    ("einsum('ij,ij,i,j->', A, B, x, y)", ""),
    ("einsum('ij,ji,i->', A, B, x)", ""),
    ("sum(x * y) * x", "y"),
    ("(x + c) * y", "c"),
    ("sum(A**3, axis=1)", "c"),
]
ENTRIES = [
    ("v = W @ u", "W"),
    ("A @ B", "A"),
    ("prod(x)", ""),
    ("prod(x)", "x"),
    ("prod(x)", "x x"),
    ("prod(A)", ""),
    ("max(x) + max(A)", ""),
    ("max(x)", "x"),
    ("vec(W)", ""),
    ("sum(vec(W) * vec(X.T))", "W"),
    ("x[2:0:-1]", "x"),
    ("sum(max(A, axis=1))", "A"),
    ("s = softmax(A, axis=1); sum(s * B)", "A"),
]
WORDED = [
    case for case in ENTRIES if case not in (("prod(x)", "x x"), ("sum(vec(W) * vec(X.T))", "W"))
]

written = pytest.mark.parametrize(("program", "wrt"), CASES)


def quantity(program, wrt):
    p = tc.program(program, SHAPES)
    if not wrt:
        return p.result
    return tc.derivative(p.result, *(p[name] for name in wrt.split()))


@pytest.fixture
def at(rng):
    return {name: np.asarray(rng.uniform(0.3, 1.4, size=shape)) for name, shape in SHAPES.items()}


def stored(item, at):
    """The dense value with its stored axes, without any rewriting."""
    return Dense(at, {}).array(item.value if isinstance(item, tc.Derivative) else item.expr)


# ── LaTeX and NumPy ──────────────────────────────────────────────────────────────────────


def test_latex_is_that_of_the_derivative_and_of_what_a_name_stands_for():
    p = tc.program(NETWORK, SHAPES)
    assert p.derivative("E", "u").to_latex() == p.derivative("E", "u").latex()
    assert p["v"].to_latex() == "W\\,u"
    assert p["W"].to_latex() == "W"
    assert tc.define("r", p["v"].T).to_latex() == "v^{\\top}"


def test_numpy_source_stands_alone(at):
    d = quantity(NETWORK, "W")
    scope = {}
    exec(d.to_numpy_source(), scope)
    np.testing.assert_allclose(scope["dE_dW"](at["W"], at["u"], at["y"]), d.evaluate(at))
    assert quantity("W @ u", "").to_numpy_source() == quantity("W @ u", "").compile().source


# ── einsum text ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("program", "wrt"), CASES + WORDED)
def test_einsum_text_is_read_back_with_the_same_values(program, wrt, at):
    item = quantity(program, wrt)
    text = item.to_einsum()
    again = tc.program(text, SHAPES).result
    np.testing.assert_allclose(stored(again, at), stored(item, at), rtol=0, atol=1e-12)
    if isinstance(item, tc.Tensor):
        assert (again.form, again.shape) == (item.form, item.shape)
    assert "@" not in text


def test_einsum_text_has_one_line_for_each_named_and_each_shared_part():
    p = tc.program(NETWORK, SHAPES)
    assert p.derivative("E", "u").to_einsum().splitlines() == [
        "v = einsum('ij,j->i', W, u)",
        "s = sigmoid(v)",
        "einsum('i,ij->j', einsum('i,i->i', s - y, einsum('i,i->i', s, 1 - s)), W)",
    ]
    t = tc.exp(p["x"])
    assert tc.norm(t * t + p["y"]).to_einsum().splitlines() == [
        "t1 = exp(x)",
        "t2 = einsum('i,i->i', t1, t1) + y",
        "norm(t2)",
    ]
    assert p.derivative("v", "W").to_einsum().endswith("einsum('ij,k->ijk', eye(3), u)")


def test_einsum_text_has_names_of_sizes():
    W, x = tc.matrix("W", "k n"), tc.vector("x", "n")
    text = (W @ x + tc.ones("k")).to_einsum()
    assert text == "einsum('ij,j->i', W, x) + 1"
    d = tc.derivative(W @ x, W)
    assert d.to_einsum() == "einsum('ij,k->ijk', eye(k), x)"
    assert tc.program(d.to_einsum(), W="k n", x="n").result.shape == ("k", "k", "n")


def test_einsum_text_goes_on_through_long_chains(at):
    x = tc.vector("x", 3)
    t = x
    for k in range(300):
        t = tc.tanh(t) + x * (k % 3)
    again = tc.program(t.to_einsum(), SHAPES).result
    np.testing.assert_allclose(stored(again, at), stored(t, at), atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x, A: x + np.arange(3.0), "an array of numbers"),
        (lambda x, A: tc.function("f")(x), "the function f "),
        (lambda x, A: tc.function("exp", np.exp)(x), "the function exp "),
        (lambda x, A: tc.derivative(tc.vec(A), A), "merged axes of size 9"),
        (lambda x, A: tc.define("norm", x), "the name norm"),
        (lambda x, A: tc.vector("_x", 3), "the name _x"),
    ],
)
def test_einsum_text_refuses_what_the_language_cannot_say(make, message):
    with pytest.raises(tc.NotSupportedError, match=message):
        make(tc.vector("x", 3), tc.matrix("A", 3, 3)).to_einsum()


# ── SymPy ────────────────────────────────────────────────────────────────────────────────


def dense(expression, at):
    """The numbers of a matrix expression at explicit matrices."""
    sp = pytest.importorskip("sympy")
    values = {}
    for symbol in expression.free_symbols | expression.atoms(sp.MatrixSymbol):
        array = at[str(symbol)]
        values[symbol] = (
            sp.ImmutableMatrix(array.reshape(symbol.shape).tolist())
            if isinstance(symbol, sp.MatrixSymbol)
            else sp.Float(float(array))
        )
    value = expression.subs(values).doit()
    explicit = lambda e: e.arg.as_explicit().trace()
    value = value.replace(lambda e: isinstance(e, sp.Trace), explicit).doit()
    if getattr(value, "is_Matrix", False):
        return np.array(value.as_explicit().evalf().tolist(), dtype=float)
    return np.array(float(value))


@written
def test_sympy_matrices_have_the_same_values(program, wrt, at):
    pytest.importorskip("sympy")
    item = quantity(program, wrt)
    expression = item.to_sympy()
    expected = item.evaluate(at)
    shape = getattr(expression, "shape", ())
    if shape:
        assert shape == ((*item.shape, 1) if item.ndim == 1 else item.shape)
    found = dense(expression, at)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-10, atol=1e-10)


def entries(expression, indices, shape, at):
    """The numbers of an index expression, at every place."""
    sp = pytest.importorskip("sympy")
    values = {sp.Symbol("c"): sp.Float(float(at["c"]))}
    for name, array in at.items():
        base = sp.IndexedBase(name)
        values |= {
            base[place]: sp.Float(array[place]) for place in np.ndindex(array.shape) if place
        }
    found = np.empty(shape)
    for place in np.ndindex(shape):
        entry = expression.subs(dict(zip(indices, place, strict=True))).doit()
        found[place] = float(entry.xreplace(values).doit().evalf())
    return found


@pytest.mark.parametrize(
    ("program", "wrt"),
    [case for case in CASES + ENTRIES if "inv" not in case[0] and "det" not in case[0]],
)
def test_sympy_entries_have_the_same_values(program, wrt, at):
    pytest.importorskip("sympy")
    item = quantity(program, wrt)
    expression, indices = item.to_sympy("index")
    expected = stored(item, at)
    found = entries(expression, indices, expected.shape, at)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_sympy_derivatives_follow_the_layout(at):
    pytest.importorskip("sympy")
    p = tc.program(NETWORK, SHAPES)
    for d in (p.derivative("E", "W"), p.derivative("E", "u"), p.derivative("v", "u")):
        for layout in ("numerator", "denominator"):
            assert d.to(layout).to_sympy().shape == d.to(layout).shape
    assert p.gradient("E", "W").to_sympy().shape == (3, 2)
    row = tc.gradient(p["E"] * tc.norm(p["x"].T) ** 2, p["x"])
    assert row.to_sympy().shape == (3, 1)
    r = tc.define("r", p["x"].T)
    assert tc.gradient(tc.norm(r) ** 2, r).to_sympy().shape == (1, 3)


def test_sympy_entries_are_readable():
    sp = pytest.importorskip("sympy")
    d = quantity("v = W @ u", "W")
    expression, (k, j, i) = d.to_sympy("index")
    assert expression == sp.KroneckerDelta(k, j) * sp.IndexedBase("u")[i]
    assert (k.lower, k.upper, i.upper) == (0, 2, 1)
    W, x = tc.matrix("W", "k n"), tc.vector("x", "n")
    entry, (j,) = (W @ x).to_sympy("index")
    assert entry.limits[0][1:] == (0, sp.Symbol("n", integer=True, nonnegative=True) - 1)


def test_sympy_matrices_have_names_of_sizes():
    sp = pytest.importorskip("sympy")
    k, n = (sp.Symbol(name, integer=True, nonnegative=True) for name in "kn")
    W, x = tc.matrix("W", "k n"), tc.vector("x", "n")
    assert (W @ x).to_sympy() == sp.MatMul(sp.MatrixSymbol("W", k, n), sp.MatrixSymbol("x", n, 1))
    assert tc.sum(tc.ones("k")).to_sympy() == k


def test_sympy_traces_are_products_of_matrices():
    sp = pytest.importorskip("sympy")
    A, B = (sp.MatrixSymbol(name, 3, 3) for name in "AB")
    assert quantity("trace(A @ B)", "").to_sympy() == sp.Trace(sp.MatMul(A, B))
    assert quantity("einsum('ij,ji->', A, B)", "").to_sympy() == sp.Trace(sp.MatMul(A, B))
    assert quantity("trace(A)", "").to_sympy() == sp.Trace(A)


def test_tied_maxima_share_in_every_form(at):
    pytest.importorskip("sympy")
    item, tied = quantity("max(x)", "x"), at | {"x": np.array([2.0, 1.0, 2.0])}
    again = tc.program(item.to_einsum(), SHAPES).result
    np.testing.assert_array_equal(stored(again, tied), [0.5, 0, 0.5])
    np.testing.assert_array_equal(entries(*item.to_sympy("index"), (3,), tied), [0.5, 0, 0.5])


def test_kinks_keep_their_convention(at):
    pytest.importorskip("sympy")
    zero = at | {"x": np.zeros(3), "y": np.zeros(3)}
    for program in ("norm(x)", "sum(relu(x))", "sum(abs(x))", "sum(maximum(x, y))"):
        item = quantity(program, "x")
        again = tc.program(item.to_einsum(), SHAPES).result
        np.testing.assert_array_equal(stored(again, zero), stored(item, zero))
        found = entries(*item.to_sympy("index"), (3,), zero)
        np.testing.assert_array_equal(found, stored(item, zero))


def test_the_inverse_that_is_0_at_0_is_so_in_every_form(at):
    pytest.importorskip("sympy")
    item, there = tc.Tensor(inverse_or_zero(tc.vector("x", 3).expr)), at | {"x": np.arange(3.0)}
    again = tc.program(item.to_einsum(), SHAPES).result
    np.testing.assert_array_equal(stored(again, there), [0, 1, 0.5])
    np.testing.assert_array_equal(entries(*item.to_sympy("index"), (3,), there), [0, 1, 0.5])
    np.testing.assert_array_equal(dense(item.to_sympy(), there).ravel(), [0, 1, 0.5])


def test_sympy_has_abstract_functions_and_their_derivatives():
    sp = pytest.importorskip("sympy")
    f, c = tc.function("f"), tc.scalar("c")
    d = tc.derivative(f(c**2), c).to_sympy()
    c = sp.Symbol("c")
    known = d.subs(sp.Function("f"), sp.Lambda(c, sp.sin(c))).doit()
    assert sp.simplify(known - 2 * c * sp.cos(c**2)) == 0


def test_sympy_takes_constants(at):
    pytest.importorskip("sympy")
    t = np.array([[1.0, 0.5], [1 / 3, -2.0], [0.1, 7.25]]) @ tc.vector("u", 2)
    np.testing.assert_allclose(dense(t.to_sympy(), at).ravel(), t.evaluate(at), atol=1e-12)
    found = entries(*t.to_sympy("index"), (3,), at)
    np.testing.assert_allclose(found, t.evaluate(at), atol=1e-12)


@pytest.mark.parametrize(
    ("program", "wrt", "form", "message"),
    [
        ("v = W @ u", "W", "matrix", "3 × 2 × 3"),
        ("prod(x)", "", "matrix", "prod"),
        ("vec(W)", "", "matrix", "merged axes"),
        ("x[2:0:-1]", "", "matrix", "backwards"),
        ("einsum('ij,ik,il->jkl', A, A, A)", "", "matrix", "3 × 3 × 3"),
        ("einsum('ij,ik,il,j,k,l->', A, B, A @ B, x, y, x)", "", "matrix", ""),
        ("einsum('ij,ik,jk,i,j,k,il,jl,kl->', A, B, A, x, y, x, A, B, A)", "", "matrix", "three"),
        ("inv(A)", "", "index", "inv"),
        ("logdet(A)", "", "index", "logdet"),
    ],
)
def test_sympy_refuses_what_a_form_cannot_say(program, wrt, form, message):
    pytest.importorskip("sympy")
    item = quantity(program, wrt)
    if not message:  # a star: three matrices meet, but each ends in a vector
        assert item.to_sympy(form) is not None
        return
    with pytest.raises(tc.NotSupportedError, match=message) as caught:
        item.to_sympy(form)
    assert "form=" in caught.value.hint


def test_sympy_refuses_formulas_too_deep():
    pytest.importorskip("sympy")
    t = tc.scalar("c")
    for _ in range(200):
        t = tc.tanh(t) + 1
    for form in ("matrix", "index"):
        with pytest.raises(tc.NotSupportedError):
            t.to_sympy(form)
    with pytest.raises(tc.TensorCalcError, match="form='tensor'"):
        t.to_sympy("tensor")


def test_without_sympy_the_error_says_what_to_install(monkeypatch):
    load = builtins.__import__

    def missing(name, *rest):
        if name == "sympy":
            raise ImportError
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(tc.TensorCalcError, match="not installed") as caught:
        tc.vector("x", 3).to_sympy()
    assert caught.value.hint == "pip install sympy"


@pytest.mark.parametrize("owner", [tc.Derivative, tc.Tensor])
def test_methods_of_higher_layers_are_declared_for_type_checkers(owner):
    own = {name for name, value in vars(owner).items() if _is_attached(owner, value)}
    assert {name for name in own if not name.startswith("_")} <= owner.__annotations__.keys()


def _is_attached(owner, value):
    """Whether a method comes from elsewhere: loaded when first used, or loaded since."""
    module = getattr(value, "__module__", None) if callable(value) else type(value).__module__
    return module not in (owner.__module__, "builtins", None)
