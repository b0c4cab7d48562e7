"""Johnston's equations as objects: they hold, in her notation, and fail where a rule is wrong."""

import re

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc import functions, special
from tensorcalc.backprop.johnston import SUMMARY_SLIPS

NUMBERS = (*range(1, 12), "box", *range(12, 16))


def failing(equations, **options):
    """The numbers of the equations that do not hold in some layer."""
    return [e.number for e in equations.in_order if not e.verify(**options)]


@pytest.fixture(scope="module")
def small():
    """The equations of 3 → 4 → 2."""
    return tc.johnston(tc.FeedForward([3, 4, 2]))


@pytest.fixture
def values(small, rng):
    """Values for the variables of 3 → 4 → 2."""
    shapes = {"z1": 3, "W2": (4, 3), "b2": 4, "W3": (2, 4), "b3": 2, "λ": 2}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


# ── they hold ────────────────────────────────────────────────────────────────────────────

SIZES = ([3, 2], [3, 4, 2], [2, 4, 3, 2], [3, 2, 4, 3, 2], [1, 1, 1])
ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus", "identity")
COSTS = (
    {"cost": "squared"},
    {"cost": "half squared"},
    {"cost": "cross-entropy", "output": "sigmoid"},
    {"cost": "cross-entropy", "output": "softmax"},
    {"cost": "squared", "output": "softmax", "input_activation": None},
)


NETWORKS = [  # every activation with every cost, and every depth with each of them
    (SIZES[(i + j) % len(SIZES)], activation, options)
    for i, activation in enumerate(ACTIVATIONS)
    for j, options in enumerate(COSTS)
]


@pytest.mark.parametrize(
    ("sizes", "activation", "options"),
    NETWORKS,
    ids=[f"{n}, {name}, {options['cost']}" for n, name, options in NETWORKS],
)
def test_all_equations_hold_in_every_layer(sizes, activation, options):
    equations = tc.johnston(tc.FeedForward(sizes, activation, **options))
    assert failing(equations, seed=1) == []
    assert equations.verify(seed=1)


def test_a_verification_has_a_row_for_every_layer(small):
    depth = small.network.depth
    expected = {2: [depth], 5: [depth]}
    expected |= {number: list(range(1, depth)) for number in (4, 6, 7, 8, 9)}
    for e in small.in_order:
        layers = expected.get(e.number, list(range(2, depth + 1)))
        assert [at.layer for at in e] == layers
        proof = e.verify()
        assert len(proof.rows) == len(layers)
        assert str(proof).startswith(f"({e.number}) {e.statement}")
        for layer, row in zip(layers, proof.rows, strict=True):
            assert f"l = {layer}" in row.route + row.detail
            assert e.layer(layer).verify()


def test_all_of_them_are_verified_in_one_table(small):
    proof = small.verify()
    first, *lines = str(proof).split("\n")
    assert first.split() == ["Johnston's", "equations", "error", "allowed"]
    expected = [
        ("box" if e.number == "box" else f"({e.number})", at.layer)
        for e in small.in_order
        for at in e
    ]
    found = [re.match(r"\S+ +(\(\d+\)|box) l = (\d):", line).groups() for line in lines]
    assert [(number, int(layer)) for number, layer in found] == expected
    assert all(line.endswith(" ok") for line in lines)


def test_equations_are_checked_at_the_values_given(small):
    net = small.network
    params, sample = net.initial_parameters(4), (np.ones(3), np.array([0.2, 0.9]))
    assert small.verify(params, sample)
    assert small[9].verify(params, sample)
    assert small[9].layer(2).verify(params, sample)
    assert small[9].verify(params)
    assert small[9].verify(sample=sample)


# ── they are hers ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def by_hand(values):
    """Every quantity of 3 → 4 → 2 and her derivatives of it, computed with NumPy."""
    q = dict(values)
    sigma = lambda t: 1 / (1 + np.exp(-t))
    q["a1"] = sigma(q["z1"])
    q["z2"] = q["W2"] @ q["a1"] + q["b2"]
    q["a2"] = sigma(q["z2"])
    q["z3"] = q["W3"] @ q["a2"] + q["b3"]
    q["a3"] = sigma(q["z3"])
    q["C"] = np.sum((q["a3"] - q["λ"]) ** 2)
    for layer in (1, 2, 3):
        q[f"diag{layer}"] = np.diag(q[f"a{layer}"] * (1 - q[f"a{layer}"]))
    q["δ3"] = 2 * (q["a3"] - q["λ"])[None] @ q["diag3"]
    for layer in (2, 1):
        q[f"δ{layer}"] = q[f"δ{layer + 1}"] @ q[f"W{layer + 1}"] @ q[f"diag{layer}"]
    for layer, n in ((2, 4), (3, 2)):
        a = q[f"a{layer - 1}"]
        q[f"box{layer}"] = np.array(
            [[[a[i] * (j == k) for j in range(n)] for i in range(len(a))] for k in range(n)]
        )
        q[f"outer{layer}"] = a[:, None] @ q[f"δ{layer}"]
    return q


