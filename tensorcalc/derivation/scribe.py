"""How one derivation writes: a letter for every axis, kept through all steps, and one layout.

Values are stored with the value's axes first and then the argument's. The scribe shows them in
the layout of the derivation, by matrices where there is such a form and by indices otherwise.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from tensorcalc.derivation.diagonals import with_one_diagonal
from tensorcalc.derivation.lettering import PageLetters, relettered
from tensorcalc.display import expression_text
from tensorcalc.display.index import index_form
from tensorcalc.display.letters import argument_letters, summation_letters
from tensorcalc.display.matrix import matrix_form
from tensorcalc.display.notation import (
    Atom,
    Call,
    Chain,
    Entry,
    Hadamard,
    Indexed,
    Indicator,
    Notation,
    Partial,
    Scaled,
    Transposed,
    chain,
    hadamard,
    transposed,
)
from tensorcalc.display.walk import mapped
from tensorcalc.expr import Definition, Expr, Variable, toposort, transpose
from tensorcalc.layout import Layout, permuted
from tensorcalc.shapes import Shape, format_shape, names_in
from tensorcalc.structure import quantity_names
from tensorcalc.tensor import Tensor

__all__ = ["Scribe", "column_shape", "first_free", "form_of", "name_notation", "partial"]


class Scribe:
    """Letters, names and the layout of one derivation."""

    def __init__(
        self,
        vertices: Sequence[Expr],
        layout: Layout,
        known: Mapping[Expr, tuple[str, ...]] | None = None,
        page: PageLetters | None = None,
    ) -> None:
        """``vertices`` from the value down to the argument; ``known`` are letters given before.

        ``page`` are the letters of all that is written on one page.
        """
        universe = list(vertices)
        dims = names_in(dim for e in toposort(universe) for dim in e.shape)
        self.taken = frozenset(quantity_names(universe)) | frozenset(dims) | {"I"}
        self.layout = layout
        self.letters: dict[Expr, tuple[str, ...]] = dict(known or {})
        self.called: list[str] = []
        self._turned: set[str] = set()
        wrt = vertices[-1]
        self.letters.pop(wrt, None)
        self.letters[wrt] = tuple(argument_letters(wrt.ndim, self.taken | self.all_letters))
        free = summation_letters({*self.all_letters, "i", "j", *self.taken})
        for vertex in reversed(vertices[:-1]):
            if vertex not in self.letters:
                self.letters[vertex] = tuple(next(free) for _ in vertex.shape)
        self.page = page or PageLetters()
        self._shapes: dict[str, Shape] = {}
        self._own: dict[str, tuple[str, ...]] = {}
        for vertex, own in self.letters.items():
            self.page.size.update(zip(own, vertex.shape, strict=True))
            self._know(vertex, own)
        for e in toposort(universe):
            self._know(e)

    def _know(self, e: Expr, letters: tuple[str, ...] = ()) -> None:
        """The axes of a quantity by its name, and their letters."""
        if isinstance(e, (Variable, Definition)):
            self._shapes.setdefault(e.name, e.shape)
            if letters:
                self._own.setdefault(e.name, letters)

    @property
    def all_letters(self) -> frozenset[str]:
        """Every letter that stands for an axis of a vertex."""
        return frozenset(letter for row in self.letters.values() for letter in row)

    def spare(self, shape: Shape) -> tuple[str, ...]:
        """Letters that no vertex has, for what is held fixed."""
        found: tuple[str, ...] = ()
        for size in shape:
            avoid = {*self.all_letters, "i", "j", *found}
            found += (self.page.choose(size, (), avoid, self.taken),)
        return found

    # ── names of adjoints ──

    def call(self, name: str, vertex: Expr, *, turned: bool) -> None:
        """From here on the adjoint of ``vertex`` has this name; ``turned``: its transpose."""
        self.called.append(name)
        self._shapes[name], self._own[name] = vertex.shape, self.letters[vertex]
        if turned:
            self._turned.add(name)

    def _as_named(self, n: Notation) -> Notation:
        """The formula with each turned name as what the name means in this layout."""
        return mapped(n, self._turn) if self._turned else n

    def _turn(self, n: Notation) -> Notation | None:
        if isinstance(n, Indexed) and n.name in self._turned:
            return Indexed(n.name, n.letters[::-1])
        if isinstance(n, Transposed) and _is_in(n.inner, self._turned):
            return n.inner
        if isinstance(n, Atom) and n.name in self._turned:
            return Transposed(n)
        if isinstance(n, Chain):
            factors = tuple(
                (factor, not flag)
                if _is_in(factor, self._turned)
                else (mapped(factor, self._turn), flag)
                for factor, flag in n.factors
            )
            return Chain(factors)
        return None

    # ── formulas ──

    def matrix(self, e: Expr) -> Notation | None:
        """The expression by matrices, a vector as a column; None where there is no such form."""
        if e.ndim > 2:
            return None
        form = matrix_form(e)
        return None if form is None else self._as_named(with_one_diagonal(form))

    def entry(self, e: Expr, letters: Sequence[str], wanted: Sequence[str] = ()) -> Notation:
        """One entry of the expression; ``wanted`` are letters for what is summed over."""
        taken = {*self.all_letters, *self.taken} - set(letters)
        form = index_form(e, letters, None, taken)
        form = relettered(form, self.page, self._shapes, self._own, wanted, self.taken)
        return _by_letters(self._as_named(form), letters)

    def entry_shown(
        self, e: Expr, of: Sequence[str], by: Sequence[str], wanted: Sequence[str] = ()
    ) -> Notation:
        """One entry of a derivative, its factors in the order in which the layout has the axes."""
        return _by_letters(self.entry(e, (*of, *by), wanted), self.order(of, [by]))

    # ── derivatives in the layout ──

    def shown(self, value: Expr, of: int, args: Sequence[int]) -> Notation | None:
        """A stored derivative by matrices, as the layout shows it."""
        place = self.layout.place(of, args)
        axes = tuple(a for a in place if a is not None)
        if len(axes) > 2:
            return None
        form = self.matrix(permuted(value, axes))
        if form is None:
            return None
        is_row = place[:1] == (None,) and len(axes) == 1
        return _as_row(form) if is_row else form

    def live(self, value: Expr, of: int, args: Sequence[int]) -> Tensor:
        """A stored derivative as a quantity to evaluate, its axes as the layout shows them."""
        place = self.layout.place(of, args)
        axes = tuple(a for a in place if a is not None)
        is_row = place[:1] == (None,) and len(axes) == 1
        return Tensor(transpose(value, axes) if axes != (0,) else value, form_of(value, row=is_row))

    def order(
        self, letters_of: Sequence[str], letters_by: Sequence[Sequence[str]]
    ) -> tuple[str, ...]:
        """The letters of an entry in the order in which the layout shows the axes."""
        stored = (*letters_of, *(letter for row in letters_by for letter in row))
        axes = self.layout.axes(len(letters_of), [len(row) for row in letters_by])
        return tuple(stored[a] for a in axes)

    def place(self, of: Expr, by: Expr) -> Entry:
        """[k, i, j]: which entry of ∂of/∂by is spoken of."""
        return Entry(self.order(self.letters[of], [self.letters[by]]))

    def shape(self, of: Shape, by: Sequence[Shape]) -> str:
        """The shape of the derivative in the layout, as text."""
        shape = self.layout.shape(of, by)
        return column_shape(shape)  # what the mixed layout leaves without a second axis


def _by_letters(n: Notation, letters: Sequence[str]) -> Notation:
    """A product of plain entries in the order of its letters: indicators, then x_i δ_j."""
    if not isinstance(n, Scaled) or n.body is not None:
        return n
    if not all(isinstance(f, (Indexed, Indicator)) for f in n.scalars):
        return n

    def place(f: Notation) -> int:
        if isinstance(f, Indicator):
            return -1
        assert isinstance(f, Indexed)
        return min((letters.index(i) for i in f.letters if i in letters), default=-1)

    return replace(n, scalars=tuple(sorted(n.scalars, key=place)))


def _as_row(column: Notation) -> Notation:
    """A column turned; (Wᵀ δ) ⊙ d as δᵀ W diag(d), since that is how a row meets a Jacobian."""
    if isinstance(column, Hadamard):
        products = [f for f in column.factors if isinstance(f, Chain)]
        others = [f for f in column.factors if not isinstance(f, Chain)]
        if len(products) == 1 and others:
            diagonal = Call("diag", r"\operatorname{diag}", (hadamard(others, 1),))
            return chain((products[0], True), (diagonal, False))
    return transposed(column)


def _is_in(n: Notation, names: Iterable[str]) -> bool:
    return isinstance(n, Atom) and n.name in names


def first_free(wanted: Sequence[str], taken: Collection[str]) -> str:
    """The first of the names that nothing has; the first of them with a number, if need be."""
    numbered = (f"{wanted[0]}{k}" for k in itertools.count(2))
    return next(n for n in itertools.chain(wanted, numbered) if n not in taken)


def form_of(e: Expr, *, row: bool = False) -> str:
    """How a quantity of these axes stands."""
    if row:
        return "row"
    return ("scalar", "column", "matrix")[e.ndim] if e.ndim < 3 else "tensor"


def column_shape(shape: Shape) -> str:
    """The shape with a vector as a column: 5 × 1."""
    whole = (*shape, 1) if len(shape) == 1 else shape or (1, 1)
    return format_shape(whole)


def name_notation(e: Expr) -> Notation:
    """The name of a vertex; the formula of what has none."""
    return Atom(e.name) if isinstance(e, (Variable, Definition)) else Atom(expression_text(e))


def partial(of: Expr, by: Expr, held: Sequence[Expr] = ()) -> Partial:
    """∂of/∂by, by name; ``held`` are the quantities that stay fixed."""
    return Partial(name_notation(of), (name_notation(by),), tuple(map(name_notation, held)))
