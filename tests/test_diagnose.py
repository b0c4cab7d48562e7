"""``check`` judges a person's own answer: right, or wrong for a reason that it can name."""

import numpy as np
import pytest

import tensorcalc as tc

# A layer, a square one, a quadratic form and a batch, with the derivatives by hand in NumPy.
P = tc.program(
    """v = W @ x;  s = sigmoid(v);  E = norm(s - y)**2 / 2
    F = norm(S @ q)**2 / 2;  G = q.T @ S @ q;  u = sin(a)
    L = norm(K @ X)**2 / 2;  h = W.T @ s""",
    {"W": (5, 4), "x": 4, "y": 5, "S": (3, 3), "q": 3, "a": (), "K": "k n", "X": "n m"},
)
DRAW = np.random.default_rng(7)
AT = {name: DRAW.normal(size=P[name].shape) for name in ("W", "x", "y", "S", "q", "a")} | {
    "K": DRAW.normal(size=(2, 3)),
    "X": DRAW.normal(size=(3, 7)),
}
W, x, y, S, q, a, K, X = AT.values()
s = 1 / (1 + np.exp(-W @ x))
DELTA = (s - y) * s * (1 - s)
BOX = np.einsum("kj,i->kij", np.eye(5), x)
# ∂h_k/∂W_ij has two terms: W stands before s and in it
DENSE = np.einsum("kj,i->kij", np.eye(4), s) + np.einsum("ik,i,j->kij", W, s * (1 - s), x)

CASES = {
    "matrix": (P.derivative("E", "W"), np.outer(x, DELTA)),
    "row": (P.derivative("E", "x"), (DELTA @ W)[None]),
    "upright": (P.derivative("E", "x", layout="denominator"), (DELTA @ W)[:, None]),
    "gradient": (P.gradient("E", "W"), np.outer(DELTA, x)),
    "vector": (P.gradient("E", "x"), DELTA @ W),
    "Jacobian": (P.derivative("v", "x"), W),
    "box": (P.derivative("v", "W"), BOX),
    "3-tensor": (P.derivative("h", "W"), DENSE.transpose(0, 2, 1)),
    "square": (P.derivative("F", "S"), np.outer(q, S @ q)),
    "square gradient": (P.gradient("F", "S"), np.outer(S @ q, q)),
    "symmetric": (P.derivative("G", "S"), np.outer(q, q)),
    "number": (P.derivative("u", "a"), np.cos(a).reshape(1, 1)),
    "named": (P.derivative("L", "K"), X @ X.T @ K.T),
    "nothing": (P.derivative("E", "S"), np.zeros((3, 3))),
}


@pytest.mark.parametrize("name", CASES)
def test_an_answer_derived_by_hand_is_correct(name):
    d, right = CASES[name]
    verdict = d.check(right, at=AT)
    assert verdict.correct is bool(verdict) is True
    assert (verdict.cause, verdict.hint, verdict.factor) == (None, None, None)
    assert str(verdict) == repr(verdict) == f"✓ correct ({' × '.join(map(str, right.shape))})"


