"""What the notebooks show is what their cells give today, and is fit to be shown.

Where it is not: python tests/run_notebooks.py runs them all and keeps what they show.
"""

import re

import pytest
import run_notebooks

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")

NOTEBOOKS = sorted(run_notebooks.FOLDER.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
pytestmark = pytest.mark.notebooks

NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-+−]?\d+)?", re.IGNORECASE)
TINY = 1e-7  # what is only rounding may differ from machine to machine


def words_and_numbers(shown):
    """The words of an output, and its numbers: those of size one or so, rounded."""
    numbers = [float(n.replace("−", "-")) for n in NUMBER.findall(shown)]
    words = re.sub(r"\s+", " ", NUMBER.sub("#", shown)).replace("[ ", "[")
    return words, [0.0 if abs(n) < TINY else n for n in numbers]


def shown(cell):
    """Everything a cell shows as text, and the other forms it has."""
    outputs = cell.get("outputs", [])
    text = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    data = [o["data"] for o in outputs if "data" in o]
    return "".join(text), [(sorted(d), d.get("text/latex")) for d in data]


def same(stored, fresh):
    (words, numbers), (new_words, new_numbers) = map(words_and_numbers, (stored, fresh))
    assert new_words == words
    assert new_numbers == pytest.approx(numbers, rel=1e-3, abs=TINY)


@each_notebook
def test_the_stored_outputs_are_those_of_today(path):
    stored, fresh = nbformat.read(path, 4), run_notebooks.executed(path)
    for old, new in zip(stored.cells, fresh.cells, strict=True):
        (text, forms), (new_text, new_forms) = shown(old), shown(new)
        assert new_forms == forms, new.source
        if not run_notebooks.varies(new):
            same(text, new_text)


@each_notebook
def test_a_notebook_is_fit_to_be_read(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    first, *others = (cell for cell in notebook.cells if cell.cell_type == "markdown")
    assert re.match(r"# .*\?\n", first.source), "the title is a question"
    headings = [line for cell in others for line in cell.source.split("\n") if line[:1] == "#"]
    assert headings
    assert all(re.fullmatch(r"#{2,4} .+", line) for line in headings)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
