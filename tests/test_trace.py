"""Ordinary NumPy functions as programs: the truth is the function itself, run on arrays."""

import functools
import inspect
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorcalc as tc

try:
    import scipy.special as sc
except ImportError:  # its functions are traced where it is installed
    sc = None

without_scipy = pytest.mark.skipif(sc is None, reason="scipy is not installed")
POSITIVE = (0.4, 2.0)
UNIT = (-0.8, 0.8)
WIDE = (-1.5, 1.5)


def case(name, function, /, domain=WIDE, complex_step=True, marks=(), **shapes):
    """A row of the table: a function, shapes of its arguments, where values are drawn."""
    return pytest.param(function, shapes, domain, complex_step, id=name, marks=marks)


real = functools.partial(case, complex_step=False)
of_scipy = functools.partial(real, marks=without_scipy)
positive = functools.partial(case, domain=POSITIVE)
V, M, C = {"x": 4}, {"x": (3, 4)}, {"x": (2, 3, 4)}
S = {"x": (3, 3)}
I = 1.7 * np.eye(3)
DATA = np.random.default_rng(7).normal(size=(3, 4))

CASES = [
    # entry by entry
    case("add", lambda x, y: np.add(x, y), x=(3, 4), y=4),
    case("subtract", lambda x, y: np.subtract(x, y), x=(3, 1), y=(1, 4)),
    case("multiply", lambda x, y: np.multiply(x, y), x=(3, 4), y=4),
    positive("divide", lambda x, y: np.divide(x, y), x=4, y=(3, 4)),
    positive("true_divide", lambda x, y: np.true_divide(x, y), x=(3, 1), y=4),
    case("matmul", lambda x, y: np.matmul(x, y), x=(3, 4), y=(4, 2)),
    positive("power", lambda x: np.power(x, 2.5), **V),
    positive("power of arrays", lambda x, y: np.power(x, y), x=(3, 4), y=4),
    positive("float_power", lambda x: np.float_power(x, 3), **V),
    case("negative", lambda x: np.negative(x), **V),
    case("positive", lambda x: np.positive(x) * 2, **V),
    real("absolute", lambda x: np.absolute(x), **V),
    real("abs", lambda x: abs(x), **M),
    real("fabs", lambda x: np.fabs(x), **V),
    case("exp", lambda x: np.exp(x), **M),
    positive("log", lambda x: np.log(x), **M),
    case("log1p", lambda x: np.log1p(x), domain=UNIT, **V),
    case("expm1", lambda x: np.expm1(x), **V),
    positive("sqrt", lambda x: np.sqrt(x), **V),
    case("square", lambda x: np.square(x), **V),
    positive("reciprocal", lambda x: np.reciprocal(x), **V),
    case("sin", lambda x: np.sin(x), **V),
    case("cos", lambda x: np.cos(x), **V),
    case("tan", lambda x: np.tan(x), domain=UNIT, **V),
    case("sinh", lambda x: np.sinh(x), **V),
    case("cosh", lambda x: np.cosh(x), **V),
    case("tanh", lambda x: np.tanh(x), **V),
    case("arcsin", lambda x: np.arcsin(x), domain=UNIT, **V),
    case("arccos", lambda x: np.arccos(x), domain=UNIT, **V),
    case("arctan", lambda x: np.arctan(x), domain=UNIT, **V),
    case("arctanh", lambda x: np.arctanh(x), domain=UNIT, **V),
    real("sign", lambda x: np.sign(x) * x, **V),
    case("exp2", lambda x: np.exp2(x), **V),
    positive("log2", lambda x: np.log2(x), **V),
    positive("log10", lambda x: np.log10(x), **V),
    real("logaddexp", lambda x, y: np.logaddexp(x, y), x=(3, 4), y=4),
    real("hypot", lambda x, y: np.hypot(x, y), x=4, y=4),
    real("deg2rad", lambda x: np.deg2rad(x), **V),
    real("degrees", lambda x: np.degrees(x), **V),
    real("maximum", lambda x, y: np.maximum(x, y), x=(3, 4), y=4),
    real("maximum of a number", lambda x: np.maximum(x, 0), **M),
    real("minimum", lambda x, y: np.minimum(x, y), x=(3, 1), y=4),
    real("clip", lambda x: np.clip(x, -0.5, 0.7), **M),
    real("x.clip", lambda x: x.clip(-0.5, 0.7) + x.clip(min=0), **M),
    real("where greater", lambda x: np.where(x > 0, x**2, np.exp(x)), **M),
    real("where less", lambda x, y: np.where(x < y, x * y, y), x=(3, 4), y=4),
    real("where not", lambda x: np.where(~(x >= 0.3), x, 2 * x), **M),
    real("where and", lambda x: np.where((x > -1) & (x <= 1), x**2, 0), **M),
    real("where or", lambda x: np.where((x < -1) | (x > 1), x**2, x), **M),
    real("logical_and", lambda x: np.where(np.logical_and(x > -1, x < 1), x**2, 0.0), **M),
    real("logical_not", lambda x: np.where(np.logical_not(x > 0), x, 0.0), **M),
    real("select", lambda x: np.select([x > 1, x > 0], [x**2, x**3], 0.5 * x), **M),
    real("condition times", lambda x: (x > 0) * x, **M),
    case("constant condition", lambda x: np.where(DATA > 0, x, 2 * x), **M),
    of_scipy("expit", lambda x: sc.expit(x), **V),
    of_scipy("log_expit", lambda x: sc.log_expit(x), **V),
    of_scipy("erf", lambda x: sc.erf(x), **V),
    of_scipy("logit", lambda x: sc.logit(x), domain=(0.2, 0.8), **V),
    of_scipy("xlogy", lambda x, y: sc.xlogy(x, y), domain=POSITIVE, x=4, y=4),
    of_scipy("ndtr", lambda x: sc.ndtr(x), **V),
    of_scipy("entr", lambda x: sc.entr(x), domain=POSITIVE, **V),
    # operators and shapes
    case("operators", lambda x, y: -((2 * x - y / 3 + 1) ** 2) / (4 + x * x), x=(3, 4), y=4),
    case("base of a number", lambda x: 2**x + np.float64(3) ** x, **V),
    case("array on the left", lambda x: DATA @ x - DATA.sum(1) * 2, **V),
    case("array operators", lambda x: (DATA + x) * DATA - DATA / (9 + x), **M),
    case("list", lambda x: x * [1, 2, 3, 4], **V),
    case("powers", lambda x: x**0 + x**1 + x**2 + x**3, **V),
    positive("negative power", lambda x: x**-1 + x**-2 + x**0.5, **V),
    case("scalar", lambda x: np.sin(x) * x, x=()),
    case("scalar with array", lambda x, y: x * y + x, x=(), y=(3, 4)),
    case("zeros plus a scalar", lambda x: np.zeros(4) + x * x, x=()),
    case("size one", lambda x, y: x * y + y, x=(1,), y=(1, 1)),
    case("three axes", lambda x, y: x * y + y, x=(2, 3, 4), y=(3, 1)),
    case("column plus row", lambda x, y: x[:, None] + y[None, :], x=3, y=4),
    case("numbers of axes", lambda x: x / x.shape[0] + x.ndim * x / len(x) + x.size, **M),
    case("sum of a list", lambda x: sum([x, 2 * x, x**2]), **V),
    # reductions
    case("sum", lambda x: np.sum(x**2), **M),
    case("sum axis", lambda x: np.sum(x**2, axis=0), **M),
    case("sum axes", lambda x: np.sum(x**2, axis=(0, -1)), **C),
    case("sum keepdims", lambda x: x / (9 + np.sum(x, axis=1, keepdims=True)), **M),
    case("sum to 1 x 1", lambda x: x * np.sum(x, keepdims=True), **M),
    case("x.sum", lambda x: x.sum(1) * x.sum(axis=-1), **C | {"x": (2, 3, 3)}),
    case("add.reduce", lambda x: np.add.reduce(x**2), **M),
    case("mean", lambda x: np.mean(x**2), **M),
    case("mean axis", lambda x: x - np.mean(x, axis=-1, keepdims=True), **C),
    case("x.mean", lambda x: x.mean(0) * x.mean(), **M),
    case("average", lambda x: np.average(x, axis=1, weights=[1, 2, 3, 4.0]), **M),
    real("var", lambda x: np.var(x), **M),
    real("var axis", lambda x: np.var(x, axis=0, ddof=1, keepdims=True), **M),
    real("std", lambda x: np.std(x, axis=-1), **M),
    real("x.std", lambda x: x.std(ddof=1), **V),
    case("prod", lambda x: np.prod(x), **V),
    case("prod axis", lambda x: x.prod(axis=0), **M),
    real("max", lambda x: np.max(x), **M),
    real("max axis", lambda x: x - np.max(x, axis=1, keepdims=True), **M),
    real("amax", lambda x: np.amax(x, axis=(0, 2)), **C),
    real("min", lambda x: np.min(x, axis=0), **M),
    real("amin", lambda x: np.amin(x), **M),
    real("x.max, x.min", lambda x: x.max() - x.min(axis=-1), **M),
    real("ptp", lambda x: np.ptp(x, axis=0), **M),
    case("cumsum", lambda x: np.cumsum(x, axis=1), **M),
    case("cumsum of all", lambda x: x.cumsum() ** 2, **M),
    case("norm", lambda x: np.linalg.norm(x), complex_step=False, **V),
    real("norm of a matrix", lambda x: np.linalg.norm(x), **M),
    real("norm fro", lambda x: np.linalg.norm(x, "fro"), **M),
    real("norm 1", lambda x: np.linalg.norm(x, 1), **V),
    real("norm 3", lambda x: np.linalg.norm(x, 3), **V),
    real("norm inf", lambda x: np.linalg.norm(x, np.inf), **V),
    real("norm axis", lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), **M),
    real("norm 1 of a matrix", lambda x: np.linalg.norm(x, 1), **M),
    real("norm inf of matrices", lambda x: np.linalg.norm(x, np.inf, axis=(1, 2)), **C),
    real("norm -1 of matrices", lambda x: np.linalg.norm(x, -1, axis=(2, 0)), **C),
    # products
    case("dot", lambda x, y: np.dot(x, y), x=4, y=4),
    case("dot of matrices", lambda x, y: np.dot(x, y), x=(3, 4), y=(4, 2)),
    case("dot with a vector", lambda x, y: x.dot(y), x=(2, 3, 4), y=4),
    case("dot of more axes", lambda x, y: np.dot(x, y), x=(3, 4), y=(2, 4, 3)),
    case("dot with a number", lambda x, y: np.dot(x, y), x=(), y=(4,)),
    case("matrix @ vector", lambda x, y: x @ y, x=(3, 4), y=4),
    case("vector @ matrix", lambda x, y: x @ y, x=3, y=(3, 4)),
    case("vector @ vector", lambda x, y: x @ y, x=4, y=4),
    case("batched @", lambda x, y: x @ y, x=(2, 3, 4), y=(2, 4, 2)),
    case("broadcast @", lambda x, y: x @ y, x=(2, 3, 4), y=(4, 2)),
    case("broadcast batch @", lambda x, y: x @ y, x=(2, 1, 3, 4), y=(3, 4, 2)),
    case("batch @ vector", lambda x, y: x @ y, x=(2, 3, 4), y=4),
    case("vector @ batch", lambda x, y: x @ y, x=3, y=(2, 3, 4)),
    case("inner", lambda x, y: np.inner(x, y), x=(3, 4), y=(2, 4)),
    case("outer", lambda x, y: np.outer(x, y), x=3, y=(2, 2)),
    real("vdot", lambda x, y: np.vdot(x, y), x=(3, 4), y=(3, 4)),
    case("multiply.outer", lambda x, y: np.multiply.outer(x, y), x=3, y=(2, 2)),
    case("tensordot", lambda x, y: np.tensordot(x, y), x=(2, 3, 4), y=(3, 4, 2)),
    case(
        "tensordot axes",
        lambda x, y: np.tensordot(x, y, axes=([0, 2], [1, 0])),
        x=(2, 3, 4),
        y=(4, 2),
    ),
    case("einsum", lambda x, y: np.einsum("ij,jk->ki", x, y), x=(3, 4), y=(4, 2)),
    case("einsum implicit", lambda x, y: np.einsum("kj,ji", x, y), x=(3, 4), y=(4, 2)),
    case("einsum diagonal", lambda x: np.einsum("ii->i", x) * np.einsum("ii", x), **S),
    case("einsum ellipsis", lambda x, y: np.einsum("...ij,...j->...i", x, y), x=(2, 3, 4), y=4),
    case("einsum of lists", lambda x, y: np.einsum(x, [0, 1], y, [1], [0]), x=(3, 4), y=4),
    case("multi_dot", lambda x, y: np.linalg.multi_dot([y, x, x.T, y]), x=(3, 4), y=3),
    case("kron", lambda x, y: np.kron(x, y), x=(2, 3), y=(3, 2)),
    case("kron of vectors", lambda x, y: np.kron(x, y), x=2, y=3),
    case("kron mixed", lambda x, y: np.kron(x, y), x=(2, 3), y=2),
    case("cross", lambda x, y: np.cross(x, y), x=(2, 3), y=3),
    case("trace", lambda x: np.trace(x @ x), **S),
    case("trace offset", lambda x: x.trace(1), **M),
    case("trace of three axes", lambda x: np.trace(x), x=(3, 3, 2)),
    case("diag", lambda x: np.diag(x) @ np.arange(4.0), **V),
    case("diag below", lambda x: np.diag(x, -1), **V),
    case("diag of a matrix", lambda x: np.diag(x), **M),
    case("diagonal", lambda x: x.diagonal(1), **M),
    case("diagonal of stacks", lambda x: np.diagonal(x, axis1=1, axis2=2), x=(2, 3, 3)),
    case("inv", lambda x: np.linalg.inv(x + 4 * np.eye(3)), **S),
    case("inv of stacks", lambda x: np.linalg.inv(x + 4 * np.eye(3)), x=(2, 3, 3)),
    case("det", lambda x: np.linalg.det(x), **S),
    real("slogdet", lambda x: np.linalg.slogdet(x @ x.T + I)[1], **S),
    real("slogdet name", lambda x: np.linalg.slogdet(x @ x.T + I).logabsdet, x=(2, 3, 3)[1:]),
    case("solve", lambda x, y: np.linalg.solve(x + 4 * np.eye(3), y), x=(3, 3), y=3),
    case("solve matrix", lambda x, y: np.linalg.solve(x + 4 * np.eye(3), y), x=(3, 3), y=(3, 2)),
    case(
        "solve stacks", lambda x, y: np.linalg.solve(x + 4 * np.eye(3), y), x=(2, 3, 3), y=(2, 3, 2)
    ),
    case("matrix_power", lambda x: np.linalg.matrix_power(x, 3), **S),
    case("matrix_power -2", lambda x: np.linalg.matrix_power(x + 4 * np.eye(3), -2), **S),
    # axes
    case("transpose", lambda x: np.transpose(x, (1, 2, 0)), **C),
    case("x.T", lambda x: x.T * 2, **C),
    case("x.transpose", lambda x: x.transpose(2, 0, 1) + x.transpose((2, 0, 1)), **C),
    case("swapaxes", lambda x: np.swapaxes(x, 0, -1), **C),
    case("moveaxis", lambda x: np.moveaxis(x, 0, -1), **C),
    case("moveaxis several", lambda x: np.moveaxis(x, [0, 1], [-1, 0]), **C),
    case("reshape", lambda x: np.reshape(x, (4, 3)) @ x, **M),
    case("reshape -1", lambda x: x.reshape(2, -1), **C),
    case("reshape parts", lambda x: x.reshape(6, 2, 1, 2), **C),
    case("reshape back", lambda x: np.sin(x.reshape(12)).reshape((3, 4)), **M),
    case("reshape with ones", lambda x: x.reshape(1, 4, 1), **V),
    case("reshape to a number", lambda x: x.reshape(()) * 2, x=(1, 1)),
    case("ravel", lambda x: np.ravel(x) ** 2, **M),
    case("flatten", lambda x: x.flatten() ** 2, **C),
    case("expand_dims", lambda x: np.expand_dims(x, (0, 2)), **V),
    case("squeeze", lambda x: np.squeeze(x) * x.squeeze(0), x=(1, 4, 1)),
    case("atleast_2d", lambda x: np.atleast_2d(x) * np.atleast_1d(x), **V),
    case("atleast_3d", lambda x: np.atleast_3d(x), **M),
    case("broadcast_to", lambda x: np.broadcast_to(x, (3, 4)) * DATA, **V),
    case("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y)[1] * x, x=(3, 4), y=4),
    case("concatenate", lambda x, y: np.concatenate([x, y, x]), x=4, y=2),
    case("concatenate axis", lambda x, y: np.concatenate((x, DATA, y), axis=1), x=(3, 2), y=(3, 1)),
    case("concatenate None", lambda x, y: np.concatenate((x, y), axis=None), x=(3, 2), y=2),
    case("stack", lambda x, y: np.stack([x, y, x * y]), x=4, y=4),
    case("stack last", lambda x, y: np.stack([x, y], axis=-1), x=(3, 4), y=(3, 4)),
    case("stack numbers", lambda x, y: np.stack([x, y, x * y, 2.0]), x=(), y=()),
    case("hstack", lambda x, y: np.hstack([x, y]), x=(3, 2), y=(3, 1)),
    case("vstack", lambda x, y: np.vstack([x, y]), x=(3, 4), y=4),
    case("column_stack", lambda x, y: np.column_stack([x, y]), x=3, y=(3, 2)),
    case("dstack", lambda x, y: np.dstack([x, y]), x=(3, 2), y=(3, 2)),
    case("split", lambda x: np.split(x, 2, axis=1)[1] * np.split(x, [1, 3], axis=1)[1], **M),
    case("index", lambda x: x[0] * x[-1] + x[1, 2], **M),
    case("slices", lambda x: x[1:, ::2] - x[:-1, 1::2], **M),
    case("reversed", lambda x: x[::-1] * x, **V),
    case("ellipsis", lambda x: x[..., 1] + x[0, ..., :1].T + x[:, None, 1, 2, None], **C),
    case("newaxis", lambda x: x[:, np.newaxis] * x[None], **V),
    case("loop", lambda x: sum(row @ row * k for k, row in enumerate(x)), **M),
    case("unpacked", lambda x: (lambda a, b, c: a * b - c)(*x), **M),
    case("flip", lambda x: np.flip(x) * np.fliplr(x) - np.flipud(x), **M),
    case("roll", lambda x: np.roll(x, 1), **M),
    case("roll along an axis", lambda x: np.roll(x, -2, axis=1) * np.roll(x, 1, axis=0), **M),
    case("diff", lambda x: np.diff(x) ** 2, **M),
    case("diff twice", lambda x: np.diff(x, n=2, axis=0), **M),
    case("tril", lambda x: np.tril(x) @ np.triu(x, 1), **S),
    case("polyval", lambda x, y: np.polyval(x, y), x=3, y=(2, 2)),
    real("copy, astype", lambda x: x.copy().astype(float) * np.copy(x).astype("float64"), **V),
    case("ones_like", lambda x: x * np.ones_like(x) + np.zeros_like(x) + np.full_like(x, 3), **M),
    case("shape", lambda x: np.ones(x.shape) @ x.T, **M),
    case("real", lambda x: np.conj(x) * 2, complex_step=False, **V),
]


