"""Values that people give: their type, shape, precision and names are checked here."""

from __future__ import annotations

import difflib
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Number
from typing import Any

import numpy as np

from tensorcalc.errors import (
    MissingValueError,
    NameClashError,
    ShapeError,
    ValueNotAllowedError,
)
from tensorcalc.expr import (
    Definition,
    Einsum,
    Elementwise,
    Expr,
    Ones,
    Select,
    Special,
    Variable,
    toposort,
)
from tensorcalc.shapes import Dim, Shape, bind, format_shape, names_in, size_of

__all__ = [
    "Values",
    "computation",
    "given_values",
    "leaf_names",
    "read_array",
    "read_values",
    "refuse_singular",
    "require_entries",
    "require_one_meaning",
]


class Values(dict[str, np.ndarray]):
    """Checked arrays by name; ``sizes`` binds the named dimensions."""

    sizes: dict[str, int]
    given_shapes: dict[str, tuple[int, ...]]


def computation(roots: Iterable[Expr]) -> dict[str, Variable]:
    """The variables of a computation by name; NameClashError if a name has two meanings."""
    roots = list(dict.fromkeys(roots))
    named: dict[str, Expr] = {}
    for node in _named_below(roots[0]) if len(roots) == 1 else _named_in(roots):
        _one_meaning(named, node)
    return {name: node for name, node in named.items() if isinstance(node, Variable)}


def _named_below(root: Expr) -> Iterable[Expr]:
    """The named nodes below an expression, remembered on it."""
    if "named" not in root.memo:
        named: dict[str, Expr] = {}
        for node in _named_in([root]):
            _one_meaning(named, node)
        root.memo["named"] = tuple(node for node in named.values() if node is not root)
    return (*root.memo["named"], *([root] if isinstance(root, (Variable, Definition)) else []))


def _named_in(roots: Iterable[Expr]) -> Iterable[Expr]:
    return (n for n in toposort(roots) if isinstance(n, (Variable, Definition)))


def _one_meaning(named: dict[str, Expr], node: Expr) -> None:
    assert isinstance(node, (Variable, Definition))
    other = named.setdefault(node.name, node)
    if other is not node:
        raise NameClashError(
            f"{node.name} names two quantities in one computation: {_kind(other)} and "
            f"{_kind(node)}",
            f"rename one of the two {node.name}",
        )


def require_one_meaning(of: Expr, others: Iterable[Expr]) -> None:
    """NameClashError if a name means one thing in ``of`` and another in ``others``."""
    if "names" not in of.memo:
        of.memo["names"] = {getattr(n, "name", ""): n for n in _named_below(of) if n is not of}
    names = of.memo["names"]
    strangers = [e for e in others if names.get(getattr(e, "name", "")) is not e and e is not of]
    if strangers:
        computation([of, *strangers])


def _kind(node: Expr) -> str:
    what = "a variable" if isinstance(node, Variable) else "an intermediate"
    return f"{what} of shape {format_shape(node.shape)}"


