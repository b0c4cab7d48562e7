"""What a printed derivation claims, computed: every line at random points, every sign explained.

``Check(page, seed).all()`` evaluates the definitions in order and compares the formulas of each
line with each other and with central differences of the definitions. ``symbol_faults`` and
``word_faults`` read the words: each symbol is defined before it is used and has one meaning, each
line carries a shape or a rule.
"""

import re

import numpy as np
import pages
from reader import ReadingError, parsed
from reader_values import STANDARD, Identity, Values, axes_of, plain

__all__ = ["Check", "Model", "arranged", "drawn", "letter_faults", "symbol_faults", "word_faults"]

STEP = 2e-3  # of central differences of fourth order


# ── the page as a model: values, differences ─────────────────────────────────────────────


class Model:
    """The quantities of a page at one random point, computed from what it defines."""

    def __init__(self, page, seed, *, positive=False, own_shape=False):
        self.page, self.own_shape = page, own_shape
        rng = np.random.default_rng(seed)
        self.given = {name: drawn(rng, shape, positive) for name, shape in page.given.items()}
        self.names = frozenset(page.given) | {defined_names(rows)[0] for rows in page.defined}
        self.known = self.run({})
        self.swept = {}
        self.wrt = None
        self.tangents = {}

    def run(self, instead):
        """All definitions in order; those with a value of their own are not computed."""
        known = {**self.given, **instead}
        for rows in self.page.defined:
            left, *rights = rows[0].formulas
            name = defined_names(rows)[0]
            if name in instead:
                continue
            formula = parsed(left, self.names)
            if formula.tree.kind == "entry":
                letters = formula.tree.word
                sizes = pages.shape_of(rows[0].note)[: len(letters)]
                value = Values(known, told=self.page.letters).entries(
                    parsed(rights[0], self.names), letters, sizes
                )
                known[name] = value.reshape(pages.shape_of(rows[0].note))
            else:
                shape = pages.shape_of(rows[0].note)
                known[name] = Values(known, told=self.page.letters).matrix(
                    parsed(rights[0], self.names), shape
                )
        return known

    def sweep(self, by, held=()):
        """Central differences of everything by every entry of one quantity."""
        if (by, held) not in self.swept:
            fixed = {name: self.known[name] for name in held}
            base = np.asarray(self.known[by], float)
            columns = []
            for k in range(base.size):
                moved = []
                for times in (1, -1, 2, -2):
                    other = base.copy()
                    other.flat[k] += times * STEP
                    moved.append(self.run({**fixed, by: other}))
                a, b, c, d = moved
                columns.append(
                    {n: (8 * (a[n] - b[n]) - (c[n] - d[n])) / (12 * STEP) for n in self.names}
                )
            self.swept[by, held] = columns
        return self.swept[by, held]

    def axes(self, name):
        """The sizes of a quantity's axes: none for a number, one for a column."""
        return tuple(n for n in np.shape(self.known[name]) if n != 1)

    def partial(self, of, by, held=()):
        """∂of/∂by, the value's axes first."""
        assert len(by) == 1, "second derivatives"
        array = np.stack([c[of].reshape(self.axes(of)) for c in self.sweep(by[0], held)], axis=-1)
        return array.reshape(self.axes(of) + self.axes(by[0]))

    def laid_out(self, of, by, held=()):
        """∂of/∂by as the layout of the page shows it, a number as 1 × 1."""
        layout = "mixed" if self.own_shape else self.page.convention.split()[0]
        return arranged(self.partial(of, by, held), len(self.axes(of)), layout)

    def change(self, name):
        """dk for a random change of the argument."""
        if name not in self.tangents:
            rng = np.random.default_rng(7)
            direction = rng.normal(size=np.shape(self.known[self.wrt]))
            for n in self.names:
                total = sum(
                    c[n] * v for c, v in zip(self.sweep(self.wrt), direction.ravel(), strict=True)
                )
                self.tangents[n] = total
            self.tangents[self.wrt] = direction
        return self.tangents[name]

    def values(self):
        values = Values(self.known, self.partial, self.change, self.laid_out)
        values.told = self.page.letters
        return values