# ── the function itself, on arrays, is the truth ─────────────────────────────────────────


def values_for(shapes, domain, rng):
    sized = {name: (shape,) if isinstance(shape, int) else shape for name, shape in shapes.items()}
    return {name: rng.uniform(*domain, size=shape) for name, shape in sized.items()}


def slopes(function, values, name, complex_step=True, h=1e-5):
    """∂function/∂values[name], value axes first, by differences of the function itself."""
    x = np.asarray(values[name])
    columns = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = 1
        step = step.reshape(x.shape)
        if complex_step:
            up = function(**{**values, name: x + 1e-30j * step})
            columns.append(np.imag(up) / 1e-30)
        else:
            up, down = (function(**{**values, name: x + s * h * step}) for s in (1, -1))
            columns.append((np.asarray(up) - down) / (2 * h))
    return np.stack(columns, axis=-1).reshape((*np.shape(columns[0]), *x.shape))


@pytest.mark.parametrize(("function", "shapes", "domain", "complex_step"), CASES)
def test_a_function_has_its_value_and_its_slopes(function, shapes, domain, complex_step, rng):
    p = tc.program(function, shapes)
    values = values_for(shapes, domain, rng)
    expected = np.asarray(function(**values))
    value = p.result.evaluate(values)
    assert value.shape == expected.shape == p.result.shape
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    for name in shapes:
        d = p.derivative(p.result, name)
        assert d.layout == "mixed"
        wanted = slopes(function, values, name, complex_step)
        close = {"rtol": 1e-11, "atol": 1e-11} if complex_step else {"rtol": 1e-7, "atol": 1e-8}
        got = d.evaluate(values)
        assert got.shape == wanted.shape == d.shape
        np.testing.assert_allclose(got, wanted, **close)


