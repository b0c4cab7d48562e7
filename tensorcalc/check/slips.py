"""Derivatives with a slip on purpose: what an answer would be if a slope had been forgotten.

The same program is differentiated with an elementwise function whose derivative is 1, so that the
slip is made where a person makes it, on every path at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from tensorcalc.chain import differentiate
from tensorcalc.derivative import Derivative
from tensorcalc.evaluate import Dense
from tensorcalc.evaluation import derivative_output
from tensorcalc.expr import Elementwise, Expr, full, toposort

__all__ = ["without_slopes"]

_MOST = 8  # functions in turn


def without_slopes(d: Derivative, evaluation: Dense) -> Iterator[tuple[str, np.ndarray]]:
    """The derivative without the slope of one function, then without those of all, and whose.

    Nothing for a product of derivatives, which is its own path, and for several arguments.
    """
    if len(d.arguments) != 1 or len(d.contributions) != 1 or d.contributions[0].links[0].held:
        return
    of, wrt = d.of.expr, d.arguments[0].expr
    inside = toposort([of], lambda n: n is wrt)
    functions = [n for n in inside if isinstance(n, Elementwise) and _has_slope(n)]
    if not functions or len(d.contributions[0].links) > 1:
        return
    ways = [[n] for n in functions[:_MOST]] + ([functions] if len(functions) > 1 else [])
    for forgotten in ways:
        signs = dict.fromkeys(n.function.text or n.function.name for n in forgotten)
        value = _differentiated(of, wrt, forgotten)
        array = Dense(evaluation.values, evaluation.sizes).array(value)
        yield " and ".join(signs), _laid_out(array, d)


def _has_slope(n: Elementwise) -> bool:
    """Whether n is a function of one argument such as σ, and no power or its like."""
    return n.function.arity == 1 and n.function.exponent is None


def _differentiated(of: Expr, wrt: Expr, forgotten: Collection[Expr]) -> Expr:
    """∂of/∂wrt where the functions given have slope 1."""
    made: dict[Expr, Expr] = {wrt: wrt}
    for node in toposort([of], lambda n: n is wrt):
        if node in made:
            continue
        args = tuple(made[a] for a in node.args)
        if node in forgotten and isinstance(node, Elementwise):
            flat = replace(node.function, derivatives=(lambda x, y: full(1.0, x.shape),))
            made[node] = Elementwise(flat, args)
        else:
            made[node] = node if args == node.args else node.with_args(args)
    return differentiate(made[of], wrt)


def _laid_out(array: np.ndarray, d: Derivative) -> np.ndarray:
    """Value axes and argument axes in the layout of d."""
    place = derivative_output(d).place
    turned = array.transpose([axis for axis in place if axis is not None])
    return turned.reshape([1 if axis is None else array.shape[axis] for axis in place])
