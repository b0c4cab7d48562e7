"""Derivatives by vectors and matrices that you can see, step through, check and run.

Vectors are columns. A derivative lists the value's axes, then the argument's axes reversed
(numerator layout); ``gradient`` gives the same numbers in the argument's own shape.
"""

from __future__ import annotations

from tensorcalc import functions as _functions
from tensorcalc.backprop import Equations, FeedForward, johnston
from tensorcalc.check import AnswerCheck, Verification, check_answer, equal
from tensorcalc.check import verify as _verify
from tensorcalc.derivative import Derivative, derivative, from_array, gradient, hessian, jacobian
from tensorcalc.derivative import compile_all as compile
from tensorcalc.derivative import compile_tensor as _compile_tensor
from tensorcalc.derivative import evaluate_tensor as _evaluate_tensor
from tensorcalc.display.tensor import quantity_latex as _latex
from tensorcalc.display.tensor import quantity_text as _text
from tensorcalc.errors import (
    ChainError,
    DimensionError,
    LayoutError,
    MemoryLimitError,
    MissingValueError,
    NameClashError,
    NotSupportedError,
    ParseError,
    ShapeError,
    TensorCalcError,
    UnknownNameError,
    ValueNotAllowedError,
)
from tensorcalc.parse import Program, parse
from tensorcalc.program import program
from tensorcalc.tensor import (
    Tensor,
    define,
    diag,
    diagonal,
    dot,
    einsum,
    eye,
    frobenius,
    function,
    gelu,
    log_softmax,
    logsumexp,
    matrix,
    mean,
    norm,
    ones,
    outer,
    scalar,
    silu,
    softmax,
    square,
    tensor,
    trace,
    variable,
    vector,
    zeros,
)
from tensorcalc.tensor import lift as _lift
from tensorcalc.tensor import total as sum

__version__ = "0.1.0"

exp = _lift(_functions.exp)
log = _lift(_functions.log)
log1p = _lift(_functions.log1p)
expm1 = _lift(_functions.expm1)
sqrt = _lift(_functions.sqrt)
sign = _lift(_functions.sign)
abs = _lift(_functions.abs_)
sin = _lift(_functions.sin)
cos = _lift(_functions.cos)
tan = _lift(_functions.tan)
sinh = _lift(_functions.sinh)
cosh = _lift(_functions.cosh)
tanh = _lift(_functions.tanh)
arcsin = _lift(_functions.arcsin)
arccos = _lift(_functions.arccos)
arctan = _lift(_functions.arctan)
sigmoid = _lift(_functions.sigmoid)
softplus = _lift(_functions.softplus)
relu = _lift(_functions.relu)
erf = _lift(_functions.erf)
reciprocal = _lift(_functions.reciprocal, "reciprocal")

# Methods that belong to higher layers than the classes they extend.
Derivative.verify = _verify  # type: ignore[attr-defined]
Derivative.check = lambda self, answer, /, at=None, **options: check_answer(  # type: ignore
    answer, self, at, **options
)
Tensor.evaluate = _evaluate_tensor  # type: ignore[attr-defined]
Tensor.compile = _compile_tensor  # type: ignore[attr-defined]
Tensor.__repr__ = lambda self: _text(self.expr, self.form, self.shape)
Tensor._repr_latex_ = lambda self: _latex(self.expr, self.form, self.shape)  # type: ignore[attr-defined]

__all__ = [
    "AnswerCheck", "ChainError", "Derivative", "DimensionError", "Equations", "FeedForward", "LayoutError", "MemoryLimitError",
    "MissingValueError", "NameClashError", "NotSupportedError", "ParseError", "Program",
    "ShapeError", "Tensor", "TensorCalcError", "UnknownNameError", "ValueNotAllowedError",
    "Verification", "check_answer", "equal",
    "arccos", "arcsin", "arctan", "compile", "cos", "cosh", "define", "derivative", "diag",
    "diagonal", "dot", "einsum", "erf", "exp", "expm1", "eye", "frobenius", "from_array",
    "function", "gelu", "gradient", "hessian", "jacobian", "johnston", "log", "log1p", "log_softmax",
    "logsumexp", "matrix", "mean", "norm", "ones", "outer", "parse", "program", "reciprocal",
    "relu", "scalar", "sigmoid", "sign", "silu", "sin", "sinh", "softmax", "softplus", "sqrt",
    "square", "tan", "tanh", "tensor", "trace", "variable", "vector", "zeros",
]  # fmt: skip
