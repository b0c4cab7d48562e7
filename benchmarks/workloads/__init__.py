"""The tables, by the name that ``--only`` takes."""

from __future__ import annotations

from benchmarks.case import Group
from benchmarks.workloads import (
    calls,
    chain,
    deriving,
    hessians,
    imports,
    networks,
    products,
    size,
    stability,
)

GROUPS = {
    "gradients": Group("Gradients of all weights and biases", networks.cases),
    "chain": Group("The literal chain with its 3-tensor ∂v/∂W", chain.cases, threads=False),
    "memory": Group(
        "Memory of the literal chain above its result",
        measure=chain.beyond_result,
        threads=False,
    ),
    "hessians": Group("Hessians", hessians.cases),
    "products": Group("Hessian-vector products", products.cases),
    "deriving": Group(
        "Time to derive and generate all weight gradients, width 8 (ratios to tensorcalc)",
        measure=deriving.measure,
        threads=False,
    ),
    "calls": Group("Contractions of three operands of size 10", calls.cases, threads=False),
    "imports": Group(
        "Import in a fresh process (ratios to NumPy)", measure=imports.measure, threads=False
    ),
    "stability": Group(
        "Literal log(1 + exp(−z)): largest relative error",
        measure=stability.measure,
        threads=False,
    ),
    "size": Group("Large networks", size.cases, size.measure),
}
