"""Random well-typed expressions, and the slow truths that formulas are compared with.

Few shapes, one variable per shape and two index letters per dimension, so that operands
repeat, indices meet and nodes are shared: that is where rules go wrong.
"""

import zlib

import hypothesis.strategies as st
import numpy as np
from hypothesis import assume

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.evaluate import Dense
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Merge,
    Ones,
    Select,
    Special,
    Variable,
    full,
    hadamard,
    power,
    toposort,
    transpose,
)
from tensorcalc.shapes import size_of, sizes_of

SIZES = {"n": 2}
SHAPES = ((2,), (2, 2), (), (2, 3), (1, 2), ("n",), ("n", "n"), (2, 2, 2))
NUMBERS = st.sampled_from((0.0, 1.0, -1.0, 2.0, 0.5))
SMOOTH = (f.tanh, f.sigmoid, f.softplus, f.sin, f.arctan, power(2.0), power(3.0), power(1.0))
KINKED = (f.relu, f.abs_, f.sign)
OF_POSITIVE = (f.log, f.sqrt, f.length, *map(power, (-2.0, -1.0, -0.5, 0.5)))
GIVES_POSITIVE = (f.exp, f.sigmoid, f.softplus, f.sqrt, f.length)
ATOMS = (
    *map(Delta, (2, 3, "n", 1)), *map(Ones, (2, 3, "n", 1)), Merge((2, 2)), Merge(("n", 2)),
    Select(Delta(2), 0, 1), Select(Delta(3), 0, range(1, 3)), Select(Delta(2), 0, range(1, -1, -1)),
)  # fmt: skip
COUPLING = tuple(r for r in special.SPECIAL_FUNCTIONS if r.core == 1)
OF_SQUARES = tuple(r for r in special.SPECIAL_FUNCTIONS if r.core == 2)


# ── expressions ──────────────────────────────────────────────────────────────────────────


@st.composite
def expressions(draw, *, smooth=True, operations=8):
    """An expression built in a few operations on what has been built before.

    ``smooth`` leaves out functions with kinks, so that the complex step is exact.
    """
    leaf = st.one_of(variables(), variables(), st.sampled_from((Delta(2), Delta("n"))))
    leaves = draw(st.lists(leaf, min_size=1, max_size=3))
    built = _Built(leaves)
    kinds = (_product, _sum, _product, _sum, _function, _power, _special, _slice, _name)
    for _ in range(draw(st.integers(3, operations))):
        built.append(draw(st.sampled_from(kinds))(draw, built, smooth))
    e = built.nodes[-1]
    assume(largest_entry(e) < 1e4)
    return e


def variables(shapes=SHAPES):
    """A variable that any real numbers may be given for, or one of positive numbers (p…)."""
    return st.builds(
        lambda letter, shape: Variable(letter + "".join(map(str, shape)), shape),
        st.sampled_from("xxp"),
        st.sampled_from(shapes),
    )


class _Built:
    """What has been built so far, and which of it is positive in every entry."""

    def __init__(self, leaves):
        self.nodes = list(leaves)
        self.positive = {e for e in leaves if isinstance(e, Variable) and e.name.startswith("p")}

    def append(self, node):
        self.nodes.append(node)
        if isinstance(node, Elementwise):
            raised = node.function.exponent is not None and node.args[0] in self.positive
            is_positive = raised or node.function in GIVES_POSITIVE
        elif isinstance(node, Special):
            is_positive = node.function is special.softmax
        else:
            is_positive = bool(node.args) and all(arg in self.positive for arg in node.args)
        if is_positive:
            self.positive.add(node)

    def choose(self, draw, condition=lambda node: True):
        nodes = [node for node in self.nodes if condition(node)]
        return draw(_newest_first(nodes)) if nodes else None


def _newest_first(nodes):
    """Any of the nodes, the newest half of the time, so that expressions grow deep."""
    return st.one_of(st.just(nodes[-1]), st.sampled_from(nodes))


def _product(draw, built, smooth):
    """An einsum; two indices per dimension, any of them in the output."""
    own, atoms = _newest_first(built.nodes), st.sampled_from(ATOMS)
    others = st.lists(st.one_of(own, own, atoms, NUMBERS.map(Constant)), max_size=3)
    operands = draw(st.permutations([built.choose(draw), *draw(others)]))
    inputs = [tuple((dim, draw(st.integers(0, 1))) for dim in e.shape) for e in operands]
    used = list(dict.fromkeys(i for indices in inputs for i in indices))
    output = draw(st.lists(st.sampled_from(used), unique=True, max_size=3)) if used else []
    return Einsum(operands, inputs, output)


