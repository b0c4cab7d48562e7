"""Pictures: well-formed SVG that says what it shows, and shows what the derivative is."""

import base64
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc import plot
from tensorcalc.expr import Variable, toposort
from tensorcalc.plot.paths import count_paths, paths
from tensorcalc.plot.pattern import can_differ
from tensorcalc.plot.svg import Drawing
from tensorcalc.shapes import sizes_of

P = tc.program(
    "v = W @ x; s = sigmoid(v); E = norm(s - y)**2 / 2", W=(5, 4), x=4, y=5
)  # the network of one layer
RESIDUAL = tc.program("v = W @ x; s = tanh(v) + v + x; E = sum(s) + x.T @ x", W=(3, 3), x=3)
NAMED = tc.program("v = W @ x; s = tanh(v)", W="k n", x="n")
BATCH = tc.program("V = W @ X; E = norm(sigmoid(V) - Y)**2", W=(3, 4), X=(4, 6), Y=(3, 6))
TRACE = tc.program("E = trace(A @ B @ A.T)", A=(3, 3), B=(3, 3))
LARGE = tc.program("v = W @ x", W=(30, 64), x=64)
AT = {
    name: np.random.default_rng(k).normal(size=shape)
    for k, (name, shape) in enumerate({"W": (5, 4), "x": 4, "y": 5}.items())
}

DERIVATIVES = {
    "∂v/∂W": P.derivative("v", "W"),
    "∂s/∂v": P.derivative("s", "v"),
    "∂E/∂W": P.derivative("E", "W"),
    "∂E/∂s": P.derivative("E", "s"),
    "∂v/∂W denominator": P.derivative("v", "W").to("denominator"),
    "gradient": tc.gradient(P["E"], P["W"]),
    "product": P.derivative("E", "s") @ P.derivative("s", "v") @ P.derivative("v", "W"),
    "named": NAMED.derivative("v", "W"),
    "batch": BATCH.derivative("E", "W"),
    "residual": RESIDUAL.derivative("E", "x"),
    "sum": RESIDUAL.derivative("s", "x"),
    "large": LARGE.derivative("v", "W"),
    "trace": TRACE.derivative("E", "A"),
    "zero": tc.derivative(P["v"], P["W"], P["W"])[0],
}
HESSIAN = tc.derivative(P["E"], P["W"], P["W"])
QUANTITIES = {"E": P["E"], "residual": RESIDUAL["E"], "x": P["x"], "nameless": P["W"] @ P["x"]}

PICTURES = (
    {f"slices of {name}": plot.slices(d) for name, d in DERIVATIVES.items()}
    | {f"network of {name}": plot.network(d) for name, d in DERIVATIVES.items()}
    | {
        f"chain of {name}": plot.chain(d)
        for name, d in DERIVATIVES.items()
        if len(d.arguments) == 1
    }
    | {f"graph of {name}": plot.graph(q) for name, q in QUANTITIES.items()}
    | {f"network of {name}": plot.network(q) for name, q in QUANTITIES.items()}
    | {"slices of the Hessian": plot.slices(HESSIAN)}
    | {"slices at values": plot.slices(P.derivative("v", "W"), AT)}
    | {"graph of ∂E/∂W": plot.graph(P.derivative("E", "W"))}
)
each_picture = pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)

SVG = "{http://www.w3.org/2000/svg}"


def shapes(picture, look):
    """The elements of the picture that have a look."""
    return [part for part in ET.fromstring(picture.svg).iter() if part.get("class") == look]


def words(picture):
    return [part.text for part in ET.fromstring(picture.svg).iter(f"{SVG}text")]


