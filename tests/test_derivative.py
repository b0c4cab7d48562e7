"""Derivative objects: what they say of themselves, the chain rule, numbers, and textbook truth."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

import tensorcalc as tc

W, x, y = tc.matrix("W", 5, 4), tc.vector("x", 4), tc.vector("y", 5)
v = tc.define("v", W @ x)
s = tc.define("s", tc.sigmoid(v))
E = tc.define("E", tc.norm(s - y) ** 2 / 2)
S = tc.scalar("S")
p = tc.define("p", S * x)  # a vector of a scalar
q = tc.define("q", tc.exp(S))  # a scalar of a scalar
A, B = tc.matrix("A", 3, 3), tc.matrix("B", 3, 3)
T = tc.tensor("T", 2, 3, 4)
K, n = tc.matrix("K", "m", "n"), tc.vector("n", "n")

# Several paths from x to F: through b alone, through a and b, through a alone.
a = tc.define("a", tc.tanh(x))
b = tc.define("b", a * x)
F = tc.define("F", tc.norm(b) ** 2 + tc.sum(a))

LAYOUTS = ["numerator", "denominator", "mixed"]


@pytest.fixture
def at():
    """A value for every variable above."""
    rng = np.random.default_rng(3)
    sizes = {"m": 2, "n": 3}
    variables = (W, x, y, S, A, B, T, K, n)
    return {t.name: rng.normal(size=[sizes.get(d, d) for d in t.shape]) for t in variables}


def quotients(f, at, name, h=1e-6):
    """∂f/∂(value of name) by central differences, with the axes of f and then the value's."""
    slopes = []
    for index in np.ndindex(at[name].shape):
        ends = []
        for step in (h, -h):
            moved = at[name].copy()
            moved[index] += step
            ends.append(np.asarray(f({**at, name: moved})))
        slopes.append((ends[0] - ends[1]) / (2 * h))
    return np.stack(slopes, -1).reshape(slopes[0].shape + at[name].shape)


# ── what a derivative says of itself ─────────────────────────────────────────────────────

#         of, wrt   shape   kind   structure (None: not said for Hessians)   one entry
SAYS = {
    "∂q/∂S": ((q, S), (1, 1), "derivative", "dense", "q"),
    "∂p/∂S": ((p, S), (4, 1), "tangent vector", "dense", "x_k"),
    "∂E/∂s": ((E, s), (1, 5), "row gradient", "dense", "s_j − y_j"),
    "∂s/∂v": ((s, v), (5, 5), "Jacobian", "diagonal", "s_k (1 − s_k) if k = j else 0"),
    "∂v/∂x": ((v, x), (5, 4), "Jacobian", "dense", "W_kj"),
    "∂v/∂W": ((v, W), (5, 4, 5), "3-tensor", "block diagonal", "x_i if k = j else 0"),
    "∂E/∂W": ((E, W), (4, 5), "matrix gradient", "outer product", "x_i δ_j"),
    "∂E/∂y": ((E, y), (1, 5), "row gradient", "dense", "−(s_j − y_j)"),
    "∂x/∂x": ((x, x), (4, 4), "Jacobian", "identity", "1 if k = j else 0"),
    "∂W/∂W": ((W, W), (5, 4, 4, 5), "4-tensor", "identity", "1 if k = j and l = i else 0"),
    "∂x/∂y": ((x, y), (4, 5), "Jacobian", "zero", "0"),
    "∂E/∂T": ((E, T), (4, 3, 2), "3-tensor", "zero", "0"),
    "∂q/∂K": ((q, K), ("n", "m"), "matrix gradient", "zero", "0"),
    "∂T/∂T": ((T, T), (2, 3, 4, 4, 3, 2), "6-tensor", "identity",
              "1 if k = j and l = i and m = r else 0"),
    "∂(S W)/∂S": ((S * W, S), (5, 4), "tangent matrix", "dense", "W_kl"),
    "∂(S W)/∂W": ((S * W, W), (5, 4, 4, 5), "4-tensor", "diagonal", "S if k = j and l = i else 0"),
    "∂(K n)/∂n": ((K @ n, n), ("m", "n"), "Jacobian", "dense", "K_kj"),
    "∂²F/∂b²": ((F, b, b), (4, 4), "Hessian", None, "2 if j = t else 0"),
    "∂²‖W‖²/∂W²": ((tc.norm(W) ** 2, W, W), (4, 5, 4, 5), "Hessian", None,
                "2 if j = t and i = s else 0"),
    "∂²p/∂x∂S": ((tc.sum(p), x, S), (1, 4), "Hessian", None, "1"),
    "∂²S³/∂S²": ((S**3, S, S), (1, 1), "second derivative", None, "6 S"),
    "∂²v²/∂v²": ((tc.square(v), v, v), (5, 5, 5), "3-tensor", "diagonal",
                "2 if k = j and k = t else 0"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "shape", "kind", "structure", "entry"), SAYS.values(), ids=SAYS)
def test_a_derivative_says_what_it_is(asked, shape, kind, structure, entry):
    d = tc.derivative(*asked)
    assert d.of is asked[0]
    assert d.wrt is asked[1] if len(asked) == 2 else d.wrt == asked[1:]
    assert (d.layout, d.shape, d.ndim) == ("numerator", shape, len(shape))
    assert (d.kind, d.entry()) == (kind, entry)
    assert structure in (None, d.structure)
    numbers = all(isinstance(dim, int) for dim in shape)
    assert d.dense_nbytes == (8 * math.prod(shape) if numbers else None)
    assert (d.entries_used is None) == (not numbers)
    assert not numbers or (d.entries_used == 0) == (d.structure == "zero")


def test_a_row_gradient_is_called_a_gradient_where_it_is_no_row():
    d = tc.derivative(E, s)
    kinds = {layout: (d.to(layout).kind, d.to(layout).shape) for layout in LAYOUTS}
    assert kinds == {
        "numerator": ("row gradient", (1, 5)),
        "denominator": ("gradient", (5, 1)),
        "mixed": ("gradient", (5,)),
    }


@pytest.mark.parametrize("make", [tc.derivative, tc.jacobian])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_view_leaves_the_derivative_as_it_was(make, layout):
    d = make(v, W, layout=layout)
    for other in LAYOUTS:
        view = d.to(other)
        assert (view.layout, view.of, view.wrt, view.value) == (other, d.of, d.wrt, d.value)
        assert (d.layout, view.to(layout).shape) == (layout, d.shape)


def test_different_quantities_of_one_name_and_size_are_not_joined():
    ours, theirs = tc.define("h", tc.exp(x)), tc.define("h", tc.tanh(x))
    with pytest.raises(tc.ChainError, match="Same size, different quantity"):
        tc.derivative(tc.sum(ours), ours) @ tc.derivative(theirs, x)


def test_hessian_and_jacobian_are_the_derivative_under_their_own_names():
    assert tc.hessian(E, x).value is tc.derivative(E, x, x).value
    assert tc.jacobian(s, x).value is tc.derivative(s, x).value
    assert tc.gradient(E, W).value is tc.derivative(E, W).gradient.value
    assert tc.hessian(E, x, layout="mixed").layout == tc.gradient(E, W).layout == "mixed"


