"""How the operands of a recorded operation lie, and what is quicker for those that do.

BLAS reads a matrix as it lies, and writes by rows only; a transpose is read along its columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tensorcalc.codegen.record import Node, Record

__all__ = ["lies_by_rows", "outer_factors", "product_factors", "signed_zeros", "turned_operand"]

_CACHE = 2**20  # bytes
# of which the sign of a zero makes no more than the sign of a zero
_BLIND = (
    *(np.add, np.subtract, np.multiply, np.negative, np.absolute, np.square, np.sqrt, np.exp),
    *(np.log, np.log1p, np.expm1, np.sin, np.cos, np.tanh, np.maximum, np.minimum, np.sign),
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
    *(np.einsum, np.tensordot, np.vdot, np.trace),
)


def outer_factors(node: Node) -> tuple[Node, Node] | None:
    """A column and a row whose product this is; None for anything else.

    Of one entry neither may be: BLAS then leaves out products with 0, where 0 · NaN is NaN. It
    adds each product to 0, so that −0 becomes 0: not for what ``signed_zeros`` has.
    """
    if node.function is not np.multiply or len(node.shape) != 2 or min(node.shape) < 2:
        return None
    if len(node.nodes) != 2 or len({node.dtype, *(i.dtype for i in node.nodes)}) > 1:
        return None
    column, row = sorted(node.nodes, key=lambda i: i.shape != (node.shape[0], 1))
    rows = ((node.shape[1],), (1, node.shape[1]))
    if node.dtype.kind != "f" or column.shape != (node.shape[0], 1) or row.shape not in rows:
        return None
    return column, row


def turned_operand(node: Node) -> int | None:
    """Which of two matrices is the transpose of one that lies by rows, as the other does.

    Only of those that stay in a cache: of larger ones each array that is gone through counts.
    """
    if node.function not in (np.add, np.subtract, np.multiply) or len(node.shape) != 2:
        return None
    if math.prod(node.shape) * node.dtype.itemsize > _CACHE:
        return None
    if any(not isinstance(i, Node) or i.shape != node.shape for i in node.inputs):
        return None
    turned = [i.kind == "view" and i.function == "{}.T" for i in node.inputs]
    same = {i.dtype for i in node.inputs} == {node.dtype}
    return turned.index(True) if same and sum(turned) == 1 else None


def signed_zeros(record: Record) -> set[Node]:
    """The values of which some operation, later on, tells 0 and −0 apart: 1/x, arctan2, …"""
    signed: set[Node] = set()
    for node in reversed(record.nodes):
        result = node.inputs[0] if node.kind == "write" else node
        matters = result in signed or result.storage in signed
        found = node.nodes if matters else _told_apart(node)
        signed.update(found)
        signed.update([operand.storage for operand in found])
    return signed


def _told_apart(node: Node) -> Sequence[Node]:
    """The operands of which the operation itself tells 0 and −0 apart."""
    if node.kind in ("view", "dot", "reduce", "write") or node.function in _BLIND:
        return []
    if node.function is np.divide:
        return [other for other in node.inputs[1:] if isinstance(other, Node)]
    exponent = node.inputs[1] if node.function is np.power else None
    return [] if isinstance(exponent, (int, float)) and exponent > 0 else node.nodes


def product_factors(node: Node) -> tuple[Any, Any]:
    """The factors of a product: (v, A) for Aᵀ v, which BLAS reads as it lies."""
    a, b = node.inputs
    turned = isinstance(a, Node) and a.kind == "view" and a.function == "{}.T" and not a.name
    if turned and len(a.shape) == 2 and isinstance(b, Node) and len(b.shape) == 1:
        return b, a.inputs[0]
    return a, b


def lies_by_rows(memory: Node) -> bool:
    """Whether it does for arguments of any layout, which other operations hand on."""
    if len(memory.shape) < 2 or memory.kind == "constant":
        return True
    return memory.kind == "dot" and all(len(i.shape) <= 2 for i in memory.inputs)
