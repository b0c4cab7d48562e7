"""Networks: three ways to one gradient, and what a network refuses."""

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.backprop.data import digits

# ── the truth: the network and Nielsen's BP1 to BP4, written by hand ─────────────────────


def activate(xp, name, z):
    """σ(z) by its textbook formula, in NumPy or a look-alike."""
    if name == "softmax":
        e = xp.exp(z - xp.max(z))
        return e / xp.sum(e)
    return {
        "sigmoid": lambda: 1 / (1 + xp.exp(-z)),
        "tanh": lambda: xp.tanh(z),
        "relu": lambda: xp.maximum(z, 0),
        "softplus": lambda: xp.log(1 + xp.exp(z)),
        "identity": lambda: 1 * z,
    }[name]()


def slopes(name, z):
    """[δa/δz], dense."""
    a = activate(np, name, z)
    if name == "softmax":
        return np.diag(a) - np.outer(a, a)
    return np.diag(
        {
            "sigmoid": a * (1 - a),
            "tanh": 1 - a**2,
            "relu": (z > 0) * 1.0,
            "softplus": 1 / (1 + np.exp(-z)),
            "identity": np.ones_like(z),
        }[name]
    )


def cost(xp, net, params, sample):
    """C, written by hand."""
    z, target = sample
    a = activate(xp, net.activations[0], z)
    for layer, name in enumerate(net.activations[1:], start=2):
        a = activate(xp, name, xp.dot(params[f"W{layer}"], a) + params[f"b{layer}"])
    if net.cost == "squared":
        return xp.sum((a - target) ** 2)
    if net.cost == "half squared":
        return xp.sum((a - target) ** 2) / 2
    if net.activations[-1] == "softmax":
        return -xp.sum(target * xp.log(a))
    return -xp.sum(target * xp.log(a) + (1 - target) * xp.log(1 - a))


def backpropagated(net, params, sample):
    """∂C/∂Wˡ and ∂C/∂bˡ by BP1 to BP4."""
    zs, z_and_a = [np.asarray(sample[0])], []
    for layer, name in enumerate(net.activations, start=1):
        a = activate(np, name, zs[-1])
        z_and_a.append((zs[-1], a))
        if layer < net.depth:
            zs.append(params[f"W{layer + 1}"] @ a + params[f"b{layer + 1}"])
    a, target = z_and_a[-1][1], sample[1]
    by_output = {
        "squared": lambda: 2 * (a - target),
        "half squared": lambda: a - target,
        "cross-entropy": lambda: (
            -target / a if net.activations[-1] == "softmax" else (1 - target) / (1 - a) - target / a
        ),
    }[net.cost]()
    delta = slopes(net.activations[-1], zs[-1]).T @ by_output
    gradients = {}
    for layer in range(net.depth, 1, -1):
        z, a = z_and_a[layer - 2]
        gradients[f"W{layer}"], gradients[f"b{layer}"] = np.outer(delta, a), delta
        delta = slopes(net.activations[layer - 2], z).T @ (params[f"W{layer}"].T @ delta)
    return gradients


def random_network(seed):
    """A network of 2 to 6 layers with parameters and a sample."""
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers(1, 8, size=rng.integers(2, 7))]
    names = ["sigmoid", "tanh", "relu", "softplus", "identity"]
    activations = [str(name) for name in rng.choice(names, size=len(sizes) - 1)]
    price = ("squared", "half squared", "cross-entropy")[seed % 3]
    output = str(rng.choice(["sigmoid", "softmax"])) if price == "cross-entropy" else None
    first = None if seed % 4 == 0 else str(rng.choice(names))
    net = tc.FeedForward(sizes, activations, price, output=output, input_activation=first)
    sample = rng.normal(size=sizes[0]), rng.uniform(size=sizes[-1])
    return net, net.initial_parameters(seed), sample


def assert_close(found, expected, allowed):
    """Equal to ``allowed`` of the largest entry of each gradient, with equal shapes."""
    assert list(found) == sorted(expected, key=lambda name: (name[1:], name))
    for name in expected:
        assert found[name].shape == expected[name].shape
        scale = np.abs(expected[name]).max()
        assert np.abs(found[name] - expected[name]).max() <= allowed * scale, name


