"""The functions that program text may name, and what their arguments are."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from tensorcalc.operations import (
    LIFTED,
    det,
    diag,
    diagonal,
    dot,
    einsum,
    eye,
    frobenius,
    gelu,
    inv,
    kron,
    largest,
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
    smallest,
    softmax,
    solve,
    square,
    total,
    trace,
    var,
    vec,
    where,
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
    **LIFTED,
    "maximum": maximum,
    "minimum": minimum,
    "where": where,
    "σ": LIFTED["sigmoid"],
    "square": square,
    "silu": silu,
    "gelu": gelu,
    "reciprocal": reciprocal,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "sum": total,
    "mean": mean,
    "var": var,
    "prod": prod,
    "max": largest,
    "min": smallest,
    "norm": norm,
    "norm1": norm1,
    "trace": trace,
    "inv": inv,
    "det": det,
    "logdet": logdet,
    "solve": solve,
    "dot": dot,
    "outer": outer,
    "frobenius": frobenius,
    "kron": kron,
    "vec": vec,
    "diag": diag,
    "diagonal": diagonal,
    "einsum": einsum,
    "ones": ones,
    "zeros": zeros,
    "eye": eye,
}

# axis= by keyword, or by position as the second argument
WITH_AXIS = {
    *("sum", "mean", "var", "prod", "max", "min", "norm", "norm1"),
    *("softmax", "log_softmax", "logsumexp"),
}

# sizes in place of quantities, with the most that each takes
WITH_SIZES = {"ones": 2, "zeros": 2, "eye": 1}

# the first argument is a text in quotes
WITH_TEXT = {"einsum"}

# the first argument is a comparison such as x > 0
WITH_CONDITION = {"where"}

# the condition that a comparison of two quantities makes
COMPARISONS: dict[type[ast.cmpop], Callable[[Tensor, Tensor], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
