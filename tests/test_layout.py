"""Layouts: which axis of a derivative stands where, by hand and by every single entry.

The values here are linear (or bilinear) in their arguments with coefficients K, so that the
derivative is K itself: entry (value's indices, argument's indices) of K must be found at the
place that the layout says.
"""

import itertools

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.expr import Add, Variable, einsum
from tensorcalc.layout import LAYOUTS, permuted, read_layout

# How a quantity may stand: sizes differ within a case, so that no two axes can be mistaken.
VALUES = {"scalar": (), "column": (2,), "row": (2,), "matrix": (2, 3), "tensor": (2, 3, 4)}
ARGUMENTS = {"scalar": (), "column": (5,), "row": (5,), "matrix": (5, 4), "tensor": (5, 4, 2)}
SECONDS = {"scalar": (), "column": (3,), "row": (3,), "matrix": (3, 6)}

#   value     argument       numerator          denominator        mixed
FIRST = {
    ("scalar", "scalar"): [(1, 1), (1, 1), ()],
    ("scalar", "column"): [(1, 5), (5, 1), (5,)],
    ("scalar", "row"): [(1, 5), (5, 1), (5,)],
    ("scalar", "matrix"): [(4, 5), (5, 4), (5, 4)],
    ("scalar", "tensor"): [(2, 4, 5), (5, 4, 2), (5, 4, 2)],
    ("column", "scalar"): [(2, 1), (1, 2), (2,)],
    ("column", "column"): [(2, 5), (5, 2), (2, 5)],
    ("column", "row"): [(2, 5), (5, 2), (2, 5)],
    ("column", "matrix"): [(2, 4, 5), (5, 4, 2), (2, 5, 4)],
    ("column", "tensor"): [(2, 2, 4, 5), (5, 4, 2, 2), (2, 5, 4, 2)],
    ("row", "scalar"): [(2, 1), (1, 2), (2,)],
    ("row", "column"): [(2, 5), (5, 2), (2, 5)],
    ("row", "row"): [(2, 5), (5, 2), (2, 5)],
    ("row", "matrix"): [(2, 4, 5), (5, 4, 2), (2, 5, 4)],
    ("row", "tensor"): [(2, 2, 4, 5), (5, 4, 2, 2), (2, 5, 4, 2)],
    ("matrix", "scalar"): [(2, 3), (3, 2), (2, 3)],
    ("matrix", "column"): [(2, 3, 5), (5, 3, 2), (2, 3, 5)],
    ("matrix", "row"): [(2, 3, 5), (5, 3, 2), (2, 3, 5)],
    ("matrix", "matrix"): [(2, 3, 4, 5), (5, 4, 3, 2), (2, 3, 5, 4)],
    ("matrix", "tensor"): [(2, 3, 2, 4, 5), (5, 4, 2, 3, 2), (2, 3, 5, 4, 2)],
    ("tensor", "scalar"): [(2, 3, 4), (4, 3, 2), (2, 3, 4)],
    ("tensor", "column"): [(2, 3, 4, 5), (5, 4, 3, 2), (2, 3, 4, 5)],
    ("tensor", "row"): [(2, 3, 4, 5), (5, 4, 3, 2), (2, 3, 4, 5)],
    ("tensor", "matrix"): [(2, 3, 4, 4, 5), (5, 4, 4, 3, 2), (2, 3, 4, 5, 4)],
    ("tensor", "tensor"): [(2, 3, 4, 2, 4, 5), (5, 4, 2, 4, 3, 2), (2, 3, 4, 5, 4, 2)],
}
SECOND = {
    ("scalar", "scalar", "scalar"): [(1, 1), (1, 1), ()],
    ("scalar", "scalar", "column"): [(1, 3), (3, 1), (3,)],
    ("scalar", "column", "scalar"): [(1, 5), (5, 1), (5,)],
    ("scalar", "column", "column"): [(5, 3), (5, 3), (5, 3)],
    ("scalar", "row", "column"): [(5, 3), (5, 3), (5, 3)],
    ("scalar", "scalar", "matrix"): [(6, 3), (3, 6), (3, 6)],
    ("scalar", "matrix", "scalar"): [(4, 5), (5, 4), (5, 4)],
    ("scalar", "column", "matrix"): [(5, 6, 3), (5, 3, 6), (5, 3, 6)],
    ("scalar", "matrix", "column"): [(4, 5, 3), (5, 4, 3), (5, 4, 3)],
    ("scalar", "matrix", "matrix"): [(4, 5, 6, 3), (5, 4, 3, 6), (5, 4, 3, 6)],
    ("column", "scalar", "scalar"): [(2, 1), (1, 2), (2,)],
    ("column", "scalar", "column"): [(2, 3), (3, 2), (2, 3)],
    ("column", "column", "column"): [(2, 5, 3), (5, 3, 2), (2, 5, 3)],
    ("column", "matrix", "column"): [(2, 4, 5, 3), (5, 4, 3, 2), (2, 5, 4, 3)],
    ("column", "matrix", "matrix"): [(2, 4, 5, 6, 3), (5, 4, 3, 6, 2), (2, 5, 4, 3, 6)],
    ("matrix", "scalar", "scalar"): [(2, 3), (3, 2), (2, 3)],
    ("matrix", "column", "column"): [(2, 3, 5, 3), (5, 3, 3, 2), (2, 3, 5, 3)],
    ("matrix", "column", "matrix"): [(2, 3, 5, 6, 3), (5, 3, 6, 3, 2), (2, 3, 5, 3, 6)],
}
THIRD = {
    ("scalar", "scalar", "scalar", "scalar"): [(1, 1), (1, 1), ()],
    ("scalar", "column", "scalar", "scalar"): [(1, 5), (5, 1), (5,)],
    ("scalar", "column", "column", "column"): [(5, 3, 3), (5, 3, 3), (5, 3, 3)],
    ("scalar", "matrix", "column", "column"): [(4, 5, 3, 3), (5, 4, 3, 3), (5, 4, 3, 3)],
    ("scalar", "column", "scalar", "matrix"): [(5, 6, 3), (5, 3, 6), (5, 3, 6)],
    ("column", "matrix", "column", "scalar"): [(2, 4, 5, 3), (5, 4, 3, 2), (2, 5, 4, 3)],
    ("column", "column", "matrix", "column"): [(2, 5, 6, 3, 3), (5, 3, 6, 3, 2), (2, 5, 3, 6, 3)],
    ("matrix", "column", "column", "row"): [(2, 3, 5, 3, 3), (5, 3, 3, 3, 2), (2, 3, 5, 3, 3)],
}
CASES = {**FIRST, **SECOND, **THIRD}
LAYOUT_NAMES = ["numerator", "denominator", "mixed"]

