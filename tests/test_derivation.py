"""Derivations say what is true: a reader that knows only the print computes every line.

Each program's derivations are printed, read back by ``reader`` and ``pages``, and evaluated at
random points: the definitions in order, each step's formulas against each other and against
central differences of the definitions, the result against the program itself run with NumPy.
"""

from dataclasses import replace

import numpy as np
import pages
import pytest
from derivation_checks import (
    Check,
    Model,
    drawn,
    letter_faults,
    symbol_faults,
    word_faults,
)
from derivation_programs import CASES, MORE
from reader import ReadingError
from reader_values import FUNCTIONS, sigmoid, softmax

import tensorcalc as tc

WIDE = 100_000
DETAILS = ("full", "brief")


def printed(case, style, detail="full", width=WIDE):
    """The derivation as one line for each row."""
    d = case.derivative()
    told = d.derivation(style=style, detail=detail)
    if not any(s.label == "Given" for s in told.document.opening):  # brief: one line
        full = d.derivation(style=style).document
        told.document = replace(full, paragraphs=told.document.paragraphs, closing=())
    return told.text(width=width)


STYLES = ("chain", "index", "differential")
READ = [(style, detail) for style in STYLES for detail in DETAILS]


PAGES = [(c, *told) for c in (*CASES, *MORE) for told in READ]


@pytest.mark.parametrize(
    ("case", "style", "detail"), PAGES, ids=lambda p: p if isinstance(p, str) else p.name
)
def test_a_reader_agrees_with_every_line(case, style, detail):
    page = pages.Page(printed(case, style, detail))
    seeds = (1, 2) if detail == "full" and case in CASES else (1,)
    assert faults_of(page, case, style, seeds) == [], page.text


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("case", CASES[:14], ids=lambda c: c.name)
def test_broken_lines_say_the_same(case, style):
    page = pages.Page(printed(case, style, width=100))
    assert faults_of(page, case, style) == [], page.text


def faults_of(page, case, style, seeds=(1,)):
    """Whatever a reader would object to, each fault once."""
    faults = [*symbol_faults(page), *letter_faults(page), *word_faults(page)]
    for seed in seeds:
        try:
            faults += Check(page, seed, style=style, positive=case.positive).all()
        except ReadingError as fault:
            faults.append(str(fault))
    return list(dict.fromkeys(faults))


# ── the programs themselves, by NumPy ────────────────────────────────────────────────────


NUMPY = FUNCTIONS | {
    "sigmoid": sigmoid, "softmax": softmax, "norm": np.linalg.norm, "inv": np.linalg.inv,
    "solve": np.linalg.solve, "det": np.linalg.det, "trace": np.trace, "kron": np.kron,
    "logdet": lambda t: np.linalg.slogdet(t)[1], "norm1": lambda t: np.sum(np.abs(t)),
    "prod": np.prod, "var": np.var, "max": np.max,
    "sum": lambda t, axis=None: np.sum(t, axis=axis, keepdims=axis is not None),
    "mean": lambda t, axis=None: np.mean(t, axis=axis, keepdims=axis is not None),
}  # fmt: skip


COMPUTED = [c for c in CASES if "einsum" not in c.text and f"{c.wrt} = " not in c.text]


@pytest.mark.parametrize("case", COMPUTED, ids=lambda c: c.name)
def test_what_is_defined_is_what_the_program_computes(case):
    model = Model(pages.Page(printed(case, "chain")), 3, positive=case.positive)
    whole = np.random.default_rng(3)
    unused = {n: drawn(whole, whole_shape(s), True) for n, s in case.shapes.items()}
    names = {**NUMPY, **unused, **model.given}
    exec("\n".join(line.strip() for line in case.text.split(";")), names)
    value = np.reshape(names[case.of], np.shape(model.known[case.of]))
    np.testing.assert_allclose(model.known[case.of], value, rtol=1e-10)


def whole_shape(size):
    """A declared size as rows and columns."""
    return (1, 1) if size == () else size if isinstance(size, tuple) else (size, 1)


# ── the reader itself ────────────────────────────────────────────────────────────────────

