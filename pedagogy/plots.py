"""Figures: arrays in, Axes out. Nothing here knows of models."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Collection, Hashable, Sequence
from html import escape
from itertools import pairwise

import numpy as np

PLUS, MINUS = "#0072b2", "#d55e00"  # blue for y⁺, vermilion for y⁻: told apart by every kind of colour vision


def running_sum(logprobs) -> np.ndarray:
    """∑_{s≤t} log π(y_s | x, y_<s) for t = 0 … T, in nats: (T,) -> (T+1,), float64, from 0 at t = 0."""
    return np.concatenate([[0.0], np.cumsum(np.asarray(logprobs, dtype=np.float64))])


def running_logprobs(plus, minus, ax=None):
    """Running sums of log π(y⁺|x) and log π(y⁻|x) over t; their ends differ by the gap.

    plus (T⁺,), minus (T⁻,): log-probabilities of the tokens, in nats. Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")[1]
    styles = {"y⁺": (plus, PLUS, "-", "o"), "y⁻": (minus, MINUS, "--", "s")}
    for name, (logprobs, color, line, marker) in styles.items():
        sums = running_sum(logprobs)
        ax.plot(sums, line, color=color, marker=marker, markevery=max(1, len(sums) // 12), markersize=4,
                label=f"{name}: {sums[-1]:.1f} nats after {len(sums) - 1} tokens")  # fmt: skip
    ax.set_xlabel("t, tokens of the response")
    ax.set_ylabel("log π(y up to t | x), nats")
    ax.legend(frameon=False)
    ax.grid(alpha=0.25)
    return ax


# Orders: these draw whatever has `.layers()`, `.hasse()`, `.elements`, `.pairs` and `.cycle()`


def element_name(element: Hashable) -> str:
    return ", ".join(map(str, element)) if isinstance(element, tuple) else str(element)


def hasse(order, ax=None, mark: Collection = (), name: Callable[[Hashable], str] = element_name):
    """The Hasse diagram: a line from each element to those just below it. Higher is better along lines only.

    `mark`: elements to draw with a thick blue frame. OrderError, from the order, where there is a cycle.
    """
    places, paths = layered(order.layers(), order.hasse().pairs)
    points = [*places.values(), *(point for path in paths.values() for point in path)]
    ax = _canvas(ax, points, [name(a) for a in places])
    for path in paths.values():
        ax.plot(*zip(*path, strict=True), color="0.45", linewidth=1.3, zorder=1)
    _nodes(ax, places, mark, name)
    return ax


def layered(layers: Sequence[Sequence], edges: Collection[tuple]) -> tuple[dict, dict]:
    """Where to draw a layered graph: {node: (x, y)}, and {(a, b): its points from a to b}. y = 0 at the top.

    An edge past several layers has a place in each of them, so that it runs beside their nodes. Each layer is
    sorted by the mean x of its neighbours, a few times down and up (Sugiyama, Tagawa & Toda 1981).
    """
    level = {node: y for y, layer in enumerate(layers) for node in layer}
    number = {node: i for i, node in enumerate(level)}
    rows, paths = [list(layer) for layer in layers], {}
    for a, b in sorted(edges, key=lambda edge: [number[node] for node in edge]):  # the same in every run
        bends = {y: object() for y in range(level[a] + 1, level[b])}
        for y, bend in bends.items():
            rows[y].append(bend)
        paths[a, b] = [a, *bends.values(), b]
    near = {node: [] for row in rows for node in row}
    for a, b in (step for path in paths.values() for step in pairwise(path)):
        near[a].append(b)
        near[b].append(a)
    place = {}
    for y in [*range(len(rows)), *reversed(range(len(rows)))] * 3:
        met = {node: [place[other][0] for other in near[node] if other in place] for node in rows[y]}
        rows[y].sort(key=lambda node: sum(met[node]) / len(met[node]) if met[node] else 0.0)
        place |= {node: (i - (len(rows[y]) - 1) / 2, -float(y)) for i, node in enumerate(rows[y])}
    points = {edge: [place[node] for node in path] for edge, path in paths.items()}
    return {node: place[node] for node in level}, points


def hasse_words(order) -> str:
    """The Hasse diagram in words, for those who cannot see it."""
    rows = ["; ".join(element_name(a) for a in layer) for layer in order.layers()]
    rank = {a: i for i, a in enumerate(order.elements)}
    lines = sorted(order.hasse().pairs, key=lambda pair: (rank[pair[0]], rank[pair[1]]))
    said = "; ".join(f"{element_name(a)} above {element_name(b)}" for a, b in lines)
    return f"Hasse diagram, rows from the top: {' / '.join(rows)}. Lines: {said or 'none'}."


def relation(order, ax=None, name: Callable[[Hashable], str] = element_name):
    """Any relation, cycles included: elements in a circle, an arrow for each a ≻ b; a cycle's are thick."""
    elements, cycle = order.elements, order.cycle() or ()
    angles = [math.pi / 2 - 2 * math.pi * i / len(elements) for i in range(len(elements))]
    places = {a: (1.4 * math.cos(t), 1.4 * math.sin(t)) for a, t in zip(elements, angles, strict=True)}
    ax = _canvas(ax, places.values(), [name(a) for a in places])
    around = set(pairwise([*cycle, *cycle[:1]]))
    for a, b in sorted(order.pairs, key=str):
        if a == b:
            continue
        style = {"color": MINUS, "linewidth": 3} if (a, b) in around else {"color": "0.5", "linewidth": 1.2}
        arrow = {"arrowstyle": "-|>", "mutation_scale": 20, "shrinkA": 22, "shrinkB": 22, **style}
        ax.annotate("", places[b], places[a], arrowprops=arrow, zorder=1)
    _nodes(ax, places, cycle, name)
    return ax


def _canvas(ax, points: Collection[tuple[float, float]], names: Sequence[str]):
    """Axes for boxes at these points, a box of the longest name a unit: a new figure of that size if None."""
    import matplotlib.pyplot as plt

    lines = [line for name in names for line in name.split("\n")]
    wide, high = max(1.0, 0.5 + 0.085 * max(map(len, lines))), 0.6 + 0.2 * len(lines) / len(names)  # inches
    (left, right), (low, top) = ((min(v) - 0.5, max(v) + 0.5) for v in zip(*points, strict=True))
    if ax is None:
        figure = plt.figure(figsize=(wide * (right - left), high * (top - low)))
        ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(left, right), ylim=(low, top))
    ax.set_axis_off()
    return ax


