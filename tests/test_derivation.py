"""Derivations say what is true: a reader that knows only the print computes every line.

Each program's derivations are printed, read back by ``reader`` and ``pages``, and evaluated at
random points: the definitions in order, each step's formulas against each other and against
central differences of the definitions, the result against the program itself run with NumPy.
"""

from dataclasses import replace

import pages
import pytest
from derivation_checks import Check, symbol_faults, word_faults
from derivation_programs import CASES

WIDE = 100_000
DETAILS = ("full", "brief")


def printed(case, style, detail="full"):
    """The derivation as one line for each row."""
    d = case.derivative()
    told = d.derivation(style=style, detail=detail)
    if not told.document.opening:  # brief: what a program has named is not defined once more
        full = d.derivation(style=style).document
        told.document = replace(full, paragraphs=told.document.paragraphs, closing=())
    return told.text(width=WIDE)


STYLES = ("chain", "index", "differential")
READ = [(style, "full") for style in STYLES] + [("chain", "brief"), ("differential", "brief")]


@pytest.mark.parametrize(("style", "detail"), READ)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_reader_agrees_with_every_line(case, style, detail):
    page = pages.Page(printed(case, style, detail))
    assert faults_of(page, case, style) == [], page.text


def faults_of(page, case, style):
    """Whatever a reader would object to, each fault once."""
    faults = [*symbol_faults(page), *word_faults(page)]
    for seed in (1, 2):
        faults += Check(page, seed, style=style, positive=case.positive).all()
    return list(dict.fromkeys(faults))