CORRUPTED = [  # what is printed, what it is changed to, and a word of the fault
    ("one layer", "chain", "(2) ∂E/∂s = (s − y)ᵀ", "(2) ∂E/∂s = 2 (s − y)ᵀ", "differs"),
    ("one layer", "chain", "[h] = s_h − y_h", "[h] = s_h + y_h", "differs"),
    ("one layer", "chain", "= I[k=j] x_i", "= I[k=i] x_i", "runs to"),
    ("one layer", "chain", "I[h=k] s_h (1 − s_h)", "I[h=k] s_h (1 − y_h)", "differs"),
    ("one layer", "chain", "= x_i δ_j", "= x_j δ_i", "runs to"),
    ("one layer", "chain", "row gradient, 1 × 5", "row gradient, 1 × 4", "the step says"),
    ("one layer", "chain", "4 × 5     1 × 5     5 × 5", "4 × 5     5 × 1     5 × 5", "shapes"),
    ("one layer", "chain", "δ = ∂E/∂v", "ε = ∂E/∂v", "not defined"),
    ("one layer", "chain", "Define   v = W x", "Define   v = W y", "product of"),
    ("one layer", "chain", "h, k, j = 1…5", "h, s, j = 1…5", "letters and quantities"),
    ("one layer", "chain", "I[k=j] is 1 if k = j, else 0", "", "not explained"),
    ("one layer", "chain", "    σ(t) = 1/(1 + e⁻ᵗ), entry by entry", "", "not explained"),
    ("one layer", "chain", "G = ((s − y)", "G = ((s + y)", "differs"),
    ("one layer", "chain", "(2) ∂E/∂s = (s − y)ᵀ", "(2) ∂E/∂s = (s − y)", "is (5, 1)"),
    ("one layer", "index", "= Σ_k δ_k I[k=j] x_i", "= Σ_k δ_k x_i", "differs"),
    ("one layer", "differential", "(S − S²) dv         5", "(S + S²) dv         5", "differs"),
    ("one layer", "differential", "(s − y) : dW x", "(s − y) : dv x", "product"),
    ("one layer", "differential", "put in ds", "", "neither shape nor rule"),
    ("one layer", "differential", "dE = G : dW", "dE = S : dW", "between"),
    ("quadratic form", "differential", "P : B = tr", "A : B = tr", "are quantities"),
    ("batch layer", "chain", "is a column of ones, 1ᵀ a row of ones", "", "ones is not"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "style", "old", "new", "fault"), CORRUPTED)
def test_a_reader_finds_what_is_wrong(name, style, old, new, fault):
    case = next(c for c in CASES if c.name == name)
    text = printed(case, style)
    assert old in text, text
    page = pages.Page(text.replace(old, new, 1))
    assert any(fault in f for f in faults_of(page, case, style))


# ── steps as objects ─────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def told():
    case = CASES[0]
    rng = np.random.default_rng(5)
    values = {n: rng.normal(size=s) for n, s in case.shapes.items()}
    return case.derivative(), values


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("detail", DETAILS)
def test_a_step_arrives_where_the_derivative_is(told, style, detail):
    d, values = told
    steps = d.derivation(style=style, detail=detail)
    assert steps.verify()
    if style != "differential":
        np.testing.assert_allclose(steps[-1].after.evaluate(values), d.evaluate(values))


def test_the_value_of_a_step_is_what_it_shows(told):
    d, values = told
    step = d.derivation().step(2)
    s = 1 / (1 + np.exp(-values["W"] @ values["x"]))
    np.testing.assert_allclose(np.ravel(step.after.evaluate(values)), s - values["y"])
    assert step.shape == (1, 5)


def test_a_differential_is_linear_in_the_change(told):
    d, values = told
    steps = d.derivation(style="differential")
    change = np.random.default_rng(6).normal(size=(5, 4))
    wanted = np.sum(d.evaluate(values).T * change)
    for step in steps:
        np.testing.assert_allclose(step.after.evaluate({**values, "dW": change}), wanted)


def test_a_step_says_whether_it_holds(told):
    d, _ = told
    step = d.derivation().step(5)
    assert step.verify()
    assert not replace(step, lines=(step.lines[0], step.lines[-1] * 2)).verify()


@pytest.mark.parametrize("style", STYLES)
def test_a_wrong_result_is_found(told, style):
    D = told[0].derivation(style=style)
    D.result, right = 2 * D.result, D.result
    assert not D.verify()
    D.result = right
    assert D.verify()
    last = D.steps[-1]
    wrong = last.after * 2
    D.steps = (*D.steps[:-1], replace(last, after=wrong, lines=(wrong.expr, wrong.expr)))
    assert D.steps[-1].verify()
    assert not D.verify()
    assert D[:-1].verify()


@pytest.mark.parametrize("case", CASES[::3] + MORE[::3], ids=lambda c: c.name)
def test_what_the_steps_come_to_is_the_derivative(case):
    for style in STYLES:
        D = case.derivative().derivation(style)
        assert D.ends_at is not None
        assert D.verify()


