"""The NumPy source of a function as source of another library, name by name.

The source that ``codegen`` writes uses a small part of NumPy, which a ``Dialect`` spells in its own
names. What it has no spelling for is refused here, before anything runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tensorcalc.backends.forms import form_of, statements
from tensorcalc.codegen.generate import Generated
from tensorcalc.errors import NotSupportedError

__all__ = ["Context", "Dialect", "Spelling", "is_fresh", "translated"]

Spelling = Callable[..., str]
_OPERATORS = {ast.MatMult: "matmul", ast.Pow: "**"}  # those a dialect may spell in its own way
_METHODS = {"sum", "max", "prod", "reshape", "transpose", "copy"}
_OF_ARRAYS = {"broadcast_to", "reshape", "sum", "max", "prod", "copy", "transpose", "zeros_like"}
_COUNTS = {"order", "core", "left_out"}  # parameters that are numbers of axes, never arrays


@dataclass(frozen=True)
class Context:
    """Where a piece of source stands: ``owner`` is an array of the dtype and device to be kept."""

    library: str
    owner: str | None
    dialect: Dialect

    def like(self, *, dtype: str = "") -> str:
        """The arguments of a call that makes an array: its dtype and where it lies."""
        return self.dialect.like(self.owner, dtype)

    def number(self, text: str) -> str:
        """A number as an array without axes."""
        return self.dialect.number(text, self.like())


@dataclass(frozen=True)
class Dialect:
    """How one library spells NumPy's names.

    ``calls`` has a spelling for each name: given the context and the source of each argument. Its
    ``vecmat``, of v and A, is for Aᵀv, where a library would copy A to turn it.
    ``arrays`` are the functions that take no plain numbers.
    """

    backend: str
    library: str
    imports: tuple[str, ...]
    calls: Mapping[str, Spelling]
    like: Callable[[str | None, str], str]
    number: Callable[[str, str], str]
    constant: tuple[str, Callable[[str, str | None], str]]
    arrays: frozenset[str] = frozenset()
    decorator: str = ""
    loops: Mapping[Callable[..., Any], tuple[Callable[..., Any], str]] = field(default_factory=dict)
    opening: Callable[[str], str] | None = None
    has_special: bool = True
    reversed_slices: bool = True
    itemsize: Callable[[str], str] = lambda x: f"{x}.itemsize"
    every_axis: bool = False
    zero: Callable[[Context], str] = lambda c: "0"
    flags: frozenset[str] = field(default_factory=frozenset)


def translated(generated: Generated, dialect: Dialect) -> str:
    """The source for this dialect; NotSupportedError names what it lacks."""
    tree = ast.parse(generated.source)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    looped = _looped(functions, dialect)
    quoted = {
        f.name: form_of(f, has_special=dialect.has_special)
        for f in functions
        if f.name != generated.name
    }
    blocks = [_constant(n, dialect) for n in tree.body if isinstance(n, ast.Assign)]
    blocks += [f"# {name} is the function given to tc.function" for name in generated.functions]
    parameters = {name: [a.arg for a in f.args.args] for name, f in quoted.items()}
    blocks += looped.values()
    for function in (
        *(f for n, f in quoted.items() if n not in looped),
        *(f for f in functions if f.name == generated.name),
    ):
        is_main = function.name == generated.name
        translator = _Translator(dialect, function, parameters)
        if is_main:
            translator.constants = set(generated.constants)
            if "vecmat" in dialect.calls:
                translator.of_vectors = _products_with_vectors(generated)
        blocks.append(translator.source(is_main))
    text = "\n\n\n".join(blocks)
    if not dialect.opening or f"{dialect.library}." in text:
        text = "\n\n\n".join(["\n".join(dialect.imports), text])
    needed = [m for m in ("math", "itertools") if re.search(rf"\b{m}\.", text)]
    text = "\n".join([f"import {m}" for m in needed] + [""] * bool(needed)) + text
    comment = re.search(r"  # [^\n]*$", generated.source.rstrip("\n").rpartition("\n")[2])
    return text + (comment.group() if comment else "") + "\n"


def _looped(functions: Sequence[ast.FunctionDef], dialect: Dialect) -> dict[str, str]:
    """The quoted functions of which the dialect has forms of its own, by their names."""
    known = {statements(old)[1]: new for old, new in dialect.loops.items()}
    found = {}
    for function in functions:
        loop = known.get("\n".join(map(ast.dump, function.body)))
        if loop is not None:
            tree, _ = statements(loop[0])
            tree.name = function.name
            found[function.name] = f"{loop[1]}\n{ast.unparse(tree)}"
    return found


def _constant(node: ast.Assign, dialect: Dialect) -> str:
    name, value = ast.unparse(node.targets[0]), node.value
    assert isinstance(value, ast.Call)
    return f"{name} = {dialect.constant[0].format(ast.unparse(value.args[0]))}"


class _Translator(ast.NodeTransformer):
    def __init__(
        self,
        dialect: Dialect,
        function: ast.FunctionDef,
        quoted: Mapping[str, Sequence[str]],
    ) -> None:
        names = [a.arg for a in function.args.args]
        self.context = Context(dialect.library, names[0] if names else None, dialect)
        self.dialect, self.function, self.quoted = dialect, function, quoted
        self.constants: set[str] = set()
        self.of_vectors: set[str] = set()  # A @ v, as ast.dump has them
        self.once = _set_once(function)
        self.numbers: set[str] = set()  # k = W.shape[0], and what is computed of such: t = 1 / k

    def source(self, is_main: bool) -> str:
        function = self.generic_visit(self.function)
        assert isinstance(function, ast.FunctionDef)
        if self.dialect.opening and self.context.owner is None:
            raise self.refuse_without_arguments()
        if self.dialect.opening and self.context.owner:
            first = 1 if ast.get_docstring(function) else 0
            line = ast.parse(self.dialect.opening(self.context.owner)).body
            if f"{self.dialect.library}." in ast.unparse(function):
                function.body[first:first] = line
        decorator = f"{self.dialect.decorator}\n" if is_main and self.dialect.decorator else ""
        return decorator + ast.unparse(ast.fix_missing_locations(function))

    def refuse_without_arguments(self) -> NotSupportedError:
        """No array says which library, dtype and device is meant."""
        return NotSupportedError(
            f"{self.function.name} with backend={self.dialect.backend!r}: it has no arguments, "
            f"which would say of what library its result is to be",
            'use backend="numpy"',
        )

    def refuse(self, what: str) -> NotSupportedError:
        return NotSupportedError(
            f"{self.function.name} with backend={self.dialect.backend!r}: {what} has no "
            f"counterpart there",
            'use backend="numpy"',
        )

    def is_number(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        if isinstance(node, ast.UnaryOp):
            return self.is_number(node.operand)
        if isinstance(node, ast.IfExp):
            return self.is_number(node.body) and self.is_number(node.orelse)
        if isinstance(node, ast.BinOp):
            return self.is_number(node.left) and self.is_number(node.right)
        if isinstance(node, ast.Subscript):
            return re.fullmatch(r"\w+\.shape\[\d+\]", ast.unparse(node)) is not None
        return isinstance(node, ast.Name) and node.id in self.numbers

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = ast.unparse(node.targets[0])
        if target in self.once and self.is_number(node.value):
            self.numbers.add(target)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.constants and isinstance(node.ctx, ast.Load):
            return _parsed(self.dialect.constant[1](node.id, self.context.owner))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr == "itemsize":
            return _parsed(self.dialect.itemsize(ast.unparse(node.value)))
        if node.attr == "mT" and "mT" in self.dialect.calls:
            return _parsed(self.dialect.calls["mT"](self.context, ast.unparse(node.value)))
        text = ast.unparse(node)
        if re.fullmatch(r"np\.[\w.]+", text):
            raise self.refuse(text)
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        of_vector = ast.dump(node) in self.of_vectors
        self.generic_visit(node)
        name = _OPERATORS.get(type(node.op), "")
        if of_vector and isinstance(node.left, ast.Attribute) and node.left.attr == "T":
            factors = (_inside(n) for n in (node.right, node.left.value))
            return _parsed(self.dialect.calls["vecmat"](self.context, *factors))
        spelling = self.dialect.calls.get(name)
        if spelling is None:
            return node
        return _parsed(spelling(self.context, *(_inside(n) for n in (node.left, node.right))))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        node = ast.Subscript(self.visit(node.value), node.slice, node.ctx)
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if self.dialect.reversed_slices:
            return self._with_ellipsis(node, places)
        for axis, place in enumerate(places):
            if isinstance(place, ast.Slice) and place.step is not None:
                step = ast.literal_eval(place.step)
                if step < 0:
                    return self._reversed(node, places, axis, place, -step)
        return node

    def _with_ellipsis(self, node: ast.Subscript, places: list[Any]) -> ast.AST:
        """A[0] as A[0, ...], where the library asks for a place for every axis."""
        whole = ast.unparse(places[-1]) in (":", "None") or any(
            ast.unparse(p) == "..." for p in places
        )
        if not self.dialect.every_axis or whole or ast.unparse(node.value).endswith(".shape"):
            return node
        if self.function.name in self.quoted:
            return node
        return ast.Subscript(node.value, ast.Tuple([*places, ast.Constant(...)]), node.ctx)

    def _reversed(
        self, node: ast.Subscript, places: list[Any], axis: int, place: ast.Slice, step: int
    ) -> ast.AST:
        """x[5:1:-2] as x[3:6:2], flipped."""
        if place.lower is None:
            raise self.refuse(f"the slice {ast.unparse(node)}")
        last = ast.literal_eval(place.lower)
        stop = -1 if place.upper is None else ast.literal_eval(place.upper)
        first = last - step * ((last - stop - 1) // step)
        parts = [ast.unparse(p) for p in places]
        parts[axis] = f"{first}:{last + 1}:{step}" if step > 1 else f"{first}:{last + 1}"
        forward = f"({ast.unparse(node.value)})[{', '.join(parts)}]"
        return _parsed(self.dialect.calls["flip"](self.context, forward, str(axis)))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name, arguments = _called(node)
        if name is None:
            node = self.generic_visit(node)  # type: ignore[assignment]
            if isinstance(node.func, ast.Name) and node.func.id in self.quoted:
                self._wrap_numbers(node, self.quoted[node.func.id])
            return node
        values = [self.visit(a) for a in arguments]
        literal = [a for a in values if self.is_number(a)]
        if name in self.dialect.arrays and values and len(literal) == len(values):
            number = self._folded(name, values)
            if number is not None:
                return number
        if name in self.dialect.arrays:
            values = [self._as_array(a) if self.is_number(a) else a for a in values]
        elif name == "where" and len(literal) == 2:
            values = [values[0], *map(self._as_array, literal)]
        elif name in _OF_ARRAYS and values and self.is_number(values[0]):
            values[0] = self._as_array(values[0])
        elif name == "einsum":
            values[1:] = [self._as_array(a) if self.is_number(a) else a for a in values[1:]]
        spelling = self.dialect.calls.get(name)
        if spelling is None:
            raise self.refuse(f"np.{name}")
        texts = [ast.unparse(a) for a in values]
        options = {k.arg: ast.unparse(self.visit(k.value)) for k in node.keywords if k.arg}
        try:
            return _parsed(spelling(self.context, *texts, **options))
        except (TypeError, ValueError, NotImplementedError):
            raise self.refuse(ast.unparse(node)) from None

    def _as_array(self, node: ast.AST) -> Any:
        return _parsed(self.context.number(ast.unparse(node)))

    def _wrap_numbers(self, node: ast.Call, parameters: Sequence[str]) -> None:
        """A quoted function of numbers gets them as arrays: it may ask for their dtype."""
        if "number" not in self.dialect.flags:
            return
        node.args = [
            self._as_array(a) if self.is_number(a) and p not in _COUNTS else a
            for a, p in zip(node.args, parameters, strict=True)
        ]

    def _folded(self, name: str, values: Sequence[ast.AST]) -> ast.AST | None:
        """np.log(2) as a number."""
        try:
            numbers = [float(ast.literal_eval(ast.unparse(v))) for v in values]
        except ValueError:
            return None
        with np.errstate(all="ignore"):
            result = float(getattr(np, name)(*numbers))
        return _parsed(repr(result)) if np.isfinite(result) else None


def _products_with_vectors(generated: Generated) -> set[str]:
    """The products of a matrix and a vector, as ``ast.dump`` has them."""
    return {
        ast.dump(_parsed(product.text))
        for product in generated.contractions
        if len(product.axes) == 2 and len(product.summed) == 1
    }


def _set_once(function: ast.FunctionDef) -> set[str]:
    """The names that are given one value in the function, whatever path is taken through it."""
    stored = [
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    return {name for name in stored if stored.count(name) == 1}


def _inside(node: ast.AST) -> str:
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, (ast.BinOp, ast.UnaryOp)) else text


def _parsed(text: str) -> Any:
    return ast.parse(text.strip(), mode="eval").body


def _called(node: ast.Call) -> tuple[str | None, list[ast.expr]]:
    """The NumPy name that is called, methods of arrays included, and its arguments."""
    function = node.func
    if not isinstance(function, ast.Attribute):
        return None, node.args
    text = ast.unparse(function)
    if re.fullmatch(r"np\.[\w.]+", text):
        return text[3:], node.args
    if function.attr not in _METHODS or ast.unparse(function.value) == "math":
        return None, node.args
    arguments = node.args
    if function.attr in ("reshape", "transpose") and not isinstance(arguments[0], ast.Tuple):
        together = len(arguments) == 1 and not isinstance(arguments[0], (ast.Constant, ast.Starred))
        if not together:
            arguments = [ast.Tuple(list(arguments), ast.Load())]
    return function.attr, [function.value, *arguments]


def is_fresh(source: str, name: str) -> list[bool]:
    """For each output, whether it surely is an array of its own, no view and no argument."""
    functions = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    (main,) = [f for f in functions if f.name == name]
    assigned = {ast.unparse(n.targets[0]): n.value for n in main.body if isinstance(n, ast.Assign)}
    last = main.body[-1]
    assert isinstance(last, ast.Return)
    returned = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    fresh: list[bool] = []
    seen: list[ast.AST | None] = []
    for value in returned:
        while isinstance(value, ast.Name) and value.id in assigned:
            value = assigned[value.id]
        called = value.func if isinstance(value, ast.Call) else None
        makes = isinstance(called, ast.Attribute) and called.attr in ("outer", "sum", "tensordot")
        made = makes or isinstance(value, (ast.BinOp, ast.UnaryOp))
        fresh.append(made and not any(value is other for other in seen))
        seen.append(value)
    return fresh