each_case = pytest.mark.parametrize("case", CASES, ids=" by ".join)
each_layout = pytest.mark.parametrize("layout", LAYOUT_NAMES)


def linear(case):
    """A quantity whose derivative by its arguments is K, the arguments, and K."""
    shapes = [VALUES[case[0]], ARGUMENTS[case[1]], *(SECONDS[form] for form in case[2:])]
    K = 1.0 + np.arange(np.prod([1, *itertools.chain(*shapes)])).reshape(sum(shapes, ()))
    letters = iter("abcdefghijkl")
    words = ["".join(itertools.islice(letters, len(shape))) for shape in shapes]
    arguments = [tc.variable(name, shape) for name, shape in zip("xzu", shapes[1:], strict=False)]
    value = tc.einsum(f"{''.join(words)},{','.join(words[1:])}->{words[0]}", K, *arguments)
    if case[0] == "row":
        value = value.T
    arguments = [a.T if form == "row" else a for a, form in zip(arguments, case[1:], strict=True)]
    return value, arguments, K


def ones_for(case):
    """A value for the arguments of a case; what has no second argument ignores z."""
    others = [SECONDS[form] for form in [*case, "scalar", "scalar"][2:4]]
    return {"x": np.ones(ARGUMENTS[case[1]]), "z": np.ones(others[0]), "u": np.ones(others[1])}


def place(layout, value, arguments):
    """Where the entry at ``value`` and ``arguments``, tuples of indices, stands in the layout."""
    if layout == "numerator":
        return value + sum((a[::-1] for a in arguments), ())
    if layout == "denominator":
        return sum(arguments, ()) + value[::-1]
    return value + sum(arguments, ())


