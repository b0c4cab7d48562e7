"""Formulas as they are printed, read once: what they are made of, and what they speak of.

``parsed("x ((s − y) ⊙ s)ᵀ", names)`` is a ``Formula``; ``names`` are the quantities it may speak
of. Juxtaposition is a product, 1 may be a vector of ones, W_ji is an entry, dW a change.
"""

import functools
import re
from dataclasses import dataclass

__all__ = [
    "FRACTIONS",
    "SUBSCRIPT",
    "SUPERSCRIPT",
    "Formula",
    "Node",
    "ReadingError",
    "parsed",
    "split_equation",
]

SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻·", "0123456789-.")
SUBSCRIPT = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
FRACTIONS = {
    "½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅖": 2 / 5, "⅗": 3 / 5,
    "⅘": 4 / 5, "⅙": 1 / 6, "⅚": 5 / 6, "⅐": 1 / 7, "⅛": 1 / 8, "⅜": 3 / 8, "⅝": 5 / 8, "⅞": 7 / 8,
    "⅑": 1 / 9, "⅒": 1 / 10,
}  # fmt: skip
LETTER = "A-Za-zα-ωΑ-Ω"
ABOVE = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
TOKEN = re.compile(
    rf"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?|[{"".join(FRACTIONS)}]|[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁄[₀₁₂₃₄₅₆₇₈₉]+)
  | (?P<sum>Σ_[a-z]\d*)
  | (?P<partial>∂)
  | (?P<indicator>I\[(?=[^\]]*=))
  | (?P<logdet>log\|det)
  | (?P<name>[{LETTER}][{LETTER}{ABOVE}0-9]*(?:_[{LETTER}0-9]+)*(?:[{LETTER}]*[{ABOVE}]+)?′*
      |√(?=\()|∏₋?[₀-₉]*)
  | (?P<root>√(?=[\d½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒]))
  | (?P<power>⁻ᵀ|⁻¹|ᵀ|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:·[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?|\^\(⊙[\d.]+\)|\^)
  | (?P<index>_[a-z0-9]+(?:,[a-z0-9]+)*|_(?=\())
  | (?P<sign>[+−⊙⊘⊗∘·:/(),‖|\[\]><≥≤≠=⟨⟩])
    )""",
    re.VERBOSE,
)


class ReadingError(AssertionError):
    """The print says nothing that can be computed."""


def split_letters(text):
    """The letters and numbers of an index: kij, or k1,i."""
    return text.split(",") if "," in text else re.findall(r"[a-z]\d*|\d", text)


def split_equation(text):
    """The formulas between the signs of equality; those in brackets have no space around them."""
    return [part.strip() for part in re.split(r"(?:^|\s)=\s", text) if part.strip()]


@dataclass(frozen=True)
class Node:
    """A piece of a formula: its kind, what is said there, its parts."""

    kind: str
    word: object = None
    parts: tuple = ()

    def walk(self):
        yield self
        for part in self.parts:
            yield from part.walk()


@functools.cache
def parsed(text, names):
    """The formula, read once."""
    return Formula(text, names)


class Formula:
    """A formula as printed, parsed; ``names`` are the quantities that it may speak of."""

    def __init__(self, text, names):
        self.text, self.names = text, names
        self.tokens = []
        self.after_gap = set()
        place = 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            if not match:
                raise ReadingError(f"{text}: {text[place:]!r} has no meaning")
            if match.start(match.lastgroup) > place:
                self.after_gap.add(len(self.tokens))
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            place = match.end()
        self.place = 0
        self.closing = [None]
        self.tree = self._sum()
        if self.next[0]:
            raise ReadingError(f"{text}: {self.next[1]!r} is left over")

    # ── reading ──

    @property
    def next(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else (None, None)

    def _take(self):
        self.place += 1
        return self.tokens[self.place - 1]

    def _accept(self, *signs):
        if self.next[0] == "sign" and self.next[1] in signs:
            return self._take()[1]
        return None

    def _expect(self, sign):
        if not self._accept(sign):
            raise ReadingError(f"{self.text}: {sign!r} expected, not {self.next[1]!r}")

    def _inside(self, end, what):
        self.closing.append(end)
        value = what()
        self.closing.pop()
        self._expect(end)
        return value

    def _sum(self):
        negative = self._accept("−")
        terms = [self._between()]
        if negative:
            terms[0] = Node("minus", None, (terms[0],))
        while sign := self._accept("+", "−"):
            term = self._between()
            terms.append(Node("minus", None, (term,)) if sign == "−" else term)
        return terms[0] if len(terms) == 1 else Node("sum", None, tuple(terms))

    def _between(self):
        """Signs that stand between products: of these, : and · bind less than ⊙."""
        value = self._entrywise()
        while sign := self._accept(":", "·"):
            value = Node(sign, None, (value, self._entrywise()))
        return value

    def _entrywise(self):
        value = self._product()
        while sign := self._accept("⊙", "∘", "⊘", "⊗"):
            value = Node("⊙" if sign == "∘" else sign, None, (value, self._product()))
        return value

    def _product(self):
        if self._accept("−"):
            return Node("minus", None, (self._product(),))
        factors = []
        while True:
            kind, _ = self.next
            if kind == "sum":
                factors.append(self._big_sum())
                break
            if (
                kind in ("number", "root", "name", "partial", "indicator", "logdet")
                or self._opens()
            ):
                factors.append(self._postfix())
            else:
                break
        if not factors:
            raise ReadingError(f"{self.text}: a factor expected, not {self.next[1]!r}")
        value = factors[0] if len(factors) == 1 else Node("product", None, tuple(factors))
        while self._accept("/"):
            value = Node("over", None, (value, self._postfix()))
        return value

    def _opens(self):
        kind, word = self.next
        if kind != "sign":
            return False
        return word in "([" or (word in "‖|" and self.closing[-1] != word)

    def _big_sum(self):
        letters = []
        while self.next[0] == "sum":
            letters.append(self._take()[1][2:])
        return Node("Σ", tuple(letters), (self._product(),))

    def _postfix(self):
        value = self._atom()
        while self.next[0] in ("power", "index"):
            kind, mark = self._take()
            if kind == "index":
                value = Node("entry", self._letters(mark), (value,))
            elif mark == "^":
                value = Node("raised", None, (value, self._atom()))
            else:
                value = Node("mark", mark, (value,))
        return value

    def _letters(self, mark):
        if mark != "_":
            return tuple(split_letters(mark[1:]))
        words = [""]  # x_(k+1)
        self._expect("(")
        while not self._accept(")"):
            word = self._take()[1]
            words = [*words, ""] if word == "," else [*words[:-1], words[-1] + word]
        return tuple(words)

    def _atom(self):
        kind, word = self._take()
        if kind == "number":
            return Node("number", word)
        if kind == "root":
            return Node("call", ("√", None), (Node("number", self._take()[1]),))
        if kind == "partial":
            return self._partial()
        if kind == "indicator":
            return self._inside(
                "]", lambda: Node("indicator", None, (self._places(), self._after("=")))
            )
        if kind == "logdet":
            self._expect("(")
            inner = self._inside(")", self._sum)
            self._expect("|")
            return Node("logdet", None, (inner,))
        if kind == "name":
            return self._name(word)
        if word == "(":
            return self._inside(")", self._sum)
        if word == "‖":
            return Node("norm", None, (self._inside("‖", self._sum),))
        if word == "|":
            return Node("call", "abs", (self._inside("|", self._sum),))
        if word == "[":
            return self._condition()
        raise ReadingError(f"{self.text}: {word!r} cannot stand here")

    def _after(self, sign):
        self._expect(sign)
        return self._places()

    def _places(self):
        """What stands in an indicator: a letter, k+2, or (j, i)."""
        if self._accept("("):
            return self._inside(")", self._pairs)
        return self._sum()

    def _pairs(self):
        places = [self._sum()]
        while self._accept(","):
            places.append(self._sum())
        return Node("pair", None, tuple(places))

    def _condition(self):
        def relation():
            left = self._sum()
            sign = self._accept(">", "≥", "<", "≤", "=", "≠")
            if sign is None:  # a row of numbers
                numbers = [left]
                while self._accept(","):
                    numbers.append(self._sum())
                return Node("array", None, tuple(numbers))
            return Node("relation", sign, (left, self._sum()))

        return self._inside("]", relation)

    def _partial(self):
        of = self._quantity()
        self._expect("/")
        by = []
        while self.next[0] == "partial" and (not by or self.place not in self.after_gap):
            self._take()
            by.append(self._quantity())
        held = []
        if self.next == ("sign", "|") and self.closing[-1] != "|":
            self._take()
            held.append(self._take()[1])
            while self.next == ("sign", ","):
                self._take()
                held.append(self._take()[1])
        node = Node("∂", tuple(held), (of, *by))
        if self._accept("["):
            letters = [self._take()[1]]
            while self._accept(","):
                letters.append(self._take()[1])
            self._expect("]")
            return Node("place", tuple(letters), (node,))
        return node

    def _quantity(self):
        kind, word = self._take()
        if kind != "name":
            raise ReadingError(f"{self.text}: a name expected after ∂, not {word!r}")
        value = self._name(word, bare=True)
        while self.next[0] == "index":
            value = Node("entry", self._letters(self._take()[1]), (value,))
        return value

    def _name(self, word, bare=False):
        if (
            not bare
            and self.next == ("sign", "(")
            and word not in self.names
            and self.place not in self.after_gap
        ):
            self._take()
            return self._inside(")", lambda: self._call(word))
        if word in self.names or word == "I":
            return self._sliced(Node("name", word), bare)
        stem, _, letters = word.rpartition("_")
        if stem in self.names and letters:
            letters = letters + self._more_letters()
            return Node("entry", tuple(split_letters(letters)), (Node("name", stem),))
        if stem and (found := self._changed(stem)) and letters:
            letters = letters + self._more_letters()
            return Node("entry", tuple(split_letters(letters)), (found,))
        return self._sliced(self._changed(word) or Node("name", word), bare)

    def _more_letters(self):
        found = ""
        while self._goes_on():
            found += self._take()[1] + self._take()[1]
        return found

    def _goes_on(self):
        """Whether a comma stands between letters, as in W_j1,i; a gap would part arguments."""
        after = self.tokens[self.place + 1 :][:1]
        gap = self.place + 1 in self.after_gap
        return (
            self.next == ("sign", ",") and after and after[0][0] in ("name", "number") and not gap
        )

    def _changed(self, word):
        """dW, if W is a quantity."""
        if word.startswith("d") and word[1:] in self.names:
            return Node("d", word[1:])
        return None

    def _sliced(self, node, bare):
        """W[0, :]: a part of a quantity."""
        if bare or self.next != ("sign", "["):
            return node
        self._take()
        words = ""
        while not self._accept("]"):
            words += self._take()[1]
        return Node("slice", words, (node,))

    def _call(self, word):
        arguments, axis = [self._sum()], None
        while self._accept(","):
            if self.next == ("name", "axis"):
                self._take()
                self._expect("=")
                axis = int(self._take()[1])
            else:
                arguments.append(self._sum())
        return Node("call", (word, axis), tuple(arguments))

    # ── what is spoken of ──

    def spoken(self):
        """Every name in the formula that is not a function."""
        letters = self.letters() | self.bound()
        spoken = {n.word for n in self.tree.walk() if n.kind in ("name", "d")}
        units = {"e"} if any(n.kind == "slice" for n in self.tree.walk()) else set()
        return spoken - {"I", "π"} - letters - units

    def functions(self):
        """Every function that is called."""
        return {n.word[0] for n in self.tree.walk() if n.kind == "call" and n.word != "abs"}

    def letters(self):
        """Free and bound letters of the indices."""
        free = set()
        for n in self.tree.walk():
            if n.kind in ("entry", "place"):
                free |= {x for w in n.word for x in re.findall(r"[a-z]\d*", w)}
            if n.kind == "indicator":
                free |= {p.word for part in n.parts for p in part.walk() if p.kind == "name"}
        return free

    def bound(self):
        """Letters of the sums."""
        return {w for n in self.tree.walk() if n.kind == "Σ" for w in n.word}

    def uses_ones(self):
        """Whether 1 can only mean a vector of ones."""
        for n in self.tree.walk():
            if n.kind == "mark" and n.word == "ᵀ" and n.parts[0] == Node("number", "1"):
                return True
            if n.kind == "product" and Node("number", "1") in n.parts:
                return True
        return False
