"""Functions for Numba: few parts however deep the network, and loops with NumPy's values."""

import itertools
import textwrap

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.backends import loops
from tensorcalc.backends.counted import counted
from tensorcalc.backends.parts import in_parts

SCALED = textwrap.dedent("""\
    import numba
    import numpy as np


    @numba.vectorize
    def relu(x):
        return 0.0 if x <= 0 else x""")

# Lines of a function of A, B, c and part_1; the lines and the new functions that become of them.
LINES = {
    "what is used once joins": (
        "Z = A @ B + c\nP = relu(Z)\nreturn P * P",
        "P = relu(A @ B + c)\nreturn P * P",
    ),
    "a product joins too": (
        "D = A @ B\nE = D * A\nreturn E / A * E",
        "E = A @ B * A\nreturn E / A * E",
    ),
    "brackets are kept": ("S = A - B\nreturn c - S * A", "return c - (A - B) * A"),
    "a sign joins": ("S = -A\nreturn np.exp(S)", "return np.exp(-A)"),
    "twice used": ("S = A + B\nreturn S * S", "S = A + B\nreturn S * S"),
    "no exponential is taken for every entry of a larger array": (
        "e = np.exp(c)\nreturn A * e",
        "e = np.exp(c)\nreturn A * e",
    ),
    "no quotient either": ("q = c / c\nreturn A * q", "q = c / c\nreturn A * q"),
    "products are of names": ("S = A + B\nreturn S @ A", "S = A + B\nreturn S @ A"),
    "calls of arrays are of names": (
        "S = A + B\nreturn np.outer(S, A)",
        "S = A + B\nreturn np.outer(S, A)",
    ),
    "the same of others is one function, with a free name": (
        "S = A @ B + c\nreturn (S, B @ A + part_1)",
        "S = part_1_1(A, B, c)\nreturn (S, part_1_1(B, A, part_1))",
        "def part_1_1(A, B, c):\n    return A @ B + c",
    ),
    "the same of equal names is another": (
        "return (A * A + B, A * B + B)",
        "return (A * A + B, A * B + B)",
    ),
    "numbers belong to a form": ("return (2 * A, 3 * A)", "return (2 * A, 3 * A)"),
    "names and views are no work": ("return (A, B, A.T, B.T)", "return (A, B, A.T, B.T)"),
    "loops": ("for k in A:\n    c = k\nreturn c", "for k in A:\n    c = k\nreturn c"),
}


@pytest.mark.parametrize("case", LINES)
def test_a_function_in_parts(case):
    before, after, *new = LINES[case]

    def text(body, *functions):
        main = f"@numba.njit\ndef f(A, B, c, part_1):\n{textwrap.indent(body, '    ')}"
        return "\n\n\n".join([SCALED, *(f"@jit\n{f}" for f in functions), main]) + "  # k × n\n"

    assert in_parts(text(before), ["exp"], {}, "@jit") == text(after, *new)


SIZES_OF_LAYERS = (4, 3, 5, 2, 3, 4, 2)


def network(layers):
    """Its cost and gradients by all weights and biases."""
    sizes = SIZES_OF_LAYERS
    lines, shapes, below = [], {"X": (sizes[0], "m"), "Y": (sizes[layers], "m")}, "X"
    for k in range(1, layers + 1):
        lines += [f"Z{k} = W{k} @ {below} + b{k}", f"A{k} = sigmoid(Z{k})"]
        shapes |= {f"W{k}": (sizes[k], sizes[k - 1]), f"b{k}": (sizes[k],)}
        below = f"A{k}"
    p = tc.program("\n".join([*lines, f"C = norm({below} - Y)**2 / 2"]), shapes)
    by = [f"{kind}{k}" for k in range(1, layers + 1) for kind in "Wb"]
    return [p["C"], *(tc.gradient(p["C"], p[name]) for name in by)]


def drawn(rng, samples):
    """Values for the network with all layers."""
    values = {"X": rng.normal(size=(4, samples)), "Y": rng.normal(size=(2, samples))}
    for k, (n, m) in enumerate(itertools.pairwise(SIZES_OF_LAYERS), 1):
        values |= {f"W{k}": rng.normal(size=(m, n)), f"b{k}": rng.normal(size=m)}
    return values


