"""What both SymPy forms say alike: numbers, sizes of axes, functions of one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from tensorcalc import functions as f
from tensorcalc.errors import NotSupportedError, TensorCalcError
from tensorcalc.expr import Expr, Function
from tensorcalc.shapes import Dim, ProductDim

__all__ = ["function_of", "number", "require_shallow", "require_sympy", "size", "too_long"]

_DEEPEST = 40  # nodes inside each other: what SymPy asks about a function, it asks all the way down


def require_sympy() -> Any:
    """The library; TensorCalcError where it is not installed."""
    try:
        import sympy
    except ImportError:
        raise TensorCalcError(
            "to_sympy without SymPy, which is not installed", "pip install sympy"
        ) from None
    return sympy


def require_shallow(order: Iterable[Expr]) -> None:
    """NotSupportedError for nodes nested too deep for SymPy; arguments stand before their users."""
    depth: dict[Expr, int] = {}
    for node in order:
        depth[node] = 1 + max((depth[arg] for arg in node.args if arg in depth), default=0)
        if depth[node] > _DEEPEST:
            raise too_long()


def too_long() -> NotSupportedError:
    """What is said of a formula that cannot be written out."""
    return NotSupportedError(
        "a formula too long for one SymPy expression, with every definition written out",
        "use to_einsum(), which keeps the names",
    )


def number(value: float) -> Any:
    """A number, as a fraction where a short one is meant: 2, 1/3, 0.1234567."""
    sp = require_sympy()
    short = Fraction(value).limit_denominator(1000)
    if float(short) == value:
        return sp.Rational(short.numerator, short.denominator)
    return sp.Float(value)


def size(dim: Dim) -> Any:
    """The size of an axis: a number, or a symbol of that name."""
    sp = require_sympy()
    if isinstance(dim, int):
        return sp.Integer(dim)
    names = dim.names if isinstance(dim, ProductDim) else (dim,)
    whole = sp.Integer(dim.number if isinstance(dim, ProductDim) else 1)
    for name in names:
        whole *= sp.Symbol(name, integer=True, nonnegative=True)
    return whole


def function_of(function: Function, arguments: list[Any]) -> Any:
    """The function of entries; one that SymPy does not know is an undefined function there."""
    sp = require_sympy()
    if function.exponent is not None:
        return arguments[0] ** number(function.exponent)
    if function in _FUNCTIONS:
        return _FUNCTIONS[function](sp, *arguments)
    base = function.name.rstrip("′")
    primes = len(function.name) - len(base)
    if function.evaluate is None and primes:  # f′(x) of an abstract f
        t = sp.Dummy("t")
        return sp.Subs(sp.Derivative(sp.Function(base)(t), (t, primes)), t, arguments[0])
    return sp.Function(function.name)(*arguments)


def _named(name: str) -> Callable[..., Any]:
    """SymPy's function, left as it stands: what it asks of nested arguments takes it minutes."""
    return lambda sp, x: getattr(sp, name)(x, evaluate=False)


_exp, _log, _abs, _sign = map(_named, ("exp", "log", "Abs", "sign"))

_FUNCTIONS: dict[Function, Callable[..., Any]] = {
    f.exp: _named("exp"),
    f.log: _named("log"),
    f.log1p: lambda sp, x: _log(sp, 1 + x),
    f.expm1: lambda sp, x: _exp(sp, x) - 1,
    f.sqrt: lambda sp, x: sp.sqrt(x),
    f.sign: _named("sign"),
    f.abs_: _named("Abs"),
    f.sin: _named("sin"),
    f.cos: _named("cos"),
    f.tan: _named("tan"),
    f.sinh: _named("sinh"),
    f.cosh: _named("cosh"),
    f.tanh: _named("tanh"),
    f.arcsin: _named("asin"),
    f.arccos: _named("acos"),
    f.arctan: _named("atan"),
    f.sigmoid: lambda sp, x: 1 / (1 + _exp(sp, -x)),
    f.softplus: lambda sp, x: _log(sp, 1 + _exp(sp, x)),
    f.silu: lambda sp, x: x / (1 + _exp(sp, -x)),
    f.gelu: lambda sp, x: x * (1 + sp.erf(x / sp.sqrt(2), evaluate=False)) / 2,
    f.relu: lambda sp, x: sp.Max(0, x, evaluate=False),
    f.step: lambda sp, x: sp.Heaviside(x, 0, evaluate=False),
    f.erf: _named("erf"),
    f.length: lambda sp, x: sp.sqrt(x),
    f.inverse_or_zero: lambda sp, x: sp.Piecewise((0, sp.Eq(x, 0)), (1 / x, True)),
    f.maximum: lambda sp, x, y: sp.Max(x, y, evaluate=False),
    f.minimum: lambda sp, x, y: sp.Min(x, y, evaluate=False),
    f.greater: lambda sp, x, y: sp.Heaviside(x - y, 0, evaluate=False),
    f.greater_equal: lambda sp, x, y: sp.Heaviside(x - y, 1, evaluate=False),
    f.where: lambda sp, c, x, y: sp.Piecewise((y, sp.Eq(c, 0)), (x, True)),
    f.nonzero: lambda sp, x: _abs(sp, _sign(sp, x)),
    f.pow_: lambda sp, x, p: x**p,
}
