"""Arrays without entries do what arrays do, and a run with them is the run with arrays."""

import re
from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from random_programs import VARIABLES, Writer, draw_values
from test_structured import TABLE, derivative_of
from test_textbook import CASES, HESSIANS, SHAPES, point

import tensorcalc as tc
from tensorcalc.codegen.costs import recorded_expense
from tensorcalc.codegen.record import CannotRecord, Node
from tensorcalc.codegen.recording import recorded, recorded_by_shapes
from tensorcalc.codegen.shaped import ShapedArray, ShapedLibrary

ARRAYS = (np.ndarray, ShapedArray)

# ── whole runs ───────────────────────────────────────────────────────────────────────────


def told(record):
    """All that is on record but the values of numbers and constants."""
    number = {node: k for k, node in enumerate((*record.arguments, *record.nodes))}

    def word(value):
        if isinstance(value, Node):
            return number.get(value, "constant")
        return value.shape if isinstance(value, (*ARRAYS, np.generic)) else str(value)

    def shapes(values):
        return [getattr(v, "shape", None) or word(v) for v in values]

    return [
        (
            node.kind, getattr(node.function, "__name__", node.function), shapes(node.inputs),
            [(key, *shapes([value])) for key, value in node.options.items()],
            node.shape, node.dtype, node.is_array, node.contiguous, node.writeable, node.name,
            word(node.storage), list(map(word, node.nodes)),
        )
        for node in record.nodes
    ]  # fmt: skip


def outcome(run):
    """The record and what it costs; or why there is none."""
    try:
        record = run()
    except CannotRecord as error:
        return str(error)
    return told(record), recorded_expense(record)


def same(f, values, precision=float):
    """Whether a run can be recorded; with these arrays and with their shapes it is the same run."""
    made = f._generated
    given = made.source, made.name, dict(made.constants)
    arrays = [np.asarray(values[name], precision) for name in f.arguments]
    running = outcome(lambda: recorded(*given, arrays))
    assert (
        outcome(lambda: recorded_by_shapes(*given, list(map(ShapedArray.like, arrays)))) == running
    )
    return not isinstance(running, str)


def textbook(case):
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    by = [p[wrt]] * (1 + (case in HESSIANS))
    return tc.compile([p.result, tc.derivative(p.result, *by, layout="mixed")])


@pytest.mark.parametrize("case", [*CASES, *HESSIANS])
def test_a_textbook_derivative(case):
    f, at = textbook(case), point()
    whole = same(f, at)
    assert whole or re.search(r"\b(adj|minors)", f.source)
    assert same(f, at, np.float32) == whole
    assert same(f, {name: np.asfortranarray(value) for name, value in at.items()}) == whole
    for name in f.arguments[1:]:
        assert same(f.bind({name: at[name]}), at) >= whole


@pytest.mark.parametrize("structured", [False, True], ids=["dense", "structured"])
@pytest.mark.parametrize("case", TABLE)
def test_a_derivative_at_sizes_that_are_special(case, structured):
    f = derivative_of(case).compile(structured=structured)
    for n, m, k in product((0, 1, 4), (0, 1, 3), (0, 1, 2)):
        sizes = {"n": n, "m": m, "k": k}
        values = {
            name: np.ones([sizes.get(dim, dim) for dim in f._variables[name].shape])
            for name in f.arguments
        }
        if "inv" in f.source:
            values = {name: a + np.eye(*a.shape) for name, a in values.items()}
        assert same(f, values) or (n == 0 and "softmax" in f.source)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_random_programs(start):
    refused = 0
    for seed in range(start, start + 50):
        text = Writer(seed).program()
        p = tc.program(text, VARIABLES)
        items = [p.result, *(p.derivative(p.result, name) for name in VARIABLES if name in text)]
        f = tc.compile(items)
        refused += not same(f, draw_values(seed))
    assert refused <= 5


# ── single operations ────────────────────────────────────────────────────────────────────


def alike(shaped, array):
    """Whether an array without entries tells the same as this array."""
    if isinstance(array, np.generic):
        return type(shaped) is type(array)
    if shaped.shape != array.shape or shaped.dtype != array.dtype:
        return False
    return not array.size or (
        shaped.strides == ShapedArray.like(array).strides
        and shaped.flags.c_contiguous == array.flags.c_contiguous
        and shaped.flags.writeable == array.flags.writeable
    )


def places(ndim):
    ends = st.none() | st.integers(-3, 3)
    parts = st.one_of(
        st.builds(slice, ends, ends, st.sampled_from((None, 1, 2, -1, -2))),
        st.just(slice(None)), st.sampled_from((0, -1)), st.none(),
    )  # fmt: skip
    return st.tuples(*[parts] * ndim, st.just(Ellipsis))


