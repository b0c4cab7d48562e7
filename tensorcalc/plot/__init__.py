"""Pictures of derivatives: boxes of numbers, chains of blocks, graphs, tensor networks."""

import sys
from types import ModuleType
from typing import Any, NoReturn

from tensorcalc.errors import TensorCalcError
from tensorcalc.plot.blocks import chain
from tensorcalc.plot.boxes import slices
from tensorcalc.plot.graph import graph
from tensorcalc.plot.network import network
from tensorcalc.plot.picture import Picture

__all__ = ["Picture", "chain", "graph", "network", "slices"]


class _Pictures(ModuleType):
    """The module, which says what to call where it is called itself."""

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuses: there are four pictures."""
        raise TensorCalcError(
            "tc.plot called as a function, and it is a module of four",
            "call tc.plot.slices(d) for boxes of entries, tc.plot.chain(d) for the chain rule, "
            "tc.plot.graph(E) for the computation, or tc.plot.network(d) for a tensor network",
        )


sys.modules[__name__].__class__ = _Pictures
