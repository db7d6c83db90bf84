"""What DPO live shows, as HTML: progress, numbers, curves, an answer before and now, all runs in a table."""

from __future__ import annotations

import difflib
import io
import re
from html import escape

from ..plots import MINUS, PLUS
from .gap_page import page, say, scrolling
from .live_curves import Curve, Level, curves
from .live_state import DONE, LOSS_NAMES, NAMES, TRAINING, WAITING, Answer, Attempt, LiveState, show
from .markup import number

STYLE = f"""<style>
.pg-page dl.pg-live-now {{display: flex; flex-wrap: wrap; gap: 2px 26px; margin: 6px 0 4px}}
.pg-page .pg-live-now :is(dt, dd) {{float: none; width: auto; margin: 0; padding: 0}}
.pg-page .pg-live-now dt {{font-size: 12.5px; font-weight: 400; opacity: .85}}
.pg-page .pg-live-now dd {{font-size: 17px; font-weight: 600; font-variant-numeric: tabular-nums}}
.pg-page .pg-live-bar {{height: 10px; max-width: 620px; border: 1px solid var(--line); border-radius: 5px;
  overflow: hidden; margin: 4px 0}}
.pg-page .pg-live-bar i {{display: block; height: 100%; background: {PLUS}}}
.pg-page .pg-live-curves {{display: grid; gap: 10px 20px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr))}}
.pg-page figure {{margin: 0}} .pg-page figcaption {{font-size: 13px; min-height: 38px}}
.pg-page .pg-card mark {{background: #f0a50040; color: inherit; font-weight: 600; text-decoration: underline}}
.pg-page .pg-table.pg-live-runs td {{white-space: nowrap}}
.pg-page .pg-table.pg-live-runs tbody tr:last-child > * {{font-weight: 600}}
.pg-page .pg-card.pg-live-answer {{max-height: 240px}}
</style>"""
HEAD = (
    "<h3>DPO live</h3><p>A copy of the policy is trained to prefer y⁺ to y⁻; the policy itself stays as it "
    "is, and is π<sub>ref</sub>. Foretell what a dial does, start, look; then turn it and start again. "
    "Settings take effect with the next start.</p>"
)
COLUMNS = {  # of the table of runs
    "run": "run", "beta": "β", "lr": "learning rate", "noise": "label noise", "loss_type": "loss type",
    "label_smoothing": "ε", "step": "steps", "loss": "loss", "accuracy": "accuracy",
    "margin": "margin", "kl": "KL, nats", "utility": "true utility", "seconds": "seconds", "status": "",
}  # fmt: skip


def live_page(html: str) -> str:
    return STYLE + page(html)


def settings_note(state: LiveState) -> str:
    """What the dials mean that is easily misread."""
    d = state.dials
    said = []
    if d.noise:
        flipped = round(d.noise * len(state.pairs))
        said.append(
            f"<b>Simulated noise</b>: in the next run {flipped} of the {len(state.pairs)} training pairs, "
            "drawn with a seed, have their labels flipped. The held-out pairs keep theirs."
        )
    if d.label_smoothing and not d.epsilon:
        said.append(f"{LOSS_NAMES[d.loss_type]} has no ε: it is left out.")
    elif d.loss_type == "robust" and not d.epsilon:
        said.append("With ε = 0 the robust loss is the sigmoid loss.")
    elif d.loss_type == "sigmoid" and d.epsilon:
        said.append(f"The sigmoid loss with ε = {d.epsilon:g} is conservative DPO (cDPO).")
    return live_page(f'<p class="pg-soft">{" ".join(said)}</p>') if said else ""


def data_note(state: LiveState) -> str:
    name = escape(state.policy.name or "the policy")
    held = len(state.held_out)
    there = (
        f"{held} others are held out, to measure on" if held else "no pairs are held out, so there is no KL"
    )
    return f'<p class="pg-soft">π<sub>ref</sub>: {name}. {len(state.pairs)} pairs to train on; {there}.</p>'


# The run


