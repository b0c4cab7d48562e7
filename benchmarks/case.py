"""What is measured: cases, the question each puts to other libraries, and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Values = Mapping[str, np.ndarray]
Run = Callable[[], Any]  # one call with its arguments in place; this is what is timed
Bind = Callable[[Values], Run]
Make = Callable[[], Bind]  # derives, generates, compiles


class NotSupported(Exception):
    """A library cannot do what is asked; the text says why, for the table."""


@dataclass(frozen=True)
class Question:
    """The same mathematics for every library.

    ``function`` takes a library's own functions (see ``peers``) and the values by name, and
    returns a scalar. ``wanted`` is "gradient", "hessian", "hvp" or "literal chain".
    """

    function: Callable[[Any, Mapping[str, Any]], Any]
    by: tuple[str, ...]
    wanted: str = "gradient"
    tangent: str = ""  # the name of the direction of a Hessian-vector product


@dataclass(frozen=True)
class Contender:
    """One way to the answer; ``read`` makes the answer an array where it is not one."""

    make: Make
    read: Callable[[Any], Any] = lambda answer: answer


@dataclass(frozen=True)
class Case:
    """One line of a table. ``hand`` is what all others are compared with and measured by."""

    name: str
    draw: Callable[[np.random.Generator], Values]
    hand: Bind
    ours: Mapping[str, Contender]
    question: Question | None = None
    others: Mapping[str, Contender] = field(default_factory=dict)
    dense: Bind | None = None  # what answers are compared with, where that is not ``hand``


@dataclass
class Result:
    """One cell of a table."""

    group: str
    case: str
    contender: str
    threads: int
    value: float | None = None
    unit: str = "s"
    ratio: float | None = None
    low: float | None = None  # quartiles of the ratio
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Group:
    """A table: its title, its cases, or its own way to measure.

    Cases with other libraries are timed with their imports done. Where ``threads`` can matter,
    cases are timed with every number of them; what has its own way to measure is measured once.
    """

    title: str
    cases: Callable[[bool], Sequence[Case]] | None = None
    measure: Callable[..., list[Result]] | None = None
    threads: bool = True
