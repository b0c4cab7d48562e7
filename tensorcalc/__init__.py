"""Derivatives by vectors and matrices that you can see, step through, check and run.

Vectors are columns. A derivative lists the value's axes, then the argument's axes reversed
(numerator layout); ``gradient`` gives the same numbers in the argument's own shape.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tensorcalc.derivative import Derivative, derivative, gradient, hessian, jacobian
from tensorcalc.errors import (
    ChainError,
    DimensionError,
    DomainError,
    IllConditionedWarning,
    LayoutError,
    MemoryLimitError,
    MissingValueError,
    NameClashError,
    NotSupportedError,
    ParseError,
    ShapeError,
    TensorCalcError,
    UnknownAttributeError,
    UnknownNameError,
    ValueNotAllowedError,
)
from tensorcalc.operations import LIFTED as _LIFTED
from tensorcalc.operations import (
    det,
    diag,
    diagonal,
    dot,
    einsum,
    eye,
    frobenius,
    function,
    gelu,
    inv,
    kron,
    log_softmax,
    logdet,
    logsumexp,
    maximum,
    mean,
    minimum,
    norm,
    norm1,
    ones,
    outer,
    prod,
    reciprocal,
    silu,
    softmax,
    solve,
    square,
    trace,
    var,
    vec,
    where,
    zeros,
)
from tensorcalc.operations import largest as max  # noqa: F401 - tc.max, left out of __all__
from tensorcalc.operations import smallest as min  # noqa: F401 - tc.min, left out of __all__
from tensorcalc.operations import total as sum  # noqa: F401 - tc.sum, left out of __all__
from tensorcalc.steps import Step
from tensorcalc.tensor import Tensor, define, matrix, scalar, tensor, variable, vector

if TYPE_CHECKING:
    from tensorcalc import plot
    from tensorcalc.backprop import Equations, FeedForward, johnston
    from tensorcalc.batch import BatchExplanation, PerSample, explain_batch
    from tensorcalc.check import AnswerCheck, Verification, check_answer, equal
    from tensorcalc.codegen.structured import StructuredArray
    from tensorcalc.evaluation import compile_several as compile
    from tensorcalc.evaluation import hvp
    from tensorcalc.explicit import from_array
    from tensorcalc.language import Program, parse
    from tensorcalc.tracing import program

__version__ = "0.1.0"

exp = _LIFTED["exp"]
log = _LIFTED["log"]
log1p = _LIFTED["log1p"]
expm1 = _LIFTED["expm1"]
sqrt = _LIFTED["sqrt"]
sign = _LIFTED["sign"]
abs = _LIFTED["abs"]
sin = _LIFTED["sin"]
cos = _LIFTED["cos"]
tan = _LIFTED["tan"]
sinh = _LIFTED["sinh"]
cosh = _LIFTED["cosh"]
tanh = _LIFTED["tanh"]
arcsin = _LIFTED["arcsin"]
arccos = _LIFTED["arccos"]
arctan = _LIFTED["arctan"]
sigmoid = _LIFTED["sigmoid"]
softplus = _LIFTED["softplus"]
relu = _LIFTED["relu"]
erf = _LIFTED["erf"]

# What is loaded when it is first used: printing, code generation, checks and networks take
# longer to import than NumPy, and many a session needs only some of them.
_LATER = {
    "AnswerCheck": ("tensorcalc.check", "AnswerCheck"),
    "BatchExplanation": ("tensorcalc.batch", "BatchExplanation"),
    "Equations": ("tensorcalc.backprop", "Equations"),
    "FeedForward": ("tensorcalc.backprop", "FeedForward"),
    "PerSample": ("tensorcalc.batch", "PerSample"),
    "Program": ("tensorcalc.language", "Program"),
    "StructuredArray": ("tensorcalc.codegen.structured", "StructuredArray"),
    "Verification": ("tensorcalc.check", "Verification"),
    "check_answer": ("tensorcalc.check", "check_answer"),
    "compile": ("tensorcalc.evaluation", "compile_several"),
    "equal": ("tensorcalc.check", "equal"),
    "explain_batch": ("tensorcalc.batch", "explain_batch"),
    "from_array": ("tensorcalc.explicit", "from_array"),
    "hvp": ("tensorcalc.evaluation", "hvp"),
    "johnston": ("tensorcalc.backprop", "johnston"),
    "parse": ("tensorcalc.language", "parse"),
    "program": ("tensorcalc.tracing", "program"),
}


def __getattr__(name: str) -> Any:
    if name == "plot":
        return importlib.import_module("tensorcalc.plot")
    if name not in _LATER:
        raise AttributeError(f"module 'tensorcalc' has no attribute {name!r}")
    module, attribute = _LATER[name]
    value = globals()[name] = getattr(importlib.import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, "plot"})


class _Method:
    """A method that belongs to a higher layer than its class, loaded when first asked for."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name

    def __get__(self, instance: Any, owner: type) -> Any:
        function = getattr(importlib.import_module(self.module), self.name)
        setattr(owner, self.attribute, function)
        return getattr(owner if instance is None else instance, self.attribute)


