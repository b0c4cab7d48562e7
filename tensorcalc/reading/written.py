"""An expression as ``ast`` reads it, with the way back to the text as the user wrote it."""

from __future__ import annotations

import ast
import bisect
import itertools
from dataclasses import dataclass

__all__ = ["Piece", "Written"]


@dataclass(slots=True)
class Piece:
    """A word as ``ast`` is to read it and the stretch of the text that it stands for.

    ``mark`` is the foreign spelling behind it, or "call" for the bracket of a call.
    """

    text: str
    start: int
    end: int
    mark: str = ""


class Written:
    """An expression in pieces; SyntaxError and its like where ``ast`` cannot read them."""

    def __init__(self, text: str, pieces: list[Piece]) -> None:
        self.text = text
        self.pieces = pieces
        sizes = (len(piece.text.encode()) + 1 for piece in pieces)
        self._begins = [0, *itertools.accumulate(sizes)]
        self.node = ast.parse(" ".join(piece.text for piece in pieces), mode="eval").body

    def span(self, node: ast.expr) -> tuple[int, int]:
        """The stretch of the text that the node stands for."""
        first, last = self._range(node)
        return self.pieces[first].start, self.pieces[last].end

    def outer(self, node: ast.expr) -> tuple[int, int]:
        """The same with the brackets around it."""
        first, last = self._grouped(node)
        return self.pieces[first].start, self.pieces[last].end

    def source(self, node: ast.expr) -> str:
        """The text of the node as the user wrote it, with the brackets around it."""
        start, end = self.outer(node)
        return self.text[start:end]

    def is_foreign(self, node: ast.expr) -> bool:
        """Whether a sign of another notation, which is none of the language, is in the node."""
        first, last = self._grouped(node)
        return any(
            piece.mark not in ("", "call", "·") or self.text[piece.start : piece.end] in ("'", ".'")
            for piece in self.pieces[first : last + 1]
        )

    def brackets(self, node: ast.expr) -> list[Piece]:
        """The brackets around the node, from the inside outwards, in pairs."""
        (first, last), (low, high) = self._range(node), self._grouped(node)
        pairs = zip(self.pieces[low:first][::-1], self.pieces[last + 1 : high + 1], strict=True)
        return [piece for pair in pairs for piece in pair]

    def operator(self, node: ast.BinOp | ast.Compare) -> Piece:
        """The sign between the two sides."""
        right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
        left = node.left
        return self.pieces[self._grouped(left)[1] + 1 : self._grouped(right)[0]][0]

    def piece(self, node: ast.expr) -> Piece:
        """The first piece of the node."""
        return self.pieces[self._range(node)[0]]

    def call(self, node: ast.Call) -> tuple[Piece, Piece]:
        """The opening and the closing bracket of a call."""
        first = self._range(node.func)[1] + 1
        while self.pieces[first].mark != "call":  # a callee may stand in brackets
            first += 1
        return self.pieces[first], self.pieces[self._range(node)[1]]

    def commas(self, node: ast.Call) -> list[Piece]:
        """The commas between the positional arguments of a call."""
        return [self.pieces[self._grouped(argument)[1] + 1] for argument in node.args[:-1]]

    def _range(self, node: ast.expr) -> tuple[int, int]:
        first = bisect.bisect_right(self._begins, node.col_offset) - 1
        last = bisect.bisect_left(self._begins, node.end_col_offset or 0) - 1
        return first, last

    def _grouped(self, node: ast.expr) -> tuple[int, int]:
        first, last = self._range(node)
        while (
            first > 0
            and last + 1 < len(self.pieces)
            and (self.pieces[first - 1].text, self.pieces[last + 1].text) == ("(", ")")
            and self.pieces[first - 1].mark != "call"
        ):
            first, last = first - 1, last + 1
        return first, last