def given_values(mapping: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """One dictionary from a mapping (by name or by quantity) and keyword arguments.

    A value that holds several arrays (a mapping, or a list or tuple of arrays) is also given by
    the names of its parts, as ``leaf_names`` makes them.
    """
    if mapping is None:
        mapping = {}
    if not isinstance(mapping, Mapping):
        raise ValueNotAllowedError(
            f"values given as {type(mapping).__name__}", "give a mapping of names to arrays"
        )
    whole = {getattr(key, "name", None) or key: value for key, value in mapping.items()}
    given = {
        unicodedata.normalize("NFKC", key) if isinstance(key, str) else key: value
        for key, value in {**whole, **named}.items()
    }
    return {**_parts(given), **given}


def _parts(given: Mapping[Any, Any]) -> dict[str, Any]:
    """The arrays inside values that hold several, each by its own name and by its whole path."""
    if not any(isinstance(value, (Mapping, list, tuple)) for value in given.values()):
        return {}
    is_array = lambda value: not _holds_arrays(value)
    names, parts = leaf_names(given, is_array), {}
    for path, name in names.items():
        if len(path) > 1:
            value: Any = given
            for key in path:
                value = value[key]
            parts |= {"_".join(map(str, path)): value, name: value}
    return parts


def _holds_arrays(value: Any) -> bool:
    """Whether a value is a container of arrays, and no array written as nested numbers."""
    if isinstance(value, (list, tuple)):
        return any(isinstance(part, np.ndarray) or _holds_arrays(part) for part in value)
    return isinstance(value, Mapping)


def leaf_names(
    tree: Mapping[Any, Any], is_leaf: Callable[[Any], bool]
) -> dict[tuple[Any, ...], str]:
    """A name for each leaf of nested mappings, lists and tuples, by its path of keys.

    Its last key, if that is an identifier which no other leaf has; else all keys joined by "_".
    Raises NameClashError if two leaves would have one name.
    """
    paths: list[tuple[Any, ...]] = []

    def walk(node: Any, path: tuple[Any, ...]) -> None:
        if path and is_leaf(node):
            paths.append(path)
            return
        for key, part in node.items() if isinstance(node, Mapping) else enumerate(node):
            walk(part, (*path, key))

    walk(tree, ())
    often = Counter(path[-1] for path in paths)
    names: dict[tuple[Any, ...], str] = {}
    for path in paths:
        last = path[-1]
        alone = isinstance(last, str) and last.isidentifier() and often[last] == 1
        names[path] = last if alone or len(path) == 1 else "_".join(map(str, path))
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise NameClashError(f"two parameters would be called {twice[0]}", "rename one of them")
    return names


def read_values(
    needed: Iterable[str],
    variables: Mapping[str, Variable],
    given: Mapping[str, Any],
    *,
    finite: bool,
    what: str,
    giving: str = "{}",
) -> Values:
    """Check what is given for the variables of a computation and bind the named dimensions.

    Raises MissingValueError for a needed name that is absent, ShapeError for a value that
    does not fit, ValueNotAllowedError for a value that is no real array (or not ``finite``).
    ``giving`` is how the caller takes values: "at=dict({})".
    """
    missing = [name for name in needed if name not in given]
    if missing:
        raise _missing(missing, variables, given, what, giving)
    values = Values()
    values.sizes, values.given_shapes = {}, {}
    origins: dict[str, str] = {}
    for name, variable in variables.items():
        if name in given:
            array = read_array(name, given[name], finite=finite)
            values.given_shapes[name] = array.shape
            if variable.ndim == 1 and array.ndim == 2 and array.shape[1] == 1:
                array = array[:, 0]
            bind(name, variable.shape, array.shape, values.sizes, origins)
            _require_traits(name, variable.traits, array)
            values[name] = array
    if any(array.dtype != np.float32 for array in values.values()):
        for name, array in values.items():
            values[name] = array.astype(np.float64, copy=False)
    return values


def _missing(
    missing: list[str],
    variables: Mapping[str, Variable],
    given: Mapping[str, Any],
    what: str,
    giving: str,
) -> MissingValueError:
    wanted = ", ".join(f"{n} ({format_shape(variables[n].shape)})" for n in missing)
    strange = [name for name in given if name not in variables]
    message = f"{what} needs a value for {wanted}"
    if strange:
        several = len(strange) > 1
        message += f"; {', '.join(map(str, strange))} "
        message += "are no variables of it" if several else "is not a variable of it"
    close = {name: match[0] for name in missing if (match := _close(name, list(map(str, strange))))}
    if close:
        hint = "; ".join(f"did you mean {name} by {other}?" for name, other in close.items())
    else:
        hint = "give " + giving.format(", ".join(f"{name}=…" for name in missing))
    return MissingValueError(message, hint)


def _close(name: str, others: list[str]) -> list[str]:
    """The one of the others that was surely meant by the name."""
    same = [other for other in others if other.lower() == name.lower()]
    return same[:1] or difflib.get_close_matches(name, others, 1, 0.5)


def _is_masked(value: Any) -> bool:
    """Whether a value is a masked array; asking NumPy for the class would load all of numpy.ma."""
    return any(cls.__module__.startswith("numpy.ma") for cls in type(value).__mro__)


def read_array(name: str, value: Any, *, finite: bool) -> np.ndarray:
    """A real array of float32 or float64; ValueNotAllowedError for anything else."""
    try:
        array = np.asarray(None if _is_masked(value) else value)
    except (ValueError, TypeError, RuntimeError):  # the last by tensors that record gradients
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        kind = {"c": "complex numbers", "U": "text", "S": "text"}.get(
            array.dtype.kind, f"{type(value).__name__}, not a regular array of numbers"
        )
        raise ValueNotAllowedError(
            f"the value of {name} is {kind}",
            f"give {name} as a float: float({name})"
            if array.dtype.kind == "O" and isinstance(value, Number)
            else f"give {name} as an array of real numbers",
        )
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4  # of either byte order
    array = array.astype(np.float32 if single else np.float64, copy=False)
    # minimum and maximum carry NaN along and, unlike isfinite, make no temporary array
    if finite and array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise ValueNotAllowedError(
            f"the value of {name} contains NaN or infinite entries",
            f"give finite numbers for {name}",
        )
    return array


def _require_traits(name: str, traits: tuple[str, ...], array: np.ndarray) -> None:
    """ValueNotAllowedError where a matrix is not what it is declared to be."""
    if not traits or not np.isfinite(array).all():
        return
    allowed = 1e-6 * np.abs(array).max(initial=0) if array.dtype == np.float32 else 0.0
    allowed = max(allowed, 1e-12 * np.abs(array).max(initial=0))
    holds = {
        "symmetric": lambda: np.abs(array - array.T).max(initial=0) <= allowed,
        "positive definite": lambda: np.linalg.eigvalsh(array).min(initial=1.0) > 0,
        "diagonal": lambda: np.abs(array - np.diag(np.diag(array))).max(initial=0) <= allowed,
    }
    for trait in traits:
        if not holds[trait]():
            raise ValueNotAllowedError(
                f"the value of {name}, which is declared {trait}, is not",
                f"give a {trait} matrix, or declare {name} without that",
            )


def require_entries(roots: Iterable[Expr], sizes: Mapping[str, int]) -> None:
    """ShapeError where an entry beyond an axis is asked for, or a mean or maximum of nothing."""
    for node in toposort(roots) if sizes else ():
        if isinstance(node, Select):
            _require_index(node, sizes)
        elif isinstance(node, Special):
            core = node.argument.shape[node.argument.ndim - node.function.core :]
            empty = [dim for dim in core if _known_size(dim, sizes) == 0]
            if empty and not _has_value_of_nothing(node, sizes):
                raise _of_nothing(empty[0], _in_words(node))
        elif isinstance(node, Elementwise) and (node.function.exponent or 0) < 0:
            for dim in _counted(node.arguments[0]):
                if _known_size(dim, sizes) == 0:
                    raise _of_nothing(dim, "a mean or a variance")


def _known_size(dim: Dim, sizes: Mapping[str, int]) -> int | None:
    return size_of(dim, sizes) if sizes.keys() >= set(names_in([dim])) else None


def _has_value_of_nothing(node: Special, sizes: Mapping[str, int]) -> bool:
    """Whether a function has a value where there are no entries, as a product has."""
    shape = [_known_size(dim, sizes) or 0 for dim in node.argument.shape]
    try:
        node.function.value(np.ones(shape))
    except ValueError:
        return False
    return True


def _counted(e: Expr) -> Shape:
    """The dimensions whose product ``e`` is, written as sums of ones."""
    if isinstance(e, Einsum) and all(isinstance(o, Ones) for o in e.operands):
        return tuple(o.shape[0] for o in e.operands)
    return ()


def _in_words(node: Special) -> str:
    """The function, and of what where that has a name."""
    name, of = node.function.name, getattr(node.argument, "name", "")
    title = "max or min" if name == "max" else name  # min(x) is -max(-x)
    return f"{title} of {of}" if of else title


def _of_nothing(dim: Dim, what: str) -> ShapeError:
    return ShapeError(
        f"{what} over {dim}, which has size 0",
        f"give values with at least one entry along {dim}",
    )


def _require_index(node: Select, sizes: Mapping[str, int]) -> None:
    dim = node.operand.shape[node.axis]
    size = _known_size(dim, sizes)
    for index in node.ends:
        if size is not None and index >= size:
            raise ShapeError(
                f"entry {index} along {dim}, which has size {size}",
                f"choose an entry from 0 to {size - 1}" if size else f"give {dim} some entries",
            )


@contextmanager
def refuse_singular(what: str) -> Iterator[None]:
    """While ``what`` is computed: ValueNotAllowedError where a matrix has no inverse."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        failed = [
            frame.f_code.co_name
            for frame in frames
            if frame.f_globals.get("__name__", "").startswith("numpy.")
            if not frame.f_code.co_name.startswith("_")
        ]
        found = f"{failed[-1]} fails" if failed else "a matrix has no inverse"
        raise ValueNotAllowedError(
            f"{what}: {found} at these values ({str(error).lower().removesuffix('.')})",
            "give values at which the matrix is invertible",
        ) from None
