"""A compiled function: its source, its arguments, and how it is called."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tensorcalc.codegen.code import ATOM, RESERVED, Code
from tensorcalc.codegen.entry import Entry, signature
from tensorcalc.codegen.factored import factored
from tensorcalc.codegen.lower import Lowering
from tensorcalc.codegen.separate import separated
from tensorcalc.codegen.stable import stabilised
from tensorcalc.codegen.symmetric import symmetric_products
from tensorcalc.errors import DimensionError, MemoryLimitError, MissingValueError, TensorCalcError
from tensorcalc.expr import Definition, Expr, Variable, toposort
from tensorcalc.layout import permuted
from tensorcalc.regroup import regrouped
from tensorcalc.shapes import Shape, format_bytes, format_shape, names_in, sizes_of
from tensorcalc.simplify import simplify
from tensorcalc.values import (
    Values,
    computation,
    given_values,
    read_values,
    refuse_singular,
    require_entries,
)

__all__ = ["CompiledFunction", "Output", "compile_outputs"]


@dataclass(frozen=True)
class Output:
    """One value to compute: stored axes shown at ``place`` (None adds an axis of size 1).

    ``like`` names the variable whose given shape the value takes, for gradients.
    ``universe`` is what the value is derived from: every variable of it may be given.
    """

    expr: Expr
    place: tuple[int | None, ...]
    title: str
    universe: tuple[Expr, ...] = ()
    like: str | None = None


class CompiledFunction:
    """Plain NumPy made from formulas.

    ``source`` stands alone when pasted into a file; ``arguments`` are its parameters, which
    may be given by position or by name. Calling it checks the shapes and types of the values;
    NaN and infinity are passed through.
    """

    def __init__(
        self,
        name: str,
        source: str,
        arguments: tuple[str, ...],
        outputs: tuple[Output, ...],
        run: Callable[..., Any],
        *,
        several: bool,
        entry: Entry | None,
    ) -> None:
        self.name = name
        self.source = source
        self.arguments = arguments
        self.outputs = outputs
        self._run = run
        self._several = several
        self._variables = computation(
            e for output in outputs for e in (output.expr, *output.universe)
        )
        self._entry = entry
        self._can_be_known = not any(self._variables[name].traits for name in arguments)

    @property
    def title(self) -> str:
        """What is computed, by the names of the formulas: E, ∂E/∂W."""
        titles = [output.title for output in self.outputs[:3]]
        return ", ".join(titles + ["…"] * (len(self.outputs) > 3))

    @property
    def __signature__(self) -> inspect.Signature:
        """The arguments by name, as ``inspect.signature`` and editors show them."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind) for name in self.arguments])

    def __reduce__(self) -> Any:
        return _recompiled, (self.outputs, self.name, self._several)

    def __repr__(self) -> str:
        return f"<compiled {self.name}({', '.join(self.arguments)})>"

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """The outputs for these values: one array, or a tuple of them."""
        found = self._at_once(args, named)
        if found is not None:
            return found
        given = self._by_name(args, named)
        values = self.read(given, finite=False)
        return self.run(values, self._key(given))

    def _at_once(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """The outputs, if values like these came before; else None."""
        if self._entry is None:
            return None
        if len(args) == 1 and not named and type(args[0]) is dict:
            args, named = (), args[0]
        try:
            if not named:
                return self._entry.call(*args) if len(args) == len(self.arguments) else None
            if args or len(named) != len(self.arguments):
                return None
            return self._entry.call(*[named[name] for name in self.arguments])
        except (KeyError, MemoryError, np.linalg.LinAlgError):
            return None  # what is wrong is told by those who check everything

    def _key(self, given: Mapping[str, Any]) -> Any:
        """By what values like these are known again; None where each must be checked."""
        arrays = [given.get(name) for name in self.arguments]
        if self._entry is None or not self._can_be_known or len(given) > len(arrays):
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
        require_entries([o.expr for o in self.outputs], values.sizes)
        return values

    def run(self, values: Values, key: Any = None) -> Any:
        """The outputs for checked values; with a ``key``, such values are known from now on."""
        single = bool(values) and all(a.dtype == np.float32 for a in values.values())
        dtype = np.float32 if single else np.float64
        try:
            with refuse_singular(self.title):
                results = self._run(*(values[name] for name in self.arguments))
        except MemoryError as error:
            raise MemoryLimitError(
                f"{self.title} at these sizes: {error}", "keep it structured and chain it with @"
            ) from None
        results = results if self._several else (results,)
        if key is not None and self._entry is not None:
            self._entry.learn(key, list(values.values()), results)
        arrays: list[np.ndarray] = []
        for result, output in zip(results, self.outputs, strict=True):
            arrays.append(_shaped(result, output, values, (*values.values(), *arrays), dtype))
        return tuple(arrays) if self._several else arrays[0]

    def require_memory(self, sizes: Mapping[str, int], max_bytes: float) -> None:
        """MemoryLimitError if an array, or all of them together, would exceed ``max_bytes``."""
        total = 0
        for output in self.outputs:
            root = simplify(output.expr)
            for e in dict.fromkeys([root, *_computed(root)]):
                shape = sizes_of(e.shape, sizes)
                if e is root:
                    shape = tuple(1 if a is None else shape[a] for a in output.place)
                count = 8
                for size in shape:
                    count *= size
                if count > max_bytes:
                    raise too_large(output.title, shape, count, max_bytes)
                total += count
        if total > max_bytes:
            raise MemoryLimitError(
                f"{self.title} with all its intermediates would take {format_bytes(total)}, and "
                f"max_bytes is {format_bytes(max_bytes)}",
                f"pass max_bytes={total} if that much memory is there",
            )


def too_large(title: str, shape: Shape, count: int, limit: float) -> MemoryLimitError:
    """The error for one dense array beyond the limit."""
    return MemoryLimitError(
        f"{title} as a dense {format_shape(shape)} array would take {format_bytes(count)}, "
        f"and max_bytes is {format_bytes(limit)}",
        f"keep it structured and chain it with @, or pass max_bytes={count}",
    )


def _computed(root: Expr) -> list[Expr]:
    """What is computed on the way: every node but atoms."""
    return [n for n in toposort([root]) if n.args and not isinstance(n, Definition)]


def _shaped(
    result: Any, output: Output, values: Values, others: Sequence[np.ndarray], dtype: type
) -> np.ndarray:
    array = np.asarray(result)
    if not array.flags.writeable or any(np.may_share_memory(array, other) for other in others):
        array = array.copy()  # a result is the caller's own
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
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise TensorCalcError(
            f"a compiled function named {name!r}", 'give it a name such as "step"'
        )
    roots = [
        stabilised(simplify(permuted(o.expr, [a for a in o.place if a is not None])))
        for o in outputs
    ]
    shown, names = regrouped(roots, hints or {})
    for improved in (separated, factored, symmetric_products):
        shown, names = improved(shown, names)
    lowering = Lowering(shown, names)
    found = {n.name: n for n in lowering.order if isinstance(n, Variable)}
    arguments = _with_sized(found, lowering.order, outputs)
    lowering.claim_arguments(arguments)
    lowering.run()
    while name in lowering.functions or name in lowering.constants or name in RESERVED:
        name += "_"
    body = _body(lowering, shown, outputs, arguments, several=several)
    parameters = ", ".join(lowering.argument[a] for a in arguments)
    source = "\n".join(
        [
            "import numpy as np",
            "",
            *_preamble(lowering),
            "",
            f"def {name}({parameters}):",
            *("    " + line for line in body),
            "",
        ]
    )
    namespace: dict[str, Any] = {**lowering.constants, **lowering.functions}
    exec(compile(source, f"<tensorcalc {name}>", "exec"), namespace)
    namespace.update(lowering.constants)  # the frozen arrays, not copies a caller could change
    final = tuple(replace(o, universe=o.universe or (o.expr,)) for o in outputs)
    entry = None
    if len(lowering.quoted) == len(lowering.functions):  # nobody knows what others' functions do
        entry = Entry(
            namespace[name],
            source,
            name,
            lowering.constants,
            len(arguments),
            several,
            reuse_buffers,
        )
    return CompiledFunction(
        name,
        source,
        tuple(arguments),
        final,
        namespace[name],
        several=several,
        entry=entry,
    )


def _recompiled(outputs: tuple[Output, ...], name: str, several: bool) -> CompiledFunction:
    """A compiled function from its pickle: the source is generated anew."""
    return compile_outputs(outputs, name, several=several)


def _with_sized(
    found: dict[str, Variable], order: Sequence[Expr], outputs: Sequence[Output]
) -> list[str]:
    """The arguments: variables that occur, and one for each size that nothing else gives."""
    known = {dim for v in found.values() for dim in v.shape if isinstance(dim, str)}
    needed = set(names_in(dim for e in order for dim in e.shape)) - known
    everything = computation(e for o in outputs for e in (o.expr, *o.universe))
    for candidate in everything.values():
        if needed & set(candidate.shape):
            found.setdefault(candidate.name, candidate)
            needed -= set(candidate.shape)
    # in the order in which the statements use them: v = W @ x gives W, x
    used = [arg.name for e in order for arg in e.args if isinstance(arg, Variable)]
    place = {name: k for k, name in enumerate(dict.fromkeys(used))}
    last = {name: k for k, name in enumerate(everything)}
    return sorted(found, key=lambda n: (place.get(n, len(place)), last[n]))


def _preamble(lowering: Lowering) -> list[str]:
    lines: list[str] = []
    for constant, value in lowering.constants.items():
        lines += [f"{constant} = np.array({value.tolist()})", ""]
    for function in lowering.functions:
        if function in lowering.quoted:
            lines += ["", lowering.quoted[function].rstrip(), ""]
        else:
            lines += [f"# {function} is the function given to tc.function", ""]
    return lines


def _body(
    lowering: Lowering,
    roots: Sequence[Expr],
    outputs: Sequence[Output],
    arguments: Sequence[str],
    *,
    several: bool,
) -> list[str]:
    lines = []
    codes = [lowering.code[root] for root in roots]
    returned = [code.text for code in codes]
    lowering.drop_unused(" ".join(returned))
    variables = computation(e for o in outputs for e in (o.expr, *o.universe))
    for dim, code in lowering.dims.items():
        owner = next((a for a in arguments if dim in variables[a].shape), None)
        if owner is None:
            raise DimensionError(
                f"the size of dimension {dim!r}, which no quantity of the computation has",
                f"use {dim} in the shape of a variable, or give the size as a number",
            )
        axis = variables[owner].shape.index(dim)
        lines.append(f"{code} = {lowering.argument[owner]}.shape[{axis}]")
    shown = [_placed(c, o.place) for c, o in zip(codes, outputs, strict=True)]
    if several:
        return [
            *lines,
            *lowering.lines,
            f"return ({shown[0]},)" if len(shown) == 1 else f"return {', '.join(shown)}",
        ]
    return [*lines, *lowering.lines, f"return {shown[0]}{_shape_comment(roots[0].shape)}"]


def _placed(code: Code, place: Sequence[int | None]) -> str:
    """The code with the axes of size 1 that make a row or a column."""
    if None not in place:
        return code.text
    if len(place) == 2 and place[0] is place[1] is None:
        return f"np.reshape({code.text}, (1, 1))"
    return f"{code.inside(ATOM)}[{', '.join('None' if axis is None else ':' for axis in place)}]"


def _shape_comment(shape: Shape) -> str:
    return f"  # {format_shape(shape)}" if len(shape) > 1 else ""
