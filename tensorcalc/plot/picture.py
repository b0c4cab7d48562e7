"""A picture: SVG text with a description in words, shown wherever notebooks show images."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tensorcalc.errors import TensorCalcError

__all__ = ["Picture"]


@dataclass(frozen=True)
class Picture:
    """An SVG image with its alternative text.

    Notebooks show it as an image whose data stands in the page: that survives where drawings in
    the page itself are stripped.
    """

    svg: str
    alt: str

    def __repr__(self) -> str:
        return f"<picture: {self.alt}>"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode("ascii")
        alt = escape(self.alt, quote=True)
        return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}"/>'

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return {
            kind: data
            for kind, data in bundle.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the SVG to a file.

        Raises TensorCalcError for a name that does not end in .svg, or that cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise TensorCalcError(
                f"saving a picture as {target.name}: it is an SVG image",
                f"give a name that ends in .svg, such as {target.stem}.svg",
            )
        try:
            target.write_text(self.svg, encoding="utf-8")
        except OSError as error:
            raise TensorCalcError(
                f"saving a picture as {target}: {(error.strerror or str(error)).lower()}",
                f"give a name in a folder that exists, such as {target.name}",
            ) from None
