"""Lowering: each node of the simplified graph to one line, or to a piece of one.

Sharing becomes assignment: a node used twice gets a name, a node used once is written where
it is used. Kronecker deltas become diagonals and zeros-with-a-view, ones become broadcasting;
neither is ever made a dense factor.
"""

from __future__ import annotations

import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tensorcalc.codegen.code import (
    ADD,
    ATOM,
    MUL,
    POWER,
    UNARY,
    Code,
    Names,
    is_new_array,
    negative,
    number_code,
    words_in,
)
from tensorcalc.codegen.computed import computed_below, computed_body, count_uses
from tensorcalc.codegen.diagonals import deltas_of, diagonal_box, has_delta, on_diagonal
from tensorcalc.codegen.merge import is_reshape
from tensorcalc.codegen.product import (
    Contraction,
    Factor,
    broadcast_code,
    product_code,
    times,
)
from tensorcalc.evaluate import value_of
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
    SpecialFunction,
    Variable,
)
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.rewrite.products import coefficient_and_core
from tensorcalc.shapes import Dim, ProductDim

__all__ = ["Lowering"]

_TERMS = 200  # of one statement
_WIDE = 72  # a line longer than this is broken by naming a part of it


class Lowering:
    """Turns expressions into statements of one function."""

    def __init__(
        self, roots: Iterable[Expr], hints: Mapping[Expr, str], *, in_place: bool = True
    ) -> None:
        self.in_place = in_place
        self.names = Names()
        self.lines: list[str] = []
        self.made: dict[str, str] = {}  # the code of each name
        self.contractions: list[Contraction] = []
        self.functions: dict[str, Callable[..., Any]] = {}
        self.quoted: dict[str, str] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.code: dict[Expr, Code] = {}
        self.argument: dict[str, str] = {}
        self.dims: dict[str, str] = {}
        self._function_names: dict[object, str] = {}
        # every node to compute, arguments first; names are looked through
        self.order = computed_below(roots)
        self.uses = count_uses(self.order, roots)
        self.diagonals = {
            term
            for node in self.order
            if isinstance(node, Add) and node.ndim > 1 and in_place
            for term in node.terms
            if has_delta(term) and self.uses[term] == 1 and term not in hints
        }
        bodies = {computed_body(n): n.name for n in self.order if isinstance(n, Definition)}
        self.hints = {**hints, **bodies}

    def claim_arguments(self, names: Iterable[str]) -> None:
        """Give the function's arguments their own names first."""
        for name in names:
            self.argument[name] = self.names.claim(name)

    def run(self) -> None:
        """Write every statement."""
        for node in self.order:  # arguments stand before what uses them
            if node in self.diagonals:  # added where the rest of the sum lies
                continue
            code = self._lower(node)
            if self._deserves_name(node, code):
                code = self.assign(node, code)
            self.code[node] = code

    def drop_unused(self, returned: str) -> None:
        """Leave out what broadcasting made superfluous."""
        kept: list[str] = []
        used = set(words_in(returned))
        for line in reversed(self.lines):
            target, assigned, value = line.partition(" = ")
            if assigned and target.isidentifier() and target not in used:
                continue
            used.update(words_in(line if not target.isidentifier() else value))
            kept.append(line)
        self.lines = kept[::-1]
        self.dims = {dim: code for dim, code in self.dims.items() if code in used}

    def _deserves_name(self, node: Expr, code: Code) -> bool:
        if isinstance(node, (Variable, Definition, Delta, Ones)) or code.text in self.names.taken:
            return False
        if isinstance(node, Constant) and node.ndim == 0:
            return False
        if code.level == UNARY and code.text[1:].isidentifier():  # −y is cheaper than a name
            return False
        if node in self.hints or len(code.text) > _WIDE:
            return True
        return self.uses.get(node, 0) > 1 and not code.text.isidentifier()

    def assign(self, node: Expr | None, code: Code) -> Code:
        """A statement that gives the code a name."""
        hint = self.hints.get(node) if node is not None else None
        name = self.names.claim(hint) if hint else self.names.number("t")
        self.lines.append(f"{name} = {code.text}")
        self.made[name] = code.text
        return Code(name)

    def size(self, dim: Dim) -> str:
        """The size of a dimension in code."""
        if isinstance(dim, int):
            return str(dim)
        if isinstance(dim, ProductDim):
            number = [str(dim.number)] if dim.number != 1 else []
            return " * ".join([*number, *map(self.size, dim.names)])
        if dim not in self.dims:
            self.dims[dim] = self.names.claim(dim)
        return self.dims[dim]

    # ── one rule per node type ──

    def _lower(self, node: Expr) -> Code:
        rule = getattr(self, "_" + type(node).__name__.lower())
        return rule(node)

    def _variable(self, node: Variable) -> Code:
        return Code(self.argument[node.name])

    def _definition(self, node: Definition) -> Code:
        code = self.code[computed_body(node)]
        if code.text.isidentifier() and code.text not in self.argument.values():
            return code
        name = self.names.claim(node.name)
        self.lines.append(f"{name} = {code.text}")
        return Code(name)

    def _constant(self, node: Constant) -> Code:
        if node.ndim == 0:
            return number_code(node.number)
        name = self.names.number("c")
        self.constants[name] = node.value
        return Code(name)

    def _delta(self, node: Delta) -> Code:
        return Code(f"np.eye({self.size(node.dim)})")

    def _ones(self, node: Ones) -> Code:
        return Code(f"np.ones({self.size(node.dim)})")

    def _select(self, node: Select) -> Code:
        inner = self.code[node.operand]
        place = ":, " * node.axis + node.subscript
        return Code(f"{inner.inside(ATOM)}[{place}]")

    def _merge(self, node: Merge) -> Code:
        whole, *parts = map(self.size, node.shape)
        return Code(f"np.eye({whole}).reshape({whole}, {', '.join(parts)})")

    def _special(self, node: Special) -> Code:
        name = self._function_name(node.function)
        parameters = "".join(f", {p}" for p in node.function.parameters)
        return Code(f"{name}({self.code[node.argument].text}{parameters})")

    def _elementwise(self, node: Elementwise) -> Code:
        covered = set().union(*map(self._covered, node.arguments))
        if len(node.arguments) > 1 and covered == set(range(node.ndim)):
            arguments = [self._broadcastable(a) for a in node.arguments]
        else:  # an axis that all of them only repeat must be there nevertheless
            arguments = [self.code[a] for a in node.arguments]
        exponent = node.function.exponent
        if exponent == -1:
            return Code(f"1 / {arguments[0].inside(MUL, '/', right=True)}", MUL, "/")
        if exponent is not None:
            return Code(
                f"{arguments[0].inside(ATOM)} ** {number_code(exponent).inside(ATOM)}", POWER
            )
        name = self._function_name(node.function)
        return Code(f"{name}({', '.join(a.text for a in arguments)})")

    def _function_name(self, function: Function | SpecialFunction) -> str:
        evaluate = value_of(function.name, function.evaluate)
        if isinstance(evaluate, np.ufunc):
            return f"np.{evaluate.__name__}"
        if evaluate is getattr(np.linalg, evaluate.__name__, None):
            return f"np.linalg.{evaluate.__name__}"
        if function not in self._function_names:
            stem = function.name.replace("′", "_prime").rstrip("_")
            name = self._function_names[function] = self.names.claim(stem)
            self.functions[name] = evaluate
            if evaluate.__module__.startswith("tensorcalc.") and "." not in evaluate.__qualname__:
                source = textwrap.dedent(inspect.getsource(evaluate))
                self.quoted[name] = source.replace(f"def {evaluate.__name__}(", f"def {name}(")
        return self._function_names[function]

    def _add(self, node: Add) -> Code:
        diagonals = [t for t in node.terms if isinstance(t, Einsum) and t in self.diagonals]
        terms = [term for term in node.terms if term not in self.diagonals]
        if not diagonals:
            return self._sum(terms)
        if node.ndim == 2 and all(constant_entry(t) is not None for t in terms) and terms:
            identities = [term for term in diagonals if not on_diagonal(self, term)[1]]
            if identities == diagonals:  # 1 - np.eye(n), as one writes it
                self.code.update((term, diagonal_box(self, term)) for term in identities)
                return self._sum(node.terms)
        if terms:
            total = self._dense(terms)
            owned = total.text in self.made and node not in self.hints
            name = total.text if owned else self.assign(node, total).text
        else:
            first, *diagonals = diagonals
            name = diagonal_box(self, first, node).text
        for term in diagonals:
            spec, _, entries = on_diagonal(self, term)
            self.lines.append(f'np.einsum("{spec}", {name})[...] += {entries.text}  # the diagonal')
        return Code(name)

    def _dense(self, terms: Sequence[Expr]) -> Code:
        """A sum as an array of its own, with every axis."""
        code = self._sum(terms)
        shape = terms[0].shape
        alone = self.code[terms[0]] if len(terms) == 1 else code
        if set().union(*map(self._covered, terms)) != set(range(len(shape))):
            if alone.text.startswith(("np.broadcast_to(", "np.full(")):
                return alone  # spread over every axis already
            sizes = ", ".join(map(self.size, shape))
            return Code(f"np.broadcast_to({code.text}, ({sizes})).copy()")
        called, _, rest = alone.text.partition("(")
        computes = rest and isinstance(terms[0], Elementwise)
        if computes and (called in self.quoted or called.startswith("np.")):
            return code
        if is_new_array(code.text) or (len(terms) == 1 and self._is_made_for_it(terms[0])):
            return code
        return Code(f"{alone.inside(ATOM)}.copy()")  # a name or a view: the array of another value

    def _is_made_for_it(self, node: Expr) -> bool:
        """Whether a node has a name for an array that nothing but its one user uses."""
        name = self.code[node].text
        if self.uses[node] != 1 or name not in self.made or not is_new_array(self.made[name]):
            return False
        return sum(code.text == name for code in self.code.values()) == 1

    def _sum(self, of: Sequence[Expr]) -> Code:
        covers = [self._covered(term) for term in of]
        whole = set().union(*covers) == set(range(of[0].ndim))
        text = ""
        terms = sorted(of, key=lambda t: coefficient_and_core(t)[0] < 0)
        positive = coefficient_and_core(of[0])[0] >= 0
        for k, term in enumerate(of if positive else terms, start=1):
            if k % _TERMS == 0:  # Python reads a sum of some thousand terms by recursion
                text = self.assign(None, Code(text, ADD, "+")).text
            number, _ = coefficient_and_core(term)
            code = self._broadcastable(term) if whole else self.code[term]
            if number < 0 and code.text.startswith("-"):
                text += (" - " if text else "-") + code.text[1:]
            else:
                text += (" + " if text else "") + code.inside(ADD)
        return Code(text, ADD, "+")

    def _covered(self, term: Expr) -> set[int]:
        """The axes along which a term really has entries."""
        if constant_entry(term) is not None and term.ndim:
            return set()
        if isinstance(term, Einsum) and term not in self.hints:
            return _axes_with_entries(term)
        return set(range(term.ndim))

    def _broadcastable(self, term: Expr) -> Code:
        """Code that NumPy broadcasts to the term's shape."""
        entry = constant_entry(term)
        if entry is not None:
            return number_code(entry)
        if isinstance(term, Einsum) and len(self._covered(term)) < term.ndim:
            kept = tuple(i for axis, i in enumerate(term.output) if axis in self._covered(term))
            return broadcast_code(Factor(self.core(term, kept), kept), term.output)
        return self.code[term]

    def _einsum(self, node: Einsum) -> Code:
        """Deltas and ones are handled around the core product of real factors."""
        reshaped = self._reshaped(node)
        if reshaped is not None:
            return reshaped
        if deltas_of(node):
            return diagonal_box(self, node)
        entry = constant_entry(node)
        if entry is not None and node.ndim:
            return self._filled(node, number_code(entry))
        kept = tuple(i for axis, i in enumerate(node.output) if axis in _axes_with_entries(node))
        core = self.core(node, kept)
        if kept == node.output:
            return core
        return self._filled(node, broadcast_code(Factor(core, kept), node.output))

    def _reshaped(self, node: Einsum) -> Code | None:
        """X.reshape(…) where axes are merged or split and nothing else is done."""
        place = next((k for k, o in enumerate(node.operands) if isinstance(o, Merge)), None)
        if place is None or len(node.operands) != 2 or not is_reshape(node):
            return None
        code = self.code[node.operands[1 - place]]
        shape = ", ".join(map(self.size, node.shape))
        return Code(f"{code.inside(ATOM)}.reshape({shape})")

    def _filled(self, node: Einsum, code: Code) -> Code:
        shape = ", ".join(map(self.size, node.shape))
        shape = f"({shape},)" if node.ndim == 1 else f"({shape})"
        if constant_entry(node) is not None:
            return Code(f"np.full({shape}, {code.text}, dtype=float)")
        return Code(f"np.broadcast_to({code.text}, {shape}).copy()")

    def core(
        self,
        node: Einsum,
        output: tuple[int, ...],
        pairs: Sequence[tuple[Expr, tuple[int, ...]]] | None = None,
    ) -> Code:
        """The product of the factors that have entries, scaled by those that are scalars."""
        if pairs is None:
            pairs = list(zip(node.operands, node.inputs, strict=True))
        real = {i for operand, ix in pairs if not isinstance(operand, Ones) for i in ix}
        summed = node.summed
        scalars: list[Code] = []
        factors: list[Factor] = []
        for operand, indices in pairs:
            if isinstance(operand, Ones):
                if indices[0] not in real and indices[0] in summed:
                    size = self.size(operand.dim)  # Σ_i 1 is the size
                    scalars.append(Code(size, MUL, "*") if " " in size else Code(size))
            elif not indices:
                scalars.append(self.code[operand])
            else:
                factors.append(Factor(self.code[operand], indices))
        if not factors:
            return self._scalar_product(scalars)
        if scalars and len(factors) == 2 and factors[0].code == factors[1].code:
            # AᵀA keeps one array on both sides, which halves the work; scaled when it is done
            inner = Factor(product_code(factors, output, node.dims, self.contractions), output)
            return _scaled_smallest([inner], scalars)[0].code
        outside = summed and _is_no_larger(output, factors, node.dims)
        signs = [s for s in scalars if s.text == "-1"] if outside else []
        scalars = [s for s in scalars if s not in signs]
        if scalars:
            factors = _scaled_smallest(factors, scalars)
        code = product_code(factors, output, node.dims, self.contractions)
        return negative(code) if len(signs) % 2 else code  # a sum then subtracts it

    @staticmethod
    def _scalar_product(scalars: list[Code]) -> Code:
        if not scalars:
            return Code("1.0")
        if scalars[0].text == "-1" and len(scalars) > 1:
            return negative(Lowering._scalar_product(scalars[1:]))
        result = scalars[0]
        for scalar in scalars[1:]:
            result = divided(result, scalar) or times(result, scalar)
        return result


