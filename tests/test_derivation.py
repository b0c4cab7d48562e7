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
    if not told.document.opening:  # brief: what a program has named is not defined once more
        full = d.derivation(style=style).document
        told.document = replace(full, paragraphs=told.document.paragraphs, closing=())
    return told.text(width=width)


STYLES = ("chain", "index", "differential")
READ = [(style, "full") for style in STYLES] + [("chain", "brief"), ("differential", "brief")]


PAGES = [(c, *told) for c in CASES for told in READ]
PAGES += [(c, style, "full") for c in MORE for style in STYLES]


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
    ],
)
def test_what_a_derivation_does_not_have(told, call, words):
    with pytest.raises(tc.TensorCalcError) as error:
        call(told[0])
    said = "\n".join([str(error.value), *error.value.__notes__])
    assert all(w in said for w in words), said
