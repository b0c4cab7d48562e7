"""Batches: per-sample gradients, the Jacobian of the losses, the matrix gradient, and coupling."""

import re

import numpy as np
import pytest
from batch_programs import NETWORKS, SAMPLES, Network

import tensorcalc as tc
from tensorcalc.check import equal
from tensorcalc.derivation.samples import losses_of

each_network = pytest.mark.parametrize("network", NETWORKS, ids=str)
some = pytest.mark.parametrize("network", [*NETWORKS[::5], *NETWORKS[-3:]], ids=str)
a_few = pytest.mark.parametrize("network", NETWORKS[::7], ids=str)


def explained(text, wrt="Z", axis=None, **shapes):
    p = tc.program(text, **shapes)
    return tc.explain_batch(p["L"], p[wrt], axis=axis)


def of_network(network, wrt=None):
    return tc.explain_batch(network.program["L"], network.program[wrt or network.top])


def close(a, b):
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    return True


# ── against plain NumPy, one sample after the other ──────────────────────────────────────


@each_network
def test_per_sample_gradients_are_those_of_a_loop_over_samples(network):
    for layer in range(1, network.depth + 1):
        batch = of_network(network, f"Z{layer}")
        rows = network.looped[f"Z{layer}"]
        assert close(batch.per_sample.evaluate(network.values), rows)
        assert batch.axis == (1 if network.columns else 0)


@each_network
def test_the_jacobian_has_those_rows_in_its_blocks_and_zeros_elsewhere(network):
    rows = network.looped[network.top]
    whole = np.zeros((SAMPLES, SAMPLES, rows.shape[1]))
    whole[np.arange(SAMPLES), np.arange(SAMPLES)] = rows  # loss, sample, node
    mixed = whole.transpose(0, 2, 1) if network.columns else whole
    jacobian = of_network(network).jacobian
    assert close(jacobian.to("mixed").evaluate(network.values), mixed)
    assert close(jacobian.evaluate(network.values), mixed.transpose(0, 2, 1))
    assert close(jacobian.to("denominator").evaluate(network.values), mixed.transpose(1, 2, 0))


@each_network
def test_the_matrix_gradient_has_the_same_entries(network):
    rows = network.looped[network.top] / (SAMPLES if network.mean else 1)
    own = rows.T if network.columns else rows
    gradient = of_network(network).gradient
    assert gradient.kind == "matrix gradient"
    assert close(gradient.to("mixed").evaluate(network.values), own)
    assert close(gradient.evaluate(network.values), own.T)


@each_network
def test_the_batch_equations_are_the_sum_of_a_loop_over_samples(network):
    equations = of_network(network, "Z1").equations
    assert sorted(equations) == sorted(n for n in network.looped if n[0] in "Wb")
    for name, gradient in equations.items():
        assert close(gradient.evaluate(network.values), network.looped[name])


@a_few
def test_every_step_is_verified_and_every_derivative_by_differences(network):
    assert of_network(network).verify()
    assert of_network(network, "Z1").verify()


def test_steps_are_live():
    network = NETWORKS[0]
    batch = of_network(network)
    rows = batch.step(2).after.evaluate(network.values)
    assert close(rows, network.looped["Z1"])
    last = batch.step(len(batch))
    assert close(last.after.evaluate(network.values), network.looped["b1"])
    with pytest.raises(tc.TensorCalcError, match="step 0 of the batch of L by Z1"):
        batch.step(0)
    assert batch[-1] is batch.step(len(batch))
    with pytest.raises(tc.TensorCalcError, match=r"\[99\] of the batch of L by Z1"):
        batch[99]


# ── what is said ─────────────────────────────────────────────────────────────────────────