# ── slices ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", ["numerator", "mixed"])
@pytest.mark.parametrize("asked", [(v, W), (s, v), (s, x), (W * 2, W), (T, T), (p, S), (v, x, W)])
def test_a_slice_is_the_derivative_of_one_entry(asked, layout, at):
    d = tc.derivative(*asked, layout=layout)
    whole = d.evaluate(at)
    for k in (0, 1, -1, np.int64(1)):
        assert d[k].of.ndim == d.of.ndim - 1
        assert d[k].layout == layout
        part = d[k].evaluate(at)
        assert part.shape == d[k].shape
        np.testing.assert_allclose(part.reshape(whole[k].shape), whole[k])


def test_a_slice_joins_a_chain(at):
    sliced = tc.derivative(s, v)[2] @ tc.derivative(v, W)
    np.testing.assert_allclose(sliced.evaluate(at), tc.derivative(s, W).evaluate(at)[2])


def test_a_slice_keeps_the_paths_of_the_whole(at):
    through_v = tc.derivative(s, v) @ tc.derivative(v, x)
    assert through_v[1].via == (v,)
    assert len((through_v + through_v)[1].contributions) == 2
    z = tc.define("z", a + x)
    through_a = tc.derivative(z, a) @ tc.derivative(a, x)
    assert repr(through_a[0]).endswith("numerator, via a")
    for d in (through_v, through_v + through_v, through_a, -2 * through_a):
        assert d[1].verify()
        np.testing.assert_allclose(d[1].evaluate(at)[0], d.evaluate(at)[1])


def test_a_path_that_goes_past_a_whole_chain_makes_it_a_contribution():
    p = tc.program("z = W @ x; s = tanh(z); E = sum(s) + norm(W)", W=(3, 2), x=2)
    chained = p.derivative("E", "s") @ p.derivative("s", "z") @ p.derivative("z", "W")
    assert chained.is_partial
    assert repr(chained).endswith("via s, z")
    past_nothing = p.derivative("E", "s") @ p.derivative("s", "z") @ p.derivative("z", "x")
    assert not past_nothing.is_partial


def test_the_sum_over_all_paths_is_no_partial_derivative():
    p = tc.program("u = exp(x); w = sin(x); E = sum(u) + sum(w * u)", x=3)
    by_u = p.derivative("E", "u") @ p.derivative("u", "x")
    by_w = p.derivative("E", "w") @ p.derivative("w", "x")
    assert not (by_u + by_w).is_partial
    assert by_u.is_partial
    assert (by_u + by_u).is_partial
    assert not p.derivative("E", "x").is_partial


def test_a_slice_of_ones_own_array_by_names_needs_no_values():
    matrix = np.arange(12.0).reshape(3, 4)
    explicit = tc.from_array(matrix, of="C", wrt="x")[1]
    np.testing.assert_array_equal(explicit.evaluate(), matrix[1:2])
    assert explicit.check(matrix[1:2], at={})
    rest = tc.from_array(np.eye(4), of="x", wrt="z")
    np.testing.assert_array_equal((explicit @ rest).evaluate(), matrix[1:2])
    assert not explicit.verify(at={}).rows[0].ok  # nothing to compare with


# ── the chain rule ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_product_along_the_only_path_is_the_derivative(layout, at):
    factors = [tc.derivative(*pair, layout=layout) for pair in ((E, s), (s, v), (v, W))]
    chain = factors[0] @ factors[1] @ factors[2]
    whole = tc.derivative(E, W, layout=layout)
    assert (chain.of, chain.wrt, chain.layout, chain.shape) == (E, W, layout, whole.shape)
    assert chain.via == (s, v)
    assert chain.value is whole.value
    assert repr(chain) == repr(whole)
    np.testing.assert_allclose(chain.evaluate(at), whole.evaluate(at))


VIEWED = [
    *(lambda d: d.to("mixed"), lambda d: d.to("denominator"), lambda d: d.gradient),
    *(lambda d: 2 * d, lambda d: -d, lambda d: d.to("mixed") / 4),
]


@pytest.mark.parametrize("view", VIEWED)
def test_a_view_or_a_multiple_of_a_product_keeps_its_steps(view):
    product = tc.derivative(E, v) @ tc.derivative(v, W)
    viewed = view(product)
    steps = viewed.steps()
    rules = [step.rule.name for step in steps]
    assert "contract the Kronecker delta" in rules
    assert set(rules) >= {step.rule.name for step in product.steps()}
    assert steps[0].before is viewed.literal
    assert "δ" in repr(steps[0])
    for before, after in itertools.pairwise(steps):
        assert before.after is after.before


def test_the_chain_rule_is_associative(at):
    u = tc.define("u", W @ a)
    z = tc.define("z", tc.tanh(u))
    C = tc.define("C", tc.norm(z - y) ** 2)
    links = [tc.derivative(*pair) for pair in itertools.pairwise((C, z, u, a, x))]
    left = ((links[0] @ links[1]) @ links[2]) @ links[3]
    right = links[0] @ (links[1] @ (links[2] @ links[3]))
    middle = (links[0] @ links[1]) @ (links[2] @ links[3])
    assert left.via == right.via == middle.via == (z, u, a)
    expected = quotients(C.evaluate, at, "x")
    for product in (left, right, middle):
        np.testing.assert_allclose(product.evaluate(at)[0], expected, rtol=1e-6)


def test_a_product_past_other_paths_says_via_which_quantity_it_goes(at):
    through_b = tc.derivative(F, b) @ tc.derivative(b, x)
    through_a = tc.derivative(F, a, holding=[b]) @ tc.derivative(a, x)
    assert through_b.via == (b,)
    assert repr(through_b).endswith("numerator, via b")
    assert repr(through_a).endswith("numerator, via a, holding b")
    assert "via" not in repr(tc.derivative(F, x))
    both = through_b + through_a
    np.testing.assert_allclose(both.evaluate(at), tc.derivative(F, x).evaluate(at))
    np.testing.assert_allclose(both.evaluate(at)[0], quotients(F.evaluate, at, "x"), rtol=1e-6)


def test_a_sum_of_contributions_holds_nothing_that_only_one_of_them_holds():
    one = tc.derivative(F, a, holding=[b]) @ tc.derivative(a, x)
    other = tc.derivative(F, b) @ tc.derivative(b, x)
    assert "holding" not in repr(other + one)
    assert "holding" not in repr(one + other)


def test_contributions_of_all_paths_add_up_to_the_total_derivative(at):
    total = tc.derivative(F, a) @ tc.derivative(a, x) + (
        tc.derivative(F, b) @ tc.derivative(b, x, holding=[a])
    )
    assert total.of is F
    assert total.wrt is x
    np.testing.assert_allclose(total.evaluate(at), tc.derivative(F, x).evaluate(at))


