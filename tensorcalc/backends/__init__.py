"""The libraries for which functions are compiled beside NumPy, loaded when one is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from tensorcalc.codegen.callable import CompiledFunction, compile_outputs
from tensorcalc.codegen.generate import Output
from tensorcalc.errors import NotSupportedError, TensorCalcError
from tensorcalc.expr import Expr

__all__ = ["BACKENDS", "compile_for"]

# The module of each, its class, and the package it needs.
_LIBRARIES = {
    "numba": ("on_numba", "Numba", "numba"),
    "jax": ("on_jax", "Jax", "jax"),
    "torch": ("on_torch", "Torch", "torch"),
    "array_api": ("on_array_api", "ArrayAPI", ""),
}
BACKENDS = ("numpy", *_LIBRARIES)


def compile_for(
    backend: str,
    outputs: Sequence[Output],
    name: str,
    hints: Mapping[Expr, str] | None = None,
    *,
    several: bool = False,
    reuse_buffers: bool = False,
) -> CompiledFunction:
    """One function of the arrays of a library that computes all the outputs.

    Raises TensorCalcError for a backend that is unknown or not installed, NotSupportedError for a
    function that the library lacks.
    """
    if backend == "numpy":
        return compile_outputs(outputs, name, hints, several=several, reuse_buffers=reuse_buffers)
    if backend not in BACKENDS:
        raise TensorCalcError(
            f"compile with backend={backend!r}", f"choose one of {', '.join(BACKENDS)}"
        )
    structured = any(output.rows is not None for output in outputs)
    for option, asked in (("structured", structured), ("reuse_buffers", reuse_buffers)):
        if asked:
            raise NotSupportedError(
                f"compile with {option} and backend={backend!r}",
                f'leave {option} out, or use backend="numpy"',
            )
    return _library(backend).compiled(outputs, name, hints or {}, several=several)


def _library(backend: str) -> Any:
    """What compiles for a library; NotSupportedError where that is not installed."""
    module, cls, package = _LIBRARIES[backend]
    if package:
        try:
            importlib.import_module(package)
        except ImportError:
            raise NotSupportedError(
                f"compile with backend={backend!r}: {package} is not installed",
                f"pip install 'tensorcalc[{backend}]'",
            ) from None
    return getattr(importlib.import_module(f"tensorcalc.backends.{module}"), cls)()