@some
def test_each_of_the_three_objects_is_told_with_its_shape(network):
    text = " ".join(of_network(network).text().split())
    rows = network.looped[network.top]
    m, n = rows.shape
    numerator, mixed = (f"{m} × {m} × {n}", f"{m} × {n} × {m}")
    if not network.columns:
        numerator, mixed = mixed, numerator
    assert f"{m} row gradients, {m} × {n}" in text
    assert "G is not the Jacobian of one function at one point" in text
    assert f"3-tensor, {numerator}" in text
    assert f"{numerator} in numerator; {mixed} in mixed" in text
    used, whole = m * n, m * m * n
    assert f"{used} of its {whole} entries can differ from 0" in text
    assert f"the other {whole - used} are zeros" in text
    assert f"It is not the Jacobian of l by {network.top}, which is {numerator}" in text
    assert ("1/5 comes in once" in text) is network.mean


@pytest.mark.parametrize("network", [n for n in NETWORKS if n.named][::2], ids=str)
def test_the_equations_read_as_in_the_books(network):
    text = of_network(network).text()
    result = text[text.index("Result") :].split("Mean")[0]
    for layer in range(1, network.depth + 1):
        delta = f"Δ{layer}"
        below = f"A{layer - 1}"
        weights = f"{delta} {below}ᵀ" if network.columns else f"{below}ᵀ {delta}"
        bias = f"{delta} 1" if network.columns else f"{delta}ᵀ 1"
        assert re.search(rf"∂L/∂W{layer} += {weights} ", result)
        assert re.search(rf"∂L/∂b{layer} += {bias} ", result)
        if layer < network.depth:
            w = f"W{layer + 1}"
            back = f"{w}ᵀ Δ{layer + 1}" if network.columns else f"Δ{layer + 1} {w}ᵀ"
            assert f"{delta} = ∂L/∂Z{layer} = {back} ⊙ (1 − A{layer} ⊙ A{layer})" in result
            assert f"= {back} ⊙ tanh′(Z{layer})" in text


SOFTMAX = "Z = X @ W; A = softmax(Z, axis=1); L = -sum(Y * log(A)) / 8"


def test_the_result_and_the_step_about_the_batch_are_one_formula():
    batch = explained(SOFTMAX, X=(8, 3), W=(3, 2), Y=(8, 2))
    text = " ".join(batch.text().split())
    assert "∂L/∂Z = ⅛ Gᵀ = ⅛ (Aᵀ diag(Y 1) − Yᵀ)" in text
    result = text[text.index("Result") :]
    joined = "= Δ ⊙ A − diag((Δ ⊙ A) 1) A = ⅛ (diag(Y 1) A − Y) 8 × 2, the transpose of (4)"
    assert joined in result


@pytest.mark.parametrize("network", NETWORKS[::4], ids=str)
def test_every_step_about_the_samples_has_its_rule_and_every_letter_is_told(network):
    for wrt in (network.top, "Z1"):
        batch = of_network(network, wrt)
        steps = [step for step in batch.json()["steps"] if step["number"] in (1, 3, 4)]
        assert all(step["rules"] for step in steps)
        told = " ".join(batch.text().split("\nLetters")[1].split("(1)")[0].split())
        for letter in set(re.findall(r"Σ_([a-z]\d*)", batch.text())):
            assert re.search(rf"(?<!\w){letter}(?!\w).* (=|count|takes?) ", told), letter


def sections(batch):
    return {s["label"]: s["lines"] for s in batch.json()["closing"]}


@pytest.mark.parametrize(
    "network", [n for n in NETWORKS if n.named and n.columns and n.depth < 3], ids=str
)
def test_the_other_orientation_is_what_the_program_over_rows_says_itself(network):
    columns = sections(of_network(network))
    rows = sections(of_network(Network(network.depth, False, network.mean, network.loss)))
    rows_of = lambda lines: [line["row"]["text"] for line in lines if "row" in line]
    missing = 1 if network.loss == "softmax" else 0  # softmax along an axis is left as it is
    for here, there, label in ((columns, rows, "As rows"), (rows, columns, "As columns")):
        assert rows_of(here[label]) == rows_of(there["Result"])[missing:]


@pytest.mark.parametrize("write", ["text", "latex", "markdown", "html", "page", "json"])
def test_every_output_tells_it_all(write):
    batch = of_network(NETWORKS[-1])
    written = str(getattr(batch, write)())
    for words in ("One sample", "All samples", "Jacobian there is", "Cross Validated, 2021"):
        assert words in written
    assert len(batch.json()["steps"]) == len(batch) + 1  # and the heading of the equations


