"""Nodes: one object per meaning, shapes, builders, and chains too long for recursion."""

import contextlib
import copy
import gc
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import dense, expressions, values_for

import tensorcalc.expr
from tensorcalc import functions as f
from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Interned,
    Ones,
    Select,
    Special,
    Variable,
    add,
    contract,
    einsum,
    fresh_indices,
    full,
    hadamard,
    identity,
    is_zero,
    power,
    product,
    refuse_derivative,
    toposort,
    transpose,
    zeros,
)
from tensorcalc.special import logsumexp, softmax

A, B = Variable("A", (2, 3)), Variable("B", (2, 3))
S = Variable("S", (2, 2))
x, y, z = Variable("x", (3,)), Variable("y", (3,)), Variable("z", (2,))
c = Variable("c", ())
T = Variable("T", (2, "n", 3))

# ── one object ───────────────────────────────────────────────────────────────────────────

MADE_TWICE = {
    "variable": lambda: Variable("q", ("n", 2)),
    "definition": lambda: Definition("q", x),
    "number": lambda: Constant(7),
    "array": lambda: Constant([[1, 2], [3, 4]]),
    "delta": lambda: Delta(7),
    "ones": lambda: Ones("k"),
    "einsum": lambda: Einsum((A, x), ((0, 1), (1,)), (0,)),
    "sum": lambda: Add((x, y)),
    "elementwise": lambda: Elementwise(f.tanh, (y,)),
    "power": lambda: power(2.5)(y),
    "abstract function": lambda: f.abstract("g")(y),
    "special": lambda: Special(softmax, y),
    "slice": lambda: Select(A, 1, 2),
}


@pytest.mark.parametrize("make", MADE_TWICE.values(), ids=MADE_TWICE)
def test_equal_nodes_are_one_object(make):
    assert make() is make()


