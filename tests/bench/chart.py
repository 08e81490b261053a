"""Answers per second over the number of names and of views, as a small SVG.

One scale for both halves, from nothing up; a line for each server, named at its end, so that there is no key
to be looked up. The colours are those of Okabe and Ito, which people who see few colours can tell apart; they
do on white and on black.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 860, 400
_TOP, _BOTTOM, _LEFT, _GAP, _NAMES = 46, 46, 52, 60, 170
_COLOURS = ("#D55E00", "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#777777")
_LINE_PX = 14  # between two names


@dataclass(frozen=True)
class Panel:
    """One half: what is counted below it, and each server's thousands a second there."""

    title: str
    steps: Sequence[str]
    series: Mapping[str, Sequence[float | None]]


def svg(title: str, panels: Sequence[Panel]) -> str:
    """The chart; a server without a figure at a step has no point there."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    values = [one for panel in panels for row in panel.series.values() for one in row if one is not None]
    step = _step(max(values, default=1.0))
    top = step * -(-max(values, default=1.0) // step)
    width = (WIDTH - _LEFT - _GAP * (len(panels) - 1) - _NAMES * len(panels)) / len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#777777">',
        f"<title>{escape(title)}</title>",
    ]
    for number, panel in enumerate(panels):
        left = _LEFT + number * (width + _NAMES + _GAP)
        parts += _panel(panel, left, width, top, step, colours)
    return "\n".join([*parts, "</svg>", ""])


def _step(most: float) -> float:
    """Of 1, 2 or 5 times a power of ten: the least that makes no more than six lines."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if most / (step * factor) <= 6:
                return step * factor
        step *= 10


def _panel(
    panel: Panel, left: float, width: float, top: float, step: float, colours: Mapping[str, str]
) -> list[str]:
    def x(index: int) -> float:
        return left + width * index / max(len(panel.steps) - 1, 1)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top

    parts = [f'<text x="{left:.0f}" y="20" font-weight="600">{escape(panel.title)}</text>']
    for line in range(round(top / step) + 1):
        at = y(line * step)
        parts.append(
            f'<path d="M{left:.1f} {at:.1f}h{width:.1f}" stroke="#777777" stroke-opacity="0.25"/>'
            f'<text x="{left - 8:.1f}" y="{at + 4:.1f}" text-anchor="end">{line * step:g}</text>'
        )
    parts += [
        f'<text x="{x(index):.1f}" y="{HEIGHT - _BOTTOM + 20}" text-anchor="middle">{escape(one)}</text>'
        for index, one in enumerate(panel.steps)
    ]
    ends: list[tuple[float, float, str]] = []
    for name, row in panel.series.items():
        points = [(x(index), y(value)) for index, value in enumerate(row) if value is not None]
        if not points:
            continue
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colours[name]}"/>' for px, py in points]
        ends.append((points[-1][1], points[-1][0], name))
    for at, (_, from_x, name) in zip(_apart([end[0] for end in sorted(ends)]), sorted(ends), strict=True):
        place = f'x="{from_x + 8:.1f}" y="{at + 4:.1f}"'
        parts.append(f'<text {place} fill="{colours[name]}">{escape(name)}</text>')
    return parts


def _apart(heights: Sequence[float]) -> list[float]:
    """The same heights, from above, moved down as far as it takes to read what stands there."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + _LINE_PX) if moved else height)
    excess = moved[-1] - (HEIGHT - _BOTTOM) if moved else 0.0
    return [height - max(excess, 0.0) for height in moved]