def test_letters_have_one_meaning():
    """No letter of the loss or of a sample is summed over for something else."""
    text = of_network(NETWORKS[-1], "Z1").text()
    first = text[text.index("(1)") : text.index("(4)")]
    assert not re.search(r"Σ_[ksj]\b", first)
    letters = re.findall(r"rule: (\w) runs over the 5 samples", text)
    assert len(letters) == 4
    for letter, part in zip(letters, text.split("which all samples share.")[1:], strict=True):
        assert f"= Σ_{letter} Δ" in part


def test_of_one_sample_there_are_no_others():
    text = explained(OPEN_BUT_FOR_B, **SHAPES | {"X": (4, 1), "Y": (3, 1)}).text()
    assert "1 sample, the column of Z" in text
    assert "row s = 1 is G[1, ·]." in text


def test_general_rules_take_letters_that_no_quantity_has():
    batch = explained("Z = W @ t + b; L = sum((sigmoid(Z) - Y)**2)", t=(4, 5), **SHAPES)
    assert "σ(t)" not in batch.text()
    assert "σ(w) = 1/(1 + e⁻ʷ)" in batch.text()
    assert "σ(t) = 1/(1 + e⁻ᵗ)" in explained(OPEN_BUT_FOR_B, **SHAPES).text()


def test_the_rule_of_the_last_step_has_the_letters_of_the_page():
    text = "Z = W @ X + s; G = sum((Z - t)**2)"
    p = tc.program(text, W=(3, 4), X=(4, 5), s=3, t=(3, 5))
    batch = tc.explain_batch(p["G"], p["Z"])
    assert batch.step(4).rule == "sample r acts on G through its own loss only"
    assert batch.step(4).rule in " ".join(batch.text().split())


def test_a_sum_of_losses_that_is_not_the_loss_fails_verification():
    batch = of_network(NETWORKS[0])
    assert batch.verify()
    batch.of = tc.define("L", 2 * tc.Tensor(batch.of.expr.body))
    assert not batch.verify()


# ── finding the samples ──────────────────────────────────────────────────────────────────

AXES = {
    "named losses": ("Z = W @ X; l = sum((tanh(Z) - Y)**2, axis=0); L = sum(l)", 1, "one loss"),
    "softmax of a column": ("Z = W @ X; L = -sum(Y * log_softmax(Z, axis=0))", 1, "one loss"),
    "bias repeated": ("Z = W @ X + b; L = sum((tanh(Z) - Y)**2)", 1, "b is the same"),
    "a layer above": ("Z = W @ X; H = V @ tanh(Z); L = sum(H**2)", 1, "one loss"),
    "a layer below": ("Z0 = U @ X; Z = W0 @ tanh(Z0); L = sum((Z - Y)**2)", 1, "layers mix"),
    "half a mean": ("Z = W @ X + b; L = norm(tanh(Z) - Y)**2 / 10", 1, "b is the same"),
    "rows": ("Z = X.T @ W.T + b.T; L = mean((tanh(Z) - Y.T)**2)", 0, "b is the same"),
    "trace": ("Z = W @ X + b; L = trace((Z - Y).T @ (Z - Y))", 1, "one loss"),
}
SHAPES = {"W": (3, 4), "X": (4, 5), "Y": (3, 5), "b": 3, "V": (2, 3), "U": (6, 4), "W0": (3, 6)}


@pytest.mark.parametrize("name", AXES)
def test_the_axis_of_the_samples_is_found(name):
    text, axis, why = AXES[name]
    batch = explained(text, **SHAPES)
    assert (batch.axis, batch.coupled) == (axis, False)
    assert why in batch.text()
    assert batch.verify()


