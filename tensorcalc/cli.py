"""The command line: ``tensorcalc backprop`` and ``tensorcalc derive``."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorcalc.errors import DomainError, TensorCalcError

if TYPE_CHECKING:
    from tensorcalc.check.verify import Verification
    from tensorcalc.derivation.record import Derivation
    from tensorcalc.derivative import Derivative
    from tensorcalc.forms import Formula

__all__ = ["main"]

_LONGEST = 1_000_000  # characters read of a program; more than a program may have


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if a check fails, 2 for bad input."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # formulas need more than ASCII
        sys.stdout.reconfigure(errors="replace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="replace")
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("--") and given[0] not in ("--help", "--version")):
        given = ["backprop", *given]
    if given[0] == "derive":  # a program such as -x is no option: words with a blank are none
        given = [f" {word}" if _is_negative(word) else word for word in given]
    options = parser.parse_args(given)
    try:
        return options.run(options)
    except TensorCalcError as error:
        print(_as_options(f"{type(error).__name__}: {error}"), file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(_as_options(f"  {note}"), file=sys.stderr)
        return 2
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout = open("/dev/null", "w")  # noqa: PTH123, SIM115
        return 0
    except KeyboardInterrupt:
        return 130


def _as_options(message: str) -> str:
    """A message with shapes asked for as the command line takes them: --shape x=…"""
    return re.sub(r"(add its shape: )(\S+=…)", r"\1--shape \2", message)


def _is_negative(word: str) -> bool:
    """Whether a word that begins with a minus sign is an expression."""
    return len(word) > 1 and word[0] == "-" and word[1] != "-" and word != "-h"


def _parser() -> argparse.ArgumentParser:
    import tensorcalc

    parser = argparse.ArgumentParser(
        prog="tensorcalc",
        description="Derivatives by vectors and matrices that you can see, check and run.",
    )
    parser.add_argument("--version", action="version", version=tensorcalc.__version__)
    commands = parser.add_subparsers(metavar="command")

    backprop = commands.add_parser(
        "backprop",
        help="derive backpropagation equation by equation on real data, then train (default)",
        description="Johnston's fifteen equations with shapes and errors on real digits, "
        "then training with the derived gradients.",
    )
    backprop.add_argument(
        "--layers",
        default="64,30,10",
        help="sizes of the layers (default 64,30,10; others than 64…10 use random samples "
        "and skip training)",
    )
    backprop.add_argument(
        "--activation",
        default="sigmoid",
        help="sigmoid, tanh, relu, softplus or identity",
    )
    backprop.add_argument(
        "--cost",
        default="squared",
        help='squared, "half squared", cross-entropy, or "softmax cross-entropy"',
    )
    backprop.add_argument("--seed", type=int, default=0, help="seed of all that is random")
    backprop.add_argument("--step", type=float, help="step of the training")
    backprop.add_argument("--quick", action="store_true", help="fewer samples, fewer epochs")
    backprop.add_argument(
        "--source", action="store_true", help="print the compiled function of the gradients"
    )
    backprop.set_defaults(run=_backprop)

    derive = commands.add_parser(
        "derive",
        help="the derivative of an expression or a program",
        description="Example: tensorcalc derive 'norm(sigmoid(W @ x) - y)**2 / 2' "
        "--wrt W --shape W=5x4 --shape x=4 --shape y=5 --verify",
    )
    derive.add_argument(
        "program",
        help="an expression, or lines name = expression; a file that holds them; - reads stdin",
    )
    derive.add_argument(
        "--wrt",
        action="append",
        required=True,
        metavar="NAME",
        help="differentiate by this name; each --wrt is a derivative of its own",
    )
    derive.add_argument(
        "--of", metavar="NAME", help="differentiate this name (default: the last line)"
    )
    derive.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME=5x4",
        help="shape of a variable: W=5x4 or W=5,4, of named sizes W=mxn or W=m,n (x separates "
        "single letters and numbers, a comma anything), a column x=4, a scalar s=",
    )
    derive.add_argument(
        "--layout", default="numerator", help="numerator (default), denominator or mixed"
    )
    shown = derive.add_mutually_exclusive_group()
    shown.add_argument("--latex", action="store_true", help="print the formula in LaTeX")
    shown.add_argument("--numpy", action="store_true", help="print NumPy source")
    shown.add_argument(
        "--json", action="store_true", help="print one JSON object per derivative, in every form"
    )
    derive.add_argument(
        "--form", choices=("matrix", "index", "vec"), help="the form of the formula"
    )
    derive.add_argument("--slopes", choices=("expanded", "prime"), help="prime: σ′(z) by its name")
    derive.add_argument("--verify", action="store_true", help="check by independent routes")
    derive.add_argument(
        "--steps",
        choices=("chain", "index", "differential"),
        help="print the derivation: the chain of objects, by indices, or by differentials",
    )
    derive.add_argument("--brief", action="store_true", help="with --steps: on a few lines")
    derive.add_argument(
        "--step", action="store_true", help="print the derivation step by step: wait for Enter"
    )
    derive.add_argument(
        "--html", metavar="PAGE.html", help="write the derivation to a page that needs no network"
    )
    derive.set_defaults(run=_derive)
    return parser


def _backprop(options: argparse.Namespace) -> int:
    from tensorcalc.backprop.demo import DEMO_COSTS, Options, run

    if options.seed < 0:
        raise TensorCalcError(f"--seed {options.seed}", "give a whole number of 0 or more")
    if options.step is not None and not 0 < options.step < math.inf:
        raise TensorCalcError(f"--step {options.step}", "give a number above 0, such as 0.2")
    if options.cost not in DEMO_COSTS and options.cost != "quadratic":
        raise TensorCalcError(
            f"a cost called {options.cost!r}", f"choose one of {', '.join(DEMO_COSTS)}"
        )
    try:
        layers = tuple(int(size) for size in options.layers.split(","))
    except ValueError:
        raise TensorCalcError(
            f"--layers {options.layers}", "give whole numbers with commas: --layers 64,30,10"
        ) from None
    return run(
        Options(
            layers=layers,
            activation=options.activation,
            cost=options.cost,
            seed=options.seed,
            quick=options.quick,
            source=options.source,
            step=options.step,
        )
    )


def _shape(given: str, shape: str) -> str:
    """5x4 as the sizes 5 and 4, mxn as the names m and n; longer names have their x."""
    crossed = shape.replace("×", "x").split("x")
    short = [re.fullmatch(r"\s*([^\W\d_]\d*|[-+.\d ]+)\s*", size) for size in crossed]
    if "×" in shape or all(short):
        if not all(size.strip() for size in crossed):
            raise TensorCalcError(f"--shape {given}", "write --shape W=5x4")
        return " ".join(crossed)
    if not all(size.strip() for size in crossed) and any(short):
        raise TensorCalcError(f"--shape {given}", "write --shape W=5x4")
    return shape


def _verified(d: Derivative) -> Verification:
    try:
        return d.verify()
    except DomainError as error:
        raise TensorCalcError(
            str(error), "use d.verify(at=…) in Python, with values inside the domain"
        ) from None


def _derive(options: argparse.Namespace) -> int:
    import tensorcalc as tc

    _refuse_idle_form(options)
    shapes = {}
    for given in options.shape:
        name, equals, shape = given.partition("=")
        if not equals:
            raise TensorCalcError(f"--shape {given}", "write --shape W=5x4")
        if name.strip() in shapes:
            raise TensorCalcError(f"--shape {given}: a second shape of {name.strip()}", "give one")
        shapes[name.strip()] = _shape(given, shape)
    p = tc.program(_program_text(options.program), shapes)
    of = p.result if options.of is None else options.of
    derivatives = [p.derivative(of, name, layout=options.layout) for name in options.wrt]
    reports = [_verified(d) if options.verify else None for d in derivatives]
    if options.html is not None:
        _write_page(derivatives, options)
    if options.step:
        for d in derivatives:
            _step_by_step(_derivation(d, options).text())
    else:
        pairs = zip(derivatives, reports, strict=True)
        print(*(_printed(d, report, options) for d, report in pairs), sep="\n")
    return int(any(report is not None and not report for report in reports))


def _refuse_idle_form(options: argparse.Namespace) -> None:
    """A form is asked for a formula; source and derivations are written in one way only."""
    told = None if options.json else options.steps and f"--steps {options.steps}"
    brief = "--brief" if options.brief and not options.json else None
    other = ("--numpy" if options.numpy else None) or told or brief
    other = "--step" if options.step else other
    for option in ("form", "slopes"):
        given = getattr(options, option)
        if given and other:
            raise TensorCalcError(
                f"--{option} {given} with {other}",
                f"leave out one: --{option} is how the formula is written, which {other.split()[0]}"
                " does not print",
            )


def _derivation(d: Derivative, options: argparse.Namespace) -> Derivation:
    return d.derivation(options.steps or "chain", detail="brief" if options.brief else "full")


def _write_page(derivatives: Sequence[Derivative], options: argparse.Namespace) -> None:
    """The derivation with its pictures as one HTML page."""
    from tensorcalc import plot
    from tensorcalc.display.writers import write_page

    if len(derivatives) > 1:
        raise TensorCalcError(
            f"--html {options.html} with {len(derivatives)} derivatives", "give one --wrt a page"
        )
    d = derivatives[0]
    page = write_page(_derivation(d, options).document, [plot.chain(d), plot.graph(d)])
    try:
        Path(options.html).write_text(page, encoding="utf-8")
    except OSError as error:
        raise TensorCalcError(
            f"--html {options.html}: {error.strerror}", "give a file that can be written"
        ) from None


def _step_by_step(text: str) -> None:
    """Print up to the next step and wait for Enter; at the end of the input go on without."""
    for part in re.split(r"\n(?=\(\d+\))", text):
        print(part, end="", flush=True)
        try:
            input()
        except EOFError:
            print()
        else:
            if not sys.stdin.isatty():  # nobody's Enter has ended the line
                print()


def _program_text(given: str) -> str:
    """The text itself, or what standard input or a file holds."""
    try:
        if given == "-":
            return sys.stdin.read(_LONGEST)
        path = Path(given)
        if not _is_file(path):
            if re.fullmatch(
                r"(\.{0,2}[/\\]|~)?[\w./\\~-]*\.(txt|py|md|tc|dat|ipynb)", given.strip()
            ):
                raise TensorCalcError(
                    f"there is no file {given}", "give its path, or the program itself in quotes"
                )
            return given
        with path.open(encoding="utf-8") as file:
            return file.read(_LONGEST)
    except UnicodeDecodeError:
        what = "standard input" if given == "-" else given
        raise TensorCalcError(f"{what} that is no text", "give UTF-8 text") from None
    except OSError as error:
        raise TensorCalcError(
            f"{given}: {error.strerror}", "give a file that can be read"
        ) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL character
        return False


def _printed(d: Derivative, report: Verification | None, options: argparse.Namespace) -> str:
    """What is written of one derivative."""
    if options.json:
        return _json(d, report, options)
    shown = _formula(d, options)
    words = repr(shown or d)
    told = _derivation(d, options) if options.steps or options.brief else None
    if options.latex:
        words = (shown.latex if shown else d.latex()) if told is None else told.latex()
    elif options.numpy:
        source = d.compile().source
        words = source if told is None else f"{told.text()}\n\n{source}"
    elif told is not None:
        words = told.text()
    return words if report is None else f"{words}\n{report}"


def _formula(d: Derivative, options: argparse.Namespace) -> Formula | None:
    """The formula in the form that is asked for, if one is."""
    if not options.form and not options.slopes:
        return None
    return d.formula(options.form, options.slopes or "expanded")


def _json(d: Derivative, report: Verification | None, options: argparse.Namespace) -> str:
    """One JSON object: what the derivative is, in every form that it has."""
    from tensorcalc.display import describe
    from tensorcalc.display.derivative import formula
    from tensorcalc.display.spelling import TEXT
    from tensorcalc.presentation import view_of

    told: dict[str, Any] = {
        "of": d.of.name or describe(d.of.expr, 10_000),
        "wrt": d.arguments[0].name,
        "kind": d.kind,
        "shape": list(d.shape),
        "layout": d.layout,
        "structure": d.structure,
        "formula": formula(view_of(d), TEXT)[0],
        "text": repr(d),
        "latex": d.latex(),
        "numpy": d.compile().source,
    }
    shown = _formula(d, options)
    if shown is not None:
        told |= {"form": shown.form, "formula": shown.text}
        told |= {"text": repr(shown), "latex": shown.latex}
    if options.steps or options.brief:
        told["derivation"] = _derivation(d, options).json()
    if report is not None:
        told["verified"] = bool(report)
        told["verification"] = [
            {name: _finite(value) for name, value in vars(row).items()} for row in report.rows
        ]
    return json.dumps(told, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None
