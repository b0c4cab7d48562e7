"""What a call costs beyond its arithmetic: contractions of three operands of size 10."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import opt_einsum

import tensorcalc as tc
from benchmarks.case import Bind, Case, Contender, Run, Values
from benchmarks.ours import every_way

CONTRACTIONS: dict[str, Callable[..., Any]] = {
    "ij,jk,kl->il": lambda A, B, C: A @ B @ C,
    "i,ij,j->": lambda A, B, C: A @ B @ C,
    "ij,jk,k->i": lambda A, B, C: A @ (B @ C),
    "ij,i,jk->ik": lambda A, B, C: (A * B[:, None]) @ C,
    "bij,bjk,k->bi": lambda A, B, C: (A @ (B @ C)[:, :, None])[:, :, 0],
}
NAMES = "ABC"


def operands(equation: str) -> list[str]:
    return equation.split("->")[0].split(",")


def quantity(equation: str) -> Any:
    shapes = {name: tuple(indices) for name, indices in zip(NAMES, operands(equation), strict=True)}
    return tc.program(f"einsum('{equation}', A, B, C)", shapes).result


def called(function: Callable[..., Any], values: Values) -> Run:
    given = [values[name] for name in NAMES]
    return lambda: function(*given)


def others(equation: str, n: int) -> dict[str, Contender]:
    def contender(function: Callable[..., Any]) -> Contender:
        return Contender(lambda: lambda values: called(function, values))

    def planned() -> Bind:
        shapes = [(n,) * len(indices) for indices in operands(equation)]
        expression = opt_einsum.contract_expression(equation, *shapes)
        return lambda values: called(expression, values)

    return {
        "np.einsum": contender(lambda *given: np.einsum(equation, *given)),
        "opt_einsum, planned": Contender(planned),
    }


def case(equation: str, n: int) -> Case:
    def draw(rng: np.random.Generator) -> Values:
        shapes = [(n,) * len(indices) for indices in operands(equation)]
        return {a: rng.normal(size=s) for a, s in zip(NAMES, shapes, strict=True)}

    return Case(
        name=f"{equation}, n = {n}",
        draw=draw,
        hand=lambda values: called(CONTRACTIONS[equation], values),
        ours=every_way(lambda: quantity(equation)),
        others=others(equation, n),
    )


def cases(smallest: bool = False) -> list[Case]:
    """Each contraction; the gradient of 2-3-2 stands with the networks."""
    return [case(equation, 3 if smallest else 10) for equation in CONTRACTIONS]
