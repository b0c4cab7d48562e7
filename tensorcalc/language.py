"""Programs: text to quantities by name; nothing is run."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tensorcalc.derivative import Derivative, derivative, gradient
from tensorcalc.errors import (
    DimensionError,
    NameClashError,
    ParseError,
    ShapeError,
    TensorCalcError,
    UnknownAttributeError,
    UnknownNameError,
)
from tensorcalc.reading.base import LARGEST
from tensorcalc.reading.faults import Faults
from tensorcalc.reading.lines import read_lines
from tensorcalc.shapes import format_shape
from tensorcalc.tensor import Tensor, variable
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["Program", "parse"]

_LONGEST = 100_000


class Program(Mapping[str, Tensor]):
    """The quantities of a program by name: its variables and its definitions.

    ``result`` is the last line, named or not; ``text`` is the program as given. Derivatives
    come in ``layout`` unless they are asked for in another.
    """

    def __init__(
        self,
        text: str,
        quantities: dict[str, Tensor],
        result: Tensor,
        layout: str = "numerator",
    ) -> None:
        self.text = text
        self.result = result
        self.layout = layout
        self._quantities = quantities

    def __getitem__(self, name: str) -> Tensor:
        if isinstance(name, str):
            name = unicodedata.normalize("NFKC", name)
            if name in self._quantities:
                return self._quantities[name]
        close = difflib.get_close_matches(str(name), self._quantities, 1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(self._quantities)}"
        raise UnknownNameError(f"the program has no quantity named {name!r}", hint)

    if not TYPE_CHECKING:  # checkers know of what is there only

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            hint = "it has .result, .derivative(…), .gradient(…), and quantities by name: p[…]"
            if name in self._quantities:
                hint = f'write p["{name}"]'
            raise UnknownAttributeError(f"a program has no attribute {name}", hint)

    def __iter__(self) -> Iterator[str]:
        return iter(self._quantities)

    def __len__(self) -> int:
        return len(self._quantities)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._quantities.values()))

    def derivative(self, of: Any, wrt: Any, /, *more: Any, **options: Any) -> Derivative:
        """``tc.derivative`` of quantities given by name, in the program's layout."""
        options.setdefault("layout", self.layout)
        quantities = [self._quantity(q) for q in (of, wrt, *more)]
        held = options.get("holding")
        if isinstance(held, (str, Tensor)):
            options["holding"] = [self._quantity(held)]
        elif isinstance(held, (list, tuple, set, frozenset)):
            options["holding"] = [self._quantity(q) for q in held]
        return derivative(*quantities, **options)

    def gradient(self, of: Any, wrt: Any, /) -> Derivative:
        """``tc.gradient`` of quantities given by name."""
        return gradient(self._quantity(of), self._quantity(wrt))

    def _quantity(self, q: Any) -> Tensor:
        return q if isinstance(q, Tensor) else self[q]


def parse(text: str, shapes: Any = None, /, **named: Any) -> Program:
    """The program that ``text`` writes, over variables of the shapes given.

    Lines or ``;``-separated ``name = expression``; the last may be a bare expression. Shapes
    are ints, tuples, names such as ``"k n"`` or arrays, by keyword, or as a mapping or pairs.
    Raises one error for all the faults of the text, of the type of the first: ParseError for
    what the language does not have, ShapeError where shapes do not fit.

    >>> import tensorcalc as tc
    >>> tc.parse("v = W @ x; s = sigmoid(v)", W=(5, 4), x=4)["s"]
    s = σ(v) : 5 × 1 column
    """
    variables = _variables(shapes, named)
    _require_text(text)
    faults = Faults(text)
    lines = read_lines(text, variables, faults)
    if lines is None:
        raise faults.error(lambda mended: _settled(mended, variables)) from None
    quantities, result = lines
    return Program(text, quantities, result)


def _variables(shapes: Any, named: dict[str, Any]) -> dict[str, Tensor]:
    pairs = shapes.items() if isinstance(shapes, Mapping) else shapes
    try:
        given = [(name, shape) for name, shape in pairs or ()] + list(named.items())
    except (TypeError, ValueError):
        raise ShapeError(
            f"the shapes of a program given as {type(shapes).__name__}",
            'give a mapping or pairs of names and shapes, such as {"W": (5, 4), "x": 4}',
        ) from None
    variables: dict[str, Tensor] = {}
    for name, shape in given:
        declared = _variable(name, shape)
        first = variables.setdefault(declared.name or "", declared)
        if first is not declared:
            raise ShapeError(
                f"the shape of {name} is given twice: {format_shape(first.shape)} and "
                f"{format_shape(declared.shape)}",
                f"give {name} one shape",
            )
    return variables


def _variable(name: Any, shape: Any) -> Tensor:
    """One variable, whose name is no function's, and whose sizes anything can have."""
    # names are spelt as Python spells them, or "ﬁ" in the text and in the shapes would differ
    if isinstance(name, str):
        name = unicodedata.normalize("NFKC", name)
        if name in FUNCTION_NAMES:
            raise NameClashError(
                f"a variable named {name}, which is a function of the language",
                f"choose another name, such as {name}_",
            )
    try:
        made = variable(name, shape)
    except ShapeError as error:
        raise type(error)(f"the shape of {name}: {error}", error.hint) from None
    except ValueError as error:  # a size of thousands of digits
        if isinstance(error, TensorCalcError):
            raise
        raise DimensionError(f"the shape of {name}: {error}", "use smaller sizes") from None
    if any(isinstance(dim, int) and dim > LARGEST for dim in made.shape):
        raise DimensionError(
            f"the shape of {name} has a size above {LARGEST:,}", "use smaller ones"
        )
    return made


def _require_text(text: object) -> None:
    if not isinstance(text, str):
        raise ParseError(
            f"a program given as {type(text).__name__}", 'give text such as "v = W @ x"'
        )
    if len(text) > _LONGEST:
        raise ParseError(
            f"a program of {len(text):,} characters", f"keep it under {_LONGEST:,} characters"
        )


def _settled(text: str, variables: dict[str, Tensor], rounds: int = 3) -> str | None:
    """The text if it is a program, else its own repaired text; None after some rounds."""
    if len(text) > _LONGEST or not rounds:
        return None
    faults = Faults(text)
    try:
        if read_lines(text, variables, faults) is not None:
            return text
    except TensorCalcError:
        return None
    return faults.repaired(lambda again: _settled(again, variables, rounds - 1))
