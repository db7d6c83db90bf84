"""The order builder: state preferences a ≻ b, and see at once what follows from them.

    OrderBuilder(["a", "b", "c", "d"])
    OrderBuilder(["good", "fair", "bad"], pairs=[("good", "fair")])

This is the view. `order_state.py` is the game in plain Python, `order_page.py` its HTML.
"""

from __future__ import annotations

import base64
from collections.abc import Hashable, Iterable

import ipywidgets as ui

from ..orders import PreferenceOrder
from . import order_page
from .controls import Game, auto, button, choice, row, step, wide
from .gap_page import page, say
from .hasse_draw import png
from .order_state import OrderState

HEAD = (
    "<h3>The order builder</h3><p>State preferences, pair by pair. What follows is shown at once: the Hasse "
    "diagram, implied pairs, the rankings that agree, and whether a reward exists. Try to break it.</p>"
)


class OrderBuilder(Game):
    """Build a preference relation pair by pair. elements: 2 to 12; pairs: the first ones, (preferred, other).

    `order` is the PreferenceOrder built so far. Elements are kept as text. OrderError on pairs that name an
    unknown element, or one and the same; a cycle is welcome.
    """

    def __init__(
        self,
        elements: Iterable[Hashable] = ("a", "b", "c", "d"),
        pairs: Iterable[tuple[Hashable, Hashable]] = (),
    ):
        self.state = OrderState(elements, pairs)
        self._make_controls()
        self._wire()
        self._start(self._layout())

    @property
    def order(self) -> PreferenceOrder:
        """The stated pairs; its `closure()` has the implied ones too."""
        return self.state.order

    def _make_controls(self) -> None:
        names = self._options()
        self.names = ui.Text(
            description="Elements", placeholder="a, b, c", continuous_update=False,
            tooltip="The elements, separated by commas; press Enter", style={"description_width": "initial"},
            layout=wide(560),
        )  # fmt: skip
        self.first = choice(names, "Preferred", "The preferred element")
        self.second = choice(names, "over", "The other element")
        self.second.value = self.state.elements[1]
        self.add = button("", "State this preference", button_style="primary")
        self.remove = button("", "Take this stated pair back")
        self.undo = button("↶ Undo", "Back to before the last change")
        self.clear = button("Clear", "Remove all pairs")
        self.implied = ui.Checkbox(
            description="draw the implied pairs too, dotted", indent=False, layout=auto(),
            tooltip="Draw every pair of the transitive closure",
        )  # fmt: skip
        self.message, self.verdict, self.facts = ui.HTML(), ui.HTML(), ui.HTML()

    def _layout(self) -> list[ui.Widget]:
        return [
            ui.HTML(page(HEAD)),
            self.names,
            step("State a preference"),
            self.first,
            self.second,
            row(self.add, self.remove, self.undo, self.clear),
            self.message,
            step("What follows"),
            self.verdict,
            self.implied,
            self.facts,
        ]

    def _wire(self) -> None:
        state = self.state
        self._on(self.names, state.type_elements)
        for control in (self.first, self.second, self.implied):
            self._on(control, lambda _: None)  # only shown anew
        self._click(self.add, lambda: state.add(self.first.value, self.second.value))
        self._click(self.remove, lambda: state.remove(self.first.value, self.second.value))
        self._click(self.undo, state.undo)
        self._click(self.clear, state.clear)

    # State to screen

    def _options(self) -> list[tuple[str, str]]:
        return [(name, name) for name in self.state.elements]

    def _show(self, error: str = "") -> None:
        state = self.state
        with self._silence():
            if not error:  # what was mistyped stays, to be mended
                self.names.value = state.text
            self._show_names()
        pair = f"{self.first.value} ≻ {self.second.value}"
        self.add.description, self.remove.description = f"Add {pair}", f"Remove {pair}"
        self.message.value = page(say(error or state.notice))
        self.verdict.value = page(order_page.verdict(state))
        self.facts.value = page(order_page.facts(state, self.implied.value))

    def _show_names(self) -> None:
        """The buttons of both picks; a pick that is still there stays."""
        options = tuple(self._options())
        for control, start in ((self.first, 0), (self.second, 1)):
            if control.options == options:
                continue
            picked = control.value
            control.options = options
            control.tooltips = [name for name, _ in options]
            control.value = picked if picked in self.state.elements else self.state.elements[start]

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel a page and a picture of the order so far."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        picture = order_page.picture(self.state)
        bundle["text/html"] = order_page.static(self.state)
        bundle["image/png"] = base64.b64encode(png(picture)).decode("ascii")
        bundle["text/plain"] = f"Order builder. {picture.said} {self.state.verdict()}"
        return bundle
