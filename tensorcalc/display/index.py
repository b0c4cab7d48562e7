"""Index notation: one entry of an expression, with every axis lettered and deltas visible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from tensorcalc import special
from tensorcalc.display.letters import summation_letters
from tensorcalc.display.matrix import along_rows, constant_name, of_arguments
from tensorcalc.display.notation import (
    BigSum,
    Call,
    Indexed,
    Indicator,
    Norm,
    Notation,
    Number,
    Power,
    Quotient,
    Scaled,
    scaled,
)
from tensorcalc.display.sums import collected_sum
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Merge,
    Ones,
    Select,
    Special,
    Variable,
)
from tensorcalc.functions import inverse_or_zero, length

__all__ = ["index_form"]

_DEEPEST = 30


def index_form(
    root: Expr,
    letters: Sequence[str],
    names: dict[Expr, str] | None = None,
    taken: Collection[str] = (),
) -> Notation:
    """The entry of ``root`` at ``letters``, one letter per axis, as scalar notation.

    Letters for what is summed avoid ``taken``, the names that mean something else.
    """
    writer = _Writer(names or {}, summation_letters({*letters, *taken}))
    return writer.entry(root, tuple(letters), 0)


class _Writer:
    """Walks down an expression, handing out letters for what is summed."""

    def __init__(self, names: dict[Expr, str], free: Iterator[str]) -> None:
        self.names = names
        self.free = free

    def entry(self, e: Expr, letters: tuple[str, ...], depth: int) -> Notation:
        """The entry of ``e`` at ``letters``."""
        if e in self.names:
            return Indexed(self.names[e], letters)
        if isinstance(e, (Variable, Definition)):
            return Indexed(e.name, letters)
        if depth > _DEEPEST:
            return Indexed("[…]", letters, id(e))
        return getattr(self, "_" + type(e).__name__.lower())(e, letters, depth + 1)

    def _constant(self, e: Constant, letters: tuple[str, ...], depth: int) -> Notation:
        return Indexed(constant_name(e), letters, id(e)) if letters else Number(e.number)

    def _delta(self, e: Delta, letters: tuple[str, ...], depth: int) -> Notation:
        return Indicator(*letters) if letters[0] != letters[1] else Number(1.0)

    def _merge(self, e: Merge, letters: tuple[str, ...], depth: int) -> Notation:
        return Indicator(letters[0], "(" + ", ".join(letters[1:]) + ")")

    def _ones(self, e: Ones, letters: tuple[str, ...], depth: int) -> Notation:
        return Number(1.0)

    def _select(self, e: Select, letters: tuple[str, ...], depth: int) -> Notation:
        if isinstance(e.index, range):
            if isinstance(e.operand, Delta):
                return Indicator(_counted(letters[0], e.index), letters[1])
            inside = tuple(
                _counted(i, e.index) if axis == e.axis else i for axis, i in enumerate(letters)
            )
        else:
            inside = (*letters[: e.axis], str(e.index), *letters[e.axis :])
        return self.entry(e.operand, inside, depth)

    def _add(self, e: Add, letters: tuple[str, ...], depth: int) -> Notation:
        return collected_sum((self.entry(term, letters, depth) for term in e.terms), 0)

    def _elementwise(self, e: Elementwise, letters: tuple[str, ...], depth: int) -> Notation:
        inner = [self.entry(a, letters, depth) for a in e.arguments]
        function = e.function
        if function is length:
            if isinstance(inner[0], Power) and isinstance(inner[0].base, Norm):
                return inner[0].base
            return Call("√", r"\sqrt", tuple(inner))
        if function is inverse_or_zero:
            return Quotient(Number(1.0), inner[0], False)
        if function.exponent is not None:
            positive = abs(function.exponent)
            raised = inner[0] if positive == 1 else Power(inner[0], positive, 0)
            return raised if function.exponent > 0 else Quotient(Number(1.0), raised, False)
        return of_arguments(function, inner)

    def _special(self, e: Special, letters: tuple[str, ...], depth: int) -> Notation:
        name = e.function.text or e.function.name
        named = isinstance(e.argument, (Variable, Definition))
        inside = self.names.get(e.argument) or (e.argument.name if named else "…")  # type: ignore[attr-defined]
        if e.function is special.inv:
            bare = named or e.argument in self.names
            return Indexed(f"({inside}⁻¹)" if bare else f"(({inside})⁻¹)", letters, id(e))
        stem = name.removesuffix("|")  # log|det(X)|
        _, row = along_rows(e)
        return Indexed(f"{stem}({inside}{row})" + name[len(stem) :], letters, id(e))

    def _einsum(self, e: Einsum, letters: tuple[str, ...], depth: int) -> Notation:
        if e.ndim == 0 and _is_square(e):
            name = self.names.get(e.operands[0]) or getattr(e.operands[0], "name", None)
            if name:
                inner = Indexed(name, ())
                return Power(Norm(inner) if e.operands[0].ndim else inner, 2.0, 0)
        letter = dict(zip(e.output, letters, strict=True))
        for i in e.summed:
            letter[i] = next(self.free)
        front, behind, summed = [], [], []
        for (operand, indices), times in Counter(zip(e.operands, e.inputs, strict=True)).items():
            if isinstance(operand, Ones) and _is_counted(e, indices):
                front.append(Indexed(str(operand.dim), ()))
                continue
            factor = self.entry(operand, tuple(letter[i] for i in indices), depth)
            new = dict.fromkeys(i for i in indices if i not in e.output and i not in summed)
            summed += new
            (behind if set(indices) & set(e.summed) else front).extend([factor] * times)
        body = scaled(1.0, behind, None)
        if isinstance(body, Scaled):  # Σ 2 a b is 2 Σ a b
            front, body = [Number(body.number), *front], scaled(1.0, body.scalars, None)
        if not summed:
            return scaled(1.0, [*front, body], None)
        return scaled(1.0, front, BigSum(tuple(letter[i] for i in summed), body))


def _is_counted(e: Einsum, indices: tuple[int, ...]) -> bool:
    """Whether Σ 1 over this index is only a size."""
    return indices[0] in e.summed and sum(indices[0] in ix for ix in e.inputs) == 1


def _counted(letter: str, index: range) -> str:
    """The place in the whole axis of entry ``letter`` of a range: k+2, 2k, 3−k."""
    if letter.isdigit():
        return str(index[int(letter)])
    times = {1: "", -1: "−"}.get(index.step, str(index.step).replace("-", "−"))
    counted = f"{times}{letter}"
    if index.start == 0 and index.step > 0:
        return counted
    return f"{index.start}{counted}" if index.step < 0 else f"{counted}+{index.start}"


def _is_square(e: Einsum) -> bool:
    return (
        len(e.operands) == 2
        and e.operands[0] is e.operands[1]
        and e.inputs[0] == e.inputs[1]
        and len(set(e.inputs[0])) == len(e.inputs[0])
    )
