"""Any library with the array API standard: CuPy, NumPy itself, and those array-api-compat wraps.

Dask is one of the latter: its arrays have no ``__array_namespace__``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any

import numpy as np

from tensorcalc.backends.function import Library
from tensorcalc.backends.products import broadcast_einsum, masked_einsum
from tensorcalc.backends.spelling import ELEMENTWISE, made_like, named, reduction, same_names
from tensorcalc.backends.translate import Context, Dialect, Spelling
from tensorcalc.errors import NotSupportedError, ValueNotAllowedError

__all__ = ["DIALECT", "ArrayAPI"]

# Libraries whose arrays have the standard's names through array-api-compat alone.
_WRAPPED = ("cupy", "dask", "torch")

# pyright: reportMissingImports=false


@dataclass(frozen=True)
class _Place:
    """A library and a device of it."""

    namespace: Any
    device: Any

    def __str__(self) -> str:
        return f"{_title(self.namespace)} ({self.device})"


def _title(namespace: Any) -> str:
    return namespace.__name__.removeprefix("array_api_compat.")


def library_of(x: Any) -> tuple[Any, Any]:
    """The functions of the library of an array, and the device on which it lies."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__(), x.device
    import array_api_compat

    return array_api_compat.array_namespace(x), array_api_compat.device(x)


def _like(owner: str | None, dtype: str) -> str:
    if dtype == "int":
        return ", device=device"
    kept = "xp.bool" if dtype == "bool" else f"{owner}.dtype"
    return f", dtype={kept}, device=device"


def _einsum(c: Context, spec: str, *operands: str) -> str:
    return masked_einsum(c, spec, operands) or broadcast_einsum(c, spec, operands)


def _diag(c: Context, x: str) -> str:
    mask = f"xp.eye(({x}).shape[0], dtype=xp.bool, device=device)"
    return f"xp.where({mask}, {x}, {c.number('0')})"


_CALLS: dict[str, Spelling] = {
    **same_names(ELEMENTWISE),
    **same_names(("where", "broadcast_to", "reshape", "zeros_like", "ones_like", "clip")),
    **same_names(("linalg.inv", "linalg.det", "linalg.slogdet", "copysign", "isnan")),
    "linalg.svd": lambda c, x: f"xp.linalg.svd({x}, full_matrices=False)",
    "absolute": named("abs"),
    "power": named("pow"),
    "arcsin": named("asin"),
    "arccos": named("acos"),
    "arctan": named("atan"),
    "real": lambda c, x: x,
    "mT": named("matrix_transpose"),
    "outer": lambda c, a, b: f"({a})[:, None] * ({b})[None, :]",
    "trace": named("linalg.trace"),
    "diagonal": named("linalg.diagonal"),
    "diag": _diag,
    "sum": reduction("sum"),
    "max": reduction("max"),
    "prod": reduction("prod"),
    "transpose": lambda c, x, axes: f"xp.permute_dims({x}, {axes})",
    "copy": lambda c, x: f"xp.asarray({x}, copy=True)",
    "tensordot": lambda c, a, b, axes: f"xp.tensordot({a}, {b}, axes={axes})",
    "vdot": lambda c, a, b: f"xp.sum(({a}) * ({b}))",
    "einsum": _einsum,
    "eye": made_like("eye"),
    "ones": made_like("ones"),
    "zeros": made_like("zeros"),
    "full": made_like("full"),
    "arange": lambda c, n: f"xp.arange({n}{c.like(dtype='int')})",
    "stop_gradient": lambda c, x: x,
}


def _unannotated(function: Callable[..., Any]) -> str:
    source = inspect.getsource(function)
    return source.replace(": Any", "").replace(" -> tuple[Any, Any]", "").rstrip()


