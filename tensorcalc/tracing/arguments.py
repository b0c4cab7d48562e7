"""The arguments of a traced function: which shapes they have, and the variables they become."""

from __future__ import annotations

import difflib
import inspect
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from tensorcalc.errors import NotSupportedError, ShapeError, UnknownNameError
from tensorcalc.expr import Variable
from tensorcalc.shapes import read_shape
from tensorcalc.tensor import read_name
from tensorcalc.tracing.array import Traced
from tensorcalc.values import leaf_names

__all__ = ["Arguments", "read_arguments", "title_of"]


@dataclass(frozen=True)
class Arguments:
    """What the function is called with, and the variables in it by name."""

    positional: tuple[Any, ...]
    by_name: dict[str, Any]
    variables: dict[str, Variable]


def title_of(function: Callable[..., Any]) -> str:
    """The function's name, as messages say it."""
    name = getattr(function, "__name__", type(function).__name__)
    return "the lambda" if name == "<lambda>" else name


def read_arguments(
    function: Callable[..., Any], shapes: Any, named: Mapping[str, Any]
) -> Arguments:
    """Variables for the parameters whose shapes are given; the others keep their defaults.

    Raises ShapeError for a parameter without a shape, UnknownNameError for a shape without a
    parameter, NotSupportedError for ``*args`` and ``**kwargs``.
    """
    signature = _signature(function)
    given = _given(shapes, named)
    where = title_of(function)
    for name in given:
        if name not in signature.parameters:
            same = [known for known in signature.parameters if known.lower() == str(name).lower()]
            close = same or difflib.get_close_matches(str(name), signature.parameters, 1)
            hint = f"did you mean {close[0]}?" if close else f"it takes {_listed(signature)}"
            raise UnknownNameError(f"{where} has no parameter named {name!r}", hint)
    for name, parameter in signature.parameters.items():
        if name not in given and parameter.default is inspect.Parameter.empty:
            raise ShapeError(
                f"{where} needs the shape of {name}", f"give it: {name}=4, or {name}=(5, 4)"
            )
    leaves: dict[str, Variable] = {}
    specs = {name: given[name] for name in signature.parameters if name in given}
    trees = _variables(specs, leaves)
    positional = _positional(signature, trees, where)
    by_name = {name: tree for name, tree in trees.items() if name not in positional}
    return Arguments(tuple(positional.values()), by_name, leaves)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    where = title_of(function)
    if isinstance(function, np.ufunc):  # older NumPy does not say what they take
        names = ["x"] if function.nin == 1 else [f"x{k}" for k in range(1, function.nin + 1)]
        only = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(name, only) for name in names])
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise NotSupportedError(
            f"{where}, whose parameters cannot be read", f"write def f(x): return {where}(x)"
        ) from None
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for parameter in signature.parameters.values():
        if parameter.kind in several:
            raise NotSupportedError(
                f"{where} takes {parameter}, of which the number is not known",
                "give each parameter a name, or one a list of arrays",
            )
    return signature


def _listed(signature: inspect.Signature) -> str:
    return ", ".join(signature.parameters) or "no parameters"


def _positional(
    signature: inspect.Signature, trees: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """The arguments that cannot be given by name; ShapeError where one of them is left out."""
    found: dict[str, Any] = {}
    missing = None
    for name, parameter in signature.parameters.items():
        if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY:
            break
        if name not in trees:
            missing = missing or name
        elif missing:
            raise ShapeError(
                f"{where} needs the shape of {missing}, which stands before {name}",
                f"give it: {missing}=…",
            )
        else:
            found[name] = trees[name]
    return found


def _given(shapes: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    try:
        pairs = shapes.items() if isinstance(shapes, Mapping) else shapes or ()
        given = [(name, shape) for name, shape in pairs] + list(named.items())
    except (TypeError, ValueError):
        raise ShapeError(
            f"the shapes of a program given as {type(shapes).__name__}",
            'give a mapping or pairs of names and shapes, such as {"W": (5, 4), "x": 4}',
        ) from None
    found: dict[str, Any] = {}
    for name, shape in given:
        key = unicodedata.normalize("NFKC", name) if isinstance(name, str) else name
        if key in found and not _agree(found[key], shape):
            raise ShapeError(
                f"the shape of {key} is given twice: {found[key]} and {shape}",
                f"give {key} one shape",
            )
        found[key] = shape
    return found


def _agree(one: Any, other: Any) -> bool:
    """Whether two specifications of a shape are the same."""
    if is_shape(one) and is_shape(other):
        return read_shape(one) == read_shape(other)
    return one is other


# ── trees of parameters ──────────────────────────────────────────────────────────────────


def is_shape(spec: Any) -> bool:
    """Whether a specification is one shape: anything else that has parts is a container."""
    if isinstance(spec, Mapping):
        return False
    if isinstance(spec, (list, tuple)):
        return all(isinstance(dim, (Integral, str)) and not isinstance(dim, bool) for dim in spec)
    return True


def _variables(specs: Mapping[str, Any], leaves: dict[str, Variable]) -> dict[str, Any]:
    """The specifications with a traced variable for each shape; ``leaves`` collects them."""
    paths = leaf_names(specs, is_shape)

    def build(spec: Any, path: tuple[Any, ...]) -> Any:
        if is_shape(spec):
            name = read_name(paths[path])
            try:
                leaves[name] = Variable(name, read_shape(spec))
            except ShapeError as error:
                raise type(error)(f"the shape of {name}: {error}", error.hint) from None
            return Traced(leaves[name])
        if isinstance(spec, Mapping):
            return {key: build(part, (*path, key)) for key, part in spec.items()}
        parts = [build(part, (*path, k)) for k, part in enumerate(spec)]
        return tuple(parts) if isinstance(spec, tuple) else parts

    return {name: build(spec, (name,)) for name, spec in specs.items()}
