"""Lines: each ``name = expression`` of a program in turn, on past those that are faulty."""

from __future__ import annotations

import itertools
import keyword
from collections.abc import Mapping

from tensorcalc.errors import ParseError
from tensorcalc.expr import Definition
from tensorcalc.reading.expressions import ExpressionReader
from tensorcalc.reading.faults import Edit, Fault, Faults, cut
from tensorcalc.reading.notation import Notation
from tensorcalc.reading.pieces import Unreadable
from tensorcalc.reading.tokens import Token, statements, tokens
from tensorcalc.tensor import Tensor
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["read_lines"]

_AUGMENTED = {
    "+=": "+", "-=": "-", "*=": "*", "/=": "/", "@=": "@", "**=": "**", "^=": "**", "//=": "/",
}  # fmt: skip
_LINE = "write each line as name = expression"


def read_lines(
    text: str, variables: Mapping[str, Tensor], faults: Faults
) -> tuple[dict[str, Tensor], Tensor] | None:
    """The quantities of a program by name and its last; None where there are faults.

    ParseError for a text without a line.
    """
    found = statements(tokens(text))
    statement = next(found, None)
    if statement is None:
        raise ParseError("a program without a line", 'write at least one, such as "v = W @ x"')
    lines = _Lines(variables, faults)
    result = None
    while statement and not faults.full:
        following = next(found, None)
        result = lines.read(statement, following is None)
        statement = following
    quantities = {name: t for name, t in lines.quantities.items() if t is not None}
    if faults.found or result is None:
        return None
    return quantities, result


class _Lines:
    """The quantities so far; None for a name that a faulty line defines."""

    def __init__(self, variables: Mapping[str, Tensor], faults: Faults) -> None:
        self.variables = variables
        self.quantities: dict[str, Tensor | None] = dict(variables)
        self.faults = faults
        self.notation = Notation(faults, self.quantities)
        self.unknown: dict[str, tuple[Fault, str | None]] = {}
        dims = (dim for t in variables.values() for dim in t.shape)
        self.dims = frozenset(dim for dim in dims if isinstance(dim, str))

    def read(self, statement: list[Token], last: bool) -> Tensor | None:
        """The value of one line."""
        try:
            return self._read(statement, last)
        except Unreadable:  # what it was to define is not known: no faults follow from that
            for token, following in itertools.pairwise(statement):
                if token.kind == "name" and following.text == "=":
                    self.quantities.setdefault(token.text, None)
            return None

    def _read(self, statement: list[Token], last: bool) -> Tensor | None:
        name, sign, expression = self._parts(statement)
        if name is None and not last:
            start, end = statement[0].start, statement[-1].end
            self.faults.add(
                "a value without a name",
                (start, end),
                f"{_LINE}; only the last may be a bare expression",
            )
        taken = name in self.quantities
        written = self.notation.expression(expression, sign)
        reader = ExpressionReader(written, self.quantities, self.unknown, self.dims, self.faults)
        value = reader.read()
        if name is None:
            return value
        if taken or value is None:
            self.quantities[name] = None
        else:  # no quantity in the value can have the name, which is new to the program
            self.quantities[name] = Tensor(Definition(name, value.expr), value.form)
        return self.quantities[name]

    def _parts(self, statement: list[Token]) -> tuple[str | None, Token | None, list[Token]]:
        """The name that a line assigns, its sign, and its expression."""
        first, *rest = statement
        sign = rest[0] if rest else None
        compared = sign is not None and sign.text == "==" and first.text in self.quantities
        assigns = sign is not None and sign.text in ("=", ":=", "==", *_AUGMENTED)
        if first.kind == "name" and sign and assigns and not compared:
            return self._assignment(first, sign, statement)
        if self._points(statement):
            sign = sign._replace(text="<-", end=rest[1].end)  # type: ignore[union-attr]
            return self._assignment(first, sign, [first, *rest[1:]])
        if self._declares(statement):
            self.faults.add(
                f"{first.text} before a name",
                (first.start, first.end),
                "leave it out",
                [Edit(first.start, rest[0].start, "")],
            )
            return self._assignment(rest[0], rest[1], rest)
        self._refuse_other_targets(statement)
        return None, None, statement

    def _points(self, statement: list[Token]) -> bool:
        """v <- …, of a name that is new."""
        first, *rest = statement[:3]
        arrow = [t.text for t in rest] == ["<", "-"] and rest[0].end == rest[1].start
        return first.kind == "name" and arrow and first.text not in self.quantities

    def _declares(self, statement: list[Token]) -> bool:
        """Let v = …."""
        words = [t.text for t in statement[:3]]
        known = words[0] in self.quantities or words[0] not in ("let", "var")
        return not known and words[2:] == ["="] and statement[1].kind == "name"

    def _assignment(
        self, first: Token, sign: Token, statement: list[Token]
    ) -> tuple[str, Token, list[Token]]:
        if keyword.iskeyword(first.text):
            name = self.notation.rename(first, assigned=True)
        else:
            name = first.text
        if sign.text in _AUGMENTED:
            self.quantities[name] = None
            self.faults.add(
                f"{sign.text} would change {cut(name)}",
                (first.start, sign.end),
                f"a name is assigned once; write {cut(name)}2 = {cut(name)} "
                f"{_AUGMENTED[sign.text]} …",
            )
            raise Unreadable
        if sign.text != "=":
            self.faults.add(
                f"{sign.text} between a name and its value",
                (sign.start, sign.end),
                "write =",
                [Edit(sign.start, sign.end, "=")],
            )
        self._check_target(name, first)
        equals = sign._replace(text="=")
        return name, equals, statement[2:]

    def _check_target(self, name: str, token: Token) -> None:
        message, hint, shown = "", "", cut(name)
        if name.startswith("_"):
            message, hint = f"{shown} starts with an underscore", "choose another name"
        elif name in FUNCTION_NAMES:
            message, hint = f"{shown} is a function", f"choose another name than {shown}"
        elif name in self.quantities:
            message = f"{shown} already has a meaning"
            hint = f"a name is assigned once; write {shown}2 = …"
            if name in self.variables:
                message = f"{shown} is a variable, whose shape is given"
                hint = f"leave out its shape, {shown}=…, or write {shown}2 = …"
        if message:
            self.faults.add(message, (token.start, token.end), hint)

    def _refuse_other_targets(self, statement: list[Token]) -> None:
        """A = whose left side is no single name."""
        depth = 0
        for place, token in enumerate(statement):
            if token.kind != "sign":
                continue
            depth += (token.text in "([{") - (token.text in ")]}")
            if token.text in ("=", ":=") and depth == 0:
                for name in (t.text for t in statement[:place] if t.kind == "name"):
                    self.quantities.setdefault(name, None)
                if place == 0:
                    self.faults.add("no name stands before =", (token.start, token.end), _LINE)
                else:
                    self.faults.add(
                        "an assignment to something other than one name",
                        (statement[0].start, statement[place - 1].end),
                        "write name = expression",
                    )
                raise Unreadable