MEANINGS = {
    1: lambda q, l: q[f"z{l}"],
    2: lambda q, l: q["a3"],
    3: lambda q, l: q[f"outer{l}"],
    4: lambda q, l: q["C"],
    5: lambda q, l: q["δ3"],
    6: lambda q, l: q[f"δ{l}"],
    7: lambda q, l: q[f"W{l + 1}"] @ q[f"diag{l}"],
    8: lambda q, l: q[f"diag{l}"],
    9: lambda q, l: q[f"δ{l}"],
    10: lambda q, l: q[f"outer{l}"],
    11: lambda q, l: q[f"δ{l}"],
    "box": lambda q, l: q[f"box{l}"],
    12: lambda q, l: np.einsum("k,kij->ij", q[f"δ{l}"][0], q[f"box{l}"]),
    13: lambda q, l: np.outer(q[f"a{l - 1}"], q[f"δ{l}"]),
    14: lambda q, l: q[f"δ{l}"] @ np.eye(q[f"b{l}"].size),
    15: lambda q, l: q[f"δ{l}"],
}


@pytest.mark.parametrize("number", NUMBERS)
def test_literal_and_left_side_have_the_values_of_her_formula(small, values, by_hand, number):
    for e in small[number]:
        expected = MEANINGS[number](by_hand, e.layer)
        for side in (e.left, e.literal):
            found = side.evaluate(values)
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("number", [3, 5, 6, 9, 10, 11, 12, 13, 14, 15])
def test_the_fast_form_of_a_gradient_is_the_column_form(small, values, by_hand, number):
    for e in small[number]:
        expected = MEANINGS[number](by_hand, e.layer).T
        found = e.fast.evaluate(values)
        np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-12, atol=1e-15)
        assert found.shape == e.literal.arguments[0].shape


@pytest.mark.parametrize("layer", [2, 3])
def test_slices_of_the_box_have_one_column_of_activations(small, values, by_hand, layer):
    box = small.box.layer(layer)
    for k in range(small.network.size(layer)):
        piece = box.slice(k).evaluate(values)
        expected = np.zeros((small.network.size(layer - 1), small.network.size(layer)))
        expected[:, k] = by_hand[f"a{layer - 1}"]
        np.testing.assert_allclose(piece, expected, rtol=1e-14)
    assert small["box"] is small.box


FACTORS = {
    3: ["∂C/∂W2"],
    5: ["∂C/∂a3", "∂a3/∂z3"],
    6: ["∂C/∂z3", "∂z3/∂z2"],
    7: ["∂z3/∂a2", "∂a2/∂z2"],
    8: ["∂a2/∂z2"],
    9: ["∂C/∂z3", "∂z3/∂a2", "∂a2/∂z2"],
    10: ["∂C/∂z2", "∂z2/∂W2"],
    11: ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂z2"],
    "box": ["∂z2/∂W2"],
    13: ["∂C/∂z2", "∂z2/∂W2"],
    14: ["∂C/∂z2", "∂z2/∂b2"],
    15: ["∂C/∂z2", "∂z2/∂b2"],
}


@pytest.mark.parametrize("number", FACTORS)
def test_the_literal_form_is_the_product_she_writes(small, number):
    shown = small[number].shown
    (contribution,) = shown.literal.contributions
    assert [link.title for link in contribution.links] == FACTORS[number]
    assert shown.literal_text == " · ".join(FACTORS[number])
    assert small[number].literal.title == shown.literal.title


FAST = {
    2: "σ(W3 σ(W2 σ(z1) + b2) + b3)",
    5: "2 (a3 − λ) ⊙ a3 ⊙ (1 − a3)",
    7: "W3 diag(a2 ⊙ (1 − a2))",
    8: "diag(a2 ⊙ (1 − a2))",
    9: "W3ᵀ δ³ ⊙ a2 ⊙ (1 − a2)",
    10: "δ² a1ᵀ",
    "box": "[k, i, j] = I[k=j] a1_i",
    13: "δ² a1ᵀ",
    14: "δ²",
    15: "δ²",
}


