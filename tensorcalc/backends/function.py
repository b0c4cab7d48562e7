"""Compiled functions of another library's arrays: what is checked, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from tensorcalc.backends.translate import Dialect, is_fresh, translated
from tensorcalc.codegen.callable import BoundFunction, CompiledFunction
from tensorcalc.codegen.computed import computed_below
from tensorcalc.codegen.generate import Generated, Output, generate
from tensorcalc.errors import (
    MemoryLimitError,
    NotSupportedError,
    ShapeError,
    TensorCalcError,
    ValueNotAllowedError,
)
from tensorcalc.expr import Elementwise, Expr, Variable
from tensorcalc.values import Values, computation, read_array, read_values, require_entries

__all__ = ["ForeignFunction", "Library"]

_FLOATS = ("float32", "float64")
_KNOWN = 1024  # signatures remembered by one function


class Library:
    """One library: how its arrays are recognised, made and finished."""

    dialect: Dialect
    array: type | None = None  # the class of arrays that are traced
    mutable = True  # a result that shares memory with a value must be copied

    def is_native(self, value: Any) -> bool:
        """Whether this is an array of the library."""
        raise NotImplementedError

    def dtype_name(self, value: Any) -> str:
        """The dtype of such an array by name, such as float32."""
        raise NotImplementedError

    def device(self, value: Any) -> Any:
        """Where such an array lies; None where that says nothing."""
        raise NotImplementedError

    def adopt(self, value: Any, dtype: str, device: Any) -> Any:
        """A value as an array of the library, of this dtype; NumPy's go to this device."""
        raise NotImplementedError

    def finish(self, result: Any, dtype: str, device: Any, *, fresh: bool) -> Any:
        """A result as an array of this dtype; a copy unless it is ``fresh``."""
        raise NotImplementedError

    def precision(self, dtype: str) -> AbstractContextManager[Any]:
        """What must hold while arrays of this dtype are computed with."""
        return nullcontext()

    def keeps(self, dtype: str) -> bool:
        """Whether arrays of this dtype are computed with as they are, whatever stands around."""
        return True

    def traced(
        self, function: Callable[..., Any], require: Callable[..., None]
    ) -> Callable[..., Any] | None:
        """The function, which asks ``require`` once for each kind of arrays, then of results.

        None where the library does not trace.
        """
        return None

    def instead(self, name: str, value: Any) -> str:
        """What to do with a value that is no array of the library."""
        return f"give {name} as an array of that library or of NumPy"

    def require_sizes(self, name: str, value: Any) -> None:
        """Refuse an array of the library that does not know its size, or that is sparse."""

    def checked(self, value: Any, check: Callable[[Any], Any]) -> Any:
        """The value, at whose entries ``check`` has looked."""
        try:
            array = np.asarray(value)
        except Exception:  # while a library traces, there are no numbers to look at
            return value
        check(array)
        return value

    def explained(self, error: Exception, what: str) -> TensorCalcError | None:
        """What an error of the library says in words of ours, if it is one that is known."""
        return None

    def met_singular(self, error: Exception) -> bool:
        """Whether an error says that a matrix has no inverse."""
        return any(cls.__name__.lstrip("_") == "LinAlgError" for cls in type(error).__mro__)

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether an error says that there is not enough memory."""
        return False

    def compiled(
        self,
        outputs: Sequence[Output],
        name: str,
        hints: Mapping[Expr, str],
        *,
        several: bool = False,
    ) -> CompiledFunction:
        """The function of this library's arrays that computes all the outputs."""
        generated = generate(outputs, name, hints, several=several, in_place=False)
        return ForeignFunction(generated, hints, self)


class _NotPlain(Exception):
    """These arrays are checked in each call."""


