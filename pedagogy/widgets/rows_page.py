"""What the row browser shows, as HTML in STYLE: where it is, the prompt, and the answers side by side.

Texts of the data set are escaped, kept as they are written, and folded where they are long.
"""

from __future__ import annotations

import math
from html import escape

from .gap_page import page, say
from .markup import number
from .rows_read import CHOSEN, Answer, Rating, Row
from .rows_state import RowsState

FOLD, SLACK, CUT = 1600, 500, 100_000  # characters: shown at once · not worth a fold · sent at all
RAW_TEXT = "pg-text tex2jax_ignore mathjax_ignore"  # a price in dollars is no formula
CONTROL = {i: 0x2400 + i for i in range(32) if chr(i) not in "\t\n\r"} | {0x7F: 0x2421}  # their pictures: ␀ …

STYLE = """<style>
.pg-game.pg-rows {max-width: 1480px}
.pg-answers {container-type: inline-size}
.pg-grid {display: grid; gap: 0 12px; grid-template-columns: minmax(0, 1fr)}
@container (min-width: 520px) {.pg-grid {grid-template-columns: repeat(min(var(--n), 2), minmax(0, 1fr))}}
@container (min-width: 900px) {.pg-grid {grid-template-columns: repeat(min(var(--n), 4), minmax(0, 1fr))}}
.pg-answer {border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px 10px; margin-bottom: 12px;
  display: grid; grid-row: span 5; grid-template-rows: subgrid; row-gap: 8px; min-width: 0;
  align-content: start}
.pg-answer.pg-top {border: 2px solid var(--plus)}
.pg-answer header {display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline}
.pg-answer header b {font-size: 17px} .pg-answer header .pg-tag {margin: 0}
.pg-answer header span:last-child {margin-left: auto}
.pg-answer h5 {margin: 0; font-size: 13px; padding-top: 6px; border-top: 1px solid var(--line)}
.pg-about {font-size: 12.5px; opacity: .85; overflow-wrap: anywhere}
.pg-text {white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13.5px}
.pg-code {display: block; font: 12.5px/1.4 ui-monospace, Menlo, Consolas, monospace; padding: 4px 8px;
  margin: 4px 0; border-left: 3px solid var(--line); background: var(--jp-layout-color2, #f4f4f4)}
.pg-rates {display: grid; gap: 2px 8px;
  grid-template-columns: fit-content(60%) minmax(20px, 120px) max-content;
  place-content: start; align-items: center; font-size: 12.5px; font-variant-numeric: tabular-nums}
.pg-rates span:nth-child(3n) {text-align: right; font-weight: 600}
.pg-bar {height: 8px; border: 1px solid currentColor; border-radius: 2px; opacity: .8}
.pg-bar i {display: block; height: 100%; background: currentColor}
.pg-page details > summary {cursor: pointer; width: fit-content; padding: 1px 4px; font-size: 13px}
.pg-page details > summary:focus-visible {outline: 3px solid #f0a500; outline-offset: 1px}
.pg-why {margin-top: 6px} .pg-why b {font-size: 13px} .pg-why > div {margin: 0 0 2px 10px}
.pg-why .pg-note {display: inline} .pg-why i {opacity: .85}
.pg-page .pg-answer p {margin: 0}
.pg-turn {font-size: 13px; font-weight: 600; opacity: .85; margin-top: 6px}
.pg-prompt.pg-text {font-size: 15.5px}
</style>"""


def status(state: RowsState) -> str:
    """n of N rows, the filters that are on, and where the browser is."""
    filters = state.said()
    told = f"<b>{state.count()}</b>"
    if filters:
        told += f" pass{'es' * (state.size == 1)} {escape('; '.join(filters))}"
    told += "."
    if state.index is not None:
        told += f" On the screen: no. {state.position + 1:,} of {state.size:,}."
    words = say(state.notice, state.advice())
    return page(f'<p role="status" style="margin:4px 0">{told}</p>{words}')


def body(state: RowsState, opened: bool = False) -> str:
    """The row that is read; nothing where none passes. `opened`: with all rationales unfolded."""
    row = state.row
    if row is None:
        return ""
    cards = "".join(card(row, answer, opened) for answer in row.answers)
    grid = f'<div class="pg-grid" style="--n:{max(1, len(row.answers))}">{cards}</div>'
    return page(f'{_head(state, row)}<div class="pg-answers">{grid}</div>')


