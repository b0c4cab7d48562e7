"""What derivations say in words and signs: one name, one spelling, no claim of another layout."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from derivation_programs import BACKPROP, CASES, MORE, case

import tensorcalc as tc
from tensorcalc.display.walk import pieces

ALL = CASES + MORE
STYLES = ("chain", "index", "differential")


def text_of(text, by, style="chain", detail="full", **shapes):
    return (
        case("", text, by, **shapes).derivative().derivation(style, detail=detail).text(width=400)
    )


@pytest.mark.parametrize("c", ALL, ids=lambda c: c.name)
def test_a_diagonal_matrix_is_spelled_in_one_way(c):
    text = c.derivative().derivation("differential").text()
    assert not (re.search(r"\bdiag\(", text) and re.search(r"\bDiag\(", text)), text


@pytest.mark.parametrize("style", ["chain", "index"])
@pytest.mark.parametrize("layout", ["denominator", "mixed"])
@pytest.mark.parametrize("c", ALL, ids=lambda c: c.name)
def test_a_rule_says_nothing_of_another_layout(c, layout, style):
    D = replace(c, layout=layout).derivative().derivation(style)
    rules = [p for para in D.document.paragraphs for rule in para.rules for p in rule]
    said = " ".join(p for p in rules if isinstance(p, str))
    assert not re.search(r"row gradient|a row times a|[a-z]ᵀ$|gradient 2 [a-z]ᵀ", said)


@pytest.mark.parametrize("style", ["chain", "index"])
@pytest.mark.parametrize("c", ALL, ids=lambda c: c.name)
def test_what_a_name_stands_for_is_put_in_on_a_step(c, style):
    """Where the last product is written in δ, the result is too, or a line says what it is."""
    D = c.derivative().derivation(style)
    last = [cell.math for row in D.steps[-1].paragraph.rows for cell in row.cells]
    result = [
        row.cells[0].math for s in D.document.closing for row in s.lines if s.label == "Result"
    ]
    in_names = lambda n: any(
        getattr(p, "name", "")[:1] in tuple("δΔεΕγΓ") and getattr(p, "name", "") for p in pieces(n)
    )
    if result and any(map(in_names, last)) and not any(map(in_names, result)):
        assert not in_names(last[-1])
        assert "rule: put in " in repr(D.steps[-1])


@pytest.mark.parametrize("style", STYLES)
def test_the_inverse_that_has_a_name_is_called_by_it(style):
    (gauss,) = (c for c in CASES if c.name == "Gaussian likelihood, factor")
    text = gauss.derivative().derivation(style).text()
    assert len(re.findall(r"S⁻[¹ᵀ]", text)) == 1


@pytest.mark.parametrize("style", STYLES)
def test_a_number_has_no_other_layouts(style):
    assert "layouts" not in text_of("y = t**2 * exp(t)", "y/t", style, t=())
    assert "Other layouts" in text_of("y = exp(t * x)", "y/t", style, t=(), x=3)


@pytest.mark.parametrize("name", ["max", "min"])
def test_what_the_derivative_is_at_a_tie_is_said_and_true(name):
    full = {"max": "maximum", "min": "minimum"}[name]
    p = tc.program(f"E = sum({full}(x, y))", x=3, y=3)
    d = p.derivative("E", "x")
    a, b = {"max": "xy", "min": "yx"}[name]
    said = f"[{a} > {b}] is 1 if {a} > {b}, else 0; ½ where {a} = {b}, as the derivative of {name}"
    assert said in d.derivation().text()
    other = 1.0 if name == "max" else 0.0
    at = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([1.0, 1.0, 4.0])}
    np.testing.assert_allclose(np.ravel(d.evaluate(at)), [0.5, other, 1 - other])
    plain = text_of("E = sum(where(x > y, x, y))", "E/x", x=3, y=3)
    assert "[x > y] is 1 if x > y, else 0\n" in plain


def test_products_that_leave_entries_out_are_defined():
    text = text_of("E = prod(x)", "E/x", x=4)
    assert "∏₋₁(t) = for each entry of t, the product of all others" in text
    p = tc.program("E = prod(x)", x=4)
    text = tc.derivative(p["E"], p["x"], p["x"]).derivation().text()
    assert "∏₋₂(r) = for each choice of 2 entries of r, the product of all others" in text


def sizes_of(said):
    return tuple(map(int, re.findall(r"\d+", said)))


def ill_fitting(row):
    """Neighbours of a product of which the columns of one are not the rows of the next."""
    terms, found = [], []
    for cell in row.cells:
        if cell.sign != "·":
            terms.append([])
        terms[-1].append(sizes_of(cell.under))
    for term in terms:
        pairs = itertools.pairwise(term)
        found += [
            (a, b)
            for a, b in pairs
            if len(a) == len(b) == 2 and a[1] != b[0] and (1, 1) not in (a, b)
        ]
        ends = (term[0][0], term[-1][-1])
        numbers = (1, 1) in term
        whole = sizes_of(row.left.under)
        if all(len(t) == 2 for t in (*term, whole)) and whole != ends and not numbers:
            found.append((whole, ends))
    return found


LAYOUTS = ("numerator", "denominator", "mixed")


@pytest.mark.parametrize("detail", ["full", "brief"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("c", CASES, ids=lambda c: c.name)
def test_the_factors_of_a_chain_fit(c, layout, detail):
    D = replace(c, layout=layout).derivative().derivation(detail=detail)
    rows = [r for p in D.document.paragraphs for r in p.rows]
    told = [r for r in rows if r.left and r.left.under and all(cell.under for cell in r.cells)]
    plain = [r for r in told if "…" not in [cell.under for cell in r.cells]]
    assert [fault for row in plain for fault in ill_fitting(row)] == []
    assert not re.search(r"\(\d+,\)", D.text())


HESSIANS = [
    (BACKPROP, {"W": (5, 4), "x": 4, "y": 5}),
    ("E = logsumexp(A @ x)", {"A": (4, 3), "x": 3}),
    ("E = (x - m).T @ S @ (x - m)", {"S": (3, 3), "x": 3, "m": 3}),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("text", "shapes"), HESSIANS)
def test_the_factors_of_a_second_derivative_fit(text, shapes, layout):
    p = tc.program(text, shapes)
    D = tc.hessian(p["E"], p["x"]).to(layout).derivation()
    rows = [r for q in D.document.paragraphs for r in q.rows if r.left and r.left.under]
    assert [fault for row in rows for fault in ill_fitting(row)] == []
    assert "∂E/∂x as a column" in D.document.convention


BRIEF = ("v = W @ x; s = tanh(v); E = sum(s)", "E/W", {"W": (2, 3), "x": 3})


def test_the_brief_chain_says_first_what_its_names_are():
    program, by, shapes = BRIEF
    first = text_of(program, by, detail="brief", **shapes).splitlines()[0]
    assert first == "with v = W x, s = tanh(v), E = 1ᵀ s"


def test_the_brief_index_style_has_a_line_for_every_factor_and_every_product():
    program, by, shapes = BRIEF
    lines = text_of(program, by, "index", "brief", **shapes).splitlines()
    said = [line.strip() for line in lines[lines.index("") + 1 :] if line.startswith(("∂", "δ"))]
    heads = [re.split(r"\s+=", line)[0] for line in said]
    factors = ["∂E/∂s_h", "∂s_h/∂v_k", "∂v_k/∂W_ji"]
    assert heads == ["∂E/∂W_ji", *factors, "δ_k", "∂E/∂W_ji"]
    assert "= Σ_k δ_k I[k=j] x_i = " in " ".join(said[-1].split())


def test_the_softmax_of_each_row_is_said_once_and_written_without_an_axis():
    p = tc.program("P = softmax(X @ W, axis=1); E = norm(P - Y)**2", X=(8, 3), W=(3, 2), Y=(8, 2))
    d = p.derivative("E", "W")
    text = d.derivation().text()
    assert "axis" not in text
    assert (
        text.count("softmax(t) = ") == text.count("softmax(t) = eᵗ / Σ eᵗ, in each row of t") == 1
    )
    assert r"\operatorname{softmax}\left(U\right)" in d.derivation().latex()


@pytest.mark.parametrize(
    "text", ["v = W @ x; p = log_softmax(v); p[0]", "p = softmax(W @ x); p[0]"]
)
def test_the_rules_of_softmax_use_no_letter_of_an_axis(text):
    p = tc.program(text, W=(3, 4), x=4)
    said = tc.derivative(p.result, p["W"]).derivation().text()
    assert re.search(r"rule: .*softmax", said)
    assert not re.search(r"rule: .*softmax.*_[ij]", said)


def test_rows_of_the_identity_are_told_to_be_rows_of_it():
    d = tc.program("E = norm(X[0:2, :])**2", X=(5, 4)).derivative("E", "X")
    text = d.derivation().text()
    assert "I[0:2, :]: these rows or columns of the identity matrix, counted from 0" in text


def test_a_condition_is_told_without_a_function_where():
    p = tc.program("F = sum(where(v > 0, v, 0))", v=5)
    text = p.derivative("F", "v").derivation().markdown()
    assert r"is 1 if $v \gt 0$, else 0" in text


ELBOW = "r = X @ w - y; E = sum(where(abs(r) < 1, r**2/2, abs(r) - 1/2))"
ELBOW_SHAPES = {"w": 3, "X": (6, 3), "y": 6}
LINK = "h = x + tanh(W @ x); E = norm(h - y)**2/2"
GAUSS = "L = logdet(S) + (x - m).T @ inv(S) @ (x - m)"
TWICE = "E = exp(-a*t**2) * sin(t)"
SAID = [  # what is told, and what must and must not stand on the page
    (
        LINK,
        "E/x",
        {"x": 4, "W": (4, 4), "y": 4},
        "differential",
        "A : (B + C) = A : B + A : C",
        "moves freely",
    ),
    (
        TWICE,
        "E/t",
        {"a": (), "t": ()},
        "differential",
        "(4) dE = r cos(t) dt − 2 q r a t dt     put in dc",
        "moves freely",
    ),
    (TWICE, "E/t", {"a": (), "t": ()}, "chain", "rule: power rule", "stands in 2 places"),
    (ELBOW, "E/w", ELBOW_SHAPES, "chain", "diag(1 − v)", "stands in 2 places"),
    (ELBOW, "E/w", ELBOW_SHAPES, "chain", "∂p/∂z = diag(v)", "nonzero"),
    (
        "z = W @ x; h = tanh(z); o = V @ h",
        "o/x",
        {"W": (5, 4), "x": 4, "V": (3, 5)},
        "chain",
        "scales its columns",
        "Jacobian times a diagonal",
    ),
    ("E = norm(A @ x)**2", "E/x", {"A": (5, 3), "x": 3}, "chain", "u = A x", "stands in"),
    (
        "E = norm(A @ x - b)**2 + c*norm(x)**2",
        "E/x",
        {"A": (5, 3), "x": 3, "b": 5, "c": ()},
        "chain",
        "u = A x − b",
        "stands in",
    ),
    (
        "A = tanh(Z); E = norm(A - Y)**2/(2*8)",
        "E/Z",
        {"Z": (3, 8), "Y": (3, 8)},
        "chain",
        "what multiplies it stays in front",
        "stands in",
    ),
    (
        "p = softmax(z); E = -sum(y*log(p))",
        "E/z",
        {"z": 3, "y": 3},
        "chain",
        "y ⊙ p ⊘ p",
        "2 places",
    ),
    (
        "p = softmax(z); E = -sum(y*log(p))",
        "E/z",
        {"z": 3, "y": 3},
        "chain",
        "what is divided by and multiplied with cancels",
        "2 places",
    ),
    (
        "E = sum(kron(A, B)**2)",
        "E/A",
        {"A": (2, 3), "B": (4, 5)},
        "chain",
        "∂E/∂A = 2 ‖B‖² Aᵀ    3 × 2, the shape of Aᵀ, U put in",
        "2 places",
    ),
]


@pytest.mark.parametrize(("text", "by", "shapes", "style", "said", "unsaid"), SAID)
def test_each_step_has_the_rule_that_fits_it(text, by, shapes, style, said, unsaid):
    told = text_of(text, by, style, **shapes)
    assert said in told
    assert unsaid not in told


def test_a_name_is_defined_before_a_differential_is_written_in_it():
    told = text_of(GAUSS, "L/S", "differential", S=(3, 3), x=3, m=3)
    assert told.index("U = S⁻¹") < told.index("Uᵀ : dS")


def test_the_brief_chain_ends_in_a_formula_and_has_a_rule_on_every_line():
    told = text_of("y = vec(X); E = norm(y)**2", "E/X", detail="brief", X=(2, 3))
    assert "∂E/∂X = 2 Xᵀ" in told
    program = "a = tanh(W1 @ x); b = tanh(W2 @ a); c = tanh(W3 @ b); E = norm(c)**2"
    shapes = {"W1": (3, 3), "W2": (3, 3), "W3": (3, 3), "x": 3}
    p = tc.program(program, shapes)
    (only,) = p.derivative("E", "W1").derivation(detail="brief").document.paragraphs
    assert all(re.fullmatch(r"\d × \d; [a-z ·]+", row.note[0]) for row in only.rows)


def test_diagonal_matrices_that_meet_are_one():
    p = tc.program(BACKPROP, {"W": (5, 4), "x": 4, "y": 5})
    D = tc.hessian(p["E"], p["x"]).derivation()
    result = next(line for line in D.text(width=400).splitlines() if line.startswith("Result"))
    assert result.count("diag(") == 1
    assert D.verify()


def test_a_quantity_by_itself_is_only_given():
    p = tc.program("v = W @ x; E = norm(v)**2", W=(3, 3), x=3)
    told = tc.derivative(p["E"], p["E"]).derivation().text()
    assert "Given    E : 1 × 1\n" in told
    assert "Define" not in told


def test_whether_to_fold_is_yes_or_no():
    d = case("", BACKPROP, "E/W", W=(5, 4), x=4, y=5).derivative()
    with pytest.raises(tc.TensorCalcError, match="fold='x'"):
        d.derivation(fold="x")