DIALECT = Dialect(
    backend="array_api",
    library="xp",
    imports=(_unannotated(library_of),),
    calls=_CALLS,
    like=_like,
    number=lambda text, like: f"xp.asarray({text}{like})",
    constant=("{}", lambda name, owner: f"xp.asarray({name}{_like(owner, '')})"),
    arrays=frozenset(
        (*ELEMENTWISE, "absolute", "arcsin", "arccos", "arctan", "power", "copysign", "outer")
    ),
    opening=lambda owner: f"xp, device = library_of({owner})",
    has_special=False,
    every_axis=True,
    itemsize=lambda x: f"xp.finfo({x}.dtype).bits // 8",
    zero=lambda c: c.number("0"),
    flags=frozenset({"number"}),
)


class ArrayAPI(Library):
    """How arrays of any such library are recognised, made and finished."""

    dialect = DIALECT

    def __init__(self) -> None:
        installed = importlib.util.find_spec("array_api_compat") is not None
        self._compat: Any = importlib.import_module("array_api_compat") if installed else None

    def is_native(self, value: Any) -> bool:
        """Whether this is an array of the library."""
        if hasattr(value, "__array_namespace__"):
            return True
        return self._compat is not None and self._compat.is_array_api_obj(value)

    def instead(self, name: str, value: Any) -> str:
        """What to do with a value that is no such array: Dask's needs a package beside it."""
        if self._compat is None and type(value).__module__.partition(".")[0] in _WRAPPED:
            return f"pip install 'tensorcalc[array_api]' to give {name} so"
        return super().instead(name, value)

    def require_sizes(self, name: str, value: Any) -> None:
        """ValueNotAllowedError for a lazy array that does not know its own size yet."""
        if not all(isinstance(n, int) for n in value.shape):
            raise ValueNotAllowedError(
                f"the value of {name} does not know its size yet: its shape is {value.shape}",
                f"call {name}.compute_chunk_sizes() first",
            )

    def checked(self, value: Any, check: Callable[[Any], Any]) -> Any:
        """The value; Dask's entries are looked at when they are computed."""
        if self._compat is None or not self._compat.is_dask_array(value):
            return super().checked(value, check)
        return value.rechunk(-1).map_blocks(check, dtype=value.dtype, meta=value._meta)

    def explained(self, error: Exception, what: str) -> NotSupportedError | None:
        """What a library says that lacks a function, or has it of some chunks only."""
        owner = getattr(getattr(error, "obj", None), "__name__", "")
        if isinstance(error, AttributeError) and owner:
            lacking = f"{owner.removeprefix('array_api_compat.')} has no {error.name}"
            return NotSupportedError(
                f"{what}: {lacking}", 'give NumPy arrays to a function with backend="numpy"'
            )
        frames = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
        if frames[-1].partition(".")[0] != "dask":
            return None
        said = str(error).splitlines()[0]
        return NotSupportedError(
            f"{what}: Dask cannot do it with these chunks ({said})",
            "give each value in one chunk: x.rechunk(-1)",
        )

    def dtype_name(self, value: Any) -> str:
        """The dtype by name."""
        return str(value.dtype).rpartition(".")[2]

    def device(self, value: Any) -> Any:
        """Where the array lies, together with its library: the two are never mixed."""
        return None if isinstance(value, np.ndarray) else _Place(*library_of(value))

    def adopt(self, value: Any, dtype: str, device: Any) -> Any:
        """A value as an array of the library."""
        if device is None:
            return np.asarray(value, dtype=dtype)
        xp = device.namespace
        if isinstance(value, np.ndarray) or not self.is_native(value):
            array = np.array(value, dtype=dtype)
            options = {"dtype": getattr(xp, dtype), "device": device.device}
            try:
                return xp.asarray(array, **options)
            except (TypeError, ValueError):  # a library that knows no array but its own
                return xp.asarray(array.tolist(), **options)
        return xp.astype(value, getattr(xp, dtype), copy=False)

    def finish(self, result: Any, dtype: str, device: Any, *, fresh: bool) -> Any:
        """A result of this dtype, a copy unless it is fresh."""
        xp = np if device is None else device.namespace
        if not self.is_native(result):
            return xp.asarray(result, dtype=getattr(xp, dtype))
        return xp.asarray(xp.astype(result, getattr(xp, dtype), copy=not fresh))