SCALED = [
    (lambda d: 2 * d, 2.0), (lambda d: d * 2, 2.0), (lambda d: np.float64(0.5) * d, 0.5),
    (lambda d: d * np.int64(3), 3.0), (lambda d: -d, -1.0), (lambda d: d / 4, 0.25),
    (lambda d: d + d, 2.0), (lambda d: d - d, 0.0), (lambda d: d - 3 * d, -2.0),
    (lambda d: 0 * d, 0.0), (lambda d: -(2 * -d), 2.0), (lambda d: 2 * d / 2, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("act", "factor"), SCALED)
@pytest.mark.parametrize("pair", [(E, W), (s, v), (v, W)], ids=["∂E/∂W", "∂s/∂v", "∂v/∂W"])
def test_numbers_scale_a_derivative(act, factor, pair, at):
    d = tc.derivative(*pair)
    scaled = act(d)
    assert (scaled.of, scaled.wrt, scaled.shape) == (d.of, d.wrt, d.shape)
    assert (scaled.structure == "zero") == (factor == 0)
    np.testing.assert_allclose(scaled.evaluate(at), factor * d.evaluate(at))


def test_the_layout_of_a_sum_is_the_lefts(at):
    both = tc.derivative(E, W) + tc.gradient(E, W)
    np.testing.assert_allclose(both.evaluate(at), 2 * tc.derivative(E, W).evaluate(at))


# ── total and partial derivatives ────────────────────────────────────────────────────────


def test_the_derivative_is_total_over_every_path(at):
    for wrt in (W, x, y):
        expected = quotients(E.evaluate, at, wrt.name)
        np.testing.assert_allclose(tc.gradient(E, wrt).evaluate(at), expected, atol=1e-8)
    np.testing.assert_allclose(tc.gradient(F, x).evaluate(at), quotients(F.evaluate, at, "x"))


def test_an_intermediate_is_independent_in_what_is_built_on_it_and_has_the_computed_value(at):
    sigma = s.evaluate(at)
    np.testing.assert_allclose(tc.gradient(E, s).evaluate(at), sigma - at["y"])
    np.testing.assert_allclose(tc.derivative(s, v).evaluate(at), np.diag(sigma * (1 - sigma)))
    # b = a ⊙ x uses x beside a: by a, x stays as it is
    np.testing.assert_allclose(tc.derivative(b, a).evaluate(at), np.diag(at["x"]))
    b_value = np.tanh(at["x"]) * at["x"]
    np.testing.assert_allclose(tc.gradient(F, a).evaluate(at), 2 * b_value * at["x"] + 1)
    assert tc.derivative(a, b).structure == "zero"  # a is not built on b


def test_what_is_held_fixed_passes_nothing_on(at):
    a_value = np.tanh(at["x"])
    direct = tc.derivative(b, x, holding=[a])
    np.testing.assert_allclose(direct.evaluate(at), np.diag(a_value))
    assert repr(direct).endswith("holding a")
    np.testing.assert_allclose(tc.gradient(F, a).evaluate(at) - 1, 2 * a_value * at["x"] ** 2)
    partial = tc.derivative(F, a, holding=[b])
    np.testing.assert_allclose(partial.evaluate(at), np.ones((1, 4)))
    assert tc.derivative(F, x, holding=[a, b]).structure == "zero"
    assert tc.derivative(E, x, holding=v).structure == "zero"
    np.testing.assert_allclose(
        tc.derivative(v, x, holding=[W]).evaluate(at), tc.derivative(v, x).evaluate(at)
    )


def test_two_arguments_are_both_made_independent_before_either_is_used(at):
    u = tc.define("u", S**2)
    w = tc.define("w", u * S)
    P = tc.define("P", u * u * w)
    value = float(at["S"])
    mixed = tc.derivative(P, u, w)  # 2 u, since w does not change with u
    assert float(mixed.evaluate(at)[0, 0]) == pytest.approx(2 * value**2)
    assert mixed.value is tc.derivative(P, w, u).value
    twice = tc.derivative(P, u, u)  # w = u S is built on u: P = u³ S
    assert float(twice.evaluate(at)[0, 0]) == pytest.approx(6 * value**2 * value)
    assert mixed.wrt == (u, w)


G = tc.define("G", tc.sum(tc.sin(S * x)))
THIRD = {
    "∂³E/∂x³": ((E, x, x, x), (4, 4, 4), "3-tensor"),
    "∂³E/∂W∂x²": ((E, W, x, x), (4, 5, 4, 4), "4-tensor"),
    "∂³E/∂x∂W∂x": ((E, x, W, x), (4, 4, 5, 4), "4-tensor"),
    "∂³E/∂W³": ((E, W, W, W), (4, 5, 4, 5, 4, 5), "6-tensor"),
    "∂³s/∂x³": ((s, x, x, x), (5, 4, 4, 4), "4-tensor"),
    "∂³s/∂x²∂W": ((s, x, x, W), (5, 4, 4, 4, 5), "5-tensor"),
    "∂³G/∂S³": ((G, S, S, S), (1, 1), "third derivative"),
    "∂³G/∂S∂x∂S": ((G, S, x, S), (1, 4), "third derivative"),
    "∂³G/∂S∂x²": ((G, S, x, x), (4, 4), "third derivative"),
    "∂³q/∂S³": ((q, S, S, S), (1, 1), "third derivative"),
    "∂³p/∂S³": ((p, S, S, S), (4, 1), "third derivative"),
}


@pytest.mark.parametrize("title", THIRD)
def test_a_third_derivative_is_the_derivative_of_the_second_in_every_layout(title, at):
    asked, shape, kind = THIRD[title]
    of, *by = asked
    d = tc.derivative(*asked)
    assert (d.title, d.shape, d.kind, d.wrt) == (title, shape, kind, tuple(by))
    assert repr(d).startswith(title)
    assert d.latex().startswith((r"\frac{\partial^{3}", r"\left[\frac{\partial^{3}"))
    expected = quotients(tc.derivative(of, *by[:2], layout="mixed").compile(), at, by[2].name)
    mixed = d.evaluate(at, layout="mixed")
    np.testing.assert_allclose(mixed, expected, rtol=1e-6, atol=1e-8)
    blocks = np.split(np.arange(mixed.ndim), np.cumsum([t.expr.ndim for t in asked])[:-1])
    orders = {
        "numerator": [blocks[0], *(block[::-1] for block in blocks[1:])],
        "denominator": [*blocks[1:], blocks[0][::-1]],
    }
    for layout, order in orders.items():
        view = d.to(layout).evaluate(at)
        assert view.shape == d.to(layout).shape
        turned = mixed.transpose(np.concatenate(order)).reshape(view.shape)
        np.testing.assert_allclose(view, turned, atol=1e-14)
    right = d.evaluate(at)
    assert d.check(right, at=at)
    assert d.verify()


def test_a_third_derivative_says_one_entry_and_takes_three_increments(at):
    d = tc.derivative(tc.sum(x**3), x, x, x)
    assert d.entry() == "6 if j = t and j = v else 0"
    assert tc.derivative(E, s, s, s).structure == "zero"
    first, second, third = np.random.default_rng(8).normal(size=(3, 4))
    got = d.apply(first, second, third, at=at)
    np.testing.assert_allclose(got, 6 * np.sum(first * second * third))
    with pytest.raises(tc.NotSupportedError, match=r"the gradient of ∂³.*: by more than one quan"):
        _ = d.gradient
    with pytest.raises(tc.NotSupportedError, match="the chain rule of a higher derivative has"):
        d @ tc.derivative(x, x)


def test_a_name_for_a_variable_is_a_quantity_of_its_own(at):
    same = tc.define("same", x)
    C = tc.define("C", tc.dot(same, x))
    np.testing.assert_allclose(tc.gradient(C, x).evaluate(at), 2 * at["x"])
    np.testing.assert_allclose(tc.gradient(C, same).evaluate(at), at["x"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pair", [(x, y), (E, T), (v, y), (x - x, x), (K @ n, S), (S, K)])
def test_a_derivative_that_vanishes_is_zero_and_stays_so_in_a_chain(pair, layout, at):
    d = tc.derivative(*pair, layout=layout)
    zeros = d.evaluate(at)
    assert d.structure == "zero"
    assert not zeros.any()
    assert zeros.shape == tuple({"m": 2, "n": 3}.get(dim, dim) for dim in d.shape)
    if d.of.name:
        identity = tc.derivative(d.of, d.of, layout=layout)
        assert (identity @ d).structure == "zero"


# ── values ───────────────────────────────────────────────────────────────────────────────


def test_values_come_as_keywords_as_a_mapping_by_name_or_by_quantity(at):
    d = tc.derivative(E, W)
    expected = d.evaluate(W=at["W"], x=at["x"], y=at["y"])
    by_quantity = {W: at["W"], x: at["x"], y: at["y"]}
    for got in (
        d.evaluate(at),
        d.evaluate(by_quantity),
        d.evaluate({W: at["W"]}, x=at["x"], y=at["y"]),
        d.evaluate({**at, "W": "another"}, W=at["W"]),
    ):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(E.evaluate(by_quantity), E.evaluate(at))


def test_a_column_may_be_given_as_n_by_1_and_its_gradient_comes_back_so(at):
    upright = {**at, "x": at["x"][:, None], "y": at["y"][:, None]}
    for d in (tc.derivative(E, x), tc.derivative(s, x), tc.derivative(E, W)):
        np.testing.assert_array_equal(d.evaluate(upright), d.evaluate(at))
    g = tc.gradient(E, x)
    np.testing.assert_array_equal(g.evaluate(upright), g.evaluate(at)[:, None])
    np.testing.assert_array_equal(g.compile()(upright), g.evaluate(upright))
    assert tc.gradient(E, s).evaluate(upright).shape == (5,)


GIVEN = [[1, 2, 3, 4], (1, 2, 3, 4), range(1, 5), *(
    np.arange(1, 5, dtype=kind) for kind in (int, np.int8, np.uint8, np.float16, np.longdouble)
)]  # fmt: skip


@pytest.mark.parametrize("given", GIVEN, ids=lambda g: str(getattr(g, "dtype", type(g))))
def test_what_is_no_float32_becomes_float64(given):
    got = tc.derivative(tc.norm(x) ** 2, x).evaluate(x=given)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [[2, 4, 6, 8]])


def test_integers_do_not_overflow_and_booleans_count():
    np.testing.assert_array_equal(tc.square(x).evaluate(x=np.full(4, 100, np.int8)), [10_000.0] * 4)
    assert float(tc.sum(x).evaluate(x=[True, False, True, True])) == 3.0


@pytest.mark.parametrize("pair", [(E, W), (E, x), (s, v), (s, W), (q, S), (x, x), (x, y)])
def test_float32_stays_float32_if_all_values_are(pair, at):
    single = {name: array.astype(np.float32) for name, array in at.items()}
    d = tc.derivative(*pair)
    for layout in LAYOUTS:
        assert d.evaluate(single, layout=layout).dtype == np.float32
    np.testing.assert_allclose(d.evaluate(single), d.evaluate(at), rtol=2e-4, atol=1e-6)
    mixed = {**single, "S": at["S"], "W": at["W"], "x": at["x"], "y": at["y"]}
    assert d.evaluate(mixed).dtype == np.float64
    np.testing.assert_array_equal(d.evaluate(mixed), d.evaluate(at))


def test_constants_are_weak_in_precision():
    array = np.array([0.1, 0.2, 0.3, 0.4])
    for t in (x * 0.1, x + array, tc.dot(x, array), tc.exp(x) / 3):
        assert t.evaluate(x=np.ones(4, np.float32)).dtype == np.float32


def test_every_value_given_for_a_variable_of_the_computation_is_checked(at):
    identity = tc.derivative(2 * x, x)
    np.testing.assert_array_equal(identity.evaluate(), 2 * np.eye(4))  # x is not needed
    with pytest.raises(tc.ShapeError, match="x is declared 4"):
        identity.evaluate(x=np.ones(3))
    with pytest.raises(tc.ValueNotAllowedError, match="x is text"):
        identity.evaluate(x="ones")
    assert identity.evaluate(z=np.ones(3)).shape == (4, 4)  # z is none of its variables


def test_max_bytes_is_what_the_largest_array_may_take_and_counts_what_is_computed_on_the_way(at):
    d = tc.derivative(v, W)
    assert d.evaluate(at, max_bytes=d.dense_nbytes + 8 * 5).shape == (5, 4, 5)
    with pytest.raises(tc.MemoryLimitError, match="would take 800 B, and max_bytes is 799 B"):
        d.evaluate(at, max_bytes=d.dense_nbytes - 1)
    scalar = tc.sum(tc.exp(x @ y.T))
    with pytest.raises(tc.MemoryLimitError, match="4 × 5 array would take 160 B"):
        scalar.evaluate(at, max_bytes=159)
    named = tc.derivative(K @ n, K)  # sizes are known from the values only
    with pytest.raises(tc.MemoryLimitError, match=r"2 × 3 × 2 array would take 96 B"):
        named.evaluate(at, max_bytes=95)


SHARING = [tc.gradient(tc.dot(x, a), a), tc.derivative(v, x), x, W.T, tc.derivative(E, W), W + 0]


@pytest.mark.parametrize("item", SHARING, ids=repr)
def test_a_result_does_not_share_memory_with_the_values(item, at):
    for result in (item.evaluate(at), item.compile()(at)):
        assert not any(np.shares_memory(result, array) for array in at.values())


# ── products with vectors ────────────────────────────────────────────────────────────────

ACTING = [(E, W), (E, x), (s, W), (s, x), (v, W), (W * 2, W), (A @ B, A), (T, T), (q, S), (p, S),
          (S, S), (tc.sum(W, 0), W), (x, y), (K @ n, K)]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pair", ACTING)
def test_apply_jvp_and_vjp_contract_every_axis_of_one_side(pair, layout, at):
    d = tc.derivative(*pair, layout=layout)
    dense = d.evaluate(at, layout="mixed")
    rng = np.random.default_rng(5)
    stored = dense.ndim - len(d.wrt.shape)
    tangent = rng.normal(size=dense.shape[stored:])
    cotangent = rng.normal(size=dense.shape[:stored])
    forward = np.tensordot(dense, tangent, tangent.ndim)
    if d.of.form == "row":  # a row has the shape of a row
        forward = forward[None]
    np.testing.assert_allclose(d.apply(tangent, at=at), forward, atol=1e-14)
    np.testing.assert_allclose(d.jvp(tangent, at=at), forward, atol=1e-14)
    backward = np.tensordot(cotangent, dense, cotangent.ndim)
    np.testing.assert_allclose(d.vjp(cotangent, at=at), backward, atol=1e-14)


SHAPES_OF_INCREMENTS = [
    #  of, wrt,  shapes of a tangent,   shapes of a cotangent
    ((v, x), [(4,), (4, 1)], [(5,), (5, 1)]),
    ((E, x.T), [(4,), (1, 4)], [()]),
    ((s.T, W), [(5, 4)], [(5,), (1, 5)]),
    ((tc.sum(W, 0), W), [(5, 4)], [(4,), (1, 4)]),
    ((T * 2, T), [(2, 3, 4)], [(2, 3, 4)]),
    ((p, S), [()], [(4,), (4, 1)]),
    ((K @ n, K), [(2, 3)], [(2,), (2, 1)]),
]


@pytest.mark.parametrize(("pair", "tangents", "cotangents"), SHAPES_OF_INCREMENTS)
def test_jvp_has_the_values_shape_and_vjp_the_arguments(pair, tangents, cotangents, at):
    d = tc.derivative(*pair)
    sizes = {"m": 2, "n": 3}
    shapes = [tuple(sizes.get(dim, dim) for dim in t.shape) for t in (d.of, d.wrt)]
    for given in tangents:
        assert d.jvp(np.ones(given), at=at).shape == shapes[0]
        assert d.apply(np.ones(given), at=at).shape == shapes[0]
    for given in cotangents:
        assert d.vjp(np.ones(given), at=at).shape == shapes[1]
    assert d.jvp(d.wrt).shape == d.of.shape
    assert d.vjp(d.of).shape == d.wrt.shape
    for act, shape in ((d.jvp, (*tangents[0], 2)), (d.vjp, (*cotangents[0], 2))):
        with pytest.raises(tc.ShapeError, match="is declared"):
            act(np.ones(shape), at=at)


def test_the_hessian_applied_to_a_row_is_a_row(at):
    expected = tc.hvp(E, x, np.ones(4), at=at)
    for tangent in (np.ones(4), np.ones((1, 4))):
        np.testing.assert_allclose(tc.hvp(E, x.T, tangent, at=at), expected[None])
    assert tc.hvp(E, x.T, x.T).shape == (1, 4)


def test_an_increment_predicts_the_change_of_the_value_to_first_order(at):
    rng = np.random.default_rng(6)
    step = rng.normal(size=(5, 4))
    remainders = []
    for h in (1e-2, 1e-3):
        moved = {**at, "W": at["W"] + h * step}
        change = E.evaluate(moved) - E.evaluate(at)
        remainders.append(abs(change - tc.derivative(E, W).apply(h * step, at=at)))
    assert math.log10(remainders[0] / remainders[1]) == pytest.approx(2, abs=0.1)


def test_a_quantity_as_increment_gives_a_quantity(at):
    dW = tc.matrix("D", 5, 4)
    increment = np.ones((5, 4))
    change = tc.derivative(E, W).apply(dW)
    expected = tc.derivative(E, W).apply(increment, at=at)
    np.testing.assert_allclose(change.evaluate(at, D=increment), expected)
    pulled = tc.derivative(v, W).vjp(y)
    assert pulled.shape == W.shape
    np.testing.assert_allclose(pulled.evaluate(at), np.outer(at["y"], at["x"]))


def test_increments_and_cotangents_of_columns_may_be_n_by_1(at):
    d = tc.derivative(s, x)
    tangent, cotangent = np.arange(4.0), np.arange(5.0)
    np.testing.assert_array_equal(d.apply(tangent[:, None], at=at), d.apply(tangent, at=at))
    np.testing.assert_array_equal(d.vjp(cotangent[:, None], at=at), d.vjp(cotangent, at=at))


@pytest.mark.parametrize("by", [(x, x), (x, W), (W, x)])
def test_a_second_derivative_takes_one_increment_for_each_argument(by, at):
    H = tc.derivative(E, *by, layout="mixed")
    rng = np.random.default_rng(8)
    first, second = (rng.normal(size=t.shape) for t in by)
    expected = np.tensordot(first, np.tensordot(H.evaluate(at), second, second.ndim), first.ndim)
    np.testing.assert_allclose(H.apply(first, second, at=at), expected)


@pytest.mark.parametrize("wrt", [x, W, s, y])
def test_the_hessian_is_applied_to_a_tangent_without_being_made(wrt, at):
    tangent = np.random.default_rng(10).normal(size=wrt.shape)
    expected = np.tensordot(tc.hessian(E, wrt, layout="mixed").evaluate(at), tangent, tangent.ndim)
    np.testing.assert_allclose(tc.hvp(E, wrt, tangent, at=at), expected, atol=1e-14)
    symbol = tc.variable("D", wrt.shape)
    moved = tc.hvp(E, wrt, symbol)
    assert moved.shape == wrt.shape
    np.testing.assert_allclose(moved.evaluate(at, D=tangent), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("tangent", "value"),
    [(x, [1, 2, 3, 4]), (2 * x, [2, 4, 6, 8]), (x**2, [1, 4, 9, 16])],
    ids=["x", "2 x", "x²"],
)
def test_a_tangent_made_of_the_argument_is_not_differentiated(tangent, value):
    C, at = tc.sum(x**3), {"x": [1.0, 2.0, 3.0, 4.0]}
    expected = 6 * np.array(at["x"]) * value
    np.testing.assert_allclose(tc.hvp(C, x, tangent).evaluate(at), expected)
    np.testing.assert_allclose(tc.hvp(C, x, np.array(value), at=at), expected)


def test_the_hessian_by_a_name_is_applied_without_looking_at_what_it_stands_for():
    t, w = tc.vector("t", 3), tc.vector("w", 3)
    u = tc.define("u", t + 1)
    C = tc.sum(w * u**2 / (t + 1))  # by u alone this is a square, by t a line
    at = {"t": [1.0, 2.0, 3.0], "w": np.ones(3)}
    expected = 2 / (1 + np.array(at["t"]))
    np.testing.assert_allclose(np.diagonal(tc.hessian(C, u).evaluate(at)), expected)
    np.testing.assert_allclose(tc.hvp(C, u, np.ones(3), at=at), expected)
    np.testing.assert_allclose(tc.hvp(C, u, w).evaluate(at), expected)


def test_increments_keep_their_own_shape_where_names_begin_alike():
    r, r2 = tc.vector("r", 3), tc.vector("r2", 4)
    C = tc.sum(r) + tc.sum(r2)
    at = {"r": np.ones(3), "r2": np.ones(4)}
    hessian = tc.derivative(C, r, r2)  # zero: it contains no increment any more
    assert hessian.apply(np.ones(3), np.ones(4), at=at) == 0
    r, rs = tc.vector("r", 3), tc.vector("rs", 4)
    zero = tc.derivative(rs, r)
    np.testing.assert_array_equal(zero.vjp(np.ones(4), at={"r": np.ones(3), "rs": at["r2"]}), 0)


def test_a_variable_may_be_named_like_an_increment(at):
    named = tc.matrix("ΔW", 5, 4)
    got = tc.derivative(W * named, W).apply(np.ones((5, 4)), at={"W": at["W"], "ΔW": at["W"]})
    np.testing.assert_allclose(got, at["W"])


# ── from an array ────────────────────────────────────────────────────────────────────────


def test_an_array_of_ones_own_joins_a_chain_by_quantity_or_by_name(at):
    J = np.random.default_rng(9).normal(size=(5, 5))
    rest = tc.derivative(v, W)
    expected = np.einsum("kh,hij->kij", J, rest.evaluate(at))
    for ends in (
        {"of": s, "wrt": v},
        {"of": "C", "wrt": v},
        {"of": s, "wrt": "v"},
        {"of": "C", "wrt": "v"},
    ):
        explicit = tc.from_array(J, **ends)
        assert (explicit.layout, explicit.shape, explicit.kind) == ("numerator", (5, 5), "Jacobian")
        np.testing.assert_array_equal(explicit.evaluate(), J)
        chain = explicit @ rest
        assert chain.wrt is W
        np.testing.assert_allclose(chain.evaluate(at), expected)


def test_names_of_one_size_join_each_other():
    row, J = np.arange(5.0)[None], np.arange(25.0).reshape(5, 5)
    chain = tc.from_array(row, of="C", wrt="z") @ tc.from_array(J, of="z", wrt="u")
    assert (chain.of.name, chain.wrt.name, chain.of.form) == ("C", "u", "scalar")
    np.testing.assert_array_equal(chain.evaluate(), row @ J)
    with pytest.raises(tc.ChainError):
        tc.from_array(row, of="C", wrt="z") @ tc.from_array(np.eye(4), of="z", wrt="u")
    with pytest.raises(tc.ChainError):
        tc.from_array(row, of="C", wrt="z") @ tc.from_array(J, of="y", wrt="u")


OPEN_ENDS = [
    #  array        layout         of        wrt        shapes of value and argument
    (np.ones((1, 5)), "numerator", "C", v, (), (5,)),
    (np.ones((5, 1)), "denominator", "C", v, (), (5,)),
    (np.ones(5), "mixed", "C", v, (), (5,)),
    (np.ones((7, 5)), "numerator", "C", v, (7,), (5,)),
    (np.ones((5, 7)), "denominator", "C", v, (7,), (5,)),
    (np.ones((7, 5)), "mixed", "C", v, (7,), (5,)),
    (np.ones((4, 5)), "numerator", "C", W, (), (5, 4)),
    (np.ones((5, 4)), "denominator", "C", W, (), (5, 4)),
    (np.ones((7, 4, 5)), "numerator", "C", W, (7,), (5, 4)),
    (np.ones((5, 4, 7)), "denominator", "C", W, (7,), (5, 4)),
    (np.ones((7, 5, 4)), "mixed", "C", W, (7,), (5, 4)),
    (np.ones((5, 1)), "numerator", v, "S", (5,), ()),
    (np.ones((1, 5)), "denominator", v, "S", (5,), ()),
    (np.ones(5), "mixed", v, "S", (5,), ()),
    (np.ones((5, 7)), "numerator", v, "z", (5,), (7,)),
    (np.ones((1, 7)), "numerator", E, "z", (), (7,)),
    (np.ones((7, 1)), "denominator", E, "z", (), (7,)),
    (np.ones((1, 7)), "numerator", "C", "z", (), (7,)),
    (np.ones((3, 7)), "numerator", "C", "z", (3,), (7,)),
    (np.ones(7), "mixed", "C", "z", (), (7,)),
    (3.0, "numerator", "C", "z", (), ()),
    (np.array(3.0), "mixed", "C", "z", (), ()),
]


@pytest.mark.parametrize(("array", "layout", "of", "wrt", "value", "argument"), OPEN_ENDS)
def test_a_name_takes_the_axes_that_are_left(array, layout, of, wrt, value, argument):
    d = tc.from_array(array, of=of, wrt=wrt, layout=layout)
    assert (d.of.shape, d.wrt.shape) == (value, argument)
    expected = np.reshape(array, (1, 1)) if d.shape == (1, 1) else array
    np.testing.assert_array_equal(d.evaluate(), expected)
    assert d.evaluate().shape == d.shape


def test_derivatives_of_merged_axes_take_their_sizes_from_the_quantities():
    u = tc.define("u", tc.vec(K))  # of size m·n, whatever m and n are
    C = tc.define("C", tc.norm(u) ** 2)
    at = {"K": np.arange(6.0).reshape(2, 3), "S": 2.0}
    np.testing.assert_array_equal(tc.derivative(u, S).evaluate(at), np.zeros((6, 1)))
    np.testing.assert_array_equal(tc.hessian(C, u).evaluate(at), 2 * np.eye(6))
    np.testing.assert_array_equal(tc.derivative(C, u).apply(np.ones(6), at=at), 30.0)
    np.testing.assert_array_equal(tc.hvp(C, u, np.ones(6), at=at), np.full(6, 2.0))
    assert tc.derivative(u, K).check(np.ones(5), at=at).cause == "shape"
    for d in (tc.derivative(u, K), tc.derivative(u, S), tc.hessian(C, u), tc.derivative(u, K)[1]):
        assert d.verify()
    with pytest.raises(tc.ShapeError, match="entry 7 along m·n, which has size 6"):
        tc.derivative(u, K)[7].evaluate(at)


def test_letters_of_indices_are_no_names_of_merged_sizes():
    u = tc.define("u", tc.vec(tc.matrix("H", "k", "i")))
    assert tc.derivative(u, u).entry() == "1 if l = j else 0"


def test_the_array_is_copied():
    array = np.ones((5, 5))
    d = tc.from_array(array, of=s, wrt=v)
    array[:] = 7.0
    np.testing.assert_array_equal(d.evaluate(), np.ones((5, 5)))


def test_the_array_is_frozen():
    d = tc.from_array(np.ones((5, 5)), of=s, wrt=v)
    result = d.evaluate()
    result[:] = 9.0
    np.testing.assert_array_equal(d.evaluate(), np.ones((5, 5)))


def test_two_arrays_add_up_and_scale():
    one = tc.from_array(np.full((1, 3), 1.0), of="C", wrt="z")
    two = tc.from_array(np.full((1, 3), 2.0), of="C", wrt="z")
    np.testing.assert_array_equal((one + 3 * two - two).evaluate(), np.full((1, 3), 5.0))


# ── size ─────────────────────────────────────────────────────────────────────────────────


def test_a_derivative_of_4096_cubed_entries_is_made_described_and_chained_within_1_mib():
    N = 4096
    arrays = {"W": np.ones((N, N)), "a": np.ones(N), "y": np.ones(N)}
    tracemalloc.start()
    try:
        z = tc.define("z", tc.matrix("W", N, N) @ tc.vector("a", N))
        C = tc.define("C", tc.norm(tc.sigmoid(z) - tc.vector("y", N)) ** 2)
        d = tc.derivative(z, tc.matrix("W", N, N))
        words = (repr(d), d.latex(), d.entry(), d.kind, d.structure, d.to("mixed").shape)
        chain = tc.derivative(C, z) @ d
        words += (repr(chain), repr(d[17]), chain.compile().source)
        made = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = chain.evaluate(arrays)
        evaluated = tracemalloc.get_traced_memory()[1] - before - result.nbytes
    finally:
        tracemalloc.stop()
    assert (d.dense_nbytes, d.structure, result.shape) == (2**39, "block diagonal", (N, N))
    assert len(words) == 9
    assert made < 2**20
    assert evaluated < 2**20
    with pytest.raises(tc.MemoryLimitError, match=r"512 GiB, and max_bytes is 2 GiB") as error:
        d.evaluate(arrays)
    assert "max_bytes=549755813888" in error.value.hint


def test_the_jacobian_of_a_chain_grows_in_proportion_to_its_depth():
    u, lengths = x, []
    for _ in range(6):
        u = u + tc.tanh(u)
        lengths.append(len(tc.derivative(u, x).compile().source))
    assert lengths[5] < 3 * lengths[2]


# ── textbook truth ───────────────────────────────────────────────────────────────────────

TEXTBOOK_SHAPES = {
    "S": (), "x": (3,), "c": (3,), "w": (3,), "b": (2,), "y": (2,), "t": (4,),
    "A": (3, 3), "B": (3, 3), "W": (2, 3), "X": (4, 3), "Y": (4, 2),
}  # fmt: skip

# In the front end, and as NumPy writes it with ordinary 1-D arrays for columns and rows.
TEXTBOOK = {
    # scalars of vectors
    "c.T @ x": "c @ x",
    "x.T @ A @ x": "x @ A @ x",
    "x.T @ A @ x / 2 - c.T @ x": "x @ A @ x / 2 - c @ x",
    "c.T @ A @ A.T @ x": "c @ A @ A.T @ x",
    "norm(x)": "sqrt(sum(x**2))",
    "norm(x)**2": "sum(x**2)",
    "norm(x - c)**3": "sum((x - c)**2)**1.5",
    "norm(A @ x - c)**2 / 2": "sum((A @ x - c)**2) / 2",
    "norm(X @ w - t)**2 + S * norm(w)**2": "sum((X @ w - t)**2) + S * sum(w**2)",
    "mean((X @ w - t)**2)": "mean((X @ w - t)**2)",
    "c.T @ x / (norm(c) * norm(x))": "c @ x / sqrt(sum(c**2) * sum(x**2))",
    "x.T @ A @ x / (x.T @ x)": "x @ A @ x / (x @ x)",
    "exp(c.T @ x)": "exp(c @ x)",
    "sigmoid(c.T @ x + S)": "sigmoid(c @ x + S)",
    "dot(x, c)**2 / (1 + dot(x, x))": "(x @ c)**2 / (1 + x @ x)",
    "sum(sqrt(1 + x**2))": "sum(sqrt(1 + x**2))",
    "sum(silu(x))": "sum(x * sigmoid(x))",
    "sum(gelu(A @ x))": "sum(gelu(A @ x))",
    "sum(relu(A @ x))": "sum(relu(A @ x))",
    "sum(abs(x - c))": "sum(abs(x - c))",
    "logsumexp(x)": "log(sum(exp(x)))",
    "log(sum(exp(A @ x)))": "log(sum(exp(A @ x)))",
    "x[0] * x[1] + x[2]**2": "x[0] * x[1] + x[2]**2",
    "(A @ x)[1] * x[0]": "(A @ x)[1] * x[0]",
    "-sum(softmax(x) * log(softmax(x)))": "-sum(softmax(x) * log(softmax(x)))",
    "sum(softmax(x) * (log_softmax(x) - log_softmax(c)))":
        "sum(softmax(x) * log(softmax(x) / softmax(c)))",
    "norm(x - c)**2 / (2 * exp(S)) + S": "sum((x - c)**2) / (2 * exp(S)) + S",
    # classification and regression
    "sum(softplus(X @ w)) - t.T @ (X @ w)": "sum(log(1 + exp(X @ w))) - t @ X @ w",
    "-sum(t * log(sigmoid(X @ w)) + (1 - t) * log(1 - sigmoid(X @ w)))":
        "-sum(t * log(sigmoid(X @ w)) + (1 - t) * log(1 - sigmoid(X @ w)))",
    "-y.T @ log_softmax(W @ x + b)": "-y @ log(softmax(W @ x + b))",
    "-sum(y * log(softmax(W @ x)))": "-y @ log(softmax(W @ x))",
    "logsumexp(W @ x) - y.T @ (W @ x)": "log(sum(exp(W @ x))) - y @ W @ x",
    "norm(X @ W.T + b.T - Y)**2 / 2": "sum((X @ W.T + b - Y)**2) / 2",
    "norm(W @ X.T + b - Y.T)**2 / 2": "sum((W @ X.T + b[:, None] - Y.T)**2) / 2",
    "-mean(sum(Y * log_softmax(X @ W.T + b.T, 1), 1))":
        "-mean(sum(Y * log(softmax(X @ W.T + b)), 1))",
    "norm(sigmoid(W @ tanh(A @ x + c) + b) - y)**2 / 2":
        "sum((sigmoid(W @ tanh(A @ x + c) + b) - y)**2) / 2",
    "mean((tanh(X @ A + c.T) @ W.T - Y)**2)": "mean((tanh(X @ A + c) @ W.T - Y)**2)",
    # scalars of matrices
    "sum(A)": "sum(A)",
    "mean(A * B)": "mean(A * B)",
    "trace(A)": "trace(A)",
    "trace(A @ B)": "trace(A @ B)",
    "trace(A.T @ A)": "trace(A.T @ A)",
    "trace(A @ B @ A.T)": "trace(A @ B @ A.T)",
    "trace(A @ A @ A)": "trace(A @ A @ A)",
    "trace(diag(x) @ A)": "trace(diag(x) @ A)",
    "frobenius(A, B)": "sum(A * B)",
    "norm(A)": "sqrt(sum(A**2))",
    "norm(A @ B - A)**2": "sum((A @ B - A)**2)",
    "norm(tanh(A) @ x)": "sqrt(sum((tanh(A) @ x)**2))",
    "sum(outer(x, y) * W.T)": "sum(outer(x, y) * W.T)",
    "einsum('ij,j,i->', W, x, y)": "y @ W @ x",
    "sum(softmax(X @ A @ X.T, 1) @ X)": "sum(softmax(X @ A @ X.T) @ X)",
    "sum(logsumexp(X, 0) * c.T)": "sum(log(sum(exp(X), 0)) * c)",
    # scalars of scalars
    "exp(-(S**2) / 2)": "exp(-(S**2) / 2)",
    "S**3 + sin(S) / S": "S**3 + sin(S) / S",
    # vectors
    "A @ x": "A @ x",
    "x.T @ A": "x @ A",
    "x * c": "x * c",
    "x / c": "x / c",
    "x**3": "x**3",
    "x**2 * c": "x**2 * c",
    "1 / (1 + x**2)": "1 / (1 + x**2)",
    "S * x": "S * x",
    "x + S": "x + S",
    "exp(S * x)": "exp(S * x)",
    "sigmoid(W @ x + b)": "sigmoid(W @ x + b)",
    "A @ tanh(x)": "A @ tanh(x)",
    "silu(x)": "x * sigmoid(x)",
    "gelu(x)": "gelu(x)",
    "softmax(x)": "softmax(x)",
    "log_softmax(x)": "log(softmax(x))",
    "softmax(W @ x)": "softmax(W @ x)",
    "x / norm(x)": "x / sqrt(sum(x**2))",
    "x * (c.T @ x)": "x * (c @ x)",
    "(x - mean(x)) / sqrt(mean((x - mean(x))**2) + 0.1)":
        "(x - mean(x)) / sqrt(mean((x - mean(x))**2) + 0.1)",
    "diag(x) @ c": "x * c",
    "diagonal(A)": "diagonal(A)",
    "diagonal(A @ B)": "diagonal(A @ B)",
    "sum(W, 0)": "sum(W, 0)",
    "sum(W * W, 1)": "sum(W * W, 1)",
    "mean(X, 0)": "mean(X, 0)",
    "mean(X, 1)": "mean(X, 1)",
    "logsumexp(W, 1)": "log(sum(exp(W), 1))",
    "logsumexp(W, 0)": "log(sum(exp(W), 0))",
    # matrices
    "A.T": "A.T",
    "A @ B": "A @ B",
    "A @ A": "A @ A",
    "A * B": "A * B",
    "A * B @ A": "(A * B) @ A",
    "tanh(W)": "tanh(W)",
    "S * A": "S * A",
    "W + b": "W + b[:, None]",
    "X + c.T": "X + c",
    "x @ y.T": "outer(x, y)",
    "outer(x, x)": "outer(x, x)",
    "diag(x)": "diag(x)",
    "diag(x) @ A": "diag(x) @ A",
    "X @ W.T + b.T": "X @ W.T + b",
    "X - mean(X, 0)": "X - mean(X, 0)",
    "softmax(W, 1)": "softmax(W)",
    "softmax(W, 0)": "softmax(W.T).T",
    "log_softmax(W, 1)": "log(softmax(W))",
    "log_softmax(W, 0)": "log(softmax(W.T)).T",
    "exp(A) / sum(exp(A))": "exp(A) / sum(exp(A))",
}  # fmt: skip


def textbook(code):
    """The expression in the front end, and the variables in it."""
    variables = {name: tc.variable(name, shape) for name, shape in TEXTBOOK_SHAPES.items()}
    t = eval(code, dict(vars(tc)), variables)
    used = compile(code, "", "eval").co_names
    return t, [variables[name] for name in used if name in variables]


def scalar_and_smooth(code):
    return textbook(code)[0].form == "scalar" and "relu" not in code and "abs" not in code


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z), -1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


NUMPY = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "tanh": np.tanh, "sqrt": np.sqrt, "abs": np.abs,
    "sum": np.sum, "mean": np.mean, "trace": np.trace, "diag": np.diag, "diagonal": np.diagonal,
    "outer": np.outer, "softmax": softmax, "sigmoid": sigmoid, "relu": lambda z: np.maximum(z, 0),
    "gelu": np.vectorize(lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2),
}  # fmt: skip


