"""What people read: whole lines of text and LaTeX, and laws that hold for all of them."""

import re
import string

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.display import spelling
from tensorcalc.display.letters import number_text
from tensorcalc.display.notation import Atom, Transposed

SHAPES = {
    "S": (), "x": 4, "c": 4, "w": 4, "b": 5, "y": 5, "t": 6, "A": (4, 4), "B": (4, 4),
    "W": (5, 4), "X": (6, 4), "Y": (6, 5), "T": (2, 3, 4), "K": "k n", "q": "n",
}  # fmt: skip
VARIABLES = {name: tc.variable(name, shape) for name, shape in SHAPES.items()}
NAMES = {**vars(tc), **VARIABLES, "f": tc.function("f"), "np": np}
W, x, y = VARIABLES["W"], VARIABLES["x"], VARIABLES["y"]
v = tc.define("v", W @ x)
s = tc.define("s", tc.sigmoid(v))
E = tc.define("E", tc.norm(s - y) ** 2 / 2)


def quantity(code):
    return eval(code, dict(NAMES))


def derivative_of(code):
    """``"W @ x by x"``."""
    of, by = code.split(" by ")
    return tc.derivative(quantity(of), *map(quantity, by.split(", ")))


# ── one line that says everything ────────────────────────────────────────────────────────

LINES = [
    (v, "v = W x : 5 × 1 column"),
    (s, "s = σ(v) : 5 × 1 column"),
    (E, "E = ½ ‖s − y‖² : scalar"),
    (W, "W : 5 × 4 matrix"),
    (x, "x : 4 × 1 column"),
    (x.T, "xᵀ : 1 × 4 row"),
    (W.T, "Wᵀ : 4 × 5 matrix"),
    (NAMES["S"], "S : scalar"),
    (NAMES["K"], "K : k × n matrix"),
    (NAMES["T"], "T_klm : 2 × 3 × 4 3-tensor"),
    (tc.define("r", x.T @ NAMES["A"]), "r = xᵀ A : 1 × 4 row"),
    (tc.define("z", tc.sigmoid(W @ x + y)), "z = σ(W x + y) : 5 × 1 column"),
    (
        tc.derivative(E, W),
        "∂E/∂W = x ((s − y) ⊙ s ⊙ (1 − s))ᵀ : 4 × 5 matrix gradient, numerator (shape of Wᵀ)",
    ),
    (
        tc.gradient(E, W),
        "∂E/∂W = ((s − y) ⊙ s ⊙ (1 − s)) xᵀ : 5 × 4 matrix gradient, mixed (shape of W)",
    ),
    (
        tc.derivative(E, W, layout="denominator"),
        "∂E/∂W = ((s − y) ⊙ s ⊙ (1 − s)) xᵀ : 5 × 4 matrix gradient, denominator (shape of W)",
    ),
    (
        tc.derivative(v, W),
        "∂v/∂W[k, i, j] = I[k=j] x_i : 5 × 4 × 5 3-tensor, numerator, 20 of 100 entries used",
    ),
    (
        tc.derivative(v, W, layout="mixed"),
        "∂v/∂W[k, j, i] = I[k=j] x_i : 5 × 5 × 4 3-tensor, mixed, 20 of 100 entries used",
    ),
    (
        tc.derivative(v, W, layout="denominator"),
        "∂v/∂W[j, i, k] = I[k=j] x_i : 5 × 4 × 5 3-tensor, denominator, 20 of 100 entries used",
    ),
    (tc.derivative(E, s), "∂E/∂s = (s − y)ᵀ : 1 × 5 row gradient, numerator"),
    (
        tc.derivative(s, v),
        "∂s/∂v = diag(s ⊙ (1 − s)) : 5 × 5 Jacobian, numerator, 5 of 25 entries used",
    ),
    (tc.derivative(v, x), "∂v/∂x = W : 5 × 4 Jacobian, numerator"),
    (
        tc.derivative(E, x),
        "∂E/∂x = ((s − y) ⊙ s ⊙ (1 − s))ᵀ W : 1 × 4 row gradient, numerator",
    ),
    (
        tc.derivative(E, x, layout="denominator"),
        "∂E/∂x = Wᵀ ((s − y) ⊙ s ⊙ (1 − s)) : 4 × 1 gradient, denominator",
    ),
    (
        tc.hessian(tc.define("Q", tc.norm(x) ** 2), x),
        "∂²Q/∂x² = 2 I : 4 × 4 Hessian, numerator, 4 of 16 entries used",
    ),
    (
        tc.derivative(tc.define("u", NAMES["S"] * x), NAMES["S"]),
        "∂u/∂S = x : 4 × 1 tangent vector, numerator",
    ),
    (tc.from_array(np.eye(3), of="a", wrt="b"), "∂a/∂b = [3×3 array] : 3 × 3 Jacobian, numerator"),
]