def _attach(owner: type, methods: dict[str, tuple[str, str]]) -> None:
    for attribute, (module, name) in methods.items():
        method = _Method(f"tensorcalc.{module}", name)
        method.__set_name__(owner, attribute)
        setattr(owner, attribute, method)


_attach(
    Derivative,
    {
        "evaluate": ("evaluation", "evaluate"),
        "compile": ("evaluation", "compile_derivative"),
        "apply": ("evaluation", "apply"),
        "jvp": ("evaluation", "jvp"),
        "vjp": ("evaluation", "vjp"),
        "entry": ("presentation", "entry"),
        "formula": ("forms", "formula"),
        "latex": ("presentation", "latex"),
        "_repr_latex_": ("presentation", "notebook_latex"),
        "__repr__": ("presentation", "text"),
        "verify": ("check", "verify"),
        "check": ("check", "check_derivative"),
        "derivation": ("derivation", "derivation"),
        "per_sample": ("batch", "per_sample"),
        "to_einsum": ("interop", "to_einsum"),
        "to_latex": ("interop", "to_latex"),
        "to_numpy_source": ("interop", "to_numpy_source"),
        "to_sympy": ("interop", "to_sympy"),
    },
)
_attach(Step, {"__repr__": ("presentation", "step_text")})
_attach(
    Tensor,
    {
        "evaluate": ("evaluation", "evaluate_tensor"),
        "compile": ("evaluation", "compile_tensor"),
        "latex": ("display.tensor", "quantity_latex"),
        "to_einsum": ("interop", "to_einsum"),
        "to_latex": ("interop", "to_latex"),
        "to_numpy_source": ("interop", "to_numpy_source"),
        "to_sympy": ("interop", "to_sympy"),
        "_repr_latex_": ("display.tensor", "notebook_latex"),
        "__repr__": ("display.tensor", "quantity_text"),
    },
)

__all__ = [
    "AnswerCheck",
    "BatchExplanation",
    "ChainError",
    "Derivative",
    "DimensionError",
    "DomainError",
    "Equations",
    "FeedForward",
    "IllConditionedWarning",
    "LayoutError",
    "MemoryLimitError",
    "MissingValueError",
    "NameClashError",
    "NotSupportedError",
    "ParseError",
    "PerSample",
    "Program",
    "ShapeError",
    "StructuredArray",
    "Tensor",
    "TensorCalcError",
    "UnknownAttributeError",
    "UnknownNameError",
    "ValueNotAllowedError",
    "Verification",
    "arccos",
    "arcsin",
    "arctan",
    "check_answer",
    "compile",
    "cos",
    "cosh",
    "define",
    "derivative",
    "det",
    "diag",
    "diagonal",
    "dot",
    "einsum",
    "equal",
    "erf",
    "exp",
    "explain_batch",
    "expm1",
    "eye",
    "frobenius",
    "from_array",
    "function",
    "gelu",
    "gradient",
    "hessian",
    "hvp",
    "inv",
    "jacobian",
    "johnston",
    "kron",
    "log",
    "log1p",
    "log_softmax",
    "logdet",
    "logsumexp",
    "matrix",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "norm1",
    "ones",
    "outer",
    "parse",
    "plot",
    "prod",
    "program",
    "reciprocal",
    "relu",
    "scalar",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "solve",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "tensor",
    "trace",
    "var",
    "variable",
    "vec",
    "vector",
    "where",
    "zeros",
]
