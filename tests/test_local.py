"""Local derivatives: one rule per node type, against differences with the other arguments fixed."""

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import SIZES, dense, expressions, numerical_derivative, values_for

from tensorcalc import functions as f
from tensorcalc.evaluate import Dense
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Function,
    Ones,
    Select,
    Special,
    Variable,
    einsum,
    identity,
    toposort,
)
from tensorcalc.local import local_derivative
from tensorcalc.special import SPECIAL_FUNCTIONS

A, B = Variable("A", (2, 3)), Variable("B", (3, 3))
C = Variable("C", (3, 3))
ANALYTIC = [record for record in SPECIAL_FUNCTIONS if record.complex_step]
x, y, c = Variable("x", (3,)), Variable("y", ("n",)), Variable("c", ())
T = Variable("T", (2, "n", 3))

scaled_exp = Function(
    "scaled_exp",
    evaluate=lambda a, b: np.exp(a) * b,
    derivatives=(lambda a, b, y: y, lambda a, b, y: f.exp(a)),
)

NODES = {
    "matrix times vector": einsum("ij,j->i", A, x),
    "matrix times its transpose": einsum("ij,kj->ik", A, A),
    "square of a vector": einsum("i,i->", x, x),
    "entrywise cube": einsum("i,i,i->i", x, x, x),
    "trace": einsum("ii->", B),
    "diagonal": einsum("ii->i", B),
    "diagonal times diagonal": einsum("ii,ii->i", B, B),
    "a repeated index among others": einsum("iji,j->ji", einsum("ij,k->ijk", B, x), x),
    "outer product": einsum("i,j->ji", x, y),
    "sum over an axis": einsum("ij->j", A),
    "broadcasting": einsum("i,j->ij", x, Ones("n")),
    "numbers times a scalar": einsum(",,->", Constant(2), c, c),
    "scalar times matrix": einsum(",ij->ij", c, A),
    "deltas as factors": einsum("ij,j,jk->ik", Delta(3), x, B),
    "permutation": einsum("anb->ban", T),
    "sum": Add((A, 2 * A, A)),
    "sum of scalars": Add((c, c)),
    "name": Definition("u", A),
    "name of a scalar": Definition("u", c),
    "function": f.sigmoid(A),
    "function of a scalar": f.tanh(c),
    "function of two arguments": scaled_exp(A, 2 * A),
    "slice of rows": Select(A, 0, 1),
    "slice of columns": Select(A, 1, 2),
    "slice of a vector": Select(x, 0, 0),
    "slice of a 3-tensor": Select(T, 1, 1),
    "range of rows": Select(T, 0, range(1, 2)),
    "range of columns, backwards": Select(A, 1, range(2, -1, -1)),
    "range of a vector": Select(x, 0, range(0, 3, 2)),
    **{r.name: Special(r, x) for r in ANALYTIC if r.core == 1},
    **{f"{r.name} in a batch": Special(r, T) for r in ANALYTIC if r.core == 1},
    **{r.name: Special(r, C + 4 * Delta(3)) for r in ANALYTIC if r.core == 2},
    "functions of three arguments": f.where(x, f.tanh(x), x * x),
}


def assert_right(node):
    """Each local derivative is right, with independent variables in place of the arguments."""
    at = Dense(values_for(node), SIZES)
    at(node)
    loose = tuple(Variable(f"argument {k}", arg.shape) for k, arg in enumerate(node.args))
    values = {v.name: at.array(arg) for v, arg in zip(loose, node.args, strict=True)}
    free = node.with_args(loose)
    for k, argument in enumerate(loose):
        found = local_derivative(free, k)
        assert found.shape == node.shape + argument.shape
        expected = numerical_derivative(free, argument, values)
        np.testing.assert_allclose(dense(found, values), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_a_local_derivative_agrees_with_differences(node):
    assert_right(node)


@settings(max_examples=50)
@given(expressions())
def test_local_derivatives_agree_with_differences_in_random_expressions(e):
    for node in toposort([e]):
        assert_right(node)


def test_the_local_derivative_of_a_product_is_literal():
    found = local_derivative(einsum("ij,j->i", A, x), 0)
    assert found is Einsum((Delta(2), Delta(3), x), ((0, 2), (1, 3), (1,)), (0, 2, 3))


def test_sums_and_names_have_the_identity():
    assert local_derivative(Add((A, A)), 1) is identity((2, 3))
    assert local_derivative(Definition("u", A), 0) is identity((2, 3))


@pytest.mark.parametrize(
    "node", [f.sigmoid(x), Special(SPECIAL_FUNCTIONS[0], x)], ids=["sigmoid", "softmax"]
)
def test_a_derivative_in_terms_of_the_value_uses_the_values_name(node):
    s = Definition("s", node)
    named = toposort([local_derivative(node, 0, s)], lambda e: e is s)
    assert s in named
    assert node not in named
    assert node in toposort([local_derivative(node, 0)])


@pytest.mark.parametrize("leaf", [x, Constant(2.0), Delta(3), Ones(3)], ids=repr)
def test_a_leaf_has_no_local_derivative(leaf):
    with pytest.raises(TypeError, match=f"{type(leaf).__name__} has no arguments"):
        local_derivative(leaf, 0)
