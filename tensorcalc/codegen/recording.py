"""One run of generated source, recorded operation by operation.

The source is executed with stand-ins for its values and for NumPy. A record is true for values
of the same shapes and precision, since generated source never branches on an entry; where
something did, recording is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tensorcalc.codegen.record import CannotRecord, Node, Record
from tensorcalc.codegen.shaped import ShapedArray, ShapedLibrary
from tensorcalc.codegen.stand_ins import LibraryStandIn, StandIn, node_of

__all__ = ["recorded", "recorded_by_shapes"]


def recorded(
    source: str, name: str, namespace: dict[str, Any], values: Sequence[Any], library: Any = np
) -> Record:
    """The record of calling function ``name`` of ``source``; CannotRecord if there is none.

    What the source makes of nothing, and the arrays of ``namespace``, have the values' precision.
    Where values are without entries, ``library`` makes such arrays of sizes.
    """
    nodes: list[Node] = []
    precision = values[0].dtype if values else np.dtype(np.float64)
    arguments = [Node("argument", shape=v.shape, dtype=v.dtype) for v in values]
    inner: dict[str, Any] = {"np": LibraryStandIn(library, nodes, precision)}
    exec(_with_locals(source, name), inner)
    inner |= {word: _constant(value, nodes, precision) for word, value in namespace.items()}
    stand_ins = [StandIn(v, n, nodes) for v, n in zip(values, arguments, strict=True)]
    try:
        with np.errstate(all="ignore"):
            results, named = inner[name](*stand_ins)
    except CannotRecord:
        raise
    except Exception as error:  # the run itself went well before: a stand-in does not suffice
        raise CannotRecord(str(error)) from error
    for word, value in named.items():
        if isinstance(value, StandIn):
            value.node.name = value.node.name or word
    several = results if isinstance(results, tuple) else (results,)
    return Record(tuple(arguments), tuple(nodes), tuple(map(node_of, several)))


def recorded_by_shapes(
    source: str, name: str, namespace: Mapping[str, Any], values: Sequence[ShapedArray]
) -> Record:
    """The record of such a call, for which no entry is computed."""
    shaped = {
        word: ShapedArray.like(value) if isinstance(value, np.ndarray) else value
        for word, value in namespace.items()
    }
    return recorded(source, name, shaped, values, ShapedLibrary())


def _constant(value: Any, nodes: list[Node], precision: np.dtype) -> Any:
    """The stand-in of an array that the source does not compute; others stand for themselves."""
    if not isinstance(value, (np.ndarray, ShapedArray)):
        return value
    if value.dtype.kind == "f":
        value = value.astype(precision, copy=False)
    node = Node("constant", value, shape=value.shape, dtype=value.dtype, writeable=False)
    return StandIn(value, node, nodes)


def _with_locals(source: str, name: str) -> Any:
    """The source, its function returning its names too, without importing the real NumPy."""
    tree = ast.parse(source)
    tree.body = [s for s in tree.body if not isinstance(s, ast.Import)]
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            last = statement.body[-1]
            assert isinstance(last, ast.Return)
            assert last.value is not None
            both = [last.value, ast.parse("locals()", mode="eval").body]
            last.value = ast.Tuple(both, ast.Load())
    return compile(ast.fix_missing_locations(tree), "<recording>", "exec")
