"""Source for values of known shapes: the same operations, with memory used again.

An elementwise operation writes into an operand that nobody needs any more, or into memory that
lies free; numbers are arrays made once; a product of matrices is one call to BLAS. With kept
buffers all of that memory is made once and used in every call.
"""

from __future__ import annotations

import keyword
import math
import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tensorcalc.codegen.buffers import Memory, apart_from
from tensorcalc.codegen.operands import (
    outer_factors,
    product_factors,
    signed_zeros,
    turned_operand,
)
from tensorcalc.codegen.record import CannotRecord, Node, Record

__all__ = ["specialised"]

_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}
_OUT_BY_NAME = (np.minimum, np.maximum)  # NumPy warns where their output is given by position
_SIGNS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.negative: "-"}


def specialised(
    record: Record,
    name: str,
    *,
    several: bool,
    otherwise: Callable[..., Any],
    elsewhere: Callable[..., Any] | None = None,
) -> tuple[str, Callable[..., Any]]:
    """The source of a function like the recorded one, and the function.

    Values of other shapes or of another precision are sent to ``otherwise``. With ``elsewhere`` it
    returns the same memory each time, in the thread that has made it; others are sent there.
    """
    writer = _Writer(record, name, reuse=elsewhere is not None)
    statements = writer.statements()
    arguments = ", ".join(writer.arguments)
    lines = [f"def {name}({arguments}):", *writer.like_the_recorded(otherwise)]
    if elsewhere is not None:
        lines += writer.guards(elsewhere)
    lines += [f"    {line}" for line in statements]
    results = writer.results()
    lines.append(f"    return ({', '.join(results)},)" if several else f"    return {results[0]}")
    source = "\n".join([*lines, ""])
    namespace = dict(writer.constants)
    exec(compile(source, f"<tensorcalc {name}, specialised>", "exec"), namespace)
    return source, namespace[name]