@pytest.mark.parametrize("number", FAST)
def test_the_fast_form_is_the_column_form_with_helper_gradients_by_name(small, number):
    e = small[number].shown
    assert e.fast_text == FAST[number]
    columns = "" if number in (2, 7, 8, "box") else ", δ as columns"
    literal, fast = f"literal  {e.literal_text}", f"fast     {e.fast_text}"
    place = f"(l = {e.layer}{columns})"
    assert repr(e) == (
        f"({number}) {e.statement}    {e.shapes}\n    {literal}\n    {fast}    {place}"
    )
    assert f"    {literal}\n    {fast}    {place}" in repr(small[number])


def test_structures_are_read_off_the_objects(small):
    net = small.network
    assert small[8].layer(2).literal.structure == "diagonal"
    assert small.box.layer(2).literal.structure == "block diagonal"
    assert small.box.layer(2).literal.entries_used == 3 * 4
    assert tc.derivative(net["z2"], net["b2"]).structure == "identity"
    assert tc.derivative(net["z3"], net["a2"]).structure == "dense"
    for side in ("left", "literal", "fast"):
        assert getattr(small[13].layer(2), side).structure == "outer product"


# ── in her notation ──────────────────────────────────────────────────────────────────────

STATEMENTS = {
    1: "zˡ = φ_l(zˡ⁻¹) = Wˡ σ(zˡ⁻¹) + bˡ",
    3: "[δf/δW]·ΔW = Σ_i Σ_j [δf/δw_ij] Δw_ij",
    4: "C_l = C_{l+1} ∘ φ_{l+1}",
    5: "δ³ = [δC/δa³] · diag{σ′(z³_j)}",
    6: "δˡ = δˡ⁺¹ · [δzˡ⁺¹/δzˡ]",
    7: "[δzˡ⁺¹/δzˡ] = Wˡ⁺¹ · [δaˡ/δzˡ]",
    8: "[δaˡ/δzˡ] = diag{σ′(zˡ_j)}",
    9: "δˡ = δˡ⁺¹ · Wˡ⁺¹ · diag{σ′(zˡ_j)}",
    10: "[δC₁/δWˡ] = [δC₁/δzˡ] · [δzˡ/δWˡ]",
    11: "[δC₁/δzˡ] = [δC_l/δzˡ] = δˡ",
    "box": "[δzˡ/δWˡ](k,i,j) = I[j=k] aˡ⁻¹_i",
    12: "[δC₁/δWˡ](i,j) = Σ_k δˡ_k I[j=k] aˡ⁻¹_i = δˡ_j aˡ⁻¹_i",
    13: "[δC₁/δWˡ] = aˡ⁻¹ ⊗ δˡ",
    14: "[δC₁/δbˡ] = [δC₁/δzˡ] · [δzˡ/δbˡ]",
    15: "[δzˡ/δbˡ] = I, so [δC₁/δbˡ] = δˡ",
}


@pytest.mark.parametrize("number", STATEMENTS)
def test_statements_are_in_her_notation(small, number):
    assert small[number].statement == STATEMENTS[number]
    assert repr(small[number]).startswith(f"({number}) {STATEMENTS[number]}\n")


def test_equation_2_composes_the_layers(small):
    assert re.fullmatch(r"f\(z¹\) = σ\(φ_L\(φ_\{L−1\}\(… φ₂\(z¹\) …\)\)\)", small[2].statement)
    assert small[2].shown.literal_text == "σ(W3 σ(W2 σ(z1) + b2) + b3)"


@pytest.mark.parametrize(
    ("number", "layer", "statement"),
    [
        (1, 3, "z³ = φ_3(z²) = W³ σ(z²) + b³"),
        (4, 1, "C_1 = C_2 ∘ φ_2"),
        (5, 3, "δ³ = [δC/δa³] · diag{σ′(z³_j)}"),
        (9, 2, "δ² = δ³ · W³ · diag{σ′(z²_j)}"),
        (10, 2, "[δC₁/δW²] = [δC₁/δz²] · [δz²/δW²]"),
        (12, 3, "[δC₁/δW³](i,j) = Σ_k δ³_k I[j=k] a²_i = δ³_j a²_i"),
        ("box", 2, "[δz²/δW²](k,i,j) = I[j=k] a¹_i"),
    ],
)
def test_a_layer_puts_its_number_into_the_statement(small, number, layer, statement):
    assert small[number].layer(layer).statement == statement