@pytest.mark.frameworks
def test_a_network_has_as_many_functions_at_every_depth():
    pytest.importorskip("numba")
    shallow, deep = (tc.compile(network(layers), backend="numba") for layers in (3, 6))
    assert deep.source.count("def ") == shallow.source.count("def ")
    rng = np.random.default_rng(0)
    for samples in (0, 1, 7):
        values = drawn(rng, samples)
        for found, expected in zip(deep(values), tc.compile(network(6))(values), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert deep.engine == "numba"


EDGES = [(0, 3), (3, 0), (1, 1), (3, 4), (2, 3, 4), (2, 0, 4)]
SIZES = [(40, 30, 50), (3, 30, 50), (40, 33, 50), (40, 32, 300), (2, 0, 3), (0, 2, 3), (1, 1, 1)]


@pytest.fixture(scope="module")
def jitted():
    """Functions of loops.py in machine code, by their names."""
    numba = pytest.importorskip("numba")
    return {
        f.__name__: numba.njit(error_model="numpy")(f)
        for f in (loops.row_sums, loops.times_transposed)
    }


@pytest.mark.frameworks
@pytest.mark.parametrize("shape", EDGES)
def test_sums_along_axis_1_are_those_of_numpy(jitted, shape):
    x = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(jitted["row_sums"](x), x.sum(axis=1), rtol=1e-13, atol=1e-13)
    if x.size:
        x[(0, *[-1] * (x.ndim - 1))] = np.nan
        np.testing.assert_allclose(jitted["row_sums"](x), x.sum(axis=1), rtol=1e-13, atol=1e-13)


@pytest.mark.frameworks
@pytest.mark.parametrize("sizes", SIZES)
def test_products_with_a_transpose_are_those_of_numpy(jitted, sizes):
    m, k, n = sizes
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(m, k)), rng.normal(size=(n, k))
    product = jitted["times_transposed"]
    np.testing.assert_allclose(product(a, b), a @ b.T, rtol=1e-12, atol=1e-12)
    if m:
        np.testing.assert_allclose(product(a[0], b), a[0] @ b.T, rtol=1e-12, atol=1e-12)


OVER_AXES = [
    *(
        "norm(X)",
        "norm(X, axis=0)",
        "norm(X, axis=1)",
        "max(X)",
        "max(X, axis=0)",
        "min(X, axis=1)",
    ),
    *("norm(x) + sum(norm_1)", "max(X) - max(x)", "norm(x - X.T@y)"),
]
NAN, INF = np.nan, np.inf
ROWS = {
    "ordinary": np.arange(6.0).reshape(2, 3) - 2.5,
    "ties": np.array([[1.0, 1, 0], [1, 1, 1]]),
    "not a number": np.array([[NAN, 1, 2], [3, NAN, INF]]),
    "infinite": np.array([[INF, 1, -INF], [-INF, -INF, -INF]]),
    "none": np.zeros((2, 3)),
    "large and small": np.array([[1e200, -1e300, 1], [1e-200, 3e-310, -1e-300]]),
    "no columns": np.zeros((2, 0)),
    "no rows": np.zeros((0, 3)),
}


def outcome(f, values):
    """The results, or the words of the refusal."""
    try:
        return f(values)
    except tc.TensorCalcError as error:
        return type(error), str(error), error.hint


@pytest.mark.frameworks
@pytest.mark.parametrize("text", OVER_AXES)
def test_norms_and_maxima_are_those_of_numpy(text):
    pytest.importorskip("numba")
    p = tc.program(text, {"X": "m n", "x": "n", "y": "m", "norm_1": "n"})
    by = p["X" if "X" in text else "x"]
    items = [p.result, tc.derivative(p.result, by, layout="mixed")]
    f, plain = tc.compile(items, backend="numba"), tc.compile(items)
    for X in ROWS.values():
        vectors = {"x": np.sum(X[:1], axis=0), "y": np.ones(len(X)), "norm_1": np.ones(X.shape[1])}
        values = {n: v for n, v in {"X": X, **vectors}.items() if n in f.arguments}
        with np.errstate(all="ignore"):
            wanted, found = outcome(plain, values), outcome(f, values)
            if isinstance(wanted[0], type):
                assert found == wanted
                continue
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-14, atol=0, strict=True)
            single = f({name: np.float32(v) for name, v in values.items()})
        assert {one.dtype.name for one in single} == {"float32"}
    assert f.engine == "numba"


def test_numbers_of_axes_become_functions_of_their_own():
    norm = "@jit\ndef norm(x, core):\n    return x.shape[:-core]"
    main = '@njit(error_model="numpy")\ndef f(X, norm_1):\n    return norm(X, {}) + norm({}, 2)'
    found = counted("\n\n\n".join(["import numba", norm, main.format(1, "norm_1")]), ["core"])
    assert found == "\n\n\n".join(
        [
            "import numba",
            "@jit\ndef norm_1_(x):\n    return x.shape[:-1]",
            "@jit\ndef norm_2(x):\n    return x.shape[:-2]",
            '@njit(error_model="numpy")\ndef f(X, norm_1):\n'
            "    return norm_1_(X) + norm_2(norm_1)\n",
        ]
    )
    assert counted(norm.replace("core", "k"), ["core"]) == norm.replace("core", "k")


@pytest.mark.parametrize("function", [loops.maximum_over, loops.share_of_maximum])
def test_no_maximum_is_read_where_there_is_none(function):
    with pytest.raises(ValueError, match="zero-size array"):
        function(np.zeros((2, 0)), 1)
