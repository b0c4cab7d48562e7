"""Draws the pictures of README.md into docs/images: python tests/draw_images.py."""

import subprocess
import sys
import tempfile
from pathlib import Path

from browser_pages import chromium, jupyter_lab, open_notebook, visit

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
PROGRAM = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
SHAPES = ["--shape", "W=5x4", "--shape", "x=4", "--shape", "y=5"]


def draw_page(browser, folder, style, name, width):
    """The page that the command line writes, as far as its words reach."""
    page = folder / f"{style}.html"
    derive = [sys.executable, "-m", "tensorcalc", "derive", PROGRAM, "--wrt", "W", *SHAPES]
    subprocess.run([*derive, "--steps", style, "--html", str(page)], check=True, cwd=ROOT)
    with visit(browser, width=width, height=700) as seen:
        seen.page.goto(page.as_uri())
        seen.page.screenshot(path=IMAGES / name, full_page=True)


def draw_notebook(browser, folder, notebook, first, last, name):
    """Some cells of a notebook in JupyterLab, by their numbers among all cells."""
    path = ROOT / "notebooks" / notebook
    with jupyter_lab(folder, [path], trusted=False) as lab, visit(browser, width=1000) as seen:
        open_notebook(seen, lab, path.name, formulas=3)
        seen.page.keyboard.press("Control+b")  # the side bar goes
        seen.page.wait_for_timeout(1500)
        cells = seen.page.locator(".jp-Notebook .jp-Cell")
        cells.nth(last).scroll_into_view_if_needed()
        top, bottom = cells.nth(first).bounding_box(), cells.nth(last).bounding_box()
        clip = {"x": top["x"], "y": top["y"], "width": top["width"]}
        clip["height"] = bottom["y"] + bottom["height"] - top["y"]
        seen.page.screenshot(path=IMAGES / name, clip=clip)


def main():
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        draw_page(browser, folder, "chain", "derivation.png", 940)
        draw_page(browser, folder, "differential", "differentials.png", 960)
        layouts = "04_layouts_and_shapes.ipynb"
        draw_notebook(browser, folder / "lab", layouts, 9, 13, "notebook.png")


if __name__ == "__main__":
    main()
