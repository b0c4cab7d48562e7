"""The matrix-notation front end: declarations, operators, broadcasting, reductions, refusals.

The oracle is NumPy on two-dimensional arrays: a column is n × 1 there, a row 1 × n.
"""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import tensorcalc as tc

# One quantity of every way to stand, by a letter.
QUANTITIES = {
    "S": tc.scalar("S"),
    "o": tc.vector("o", 1),  # a vector of size 1
    "O": tc.matrix("O", 1, 1),  # a 1 × 1
    "c": tc.vector("c", 4),
    "e": tc.vector("e", 4),
    "d": tc.vector("d", 5),
    "r": tc.vector("d", 5).T,
    "q": tc.vector("c", 4).T,
    "C": tc.matrix("C", 4, 1),  # a column declared as a matrix
    "R": tc.matrix("R", 1, 5),  # a row declared as a matrix
    "M": tc.matrix("M", 4, 5),
    "N": tc.matrix("N", 5, 4),
    "Q": tc.matrix("Q", 4, 4),
    "T": tc.tensor("T", 2, 3, 4),
    "U": tc.tensor("U", 4, 3, 2),
    "m": tc.vector("m", "m"),
    "n": tc.vector("n", "n"),
    "l": tc.vector("n", "n").T,
    "K": tc.matrix("K", "m", "n"),
}
SIZES = {"m": 2, "n": 3}
OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv)


def shape_in_numbers(t):
    return tuple(SIZES.get(dim, dim) for dim in t.shape)


def rows(text, length):
    """The words of a table, so many in a row."""
    return list(zip(*[iter(text.split())] * length, strict=True))


def standing(t, array):
    """The array as matrix notation reads it: a column has two axes."""
    return array.reshape(-1, 1) if t.form == "column" else np.reshape(array, shape_in_numbers(t))


@pytest.fixture
def values():
    """A value away from 0 for each variable of QUANTITIES."""
    rng = np.random.default_rng(7)
    named = {t.name: t for t in QUANTITIES.values() if t.form != "row"}
    return {name: rng.uniform(0.5, 2.0, shape_in_numbers(t)) for name, t in named.items()}


@pytest.fixture
def matrices(values):
    """The same as NumPy reads matrix notation, by the letters of QUANTITIES."""
    return {
        letter: np.reshape(values[t.name], (1, -1))
        if t.form == "row"
        else standing(t, values[t.name])
        for letter, t in QUANTITIES.items()
    }


def assert_same(t, expected, values):
    """The quantity has the value ``expected``, a scalar or two-dimensional, in its own shape."""
    got = t.evaluate(values)
    assert got.shape == shape_in_numbers(t)
    np.testing.assert_allclose(standing(t, got), np.reshape(expected, standing(t, got).shape))


# ── declarations ─────────────────────────────────────────────────────────────────────────

DECLARATIONS = [
    (lambda: tc.scalar("x"), "scalar", ()),
    (lambda: tc.vector("x", 4), "column", (4,)),
    (lambda: tc.vector("x", (4,)), "column", (4,)),
    (lambda: tc.vector("x", np.int64(4)), "column", (4,)),
    (lambda: tc.vector("x", "n"), "column", ("n",)),
    (lambda: tc.matrix("x", 5, 4), "matrix", (5, 4)),
    (lambda: tc.matrix("x", (5, 4)), "matrix", (5, 4)),
    (lambda: tc.matrix("x", "k", "n"), "matrix", ("k", "n")),
    (lambda: tc.matrix("x", "k n"), "matrix", ("k", "n")),
    (lambda: tc.matrix("x", "k, 4"), "matrix", ("k", 4)),
    (lambda: tc.tensor("x", 2, "n", 4), "tensor", (2, "n", 4)),
    (lambda: tc.tensor("x", "a b c d"), "tensor", ("a", "b", "c", "d")),
    (lambda: tc.tensor("x"), "scalar", ()),
    (lambda: tc.variable("x", ()), "scalar", ()),
    (lambda: tc.variable("x", ""), "scalar", ()),
    (lambda: tc.variable("x", 4), "column", (4,)),
    (lambda: tc.variable("x", "4"), "column", (4,)),
    (lambda: tc.variable("x", (4, 1)), "matrix", (4, 1)),
    (lambda: tc.variable("x", [4, "n"]), "matrix", (4, "n")),
    (lambda: tc.variable("x", np.zeros((4, 1))), "matrix", (4, 1)),
    (lambda: tc.variable("x", np.float64(3)), "scalar", ()),
]


