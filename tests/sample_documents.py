"""Two derivations of one gradient, written out by hand as documents."""

from tensorcalc.display.document import Cell, Document, Paragraph, Row, Section
from tensorcalc.display.notation import (
    Atom,
    BigSum,
    Call,
    Differential,
    Entry,
    Hadamard,
    Indexed,
    Indicator,
    Infix,
    Norm,
    Number,
    Partial,
    Power,
    Scaled,
    Sum,
    Transposed,
    chain,
    hadamard,
    scaled,
)

W, x, y, v, s, E, S, G, A, B, C, u, delta = map(Atom, "WxyvsESGABCuδ")
ONE, HALF = Number(1.0), 0.5


def minus(a, b):
    return Sum((a, scaled(-1.0, (), b)))


def product(*factors):
    return chain(*((factor, False) for factor in factors))


def equal(*parts):
    return Infix("=", parts)


def at(name, letters):
    return Indexed(name, tuple(letters))


def squared(base, ndim=1):
    return Power(base, 2.0, ndim)


RESIDUAL = minus(s, y)
SLOPE = Hadamard((s, minus(ONE, s)))
DELTA = Transposed(hadamard([RESIDUAL, s, minus(ONE, s)], 1))
G_FORM = product(Hadamard((RESIDUAL, s, minus(ONE, s))), Transposed(x))
KJ = Indicator("k", "j")
DELTA_K = scaled(
    1.0, [minus(at("s", "k"), at("y", "k")), at("s", "k"), minus(ONE, at("s", "k"))], None
)
X_DELTA_J = scaled(1.0, [at("x", "i"), at("δ", "j")], None)
BOTH = (Cell(Infix("⊗", (x, delta)), "="), Cell(product(x, DELTA), "="))

