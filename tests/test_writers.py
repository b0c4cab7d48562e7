"""Documents as text, LaTeX, Markdown, HTML and data: whole outputs, and laws for all of them."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import test_textbook
from derivation_programs import CASES, MORE
from sample_documents import CHAIN, DIFFERENTIAL, DOCUMENTS, W, product, x

import tensorcalc as tc
from tensorcalc.display import notation as n
from tensorcalc.display.document import Cell, Document, Paragraph, Row, Section
from tensorcalc.display.html import HTML
from tensorcalc.display.mathml import math_element
from tensorcalc.display.spelling import LATEX, TEXT, spell, spell_between
from tensorcalc.display.writers import (
    notebook_latex,
    write_data,
    write_html,
    write_latex,
    write_markdown,
    write_page,
    write_text,
)

each_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)

CHAIN_TEXT = """\
∂E/∂W by the chain rule                           numerator layout
Given    W : 5 × 4    x : 4 × 1    y : 5 × 1
Define   v = W x           5 × 1
         s = σ(v)          5 × 1    σ(t) = 1/(1 + e⁻ᵗ), entry by entry
         E = ½ ‖s − y‖²    1 × 1
Letters  h, k, j = 1…5 (h in s, k in v, j a row of W),  i = 1…4 (a column of W)
         I[k=j] is 1 if k = j, else 0

(1) Chain rule. W reaches E by one path: W → v → s → E.
        ∂E/∂W  =  ∂E/∂s  ·  ∂s/∂v  ·  ∂v/∂W
        4 × 5     1 × 5     5 × 5     5 × 4 × 5

(2) ∂E/∂s = (s − y)ᵀ                              row gradient, 1 × 5
        [h] = s_h − y_h
        rule: ½ ‖u‖² has the row gradient uᵀ
(3) ∂s/∂v = diag(s ⊙ (1 − s))                     Jacobian, 5 × 5
        [h, k] = I[h=k] s_k (1 − s_k)
        rule: an elementwise function has a diagonal Jacobian; σ′ = σ (1 − σ)
(4) ∂v/∂W                                         3-tensor, 5 × 4 × 5
        [k, i, j] = ∂v_k/∂W_ji = I[k=j] x_i
        shape: it turns ΔW (5 × 4) into Δv (5 × 1), so it has 5 × (4 × 5) entries
        rule: v_k = Σ_i W_ki x_i uses row k of W only

(5) Row times Jacobian. Call it δ.                row gradient, 1 × 5
        δ_k = ∂E/∂v[k] = Σ_h (s_h − y_h) I[h=k] s_k (1 − s_k)
                       = (s_k − y_k) s_k (1 − s_k)
        δ = ((s − y) ⊙ s ⊙ (1 − s))ᵀ
        rule: a row times a diagonal matrix is an elementwise product
(6) Row times 3-tensor: sum over k.               matrix gradient, 4 × 5
        ∂E/∂W[i, j] = Σ_k δ_k I[k=j] x_i
(7)                 = x_i δ_j
        rule: I[k=j] keeps the one term with k = j
(8) ∂E/∂W = x ⊗ δ = x ((s − y) ⊙ s ⊙ (1 − s))ᵀ    (4 × 1)(1 × 5)
        rule: x_i δ_j for all i, j is a column times a row

Result   ∂E/∂W = x ((s − y) ⊙ s ⊙ (1 − s))ᵀ    4 × 5, the shape of Wᵀ
In W's shape (mixed and denominator layout), for W ← W − η G:
         G = ((s − y) ⊙ s ⊙ (1 − s)) xᵀ    5 × 4"""

DIFFERENTIAL_TEXT = """\
∂E/∂W by differentials                  read off in W's shape
A : B = tr(Aᵀ B) = Σ_i Σ_j A_ij B_ij    ∘ multiplies entry by entry
Given    W : 5 × 4    x : 4 × 1    y : 5 × 1    x and y are held fixed
Define   v = W x                    dv = dW x                5 × 1
         s = σ(v)                   ds = (s − s ∘ s) ∘ dv    5 × 1    σ′ = σ − σ²
         S = Diag(s)                ds = (S − S²) dv         5 × 5    d ∘ u = Diag(d) u
         E = ½ (s − y) : (s − y)    dE = (s − y) : ds        1 × 1    d(½ u:u) = u : du