@pytest.mark.parametrize(("item", "line"), LINES, ids=[line for _, line in LINES])
def test_one_line_says_everything(item, line):
    assert repr(item) == line


TITLES = {
    "∂(W x)/∂x": derivative_of("W @ x by x"),
    "∂(v[0])/∂W": tc.derivative(v, W)[0],
    "∂²E/∂x²": tc.hessian(E, x),
    "∂²E/∂x∂W": tc.derivative(E, x, W),
    "∂xᵀ/∂x": tc.derivative(x.T, x),
}


@pytest.mark.parametrize("title", TITLES)
def test_a_title_names_value_and_arguments(title):
    d = TITLES[title]
    assert d.title == title
    assert repr(d).startswith(title)


# ── formulas of the textbook ─────────────────────────────────────────────────────────────

T = r"^{\top}"
ONE = r"\mathbf{1}"
FORMULAS = {
    "c.T @ x by x": ("cᵀ", rf"c{T}"),
    "x.T @ A @ x by A": ("x xᵀ", rf"x\,x{T}"),
    "norm(x)**2 by x": ("2 xᵀ", rf"2\,x{T}"),
    "norm(x) by x": ("xᵀ / ‖x‖", rf"\frac{{x{T}}}{{\left\lVert x \right\rVert}}"),
    "norm(A) by A": ("Aᵀ / ‖A‖", rf"\frac{{A{T}}}{{\left\lVert A \right\rVert}}"),
    "sum(x) by y": ("0", "0"),
    "norm(x - c) by x": (
        "(x − c)ᵀ / ‖x − c‖",
        rf"\frac{{\left(x - c\right){T}}}{{\left\lVert x - c \right\rVert}}",
    ),
    "norm(A @ x - c)**2 / 2 by x": ("(A x − c)ᵀ A", rf"\left(A\,x - c\right){T}\,A"),
    "norm(X @ w - t)**2 / 2 by w": ("(X w − t)ᵀ X", rf"\left(X\,w - t\right){T}\,X"),
    "norm(X @ w - t)**2 / 2 by X": ("w (X w − t)ᵀ", rf"w\,\left(X\,w - t\right){T}"),
    "norm(X @ w - t)**2 by w": ("2 (X w − t)ᵀ X", rf"2\,\left(X\,w - t\right){T}\,X"),
    "S * norm(w)**2 by w": ("2 S wᵀ", rf"2\,S\,w{T}"),
    "b.T @ W @ x by W": ("x bᵀ", rf"x\,b{T}"),
    "b.T @ W @ x by b": ("xᵀ Wᵀ", rf"x{T}\,W{T}"),
    "b.T @ W @ x by x": ("bᵀ W", rf"b{T}\,W"),
    "trace(A) by A": ("I", "I"),
    "trace(A @ B) by A": ("B", "B"),
    "trace(A.T @ A) by A": ("2 Aᵀ", rf"2\,A{T}"),
    "trace(A @ B @ A.T) by B": ("Aᵀ A", rf"A{T}\,A"),
    "frobenius(A, B) by A": ("Bᵀ", rf"B{T}"),
    "sum(A) by A": ("1 1ᵀ", rf"{ONE}\,{ONE}{T}"),
    "mean(x) by x": ("¼ 1ᵀ", rf"\tfrac{{1}}{{4}}\,{ONE}{T}"),
    "sum(A @ x) by A": ("x 1ᵀ", rf"x\,{ONE}{T}"),
    "logsumexp(x) by x": ("softmax(x)ᵀ", rf"\operatorname{{softmax}}\left(x\right){T}"),
    "exp(c.T @ x) by x": ("exp(cᵀ x) cᵀ", rf"\exp\left(c{T}\,x\right)\,c{T}"),
    "sigmoid(c.T @ x) by x": (
        "σ(cᵀ x) (1 − σ(cᵀ x)) cᵀ",
        rf"\sigma\left(c{T}\,x\right)\,\left(1 - \sigma\left(c{T}\,x\right)\right)\,c{T}",
    ),
    "log(c.T @ x) by x": ("cᵀ / (cᵀ x)", rf"\frac{{c{T}}}{{c{T}\,x}}"),
    "sum(softplus(X @ w)) - t.T @ (X @ w) by w": (
        "(σ(X w) − t)ᵀ X",
        rf"\left(\sigma\left(X\,w\right) - t\right){T}\,X",
    ),
    "logsumexp(W @ x) - y.T @ (W @ x) by W": (
        "x (softmax(W x) − y)ᵀ",
        rf"x\,\left(\operatorname{{softmax}}\left(W\,x\right) - y\right){T}",
    ),
    "norm(X @ W.T + b.T - Y)**2 / 2 by W": (
        "Xᵀ (X Wᵀ + 1 bᵀ − Y)",
        rf"X{T}\,\left(X\,W{T} + {ONE}\,b{T} - Y\right)",
    ),
    "norm(X @ W.T + b.T - Y)**2 / 2 by b": (
        "1ᵀ (X Wᵀ + 1 bᵀ − Y)",
        rf"{ONE}{T}\,\left(X\,W{T} + {ONE}\,b{T} - Y\right)",
    ),
    "x * c by x": ("diag(c)", r"\operatorname{diag}\left(c\right)"),
    "x / c by c": ("−diag(x ⊘ c²)", r"-\operatorname{diag}\left(x \oslash c^{\odot 2}\right)"),
    "x**3 by x": ("3 diag(x²)", r"3\,\operatorname{diag}\left(x^{\odot 2}\right)"),
    "1 / x by x": ("−diag(1 ⊘ x²)", r"-\operatorname{diag}\left(1 \oslash x^{\odot 2}\right)"),
    "S * x by x": ("S I", r"S\,I"),
    "tanh(W @ x) by x": (
        "diag(1 − tanh(W x)²) W",
        r"\operatorname{diag}\left(1 - \tanh\left(W\,x\right)^{\odot 2}\right)\,W",
    ),
    "f(W @ x + b) by x": (
        "diag(f′(W x + b)) W",
        r"\operatorname{diag}\left(f'\left(W\,x + b\right)\right)\,W",
    ),
    "softmax(x) by x": (
        "diag(softmax(x)) − softmax(x) softmax(x)ᵀ",
        r"\operatorname{diag}\left(\operatorname{softmax}\left(x\right)\right)"
        rf" - \operatorname{{softmax}}\left(x\right)\,\operatorname{{softmax}}\left(x\right){T}",
    ),
    "log_softmax(x) by x": (
        "I − 1 softmax(x)ᵀ",
        rf"I - {ONE}\,\operatorname{{softmax}}\left(x\right){T}",
    ),
    "x * (c.T @ x) by x": ("x cᵀ + (cᵀ x) I", rf"x\,c{T} + \left(c{T}\,x\right)\,I"),
    "x / norm(x) by x": (
        "I / ‖x‖ − x xᵀ / ‖x‖³",
        r"\frac{I}{\left\lVert x \right\rVert}"
        rf" - \frac{{x\,x{T}}}{{\left\lVert x \right\rVert^{{3}}}}",
    ),
    "S**3 by S": ("3 S²", "3\\,S^{2}"),
    "sin(S) by S": ("cos(S)", r"\cos\left(S\right)"),
    "norm(x)**2 by x, x": ("2 I", r"2\,I"),
    "norm(X @ w - t)**2 / 2 by w, w": ("Xᵀ X", rf"X{T}\,X"),
    "x.T @ A @ x by x, x": ("A + Aᵀ", rf"A + A{T}"),
    "exp(c.T @ x) by x, x": ("exp(cᵀ x) c cᵀ", rf"\exp\left(c{T}\,x\right)\,c\,c{T}"),
    "sum(f(x)) by x, x": (
        "diag(f′′(x))",
        r"\operatorname{diag}\left(f''\left(x\right)\right)",
    ),
    "W @ x by W": ("I[k=j] x_i", r"I[k=j]\,x_{i}"),
    "A @ B by A": ("I[k=j] B_il", r"I[k=j]\,B_{il}"),
    "tanh(W @ x) by W": (
        "(1 − tanh(Σ_h W_kh x_h)²) I[k=j] x_i",
        r"\left(1 - \tanh\left(\sum_{h} W_{kh}\,x_{h}\right)^{2}\right)\,I[k=j]\,x_{i}",
    ),
    "norm(A @ B)**2 by B, B": (
        "2 I[i=s] Σ_k A_kj A_kt",
        r"2\,I[i=s]\,\sum_{k} A_{kj}\,A_{kt}",
    ),
    "A.T @ x by x": ("Aᵀ", rf"A{T}"),
    "x @ y.T by x": ("I[k=j] y_l", r"I[k=j]\,y_{l}"),
    "sum(W, 0) by W": ("I[k=i]", "I[k=i]"),
    "x[2] * S by x": ("S e[2]ᵀ", rf"S\,e[2]{T}"),
}


