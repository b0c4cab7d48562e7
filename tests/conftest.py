"""What all tests share: random numbers, the worked example and Hypothesis' settings."""

import os
import zlib
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest

import tensorcalc as tc

hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.register_profile("repeat", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeat" if os.environ.get("CI") else "search")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where drawing is required, what would be skipped for want of a browser has failed."""
    report = yield
    drawing = item.get_closest_marker("browser") is not None
    if drawing and report.skipped and os.environ.get("TENSORCALC_BROWSER") == "required":
        report.outcome = "failed"
        report.longrepr = f"TENSORCALC_BROWSER is set, so this must run: {call.excinfo.value}"
    return report


@pytest.fixture
def rng(request):
    """Random numbers that are the same in every run of one test."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture
def example(rng):
    """v = W x, s = σ(v), E = ½‖s − y‖², with values for its variables."""
    W, x, y = tc.matrix("W", 5, 4), tc.vector("x", 4), tc.vector("y", 5)
    v = tc.define("v", W @ x)
    s = tc.define("s", tc.sigmoid(v))
    E = tc.define("E", tc.norm(s - y) ** 2 / 2)
    values = {t.name: rng.normal(size=t.shape) for t in (W, x, y)}
    return SimpleNamespace(W=W, x=x, y=y, v=v, s=s, E=E, values=values)
