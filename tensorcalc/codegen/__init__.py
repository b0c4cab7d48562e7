"""From expressions to plain, readable NumPy source, and to functions that run it."""

from __future__ import annotations

from tensorcalc.codegen.callable import BoundFunction, CompiledFunction, compile_outputs
from tensorcalc.codegen.generate import Generated, Output, generate

__all__ = [
    "BoundFunction",
    "CompiledFunction",
    "Generated",
    "Output",
    "compile_outputs",
    "generate",
]