def complex_steps(f, at, name):
    """∂f/∂(value of name), exact to rounding: the imaginary part at x + i 10⁻³⁰."""
    slopes = []
    for index in np.ndindex(at[name].shape):
        moved = at[name].astype(complex)
        moved[index] += 1e-30j
        slopes.append(np.imag(f({**at, name: moved})) * 1e30)
    return np.stack(slopes, -1).reshape(np.shape(slopes[0]) + at[name].shape)


def laid_out(dense, value, layout):
    """The array with ``value`` axes of the value first, as the layout shows it."""
    if layout == "mixed":
        return dense
    axes = [*range(dense.ndim)]
    turned = axes[:value] + axes[value:][::-1]
    view = dense.transpose(turned if layout == "numerator" else turned[::-1])
    if view.ndim > 1:
        return view
    upright = (value == 1) == (layout == "numerator")
    return view.reshape((-1, 1) if upright else (1, -1))


@pytest.fixture(scope="module")
def textbook_at():
    rng = np.random.default_rng(11)
    return {name: rng.uniform(0.2, 1.5, shape) for name, shape in TEXTBOOK_SHAPES.items()}


@pytest.mark.parametrize("code", TEXTBOOK)
def test_a_textbook_expression_has_numpys_value(code, textbook_at):
    t, _ = textbook(code)
    expected = eval(TEXTBOOK[code], NUMPY, dict(textbook_at))
    got = t.evaluate(textbook_at)
    assert got.shape == t.shape
    np.testing.assert_allclose(got.reshape(np.shape(expected)), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("code", TEXTBOOK)
def test_a_textbook_derivative_is_right_by_every_variable(code, layout, textbook_at):
    t, variables = textbook(code)
    f = lambda at: eval(TEXTBOOK[code], NUMPY, dict(at))
    kinked = any(word in code for word in ("relu", "gelu", "abs"))
    assert variables
    for by in variables:
        dense = (quotients if kinked else complex_steps)(f, textbook_at, by.name)
        expected = laid_out(dense, np.ndim(f(textbook_at)), layout)
        d = tc.derivative(t, by, layout=layout)
        got = d.evaluate(textbook_at)
        assert got.shape == expected.shape == d.shape
        np.testing.assert_allclose(got, expected, atol=1e-8 if kinked else 1e-12, err_msg=repr(d))
        np.testing.assert_array_equal(d.compile()(textbook_at), got)


@pytest.mark.parametrize("code", [*filter(scalar_and_smooth, TEXTBOOK)])
def test_a_textbook_hessian_is_the_derivative_of_the_gradient(code, textbook_at):
    t, variables = textbook(code)
    for first, second in itertools.combinations_with_replacement(variables[:3], 2):
        g = tc.gradient(t, first).compile()
        expected = quotients(g, textbook_at, second.name, h=1e-5)
        d = tc.derivative(t, first, second, layout="mixed")
        np.testing.assert_allclose(d.evaluate(textbook_at), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "by", "word"),
    [
        ("norm(sigmoid(W @ x) - y)**2 / 2", "WW", "block diagonal"),
        ("norm(W - y @ x.T)**2", "WW", "diagonal"),
        ("sum(x**3)", "xx", "diagonal"),
        ("y.T @ W @ x", "xx", "zero"),
        ("logsumexp(x)", "xx", "dense"),
        ("sum(W @ x)", "Wx", "block diagonal"),
        ("sum(W @ x)", "xW", "block diagonal"),
    ],
)
def test_a_hessian_has_the_structure_that_ties_its_two_arguments(text, by, word):
    p = tc.program(text, W=(2, 3), x=3, y=2)
    assert tc.derivative(p.result, *(p[name] for name in by)).structure == word


