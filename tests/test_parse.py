"""Program text: what the language has, how shapes are given, and that hostile text is refused."""

import contextlib
import itertools
import pickle
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensorcalc as tc
from tensorcalc.reading.faults import Edit, Faults, mended, wrapped
from tensorcalc.vocabulary import FUNCTION_NAMES

SHAPES = {"W": (5, 4), "x": 4, "y": 5, "A": (4, 4), "S": ()}
W, x, y, A, S = (tc.variable(name, shape) for name, shape in SHAPES.items())
TEXT = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"


def read(text):
    return tc.parse(text, SHAPES).result


# ── the language ─────────────────────────────────────────────────────────────────────────

MEANS = {
    "W @ x": W @ x,
    "W @ x - y": W @ x - y,
    "x.T": x.T,
    "W.T @ y": W.T @ y,
    "(W @ x).T @ y": (W @ x).T @ y,
    "-x": -x,
    "+x": x,
    "-(2 * -x)": -(2 * -x),
    "x + 1": x + 1,
    "2 * x": 2 * x,
    "x / 3": x / 3,
    "1 / x": 1 / x,
    "x * x / 2": x * x / 2,
    "x**2": x**2,
    "-x**2": -(x**2),
    "x**0.5": x**0.5,
    "x**-1": x**-1,
    "x**(1/2)": x**0.5,
    "x**(2*3 - 1)": x**5,
    "x²": x**2,
    "2.5e-3 * x": 2.5e-3 * x,
    "1_000 * x": 1000 * x,
    "0x10 * x": 16 * x,
    "x * x.T.T": x * x,
    "W + y": W + y,
    "W * x.T": W * x.T,
    "exp(x)": tc.exp(x),
    "sum(W)": tc.sum(W),
    "sum(W, axis=0)": tc.sum(W, 0),
    "mean(W, axis=1)": tc.mean(W, 1),
    "softmax(W, axis=1)": tc.softmax(W, 1),
    "log_softmax(x)": tc.log_softmax(x),
    "logsumexp(W, axis=0)": tc.logsumexp(W, 0),
    "norm(W @ x - y)**2": tc.norm(W @ x - y) ** 2,
    "trace(A @ A)": tc.trace(A @ A),
    "dot(x, x)": tc.dot(x, x),
    "outer(x, y)": tc.outer(x, y),
    "frobenius(A, A)": tc.frobenius(A, A),
    "diag(x) @ x": tc.diag(x) @ x,
    "diagonal(A)": tc.diagonal(A),
    "ones(4) + x": tc.ones(4) + x,
    "ones(5, 4) * W": tc.ones(5, 4) * W,
    "zeros(4) - x": tc.zeros(4) - x,
    "eye(4) @ x": tc.eye(4) @ x,
    "gelu(silu(reciprocal(square(x))))": tc.gelu(tc.silu(tc.reciprocal(tc.square(x)))),
    "3": tc.sum(3),
    "sum(W, 0)": tc.sum(W, 0),
    "sum(W, axis=-1)": tc.sum(W, -1),
    "x**x": x**x,
    "2**x": tc.sum(2) ** x,
    "x[0]": x[0],
    "x[-1]": x[-1],
    "W[1]": W[1],
    "W[1, 2]": W[1, 2],
    "W[:, 1]": W[:, 1],
    "W[0:2, 1:]": W[0:2, 1:],
    "W[:-1]": W[:-1],
    "(W @ x)[0] * y[1]": (W @ x)[0] * y[1],
    'einsum("ij,j->i", W, x)': tc.einsum("ij,j->i", W, x),
    "einsum('ij,j->i', W, x)": tc.einsum("ij,j->i", W, x),
    "where(x > 0, x, 2 * x)": tc.where(x > 0, x, 2 * x),
    "where(x >= 1, x, 0) + where(x ≤ 1, x, 0)": tc.where(x >= 1, x, 0) + tc.where(x <= 1, x, 0),
    "where(0 < x, x, 0)": tc.where(x > 0, x, 0),
    "maximum(x, 0)": tc.maximum(x, 0),
    # as printed, and as typed with care for no one
    "W @ x − y": W @ x - y,
    "x ⊙ x": x * x,
    "xᵀ @ x": x.T @ x,
    "(W @ x)ᵀ @ y": (W @ x).T @ y,
    "W · x": W @ x,
    "2 · x · S": 2 * x * S,
    "xᵀ·x": x.T @ x,
    "2 × x": 2 * x,
    "½ * x": x / 2,
    "x³": x**3,
    "-x²": -(x**2),
    "x²**3": (x**2) ** 3,
    "x⁻²": x**-2,
    "norm(W @ x)² / 2": tc.norm(W @ x) ** 2 / 2,
    "x\u00a0+ x": x + x,
    "   x  ": x,
    "\tx": x,
    "x  # the input": x,
    "# nothing yet\nx": x,
    "(x\n  + x)": x + x,
    "x \\\n + x": x + x,
    "x;": x,
    "\n\nx\n\n": x,
    "x\r\n": x,
}


@pytest.mark.parametrize("text", MEANS)
def test_text_builds_the_quantity_that_the_operators_build(text):
    assert read(text) is MEANS[text]


def test_every_function_of_the_language_is_one_of_the_library():
    names = (
        "exp log log1p expm1 sqrt square abs sign sin cos tan sinh cosh tanh arcsin arccos arctan "
        "reciprocal sigmoid relu softplus silu gelu erf softmax log_softmax logsumexp sum mean norm"
    )
    for name in names.split():
        assert read(f"{name}(x)") is getattr(tc, name)(x)


