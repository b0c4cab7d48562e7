"""What every part of the reader needs: faults at nodes, values that may fail, words of hints."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from tensorcalc.errors import DimensionError, NotSupportedError, ParseError, TensorCalcError
from tensorcalc.expr import Constant
from tensorcalc.reading.faults import Edit, Fault, Faults, cut, shorter
from tensorcalc.reading.foreign import CONSTRUCT_HINT
from tensorcalc.reading.written import Written
from tensorcalc.tensor import Tensor

__all__ = ["LARGEST", "Reader", "fits", "is_square", "is_text", "literal", "number_of"]


LARGEST = 10**15  # size of an axis


class Reader:
    """Reads one expression over the quantities by name; a name that stands for None is faulty.

    What cannot be read is None, and its faults are noted: one for every cause.
    """

    def __init__(
        self,
        written: Written,
        quantities: Mapping[str, Tensor | None],
        unknown: dict[str, tuple[Fault, str | None]],
        dims: frozenset[str],
        faults: Faults,
    ) -> None:
        self.written = written
        self.quantities = quantities
        self.unknown = unknown  # names met without a meaning: their fault, what they surely mean
        self.dims = dims  # the names of dimensions
        self.faults = faults
        self.numbers: dict[ast.expr, float] = {}  # what is written in numbers only

    def _read(self, node: ast.expr, depth: int) -> Tensor | None:
        raise NotImplementedError

    def _fault(
        self,
        node: ast.expr,
        message: str,
        hint: str,
        edits: list[Edit] | None = None,
        kind: type[TensorCalcError] = ParseError,
    ) -> None:
        self.faults.add(message, self.written.span(node), hint, edits, kind)

    def _attempt(self, node: ast.expr, make: Callable[..., Any], *values: Any) -> Any:
        """What ``make`` makes of the values; where it raises, a fault and None."""
        if any(value is None for value in values):
            return None
        try:
            made = make(*values)
        except TensorCalcError as error:
            hint, edits = self._improved(node, values, error)
            self._fault(node, _in_language(str(error)), hint, edits, type(error))
        except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError):
            self._fault(
                node,
                f"{self._text(node)} cannot be computed",
                "simplify it",
                kind=NotSupportedError,
            )
        else:
            return made if self._is_countable(node, made) else None
        return None

    def _is_countable(self, node: ast.expr, made: Any) -> bool:
        """Whether the sizes of what was made are numbers that anything can have."""
        shape = made.shape if isinstance(made, Tensor) else ()
        if any(isinstance(dim, int) and dim > LARGEST for dim in shape):
            message = f"{self._text(node)} has a size above {LARGEST:,}"
            self._fault(node, message, "use smaller ones", kind=DimensionError)
            return False
        return True

    def _improved(
        self, node: ast.expr, values: tuple[Any, ...], error: TensorCalcError
    ) -> tuple[str, list[Edit] | None]:
        """The hint of an error in the words of the text, and what surely mends it."""
        return _in_language(error.hint or CONSTRUCT_HINT), None

    def _text(self, node: ast.expr, longest: int = 40) -> str:
        start, end = self.written.span(node)
        return cut(" ".join(self.written.text[start:end].split()), longest)

    def _operand(self, node: ast.expr) -> str:
        """An operand as a hint writes it, in the language."""
        text = self.faults.mended(*self.written.outer(node))
        if text is None:
            text = self.written.source(node)
            if self.written.is_foreign(node):
                try:
                    text = ast.unparse(node)
                except (RecursionError, ValueError):
                    return "(…)"
                if self.written.brackets(node) and isinstance(node, (ast.BinOp, ast.UnaryOp)):
                    text = f"({text})"
        return shorter(text)


def _in_language(words: str) -> str:
    """The words of an error, without the prefix that functions have in Python."""
    return re.sub(r"\btc\.", "", words)


def fits(make: Callable[..., Tensor], *values: Any) -> Tensor | None:
    """What ``make`` makes of the values, None where it raises."""
    try:
        return make(*values)
    except TensorCalcError:
        return None


def literal(node: ast.expr) -> int | None:
    """The whole number that is written out, with its sign."""
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -sign if isinstance(node.op, ast.USub) else sign
        node = node.operand
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return sign * node.value
    return None


def is_text(node: ast.expr) -> bool:
    """Whether the node is a text in quotes."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def number_of(t: Tensor) -> float | None:
    """The number that a constant scalar is, None for any other quantity."""
    return t.expr.number if isinstance(t.expr, Constant) and t.expr.ndim == 0 else None


def is_square(t: Tensor | None) -> bool:
    """Whether the quantity is a square matrix."""
    return t is not None and t.form == "matrix" and t.shape[0] == t.shape[1]
