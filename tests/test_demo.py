"""The main job: the fifteen equations on real digits, three ways, and training."""

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc import functions, special
from tensorcalc.backprop import demo
from tensorcalc.cli import main

SMALL = ("backprop", "--quick", "--layers", "3,4,2")


def run(*arguments):
    """Runs the demo here: its exit status and its lines."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    assert err.getvalue() == ""
    return status, out.getvalue().splitlines()


@pytest.fixture(scope="module")
def lines():
    """What the demo prints for 3 → 4 → 2."""
    status, lines = run(*SMALL)
    assert status == 0
    return lines


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        """As a terminal does."""
        return True


def table(lines):
    """Number, shapes and error of each row of the table of equations, in order."""
    start = next(k for k, line in enumerate(lines) if line.startswith(" eq  statement"))
    stop = next(k for k, line in enumerate(lines) if line.startswith("error: "))
    cells = [re.split(r" {2,}", line.strip()) for line in lines[start + 1 : stop]]
    place = cells.index(["12", "[δC₁/δWˡ](i,j) = Σ_k δˡ_k I[j=k] aˡ⁻¹_i"])
    cells[place : place + 2] = [cells[place] + cells[place + 1][1:]]  # two lines for one equation
    return [(row[0], *row[2:4]) for row in cells if len(row) > 2]


def without_measurements(lines):
    """The lines that are the same in every run."""
    return [line for line in lines if not re.search(r"KiB$| s$", line)]


NUMBERS = [*map(str, range(1, 12)), "–", *map(str, range(12, 16))]

SHAPES = {
    "3,4,2": [
        *("4×1 = 4×3 · 3×1 + 4×1", "2×1", "1×1 ← 3×4, 4×3", "1×1"),
        *("1×2 = 1×2 · 2×2", "1×4 = 1×2 · 2×4", "2×4 = 2×4 · 4×4", "4×4"),
        *("1×4 = 1×2 · 2×4 · 4×4", "3×4 = 1×4 · 4×3×4", "1×4", "4×3×4, 12 of 48 used"),
        *("3×4", "3×4 = 3×1 ⊗ 1×4", "1×4 = 1×4 · 4×4", "1×4"),
    ],
    "5,2": [
        *("2×1 = 2×5 · 5×1 + 2×1", "2×1", "1×1 ← 5×2, 2×5", "1×1"),
        *("1×2 = 1×2 · 2×2", "1×5 = 1×2 · 2×5", "2×5 = 2×5 · 5×5", "5×5"),
        *("1×5 = 1×2 · 2×5 · 5×5", "5×2 = 1×2 · 2×5×2", "1×2", "2×5×2, 10 of 20 used"),
        *("5×2", "5×2 = 5×1 ⊗ 1×2", "1×2 = 1×2 · 2×2", "1×2"),
    ],
}


# ── networks of any size ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layers", SHAPES)
def test_all_fifteen_equations_are_printed_with_their_shapes_and_hold(layers):
    status, lines = run("backprop", "--quick", "--layers", layers)
    assert status == 0
    numbers, shapes, errors = zip(*table(lines), strict=True)
    assert list(numbers) == NUMBERS
    assert list(shapes) == SHAPES[layers]
    for number, error in zip(numbers, errors, strict=True):
        if number == "3":
            assert float(error.removeprefix("order ")) == pytest.approx(2, abs=0.1)
        else:
            assert error == "0" or re.fullmatch(r"\d\.\de−1[4-9]", error)
    sections = [line for line in lines if line in ("FEED FORWARD", "WEIGHTS", "BIASES")]
    assert sections == ["FEED FORWARD", "WEIGHTS", "BIASES"]
    assert lines[-1].startswith("15 of 15 equations hold. Next: tensorcalc derive --help")


def test_sizes_that_do_not_fit_the_digits_skip_training_and_say_so(lines):
    assert "Data     random samples (seeded)" in lines
    assert [line for line in lines if line.startswith("No training: 3 → … → 2 does not fit")]
    assert not [line for line in lines if "epoch" in line or "accuracy" in line]


@pytest.mark.parametrize(
    ("options", "network", "cost"),
    [
        ([], "σ = logistic, input activated: a¹ = σ(z¹)", "C = ‖a³ − λ‖²"),
        (["--activation", "tanh", "--cost", "half squared"],
         "σ = tanh, input activated: a¹ = σ(z¹)", "C = ½ ‖a³ − λ‖²"),
        (["--cost", "cross-entropy"],
         "σ = logistic, input activated: a¹ = σ(z¹)",
         "C = −Σ_j (λ_j log a³_j + (1 − λ_j) log(1 − a³_j))"),
        (["--activation", "softplus", "--cost", "softmax cross-entropy"],
         "σ = softplus, output softmax, input activated: a¹ = σ(z¹)", "C = −Σ_j λ_j log a³_j"),
        (["--activation", "identity"], "σ = identity, input not activated: a¹ = z¹",
         "C = ‖a³ − λ‖²"),
        (["--activation", "relu"], "σ = relu, input activated: a¹ = σ(z¹)", "C = ‖a³ − λ‖²"),
    ],
)  # fmt: skip
def test_network_and_cost_stand_at_the_top_and_the_equations_hold(options, network, cost):
    status, lines = run(*SMALL, *options)
    assert status == 0
    assert f"Network  3 → 4 → 2 (L = 3, 26 parameters), {network}" in lines
    assert f"Cost     {cost}" in lines
    assert lines[-1].startswith("15 of 15 equations hold.")


def test_a_kink_is_told_and_kept_away_from(lines):
    _, with_kink = run(*SMALL, "--activation", "relu")
    (told,) = [line for line in with_kink if "kink" in line]
    assert told.startswith("relu has a kink at 0, where its derivative is 0 by convention")
    assert any(line.endswith("against central differences") for line in with_kink)
    assert not [line for line in lines if "kink" in line]
    assert "error: largest relative error, both layers, 3 samples, against complex step" in lines


def test_departures_from_the_text_are_noted_under_the_equation():
    _, lines = run(*SMALL, "--cost", "softmax cross-entropy")
    place = next(k for k, line in enumerate(lines) if line.startswith("  5  δ³ = "))
    assert "(diag{p} − p pᵀ)" in lines[place]
    assert lines[place + 1].startswith("       note: departs from the text")


def test_the_slips_of_the_text_are_listed(lines):
    start = lines.index("Read as (slips of the text)")
    slips = lines[start + 1 : lines.index("", start)]
    assert len(slips) == 10
    marks = [line.split(maxsplit=1)[0] for line in slips[:8]]
    assert marks == ["(3)", "(3)", "(4)", "(5)", "(5)", "(7)", "(11)", "box"]


def test_a_slice_of_the_box_shows_activations_in_one_column(lines):
    (heading,) = [line for line in lines if line.startswith("One slice of the box")]
    assert "[δz²/δW²](k=1,·,·), 3 × 4:" in heading
    place = lines.index(heading)
    assert lines[place + 1].split() == ["j=1", "2", "3", "4"]
    for i, line in enumerate(lines[place + 2 : place + 5], start=1):
        row, activation, *rest = line.split()
        assert row == f"i={i}"
        assert 0 < float(activation) < 1
        assert rest == ["·"] * 3


def test_three_ways_are_compared_and_the_box_weighed(lines):
    place = next(k for k, line in enumerate(lines) if line.startswith("Three ways to the same"))
    names = [line.split()[0] for line in lines[place + 1 : place + 4]]
    assert names == ["literal", "structured", "fast"]
    assert re.search(r"as written +– +[\d.]+ KiB$", lines[place + 1])
    for line in lines[place + 2 : place + 4]:
        assert re.search(r" (0|\d\.\de−1[5-9]) +[\d.]+ KiB$", line)
    # 4096³ and 4096² numbers of 8 bytes
    assert lines[place + 4] == (
        "At 4096 × 4096 the box alone would take 512 GiB; a ⊗ δ takes 128 MiB."
    )


def test_a_seed_gives_the_same_lines_again(lines):
    _, again = run(*SMALL, "--seed", "0")
    _, other = run(*SMALL, "--seed", "4")
    assert without_measurements(lines) == without_measurements(again)
    assert without_measurements(lines) != without_measurements(other)


def test_the_printed_source_stands_alone_and_is_backpropagation(rng):
    _, lines = run(*SMALL, "--source")
    whole = "\n".join(lines)
    source = whole.partition("The compiled function of the derived gradients\n")[2]
    source = source.partition("No training")[0]
    assert "tensorcalc" not in source
    namespace = {}
    exec(compile(source, "printed", "exec"), namespace)
    shapes = {"z1": (3, 6), "W2": (4, 3), "b2": 4, "W3": (2, 4), "b3": 2, "λ": (2, 6)}
    v = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    cost, dW2, db2, dW3, db3 = namespace["cost_and_gradients"](**v)

    sigma = lambda t: 1 / (1 + np.exp(-t))
    a1 = sigma(v["z1"])
    a2 = sigma(v["W2"] @ a1 + v["b2"][:, None])
    a3 = sigma(v["W3"] @ a2 + v["b3"][:, None])
    delta3 = 2 * (a3 - v["λ"]) * a3 * (1 - a3)
    delta2 = v["W3"].T @ delta3 * a2 * (1 - a2)
    assert cost == pytest.approx(np.sum((a3 - v["λ"]) ** 2))
    for found, expected in (
        (dW2, delta2 @ a1.T),
        (db2, delta2.sum(1)),
        (dW3, delta3 @ a2.T),
        (db3, delta3.sum(1)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


# ── the digits ───────────────────────────────────────────────────────────────────────────


def accuracy(lines):
    """The last test accuracy that was printed, in per cent."""
    (line,) = [line for line in lines if line.startswith("test accuracy: ")]
    return float(re.fullmatch(r"test accuracy: (\d+\.\d) %", line)[1])


@pytest.mark.slow
def test_by_default_the_digits_are_learnt():
    pytest.importorskip("sklearn")
    status, lines = run("--quick")
    assert status == 0
    assert (
        "Data     1,797 handwritten digits, 8 × 8 pixels: 1,437 to train on, 360 to test" in lines
    )
    assert (
        "Network  64 → 30 → 10 (L = 3, 2,260 parameters), σ = logistic, input activated: a¹ = σ(z¹)"
        in lines
    )
    assert [row[0] for row in table(lines)] == NUMBERS
    assert any(line.endswith("3 real samples, against complex step") for line in lines)
    assert accuracy(lines) >= 90
    (last,) = [line for line in lines if re.match(r"  epoch 15 ", line)]
    right = int(re.search(r"\((\d+) of 360\)", last)[1])
    assert accuracy(lines) == pytest.approx(100 * right / 360, abs=0.05)
    costs = [float(m[1]) for line in lines if (m := re.match(r"  epoch +\d+  cost (\S+)", line))]
    assert len(costs) > 3
    assert costs == sorted(costs, reverse=True)
    assert lines[-1].startswith("15 of 15 equations hold.")


@pytest.mark.parametrize(
    "cost",
    [
        "half squared",
        "cross-entropy",
        "softmax cross-entropy",
    ],
)
def test_every_cost_learns_the_digits_without_a_hidden_layer(cost):
    pytest.importorskip("sklearn")
    status, lines = run("--quick", "--layers", "64,10", "--cost", cost)
    assert status == 0
    assert accuracy(lines) >= 90


def test_the_step_is_the_one_asked_for(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(demo, "_equations", lambda *_: [])
    for options, step in (([], "0.2"), (["--step", "0.125"], "0.125")):
        _, lines = run("--quick", "--layers", "64,10", *options)
        (heading,) = [line for line in lines if line.startswith("Training with equations")]
        assert f"batches of 10, step {step} (" in heading


def test_without_scikit_learn_the_digits_are_refused_and_other_sizes_run(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["--quick"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("NotSupportedError: the handwritten digits, which scikit-learn")
    assert "pip install 'tensorcalc[demo]'" in written.err
    assert run(*SMALL)[0] == 0


# ── where an equation fails ──────────────────────────────────────────────────────────────


def test_with_a_wrong_rule_the_demo_fails_and_names_the_equations(monkeypatch):
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(functions.sigmoid), "derivatives", (lambda x, y: y * (2 - y),))
        status, lines = run(*SMALL)
    assert status == 1
    failing = [3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    names = ", ".join(f"({number})" for number in failing)
    assert lines[-1] == f"3 of 15 equations hold. These do not: {names}."
    marked = [line for line in lines if line.endswith("DOES NOT HOLD")]
    numbers = [line[:3].strip() or "12" for line in marked]
    assert numbers == [str(number) for number in failing]
    status, lines = run(*SMALL)
    assert status == 0
    assert lines[-1].startswith("15 of 15 equations hold.")


def test_the_verdicts_are_those_of_the_equations_themselves(monkeypatch):
    right = special.softmax.derivative
    # softmax continues to complex values: a hundred-millionth is seen, whatever the kinks below
    wrong = lambda x, y: right(x, y) * (1 + 1e-8)
    layers = "3,5,2"  # of no other test: what is remembered stays
    options = ("--activation", "relu", "--cost", "softmax cross-entropy")
    with monkeypatch.context() as corrupted:
        corrupted.setitem(vars(special.softmax), "derivative", wrong)
        status, lines = run("backprop", "--quick", "--layers", layers, *options)
        net = tc.FeedForward([3, 5, 2], "relu", "cross-entropy", output="softmax")
        assert not tc.johnston(net)[5].verify()
    assert status == 1
    assert "(5)" in lines[-1]
    (row,) = [line for line in lines if line.startswith("  5  ")]
    assert row.endswith("e−08  DOES NOT HOLD")


# ── on a terminal ────────────────────────────────────────────────────────────────────────


def test_with_rich_a_terminal_gets_the_same_words_in_colour(lines, monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(SMALL) == 0
    monkeypatch.undo()
    assert "\x1b[" in terminal.getvalue()
    words = re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()).splitlines()
    assert without_measurements(words) == without_measurements(lines)


@pytest.mark.parametrize("terminal", [False, True])
def test_without_rich_the_lines_are_plain(lines, monkeypatch, terminal):
    for name in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    out = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(SMALL) == 0
    monkeypatch.undo()
    assert "\x1b" not in out.getvalue()
    plain = out.getvalue().splitlines()
    assert without_measurements(plain) == without_measurements(lines)


def test_training_on_a_terminal_shows_a_bar_and_leaves_the_lines(monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("rich")
    monkeypatch.setattr(demo, "_equations", lambda *_: [])
    monkeypatch.setattr(demo, "_epoch", lambda *_: 0.5)
    command = ("--quick", "--layers", "64,10")
    _, plain = run(*command)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert main(command) == 0
    monkeypatch.undo()
    assert "training" in terminal.getvalue()
    left = [re.sub(r"\x1b\[[\d;?]*\w|\r", "", line) for line in terminal.getvalue().splitlines()]
    assert [line for line in without_measurements(plain) if line not in left] == []


# ── known faults ─────────────────────────────────────────────────────────────────────────


def test_all_equations_hold_in_a_deep_network():
    status, lines = run("--quick", "--layers", ",".join(["2"] * 11))
    assert (status, lines[-1][:8]) == (0, "15 of 15")
    assert "Cost     C = ‖a¹¹ − λ‖²" in lines


def test_a_network_of_two_layers_names_the_activation_of_its_input():
    _, lines = run("--quick", "--layers", "3,2", "--cost", "softmax cross-entropy")
    (line,) = [line for line in lines if line.startswith("Network")]
    assert "σ = logistic, output softmax" in line
