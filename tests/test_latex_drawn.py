"""Every formula in LaTeX that the derivations, the equations and the notebooks hold is drawn.

By KaTeX, as GitHub and VS Code do, and by MathJax with the packages of JupyterLab. What MathJax
draws has every letter, digit and bracket that is written.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
from derivation_programs import CASES, MORE
from test_johnston import NUMBERS
from test_writers import node_modules

import tensorcalc as tc

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STYLES = ("chain", "index", "differential")
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
DOLLARS = re.compile(r"\$\$(.+?)\$\$|(?<!\\)\$(.+?)(?<!\\)\$", re.DOTALL)


def between_dollars(text):
    """The formulas of a Markdown text."""
    return ["".join(found) for found in DOLLARS.findall(text)]


def assert_drawn(formulas):
    folder = node_modules()
    if folder is None:
        pytest.skip("npm install katex mathjax-full@3, in a folder named by LATEX_NODE_MODULES")
    assert formulas
    script = Path(__file__).with_name("render_latex.mjs")
    done = subprocess.run(
        ["node", str(script), folder],
        input=json.dumps([*dict.fromkeys(formulas)]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("style", STYLES)
def test_the_formulas_of_derivations_are_drawn(style):
    formulas = []
    for case in (*CASES, *MORE):
        d = case.derivative()
        told = d.derivation(style=style)
        formulas += [d.latex(), told.latex(), *between_dollars(told.markdown())]
        if style == "chain":
            formulas += [d.of.latex(), d.derivation(detail="brief").latex()]
    assert_drawn(formulas)


def test_the_formulas_of_equations_are_drawn():
    nets = [tc.FeedForward([3, 4, 2]), tc.FeedForward([3, 5, 4, 2], activation="tanh")]
    nets += [tc.FeedForward([3, 4, 2], cost="cross-entropy", input_activation=None)]
    shown = [tc.johnston(net)[number]._repr_latex_() for net in nets for number in NUMBERS]
    assert_drawn([formula for text in shown for formula in between_dollars(text)])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_formulas_of_a_notebook_are_drawn(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    texts = [re.sub(r"`[^`]*`", "", text) for text in texts]
    data = [o.get("data", {}) for cell in cells for o in cell.get("outputs", [])]
    texts += ["".join(d["text/latex"]) for d in data if "text/latex" in d]
    assert_drawn([formula for text in texts for formula in between_dollars(text)])


def test_a_fault_is_found():
    with pytest.raises(AssertionError, match="KaTeX"):
        assert_drawn([r"\undefinedname x"])
    with pytest.raises(AssertionError, match="math mode"):
        assert_drawn([r"x \tag{\text{box}}"])
    with pytest.raises(AssertionError, match="not drawn as often as written"):
        assert_drawn(["\\begin{aligned}\n[h] &= s_{h}\n\\end{aligned}"])
