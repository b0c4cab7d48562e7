"""einsum spelled with identity matrices as masks, or with broadcasting and sums alone.

A product with an identity matrix would make NaN of 0 · ∞ beside the diagonal: a mask does not.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from tensorcalc.backends.translate import Context

__all__ = ["broadcast_einsum", "masked_einsum", "placed"]


def placed(c: Context, text: str, letters: str, target: str) -> str:
    """The array with its axes in the order of ``target``, and a None where it lacks one."""
    present = [i for i in target if i in letters]
    order = [letters.index(i) for i in present]
    if order != sorted(order):
        text = c.dialect.calls["transpose"](c, text, f"({', '.join(map(str, order))},)")
    places = [":" if i in present else "None" for i in target]
    if "None" not in places:
        return text
    return f"({text})[{', '.join(places)}]"


def _read(spec: str) -> tuple[list[str], str] | None:
    try:
        inputs, _, output = ast.literal_eval(spec).partition("->")
    except ValueError:
        return None
    return (inputs.split(","), output) if "." not in inputs else None


def masked_einsum(c: Context, spec: str, operands: Sequence[str]) -> str | None:
    """A product with identity matrices, as entries where the axes they tie are equal."""
    found = _read(spec)
    if found is None:
        return None
    inputs, output = found
    is_eye = [text.startswith(f"{c.library}.eye(") for text in operands]
    core = [k for k, eye in enumerate(is_eye) if not eye]
    repeated = any(len(set(letters)) < len(letters) for letters in inputs)
    if all(is_eye) or not any(is_eye) or repeated or set("".join(inputs)) != set(output):
        return None
    masks = []
    for letters, text, eye in zip(inputs, operands, is_eye, strict=True):
        if eye:
            size = ast.unparse(ast.parse(text, mode="eval").body.args[0])  # type: ignore[attr-defined]
            masks.append(placed(c, c.dialect.calls["eye"](c, size, dtype="bool"), letters, output))
    entries = " * ".join(f"({placed(c, operands[k], inputs[k], output)})" for k in core)
    return f"{c.library}.where({' & '.join(masks)}, {entries}, {c.dialect.zero(c)})"


def broadcast_einsum(c: Context, spec: str, operands: Sequence[str]) -> str:
    """A sum of products by broadcasting: for libraries without einsum."""
    found = _read(spec)
    if found is None:
        raise NotImplementedError(spec)
    inputs, output = found
    summed = "".join(dict.fromkeys(i for ix in inputs for i in ix if i not in output))
    factors = []
    for letters, text in zip(inputs, operands, strict=True):
        if len(set(letters)) < len(letters):
            letters, text = _diagonal(c, letters, text)
        factors.append(f"({placed(c, text, letters, output + summed)})")
    text = " * ".join(factors)
    if not summed:
        return text
    axes = tuple(range(len(output), len(output) + len(summed)))
    return c.dialect.calls["sum"](c, text, axis=str(axes))


def _diagonal(c: Context, letters: str, text: str) -> tuple[str, str]:
    """The array with the axes that have one letter taken together, last."""
    (twice,) = [i for i in dict.fromkeys(letters) if letters.count(i) > 1]
    if letters.count(twice) > 2:
        raise NotImplementedError(letters)
    order = [k for k, i in enumerate(letters) if i != twice]
    order += [k for k, i in enumerate(letters) if i == twice]
    if order != sorted(order):
        text = c.dialect.calls["transpose"](c, text, str(tuple(order)))
    rest = "".join(i for i in letters if i != twice)
    return rest + twice, c.dialect.calls["diagonal"](c, text)
