"""How the equations are proved: each kind of statement by values, away from its own formula."""

from __future__ import annotations

import numpy as np

from tensorcalc.backprop.equation import ALLOWED, EquationAtLayer
from tensorcalc.check.points import Point
from tensorcalc.check.routes import allows_complex_step, differences, literal, taylor
from tensorcalc.check.verify import relative_error
from tensorcalc.derivative import Derivative, derivative
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import apply, compile_derivative, compile_tensor
from tensorcalc.tensor import Tensor

__all__ = ["prove_composition", "prove_derivative", "prove_identity", "prove_taylor", "prove_value"]


def _truth(d: Derivative, point: Point) -> np.ndarray:
    """The left side by differences alone, remembered per point."""
    key = (d.of.expr, d.arguments[0].expr)
    if key not in point.known:
        point.known[key] = differences(d, point, complex_step=allows_complex_step(d, point))
    return point.known[key]


def prove_derivative(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Left side by differences; right side literally (dense) and by its formula."""
    assert isinstance(e.left, Derivative)
    assert isinstance(e.literal, Derivative)
    truth = _truth(e.left, point)
    dense = literal(e.literal, point).array
    fast = compile_derivative(e.literal.to("mixed"))(point.values)
    return max(relative_error(dense, truth), relative_error(fast, truth))


def prove_value(e: EquationAtLayer, point: Point, seed: int) -> float:
    """The network's quantity, compiled, against the written formula, node by node."""
    assert isinstance(e.left, Tensor)
    assert isinstance(e.literal, Tensor)
    left = compile_tensor(e.left)(point.values)
    right = Dense(point.values, point.sizes).array(e.literal.expr)
    return relative_error(left, right)


def prove_taylor(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Eq. (3): the double sum over entries, and the order of Taylor's remainder."""
    d = e.left
    assert isinstance(d, Derivative)
    array = compile_derivative(d.to("mixed"))(point.values)
    increment = np.random.default_rng(seed).normal(size=array.shape)
    written = sum(
        array[i, j] * increment[i, j] for i in range(array.shape[0]) for j in range(array.shape[1])
    )
    applied = apply(d, increment, at=point.values)
    if abs(written - applied) > ALLOWED * max(abs(written), 1e-300) * array.size:
        return 0.0
    order = taylor(d, array, point, seed)
    return np.inf if order is None else order


def prove_composition(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Eq. (4): C of a moved zˡ equals C of the zˡ⁺¹ that φ_{l+1} makes of it."""
    net, layer = e.equation.network, e.layer
    cost, z, above = (net[n].expr for n in ("C", f"z{layer}", f"z{layer + 1}"))
    base = Dense(point.values, point.sizes)
    moved = base.array(z) + np.random.default_rng(seed).normal(size=net.size(layer))
    lower = Dense(point.values, point.sizes, {z: (moved, False)})
    pushed = lower.array(above)
    upper = Dense(point.values, point.sizes, {above: (pushed, False)})
    return relative_error(upper.array(cost), lower.array(cost))


def prove_identity(e: EquationAtLayer, point: Point, seed: int) -> float:
    """Eq. (15): [δz/δb] must be the identity itself, and the product δˡ."""
    q = e.equation.network
    link = derivative(q[f"z{e.layer}"], q[f"b{e.layer}"])
    return prove_derivative(e, point, seed) if link.structure == "identity" else np.inf