class _Writer:
    """Writes the statements of one function."""

    def __init__(self, record: Record, name: str, *, reuse: bool) -> None:
        self.record = record
        self.constants: dict[str, Any] = {}
        self.lines: list[str] = []
        self.numbered = 0
        self.numbers: dict[Any, str] = {}
        self.words: dict[Node, str] = {}
        self.taken: set[str] = {name}
        self.read = self._read()
        self.signed = signed_zeros(record)
        self.returned = {result for result in record.results if isinstance(result, Node)}
        self.lying: set[Node] = set()  # numbers that lie in arrays of no axes
        self.arguments = [self._claim(node, f"a{k}") for k, node in enumerate(record.arguments)]
        new = partial(self._constant, stem="buffer") if reuse else None
        self.memory = Memory(record, new)

    def statements(self) -> list[str]:
        """The statements, in the order of the record."""
        for place, node in enumerate(self.record.nodes):
            self._statement(node, place)
            self.memory.release(node, place)
        return self.lines

    def like_the_recorded(self, otherwise: Callable[..., Any]) -> list[str]:
        """What sends values that are not like the recorded ones where all kinds are known."""
        array = self._constant(np.ndarray, "ndarray")
        dtype = self._constant(self.record.arguments[0].dtype, "dtype")
        other = self._constant(otherwise, "otherwise")
        arguments = ", ".join(self.arguments)
        classes = " is ".join(f"{argument}.__class__" for argument in self.arguments)
        dtypes = " is ".join(f"{argument}.dtype" for argument in self.arguments)
        shapes = [
            f" and {argument}.shape == {node.shape}"
            for argument, node in zip(self.arguments, self.record.arguments, strict=True)
        ]
        return [
            f"    if not ({array} is {classes} and {dtype} is {dtypes}{''.join(shapes)}):",
            f"        return {other}({arguments})",
        ]

    def guards(self, elsewhere: Callable[..., Any]) -> list[str]:
        """What keeps memory that is used again apart: other threads', and results given back."""
        mark = threading.local()  # no number of a thread, which another has when it has ended
        mark.mine = True
        here = self._constant(mark, "here")
        others = self._constant(elsewhere, "elsewhere")
        apart = self._constant(apart_from(self.memory.buffers), "apart")
        arguments = ", ".join(self.arguments)
        bases = " is ".join(f"{argument}.base" for argument in self.arguments)
        return [
            f'    if not hasattr({here}, "mine"):',
            f"        return {others}({arguments})",
            f"    if not (None is {bases}):",
            f"        {arguments}, = {apart}({arguments})",
        ]

    def results(self) -> list[str]:
        """What is returned: arrays that share memory with nothing of the caller's."""
        dtype = self.record.arguments[0].dtype
        words = []
        returned: set[Node] = set()
        for result in self.record.results:
            if not isinstance(result, Node):
                words.append(f"{self._constant(np.asarray(result, dtype), 'c')}.copy()")
                continue
            word = self._word(result)
            storage = result.storage
            if result.dtype != dtype:
                raise CannotRecord("a result of another precision")
            if not result.is_array and result not in self.lying:
                word = f"{self._constant(np.asarray, 'asarray')}({word})"
            elif (
                storage.kind in ("argument", "constant")
                or storage in returned
                or not result.writeable
            ):
                word = f"{self._constant(np.array, 'array')}({word})"
            returned.add(storage)
            words.append(word)
        return words

    def _read(self) -> set[Node]:
        """What some operation reads, as it is written here."""
        read: set[Node] = set()
        for node in self.record.nodes:
            read.update(node.nodes if node.kind != "dot" else product_factors(node))
        return read

    # ── words ──

    def _claim(self, node: Node, stem: str = "t") -> str:
        word = node.name or stem
        while (
            word in self.taken or keyword.iskeyword(word) or word in self.constants or word == "t"
        ):
            if node.name:
                word += "_"
            else:
                self.numbered += 1
                word = f"t{self.numbered}"
        self.taken.add(word)
        self.words[node] = word
        return word

    def _constant(self, value: Any, stem: str) -> str:
        for word, known in self.constants.items():
            if known is value:
                return word
        word, k = stem, 1
        while word in self.constants or word in self.taken:
            k += 1
            word = f"{stem}{k}"
        self.constants[word] = value
        return word

    def _function(self, function: Any) -> str:
        return self._constant(function, function.__name__)

    def _number(self, value: float, dtype: Any) -> str:
        """A number as an array of no axes: NumPy converts a Python number at each call."""
        known = self.numbers.get((repr(value), dtype))  # 0.0 is not -0.0
        if known is None:
            digits = re.sub(r"\W", "_", repr(value).replace("-", "minus_"))
            known = self._constant(np.array(value, dtype=dtype), f"number_{digits}")
            self.numbers[repr(value), dtype] = known
        return known

    def _word(self, value: Any, dtype: Any = None) -> str:
        if isinstance(value, Node):
            if value.kind == "constant" and value not in self.words:
                return self._constant(value.function, "c")
            return self.words[value]
        if isinstance(value, (np.ndarray, np.generic)):
            return self._constant(value, "c")
        if isinstance(value, (int, float)) and dtype is not None and not isinstance(value, bool):
            return self._number(value, dtype)
        if isinstance(value, float) and not math.isfinite(value):
            return self._constant(value, "c")  # which repr writes as a name
        return repr(value)

    # ── one rule per kind ──

    def _statement(self, node: Node, place: int) -> None:
        if node.kind == "write":
            target, entry = node.inputs
            self.lines.append(f"{self._word(target)}[...] = {self._word(entry)}")
        elif node.kind == "view":
            self._view(node)
        elif node.kind == "ufunc":
            self._ufunc(node, place)
        elif node.kind == "dot":
            self._dot(node)
        elif node.kind == "reduce":
            self._reduce(node)
        else:
            self.lines.append(f"{self._claim(node)} = {self._call(node)}")
            if node.is_array and node.storage is node:
                self.memory.own(node, self.words[node])

    def _view(self, node: Node) -> None:
        """A view; of memory that is kept between calls it is made once, with the memory."""
        if node not in self.read and node not in self.returned:
            return
        word = self._kept(node.inputs[0])
        if isinstance(node.function, str) and word and not node.name:
            view = eval(node.function.format(word), dict(self.constants))
            self.words[node] = self._constant(view, "view")
        else:
            self.lines.append(f"{self._claim(node)} = {self._call(node)}")

    def _kept(self, node: Any) -> str:
        """The name of memory that is kept between calls, where this lies; else nothing."""
        if not isinstance(node, Node):
            return ""
        word = self.memory.word_of(node) or self.words.get(node, "")
        return word if word in self.constants else ""

    def _call(self, node: Node) -> str:
        if isinstance(node.function, str):
            return node.function.format(self._word(node.inputs[0]))
        inputs = [self._word(i) for i in node.inputs]
        inputs += [f"{key}={self._word(value)}" for key, value in node.options.items()]
        return f"{self._function(node.function)}({', '.join(inputs)})"

    def _ufunc(self, node: Node, place: int) -> None:
        function, inputs = node.function, list(node.inputs)
        factors = None if node in self.signed else outer_factors(node)
        if factors is not None:  # BLAS takes half the time of a ufunc that spreads a column
            column, row = (self._word(i) for i in factors)
            row = row if len(factors[1].shape) == 2 else f"{row}[None, :]"
            into = self.memory.spare(node, by_rows=True)
            self._write(node, self._function(np.dot), [column, row], into)
            return
        if function is np.power and _is_number(inputs[1]) and inputs[1] in _POWERS:
            function = _POWERS[inputs.pop()]
        elif function is np.divide and _is_number(inputs[0]) and inputs[0] == 1:
            function, inputs = np.reciprocal, inputs[1:]
        dtype = next(i.dtype for i in inputs if isinstance(i, Node))
        floating = node.is_array and dtype.kind == "f"
        words = [self._word(i, dtype if floating else None) for i in inputs]
        if not node.is_array and function in _SIGNS:
            sign = _SIGNS[function]
            text = f"{sign}{words[0]}" if len(words) == 1 else f"{words[0]} {sign} {words[1]}"
            self.lines.append(f"{self._claim(node)} = {text}")
            return
        k = turned_operand(node)
        if k is not None:
            self._beside_a_transpose(node, function, words, k)
            return
        into = self.memory.into(node, place) if node.is_array else None
        self._write(node, self._function(function), words, into)

    def _beside_a_transpose(self, node: Node, function: Any, words: list[str], k: int) -> None:
        """The operand that lies by columns is copied to where the result will be.

        That reads it in blocks; an operation on both would go through memory with long strides.
        """
        into = self.memory.spare(node, by_rows=True)
        if into is None:
            result = self._claim(node)
            self.lines.append(f"{result} = {words[k]}.copy()")
            self.memory.own(node, self.words[node])
        else:
            result = self.words[node] = self.memory.taken(node, into)
            self.lines.append(f"{self._function(np.copyto)}({result}, {words[k]})")
        inputs = [result if place == k else word for place, word in enumerate(words)]
        self.lines.append(f"{self._function(function)}({', '.join([*inputs, result])})")

    def _dot(self, node: Node) -> None:
        a, b = product_factors(node)
        dims = [i.ndim if isinstance(i, np.ndarray) else len(i.shape) for i in (a, b)]
        floating = node.dtype.kind == "f"
        function = np.dot if max(dims) <= 2 and floating else np.matmul
        words = [self._word(a), self._word(b)]
        if floating and dims[0] > 2 and dims[1] == 1 and _may_lie_by_rows(a):
            self._dot_by_rows(node, a, words)
        elif function is np.dot and not node.is_array and node not in self.read:
            word, empty = self._claim(node), self._function(np.empty)
            self.lines.append(f"{word} = {empty}((), {self._constant(node.dtype, 'dtype')})")
            self.lines.append(f"{self._function(function)}({', '.join([*words, word])})")
            self.lying.add(node)
        else:
            into = self.memory.spare(node, by_rows=True) if node.is_array else None
            self._write(node, self._function(function), words, into)

    def _dot_by_rows(self, node: Node, a: Node, words: list[str]) -> None:
        """A product with a vector, of all rows at once: matmul takes a matrix at a time."""
        rows, n = math.prod(a.shape[:-1]), a.shape[-1]
        product = f"{self._function(np.dot)}({words[0]}.reshape({rows}, {n}), {words[1]})"
        self.lines.append(f"{self._claim(node)} = {product}.reshape({node.shape})")
        self.memory.own(node, self.words[node])

    def _reduce(self, node: Node) -> None:
        (x,), axis = node.inputs, node.options["axis"]
        word = f"{node.function.__name__}_reduce"
        if word in self.taken:
            word += "_"
        self.constants[word] = node.function.reduce
        if node.options["keepdims"]:
            self.lines.append(
                f"{self._claim(node)} = {word}({self._word(x)}, {axis}, None, None, True)"
            )
            self.memory.own(node, self.words[node])
        else:
            into = self.memory.spare(node) if node.is_array else None
            inputs = [self._word(x), repr(axis)]
            self._write(node, word, inputs if into is None else [*inputs, "None"], into)

    def _write(self, node: Node, function: str, inputs: list[str], into: Node | None) -> None:
        if into is None:
            word = self._claim(node)
            self.lines.append(f"{word} = {function}({', '.join(inputs)})")
            if node.is_array:
                self.memory.own(node, self.words[node])
            return
        memory = self.memory.taken(node, into)
        by_name = "out=" if node.function in _OUT_BY_NAME and node.kind == "ufunc" else ""
        statement = f"{function}({', '.join([*inputs, by_name + memory])})"
        if node.name and node.name not in self.taken:
            statement = f"{self._claim(node)} = {statement}"
        else:
            self.words[node] = memory
        self.lines.append(statement)


def _may_lie_by_rows(value: Any) -> bool:
    return isinstance(value, Node) and value.kind != "view"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))
