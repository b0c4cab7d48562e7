"""Functions specialised for shapes that came before: the same results, in memory of one's own."""

import re
import threading

import numpy as np
import pytest
from random_programs import VARIABLES, Writer, draw_values
from test_textbook import CASES, HESSIANS, SHAPES, point

import tensorcalc as tc

CALLS = 4  # enough for a function to be specialised
NETWORK = """
Z = W @ X + b
A = sigmoid(Z)
P = softmax(V @ A, axis=0)
C = -sum(Y * log(P))
"""
SIZES = {"W": ("h", "n"), "b": "h", "V": ("k", "h"), "X": ("n", "m"), "Y": ("k", "m")}
each_reuse = pytest.mark.parametrize("reuse", [False, True], ids=["fresh", "buffers"])


def network(**options):
    p = tc.program(NETWORK, SIZES)
    return tc.compile([p["C"], *(tc.gradient(p["C"], p[n]) for n in "WbV")], **options)


def draw(seed=0, n=4, h=3, k=2, m=5, dtype=float):
    rng = np.random.default_rng(seed)
    sizes = {"n": n, "h": h, "k": k, "m": m}
    return {
        name: np.asarray(rng.normal(size=[sizes[dim] for dim in shape]), dtype)
        for name, shape in SIZES.items()
    }


def specialised(f):
    return list(f._entry.sources.values())


def called(f, at, times=CALLS):
    for _ in range(times):
        result = f(**{name: at[name] for name in f.arguments})
    return result


@each_reuse
@pytest.mark.parametrize("case", CASES)
def test_the_gradient_by_hand_at_new_values_after_many_calls(case, reuse):
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    scalar = p.result.expr.ndim == 0
    d = p.derivative(p.result, wrt)
    d = d.gradient if scalar else d.to("mixed")
    f = d.compile(reuse_buffers=reuse)
    for seed in (0, 1, 2):
        at = point(seed)
        found = called(f, at, CALLS if seed == 0 else 1)
        np.testing.assert_allclose(found, CASES[case](**at), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", HESSIANS)
def test_the_hessian_by_hand_at_new_values_after_many_calls(case):
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    f = tc.derivative(p.result, p[wrt], p[wrt], layout="mixed").compile()
    for seed in (0, 1):
        at = point(seed)
        found = called(f, at, CALLS if seed == 0 else 1)
        np.testing.assert_allclose(found, HESSIANS[case](**at), rtol=1e-9, atol=1e-12)


def derived(case):
    """The derivative of a case, or its Hessian."""
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    if case in HESSIANS:
        return tc.derivative(p.result, p[wrt], p[wrt], layout="mixed")
    return p.derivative(p.result, wrt).to("mixed")


@pytest.mark.parametrize("case", [*CASES, *HESSIANS])
def test_single_precision_is_specialised_where_double_is(case):
    f, at = derived(case).compile(), point()
    if not f.arguments:
        return
    double = called(f, at)
    as_double = len(f._entry.sources)
    single = called(f, {name: np.asarray(value, np.float32) for name, value in at.items()})
    assert single.dtype == np.float32
    scale = max(1.0, np.abs(double).max())
    np.testing.assert_allclose(single, double, rtol=2e-4, atol=2e-4 * scale)
    assert len(f._entry.sources) == 2 * as_double


@pytest.mark.parametrize("n", [3, 10_000])
def test_arrays_made_of_sizes_alone_have_the_precision_of_the_values(n):
    p = tc.parse("t = sum(w) * ones(3, 4)", w="n")
    f = tc.derivative(p["t"], p["w"]).compile()
    for dtype in (np.float32, np.float64):
        result = called(f, {"w": np.ones(n, dtype)})
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, np.ones((3, 4, n)))
    assert len(f._entry.sources) == 2