# name of the case, what was done to the right answer, the verdict's cause and factor,
# and words of its message and of its hint
ANSWERS = {
    # right, however it is written down
    "single precision": ("matrix", lambda A: A.astype(np.float32), None, None, "correct", ""),
    "a list": ("matrix", lambda A: A.tolist(), None, None, "correct", ""),
    "tuples": ("row", lambda A: tuple(map(tuple, A)), None, None, "correct", ""),
    "a column": ("upright", lambda A: [[n] for n in A[:, 0]], None, None, "correct", ""),
    "Fortran order": ("box", np.asfortranarray, None, None, "correct", ""),
    "six digits": ("matrix", lambda A: A * (1 + 1e-7), None, None, "correct", ""),
    "symmetric, transposed": ("symmetric", np.transpose, None, None, "correct", ""),
    "whole numbers": ("nothing", lambda A: np.zeros((3, 3), int), None, None, "correct", ""),
    # right in another layout
    "shape of W": ("matrix", np.transpose, "layout", None,
                   "right in denominator layout", "numerator layout is expected, 4 × 5; yours is"),
    "shape of Wᵀ": ("gradient", np.transpose, "layout", None,
                    "right in numerator layout", "mixed layout is expected, 5 × 4; yours is"),
    "one axis": ("row", np.ravel, "layout", None,
                 "right in mixed layout", "numerator layout is expected, 1 × 4"),
    "upright": ("row", np.transpose, "layout", None,
                "right in denominator layout", "numerator layout is expected, 1 × 4"),
    "lying": ("upright", np.transpose, "layout", None,
              "right in numerator layout", "denominator layout is expected, 4 × 1"),
    "Jᵀ": ("Jacobian", np.transpose, "layout", None, "right in denominator layout", "5 × 4"),
    "box in mixed layout": ("box", lambda A: A.transpose(0, 2, 1), "layout", None,
                            "right in mixed layout", "yours is mixed layout, 5 × 5 × 4"),
    # transposed: square, so that no shape tells
    "square, shape of S": ("square", np.transpose, "transposed", None,
                           "the transpose", "this is the denominator layout; numerator layout is"),
    "square, numerator form for the gradient": ("square gradient", np.transpose, "transposed",
        None, "the transpose: right in numerator layout", "this is the numerator layout"),
    # a constant
    "twice": ("matrix", lambda A: 2 * A, "factor", 2.0, "2 times", "1/2"),
    "half": ("matrix", lambda A: A / 2, "factor", 0.5, "1/2 times", "a factor 2 is missing"),
    "thrice": ("box", lambda A: 3 * A, "factor", 3.0, "3 times", "1/3"),
    "mean for sum": ("named", lambda A: A / 7, "factor", 1 / 7, "1/7", "a factor 7 is missing"),
    "π": ("matrix", lambda A: np.pi * A, "factor", np.pi, "3.14159 times", "0.31831"),
    "minus two": ("row", lambda A: -2 * A, "factor", -2.0, "−2 times", "−1/2"),
    # the sign
    "negative": ("matrix", np.negative, "sign", -1.0, "the negative of the answer", "turn"),
    "negative number": ("number", np.negative, "sign", -1.0, "the negative", "turn the sign"),
    "negative, symmetric": ("symmetric", lambda A: -A.T, "sign", -1.0, "negative", "sign"),
    # two of them
    "Wᵀ's negative": ("matrix", lambda A: -A.T, "layout and sign", -1.0,
                      "right in denominator layout, and the negative", "4 × 5; yours is"),
    "Wᵀ's double": ("matrix", lambda A: 2 * A.T, "layout and factor", 2.0,
                    "right in denominator layout, and 2 times", "a factor 1/2 is missing"),
    "Sᵀ's negative": ("square", lambda A: -A.T, "transposed and sign", -1.0,
                      "the transpose", "transpose it; turn the sign"),
    "Sᵀ's third": ("square", lambda A: A.T / 3, "transposed and factor", 1 / 3,
                   "and 1/3 times the answer", "a factor 3 is missing"),
    # another shape
    "summed over the columns": ("matrix", lambda A: A.sum(0), "shape", None,
        "wrong shape: 5 where 4 × 5 is expected", "the axis of W's columns (4) is missing"),
    "summed over the rows": ("matrix", lambda A: A.sum(1), "shape", None,
        "wrong shape: 4 where 4 × 5 is expected", "the axis of W's rows (5) is missing"),
    "summed over both": ("matrix", np.sum, "shape", None, "wrong shape: a scalar where 4 × 5",
        "the axis of W's columns (4) and the axis of W's rows (5) are missing"),
    "a slice of the box": ("box", lambda A: A[0], "shape", None, "wrong shape: 4 × 5",
                           "(5) is missing"),
    "an axis too many": ("matrix", lambda A: np.stack([A] * 7), "shape", None,
                         "wrong shape: 7 × 4 × 5", "an axis of size 7 is too many: sum over it"),
    "a part of the columns": ("matrix", lambda A: A[:, :2], "shape", None, "wrong shape: 4 × 2",
        "the axis of W's rows has size 5, yours 2"),
    "axes in no layout's order": ("box", lambda A: A.transpose(1, 0, 2), "shape", None,
                                  "wrong shape: 4 × 5 × 5", "the axes stand in another order"),
    "samples left standing": ("named", lambda A: np.stack([A] * 7, -1), "shape", None,
                              "wrong shape: 3 × 2 × 7", "size 7 is too many"),
    "one row of numbers": ("matrix", np.ravel, "shape", None,
        "right values, wrong shape: 20 where 4 × 5 is expected", "reshape it to 4 × 5"),
    "Wᵀ's numbers in one row": ("matrix", lambda A: A.T.ravel(), "shape and layout", None,
        "wrong shape: 20 where 4 × 5 is expected; reshaped to 5 × 4, right in denominator layout",
        "reshape it to 5 × 4; numerator layout is expected, 4 × 5"),
    "Wᵀ's double in one row": ("matrix", lambda A: 2 * A.T.ravel(), "shape and layout and factor",
        2.0, "reshaped to 5 × 4, right in denominator layout, and 2 times the answer",
        "a factor 1/2 is missing"),
    "Sᵀ's numbers in one row": ("square", lambda A: A.T.ravel(), "shape and transposed", None,
        "reshaped to 3 × 3, the transpose: right in denominator layout",
        "reshape it to 3 × 3; this is the denominator layout"),
    "minus the numbers in one row": ("matrix", lambda A: -A.ravel(), "shape and sign", -1.0,
        "wrong shape: 20 where 4 × 5 is expected; reshaped to 4 × 5, the negative of the answer",
        "reshape it to 4 × 5; turn the sign"),
    "no entries": ("row", lambda A: [], "shape", None, "wrong shape: 0", "of x (4)"),
    # none of these
    "one entry off": ("matrix", lambda A: A + 0.5 * (np.arange(20).reshape(4, 5) == 7),
        "not found", None, "right shape (4 × 5), wrong values; no cause found", "entry [1, 2]"),
    "σ′ left out": ("matrix", lambda A: np.outer(x, s - y), "slope", None,
                    "of the elementwise function σ is missing", "multiply by σ′"),
    "nothing at all": ("matrix", lambda A: 0 * A, "not found", None, "no cause", "entry"),
    "something for nothing": ("nothing", lambda A: A + 1, "not found", None, "no cause", "entry"),
    "twice a number": ("number", lambda A: 2 * A, "not found", None, "no cause", "entry [0, 0]"),
}  # fmt: skip