@pytest.mark.parametrize(("declare", "form", "shape"), DECLARATIONS)
def test_a_declaration_says_how_the_quantity_stands(declare, form, shape):
    t = declare()
    assert (t.name, t.form, t.shape, t.ndim) == ("x", form, shape, len(shape))


@pytest.mark.parametrize("name", ["self", "text", "np", "λ", "W_2", "sum", "_", "T"])
def test_any_identifier_names_a_quantity(name):
    assert tc.vector(name, 3).name == tc.define(name, tc.ones(3)).name == name


def test_equal_quantities_are_one_object():
    W, x = tc.matrix("W", 5, 4), tc.vector("x", 4)
    again = tc.matrix("W", 5, 4) @ tc.vector("x", 4)
    assert W @ x is again
    assert tc.define("v", W @ x) is tc.define("v", again)
    assert x.T is not x
    assert x.T.T is x
    assert {W @ x: 1}[again] == 1


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
@pytest.mark.parametrize("letter", ["S", "c", "r", "M", "T", "K"])
def test_a_copy_of_a_quantity_is_the_quantity(letter, duplicate):
    t = QUANTITIES[letter]
    assert duplicate(t) is t
    assert duplicate(tc.define("v", 2 * tc.tanh(t))) is tc.define("v", 2 * tc.tanh(t))


# ── broadcasting ─────────────────────────────────────────────────────────────────────────

FITS = rows(
    """
    S S scalar   S o column   S O matrix   S c column   S r row      S M matrix   S T tensor
    S n column   S l row      S K matrix   o o column   o O matrix   o c column   o r row
    o M matrix   o T tensor   o n column   o K matrix   O O matrix   O c column   O r row
    O M matrix   O T tensor   O l row      O K matrix   c c column   c e column   c C matrix
    c M matrix   r r row      r R matrix   r M matrix   C C matrix   C M matrix   R R matrix
    R M matrix   M M matrix   T T tensor   n n column   m K matrix   l K matrix   K K matrix
    c Q matrix   q Q matrix
    """,
    3,
)

REFUSED = rows(
    """
    c r  c q  c R  r C  C R  c d  q r  c N  r N  C N  R N  M N  T M  T c  T r  T U  T C
    m n  n l  m l  n K  c m  c n  c K  M K  T K  M Q  d Q  r Q
    """,
    2,
)


@pytest.mark.parametrize(("left", "right", "form"), FITS)
def test_what_fits_is_combined_entry_by_entry(left, right, form, values, matrices):
    for act in OPERATORS:
        for a, b in ((left, right), (right, left)):
            t = act(QUANTITIES[a], QUANTITIES[b])
            assert t.form == form
            assert_same(t, act(matrices[a], matrices[b]), values)


@pytest.mark.parametrize(("left", "right"), REFUSED)
def test_what_does_not_fit_is_refused_in_both_orders(left, right):
    for act in OPERATORS:
        for a, b in ((left, right), (right, left)):
            with pytest.raises(tc.ShapeError):
                act(QUANTITIES[a], QUANTITIES[b])


def test_a_named_dimension_does_not_broadcast_where_its_size_turns_out_to_be_1():
    t = QUANTITIES["K"] * QUANTITIES["m"]
    with pytest.raises(tc.ShapeError, match="m = 1, but K has m = 2"):
        t.evaluate(K=np.ones((2, 3)), m=np.ones(1))


@pytest.mark.parametrize("power", [2, 3, 1, 0, -1, 0.5, -2.5, np.int64(2), np.float32(2), True])
@pytest.mark.parametrize("letter", ["S", "c", "r", "M", "T", "n"])
def test_a_power_acts_entry_by_entry(letter, power, values, matrices):
    t = QUANTITIES[letter] ** power
    assert t.form == QUANTITIES[letter].form
    assert_same(t, matrices[letter] ** float(power), values)


@pytest.mark.parametrize("act", [operator.neg, operator.pos, abs])
@pytest.mark.parametrize("letter", ["S", "c", "r", "M", "T", "n"])
def test_signs_act_entry_by_entry(letter, act, values, matrices):
    t = act(QUANTITIES[letter] - 1)
    assert t.form == QUANTITIES[letter].form
    assert_same(t, act(matrices[letter] - 1), values)


# ── constants ────────────────────────────────────────────────────────────────────────────

