"""Dimensions and shapes: what may declare one, and how names find their sizes."""

import numpy as np
import pytest

from tensorcalc.errors import DimensionError, ShapeError
from tensorcalc.shapes import (
    bind,
    format_bytes,
    format_shape,
    read_dim,
    read_shape,
    size_of,
    sizes_of,
)

SPELLINGS = [
    (4, (4,)),
    (np.int64(4), (4,)),
    ((4,), (4,)),
    ([5, 4], (5, 4)),
    ((), ()),
    ("n", ("n",)),
    ("k n", ("k", "n")),
    ("k, n", ("k", "n")),
    ("4", (4,)),
    ("5, n", (5, "n")),
    ("", ()),
    (("k", 4), ("k", 4)),
    (np.zeros((5, 4)), (5, 4)),
    (np.float32(1), ()),
]


@pytest.mark.parametrize(("spec", "shape"), SPELLINGS, ids=lambda part: repr(part)[:20])
def test_a_shape_can_be_spelled_in_several_ways(spec, shape):
    found = read_shape(spec)
    assert found == shape
    assert [type(dim) for dim in found] == [type(dim) for dim in shape]


NO_SHAPES = [
    (0, "a dimension of size 0", "declare a size of 1 or more"),
    ((3, -1), "a dimension of size -1", "declare a size of 1 or more"),
    ("0", "a dimension of size 0", "declare a size of 1 or more"),
    (np.zeros((2, 0)), "a dimension of size 0", "declare a size of 1 or more"),
    (True, "a dimension given as True", "give a whole number such as 4 or a name"),
    ((4.0,), "a dimension given as 4.0", "give a whole number such as 4 or a name"),
    ("2n", "a dimension given as '2n'", "give a whole number such as 4 or a name"),
    ("n-1", "a dimension given as 'n-1'", "give a whole number such as 4 or a name"),
    ((None,), "a dimension given as None", "give a whole number such as 4 or a name"),
    (2.5, "a shape given as 2.5", "give an int, a tuple such as"),
    (None, "a shape given as None", "give an int, a tuple such as"),
    ({4}, "a shape given as {4}", "give an int, a tuple such as"),
]


@pytest.mark.parametrize(("spec", "message", "hint"), NO_SHAPES, ids=lambda part: repr(part)[:20])
def test_what_is_no_shape_is_refused_with_a_hint(spec, message, hint):
    with pytest.raises(DimensionError) as caught:
        read_shape(spec)
    assert str(caught.value) == message
    assert caught.value.__notes__[0].startswith(f"hint: {hint}")


def test_one_dimension_is_one_word():
    assert read_dim("n") == "n"
    with pytest.raises(DimensionError, match="a dimension given as 'k n'"):
        read_dim("k n")


@pytest.mark.parametrize(
    ("shape", "text"), [((), "scalar"), ((4,), "4"), ((5, "n"), "5 × n")], ids=str
)
def test_shapes_are_written_with_crosses(shape, text):
    assert format_shape(shape) == text


# ── names and sizes ──────────────────────────────────────────────────────────────────────


def test_names_are_looked_up_and_numbers_stand_for_themselves():
    assert sizes_of((2, "n", "n"), {"n": 5}) == (2, 5, 5)
    assert size_of("n", {"n": 0}) == 0


def test_a_name_without_a_size_is_refused_with_a_hint():
    with pytest.raises(DimensionError, match="the size of dimension 'm' is not known") as caught:
        sizes_of((2, "m"), {"n": 5})
    assert caught.value.__notes__ == ["hint: give the value of a quantity that has the dimension m"]


def test_a_name_takes_its_size_from_the_first_value():
    sizes, origins = {}, {}
    bind("W", ("k", "n", 2), (3, 0, 2), sizes, origins)
    bind("x", ("n",), (0,), sizes, origins)
    assert sizes == {"k": 3, "n": 0}
    assert origins == {"k": "W", "n": "W"}


MISFITS = [
    (("n",), (4,), "x is declared n and its value is 4: n = 4, but W has n = 3",
     "give x and W the same size along n"),
    (("m", "m"), (2, 5), "x is declared m × m and its value is 2 × 5: m = 5, but x has m = 2",
     "give x and x the same size along m"),
    ((4,), (5,), "x is declared 4, but its value is 5", "give x a value of shape 4"),
    ((4,), (4, 1), "x is declared 4, but its value is 4 × 1", "give x a value of shape 4"),
    ((), (2,), "x is declared scalar, but its value is an array of shape (2,)",
     "give x as a number, such as x[0]"),
    ((), (2, 3), "x is declared scalar, but its value is an array of shape (2, 3)",
     "give x as a number, such as x[0, 0]"),
    ((), (0,), "x is declared scalar, but its value is an array of shape (0,)",
     "give x as a number"),
    (("n", 1), (3,), "x is declared n × 1, but its value is 3", "give x a value of shape n × 1"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "actual", "message", "hint"), MISFITS, ids=str)
def test_a_value_that_does_not_fit_is_refused_with_both_sides(declared, actual, message, hint):
    sizes, origins = {}, {}
    bind("W", ("n",), (3,), sizes, origins)
    with pytest.raises(ShapeError) as caught:
        bind("x", declared, actual, sizes, origins)
    assert str(caught.value) == message
    assert caught.value.__notes__ == [f"hint: {hint}"]


# ── amounts ──────────────────────────────────────────────────────────────────────────────

AMOUNTS = [
    (0, "0 B"),
    (1023, "1023 B"),
    (1024, "1 KiB"),
    (1536, "1.5 KiB"),
    (12_345, "12.1 KiB"),
    (2**31, "2 GiB"),
    (512 * 2**30, "512 GiB"),
    (3 * 2**80, "3145728 EiB"),
    (2**20 - 1, "1 MiB"),
    (999_999, "977 KiB"),
]


@pytest.mark.parametrize(("count", "text"), AMOUNTS)
def test_amounts_of_memory_have_three_digits_and_a_binary_unit(count, text):
    assert format_bytes(count) == text