@pytest.mark.parametrize("done", ANSWERS)
def test_the_cause_of_a_wrong_answer_is_named(done):
    name, change, cause, factor, message, hint = ANSWERS[done]
    d, right = CASES[name]
    verdict = d.check(change(right), at=AT)
    assert verdict.cause == cause, verdict
    assert verdict.correct is bool(verdict) is (cause is None)
    assert message in verdict.message
    assert hint in (verdict.hint or "")
    assert verdict.factor == (None if factor is None else pytest.approx(factor))
    mark, *rest = str(verdict).split("\n")
    assert mark == f"{'✓' if cause is None else '✗'} {verdict.message}"
    assert rest == ([] if cause is None else [f"  hint: {verdict.hint}"])


@pytest.mark.parametrize("layout", ["numerator", "denominator", "mixed"])
def test_every_layout_expects_its_own_and_recognises_the_others(layout):
    d, _ = CASES["3-tensor"]
    views = {
        "numerator": DENSE.transpose(0, 2, 1),
        "denominator": DENSE.transpose(1, 2, 0),
        "mixed": DENSE,
    }
    for name, view in views.items():
        verdict = d.to(layout).check(view, at=AT)
        assert verdict.correct is (name == layout)
        assert verdict or verdict.message == f"right in {name} layout"


def test_a_derivative_that_is_all_rounding_is_judged_on_the_scale_of_the_function():
    z = tc.vector("z", 4)
    S = tc.define("S", tc.sum(tc.exp(tc.log(tc.softmax(z)))))
    d = tc.derivative(S, z)
    at = {"z": np.array([0.3, -1.2, 2.0, 0.7])}
    assert d.verify(at=at)
    assert d.check(np.zeros((1, 4)), at=at)
    assert d.check(1e-16 * np.array([[1.0, -1.0, 2.0, 0.0]]), at=at)
    assert d.check(np.full((1, 4), 1e-6), at=at).cause == "not found"


def test_small_derivatives_are_judged_by_their_own_size():
    x = tc.vector("x", 3)
    d = tc.derivative(tc.define("E", 1 + 1e-9 * tc.norm(x) ** 2), x)
    at = {"x": np.array([1.0, 2.0, 3.0])}
    right = d.evaluate(at)
    assert d.check(right, at=at)
    assert d.check(2 * right, at=at).cause == "factor"
    assert d.check(0 * right, at=at).cause == "not found"


# ── answers as quantities ────────────────────────────────────────────────────────────────

DELTA_OF = (P["s"] - P["y"]) * P["s"] * (1 - P["s"])

