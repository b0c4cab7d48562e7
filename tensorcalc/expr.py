"""Index-notation expressions: a small closed set of frozen, interned nodes.

An expression has axes and nothing else: no rows, no columns, no axis names. Index numbers
mean something inside one ``Einsum`` only and are counted by first appearance, so two
spellings of one sum are one object. Equal nodes *are* one object: ``is`` decides equality,
hashing is free, and a traversal can be memoised on the node itself.

Operations (differentiate, simplify, print, compile) stand outside the nodes.
"""

from __future__ import annotations

import importlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakSet, WeakValueDictionary

import numpy as np

from tensorcalc.errors import NotSupportedError, ShapeError
from tensorcalc.shapes import Dim, Shape, format_shape, product_dim

__all__ = [
    "Add",
    "Constant",
    "Definition",
    "Delta",
    "Einsum",
    "Elementwise",
    "Expr",
    "Function",
    "Merge",
    "Ones",
    "Select",
    "Special",
    "SpecialFunction",
    "Variable",
    "add",
    "contract",
    "einsum",
    "full",
    "hadamard",
    "identity",
    "is_zero",
    "power",
    "product",
    "toposort",
    "transpose",
    "unknown_below",
    "zeros",
]


# ── records of functions ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class Function:
    """An elementwise function: everything about it stands in its one record.

    ``derivatives`` has one rule per argument; each takes the arguments and, last, the value
    ``y``, so that tanh can say 1 − y². ``evaluate`` is plain NumPy on arrays: generated code
    quotes its source. ``complex_step`` says that it continues analytically from the real axis.
    """

    name: str
    evaluate: Callable[..., Any] | None
    derivatives: tuple[Callable[..., Expr], ...]
    text: str = ""
    latex: str = ""
    domain: tuple[float, float] = (-2.0, 2.0)
    complex_step: bool = True
    kinks: tuple[float, ...] = ()
    convention: str = ""
    nonnegative: bool = False
    increasing: bool = False
    exponent: float | None = None
    meaning: str = ""  # of t, for readers who meet the sign: "1/(1 + e⁻ᵗ)"
    module: str = ""
    made_by: tuple[Callable[..., Function], tuple[Any, ...]] | None = None

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.derivatives)

    def __repr__(self) -> str:
        return f"<function {self.name}>"

    def __reduce__(self) -> Any:
        return _reduce_record(self)

    def __call__(self, *args: Expr) -> Expr:
        """The node that applies this function to expressions."""
        return Elementwise(self, args)


@dataclass(frozen=True, eq=False)
class SpecialFunction:
    """A function that couples the entries of its argument's last ``core`` axes.

    Leading axes are a batch. The value has the batch axes and ``copies`` times the core axes:
    none for the determinant, once for softmax or the inverse. ``derivative(argument, y)`` is
    an expression of shape y.shape + argument.shape.
    """

    name: str
    evaluate: Callable[..., Any]
    derivative: Callable[[Expr, Expr], Expr]
    core: int
    copies: int
    text: str = ""
    latex: str = ""
    domain: tuple[float, float] = (-2.0, 2.0)
    complex_step: bool = True
    convention: str = ""
    kink_distance: Callable[[Any], float] | None = None
    parameters: tuple[int, ...] = ()  # what ``evaluate`` takes after the argument
    meaning: str = ""  # of t (or X), for readers who meet the sign
    rule: str = ""  # the derivative, as a reason beside a line
    module: str = ""
    made_by: tuple[Callable[..., SpecialFunction], tuple[Any, ...]] | None = None

    def __repr__(self) -> str:
        return f"<special function {self.name}>"

    def value(self, x: Any) -> Any:
        """The function of an array."""
        return self.evaluate(x, *self.parameters)

    def __reduce__(self) -> Any:
        return _reduce_record(self)


def _reduce_record(record: Function | SpecialFunction) -> Any:
    """Pickle a record by where it stands, or by how it was made: its rules cannot travel."""
    if record.made_by is not None:
        return record.made_by
    if record.module:
        return _record, (record.module, record.name)
    return type(record), tuple(getattr(record, field.name) for field in fields(record))


def _record(module: str, name: str) -> Any:
    home = importlib.import_module(module)
    return getattr(home, name + "_", None) or getattr(home, name)  # abs_ leaves abs alone


# ── nodes ───────────────────────────────────────────────────────────────────────────────


T = TypeVar("T")


class remembered(Generic[T]):
    """A property that is found once; of two threads that find it, one's value stays."""

    def __init__(self, find: Callable[[Any], T]) -> None:
        self.find = find
        self.__doc__ = find.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, node: Any, owner: type | None = None) -> T:
        if node is None:
            return self  # type: ignore[return-value]
        return node.__dict__.setdefault(self.name, self.find(node))


