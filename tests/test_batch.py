"""Batches: per-sample gradients, the Jacobian of the losses, the matrix gradient, and coupling."""

import pytest

import tensorcalc as tc


@pytest.mark.parametrize("style", ["chain", "index", "differential"])
def test_steps_that_lose_a_named_size_are_verified_all_the_same(style):
    p = tc.program("l = sum(X * W, axis=0); L = mean(l)", W=("k", "m"), X=("k", "m"))
    assert p.derivative("L", "W").derivation(style=style).verify()
