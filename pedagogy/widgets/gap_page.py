"""What the gap explorer shows, as HTML: cards, numbers, token strips; and the page that needs no kernel."""

from __future__ import annotations

import io
import math
from html import escape

from .. import plots
from ..policy import Score
from ..slips import SLIPS
from .gap_state import BUGS, GUESSES, NAMES, VIEWS, Bug, Comparison, GapState, Problem
from .markup import number, ratio_scale, ratio_strip, running_sums, scale, token_strip

PAGE_STYLE = f"""<style>
.pg-page {{color: var(--jp-content-font-color1, #1a1a1a); font: 14px/1.45 system-ui, sans-serif;
  --plus: {plots.PLUS}; --minus: {plots.MINUS}; --line: var(--jp-border-color2, #ccc);
  --paper: var(--jp-layout-color0, #fff)}}
.pg-page h3 {{margin: 0; font-size: 20px}} .pg-page h4 {{margin: 10px 0 2px; font-size: 15px}}
.pg-page p {{margin: 2px 0 6px}} .pg-soft {{opacity: .78}}
.pg-prompt {{font-size: 17px; font-weight: 600; margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere;
  border-left: 4px solid currentColor; padding: 2px 0 2px 12px}}
.pg-cards, .pg-pair {{display: grid; gap: 10px 24px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr))}}
.pg-card {{border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 178px; overflow-y: auto; font-size: 13.5px; scrollbar-width: thin;
  background: linear-gradient(transparent, var(--paper) 60%) bottom / 100% 40px no-repeat local,
    linear-gradient(transparent, #8886) bottom / 100% 12px no-repeat scroll, var(--paper)}}
.pg-card header, .pg-side header {{font-weight: 600; white-space: normal; margin-bottom: 4px}}
.pg-card.plus {{border: 2px solid var(--plus)}} .pg-card.minus {{border: 2px dashed var(--minus)}}
.pg-tag {{color: #fff; border-radius: 4px; padding: 1px 8px; margin-left: 6px; font-size: 12.5px}}
.pg-tag.plus {{background: var(--plus)}} .pg-tag.minus {{background: #b04a00}}
.pg-verdict {{font-size: 18px; margin: 6px 0 10px}} .pg-verdict b {{white-space: nowrap}}
.pg-page table.pg-table {{border-collapse: collapse; font-size: 13.5px; margin: 0; border: none;
  font-variant-numeric: tabular-nums}}
.pg-page .pg-table th, .pg-page .pg-table td {{padding: 4px 10px; text-align: right; border: none;
  border-bottom: 1px solid var(--line); background: none; white-space: normal}}
.pg-page .pg-table th:first-child {{text-align: left; white-space: nowrap}}
.pg-page .pg-table tbody tr:last-child > * {{font-weight: 700}}
.pg-page .pg-table.pg-bugs td:last-child {{text-align: left; max-width: 420px; min-width: 200px}}
.pg-page .pg-table.pg-bugs th:first-child {{white-space: normal; min-width: 130px; max-width: 200px}}
.pg-page .pg-table.pg-bugs td {{white-space: nowrap}}
.pg-page .pg-table.pg-bugs td:last-child {{white-space: normal}}
.pg-page .pg-table.pg-bugs tbody tr:last-child > * {{font-weight: inherit}}
.pg-page .pg-table.pg-bugs tr.pg-turned > * {{background: #f0a50026}}
.pg-page .pg-seen {{margin-top: 12px; align-items: center;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr))}} .pg-seen svg {{order: -1}}
.pg-say {{padding: 6px 12px; border-left: 4px solid #f0a500; background: var(--jp-layout-color2, #f4f4f4);
  margin: 4px 0; overflow-wrap: anywhere}}
.pg-scroll {{overflow-x: auto}}
</style>"""


def page(html: str) -> str:
    """A piece of the explorer with the style it needs."""
    return f'{PAGE_STYLE}<div class="pg-page">{html}</div>'


def scrolling(table: str, name: str) -> str:
    """A table that scrolls sideways where the page is narrow, by the arrow keys too; `name` is read aloud."""
    return f'<div class="pg-scroll" tabindex="0" role="region" aria-label="{escape(name)}">{table}</div>'


def cards(state: GapState) -> str:
    """The prompt and the four answers; y⁺ and y⁻ are tagged."""
    made = "".join(_card(state, letter, text) for letter, text in state.answers.items())
    return page(f'<div class="pg-prompt">{escape(state.prompt)}</div><div class="pg-cards">{made}</div>')


