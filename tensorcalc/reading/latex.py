"""LaTeX in an expression: refused, with the same in the language where each command has one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tensorcalc.reading.faults import Edit, mended
from tensorcalc.reading.refusals import Refusals
from tensorcalc.reading.tokens import Token
from tensorcalc.vocabulary import FUNCTION_NAMES

__all__ = ["LatexRefusals"]

_GREEK = {
    "alpha": "α", "beta": "β", "delta": "δ", "gamma": "γ", "lambda": "λ", "mu": "μ", "phi": "φ",
    "psi": "ψ", "rho": "ρ", "theta": "θ", "epsilon": "ε", "eta": "η", "omega": "ω", "sigma": "σ",
}  # fmt: skip
_FONTS = {"mathbf", "mathrm", "mathit", "boldsymbol", "bm", "text", "operatorname", "vec", "hat"}
_SUM = re.compile(r"(?:sum|prod)(?:_\w*)?")
# what a command is in the language; None where that depends on what is meant
_COMMANDS: dict[str, str | None] = {
    **_GREEK,
    **{name: name for name in FUNCTION_NAMES},
    **dict.fromkeys(_FONTS),
    **dict.fromkeys(("left", "right", "quad", "displaystyle"), ""),
    **{"cdot": "·", "odot": "⊙", "circ": "∘", "ln": "log", "|": "||"},
    **dict.fromkeys(
        (
            *("begin", "nabla", "partial", "times", "top", "bar", "cdots", "ldots"),
            *("int", "otimes"),
        )
    ),
}


class LatexRefusals(Refusals):
    """Gives up at commands of LaTeX."""

    def refuse_latex(self, token: Token) -> None:
        """All the commands of the expression are one fault, at the first of them."""
        if self._command(self.place - 1) is None:
            return
        edits: list[Edit] | None = []
        for place in range(self.place - 1, len(self.found)):
            word = self._command(place)
            made = self._translated(place, word) if word else []
            edits = None if edits is None or made is None else [*edits, *made]
        following = self.found[self.place]
        last = self.found[-1].end
        written = self.rewritten(token.start, last, edits) if edits else None
        hint = f"write {written}" if written else "write it as in Python: sigmoid(W @ x)"
        words = {self._command(place) for place in range(self.place - 1, len(self.found))}
        if words & {"partial", "nabla"}:
            hint = "derivatives are taken of the program: p.derivative(of, wrt)"
        self.stop(f"\\{following.text} is LaTeX", token._replace(end=following.end), hint, edits)

    def rewritten(self, start: int, end: int, edits: Iterable[Edit]) -> str | None:
        """A stretch of the text with the edits made."""
        moved = [e._replace(start=e.start - start, end=e.end - start) for e in edits]
        return mended(self.faults.text[start:end], moved)

    def _command(self, place: int) -> str | None:
        """The word of the command that begins at a token."""
        pair = self.found[place : place + 2]
        if len(pair) < 2 or pair[0].text != "\\" or pair[0].end != pair[1].start:
            return None
        word = pair[1].text
        known = word in ("frac", "sqrt") or word in _COMMANDS
        return word if known or _SUM.fullmatch(word) else None

    def _translated(self, place: int, word: str) -> list[Edit] | None:
        """The edits that write a command in the language."""
        start, end = self.found[place].start, self.found[place + 1].end
        if _SUM.fullmatch(word):
            return [Edit(start, start + 1, "")]
        if word in _FONTS:
            return self._with_groups(start, place + 2, ["", ""])
        if word in ("frac", "sqrt"):
            words = ["((", ")/(", "))"] if word == "frac" else ["sqrt(", ")"]
            return self._with_groups(start, place + 2, words)
        plain = word if word in self.names else _COMMANDS[word]
        applied = self.found[place + 2 : place + 3]
        if word == "sigma" and word not in self.names and applied and applied[0].text in "(\\":
            plain = "sigmoid"
        return None if plain is None else [Edit(start, end, plain)]

    def _with_groups(self, start: int, place: int, words: list[str]) -> list[Edit] | None:
        """The edits that put words for a command and the braces of its arguments."""
        edits = []
        for word in words[:-1]:
            end = self.group(place)
            if end is None or self.found[place].text != "{":
                return None
            edits.append(Edit(start, self.found[place].end, word))
            start, place = self.found[end - 1].start, end
        return [*edits, Edit(start, start + 1, words[-1])]
