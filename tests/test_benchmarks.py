"""What is timed agrees with the hand-written NumPy: every workload at its smallest size."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import peers, timing
from benchmarks.case import Contender, Result
from benchmarks.report import markdown
from benchmarks.timing import HAND, check
from benchmarks.workloads import GROUPS, size, stability, whole

CASES = [
    pytest.param(case, id=f"{name}: {case.name}")
    for name, group in GROUPS.items()
    for case in (group.cases(True) if group.cases else ())
]
NUMPY_ALONE = ("tensorcalc", "tensorcalc, buffers")
# the other peers compile for seconds, or for ever
QUICK_PEERS = [p for p in ("autograd", "tensorgrad", "torch") if p in peers.installed()]


@pytest.mark.parametrize("case", CASES)
def test_contenders_agree_with_the_hand_written_code(case):
    ours = {name: way for name, way in case.ours.items() if name in NUMPY_ALONE}
    assert ours
    assert check(case, {**ours, **case.others}) == {}


@pytest.mark.filterwarnings("ignore")  # as in the sessions that measure
@pytest.mark.parametrize("peer", QUICK_PEERS)
@pytest.mark.parametrize("case", [c for c in CASES if c.values[0].question])
def test_peers_answer_the_same_question(case, peer):
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


def test_contenders_far_behind_are_measured_in_few_rounds(monkeypatch):
    monkeypatch.setattr(timing, "_seconds", lambda run, calls: run())  # runs tell their time
    runs = {HAND: lambda: 1e-3, "near": lambda: 19e-3, "far": lambda: 21e-3, "long": lambda: 1.5}
    seconds = timing.interleaved(runs, timing.Effort(rounds=9))
    rounds = {name: len(samples) for name, samples in seconds.items()}
    assert rounds == {HAND: 9, "near": 9, "far": timing.FEW, "long": 3}


@pytest.mark.parametrize("contender", [HAND, "tensorcalc", "autograd"])
def test_a_whole_process_has_seconds_and_a_right_answer(contender):
    if contender == "autograd":
        pytest.importorskip("autograd")
    small, case = size.cases(True)
    found = whole.seconds_and_bytes(contender, small, case)
    assert found["seconds"] > 0
    assert found.get("bytes", 0) >= 0


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