NETWORKS = {
    "Johnston's": tc.FeedForward([3, 4, 2]),
    "two layers": tc.FeedForward((2, 3), "tanh", "half squared"),
    "no hidden slope": tc.FeedForward([3, 2, 4], "identity", output="sigmoid"),
    "a function per layer": tc.FeedForward([4, 3, 3, 2], ["tanh", "softplus", "sigmoid"]),
    "input as it is": tc.FeedForward([3, 4, 2], "softplus", input_activation=None),
    "logistic cross-entropy": tc.FeedForward([3, 4, 2], cost="cross-entropy"),
    "softmax cross-entropy": tc.FeedForward([3, 4, 3], "tanh", "cross-entropy", output="softmax"),
    "softmax squared": tc.FeedForward([3, 4, 3], "relu", output="softmax"),
}

each_network = pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS.keys())


@pytest.fixture
def params(net, rng):
    """Weights and biases of a unit normal."""
    sizes = net.sizes
    return {
        f"{p}{layer}": rng.normal(size=(sizes[layer - 1], sizes[layer - 2]) if p == "W" else n)
        for layer, n in enumerate(sizes[1:], start=2)
        for p in "Wb"
    }


@pytest.fixture
def sample(net, rng):
    """One input, and a target of probabilities."""
    target = rng.uniform(size=net.sizes[-1])
    return rng.normal(size=net.sizes[0]), target / target.sum()


# ── three ways ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(100))
def test_three_ways_give_one_gradient_and_it_is_the_one_by_hand(seed):
    net, params, sample = random_network(seed)
    literal = net.literal_gradients(params, sample)
    assert_close(net.structured_gradients(params, sample), literal, 1e-12)
    assert_close(net.fast_gradients(params, sample), literal, 1e-12)
    by_hand = backpropagated(net, params, sample)
    largest = max(np.abs(g).max() for g in by_hand.values())
    for name, gradient in by_hand.items():
        np.testing.assert_allclose(literal[name], gradient, rtol=0, atol=1e-12 * largest)


@each_network
def test_the_gradients_are_the_central_differences_of_the_cost(net, params, sample):
    h = 1e-6
    for name, gradient in net.fast_gradients(params, sample).items():
        for place in np.ndindex(gradient.shape):
            step = np.zeros(gradient.shape)
            step[place] = h
            up, down = (
                cost(np, net, params | {name: params[name] + sign * step}, sample)
                for sign in (1, -1)
            )
            assert (up - down) / (2 * h) == pytest.approx(gradient[place], rel=1e-6, abs=1e-7)


@pytest.mark.frameworks
@each_network
def test_the_gradients_are_those_of_automatic_differentiation(net, params, sample):
    autograd = pytest.importorskip("autograd")
    xp = pytest.importorskip("autograd.numpy")
    gradients = autograd.grad(lambda params: cost(xp, net, params, sample))(params)
    for name, gradient in net.fast_gradients(params, sample).items():
        np.testing.assert_allclose(gradient, gradients[name], rtol=1e-11, atol=1e-12)


@each_network
def test_every_way_names_the_parameters_and_keeps_their_shapes(net, params, sample):
    expected = {name: params[name].shape for name in net.parameter_names}
    assert list(expected) == [f"{p}{k}" for k in range(2, len(net.sizes) + 1) for p in "Wb"]
    for way in (net.literal_gradients, net.structured_gradients, net.fast_gradients):
        assert {name: g.shape for name, g in way(params, sample).items()} == expected
    initial = net.initial_parameters(seed=3)
    assert {name: array.shape for name, array in initial.items()} == expected
    assert sum(array.size for array in initial.values()) == net.parameter_count