def _nodes(ax, places: dict, mark: Collection, name: Callable[[Hashable], str]) -> None:
    """The elements as boxes with their names."""
    for node, (x, y) in places.items():
        edge, width = (PLUS, 2.6) if node in mark else ("0.3", 1.0)
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": edge, "linewidth": width}
        ax.text(x, y, name(node), ha="center", va="center", bbox=box, zorder=2)


def number_lines(rewards: dict[str, dict[str, float]], ax=None):
    """Rewards as points on lines, one line for each reward function, each from its own least to its greatest.

    rewards {name: {element: number}}. Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(7.2, 0.5 + 0.75 * len(rewards)), layout="constrained")[1]
    for y, values in zip(range(len(rewards))[::-1], rewards.values(), strict=True):
        low, high = min(values.values()), max(values.values())
        ax.plot([0, 1], [y, y], color="0.75", zorder=1)
        for element, value in values.items():
            place = ((value - low) / (high - low or 1), y)
            ax.plot(*place, "o", color=PLUS, markersize=6)
            text = {"textcoords": "offset points", "ha": "center"}
            ax.annotate(element, place, (0, 7), **text)
            ax.annotate(f"{value:.2g}", place, (0, -14), fontsize=8, color="0.35", **text)
    ax.set_yticks(range(len(rewards))[::-1], rewards)
    ax.set(xlim=(-0.06, 1.06), ylim=(-0.5, len(rewards) - 0.4), xticks=[])
    ax.spines[:].set_visible(False)
    ax.tick_params(left=False)
    return ax


def curves_with_spread(curves: dict[str, dict[float, tuple[float, float, float]]], ax=None):
    """One curve a name: {x: (mean, low, high)}, with a band from low to high; x is on a log scale.

    Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(5.4, 3.6), layout="constrained")[1]
    looks = [(PLUS, "-", "o"), ("#56b4e9", ":", "^"), (MINUS, "--", "s")]
    for (name, points), (color, line, marker) in zip(curves.items(), looks, strict=False):
        mean, low, high = zip(*points.values(), strict=True)
        ax.plot(list(points), mean, line, color=color, marker=marker, markersize=4, label=name)
        ax.fill_between(list(points), low, high, color=color, alpha=0.1, linewidth=0)
    ax.set_xscale("log", base=2)
    ticks = sorted({x for points in curves.values() for x in points})
    ax.set_xticks(ticks, [f"{x:g}" for x in ticks])
    ax.grid(alpha=0.25)
    return ax


class Described:
    """A finished figure with the words for those who cannot see it: shown as an image with alt text.

    alt says what is seen, in a sentence or two. Every front end shows it; the figure is closed, so that a
    notebook does not show it twice.
    """

    def __init__(self, ax, alt: str):
        import matplotlib.pyplot as plt

        if not alt.strip():
            raise ValueError("alt is empty: say in a sentence what the figure shows")
        figure, image = ax.figure, io.BytesIO()
        figure.savefig(image, format="png", dpi=144, bbox_inches="tight")
        plt.close(figure)
        self.png, self.alt = image.getvalue(), alt
        self.width = int.from_bytes(self.png[16:20], "big") // 2  # from its header; 2 dots a pixel

    def _repr_mimebundle_(self, **_) -> dict:
        data = base64.b64encode(self.png).decode("ascii")
        image = f'<img src="data:image/png;base64,{data}" alt="{escape(self.alt)}" width="{self.width}">'
        return {"text/html": image, "image/png": data, "text/plain": self.alt}