DIFFERENT = [
    (Variable("x", (3,)), Variable("x", (2,))),
    (Variable("x", ("n",)), Variable("x", ("m",))),
    (Variable("x", (3,)), Variable("y", (3,))),
    (Definition("x", y), Definition("u", y)),
    (Definition("u", x), Definition("u", y)),
    (Constant(2), Constant([2])),
    (Constant([[1, 2]]), Constant([[1], [2]])),
    (Constant([1, 2]), Constant([1, 3])),
    (Delta(3), Delta("n")),
    (Delta(3), Ones(3)),
    (Einsum((S,), ((0, 1),), (0, 1)), Einsum((S,), ((0, 1),), (1, 0))),
    (Einsum((S,), ((0, 1),), ()), Einsum((S,), ((0, 0),), ())),
    (Einsum((x, y), ((0,), (0,)), ()), Einsum((x, y), ((0,), (1,)), ())),
    (Elementwise(f.sin, (x,)), Elementwise(f.cos, (x,))),
    (power(2.0)(x), power(3.0)(x)),
    (Select(S, 0, 1), Select(S, 1, 1)),
    (Select(S, 0, 0), Select(S, 0, 1)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=repr)
def test_nodes_of_different_meaning_are_different_objects(one, other):
    assert one is not other


@pytest.mark.parametrize("one", [1, 1.0, True, np.float32(1), np.int64(1), np.array(1)], ids=repr)
def test_a_number_is_one_constant_however_it_is_written(one):
    assert Constant(one) is Constant(1.0)
    assert type(Constant(one).number) is float


def test_the_spelling_of_indices_does_not_matter():
    spelled = Einsum([A, x], [(7, 9), [9]], iter((7,)))
    assert spelled is Einsum((A, x), ((0, 1), (1,)), (0,)) is einsum("ij, j -> i", A, x)


def test_the_order_of_operands_is_kept_as_written():
    assert einsum("j,ij->i", x, A).operands == (x, A)


@settings(max_examples=50)
@given(expressions(smooth=False))
def test_rebuilding_a_node_from_its_arguments_gives_the_node(e):
    for node in toposort([e]):
        assert node.with_args(node.args) is node


def test_a_constant_neither_changes_with_its_source_nor_by_itself():
    source = np.ones(3)
    constant = Constant(source)
    source[0] = 5
    np.testing.assert_array_equal(constant.value, np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        constant.value[0] = 5


def test_a_node_that_nobody_holds_is_forgotten():
    node = f.tanh(Variable("forgotten", (3,)))
    node.memo["a cycle"] = node
    reference = weakref.ref(node)
    del node
    gc.collect()
    assert reference() is None
    assert not any("forgotten" in key for key in list(Interned.table))


# ── threads ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def two_at_once():
    """Make a function run in two threads, and let each wait where the other could be let in."""
    gate = threading.Barrier(2)

    def wait():
        with contextlib.suppress(threading.BrokenBarrierError):  # the other was kept out
            gate.wait(timeout=0.2)

    def run(make):
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in [pool.submit(make) for _ in range(2)]]

    return run, wait


def test_two_threads_that_meet_inside_the_making_of_a_node_get_one_object(two_at_once):
    run, wait = two_at_once

    @dataclass(frozen=True, eq=False, repr=False)
    class Slow(Expr):
        dim: int

        def __post_init__(self):
            wait()

    one, other = run(lambda: Slow(3))
    assert one is other


@pytest.mark.parametrize(
    ("module", "make"),
    [
        pytest.param(tensorcalc.expr, lambda: power(0.123), id="power"),
        pytest.param(f, lambda: f.abstract("met"), id="abstract"),
    ],
)
def test_two_threads_that_meet_inside_the_making_of_a_record_get_one_object(
    module, make, two_at_once, monkeypatch
):
    run, wait = two_at_once
    original = module.Function
    monkeypatch.setattr(module, "Function", lambda **fields: (wait(), original(**fields))[1])
    one, other = run(make)
    assert one is other


def test_eight_threads_make_one_object_in_many_trials():
    start = threading.Barrier(8)

    def build(trial):
        u = Variable(f"u{trial}", (2,))
        start.wait()
        return einsum("i,i->", f.tanh(u) + trial, Definition("d", Select(S, 0, 1) * u))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for trial in range(300):
                assert len(set(pool.map(build, [trial] * 8))) == 1
    finally:
        sys.setswitchinterval(interval)


# ── pickling and copying ─────────────────────────────────────────────────────────────────


@settings(max_examples=50)
@given(expressions(smooth=False))
def test_pickling_and_copying_give_the_same_object(e):
    assert pickle.loads(pickle.dumps(e)) is e
    assert copy.copy(e) is e
    assert copy.deepcopy([e])[0] is e


def test_a_pickle_outlives_the_node_that_it_was_made_from():
    data = pickle.dumps(einsum("ij,j->i", A, f.tanh(Variable("gone", (3,)) ** 2.5)))
    gc.collect()
    assert not any("gone" in key for key in list(Interned.table))
    again = pickle.loads(data)
    assert again is einsum("ij,j->i", A, f.tanh(Variable("gone", (3,)) ** 2.5))


def test_a_pickle_holds_a_shared_node_once():
    e = x
    for _ in range(200):
        e = e * f.tanh(e)
    assert len(pickle.dumps(e)) < 100_000


# ── shapes ───────────────────────────────────────────────────────────────────────────────

SHAPES = [
    (T, (2, "n", 3)),
    (Definition("u", T), (2, "n", 3)),
    (Constant([[1.0, 2.0]]), (1, 2)),
    (Delta("n"), ("n", "n")),
    (Ones("n"), ("n",)),
    (Einsum((T, x), ((5, 6, 7), (7,)), (6, 5)), ("n", 2)),
    (Add((A, B)), (2, 3)),
    (Elementwise(f.exp, (T,)), (2, "n", 3)),
    (Special(softmax, T), (2, "n", 3)),
    (Special(logsumexp, T), (2, "n")),
    (Select(T, 1, 9), (2, 3)),
]


@pytest.mark.parametrize(("node", "shape"), SHAPES, ids=lambda part: type(part).__name__)
def test_each_node_knows_its_axes(node, shape):
    assert node.shape == shape
    assert node.ndim == len(shape)


ILL_TYPED = [
    (lambda: Einsum((A, z), ((0, 1), (1,)), (0,)), "one index runs over 3 and over 2"),
    (lambda: Einsum((x, Ones("n")), ((0,), (0,)), ()), "one index runs over 3 and over n"),
    (lambda: Add((x, z)), "a sum of 3 and 2"),
    (lambda: Add((Ones("k"), Ones("n"))), "a sum of k and n"),
    (lambda: Add((A, transpose(A, (1, 0)))), "a sum of 2 × 3 and 3 × 2"),
    (lambda: Elementwise(f.tanh, (x, z)), "tanh of arguments of different shapes"),
    (lambda: Select(A, 1, 3), "entry 3 along an axis of size 3"),
    (lambda: Select(A, 0, -1), "entry -1 along an axis of size 2"),
]


@pytest.mark.parametrize(("make", "message"), ILL_TYPED, ids=[message for _, message in ILL_TYPED])
def test_parts_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ShapeError, match=f"^{message}"):
        make()


