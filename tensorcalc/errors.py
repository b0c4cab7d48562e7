"""Errors: what was attempted, both sides by name with their shapes, one thing to do.

All of them are a ``TensorCalcError``, which is a ``ValueError``. The hint travels as a
note (``add_note``), which IPython, pytest and plain Python print under the message.
"""

from __future__ import annotations

__all__ = [
    "ChainError",
    "DimensionError",
    "DomainError",
    "IllConditionedWarning",
    "LayoutError",
    "MemoryLimitError",
    "MissingValueError",
    "NameClashError",
    "NotSupportedError",
    "ParseError",
    "ShapeError",
    "TensorCalcError",
    "UnknownAttributeError",
    "UnknownNameError",
    "ValueNotAllowedError",
]


class TensorCalcError(ValueError):
    """Any error this library raises about what it was given.

    The message says what was attempted and names both sides; ``hint`` is one thing to do.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")

    def __reduce__(self) -> tuple[type[TensorCalcError], tuple[str, str | None]]:
        return type(self), (str(self.args[0]), self.hint)


class ShapeError(TensorCalcError):
    """Two quantities do not fit together, or a value does not fit its declaration."""


class DimensionError(ShapeError):
    """A size or a dimension name cannot be used as one."""


class DomainError(TensorCalcError):
    """No point was found at which everything is defined."""


class ChainError(TensorCalcError):
    """Two derivatives do not join: the left's argument is not the right's value."""


class ParseError(TensorCalcError):
    """Program text that the language does not have."""


class UnknownNameError(TensorCalcError, KeyError):
    """A name that the program does not define."""

    __str__ = ValueError.__str__  # KeyError would quote the message


class UnknownAttributeError(TensorCalcError, AttributeError):
    """An attribute or a method that quantities do not have."""


class IllConditionedWarning(UserWarning):
    """A system of equations whose solution rounding alone may have changed in every digit."""


class MissingValueError(TensorCalcError):
    """A computation was asked for without the value of a variable it needs."""


class ValueNotAllowedError(TensorCalcError):
    """A value that is no real finite array: text, complex numbers, objects, NaN."""


class NameClashError(TensorCalcError):
    """One name stands for two quantities in one computation."""


class LayoutError(TensorCalcError):
    """A layout that is none of numerator, denominator and mixed."""


class MemoryLimitError(TensorCalcError):
    """A dense result, or an intermediate, would exceed ``max_bytes``."""


class NotSupportedError(TensorCalcError):
    """The mathematics, or this version, refuses what was asked."""
