"""Functions of numbers of axes as one function for each number, for libraries with static types.

The dimension of norm(X, 1) depends on the value 1: Numba can give it a type once that is written
into the function.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Mapping

__all__ = ["counted"]


def counted(source: str, counts: Collection[str]) -> str:
    """The source with the parameters of these names replaced by the numbers they are given."""
    tree = ast.parse(source)
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    places = {
        name: found
        for name, f in functions.items()
        if (found := [k for k, a in enumerate(f.args.args) if a.arg in counts])
    }
    if not places:
        return source
    writing = _Writing(functions, places)
    *head, main = source.split("\n\n\n")
    kept = [block for block in head if not any(f"\ndef {name}(" in block for name in places)]
    body = ast.parse(main)
    writing.visit(body)
    decorators = main[: main.index("def ")]
    comment = "".join(main.rstrip("\n").rpartition("\n")[2].partition("  # ")[1:])
    function = body.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list = []
    text = f"{decorators}{ast.unparse(ast.fix_missing_locations(function))}{comment}\n"
    return "\n\n\n".join([*kept, *writing.sources.values(), text])


class _Writing(ast.NodeTransformer):
    """Calls norm_1(X) for norm(X, 1), and writes that function."""

    def __init__(
        self, functions: Mapping[str, ast.FunctionDef], places: Mapping[str, list[int]]
    ) -> None:
        self.functions, self.places = functions, places
        self.sources: dict[str, str] = {}

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func)
        if name not in self.places:
            return node
        given = [ast.literal_eval(node.args[k]) for k in self.places[name]]
        new = "_".join([name, *map(str, given)])
        while any(new in (f.name, *(a.arg for a in f.args.args)) for f in self.functions.values()):
            new += "_"
        if new not in self.sources:
            self.sources[new] = self._written(name, new, given)
        left = [a for k, a in enumerate(node.args) if k not in self.places[name]]
        return ast.Call(ast.Name(new, ast.Load()), left, [])

    def _written(self, name: str, new: str, given: list[int]) -> str:
        function = copy.deepcopy(self.functions[name])
        parameters = function.args.args
        values = {parameters[k].arg: v for k, v in zip(self.places[name], given, strict=True)}
        function.name = new
        function.args.args = [a for a in parameters if a.arg not in values]
        decorator = "".join(f"@{ast.unparse(d)}\n" for d in function.decorator_list)
        function.decorator_list = []
        return decorator + ast.unparse(_Numbers(values).visit(function))


class _Numbers(ast.NodeTransformer):
    """Puts numbers for names."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(self.values[node.id]) if node.id in self.values else node
