"""Products of arrays as the NumPy a person would write: @, outer, *, sum, and einsum last."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import opt_einsum

from tensorcalc.codegen.code import ATOM, MUL, Code
from tensorcalc.shapes import Dim

__all__ = ["Contraction", "Factor", "broadcast_code", "product_code"]

Indices = tuple[int, ...]
_TRIED = 4  # factors of which every order is tried
_ASSUMED = 64  # the size a named dimension is taken to have when the order is planned


@dataclass(frozen=True)
class Factor:
    """An array's code and the indices of its axes."""

    code: Code
    indices: Indices


@dataclass(frozen=True)
class Contraction:
    """A product of two arrays: its code, its axes and those it sums over, by their sizes."""

    text: str
    axes: tuple[Dim, ...]
    summed: tuple[Dim, ...]


def product_code(
    factors: Sequence[Factor],
    output: Indices,
    sizes: dict[int, Dim],
    log: list[Contraction] | None = None,
) -> Code:
    """The sum over every index that ``output`` lacks of the product of ``factors``.

    The products of two arrays that it is made of are put on the ``log``.
    """

    def pair_of(a: Factor, b: Factor, kept: set[int], wanted: Indices | None) -> Factor:
        a, b = _without_lone(a, b, kept), _without_lone(b, a, kept)
        result = _pair(a, b, kept, wanted)
        union = dict.fromkeys(a.indices + b.indices)
        summed = tuple(sizes[i] for i in union if i not in kept)
        if log is not None and (summed or a.indices != b.indices):
            log.append(Contraction(result.code.text, tuple(sizes[i] for i in union), summed))
        return result

    merged = _merge_equal(factors, output)
    while len(merged) > 2:
        first, second = _best_pair(merged, output, sizes)
        rest = [f for n, f in enumerate(merged) if n not in (first, second)]
        kept = set(output).union(*(f.indices for f in rest))
        pair = pair_of(merged[first], merged[second], kept, None)
        merged = _merge_equal([*rest, pair], output)
    if len(merged) == 1:
        return _single(merged[0], output)
    result = pair_of(merged[0], merged[1], set(output), output)
    return _single(result, output)


def _merge_equal(factors: Sequence[Factor], output: Indices) -> list[Factor]:
    """Factors over the same indices are multiplied entry by entry."""
    if len(factors) == 2 and not set(factors[0].indices) <= set(output):
        return list(factors)  # a contraction, u @ u: not a product to be summed
    merged: dict[Indices, Code] = {}
    for factor in factors:
        known = merged.get(factor.indices)
        merged[factor.indices] = factor.code if known is None else times(known, factor.code)
    return [Factor(code, indices) for indices, code in merged.items()]


def times(a: Code, b: Code) -> Code:
    """a * b."""
    return Code(f"{a.inside(MUL, '*')} * {b.inside(MUL, '*')}", MUL, "*")


def matmul(a: Code, b: Code) -> Code:
    """a @ b."""
    return Code(f"{a.inside(MUL, '@')} @ {b.inside(MUL, '@', right=True)}", MUL, "@")


def _best_pair(
    factors: Sequence[Factor], output: Indices, sizes: dict[int, Dim]
) -> tuple[int, int]:
    """The pair to multiply first; of few factors every order is tried."""
    number = {i: float(s) if isinstance(s, int) else _ASSUMED for i, s in sizes.items()}
    if len(factors) <= _TRIED:
        return _best_order(tuple(factors), frozenset(output), number)[1]
    return _planned_pair(factors, output, sizes)


def _best_order(
    factors: tuple[Factor, ...], output: frozenset[int], number: Mapping[int, float]
) -> tuple[tuple[float, float], tuple[int, int]]:
    """The cost of the best order, operations and then memory, and the pair that comes first.

    An array times its own transpose costs half.
    """
    best: tuple[tuple[float, float], tuple[int, int]] | None = None
    for first, second in itertools.combinations(range(len(factors)), 2):
        a, b = factors[first], factors[second]
        rest = tuple(f for n, f in enumerate(factors) if n not in (first, second))
        union = {*a.indices, *b.indices}
        needed = output.union(*(f.indices for f in rest))
        kept = tuple(i for i in dict.fromkeys(a.indices + b.indices) if i in needed)
        operations = math.prod(number[i] for i in union)
        operations *= 0.5 if _is_gram(a, b) else 1
        memory = math.prod(number[i] for i in kept)
        if rest:
            after = (Factor(Code(f"{a.code.text} {b.code.text}"), kept), *rest)
            (later, most), _ = _best_order(after, output, number) if len(after) > 1 else ((0, 0), 0)
            operations, memory = operations + later, max(memory, most)
        if best is None or (operations, memory) < best[0]:
            best = (operations, memory), (first, second)
    assert best is not None
    return best


