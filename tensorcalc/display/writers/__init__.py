"""Writers of documents: text, LaTeX, Markdown, HTML and plain data."""

from tensorcalc.display.writers.data import write_data
from tensorcalc.display.writers.html import write_html, write_page
from tensorcalc.display.writers.latex import notebook_latex, write_latex
from tensorcalc.display.writers.markdown import write_markdown
from tensorcalc.display.writers.text import write_text

__all__ = [
    "notebook_latex",
    "write_data",
    "write_html",
    "write_latex",
    "write_markdown",
    "write_page",
    "write_text",
]
