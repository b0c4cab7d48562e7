"""Programs: text to quantities by name, through ``ast`` and an allow-list; nothing is run."""

from __future__ import annotations

import ast
import contextlib
import difflib
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from tensorcalc.derivative import Derivative, derivative, gradient
from tensorcalc.errors import ParseError, ShapeError, TensorCalcError, UnknownNameError
from tensorcalc.tensor import Tensor, as_tensor, define, variable
from tensorcalc.vocabulary import FUNCTION_NAMES, WITH_AXIS, WITH_SIZES

__all__ = ["Program", "parse", "program"]

_LONGEST = 100_000
_DEEPEST = 150

_OPERATORS: dict[type[ast.operator], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.MatMult: lambda a, b: a @ b,
    ast.Pow: lambda a, b: a**b,
}


class Program(Mapping[str, Tensor]):
    """The quantities of a program by name: its variables and its definitions.

    ``result`` is the last line, named or not; ``text`` is the program as given.
    """

    def __init__(self, text: str, quantities: dict[str, Tensor], result: Tensor) -> None:
        self.text = text
        self.result = result
        self._quantities = quantities

    def __getitem__(self, name: str) -> Tensor:
        if isinstance(name, str):
            name = unicodedata.normalize("NFKC", name)
            if name in self._quantities:
                return self._quantities[name]
        close = difflib.get_close_matches(str(name), self._quantities, 1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(self._quantities)}"
        raise UnknownNameError(f"the program has no quantity named {name!r}", hint)

    def __iter__(self) -> Iterator[str]:
        return iter(self._quantities)

    def __len__(self) -> int:
        return len(self._quantities)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._quantities.values()))

    def derivative(self, of: Any, wrt: Any, /, *more: Any, **options: Any) -> Derivative:
        """``tc.derivative`` of quantities given by name."""
        quantities = [self._quantity(q) for q in (of, wrt, *more)]
        held = options.get("holding")
        if isinstance(held, (str, Tensor)):
            options["holding"] = [self._quantity(held)]
        elif isinstance(held, (list, tuple, set, frozenset)):
            options["holding"] = [self._quantity(q) for q in held]
        return derivative(*quantities, **options)

    def gradient(self, of: Any, wrt: Any, /) -> Derivative:
        """``tc.gradient`` of quantities given by name."""
        return gradient(self._quantity(of), self._quantity(wrt))

    def _quantity(self, q: Any) -> Tensor:
        return q if isinstance(q, Tensor) else self[q]


def parse(text: str, shapes: Any = None, /, **named: Any) -> Program:
    """The program that ``text`` writes, over variables of the shapes given.

    Lines or ``;``-separated ``name = expression``; the last may be a bare expression. Shapes
    are ints, tuples, names such as ``"k n"`` or arrays, by keyword, or as a mapping or pairs.
    Raises ParseError for text that the language does not have, ShapeError where it does not fit.

    >>> import tensorcalc as tc
    >>> tc.parse("v = W @ x; s = sigmoid(v)", W=(5, 4), x=4)["s"]
    s = σ(v) : 5 × 1 column
    """
    try:
        given = dict(shapes.items() if isinstance(shapes, Mapping) else shapes or ()) | named
    except (TypeError, ValueError):
        raise ShapeError(
            f"the shapes of a program given as {type(shapes).__name__}",
            'give a mapping or pairs of names and shapes, such as {"W": (5, 4), "x": 4}',
        ) from None
    # ast normalises names so; without this "ﬁ" in the text and in the shapes would differ
    given = {
        unicodedata.normalize("NFKC", name) if isinstance(name, str) else name: shape
        for name, shape in given.items()
    }
    quantities = {name: variable(name, shape) for name, shape in given.items()}
    statements = _statements(text)
    result = None
    for place, statement in enumerate(statements):
        reader = _Reader(quantities, statement)
        if isinstance(statement, ast.Assign):
            name = _target(statement, quantities)
            result = define(name, reader.read(statement.value))
            quantities[name] = result
        elif isinstance(statement, ast.Expr) and place == len(statements) - 1:
            result = reader.read(statement.value)
        else:
            reader.refuse(statement, "write each line as name = expression")
    assert result is not None
    return Program(text, quantities, result)


def program(source: Any, shapes: Any = None, /, **named: Any) -> Program:
    """A program from text: lines ``name = expression`` over variables of the shapes given.

    >>> import tensorcalc as tc
    >>> p = tc.program("v = W @ x; E = norm(v)**2 / 2", W=(5, 4), x=4)
    >>> p.derivative("E", "x")
    ∂E/∂x = vᵀ W : 1 × 4 row gradient, numerator
    """
    return parse(source, shapes, **named)


def _statements(text: object) -> list[ast.stmt]:
    if not isinstance(text, str):
        raise ParseError(
            f"a program given as {type(text).__name__}", 'give text such as "v = W @ x"'
        )
    if len(text) > _LONGEST:
        raise ParseError(
            f"a program of {len(text):,} characters", f"keep it under {_LONGEST:,} characters"
        )
    source = "\n".join(line.strip() for line in text.replace("\r", "\n").split("\n"))
    for symbol, spelt in (("⊙", "*"), ("ᵀ", ".T"), ("−", "-"), ("²", "**2"), ("³", "**3")):
        source = source.replace(symbol, spelt)
    if "\0" in source:
        raise ParseError("a program with a NUL character", "leave it out")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statements = ast.parse(source).body
    except SyntaxError as error:
        line = (error.text or "").strip() or source.split("\n")[max((error.lineno or 1) - 1, 0)]
        raise ParseError(
            f"line {error.lineno or 1}: {line[:60]!r} is no expression ({error.msg})",
            "write products with @ or *, powers with **",
        ) from None
    except (ValueError, MemoryError, RecursionError):
        raise ParseError(
            "the program cannot be read: it is nested too deeply or has NUL characters",
            "name parts of it on lines of their own",
        ) from None
    if not statements:
        raise ParseError("a program without a line", 'write at least one, such as "v = W @ x"')
    return statements


