"""Spelling a notation tree: as Unicode text, or as the LaTeX that every notebook renders."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from tensorcalc.display.letters import number_text
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Call,
    Chain,
    Differential,
    Entry,
    Hadamard,
    Indexed,
    Indicator,
    Infix,
    Inverse,
    Kronecker,
    Norm,
    Notation,
    Number,
    Partial,
    Power,
    Quotient,
    Raised,
    Relation,
    Scaled,
    Sum,
    Transposed,
    is_negative,
    negated,
    transposed,
)

__all__ = ["LATEX", "TEXT", "Spelling", "latex_name", "spell"]

# how tightly a piece binds: a piece that binds less than its place needs brackets
RELATION, SUM, HADAMARD, PRODUCT, POSTFIX, ATOM = range(6)

_SUPERSCRIPT = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi",
    "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_SPELT = set(_GREEK.values()) | {"epsilon", "phi"}
_LONGEST = 4000
_RELATIONS = ("=", "≈", "→", ":")
_INFIX_LATEX = {"·": r"\cdot", "≈": r"\approx", "→": r"\to", "⊗": r"\otimes", "∘": r"\circ"}


@dataclass(frozen=True)
class Spelling:
    """The words of one output."""

    latex: bool
    space: str
    hadamard: str
    over: str
    minus: str

    def brackets(self, inner: str) -> str:
        """The piece in round brackets."""
        return rf"\left({inner}\right)" if self.latex else f"({inner})"

    def norm(self, inner: str) -> str:
        """The piece between double bars."""
        return rf"\left\lVert {inner} \right\rVert" if self.latex else f"‖{inner}‖"


TEXT = Spelling(latex=False, space=" ", hadamard=" ⊙ ", over=" ⊘ ", minus="−")
LATEX = Spelling(latex=True, space=r"\,", hadamard=r" \odot ", over=r" \oslash ", minus="-")


def latex_name(name: str) -> str:
    r"""A name in LaTeX: W2 is W_{2}, delta is \delta, long names are upright."""
    primes = len(name) - len(name.rstrip("′"))
    stem = name.rstrip("′")
    if stem.startswith("_"):
        return r"\mathrm{" + stem.replace("_", r"\_") + "}" + "'" * primes
    match = re.fullmatch(r"(.+?)_?(\d+|(?<=_)\w+)", stem)
    base, index = (match.group(1).rstrip("_"), match.group(2)) if match else (stem, "")
    if base in _GREEK:
        base = "\\" + _GREEK[base]
    elif base in _SPELT:
        base = "\\" + base
    elif len(base) > 1:
        base = r"\mathrm{" + base.replace("_", r"\_") + "}"
    subscript = "_{" + index.replace("_", r"\_") + "}" if index else ""
    return base + subscript + "'" * primes


def spell(notation: Notation, spelling: Spelling = TEXT) -> str:
    """The notation as one line."""
    return _spell(notation, spelling)[0]


def _at(notation: Notation, spelling: Spelling, needed: int) -> str:
    text, binding = _spell(notation, spelling)
    return spelling.brackets(text) if binding < needed else text


def _spell(n: Notation, s: Spelling) -> tuple[str, int]:
    text, binding = _SPELLERS[type(n)](n, s)
    if len(text) > _LONGEST:
        return ("…" if not s.latex else r"\ldots"), ATOM
    return text, binding


def _atom(n: Atom, s: Spelling) -> tuple[str, int]:
    if not s.latex:
        return n.name, ATOM
    if n.name == "1":
        return r"\mathbf{1}", ATOM
    stem, bracket, place = n.name.partition("[")  # an entry, a slice, an array of numbers
    inside = bracket + place.replace("×", r" \times ").replace("−", "-").replace("array", r"\ldots")
    return (latex_name(stem) if stem else "") + inside, ATOM


def _number(n: Number, s: Spelling) -> tuple[str, int]:
    return number_latex(n.value) if s.latex else number_text(n.value), SUM if n.value < 0 else ATOM


def number_latex(value: float) -> str:
    """A number in LaTeX, with small fractions as fractions."""
    if value < 0:
        return "-" + number_latex(-value)
    for bottom in (2, 3, 4, 5, 6, 7, 8, 9, 10):
        top = value * bottom
        if abs(top - round(top)) < 1e-12 and not float(value).is_integer() and top < bottom:
            return rf"\tfrac{{{round(top)}}}{{{bottom}}}"
    digits, e, power = f"{value:.6g}".partition("e")
    if float(value).is_integer() and value < 1e15:
        return str(int(value))
    return rf"{digits} \cdot 10^{{{int(power)}}}" if e else digits


def _transposed(n: Transposed, s: Spelling) -> tuple[str, int]:
    inner = _at(n.inner, s, ATOM)
    return (rf"{inner}^{{\top}}" if s.latex else f"{inner}ᵀ"), POSTFIX


def _chain(n: Chain, s: Spelling) -> tuple[str, int]:
    parts = [_at(transposed(factor) if flag else factor, s, POSTFIX) for factor, flag in n.factors]
    return s.space.join(parts), PRODUCT


def _hadamard(n: Hadamard, s: Spelling) -> tuple[str, int]:
    return s.hadamard.join(_at(factor, s, PRODUCT) for factor in n.factors), HADAMARD


def _quotient(n: Quotient, s: Spelling) -> tuple[str, int]:
    if n.entrywise:
        return _at(n.top, s, HADAMARD) + s.over + _at(n.bottom, s, PRODUCT + 1), HADAMARD
    if s.latex:
        return rf"\frac{{{_spell(n.top, s)[0]}}}{{{_spell(n.bottom, s)[0]}}}", PRODUCT
    return f"{_at(n.top, s, PRODUCT)} / {_at(n.bottom, s, POSTFIX)}", PRODUCT


def _scaled(n: Scaled, s: Spelling) -> tuple[str, int]:
    if n.number < 0:
        return s.minus + _at(negated(n), s, HADAMARD), SUM
    bottoms = [f.bottom for f in n.scalars if isinstance(f, Quotient)]
    tops = [f.top if isinstance(f, Quotient) else f for f in n.scalars]
    tops = [t for t in tops if not (isinstance(t, Number) and t.value == 1)]
    number = [] if n.number == 1 and (tops or n.body is not None) else [Number(n.number)]
    body = [] if n.body is None else [n.body]
    single = len(number) + len(tops) + len(body) == 1
    # a Hadamard product may stand unbracketed behind a number: 2 u ⊙ v
    loose = PRODUCT if bottoms or not isinstance(n.body, (Hadamard, Quotient)) else HADAMARD
    if single and not bottoms:
        return _spell((number + tops + body)[0], s)
    alone = len(number) + len(tops) + len(body) == 1
    parts = [_at(p, s, PRODUCT if alone else POSTFIX) for p in number + tops]
    parts += [_at(p, s, HADAMARD if single else loose) for p in body]
    text = s.space.join(parts)
    if not bottoms:
        return text, PRODUCT if loose == PRODUCT else HADAMARD
    if s.latex:
        below = s.space.join(_at(b, s, PRODUCT) for b in bottoms)
        return rf"\frac{{{text}}}{{{below}}}", PRODUCT
    below = " ".join(_at(b, s, POSTFIX) for b in bottoms)
    return f"{text} / {below if len(bottoms) == 1 else f'({below})'}", PRODUCT


def _sum(n: Sum, s: Spelling) -> tuple[str, int]:
    text = _at(n.terms[0], s, HADAMARD if isinstance(n.terms[0], BigSum) else SUM)
    for term in n.terms[1:]:
        if is_negative(term):
            text += f" {s.minus} " + _at(negated(term), s, HADAMARD)
        else:
            text += " + " + _at(term, s, HADAMARD)
    return text, SUM


def _power(n: Power, s: Spelling) -> tuple[str, int]:
    if n.ndim > 1 and n.exponent == 2:  # A² would be the matrix product
        return _hadamard(Hadamard((n.base, n.base)), s)
    base = _at(n.base, s, ATOM)
    if s.latex:
        mark = r"\odot " if n.ndim else ""
        return f"{base}^{{{mark}{n.exponent:g}}}", POSTFIX
    if n.ndim > 1:
        return f"{base}^(⊙{n.exponent:g})", POSTFIX
    return base + f"{n.exponent:g}".translate(_SUPERSCRIPT), POSTFIX


def _call(n: Call, s: Spelling) -> tuple[str, int]:
    inner = ", ".join(_spell(a, s)[0] for a in n.arguments) + n.extra
    if not s.latex:
        return f"{n.name}({inner})", ATOM
    if n.latex == r"\sqrt":
        return rf"\sqrt{{{inner}}}", ATOM
    return n.latex + s.brackets(inner), ATOM


def _inverse(n: Inverse, s: Spelling) -> tuple[str, int]:
    inner = _at(n.inner, s, ATOM)
    if s.latex:
        return f"{inner}^{{-{chr(92) + 'top' if n.flipped else '1'}}}", POSTFIX
    return f"{inner}⁻{'ᵀ' if n.flipped else '¹'}", POSTFIX


def _kronecker(n: Kronecker, s: Spelling) -> tuple[str, int]:
    sign = r" \otimes " if s.latex else " ⊗ "
    return _at(n.left, s, POSTFIX) + sign + _at(n.right, s, POSTFIX), HADAMARD


def _raised(n: Raised, s: Spelling) -> tuple[str, int]:
    base = _at(n.base, s, ATOM)
    if s.latex:
        return f"{base}^{{{_spell(n.exponent, s)[0]}}}", POSTFIX
    return f"{base}^{_at(n.exponent, s, ATOM)}", POSTFIX


def _relation(n: Relation, s: Spelling) -> tuple[str, int]:
    sign = n.sign.replace("≥", r"\ge") if s.latex else n.sign
    return f"[{_spell(n.left, s)[0]} {sign} {_spell(n.right, s)[0]}]", ATOM


def _norm(n: Norm, s: Spelling) -> tuple[str, int]:
    return s.norm(_spell(n.inner, s)[0]), ATOM


def _indexed(n: Indexed, s: Spelling) -> tuple[str, int]:
    if s.latex:
        name = latex_name(n.name)
        name = f"({name})" if "_" in name else name
        return (f"{name}_{{{''.join(n.letters)}}}" if n.letters else name), ATOM
    joint = "," if any(len(letter) > 1 for letter in n.letters) else ""
    return f"{n.name}_{joint.join(n.letters)}" if n.letters else n.name, ATOM


def _indicator(n: Indicator, s: Spelling) -> tuple[str, int]:
    return f"I[{n.left}={n.right}]", ATOM


def _big_sum(n: BigSum, s: Spelling) -> tuple[str, int]:
    body = _at(n.body, s, PRODUCT)
    if s.latex:
        return rf"\sum_{{{','.join(n.letters)}}} {body}", SUM
    return f"{' '.join('Σ_' + letter for letter in n.letters)} {body}", SUM


def _infix(n: Infix, s: Spelling) -> tuple[str, int]:
    needed = RELATION if n.sign in _RELATIONS else HADAMARD
    parts = [_at(part, s, needed) for part in n.parts]
    sign = _INFIX_LATEX.get(n.sign, n.sign) if s.latex else n.sign
    return f" {sign} ".join(parts), RELATION if n.sign in _RELATIONS else SUM


def _partial(n: Partial, s: Spelling) -> tuple[str, int]:
    of = _at(n.of, s, ATOM)
    order = len(n.by)
    groups = [(by, len(list(group))) for by, group in itertools.groupby(n.by)]
    if s.latex:
        raised = lambda times: f"^{{{times}}}" if times > 1 else ""
        below = r"\,".join(rf"\partial {_at(by, s, ATOM)}{raised(t)}" for by, t in groups)
        return rf"\frac{{\partial{raised(order)} {of}}}{{{below}}}", POSTFIX
    raised = lambda times: str(times).translate(_SUPERSCRIPT) if times > 1 else ""
    below = "".join(f"∂{_at(by, s, ATOM)}{raised(times)}" for by, times in groups)
    return f"∂{raised(order)}{of}/{below}", POSTFIX


def _differential(n: Differential, s: Spelling) -> tuple[str, int]:
    of = _at(n.of, s, ATOM)
    return (rf"\mathrm{{d}}{of}" if s.latex else f"d{of}"), ATOM


def _entry(n: Entry, s: Spelling) -> tuple[str, int]:
    return f"[{', '.join(n.letters)}]", ATOM


_SPELLERS = {
    Atom: _atom,
    Number: _number,
    Transposed: _transposed,
    Chain: _chain,
    Hadamard: _hadamard,
    Quotient: _quotient,
    Scaled: _scaled,
    Sum: _sum,
    Power: _power,
    Call: _call,
    Inverse: _inverse,
    Kronecker: _kronecker,
    Norm: _norm,
    Raised: _raised,
    Relation: _relation,
    Indexed: _indexed,
    Indicator: _indicator,
    BigSum: _big_sum,
    Infix: _infix,
    Partial: _partial,
    Differential: _differential,
    Entry: _entry,
}