def formula(d):
    """The text between the title and the description."""
    return repr(d).split(" = ", 1)[1].rsplit(" : ", 1)[0]


@pytest.mark.parametrize("code", FORMULAS)
def test_a_derivative_reads_as_in_the_textbook(code):
    d = derivative_of(code)
    text, latex = FORMULAS[code]
    assert formula(d) == text
    assert d.latex().split(" = ", 1)[1] == latex


QUANTITIES = {
    "norm(x)**2": "‖x‖²", "x.T @ x": "‖x‖²", "sum(x**2)": "‖x‖²", "dot(x, x)": "‖x‖²",
    "frobenius(x, x)": "‖x‖²", "norm(A @ x - c)": "‖A x − c‖", "x.T @ A @ x": "xᵀ A x",
    "(A @ x).T @ c": "xᵀ Aᵀ c", "A.T @ A": "Aᵀ A", "A * B": "A ⊙ B", "x / c": "x ⊘ c",
    "x**2": "x²", "x**-2": "1 ⊘ x²", "A**2": "A ⊙ A", "sqrt(x)": "√(x)",
    "1 / (1 + x)": "1 ⊘ (1 + x)",
    "x / 3": "⅓ x", "-x / 2": "−½ x", "2 * x - c": "2 x − c", "x - (c - x)": "x − (c − x)",
    "(x + c) * w": "(x + c) ⊙ w", "A @ (x + c)": "A (x + c)", "S * x": "S x", "x / S": "x / S",
    "sum(A)": "1ᵀ A 1", "sum(A, 1)": "A 1", "trace(A @ B)": "tr(A B)", "diag(x) @ c": "x ⊙ c",
    "A + x": "A + x 1ᵀ", "A + x.T": "A + 1 xᵀ", "eye(4) + A": "I + A", "x[1]": "x[1]",
    "exp(-x)": "exp(−x)", "abs(x)": "abs(x)", "f(A @ x)": "f(A x)", "x.T @ c * x": "(xᵀ c) x",
    "outer(x, y)": "x yᵀ", "x + S": "x + S 1", "logsumexp(x)": "logsumexp(x)",
    "x * np.array([1, 2, 3, 4])": "x ⊙ [1, 2, 3, 4]ᵀ", "np.ones((2, 4)) @ x": "[2×4 array] x",
}  # fmt: skip