def test_two_digit_layers_are_written_with_two_superscripts():
    equations = tc.johnston(tc.FeedForward([1] * 12))
    assert equations[9].layer(10).statement == "δ¹⁰ = δ¹¹ · W¹¹ · diag{σ′(z¹⁰_j)}"
    assert equations[5].statement == "δ¹² = [δC/δa¹²] · diag{σ′(z¹²_j)}"


DIGIT_SHAPES = {
    1: "30×1 = 30×64 · 64×1 + 30×1",
    2: "10×1",
    3: "1×1 ← 64×30, 30×64",
    4: "1×1",
    5: "1×10 = 1×10 · 10×10",
    6: "1×30 = 1×10 · 10×30",
    7: "10×30 = 10×30 · 30×30",
    8: "30×30",
    9: "1×30 = 1×10 · 10×30 · 30×30",
    10: "64×30 = 1×30 · 30×64×30",
    11: "1×30",
    "box": "30×64×30, 1,920 of 57,600 used",
    12: "64×30",
    13: "64×30 = 64×1 ⊗ 1×30",
    14: "1×30 = 1×30 · 30×30",
    15: "1×30",
}
SMALL_SHAPES = {  # by number and layer
    (1, 2): "4×1 = 4×3 · 3×1 + 4×1",
    (1, 3): "2×1 = 2×4 · 4×1 + 2×1",
    (2, 3): "2×1",
    (3, 2): "1×1 ← 3×4, 4×3",
    (3, 3): "1×1 ← 4×2, 2×4",
    (4, 1): "1×1",
    (5, 3): "1×2 = 1×2 · 2×2",
    (6, 1): "1×3 = 1×4 · 4×3",
    (6, 2): "1×4 = 1×2 · 2×4",
    (7, 1): "4×3 = 4×3 · 3×3",
    (7, 2): "2×4 = 2×4 · 4×4",
    (8, 1): "3×3",
    (8, 2): "4×4",
    (9, 1): "1×3 = 1×4 · 4×3 · 3×3",
    (9, 2): "1×4 = 1×2 · 2×4 · 4×4",
    (10, 2): "3×4 = 1×4 · 4×3×4",
    (10, 3): "4×2 = 1×2 · 2×4×2",
    (11, 2): "1×4",
    (11, 3): "1×2",
    ("box", 2): "4×3×4, 12 of 48 used",
    ("box", 3): "2×4×2, 8 of 16 used",
    (12, 2): "3×4",
    (12, 3): "4×2",
    (13, 2): "3×4 = 3×1 ⊗ 1×4",
    (13, 3): "4×2 = 4×1 ⊗ 1×2",
    (14, 2): "1×4 = 1×4 · 4×4",
    (14, 3): "1×2 = 1×2 · 2×2",
    (15, 2): "1×4",
    (15, 3): "1×2",
}


def test_shapes_are_written_with_the_networks_numbers(small):
    digits = tc.johnston(tc.FeedForward([64, 30, 10]))
    assert {e.number: e.shapes for e in digits.in_order} == DIGIT_SHAPES
    for (number, layer), shapes in SMALL_SHAPES.items():
        assert small[number].layer(layer).shapes == shapes


def written_shapes(text):
    """The shapes of a product, left of '=' and right of it, as tuples of sizes."""
    read = lambda part: [tuple(map(int, s.split("×"))) for s in re.findall(r"\d+(?:×\d+)+", part)]
    left, _, right = text.partition(" = ")
    return read(left), read(right)


@pytest.mark.parametrize("number", [5, 6, 7, 9, 10, 14])
def test_written_shapes_are_those_of_the_objects(small, number):
    for e in small[number]:
        (whole,), factors = written_shapes(e.shapes)
        assert e.left.shape == e.literal.shape == whole
        numerator = [
            tc.derivative(link.of, link.wrt[0]).shape for link in e.literal.contributions[0].links
        ]
        assert numerator == factors


SLIPS = {  # what the text says where the reader should read otherwise, and where it is noted
    "N_l × 1": 5,
    "δ^L = δf/δz^L": 5,
    "drops the superscript of W": 3,
    "the domain R^{N_L}": 4,
    "φ_l and bˡ stand for": 7,
    "φ_{l−1} … φ_1": 11,
    "reuses i as its summation index": "box",
    "the entry [j, i] belongs to w_ij": 3,
    "runs to z^{L+1}": "summary",
    "2.2, 2.3, 2.5 and 3.3": "summary",
}


