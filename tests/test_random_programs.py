"""Random programs over the whole language against plain NumPy: value, first and second order."""

import pytest
from random_programs import UNDECIDED, verdict


@pytest.mark.parametrize("start", range(0, 400, 25))
def test_random_programs_agree_with_plain_numpy(start):
    wrong = {}
    for seed in range(start, start + 25):
        text, problem, _ = verdict(seed)
        if problem is not None and problem not in UNDECIDED:
            wrong[text] = problem
    assert wrong == {}
