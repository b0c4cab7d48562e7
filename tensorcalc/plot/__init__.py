"""Pictures of derivatives: boxes of numbers, chains of blocks, graphs, tensor networks."""

from tensorcalc.plot.blocks import chain
from tensorcalc.plot.boxes import slices
from tensorcalc.plot.graph import graph
from tensorcalc.plot.network import network
from tensorcalc.plot.picture import Picture

__all__ = ["Picture", "chain", "graph", "network", "slices"]