@each_reuse
@pytest.mark.parametrize("start", range(0, 200, 50))
def test_random_programs_at_new_values_after_many_calls(start, reuse):
    wrong, working = [], 0
    for seed in range(start, start + 50):
        text = Writer(seed).program()
        p = tc.program(text, VARIABLES)
        present = [name for name in VARIABLES if p.result.expr.ndim == 0 and name in text]
        items = [p.result, *(tc.gradient(p.result, p[name]) for name in present)]
        f = tc.compile(items, reuse_buffers=reuse)
        with np.errstate(all="ignore"):
            called(f, draw_values(seed))
            at = draw_values(seed + 1)
            values = {name: at[name] for name in f.arguments}
            working += not f.arguments or bool(specialised(f))
            found, plain = f(**values), f._run(*values.values())
        for one, other in zip(found, plain, strict=True):
            if not np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True):
                wrong.append(text)
    assert wrong == []
    assert working >= 40


def test_many_calls_make_source_that_works_in_place():
    f = network()
    called(f, draw(), CALLS - 2)
    assert specialised(f) == []
    called(f, draw())
    (source,) = specialised(f)
    assert "negative(Z, t1)" in source or "multiply(" in source
    assert source.count("(") < f.source.count("(") * 3
    assert "sigmoid" not in source  # its operations stand there instead


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_reuse
def test_precision_is_kept(dtype, reuse):
    f = network(reuse_buffers=reuse)
    allowed = 1e-4 if dtype == np.float32 else 1e-12
    called(f, draw(dtype=dtype))
    found, plain = called(f, draw(1, dtype=dtype), 1), f._run(*(draw(1)[n] for n in f.arguments))
    assert {array.dtype for array in found} == {np.dtype(dtype)}
    assert all(isinstance(array, np.ndarray) for array in found)
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=allowed, atol=allowed)