def drawn(rng, shape, positive):
    """Random values; of square matrices, near enough to I to be inverted."""
    value = rng.uniform(0.4, 1.4, shape) if positive else rng.normal(0, 0.7, shape)
    square = len(shape) == 2 and shape[0] == shape[1]
    return np.eye(shape[0]) + 0.3 * value if square else value


def arranged(array, of_ndim, layout):
    """A derivative with the value's axes first, in a layout, with the ones of rows and columns."""
    n = array.ndim
    of, by = list(range(of_ndim)), list(range(of_ndim, n))
    order = {"numerator": of + by[::-1], "denominator": by + of[::-1], "mixed": of + by}[layout]
    array = array.transpose(order)
    if n == 0:
        return array.reshape(1, 1)
    if n == 1:
        row = (layout == "numerator" and not of) or (layout == "denominator" and bool(of))
        return array.reshape((1, -1) if row else (-1, 1))
    return array


def defined_names(rows):
    """The name on the left of a definition, without its letters; those stand on the right too."""
    left, right = rows[0].formulas[:2]
    stem, _, letters = left.rpartition("_")
    letters = re.findall("[a-z]", letters) if re.fullmatch(r"[a-z,0-9]+", letters) else []
    used = all(re.search(rf"[_\[=,(][a-z0-9,(+−]*{w}", right) for w in letters)
    return [stem if letters and used else left]


# ── what must hold ───────────────────────────────────────────────────────────────────────


OBJECT = r"∂(\w+)/∂(\w+)(?:\|(\w+(?:, \w+)*))?"  # with what it holds fixed


def named(match):
    """The value, the argument, and what is held fixed."""
    return match[1], match[2], tuple(match[3].split(", ") if match[3] else ())


