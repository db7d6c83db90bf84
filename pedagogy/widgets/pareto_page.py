"""What the Pareto explorer shows, as HTML, and as a picture for readers without a kernel."""

from __future__ import annotations

from html import escape

from ..feedback.schemas import ASPECTS
from .gap_page import page, scrolling
from .hasse import Diagram, diagram
from .hasse_draw import svg
from .markup import number
from .pareto_state import OVERALL, RULES, WEIGHTED, ParetoState, words

STYLE = """<style>
.pg-pareto {display: grid; gap: 8px 28px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr))}
.pg-page .pg-pareto figure {margin: 0} .pg-page .pg-pareto ul {margin: 0; padding-left: 20px}
.pg-page .pg-pareto li {margin-bottom: 4px} .pg-pareto figcaption {font-size: 12.5px; opacity: .85}
.pg-page .pg-table.pg-rated {margin: 8px 0 4px}
.pg-page .pg-table.pg-rated :is(td, th) {padding: 4px 8px}
.pg-page .pg-table.pg-rated :is(td, th + th) {text-align: center; white-space: nowrap}
.pg-page .pg-table.pg-rated tbody tr:last-child > td {font-weight: inherit}
.pg-page .pg-table.pg-rated tbody tr > th {text-align: left; font-weight: 600}
.pg-page .pg-table.pg-rated tr.pg-rule:first-of-type > * {border-top: 2px solid currentColor}
.pg-page .pg-table.pg-rated tbody tr > td.pg-best {font-weight: 700; box-shadow: inset 0 0 0 2px currentColor}
.pg-page .pg-table.pg-rated tbody tr > td.pg-best.pg-tie {box-shadow: none; outline: 2px dashed;
  outline-offset: -2px}
.pg-card.pg-chosen {border: 3px solid var(--plus)}
</style>"""


def answers(state: ParetoState) -> str:
    """The prompt and its answers; those that the weights choose are tagged."""
    made = "".join(_card(state, letter) for letter in state.row.answers)
    prompt = f'<div class="pg-prompt">{escape(state.row.prompt)}</div>'
    return page(f'{STYLE}{prompt}<div class="pg-cards">{made}</div>')


def _card(state: ParetoState, letter: str) -> str:
    chosen = state.chosen(WEIGHTED)
    role = "chosen by your weights" if len(chosen) == 1 else "tied under your weights"
    tag = role if letter in chosen else ""
    shown = f'<span class="pg-tag plus">{tag}</span>' if tag else ""
    return (
        f'<article class="pg-card{" pg-chosen" * bool(tag)}" tabindex="0" '
        f'aria-label="Answer {letter}{", " * bool(tag)}{tag}"><header>{letter}{shown}</header>'
        f"{escape(state.row.answers[letter])}</article>"
    )


def table(state: ParetoState) -> str:
    """Ratings of every answer, then the numbers of the three rules with each rule's choice marked."""
    letters, shares = list(state.row.answers), state.shares() or dict.fromkeys(ASPECTS, 0.0)
    head = "".join(f'<th scope="col">{letter}</th>' for letter in letters)
    rated = "".join(
        f'<tr><th scope="row">{words(k)} × {shares[k]:.2f}</th>'
        + "".join(f"<td>{_rating(state, letter, k)}</td>" for letter in letters)
        + "</tr>"
        for k in ASPECTS
    )
    rules = "".join(_rule(state, rule, letters) for rule in RULES)
    whole = (
        f'<table class="pg-table pg-rated"><thead><tr><th scope="col">aspect × weight</th>{head}</tr></thead>'
        f"<tbody>{rated}</tbody><tbody>{rules}</tbody></table>"
    )
    return scrolling(whole, "Ratings, and what each rule makes of them")


def _rating(state: ParetoState, letter: str, aspect: str) -> str:
    rated = state.row.ratings.get(letter)
    return f"{rated[aspect]:g}" if rated else "–"


def _rule(state: ParetoState, rule: str, letters: list[str]) -> str:
    rewards, chosen = state.rewards(rule), state.chosen(rule)
    tie = len(chosen) > 1
    cells = []
    for letter in letters:
        text = _points(rewards[letter], rule) if letter in rewards else "–"
        if letter in chosen:
            cells.append(f'<td class="pg-best{" pg-tie" * tie}">{"tie" if tie else "✓"} {text}</td>')
        else:
            cells.append(f"<td>{text}</td>")
    return f'<tr class="pg-rule"><th scope="row">{escape(rule)}</th>{"".join(cells)}</tr>'


def _points(reward: float, rule: str) -> str:
    return f"{reward:g}" if rule == OVERALL else number(reward)


def picture(state: ParetoState) -> Diagram | None:
    """The Pareto order of the answers, each with its ratings; None where none is rated."""
    if not (ratings := state.row.ratings):
        return None
    chosen = state.chosen(WEIGHTED)
    notes = {letter: " ".join(f"{rated[k]:g}" for k in ASPECTS) for letter, rated in ratings.items()}
    return diagram(state.row.order, notes=notes, strong=chosen)


def choice(state: ParetoState) -> str:
    """Table and sentence: what each rule chooses."""
    return page(f'{STYLE}{table(state)}<p role="status">{escape(state.agreement())}</p>')


def order(state: ParetoState) -> str:
    """The Hasse diagram, and beside it what weights can and cannot do."""
    drawn = picture(state)
    if drawn is None:
        return page("<p>No answer of this row is rated in all four aspects: there is nothing to order.</p>")
    said = state.prospects().items()
    prospects = "".join(f"<li><b>{letter}</b>: {escape(text)}</li>" for letter, text in said)
    caption = (
        "Higher along a line: dominates, at least as good in every aspect and better in one. No line down "
        "from one to the other: incomparable. "
        f"Ratings: {', '.join(map(words, ASPECTS))}. Thick edge: chosen now."
    )
    return page(
        f'{STYLE}<div class="pg-pareto"><figure>{svg(drawn)}<figcaption>{caption}</figcaption></figure>'
        f"<div><b>Can weights choose it?</b><ul>{prospects}</ul></div></div>"
    )


def static(state: ParetoState) -> str:
    """The same where no kernel runs."""
    return page("<h3>The Pareto explorer</h3>") + answers(state) + choice(state) + order(state)
