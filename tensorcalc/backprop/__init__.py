"""Johnston's derivation of backpropagation, from a network and the calculus engine alone."""

from __future__ import annotations

from tensorcalc.backprop.equation import Equation, Equations
from tensorcalc.backprop.johnston import johnston
from tensorcalc.backprop.network import FeedForward

__all__ = ["Equation", "Equations", "FeedForward", "johnston"]
