"""JAX: jitted, in double precision; the call ends when the result is there."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from benchmarks.case import Bind, Question, Run, Values

jax.config.update("jax_enable_x64", True)


class functions:
    exp, log, sum, sqrt = jnp.exp, jnp.log, jnp.sum, jnp.sqrt
    sigmoid, relu = jax.nn.sigmoid, jax.nn.relu
    softmax = staticmethod(lambda z: jax.nn.softmax(z, axis=0))
    log_softmax = staticmethod(lambda z: jax.nn.log_softmax(z, axis=0))


def prepare(question: Question) -> Bind:
    answer = _answer(question)
    names: list[str] = []
    # arrays by position: a dictionary would cost some microseconds in each call
    function = jax.jit(lambda *arrays: answer(dict(zip(names, arrays, strict=True))))

    def bind(values: Values) -> Run:
        names[:] = values
        given = [jnp.asarray(value) for value in values.values()]
        return lambda: jax.block_until_ready(function(*given))

    return bind


def _answer(question: Question):
    def value(chosen, given):
        return question.function(functions, given | dict(zip(question.by, chosen, strict=True)))

    def split(given):
        return [given[name] for name in question.by]

    if question.wanted == "gradient":
        return lambda given: jax.grad(value)(split(given), given)
    if question.wanted == "hessian":
        return lambda given: jax.hessian(value)(split(given), given)[0][0]
    if question.wanted == "hvp":
        return lambda given: _product(value, split(given), [given[question.tangent]], given)
    return lambda given: _literal(question, given)


def _product(value, chosen, tangent, given):
    """The tangent of the gradient: forward over reverse."""
    return jax.jvp(lambda c: jax.grad(value)(c, given), (chosen,), (tangent,))[1]


def _literal(question: Question, given):
    """∂E/∂v and ∂v/∂W as full arrays, summed over v."""
    W, x = given["W"], given["x"]
    row = jax.jacrev(lambda v: question.function(functions, given | {"v": v}))(W @ x)
    box = jax.jacfwd(lambda W: W @ x)(W)
    return jnp.tensordot(row, box, 1)