# ── programs ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("; ", "\n"), TEXT.replace("; ", "\n\n   ")])
@pytest.mark.parametrize("make", [tc.parse, tc.program])
def test_a_program_names_its_variables_and_its_lines(make, text):
    p = make(text, W=(5, 4), x=4, y=5)
    assert list(p) == ["W", "x", "y", "v", "s", "E"]
    assert (p["W"], p["x"], p["y"]) == (W, x, y)
    assert p["v"] is tc.define("v", W @ x)
    assert p.result is p["E"]
    assert (p.text, len(p), "s" in p, "z" in p, p.get("z")) == (text, 6, True, False, None)
    assert repr(p).splitlines() == [repr(p[name]) for name in p]


def test_the_last_line_may_be_a_bare_expression():
    p = tc.parse("v = W @ x; v.T @ y", SHAPES)
    assert p.result is p["v"].T @ y
    assert list(p) == [*SHAPES, "v"]
    assert tc.parse("v = W @ x; v", SHAPES).result is tc.define("v", W @ x)


def test_every_name_may_be_differentiated_and_differentiated_by():
    p = tc.parse(TEXT, SHAPES)
    for of, wrt in itertools.product(p, p):
        d = p.derivative(of, wrt)
        assert d.value is tc.derivative(p[of], p[wrt]).value
        assert (d.of, d.wrt) == (p[of], p[wrt])
    for wrt in p:
        assert p.gradient("E", wrt).value is tc.gradient(p["E"], p[wrt]).value
    assert p.derivative("E", "x", "x").kind == "Hessian"
    assert p.derivative("E", "W", layout="mixed").layout == "mixed"
    assert p.derivative(p["E"], p["W"]).value is p.derivative("E", "W").value
    for held in ("v", ["v"], p["v"], [p["v"]]):
        assert p.derivative("E", "W", holding=held).structure == "zero"


@pytest.mark.parametrize("key", ["z", "w", "", 3, None, W, ("E", "W"), ["E"]])
def test_an_unknown_name_raises_an_error_of_ours_that_is_a_key_error(key):
    p = tc.parse(TEXT, SHAPES)
    with pytest.raises(KeyError) as raised:
        p[key]
    assert isinstance(raised.value, tc.TensorCalcError)
    assert isinstance(raised.value, tc.UnknownNameError)
    assert str(raised.value) == f"the program has no quantity named {key!r}"


# ── shapes ───────────────────────────────────────────────────────────────────────────────

GIVEN = [
    {"W": (5, 4), "x": 4}, {"W": [5, 4], "x": (4,)}, {"W": "5 4", "x": "4"},
    {"W": "5, 4", "x": np.int64(4)}, {"W": np.zeros((5, 4)), "x": np.ones(4)},
    {"W": W, "x": x}, {"W": np.zeros((5, 4), int), "x": np.float32([1, 2, 3, 4])},
]  # fmt: skip


@pytest.mark.parametrize("shapes", GIVEN)
def test_shapes_are_numbers_tuples_names_or_arrays_by_keyword_mapping_or_pairs(shapes):
    expected = W @ x
    first, *rest = shapes.items()
    assert tc.parse("W @ x", **shapes).result is expected
    assert tc.parse("W @ x", shapes).result is expected
    assert tc.parse("W @ x", list(shapes.items())).result is expected
    assert tc.parse("W @ x", tuple(shapes.items())).result is expected
    assert tc.parse("W @ x", iter(shapes.items())).result is expected
    assert tc.parse("W @ x", dict([first]), **dict(rest)).result is expected


def test_named_dimensions_are_one_size_everywhere():
    p = tc.parse("v = W @ x", W="k n", x="n")
    assert p["v"].shape == ("k",)
    assert p.derivative("v", "W").shape == ("k", "n", "k")
    with pytest.raises(tc.ShapeError):
        tc.parse("W @ x", W="k n", x="m")


@pytest.mark.parametrize(
    "name", ["self", "text", "shapes", "source", "np", "λ", "T", "axis", "I", "e", "d", "of", "x_"]
)
def test_a_variable_may_be_named_like_anything(name):
    assert tc.parse(f"2 * {name}", **{name: 3}).result is 2 * tc.vector(name, 3)
    assert tc.program(f"2 * {name}", {name: 3})[name] is tc.vector(name, 3)


@pytest.mark.parametrize("name", ["sum", "sigmoid", "σ", "var", "max"])
def test_a_variable_named_like_a_function_is_refused(name):
    with pytest.raises(tc.NameClashError, match=f"a variable named {name}, which is a function"):
        tc.program(f"2 * {name}", {name: 3})


@pytest.mark.parametrize("shapes", [{"x": 3}, [("x", 3)], [("x", 4), ("x", 3)]])
def test_two_shapes_of_one_name_are_refused(shapes):
    with pytest.raises(tc.ShapeError, match=r"the shape of x is given twice: [34] and [34]"):
        tc.program("x * 2", shapes, x=4)
    assert tc.program("x * 2", {"x": 3}, x=(3,))["x"].shape == (3,)


def test_shapes_of_variables_that_the_text_does_not_use_are_welcome():
    assert list(tc.parse("2 * x", x=4, z=(2, 3))) == ["x", "z"]


