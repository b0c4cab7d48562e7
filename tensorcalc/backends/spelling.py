"""Spellings that libraries share: a function of the same meaning under the library's name."""

from __future__ import annotations

from collections.abc import Iterable

from tensorcalc.backends.translate import Context, Spelling

__all__ = ["made_like", "named", "reduction", "same_names"]

# Names that mean the same wherever they are found.
ELEMENTWISE = (
    *("abs", "exp", "log", "log1p", "expm1", "sqrt", "sign", "sin", "cos", "tan", "sinh", "cosh"),
    *("tanh", "maximum", "minimum", "hypot", "logaddexp", "round"),
)


def named(name: str) -> Spelling:
    """A call of ``name`` with the arguments as they stand."""

    def spell(c: Context, *arguments: str) -> str:
        return f"{c.library}.{name}({', '.join(arguments)})"

    return spell


def same_names(names: Iterable[str]) -> dict[str, Spelling]:
    """Functions that the library calls as NumPy does."""
    return {name: named(name) for name in names}


def reduction(name: str, axis_word: str = "axis", keep_word: str = "keepdims") -> Spelling:
    """sum, prod or max along axes."""

    def spell(c: Context, x: str, axis: str = "", keepdims: str = "") -> str:
        options = [f"{axis_word}={axis}"] if axis else []
        options += [f"{keep_word}={keepdims}"] if keepdims else []
        return f"{c.library}.{name}({', '.join([x, *options])})"

    return spell


def made_like(name: str) -> Spelling:
    """eye, ones, full, arange: an array from nothing, with the dtype that is to be kept."""

    def spell(c: Context, *arguments: str, dtype: str = "") -> str:
        return f"{c.library}.{name}({', '.join(arguments)}{c.like(dtype=dtype)})"

    return spell
