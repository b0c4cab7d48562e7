"""The command line: what is printed where, and the exit status."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.backprop import demo
from tensorcalc.cli import main

LAYER = "norm(sigmoid(W @ x) - y)**2 / 2"
SHAPES = ("--shape", "W=5x4", "--shape", "x=4", "--shape", "y=5")


@pytest.fixture
def tensorcalc(capsys):
    """Runs a command here: its exit status, and what it wrote to stdout and to stderr."""

    def run(*arguments):
        try:
            status = main(arguments)
        except SystemExit as stop:  # argparse
            status = stop.code
        written = capsys.readouterr()
        return status, written.out, written.err

    return run


def process(*arguments, **options):
    """A new Python that runs the module with these arguments."""
    root = Path(tc.__file__).parents[1]
    return {
        "args": [sys.executable, "-m", "tensorcalc", *arguments],
        "env": os.environ | {"PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
        "encoding": "utf-8",
        **options,
    }


# ── derive ───────────────────────────────────────────────────────────────────────────────


def test_derive_prints_the_derivative_in_one_line(tensorcalc):
    status, out, err = tensorcalc("derive", LAYER, "--wrt", "W", *SHAPES)
    assert (status, err) == (0, "")
    p = tc.program(LAYER, W=(5, 4), x=4, y=5)
    assert out == f"{p.derivative(p.result, 'W')!r}\n"
    assert out.endswith(" : 4 × 5 matrix gradient, numerator (shape of Wᵀ)\n")


def test_derive_by_several_names_prints_them_in_the_order_asked_for(tensorcalc):
    program = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
    status, out, err = tensorcalc(
        "derive", program, "--wrt", "s", "--wrt", "W", "--wrt", "v", *SHAPES
    )
    assert (status, err) == (0, "")
    assert [line.split(" = ")[0] for line in out.splitlines()] == ["∂E/∂s", "∂E/∂W", "∂E/∂v"]


@pytest.mark.parametrize(
    ("shape", "printed"),
    [
        ("W=5x4", "5 × 4 × 5 3-tensor"),
        ("W=5×4", "5 × 4 × 5 3-tensor"),
        ("W=5 4", "5 × 4 × 5 3-tensor"),
        ("W=5,4", "5 × 4 × 5 3-tensor"),
        ("W=m 4", "m × 4 × m 3-tensor"),
        ("W=m,4", "m × 4 × m 3-tensor"),
        ("W=mx4", "m × 4 × m 3-tensor"),
        ("W=m1x4", "m1 × 4 × m1 3-tensor"),
        ("W=axis,4", "axis × 4 × axis 3-tensor"),
        ("W=max4,4", "max4 × 4 × max4 3-tensor"),
    ],
)
def test_shapes_are_written_with_a_cross_a_comma_or_a_blank(tensorcalc, shape, printed):
    status, out, _ = tensorcalc("derive", "W @ x", "--wrt", "W", "--shape", shape, "--shape", "x=4")
    assert status == 0
    assert printed in out


@pytest.mark.parametrize(
    ("layout", "printed"),
    [
        ("numerator", "4 × 5 matrix gradient, numerator (shape of Wᵀ)"),
        ("denominator", "5 × 4 matrix gradient, denominator (shape of W)"),
        ("mixed", "5 × 4 matrix gradient, mixed (shape of W)"),
    ],
)
def test_the_layout_is_the_one_asked_for(tensorcalc, layout, printed):
    status, out, _ = tensorcalc("derive", LAYER, "--wrt", "W", *SHAPES, "--layout", layout)
    assert status == 0
    assert out.endswith(f" : {printed}\n")


def test_latex_is_the_derivatives_latex(tensorcalc):
    status, out, err = tensorcalc("derive", LAYER, "--wrt", "W", *SHAPES, "--latex")
    p = tc.program(LAYER, W=(5, 4), x=4, y=5)
    assert (status, err) == (0, "")
    assert out == p.derivative(p.result, "W").latex() + "\n"
    assert out.startswith(r"\frac{\partial ")


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (("--form", "vec"), "∂vec(A tanh(X))/∂vec(X) = (I ⊗ A) diag(vec(1 − tanh(X) ⊙ tanh(X)))"),
        (("--form", "vec", "--slopes", "prime"), "(I ⊗ A) diag(vec(tanh′(X)))"),
        (("--slopes", "prime"), "∂(A tanh(X))/∂X[k, l, i, j] = A_kj I[l=i] tanh′(X_jl)"),
        (("--slopes", "prime", "--latex"), r"\tanh'\left("),
        (("--form", "vec", "--json"), '"formula": "(I ⊗ A) diag(vec(1 − tanh(X) ⊙ tanh(X)))"'),
        (
            ("--slopes", "prime", "--json"),
            '"text": "∂(A tanh(X))/∂X[k, l, i, j] = A_kj I[l=i] tanh′',
        ),
        (("--form", "index", "--json", "--brief"), '"derivation": {'),
    ],
    ids=" ".join,
)
def test_the_form_of_a_formula_is_the_one_asked_for(tensorcalc, options, printed):
    shapes = ("--shape", "A=5x3", "--shape", "X=3x4")
    _, out, _ = tensorcalc("derive", "A @ tanh(X)", "--wrt", "X", *shapes, *options)
    assert printed in out


@pytest.mark.parametrize("asked", [("--form", "vec"), ("--slopes", "prime")], ids=" ".join)
@pytest.mark.parametrize(
    "printed",
    [
        ("--numpy",),
        ("--steps", "chain"),
        ("--brief",),
        ("--step",),
        ("--steps", "index", "--latex"),
    ],
    ids=" ".join,
)
def test_no_form_is_asked_for_what_has_none(tensorcalc, asked, printed):
    answer = tensorcalc("derive", LAYER, "--wrt", "W", *SHAPES, *asked, *printed)
    words = f"TensorCalcError: {' '.join(asked)} with {printed[0]}"
    assert_refused(answer, words, f"which {printed[0]} does not print")


def test_numpy_is_source_that_stands_alone(tensorcalc, rng):
    status, out, err = tensorcalc("derive", f"E = {LAYER}", "--wrt", "W", *SHAPES, "--numpy")
    assert (status, err) == (0, "")
    assert "tensorcalc" not in out
    namespace = {}
    exec(compile(out, "printed", "exec"), namespace)
    W, x, y = rng.normal(size=(5, 4)), rng.normal(size=4), rng.normal(size=5)
    s = 1 / (1 + np.exp(-W @ x))
    found = namespace["dE_dW"](W=W, x=x, y=y)
    np.testing.assert_allclose(found, np.outer(x, (s - y) * s * (1 - s)), rtol=1e-12)


@pytest.mark.parametrize("form", [[], ["--latex"], ["--numpy"]])
def test_verify_adds_the_table_of_routes(tensorcalc, form):
    plain = tensorcalc("derive", LAYER, "--wrt", "W", *SHAPES, *form)[1]
    status, out, err = tensorcalc("derive", LAYER, "--wrt", "W", *SHAPES, *form, "--verify")
    assert (status, err) == (0, "")
    assert out.startswith(plain)
    table = out[len(plain) :].splitlines()
    assert table[0].split()[-2:] == ["error", "allowed"]
    routes = [line.split()[0] for line in table[1:]]
    assert routes == ["literal", "formula", "differences", "Taylor"]
    assert [line.split()[-1] for line in table[1:]] == ["ok", "reference", "ok", "ok"]


def test_verify_tells_of_a_wrong_derivative_by_its_status(tensorcalc, monkeypatch):
    monkeypatch.setitem(vars(tc.functions.tanh), "derivatives", (lambda x, y: 1 - y,))
    command = ("derive", "y = x.T @ x; z = tanh(x)", "--shape", "x=4", "--verify")
    status, out, err = tensorcalc(*command, "--wrt", "x")
    assert (status, err) == (1, "")
    assert out.count("WRONG") == 2


def test_a_program_is_read_from_stdin(tensorcalc, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("v = W @ x\ns = sigmoid(v)\n\nsum(s)\n"))
    status, out, err = tensorcalc("derive", "-", "--wrt", "v", "--shape", "W=5x4", "--shape", "x=4")
    assert (status, err) == (0, "")
    assert out == "∂(1ᵀ s)/∂v = (s ⊙ (1 − s))ᵀ : 1 × 5 row gradient, numerator\n"


def test_names_of_one_letter_are_crossed_as_numbers_are(tensorcalc):
    shapes = ("--shape", "W=mxn", "--shape", "x=n", "--shape", "s=")
    status, out, _ = tensorcalc("derive", "s * W @ x", "--wrt", "x", *shapes)
    assert (status, out) == (0, "∂(s W x)/∂x = s W : m × n Jacobian, numerator\n")


@pytest.mark.parametrize("program", ["-x", "-x * 2", "-(x + 1)"])
def test_a_program_may_begin_with_a_minus_sign(tensorcalc, program):
    expected = tensorcalc("derive", f"0{program}", "--wrt", "x", "--shape", "x=3")
    assert expected[0] == 0
    status, out, err = tensorcalc("derive", program, "--wrt", "x", "--shape", "x=3")
    assert (status, err) == (0, "")
    assert out.partition(" = ")[2] == expected[1].partition(" = ")[2]


@pytest.mark.parametrize("name", ["prog.txt", "./prog.txt", "dir/prog.py", "/no/such.txt"])
def test_a_file_that_is_not_there_is_told(tensorcalc, name):
    result = tensorcalc("derive", name, "--wrt", "x")
    assert_refused(result, f"TensorCalcError: there is no file {name}", "give its path")


def test_a_program_is_read_from_a_file(tensorcalc, tmp_path):
    path = tmp_path / "layer.txt"
    path.write_text("v = W @ x\nσ(v)  # the layer", encoding="utf-8")
    shapes = ("--shape", "W=5x4", "--shape", "x=4")
    from_file = tensorcalc("derive", str(path), "--wrt", "v", *shapes)
    assert from_file == tensorcalc("derive", "v = W @ x; σ(v)", "--wrt", "v", *shapes)
    assert from_file[0] == 0


def test_a_file_that_is_no_text_is_refused(tensorcalc, tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(b"\x89PNG\xff\x00")
    result = tensorcalc("derive", str(path), "--wrt", "x")
    assert_refused(result, f"TensorCalcError: {path} that is no text", "give UTF-8 text")


@pytest.mark.parametrize("program", ["x" * 5000, "x\0", "/" * 5000, "."])
def test_what_names_no_file_is_a_program(tensorcalc, program):
    status, out, err = tensorcalc("derive", program, "--wrt", "x", "--shape", "x=4")
    assert (status, out) == (2, "")
    assert err.startswith("ParseError: line 1, column ")


def test_of_names_the_quantity_to_differentiate(tensorcalc):
    program = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
    status, out, err = tensorcalc("derive", program, "--of", "s", "--wrt", "v", *SHAPES)
    assert (status, err) == (0, "")
    assert out == "∂s/∂v = diag(s ⊙ (1 − s)) : 5 × 5 Jacobian, numerator, 5 of 25 entries used\n"


def test_json_holds_a_derivative_in_every_form(tensorcalc):
    program = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
    command = ("derive", program, "--wrt", "W", "--wrt", "v", *SHAPES, "--json")
    status, out, err = tensorcalc(*command)
    assert (status, err) == (0, "")
    p = tc.program(program, W=(5, 4), x=4, y=5)
    for line, name in zip(out.splitlines(), "Wv", strict=True):
        told, d = json.loads(line), p.derivative("E", name)
        assert (told["of"], told["wrt"], told["kind"]) == ("E", name, d.kind)
        assert (told["shape"], told["layout"]) == (list(d.shape), "numerator")
        assert told["structure"] == d.structure
        assert told["text"] == repr(d)
        assert told["formula"] in told["text"]
        assert told["latex"] == d.latex()
        assert told["numpy"] == d.compile().source
        assert "verification" not in told


def test_json_has_the_rows_of_a_verification(tensorcalc):
    command = ("derive", LAYER, "--wrt", "W", *SHAPES, "--json", "--verify", "--layout", "mixed")
    status, out, _ = tensorcalc(*command)
    told = json.loads(out)
    assert (status, told["verified"], told["layout"]) == (0, True, "mixed")
    rows = {row["route"]: row for row in told["verification"]}
    assert list(rows) == ["literal", "formula", "differences", "Taylor"]
    assert rows["literal"]["error"] < rows["literal"]["allowed"] == 1e-12
    assert rows["formula"]["ok"] is None


def test_json_tells_of_a_wrong_derivative(tensorcalc, monkeypatch):
    monkeypatch.setitem(vars(tc.functions.tanh), "derivatives", (lambda x, y: 1 - y,))
    command = ("derive", "tanh(x)", "--shape", "x=4", "--wrt", "x", "--json", "--verify")
    status, out, _ = tensorcalc(*command)
    assert (status, json.loads(out)["verified"]) == (1, False)


def test_names_of_dimensions_stand_in_json_as_they_are(tensorcalc):
    command = ("derive", "W @ x", "--shape", "W=m n", "--shape", "x=n", "--wrt", "x", "--json")
    assert json.loads(tensorcalc(*command)[1])["shape"] == ["m", "n"]


# ── bad input ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["W5", "x=4"], "TensorCalcError: --shape W5", "write --shape W=5x4"),
        (["W=0x4", "x=4"], "DimensionError: the shape of W: a dimension of size 0", "1 or more"),
        (["W=5.5x4", "x=4"], "DimensionError: the shape of W: a dimension given as '5.5'", "whole"),
        (["W=-5x4", "x=4"], "DimensionError: the shape of W: a dimension given as '-5'", "whole"),
        (["W=5x4", "x=5"], "ShapeError: line 1, column 1: W (5 × 4) @ x (5 × 1)", "W.T @ x"),
        (["W=5x4", "W=5x4", "x=4"], "TensorCalcError: --shape W=5x4: a second shape of W", "one"),
        (["W=5x4"], "ParseError: line 1, column 5: x has no shape and no definition", "x=…"),
        (["=5x4"], "TensorCalcError: a quantity named ''", "choose a name"),
        (["W=5x4", "x=4", "lambda=3"], "TensorCalcError: a quantity named 'lambda'", "choose"),
    ],
)
def test_shapes_that_cannot_be_used_are_refused(tensorcalc, arguments, message, hint):
    shapes = [word for shape in arguments for word in ("--shape", shape)]
    assert_refused(tensorcalc("derive", "W @ x", "--wrt", "W", *shapes), message, hint)


def assert_refused(result, message, hint=""):
    """Exit status 2, the message and the hint on stderr, no traceback, nothing on stdout."""
    status, out, err = result
    assert (status, out) == (2, "")
    assert err.startswith(message)
    assert f"  hint: {hint}" in err or hint in err.partition("  hint: ")[2]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        ("W @ x", ["--wrt", "Q"], "UnknownNameError: the program has no quantity named 'Q'"),
        ("W @ x", ["--wrt", "W", "--layout", "rows"], "LayoutError: a layout called 'rows'"),
        ("", ["--wrt", "W"], "ParseError: a program without a line"),
        ("v = W @", ["--wrt", "W"], "ParseError: line 1, column 7: the right side of @ is missing"),
        (
            "import os",
            ["--wrt", "W"],
            "ParseError: line 1, column 1: import is not in the language",
        ),
        (
            "__import__('os')",
            ["--wrt", "W"],
            "ParseError: line 1, column 1: there is no function __im",
        ),
        ("W @ x ^ 2", ["--wrt", "W"], "ParseError: line 1, column 5: powers are written **"),
        ("sin(W @ X)", ["--wrt", "W"], "ParseError: line 1, column 9: X has no shape and no def"),
        ("v = W @ x", ["--wrt", "W", "--of", "u"], "UnknownNameError: the program has no quantity"),
    ],
)
def test_programs_that_cannot_be_read_are_refused(tensorcalc, program, options, message):
    result = tensorcalc("derive", program, *options, "--shape", "W=5x4", "--shape", "x=4")
    assert_refused(result, message)
    assert "hint: " in result[2]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (["--layers", "3"], "TensorCalcError: a network of 1 layer", "[3, 2]"),
        (["--layers", ""], "TensorCalcError: --layers ", "--layers 64,30,10"),
        (["--layers", "3,x"], "TensorCalcError: --layers 3,x", "--layers 64,30,10"),
        (["--layers", "3,2.0"], "TensorCalcError: --layers 3,2.0", "--layers 64,30,10"),
        (["--layers", "3,0,2"], "TensorCalcError: a layer of size 0", "1 or more"),
        (["--layers=-3,2"], "TensorCalcError: a layer of size -3", "1 or more"),
        (["--activation", "swish"], "TensorCalcError: an activation called 'swish'", "sigmoid"),
        (["--cost", "hinge"], "TensorCalcError: a cost called 'hinge'", "squared"),
        (["--cost", "quadratic"], 'TensorCalcError: the cost "quadratic"', "half squared"),
        (["--activation", "relu", "--cost", "cross-entropy"],
         "TensorCalcError: the cross-entropy of relu outputs", "softmax"),
    ],
)  # fmt: skip
def test_networks_that_cannot_be_built_are_refused(tensorcalc, options, message, hint):
    small = () if any("layers" in option for option in options) else ("--layers", "3,4,2")
    assert_refused(tensorcalc("backprop", "--quick", *small, *options), message, hint)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "invalid choice: 'nosuch'"),
        (["derive"], "the following arguments are required: program, --wrt"),
        (["derive", "x", "--wrt", "x", "--latex", "--numpy"], "not allowed with argument --latex"),
        (["derive", "x", "--wrt"], "argument --wrt: expected one argument"),
        (["backprop", "--seed", "one"], "argument --seed: invalid int value: 'one'"),
        (["backprop", "--step", "big"], "argument --step: invalid float value: 'big'"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_arguments_that_are_none_are_refused_with_the_usage(tensorcalc, arguments, message):
    status, out, err = tensorcalc(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: tensorcalc")
    assert message in err
    assert "Traceback" not in err


# ── commands ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], demo.Options()),
        (["backprop"], demo.Options(layers=(64, 30, 10), activation="sigmoid", cost="squared")),
        (["--quick"], demo.Options(quick=True)),
        (["--layers", "3,4,2", "--source"], demo.Options(layers=(3, 4, 2), source=True)),
        (
            ["backprop", "--activation", "tanh", "--cost", "half squared", "--step", "0.5"],
            demo.Options(activation="tanh", cost="half squared", step=0.5),
        ),
        (["backprop", "--seed", "7", "--layers", "3, 2"], demo.Options(layers=(3, 2), seed=7)),
    ],
)
@pytest.mark.parametrize("status", [0, 1])
def test_without_a_command_the_demo_runs(tensorcalc, monkeypatch, arguments, options, status):
    asked = []
    monkeypatch.setattr(demo, "run", lambda options: asked.append(options) or status)
    assert tensorcalc(*arguments) == (status, "", "")
    assert asked == [options]


def test_the_arguments_are_those_of_the_process(tensorcalc, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tensorcalc", "--version"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"{tc.__version__}\n"


@pytest.mark.parametrize("command", [(), ("backprop",), ("derive",)])
def test_help_names_the_options_with_examples(tensorcalc, command):
    status, out, err = tensorcalc(*command, "--help")
    assert (status, err) == (0, "")
    expected = {
        (): ["backprop", "derive", "--version"],
        ("backprop",): ["--layers", "64,30,10", "--activation", "--cost", "--quick", "--source"],
        ("derive",): [
            *("--wrt", "--of", "--shape NAME=5x4", "--layout", "a file"),
            *("--latex", "--numpy", "--json", "--verify"),
        ],
    }[command]
    assert [word for word in expected if word not in out] == []


def test_an_interrupt_ends_quietly(tensorcalc, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert tensorcalc("backprop") == (130, "", "")


# ── as a process ─────────────────────────────────────────────────────────────────────────


def test_the_module_runs_as_a_program():
    done = subprocess.run(**process("--quick", "--layers", "3,4,2", capture_output=True))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("BACKPROPAGATION after Carolyn Johnston")
    bad = subprocess.run(**process("derive", "W @", "--wrt", "W", capture_output=True))
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("ParseError: line 1, column 3:")


@pytest.mark.parametrize("lines", [0, 1, 5])
def test_a_reader_that_stops_early_is_no_error(lines):
    command = process(
        "--quick", "--layers", "3,4,2", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with subprocess.Popen(**command) as running:
        read = [running.stdout.readline() for _ in range(lines)]
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait() == 0
    assert all(line.endswith("\n") for line in read)


def test_an_output_without_unicode_gets_question_marks():
    command = process("derive", "W @ x", "--wrt", "W", "--shape", "W=5x4", "--shape", "x=4")
    command["env"] |= {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(**command | {"encoding": "ascii"}, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("?(W x)/?W[k, i, j] = I[k=j] x_i : 5 ? 4 ? 5 3-tensor")


# ── known faults ─────────────────────────────────────────────────────────────────────────


def test_a_negative_seed_is_refused(tensorcalc):
    result = tensorcalc("backprop", "--quick", "--layers", "3,4,2", "--seed", "-1")
    assert_refused(result, "TensorCalcError")


@pytest.mark.parametrize("step", ["0", "-1", "nan", "inf"])
def test_a_step_that_is_no_positive_number_is_refused(tensorcalc, monkeypatch, step):
    def begun(*_, **__):
        raise AssertionError("the demo has begun")

    monkeypatch.setattr(demo, "_introduce", begun)
    result = tensorcalc("backprop", "--layers", "3,4,2", "--step", step)
    assert_refused(result, "TensorCalcError")


@pytest.mark.parametrize("shape", ["W=5xx4", "W=5x4x", "W=x5x4"])
def test_a_shape_with_a_stray_cross_is_refused(tensorcalc, shape):
    result = tensorcalc("derive", "W @ x", "--wrt", "W", "--shape", shape, "--shape", "x=4")
    assert_refused(result, f"TensorCalcError: --shape {shape}", "write --shape W=5x4")


def test_where_no_point_is_found_the_hint_is_one_the_command_line_has(tensorcalc):
    command = ("derive", "sum(log(x - 9))", "--wrt", "x", "--shape", "x=3", "--verify")
    status, _, err = tensorcalc(*command)
    assert status == 2
    assert "at=dict" not in err


def test_the_hint_for_a_cost_lists_every_cost_of_the_command_line(tensorcalc):
    _, _, err = tensorcalc("backprop", "--layers", "3,4,2", "--cost", "hinge")
    assert "softmax cross-entropy" in err


def test_a_program_that_is_no_text_is_refused():
    command = process("derive", "-", "--wrt", "x", "--shape", "x=4", capture_output=True)
    done = subprocess.run(**command | {"encoding": None}, input=b"\xff\xfe\x00")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_nothing_is_printed_before_a_fault_of_a_later_derivative(tensorcalc):
    result = tensorcalc("derive", LAYER, "--wrt", "W", "--wrt", "Q", *SHAPES)
    assert_refused(result, "UnknownNameError: the program has no quantity named 'Q'")


def test_every_fault_of_a_program_is_told_with_the_text_to_paste(tensorcalc):
    status, out, err = tensorcalc("derive", "v = W x; ||v - y||²", "--wrt", "W", *SHAPES)
    assert (status, out) == (2, "")
    assert [line for line in err.splitlines() if line.startswith(("line ", "ParseError: "))] == [
        "ParseError: line 1, column 5: W (5 × 4) and x (4 × 1) without an operator between them",
        "line 1, column 10: bars are not in the language",
    ]
    assert "repaired:\nv = W @ x; norm(v - y)²\n" in err


def test_a_message_to_a_terminal_without_unicode_has_question_marks():
    command = process("derive", "W x", "--wrt", "W", "--shape", "W=5x4", "--shape", "x=4")
    command["env"] |= {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(**command | {"encoding": "ascii"}, capture_output=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ParseError: line 1, column 1: W (5 ? 4) and x (4 ? 1) without")


# ── derivations ──────────────────────────────────────────────────────────────────────────

NETWORK = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"


def derivation(style, detail="full"):
    d = tc.program(NETWORK, W=(5, 4), x=4, y=5).derivative("E", "W")
    return d.derivation(style, detail=detail)


@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_steps_print_the_derivation_in_a_style(tensorcalc, style):
    status, out, err = tensorcalc("derive", NETWORK, "--wrt", "W", *SHAPES, "--steps", style)
    assert (status, err) == (0, "")
    assert out == derivation(style).text() + "\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--brief"], lambda: derivation("chain", "brief").text()),
        (["--steps", "differential", "--latex"], lambda: derivation("differential").latex()),
    ],
)
def test_a_derivation_is_printed_in_the_form_asked_for(tensorcalc, options, expected):
    status, out, _ = tensorcalc("derive", NETWORK, "--wrt", "W", *SHAPES, *options)
    assert (status, out) == (0, expected() + "\n")


def test_json_holds_the_derivation_where_steps_are_asked_for(tensorcalc):
    _, out, _ = tensorcalc("derive", NETWORK, "--wrt", "W", *SHAPES, "--steps", "index", "--json")
    assert json.loads(out)["derivation"] == json.loads(json.dumps(derivation("index").json()))


def test_html_writes_a_page_with_pictures_that_needs_no_network(tensorcalc, tmp_path):
    page = tmp_path / "page.html"
    status, out, err = tensorcalc(
        "derive", NETWORK, "--wrt", "W", *SHAPES, "--steps", "chain", "--html", str(page)
    )
    assert (status, err) == (0, "")
    assert out == derivation("chain").text() + "\n"
    written = page.read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert written.count("<img ") == 2
    assert "http" not in written.replace("http://www.w3.org", "")


def test_html_of_two_derivatives_or_in_no_folder_is_refused(tensorcalc, tmp_path):
    common = ("derive", NETWORK, "--wrt", "W", *SHAPES, "--html")
    status, out, err = tensorcalc(*common, "page.html", "--wrt", "x")
    assert (status, out) == (2, "")
    assert "--html page.html with 2 derivatives" in err
    status, out, err = tensorcalc(*common, str(tmp_path / "none" / "page.html"))
    assert (status, out) == (2, "")
    assert "No such file or directory" in err


def test_step_waits_for_enter_after_every_step(tensorcalc, monkeypatch):
    waits = []
    monkeypatch.setattr("builtins.input", lambda: waits.append("Enter"))
    status, out, _ = tensorcalc("derive", NETWORK, "--wrt", "W", *SHAPES, "--step")
    assert status == 0
    assert len(waits) == 1 + len(derivation("chain"))
    assert out.replace("\n", "") == derivation("chain").text().replace("\n", "")


def test_step_goes_on_where_there_is_no_input(tensorcalc, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    status, out, err = tensorcalc("derive", NETWORK, "--wrt", "W", *SHAPES, "--step")
    assert (status, err) == (0, "")
    assert "Result" in out


def test_a_missing_shape_is_asked_for_as_an_option(capsys):
    assert main(["derive", "f = sum(x * y)", "--wrt", "x", "--shape", "x=3"]) != 0
    assert "add its shape: --shape y=…" in capsys.readouterr().err