class ForeignFunction(CompiledFunction):
    """A function of another library's arrays, made from formulas.

    Takes arrays of the library, NumPy arrays, numbers and nested lists; what comes back are arrays
    of the library, in float32 if all values are, else in float64, on the device of those given.
    ``source`` stands alone when pasted; ``function`` is what it defines, which checks nothing.
    Shapes and dtypes are checked once for each combination of them. Raises what the NumPy function
    raises, and ValueNotAllowedError for values on two devices or of another precision.
    """

    def __init__(self, generated: Generated, hints: Mapping[Expr, str], library: Library) -> None:
        self.library = library
        self.engine = library.dialect.backend
        self.name = generated.name
        self.arguments = generated.arguments
        self.outputs = generated.outputs
        self._generated = generated
        self._several = generated.several
        self._hints = hints
        self._entry = None  # the way in for NumPy arrays
        self._variables = computation(e for o in self.outputs for e in (o.expr, *o.universe))
        self._run = self._load(generated)
        self._traits = {n: v for n, v in self._variables.items() if v.traits}
        self._plain = {n: Variable(n, v.shape) for n, v in self._variables.items()}
        self._known: dict[Any, Values] = {}
        self._direct: dict[Any, str] = {}
        self._ways = tuple(self._ways_in())
        self._way = self._ways[0]

    def _load(self, generated: Generated) -> Callable[..., Any]:
        self.source = translated(generated, self.library.dialect)
        self._fresh = is_fresh(self.source, generated.name)
        values = _given_functions(generated.outputs)
        namespace: dict[str, Any] = {
            name: self._of_ones_own(name, values.get(function, function))
            for name, function in generated.functions.items()
        }
        exec(compile(self.source, f"<tensorcalc {generated.name}>", "exec"), namespace)
        self.function = namespace[generated.name]
        return self.function

    def bind(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> BoundFunction:
        """Refused: only NumPy functions compute a part of their work beforehand."""
        raise NotSupportedError(
            f"{self.name}.bind with backend={self.engine!r}",
            'compile with backend="numpy" to bind arguments',
        )

    def __reduce__(self) -> Any:
        given = (self.outputs, self.name, self._hints, self._several)
        return _recompiled, (type(self.library), *given)

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """The outputs for these values: one array, or a tuple of them."""
        if len(args) == 1 and not named and args[0].__class__ is dict:
            args, named = (), args[0]
        way = self._way
        try:  # in as few steps as can be
            found = way(*(self._by_place(args, named) if named else args))
            if found is not None:
                return found
        except _NotPlain:  # found while tracing, which is not to be done in each call
            self._way = self._ways[self._ways.index(way) + 1]
            return self(*args, **named)
        except Exception:
            pass  # what is wrong is told by those who check everything
        return self._checked(args, named)

    def _checked(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """The outputs for values all of which is checked."""
        given = self._by_name(args, named)
        present = {n: given[n] for n in self._variables if n in given}
        dtype, device = self._kind(present)
        values = self._values(given, present)
        for name, variable in self._traits.items():
            if name in present:
                check = partial(_require_traits, name, variable, self.title)
                present[name] = self.library.checked(present[name], check)
        with self.library.precision(dtype):
            arrays = [
                self._lying(name, self.library.adopt(present[name], dtype, device))
                for name in self.arguments
            ]
            results = self._outcome(arrays)
            results = results if self._several else (results,)
            finished = [
                self._as_given(self.library.finish(r, dtype, device, fresh=fresh), output, values)
                for r, output, fresh in zip(results, self.outputs, self._fresh, strict=True)
            ]
        self._learn(given, results, finished)
        return tuple(finished) if self._several else finished[0]

    def _ways_in(self) -> Iterator[Callable[..., Any]]:
        """What is called first, without a check of values by value; each is left for the next."""
        places, library = len(self.arguments), self.library
        traced = library.traced(self.function, self._require_wide) if places else None
        if traced is not None and not self._traits:
            yield traced
            narrow = library.traced(self.function, self._require_plain)
            assert narrow is not None
            yield _of_class(narrow, library.array, places, self._of_known)
        yield self._of_known

    def _of_known(self, *args: Any) -> Any:
        """The outputs, if arrays of these kinds and shapes came before; else None."""
        dtype = self._direct.get(tuple([(a.__class__, a.shape, a.dtype) for a in args]))
        if dtype is None or not self.library.keeps(dtype):
            return None
        return self._run(*args)

    def _require_wide(self, arrays: Sequence[Any], results: Sequence[Any]) -> None:
        """As ``_require_plain``, of arrays of the library and of NumPy alike."""
        if not all(map(self.library.is_native, arrays)):  # a list, which is traced by its entries
            raise _NotPlain
        if not self.library.keeps("float64"):  # NumPy's was made float32 before it came here
            raise _NotPlain
        self._require_plain(arrays, results)

    def _require_plain(self, arrays: Sequence[Any], results: Sequence[Any]) -> None:
        """An error unless these arrays need no check in each call, nor the results any finish."""
        given = dict(zip(self.arguments, arrays, strict=True))
        self._values(given, given)
        dtypes = {self.library.dtype_name(a) for a in (*arrays, *results)}
        ndims = [self._variables[name].ndim for name in self.arguments]
        if len(dtypes) > 1 or [len(a.shape) for a in arrays] != ndims:
            raise _NotPlain
        if not dtypes <= set(_FLOATS) or not self.library.keeps(*dtypes):
            raise _NotPlain

    def _learn(
        self, given: Mapping[str, Any], results: Sequence[Any], finished: Sequence[Any]
    ) -> None:
        """Remember arrays that need no check, whose results are given out as they are."""
        arrays = [given[name] for name in self.arguments if name in given]
        if self._traits or len(self._direct) >= _KNOWN:
            return
        native = self.library.is_native
        if not arrays or not len(given) == len(arrays) == len(self.arguments):
            return
        if not all(native(a) for a in arrays) or not all(map(native, results)):
            return
        dtypes = {self.library.dtype_name(a) for a in (*arrays, *results, *finished)}
        ndims = [self._variables[name].ndim for name in self.arguments]
        if len(dtypes) > 1 or [len(a.shape) for a in arrays] != ndims:
            return
        if self.library.mutable and not all(self._fresh):
            return
        key = tuple([(a.__class__, a.shape, a.dtype) for a in arrays])
        self._direct[key] = dtypes.pop()

    def _kind(self, present: Mapping[str, Any]) -> tuple[str, Any]:
        """The dtype in which all is computed, and the device of what lies on one."""
        names, where = set(), {}
        for name, value in present.items():
            dtype = self._dtype(name, value)
            names.add("float64" if dtype[:3] in ("int", "uin", "boo") else dtype)
            if self.library.is_native(value):
                device = self.library.device(value)
                if device is not None:
                    where.setdefault(device, name)
        if len(where) > 1:
            (one, a), (other, b), *_ = where.items()
            raise ValueNotAllowedError(
                f"{self.title}: {a} lies on {_spelled(one)} and {b} on {_spelled(other)}",
                "put all values on one device",
            )
        return ("float32" if names == {"float32"} else "float64"), next(iter(where), None)

    def _dtype(self, name: str, value: Any) -> str:
        if not self.library.is_native(value):
            if hasattr(value, "dtype") and not isinstance(value, (np.ndarray, np.generic)):
                kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
                raise ValueNotAllowedError(
                    f"the value of {name} is a {kind}, no array for backend={self.engine!r}",
                    self.library.instead(name, value),
                )
            return str(read_array(name, value, finite=False).dtype)
        self.library.require_sizes(name, value)
        dtype = self.library.dtype_name(value)
        if dtype.startswith("complex"):
            raise ValueNotAllowedError(
                f"the value of {name} is complex numbers",
                f"give {name} as an array of real numbers",
            )
        if dtype not in _FLOATS and dtype[:3] not in ("int", "uin", "boo"):
            raise ValueNotAllowedError(
                f"the value of {name} is {dtype}, and computing is in float32 or float64",
                f"convert {name} to one of the two",
            )
        return dtype

    def _values(self, given: Mapping[str, Any], present: Mapping[str, Any]) -> Values:
        """The sizes that the values bind, checked once for each combination of shapes."""
        key = tuple((n, tuple(getattr(v, "shape", ())), type(v)) for n, v in present.items())
        known = self._known.get(key)
        if known is not None and all(hasattr(v, "shape") for v in present.values()):
            return known
        # arrays of these shapes without memory: the check never looks at an entry
        shapes = {
            n: np.broadcast_to(0.0, tuple(v.shape) if hasattr(v, "shape") else np.shape(v))
            for n, v in present.items()
        }
        others = {n: v for n, v in given.items() if n not in present}
        values = read_values(
            self.arguments, self._plain, {**others, **shapes}, finite=False, what=self.title
        )
        require_entries(self._formulas, values.sizes)
        if len(self._known) < _KNOWN:
            self._known[key] = values
        return values

    def _lying(self, name: str, array: Any) -> Any:
        """A column given as n × 1 as its n numbers."""
        if self._variables[name].ndim == 1 and len(array.shape) == 2:
            return array[:, 0]
        return array

    def _as_given(self, result: Any, output: Output, values: Values) -> Any:
        shape = values.given_shapes.get(output.like or "")
        if shape is None or tuple(result.shape) == shape:
            return result
        return result[:, None]  # a gradient by a column given as n × 1

    def _outcome(self, arrays: list[Any]) -> Any:
        try:
            return self._run(*arrays)
        except TensorCalcError:
            raise
        except Exception as error:
            if self.library.met_singular(error):
                raise ValueNotAllowedError(
                    f"{self.title}: a matrix has no inverse at these values "
                    f"({str(error).splitlines()[0].lower()})",
                    "give values at which the matrix is invertible",
                ) from None
            if isinstance(error, MemoryError) or self.library.ran_out_of_memory(error):
                raise MemoryLimitError(
                    f"{self.title} at these sizes: {str(error).splitlines()[0]}",
                    "keep it structured and chain it with @",
                ) from None
            explained = self.library.explained(error, self.title)
            if explained is not None:
                raise explained from None
            raise

    def _of_ones_own(self, name: str, value: Callable[..., Any]) -> Callable[..., Any]:
        """A function given by a person, whose value must be an array of this library."""
        library, backend = self.library, self.engine

        def entry_by_entry(x: Any) -> Any:
            try:
                result = value(x)
            except Exception as error:
                raise NotSupportedError(
                    f"{name}, the function given to tc.function, with backend={backend!r}: it "
                    f"fails on arrays of that library ({str(error).splitlines()[0]})",
                    'write it with operators alone, or use backend="numpy"',
                ) from None
            if not library.is_native(result):
                raise NotSupportedError(
                    f"{name}, the function given to tc.function, with backend={backend!r}: it "
                    f"returns {type(result).__name__}, no array of that library",
                    'write it with operators alone, or use backend="numpy"',
                )
            if tuple(result.shape) != tuple(x.shape):
                raise ShapeError(
                    f"{name} of an array of shape {tuple(x.shape)} has shape {tuple(result.shape)}",
                    f"{name} must act entry by entry",
                )
            return result

        return entry_by_entry


def _of_class(
    function: Callable[..., Any],
    kind: type | None,
    arguments: int,
    otherwise: Callable[..., Any],
) -> Callable[..., Any]:
    """The function for arrays of just this class, the other one for the rest."""
    names = [f"a{k}" for k in range(arguments)]
    parameters = ", ".join(names)
    same = " is ".join(["kind", *(f"{name}.__class__" for name in names)])
    namespace = {"function": function, "kind": kind, "otherwise": otherwise}
    exec(
        f"def of_class({parameters}):\n    if {same}:\n        return function({parameters})\n"
        f"    return otherwise({parameters})\n",
        namespace,
    )
    return namespace["of_class"]


def _given_functions(outputs: tuple[Output, ...]) -> dict[Any, Callable[..., Any]]:
    """What was given to ``tc.function``, by the NumPy function that is made of it."""
    return {
        node.function.evaluate: node.function.made_by[1][1]
        for node in computed_below([o.expr for o in outputs])
        if isinstance(node, Elementwise) and node.function.made_by
        if len(node.function.made_by[1]) == 3
    }


def _require_traits(name: str, variable: Variable, what: str, array: Any) -> Any:
    """The array, which is what its variable was declared to be."""
    read_values([name], {name: variable}, {name: array}, finite=False, what=what)
    return array


def _spelled(device: Any) -> str:
    return ", ".join(map(str, device)) if isinstance(device, frozenset) else str(device)


def _recompiled(
    library: type[Library],
    outputs: tuple[Output, ...],
    name: str,
    hints: Mapping[Expr, str],
    several: bool,
) -> CompiledFunction:
    return library().compiled(outputs, name, hints, several=several)
