"""Formulas among words: which are found, which words stay words, and what pages draw."""

import html
import re

import derivation_programs
import pytest
from batch_programs import NETWORKS

import tensorcalc as tc
from tensorcalc.display.document import Cell, Document, Paragraph, Row
from tensorcalc.display.mathml import math_element
from tensorcalc.display.notation import Atom, Notation, Transposed
from tensorcalc.display.spelling import spell
from tensorcalc.display.writers import write_markdown, write_page, write_text
from tensorcalc.display.writers.words import formula_places, with_formulas

NAMES = frozenset({"W", "x", "a", "A", "B", "E", "k", "j", "h", "i", "W1", "W_in", "lam", "I"})

# formulas stand between ⟦ and ⟧, spelt again
SENTENCES = [
    "⟦½‖u‖²⟧ has the row gradient ⟦uᵀ⟧",
    "⟦‖u‖²⟧ has the row gradient ⟦2 uᵀ⟧; a number stays in front",
    "⟦A : BC = BᵀA : C⟧, and ⟦B⟧ is symmetric",
    "⟦A : (B ⊙ C) = (A ⊙ B) : C⟧; ⟦A : bC = b (A : C)⟧; ⟦aᵀb = a : b⟧",
    "⟦A : B = tr(AᵀB) = Σ_ij A_ij B_ij⟧,  ⊙ multiplies entry by entry",
    "power rule: ⟦d(uᵖ) = p uᵖ⁻¹ du⟧, entry by entry",
    "quotient rule: ⟦d(a / b) = da / b − a db / b²⟧",
    "⟦d(X⁻¹) = −X⁻¹ dX X⁻¹⟧",
    "⟦d log|det X| = tr(X⁻¹ dX)⟧",
    "Jacobi: ⟦d det P = det(P) tr(P⁻¹ dP)⟧",
    "⟦tr(AB) = Aᵀ : B⟧, the trace is cyclic",
    "⟦erf(t) = 2/√π ∫₀ᵗ e^(−r²) dr⟧, entry by entry",
    "⟦gelu(t) = ½ t (1 + erf(t / √2))⟧, entry by entry",
    "⟦softmax(t, axis=1) = eᵗ / Σeᵗ⟧, in each row of ⟦t⟧",
    "log softmax has ⟦∂ / ∂z_j = I[i=j] − softmax(z)_j⟧",
    "⟦∂z2_m/∂W_ji|z1⟧: with ⟦z1⟧ held fixed",
    "an elementwise function has a diagonal Jacobian; ⟦σ′ = σ − σ²⟧",
    "⟦h⟧, ⟦j = 1…5⟧ (⟦h⟧ in s, ⟦j⟧ a row of ⟦W⟧),  ⟦i = 1…4⟧ (a column of ⟦W⟧)",
    "⟦I[k=(i, j)]⟧ is 1 if ⟦k⟧ is the place of (⟦i⟧, ⟦j⟧) in the order",
    "⟦W_in⟧ and ⟦a⟧ are held fixed, for ⟦W1 ← W1 − η G⟧",
    "put in ⟦dW1⟧, ⟦dW_in⟧ and ⟦dlam⟧; In ⟦W⟧'s shape",
    "1 as a factor is a column of ones, ⟦1ᵀ⟧ a row of ones",
    "2 ((u + v)) = w is not spelt so, and stays",
    # words, shapes and code stay as they are
    "A row times a diagonal matrix, a column times a row",
    "3-tensor, 5 × 4 × 5, in x-direction; 5 × 1 and k-fold",
    "I say it once: see norm(s - y)**2 / 2 and x.T @ y",
    "use and/or; It is so, e.g. 3 of 4 (see 2), by 2 paths",
    "the entry ⟦x[0]⟧ of every b to z, loss = none of these",
]


def written(prose):
    return "".join(p if isinstance(p, str) else f"⟦{spell(p)}⟧" for p in prose)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_formulas_are_told_from_words(sentence):
    plain = re.sub(r" (/) (?=[^Σ]*⟧)", r"\1", sentence).replace("Σe", "Σ e")
    plain = plain.replace("⟦", "").replace("⟧", "")
    assert written(with_formulas((plain,), NAMES)) == sentence


def test_formulas_that_stand_in_prose_are_parts_of_longer_ones():
    p, z = Atom("p"), Atom("z")
    prose = (p, " = softmax(", z, ") has the Jacobian diag(", p, ") − ", p, " ", Transposed(p))
    assert written(with_formulas(prose)) == "⟦p = softmax(z)⟧ has the Jacobian ⟦diag(p) − p pᵀ⟧"
    assert written(with_formulas((p, " reaches ", z, "."))) == "⟦p⟧ reaches ⟦z⟧."
    given = (p, " : 5 × 4", "      ", z, " : k × 1")
    assert written(with_formulas(given)) == "⟦p⟧ : 5 × 4      ⟦z⟧ : k × 1"


def test_marks_are_those_of_formulas():
    (formula,) = with_formulas(("A : BC = BᵀA : C",))
    assert isinstance(formula, Notation)
    drawn = math_element(formula)
    assert "<msup><mi>B</mi><mrow><mi>⊤</mi></mrow></msup>" in drawn
    assert drawn.count("<mi>") == 7


def documents():
    for case in (*derivation_programs.CASES, *derivation_programs.MORE):
        for style in ("chain", "index", "differential"):
            yield case.derivative().derivation(style=style).document
    for network in NETWORKS[::3]:
        yield tc.explain_batch(network.program["L"], network.program["Z1"]).document


def test_no_formula_of_a_page_is_left_among_the_words():
    for document in documents():
        page = write_page(document)
        page = re.sub(r'aria-label="[^"]*"', "", page[page.index("<body>") :])
        words = html.unescape(re.sub(r"<math.*?</math>|<[^>]*>", "", page, flags=re.DOTALL))
        assert not re.search(r"[ᵀ⁻‖½²′∂∫√]|\b[^\W\d]_\w", words), words


def test_markdown_has_them_between_dollars():
    case = derivation_programs.CASES[0]
    text = write_markdown(case.derivative().derivation(style="differential").document)
    assert r"$A : BC = B^{\top}A : C$, and $B$ is symmetric" in text


def formulas_said(document):
    """The formulas in reasons and remarks, as text writes them."""
    prose = [row.note for p in document.paragraphs for row in p.rows]
    prose += [line for p in document.paragraphs for line in (*p.rules, *p.remarks)]
    for part in prose:
        text = "".join(p if isinstance(p, str) else spell(p) for p in part)
        yield from (text[start:end] for start, end in formula_places(text))


@pytest.mark.parametrize("width", [100, 72])
def test_text_breaks_no_formula_that_fits_on_a_line(width):
    seen = 0
    for document in documents():
        text = write_text(document, width=width)
        for formula in formulas_said(document):
            seen += 1
            assert formula in text or len(formula) > width - 16
    assert seen > 500


def test_a_note_whose_formula_finds_no_room_stands_below_it():
    rule = "A : (B ⊙ C ⊙ D) = (A ⊙ B ⊙ C) : D"
    row = Row(Cell(Atom("b" * 20)), (Cell(Atom("c" * 20), "="),), (rule,))
    document = Document((), "", (), (Paragraph(1, (), (row,)),), ())
    formula, below = write_text(document, width=70).strip().split("\n")
    assert formula == f"(1) {'b' * 20} = {'c' * 20}"
    assert below == rule.rjust(70)
