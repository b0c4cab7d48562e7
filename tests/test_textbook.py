"""Derivatives that textbooks and forums print: gradients in the argument's shape, by hand.

Among them are the expressions on which other systems fail, give a silent 0, or mix layouts.
Sources: Petersen & Pedersen, The Matrix Cookbook (2012), equations by number where known.
"""

import math

import numpy as np
import pytest

import tensorcalc as tc
from tensorcalc.expr import Elementwise, toposort
from tensorcalc.functions import FUNCTIONS

SHAPES = {
    "A": (3, 3), "B": (3, 3), "C": (3, 3), "X": (3, 3), "S": (3, 3), "W": (3, 2), "V": (2, 3),
    "P": (4, 3), "Q": (3, 2), "Z": (2, 4), "Y": (3, 4), "x": 3, "y": 3, "u": 3, "v": 3, "z": 2,
    "t": (), "b": 3, "a": 3,
}  # fmt: skip
inv, det, tr, norm = np.linalg.inv, np.linalg.det, np.trace, np.linalg.norm
eye = np.eye(3)


def sig(v):
    return 1 / (1 + np.exp(-v))


def dsig(v):
    return sig(v) * (1 - sig(v))


# text, by what, and the gradient (or the mixed-layout tensor) by hand
CASES = {
    "norm(sigmoid(W @ z) - y)**2 / 2 by W": lambda W, z, y, **_: np.outer(
        (sig(W @ z) - y) * dsig(W @ z), z),
    "norm(sigmoid(W @ z) - y)**2 / 2 by z": lambda W, z, y, **_: W.T @ (
        (sig(W @ z) - y) * dsig(W @ z)),
    "norm(sigmoid(W @ Z) - Y)**2 / 2 by W": lambda W, Z, Y, **_: (
        (sig(W @ Z) - Y) * dsig(W @ Z)) @ Z.T,
    "norm(W @ z - y)**2 by W": lambda W, z, y, **_: 2 * np.outer(W @ z - y, z),
    "x.T @ x by x": lambda x, **_: 2 * x,
    "x / norm(x) by x": lambda x, **_: eye / norm(x) - np.outer(x, x) / norm(x) ** 3,
    "softmax(x) by x": lambda x, **_: (
        lambda p: np.diag(p) - np.outer(p, p))(np.exp(x) / np.exp(x).sum()),
    "log(sum(exp(x))) by x": lambda x, **_: np.exp(x) / np.exp(x).sum(),
    "trace(A.T @ A) + trace(B.T @ B) by A": lambda A, **_: 2 * A,
    "trace(A) + 1 by A": lambda **_: eye,
    "exp(trace(A)) by A": lambda A, **_: np.exp(tr(A)) * eye,
    "logdet(A) by A": lambda A, **_: inv(A).T,
    "trace(A) * det(A) by A": lambda A, **_: det(A) * eye + tr(A) * det(A) * inv(A).T,
    "1 / det(A) by A": lambda A, **_: -inv(A).T / det(A),
    "t * det(A) by A": lambda t, A, **_: t * det(A) * inv(A).T,
    "logdet(S) / 2 + (x - y).T @ inv(S) @ (x - y) / 2 by S": lambda S, x, y, **_: (
        inv(S).T - inv(S).T @ np.outer(x - y, x - y) @ inv(S).T) / 2,
    "(x.T @ A @ x) / (x.T @ x) by x": lambda x, A, **_: (
        (A + A.T) @ x - 2 * (x @ A @ x) / (x @ x) * x) / (x @ x),
    "exp(x.T @ A @ x) by x": lambda x, A, **_: np.exp(x @ A @ x) * (A + A.T) @ x,
    "A[0, 0] by A": lambda **_: np.outer(eye[0], eye[0]),
    "trace(A * X) by X": lambda A, **_: np.diag(np.diag(A)),
    "diag(x) @ A by x": lambda A, **_: np.einsum("ik,ij->ijk", eye, A),
    "u.T @ diag(x) @ v by x": lambda u, v, **_: u * v,
    "trace(diag(x) @ A) by x": lambda A, **_: np.diag(A),
    "diagonal(A) by A": lambda **_: np.einsum("ki,kj->kij", eye, eye),
    "A[0:2, 0:2] by A": lambda **_: np.einsum("ai,bj->abij", eye[:2], eye[:2]),
    "trace(inv(A) @ inv(A) @ B) by A": lambda A, B, **_: -(
        inv(A) @ B @ inv(A) @ inv(A) + inv(A) @ inv(A) @ B @ inv(A)).T,
    "trace(kron(A, B)) by A": lambda B, **_: tr(B) * eye,
    "(x.T @ A @ x)**2 by x": lambda x, A, **_: 2 * (x @ A @ x) * (A + A.T) @ x,
    "(x.T @ x) * u by x": lambda x, u, **_: 2 * np.outer(u, x),
    "P @ sigmoid(Q @ z) by Q": lambda P, Q, z, **_: np.einsum("ij,j,k->ijk", P, dsig(Q @ z), z),
    "tanh(A @ tanh(B @ x)) by x": lambda A, B, x, **_: (
        np.diag(1 - np.tanh(A @ np.tanh(B @ x)) ** 2) @ A @ np.diag(1 - np.tanh(B @ x) ** 2) @ B),
    "norm(tanh(P @ x))**2 by P": lambda P, x, **_: 2 * np.outer(
        np.tanh(P @ x) * (1 - np.tanh(P @ x) ** 2), x),
    "inv(A + t * B) by t": lambda A, B, t, **_: -inv(A + t * B) @ B @ inv(A + t * B),
    "max(x) by x": lambda x, **_: (x == x.max()).astype(float),
    "sigmoid(-x) by x": lambda x, **_: -np.diag(dsig(x)),
    "diag(x) by x": lambda **_: np.einsum("ij,ik->ijk", eye, eye),
    "W @ V by V": lambda W, **_: np.einsum("ia,jb->ijab", W, eye),
    "X by X": lambda **_: np.einsum("ik,jl->ijkl", eye, eye),
    "x.T by x": lambda **_: eye,
    "x**(1 - t) by x": lambda x, t, **_: np.diag((1 - t) * x ** (-t)),
    "A @ x by A": lambda x, **_: np.einsum("ij,k->ijk", eye, x),
    "det(A @ A @ A) by A": lambda A, **_: 3 * det(A) ** 3 * inv(A).T,
    # the Cookbook
    "a.T @ X @ b by X": lambda a, b, **_: np.outer(a, b),
    "a.T @ X.T @ b by X": lambda a, b, **_: np.outer(b, a),
    "a.T @ X @ a by X": lambda a, **_: np.outer(a, a),
    "b.T @ X.T @ X @ a by X": lambda X, a, b, **_: X @ (np.outer(a, b) + np.outer(b, a)),
    "(B @ x + b).T @ C @ (A @ x + a) by x": lambda A, B, C, x, a, b, **_: (
        B.T @ C @ (A @ x + a) + A.T @ C.T @ (B @ x + b)),
    "(X @ b + a).T @ A @ (X @ b + a) by X": lambda X, A, a, b, **_: (
        (A + A.T) @ np.outer(X @ b + a, b)),
    "a.T @ inv(X) @ b by X": lambda X, a, b, **_: -inv(X).T @ np.outer(a, b) @ inv(X).T,
    "det(A @ X @ B) by X": lambda A, X, B, **_: det(A @ X @ B) * inv(X).T,
    "logdet(X.T @ X) by X": lambda X, **_: 2 * inv(X).T,
    "det(X) by X": lambda X, **_: det(X) * inv(X).T,
    "trace(inv(X)) by X": lambda X, **_: -(inv(X) @ inv(X)).T,
    "trace(A @ inv(X) @ B) by X": lambda A, X, B, **_: -(inv(X) @ B @ A @ inv(X)).T,
    "trace(inv(X + A)) by X": lambda X, A, **_: -(inv(X + A) @ inv(X + A)).T,
    "trace(X) by X": lambda **_: eye,
    "trace(X @ A) by X": lambda A, **_: A.T,
    "trace(A @ X @ B) by X": lambda A, B, **_: A.T @ B.T,
    "trace(A @ X.T @ B) by X": lambda A, B, **_: B @ A,
    "trace(X @ X) by X": lambda X, **_: 2 * X.T,
    "trace(X @ X @ B) by X": lambda X, B, **_: (X @ B + B @ X).T,
    "trace(X.T @ B @ X) by X": lambda X, B, **_: B @ X + B.T @ X,
    "trace(X @ B @ X.T) by X": lambda X, B, **_: X @ B.T + X @ B,
    "trace(A @ X @ B @ X.T @ C) by X": lambda A, X, B, C, **_: (
        A.T @ C.T @ X @ B.T + C @ A @ X @ B),
    "trace((A @ X @ B + C) @ (A @ X @ B + C).T) by X": lambda A, X, B, C, **_: (
        2 * A.T @ (A @ X @ B + C) @ B.T),
    "trace(X @ X @ X) by X": lambda X, **_: 3 * (X @ X).T,
    "trace(B.T @ X.T @ C @ X @ B) by X": lambda X, B, C, **_: (
        C.T @ X @ B @ B.T + C @ X @ B @ B.T),
    "trace(inv(X.T @ C @ X) @ A) by X": lambda X, C, A, **_: (
        lambda M: -(C @ X @ M @ A @ M) - (C.T @ X @ (M @ A @ M).T))(inv(X.T @ C @ X)),
    "norm(x - a) by x": lambda x, a, **_: (x - a) / norm(x - a),
    "norm(x)**2 by x": lambda x, **_: 2 * x,
    "norm(X)**2 by X": lambda X, **_: 2 * X,
    "norm(X) by X": lambda X, **_: X / norm(X),
    "(x - A @ y).T @ C @ (x - A @ y) by A": lambda x, A, y, C, **_: -(
        (C + C.T) @ np.outer(x - A @ y, y)),
    # statistics and models
    "norm(A @ x - b)**2 + t * norm(x)**2 by x": lambda A, x, b, t, **_: (
        2 * A.T @ (A @ x - b) + 2 * t * x),
    "sum(log(1 + exp(-(b * (A @ x))))) by x": lambda A, b, x, **_: -A.T @ (
        b * sig(-b * (A @ x))),
    "sum(exp(A @ x) - b * (A @ x)) by x": lambda A, b, x, **_: A.T @ (np.exp(A @ x) - b),
    "norm(X - W @ V)**2 by W": lambda X, W, V, **_: -2 * (X - W @ V) @ V.T,
    "norm(X - W @ V)**2 by V": lambda X, W, V, **_: -2 * W.T @ (X - W @ V),
    "-sum(b * log_softmax(A @ x)) by x": lambda A, b, x, **_: A.T @ (
        (lambda p: p * b.sum() - b)(np.exp(A @ x) / np.exp(A @ x).sum())),
    "prod(x) by x": lambda x, **_: np.prod(x) / x,
    "var(x) by x": lambda x, **_: 2 / 3 * (x - x.mean()),
    "sum(maximum(1 - b * (A @ x), 0)) by x": lambda A, b, x, **_: -A.T @ (
        b * (b * (A @ x) < 1)),
    "kron(x, y) by x": lambda y, **_: np.einsum("ik,j->ijk", eye, y).reshape(9, 3),
    "vec(A @ X @ B) by X": lambda A, B, **_: np.einsum("ik,lj->jikl", A, B).reshape(9, 3, 3),
    "sum(x**t) by t": lambda x, t, **_: (x**t * np.log(x)).sum(),
}  # fmt: skip


