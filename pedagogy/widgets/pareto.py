"""The Pareto explorer: four answers rated in four aspects, and weights that choose one of them.

    ParetoExplorer()              # the bundled feedback
    ParetoExplorer(feedback)      # rows of UltraFeedback's raw schema

This is the view. `pareto_state.py` is the game in plain Python, `pareto_page.py` its HTML.
"""

from __future__ import annotations

import base64

import ipywidgets as ui

from ..feedback.schemas import ASPECTS
from . import pareto_page
from .controls import Game, button, row, step, wide
from .gap_page import page, say
from .hasse_draw import png
from .pareto_state import STEP, ParetoState, words

HEAD = (
    "<h3>The Pareto explorer</h3><p>Each answer is rated from 1 to 5 in four aspects. Where one is better "
    "here and worse there, nothing says which to prefer until you weigh the aspects. Try to make each answer "
    "win.</p>"
)


class ParetoExplorer(Game):
    """Weigh the four aspects of a row of feedback: which answer is chosen? Argument: as for ParetoState."""

    def __init__(self, feedback=None):
        self.state = ParetoState(feedback)
        self._make_controls()
        self._wire()
        self._start(self._layout())

    def _make_controls(self) -> None:
        size = len(self.state.feedback)
        self.row = ui.IntSlider(
            min=1, max=max(2, size), description="Row no.", continuous_update=False, disabled=size < 2,
            style={"description_width": "initial"}, tooltip="The number of the row in the data set",
            layout=wide(340),
        )  # fmt: skip
        self.previous = button("◀ Previous", "The row before")
        self.next = button("Next ▶", "The row after")
        self.disagreement = button(
            "Next where they disagree ▶",
            "The next row where overall_score and the mean choose differently",
        )
        self.weights = {
            aspect: ui.FloatSlider(
                value=1.0, min=0.0, max=1.0, step=STEP, description=words(aspect), readout_format=".2f",
                style={"description_width": "148px"}, tooltip=f"The weight of {words(aspect)}",
                layout=wide(380),
            )
            for aspect in ASPECTS
        }  # fmt: skip
        self.equal = button("Weigh all alike", "Set every weight to 1")
        self.equal.layout.align_self = "flex-start"
        self.answers, self.message, self.choice, self.order = (ui.HTML() for _ in range(4))

    def _layout(self) -> list[ui.Widget]:
        sliders = ui.VBox([*self.weights.values(), self.equal], layout=wide(390))
        self.choice.layout.flex = "1 1 440px"
        beside = ui.Layout(flex_flow="row wrap", grid_gap="6px 28px", align_items="flex-start")
        return [
            ui.HTML(page(HEAD)),
            row(self.row, self.previous, self.next, self.disagreement),
            self.answers,
            step("Weigh the aspects; what counts is their proportion"),
            ui.HBox([sliders, self.choice], layout=beside),
            self.message,
            step("The Pareto order: what holds whatever the weights"),
            self.order,
        ]

    def _wire(self) -> None:
        state = self.state
        self._on(self.row, lambda n: state.go(n - 1))
        self._click(self.previous, lambda: state.go(state.index - 1))
        self._click(self.next, lambda: state.go(state.index + 1))
        self._click(self.disagreement, state.next_disagreement)
        for aspect, slider in self.weights.items():
            self._on(slider, lambda weight, aspect=aspect: state.weigh(**{aspect: weight}))
        self._click(self.equal, lambda: state.weigh(**dict.fromkeys(ASPECTS, 1.0)))

    def _show(self, error: str = "") -> None:
        state = self.state
        with self._silence():
            self.row.value = state.index + 1
            for aspect, slider in self.weights.items():
                slider.value = state.weights[aspect]
        self.answers.value = pareto_page.answers(state)
        self.choice.value = pareto_page.choice(state)
        self.order.value = pareto_page.order(state)
        self.message.value = page(say(error, *state.notices()))

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel a page and a picture of the current row."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/html"] = pareto_page.static(self.state)
        picture = pareto_page.picture(self.state)
        bundle["text/plain"] = f"Pareto explorer. {self.state.agreement()}"
        if picture is not None:
            bundle["image/png"] = base64.b64encode(png(picture)).decode("ascii")
            bundle["text/plain"] += f" {picture.said}"
        return bundle
