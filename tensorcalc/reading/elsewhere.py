"""Calls and attributes as other libraries and notations have them, each with its repair."""

from __future__ import annotations

import ast
import difflib

from tensorcalc.absent import ABSENT, WRITTEN_OUT
from tensorcalc.reading.base import fits, is_square, literal
from tensorcalc.reading.calls import CallReader
from tensorcalc.reading.faults import Edit, Faults, cut, wrapped
from tensorcalc.reading.foreign import (
    CONSTANTS,
    CONSTRUCT_HINT,
    FUNCTIONS,
    MODULES,
    OPERATORS,
)
from tensorcalc.reading.operators import OPERATIONS
from tensorcalc.reading.tokens import look_alike, spelt
from tensorcalc.tensor import Tensor, as_tensor, title
from tensorcalc.vocabulary import FUNCTION_NAMES, WITH_CONDITION, WITH_SIZES, WITH_TEXT

__all__ = ["ForeignReader"]

_OWN_ARGUMENTS = WITH_SIZES.keys() | WITH_TEXT | WITH_CONDITION
_DERIVATIVES = {"d", "diff", "grad", "gradient", "derivative", "jacobian", "hessian"}


class ForeignReader(CallReader):
    """Reads np.exp(x), x.sum(), transpose(x), A⁻¹ and their like."""

    def _attribute(self, node: ast.Attribute, depth: int) -> Tensor | None:
        module = self._module(node.value)
        name = node.attr
        if module is not None:
            return self._of_module(node)
        inner = self._read(node.value, depth + 1)
        if name == "T":
            return None if inner is None else self._attempt(node, lambda t: t.T, inner)
        start, end = self.written.outer(node.value)
        last = self.written.span(node)[1]
        base = self._operand(node.value)
        if name in ("t", "mT", "H") or (name == "I" and "inv" in FUNCTION_NAMES):
            edits = [Edit(end, last, ".T")]
            wanted = f"{base}.T"
            if name == "I":
                edits, wanted = (
                    [*wrapped(start, end, "inv(", ")"), Edit(end, last, "")],
                    f"inv({base})",
                )
            self._fault(node, f".{name} is not in the language", f"write {wanted}", edits)
            make = FUNCTION_NAMES["inv"] if name == "I" else lambda t: t.T
            return None if inner is None else self._attempt(node, make, inner)
        function = self._function(name)
        hint = f"write {function}({base})" if function else "the one attribute is .T, the transpose"
        self._fault(node, f".{cut(name)} is not in the language", hint)
        return None

    def _module(self, node: ast.expr) -> str | None:
        """The module that np, np.linalg or torch.nn.functional stand for."""
        if isinstance(node, ast.Name):
            known = node.id in self.quantities or node.id not in MODULES
            return None if known else node.id
        if isinstance(node, ast.Attribute):
            inner = self._module(node.value)
            return f"{inner}.{node.attr}" if inner else None
        return None

    def _of_module(self, node: ast.Attribute) -> Tensor | None:
        """np.pi and the like, without a call."""
        if node.attr in CONSTANTS and node.attr != "e":
            value = CONSTANTS[node.attr]
            span = self.written.span(node)
            self._fault(
                node,
                f"{self._text(node)} is not in the language",
                f"write {value}",
                [Edit(*span, value)],
            )
            return as_tensor(float(value))
        name = self._function(node.attr)
        hint = f"apply the function: {name}(…)" if name else CONSTRUCT_HINT
        self._fault(node, f"{self._text(node)} is not in the language", hint)
        return None

    def _call(self, node: ast.Call, depth: int) -> Tensor | None:
        if isinstance(node.func, ast.Attribute):
            if self._module(node.func.value) is not None:
                return self._foreign_call(node, node.func.attr, depth)
            return self._method(node, node.func, depth)
        if not isinstance(node.func, ast.Name):
            self._fault(
                node,
                f"{self._text(node)} is not in the language",
                "call functions by their plain names, as in tanh(x)",
            )
            return None
        name = node.func.id
        mark = self.written.piece(node.func).mark
        if mark == "⟨":
            return self._inner_product(node, depth)
        if mark in ("|", "⁻¹", "‖2"):
            return self._notated(node, mark, depth)
        if name not in FUNCTION_NAMES:
            return self._foreign_call(node, name, depth)
        return self._apply(node, name, depth)

    def _inner_product(self, node: ast.Call, depth: int) -> Tensor | None:
        """⟨x, y⟩."""
        values = [self._read(argument, depth + 1) for argument in node.args]
        matrices = [value is not None and value.form == "matrix" for value in values]
        function = "frobenius" if all(matrices) and matrices else "dot"
        start, end = self.written.span(node)
        edits = [Edit(start, start + 1, f"{function}("), Edit(end - 1, end, ")")]
        words = ", ".join(self._operand(argument) for argument in node.args)
        self._fault(
            node, "angle brackets are not in the language", f"write {function}({words})", edits
        )
        return self._attempt(node, FUNCTION_NAMES[function], *values) if len(values) == 2 else None

    def _notated(self, node: ast.Call, mark: str, depth: int) -> Tensor | None:
        """|x| and A⁻¹."""
        inner = self._read(node.args[0], depth + 1)
        (start, end), base = self.written.span(node), self._operand(node.args[0])
        scalar, square = inner is not None and inner.form == "scalar", is_square(inner)
        if mark == "‖2":
            opening, (_, closing) = self.written.piece(node.func), self.written.call(node)
            if inner is not None and inner.form == "matrix":
                self._fault(
                    node,
                    f"the 2-norm of {title(inner)}, a singular value, is not in the language",
                    f"write norm({base}) for the Frobenius norm",
                )
                return None
            edits = [Edit(opening.start, opening.end, "norm("), Edit(closing.start, end, ")")]
            self._fault(node, "bars are not in the language", f"write norm({base})", edits)
            return self._attempt(node, FUNCTION_NAMES["norm"], inner)
        if mark == "|":
            function, hint = "abs", f"write abs({base})"
            edits = [Edit(start, start + 1, "abs("), Edit(end - 1, end, ")")]
            if not scalar:
                edits = None
                det = f", det({base}) for the determinant" if square else ""
                hint += f" entry by entry, norm({base}) for the length{det}"
            self._fault(node, "bars are not in the language", hint, edits)
        else:
            function = "inv" if "inv" in FUNCTION_NAMES and square else "reciprocal"
            first, last = self.written.outer(node.args[0])
            if function == "inv":
                edits = [*wrapped(first, last, "inv(", ")"), Edit(last, end, "")]
                hint = f"write inv({base})"
            elif scalar:
                edits, hint = [Edit(last, end, "**-1")], f"write {base}**-1"
            else:
                edits = None
                hint = f"write inv({base}) for a square matrix, 1 / {base} entry by entry"
            self._fault(node, "⁻¹ is not in the language", hint, edits)
        if inner is None or edits is None:
            return None
        return self._attempt(node, FUNCTION_NAMES[function], inner)

    def _function(self, name: str) -> str | None:
        """The function that a name surely means."""
        latin = look_alike(name)
        for form in (name, latin, name.lower(), latin.lower()):
            if form in FUNCTION_NAMES:
                return form
            if FUNCTIONS.get(form) in FUNCTION_NAMES:
                return FUNCTIONS[form]
        return None

    def _foreign_call(self, node: ast.Call, name: str, depth: int) -> Tensor | None:
        """A call of a function that the language does not have by this name."""
        if self._is_absent(node, name):
            for argument in node.args:
                self._read(argument, depth + 1)
            return None
        function = self._function(name)
        start, end = self.written.span(node.func)
        if function == "dot" and len(node.args) == 2 and self._has_matrix(node.args):
            return self._operator_call(node, "@", depth)
        if function:
            self._no_function(node, f"did you mean {function}?", [Edit(start, end, function)])
            return self._apply(node, function, depth)
        if name in self.quantities:
            return self._applied(node, self.quantities[name], depth)
        if name in OPERATORS and len(node.args) == 2 and not node.keywords:
            return self._operator_call(node, OPERATORS[name], depth)
        if name.lower() in ("transpose", "t") and len(node.args) == 1 and not node.keywords:
            return self._transposed(node, depth)
        close = difflib.get_close_matches(name.lower(), FUNCTION_NAMES, 2, 0.75)
        if len(close) == 1 or (close and close[0].lower() == name.lower()):
            self._no_function(node, f"did you mean {close[0]}?", [Edit(start, end, close[0])])
            return self._apply(node, close[0], depth)
        known = ", ".join(sorted(n for n in FUNCTION_NAMES if n.isascii()))
        hint = f"did you mean {' or '.join(close)}?" if close else f"the functions are {known}"
        if name.lower() in _DERIVATIVES:
            hint = "derivatives are taken of the program: p.derivative(of, wrt)"
        self._no_function(node, hint, None)
        for argument in node.args:
            self._read(argument, depth + 1)
        return None

    def _is_absent(self, node: ast.Call, name: str) -> bool:
        """Whether the language lacks the function, which is told with what to write instead."""
        word = name if name in WRITTEN_OUT or name in ABSENT else name.lower()
        if word in self.quantities or word in FUNCTION_NAMES or word not in ABSENT | WRITTEN_OUT:
            return False
        message = f"{self._text(node.func)} is not in the language"
        if word not in WRITTEN_OUT:
            self._fault(node.func, message, ABSENT[word])
            return True
        alone = len(node.args) == 1 and not node.keywords
        argument = self.written.source(node.args[0]) if alone else "x"
        simple = not alone or isinstance(node.args[0], (ast.Name, ast.Call, ast.Constant))
        formula = WRITTEN_OUT[word].format(x=argument if simple else f"({argument})")
        edits = [Edit(*self.written.span(node), f"({formula})")] if alone else None
        self._fault(node.func, message, f"write {cut(formula, 80)}", edits)
        return True

    def _has_matrix(self, nodes: list[ast.expr]) -> bool:
        """Whether one of the operands, tried without noting faults, is a matrix."""
        scratch = Faults(self.faults.text)
        reader = type(self)(self.written, self.quantities, {}, self.dims, scratch)
        values = [reader._read(node, 0) for node in nodes]
        return any(value is not None and value.form == "matrix" for value in values)

    def _no_function(self, node: ast.Call, hint: str, edits: list[Edit] | None) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else self._text(node.func)
        message = f"there is no function {spelt(name)}"
        if isinstance(node.func, ast.Attribute):
            message = f"{self._text(node.func)} is not in the language"
            hint = hint.replace("did you mean", "write").rstrip("?")
        self._fault(node.func, message, hint, edits)

    def _applied(self, node: ast.Call, value: Tensor | None, depth: int) -> Tensor | None:
        """x(…) of a quantity: a product without its sign, most likely."""
        first, _ = self.written.call(node)
        name = self._text(node.func)
        hint, edits, result = (
            f"write {name} @ (…), {name} * (…), or {name}[0] for an entry",
            None,
            None,
        )
        if node.args and all(literal(argument) is not None for argument in node.args):
            entry = ", ".join(self._operand(argument) for argument in node.args)
            called = title(value) if value is not None else name
            self._fault(
                node,
                f"{called} is applied like a function",
                f"write {name}[{entry}] for an entry, which is counted from 0",
            )
            return None
        inner = self._read(node.args[0], depth + 1) if len(node.args) == 1 else None
        if value is not None and inner is not None and not node.keywords:
            signs = ["*"] if "scalar" in (value.form, inner.form) else ["@", "*"]
            values = {sign: fits(OPERATIONS[sign], value, inner) for sign in signs}
            fitting = [sign for sign in signs if values[sign] is not None]
            if len(fitting) == 1:
                result = values[fitting[0]]
                hint = f"write {name} {fitting[0]} ({self._text(node.args[0])})"
                edits = [Edit.between(first.start, first.start, f" {fitting[0]} ")]
        called = title(value) if value is not None else name
        self._fault(node, f"{called} is applied like a function", hint, edits)
        return result

    def _operator_call(self, node: ast.Call, symbol: str, depth: int) -> Tensor | None:
        left, right = (self._read(argument, depth + 1) for argument in node.args)
        opening, _ = self.written.call(node)
        (comma,), (start, _) = self.written.commas(node), self.written.span(node)
        (a, b), (c, d) = (self.written.outer(argument) for argument in node.args)
        edits = [
            Edit(start, opening.start, ""),
            Edit(a, a, "", 2),
            Edit(comma.start, comma.end, f" {symbol}"),
            *(
                e
                for s, t, n in ((a, b, node.args[0]), (c, d, node.args[1]))
                if isinstance(n, ast.BinOp)
                for e in wrapped(s, t, "(", ")")
            ),
        ]
        texts = [self._operand(argument) for argument in node.args]
        self._no_function(node, f"write {texts[0]} {symbol} {texts[1]}", edits)
        if left is None or right is None:
            return None
        return self._attempt(node, OPERATIONS[symbol], left, right)

    def _transposed(self, node: ast.Call, depth: int) -> Tensor | None:
        inner = self._read(node.args[0], depth + 1)
        opening, closing = self.written.call(node)
        start = self.written.span(node)[0]
        edits = [Edit(start, opening.start, ""), *wrapped(closing.end, closing.end, "", ".T")]
        if isinstance(node.args[0], ast.Name):
            edits = [Edit(start, opening.end, ""), Edit(closing.start, closing.end, ".T")]
        self._no_function(node, f"write {self._operand(node.args[0])}.T", edits)
        return None if inner is None else self._attempt(node, lambda t: t.T, inner)

    def _method(self, node: ast.Call, called: ast.Attribute, depth: int) -> Tensor | None:
        """x.sum(), x.T() and their like."""
        start, end = self.written.outer(called.value)
        opening, closing = self.written.call(node)
        base, name = self._operand(called.value), called.attr
        if name in ("T", "t", "transpose") and not node.args and not node.keywords:
            inner = self._read(called.value, depth + 1)
            self._fault(
                node,
                f".{name}() is not in the language",
                f"write {base}.T",
                [Edit(end, closing.end, ".T")],
            )
            return None if inner is None else self._attempt(node, lambda t: t.T, inner)
        if name == "T" and len(node.args) == 1 and not node.keywords:
            return self._applied(node, self._read(called, depth), depth)
        function = self._function(name)
        symbol = OPERATORS.get(name)
        if function == "dot" and self._has_matrix([called.value, *node.args]):
            symbol = "@"
        if symbol and len(node.args) == 1 and not node.keywords:
            edits = [
                *wrapped(start, closing.end, "(", ")"),
                Edit(end, opening.start, f" {symbol} "),
            ]
            self._fault(
                node,
                f".{name} is not in the language",
                f"write {base} {symbol} {self._operand(node.args[0])}",
                edits,
            )
            left = self._read(called.value, depth + 1)
            right = self._read(node.args[0], depth + 1)
            if left is None or right is None:
                return None
            return self._attempt(node, OPERATIONS[symbol], left, right)
        if function is None or function in _OWN_ARGUMENTS:
            self._read(called.value, depth + 1)
            instead = ABSENT.get(name, "call functions by their plain names, as in tanh(x)")
            if name in WRITTEN_OUT and name not in FUNCTION_NAMES:
                instead = f"write {WRITTEN_OUT[name].format(x=base)}"
            self._fault(node, f".{cut(name)}() is not in the language", instead)
            return None
        gap = Edit(end, opening.end, ", " if node.args or node.keywords else "")
        edits = [Edit(start, start, f"{function}(", 2), gap]
        written = f"{function}({base}{', …' if node.args or node.keywords else ''})"
        self._fault(node, f".{name}() is not in the language", f"write {written}", edits)
        moved = ast.copy_location(
            ast.Call(
                ast.copy_location(ast.Name(function, ast.Load()), called),
                [called.value, *node.args],
                node.keywords,
            ),
            node,
        )
        return self._apply(moved, function, depth)