@each_network
def test_quantities_have_the_values_of_the_forward_pass(net, params, sample):
    values = params | {"z1": sample[0], "λ": sample[1]}
    assert net["C"].evaluate(values) == pytest.approx(cost(np, net, params, sample))
    a = activate(np, net.activations[0], sample[0])
    np.testing.assert_allclose(net["a1"].evaluate(values), a, rtol=1e-14)
    for layer, name in enumerate(net.activations[1:], start=2):
        z = params[f"W{layer}"] @ a + params[f"b{layer}"]
        a = activate(np, name, z)
        np.testing.assert_allclose(net[f"z{layer}"].evaluate(values), z, rtol=1e-13)
        np.testing.assert_allclose(net[f"a{layer}"].evaluate(values), a, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(net.output(params, sample[0]), a, rtol=1e-12)


@each_network
def test_a_batch_is_the_sum_of_its_samples(net, params, rng):
    inputs, targets = rng.normal(size=(net.sizes[0], 5)), rng.uniform(size=(net.sizes[-1], 5))
    total, *gradients = net.training(params | {"z1": inputs, "λ": targets})
    samples = list(zip(inputs.T, targets.T, strict=True))
    assert total == pytest.approx(sum(cost(np, net, params, sample) for sample in samples))
    singly = [net.fast_gradients(params, sample) for sample in samples]
    for name, gradient in zip(net.parameter_names, gradients, strict=True):
        summed = sum(g[name] for g in singly)
        assert gradient.shape == params[name].shape
        np.testing.assert_allclose(gradient, summed, rtol=1e-12, atol=1e-13)
    outputs = net.output(params, inputs)
    assert outputs.shape == (net.sizes[-1], 5)
    for k, (z, _) in enumerate(samples):
        np.testing.assert_allclose(outputs[:, k], net.output(params, z), rtol=1e-12, atol=1e-16)


def test_single_precision_stays_single_precision():
    net = NETWORKS["Johnston's"]
    params = {name: a.astype(np.float32) for name, a in net.initial_parameters().items()}
    sample = np.ones(3, np.float32), np.zeros(2, np.float32)
    wide = net.fast_gradients({n: a.astype(float) for n, a in params.items()}, sample)
    for way in (net.structured_gradients, net.fast_gradients):
        for name, gradient in way(params, sample).items():
            assert gradient.dtype == np.float32
            np.testing.assert_allclose(gradient, wide[name], rtol=1e-4, atol=1e-6)


# ── training ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "step"),
    [
        ({}, 0.02),
        ({"activation": "tanh", "cost": "half squared"}, 0.005),
        ({"cost": "cross-entropy", "output": "softmax"}, 0.02),
    ],
    ids=["squared", "half squared", "cross-entropy"],
)
def test_training_on_forty_digits_reduces_the_cost(options, step):
    pytest.importorskip("sklearn")
    train, _ = digits()
    net = tc.FeedForward([64, 12, 10], **options)
    params = net.initial_parameters()
    batch = {"z1": train.inputs[:, :40], "λ": train.targets[:, :40]}
    costs = []
    for _ in range(60):
        total, *gradients = net.training(params | batch)
        costs.append(total)
        for name, gradient in zip(net.parameter_names, gradients, strict=True):
            params[name] = params[name] - step * gradient
    assert costs[-1] < costs[30] < costs[0]
    assert costs[-1] < 0.75 * costs[0]


def test_the_digits_are_real_shuffled_and_held_out():
    sklearn = pytest.importorskip("sklearn.datasets")
    pixels, labels = sklearn.load_digits(return_X_y=True)
    train, test = digits(held_out=360, seed=5)
    assert (len(train), len(test)) == (1437, 360)
    inputs = np.hstack([train.inputs, test.inputs])
    classes = np.concatenate([train.labels, test.labels])
    assert (inputs.min(), inputs.max()) == (-2, 2)
    # every digit is there once, with its own label
    rows = lambda a, b: sorted(map(tuple, np.column_stack([a, b]).tolist()))
    assert rows((inputs.T + 2) * 4, classes) == rows(pixels, labels)
    np.testing.assert_array_equal(np.argmax(train.targets, axis=0), train.labels)
    np.testing.assert_array_equal(train.targets.sum(axis=0), 1)
    assert not np.array_equal(digits(seed=6)[0].labels, train.labels)


