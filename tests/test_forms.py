"""Formulas in the form that is asked for: what they say, and that they mean the derivative."""

import re
from pathlib import Path
from random import Random

import numpy as np
import pytest
from formula_reader import read
from kronecker_reader import commutation, read_kronecker

import tensorcalc as tc
from tensorcalc.expr import Definition, toposort
from tensorcalc.tensor import Tensor

SIZES = {"m": 5, "n": 3, "p": 4, "q": 2}
SHAPES = {
    "A": "m n", "B": "p q", "C": "m q", "X": "n p", "S": "n n", "R": "n n", "T": "m p", "U": "m q",
    "V": "p q", "W": "m p", "G": "q m", "x": "p", "u": "n", "y": "m", "t": "",
}  # fmt: skip

# program and arguments, and the Kronecker form
KRONECKER = {
    ("A @ X @ B", "X"): "Bᵀ ⊗ A",
    ("A @ X", "X"): "I ⊗ A",
    ("X @ B", "X"): "Bᵀ ⊗ I",
    ("X", "X"): "I",
    ("3 * X", "X"): "3 I",
    ("X.T", "X"): "K",
    ("B.T @ X.T @ A.T", "X"): "K (Bᵀ ⊗ A)",
    ("X.T @ X", "X"): "(I + K) (I ⊗ Xᵀ)",
    ("X @ X.T", "X"): "(I + K) (X ⊗ I)",
    ("S - S.T", "S"): "I − K",
    ("S @ S", "S"): "Sᵀ ⊗ I + I ⊗ S",
    ("S @ R @ S", "S"): "Sᵀ Rᵀ ⊗ I + I ⊗ S R",
    ("inv(S)", "S"): "−(S⁻ᵀ ⊗ S⁻¹)",
    ("inv(S.T)", "S"): "−K (S⁻ᵀ ⊗ S⁻¹)",
    ("A @ inv(S) @ X", "S"): "−(Xᵀ S⁻ᵀ ⊗ A S⁻¹)",
    ("trace(S) * S", "S"): "vec(S) vec(I)ᵀ + tr(S) I",
    ("exp(X)", "X"): "diag(vec(exp(X)))",
    ("W * W", "W"): "2 diag(vec(W))",
    ("h = sigmoid(A @ X @ B); h", "X"): "diag(vec(h ⊙ (1 − h))) (Bᵀ ⊗ A)",
    ("G @ exp(A @ X) @ B", "X"): "(Bᵀ ⊗ G) diag(vec(exp(A X))) (I ⊗ A)",
    ("exp(X.T)", "X"): "diag(vec(exp(Xᵀ))) K",
    ("P = softmax(X, axis=1); P", "X"): "diag(vec(P)) − diag(vec(P)) (1 1ᵀ ⊗ I) diag(vec(P))",
    ("W @ x", "W"): "xᵀ ⊗ I",
    ("W @ x", "x"): "W",
    ("W.T @ y", "W"): "I ⊗ yᵀ",
    ("exp(W @ x)", "W"): "xᵀ ⊗ diag(exp(W x))",
    ("x @ x.T", "x"): "x ⊗ I + I ⊗ x",
    ("sum(X, axis=1)", "X"): "1ᵀ ⊗ I",
    ("vec(A @ X @ B)", "X"): "Bᵀ ⊗ A",
    ("diag(x)", "x"): "diag(vec(I)) (1 ⊗ I)",
    ("diagonal(S)", "S"): "(I ⊗ 1ᵀ) diag(vec(I))",
    ("trace(W @ T.T)", "W"): "vec(T)ᵀ",
    ("t * X", "t"): "vec(X)",
    ("norm(T - U @ V.T)**2", "U U"): "2 Vᵀ V ⊗ I",
    ("norm(T - U @ V.T)**2 + t * norm(U)**2", "U U"): "2 (Vᵀ V + t I) ⊗ I",
    ("norm(T - U @ V.T)**2", "U V"): "2 (K (U ⊗ Vᵀ) − I ⊗ (T − U Vᵀ))",
    ("norm(A @ X @ B - C)**2 / 2", "X X"): "B Bᵀ ⊗ Aᵀ A",
    ("logdet(S)", "S S"): "−K (S⁻ᵀ ⊗ S⁻¹)",
    ("norm(X)", "X X"): "I / ‖X‖ − vec(X) vec(X)ᵀ / ‖X‖³",
    ("sum(exp(X))", "X X"): "diag(vec(exp(X)))",
    ("norm(W @ x - y)**2 / 2", "W x"): "x ⊗ W + I ⊗ (W x − y)",
    # of vec(x yᵀ), whose axis has an index of the argument inside
    ("kron(tanh(y), x)", "y"): "(I − diag(tanh(y)²)) ⊗ x",
    ("kron(y, tanh(x))", "x"): "y ⊗ (I − diag(tanh(x)²))",
}
each_kronecker = pytest.mark.parametrize(
    ("asked", "text"), KRONECKER.items(), ids=[" by ".join(asked) for asked in KRONECKER]
)


