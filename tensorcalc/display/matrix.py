"""From indices back to matrices: the matrix notation of an expression with at most two axes.

One product is a graph: its indices are vertices, a two-index factor is an edge, a one-index
factor a weight on its vertex, a number a coefficient. A summed vertex with one edge (A,
weight d) becomes the weight A d on the other end; with two edges, one edge A diag(d) B; a
closed loop is a trace. What is left is read off by the output's indices. A summed vertex with
three edges, or a factor with three axes, has no matrix form: ``matrix_form`` gives None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tensorcalc import special
from tensorcalc.display.letters import number_text
from tensorcalc.display.notation import (
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
    Transposed,
    chain,
    hadamard,
    quotient,
    scaled,
    sum_of,
    transposed,
)
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
    product,
    toposort,
)
from tensorcalc.functions import greater, greater_equal, inverse_or_zero, length, pow_, sqrt

__all__ = ["matrix_form"]

_LARGEST = 400  # pieces of notation; beyond this a formula is no longer read
_DEEPEST = 40  # levels of nesting; beyond this neither
ONE = Atom("1")
IDENTITY = Atom("I", symmetric=True)
ELLIPSIS = Atom("…")


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
            forms[node], size[node], depth[node] = ELLIPSIS, 1, 1
        else:
            forms[node] = _FORMS[type(node)](node, forms)
    return forms[root]


Forms = dict[Expr, Notation | None]


def _named(node: Variable | Definition, forms: Forms) -> Notation | None:
    symmetric = isinstance(node, Variable) and "symmetric" in node.traits
    return Atom(node.name, symmetric) if node.ndim <= 2 else None


def _constant(node: Constant, forms: Forms) -> Notation | None:
    if node.ndim == 0:
        return Number(node.number)
    if node.ndim == 1 and node.value.size <= 6:
        return Transposed(Atom("[" + ", ".join(map(number_text, node.value)) + "]"))
    return Atom(constant_name(node)) if node.ndim <= 2 else None


def constant_name(node: Constant) -> str:
    """What an array of numbers is called in a formula: its shape says enough."""
    return "[" + "×".join(map(str, node.value.shape)) + " array]"


def _delta(node: Delta, forms: Forms) -> Notation | None:
    return IDENTITY


def _ones(node: Ones, forms: Forms) -> Notation | None:
    return ONE


def _select(node: Select, forms: Forms) -> Notation | None:
    inner = forms[node.operand]
    if isinstance(node.index, range):
        if not isinstance(inner, Atom) or node.ndim > 2:
            return None
        before = ":, " * node.axis
        after = ", :" * (node.ndim - node.axis - 1)
        return Atom(f"{inner.name}[{before}{node.subscript}{after}]")
    if isinstance(node.operand, Delta):
        return Atom(f"e[{node.index}]")
    if not isinstance(inner, Atom):
        return None
    if node.operand.ndim == 1:
        return Atom(f"{inner.name}[{node.index}]")
    if node.operand.ndim == 2:
        if node.axis == 0:
            return Transposed(Atom(f"{inner.name}[{node.index}, :]"))
        return Atom(f"{inner.name}[:, {node.index}]")
    return None


def _merge(node: Merge, forms: Forms) -> Notation | None:
    return None


def _special(node: Special, forms: Forms) -> Notation | None:
    inner = forms[node.argument]
    if inner is None:
        return None
    if node.function is special.inv:
        return Inverse(inner)
    extra = ", axis=1" if node.argument.ndim == 2 and node.function.core == 1 else ""
    return Call(node.function.text or node.function.name, node.function.latex, (inner,), extra)


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
    if function is inverse_or_zero or function.exponent == -1:
        return quotient(Number(1.0), inner, node.ndim > 0)
    if function.exponent is not None:
        if function.exponent < 0:
            below = Power(inner, -function.exponent, node.ndim)
            return quotient(Number(1.0), below, node.ndim > 0)
        if isinstance(inner, Power) and node.ndim == 0:  # (‖x‖²)² is ‖x‖⁴
            return Power(inner.base, inner.exponent * function.exponent, 0)
        return Power(inner, function.exponent, node.ndim)
    return of_arguments(function, arguments)


def of_arguments(function: Function, arguments: Sequence[Notation | None]) -> Notation:
    """A function applied: a relation, a power or a call."""
    given = [
        Number(value) if value is not None else a
        for a in arguments
        if a is not None
        for value in [_repeated_number(a)]
    ]
    if function in (greater, greater_equal):
        return Relation(given[0], function.text, given[1])
    if function is pow_:
        return Raised(*given)
    return Call(function.text or function.name, function.latex or function.name, tuple(given))


def _repeated_number(n: Notation) -> float | None:
    """c where the vector c 1 stands: beside other arguments a number says as much."""
    if n in (ONE, chain((ONE, False), (ONE, True))):
        return 1.0
    if isinstance(n, Atom) and n.name == "0":
        return 0.0
    if (
        isinstance(n, Scaled)
        and not n.scalars
        and n.body in (ONE, chain((ONE, False), (ONE, True)))
    ):
        return n.number
    return None


def _add(node: Add, forms: Forms) -> Notation | None:
    terms = [forms[t] for t in node.terms]
    if node.ndim > 2 or any(t is None for t in terms):
        return None
    if node.ndim == 2 and any(_is_of_matrices(t) for t in terms):  # A + 4 would read as A + 4 I
        return sum_of(t for t in terms if t is not None)
    entrywise = [_filled(t, n) for t, n in zip(terms, node.terms, strict=True)]
    return sum_of(t for t in entrywise if t is not None)


def _is_of_matrices(n: Notation | None) -> bool:
    """Whether a term reads as matrix algebra, not entry by entry."""
    if isinstance(n, Scaled) and n.body is not None:
        n = n.body
    if isinstance(n, Call):
        return n.name == "diag"
    ones = chain((ONE, False), (ONE, True))
    return n == IDENTITY or (isinstance(n, (Chain, Transposed, Inverse, Kronecker)) and n != ones)


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


# ── products ─────────────────────────────────────────────────────────────────────────────


@dataclass
class _Graph:
    """A product term: weights on vertices, edges between them, scalar factors."""

    summed: list[int]
    scalars: list[Notation] = field(default_factory=list)
    weights: dict[int, list[Notation]] = field(default_factory=dict)
    edges: list[tuple[int, int, Notation]] = field(default_factory=list)

    def at(self, vertex: int) -> list[tuple[int, int, Notation]]:
        """The edges that meet ``vertex``."""
        return [e for e in self.edges if vertex in e[:2]]

    def weight(self, vertex: int) -> Notation | None:
        """The Hadamard product of the weights on a vertex."""
        found = self.weights.get(vertex)
        return hadamard(found, 1) if found else None

    def put(self, vertex: int, weight: Notation) -> None:
        """One more weight on a vertex."""
        self.weights.setdefault(vertex, []).append(weight)


def _einsum(node: Einsum, forms: Forms) -> Notation | None:
    if node.ndim > 2:
        return None
    if is_zero(node):
        return Atom("0", symmetric=True)
    if any(isinstance(operand, Merge) for operand in node.operands):
        return _merged(node, forms)
    graph = _graph_of(node, forms)
    if graph is None:
        return None
    while graph.summed:
        vertex = min(graph.summed, key=lambda v: (len(graph.at(v)), -v))
        if not _eliminate(graph, vertex):
            return None
        graph.summed.remove(vertex)
    return _read_off(graph, node)


def _merged(node: Einsum, forms: Forms) -> Notation | None:
    """vec X or A ⊗ B, where that is what a product with merged axes is."""
    pairs = list(zip(node.operands, node.inputs, strict=True))
    parts = {ix[0]: ix[1:] for o, ix in pairs if isinstance(o, Merge) and len(ix) == 3}
    others = [(o, ix) for o, ix in pairs if not isinstance(o, Merge)]
    if len(parts) != len(pairs) - len(others) or set(parts) != set(node.output):
        return None
    if node.ndim == 1:
        (j, i) = parts[node.output[0]]
        inner = _form_of([f for f, _ in others], [ix for _, ix in others], (i, j), forms)
        return inner and Call("vec", r"\operatorname{vec}", (inner,))
    if node.ndim != 2:
        return None
    (a, b), (c, d) = (parts[p] for p in node.output)
    group = _connected([ix for _, ix in others], a)
    left = [pair for pair in others if set(pair[1]) & group]
    right = [pair for pair in others if not set(pair[1]) & group]
    if c not in group or b in group or d in group or not right:
        return None
    first = _form_of([f for f, _ in left], [ix for _, ix in left], (a, c), forms)
    second = _form_of([f for f, _ in right], [ix for _, ix in right], (b, d), forms)
    return Kronecker(first, second) if first and second else None


def _connected(inputs: Sequence[tuple[int, ...]], start: int) -> set[int]:
    """The indices tied to ``start`` through common factors."""
    found = {start}
    while True:
        more = found.union(*(set(ix) for ix in inputs if set(ix) & found))
        if more == found:
            return found
        found = more


def _form_of(
    operands: Sequence[Expr],
    inputs: Sequence[tuple[int, ...]],
    output: tuple[int, ...],
    forms: Forms,
) -> Notation | None:
    used = {i for ix in inputs for i in ix}
    if not set(output) <= used:
        return None
    whole = product(operands, inputs, output)
    return _einsum(whole, forms) if isinstance(whole, Einsum) else forms[whole]


def _graph_of(node: Einsum, forms: Forms) -> _Graph | None:
    graph = _Graph(list(node.summed))
    for operand, indices in zip(node.operands, node.inputs, strict=True):
        form = forms[operand]
        if form is None:
            return None
        if len(indices) == 0:
            graph.scalars.append(form)
        elif isinstance(operand, Ones):
            continue
        elif len(indices) == 1:
            graph.put(indices[0], form)
        elif len(indices) == 2 and indices[0] == indices[1]:
            graph.put(indices[0], Call("diagonal", r"\operatorname{diagonal}", (form,)))
        elif len(indices) == 2:
            graph.edges.append((*indices, form))  # type: ignore[arg-type]
        else:
            return None
    for operand, indices in zip(node.operands, node.inputs, strict=True):
        if isinstance(operand, Ones) and indices[0] in graph.summed:
            free = not graph.at(indices[0]) and indices[0] not in graph.weights
            if free:  # Σ_i 1 is the size of the dimension
                graph.summed.remove(indices[0])
                graph.scalars.append(Atom(str(operand.dim)))
    return graph


def _eliminate(graph: _Graph, vertex: int) -> bool:
    """Sum over one vertex; False where matrix notation has no word for it."""
    _merge_parallel(graph, vertex)
    edges = graph.at(vertex)
    weight = graph.weight(vertex)
    if len(edges) == 0:
        graph.scalars.append(_inner_product(graph.weights.get(vertex, [])))
    elif len(edges) == 1:
        a, b, matrix = edges[0]
        other = a if b == vertex else b
        towards = matrix if a == other else transposed(matrix)
        for factor in _times_column(towards, weight or ONE):
            graph.put(other, factor)
    elif len(edges) == 2:
        (a, b, first), (c, d, second) = edges
        start, end = (a if b == vertex else b), (c if d == vertex else d)
        left = first if b == vertex else transposed(first)
        right = second if c == vertex else transposed(second)
        middle = [(_diag(weight), False)] if weight is not None else []
        if start == end:
            trace = chain((left, False), *middle, (right, False))
            if start in graph.summed and not graph.weights.get(start) and len(graph.at(start)) == 2:
                graph.scalars.append(_trace(left, right, trace, plain=weight is None))
                graph.edges = [e for e in graph.edges if e not in edges]
                graph.summed.remove(start)
                return True
            graph.put(start, Call("diagonal", r"\operatorname{diagonal}", (trace,)))
        else:
            joined = chain((left, False), *middle, (right, False))
            graph.edges.append((start, end, joined))
    else:
        return False
    graph.edges = [e for e in graph.edges if e not in edges]
    graph.weights.pop(vertex, None)
    return True


def _times_column(matrix: Notation, column: Notation) -> list[Notation]:
    """A d as factors to be multiplied entry by entry: diag(u) B d is u ⊙ B d."""
    factors = matrix.factors if isinstance(matrix, Chain) else ((matrix, False),)
    first = factors[0][0]
    if isinstance(first, Call) and first.name == "diag":
        rest = chain(*factors[1:], (column, False))
        return [first.arguments[0], rest]
    return [chain((matrix, False), (column, False))]


def _merge_parallel(graph: _Graph, vertex: int) -> None:
    """Two edges between the same vertices become their Hadamard product.

    A pair of summed vertices with nothing else keeps both: that is a trace.
    """
    by_other: dict[int, list[tuple[int, int, Notation]]] = {}
    for edge in graph.at(vertex):
        other = edge[0] if edge[1] == vertex else edge[1]
        by_other.setdefault(other, []).append(edge)
    for other, edges in by_other.items():
        alone = other in graph.summed and len(graph.at(other)) == 2 == len(graph.at(vertex))
        if len(edges) < 2 or (alone and not graph.weights.get(other)):
            continue
        forms = [m if a == vertex else transposed(m) for a, _, m in edges]
        graph.edges = [e for e in graph.edges if e not in edges]
        graph.edges.append((vertex, other, hadamard(forms, 2)))


def _inner_product(weights: list[Notation]) -> Notation:
    if not weights:
        return ONE
    if len(weights) == 2 and weights[0] == weights[1]:
        return Power(Norm(weights[0]), 2.0, 0)
    if len(weights) == 1:
        if isinstance(weights[0], Call) and weights[0].name == "diagonal":
            return Call("tr", r"\operatorname{tr}", weights[0].arguments)
        return chain((ONE, True), (weights[0], False))
    return chain((weights[0], True), (hadamard(weights[1:], 1), False))


def _trace(left: Notation, right: Notation, product: Notation, *, plain: bool) -> Notation:
    if plain and left == transposed(right):
        return Power(Norm(min(left, right, key=_transposes)), 2.0, 0)
    return Call("tr", r"\operatorname{tr}", (product,))


def _transposes(n: Notation) -> int:
    """How many factors are written transposed."""
    if isinstance(n, Chain):
        return sum(flag for _, flag in n.factors)
    return int(isinstance(n, Transposed))


def _diag(weight: Notation | None) -> Notation:
    if weight is None or weight == ONE:
        return IDENTITY
    return Call("diag", r"\operatorname{diag}", (weight,))


def _read_off(graph: _Graph, node: Einsum) -> Notation | None:
    if node.ndim == 0:
        return scaled(1.0, graph.scalars, None)
    if node.ndim == 1:
        return scaled(1.0, graph.scalars, graph.weight(node.output[0]) or ONE)
    row, column = node.output
    u, v = graph.weight(row), graph.weight(column)
    between = [m if a == row else transposed(m) for a, _, m in graph.edges]
    if not between:
        body = chain((u or ONE, False), (v or ONE, True))
    elif all(m == IDENTITY for m in between):
        weights = [w for w in (u, v) if w is not None]
        body = _scaled_diag(weights)
    else:
        matrices = [m for m in between if m != IDENTITY]
        middle = hadamard(matrices, 2)
        if len(matrices) < len(between):
            middle = hadamard([IDENTITY, *matrices], 2)
        left = [(_diag(u), False)] if u is not None else []
        right = [(_diag(v), False)] if v is not None else []
        body = chain(*left, (middle, False), *right)
    return scaled(1.0, graph.scalars, body)


def _scaled_diag(weights: list[Notation]) -> Notation:
    """diag(c w) as c diag(w), and diag(1) as I."""
    if not weights:
        return IDENTITY
    whole = hadamard(weights, 1)
    number, scalars = getattr(whole, "number", 1.0), getattr(whole, "scalars", ())
    body = whole.body if hasattr(whole, "number") else whole  # type: ignore[attr-defined]
    return scaled(number, scalars, _diag(body))


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