@pytest.mark.parametrize("sign", ["µ", "ϕ", "ℓ"])
def test_signs_that_python_takes_for_one_letter_are_one_name(sign):
    assert float(tc.parse(f"2 * {sign}", {sign: ()}).result.evaluate({sign: 1.5})) == 3.0


# ── faults ───────────────────────────────────────────────────────────────────────────────


def fault(text, **shapes):
    """The error of a text: first line, the line of the text, the carets, the repaired text."""
    with pytest.raises(tc.TensorCalcError) as raised:
        tc.parse(text, SHAPES | shapes)
    lines, _, repaired = str(raised.value).partition("\nrepaired:\n")
    first, line, carets = lines.split("\n")
    return raised.value, first, line, carets, repaired


# what people write elsewhere, and the text that says the same here
REPAIRED = {
    "x^2": "x**2",
    "x^(1/2)": "x**(1/2)",
    "x^{2}": "x**(2)",
    "x'": "x.T",
    "x.'": "x.T",
    "x′ @ x": "x.T @ x",
    "(W @ x)' @ y": "(W @ x).T @ y",
    "x^T x": "x.T @ x",
    "x^{T} @ x": "x.T @ x",
    "x .* x ./ x": "x * x / x",
    "x.^2": "x**2",
    "x ∘ x": "x * x",
    "x ÷ 2": "x / 2",
    "W x": "W @ x",
    "xᵀ x": "xᵀ @ x",
    "S x": "S * x",
    "2x": "2*x",
    "2 x + 3(x + 1)": "2 * x + 3*(x + 1)",
    "½x": "½*x",
    "xᵀW'y": "xᵀ @ W.T @ y",
    "W(x)": "W @ (x)",
    "sin x + 1": "sin(x) + 1",
    "exp{x}": "exp(x)",
    "np.exp(x)": "exp(x)",
    "tc.exp(x)": "exp(x)",
    "math.exp(x)": "exp(x)",
    "np.linalg.norm(x)": "norm(x)",
    "torch.nn.functional.relu(x)": "relu(x)",
    "jnp.sum(W, axis=0)": "sum(W, axis=0)",
    "np.pi * x": "3.141592653589793 * x",
    "π * x": "3.141592653589793 * x",
    "np.dot(W, x)": "(W @ x)",
    "np.dot(x, x)": "dot(x, x)",
    "np.matmul(W, x) + y": "(W @ x) + y",
    "np.multiply(x + x, 2)": "((x + x) * 2)",
    "transpose(x) @ x": "x.T @ x",
    "np.transpose(W @ x)": "(W @ x).T",
    "x.sum()": "sum(x)",
    "W.sum(axis=0)": "sum(W, axis=0)",
    "W.mean(0)": "mean(W, 0)",
    "(x + 1).norm()": "norm((x + 1))",
    "W.dot(x)": "(W @ (x))",
    "x.dot(x)": "dot(x, x)",
    "x.T()": "x.T",
    "W.t() @ y": "W.T @ y",
    "x.T(x)": "x.T @ (x)",
    "A.inv() @ x": "inv(A) @ x",
    "A.I @ x": "inv(A) @ x",
    "A⁻¹ x": "inv(A) @ x",
    "A^-1 @ x": "inv(A) @ x",
    "(A @ A)⁻¹": "inv((A @ A))",
    "S⁻¹": "S**-1",
    "A \\ x": "solve(A, x)",
    "|S|": "abs(S)",
    "||x||": "norm(x)",
    "‖W @ x - y‖²/2": "norm(W @ x - y)²/2",
    "||x|| * ||y||": "norm(x) * norm(y)",
    "e^x": "exp(x)",
    "e**(-x)": "exp(-x)",
    "1 / (1 + np.e^-x)": "1 / (1 + exp(-x))",
    "ln(x)": "log(x)",
    "tr(A)": "trace(A)",
    "sigma(x)": "sigmoid(x)",
    "sigmoyd(x)": "sigmoid(x)",
    "Sum(x)": "sum(x)",
    "max(x, x)": "maximum(x, x)",
    "norm(x, 2)": "norm(x)",
    "norm(x, ord=1)": "norm1(x)",
    "sum(W, dim=0)": "sum(W, axis=0)",
    "X + 1": "x + 1",
    "weihgts @ x": "weights @ x",
    "lambda * x": "λ * x",
    "alpha * x": "α * x",
    # names without gaps
    "Wx": "W @ x",
    "σ(Wx+y)": "σ(W @ x+y)",
    "2Wx": "2*W @ x",
    "||Wx - y||^2": "norm(W @ x - y)**2",
    "xTAx": "x.T @ A @ x",
    "x^TAx": "x.T @ A @ x",
    "x^T A x": "x.T @ A @ x",
    "x'Ax": "x.T @ A @ x",
    "xᵀAx": "xᵀ @ A @ x",
    "x.Tx": "x.T @ x",
    # transposes and inverses
    "A^⊤": "A.T",
    "A^{⊤} x": "A.T @ x",
    "x^\\top x": "x.T @ x",
    "x^{\\top} A x": "x.T @ A @ x",
    "A^-1 x": "inv(A) @ x",
    "A^{-1} x": "inv(A) @ x",
    "A^{-T} x": "inv(A).T @ x",
    "A^-T x": "inv(A).T @ x",
    "A^H": "A.T",
    # numbers in front
    "¼‖x‖²": "¼*norm(x)²",
    "2|S|": "2*abs(S)",
    "1/2 x": "1/2 * x",
    "1/2 x.T x": "1/2 * x.T @ x",
    # brackets and bars
    "⟨x, x⟩": "dot(x, x)",
    "<x, x> + 1": "dot(x, x) + 1",
    "⟨A, A⟩": "frobenius(A, A)",
    "||x||_2": "norm(x)",
    "‖x‖₂²": "norm(x)²",
    "||x||_1": "norm1(x)",
    "‖A‖_F": "norm(A)",
    "||x||_{2}^2": "norm(x)**2",
    # functions
    "exp^x": "exp(x)",
    "exp^{-x}": "exp(-x)",
    "sin^2 x": "sin(x)**2",
    "sin^2(x)": "sin(x)**2",
    "sin²(x)": "sin(x)**2",
    "ln x": "log(x)",
    "tr A": "trace(A)",
    "√x": "sqrt(x)",
    "√(x + 1)": "sqrt(x + 1)",
    "log_2(x)": "(log(x) / log(2))",
    "log10(x + 1)**2": "(log((x + 1)) / log(10))**2",
    "np.std(x)": "(sqrt(var(x)))",
    "tanhx": "tanh(x)",
    # sums over an index
    "sum_i x_i": "sum(x)",
    "∑_i x_i^2": "sum(x**2)",
    "Σ_{i=1}^n x_i x_i + 1": "sum(x * x) + 1",
    "sum_i x[i]": "sum(x)",
    "∏_i x_i": "prod(x)",
    # LaTeX
    "\\sigma(W x)": "sigmoid(W @ x)",
    "\\frac{1}{2} x": "((1)/(2)) * x",
    "\\sqrt{\\frac{S}{2}}": "sqrt(((S)/(2)))",
    "\\lambda \\cdot x": "λ · x",
    "\\sum_{i=1}^{n} x_i^2": "sum(x**2)",
    "\\|W x - y\\|^2": "norm(W @ x - y)**2",
    "\\mathbf{x}^T x": "x.T @ x",
    "v <- W @ x": "v = W @ x",
    "v := W @ x": "v = W @ x",
    "v == W @ x": "v = W @ x",
    "let v = W @ x": "v = W @ x",
    "lam = x; lambda * x": "lam = x; λ * x",
    "lam = x; lambda = 2": "lam = x; lam_ = 2",
    "007 * x": "7 * x",
    "W × x": "W @ x",
    "W @ y": "W.T @ y",
    "W @ (W @ x)": "W.T @ (W @ x)",
    "S @ x": "S * x",
    "(x.T @ x) @ y": "(x.T @ x) * y",
    "W @ x.T": "W @ x",
    "y @ W": "y.T @ W",
    "x\u200b + x": "x + x",
    "х + x": "x + x",
    "v = W x; s = sigmoyd(v); ||s - y||^2/2": "v = W @ x; s = sigmoid(v); norm(s - y)**2/2",
    "v = W x  # first\n\ns = 2v\ns' y": "v = W @ x  # first\n\ns = 2*v\ns.T @ y",
}  # fmt: skip
MORE = {"weights": (5, 4), "λ": (), "α": ()}