def status(state: LiveState) -> str:
    """Which run, how far, since when; as words, and as a bar."""
    a = state.attempt
    if a is None:
        return live_page(f"{data_note(state)}<p>Nothing has run yet: press Start.</p>")
    d, what = a.dials, "paused" if state.paused and not a.over else a.status
    set_to = [f"{NAMES[n]} {show(n, getattr(d, n))}" for n in ("beta", "lr", "noise")]
    set_to.append(f"loss {LOSS_NAMES[d.loss_type]}" + (f", ε {d.epsilon:g}" if d.epsilon else ""))
    done = a.step / a.steps if a.steps else 0
    to_go = ""
    if what == TRAINING and a.step:
        to_go = f", about {a.spent / a.step * (a.steps - a.step):.0f} s to go"
    words = {WAITING: "waiting for another run to end", "scoring π_ref": "scoring all pairs under π_ref"}
    said = f"step {a.step} of {a.steps or '…'}, {a.spent:.0f} s{to_go}"
    noise = ""
    if a.flipped:
        noise = (
            f'<p class="pg-soft">Simulated noise: {a.flipped} of {len(state.pairs)} training labels are '
            "flipped in this run. Its batches, and their curves, go by these labels.</p>"
        )
    return live_page(
        f"<p><b>Run {a.number}: {escape(words.get(what, what))}</b> · {said}<br>"
        f'<span class="pg-soft">{escape("; ".join(set_to))}</span></p>'
        f'<div class="pg-live-bar" role="progressbar" aria-label="Steps done" aria-valuemin="0" '
        f'aria-valuemax="{a.steps}" aria-valuenow="{a.step}"><i style="width:{100 * done:.1f}%"></i></div>'
        f"{noise}{_numbers(a)}"
    )


def _numbers(a: Attempt) -> str:
    row = a.measured
    if not row:
        return ""
    held = row["split"] == "held-out"
    shown = {
        f"{'held-out pairs' if held else 'a batch'}, at step": str(row["step"]),
        "loss": number(row["loss"], 3),
        "accuracy": f"{row['accuracy']:.0%}",
        "margin": number(row["margin"], 3, sign=True),
        "log π(y⁺|x) since the start, nats": number(row["chosen_change"], 2, sign=True),
        "log π(y⁻|x) since the start, nats": number(row["rejected_change"], 2, sign=True),
    }
    if held:
        shown["KL(π‖π_ref), nats"] = number(row["kl"], 2)
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in shown.items())
    level = ""
    if row["step"] == 0:
        level = (
            '<p class="pg-soft">At the start π = π<sub>ref</sub>: each margin is 0, no pair is ahead, so the '
            "accuracy is 0.</p>"
        )
    return f'<dl class="pg-live-now">{cells}</dl>{level}'


def charts(a: Attempt | None) -> str:
    """Loss, margin, both log-probabilities and KL over steps."""
    if a is None or not a.rows:
        return ""
    rows = list(a.rows)  # the thread may add one
    start = Level(a.dials.start_loss, "ln 2" if a.dials.loss_type in ("sigmoid", "robust") else "at π_ref")
    zero = Level(0.0, "at the start")
    blue = {"color": PLUS}
    orange = {"color": MINUS, "dash": "7 4", "mark": "s"}
    made = [
        _chart("Loss", "loss", a, rows, {"loss": blue}, start),
        _chart("Margin r̂⁺ − r̂⁻", "margin", a, rows, {"margin": blue}, Level(0.0, "at the start")),
        _chart(
            "log π(y|x), change since the start", "nats", a, rows,
            {"chosen_change": blue, "rejected_change": orange}, zero,
        ),
    ]  # fmt: skip
    if any(row["kl"] is not None for row in rows):
        made.append(_chart("KL(π‖π_ref), estimate", "nats a response", a, rows, {"kl": blue}, zero))
    head = (
        '<p class="pg-soft">Marks: held-out pairs. Thin lines: each training batch, as labelled. Circles and '
        "solid: y⁺, or the only curve; squares and dashes: y⁻.</p>"
    )
    if not a.last("held-out"):
        head = '<p class="pg-soft">Thin lines: each training batch, as labelled. Solid: y⁺; dashes: y⁻.</p>'
    return live_page(f'{head}<div class="pg-live-curves">{"".join(made)}</div>')


