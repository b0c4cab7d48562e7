"""Structured results: the factors of a derivative act as the dense array does."""

import doctest
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from random_programs import VARIABLES, Writer, draw_values

import tensorcalc as tc
from tensorcalc.shapes import format_bytes

SIZES = {"n": 4, "m": 3, "k": 2}

NETWORK = "; ".join(
    f"z{k} = W{k} @ {'x' if k == 1 else f'a{k - 1}'}; a{k} = sigmoid(z{k})" for k in (1, 2, 3)
)

# program, shapes, what by what, layout, its structure in words, whether it can be solved with
TABLE = {
    "elementwise": (
        "t = tanh(x)", {"x": "n"}, ("t", "x"), "mixed", "diag(u (4))", True),
    "scaled": (
        "t = 3 * x", {"x": "n"}, ("t", "x"), "mixed", "3 · I(4)", True),
    "identity": (
        "v = W @ x; E = sum(v)", {"W": "m n", "x": "n"}, ("v", "v"), "mixed", "I(3)", True),
    "identity of a matrix": (
        "Y = X * 1; E = sum(Y)", {"X": "m n"}, ("Y", "X"), "mixed", "I(3) ⊗ I(4)", True),
    "zero": (
        "E = sum(x) * c", {"x": "n", "c": ()}, ("E", "x", "x"), "mixed", "zero", False),
    "layer by its weights": (
        "z = W @ x", {"W": "m n", "x": "n"}, ("z", "W"), "mixed", "I(3) ⊗ xᵀ (4)", False),
    "layer by its weights, numerator": (
        "z = W @ x", {"W": "m n", "x": "n"}, ("z", "W"), "numerator", "xᵀ (4) ⊗ I(3)", False),
    "layer by its weights, denominator": (
        "z = W @ x", {"W": "m n", "x": "n"}, ("z", "W"), "denominator", "I(3) ⊗ x (4)", False),
    "activated layer by its weights": (
        "a = sigmoid(W @ x)", {"W": "m n", "x": "n"}, ("a", "W"), "mixed",
        "diag(u (3)) ⊗ xᵀ (4)", False),
    "layer by its input": (
        "z = W @ x", {"W": "m n", "x": "n"}, ("z", "x"), "mixed", "dense W (3 × 4)", False),
    "factorisation, Hessian": (
        "L = norm(T - U @ V.T)**2", {"T": "m n", "U": "m k", "V": "n k"}, ("L", "U", "U"), "mixed",
        "I(3) ⊗ K (2 × 2)", True),
    "factorisation, Hessian, numerator": (
        "L = norm(T - U @ V.T)**2", {"T": "m n", "U": "m k", "V": "n k"}, ("L", "U", "U"),
        "numerator", "K (2 × 2) ⊗ I(3)", True),
    "network, Hessian": (
        f"{NETWORK}; C = norm(a3 - y)**2 / 2",
        {"W1": "m n", "W2": "m m", "W3": "k m", "x": "n", "y": "k"}, ("C", "W1", "W1"), "mixed",
        "K (3 × 3) ⊗ x (4) xᵀ (4)", False),
    "network, Hessian by its biases": (
        "s = sigmoid(A @ tanh(x) + b); C = norm(s)**2", {"A": "m n", "b": "m", "x": "n"},
        ("C", "b", "b"), "mixed", "diag(u (3))", True),
    "logistic loss by a matrix": (
        "g = sum(log(1 + exp(W @ x)))", {"W": "m n", "x": "n"}, ("g", "W", "W"), "mixed",
        "diag(u (3)) ⊗ x (4) xᵀ (4)", False),
    "logistic loss by a vector": (
        "g = sum(log(1 + exp(W @ x)))", {"W": "m k", "x": "k"}, ("g", "x", "x"), "mixed",
        "dense K (2 × 2)", True),
    "matrix gradient": (
        "E = sum(sigmoid(W @ x))", {"W": "m n", "x": "n"}, ("E", "W"), "mixed",
        "u (3) xᵀ (4)", False),
    "elementwise in a batch": (
        "Y = tanh(X)", {"X": "m n"}, ("Y", "X"), "mixed", "diag(K (3 × 4))", True),
    "elementwise in a batch, crossed": (
        "Y = tanh(X)", {"X": "m n"}, ("Y", "X"), "numerator",
        "I[i=l] I[j=k] K[i,j] at (i, j | k, l)", True),
    "product from the left": (
        "Y = A @ X", {"A": "m m", "X": "m n"}, ("Y", "X"), "mixed", "A (3 × 3) ⊗ I(4)", True),
    "product from the right": (
        "Y = X @ A", {"A": "m m", "X": "n m"}, ("Y", "X"), "mixed", "I(4) ⊗ Aᵀ (3 × 3)", True),
    "product from both sides": (
        "Y = A @ X @ B", {"A": "m m", "X": "m n", "B": "n n"}, ("Y", "X"), "mixed",
        "A (3 × 3) ⊗ Bᵀ (4 × 4)", True),
    "inverse": (
        "Y = inv(X)", {"X": "m m"}, ("Y", "X"), "mixed", "K (3 × 3) ⊗ Yᵀ (3 × 3)", True),
    "softmax": (
        "p = softmax(z)", {"z": "n"}, ("p", "z"), "mixed", "diag(p (4)) + u (4) pᵀ (4)", False),
    "gate and its sum": (
        "t = tanh(z); q = t * sum(t)", {"z": "n"}, ("q", "z"), "mixed",
        "diag(u (4)) + t (4) vᵀ (4)", False),
    "outer product": (
        "s = c * x", {"x": "n", "c": "n"}, ("s", "x"), "mixed", "diag(c (4))", True),
    "scaled length": (
        "h = x * sum(y)", {"x": "n", "y": "m"}, ("h", "y"), "mixed", "x (4) 1ᵀ(3)", False),
    "trace of a square": (
        "f = trace(X.T @ X)", {"X": (3, 3)}, ("f", "X", "X"), "mixed", "2 · I(3) ⊗ I(3)", True),
    "transposition": (
        "Y = X.T", {"X": "m n"}, ("Y", "X"), "mixed", "I[i=l] I[j=k] at (i, j | k, l)", True),
    "Kronecker product": (
        "Y = kron(X, A)", {"X": (3, 3), "A": (2, 2)}, ("Y", "X"), "mixed",
        "I[i=m] I[k=n] A[j,l] at (i, j, k, l | m, n)", False),
    "Kronecker products that split axes in two ways": (
        "Y = kron(X, A) + kron(A, X)", {"X": (3, 3), "A": (2, 2)}, ("Y", "X"), "mixed",
        "dense K (6 × 6 × 3 × 3)", False),
    "vectorised": (
        "y = vec(A @ X)", {"X": (3, 2), "A": (3, 3)}, ("y", "X"), "mixed",
        "I[i=l] A[j,k] at (i, j | k, l)", True),
    "blocks on the diagonal": (
        "s = einsum('bi,bij,bj->b', X, A, X) / 2; f = sum(s)", {"X": "m n", "A": "m n n"},
        ("f", "X", "X"), "mixed", "blockdiag(K (3 × 4 × 4))", True),
    "sum of two structures": (
        "f = norm(U @ V.T)**2 + sum(exp(U))", {"U": "m k", "V": "n k"}, ("f", "U", "U"), "mixed",
        "I(3) ⊗ K (2 × 2) + diag(A (3 × 2))", True),
    "a matrix and its diagonal": (
        "Y = c * X + diag(diagonal(X))", {"X": (3, 3), "c": ()}, ("Y", "X"), "mixed",
        "0.1257 · I(3) ⊗ I(3) + I[i=j] I[i=k] I[i=l] at (i, j | k, l)", True),
    "value with two axes by a scalar": (
        "Y = exp(c * X)", {"X": "m n", "c": ()}, ("Y", "c"), "mixed", "dense K (3 × 4)", False),
}  # fmt: skip