def regrouped(draw, shape):
    """The same entries with axes joined, split, or of one."""
    size = int(np.prod(shape))
    sizes = [n for n in (2, 3, 4, 6) if size and size % n == 0]
    first = draw(st.sampled_from([1, size, *sizes]))
    return draw(st.permutations([first, size // first if first else 0, 1]))


@st.composite
def views(draw):
    """An array made by looking at another in other ways, with and without entries."""
    array = np.ones(draw(st.lists(st.sampled_from((0, 1, 2, 3, 4)), max_size=3)))
    shaped = ShapedArray(array.shape)
    library = ShapedLibrary()
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(("place", "order", "shape", "spread", "diagonal", "new")))
        if kind == "place":
            place = draw(places(array.ndim))
            try:
                array, shaped = array[place], shaped[place]
            except IndexError:
                continue
        elif kind == "order":
            order = draw(st.permutations(range(array.ndim)))
            array, shaped = array.transpose(order), shaped.transpose(order)
        elif kind == "shape":
            shape = regrouped(draw, array.shape)
            array, shaped = array.reshape(shape), shaped.reshape(shape)
        elif kind == "spread":
            shape = (draw(st.sampled_from((1, 2))), *array.shape)
            array, shaped = np.broadcast_to(array, shape), library.broadcast_to(shaped, shape)
        elif kind == "diagonal" and array.ndim == 2 and array.shape[0] == array.shape[1]:
            array, shaped = np.einsum("ii->i", array), np.einsum("ii->i", shaped)
        elif kind == "new" and array.ndim:
            array, shaped = np.tanh(array), np.tanh(shaped)
    return array, shaped


@given(views())
@settings(max_examples=500)
def test_a_view_of_a_view_lies_as_numpy_lays_it(pair):
    array, shaped = pair
    assert alike(shaped, array)


OPERATIONS = {
    "product of entries": lambda np, a, b: a * b,
    "float32": lambda np, a, b: a.astype("float32") + 1,
    "comparison": lambda np, a, b: np.where(a > b, a, 0),
    "sum of columns": lambda np, a, b: np.add.reduce(a, axis=0, keepdims=True),
    "sum": lambda np, a, b: a.sum(),
    "largest of a row": lambda np, a, b: a.max(axis=-1),
    "matrices": lambda np, a, b: a @ b.T,
    "tensordot": lambda np, a, b: np.tensordot(a, b, ([0], [0])),
    "einsum": lambda np, a, b: np.einsum("ij,kj->kij", a, b),
    "diagonal": lambda np, a, b: np.diagonal(a @ b.T),
    "box": lambda np, a, b: np.diag(a.sum(axis=0)),
    "inverse": lambda np, a, b: np.linalg.inv(a @ b.T + 9 * np.eye(3)),
    "norm": lambda np, a, b: np.linalg.slogdet(a @ b.T + 9 * np.eye(3))[1],
    "with an array of entries": lambda np, a, b: np.multiply([1.0, 2.0], a),
    "into another": lambda np, a, b: np.divide(1, a, out=np.zeros((3, 2)), where=b != 0),
    "copy of a part": lambda np, a, b: a[::-1].copy(),
    "spread number": lambda np, a, b: np.broadcast_to(2.0, (3, 2)).copy() * a,
    "sizes": lambda np, a, b: np.indices((2, 3))[1] + np.arange(3),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_what_numpy_gives(name):
    operation = OPERATIONS[name]
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 2)), rng.normal(size=(2, 3)).T
    for one, other in product((a, b), repeat=2):
        found = operation(ShapedLibrary(), ShapedArray.like(one), ShapedArray.like(other))
        assert alike(found, operation(np, one, other))


def run_of(body, namespace, *shapes):
    source = f"import numpy as np\ndef f({', '.join('xyz'[: len(shapes)])}):\n{body}\n"
    return recorded_by_shapes(source, "f", namespace, list(map(ShapedArray, shapes)))


LARGE = {
    "an identity": ("    return np.tanh(np.eye(10**6))", (10**6, 10**6)),
    "ones": ("    return np.ones(10**6)[:, None] * np.ones(10**7)", (10**6, 10**7)),
    "a number spread": ("    return np.broadcast_to(2.0, (10**6, 10**6)).copy()", (10**6, 10**6)),
    "constants": ("    return C.T @ C", (10**6, 10**6)),
    "places": ("    return np.indices((10**6, 10**6))", (2, 10**6, 10**6)),
}


@pytest.mark.parametrize(("body", "shape"), LARGE.values(), ids=LARGE)
def test_what_no_argument_is_in_is_not_computed_either(body, shape):
    constant = np.broadcast_to(1.0, (10**5, 10**6))
    (result,) = run_of(body, {"C": constant}).results
    assert result.shape == shape


REFUSED = {
    "    if x[0] > 0:\n        return x\n    return -x": "a branch on an entry",
    "    return x if np.ones(9) else -x": "a branch on an entry",
    "    return x[np.where(x > 0)]": "an entry chosen by a value",
    "    return np.kron(x, x)": "axes are of no operand's size",
    "    y = np.zeros(3)\n    y[0] = x[0]\n    return y": "an assignment to a part",
    "    return x.reshape(2, 2)": r"\(3,\) as \(2, 2\)",
    "    return x + np.ones(4)": "broadcast",
}


@pytest.mark.parametrize(("body", "message"), REFUSED.items())
def test_what_shapes_do_not_decide_is_refused(body, message):
    with pytest.raises(CannotRecord, match=message):
        run_of(body, {}, (3,))
