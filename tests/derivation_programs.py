"""Programs whose derivations are read back: networks, regression, matrices, scalars."""

from dataclasses import dataclass

import tensorcalc as tc

__all__ = ["CASES", "MORE", "Case", "case"]


@dataclass(frozen=True)
class Case:
    """A program, what is differentiated by what, and from where values are drawn."""

    name: str
    text: str
    of: str
    wrt: str
    shapes: dict
    positive: bool = False
    layout: str = "numerator"

    def derivative(self):
        p = tc.program(self.text, self.shapes)
        d = p.derivative(self.of, self.wrt) if self.of else tc.derivative(p.result, p[self.wrt])
        return d.to(self.layout)


def case(name, text, by, positive=False, layout="numerator", **shapes):
    of, wrt = by.split("/")
    return Case(name, text, of, wrt, shapes, positive, layout)


BACKPROP = "v = W @ x;  s = sigmoid(v);  E = norm(s - y)**2 / 2"
TWO_LAYERS = "h = tanh(W1 @ x + b1); z = W2 @ h + b2; E = norm(z - y)**2 / 2"
TWO = {"W1": (5, 4), "x": 4, "b1": 5, "W2": (3, 5), "b2": 3, "y": 3}
THREE_LAYERS = (
    "a1 = sigmoid(W1 @ x); a2 = sigmoid(W2 @ a1); a3 = sigmoid(W3 @ a2); E = norm(a3 - y)**2"
)
THREE = {"W1": (5, 4), "x": 4, "W2": (3, 5), "W3": (2, 3), "y": 2}
SOFTMAX = "z = W @ x + b; p = softmax(z); L = -y.T @ log(p)"
ATTENTION = "S = Q @ K.T / 2; P = softmax(S, axis=1); O = P @ V; E = sum(O * T)"
ATTEND = {"Q": (4, 2), "K": (5, 2), "V": (5, 3), "T": (4, 3)}
GAUSS = "S = A @ A.T + D; L = (x - m).T @ inv(S) @ (x - m) + logdet(S)"
CASES = [
    # networks
    case("one layer", BACKPROP, "E/W", W=(5, 4), x=4, y=5),
    case("one layer, denominator", BACKPROP, "E/W", layout="denominator", W=(5, 4), x=4, y=5),
    case("one layer, mixed", BACKPROP, "E/W", layout="mixed", W=(5, 4), x=4, y=5),
    case("one layer by input", BACKPROP, "E/x", W=(5, 4), x=4, y=5),
    case("one layer by the middle", BACKPROP, "E/v", W=(5, 4), x=4, y=5),
    case("layer output by weights", BACKPROP, "s/W", W=(5, 4), x=4, y=5),
    case("layer output by input", BACKPROP, "s/x", W=(5, 4), x=4, y=5),
    case(
        "layer output by input, denominator",
        BACKPROP,
        "s/x",
        layout="denominator",
        W=(5, 4),
        x=4,
        y=5,
    ),
    case("pre-activation by weights", BACKPROP, "v/W", W=(5, 4), x=4, y=5),
    case("two layers, first weights", TWO_LAYERS, "E/W1", **TWO),
    case("two layers, denominator", TWO_LAYERS, "E/W1", layout="denominator", **TWO),
    case("two layers, first bias", TWO_LAYERS, "E/b1", **TWO),
    case("two layers, second weights", TWO_LAYERS, "E/W2", **TWO),
    case("two layers, output by input", TWO_LAYERS, "z/x", **TWO),
    case("three layers", THREE_LAYERS, "E/W1", **THREE),
    case("three layers by input", THREE_LAYERS, "E/x", **THREE),
    case("relu layer", "h = relu(W @ x + b); E = c.T @ h", "E/W", W=(5, 4), x=4, b=5, c=5),
    case(
        "batch layer",
        "Z = W @ X + b; A = tanh(Z); L = norm(A - Y)**2 / 2",
        "L/W",
        W=(3, 4),
        X=(4, 6),
        b=3,
        Y=(3, 6),
    ),
    case(
        "batch layer, bias",
        "Z = W @ X + b; A = tanh(Z); L = norm(A - Y)**2 / 2",
        "L/b",
        W=(3, 4),
        X=(4, 6),
        b=3,
        Y=(3, 6),
    ),
    case(
        "recurrent step",
        "h = tanh(W @ g + U @ x); E = norm(h - y)**2 / 2",
        "E/W",
        W=(3, 3),
        g=3,
        U=(3, 2),
        x=2,
        y=3,
    ),
    case(
        "two recurrent steps",
        "h1 = tanh(W @ h0 + x1); h2 = tanh(W @ h1 + x2); E = c.T @ h2",
        "E/W",
        W=(3, 3),
        h0=3,
        x1=3,
        x2=3,
        c=3,
    ),
    case(
        "residual block",
        "h = tanh(W @ x); r = x + V @ h; E = norm(r)**2 / 2",
        "E/x",
        W=(5, 4),
        V=(4, 5),
        x=4,
    ),
    case(
        "gate",
        "g = sigmoid(W @ x); h = tanh(V @ x); u = g * h; E = c.T @ u",
        "E/x",
        W=(5, 4),
        V=(5, 4),
        x=4,
        c=5,
    ),
    # regression
    case(
        "logistic regression",
        "z = X @ w; L = sum(softplus(z)) - y.T @ z",
        "L/w",
        X=(6, 3),
        w=3,
        y=6,
    ),
    case(
        "logistic likelihood",
        "p = sigmoid(X @ w); L = -sum(y * log(p) + (1 - y) * log(1 - p))",
        "L/w",
        X=(6, 3),
        w=3,
        y=6,
    ),
    case("softmax regression", SOFTMAX, "L/W", positive=True, W=(3, 4), x=4, b=3, y=3),
    case("softmax regression, bias", SOFTMAX, "L/b", positive=True, W=(3, 4), x=4, b=3, y=3),
    case("softmax by its input", SOFTMAX, "p/x", W=(3, 4), x=4, b=3, y=3),
    case("log-sum-exp", "E = logsumexp(A @ x)", "E/x", A=(5, 3), x=3),
    case("least squares", "E = norm(A @ x - b)**2", "E/x", A=(5, 3), x=3, b=5),
    case("mean square", "r = X @ w - y; L = mean(r**2)", "L/w", X=(6, 3), w=3, y=6),
    case("ridge", "L = norm(X @ w - y)**2 + lam * norm(w)**2", "L/w", X=(6, 3), w=3, y=6, lam=()),
    case(
        "ridge by the weight",
        "L = norm(X @ w - y)**2 + lam * norm(w)**2",
        "L/lam",
        X=(6, 3),
        w=3,
        y=6,
        lam=(),
    ),
    case(
        "weighted least squares",
        "r = X @ w - y; L = r.T @ diag(c) @ r",
        "L/w",
        X=(6, 3),
        w=3,
        y=6,
        c=6,
    ),
    # quadratic forms, traces, inverses, determinants
    case("quadratic form", "q = x.T @ A @ x", "q/x", A=(4, 4), x=4),
    case("quadratic form by matrix", "q = x.T @ A @ x", "q/A", A=(4, 4), x=4),
    case("bilinear", "z = a.T @ X @ b", "z/X", a=3, X=(3, 4), b=4),
    case("squared bilinear", "z = a.T @ X @ b; E = z**2", "E/X", a=3, X=(3, 4), b=4),
    case("trace", "E = trace(A @ X @ B)", "E/X", A=(3, 4), X=(4, 2), B=(2, 3)),
    case("trace of a square", "E = trace(X.T @ C @ X)", "E/X", C=(4, 4), X=(4, 2)),
    case("inverse", "E = a.T @ inv(X) @ b", "E/X", a=3, X=(3, 3), b=3),
    case("inverse itself", "Y = inv(X)", "Y/X", X=(3, 3)),
    case("trace of an inverse", "E = trace(inv(X) @ B)", "E/X", X=(3, 3), B=(3, 3)),
    case("linear system", "x = solve(A, b); E = norm(x - y)**2 / 2", "E/b", A=(3, 3), b=3, y=3),
    case(
        "linear system by matrix",
        "x = solve(A, b); E = norm(x - y)**2 / 2",
        "E/A",
        A=(3, 3),
        b=3,
        y=3,
    ),
    case("determinant", "E = det(X)", "E/X", X=(3, 3)),
    case("log determinant", "E = logdet(X)", "E/X", X=(3, 3)),
    case("log determinant of a Gram", "E = logdet(A.T @ A)", "E/A", A=(5, 3)),
    case("Gaussian likelihood, mean", GAUSS, "L/m", A=(3, 2), D=(3, 3), x=3, m=3),
    case("Gaussian likelihood, factor", GAUSS, "L/A", positive=True, A=(3, 2), D=(3, 3), x=3, m=3),
    case("square of a matrix", "Y = X @ X", "Y/X", X=(3, 3)),
    case("sandwich", "Y = A @ X @ B", "Y/X", A=(2, 3), X=(3, 4), B=(4, 5)),
    # norms, factorisation
    case("norm", "E = norm(A @ x - b)", "E/x", A=(5, 3), x=3, b=5),
    case("Frobenius norm", "E = norm(X - Y)**2 / 2", "E/X", X=(3, 4), Y=(3, 4)),
    case("unit vector", "u = x / norm(x)", "u/x", x=4),
    case("cosine", "c = x.T @ y / (norm(x) * norm(y))", "c/x", x=4, y=4),
    case(
        "matrix factorisation, left",
        "R = U @ V.T - M; E = norm(R)**2 / 2",
        "E/U",
        U=(5, 2),
        V=(4, 2),
        M=(5, 4),
    ),
    case(
        "matrix factorisation, right",
        "R = U @ V.T - M; E = norm(R)**2 / 2",
        "E/V",
        U=(5, 2),
        V=(4, 2),
        M=(5, 4),
    ),
    case("Gram matrix", "E = norm(A.T @ A)**2", "E/A", A=(4, 3)),
    # attention
    case("attention, queries", ATTENTION, "E/Q", **ATTEND),
    case("attention, values", ATTENTION, "E/V", **ATTEND),
    case(
        "attention row",
        "s = K @ q; p = softmax(s); o = V.T @ p; E = c.T @ o",
        "E/q",
        K=(5, 2),
        q=2,
        V=(5, 3),
        c=3,
    ),
    # elementwise chains, sums over axes, outer products
    case("elementwise chain", "u = exp(x); v = sin(u); E = sum(v * a)", "E/x", x=4, a=4),
    case("elementwise values", "u = x**2; v = log(1 + u)", "v/x", x=4),
    case("tanh of a matrix", "Y = tanh(X); E = trace(A @ Y)", "E/X", A=(3, 4), X=(4, 3)),
    case("row sums", "r = sum(X, axis=1); E = norm(r)**2", "E/X", X=(4, 3)),
    case("column means", "m = mean(X, axis=0); E = sum(m**3)", "E/X", X=(4, 3)),
    case("outer product", "M = u @ v.T; E = norm(M - A)**2 / 2", "E/u", u=4, v=3, A=(4, 3)),
    case("outer product itself", "M = u @ v.T", "M/u", u=4, v=3),
    case("Hadamard product", "E = sum(A * X * X)", "E/X", A=(3, 4), X=(3, 4)),
    case("product of entries", "E = prod(x)", "E/x", positive=True, x=4),
    case("maximum", "E = max(A @ x)", "E/x", A=(5, 3), x=3),
    case("absolute values", "E = norm1(A @ x - b)", "E/x", A=(5, 3), x=3, b=5),
    case("variance", "E = var(x)", "E/x", x=5),
    # several paths, scalars, powers and quotients
    case("two paths", "u = A @ x; v = sin(u); E = u.T @ v", "E/x", A=(5, 3), x=3),
    case("shared argument", "a = B @ x; b = tanh(x); E = a.T @ b", "E/x", B=(4, 4), x=4),
    case("scalar chain", "u = t**3; v = sin(u); y = exp(v)", "y/t", t=()),
    case("scalar paths", "u = t**2; v = exp(t); y = u * v", "y/t", t=()),
    case("Rayleigh quotient", "r = x.T @ A @ x / (x.T @ x)", "r/x", A=(4, 4), x=4),
    case("power", "E = sum(x**a)", "E/x", positive=True, x=4, a=()),
    case("quotient", "u = x / (1 + y); E = sum(u**2)", "E/y", positive=True, x=4, y=4),
    case("vector by scalar", "y = exp(t * x)", "y/t", t=(), x=4),
    case("scale", "s = x.T @ y; v = s * x", "v/x", x=4, y=4),
    # rearranged and selected entries
    case(
        "Kronecker product", "E = norm(kron(A, B) - C)**2 / 2", "E/A", A=(2, 3), B=(3, 2), C=(6, 6)
    ),
    case("vec", "E = c.T @ vec(A @ X)", "E/X", A=(2, 3), X=(3, 4), c=8),
    case("einsum", "E = einsum('ijk,i,j,k->', T, x, y, z)", "E/y", T=(3, 4, 2), x=3, y=4, z=2),
    case(
        "einsum by tensor",
        "E = einsum('ijk,i,j,k->', T, x, y, z)",
        "E/T",
        T=(3, 4, 2),
        x=3,
        y=4,
        z=2,
    ),
    case("slice", "u = x[1:3]; E = norm(u)**2", "E/x", x=5),
    case("row of a matrix", "E = norm(X[0, :])**2", "E/X", X=(3, 4)),
    case("diagonal", "E = norm(diagonal(X))**2", "E/X", X=(3, 3)),
    case("diag", "E = trace(A @ diag(x) @ B)", "E/x", A=(3, 4), x=4, B=(4, 3)),
]
# read in full only
MORE = [
    case("unnamed norm", "norm(A @ x - b)**2", "/x", A=(5, 3), x=3, b=5),
    case("unnamed chain", "sum(log(1 + exp(-y * (X @ w))))", "/w", X=(6, 3), w=3, y=6),
    case("unnamed vector", "sigmoid(W @ x)", "/x", W=(5, 4), x=4),
    case("unnamed trace inv", "trace(inv(A @ A.T + B))", "/A", A=(3, 2), B=(3, 3)),
    case("silu layer", "h = silu(W @ x); E = sum(h)", "E/W", W=(5, 4), x=4),
    case("gelu layer", "h = gelu(W @ x); E = sum(h)", "E/x", W=(5, 4), x=4),
    case(
        "names of rules as quantities",
        "B = A @ X; C = tanh(B); a = sum(C*C)",
        "a/X",
        A=(3, 4),
        X=(4, 2),
    ),
    case(
        "small names of rules", "u = A @ t; a = sigmoid(u); b = a.T @ d", "b/t", A=(5, 4), t=4, d=5
    ),
    case("names of indices as quantities", "k = A @ i; j = k.T @ k", "j/i", A=(5, 4), i=4),
    case(
        "names with subscripts",
        "h_in = tanh(W_in @ x0); y_1 = W_out @ h_in; loss = norm(y_1)**2",
        "loss/W_in",
        W_in=(5, 4),
        x0=4,
        W_out=(3, 5),
    ),
    case("norm of a matrix", "E = norm(A @ X)", "E/X", A=(3, 4), X=(4, 2)),
    case("larger of two", "E = sum(maximum(x, y))", "E/x", x=4, y=4),
    case("leaky relu", "h = where(x > 0, x, 0.1*x); E = sum(h)", "E/x", x=4),
    case("log-softmax", "L = -y.T @ log_softmax(W @ x)", "L/W", W=(3, 4), x=4, y=3),
    case("root", "E = sqrt(x.T @ x + 1)", "E/x", x=4),
    case("log of a sum", "E = log(sum(exp(x)))", "E/x", x=4),
    case("vector by scalar, mixed", "y = exp(t * x)", "y/t", layout="mixed", t=(), x=4),
    case("layer by weights, mixed", "s = sigmoid(W @ x)", "s/W", layout="mixed", W=(5, 4), x=4),
    case("matrix by scalar", "Y = t * X @ X", "Y/t", t=(), X=(3, 3)),
    case(
        "matrix by matrix, denominator",
        "Y = A @ X",
        "Y/X",
        layout="denominator",
        A=(2, 3),
        X=(3, 4),
    ),
    case("outer square", "Y = x @ x.T", "Y/x", x=4),
    case("polynomial", "E = 3 * sum(x**4) - 2 * sum(x) + 7", "E/x", x=4),
    case("softmax by a matrix", "p = softmax(X @ w); E = p.T @ y", "E/X", X=(5, 3), w=3, y=5),
    case(
        "standardised",
        "m = mean(x); v = mean((x - m)**2); z = (x - m) / sqrt(v); E = z.T @ c",
        "E/x",
        x=5,
        c=5,
    ),
    case("inverse of a diagonal", "E = x.T @ inv(diag(d)) @ x", "E/d", positive=True, x=4, d=4),
    case("every second entry", "u = x[::2]; E = norm(u)**2", "E/x", x=5),
    case("two entries", "E = x[0] * x[1]", "E/x", x=3),
    case("column of a matrix", "c = X[:, 1]; E = norm(c)**2", "E/X", X=(3, 4)),
    case(
        "Kronecker product, named",
        "K = kron(A, B); E = trace(K @ C)",
        "E/B",
        A=(2, 3),
        B=(3, 2),
        C=(6, 6),
    ),
    case(
        "outer product of three",
        "T = einsum('i,j,k->ijk', x, y, z); E = sum(T**2)",
        "E/y",
        x=3,
        y=4,
        z=2,
    ),
]
# rules of differentials one by one, several paths, batches, values with axes; read in full only
YET = [
    case(
        "quadratic form of a difference", "f = (x - m).T @ A @ (x - m)", "f/m", x=4, m=4, A=(4, 4)
    ),
    case("half a residual, unnamed", "f = norm(X @ w - y)**2 / 2", "f/X", X=(5, 3), w=3, y=5),
    case("trace of two places", "f = trace(X @ A @ X @ B)", "f/X", X=(3, 3), A=(3, 3), B=(3, 3)),
    case("trace of a transpose", "f = trace(A @ X.T)", "f/X", A=(3, 4), X=(3, 4)),
    case("log of a determinant", "f = log(det(X))", "f/X", positive=True, X=(3, 3)),
    case("log det of a ridge", "f = logdet(X.T @ X + A)", "f/X", X=(4, 3), A=(3, 3)),
    case("inverse quadratic", "f = x.T @ inv(A) @ x", "f/A", x=3, A=(3, 3)),
    case("inverse quadratic by vector", "f = x.T @ inv(A) @ x", "f/x", x=3, A=(3, 3)),
    case("sum of logs", "f = sum(log(X @ w))", "f/w", positive=True, X=(5, 3), w=3),
    case("entropy", "p = softmax(z); f = -p.T @ log(p)", "f/z", positive=True, z=4),
    case("normalised sum", "p = exp(x) / sum(exp(x)); f = p.T @ c", "f/x", x=4, c=4),
    case("log-sum-exp of a chain", "f = logsumexp(tanh(A @ x))", "f/x", A=(5, 3), x=3),
    case("Frobenius product", "f = frobenius(A @ X, Y)", "f/X", A=(3, 4), X=(4, 2), Y=(3, 2)),
    case("square root of a form", "f = sqrt(x.T @ x + c**2)", "f/x", x=4, c=()),
    case("quotient of numbers", "a = x.T @ c; b = norm(x)**2; f = a / b", "f/x", x=4, c=4),
    case("power of a sum", "f = sum(x)**3", "f/x", x=4),
    case("three paths", "u = A @ x; v = tanh(u); w = u * v; f = sum(w + v)", "f/x", A=(4, 3), x=3),
    case("matrix and its square", "Y = X @ X; f = trace(Y) + norm(X)**2", "f/X", X=(3, 3)),
    case(
        "batch, squared", "Z = X @ W; A = Z**2; f = sum(A * Y)", "f/W", X=(5, 3), W=(3, 2), Y=(5, 2)
    ),
    case("softplus of a batch", "f = sum(softplus(X @ W))", "f/W", X=(5, 3), W=(3, 2)),
    case("linear map of a matrix", "Y = A @ X + B", "Y/X", A=(2, 3), X=(3, 4), B=(2, 4)),
    case("matrix by its vector", "Y = diag(x) @ A", "Y/x", x=3, A=(3, 4)),
    case("vector of a matrix", "u = tanh(X @ b)", "u/X", X=(3, 4), b=4),
    case("residual, vector-valued", "r = x + V @ sigmoid(W @ x)", "r/x", x=3, V=(3, 4), W=(4, 3)),
    case("outer product, squared", "f = norm(x @ x.T)**2", "f/x", x=3),
    case("triple Hadamard", "f = sum(x * y * z)", "f/y", x=4, y=4, z=4),
    case("smaller of two", "f = sum(minimum(x, y) * c)", "f/y", x=4, y=4, c=4),
    case("clipped", "h = maximum(A @ x, 0); f = norm(h)**2", "f/x", A=(4, 3), x=3),
    case("mean of squares of a product", "f = mean((A @ X)**2)", "f/X", A=(3, 4), X=(4, 2)),
    case("two determinants", "f = det(X) * trace(X)", "f/X", X=(3, 3)),
    case(
        "Mahalanobis length",
        "f = sqrt((x - m).T @ S @ (x - m))",
        "f/x",
        positive=True,
        x=3,
        m=3,
        S=(3, 3),
    ),
]
MORE += YET
# letters of several ranges, one-line losses, cancellations, stages in the user's own names
SAID = [
    case(
        "Huber's loss",
        "r = X @ w - y; E = sum(where(abs(r) < 1, r**2/2, abs(r) - 1/2))",
        "E/w",
        w=3,
        X=(6, 3),
        y=6,
    ),
    case("residual times itself", "r = A @ x - b; E = r.T @ r", "E/x", A=(5, 3), x=3, b=5),
    case("log-sum-exp of a product", "E = logsumexp(A @ x)", "E/x", A=(4, 3), x=3),
    case("Kronecker square", "E = sum(kron(A, B)**2)", "E/A", A=(2, 3), B=(4, 5)),
    case(
        "ridge, on one line",
        "E = norm(A @ x - b)**2 + lam * norm(x)**2",
        "E/x",
        A=(5, 3),
        x=3,
        b=5,
        lam=(),
    ),
]
MORE += SAID
