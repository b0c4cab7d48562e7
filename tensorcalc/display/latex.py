"""Formulas as the LaTeX that every notebook renders."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tensorcalc.display.letters import digits_and_power, small_fraction, surd
from tensorcalc.display.raised import LOWERED, RAISED
from tensorcalc.display.script import GREEK, Spelling, name_pieces

__all__ = ["Latex", "latex_name", "latex_words"]

_SPELT = set(GREEK.values()) | {"epsilon", "phi"}
_SIGNS = {
    "": "", " ": r"\,", "⊙": r" \odot ", "⊘": r" \oslash ", "−": " - ", "·": r" \cdot ",
    "≈": r" \approx ", "→": r" \to ", "⊗": r" \otimes ", "∘": r" \circ ", ",": r",\; ",
    "≥": r" \ge ", "≤": r" \le ", "←": r" \gets ",
    "<": r" \lt ", ">": r" \gt ",
}  # fmt: skip
_MARKS = {"ᵀ": r"\top", "⁻¹": "-1", "⁻ᵀ": r"-\top"}

# words: what raises, what lowers, and signs that are mathematics
_ABOVE = RAISED | {"ᵀ": r"\top"}
_MATHS = {letter: "\\" + word for letter, word in GREEK.items()} | {
    "×": r"\times", "·": r"\cdot", "⊙": r"\odot", "⊗": r"\otimes", "∘": r"\circ", "⊘": r"\oslash",
    "→": r"\to", "←": r"\gets", "−": "-", "∂": r"\partial", "‖": r"\Vert", "≥": r"\ge", "≤": r"\le",
    "≈": r"\approx", "≠": r"\ne", "½": r"\tfrac{1}{2}", "⅓": r"\tfrac{1}{3}", "¼": r"\tfrac{1}{4}",
    "∞": r"\infty", "√": r"\surd", "′": "'", "ℓ": r"\ell", "∈": r"\in", "↦": r"\mapsto",
    "Σ": r"\sum", "∏": r"\prod", "…": r"\ldots", "\\": r"\backslash", "^": r"\wedge", "~": r"\sim",
    "<": r"\lt", ">": r"\gt", "∫": r"\int",
}  # fmt: skip
_PIECES = re.compile(
    rf"(?P<raised>[{''.join(_ABOVE)}]+)|(?P<lowered>[{''.join(LOWERED)}]+)"
    rf"|(?P<shape>\b\w+(?: × \w+)+)|(?P<index>\b[^\W\d_]_\w+)"
    rf"|(?P<sign>[{re.escape(''.join(_MATHS))}])|(?P<words>.)"
)


class Latex(Spelling):
    """The subset that KaTeX and MathJax share."""

    ellipsis = r"\ldots"

    def atom(self, name: str) -> str:
        if name == "1":
            return r"\mathbf{1}"
        if name in _SIGNS:
            return f"{{{_SIGNS[name].strip()}}}"
        stem, bracket, place = name.partition("[")  # an entry, a slice, an array of numbers
        inside = place.replace("×", r" \times ").replace("−", "-").replace("array", r"\ldots")
        return (latex_name(stem) if stem else "") + bracket + inside

    def number(self, value: float) -> str:
        if value < 0:
            return "-" + self.number(-value)
        for bottom in (2, 3, 4, 5, 6, 7, 8, 9, 10):
            top = value * bottom
            near = abs(top - round(top)) < 1e-14 * bottom and 0 < round(top) < bottom
            if near and not float(value).is_integer():
                return rf"\tfrac{{{round(top)}}}{{{bottom}}}"
        fraction = small_fraction(value)
        if fraction:
            return rf"\tfrac{{{fraction[0]}}}{{{fraction[1]}}}"
        root = surd(value)
        if root:
            below = r" / \pi" if root[1] else ""
            return rf"\sqrt{{{self.number(root[0])}{below}}}"
        digits, power = digits_and_power(value)
        return rf"{digits} \cdot 10^{{{power}}}" if power else digits

    def joined(self, sign: str, parts: Sequence[str]) -> str:
        return _SIGNS.get(sign, f" {sign} ").join(parts)

    def negative(self, inner: str) -> str:
        return f"-{inner}"

    def brackets(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def condition(self, inner: str) -> str:
        return f"[{inner}]"

    def norm(self, inner: str) -> str:
        return rf"\left\lVert {inner} \right\rVert"

    def fraction(self, top: str, bottom: str) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def marked(self, base: str, mark: str) -> str:
        return f"{base}^{{{_MARKS[mark]}}}"

    def power(self, base: str, exponent: float, ndim: int) -> str:
        mark = r"\odot " if ndim else ""
        digits, power = digits_and_power(exponent)
        return f"{base}^{{{mark}{self.number(exponent) if power else digits}}}"

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def call(self, name: str, latex: str, arguments: Sequence[str], extra: str) -> str:
        inner = ", ".join(arguments) + extra.replace("axis", r"\mathrm{axis}")
        if latex == r"\sqrt":
            return rf"\sqrt{{{inner}}}"
        if latex.rstrip("'").isidentifier():  # a function of the user's: its name is upright
            latex = latex_name(latex.replace("'", "′"))
        stem = latex.removesuffix(r"\right|")  # \log\left|\det(X)\right|
        return stem + self.brackets(inner) + latex[len(stem) :]

    def indexed(self, name: str, letters: Sequence[str]) -> str:
        base = latex_name(name)
        base = f"({base})" if "_" in base else base
        joint = "," if any(len(letter) > 1 for letter in letters) else ""
        return f"{base}_{{{_escaped(joint.join(letters))}}}" if letters else base

    def indicator(self, left: str, right: str) -> str:
        return f"I[{left}={right}]"

    def entry(self, letters: Sequence[str]) -> str:
        return f"[{', '.join(letters)}]"

    def big_sum(self, letters: Sequence[str], body: str) -> str:
        return rf"\sum_{{{','.join(letters)}}} {body}"

    def partial(self, order: int, of: str, by: Sequence[tuple[str, int]]) -> str:
        below = r"\,".join(rf"\partial {name}{_times(count)}" for name, count in by)
        return rf"\frac{{\partial{_times(order)} {of}}}{{{below}}}"

    def holding(self, partial: str, held: Sequence[str]) -> str:
        return rf"\left.{partial}\right|_{{{','.join(held)}}}"

    def differential(self, of: str) -> str:
        return rf"\mathrm{{d}}{of}"


def _times(count: int) -> str:
    return f"^{{{count}}}" if count > 1 else ""


def latex_name(name: str) -> str:
    r"""A name in LaTeX: W2 is W_{2}, delta is \delta, long names are upright."""
    base, index, primes, above = name_pieces(name)
    if not re.fullmatch(r"\w+", base + index):  # more than a name
        return latex_words(name, r"\mathrm")
    if base in GREEK:
        base = "\\" + GREEK[base]
    elif base in _SPELT:
        base = "\\" + base
    elif len(base) > 1 or base == "_":
        base = r"\mathrm{" + base.replace("_", r"\_") + "}"
    subscript = "_{" + index.replace("_", r"\_") + "}" if index else ""
    whole = base + subscript + "'" * primes
    # in braces, so that a transpose may stand above it
    return f"{{{whole}^{{{above.replace('−', '-')}}}}}" if above else whole


def latex_words(words: str, face: str = r"\text") -> str:
    """Words as text, and the signs among them as the mathematics they are."""
    found: list[tuple[str, str]] = []
    for match in _PIECES.finditer(words):
        kind, piece = match.lastgroup or "words", match.group()
        if kind == "words" and found and found[-1][0] == "words":
            found[-1] = (kind, found[-1][1] + piece)
        else:
            found.append((kind, piece))
    return "".join(_written(kind, piece, face) for kind, piece in found)


def _written(kind: str, piece: str, face: str) -> str:
    if kind == "words":
        return f"{face}{{{_escaped(piece)}}}"
    if kind == "shape":
        sizes = [size if size.isdecimal() else latex_name(size) for size in piece.split(" × ")]
        return r" \times ".join(sizes)
    if kind == "raised":
        return f"{{}}^{{{''.join(_ABOVE[sign] for sign in piece)}}}"
    if kind == "lowered":
        return f"{{}}_{{{''.join(LOWERED[sign] for sign in piece)}}}"
    if kind == "index":
        name, letters = piece.split("_", 1)
        return f"{{{_MATHS.get(name, name)}}}_{{{_escaped(letters)}}}"
    return f"{{{_MATHS[piece]}}}"


def _escaped(words: str) -> str:
    return re.sub(r"([#$%&_{}])", r"\\\1", words)