QUANTITIES = {
    "product": ("matrix", P["x"] @ DELTA_OF.T, None),
    "shape of W": ("matrix", DELTA_OF @ P["x"].T, "layout"),
    "twice": ("matrix", 2 * P["x"] @ DELTA_OF.T, "factor"),
    "negative": ("matrix", -P["x"] @ DELTA_OF.T, "sign"),
    "σ′ left out": ("matrix", P["x"] @ (P["s"] - P["y"]).T, "slope"),
    "row": ("row", DELTA_OF.T @ P["W"], None),
    "column for a row": ("row", P["W"].T @ DELTA_OF, "layout"),
    "scalar for a row": ("row", P["E"], "shape"),
    "variable": ("Jacobian", P["W"], None),
    "row times column": ("square", P["q"] @ (P["S"] @ P["q"]).T, None),
    "column times row": ("square", P["S"] @ P["q"] @ P["q"].T, "transposed"),
    "named dims": ("named", P["X"] @ P["X"].T @ P["K"].T, None),
    "a quantity of its own": ("matrix", tc.vector("r", 4) @ DELTA_OF.T, "not found"),
    "derivative": ("matrix", P.derivative("E", "W"), None),
    "derivative in denominator layout": (
        "matrix",
        P.derivative("E", "W", layout="denominator"),
        "layout",
    ),
    "chain of derivatives": ("matrix", P.derivative("E", "v") @ P.derivative("v", "W"), None),
    "derivative of something else": ("matrix", P.derivative("v", "W"), "shape"),
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_formula_is_judged_at_a_drawn_point_and_at_a_given_one(name):
    case, answer, cause = QUANTITIES[name]
    d, _ = CASES[case]
    assert d.check(answer).cause == cause
    assert d.check(answer, at=AT | {"r": np.arange(4.0)}).cause == cause


def test_check_answer_is_the_method_as_a_function():
    d, right = CASES["matrix"]
    assert tc.check_answer(right, d, at=AT) == d.check(right, at=AT)
    assert tc.check_answer(-right, d, AT) == d.check(-right, AT)
    assert tc.check_answer(P["x"] @ DELTA_OF.T, d, seed=3)


def test_values_may_be_given_by_quantity_and_as_columns():
    d, right = CASES["row"]
    values = {P["W"]: W, P["x"]: x[:, None], P["y"]: y[:, None].tolist()}
    assert d.check(right, at=values)


# ── refusals ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (np.full((4, 5), np.nan), "the answer contains NaN or infinite entries", "finite"),
        (np.full((4, 5), np.inf), "the answer contains NaN or infinite entries", "finite"),
        (np.full((4, 5), 1j), "the answer is ndarray of complex128", "give the numbers"),
        ("x δᵀ", "the answer is str of", "give the numbers"),
        ([["0.5"] * 5] * 4, "the answer is list of", "give the numbers"),
        (None, "the answer is NoneType of object", "give the numbers"),
        ([[1.0], [2.0, 3.0]], "the answer is list of object", "give the numbers"),
        ({"W": 1.0}, "the answer is dict of object", "give the numbers"),
        (np.tanh, "the answer is ufunc of object", "give the numbers"),
    ],
    ids=["NaN", "inf", "complex", "text", "texts", "None", "ragged", "dict", "function"],
)
def test_answers_that_are_no_finite_real_arrays_are_refused(answer, message, hint):
    with pytest.raises(tc.ValueNotAllowedError, match=message) as caught:
        CASES["matrix"][0].check(answer, at=AT)
    assert hint in caught.value.hint


def test_numbers_without_the_values_they_were_computed_at_are_refused():
    d, right = CASES["matrix"]
    with pytest.raises(tc.MissingValueError, match=r"an array checked against ∂E/∂W") as caught:
        d.check(right)
    assert caught.value.hint == "pass them: d.check(answer, at=dict(W=…, x=…, y=…))"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.full(4, np.nan)}, tc.ValueNotAllowedError, "value of x contains NaN"),
        ({"x": np.ones(5)}, tc.ShapeError, "x is declared 4, but its value is 5"),
        ({"W": "W"}, tc.ValueNotAllowedError, "value of W is text"),
    ],
)
def test_values_that_cannot_be_used_are_refused_by_name(change, error, message):
    d, right = CASES["matrix"]
    with pytest.raises(error, match=message):
        d.check(right, at=AT | change)


def test_a_value_left_out_is_asked_for():
    d, right = CASES["matrix"]
    with pytest.raises(tc.MissingValueError, match=r"∂E/∂W needs a value for y \(5\)"):
        d.check(right, at={"W": W, "x": x})


