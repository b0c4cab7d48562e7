"""What a picture can be drawn of, said before anything is drawn."""

from __future__ import annotations

from typing import Any

from tensorcalc.derivative import Derivative
from tensorcalc.errors import TensorCalcError
from tensorcalc.tensor import Tensor
from tensorcalc.wording import titled

__all__ = ["read_argument", "read_derivative", "read_quantity"]


def read_derivative(d: Any, what: str) -> Derivative:
    """The derivative to draw; TensorCalcError for anything else."""
    if isinstance(d, Derivative):
        return d
    hint = "give a derivative, such as tc.derivative(E, x) or p.derivative('E', 'x')"
    if isinstance(d, Tensor):
        of = d.name or "E"
        hint = f"give a derivative of it, such as tc.derivative({of}, …)"
    raise TensorCalcError(f"{what} of {_told(d)}, which is no derivative", hint)


def read_quantity(q: Any, what: str) -> Tensor | Derivative:
    """The quantity or derivative to draw; TensorCalcError for anything else."""
    if isinstance(q, (Tensor, Derivative)):
        return q
    raise TensorCalcError(
        f"{what} of {_told(q)}, which is no quantity and no derivative",
        _of_a_program(q) or "give a quantity, such as p['E'] of a program p, or a derivative",
    )


def read_argument(wrt: Any, what: str) -> Tensor | None:
    """The quantity whose paths are marked; TensorCalcError for anything else."""
    if wrt is None or isinstance(wrt, Tensor):
        return wrt
    raise TensorCalcError(
        f"{what} with the paths from {_told(wrt)}, which is no quantity",
        _of_a_program(wrt) or "give a quantity, such as p['x'] of a program p",
    )


def _told(q: Any) -> str:
    if isinstance(q, str):
        return f"the text {q!r}"
    if isinstance(q, (int, float)):
        return repr(q)
    if isinstance(q, Derivative):
        return q.title
    return titled(q) if isinstance(q, Tensor) else f"a {type(q).__name__}"


def _of_a_program(q: Any) -> str:
    return f"give the quantity itself: p[{q!r}] of a program p" if isinstance(q, str) else ""