@pytest.mark.parametrize("slip", SLIPS)
def test_each_slip_of_the_text_is_noted_once_where_it_is_met(small, slip):
    places = {e.number: e.read_as for e in small.in_order} | {"summary": SUMMARY_SLIPS}
    found = [(place, line) for place, lines in places.items() for line in lines if slip in line]
    ((place, line),) = found
    assert place == SLIPS[slip]
    if place != "summary":
        assert f"    read as: {line}" in repr(small[place]).split("\n")


def test_no_statement_repeats_a_slip(small):
    for e in small.in_order:
        assert e.statement not in "\n".join(e.read_as)
    assert sum(len(e.read_as) for e in small.in_order) + len(SUMMARY_SLIPS) == len(SLIPS)


def test_a_network_that_departs_from_the_text_says_so():
    softmax = tc.johnston(tc.FeedForward([3, 4, 2], output="softmax"))
    assert softmax[5].statement == "δ³ = [δC/δa³] · (diag{p} − p pᵀ)"
    assert "departs from the text" in softmax[5].note
    assert "note: departs from the text" in repr(softmax[5])
    plain = tc.johnston(tc.FeedForward([3, 4, 2], input_activation=None))
    assert plain[1].note == "the input is not activated here: a¹ = z¹"
    assert not any(e.note for e in tc.johnston(tc.FeedForward([3, 4, 2])).in_order)


@pytest.mark.parametrize("number", NUMBERS)
def test_latex_is_balanced_and_numbered_as_hers(small, number):
    text = small[number]._repr_latex_()
    assert text.startswith("$$")
    assert text.endswith(f"\\tag{{{number}}}$$")
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))


def test_the_equations_print_as_a_table_in_her_order(small):
    first, header, *lines = repr(small).split("\n")
    assert first == "FeedForward 3 → 4 → 2 (L = 3, 26 parameters), sigmoid, cost squared"
    assert header.split() == ["eq", "statement", "shapes"]
    for line, number in zip(lines, NUMBERS, strict=True):
        e = small[number]
        assert line.split()[0] == ("–" if number == "box" else str(number))
        assert e.statement in line
        assert line.endswith(f"l = {e.shown.layer}: {e.shapes}")
    sections = [e.section for e in small.in_order]
    assert list(dict.fromkeys(sections)) == [
        "FEED FORWARD",
        "HELPER GRADIENTS, backwards",
        "WEIGHTS",
        "BIASES",
    ]


# ── a wrong rule is seen ─────────────────────────────────────────────────────────────────

USING_SIGMA_PRIME = [3, *range(5, 12), *range(12, 16)]  # not (1), (2), (4) and the 3-tensor


@pytest.mark.parametrize(
    "wrong",
    [lambda x, y: y * (2 - y), lambda x, y: y, lambda x, y: 1.0001 * y * (1 - y)],
    ids=["2 for 1", "half of it", "one in 10,000"],
)
def test_with_a_wrong_sigma_prime_the_equations_that_use_it_fail_until_it_is_right(
    wrong, monkeypatch
):
    before = tc.johnston(tc.FeedForward([3, 4, 2]))
    held = [e for number in (5, 8, 9) for e in before[number]]
    assert failing(before) == []
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(functions.sigmoid), "derivatives", (wrong,))
        for sizes in ([3, 4, 2], [3, 5, 2]):  # one is built already, one is new
            assert failing(tc.johnston(tc.FeedForward(sizes))) == USING_SIGMA_PRIME
        assert failing(before) == USING_SIGMA_PRIME
        assert not before.verify()
        assert not any(e.verify() for e in held)
        assert failing(tc.johnston(tc.FeedForward([3, 4, 2], "tanh"))) == []
    assert failing(before) == []
    assert all(e.verify() for e in held)
    for sizes in ([3, 4, 2], [3, 5, 2]):
        assert failing(tc.johnston(tc.FeedForward(sizes))) == []


def test_a_wrong_rule_of_the_output_alone_leaves_the_hidden_layers_own_equations(monkeypatch):
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(functions.tanh), "derivatives", (lambda x, y: 1 - y,))
        equations = tc.johnston(tc.FeedForward([3, 4, 2], "sigmoid", output="tanh"))
        assert failing(equations) == [n for n in USING_SIGMA_PRIME if n not in (7, 8)]


