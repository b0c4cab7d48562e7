"""Local derivatives: one rule per node type.

``local_derivative(node, k)`` is ∂node/∂argument k with every other argument held fixed, an
expression of shape node.shape + argument.shape. It is literal: Kronecker deltas stand where
an index of the value is tied to one of the argument. Only ``simplify`` consumes them.
"""

from __future__ import annotations

from functools import singledispatch

from tensorcalc.expr import (
    Add,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Select,
    Special,
    fresh_indices,
    identity,
    product,
)

__all__ = ["local_derivative"]


@singledispatch
def local_derivative(node: Expr, k: int, value: Expr | None = None) -> Expr:
    """∂node/∂node.args[k], of shape node.shape + node.args[k].shape.

    ``value`` is the name under which the node's own value is known, if it has one, so that
    the derivative of s = σ(v) reads s (1 − s).
    """
    raise TypeError(f"{type(node).__name__} has no arguments to differentiate by")


@local_derivative.register
def of_einsum(node: Einsum, k: int, value: Expr | None = None) -> Expr:
    """∂(A X B)/∂X is A ⊗ B, with each index of X tied to a new one by a delta."""
    tied = node.inputs[k]
    numbers = fresh_indices(node.dims)
    fresh = tuple(next(numbers) for _ in tied)
    deltas = tuple(Delta(node.dims[i]) for i in tied)
    return product(
        node.operands[:k] + deltas + node.operands[k + 1 :],
        (*node.inputs[:k], *zip(tied, fresh, strict=True), *node.inputs[k + 1 :]),
        node.output + fresh,
    )


@local_derivative.register
def of_sum(node: Add, k: int, value: Expr | None = None) -> Expr:
    """∂(X + Y)/∂X is the identity."""
    return identity(node.shape)


@local_derivative.register
def of_definition(node: Definition, k: int, value: Expr | None = None) -> Expr:
    """A name changes exactly as what it names."""
    return identity(node.shape)


@local_derivative.register
def of_elementwise(node: Elementwise, k: int, value: Expr | None = None) -> Expr:
    """∂f(x)/∂x is diagonal, with f′(x) on the diagonal."""
    slope = node.function.derivatives[k](*node.arguments, value or node)
    axes = tuple(range(node.ndim))
    primed = tuple(range(node.ndim, 2 * node.ndim))
    return Einsum(
        (*map(Delta, node.shape), slope),
        (*zip(axes, primed, strict=True), axes),
        axes + primed,
    )


@local_derivative.register
def of_special(node: Special, k: int, value: Expr | None = None) -> Expr:
    """The record of the function says it."""
    return node.function.derivative(node.argument, value or node)


@local_derivative.register
def of_slice(node: Select, k: int, value: Expr | None = None) -> Expr:
    """∂x_c/∂x is the unit vector e_c, or a few of them; the other axes are tied by deltas."""
    numbers = fresh_indices(range(node.ndim))
    outer = tuple(range(node.ndim))
    fresh = tuple(next(numbers) for _ in node.operand.shape)
    kept = fresh[: node.axis] + fresh[node.axis + 1 :]
    unit = Select(Delta(node.operand.shape[node.axis]), 0, node.index)
    sliced = outer[node.axis : node.axis + unit.ndim - 1]
    others = tuple(i for i in outer if i not in sliced)
    return Einsum(
        (*(Delta(node.shape[i]) for i in others), unit),
        (*zip(others, kept, strict=True), (*sliced, fresh[node.axis])),
        outer + fresh,
    )
