"""Binding arguments: the same results, with what depends on them alone computed once."""

import doctest
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest
from test_textbook import CASES, HESSIANS, SHAPES, point

import tensorcalc as tc

CALLS = 4


def compiled(case):
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    if case in HESSIANS:
        return tc.derivative(p.result, p[wrt], p[wrt], layout="mixed").compile()
    d = p.derivative(p.result, wrt)
    return (d.gradient if p.result.expr.ndim == 0 else d.to("mixed")).compile()


@pytest.mark.parametrize("case", [*CASES, *HESSIANS])
def test_a_bound_function_gives_what_the_whole_one_gives(case):
    f = compiled(case)
    for name in f.arguments:
        for names in ([name], [n for n in f.arguments if n != name]):
            at, other = point(0), point(1)
            if not names:
                continue
            g = f.bind({n: at[n] for n in names})
            assert set(g.arguments) == set(f.arguments) - set(names)
            for values in [at] * CALLS + [other]:
                rest = {n: values[n] for n in g.arguments}
                whole = f({n: at[n] if n in names else values[n] for n in f.arguments})
                np.testing.assert_allclose(g(rest), whole, rtol=1e-12, atol=1e-14)


def least_squares():
    p = tc.program(
        "r = A @ x - b; E = norm(r)**2 / 2 + lam * norm(x)**2",
        {"A": ("m", "n"), "b": "m", "x": "n", "lam": ()},
    )
    return tc.compile([tc.gradient(p["E"], p["x"]), tc.hessian(p["E"], p["x"])], "step")


def values():
    rng = np.random.default_rng(0)
    A, b, x = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    return {"A": A, "b": b, "x": x, "lam": np.array(0.5)}


def test_what_depends_on_bound_arguments_alone_is_computed_once():
    f, at = least_squares(), values()
    g = f.bind(A=at["A"])
    body = g.source[g.source.index("def step") :]
    assert "A.T @ A" in f.source
    assert "A.T @ A" not in body
    assert "# known1 = A.T @ A" in g.source


def test_what_is_written_to_is_not_what_was_computed_once():
    f, at = least_squares(), values()
    g = f.bind(A=at["A"], b=at["b"])
    first = [array.copy() for array in g(x=at["x"], lam=at["lam"])]
    for _ in range(CALLS):
        found = g(x=at["x"], lam=at["lam"])
        for one, other in zip(found, first, strict=True):
            np.testing.assert_array_equal(one, other)
            one[...] = np.nan


def test_bound_arrays_are_copies():
    f, at = least_squares(), values()
    g = f.bind(A=at["A"])
    rest = {name: at[name] for name in g.arguments}
    before = g(rest)[0].copy()
    at["A"][...] = 0
    np.testing.assert_array_equal(g(rest)[0], before)


def test_a_bound_result_is_ones_own():
    f = tc.compile([tc.matrix("A", 3, 3).T, tc.vector("x", 3) * 2])
    g = f.bind(A=np.eye(3))
    for _ in range(CALLS):
        found = g(x=np.ones(3))[0]
        np.testing.assert_array_equal(found, np.eye(3))
        found[...] = 7


@pytest.mark.parametrize("bound", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.float32, np.float64])
def test_precision_is_single_only_if_all_values_are(bound, given):
    f, at = least_squares(), values()
    single = bound == given == np.float32
    g = f.bind(A=at["A"].astype(bound))
    rest = {name: at[name].astype(given) for name in g.arguments}
    for _ in range(CALLS):
        found = g(rest)
        assert {array.dtype for array in found} == {np.dtype(np.float32 if single else float)}
    expected = f({"A": at["A"].astype(bound), **rest})
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-4 if single else 1e-12)


def test_binding_twice_and_pickling():
    f, at = least_squares(), values()
    g = f.bind(A=at["A"]).bind(b=at["b"])
    rest = {name: at[name] for name in g.arguments}
    again = pickle.loads(pickle.dumps(g))
    for one, other, whole in zip(g(rest), again(rest), f(at), strict=True):
        np.testing.assert_allclose(one, whole, rtol=1e-13)
        np.testing.assert_allclose(other, whole, rtol=1e-13)


THREE = "E = x.T @ A @ y + b.T @ y + norm(x - c)**2"
THREE_SIZES = {"x": "n", "A": ("n", "m"), "b": "m", "y": "m", "c": "n"}
MISFITS = {"A": (3, 2), "x": (4,), "c": (1,), "b": (5,)}


def bound_in_turn(f, names, at):
    """What f gives at these values, of which those named are bound first, one by one."""
    for name in names:
        f = f.bind({name: at[name]})
    return f({name: at[name] for name in f.arguments})


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("misfit", [n for n in MISFITS if n != "A"])
@pytest.mark.parametrize("order", ["Axcb", "bcxA", "xbAc"])
def test_what_is_bound_in_turn_fits_together(backend, misfit, order):
    if backend != "numpy":
        pytest.importorskip(backend)
    p = tc.program(THREE, THREE_SIZES)
    f = tc.compile([tc.gradient(p["E"], p[name]) for name in "xy"], backend=backend)
    fitting = {"A": (3, 2), "x": (3,), "c": (3,), "b": (2,), "y": (2,)}
    shapes = {**fitting, misfit: MISFITS[misfit]}
    at = {name: np.ones(shape) for name, shape in shapes.items()}
    with pytest.raises(tc.ShapeError):
        f(at)
    for split in range(len(order)):
        with pytest.raises(tc.ShapeError):
            bound_in_turn(f, order[:split], at)


