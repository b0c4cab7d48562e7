"""One product as a graph, and the matrix notation that it is.

Its indices are vertices, a two-index factor is an edge, a one-index factor a weight on its
vertex, a number a coefficient. A summed vertex with one edge (A, weight d) becomes the weight
A d on the other end; with two edges, one edge A diag(d) B; a closed loop is a trace. What is left
is read off by the output's indices. A summed vertex with three edges, or a factor with three
axes, has no matrix form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from tensorcalc.display.notation import (
    IDENTITY,
    ONE,
    Atom,
    Call,
    Chain,
    Norm,
    Notation,
    Power,
    Scaled,
    chain,
    hadamard,
    scaled,
    transposed,
)
from tensorcalc.display.sums import length_of, turns
from tensorcalc.expr import Einsum, Expr, Ones, fresh_indices

__all__ = ["product_form"]

Forms = Mapping[Expr, Notation | None]


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


def product_form(node: Einsum, forms: Forms) -> Notation | None:
    """The matrix notation of a product of at most two axes, from that of its factors."""
    closed = _reduced(node, forms)
    opened = _opened(node, forms) if node.ndim == 0 else node
    if opened is node:
        return closed
    open_form = _reduced(opened, forms)
    found = [form for form in (closed, open_form) if form is not None]
    return min(found, key=length_of, default=None)


def _reduced(node: Einsum, forms: Forms) -> Notation | None:
    graph = _graph_of(node, forms)
    if graph is None:
        return None
    while graph.summed:
        vertex = min(graph.summed, key=lambda v: (len(graph.at(v)), -v))
        if not _eliminate(graph, vertex):
            return None
        graph.summed.remove(vertex)
    return _read_off(graph, node)


def _opened(node: Einsum, forms: Forms) -> Einsum:
    """A number with its inner matrix products opened: tr(A b cᵀ) is an inner product."""
    pairs: list[tuple[Expr, tuple[int, ...]]] = []
    numbers = fresh_indices(node.dims)
    for operand, indices in zip(node.operands, node.inputs, strict=True):
        named = isinstance(forms.get(operand), Atom)
        if named or not _is_matrix_product(operand):
            pairs.append((operand, indices))
            continue
        rename = dict(zip(operand.output, indices, strict=True))
        for inner, ix in zip(operand.operands, operand.inputs, strict=True):
            pairs.append((inner, tuple(rename.setdefault(i, next(numbers)) for i in ix)))
    if len(pairs) == len(node.operands) or any(inner not in forms for inner, _ in pairs):
        return node
    return Einsum([f for f, _ in pairs], [ix for _, ix in pairs], ())


def _is_matrix_product(e: Expr) -> TypeGuard[Einsum]:
    return isinstance(e, Einsum) and e.ndim == 2 and all(f.ndim <= 2 for f in e.operands)


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
        turned = list(map(transposed, forms))
        if sum(map(turns, turned)) < sum(map(turns, forms)):
            graph.edges.append((other, vertex, hadamard(turned, 2)))
        else:
            graph.edges.append((vertex, other, hadamard(forms, 2)))


def _inner_product(weights: list[Notation]) -> Notation:
    if not weights:
        return ONE
    if len(weights) == 2 and weights[0] == weights[1]:
        return Power(Norm(weights[0]), 2.0, 0)
    if len(weights) == 1:
        if isinstance(weights[0], Call) and weights[0].name == "diagonal":
            return trace_of(*weights[0].arguments)
        return chain((ONE, True), (weights[0], False))
    whole = chain((weights[0], True), (hadamard(weights[1:], 1), False))
    turned = transposed(whole)
    return turned if turns(turned) + 1 < turns(whole) else whole


def _trace(left: Notation, right: Notation, product: Notation, *, plain: bool) -> Notation:
    if plain and left == transposed(right):
        return Power(Norm(min(left, right, key=turns)), 2.0, 0)
    return trace_of(min(product, transposed(product), key=turns))


def trace_of(n: Notation) -> Notation:
    """tr(A), with numbers and scalars in front."""
    if isinstance(n, Scaled) and n.body is not None:
        return scaled(n.number, n.scalars, trace_of(n.body))
    return Call("tr", r"\operatorname{tr}", (n,))


def _diag(weight: Notation | None) -> Notation:
    if weight is None or weight == ONE:
        return IDENTITY
    if isinstance(weight, Call) and weight.name == "diagonal":
        return hadamard((*weight.arguments, IDENTITY), 2)
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