def _is_gram(a: Factor, b: Factor) -> bool:
    """Whether two factors are one matrix, summed along the same axis: XᵀX or XXᵀ."""
    return (
        a.code == b.code
        and len(a.indices) == len(b.indices) == 2
        and sum(i == j for i, j in zip(a.indices, b.indices, strict=True)) == 1
    )


def _planned_pair(
    factors: Sequence[Factor], output: Indices, sizes: dict[int, Dim]
) -> tuple[int, int]:
    number = {i: s if isinstance(s, int) else _ASSUMED for i, s in sizes.items()}
    shapes = [tuple(number[i] for i in f.indices) for f in factors]
    equation = ",".join(letters(f.indices) for f in factors) + "->" + letters(output)
    path: Any = opt_einsum.contract_path(equation, *shapes, shapes=True, optimize="auto")[0]
    pair = sorted(path[0])
    return (pair[0], pair[1]) if len(pair) == 2 else (0, 1)


def letters(indices: Indices) -> str:
    """Indices as einsum letters."""
    return "".join(opt_einsum.get_symbol(i) for i in indices)


def turned(factor: Factor) -> Code:
    """The transpose of a matrix's code."""
    text = factor.code.text
    if text.endswith(".T") and factor.code.level == ATOM:
        return Code(text[:-2])
    return Code(f"{factor.code.inside(ATOM)}.T")


def _single(factor: Factor, output: Indices) -> Code:
    """Sum out and reorder the axes of one array."""
    indices = factor.indices
    if indices == output:
        return factor.code
    if len(set(indices)) < len(indices):
        return _repeated(factor, output)
    gone = [axis for axis, i in enumerate(indices) if i not in output]
    code = factor.code
    if gone:
        where = (
            ""
            if len(gone) == len(indices)
            else f"axis={gone[0] if len(gone) == 1 else tuple(gone)}"
        )
        code = Code(f"{code.inside(ATOM)}.sum({where})")
        indices = tuple(i for i in indices if i in output)
    if indices == output:
        return code
    if len(indices) == 2:
        return turned(Factor(code, indices))
    order = tuple(indices.index(i) for i in output)
    return Code(f"{code.inside(ATOM)}.transpose({order})")


def _repeated(factor: Factor, output: Indices) -> Code:
    if len(factor.indices) == 2:
        call = "np.diagonal" if output else "np.trace"
        return Code(f"{call}({factor.code.text})")
    return Code(f'np.einsum("{letters(factor.indices)}->{letters(output)}", {factor.code.text})')


def _pair(a: Factor, b: Factor, kept: set[int], wanted: Indices | None) -> Factor:
    """The product of two arrays, summed over what both have and is not kept."""
    shared = [i for i in a.indices if i in b.indices]
    summed = [i for i in shared if i not in kept]
    distinct = len(set(a.indices)) == len(a.indices) and len(set(b.indices)) == len(b.indices)
    if not distinct:
        return _general(a, b, kept, wanted)
    if not summed:
        return _unsummed(a, b, wanted)
    plain = len(summed) == len(shared) and len(a.indices) <= 2 >= len(b.indices)
    if plain and len(summed) == 1:
        return _matmul(a, b, summed[0], wanted)
    if plain and len(summed) == 2:
        other = b.code if a.indices == b.indices else turned(b)
        return Factor(Code(f"np.vdot({a.code.text}, {other.text})"), ())
    return _general(a, b, kept, wanted)


def _without_lone(a: Factor, b: Factor, kept: set[int]) -> Factor:
    """Sum out what only this factor has and nobody keeps."""
    if len(set(a.indices)) < len(a.indices):
        return a
    stay = tuple(i for i in a.indices if i in kept or i in b.indices)
    return a if stay == a.indices else Factor(_single(a, stay), stay)


