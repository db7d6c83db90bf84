"""What the row browser's filters look at: a few numbers of each row, read once from the whole data set.

Filtering is then a comparison of arrays: milliseconds, however long the texts are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..feedback.schemas import ASPECTS
from . import rows_read as read

QUICK = 20_000  # rows; fewer are read before a progress bar says anything
SECOND, WORST, PAIR = "best − second", "best − worst", "chosen − rejected"
SOME, EVERY, BEST = "some answer", "every answer", "the best answer"
NONE, OTHERS = "(none)", "(all others)"
READ = {"source", "instruction", "prompt", "completions", "chosen", "rejected", "metadata"}
READ |= {name.format(side) for name in read.SCORES for side in ("chosen", "rejected")}
MOST = 12  # kinds of one facet that get a button of their own


@dataclass(frozen=True)
class Facet:
    """A label for each row, as the number of its kind: kinds are sorted by how often they occur."""

    kinds: list[str]
    counts: list[int]
    codes: np.ndarray  # (N,) indices into kinds

    @classmethod
    def of(cls, labels: list[str]) -> Facet:
        """Beyond MOST kinds, the rarer ones are one kind: OTHERS."""
        counts = Counter(label.strip() or NONE for label in labels)
        ranked = sorted(counts, key=lambda kind: (-counts[kind], kind))
        shown = ranked if len(ranked) <= MOST else ranked[: MOST - 1]
        place = {kind: i for i, kind in enumerate(shown)}
        codes = np.array([place.get(label.strip() or NONE, len(shown)) for label in labels], dtype=np.int32)
        kinds = shown if len(shown) == len(ranked) else [*shown, OTHERS]
        return cls(kinds, np.bincount(codes, minlength=len(kinds)).tolist(), codes)


@dataclass(frozen=True)
class Columns:
    """N rows, and their M answers one after the other; nan where a row or an answer has no number."""

    prompts: list[str]  # N, as `plain` makes them
    facets: dict[str, Facet]  # "source", "area": those by which rows differ
    margins: dict[str, np.ndarray]  # (N,) each, under the names that this data set has
    sizes: np.ndarray  # (N,) answers in each row
    best: np.ndarray  # (N,) the best answer, the first on a tie, as an index into M; -1: none
    words: np.ndarray  # (M,)
    ratings: dict[str, np.ndarray]  # aspect -> (M,), for those with a number anywhere
    all_pairs: bool  # no row is raw feedback

    @cached_property
    def row_of(self) -> np.ndarray:
        """(M,) the row of each answer."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def rows_where(self, answers: np.ndarray, whose: str) -> np.ndarray:
        """(M,) truth values of the answers -> (N,) of the rows: some, every or the best answer has it."""
        if whose == BEST:
            return (self.best >= 0) & np.append(answers, False)[self.best]  # -1 looks at the appended one
        hits = np.bincount(self.row_of[answers], minlength=len(self.sizes))
        return hits > 0 if whose == SOME else (hits == self.sizes) & (self.sizes > 0)


def plain(text: str) -> str:
    """A text as searches compare it: capitals, line breaks and runs of spaces make no difference."""
    return " ".join(text.casefold().split())


