"""The rule beside each differential under *Define* is the rule that was used."""

import pytest

import tensorcalc as tc

SHAPES = {"X": (3, 3), "Y": (3, 3), "u": 3}
CASES = [
    ("f = norm(X - Y)**2 / 2", "df = (X − Y) : dX", "d(½ ‖u‖²) = u : du"),
    ("f = norm(X - Y)**2", "df = 2 (X − Y) : dX", "d‖u‖² = 2 u : du"),
    ("f = logdet(X)", "df = X⁻ᵀ : dX", "d log|det(A)| = tr(A⁻¹ dA)"),
    ("f = det(X)", "df = f X⁻ᵀ : dX", "d det(A) = det(A) tr(A⁻¹ dA)"),
    ("f = trace(X @ Y)", "df = Yᵀ : dX", "tr(AB) = Aᵀ : B, the trace is cyclic"),
]


@pytest.mark.parametrize(("program", "differential", "rule"), CASES)
def test_a_differential_says_its_rule(program, differential, rule):
    derivation = tc.program(program, SHAPES).derivative("f", "X").derivation("differential")
    (line,) = (line for line in derivation.text().split("\n") if line.startswith("Define"))
    assert differential in line
    assert line.endswith(rule)


def test_the_sign_of_the_elementwise_product_is_the_one_explained():
    layer = tc.program("Z = exp(X); f = norm(Z)**2", X=(3, 3))
    text = layer.derivative("f", "X").derivation("differential").text()
    assert "⊙ multiplies entry by entry" in text
    assert "A : (B ⊙ C) = (A ⊙ B) : C" in text
    assert "∘" not in text