def test_a_slice_out_of_range_says_which_there_are():
    with pytest.raises(ShapeError) as caught:
        Select(A, 1, 3)
    assert caught.value.__notes__ == ["hint: choose an index from 0 to 2"]


def test_an_index_stands_once_in_an_output():
    with pytest.raises(AssertionError, match="an output index stands once"):
        Einsum((x,), ((0,),), (0, 0))


# ── operators and builders ───────────────────────────────────────────────────────────────

OPERATIONS = {
    "x + y": lambda x, y: x + y,
    "x + 2": lambda x, y: x + 2,
    "2 + x": lambda x, y: 2 + x,
    "x − y": lambda x, y: x - y,
    "x − 2": lambda x, y: x - 2,
    "2 − x": lambda x, y: 2 - x,
    "−x": lambda x, y: -x,
    "x y": lambda x, y: x * y,
    "3 x": lambda x, y: 3 * x,
    "x 3": lambda x, y: x * 3,
    "x / y": lambda x, y: x / y,
    "x / 4": lambda x, y: x / 4,
    "4 / x": lambda x, y: 4 / x,
    "x²": lambda x, y: x**2,
    "x⁻¹·⁵": lambda x, y: x**-1.5,
    "x³": lambda x, y: x**3,
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_operators_mean_what_they_mean_for_arrays(operation, shape, rng):
    a, b = rng.uniform(0.5, 2, size=(2, *shape))
    e = operation(Variable("a", shape), Variable("b", shape))
    assert e.shape == shape
    np.testing.assert_allclose(dense(e, {"a": a, "b": b}), operation(a, b), rtol=1e-14)


BUILDERS = {
    "a product": (product((A, x), ((0, 1), (1,)), (0,)), lambda v: v["A"] @ v["x"]),
    "einsum": (einsum("ij,ik->jk", A, S), lambda v: v["A"].T @ v["S"]),
    "a sum": (add(A, B, A), lambda v: 2 * v["A"] + v["B"]),
    "an entrywise product": (hadamard(c, A, B), lambda v: v["c"] * v["A"] * v["B"]),
    "one number everywhere": (full(2.5, (2, 3)), lambda v: np.full((2, 3), 2.5)),
    "ones": (full(1.0, (2, 3)), lambda v: np.ones((2, 3))),
    "zeros": (zeros((2, "n")), lambda v: np.zeros((2, 2))),
    "a number": (full(2.5, ()), lambda v: np.array(2.5)),
    "one axis joined": (contract(S, A, 1), lambda v: v["S"] @ v["A"]),
    "two axes joined": (contract(A, B, 2), lambda v: (v["A"] * v["B"]).sum()),
    "no axis joined": (contract(x, z, 0), lambda v: np.outer(v["x"], v["z"])),
    "a permutation": (transpose(T, (2, 0, 1)), lambda v: v["T"].transpose(2, 0, 1)),
    "the identity": (identity((2,)), lambda v: np.eye(2)),
    "the identity of matrices": (
        identity((2, 3)),
        lambda v: np.eye(6).reshape(2, 3, 2, 3),
    ),
    "the identity of numbers": (identity(()), lambda v: np.array(1.0)),
}


@pytest.mark.parametrize(("e", "expected"), BUILDERS.values(), ids=BUILDERS)
def test_builders_build_what_their_names_say(e, expected):
    values = values_for(A, B, S, T, x, y, z, c)
    np.testing.assert_allclose(dense(e, values), expected(values), rtol=1e-14)


NOTHING_TO_DO = {
    "a sum of one term": (lambda: add(x), x),
    "a product of one factor": (lambda: hadamard(A), A),
    "a permutation that moves nothing": (lambda: transpose(A, (0, 1)), A),
    "an einsum that does nothing": (lambda: einsum("ij->ij", A), A),
    "a product of no factors": (lambda: einsum("->"), Constant(1)),
}


@pytest.mark.parametrize(("make", "same"), NOTHING_TO_DO.values(), ids=NOTHING_TO_DO)
def test_where_there_is_nothing_to_do_builders_give_the_operand_itself(make, same):
    assert make() is same


@pytest.mark.parametrize(
    ("e", "answer"),
    [
        (zeros(()), True),
        (zeros((2, "n")), True),
        (full(1.0, (2,)), False),
        (0 * x, True),
        (2 * x, False),
        (Constant([0, 0]), False),
        (x, False),
    ],
    ids=["0", "zeros", "ones", "0 x", "2 x", "array", "x"],
)
def test_a_zero_can_be_told(e, answer):
    assert is_zero(e) is answer


def test_fresh_indices_are_not_in_use():
    numbers = fresh_indices((3, 1), [7])
    assert [next(numbers), next(numbers)] == [8, 9]
    assert next(fresh_indices(())) == 0


def test_a_refused_derivative_says_how_to_declare_it():
    with pytest.raises(NotSupportedError, match="the derivative of g is not known") as caught:
        refuse_derivative("g")(x, x)
    assert caught.value.__notes__ == ["hint: declare it: tc.function('g', value=…, derivative=…)"]


# ── traversal and printing ───────────────────────────────────────────────────────────────


@settings(max_examples=50)
@given(expressions())
def test_a_traversal_gives_every_node_once_and_arguments_first(e):
    order = toposort([e, *e.args, e])
    place = {node: k for k, node in enumerate(order)}
    assert len(place) == len(order)
    assert toposort([e]) == order
    assert order[-1] is e
    assert all(place[arg] < k for k, node in enumerate(order) for arg in node.args)


def test_a_traversal_looks_no_further_than_its_leaves():
    v = Definition("v", f.tanh(x))
    e = v + y
    assert toposort([e], lambda node: node is v) == [v, y, e]


def test_a_traversal_can_be_told_what_stands_below_a_node():
    assert toposort([x], below=lambda node: [y] if node is x else []) == [y, x]


def test_printing_a_deeply_shared_node_is_short():
    e = A
    for _ in range(40):
        e = e * e
    assert repr(e) == "<Einsum 2 × 3>"


# ── long chains ──────────────────────────────────────────────────────────────────────────

LINKS = {
    "functions": f.tanh,
    "products": lambda e: Einsum((e, y), ((0,), (0,)), (0,)),
    "sums": lambda e: Add((e, y)),
    "names": lambda e: Definition("link", e),
    "softmax": lambda e: Special(softmax, e),
    "slices": lambda e: Select(einsum("i,j->ij", e, y), 1, 0),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_chain_of_ten_thousand_nodes_is_built_walked_pickled_and_freed(link):
    e = Variable("first", (3,))
    for _ in range(10_000):
        e = link(e)
    order = toposort([e])
    assert len(order) > 10_000
    assert e.shape == (3,)
    assert pickle.loads(pickle.dumps(e)) is e
    reference = weakref.ref(order[5000])
    del e, order
    gc.collect()
    assert reference() is None