def read_columns(feedback, area: Callable | str | None = None) -> Columns:
    """One pass over all rows. FeedbackError names the first that is neither raw feedback nor a pair.

    `area` labels a row: a function of it, or the name of a column, "area" unless told otherwise.
    """
    label = area if callable(area) else lambda row: row.get(area or "area")
    needed = None if callable(area) else {*READ, area or "area"}
    rows = [_measure(row, i, label) for i, row in enumerate(_rows(feedback, needed))]
    if isinstance(area, str) and not any(row.area for row in rows):
        raise ValueError(f"area={area!r}: no row has anything in such a column")
    sizes = np.array([len(row.words) for row in rows], dtype=np.int64)
    best = np.array([row.best for row in rows], dtype=np.int64)
    facets = {name: Facet.of([getattr(row, name) for row in rows]) for name in ("source", "area")}
    margins = {name: [row.margins.get(name, math.nan) for row in rows] for name in (SECOND, WORST, PAIR)}
    rated = {aspect: [r[k] for row in rows for r in row.ratings] for k, aspect in enumerate(ASPECTS)}
    return Columns(
        prompts=[row.prompt for row in rows],
        facets={name: facet for name, facet in facets.items() if len(facet.kinds) > 1},
        margins=_known(margins),
        sizes=sizes,
        best=np.where(best >= 0, np.cumsum(sizes) - sizes + best, -1),
        words=np.array([n for row in rows for n in row.words], dtype=np.int64),
        ratings=_known(rated),
        all_pairs=all(row.paired for row in rows),
    )


class _Measured(NamedTuple):
    """One row's part of the columns."""

    paired: bool
    prompt: str
    source: str
    area: str
    words: list[int]  # of each answer
    ratings: list[tuple[float, ...]]  # of each answer, in the order of ASPECTS
    best: int  # which answer; -1: none
    margins: dict[str, float]


def _measure(row: Mapping, i: int, label: Callable) -> _Measured:
    paired = read.is_pair(row, i)
    completions = [] if paired else read.completions_of(row)
    if paired:
        texts = [read.pair_answer(row, side) for side in ("chosen", "rejected")]
        scores = [read.to_number(read.pair_score(row, side)) for side in ("chosen", "rejected")]
        margins, best = {PAIR: scores[0] - scores[1]}, 0  # chosen, whatever the scores say
    else:
        texts = [read.response_of(completion) for completion in completions]
        scores = [read.score_of(completion) for completion in completions]
        margins, best = _margins(scores), _first_best(scores)
    rated = [tuple(read.rating_of(c, aspect) for aspect in ASPECTS) for c in completions]
    return _Measured(
        paired=paired,
        prompt=plain(read.prompt_of(row)),
        source=read.to_text(row.get("source")),
        area=read.to_text(label(row)),
        words=[read.count_words(text) for text in texts],
        ratings=rated or [(math.nan,) * len(ASPECTS)] * len(texts),
        best=best,
        margins=margins,
    )


def _margins(scores: list[float]) -> dict[str, float]:
    """From the best score to the second and to the worst, of the answers that have one: two at least."""
    known = sorted(score for score in scores if not math.isnan(score))
    return {SECOND: known[-1] - known[-2], WORST: known[-1] - known[0]} if len(known) > 1 else {}


def _first_best(scores: list[float]) -> int:
    known = [i for i, score in enumerate(scores) if not math.isnan(score)]
    return max(known, key=lambda i: scores[i], default=-1)  # the first on a tie, as binarize has it


def _known(columns: dict[str, list[float]]) -> dict[str, np.ndarray]:
    """Those with a number anywhere."""
    arrays = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
    return {name: array for name, array in arrays.items() if not np.isnan(array).all()}


def _rows(feedback, needed: set[str] | None) -> Iterator[Mapping]:
    """The rows one by one, of a data set only the columns `needed` (None: all), in chunks; a bar for many."""
    rows = _chunked(feedback, needed) if hasattr(feedback, "with_format") else feedback
    if len(feedback) < QUICK:
        return iter(rows)
    from tqdm.auto import tqdm

    return iter(tqdm(rows, total=len(feedback), desc="Reading rows", unit=" rows", leave=False))


def _chunked(data, needed: set[str] | None) -> Iterator[dict]:
    names = [name for name in data.column_names if needed is None or name in needed]
    if "completions" not in names and not {"chosen", "rejected"} <= set(names):
        names = data.column_names  # of neither schema: named in full when its first row is refused
    for chunk in data.select_columns(names).iter(1000):
        for values in zip(*chunk.values(), strict=True):
            yield dict(zip(chunk, values, strict=True))
