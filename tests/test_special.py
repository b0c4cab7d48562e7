"""Functions that couple entries: every record by hand, in batches, and far from zero."""

import pickle

import numpy as np
import pytest
from strategies import dense, numerical_derivative

import tensorcalc as tc
from tensorcalc import special
from tensorcalc.chain import differentiate
from tensorcalc.expr import Special, Variable
from tensorcalc.special import SPECIAL_FUNCTIONS, log_softmax, logsumexp, softmax

each_record = pytest.mark.parametrize("record", SPECIAL_FUNCTIONS, ids=lambda r: r.name)
each_batch = pytest.mark.parametrize("batch", [(), (3,), (2, 3), ("n",)], ids=str)


def argument(record, batch, core, rng):
    shape = (*batch, *(core,) * record.core)
    numbers = rng.uniform(*record.domain, size=[2 if dim == "n" else dim for dim in shape])
    if record.core == 2:  # well away from singular
        numbers = numbers / 4 + np.eye(core)
    return Variable("x", shape), {"x": numbers}


def step_for(record):
    return {} if record.complex_step else {"step": 1e-6}


def tolerance(record):
    return {"rtol": 1e-7, "atol": 1e-13 if record.complex_step else 1e-9}


REFERENCES = {
    softmax: lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    log_softmax: lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    logsumexp: lambda x: np.log(np.exp(x).sum(-1)),
    special.inv: lambda x: np.linalg.solve(x, np.broadcast_to(np.eye(4), x.shape)),
    special.det: np.linalg.det,
    special.logdet: lambda x: np.log(np.abs(np.linalg.det(x))),
    special.product_without(0, 1): lambda x: x.prod(-1),
    special.product_without(1, 1): lambda x: x.prod(-1, keepdims=True) / x,
    special.maximum_over(1): lambda x: x.max(-1),
    special.share_of_maximum(1): lambda x: np.eye(4)[x.argmax(-1)],
}


@each_record
@each_batch
def test_the_value_is_that_of_the_definition(record, batch, rng):
    x, at = argument(record, batch, 4, rng)
    expected = REFERENCES[record](at["x"])
    np.testing.assert_allclose(dense(Special(record, x), at), expected, atol=1e-14)


@each_record
@each_batch
@pytest.mark.parametrize("core", [1, 4], ids="size {}".format)
def test_the_derivative_agrees_with_differences_of_the_value(record, batch, core, rng):
    x, at = argument(record, batch, core, rng)
    y = Special(record, x)
    literal = record.derivative(x, y)
    assert literal.shape == y.shape + x.shape
    expected = numerical_derivative(y, x, at, **step_for(record))
    np.testing.assert_allclose(dense(literal, at), expected, **tolerance(record))
    np.testing.assert_allclose(dense(differentiate(y, x), at), expected, **tolerance(record))


@each_record
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_the_second_derivative_agrees_with_differences_of_the_first(record, batch, rng):
    x, at = argument(record, batch, 3, rng)
    first = differentiate(Special(record, x), x)
    expected = numerical_derivative(first, x, at, **step_for(record))
    second = dense(differentiate(first, x), at)
    np.testing.assert_allclose(second, expected, **tolerance(record))


BY_HAND = {
    softmax: lambda p: np.diag(p) - np.outer(p, p),
    log_softmax: lambda p: np.eye(len(p)) - np.outer(np.ones(len(p)), p),
    logsumexp: lambda p: p,
}


@pytest.mark.parametrize("record", BY_HAND, ids=lambda r: r.name)
def test_the_derivative_is_the_textbooks(record, rng):
    x, at = argument(record, (), 4, rng)
    p = REFERENCES[softmax](at["x"])
    np.testing.assert_allclose(dense(differentiate(Special(record, x), x), at), BY_HAND[record](p))


def test_the_derivative_of_a_named_softmax_is_written_in_its_name():
    x, p = Variable("x", (4,)), Variable("p", (4,))
    at = {"p": np.array([0.1, 0.2, 0.3, 0.4])}  # x has no value: only p may occur
    np.testing.assert_allclose(dense(softmax.derivative(x, p), at), BY_HAND[softmax](at["p"]))


# x = (−10⁴, 0, 10⁴)
FAR_OUT = {
    softmax: (np.array([0, 0, 1]), np.zeros((3, 3))),
    log_softmax: (np.array([-2e4, -1e4, 0]), np.eye(3) - np.array([0, 0, 1])),
    logsumexp: (1e4, [0, 0, 1]),
}


@pytest.mark.parametrize("record", FAR_OUT, ids=lambda r: r.name)
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_far_from_zero_value_and_derivative_are_finite_and_right(record, shift):
    x, at = Variable("x", (3,)), {"x": np.array([-1e4, 0, 1e4]) + shift}
    value, slope = FAR_OUT[record]
    y = Special(record, x)
    np.testing.assert_allclose(dense(y, at), value + shift * (record is logsumexp))
    np.testing.assert_allclose(dense(differentiate(y, x), at), slope)


@each_record
def test_float32_stays_float32(record, rng):
    x = rng.uniform(*record.domain, size=(2, 3, 3)).astype(np.float32)
    assert record.value(x).dtype == np.float32


@each_record
def test_a_record_is_one_object_through_pickling(record):
    assert pickle.loads(pickle.dumps(record)) is record


