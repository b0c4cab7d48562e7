"""Johnston's derivation of backpropagation, from a network and the calculus engine alone."""

from __future__ import annotations

from tensorcalc.backprop.johnston import Equation, Equations, johnston
from tensorcalc.backprop.network import FeedForward

__all__ = ["Equation", "Equations", "FeedForward", "johnston"]
