"""Functions for other libraries have our values, in the dtype and on the device of their arrays."""

import ast
import os
import pickle
import re
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
from test_compile import ITEMS
from test_textbook import CASES, HESSIANS, SHAPES, point

import tensorcalc as tc

pytestmark = pytest.mark.frameworks


class Arrays:
    """A library's arrays from NumPy's and back."""

    def __init__(self, name):
        self.name = name
        self.backend = "array_api" if name == "dask" else name
        package = {"array_api": "array_api_strict", "dask": "dask.array"}.get(name, name)
        if name == "dask":
            pytest.importorskip("array_api_compat")
        self.package = pytest.importorskip(package, reason=f"{package} is not installed")

    def make(self, array, dtype="float64"):
        if self.name == "numba":
            return np.array(array, dtype=dtype)
        if self.name == "torch":
            return self.package.tensor(np.asarray(array), dtype=getattr(self.package, dtype))
        if self.name == "jax":
            with self.package.enable_x64(True):
                return self.package.numpy.asarray(array, dtype=dtype)
        if self.name == "dask":
            array = np.array(array, dtype=dtype)
            halves = tuple(max(1, (n + 1) // 2) for n in array.shape)
            return self.package.from_array(array, chunks=halves)
        values = np.asarray(array).tolist()
        made = self.package.asarray(values, dtype=getattr(self.package, dtype))
        return self.package.reshape(made, np.shape(array))

    def numpy(self, result):
        assert isinstance(result, type(self.make(1.0)))
        array = np.asarray(result)
        assert str(array.dtype) == self.dtype(result)
        return array

    def dtype(self, result):
        return str(result.dtype).rpartition(".")[2]


NAMES = ("numba", "jax", "torch", "array_api", "dask")


@pytest.fixture(scope="module", params=NAMES)
def arrays(request):
    return Arrays(request.param)


@pytest.fixture(scope="module", params=("jax", "torch"))
def differentiable(request):
    return Arrays(request.param)


def textbook(case):
    """The value of a case, its derivative or its Hessian, and what was written by hand."""
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    if case in CASES:
        d = p.derivative(p.result, wrt)
        return p.result, d.gradient if p.result.expr.ndim == 0 else d.to("mixed"), CASES[case]
    return p.result, tc.derivative(p.result, p[wrt], p[wrt], layout="mixed"), HESSIANS[case]


def compilation_is_slow(library, place):
    """JAX and Numba take a second or so for each function: they get every third case."""
    return [pytest.mark.slow] if library in ("jax", "numba") and place % 3 else []


TEXTBOOK = [
    pytest.param(library, case, marks=compilation_is_slow(library, place))
    for library in NAMES
    for place, case in enumerate({**CASES, **HESSIANS})
]


@pytest.mark.parametrize(("arrays", "case"), TEXTBOOK, indirect=["arrays"], scope="module")
def test_a_textbook_derivative_in_both_precisions(arrays, case):
    value, d, by_hand = textbook(case)
    at = point()
    wanted = [value.evaluate(at), np.asarray(by_hand(**at))]
    try:
        f = tc.compile([value, d], backend=arrays.backend)
    except tc.NotSupportedError as error:
        known = arrays.backend == "array_api" and "np.einsum" in str(error)
        assert known, error  # noqa: PT017 - for one library and one reason only
        return
    for dtype, allowed in (("float64", 1e-9), ("float32", 2e-4)):
        values = {name: arrays.make(number, dtype) for name, number in at.items()}
        if arrays.name == "dask" and re.search(r"\b(inv|det|logdet)\b", case):
            values = {name: value.rechunk(-1) for name, value in values.items()}
        if arrays.name == "dask" and re.search(r"\b(det|logdet)\b", f.source):
            with pytest.raises(
                tc.NotSupportedError, match=r"dask\.array\.linalg has no (slog)?det"
            ):
                f(values)
            return
        results = f(values)
        for result, expected in zip(results, wanted, strict=True):
            assert arrays.dtype(result) == dtype
            scale = allowed * max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(arrays.numpy(result), expected, rtol=allowed, atol=scale)


SOME = ["E", "row", "power", "softmax", "rows", "columns", "small", "gelu", "relu", "stable",
        "constant", "entry", "∇E", "∂E/∂W", "∂v/∂W", "∂s/∂v", "∂W/∂W", "∂w/∂w", "∂²L/∂w²",
        "∂rows", "∂norm", "mean"]  # fmt: skip


@pytest.fixture
def at():
    rng = np.random.default_rng(4)
    shapes = {"W": (5, 4), "x": (4,), "y": (5,), "S": (), "X": (3, 2), "t": (3,), "w": (2,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def compiled(item, arrays):
    try:
        return item.compile(backend=arrays.backend)
    except tc.NotSupportedError as error:
        assert "has no arguments" in str(error)  # noqa: PT017 - the only reason there is
        pytest.skip(str(error))


@pytest.mark.parametrize("name", SOME)
def test_numpy_and_the_library_agree_and_the_source_stands_alone(arrays, name, at):
    item = ITEMS[name]
    f, expected = compiled(item, arrays), item.compile()(at)
    own = {key: arrays.make(value) for key, value in at.items()}
    result = f(own)
    np.testing.assert_allclose(arrays.numpy(result), expected, rtol=1e-12, atol=1e-300)
    assert result.shape == expected.shape
    assert "tensorcalc" not in f.source
    ast.parse(f.source)
    namespace = {"__name__": "pasted", "__file__": __file__}
    exec(compile(f.source.replace("cache=True", "cache=False"), "pasted", "exec"), namespace)
    with arrays.package.enable_x64(True) if arrays.name == "jax" else nullcontext():
        again = namespace[f.name](*(own[argument] for argument in f.arguments))
    again = np.reshape(np.asarray(again), expected.shape)
    np.testing.assert_allclose(again, expected, rtol=1e-12, atol=1e-300)


W, x, y = tc.matrix("W", 5, 4), tc.vector("x", 4), tc.vector("y", 5)
s = tc.define("s", tc.sigmoid(W @ x))
E = tc.define("E", tc.norm(s - y) ** 2 / 2)
X, w = tc.matrix("X", "m", "n"), tc.vector("w", "n")
L = tc.define("L", tc.sum(tc.softplus(X @ w)))


def test_several_outputs_are_a_tuple_of_arrays_of_ones_own(arrays, at):
    items = [E, W, W.T, x, tc.gradient(E, W), s, s]
    f = tc.compile(items, backend=arrays.backend)
    own = {key: arrays.make(value) for key, value in at.items()}
    results = f(own)
    assert isinstance(results, tuple)
    for result, expected in zip(results, tc.compile(items)(at), strict=True):
        np.testing.assert_allclose(arrays.numpy(result), expected, rtol=1e-12)
    if arrays.name != "jax":  # whose arrays nobody can change
        before = arrays.numpy(results[2]).copy()
        results[1][0, 0] = 17.0
        own["W"][0, 1] = 18.0
        np.testing.assert_array_equal(arrays.numpy(results[2]), before)


def read_only(a):
    a.flags.writeable = False
    return a


LAID_OUT = {"backwards": lambda a: a[:, ::-1].copy()[:, ::-1], "by columns": np.asfortranarray,
            "read-only": read_only}  # fmt: skip


@pytest.mark.parametrize("layout", LAID_OUT)
def test_any_numpy_array_is_taken(arrays, layout, at):
    at["W"] = LAID_OUT[layout](at["W"])
    f = tc.gradient(E, W).compile(backend=arrays.backend)
    expected = tc.gradient(E, W).compile()(at)
    for _ in range(3):
        np.testing.assert_allclose(np.asarray(f(at["W"], at["x"], at["y"])), expected, rtol=1e-12)
    result = f(W=at["W"], x=at["x"].tolist(), y=at["y"])
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-12)
    single = f({name: np.float32(value) for name, value in at.items()})
    assert arrays.dtype(single) == "float32"
    assert arrays.dtype(f({**at, "x": np.float32(at["x"])})) == "float64"


def test_a_batch_of_no_samples(arrays):
    values = {"X": arrays.make(np.zeros((0, 2))), "w": arrays.make(np.ones(2))}
    loss, slope, by_X = tc.compile(
        [L, tc.gradient(L, w), tc.gradient(L, X)], backend=arrays.backend
    )(values)
    assert float(loss) == 0
    np.testing.assert_array_equal(arrays.numpy(slope), [0, 0])
    assert by_X.shape == (0, 2)


OF_SIZES = ["E = mean(x)", "E = mean(2*x + x)**2", "E = sqrt(var(x))", "E = sum(sum(ones(n))*x)",
            "E = sum(x*softplus(norm(ones(n))))", "E = sum(x*exp(-sum(ones(n))))",
            "E = sum(where(x > 0, 1/sum(ones(n)), 1/sum(ones(n))**2)*x)"]  # fmt: skip


@pytest.mark.parametrize("text", OF_SIZES)
def test_what_is_computed_of_sizes_alone_stands_where_an_array_does(arrays, text):
    p = tc.parse(text, x="n")
    of, by = p["E"], p["x"]
    items = [of, tc.gradient(of, by), tc.derivative(of, by, by, layout="mixed")]
    at = np.array([0.3, -1.0, 2.0])
    results = tc.compile(items, backend=arrays.backend)(x=arrays.make(at))
    for result, expected in zip(results, tc.compile(items)(x=at), strict=True):
        np.testing.assert_allclose(arrays.numpy(result), expected, rtol=1e-12, atol=1e-14)


OF_NOTHING = {  # the shapes of values; the derivatives are by the last
    "E = norm(x)": {"x": ("n", (0,))},
    "v = norm(X, axis=1)": {"X": ("m, n", (3, 0))},
    "E = norm(X)": {"X": ("m, n", (0, 2))},
    "E = norm(x - A@y)": {"x": ("n", (0,)), "A": ("n, m", (0, 2)), "y": ("m", (2,))},
    "E = norm(solve(B, x))": {"B": ("n, n", (0, 0)), "x": ("n", (0,))},
}


@pytest.mark.parametrize("text", OF_NOTHING)
def test_the_norm_of_no_entries_is_0_and_so_are_its_derivatives(arrays, text):
    p = tc.parse(text, {name: declared for name, (declared, _) in OF_NOTHING[text].items()})
    of, by = p.result, p[list(OF_NOTHING[text])[-1]]
    first, second = tc.derivative(of, by, layout="mixed"), tc.derivative(of, by, by, layout="mixed")
    items = [of, first, second]
    values = {name: np.ones(shape) for name, (_, shape) in OF_NOTHING[text].items()}
    own = {name: arrays.make(value) for name, value in values.items()}
    found = tc.compile(items, backend=arrays.backend)(own)
    for one, other in zip(found, tc.compile(items)(values), strict=True):
        np.testing.assert_array_equal(other, np.zeros(other.shape))
        np.testing.assert_array_equal(arrays.numpy(one), other, strict=True)


def test_nan_and_infinity_pass_through_as_with_numpy(arrays, at):
    u = tc.vector("u", 4)
    nan, inf = float("nan"), float("inf")
    values = np.array([nan, inf, -inf, 2.0])
    items = [tc.relu(u), tc.abs(u), tc.sign(u), tc.derivative(tc.square(u), u),
             tc.derivative(u * x, u, layout="mixed"), tc.tanh(u), tc.sigmoid(u), tc.softplus(u),
             tc.derivative(tc.outer(u, x), x, layout="mixed"), tc.erf(u), tc.gelu(u), tc.silu(u),
             tc.derivative(tc.outer(u, x) * tc.outer(x, u), x, layout="mixed")]  # fmt: skip
    for item in items:
        f, g = item.compile(backend=arrays.backend), item.compile()
        with np.errstate(all="ignore"):
            expected = g(u=values, x=at["x"])
            result = arrays.numpy(f(u=arrays.make(values), x=arrays.make(at["x"])))
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-300)


def test_a_column_may_be_given_as_a_matrix(arrays, at):
    f = tc.compile([tc.gradient(L, w), tc.derivative(L, w)], backend=arrays.backend)
    upright = {"X": arrays.make(at["X"]), "w": arrays.make(at["w"][:, None])}
    flat = tc.gradient(L, w).compile()(at)
    gradient, derivative = f(upright)
    np.testing.assert_allclose(arrays.numpy(gradient), flat[:, None], rtol=1e-12)
    np.testing.assert_allclose(arrays.numpy(derivative), flat[None, :], rtol=1e-12)


BAD = {
    "a shape": ({"x": np.ones(3)}, "x"),
    "complex": ({"x": np.ones(4) * 1j}, "the value of x is complex numbers"),
    "missing": ({"x": None}, "needs a value for x"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_values_are_refused_in_the_words_of_the_numpy_function(arrays, bad, at):
    change, words = BAD[bad]
    f, g = E.compile(backend=arrays.backend), E.compile()
    f(at)
    good = {**at, **change}
    good = {name: value for name, value in good.items() if value is not None}
    with pytest.raises(tc.TensorCalcError, match=words) as expected:
        g(good)
    with pytest.raises(type(expected.value)) as found:
        f(good)
    assert (str(found.value), found.value.hint) == (str(expected.value), expected.value.hint)


def test_one_name_of_a_dimension_is_one_size(arrays):
    f = L.compile(backend=arrays.backend)
    with pytest.raises(tc.ShapeError, match=r"n = 2, but w has|n = 5, but X has"):
        f(X=arrays.make(np.ones((3, 2))), w=arrays.make(np.ones(5)))


def test_half_precision_is_refused(differentiable):
    half = differentiable.make(np.ones(4), "float16")
    with pytest.raises(tc.ValueNotAllowedError, match="the value of x is float16"):
        tc.tanh(x).compile(backend=differentiable.name)(half)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize("sparse", ["to_sparse", "to_sparse_csr"])
def test_a_sparse_tensor_is_refused_before_and_after_dense_ones(sparse):
    torch, A = Arrays("torch").package, tc.matrix("A", 3, 3)
    f, dense = tc.sum(A**2).compile(backend="torch"), torch.eye(3)
    for _ in range(2):
        with pytest.raises(tc.ValueNotAllowedError, match="the value of A is a tensor of") as error:
            f(getattr(dense, sparse)())
        assert error.value.hint == "give A.to_dense()"
        assert [float(f(dense)) for _ in range(3)] == [3, 3, 3]


def test_a_declared_matrix_is_looked_at_in_every_call(arrays):
    A = tc.matrix("A", 2, 2, symmetric=True)
    f = tc.trace(A @ A).compile(backend=arrays.backend)
    assert float(f(arrays.make(np.eye(2)))) == 2
    with pytest.raises(tc.ValueNotAllowedError, match="declared symmetric"):
        np.asarray(f(arrays.make([[1.0, 2.0], [3.0, 4.0]])))


def test_a_compiled_function_is_pickled_by_its_formulas(arrays, at):
    f = pickle.loads(pickle.dumps(tc.gradient(E, W).compile(backend=arrays.backend)))
    assert f.engine == arrays.backend
    np.testing.assert_allclose(np.asarray(f(at)), tc.gradient(E, W).compile()(at), rtol=1e-12)


def test_an_unknown_backend_is_refused_with_those_there_are():
    with pytest.raises(tc.TensorCalcError, match="backend='cuda'") as error:
        E.compile(backend="cuda")
    assert "numpy, numba, jax, torch, array_api" in error.value.hint


@pytest.mark.parametrize("name", ["numba", "jax", "torch"])
def test_a_library_that_is_not_installed_is_named_with_its_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(tc.NotSupportedError, match=f"{name} is not installed") as error:
        tc.compile(E, backend=name)
    assert error.value.hint == f"pip install 'tensorcalc[{name}]'"


@pytest.mark.parametrize("option", ["structured", "reuse_buffers"])
def test_options_of_numpy_functions_alone_are_refused(arrays, option):
    with pytest.raises(tc.NotSupportedError, match=option):
        tc.compile(tc.derivative(s, W), backend=arrays.backend, **{option: True})


# ── differentiated again ──────────────────────────────────────────────────────────────────

SMOOTH = {
    "network": (E, W), "least squares": (L, w), "norm": (tc.norm(x), x),
    "gelu": (tc.sum(tc.gelu(x)), x),
    "softmax": (tc.sum(tc.square(tc.softmax(x))), x), "silu": (tc.sum(tc.silu(x) * x), x),
    "erf": (tc.sum(tc.erf(x) ** 2), x), "product": (tc.prod(x), x),
    "softplus": (tc.sum(tc.softplus(x)), x),
    "log cosh": (tc.sum(tc.log(tc.cosh(x))), x), "logdet": (tc.logdet(W.T @ W), W),
    "max": (tc.max(x) ** 2, x), "relu": (tc.sum(tc.relu(x) ** 2), x),
}  # fmt: skip


def differentiated(arrays, f, values, name):
    """The gradient of the scalar function by one of its arguments."""
    place = f.arguments.index(name)
    given = [arrays.make(values[argument]) for argument in f.arguments]
    if arrays.name == "jax":
        with arrays.package.enable_x64(True):
            return np.asarray(arrays.package.grad(f, argnums=place)(*given))
    given[place].requires_grad_()
    f(*given).backward()
    return given[place].grad.numpy()


@pytest.mark.parametrize("case", SMOOTH)
def test_the_library_differentiates_a_value_to_our_gradient(differentiable, case, at):
    of, by = SMOOTH[case]
    f = of.compile(backend=differentiable.name)
    expected = tc.gradient(of, by).compile()(at)
    found = differentiated(differentiable, f, at, by.name)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", SMOOTH)
def test_the_library_differentiates_our_gradient_to_our_second_derivative(differentiable, case, at):
    of, by = SMOOTH[case]
    direction = np.random.default_rng(0).normal(size=at[by.name].shape)
    g = tc.gradient(of, by).compile(backend=differentiable.name)
    hessian = tc.derivative(of, by, by, layout="mixed").compile()(at)
    expected = np.tensordot(direction, hessian, axes=direction.ndim)
    weights = differentiable.make(direction)

    class Directional:
        arguments = g.arguments

        def __call__(self, *values):
            return (g(*values) * weights).sum()

    if by.name not in g.arguments:
        np.testing.assert_array_equal(expected, 0)
        return
    found = differentiated(differentiable, Directional(), at, by.name)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


AT_ZERO = {"relu": 0.0, "abs": 0.0, "softplus": 0.5, "gelu": 0.5, "silu": 0.5, "sigmoid": 0.25,
           "norm": 0.0, "erf": 2 / np.sqrt(np.pi), "tanh": 1.0}  # fmt: skip


@pytest.mark.parametrize("name", AT_ZERO)
def test_at_zero_the_library_differentiates_to_our_conventions(differentiable, name):
    u = tc.vector("u", 3)
    f = tc.sum(getattr(tc, name)(u)).compile(backend=differentiable.name)
    found = differentiated(differentiable, f, {"u": np.zeros(3)}, "u")
    np.testing.assert_allclose(found, np.full(3, AT_ZERO[name]), rtol=1e-12)


FAR = ["softplus(x)", "log(1 + exp(x))", "log(sigmoid(x))", "sigmoid(x)", "silu(x)", "gelu(x)",
       "tanh(x)", "log(cosh(x))", "erf(x)"]  # fmt: skip


@pytest.mark.parametrize("text", FAR)
def test_far_from_zero_the_library_differentiates_twice_to_our_second_derivative(
    differentiable, text
):
    p = tc.program(f"sum({text})", x="n")
    f, package = p.result.compile(backend=differentiable.name), differentiable.package
    at = np.array([-1e4, -800, -746, -700, -30, -1, -1e-9, 0, 1e-9, 1, 30, 700, 746, 800, 1e4])
    own = differentiable.make(at)
    if differentiable.name == "jax":
        with package.enable_x64(True):
            found = package.hessian(f)(own)
    else:
        found = package.autograd.functional.hessian(f, own)
    value = differentiable.numpy(f(own))
    np.testing.assert_allclose(value, p.result.compile()(at), rtol=1e-15, atol=1e-14)
    expected = tc.derivative(p.result, p["x"], p["x"], layout="mixed").compile()(at)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-11, atol=1e-15)


def test_a_function_of_ones_own_is_given_the_librarys_arrays(differentiable, at):
    cube = tc.function("cube", value=lambda u: u**3, derivative=lambda u: 3 * u**2)
    own = differentiable.make(at["x"])
    found = tc.derivative(cube(x), x).compile(backend=differentiable.name)(own)
    np.testing.assert_allclose(np.asarray(found), np.diag(3 * at["x"] ** 2), rtol=1e-12)
    lookup = tc.function("lookup", value=lambda u: np.interp(np.asarray(u), [0, 1], [0, 1]))
    with pytest.raises(tc.NotSupportedError, match="lookup, the function given"):
        lookup(x).compile(backend=differentiable.name)(own)


# ── each library's own ────────────────────────────────────────────────────────────────────


def test_jax_keeps_double_precision_and_traces(at):
    jax = Arrays("jax").package
    assert not jax.config.jax_enable_x64
    f = E.compile(backend="jax")
    assert f(at).dtype == "float64"  # of NumPy's float64
    single = [np.float32(at[name]) for name in f.arguments]
    inside = jax.jit(lambda *values: 2 * f(*values))(*single)
    np.testing.assert_allclose(inside, 2 * E.compile()(at), rtol=1e-5)
    assert inside.dtype == "float32"
    rows = jax.vmap(f, in_axes=(None, 0, None))(single[0], np.stack([single[1]] * 3), single[2])
    assert rows.shape == (3,)
    with pytest.raises(tc.ShapeError, match="x"):
        jax.jit(f)(single[0], single[0], single[2])


@pytest.mark.parametrize("double", [True, False])
def test_jax_arrays_are_checked_while_they_are_traced(at, double, monkeypatch):
    arrays = Arrays("jax")
    dtype = "float64" if double else "float32"
    with arrays.package.enable_x64(double):
        f = tc.compile(ITEMS["∇E"], backend="jax")
        values = [arrays.make(at[name], dtype) for name in f.arguments]
        first = f(*values)
        looked_at = []
        check = f._values
        monkeypatch.setattr(f, "_values", lambda *given: looked_at.append(1) or check(*given))
        np.testing.assert_array_equal(f(*values), first)
        assert (f(*values).dtype, looked_at) == (dtype, [])
        if double:  # where NumPy's arrays are traced as they are
            given = {name: at[name] for name in f.arguments}
            np.testing.assert_array_equal(f(*given.values()), first)
            np.testing.assert_array_equal(f(given), first)
            np.testing.assert_array_equal(f(**given), first)
            assert looked_at == []
        mixed = [arrays.make(at[f.arguments[0]], "float32"), *values[1:]]
        assert f(*mixed).dtype == dtype
        assert bool(looked_at) == double  # else they are of one precision still


KINDS = {  # a number, a vector, and the precision that is computed in
    "numbers of Python": (2.0, [1.0, 2.0, 3.0], "float64"),
    "whole numbers": (2, np.arange(3), "float64"),
    "double": (np.float64(2), np.arange(3.0), "float64"),
    "single": (np.float32(2), np.arange(3, dtype="float32"), "float32"),
    "a number of Python": (2.0, np.arange(3.0), "float64"),
    "both": (2.0, np.arange(3, dtype="float32"), "float64"),
    "another order of bytes": (np.array(2.0, ">f8"), np.arange(3, dtype=">f8"), "float64"),
}


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("first", KINDS)
def test_jax_computes_in_the_precision_of_the_values_whatever_came_before(first, double):
    jax = Arrays("jax").package
    s, u = tc.scalar("s"), tc.vector("u", "n")
    f = tc.compile([s * u, s * s], backend="jax")
    for setting in (double, not double):
        for number, vector, dtype in (KINDS[first], *KINDS.values()):
            with jax.enable_x64(setting):
                found = f(number, vector)
            for one, expected in zip(found, (2 * np.asarray(vector), 4), strict=True):
                np.testing.assert_array_equal(one, expected)
                assert (one.dtype, one.weak_type) == (dtype, False)


@pytest.mark.parametrize("double", [True, False])
def test_jax_arrays_that_do_not_fit_are_not_computed_with(double):
    arrays = Arrays("jax")
    u, v = tc.vector("u", "n"), tc.vector("v", "n")
    f = (u * v).compile(backend="jax")
    with arrays.package.enable_x64(double):
        one, three = arrays.make(np.ones(1), "float32"), arrays.make(np.ones(3), "float32")
        assert f(three, three).dtype == "float32"
        with pytest.raises(tc.ShapeError, match="v"):  # which would be spread over the three
            f(three, one)
        whole = arrays.package.numpy.arange(3)
        assert f(whole, whole).dtype == "float64"
        assert f(three, whole).dtype == "float64"


def test_numba_makes_machine_code_once_whatever_the_order_in_memory(at):
    pytest.importorskip("numba")
    f = tc.gradient(E, W).compile(backend="numba")
    expected = tc.gradient(E, W).compile()(at)
    for change in (*LAID_OUT.values(), np.float32, np.copy):
        rtol = 1e-5 if change is np.float32 else 1e-12
        values = [np.array(change(at[n]) if n == "W" else at[n], copy=None) for n in f.arguments]
        for _ in range(3):
            found = f(*values)
            np.testing.assert_allclose(found, expected, rtol=rtol)
            assert found.flags.writeable
    assert len(f.function.signatures) == 1


@pytest.mark.parametrize(
    "text",
    ["1/sum(y)", "sum(y)**(-1)", "sum(y)**(-3)", "sum(y)/sum(y*y*y)", "y**(-2)", "y**0.5"],
)
def test_division_by_zero_in_the_library_is_that_of_numpy(arrays, text):
    y = np.array([1.0, -1.0, 0.0])
    result = tc.program(text, y="n").result
    with np.errstate(all="ignore"):
        expected = result.compile()(y)
        found = arrays.numpy(result.compile(backend=arrays.backend)(arrays.make(y)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("given", [np.ndarray.tolist, np.float16, np.int64, np.float64])
def test_jax_values_that_must_be_checked_are_not_traced_in_each_call(given, double, monkeypatch):
    jax = Arrays("jax").package
    f = tc.compile(tc.vector("u", "n"), backend="jax")
    with jax.enable_x64(True):  # double, where that is not set
        value = jax.numpy.arange(3.0) if given is np.float64 else given(np.arange(3.0))
    with jax.enable_x64(double):
        for _ in range(2):
            f(value)
        looked_at = []
        check = f._values
        monkeypatch.setattr(f, "_values", lambda *given: looked_at.append(1) or check(*given))
        for _ in range(3):
            assert f(value).dtype == "float64"
    assert len(looked_at) <= 3


@pytest.mark.parametrize(
    "text",
    ["w.T @ (X @ w)", "norm(X @ w - y)**2", "norm(y * (X @ w))", "sum(sigmoid(X @ sin(X @ w)))"],
)
def test_jax_turns_no_matrix_to_multiply_a_vector(text, rng):
    pytest.importorskip("jax")
    p = tc.program("f = " + text, X=("n", "n"), w="n", y="n")
    derivative = tc.gradient(p["f"], p["w"])
    assert ".T @ " in derivative.compile().source
    f = derivative.compile(backend="jax")
    given = {"X": rng.normal(size=(3, 3)), "w": rng.normal(size=3), "y": rng.normal(size=3)}
    values = [given[name] for name in f.arguments]
    assert "transpose" not in f.function.lower(*values).as_text()
    np.testing.assert_allclose(f(*values), derivative.compile()(*values))


def test_results_of_numba_are_ones_own(at):
    pytest.importorskip("numba")
    f = tc.compile([W, W.T, x + x, x + x, x], backend="numba")
    for _ in range(4):
        found = f(at["W"], at["x"])
        for place, one in enumerate(found):
            assert one.flags.writeable
            others = [at["W"], at["x"], *found[:place]]
            assert not any(np.shares_memory(one, other) for other in others)
        np.testing.assert_array_equal(found[1], at["W"].T)


def test_torch_compiles_the_function_as_one_graph(at):
    torch = Arrays("torch").package
    f = tc.compile([E, tc.gradient(E, W)], backend="torch")
    given = [torch.tensor(at[name]) for name in f.arguments]
    graph = torch.compile(f.function, backend="eager", fullgraph=True)
    for found, expected in zip(graph(*given), f(*given), strict=True):
        torch.testing.assert_close(found, expected)


def test_values_on_two_devices_are_refused_by_name(at):
    torch = Arrays("torch").package
    given = {name: torch.tensor(value) for name, value in at.items()}
    with pytest.raises(tc.ValueNotAllowedError, match="W lies on cpu and x on meta"):
        E.compile(backend="torch")({**given, "x": given["x"].to("meta")})
    away = {name: value.to("meta") for name, value in given.items()}
    result = tc.gradient(E, W).compile(backend="torch")(away)
    assert result.device.type == "meta"
    assert result.shape == (5, 4)


@pytest.mark.parametrize("backend", ["torch", "numba", "array_api"])
def test_a_singular_matrix_is_refused(backend):
    if backend != "array_api":
        pytest.importorskip(backend)
    f = tc.inv(tc.matrix("A", 2, 2)).compile(backend=backend)
    for _ in range(3):
        with pytest.raises(tc.ValueNotAllowedError, match="no inverse at these values"):
            f(np.zeros((2, 2)))


def test_too_much_memory_is_said_as_that():
    pytest.importorskip("torch")
    u = tc.vector("u", "n")
    with pytest.raises(tc.MemoryLimitError, match="at these sizes"):
        tc.outer(u, u).compile(backend="torch")(np.ones(2_000_000))


def test_numba_says_what_runs_as_numpy(at):
    pytest.importorskip("numba")
    f = tc.gradient(E, W).compile(backend="numba")
    f(at)
    assert (f.engine, f.reason) == ("numba", "")
    assert "@numba.njit" in f.source
    g = tc.prod(x).compile(backend="numba")
    assert g(at["x"]) == pytest.approx(at["x"].prod())
    assert g.engine == "numpy"
    assert g.reason
    assert "numba" not in g.source
    custom = tc.function("cube", value=lambda u: u**3)
    h = custom(x).compile(backend="numba")
    np.testing.assert_array_equal(h(at["x"]), at["x"] ** 3)
    assert (h.engine, "cube" in h.reason) == ("numpy", True)


RUN = """
import numpy as np, tensorcalc as tc
x = tc.vector("x", 3)
f = tc.tanh(tc.sigmoid(x)).compile(backend="numba")
print(f(np.zeros(3))[0], f.engine, sum(f.function.stats.cache_hits.values()))
"""


@pytest.mark.parametrize("writable", [True, False])
def test_numba_keeps_machine_code_in_the_users_cache_folder(writable, tmp_path):
    pytest.importorskip("numba")
    home = tmp_path / "home"
    if writable:
        home.mkdir()
    else:
        home.write_text("no folder: nothing can be written below")
    environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
    hits = []
    for _ in range(2):
        out = subprocess.run(
            [sys.executable, "-c", RUN], check=True, capture_output=True, text=True, env=environment
        ).stdout.split()
        assert float(out[0]) == pytest.approx(np.tanh(0.5))
        assert out[1] == "numba"
        hits.append(int(out[2]))
    assert hits == ([0, 1] if writable else [0, 0])


def test_array_api_takes_numpy_arrays_and_never_mixes_libraries(at):
    strict = Arrays("array_api")
    f = E.compile(backend="array_api")
    assert isinstance(f(at), np.ndarray)
    mixed = {**at, "x": strict.make(at["x"])}
    assert isinstance(f(mixed), type(strict.make(1.0)))


class Counted:
    """How often Dask computes something."""

    def __init__(self, dask):
        self.count = 0
        self.callback = dask.callbacks.Callback(start=self.started)

    def started(self, graph):
        self.count += 1


def test_dask_computes_nothing_before_it_is_asked_to(at):
    arrays, dask = Arrays("dask"), pytest.importorskip("dask")
    counted = Counted(dask)
    A = tc.matrix("A", 4, 4, symmetric=True)
    f = tc.compile([E, tc.gradient(E, W), tc.trace(A @ A)], backend="array_api")
    values = {name: arrays.make(value) for name, value in {**at, "A": np.eye(4)}.items()}
    with counted.callback:
        results = f(values)
        assert counted.count == 0
        assert float(results[2].compute()) == 4
    assert counted.count == 1


def test_chunks_cut_anywhere_fit_together(at):
    arrays = Arrays("dask")
    cuts = {"W": ((1, 4), (2, 1, 1)), "x": ((3, 1),), "y": ((2, 2, 1),)}
    f, values = ITEMS["∂E/∂W"].compile(backend="array_api"), {n: at[n] for n in cuts}
    result = f({n: arrays.package.from_array(at[n], chunks=cuts[n]) for n in cuts})
    np.testing.assert_allclose(result.compute(), ITEMS["∂E/∂W"].compile()(values), rtol=1e-12)


def test_what_dask_cannot_do_is_refused_by_name(at):
    arrays = Arrays("dask")
    A, u = tc.matrix("A", 4, 4), tc.vector("u", "n")
    whole = arrays.make(np.eye(4))
    with pytest.raises(tc.NotSupportedError, match=r"dask\.array\.linalg has no slogdet") as error:
        tc.logdet(A).compile(backend="array_api")(whole)
    assert 'backend="numpy"' in error.value.hint
    uneven = whole.rechunk((3, 2))
    with pytest.raises(tc.NotSupportedError, match="Dask cannot do it with these chunks") as error:
        tc.inv(A).compile(backend="array_api")(uneven)
    assert "x.rechunk(-1)" in error.value.hint
    some = arrays.make(at["x"])
    with pytest.raises(tc.ValueNotAllowedError, match="u does not know its size") as error:
        tc.sum(u).compile(backend="array_api")(some[some > 0])
    assert "u.compute_chunk_sizes()" in error.value.hint


def test_arrays_that_need_a_package_beside_them_are_refused_with_its_extra(monkeypatch):
    arrays = Arrays("dask")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    f = E.compile(backend="array_api")
    with pytest.raises(tc.ValueNotAllowedError, match=r"W is a dask\.Array") as error:
        f({"W": arrays.make(np.ones((5, 4))), "x": np.ones(4), "y": np.ones(5)})
    assert "pip install 'tensorcalc[array_api]'" in error.value.hint


@pytest.mark.parametrize("name", ["xp", "torch", "jnp", "jax", "device", "library_of"])
def test_a_variable_may_have_the_name_of_a_library(arrays, name):
    v = tc.vector(name, 3)
    f = tc.compile(tc.gradient(tc.sum(tc.softplus(v) * tc.norm(v)), v), backend=arrays.backend)
    values = np.array([1.0, -2.0, 3.0])
    assert f.arguments == (name,)
    v = tc.vector("v", 3)
    expected = tc.gradient(tc.sum(tc.softplus(v) * tc.norm(v)), v).compile()(v=values)
    np.testing.assert_allclose(arrays.numpy(f(**{name: arrays.make(values)})), expected)


@pytest.mark.parametrize("backend", ["torch", "array_api"])
def test_arrays_of_another_library_are_refused(backend, at):
    Arrays(backend)

    class Lazy:
        dtype, shape = np.dtype(float), (4,)

    with pytest.raises(tc.ValueNotAllowedError, match=r"the value of x is a test_backends\.Lazy"):
        E.compile(backend=backend)({**at, "x": Lazy()})


def test_importing_tensorcalc_loads_none_of_them():
    names = "('jax', 'torch', 'numba')"
    code = f"import sys, tensorcalc.evaluation; print([m for m in {names} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


def test_a_product_of_products_keeps_its_brackets(arrays):
    A, B = tc.matrix("A", 2, 2), tc.matrix("B", 2, 2)
    f = tc.trace(A.T @ B @ A).compile(backend=arrays.backend)
    a, b = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[2.0, 7.0], [1.0, 4.0]])
    found = f(A=arrays.make(a), B=arrays.make(b))
    assert float(found) == np.trace(a.T @ b @ a)


CONDITIONS = ("x < 1", "1 > x", "x <= 1", "1 >= x", "x > 1", "1 < x", "x >= 1", "abs(x) < 1")


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_number_may_stand_on_either_side_of_a_comparison(arrays, condition):
    p = tc.program(f"sum(where({condition}, x**2, 3 * x))", x=4)
    items = [p.result, tc.gradient(p.result, p["x"])]
    x = np.array([0.5, 1.0, -2.0, 3.0])
    found = tc.compile(items, backend=arrays.backend)(x=arrays.make(x))
    for one, other in zip(found, tc.compile(items)(x=x), strict=True):
        np.testing.assert_allclose(arrays.numpy(one), other)


@pytest.mark.parametrize("condition", ["x < y", "x <= y", "x < 1", "x >= y", "1 <= x"])
def test_infinities_are_compared_as_with_numpy(arrays, condition):
    p = tc.program(f"where({condition}, x, 3 * y)", x=5, y=5)
    items = [p.result, tc.derivative(p.result, p["x"])]
    inf, nan = float("inf"), float("nan")
    values = {"x": np.array([inf, -inf, -inf, 1, nan]), "y": np.array([inf, -inf, inf, 1, 2.0])}
    own = {name: arrays.make(value) for name, value in values.items()}
    found = tc.compile(items, backend=arrays.backend)(own)
    for one, other in zip(found, tc.compile(items)(values), strict=True):
        np.testing.assert_array_equal(arrays.numpy(one), other)


def test_contractions_and_costs_are_told_for_every_library(arrays):
    W, x = tc.matrix("W", "k n"), tc.vector("x", "n")
    f = (W @ x).compile("product", backend=arrays.backend)
    assert "W @ x     k × n, sum over n   2 k n" in str(f)
    assert f.cost(k=3, n=5).compiled.flops == 30


def test_arrays_like_those_before_are_not_checked_again_and_others_are(arrays, at):
    f = tc.compile(ITEMS["∇E"], backend=arrays.backend)
    values = {name: arrays.make(at[name]) for name in f.arguments}
    first = arrays.numpy(f(**values))
    for _ in range(3):
        np.testing.assert_array_equal(arrays.numpy(f(**values)), first)
        np.testing.assert_array_equal(arrays.numpy(f(*values.values())), first)
    name = f.arguments[0]
    single = {n: arrays.make(arrays.numpy(v), "float32") for n, v in values.items()}
    assert arrays.dtype(f(**single)) == "float32"
    with pytest.raises(tc.ShapeError, match=name):
        f(**{**values, name: arrays.make(np.ones((7, 2)))})
    with pytest.raises(tc.MissingValueError, match=name):
        f(**{n: v for n, v in values.items() if n != name})