@pytest.mark.parametrize("code", QUANTITIES)
def test_a_quantity_reads_in_matrix_notation(code):
    assert repr(quantity(code)).rsplit(" : ", 1)[0] == QUANTITIES[code]


@pytest.mark.parametrize("code", ["norm(W)**2", "sum(W**2)", "sum(W * W)", "frobenius(W, W)"])
def test_every_spelling_of_the_square_of_a_matrix_norm_reads_the_same(code):
    assert repr(quantity(code)) == "‖W‖² : scalar"


@pytest.mark.parametrize(("left", "right"), [("I", "x"), ("I", "I"), ("A", "I")])
def test_a_variable_named_i_is_not_the_identity(left, right):
    named = {**VARIABLES, "I": tc.matrix("I", 4, 4)}
    assert repr(named[left] @ named[right]).startswith(f"{left} {right} : ")


# ── laws of LaTeX ────────────────────────────────────────────────────────────────────────

LATEX = {
    **{code: derivative_of(code) for code in FORMULAS},
    **{code: quantity(code) for code in QUANTITIES},
    **dict(zip("EWsvx", (E, W, s, v, x.T), strict=True)),
    **{f"∂{of}/∂{wrt}": tc.derivative(of, wrt) for of in (E, s, v) for wrt in (W, x, y, s)},
    **{f"∂²E/∂{a}∂{b}": tc.derivative(E, a, b) for a in (W, x, s) for b in (W, x, y)},
    **{code: quantity(code) for code in ("x * 1e-9", "x * 1e20", "W[0, 1]", "1e-9 * S")},
    "tensor": quantity("2 * T + 1"), "named": derivative_of("K @ q by K"),
    "axis": quantity("softmax(W, 0)"), "sum of a tensor": quantity("sum(T * S)"),
    "own": tc.from_array(np.ones((7, 4)), of="C", wrt=x),
    "layout": tc.derivative(v, x, layout="mixed"),
}  # fmt: skip
PYTHON = re.compile(
    r"[<>]|\b(array\(|np\.|None\b|True\b|False\b|nan\b|inf\b|object\b|dtype|tensorcalc)"
    r"|\de[+-]\d|\[[^\]]*:|'\w|\w'\)|\*\*"
)


