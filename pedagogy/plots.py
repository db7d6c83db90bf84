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


def gaps_by_length(differences, gaps, ax=None, bins: int = 6):
    """Gaps of pairs over T⁺ − T⁻, a dot each. Squares: medians of each sixth; bars: its middle half.

    differences (N,) in tokens, gaps (N,). Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(4.4, 3.6), layout="constrained")[1]
    differences, gaps = np.asarray(differences, dtype=float), np.asarray(gaps, dtype=float)
    ax.axhline(0, color="0.3", linewidth=1)
    ax.axvline(0, color="0.3", linewidth=1, linestyle=":")
    ax.plot(differences, gaps, "o", color=PLUS, markersize=4, alpha=0.45, markeredgewidth=0)
    for part in np.array_split(np.argsort(differences, kind="stable"), min(bins, len(gaps))):
        low, middle, high = np.quantile(gaps[part], [0.25, 0.5, 0.75])
        x = np.median(differences[part])
        ax.plot([x, x], [low, high], color=MINUS, linewidth=2.5)
        ax.plot(x, middle, "s", color=MINUS, markersize=7, markeredgecolor="white")
    ax.set_xlabel("T⁺ − T⁻, tokens")
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


# Feedback: scores, lengths, and what a knob does


def score_bars(counts: dict[str, dict[float, int]], ax=None):
    """How often each score occurs, a group of bars for each score, one bar for each name.

    counts {name: {score: how often}}. Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.6, 3.2), layout="constrained")[1]
    looks, width = [(PLUS, ""), (MINUS, "///")], 0.8 / len(counts)
    scores = sorted({score for found in counts.values() for score in found})
    for i, ((name, found), (color, hatch)) in enumerate(zip(counts.items(), looks, strict=False)):
        places = [score + (i - (len(counts) - 1) / 2) * width for score in scores]
        style = {"color": "white", "edgecolor": color} if hatch else {"color": color}
        ax.bar(places, [found.get(score, 0) for score in scores], width, hatch=hatch, label=name, **style)
    ax.set_xticks(scores, [f"{score:g}" for score in scores])
    ax.legend(frameon=False)
    ax.grid(axis="y", alpha=0.25)
    return ax


def length_steps(words: dict[str, Sequence[int]], ax=None):
    """The share of texts that have at most so many words, a staircase for each name: {name: lengths}.

    Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
    looks = [(PLUS, "-"), (MINUS, "--")]
    for (name, lengths), (color, line) in zip(words.items(), looks, strict=False):
        label = f"{name}: median {np.median(lengths):.0f} words"
        ax.ecdf(lengths, color=color, linestyle=line, linewidth=1.8, label=label)
    ax.set(xlabel="words", ylabel="share of answers that long or shorter")
    ax.legend(frameon=False, loc="lower right")
    ax.grid(alpha=0.25)
    return ax


def shares_with_intervals(
    shares: dict[float, tuple[float, float, float]], ax=None, level: float | None = 0.5
):
    """Points with vertical intervals, {x: (share, low, high)}; `level`: a dotted line to compare with.

    Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
    middle, low, high = np.array(list(shares.values())).T
    ax.errorbar(list(shares), middle, [middle - low, high - middle], fmt="o-", color=PLUS, capsize=3)
    if level is not None:
        ax.axhline(level, color="0.4", linestyle=":")
    ax.set_xticks(list(shares), [f"{x:g}" for x in shares])
    ax.grid(alpha=0.25)
    return ax


def knob_panels(panels: dict[str, tuple[str, dict[float, float], float | None]]):
    """A panel for each knob, {title: (measure, {setting: value}, what it would be without bias, or None)}.

    Returns the Axes of the first panel, of a new figure.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(3.1 * len(panels), 3.1), layout="constrained")
    axes = np.atleast_1d(axes)
    for ax, (title, (measure, values, without)) in zip(axes, panels.items(), strict=True):
        ax.plot(list(values), list(values.values()), "o-", color=PLUS)
        if without is not None:
            ax.axhline(without, color="0.4", linestyle=":")
        ax.set_title(title, fontsize=10)
        ax.set_ylabel(measure, fontsize=9)
        ax.set_xticks(list(values), [f"{x:g}" for x in values])
        ax.grid(alpha=0.25)
    figure.supxlabel("setting of the knob, points", fontsize=10)
    return axes[0]


# The language model as an MDP


def visible(token: str) -> str:
    """A token as it can be read in a figure: a space is ␣, a new line ⏎."""
    return token.replace(" ", "␣").replace("\n", "⏎") or "∅"


def token_bars(tokens: Sequence[str], probs, ax=None, color: str = PLUS, most: float | None = None):
    """Next tokens as horizontal bars with their probabilities, in the order given, the first on top.

    tokens (k,), probs (k,). most: the largest probability that fits; give panels that are compared the same.
    Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(4.2, 0.6 + 0.26 * len(tokens)), layout="constrained")[1]
    places, probs = np.arange(len(tokens))[::-1], np.asarray(probs, dtype=np.float64)
    ax.barh(places, probs, color=color, height=0.7)
    for place, prob in zip(places, probs, strict=True):
        said = "0" if prob == 0 else f"{prob:.3f}" if prob >= 0.001 else "< 0.001"
        ax.annotate(said, (prob, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks(places, [visible(token) for token in tokens], family="monospace", parse_math=False)
    ax.set(xlim=(0, 1.2 * (most or max(float(probs.max()), 1e-9))), ylim=(-0.6, len(tokens) - 0.4))
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(left=False)
    return ax


def values_with_errors(curves: dict[str, tuple], ax=None):
    """What each prefix of an answer is worth: means with a bar of ± 2 standard errors, one line a name.

    curves {name: (t, means, stderrs)}, (n,) each, t tokens of the response so far; a last point without error
    is the end of the answer, drawn as a large open mark. Returns the Axes (a new one if None).
    """
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(7.2, 3.8), layout="constrained")[1]
    looks = [(PLUS, "-", "o"), (MINUS, "--", "s"), ("#009e73", ":", "^")]
    for (name, (t, means, stderrs)), (color, line, marker) in zip(curves.items(), looks, strict=False):
        bars = 2 * np.asarray(stderrs, dtype=np.float64)
        ax.errorbar(t, means, yerr=bars, fmt=line, color=color, marker=marker, markersize=5, capsize=3,
                    linewidth=1.4, label=name)  # fmt: skip
        if bars[-1] == 0:
            end = {"markersize": 13, "markerfacecolor": "none", "markeredgewidth": 2}
            ax.plot(t[-1], means[-1], marker, color=color, **end)
    ax.set_xlabel("t, tokens of the response so far")
    ax.set_ylabel("value of the prefix (± 2 s.e.)")
    ax.legend(frameon=False)
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
