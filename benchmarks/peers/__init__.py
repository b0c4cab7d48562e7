"""Other libraries, each optional, each imported only when it is asked.

A peer is a module with ``LIBRARY``, the name of what it imports, and ``prepare(question)``,
which gives a function from values to a call, or raises NotSupported.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from types import ModuleType

from benchmarks.case import Bind, Contender, NotSupported, Question

NAMES = {
    "jax": "JAX",
    "torch": "PyTorch",
    "autograd": "autograd",
    "pytensor": "PyTensor",
    "sympy": "SymPy",
    "tensorgrad": "tensorgrad",
}


def installed() -> dict[str, str]:
    """The peers that can be imported, by module, with the name each is shown by."""
    return {p: shown for p, shown in NAMES.items() if importlib.util.find_spec(p) is not None}


def load(peer: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.peers.with_{peer}")


def preload() -> None:
    """Import every peer now: an import that a time limit breaks off cannot be tried again."""
    for peer in installed():
        with contextlib.suppress(Exception):
            load(peer)


def contenders(question: Question | None) -> dict[str, Contender]:
    """Every installed peer's way to the answer."""
    if question is None:
        return {}
    return {shown: Contender(_made(peer, question)) for peer, shown in installed().items()}


def _made(peer: str, question: Question):
    def make() -> Bind:
        try:
            module = load(peer)
        except ImportError as error:
            raise NotSupported(f"cannot be imported ({error})") from error
        return module.prepare(question)

    return make