SMOOTH = [row for row in CASES if row.values[3] and "int" not in row.id]


@pytest.mark.parametrize(("function", "shapes", "domain", "complex_step"), SMOOTH)
def test_a_sum_of_a_smooth_function_has_its_second_slopes(
    function, shapes, domain, complex_step, rng
):
    weights = rng.normal(size=np.shape(function(**values_for(shapes, domain, rng))))
    energy = lambda **values: np.sum(weights * function(**values))
    values = values_for(shapes, domain, rng)
    energy.__signature__ = inspect.signature(function)
    p = tc.program(energy, shapes)
    name = next(iter(shapes))
    d = p.derivative(p.result, name, name)
    first = lambda **values: slopes(energy, values, name)
    wanted = slopes(first, values, name, complex_step=False)
    np.testing.assert_allclose(d.evaluate(values), wanted, rtol=1e-6, atol=1e-7)


SMOOTH_ON_THE_LINE = (
    *("var", "var axis", "std", "x.std", "logaddexp", "hypot", "expit", "erf", "slogdet"),
    *("norm", "norm of a matrix", "logit", "ndtr", "entr", "xlogy"),
)
REAL_AND_SMOOTH = [row for row in CASES if row.id in SMOOTH_ON_THE_LINE]


@pytest.mark.parametrize(("function", "shapes", "domain", "complex_step"), REAL_AND_SMOOTH)
def test_second_slopes_are_the_slopes_of_the_first(function, shapes, domain, complex_step, rng):
    energy = lambda **values: np.sum(np.sin(function(**values)))
    energy.__signature__ = inspect.signature(function)
    p = tc.program(energy, shapes)
    values = values_for(shapes, domain, rng)
    name = next(iter(shapes))
    first = p.derivative(p.result, name)
    wanted = slopes(lambda **values: first.evaluate(values), values, name, complex_step=False)
    got = p.derivative(p.result, name, name).evaluate(values)
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-7)