def test_a_wrong_rule_shows_in_the_row_and_its_error(monkeypatch):
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(functions.sigmoid), "derivatives", (lambda x, y: 2 * y * (1 - y),))
        proof = tc.johnston(tc.FeedForward([3, 4, 2]))[8].verify()
    assert [row.ok for row in proof.rows] == [False, False]
    assert [row.error for row in proof.rows] == pytest.approx([1, 1])  # twice as large
    assert str(proof).count("WRONG") == 2


# ── refusals ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "layer", "hint"),
    [
        (1, 1, "it holds for l = 2, 3"),
        (1, 4, "it holds for l = 2, 3"),
        (2, 2, "it holds for l = 3"),
        (5, 2, "it holds for l = 3"),
        (8, 3, "it holds for l = 1, 2"),
        (9, 3, "it holds for l = 1, 2"),
        (9, 0, "it holds for l = 1, 2"),
        (9, -1, "it holds for l = 1, 2"),
        (13, 1, "it holds for l = 2, 3"),
        ("box", 1, "it holds for l = 2, 3"),
        (13, "2", "it holds for l = 2, 3"),
    ],
)
def test_layers_in_which_an_equation_does_not_stand_are_refused(small, number, layer, hint):
    with pytest.raises(tc.TensorCalcError, match=rf"equation \({number}\) in layer") as caught:
        small[number].layer(layer)
    assert caught.value.hint == hint


@pytest.mark.parametrize("number", [0, 16, -1, "9", None, 2.5])
def test_numbers_that_are_not_hers_are_refused(small, number):
    with pytest.raises(tc.TensorCalcError, match="equation") as caught:
        small[number]
    assert "1 to 15" in caught.value.hint


def test_only_derivatives_have_slices(small):
    with pytest.raises(tc.TensorCalcError, match="a slice of z² = ") as caught:
        small[1].layer(2).slice(0)
    assert "eqs.box" in caught.value.hint
    with pytest.raises(tc.ShapeError, match="a scalar has no axis"):
        small[13].layer(2).slice(0)
    with pytest.raises(tc.ShapeError, match="its first axis has size 4") as caught:
        small.box.layer(2).slice(4)
    assert "from 0 to 3" in caught.value.hint


@pytest.mark.parametrize(
    ("params", "sample", "error", "message"),
    [
        ({}, None, tc.MissingValueError, "needs a value for"),
        ([1], None, tc.MissingValueError, "parameters given as list"),
        (None, (np.ones(4), np.ones(2)), tc.ShapeError, "z1 is declared 3"),
        (None, (np.ones(3) * np.nan, np.ones(2)), tc.ValueNotAllowedError, "value of z1"),
        (None, np.ones(3), tc.ShapeError, "a sample given as ndarray"),
    ],
)
def test_values_that_do_not_fit_the_network_are_refused(small, params, sample, error, message):
    for verify in (small.verify, small[9].verify, small[9].layer(2).verify):
        with pytest.raises(error, match=message):
            verify(params, sample)


@pytest.mark.parametrize("network", [None, [3, 4, 2], "network"])
def test_only_networks_have_equations(network):
    with pytest.raises(tc.TensorCalcError, match="Johnston's equations for") as caught:
        tc.johnston(network)
    assert "tc.FeedForward([3, 4, 2])" in caught.value.hint


@pytest.mark.parametrize("seed", [-1, 1.5, "seed"])
def test_a_seed_that_is_no_whole_number_is_refused(small, seed):
    for verify in (small.verify, small[9].verify, small[9].layer(2).verify):
        with pytest.raises(tc.TensorCalcError, match="a seed given as"):
            verify(seed=seed)


def test_there_are_fifteen_by_number(small):
    assert len(small) == 15
    assert list(small) == list(range(1, 16))
    assert [e.number for e in small.in_order] == list(NUMBERS)
    assert [e.number for e in small.values()] == list(range(1, 16))
    assert 9 in small
    assert 16 not in small
    assert small.get(16) is None


# ── known faults ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [9, 13])
def test_equation_3_holds_in_deep_networks(seed):
    net = tc.FeedForward([2] * 11)
    assert tc.johnston(net)[3].verify(net.initial_parameters(seed), seed=seed)


def test_with_softmaxs_rule_restored_the_equations_hold_again(monkeypatch):
    right = special.softmax.derivative
    sizes = [2, 3, 7]  # of no other test: what is remembered stays
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(special.softmax), "derivative", lambda x, y: right(x, y) * 2.0)
        equations = tc.johnston(tc.FeedForward(sizes, output="softmax"))
        assert 5 in failing(equations)
    assert failing(tc.johnston(tc.FeedForward(sizes, output="softmax"))) == []