ONE = {  # an axis of size 1, and the axis of the samples; None where it is open
    "one sample": ("Z = W @ X + b; L = sum((sigmoid(Z) - Y)**2)", {"X": (4, 1), "Y": (3, 1)}, 1),
    "one sample, no bias": ("Z = W @ X; L = sum((Z - Y)**2)", {"X": (4, 1), "Y": (3, 1)}, None),
    "one node": ("Z = W @ X + b; L = sum((Z - Y)**2)", {"W": (1, 4), "b": 1, "Y": (1, 5)}, 1),
    "one node in rows": (
        "Z = X.T @ W.T + b.T; L = sum((Z - Y.T)**2)", {"W": (1, 4), "b": 1, "Y": (1, 5)}, 0,
    ),
    "one node, a number for all": (
        "Z = W @ X + c; L = sum((Z - Y)**2)", {"W": (1, 4), "c": (), "Y": (1, 5)}, None,
    ),
    "one node, no bias": ("Z = W @ X; L = sum((Z - Y)**2)", {"W": (1, 4), "Y": (1, 5)}, None),
    "one loss": (
        "Z = W @ X; l = sum((Z - Y)**2, axis=0); L = sum(l)", {"X": (4, 1), "Y": (3, 1)}, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_an_axis_of_size_1_is_not_taken_for_what_it_may_not_be(name):
    text, shapes, axis = ONE[name]
    if axis is None:
        with pytest.raises(tc.TensorCalcError, match="rows or its columns are the samples is open"):
            explained(text, **SHAPES | shapes)
        return
    batch = explained(text, **SHAPES | shapes)
    assert (batch.axis, batch.coupled) == (axis, False)
    assert batch.verify()


SUMS = {  # how L is made of l: the factor before the sum, and whether it is the mean's
    "sum(sum(S, axis=0))": 1,
    "mean(sum(S, axis=0))": 1 / 5,
    "sum(S) / 5": 1 / 5,
    "-sum(S) / 5": 1 / 5,
    "sum(S) / 10": 1 / 5,
    "mean(S)": 1 / 5,
    "0.3 * sum(S)": 1,
    "mean(sum(S, axis=0)) + 0.1 * sum(W**2)": 1 / 5,
    "sum(S) + c": 1,
}


@pytest.mark.parametrize("text", SUMS)
def test_a_loss_is_taken_apart_into_a_factor_and_losses(text):
    p = tc.program(f"Z = W @ X + b; S = (tanh(Z) - Y)**2; L = {text}", **SHAPES, c=())
    found = [(way, axis) for way, axis in losses_of(p["L"].expr, p["Z"].expr) if axis == 1]
    (way, _), *_ = found
    factor = 1.0 if way.scale is None else tc.Tensor(way.scale).evaluate()
    assert factor == pytest.approx(SUMS[text])
    whole = factor * tc.sum(tc.Tensor(way.each, "column"))
    if way.rest is not None:
        whole = whole + tc.Tensor(way.rest)
    assert equal(whole, tc.Tensor(p["L"].expr.body))


def test_the_factor_of_a_mean_over_named_samples_is_found():
    shapes = {"W": ("k", "n"), "X": ("n", "m"), "Y": ("k", "m"), "b": "k"}
    batch = explained("Z = W @ X + b; L = mean(sum((tanh(Z) - Y)**2, axis=0))", **shapes)
    assert batch.setting.is_mean
    assert batch.verify()
    assert batch.jacobian.shape == ("m", "m", "k")
    assert "Of its m × m × k entries only m × k can differ from 0" in batch.text()


OPEN = "sum((tanh(Z) - Y)**2)"
OPEN_BUT_FOR_B = "Z = W @ X + b; L = sum((sigmoid(Z) - Y)**2)"


def test_an_open_axis_is_asked_for_and_taken():
    with pytest.raises(tc.TensorCalcError, match="whether its rows or its columns") as caught:
        explained(f"Z = W @ X; L = {OPEN}", **SHAPES)
    assert "axis=0" in str(caught.value.hint)
    assert "axis=1" in str(caught.value.hint)
    for axis, shape in ((0, (3, 5)), (1, (5, 3)), (-1, (5, 3))):
        batch = explained(f"Z = W @ X; L = {OPEN}", axis=axis, **SHAPES)
        assert batch.per_sample.shape == shape
        assert batch.verify()


def test_an_axis_that_no_name_and_no_bias_confirms_is_told_with_the_other():
    rows = {"X": (5, 4), "W": (4, 3), "Y": (5, 3), "b": 3}
    softmax = "P = softmax(Z, axis=1); L = -sum(Y * log(P))"
    batch = explained(f"Z = X @ W; {softmax}", **rows)
    caution = "since each of them acts on one loss only; of its columns (axis=1) that was not found"
    assert batch.axis == 0
    assert caution in " ".join(batch.text().split())
    for sure in (explained(f"Z = X @ W + b.T; {softmax}", **rows),
                 explained(f"Z = X @ W; {softmax}", axis=0, **rows)):  # fmt: skip
        assert sure.axis == 0
        assert "not found" not in sure.text()


ROWS = {"X": (8, 3), "W": (3, 2), "Y": (8, 2), "b": 2, "w": 3}
PARAMETERS = {
    "softmax in rows": ("Z = X @ W; L = -sum(Y * log(softmax(Z, axis=1)))", "rows of Z", "L, Z"),
    "a bias": ("Z = X @ W + b.T; L = norm(tanh(Z) - Y)**2", "rows of Z", "L, Z"),
    "named losses": ("l = sum((X @ W - Y)**2, axis=1); L = mean(l)", "entries of l", "L, l"),
    "no name": ("L = mean(logsumexp(X @ W + b.T, axis=1))", "rows of the batch", "L, X"),
    "nothing tells": ("Z = X @ W; L = norm(sigmoid(Z) - Y)**2 / 2", "nothing tells", "L, Z"),
    "two layers": ("A = tanh(X @ W); Z = softmax(A @ W.T, axis=1); L = sum(X * Z)", "", "L, X"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_no_batch_and_what_it_multiplies_is(name):
    text, reason, batch = PARAMETERS[name]
    with pytest.raises(tc.TensorCalcError, match=r"by W \(3 × 2\): W is a parameter") as caught:
        explained(text, "W", **ROWS)
    assert reason in str(caught.value)
    assert f"give the batch quantity: explain_batch({batch})" in str(caught.value.hint)
    assert "axis=0" in str(caught.value.hint)
    assert explained(text, "X", **ROWS).text()


def test_where_nothing_tells_an_axis_makes_a_batch_of_what_is_called_as_a_weight():
    batch = explained(PARAMETERS["nothing tells"][0], "W", axis=1, **ROWS)
    assert batch.per_sample.shape == (2, 3)
    assert batch.verify()


def test_a_vector_of_weights_or_a_bias_is_no_batch():
    for text, wrt in (
        ("Z = X @ w; L = mean(softplus(Z))", "w"),
        ("Z = X @ W + b.T; L = mean(sum(tanh(Z), axis=1))", "b"),
    ):
        with pytest.raises(tc.TensorCalcError, match=r"(rows|entries) of Z all share it"):
            explained(text, wrt, **ROWS)


@each_network
def test_of_a_network_the_inputs_are_a_batch_and_no_weight_is(network):
    for name, array in network.values.items():
        if name == "Y":
            continue
        call = lambda name=name: of_network(network, name)
        if name[0] in "Wb":
            with pytest.raises(tc.TensorCalcError, match=f"{name} is a parameter of the batch"):
                call()
        else:
            assert call().per_sample.shape[0] == SAMPLES in array.shape


def test_weighted_losses_have_a_letter_of_their_own():
    text = "Z = W @ X + b; l = sum((Z - Y)**2, axis=0).T; L = c.T @ l"
    batch = explained(text, **SHAPES | {"c": 5})
    assert "all losses e by the whole of Z" in batch.text()
    assert close(batch.per_sample.evaluate(values := batch_values()),
                 2 * values["c"][:, None] * (values["W"] @ values["X"] + values["b"][:, None]
                                             - values["Y"]).T)  # fmt: skip
    assert batch.verify()


def batch_values():
    rng = np.random.default_rng(3)
    return {name: rng.normal(size=shape) for name, shape in
            {"W": (3, 4), "X": (4, 5), "b": 3, "Y": (3, 5), "c": 5}.items()}  # fmt: skip


def test_the_vector_of_losses_may_be_given_itself():
    p = tc.program("Z = W @ X; l = sum((tanh(Z) - Y)**2, axis=0)", **SHAPES)
    batch = tc.explain_batch(p["l"], p["Z"])
    assert batch.losses.expr is p["l"].expr
    assert batch.gradient.shape == (5, 3)
    assert batch.verify()


def test_samples_that_are_numbers_have_a_diagonal_jacobian():
    batch = explained("Z = X @ w; L = mean(softplus(-y * Z))", X=(5, 4), w=4, y=5)
    assert (batch.per_sample.shape, batch.jacobian.structure) == ((5,), "diagonal")
    assert batch.verify()


def test_a_network_of_the_library_is_explained():
    q = tc.FeedForward([3, 4, 2]).batch
    batch = tc.explain_batch(q["C"], q["z2"])
    assert list(batch.equations) == ["W3", "W2", "b2", "b3"]
    assert batch.verify()


# ── per-sample derivatives ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", ["numerator", "denominator", "mixed"])
def test_jacobians_of_samples_are_stacked_as_the_layout_has_each(layout):
    network = NETWORKS[-1]
    dense = network.program.derivative("Z2", "Z1", layout="mixed").evaluate(network.values)
    d = network.program.derivative("Z2", "Z1", layout=layout)
    expected = np.stack([dense[:, s, :, s] for s in range(SAMPLES)])
    if layout == "denominator":
        expected = expected.transpose(0, 2, 1)
    stacked = d.per_sample()
    assert close(stacked.evaluate(network.values), expected)
    assert stacked.shape == expected.shape
    assert close(stacked[3].evaluate(network.values), expected[3])


def test_nothing_dense_is_made_for_per_sample_gradients():
    p = tc.program("l = sum(tanh(Z)**2, axis=0)", Z=("n", "m"))
    d = p.derivative("l", "Z")
    z = np.linspace(-1, 1, 60_000).reshape(3, 20_000)
    with pytest.raises(tc.MemoryLimitError):
        d.evaluate(Z=z)
    expected = (2 * np.tanh(z) * (1 - np.tanh(z) ** 2)).T
    assert close(d.per_sample().evaluate(Z=z), expected)


def test_one_sample_is_a_row_gradient():
    d = NETWORKS[0].program.derivative("l", "Z1")
    row = d.per_sample()[2]
    assert row.shape == (1, 6)
    assert close(row.evaluate(NETWORKS[0].values), NETWORKS[0].looped["Z1"][2:3])
    with pytest.raises(tc.ShapeError, match="sample 5 of ∂l/∂Z1 per column"):
        d.per_sample()[5]


def test_samples_are_gone_through_in_turn():
    network = NETWORKS[0]
    stacked = network.program.derivative("l", "Z1").per_sample()
    rows = [row.evaluate(network.values) for row in stacked]
    assert len(stacked) == len(rows) == SAMPLES
    assert close(np.concatenate(rows), network.looped["Z1"])
    named = tc.program("l = sum(tanh(Z)**2, axis=0)", Z=("n", "m")).derivative("l", "Z")
    for ask in (len, list):
        with pytest.raises(tc.DimensionError, match="'m' is not known"):
            ask(named.per_sample())


def test_the_line_that_says_what_per_sample_gradients_are():
    said = repr(NETWORKS[0].program.derivative("l", "Z1").per_sample())
    assert said.startswith("(∂l/∂Z1 per column)[s, j] = ")
    assert said.endswith(": 5 × 6, 5 row gradients at 5 points, stacked")


# ── coupled samples ──────────────────────────────────────────────────────────────────────

BATCH_NORM = """
M = mean(Z, axis=0)
S = sqrt(mean((Z - M)**2, axis=0))
N = (Z - M) / S
l = sum((N - Y)**2, axis=1)
L = sum(l)"""
COUPLED = {
    "batch norm": (f"Z = X @ W; {BATCH_NORM}", "M = ⅕ Zᵀ 1 couples them"),
    "batch norm, a bias": (
        "Z = X @ W + b.T; N = (Z - mean(Z, axis=0)) / sqrt(var(Z, axis=0)); L = sum((N - Y)**2)",
        "the rows of Z, since b is the same for all of them",
    ),
    "softmax over the batch": (
        "Z = X @ W; P = softmax(Z, axis=0); l = sum((P - Y)**2, axis=1); L = mean(l)",
        "P = softmax(Zᵀ)ᵀ couples them",
    ),
    "a sum of all": (
        "Z = X @ W; l = sum(Z**2, axis=1) * sum(Z); L = sum(l)",
        "one entry of l depends on several rows of Z",
    ),
    "the norm of all": ("Z = X @ W; L = norm(Z - Y)", "‖Z − Y‖ is a function of all samples"),
    "the logarithm of a sum": (
        "Z = X @ W + b.T; L = log(sum(exp(Z)))",
        "is a function of all samples",
    ),
    "a product of sums": ("Z = X @ W; L = sum(Z**2) * sum(tanh(Z))", "is a function of all"),
}


def coupled(name, axis=None):
    return explained(COUPLED[name][0], axis=axis, X=(5, 4), W=(4, 3), Y=(5, 3), b=3)


@pytest.mark.parametrize("name", COUPLED)
def test_coupled_samples_are_recognised_and_no_array_is_called_per_sample(name):
    batch = coupled(name)
    text = " ".join(batch.text().split())
    assert batch.coupled
    assert "the samples are coupled" in text
    assert COUPLED[name][1] in text
    assert "row gradients" not in text
    with pytest.raises(tc.NotSupportedError, match="the samples are coupled"):
        _ = batch.per_sample
    assert batch.gradient.kind == "matrix gradient"
    assert batch.verify()


def test_without_losses_or_biases_it_stays_open_which_axis_counts_samples():
    batch = coupled("the norm of all")
    assert (batch.axis, batch.equations) == (None, {})
    assert "the samples (rows or columns) of Z" in batch.text()
    assert "j, i count rows, s, h count columns of Z" in batch.text()
    assert coupled("the norm of all", axis=0).axis == 0
    assert coupled("the logarithm of a sum").axis == 0  # b is the same for all rows


@pytest.mark.parametrize("name", COUPLED)
def test_what_is_called_coupled_acts_on_other_samples(name):
    """The second derivative between samples 0 and 1, by differences, is not zero."""
    batch = coupled(name, axis=0)
    rng = np.random.default_rng(1)
    values = {n: rng.normal(size=s) for n, s in {"W": (4, 3), "Y": (5, 3), "b": (3,)}.items()}
    gradient = tc.derivative(batch.of, batch.wrt)
    data = rng.normal(size=(5, 4))
    moved = data.copy()
    moved[0] += 1e-3  # sample 0
    rows = [gradient.evaluate({**values, "X": x})[:, 1] for x in (data, moved)]
    assert np.abs(rows[1] - rows[0]).max() > 1e-7


def test_samples_coupled_further_down_are_told_from_what_is_shared():
    text = """Z1 = X @ W1; M = mean(Z1, axis=0); A = Z1 - M; Z = A @ W2 + b.T
    L = sum((tanh(Z) - Y)**2)"""
    batch = explained(text, X=(5, 4), W1=(4, 3), W2=(3, 2), Y=(5, 2), b=2)
    assert not batch.coupled
    assert list(batch.equations) == ["W1", "W2", "b"]
    assert "the samples in Z1, X are coupled before they reach Z" in batch.text()
    assert batch.verify()


@pytest.mark.parametrize("text", ["L = log(prod(exp(Z)))", "L = max(sum(Z**2, axis=0))"])
def test_what_only_looks_coupled_is_not_called_so(text):
    with pytest.raises(tc.NotSupportedError, match="yet at a random point no two samples"):
        explained(text, Z=(5, 4))


@pytest.mark.parametrize(
    "text",
    ["L = norm(log(-Z @ Z.T - eye(5)))", "l = sum(log(-Z @ Z.T - eye(5))**2, axis=1); L = sum(l)"],
)
def test_what_has_no_random_point_is_neither_called_coupled_nor_apart(text):
    with pytest.raises(tc.NotSupportedError, match="is open: no random point was found"):
        explained(text, axis=0, Z=(5, 4))


# ── messages ─────────────────────────────────────────────────────────────────────────────

P = tc.program(f"Z = X @ W; A = tanh(Z); l = sum(A**2, axis=1); L = sum(l); {BATCH_NORM[1:]}"
               .replace("l = sum((N", "e = sum((N").replace("L = sum(l)", "C = sum(e)", 2)
               .replace("; C = sum(e);", "; L = sum(l);", 1),
               X=(5, 4), W=(4, 3), Y=(5, 3))  # fmt: skip
REFUSED = {
    "one number": (
        lambda: P.derivative("L", "Z").per_sample(),
        "∂L/∂Z.per_sample(): L is one number",
        "take the vector of losses",
    ),
    "coupled": (
        lambda: P.derivative("e", "Z").per_sample(),
        "not block diagonal along axis 0 of Z. M = ⅕ Zᵀ 1 couples them",
        "evaluate ∂e/∂Z itself",
    ),
    "two axes would do": (
        lambda: P.derivative("A", "Z").per_sample(),
        "which axis of Z counts samples is open",
        "axis=0 (its rows) or axis=1 (its columns)",
    ),
    "no axis fits": (
        lambda: P.derivative("l", "W").per_sample(),
        "no axis of l has the size of one of W",
        "one entry, row or column for each sample",
    ),
    "no such axis": (
        lambda: P.derivative("l", "Z").per_sample(axis=2),
        "∂l/∂Z.per_sample() with axis=2: Z has 2 axes",
        "axis=0 (its rows)",
    ),
    "a second derivative": (
        lambda: P.derivative("L", "Z", "Z").per_sample(),
        "a derivative by more than one quantity",
        "first derivative",
    ),
    "zero": (
        lambda: tc.derivative(P["l"], P["Y"]).per_sample(),
        "it is zero, l does not depend on Y",
        "that the losses depend on",
    ),
    "no batch": (
        lambda: tc.explain_batch(P["C"], tc.scalar("t")),
        "explain_batch by t (1 × 1), which has 0 axes",
        "rows or columns",
    ),
    "no loss": (
        lambda: tc.explain_batch(P["A"], P["Z"]),
        "neither one number nor one loss for each sample",
        "the vector of losses",
    ),
    "no dependence": (
        lambda: tc.explain_batch(P["L"], P["Y"]),
        "explain_batch of L by Y, on which it does not depend",
        "computed from",
    ),
    "a strange axis": (
        lambda: tc.explain_batch(P["L"], P["Z"], axis="rows"),
        "explain_batch with axis='rows'",
        "axis=0 (its rows) or axis=1",
    ),
    "losses of no sum": (
        lambda: coupled("the norm of all").losses,
        "the losses of L, which is no sum over samples",
        "a sum or a mean",
    ),
    "per-sample gradients of no sum": (
        lambda: coupled("the norm of all").per_sample,
        "L is no sum of losses, one for each sample",
        ".gradient",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_what_and_what_to_do(name):
    call, message, hint = REFUSED[name]
    with pytest.raises(tc.TensorCalcError) as caught:
        call()
    assert message in str(caught.value)
    assert hint in str(caught.value.hint)


# ── derivations of one derivative ────────────────────────────────────────────────────────


@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_a_derivation_says_that_one_number_by_a_batch_is_no_jacobian(style):
    p = tc.program("Z = W @ X + b; l = sum((tanh(Z) - Y)**2, axis=0); L = sum(l)", **SHAPES)
    said = lambda of, wrt: p.derivative(of, wrt).derivation(style=style).text()
    words = "L is one number, a sum over the columns of Z: this is the matrix gradient"
    assert words in said("L", "Z")
    assert "one number" not in said("L", "W")
    assert "one number" not in said("l", "Z")


@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_steps_that_lose_a_named_size_are_verified_all_the_same(style):
    p = tc.program("l = sum(X * W, axis=0); L = mean(l)", W=("k", "m"), X=("k", "m"))
    assert p.derivative("L", "W").derivation(style=style).verify()
