"""Curves of a run over its steps: points in, an inline SVG out, with what it shows in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .markup import number, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 400, 216, 58, 388, 12, 168
HALO = "paint-order:stroke;stroke:var(--jp-layout-color0,#fff);stroke-width:4px"  # legible on curves
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Curve:
    """Measured points (step, value) with marks, and `faint` ones, of single batches, as a thin line."""

    points: Points
    faint: Points = ()
    color: str = "currentColor"
    dash: str = ""
    mark: str = "o"  # o circle, s square


@dataclass(frozen=True)
class Level:
    """A horizontal line that means something, with its name."""

    value: float
    name: str


def curves(title: str, unit: str, drawn: Sequence[Curve], steps: int, level: Level | None = None) -> str:
    """An SVG of all curves over steps 0 … `steps`. What is not finite is left out."""
    kept = [(_finite(c.points), _finite(c.faint), c) for c in drawn]
    values = [y for points, faint, _ in kept for _, y in [*points, *faint]]
    marked = [level.value] if level else []
    low, high = min([*values, *marked, 0 if not values else math.inf]), max([*values, *marked], default=1.0)
    levels, across = ticks(low, high, 4), ticks(0, max(1, steps), 4)
    frame = _Frame(max(1, steps), levels[0], levels[-1])
    parts = [_axes(frame, [s for s in across if s <= max(1, steps)], levels, unit)]
    parts += [_curve(frame, points, faint, curve) for points, faint, curve in kept]
    if level:
        parts.append(_level(frame, level))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        'xmlns="http://www.w3.org/2000/svg" fill="currentColor" font-family="system-ui, sans-serif" '
        f'font-size="12.5" style="width:100%;max-width:460px;height:auto">{"".join(parts)}</svg>'
    )


class _Frame:
    """From steps and values to pixels."""

    def __init__(self, steps: float, low: float, high: float):
        self.steps, self.low, self.high = steps, low, high

    def at(self, step: float, value: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * step / self.steps
        return x, BOTTOM - (BOTTOM - TOP) * (value - self.low) / (self.high - self.low)


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if y is not None and math.isfinite(y)]


def _axes(frame: _Frame, steps: Sequence[float], levels: Sequence[float], unit: str) -> str:
    digits = max(0, -math.floor(math.log10(levels[1] - levels[0]) + 1e-9))
    made = []
    for value in levels:
        y = frame.at(0, value)[1]
        made.append(f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="currentColor" stroke-opacity=".15"/>')
        made.append(f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{number(value, digits)}</text>')
    for step in steps:
        x = frame.at(step, frame.low)[0]
        made.append(f'<text x="{x:.1f}" y="{BOTTOM + 17}" text-anchor="middle">{step:g}</text>')
    made.append(f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 38}" text-anchor="middle">steps</text>')
    middle = (TOP + BOTTOM) / 2
    made.append(
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(unit)}</text>'
    )
    return "".join(made)


def _level(frame: _Frame, level: Level) -> str:
    y = frame.at(0, level.value)[1]
    over = y - 5 if y - TOP > 20 else y + 15
    return (
        f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="currentColor" stroke-dasharray="2 4" stroke-width="1.4"/>'
        f'<text x="{RIGHT - 2}" y="{over:.1f}" text-anchor="end" style="{HALO}">{escape(level.name)}</text>'
    )


def _curve(frame: _Frame, points: Points, faint: Points, curve: Curve) -> str:
    made = ""
    for some, style in ((faint, 'stroke-width="1.2" stroke-opacity=".5"'), (points, 'stroke-width="2.4"')):
        line = " ".join("{:.1f},{:.1f}".format(*frame.at(*p)) for p in some)
        if line:
            dash = f' stroke-dasharray="{curve.dash}"' if curve.dash else ""
            made += f'<polyline points="{line}" fill="none" stroke="{curve.color}" {style}{dash}/>'
    shape = '<path d="M{:.1f} {:.1f}m-3.6 -3.6h7.2v7.2h-7.2z"/>' if curve.mark == "s" else (
        '<circle cx="{:.1f}" cy="{:.1f}" r="3.9"/>'
    )  # fmt: skip
    marks = "".join(shape.format(*frame.at(*p)) for p in points)
    return f'{made}<g fill="{curve.color}">{marks}</g>'
