"""Arrays without entries: what a run does is known from shapes, precisions and strides alone.

A function of such arrays is asked of NumPy itself, with small arrays in their place: each size is
another small prime, so that the axes of what comes back tell their sizes. An axis that is no
operand's is refused, and nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from operator import methodcaller
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tensorcalc.codegen.record import CannotRecord

__all__ = ["ShapedArray", "ShapedLibrary"]

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)

Strides = tuple[int, ...]  # in entries; 0 along an axis of one


def _method(name: str) -> Callable[..., Any]:
    """The method of arrays that makes another one."""

    def called(self: ShapedArray, *given: Any, **options: Any) -> Any:
        return _asked(methodcaller(name, *given, **options), (self,), {})

    return called


class ShapedArray(NDArrayOperatorsMixin):
    """Stands for an array of this shape, of any size, and takes no memory."""

    def __init__(
        self,
        shape: Sequence[int],
        dtype: Any = np.float64,
        strides: Strides | None = None,
        *,
        base: ShapedArray | None = None,
        writeable: bool = True,
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.strides = _dense(self.shape, range(len(self.shape))) if strides is None else strides
        self.base = self if base is None else base
        self.writeable = writeable

    sum, prod, max, min, copy, astype, transpose = map(
        _method, ("sum", "prod", "max", "min", "copy", "astype", "transpose")
    )
    T = property(lambda self: self.transpose())
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)

    @classmethod
    def like(cls, value: Any) -> ShapedArray:
        """One that lies as this array does; itself if it has no entries already."""
        if isinstance(value, ShapedArray):
            return value
        array = np.asarray(value)
        pairs = zip(array.shape, array.strides, strict=True)
        strides = tuple(0 if n == 1 else s // array.itemsize for n, s in pairs)
        return cls(array.shape, array.dtype, strides, writeable=array.flags.writeable)

    @property
    def flags(self) -> Any:
        by_rows = self.size == 0 or self.strides == _dense(self.shape, range(self.ndim))
        return SimpleNamespace(c_contiguous=by_rows, writeable=self.writeable)

    def view(self, shape: Sequence[int], strides: Sequence[int], **options: Any) -> ShapedArray:
        """The same entries, or some of them, with other axes."""
        kept = tuple(0 if n == 1 else s for n, s in zip(shape, strides, strict=True))
        options.setdefault("writeable", self.writeable)
        return ShapedArray(shape, self.dtype, kept, base=self.base, **options)

    def __getitem__(self, place: Any) -> Any:
        places = place if isinstance(place, tuple) else (place,)
        left = self.ndim - sum(p is not None and p is not Ellipsis for p in places)
        if left == 0 and all(isinstance(p, int) for p in places):
            return self.dtype.type(1)
        if Ellipsis not in places:
            places += (Ellipsis,)
        axes = iter(zip(self.shape, self.strides, strict=True))
        found: list[tuple[int, int]] = []
        for p in places:
            if p is None:
                found.append((1, 0))
            elif p is Ellipsis:
                found += [next(axes) for _ in range(left)]
            elif isinstance(p, slice):
                size, stride = next(axes)
                start, stop, step = p.indices(size)
                found.append((max(0, -((start - stop) // step)), stride * step))
            elif isinstance(p, int):
                next(axes)
            else:
                raise CannotRecord("an entry chosen by a value")
        return self.view([n for n, _ in found], [s for _, s in found])

    def __bool__(self) -> bool:
        raise CannotRecord("a branch on an entry")

    def __setitem__(self, place: Any, entry: Any) -> None:
        """Nothing: there are no entries."""

    def reshape(self, *shape: Any) -> ShapedArray:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        known = math.prod(n for n in sizes if n != -1)
        sizes = tuple(self.size // known if n == -1 else n for n in sizes)
        if math.prod(sizes) != self.size:
            raise CannotRecord(f"{self.shape} as {sizes}")
        strides = _split(_runs(self.shape, self.strides), sizes) if self.size else None
        if strides is None:
            return ShapedArray(sizes, self.dtype)
        return self.view(sizes, strides)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any
    ) -> ShapedArray:
        return _asked(getattr(ufunc, method), inputs, options)

    def __array_function__(
        self, function: Any, types: Any, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if function is np.may_share_memory:
            a, b = map(ShapedArray.like, inputs)
            return a.base is b.base and a.size > 0 and b.size > 0
        return _asked(function, inputs, options)

    def model(self, codes: Mapping[int, int]) -> np.ndarray:
        """A small array that lies as this one does; its square matrices can be inverted."""
        order = sorted(range(self.ndim), key=lambda axis: -abs(self.strides[axis]))
        spread = [axis for axis in order if self.strides[axis] == 0]
        sizes = [1 if axis in spread else codes[self.shape[axis]] for axis in order]
        small = np.ones(sizes, self.dtype).transpose(np.argsort(order))
        if small.ndim >= 2 and small.dtype.kind == "f" and not spread:
            small += np.eye(*small.shape[-2:], dtype=small.dtype)
        shape = tuple(codes[n] for n in self.shape)
        small = small if small.shape == shape else np.broadcast_to(small, shape)
        small.flags.writeable = self.writeable and small.flags.writeable
        return small


class ShapedLibrary:
    """NumPy, but that what it makes of sizes are arrays without entries."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def zeros(self, shape: Any, dtype: Any = float) -> ShapedArray:
        return ShapedArray(shape if isinstance(shape, tuple) else (shape,), dtype)

    ones = zeros

    def full(self, shape: Any, entry: Any, dtype: Any = float) -> ShapedArray:
        return self.zeros(shape, dtype)

    def eye(self, n: int, dtype: Any = float) -> ShapedArray:
        return ShapedArray((n, n), dtype)

    def arange(self, n: int) -> ShapedArray:
        return ShapedArray((n,), int)

    def indices(self, shape: tuple[int, ...]) -> ShapedArray:
        return ShapedArray((len(shape), *shape), int)

    def broadcast_to(self, array: Any, shape: tuple[int, ...]) -> ShapedArray:
        given = ShapedArray.like(array)
        strides = (0,) * (len(shape) - given.ndim) + given.strides
        return given.view(shape, strides, writeable=False)

    def reshape(self, array: Any, shape: tuple[int, ...]) -> ShapedArray:
        return ShapedArray.like(array).reshape(shape)