# ── models as people write them ──────────────────────────────────────────────────────────


def two_layers(params, X, Y):
    Z = X @ params["W1"] + params["b1"]
    H = np.tanh(Z)
    logits = H @ params["W2"] + params["b2"]
    e = np.exp(logits)
    P = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(Y * np.log(P), axis=1))


def layer_norm(x, g, b):
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return g * centred / spread + b


def batch_norm(x, g, b):
    mean, var = np.mean(x, axis=0), np.mean((x - np.mean(x, axis=0)) ** 2, axis=0)
    return (x - mean) / np.sqrt(var + 1e-5) * g + b


def attention(Q, K, V):
    scores = Q @ np.swapaxes(K, -1, -2) / np.sqrt(K.shape[-1])
    weights = np.exp(scores)
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return weights @ V


def heads(x, W):
    n, d = x.shape
    q, k, v = np.split(x @ W, 3, axis=1)
    q, k, v = (t.reshape(n, 2, d // 2).transpose(1, 0, 2) for t in (q, k, v))
    return attention(q, k, v).transpose(1, 0, 2).reshape(n, d)


def rnn(W, U, b, xs, h):
    for x in xs:
        h = np.tanh(W @ x + U @ h + b)
    return h


def lstm(params, xs, state):
    h, c = state
    for t in range(3):
        z = params["W"] @ xs[t] + params["U"] @ h + params["b"]
        i, f, o = (1 / (1 + np.exp(-z[2 * k : 2 * k + 2])) for k in range(3))
        c = f * c + i * np.tanh(z[6:])
        h = o * np.tanh(c)
    return (h**2).sum()


def gaussian_process(log_scale, log_noise, x, y):
    distance = (x[:, None] - x[None, :]) ** 2
    K = np.exp(-0.5 * distance * np.exp(-2 * log_scale)) + np.exp(log_noise) * np.eye(len(x))
    logdet = np.linalg.slogdet(K)[1]
    fit = y @ np.linalg.solve(K, y)
    return -0.5 * (fit + logdet + len(x) * np.log(2 * np.pi))


def logistic(w, b, X, y):
    z = X @ w + b
    return np.mean(np.log1p(np.exp(z)) - y * z)


def factorisation(U, V):
    R = np.where(DATA > 0, DATA, 0.0)
    E = (DATA > 0) * (R - U @ V.T)
    return np.sum(E**2) + 0.1 * (np.sum(U**2) + np.sum(V**2))


def residual(x, W1, W2):
    return x + np.maximum(x @ W1, 0) @ W2


def gelu(x, W):
    z = x @ W
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def convolution(x, w):
    return np.stack([np.sum(x[k : k + 3] * w) for k in range(4)])


NET = {"W1": (4, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
MODELS = [
    (two_layers, {"params": NET, "X": (6, 4), "Y": (6, 3)}),
    (layer_norm, {"x": (2, 3, 4), "g": 4, "b": 4}),
    (batch_norm, {"x": (5, 3), "g": 3, "b": 3}),
    (attention, {"Q": (2, 3, 4), "K": (2, 5, 4), "V": (2, 5, 2)}),
    (heads, {"x": (3, 4), "W": (4, 12)}),
    (rnn, {"W": (2, 3), "U": (2, 2), "b": 2, "xs": (3, 3), "h": 2}),
    (lstm, {"params": {"W": (8, 3), "U": (8, 2), "b": 8}, "xs": (3, 3), "state": ((2,), (2,))}),
    (gaussian_process, {"log_scale": (), "log_noise": (), "x": 5, "y": 5}),
    (logistic, {"w": 3, "b": (), "X": (5, 3), "y": 5}),
    (factorisation, {"U": (3, 2), "V": (4, 2)}),
    (residual, {"x": (3, 4), "W1": (4, 5), "W2": (5, 4)}),
    (gelu, {"x": (3, 4), "W": (4, 2)}),
    (convolution, {"x": 6, "w": 3}),
]


def drawn(spec, rng):
    """Arrays in the places of shapes."""
    if isinstance(spec, dict):
        return {key: drawn(part, rng) for key, part in spec.items()}
    if isinstance(spec, tuple) and any(isinstance(part, tuple) for part in spec):
        return tuple(drawn(part, rng) for part in spec)
    return rng.normal(size=spec)


def with_leaf(tree, path, value):
    """The tree with another array at one place."""
    if not path:
        return value
    parts = dict(tree) if isinstance(tree, dict) else list(tree)
    parts[path[0]] = with_leaf(tree[path[0]], path[1:], value)
    return parts


def leaves(tree, path=()):
    if isinstance(tree, dict | tuple | list):
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(part, (*path, key))
    else:
        yield path, tree


@pytest.mark.parametrize(("model", "specs"), MODELS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_model_has_its_value_and_its_slopes(model, specs, rng):
    p = tc.program(model, specs)
    values = {name: drawn(spec, rng) for name, spec in specs.items()}
    np.testing.assert_allclose(p.result.evaluate(values), model(**values), rtol=1e-12, atol=1e-12)
    names = [name for name in p if isinstance(p[name].expr, tc.tensor("u", 1).expr.__class__)]
    assert len(names) == len(list(leaves(values)))
    for name, (path, array) in zip(names, leaves(values), strict=True):
        by_leaf = lambda leaf, path=path: model(**with_leaf(values, path, leaf))
        complex_step = model not in (residual, gaussian_process)
        wanted = slopes(by_leaf, {"leaf": array}, "leaf", complex_step)
        got = p.derivative(p.result, name).evaluate(values)
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("model", "specs"), MODELS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_model_passes_its_own_check(model, specs):
    p = tc.program(model, specs)
    assert p.derivative(p.result, next(iter(p))).verify()


# ── names, shapes, parameters ────────────────────────────────────────────────────────────


def test_local_variables_are_named_intermediates_in_order_of_dependence():
    def model(W, x, y):
        v = W @ x
        s = 1 / (1 + np.exp(-v))
        h = s - y
        E = np.sum(h**2) / 2
        return E  # noqa: RET504 - it has a name

    p = tc.program(model, W=(5, 4), x=4, y=5)
    assert list(p) == ["W", "x", "y", "v", "s", "h", "E"]
    assert repr(p["E"]) == "E = ½ ‖h‖² : scalar"
    assert p.result is p["E"]
    assert repr(p.derivative("E", "h")) == "∂E/∂h = h : (5,) gradient, mixed"
    assert repr(p.derivative("v", "x")) == "∂v/∂x = W : 5 × 4 Jacobian, mixed"
    chain = p.derivative("E", "s") @ p.derivative("s", "v") @ p.derivative("v", "W")
    assert tc.equal(chain.value, p.derivative("E", "W").value)


@pytest.mark.parametrize("kind", ["function", "text"])
def test_a_sigmoid_that_is_written_out_has_the_slope_of_its_name(kind):
    def model(x):
        s = 1 / (1 + np.exp(-x))
        return s @ s

    program = model if kind == "function" else "s = 1 / (1 + exp(-x)); s.T @ s"
    p = tc.program(program, x=3)
    assert "s = σ(x)" in repr(p)
    assert repr(p.derivative(p["s"], "x")).startswith("∂s/∂x = diag(s ⊙ (1 − s))")


def test_a_named_exponential_stays_where_it_is_used():
    def model(x):
        e = np.exp(-x)
        s = 1 / (1 + e)
        return s.sum()

    p = tc.program(model, x=3)
    assert "e" in p.derivative(p["s"], "e").entry()


def test_a_name_counts_for_its_last_binding_and_an_alias_is_no_definition():
    def model(x, scale=2.0):
        u = scale * x
        u = u + 1
        same = u
        again = x
        _hidden = u * 3
        x = x * 7
        parts = [u * 2, u * 3]
        n = len(parts)
        return same * again + _hidden + parts[0] + n + x

    p = tc.program(model, x=3)
    assert list(p) == ["x", "u"]
    assert repr(p["u"]) == "u = 2 x + 1 : 3 × 1 column"
    at = {"x": np.array([1.0, 2, 3])}
    np.testing.assert_allclose(p.result.evaluate(at), model(at["x"]))


def test_an_intermediate_is_independent_in_what_is_built_on_it(rng):
    def model(x):
        p = x * x
        s = p.sum()
        return s * p

    p = tc.program(model, x=3)
    at = {"x": rng.normal(size=3)}
    got = p.derivative(p.result, "p").evaluate(at)
    squares = at["x"] ** 2
    np.testing.assert_allclose(got, np.outer(squares, np.ones(3)) + squares.sum() * np.eye(3))


def test_locals_of_helpers_are_not_named_and_those_of_recursion_are_the_outermost():
    def helper(x):
        inner = x * 2
        return inner + 1

    def model(x, depth=2):
        u = helper(x) if depth else x
        return np.sin(u) if not depth else model(u, depth - 1) * u

    p = tc.program(model, x=2)
    assert list(p) == ["x", "u"]
    assert repr(p["u"]) == "u = 2 x + 1 : 2 × 1 column"


def test_what_a_program_computes_stays_a_product_of_its_names():
    def model(A, b):
        r = np.linalg.norm(A @ b)
        E = r**2 / 2
        F = np.linalg.norm(b) ** 2
        return E + F

    p = tc.program(model, A=(3, 2), b=2)
    assert repr(p["E"]) == "E = ½ r² : scalar"
    assert repr(p["F"]) == "F = ‖b‖² : scalar"


def test_a_product_that_is_used_twice_is_computed_once():
    def model(A, B):
        return sum((P.sum() + np.tanh(P).sum()) for P in [A @ B])

    source = tc.program(model, A=(3, 4), B=(4, 2)).result.compile().source
    assert (source.count("A"), source.count("A @ B")) == (2, 1)  # as a parameter, and there


def test_derivatives_are_mixed_by_default_and_gradients_have_their_own_shape(rng):
    p = tc.program(lambda W, x: np.tanh(W @ x), W=(3, 2), x=2)
    assert p.derivative(p.result, "W").shape == (3, 3, 2)
    assert p.derivative(p.result, "W", layout="numerator").shape == (3, 2, 3)
    assert p.layout == "mixed"
    assert tc.program("v = W @ x", W=(3, 2), x=2).layout == "numerator"
    assert "mixed" in repr(p.derivative(p.result, "W"))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"W": (5, 4), "x": 4}, {}),
        ([("W", (5, 4)), ("x", 4)], {}),
        ({"W": np.ones((5, 4))}, {"x": (4,)}),
        (None, {"W": "5 4", "x": [4]}),
    ],
)
def test_shapes_are_given_in_every_form(given, named):
    p = tc.program(lambda W, x: W @ x, given, **named)
    assert (p["W"].shape, p["x"].shape, p.result.shape) == ((5, 4), (4,), (5,))


def test_named_sizes_fit_themselves_and_one():
    def model(W, x, b):
        n = x.shape[0]
        z = x @ W + b
        return np.sum(z**2) / n + z.mean() + z.var()

    p = tc.program(model, W="k m", x="n k", b="m")
    rng = np.random.default_rng(0)
    at = {"W": rng.normal(size=(3, 2)), "x": rng.normal(size=(4, 3)), "b": rng.normal(size=2)}
    np.testing.assert_allclose(p.result.evaluate(at), model(**at))
    for name in at:
        wanted = slopes(model, at, name, complex_step=False)
        np.testing.assert_allclose(p.derivative(p.result, name).evaluate(at), wanted, atol=1e-8)
    with pytest.raises(tc.ShapeError, match=r"x \(n, k\) and b \(m,\): they do not fit"):
        tc.program(lambda x, b: x + b, x="n k", b="m")


def test_named_sizes_are_merged_and_split():
    def model(x):
        n, k = x.shape
        assert (n == n) is True
        assert (n == k) is False
        return x.reshape(n * k) * np.sin(x.ravel()) + x.reshape(k, n).T.reshape(-1)

    p = tc.program(model, x="n k")
    x = np.random.default_rng(0).normal(size=(2, 3))
    wanted = x.ravel() * np.sin(x.ravel()) + x.reshape(3, 2).T.ravel()
    np.testing.assert_allclose(p.result.evaluate(x=x), wanted)


def test_parameters_in_containers_are_named_by_their_keys():
    layers = [{"W": (3, 2), "b": 3}, {"W": (1, 3), "b": 1}]

    def model(layers, x, scale):
        for layer in layers:
            x = np.tanh(layer["W"] @ x + layer["b"])
        return np.sum(x) * scale["gamma"]

    p = tc.program(model, layers=layers, x=2, scale={"gamma": ()})
    assert list(p)[:-1] == ["layers_0_W", "layers_0_b", "layers_1_W", "layers_1_b", "x"]
    assert "gamma" in p
    rng = np.random.default_rng(0)
    values = {
        "layers": [
            {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=3)},
            {"W": rng.normal(size=(1, 3)), "b": rng.normal(size=1)},
        ],
        "x": rng.normal(size=2),
        "scale": {"gamma": 2.0},
    }
    assert p.result.evaluate(values) == pytest.approx(model(**values))
    assert p.result.evaluate(**values) == pytest.approx(model(**values))
    d = p.derivative(p.result, "layers_1_W")
    by_leaf = lambda W: model(**with_leaf(values, ("layers", 1, "W"), W))
    wanted = slopes(by_leaf, {"W": values["layers"][1]["W"]}, "W")
    np.testing.assert_allclose(d.evaluate(values), wanted, rtol=1e-12)