def derivative_of(program, by):
    shapes = {
        name: tuple(SIZES[d] for d in dims.split())
        for name, dims in SHAPES.items()
        if re.search(rf"\b{name}\b", program)
    }
    p = tc.program(program, shapes)
    return tc.derivative(p.result, *(p[name] for name in by.split()))


def values_of(d, seed=3):
    """Numbers for all variables of a derivative and, by them, for its intermediates."""
    rng = np.random.default_rng(seed)
    at, known = {}, dict(SIZES)
    for node in toposort(d.universe):
        if isinstance(node, Definition):
            known[node.name] = np.asarray(Tensor(node).evaluate(at))
        elif hasattr(node, "name"):
            array = rng.uniform(0.2, 1.0, size=node.shape)
            square = node.ndim == 2 and node.shape[0] == node.shape[1]
            at[node.name] = array + 2 * np.eye(*node.shape) if square else array
    return at, at | known


def sides_of(d):
    sides = [d.of.expr.shape, *(a.expr.shape for a in d.arguments)]
    return sides[1:] if len(sides) > 2 else sides


def between_columns(d, at):
    """The dense derivative with its axes stacked as vec stacks them."""
    rows, columns = (int(np.prod(shape, dtype=int)) for shape in sides_of(d))
    return np.asarray(d.to("mixed").evaluate(at)).reshape((rows, columns), order="F")


@each_kronecker
def test_a_kronecker_form_is_the_reviewed_one(asked, text):
    assert str(derivative_of(*asked).formula(form="vec")) == text


@each_kronecker
def test_a_kronecker_form_means_the_derivative_between_columns(asked, text):
    d = derivative_of(*asked)
    at, known = values_of(d)
    rows, columns = sides_of(d)
    found = read_kronecker(str(d.formula(form="vec")), known, rows, columns, swap="K")
    np.testing.assert_allclose(found, between_columns(d, at), rtol=1e-10, atol=1e-12)


@each_kronecker
def test_a_kronecker_form_has_its_numbers_and_their_shape(asked, text):
    d = derivative_of(*asked)
    at, _ = values_of(d)
    found = d.formula(form="vec").evaluate(at)
    assert found.shape == d.formula(form="vec").shape
    np.testing.assert_array_equal(found, between_columns(d, at))


def test_the_conventions_of_a_kronecker_form_are_said():
    said = repr(derivative_of("X.T @ X", "X").formula(form="vec"))
    assert said == (
        "∂vec(Xᵀ X)/∂vec(X) = (I + K) (I ⊗ Xᵀ) : 4·4 × 3·4, vec stacks columns, "
        "K vec(M) = vec(Mᵀ) for M of 4 × 4"
    )


def test_the_shape_that_k_turns_is_said():
    assert repr(derivative_of("X.T", "X").formula(form="vec")) == (
        "∂vec(Xᵀ)/∂vec(X) = K : 4·3 × 3·4, vec stacks columns, K vec(M) = vec(Mᵀ) for M of 3 × 4"
    )


@pytest.mark.parametrize("shape", [(2, 3), (4, 1), (3, 3)], ids=str)
def test_the_commutation_matrix_turns_vec_as_it_is_said_to(shape):
    m = np.arange(6.0 if shape == (2, 3) else shape[0] * shape[1]).reshape(shape)
    turned = commutation(*shape) @ m.ravel(order="F")
    np.testing.assert_array_equal(turned, m.T.ravel(order="F"))


def test_the_commutation_matrix_takes_a_name_that_is_free():
    K = tc.matrix("K", 3, 4)
    form = tc.derivative(K @ K.T, K).formula(form="vec")
    assert str(form) == "(I + C) (K ⊗ I)"
    assert "C vec(M) = vec(Mᵀ) for M of 3 × 3" in repr(form)


def test_named_sizes_stand_in_the_shape_of_a_kronecker_form():
    X = tc.matrix("X", "m", "n")
    form = tc.derivative(X @ X.T, X).formula(form="vec")
    assert repr(form).startswith("∂vec(X Xᵀ)/∂vec(X) = (I + K) (X ⊗ I) : m·m × m·n")


NOT_SPLIT = {"kron(X, B)": "X", "kron(B, X)": "X"}


