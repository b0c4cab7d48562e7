"""Calls and entries: functions of the language with their arguments, axes, sizes, conditions."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from tensorcalc.reading.base import is_text, literal
from tensorcalc.reading.faults import Edit, cut
from tensorcalc.reading.operators import OperatorReader
from tensorcalc.tensor import Tensor
from tensorcalc.vocabulary import (
    COMPARISONS,
    FUNCTION_NAMES,
    WITH_AXIS,
    WITH_CONDITION,
    WITH_SIZES,
    WITH_TEXT,
)

__all__ = ["CallReader"]


_LARGER = {"max": "maximum", "min": "minimum"}


class CallReader(OperatorReader):
    """Reads f(…) of a function of the language, and x[…]."""

    def _apply(self, node: ast.Call, name: str, depth: int) -> Tensor | None:
        """A function of the language."""
        if name in WITH_SIZES:
            return self._with_sizes(node, name)
        if name in _LARGER and len(node.args) == 2 and not node.keywords:
            larger = self._larger(node, name, depth)
            if larger:
                return larger[0]
        if name == "norm" and (order := _order(node)) is not None:
            return self._norm_of_order(node, order, depth)
        axes = self._axes(node, name)
        if axes is None:
            return None
        positional, options = axes
        arguments = self._arguments(node, name, positional, depth)
        if arguments is None or not self._fits(node, name, len(arguments), options):
            return None
        if any(argument is None for argument in arguments):
            return None
        return self._attempt(
            node, lambda *values: FUNCTION_NAMES[name](*values, **options), *arguments
        )

    def _larger(self, node: ast.Call, name: str, depth: int) -> tuple[Tensor | None] | None:
        """max(a, b), which is the larger of two in Python and takes an axis in NumPy."""
        function, (first, second) = _LARGER[name], node.args
        if literal(second) is not None:
            value = self._read(first, depth + 1)
            if value is None or value.form == "matrix":
                return None if value is not None else (None,)
        if function not in FUNCTION_NAMES:
            return None
        a, b = self._operand(first), self._operand(second)
        span = self.written.span(node.func)
        hint, edits = f"write {function}({a}, {b})", [Edit(*span, function)]
        if literal(second) is not None and literal(first) is None:
            hint, edits = f"{hint} for the {name}imum of both, {name}({a}) for all entries", None
        self._fault(node, f"{name} of two values", hint, edits)
        if edits is None:
            return (None,)
        return (
            self._attempt(
                node,
                FUNCTION_NAMES[function],
                *(self._read(argument, depth + 1) for argument in node.args),
            ),
        )

    def _norm_of_order(self, node: ast.Call, order: ast.expr, depth: int) -> Tensor | None:
        """norm(x, 1) and norm(x, ord=1), where NumPy has the order and others an axis."""
        inner, number, base = node.args[0], literal(order), self._operand(node.args[0])
        function = {1: "norm1", 2: "norm"}.get(number or 0, "")
        _, end = self.written.outer(inner)
        _, closing = self.written.call(node)
        edits = None
        if function in FUNCTION_NAMES:
            edits = [Edit(*self.written.span(node.func), function), Edit(end, closing.start, "")]
        hint = (
            f"write {function}({base})" if edits else "write norm(x), norm1(x) or norm(A, axis=0)"
        )
        self._fault(node, f"norm of {base} with an order", hint, edits)
        value = self._read(inner, depth + 1)
        return self._attempt(node, FUNCTION_NAMES[function], value) if edits else None

    def _fits(self, node: ast.Call, name: str, count: int, options: dict[str, int]) -> bool:
        """Whether the function takes so many arguments."""
        function = FUNCTION_NAMES[name]
        parameters = inspect.signature(function).parameters.values()
        places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        places = [p for p in places if p.name != "axis"]
        least = sum(p.default is p.empty for p in places)
        most = len(places)
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            most = 1_000
        if arity := getattr(getattr(function, "record", None), "arity", None):
            least = most = arity
        if least <= count <= most:
            return True
        few = str(least) if least == most else f"{least} to {most}"
        self._fault(
            node,
            f"{name} takes {few} argument{'' if few == '1' else 's'}, and {count} "
            f"{'is' if count == 1 else 'are'} given",
            "write where(x > 0, a, b)"
            if name in WITH_CONDITION
            else f"write {name}({', '.join('xyzuvw'[: max(least, 1)])})",
        )
        return False

    def _axes(self, node: ast.Call, name: str) -> tuple[list[ast.expr], dict[str, int]] | None:
        """The positional arguments, and the axis where one is given."""
        positional, options = list(node.args), {}
        for keyword in node.keywords:
            allowed = name in WITH_AXIS and keyword.arg in ("axis", "dim") and not options
            if not allowed:
                self._wrong_keyword(node, name, keyword)
                return None
            if keyword.arg == "dim":
                start = self.written.span(keyword.value)[0]
                begin = self.written.text.rfind("dim", 0, start)
                self._fault(
                    keyword.value,
                    "dim= is not in the language",
                    "write axis=",
                    [Edit(begin, begin + 3, "axis")],
                )
            axis = self._whole(keyword.value, "axis is a whole number, such as 0 or 1")
            if axis is None:
                return None
            options["axis"] = axis
        if name in WITH_AXIS and len(positional) == 2 and not options:
            axis = self._whole(positional.pop(), "axis is a whole number, such as 0 or 1")
            if axis is None:
                return None
            options["axis"] = axis
        return positional, options

    def _wrong_keyword(self, node: ast.Call, name: str, keyword: ast.keyword) -> None:
        given = cut(keyword.arg or "**")
        hint = "give arguments by position; only reductions take axis="
        if keyword.arg in ("keepdims", "keepdim"):
            hint = f"leave it out: {name} along an axis stays a row or a column"
        elif name in WITH_AXIS and keyword.arg in ("axis", "dim"):
            hint = "give one axis"
        self._fault(node, f"{name} takes no argument {given}=", hint)

    def _whole(self, node: ast.expr, hint: str) -> int | None:
        number = literal(node)
        if number is None:
            if isinstance(node, ast.Constant) and node.value is None:
                hint = "leave it out"
            self._fault(node, f"{self._text(node)} is no whole number", hint)
        return number

    def _arguments(
        self, node: ast.Call, name: str, positional: list[ast.expr], depth: int
    ) -> list[Any] | None:
        """The values of the arguments; None for one that is faulty, or for all of them."""
        first: list[Any] = []
        rest = positional
        if name in WITH_TEXT:
            if not positional or not is_text(positional[0]):
                self._fault(
                    node,
                    f"{name} without its indices",
                    f'write them first in quotes: {name}("ij,j->i", W, x)',
                )
                return None
            first, rest = [positional[0].value], positional[1:]  # type: ignore[attr-defined]
        elif name in WITH_CONDITION and positional:
            first, rest = [self._condition(positional[0], name, depth)], positional[1:]
        return first + [self._read(argument, depth + 1) for argument in rest]

    def _condition(self, node: ast.expr, name: str, depth: int) -> Any:
        if not isinstance(node, ast.Compare):
            self._fault(
                node, f"the condition of {name} is no comparison", f"write {name}(x > 0, a, b)"
            )
            return None
        if len(node.ops) > 1:
            self._fault(
                node,
                "several comparisons in a row",
                f"write one: {name}(x > 0, {name}(x < 1, a, b), b)",
            )
            return None
        if type(node.ops[0]) not in COMPARISONS:
            known = {ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<="}
            signs = " ".join(s for t, s in known.items() if t in COMPARISONS) or "> <"
            self._fault(
                node, f"{self._text(node)} is no condition here", f"compare with one of {signs}"
            )
            return None
        left = self._read(node.left, depth + 1)
        right = self._read(node.comparators[0], depth + 1)
        if left is None or right is None:
            return None
        return self._attempt(node, COMPARISONS[type(node.ops[0])], left, right)

    def _with_sizes(self, node: ast.Call, name: str) -> Tensor | None:
        most = WITH_SIZES[name]
        if node.keywords or not 1 <= len(node.args) <= most:
            self._fault(
                node,
                f"{name} with {len(node.args) + len(node.keywords)} arguments",
                f"give {name} {'one size' if most == 1 else 'one size or two'}",
            )
            return None
        sizes: list[Any] = []
        for argument in node.args:
            if isinstance(argument, ast.Name):
                sizes.append(argument.id)
            else:
                hint = "give sizes as whole numbers or names of dimensions"
                sizes.append(self._whole(argument, hint))
        if None in sizes:
            return None
        for size in sizes:
            if isinstance(size, str) and size not in self.dims:
                known = f", or one of {', '.join(sorted(self.dims))}" if self.dims else ""
                self._fault(
                    node, f"{cut(size)} is no dimension of a variable", f"give a number{known}"
                )
                return None
        return self._attempt(node, FUNCTION_NAMES[name], *sizes)

    # ── entries and slices ───────────────────────────────────────────────────────────────

    def _subscript(self, node: ast.Subscript, depth: int) -> Tensor | None:
        inner = self._read(node.value, depth + 1)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        before = len(self.faults.found)
        indices = tuple(self._index(part) for part in parts)
        if inner is None or len(self.faults.found) > before:
            return None
        index = indices if isinstance(node.slice, ast.Tuple) else indices[0]
        return self._attempt(node, lambda t: t[index], inner)

    def _index(self, node: ast.expr) -> int | slice | None:
        hint = "entries have constant whole numbers: x[0], A[0, 1], A[:, 1]"
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if end is None else self._whole(end, hint) for end in ends))
        return self._whole(node, hint)


def _order(node: ast.Call) -> ast.expr | None:
    """The order of a norm as NumPy and PyTorch take it."""
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if len(node.args) == 2 and not given:
        return node.args[1]
    if len(node.args) == 1 and len(given) == 1:
        return given.get("ord", given.get("p"))
    return None