def _matmul(a: Factor, b: Factor, s: int, wanted: Indices | None) -> Factor:
    free_a = tuple(i for i in a.indices if i != s)
    free_b = tuple(i for i in b.indices if i != s)
    if len(a.indices) == 1 and len(b.indices) == 2:
        a, b, free_a, free_b = b, a, free_b, free_a
    if wanted == free_b + free_a and len(a.indices) == 2 == len(b.indices):
        a, b, free_a, free_b = b, a, free_b, free_a
    left = a.code if a.indices[-1] == s else turned(a)
    right = b.code if b.indices[0] == s else turned(b)
    return Factor(matmul(left, right), free_a + free_b)


def _unsummed(a: Factor, b: Factor, wanted: Indices | None) -> Factor:
    union = tuple(dict.fromkeys(a.indices + b.indices))
    order = wanted if wanted is not None and set(wanted) == set(union) else union
    if len(a.indices) == 1 == len(b.indices) and a.indices != b.indices:
        first, second = (a, b) if order == a.indices + b.indices else (b, a)
        return Factor(Code(f"np.outer({first.code.text}, {second.code.text})"), order)
    left = broadcast_code(a, order)
    right = broadcast_code(b, order)
    return Factor(times(left, right), order)


def broadcast_code(factor: Factor, order: Indices) -> Code:
    """The array with its axes in ``order`` and a None where it lacks one."""
    present = tuple(i for i in order if i in factor.indices)
    code = _single(factor, present)
    if present == order or not present:
        return code
    while order and order[0] not in present:  # leading axes broadcast by themselves
        order = order[1:]
    if present == order:
        return code
    places = ", ".join(":" if i in present else "None" for i in order)
    return Code(f"{code.inside(ATOM)}[{places}]")


def _general(a: Factor, b: Factor, kept: set[int], wanted: Indices | None) -> Factor:
    """Products of arrays of any number of axes: by matmul or tensordot where BLAS can do it."""
    distinct = len(set(a.indices)) == len(a.indices) and len(set(b.indices)) == len(b.indices)
    found = _by_blas(a, b, kept) if distinct else None
    if found is not None:
        return Factor(_single(found, wanted), wanted) if wanted is not None else found
    union = tuple(dict.fromkeys(a.indices + b.indices))
    output = wanted if wanted is not None else tuple(i for i in union if i in kept)
    spec = f"{letters(a.indices)},{letters(b.indices)}->{letters(output)}"
    return Factor(Code(f'np.einsum("{spec}", {a.code.text}, {b.code.text})'), output)


def _by_blas(a: Factor, b: Factor, kept: set[int]) -> Factor | None:
    """The product with its axes as they come; None where einsum does as well."""
    shared = [i for i in a.indices if i in b.indices]
    summed = tuple(i for i in shared if i not in kept)
    batch = tuple(i for i in shared if i in kept)
    free_a = tuple(i for i in a.indices if i not in shared)
    free_b = tuple(i for i in b.indices if i not in shared)
    if not summed or not free_a + free_b:
        return None
    if len(summed) == 1 and len(free_a) <= 1 >= len(free_b) and batch:
        return _batched(a, b, batch, summed)
    if batch:
        return None
    if len(a.indices) < len(b.indices):
        a, b, free_a, free_b = b, a, free_b, free_a
    if len(summed) == 1 and len(free_b) <= 1:
        (s,) = summed
        if a.indices[-1] == s:
            right = b.code if b.indices[0] == s else turned(b)
            return Factor(matmul(a.code, right), free_a + free_b)
        if a.indices[-2] == s and free_b:
            left = b.code if b.indices[-1] == s else turned(b)
            return Factor(matmul(left, a.code), (*a.indices[:-2], *free_b, a.indices[-1]))
    axes = [[f.indices.index(s) for s in summed] for f in (a, b)]
    call = f"np.tensordot({a.code.text}, {b.code.text}, ({axes[0]}, {axes[1]}))"
    return Factor(Code(call), free_a + free_b)


def _batched(a: Factor, b: Factor, batch: Indices, summed: Indices) -> Factor:
    """One product of matrices, or of a matrix and a vector, for every entry of the batch."""
    free_a = tuple(i for i in a.indices if i not in batch + summed)
    free_b = tuple(i for i in b.indices if i not in batch + summed)
    if not free_a:
        a, b, free_a, free_b = b, a, free_b, free_a
    left = _single(a, batch + free_a + summed)
    right = Code(_single(b, batch + summed + free_b).inside(ATOM))
    if free_b:
        return Factor(matmul(left, right), batch + free_a + free_b)
    column = matmul(left, Code(f"{right.text}[..., None]"))
    return Factor(Code(f"({column.text})[..., 0]"), batch + free_a)