@pytest.mark.parametrize("text", REPAIRED)
def test_a_text_from_elsewhere_is_told_as_it_is_written_here(text):
    with pytest.raises(tc.TensorCalcError) as raised:
        tc.parse(text, SHAPES | MORE)
    repaired = str(raised.value).partition("\nrepaired:\n")[2]
    assert repaired == REPAIRED[text]
    tc.parse(repaired, SHAPES | MORE)


# a fault, the columns under its carets, and words of its hint; what was meant is not sure
GUESSES = {
    "x @ x": (0, 5, "x.T @ x (a scalar) or x @ x.T (a matrix)"),
    "x @ y": (0, 5, "x @ y.T (a matrix)"),
    "W * x": (0, 5, "W @ x (a column) or W * x.T (a matrix)"),
    "x x": (0, 3, "x * x entry by entry, x.T @ x for the inner product"),
    "A × A": (0, 5, "A @ A for the matrix product"),
    "A^2": (0, 3, "A**2 entry by entry, A @ A for the matrix product"),
    "|x|": (0, 3, "abs(x) entry by entry, norm(x) for the length"),
    "|A|": (0, 3, "det(A) for the determinant"),
    "x⁻¹": (0, 3, "inv(x) for a square matrix"),
    "S/2x": (0, 4, "(S/2) * x"),
    "x(3)": (0, 4, "write x[3] for an entry, which is counted from 0"),
    "A(1, 2)": (0, 7, "write A[1, 2] for an entry"),
    "xⁿ": (1, 2, "write x**n"),
    "S == 3": (0, 6, "write S - 3, which is 0 where they are equal"),
    "x_i": (0, 3, "write x, which is all its entries at once"),
    "x_1": (0, 3, "write x[1]"),
    "dS/dx": (0, 5, 'p.derivative("S", "x")'),
    "d/dx (x**2)": (0, 4, 'p.derivative(p.result, "x")'),
    "d(x**2)/dx": (0, 10, 'p.derivative(p.result, "x")'),
    "sin^-1(x)": (0, 6, "write arcsin(x) or sin(x)**-1"),
    "tanh^x": (0, 6, "write tanh(x)"),
    "‖A‖_2": (0, 5, "write norm(A) for the Frobenius norm"),
    "Σ_j W_ij x_j": (0, 3, "@ and einsum sum products"),
    "x y": (0, 3, "write x @ y.T for the outer product"),
    "x % 2": (0, 5, "a remark begins with #"),
    "where(x > 0)": (0, 12, "write where(x > 0, a, b)"),
    "expm(A)": (0, 4, "write products with @, or inv(A)"),
    "np.linalg.svd(A)": (0, 13, "singular values"),
    "x.cumsum()": (0, 10, "L @ x"),
    "pinv(W)": (0, 4, "solve(A.T @ A, A.T @ b)"),
    "lg(x)": (0, 2, "write log(x) / log(10), or log(x) / log(2)"),
    "1/(2)x": (0, 6, "put brackets around the product"),
    "max(x, 0)": (0, 9, "maximum(x, 0)"),
    "norm(x, 3)": (0, 10, "norm1(x)"),
    "z + x": (0, 1, "add its shape: z=…"),
    "lambda * x": (0, 6, "add its shape: lam=…"),
    "x + а": (4, 5, "Latin letters: a"),
    "v += x": (0, 4, "v2 = v + …"),
    "v @= x": (0, 4, "v2 = v @ …"),
    "x >= 0": (0, 6, "where(x > 0, a, b)"),
    "where(0 < x < 1, x, 0)": (6, 15, "where(x > 0"),
    "where(x == 0, x, 0)": (6, 12, "> "),
    "where(x, x, 0)": (6, 7, "where(x > 0, a, b)"),
    "einsum(W, x)": (0, 12, 'einsum("ij,j->i", W, x)'),
    "grad(x)": (0, 4, "p.derivative(of, wrt)"),
    "σ'(x)": (1, 2, "p.derivative(of, wrt)"),
    "\\begin{x}": (0, 6, "sigmoid(W @ x)"),
    "\\frac{\\partial S}{\\partial x}": (0, 5, "p.derivative(of, wrt)"),
    "maximum(x)": (0, 10, "write maximum(x, y)"),
    "sum(x, keepdims=True)": (0, 21, "an axis stays a row or a column"),
    "x && x": (2, 4, "one condition inside another"),
    "x || x": (2, 4, "one condition inside another"),
    "len(x)": (0, 3, "write them out"),
    "x if x else x": (2, 4, "where(x > 0, a, b)"),
    "sum(x for x in x)": (6, 9, "einsum"),
    "print(x)": (0, 5, "evaluate the program"),
    "zip(x)": (0, 3, "the functions are abs"),
    "exp": (0, 3, "exp(…)"),
    "x.shape": (0, 7, ".T, the transpose"),
    "x[i]": (2, 3, "x[0], A[0, 1], A[:, 1]"),
    "A[0 1]": (4, 5, "A[i, j]"),
    "norm((x)": (4, 5, "add )"),
    "x)": (1, 2, "leave it out"),
    "(x + [1]": (5, 6, "shapes"),
    "(x]": (0, 3, "write )"),
    "v =": (2, 3, "write what stands there"),
    "x @": (2, 3, "write what stands there"),
    "@ x": (0, 1, "write what stands there"),
    "x + * x": (4, 5, "leave out + or *"),
    "exp()": (0, 5, "exp(x)"),
    "ones(k)": (0, 7, "give a number"),
    "∇x": (0, 1, "p.derivative(of, wrt)"),
    "x // 2": (0, 6, "/ for division"),
    "e + x": (0, 1, "exp(1)"),
    "x₁ + x": (0, 2, "write x1"),
    "f'{x}'": (0, 6, "leave it out"),
    "'text'": (0, 6, "quotes"),
}


