"""What the package promises as a package."""

import importlib
import importlib.metadata
import pkgutil
import re
from pathlib import Path

import pytest

import tensorcalc
from tensorcalc.vocabulary import FUNCTION_NAMES

MODULES = sorted(m.name for m in pkgutil.walk_packages(tensorcalc.__path__, "tensorcalc."))


@pytest.mark.parametrize("name", [m for m in MODULES if not m.endswith(".__main__")])
def test_every_module_lists_its_public_names(name):
    module = importlib.import_module(name)
    assert [n for n in module.__all__ if not hasattr(module, n)] == []


def test_the_package_ships_its_types():
    assert (Path(tensorcalc.__file__).parent / "py.typed").is_file()


def test_the_core_depends_on_numpy_and_opt_einsum_alone():
    required = importlib.metadata.requires("tensorcalc")
    core = {r.split(">=")[0] for r in required if "extra ==" not in r}
    assert core == {"numpy", "opt-einsum"}


def test_the_page_of_the_language_names_every_function():
    page = Path(__file__).parents[1].joinpath("docs", "language.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[\w]+", " ".join(re.findall(r"`([^`]*)`", page, re.S))))
    assert sorted(set(FUNCTION_NAMES) - words) == []
