"""Numba: the whole function in machine code, its chains of functions as single loops.

Functions of entries become ``numba.vectorize``, which Numba fuses with the arithmetic around them;
functions over an axis become loops. What Numba does not know runs as NumPy, and ``engine`` says so.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import os
import re
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tensorcalc.backends.counted import counted
from tensorcalc.backends.loops import LOOPS, row_sums, times_transposed
from tensorcalc.backends.parts import in_parts
from tensorcalc.backends.products import broadcast_einsum, masked_einsum
from tensorcalc.backends.spelling import ELEMENTWISE, made_like, named, same_names
from tensorcalc.backends.translate import Context, Dialect, Spelling, is_fresh, translated
from tensorcalc.codegen.callable import CompiledFunction
from tensorcalc.codegen.entry import Entry, own
from tensorcalc.codegen.generate import Generated, Output, generate
from tensorcalc.errors import NotSupportedError
from tensorcalc.expr import Expr

__all__ = ["DIALECT", "Numba", "NumbaFunction"]


def _sum(c: Context, x: str, axis: str = "") -> str:
    if not axis:
        return f"np.sum({x})"
    axes = ast.literal_eval(axis)
    for one in sorted(axes if isinstance(axes, tuple) else (axes,), reverse=True):
        x = f"np.sum({x}, axis={one})"
    return x


def _like(owner: str | None, dtype: str) -> str:
    if dtype == "bool":
        return ", dtype=np.bool_"
    return f", dtype={owner}.dtype" if owner else ""


def _einsum(c: Context, spec: str, *operands: str) -> str:
    return masked_einsum(c, spec, operands) or broadcast_einsum(c, spec, operands)


_CALLS: dict[str, Spelling] = {
    **same_names(ELEMENTWISE),
    **same_names(("absolute", "arcsin", "arccos", "arctan", "power", "outer", "trace", "diag")),
    **same_names(("broadcast_to", "linalg.inv", "linalg.det", "transpose")),
    "reshape": lambda c, x, shape: f"np.reshape(np.ascontiguousarray({x}), {shape})",
    "diagonal": named("diag"),
    "sum": _sum,
    "copy": lambda c, x: f"np.copy({x})",
    "vdot": lambda c, a, b: f"np.sum(({a}) * ({b}))",
    "einsum": _einsum,
    "eye": lambda c, n, dtype="": f"np.eye({n}, {n}, 0{_like(c.owner, dtype)})",
    "ones": made_like("ones"),
    "full": made_like("full"),
    "matmul": lambda c, a, b: f"{_dense(a)} @ {_dense(b)}",
    "**": lambda c, a, b: _power(a, b),
}


def _power(base: str, exponent: str) -> str:
    """As NumPy has it: 1/0 is infinite for any exponent, the root of a negative number NaN."""
    if exponent == "0.5":
        return f"np.sqrt({base})"
    whole = re.fullmatch(r"\(?(-\d+)\)?", exponent)
    return f"{base} ** {float(whole[1])}" if whole else f"{base} ** {exponent}"


def _dense(text: str) -> str:
    """Products are made of contiguous arrays; a name, or its transpose, is one."""
    plain = text.removesuffix(".T").isidentifier()
    return text if plain else f"np.ascontiguousarray({text})"


DIALECT = Dialect(
    backend="numba",
    library="np",
    imports=("import numba", "import numpy as np"),
    calls=_CALLS,
    like=_like,
    number=lambda text, like: f"np.asarray({text})",
    constant=(
        "np.array({})",
        lambda name, owner: f"{name}.astype({owner}.dtype)" if owner else name,
    ),
    decorator='@numba.njit(cache=True, error_model="numpy")',
    loops=LOOPS,
)


def _transposed(node: ast.expr) -> list[ast.expr] | None:
    """a and b of a @ b.T."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.MatMult):
        return None
    left, right = node.left, node.right
    if not isinstance(right, ast.Attribute) or right.attr != "T":
        return None
    return [left, right.value]


