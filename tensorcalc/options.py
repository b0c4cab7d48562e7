"""Options of calls: one that there is not is told with those that there are."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tensorcalc.errors import TensorCalcError

__all__ = ["with_known_options"]

P = ParamSpec("P")
R = TypeVar("R")


def with_known_options(title: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The function, which raises TensorCalcError for an option that it does not have.

    ``title`` is what users call it: tc.compile.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters.values()
        known = [p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY]
        options = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]

        @functools.wraps(function)
        def call(*args: P.args, **named: P.kwargs) -> R:
            for name in named:
                if name not in known:
                    raise _unknown(title, name, named[name], known, options)
            return function(*args, **named)

        return call

    return decorated


def _unknown(
    title: str, name: str, value: object, known: list[str], options: list[str]
) -> TensorCalcError:
    text = repr(value) if isinstance(value, (bool, int, float, str)) else "…"
    close = difflib.get_close_matches(name, known, 1)
    return TensorCalcError(
        f"{title} with {name}={text}, which is no option of it; they are {', '.join(options)}",
        f"did you mean {close[0]}={text}?" if close else f"leave {name} out",
    )
