"""The episode stepper: take a language model's actions one by one, go back, try others, compare the branches.

    EpisodeStepper()                                       # the bundled policy, a prompt of its world
    EpisodeStepper(policy, "How do I boil an egg?", reward=lambda prompt, response: -len(response.split()))

This is the view. `stepper_state.py` is the game in plain Python, `stepper_page.py` and `stepper_tree.py`
are its HTML.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as ui

from . import stepper_page as show
from .controls import Game, button, row, step, wide
from .gap_page import page, say
from .stepper_state import OPEN, Actions, Node, Segment, StepperState

LISTED = 12  # stretches of the tree listed at a time
INDENTS = 4  # deeper ones are indented no further
INDENT = 22  # pixels a fork
REFRESH = 0.1  # seconds between two pictures of an episode being played
LATE = 0.3  # seconds by which a typed text may come after the Enter that sends it
STYLE = """<style>
.pg-step .pg-acts .widget-button {height: 30px; width: auto; min-width: 0; margin: 0 0 4px; padding: 0 8px;
  white-space: pre; overflow: hidden; text-overflow: ellipsis;
  font-family: var(--jp-code-font-family, monospace); font-size: 13px}
.pg-step .pg-acts .widget-button.pg-over {opacity: .6}
.pg-step .pg-branch .widget-button {flex: 1 1 200px; min-width: 0; width: auto; white-space: pre-wrap;
  max-height: 54px; overflow: hidden; overflow-wrap: anywhere}