def test_parts_of_a_derivation(told):
    steps = told[0].derivation()
    assert [s.number for s in steps[1:3]] == [2, 3]
    assert len(steps[1:3]) == 2
    assert steps[1:3].text().count("\n(") == 2
    assert steps[4] is steps.step(5)
    assert repr(steps) == str(steps) == steps.text()
    assert repr(steps.step(2)).startswith("(2) ∂E/∂s = (s − y)ᵀ")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: d.derivation(style="words"), ["style='words'", '"differential"']),
        (lambda d: d.derivation(detail="long"), ["detail='long'", '"full" or "brief"']),
        (lambda d: d.derivation().step(99), ["step 99", "1 to 6"]),
        (lambda d: d.derivation().step(0), ["step 0", "1 to 6"]),
        (lambda d: d.derivation().step(True), ["step True"]),
        (lambda d: d.derivation().step("2"), ["step '2'"]),
        (lambda d: d.derivation()["a"], ["['a'] of the derivation of ∂E/∂W", "6 steps"]),
        (lambda d: d.derivation()[99], ["[99]", "6 steps stand at places 0 to 5"]),
        (lambda d: d.derivation()[True], ["[True]", "6 steps"]),
        (lambda d: d.derivation()["a":"b"], ["slice", "6 steps"]),
        (lambda d: tc.plot.chain(d).save("/nonexist/x.svg"), ["/nonexist/x.svg", "no such file"]),
    ],
)
def test_what_a_derivation_does_not_have(told, call, words):
    with pytest.raises(tc.TensorCalcError) as error:
        call(told[0])
    said = "\n".join([str(error.value), *error.value.__notes__])
    assert all(w in said for w in words), said


# ── derivations without a chain, and what is held, given or named like a sign ──────────────


def derived(text, wrt, style="chain", detail="full", **shapes):
    p = tc.program(text, **shapes)
    d = tc.derivative(p.result, *(p[name] for name in wrt.split()))
    return d.derivation(style, detail=detail)


ZERO = [
    ("f = sum(y) + 0 * sum(x)", "x", {"x": 3, "y": 2}, "f meets a factor 0 on every path to x"),
    ("s = sign(x); E = sum(s)", "x", {"x": 3}, "E meets a factor 0 on every path to x"),
    ("E = sum(W @ x)", "x x", {"W": (2, 3), "x": 3}, "∂E/∂x does not depend on x"),
    ("E = norm(x)**2 + sum(y)", "x y", {"x": 3, "y": 2}, "∂E/∂x does not depend on y"),
]


@pytest.mark.parametrize("detail", ["full", "brief"])
@pytest.mark.parametrize("style", ["chain", "index", "differential"])
@pytest.mark.parametrize(("text", "wrt", "shapes", "why"), ZERO)
def test_a_derivative_that_is_zero_says_why(text, wrt, shapes, why, style, detail):
    D = derived(text, wrt, style, detail, **shapes)
    assert len(D) == 1
    assert " = 0 " in D.text()
    assert f"rule: {why}" in D.text()
    assert D.verify()
    assert not np.any(D.step(1).after.evaluate({n: np.ones(s) for n, s in shapes.items()}))


@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_a_quantity_by_itself_is_the_identity(style):
    p = tc.program("v = W @ x; E = sum(v)", W=(2, 3), x=3)
    assert "∂v/∂v = I" in p.derivative("v", "v").derivation(style).text()
    assert "∂E/∂E = 1" in p.derivative("E", "E").derivation(style).text()


@pytest.mark.parametrize(
    "text",
    [
        "u = W @ x; a = sign(u); b = sigmoid(u); E = norm(a + b)**2",
        "z = W @ x; m = where(z > 0, 1, 0); a = m * z; E = norm(a)**2",
    ],
)
@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_a_stage_whose_slope_is_zero_is_constant(text, style):
    D = derived(text, "W", style, W=(2, 3), x=3)
    assert D.verify()
    assert "∂a/∂u" not in D.text() or text.startswith("z")


def test_a_derivation_says_what_is_held_fixed():
    p = tc.program("v = W @ x; s = sigmoid(v); E = norm(s - v)**2 + norm(x)**2", W=(2, 3), x=3)
    held = tc.derivative(p["E"], p["x"], holding=[p["v"]])
    for detail in ("full", "brief"):
        text = held.derivation(detail=detail).text()
        assert "∂E/∂x|v" in text
        assert "v : 2 × 1 (held fixed)" in text


def test_a_derivation_of_a_given_array_names_it():
    p = tc.program("v = W @ x; s = sigmoid(v)", W=(5, 4), x=4)
    given = tc.from_array(np.arange(5.0), of="E", wrt=p["s"]) @ p.derivative("s", "W")
    text = given.derivation().text()
    assert "∂E/∂s = Kᵀ" in text
    assert "K = [0, 1, 2, 3, 4]ᵀ" in text
    assert "v = W x" in text
    with pytest.raises(tc.NotSupportedError, match="from an array that was given"):
        given.derivation("differential")