# ── saturation ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("size", [1e4, -1e4, 40.0, 800.0])
@pytest.mark.parametrize("target", [[1.0, 0.0], [0.0, 1.0], [0.3, 0.7]])
def test_saturated_outputs_keep_cost_and_gradients_finite(output, size, target):
    net = tc.FeedForward([3, 4, 2], "tanh", "cross-entropy", output=output)
    params = net.initial_parameters()
    params["W3"], params["b3"] = np.zeros((2, 4)), np.array([size, -size])
    target = np.array(target)
    z = params["b3"]
    if output == "sigmoid":  # log σ(z) and log(1 − σ(z)), without overflow
        a, total = (z > 0) * 1.0, np.sum(np.logaddexp(0, z) - target * z)
    else:
        a, total = (z > 0) * 1.0, target.sum() * abs(size) - target @ z
    inputs = np.ones(3)
    cost, *gradients = net.training(params | {"z1": inputs[:, None], "λ": target[:, None]})
    assert cost == pytest.approx(total, rel=1e-12, abs=1e-12)
    assert net["C"].evaluate(params | {"z1": inputs, "λ": target}) == pytest.approx(cost)
    batch = dict(zip(net.parameter_names, gradients, strict=True))
    sample = inputs, target
    for found in (
        batch,
        net.fast_gradients(params, sample),
        net.structured_gradients(params, sample),
    ):
        np.testing.assert_allclose(found["b3"], a - target, rtol=0, atol=1e-12)
        assert all(np.isfinite(gradient).all() for gradient in found.values())


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus"])
def test_huge_inputs_keep_cost_and_gradients_finite(name):
    net = tc.FeedForward([2, 3, 2], name, "cross-entropy", output="softmax", input_activation=None)
    sample = np.array([1e4, -1e4]), np.array([1.0, 0.0])
    params = net.initial_parameters()
    assert np.isfinite(net["C"].evaluate(params | {"z1": sample[0], "λ": sample[1]}))
    for gradient in net.fast_gradients(params, sample).values():
        assert np.isfinite(gradient).all()


# ── how a network is declared ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sizes", "options", "activations"),
    [
        ([3, 4, 2], {}, ("sigmoid",) * 3),
        ((3, 2), {"activation": "tanh"}, ("tanh",) * 2),
        (range(2, 5), {"activation": "relu", "output": "sigmoid"}, ("relu", "relu", "sigmoid")),
        ([np.int64(3), 4, 2], {"activation": ["tanh", "relu"]}, ("tanh", "tanh", "relu")),
        ([3, 4, 2], {"activation": ("tanh", "relu"), "output": "softmax"},
         ("tanh", "tanh", "softmax")),
        ([3, 4, 2], {"input_activation": None}, ("identity", "sigmoid", "sigmoid")),
        ([3, 4, 2], {"input_activation": False}, ("identity", "sigmoid", "sigmoid")),
        ([3, 4, 2], {"input_activation": "tanh"}, ("tanh", "sigmoid", "sigmoid")),
        ([3, 2], {"activation": ["softmax"]}, ("sigmoid", "softmax")),
        ([3, 4, 2], {"activation": ["tanh", "relu", "sigmoid"]}, ("tanh", "relu", "sigmoid")),
    ],
)  # fmt: skip
def test_sizes_and_activations_are_read_layer_by_layer(sizes, options, activations):
    net = tc.FeedForward(sizes, **options)
    assert net.sizes == tuple(int(size) for size in sizes)
    assert all(type(size) is int for size in net.sizes)
    assert net.depth == len(sizes)
    assert net.activations == activations
    assert [net.activation(layer) for layer in range(1, net.depth + 1)] == list(activations)
    assert [net.size(layer) for layer in range(1, net.depth + 1)] == list(net.sizes)


def test_a_network_prints_its_layers_parameters_and_cost():
    net = tc.FeedForward([64, 30, 10], "tanh", "cross-entropy", output="softmax")
    assert net.parameter_count == 30 * 64 + 30 + 10 * 30 + 10
    assert repr(net) == (
        "FeedForward 64 → 30 → 10 (L = 3, 2,260 parameters), tanh, softmax, cost cross-entropy"
    )
    assert repr(tc.FeedForward([3, 4, 2])["z2"]) == "z2 = W2 a1 + b2 : 4 × 1 column"


def test_parameters_are_drawn_from_the_seed():
    net = NETWORKS["Johnston's"]
    one, same, other = (net.initial_parameters(seed) for seed in (1, 1, 2))
    for name in net.parameter_names:
        np.testing.assert_array_equal(one[name], same[name])
        assert not np.array_equal(one[name], other[name])
    wide = tc.FeedForward([400, 300]).initial_parameters()
    assert wide["W2"].std() == pytest.approx(1 / 20, rel=0.02)
    assert wide["b2"].std() == pytest.approx(0.1, rel=0.2)


