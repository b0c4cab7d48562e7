"""PyTorch: torch.func, eager, in double precision."""

from __future__ import annotations

import os

import torch
from torch import func

from benchmarks.case import Bind, Question, Run, Values

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


class functions:
    exp, log, sum, sqrt = torch.exp, torch.log, torch.sum, torch.sqrt
    sigmoid, relu = torch.sigmoid, torch.relu
    softmax = staticmethod(lambda z: torch.softmax(z, dim=0))
    log_softmax = staticmethod(lambda z: torch.log_softmax(z, dim=0))


def prepare(question: Question) -> Bind:
    def bind(values: Values) -> Run:
        given = {name: torch.from_numpy(value) for name, value in values.items()}
        return _run(question, given)

    return bind


def _run(question: Question, given) -> Run:
    def value(*chosen):
        return question.function(functions, given | dict(zip(question.by, chosen, strict=True)))

    chosen = [given[name] for name in question.by]
    if question.wanted == "gradient":
        leaves = [c.clone().requires_grad_() for c in chosen]
        return lambda: torch.autograd.grad(value(*leaves), leaves)
    if question.wanted == "hessian":
        return lambda: func.hessian(value)(*chosen)
    if question.wanted == "hvp":
        tangent = given[question.tangent]
        return lambda: func.jvp(func.grad(value), tuple(chosen), (tangent,))[1]
    return lambda: _literal(question, given)


def _literal(question: Question, given):
    """∂E/∂v and ∂v/∂W as full arrays, summed over v."""
    W, x = given["W"], given["x"]
    row = func.jacrev(lambda v: question.function(functions, given | {"v": v}))(W @ x)
    box = func.jacrev(lambda W: W @ x)(W)
    return torch.tensordot(row, box, 1)