def _target(statement: ast.Assign, quantities: Mapping[str, Tensor]) -> str:
    target = statement.targets[0]
    if len(statement.targets) != 1 or not isinstance(target, ast.Name):
        raise ParseError(
            f"line {statement.lineno}: an assignment to something other than one name",
            "write name = expression",
        )
    name = target.id
    if name.startswith("_"):
        raise ParseError(
            f"line {statement.lineno}: {name} starts with an underscore", "choose another name"
        )
    if name in FUNCTION_NAMES:
        raise ParseError(
            f"line {statement.lineno}: {name} is a function", f"choose another name than {name}"
        )
    if name in quantities:
        raise ParseError(
            f"line {statement.lineno}: {name} already has a meaning",
            f"a name is assigned once; write {name}2 = …",
        )
    return name


class _Reader:
    """Reads the expression of one line."""

    def __init__(self, quantities: Mapping[str, Tensor], statement: ast.stmt) -> None:
        self.quantities = quantities
        self.statement = statement

    def read(self, node: ast.expr) -> Tensor:
        """The quantity an expression stands for; our errors name the line."""
        try:
            return self._read(node, 0)
        except ParseError:
            raise
        except TensorCalcError as error:
            message = f"line {self.statement.lineno}: {error}"
            hint = error.hint.replace("tc.", "") if error.hint else None
            raise type(error)(message, hint) from None

    def refuse(self, node: ast.AST, hint: str) -> NoReturn:
        """ParseError for a construct the language does not have."""
        what = type(node).__name__
        with contextlib.suppress(ValueError, RecursionError):
            what = ast.unparse(node)[:60]
        raise ParseError(f"line {self.statement.lineno}: {what} is not in the language", hint)

    def _read(self, node: ast.expr, depth: int) -> Tensor:
        if depth > _DEEPEST:
            raise ParseError(
                f"line {self.statement.lineno}: nested more than {_DEEPEST} deep",
                "name parts of it on lines of their own",
            )
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return as_tensor(_number(node.value, self.statement))  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            left, right = self._read(node.left, depth + 1), self._read(node.right, depth + 1)
            return _OPERATORS[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            inner = self._read(node.operand, depth + 1)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self._read(node.value, depth + 1).T
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            self.refuse(node, "write powers with **")
        return self.refuse(node, "use names, numbers, + - * / ** @, .T and the named functions")

    def _name(self, node: ast.Name) -> Tensor:
        if node.id in self.quantities:
            return self.quantities[node.id]
        if node.id in FUNCTION_NAMES:
            self.refuse(node, f"apply the function: {node.id}(…)")
        close = difflib.get_close_matches(node.id, self.quantities, 1, 0.7)
        raise ParseError(
            f"line {self.statement.lineno}: {node.id[:40]} has no shape and no definition",
            f"did you mean {close[0]}?" if close else f"add its shape: {node.id[:40]}=…",
        )

    def _call(self, node: ast.Call, depth: int) -> Tensor:
        if not isinstance(node.func, ast.Name):
            self.refuse(node, "call functions by their plain names, as in tanh(x)")
        name = node.func.id
        if name not in FUNCTION_NAMES:
            raise ParseError(
                f"line {self.statement.lineno}: there is no function {name[:40]}", _closest(name)
            )
        if name in WITH_SIZES:
            most = WITH_SIZES[name]
            if node.keywords or not 1 <= len(node.args) <= most:
                self.refuse(node, f"give {name} {'one size' if most == 1 else 'one size or two'}")
            return FUNCTION_NAMES[name](*(self._size(a) for a in node.args))
        options = [k for k in node.keywords if k.arg == "axis" and name in WITH_AXIS]
        if len(options) != len(node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            self.refuse(node, "give arguments by position; only reductions take axis=")
        positional = node.args
        if name in WITH_AXIS and len(positional) == 2 and not options:  # sum(W, 0)
            positional, axes = positional[:1], [positional[1]]
        else:
            axes = [k.value for k in options]
        arguments: list[Any] = [self._read(a, depth + 1) for a in positional]
        arguments += [self._axis(a) for a in axes]
        try:
            return FUNCTION_NAMES[name](*arguments)
        except TypeError:
            self.refuse(node, f"{name} does not take {len(arguments)} arguments")

    def _size(self, node: ast.expr) -> int | str:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name):
            return node.id
        return self.refuse(node, "give sizes as whole numbers or names of dimensions")

    def _axis(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant) and node.value in (0, 1):
            return int(node.value)
        return self.refuse(node, "axis is 0 (down each column) or 1 (along each row)")


_ALIASES = {
    "sigma": "sigmoid",
    "logistic": "sigmoid",
    "ln": "log",
    "tr": "trace",
    "arctg": "arctan",
}


def _closest(name: str) -> str:
    """The function that a misspelt name most likely means."""
    lower = name.lower()
    if lower in FUNCTION_NAMES or lower in _ALIASES:
        return f"did you mean {_ALIASES.get(lower, lower)}?"
    close = difflib.get_close_matches(lower, FUNCTION_NAMES, 1, 0.75)
    known = ", ".join(sorted(n for n in FUNCTION_NAMES if n.isascii()))
    return f"did you mean {close[0]}?" if close else f"the functions are {known}"


def _number(value: int | float, statement: ast.stmt) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise ParseError(
            f"line {statement.lineno}: a number too large to hold", "use a smaller one"
        )
    return number
