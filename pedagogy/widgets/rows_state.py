"""The row browser in plain Python: filters that combine, and a place among the rows that pass them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..feedback import bundled_area, load_feedback
from ..feedback.schemas import FeedbackError, Problem
from .rows_columns import BEST, EVERY, SECOND, SOME, Columns, plain, read_columns
from .rows_read import Row, read_row

WHOSE = (SOME, EVERY, BEST)
FILTERS = ("search", "source", "area", "margin", "rating", "words")
CHOSEN_ONE = "the chosen answer"
OF_ANSWERS = ("rating", "words")  # these two ask the same answer, which `whose` chooses
LADDER = [0, 5, 10, 15, 20, 30, 40, 50, 75, 100, 125, 150, 175, 200, 250, 300, 400, 500, 750]
EXACT = 1e-9  # of a score: numbers closer than this are the same


@dataclass(frozen=True)
class Within:
    """A range, both ends included, of one of several columns: a kind of margin, or an aspect."""

    low: float
    high: float
    of: str = ""

    def holds(self, values: np.ndarray) -> np.ndarray:
        """A value that is not known (nan) is not within."""
        return (values >= self.low - EXACT) & (values <= self.high + EXACT)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}".replace("-", "−")


class RowsState:
    """Rows of feedback or pairs, filters, and the row that is read. Rows count from 0, as in the data set.

    feedback: a data set or a list of rows, raw or pairs (rows_read.py); None: the bundled train split. area
    labels a row: a function of it, or the name of a column; of the bundled split it is known. A filter that
    is off lets everything pass; one that is on lets a row pass whose number is known and within its range.
    All must let it pass.
    """

    def __init__(self, feedback=None, area: Callable | str | None = None, seed: int = 0):
        if feedback is None:
            feedback, area = load_feedback(split="train"), area or bundled_area
        self.feedback = _checked(feedback)
        self.columns: Columns = read_columns(self.feedback, area)
        self.whose = SOME
        self.limits: dict[str, str | Within] = {}  # the filters that are on
        self.spans = {  # the full range of each, over all its kinds
            "margin": _span(self.columns.margins.values(), 0, 1),
            "rating": _span(self.columns.ratings.values(), 1, 5),
        }
        self.longest = int(self.columns.words.max(initial=0))
        self.notice = ""
        self._random = random.Random(seed)
        self._masks: dict[str, np.ndarray] = {}
        self.passing = np.arange(len(self.feedback))  # the rows that pass, in order
        self.index: int | None = None  # the row that is read; None: none passes
        self._place = 0  # where it was last
        self._settle()

    # Filters

    def search(self, text: str) -> None:
        """Prompts that hold this text; capitals and line breaks make no difference. Empty: off."""
        self._limit("search", plain(text) or None)

    def keep(self, facet: str, kind: str | None) -> None:
        """Only one "source" or one "area"; None: off."""
        known = self.columns.facets[facet].kinds if facet in self.columns.facets else []
        if kind is not None and kind not in known:
            raise ValueError(f"no {facet} {kind!r} in this data set, only: {', '.join(known) or 'none'}")
        self._limit(facet, kind)

    def limit_margin(self, low: float, high: float, kind: str = SECOND) -> None:
        """Between two overall scores; the kinds that this data set has are in columns.margins."""
        self._limit_range("margin", Within(low, high, kind), self.columns.margins)

    def limit_rating(self, low: float, high: float, aspect: str) -> None:
        self._limit_range("rating", Within(low, high, aspect), self.columns.ratings)

    def limit_words(self, low: float, high: float) -> None:
        """The length of an answer, in words."""
        off = low <= 0 and high >= self.longest
        self._limit("words", None if off else Within(low, high))

    def ask(self, whose: str) -> None:
        """Whose rating and length must be within: those of SOME, of EVERY or of the BEST answer."""
        if whose not in WHOSE:
            raise ValueError(f"whose={whose!r}: one of {', '.join(WHOSE)}")
        self.whose = whose
        self._settle()

    def clear(self) -> None:
        """All filters off."""
        self.limits.clear()
        self._masks.clear()
        self._settle()

    def score_step(self) -> float:
        """The step of a slider over margins: as fine as these are, up to a point."""
        known = np.concatenate([m[~np.isnan(m)] for m in self.columns.margins.values()] or [np.zeros(1)])
        fits = (step for step in (1.0, 0.5, 0.25) if np.allclose(known / step, np.round(known / step)))
        low, high = self.spans["margin"]
        return max(next(fits, 0.1), float(np.ceil((high - low) / 200)) if high - low > 50 else 0)

    def _limit_range(self, name: str, limit: Within, known: dict[str, np.ndarray]) -> None:
        if limit.of not in known:
            raise ValueError(f"no {name} {limit.of!r} in this data set, only: {', '.join(known) or 'none'}")
        least, most = self.spans[name]
        self._limit(name, None if limit.low <= least and limit.high >= most else limit)

    def _limit(self, name: str, limit: str | Within | None) -> None:
        self.limits.pop(name, None)
        self._masks.pop(name, None)
        if limit is not None:
            self.limits[name] = limit
            self._masks[name] = self._mask(name, limit)
        self._settle()

    def _mask(self, name: str, limit) -> np.ndarray:
        """What one filter lets pass: (N,) rows or, for those in OF_ANSWERS, (M,) answers."""
        columns = self.columns
        if name == "search":
            return np.fromiter((limit in prompt for prompt in columns.prompts), bool, len(columns.prompts))
        if name == "margin":
            return limit.holds(columns.margins[limit.of])
        if name == "rating":
            return limit.holds(columns.ratings[limit.of])
        if name == "words":
            return limit.holds(columns.words)
        facet = columns.facets[name]
        return facet.codes == facet.kinds.index(limit)

    def _pass(self, names) -> np.ndarray:
        """(N,) the rows that these filters let pass together."""
        rows = np.ones(len(self.feedback), dtype=bool)
        for name in names:
            if name not in OF_ANSWERS:
                rows &= self._masks[name]
        if asked := [self._masks[name] for name in names if name in OF_ANSWERS]:
            rows &= self.columns.rows_where(np.logical_and.reduce(asked), self.whose)
        return rows

    def _settle(self) -> None:
        """Stay on the row that is read, if it still passes; else take the next one that does, or the last."""
        self.passing = np.flatnonzero(self._pass(self.limits))
        if not len(self.passing):
            self.index, self.notice = None, ""
            return
        self.go(np.searchsorted(self.passing, self._place))

    # Walking

    @property
    def size(self) -> int:
        """How many rows pass."""
        return len(self.passing)

    @property
    def position(self) -> int:
        """The place of the row that is read among those that pass, from 0."""
        return int(np.searchsorted(self.passing, self._place))

    def go(self, position: int) -> None:
        """To a place among the rows that pass; beyond either end, to that end."""
        if not self.size:
            return
        self.notice = ""
        self.index = self._place = int(self.passing[min(max(int(position), 0), self.size - 1)])

    def step(self, by: int) -> None:
        """On or back, and words where there is no further row."""
        to = self.position + by
        self.go(to)
        if self.size and not 0 <= to < self.size:
            self.notice = f"This is the {'first' if to < 0 else 'last'} {self._of_those()}."

    def wander(self) -> None:
        """To another row at random."""
        if self.size > 1:
            self.go((self.position + self._random.randrange(1, self.size)) % self.size)
        elif self.size:
            self.notice = f"This is the only {self._of_those()}."

    def _of_those(self) -> str:
        return "row that passes" if self.limits else "row"

    @property
    def raw(self) -> dict | None:
        """The row that is read, as the data set has it."""
        return None if self.index is None else self.feedback[self.index]

    @property
    def row(self) -> Row | None:
        """The same, ready to be shown."""
        return None if self.index is None else read_row(self.raw, self.index)

    # In words

    def name_of(self, whose: str) -> str:
        """Of a pair, the best answer is the chosen one, whatever the scores say."""
        return CHOSEN_ONE if whose == BEST and self.columns.all_pairs else whose

    def count(self) -> str:
        """n of N rows."""
        total = len(self.feedback)
        return f"{self.size:,} of {total:,} row{'s' * (total != 1)}"

    def said(self) -> list[str]:
        """Each filter that is on, in words."""
        return [self._describe(name) for name in FILTERS if name in self.limits]

    def _describe(self, name: str) -> str:
        limit = self.limits[name]
        if name == "search":
            return f"search “{limit}”"
        if name == "margin":
            return f"margin, {limit.of}: {limit}"
        if name == "rating":
            return f"{limit.of.replace('_', ' ')} of {self.name_of(self.whose)}: {limit}"
        length = f"length of {self.name_of(self.whose)}: {limit} words"
        return length if name == "words" else f"{name} {limit}"

    def advice(self) -> str:
        """Where no row passes: which filter to loosen."""
        if self.size:
            return ""
        on = [name for name in FILTERS if name in self.limits]
        if len(on) == 1:
            return f"No row passes. There is one filter: loosen it ({self._describe(on[0])})."
        without = {name: self._count(other for other in on if other != name) for name in on}
        helpful = sorted((name for name in on if without[name]), key=without.get, reverse=True)
        if helpful:
            ways = [f"{self._describe(name)} (without it {_rows(without[name])})" for name in helpful]
            return f"No row passes all {len(on)} filters. Loosen {'; or '.join(ways)}."
        alone = [f"{self._describe(name)} ({_rows(self._count([name]))})" for name in on]
        return (
            f"No row passes all {len(on)} filters, and loosening one is not enough. Each alone lets pass: "
            f"{'; '.join(alone)}. Clear them all, and add one at a time."
        )

    def _count(self, names) -> int:
        return int(self._pass(list(names)).sum())


def _rows(n: int) -> str:
    return f"{n:,} row{'s' * (n != 1)}"


def ladder(longest: int) -> list[int]:
    """Round lengths from 0 to the first that no answer exceeds: even steps for the eye, at any scale."""
    steps = list(LADDER)
    while steps[-1] < longest:
        steps += [round(steps[-1] / 750 * step) for step in (1000, 1500, 2000, 3000, 5000, 7500)]
    return steps[: next(i for i, step in enumerate(steps) if step >= longest and i) + 1]


def _span(columns: Iterable[np.ndarray], low: float, high: float) -> tuple[float, float]:
    """Whole numbers around low … high and all values."""
    least = [float(np.nanmin(values)) for values in columns]
    most = [float(np.nanmax(values)) for values in columns]
    return float(np.floor(min([low, *least]))), float(np.ceil(max([high, *most])))


def _checked(feedback):
    """A data set or a list with rows in it; FeedbackError, with the remedy, for what is nearly one."""
    if isinstance(feedback, dict):
        found = f"a dict of {', '.join(map(str, feedback))}"
        remedy = "give one split, feedback['train'], or a list of rows"
    elif hasattr(feedback, "iloc"):
        found, remedy = "a DataFrame", "give feedback.to_dict('records')"
    elif isinstance(feedback, str) or not (hasattr(feedback, "__len__") and hasattr(feedback, "__getitem__")):
        found = f"a {type(feedback).__name__}"
        remedy = "load it first, pg.load_feedback(name); of a stream take some rows, list(stream.take(1000))"
    elif not len(feedback):
        found, remedy = "no rows", "give at least one"
    else:
        return feedback.with_format(None) if hasattr(feedback, "with_format") else feedback
    raise FeedbackError(Problem("feedback", found, remedy))
