"""Values that people give: what is accepted, what is refused, and in which words."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc import functions as f
from tensorcalc.errors import (
    MissingValueError,
    NameClashError,
    ShapeError,
    TensorCalcError,
    ValueNotAllowedError,
)
from tensorcalc.expr import Definition, Merge, Ones, Select, Special, Variable, einsum, power
from tensorcalc.special import det, logsumexp, maximum_over, product_without
from tensorcalc.values import (
    computation,
    given_values,
    read_values,
    require_entries,
    require_one_meaning,
)

W, x, y = Variable("W", ("k", "n")), Variable("x", ("n",)), Variable("y", (2,))
c = Variable("c", ())
VARIABLES = {v.name: v for v in (W, x, y, c)}


def read(needed=(), finite=True, **given):
    return read_values(needed, VARIABLES, given, finite=finite, what="E")


# ── what is accepted ─────────────────────────────────────────────────────────────────────

ACCEPTED = [
    ([1, 2], [1.0, 2.0]),
    ((1, 2.5), [1.0, 2.5]),
    (np.array([True, False]), [1.0, 0.0]),
    (np.array([1, 2], dtype=np.uint8), [1.0, 2.0]),
    (np.array([1, 2], dtype=np.float16), [1.0, 2.0]),
    (np.array([[1], [2]]), [1.0, 2.0]),
]


@pytest.mark.parametrize(("value", "expected"), ACCEPTED, ids=lambda part: repr(part)[:40])
def test_real_numbers_of_any_kind_become_float64(value, expected):
    found = read(y=value)["y"]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_float32_stays_if_all_values_are():
    single = np.ones(2, np.float32)
    assert read(y=single, c=np.float32(1))["y"].dtype == np.float32
    assert {v.dtype for v in read(y=single, c=1.0).values()} == {np.dtype(np.float64)}
    assert {v.dtype for v in read(y=single, c=1).values()} == {np.dtype(np.float64)}


def test_the_shapes_in_which_values_were_given_are_remembered():
    values = read(y=[[1], [2]], x=[1, 2, 3], c=0)
    assert values.given_shapes == {"y": (2, 1), "x": (3,), "c": ()}
    assert values["y"].shape == (2,)


def test_names_of_dimensions_are_bound_by_unused_values_too():
    assert read(needed=["y"], y=[1, 2], W=np.ones((3, 0))).sizes == {"k": 3, "n": 0}


def test_values_for_strangers_are_ignored():
    assert set(read(y=[1, 2], stranger="anything")) == {"y"}


def test_values_come_by_name_or_by_quantity_and_keywords_win():
    tensor = tc.vector("y", 2)
    found = given_values({tensor: 1, x: 2, "c": 3}, {"c": 4})
    assert found == {"y": 1, "x": 2, "c": 4}
    assert given_values(None, {"c": 4}) == {"c": 4}


def test_names_are_compared_as_python_compares_them():
    assert given_values({"ﬁt": 1}, {}) == {"fit": 1}


def test_compiled_functions_may_be_given_what_is_not_finite():
    assert np.isnan(read(finite=False, y=[np.nan, np.inf])["y"][0])


# ── what is refused ──────────────────────────────────────────────────────────────────────

REFUSED = {
    "complex": ([1j, 2], "the value of y is complex numbers"),
    "text": (["a", "b"], "the value of y is text"),
    "bytes": ([b"a", b"b"], "the value of y is text"),
    "objects": ([None, 1], "the value of y is list, not a regular array of numbers"),
    "ragged": ([[1], [1, 2]], "the value of y is list, not a regular array of numbers"),
    "nothing": (None, "the value of y is NoneType, not a regular array of numbers"),
    "dates": (
        np.array(["2020-01-01"], "M8[D]"),
        "the value of y is ndarray, not a regular array of numbers",
    ),
    "masked": (
        np.ma.array([1, 2], mask=[0, 1]),
        "the value of y is MaskedArray, not a regular array of numbers",
    ),
    "a quantity": (tc.vector("u", 2), "the value of y is Tensor, not a regular array of numbers"),
    "NaN": ([1, np.nan], "the value of y contains NaN or infinite entries"),
    "infinity": ([-np.inf, 1], "the value of y contains NaN or infinite entries"),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_finite_real_array_is_refused_by_name(value, message):
    with pytest.raises(ValueNotAllowedError) as caught:
        read(y=value)
    assert str(caught.value) == message
    finite = "finite numbers for y" if "NaN" in message else "y as an array of real numbers"
    assert caught.value.__notes__ == [f"hint: give {finite}"]


@pytest.mark.parametrize("value", [2**64, Fraction(1, 3), Decimal("0.1")], ids=type)
def test_a_number_that_is_no_float_is_refused_with_how_to_make_one(value):
    with pytest.raises(ValueNotAllowedError, match="the value of c is") as caught:
        read(c=value)
    assert caught.value.__notes__ == ["hint: give c as a float: float(c)"]
    assert read(c=float(value))["c"] == float(value)


@pytest.mark.parametrize(("code", "kept"), {">f4": "f4", "<f4": "f4", ">f8": "f8"}.items())
def test_either_byte_order_is_taken_in_the_machines_own(code, kept):
    array = read(y=np.array([1.0, 2.0], code))["y"]
    assert array.dtype == np.dtype(kept)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, [1, 2])


def test_values_must_come_as_a_mapping():
    with pytest.raises(ValueNotAllowedError, match="values given as list") as caught:
        given_values([1, 2], {})
    assert caught.value.__notes__ == ["hint: give a mapping of names to arrays"]


MISSHAPEN = {
    "too long": ({"y": [1, 2, 3]}, "y is declared 2, but its value is 3"),
    "a row for a column": ({"y": [[1, 2]]}, "y is declared 2, but its value is 1 × 2"),
    "a number for a column": ({"y": 1}, "y is declared 2, but its value is scalar"),
    "a column for a number": (
        {"c": [1]},
        "c is declared scalar, but its value is an array of shape (1,)",
    ),
    "a name with two sizes": (
        {"W": np.ones((2, 3)), "x": [1, 2]},
        "x is declared n and its value is 2: n = 2, but W has n = 3",
    ),
    "a column of a named size": (
        {"W": np.ones((2, 3)), "x": [[1], [2]]},
        "x is declared n and its value is 2: n = 2, but W has n = 3",
    ),
}


@pytest.mark.parametrize(("given", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_value_that_does_not_fit_its_declaration_is_refused(given, message):
    with pytest.raises(ShapeError) as caught:
        read(**given)
    assert str(caught.value) == message


MISSING = {
    "one": ({"c": 1}, "E needs a value for y (2)", "give y=…"),
    "with its shape": ({"y": [1, 2]}, "E needs a value for c (scalar)", "give c=…"),
    "none given": ({}, "E needs a value for y (2), c (scalar)", "give y=…, c=…"),
    "misspelled": (
        {"c": 1, "yy": [1, 2]},
        "E needs a value for y (2); yy is not a variable of it",
        "did you mean y by yy?",
    ),
    "two strangers": (
        {"y": [1, 2], "bias": 0, "rate": 1},
        "E needs a value for c (scalar); bias, rate are no variables of it",
        "give c=…",
    ),
}


@pytest.mark.parametrize(("given", "message", "hint"), MISSING.values(), ids=MISSING)
def test_a_missing_value_is_named_with_its_shape_and_possible_misspellings(given, message, hint):
    with pytest.raises(MissingValueError) as caught:
        read(needed=["y", "c"], **given)
    assert str(caught.value) == message
    assert caught.value.__notes__ == [f"hint: {hint}"]


def test_all_these_errors_are_value_errors_with_their_hint_at_hand():
    with pytest.raises(ValueError, match="needs a value") as caught:
        read(needed=["y"])
    assert isinstance(caught.value, TensorCalcError)
    assert caught.value.hint == "give y=…"


# ── one meaning per name ─────────────────────────────────────────────────────────────────


def test_a_computation_lists_its_variables_by_name():
    v = Definition("v", einsum("kn,n->k", W, x))
    assert computation([f.tanh(v), c]) == {"W": W, "x": x, "c": c}


CLASHES = {
    "two variables": (
        lambda: [x, f.tanh(Variable("x", (7,)))],
        "x names two quantities in one computation: a variable of shape n and a variable of "
        "shape 7",
    ),
    "a variable and an intermediate": (
        lambda: [Definition("c", x), Definition("d", c)],
        "c names two quantities in one computation: an intermediate of shape n and a variable "
        "of shape scalar",
    ),
    "two intermediates in one expression": (
        lambda: [f.sin(Definition("u", x)) + Definition("u", f.cos(x))],
        "u names two quantities in one computation: an intermediate of shape n and an "
        "intermediate of shape n",
    ),
}


@pytest.mark.parametrize(("roots", "message"), CLASHES.values(), ids=CLASHES)
def test_a_name_with_two_meanings_is_refused(roots, message):
    with pytest.raises(NameClashError) as caught:
        computation(roots())
    assert str(caught.value) == message
    assert caught.value.__notes__[0].startswith("hint: rename one of the two ")


def test_further_quantities_must_mean_what_they_mean_in_the_value():
    E = einsum("n,n->", x, f.tanh(x))
    require_one_meaning(E, [x, Variable("elsewhere", (7,)), E])
    with pytest.raises(NameClashError, match="x names two quantities"):
        require_one_meaning(E, [Variable("x", (7,))])


# ── no entries ───────────────────────────────────────────────────────────────────────────

flat = einsum("kn,pkn->p", W, Merge(("k", "n")))
count = einsum("p->", Ones(flat.shape[0]))
OVER_NOTHING = {
    "logsumexp": (Special(logsumexp, x), "n", "logsumexp of x"),
    "mean": (einsum("n,->", x, power(-1.0)(einsum("n->", Ones("n")))), "n", "a mean or a variance"),
    "maximum of all": (Special(maximum_over(2), W), "n", "max or min of W"),
    "maximum of merged axes": (Special(maximum_over(1), flat), "k·n", "max or min"),
    "mean of merged axes": (
        einsum("p,->", flat, power(-1.0)(count)),
        "k·n",
        "a mean or a variance",
    ),
}


@pytest.mark.parametrize(("e", "dim", "what"), OVER_NOTHING.values(), ids=OVER_NOTHING)
def test_a_mean_or_maximum_over_no_entries_is_refused(e, dim, what):
    require_entries([e], {"n": 1, "k": 2})
    require_entries([e], {"n": 1, "k": 2, "m": 0})
    with pytest.raises(ShapeError, match=f"^{what} over {dim}, which has s") as caught:
        require_entries([e], {"n": 0, "k": 2})
    assert caught.value.__notes__ == [f"hint: give values with at least one entry along {dim}"]


def test_what_exists_for_no_entries_is_allowed():
    M = Variable("M", ("n", "n"))
    roots = [einsum("n->", x), f.tanh(x), Special(det, M), Special(product_without(0, 2), W)]
    require_entries(roots, {"n": 0, "k": 2})
    require_entries([Special(maximum_over(1), W)], {"n": 2, "k": 0})  # a column without entries


def test_an_entry_beyond_a_named_axis_is_refused_once_its_size_is_known():
    entry = Select(x, 0, 2)
    require_entries([entry], {})
    require_entries([entry], {"n": 3})
    with pytest.raises(ShapeError, match="entry 2 along n, which has size 2") as caught:
        require_entries([f.tanh(entry)], {"n": 2})
    assert caught.value.__notes__ == ["hint: choose an entry from 0 to 1"]


def test_a_range_beyond_a_named_axis_is_refused_once_its_size_is_known():
    part = Select(x, 0, range(1, 4, 2))
    require_entries([part], {})
    require_entries([part], {"n": 4})
    with pytest.raises(ShapeError, match="entry 3 along n, which has size 3"):
        require_entries([part], {"n": 3})
    backwards = Select(x, 0, range(3, 0, -1))
    with pytest.raises(ShapeError, match="entry 3 along n, which has size 3"):
        require_entries([backwards], {"n": 3})


def test_an_entry_beyond_merged_axes_is_refused_once_their_sizes_are_known():
    entry = Select(flat, 0, 5)
    require_entries([entry], {"n": 2})
    require_entries([entry], {"n": 2, "k": 3})
    with pytest.raises(ShapeError, match="entry 5 along k·n, which has size 4"):
        require_entries([entry], {"n": 2, "k": 2})


@pytest.mark.skipif(np.__version__ < "2", reason="NumPy 1 loads numpy.ma itself")
def test_reading_values_does_not_load_masked_arrays():
    code = (
        "import sys, numpy, tensorcalc as tc; x = tc.vector('x', 2);"
        "tc.sum(x).evaluate(x=[1, 2]); print('numpy.ma' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
