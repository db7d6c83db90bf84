"""Is this data what it should be? Every problem of every row: its field, what was found, the remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from html import escape

from .forms import problems
from .reading import read
from .schemas import Problem
from .tables import html_table

SHOWN = 20  # problems that a printed report lists
LIMIT = 100_000  # problems kept: about 50 MB; all are counted
COLUMNS = ("row", "field", "found", "remedy")


def validate(source="bundled", split: str | None = "train", limit: int = LIMIT) -> Report:
    """Every problem of every row, as a Report: a list of Problem that prints as a table.

        print(pg.validate("mine.jsonl"))
        pg.validate(feedback).to_pandas()

    `source` is a data set, a streamed one, a list of rows, or a name or path as load_feedback takes; its rows
    are raw feedback, pairs or transcripts, told by their fields. A row that is no JSON is a problem too, and
    reading goes on after it. Stricter than loading: scores must be on their scales (overall_score 1 to 10,
    ratings 1 to 5 or "N/A"), and the chosen response may not score below the rejected one; so data without
    problems loads, and binarizes by every strategy, but for rows whose scores all tie. Memory does not grow
    with the rows, only with the problems, and the first `limit` of them are kept.
    """
    rows = read(source, split)
    report = Report(rows.name, rows.form)
    for i, item in rows:
        found = [item] if isinstance(item, Problem) else problems(item, rows.form)
        report.rows += 1
        report.bad_rows += report.add((replace(problem, row=i, source=rows.name) for problem in found), limit)
    if rows.failure:
        report.add([replace(rows.failure, source=rows.name)], limit)
    elif not report.rows:
        report.add([Problem("(all)", "no rows", "give at least one", source=rows.name)], limit)
    return report


class Report(list):
    """The problems found, in the order of rows; empty, and so false, where all is well.

    `.rows` how many were read, `.form` what they are, `.total` all problems (those beyond the limit are
    only counted), `.bad_rows` how many rows have one, `.by_field` how often each field has one.
    """

    def __init__(self, source: str = "", form: str = ""):
        super().__init__()
        self.source, self.form = source, form
        self.rows = self.total = self.bad_rows = 0
        self.by_field: Counter[str] = Counter()

    def add(self, found: Iterable[Problem], limit: int) -> bool:
        """Takes in the problems of one row; whether there were any."""
        before = self.total
        for problem in found:
            self.total += 1
            self.by_field[re.sub(r"\[\d+\]", "[·]", problem.field)] += 1
            if len(self) < limit:
                self.append(problem)
        return self.total > before

    def to_pandas(self):
        """A DataFrame with a row for each problem: row, field, found, remedy."""
        from pandas import DataFrame

        return DataFrame([[getattr(p, name) for name in COLUMNS] for p in self], columns=list(COLUMNS))

    @property
    def summary(self) -> str:
        where = f" ({self.source})" if self.source else ""
        if not self.total:
            return f"{self.rows:,} rows of {self.form}{where}: no problems."
        return f"{self.rows:,} rows of {self.form}{where}: {self.total:,} problems in {self.bad_rows:,} rows."

    def _rest(self) -> str:
        if self.total <= SHOWN:
            return ""
        kept = "" if len(self) == self.total else f"; {len(self):,} are kept, limit=… keeps more"
        return f"… and {self.total - min(SHOWN, len(self)):,} more: .to_pandas() has them all{kept}."

    def __str__(self) -> str:
        lines = [str(replace(problem, source="")) for problem in self[:SHOWN]]
        return "\n".join(filter(None, [self.summary, *lines, self._rest()]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = [list(COLUMNS), *([str(getattr(p, name)) for name in COLUMNS] for p in self[:SHOWN])]
        if not self:
            return f"<p>{escape(self.summary)}</p>"
        return f"{html_table(lines, self.summary)}<p>{escape(self._rest())}</p>"