PRECISIONS = list(itertools.product([np.float32, np.float64], repeat=3))


@pytest.mark.parametrize("precisions", PRECISIONS)
def test_precision_of_what_is_bound_in_turn(precisions):
    f, at = least_squares(), values()
    given = {n: at[n].astype(t) for n, t in zip("Abx", precisions, strict=True)}
    given["lam"] = at["lam"].astype(precisions[0])
    g = f.bind({n: given[n] for n in ("A", "lam")}).bind(b=given["b"])
    single = set(precisions) == {np.float32}
    for _ in range(CALLS):
        for one, whole in zip(g(x=given["x"]), f(given), strict=True):
            assert one.dtype == (np.float32 if single else np.float64)
            np.testing.assert_allclose(one, whole, rtol=1e-4 if single else 1e-12)


def test_a_function_that_is_called_as_what_is_bound_to_it():
    f = tc.program("E = sum(exp(x))", x=3).result.compile()
    g = f.bind(x=np.ones(3))
    for _ in range(CALLS):
        np.testing.assert_allclose(g(), 3 * np.e)


def test_a_name_bound_before_is_bound_in_every_later_function():
    f, at = least_squares(), values()
    g = f.bind(A=at["A"]).bind(b=at["b"])
    with pytest.raises(tc.MissingValueError, match="called with A, which is bound"):
        g(A=at["A"], x=at["x"], lam=at["lam"])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("names", ["S", "x", "Sx", "xS"])
def test_a_bound_matrix_without_an_inverse(backend, names):
    if backend != "numpy":
        pytest.importorskip(backend)
    p = tc.program("L = x.T @ inv(S) @ x", x="n", S=("n", "n"))
    f, at = p.gradient("L", "x").compile(backend=backend), {"S": np.zeros((2, 2)), "x": np.ones(2)}
    with pytest.raises(tc.ValueNotAllowedError, match=r"∂L/∂x: .* at these values") as e:
        bound_in_turn(f, names, at)
    assert e.value.hint == "give values at which the matrix is invertible"


TABLES = {
    ("norm(A.T @ A @ y)**2 by y", "A"): ["t1 @ (2 * y)", "t1.T @ (t1 @ (2 * y))"],
    ("norm(A.T @ A @ y)**2 by y", "y"): ["A.T @ A", "t1 @ known1", "t1.T @ (t1 @ known1)"],
    ("norm(A.T @ A @ y)**2 by y", "Ay"): [],
}


@pytest.mark.parametrize(("case", "products"), TABLES.items())
def test_printing_shows_the_products_that_a_call_forms(case, products):
    (text, names), at = case, {"A": np.ones((3, 2)), "y": np.ones(2)}
    text, _, by = text.partition(" by ")
    p = tc.program(f"E = {text}", A=("n", "m"), y="m")
    g = p.gradient("E", by).compile().bind({name: at[name] for name in names})
    lines = str(g).splitlines()
    assert [line.partition("   ")[0].rstrip() for line in lines[2:]] == products
    body = g.source[g.source.index("def ") :]
    assert all(product in body for product in products if "t1.T" in product or "A" in product)


def test_what_two_bindings_compute_has_names_of_its_own():
    f = tc.program("exp(A) @ x + exp(B) @ sin(x)", A=(3, 3), B=(3, 3), x=3).result.compile()
    rng = np.random.default_rng(0)
    at = {"A": rng.normal(size=(3, 3)), "B": rng.normal(size=(3, 3)), "x": rng.normal(size=3)}
    twice = f.bind(A=at["A"]).bind(B=at["B"])
    np.testing.assert_allclose(twice(x=at["x"]), f(at), rtol=1e-13)


REFUSED = {
    "step.bind of Z; its arguments are A, x, b, lam": lambda f, at: f.bind(Z=1.0),
    "step.bind of nothing": lambda f, at: f.bind(),
    "step called with A, which is bound": lambda f, at: f.bind(A=at["A"])(at),
    "but A has n = 3": lambda f, at: f.bind(A=at["A"])(b=at["b"], x=np.ones(4), lam=1.0),
    "step computes|needs a value for b": lambda f, at: f.bind(A=at["A"])(x=at["x"], lam=1.0),
    "A is declared m": lambda f, at: f.bind(A=np.ones(3)),
}


@pytest.mark.parametrize(("message", "attempt"), REFUSED.items())
def test_what_does_not_fit_is_refused(message, attempt):
    with pytest.raises(tc.TensorCalcError, match=message):
        attempt(least_squares(), values())


def test_the_page_on_compiled_functions_shows_what_happens():
    page = Path(__file__).parent.parent / "docs" / "compile.md"
    if not page.is_file():
        pytest.skip("the source archive has no docs")
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.attempted > 8
    assert result.failed == 0


def test_a_gradient_by_a_bound_column_has_its_shape():
    p = tc.program("E = norm(A @ w)**2", A="m n", w="n")
    f = tc.compile([tc.gradient(p["E"], p["w"])])
    A, w = np.arange(6.0).reshape(2, 3), np.ones((3, 1))
    whole = f(A=A, w=w)[0]
    assert whole.shape == (3, 1)
    bound = f.bind(w=w)
    for g in (bound, pickle.loads(pickle.dumps(bound))):
        for _ in range(4):
            np.testing.assert_allclose(g(A=A)[0], whole)
