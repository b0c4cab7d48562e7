"""Drawing SVG by hand: shapes and words are put down, the sheet finds its own size.

A drawing lies on a card of its own, light or dark as the reader's system is, so that it can be
read on any page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from tensorcalc.plot.picture import Picture

__all__ = ["Drawing", "text_width"]

_MARGIN = 14.0
_LIGHT = {
    "card": "#fbfcfe", "edge": "#d5d9e0", "ink": "#1b1f24", "quiet": "#59616d", "line": "#8d96a3",
    "plane": "#1a5fb466", "empty": "#eef1f5", "full": "#bcd3f7", "accent": "#1a5fb4",
    "warm": "#9a4d08", "soft": "#fbe6d2",
}  # fmt: skip
_DARK = {
    "card": "#1b1f25", "edge": "#3a414b", "ink": "#eceff3", "quiet": "#aab2be", "line": "#78818e",
    "plane": "#8ab4f866", "empty": "#262b33", "full": "#2d5288", "accent": "#8ab4f8",
    "warm": "#f0ae6c", "soft": "#4a3520",
}  # fmt: skip
_RULES = """.card{{fill:{card};stroke:{edge}}}
.ink{{fill:{ink}}} .quiet{{fill:{quiet}}} .hot{{fill:{accent}}} .warm{{fill:{warm}}}
.line{{stroke:{line};fill:none}} .strong{{stroke:{accent};fill:none;stroke-width:2}}
.path{{stroke:{warm};fill:none;stroke-width:2}}
.plane{{fill:{plane};stroke:{accent}}}
.empty{{fill:{empty};stroke:{line}}} .full{{fill:{full};stroke:{accent}}}
.chosen{{fill:{soft};stroke:{warm};stroke-width:2}} .dot{{fill:{ink};stroke:{ink}}}
.arrow{{fill:{line}}} .patharrow{{fill:{warm}}}
"""
_FONTS = (
    'text{font-family:"DejaVu Sans","Segoe UI",Helvetica,Arial,sans-serif}'
    '.math{font-family:"STIX Two Text",Cambria,"DejaVu Serif",Georgia,"Times New Roman",serif}'
)
_STYLE = (
    _RULES.format(**_LIGHT)
    + "@media (prefers-color-scheme:dark){"
    + _RULES.format(**_DARK)
    + "}"
    + _FONTS
)


def text_width(words: str, size: float) -> float:
    """About how wide words are drawn."""
    return 0.58 * size * len(words)


@dataclass
class Drawing:
    """Shapes and words, and how far they reach."""

    parts: list[str] = field(default_factory=list)
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def _reach(self, *points: tuple[float, float]) -> None:
        for x, y in points:
            self.left, self.right = min(self.left, x), max(self.right, x)
            self.top, self.bottom = min(self.top, y), max(self.bottom, y)

    def rectangle(
        self, x: float, y: float, width: float, height: float, look: str, rounded: float = 0.0
    ) -> None:
        """A rectangle from its upper left corner."""
        self._reach((x, y), (x + width, y + height))
        corner = f' rx="{rounded:g}"' if rounded else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f'{corner} class="{look}"/>'
        )

    def circle(self, x: float, y: float, radius: float, look: str) -> None:
        """A circle around a point."""
        self._reach((x - radius, y - radius), (x + radius, y + radius))
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{look}"/>')

    def line(self, *points: tuple[float, float], look: str = "line", closed: bool = False) -> None:
        """A line through points; closed, it can be filled."""
        self._reach(*points)
        shape = "polygon" if closed else "polyline"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<{shape} points="{path}" class="{look}"/>')

    def arc(
        self, start: tuple[float, float], end: tuple[float, float], bow: float, look: str = "line"
    ) -> None:
        """A curve between two points that bows by so much across the straight line."""
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + bow)
        self._reach(start, end, (middle[0], (middle[1] + (start[1] + end[1]) / 2) / 2))
        path = f"M{start[0]:.1f},{start[1]:.1f} Q{middle[0]:.1f},{middle[1]:.1f}"
        self.parts.append(f'<path d="{path} {end[0]:.1f},{end[1]:.1f}" class="{look}"/>')

    def curve(
        self, start: tuple[float, float], end: tuple[float, float], look: str = "line"
    ) -> None:
        """A curve that leaves and arrives level."""
        self._reach(start, end)
        (x, y), (u, v) = start, end
        bend = (u - x) * 0.45
        path = f"M{x:.1f},{y:.1f} C{x + bend:.1f},{y:.1f} {u - bend:.1f},{v:.1f} {u:.1f},{v:.1f}"
        self.parts.append(f'<path d="{path}" class="{look}"/>')

    def loop(self, x: float, y: float, reach: float, look: str = "line") -> None:
        """A curve from a point down and back to it."""
        self._reach((x - reach, y), (x + reach, y + 1.6 * reach))
        path = (
            f"M{x:.1f},{y:.1f} C{x - 1.6 * reach:.1f},{y + 2 * reach:.1f}"
            f" {x + 1.6 * reach:.1f},{y + 2 * reach:.1f} {x:.1f},{y:.1f}"
        )
        self.parts.append(f'<path d="{path}" class="{look}"/>')

    def arrow_head(self, x: float, y: float, look: str = "arrow") -> None:
        """The head of an arrow that points to the right."""
        self.parts.append(
            f'<path d="M{x - 8:.1f},{y - 4:.1f} L{x:.1f},{y:.1f} L{x - 8:.1f},{y + 4:.1f} z"'
            f' class="{look}"/>'
        )

    def words(
        self,
        x: float,
        y: float,
        words: str,
        size: float = 13.0,
        look: str = "ink",
        anchor: str = "middle",
    ) -> None:
        """Words on a base line at ``y``, centred at ``x``, or starting or ending there."""
        width = text_width(words, size)
        start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
        self._reach((start, y - 0.8 * size), (start + width, y + 0.25 * size))
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"'
            f' class="{look}">{escape(words)}</text>'
        )

    def picture(self, title: str, alt: str) -> Picture:
        """The drawing as a picture, with a title and a description for who cannot see it."""
        x, y = self.left - _MARGIN, self.top - _MARGIN
        width = self.right - self.left + 2 * _MARGIN
        height = self.bottom - self.top + 2 * _MARGIN
        card = (
            f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{width - 1:.1f}"'
            f' height="{height - 1:.1f}" rx="8" class="card"/>'
        )
        body = "\n".join([card, *self.parts])
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
            f' viewBox="{x:.1f} {y:.1f} {width:.1f} {height:.1f}" role="img">\n'
            f"<title>{escape(title)}</title>\n<desc>{escape(alt)}</desc>\n"
            f"<style>{_STYLE}</style>\n{body}\n</svg>\n",
            alt,
        )
