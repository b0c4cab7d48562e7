"""From outputs to the source of one function: passes over expressions, lowering, text."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tensorcalc.codegen.centred import centred
from tensorcalc.codegen.chains import chains_opened
from tensorcalc.codegen.code import ATOM, RESERVED, Code, words_in
from tensorcalc.codegen.computed import computed_below
from tensorcalc.codegen.factored import factored
from tensorcalc.codegen.lower import Lowering
from tensorcalc.codegen.passes import Expressions
from tensorcalc.codegen.product import Contraction
from tensorcalc.codegen.separate import separated
from tensorcalc.codegen.stable import stabilised
from tensorcalc.codegen.structured_outputs import Presentation, structured_outputs
from tensorcalc.codegen.symmetric import symmetric_products
from tensorcalc.codegen.traces import traces_opened
from tensorcalc.errors import DimensionError, TensorCalcError
from tensorcalc.expr import Expr, Variable
from tensorcalc.layout import permuted
from tensorcalc.regroup import regrouped
from tensorcalc.shapes import Shape, format_shape, names_in
from tensorcalc.simplify import simplify
from tensorcalc.values import computation

__all__ = ["Generated", "Output", "generate"]

_PASSES = (
    traces_opened,
    separated,
    factored,
    chains_opened,
    symmetric_products,
)


@dataclass(frozen=True)
class Output:
    """One value to compute: stored axes shown at ``place`` (None adds an axis of size 1).

    ``like`` names the variable whose given shape the value takes, for gradients.
    ``universe`` is what the value is derived from: every variable of it may be given.
    ``link`` has the quantity and the argument of a first derivative.
    ``values`` are the quantities that it is a derivative of.
    With ``rows`` the value is returned by its factors, as a map from its other axes to so many.
    """

    expr: Expr
    place: tuple[int | None, ...]
    title: str
    universe: tuple[Expr, ...] = ()
    like: str | None = None
    rows: int | None = None
    link: tuple[Expr, Expr] | None = None
    values: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Generated:
    """The source of one function, and what it needs beside it.

    ``returned`` is what the source returns: the outputs, or the factors of those with a
    structure, of which ``presenting`` makes the results of a call.
    ``variables`` are all that may be given; ``constants`` are arrays that the source writes out
    too; ``functions`` are those that the user gave, which it cannot quote. ``contractions`` are
    the products of two arrays that it forms.
    """

    name: str
    source: str
    arguments: tuple[str, ...]
    outputs: tuple[Output, ...]
    returned: tuple[Output, ...]
    several: bool
    variables: Mapping[str, Variable]
    constants: Mapping[str, np.ndarray]
    functions: Mapping[str, Callable[..., Any]]
    contractions: tuple[Contraction, ...]
    presenting: Presentation | None = None

    def load(self) -> Callable[..., Any]:
        """The function that the source defines, in NumPy."""
        namespace: dict[str, Any] = {**self.constants, **self.functions}
        source = _letting_go(self.source, self.name)
        exec(compile(source, f"<tensorcalc {self.name}>", "exec"), namespace)
        namespace.update(self.constants)  # the frozen arrays, not copies a caller could change
        return namespace[self.name]


def _letting_go(source: str, name: str) -> str:
    """The source with every name deleted after its last use, so that memory is free early.

    Deletions open the next line, so that lines keep their numbers. A word that is no use of the
    name, in a text or of an attribute, can only make one come later.
    """
    head, opening, function = source.rpartition(f"\ndef {name}(")
    parameters, *statements = function.rstrip().split("\n")
    own = {_target(line) for line in statements}
    lines: list[str] = []
    gone: set[str] = set()
    for line in reversed(statements):
        used = own.intersection(words_in(line))
        if lines and (last := sorted(used - gone)):
            lines[-1] = f"    del {', '.join(last)}; {lines[-1].lstrip()}"
        gone |= used
        lines.append(line)
    return "\n".join([head + opening + parameters, *reversed(lines), ""])


def _target(line: str) -> str:
    """The name that a statement gives a value; nothing where it changes an array, or returns."""
    target, assigned, _ = line.partition(" = ")
    target = target.lstrip()
    return target if assigned and target.isidentifier() else ""


def generate(
    outputs: Sequence[Output],
    name: str,
    hints: Mapping[Expr, str] | None = None,
    *,
    several: bool = False,
    in_place: bool = True,
) -> Generated:
    """The source of a function of all the outputs, with shared work done once.

    Without ``in_place`` no statement changes an array, for libraries whose arrays cannot change.
    """
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise TensorCalcError(
            f"a compiled function named {name!r}", 'give it a name such as "step"'
        )
    whole = _improved(outputs, hints or {})
    returned = tuple(replace(o, expr=e) for o, e in zip(outputs, whole.roots, strict=True))
    presenting, shown = None, whole
    if any(o.rows is not None for o in outputs):
        returned, presenting = structured_outputs(returned, whole.names, several=several)
        several = True
        shown = symmetric_products(Expressions([o.expr for o in returned], whole.names))
    variables = computation(e for o in outputs for e in (o.expr, *o.universe))
    lowering = Lowering(shown.roots, shown.names, in_place=in_place)
    # the arguments are those of the whole: sizes of identities, too, are read off them
    order = lowering.order if shown is whole else computed_below(whole.roots)
    arguments = _arguments(order, variables)
    lowering.claim_arguments(arguments)
    lowering.run()
    body = _body(lowering, shown.roots, returned, arguments, variables, several=several)
    while name in lowering.functions or name in lowering.constants or name in RESERVED:
        name += "_"
    return Generated(
        name=name,
        source=_source(name, lowering, arguments, body),
        arguments=tuple(arguments),
        outputs=tuple(replace(o, universe=o.universe or (o.expr,)) for o in outputs),
        returned=returned,
        several=several,
        variables=variables,
        constants=lowering.constants,
        functions={k: f for k, f in lowering.functions.items() if k not in lowering.quoted},
        contractions=tuple(lowering.contractions),
        presenting=presenting,
    )


def _improved(outputs: Sequence[Output], hints: Mapping[Expr, str]) -> Expressions:
    """The outputs in the axes that they are shown in, in stable forms, after every pass."""
    shown = [
        stabilised(simplify(permuted(o.expr, [a for a in o.place if a is not None])))
        for o in outputs
    ]
    values = dict.fromkeys(e for o in outputs for e in o.values)
    whole = Expressions(*regrouped(*centred(shown, hints, tuple(values))))
    for improved in _PASSES:
        whole = improved(whole)
    return whole


def _arguments(order: Sequence[Expr], everything: Mapping[str, Variable]) -> list[str]:
    """Variables that occur, and one for each size that nothing else gives."""
    found = {n.name: n for n in order if isinstance(n, Variable)}
    known = {dim for v in found.values() for dim in v.shape if isinstance(dim, str)}
    needed = set(names_in(dim for e in order for dim in e.shape)) - known
    for candidate in everything.values():
        if needed & set(candidate.shape):
            found.setdefault(candidate.name, candidate)
            needed -= set(candidate.shape)
    # in the order in which the statements use them: v = W @ x gives W, x
    used = [arg.name for e in order for arg in e.args if isinstance(arg, Variable)]
    place = {name: k for k, name in enumerate(dict.fromkeys(used))}
    last = {name: k for k, name in enumerate(everything)}
    return sorted(found, key=lambda n: (place.get(n, len(place)), last[n]))


def _source(name: str, lowering: Lowering, arguments: Sequence[str], body: Sequence[str]) -> str:
    parameters = ", ".join(lowering.argument[a] for a in arguments)
    return "\n".join(
        [
            "import numpy as np",
            "",
            *_preamble(lowering),
            "",
            f"def {name}({parameters}):",
            *("    " + line for line in body),
            "",
        ]
    )


def _preamble(lowering: Lowering) -> list[str]:
    lines: list[str] = []
    for constant, value in lowering.constants.items():
        lines += [f"{constant} = np.array({value.tolist()})", ""]
    for function in lowering.functions:
        if function in lowering.quoted:
            lines += ["", lowering.quoted[function].rstrip(), ""]
        else:
            lines += [f"# {function} is the function given to tc.function", ""]
    return lines


def _body(
    lowering: Lowering,
    roots: Sequence[Expr],
    outputs: Sequence[Output],
    arguments: Sequence[str],
    variables: Mapping[str, Variable],
    *,
    several: bool,
) -> list[str]:
    lines = []
    codes = [lowering.code[root] for root in roots]
    returned = [code.text for code in codes]
    lowering.drop_unused(" ".join(returned))
    for dim, code in lowering.dims.items():
        owner = next((a for a in arguments if dim in variables[a].shape), None)
        if owner is None:
            raise DimensionError(
                f"the size of dimension {dim!r}, which no quantity of the computation has",
                f"use {dim} in the shape of a variable, or give the size as a number",
            )
        axis = variables[owner].shape.index(dim)
        lines.append(f"{code} = {lowering.argument[owner]}.shape[{axis}]")
    shown = [_placed(c, o.place) for c, o in zip(codes, outputs, strict=True)]
    if several:
        statements, shown = _results_early(lowering, shown, outputs)
        return [
            *lines,
            *statements,
            f"return ({shown[0]},)" if len(shown) == 1 else f"return {', '.join(shown) or '()'}",
        ]
    return [*lines, *lowering.lines, f"return {shown[0]}{_shape_comment(roots[0].shape)}"]


def _results_early(
    lowering: Lowering, shown: Sequence[str], outputs: Sequence[Output]
) -> tuple[list[str], list[str]]:
    """The statements, with arrays that are returned formed as soon as what they need is there.

    What they are formed of is then free while others are computed.
    """
    large = [k for k, o in enumerate(outputs) if o.expr.ndim > 1 and not shown[k].isidentifier()]
    statements, returned = list(lowering.lines), list(shown)
    if len(large) < 2:
        return statements, returned
    sets = {word: n for n, line in enumerate(statements, 1) for word in _sets(line)}
    early: dict[int, list[str]] = {}
    for k in large:
        link = outputs[k].link
        by = getattr(link[1], "name", "") if link else ""
        word = lowering.names.claim("d" + by) if by else lowering.names.number("out")
        place = max((sets[used] for used in words_in(shown[k]) if used in sets), default=0)
        early.setdefault(place, []).insert(0, f"{word} = {shown[k]}")
        returned[k] = word
    placed = list(early.get(0, []))
    for n, line in enumerate(statements, 1):
        placed += [line, *early.get(n, [])]
    return placed, returned


def _sets(line: str) -> list[str]:
    """The names of what a statement gives a value, or whose array it changes."""
    return words_in(line.partition("=")[0])


def _placed(code: Code, place: Sequence[int | None]) -> str:
    """The code with the axes of size 1 that make a row or a column."""
    if None not in place:
        return code.text
    if len(place) == 2 and place[0] is place[1] is None:
        return f"np.reshape({code.text}, (1, 1))"
    return f"{code.inside(ATOM)}[{', '.join('None' if axis is None else ':' for axis in place)}]"


def _shape_comment(shape: Shape) -> str:
    return f"  # {format_shape(shape)}" if len(shape) > 1 else ""