def derivative_of(case):
    text, shapes, (of, *by), layout, *_ = TABLE[case]
    program = tc.parse(text, **shapes)
    return tc.derivative(program[of], *[program[name] for name in by], layout=layout)


def values_of(d, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {name: v.shape for name, v in d.compile()._variables.items()}
    return {
        name: rng.normal(size=[SIZES.get(s, s) for s in shape]) for name, shape in shapes.items()
    }


def near(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


@pytest.fixture(params=TABLE)
def case(request):
    """A row of the table: the structured array, and the dense one that the same formula gives."""
    d = derivative_of(request.param)
    at = values_of(d)
    *_, words, solves = TABLE[request.param]
    return d.compile(structured=True)(at), d.compile()(at), words, solves


def matrix_of(array, dense):
    return dense.reshape(int(np.prod(array.row_shape)), -1)


def test_dense_is_the_array_without_structure(case):
    array, dense, *_ = case
    near(array.dense(), dense)
    near(np.asarray(array), dense)
    assert (array.shape, array.ndim, array.size) == (dense.shape, dense.ndim, dense.size)
    assert array.dtype == dense.dtype
    assert array.row_shape + array.column_shape == dense.shape


def test_words_name_the_factors(case):
    array, dense, words, _ = case
    sides = ("·".join(map(str, side)) or "1" for side in (array.row_shape, array.column_shape))
    held = f"{format_bytes(array.nbytes)} of {format_bytes(dense.nbytes)}"
    assert repr(array) == f"{words}, {' × '.join(sides)}, {held}"


def test_products_are_those_of_the_matrix(case):
    array, dense, *_ = case
    matrix = matrix_of(array, dense)
    rng = np.random.default_rng(1)
    v, u = rng.normal(size=array.column_shape), rng.normal(size=array.row_shape)
    several = rng.normal(size=(matrix.shape[1], 3))
    near(array @ v, np.reshape(matrix @ v.ravel(), array.row_shape))
    near(array.matrix @ v.ravel(), matrix @ v.ravel())
    near(array.matrix @ several, matrix @ several)
    near(u @ array, np.reshape(u.ravel() @ matrix, array.column_shape))
    near(rng.normal(size=(2, matrix.shape[0])) @ array.matrix * 0, np.zeros((2, matrix.shape[1])))
    near(array.matvec(v.ravel()), matrix @ v.ravel())
    near(array.matvec(v.reshape(-1, 1)), matrix @ v.reshape(-1, 1))
    near(array.rmatvec(u.ravel()), matrix.T @ u.ravel())
    near(array.matmat(several), matrix @ several)
    near(array.rmatmat(matrix @ several), matrix.T @ matrix @ several)


def test_transposing_exchanges_the_sides(case):
    array, dense, *_ = case
    near(
        array.T.dense(),
        np.moveaxis(dense, range(len(array.row_shape)), range(-len(array.row_shape), 0)),
    )
    near(array.T.T.dense(), dense)
    assert repr(array.T.T) == repr(array)


def test_the_diagonal_is_that_of_the_matrix(case):
    array, dense, *_ = case
    near(array.diagonal(), matrix_of(array, dense).diagonal())


def test_solving_undoes_the_product_or_says_why_not(case):
    array, dense, _, solves = case
    matrix = matrix_of(array, dense)
    x = np.random.default_rng(2).normal(size=array.column_shape)
    several = np.random.default_rng(3).normal(size=(matrix.shape[1], 3))
    if solves:
        near(array.solve(array @ x), x)
        near(array.matrix.solve(matrix @ several), several)
        near(array.T.solve(array.T @ (array @ x)), array @ x)
    else:
        with pytest.raises(tc.NotSupportedError, match="solve of") as caught:
            array.solve(array @ x)
        assert caught.value.hint


def test_the_sum_of_terms_and_the_product_of_factors_are_the_whole(case):
    array, dense, *_ = case
    near(sum((t.dense() for t in array.terms), np.zeros_like(dense)), dense)
    inner = array.factors
    assert [f.term for f in inner] == sorted(f.term for f in inner)
    assert all(f.array is None or f.array.ndim == len(f.axes) for f in inner)
    assert (
        sum(a.nbytes for a in {id(f.array): f.array for f in inner if f.array is not None}.values())
        == array.nbytes
    )


def test_the_arguments_are_those_of_the_dense_function():
    for name in TABLE:
        d = derivative_of(name)
        assert d.compile(structured=True).arguments == d.compile().arguments


def test_repeated_calls_take_the_short_way_to_the_same_results():
    d = derivative_of("network, Hessian")
    run, plain = d.compile(structured=True), d.compile()
    for seed in range(6):
        at = values_of(d, seed)
        near(run(at).dense(), plain(at))
    assert run._entry.sources, "specialised for these shapes"


@pytest.mark.parametrize(
    ("name", "sizes", "entries"),
    [("factorisation, Hessian", {"m": 50, "n": 60, "k": 5}, 5 * 5),
     ("network, Hessian", {"m": 20, "n": 30, "k": 4}, 20 * 20 + 30)],
)  # fmt: skip
def test_hessians_hold_their_factors_once(name, sizes, entries, monkeypatch):
    for dim, size in sizes.items():
        monkeypatch.setitem(SIZES, dim, size)
    d = derivative_of(name)
    array = d.compile(structured=True)(values_of(d))
    assert array.nbytes == 8 * entries < 8 * array.size / 500


def test_a_batch_may_be_empty(monkeypatch):
    monkeypatch.setitem(SIZES, "m", 0)
    for name in ("factorisation, Hessian", "layer by its weights", "elementwise in a batch"):
        d = derivative_of(name)
        array = d.compile(structured=True)(values_of(d))
        assert array.dense().shape == array.shape
        assert (array @ np.ones(array.column_shape)).shape == array.row_shape
        assert array.matrix.matmat(np.ones((0, 3))).shape == (0, 3)
        assert array.diagonal().size == 0


def test_the_cost_is_that_of_the_factors():
    run = derivative_of("factorisation, Hessian").compile(structured=True)
    assert run.cost(m=10**6, n=10, k=5).compiled.bytes == 2 * 8 * 5 * 5


def test_results_own_their_memory():
    d = derivative_of("layer by its weights")
    run, at = d.compile(structured=True), values_of(d)
    for _ in range(5):
        array = run(at)
        before = array.dense()
        x = next(f.array for f in array.factors if f.name == "x")
        x[:] = 7  # it is the caller's own
        near(run(at).dense(), before)
        assert not np.shares_memory(x, at["x"])


def test_single_precision_stays():
    for name in ("factorisation, Hessian", "softmax", "identity of a matrix", "zero"):
        d = derivative_of(name)
        at = {key: value.astype(np.float32) for key, value in values_of(d).items()}
        run = d.compile(structured=True)
        for _ in range(4):
            array = run(at)
            assert array.dtype == array.dense().dtype == np.float32
            assert (array @ np.ones(array.column_shape, np.float32)).dtype == np.float32


def test_of_several_only_derivatives_with_two_axes_are_structured():
    p = tc.parse("z = W @ x; E = sum(tanh(z))", W="m n", x="n")
    d = tc.derivative(p["z"], p["W"])
    row = tc.derivative(p["E"], p["x"])
    run = tc.compile([p["z"], d, row, d], structured=True)
    rng = np.random.default_rng(0)
    at = {"W": rng.normal(size=(3, 4)), "x": rng.normal(size=4)}
    plain = tc.compile([p["z"], d, row])
    for _ in range(4):
        z, array, gradient, again = run(at)
        near(z, plain(at)[0])
        near(array.dense(), plain(at)[1])
        near(gradient, plain(at)[2])
        near(again.dense(), array.dense())
        x, other = (
            next(f.array for f in result.factors if f.name == "x") for result in (array, again)
        )
        assert not np.shares_memory(x, other)
    assert isinstance(array, tc.StructuredArray)
    assert gradient.shape == (1, 4)
    assert isinstance(tc.compile(row, structured=True)(at), np.ndarray)


def test_functions_and_results_can_be_pickled():
    d = derivative_of("softmax")
    run, at = d.compile(structured=True), values_of(d)
    array = pickle.loads(pickle.dumps(run))(at)
    assert repr(array) == repr(run(at))
    near(pickle.loads(pickle.dumps(array)).dense(), array.dense())


def test_bound_arguments_keep_the_structure():
    d = derivative_of("network, Hessian")
    at = values_of(d)
    run = d.compile(structured=True)
    bound = run.bind(x=at["x"])
    rest = {name: value for name, value in at.items() if name != "x"}
    for _ in range(4):
        near(bound(rest).dense(), run(at).dense())
        assert repr(bound(rest)) == repr(run(at))


def test_kept_buffers_are_written_again():
    d = derivative_of("activated layer by its weights")
    run = d.compile(structured=True, reuse_buffers=True)
    first, second = values_of(d, 1), values_of(d, 2)
    slopes = []
    for at in (first, second) * 3:
        array = run(at)
        near(array.dense(), d.compile()(at))
        slopes.append(array.factors[0].array)
    assert slopes[-1] is slopes[-2]


def test_a_dense_array_beyond_the_limit_is_refused():
    d = derivative_of("elementwise in a batch")
    array = d.compile(structured=True)(np.ones((3, 4)))
    with pytest.raises(tc.MemoryLimitError, match=r"3 × 4 × 3 × 4 array would take 1\.12 KiB"):
        array.dense(max_bytes=1000)
    huge = d.compile(structured=True)(np.ones((3000, 4000)))
    near(huge @ np.ones((3000, 4000)), np.full((3000, 4000), 1 - np.tanh(1) ** 2))
    with pytest.raises(tc.MemoryLimitError):
        np.asarray(huge)


@pytest.mark.parametrize(
    ("refused", "error", "words"),
    [
        (lambda H: H @ np.ones(5), tc.ShapeError, r"shape \(5,\): the map is 3 × 2 by 3 × 2"),
        (lambda H: np.ones((7, 5)) @ H, tc.ShapeError, "give an array of shape"),
        (lambda H: H @ H, tc.NotSupportedError, "dense"),
        (lambda H: H @ np.ones(6, complex), tc.ShapeError, "real numbers"),
        (lambda H: H.solve(np.ones(5)), tc.ShapeError, "solve of an array"),
        (lambda H: H.__array__(copy=False), tc.NotSupportedError, "copy"),
        (lambda H: H * np.ones(6), tc.NotSupportedError, "@"),
        (lambda H: H * H, tc.NotSupportedError, "@"),
        (lambda H: H + 1, tc.NotSupportedError, r"plus a number.*shifted"),
        (lambda H: H + np.ones((3, 2, 3, 2)), tc.NotSupportedError, r"plus an array.*dense"),
        (lambda H: H + H.matrix, tc.ShapeError, "3 × 2 by 3 × 2 and 6 by 6"),
        (lambda H: H.shifted(np.ones(5)), tc.ShapeError, r"\(5,\): the rows are 3 × 2"),
        (lambda H: H.shifted("1"), tc.ShapeError, r"shifted by text.*real numbers"),
        (lambda H: H.solve("1"), tc.ShapeError, r"solve of text.*real numbers"),
        (lambda H: H @ 1j, tc.ShapeError, r"@ complex numbers.*real numbers"),
        (lambda H: H / 0, tc.ValueNotAllowedError, r"divided by 0.*dense"),
        (lambda H: H / np.ones(2), tc.NotSupportedError, r"entry by entry.*dense"),
        (lambda H: H @ H, tc.NotSupportedError, r"@ the structured.*dense"),
    ],
)
def test_what_does_not_fit_is_refused(refused, error, words):
    d = derivative_of("factorisation, Hessian")
    array = d.compile(structured=True)(values_of(d))
    with pytest.raises(error) as caught:
        refused(array)
    assert re.search(words, f"{caught.value} {caught.value.hint}")


@pytest.mark.parametrize(
    ("name", "zero"),
    [("outer product", "c"), ("product from the left", "A"), ("blocks on the diagonal", "A")],
)
def test_a_singular_factor_is_named(name, zero):
    d = derivative_of(name)
    at = values_of(d) | {zero: np.zeros_like(values_of(d)[zero])}
    array = d.compile(structured=True)(at)
    with pytest.raises(tc.ValueNotAllowedError, match=r"factor . is singular at these values"):
        array.solve(np.ones(array.row_shape))


def test_iterative_solvers_of_scipy_take_them():
    linalg = pytest.importorskip("scipy.sparse.linalg")
    d = derivative_of("factorisation, Hessian")
    array = d.compile(structured=True)(values_of(d))
    b = np.random.default_rng(0).normal(size=6)
    x, failed = linalg.cg(array.matrix, b, rtol=1e-12)
    assert not failed
    near(array @ x, b)
    operator = linalg.aslinearoperator(array.matrix)
    near(operator.rmatmat(np.eye(6)), array.matrix.dense().T)
    vector = derivative_of("gate and its sum")
    two = vector.compile(structured=True)(values_of(vector))  # two axes: a matrix as it is
    near(linalg.aslinearoperator(two) @ np.ones(4), two.dense() @ np.ones(4))


# ── multiples, sums and damping ───────────────────────────────────────────────────────────


def test_multiples_and_sums_are_those_of_the_dense_arrays(case):
    array, dense, *_ = case
    other = -array.T.T / 4
    near((2 * array).dense(), 2 * dense)
    near((array * np.float32(0.5)).dense(), dense / 2)
    near(other.dense(), dense / -4)
    near((array + other).dense(), dense * 0.75)
    near((array - 3 * other).dense(), dense * 1.75)
    near(sum([array, other, array]).dense(), dense * 1.75)
    near((array - array).dense(), dense * 0)


def test_a_multiple_of_the_identity_is_added_on_the_diagonal(case):
    array, dense, words, solves = case
    if array._form.inner[: array._form.split] != array._form.inner[array._form.split :]:
        with pytest.raises(tc.ShapeError, match="there is no identity") as caught:
            array.shifted(2.0)
        assert 'layout="mixed"' in caught.value.hint
        return
    matrix = matrix_of(array, dense)
    added = np.linspace(20, 30, len(matrix))
    for by, diagonal in ((20, 20.0), (added, added), (added.reshape(array.row_shape), added)):
        damped = array.shifted(by)
        expected = matrix + np.diag(np.broadcast_to(diagonal, len(matrix)))
        near(damped.dense(), expected.reshape(dense.shape))
        b = np.random.default_rng(2).normal(size=len(matrix))
        if re.fullmatch(r"[AK] \(.*\) ⊗ .ᵀ \(.*\)", words):  # no axis is left alone by both
            with pytest.raises(tc.NotSupportedError, match="sum of 2 products"):
                damped.solve(b)
        elif solves:
            near(damped.solve(b), np.linalg.solve(expected, b))


def hessian_of(name="sum of two structures", **sizes):
    d = derivative_of(name)
    rng = np.random.default_rng(0)
    shapes = {name: v.shape for name, v in d.compile()._variables.items()}
    return d.compile(structured=True)(
        {name: rng.normal(size=[sizes.get(s, s) for s in shape]) for name, shape in shapes.items()}
    )


def test_the_blocks_of_a_sum_are_solved_with_and_the_whole_is_never_made():
    H = hessian_of(m=5000, n=30, k=4)
    b = np.random.default_rng(1).normal(size=H.row_shape)
    near(H @ H.solve(b), b)
    damped = H.shifted(0.5)
    near(damped @ damped.solve(b), b)
    assert damped.nbytes == H.nbytes, "I ⊗ (K + λI) is one factor"
    assert (H + H).nbytes == H.nbytes
    with pytest.raises(tc.NotSupportedError, match="the inverse of a sum of 2 products"):
        hessian_of("network, Hessian", m=20, n=30, k=4).shifted(1).solve(np.ones(600))


def test_blocks_beyond_the_limit_are_refused(monkeypatch):
    monkeypatch.setattr("tensorcalc.codegen.structured_solve.MAX_BYTES", 8 * 5000 * 4 * 4 - 1)
    with pytest.raises(tc.MemoryLimitError, match=r"the blocks of the sum would take 625 KiB"):
        hessian_of(m=5000, n=30, k=4).solve(np.ones(20000))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_a_sum_never_takes_more_than_the_dense_array(n):
    text = "c = x - mean(x); h = c / sqrt(mean(c**2) + 0.1); L = sum(w * h)"
    p = tc.parse(text, x="n", w="n")
    at = {name: np.random.default_rng(n).normal(size=n) for name in ("x", "w")}
    for d in (tc.derivative(p["h"], p["x"]), tc.derivative(p["L"], p["x"], p["x"])):
        run, dense = d.compile(structured=True), d.compile()(at)
        for _ in range(4):
            array = run(at)
            near(array.dense(), dense)
            assert array.nbytes <= dense.nbytes
        assert ("dense K" in repr(array)) == (len(array.terms) == 1)
    assert len(array.terms) == (5 if n == 9 else 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_solution_without_a_correct_digit_is_never_silent(dtype):
    p = tc.parse("L = norm(T - U @ V.T)**2", T="m n", U="m k", V="n k")
    run = tc.hessian(p["L"], p["U"]).to("mixed").compile(structured=True)
    rng = np.random.default_rng(3)
    T, V = (rng.normal(size=shape).astype(dtype) for shape in ((6, 9), (9, 3)))
    b = rng.normal(size=(6, 3)).astype(dtype)
    run(T=T, V=V).solve(b)
    V[:, 1] = 3 * V[:, 0] - V[:, 2] / 7
    H = run(T=T, V=V)
    words = r"\.solve: the factor K is singular to working precision, .* number of about \de"
    with pytest.warns(tc.IllConditionedWarning, match=words) as told:
        H.solve(b)
    assert told[0].filename == __file__
    damped = H.shifted(1e-2)
    assert damped.dtype == dtype
    x = damped.solve(b)
    np.testing.assert_allclose(damped @ x, b, atol=1e-2)


def test_blocks_of_different_scales_are_solved_with_in_silence():
    c = np.array([1.0, 1e-20, 1e5, 3.0])
    diagonal = derivative_of("outer product").compile(structured=True)(c=c)
    np.testing.assert_allclose(diagonal.solve(np.ones(4)), 1 / c)
    d = derivative_of("blocks on the diagonal")
    at = values_of(d)
    blocks = d.compile(structured=True)(at | {"A": c[:3, None, None] * np.eye(4)})
    np.testing.assert_allclose(blocks.solve(np.ones((3, 4))), 1 / np.tile(c[:3, None], 4))


@pytest.mark.parametrize("start", range(0, 160, 20))
def test_random_programs_give_the_dense_array(start):
    seen = 0
    for seed in range(start, start + 20):
        text, values = Writer(seed).program(), draw_values(seed)
        p = tc.program(text, VARIABLES)
        names = [name for name in VARIABLES if name in dict.fromkeys(p.result.compile().arguments)]
        for by in [(name,) for name in names[:2]] + [(names[0], names[-1])] if names else []:
            layout = ("mixed", "numerator", "denominator")[seed % 3]
            d = tc.derivative(p.result, *(p[name] for name in by), layout=layout)
            with np.errstate(all="ignore"):
                try:
                    dense = d.compile()(values)
                except tc.TensorCalcError:
                    continue
                found = d.compile(structured=True)(values)
                if not np.isfinite(dense).all() or dense.ndim < 2 or type(found) is np.ndarray:
                    continue
            seen += 1
            scale = max(1.0, np.abs(dense).max())
            v = np.random.default_rng(seed).normal(size=found.column_shape)
            matrix = matrix_of(found, dense)
            near(found.dense() / scale, dense / scale)
            near((found @ v).ravel() / scale, matrix @ v.ravel() / scale)
            near(found.diagonal() / scale, matrix.diagonal() / scale)
    assert seen > 5


def test_the_document_shows_what_is_returned():
    document = Path(__file__).parents[1] / "docs" / "structured.md"
    if not document.is_file():
        pytest.skip("the source archive has no docs")
    found = doctest.testfile(str(document), module_relative=False, encoding="utf-8")
    assert found.attempted > 10
    assert found.failed == 0


def test_what_an_identity_solves_is_ones_own():
    p = tc.program("E = norm(x)**2 / 2", x="n")
    H = tc.hessian(p["E"], p["x"]).compile(structured=True)(np.ones(3))
    for b in (np.ones(3), np.ones((3, 2))):
        for found in (H.solve(b), H @ b, H.T @ b, H.matmat(b.reshape(3, -1))):
            assert not np.shares_memory(found, b)
            np.testing.assert_array_equal(found.reshape(-1)[:3], 1)