CONSTANTS = [
    ("c", 3), ("c", 0.5), ("c", True), ("c", np.float64(2)), ("c", np.float32(2)),
    ("c", np.int64(3)), ("c", np.array(2.5)), ("c", np.array([[3.0]])), ("c", np.array([3.0])),
    ("c", np.arange(1, 5)), ("c", [1.0, 2.0, 3.0, 4.0]), ("c", np.full((4, 5), 2.0)),
    ("r", 2), ("r", np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])), ("r", np.full((4, 5), 2.0)),
    ("M", 2), ("M", np.arange(1, 5)), ("M", np.array([[1, 2, 3, 4, 5]])), ("M", np.ones((4, 1))),
    ("M", np.arange(1.0, 21.0).reshape(4, 5)), ("M", np.ones((4, 5), bool)),
    ("S", 2), ("S", np.arange(1, 5)), ("S", np.arange(1.0, 21.0).reshape(4, 5)),
    ("T", 2), ("T", np.full((2, 3, 4), 2)), ("n", 2),
]  # fmt: skip


@pytest.mark.parametrize(("letter", "constant"), CONSTANTS, ids=lambda c: str(c).replace("\n", ""))
def test_numbers_and_arrays_are_constants_on_either_side(letter, constant, values, matrices):
    array = np.asarray(constant, dtype=float)
    array = array.reshape(-1, 1) if array.ndim == 1 else array
    for act in OPERATORS:
        assert_same(act(QUANTITIES[letter], constant), act(matrices[letter], array), values)
        assert_same(act(constant, QUANTITIES[letter]), act(array, matrices[letter]), values)


@pytest.mark.parametrize("letter", ["c", "M"])
def test_an_array_multiplies_as_a_matrix_on_either_side(letter, values, matrices):
    left, right = np.arange(8.0).reshape(2, 4), np.arange(10.0).reshape(5, 2)
    assert_same(left @ QUANTITIES[letter], left @ matrices[letter], values)
    assert_same(QUANTITIES["M"] @ right, matrices["M"] @ right, values)


def test_a_constant_does_not_follow_its_array():
    array = np.ones(4)
    t = QUANTITIES["c"] * array
    array[:] = 100.0
    np.testing.assert_array_equal(t.evaluate(c=np.ones(4)), np.ones(4))


# ── products ─────────────────────────────────────────────────────────────────────────────

PRODUCTS = rows(
    """
    q c scalar   r d scalar   M d column   M N matrix   N c column   q M row      c r matrix
    c o column   o r matrix   c O matrix   O r matrix   C o column   R d column   c R matrix
    C r matrix   q C row      K n column   n l matrix   l n scalar   q Q row      Q c column
    o o column   O O matrix
    """,
    3,
)

NO_PRODUCT = rows("c c  c M  M c  r c  M M  r r  T c  c T  S c  M S  S S  K m  n n  K c", 2)


@pytest.mark.parametrize(("left", "right", "form"), PRODUCTS)
def test_a_matrix_product_sums_rows_against_columns(left, right, form, values, matrices):
    t = QUANTITIES[left] @ QUANTITIES[right]
    assert t.form == form
    assert_same(t, matrices[left] @ matrices[right], values)


@pytest.mark.parametrize(("left", "right"), NO_PRODUCT)
def test_a_matrix_product_refuses_what_does_not_join(left, right):
    with pytest.raises(tc.ShapeError):
        QUANTITIES[left] @ QUANTITIES[right]


@pytest.mark.parametrize("letter", ["S", "o", "O", "c", "r", "C", "R", "M", "n", "K"])
def test_a_transpose_turns_rows_and_columns(letter, values, matrices):
    t = QUANTITIES[letter]
    turned = {"column": "row", "row": "column"}.get(t.form, t.form)
    assert (t.T.form, t.T.T.form) == (turned, t.form)
    assert_same(t.T, matrices[letter].T, values)
    assert_same(t.T.T, matrices[letter], values)


