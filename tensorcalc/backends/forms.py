"""Forms of quoted functions for libraries whose arrays cannot change, in a small part of NumPy.

Each has the value of the function it stands for. They are also written so that automatic
differentiation of them gives our derivatives: ties and kinks keep their conventions, and no branch
that is left out overflows into the gradient of the other.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tensorcalc import function_values, special

__all__ = ["form_of", "statements"]

# pyright: reportAttributeAccessIssue=false
# np.erf, np.erfc, np.sigmoid and np.stop_gradient stand for those of the library.


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return np.sigmoid(x)


def softplus(x):
    """log(1 + exp(x)), without overflow; all derivatives of it are finite too."""
    return np.where(x > 0, x, 0) + np.log1p(np.exp(np.where(x > 0, -x, x)))


def relu(x):
    """max(x, 0)."""
    return np.where(x <= 0, 0, x)


def step(x):
    """1 where x > 0, else 0: the derivative of relu, with 0 at the kink."""
    return np.where(x != x, x, np.where(x > 0, 1, 0))


def where(condition, x, y):
    """x where the condition is not 0, else y."""
    return np.where(condition != 0, x, y)


def nonzero(x):
    """1 where x is not 0, else 0."""
    return np.where(x != x, x, np.where(x != 0, 1, 0))


def greater(x, y):
    """1 where x > y, else 0."""
    more = x > y
    x = np.minimum(x, y)  # an array, where x may be a number
    return np.where(x != x, x, np.where(more, 1, 0))


def greater_equal(x, y):
    """1 where x >= y, else 0."""
    more = x >= y
    x = np.minimum(x, y)
    return np.where(x != x, x, np.where(more, 1, 0))


def inverse_or_zero(x):
    """1 / x, and 0 where x is 0."""
    return np.where(x == 0, 0, 1 / np.where(x == 0, 1, x))


def sech_squared(x):
    """1 / cosh(x)², without overflow."""
    e = np.exp(2 * np.where(x < 0, x, -x))
    return 4 * e / (1 + e) ** 2


def silu(x):
    """x σ(x), without overflow."""
    e = np.exp(np.where(x < 0, x, -x))
    return x * (np.where(x < 0, e, 1) / (1 + e))


def gelu(x):
    """x Φ(x), with full relative precision."""
    return x * np.erfc(x * -(0.5**0.5)) / 2


def own_erf(x):
    """The error function."""
    return np.erf(x)


def own_erfc(x):
    """1 - erf(x) with full relative precision."""
    return np.erfc(x)


def logdet(x):
    """log |det x|, from a factorisation: no overflow."""
    return np.linalg.slogdet(x)[1]


def adjugate(x):
    """det(x) x⁻¹, which exists for a singular x too; by the singular value decomposition."""
    u, s, vt = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.prod(np.where(np.eye(n, dtype=bool), 1, s[..., None, :]), axis=-1)
    turned = np.linalg.det(u) * np.linalg.det(vt)
    return turned[..., None, None] * (vt.mT * others[..., None, :]) @ u.mT


def minors(x, order):
    """The derivative of det(x) of this order by entries of x: signed minors, by the SVD."""
    u, s, vt = np.linalg.svd(x)
    n = x.shape[-1]
    axes = [np.arange(n)[(..., *[None] * (order - k))] for k in range(order + 1)]
    others = s[(..., *[None] * order, slice(None))]
    for k in range(order):  # products of the other singular values
        others = np.where(axes[k] != axes[order], others, 1)
    others = np.prod(others, axis=-1)
    for k, j in itertools.combinations(range(order), 2):
        others = np.where((axes[k] != axes[j])[..., 0], others, 0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    places, entries = letters[:order], letters[order : 3 * order]
    turned = np.linalg.det(u) * np.linalg.det(vt)
    total = None
    for turn in itertools.permutations(range(order)):
        sign = (-1) ** sum(turn[k] < turn[j] for j in range(order) for k in range(j + 1, order))
        inputs, factors = ["..." + places], [others]
        for k in range(order):  # row index 2k and column index 2k + 1
            inputs += [
                f"...{entries[2 * k]}{places[k]}",
                f"...{places[turn[k]]}{entries[2 * k + 1]}",
            ]
            factors += [u, vt]
        term = sign * np.einsum(",".join(inputs) + "->..." + entries, *factors)
        total = term if total is None else total + term
    return turned[(..., *[None] * (2 * order))] * total


def norm(x, core):
    """The 2-norm over the last axes, ``core`` of them, scaled so that no square overflows."""
    axes = tuple(range(x.ndim - core, x.ndim))
    if 0 in x.shape[x.ndim - core :]:
        return np.sum(x, axis=axes)  # 0, which no library's maximum of nothing is
    peak = np.stop_gradient(np.max(np.abs(x), axis=axes, keepdims=True))
    scale = np.where((peak > 0) & (peak < math.inf), peak, 1)
    squares = np.sum((x / scale) ** 2, axis=axes)
    root = np.sqrt(np.where(squares == 0, 1, squares))
    return np.where(squares == 0, 0, root * np.reshape(scale, squares.shape))


def product(x, left_out, core):
    """The product over the last ``core`` axes of all entries but ``left_out`` of them."""
    batch, whole = x.shape[: x.ndim - core], x.shape[x.ndim - core :]
    n = math.prod(whole)
    axes = [np.arange(n)[(..., *[None] * (left_out - k))] for k in range(left_out + 1)]
    entries = np.reshape(x, (*batch, *(1,) * left_out, n))
    for k in range(left_out):
        entries = np.where(axes[k] != axes[left_out], entries, 1)
    product = np.prod(entries, axis=-1)
    for k, j in itertools.combinations(range(left_out), 2):
        product = np.where((axes[k] != axes[j])[..., 0], product, 0)
    return np.reshape(product, (*batch, *whole * left_out))


def share_of_maximum(x, core):
    """1/m at each of the m largest entries over the last ``core`` axes, else 0."""
    axes = tuple(range(x.ndim - core, x.ndim))
    peak = np.max(x, axis=axes, keepdims=True)
    largest = np.where(x == peak, np.ones_like(x), np.zeros_like(x))
    return largest / np.sum(largest, axis=axes, keepdims=True)


_STAND_IN: dict[Callable[..., Any], Callable[..., Any]] = {
    function_values.sigmoid: sigmoid,
    function_values.softplus: softplus,
    function_values.relu: relu,
    function_values.step: step,
    function_values.where: where,
    function_values.nonzero: nonzero,
    function_values.greater: greater,
    function_values.greater_equal: greater_equal,
    function_values.inverse_or_zero: inverse_or_zero,
    function_values.sech_squared: sech_squared,
    function_values.silu: silu,
    function_values.gelu: gelu,
    function_values.erf: own_erf,
    function_values.erfc: own_erfc,
    special.logdet_value: logdet,
    special.adjugate_value: adjugate,
    special.minors_value: minors,
    special.norm_over_value: norm,
    special.product_without_value: product,
    special.share_of_maximum_value: share_of_maximum,
}

_OF_THE_LIBRARY = (sigmoid, own_erf, own_erfc, gelu)


def statements(function: Callable[..., Any]) -> tuple[ast.FunctionDef, str]:
    """A function as a tree, and what its body says, by which a quoted function is known."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    assert tree.name == function.__name__, "the source file has changed since it was loaded"
    return tree, "\n".join(map(ast.dump, tree.body))


@cache
def _forms() -> dict[str, Callable[..., Any]]:
    return {statements(old)[1]: new for old, new in _STAND_IN.items()}


def form_of(quoted: ast.FunctionDef, *, has_special: bool) -> ast.FunctionDef:
    """The quoted function itself, or the form that stands for it, under its name."""
    form = _forms().get("\n".join(map(ast.dump, quoted.body)))
    if form is None or (form in _OF_THE_LIBRARY and not has_special):
        return quoted
    tree, _ = statements(form)
    tree.name = quoted.name
    return tree
