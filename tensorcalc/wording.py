"""What quantities and derivatives are called in titles and messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorcalc.display import expression_text
from tensorcalc.display.titles import title_text
from tensorcalc.errors import ChainError
from tensorcalc.expr import Expr, Variable, toposort
from tensorcalc.shapes import format_shape
from tensorcalc.structure import quantity_names
from tensorcalc.tensor import Tensor

__all__ = ["cannot_chain", "helper_name", "name_of", "title_of", "titled"]


def name_of(t: Tensor) -> str:
    """The name of a quantity, or its formula."""
    if t.name:
        return t.name + ("ᵀ" if t.form == "row" and isinstance(t.expr, Variable) else "")
    return expression_text(t.expr)


def titled(t: Tensor) -> str:
    """The name with the shape: ``v (5)``."""
    return f"{name_of(t)} ({format_shape(t.shape) if t.shape else '1 × 1'})"


def title_of(of: Tensor, wrt: Sequence[Tensor]) -> str:
    """∂E/∂W."""
    return title_text(name_of(of), [name_of(w) for w in wrt])


def helper_name(universe: Iterable[Expr]) -> str:
    """δ, or another letter where a quantity already has that name."""
    taken = quantity_names(universe)
    return next(name for name in ("δ", "ε", "γ", "δ_") if name not in taken)


def cannot_chain(outer: tuple[Tensor, Tensor], inner: tuple[Tensor, Tensor]) -> ChainError:
    """Why ∂a/∂b @ ∂c/∂d, given as the pairs a, b and c, d, has no meaning, and what would."""
    (value, left), (right, argument) = outer, inner
    first, second = title_of(value, [left]), title_of(right, [argument])
    message = (
        f"{first} @ {second}: the left ends at {_end(left)}, the right starts at {_end(right)}."
    )
    if left.expr.shape == right.expr.shape:
        message += " Same size, different quantity."
    if argument.expr is value.expr:
        return ChainError(message, f"swap the factors: {second} @ {first}")
    unnamed = left.name is None or right.name is None or left.name == right.name
    if unnamed or right.expr not in toposort([left.expr]):
        if left.expr in toposort([right.expr]) and not unnamed and argument.name:
            link = f"tc.derivative({argument.name}, {value.name})"
            if value.expr in toposort([argument.expr]):
                return ChainError(message, f"swap the factors and put {link} between them")
        return ChainError(message, "join the argument of the left with the value of the right")
    return ChainError(message, f"put tc.derivative({left.name}, {right.name}) between them")


def _end(t: Tensor) -> str:
    return f"{name_of(t)} ({format_shape(t.expr.shape) if t.expr.shape else 'a scalar'})"