def _card(state: GapState, letter: str, text: str) -> str:
    sides = [side for side in NAMES if state.chosen[side] == letter]
    tags = "".join(f'<span class="pg-tag {s}">{role(s)}</span>' for s in sides)
    said = f"Answer {letter}" + "".join(f", {role(s)}" for s in sides)
    return (
        f'<article class="pg-card {" ".join(sides)}" tabindex="0" aria-label="{said}">'
        f"<header>{letter}{tags}</header>{escape(text)}</article>"
    )


def role(side: str) -> str:
    return "y⁺ preferred" if side == "plus" else "y⁻ rejected"


def verdict(seen: Comparison, guess: int | None) -> str:
    """The gap in one sentence, and whether the guess was right."""
    sign = (seen.gap > 0) - (seen.gap < 0)
    what = GUESSES.get(sign, "both are equally likely")
    times = f" ({ratio(abs(seen.gap))} times as likely)" if sign else ""
    if guess and sign:
        told = " ✓ Your guess was right." if guess == sign else " ✗ Your guess was wrong."
    else:
        told = ""
    return (
        '<p class="pg-verdict" role="status">gap = log π(y⁺|x) − log π(y⁻|x) = '
        f"<b>{number(seen.gap, sign=True)} nats</b>: {what}{times}.{told}</p>"
    )


def ratio(gap: float) -> str:
    """exp(gap) in words a reader can hold: 3.2, 1,500 or 10^12."""
    if gap < math.log(10):
        return f"{math.exp(gap):.1f}"
    if gap < math.log(1e6):
        return f"{float(f'{math.exp(gap):.2g}'):,.0f}"
    return f"10<sup>{gap / math.log(10):.0f}</sup>"


def table(seen: Comparison) -> str:
    """Tokens, totals, means and, with a reference, log-ratios: one row a response, one for the difference."""
    heads = ["", "tokens T", "total: log π(y|x), nats", "mean: nats per token"]
    rows = [["y⁺ preferred", *_figures(seen.plus)], ["y⁻ rejected", *_figures(seen.minus)]]
    last = ["y⁺ − y⁻", f"{len(seen.plus.tokens) - len(seen.minus.tokens):+d}".replace("-", "−")]
    last += [number(seen.gap, sign=True), number(seen.plus.mean - seen.minus.mean, sign=True)]
    if seen.ref_plus:
        heads += ["log π_ref(y|x), nats", "log-ratio: log π − log π_ref, nats"]
        scored = (seen.plus, seen.ref_plus), (seen.minus, seen.ref_minus)
        for row, (score, ref) in zip(rows, scored, strict=True):
            row += [number(ref.total), number(score.total - ref.total, sign=True)]
        last += [number(seen.ref_gap, sign=True), number(seen.gap - seen.ref_gap, sign=True)]
    head = "".join(f'<th scope="col">{_sub(h)}</th>' for h in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in [*rows, last]
    )
    whole = f'<table class="pg-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return scrolling(whole, "The numbers of both responses")


def _figures(score: Score) -> list[str]:
    return [str(len(score.tokens)), number(score.total), number(score.mean)]


def _sub(text: str) -> str:
    return text.replace("π_ref", "π<sub>ref</sub>")


def _preference(seen: Comparison) -> str:
    if seen.prob is None:
        return ""
    ref_gap = number(seen.ref_gap, 1) if seen.ref_gap >= 0 else f"({number(seen.ref_gap, 1)})"
    return _sub(
        f"<p>P(y⁺ ≻ y⁻) = σ(β · (gap − gap<sub>ref</sub>)) = σ({seen.beta:g} × ({number(seen.gap, 1)} − "
        f"{ref_gap})) = <b>{seen.prob:.3f}</b>: "
        "how sure π is, measured against π_ref, that y⁺ is the better one.</p>"
    )


LENGTH = (
    '<p class="pg-soft">A longer response multiplies more factors below 1, which alone lowers its total. '
    "The mean per token is comparable across lengths, but it is not log π(y|x).</p>"
)


def numbers(seen: Comparison, guess: int | None = None) -> str:
    """The verdict, the table and the two running sums."""
    curves = running_sums(seen.plus.logprobs, seen.minus.logprobs)
    words = f"<div>{_preference(seen)}{LENGTH}</div>"
    return page(f'{verdict(seen, guess)}{table(seen)}<div class="pg-pair pg-seen">{words}{curves}</div>')


