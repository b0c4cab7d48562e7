"""SymPy: entry by entry, as its matrix derivatives stop at elementwise functions."""

from __future__ import annotations

import numpy as np
import sympy

from benchmarks.case import Bind, NotSupported, Question, Values
from benchmarks.peers.compiling import at_first_values

MOST = 400  # symbols; beyond this entry-by-entry differentiation does not end in minutes


class functions:
    exp = staticmethod(lambda z: _each(sympy.exp, z))
    log = staticmethod(lambda z: _each(sympy.log, z))
    sqrt = staticmethod(lambda z: _each(sympy.sqrt, z))
    sum = staticmethod(np.sum)
    softmax = log_softmax = relu = staticmethod(lambda z: _refused())
    sigmoid = staticmethod(lambda z: _each(lambda e: 1 / (1 + sympy.exp(-e)), z))


def _refused():
    raise NotSupported("softmax and relu entry by entry")


def _each(function, z):
    return np.vectorize(function, otypes=[object])(z)


def prepare(question: Question) -> Bind:
    return at_first_values(lambda values: _compiled(question, values))


def _compiled(question: Question, values: Values):
    if question.wanted == "literal chain":
        raise NotSupported("∂v/∂W entry by entry is no 3-tensor")
    if sum(value.size for value in values.values()) > MOST:
        raise NotSupported(f"entry by entry beyond {MOST} entries")
    given = {name: _symbols(name, value.shape) for name, value in values.items()}
    value = question.function(functions, given)
    outputs = [_of(question, value, given[name], given) for name in question.by]
    arguments = [list(s.ravel()) for s in given.values()]
    flat = [list(o.ravel()) for o in outputs]
    function = sympy.lambdify(arguments, flat, "numpy", cse=True)
    shapes = [o.shape for o in outputs]

    def run(*arrays):
        found = function(*[a.ravel() for a in arrays])
        return [np.array(f).reshape(s) for f, s in zip(found, shapes, strict=True)]

    return run, list(given)


def _symbols(name: str, shape):
    names = [f"{name}_{i}" for i in range(int(np.prod(shape)))]
    return np.array([sympy.Symbol(n, real=True) for n in names], dtype=object).reshape(shape)


def _of(question: Question, value, wrt, given):
    slope = _each(value.diff, wrt)
    if question.wanted == "gradient":
        return slope
    if question.wanted == "hvp":
        directional = (slope * given[question.tangent]).sum()
        return _each(directional.diff, wrt)
    rows = [_each(s.diff, wrt) for s in slope.ravel()]
    return np.array(rows, dtype=object).reshape(wrt.shape * 2)
