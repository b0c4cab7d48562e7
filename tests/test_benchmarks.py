"""What is timed agrees with the hand-written NumPy: every workload at its smallest size."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import peers
from benchmarks.case import Contender, Result
from benchmarks.report import markdown
from benchmarks.timing import check
from benchmarks.workloads import GROUPS, size, stability

CASES = [
    pytest.param(case, id=f"{name}: {case.name}")
    for name, group in GROUPS.items()
    for case in (group.cases(True) if group.cases else size.cases(True) if name == "size" else ())
]
NUMPY_ALONE = ("tensorcalc", "tensorcalc, buffers")
QUICK_PEERS = ("autograd", "tensorgrad", "torch")  # the others compile for seconds, or for ever


@pytest.mark.parametrize("case", CASES)
def test_contenders_agree_with_the_hand_written_code(case):
    ours = {name: way for name, way in case.ours.items() if name in NUMPY_ALONE}
    assert ours
    assert check(case, {**ours, **case.others}) == {}


@pytest.mark.filterwarnings("ignore")  # as in the sessions that measure
@pytest.mark.parametrize("peer", QUICK_PEERS)
@pytest.mark.parametrize("case", [c for c in CASES if c.values[0].question])
def test_peers_answer_the_same_question(case, peer):
    if peer not in peers.installed():
        pytest.skip(f"{peer} is not installed")
    shown = peers.NAMES[peer]
    assert check(case, {shown: peers.contenders(case.question)[shown]}) == {}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_contender_is_told_apart(case):
    def make():
        hand = case.dense or case.hand

        def bind(values):
            run = hand(values)
            several = lambda answer: answer if isinstance(answer, (list, tuple)) else [answer]
            return lambda: [a * (1 + 1e-7) for a in several(run())]

        return bind

    (fault,) = check(case, {"wrong": Contender(make)}).values()
    assert "differs by 1e-07" in fault


@pytest.mark.parametrize("order", [stability.first, stability.second])
def test_the_stable_reference_is_right_where_the_plain_formula_is(order):
    z = np.linspace(-5, 5, 7)
    s = 1 / (1 + np.exp(z))
    plain = -s if order is stability.first else np.diag(s * (1 - s))
    np.testing.assert_allclose(order(z), plain, rtol=1e-12)


def test_the_table_has_ratios_and_reasons():
    results = [
        Result("calls", "a", "NumPy by hand", 1, 2e-6, ratio=1.0),
        Result("calls", "a", "tensorcalc", 1, 3e-6, ratio=1.5),
        Result("calls", "b", "tensorcalc", 1, note="recursion error"),
        Result("calls", "c", "tensorcalc", 1, 3e-6, ratio=1.5, low=1.3, high=1.8),
        Result("calls", "a", "other", 1, note="out of memory"),
    ]
    about = {
        "processors": 2,
        "architecture": "x",
        "vectors": "y",
        "blas": "z",
        "python": "3",
        "versions": {},
    }
    text = markdown(about, results, {"calls": "Calls"})
    assert "| a | 2.00 µs (1.00) | 3.00 µs (1.50) |" in text
    assert "3.00 µs (~1.50)" in text  # unsteady
    assert "[1] recursion error" in text
    assert "other: no figure (out of memory)" in text