(1) dE = (s − y) : ds
(2)    = (s − y) : (S − S²) dv          put in ds
(3)    = (S − S²) (s − y) : dv          A : B C = Bᵀ A : C, and S − S² is symmetric
(4)    = (S − S²) (s − y) : dW x        put in dv
(5)    = (S − S²)(s − y) xᵀ : dW        A : B C = A Cᵀ : B
         5 × 5   5 × 1   1 × 4  5 × 4
(6) dE = G : dW for every dW, so G is the gradient.

Result   ∂E/∂W = (S − S²) (s − y) xᵀ = (S − S²) (s xᵀ − y xᵀ)    5 × 4, the shape of W
         numerator layout: the transpose, x (s − y)ᵀ (S − S²)    4 × 5, the shape of Wᵀ"""


# ── text ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("document", "text"), [(CHAIN, CHAIN_TEXT), (DIFFERENTIAL, DIFFERENTIAL_TEXT)], ids=DOCUMENTS
)
def test_the_text_stands_in_its_columns(document, text):
    assert write_text(document) == text


def factor(k, sign="·", under="30 × 30"):
    return Cell(n.Partial(n.Atom(f"z{k}"), (n.Atom(f"z{k - 1}"),)), sign, under)


def one_step(*rows, title=("Chain.",), note=""):
    return Document(("A title",), "numerator", (), (Paragraph(1, title, rows, (), note),), ())


TERMS = [
    product(n.Hadamard((n.Atom(f"alpha{k}"), n.Sum((W, n.Atom("beta"))))), x) for k in range(9)
]
LONG_CHAIN = one_step(
    Row(Cell(W, under="4 × 5"), (factor(12, "="), *map(factor, range(11, 0, -1))))
)
LONG_SUM = one_step(Row(Cell(W), (Cell(n.Sum(tuple(TERMS)), "="),), ("a note",)))
LONG_WORDS = one_step(title=("word " * 60, W), note="row gradient, 1 × 5")
LONG = {"chain": LONG_CHAIN, "sum": LONG_SUM, "words": LONG_WORDS, **DOCUMENTS}


@pytest.mark.parametrize("width", [40, 50, 60, 80, 100, 120])
@pytest.mark.parametrize("document", LONG.values(), ids=LONG)
def test_no_line_is_too_long_and_nothing_is_lost(document, width):
    text = write_text(document, width)
    assert [line for line in text.split("\n") if len(line) > width] == []
    assert all(line == line.rstrip() for line in text.split("\n"))
    letters = lambda words: sorted(re.sub(r"\s", "", words))
    assert letters(text) == letters(write_text(document, 10_000))


def test_a_long_chain_breaks_before_a_sign_with_the_shapes_below():
    lines = write_text(LONG_CHAIN).split("\n")[3:]
    assert lines[0].startswith("        W      =  ∂z12/∂z11  ·  ∂z11/∂z10")
    assert lines[1].startswith("        4 × 5     30 × 30       30 × 30")
    assert lines[2].startswith("          ·  ∂z")
    assert len(lines) == 4
    for math, shapes in (lines[:2], lines[2:]):
        assert [m.start() for m in re.finditer("∂z\\d+/", math)] == [
            m.start() for m in re.finditer("30 × 30", shapes)
        ]


def test_rows_of_a_chain_with_the_same_signs_stand_in_columns():
    row = lambda *names: Row(None, tuple(map(lambda s, a: Cell(n.Atom(a), s), "=··", names)))
    text = write_text(one_step(row("a", "bbbb", "c"), row("aaa", "b", "cc")))
    assert text.split("\n")[3:] == ["        = a   · bbbb · c", "        = aaa · b    · cc"]


def test_what_stands_beside_after_a_comma_has_a_column_of_its_own():
    row = lambda *names: Row(Cell(x), tuple(map(lambda s, a: Cell(n.Atom(a), s), "=,", names)))
    document = replace(one_step(), closing=(Section("Define", (row("a", "b"), row("aaa", "c"))),))
    text = write_text(document)
    assert text.split("\n")[-2:] == ["Define   x = a      b", "         x = aaa    c"]
    assert "x &{}= aaa &&c" in write_latex(document).replace(r"\mathrm{aaa}", "aaa")
    rows = well_formed(f"<div>{write_html(document)}</div>").iter("tr")
    found = [["".join(cell.itertext()).split() for cell in row] for row in rows]
    assert found == [[["x"], ["=", "a"], ["b"]], [["x"], ["=", "aaa"], ["c"]]]


def test_steps_without_number_and_title_are_a_table():
    shaped = Row(Cell(W, under="4 × 5"), (Cell(x, "=", "4 × 1"), Cell(n.Atom("δ"), "·", "1 × 5")))
    text = write_text(
        replace(one_step(), paragraphs=(Paragraph(None, (), (shaped, Row(None, (Cell(W, "="),)))),))
    )
    assert text.split("\n")[2:] == [
        "W      =  x      ·  δ",
        "4 × 5     4 × 1     1 × 5",
        "       =  W",
    ]


def tidying(document, *numbers):
    paragraphs = tuple(replace(p, tidies=p.number in numbers) for p in document.paragraphs)
    return replace(document, paragraphs=paragraphs)


def test_a_folded_text_leaves_out_what_tidies_and_keeps_the_left_side():
    folded = write_text(tidying(CHAIN, 3, 6), folded=True)
    assert "(3)" not in folded
    assert "(6)" not in folded
    assert "(7) ∂E/∂W[i, j] = x_i δ_j" in folded
    assert write_text(tidying(CHAIN, 3, 6)) == CHAIN_TEXT


BRACKETS = [
    (n.Sum((x, W)), ("·",), "(x + W)"),
    (n.Sum((x, W)), ("=",), "x + W"),
    (n.Sum((x, W)), ("+",), "x + W"),
    (n.Hadamard((x, W)), ("·",), "(x ⊙ W)"),
    (n.Hadamard((x, W)), ("−",), "x ⊙ W"),
    (n.Hadamard((x, W)), (":",), "(x ⊙ W)"),
    (product(W, x), (":",), "W x"),
    (product(W, x), (" ",), "(W x)"),
    (n.Infix("=", (W, x)), ("=",), "W = x"),
]


@pytest.mark.parametrize(("math", "signs", "text"), BRACKETS)
def test_a_formula_beside_a_sign_has_the_brackets_it_needs(math, signs, text):
    assert spell_between(math, TEXT, signs) == text


# ── every output ─────────────────────────────────────────────────────────────────────────

u, v = n.Atom("u"), n.Atom("v2")
EVERY = [
    n.Atom("W_out"), n.Atom("1"), n.Atom("x[0, :]"), n.Atom("[array 3×3]"), n.Atom("delta"),
    n.Atom("_"), n.Atom("σ′"), n.Atom("(A⁻¹)"), n.Number(0.5), n.Number(-3.0), n.Number(1e-9),
    n.Transposed(u), n.Chain(((u, False), (v, True))), n.Hadamard((u, v)), n.Quotient(u, v, True),
    n.Quotient(n.Sum((u, v)), v, False), n.Scaled(-2.0, (n.Quotient(u, v, False),), v),
    n.Sum((u, v)), n.Power(u, 2.0, 1), n.Power(u, 3.0, 2), n.Call("σ", r"\sigma", (u,)),
    n.Call("√", r"\sqrt", (u,)), n.Call("log|det|", r"\log\left|\det\right|", (u,)),
    n.Call("my_f", "my_f", (u,), ", 2"), n.Inverse(u), n.Inverse(n.Sum((u, v)), True),
    n.Kronecker(u, v), n.Raised(u, n.Sum((u, v))), n.Relation(u, "≥", v), n.Relation(u, "<", v),
    n.Norm(n.Sum((u, v))), n.Indexed("W2", ("k", "j")), n.Indexed("f", ()),
    n.Indexed("x", ("k1", "2j+1")), n.Indicator("k", "(i, j)"), n.Indicator("3−k", "j"),
    n.BigSum(("k", "h"), n.Sum((u, v))), n.Infix("→", (u, v)), n.Infix(":", (n.Sum((u, v)), v)),
    n.Infix("", (n.Partial(u, (v,)), n.Entry(("i", "j")))),
    n.Partial(n.Indexed("v", ("k",)), (u,)), n.Partial(u, (v, v, u)), n.Differential(v),
    n.Entry(("k", "i", "j")),
]  # fmt: skip
HOSTILE = one_step(
    Row(
        Cell(n.Atom("a<b&c")),
        (Cell(n.Atom("<script>"), "<"), Cell(n.Indexed("a>b", ("&",)), "·", "<n>")),
    ),
    title=("<b> & \\ ^ ~ $5 {x}_y # % `c` *d* [e](f)", n.Atom("<i>")),
    note="\"'<&",
)
HOSTILE = replace(
    HOSTILE, opening=(Section("<Given>", (("a\tb & c",), Row(None, (), ("<words>",)))),)
)


def test_every_kind_of_notation_is_tried():
    kinds = {type(math) for math in EVERY}
    assert set(n.Notation.__subclasses__()) <= kinds


@pytest.mark.parametrize("math", EVERY, ids=spell)
def test_a_formula_is_well_formed_in_every_spelling(math):
    element = ET.fromstring(math_element(math, display=True, under="5 × n"))
    bases = {"msub": 2, "msup": 2, "mfrac": 2, "munder": 2, "msubsup": 3}
    for part in element.iter():
        name = part.tag.rpartition("}")[2]
        assert len(part) == bases.get(name, len(part)), name
        assert name not in ("mi", "mn") or part.text
    ET.fromstring(f"<span>{spell(math, HTML)}</span>")
    latex = spell(math, LATEX)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")


def well_formed(html):
    """The tree of an HTML text that is XML too, as ours is."""
    entities = '<!DOCTYPE html [<!ENTITY emsp "&#8195;">]>'
    return ET.fromstring(entities + re.sub(r"(<meta [^>]*)>", r"\1/>", html))


PAGES = {**LONG, "hostile": HOSTILE}
each_page = pytest.mark.parametrize("document", PAGES.values(), ids=PAGES)


@each_page
def test_html_is_well_formed_escaped_and_fetches_nothing(document):
    page = write_page(document)
    assert page.startswith('<!doctype html>\n<html lang="en">')
    tree = well_formed(page.removeprefix("<!doctype html>"))
    assert tree.find("head/title").text.strip()
    fragment = well_formed(f"<div>{write_html(document)}</div>")
    for root in (tree, fragment):
        tags = {part.tag.rpartition("}")[2] for part in root.iter()}
        assert not tags & {"script", "link", "iframe", "object", "i>"}
        names = {name for part in root.iter() for name in part.attrib}
        assert not {name for name in names if name.startswith("on") or name in ("src", "href")}
        assert "url(" not in "".join(root.itertext())
    assert {part.tag for part in fragment.iter()} & {"math"} == set()


class Words(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.inside = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.inside.append(tag)

    def handle_endtag(self, tag):
        self.inside.pop()

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_data(self, data):
        if "style" not in self.inside:
            self.found.append(data)


def test_stripped_of_all_markup_the_fragment_still_says_every_step():
    words = re.sub(r"\s+", " ", "".join(Words(write_html(CHAIN)).found))
    for said in ("(7) ∂E/∂W[i, j]", "W → v → s → E", "rule: an elementwise function", "5 × 4 × 5"):
        assert said in words


@each_document
def test_a_summary_makes_sense_alone(document):
    fragment = well_formed(f"<div>{write_html(document)}</div>")
    for summary in fragment.iter("summary"):
        words = "".join(summary.itertext())
        assert re.match(r"\(\d+\) +\S", words)
        assert not re.fullmatch(r"\(\d+\)\s*(Step|=.*)?", words.strip())


def test_steps_that_tidy_are_folded_in_html():
    fragment = well_formed(f"<div>{write_html(tidying(CHAIN, 3))}</div>")
    opened = ["open" in details.attrib for details in fragment.iter("details")]
    assert opened == [number != 3 for number in range(1, 9)]


def test_pictures_stand_in_the_page():
    picture = type("Drawn", (), {"_repr_html_": lambda self: '<img src="data:," alt="a box"/>'})()
    for html in (write_html(CHAIN, [picture]), write_page(CHAIN, [picture])):
        assert (
            html.count('<figure class="tc-picture"><img src="data:," alt="a box"/></figure>') == 1
        )


@each_page
def test_data_is_json_and_says_what_the_text_says(document):
    data = json.loads(json.dumps(write_data(document)))
    assert data["version"] == 1
    assert [step["number"] for step in data["steps"]] == [p.number for p in document.paragraphs]
    rows = [row for step in data["steps"] for row in step["rows"]]
    assert all(row["text"] or row["note"]["text"] for row in rows)
    assert all(cell["latex"] and cell["text"] for row in rows for cell in row["cells"])


def test_a_row_in_data_has_its_cells_with_sign_and_shape():
    row = write_data(CHAIN)["steps"][0]["rows"][0]
    assert row["text"] == "∂E/∂W = ∂E/∂s · ∂s/∂v · ∂v/∂W"
    assert [(cell["sign"], cell["text"], cell["shape"]) for cell in row["cells"]] == [
        ("", "∂E/∂W", "4 × 5"),
        ("=", "∂E/∂s", "1 × 5"),
        ("·", "∂s/∂v", "5 × 5"),
        ("·", "∂v/∂W", "5 × 4 × 5"),
    ]


def test_markdown_puts_formulas_between_dollars_and_escapes_the_rest():
    text = write_markdown(CHAIN)
    assert text.startswith("## ∂E/∂W by the chain rule\n\n*numerator layout*\n")
    assert r"**(1)** Chain rule. $W$ reaches $E$ by one path: $W \to v \to s \to E$." in text
    assert (
        text.count("$$") == 2 * text.count(r"\begin{aligned}") == 2 * text.count(r"\end{aligned}")
    )
    escaped = write_markdown(HOSTILE)
    assert r"\<b\> & \\ ^ \~ \$5 {x}\_y \# % \`c\` \*d\* \[e\](f)" in escaped


@pytest.mark.parametrize("case", [*CASES, *MORE], ids=lambda case: case.name)
def test_no_line_of_a_block_opens_with_a_bracket(case):
    r"""After ``\\`` and after ``\begin{aligned}`` it would be read as an option, and not drawn."""
    told = case.derivative().derivation()
    for text in (told.latex(), told.markdown()):
        assert r"\begin{aligned}" in text
        assert not re.search(r"(\\\\|\\begin\{aligned\})\s*\[(?!4pt\])", text)


def test_shapes_below_a_line_are_no_wider_than_the_page():
    text = "h = tanh(W @ x); k = tanh(W @ h); E = norm(k - y)**2 / 2"
    told = tc.program(text, W=(3, 3), x=3, y=3).derivative("E", "W").derivation().text()
    assert max(map(len, told.split("\n"))) <= 100


GLUED = one_step(title=("row", W, "k and ", x, W))


@pytest.mark.parametrize("document", [GLUED, *DOCUMENTS.values()], ids=["glued", *DOCUMENTS])
def test_a_dollar_stands_apart_from_letters_and_digits(document):
    """Where it touches one, GitHub takes it for an amount of money."""
    inline = re.sub(r"\$\$.*?\$\$", "", write_markdown(document), flags=re.DOTALL)
    pieces = re.split(r"(?<!\\)\$", inline)
    assert len(pieces) % 2 == 1
    assert [
        p for p in pieces[::2] if p[-1:].isalnum() or (p[:1].isalnum() and p != pieces[0])
    ] == []


# ── LaTeX ────────────────────────────────────────────────────────────────────────────────


@each_page
def test_latex_is_one_block_in_pairs_of_dollars(document):
    latex = write_latex(document)
    assert "$" not in re.sub(r"\\\$", "", latex)
    assert notebook_latex(document) == f"$${latex}$$"
    for name in ("aligned", "array"):
        assert latex.count(rf"\begin{{{name}}}") == latex.count(rf"\end{{{name}}}")


def test_latex_sets_shapes_below():
    assert r"\underset{5 \times 4 \times 5}{\frac{\partial v}{\partial W}}" in write_latex(CHAIN)


def node_modules():
    """The folder that holds KaTeX and MathJax, if any."""
    here = [os.environ.get("LATEX_NODE_MODULES", ""), str(Path(__file__).parent.parent)]
    for folder in filter(None, here):
        found = Path(folder) / "node_modules"
        if (found / "katex").is_dir() and (found / "mathjax-full").is_dir():
            return folder
    return None


def latex_of_textbook():
    for case in test_textbook.CASES:
        text, _, wrt = case.rpartition(" by ")
        p = tc.program(text, test_textbook.SHAPES)
        d = p.derivative(p.result, wrt)
        yield from (d.latex(), p.result.latex())


@pytest.mark.browser
def test_katex_and_mathjax_draw_every_latex():
    folder = node_modules()
    if folder is None:
        pytest.skip("npm install katex mathjax-full@3, in a folder named by LATEX_NODE_MODULES")
    strings = [spell(math, LATEX) for math in EVERY]
    strings += [write_latex(document) for document in PAGES.values()]
    for document in PAGES.values():
        blocks = re.findall(r"\$\$(.*?)\$\$", write_markdown(document), flags=re.DOTALL)
        strings += blocks
    strings += latex_of_textbook()
    script = Path(__file__).with_name("render_latex.mjs")
    done = subprocess.run(
        ["node", str(script), folder], input=json.dumps(strings), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