class Image(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


# ── laws ─────────────────────────────────────────────────────────────────────────────────


@each_picture
def test_a_picture_is_an_image_with_its_description(picture):
    ((tag, attributes),) = Image(picture._repr_html_()).found
    assert tag == "img"
    assert attributes["alt"] == picture.alt
    kind, _, data = attributes["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == picture.svg


@each_picture
def test_the_svg_is_well_formed_and_fetches_nothing(picture):
    root = ET.fromstring(picture.svg)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text
    assert root.find(f"{SVG}desc").text == picture.alt
    assert not {part.tag for part in root.iter()} & {f"{SVG}script", f"{SVG}image", f"{SVG}use"}
    assert not re.search(r"url\(|@import|href|nan|inf", picture.svg.replace("www.w3.org", ""))


@each_picture
def test_nothing_lies_outside_the_picture(picture):
    root = ET.fromstring(picture.svg)
    x, y, width, height = map(float, root.get("viewBox").split())
    for part in root.iter(f"{SVG}rect"):
        assert float(part.get("x")) >= x
        assert float(part.get("y")) >= y
        assert float(part.get("x")) + float(part.get("width")) <= x + width
        assert float(part.get("y")) + float(part.get("height")) <= y + height
    for part in root.iter(f"{SVG}text"):
        assert x < float(part.get("x")) < x + width
        assert y < float(part.get("y")) < y + height


@each_picture
def test_every_look_has_a_colour_on_light_and_on_dark(picture):
    root = ET.fromstring(picture.svg)
    style = root.find(f"{SVG}style").text
    looks = {look for part in root.iter() for look in part.get("class", "").split()}
    looks.discard("math")  # a typeface
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    for look in looks:
        assert f".{look}{{" in light
        assert f".{look}{{" in dark


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [("ink", "card"), ("quiet", "card"), ("hot", "card"), ("warm", "card"), ("ink", "full"),
     ("ink", "empty"), ("quiet", "empty"), ("ink", "chosen"), ("quiet", "chosen")],
)  # fmt: skip
def test_words_can_be_read_on_what_they_stand_on(ink, ground, theme):
    style = Drawing().picture("", "").svg.split("@media")[theme]
    fill = dict(re.findall(r"\.(\w+)\{fill:(#\w{6})", style))
    light, dark = sorted((luminance(fill[ink]), luminance(fill[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_notebook_gets_words_and_an_image():
    picture = PICTURES["slices of ∂v/∂W"]
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert picture.alt in bundle["text/plain"]
    assert set(picture._repr_mimebundle_(include=["text/html"])) == {"text/html"}
    assert set(picture._repr_mimebundle_(exclude=["text/html"])) == {"text/plain"}


def test_pictures_are_loaded_when_first_asked_for():
    code = "import sys, tensorcalc as tc; print('tensorcalc.plot' in sys.modules, tc.plot.chain)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False <function chain")


def test_a_picture_is_saved_as_svg(tmp_path):
    picture = PICTURES["slices of ∂v/∂W"]
    picture.save(tmp_path / "box.svg")
    assert (tmp_path / "box.svg").read_text(encoding="utf-8") == picture.svg
    with pytest.raises(tc.TensorCalcError, match=r"box\.png.*SVG"):
        picture.save(tmp_path / "box.png")


def test_names_are_escaped():
    drawing = Drawing()
    drawing.words(0, 0, "<a> & b")
    picture = drawing.picture("<t>", 'say "<x>" & y')
    assert "<a> & b" in words(picture)
    assert Image(picture._repr_html_()).found[0][1]["alt"] == 'say "<x>" & y'


# ── boxes of numbers ─────────────────────────────────────────────────────────────────────


SIZES = {"k": 3, "n": 4}
REARRANGED = tc.program(
    """v = vec(A); u = x[1:3]; K = kron(A, B); V = vec(A @ B); T = A.T @ B
    back = x[1:4:2]; cut = vec(A)[1:4]; row = A[1]; D = diag(x); w = vec(A) * vec(B) + x
    c = x[1:4][1:]; S = A + A.T; h = vec(N)""",
    A=(2, 2), B=(2, 2), x=4, N=("k", "n"),
)  # fmt: skip
PATTERNS = {
    name: DERIVATIVES[name]
    for name in ("∂v/∂W", "∂s/∂v", "∂E/∂W", "named", "batch", "residual", "sum", "zero")
} | {
    f"∂{of}/∂{wrt}": REARRANGED.derivative(of, wrt)
    for of, wrt in [
        ("v", "A"), ("u", "x"), ("K", "A"), ("K", "B"), ("V", "A"), ("V", "B"), ("T", "A"),
        ("back", "x"), ("cut", "A"), ("row", "A"), ("D", "x"), ("w", "A"), ("w", "x"), ("c", "x"),
        ("S", "A"), ("h", "N"),
    ]
}  # fmt: skip


def entries(d):
    """Which stored entries differ from zero, at random values."""
    rng = np.random.default_rng(7)
    inputs = [n for e in d.universe for n in toposort([e]) if isinstance(n, Variable)]
    at = {n.name: rng.normal(size=sizes_of(n.shape, SIZES)) for n in dict.fromkeys(inputs)}
    return d.to("mixed").evaluate(at) != 0


@pytest.mark.parametrize("name", PATTERNS)
def test_what_is_left_empty_is_zero(name):
    d = PATTERNS[name]
    there = entries(d)
    allowed = np.array([can_differ(d.value, e, SIZES) for e in np.ndindex(there.shape)])
    np.testing.assert_array_equal(allowed, there.ravel())


@pytest.mark.parametrize("name", PATTERNS)
def test_the_description_claims_no_entry_that_is_always_zero(name):
    d = PATTERNS[name]
    there = entries(d)
    alt = plot.slices(d).alt
    counted = re.search(r"(\d+) of its (\d+) entries can differ", alt)
    assert ("every entry can differ" in alt) <= there.all()
    assert ("every entry is zero" in alt) == (not there.any())
    if counted:
        assert (int(counted[1]), int(counted[2])) == (there.sum(), there.size)
    assert there.all() or counted or "only the entries" in alt or not there.any()


def test_every_entry_of_a_box_is_drawn_once():
    picture = PICTURES["slices of ∂v/∂W"]
    assert len(shapes(picture, "full")) == 20
    assert len(shapes(picture, "empty")) == 80
    assert [w for w in words(picture) if w.startswith("k = ")] == [f"k = {k}" for k in range(1, 6)]


def test_a_filled_column_stands_where_both_letters_agree():
    """Slice k of ∂v/∂W has x in column j = k."""
    picture = plot.slices(P.derivative("v", "W"), AT)
    full = [(float(p.get("x")), float(p.get("y"))) for p in shapes(picture, "full")]
    columns = sorted({x for x, _ in full})
    starts = sorted(float(p.get("x")) for p in shapes(picture, "empty"))
    assert len(columns) == 5
    assert columns[0] < starts[0]
    assert columns[-1] > starts[-1]
    numbers = [f"{x:.2g}".replace("-", "−") for x in AT["x"]]
    assert [w for w in words(picture) if w in numbers] == numbers * 5


def test_an_entry_that_happens_to_be_zero_is_shown_as_a_number():
    at = AT | {"x": np.array([0.0, 1.0, 2.0, 3.0])}
    assert words(plot.slices(P.derivative("v", "W"), at)).count("0") == 5


def test_a_large_box_is_abbreviated():
    picture = PICTURES["slices of large"]
    assert len(picture.svg) < 80_000
    assert {"k = 1", "k = 30", "…", "⋮", "⋱"} <= set(words(picture))
    assert "1,920 of 57,600 entries used" in words(picture)[-1]


def test_named_dimensions_are_drawn_for_small_sizes_and_it_is_said():
    assert "drawn for k = 3, n = 4" in PICTURES["slices of named"].alt


def test_the_description_says_which_entries_can_differ_from_zero():
    assert "only the entries with k = j can differ from zero" in PICTURES["slices of ∂v/∂W"].alt
    assert "every entry can differ" in PICTURES["slices of ∂E/∂W"].alt


def test_more_than_four_axes_are_refused():
    t = tc.tensor("T", (2, 3, 4))
    with pytest.raises(tc.NotSupportedError, match=r"6 axes[\s\S]*one slice"):
        plot.slices(tc.derivative(tc.define("u", 2 * t), t))


# ── chains ───────────────────────────────────────────────────────────────────────────────


def test_a_chain_has_a_block_for_each_factor_with_its_shape():
    for name in ("∂E/∂W", "product"):
        shown = words(PICTURES[f"chain of {name}"])
        for said in ("∂E/∂s", "1 × 5", "∂s/∂v", "5 × 5", "∂v/∂W", "5 × 4 × 5", "4 × 5"):
            assert said in shown
        assert shown.count("·") == 2
        assert shown.count("=") == 1


def test_a_diagonal_is_drawn_as_one():
    picture = PICTURES["chain of ∂E/∂W"]
    assert len(shapes(picture, "strong")) == 1
    assert len(shapes(picture, "plane")) == 1
    assert "∂s/∂v (5 × 5, diagonal)" in picture.alt


def test_every_path_has_its_line():
    shown = words(PICTURES["chain of residual"])
    assert shown.count("+") == 2
    assert "∂E/∂x, s fixed" in shown
    assert "∂s/∂x, v fixed" in shown


def test_paths_are_counted_without_walking_them():
    e = x = tc.vector("x", 3)
    for k in range(60):
        e = tc.define(f"a{k}", tc.tanh(e) + e)
        e = tc.define(f"b{k}", e + tc.sin(tc.define(f"c{k}", tc.cos(e))))
    assert count_paths(e.expr, x.expr) == 2**60
    picture = plot.chain(tc.derivative(e, x))
    assert f"+ {2**60 - 5} more paths" in words(picture)


def test_paths_lead_from_the_value_to_the_argument():
    found = [[e.name for e in path] for path in paths(RESIDUAL["E"].expr, RESIDUAL["x"].expr)]
    assert sorted(found) == [["E", "s", "v", "x"], ["E", "s", "x"], ["E", "x"]]


JOINED = RESIDUAL.derivative("E", "s") @ RESIDUAL.derivative("s", "x")
FACTORS = "∂E/∂s (1 × 3) times ∂s/∂x (3 × 3)"
DIRECT = RESIDUAL.derivative("E", "s")
TOLD = {  # derivative: the equation that its blocks say
    "a product": (JOINED, f"∂E/∂x (1 × 3) is {FACTORS}"),
    "its negative": (-JOINED, f"−∂E/∂x (1 × 3) is −1 times {FACTORS}"),
    "twice": (2 * JOINED, f"2 ∂E/∂x (1 × 3) is 2 times {FACTORS}"),
    "a difference": (
        tc.derivative(RESIDUAL["E"], RESIDUAL["x"], holding=[RESIDUAL["s"]]) - 2 * JOINED,
        f"∂E/∂x (1 × 3) is ∂E/∂x, s fixed (1 × 3); minus 2 times {FACTORS}",
    ),
    "one edge, twice": (2 * DIRECT, "2 ∂E/∂s (1 × 3) is 2 times ∂E/∂s (1 × 3)"),
    "v held": (
        tc.derivative(RESIDUAL["E"], RESIDUAL["x"], holding=[RESIDUAL["v"]]),
        "∂E/∂x, v fixed (1 × 3) is ∂E/∂s (1 × 3) times ∂s/∂x, v fixed (3 × 3, diagonal); "
        "plus ∂E/∂x, s fixed (1 × 3)",
    ),
    "all held": (
        tc.derivative(RESIDUAL["E"], RESIDUAL["x"], holding=[RESIDUAL["v"], RESIDUAL["s"]]),
        "∂E/∂x, s and v fixed (1 × 3) is ∂E/∂x, s fixed (1 × 3)",
    ),
    "given": (
        tc.from_array(np.ones((3, 3)), RESIDUAL["s"], RESIDUAL["x"]),
        "∂s/∂x (3 × 3) is ∂s/∂x (3 × 3)",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_chain_says_the_numbers_and_what_is_held_fixed(name):
    d, said = TOLD[name]
    picture = plot.chain(d)
    assert picture.alt == said
    drawn = [f"{w} times" for w in words(picture) if re.fullmatch("[−·+=]?[12]", w)]
    assert drawn == re.findall(r"[−]?\d times", said)
    assert words(picture).count("−") == said.count("minus")


def test_a_chain_of_a_higher_derivative_is_refused():
    with pytest.raises(tc.NotSupportedError, match="higher derivative"):
        plot.chain(HESSIAN)


# ── graphs ───────────────────────────────────────────────────────────────────────────────


def test_a_graph_names_every_quantity_with_its_formula_and_shape():
    shown = words(PICTURES["graph of E"])
    for said in ("W", "5 × 4", "v = W x", "s = σ(v)", "E = ½ ‖s − y‖²", "1 × 1"):
        assert said in shown


def test_the_paths_to_the_argument_are_marked():
    picture = PICTURES["graph of ∂E/∂W"]
    assert len(shapes(picture, "patharrow")) == 3
    assert len(shapes(picture, "arrow")) == 2
    assert len(shapes(picture, "chosen")) == 2
    assert "W acts through W, v, s, E" in picture.alt


def test_a_quantity_that_is_not_in_the_graph_is_refused():
    with pytest.raises(tc.TensorCalcError, match=r"from q to E[\s\S]*choose among W, x, v, s, y"):
        plot.graph(P["E"], tc.vector("q", 3))


def test_a_graph_that_nobody_could_read_is_refused():
    e = tc.vector("x", 3)
    for k in range(61):
        e = tc.define(f"a{k}", tc.tanh(e))
    with pytest.raises(tc.NotSupportedError, match="62 quantities"):
        plot.graph(e)


# ── tensor networks ──────────────────────────────────────────────────────────────────────


def test_a_delta_is_a_dot_and_free_indices_are_legs():
    picture = PICTURES["network of ∂v/∂W"]
    assert {"I[k=j]", "x", "k", "j", "i"} <= set(words(picture))
    assert len(shapes(picture, "dot")) == 1
    assert len(shapes(picture, "strong")) == 3


def test_a_trace_closes_the_chain():
    picture = plot.network(TRACE["E"])
    assert [w for w in words(picture) if w in "AB"] == ["A", "B", "A"]
    assert len(shapes(picture, "strong")) == 0
    assert len(shapes(picture, "line")) == 3


def test_a_number_and_the_terms_of_a_sum_are_said():
    A, x = tc.matrix("A", 3, 3), tc.vector("x", 3)
    picture = plot.network(tc.derivative(tc.define("f", 3 * (x.T @ A @ x)), x))
    assert {"3", "+3"} <= set(words(picture))
    assert "plus 3 times" in picture.alt


def test_three_that_share_an_index_meet_in_a_dot():
    a, b, c = (tc.vector(name, 3) for name in "abc")
    picture = plot.network(a * b * c)
    assert len(shapes(picture, "dot")) == 1
    assert len(shapes(picture, "line")) == 3


# ── what is no picture ───────────────────────────────────────────────────────────────────

MISTAKES = {
    "a chain of a text": (lambda: plot.chain("E"), "chain of the text 'E'", "a derivative"),
    "slices of a text": (lambda: plot.slices("E"), "slices of the text 'E'", "a derivative"),
    "a graph of a text": (lambda: plot.graph("E"), "graph of the text 'E'", "p['E']"),
    "a network of a text": (lambda: plot.network("E"), "network of the text 'E'", "p['E']"),
    "a network of a number": (lambda: plot.network(3), "network of 3", "a quantity"),
    "a graph of an array": (lambda: plot.graph(np.eye(2)), "graph of a ndarray", "a quantity"),
    "a chain of a quantity": (
        lambda: plot.chain(P["s"]), "chain of s (5), which is no derivative",
        "tc.derivative(s, …)",
    ),
    "slices of a quantity": (lambda: plot.slices(P["s"]), "slices of s (5)", "derivative"),
    "paths from a text": (lambda: plot.graph(P["E"], "W"), "paths from the text 'W'", "p['W']"),
    "paths from a derivative": (
        lambda: plot.graph(P["E"], P.derivative("E", "W")), "paths from ∂E/∂W", "a quantity",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_drawn_is_said_with_what_to_give(name):
    call, message, hint = MISTAKES[name]
    with pytest.raises(tc.TensorCalcError) as caught:
        call()
    assert message in str(caught.value)
    assert hint in str(caught.value.hint)


def test_the_module_called_as_a_function_names_its_pictures():
    d = tc.program("E = norm(x)**2", x=3).derivative("E", "x")
    with pytest.raises(tc.TensorCalcError, match="module of four") as caught:
        tc.plot(d)  # type: ignore[operator]
    hint = str(caught.value.hint)
    assert all(f"tc.plot.{name}(" in hint for name in tc.plot.__all__ if name != "Picture")
