"""Elementwise functions: every record against its definition and against its own slope."""

import math
import pickle

import numpy as np
import pytest
from strategies import dense

from tensorcalc import functions as f
from tensorcalc.chain import differentiate
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Variable, einsum, power
from tensorcalc.functions import FUNCTIONS

POWERS = tuple(map(power, (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)))

REFERENCES = {
    "exp": math.exp,
    "log": math.log,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "sqrt": math.sqrt,
    "sign": lambda t: (t > 0) - (t < 0),
    "abs": abs,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "sigmoid": lambda t: 1 / (1 + math.exp(-t)),
    "softplus": lambda t: math.log(1 + math.exp(t)),
    "relu": lambda t: max(t, 0.0),
    "silu": lambda t: t / (1 + math.exp(-t)),
    "gelu": lambda t: t * math.erfc(-t / math.sqrt(2)) / 2,
    "step": lambda t: float(t > 0),
    "erf": math.erf,
    "length": math.sqrt,
    "inverse_or_zero": lambda t: 1 / t,
    "maximum": max,
    "minimum": min,
    "greater": lambda s, t: float(s > t),
    "greater_equal": lambda s, t: float(s >= t),
    "where": lambda c, s, t: s if c else t,
    "nonzero": lambda t: float(t != 0),
    "pow": lambda s, t: s**t,
}


def name_of(part):
    return getattr(part, "name", None) or getattr(part, "__name__", "")


each_record = pytest.mark.parametrize("record", FUNCTIONS, ids=name_of)
each_formula = pytest.mark.parametrize("g", [*FUNCTIONS, *POWERS], ids=name_of)


def arguments_of(g, size, rng):
    """Variables for a function, and values in its domain away from its kinks."""
    low, high = getattr(g, "domain", (-2.0, 2.0))
    arguments = [Variable(f"x{k}", (size,)) for k in range(getattr(g, "arity", 1))]
    return arguments, {x.name: rng.uniform(low, high, size) for x in arguments}


def entrywise_slope(e, x, values, *, analytic):
    """∂e/∂x entry by entry, from numbers alone."""
    if analytic:
        return dense(e, {**values, x.name: values[x.name] + 1e-30j}).imag / 1e-30
    h = 1e-6
    up, down = (dense(e, {**values, x.name: values[x.name] + step}) for step in (h, -h))
    return (up - down) / (2 * h)


# ── values ───────────────────────────────────────────────────────────────────────────────


@each_record
def test_the_value_is_that_of_the_definition(record, rng):
    arguments, values = arguments_of(record, 50, rng)
    rows = zip(*values.values(), strict=True)
    expected = [REFERENCES[record.name](*map(float, row)) for row in rows]
    found = dense(record(*arguments), values)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("g", POWERS, ids=name_of)
def test_a_power_is_a_power(g, rng):
    (x,), values = arguments_of(g, 50, rng)
    np.testing.assert_allclose(dense(g(x), values), values["x0"] ** g.exponent, rtol=1e-14)


@pytest.mark.parametrize("edge", [0.84375, 1.25, 1 / 0.35, 6.0])
def test_erf_is_right_on_both_sides_of_where_its_formula_changes(edge):
    at = np.array([sign * t for t in (edge - 1e-12, edge, edge + 1e-12) for sign in (1, -1)])
    np.testing.assert_allclose(f.erf.evaluate(at), [math.erf(t) for t in at], rtol=1e-15)


def test_erf_is_within_4_units_in_the_last_place():
    at = np.concatenate([np.linspace(-6.5, 6.5, 20001), np.logspace(-300, 0, 301)])
    expected = np.array([math.erf(t) for t in at])
    error = np.abs(f.erf.evaluate(at) - expected) / np.spacing(np.abs(expected))
    assert error.max() <= 4


@pytest.mark.parametrize(
    ("record", "slow"),
    [(f.sigmoid, lambda t: math.exp(t)), (f.softplus, lambda t: math.log1p(math.exp(t)))],
    ids=["sigmoid", "softplus"],
)
def test_small_values_keep_their_relative_precision(record, slow):
    at = np.array([-40.0, -100.0, -700.0, -712.0, -740.0])
    np.testing.assert_allclose(record.evaluate(at), [slow(t) for t in at], rtol=1e-14)


OF_ONE_NUMBER = [record for record in FUNCTIONS if record.evaluate and record.arity == 1]


@pytest.mark.parametrize("record", OF_ONE_NUMBER, ids=name_of)
def test_nan_stays_nan(record):
    with np.errstate(all="ignore"):
        assert np.isnan(record.evaluate(np.array([np.nan, 0.5]))[0])


