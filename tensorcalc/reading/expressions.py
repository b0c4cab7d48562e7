"""Expressions: what ``ast`` read as quantities, through an allow-list; nothing is run."""

from __future__ import annotations

import ast
import difflib
import unicodedata

from tensorcalc.reading.elsewhere import ForeignReader
from tensorcalc.reading.faults import Edit, cut
from tensorcalc.reading.foreign import CONSTANTS, CONSTRUCT_HINT
from tensorcalc.reading.pieces import DEEPEST
from tensorcalc.reading.tokens import look_alike, spelt
from tensorcalc.tensor import Tensor, as_tensor
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["ExpressionReader"]

_SUMMED = {"Σ": "sum", "∑": "sum", "Π": "prod", "∏": "prod"}


class ExpressionReader(ForeignReader):
    """Reads a whole expression: numbers, names, and what the classes below it read."""

    def read(self) -> Tensor | None:
        """The quantity that the expression stands for; None where a fault was noted."""
        return self._read(self.written.node, 0)

    def _read(self, node: ast.expr, depth: int) -> Tensor | None:
        if self.faults.full:
            return None
        if depth > DEEPEST:
            message = f"more than {DEEPEST} operations deep"
            self._fault(self.written.node, message, "name parts of it on lines of their own")
            return None
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.BinOp():
                return self._binary(node, depth)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                inner = self._read(node.operand, depth + 1)
                negative = isinstance(node.op, ast.USub)
                if node.operand in self.numbers:
                    self.numbers[node] = self.numbers[node.operand] * (-1 if negative else 1)
                return -inner if inner is not None and negative else inner
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case ast.Subscript():
                return self._subscript(node, depth)
            case ast.Compare():
                return self._stray_comparison(node)
            case ast.Tuple():
                hint = "write one value on each line"
            case _:
                hint = CONSTRUCT_HINT
        self._fault(node, f"{self._text(node)} is not in the language", hint)
        return None

    def _constant(self, node: ast.Constant) -> Tensor | None:
        if isinstance(node.value, str):
            self._fault(node, "text in quotes is not in the language", "leave out the quotes")
            return None
        if not isinstance(node.value, (int, float)) or isinstance(node.value, bool):
            self._fault(node, f"{self._text(node)} is not in the language", CONSTRUCT_HINT)
            return None
        try:
            number = float(node.value)
        except OverflowError:
            number = float("inf")
        if number == float("inf"):
            self._fault(node, "a number too large to hold", "use a smaller one")
            return None
        self.numbers[node] = number
        return as_tensor(number)

    def _stray_comparison(self, node: ast.Compare) -> None:
        left, right = self._operand(node.left), self._operand(node.comparators[0])
        if isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            hint = f"write {left} - {right}, which is 0 where they are equal"
        else:
            hint = "a comparison stands in where(x > 0, a, b)"
        self._fault(node, f"a comparison of {left} with {right} has no value here", hint)

    def _name(self, node: ast.Name) -> Tensor | None:
        name = node.id
        if name in self.quantities:
            return self.quantities[name]
        start, end = self.written.span(node)
        if name in self.unknown:
            fault, meant = self.unknown[name]
            if meant and fault.edits is not None:
                fault.edits.append(Edit(start, end, meant))
            return self.quantities.get(meant) if meant else None
        if name in FUNCTION_NAMES:
            self._fault(node, f"{name} is a function", f"apply the function: {name}(…)")
            return None
        hint, meant = self._meant(name)
        edits = [Edit(start, end, meant)] if meant else None
        fault = self.faults.add(
            f"{spelt(name)} has no shape and no definition", (start, end), hint, edits
        )
        self.unknown[name] = fault, meant
        if meant is not None and meant in self.quantities:
            return self.quantities[meant]
        value = {"exp(1)": 2.718281828459045}.get(meant or "")
        if meant and name in CONSTANTS:
            return as_tensor(value or float(meant))
        return None

    def _meant(self, name: str) -> tuple[str, str | None]:
        """A hint for an unknown name, and the name that it surely means."""
        latin = look_alike(name)
        if latin in self.quantities:
            return f"did you mean the Latin {latin}?", latin
        same = [known for known in self.quantities if known.lower() == name.lower()]
        letters = [known for known in self.quantities if _letter(known) == _letter(name)]
        close = difflib.get_close_matches(name, self.quantities, 2, 0.7)
        for candidates in (same, letters, close):
            if len(candidates) == 1:
                return f"did you mean {candidates[0]}?", candidates[0]
            if candidates:
                return f"did you mean {' or '.join(candidates[:3])}?", None
        if name in CONSTANTS:
            return f"write {CONSTANTS[name]}", CONSTANTS[name]
        if name in ("inf", "nan", "infinity"):
            return "use finite numbers", None
        if name == "I":
            return "write eye(n) for the identity matrix, or add its shape: I=…", None
        if name in _SUMMED:
            return f"write {_SUMMED[name]}(x), or add its shape: {name}=…", None
        if latin != name:
            return f"write it in Latin letters: {latin}", None
        if name.startswith("__"):
            return CONSTRUCT_HINT, None
        for function in FUNCTION_NAMES:
            if name.startswith(function) and name.removeprefix(function) in self.quantities:
                applied = f"{function}({name.removeprefix(function)})"
                return f"write {applied}", applied
        base, _, lower = name.rpartition("_")
        if base in self.quantities and lower.isdecimal():
            return f"write {base}[{lower}]; entries are counted from 0", None
        if base in self.quantities and lower.isalpha():
            return f"write {base}, which is all its entries at once", None
        return f"add its shape: {cut(name)}=…", None


def _letter(name: str) -> str:
    """A Greek letter by its English name, so that alpha and α agree."""
    word = unicodedata.name(name, "") if len(name) == 1 else ""
    if word.startswith("GREEK SMALL LETTER "):
        return word.removeprefix("GREEK SMALL LETTER ").lower().replace("lamda", "lambda")
    return name