A3 = np.arange(9.0).reshape(3, 3)
NAMED_PRODUCTS = [
    ("tc.dot(c, e)", "c.T @ e", "scalar"),
    ("tc.dot(q, e)", "c.T @ e", "scalar"),
    ("tc.outer(c, d)", "c @ d.T", "matrix"),
    ("tc.outer(q, r)", "c @ d.T", "matrix"),
    ("tc.frobenius(M, M * 2)", "(M * 2 * M).sum()", "scalar"),
    ("tc.frobenius(c, e)", "(c * e).sum()", "scalar"),
    ("tc.frobenius(T, T)", "(T * T).sum()", "scalar"),
    ("tc.trace(Q)", "np.trace(Q)", "scalar"),
    ("tc.trace(M @ N)", "np.trace(M @ N)", "scalar"),
    ("tc.diag(c)", "np.diag(c[:, 0])", "matrix"),
    ("tc.diag(r)", "np.diag(r[0])", "matrix"),
    ("tc.diag(n)", "np.diag(n[:, 0])", "matrix"),
    ("tc.diagonal(Q)", "np.diag(Q)", "column"),
    ("tc.norm(c)", "np.linalg.norm(c)", "scalar"),
    ("tc.norm(r)", "np.linalg.norm(r)", "scalar"),
    ("tc.norm(M)", "np.linalg.norm(M)", "scalar"),
    ("tc.norm(T)", "np.linalg.norm(T.ravel())", "scalar"),
    ("tc.norm(S)", "abs(S)", "scalar"),
    ("tc.einsum('ij,j->i', M, d)", "M @ d", "column"),
    ("tc.einsum('ij,kj->ik', M, M)", "M @ M.T", "matrix"),
    ("tc.einsum('ij->j', M)", "M.sum(0)", "column"),
    ("tc.einsum('ii->', Q)", "np.trace(Q)", "scalar"),
    ("tc.einsum('i , j -> j i', c, d)", "d @ c.T", "matrix"),
    ("tc.einsum('abc,b->ac', T, [1, 2, 3])", "np.einsum('abc,b->ac', T, [1, 2, 3])", "matrix"),
    ("tc.einsum('αβ,β->α', M, r)", "M @ d", "column"),
    ("tc.eye(4) @ c", "c", "column"),
    ("tc.eye('n') @ n", "n", "column"),
    ("tc.ones(4).T @ M", "M.sum(0)", "row"),
    ("tc.ones(2, 4) @ M", "np.ones((2, 4)) @ M", "matrix"),
    ("tc.zeros(4) + c", "c", "column"),
    ("tc.zeros('m', 'n') + K", "K", "matrix"),
    ("tc.ones(2, 3, 4) * T", "T", "tensor"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected", "form"), NAMED_PRODUCTS)
def test_a_named_product_has_the_value_of_numpys(code, expected, form, values, matrices):
    t = eval(code, {"tc": tc}, dict(QUANTITIES))
    assert t.form == form
    assert_same(t, eval(expected, {"np": np}, dict(matrices)), values)


# ── reductions and functions along an axis ───────────────────────────────────────────────

REDUCTIONS = {"sum": np.sum, "mean": np.mean}
REDUCED = [
    ("S", None, "scalar"), ("c", None, "scalar"), ("r", None, "scalar"), ("M", None, "scalar"),
    ("T", None, "scalar"), ("K", None, "scalar"), ("M", 0, "row"), ("M", 1, "column"),
    ("K", 0, "row"), ("K", 1, "column"), ("c", 0, "scalar"), ("c", 1, "column"),
    ("r", 1, "scalar"), ("r", 0, "row"), ("n", None, "scalar"), ("C", 0, "row"), ("R", 1, "column"),
]  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(("letter", "axis", "form"), REDUCED)
def test_a_reduction_of_axis_0_gives_a_row_and_of_axis_1_a_column(
    name, letter, axis, form, values, matrices
):
    t = getattr(tc, name)(QUANTITIES[letter], *([] if axis is None else [axis]))
    assert t.form == form
    expected = REDUCTIONS[name](matrices[letter], axis=axis, keepdims=axis is not None)
    assert_same(t, expected, values)


def softmax(x, axis):
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


ALONG = {
    "softmax": softmax,
    "log_softmax": lambda x, axis: np.log(softmax(x, axis)),
    "logsumexp": lambda x, axis: np.log(np.exp(x).sum(axis, keepdims=True)),
}
ALONG_AN_AXIS = [("c", None, 0), ("c", 0, 0), ("r", None, 1), ("r", 1, 1), ("n", None, 0),
                 ("M", 0, 0), ("M", 1, 1), ("K", 0, 0), ("K", 1, 1), ("C", 0, 0)]  # fmt: skip


@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize(("letter", "axis", "along"), ALONG_AN_AXIS)
def test_a_function_along_an_axis_takes_a_vector_or_a_matrix_with_axis(
    name, letter, axis, along, values, matrices
):
    t = getattr(tc, name)(QUANTITIES[letter], *([] if axis is None else [axis]))
    reduced = "row" if along == 0 else "column"
    if name != "logsumexp":
        reduced = QUANTITIES[letter].form
    elif QUANTITIES[letter].form in ("column", "row"):
        reduced = "scalar"
    assert t.form == reduced
    assert_same(t, ALONG[name](matrices[letter], along), values)


@pytest.mark.parametrize("name", [*REDUCTIONS, *ALONG])
def test_axis_may_be_given_by_name(name):
    apply = getattr(tc, name)
    assert apply(QUANTITIES["M"], axis=0) is apply(QUANTITIES["M"], 0)


@pytest.mark.parametrize("name", ALONG)
def test_a_function_along_an_axis_survives_large_entries(name, values):
    t = getattr(tc, name)(QUANTITIES["c"])
    near = t.evaluate(values)
    far = t.evaluate(c=values["c"] + 1000.0)
    np.testing.assert_allclose(far, near + (1000.0 if name == "logsumexp" else 0.0))


FUNCTIONS = {
    "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1,
    "sqrt": math.sqrt, "square": lambda u: u * u, "abs": abs, "reciprocal": lambda u: 1 / u,
    "sign": lambda u: math.copysign(1.0, u), "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "arcsin": math.asin,
    "arccos": math.acos, "arctan": math.atan, "erf": math.erf,
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)), "relu": lambda u: max(u, 0.0),
    "softplus": lambda u: math.log(1 + math.exp(u)), "silu": lambda u: u / (1 + math.exp(-u)),
    "gelu": lambda u: u * (1 + math.erf(u / math.sqrt(2))) / 2,
}  # fmt: skip


