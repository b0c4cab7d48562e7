"""JAX: a jitted function, which ``jax.grad`` differentiates again, on any device JAX has."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from tensorcalc.backends.function import Library
from tensorcalc.backends.products import masked_einsum
from tensorcalc.backends.spelling import ELEMENTWISE, made_like, named, reduction, same_names
from tensorcalc.backends.translate import Context, Dialect, Spelling

__all__ = ["DIALECT", "Jax"]


def _like(owner: str | None, dtype: str) -> str:
    if dtype == "bool":
        return ", dtype=bool"
    return "" if owner is None or dtype == "int" else f", dtype={owner}.dtype"


def _einsum(c: Context, spec: str, *operands: str) -> str:
    return masked_einsum(c, spec, operands) or f"jnp.einsum({', '.join([spec, *operands])})"


def _row_times(c: Context, v: str, a: str) -> str:
    """A.T @ v, for which XLA would write the transpose of A into memory."""
    return f"{v} @ {a}" if v.isidentifier() else f"jnp.dot({v}, {a})"


_CALLS: dict[str, Spelling] = {
    **same_names(ELEMENTWISE),
    **same_names(("arcsin", "arccos", "arctan", "where", "outer", "trace", "broadcast_to", "diag")),
    **same_names(("reshape", "zeros_like", "ones_like", "swapaxes", "diagonal", "vdot", "clip")),
    **same_names(("linalg.inv", "linalg.det", "linalg.slogdet", "linalg.svd", "tensordot")),
    **same_names(("power", "transpose")),
    "absolute": lambda c, x: f"jnp.sign({x}) * ({x})",  # jnp.abs has the slope 1 at 0
    "real": lambda c, x: x,
    "erf": lambda c, x: f"jax.scipy.special.erf({x})",
    "erfc": lambda c, x: f"jax.scipy.special.erfc({x})",
    "sigmoid": lambda c, x: f"jax.nn.sigmoid({x})",
    "vecmat": _row_times,
    "sum": reduction("sum"),
    "max": reduction("max"),
    "prod": reduction("prod"),
    "copy": lambda c, x: x,
    "einsum": _einsum,
    "eye": made_like("eye"),
    "ones": made_like("ones"),
    "zeros": made_like("zeros"),
    "full": made_like("full"),
    "arange": named("arange"),
    "stop_gradient": lambda c, x: f"jax.lax.stop_gradient({x})",
}

DIALECT = Dialect(
    backend="jax",
    library="jnp",
    imports=("import jax", "import jax.numpy as jnp"),
    calls=_CALLS,
    like=_like,
    number=lambda text, like: f"jnp.asarray({text}{like})",
    constant=("{}", lambda name, owner: f"jnp.array({name}{_like(owner, '')})"),
    decorator="@jax.jit",
)


class Jax(Library):
    """How JAX's arrays are recognised, made and finished."""

    dialect = DIALECT
    mutable = False

    def __init__(self) -> None:
        self.jax: Any = importlib.import_module("jax")
        self.jnp: Any = importlib.import_module("jax.numpy")
        newer = hasattr(self.jax, "enable_x64")  # JAX has moved it
        place = self.jax if newer else importlib.import_module("jax.experimental")
        self.enable_x64 = place.enable_x64
        self.array = type(self.jnp.zeros(()))

    def is_native(self, value: Any) -> bool:
        """Whether this is an array of the library."""
        return isinstance(value, self.jax.Array)

    def dtype_name(self, value: Any) -> str:
        """The dtype by name."""
        return str(value.dtype)

    def device(self, value: Any) -> Any:
        """The devices of an array that was put somewhere; None while it is only traced."""
        if isinstance(value, self.jax.core.Tracer) or not getattr(value, "committed", True):
            return None
        return frozenset(value.devices())

    def adopt(self, value: Any, dtype: str, device: Any) -> Any:
        """A value as an array of the library."""
        if self.is_native(value):
            return value if value.dtype == dtype else value.astype(dtype)
        return self.jnp.asarray(np.array(value, dtype=dtype))

    def finish(self, result: Any, dtype: str, device: Any, *, fresh: bool) -> Any:
        """A result of this dtype, a copy unless it is fresh."""
        return self.jnp.asarray(result, dtype=dtype)

    def precision(self, dtype: str) -> AbstractContextManager[Any]:
        """In which double precision is what was asked for, and stays it."""
        if dtype == "float32" or self.jax.config.jax_enable_x64:
            return nullcontext()
        return self.enable_x64(True)

    def keeps(self, dtype: str) -> bool:
        """Whether JAX computes with this dtype outside a context of its own."""
        return dtype == "float32" or self.jax.config.jax_enable_x64

    def traced(
        self, function: Callable[..., Any], require: Callable[..., None]
    ) -> Callable[..., Any]:
        """The function, jitted; what is required is asked while it is traced."""

        def checked(*arrays: Any) -> Any:
            require(arrays, ())  # first: what does not fit is not traced any further
            results = function(*arrays)
            require(arrays, results if isinstance(results, tuple) else (results,))
            return self.jax.tree.map(self._lasting, results)

        return self.jax.jit(checked)

    def _lasting(self, result: Any) -> Any:
        """The result with its dtype for good, which those of Python's numbers do not have."""
        return self.jnp.asarray(result, dtype=result.dtype)

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether there was too little memory."""
        return "RESOURCE_EXHAUSTED" in str(error)