# one function of each entry, and its slope by hand
SLOPES = {
    "exp(x)": lambda x: np.exp(x),
    "log(x)": lambda x: 1 / x,
    "log1p(x)": lambda x: 1 / (1 + x),
    "expm1(x)": lambda x: np.exp(x),
    "sqrt(x)": lambda x: 1 / (2 * np.sqrt(x)),
    "abs(x)": lambda x: np.sign(x),
    "sin(x)": lambda x: np.cos(x),
    "cos(x)": lambda x: -np.sin(x),
    "tan(x)": lambda x: 1 / np.cos(x) ** 2,
    "sinh(x)": lambda x: np.cosh(x),
    "cosh(x)": lambda x: np.sinh(x),
    "tanh(x)": lambda x: 1 / np.cosh(x) ** 2,
    "arcsin(x)": lambda x: 1 / np.sqrt(1 - x**2),
    "arccos(x)": lambda x: -1 / np.sqrt(1 - x**2),
    "arctan(x)": lambda x: 1 / (1 + x**2),
    "sigmoid(x)": dsig,
    "softplus(x)": sig,
    "relu(x)": lambda x: np.ones(3),
    "silu(x)": lambda x: sig(x) + x * dsig(x),
    "gelu(x)": lambda x: (1 + erf(x)) / 2 + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    "erf(x)": lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2)),
    "maximum(x, x / 2)": lambda x: np.ones(3),
    "minimum(x, 2 * x)": lambda x: np.ones(3),
    "where(x > 0, x**2, x)": lambda x: 2 * x,
}