def latex_of(item):
    latex = item._repr_latex_()
    assert latex.startswith("$$")
    assert latex.endswith("$$")
    return latex[2:-2]


def assert_balanced(latex):
    """Brackets that LaTeX pairs are paired: { }, \\left and \\right."""
    depth = 0
    for sign in re.sub(r"\\[{}]", "", latex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0, latex
    assert depth == 0, latex
    assert latex.count(r"\left") == latex.count(r"\right"), latex
    assert "$" not in latex


@pytest.mark.parametrize("name", LATEX)
def test_latex_is_balanced_and_never_contains_a_python_repr(name):
    latex = latex_of(LATEX[name])
    assert_balanced(latex)
    assert not PYTHON.search(latex), latex


@pytest.mark.parametrize("name", ["_", "__", "_x"])
def test_a_subscript_in_latex_has_something_above_it(name):
    assert not re.search(r"(^|[{ ])_", latex_of(tc.vector(name, 3)))


LATEX_NAMES = {
    "W": "W", "W2": "W_{2}", "W_2": "W_{2}", "W12": "W_{12}", "delta": r"\delta",
    "delta_2": r"\delta_{2}", "δ": r"\delta", "λ": r"\lambda", "Φ": r"\Phi",
    "loss": r"\mathrm{loss}",
    "W_hidden": "W_{hidden}", "alpha_i": r"\alpha_{i}", "a_b_c": r"a_{b\_c}",
    "hW1": r"\mathrm{hW}_{1}", "epsilon": r"\epsilon", "x_": r"\mathrm{x\_}",
}  # fmt: skip


@pytest.mark.parametrize("name", LATEX_NAMES)
def test_a_name_in_latex_has_its_number_below_and_greek_letters(name):
    latex = latex_of(tc.vector(name, 3))
    assert latex == rf"\underset{{3 \times 1}}{{{LATEX_NAMES[name]}}}"
    assert_balanced(latex)


# ── laws of letters ──────────────────────────────────────────────────────────────────────


def index_letters(line):
    """The letters that a line uses as indices: in its title, in sums and in deltas."""
    letters = set(re.findall(r"Σ_(\w+)", line))
    for pair in re.findall(r"I\[(\w+)=(\w+)\]", line):
        letters.update(pair)
    title = re.match(r"∂\S+?\[([\w, ]+)\] =", line)
    return letters | set(title[1].split(", ") if title else ())


each_letter = pytest.mark.parametrize("letter", [*string.ascii_lowercase, "k1", "h1"])


@each_letter
def test_an_index_is_never_named_like_a_quantity(letter):
    matrix, column = tc.matrix("M", 3, 4), tc.vector(letter, 4)
    z = tc.define("Z", tc.tanh(matrix @ column))
    for d in (tc.derivative(z, matrix), tc.derivative(z, matrix, matrix), tc.derivative(z, column)):
        for layout in ("numerator", "mixed", "denominator"):
            letters = index_letters(repr(d.to(layout)))
            assert letter not in letters
    assert index_letters(repr(tc.derivative(z, matrix)))
    assert letter not in re.findall(r"(\w+) = (\w+)", tc.derivative(z, matrix).entry())[0]


@each_letter
def test_an_index_is_never_named_like_a_dimension(letter):
    other = "a" if letter != "a" else "b"
    matrix, column = tc.matrix("M", letter, other), tc.vector("X", other)
    z = tc.define("Z", tc.tanh(matrix @ column))
    for d in (tc.derivative(z, matrix), tc.derivative(z, matrix, matrix)):
        letters = index_letters(repr(d))
        assert not letters & {letter, other}
        assert letters


def test_an_index_is_never_named_like_one_of_many_quantities():
    names = [*"klmnpqjitsvuwh", "k1", "j1"]
    e = tc.matrix("M", 4, 4) @ np.ones(4)
    for name in names:
        e = e * tc.vector(name, 4)
    letters = index_letters(repr(tc.derivative(tc.define("Z", e), tc.matrix("M", 4, 4))))
    assert letters
    assert not letters & set(names)


def test_an_index_in_the_line_of_a_quantity_is_never_named_like_a_quantity():
    for letter in string.ascii_lowercase:
        line = repr(tc.sum(tc.scalar(letter) * tc.tensor("T", 2, 3, 4)))
        assert letter not in index_letters(line)


def test_the_helper_gradient_is_never_named_like_a_quantity():
    d = tc.derivative(tc.norm(tc.define("s", tc.sigmoid(v)) - tc.vector("δ", 5)) ** 2, W)
    assert "δ" not in d.entry()


def test_the_title_of_a_number_has_no_empty_brackets():
    assert "[]" not in repr(tc.derivative(tc.sum(NAMES["T"] * NAMES["S"]), NAMES["S"]))


# ── size ─────────────────────────────────────────────────────────────────────────────────


def test_a_deep_shared_formula_prints_in_a_few_thousand_letters():
    u = x
    for _ in range(60):
        u = u + tc.tanh(u)
    for item in (u, tc.sum(u), tc.gradient(tc.sum(u), x)):
        assert len(repr(item)) < 20_000
        assert_balanced(latex_of(item))
        assert len(latex_of(item)) < 40_000


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("tc.eye(3) @ tc.eye(3) + A", "I + A"),
        ("A + A.T + 4 * tc.ones(3, 3)", "A + Aᵀ + 4 1 1ᵀ"),
    ],
)
def test_identities_and_ones_are_written_where_matrices_are_added(code, text):
    quantity = eval(code, {"tc": tc, "A": tc.matrix("A", 3, 3)})
    assert repr(quantity).startswith(text + " :")