class Interned(type):
    """Give equal nodes one object, so equality is ``is``.

    The lock matters: without it two threads can each make the "one" object.
    """

    table: ClassVar[WeakValueDictionary[tuple[object, ...], Expr]] = WeakValueDictionary()
    lock: ClassVar[Any] = threading.RLock()
    normal: Callable[..., tuple[Any, ...]]
    key: Callable[..., tuple[Any, ...]]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.of(cls.normal(*args, **kwargs))

    def of(cls, values: tuple[Any, ...]) -> Any:
        """The one node with these fields, which are spelled as ``normal`` spells them."""
        key = (cls, *cls.key(*values))
        with Interned.lock:
            node = Interned.table.get(key)
            if node is None:
                node = super().__call__(*values)
                Interned.table[key] = node
        return node


@dataclass(frozen=True, eq=False, repr=False)
class Expr(metaclass=Interned):
    """A tensor in index notation; ``shape`` lists its axes, ``args`` the nodes it is made of.

    Operators act entry by entry on equal shapes; a number fits every shape. They exist for
    derivative rules; people write matrices with ``Tensor``.
    """

    __array_ufunc__ = None

    # the node's fields with one spelling for equal meanings, and what equality of them means
    normal: ClassVar[Callable[..., tuple[Any, ...]]] = staticmethod(lambda *values: values)
    key: ClassVar[Callable[..., tuple[Any, ...]]] = staticmethod(lambda *values: values)

    @remembered
    def shape(self) -> Shape:
        raise NotImplementedError

    @property
    def args(self) -> tuple[Expr, ...]:
        return ()

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        """The same node over other arguments."""
        assert not args
        return self

    @remembered
    def memo(self) -> dict[Any, Any]:
        """What traversals remember about this node."""
        return {}

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {format_shape(self.shape)}>"

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self

    def __reduce__(self) -> Any:
        # A flat table, since pickle would recurse once per node of a chain.
        order = toposort([self])
        place = {id(node): k for k, node in enumerate(order)}
        rows = [
            (type(node), _pack([getattr(node, f.name) for f in fields(node)], place))
            for node in order
        ]
        return _rebuild, (rows,)

    def __add__(self, other: Expr | float) -> Expr:
        return add(self, self._like(other))

    __radd__ = __add__

    def __neg__(self) -> Expr:
        return hadamard(full(-1.0, ()), self)

    def __sub__(self, other: Expr | float) -> Expr:
        return self + -self._like(other)

    def __rsub__(self, other: float) -> Expr:
        return self._like(other) + -self

    def __mul__(self, other: Expr | float) -> Expr:
        return hadamard(self, other if isinstance(other, Expr) else Constant(other))

    def __rmul__(self, other: float) -> Expr:
        return hadamard(Constant(other), self)

    def __truediv__(self, other: Expr | float) -> Expr:
        return self * (power(-1.0)(other) if isinstance(other, Expr) else 1.0 / other)

    def __rtruediv__(self, other: float) -> Expr:
        return other * power(-1.0)(self)

    def __pow__(self, exponent: float) -> Expr:
        return hadamard(self, self) if exponent == 2 else power(float(exponent))(self)

    def _like(self, other: Expr | float) -> Expr:
        return other if isinstance(other, Expr) else full(other, self.shape)


@dataclass(frozen=True, eq=False, repr=False)
class Variable(Expr):
    """A named quantity whose value is given at call time.

    ``traits`` are what its values have in common: "symmetric", "positive definite", "diagonal".
    """

    name: str
    dims: Shape
    traits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _register(self)

    @staticmethod
    def normal(name: str, dims: Shape, traits: tuple[str, ...] = ()) -> tuple[Any, ...]:
        return name, tuple(dims), tuple(traits)

    @remembered
    def shape(self) -> Shape:
        return self.dims


_NAMED: dict[str, WeakSet[Expr]] = {}


def _register(node: Variable | Definition) -> None:
    _NAMED.setdefault(node.name, WeakSet()).add(node)


def named_alike(name: str) -> WeakSet[Expr]:
    """The variables and definitions of this name that are alive anywhere."""
    return _NAMED.get(name, WeakSet())