.pg-step .pg-branch .widget-html {flex: 0 1 auto}
.pg-step .pg-branch.pg-here .widget-button {box-shadow: inset 5px 0 0 #0072b2; font-weight: 600}
</style>"""
HEAD = (
    "<h3>The episode stepper</h3><p>A language model writes by acting: in the state s<sub>t</sub> = "
    "(x, y<sub>&lt;t</sub>) it takes a token y<sub>t</sub>, with probability "
    "π(y<sub>t</sub> | x, y<sub>&lt;t</sub>). Take its actions yourself, or let it draw; go back and try "
    "others. Every branch is kept.</p>"
)


class EpisodeStepper(Game):
    """Write y ~ π(· | x) token by token; all branches stay, in a tree. Arguments: as for StepperState.

    Where no kernel runs, the same display shows a static page.
    """

    def __init__(
        self,
        policy=None,
        prompt=None,
        reward=None,
        top_k: int = 10,
        max_new_tokens: int = 300,
        seed: int | None = None,
    ):
        self.state = StepperState(policy, prompt, reward, top_k, max_new_tokens, seed)
        self._moves: Iterator | None = None  # of the episode being played
        self._playing: ui.Button | None = None  # the button that plays it
        self._sent: asyncio.TimerHandle | None = None  # Enter was pressed; its text may be on the way
        self._lock = threading.RLock()  # JupyterLab may handle two messages in two threads
        self._first, self._seen = 0, None  # the stretch listed first; the state shown last
        self._make_controls()
        self._wire()
        self._start(self._layout())
        self.add_class("pg-step")

    def _make_controls(self) -> None:
        typed = self.state.prompt if isinstance(self.state.prompt, str) else ""  # messages are not typed
        self.prompt = ui.Textarea(
            value=typed, description="Prompt x", placeholder="A question", tooltip="A prompt of your own",
            rows=2, continuous_update=False, layout=wide(760), style={"description_width": "initial"},
        )  # fmt: skip
        self.new = button("Start with this prompt", "A new tree; the branches of the old prompt are dropped")
        self.actions = [button("–", "") for _ in range(self.state.width)]
        self.typed = ui.Text(
            description="or type", placeholder="space first: a new word",
            tooltip="Text to append; press Enter", continuous_update=False, layout=wide(265),
            style={"description_width": "initial"},
        )  # fmt: skip
        self.take = button("Append", "Take the typed text, token by token")
        self.eos = button("End with EOS", "Take the action EOS, however unlikely")
        self.undo = button("↶ Undo", "Back by one token; the branch stays")
        self.redo = button("↷ Redo", "Forward again by one token")
        self.back = button("⇤ To the prompt", "Back to s₁ = x; all branches stay")
        self.clear = button("Clear", "Forget all branches")
        self.sample = button("Sample one", "Draw one token at this temperature", button_style="primary")
        self.finish = button("Sample to the end", "Draw up to EOS or the limit; press again to stop")
        self.greedy = button("Greedy to the end", "The likeliest token each time; press again to stop")
        self.temperature = ui.FloatSlider(
            value=self.state.temperature, min=0.1, max=2.0, step=0.1, description="temperature",
            readout_format=".1f", continuous_update=False, style={"description_width": "initial"},
            layout=wide(300), tooltip="What sampling draws with; the bars and log π stay those of π itself",
        )  # fmt: skip
        self.branches: list[ui.Button] = []  # one for each stretch of the tree that is listed
        self.earlier = button("▲ Earlier branches", "List the branches before these")
        self.later = button("▼ Later branches", "List the branches after these")
        self.question, self.now, self.strip, self.title, self.bars = (ui.HTML() for _ in range(5))
        self.rest, self.message, self.summary, self.picture = (ui.HTML() for _ in range(4))

    def _layout(self) -> list[ui.Widget]:
        self.listed = ui.VBox(layout=ui.Layout(grid_gap="3px"))
        names = ui.VBox(self.actions, layout=ui.Layout(flex="2 1 120px", min_width="90px"))
        names.add_class("pg-acts")
        self.bars.layout = ui.Layout(flex="3 1 180px")
        choices = ui.HBox([names, self.bars])
        if self.state.width > 15:
            choices.layout = ui.Layout(max_height="560px", overflow="hidden auto")
        where = [self.question, self.now, self.strip]
        what = [
            self.title,
            choices,
            self.rest,
            row(self.typed, self.take, self.eos),
            row(self.sample, self.finish, self.greedy),
            row(self.undo, self.redo, self.back, self.clear),
            self.temperature,
            self.message,
        ]
        tree = [self.summary, self.listed, row(self.earlier, self.later)]
        return [
            ui.HTML(STYLE + page(HEAD)),
            row(self.prompt, self.new),
            _beside(where, what),
            step("Branches"),
            _beside(tree, [self.picture]),
        ]

    def _wire(self) -> None:
        state = self.state
        for i, control in enumerate(self.actions):
            self._click(control, lambda i=i: self._act(i))
        self._on(self.temperature, lambda value: setattr(state, "temperature", value))
        self.typed.observe(lambda _: self._sent and self._do(self._append), "value")
        self.typed.on_msg(self._heard)
        clicks = {
            self.new: lambda: state.new_prompt(self.prompt.value),
            self.take: self._append,
            self.eos: lambda: state.step(state.policy.eos_token_id),
            self.sample: state.sample,
            self.undo: state.undo,
            self.redo: state.redo,
            self.back: lambda: state.go(state.root),
            self.clear: state.clear,
            self.earlier: lambda: self._turn(-LISTED),
            self.later: lambda: self._turn(LISTED),
        }
        for control, action in clicks.items():
            self._click(control, action)
        for control, greedy in ((self.finish, False), (self.greedy, True)):
            control.on_click(lambda _, control=control, greedy=greedy: self._play(control, greedy))

    # Actions that are more than a call of the state

    def _act(self, i: int) -> None:
        self.state.step(self._choices.token_ids[i])

    def _go(self, i: int) -> None:
        self.state.go(self._segments[self._first + i].end)

    def _turn(self, lines: int) -> None:
        """List the branches before or after those listed now."""
        self._first = max(0, min(self._first + lines, len(self._segments) - 1))

    def _heard(self, _control, content: dict, _buffers) -> None:
        """Enter in the text box. The browser sends the key first, then what was typed, where that is new."""
        if content.get("event") == "submit":
            loop = _running_loop()
            self._sent = loop and loop.call_later(LATE, lambda: self._sent and self._do(self._append))

    def _append(self) -> None:
        if self._sent:
            self._sent.cancel()
        self._sent = None
        self.state.type_token(self.typed.value)
        self.typed.value = ""

    def _do(self, action: Callable[[], Any]) -> None:
        """As in all games; besides, whatever is done stops an episode that is being played."""
        with self._lock:
            self._halt()
            super()._do(action)

    def _play(self, control: ui.Button, greedy: bool) -> None:
        """Play to the end; the same button again stops."""
        with self._lock:
            stop = self._playing is control
            self._do(self._say_stopped if stop else lambda: self._set_out(control, greedy))

    def _say_stopped(self) -> None:
        self.state.notice = f"Stopped. {self.state.notice}"

    def _set_out(self, control: ui.Button, greedy: bool) -> None:
        """In a kernel between its other messages, so that it can be stopped; without one at once."""
        loop, moves = _running_loop(), self.state.play(greedy)
        if loop is None:
            return list(moves)
        next(moves)  # at the end of an episode: a Problem
        self._moves, self._playing = moves, control
        self._task = loop.create_task(self._go_on(moves))

    async def _go_on(self, moves: Iterator[Node]) -> None:
        while self._play_on(moves):
            await asyncio.sleep(0.01)  # other messages have their turn

    def _play_on(self, moves: Iterator[Node]) -> bool:
        """Some more tokens, and their picture, unless it was stopped."""
        with self._lock:
            if self._moves is moves:
                super()._do(lambda: self._advance(moves))
            return self._moves is moves

    def _advance(self, moves: Iterator[Node]) -> None:
        """As many tokens as fit between two pictures."""
        due, over = time.monotonic() + REFRESH, True
        try:
            for _ in moves:
                if time.monotonic() > due:
                    over = False
                    break
        finally:
            if over:
                self._halt()

    def _halt(self) -> None:
        self._moves = self._playing = None

    # State to screen

    def _show(self, error: str = "") -> None:
        state = self.state
        self._choices = state.choices()
        self.question.value, self.now.value = show.prompt(state), show.now(state)
        self.strip.value = show.strip(state)
        self.title.value = page(f"<h4>{show.actions_title(state)}</h4>")
        self._show_actions(self._choices)
        self.rest.value = show.rest(state, self._choices)
        self.message.value = page(say(error or state.notice, *state.notes()))
        for control, text in ((self.finish, "Sample to the end"), (self.greedy, "Greedy to the end")):
            control.description = "■ Stop" if control is self._playing else text
        self.summary.value, self.picture.value = show.summary(state), show.picture(state)
        self._show_branches()

    def _show_actions(self, actions: Actions) -> None:
        state = self.state
        self.bars.value = page(show.bars(state, actions))
        for i, control in enumerate(self.actions):
            with control.hold_sync():
                control.description = show.readable(state, actions.token_ids[i])
                control.tooltip = show.action_tip(state, actions, i)
            _mark(control, "pg-over", state.node.status != OPEN)

    def _show_branches(self) -> None:
        """Buttons are never disabled or made anew: the one with the focus keeps it."""
        state, self._segments = self.state, self.state.segments()
        if state.node is not self._seen:  # another state: list it
            at = next((i for i, s in enumerate(self._segments) if state.node in s.nodes), 0)
            self._first, self._seen = at - at % LISTED, state.node
        listed = self._segments[self._first : self._first + LISTED]
        self._make_rows(len(listed))
        for i, line in enumerate(self.listed.children):
            line.layout.display = None if i < len(listed) else "none"
            if i < len(listed):
                self._show_branch(line, listed[i])
        for control in (self.earlier, self.later):
            control.layout.display = None if len(self._segments) > LISTED else "none"

    def _make_rows(self, count: int) -> None:
        """A button and its numbers for each stretch listed, as far as they are not there yet."""
        for i in range(len(self.branches), count):
            self.branches.append(button("", ""))
            self._click(self.branches[i], lambda i=i: self._go(i))
            line = row(self.branches[i], ui.HTML())
            line.add_class("pg-branch")
            self.listed.children = [*self.listed.children, line]

    def _show_branch(self, line: ui.HBox, segment: Segment) -> None:
        control, facts = line.children
        with control.hold_sync():
            control.description = show.branch_name(segment)
            control.tooltip = show.branch_tip(segment)
        facts.value = show.leaf(self.state, segment)
        line.layout.padding = f"0 0 0 {INDENT * min(segment.depth, INDENTS)}px"
        _mark(line, "pg-here", self.state.node in segment.nodes)

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel a page and plain text of the episode so far."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/html"], bundle["text/plain"] = show.static(self.state), show.words(self.state)
        return bundle


def _beside(*columns: list[ui.Widget]) -> ui.HBox:
    """Columns of one width, or below one another where the page is narrow."""
    layout = {"flex": "1 1 400px", "min_width": "0", "grid_gap": "5px"}
    both = row(*(ui.VBox(column, layout=ui.Layout(**layout)) for column in columns))
    both.layout.align_items = "flex-start"
    return both


def _mark(control: ui.DOMWidget, name: str, on: bool) -> None:
    (control.add_class if on else control.remove_class)(name)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
