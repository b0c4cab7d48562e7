"""The functions that program text may name, and what their arguments are."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from tensorcalc import functions as f
from tensorcalc.operations import (
    diag,
    diagonal,
    dot,
    eye,
    frobenius,
    gelu,
    lift,
    log_softmax,
    logsumexp,
    mean,
    norm,
    ones,
    outer,
    silu,
    softmax,
    square,
    total,
    trace,
    zeros,
)
from tensorcalc.tensor import Tensor

__all__ = [
    "COMPARISONS",
    "FUNCTION_NAMES",
    "WITH_AXIS",
    "WITH_CONDITION",
    "WITH_SIZES",
    "WITH_TEXT",
]

FUNCTION_NAMES: dict[str, Callable[..., Tensor]] = {
    **{
        record.name: lift(record)
        for record in f.FUNCTIONS
        if record not in (f.step, f.length, f.inverse_or_zero)
    },
    "σ": lift(f.sigmoid),
    "square": square,
    "silu": silu,
    "gelu": gelu,
    "reciprocal": lift(f.reciprocal, "reciprocal"),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "sum": total,
    "mean": mean,
    "norm": norm,
    "trace": trace,
    "dot": dot,
    "outer": outer,
    "frobenius": frobenius,
    "diag": diag,
    "diagonal": diagonal,
    "ones": ones,
    "zeros": zeros,
    "eye": eye,
}

# axis= by keyword, or by position as the second argument
WITH_AXIS = {"sum", "mean", "softmax", "log_softmax", "logsumexp"}

# sizes in place of quantities, with the most that each takes
WITH_SIZES = {"ones": 2, "zeros": 2, "eye": 1}

# the first argument is a text in quotes
WITH_TEXT = {"einsum"}

# the first argument is a comparison such as x > 0
WITH_CONDITION = {"where"}

# the condition that a comparison of two quantities makes
COMPARISONS: dict[type[ast.cmpop], Callable[[Tensor, Tensor], Any]] = {}