# ── numbers, and names that formulas have themselves ─────────────────────────────────────

NUMBERS = {
    "x**99999999": ("x⁹⁹⁹⁹⁹⁹⁹⁹", r"x^{\odot 99999999}"),
    "x**1234567.891": ("x¹²³⁴⁵⁶⁷·⁸⁹¹", r"x^{\odot 1234567.891}"),
    "x**1e20": ("x^(1·10²⁰)", r"x^{\odot 1 \cdot 10^{20}}"),
    "1.23456789012 * x": ("1.23456789012 x", r"1.23456789012\,x"),
    "1.5e-20 * x": ("1.5·10⁻²⁰ x", r"1.5 \cdot 10^{-20}\,x"),
    "(0.1 * 3) * x": ("0.3 x", None),
    "3.141592653589793 * x": ("3.141592653589793 x", r"3.141592653589793\,x"),
}


@pytest.mark.parametrize("text", NUMBERS)
def test_no_digit_of_a_number_is_rounded_away(text):
    shown, latex = NUMBERS[text]
    t = tc.program(text, x=3).result
    assert repr(t) == f"{shown} : 3 × 1 column"
    assert latex in (None, t.latex())


CALLED_ALIKE = {
    "2 * I": "∂(2 I)/∂I = 2 Id",
    "A @ I": "∂(A I)/∂I = A",
    "x[1] * I": "∂(x[1] I)/∂I = x[1] Id",
    "e[0] * x + I": "∂(e[0] x + I)/∂I = Id",
}


