"""SymPy, by matrices: an index expression with at most two axes as products of matrices.

As in ``display.matrix`` a product is a graph: indices are vertices, a factor with two indices
is an edge, one with one index a weight on its vertex. Summing over a vertex joins the edges
that meet there. Here every matrix knows its size, which printed notation leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.errors import NotSupportedError
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
    is_zero,
    toposort,
)
from tensorcalc.interop.merged import kron_parts
from tensorcalc.interop.symbols import function_of, number, require_shallow, require_sympy, size
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.shapes import format_shape

__all__ = ["matrix_of"]

_ENTRIES = 400  # of an array of numbers


def matrix_of(root: Expr, *, lies: bool = False) -> Any:
    """The expression as a SymPy matrix: m × n, a vector n × 1 (1 × n if it ``lies``), or a scalar.

    Raises NotSupportedError where matrix notation has no word for it.
    """
    forms = _Forms()
    order = toposort([root], below=_children)
    require_shallow(order)
    for node in order:
        if isinstance(node, Merge) or node.ndim > 2:
            continue  # refused where it is used
        forms.known[node] = getattr(forms, "_" + type(node).__name__.lower())(node)
    if root not in forms.known:
        raise _refused(f"axes {format_shape(root.shape)}")
    return forms.turned(forms.known[root]) if lies else forms.known[root]


def _refused(what: str) -> NotSupportedError:
    return NotSupportedError(f"{what} has no SymPy matrix expression", 'use to_sympy(form="index")')


def _children(node: Expr) -> tuple[Expr, ...]:
    return kron_parts(node) or node.args


@dataclass
class _Graph:
    """A product: weights on vertices, edges between them (rows, columns, matrix), scalars."""

    summed: list[int]
    scalars: list[Any] = field(default_factory=list)
    weights: dict[int, list[Any]] = field(default_factory=dict)
    edges: list[tuple[int, int, Any]] = field(default_factory=list)

    def at(self, vertex: int) -> list[tuple[int, int, Any]]:
        """The edges that meet a vertex."""
        return [edge for edge in self.edges if vertex in edge[:2]]


class _Forms:
    """The forms of nodes; each rule finds those of the arguments in ``known``."""

    def __init__(self) -> None:
        self.sp = require_sympy()
        self.known: dict[Expr, Any] = {}

    def of(self, node: Expr) -> Any:
        """The form of an argument."""
        if node not in self.known:
            what = "a product with merged axes" if isinstance(node, Merge) else "a part of axes"
            raise _refused(
                what if isinstance(node, Merge) else f"{what} {format_shape(node.shape)}"
            )
        return self.known[node]

    # ── building blocks ──

    def ones(self, rows: Any, columns: Any = 1) -> Any:
        """The matrix of ones."""
        return self.sp.OneMatrix(rows, columns)

    def turned(self, matrix: Any) -> Any:
        """The transpose."""
        if isinstance(matrix, self.sp.OneMatrix):
            return self.ones(matrix.cols, matrix.rows)
        return matrix if isinstance(matrix, self.sp.Identity) else matrix.T

    def chain(self, *factors: Any) -> Any:
        """The matrix product."""
        needed = [m for m in factors if not isinstance(m, self.sp.Identity)]
        if len(needed) > 1:
            return self.sp.MatMul(*needed)
        return needed[0] if needed else factors[0]

    def entrywise(self, factors: list[Any]) -> Any:
        """The product entry by entry."""
        needed = [m for m in factors if not isinstance(m, self.sp.OneMatrix)] or factors[:1]
        return self.sp.HadamardProduct(*needed) if len(needed) > 1 else needed[0]

    def diag(self, column: Any) -> Any:
        """The matrix with a column on its diagonal."""
        if isinstance(column, self.sp.OneMatrix):
            return self.sp.Identity(column.rows)
        return self.sp.DiagMatrix(column)

    def diagonal(self, matrix: Any) -> Any:
        """The diagonal of a matrix as a column: (I ∘ M) 1."""
        n = matrix.rows
        if isinstance(matrix, self.sp.Identity):
            return self.ones(n)
        return self.chain(self.entrywise([self.sp.Identity(n), matrix]), self.ones(n))

    def scaled(self, scalar: Any, body: Any) -> Any:
        """A scalar times a matrix or a scalar."""
        if scalar == 1:
            return body
        return self.sp.MatMul(scalar, body) if getattr(body, "is_Matrix", False) else scalar * body

    def each(self, body: Any, matrix: Any) -> Any:
        """A function of t, entry by entry."""
        return matrix.applyfunc(self.sp.Lambda(self.sp.Symbol("t"), body(self.sp.Symbol("t"))))

    # ── one rule per node type ──

    def _variable(self, node: Variable) -> Any:
        if not node.ndim:
            return self.sp.Symbol(node.name)
        rows, columns = (*map(size, node.shape), 1)[:2]
        return self.sp.MatrixSymbol(node.name, rows, columns)

    def _definition(self, node: Definition) -> Any:
        return self.of(node.body)

    def _constant(self, node: Constant) -> Any:
        if not node.ndim:
            return number(node.number)
        if node.value.size > _ENTRIES:
            raise _refused(f"an array of numbers ({format_shape(node.shape)})")
        rows, columns = (*node.value.shape, 1)[:2]
        entries = [number(float(value)) for value in node.value.ravel()]
        return self.sp.ImmutableDenseMatrix(rows, columns, entries)

    def _delta(self, node: Delta) -> Any:
        return self.sp.Identity(size(node.dim))

    def _ones(self, node: Ones) -> Any:
        return self.ones(size(node.dim))

    def _select(self, node: Select) -> Any:
        inner, index = self.of(node.operand), node.index
        taken = (index, index + 1) if isinstance(index, int) else (index.start, index.stop)
        if isinstance(index, range):
            if index.step < 0:
                raise _refused("a slice counted backwards")
            taken = (*taken, index.step)
        place = slice(*taken)
        part = inner[place, :] if node.axis == 0 else inner[:, place]
        if isinstance(index, range) or node.axis == 1:
            return part
        return self.sp.Trace(part) if node.operand.ndim == 1 else self.turned(part)

    def _add(self, node: Add) -> Any:
        terms = [self.of(term) for term in node.terms]
        return self.sp.MatAdd(*terms) if node.ndim else self.sp.Add(*terms)

    def _elementwise(self, node: Elementwise) -> Any:
        function, arguments = node.function, [self.of(a) for a in node.arguments]
        if not node.ndim:
            return function_of(function, arguments)
        if function.exponent is not None:
            return self.sp.HadamardPower(arguments[0], number(function.exponent))
        entries = [constant_entry(a) for a in node.arguments]
        varying = [m for m, entry in zip(arguments, entries, strict=True) if entry is None]
        if len(varying) <= 1:
            given = lambda t: [t if e is None else number(e) for e in entries]
            matrix = varying[0] if varying else arguments[0]
            return self.each(lambda t: function_of(function, given(t)), matrix)
        return self._of_several(node, arguments)

    def _of_several(self, node: Elementwise, arguments: list[Any]) -> Any:
        """Functions of several arguments by those of one: max(x, y) = y + max(0, x − y)."""
        sp, function = self.sp, node.function
        if function is f.where:
            condition, a, b = arguments
            chosen = self.each(lambda t: sp.Abs(sp.sign(t)), condition)
            other = self.each(lambda t: 1 - sp.Abs(sp.sign(t)), condition)
            return sp.MatAdd(self.entrywise([chosen, a]), self.entrywise([other, b]))
        if function not in (f.maximum, f.minimum, f.greater, f.greater_equal):
            raise _refused(f"{function.name} of two matrices")
        a, b = arguments
        difference = sp.MatAdd(a, self.scaled(-1, b))
        if function is f.maximum:
            return sp.MatAdd(b, self.each(lambda t: sp.Max(0, t), difference))
        if function is f.minimum:
            return sp.MatAdd(b, self.each(lambda t: sp.Min(0, t), difference))
        at_zero = int(function is f.greater_equal)
        return self.each(lambda t: sp.Heaviside(t, at_zero), difference)

    def _special(self, node: Special) -> Any:
        sp, function, x = self.sp, node.function, self.of(node.argument)
        batch = node.argument.ndim - function.core
        if function is special.inv:
            return sp.Inverse(x)
        if function is special.det:
            return sp.Determinant(x)
        if function is special.logdet:
            return sp.log(sp.Abs(sp.Determinant(x)))
        if function not in (special.softmax, special.log_softmax, special.logsumexp):
            raise _refused(function.name)
        exp = self.each(sp.exp, x)
        if not batch:
            total = sp.Trace(self.chain(self.ones(1, x.rows), exp))
            if function is special.softmax:
                return self.scaled(1 / total, exp)
            if function is special.logsumexp:
                return sp.log(total)
            return sp.MatAdd(x, self.scaled(-sp.log(total), self.ones(x.rows)))
        totals = self.chain(exp, self.ones(x.cols))
        if function is special.softmax:
            return self.chain(self.diag(sp.HadamardPower(totals, -1)), exp)
        logs = self.each(sp.log, totals)
        if function is special.logsumexp:
            return logs
        return sp.MatAdd(x, self.scaled(-1, self.chain(logs, self.ones(1, x.cols))))

    # ── products ──

    def _einsum(self, node: Einsum) -> Any:
        if parts := kron_parts(node):
            return self.sp.KroneckerProduct(*map(self.of, parts))
        if is_zero(node) and node.ndim:
            rows, columns = (*map(size, node.shape), 1)[:2]
            return self.sp.ZeroMatrix(rows, columns)
        graph = self._graph(node)
        while graph.summed:
            vertex = min(graph.summed, key=lambda v: (len(graph.at(v)), -v))
            graph.summed.remove(vertex)
            self._sum_over(graph, vertex, node)
        return self.scaled(self.sp.Mul(*graph.scalars), self._left(graph, node))

    def _graph(self, node: Einsum) -> _Graph:
        graph = _Graph(list(node.summed))
        for operand, indices in zip(node.operands, node.inputs, strict=True):
            if isinstance(operand, Ones):
                continue  # an index without other factors stands for ones
            form = self.of(operand)
            if not indices:
                graph.scalars.append(form)
            elif len(indices) == 1:
                graph.weights.setdefault(indices[0], []).append(form)
            elif indices[0] != indices[1]:
                graph.edges.append((indices[0], indices[1], form))
            elif indices[0] in graph.summed and node.inputs == (indices,):
                graph.scalars.append(self.sp.Trace(form))
                graph.summed.remove(indices[0])
            else:
                graph.weights.setdefault(indices[0], []).append(self.diagonal(form))
        return graph

    def _sum_over(self, graph: _Graph, vertex: int, node: Einsum) -> None:
        """Take one vertex out of the graph; NotSupportedError where three edges meet in it."""
        if self._trace(graph, vertex):
            return
        self._join_parallel(graph, vertex)
        edges = graph.at(vertex)
        weights = graph.weights.pop(vertex, [])
        graph.edges = [edge for edge in graph.edges if edge not in edges]
        towards = [self._oriented(edge, vertex) for edge in edges]
        if not edges:
            n = size(node.dims[vertex])
            left = self.turned(weights[0]) if len(weights) > 1 else self.ones(1, n)
            right = self.entrywise(weights[1:] or weights) if weights else None
            graph.scalars.append(n if right is None else self.sp.Trace(self.chain(left, right)))
        elif len(edges) == 1:
            ((other, matrix),) = towards
            column = self.entrywise(weights) if weights else self.ones(matrix.cols)
            graph.weights.setdefault(other, []).append(self.chain(matrix, column))
        elif len(edges) == 2:
            (start, left), (end, right) = towards
            middle = [self.diag(self.entrywise(weights))] if weights else []
            graph.edges.append((start, end, self.chain(left, *middle, self.turned(right))))
        else:
            raise _refused("an index that three matrices share")

    def _trace(self, graph: _Graph, vertex: int) -> bool:
        """tr(A diag(w) B diag(u)) where a summed vertex is tied to one other by two edges only."""
        edges = graph.at(vertex)
        others = {i for edge in edges for i in edge[:2]} - {vertex}
        if len(edges) != 2 or len(others) != 1:
            return False
        (other,) = others
        if other not in graph.summed or graph.at(other) != edges:
            return False
        (_, left), (_, right) = (self._oriented(edge, vertex) for edge in edges)
        factors = [left]
        for place, matrix in ((vertex, self.turned(right)), (other, None)):
            if weights := graph.weights.pop(place, []):
                factors.append(self.diag(self.entrywise(weights)))
            factors += [] if matrix is None else [matrix]
        graph.scalars.append(self.sp.Trace(self.chain(*factors)))
        graph.edges = [edge for edge in graph.edges if edge not in edges]
        graph.summed.remove(other)
        return True

    def _oriented(self, edge: tuple[int, int, Any], vertex: int) -> tuple[int, Any]:
        """The other end of an edge, and its matrix with columns along ``vertex``."""
        row, column, matrix = edge
        return (row, matrix) if column == vertex else (column, self.turned(matrix))

    def _join_parallel(self, graph: _Graph, vertex: int) -> None:
        """Edges between the same two vertices become their product entry by entry."""
        by_other: dict[int, list[Any]] = {}
        for edge in graph.at(vertex):
            other, matrix = self._oriented(edge, vertex)
            by_other.setdefault(other, []).append(matrix)
        graph.edges = [edge for edge in graph.edges if vertex not in edge[:2]]
        for other, matrices in by_other.items():
            graph.edges.append((other, vertex, self.entrywise(matrices)))

    def _left(self, graph: _Graph, node: Einsum) -> Any:
        """What is left when every sum is taken, by the axes of the output."""
        if not node.ndim:
            return self.sp.Integer(1)
        columns = [
            self.entrywise(graph.weights[i])
            if i in graph.weights
            else self.ones(size(node.dims[i]))
            for i in node.output
        ]
        if node.ndim == 1:
            return columns[0]
        column = node.output[1]
        left, right = columns
        between = [m for _, m in (self._oriented(edge, column) for edge in graph.edges)]
        if not between:
            if all(isinstance(c, self.sp.OneMatrix) for c in columns):
                return self.ones(left.rows, right.rows)
            return self.chain(left, self.turned(right))
        if all(isinstance(m, self.sp.Identity) for m in between):
            return self.diag(self.entrywise(columns))
        return self.chain(self.diag(left), self.entrywise(between), self.diag(right))