def test_each_shape_has_a_function_of_its_own():
    f = network()
    for sizes in ({}, {"m": 7}, {"h": 6, "k": 3}, {"m": 0}, {"m": 1}):
        at = draw(3, **sizes)
        found = called(f, at)
        for one, other in zip(found, f._run(*(at[n] for n in f.arguments)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    assert len(specialised(f)) == 5


def outcome(f, *values):
    try:
        (result,) = f(*values)
    except tc.TensorCalcError as error:
        return type(error), str(error)
    return result.dtype, result.tolist()


OTHER_KINDS = {
    "another size": lambda A, x: (np.ones((5, 4)), np.ones(5)),
    "sizes that do not fit": lambda A, x: (A, np.ones(4)),
    "another rank": lambda A, x: (A, A),
    "single precision": lambda A, x: (A.astype(np.float32), x.astype(np.float32)),
    "mixed precision": lambda A, x: (A, x.astype(np.float32)),
    "integers": lambda A, x: (A.astype(int), x.astype(int)),
    "complex numbers": lambda A, x: (A + 1j, x),
    "lists": lambda A, x: (A.tolist(), x.tolist()),
    "a matrix": lambda A, x: (np.matrix(A), x),
    "a mask": lambda A, x: (np.ma.masked_array(A, A > 0), x),
    "an object": lambda A, x: (A, object()),
    "big-endian numbers": lambda A, x: (A.astype(">f8"), x),
    "a dict": lambda A, x: ({"A": A, "x": x},),
    "too few": lambda A, x: (A,),
    "too many": lambda A, x: (A, x, x),
}


@each_reuse
@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.filterwarnings("ignore:.*matrix:PendingDeprecationWarning")
def test_values_of_another_kind_are_told_apart_after_many_calls(kind, reuse):
    p = tc.parse("v = A.T @ x", A=("n", "m"), x="n")
    A, x = np.arange(12.0).reshape(4, 3), np.arange(4.0)
    f, new = (tc.compile([p["v"]], reuse_buffers=reuse) for _ in range(2))
    called(f, {"A": A, "x": x})
    assert specialised(f)
    other = OTHER_KINDS[kind](A, x)
    for _ in range(CALLS):
        assert outcome(f, *other) == outcome(new, *other)
    np.testing.assert_array_equal(f(A, x)[0], A.T @ x)


def test_a_product_with_a_transpose_is_read_as_it_lies():
    p = tc.parse("v = A.T @ x", A=("n", "m"), x="n")
    f, A, x = tc.compile([p["v"]]), np.arange(12.0).reshape(4, 3), np.arange(4.0)
    called(f, {"A": A, "x": x})
    (source,) = specialised(f)
    assert "dot(x, A)" in source
    assert ".T" not in source
    for values in ((A, x), (np.asfortranarray(A), x), (np.ones((8, 3))[::2], np.ones(8)[::2])):
        np.testing.assert_array_equal(f(*values)[0], values[0].T @ values[1])


TRANSPOSES = {
    "A + A.T": lambda A: A + A.T,
    "A.T - A": lambda A: A.T - A,
    "A - A.T": lambda A: A - A.T,
    "A.T * A": lambda A: A.T * A,
    "exp(A) + exp(A).T": lambda A: np.exp(A) + np.exp(A).T,
    "exp(A).T - A": lambda A: np.exp(A).T - A,
    "(A * A.T) @ A + A": lambda A: (A * A.T) @ A + A,
}


@each_reuse
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("text", TRANSPOSES)
def test_a_transpose_beside_a_matrix_is_copied_to_the_result(text, order, reuse):
    f = tc.compile([tc.parse(f"B = {text}", A=("n", "n"))["B"]], reuse_buffers=reuse)
    A, B = (np.asarray(np.random.default_rng(k).normal(size=(5, 5)), order=order) for k in (0, 1))
    called(f, {"A": A})
    (source,) = specialised(f)
    assert "copyto(" in source if reuse else ".copy()" in source
    for values in (B, A, B.T):
        kept = values.copy()
        np.testing.assert_array_equal(f(values)[0], TRANSPOSES[text](values))
        np.testing.assert_array_equal(values, kept)


@each_reuse
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(2, 3, 4), (1, 1, 1), (0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_the_product_of_many_matrices_with_a_vector_is_one_of_all_rows(sizes, dtype, reuse):
    b, n, m = sizes
    p = tc.program("einsum('bnm,m->bn', T, v)", T=("b", "n", "m"), v="m")
    f = tc.compile([p.result], reuse_buffers=reuse)
    rng = np.random.default_rng(0)
    T, v = (np.asarray(rng.normal(size=s), dtype) for s in ((b, n, m), m))
    called(f, {"T": T, "v": v})
    (source,) = specialised(f)
    assert "reshape" in source
    for values in (T, np.asfortranarray(T), T[:, ::-1], T[:, :, ::-1]):
        (found,) = f(values, v)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, values @ v, rtol=1e-5 if dtype == np.float32 else 1e-14)


@each_reuse
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_product_of_two_vectors_is_an_array_of_ones_own(n, dtype, reuse):
    p = tc.parse("s = u.T @ v", u="n", v="n")
    f = tc.compile([p["s"], p["s"], tc.gradient(p["s"], p["u"])], reuse_buffers=reuse)
    u, v = np.arange(n, dtype=dtype), np.ones(n, dtype)
    for _ in range(CALLS):
        one, other, slope = f(u, v)
        assert isinstance(one, np.ndarray)
        assert one.dtype == dtype
        assert one == u @ v
        one[...] = -1
        assert other == u @ v
        np.testing.assert_array_equal(slope, v)


SIGNS_OF_ZERO = {
    "arctan(1 / outer(x, y))": lambda x, y: np.arctan(1 / np.outer(x, y)),
    "outer(x, y)**-1": lambda x, y: 1 / np.outer(x, y),
    "1 / (2*outer(x, y)).T": lambda x, y: 1 / (2 * np.outer(x, y)).T,
    "y / diagonal(outer(x, y))": lambda x, y: y / np.diagonal(np.outer(x, y)),
    "1 / (outer(x, y) + outer(y, x))": lambda x, y: 1 / (np.outer(x, y) + np.outer(y, x)),
}


@each_reuse
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", SIGNS_OF_ZERO)
def test_the_sign_of_zero_is_the_same_after_many_calls(text, dtype, reuse):
    p = tc.program(text, {"x": "n", "y": "n"})
    f = tc.compile([p.result], reuse_buffers=reuse)
    ones = np.ones(2, dtype)
    called(f, {"x": ones, "y": ones})
    assert specialised(f)
    x, y = np.asarray([-1, 2], dtype), np.asarray([0, -0.0], dtype)
    with np.errstate(all="ignore"):
        expected = SIGNS_OF_ZERO[text](x, y)
        np.testing.assert_allclose(f(x, y)[0], expected, rtol=1e-6)


def test_an_outer_product_that_is_only_added_or_returned_is_one_of_blas():
    p = tc.program("outer(x, y) + A", {"x": "n", "y": "n", "A": ("n", "n")})
    f = tc.compile([p.result])
    called(f, {"x": np.ones(2), "y": np.ones(2), "A": np.ones((2, 2))})
    (source,) = specialised(f)
    assert "dot(" in source


def test_a_large_transpose_is_not_copied():
    f = tc.compile([tc.parse("B = A + A.T", A=("n", "n"))["B"]])
    A = np.arange(400.0 * 400).reshape(400, 400)
    called(f, {"A": A})
    (source,) = specialised(f)
    assert ".copy()" not in source
    np.testing.assert_array_equal(f(A)[0], A + A.T)


def test_results_are_ones_own():
    f, at = network(), draw()
    expected = [array.copy() for array in called(f, at)]
    for array in f(**at):
        array[...] = np.nan
    for one, other in zip(f(**at), expected, strict=True):
        np.testing.assert_array_equal(one, other)


ALIASES = {
    "x": lambda x: x,
    "x.T": lambda x: x,
    "X.T": lambda X: X.T,
    "diagonal(X)": np.diagonal,
    "X[0, :]": lambda X: X[0],
    "x @ ones(n).T": lambda x: np.outer(x, np.ones(3)),
}


@each_reuse
@pytest.mark.parametrize("text", ALIASES)
def test_a_result_that_is_an_argument_is_a_copy(text, reuse):
    name = "X" if "X" in text else "x"
    at = {name: np.arange(9.0).reshape(3, 3) if name == "X" else np.arange(3.0)}
    p = tc.program(text, {name: ("n", "n") if name == "X" else "n"})
    f = tc.compile([p.result, p.result], reuse_buffers=reuse)
    for _ in range(CALLS):
        one, other = f(**at)
        one[...] = -1  # neither the argument nor the other result may change
        np.testing.assert_array_equal(np.squeeze(other), ALIASES[text](at[name]))
    assert at[name].min() == 0


@pytest.mark.parametrize("text", ["vec(X)", "vec(X.T)"])
@pytest.mark.parametrize("orders", ["CF", "FC"])
def test_a_result_is_ones_own_however_the_values_of_each_call_lie_in_memory(text, orders):
    t = tc.program(text, X=("n", "n")).result
    f, X = tc.compile([t, t]), np.arange(9.0).reshape(3, 3)
    expected = X.ravel(order="C" if ".T" in text else "F")
    for call in range(8):
        at = np.array(X, order=orders[call > 0 if call < 4 else call % 2])
        found = f(X=at)
        np.testing.assert_array_equal(found[0], expected)
        assert not np.shares_memory(*found)
        assert not any(np.shares_memory(array, at) for array in found)


def test_buffers_hold_the_results_of_the_last_call():
    f = network(reuse_buffers=True)
    kept = called(f, draw())
    before = [array.copy() for array in kept[1:]]
    again = f(**draw(1))
    for old, new, was in zip(kept[1:], again[1:], before, strict=True):
        assert np.shares_memory(old, new)
        assert not np.array_equal(old, was)


def test_buffers_and_what_is_seen_of_them_are_made_once():
    f = network(reuse_buffers=True)
    found = called(f, draw())
    assert [result.ctypes.data % 64 for result in found[1:]] == [0] * 3  # one cache line
    g = network()
    called(g, draw())
    views = [len(re.findall(r"= \w+(\.T|\[)", *specialised(h))) for h in (f, g)]
    assert views[0] < views[1]
    at = draw(1)
    for one, other in zip(called(f, at, 1), g(**at), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_thread_has_no_buffers_of_one_that_has_ended():
    f = tc.program("2 * exp(y)", y="n").result.compile(reuse_buffers=True)
    kept = []

    def work(value):
        kept.append(called(f, {"y": np.full(3, value)}))

    for value in (0.0, 1.0):  # the system may give the second the number of the first
        thread = threading.Thread(target=work, args=(value,))
        thread.start()
        thread.join()
    np.testing.assert_allclose(kept, 2 * np.exp([[0.0] * 3, [1.0] * 3]))


@pytest.mark.parametrize("part", [lambda x: x, lambda x: x[:], lambda x: x[::-1][::-1]])
def test_a_result_in_a_buffer_may_be_given_back(part):
    p = tc.program("E = norm(A @ x)**2 / 2 + norm(x)**4 / 4", A="m n", x="n")
    slope = tc.gradient(p["E"], p["x"])
    f, g = slope.compile(reuse_buffers=True), slope.compile()
    rng = np.random.default_rng(0)
    A, x = 0.3 * rng.normal(size=(6, 3)), 0.3 * rng.normal(size=3)
    y = x
    for _ in range(2 * CALLS):
        x, y = f(A=A, x=part(x)), g(A=A, x=y)
        np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("name", ["exp", "multiply", "add", "here", "buffer", "apart", "array"])
@each_reuse
def test_a_function_may_have_the_name_of_what_it_calls(name, reuse):
    p = tc.program("exp(x) * y + 1", x="n", y="n")
    f = tc.compile([p.result], name, reuse_buffers=reuse)
    x, y = np.arange(4.0), np.ones(4)
    for _ in range(CALLS):
        np.testing.assert_allclose(f(x, y)[0], np.exp(x) + 1)
    assert specialised(f)


def test_what_is_all_nan_specialises_nothing():
    f = network()
    at = draw()
    called(f, {**at, "W": at["W"] * np.nan})
    assert not specialised(f)


def test_each_thread_has_buffers_of_its_own():
    f, at = network(reuse_buffers=True), [draw(seed) for seed in range(4)]
    plain = network()
    called(f, draw())
    wrong = []

    def work(seed):
        expected = [array.copy() for array in plain(**at[seed])]
        for _ in range(200):
            found = f(**at[seed])
            if not all(np.allclose(a, b) for a, b in zip(found, expected, strict=True)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


LAID_OUT = {
    "Fortran order": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "big-endian": lambda a: a.astype(">f8"),
    "a list": lambda a: a.tolist(),
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


@pytest.mark.parametrize("laid_out", LAID_OUT.values(), ids=LAID_OUT)
def test_arrays_of_any_layout_in_memory(laid_out):
    f, at = network(), draw()
    expected = [array.copy() for array in called(f, at)]
    found = f(**{name: laid_out(array) for name, array in at.items()})
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)


LAYOUT_MATTERS = {
    "a copy by one layout is a view by the other": "exp(vec(A))",
    "a result laid out as the values are gives its memory to a product": "exp(A) @ B @ A + exp(B)",
}


@each_reuse
@pytest.mark.parametrize("formula", LAYOUT_MATTERS.values(), ids=LAYOUT_MATTERS)
@pytest.mark.parametrize(("first", "then"), ["CF", "FC"])
def test_values_laid_out_otherwise_than_those_of_earlier_calls(formula, first, then, reuse):
    f = tc.program(formula, A=(3, 3), B=(3, 3)).result.compile(reuse_buffers=reuse)
    rng = np.random.default_rng(0)
    at = {name: rng.normal(size=(3, 3)) for name in f.arguments}
    expected = called(f, {name: np.array(a, order=first) for name, a in at.items()}).copy()
    given = {name: np.array(a, order=then) for name, a in at.items()}
    np.testing.assert_allclose(f(**given), expected, rtol=1e-13)
    for name, array in at.items():
        np.testing.assert_array_equal(given[name], array)


def test_a_column_given_as_an_array_of_two_axes_in_many_calls():
    f, at = network(), draw()
    expected = [array.copy() for array in called(f, at)]
    column = {**at, "b": at["b"][:, None]}
    found = called(f, column)
    assert found[2].shape == column["b"].shape
    np.testing.assert_allclose(found[2][:, 0], expected[2], rtol=1e-13)
    np.testing.assert_allclose(f(**at)[1], expected[1], rtol=1e-13)


def test_one_value_of_another_precision_makes_all_double():
    f, at = network(), draw(dtype=np.float32)
    called(f, at)
    found = called(f, {**at, "Y": at["Y"].astype(float)})
    assert {array.dtype for array in found} == {np.dtype(float)}


def test_what_does_not_fit_is_refused_after_many_calls():
    f, at = network(), draw()
    called(f, at)
    with pytest.raises(tc.ShapeError, match="W"):
        f(**{**at, "W": at["W"].T})
    with pytest.raises(tc.ShapeError, match="b"):
        f(**{**at, "b": at["b"][:2]})
    with pytest.raises(tc.MissingValueError, match="V"):
        f(**{name: array for name, array in at.items() if name != "V"})
    with pytest.raises(tc.TensorCalcError, match="complex"):
        f(**{**at, "W": at["W"] + 1j})


def test_a_matrix_declared_symmetric_is_looked_at_in_every_call():
    S, x = tc.matrix("S", 3, 3, symmetric=True), tc.vector("x", 3)
    f = tc.compile([x.T @ S @ x])
    at = {"S": np.eye(3), "x": np.ones(3)}
    called(f, at)
    with pytest.raises(tc.TensorCalcError, match="symmetric"):
        f(S=np.triu(np.ones((3, 3))), x=at["x"])


def test_a_singular_matrix_is_told_after_many_calls():
    p = tc.program("inv(A) @ x", A=(3, 3), x=3)
    f = p.result.compile()
    called(f, {"A": np.eye(3), "x": np.ones(3)})
    with pytest.raises(tc.TensorCalcError, match="invertible"):
        f(A=np.zeros((3, 3)), x=np.ones(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_values_pass_as_before(bad):
    f, at = network(), draw()
    called(f, at)
    at["X"] = at["X"].copy()
    at["X"][0, 0] = bad
    with np.errstate(all="ignore"):
        found, plain = f(**at), f._run(*(at[n] for n in f.arguments))
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("sizes", [(1, 3), (3, 1), (1, 1), (2, 2), (7, 5), (40, 70)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@each_reuse
def test_an_outer_product_has_every_product_also_with_zero_and_nan(sizes, dtype, reuse):
    x, y, A = tc.vector("x", "m"), tc.vector("y", "n"), tc.matrix("A", "m", "n")
    f = tc.gradient(tc.dot(x, A @ y), A).compile(reuse_buffers=reuse)
    rng = np.random.default_rng(0)
    special = [0, -1.5, np.nan, np.inf, -np.inf, 1e300 if dtype is np.float64 else 1e30]
    for values in (None, special):
        u, v = (rng.normal(size=n) if values is None else rng.choice(values, n) for n in sizes)
        at = {"x": u.astype(dtype), "y": v.astype(dtype)}
        with np.errstate(all="ignore"):
            found = called(f, at)
            np.testing.assert_array_equal(found, np.multiply.outer(at["x"], at["y"]))
    (source,) = specialised(f)
    assert ("dot(" in source) == (min(sizes) > 1)


@pytest.mark.parametrize("size", [1, 2, 9, 70])
@each_reuse
def test_an_outer_product_with_itself_has_every_product_too(size, reuse):
    x, A = tc.vector("x", "n"), tc.matrix("A", "n", "n")
    f = tc.gradient(tc.dot(x, A @ x), A).compile(reuse_buffers=reuse)
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=size), rng.choice([0, -1.5, np.nan, np.inf, -np.inf], size)):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(
                called(f, {"x": values}), np.multiply.outer(values, values)
            )
