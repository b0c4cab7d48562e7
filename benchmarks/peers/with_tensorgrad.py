"""tensorgrad: symbolic only; its values need a PyTorch with named tensors."""

from __future__ import annotations

import sympy
import tensorgrad.functions as F
import torch
from tensorgrad import Variable
from tensorgrad.compiler import compile_to_callable

from benchmarks.case import Bind, NotSupported, Question


def prepare(question: Question) -> Bind:
    raise NotSupported(
        f"values need PyTorch's named tensors, which {torch.__version__.split('+')[0]} lacks"
    )


def derive(layers: int) -> None:
    """The gradients of all weights of a network, and the function that computes them."""
    n = sympy.symbols("n")
    a, weights = Variable("x", e0=n), []
    for l in range(1, layers + 1):
        W = Variable(f"W{l}", **{f"e{l}": n, f"e{l - 1}": n})
        weights.append(W)
        a = F.sigmoid(F.dot(W, a, dim=f"e{l - 1}") + Variable(f"b{l}", **{f"e{l}": n}))
    loss = F.frobenius2(a - Variable("y", **{f"e{layers}": n})) / 2
    compile_to_callable(*[loss.grad(W).simplify() for W in weights])
