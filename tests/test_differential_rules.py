"""The rule beside each differential under *Define* is the rule that was used."""

import pytest

import tensorcalc as tc

SHAPES = {"X": (3, 3), "Y": (3, 3), "u": 3, "a": (), "b": ()}
CASES = [
    ("f = norm(X - Y)**2 / 2", "df = (X − Y) : dX", "d(½ ‖u‖²) = u : du"),
    ("f = norm(X - Y)**2", "df = 2 (X − Y) : dX", "d‖u‖² = 2 u : du"),
    ("f = logdet(X)", "df = X⁻ᵀ : dX", "d log|det(A)| = A⁻ᵀ : dA"),
    ("f = det(X)", "df = f X⁻ᵀ : dX", "d det(A) = det(A) A⁻ᵀ : dA"),
    ("f = trace(X @ Y)", "df = tr(dX Y)", "d tr(A) = tr(dA)"),
    ("f = u.T @ X @ u", "df = uᵀ dX u", "1 × 1"),
    ("f = norm(X)", "df = X / f : dX", "d‖u‖ = u/‖u‖ : du"),
    ("f = a / (a + b)", "df = da / (a + b) − a da / (a + b)²", "1 × 1    quotient rule"),
    ("f = b * a / (a + b)", "df = b da / (a + b) − b a da / (a + b)²", "1 × 1  quotient rule"),
]


@pytest.mark.parametrize(("program", "differential", "rule"), CASES)
def test_a_differential_says_its_rule(program, differential, rule):
    by = "X" if "X" in program else "a"
    shapes = {name: shape for name, shape in SHAPES.items() if name in program}
    derivation = tc.program(program, shapes).derivative("f", by).derivation("differential")
    (line,) = (line for line in derivation.text().split("\n") if line.startswith("Define"))
    assert differential in line
    assert line.endswith(rule)


# one rule a line: what each line of a scalar's differential says, in order
MOVES = [
    (
        "f = u.T @ X @ u",
        "u",
        [
            ("duᵀ X u + uᵀ X du", "product rule"),
            ("X u : du + Xᵀ u : du", "a scalar is its own transpose; aᵀb = a : b"),
            ("(X + Xᵀ) u : du", "the terms in du together"),
        ],
    ),
    (
        "f = u.T @ X @ u",
        "X",
        [("uᵀ dX u", "the differential of f"), ("u uᵀ : dX", "aᵀ B c = a cᵀ : B")],
    ),
    (
        "f = trace(Y @ X @ Y)",
        "X",
        [
            ("tr(Y dX Y)", "d tr(A) = tr(dA)"),
            ("tr(Y Y dX)", "the trace is cyclic: tr(AB) = tr(BA)"),
            ("Yᵀ Yᵀ : dX", "tr(AB) = Aᵀ : B"),
        ],
    ),
    (
        "f = trace(X.T @ Y @ X)",
        "X",
        [
            ("tr(dXᵀ Y X) + tr(Xᵀ Y dX)", "d tr(A) = tr(dA); product rule"),
            ("tr(Xᵀ Yᵀ dX) + tr(Xᵀ Y dX)", "tr(A) = tr(Aᵀ)"),
            ("Y X : dX + Yᵀ X : dX", "tr(AB) = Aᵀ : B"),
            ("(Y + Yᵀ) X : dX", "the terms in dX together"),
        ],
    ),
    (
        "f = trace(inv(X) @ Y)",
        "X",
        [
            ("tr(dU Y)", "d tr(A) = tr(dA)"),
            ("tr(Y dU)", "the trace is cyclic: tr(AB) = tr(BA)"),
            ("Yᵀ : dU", "tr(AB) = Aᵀ : B"),
            ("Yᵀ : (−U dX U)", "put in dU"),
            ("−Uᵀ Yᵀ Uᵀ : dX", "A : BC = BᵀA : C; A : BC = ACᵀ : B"),
        ],
    ),
    (
        "f = norm(X @ u)**2 / 2",
        "u",
        [
            ("v : dv", "d(½ ‖r‖²) = r : dr"),
            ("v : X du", "put in dv"),
            ("Xᵀ v : du", "A : BC = BᵀA : C"),
        ],
    ),
    (
        "f = logdet(X.T @ X)",
        "X",
        [
            ("U⁻ᵀ : dU", "d log|det(A)| = A⁻ᵀ : dA"),
            ("U⁻ᵀ : (dXᵀ X + Xᵀ dX)", "put in dU"),
            (
                "X U⁻¹ : dX + X U⁻ᵀ : dX",
                "A : BC = ACᵀ : B; A : Bᵀ = Aᵀ : B; A : BC = BᵀA : C",
            ),
            ("X (U⁻¹ + U⁻ᵀ) : dX", "the terms in dX together"),
        ],
    ),
    (
        "f = log(det(X))",
        "X",
        [("dc / c", "log′(t) = 1 / t"), ("X⁻ᵀ : dX", "put in dc; c cancels")],
    ),
    (
        "f = logsumexp(u)",
        "u",
        [
            ("softmax(u)ᵀ du", "the gradient of logsumexp is softmax"),
            ("softmax(u) : du", "aᵀb = a : b"),
        ],
    ),
    (
        "f = sum(u) - norm(u)**2",
        "u",
        [
            ("1ᵀ du − 2 u : du", "d‖r‖² = 2 r : dr"),
            ("1 : du − 2 u : du", "aᵀb = a : b"),
            ("(1 − 2 u) : du", "the terms in du together"),
        ],
    ),
]


@pytest.mark.parametrize(("program", "wrt", "lines"), MOVES)
def test_every_line_does_one_thing_and_says_it(program, wrt, lines):
    derivation = tc.program(program, SHAPES).derivative("f", wrt).derivation("differential")
    said = []
    for line in derivation.text(width=300).split("\n"):
        if line.startswith("("):
            formula, _, words = line.partition(" = ")[2].partition("  ")
            said.append((formula.strip(), words.strip()))
    assert said[:-1] == lines
    assert derivation.verify()


def test_the_sign_of_the_elementwise_product_is_the_one_explained():
    layer = tc.program("Z = exp(X); f = norm(Z)**2", X=(3, 3))
    text = layer.derivative("f", "X").derivation("differential").text()
    assert "⊙ multiplies entry by entry" in text
    assert "A : (B ⊙ C) = (A ⊙ B) : C" in text
    assert "∘" not in text


def test_signs_are_explained_where_they_are_written_only():
    told = lambda text, by, **shapes: (
        tc.program(text, shapes).derivative("f", by).derivation("differential")
    )
    text = told("f = u**3 + u", "u", u=()).text()
    assert "A : B" not in text
    assert "⊙" not in text
    text = told("f = norm(X)**2", "X", X=(3, 4)).text()
    assert "A : B = tr(AᵀB)" in text
    assert "⊙" not in text
