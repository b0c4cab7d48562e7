"""Arguments given once: what depends on nothing else is computed then, and not in every call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from tensorcalc.codegen.generate import Generated
from tensorcalc.codegen.product import Contraction

__all__ = ["bound"]


Early = tuple[str, ast.expr]  # a name, and what it stands for


def bound(generated: Generated, values: Mapping[str, np.ndarray]) -> Generated:
    """A function of the other arguments; ``values`` are checked arrays by name."""
    tree = ast.parse(generated.source)
    function = next(
        s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == generated.name
    )
    words = dict(zip(generated.arguments, (a.arg for a in function.args.args), strict=True))
    hoisting = _Hoisting({words[name] for name in values}, function)
    function.body = hoisting.rest(function.body)
    function.args.args = [a for a in function.args.args if a.arg not in hoisting.known]
    arrays = _computed(generated, hoisting.early, {words[n]: v for n, v in values.items()})
    used = _names(function)
    kept = {word: value for word, value in arrays.items() if word in used}
    told = [
        *(f"# {words[name]} is bound" for name in values if words[name] in kept),
        *(f"# {word} = {ast.unparse(value)}" for word, value in hoisting.early if word in kept),
    ]
    while function.name in kept:  # E = f(x), all of which is bound
        function.name += "_"
    others = [s for s in tree.body if s is not function]
    source = "\n".join([*(f"{ast.unparse(s)}\n" for s in others), *told, ast.unparse(function), ""])
    return replace(
        generated,
        name=function.name,
        source=source,
        arguments=tuple(name for name in generated.arguments if name not in values),
        constants={**generated.constants, **kept},
        contractions=hoisting.left_of(generated.contractions),
    )


def _computed(
    generated: Generated, early: list[Early], values: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The values of what is computed early; nobody can change them."""
    names = dict(generated.constants) | dict(generated.functions) | dict(values)
    module = ast.parse(generated.source)
    exec(compile(module, f"<tensorcalc {generated.name}>", "exec"), names)
    names |= values  # a function of the source could bear the same name
    for word, value in early:
        code = ast.fix_missing_locations(ast.Expression(value))
        names[word] = eval(compile(code, f"<tensorcalc {generated.name}, bound>", "eval"), names)
    found = {}
    for word in [*values, *(word for word, _ in early)]:
        value = names[word]
        if isinstance(value, np.ndarray):
            value = value.copy()
            value.flags.writeable = False
        found[word] = value
    return found


class _Hoisting(ast.NodeTransformer):
    """Takes out of a function what depends on ``known`` names alone."""

    def __init__(self, known: set[str], function: ast.FunctionDef) -> None:
        self.known = set(known)
        self.early: list[Early] = []
        local = {a.arg for a in function.args.args}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                local.add(node.id)
        self.local = local
        self.taken = local | _names(function)  # of an earlier binding, and of functions given
        self.changed = {name for s in function.body for name in _written(s)}

    def rest(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of every call; ``early`` holds the others."""
        left: list[ast.stmt] = []
        for statement in body:
            if (
                isinstance(statement, ast.Assign)
                and isinstance(statement.targets[0], ast.Name)
                and statement.targets[0].id not in self.changed
                and self._is_known(statement.value)
            ):
                self.early.append((statement.targets[0].id, statement.value))
                self.known.add(statement.targets[0].id)
            else:
                left.append(self._with_own_memory(self.visit(statement)))
        return left

    def left_of(self, contractions: Iterable[Contraction]) -> tuple[Contraction, ...]:
        """The products of arrays that every call forms, with the new names in their code."""
        words = {ast.dump(value): word for word, value in self.early}
        left = []
        for contraction in contractions:
            code = ast.parse(contraction.text, mode="eval").body
            if not (self._is_known(code) and _names(code) & self.known):
                text = ast.unparse(_Named(words).visit(code))
                left.append(replace(contraction, text=text))
        return tuple(left)

    def _with_own_memory(self, statement: ast.stmt) -> ast.stmt:
        """What is written to later must not be what was computed once."""
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Name):
            copied = ast.Attribute(statement.value, "copy", ast.Load())
            statement.value = ast.Call(copied, [], [])
        return statement

    def _is_known(self, node: ast.AST) -> bool:
        return (_names(node) & self.local) <= self.known

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and self._is_work(node) and self._is_known(node):
            word = self._word()
            self.early.append((word, node))
            self.known.add(word)
            self.local.add(word)
            self.taken.add(word)
            return ast.Name(word, ast.Load())
        return super().generic_visit(node)

    def _is_work(self, node: ast.expr) -> bool:
        """Whether something is computed from a known array, not just looked at."""
        if not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Call)):
            return False
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr in ("transpose", "reshape"):
            return False  # a view
        return bool(_names(node) & self.known)

    def _word(self) -> str:
        k = 1
        while f"known{k}" in self.taken:
            k += 1
        return f"known{k}"


class _Named(ast.NodeTransformer):
    """Writes ``words`` for the code that they stand for."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def visit(self, node: ast.AST) -> ast.AST:
        word = self.words.get(ast.dump(node))
        return super().visit(node) if word is None else ast.Name(word, ast.Load())


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _written(statement: ast.stmt) -> set[str]:
    """The names of arrays that a statement changes in place."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return set()
    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        return _names(target)
    return set()
