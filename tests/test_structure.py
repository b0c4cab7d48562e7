"""The word for a structure, read off the deltas and factors of an expression."""

import pytest

from tensorcalc.expr import Add, Delta, Variable, einsum, full, identity, zeros
from tensorcalc.structure import structure, tied_dims

A, B, C = Variable("A", (2, 3)), Variable("B", (3, 3)), Variable("C", (3, 3))
x, y, z, c = Variable("x", (3,)), Variable("y", (3,)), Variable("z", (2,)), Variable("c", ())
I2, I3 = Delta(2), Delta(3)

#                             expression, its axes that are the value's, the word
WORDS = {
    "zero": (zeros((2, 3)), 1, "zero"),
    "the identity of vectors": (I3, 1, "identity"),
    "the identity of matrices": (identity((2, 3)), 2, "identity"),
    "the same deltas that tie the value's own axes": (identity((3,)), 2, "dense"),
    "deltas that tie an axis to the wrong one": (einsum("il,jk->ijkl", I3, I3), 2, "diagonal"),
    "a delta times a vector": (einsum("ij,i->ij", I3, x), 1, "diagonal"),
    "a delta of which the second axis stands first": (einsum("ij,i->ji", I3, x), 1, "diagonal"),
    "a sum with a delta in every term": (I3 + einsum("ij,i->ij", I3, x), 1, "diagonal"),
    "a sum with a delta in one term": (I3 + B, 1, "dense"),
    "a delta that ties one axis": (einsum("kj,i->kji", I2, x), 1, "block diagonal"),
    "a sum of blocks": (
        einsum("ik,jl->ijkl", I2, B) + einsum("ik,jl->ijkl", I2, C), 2, "block diagonal",
    ),
    "a delta that ties two axes of the value": (einsum("ij,i->ij", I3, x), 2, "dense"),
    "a delta that ties two axes of the argument": (
        einsum("k,ij->kij", z, I3), 1, "outer product",
    ),
    "a delta that is summed over": (einsum("ij,j,k->ik", I3, x, y), 1, "outer product"),
    "two vectors": (einsum("i,j->ij", z, x), 1, "outer product"),
    "two vectors and a number": (einsum(",i,j->ij", c, z, x), 1, "outer product"),
    "two vectors and an inner product": (einsum("i,j,k,k->ij", z, x, x, y), 1, "outer product"),
    "a vector and an inner product": (einsum("i,k,k->i", z, x, y), 1, "dense"),
    "a vector repeated": (einsum("i,j->ij", z, full(1.0, (3,))), 1, "outer product"),
    "two vectors that a matrix joins": (einsum("i,j,ij->ij", z, x, A), 1, "dense"),
    "a matrix between two vectors": (einsum("i,ij,j->ij", z, A, x), 1, "dense"),
    "a sum of outer products": (einsum("i,j->ij", x, y) + einsum("i,j->ij", y, x), 1, "dense"),
    "a product of matrices": (einsum("ij,jk->ik", A, B), 1, "dense"),
    "a vector": (einsum("i,i->i", x, y), 1, "dense"),
    "a variable": (A, 1, "dense"),
}  # fmt: skip


@pytest.mark.parametrize(("e", "value_ndim", "word"), WORDS.values(), ids=WORDS)
def test_a_structure_is_read_off(e, value_ndim, word):
    assert structure(e, value_ndim) == word


TIED = {
    "a delta": (I3, [3]),
    "two deltas": (identity((2, 3)), [2, 3]),
    "a delta in every term": (Add((I3, 2 * I3)), [3]),
    "a delta in one term": (I3 + B, []),
    "a delta that is summed over": (einsum("ij,j->i", I3, x), []),
    "none": (A, []),
}


@pytest.mark.parametrize(("e", "dims"), TIED.values(), ids=TIED)
def test_the_dims_of_the_deltas_that_every_term_has(e, dims):
    assert sorted(tied_dims(e)) == dims