@pytest.mark.parametrize("text", GUESSES)
def test_a_fault_has_its_place_and_a_hint(text):
    error, first, line, carets, repaired = fault(text)
    start, end, hint = GUESSES[text]
    assert first.startswith(f"line 1, column {start + 1}: ")
    assert line == f"  {text}".rstrip()
    assert carets == f"  {' ' * start}{'^' * (end - start)}"
    assert hint in error.hint
    assert repaired == "" or text in ("e + x", "x₁ + x")
    assert error.__notes__ == [f"hint: {error.hint}"]


@pytest.mark.parametrize("accepted", ["⊙", "ᵀ", "²", "½", "−", "·", "λ"])
def test_columns_are_those_of_the_text_as_it_was_written(accepted):
    before = {"⊙": "x ⊙ x", "ᵀ": "xᵀ @ x", "²": "x²", "½": "½ * x", "−": "x − x", "·": "2 · x"}
    text = f"a = {before.get(accepted, '2 * λ')}; b = W @ y"
    _, first, line, carets, repaired = fault(text, λ=())
    column = text.index("W @ y")
    assert first.startswith(f"line 1, column {column + 1}: W (5 × 4) @ y (5 × 1)")
    assert (line, carets) == (f"  {text}", f"  {' ' * column}^^^^^")
    assert repaired == text.replace("W @ y", "W.T @ y")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_the_text_ends_them(end):
    _, first, line, carets, _ = fault(f"# one{end}{end}  a = x{end}\tb = W @{end}  a")
    assert first.startswith("line 4, column 8: the right side of @ is missing")
    assert (line, carets) == ("  b = W @", "        ^")


def test_a_fault_in_brackets_over_several_lines_is_shown_on_the_first():
    _, first, line, carets, _ = fault("v = norm(W @\n  y)")
    assert first.startswith("line 1, column 10: W (5 × 4) @ y (5 × 1)")
    assert (line, carets) == ("  v = norm(W @", "           ^^^")


