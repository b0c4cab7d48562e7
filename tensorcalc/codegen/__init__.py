"""From expressions to plain, readable NumPy source, and to functions that run it."""

from __future__ import annotations

from tensorcalc.codegen.callable import CompiledFunction, Output, compile_outputs

__all__ = ["CompiledFunction", "Output", "compile_outputs"]
