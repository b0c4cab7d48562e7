"""Stand-ins for arrays and for NumPy, which put every operation on record.

Each holds the value it stands for, so that shapes, precisions, and what is a view of what are
facts of the run and need no rules. The value may be an array without entries.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from tensorcalc.codegen.record import CannotRecord, Node
from tensorcalc.codegen.shaped import ShapedArray

__all__ = ["LibraryStandIn", "StandIn", "node_of"]

_KEPT = 2**16  # bytes of a constant that is kept between calls and not made anew

_OPERATORS: dict[str, np.ufunc] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "pow": np.power,
}
_COMPARED: dict[str, np.ufunc] = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
}
_REDUCTIONS: dict[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}
_FROM_NOTHING = ("eye", "full", "ones", "zeros")  # in double precision, unless they are told
_OF_KIND_ALONE = ("iscomplexobj",)  # what these say holds for all values of a kind


def node_of(value: Any) -> Any:
    """What is on record of a value; a number is itself."""
    return value.node if isinstance(value, StandIn) else value


def _plain(value: Any) -> Any:
    """The value without its stand-in, inside tuples and lists too."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return value.value if isinstance(value, StandIn) else value


class StandIn:
    """Stands for an array or a NumPy scalar."""

    __array_ufunc__ = None  # an array on the left leaves the operation to this class
    __hash__ = object.__hash__

    def __init__(self, value: Any, node: Node, nodes: list[Node]) -> None:
        self.value = value
        self.node = node
        self._nodes = nodes

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    dtype = property(lambda self: self.value.dtype)
    itemsize = property(lambda self: self.value.itemsize)
    size = property(lambda self: self.value.size)

    @property
    def T(self) -> StandIn:
        return self._view("{}.T", self.value.T)

    def __getitem__(self, place: Any) -> StandIn:
        if isinstance(self.value, np.generic) or _holds_stand_ins(place):
            raise CannotRecord("an entry chosen by a value")
        return self._view(f"{{}}[{_place_text(place)}]", self.value[place])

    def __setitem__(self, place: Any, entry: Any) -> None:
        if not isinstance(place, type(Ellipsis)):
            raise CannotRecord("an assignment to a part")
        self.value[...] = _plain(entry)
        self._nodes.append(Node("write", inputs=(self.node, node_of(entry)), is_array=False))

    def _view(self, text: str, result: Any) -> StandIn:
        if isinstance(result, np.generic):  # one entry
            return self._made(Node("call", text, (self.node,)), result)
        if not np.may_share_memory(result, self.value) and result.size:
            raise CannotRecord("a copy where a view was expected")
        return self._made(Node("view", text, (self.node,), storage=self.node.storage), result)

    def _made(self, node: Node, result: Any) -> StandIn:
        return _made(node, result, self._nodes)

    def reshape(self, *shape: int) -> StandIn:
        result = self.value.reshape(*shape)
        text = f"{{}}.reshape({', '.join(map(str, shape))})"
        if np.may_share_memory(result, self.value):
            return self._view(text, result)
        # a view all the same of values that lie in memory otherwise
        return self._made(Node("call", text, (self.node,), storage=self.node.storage), result)

    def transpose(self, *axes: Any) -> StandIn:
        return self._view(
            f"{{}}.transpose({', '.join(map(str, axes))})", self.value.transpose(*axes)
        )

    def copy(self) -> StandIn:
        return self._made(Node("call", "{}.copy()", (self.node,)), self.value.copy())

    def astype(self, dtype: Any) -> StandIn:
        text = f"{{}}.astype({np.dtype(dtype).name!r})"
        return self._made(Node("call", text, (self.node,)), self.value.astype(dtype))

    def __matmul__(self, other: Any) -> StandIn:
        return _dot(self, other, self._nodes)

    def __rmatmul__(self, other: Any) -> StandIn:
        return _dot(other, self, self._nodes)

    def __neg__(self) -> StandIn:
        return _ufunc(np.negative, (self,), {}, self._nodes)

    def __bool__(self) -> bool:
        raise CannotRecord("a branch on an entry")

    def __getattr__(self, name: str) -> Any:
        if name in _REDUCTIONS:
            return lambda **options: _reduce(_REDUCTIONS[name], self, options, self._nodes)
        raise CannotRecord(name)


def _operator_methods() -> None:
    for word, ufunc in _OPERATORS.items():

        def forward(self: StandIn, other: Any, ufunc: np.ufunc = ufunc) -> StandIn:
            return _ufunc(ufunc, (self, other), {}, self._nodes)

        def backward(self: StandIn, other: Any, ufunc: np.ufunc = ufunc) -> StandIn:
            return _ufunc(ufunc, (other, self), {}, self._nodes)

        setattr(StandIn, f"__{word}__", forward)
        setattr(StandIn, f"__r{word}__", backward)
    for word, ufunc in _COMPARED.items():

        def compare(self: StandIn, other: Any, ufunc: np.ufunc = ufunc) -> StandIn:
            return _ufunc(ufunc, (self, other), {}, self._nodes)

        setattr(StandIn, f"__{word}__", compare)


_operator_methods()


