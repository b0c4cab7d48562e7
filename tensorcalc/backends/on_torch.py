"""PyTorch: tensors on any device, differentiable by autograd, and fit for ``torch.compile``."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tensorcalc.backends.function import Library
from tensorcalc.backends.products import masked_einsum
from tensorcalc.backends.spelling import ELEMENTWISE, made_like, named, reduction, same_names
from tensorcalc.backends.translate import Context, Dialect, Spelling
from tensorcalc.errors import ValueNotAllowedError

__all__ = ["DIALECT", "Torch"]


def _like(owner: str | None, dtype: str) -> str:
    if owner is None:
        return f", dtype=torch.{dtype if dtype == 'bool' else 'float64'}"
    if dtype == "int":
        return f", device={owner}.device"
    kept = "torch.bool" if dtype == "bool" else f"{owner}.dtype"
    return f", dtype={kept}, device={owner}.device"


def _einsum(c: Context, spec: str, *operands: str) -> str:
    return masked_einsum(c, spec, operands) or f"torch.einsum({', '.join([spec, *operands])})"


def _product(c: Context, x: str, axis: str) -> str:
    return f"torch.prod({x}, dim={axis})"


def _with_sign(name: str) -> Spelling:
    """torch.sign of NaN is 0."""
    return lambda c, x: f"torch.where(torch.isnan({x}), {x}, torch.{name}({x}))"


_CALLS: dict[str, Spelling] = {
    **same_names(ELEMENTWISE),
    **same_names(("arcsin", "arccos", "arctan", "where", "outer", "trace", "broadcast_to", "diag")),
    **same_names(("reshape", "zeros_like", "ones_like", "swapaxes")),
    **same_names(("linalg.inv", "linalg.det", "linalg.slogdet", "linalg.svd")),
    "absolute": named("abs"),
    "power": named("pow"),
    "sign": _with_sign("sign"),
    "real": lambda c, x: x,
    "erf": named("special.erf"),
    "erfc": named("special.erfc"),
    "sigmoid": named("sigmoid"),
    "clip": named("clamp"),
    "diagonal": named("diagonal"),
    "sum": reduction("sum", "dim", "keepdim"),
    "max": lambda c, x, axis="", keepdims="": reduction("amax", "dim", "keepdim")(
        c, x, axis or "()", keepdims
    ),
    "prod": _product,
    "transpose": lambda c, x, axes: f"torch.permute({x}, {axes})",
    "copy": lambda c, x: f"torch.clone({x})",
    "flip": lambda c, x, axis: f"torch.flip({x}, dims=({axis},))",
    "tensordot": lambda c, a, b, axes: f"torch.tensordot({a}, {b}, dims={axes})",
    "vdot": lambda c, a, b: f"torch.tensordot({a}, {b}, dims=2)",
    "einsum": _einsum,
    "eye": made_like("eye"),
    "ones": made_like("ones"),
    "zeros": made_like("zeros"),
    "full": made_like("full"),
    "arange": lambda c, n: f"torch.arange({n}{c.like(dtype='int')})",
    "stop_gradient": lambda c, x: f"({x}).detach()",
}

DIALECT = Dialect(
    backend="torch",
    library="torch",
    imports=("import torch",),
    calls=_CALLS,
    like=_like,
    number=lambda text, like: f"torch.tensor({text}{like})",
    constant=(
        "torch.tensor({}, dtype=torch.float64)",
        lambda name, owner: f"{name}.to({owner})" if owner else name,
    ),
    arrays=frozenset((*ELEMENTWISE, "absolute", "arcsin", "arccos", "arctan", "outer")),
    reversed_slices=False,
    flags=frozenset({"number"}),
)


class Torch(Library):
    """How tensors are recognised, made and finished."""

    dialect = DIALECT

    def __init__(self) -> None:
        torch: Any = importlib.import_module("torch")
        self.torch = torch

    def is_native(self, value: Any) -> bool:
        """Whether this is an array of the library."""
        return isinstance(value, self.torch.Tensor)

    def dtype_name(self, value: Any) -> str:
        """The dtype by name."""
        return str(value.dtype).removeprefix("torch.")

    def device(self, value: Any) -> Any:
        """Where it lies."""
        return value.device

    def require_sizes(self, name: str, value: Any) -> None:
        """ValueNotAllowedError for a sparse tensor, for which torch lacks most functions."""
        if value.layout is not self.torch.strided:
            kind = str(value.layout).removeprefix("torch.")
            raise ValueNotAllowedError(
                f"the value of {name} is a tensor of layout {kind}, and dense tensors are taken",
                f"give {name}.to_dense()",
            )

    def adopt(self, value: Any, dtype: str, device: Any) -> Any:
        """A value as an array of the library."""
        wanted = getattr(self.torch, dtype)
        if self.is_native(value):
            return value if value.dtype == wanted else value.to(wanted)
        # as_tensor takes neither read-only memory nor steps backwards
        array = np.array(value, dtype=dtype, order="C")
        return self.torch.as_tensor(array, device=device)

    def finish(self, result: Any, dtype: str, device: Any, *, fresh: bool) -> Any:
        """A result of this dtype, a copy unless it is fresh."""
        wanted = getattr(self.torch, dtype)
        if not self.is_native(result):
            return self.torch.tensor(result, dtype=wanted, device=device)
        if result.dtype != wanted:
            return result.to(wanted)
        return result if fresh else result.clone()

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether there was too little memory."""
        refused = "not enough memory" in str(error) or "can't allocate memory" in str(error)
        return refused or isinstance(error, self.torch.OutOfMemoryError)
