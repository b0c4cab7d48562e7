"""Programs: quantities by name, from text."""

from __future__ import annotations

from typing import Any

from tensorcalc.errors import ParseError
from tensorcalc.parse import Program, parse

__all__ = ["program"]


def program(source: Any, shapes: Any = None, /, **named: Any) -> Program:
    """A program from text: lines ``name = expression`` over variables of the shapes given.

    >>> import tensorcalc as tc
    >>> p = tc.program("v = W @ x; E = norm(v)**2 / 2", W=(5, 4), x=4)
    >>> p.derivative("E", "x")
    ∂E/∂x = vᵀ W : 1 × 4 row gradient, numerator
    """
    if not isinstance(source, str):
        raise ParseError(
            f"a program given as {type(source).__name__}", 'give text such as "v = W @ x"'
        )
    return parse(source, shapes, **named)
