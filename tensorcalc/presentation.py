"""How a derivative object presents itself: one line of text, one entry, LaTeX."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tensorcalc.chain import adjoint
from tensorcalc.derivative import Derivative
from tensorcalc.display import expression_latex
from tensorcalc.display.derivative import View, entry_text, formula, letters_of, title_latex
from tensorcalc.display.index import index_form
from tensorcalc.display.letters import argument_letters
from tensorcalc.display.spelling import LATEX, TEXT, spell
from tensorcalc.display.tensor import left_out
from tensorcalc.expr import Definition, Einsum, Expr, toposort
from tensorcalc.regroup import regrouped
from tensorcalc.shapes import format_shape, names_in
from tensorcalc.steps import Step
from tensorcalc.structure import quantity_names
from tensorcalc.wording import helper_name, name_of

__all__ = ["description", "entry", "latex", "notebook_latex", "step_text", "text", "view_of"]


def view_of(d: Derivative) -> View:
    """The value as its layout shows it."""
    ndims = tuple(a.expr.ndim for a in d.arguments)
    place = d.layout_view.place(d.of.expr.ndim, ndims)
    if d.own_shape and d.arguments[0].form == "row":
        place = (None, *place)
    return View(d.value, d.of.expr.ndim, ndims, place, _taken_letters(d.universe))


def entry(d: Derivative, /) -> str:
    """One entry in index letters: ``'x_i δ_j'``; for ∂v/∂W ``'x_i if k = j else 0'``.

    k is an axis of the value, j and i are row and column of a matrix argument; δ is the
    derivative by the intermediate through which the argument acts.
    """
    value, names = _with_helper(d)
    return entry_text(replace(view_of(d), value=value), names)


def _with_helper(d: Derivative) -> tuple[Expr, dict[Expr, str]]:
    """The value, with δ for a compound adjoint that it is a product with."""
    if not isinstance(d.value, Einsum) or d.of.expr.ndim:
        return d.value, {}
    name = helper_name(d.universe)
    adjoints = {
        adjoint(d.of.expr, node): name
        for node in toposort([d.of.expr])
        if isinstance(node, Definition) and node is not d.of.expr
    }
    (value,), adjoints = regrouped([d.value], adjoints)
    found = {
        operand
        for operand in (value.operands if isinstance(value, Einsum) else ())
        if operand in adjoints and isinstance(operand, Einsum) and operand.ndim
    }
    return (value, dict.fromkeys(found, name)) if len(found) == 1 else (d.value, {})


def _taken_letters(universe: Collection[Expr]) -> frozenset[str]:
    """Names that an index letter must not repeat: those of quantities and of dimensions."""
    dims = names_in(dim for e in universe for dim in e.shape)
    return frozenset(dims) | quantity_names(universe)


def _letters(d: Derivative) -> list[str]:
    view = view_of(d)
    letters = letters_of(view)
    return [letters[axis] for axis in view.axes]


def text(d: Derivative, /) -> str:
    """One line that says everything: title, formula, shape, kind and layout."""
    words, by_index = formula(view_of(d), TEXT)
    letters = _letters(d) if by_index else []
    title = f"{d.title}[{', '.join(letters)}]" if letters else d.title
    return f"{title} = {words} : {description(d)}{left_out(words)}"


def description(d: Derivative, /) -> str:
    """``4 × 5 matrix gradient, numerator (shape of Wᵀ)``."""
    size = f"({d.shape[0]},) " if d.ndim == 1 else f"{format_shape(d.shape)} " if d.shape else ""
    words = f"{size}{d.kind}, {d.layout}"
    if d.of.expr.ndim == 0 and len(d.arguments) == 1:
        if d.arguments[0].form == "matrix" or d.own_shape:
            turned = "ᵀ" if d.layout == "numerator" else ""
            words += f" (shape of {name_of(d.arguments[0])}{turned})"
    elif d.entries_used is not None and d.dense_nbytes is not None:
        whole = d.dense_nbytes // 8
        if d.entries_used < whole:
            words += f", {d.entries_used:,} of {whole:,} entries used"
    declared = [a for a in dict.fromkeys(d.arguments) if getattr(a.expr, "traits", ())]
    if declared:
        words += f", entries of {' and '.join(map(name_of, declared))} taken as independent"
    if d.is_partial:
        chains = [", ".join(name_of(link.of) for link in c.links[1:]) for c in d.contributions]
        words += ", via " + " + ".join(chain or "no name" for chain in chains)
    held = {h for c in d.contributions for link in c.links for h in link.held}
    if held and len(d.contributions) == 1:
        words += ", holding " + ", ".join(sorted(getattr(h, "name", "…") for h in held))
    return words


def latex(d: Derivative, /) -> str:
    """The title and the formula in LaTeX, without dollars."""
    return " = ".join(_latex_sides(d))


def _latex_sides(d: Derivative) -> tuple[str, str]:
    words, by_index = formula(view_of(d), LATEX)
    of = d.of.name or expression_latex(d.of.expr)
    title = title_latex(of, [name_of(a) for a in d.arguments], d.of.name is not None)
    if by_index and d.value.ndim:
        title = rf"\left[{title}\right]_{{{''.join(_letters(d))}}}"
    return title, words


def notebook_latex(d: Derivative, /) -> str:
    """The LaTeX a notebook shows, with the shape below the title."""
    title, words = _latex_sides(d)
    size = r" \times ".join(map(str, d.shape))
    return rf"$$\underset{{{size}}}{{{title}}} = {words}$$" if size else f"$${title} = {words}$$"


def step_text(step: Step, /) -> str:
    """One step of rewriting: the whole expression before and after, and the rule between."""
    letters = argument_letters(step.before.ndim)
    before, after = (spell(index_form(e, letters)) for e in (step.before, step.after))
    note = f"  [{step.rule.formula}]" if step.rule.formula else ""
    return f"{before}  =  {after}    {step.rule.name}{note}"
