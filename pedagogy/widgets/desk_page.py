"""What the annotation desk shows, as HTML: until the report, two texts and nothing that tells whose."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..annotations import Question
from ..raters import NO_TRUTH, Agreement, Intransitive, Kappa, Share, Versus, shorten
from .desk_state import DeskState
from .gap_page import page, say, scrolling
from .markup import number

STYLE = """<style>
.pg-desk-bar {display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px}
.pg-desk-bar progress {width: 180px; height: 12px; accent-color: #1f3a5f}
.pg-desk-room {min-height: 58px}
.pg-page .pg-desk-pair {grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr))}
.pg-page .pg-desk-answer {max-height: none; min-height: 220px; overflow: visible; background: var(--paper)}
.pg-page .pg-desk-table tbody tr:last-child > td {font-weight: inherit}
.pg-page .pg-desk-table tbody tr > th {font-weight: 600}
.pg-page dl.pg-desk-facts {display: grid; grid-template-columns: minmax(120px, 190px) 1fr; gap: 5px 14px;
  margin: 8px 0 0; font-size: 13.5px; overflow-wrap: anywhere}
.pg-page .pg-desk-facts :is(dt, dd) {float: none; width: auto; margin: 0; padding: 0}
.pg-page .pg-desk-facts dt {font-weight: 600} .pg-page .pg-desk-facts ul {margin: 0; padding-left: 18px}
</style>"""


def progress(state: DeskState) -> str:
    """How far the learner is, and where the verdicts are."""
    done, size, waiting = state.done, len(state.queue), len(state.ledger.unsaved)
    at = f"Pair {done + 1} of {size}" if state.question else f"All {size} pairs judged"
    mine = len(state.verdicts)
    kept = f"{mine} verdict{'s' * (mine != 1)} in {escape(str(state.ledger.path))}"
    kept += f", {waiting} record{'s' * (waiting != 1)} in memory only" if waiting else ""
    bar = f'<progress value="{done}" max="{size}" aria-label="{done} of {size} pairs judged"></progress>'
    told = f'<b role="status">{at}</b>{bar}<span class="pg-soft">{kept}</span>'
    return page(f'{STYLE}<div class="pg-desk-bar">{told}</div>')


def question(asked: Question | None) -> str:
    """The prompt."""
    text = escape(asked.prompt) if asked else "All pairs are judged. Open the report to see what they show."
    return page(f'{STYLE}<div class="pg-desk-room"><div class="pg-prompt">{text}</div></div>')


def answers(asked: Question | None) -> str:
    """Both answers, whole, side by side."""
    if asked is None:
        return ""
    cards = _card("Left", asked.left_text) + _card("Right", asked.right_text)
    return page(f'{STYLE}<div class="pg-pair pg-desk-pair">{cards}</div>')


def _card(side: str, text: str) -> str:
    return (
        f'<article class="pg-card pg-desk-answer" aria-label="{side} answer">'
        f"<header>{side}</header>{escape(text)}</article>"
    )


# The report


def report(seen: Agreement) -> str:
    """What the verdicts show: two tables of shares with their intervals, and the rest in words."""
    missing = "" if seen.truth else f"<p>You and the truth: {escape(NO_TRUTH)}.</p>"
    agreed = f"<h4>Agreement</h4>{_agreed(seen)}{missing}{TIES}"
    return page(f"{STYLE}{agreed}<h4>Length</h4>{_longer(seen)}{LENGTH}{_facts(seen)}")


def _agreed(seen: Agreement) -> str:
    pairs = {
        "You and the annotator": seen.annotator,
        "You and the truth": seen.truth,
        "The annotator and the truth": seen.annotator_truth,
    }
    heads = ["Agreement of", "pairs", "same choice", "95% interval", SCALE]
    heads += ["Cohen’s κ [95% interval]", "… ties a third answer"]
    return _table(heads, [_versus(name, versus) for name, versus in pairs.items() if versus])


def _longer(seen: Agreement) -> str:
    heads = ["The longer answer chosen by", "pairs", "share", "95% interval", SCALE]
    return _table(heads, [_share(who[0].upper() + who[1:], share) for who, share in seen.longer.items()])


SVG = '<svg width="120" height="16" viewBox="0 0 120 16" aria-hidden="true" '
SCALE = (  # the scale of the whiskers below it
    f'{SVG} fill="currentColor" font-size="12" text-anchor="middle">'
    '<text x="8" y="13">0</text><text x="60" y="13">½</text><text x="112" y="13">1</text></svg>'
)
TIES = (
    '<p class="pg-soft">“Same choice” and the first κ: pairs on which both preferred one answer. The second '
    "κ counts “equally good” as an answer too. “Can’t say” is no judgement and left out of both. The "
    "intervals treat pairs as independent; pairs of one prompt share answers, so they are a bit narrow.</p>"
)
LENGTH = (
    '<p class="pg-soft">In words, on the pairs on which you chose and the lengths differ; the shares of the '
    "annotator and the truth are of the same pairs, less their ties. A longer answer may well be "
    "better: what shows a bias is a share above the truth’s, not above a half.</p>"
)


def _table(heads: list[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    whole = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return scrolling(f'<table class="pg-table pg-desk-table">{whole}</table>', heads[0])


def _versus(name: str, versus: Versus) -> str:
    kappas = "".join(f"<td>{_kappa(kappa)}</td>" for kappa in (versus.kappa, versus.with_ties))
    return _share(name, versus.agree, kappas)


def _share(name: str, share: Share, more: str = "") -> str:
    """A row of a table: numbers, and the same drawn as a dot with whiskers."""
    cells = f'<th scope="row">{escape(name)}</th><td>{share.total}</td>'
    if share.total:
        low, high = share.interval
        cells += f"<td>{share.value:.0%}</td><td>{low:.0%} to {high:.0%}</td><td>{_whiskers(share)}</td>"
    else:
        cells += '<td colspan="3">no pair to tell by</td>'
    return f"<tr>{cells}{more}</tr>"


def _whiskers(share: Share) -> str:
    low, high = (8 + 104 * edge for edge in share.interval)
    at = 8 + 104 * share.value
    return (
        f'{SVG} fill="none" stroke="currentColor">'
        '<path d="M8 8h104M8 5v6M112 5v6" stroke-opacity=".25"/>'
        '<path d="M60 1v14" stroke-dasharray="2 2" stroke-opacity=".7"/>'
        f'<path d="M{low:.1f} 8H{high:.1f}M{low:.1f} 4v8M{high:.1f} 4v8" stroke-width="1.6"/>'
        f'<circle cx="{at:.1f}" cy="8" r="4" fill="currentColor"/></svg>'
    )


def _kappa(kappa: Kappa) -> str:
    if kappa.problem:
        return escape(kappa.problem)
    return f"<b>{number(kappa.value)}</b> [{number(kappa.low)}, {number(kappa.high)}]"


def _facts(seen: Agreement) -> str:
    """The lines of the report that are in no table."""
    told = {about: escape(said) for about, said in seen.lines() if about in OTHERS}
    if seen.cycles:
        told["Your cycles"] = f"<ul>{''.join(map(_cycle, seen.cycles))}</ul>{escape(seen.coin())}"
    told["Time"] = f"{seen.seconds:.{0 if seen.seconds >= 10 else 1}f} s a verdict (median)"
    rows = "".join(f"<dt>{escape(about)}</dt><dd>{said}</dd>" for about, said in told.items())
    notes = say(*(f"{note}." for note in seen.notes))
    return f'<h4>You</h4><dl class="pg-desk-facts">{rows}</dl>{notes}'


OTHERS = ("Verdicts", "The left answer chosen", "Judged again, the same verdict", "Your cycles")


def _cycle(found: Intransitive) -> str:
    texts = "".join(f"<li>{escape(a)}: {escape(shorten(text, 14))}</li>" for a, text in found.answers.items())
    return f"<li>{escape(str(found))}<ul>{texts}</ul></li>"


def static(state: DeskState) -> str:
    """The desk where no kernel runs: the report if it is open, else the pair; nothing else is revealed."""
    body = report(state.shown) if state.shown else question(state.question) + answers(state.question)
    return page("<h3>The annotation desk</h3>") + progress(state) + body