def erf(x):
    """The error function at x/√2."""
    return np.vectorize(math.erf)(x / math.sqrt(2))


CASES |= {
    f"{text} by x": lambda x, slope=slope, **_: np.diag(slope(x)) for text, slope in SLOPES.items()
}


def point(seed=0):
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in SHAPES.items():
        values[name] = rng.uniform(0.2, 1.0, size=shape)
        if np.shape(values[name]) == (3, 3):
            values[name] = values[name] + eye
    return {name: np.asarray(v) for name, v in values.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_the_one_written_by_hand(case):
    text, _, wrt = case.rpartition(" by ")
    p, at = tc.program(text, SHAPES), point()
    d = p.derivative(p.result, wrt)
    found = d.gradient if p.result.expr.ndim == 0 else d.to("mixed")
    np.testing.assert_allclose(found.evaluate(at), CASES[case](**at), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_proved_by_independent_routes(case):
    text, _, wrt = case.rpartition(" by ")
    p = tc.program(text, SHAPES)
    assert p.derivative(p.result, wrt).verify(at=point(1))


STEPS = {"sign", "step", "nonzero", "greater", "greater_equal"}  # 1.001 · 0 is 0
WRITTEN = [f for f in FUNCTIONS if f.name not in STEPS | {"inverse_or_zero"}]


@pytest.mark.parametrize("function", WRITTEN, ids=lambda f: f.name)
def test_a_slope_a_thousandth_too_large_is_noticed(function, monkeypatch):
    """By one of the cases above; what no program can write is left out."""
    rules = [lambda *a, rule=rule: 1.001 * rule(*a) for rule in function.derivatives]
    monkeypatch.setitem(function.__dict__, "derivatives", tuple(rules))
    using = [case for case in CASES if function in functions_of(case)]
    assert any(is_wrong(case) for case in using)


def functions_of(case):
    text, _, _ = case.rpartition(" by ")
    nodes = toposort([tc.program(text, SHAPES).result.expr])
    return {node.function for node in nodes if isinstance(node, Elementwise)}


def is_wrong(case):
    text, _, wrt = case.rpartition(" by ")
    p, at = tc.program(text, SHAPES), point()
    found = p.derivative(p.result, wrt, layout="mixed").evaluate(at)
    return not np.allclose(found, CASES[case](**at), rtol=1e-9, atol=1e-12)


HESSIANS = {
    "logdet(X) by X": lambda X, **_: -np.einsum("jk,li->ijkl", inv(X), inv(X)),
    "u.T @ sigmoid(A @ x) by x": lambda u, A, x, **_: A.T @ np.diag(
        u * dsig(A @ x) * (1 - 2 * sig(A @ x))) @ A,
    "(a.T @ x)**2 by x": lambda a, **_: 2 * np.outer(a, a),
    "x.T @ A @ x by x": lambda A, **_: A + A.T,
    "norm(X - W @ V)**2 by W": lambda V, **_: 2 * np.einsum("ik,jl->ijkl", eye, V @ V.T),
    "logsumexp(x) by x": lambda x, **_: (
        lambda p: np.diag(p) - np.outer(p, p))(np.exp(x) / np.exp(x).sum()),
    "norm(A @ x - b)**2 by x": lambda A, **_: 2 * A.T @ A,
    "prod(x) by x": lambda x, **_: (np.ones((3, 3)) - eye) * np.prod(x) / np.outer(x, x),
}  # fmt: skip


@pytest.mark.parametrize("case", HESSIANS)
def test_the_hessian_is_the_one_written_by_hand(case):
    text, _, wrt = case.rpartition(" by ")
    p, at = tc.program(text, SHAPES), point()
    found = tc.derivative(p.result, p[wrt], p[wrt], layout="mixed").evaluate(at)
    np.testing.assert_allclose(found, HESSIANS[case](**at), rtol=1e-9, atol=1e-12)


REFUSED = {
    "expm(A)": "expm", "sum(eigvals(A))": "eigvals", "cholesky(S)": "cholesky", "1j * x": "",
    "x - z": "", "W @ x": "", "x @ y": "", "A + Y": "", "x.T + x": "", "det(W)": "", "inv(x)": "",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_meaning_here_is_refused(text):
    with pytest.raises(tc.TensorCalcError, match=REFUSED[text] or None):
        tc.program(text, SHAPES)