# ── products, maxima and determinants where nothing may be divided ───────────────────────


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("left_out", [0, 1, 2, 3])
def test_a_product_without_some_entries_divides_by_none(zeros, left_out, rng):
    at = rng.uniform(0.5, 2.0, size=4)
    at[:zeros] = 0
    found = special.product_without(left_out, 1).value(at)
    assert found.shape == (4,) * left_out
    for place in np.ndindex(found.shape):
        kept = [at[k] for k in range(4) if k not in place]
        expected = np.prod(kept) if len(set(place)) == left_out else 0.0
        assert found[place] == pytest.approx(expected)


@pytest.mark.parametrize("core", [1, 2, 3])
def test_a_product_over_several_axes_is_over_all_their_entries(core, rng):
    at = rng.uniform(0.5, 2.0, size=(2,) * 3)
    whole = special.product_without(0, core).value(at)
    np.testing.assert_allclose(whole, at.reshape((2,) * (3 - core) + (-1,)).prod(-1))
    less = special.product_without(1, core).value(at)
    np.testing.assert_allclose(
        less * at, np.broadcast_to(whole.reshape((2,) * (3 - core) + (1,) * core), at.shape)
    )


def test_tied_maxima_share_the_derivative_equally():
    at = np.array([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0]])
    np.testing.assert_allclose(special.share_of_maximum(1).value(at), [[0.5, 0, 0.5], [1 / 3] * 3])
    np.testing.assert_allclose(special.share_of_maximum(2).value(at), [[0.5, 0, 0.5], [0] * 3])


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_adjugate_exists_for_a_singular_matrix(rank, rng):
    at = rng.normal(size=(3, rank)) @ rng.normal(size=(rank, 3))
    cofactors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(at, i, 0), j, 1)) for j in range(3)]
        for i in range(3)
    ]
    np.testing.assert_allclose(special.adjugate.value(at), np.transpose(cofactors), atol=1e-12)


def test_the_complex_step_goes_through_a_negative_determinant():
    x, at = Variable("x", (2, 2)), {"x": np.array([[1.0, 2.0], [3.0, 4.0]])}
    found = numerical_derivative(Special(special.logdet, x), x, at)
    np.testing.assert_allclose(found, np.linalg.inv(at["x"]).T)


SINGULAR = {
    "no pivot": np.arange(1.0, 10.0).reshape(3, 3),
    "rank 1": np.outer([1.0, 2.0, 3.0], [1.0, 1.0, 2.0]),
    "zero": np.zeros((3, 3)),
    "nearly singular": np.arange(1.0, 10.0).reshape(3, 3) + 1e-13 * np.eye(3),
    "regular": np.arange(1.0, 10.0).reshape(3, 3) + np.eye(3),
}
UNITS = np.eye(9).reshape(9, 3, 3)
OF_DETERMINANTS = ["det(A)", "s = det(A); s**2", "det(A) * trace(A)", "det(2 * A + A.T)",
                   "det(A @ A)", "exp(det(A) / 100)"]  # fmt: skip


@pytest.mark.parametrize("matrix", SINGULAR)
@pytest.mark.parametrize("text", OF_DETERMINANTS)
def test_derivatives_of_determinants_exist_where_the_matrix_is_singular(text, matrix):
    p = tc.program(text, A=(3, 3))
    at, steps = SINGULAR[matrix], (-2, -1, 1, 2)
    lower = [p.result.evaluate(A=at + h * 1e-3 * e) for e in UNITS for h in steps]
    for order in (1, 2, 3):
        d = tc.derivative(p.result, *[p["A"]] * order, layout="mixed")
        found = d.evaluate(A=at)
        moved = np.reshape(lower, (3, 3, 4, *found.shape[:-2]))
        expected = np.tensordot([1, -8, 8, -1], moved, axes=(0, 2)) / 12e-3
        expected = np.moveaxis(expected, (0, 1), (-2, -1))
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(found, expected, atol=1e-7 * scale)
        if order < 3:
            lower = [d.evaluate(A=at + h * 1e-3 * e) for e in UNITS for h in steps]


@pytest.mark.parametrize("matrix", SINGULAR)
def test_derivatives_of_a_singular_matrix_determinant_are_proved(matrix):
    A = tc.matrix("A", 3, 3)
    for by in ((A,), (A, A)):
        assert tc.derivative(tc.det(A), *by).verify(at={"A": SINGULAR[matrix]})


def test_the_hessian_of_a_determinant_times_a_tangent_needs_no_inverse():
    A, at = tc.matrix("A", 3, 3), SINGULAR["rank 1"]
    dense = tc.hessian(tc.det(A), A, layout="mixed").evaluate(A=at)
    tangent = np.arange(9.0).reshape(3, 3)
    found = tc.hvp(tc.det(A), A, tangent, at={"A": at})
    np.testing.assert_allclose(found, np.tensordot(dense, tangent), atol=1e-12)


def test_a_large_singular_determinant_is_refused_at_second_order_and_has_a_gradient():
    A = tc.matrix("A", "n", "n")
    at = np.outer(np.arange(1.0, 4), [1.0, 2.0, 2.0])
    np.testing.assert_allclose(tc.gradient(tc.det(A), A).evaluate(A=at), 0, atol=1e-12)
    with pytest.raises(tc.ValueNotAllowedError, match="inv"):
        tc.hessian(tc.det(A), A).evaluate(A=at + 1e-14)
