"""PyTensor: graphs compiled in its default mode."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import jacobian

from benchmarks.case import Bind, Question, Values
from benchmarks.peers.compiling import at_first_values


class functions:
    exp, log, sum, sqrt = pt.exp, pt.log, pt.sum, pt.sqrt
    sigmoid = pt.sigmoid
    relu = staticmethod(lambda z: pt.maximum(z, 0))
    softmax = staticmethod(lambda z: pt.special.softmax(z, axis=0))
    log_softmax = staticmethod(lambda z: pt.special.log_softmax(z, axis=0))


def prepare(question: Question) -> Bind:
    return at_first_values(lambda values: _compiled(question, values))


def _compiled(question: Question, values: Values):
    given = {
        name: pt.tensor(name, shape=value.shape, dtype="float64") for name, value in values.items()
    }
    outputs = _answer(question, given)
    function = pytensor.function(list(given.values()), outputs, on_unused_input="ignore")
    function.trust_input = True
    return function, list(given)


def _answer(question: Question, given):
    wrt = [given[name] for name in question.by]
    if question.wanted == "literal chain":
        W, x = given["W"], given["x"]
        v = W @ x
        row = pt.grad(question.function(functions, given | {"v": v}), v)
        return pt.tensordot(row, jacobian(v, W), 1)
    value = question.function(functions, given)
    if question.wanted == "gradient":
        return pt.grad(value, wrt)
    slope = pt.grad(value, wrt[0])
    if question.wanted == "hvp":
        return pt.grad(pt.sum(slope * given[question.tangent]), wrt[0])
    return _hessian(slope, wrt[0])


def _hessian(slope, wrt):
    """Rows of the Hessian by a loop over the entries of the gradient."""
    size = int(np.prod(wrt.type.shape))
    return jacobian(slope.reshape((size,)), wrt).reshape(wrt.type.shape * 2)
