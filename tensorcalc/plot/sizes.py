"""Sizes to draw where dimensions have names only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from tensorcalc.shapes import Dim, names_in

__all__ = ["drawn_sizes", "told"]

_SMALL = (3, 4, 2, 5, 6)


def drawn_sizes(dims: Iterable[Dim]) -> dict[str, int]:
    """A small size for every name."""
    return dict(zip(names_in(dims), itertools.cycle(_SMALL), strict=False))


def told(sizes: Mapping[str, int]) -> str:
    """``drawn for k = 3, n = 4``."""
    return "drawn for " + ", ".join(f"{name} = {size}" for name, size in sizes.items())