@pytest.mark.parametrize("text", CALLED_ALIKE)
def test_the_identity_is_told_from_a_quantity_called_so(text):
    p = tc.program(text, A=(3, 3), I=3, x=3, e=3)
    assert repr(p.derivative(p.result, "I")).startswith(CALLED_ALIKE[text] + " : ")


def test_unit_vectors_are_told_from_a_quantity_called_e():
    p = tc.program("e[0] * x", e=3, x=3)
    assert repr(p.derivative(p.result, "e")).startswith("∂(e[0] x)/∂e = x I[:, 0]ᵀ : ")
    p = tc.program("x[0] * y", y=3, x=3)
    assert repr(p.derivative(p.result, "x")).startswith("∂(x[0] y)/∂x = y e[0]ᵀ : ")


def test_what_is_left_out_of_a_formula_is_told():
    t = tc.vector("x", 3)
    for k in range(300):
        t = tc.sin(t) + k
    assert repr(t).count(", … is a part too long to print") == 1
    assert repr(tc.derivative(t, tc.vector("x", 3))).endswith(", … is a part too long to print")


M1, M2 = np.arange(8.0).reshape(2, 4), np.ones((2, 4))
LOOKALIKES = {
    # 1 has whatever size fits: what stands beside it may not be added
    "outer(sum(A, 1), ones(3)) + outer(sum(N, 1), ones(3))": "(A 1 + N 1) 1ᵀ",
    "sum(x) + sum(t)": "1ᵀ x + 1ᵀ t",
    # two arrays of numbers of one shape are two
    "M1 @ x - M2 @ x": "([2×4 array] − [2×4 array]) x",
    "M1 @ x + M2 @ x": "([2×4 array] + [2×4 array]) x",
    "M1 @ x - M1 @ x": "0",
    # A + Aᵀ is symmetric, A + B is not
    "(x.T @ (A + A.T)).T": "(A + Aᵀ) x",
    "(A + B).T @ x": "(A + B)ᵀ x",
    "A @ x + A.T @ x": "(A + Aᵀ) x",
    "2 * (A @ x) - 2 * (B @ x)": "2 (A − B) x",
    "A @ (B @ x) + A @ x": "(A B + A) x",
    "-(A @ x) - B @ x": "−(A + B) x",
    "x[::-1][0]": "x[3]",
    "max(-x)": "max(−x)", "-max(-x)": "min(x)", "-max(x)": "−max(x)",
    "x / 12": "¹⁄₁₂ x", "2 / 9 * x": "²⁄₉ x", "0.01 * x": "0.01 x", "x / np.sqrt(2)": "√½ x",
}  # fmt: skip


@pytest.mark.parametrize("code", LOOKALIKES)
def test_terms_are_joined_where_they_are_alike_and_only_there(code):
    named = {**NAMES, "M1": M1, "M2": M2, "N": tc.matrix("N", 4, 5)}
    assert repr(eval(code, named)).rsplit(" : ", 1)[0] == LOOKALIKES[code]


def test_a_symmetric_variable_named_i_is_not_the_identity():
    i = tc.matrix("I", 4, 4, symmetric=True)
    assert repr(i @ VARIABLES["A"]).startswith("I A : ")


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("δᶻ", r"{\delta^{z}}^{\top}"),
        ("Δˡ⁺¹", r"{\Delta^{l+1}}^{\top}"),
        ("z2", r"z_{2}^{\top}"),
        ("s′", r"s'^{\top}"),
    ],
)
def test_a_raised_letter_of_a_name_leaves_room_for_a_transpose(name, latex):
    assert spelling.spell(Transposed(Atom(name)), spelling.LATEX) == latex


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2 / 15, "²⁄₁₅"),
        (0.1333333333333332, "²⁄₁₅"),  # rounding of a product, a few units in the last place
        (0.13333333333333, "0.13333333333333"),
        (0.1 + 0.2, "0.3"),
        # a fraction of small numbers is one, whether or not its decimal is short
        *((0.0625, "¹⁄₁₆"), (0.08, "²⁄₂₅"), (0.05, "¹⁄₂₀"), (-0.0078125, "−¹⁄₁₂₈")),
        # what people write as decimals
        *((0.01, "0.01"), (0.3, "0.3"), (1.5, "1.5"), (0.001, "0.001"), (0.95, "0.95")),
    ],
)
def test_a_number_is_written_as_a_person_writes_it(value, text):
    assert number_text(value) == text