class Check:
    """Everything a page claims, at one point; faults are collected with their lines."""

    def __init__(self, page, seed, *, style, positive):
        self.page, self.style = page, style
        self.by_itself = page.convention.startswith("read off")
        self.of, self.wrt = re.match(r"∂(\w+)/∂(\w+)", page.title).groups()
        self.model = Model(page, seed, positive=positive, own_shape=self.by_itself)
        self.model.wrt = self.wrt
        self.values = self.model.values()
        self.names = self.model.names
        self.faults = []
        self.template = {}
        self.gradient()

    def all(self):
        for rows in self.page.defined:
            for equation in rows:
                self.guarded(equation, None)
        for step in self.page.steps:
            self.called(step)
            about = self.about(step)
            for k, equation in enumerate(step.equations):
                self.guarded(equation, about)
                self.noted(step, k, equation, about)
        for equation in self.page.closing:
            self.guarded(equation, None)
        return self.faults

    def fault(self, equation, words):
        self.faults.append(f"{' = '.join(equation.formulas)}: {words}")

    def guarded(self, equation, about):
        try:
            self.equation(equation, about)
        except (ReadingError, ValueError, KeyError, IndexError, AssertionError) as e:
            self.fault(equation, f"{type(e).__name__} {e}")

    def called(self, step):
        """Names that a step gives: Call it δ."""
        self.fresh = set(re.findall(r"Call it (\S+?)\.(?:\s|$)", step.words))
        for equation in step.equations:
            name = equation.formulas[0]
            indexed = re.search(r"_[a-z,0-9]+$", name)
            if len(equation.formulas) > 1 and not indexed and re.fullmatch(r"[δΔεγηGΓ]\S*", name):
                self.fresh |= {name} - self.names

    def gradient(self):
        """G, where a page says that it is the gradient in the argument's own shape."""
        match = re.search(
            r"so\s+(\S+)\s+is\s+the\s+(?:gradient|derivative)|← \w+ − η (\S+)", self.page.text
        )
        if match:
            name = match[1] or match[2]
            array = self.model.partial(self.of, [self.wrt])
            self.values.known[name] = arranged(array, 0, "mixed")
            self.names |= {name}

    def about(self, step):
        """The object of which [k, i] is an entry: the one named first."""
        for text in [f for e in step.equations for f in e.formulas]:
            if text.startswith("∂"):
                node = parsed(text.partition("[")[0], self.names).tree
                while node.kind != "∂":
                    node = node.parts[0]
                return (*map(bare, node.parts), node.word)
        return (self.of, self.wrt, ())

    def equation(self, equation, about):
        formulas = list(equation.formulas)
        head = formulas[0]
        if head in self.fresh_names():
            self.define(head, formulas[1:])
        match = re.fullmatch(r"([δΔεΕγΓηΗ]\S*?)_([a-z,0-9]+)", head)
        if match and match[1] not in self.names:
            self.define_entries(match[1], match[2], formulas[-1])
        if match := re.fullmatch(r"\[([a-z0-9, ]+)\]", head):
            found = self.entries(match[1].split(", "), about, formulas[1:])
        elif match := re.fullmatch(OBJECT + r"\[([a-z0-9, ]+)\]", head):
            found = self.entries(match[4].split(", "), named(match), formulas[1:])
        elif parsed(head, self.names).tree.kind == "entry":
            found = self.indexed(parsed(head, self.names), formulas[1:])
        elif parsed(head, self.names).tree.kind == "∂" and parsed(head, self.names).letters():
            found = self.slopes(parsed(head, self.names), formulas[1:])
        else:
            found = self.whole(formulas, equation)
        for text, value, wanted in found:
            if np.shape(value) != np.shape(wanted):
                self.fault(equation, f"{text} is {np.shape(value)}, not {np.shape(wanted)}")
            elif not np.allclose(value, wanted, rtol=2e-7, atol=2e-8 * (1 + np.abs(wanted).max())):
                self.fault(equation, f"{text} differs by {np.abs(value - wanted).max():.3g}")
        self.shapes(equation, found)

    def fresh_names(self):
        return getattr(self, "fresh", set())

    def define(self, name, formulas):
        """δ as what its equation says."""
        value = self.value(formulas[-1])
        self.values.known[name] = np.asarray(value)
        self.names |= {name}
        self.fresh.discard(name)

    def entries(self, letters, about, formulas):
        array = self.model.laid_out(about[0], [about[1]], about[2])
        array = array.reshape(tuple(n for n in array.shape if n != 1))
        found = []
        for text in formulas:
            formula = parsed(text, self.names)
            try:
                value = self.values.entries(formula, letters, array.shape)
            except ReadingError:
                if formula.letters() | formula.bound():
                    raise
                value = self.values.matrix(formula).reshape(array.shape)
            found.append((text, value, array))
        return found

    def indexed(self, head, formulas):
        letters = head.tree.word
        shape = axes_of(self.values._matrix(head.tree.parts[0]), len(letters))
        wanted = self.values.entries(head, letters, shape)
        return [
            (text, self.values.entries(parsed(text, self.names), letters, shape), wanted)
            for text in formulas
        ]

    def slopes(self, head, formulas):
        """∂v_k/∂W_ji and what it is said to be, for all k, j and i."""
        parts = [p for p in head.tree.parts if p.kind == "entry"]
        letters = [w for p in parts for w in p.word]
        shape = [n for p in parts for n in self.model.axes(bare(p))]
        wanted = self.values.entries(head, letters, shape)
        return [
            (text, self.values.entries(parsed(text, self.names), letters, shape), wanted)
            for text in formulas
        ]

    def define_entries(self, name, letters, text):
        """δ_k as what its equation says."""
        letters = re.findall(r"[a-z]\d*", letters)
        shape = [self.page.letters[w] for w in letters]
        value = self.values.entries(parsed(text, self.names), letters, shape)
        self.values.known[name] = value.reshape(-1, 1) if len(letters) == 1 else np.array(value)
        self.names |= {name}

    def whole(self, formulas, equation):
        first = next((t for t in formulas if re.match(r"[∂d]\S+$", t)), formulas[0])
        if equation.label and "layout" in equation.label:
            array = self.model.partial(self.of, [self.wrt])
            wanted = arranged(array, len(self.model.axes(self.of)), equation.label.split()[0])
        else:
            wanted = self.value(first)
        found = []
        for text in formulas:
            value = self.value(
                text,
                wanted.shape,
                (self.of, self.wrt) if not first.startswith("∂") else re.findall(r"∂(\w+)", first),
            )
            found.append((text, value, wanted))
        return found

    def value(self, text, shape=None, about=None):
        formula = parsed(text, self.names)
        if any(n.kind == "·" for n in formula.tree.walk()):
            return self.products(formula, about).reshape(shape)
        if formula.letters() or formula.bound():
            value = self.values.entries(formula, (), ())
            return np.reshape(value, (1, 1))
        return self.values.matrix(formula, shape)

    # ── products of derivative objects ──

    def products(self, formula, about):
        tree = formula.tree
        terms = tree.parts if tree.kind == "sum" else (tree,)
        known = self.template.setdefault(tuple(about), {})
        self.turned = any(link(f) is not f for t in terms for f in flattened(t))
        total = 0.0
        for k, term in enumerate(terms):
            factors = flattened(term)
            if all(link(f).kind == "∂" for f in factors):
                pairs = [(link(f).parts[0].word, link(f).parts[1].word) for f in factors]
                known[k] = pairs
            else:
                pairs = self.merged(known[k], len(factors))
            total = total + self.contracted(factors, pairs)
        return arranged(total, len(self.model.axes(about[0])), self.layout())

    def layout(self):
        return "mixed" if self.by_itself else self.page.convention.split()[0]

    def ordered(self):
        """The layout of the factors: of transposed ones, from the argument to the value."""
        return "denominator" if self.turned else self.layout()

    def merged(self, pairs, count):
        """The objects that so many factors are, where the first ones were multiplied."""
        extra = len(pairs) - count
        if self.ordered() == "denominator":
            kept, gone = pairs[: count - 1], pairs[count - 1 :]
            return [*kept, (gone[-1][0], gone[0][1])]
        gone, kept = pairs[: extra + 1], pairs[extra + 1 :]
        return [(gone[0][0], gone[-1][1]), *kept]

    def contracted(self, factors, pairs):
        arrays = []
        for f, (of, by) in zip(factors, pairs, strict=True):
            shape = self.model.axes(of) + self.model.axes(by)
            n, m = len(self.model.axes(of)), len(self.model.axes(by))
            if link(f).kind == "∂":
                array = self.model.partial(of, [by], link(f).word)
            else:
                shown = arranged(np.zeros(shape), n, self.ordered()).shape
                self.values.square = shown[0] if len(set(shown)) == 1 else 0
                array = self.values._matrix(f)
                if isinstance(array, Identity):
                    array = array.number * np.eye(shown[0])
                elif any(p.kind == "slice" for p in f.walk()):
                    array = self.sliced(f, shown)
                array = np.broadcast_to(plain(array), shown)
                array = self.canonical(array, n, m)
            arrays.append((array, m))
        if self.ordered() == "denominator":
            arrays = arrays[::-1]
        total, m = arrays[0]
        for array, after in arrays[1:]:
            total = np.tensordot(total, array, m)
            m = after
        return total

    def sliced(self, node, shape):
        """A factor with columns of I, of the size that fits."""
        for size in sorted({n for v in self.values.known.values() for n in v.shape}):
            self.values.size = size
            try:
                array = self.values._matrix(node)
            except (ReadingError, ValueError, IndexError):
                continue
            if array.shape == shape:
                return array
        raise ReadingError("no size of I fits")

    def canonical(self, array, n, m):
        array = array.reshape(tuple(k for k in array.shape if k != 1))
        order = {
            "numerator": [*range(n), *range(n, n + m)[::-1]],
            "denominator": [*range(m, n + m)[::-1], *range(m)],
            "mixed": range(n + m),
        }[self.ordered()]
        return array.transpose(list(order))

    # ── shapes ──

    def shapes(self, equation, found):
        if equation.under and found:
            formula = parsed(equation.formulas[1], self.names)
            terms = formula.tree.parts if formula.tree.kind == "sum" else (formula.tree,)
            factors = [f for t in terms for f in flattened(t)]
            objects = [parsed(equation.formulas[0], self.names).tree, *factors]
            shown = [pages.shape_of(w) or () for w in equation.under]
            real = [self.factor_shape(f) for f in objects]
            if self.layout() == "mixed":  # (5,) has one axis, a column two
                shown, real = [[strip(s) for s in shapes] for shapes in (shown, real)]
            if shown != real:
                self.fault(equation, f"shapes {shown} for {real}")
        if found and equation.note and (shape := pages.shape_of(equation.note)):
            said, real = strip(shape), strip(found[-1][2].shape)
            if "_" in equation.formulas[0]:
                said, real = sorted(said), sorted(real)  # the letters stand in another order
            if re.match(r"[\w\s-]*,? ?\d", equation.note) and said != real:
                self.fault(equation, f"the note says {shape}, the value is {found[-1][2].shape}")

    def factor_shape(self, factor):
        """The shape of a factor; (∂v/∂W)ᵀ has the axes of W first."""
        if (inner := link(factor)) is factor:
            return self.values._matrix(factor).shape
        of, by = (self.model.axes(p.word) for p in inner.parts)
        return by + of

    def noted(self, step, k, equation, about):
        """The shape after a step's title is that of its object."""
        named = step.words or any(f.startswith("∂") for f in equation.formulas)
        if k == 0 and step.note and named and (shape := pages.shape_of(step.note)):
            real = self.model.laid_out(about[0], [about[1]], about[2]).shape
            if strip(shape) != strip(real):
                self.fault(equation, f"the step says {shape}, {about} is {real}")