CHAIN = Document(
    title=(Partial(E, (W,)), " by the chain rule"),
    convention="numerator layout",
    opening=(
        Section("Given", ((W, " : 5 × 4\t", x, " : 4 × 1\t", y, " : 5 × 1"),)),
        Section(
            "Define",
            (
                Row(Cell(v), (Cell(product(W, x), "="),), ("5 × 1",)),
                Row(
                    Cell(s),
                    (Cell(Call("σ", r"\sigma", (v,)), "="),),
                    ("5 × 1\tσ(t) = 1/(1 + e⁻ᵗ), entry by entry",),
                ),
                Row(
                    Cell(E),
                    (Cell(scaled(HALF, [squared(Norm(RESIDUAL), 0)], None), "="),),
                    ("1 × 1",),
                ),
            ),
        ),
        Section(
            "Letters",
            (
                ("h, k, j = 1…5 (h in s, k in v, j a row of W),  i = 1…4 (a column of W)",),
                (KJ, " is 1 if ", equal(Atom("k"), Atom("j")), ", else 0"),
            ),
        ),
    ),
    paragraphs=(
        Paragraph(
            1,
            ("Chain rule. ", W, " reaches ", E, " by one path: ", Infix("→", (W, v, s, E)), "."),
            (
                Row(
                    Cell(Partial(E, (W,)), under="4 × 5"),
                    (
                        Cell(Partial(E, (s,)), "=", "1 × 5"),
                        Cell(Partial(s, (v,)), "·", "5 × 5"),
                        Cell(Partial(v, (W,)), "·", "5 × 4 × 5"),
                    ),
                ),
            ),
        ),
        Paragraph(
            2,
            (equal(Partial(E, (s,)), Transposed(RESIDUAL)),),
            (Row(Cell(Entry(("h",))), (Cell(minus(at("s", "h"), at("y", "h")), "="),)),),
            ((scaled(HALF, [squared(Norm(u), 0)], None), " has the row gradient ", Transposed(u)),),
            "row gradient, 1 × 5",
        ),
        Paragraph(
            3,
            (equal(Partial(s, (v,)), Call("diag", r"\operatorname{diag}", (SLOPE,))),),
            (
                Row(
                    Cell(Entry(("h", "k"))),
                    (
                        Cell(
                            scaled(
                                1.0,
                                [Indicator("h", "k"), at("s", "k"), minus(ONE, at("s", "k"))],
                                None,
                            ),
                            "=",
                        ),
                    ),
                ),
            ),
            (("an elementwise function has a diagonal Jacobian; σ′ = σ (1 − σ)",),),
            "Jacobian, 5 × 5",
        ),
        Paragraph(
            4,
            (Partial(v, (W,)),),
            (
                Row(
                    Cell(Entry(tuple("kij"))),
                    (
                        Cell(Partial(at("v", "k"), (at("W", "ji"),)), "="),
                        Cell(scaled(1.0, [KJ, at("x", "i")], None), "="),
                    ),
                ),
                Row(
                    None,
                    (),
                    ("shape: it turns ΔW (5 × 4) into Δv (5 × 1), so it has 5 × (4 × 5) entries",),
                ),
            ),
            (
                (
                    equal(
                        at("v", "k"),
                        BigSum(("i",), scaled(1.0, [at("W", "ki"), at("x", "i")], None)),
                    ),
                    " uses row k of W only",
                ),
            ),
            "3-tensor, 5 × 4 × 5",
        ),
        Paragraph(
            5,
            ("Row times Jacobian. Call it ", delta, "."),
            (
                Row(
                    Cell(equal(at("δ", "k"), Infix("", (Partial(E, (v,)), Entry(("k",)))))),
                    (
                        Cell(
                            BigSum(
                                ("h",),
                                scaled(
                                    1.0,
                                    [
                                        minus(at("s", "h"), at("y", "h")),
                                        Indicator("h", "k"),
                                        at("s", "k"),
                                        minus(ONE, at("s", "k")),
                                    ],
                                    None,
                                ),
                            ),
                            "=",
                        ),
                    ),
                ),
                Row(None, (Cell(DELTA_K, "="),)),
                Row(Cell(delta), (Cell(DELTA, "="),)),
            ),
            (("a row times a diagonal matrix is an elementwise product",),),
            "row gradient, 1 × 5",
        ),
        Paragraph(
            6,
            ("Row times 3-tensor: sum over k.",),
            (
                Row(
                    Cell(Infix("", (Partial(E, (W,)), Entry(("i", "j"))))),
                    (
                        Cell(
                            BigSum(("k",), scaled(1.0, [at("δ", "k"), KJ, at("x", "i")], None)), "="
                        ),
                    ),
                ),
            ),
            (),
            "matrix gradient, 4 × 5",
        ),
        Paragraph(
            7,
            (),
            (Row(None, (Cell(X_DELTA_J, "="),)),),
            ((KJ, " keeps the one term with k = j"),),
        ),
        Paragraph(
            8,
            (equal(Partial(E, (W,)), Infix("⊗", (x, delta)), product(x, DELTA)),),
            (),
            ((X_DELTA_J, " for all i, j is a column times a row"),),
            "(4 × 1)(1 × 5)",
        ),
    ),
    closing=(
        Section(
            "Result",
            (
                Row(
                    Cell(Partial(E, (W,))),
                    (Cell(product(x, DELTA), "="),),
                    ("4 × 5, the shape of Wᵀ",),
                ),
            ),
        ),
        Section(
            "In W's shape (mixed and denominator layout), for W ← W − η G:",
            (Row(Cell(G), (Cell(G_FORM, "="),), ("5 × 4",)),),
        ),
    ),
)

dv, ds, dW, dE, du = (Differential(q) for q in (v, s, W, E, u))
S_SLOPE = minus(S, Power(S, 2.0, 0))
FORMS = (Cell(S_SLOPE, "=", "5 × 5"), Cell(RESIDUAL, "", "5 × 1"), Cell(Transposed(x), "", "1 × 4"))


def inner(a, b):
    return Infix(":", (a, b))


