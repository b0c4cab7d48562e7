"""Reviewed formulas of derivatives: the exact text, its truth, and no longer than the textbook's.

``tests/golden/*.txt`` has blocks: a program, the shapes of its variables, and lines of a kind
(``gradient by X`` in X's own shape, ``derivative by X`` in numerator layout, ``Hessian by X``,
``symmetric by S``) with the formula that is printed. The line ``textbook`` below one is the form
of the source. After a change of printing, ``python tests/test_golden.py --write`` renews the
formulas; review the difference before committing it.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from formula_reader import TOKEN, read

import tensorcalc as tc
from tensorcalc.expr import Definition, toposort
from tensorcalc.tensor import Tensor

GOLDEN = Path(__file__).parent / "golden"
SIZES = {"k": 2, "m": 5, "n": 3, "p": 4}
LINE = re.compile(r"    (gradient|derivative|Hessian|symmetric) by (\w+) *(.*)")
WIDTH = 22


@dataclass
class Case:
    """One formula of one program."""

    file: str
    row: int
    program: str
    shapes: str
    kind: str
    by: str
    text: str
    textbook: str = ""

    @property
    def name(self):
        return f"{self.program}: {self.kind} by {self.by}"


def cases_of(path):
    """The cases of one file."""
    found, program, shapes = [], "", ""
    for row, line in enumerate(path.read_text().splitlines()):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not line.startswith(" "):
            program, shapes = line, ""
        elif not shapes:
            shapes = line.strip()
        elif match:
            found.append(Case(path.name, row, program, shapes, *match.groups()))
        else:
            word, _, form = line.strip().partition(" ")
            assert word == "textbook", f"{path.name}, line {row + 1}: {line}"
            found[-1].textbook = form.strip()
    return found


CASES = [case for path in sorted(GOLDEN.glob("*.txt")) for case in cases_of(path)]


def variables(shapes):
    """``"A: n × n symmetric; x: n"`` as variables."""
    made = {}
    for item in shapes.split("; "):
        name, _, words = item.partition(": ")
        shape, *traits = words.replace(" × ", "×").split()
        words = () if shape == "scalar" else shape.split("×")
        dims = tuple(int(d) if d.isdigit() else d for d in words)
        declared = dict.fromkeys(traits, True)
        made[name] = tc.matrix(name, *dims, **declared) if traits else tc.variable(name, dims)
    return made


def derived(case):
    """What the case is about: a derivative, or the symmetric form of one."""
    p = tc.program(case.program, variables(case.shapes))
    by = p[case.by]
    if case.kind == "gradient":
        return tc.gradient(p.result, by)
    if case.kind == "Hessian":
        return tc.hessian(p.result, by)
    d = tc.derivative(p.result, by)
    return d.symmetric() if case.kind == "symmetric" else d


def printed(item):
    """The formula in the line of a derivative or of a quantity."""
    line = repr(item)
    if isinstance(item, Tensor):
        return line.rsplit(" : ", 1)[0]
    head, _, formula = line.removeprefix(item.title).partition("= ")
    return (head + formula if head.strip() else formula).rsplit(" : ", 1)[0].strip()


def values(shapes):
    """Numbers for the variables, matrices well away from singular ones."""
    rng = np.random.default_rng(3)
    found = {}
    for name, v in variables(shapes).items():
        size = tuple(SIZES.get(d, d) for d in v.shape)
        array = rng.uniform(0.2, 1.0, size=size)
        if len(size) == 2 and size[0] == size[1]:
            array = array + 2 * np.eye(size[0])
            array = (array + array.T) / 2 if "symmetric" in v.expr.traits else array
        found[name] = array
    return found


def meaning(text, case, item, shape):
    """The numbers that a formula means, read without the library."""
    at = values(case.shapes)
    p = tc.program(case.program, variables(case.shapes))
    names = {n.name: Tensor(n) for n in toposort([p.result.expr]) if isinstance(n, Definition)}
    known = at | SIZES | {name: np.asarray(t.evaluate(at)) for name, t in names.items()}
    return read(text, known, shape)


def as_matrix(array):
    """A column for a vector."""
    return array.reshape(-1, 1) if array.ndim == 1 else np.atleast_2d(array)


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_matrix_form = pytest.mark.parametrize(
    "case", [c for c in CASES if not re.search(r"\[\w, ", c.text)], ids=lambda c: c.name
)


@each_case
def test_the_formula_is_the_reviewed_one(case):
    assert printed(derived(case)) == case.text


@each_matrix_form
def test_the_formula_means_what_the_derivative_is(case):
    item = derived(case)
    expected = as_matrix(np.asarray(item.evaluate(values(case.shapes))))
    for text in filter(None, (case.text, case.textbook)):
        found = meaning(text, case, item, expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=text)


@each_case
def test_the_derivative_is_proved_by_independent_routes(case):
    item = derived(case)
    if isinstance(item, tc.Derivative):
        assert item.verify(at=values(case.shapes))


def symbols(text):
    """How many names, numbers, signs and pairs of brackets a formula has."""
    return sum(match.group(match.lastgroup) not in ")]" for match in TOKEN.finditer(text))


@pytest.mark.parametrize("case", [c for c in CASES if c.textbook], ids=lambda c: c.name)
def test_the_formula_is_no_longer_than_the_textbooks(case):
    assert symbols(case.text) <= symbols(case.textbook)


def test_there_are_forty_expressions_at_least():
    assert len({case.program for case in CASES}) >= 40


def write():
    """Renew the formulas in the files."""
    for path in sorted(GOLDEN.glob("*.txt")):
        lines = path.read_text().splitlines()
        for case in cases_of(path):
            head = f"    {case.kind} by {case.by}"
            lines[case.row] = f"{head:<{WIDTH}}{printed(derived(case))}"
        path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