def test_a_formula_over_another_quantity_of_the_same_name_is_refused():
    with pytest.raises(tc.NameClashError, match="x names two quantities"):
        CASES["matrix"][0].check(tc.vector("x", 6))


# ── known faults ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "change",
    [lambda A: -A.astype(np.float32), lambda A: -A * (1 + 1e-8)],
    ids=["single precision", "differences"],
)
def test_the_sign_is_recognised_in_an_answer_with_rounding(change):
    d, right = CASES["matrix"]
    assert d.check(change(right), at=AT).cause == "sign"


def test_a_gradient_is_expected_in_the_shape_in_which_its_argument_was_given():
    d, _ = CASES["vector"]
    upright = AT | {"x": x[:, None]}
    assert d.evaluate(upright).shape == (4, 1)
    assert d.check(d.evaluate(upright), at=upright)


@pytest.mark.parametrize("decimals", [2, 3, 5])
def test_a_rounded_answer_is_right_to_some_digits(decimals):
    p = tc.program("v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2", W=(5, 4), x=4, y=5)
    rng = np.random.default_rng(0)
    at = {"W": rng.normal(size=(5, 4)), "x": rng.normal(size=4), "y": rng.normal(size=5)}
    gradient = p.gradient("E", "W")
    verdict = gradient.check(np.round(gradient.evaluate(at), decimals), at=at)
    assert not verdict.correct
    assert verdict.cause == "rounding"
    assert "digits, wrong beyond" in str(verdict)


# ── fifteen slips of students, at a layer and at two ─────────────────────────────────────

TWO = tc.program(
    "z = V @ r; h = tanh(z); p = sigmoid(U @ h); C = norm(p - t)**2 / 2; M = mean((p - t)**2)",
    V=(4, 3), r=3, U=(2, 4), t=2,
)  # fmt: skip
THERE = {n: DRAW.normal(size=TWO[n].shape) for n in ("V", "r", "U", "t")}
V, r, U, t = THERE.values()
h = np.tanh(V @ r)
p = 1 / (1 + np.exp(-U @ h))
e, top, mid = p - t, p * (1 - p), 1 - h**2
RIGHT = np.outer((U.T @ (e * top)) * mid, r)
SLIPS = {  # an answer for the gradient of C by V: its cause, and words of its message
    "nothing": (RIGHT, None, "correct"),
    "no σ′": (np.outer((U.T @ e) * mid, r), "slope", "elementwise function σ is missing"),
    "no tanh′": (np.outer(U.T @ (e * top), r), "slope", "elementwise function tanh is missing"),
    "neither": (np.outer(U.T @ e, r), "slope", "functions tanh and σ are missing"),
    "no σ′, and the sign": (np.outer((U.T @ -e) * mid, r), "slope and sign", "σ is missing, and"),
    "no σ′, and twice": (np.outer((U.T @ (2 * e)) * mid, r), "slope and factor", "and 2 times"),
    "a factor 2": (2 * RIGHT, "factor", "2 times the answer"),
    "a factor ½": (RIGHT / 2, "factor", "1/2 times the answer"),
    "the mean for the sum": (RIGHT / 2 * 2 / 3, "factor", "1/3 times the answer"),
    "the sign": (-RIGHT, "sign", "the negative"),
    "the transpose": (RIGHT.T, "layout", "right in numerator layout"),
    "the transpose, and twice": (2 * RIGHT.T, "layout and factor", "and 2 times"),
    "no outer product": (RIGHT[:, 0] / r[0], "shape", "wrong shape"),
    "rounded": (RIGHT.round(4), "rounding", "right to"),
    "the wrong input": (np.outer((U.T @ (e * top)) * mid, r[::-1]), "not found", "no cause found"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_the_cause_of_a_slip_is_found(name):
    answer, cause, words = SLIPS[name]
    verdict = TWO.gradient("C", "V").check(answer, at=THERE)
    assert verdict.cause == cause
    assert words in verdict.message
    if cause and "slope" in cause:
        assert "′, entry by entry, where the chain goes through" in verdict.hint


def test_a_slope_is_missed_in_every_layout_and_by_a_stage():
    forgotten = np.outer(r, (U.T @ e) * mid)
    assert TWO.derivative("C", "V").check(forgotten, at=THERE).cause == "slope"
    by_stage = TWO.derivative("C", "h").check((U.T @ e)[None], at=THERE)
    assert by_stage.cause == "slope"
    assert TWO.derivative("C", "p").check(np.ones((1, 2)), at=THERE).cause == "not found"
