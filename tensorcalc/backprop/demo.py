"""The main job: Johnston's derivation equation by equation on real data, then training.

Prints plain text; where ``rich`` is installed and the output is a terminal, with headings in
colour and a progress bar.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorcalc.backprop.data import Samples, digits, random_samples
from tensorcalc.backprop.equation import Equation, Equations, network_point, superscript
from tensorcalc.backprop.johnston import SUMMARY_SLIPS, johnston
from tensorcalc.backprop.network import COSTS, FeedForward
from tensorcalc.check.points import Point
from tensorcalc.check.verify import Row, relative_error
from tensorcalc.derivative import derivative, gradient
from tensorcalc.evaluation import evaluate
from tensorcalc.expr import Elementwise, toposort
from tensorcalc.shapes import format_bytes, format_shape
from tensorcalc.tensor import define, matrix, vector

__all__ = ["DEMO_COSTS", "Options", "run"]

DEMO_COSTS = (*COSTS, "softmax cross-entropy")
DIGITS = (64, 10)  # pixels of an image, classes of digits
BATCH = 10
_OFF_KINK = 0.01  # how far inputs are moved off a kink before differences are taken


@dataclass(frozen=True)
class Options:
    """What the command line chose."""

    layers: tuple[int, ...] = (64, 30, 10)
    activation: str = "sigmoid"
    cost: str = "squared"
    seed: int = 0
    quick: bool = False
    source: bool = False
    step: float | None = None


class Screen:
    """Where the lines go: plain, or through rich on a terminal that has it."""

    def __init__(self) -> None:
        self.console: Any = None
        if sys.stdout.isatty():
            try:
                from rich.console import Console
            except ImportError:
                return
            self.console = Console(highlight=False, markup=False)

    def say(self, text: str = "", style: str | None = None) -> None:
        """One line."""
        if self.console is None:
            print(text, flush=True)
        else:
            self.console.print(text, style=style, soft_wrap=True)

    def heading(self, text: str) -> None:
        """A line that opens a part."""
        self.say(text, "bold cyan")

    def progress(self, steps: Iterable[int], count: int, what: str) -> Iterator[int]:
        """The steps, with a bar while they run."""
        if self.console is None:
            return iter(steps)
        from rich.progress import track

        return iter(
            track(steps, description=what, total=count, console=self.console, transient=True)
        )


def run(options: Options) -> int:
    """Print the derivation and train; the exit status is 1 if an equation does not hold."""
    screen = Screen()
    output = "softmax" if options.cost == "softmax cross-entropy" else None
    cost = "cross-entropy" if output else options.cost
    net = FeedForward(options.layers, options.activation, cost, output=output)
    real = (net.sizes[0], net.sizes[-1]) == DIGITS
    if real:
        train, test = digits(seed=options.seed)
    else:
        train = test = random_samples(net.sizes, 50, options.seed)
    params = net.initial_parameters(options.seed)
    _introduce(screen, net, real=real, train=train, test=test)
    equations = johnston(net)
    points = _points(net, params, train, 3 if options.quick else 20, options.seed)
    failed = _equations(screen, equations, points)
    _read_as(screen, equations)
    _slice_of_the_box(screen, equations, points[0])
    _three_ways(screen, net, params, train.one(0))
    if options.source:
        _source(screen, net)
    if real:
        _train(screen, net, params, train, test, options)
    else:
        screen.say()
        screen.say(
            f"No training: {net.sizes[0]} → … → {net.sizes[-1]} does not fit the digits "
            f"({DIGITS[0]} → … → {DIGITS[1]}), so the samples are random."
        )
    _conclude(screen, equations, failed)
    return 1 if failed else 0


# ── what stands at the top ───────────────────────────────────────────────────────────────


def _introduce(
    screen: Screen, net: FeedForward, *, real: bool, train: Samples, test: Samples
) -> None:
    screen.heading(
        "BACKPROPAGATION after Carolyn Johnston's write-up (2020), equations 1–15, restated"
    )
    screen.say("Columns are N × 1. [δf/δz] is a derivative, δˡ the helper gradient (a row), and")
    screen.say("I[j=k] is 1 when j = k, else 0.")
    screen.say()
    if real:
        screen.say(
            f"Data     {len(train) + len(test):,} handwritten digits, 8 × 8 pixels: "
            f"{len(train):,} to train on, {len(test)} to test"
        )
    else:
        screen.say("Data     random samples (seeded)")
    layers = " → ".join(map(str, net.sizes))
    first = (
        "input not activated: a¹ = z¹"
        if net.activation(1) == "identity"
        else ("input activated: a¹ = σ(z¹)")
    )
    screen.say(
        f"Network  {layers} (L = {net.depth}, {net.parameter_count:,} parameters), "
        f"{_activation_text(net)}, {first}"
    )
    screen.say(f"Cost     {_cost_text(net)}")
    screen.say()


def _activation_text(net: FeedForward) -> str:
    words = {"sigmoid": "logistic"}
    hidden, last = _hidden_activation(net), net.activations[-1]
    text = f"σ = {words.get(hidden, hidden)}"
    return text if last == hidden else f"{text}, output {last}"


def _hidden_activation(net: FeedForward) -> str:
    """σ of the text: that of the first hidden layer, or of the input where there is none."""
    return net.activations[1 if net.depth > 2 else 0]


def _cost_text(net: FeedForward) -> str:
    top = f"a{superscript(net.depth)}"
    texts = {
        "squared": f"C = ‖{top} − λ‖²",
        "half squared": f"C = ½ ‖{top} − λ‖²",
        "cross-entropy": f"C = −Σ_j λ_j log {top}_j"
        if net.activations[-1] == "softmax"
        else f"C = −Σ_j (λ_j log {top}_j + (1 − λ_j) log(1 − {top}_j))",
    }
    return texts[net.cost]


# ── the equations ────────────────────────────────────────────────────────────────────────


def _points(
    net: FeedForward, params: dict[str, np.ndarray], samples: Samples, count: int, seed: int
) -> list[Point]:
    """The first samples as points; moved off 0 where an activation has its kink there."""
    rng = np.random.default_rng(seed)
    points = []
    for k in range(min(count, len(samples))):
        inputs, target = samples.one(k)
        if _has_kink(net):
            inputs = inputs + rng.uniform(_OFF_KINK, 2 * _OFF_KINK, size=inputs.shape)
        points.append(network_point(net, params, (inputs, target), seed))
    return points


def _has_kink(net: FeedForward) -> bool:
    nodes = toposort([net["C"].expr])
    return any(isinstance(n, Elementwise) and n.function.kinks for n in nodes)


def _equations(screen: Screen, equations: Equations, points: list[Point]) -> list[Equation]:
    net = equations.network
    wide = max(len(e.statement) for e in equations.in_order if e.number != 12) + 2
    shown = f"shapes here (l = {equations[13].shown.layer})"
    across = max(len(e.shapes) for e in equations.in_order) + 2
    screen.say(f" eq  {'statement':<{wide}} {shown:<{across}} {'error':>10}")
    failed, section = [], ""
    for e in equations.in_order:
        if e.section != section:
            section = e.section
            screen.heading(section)
        worst = _worst(e, points)
        if not worst.ok:
            failed.append(e)
        number = "–" if e.number == "box" else str(e.number)
        first, _, rest = (
            e.statement.partition(" = δˡ_j") if e.number == 12 else (e.statement, "", "")
        )
        error = _shown_error(worst)
        style = None if worst.ok else "bold red"
        mark = "" if worst.ok else "  DOES NOT HOLD"
        if rest:
            screen.say(f" {number:>2}  {first}", style)
            first = " " * 19 + f"= δˡ_j{rest}"
            number = ""
        screen.say(f" {number:>2}  {first:<{wide}} {e.shapes:<{across}} {error:>10}{mark}", style)
        if e.note:
            screen.say(f"       note: {e.note}")
    layers = "both layers" if net.depth == 3 else "every layer"
    kind = "complex step" if not _has_kink(net) else "central differences"
    what = "samples" if (net.sizes[0], net.sizes[-1]) != DIGITS else "real samples"
    screen.say(f"error: largest relative error, {layers}, {len(points)} {what}, against {kind}")
    if _has_kink(net):
        screen.say(
            f"{net.activations[1]} has a kink at 0, where its derivative is 0 by convention; the "
            f"inputs were moved off it by {_OFF_KINK:g} to {2 * _OFF_KINK:g}"
        )
    return failed


def _worst(e: Equation, points: list[Point]) -> Row:
    """The worst row of all layers and points: one that does not hold, if there is one."""
    rows = [e.layer(layer).row(point, 0) for layer in e.layers for point in points]
    severity = lambda row: -row.error if row.route == "Taylor" else row.error
    return max(rows, key=lambda row: (not row.ok, severity(row)))


def _shown_error(row: Row) -> str:
    """The error of a row, or the order of its remainder, as printed."""
    if row.route == "Taylor":
        return row.detail.partition(": ")[2]
    return _error_text(row.error or 0.0)


def _error_text(error: float) -> str:
    if error == 0:
        return "0"
    return f"{error:.1e}".replace("e-", "e−")


def _read_as(screen: Screen, equations: Equations) -> None:
    screen.say()
    screen.heading("Read as (slips of the text)")
    for e in equations.in_order:
        for slip in e.read_as:
            number = "box" if e.number == "box" else f"({e.number})"
            screen.say(f"  {number:>4}  {slip}")
    for slip in SUMMARY_SLIPS:
        screen.say(f"        {slip}")


def _slice_of_the_box(screen: Screen, equations: Equations, point: Point) -> None:
    """The first slice of [δz²/δW²], with its zeros shown as dots."""
    piece = equations.box.layer(2).slice(0)
    array = evaluate(piece, point.values)
    rows, columns = array.shape
    screen.say()
    screen.heading(
        f"One slice of the box, [δz²/δW²](k=1,·,·), {format_shape(array.shape)}:  "
        "column j=1 is a¹, the rest zero"
    )
    shown = [*range(min(3, columns)), *([columns - 1] if columns > 3 else [])]
    header = [f"{'j=' if j == 0 else ''}{j + 1}" for j in shown]
    if columns > 4:
        header.insert(-1, "…")
    screen.say("      " + "".join(f"{h:>7}" for h in header))
    for i in range(min(3, rows)):
        cells = [f"{array[i, j]:.2f}" if array[i, j] else "·" for j in shown]
        if columns > 4:
            cells.insert(-1, "")
        screen.say(f" i={i + 1:<3}" + "".join(f"{c:>7}" for c in cells))
    if rows > 3:
        screen.say("  … the numbers in column 1 are the activations of the layer before")


# ── three ways, and what they cost ───────────────────────────────────────────────────────


@contextmanager
def _peak_memory() -> Iterator[Callable[[], int]]:
    """Bytes allocated at most while the block runs."""
    result = [0]
    tracemalloc.start()
    try:
        yield lambda: result[0]
    finally:
        result[0] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def _three_ways(
    screen: Screen,
    net: FeedForward,
    params: dict[str, np.ndarray],
    sample: tuple[np.ndarray, np.ndarray],
) -> None:
    ways = (
        ("literal", "dense boxes, as written", net.literal_gradients),
        ("structured", "through I[j=k]", net.structured_gradients),
        ("fast", "column form: δ aᵀ", net.fast_gradients),
    )
    screen.say()
    title = "Three ways to the same gradient"
    screen.heading(f"{title:<40}{'largest relative difference':<30}memory (one sample, measured)")
    reference: dict[str, np.ndarray] | None = None
    for name, how, way in ways:
        way(params, sample)  # derive and compile first: only the computation is measured
        with _peak_memory() as peak:
            gradients = way(params, sample)
        if reference is None:
            reference, difference = gradients, "–"
        else:
            difference = _error_text(
                max(relative_error(gradients[k], reference[k]) for k in reference)
            )
        screen.say(f"  {name:<12}{how:<26}{difference:<30}{format_bytes(peak())}")
    screen.say(_at_4096())


def _at_4096() -> str:
    """What the box of a large layer would take, asked of the objects themselves."""
    n = 4096
    z = define("z", matrix("W", n, n) @ vector("a", n))
    weights = matrix("W", n, n)
    box = derivative(z, weights)
    row = gradient(z.T @ z, weights)
    return (
        f"At {n} × {n} the box alone would take {format_bytes(box.dense_nbytes or 0)}; "
        f"a ⊗ δ takes {format_bytes(row.dense_nbytes or 0)}."
    )


# ── training ─────────────────────────────────────────────────────────────────────────────


def _source(screen: Screen, net: FeedForward) -> None:
    screen.say()
    screen.heading("The compiled function of the derived gradients")
    screen.say(net.training.source.rstrip())


STEPS = {"sigmoid": 0.2, "tanh": 0.005, "relu": 0.01, "softplus": 0.01, "identity": 0.0005}


def default_step(net: FeedForward) -> float:
    """A step at which training settles, by activation and cost (found by trial)."""
    step = STEPS[_hidden_activation(net)]
    if net.cost == "half squared":
        return 2 * step
    if net.cost == "cross-entropy":
        return min(step, 0.05) if net.activations[-1] == "softmax" else step / 2
    return step


def _train(
    screen: Screen,
    net: FeedForward,
    params: dict[str, np.ndarray],
    train: Samples,
    test: Samples,
    options: Options,
) -> None:
    step = options.step or default_step(net)
    epochs = 15 if options.quick else 40
    screen.say()
    screen.heading(
        f"Training with equations 5, 9, 13, 15: batches of {BATCH}, step {step:g} "
        "(update uses Wˡ's shape)"
    )
    rng = np.random.default_rng(options.seed)
    params = dict(params)
    started, cost = time.perf_counter(), 0.0
    right = 0
    shown = {1, 2, 5, 10, 20, epochs}
    for epoch in screen.progress(range(1, epochs + 1), epochs, "training"):
        cost = _epoch(net, params, train, step, rng)
        right = _count_right(net, params, test)
        if epoch in shown:
            line = f"  epoch {epoch:>2}  cost {cost:.3f}   test {100 * right / len(test):.1f} %"
            if epoch == epochs:
                took = time.perf_counter() - started
                line += f"   ({right} of {len(test)})   {took:.1f} s"
            screen.say(line)
    screen.say(f"test accuracy: {100 * right / len(test):.1f} %")


def _epoch(
    net: FeedForward,
    params: dict[str, np.ndarray],
    train: Samples,
    step: float,
    rng: np.random.Generator,
) -> float:
    """One pass over the training data in random batches; the mean cost on the way."""
    total, order = 0.0, rng.permutation(len(train))
    for first in range(0, len(order), BATCH):
        chosen = order[first : first + BATCH]
        cost, *gradients = net.training(
            params | {"z1": train.inputs[:, chosen], "λ": train.targets[:, chosen]}
        )
        for name, slope in zip(net.parameter_names, gradients, strict=True):
            params[name] = params[name] - step * slope
        total += float(cost)
    return total / len(train)


def _count_right(net: FeedForward, params: dict[str, np.ndarray], test: Samples) -> int:
    return int((np.argmax(net.output(params, test.inputs), axis=0) == test.labels).sum())


def _conclude(screen: Screen, equations: Equations, failed: list[Equation]) -> None:
    numbered = [e for e in failed if e.number != "box"]
    holding = len(equations) - len(numbered)
    text = f"{holding} of {len(equations)} equations hold."
    if failed:
        names = ", ".join("the 3-tensor" if e.number == "box" else f"({e.number})" for e in failed)
        screen.say(f"{text} These do not: {names}.", "bold red")
    else:
        screen.say(
            f"{text} Next: tensorcalc derive --help, notebooks/01_johnston.ipynb", "bold green"
        )
