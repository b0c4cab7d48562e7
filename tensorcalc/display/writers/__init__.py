"""Writers of documents: text, LaTeX, Markdown, HTML and plain data."""

from tensorcalc.display.writers.text import write_text

__all__ = ["write_text"]
