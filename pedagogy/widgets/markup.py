"""Text and numbers in, HTML out: escaped, legible on every colour, and never by colour alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from html import escape

import numpy as np

from ..plots import MINUS, PLUS, running_sum

DARKEST = -8.0  # nats: this and anything less likely has the darkest shade
SHADES = [  # from pale to dark as cividis goes, so that lightness alone tells the order
    (0.0, (255, 249, 224)),
    (-1.0, (243, 222, 140)),
    (-2.5, (200, 182, 110)),
    (-4.0, (142, 138, 122)),
    (-6.0, (74, 86, 112)),
    (DARKEST, (0, 34, 78)),
]
RATIOS = [  # log π − log π_ref: purple where the reference finds a token likelier, green where π does
    (-4.0, (64, 0, 75)),
    (-1.5, (153, 112, 171)),
    (-0.3, (231, 212, 232)),
    (0.0, (250, 250, 250)),
    (0.3, (217, 240, 211)),
    (1.5, (90, 174, 97)),
    (4.0, (0, 68, 27)),
]
EVEN = 0.05  # nats: a log-ratio nearer to 0 has no sign worth showing
SHOWN = {"\n": "⏎", "\r": "␍", "\t": "⇥"}

STRIP_STYLE = """<style>
.pg-strip {line-height: 2.15; padding: 2px 18px 22px 18px; overflow-wrap: anywhere}
.pg-token {position: relative; display: inline-block; white-space: pre; line-height: 1.5; padding: 0 1px;
  margin: 0 1px 0 0; border-radius: 3px; unicode-bidi: isolate; cursor: default}