def test_lists_of_numbers_are_arrays_and_a_value_by_name_goes_before_a_part():
    p = tc.program(lambda params, x: params["a"] * x, params={"a": 2}, x=2)
    got = p.result.evaluate(params={"a": [1, 2], "x": [9, 9]}, x=[3, 4])
    np.testing.assert_allclose(got, [3, 8])
    p = tc.program(lambda params, params_a: params["a"] * params_a, params={"a": 2}, params_a=2)
    np.testing.assert_allclose(p.result.evaluate(params={"a": [1, 2]}, params_a=[3, 4]), [3, 8])
    p = tc.program(lambda x: x[0]["W"] * x[1]["W"], x=[{"W": 2}, {"W": 2}])
    np.testing.assert_allclose(p.result.evaluate(x=[{"W": [1, 2]}, {}], x_1_W=[3, 4]), [3, 8])
    with pytest.raises(tc.NameClashError, match="two parameters would be called a_b_c"):
        tc.program(lambda a, a_b, z: 0, a={"b_c": 2, "c": {"b_c": 1}}, a_b={"c": 2}, z={"c": 1})


def test_callables_of_every_kind_are_traced():
    class Model:
        def __call__(self, x):
            u = 2 * x
            return u * u

        def method(self, x):
            u = 3 * x
            return u * u

        @staticmethod
        @functools.cache
        def cached(x):
            u = 4 * x
            return u * u

    def positional(W, /, x, *, shift):
        u = W @ x
        return u + shift

    for function in (Model(), Model().method, Model.cached, functools.partial(Model.method, None)):
        assert list(tc.program(function, x=2)) == ["x", "u"]
    assert list(tc.program(positional, W=(2, 2), x=2, shift=())) == ["W", "x", "shift", "u"]
    assert repr(tc.program(np.tanh, x=2).result) == "tanh(x) : 2 × 1 column"