def _summed(node: ast.expr) -> list[ast.expr] | None:
    """x of np.sum(x, axis=1)."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "np.sum":
        return None
    return node.args if [ast.unparse(k) for k in node.keywords] == ["axis=1"] else None


_PATTERNS = {times_transposed: _transposed, row_sums: _summed}
_PART = '@numba.njit(error_model="numpy")'


class NumbaFunction(CompiledFunction):
    """A function of NumPy arrays, compiled by Numba when it is first called.

    Values and results are those of the NumPy function; it computes in double precision, and gives
    float32 where all values are. ``engine`` is "numba", or "numpy" once
    something was met that Numba does not know; ``reason`` says what. Machine code is kept in the
    user's cache folder, where that can be written. It is made for arrays in C order that can be
    written to; of others a copy is taken.
    """

    def __init__(self, generated: Generated, hints: Mapping[Expr, str], plain: Generated) -> None:
        super().__init__(plain, hints)
        self.engine, self.reason = "numpy", ""
        self._numpy_source, self._numpy_run = self.source, self._run
        self._numpy_entry = self._entry
        self.function: Any = self._numpy_run
        if generated.functions:
            self._give_up(f"{next(iter(generated.functions))} is a function of Python")
            return
        try:
            source = counted(translated(generated, DIALECT), ["core"])
            self.source = in_parts(source, ELEMENTWISE, _PATTERNS, _PART)
            self.function = _loaded(self.source, generated.name)
        except NotSupportedError as error:
            self._give_up(str(error))
            return
        self.engine, self._run = "numba", self._compiled
        if self._entry is not None:
            fresh = all(is_fresh(source, generated.name))
            self._entry = _Entry(self._compiled, generated, machine=self.function, fresh=fresh)

    def _give_up(self, reason: str) -> None:
        self.engine, self.reason = "numpy", reason
        self.source, self._run = self._numpy_source, self._numpy_run
        self.function, self._entry = self._numpy_run, self._numpy_entry

    def _compiled(self, *arrays: np.ndarray) -> Any:
        """The results; by NumPy from now on if Numba cannot compile the function."""
        arrays = tuple(_as_compiled_for(a) for a in arrays)
        try:
            if not self.function.signatures:
                _compile(self.function, [a.ndim for a in arrays])
        except importlib.import_module("numba").core.errors.NumbaError as error:
            self._give_up(str(error).strip().splitlines()[0])
            return self._numpy_run(*arrays)
        return self.function(*arrays)

    def _checked(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """The outputs; of arrays in another order, or that cannot be written to, by copies."""
        values = list(named.values() if named else args)
        if self._entry is None or not all(_is_double(value) for value in values):
            return super()._checked(args, named)
        try:
            ordered = self._by_place(args, named) if named else args
            found = self._entry.call(*map(_as_compiled_for, ordered))
        except (KeyError, TypeError, MemoryError):
            found = None
        return super()._checked(args, named) if found is None else found

    def __reduce__(self) -> Any:
        given = ("numba", self.outputs, self.name, self._hints)
        return _recompiled, (*given, self._several)


@dataclass
class _Entry(Entry):
    """The way into machine code for values whose shapes and precision came before."""

    machine: Any = None
    fresh: bool = False  # whether no result can be a view of a value or of another result

    def known_call(
        self,
        key: Any,
        given: Sequence[np.ndarray],
        results: Sequence[Any],
        sizes: Mapping[str, int],
    ) -> Callable[..., Any]:
        """The machine code itself, where its results need nothing."""
        double = given[0].dtype == np.float64
        plain = double and self.fresh and all(isinstance(r, np.ndarray) for r in results)
        return self.machine if plain else self._finished

    def _finished(self, *values: np.ndarray) -> Any:
        """The results as arrays of the caller's own, in the precision of the values."""
        several = self.generated.several
        results = self.run(*values)
        dtype, arrays = values[0].dtype, []
        for result in results if several else (results,):
            arrays.append(own(np.asarray(result, dtype), (*values, *arrays)))
        return tuple(arrays) if several else arrays[0]


def _is_double(value: Any) -> bool:
    return type(value) is np.ndarray and value.dtype == np.float64


def _as_compiled_for(value: np.ndarray) -> np.ndarray:
    """The array, or a copy of it, as the machine code is made for."""
    return np.require(value, np.float64, ("C", "W"))


def _compile(function: Any, axes: Sequence[int]) -> None:
    """Make the machine code, once: what comes in another form is copied, never compiled for."""
    numba = importlib.import_module("numba")
    kinds = tuple(numba.types.Array(numba.float64, ndim, "C") for ndim in axes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Numba: how fast something may be
        function.compile(kinds)
    function.disable_compile()


class Numba:
    """How functions for Numba are made: of two sources, its own and NumPy's."""

    def compiled(
        self, outputs: Sequence[Output], name: str, hints: Mapping[Expr, str], *, several: bool
    ) -> CompiledFunction:
        """The function, by Numba where it can be."""
        functional = generate(outputs, name, hints, several=several, in_place=False)
        plain = generate(outputs, name, hints, several=several)
        return NumbaFunction(functional, hints, plain)


def _loaded(source: str, name: str) -> Callable[..., Any]:
    """The function, from a file in the user's cache folder where one can be written."""
    key = hashlib.sha256(source.encode()).hexdigest()[:32]
    path = _written(f"tensorcalc_{key}.py", source)
    if path is None:
        source = source.replace("cache=True", "cache=False")
    module = types.ModuleType(f"tensorcalc_{key}")
    module.__file__ = str(path) if path else None
    sys.modules[module.__name__] = module  # where Numba looks up what a function refers to
    exec(compile(source, str(path or f"<tensorcalc {name}>"), "exec"), module.__dict__)
    return module.__dict__[name]


def _written(name: str, source: str) -> Path | None:
    """The file with this source; None where the cache folder cannot be written."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
        folder = (Path(base) if base else Path.home() / ".cache") / "tensorcalc" / "numba"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            file.write(source)
        if path.is_file() and path.read_text(encoding="utf-8") == source:
            Path(file.name).unlink()  # the file keeps its time, by which Numba knows it again
        else:
            Path(file.name).replace(path)
    except (OSError, RuntimeError):
        return None
    return path


def _recompiled(
    backend: str,
    outputs: tuple[Output, ...],
    name: str,
    hints: Mapping[Expr, str],
    several: bool,
) -> CompiledFunction:
    return Numba().compiled(outputs, name, hints, several=several)
