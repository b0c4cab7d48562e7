"""Source for Numba in few and short functions: the time to compile grows faster than their length.

Numba makes a loop of every expression of entries, each at the price of a function. So what is used
once joins the expression that uses it, and what is computed of several arrays in the same way, as
by the layers of a network, becomes one function.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tensorcalc.backends.forms import statements

__all__ = ["Pattern", "in_parts"]

_CHEAP = (ast.Add, ast.Sub, ast.Mult)  # may be done again for every entry of a larger array

# For an expression, the arguments of the function that stands for it; None for any other.
Pattern = Callable[[ast.expr], "list[ast.expr] | None"]


def in_parts(
    source: str,
    entrywise: Collection[str],
    patterns: Mapping[Callable[..., Any], Pattern],
    decorator: str,
) -> str:
    """The source, its last function written with functions that several of its lines call.

    ``entrywise`` are the names of NumPy that act entry by entry, ``patterns`` what functions of our
    own stand for; ``decorator`` is that of new functions.
    """
    tree = ast.parse(source)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    main = functions[-1]
    targets = [_target(line) for line in main.body[:-1]]
    given = {argument.arg for argument in main.args.args}
    if not all(targets) or len(set(targets) - given) < len(targets):
        return source  # in which a name may have several values
    first = main.decorator_list[0].lineno - 1
    head = "\n".join(source.splitlines()[:first]).rstrip()
    taken = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    taken |= {f.name for f in functions} | {a.arg for f in functions for a in f.args.args}
    vectorised = {f.name for f in functions if "vectorize" in ast.unparse(f.decorator_list[0])}
    _join(main, vectorised | {f"np.{name}" for name in entrywise})
    calling = _Calling(patterns, taken)
    calling.visit(main)
    fixed = {f.name for f in functions} | set(calling.names.values()) | {"np"}
    new = [f"{decorator}\n{part}" for part in (*calling.sources(), *_shared(main, fixed, taken))]
    comment = "".join(source.rstrip("\n").rpartition("\n")[2].partition("  # ")[1:])
    decorators = "\n".join(source.splitlines()[first : main.lineno - 1])
    main.decorator_list = []
    text = f"{decorators}\n{ast.unparse(ast.fix_missing_locations(main))}{comment}\n"
    return "\n\n\n".join([head, *new, text])


def _target(line: ast.stmt) -> str:
    """The name that a line gives a value; no text where it is another statement."""
    target = line.targets[0] if isinstance(line, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of name_1, name_2, … that is free."""
    tried = itertools.chain([name], (f"{name}_{k}" for k in itertools.count(1)))
    found = next(n for n in tried if n not in taken)
    taken.add(found)
    return found


# ── what is used once ─────────────────────────────────────────────────────────────────────


def _join(main: ast.FunctionDef, entrywise: Collection[str]) -> None:
    """Put what is used once into the expression of entries that uses it."""
    loaded = [
        n.id for n in ast.walk(main) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    ]
    joining = _Joining(entrywise)
    for line in main.body:
        joining.visit(line)
        once = loaded.count(_target(line)) == 1
        if once and isinstance(line, ast.Assign) and _may_join(line.value):
            joining.waiting[_target(line)] = line.value
    main.body = [line for line in main.body if _target(line) not in joining.joined]


def _may_join(value: ast.expr) -> bool:
    """Whether a value is no more work in an expression with more entries than it has."""
    if isinstance(value, ast.UnaryOp):
        return _is_cheap(value.operand)
    if not isinstance(value, ast.BinOp):
        return False
    if isinstance(value.op, ast.MatMult):
        return True  # which is done once, wherever it stands
    return isinstance(value.op, _CHEAP) and _is_cheap(value.left) and _is_cheap(value.right)


def _is_cheap(part: ast.expr) -> bool:
    return not isinstance(part, (ast.UnaryOp, ast.BinOp, ast.Call)) or _may_join(part)


