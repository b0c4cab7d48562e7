"""A printed derivation, line by line: what each line says, in which section, with which shapes.

``Page(text)`` takes text apart by what a reader sees: labels at the margin, numbers in brackets,
signs of equality, columns of shapes and rules. Nothing of the library is used.
"""

import re
from dataclasses import dataclass, field

from reader import split_equation

__all__ = ["Equation", "Page", "Step", "shape_of"]

LABELS = ("Given", "Define", "Letters", "Signs", "Result", "Other layouts", "In ")
SHAPE = r"(?:\(\d+,\)|\d+(?: × \(?\d+(?: × \d+\)?)*)*|a number)"
UNDER = re.compile(rf"\s*{SHAPE}(?:\s\s+{SHAPE})*\s*")
NUMBERED = re.compile(r"\((\d+)\)\s*(.*)")


def shape_of(words):
    """5 × 4 as (5, 4); None where the words start with something else."""
    match = re.search(r"(?<![\d.])(\(\d+,\)|\d+(?: × \(?\d+\)?)+)", words)
    return tuple(map(int, re.findall(r"\d+", match[1]))) if match else None


@dataclass
class Equation:
    """Formulas said to be equal; ``left`` may be an entry, [k, i], of what the step is about."""

    formulas: list
    note: str = ""
    under: list = field(default_factory=list)
    label: str = ""


@dataclass
class Step:
    """A numbered step: words or an equation first, then equations, then its rules."""

    number: int
    words: str = ""
    note: str = ""
    equations: list = field(default_factory=list)
    rules: list = field(default_factory=list)


class Page:
    """The sections of a derivation."""

    def __init__(self, text):
        self.text = text
        lines = text.split("\n")
        self.title, self.convention = columns(lines[0])[0], " ".join(columns(lines[0])[1:])
        self.given, self.defined, self.explained = {}, [], {}
        self.letters, self.remarks = {}, []
        self.steps, self.closing = [], []
        self.section = ""
        for line in lines[1:]:
            if line.strip():
                self._line(line)

    def _line(self, line):
        label = next((w for w in LABELS if line.startswith(w)), None)
        if label == "In ":
            self.section = label
            return
        if label:
            self.section, line = label, line[len(label) :]
        elif NUMBERED.match(line) or self._is_step(line):
            self.section = "steps"
        elif not line.startswith(" ") and self.section == "":
            self.remarks.append(line.strip())
            return
        {
            "Given": self._given, "Define": self._define, "Letters": self._letters,
            "Signs": self._letters,
            "steps": self._step, "Result": self._closing, "In ": self._closing,
            "Other layouts": lambda line: None,
        }[self.section](line)  # fmt: skip

    def _is_step(self, line):
        """Whether an equation stands where no section has one: of steps without numbers."""
        inside = self.section in ("Letters", "Signs", "Define", "Given")
        margin = not line.startswith(" " * 9)
        return inside and margin and " = " in line

    def _given(self, line):
        for piece in columns(line):
            name, _, words = piece.partition(" : ")
            if shape_of(words) is None:
                self.remarks.append(piece)
            else:
                assert name not in self.given, f"{name} is given twice"
                self.given[name] = shape_of(words)

    def _define(self, line):
        pieces = columns(line)
        if " = " not in pieces[0]:
            self.remarks.append(line.strip())
            return
        count = next(k for k, p in enumerate([*pieces, ""]) if " = " not in p)
        equations = [Equation(split_equation(piece)) for piece in pieces[:count]]
        equations[0].note = pieces[count] if count < len(pieces) else ""
        self.defined.append(equations)
        for note in pieces[count + 1 :]:
            self._explain(note)

    def _explain(self, words):
        for piece in words.split("; "):
            if match := re.match(r"(\S+?)\(([a-z, =1]+)\) = (.*)", piece):
                self.explained[match[1]] = match[3]

    def _letters(self, line):
        for names, first, last in re.findall(r"((?:[a-z]\d*, )*[a-z]\d*) = ([01])…(\w+)", line):
            for letter in names.split(", "):
                assert letter not in self.letters, f"the letter {letter} is given twice"
                self.letters[letter] = int(last) + 1 - int(first)
        if not re.search(r"[01]…", line):
            self.remarks.append(line.strip())
            self._explain(line.strip())

    def _step(self, line):
        if match := NUMBERED.match(line):
            self.steps.append(Step(int(match[1])))
            if not match[2]:
                return
            pieces = columns(match[2])
            if pieces[0].startswith("∂") or " = " in pieces[0]:
                self._equation(self.steps[-1].equations, match[2])
            else:
                self.steps[-1].words = pieces[0]
            self.steps[-1].note = " ".join(pieces[1:])
            return
        if not self.steps:
            self.steps.append(Step(0))
        step = self.steps[-1]
        if line.strip().startswith("rule: "):
            step.rules.append(line.strip().removeprefix("rule: "))
        elif re.match(r"\s*shape: ", line):
            step.rules.append(line.strip())
        elif UNDER.fullmatch(line):
            step.equations[-1].under = columns(line)
        elif not self._goes_on(step, line):
            self._equation(step.equations, line)

    def _goes_on(self, step, line):
        """Whether a line was broken: it goes on with a sign, or with the words of a note."""
        first, *notes = columns(line)
        if " = " in f" {first} " or not (step.equations or step.rules or step.words):
            return False
        equation = step.equations[-1] if step.equations else None
        if first[0] in "·+−" and equation:
            equation.formulas[-1] += f" {first}"
            equation.note = " ".join(filter(None, [equation.note, *notes]))
        elif step.rules:
            step.rules[-1] += f" {first}"
        elif equation:
            equation.note += f" {first}"
        return True

    def _equation(self, equations, line):
        first, *notes = columns(line)
        if first.startswith("= ") and equations:
            equations[-1].formulas += split_equation(first)
            equations[-1].note = "; ".join(filter(None, [equations[-1].note, *notes]))
        else:
            equations.append(Equation(split_equation(first), " ".join(notes)))

    def _closing(self, line):
        first, *notes = columns(line)
        if "layout: " in first and ", " in first:
            words, _, first = first.partition(", ")
            self.closing.append(Equation([first], " ".join(notes), label=words))
        elif first.startswith("= "):
            self.closing[-1].formulas += split_equation(first)
        elif " = " in first:
            self.closing.append(
                Equation(split_equation(first), " ".join(notes), label=self.section)
            )
        elif self.closing and not self.closing[-1].note:
            self.closing[-1].note = first


def columns(line):
    """The pieces of a line between wide gaps; signs may stand wide too."""
    line = re.sub(r"(?:^|\s+)([=·+−])\s+", r" \1 ", line.strip()).strip()
    return [piece.strip() for piece in re.split(r"\s{2,}", line) if piece.strip()]
