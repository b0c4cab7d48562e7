"""Operators of an expression: their values, and what was meant where another notation has them."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any

from tensorcalc.errors import ParseError, ShapeError, TensorCalcError
from tensorcalc.reading.base import Reader, fits, number_of
from tensorcalc.reading.faults import Edit, wrapped
from tensorcalc.reading.foreign import CONSTRUCT_HINT, MODULES, SIGN_HINTS
from tensorcalc.shapes import format_shape
from tensorcalc.tensor import Tensor, matrix_shape, title
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["OPERATIONS", "OperatorReader"]

_BINARY: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Tensor]]] = {
    ast.Add: ("+", lambda a, b: a + b),
    ast.Sub: ("-", lambda a, b: a - b),
    ast.Mult: ("*", lambda a, b: a * b),
    ast.Div: ("/", lambda a, b: a / b),
    ast.MatMult: ("@", lambda a, b: a @ b),
    ast.Pow: ("**", lambda a, b: a**b),
}
_ON_NUMBERS: dict[type[ast.operator], Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
OPERATIONS = dict(_BINARY.values())
_KINDS = {"scalar": "a scalar", "column": "a column", "row": "a row", "matrix": "a matrix"}

_GLUED = re.compile(r"\s=([A-Za-z_]\w*)\s*$")  # a name that clings to a single =


class OperatorReader(Reader):
    """Reads a op b."""

    def _binary(self, node: ast.BinOp, depth: int) -> Tensor | None:
        sign = self.written.operator(node)
        if isinstance(node.op, ast.Pow) and self._is_e(node.left):
            return self._power_of_e(node, depth)
        left, right = self._read(node.left, depth + 1), self._read(node.right, depth + 1)
        if sign.mark:
            return self._foreign(node, left, right)
        if type(node.op) not in _BINARY:
            hint = SIGN_HINTS.get(sign.text, CONSTRUCT_HINT)
            self._fault(node, f"{self._text(node)} is not in the language", hint)
            return None
        if not self._is_finite(node):
            return None
        return self._attempt(node, _BINARY[type(node.op)][1], left, right)

    def _is_finite(self, node: ast.BinOp) -> bool:
        """Whether the number that two numbers make can be held; True for other quantities."""
        a, b = self.numbers.get(node.left), self.numbers.get(node.right)
        operate = _ON_NUMBERS.get(type(node.op))
        if a is None or b is None or operate is None:
            return True
        try:
            number = operate(a, b)
        except ZeroDivisionError:
            return True
        except OverflowError:
            number = math.inf
        if isinstance(number, complex):
            return True
        if not math.isfinite(number):
            self._fault(node, "a number too large to hold", "use a smaller one")
            return False
        self.numbers[node] = number
        return True

    def _is_e(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id="e"):
                return "e" not in self.quantities
            case ast.Attribute(value=ast.Name(id=module), attr="e"):
                return module in MODULES and module not in self.quantities
        return False

    def _power_of_e(self, node: ast.BinOp, depth: int) -> Tensor | None:
        inner = self._read(node.right, depth + 1)
        (start, _), (begin, end) = self.written.span(node), self.written.span(node.right)
        _, last = self.written.outer(node.right)
        edits = [Edit(start, begin, "exp("), Edit.between(end, last, ")")]
        hint = f"write exp({self._text(node.right)})"
        self._fault(node, "powers of e are written exp", hint, edits)
        return None if inner is None else FUNCTION_NAMES["exp"](inner)

    def _foreign(self, node: ast.BinOp, left: Tensor | None, right: Tensor | None) -> Tensor | None:
        """An operator that another notation writes so."""
        sign = self.written.operator(node)
        scalar = any(t is not None and t.form == "scalar" for t in (left, right))
        if sign.mark == "·" and left is not None and right is not None:
            return self._attempt(node, OPERATIONS["*" if scalar else "@"], left, right)
        if sign.mark == "·" or (sign.mark == "×" and (left is None or right is None)):
            return None
        if sign.mark == "×" and scalar:
            return self._attempt(node, OPERATIONS["*"], left, right)
        if sign.mark in ("×", "side by side", "doubtful"):
            return self._product(node, left, right, scalar)
        if sign.mark == "\\":
            return self._solved(node, left, right)
        if sign.mark == "^":
            return self._power(node, left, right)
        edit = Edit(sign.start, sign.end, sign.text)
        self._fault(node, f"{sign.mark} is not in the language", self._as(node, sign.text), [edit])
        if left is None or right is None:
            return None
        return self._attempt(node, _BINARY[type(node.op)][1], left, right)

    def _as(self, node: ast.BinOp, sign: str) -> str:
        tight = sign == "**"
        between = sign if tight else f" {sign} "
        return f"write {self._operand(node.left)}{between}{self._operand(node.right)}"

    def _product(
        self, node: ast.BinOp, left: Tensor | None, right: Tensor | None, scalar: bool
    ) -> Tensor | None:
        """A product that does not say which: side by side, or with a cross."""
        sign = self.written.operator(node)
        glued = _GLUED.search(self.written.text[: sign.start])
        if glued is not None:  # v =s W @ x: a slip of the keyboard has no one meaning
            operator = f"={glued.group(1)}"
            self._fault(node, f"{operator} is not an operator", f"write = in place of {operator}")
            return None
        what = "without an operator between them"
        if sign.mark == "×":
            what = "with ×, which is read for numbers only"
        if left is None or right is None:
            self._fault(
                node,
                f"{self._operand(node.left)} and {self._operand(node.right)} {what}",
                f"{self._as(node, '@')}, or * entry by entry",
            )
            return None
        values = {"*": fits(OPERATIONS["*"], left, right)}
        if not scalar:
            values = {"@": fits(OPERATIONS["@"], left, right)} | values
        fitting = [symbol for symbol, value in values.items() if value is not None]
        if sign.mark == "side by side" and "@" in fitting:
            fitting = ["@"]  # which is what the notation means
        message = f"{title(left)} and {title(right)} {what}"
        if sign.mark == "doubtful":
            l, r = self._operand(node.left), self._operand(node.right)
            self._fault(node, message, f"write ({l}) * {r}, or put brackets around the product")
            return None
        if len(fitting) != 1 or (fitting == ["*"] and not scalar):
            self._fault(
                node,
                message,
                self._ways(node, fitting, left.form == right.form == "column"),
                kind=ParseError if fitting else ShapeError,
            )
            return None
        symbol = fitting[0]
        before = self.written.text[sign.start : sign.end]
        number = isinstance(node.left, ast.Constant) and not before
        edit = Edit.between(sign.start, sign.end, symbol if number else f" {symbol} ")
        if sign.mark == "×":
            edit = Edit(sign.start, sign.end, symbol)
        self._fault(node, message, self._as(node, symbol), [edit])
        return values[symbol]

    def _ways(self, node: ast.BinOp, fitting: list[str], columns: bool) -> str:
        """The products that may have been meant."""
        ways = [f"{self._as(node, '*')} entry by entry"]
        if not fitting:
            left, right = self._operand(node.left), self._operand(node.right)
            outer = f"write {left} @ {flipped(right, node.right)} for the outer product, or "
            return f"{outer if columns else ''}give them shapes that fit"
        if columns:
            left, right = self._operand(node.left), self._operand(node.right)
            ways.append(f"{flipped(left, node.left)} @ {right} for the inner product")
        else:
            ways.append(f"{self._as(node, '@').removeprefix('write ')} for the matrix product")
        return ", ".join(ways)

    def _solved(self, node: ast.BinOp, left: Tensor | None, right: Tensor | None) -> Tensor | None:
        sign = self.written.operator(node)
        start, end = self.written.outer(node.left)[0], self.written.outer(node.right)[1]
        names = f"{self._text(node.left)}, {self._text(node.right)}"
        gap = [
            Edit(self.written.outer(node.left)[1], sign.start, ""),
            Edit(sign.start, sign.end, ","),
        ]
        edits = [*wrapped(start, end, "solve(", ")"), *gap] if "solve" in FUNCTION_NAMES else None
        self._fault(node, "\\ is not in the language", f"write solve({names})", edits)
        if edits is None or left is None or right is None:
            return None
        return self._attempt(node, FUNCTION_NAMES["solve"], left, right)

    def _power(self, node: ast.BinOp, left: Tensor | None, right: Tensor | None) -> Tensor | None:
        """x ^ 2: entry by entry for all but a matrix, whose powers are products elsewhere."""
        sign = self.written.operator(node)
        base = self._operand(node.left)
        number = None if right is None else number_of(right)
        if left is not None and left.form == "matrix" and number == -1:
            edits = None
            if "inv" in FUNCTION_NAMES:
                start, end = self.written.outer(node.left)
                last = self.written.outer(node.right)[1]
                edits = [*wrapped(start, end, "inv(", ")"), Edit(end, last, "")]
            self._fault(
                node,
                f"{title(left)} ^ -1: an inverse is written inv",
                f"write inv({base})",
                edits,
            )
            return self._attempt(node, FUNCTION_NAMES["inv"], left) if edits else None
        edits = [Edit(sign.start, sign.end, "**")]
        if brackets := self.written.brackets(node.right):
            edits += [
                Edit(b.start, b.end, b.text)
                for b in brackets
                if self.written.text[b.start : b.end] in ("{", "}")
            ]
        if left is not None and left.form == "matrix":
            self._fault(
                node,
                f"{title(left)} ^ {self._operand(node.right)}: powers are written **",
                f"{self._as(node, '**')} entry by entry, {base} @ {base} for the matrix product",
            )
            return None
        self._fault(node, "powers are written **", self._as(node, "**"), edits)
        if left is None or right is None:
            return None
        return self._attempt(node, OPERATIONS["**"], left, right)

    def _improved(
        self, node: ast.expr, values: tuple[Any, ...], error: TensorCalcError
    ) -> tuple[str, list[Edit] | None]:
        """The forms of the operation that fit, in the user's words; sure where there is one."""
        hint, _ = super()._improved(node, values, error)
        if not isinstance(node, ast.BinOp) or not isinstance(error, ShapeError) or len(values) != 2:
            return hint, None
        a, b = values
        sign = self.written.operator(node)
        symbol = {"·": "@"}.get(sign.mark, sign.text)
        if symbol == "@" and "scalar" in (a.form, b.form):
            return self._as(node, "*"), [Edit(sign.start, sign.end, "*")]
        if symbol not in ("@", "*", "+", "-", "/") or "scalar" in (a.form, b.form):
            return hint, None
        operate = OPERATIONS[symbol]
        left, right = self._operand(node.left), self._operand(node.right)
        ways: list[tuple[str, Tensor | None, list[Edit]]] = [
            (
                f"{flipped(left, node.left)} {symbol} {right}",
                fits(lambda: operate(a.T, b)),
                self._flip(node.left),
            ),
            (
                f"{left} {symbol} {flipped(right, node.right)}",
                fits(lambda: operate(a, b.T)),
                self._flip(node.right),
            ),
        ]
        if symbol == "*":
            ways.append(
                (f"{left} @ {right}", fits(lambda: a @ b), [Edit(sign.start, sign.end, "@")])
            )
            ways = ways[::-1]  # the product first
        fitting = [(text, value, edits) for text, value, edits in ways if value is not None]
        if symbol == "@" and not fitting and (value := fits(lambda: b @ a)) is not None:
            fitting = [(f"{right} @ {left}", value, [])]
        if not fitting:
            return hint, None
        vectors = a.form in ("column", "row") and b.form in ("column", "row")
        several = len(fitting) > 1 or vectors
        certain = len(fitting) == 1 and not vectors
        fitting = fitting[:2]
        kinds = [_KINDS.get(value.form, "a tensor") for _, value, _ in fitting]
        if len(set(kinds)) < len(kinds):
            kinds = [format_shape(matrix_shape(value)) for _, value, _ in fitting]
        options = [
            f"{text} ({kind})" if several else text
            for (text, _, _), kind in zip(fitting, kinds, strict=True)
        ]
        edits = fitting[0][2] if certain else None
        return f"did you mean {' or '.join(options)}?", edits or None

    def _flip(self, node: ast.expr) -> list[Edit]:
        """The edits that transpose an operand."""
        start, end = self.written.outer(node)
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return [Edit(self.written.outer(node.value)[1], end, "")]
        simple = isinstance(node, (ast.Name, ast.Call, ast.Subscript)) or self.written.brackets(
            node
        )
        return wrapped(start, end, "", ".T") if simple else wrapped(start, end, "(", ").T")


def flipped(text: str, node: ast.expr) -> str:
    """The transpose of an operand as a hint writes it."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return text.removesuffix(".T").removesuffix("ᵀ").removesuffix("'")
    simple = isinstance(node, (ast.Name, ast.Call, ast.Subscript)) or text.startswith("(")
    return f"{text}.T" if simple else f"({text}).T"