@dataclass(frozen=True, eq=False, repr=False)
class Definition(Expr):
    """A named intermediate, ``name = body``: a vertex of the chain rule."""

    name: str
    body: Expr

    def __post_init__(self) -> None:
        assert self.shape is not None
        _register(self)

    @remembered
    def shape(self) -> Shape:
        return self.body.shape

    @property
    def args(self) -> tuple[Expr, ...]:
        return (self.body,)

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        return Definition(self.name, *args)


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Expr):
    """A number, or an array that cannot change. Its precision is weak: float32 stays so."""

    value: Any

    @staticmethod
    def normal(value: Any) -> tuple[Any, ...]:
        array = np.array(value, dtype=float)
        array.setflags(write=False)
        return (array,)

    @staticmethod
    def key(value: Any) -> tuple[Any, ...]:
        if value.ndim == 0:
            return (float(value),)
        return (value.shape, value.tobytes())

    @remembered
    def shape(self) -> Shape:
        return self.value.shape

    @property
    def number(self) -> float:
        """The value of a scalar constant."""
        return float(self.value)


@dataclass(frozen=True, eq=False, repr=False)
class Delta(Expr):
    """The Kronecker delta I[i=j] over one dimension: the identity matrix."""

    dim: Dim

    @remembered
    def shape(self) -> Shape:
        return (self.dim, self.dim)


@dataclass(frozen=True, eq=False, repr=False)
class Ones(Expr):
    """The vector of ones: it broadcasts in an output and counts in a sum."""

    dim: Dim

    @remembered
    def shape(self) -> Shape:
        return (self.dim,)


@dataclass(frozen=True, eq=False, repr=False)
class Merge(Expr):
    """Ties a merged axis to those it is made of: entry (p, i, j, …) is 1 if p counts (i, j, …).

    Counted as NumPy counts entries, the last index fastest; vec, kron and reshape are products
    with it.
    """

    dims: Shape

    @remembered
    def shape(self) -> Shape:
        return (product_dim(*self.dims), *self.dims)


@dataclass(frozen=True, eq=False, repr=False)
class Einsum(Expr):
    """The product of the operands, summed over every index that ``output`` lacks.

    ``Einsum((W, x), ((0, 1), (1,)), (0,))`` is W[i, j] x[j], summed over j.
    """

    operands: tuple[Expr, ...]
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]

    @staticmethod
    def normal(
        operands: Iterable[Expr], inputs: Iterable[Iterable[int]], output: Iterable[int]
    ) -> tuple[Any, ...]:
        number: dict[int, int] = {}
        recounted = tuple(
            tuple([number.setdefault(i, len(number)) for i in indices]) for indices in inputs
        )
        return tuple(operands), recounted, tuple([number[i] for i in output])

    def __post_init__(self) -> None:
        assert len(set(self.output)) == len(self.output), "an output index stands once"
        assert self.shape is not None  # computed now: later, a long chain would recurse

    @remembered
    def dims(self) -> dict[int, Dim]:
        """The dimension each index runs over."""
        dims: dict[int, Dim] = {}
        for operand, indices in zip(self.operands, self.inputs, strict=True):
            for index, dim in zip(indices, operand.shape, strict=True):
                if dims.setdefault(index, dim) != dim:
                    raise ShapeError(f"one index runs over {dims[index]} and over {dim}")
        return dims

    @remembered
    def shape(self) -> Shape:
        dims = self.dims
        return tuple([dims[i] for i in self.output])

    @property
    def args(self) -> tuple[Expr, ...]:
        return self.operands

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        return Einsum.of((args, self.inputs, self.output))  # indices are counted already

    @remembered
    def summed(self) -> tuple[int, ...]:
        """The indices that are summed over."""
        return tuple([i for i in self.dims if i not in self.output])


@dataclass(frozen=True, eq=False, repr=False)
class Add(Expr):
    """The sum of terms of one shape."""

    terms: tuple[Expr, ...]

    @staticmethod
    def normal(terms: Iterable[Expr]) -> tuple[Any, ...]:
        return (tuple(terms),)

    def __post_init__(self) -> None:
        first = self.shape
        for term in self.terms:
            if term.shape != first:
                raise ShapeError(f"a sum of {format_shape(first)} and {format_shape(term.shape)}")

    @remembered
    def shape(self) -> Shape:
        return self.terms[0].shape

    @property
    def args(self) -> tuple[Expr, ...]:
        return self.terms

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        return Add(args)


@dataclass(frozen=True, eq=False, repr=False)
class Elementwise(Expr):
    """A function applied entry by entry to arguments of one shape."""

    function: Function
    arguments: tuple[Expr, ...]

    @staticmethod
    def normal(function: Function, arguments: Iterable[Expr]) -> tuple[Any, ...]:
        return function, tuple(arguments)

    def __post_init__(self) -> None:
        first = self.shape
        if any(argument.shape != first for argument in self.arguments):
            raise ShapeError(f"{self.function.name} of arguments of different shapes")

    @remembered
    def shape(self) -> Shape:
        return self.arguments[0].shape

    @property
    def args(self) -> tuple[Expr, ...]:
        return self.arguments

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        return Elementwise(self.function, args)