def link(node):
    """∂v/∂x of (∂v/∂x)ᵀ."""
    inner = node.parts[0] if node.kind == "mark" and node.word == "ᵀ" else node
    return inner if inner.kind == "∂" else node


def bare(node):
    """The quantity of which a node is, perhaps, an entry."""
    return node.parts[0].word if node.kind == "entry" else node.word


def strip(shape):
    return tuple(n for n in shape if n != 1)


def flattened(node):
    return [*flattened(node.parts[0]), node.parts[1]] if node.kind == "·" else [node]


# ── words: every symbol is defined before it is used, and has one meaning ────────────────


def symbol_faults(page):
    """What a reader would ask about."""
    faults = []
    known = set(page.given)
    everything = known | {n for rows in page.defined for n in defined_names(rows)}
    clash = set(page.letters) & everything
    if clash:
        faults.append(f"{clash} are letters and quantities")
    extra = "\n".join(page.remarks)
    explained = set(page.explained) | STANDARD.keys()

    def look(text, place):
        if re.fullmatch(r"\[[a-z0-9, ]+\]", text):
            return
        try:
            formula = parsed(
                re.sub(r"\[[a-z0-9, ]+\]$", "", text) if text.startswith("∂") else text,
                frozenset(everything | known | names),
            )
        except ReadingError as e:
            faults.append(str(e))
            return
        unknown = formula.spoken() - known - names
        if unknown:
            faults.append(f"{place}: {text} speaks of {unknown}, not defined before")
        unexplained = {f for f in formula.functions() if f not in explained}
        if unexplained:
            faults.append(f"{place}: {text} calls {unexplained}, not explained")
        loose = (formula.letters() | formula.bound()) - page.letters.keys() - allowed
        if loose:
            faults.append(f"{place}: {text} uses the letters {loose}, not given")
        bad = (formula.bound() | formula.letters()) & (everything | names)
        if bad:
            faults.append(f"{place}: {text}: {bad} are names of quantities")
        if formula.uses_ones() and "ones" not in page.text:
            faults.append(f"{place}: {text}: 1 as a vector of ones is not explained")
        uses_deltas = any(n.kind == "indicator" for n in formula.tree.walk())
        if uses_deltas and not re.search("else 0|the last fastest", extra):
            faults.append(f"{place}: {text}: I[·] is not explained")

    names, allowed = set(), set()
    for rows in page.defined:
        own = defined_names(rows)[0]
        head = rows[0].formulas[0]
        allowed = set(re.findall(r"[a-z]\d*", head.rpartition("_")[2])) if head != own else set()
        for k, equation in enumerate(rows):
            if k:
                names = {own}
            for text in equation.formulas[1:] if not k else equation.formulas:
                look(text, "Define")
        names = set()
        if own in known:
            faults.append(f"{own} is defined twice")
        known.add(own)
    allowed = set()
    for step in page.steps:
        fresh = set(re.findall(r"Call it (\S+?)\.(?:\s|$)", step.words))
        if fresh & (everything | set(page.letters)):
            faults.append(f"{fresh} has two meanings")
        for equation in step.equations:
            named = re.fullmatch(r"([δΔεΕγΓηΗ]\S*?)(_[a-z,0-9]+)?", equation.formulas[0])
            if named and len(equation.formulas) > 1:
                known.add(named[1])
            for text in equation.formulas:
                if re.match(r"(G|Γ|G_)( : d\w+| d\w+)?$", text):
                    if text[0] in everything:
                        faults.append(f"({step.number}) {text[0]} has two meanings")
                    continue
                look(text, f"({step.number})")
        known |= fresh
    for equation in page.closing:
        for text in equation.formulas:
            if text in ("G", "Γ", "G_"):
                if text in everything:
                    faults.append(f"{text} has two meanings")
                continue
            look(text, "Result")
    return faults


