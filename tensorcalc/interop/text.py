"""What is already written elsewhere, under the name by which it is looked for: LaTeX, NumPy."""

from __future__ import annotations

from tensorcalc.derivative import Derivative
from tensorcalc.display.spelling import latex_name
from tensorcalc.display.tensor import quantity_latex
from tensorcalc.evaluation import compile_derivative, compile_tensor
from tensorcalc.expr import Definition
from tensorcalc.presentation import latex
from tensorcalc.tensor import Tensor

__all__ = ["to_latex", "to_numpy_source"]


def to_latex(item: Tensor | Derivative, /) -> str:
    r"""The formula in LaTeX without dollars: ``W x`` of a quantity, ∂v/∂x = W of a derivative.

    A derivative's is what ``latex()`` gives, title and formula in its layout; a named quantity
    gives the expression that it stands for. A formula may be in index notation.
    """
    if isinstance(item, Derivative):
        return latex(item)
    whole = quantity_latex(item)
    if isinstance(item.expr, Definition):
        return whole.removeprefix(f"{latex_name(item.expr.name)} = ")
    return whole


def to_numpy_source(item: Tensor | Derivative, /) -> str:
    """A stand-alone module with one NumPy function of the variables: ``compile().source``.

    It returns an array of exactly ``shape``. Raises NotSupportedError for abstract functions.
    """
    if isinstance(item, Derivative):
        return compile_derivative(item).source
    return compile_tensor(item).source