def test_the_profiler_of_the_person_is_put_back():
    seen = lambda *_: None
    sys.setprofile(seen)
    try:
        tc.program(lambda x: x * 2, x=2)
        with pytest.raises(tc.TensorCalcError):
            tc.program(lambda x: np.sort(x), x=2)
        assert sys.getprofile() is seen
    finally:
        sys.setprofile(None)


def test_text_is_still_a_program():
    assert callable(tc.trace)  # no module of this name stands in its way
    assert repr(tc.program("v = 2 * x", x=3)["v"]) == "v = 2 x : 3 × 1 column"
    with pytest.raises(tc.ParseError):
        tc.program(3)


# ── what is refused, where, and what to write instead ────────────────────────────────────


def assigned(x):
    y = np.zeros(3)
    y[0] = x[0]
    return y


def changed(x):
    x[0] = 1
    return x


def accumulated(x):
    y = np.zeros(3)
    y += x
    return y


def decided(x):
    if x.sum() > 0:
        return x
    return -x


def generated(x):
    yield x


REFUSED = [
    (lambda x: np.linalg.eigh(x), (3, 3), "np.linalg.eigh is not in the language", "np.trace"),
    (lambda x: np.linalg.svd(x), (3, 3), "np.linalg.svd is not in the language", "norm"),
    (lambda x: np.linalg.cholesky(x), (3, 3), "np.linalg.cholesky is not", "np.linalg.solve"),
    (lambda x: np.linalg.norm(x, 2), (3, 3), "ord=2", "Frobenius"),
    (lambda x: np.linalg.slogdet(x)[0] * 2, (3, 3), "the sign of a determinant", "second entry"),
    (lambda x: np.sort(x), 3, "np.sort is not in the language", "np.where"),
    (lambda x: x.argmax(), 3, "np.argmax is not in the language", "np.max"),
    (lambda x: np.floor(x), 3, "np.floor is not in the language", "derivative is 0"),
    (lambda x: np.unique(x), 3, "np.unique is not in the language", "np.max"),
    (lambda x: np.fft.fft(x), 3, "np.fft.fft is not in the language", "F @ x"),
    pytest.param(
        lambda x: sc.gammaln(x),
        3,
        "gammaln is not in the language",
        "tc.function",
        marks=without_scipy,
    ),
    pytest.param(
        lambda x: sc.softmax(x),
        3,
        "softmax is not in the language",
        "np.exp",
        marks=without_scipy,
    ),
    (lambda x: x % 2, 3, "np.remainder is not in the language", "derivative is 0"),
    (
        lambda x: np.linalg.pinv(x),
        (3, 3),
        "np.linalg.pinv is not",
        r"np.linalg.solve(A.T @ A, A.T @ b)",
    ),
    (lambda x: np.median(x), 3, "np.median is not in the language", "np.where"),
    (lambda x: np.cbrt(x), 3, "np.cbrt is not in the language", "np.sign(x) * np.abs(x)**(1/3)"),
    (lambda x: np.where(x > 0), 3, "np.where with these arguments", "give all three"),
    (lambda x: np.trace(x), 3, r"np.trace of x \(3,\)", "two axes"),
    (lambda x: x.astype("no such"), 3, r"x \(3,\) as 'no such'", "real numbers"),
    (lambda x: tc.exp(x), 3, "a quantity or a function of tensorcalc", "np.exp"),
    (lambda x: tc.vector("w", 3) * x, 3, "a quantity or a function of tensorcalc", "NumPy alone"),
    (lambda x: np.sum(x, axis=1), 3, "along axis 1", "its one axis is 0"),
    (lambda x: np.sum(x, axis=x), 3, r"along axis x \(3,\)", "as a number"),
    (lambda x: x ** np.ones(4), 3, r"\*\* of x \(3,\)", "matched from the last"),
    (lambda x: np.tile(x, 2), 3, "np.tile is not in the language", "broadcast"),
    (lambda x: np.sum(x, where=[True, False, True]), 3, "np.sum with these arguments", "leave out"),
    (lambda x: np.add(x, 1, where=[True]), 3, r"np.add\(…, where=…\)", "leave that option out"),
    (lambda x: np.sin.at(x, 1), 3, "np.sin.at is not in the language", "write it with"),
    (lambda x: x.no_such, 3, "x.no_such of an array", "NumPy's functions"),
    (lambda x: x << 1, 3, "unsupported operand", "NumPy's functions"),
    (lambda x: x + "a", 3, "unsupported operand", "NumPy's functions"),
    (lambda x: x == 1, 3, r"x \(3,\) == 1", "np.where"),
    (lambda x: x != 1, 3, r"x \(3,\) != 1", "np.where"),
    (lambda x: 1 in x, 3, "a decision on 1 in x", "np.where"),
    (lambda x: x[x > 0], 3, "whose value is not known yet", "np.where"),
    (lambda x: x[[True, False, True]], 3, "indexed by a mask", "np.where"),
    (lambda x: x[[0, 1]], 3, "indexed by list", "np.eye"),
    (lambda x: x[True], 3, "indexed by a mask", "np.where"),
    (lambda x: max(x[0], x[1]), 3, "a decision on", "np.maximum"),
    (lambda x: float(x), (), "as a Python number", "evaluate the program"),
    (lambda x: int(x), (), "as a Python number", "evaluate the program"),
    (lambda x: x.item(), (), "as a Python number", "evaluate the program"),
    (lambda x: f"{x:.2f}", (), "the format '.2f'", "evaluate the program"),
    (lambda x: range(x), (), "as a whole number", "evaluate the program"),
    (lambda x: round(x), (), "np.round is not in the language", "leave it out"),
    (lambda x: np.asarray(x), 3, "as an array of numbers", "leave out np.asarray"),
    (lambda x: np.array([x[0], x[1]]), 3, "as an array of numbers", "np.stack"),
    (lambda x: x.astype(int), 3, "as int64", "real numbers"),
    (lambda x: x + 1j, 3, "a constant of type complex128", "real numbers"),
    (lambda x: np.where(x > 0, x, -np.inf), 3, "NaN or infinite", "-1e9"),
    (lambda x: x / 0, 3, "divided by a constant that contains 0", "something else"),
    (lambda x: (x > 0) + (x < 1), 3, "np.add of conditions", "&"),
    (lambda x: x & 1, 3, "np.bitwise_and", "conditions"),
    (assigned, 3, "line 3 of assigned: an assignment", "np.stack"),
    (changed, 3, "line 2 of changed: an assignment into x", "np.concatenate"),
    (accumulated, 3, r"line 3 of accumulated: np.add with out=, or \+=", "acc = acc"),
    (decided, 3, "line 2 of decided: a decision on", "np.where"),
    (generated, 3, "generated returns a generator", "return"),
    (lambda x: (x, x), 3, "returns a tuple of 2", "every local variable"),
    (lambda x: None, 3, "returns nothing", "return"),
    (lambda x: np.ones(3), 3, "does not depend on its arguments", "arguments"),
    (lambda x: 3.0, 3, "does not depend on its arguments", "arguments"),
    (lambda x: np.zeros(x.shape), "n", "of size n where a number is needed", "declare n"),
    (lambda x: list(x), "n", "of size n where a number is needed", "declare n"),
    (lambda x: x[:-1], "n", "a slice of an axis of size n", "declare the size"),
    (lambda *x: x, 3, r"\*x, of which the number is not known", "a list of arrays"),
    (lambda **x: x, 3, r"\*\*x, of which the number is not known", "a list of arrays"),
]


