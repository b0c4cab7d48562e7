"""tensorcalc as a contender: NumPy, buffers kept between calls, and its other backends."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import tensorcalc as tc
from benchmarks.case import Bind, Contender, Values

NAME = "tensorcalc"
BACKENDS = {"jax": "jax", "numba": "numba", "torch": "torch"}  # name, and what it imports


def compiled(items: Callable[[], Any], **options: Any) -> Contender:
    """A contender that derives ``items()`` and compiles them for NumPy."""

    def make() -> Bind:
        function = tc.compile(items(), **options)

        def bind(values: Values) -> Callable[[], Any]:
            given = [values[name] for name in function.arguments]
            return lambda: function(*given)

        return bind

    return Contender(make)


def every_way(items: Callable[[], Any]) -> dict[str, Contender]:
    """NumPy with fresh outputs, with kept buffers, and each backend that is installed."""
    ways = {
        NAME: compiled(items),
        f"{NAME}, buffers": compiled(items, reuse_buffers=True),
    }
    for backend, module in BACKENDS.items():
        if importlib.util.find_spec(module) is not None:
            ways[f"{NAME}, {backend}"] = Contender(_through(backend, items))
    return ways


def structured(items: Callable[[], Any]) -> Contender:
    """A contender that leaves deltas in the answer."""
    return Contender(compiled(items, structured=True).make, lambda answer: answer.dense())


def _through(backend: str, items: Callable[[], Any]) -> Callable[[], Bind]:
    def make() -> Bind:
        function = tc.compile(items(), backend=backend)

        def bind(values: Values) -> Callable[[], Any]:
            given = [_own_array(backend, values[name]) for name in function.arguments]
            if backend == "jax":
                import jax

                return lambda: jax.block_until_ready(function(*given))
            return lambda: function(*given)

        return bind

    return make


def _own_array(backend: str, value: Any) -> Any:
    """The value as that library has it, so that no conversion is timed."""
    if backend == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
        return jax.numpy.asarray(value)
    if backend == "torch":
        import torch

        return torch.from_numpy(value)
    return value