# ── refusals ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (([3, 2], "sigmoid", "quadratic"), 'the cost "quadratic"',
         'cost="squared" (Johnston) or cost="half squared"'),
        (([3, 2], "sigmoid", "hinge"), "a cost called 'hinge'",
         "squared, half squared, cross-entropy"),
        (([3, 2], "relu", "cross-entropy"), "the cross-entropy of relu outputs",
         'output="sigmoid" or output="softmax"'),
        (([3, 2], "swish"), "an activation called 'swish'", "sigmoid, tanh, relu, softplus"),
        (([3, 2], "softmax"), "softmax as the activation of every layer", 'output="softmax"'),
        (([3, 4, 2], ["softmax", "tanh"]), "softmax in a layer that is not the output", "last"),
        (([3, 4, 2], ["tanh"]), "1 activations for 3 layers", "give 2, one for each layer"),
        (([3, 4, 2], ["tanh"] * 4), "4 activations for 3 layers", "give 2"),
        (([3, 2], None), "activations given as NoneType", "a list with one per layer"),
        (([3, 2], 3), "activations given as int", "a list with one per layer"),
        (([3],), "a network of 1 layer: it has no weights", "[3, 2]"),
        (([],), "a network of 0 layers", "[3, 2]"),
        ((3,), "a network of sizes 3", "[64, 30, 10]"),
        (("3,2",), "a network of sizes '3,2'", "[64, 30, 10]"),
        (([3, 0, 2],), r"a layer of size 0 in \[3, 0, 2\]", "whole numbers of 1 or more"),
        (([3, -4, 2],), "a layer of size -4", "whole numbers of 1 or more"),
        (([3, 4.0, 2],), r"a layer of size 4\.0", "whole numbers of 1 or more"),
        (([3, True],), "a layer of size True", "whole numbers of 1 or more"),
        (([3, "4"],), "a layer of size '4'", "whole numbers of 1 or more"),
        (([3, None],), "a layer of size None", "whole numbers of 1 or more"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_refused_with_what_to_write(arguments, message, hint):
    with pytest.raises(tc.TensorCalcError, match=message) as caught:
        tc.FeedForward(*arguments)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "swish"}, "an activation called 'swish'"),
        ({"input_activation": "swish"}, "an activation called 'swish'"),
        ({"input_activation": "softmax"}, "softmax in a layer that is not the output"),
    ],
)
def test_activations_by_keyword_are_checked_like_the_others(options, message):
    with pytest.raises(tc.TensorCalcError, match=message):
        tc.FeedForward([3, 4, 2], **options)


PARAMS = NETWORKS["Johnston's"].initial_parameters()
SAMPLE = np.ones(3), np.zeros(2)