@pytest.mark.parametrize("letter", ["S", "c", "r", "M", "T", "n"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_acts_entry_by_entry_and_keeps_the_form(name, letter, values, matrices):
    t = getattr(tc, name)(QUANTITIES[letter] / 2 - 0.2)  # between 0.05 and 0.8
    assert t.form == QUANTITIES[letter].form
    assert_same(t, np.vectorize(FUNCTIONS[name])(matrices[letter] / 2 - 0.2), values)


def test_mean_counts_named_dimensions_when_they_are_known():
    t = tc.mean(QUANTITIES["K"])
    for shape in ((1, 1), (2, 3), (4, 7)):
        assert float(t.evaluate(K=np.arange(np.prod(shape)).reshape(shape))) == pytest.approx(
            (np.prod(shape) - 1) / 2
        )


def test_an_empty_sum_is_0_and_an_empty_mean_or_maximum_is_refused():
    K, empty = QUANTITIES["K"], np.zeros((0, 3))
    assert float(tc.sum(K).evaluate(K=empty)) == 0.0
    assert tc.sum(K, 0).evaluate(K=empty).tolist() == [[0.0, 0.0, 0.0]]
    assert tc.mean(K, 1).evaluate(K=empty).shape == (0,)
    for t in (tc.mean(K), tc.mean(K, 0), tc.logsumexp(K, 0), tc.softmax(K, 0)):
        with pytest.raises(tc.ShapeError, match="m, which has size 0"):
            t.evaluate(K=empty)


SQUARES = ["tc.norm(u) ** 2", "tc.sum(u ** 2)", "tc.sum(u * u)", "tc.frobenius(u, u)",
           "u.T @ u", "tc.dot(u, u)"]  # fmt: skip


@pytest.mark.parametrize("code", SQUARES)
@pytest.mark.parametrize("u", [QUANTITIES["c"], QUANTITIES["n"], QUANTITIES["M"]], ids=repr)
def test_every_spelling_of_the_square_of_a_norm_is_one_quantity(code, u):
    if u.form == "matrix" and code in ("u.T @ u", "tc.dot(u, u)"):
        u = tc.define("u", QUANTITIES["M"] @ tc.ones(5))
    t = eval(code, {"tc": tc, "u": u})
    assert tc.derivative(t, u).value is tc.derivative(tc.norm(u) ** 2, u).value
    zeros = {name: np.zeros(shape_in_numbers(u)) for name in [u.name]}
    if u.name != "u":
        assert not tc.gradient(t, u).evaluate(zeros).any()


# ── entries, definitions, functions of one's own ─────────────────────────────────────────

ENTRIES = [("c[0]", "c[0, 0]"), ("c[-1]", "c[3, 0]"), ("c[3]", "c[3, 0]"), ("r[2]", "r[0, 2]"),
           ("M[1, 2]", "M[1, 2]"), ("M[-1, -2]", "M[3, 3]"), ("T[1, 2, 3]", "T[1, 2, 3]"),
           ("S[()]", "S[0, 0]"), ("n[1]", "n[1, 0]"), ("(M @ d)[2]", "(M @ d)[2, 0]"),
           ("(2 * c)[0] * c[1]", "2 * c[0, 0] * c[1, 0]")]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), ENTRIES)