def _axes_with_entries(node: Einsum) -> set[int]:
    """The axes of a product along which it is not just repeated; all, if deltas tie some."""
    if any(isinstance(operand, Delta) for operand in node.operands):
        return set(range(node.ndim))
    lone = {ix[0] for o, ix in zip(node.operands, node.inputs, strict=True) if isinstance(o, Ones)}
    return {axis for axis, i in enumerate(node.output) if i not in lone}


def divided(top: Code, bottom: Code) -> Code | None:
    """top / x where the second factor is 1 / x."""
    if bottom.operator == "/" and bottom.text.startswith("1 / "):
        return Code(f"{top.inside(MUL, '*')} / {bottom.text[4:]}", MUL, "*")
    return None


def _is_no_larger(
    output: Sequence[int], factors: Sequence[Factor], dims: Mapping[int, Dim]
) -> bool:
    """Whether a product surely has no more entries than any of its factors."""
    sizes = Counter(dims[i] for i in output)
    return all(sizes <= Counter(dims[i] for i in factor.indices) for factor in factors)


def _scaled_smallest(factors: list[Factor], scalars: list[Code]) -> list[Factor]:
    """Scalars multiply the factor with the fewest axes, which is the cheapest place."""
    k = min(range(len(factors)), key=lambda n: len(factors[n].indices))
    code, turned = factors[k].code, False
    for scalar in reversed(scalars):
        if scalar.text == "-1":
            turned = not turned
            continue
        code = divided(code, scalar) or times(scalar, code)
    if turned:
        code = negative(code)
    factors[k] = Factor(code, factors[k].indices)
    return factors