@pytest.mark.parametrize(("program", "by"), NOT_SPLIT.items(), ids=NOT_SPLIT)
def test_what_does_not_split_is_refused_and_the_index_form_is_named(program, by):
    d = derivative_of(program, by)
    with pytest.raises(tc.NotSupportedError, match="does not split") as caught:
        d.formula(form="vec")
    assert any('form="index"' in note for note in caught.value.__notes__)
    assert str(d.formula(form="index"))


@pytest.mark.parametrize(
    ("program", "by", "form"),
    [("A @ X @ B", "X", "matrix"), ("x * (W.T @ y)", "W x", "vec"), ("X @ B", "X X X", "vec")],
)
def test_a_form_that_there_is_not_is_refused(program, by, form):
    with pytest.raises(tc.NotSupportedError, match=r"matrix|columns"):
        derivative_of(program, by).formula(form=form)


@pytest.mark.parametrize("asked", [{"form": "tensor"}, {"slopes": "dash"}], ids=str)
def test_an_unknown_form_is_refused_with_those_there_are(asked):
    with pytest.raises(tc.TensorCalcError, match=r"d\.formula") as caught:
        derivative_of("A @ X", "X").formula(**asked)
    assert any("choose" in note for note in caught.value.__notes__)


def matrix_program(random, rows, columns, depth, shapes):
    """A program of matrices of these sizes, as often as not with X in it."""
    build = lambda r, c: matrix_program(random, r, c, depth - 1, shapes)
    choice = random.random() if depth else 0.0
    if choice < 0.25:
        names = {(2, 3): ["X"] * 3, (3, 2): ["X.T"] * 3}.get((rows, columns), [])
        shapes[f"M{rows}{columns}"] = (rows, columns)
        return random.choice([*names, f"M{rows}{columns}"])
    if choice < 0.6:
        inner = random.choice((2, 3, 4))
        return f"({build(rows, inner)} @ {build(inner, columns)})"
    if choice < 0.8:
        return f"({build(rows, columns)} {random.choice('+*')} {build(rows, columns)})"
    if choice < 0.9 or rows == columns:
        function = random.choice(["exp", "sin"]) if choice < 0.9 else "inv"
        more = f" + 3 * eye({rows})" if function == "inv" else ""
        return f"{function}({build(rows, columns)}{more})"
    return f"{build(columns, rows)}.T"


@pytest.mark.parametrize("start", range(0, 180, 60))
def test_kronecker_forms_of_random_programs_mean_their_derivatives(start):
    count = 0
    for seed in range(start, start + 60):
        random, shapes = Random(seed), {"X": (2, 3)}
        sides = random.choices((2, 3, 4), k=2)
        text = matrix_program(random, *sides, 2, shapes)
        if "X" not in text:
            continue
        p = tc.program(text, {name: s for name, s in shapes.items() if name in text})
        d = tc.derivative(p.result, p["X"])
        at, known = values_of(d)
        found = read_kronecker(str(d.formula(form="vec")), known, *sides_of(d), swap="K")
        expected = between_columns(d, at)
        scale = float(np.abs(expected).max())
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * scale, err_msg=text)
        count += 1
    assert count > 6


# ── slopes by their names ────────────────────────────────────────────────────────────────

# program, argument, and the gradient (of a number) or Jacobian with named slopes
PRIMES = {
    ("h = sigmoid(W @ x); norm(h - y)**2 / 2", "x"): "((h − y) ⊙ σ′(W x))ᵀ W",
    ("z = W @ x; h = sigmoid(z); norm(h - y)**2 / 2", "x"): "((h − y) ⊙ σ′(z))ᵀ W",
    ("z = W @ x; h = sigmoid(z); norm(h - y)**2 / 2", "W"): "x ((h − y) ⊙ σ′(z))ᵀ",
    ("z = W @ x; h = sigmoid(z); h", "z"): "diag(σ′(z))",
    ("z = W @ x; h = tanh(z); h", "x"): "diag(tanh′(z)) W",
    ("z = W @ x; h = 1 / (1 + exp(-z)); h", "x"): "diag(σ′(z)) W",
    ("z = W @ x; sum(softplus(z))", "x"): "softplus′(z)ᵀ W",
    ("z = W @ x; sum(relu(z))", "x"): "relu′(z)ᵀ W",
    ("sum(silu(W @ x))", "x"): "silu′(W x)ᵀ W",
    ("sum(gelu(W @ x))", "x"): "gelu′(W x)ᵀ W",
    ("sum(arctan(W @ x))", "x"): "arctan′(W x)ᵀ W",
    ("sum(sin(W @ x))", "x"): "cos(W x)ᵀ W",
    ("sum(exp(tanh(W @ x)))", "x"): "(exp(tanh(W x)) ⊙ tanh′(W x))ᵀ W",
    ("sum(sigmoid(x))", "x x"): "diag(σ′′(x))",
    ("sum(sigmoid(x)**2)", "x x"): "2 diag(σ′(x)² + σ(x) ⊙ σ′′(x))",
}
each_prime = pytest.mark.parametrize(
    ("asked", "text"),
    PRIMES.items(),
    ids=[" by ".join(asked) for asked in PRIMES],
)