@dataclass(frozen=True, eq=False, repr=False)
class Special(Expr):
    """A function that couples the entries along its argument's last axes."""

    function: SpecialFunction
    argument: Expr

    def __post_init__(self) -> None:
        assert self.shape is not None

    @remembered
    def shape(self) -> Shape:
        whole, batch = self.argument.shape, self.argument.ndim - self.function.core
        return whole[:batch] + whole[batch:] * self.function.copies

    @property
    def args(self) -> tuple[Expr, ...]:
        return (self.argument,)

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        return Special(self.function, *args)


@dataclass(frozen=True, eq=False, repr=False)
class Select(Expr):
    """The entry ``index`` along ``axis``, which disappears, or a range of them, which stays."""

    operand: Expr
    axis: int
    index: int | range

    def __post_init__(self) -> None:
        dim = self.operand.shape[self.axis]
        for index in self.ends:
            if index < 0 or (isinstance(dim, int) and index >= dim):
                raise ShapeError(
                    f"entry {index} along an axis of size {dim}",
                    f"choose an index from 0 to {dim - 1 if isinstance(dim, int) else str(dim)}",
                )
        assert self.shape is not None

    @property
    def ends(self) -> tuple[int, ...]:
        """The index, or the first and the last of the range."""
        if isinstance(self.index, range):
            return (self.index[0], self.index[-1])
        return (self.index,)

    @property
    def subscript(self) -> str:
        """The index, or the range, as it stands between brackets: 2, 0:2, 1:9:2."""
        if isinstance(self.index, int):
            return str(self.index)
        stop = str(self.index.stop) if self.index.stop >= 0 else ""
        step = f":{self.index.step}" if self.index.step != 1 else ""
        return f"{self.index.start}:{stop}{step}"

    @remembered
    def shape(self) -> Shape:
        kept = (len(self.index),) if isinstance(self.index, range) else ()
        return self.operand.shape[: self.axis] + kept + self.operand.shape[self.axis + 1 :]

    @property
    def args(self) -> tuple[Expr, ...]:
        return (self.operand,)

    def with_args(self, args: tuple[Expr, ...]) -> Expr:
        return Select(*args, self.axis, self.index)


def _pack(value: Any, place: dict[int, int]) -> Any:
    if isinstance(value, Expr):
        return _Place(place[id(value)])
    if isinstance(value, (tuple, list)):
        return tuple(_pack(item, place) for item in value)
    return value


@dataclass(frozen=True)
class _Place:
    """Where a node stands in a pickled table."""

    row: int


def _rebuild(rows: list[tuple[type[Expr], tuple[Any, ...]]]) -> Expr:
    nodes: list[Expr] = []

    def unpack(value: Any) -> Any:
        if isinstance(value, _Place):
            return nodes[value.row]
        return tuple(map(unpack, value)) if isinstance(value, tuple) else value

    for kind, values in rows:
        nodes.append(kind(*map(unpack, values)))
    return nodes[-1]


# ── building and walking ────────────────────────────────────────────────────────────────


_POWERS: dict[float, Function] = {}


def power(exponent: float) -> Function:
    """The record of t ↦ t**exponent, with derivative exponent · t**(exponent − 1)."""
    known = _POWERS.get(exponent)
    if known is None:  # setdefault, so that threads that meet here get one record
        known = _POWERS.setdefault(exponent, _power_record(float(exponent)))
    return known


def _power_record(exponent: float) -> Function:
    whole = exponent.is_integer()
    return Function(
        name=f"power({exponent:g})",
        evaluate=lambda x: x**exponent,
        derivatives=(lambda x, y: exponent * x ** (exponent - 1),),
        domain=(-2.0, 2.0) if whole and exponent >= 0 else (0.3, 2.0),
        nonnegative=whole and exponent % 2 == 0,
        exponent=exponent,
        made_by=(power, (exponent,)),
    )


def product(
    operands: Iterable[Expr], inputs: Iterable[tuple[int, ...]], output: tuple[int, ...]
) -> Expr:
    """An ``Einsum``, or the operand itself where nothing would be done to it; 1 of no operands."""
    operands, inputs = tuple(operands), tuple(inputs)
    if not operands:
        return Constant(1.0)
    if len(operands) == 1 and inputs[0] == output and len(set(output)) == len(output):
        return operands[0]
    return Einsum(operands, inputs, output)


