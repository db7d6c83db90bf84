"""The annotation desk: judge pairs of answers without knowing who wrote them; then see what that shows.

    AnnotationDesk()                                  # the bundled feedback
    AnnotationDesk(feedback, truth=lambda prompt, response: …, prompts=4)

This is the view. `desk_state.py` is the desk in plain Python, `desk_page.py` its HTML; the file, the queue
and the export are `annotations.py`, the statistics `raters.py`.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as ui

from .. import annotations
from ..raters import Scorer
from . import desk_page
from .controls import Game, button, row
from .desk_state import DeskState
from .gap_page import page, say

HEAD = (
    "<h3>The annotation desk</h3><p>Read the question and both answers, then say which answer is better. Who "
    "wrote them, and what others thought, stays hidden until you open the report. “Equally good” is a "
    "judgement; “can’t say” is for pairs that you cannot judge. Each click is saved at once.</p>"
)
STYLE = """<style>
.pg-desk .pg-desk-verdicts .widget-button {min-height: 38px; font-weight: 600}
.pg-desk .widget-box {overflow: visible}
</style>"""


class AnnotationDesk(Game):
    """Judge pairs blind; resumes where it stopped. Arguments: as for DeskState.

    `report` is the open report, an Agreement, or None; `verdicts` the verdicts in force; `pairs()` the
    preferences as a data set to train on. Where no kernel runs, the same display shows a static page.
    """

    def __init__(
        self,
        feedback=None,
        file: str | Path = annotations.FILE,
        seed: int = 0,
        truth: Scorer | None = None,
        prompts: int = 6,
        repeats: int = 6,
        annotator: str = "me",
    ):
        self.state = DeskState(feedback, file, seed, truth, prompts, repeats, annotator)
        self._make_controls()
        self._wire()
        self._start(self._layout())
        self.add_class("pg-desk")

    @property
    def report(self):
        """The report while it is open, else None."""
        return self.state.shown

    @property
    def verdicts(self) -> list[dict]:
        return self.state.verdicts

    def pairs(self):
        """The preferences as training pairs: a datasets.Dataset in load_pairs' columns."""
        return annotations.to_pairs(self.state.verdicts)

    def _make_controls(self) -> None:
        self.buttons = {
            "left": button("◀ Left is better", "The answer on the left is better"),
            "tie": button("= Equally good", "Neither is better: a tie"),
            "can't say": button("? Can’t say", "No judgement: I cannot compare these two"),
            "right": button("Right is better ▶", "The answer on the right is better"),
        }
        self.undo = button("↶ Undo", "Take the last verdict back")
        self.look = button("", "What your verdicts show; you can go on afterwards")
        self.export = button("Export as training pairs", "Write your preferences to a file for load_pairs")
        self.progress, self.question, self.answers, self.message, self.shown = (ui.HTML() for _ in range(5))

    def _layout(self) -> list[ui.Widget]:
        self.judging = row(*self.buttons.values(), self.undo)
        self.judging.add_class("pg-desk-verdicts")
        return [
            ui.HTML(STYLE + page(HEAD)),
            self.progress,
            self.question,
            self.judging,  # above the answers, so that it stays in place whatever their length
            self.message,
            self.answers,
            row(self.look, self.export),
            self.shown,
        ]

    def _wire(self) -> None:
        state = self.state
        for verdict, control in self.buttons.items():
            self._click(control, lambda verdict=verdict: state.judge(verdict))
        self._click(self.undo, state.undo)
        self._click(self.look, lambda: state.close_report() if state.shown else state.open_report())
        self._click(self.export, state.export)

    # State to screen

    def _show(self, error: str = "") -> None:
        state = self.state
        # No button is ever disabled: a disabled one loses the focus, and the keyboard its place on the page.
        for part in (self.question, self.judging, self.answers):
            part.layout.display = "none" if state.shown else None
        self.look.description = "Back to the pairs" if state.shown else "Open the report"
        self.look.button_style = "" if state.question or state.shown else "primary"
        self.progress.value = desk_page.progress(state)
        self.question.value, self.answers.value = (
            desk_page.question(state.question),
            desk_page.answers(state.question),
        )
        notes = [note for note in (error, *state.notices) if note]
        self.message.value = page(say(*notes)) if notes else ""
        self.shown.value = desk_page.report(state.shown) if state.shown else ""

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel a page of what is on the desk."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/html"] = desk_page.static(self.state)
        said = str(self.state.shown) if self.state.shown else f"{self.state.done} pairs judged"
        bundle["text/plain"] = f"Annotation desk, {len(self.state.queue)} pairs. {said}"
        return bundle