@each_prime
def test_slopes_are_named_when_that_is_asked(asked, text):
    assert str(derivative_of(*asked).formula(slopes="prime")) == text


@each_prime
def test_a_formula_with_named_slopes_means_the_derivative(asked, text):
    d = derivative_of(*asked)
    at, known = values_of(d)
    expected = np.atleast_2d(d.evaluate(at))
    found = read(str(d.formula(slopes="prime")), known, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_named_slopes_stand_in_entries_and_in_kronecker_products_too():
    d = derivative_of("h = tanh(A @ X @ B); h", "X")
    assert str(d.formula("vec", "prime")) == "diag(vec(tanh′(A X B))) (Bᵀ ⊗ A)"
    assert "tanh′(" in str(d.formula("index", "prime"))


def test_products_of_links_have_named_slopes_on_every_path():
    W, x, y = tc.matrix("W", 5, 4), tc.vector("x", 4), tc.vector("y", 5)
    v = tc.define("v", W @ x)
    s = tc.define("s", tc.sigmoid(v))
    E = tc.define("E", tc.norm(s - y) ** 2 / 2)
    d = tc.derivative(E, s) @ tc.derivative(s, v) @ tc.derivative(v, x)
    assert str((2 * d).formula(slopes="prime")) == "2 ((s − y) ⊙ σ′(v))ᵀ W"
    given = tc.from_array(np.ones((1, 5)), of="C", wrt=s)
    assert (
        str((given @ tc.derivative(s, v)).formula(slopes="prime")) == "([1, 1, 1, 1, 1]ᵀ ⊙ σ′(v))ᵀ"
    )
    sliced = tc.derivative(s, v)[2]
    assert "σ′(" in str(sliced.formula(slopes="prime"))


def test_a_function_of_ones_own_has_its_slope_by_its_name():
    x = tc.vector("x", 4)
    f = tc.function("f", value=np.sin, derivative=np.cos)
    assert str(tc.derivative(tc.sum(f(x)), x).formula(slopes="prime")) == "f′(x)ᵀ"
    g = tc.function("g", value=np.sin, derivative=tc.cos)
    assert str(tc.derivative(tc.sum(g(x)), x).formula(slopes="prime")) == "g′(x)ᵀ"


def test_a_formula_is_said_whole_and_in_latex():
    d = derivative_of("z = W @ x; h = sigmoid(z); norm(h - y)**2 / 2", "x")
    form = d.formula(slopes="prime")
    assert form.latex == r"\left(\left(h - y\right) \odot \sigma'\left(z\right)\right)^{\top}\,W"
    assert repr(d.formula()) == repr(d)
    assert repr(form) == repr(d).replace(str(d.formula()), str(form))


def test_without_a_form_it_is_the_one_that_is_printed():
    d = derivative_of("A @ X @ B", "X")
    assert repr(d.formula()) == repr(d)


DOCUMENTED = re.findall(
    r"^\| `([^|`]+)` \| `(\w)`(?:, `(\w)`)? \| `([^|]+)` \|$",
    (Path(__file__).parents[1] / "docs" / "outputs.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)


@pytest.mark.parametrize(("program", "first", "second", "text"), DOCUMENTED)
def test_the_table_of_the_documentation_is_what_is_printed(program, first, second, text):
    shapes = {"A": (5, 3), "X": (3, 4), "B": (4, 2), "W": (6, 5), "x": 4}
    if program == "inv(X)":
        shapes["X"] = (3, 3)
    if program == "W @ x":
        shapes["W"] = (6, 4)
    shapes |= {"T": (5, 4), "U": (5, 2), "V": (4, 2)}
    p = tc.program(program, {n: s for n, s in shapes.items() if re.search(rf"\b{n}\b", program)})
    d = tc.derivative(p.result, *(p[name] for name in (first, second) if name))
    assert str(d.formula(form="vec")) == text


def test_the_documentation_has_a_table_of_kronecker_forms():
    assert len(DOCUMENTED) >= 6
