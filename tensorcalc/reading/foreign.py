"""What people bring from elsewhere: names of other libraries and of other notations."""

from __future__ import annotations

import keyword
from collections.abc import Container

__all__ = [
    "CONSTANTS",
    "CONSTRUCTS",
    "CONSTRUCT_HINT",
    "FUNCTIONS",
    "MODULES",
    "OPERATORS",
    "SIGN_HINTS",
    "letter_for",
]

MODULES = {
    "F", "T", "jax", "jnp", "linalg", "math", "nn", "np", "numpy", "scipy", "special", "sp", "tc",
    "tensorcalc", "tf", "torch",
}  # fmt: skip

# names of functions elsewhere, and here
FUNCTIONS = {
    **dict.fromkeys(("sigma", "logistic", "logit_inverse", "expit", "sigm"), "sigmoid"),
    **dict.fromkeys(("ln",), "log"),
    **dict.fromkeys(("tr", "spur"), "trace"),
    **dict.fromkeys(("arctg", "atan"), "arctan"),
    **dict.fromkeys(("tg",), "tan"),
    **dict.fromkeys(("asin",), "arcsin"),
    **dict.fromkeys(("acos",), "arccos"),
    **dict.fromkeys(("sh",), "sinh"),
    **dict.fromkeys(("ch",), "cosh"),
    **dict.fromkeys(("th",), "tanh"),
    **dict.fromkeys(("absolute", "fabs"), "abs"),
    **dict.fromkeys(("sgn", "signum"), "sign"),
    **dict.fromkeys(("sqr",), "square"),
    **dict.fromkeys(("average", "avg"), "mean"),
    **dict.fromkeys(("variance",), "var"),
    **dict.fromkeys(("inverse",), "inv"),
    **dict.fromkeys(("determinant",), "det"),
    **dict.fromkeys(("slogdet", "log_det"), "logdet"),
    **dict.fromkeys(("identity",), "eye"),
    **dict.fromkeys(("swish",), "silu"),
    **dict.fromkeys(("rectifier",), "relu"),
    **dict.fromkeys(("logsoftmax",), "log_softmax"),
    **dict.fromkeys(("lse",), "logsumexp"),
    **dict.fromkeys(("length", "norm2", "l2norm"), "norm"),
    **dict.fromkeys(("amax",), "max"),
    **dict.fromkeys(("fmax",), "maximum"),
    **dict.fromkeys(("fmin",), "minimum"),
    **dict.fromkeys(("inner", "vdot"), "dot"),
    **dict.fromkeys(("kronecker",), "kron"),
    **dict.fromkeys(("diagflat",), "diag"),
}

# functions elsewhere that are operators here
OPERATORS = {
    **dict.fromkeys(("matmul", "mm", "mv", "bmm"), "@"),
    **dict.fromkeys(("multiply", "mul", "times", "hadamard"), "*"),
    **dict.fromkeys(("divide", "div", "true_divide"), "/"),
    **dict.fromkeys(("add", "plus"), "+"),
    **dict.fromkeys(("subtract", "minus", "sub"), "-"),
    **dict.fromkeys(("pow", "power"), "**"),
}

CONSTANTS = {
    "e": "exp(1)",
    "pi": "3.141592653589793",
    "π": "3.141592653589793",
    "tau": "6.283185307179586",
}

# words of Python that the language does not have, and what to do instead
_LINES = "write each line as name = expression"
CONSTRUCTS = {
    **dict.fromkeys(keyword.kwlist, _LINES),
    **dict.fromkeys(("if", "else"), "write where(x > 0, a, b)"),
    **dict.fromkeys(("for", "while", "in"), "write sums with sum, @ or einsum"),
    **dict.fromkeys(("and", "or", "not", "is"), "one comparison stands in where(x > 0, a, b)"),
    **dict.fromkeys(("True", "False"), "write 1 or 0"),
    "None": "leave it out",
    "lambda": "name the value: y = expression",
}
CONSTRUCT_HINT = "use names, numbers, + - * / ** @, .T and the named functions"

SIGN_HINTS = {
    "//": "write / for division",
    "%": "the remainder is not in the language; a remark begins with #",
    "&&": "write one condition inside another: where(x > 0, where(y > 0, a, b), b)",
    "||": "write one condition inside another: where(x > 0, a, where(y > 0, a, b))",
    "&": "one comparison stands in where(x > 0, a, b)",
    "|": "write abs(x) entry by entry, norm(x) for the length",
    "<<": "write numbers out",
    ">>": "write numbers out",
    "~": "one comparison stands in where(x > 0, a, b)",
    "!": "factorials and negations are not in the language",
    "?": "write where(x > 0, a, b)",
    "$": "leave out the dollar signs",
    "`": "leave it out",
    "->": "write name = expression",
    "...": "write out every index",
    "√": "write sqrt(x)",
    "∑": "write sum(x)",
    "∏": "write prod(x)",
    "⊗": "write kron(A, B), or outer(x, y) of vectors",
    "∂": "derivatives are taken of the program: p.derivative(of, wrt)",
    "∇": "derivatives are taken of the program: p.derivative(of, wrt)",
    "±": "write two lines",
    "∞": "use finite numbers",
    "→": "write name = expression",
    "←": "write name = expression",
    "≈": "write name = expression",
    "{": "use round brackets",
    "\\": "write solve(A, b) for the solution of A x = b",
    ":": "write name = expression; shapes are given beside the text",
}

_GREEK = {"lambda": ("λ", "lam", "lamda", "lmbda", "lambda_")}


def letter_for(word: str, known: Container[str], assigned: bool) -> str:
    """A name in place of a word that Python keeps for itself.

    One that is known where a value is meant, one that is new where a value is assigned.
    """
    spellings = (*_GREEK.get(word, ()), f"{word}_")
    meant = [] if assigned else [name for name in spellings if name in known]
    return meant[0] if meant else _new(word, known)


def _new(word: str, known: Container[str]) -> str:
    name = {"lambda": "lam"}.get(word, f"{word}_")
    while name in known:
        name += "_"
    return name
