"""What a reader sees: the notebooks in JupyterLab and a saved page, drawn by a real browser."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from browser_pages import CHROMIUM, chromium, jupyter_lab, open_notebook, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
FAULTS = ("faint", "empty", "errors", "bare", "dollars", "dumb", "broken", "cut", "fractions")
PROGRAM = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
SHAPES = ["--shape", "W=5x4", "--shape", "x=4", "--shape", "y=5"]

each_scheme = pytest.mark.parametrize("scheme", ["light", "dark"])
each_style = pytest.mark.parametrize("style", ["chain", "index", "differential"])


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright")
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with chromium() as started:
        yield started


def assert_well_drawn(seen, scope, scheme):
    drawn = seen.drawn(scope)
    assert {name: drawn[name] for name in FAULTS} == {name: [] for name in FAULTS}
    assert seen.outside == []
    assert seen.complaints == []
    assert drawn["texts"] > 20
    assert (drawn["ground"] > 0.8) == (scheme == "light")
    assert (drawn["ground"] < 0.1) == (scheme == "dark")
    return drawn


# ── notebooks ────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["untrusted", "trusted"])
def lab(request, browser, tmp_path_factory):
    pytest.importorskip("jupyterlab")
    folder = tmp_path_factory.mktemp(request.param)
    with jupyter_lab(folder, NOTEBOOKS, trusted=request.param == "trusted") as server:
        yield server


def formulas_of(notebook):
    """How many formulas a reader of the notebook should see, and how many pictures."""
    words = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    words = [re.sub(r"`[^`]*`", "", text) for text in words]
    inline = sum(len(re.findall(r"\$\$.+?\$\$|\$[^$]+\$", text, re.DOTALL)) for text in words)
    data = [o.get("data", {}) for c in notebook.cells for o in c.get("outputs", [])]
    latex = sum("text/latex" in d and "text/html" not in d for d in data)
    pictures = sum(d.get("text/html", "").startswith("<img") for d in data)
    return inline + latex, pictures


@each_scheme
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_well_drawn(browser, lab, path, scheme):
    notebook = pytest.importorskip("nbformat").read(path, 4)
    formulas, pictures = formulas_of(notebook)
    with visit(browser, scheme) as seen:
        open_notebook(seen, lab, path.name, formulas)
        drawn = assert_well_drawn(seen, ".jp-RenderedMarkdown, .jp-OutputArea-output", scheme)
    assert drawn["cells"] == len(notebook.cells)
    assert (drawn["formulas"], drawn["images"]) == (formulas, pictures)


# ── the page of the command line ─────────────────────────────────────────────────────────


def saved_page(folder, style):
    page = folder / f"{style}.html"
    derive = [sys.executable, "-m", "tensorcalc", "derive", PROGRAM, "--wrt", "W", *SHAPES]
    derive += ["--steps", style, "--html", str(page)]
    subprocess.run(derive, check=True, capture_output=True)
    return page.as_uri()


@each_scheme
@each_style
def test_a_page_is_well_drawn(browser, tmp_path, style, scheme):
    with visit(browser, scheme) as seen:
        seen.page.goto(saved_page(tmp_path, style))
        drawn = assert_well_drawn(seen, "main", scheme)
    assert drawn["formulas"] > 20
    assert drawn["images"] == 2
    assert drawn["wide"] <= 0


@each_style
def test_a_page_fits_a_telephone(browser, tmp_path, style):
    with visit(browser, width=390, height=840) as seen:
        seen.page.goto(saved_page(tmp_path, style))
        drawn = assert_well_drawn(seen, "main", "light")
    assert drawn["wide"] <= 0


def test_the_steps_of_a_page_fold_at_the_keyboard(browser, tmp_path):
    with visit(browser) as seen:
        seen.page.goto(saved_page(tmp_path, "chain"))
        steps = seen.page.locator("details")
        opened = steps.evaluate_all("all => all.map((e) => e.open)")
        assert all(opened)
        assert len(opened) == 6
        for number in range(len(opened)):
            seen.page.keyboard.press("Tab")
            focused = seen.page.evaluate("document.activeElement.textContent")
            assert focused.startswith(f"({number + 1})")
            ring = "getComputedStyle(document.activeElement).outlineStyle"
            assert seen.page.evaluate(ring) != "none"
            body = steps.nth(number).locator(".tc-body")
            for key, visible in (("Enter", False), ("Space", True)):
                seen.page.keyboard.press(key)
                assert body.is_visible() == visible


def test_the_probe_sees_faults(browser):
    """Each fault, drawn on purpose, is found: the tests above could fail."""
    page = """<main style="background:#fff"><p style="color:#999">faint</p><math></math>
    <merror>bad</merror><div class="tensorcalc">$x$</div><div data-mime-type="text/latex">x</div>
    <img src="data:,"><mfrac><mi>a</mi><mi>b</mi></mfrac>
    <div class="tensorcalc" style="overflow-x:auto;width:50px;position:relative">
    <table style="position:fixed;left:300px"><td>cut</td></table></div>
    <script>console.error("a complaint"); fetch("http://127.0.0.2/").catch(() => 0)</script>"""
    with visit(browser) as seen:
        seen.page.set_content(page)
        drawn = seen.drawn("main")
        assert {name for name in FAULTS if drawn[name]} == set(FAULTS)
        assert seen.outside == ["http://127.0.0.2/"]
        assert "a complaint" in seen.complaints
