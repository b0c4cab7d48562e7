"""How a derivative is called: ∂E/∂W, ∂²E/∂x²."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["title_text"]


def title_text(of: str, wrt: Sequence[str]) -> str:
    """∂E/∂W, ∂²E/∂x², ∂²E/∂x∂y."""
    of = of if of.isidentifier() else f"({of})"
    if len(wrt) == 1:
        return f"∂{of}/∂{wrt[0]}"
    order = "²³⁴"[len(wrt) - 2]
    below = f"∂{wrt[0]}{order}" if len(set(wrt)) == 1 else "".join(f"∂{w}" for w in wrt)
    return f"∂{order}{of}/{below}"
