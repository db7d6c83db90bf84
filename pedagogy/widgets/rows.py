"""The row browser: feedback read row by row, the answers of a prompt side by side, filtered at will.

    RowBrowser()                              # the bundled feedback, train split
    RowBrowser(load_feedback(split="test"))   # any raw feedback, a data set or a list of rows
    RowBrowser(load_pairs())                  # or pairs: chosen and rejected

This is the view. `rows_state.py` has the filters and the place in plain Python, `rows_page.py` the HTML;
`rows_read.py` and `rows_columns.py` read the rows.
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as ui
import numpy as np

from . import rows_page
from .controls import Game, auto, button, choice, row, wide
from .gap_page import page, say
from .rows_columns import Facet
from .rows_state import FILTERS, WHOSE, RowsState, ladder

HEAD = (
    "<h3>The row browser</h3><p>Preference data are made of texts that somebody judged. Read them: filters "
    "choose the rows, the buttons walk through those that pass. A range that is full is off; a narrower one "
    "leaves out rows without such a number.</p>"
)

ALL = ""  # the value of a facet's button "all"; no kind is named so
FITTED = {"description_width": "initial"}
SLIDER = {"continuous_update": False, "style": FITTED, "layout": wide(400)}


class RowBrowser(Game):
    """Filter rows of feedback or pairs, and read them one by one. Arguments: as for RowsState.

    `browser.row` is the row on the screen, `browser.passing` the numbers of all that pass the filters:
    `feedback.select(browser.passing)` is the data set of these. Filters can be set from code as well:
    `browser.search.value = "tire"`. Where no kernel runs, the same display shows a static page.
    """

    def __init__(self, feedback=None, area: Callable | str | None = None, seed: int = 0):
        self.state = RowsState(feedback, area, seed)
        self._make_filters()
        self._make_walk()
        self._wire()
        self._start(self._layout())
        self.add_class("pg-rows")

    @property
    def row(self) -> dict | None:
        """The row on the screen, as the data set has it; None where none passes."""
        return self.state.raw

    @property
    def passing(self) -> np.ndarray:
        """The rows that pass all filters, counted from 0, in order."""
        return self.state.passing

    # Controls

    def _make_filters(self) -> None:
        state, columns = self.state, self.state.columns
        self.search = ui.Text(
            description="Prompt holds", placeholder="a word or phrase, then Enter", continuous_update=False,
            tooltip="Only rows whose prompt holds this text", style=FITTED, layout=wide(420),
        )  # fmt: skip
        self.clear = button("✕ Clear filters", "Let every row pass again")
        self.facets = {
            name: choice(_kinds(facet), name.capitalize(), f"Only rows of this {name}")
            for name, facet in columns.facets.items()
        }
        kinds, aspects = list(columns.margins), list(columns.ratings)
        self.margin_kind = choice([(k, k) for k in kinds], "Margin", "The difference of scores")
        fine = state.score_step()
        digits = len(f"{fine:g}".partition(".")[2])
        self.margin = ui.FloatRangeSlider(
            **_span(state.spans["margin"]), step=fine, readout_format=f".{digits}f",
            description="from, to", tooltip="The margin, in points of the score", **SLIDER,
        )  # fmt: skip
        self.aspect = choice([(a.replace("_", " "), a) for a in aspects], "Aspect", "The rating in")
        self.rating = ui.IntRangeSlider(
            **_span(map(int, state.spans["rating"])), description="rated from, to",
            tooltip="The rating in the chosen aspect", **SLIDER,
        )  # fmt: skip
        steps = ladder(state.longest)
        self.words = ui.SelectionRangeSlider(
            options=[(f"{n:,}", n) for n in steps], index=(0, len(steps) - 1),
            description="Length in words from, to", tooltip="The length of an answer", **SLIDER,
        )  # fmt: skip
        whose = [(state.name_of(whose), whose) for whose in WHOSE]
        self.whose = choice(whose, "Rating and length of" if aspects else "Length of", "Within the ranges is")

    def _make_walk(self) -> None:
        self.first = button("« First", "The first row that passes")
        self.previous = button("◀ Previous", "The row before")
        self.next = button("Next ▶", "The next row that passes", button_style="primary")
        self.last = button("Last »", "The last row that passes")
        self.random = button("Random", "Some other row that passes")
        self.place = ui.IntSlider(
            min=1, max=2, description="No.", continuous_update=False, style=FITTED, layout=wide(330),
            tooltip="The place among the rows that pass",
        )  # fmt: skip
        self.opened = ui.Checkbox(
            description="rationales unfolded", indent=False, layout=auto(),
            tooltip="Show the annotator's reasons of every answer",
        )  # fmt: skip
        self.status, self.body = ui.HTML(), ui.HTML()

    def _layout(self) -> list[ui.Widget]:
        columns = self.state.columns
        return [
            ui.HTML(rows_page.STYLE + page(HEAD)),
            row(self.search, self.clear),
            *self.facets.values(),
            *([row(self.margin_kind, self.margin)] if columns.margins else []),
            *([row(self.aspect, self.rating)] if columns.ratings else []),
            row(self.words, self.whose),
            self.status,
            row(self.first, self.previous, self.next, self.last, self.random, self.place, self.opened),
            self.body,
        ]

    def _wire(self) -> None:
        state = self.state
        self._on(self.search, state.search)
        for name, buttons in self.facets.items():
            self._on(buttons, lambda kind, name=name: state.keep(name, kind or None))
        self._on(self.margin, lambda ends: state.limit_margin(*ends, self.margin_kind.value))
        self._on(self.margin_kind, lambda kind: state.limit_margin(*self.margin.value, kind))
        self._on(self.rating, lambda ends: state.limit_rating(*ends, self.aspect.value))
        self._on(self.aspect, lambda aspect: state.limit_rating(*self.rating.value, aspect))
        self._on(self.words, lambda ends: state.limit_words(*ends))
        self._on(self.whose, state.ask)
        self._on(self.place, lambda number: state.go(number - 1))
        clicks = {
            self.clear: state.clear,
            self.first: lambda: state.go(0),
            self.previous: lambda: state.step(-1),
            self.next: lambda: state.step(1),
            self.last: lambda: state.go(state.size - 1),
            self.random: state.wander,
        }
        for control, action in clicks.items():
            self._click(control, action)
        self._on(self.opened, lambda _: None)  # shown anew

    # State to screen

    def _show(self, error: str = "") -> None:
        with self._silence():
            self._show_controls()
        self.status.value = rows_page.status(self.state) + (page(say(error)) if error else "")
        self.body.value = rows_page.body(self.state, self.opened.value)

    def _show_controls(self) -> None:
        """A filter that is off is at its full range: so after Clear."""
        state = self.state
        off = {*FILTERS} - {*state.limits}
        for name, slider in {"margin": self.margin, "rating": self.rating}.items():
            if name in off:
                slider.value = slider.min, slider.max
        if "words" in off:
            self.words.index = 0, len(self.words.options) - 1
        if "search" in off:
            self.search.value = ""
        for name, buttons in self.facets.items():
            buttons.value = state.limits.get(name, ALL)
        self.place.max, self.place.disabled = max(2, state.size), state.size < 2
        self.place.value = state.position + 1

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """The widget, and for readers without a kernel the row on the screen as a page, and as plain text."""
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/html"] = rows_page.static(self.state)
        bundle["text/plain"] = rows_page.as_text(self.state)
        return bundle


def _kinds(facet: Facet) -> list[tuple[str, str]]:
    """All, then each kind with the number of its rows."""
    kinds = zip(facet.kinds, facet.counts, strict=True)
    return [
        (f"all ({len(facet.codes):,})", ALL),
        *((f"{rows_page.short(k, 40)} ({n:,})", k) for k, n in kinds),
    ]


def _span(ends) -> dict:
    low, high = ends
    return {"min": low, "max": high, "value": (low, high)}