def _head(state: RowsState, row: Row) -> str:
    """Where the row comes from, its prompt, and what is odd about it."""
    facets = state.columns.facets.items()
    labels = {name: facet.kinds[facet.codes[state.index]] for name, facet in facets}
    labels |= {"source": row.source} if row.source else {}
    where = [f"row {state.index + 1:,} of {len(state.feedback):,} (feedback[{state.index}])"]
    where += [f"{name}: {short(label)}" for name, label in labels.items()]
    turns = "".join(_turn(role, text, len(row.turns) > 1) for role, text in row.turns)
    prompt = turns if row.prompt.strip() else turns + _soft("(This row has no prompt text.)")
    asides = "".join(folded(key.replace("_", " "), prose(text)) for key, text in row.asides)
    notes = "".join(f"<p>{escape(note)}</p>" for note in row.notes)
    return f'<div class="pg-about">{escape(" · ".join(where))}</div>{prompt}{asides}{notes}'


def _turn(role: str, text: str, named: bool) -> str:
    name = f'<div class="pg-turn">{escape(role or "user")}</div>' if named else ""
    return name + prose(text, "pg-prompt") if text else name


def card(row: Row, answer: Answer, opened: bool) -> str:
    """One answer in five parts, level with its neighbours': head, ratings, text, critique, rationales."""
    tags = tags_of(row, answer)
    top = answer.name == CHOSEN if row.is_pair else len(row.answers) > 1 and answer.name in row.best
    parts = [
        _header(answer, tags, row.is_pair),
        _rates(answer),
        prose(answer.text) if answer.text.strip() else _soft("(This answer is empty.)"),
        _critique(answer),
        _reasons(answer, opened),
    ]
    said = escape(", ".join([answer.name if row.is_pair else f"Answer {answer.name}", *tags]))
    inner = "".join(f"<div>{part}</div>" for part in parts)
    return f'<article class="pg-answer{" pg-top" * top}" aria-label="{said}">{inner}</article>'


def tags_of(row: Row, answer: Answer) -> list[str]:
    """What there is to say of an answer among its neighbours."""
    tags = []
    if answer.name in row.best and len(row.answers) > 1:
        others = [name for name in row.best if name != answer.name]
        tags.append(f"tied for best with {' and '.join(others)}" if others else "best")
        if row.is_pair:
            tags = ["scores tie"] if others else ["higher score"]
    if twins := row.twins(answer):
        tags.append(f"same text as {' and '.join(twins)}")
    return tags


def _header(answer: Answer, tags: list[str], is_pair: bool) -> str:
    score = _value(answer.score_given, answer.score)
    shown = "".join(f'<span class="pg-tag plus">{escape(tag)}</span>' for tag in tags)
    about = [_words(answer.text), answer.model, answer.principle and f"principle: {answer.principle}"]
    told = escape(" · ".join(part for part in about if part))
    return (
        f"<header><b>{escape(answer.name)}</b>{shown}<span>{'score' if is_pair else 'overall_score'} "
        f'<b>{score}</b></span></header><div class="pg-about">{told}</div>'
    )


def _value(given: str, value: float) -> str:
    """A number as a number, anything else as it stands."""
    return escape(short(given) or "not given") if math.isnan(value) else f"{value:g}".replace("-", "−")


def _rates(answer: Answer) -> str:
    """The ratings: name, bar and number each, then their mean."""
    if not answer.ratings:
        return ""
    mean = f"<span>mean</span><span></span><span>{number(answer.mean)}</span>"
    rates = [*map(_rate, answer.ratings), "" if math.isnan(answer.mean) else mean]
    return f'<div class="pg-rates">{"".join(rates)}</div>'


def _rate(rating: Rating) -> str:
    share = 0 if math.isnan(rating.value) else min(max(rating.value / 5, 0), 1)
    bar = f'<i style="width:{share:.0%}"></i>' if share else ""
    name = escape(short(rating.aspect.replace("_", " ")))
    return (
        f'<span>{name}</span><span class="pg-bar" aria-hidden="true">{bar}</span>'
        f"<span>{_value(rating.given, rating.value)}</span>"
    )