# ── kinds and names of higher derivatives and of products ─────────────────────────────────


@pytest.mark.parametrize(
    ("text", "wrt", "shapes", "kind"),
    [
        ("f = sin(t)", "t t", {"t": ()}, "second derivative"),
        ("f = sin(t)", "t t t", {"t": ()}, "third derivative"),
        ("f = sin(t) * x", "t t", {"t": (), "x": 3}, "tangent vector"),
        ("f = sin(t) * x", "t t t", {"t": (), "x": 3}, "third derivative"),
        ("f = sum(sin(x))", "x x x", {"x": 3}, "3-tensor"),
        ("f = sum(sin(x))", "x x", {"x": 3}, "Hessian"),
    ],
)
def test_the_kind_of_a_higher_derivative(text, wrt, shapes, kind):
    p = tc.program(text, shapes)
    assert tc.derivative(p.result, *(p[name] for name in wrt.split())).kind == kind


def test_only_a_compound_row_is_called_delta_in_steps():
    p = tc.program("v = W @ x; s = tanh(v); r = A @ s; E = norm(r)**2", W=(3, 2), x=2, A=(4, 3))
    row = (p.derivative("E", "r") @ p.derivative("r", "s") @ p.derivative("s", "v")).steps()
    jacobian = (p.derivative("r", "s") @ p.derivative("s", "v") @ p.derivative("v", "W")).steps()
    assert any("δ" in repr(step) for step in row)
    assert jacobian
    assert not any("δ" in repr(step) for step in jacobian)


def test_values_of_every_link_are_checked():
    p = tc.program("v = 2 * x + b; s = 3 * v; E = sum(s)", x=3, b=3)
    chained = p.derivative("E", "s") @ p.derivative("s", "v") @ p.derivative("v", "x")
    assert np.all(chained.evaluate(x=np.ones(3)) == 6)
    given = tc.from_array(np.ones(3), of="C", wrt=p["s"]) @ p.derivative("s", "x")
    for d in (chained, given):
        with pytest.raises(tc.ShapeError, match="b"):
            d.evaluate(x=np.ones(3), b=np.ones(4))
