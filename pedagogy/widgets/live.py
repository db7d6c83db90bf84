"""DPO live: turn β, the learning rate, the label noise or the loss, train for a minute, and watch.

    DPOLive()                                            # the bundled reference and some bundled pairs
    live = DPOLive(policy, pairs, held_out, prompt, truth=lambda prompt, response: …)
    live.start(); live.wait(); live.history              # without the mouse

This is the view. `live_state.py` is the game in plain Python, `live_page.py` and `live_curves.py` its HTML.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets as ui

from . import live_page
from .controls import Game, button, choice, row, step, wide
from .gap_page import page, say
from .live_state import BETAS, LOSS_NAMES, NOISES, RATES, SMOOTHINGS, LiveState, choices, show

REDRAW = 0.5  # seconds between two pictures, at least


class DPOLive(Game):
    """Train a copy of a policy on pairs, in a thread, and watch it. Arguments: as for LiveState.

    `policy` is the trained copy, `history` the rows of the last run as of train_dpo, with chosen_change and
    rejected_change (nats since the start), `runs` a line for each run. start, pause, resume and stop are the
    buttons; wait blocks until the run is over. Closing the widget, or running its cell again, ends a run.
    Where no kernel runs, the same display shows a static page.
    """

    def __init__(self, policy=None, pairs=None, held_out=None, prompt=None, **options):
        self.state = LiveState(policy, pairs, held_out, prompt, **options)
        self._lock = threading.RLock()  # the thread shows what it has done, and the buttons act
        self._shown_at, self._error = 0.0, ""
        self._make_controls()
        self._wire()
        self._start(self._layout())
        self.add_class("pg-live")
        self.state.changed = self._changed

    # What can be read and done from a cell

    @property
    def policy(self):
        """The policy that the last run trained; while it is going, a copy of it as it is now."""
        return self.state.trained()

    @property
    def history(self):
        return self.state.history()

    @property
    def runs(self):
        return self.state.table()

    def start(self) -> None:
        self.state.start()
        self.state.launch()
        self._show()

    def pause(self) -> None:
        self.state.pause()
        self._show()

    def resume(self) -> None:
        self.state.resume()
        self._show()

    def stop(self) -> None:
        self.state.stop()
        self._show()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over or paused, `timeout` seconds at most; whether it is over."""
        return self.state.wait(timeout)

    def close(self) -> None:
        """Close the widget, and end the thread."""
        if state := getattr(self, "state", None):  # none where making it failed
            state.end("Stopped, because the widget was closed.")
        super().close()

    # The view

    def _make_controls(self) -> None:
        d = self.state.dials
        self.beta = _stops("β", BETAS, d.beta, "beta", "Higher β stays closer to the reference")
        self.lr = _stops("learning rate", RATES, d.lr, "lr", "The learning rate at its peak")
        self.noise = _stops(
            "label noise", NOISES, d.noise, "noise", "Share of training labels flipped: simulated noise"
        )
        self.epsilon = _stops(
            "smoothing ε", SMOOTHINGS, d.label_smoothing, "label_smoothing",
            "Label smoothing: the share of labels that the loss takes to be flipped",
        )  # fmt: skip
        self.loss = choice([(v, k) for k, v in LOSS_NAMES.items()], "Loss", "Loss type")
        self.loss.value = d.loss_type
        typed = d.prompt if isinstance(d.prompt, str) else d.prompt[-1]["content"]
        self.prompt = ui.Textarea(
            value=typed, description="Prompt x", placeholder="A question", rows=2, layout=wide(760),
            tooltip="Its greedy answer is shown as it changes", continuous_update=False,
            style={"description_width": "initial"},
        )  # fmt: skip
        self.go = button("▶ Start", "Start, pause, resume", button_style="primary")
        self.end = button("■ Stop", "End this run here; it is still measured")
        self.note, self.status, self.message, self.curves = (ui.HTML() for _ in range(4))
        self.answers, self.table = ui.HTML(), ui.HTML()

    def _layout(self) -> list[ui.Widget]:
        return [
            ui.HTML(page(live_page.HEAD)),
            step("Settings of the next run"),
            row(self.beta, self.lr),
            row(self.noise, self.epsilon),
            self.loss,
            self.prompt,
            self.note,
            row(self.go, self.end),
            self.message,
            self.status,
            self.curves,
            self.answers,
            self.table,
        ]

    def _wire(self) -> None:
        state = self.state
        named = {"beta": self.beta, "lr": self.lr, "noise": self.noise, "label_smoothing": self.epsilon,
                 "loss_type": self.loss, "prompt": self.prompt}  # fmt: skip
        for name, control in named.items():
            self._on(control, lambda value, name=name: state.dial(**{name: value}))
        self._click(self.go, self._press)
        self._click(self.end, state.stop)

    def _press(self) -> None:
        """The one button that starts, pauses and resumes: the focus stays where it is."""
        state = self.state
        if not state.going:
            state.start()
            state.launch()
        elif state.paused:
            state.resume()
        else:
            state.pause()

    def _do(self, action: Callable[[], Any]) -> None:
        with self._lock:
            super()._do(action)

    def _changed(self) -> None:
        """From the thread, after each piece of work: seldom enough that the browser keeps up."""
        over = not self.state.going
        if over or self.state.paused or time.monotonic() - self._shown_at >= REDRAW:
            with self._lock:
                self._show(self._error if not over else "")

    def _show(self, error: str = "") -> None:
        with self._lock:
            state, self._error = self.state, error
            self.go.description = "▶ Start" if not state.going else "▶ Resume" if state.paused else "❚❚ Pause"
            self.note.value = live_page.settings_note(state)
            notes = live_page.notes(state, error)
            self.message.value = page(say(*notes)) if notes else ""
            self.status.value = live_page.status(state)
            self.curves.value = live_page.charts(state.attempt)
            self.answers.value = live_page.answers(state)
            self.table.value = live_page.runs(state)
            self._shown_at = time.monotonic()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel a page, a picture and plain text of what has run."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        state = self.state
        bundle["text/html"], bundle["text/plain"] = live_page.static(state), live_page.words(state)
        if state.attempt and state.attempt.rows:
            bundle["image/png"] = base64.b64encode(live_page.figure_png(state.attempt)).decode("ascii")
        return bundle


def _stops(text: str, usual: tuple, given: float, name: str, tooltip: str) -> ui.SelectionSlider:
    options = [(show(name, value), value) for value in choices(usual, given)]
    return ui.SelectionSlider(
        options=options, value=given, description=text, tooltip=tooltip, continuous_update=False,
        style={"description_width": "125px"}, layout=wide(410),
    )  # fmt: skip