def _critique(answer: Answer) -> str:
    if answer.critique is None:
        return ""
    return f"<h5>Critique</h5>{prose(answer.critique) if answer.critique.strip() else _soft('(none)')}"


def _reasons(answer: Answer, opened: bool) -> str:
    """What the annotator gave as reasons, aspect by aspect, and the system prompt behind the answer."""
    said = "".join(_why(rating) for rating in answer.ratings if rating.notes)
    reasons = folded("Rationales of the ratings", said, opened)
    system = folded("System prompt (the principle in words)", prose(answer.system))
    return (reasons if said else "") + (system if answer.system.strip() else "")


def _why(rating: Rating) -> str:
    name = escape(short(rating.aspect.replace("_", " ")))
    notes = (
        f"<div><i>{escape(short(key))}:</i> {prose(text, 'pg-note')}</div>" for key, text in rating.notes
    )
    return f'<div class="pg-why"><b>{name}: {_value(rating.given, rating.value)}</b>{"".join(notes)}</div>'


def _soft(words: str) -> str:
    return f'<p class="pg-soft">{words}</p>'


def folded(title: str, html: str, opened: bool = False) -> str:
    return f"<details{' open' * opened}><summary>{escape(title)}</summary>{html}</details>"


# Texts of the data set


def prose(text: str, kind: str = "") -> str:
    """A text as it is written, code in code type, the rest of a long one folded."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").translate(CONTROL)
    shown = whole[:CUT]
    split = len(shown) if len(shown) <= FOLD + SLACK else _word_end(shown)
    head, in_code = _with_code(shown[:split])
    html = _block(head, kind)
    if split < len(shown):
        rest, _ = _with_code(shown[split:], in_code)
        html += folded(f"… and {_words(shown[split:])} more", _block(rest, kind))
    if len(whole) > CUT:
        html += _soft(f"(Cut here, after {CUT:,} of {len(whole):,} characters.)")
    return html


def _block(html: str, kind: str) -> str:
    return f'<div class="{kind} {RAW_TEXT}" dir="auto">{html}</div>'


def _word_end(text: str) -> int:
    """Where to fold: at the last space or line break before FOLD, unless that is far back."""
    at = max(text.rfind(" ", FOLD - 200, FOLD), text.rfind("\n", FOLD - 200, FOLD))
    return FOLD if at < 0 else at


def _with_code(text: str, in_code: bool = False) -> tuple[str, bool]:
    """Escaped, with fenced code (```) in blocks of its own; and whether it ends inside one."""
    blocks: list[tuple[bool, list[str]]] = [(in_code, [])]
    for line in text.split("\n"):
        fence = line.lstrip().startswith("```") and line.count("```") == 1  # not ```all in one line```
        if fence and not in_code:
            blocks.append((True, []))
        blocks[-1][1].append(line)
        if fence:
            in_code = not in_code
            if not in_code:
                blocks.append((False, []))
    return "".join(_lines(code, lines) for code, lines in blocks if lines), in_code


def _lines(code: bool, lines: list[str]) -> str:
    text = escape("\n".join(lines))
    return f'<code class="pg-code">{text}</code>' if code else text


def _words(text: str) -> str:
    n = len(text.split())
    return f"{n:,} word{'s' * (n != 1)}"


def short(text: str, limit: int = 60) -> str:
    """The beginning of a text, in one line."""
    text = " ".join(text[: 20 * limit].split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


# Without a kernel


def static(state: RowsState) -> str:
    """The same where no kernel runs."""
    return STYLE + page("<h3>The row browser</h3>") + status(state) + body(state)


def as_text(state: RowsState) -> str:
    """In plain text: where it is, the prompt, and each answer in a line."""
    lines = [f"Row browser: {state.count()}."]
    if (row := state.row) is None:
        return f"{lines[0]} {state.advice()}"
    lines += [f"Row {state.index + 1}: {short(row.prompt, 300)}"]
    for answer in row.answers:
        score = answer.score_given or "no score"
        lines.append(f"{answer.name} ({score}; {_words(answer.text)}): {short(answer.text, 120)}")
    return "\n".join(lines)
