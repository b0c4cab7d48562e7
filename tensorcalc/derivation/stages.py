"""The vertices of a derivation: every stage between argument and value under a name.

A person writes v = W x, s = σ(v), E = ½‖s − y‖² before differentiating. ``staged`` does so for
an expression that lacks the names: each function that is not a mere power, and each compound
argument of one, becomes a named intermediate. What a program has named keeps its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from tensorcalc.chain import differentiate
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
    Special,
    Variable,
    is_zero,
    toposort,
)
from tensorcalc.functions import (
    greater,
    greater_equal,
    inverse_or_zero,
    length,
    nonzero,
    sqrt,
)
from tensorcalc.simplify import substitute
from tensorcalc.structure import quantity_names

__all__ = [
    "Edge",
    "Stages",
    "dependents",
    "is_stage",
    "local_part",
    "number_of",
    "staged",
    "staged_by_all",
]

_NAMES = {0: "crqtuw", 1: "uvwzrqpg", 2: "UVZRQPMH"}
_ATOMS = (Variable, Definition, Constant, Delta, Ones, Merge)


@dataclass(frozen=True)
class Edge:
    """One link of the chain rule: ∂of/∂wrt with every other vertex held fixed."""

    of: Expr
    wrt: Expr
    value: Expr


@dataclass(frozen=True)
class Stages:
    """The graph of named quantities between ``wrt`` and ``of``.

    ``order`` lists the vertices from ``of`` down to ``wrt``; ``defined`` every definition that a
    reader needs, before it is used; ``named`` those that were given a name here; ``fixed`` what
    is held by wish.
    """

    of: Expr
    wrt: Expr
    order: tuple[Expr, ...]
    edges: tuple[Edge, ...]
    defined: tuple[Definition, ...]
    named: frozenset[Expr]
    fixed: tuple[Expr, ...] = ()

    def into(self, vertex: Expr) -> list[Edge]:
        """The edges by which ``vertex`` acts on other vertices."""
        return [e for e in self.edges if e.wrt is vertex]

    def held(self, of: Expr, wrt: Expr) -> list[Expr]:
        """What stays fixed in the local derivative: what else ``of`` is reached through."""
        above: set[Expr] = {of}
        for edge in sorted(self.edges, key=lambda e: self.order.index(e.of)):
            if edge.of in above:
                above.add(edge.wrt)
        return [e.of for e in self.into(wrt) if e.of is not of and e.of in above]

    def paths(self, limit: int) -> list[list[Expr]]:
        """Ways from the argument to the value, as lists of vertices; at most ``limit`` of them."""
        found: list[list[Expr]] = []
        waiting = [[self.wrt]]
        while waiting and len(found) < limit:
            path = waiting.pop()
            if path[-1] is self.of:
                found.append(path)
                continue
            waiting.extend([*path, e.of] for e in reversed(self.into(path[-1])))
        return found

    @property
    def path_count(self) -> int:
        """How many paths there are."""
        count: dict[Expr, int] = {self.of: 1}
        for vertex in self.order[1:]:
            count[vertex] = sum(count[e.of] for e in self.into(vertex))
        return count[self.wrt]


def staged(of: Expr, wrt: Expr, holding: Collection[Expr] = ()) -> Stages:
    """``of`` with a name for every stage that depends on ``wrt``, and the edges between them."""
    stages = _staged(of, {wrt}, {wrt, *holding} - {of}, quantity_names([of, wrt, *holding]))
    below = toposort([stages.of], lambda n: n is wrt or n in holding)
    return replace(stages, fixed=tuple(h for h in holding if h in below))


def staged_by_all(of: Expr, arguments: Collection[Expr]) -> Stages:
    """The same for all that depends on one of several arguments, of which one may act on another.

    ``wrt`` is then the last of the vertices.
    """
    return _staged(of, set(arguments), set(), quantity_names([of]))


def _staged(of: Expr, arguments: set[Expr], stops: set[Expr], taken: Collection[str]) -> Stages:
    stop = lambda n: n in stops
    order = toposort([of], stop)
    depends = dependents(order, arguments, stops)
    bodies = {n.body for n in order if isinstance(n, Definition)}
    owners = {n.body: number_of(n.name) for n in order if isinstance(n, Definition)}
    naming = _Naming(taken)
    new: dict[Expr, Expr] = {}
    for node in order:
        if stop(node) or not node.args:
            new[node] = node
            continue
        args = tuple(new[a] for a in node.args)
        if node in depends and is_stage(node):
            layer = owners.get(node, "")
            args = tuple(
                naming(arg, layer) if old in depends else arg
                for arg, old in zip(args, node.args, strict=True)
            )
        elif node in depends and _is_square(node) and not _shifts_a_name(node.args[0], depends):
            args = tuple(map(naming, args))
        rebuilt = node if args == node.args else node.with_args(args)
        inner = node in depends and is_stage(node) and node not in bodies and node is not of
        new[node] = naming(rebuilt) if inner else rebuilt
    root = new[of]
    if not isinstance(root, Definition):
        root = naming.result(root)
    ends = {new.get(a, a) for a in arguments}
    return _graph(root, ends, stops, frozenset(naming.given.values()))


def is_stage(node: Expr) -> bool:
    """Whether a node is a function of its own, not a power inside a formula."""
    if isinstance(node, Elementwise):
        return node.function.exponent is None and node.function not in (
            inverse_or_zero,
            length,
            sqrt,
        )
    return isinstance(node, Special)


def _is_square(node: Expr) -> bool:
    """‖u‖² as it is built from the sum of squares."""
    if not isinstance(node, Einsum) or node.ndim or len(node.operands) != 2:
        return False
    (u, v), (left, right) = node.operands, node.inputs
    return u is v and left == right and len(set(left)) == len(left) > 0


def _shifts_a_name(u: Expr, depends: Collection[Expr]) -> bool:
    """Whether u of ‖u‖² is a name, or one plus or minus constants: x, s − y."""
    live = [t for t in (u.terms if isinstance(u, Add) else (u,)) if t in depends]
    return len(live) == 1 and isinstance(live[0], _ATOMS)


def dependents(
    order: Sequence[Expr], arguments: Collection[Expr], stops: Collection[Expr]
) -> set[Expr]:
    """What depends on some arguments, of nodes listed arguments first; nothing beyond stops."""
    found = {*arguments}
    for node in order:
        if node not in stops and any(a in found for a in node.args):
            found.add(node)
    return found


class _Naming:
    """Hands out names that nothing else has."""

    def __init__(self, taken: Collection[str]) -> None:
        self.taken = set(taken)
        self.given: dict[Expr, Definition] = {}

    def __call__(self, e: Expr, layer: str = "") -> Expr:
        """A name for e; with the number of the layer that it belongs to, if it has one."""
        if isinstance(e, _ATOMS):
            return e
        if e not in self.given:
            pool = _NAMES.get(e.ndim, "T")
            name = next(
                (n for n in (letter + layer for letter in "z" + pool) if self._is_free(n)), ""
            )
            self.given[e] = Definition(name if layer and name else self._free(pool), e)
            self.taken.add(self.given[e].name)
        return self.given[e]

    def _is_free(self, name: str) -> bool:
        return name not in self.taken

    def result(self, e: Expr) -> Definition:
        """A name for the value itself."""
        named = Definition(self._free({0: "f", 1: "f"}.get(e.ndim, "F")), e)
        self.given[e] = named
        return named

    def _free(self, pool: str) -> str:
        candidates = _numbered(pool)
        name = next(n for n in candidates if n not in self.taken)
        self.taken.add(name)
        return name


def number_of(name: str) -> str:
    """The digits at the end of a name: 2 of h2."""
    return name[len(name.rstrip("0123456789")) :]


def _numbered(pool: str) -> Iterator[str]:
    yield from pool
    n = 1
    while True:
        n += 1
        for letter in pool:
            yield f"{letter}{n}"


def _graph(
    root: Definition, arguments: set[Expr], stops: set[Expr], named: frozenset[Expr]
) -> Stages:
    order = toposort([root], lambda n: n in stops)
    depends = dependents(order, arguments, stops)
    ends = arguments if len(arguments) == 1 else stops
    vertices = [n for n in order if n in depends and (isinstance(n, Definition) or n in arguments)]
    edges = [
        Edge(vertex, inner, value)
        for vertex in vertices
        if isinstance(vertex, Definition) and vertex not in ends
        for inner in _direct(vertex, vertices)
        for value in [local_part(vertex, inner)]
        if not is_zero(value)
    ]
    live = _above(arguments, edges) & _below(root, edges)
    kept = [v for v in vertices if (v in live or v in arguments) and v is not root]
    # an argument on which the value does not depend stands here all the same
    kept = [*(a for a in arguments if a not in kept and a is not root), *kept, root]
    defined = [n for n in order if isinstance(n, Definition) and n not in stops]
    edges = [replace(e, value=_by_names(e.value, defined)) for e in edges]
    defined = _before_use(defined, edges)
    return Stages(
        root,
        kept[0] if len(arguments) > 1 else next(iter(arguments)),
        tuple(reversed(kept)),
        tuple(e for e in edges if e.of in live and e.wrt in live),
        tuple(defined),
        named,
    )


def _before_use(defined: Sequence[Definition], edges: Sequence[Edge]) -> list[Definition]:
    """The definitions, each after those that its own derivative is written in: U = S⁻¹ first."""
    inside = lambda e: toposort([e], lambda n: isinstance(n, Definition))
    needs = {d: {n for n in inside(d.body) if isinstance(n, Definition)} for d in defined}
    for edge in edges:
        of, names = edge.of, {n for n in inside(edge.value) if isinstance(n, Definition)}
        if isinstance(of, Definition) and of in needs:
            more = (names & needs.keys()) - needs[of] - {of}
            needs[of] |= {n for n in more if of not in toposort([n.body])}
    if not any(defined.index(n) > k for k, d in enumerate(defined) for n in needs[d] & {*defined}):
        return list(defined)
    found: dict[Definition, None] = {}
    waiting = list(reversed(defined))
    while waiting:
        node = waiting[-1]
        before = [n for n in reversed(defined) if n in needs[node] and n not in found]
        if node in found or not before or waiting.count(node) > 1:
            found.setdefault(waiting.pop())
        else:
            waiting += before
    return list(found)


def _by_names(value: Expr, defined: Sequence[Definition]) -> Expr:
    """A local derivative in the names of the page: U, not S⁻¹ once more, where U = S⁻¹."""
    inside = set(toposort([value], lambda n: isinstance(n, Definition)))
    named: dict[Expr, Expr] = {d.body: d for d in defined if is_stage(d.body) and d.body in inside}
    for n in inside:
        if isinstance(n, Elementwise) and n.function is nonzero and _is_condition(n.arguments[0]):
            named[n] = n.arguments[0]
    return substitute(value, named) if named else value


def _is_condition(e: Expr) -> bool:
    """Whether a name stands for what is 0 or 1 already: v = [1 > u]."""
    body = e.body if isinstance(e, Definition) else e
    return isinstance(body, Elementwise) and body.function in (greater, greater_equal)


def _below(root: Expr, edges: Sequence[Edge]) -> set[Expr]:
    """What the value depends on, going down edges that are not zero."""
    found = {root}
    for edge in reversed(edges):
        if edge.of in found:
            found.add(edge.wrt)
    return found


def _above(arguments: Collection[Expr], edges: Sequence[Edge]) -> set[Expr]:
    """What depends on the arguments, going up edges that are not zero."""
    found = {*arguments}
    for edge in edges:
        if edge.wrt in found:
            found.add(edge.of)
    return found


def _direct(vertex: Definition, vertices: Sequence[Expr]) -> list[Expr]:
    """The vertices that ``vertex`` is written in."""
    inside = set(toposort([vertex.body], lambda n: isinstance(n, Definition)))
    return [v for v in vertices if v in inside]


def local_part(of: Definition, wrt: Expr) -> Expr:
    """∂of/∂wrt where every name in the formula of ``of`` is an independent quantity.

    Names are replaced by real variables first, so that nothing sees what they stand for.
    """
    names = [
        n
        for n in toposort([of.body], lambda n: isinstance(n, Definition))
        if isinstance(n, Definition)
    ]
    alone: dict[Expr, Expr] = {n: Variable(f"{n.name} alone", n.shape) for n in names}
    stand_in = Definition(of.name, substitute(of.body, alone))
    value = differentiate(stand_in, alone.get(wrt, wrt))
    return substitute(value, {stand_in: of, **{v: n for n, v in alone.items()}})
