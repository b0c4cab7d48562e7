"""Program text in which every product is an einsum: what the index notation says, line by line."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable

from tensorcalc import functions as f
from tensorcalc import special
from tensorcalc.codegen.code import ADD, ATOM, MUL, POWER, Code, Names, negative, number_code
from tensorcalc.derivative import Derivative
from tensorcalc.errors import NotSupportedError, TensorCalcError
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
    toposort,
)
from tensorcalc.interop.merged import merged_parts
from tensorcalc.language import parse
from tensorcalc.rewrite.entries import constant_entry
from tensorcalc.shapes import Dim, ProductDim, format_shape
from tensorcalc.tensor import Tensor
from tensorcalc.values import computation
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["to_einsum"]

_WIDE = 72  # an expression longer than this gets a line of its own
_LETTERS = "ijklmnpqrstuvwxyzabcdefgho" + string.ascii_uppercase
_COMPARED = {f.greater: ">", f.greater_equal: ">="}
_ALONG_LAST = (special.softmax, special.log_softmax, special.logsumexp)
_OF_MATRICES = (special.inv, special.det, special.logdet)


def to_einsum(item: Tensor | Derivative, /) -> str:
    """The formula as program text: products as ``einsum('ij,j->i', W, x)``, the rest functions.

    One line for each definition, under its own name, and for each part used more than once; the
    last line is the result. A derivative has its axes in mixed order: those of the value, then
    those of the argument. ``tc.program(text, shapes)`` of the variables' shapes gives the same
    values; at a kink its derivatives may follow another convention. Raises NotSupportedError for
    what the language does not have: arrays of numbers, functions of one's own, merged axes other
    than those of vec and kron.

    >>> import tensorcalc as tc
    >>> p = tc.program("v = W @ x; E = norm(v)**2 / 2", W=(5, 4), x=4)
    >>> print(p.derivative("E", "W").to_einsum())
    v = einsum('ij,j->i', W, x)
    einsum('i,j->ij', v, x)
    """
    root = item.value if isinstance(item, Derivative) else item.expr
    universe = item.universe if isinstance(item, Derivative) else ()
    variables = computation([root, *universe])
    writer = _Writer(root)
    writer.run()
    result = writer.code[root]
    if isinstance(item, Tensor) and item.form == "row":
        writer.lines.append(f"{result.inside(ATOM)}.T")
    elif not writer.lines or not writer.lines[-1].startswith(f"{result.text} = "):
        writer.lines.append(result.text)
    text = "\n".join(_used(writer.lines))
    _require_readable(text, root, variables)
    return text


def _require_readable(text: str, root: Expr, variables: dict[str, Variable]) -> None:
    """NotSupportedError where the language does not read the text as one of this shape."""
    try:
        shape = parse(text, {name: Tensor(node) for name, node in variables.items()}).result.expr
    except TensorCalcError as error:
        raise _refused(f"{format_shape(root.shape)} formula ({error})") from error
    if shape.shape != root.shape:
        raise _refused(f"axes {format_shape(root.shape)}, read as {format_shape(shape.shape)}")


def _refused(what: str) -> NotSupportedError:
    return NotSupportedError(
        f"{what} in program text: the language has no word for it",
        "use to_numpy_source(), or to_sympy()",
    )


def _used(lines: list[str]) -> list[str]:
    """The lines without those whose name is not used below them."""
    kept, names = lines[-1:], set(re.findall(r"\w+", lines[-1]))
    for line in reversed(lines[:-1]):
        target, _, value = line.partition(" = ")
        if target in names:
            names.update(re.findall(r"\w+", value))
            kept.append(line)
    return kept[::-1]


def _children(node: Expr) -> tuple[Expr, ...]:
    return merged_parts(node) or node.args


class _Writer:
    """Turns the nodes below a root into lines, each once, arguments before what uses them."""

    def __init__(self, root: Expr) -> None:
        self.order = toposort([root], below=_children)
        self.uses = Counter(arg for node in self.order for arg in _children(node))
        self.code: dict[Expr, Code] = {}
        self.lines: list[str] = []
        self.names = Names()
        self.names.taken |= set(FUNCTION_NAMES)
        for node in self.order:
            if isinstance(node, (Variable, Definition)):
                if node.name in FUNCTION_NAMES or node.name.startswith("_"):
                    raise _refused(f"the name {node.name} of a quantity")
                self.names.taken.add(node.name)

    def run(self) -> None:
        """Write every line."""
        for node in self.order:
            if isinstance(node, Merge):
                raise _refused(f"merged axes of size {node.shape[0]}")
            code = getattr(self, "_" + type(node).__name__.lower())(node)
            repeated = self.uses[node] > 1 or len(code.text) > _WIDE
            if node is not self.order[-1] and repeated and self._deserves_name(node, code):
                code = self._named(code)
            self.code[node] = code

    def _deserves_name(self, node: Expr, code: Code) -> bool:
        plain = isinstance(node, (Constant, Delta, Ones)) or constant_entry(node) is not None
        return not plain and not code.text.isidentifier()

    def _named(self, code: Code) -> Code:
        name = self.names.number("t")
        self.lines.append(f"{name} = {code.text}")
        return Code(name)

    def _identifier(self, code: Code) -> str:
        """A name for what is written several times."""
        return code.text if code.text.isidentifier() else self._named(code).text

    @staticmethod
    def _size(dim: Dim) -> str:
        if isinstance(dim, ProductDim):
            raise _refused(f"an axis of size {dim}")
        return str(dim)

    def _operands(self, nodes: tuple[Expr, ...]) -> list[Code]:
        """Operands entry by entry: one that is a number everywhere is written as that number."""
        entries = [constant_entry(node) for node in nodes]
        if None not in entries:
            return [self.code[node] for node in nodes]
        return [
            self.code[node] if entry is None else number_code(entry)
            for node, entry in zip(nodes, entries, strict=True)
        ]

    # ── one rule per node type ──

    def _variable(self, node: Variable) -> Code:
        return Code(node.name)

    def _definition(self, node: Definition) -> Code:
        self.lines.append(f"{node.name} = {self.code[node.body].text}")
        return Code(node.name)

    def _constant(self, node: Constant) -> Code:
        if node.ndim:
            raise _refused(f"an array of numbers ({format_shape(node.shape)})")
        return number_code(node.number)

    def _delta(self, node: Delta) -> Code:
        return Code(f"eye({self._size(node.dim)})")

    def _ones(self, node: Ones) -> Code:
        return Code(f"ones({self._size(node.dim)})")

    def _select(self, node: Select) -> Code:
        inner = self.code[node.operand].inside(ATOM)
        text = f"{inner}[{':, ' * node.axis}{node.subscript}]"
        if node.operand.ndim == 2 and node.axis == 0 and isinstance(node.index, int):
            return Code(f"einsum('i->i', {text})")  # a row, of which the entries are wanted
        return Code(text)

    def _add(self, node: Add) -> Code:
        text = ""
        for k, code in enumerate(self._operands(node.terms), start=1):
            if k % 100 == 0:  # Python reads a sum of some thousand terms by recursion
                text = self._named(Code(text, ADD, "+")).text
            minus = code.text.startswith("-") and code.level != ADD
            shown = code.text[1:] if minus else code.inside(ADD)
            text += (" - " if text else "-") + shown if minus else (" + " if text else "") + shown
        return Code(text, ADD, "+")

    def _einsum(self, node: Einsum) -> Code:
        if parts := merged_parts(node):
            word = "kron" if len(parts) == 2 else "vec"
            return Code(f"{word}({', '.join(self.code[part].text for part in parts)})")
        number, pairs = 1.0, []
        real = {
            i
            for operand, indices in zip(node.operands, node.inputs, strict=True)
            if not isinstance(operand, Ones)
            for i in indices
        }
        for operand, indices in zip(node.operands, node.inputs, strict=True):
            if isinstance(operand, Constant) and not indices:
                number *= operand.number
            elif not isinstance(operand, Ones) or indices[0] not in real:
                real.update(indices)
                pairs.append((operand, indices))
        if not pairs:
            return number_code(number)
        code = self._product(pairs, node.output)
        if number == 1:
            return code
        if number == -1:
            return negative(code)
        return Code(f"{number_code(number).text} * {code.inside(MUL, '*')}", MUL, "*")

    def _product(self, pairs: list[tuple[Expr, tuple[int, ...]]], output: tuple[int, ...]) -> Code:
        if len(pairs) == 1 and pairs[0][1] == output:
            return self.code[pairs[0][0]]
        ones = {indices: op.dim for op, indices in pairs if isinstance(op, Ones)}
        if len(ones) == len(pairs) == 2 and list(ones) == [(i,) for i in output]:
            return Code(f"ones({', '.join(map(self._size, ones.values()))})")
        letter: dict[int, str] = {}
        for i in (i for _, indices in pairs for i in indices):
            if i not in letter and len(letter) == len(_LETTERS):
                raise _refused(f"a product with more than {len(_LETTERS)} indices")
            letter.setdefault(i, _LETTERS[len(letter) % len(_LETTERS)])
        words = [
            "".join(letter[i] for i in indices) for indices in (*(p[1] for p in pairs), output)
        ]
        subscripts = f"{','.join(words[:-1])}->{words[-1]}"
        return Code(f"einsum('{subscripts}', {', '.join(self.code[op].text for op, _ in pairs)})")

    def _elementwise(self, node: Elementwise) -> Code:
        function = node.function
        codes = self._operands(node.arguments)
        if function.exponent is not None:
            exponent = number_code(function.exponent).inside(ATOM)
            if function.exponent == -1:
                return Code(f"1 / {codes[0].inside(MUL, '/', right=True)}", MUL, "/")
            return Code(f"{codes[0].inside(ATOM)} ** {exponent}", POWER)
        if function in _RULES:
            return _RULES[function](self, node, codes)
        known = getattr(FUNCTION_NAMES.get(function.name), "record", None)
        if known is not function:
            raise _refused(f"the function {function.name}")
        return _call(function.name, codes)

    def _special(self, node: Special) -> Code:
        function, argument = node.function, node.argument
        batch = argument.ndim - function.core
        code = self.code[argument]
        name, inner = function.name, code.text
        if function in _ALONG_LAST:
            return Code(f"{name}({inner}, axis={batch})" if batch else f"{name}({inner})")
        if function in _OF_MATRICES and not batch:
            return Code(f"{name}({inner})")
        along = "" if not batch else f", axis={batch}" if function.core == 1 else None
        if along is not None and name in ("prod", "max"):
            return Code(f"{name}({inner}{along})")
        if along is not None and name == "argmax" and batch <= 1:
            whole = self._identifier(code)
            share = self._named(Code(f"where({whole} >= max({whole}{along}), 1, 0)")).text
            return Code(f"{share} / sum({share}{along})", MUL, "/")
        if name == "prod_without_1" and argument.ndim == 1:
            n = self._size(argument.shape[0])
            rows = f"einsum('i,j->ij', ones({n}), {inner})"
            return Code(f"prod(where(eye({n}) > 0, 1, {rows}), axis=1)")
        raise _refused(f"{name} of {format_shape(argument.shape)}")


def _call(name: str, codes: list[Code]) -> Code:
    return Code(f"{name}({', '.join(code.text for code in codes)})")


# ── functions that the language has under another name, or composes ──────────────────────────

_Rule = Callable[[_Writer, Elementwise, list[Code]], Code]


def _step(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    return Code(f"where({codes[0].text} > 0, 1, 0)")


def _length(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    """√Σu² is norm(u), whose gradient at 0 is 0 as here."""
    squares = node.arguments[0]
    if isinstance(squares, Einsum) and not squares.output and len(squares.operands) == 2:
        (u, v), (first, second) = squares.operands, squares.inputs
        if u is v and first == second and len(set(first)) == len(first):
            return Code(f"norm({writer.code[u].text})")
    return Code(f"sqrt({codes[0].text})")


def _inverse_or_zero(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    x = writer._identifier(codes[0])
    return Code(f"where(abs({x}) > 0, 1 / where(abs({x}) > 0, {x}, 1), 0)")


def _comparison(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    a, b = codes
    return Code(f"where({a.text} {_COMPARED[node.function]} {b.text}, 1, 0)")


def _where(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    condition, (_, a, b) = node.arguments[0], codes
    if isinstance(condition, Elementwise) and condition.function in _COMPARED:
        left, right = writer._operands(condition.arguments)
        test = f"{left.text} {_COMPARED[condition.function]} {right.text}"
    else:
        test = f"abs({codes[0].text}) > 0"
    return Code(f"where({test}, {a.text}, {b.text})")


def _nonzero(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    return Code(f"abs(sign({codes[0].text}))")


def _power(writer: _Writer, node: Elementwise, codes: list[Code]) -> Code:
    base, exponent = codes
    return Code(f"{base.inside(ATOM)} ** {exponent.inside(ATOM)}", POWER)


_RULES: dict[object, _Rule] = {
    f.step: _step,
    f.length: _length,
    f.inverse_or_zero: _inverse_or_zero,
    f.greater: _comparison,
    f.greater_equal: _comparison,
    f.where: _where,
    f.nonzero: _nonzero,
    f.pow_: _power,
}
