"""Whole derivations as they were reviewed: the seed problem in three styles, batches, equations.

After a change of printing, ``python tests/test_golden_derivations.py --write`` renews the texts;
the difference is to be read before it is kept.
"""

import sys
from pathlib import Path

import pytest

import tensorcalc as tc

FOLDER = Path(__file__).parent / "golden" / "derivations"
SEED = "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2"
BATCH = "Z = W @ A + b @ ones(1, m); H = sigmoid(Z); l = sum((H - Y)**2, axis=0); L = sum(l)"


def seed(style, detail="full"):
    d = tc.program(SEED, W=(5, 4), x=4, y=5).derivative("E", "W")
    return d.derivation(style, detail=detail).text()


def network(depth):
    lines, shapes, width, before = [], {"x": 4, "y": 3}, 4, "x"
    for layer in range(1, depth + 1):
        here = 3 if layer == depth else 5
        shapes |= {f"W{layer}": (here, width), f"b{layer}": here}
        lines += [f"z{layer} = W{layer} @ {before} + b{layer}", f"a{layer} = sigmoid(z{layer})"]
        width, before = here, f"a{layer}"
    lines.append(f"C = norm(a{depth} - y)**2")
    return tc.program("\n".join(lines), shapes).derivative("C", "W1")


def batch():
    p = tc.program(BATCH, W=("n", "k"), A=("k", "m"), b="n", Y=("n", "m"))
    return tc.explain_batch(p["L"], p["Z"]).text()


def johnston():
    equations = tc.johnston(tc.FeedForward([4, 5, 3]))
    return "\n".join(str(equations[number]) for number in range(1, 16))


TEXTS = {
    "part_a_chain": lambda: seed("chain"),
    "part_a_brief": lambda: seed("chain", "brief"),
    "part_a_index": lambda: seed("index"),
    "part_a_index_brief": lambda: seed("index", "brief"),
    "part_b_differential": lambda: seed("differential"),
    "part_c_batch": batch,
    "johnston_equations": johnston,
    "three_layers_brief": lambda: network(3).derivation(detail="brief").text(),
    "eight_layers": lambda: network(8).derivation().text(),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_derivation_reads_as_it_was_reviewed(name):
    assert TEXTS[name]() + "\n" == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("style", ["chain", "index"])
def test_the_brief_derivation_of_three_layers_fits_on_a_page(style):
    lines = network(3).derivation(style, detail="brief").text().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_a_deep_network_is_not_unrolled(style):
    eight, twelve = (network(n).derivation(style).text().splitlines() for n in (8, 12))
    given = lambda lines: sum(line.startswith((" " * 9, "Given", "Letters")) for line in lines)
    assert len(twelve) - given(twelve) <= len(eight) - given(eight) + 2


def write():
    FOLDER.mkdir(exist_ok=True)
    for name, text in TEXTS.items():
        (FOLDER / f"{name}.txt").write_text(text() + "\n", encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