class _Joining(ast.NodeTransformer):
    """Puts the values of ``waiting`` where an operation on entries has their names."""

    def __init__(self, entrywise: Collection[str]) -> None:
        self.entrywise = entrywise
        self.waiting: dict[str, ast.expr] = {}
        self.joined: set[str] = set()

    def _joined(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Name) or node.id not in self.waiting:
            return node
        self.joined.add(node.id)
        return self.waiting[node.id]

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            node.left, node.right = self._joined(node.left), self._joined(node.right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        node.operand = self._joined(node.operand)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node.func) in self.entrywise:
            node.args = [self._joined(a) for a in node.args]
        return node


# ── functions of our own ──────────────────────────────────────────────────────────────────


class _Calling(ast.NodeTransformer):
    """Calls a function of ``patterns`` for each expression that it stands for."""

    def __init__(self, patterns: Mapping[Callable[..., Any], Pattern], taken: set[str]) -> None:
        self.patterns, self.taken = patterns, taken
        self.names: dict[Callable[..., Any], str] = {}

    def visit(self, node: ast.AST) -> ast.AST:
        node = self.generic_visit(node)
        for function, arguments in self.patterns.items():
            found = arguments(node) if isinstance(node, ast.expr) else None
            if found is not None:
                if function not in self.names:
                    self.names[function] = _free(function.__name__, self.taken)
                return ast.Call(ast.Name(self.names[function], ast.Load()), found, [])
        return node

    def sources(self) -> Iterator[str]:
        """The functions that are called."""
        for function, name in self.names.items():
            tree, _ = statements(function)
            tree.name = name
            yield ast.unparse(tree)


# ── what is computed in the same way ──────────────────────────────────────────────────────


@dataclass
class _Place:
    """A value in the function, and how to put another in its place.

    ``names`` are what it is computed of, ``form`` is its text with numbers for them.
    """

    text: str
    put: Callable[[ast.expr], None]
    names: list[str]
    form: str


def _shared(main: ast.FunctionDef, fixed: Collection[str], taken: set[str]) -> list[str]:
    """Functions for what ``main`` computes more than once, which it is made to call."""
    places = list(_places(main, fixed))
    count = Counter(place.form for place in places)
    parts: dict[str, str] = {}
    sources = []
    for place in places:
        if count[place.form] == 1:
            continue
        if place.form not in parts:
            part = parts[place.form] = _free(f"part_{len(parts) + 1}", taken)
            parameters = ", ".join(place.names)
            sources.append(f"def {part}({parameters}):\n    return {place.text}")
        arguments: list[ast.expr] = [ast.Name(name, ast.Load()) for name in place.names]
        place.put(ast.Call(ast.Name(parts[place.form], ast.Load()), arguments, []))
    return sources


def _places(main: ast.FunctionDef, fixed: Collection[str]) -> Iterator[_Place]:
    """What the lines compute, and what is returned."""
    for line in main.body:
        assert isinstance(line, (ast.Assign, ast.Return))
        value = line.value
        if not isinstance(value, ast.Tuple):
            if value is not None and _is_work(value):
                yield _place(value, fixed, lambda new, line=line: setattr(line, "value", new))
            continue
        for k, one in enumerate(value.elts):
            if _is_work(one):
                yield _place(one, fixed, lambda new, of=value.elts, k=k: of.__setitem__(k, new))


def _place(value: ast.expr, fixed: Collection[str], put: Callable[[ast.expr], None]) -> _Place:
    text = ast.unparse(value)
    tree = ast.parse(text, mode="eval")
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in fixed]
    names = list(dict.fromkeys(n.id for n in sorted(found, key=lambda n: n.col_offset)))
    for node in found:
        node.id = f"_{names.index(node.id)}"
    return _Place(text, put, names, ast.unparse(tree))


def _is_work(value: ast.expr) -> bool:
    """Whether an expression is more than a name, a view or one call."""
    if isinstance(value, ast.Call) and all(
        isinstance(a, (ast.Name, ast.Constant)) for a in value.args
    ):
        return False
    return any(isinstance(n, (ast.BinOp, ast.UnaryOp, ast.Call)) for n in ast.walk(value))
