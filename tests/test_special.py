"""Functions that couple entries: every record by hand, in batches, and far from zero."""

import pickle

import numpy as np
import pytest
from strategies import dense, numerical_derivative

from tensorcalc.chain import differentiate
from tensorcalc.expr import Special, Variable
from tensorcalc.special import SPECIAL_FUNCTIONS, log_softmax, logsumexp, softmax

each_record = pytest.mark.parametrize("record", SPECIAL_FUNCTIONS, ids=lambda r: r.name)
each_batch = pytest.mark.parametrize("batch", [(), (3,), (2, 3), ("n",)], ids=str)


def argument(record, batch, core, rng):
    shape = (*batch, *(core,) * record.core)
    numbers = rng.uniform(*record.domain, size=[2 if dim == "n" else dim for dim in shape])
    return Variable("x", shape), {"x": numbers}


REFERENCES = {
    softmax: lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    log_softmax: lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    logsumexp: lambda x: np.log(np.exp(x).sum(-1)),
}


@each_record
@each_batch
def test_the_value_is_that_of_the_definition(record, batch, rng):
    x, at = argument(record, batch, 4, rng)
    np.testing.assert_allclose(dense(Special(record, x), at), REFERENCES[record](at["x"]))


@each_record
@each_batch
@pytest.mark.parametrize("core", [1, 4], ids="size {}".format)
def test_the_derivative_agrees_with_differences_of_the_value(record, batch, core, rng):
    x, at = argument(record, batch, core, rng)
    y = Special(record, x)
    literal = record.derivative(x, y)
    assert literal.shape == y.shape + x.shape
    expected = numerical_derivative(y, x, at)
    np.testing.assert_allclose(dense(literal, at), expected, atol=1e-14)
    np.testing.assert_allclose(dense(differentiate(y, x), at), expected, atol=1e-14)


@each_record
@pytest.mark.parametrize("batch", [(), (2,)], ids=str)
def test_the_second_derivative_agrees_with_differences_of_the_first(record, batch, rng):
    x, at = argument(record, batch, 3, rng)
    first = differentiate(Special(record, x), x)
    expected = numerical_derivative(first, x, at)
    np.testing.assert_allclose(dense(differentiate(first, x), at), expected, atol=1e-14)


BY_HAND = {
    softmax: lambda p: np.diag(p) - np.outer(p, p),
    log_softmax: lambda p: np.eye(len(p)) - np.outer(np.ones(len(p)), p),
    logsumexp: lambda p: p,
}


@each_record
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


@each_record
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_far_from_zero_value_and_derivative_are_finite_and_right(record, shift):
    x, at = Variable("x", (3,)), {"x": np.array([-1e4, 0, 1e4]) + shift}
    value, slope = FAR_OUT[record]
    y = Special(record, x)
    np.testing.assert_allclose(dense(y, at), value + shift * (record is logsumexp))
    np.testing.assert_allclose(dense(differentiate(y, x), at), slope)


@each_record
def test_float32_stays_float32(record, rng):
    x = rng.uniform(*record.domain, size=(2, 3)).astype(np.float32)
    assert record.evaluate(x).dtype == np.float32


@each_record
def test_a_record_is_one_object_through_pickling(record):
    assert pickle.loads(pickle.dumps(record)) is record