def letter_faults(page):
    """Letters of general rules, A : BC = BᵀA : C, that are names of quantities as well."""
    names = set(page.given) | {defined_names(rows)[0] for rows in page.defined}
    notes = [e.note for s in page.steps for e in s.equations] + page.remarks
    found = []
    for note in notes:
        for rule in re.split("; |, ", note):
            if re.match(r"[A-Za-z] : \S+ = ", rule):
                clash = names & set(re.findall(r"[A-Z]|\b[a-z]\b", rule.replace("Diag", "")))
                found += [f"{rule}: {clash} are quantities"] if clash else []
    meaning = r"(?:^ *|  )(\w+)\(([a-z](?:, [a-z])*)\) = (.*?)(?:;|  |$)"  # sign(t) = …
    for head, own, said in re.findall(meaning, page.text, re.MULTILINE):
        own = set(own.split(", "))
        loose = set(re.findall(r"(?<![\w∂])[b-df-z](?!\w)", said)) - own
        clash = own & (names | set(page.letters))
        found += [f"{head}({own}) = {said}: {loose} or {clash}"] if loose or clash else []
    return found


def word_faults(page):
    """Every line carries a shape or a rule; no step says nothing."""
    faults = []
    for rows in page.defined:
        if not pages.shape_of(rows[0].note):
            faults.append(f"{rows[0].formulas}: no shape")
    for step in page.steps:
        if step.number and not (step.note or step.rules):
            said = step.words.startswith("Chain rule") or any(
                e.note or e.under for e in step.equations
            )
            if not said:
                faults.append(f"step {step.number} has neither shape nor rule")
        for equation in step.equations:
            if len(equation.formulas) != len(set(equation.formulas)):
                faults.append(f"{' = '.join(equation.formulas)}: the same twice")
            if step.number == 0 and not equation.note:
                faults.append(f"{' = '.join(equation.formulas)}: neither shape nor rule")
        for rule in [*step.rules, step.note]:
            if rule.startswith("rule:") or "rule: rule" in rule:
                faults.append(f"step {step.number}: {rule}")
    before = None
    for step in page.steps:
        said = [tuple(e.formulas) for e in step.equations]
        if said and said == before:
            faults.append(f"step {step.number} repeats the one before")
        before = said
    for equation in page.closing:
        if not (equation.note or equation.label):
            faults.append(f"{equation.formulas}: no shape")
    return faults
