"""Program text: what the language has, how shapes are given, and that hostile text is refused."""

import contextlib
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensorcalc as tc

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
    "name", ["self", "text", "shapes", "source", "np", "λ", "sum", "T", "axis"]
)
def test_a_variable_may_be_named_like_anything(name):
    assert tc.parse(f"2 * {name}", **{name: 3}).result is 2 * tc.vector(name, 3)
    assert tc.program(f"2 * {name}", {name: 3})[name] is tc.vector(name, 3)


def test_a_variable_named_like_a_function_leaves_the_function_alone():
    p = tc.parse("sum(x) * sum", x=4, sum=())
    assert p.result is tc.sum(x) * tc.scalar("sum")


def test_shapes_of_variables_that_the_text_does_not_use_are_welcome():
    assert list(tc.parse("2 * x", x=4, z=(2, 3))) == ["x", "z"]


@pytest.mark.parametrize("sign", ["µ", "ϕ", "ℓ"])
def test_signs_that_python_takes_for_one_letter_are_one_name(sign):
    assert float(tc.parse(f"2 * {sign}", {sign: ()}).result.evaluate({sign: 1.5})) == 3.0


# ── hostile text ─────────────────────────────────────────────────────────────────────────

HOSTILE = {
    "dunder name": "__import__('os').system('true')", "dunder": "__builtins__",
    "attribute": "x.__class__", "attribute of T": "x.T.__class__.__mro__", "real": "x.real",
    "attribute of a number": "(1).__class__", "attribute of a tuple": "().__class__.__base__",
    "attribute of a function": "exp.__globals__", "expr": "x.expr", "method": "x.evaluate()",
    "call of T": "x.T()", "call of a call": "exp(x)(x)", "index by name": "x[i]", "index by number": "x[1.5]", "index by truth": "x[True]",
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