@pytest.mark.parametrize(("function", "shape", "words", "hint"), REFUSED)
def test_what_is_refused_says_where_and_what_to_write(function, shape, words, hint):
    first = function.__code__.co_firstlineno
    for offset in range(2, 4):
        words = words.replace(f"line {offset} of", f"line {first + offset - 1} of")
    with pytest.raises(tc.TensorCalcError, match=words) as caught:
        tc.program(function, x=shape)
    assert hint in caught.value.hint
    if "returns" not in str(caught.value) and "which the number" not in words:
        assert "line " in str(caught.value)


MISFITS = [
    (lambda x, y: x + y, 3, 4, r"\+ of x \(3,\) and y \(4,\): they do not fit"),
    (lambda x, y: x @ y, (3, 4), 3, r"@ of x \(3, 4\) and y \(3,\)"),
    (lambda x, y: x @ y, (), 3, "@ of x"),
    (lambda x, y: np.dot(x, y), 3, 4, "np.dot of x"),
    (lambda x, y: np.linalg.solve(x, y), (3, 3), 2, "np.linalg.solve of x"),
    (lambda x, y: np.linalg.inv(x), (3, 4), 2, r"np.linalg.inv of x \(3, 4\)"),
    (lambda x, y: np.einsum("ij,j", x, y), (3, 4), 3, "np.einsum"),
    (lambda x, y: np.einsum("ij,j->k", x, y), (3, 4), 4, "np.einsum"),
    (lambda x, y: np.einsum("i,j", x, y), (3, 4), 4, "2 axes"),
    (lambda x, y: np.concatenate([x, y]), (3, 4), 4, "np.concatenate"),
    (lambda x, y: np.stack([x, y]), 3, 4, "np.stack"),
    (lambda x, y: np.split(x, y.shape[0]), 3, 2, "np.split"),
    (lambda x, y: x.reshape(2, 2), 3, 2, r"np.reshape of x \(3,\) to \(2, 2\)"),
    (lambda x, y: x.reshape(2, -1), 3, 2, r"to \(2, -1\)"),
    (lambda x, y: x.sum(axis=1), 3, 2, "along axis 1"),
    (lambda x, y: x.sum(axis=(0, 0)), 3, 2, "axes"),
    (lambda x, y: x[3], 3, 2, "entry 3 along an axis of size 3"),
    (lambda x, y: x[0, 1], 3, 2, "with 2 indices"),
    (lambda x, y: x[2:2], 3, 2, "without entries"),
    (lambda x, y: np.squeeze(x, 0), 3, 2, "np.squeeze"),
    (lambda x, y: np.transpose(x, (0, 0)), (2, 2), 2, "axes"),
    (lambda x, y: np.broadcast_to(x, (3, 2)), 3, 2, "broadcast_to"),
    (lambda x, y: np.cross(x, y), 2, 2, "three entries|np.cross"),
    (lambda x, y: np.var(x, ddof=1), 1, 2, "ddof"),
    (lambda x, y: len(x[0]), 3, 2, "len of"),
]


