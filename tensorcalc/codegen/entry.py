"""The way into a compiled function for values that are known to fit.

The first call with given shapes checks everything and looks at the results; what was found is
remembered by the shapes, so that the next such call costs a few comparisons. Once such values
have come several times, the function is specialised for their shapes. Values of any other kind
(lists, integers, subclasses of arrays, mixed precisions) are checked every time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tensorcalc.codegen.generate import Generated
from tensorcalc.codegen.record import CannotRecord
from tensorcalc.codegen.recording import recorded
from tensorcalc.codegen.specialise import specialised

__all__ = ["Entry", "own", "signature"]

_KNOWN = 256  # signatures remembered by one function
_CALLS = 2  # plain calls with one signature before a function is specialised for it
_LARGEST = 2**26  # bytes of results beyond which nothing is gained, and memory is lost
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))

Present = Callable[[Any], Any]


@dataclass
class Entry:
    """Calls ``run`` for values whose shapes and precision came before.

    With ``reuse_buffers`` the results lie in the same memory each time, one for each thread.
    """

    run: Callable[..., Any]
    generated: Generated
    reuse_buffers: bool = False
    known: dict[Any, Callable[..., Any]] = field(default_factory=dict)
    sources: dict[Any, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.call = self.lookup = _lookup(len(self.generated.arguments), self.known)

    def learn(
        self,
        key: Any,
        given: Sequence[np.ndarray],
        results: Sequence[Any],
        sizes: Mapping[str, int],
    ) -> None:
        """Remember that values like these fit."""
        call = self.known_call(key, given, results, sizes) if len(self.known) < _KNOWN else None
        if call is not None:
            self.known[key] = call

    def known_call(
        self,
        key: Any,
        given: Sequence[np.ndarray],
        results: Sequence[Any],
        sizes: Mapping[str, int],
    ) -> Callable[..., Any] | None:
        """What is called for values like these; None where they are checked each time."""
        if not all(map(_is_known, results)):
            return None
        presenting = self.generated.presenting
        present = None if presenting is None else presenting.made_of(sizes, given[0].dtype)
        return _presented(_Plain(self, key, present), present)

    def specialise(
        self, key: Any, given: tuple[np.ndarray, ...], plain: Any, present: Present | None
    ) -> Callable[..., Any] | None:
        """Put a function for just these shapes in place, if it agrees with the plain one."""
        results = plain if self.generated.several else (plain,)
        if not results:
            return None  # all that an identity has is its size
        if sum(r.nbytes for r in results) > _LARGEST:
            return None
        try:
            made = self.generated
            record = recorded(made.source, made.name, dict(made.constants), given)
            source, call = specialised(
                record,
                made.name,
                several=self.generated.several,
                otherwise=self.lookup,
                elsewhere=_PerThread(self, record) if self.reuse_buffers else None,
            )
            again = call(*given) if self.generated.several else (call(*given),)
        except CannotRecord:
            return None
        if not all(map(_agree, results, again)):
            return None
        self.known[key], self.sources[key] = _presented(call, present), source
        alone = len(self.sources) == 1 and present is None
        self.call = call if alone else self.lookup  # the first knows its own values by itself
        return call


@dataclass
class _Plain:
    """The function as it is, until it has been called often enough."""

    entry: Entry
    key: Any
    present: Present | None = None
    calls: int = 0
    tried: bool = False

    def __call__(self, *values: np.ndarray) -> Any:
        results = self.entry.run(*values)
        several = self.entry.generated.several
        owned = _owned(results if several else (results,), values)
        found = owned if several else owned[0]
        self.calls += 1
        if self.calls >= _CALLS and not self.tried:
            self.tried = True
            call = self.entry.specialise(self.key, values, found, self.present)
            if call is not None and self.entry.reuse_buffers:
                return call(*values)
        return found


@dataclass
class _PerThread:
    """One function with buffers of its own for each other thread."""

    entry: Entry
    record: Any
    local: threading.local = field(default_factory=threading.local)

    def __call__(self, *values: np.ndarray) -> Any:
        call = getattr(self.local, "call", None)
        if call is None:
            _, call = specialised(
                self.record,
                self.entry.generated.name,
                several=self.entry.generated.several,
                otherwise=self.entry.lookup,
                elsewhere=self,
            )
            self.local.call = call
        return call(*values)


def _presented(call: Callable[..., Any], present: Present | None) -> Callable[..., Any]:
    """What gives the results as they are shown, where that is not the arrays themselves."""
    if present is None:
        return call
    return lambda *values: present(call(*values))


def _lookup(arguments: int, known: dict[Any, Callable[..., Any]]) -> Callable[..., Any]:
    """A function of positional values: the results, or None where values must be checked."""
    names = [f"a{k}" for k in range(arguments)]
    if not names:
        return lambda: None
    parameters = ", ".join(names)
    plain = " is ".join(["array", *(f"{a}.__class__" for a in names)])
    same = "".join(f" and {a}.dtype is dtype" for a in names[1:])
    shapes = "".join(f", {a}.shape" for a in names)
    source = (
        f"def lookup({parameters}):\n"
        f"    if {plain}:\n"
        f"        dtype = a0.dtype\n"
        f"        if (dtype is double or dtype is single){same}:\n"
        f"            call = known.get((dtype is double{shapes}))\n"
        f"            if call is not None:\n"
        f"                return call({parameters})\n"
        f"    return None\n"
    )
    double, single = _FLOATS
    namespace = {"array": np.ndarray, "double": double, "single": single, "known": known}
    exec(source, namespace)
    return namespace["lookup"]


def signature(values: Sequence[Any], axes: Sequence[int]) -> Any:
    """What an entry looks up for these values; None if they are not plain arrays."""
    first = values[0].dtype if values and type(values[0]) is np.ndarray else None
    if not any(first is dtype for dtype in _FLOATS):
        return None
    for value, ndim in zip(values, axes, strict=True):
        if type(value) is not np.ndarray or value.dtype is not first or value.ndim != ndim:
            return None
    return (first is _FLOATS[0], *(value.shape for value in values))


def _is_known(result: Any) -> bool:
    """Whether a result like this needs nothing but to be the caller's own, in their precision."""
    kind = result.dtype if isinstance(result, (np.ndarray, np.generic)) else None
    return isinstance(result, (int, float)) if kind is None else kind in _FLOATS


def _owned(results: Sequence[Any], given: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results as arrays that share memory with no argument and with each other.

    Looked at in each call: how values lie in memory decides what is a view of them.
    """
    owned: list[np.ndarray] = []
    for result in results:
        owned.append(own(np.asarray(result, given[0].dtype), (*given, *owned)))
    return tuple(owned)


def own(result: Any, others: Sequence[np.ndarray]) -> np.ndarray:
    """A result as an array that can be written to and shares memory with none of the others."""
    array = np.asarray(result)
    if not array.flags.writeable or any(np.may_share_memory(array, other) for other in others):
        return array.copy()
    return array


def _agree(plain: np.ndarray, other: np.ndarray) -> bool:
    """Whether two results are equal but for rounding."""
    if plain.shape != other.shape or plain.dtype != other.dtype:
        return False
    rounding = 1e-9 if plain.dtype == np.float64 else 1e-3
    finite = np.abs(plain[np.isfinite(plain)])
    if plain.size and not finite.size:
        return False  # NaN says nothing of how it was come by
    scale = finite.max() if finite.size else 0.0
    with np.errstate(all="ignore"):
        return np.allclose(plain, other, rtol=rounding, atol=rounding * scale, equal_nan=True)
