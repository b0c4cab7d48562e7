"""From indices back to matrices: the matrix notation of an expression with at most two axes.

One product is a graph: its indices are vertices, a two-index factor is an edge, a one-index
factor a weight on its vertex, a number a coefficient. A summed vertex with one edge (A,
weight d) becomes the weight A d on the other end; with two edges, one edge A diag(d) B; a
closed loop is a trace. What is left is read off by the output's indices. A summed vertex with
three edges, or a factor with three axes, has no matrix form: ``matrix_form`` gives None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tensorcalc import special
from tensorcalc.display.graph import product_form
from tensorcalc.display.letters import number_text
from tensorcalc.display.merged import merged_form
from tensorcalc.display.notation import (
    IDENTITY,
    ONE,
    Atom,
    Call,
    Chain,
    Inverse,
    Kronecker,
    Norm,
    Notation,
    Number,
    Power,
    Raised,
    Relation,
    Scaled,
    Sum,
    Transposed,
    chain,
    is_negative,
    negated,
    power_of,
    scaled,
    set_apart,
    sum_of,
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
    Function,
    Merge,
    Ones,
    Select,
    Special,
    Variable,
    is_zero,
    toposort,
)
from tensorcalc.functions import greater, greater_equal, inverse_or_zero, length, pow_, sqrt
from tensorcalc.rewrite.entries import as_slice
from tensorcalc.rewrite.sums import is_symmetric
from tensorcalc.shapes import Dim

__all__ = ["matrix_form"]

_LARGEST = 400  # pieces of notation; beyond this a formula is no longer read
_ALL_ONES = (ONE, chain((ONE, False), (ONE, True)))
_DEEPEST = 40  # levels of nesting; beyond this neither


def matrix_form(root: Expr, names: dict[Expr, str] | None = None) -> Notation | None:
    """The expression in matrix notation: a vector is a column. None where there is none.

    ``names`` gives names to subexpressions, at which printing stops as it does at definitions.
    """
    names = names or {}
    forms: dict[Expr, Notation | None] = {}
    size: dict[Expr, int] = {}
    depth: dict[Expr, int] = {}
    for node in toposort([root], lambda n: isinstance(n, Definition) or n in names):
        if node in names:
            forms[node], size[node], depth[node] = Atom(names[node]), 1, 1
            continue
        inner = () if isinstance(node, Definition) else node.args
        size[node] = 1 + sum(size[arg] for arg in inner)
        depth[node] = 1 + max((depth[arg] for arg in inner), default=0)
        if size[node] > _LARGEST or depth[node] > _DEEPEST:
            forms[node], size[node], depth[node] = Atom("…", which=id(node)), 1, 1
        else:
            forms[node] = _FORMS[type(node)](node, forms)
    form = forms[root]
    printed = {node.name for node in forms if isinstance(node, (Variable, Definition))}
    return set_apart(form, printed) if form is not None else None


Forms = dict[Expr, Notation | None]


def _named(node: Variable | Definition, forms: Forms) -> Notation | None:
    return Atom(node.name, is_symmetric(node, named=True)) if node.ndim <= 2 else None


def _constant(node: Constant, forms: Forms) -> Notation | None:
    if node.ndim == 0:
        return Number(node.number)
    if node.ndim == 1 and node.value.size <= 6:
        return Transposed(Atom("[" + ", ".join(map(number_text, node.value)) + "]"))
    return Atom(constant_name(node), which=id(node)) if node.ndim <= 2 else None


def constant_name(node: Constant) -> str:
    """What an array of numbers is called in a formula: its shape says enough."""
    return "[" + "×".join(map(str, node.value.shape)) + " array]"


def _delta(node: Delta, forms: Forms) -> Notation | None:
    return IDENTITY


def _ones(node: Ones, forms: Forms) -> Notation | None:
    return ONE


def _select(node: Select, forms: Forms) -> Notation | None:
    """A[0:2, ::-1], with all slices of one quantity between one pair of brackets."""
    slices = [node]
    while isinstance(slices[-1].operand, Select):
        slices.append(slices[-1].operand)
    base = slices[-1].operand
    places: list[int | range | None] = [None] * base.ndim
    live = list(range(base.ndim))
    for cut in reversed(slices):
        axis = live[cut.axis]
        before = places[axis]
        places[axis] = cut.index if before is None else before[as_slice(cut.index)]  # type: ignore[index]
        if isinstance(cut.index, int):
            del live[cut.axis]
    inner = forms.get(base)
    if node.ndim > 2 or not isinstance(inner, Atom) or isinstance(base, Merge):
        return None
    name = inner.name
    if isinstance(base, Delta):
        if live == [1] and isinstance(places[0], int) and places[1] is None:
            return Atom(f"e[{places[0]}]", constant=True)
        if len(live) < 2:
            return None
    words = [slot_text(p, dim) for p, dim in zip(places, base.shape, strict=True)]
    atom = Atom(f"{name}[{', '.join(words)}]", constant=inner.constant, which=inner.which)
    return Transposed(atom) if base.ndim == 2 and live == [1] else atom


def slot_text(place: int | range | None, dim: Dim) -> str:
    """One place between the brackets of a slice: 2, :, 0:2, ::-1."""
    if place is None:
        return ":"
    if isinstance(place, int):
        return str(place)
    backwards = place.step < 0
    start = "" if backwards and place.start + 1 == dim else str(place.start)
    stop = str(place.stop) if place.stop >= 0 else ""
    step = f":{place.step}" if place.step != 1 else ""
    return f"{start}:{stop}{step}"


def _merge(node: Merge, forms: Forms) -> Notation | None:
    return None


def _special(node: Special, forms: Forms) -> Notation | None:
    inner = forms[node.argument]
    if inner is None:
        return None
    if node.function is special.inv:
        return Inverse(inner)
    name = node.function.name
    if name == "argmax" and is_negative(inner):
        return Call("argmin", r"\operatorname{argmin}", (negated(inner),))
    rows, extra = along_rows(node)
    called = node.function.text or node.function.name
    return Call(called, node.function.latex, (inner,), extra, rows)


def along_rows(node: Special) -> tuple[bool, str]:
    """Whether a function acts on each row of a matrix, and what of it stands in the formula.

    softmax(U) of a matrix has one reading only; max(U) could be of all entries, and U (n × 1)
    could be a column.
    """
    if node.argument.ndim != 2 or node.function.core != 1:
        return False, ""
    one_reading = node.function in (special.softmax, special.log_softmax)
    return True, "" if one_reading and node.argument.shape[1] != 1 else ", axis=1"


def _elementwise(node: Elementwise, forms: Forms) -> Notation | None:
    arguments = [forms[a] for a in node.arguments]
    if any(a is None for a in arguments):
        return None
    inner = arguments[0]
    assert inner is not None
    function = node.function
    if function in (length, sqrt):
        if isinstance(inner, Power) and isinstance(inner.base, Norm) and inner.exponent == 2:
            return inner.base
        return Call("√", r"\sqrt", (inner,))
    if function is inverse_or_zero:
        return power_of(inner, -1.0, node.ndim)
    if function.exponent is not None:
        return power_of(inner, function.exponent, node.ndim)
    return of_arguments(function, arguments)


def of_arguments(function: Function, arguments: Sequence[Notation | None]) -> Notation:
    """A function applied: a relation, a power or a call."""
    given = [a for a in arguments if a is not None]
    repeated = [_repeated(a) for a in given]
    if not all(repeated):
        given = [r or a for r, a in zip(repeated, given, strict=True)]
    if function in (greater, greater_equal):
        return Relation(given[0], function.text, given[1])
    if function is pow_:
        return Raised(*given)
    return Call(function.text or function.name, function.latex or function.name, tuple(given))


def _repeated(n: Notation) -> Notation | None:
    """c where the vector c 1 stands: beside other arguments a scalar says as much."""
    if n in _ALL_ONES:
        return Number(1.0)
    if isinstance(n, Number):
        return n
    if isinstance(n, Atom) and n.name == "0":
        return Number(0.0)
    if isinstance(n, Scaled) and n.body in _ALL_ONES:
        return scaled(n.number, n.scalars, None)
    if isinstance(n, Sum):
        terms = [_repeated(term) for term in n.terms]
        return sum_of(t for t in terms if t) if all(terms) else None
    return None


def _add(node: Add, forms: Forms) -> Notation | None:
    terms = [forms[t] for t in node.terms]
    if node.ndim > 2 or any(t is None for t in terms):
        return None
    if node.ndim == 2 and any(_is_of_matrices(t) for t in terms):  # A + 4 would read as A + 4 I
        return collected_sum((t for t in terms if t is not None), node.ndim)
    entrywise = [_filled(t, n) for t, n in zip(terms, node.terms, strict=True)]
    return collected_sum((t for t in entrywise if t is not None), node.ndim)


def _is_of_matrices(n: Notation | None) -> bool:
    """Whether a term reads as matrix algebra, not entry by entry."""
    if isinstance(n, Scaled) and n.body is not None:
        n = n.body
    if isinstance(n, Call):
        return n.name == "diag"
    algebra = isinstance(n, (Chain, Transposed, Inverse, Kronecker)) and n not in _ALL_ONES
    return n == IDENTITY or algebra


def _filled(notation: Notation | None, node: Expr) -> Notation | None:
    """In a sum the vector of ones is written 1, which reads as a number there."""
    if isinstance(node, Ones):
        return Number(1.0)
    if isinstance(node, Einsum) and all(_number_or_ones(f) for f in node.operands):
        value = 1.0
        for factor in node.operands:
            value *= factor.number if isinstance(factor, Constant) else 1.0
        return notation if node.summed else Number(value)
    return notation


def _number_or_ones(e: Expr) -> bool:
    return isinstance(e, Ones) or (isinstance(e, Constant) and e.ndim == 0)


def _einsum(node: Einsum, forms: Forms) -> Notation | None:
    if node.ndim > 2:
        return None
    if is_zero(node):
        return Atom("0", symmetric=True, constant=True)
    if any(isinstance(operand, Merge) for operand in node.operands):
        return merged_form(node, lambda e: _einsum(e, forms) if isinstance(e, Einsum) else forms[e])
    form = product_form(node, forms)
    return form and _as_minimum(form)


def _as_minimum(n: Notation) -> Notation:
    """−max(−x) as min(x)."""
    if not isinstance(n, Scaled) or n.number >= 0:
        return n
    for part in (*n.scalars, n.body):
        if isinstance(part, Call) and part.name == "max" and is_negative(part.arguments[0]):
            least = replace(
                part, name="min", latex=r"\min", arguments=(negated(part.arguments[0]),)
            )
            scalars = tuple(least if s is part else s for s in n.scalars)
            return scaled(-n.number, scalars, least if n.body is part else n.body)
    return n


_FORMS = {
    Variable: _named,
    Definition: _named,
    Constant: _constant,
    Delta: _delta,
    Ones: _ones,
    Merge: _merge,
    Select: _select,
    Special: _special,
    Elementwise: _elementwise,
    Add: _add,
    Einsum: _einsum,
}
