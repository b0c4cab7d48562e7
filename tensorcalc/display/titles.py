"""How a derivative is called: ∂E/∂W, ∂²E/∂x²."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from tensorcalc.display.raised import raised

__all__ = ["repeated", "title_text"]


def title_text(of: str, wrt: Sequence[str]) -> str:
    """∂E/∂W, ∂²E/∂x², ∂³E/∂x²∂y."""
    of = of if of.isidentifier() else f"({of})"
    below = "".join(f"∂{name}{_power(times)}" for name, times in repeated(wrt))
    return f"∂{_power(len(wrt))}{of}/{below}"


def repeated(wrt: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each name with the number of times that it stands there in a row."""
    for name, group in itertools.groupby(wrt):
        yield name, len(list(group))


def _power(times: int) -> str:
    return raised(str(times)) if times > 1 else ""