def einsum(subscripts: str, *operands: Expr) -> Expr:
    """``einsum("ij,j->i", W, x)``: one letter an index, the output always written."""
    inputs, output = subscripts.replace(" ", "").split("->")
    words = inputs.split(",") if operands else []
    return product(operands, [tuple(map(ord, word)) for word in words], tuple(map(ord, output)))


def add(*terms: Expr) -> Expr:
    """The sum; one term stands for itself."""
    return terms[0] if len(terms) == 1 else Add(terms)


def hadamard(*factors: Expr) -> Expr:
    """The product entry by entry; scalars fit every shape."""
    ndim = max(factor.ndim for factor in factors)
    axes = tuple(range(ndim))
    return product(factors, [axes if f.ndim else () for f in factors], axes)


def full(value: float, shape: Shape) -> Expr:
    """The tensor whose every entry is ``value``."""
    if not shape:
        return Constant(value)
    number = () if value == 1 else (Constant(value),)
    axes = tuple(range(len(shape)))
    inputs = tuple(() for _ in number) + tuple((i,) for i in axes)
    return product(number + tuple(map(Ones, shape)), inputs, axes)


def zeros(shape: Shape) -> Expr:
    """The zero tensor, held as one number."""
    return full(0.0, shape)


def is_zero(e: Expr) -> bool:
    """Whether ``e`` is the zero tensor as ``zeros`` writes it."""
    if isinstance(e, Einsum):
        e = e.operands[0] if e.operands else e
    return isinstance(e, Constant) and e.ndim == 0 and e.number == 0


def identity(shape: Shape) -> Expr:
    """∂X/∂X for X of this shape: one Kronecker delta per axis."""
    n = len(shape)
    if not n:
        return Constant(1.0)
    return product(map(Delta, shape), [(i, n + i) for i in range(n)], tuple(range(2 * n)))


def contract(a: Expr, b: Expr, joined: int) -> Expr:
    """Sum the last ``joined`` axes of ``a`` against the first ``joined`` of ``b``."""
    left = tuple(range(a.ndim))
    right = tuple(range(a.ndim - joined, a.ndim - joined + b.ndim))
    return Einsum((a, b), (left, right), left[: a.ndim - joined] + right[joined:])


def transpose(e: Expr, axes: Iterable[int]) -> Expr:
    """Axis k of the result is axis ``axes[k]`` of ``e``."""
    return product((e,), [tuple(range(e.ndim))], tuple(axes))


def toposort(
    roots: Iterable[Expr],
    leaf: Callable[[Expr], bool] | None = None,
    below: Callable[[Expr], Iterable[Expr]] | None = None,
) -> list[Expr]:
    """Every node below ``roots`` once, arguments before those that use them.

    ``leaf`` says where not to look further down, ``below`` what stands below a node if not its
    arguments. No recursion: chains may be long.
    """
    order: list[Expr] = []
    seen: set[int] = set()
    stack: list[Expr | None] = [*reversed([*roots])]
    while stack:
        node = stack.pop()
        if node is None:  # all that stands below the next one has its place
            order.append(stack.pop())  # type: ignore[arg-type]
        elif id(node) not in seen:
            seen.add(id(node))
            if leaf is not None and leaf(node):
                children = ()
            else:
                children = node.args if below is None else tuple(below(node))
            if children:
                stack += (node, None, *reversed(children))
            else:
                order.append(node)
    return order


def unknown_below(root: Expr, fact: str, *, through_names: bool = True) -> Iterator[Expr]:
    """``root`` and the nodes below it that do not remember this fact yet, arguments first.

    It must be put in the memo of each node that is given before the next one is asked for.
    """
    stack = [root]
    while stack:
        node = stack[-1]
        if fact in node.memo:
            stack.pop()
            continue
        waiting: list[Expr] = []
        if through_names or not isinstance(node, Definition):
            waiting = [arg for arg in node.args if fact not in arg.memo]
        if waiting:
            stack += reversed(waiting)
        else:
            yield stack.pop()


def fresh_indices(*used: Iterable[int]) -> Iterator[int]:
    """Index numbers beyond those in use."""
    return itertools.count(1 + max(itertools.chain([-1], *used)))


def refuse_derivative(name: str) -> Callable[..., Expr]:
    """A derivative rule that says that there is none."""

    def rule(*_: Expr) -> Expr:
        raise NotSupportedError(
            f"the derivative of {name} is not known",
            f"declare it: tc.function({name!r}, value=…, derivative=…)",
        )

    return rule