def test_a_long_line_is_shown_around_its_fault():
    text = " + ".join(["x"] * 60) + " + z" + " + x" * 60
    _, first, line, carets, _ = fault(text)
    assert first.startswith("line 1, column 241: z has no shape")
    assert len(line) < 82
    assert line[carets.index("^")] == "z"


def test_carets_stand_under_wide_letters():
    _, _, line, carets, _ = fault("a = 2 * 漢字; b = z", 漢字=())
    assert line == "  a = 2 * 漢字; b = z"
    assert len(carets) == len(line) + 2  # two letters of double width


def test_all_the_faults_of_a_program_are_told_at_once():
    with pytest.raises(tc.ParseError) as raised:
        tc.parse("v = W x\n\nu = W @ q\ns = sigmoyd(v) + u\nE = v.T @ x", SHAPES)
    error = raised.value
    parts = re.findall(
        r"^line (\d), column (\d+): (.*)\n  (.*)\n  .*\n  hint: (.*)$", str(error), re.M
    )
    assert [(int(line), int(column), shown) for line, column, _, shown, _ in parts] == [
        (1, 5, "v = W x"),
        (3, 9, "u = W @ q"),
        (4, 5, "s = sigmoyd(v) + u"),
        (5, 5, "E = v.T @ x"),
    ]
    hints = [hint for *_, hint in parts]
    assert hints[:3] == ["write W @ x", "add its shape: q=…", "did you mean sigmoid?"]
    assert "repaired:" not in str(error)
    assert error.hint == "each fault above has its own"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__notes__) == (type(error), str(error), error.__notes__)


def test_the_type_of_several_faults_is_that_of_the_first():
    with pytest.raises(tc.ShapeError):
        tc.parse("a = W @ y; b = q", SHAPES)
    with pytest.raises(tc.ParseError):
        tc.parse("a = q; b = W @ y", SHAPES)


FOLLOWED = [
    "a = q; b = a @ W; c = a + b",
    "a = (x; b = a + 1",
    "a = q + q; b = q",
    "x = W; b = x @ y",
    "a, b = W; c = a + b",
    "a += x; b = a",
    "a = W @; b = a.T + a",
    "b = (x\nc = 2\nd = c * b",
    "f(z) = z; b = z",
]


@pytest.mark.parametrize("text", FOLLOWED)
def test_what_a_faulty_line_defines_adds_no_faults(text):
    assert "hint:" not in str(fault(text)[0])
    assert str(fault(text)[0]).count("line ") == 1


def places(text):
    """Line and column of each fault of a text."""
    with pytest.raises(tc.TensorCalcError) as raised:
        tc.parse(text, SHAPES)
    found = re.findall(r"^line (\d+), column (\d+): ", str(raised.value), re.MULTILINE)
    return [(int(line), int(column)) for line, column in found]


def test_a_bracket_that_is_never_closed_ends_with_its_statement():
    assert places("a = (x; b = W @ y") == [(1, 5), (1, 13)]
    assert places("a = (x; b = x)") == [(1, 5), (1, 14)]
    assert places("a = (x +\n  x\nb = W @ y") == [(1, 5), (3, 5)]
    assert places("a = (x +\n  W @ y\n  ") == [(1, 5), (2, 3)]


def test_faults_are_told_in_the_order_of_the_text():
    assert places("W @ y + x'") == [(1, 1), (1, 9)]
    with pytest.raises(tc.ShapeError):
        tc.parse("W @ y + x'", SHAPES)


LIMITS = {
    "more than 150 powers in a row": "x" + "² " * 200,
    "more than 150 signs in a row": "-" * 200 + "x",
    "nested more than 150 deep": "(" * 200 + "x" + ")" * 200,
    "more than 150 operations deep": "+".join(["x"] * 200),
    "an expression of 11,999 words": "+".join(["x"] * 6_000),
    "a number of 351 characters": "1" * 351,
    "a power of 351 digits": "x" + "²" * 351,
}


@pytest.mark.parametrize("message", LIMITS)
def test_what_is_too_much_is_told(message):
    with pytest.raises(tc.ParseError, match=f": {message}\n"):
        tc.parse(LIMITS[message], SHAPES)


def test_the_faults_of_one_line_are_not_counted_for_ever():
    with pytest.raises(tc.ParseError, match=r"… and at least 10 more"):
        tc.parse("x" + "'" * 1_000, SHAPES)


def test_a_wrong_name_is_told_once_and_mended_everywhere():
    *_, repaired = fault("a = X + 1; b = X.T @ X; c = a + X")
    assert repaired == "a = x + 1; b = x.T @ x; c = a + x"


def test_no_more_than_ten_faults_are_told():
    with pytest.raises(tc.ParseError) as raised:
        tc.parse("\n".join(f"a{i} = q{i}" for i in range(15)))
    assert str(raised.value).count("has no shape") == 10
    assert str(raised.value).endswith("\n… and 5 more")
    with pytest.raises(tc.ParseError) as raised:
        tc.parse("\n".join(f"a{i} = q{i}" for i in range(5000)))
    assert str(raised.value).endswith("\n… and at least 10 more")


def test_a_repaired_text_that_does_not_parse_is_not_offered():
    faults = Faults("2x")
    faults.add("two side by side", (0, 2), "write 2 * x", [Edit.between(1, 1, "*")])
    assert str(faults.error(lambda text: text)).endswith("\nrepaired:\n2*x")
    assert "repaired" not in str(faults.error(lambda text: None))
    faults.add("another", (0, 1), "mend it")
    assert "repaired" not in str(faults.error(lambda text: text))