def _chart(title: str, unit: str, a: Attempt, rows: list, styles: dict, level: Level) -> str:
    drawn, said = [], []
    names = {"chosen_change": "y⁺", "rejected_change": "y⁻"}
    for key, style in styles.items():
        there = [row for row in rows if row[key] is not None]
        held, batch = ([(r["step"], r[key]) for r in there if r["split"] == s] for s in ("held-out", "train"))
        drawn.append(Curve(held, batch, **style))
        if last := (held or batch)[-1:]:
            step, value = last[0]
            where = "held-out pairs" if held else "its batch"
            name = f"{names[key]} " if key in names else ""
            said.append(f"{name}{number(value, 3, sign=key not in ('loss', 'kl'))} at step {step} on {where}")
    words = "; ".join(said)
    marks = [("●", PLUS), ("■", MINUS)] if len(styles) > 1 else []
    legend = " ".join(
        f'<span style="color:{color}">{mark}</span> {names[key]}'
        for (mark, color), key in zip(marks, styles, strict=False)
    )
    full = f"{title}, {unit}, over {a.steps} steps. {words}. Dotted line: {level.name}."
    return (
        f"<figure><figcaption><b>{_sub(escape(title))}</b> {legend}<br>"
        f'<span class="pg-soft">{escape(words)}</span></figcaption>'
        f"{curves(full, unit, drawn, a.steps, level)}</figure>"
    )


def _sub(text: str) -> str:
    return text.replace("π_ref", "π<sub>ref</sub>")


# One prompt's answer


def answers(state: LiveState) -> str:
    """The greedy answer before and now; what is new is marked."""
    a = state.attempt
    if a is None or not a.answers:
        return ""
    made = list(a.answers)
    before, now = made[0], made[-1]
    x = a.dials.prompt
    x = x if isinstance(x, str) else "\n".join(m["content"] for m in x)
    changed = sum(p.text != q.text for p, q in zip(made, made[1:], strict=False))
    asked = f"{len(made)} times asked, changed {changed} time{'s' * (changed != 1)}."
    return live_page(
        f'<h4>The likeliest-token (greedy) answer to one prompt</h4><div class="pg-prompt">{escape(x)}</div>'
        f'<div class="pg-cards">{_card("Before", before, escape(before.text))}'
        f"{_card('Now', now, _marked(before.text, now.text))}</div>"
        f'<p class="pg-soft">{asked} Underlined: words that were not there before.</p>{_changes(made)}'
    )


def _card(title: str, answer: Answer, text: str) -> str:
    facts = [f"step {answer.step}", f"{answer.tokens} tokens"]
    if answer.utility is not None:
        facts.append(f"true utility {number(answer.utility, 1)}")
    if not answer.ended:
        facts.append("⚠ cut off: it did not end")
    said = ", ".join(facts)
    return (
        f'<article class="pg-card pg-live-answer" tabindex="0" aria-label="{title}, {said}">'
        f'<header>{title} <span class="pg-soft">· {said}</span></header>{text or "∅ (empty)"}</article>'
    )


def _marked(before: str, now: str) -> str:
    """`now`, escaped, with the words that `before` lacks there marked."""
    old, new = (re.findall(r"\s+|\S+", text) for text in (before, now))
    made = []
    for kind, _, _, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        text = escape("".join(new[start:end]))
        made.append(f"<mark>{text}</mark>" if kind in ("insert", "replace") and text.strip() else text)
    return "".join(made)