@each_layout
@each_case
def test_every_entry_stands_where_the_layout_says(case, layout):
    value, arguments, K = linear(case)
    d = tc.derivative(value, *arguments, layout=layout)
    expected = CASES[case][LAYOUT_NAMES.index(layout)]
    assert (d.layout, d.shape) == (layout, expected)
    view = d.evaluate(ones_for(case))
    assert view.shape == expected
    sizes = [VALUES[case[0]], ARGUMENTS[case[1]], *(SECONDS[form] for form in case[2:])]
    view = view.reshape(place(layout, sizes[0], sizes[1:]))  # without the pad of a row or column
    for index in np.ndindex(K.shape):
        ends = np.cumsum([len(shape) for shape in sizes])
        parts = [index[end - len(s) : end] for end, s in zip(ends, sizes, strict=True)]
        assert view[place(layout, parts[0], parts[1:])] == K[index]


@each_layout
@each_case
def test_evaluating_in_a_layout_is_evaluating_the_view_of_that_layout(case, layout):
    value, arguments, _ = linear(case)
    at = ones_for(case)
    for other in LAYOUT_NAMES:
        d = tc.derivative(value, *arguments, layout=other)
        expected = d.to(layout).evaluate(at)
        assert d.to(layout).to(other).shape == d.shape
        np.testing.assert_array_equal(d.evaluate(at, layout=layout), expected)
        np.testing.assert_array_equal(d.to(layout).compile()(at), expected)


@each_layout
@pytest.mark.parametrize("case", FIRST, ids=" by ".join)
def test_an_array_read_in_the_layout_it_was_written_in_is_the_same_derivative(case, layout):
    value, (x,), _ = linear(case)
    at = ones_for(case)
    d = tc.derivative(value, x)
    read = tc.from_array(d.evaluate(at, layout=layout), of=value, wrt=x, layout=layout)
    assert (read.layout, read.shape) == (layout, d.to(layout).shape)
    for other in LAYOUT_NAMES:
        np.testing.assert_array_equal(read.evaluate(layout=other), d.evaluate(at, layout=other))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_is_a_permutation_and_its_inverse_undoes_it(layout):
    for value, first, second in itertools.product(range(4), repeat=3):
        for arguments in ([first], [first, second]):
            axes = layout.axes(value, arguments)
            stored = np.zeros(range(2, 2 + value + sum(arguments)))
            view = stored.transpose(axes)
            assert view.transpose(np.argsort(axes)).shape == stored.shape


def test_a_layout_is_read_by_its_name():
    assert {name: read_layout(name) for name in LAYOUT_NAMES} == LAYOUTS


@pytest.mark.parametrize("name", ["row", "", "Mixed", None, 0, ["mixed"]], ids=repr)
def test_another_name_is_no_layout(name):
    with pytest.raises(tc.LayoutError, match='choose "numerator", "denominator" or "mixed"'):
        read_layout(name)


def test_denominator_layout_is_numerator_layout_with_the_axes_reversed():
    for value, argument in itertools.product(range(5), repeat=2):
        axes = LAYOUTS["numerator"].axes(value, [argument])
        assert LAYOUTS["denominator"].axes(value, [argument]) == axes[::-1]


@pytest.mark.parametrize("form", ARGUMENTS)
def test_a_gradient_has_the_arguments_own_shape(form):
    value, (x,), K = linear(("scalar", form))
    g = tc.gradient(value, x)
    array = g.evaluate(ones_for(("scalar", form)))
    assert array.shape == g.shape == x.shape
    np.testing.assert_array_equal(array.reshape(K.shape), K)


def test_a_sum_in_a_sum_longer_than_the_stack_is_reordered():
    W = Variable("W", (2, 3))
    e = einsum("ij->ij", W)
    for _ in range(3_000):
        e = Add((einsum("ij,ij->ij", W, W), e))
    assert permuted(e, (1, 0)).shape == (3, 2)


def test_reordering_acts_within_a_product_and_within_each_term_of_a_sum():
    W, x = Variable("W", (2, 3)), Variable("x", (3,))
    product = einsum("ij,j->ij", W, x)
    turned = einsum("ij,j->ji", W, x)
    assert permuted(product, (0, 1)) is product
    assert permuted(product, (1, 0)) is turned
    assert permuted(Add((product, W)), (1, 0)) is Add((turned, einsum("ij->ji", W)))