@pytest.mark.parametrize("character", ["\x1b[31m", "\ud800", "\u202e", "\0"])
def test_a_remark_that_a_terminal_would_obey_is_not_said_again(character):
    error, *_, repaired = fault(f"W x  # {character} remark")
    assert repaired == ""
    assert character[0] not in str(error)
    assert fault("W x  # a\u00a0remark")[4] == "W @ x  # a\u00a0remark"


def test_edits_that_overlap_mend_nothing():
    assert mended("a b", [Edit(0, 2, "c"), Edit(2, 3, "d")]) == "cd"
    assert mended("a b", [Edit(0, 2, "c"), Edit(1, 3, "d")]) is None
    assert mended("x", [*wrapped(0, 1, "f(", ")"), *wrapped(0, 1, "g[", "]")]) == "g[f(x)]"
    assert (
        mended("ab", [Edit.between(1, 1, "*"), *wrapped(0, 1, "(", ")"), *wrapped(1, 2, "[", "]")])
        == "(a)*[b]"
    )


def test_a_hint_is_in_the_language():
    assert fault("T3 * W", T3=(2, 3, 4))[0].hint == "match the axes with einsum first"
    with pytest.raises(tc.ParseError, match=re.escape("  hint: write x ** 2 * x\n")):
        tc.parse("x .^ 2 .* x", SHAPES)


@pytest.mark.parametrize("kind", [TypeError, RecursionError, OverflowError, MemoryError])
def test_what_escapes_a_function_is_a_fault_of_its_place(monkeypatch, kind):
    def escaping(_):
        raise kind

    monkeypatch.setitem(FUNCTION_NAMES, "exp", escaping)
    error, first, *_ = fault("a = 2 * exp(x)")
    assert isinstance(error, tc.NotSupportedError)
    assert first == "line 1, column 9: exp(x) cannot be computed"


def test_an_error_has_no_inner_traceback():
    error = fault("W @ y")[0]
    assert (error.__cause__, error.__suppress_context__) == (None, True)


@pytest.mark.parametrize(
    "text", ["sum(W, 0)", "sum(W, axis=1)", "norm(W, axis=0)", "softmax(W, 1)", "max(W, 0)"]
)
def test_reductions_take_an_axis_by_name_or_by_place(text):
    assert read(text) is eval(text, {**vars(tc), "W": W, "max": tc.max})


# ── hostile text ─────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "dunder name": "__import__('os').system('true')", "dunder": "__builtins__",
    "attribute": "x.__class__", "attribute of T": "x.T.__class__.__mro__", "real": "x.real",
    "attribute of a number": "(1).__class__", "attribute of a tuple": "().__class__.__base__",
    "attribute of a function": "exp.__globals__", "expr": "x.expr", "method": "x.evaluate()",
    "call of T": "x.T()", "call of a call": "exp(x)(x)",
    "index by name": "x[i]", "index by number": "x[1.5]", "index by truth": "x[True]",
    "new axis": "x[None]", "ellipsis index": "W[..., 0]", "index by x": "x[x]",
    "lambda": "lambda: x", "called lambda": "(lambda: x)()", "comprehension": "[x for x in [1]]",
    "generator": "sum(x for x in [1])", "set": "{x for x in [1]}", "dict": "{**x}", "list": "[x]",
    "tuple": "x, x", "starred": "exp(*x)", "keywords": "exp(**x)", "keyword": "exp(t=x)",
    "condition": "x if x else x", "comparison": "x < x", "and": "x and x", "not": "not x",
    "walrus": "(z := x)", "yield": "(yield x)", "await": "await x", "f-string": "f'{x}'",
    "string": "'x'", "bytes": "b'x'", "ellipsis": "...", "None": "x + None", "True": "True * x",
    "complex": "1j * x", "huge": "1e999 * x", "xor": "x ^ 2", "modulo": "x % 2", "floor": "x // 2",
    "shift": "x << 2", "invert": "~x", "bit or": "x | x",
    "tower": "9**9**9**9", "tower of x": "x**9**9**9", "tower to come": "x**(10**400)",
    "400 digits": "x * " + "9" * 400,
    "5000 digits": "x * " + "9" * 5000,
    "hex": "x * 0x" + "f" * 9000, "import": "import os", "from": "from os import path; x",
    "def": "def f(): pass", "class": "class C: pass", "del": "del x", "with": "with x: pass",
    "try": "try: x\nexcept: x", "while": "while x: x", "for": "for z in x: x", "global": "global x",
    "raise": "raise x", "assert": "assert x", "return": "return x", "match": "match x:\n case 1: x",
    "augmented": "z += x", "annotated": "z: int = x", "attribute target": "x.z = x",
    "subscript target": "x[0] = x", "two targets": "z = u = x", "unpacking": "z, u = W",
    "underscore": "_z = x", "dunder target": "__z = x", "function target": "exp = x",
    "variable target": "x = x", "twice": "z = x; z = x", "two expressions": "x; x",
    "keyword target": "if = x", "no line": "", "space": " \t\n", "comment": "# x",
    "semicolons": ";;",
    "missing": "z", "missing function": "f(x)", "a function for a value": "exp", "no @": "W x",
    "no *": "2x", "prime": "x′", "times": "x × x", "quote": "x'", "bracket": "(x",
    "brackets": "x)", "operator": "x @", "equals": "x = ", "open string": "'''x",
    "backslash": "x\\",
    "10,000 round brackets": "(" * 10_000 + "x" + ")" * 10_000,
    "10,000 square brackets": "[" * 10_000 + "x" + "]" * 10_000,
    "10,000 calls": "exp(" * 10_000 + "x" + ")" * 10_000, "10,000 minuses": "-" * 10_000 + "x",
    "10,000 transposes": "x" + ".T" * 10_000, "10,000 terms": "+".join(["x"] * 10_000),
    "1,000 terms": "+".join(["x"] * 1_000), "10,000 powers": "x" + "**2" * 10_000,
    "10,000 nots": "not " * 10_000 + "x", "10,000 lambdas": "lambda: " * 10_000 + "x",
    "10,000 conditions": "x if x else " * 5_000 + "x", "NUL": "x\0", "NUL inside": "x\n+\0x",
    "surrogate": "x\ud800", "byte order mark": "\ufeffx", "line separator": "x\u2028x",
    "form feed": "x\fx", "200 kB": "x" + " + x" * 50_000, "long name": "x" * 99_999,
    "100,001 characters": "x" + " " * 100_000, "axis 2": "sum(x, axis=2)",
    "axis None": "sum(x, axis=None)", "axis text": "sum(x, axis='0')",
    "axis of exp": "exp(x, axis=0)",
    "size 0": "ones(0)", "size −1": "ones(-1)", "size 1.5": "ones(1.5)", "size x": "ones(x + 1)",
    "size True": "ones(True)", "/ 0": "x / 0",
    "shapes": "W + x", "product": "x @ x", "scalar product": "S @ x", "arity": "dot(x)",
    "too many": "norm(x, x)", "named size": "ones(k) + x", "a size too many": "eye(4, 4)",
    "a size too few": "eye()", "a keyword of ones": "ones(4, k=3)",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_raises_an_error_of_ours_and_nothing_else(what):
    with pytest.raises(tc.TensorCalcError) as raised:
        tc.parse(HOSTILE[what], SHAPES)
    assert raised.value.hint
    assert len(raised.value.args) == 1


