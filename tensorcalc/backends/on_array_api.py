"""Any library with the array API standard: CuPy, NumPy itself, and those array-api-compat wraps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorcalc.backends.function import Library
from tensorcalc.backends.products import broadcast_einsum, masked_einsum
from tensorcalc.backends.spelling import ELEMENTWISE, made_like, named, reduction, same_names
from tensorcalc.backends.translate import Context, Dialect, Spelling

__all__ = ["DIALECT", "ArrayAPI"]


@dataclass(frozen=True)
class _Place:
    """A library and a device of it."""

    namespace: Any
    device: Any

    def __str__(self) -> str:
        return f"{self.namespace.__name__} ({self.device})"


def _like(owner: str | None, dtype: str) -> str:
    if dtype == "int":
        return f", device={owner}.device"
    kept = "xp.bool" if dtype == "bool" else f"{owner}.dtype"
    return f", dtype={kept}, device={owner}.device"


def _einsum(c: Context, spec: str, *operands: str) -> str:
    return masked_einsum(c, spec, operands) or broadcast_einsum(c, spec, operands)


def _diag(c: Context, x: str) -> str:
    mask = f"xp.eye(({x}).shape[0], dtype=xp.bool, device=({x}).device)"
    return f"xp.where({mask}, {x}, {c.number('0')})"


_CALLS: dict[str, Spelling] = {
    **same_names(ELEMENTWISE),
    **same_names(("where", "broadcast_to", "reshape", "zeros_like", "ones_like", "clip")),
    **same_names(("linalg.inv", "linalg.det", "linalg.slogdet", "linalg.svd", "copysign", "isnan")),
    "absolute": named("abs"),
    "power": named("pow"),
    "arcsin": named("asin"),
    "arccos": named("acos"),
    "arctan": named("atan"),
    "real": lambda c, x: x,
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

DIALECT = Dialect(
    backend="array_api",
    library="xp",
    imports=(),
    calls=_CALLS,
    like=_like,
    number=lambda text, like: f"xp.asarray({text}{like})",
    constant=("{}", lambda name, owner: f"xp.asarray({name}{_like(owner, '')})"),
    arrays=frozenset(
        (*ELEMENTWISE, "absolute", "arcsin", "arccos", "arctan", "power", "copysign", "outer")
    ),
    opening=lambda owner: f"xp = {owner}.__array_namespace__()",
    has_special=False,
    every_axis=True,
    itemsize=lambda x: f"xp.finfo({x}.dtype).bits // 8",
    zero=lambda c: c.number("0"),
    flags=frozenset({"number"}),
)


class ArrayAPI(Library):
    """How arrays of any such library are recognised, made and finished."""

    dialect = DIALECT

    def is_native(self, value: Any) -> bool:
        """Whether this is an array of the library."""
        return hasattr(value, "__array_namespace__")

    def dtype_name(self, value: Any) -> str:
        """The dtype by name."""
        return str(value.dtype).rpartition(".")[2]

    def device(self, value: Any) -> Any:
        """Where the array lies, together with its library: the two are never mixed."""
        return (
            None
            if isinstance(value, np.ndarray)
            else _Place(value.__array_namespace__(), value.device)
        )

    def adopt(self, value: Any, dtype: str, device: Any) -> Any:
        """A value as an array of the library."""
        if device is None:
            return np.asarray(value, dtype=dtype)
        xp = device.namespace
        if isinstance(value, np.ndarray) or not self.is_native(value):
            return xp.asarray(
                np.array(value, dtype=dtype).tolist(),
                dtype=getattr(xp, dtype),
                device=device.device,
            )
        return xp.astype(value, getattr(xp, dtype), copy=False)

    def finish(self, result: Any, dtype: str, device: Any, *, fresh: bool) -> Any:
        """A result of this dtype, a copy unless it is fresh."""
        xp = np if device is None else device.namespace
        if not self.is_native(result):
            return xp.asarray(result, dtype=getattr(xp, dtype))
        return xp.asarray(xp.astype(result, getattr(xp, dtype), copy=not fresh))