# ── asking NumPy ─────────────────────────────────────────────────────────────────────────


def _asked(function: Callable[..., Any], inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """What the function makes of these arrays, found with models in their place."""
    arrays = {id(value): ShapedArray.like(value) for value in _arrays([*inputs, options])}
    sizes = sorted({n for a in arrays.values() for n in a.shape if n > 1})
    if len(sizes) > len(_PRIMES):
        raise CannotRecord(f"an operation with axes of {len(sizes)} different sizes")
    codes = {0: 0, 1: 1, **dict(zip(sizes, _PRIMES, strict=False))}
    models = {key: array.model(codes) for key, array in arrays.items()}
    given = [_replaced(value, models) for value in inputs]
    result = function(*given, **_replaced(dict(options), models))
    back = {code: size for size, code in codes.items()}
    known = [(arrays[key], model) for key, model in models.items()]
    if isinstance(result, tuple):
        return tuple(_read(part, known, back) for part in result)
    return _read(result, known, back)


def _arrays(value: Any) -> Iterator[Any]:
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, dict):
        yield from _arrays(list(value.values()))
    elif isinstance(value, (np.ndarray, ShapedArray)):
        yield value


def _replaced(value: Any, models: Mapping[int, np.ndarray]) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_replaced(part, models) for part in value)
    if isinstance(value, dict):
        return {key: _replaced(part, models) for key, part in value.items()}
    return models.get(id(value), value)


def _read(
    result: Any, known: Sequence[tuple[ShapedArray, np.ndarray]], back: Mapping[int, int]
) -> Any:
    """The array that a result of models is a model of; a number is itself."""
    if not isinstance(result, np.ndarray):
        return result
    if any(n not in back for n in result.shape):
        raise CannotRecord("a result whose axes are of no operand's size")
    shape = tuple(back[n] for n in result.shape)
    for array, model in known:
        if np.may_share_memory(result, model):
            return array.view(
                shape, _strides_of_view(result, array, model), writeable=result.flags.writeable
            )
    order = sorted(range(result.ndim), key=lambda axis: -abs(result.strides[axis]))
    return ShapedArray(shape, result.dtype, _dense(shape, order))


def _strides_of_view(view: np.ndarray, array: ShapedArray, model: np.ndarray) -> list[int]:
    """An axis of a view runs along axes of what it is a view of: along several on a diagonal."""
    axes = range(model.ndim)
    groups = [group for k in axes for group in combinations(axes, k + 1)]
    strides = []
    for size, stride in zip(view.shape, view.strides, strict=True):
        sums = (
            sum(array.strides[axis] for axis in group)
            for group in groups
            if all(model.shape[axis] == size for axis in group)
            and sum(model.strides[axis] for axis in group) == stride
        )
        found = 0 if size == 1 or stride == 0 else next(sums, None)
        if found is None:
            raise CannotRecord("a view along no axis of its array")
        strides.append(found)
    return strides


# ── strides ──────────────────────────────────────────────────────────────────────────────


def _dense(shape: Sequence[int], order: Sequence[int]) -> Strides:
    """The strides of a new array whose axes lie in memory in this order, the last one closest."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        if shape[axis] != 1:
            strides[axis] = step
            step *= shape[axis]
    return tuple(strides)


def _runs(shape: Sequence[int], strides: Strides) -> list[tuple[int, int]]:
    """Sizes and strides with all axes joined that lie one after the other."""
    runs: list[tuple[int, int]] = []
    for n, stride in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * stride:
            n *= runs.pop()[0]
        runs.append((n, stride))
    return runs


def _split(runs: list[tuple[int, int]], shape: Sequence[int]) -> list[int] | None:
    """The strides of these axes as parts of the runs; None where one would lie in two of them."""
    left, stride, strides = 1, 0, []
    for n in reversed(shape):
        if n == 1:
            strides.append(0)
            continue
        if left == 1 and runs:
            left, stride = runs.pop()
        if left % n:
            return None
        strides.append(stride)
        left, stride = left // n, stride * n
    return strides[::-1]
