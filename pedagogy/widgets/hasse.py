"""An order as a picture: a Hasse diagram in layers or, where a cycle leaves none, a ring."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from ..orders import PreferenceOrder
from ..plots import MINUS

Point = tuple[float, float]
HEIGHT, ROW, GAP = 42, 92, 26  # of a box; from layer to layer; between boxes: pixels
LONGEST = 18  # letters of a name that are drawn

COVER, IMPLIED, STATED, CYCLE = "covering", "implied", "stated", "cycle"
STROKES = {  # width, dashes, colour: told apart without the colour
    COVER: (2, "", "currentColor"),
    IMPLIED: (1.4, "2 5", "currentColor"),
    STATED: (1.6, "", "currentColor"),
    CYCLE: (4.5, "11 5", MINUS),
}


@dataclass(frozen=True)
class Diagram:
    """Boxes and lines, in pixels; y grows downwards. Lines run from the preferred element to the other."""

    boxes: dict[str, Point]  # centres
    lines: list[tuple[Sequence[Point], str]]  # points, and a key of STROKES
    notes: Mapping[str, str]  # a second, smaller line in a box
    strong: Collection[str]  # boxes with a thick edge
    cycle: Collection[str]  # boxes with a thick, dashed edge
    widths: Mapping[str, float]  # of the boxes
    said: str  # in words

    @property
    def size(self) -> Point:
        points = [point for line, _ in self.lines for point in line]
        right = [x + self.widths[name] / 2 for name, (x, _) in self.boxes.items()] + [x for x, _ in points]
        low = [y + HEIGHT / 2 for _, y in self.boxes.values()] + [y for _, y in points]
        return max(right) + 6, max(low) + 6


def diagram(
    order: PreferenceOrder,
    implied: bool = False,
    notes: Mapping[str, str] | None = None,
    strong: Collection[str] = (),
) -> Diagram:
    """The Hasse diagram, higher is preferred; with `implied` the rest of the closure too. A ring on a cycle.

    Elements are text, at least one. notes {element: a second line}, strong: elements with a thick edge.
    """
    notes = notes or {}
    widths = {a: max(48, 22 + 8.4 * max(len(short(a)), len(notes.get(a, "")))) for a in order.elements}
    if cycle := order.cycle():
        boxes, lines = _ring(order, set(pairwise([*cycle, cycle[0]])), widths)
    else:
        boxes, lines = _layered(order, implied, max(widths.values()))
    return Diagram(boxes, lines, notes, strong, cycle or (), widths, describe(order))


def describe(order: PreferenceOrder) -> str:
    """The picture in words, for those who cannot see it."""
    stated = ", ".join(f"{a} ≻ {b}" for a, b in order.graph.edges) or "none"
    if cycle := order.cycle():
        return f"The stated pairs as arrows on a ring: {stated}. Thick and dashed, the cycle {cycle!r}."
    layers = "; ".join(", ".join(layer) for layer in order.layers())
    covers = ", ".join(f"{a} ≻ {b}" for a, b in order.hasse().graph.edges) or "none"
    return f"Hasse diagram. Layers from the top: {layers}. Covering pairs: {covers}."


def short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"


# Layers


def _layered(order: PreferenceOrder, implied: bool, width: float):
    """A line that passes a layer gets a place of its own in it, so that it runs through no box."""
    kinds = dict.fromkeys(order.hasse().pairs, COVER)
    if implied:
        kinds |= dict.fromkeys(order.closure().pairs - order.hasse().pairs, IMPLIED)
    rows = order.layers()
    layer = {a: i for i, row in enumerate(rows) for a in row}
    chains = {}
    for a, b in sorted(kinds, key=lambda pair: [order.elements.index(c) for c in pair]):
        bends = [(i, a, b) for i in range(layer[a] + 1, layer[b])]
        for bend in bends:
            rows[bend[0]].append(bend)
        chains[a, b] = [a, *bends, b]
    links = [link for chain in chains.values() for link in pairwise(chain)]
    _untangle(rows, links)
    at = _places(rows, links, width)
    lines = [(_through([at[node] for node in chain]), kinds[pair]) for pair, chain in chains.items()]
    return {a: at[a] for a in order.elements}, lines


def _neighbours(rows: list[list], links: list[tuple]) -> dict:
    near = {node: [] for row in rows for node in row}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    return near


def _untangle(rows: list[list], links: list[tuple]) -> None:
    """Sort each row by the mean place of its neighbours, down and up a few times: fewer lines cross."""
    near = _neighbours(rows, links)
    for sweep in range(6):
        down = sweep % 2 == 0
        for i in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            other, own = _centred(rows[i - 1 if down else i + 1]), _centred(rows[i])
            found = {node: [other[n] for n in near[node] if n in other] for node in rows[i]}
            aim = {node: fmean(places) if places else own[node] for node, places in found.items()}
            rows[i].sort(key=aim.get)


def _centred(row: list) -> dict:
    return {node: k - (len(row) - 1) / 2 for k, node in enumerate(row)}


def _places(rows: list[list], links: list[tuple], width: float) -> dict:
    """Each node as near to the middle of its neighbours as the others in its row allow: straighter lines."""
    step, near = width + GAP, _neighbours(rows, links)
    x = {node: place * step for row in rows for node, place in _centred(row).items()}
    for sweep in range(12):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            aim = [fmean([x[n] for n in near[node]] or [x[node]]) for node in row]
            x |= zip(row, _spread(aim, step), strict=True)
    left = min(x.values()) - width / 2 - 6
    return {node: (x[node] - left, HEIGHT / 2 + 6 + i * ROW) for i, row in enumerate(rows) for node in row}


def _spread(aim: list[float], step: float) -> list[float]:
    """The places aimed at, moved apart to `step` or more: the mean of moving right and moving left."""
    right, left = list(aim), list(aim)
    for k in range(1, len(aim)):
        right[k] = max(right[k], right[k - 1] + step)
        left[-k - 1] = min(left[-k - 1], left[-k] - step)
    return [(a + b) / 2 for a, b in zip(right, left, strict=True)]


def _through(points: list[Point]) -> list[Point]:
    """From the lower edge of the first box to the upper edge of the last; upright where it passes a layer."""
    half = HEIGHT / 2
    (x0, y0), *bends, (x1, y1) = points
    passing = [(x, y + side) for x, y in bends for side in (-half, half)]
    return [(x0, y0 + half), *passing, (x1, y1 - half)]


# The ring


def _ring(order: PreferenceOrder, cycle: set, widths: Mapping[str, float]):
    """Arrows bow to one side, so that a ≻ b and b ≻ a are two."""
    names, width = order.elements, max(widths.values())
    rx = max(120.0, len(names) * (width + GAP) / 4.4)
    ry = max(105.0, len(names) * 15.0)
    center = rx + width / 2 + 6, ry + HEIGHT / 2 + 6
    boxes = {}
    for i, name in enumerate(names):
        turn = 2 * math.pi * i / len(names) - math.pi / 2
        boxes[name] = center[0] + rx * math.cos(turn), center[1] + ry * math.sin(turn)
    lines = []
    for a, b in sorted(order.graph.edges, key=cycle.__contains__):  # the cycle on top
        points = _bow(boxes[a], boxes[b], widths[a], widths[b])
        lines.append((points, CYCLE if (a, b) in cycle else STATED))
    return boxes, lines


def _bow(start: Point, end: Point, width: float, end_width: float) -> list[Point]:
    """Points of an arc from the edge of one box to that of another."""
    (x0, y0), (x1, y1) = start, end
    far = math.hypot(x1 - x0, y1 - y0)
    bend = 0.5 * min(34.0, 0.2 * far)
    middle = (x0 + x1) / 2 + bend * (y1 - y0) / far, (y0 + y1) / 2 - bend * (x1 - x0) / far
    first, last = _edge(start, middle, width), _edge(end, middle, end_width)
    control = [2 * m - (a + b) / 2 for m, a, b in zip(middle, first, last, strict=True)]
    return [_bezier(first, control, last, i / 12) for i in range(13)]


def _bezier(first: Point, control: Sequence[float], last: Point, t: float) -> Point:
    """The point at t, 0 … 1, of the quadratic Bézier curve."""
    coordinates = zip(first, control, last, strict=True)
    x, y = ((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c for a, b, c in coordinates)
    return x, y


def _edge(center: Point, toward: Point, width: float) -> Point:
    """Where the line from the centre of a box leaves it, and 4 pixels on."""
    dx, dy = toward[0] - center[0], toward[1] - center[1]
    scale = min((width / 2 + 4) / max(abs(dx), 1e-9), (HEIGHT / 2 + 4) / max(abs(dy), 1e-9))
    return center[0] + scale * dx, center[1] + scale * dy


def arrow(points: Sequence[Point], size: float) -> list[Point]:
    """The three corners of the head at the end of a line."""
    (x0, y0), (x1, y1) = points[-2:]
    far = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / far, (y1 - y0) / far
    back, side = (x1 - size * ux, y1 - size * uy), (size * 0.5 * uy, -size * 0.5 * ux)
    return [(x1, y1), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]
