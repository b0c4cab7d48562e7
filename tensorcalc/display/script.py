"""What an output must be able to write down: marks, names, fractions, sums.

``spelling`` decides what stands where and which pieces need brackets; a ``Spelling`` writes one
piece around others that are written already.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from tensorcalc.display.raised import RAISED

__all__ = ["GREEK", "NamePieces", "Spelling", "name_pieces"]

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi",
    "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip


class NamePieces(NamedTuple):
    """W2′ is W with the subscript 2 and one prime; δᶻ is δ with z above."""

    stem: str
    subscript: str
    primes: int
    above: str = ""


def name_pieces(name: str) -> NamePieces:
    """The pieces of a name: W2, W_2 and W_out have subscripts, delta and _x have none."""
    whole = name.rstrip("".join(RAISED))
    if whole and whole != name:
        above = "".join(RAISED[sign] for sign in name[len(whole) :]).replace("-", "−")
        return name_pieces(whole)._replace(above=above)
    stem = name.rstrip("′")
    primes = len(name) - len(stem)
    match = None if stem.startswith("_") else re.fullmatch(r"(.+?)_?(\d+|(?<=_)\w+)", stem)
    if match is None:
        return NamePieces(stem, "", primes)
    return NamePieces(match.group(1).rstrip("_"), match.group(2), primes)


class Spelling(ABC):
    """How one output writes its marks.

    Pieces given as ``inner``, ``base``, ``parts`` are written already; names and letters are not.
    ``stacks`` says that fractions and exponents stand above and below, so need no brackets;
    what is longer than ``longest`` characters is left out.
    """

    stacks = True
    longest = 4000
    ellipsis = "…"

    @abstractmethod
    def atom(self, name: str) -> str:
        """A quantity, the vector 1, I, or an entry or a slice of a quantity: W[0, :]."""

    @abstractmethod
    def number(self, value: float) -> str:
        """A number."""

    @abstractmethod
    def joined(self, sign: str, parts: Sequence[str]) -> str:
        """Pieces with a sign between them; a space is a product."""

    @abstractmethod
    def negative(self, inner: str) -> str:
        """A piece after a minus."""

    @abstractmethod
    def brackets(self, inner: str) -> str:
        """A piece in round brackets."""

    @abstractmethod
    def condition(self, inner: str) -> str:
        """A piece in square brackets: 1 where it holds."""

    @abstractmethod
    def norm(self, inner: str) -> str:
        """A piece between double bars."""

    @abstractmethod
    def fraction(self, top: str, bottom: str) -> str:
        """One piece over another."""

    @abstractmethod
    def marked(self, base: str, mark: str) -> str:
        """A piece with ᵀ, ⁻¹ or ⁻ᵀ."""

    @abstractmethod
    def power(self, base: str, exponent: float, ndim: int) -> str:
        """A piece to a number; of a matrix entry by entry."""

    @abstractmethod
    def raised(self, base: str, exponent: str) -> str:
        """A piece to the power of another."""

    @abstractmethod
    def call(self, name: str, latex: str, arguments: Sequence[str], extra: str) -> str:
        """A function of pieces, with what else it is told as text."""

    @abstractmethod
    def indexed(self, name: str, letters: Sequence[str]) -> str:
        """One entry of a named quantity."""

    @abstractmethod
    def indicator(self, left: str, right: str) -> str:
        """I[k=j]."""

    @abstractmethod
    def entry(self, letters: Sequence[str]) -> str:
        """[k, i, j]."""

    @abstractmethod
    def big_sum(self, letters: Sequence[str], body: str) -> str:
        """A sum over letters."""

    @abstractmethod
    def partial(self, order: int, of: str, by: Sequence[tuple[str, int]]) -> str:
        """A partial derivative; each argument with how often it stands there in a row."""

    @abstractmethod
    def holding(self, partial: str, held: Sequence[str]) -> str:
        """A partial derivative with what is held fixed: ∂E/∂W|u."""

    @abstractmethod
    def differential(self, of: str) -> str:
        """The change of a quantity: dv."""
