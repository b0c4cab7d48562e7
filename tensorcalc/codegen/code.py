"""Pieces of Python source and how tightly they bind."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from dataclasses import dataclass

__all__ = [
    "ADD",
    "ATOM",
    "MUL",
    "POWER",
    "RESERVED",
    "UNARY",
    "Code",
    "Names",
    "is_new_array",
    "negative",
    "number_code",
    "words_in",
]

ADD, MUL, UNARY, POWER, ATOM = range(1, 6)


@dataclass(frozen=True)
class Code:
    """An expression in Python; ``operator`` is its outermost binary operator."""

    text: str
    level: int = ATOM
    operator: str = ""

    def inside(self, level: int, operator: str = "", *, right: bool = False) -> str:
        """The text, in brackets where it must be when ``operator`` stands outside."""
        mixed = self.level == MUL == level and self.operator != operator
        if self.level < level or mixed or (right and self.level == level):
            return f"({self.text})"
        return self.text


def negative(code: Code) -> Code:
    """−code; a product stays one, for Python reads −x * y as (−x) * y."""
    if code.level == MUL:
        return Code(f"-{code.text}", MUL, code.operator)
    return Code(f"-{code.inside(POWER)}", UNARY)


# What the source imports or opens with, for NumPy or for another library.
_LIBRARIES = ("np", "math", "itertools", "numba", "jax", "jnp", "torch", "xp", "device")
RESERVED = frozenset({*_LIBRARIES, "library_of", *keyword.kwlist, *dir(builtins)})


class Names:
    """Hands out names that clash with nothing in the generated function."""

    def __init__(self) -> None:
        self.taken = set(RESERVED)
        self.counts: dict[str, int] = {}

    def claim(self, wanted: str) -> str:
        """``wanted``, or with underscores added until it is free."""
        name = wanted if wanted.isidentifier() else "t"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def number(self, stem: str) -> str:
        """The next free name stem1, stem2, …"""
        n = self.counts.get(stem, 0) + 1
        while f"{stem}{n}" in self.taken:
            n += 1
        self.counts[stem] = n
        return self.claim(f"{stem}{n}")


def number_code(value: float) -> Code:
    """A number as a person types it: 2, 0.5, 1e-05."""
    text = repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return Code(text, ATOM if value >= 0 else UNARY)


def words_in(code: str) -> list[str]:
    """The names in a piece of code, and whatever else looks like one.

    Beyond ASCII all that code has is names, in which marks may stand that are no letters: x̄.
    """
    return _WORD.findall(code)


_WORD = re.compile(r"[\w\u0080-\U0010ffff]+")


def is_new_array(text: str) -> bool:
    """Whether code makes an array of its own: no name, no view of what has a name."""
    made = ast.parse(text, mode="eval").body
    if isinstance(made, (ast.BinOp, ast.UnaryOp)):
        return True
    if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute):
        return False
    if isinstance(made.func.value, ast.Name) and made.func.value.id == "np":
        several = len(made.args) > 2  # of one array np.einsum may be a view
        return made.func.attr in ("outer", "tensordot") or (made.func.attr == "einsum" and several)
    return made.func.attr == "sum"