.pg-token::after {content: attr(data-nats); display: none; position: absolute; top: 100%; left: 50%;
  z-index: 9; transform: translate(-50%, 2px); padding: 0 5px; border-radius: 3px;
  background: #111; color: #fff;
  font: 12px/1.5 system-ui, sans-serif; box-shadow: 0 0 0 1px #fff}
.pg-token:hover, .pg-token:focus {outline: 2px solid #111; box-shadow: 0 0 0 4px #fff; z-index: 8}
.pg-token:hover::after, .pg-token:focus::after {display: block}
.pg-numbers .pg-strip {line-height: 1.5}
.pg-numbers .pg-token {margin-bottom: 5px; vertical-align: top; padding-bottom: 1px}
.pg-numbers .pg-token::after {display: block; position: static; transform: none; text-align: center;
  padding: 0 2px; background: none; color: inherit; box-shadow: none; font: 10.5px/1.25 system-ui, sans-serif;
  border-top: 1px solid currentColor}
.pg-sign {font-weight: 700; font-size: 11px; margin-right: 1px}
.pg-scale {display: inline-flex; align-items: center; gap: 6px; flex-wrap: wrap; font-size: 12px}
.pg-scale span {padding: 1px 8px; border-radius: 3px; min-width: 26px; text-align: center}
</style>"""


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A number with a true minus sign: −1.50; with `sign`, +1.50."""
    if math.isinf(value):
        return "−∞" if value < 0 else "+∞"
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", "−") if float(text) else f"{0:.{digits}f}"


@lru_cache(4096)
def shade(logprob: float) -> tuple[str, str]:
    """Background and ink, #rrggbb, of a log-probability in nats. Their contrast is at least 4.5 to 1."""
    x = DARKEST if math.isnan(logprob) else min(0.0, max(DARKEST, logprob))
    return _between(-x, [(-at, color) for at, color in SHADES])


@lru_cache(4096)
def ratio_shade(log_ratio: float) -> tuple[str, str]:
    """Background and ink, #rrggbb, of a log-ratio in nats, as `shade` has them."""
    return _between(0.0 if math.isnan(log_ratio) else log_ratio, RATIOS)


def _between(x: float, stops: list[tuple[float, tuple[int, int, int]]]) -> tuple[str, str]:
    """The colour at x between two stops, the last one beyond them; and an ink that is legible on it."""
    places = [at for at, _ in stops]
    channels = zip(*(color for _, color in stops), strict=True)
    rgb = [round(float(np.interp(x, places, channel))) for channel in channels]
    ink = "#000000" if luminance(rgb) > 0.179 else "#ffffff"  # where black and white contrast alike
    return "#{:02x}{:02x}{:02x}".format(*rgb), ink


def luminance(rgb: Sequence[int]) -> float:
    """Relative luminance of an sRGB colour, 0 … 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def visible(token: str) -> str:
    """The token with its line breaks, tabs and unprintable characters made visible; not yet escaped."""
    if not token:
        return "∅"
    if token.isspace() and token.isprintable():
        return "␣" * len(token)
    marks = (SHOWN.get(c, c if c.isprintable() else f"\\u{ord(c):04x}") for c in token)
    return "".join(marks)


def token_strip(tokens: Sequence[str], logprobs: Sequence[float], label: str = "tokens") -> str:
    """The tokens as HTML, on backgrounds from pale (likely) to dark (unlikely); style included.

    tokens (T,), logprobs (T,) in nats. A token pointed at or focused shows its number under it; inside an
    element of class pg-numbers all do.
    """
    cells = []
    for t, (token, logprob) in enumerate(zip(tokens, logprobs, strict=True), 1):
        nats = number(float(logprob))
        said = f"{nats} nats, probability {math.exp(logprob):.3g}"
        cells.append(_token(t, token, nats, said, shade(round(float(logprob), 2))))
    return _strip(cells, label)


def ratio_strip(tokens: Sequence[str], ratios: Sequence[float], label: str = "tokens") -> str:
    """The same for log-ratios log π(y_t|…) − log π_ref(y_t|…), nats: green and + where π is higher, purple
    and − where π_ref is.
    """
    cells = []
    for t, (token, ratio) in enumerate(zip(tokens, ratios, strict=True), 1):
        nats, sign = number(float(ratio), sign=True), "" if abs(ratio) < EVEN else "+" if ratio > 0 else "−"
        said = f"log-ratio {nats} nats, π gives it {math.exp(min(ratio, 99.0)):.3g} times what π_ref does"
        mark = f'<span class="pg-sign" aria-hidden="true">{sign}</span>' if sign else ""
        cells.append(_token(t, token, nats, said, ratio_shade(round(float(ratio), 2)), mark))
    return _strip(cells, label)


def _strip(cells: list[str], label: str) -> str:
    return (
        f'{STRIP_STYLE}<div class="pg-strip" role="list" aria-label="{escape(label)}">{"".join(cells)}</div>'
    )


def _token(t: int, token: str, nats: str, said: str, colors: tuple[str, str], mark: str = "") -> str:
    background, ink = colors
    text = escape(visible(token))
    spoken = f"t = {t}: {text.replace(' ', '␣')}, {said}"
    return (
        f'<span class="pg-token" role="listitem" tabindex="0" data-nats="{nats}" title="{spoken}" '
        f'aria-label="{spoken}" style="background:{background};color:{ink}">{mark}{text}</span>'
    ) + "<br>" * ("\n" in token)


def scale() -> str:
    """The legend of the strips' shades, in nats."""
    swatch = '<span style="background:{};color:{}">{}</span>'
    swatches = [swatch.format(*shade(at), number(at, 1) if at % 1 else number(at, 0)) for at, _ in SHADES]
    swatches[-1] = swatch.format(*shade(DARKEST), f"≤ {number(DARKEST, 0)}")
    head = "<b>log π of each token, in nats:</b> certain"
    return f'<div class="pg-scale">{head} {"".join(swatches)} surprising</div>'


def ratio_scale() -> str:
    """The legend of the log-ratio strips."""
    swatch = '<span style="background:{};color:{}">{}</span>'
    ends = {RATIOS[0][0]: f"≤ {number(RATIOS[0][0], 0)}", RATIOS[-1][0]: f"≥ +{RATIOS[-1][0]:.0f}"}
    names = [(at, ends.get(at, number(at, 1, sign=True) if at else "0")) for at, _ in RATIOS]
    swatches = "".join(swatch.format(*ratio_shade(at), name) for at, name in names)
    head = "<b>log π − log π<sub>ref</sub> of each token, in nats:</b> − π<sub>ref</sub> finds it likelier"
    return f'<div class="pg-scale">{head} {swatches} + π does</div>'


# The running sums, as a picture drawn in a millisecond


def running_sums(plus: Sequence[float], minus: Sequence[float]) -> str:
    """Running sums of both responses' log-probs over t, and the gap between their ends, as an inline SVG.

    plus (T⁺,), minus (T⁻,): nats. The same picture as plots.running_logprobs.
    """
    sums = running_sum(plus), running_sum(minus)
    low, high = min(s.min() for s in sums), max(s.max() for s in sums)
    steps, levels = ticks(0, max(len(s) for s in sums) - 1), ticks(low, high)
    area = _Area(steps[-1], levels[0], levels[-1])
    gap = sums[0][-1] - sums[1][-1]
    ends = [f"ends at {number(s[-1], 1)} nats after {len(s) - 1} tokens" for s in sums]
    said = f"Running sums of log-probability over tokens. y plus {ends[0]}, y minus {ends[1]}. "
    said += f"The gap is {number(gap, 1, sign=True)} nats."
    parts = [
        _axes(area, steps, levels),
        _curve(area, sums[0], PLUS, "", "o"),
        _curve(area, sums[1], MINUS, ' stroke-dasharray="7 4"', "s"),
        _ends(area, sums[0][-1], sums[1][-1]),
    ]
    return (
        f'<svg class="pg-curves" viewBox="0 0 {_Area.WIDTH} {_Area.HEIGHT}" role="img" aria-label="{said}" '
        f'xmlns="http://www.w3.org/2000/svg" fill="currentColor" font-family="system-ui, sans-serif" '
        f'font-size="13" style="width:100%;max-width:540px;height:auto">{"".join(parts)}</svg>'
    )


class _Area:
    """Where the data lie inside the picture, in pixels."""

    WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 540, 300, 74, 390, 14, 250

    def __init__(self, steps: float, low: float, high: float):
        self.steps, self.low, self.high = steps, low, high

    def x(self, t: float) -> float:
        return self.LEFT + (self.RIGHT - self.LEFT) * t / self.steps

    def y(self, nats: float) -> float:
        return self.BOTTOM - (self.BOTTOM - self.TOP) * (nats - self.low) / (self.high - self.low)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers, evenly spaced, that cover low … high: at least two."""
    span = max(high - low, 1e-9)
    unit = 10.0 ** math.floor(math.log10(span / about))
    step = unit * next(m for m in (1, 2, 5, 10) if span / (unit * m) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) + 0.0 for i in range(first, max(last, first + 1) + 1)]


def _axes(area: _Area, steps: list[float], levels: list[float]) -> str:
    lines, labels = [], []
    for nats in levels:
        y = area.y(nats)
        lines.append(f"M{area.LEFT} {y:.1f}H{area.RIGHT}")
        labels.append(f'<text x="{area.LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(nats, 0)}</text>')
    for t in steps:
        labels.append(f'<text x="{area.x(t):.1f}" y="{area.BOTTOM + 18}" text-anchor="middle">{t:.0f}</text>')
    center, middle = (area.LEFT + area.RIGHT) / 2, (area.TOP + area.BOTTOM) / 2
    grid = f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity=".15" fill="none"/>'
    return (
        f"{grid}{''.join(labels)}"
        f'<text x="{center:.0f}" y="{area.BOTTOM + 40}" text-anchor="middle">t, tokens so far</text>'
        f'<text transform="translate(13 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        "sum of log π up to t, nats</text>"
    )


def _curve(area: _Area, sums: np.ndarray, color: str, dash: str, marker: str) -> str:
    points = [(area.x(t), area.y(s)) for t, s in enumerate(sums)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    circle = '<circle cx="{:.1f}" cy="{:.1f}" r="3.4"/>'
    square = '<path d="M{:.1f} {:.1f}m-3.2 -3.2h6.4v6.4h-6.4z"/>'
    shape = circle if marker == "o" else square
    marks = [shape.format(*p) for p in [*points[:: max(1, len(points) // 10)], points[-1]]]
    return (
        f'<g fill="{color}"><polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.2"{dash}/>'
        f"{''.join(marks)}</g>"
    )


def _ends(area: _Area, plus: float, minus: float) -> str:
    """Both totals at the right edge, and the bracket between them that is the gap."""
    x, at = area.RIGHT + 10, [area.y(plus), area.y(minus)]
    apart = 18 - abs(at[0] - at[1])  # labels closer than a line are pushed apart
    push = max(0.0, apart / 2) * (1 if at[0] >= at[1] else -1)
    rows = [
        (at[0], at[0] + push, PLUS, f"y⁺ {number(plus, 1)}"),
        (at[1], at[1] - push, MINUS, f"y⁻ {number(minus, 1)}"),
    ]
    drawn = "".join(
        f'<path d="M{area.LEFT} {y:.1f}H{x}" stroke="{color}" stroke-dasharray="1 4" fill="none"/>'
        f'<text x="{x + 14}" y="{text_y + 4.5:.1f}" font-weight="600">'
        f'<tspan fill="{color}">{"●" if color == PLUS else "■"}</tspan> {text}</text>'
        for y, text_y, color, text in rows
    )
    path = f"M{x} {at[0]:.1f}h5V{at[1]:.1f}h-5"
    bracket = f'<path d="{path}" stroke="currentColor" stroke-width="1.6" fill="none"/>'
    middle = (at[0] + at[1]) / 2
    if apart > -20:  # no room between the two totals: below the lower one
        middle = max(at[0] + push, at[1] - push) + 19
        middle = middle if middle < area.HEIGHT - 4 else min(at[0] + push, at[1] - push) - 19
    gap = f'<text x="{x + 14}" y="{middle + 4.5:.1f}">gap {number(plus - minus, 1, sign=True)} nats</text>'
    return drawn + bracket + gap
