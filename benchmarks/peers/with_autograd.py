"""autograd: NumPy code under a tracer, traced again at every call."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
from autograd.differential_operators import make_hvp

from benchmarks.case import Bind, Question, Run, Values


def _log_softmax(z):
    z = z - anp.max(z, axis=0)
    return z - anp.log(anp.sum(anp.exp(z), axis=0))


class functions:
    exp, log, sum, sqrt = anp.exp, anp.log, anp.sum, anp.sqrt
    sigmoid = staticmethod(lambda z: 1 / (1 + anp.exp(-z)))
    relu = staticmethod(lambda z: anp.maximum(z, 0))
    softmax = staticmethod(lambda z: anp.exp(_log_softmax(z)))
    log_softmax = staticmethod(_log_softmax)


def prepare(question: Question) -> Bind:
    return lambda values: _run(question, values)


def _run(question: Question, given: Values) -> Run:
    by = question.by

    def value(chosen):
        return question.function(functions, {**given, **dict(zip(by, chosen, strict=True))})

    def of_one(argument):
        return value((argument,))

    if question.wanted == "gradient":
        slope, chosen = autograd.grad(value), tuple(given[name] for name in by)
        return lambda: slope(chosen)
    if question.wanted == "hessian":
        return lambda: autograd.hessian(of_one)(given[by[0]])
    if question.wanted == "hvp":
        return lambda: make_hvp(of_one)(given[by[0]])[0](given[question.tangent])
    return lambda: _literal(question, given)


def _literal(question: Question, given: Values):
    """∂E/∂v and ∂v/∂W as full arrays, summed over v."""
    W, x = given["W"], given["x"]
    row = autograd.jacobian(lambda v: question.function(functions, {**given, "v": v}))(W @ x)
    box = autograd.jacobian(lambda W: W @ x)(W)
    return anp.tensordot(row, box, 1)
