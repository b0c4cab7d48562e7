"""tensorgrad: the PyTorch code that its compiler writes, called with tensors.

Its own way into that code takes named tensors, which PyTorch has no more from 2.13 on. What is
called here is the function behind that way, which runs with every PyTorch.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import torch
from tensorgrad import Derivative, Variable
from tensorgrad.compiler import compile_to_callable

from benchmarks.case import Bind, Question, Run, Values
from benchmarks.peers import with_torch  # noqa: F401  holds PyTorch to its number of threads
from benchmarks.peers.compiling import at_first_values
from benchmarks.peers.named_edges import Array, fresh, functions, size, variable

DEEPEST = 20_000  # calls within calls
SHALLOW = 8  # arguments; simplifying takes a time that grows exponentially with the depth
Given = dict[str, Array]


def prepare(question: Question) -> Bind:
    bind = at_first_values(lambda values: _compiled(question, values))

    def of_tensors(values: Values) -> Run:
        with recursion_to(DEEPEST):
            return bind({name: torch.from_numpy(value) for name, value in values.items()})

    return of_tensors


@contextlib.contextmanager
def recursion_to(limit: int) -> Iterator[None]:
    """It descends into expressions by recursion: ten layers are more than the usual limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _compiled(question: Question, values):
    given = {name: variable(name, value.shape) for name, value in values.items()}
    outputs = _answer(question, given)
    program = compile_to_callable(*[output.tensor for output in outputs])
    sizes = {size(n): n for value in values.values() for n in value.shape}
    function = program.codegen.specialize(sizes, dtype=torch.float64)
    orders = [
        tuple(edges.index(edge) for edge in output.edges)
        for (_, edges), output in zip(program.outputs, outputs, strict=True)
    ]
    return _in_order(function, orders), program.input_names


def _in_order(function: Callable, orders: list[tuple[int, ...]]) -> Callable:
    """The axes as arrays have them: views, as its own way out makes them."""
    turned = [None if order == tuple(sorted(order)) else order for order in orders]

    def run(*arrays):
        found = function(*arrays)
        return [a if o is None else a.permute(o) for a, o in zip(found, turned, strict=True)]

    return run


def _answer(question: Question, given: Given) -> list[Array]:
    """First derivatives go to the compiler as they are: it resolves them together."""
    if question.wanted == "literal chain":
        return [_literal(question, given)]
    value = question.function(functions, given)
    slopes = [_derivative(value, given[name]) for name in question.by]
    if question.wanted == "gradient":
        return slopes
    ((slope,), argument) = slopes, given[question.by[0]]
    if question.wanted == "hvp":
        slope = functions.sum(_simpler(slope, given) * given[question.tangent])
    return [_simpler(_derivative(_simpler(slope, given), argument), given)]


def _simpler(array: Array, given: Given) -> Array:
    """A second derivative simplified, as it is faster then and not wrong (‖T − UVᵀ‖² is, else)."""
    return array if len(given) > SHALLOW else Array(array.tensor.simplify(), array.edges)


def _derivative(of: Array, by: Array) -> Array:
    """Its axes are those of the value, then those of the argument."""
    assert isinstance(by.tensor, Variable)
    new = {edge: fresh() for edge in by.edges if edge is not None}
    return Array(Derivative(of.tensor, by.tensor, new), [*of.edges, *new.values()])


def _literal(question: Question, given: Given) -> Array:
    """∂E/∂v at v = W x, and ∂v/∂W, summed over v."""
    W, x = given["W"], given["x"]
    product = W @ x
    v = Array(Variable("v", **product.tensor.shape), product.edges)
    row = _derivative(question.function(functions, given | {"v": v}), v)
    at = row.tensor.simplify().substitute(v.tensor, product.tensor)
    (edge,) = row.edges
    return Array(at.rename(**{edge: v.edges[0]}), v.edges) @ _derivative(product, W)