def test_a_multiple_and_a_part_are_not_told_as_the_whole():
    p = tc.program("v = W @ x; E = norm(v)**2 + sum(W)", W=(2, 3), x=3)
    d = p.derivative("E", "v")
    for multiple in (2 * d, -d, d / 3):
        with pytest.raises(tc.NotSupportedError, match="a multiple of ∂E/∂v"):
            multiple.derivation()
    part = d @ p.derivative("v", "W")
    assert "what comes via v" in part.derivation().text()
    with pytest.raises(tc.NotSupportedError, match="one contribution to a derivative"):
        part.derivation("differential")


def test_a_quantity_named_like_a_change_is_refused_where_changes_are_written():
    with pytest.raises(tc.NotSupportedError, match="writes dx for the change of x"):
        derived("E = x.T @ dx + norm(x)**2", "x", "differential", x=3, dx=3)
    assert derived("E = x.T @ dx + norm(x)**2", "x", x=3, dx=3).verify()


def test_names_of_stages_do_not_depend_on_what_else_is_alive():
    before = derived("norm(sigmoid(W @ x) - y)**2", "W", W=(2, 3), x=3, y=2).text()
    others = [tc.vector(name, 7) for name in "uvwz"]
    assert derived("norm(sigmoid(W @ x) - y)**2", "W", W=(2, 3), x=3, y=2).text() == before
    assert others


def test_the_gradient_has_a_name_though_its_names_are_taken():
    D = derived(
        "v = G @ x; E = norm(v - Γ)**2 * sum(G_)", "x", "differential", G=(3, 3), x=3, Γ=3, G_=2
    )
    assert D.verify()
    assert "dE = G2 : dx" in D.text()


def test_a_slice_of_a_change_is_told_by_entries():
    D = derived("u = W @ x; s = u[0:2] * u[1:3]", "x", "differential", W=(3, 3), x=3)
    assert D.verify()
    assert "put in du" not in D.text()


def test_the_second_part_of_differentials_defines_what_it_uses():
    text = derived("f = logsumexp(A @ x)", "x A", "differential", A=(3, 2), x=2).text()
    second = text[text.index("now by A") :]
    assert "du = dA x" in second
    assert "dv = v ⊙ du − (vᵀ du) v" in second


def test_layers_that_are_not_evenly_numbered_are_listed():
    names = [1, 2, 5, 9, 11]
    lines = [f"a{n} = tanh(c{n} * x)" for n in names]
    lines.append("E = " + " + ".join(f"sum(a{n})" for n in names))
    shapes = {"x": 3} | {f"c{n}": () for n in names}
    p = tc.program("\n".join(lines), shapes)
    text = p.derivative("E", "x").derivation().text()
    assert "for l = 1, 2, 5, 9, 11" in text


# ── deep networks ────────────────────────────────────────────────────────────────────────


def deep(depth=6):
    lines, shapes, before = [], {"a0": 3}, "a0"
    for layer in range(1, depth + 1):
        lines.append(f"a{layer} = tanh(W{layer} @ {before})")
        shapes[f"W{layer}"], before = (3, 3), f"a{layer}"
    return tc.program("\n".join([*lines, f"E = norm({before})**2"]), shapes)


@pytest.mark.parametrize("style", STYLES)
def test_every_numbered_line_is_a_step_and_folding_can_be_undone(style):
    d = deep().derivative("E", "W1")
    for fold in (True, False):
        D = d.derivation(style, fold=fold)
        printed = [p.number for p in D.document.paragraphs if p.number is not None]
        assert [s.number for s in D.steps] == printed == list(range(1, len(D) + 1))
        assert [s.paragraph for s in D.steps] == list(D.document.paragraphs)
        assert ("for l = " in D.text()) is ("For l = " in D.text()) is fold
        assert D.verify()
    folded, whole = d.derivation(style), d.derivation(style, fold=False)
    assert len(folded) + sum(len(s.repeated) for s in folded) == len(whole)


def test_a_step_for_every_layer_holds_if_it_does_for_each():
    D = deep().derivative("E", "W1").derivation()
    step = next(s for s in D.steps if s.repeated)
    last = step.repeated[-1]
    assert step.verify()
    wrong = replace(last, lines=(last.after.expr, (2 * last.after).expr))
    assert not replace(step, repeated=(*step.repeated[:-1], wrong)).verify()


def test_steps_have_the_letters_that_are_printed():
    D = derived("q = norm(A @ x)**2", "x", "differential", x=4, A=(4, 4))
    assert [s.paragraph for s in D.steps] == list(D.document.paragraphs)