@pytest.mark.parametrize("way", ["literal_gradients", "structured_gradients", "fast_gradients"])
@pytest.mark.parametrize(
    ("params", "sample", "error", "message", "hint"),
    [
        (PARAMS, (np.ones(4), np.zeros(2)), tc.ShapeError,
         "z1 is declared 3, but its value is 4", "z1 a value of shape 3"),
        (PARAMS, (np.ones(3), np.zeros(3)), tc.ShapeError,
         "λ is declared 2, but its value is 3", "λ a value of shape 2"),
        (PARAMS, (np.ones(3), 1.0), tc.ShapeError, "λ is declared 2, but its value is scalar", ""),
        (PARAMS, (np.ones(3) * np.nan, np.zeros(2)), tc.ValueNotAllowedError,
         "the value of z1 contains NaN", "finite numbers for z1"),
        (PARAMS, (np.ones(3), np.array([0, np.inf])), tc.ValueNotAllowedError,
         "the value of λ contains NaN or infinite", "finite numbers for λ"),
        (PARAMS, ("one", np.zeros(2)), tc.ValueNotAllowedError, "the value of z1 is text", "z1"),
        (PARAMS, np.ones(5), tc.ShapeError, "a sample given as ndarray", "(input z1, target λ)"),
        (PARAMS, None, tc.ShapeError, "a sample given as NoneType", "(input z1, target λ)"),
        (PARAMS, SAMPLE[:1], tc.ShapeError, "a sample given as tuple", "(input z1, target λ)"),
        ({}, SAMPLE, tc.MissingValueError, "the network needs a value for", "W3=…"),
        ({n: a for n, a in PARAMS.items() if n != "b2"}, SAMPLE, tc.MissingValueError,
         r"the network needs a value for b2 \(4\)", "give b2=…"),
        (list(PARAMS.values()), SAMPLE, tc.MissingValueError, "parameters given as list",
         "W2, b2, W3, b3"),
        (PARAMS | {"W2": PARAMS["W2"].T}, SAMPLE, tc.ShapeError,
         "W2 is declared 4 × 3, but its value is 3 × 4", "shape 4 × 3"),
        (PARAMS | {"W3": PARAMS["W3"] * np.nan}, SAMPLE, tc.ValueNotAllowedError,
         "the value of W3 contains NaN", "W3"),
    ],
)  # fmt: skip
def test_parameters_and_samples_that_do_not_fit_are_refused_by_name(
    way, params, sample, error, message, hint
):
    with pytest.raises(error, match=message) as caught:
        getattr(NETWORKS["Johnston's"], way)(params, sample)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones(4), "z1 is declared 3, but its value is 4"),
        (np.ones((4, 5)), "z1 is declared 3 × m, but its value is 4 × 5"),
        (1.0, "z1 is declared 3 × m, but its value is scalar"),
    ],
)
def test_inputs_of_another_size_are_refused(inputs, message):
    with pytest.raises(tc.ShapeError, match=message):
        NETWORKS["Johnston's"].output(PARAMS, inputs)


def test_a_quantity_the_network_does_not_have_is_refused_with_those_it_has():
    with pytest.raises(tc.UnknownNameError, match="no quantity 'z4'") as caught:
        NETWORKS["Johnston's"]["z4"]
    assert caught.value.hint == "it has z1, a1, W2, b2, z2, a2, W3, b3, z3, a3, λ, C"


# ── known faults ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "options",
    [
        {"activation": [["tanh"], "tanh"]},
        {"output": ["tanh"]},
        {"input_activation": ["tanh"]},
    ],
    ids=str,
)
def test_activations_that_are_no_names_are_refused(options):
    with pytest.raises(tc.TensorCalcError):
        tc.FeedForward([3, 4, 2], **options)


@pytest.mark.parametrize(
    ("params", "inputs"),
    [
        (PARAMS, "one"),
        (PARAMS, [[1.0], [1.0, 2.0]]),
        (PARAMS, np.ones(3) * 1j),
        ([1.0], np.ones(3)),
    ],
    ids=["text", "ragged", "complex", "parameters in a list"],
)
def test_inputs_that_are_no_arrays_are_refused(params, inputs):
    with pytest.raises(tc.TensorCalcError):
        NETWORKS["Johnston's"].output(params, inputs)


@pytest.mark.parametrize("seed", [-1, 1.5, "seed"])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(tc.TensorCalcError):
        NETWORKS["Johnston's"].initial_parameters(seed)


@pytest.mark.parametrize("layer", [0, 4, -1])
def test_a_layer_that_is_not_there_has_no_size(layer):
    with pytest.raises(tc.TensorCalcError):
        NETWORKS["Johnston's"].size(layer)


def test_a_bias_given_as_a_column_gets_its_gradient_as_a_column_by_every_way():
    net = NETWORKS["Johnston's"]
    params = PARAMS | {"b2": PARAMS["b2"][:, None]}
    for way in (net.fast_gradients, net.structured_gradients, net.literal_gradients):
        assert way(params, SAMPLE)["b2"].shape == (4, 1)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_literal_gradients_of_a_saturated_output_are_finite_or_refused(output):
    net = tc.FeedForward([3, 4, 2], cost="cross-entropy", output=output)
    params = net.initial_parameters() | {"b3": np.array([1e4, -1e4])}
    try:
        gradients = net.literal_gradients(params, (np.ones(3), np.array([0.0, 1.0])))
    except tc.TensorCalcError:
        return
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
