"""What stands before the steps: what is given, what is defined, which letter runs over what."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tensorcalc.derivation.scribe import Scribe, column_shape, name_notation
from tensorcalc.derivation.stages import Stages
from tensorcalc.display.document import Cell, Prose, Row, Section
from tensorcalc.display.matrix import along_rows
from tensorcalc.display.notation import Indexed, Notation
from tensorcalc.display.spelling import spell
from tensorcalc.expr import Definition, Elementwise, Expr, Special, Variable, toposort

__all__ = ["axis_role", "define", "given", "letters_section", "opening", "variables_of"]

_WIDTH = 88


def opening(stages: Stages, scribe: Scribe, *, by_index: bool = False) -> tuple[Section, ...]:
    """Given and Define, in the order in which a reader needs them."""
    return (given(stages), define(stages, scribe, by_index=by_index))


def variables_of(stages: Stages) -> list[Expr]:
    """What is given: the argument first."""
    stops = {stages.wrt, *stages.fixed}
    roots = [*stages.defined, stages.of, *(e.value for e in stages.edges), *stops]
    order = toposort(roots, lambda n: n in stops)
    found = [n for n in order if isinstance(n, Variable) or n in stops]
    return sorted(found, key=lambda v: v is not stages.wrt)


def given(stages: Stages) -> Section:
    """The variables with their shapes."""
    lines: list[list[str | Notation]] = [[]]
    width = 0
    for v in variables_of(stages):
        held = ("held fixed",) if v in stages.fixed else ()
        traits = ", ".join((*getattr(v, "traits", ()), *held))
        size = column_shape(v.shape) + (f" ({traits})" if traits else "")
        width += len(spell(name_notation(v))) + len(size) + 9
        if width > _WIDTH:
            lines.append([])
            width = 0
        lines[-1] += [*(["      "] if lines[-1] else []), name_notation(v), f" : {size}"]
    return Section("Given", tuple(map(tuple, lines)))


def define(stages: Stages, scribe: Scribe, *, by_index: bool) -> Section:
    """Every named intermediate with its formula and its shape, and what function signs mean."""
    rows: list[Row | Prose] = []
    said: set[str] = set()
    for node in stages.defined:
        rows.append(definition_row(node, scribe, by_index=by_index, note=_meanings(node, said)))
    return Section("Define", tuple(rows))


def definition_row(node: Definition, scribe: Scribe, *, by_index: bool, note: str) -> Row:
    """v = W x, or by indices v_k = Σ_h W_kh x_h."""
    form = None if by_index else scribe.matrix(node.body)
    left: Notation = name_notation(node)
    if form is None:
        letters = scribe.letters.get(node) or scribe.spare(node.shape)
        left, form = Indexed(node.name, letters), scribe.entry(node.body, letters)
    size = column_shape(node.shape)
    return Row(Cell(left), (Cell(form, "="),), (f"{size}     {note}" if note else size,))


def _meanings(node: Definition, said: set[str]) -> str:
    """σ(t) = 1/(1 + e⁻ᵗ), entry by entry: once for each sign."""
    words = []
    for n in toposort([node.body], lambda n: isinstance(n, Definition)):
        if not isinstance(n, (Elementwise, Special)) or not n.function.meaning:
            continue
        if len(n.args) > 1:  # told among the signs
            continue
        sign = n.function.text or n.function.name
        if sign in said:
            continue
        said.add(sign)
        where = ", entry by entry" if isinstance(n, Elementwise) and n.ndim else ""
        if isinstance(n, Special) and along_rows(n)[0]:
            where = ", in each row of t"
        words.append(f"{sign}(t) = {n.function.meaning}{where}")
    return "; ".join(words)


def letters_section(
    told: Sequence[tuple[Stages, Scribe]], used: Collection[str], from_zero: bool = False
) -> Section:
    """h, k, j = 1…5 (h in s, k in v, j a row of W), for the letters used."""
    roles: dict[str, tuple[object, list[str]]] = {}
    for stages, scribe in told:
        for vertex in stages.order:
            for axis, letter in enumerate(scribe.letters[vertex]):
                words = roles.setdefault(letter, (vertex.shape[axis], []))[1]
                role = axis_role(vertex, axis)
                if role not in words:
                    words.append(role)
    for _, scribe in told:
        for letter in scribe.page.summed:
            if scribe.page.size[letter] is not None:
                roles.setdefault(letter, (scribe.page.size[letter], ["summed over"]))
    by_size: dict[object, list[tuple[str, str]]] = {}
    for letter, (size, words) in roles.items():
        if letter not in used:
            continue
        by_size.setdefault(size, []).append((letter, " and ".join(words)))
    groups = [_runs_over(size, rows, from_zero) for size, rows in by_size.items()]
    lines: list[Prose] = [(",  ".join(groups[k : k + 2]),) for k in range(0, len(groups), 2)]
    return Section("Letters", tuple(lines))


def _runs_over(size: object, rows: list[tuple[str, str]], from_zero: bool) -> str:
    letters = ", ".join(letter for letter, _ in rows)
    by_role: dict[str, list[str]] = {}
    for letter, role in rows:
        by_role.setdefault(role, []).append(letter)
    roles = ", ".join(f"{_listed(those)} {role}" for role, those in by_role.items())
    last = (size - 1 if isinstance(size, int) else f"{size}−1") if from_zero else size
    return f"{letters} = {int(not from_zero)}…{last} ({roles if len(rows) > 1 else rows[0][1]})"


def _listed(names: Sequence[str]) -> str:
    """k, m and u."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def axis_role(vertex: Expr, axis: int) -> str:
    """What a letter on an axis counts: a row of W, in v."""
    name = getattr(vertex, "name", "it")
    if vertex.ndim == 2:
        return f"a {'row' if axis == 0 else 'column'} of {name}"
    return f"in {name}" if vertex.ndim == 1 else f"axis {axis + 1} of {name}"