def step(number, left, cells, note=(), rules=(), tidies=False):
    row = Row(Cell(dE) if left else None, cells, note)
    return Paragraph(number, (), (row,), rules, tidies=tidies)


DIFFERENTIAL = Document(
    title=(Partial(E, (W,)), " by differentials"),
    convention="read off in W's shape",
    opening=(
        Section(
            "",
            (
                Row(
                    Cell(inner(A, B)),
                    (
                        Cell(Call("tr", r"\operatorname{tr}", (product(Transposed(A), B),)), "="),
                        Cell(
                            BigSum(("i", "j"), scaled(1.0, [at("A", "ij"), at("B", "ij")], None)),
                            "=",
                        ),
                    ),
                    (Atom("∘"), " multiplies entry by entry"),
                ),
            ),
        ),
        Section(
            "Given",
            (
                (
                    W,
                    " : 5 × 4\t",
                    x,
                    " : 4 × 1\t",
                    y,
                    " : 5 × 1\t",
                    x,
                    " and ",
                    y,
                    " are held fixed",
                ),
            ),
        ),
        Section(
            "Define",
            (
                Row(Cell(v), (Cell(product(W, x), "="),), (equal(dv, product(dW, x)), "\t5 × 1")),
                Row(
                    Cell(s),
                    (Cell(Call("σ", r"\sigma", (v,)), "="),),
                    (
                        equal(ds, Infix("∘", (minus(s, Infix("∘", (s, s))), dv))),
                        "\t5 × 1\tσ′ = σ − σ²",
                    ),
                ),
                Row(
                    Cell(S),
                    (Cell(Call("Diag", r"\operatorname{Diag}", (s,)), "="),),
                    (equal(ds, product(S_SLOPE, dv)), "\t5 × 5\td ∘ u = Diag(d) u"),
                ),
                Row(
                    Cell(E),
                    (Cell(inner(Scaled(HALF, (), RESIDUAL), RESIDUAL), "="),),
                    (equal(dE, inner(RESIDUAL, ds)), "\t1 × 1\td(½ u:u) = u : du"),
                ),
            ),
        ),
    ),
    paragraphs=(
        step(1, True, (Cell(RESIDUAL, "="), Cell(ds, ":"))),
        step(2, False, (Cell(RESIDUAL, "="), Cell(product(S_SLOPE, dv), ":")), ("put in ", ds)),
        step(
            3,
            False,
            (Cell(product(S_SLOPE, RESIDUAL), "="), Cell(dv, ":")),
            (
                equal(inner(A, product(B, C)), inner(product(Transposed(B), A), C)),
                ", and ",
                S_SLOPE,
                " is symmetric",
            ),
        ),
        step(
            4,
            False,
            (Cell(product(S_SLOPE, RESIDUAL), "="), Cell(product(dW, x), ":")),
            ("put in ", dv),
        ),
        step(
            5,
            False,
            (*FORMS, Cell(dW, ":", "5 × 4")),
            (equal(inner(A, product(B, C)), inner(product(A, Transposed(C)), B)),),
        ),
        Paragraph(
            6, (equal(dE, inner(G, dW)), " for every ", dW, ", so ", G, " is the gradient."), ()
        ),
    ),
    closing=(
        Section(
            "Result",
            (
                Row(
                    Cell(Partial(E, (W,))),
                    (
                        Cell(product(S_SLOPE, RESIDUAL, Transposed(x)), "="),
                        Cell(
                            product(
                                S_SLOPE, minus(product(s, Transposed(x)), product(y, Transposed(x)))
                            ),
                            "=",
                        ),
                    ),
                    ("5 × 4, the shape of W",),
                ),
                (
                    "numerator layout: the transpose, ",
                    product(x, Transposed(RESIDUAL), S_SLOPE),
                    "\t4 × 5, the shape of Wᵀ",
                ),
            ),
        ),
    ),
)

DOCUMENTS = {"chain": CHAIN, "differential": DIFFERENTIAL}