def _changes(made: list[Answer]) -> str:
    """Every answer that differs from the one before it, folded away."""
    different = [made[0], *(q for p, q in zip(made, made[1:], strict=False) if p.text != q.text)]
    if len(different) < 3:
        return ""
    cards = "".join(_card("Answer", answer, escape(answer.text)) for answer in different)
    head = f"<summary>All {len(different)} answers</summary>"
    return f'<details>{head}<div class="pg-cards">{cards}</div></details>'


# The runs side by side


def runs(state: LiveState) -> str:
    """A table with a line a run: settings, and the last numbers."""
    if not state.attempts:
        return ""
    columns = {k: v for k, v in COLUMNS.items() if k != "utility" or state.truth}
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns.values())
    lines = [attempt.line() for attempt in state.attempts]
    body = "".join(f"<tr>{''.join(_td(k, line) for k in columns)}</tr>" for line in lines)
    held = all(line["split"] in ("held-out", None) for line in lines)
    where = (
        "on the held-out pairs"
        if held
        else "on the held-out pairs, or on the last batch where there are none"
    )
    whole = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return live_page(
        f"<h4>Runs</h4><p>Last numbers, {where}. Losses compare only between runs of one loss type and one β."
        "</p>" + scrolling(f'<table class="pg-table pg-live-runs">{whole}</table>', "The runs")
    )


def _td(key: str, line: dict) -> str:
    cell = escape(_cell(key, line))
    return f'<th scope="row">{cell}</th>' if key == "run" else f"<td>{cell}</td>"


def _cell(key: str, line: dict) -> str:
    value = line[key]
    if value is None:
        return "–"
    if key == "step":
        return f"{value} of {line['steps'] or '…'}"
    if key in ("beta", "lr", "noise", "label_smoothing"):
        return show(key, value)
    if key == "accuracy":
        return f"{value:.0%}"
    if key == "status":
        return "✓ done" if value == DONE else value
    digits = {"loss": 3, "margin": 3, "kl": 2, "utility": 1, "seconds": 0}.get(key)
    return str(value) if digits is None else number(value, digits)


# Without a kernel


def notes(state: LiveState, error: str = "") -> list[str]:
    """What there is to say: an error, a setting that waits, why a run ended."""
    a = state.attempt
    return [note for note in (error, state.pending(), a and a.error, a and a.note) if note]


def static(state: LiveState) -> str:
    """Everything as a page."""
    parts = [page(HEAD), status(state), settings_note(state), page(say(*notes(state)))]
    return "".join([*parts, charts(state.attempt), answers(state), runs(state)])


def words(state: LiveState) -> str:
    """The same without any HTML."""
    if state.attempt is None:
        return f"DPO live: {len(state.pairs)} pairs, nothing has run yet."
    table = state.table().drop(columns=["split"]).to_string(index=False)
    return "\n".join(["DPO live. Runs:", table, *notes(state)])


def figure_png(a: Attempt) -> bytes:
    """The curves as a PNG, for readers without HTML."""
    from matplotlib.figure import Figure

    rows = list(a.rows)
    panels = {"loss": ["loss"], "margin": ["margin"], "kl": ["kl"]}
    panels["log π(y|x), change, nats"] = ["chosen_change", "rejected_change"]
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    for ax, (title, keys) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        for key in keys:
            style = {"color": MINUS, "linestyle": "--"} if key == "rejected_change" else {"color": PLUS}
            for split, more in (
                ("held-out", {"marker": "s" if len(style) > 1 else "o"}),
                ("train", {"alpha": 0.4}),
            ):
                some = [(r["step"], r[key]) for r in rows if r["split"] == split and r[key] is not None]
                label = (
                    {"chosen_change": "y⁺", "rejected_change": "y⁻"}.get(key) if "marker" in more else None
                )
                ax.plot(*zip(*some, strict=True), **style, **more, label=label) if some else None
        ax.axhline(a.dials.start_loss if title == "loss" else 0, color="0.4", linestyle=":")
        ax.set(xlabel="steps", ylabel="KL(π‖π_ref), nats a response" if title == "kl" else title)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False)
    figure.savefig(file := io.BytesIO(), format="png", dpi=100)
    return file.getvalue()
