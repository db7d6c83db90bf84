"""What the views of all games share: controls safe under JupyterLab's keys, their style, and how to act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import ipywidgets as ui

from .gap_page import page
from .gap_state import Problem

STYLE = """<style>
.pg-game {max-width: 1080px}
.pg-game .widget-html-content, .pg-game .jupyter-widgets {line-height: 1.45}
.pg-game .widget-toggle-buttons {height: auto}
.pg-game .widget-html, .pg-game .widget-html-content {min-width: 0; max-width: 100%}
.pg-game .widget-toggle-button, .pg-game .widget-button {height: auto; min-height: 30px; padding: 3px 12px;
  line-height: 1.35; border-radius: 4px; white-space: normal; text-align: left; overflow: visible}
.pg-game .widget-toggle-button.mod-active {background: #1f3a5f; color: #fff; box-shadow: none}
.pg-game .widget-toggle-button.mod-active::before {content: "✓ "}
.pg-game button:focus-visible, .pg-game input:focus-visible, .pg-game textarea:focus-visible,
.pg-game [tabindex]:focus-visible {outline: 3px solid #f0a500 !important; outline-offset: 1px}
</style>"""


class Game(ui.VBox):
    """A thin view over a state in plain Python: an action, then everything is shown anew.

    A subclass makes its controls, binds them with _on and _click, and then calls _start; it has _show(error).
    """

    _quiet = False  # while the controls are set from the state

    def _start(self, children: Sequence[ui.Widget]) -> None:
        super().__init__([ui.HTML(STYLE), *children], layout=ui.Layout(width="100%"))
        self.add_class("pg-game")
        self._show()

    def _show(self, error: str = "") -> None:
        raise NotImplementedError

    def _on(self, control: ui.Widget, action: Callable[[Any], Any]) -> None:
        control.observe(lambda change: self._quiet or self._do(lambda: action(change["new"])), "value")

    def _click(self, button: ui.Button, action: Callable[[], Any]) -> None:
        button.on_click(lambda _: self._do(action))

    def _do(self, action: Callable[[], Any]) -> None:
        """Act, then show what became of it; no error may vanish in a callback."""
        error = ""
        try:
            action()
        except Problem as problem:
            error = str(problem)
        except Exception as unforeseen:
            error = f"This did not work ({type(unforeseen).__name__}): {unforeseen}"
        self._show(error)

    @contextmanager
    def _silence(self) -> Iterator[None]:
        """The view's own changes of its controls start no action."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def auto() -> ui.Layout:
    return ui.Layout(width="auto")


def wide(pixels: int) -> ui.Layout:
    """That wide, or less where the page is narrower; 4 pixels are margins."""
    return ui.Layout(width=f"{pixels}px", max_width="calc(100% - 4px)")


def row(*children: ui.Widget) -> ui.HBox:
    layout = ui.Layout(flex_flow="row wrap", align_items="flex-end", grid_gap="4px 18px")
    return ui.HBox(children, layout=layout)


def step(title: str) -> ui.HTML:
    return ui.HTML(page(f"<h4>{escape(title)}</h4>"))


def button(text: str, tooltip: str, **options) -> ui.Button:
    return ui.Button(description=text, tooltip=tooltip, layout=auto(), **options)


def choice(options: Sequence[tuple[str, Any]], description: str, tooltip: str) -> ui.ToggleButtons:
    """Buttons, one of them on: unlike a dropdown, safe under the arrow keys of JupyterLab."""
    return ui.ToggleButtons(
        options=options, description=description, tooltips=[f"{tooltip}: {label}" for label, _ in options],
        style={"button_width": "auto", "description_width": "initial"}, layout=auto(),
    )  # fmt: skip