def test_constant_numbers_pick_one_entry(code, expected, values, matrices):
    matrices["S"] = matrices["S"].reshape(1, 1)
    t = eval(code, {}, dict(QUANTITIES))
    assert t.form == "scalar"
    assert_same(t, eval(expected, {}, dict(matrices)), values)


def test_a_definition_has_the_value_form_and_shape_of_what_it_names(values, matrices):
    for letter, t in QUANTITIES.items():
        named = tc.define("v", 2 * t)
        assert (named.name, named.form, named.shape) == ("v", t.form, t.shape)
        assert_same(named, 2 * matrices[letter], values)


def test_a_function_of_ones_own_is_evaluated_and_differentiated_by_its_callables(values):
    cube = tc.function("cube", value=lambda u: u**3, derivative=lambda u: 3 * u**2)
    c = QUANTITIES["c"]
    np.testing.assert_allclose(cube(c).evaluate(values), values["c"] ** 3)
    slope = tc.derivative(cube(c), c).evaluate(values)
    np.testing.assert_allclose(slope, np.diag(3 * values["c"] ** 2))
    assert cube(QUANTITIES["r"]).form == "row"


def test_an_abstract_function_is_differentiated_as_often_as_one_likes_and_has_no_value():
    f, S = tc.function("f"), QUANTITIES["S"]
    assert repr(tc.derivative(f(S), S)).startswith("∂(f(S))/∂S = f′(S)")
    with pytest.raises(tc.NotSupportedError, match="the value of f′, an abstract function"):
        tc.derivative(f(S), S).evaluate(S=1.0)
    assert f(S) is tc.function("f")(S)


# ── what a quantity is not ───────────────────────────────────────────────────────────────

REFUSALS = {
    "==": lambda t: t == t, "!=": lambda t: t != 1, "if t < 1": lambda t: bool(t < 1),
    "in a list": lambda t: t in [QUANTITIES["C"]], "contains": lambda t: 1 in t, "if": bool,
    "and": lambda t: t and 1, "not": lambda t: not t, "iteration": iter,
    "unpacking": lambda t: [*t],
    "float": float, "complex": complex, "asarray": np.asarray, "array": lambda t: np.array([t, t]),
    "sum": sum, "max": lambda t: max(t, t * 2), "sorted": lambda t: sorted([t, t * 2]),
    "np.dot": lambda t: np.dot(t, t), "text": lambda t: t + "a", "None": lambda t: t * None,
    "bytes": lambda t: b"a" @ t, "complex number": lambda t: t * 1j, "NaN": lambda t: t + np.nan,
    "objects": lambda t: t + object(), "None index": lambda t: t[None],
    "boolean index": lambda t: t[True], "fraction index": lambda t: t[0.5], "/ 0": lambda t: t / 0,
}  # fmt: skip


@pytest.mark.parametrize("letter", ["S", "c", "r", "M"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_quantity_refuses_to_stand_for_its_value(refusal, letter):
    with pytest.raises(tc.TensorCalcError):
        REFUSALS[refusal](QUANTITIES[letter])


@pytest.mark.parametrize("name", ["maximum", "minimum", "power"])
def test_numpys_functions_of_two_arguments_take_quantities(name):
    x, at = tc.vector("x", 3), np.array([0.5, 1.5, 2.0])
    function = getattr(np, name)
    for found, expected in (
        (function(x, 1.0), function(at, 1.0)),
        (function(x, x + 1), function(at, at + 1)),
        (function(at, x), function(at, at)),
    ):
        np.testing.assert_allclose(found.evaluate(x=at), expected)


@pytest.mark.parametrize(
    ("text", "printed"),
    [("W @ X + b @ ones(1, 5)", "W X + b 1ᵀ"), ("X.T @ W.T + ones(5, 1) @ b.T", "Xᵀ Wᵀ + 1 bᵀ")],
)
def test_a_vector_repeated_by_a_matrix_of_ones_is_its_outer_product_with_ones(text, printed):
    assert repr(tc.program(text, W=(3, 4), X=(4, 5), b=3).result).startswith(f"{printed} : ")
