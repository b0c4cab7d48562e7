"""Plain evaluation against sums written as loops, and what can be put in place of a node."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SIZES, dense, expressions, values_for

from tensorcalc import functions as f
from tensorcalc.errors import DimensionError, MissingValueError, NotSupportedError
from tensorcalc.evaluate import Dense, contract
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Ones,
    Select,
    Special,
    Variable,
    einsum,
    toposort,
)
from tensorcalc.special import softmax

A, x, y = Variable("A", (2, 3)), Variable("x", (3,)), Variable("y", ("n",))
NODES = {
    "variable": (A, lambda v: v["A"]),
    "definition": (Definition("u", A), lambda v: v["A"]),
    "number": (Constant(2.5), lambda v: 2.5),
    "array": (Constant([[1, 2], [3, 4]]), lambda v: [[1, 2], [3, 4]]),
    "delta": (Delta(3), lambda v: np.eye(3)),
    "delta of a named dimension": (Delta("n"), lambda v: np.eye(2)),
    "ones of a named dimension": (Ones("n"), lambda v: [1, 1]),
    "sum": (Add((x, x, Ones(3))), lambda v: 2 * v["x"] + 1),
    "elementwise": (f.sin(A), lambda v: np.sin(v["A"])),
    "special": (Special(softmax, x), lambda v: np.exp(v["x"]) / np.exp(v["x"]).sum()),
    "slice of rows": (Select(A, 0, 1), lambda v: v["A"][1]),
    "slice of columns": (Select(A, 1, 2), lambda v: v["A"][:, 2]),
}


@pytest.mark.parametrize(("node", "expected"), NODES.values(), ids=NODES)
def test_each_node_type_has_its_value(node, expected):
    values = values_for(A, x, y)
    np.testing.assert_allclose(dense(node, values), expected(values), rtol=1e-14)


def by_loops(e, values):
    """An einsum of variables, deltas and ones, entry by entry as it is defined."""
    sizes = {i: SIZES.get(dim, dim) for i, dim in e.dims.items()}
    result = np.zeros([sizes[i] for i in e.output])
    for point in itertools.product(*map(range, sizes.values())):
        at = dict(zip(sizes, point, strict=True))
        entries = [
            dense(operand, values)[tuple(at[i] for i in indices)]
            for operand, indices in zip(e.operands, e.inputs, strict=True)
        ]
        result[tuple(at[i] for i in e.output)] += np.prod(entries)
    return result


B = Variable("B", (2, 2))
PRODUCTS = {
    "matrix product": einsum("ij,jk->ik", B, A),
    "trace": einsum("ii->", B),
    "diagonal": einsum("ii->i", B),
    "sum over an index alone": einsum("ij->j", A),
    "literal chain with deltas": einsum("ij,jk,kl,l,m->im", B, Delta(2), A, x, Ones("n")),
    "an operand that repeats": einsum("ij,ij,ij,kj->k", A, A, A, A),
    "numbers": einsum(",ij,->ji", Constant(2), A, Constant(-1)),
    "a delta with equal indices": einsum("ii,i->i", Delta(3), x),
    "broadcasting": einsum("i,j,k->kji", x, Ones("n"), Ones(1)),
    "an index of size 1": einsum("ia,a->i", einsum("i,a->ia", x, Ones(1)), Ones(1)),
}


@pytest.mark.parametrize("e", PRODUCTS.values(), ids=PRODUCTS)
def test_an_einsum_is_the_sum_of_products_over_every_index_its_output_lacks(e):
    values = values_for(e)
    np.testing.assert_allclose(dense(e, values), by_loops(e, values), rtol=1e-13)


def test_many_factors_are_contracted_to_the_same_value(rng):
    a, b, c = rng.normal(size=(2, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
    call = [a, [0, 1], b, [1, 2], c, [2], c, [2], b, [2, 2]]
    expected = np.einsum("ij,jk,k,k,kk->i", a, b, c, c, b)
    np.testing.assert_allclose(contract(call, [0]), expected, rtol=1e-13)


def test_several_expressions_are_evaluated_in_one_go():
    values = values_for(A, x)
    v = Definition("v", einsum("ij,j->i", A, x))
    at = Dense(values, {})
    np.testing.assert_allclose(at.array(v), values["A"] @ values["x"])
    np.testing.assert_allclose(at.array(f.exp(v)), np.exp(values["A"] @ values["x"]))


def test_a_named_dimension_may_have_size_zero():
    at = Dense({"y": np.zeros(0)}, {"n": 0})
    assert at.array(einsum("i->", y)) == 0
    assert at.array(Delta("n")).shape == (0, 0)


# ── overrides ────────────────────────────────────────────────────────────────────────────


def test_an_overridden_node_has_the_value_put_in_its_place():
    v = Definition("v", f.exp(x))
    instead = np.array([1.0, 2.0, 3.0])
    at = Dense({}, {}, {v: (instead, False)})
    np.testing.assert_allclose(at.array(v * v), instead**2)


@settings(max_examples=100)
@given(expressions(smooth=False), st.data())
def test_a_batch_in_place_of_a_node_gives_what_one_value_at_a_time_gives(e, data):
    node = data.draw(st.sampled_from(toposort([e])))
    values = values_for(e)
    base = dense(node, values)
    batch = np.stack([base, base + 0.25, base + 0.5])
    whole, batched = Dense(values, SIZES, {node: (batch, True)})(e)
    alone = [Dense(values, SIZES, {node: (one, False)}).array(e) for one in batch]
    assert batched
    np.testing.assert_allclose(whole, np.stack(alone), rtol=1e-9, atol=1e-9)


# ── what has no value ────────────────────────────────────────────────────────────────────


def test_a_variable_without_a_value_is_named():
    with pytest.raises(MissingValueError, match=r"^no value for x") as caught:
        dense(f.sin(x), {})
    assert caught.value.__notes__ == ["hint: give x=…"]


def test_a_dimension_without_a_size_is_named():
    with pytest.raises(DimensionError, match="the size of dimension 'm' is not known"):
        dense(Ones("m"), {})


def test_an_abstract_function_has_no_value_and_neither_has_its_derivative():
    for record in (f.abstract("g"), f.abstract("g′")):
        with pytest.raises(
            NotSupportedError, match=f"the value of {record.name}, an abst"
        ) as error:
            dense(record(x))
        assert error.value.__notes__[0].startswith("hint: declare it with a value: tc.function('g'")