def strips(seen: Comparison, view: str = VIEWS[0]) -> str:
    """Both responses, token by token: their log π, their log π_ref, or the difference of the two."""
    if view == VIEWS[2]:
        head, made = ratio_scale(), "".join(_ratios(side, seen) for side in NAMES)
    else:
        scored = (seen.plus, seen.minus) if view == VIEWS[0] else (seen.ref_plus, seen.ref_minus)
        head, made = scale(), "".join(_strip(side, s) for side, s in zip(NAMES, scored, strict=True))
    return page(f'{head}<div class="pg-pair" style="margin-top:8px">{made}</div>')


def _strip(side: str, score: Score) -> str:
    label = f"Tokens of {role(side)}, with their log-probability"
    said = f"{number(score.total)} nats in {len(score.tokens)} tokens"
    return _side(side, said, token_strip(score.tokens, score.logprobs, label))


def _ratios(side: str, seen: Comparison) -> str:
    """The log-ratio strip of one response."""
    ratios = seen.log_ratios(side)
    if ratios is None:
        return _side(side, "", say("π and π_ref split this text into other tokens: only the totals compare."))
    score, ref = getattr(seen, side), getattr(seen, f"ref_{side}")
    ratio = number(score.total - ref.total, sign=True)
    said = f"log-ratio {ratio} nats = {number(score.total)} − ({number(ref.total)})"
    label = f"Tokens of {role(side)}, with log π minus log π_ref"
    return _side(side, said, ratio_strip(score.tokens, ratios, label))


def _side(side: str, said: str, strip: str) -> str:
    return (
        f'<div class="pg-side"><header><span class="pg-tag {side}" style="margin:0">{role(side)}</span> '
        f"{said}</header>{strip}</div>"
    )


# The bugs


def bug_table(rows: list[Bug]) -> str:
    """What bugs make of the numbers: the right ones first, then a row for each bug, with one line why."""
    right = rows[0]
    heads = ("", "tokens summed: y⁺, y⁻", "log π(y⁺|x)", "log π(y⁻|x)", "gap, nats", "moved by", "why")
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    body = "".join(_bug_row(row, right) for row in rows)
    whole = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return page(scrolling(f'<table class="pg-table pg-bugs">{whole}</table>', "What the bugs make of it"))


def _bug_row(bug: Bug, right: Bug) -> str:
    name = " + ".join(bug.names) or "✓ as it should be"
    tokens = f"{bug.plus_tokens}, {bug.minus_tokens}"
    turned = bug.gap * right.gap < 0
    gap = number(bug.gap, sign=True) + ("<br>⚠ other sign" if turned else "")
    moved = number(bug.gap - right.gap, sign=True) if bug.names else ""
    cells = [tokens, number(bug.plus), number(bug.minus), gap, moved, escape(_why(bug, right))]
    row = f'<th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr{' class=pg-turned' if turned else ''}>{row}</tr>"


def _why(bug: Bug, right: Bug) -> str:
    if not bug.names:
        return "every token of the response once, EOS included, each scored by the logits before it"
    if len(bug.names) > 1:
        return "all of these at once"
    why = SLIPS[BUGS[bug.names[0]]].why
    if bug.names == ("prompt counted",):
        return f"{why}. The same for both, so the gap stays"
    if (
        bug.names == ("pad counted",)
        and bug.plus_tokens - right.plus_tokens == bug.minus_tokens - right.minus_tokens
    ):
        return f"{why}. Here both are equally long: there is no padding"
    return why


def say(*messages: str) -> str:
    """Plain words for the learner."""
    return "".join(f'<div class="pg-say" role="status">{escape(m)}</div>' for m in messages if m)


def figure_png(seen: Comparison) -> bytes:
    """The running sums as a PNG, for readers without HTML."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    plots.running_logprobs(seen.plus.logprobs, seen.minus.logprobs, figure.add_subplot())
    figure.savefig(file := io.BytesIO(), format="png", dpi=110)
    return file.getvalue()


def static(state: GapState) -> str:
    """The current pair as a page that needs no kernel: question, answers, table, curves and strips."""
    try:
        seen = state.compare()
    except Problem as problem:
        return cards(state) + page(say(str(problem)))
    made = cards(state) + numbers(seen) + strips(seen)
    if seen.ref_plus:
        made += strips(seen, VIEWS[2])
    if seen.working:
        made += page("<h4>What the usual bugs make of it</h4>") + bug_table(all_bugs(seen))
    return made


def all_bugs(seen: Comparison) -> list[Bug]:
    """The right numbers, each bug by itself, and all of them at once."""
    return [seen.bug(), *map(seen.bug, BUGS), seen.bug(*BUGS)]
