"""What the language lacks, by the names it goes by elsewhere, and what to write instead.

Program text and functions of NumPy are refused from this one table.
"""

from __future__ import annotations

import re

__all__ = ["ABSENT", "WRITTEN_OUT", "instead_in_numpy"]

_MATRIX_FUNCTION = "matrix functions have no formula here: write products with @, or inv(A)"
_SPECTRUM = (
    "eigenvalues have no derivative where two meet: use trace(A) and det(A), their sum and product"
)
_SINGULAR = "singular values have no derivative where two meet: use norm(A) and A.T @ A"
_FACTOR = "use solve(A, b) and logdet(A) of the matrix itself"
_SQUARES = "use solve(A.T @ A, A.T @ b)"
_ORDER = "a choice by order has no formula: use max(x), min(x) and where(x > 0, a, b)"
_TRANSFORM = "multiply by the matrix of the transform, with real entries: F @ x"
_RUNNING = "multiply by a lower triangular matrix of ones: L @ x"
_REAL = "quantities are real"
_STEP = "its derivative is 0 almost everywhere: leave it out"
_DECIDE = "decide with where(x > 0, a, b)"
_JOIN = "name the parts, and add the products with each of them: A @ x + B @ y"
_SHAPING = "use vec(A), which stacks columns, or A.T"
_REPEAT = "repeat by a product with ones: x @ ones(n).T"
_RANDOM = "declare a variable, and give random numbers as its value"
_UNCHANGED = "arrays do not change: make the new one with where(x > 0, a, b)"
_PRINT = "print the shape, or evaluate the program first"
_INTEGRAL = "integrals and equations are not solved here; give their result as a variable"
_SPECIAL = 'make it in Python: tc.function("f", value, derivative) of quantities'
_PIECES = "write the pieces with where(x > 0, a, b)"

ABSENT: dict[str, str] = {
    # functions of matrices
    **dict.fromkeys(("expm", "logm", "sqrtm", "funm", "matrix_exp", "signm"), _MATRIX_FUNCTION),
    "matrix_power": "write A @ A, once for every power",
    **dict.fromkeys(("eig", "eigh", "eigvals", "eigvalsh", "eigenvalues", "schur"), _SPECTRUM),
    **dict.fromkeys(("svd", "svdvals", "singular_values", "nuclear_norm"), _SINGULAR),
    **dict.fromkeys(("cholesky", "chol", "qr", "lu", "ldl", "lu_factor", "cho_factor"), _FACTOR),
    **dict.fromkeys(("pinv", "lstsq", "pinvh"), _SQUARES),
    "tensorsolve": "use solve(A, b) and reshape",
    **dict.fromkeys(("matrix_rank", "rank"), "it is a whole number, without a derivative"),
    "cond": "it is made of singular values: use norm(A) and norm(inv(A))",
    "cross": 'write it with einsum("ijk,j,k->i", e, x, y)',
    **dict.fromkeys(("tril", "triu"), "multiply by a mask of zeros and ones: A * M"),
    # entries in order
    **dict.fromkeys(("sort", "argsort", "median", "percentile", "quantile", "topk"), _ORDER),
    **dict.fromkeys(("argmax", "argmin", "searchsorted", "partition", "argpartition"), _ORDER),
    **dict.fromkeys(("unique", "rank_data", "mode"), _ORDER),
    "cumsum": _RUNNING,
    "cumprod": "use exp(L @ log(x)) with a lower triangular matrix L of ones, where x > 0",
    "diff": "write x[1:] - x[:-1]",
    "flip": "write x[::-1]",
    **dict.fromkeys(("take", "gather", "roll"), "take entries by number and slice: x[2], x[1:4]"),
    **dict.fromkeys(("fft", "ifft", "rfft", "irfft", "fft2", "fftn", "dct"), _TRANSFORM),
    "convolve": "write the sum of shifted slices",
    "correlate": "write the sum of shifted slices",
    # numbers
    **dict.fromkeys(("imag", "angle", "complex", "conj", "conjugate", "real"), _REAL),
    **dict.fromkeys(("floor", "ceil", "rint", "trunc", "round", "around", "fix"), _STEP),
    **dict.fromkeys(("mod", "fmod", "remainder", "floor_divide", "gcd", "lcm"), _STEP),
    **dict.fromkeys(("len", "range", "shape", "size"), "sizes are numbers: write them out"),
    "lg": "write log(x) / log(10), or log(x) / log(2)",
    "heaviside": "write where(x > 0, 1, 0)",
    "clip": "write minimum(maximum(x, a), b)",
    "arctan2": "write arctan(y / x) where x > 0",
    "atan2": "write arctan(y / x) where x > 0",
    "hypot": "write sqrt(x**2 + y**2)",
    "logaddexp": "write x + softplus(y - x)",
    "nansum": "use sum(x)",
    "nanmean": "use mean(x)",
    **dict.fromkeys(("gamma", "lgamma", "gammaln", "digamma", "factorial", "beta"), _SPECIAL),
    # decisions
    **dict.fromkeys(("all", "any", "allclose", "isclose", "array_equal"), _DECIDE),
    **dict.fromkeys(("isnan", "isfinite", "isinf", "nonzero"), _DECIDE),
    **dict.fromkeys(("equal", "not_equal"), f"compare with > or <, and {_DECIDE}"),
    "count_nonzero": "sum a condition: sum(where(x > 0, 1, 0))",
    **dict.fromkeys(("interp", "piecewise", "select"), _PIECES),
    # arrays as containers
    **dict.fromkeys(("concatenate", "concat", "stack", "hstack", "vstack", "append"), _JOIN),
    **dict.fromkeys(("block", "column_stack", "dstack", "cat"), _JOIN),
    **dict.fromkeys(("reshape", "ravel", "flatten", "view", "swapaxes", "moveaxis"), _SHAPING),
    **dict.fromkeys(("tile", "repeat", "broadcast_to", "expand"), _REPEAT),
    **dict.fromkeys(("put", "copyto", "fill_diagonal", "place"), _UNCHANGED),
    **dict.fromkeys(("array2string", "array_repr", "array_str", "print"), _PRINT),
    **dict.fromkeys(("rand", "randn", "random", "normal", "uniform", "dropout"), _RANDOM),
    **dict.fromkeys(("integrate", "quad", "odeint", "fsolve", "argsolve"), _INTEGRAL),
    # of networks
    "leaky_relu": "write maximum(x, 0.01 * x)",
    "elu": "write where(x > 0, x, exp(x) - 1)",
    "mish": "write x * tanh(softplus(x))",
    "softsign": "write x / (1 + abs(x))",
    "cross_entropy": "write -sum(y * log(p))",
    "mse_loss": "write mean((a - b)**2)",
    "mse": "write mean((a - b)**2)",
    "logsumexp": "write log(sum(exp(x), axis=-1))",
    "softmax": "write e = exp(x); e / sum(e, axis=-1, keepdims=True)",
    "log_softmax": "write x - log(sum(exp(x), axis=-1, keepdims=True))",
}

