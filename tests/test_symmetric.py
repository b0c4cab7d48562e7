"""Matrices declared symmetric, positive definite or diagonal: values, derivatives, both forms."""

import numpy as np
import pytest

import tensorcalc as tc

S = tc.matrix("S", 3, 3, symmetric=True)
P = tc.matrix("P", 3, 3, positive_definite=True)
D = tc.matrix("D", 3, 3, diagonal=True)
x, y = tc.vector("x", 3), tc.vector("y", 3)
at = {
    "S": np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.0]]),
    "P": np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.0]]),
    "D": np.diag([1.0, 2.0, 3.0]),
    "x": np.array([1.0, -2.0, 0.5]),
    "y": np.array([0.3, 0.2, 1.0]),
}


@pytest.mark.parametrize(
    ("d", "text"),
    [
        (tc.derivative(x.T @ S @ x, x), "2 xᵀ S"),
        (tc.hessian(x.T @ S @ x, x), "2 S"),
        (tc.derivative(x.T @ tc.inv(P) @ x, x), "2 xᵀ P⁻¹"),
        (tc.gradient(tc.logdet(P), P), "P⁻¹"),
    ],
    ids=["quadratic form", "its Hessian", "Mahalanobis distance", "log-determinant"],
)
def test_the_transpose_of_a_symmetric_matrix_reads_as_itself(d, text):
    assert f" = {text} : " in repr(d)


def test_a_derivative_says_that_it_takes_the_entries_as_independent():
    assert "entries of S taken as independent" in repr(tc.derivative(x.T @ S @ x, S))
    assert "independent" not in repr(tc.derivative(x.T @ S @ x, x))


FUNCTIONS = {
    "quadratic form": (x.T @ S @ y, S, lambda S: at["x"] @ S @ at["y"]),
    "log-determinant": (tc.logdet(P), P, lambda P: np.log(np.linalg.det(P))),
    "trace of the square": (tc.trace(S @ S), S, lambda S: np.trace(S @ S)),
    "Mahalanobis": (x.T @ tc.inv(P) @ y, P, lambda P: at["x"] @ np.linalg.solve(P, at["y"])),
    "of a diagonal matrix": (x.T @ D @ D @ y, D, lambda D: at["x"] @ D @ D @ at["y"]),
}


@pytest.mark.parametrize(("E", "M", "value"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_symmetric_form_is_what_moving_equal_entries_together_gives(E, M, value):
    base = at[M.name]
    expected = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            if M is D and i != j:
                continue
            move = np.zeros((3, 3))
            move[i, j] = move[j, i] = 1e-6
            expected[i, j] = (value(base + move) - value(base - move)) / 2e-6
    found = tc.derivative(E, M).symmetric().evaluate(at)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("E", "M", "value"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_points_are_drawn_and_the_derivative_with_independent_entries_is_proved(E, M, value):
    assert tc.derivative(E, M).verify()
    assert tc.derivative(E, M).verify(at=at)


@pytest.mark.parametrize(
    ("M", "value", "what"),
    [
        (S, np.arange(9.0).reshape(3, 3), "declared symmetric"),
        (P, -np.eye(3), "declared positive definite"),
        (D, at["S"], "declared diagonal"),
    ],
    ids=["symmetric", "definite", "diagonal"],
)
def test_a_value_that_is_not_what_was_declared_is_refused(M, value, what):
    with pytest.raises(tc.ValueNotAllowedError, match=f"the value of {M.name}, which is {what}"):
        tc.trace(M).evaluate({M.name: value})


def test_a_matrix_that_is_not_square_cannot_be_symmetric():
    with pytest.raises(tc.ShapeError, match="matrix W declared symmetric and 3 × 2"):
        tc.matrix("W", 3, 2, symmetric=True)


def test_only_a_scalar_by_a_square_matrix_has_a_symmetric_form():
    W, B = tc.matrix("W", 3, 2), tc.matrix("B", 3, 3)
    for d in (
        tc.derivative(S @ x, S),
        tc.derivative(tc.sum(W), W),
        tc.hessian(tc.sum(x), x),
        tc.hessian(tc.norm(B) ** 2, B),
    ):
        with pytest.raises(tc.NotSupportedError, match="the symmetric form of"):
            d.symmetric()


def test_a_program_takes_declared_matrices_as_shapes():
    p = tc.program("x.T @ S @ x", S=S, x=3)
    assert p["S"] is S
    assert " = 2 xᵀ S : " in repr(p.derivative(p.result, "x"))


def test_the_second_derivative_takes_entries_as_independent_too():
    h = tc.derivative(x.T @ S.T @ S @ x, S, S)
    assert h.verify(at=at)
