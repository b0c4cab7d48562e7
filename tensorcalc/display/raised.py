"""Digits, signs and letters that stand above or below the line: x², W⁻¹, uᵖ, a₁."""

from __future__ import annotations

__all__ = ["LOWERED", "RAISED", "lowered", "raised"]

# what stands above or below → what it is on the line
RAISED = dict(
    zip(
        "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻",
        "abcdefghijklmnoprstuvwxyz0123456789+-",
        strict=True,
    )
)
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True))

_ABOVE = str.maketrans({plain: sign for sign, plain in RAISED.items()})
_BELOW = str.maketrans({plain: sign for sign, plain in LOWERED.items()})


def raised(text: str) -> str:
    """The text above the line, as far as there are signs for it: 12 is ¹², p-1 is ᵖ⁻¹."""
    return text.translate(_ABOVE)


def lowered(text: str) -> str:
    """The text below the line: 12 is ₁₂."""
    return text.translate(_BELOW)
