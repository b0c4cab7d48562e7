"""The words that justify a local derivative and a product of derivatives.

A rule is named from what the formula of a quantity is made of: the function at its top, or how
often the argument stands in its products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tensorcalc.derivation.scribe import name_notation
from tensorcalc.derivation.stages import is_stage
from tensorcalc.display.document import Prose
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import Atom, Infix, Notation, transposed
from tensorcalc.display.spelling import spell
from tensorcalc.expr import (
    Add,
    Constant,
    Definition,
    Delta,
    Einsum,
    Elementwise,
    Expr,
    Function,
    Merge,
    Ones,
    Select,
    Special,
    Variable,
    is_zero,
    toposort,
)
from tensorcalc.functions import length, sqrt
from tensorcalc.special import softmax
from tensorcalc.structure import structure

Entrywise: TypeAlias = Callable[[], tuple[Notation, tuple[str, ...]]]

__all__ = ["Entrywise", "has_named_rule", "local_rule", "product_rule", "slope_words"]


def local_rule(of: Expr, wrt: Expr, entry: Entrywise | None = None) -> list[Prose]:
    """Why ∂of/∂wrt is what it is; ``entry`` writes one entry of ``of`` at its letters."""
    if not isinstance(of, Definition):
        return [("as it was given",)]
    body = of.body
    if wrt not in toposort([body], lambda n: isinstance(n, Definition)):
        return [("the total derivative, over every path between them",)]
    if isinstance(body, Elementwise) and wrt in body.arguments:
        return [_elementwise_rule(body, body.arguments.index(wrt))]
    if isinstance(body, Special):
        return [_softmax_rule(of, body) or _special_rule(body)]
    length_rule = _length_rule(body, wrt)
    if length_rule:
        return [length_rule]
    return [_row_rule(body, wrt, entry) or _polynomial_rule(of, wrt)]


def has_named_rule(body: Expr, wrt: Expr) -> bool:
    """Whether a rule of its own stands for the product rule: a function, ½‖u‖²."""
    return isinstance(body, (Elementwise, Special)) or _length_rule(body, wrt) is not None


def _row_rule(body: Expr, wrt: Expr, entry: Entrywise | None) -> Prose | None:
    """v_k = Σ_i W_ki x_i uses row k of W only."""
    terms = body.terms if isinstance(body, Add) else (body,)
    term = next((t for t in terms if isinstance(t, Einsum) and wrt in t.operands), None)
    if entry is None or wrt.ndim != 2 or not isinstance(term, Einsum) or _uses(body, wrt) != 1:
        return None
    row, column = term.inputs[term.operands.index(wrt)]
    kept = [i for i in (row, column) if i in term.output]
    if len(kept) != 1 or row == column:
        return None
    written, letters = entry()
    word = "row" if kept == [row] else "column"
    letter = letters[term.output.index(kept[0])]
    return (written, f" uses {word} {letter} of ", name_notation(wrt), " only")


def slope_rule(function: Function, k: int = 0) -> Notation | None:
    """σ′ = σ (1 − σ): the derivative of an elementwise function in terms of itself."""
    name = function.text or function.name
    if not name.isidentifier() or function.arity != 1:
        return None
    t = Variable("t", ())
    y = Variable(name, ())
    try:
        slope = function.derivatives[k](t, y)
    except Exception:  # a function without a known derivative says so elsewhere
        return None
    right = matrix_form(slope)
    if right is None or f"{name}′" in spell(right):
        return None
    uses_t = t in toposort([slope])
    left = Atom(f"{name}′(t)" if uses_t else f"{name}′")
    return Infix("=", (left, right))


def slope_words(function: Function) -> str:
    """tanh′ = 1 − tanh², and what holds at a kink; nothing where the derivative has no formula."""
    slope = slope_rule(function)
    return "; ".join(filter(None, (spell(slope) if slope else "", function.convention)))


def _elementwise_rule(body: Elementwise, k: int) -> Prose:
    slope = slope_rule(body.function, k)
    if body.function.exponent is not None:
        return (_POWER + (", entry by entry" if body.ndim else ""),)
    words = (
        "an elementwise function has a diagonal Jacobian"
        if body.ndim == 1
        else "each entry depends on the same entry of its argument"
        if body.ndim
        else "the derivative of the function"
    )
    after = f"; {body.function.convention}" if body.function.convention else ""
    return (f"{words}; ", slope, after) if slope is not None else (words + after,)


def _softmax_rule(of: Definition, body: Special) -> Prose | None:
    """p = softmax(z) has the Jacobian diag(p) − p pᵀ, with the names of the program."""
    if body.function is not softmax or not isinstance(body.argument, (Variable, Definition)):
        return None
    p, z = name_notation(of), name_notation(body.argument)
    if body.ndim == 1:
        return (p, " = softmax(", z, ") has the Jacobian diag(", p, ") − ", p, " ", transposed(p))
    return ("each row of ", p, " is the softmax of the same row of ", z)


def _special_rule(body: Special) -> Prose:
    said = body.function.rule
    name = body.function.text or body.function.name
    return (said or f"the derivative of {name} is known",)


_POWER = "power rule: d(uᵖ) = p uᵖ⁻¹ du"


def _length_rule(body: Expr, wrt: Expr) -> Prose | None:
    """½‖u‖² has the row gradient uᵀ, where u is wrt up to a constant."""
    part, number, alone = _part_with(body, wrt)
    factors, times = _factors(part)
    number *= times
    if len(factors) == 1 and isinstance(factors[0], Einsum):
        factors = list(factors[0].operands) if not factors[0].ndim else factors
    square = len(factors) == 2 and factors[0] is factors[1]
    if square and body.ndim == 0 and factors[0].ndim and _shifts(factors[0], wrt):
        half = {0.5: "½‖u‖² has the row gradient uᵀ", 1.0: "‖u‖² has the row gradient 2 uᵀ"}
        kept = "‖u‖² has the row gradient 2 uᵀ; what multiplies it stays in front"
        return (half.get(number, kept) if alone else kept,)
    if isinstance(body, Elementwise) and body.function in (length, sqrt) and body.ndim == 0:
        inner, _ = _factors(body.arguments[0])
        if len(inner) == 2 and inner[0] is inner[1] and _shifts(inner[0], wrt):
            return ("‖u‖ has the row gradient uᵀ/‖u‖ (0 where u = 0)",)
    return None


def _part_with(e: Expr, wrt: Expr) -> tuple[Expr, float, bool]:
    """The one part of sums and products of numbers in which wrt stands.

    With the number before it, and whether nothing else is.
    """
    number, alone = 1.0, True
    while isinstance(e, (Add, Einsum)) and not e.ndim and not any(a.ndim for a in e.args):
        live = [a for a in e.args if wrt in toposort([a], lambda n: isinstance(n, Definition))]
        if len(live) != 1:
            break
        for other in e.args if isinstance(e, Einsum) else ():
            number *= other.number if isinstance(other, Constant) else 1.0
            alone &= other is live[0] or isinstance(other, Constant)
        e = live[0]
    return e, number, alone


def _factors(e: Expr) -> tuple[list[Expr], float]:
    """The factors of a product, and the number in front."""
    if not isinstance(e, Einsum):
        return [e], 1.0
    number = 1.0
    rest: list[Expr] = []
    for f in e.operands:
        if isinstance(f, Constant) and f.ndim == 0:
            number *= f.number
        else:
            rest.append(f)
    if len(rest) == 1 and isinstance(rest[0], Einsum) and not rest[0].ndim:
        inner, times = _factors(rest[0])
        return inner, number * times
    return rest, number


def _shifts(e: Expr, wrt: Expr) -> bool:
    """Whether e is wrt plus or minus what does not depend on it."""
    if e is wrt:
        return True
    return isinstance(e, Add) and wrt in e.terms and _uses(e, wrt) == 1


def _uses(e: Expr, wrt: Expr) -> int:
    """How often wrt is written in a formula: a part that stands twice counts twice."""
    count: dict[Expr, int] = {}
    for node in toposort([e], lambda n: isinstance(n, Definition) and n is not e):
        args = () if isinstance(node, Definition) and node is not e else node.args
        count[node] = 1 if node is wrt else sum(count[arg] for arg in args)
    return count[e]


def _polynomial_rule(of: Definition, wrt: Expr) -> Prose:
    body = of.body
    name = name_notation(wrt)
    inside = toposort([body], lambda n: isinstance(n, Definition))
    powers = [n for n in inside if isinstance(n, Elementwise) and wrt in toposort([n])]
    inner = next((p for p in powers if is_stage(p)), None)
    if inner is not None:
        slope = slope_rule(inner.function)
        return ("inside the formula, ", slope) if slope else ("the chain rule inside the formula",)
    if any((p.function.exponent or 0) < 0 for p in powers):
        return ("quotient rule: d(a/b) = da/b − a db/b²",)
    if powers:
        return (_POWER,)
    if _is_entrywise_square(body, wrt):
        return (_POWER + (", entry by entry" if body.ndim else ""),)
    if body.ndim and _uses(body, wrt) == 1 and any(isinstance(n, Merge) for n in inside):
        return ("entries only change their place",)
    if any(isinstance(n, Select) for n in inside) and _uses(body, wrt) == 1:
        return ("only the chosen entries of ", name, " are used")
    if body is wrt:
        return ("the same quantity under another name",)
    uses = _uses(body, wrt)
    if uses > 1:
        return (name, f" stands in {uses} places, each is changed in turn (sums, products)")
    if isinstance(body, Add):
        return ("the terms without ", name, " are constant; the rest is linear in it")
    return _linear_rule(body, wrt, name)


def _is_entrywise_square(body: Expr, wrt: Expr) -> bool:
    """u² for a number, u ⊙ u for anything with axes, times numbers."""
    places = _entrywise(body, wrt)
    return places is not None and places > 1


def _entrywise(e: Expr, wrt: Expr) -> int | None:
    """How often wrt stands in a product of its own entries and of numbers; None for another."""
    if e is wrt:
        return 1
    if not e.ndim and wrt not in toposort([e], lambda n: isinstance(n, Definition)):
        return 0
    if not isinstance(e, Einsum):
        return None
    total = 0
    for factor, place in zip(e.operands, e.inputs, strict=True):
        count = _entrywise(factor, wrt)
        if count is None or (factor.ndim and place != e.output):
            return None
        total += count
    return total


def _linear_rule(body: Expr, wrt: Expr, name: Notation) -> Prose:
    if isinstance(body, Einsum) and body.operands == (wrt,) and body.ndim == wrt.ndim:
        return ("the same entries in another order",)
    factors, _ = _factors(body)
    if body.ndim < wrt.ndim and all(isinstance(f, Ones) or f is wrt for f in factors):
        return ("a sum has the derivative 1 by each entry",)
    return ("linear in ", name, ": the derivative is what multiplies it")


def product_rule(
    what: str, value: Expr, value_ndim: int, left: Expr, backwards: bool = False
) -> str:
    """What happens when a row (or what it is called) is multiplied by this derivative.

    ``backwards``: the derivative stands before it.
    """
    if is_zero(value):
        return "nothing depends on it"
    if not value_ndim:
        return (
            "no index between them: a number multiplies every entry"
            if value.ndim or left.ndim
            else "numbers multiply"
        )
    kind = structure(value, value_ndim)
    if kind == "identity":
        if backwards and what == "column":
            return "the identity times a column leaves it as it is"
        return f"a {what} times the identity stays as it is"
    if kind == "diagonal":
        if value_ndim > 1:
            return "the indicators keep the one term in which the letters agree"
        if what == "Jacobian":
            side, lines = ("before", "rows") if backwards else ("behind", "columns")
            return f"a diagonal matrix {side} a Jacobian scales its {lines}"
        if backwards:
            return f"a diagonal matrix times a {what} is an elementwise product"
        return f"a {what} times a diagonal matrix is an elementwise product"
    deltas = [n for n in toposort([value, left]) if isinstance(n, Delta)]
    if kind == "block diagonal" or deltas:
        return "the indicator keeps the one term in which both letters agree"
    return "sum over the index between them"