# functions of one argument that are formulas here
WRITTEN_OUT: dict[str, str] = {
    **dict.fromkeys(("log2", "log_2", "lb"), "log({x}) / log(2)"),
    **dict.fromkeys(("log10", "log_10"), "log({x}) / log(10)"),
    "exp2": "exp({x} * log(2))",
    "exp10": "exp({x} * log(10))",
    "cbrt": "sign({x}) * abs({x})**(1/3)",
    **dict.fromkeys(("arcsinh", "asinh", "arsinh"), "log({x} + sqrt({x}**2 + 1))"),
    **dict.fromkeys(("arccosh", "acosh", "arcosh"), "log({x} + sqrt({x}**2 - 1))"),
    **dict.fromkeys(("arctanh", "atanh", "artanh"), "(log1p({x}) - log1p(-{x})) / 2"),
    "rsqrt": "1 / sqrt({x})",
    "sec": "1 / cos({x})",
    "csc": "1 / sin({x})",
    **dict.fromkeys(("cot", "ctg", "cotan"), "1 / tan({x})"),
    "sech": "1 / cosh({x})",
    "csch": "1 / sinh({x})",
    "coth": "1 / tanh({x})",
    "erfc": "1 - erf({x})",
    "logit": "log({x}) - log1p(-{x})",
    **dict.fromkeys(("logsigmoid", "log_sigmoid", "log_expit"), "-softplus(-{x})"),
    **dict.fromkeys(("std", "stddev", "sd"), "sqrt(var({x}))"),
    **dict.fromkeys(("rms",), "sqrt(mean({x}**2))"),
    "deg2rad": "{x} * (3.141592653589793 / 180)",
    "rad2deg": "{x} * (180 / 3.141592653589793)",
}

_LINALG = {"solve", "inv", "det", "norm"}
_NUMPY = {
    "abs", "arctan", "cos", "cosh", "exp", "einsum", "log", "log1p", "max", "maximum", "mean",
    "min", "minimum", "ones", "sign", "sin", "sinh", "sqrt", "sum", "tan", "tanh", "trace", "var",
    "where",
}  # fmt: skip


# where arrays of NumPy, which have other shapes, need another hint
_OF_ARRAYS = {
    "tile": "broadcast: x[None, :] * np.ones((n, 1))",
    "repeat": "broadcast: x[:, None] * np.ones(n), then reshape",
    **dict.fromkeys(("reshape", "view"), "use np.reshape of whole axes"),
    **dict.fromkeys(("append", "block"), "use np.concatenate or np.stack"),
    **dict.fromkeys(("put", "copyto", "place"), f"{_UNCHANGED}, or np.concatenate"),
    "fill_diagonal": "arrays do not change: add np.diag(x)",
}


def instead_in_numpy(name: str) -> str | None:
    """What to write in place of a function of NumPy; None for one that is not in the table."""
    word = name.rpartition(".")[2]
    if word in WRITTEN_OUT:
        return _in_numpy("write " + WRITTEN_OUT[word].format(x="x"))
    return _OF_ARRAYS.get(word) or (_in_numpy(ABSENT[word]) if word in ABSENT else None)


def _in_numpy(hint: str) -> str:
    """A hint in NumPy's names: np.linalg.solve(A, b) for solve(A, b)."""

    def full(match: re.Match[str]) -> str:
        name = match[1]
        prefix = "np.linalg." if name in _LINALG else "np." if name in _NUMPY else ""
        return f"{prefix}{name}("

    hint = re.sub(r"\blogdet\((\w+)\)", r"np.linalg.slogdet(\1)[1]", hint)
    return re.sub(r"(?<![\w.])([a-z]\w*)\(", full, hint)
