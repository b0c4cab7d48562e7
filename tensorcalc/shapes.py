"""Dimensions and shapes: an axis has a size (an int) or a name (a string).

A name is one size everywhere. Two different names never agree, even where their values
happen to be equal, so a formula that holds for names holds for all sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral

from tensorcalc.errors import DimensionError, ShapeError

__all__ = [
    "Dim",
    "ProductDim",
    "Shape",
    "bind",
    "format_bytes",
    "format_shape",
    "names_in",
    "product_dim",
    "read_dim",
    "read_shape",
    "size_of",
    "sizes_of",
]


@dataclass(frozen=True)
class ProductDim:
    """The size of merged axes of which some have names: 2·k·n."""

    number: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "·".join([*([str(self.number)] if self.number != 1 else []), *self.names])


Dim = int | str | ProductDim
Shape = tuple[Dim, ...]


def product_dim(*dims: Dim) -> Dim:
    """The size of the axis into which axes of these sizes are merged."""
    number, names = 1, []
    for dim in dims:
        if isinstance(dim, int):
            number *= dim
        elif isinstance(dim, str):
            names.append(dim)
        else:
            number *= dim.number
            names += dim.names
    if not names:
        return number
    return names[0] if number == 1 and len(names) == 1 else ProductDim(number, tuple(sorted(names)))


def names_in(dims: Iterable[Dim]) -> list[str]:
    """The names of which sizes are made, each once, in order of appearance."""
    found: dict[str, None] = {}
    for dim in dims:
        if isinstance(dim, str):
            found[dim] = None
        elif isinstance(dim, ProductDim):
            found |= dict.fromkeys(dim.names)
    return list(found)


def read_dim(dim: object) -> Dim:
    """The dimension that a user's int or name stands for; DimensionError if none does."""
    if isinstance(dim, Integral) and not isinstance(dim, bool):
        if dim < 1:
            raise DimensionError(f"a dimension of size {dim}", "declare a size of 1 or more")
        return int(dim)
    if isinstance(dim, str):
        if dim.isidentifier():
            return dim
        if dim.isdecimal():
            return read_dim(int(dim))
    raise DimensionError(
        f"a dimension given as {dim!r}", 'give a whole number such as 4 or a name such as "n"'
    )


def read_shape(spec: object) -> Shape:
    """The shape that ``4``, ``(5, 4)``, ``"k n"`` or an array stands for."""
    if isinstance(spec, str):
        return tuple(read_dim(word) for word in spec.replace(",", " ").split())
    if isinstance(spec, Integral):
        return (read_dim(spec),)
    shape = getattr(spec, "shape", spec)
    if isinstance(shape, (tuple, list)):
        return tuple(read_dim(dim) for dim in shape)
    raise DimensionError(
        f"a shape given as {spec!r}", 'give an int, a tuple such as (5, 4), or names such as "k n"'
    )


def format_shape(shape: Shape) -> str:
    """``5 × 4``; a scalar is ``1 × 1`` and a lone axis is its size."""
    return " × ".join(str(dim) for dim in shape) if shape else "scalar"


def size_of(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The number an axis has once the names are bound."""
    if isinstance(dim, int):
        return dim
    if isinstance(dim, ProductDim):
        return math.prod([dim.number, *(size_of(name, sizes) for name in dim.names)])
    if dim in sizes:
        return sizes[dim]
    raise DimensionError(
        f"the size of dimension {dim!r} is not known",
        f"give the value of a quantity that has the dimension {dim}",
    )


def sizes_of(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape in numbers."""
    return tuple(size_of(dim, sizes) for dim in shape)


def bind(
    name: str,
    declared: Shape,
    actual: tuple[int, ...],
    sizes: dict[str, int],
    origins: dict[str, str],
) -> None:
    """Check ``actual`` against ``declared``, binding names into ``sizes`` on first use.

    ``origins`` remembers which quantity bound a name, so that an error can say both sides.
    """
    fits = len(declared) == len(actual)
    for dim, size in zip(declared, actual, strict=False):
        if not isinstance(dim, str):
            fits = fits and size_of(dim, sizes) == size
        elif dim not in sizes:
            sizes[dim] = size
            origins[dim] = name
        elif sizes[dim] != size:
            raise ShapeError(
                f"{name} is declared {format_shape(declared)} and its value is "
                f"{format_shape(actual)}: {dim} = {size}, but {origins[dim]} has {dim} = "
                f"{sizes[dim]}",
                f"give {name} and {origins[dim]} the same size along {dim}",
            )
    if not fits and not declared:
        raise ShapeError(
            f"{name} is declared scalar, but its value is an array of shape {actual}",
            f"give {name} as a number"
            + (f", such as {name}[{', '.join('0' * len(actual))}]" if 0 not in actual else ""),
        )
    if not fits:
        raise ShapeError(
            f"{name} is declared {format_shape(declared)}, but its value is {format_shape(actual)}",
            f"give {name} a value of shape {format_shape(declared)}",
        )


def format_bytes(count: float) -> str:
    """``512 GiB``: three significant digits and a binary unit."""
    if count < 1024:
        return f"{count:.0f} B"
    power = min(int(math.log(count, 1024)), 6)
    if power < 6 and round(count / 1024**power) >= 1024:
        power += 1  # 1,023.9 KiB rounds to 1 MiB
    scaled = count / 1024**power
    digits = f"{scaled:.0f}" if 100 <= scaled < 1e7 else f"{scaled:.3g}"
    return f"{digits} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[power]}"