# value and slope at −10⁴ and at 10⁴
FAR_OUT = {
    f.sigmoid: ((0, 1), (0, 0)),
    f.softplus: ((0, 1e4), (0, 1)),
    f.tanh: ((-1, 1), (0, 0)),
    f.erf: ((-1, 1), (0, 0)),
    f.relu: ((0, 1e4), (0, 1)),
    f.abs_: ((1e4, 1e4), (-1, 1)),
    f.arctan: ((-math.pi / 2 + 1e-4, math.pi / 2 - 1e-4), (1e-8, 1e-8)),
    f.silu: ((0, 1e4), (0, 1)),
    f.gelu: ((0, 1e4), (0, 1)),
}


@pytest.mark.parametrize(("g", "expected"), FAR_OUT.items(), ids=name_of)
def test_far_from_zero_value_and_slope_are_finite_and_right(g, expected):
    x, at = Variable("x", (2,)), {"x": np.array([-1e4, 1e4])}
    slope = differentiate(einsum("i->", g(x)), x)
    np.testing.assert_allclose(dense(g(x), at), expected[0], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(dense(slope, at), expected[1], rtol=1e-6, atol=1e-300)


@pytest.mark.parametrize("record", [*FUNCTIONS, *POWERS], ids=name_of)
@pytest.mark.parametrize(
    "size",
    [
        pytest.param(
            (),
            marks=pytest.mark.skipif(
                np.__version__ < "2", reason="NumPy 1 itself promotes a number with a lone entry"
            ),
        ),
        (3,),
    ],
    ids=str,
)
def test_float32_stays_float32(record, size, rng):
    arguments = [
        rng.uniform(*record.domain, size=size).astype(np.float32).reshape(size)
        for _ in range(record.arity)
    ]
    assert np.asarray(record.evaluate(*arguments)).dtype == np.float32


# ── slopes ───────────────────────────────────────────────────────────────────────────────


@each_formula
def test_the_derivative_agrees_with_differences_of_the_value(g, rng):
    analytic = getattr(g, "complex_step", True)
    arguments, values = arguments_of(g, 20, rng)
    for x in arguments:
        e = g(*arguments)
        found = dense(differentiate(einsum("i->", e), x), values)
        expected = entrywise_slope(e, x, values, analytic=analytic)
        np.testing.assert_allclose(found, expected, rtol=1e-12 if analytic else 1e-7, atol=1e-8)


@each_formula
def test_the_second_derivative_agrees_with_differences_of_the_first(g, rng):
    analytic = getattr(g, "complex_step", True)
    arguments, values = arguments_of(g, 20, rng)
    for x in arguments:
        first = differentiate(einsum("i->", g(*arguments)), x)
        found = dense(differentiate(einsum("i->", first), x), values)
        expected = entrywise_slope(first, x, values, analytic=analytic)
        np.testing.assert_allclose(found, expected, rtol=1e-12 if analytic else 1e-7, atol=1e-8)


@each_formula
def test_a_scalar_argument_has_a_first_and_a_second_derivative_too(g, rng):
    arguments, values = arguments_of(g, 1, rng)
    number = {name: array[0] for name, array in values.items()}
    scalars = [Variable(x.name, ()) for x in arguments]
    for x, scalar in zip(arguments, scalars, strict=True):
        of_vector, of_scalar = einsum("i->", g(*arguments)), g(*scalars)
        for _ in range(2):
            of_vector, of_scalar = differentiate(of_vector, x), differentiate(of_scalar, scalar)
            np.testing.assert_allclose(dense(of_scalar, number), dense(of_vector, values)[0])
            of_vector = einsum("i->", of_vector)


@pytest.mark.parametrize(
    "record", [r for r in FUNCTIONS if r.kinks and r.arity == 1 and r is not f.length], ids=name_of
)
def test_at_a_kink_the_derivative_is_what_the_record_says(record):
    x = Variable("x", (len(record.kinks),))
    slope = dense(record.derivatives[0](x, record(x)), {"x": np.array(record.kinks)})
    stated = float(record.convention.rpartition("= ")[2])
    np.testing.assert_array_equal(slope, stated)


@pytest.mark.parametrize("record", [f.maximum, f.minimum], ids=name_of)
def test_equal_arguments_share_the_derivative_equally(record):
    x, y = Variable("x", (2,)), Variable("y", (2,))
    at = {"x": np.array([1.0, -2.0]), "y": np.array([1.0, -2.0])}
    for k in (0, 1):
        slope = dense(record.derivatives[k](x, y, record(x, y)), at)
        np.testing.assert_array_equal(slope, 0.5)


@pytest.mark.parametrize("record", f.CONDITIONS, ids=name_of)
def test_a_condition_has_derivative_0_everywhere(record):
    arguments = [Variable(f"x{k}", (3,)) for k in range(record.arity)]
    at = {x.name: np.array([-1.0, 0.0, 2.0]) for x in arguments}
    for rule in record.derivatives:
        np.testing.assert_array_equal(dense(rule(*arguments, record(*arguments)), at), 0.0)


@pytest.mark.parametrize("shape", [(3,), (2, 3)], ids=str)
def test_the_gradient_of_the_norm_is_zero_at_zero(shape):
    assert f.length.convention == "the gradient of norm at 0 is 0"
    x = Variable("x", shape)
    gradient = differentiate(f.magnitude(x), x)
    np.testing.assert_array_equal(dense(gradient, {"x": np.zeros(shape)}), np.zeros(shape))


# ── what the records state ───────────────────────────────────────────────────────────────


@each_record
def test_what_a_record_states_about_its_sign_and_growth_holds(record):
    at = np.linspace(*record.domain, 401)
    value = record.evaluate(*[at] * record.arity)
    assert not record.nonnegative or (value >= 0).all()
    assert not record.increasing or (np.diff(value) >= 0).all()


@pytest.mark.parametrize("g", POWERS, ids=name_of)
def test_powers_are_nonnegative_where_their_exponent_is_even(g):
    assert g.nonnegative == (g.exponent % 2 == 0)


@pytest.mark.parametrize("record", [r for r in FUNCTIONS if r.complex_step], ids=name_of)
def test_a_record_that_continues_analytically_has_the_same_value_on_the_real_axis(record, rng):
    at = rng.uniform(*record.domain, size=(record.arity, 20))
    np.testing.assert_allclose(record.evaluate(*(at + 0j)).real, record.evaluate(*at), rtol=1e-13)


@pytest.mark.parametrize(
    "record", [*FUNCTIONS, power(2.5), f.abstract("g"), f.abstract("g′")], ids=name_of
)
def test_a_record_is_one_object_through_pickling(record):
    assert pickle.loads(pickle.dumps(record)) is record


@pytest.mark.parametrize("derivative", [None, np.cos], ids=["without", "with derivative"])
def test_a_persons_own_record_can_be_pickled(derivative):
    again = pickle.loads(pickle.dumps(f.custom("g", np.sin, derivative)))
    np.testing.assert_allclose(again.evaluate(0.5), math.sin(0.5))


# ── sums of squares ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_norms_and_their_squares_have_their_values(shape, rng):
    u, at = Variable("u", shape), rng.normal(size=shape)
    np.testing.assert_allclose(dense(f.sum_of_squares(u), {"u": at}), (at**2).sum())
    np.testing.assert_allclose(dense(f.magnitude(u), {"u": at}), np.sqrt((at**2).sum()))


RAISED = {
    "‖u‖² is the sum of squares": (lambda u: f.raised(f.magnitude(u), 2), f.sum_of_squares),
    "‖u‖⁴ is its square": (
        lambda u: f.raised(f.magnitude(u), 4),
        lambda u: f.sum_of_squares(u) * f.sum_of_squares(u),
    ),
    "‖u‖³ stays a power": (lambda u: f.raised(f.magnitude(u), 3), lambda u: f.magnitude(u) ** 3),
    "u¹ is u": (lambda u: f.raised(u, 1), lambda u: u),
    "u² is u u": (lambda u: f.raised(u, 2), lambda u: u * u),
    "1/u is a power": (f.reciprocal, lambda u: power(-1.0)(u)),
}


@pytest.mark.parametrize(("make", "expected"), RAISED.values(), ids=RAISED)
def test_powers_are_built_in_one_way(make, expected):
    u = Variable("u", (3,))
    assert make(u) is expected(u)


# ── functions that a person declares ─────────────────────────────────────────────────────


def test_the_derivative_of_an_abstract_function_is_named_with_a_prime():
    x = Variable("x", (3,))
    first = differentiate(einsum("i->", f.abstract("g")(x)), x)
    assert first is f.abstract("g′")(x)
    assert differentiate(einsum("i->", first), x) is f.abstract("g′′")(x)
    assert f.abstract("g′").latex == "g'"


def test_a_function_of_ones_own_uses_the_derivative_that_was_given():
    x, at = Variable("x", (3,)), {"x": np.array([0.1, 0.2, 0.3])}
    g = f.custom("g", np.sin, lambda t: 2 * np.cos(t))  # twice the truth, to be told apart
    slope = dense(differentiate(einsum("i->", g(x)), x), at)
    np.testing.assert_allclose(slope, 2 * np.cos(at["x"]))


@pytest.mark.parametrize(
    ("derivative", "times", "unknown"),
    [(None, 1, "g"), (np.cos, 2, "g′")],
    ids=["no derivative", "no second derivative"],
)
def test_a_derivative_that_was_not_given_is_refused_by_name(derivative, times, unknown):
    x = Variable("x", ())
    e = f.custom("g", np.sin, derivative)(x)
    for _ in range(times - 1):
        e = differentiate(e, x)
    with pytest.raises(NotSupportedError, match=f"the derivative of {unknown} is not known"):
        differentiate(e, x)
