"""The gap explorer: which of two answers does a model find likelier, and at which tokens?

    GapExplorer()                             # the bundled policy and data set
    GapExplorer(ref="bundled/reference")      # with log-ratios, token by token, and P(y⁺ ≻ y⁻)
    GapExplorer(bugs=True)                    # with the usual bugs, to be switched on

This is the view. `gap_state.py` is the game in plain Python, `gap_page.py` its HTML, `picks.py` its file.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as ui

from .. import plots
from .controls import Game, auto, button, choice, row, step
from .gap_page import bug_table, cards, figure_png, numbers, page, role, say, static, strips
from .gap_state import BUGS, GUESSES, NAMES, OWN, VIEWS, GapState, Problem
from .picks import PICKS

STYLE = f"""<style>
.pg-gap .pg-plus .widget-toggle-button.mod-active {{background: {plots.PLUS}}}
.pg-gap .pg-minus .widget-toggle-button.mod-active {{background: #b04a00}}
.pg-gap .pg-reveal {{font-weight: 600}}
</style>"""


class GapExplorer(Game):
    """Choose y⁺ and y⁻, guess the sign of the gap, see it token by token. Arguments: as for GapState.

    Every revealed choice is appended to the file `picks`; read_picks reads it back as pairs. Where no kernel
    runs, the same display shows a static page and a picture.
    """

    def __init__(self, policy=None, ref=None, feedback=None, beta: float = 0.1, picks=PICKS, bugs=False):
        self.state = GapState(policy, ref, feedback, beta, picks, bugs)
        self._make_controls()
        self._wire()
        self._start(self._layout())
        self.add_class("pg-gap")

    def _make_controls(self) -> None:
        state = self.state
        starts = [(_short(state.instructions[i]), i) for i in state.prompts()]
        own = [("From the data set", False), ("My own", True)]
        self.starts = choice(starts, "Start with", "Show this question")
        self.row = ui.IntSlider(
            min=1, max=max(2, len(state.feedback)), description="Question no.", continuous_update=False,
            style={"description_width": "initial"}, tooltip="The number of the question in the data set",
            disabled=len(state.feedback) < 2, layout=ui.Layout(width="380px", max_width="100%"),
        )  # fmt: skip
        self.previous = button("◀ Previous", "The question before")
        self.next = button("Next ▶", "The question after")
        self.source = choice(own, "Prompt x", "Where the prompt comes from")
        self.prompt = _text("Type a question of your own, then press Tab", "Your prompt")
        self.picked = {s: choice([("A", "A")], f"{role(s)}", f"This answer is {role(s)}") for s in NAMES}
        self.typed = {s: _text(f"Type {n} here, then press Tab", f"Your {n}") for s, n in NAMES.items()}
        self.swap = button("⇄ Swap", "Exchange y⁺ and y⁻")
        guesses = [(words, sign) for sign, words in GUESSES.items()]
        self.guess = choice(guesses, "The model finds", "Your guess, before you look")
        self.guess.value = None
        self.reveal = button("Reveal", "Show the numbers, and keep this choice", button_style="primary")
        self.all_numbers = ui.Checkbox(
            description="a number under every token", indent=False, layout=auto(),
            tooltip="Show the log-probability of every token",
        )  # fmt: skip
        views = [(view, view) for view in VIEWS]
        self.view = choice(views, "Show, of each token,", "What the strips below show")
        why = "See what this bug makes of the numbers"
        self.bugs = {b: ui.Checkbox(description=b, indent=False, tooltip=why, layout=auto()) for b in BUGS}
        self.cards, self.message, self.score, self.numbers, self.strips = (ui.HTML() for _ in range(5))
        self.bug_table = ui.HTML()

    def _layout(self) -> list[ui.Widget]:
        for side in NAMES:
            self.picked[side].add_class(f"pg-{side}")
        self.reveal.add_class("pg-reveal")
        head = (
            "<h3>The gap explorer</h3><p>A language model gives every answer y to a prompt x a probability "
            "π(y|x). Choose two answers, guess which one the model finds likelier, then look.</p>"
        )
        return [
            ui.HTML(STYLE + page(head)),
            step("1 · A question"),
            self.starts,
            row(self.row, self.previous, self.next),
            self.source,
            self.prompt,
            self.cards,
            step("2 · Which answer do you prefer (y⁺), and over which other one (y⁻)?"),
            row(self.picked["plus"], self.picked["minus"], self.swap),
            *self.typed.values(),
            step("3 · Your prediction: which one does the model find likelier?"),
            row(self.guess, self.reveal, self.score),
            self.message,
            step("4 · log π(y|x), token by token"),
            self.numbers,
            row(self.view, self.all_numbers),
            self.strips,
            *self._bug_part(),
        ]

    def _bug_part(self) -> list[ui.Widget]:
        """The table of bugs, where it was asked for."""
        if not self.state.bugs:
            return []
        said = (
            "<p>Both responses are scored again, in one batch, by code with a bug. <b>Before</b> you switch "
            "one on: will the gap rise, fall or stay?</p>"
        )
        bugs = row(*self.bugs.values())
        return [step("5 · Switch on a bug"), ui.HTML(page(said)), bugs, self.bug_table]

    def _wire(self) -> None:
        state = self.state
        self._on(self.starts, lambda i: i is not None and state.go(i))
        self._on(self.row, lambda n: state.go(n - 1))
        self._on(self.source, self._take_prompt)
        self._on(self.prompt, lambda text: state.own_prompt is not None and state.type_prompt(text))
        for side in NAMES:
            self._on(self.picked[side], lambda letter, side=side: state.choose(side, letter))
            self._on(self.typed[side], lambda text, side=side: state.type_response(side, text))
        self._on(self.view, state.see)
        for bug, box in self.bugs.items():
            self._on(box, lambda on, bug=bug: state.switch(bug, on))
        # The guess is made: scored now, and remembered by the policy, so that the reveal is quick.
        self._on(self.guess, lambda guess: guess is not None and state.compare())
        clicks = {
            self.previous: lambda: state.go(state.index - 1),
            self.next: lambda: state.go(state.index + 1),
            self.swap: state.swap,
            self.reveal: lambda: state.reveal(self.guess.value),
        }
        for control, action in clicks.items():
            self._click(control, action)
        self.all_numbers.observe(lambda _: self._show_all_numbers(), "value")

    def _take_prompt(self, own: bool) -> None:
        """From the data set, or the learner's own: at first the same, as something to change."""
        self.state.type_prompt((self.prompt.value or self.state.prompt) if own else None)

    def _do(self, action: Callable[[], Any]) -> None:
        """As in all games; besides, another pair wants another guess."""
        before = self._pair()

        def act():
            try:
                action()
            finally:
                if self._pair() != before:
                    with self._silence():
                        self.guess.value = self.state.guess

        super()._do(act)

    def _pair(self) -> tuple[str, str, str]:
        return self.state.prompt, self.state.response("plus"), self.state.response("minus")

    # State to screen

    def _show(self, error: str = "") -> None:
        state = self.state
        with self._silence():
            self._show_controls()
        notes = [error, state.problem() or "", *state.notices]
        if state.shown:
            self.numbers.value = numbers(state.shown, state.guess)
            self.strips.value = strips(state.shown, state.view)
            self.bug_table.value = bug_table(state.bug_rows()) if state.bugs else ""
            notes += state.shown.notes
        else:
            hidden = '<p class="pg-soft">Hidden until you commit a guess and press Reveal.</p>'
            self.numbers.value, self.strips.value, self.bug_table.value = page(hidden), "", ""
        self.all_numbers.layout.display = None if state.shown else "none"
        self.view.layout.display = None if state.shown and state.ref else "none"
        for box in self.bugs.values():
            box.disabled = not state.shown
        self.cards.value = cards(state)
        self.message.value = page(say(*dict.fromkeys(notes))) if any(notes) else ""
        self.score.value = page(self._tally())

    def _show_controls(self) -> None:
        state = self.state
        self.guess.disabled = state.shown is not None  # committed
        self.row.value = state.index + 1
        self.starts.value = state.index if state.index in [i for _, i in self.starts.options] else None
        self.previous.disabled, self.next.disabled = state.index == 0, state.index == len(state.feedback) - 1
        own = state.own_prompt is not None
        self.source.value, self.prompt.layout.display = own, None if own else "none"
        if own:
            self.prompt.value = state.own_prompt
        options = tuple([*((letter, letter) for letter in state.answers), ("my own", OWN)])
        for side in NAMES:
            if self.picked[side].options != options:
                self.picked[side].options = options
            self.picked[side].value = state.chosen[side]
            self.typed[side].value = state.own[side]
            self.typed[side].layout.display = None if state.chosen[side] == OWN else "none"

    def _tally(self) -> str:
        right, made = self.state.guesses
        ledger = self.state.ledger
        saved, unsaved = len(ledger.records) - len(ledger.unsaved), len(ledger.unsaved)
        picks = f"{saved} pick{'s' * (saved != 1)} saved in {escape(str(ledger.path))}"
        waiting = f", {unsaved} in memory only" if unsaved else ""
        guesses = f"Guesses right: <b>{right} of {made}</b>" if made else "No guesses yet"
        return f'<span>{guesses} <span class="pg-soft">· {picks}{waiting}</span></span>'

    def _show_all_numbers(self) -> None:
        (self.strips.add_class if self.all_numbers.value else self.strips.remove_class)("pg-numbers")

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel a page and a picture of the current pair."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/html"] = static(self.state)
        try:
            png = figure_png(self.state.compare())
        except Problem as problem:
            bundle["text/plain"] = f"Gap explorer: {problem}"
        else:
            bundle["image/png"] = base64.b64encode(png).decode("ascii")
        return bundle


def _text(placeholder: str, description: str) -> ui.Textarea:
    layout = ui.Layout(width="100%", max_width="760px")
    return ui.Textarea(
        placeholder=placeholder, description=description, tooltip=description, rows=3, layout=layout,
        continuous_update=False, style={"description_width": "initial"},
    )  # fmt: skip


def _short(text: str, limit: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
