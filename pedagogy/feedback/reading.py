"""Any source read once, row by row, for reports: a row that cannot be read does not stop the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .forms import SEARCH, find_form
from .schemas import FILE, FeedbackError, Problem
from .sources import File, open_source

BATCH = 1000  # rows taken from Arrow at a time


@dataclass
class Source:
    """Rows with their name and form."""

    name: str
    form: str
    items: Iterable
    failure: Problem | None = None  # what ended the reading before its time

    def __iter__(self) -> Iterator[tuple[int, object]]:
        """(i, row), or (i, the Problem that stands in its place)."""
        for i, item in enumerate(self.items):
            if isinstance(item, Problem) and item.field == FILE:
                self.failure = item
                return
            yield i, item


def read(source, split: str | None = "train") -> Source:
    """`source`: a data set, a streamed one, a list of rows, or a name or path as load_feedback takes."""
    if isinstance(source, (str, Path)):
        name, rows = str(source), open_source(source, split, streaming=True)
    elif isinstance(source, dict):
        remedy = f"give one split, such as {', '.join(map(repr, list(source)[:3]))}"
        raise FeedbackError(Problem("source", "a dictionary, perhaps of splits", remedy))
    elif isinstance(source, Iterable):
        name, rows = "", source
    else:
        remedy = "give a data set, a list of rows, a name or a path"
        raise FeedbackError(Problem("source", f"a {type(source).__name__}", remedy))
    items = _items(rows)
    first = list(islice(items, SEARCH))
    form = find_form(item for item in first if not isinstance(item, Problem))
    return Source(name, form, _chain(first, items))


def _chain(first: list, items: Iterator) -> Iterator:
    """Those read for their form, let go as they are given, then the rest."""
    first.reverse()
    while first:
        yield first.pop()
    yield from items


def _items(rows: Iterable) -> Iterator:
    """The rows as plain Python values; what stops the reading is the last item, a Problem."""
    if isinstance(rows, File):
        yield from rows.items()
        return
    row = 0
    try:
        for item in _plain(rows):
            yield item
            row += 1
    except Exception as error:  # `datasets` and its builders raise many kinds
        remedy = "mend the file it comes from: nothing can be read from here on"
        yield Problem(FILE, f"{type(error).__name__}: {error}", remedy, row)


def _plain(rows: Iterable) -> Iterator:
    if hasattr(rows, "num_rows"):  # a stored data set: much quicker by the thousand
        for table in rows.with_format("arrow").iter(BATCH):
            yield from table.to_pylist()
    else:
        yield from rows.with_format(None) if hasattr(rows, "with_format") else rows