@pytest.mark.parametrize(("function", "x", "y", "words"), MISFITS)
def test_what_does_not_fit_in_numpy_does_not_fit_here(function, x, y, words):
    with pytest.raises(tc.ShapeError, match=words) as caught:
        tc.program(function, x=x, y=y)
    assert str(caught.value).startswith("line ")
    assert caught.value.hint


def test_parameters_and_shapes_that_do_not_meet_are_named():
    f = lambda weights, x: weights @ x
    with pytest.raises(tc.ShapeError, match="needs the shape of x"):
        tc.program(f, weights=(2, 2))
    with pytest.raises(tc.UnknownNameError, match="no parameter named 'weigths'") as caught:
        tc.program(f, weigths=(2, 2), x=2)
    assert caught.value.hint == "did you mean weights?"
    with pytest.raises(tc.DimensionError, match="the shape of x"):
        tc.program(f, weights=(2, 2), x=0)
    with pytest.raises(tc.ShapeError, match="the shapes of a program given as int"):
        tc.program(f, 4)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: 1 / 0, ZeroDivisionError),
        (lambda x: [][1], IndexError),
        (lambda x: {}["k"], KeyError),
        (lambda x: None + 1, TypeError),
        (lambda x: (3).foo, AttributeError),
        (lambda x: int("a"), ValueError),
        (lambda x: np.ones(3) @ np.ones(4), ValueError),
    ],
)
def test_ones_own_errors_come_through(function, error):
    with pytest.raises(error) as caught:
        tc.program(function, x=3)
    assert not isinstance(caught.value, tc.TensorCalcError)


def test_printing_an_array_tells_its_shape(capsys):
    def model(x):
        print(x, f"{x.T}")
        return 2 * x

    tc.program(model, x=(2, 3))
    assert capsys.readouterr().out == "<traced x, shape (2, 3)> <traced xᵀ, shape (3, 2)>\n"


def test_arrays_of_another_program_are_refused():
    kept = []
    tc.program(lambda x: kept.append(x) or x, x=3)
    with pytest.raises(tc.NotSupportedError, match="another program"):
        tc.program(lambda y: kept[0] + y, y=3)


# ── random expressions over broadcasting shapes ──────────────────────────────────────────

SHAPES = [(), (1,), (3,), (2, 1), (1, 3), (2, 3), (4, 1, 3), (4, 2, 3)]
UNARY = [
    np.tanh, np.sin, np.square, np.negative, np.exp,
    lambda a: a.sum(), lambda a: a.mean(axis=-1, keepdims=True) if a.ndim else a,
    lambda a: a.sum(axis=0) if a.ndim else a, lambda a: a.reshape(-1), lambda a: a.T * 1.5,
    lambda a: a[..., None], lambda a: a[0] if a.ndim else a, lambda a: a[::-1] if a.ndim else a,
    lambda a: np.expand_dims(a, 0), lambda a: np.squeeze(a),
    lambda a: np.stack([a, 2 * a], axis=-1), lambda a: np.cumsum(a, axis=0) if a.ndim else a,
    lambda a: np.concatenate([a, a[:1]]) if a.ndim else a,
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply,
    lambda a, b: a / (4 + b * b),
    lambda a, b: a @ b.T if a.ndim and b.ndim else a * b,
    lambda a, b: np.tensordot(a, b, 0) if a.ndim + b.ndim < 4 else a,
    lambda a, b: np.einsum("...i,...i->...", a, b) if a.ndim and b.ndim else a,
]  # fmt: skip


@given(st.data())
def test_random_expressions_have_numpys_values_and_slopes(data):
    shapes = {name: data.draw(st.sampled_from(SHAPES)) for name in "xyz"}
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    values = {name: rng.uniform(-1, 1, size=shape) for name, shape in shapes.items()}
    steps = []
    stack = list(values.values())
    for _ in range(data.draw(st.integers(1, 6))):
        table = UNARY if data.draw(st.booleans()) else BINARY
        k = data.draw(st.integers(0, len(table) - 1))
        places = [data.draw(st.integers(0, len(stack) - 1)) for _ in range(1 + (table is BINARY))]
        try:
            new = table[k](*(stack[i] for i in places))
        except ValueError:
            continue
        if np.size(new) <= 48 and np.ndim(new) <= 4 and np.abs(new).max() < 1e3:
            stack.append(np.asarray(new))
            steps.append((table[k], places))

    def function(x, y, z):
        found = [x, y, z]
        for step, places in steps:
            found.append(step(*(found[i] for i in places)))
        return found[-1] * 1.0

    p = tc.program(function, shapes)
    expected = function(**values)
    got = p.result.evaluate(values)
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)
    for name in "xyz":
        wanted = slopes(function, values, name)
        d = p.derivative(p.result, name).evaluate(values)
        np.testing.assert_allclose(d, wanted, rtol=1e-9, atol=1e-11)


def test_two_shapes_of_one_parameter_are_refused():
    with pytest.raises(tc.ShapeError, match="the shape of x is given twice: 3 and 4"):
        tc.program(np.sin, {"x": 3}, x=4)
    assert tc.program(np.sin, {"x": 3}, x=(3,))["x"].shape == (3,)


KEPT = []


def kept(x):
    KEPT.append(x)
    return x * len(KEPT)


@pytest.mark.parametrize(
    "function",
    [kept, lambda x: np.random.default_rng().normal() * x, lambda x: x + time.perf_counter()],
)
def test_a_function_that_gives_another_formula_each_time_is_refused(function):
    with pytest.raises(tc.NotSupportedError, match="gives another formula when it runs again"):
        tc.program(function, x=3)


def test_constants_drawn_with_a_seed_are_constants():
    p = tc.program(lambda x: np.random.default_rng(0).normal(size=3) @ x, x=3)
    expected = np.random.default_rng(0).normal(size=3)
    np.testing.assert_allclose(p.gradient(p.result, "x").evaluate(x=np.ones(3)), expected)


def test_what_a_function_prints_is_printed_once(capsys):
    tc.program(lambda x: print("here") or x, x=3)
    assert capsys.readouterr().out == "here\n"