def _sum(draw, built, smooth):
    """A sum with repeated, scaled, transposed and constant terms."""
    first = built.choose(draw)
    number = draw(NUMBERS)
    terms = [first, -first, number * first, full(number, first.shape)]
    terms += [node for node in built.nodes if node.shape == first.shape]
    if first.ndim == 2:
        turned = [node for node in built.nodes if node.shape == first.shape[::-1]]
        terms += [transpose(node, (1, 0)) for node in turned]
    if first.ndim == 2 and first.shape[0] == first.shape[1]:
        terms.append(Delta(first.shape[0]))
    return Add([first, *draw(st.lists(st.sampled_from(terms), min_size=1, max_size=3))])


def _function(draw, built, smooth):
    records = SMOOTH if smooth else SMOOTH + KINKED
    return draw(st.sampled_from(records))(built.choose(draw))


def _power(draw, built, smooth):
    """A root, a logarithm or a reciprocal of u, often times u or squared."""
    u = built.choose(draw, lambda node: node in built.positive)
    if u is None:
        return _function(draw, built, smooth)
    factor = draw(st.sampled_from(OF_POSITIVE))(u)
    other = built.choose(draw, lambda node: node.shape == u.shape)
    forms = (factor, hadamard(factor, factor), hadamard(u, factor), hadamard(factor + other, u))
    return draw(st.sampled_from(forms))


def _special(draw, built, smooth):
    x = built.choose(draw, lambda node: node.ndim)
    if x is None:
        return _function(draw, built, smooth)
    if x.ndim == 2 and x.shape[0] == x.shape[1] and draw(st.booleans()):
        return Special(draw(st.sampled_from(OF_SQUARES)), x + 4 * Delta(x.shape[0]))
    records = [r for r in COUPLING if r.complex_step or not smooth]
    return Special(draw(st.sampled_from(records)), x)


def _slice(draw, built, smooth):
    e = built.choose(draw, lambda node: node.ndim)
    if e is None:
        return _function(draw, built, smooth)
    axis = draw(st.integers(0, e.ndim - 1))
    size = size_of(e.shape[axis], SIZES)
    index = draw(st.integers(0, size - 1))
    if draw(st.booleans()):
        return Select(e, axis, index)
    return Select(e, axis, draw(st.sampled_from((range(index, size), range(index, -1, -1)))))


def _name(draw, built, smooth):
    return Definition(f"d{len(built.nodes)}", built.choose(draw))


# ── truths ───────────────────────────────────────────────────────────────────────────────


def values_for(*roots):
    """One value for each variable below ``roots``; those named p… are positive."""
    values = {}
    for node in toposort(roots):
        if isinstance(node, Variable):
            low = 0.5 if node.name.startswith("p") else -1.5
            numbers = np.random.default_rng(zlib.crc32(node.name.encode()))
            shape = sizes_of(node.shape, SIZES)
            values[node.name] = numbers.uniform(low, 1.5, size=shape)
    return values


def dense(e, values=None):
    """The value of ``e`` by literal contraction, nothing simplified."""
    return Dense(values_for(e) if values is None else values, SIZES).array(e)


def largest_entry(e):
    """The largest number met in computing ``e``."""
    at = Dense(values_for(e), SIZES)
    at(e)
    return max(np.abs(array).max() for array, _ in at.known.values())


def assert_same_value(a, b, values=None):
    """Both have one shape and, by literal contraction, one value up to rounding."""
    assert a.shape == b.shape
    values = values_for(a, b) if values is None else values
    np.testing.assert_allclose(dense(a, values), dense(b, values), rtol=1e-8, atol=1e-8)


def numerical_derivative(of, wrt, values=None, holding=(), step=1e-30j):
    """∂of/∂wrt by moving one entry of ``wrt`` at a time, with ``wrt`` and ``holding`` independent.

    An imaginary step is exact to rounding where all functions continue analytically; a real
    one gives central differences.
    """
    values = values_for(of, wrt, *holding) if values is None else values
    at = Dense(values, SIZES)
    fixed = {held: at(held) for held in holding}
    base = np.asarray(at(wrt)[0])
    units = np.eye(base.size).reshape(base.size, *base.shape)

    def moved(by):
        value, batched = Dense(values, SIZES, {**fixed, wrt: (base + by * units, True)})(of)
        return value if batched else np.stack([value] * base.size)

    if isinstance(step, complex):
        change = moved(step).imag / abs(step)
    else:
        change = (moved(step) - moved(-step)) / (2 * step)
    return np.moveaxis(change, 0, -1).reshape(change.shape[1:] + base.shape)