def test_a_message_does_not_repeat_a_long_text():
    with pytest.raises(tc.ParseError) as raised:
        tc.parse(HOSTILE["long name"], SHAPES)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"], len, W])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(tc.TensorCalcError):
        tc.parse(text, x=4)


PIECES = [
    "x", "W", "A", "S", "1", "2.5", "exp(", "sum(", "norm(", "(", ")", ",", "+", "-", "*", "/", "@",
    "**", ".T", "=", ";", "\n", "axis=0", "lambda", ":", "[", "]", "{", "}", "'", '"', "\\", "#",
    "if", "else", "not", "and", ".", "..", "...", "__x__", "_", "z", "~", "^", "%", "&", "|", "<",
    ">", "==", ":=", "->", "²", "λ", "ᵀ", "⊙", "−", "`", "$", "?", "!", "\t", "\r", "\f", "\0",
    "\x1a", "\u2028", "\ufeff", "\ud800", "0x", "1e9", "1e999", "1j", "f'", "b'", "for", "in",
    "yield", "await", "import", "del", "True", "None", " ",
]  # fmt: skip
pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
characters = st.lists(st.integers(0, 0x2FFF) | st.integers(0, 0x10FFFF), max_size=20)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(pieces | characters.map(lambda numbers: "".join(map(chr, numbers))))
def test_no_text_whatever_raises_another_error_than_ours(text):
    with contextlib.suppress(tc.TensorCalcError):
        repr(tc.parse(text, SHAPES))


def test_a_parse_error_names_the_line():
    for text, line in (("z = x\nu = z +", 2), ("\n\nz", 3), ("z = x; u = W @ y", 1)):
        with pytest.raises(tc.TensorCalcError, match=f"^line {line}, column [0-9]+: "):
            tc.parse(text, SHAPES)


def test_a_nul_character_is_named():
    with pytest.raises(tc.ParseError, match="NUL"):
        tc.parse("x\0", SHAPES)


def test_a_program_can_be_pickled():
    p = tc.parse(TEXT, SHAPES)
    again = pickle.loads(pickle.dumps(p))
    assert list(again) == list(p)
    assert again.result is p.result


@pytest.mark.parametrize(("name", "hint"), [("v", 'write p["v"]'), ("evaluate", "p[…]")])
def test_an_attribute_that_a_program_lacks_is_told(name, hint):
    p = tc.parse("v = 2 * x", x=4)
    with pytest.raises(tc.UnknownAttributeError, match=f"no attribute {name}") as raised:
        getattr(p, name)
    assert hint in raised.value.hint
    assert not hasattr(p, name)


def test_an_en_dash_is_a_minus():
    assert str(tc.parse("f = x – y", x=3, y=3)) == str(tc.parse("f = x - y", x=3, y=3))


@pytest.mark.parametrize(("sign", "word"), [("Σ", "sum"), ("∏", "prod")])
def test_a_sign_of_a_sum_is_told_its_word(sign, word):
    with pytest.raises(tc.ParseError, match=rf"write {word}\(x\)"):
        tc.parse(f"f = {sign} x", x=3)


def test_a_name_that_clings_to_the_equals_sign_is_no_factor():
    with pytest.raises(tc.ParseError, match="=s is not an operator") as caught:
        tc.parse("v =s W @ x", W=(3, 4), x=4, s=())
    assert "s * W" not in str(caught.value)
    assert caught.value.hint == "write = in place of =s"
