"""The stepper's tree as a picture: log π falls along every branch, and branches part where they were left."""

from __future__ import annotations

import math

from ..plots import PLUS
from .markup import number, ticks
from .stepper_state import TERMINATED, TRUNCATED, Node, StepperState

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 540, 260, 66, 500, 12, 214
DRAWN = 100  # points of a branch, about


def tree(state: StepperState) -> str:
    """Running log π over t of all branches, as an inline SVG; the current one is thick. "" without any."""
    segments = state.segments()
    if not segments:
        return ""
    ends = [segment.end for segment in segments]
    area, leaves = _Area(ends), state.leaves()
    branches = "".join(area.line([s.nodes[0].parent, *s.nodes]) for s in segments)
    here = area.line([state.root, *state.node.path])
    said = (
        f"Running log π of {len(leaves)} branches over t. The current one is after {state.node.t} tokens "
        f"at {number(state.node.total, 1)} nats."
    )
    return (
        f'<svg class="pg-tree" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}" '
        'xmlns="http://www.w3.org/2000/svg" fill="currentColor" font-family="system-ui, sans-serif" '
        f'font-size="13" style="width:100%;max-width:{WIDTH}px;height:auto">{area.axes()}'
        f'<g fill="none" stroke="currentColor" stroke-opacity=".55" stroke-width="1.4">{branches}</g>'
        f'<g fill="none" stroke="{PLUS}" stroke-width="3.2">{here}</g>'
        f"{''.join(_mark(*area.at(leaf), leaf.status) for leaf in leaves)}{_here(*area.at(state.node))}</svg>"
    )


class _Area:
    """Where states lie inside the picture, in pixels: t to the right, log π down from 0."""

    def __init__(self, ends: list[Node]):
        totals = [end.total for end in ends if math.isfinite(end.total)]
        self.steps, self.levels = ticks(0, max(end.t for end in ends)), ticks(min([-1.0, *totals]), 0)

    def x(self, t: float) -> float:
        return LEFT + (RIGHT - LEFT) * t / self.steps[-1]

    def y(self, nats: float) -> float:
        share = 1 - nats / self.levels[0]  # 1 at 0 nats
        return BOTTOM - (BOTTOM - TOP) * max(0.0, min(1.0, share))

    def at(self, node: Node) -> tuple[float, float]:
        return self.x(node.t), self.y(node.total)

    def line(self, nodes: list[Node]) -> str:
        thin = max(1, round(self.steps[-1] / DRAWN))  # in a long episode not every token needs a point
        points = (self.at(node) for node in [*nodes[:-1:thin], nodes[-1]])
        return f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'

    def axes(self) -> str:
        """Grid, numbers and names."""
        heights = {nats: self.y(nats) for nats in self.levels}
        grid = "".join(f"M{LEFT} {y:.1f}H{RIGHT}" for y in heights.values())
        labels = [
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(nats, 0)}</text>'
            for nats, y in heights.items()
        ]
        labels += [
            f'<text x="{self.x(t):.1f}" y="{BOTTOM + 18}" text-anchor="middle">{t:.0f}</text>'
            for t in self.steps
            if t == int(t)
        ]
        center, middle = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2
        return (
            f'<path d="{grid}" stroke="currentColor" stroke-opacity=".15" fill="none"/>{"".join(labels)}'
            f'<text x="{center:.0f}" y="{BOTTOM + 38}" text-anchor="middle">t, tokens so far</text>'
            f'<text transform="translate(13 {middle:.0f}) rotate(-90)" text-anchor="middle">'
            "log π so far, nats</text>"
        )


def _mark(x: float, y: float, status: str) -> str:
    """A filled square where EOS ended a branch, a cross where the limit did, a ring where it is open."""
    if status == TERMINATED:
        return f'<path d="M{x:.1f} {y:.1f}m-4 -4h8v8h-8z"/>'
    if status == TRUNCATED:
        path = f"M{x:.1f} {y:.1f}m-5 -5l10 10m0 -10l-10 10"
        return f'<path d="{path}" stroke="currentColor" stroke-width="2.2" fill="none"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="none" stroke="currentColor" stroke-width="1.6"/>'


def _here(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7.5" fill="none" stroke="{PLUS}" stroke-width="3"/>'
