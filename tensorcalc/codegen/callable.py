"""A compiled function: its source, its arguments, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tensorcalc.codegen.binding import bound
from tensorcalc.codegen.costs import (
    Cost,
    Expense,
    compiled_expense,
    contraction_table,
    literal_expense,
    require_sizes,
)
from tensorcalc.codegen.entry import Entry, own, signature
from tensorcalc.codegen.generate import Generated, Output, generate
from tensorcalc.codegen.memory import arrays_of, require_memory
from tensorcalc.errors import DimensionError, MemoryLimitError, MissingValueError
from tensorcalc.expr import Expr
from tensorcalc.shapes import names_in
from tensorcalc.values import (
    Values,
    given_values,
    read_values,
    refuse_singular,
    require_entries,
)

__all__ = ["BoundFunction", "CompiledFunction", "compile_outputs"]


# what is wrong is told by those who check everything
_TOLD_LATER = (KeyError, TypeError, MemoryError, np.linalg.LinAlgError)


class CompiledFunction:
    """Plain NumPy made from formulas.

    ``source`` stands alone when pasted into a file; ``arguments`` are its parameters, which
    may be given by position or by name. Calling it checks the shapes and types of the values;
    NaN and infinity are passed through. ``function`` is what the source defines, without checks.
    """

    def __init__(
        self, generated: Generated, hints: Mapping[Expr, str], *, reuse_buffers: bool = False
    ) -> None:
        self.name = generated.name
        self.source = generated.source
        self.arguments = generated.arguments
        self.outputs = generated.outputs
        self._generated = generated
        self._several = generated.several
        self._hints = hints
        self._reuse_buffers = reuse_buffers
        self._run = generated.load()
        self.function: Any = self._run
        self._variables = generated.variables
        declared = any(self._variables[name].traits for name in self.arguments)
        # what others' functions do, and what is declared of a matrix, is looked at in every call
        self._entry = (
            None if declared or generated.functions else Entry(self._run, generated, reuse_buffers)
        )

    @property
    def title(self) -> str:
        """What is computed, by the names of the formulas: E, ∂E/∂W."""
        titles = [output.title for output in self.outputs[:3]]
        return ", ".join(titles + ["…"] * (len(self.outputs) > 3))

    @property
    def _returned(self) -> Sequence[Output]:
        """What a run computes: the outputs, or the factors of those with a structure."""
        return self.outputs if self._generated.presenting is None else self._generated.returned

    @property
    def _formulas(self) -> list[Expr]:
        """What is asked for, and the forms in which it is computed."""
        return [output.expr for output in (*self.outputs, *self._generated.returned)]

    @property
    def __signature__(self) -> inspect.Signature:
        """The arguments by name, as ``inspect.signature`` and editors show them."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind) for name in self.arguments])

    def __reduce__(self) -> Any:
        presenting = self._generated.presenting
        several = self._several if presenting is None else presenting.several
        given = (self.outputs, self.name, self._hints, several, self._reuse_buffers)
        return _recompiled, given

    def __repr__(self) -> str:
        return f"<compiled {self.name}({', '.join(self.arguments)})>"

    def __str__(self) -> str:
        """The contractions: each product of two arrays, its axes, and what it costs."""
        return contraction_table(repr(self)[1:-1], self._generated.contractions)

    def cost(self, **sizes: int) -> Cost:
        """Floating-point operations and bytes of arrays, compiled and as the literal chain.

        ``sizes`` are those of the named dimensions, however large: operations and arrays are
        counted from shapes, and nothing is computed. In the literal chain every local derivative
        is a dense array; a value that stands beside derivatives has none. Raises DimensionError
        for a size that is missing, NotSupportedError where more than shapes decides what is done.
        """
        named = names_in(dim for v in self._variables.values() for dim in v.shape)
        given = require_sizes(self.name, list(dict.fromkeys(named)), sizes)
        links = [output.link for output in self.outputs if output.values]  # of derivatives
        chains = [literal_expense(*link, given) for link in links if link is not None]
        literal = sum(chains, Expense(0, 0)) if chains and len(chains) == len(links) else None
        return Cost(self.title, given, compiled_expense(self._generated, given), literal)

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """The outputs for these values: one array, or a tuple of them."""
        if len(args) == 1 and not named and args[0].__class__ is dict:
            args, named = (), args[0]
        if self._entry is not None:  # in as few steps as can be
            try:
                found = self._entry.call(*(self._by_place(args, named) if named else args))
                if found is not None:
                    return found
            except _TOLD_LATER:
                pass
        return self._checked(args, named)

    def _by_place(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> Sequence[Any]:
        """Values given by name, in the order of the arguments; KeyError if these are not they."""
        if args or len(named) != len(self.arguments):
            raise KeyError
        return [named[name] for name in self.arguments]

    def _checked(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """The outputs for values all of which is checked."""
        given = self._by_name(args, named)
        values = self.read(given, finite=False)
        return self.run(values, self._key(given))

    def bind(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> BoundFunction:
        """A function of the other arguments: what depends on these alone is computed now.

        ``values`` are arrays by name; they are copied. Raises MissingValueError for a name that
        is no argument, ShapeError or ValueNotAllowedError for a value that does not fit.
        """
        given = given_values(values, named)
        strange = [name for name in given if name not in self.arguments]
        if strange or not given:
            what = ", ".join(map(str, strange)) or "nothing"
            raise MissingValueError(
                f"{self.name}.bind of {what}; its arguments are {', '.join(self.arguments)}",
                f"bind one of them, such as {self.name}.bind({self.arguments[0]}=…)"
                if self.arguments
                else "there is nothing to bind",
            )
        return BoundFunction(self, given)

    def _key(self, given: Mapping[str, Any]) -> Any:
        """By what values like these are known again; None where each must be checked."""
        arrays = [given.get(name) for name in self.arguments]
        if self._entry is None or len(given) > len(arrays):
            return None
        return signature(arrays, [self._variables[name].ndim for name in self.arguments])

    def _by_name(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        if len(args) == 1 and isinstance(args[0], Mapping):
            return given_values(args[0], named)
        if len(args) > len(self.arguments):
            raise MissingValueError(
                f"{self.name} called with {len(args)} values for its {len(self.arguments)} "
                f"arguments ({', '.join(self.arguments)})",
                "give one value per argument, or names",
            )
        by_place = dict(zip(self.arguments, args, strict=False))
        twice = [argument for argument in by_place if argument in named]
        if twice:
            raise MissingValueError(
                f"{self.name} called with {', '.join(twice)} both by position and by name",
                f"give {twice[0]} once",
            )
        return given_values(by_place, named)

    def read(self, given: Mapping[str, Any], *, finite: bool) -> Values:
        """Check the values for this function's arguments."""
        values = read_values(self.arguments, self._variables, given, finite=finite, what=self.title)
        require_entries(self._formulas, values.sizes)
        return values

    def run(self, values: Values, key: Any = None) -> Any:
        """The outputs for checked values; with a ``key``, such values are known from now on."""
        single = bool(values) and all(a.dtype == np.float32 for a in values.values())
        dtype = np.float32 if single else np.float64
        with _told(self.title):
            results = self._run(*(values[name] for name in self.arguments))
        results = results if self._several else (results,)
        if key is not None and self._entry is not None:
            self._entry.learn(key, list(values.values()), results, values.sizes)
        arrays: list[np.ndarray] = []
        for result, output in zip(results, self._generated.returned, strict=True):
            arrays.append(_shaped(result, output, values, (*values.values(), *arrays), dtype))
        if self._generated.presenting is not None:
            return self._generated.presenting.made_of(values.sizes, dtype)(arrays)
        return tuple(arrays) if self._several else arrays[0]

    def require_memory(self, sizes: Mapping[str, int], max_bytes: float) -> None:
        """MemoryLimitError if an array, or all of them together, would exceed ``max_bytes``."""
        require_memory(self.title, arrays_of(self._returned, sizes), max_bytes)


class BoundFunction(CompiledFunction):
    """A compiled function some of whose arguments are given once and for all."""

    def __init__(self, whole: CompiledFunction, given: Mapping[str, Any]) -> None:
        start = whole
        if isinstance(start, BoundFunction):  # all that is bound must fit together
            whole, given = start.whole, {**start.bound, **given}
        checked = read_values(given, whole._variables, given, finite=False, what=whole.title)
        require_entries(whole._formulas, checked.sizes)
        values = {name: checked[name] for name in given}
        self._single = all(array.dtype == np.float32 for array in values.values())
        if isinstance(start, BoundFunction) and start._single != self._single:
            start = whole  # what was computed in one precision is of no use in the other
        new = {name: values[name] for name in start.arguments if name in values}
        with _told(whole.title):
            generated = bound(start._generated, new)
        super().__init__(generated, whole._hints, reuse_buffers=whole._reuse_buffers)
        self.whole = whole
        self._sizes = checked.sizes
        # in the shape that was given, which is that of a gradient by it
        self.bound = {
            name: array.copy().reshape(checked.given_shapes.get(name, array.shape))
            for name, array in values.items()
        }
        if any(self.bound[name].shape != array.shape for name, array in values.items()):
            self._entry = None  # which gives results the shapes that are computed

    def __reduce__(self) -> Any:
        return BoundFunction, (self.whole, self.bound)

    def cost(self, **sizes: int) -> Cost:
        """As of the whole function; what is bound gives its sizes."""
        for dim, size in sizes.items():
            if dim in self._sizes and self._sizes[dim] != size:
                raise DimensionError(
                    f"the cost of {self.name} with {dim} = {size}, but in what is bound "
                    f"{dim} = {self._sizes[dim]}",
                    f"leave {dim} out, or bind arrays of that size",
                )
        return super().cost(**{**self._sizes, **sizes})

    def read(self, given: Mapping[str, Any], *, finite: bool) -> Values:
        """Check the values for the other arguments, beside those that are bound."""
        twice = [name for name in given if name in self.bound]
        if twice:
            raise MissingValueError(
                f"{self.name} called with {twice[0]}, which is bound",
                f"leave {twice[0]} out, or bind another value",
            )
        return super().read({**self.bound, **given}, finite=finite)

    def run(self, values: Values, key: Any = None) -> Any:
        """The outputs for checked values."""
        single = all(array.dtype == np.float32 for array in values.values())
        if single != self._single:
            return self.whole.run(values)
        return super().run(values, key)

    def _key(self, given: Mapping[str, Any]) -> Any:
        key = super()._key(given)
        return key if key is not None and key[0] != self._single else None


@contextmanager
def _told(title: str) -> Iterator[None]:
    """While this is computed: errors of ours for matrices without an inverse and for memory."""
    try:
        with refuse_singular(title):
            yield
    except MemoryError as error:
        raise MemoryLimitError(
            f"{title} at these sizes: {error}", "keep it structured and chain it with @"
        ) from None


def _shaped(
    result: Any, output: Output, values: Values, others: Sequence[np.ndarray], dtype: type
) -> np.ndarray:
    array = own(result, others)
    if output.like is not None and output.like in values.given_shapes:
        array = array.reshape(values.given_shapes[output.like])
    return array.astype(dtype, copy=False)


def compile_outputs(
    outputs: Sequence[Output],
    name: str,
    hints: Mapping[Expr, str] | None = None,
    *,
    several: bool = False,
    reuse_buffers: bool = False,
) -> CompiledFunction:
    """One function that computes all the outputs, with shared work done once.

    With ``reuse_buffers`` its results lie in memory that the next call overwrites.
    """
    generated = generate(outputs, name, hints, several=several)
    return CompiledFunction(generated, hints or {}, reuse_buffers=reuse_buffers)


def _recompiled(
    outputs: tuple[Output, ...],
    name: str,
    hints: Mapping[Expr, str],
    several: bool,
    reuse_buffers: bool,
) -> CompiledFunction:
    """A compiled function from its pickle: the source is generated anew."""
    return compile_outputs(outputs, name, hints, several=several, reuse_buffers=reuse_buffers)
