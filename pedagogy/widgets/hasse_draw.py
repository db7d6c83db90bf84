"""A Diagram as inline SVG, for the page, and as PNG, for readers without HTML."""

from __future__ import annotations

import io
from html import escape

from ..plots import MINUS
from .hasse import CYCLE, HEIGHT, STATED, STROKES, Diagram, arrow, short

HEADS = {CYCLE: 15, STATED: 10}  # arrows, in pixels; a Hasse diagram needs none: higher is preferred


def svg(picture: Diagram) -> str:
    """The picture with its words as aria-label; as wide as the page allows."""
    width, height = picture.size
    parts = [_line(points, kind) for points, kind in picture.lines]
    parts += [_box(picture, name) for name in picture.boxes]
    return (
        f'<svg class="pg-hasse" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(picture.said)}" xmlns="http://www.w3.org/2000/svg" fill="currentColor" '
        f'font-family="system-ui, sans-serif" font-size="15" '
        f'style="width:100%;max-width:{width:.0f}px;height:auto">{"".join(parts)}</svg>'
    )


def _line(points, kind: str) -> str:
    width, dashes, color = STROKES[kind]
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    stroke = f'fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"{dash}'
    line = f'<polyline class="pg-{kind}" points="{_points(points)}" {stroke}/>'
    if kind not in HEADS:
        return line
    return f'{line}<polygon points="{_points(arrow(points, HEADS[kind]))}" fill="{color}"/>'


def _points(points) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _box(picture: Diagram, name: str) -> str:
    (x, y), width = picture.boxes[name], picture.widths[name]
    edge = 'stroke="currentColor" stroke-width="1.2"'
    if name in picture.cycle:
        edge = f'stroke="{MINUS}" stroke-width="4" stroke-dasharray="11 5"'
    elif name in picture.strong:
        edge = 'stroke="currentColor" stroke-width="3.5"'
    note = picture.notes.get(name, "")
    text = '<text x="{:.1f}" y="{:.1f}" text-anchor="middle"{}>{}</text>'
    lines = text.format(x, y + (-1 if note else 5), "", escape(short(name)))
    if note:
        lines += text.format(x, y + 15, ' font-size="12"', escape(note))
    return (
        f"<g><title>{escape(name)}</title>"
        f'<rect x="{x - width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{width:.1f}" '
        f'height="{HEIGHT}" rx="9" style="fill:var(--paper, #fff)" {edge}/>{lines}</g>'
    )


def png(picture: Diagram) -> bytes:
    """The same picture, drawn by matplotlib."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch, Polygon

    width, height = picture.size
    figure = Figure(figsize=(max(width, 120) / 90, height / 90))
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, max(width, 120)), ylim=(height, 0))
    ax.axis("off")
    for points, kind in picture.lines:
        thick, dashes, color = STROKES[kind]
        color = "black" if color == "currentColor" else color
        style = (0, tuple(float(d) / thick for d in dashes.split())) if dashes else "-"
        ax.plot(*zip(*points, strict=True), color=color, linewidth=thick * 0.8, linestyle=style)
        if kind in HEADS:
            ax.add_patch(Polygon(arrow(points, HEADS[kind]), color=color, zorder=3))
    for name, (x, y) in picture.boxes.items():
        thick = 2.8 if name in picture.cycle or name in picture.strong else 1
        color, style = (MINUS, "--") if name in picture.cycle else ("black", "-")
        corner = x - picture.widths[name] / 2 + 8, y - HEIGHT / 2 + 8
        ax.add_patch(
            FancyBboxPatch(
                corner, picture.widths[name] - 16, HEIGHT - 16, boxstyle="round,pad=8", facecolor="white",
                edgecolor=color, linestyle=style, linewidth=thick, zorder=4,
            )
        )  # fmt: skip
        note = picture.notes.get(name, "")
        text = short(name) + (f"\n{note}" if note else "")
        ax.text(x, y, text, ha="center", va="center", fontsize=10, zorder=5, parse_math=False)
    figure.savefig(file := io.BytesIO(), format="png", dpi=110)
    return file.getvalue()