def _made(node: Node, result: Any, nodes: list[Node]) -> Any:
    """The stand-in of an operation's result, which is put on record."""
    if not isinstance(result, (np.ndarray, np.generic, ShapedArray)):
        raise CannotRecord(f"a result that is {type(result).__name__}")
    node.shape, node.dtype = result.shape, result.dtype
    node.is_array = not isinstance(result, np.generic)
    node.contiguous = not node.is_array or result.flags.c_contiguous
    node.writeable = not node.is_array or result.flags.writeable
    nodes.append(node)
    return StandIn(result, node, nodes)


def _ufunc(
    function: np.ufunc, inputs: Sequence[Any], options: dict[str, Any], nodes: list[Node]
) -> StandIn:
    if options or len(inputs) != function.nin or function.nout != 1:
        raise CannotRecord(f"{function.__name__} with options")
    if function is np.power and not isinstance(inputs[0], StandIn):
        raise CannotRecord("a power of a number")
    if function is np.power and isinstance(inputs[1], (int, float)):
        result = _plain(inputs[0]) ** inputs[1]  # what NumPy makes of the operator
    else:
        result = function(*map(_plain, inputs))
    return _made(Node("ufunc", function, tuple(map(node_of, inputs))), result, nodes)


def _reduce(function: np.ufunc, x: StandIn, options: dict[str, Any], nodes: list[Node]) -> StandIn:
    axis = options.pop("axis", None)
    keepdims = options.pop("keepdims", False)
    if options:
        raise CannotRecord("a reduction with options")
    if axis is None:
        axis = tuple(range(x.ndim))
    result = function.reduce(x.value, axis=axis, keepdims=keepdims)
    node = Node("reduce", function, (x.node,), {"axis": axis, "keepdims": keepdims})
    return _made(node, result, nodes)


def _dot(a: Any, b: Any, nodes: list[Node]) -> StandIn:
    result = operator.matmul(_plain(a), _plain(b))
    return _made(Node("dot", np.matmul, (node_of(a), node_of(b))), result, nodes)


class LibraryStandIn:
    """Stands for NumPy, or for a module of it."""

    def __init__(self, module: ModuleType, nodes: list[Node], precision: np.dtype) -> None:
        self._module = module
        self._nodes = nodes
        self._precision = precision

    def __getattr__(self, name: str) -> Any:
        there = getattr(self._module, name)
        if isinstance(there, ModuleType):
            return LibraryStandIn(there, self._nodes, self._precision)
        if isinstance(there, np.ufunc):
            return _Ufunc(there, self._nodes)
        if callable(there) and not isinstance(there, type):
            return _Function(there, name, self._module, self._nodes, self._precision)
        return there


@dataclass(frozen=True)
class _Ufunc:
    """Stands for a ufunc."""

    function: np.ufunc
    nodes: list[Node]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if not any(isinstance(i, StandIn) for i in inputs):
            return self.function(*inputs, **options)
        if options or self.function.nout > 1:
            return _call(self.function, self.function.__name__, inputs, options, self.nodes)
        return _ufunc(self.function, inputs, options, self.nodes)


@dataclass(frozen=True)
class _Function:
    """Stands for any other function of NumPy."""

    function: Callable[..., Any]
    name: str
    module: ModuleType
    nodes: list[Node]
    precision: np.dtype

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if self.name in _FROM_NOTHING and options.get("dtype", float) is float:
            options["dtype"] = self.precision.name  # a word that can be written
        if not any(isinstance(i, StandIn) for i in inputs) and self.name != "zeros":
            constant = self.function(*inputs, **options)
            if getattr(constant, "nbytes", 0) <= _KEPT:
                return constant
        if self.name in _OF_KIND_ALONE:
            return self.function(*map(_plain, inputs))
        if self.name == "outer":
            a, b = inputs
            return _ufunc(np.multiply, (a[:, None], b), {}, self.nodes)
        return _call(self.function, self.name, inputs, options, self.nodes)


def _call(
    function: Any, name: str, inputs: tuple[Any, ...], options: dict[str, Any], nodes: list[Node]
) -> Any:
    given = [*inputs, *options.values()]
    if any(isinstance(i, (tuple, list)) and _holds_stand_ins(i) for i in given):
        raise CannotRecord(f"{name} of several values in one argument")
    result = function(*map(_plain, inputs), **{k: _plain(v) for k, v in options.items()})
    named = {key: node_of(value) for key, value in options.items()}
    node = Node("call", function, tuple(map(node_of, inputs)), named)
    if isinstance(result, tuple):
        node.is_array = False
        nodes.append(node)
        parts = [Node("call", f"{{}}[{k}]", (node,)) for k in range(len(result))]
        return tuple(_made(p, r, nodes) for p, r in zip(parts, result, strict=True))
    shared = [
        i.node
        for i in given
        if isinstance(i, StandIn)
        and not isinstance(result, np.generic)
        and np.may_share_memory(i.value, result)
    ]
    if shared:
        if len({id(s.storage) for s in shared}) > 1:
            raise CannotRecord(f"{name} is a view of several values")
        node.kind, node.storage = "view", shared[0].storage
    return _made(node, result, nodes)


def _holds_stand_ins(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_holds_stand_ins, value))
    return isinstance(value, StandIn)


def _place_text(place: Any) -> str:
    if isinstance(place, tuple):
        return ", ".join(map(_place_text, place))
    if isinstance(place, slice):
        ends = ["" if end is None else str(end) for end in (place.start, place.stop)]
        return ":".join(ends if place.step is None else [*ends, str(place.step)])
    if place is Ellipsis:
        return "..."
    return str(place)
