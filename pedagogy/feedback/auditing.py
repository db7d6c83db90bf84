"""What is in this data? Ties, suspicious scores, duplicates, lengths: counted, with the rows to look at.

Nothing here is an error: rows that do not even have a prompt and answers are `validate`'s matter.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace

import numpy as np

from .exchanges import Exchange, exchange_of
from .forms import FEEDBACK
from .lengths import Lengths
from .reading import Source, read
from .schemas import FeedbackError
from .signs import CUT_SIGNS, Encoded, TokenCount, signs_of
from .tables import html_table, text_table

SHOWN = 5  # rows that a printed figure lists


def audit(
    source="bundled", tokenizer=None, max_tokens: int | None = None, other=None, split: str | None = "train"
) -> Audit:
    """What raw feedback or pairs contain that one should know before training on them.

        audit = pg.audit("mine.jsonl", tokenizer=policy, max_tokens=512, other="held_out.jsonl")
        print(audit)
        audit["tied"].rows

    `source` and `other` are data sets, streamed ones, lists of rows, or names or paths as load_feedback
    takes; `other` is another split, whose prompts should not be here. `tokenizer`, a Hugging Face tokenizer
    or a policy, adds lengths in tokens; with it `max_tokens` counts the answers that are the same once prompt
    and answer together are cut after so many tokens, as a trainer does. Prompts are the same that differ in
    case and spaces alone. One pass in constant memory, but for 8 bytes a row (the hash of its prompt) and 8
    more for each row that a figure lists.
    """
    rows, tokens = read(source, split), TokenCount.of(tokenizer, max_tokens)
    signs = signs_of(rows.form, cut=max_tokens is not None)
    result = Audit(rows.name, rows.form, {name: Figure(meaning) for name, (meaning, _) in signs.items()})
    for i, row in rows:
        exchange = exchange_of(row, rows.form)
        result.add(i, exchange)
        if exchange is None:
            continue
        encoded = tokens.encode(exchange, i) if tokens else None
        result.measure(exchange, encoded)
        for name, (_, sign) in signs.items():
            result[name].add(i, sign(encoded if name in CUT_SIGNS else exchange))
    _must_be_whole(rows)
    result.compare(read(other) if other is not None else None)
    return result


def _must_be_whole(rows: Source) -> None:
    """FeedbackError where the reading ended before its time: half the figures would mislead."""
    if rows.failure:
        raise FeedbackError(replace(rows.failure, source=rows.name))


@dataclass
class Figure:
    """One count of an audit. `rows`: those concerned, from 0; `of`: for how many the question arose."""

    meaning: str
    of: int = 0
    rows: array = field(default_factory=lambda: array("q"), repr=False)

    def add(self, row: int, concerned: bool | None) -> None:
        self.of += concerned is not None
        if concerned:
            self.rows.append(row)

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0

    def first_rows(self) -> str:
        more = ", …" if self.count > SHOWN else ""
        return ", ".join(map(str, self.rows[:SHOWN])) + more


@dataclass(repr=False)
class Audit:
    """The figures of an audit by name, audit["tied"].count, .share, .rows; `lengths` by kind of text.

    `to_pandas()` gives the figures as a DataFrame, `lengths_to_pandas()` the lengths. `longer`, `shorter`:
    how often the chosen answer has more words, or fewer, than the rejected one (in raw feedback: the best one
    than the mean of the others).
    """

    source: str
    form: str
    figures: dict[str, Figure]
    lengths: dict[str, Lengths] = field(default_factory=dict)
    rows: int = 0
    longer: int = 0
    shorter: int = 0
    _prompts: array = field(default_factory=lambda: array("Q"), repr=False)

    def __getitem__(self, name: str) -> Figure:
        if name not in self.figures:
            raise KeyError(f"no figure {name!r}: this audit has {', '.join(self.figures)}")
        return self.figures[name]

    # Taking in

    def add(self, row: int, exchange: Exchange | None) -> None:
        self.rows += 1
        self._figure("unreadable", "no prompt and answers: see validate").add(row, exchange is None)
        self._prompts.append(0 if exchange is None else exchange.key())

    def measure(self, exchange: Exchange, encoded: Encoded | None) -> None:
        """Lengths in words, and in tokens where they were counted."""
        chosen = exchange.chosen
        words = [len(answer.split()) for answer in exchange.answers]
        prompt = sum(len(message["content"].split()) for message in exchange.context)
        self._measure("words", prompt, words, chosen)
        if encoded:
            self._measure("tokens", encoded.prompt, encoded.answers, chosen)
        others = [n for i, n in enumerate(words) if i != chosen]
        if chosen is not None and others:
            difference = words[chosen] - sum(others) / len(others)
            self.longer, self.shorter = self.longer + (difference > 0), self.shorter + (difference < 0)

    def _measure(self, unit: str, prompt: int, answers: list[int], chosen: int | None) -> None:
        names = ("best answer", "other answers") if self.form == FEEDBACK else ("chosen", "rejected")
        self._lengths(f"prompt, {unit}").add(prompt)
        kinds = [self._lengths(f"{name}, {unit}") for name in names]
        for i, length in enumerate(answers):
            kinds[i != chosen].add(length)

    def _lengths(self, what: str) -> Lengths:
        return self.lengths.setdefault(what, Lengths(what))

    def _figure(self, name: str, meaning: str) -> Figure:
        return self.figures.setdefault(name, Figure(meaning))

    def compare(self, other: Source | None) -> None:
        """Prompts that stand here twice, and those that stand in `other` too."""
        here = np.array(self._prompts, dtype=np.uint64)
        order = np.argsort(here, kind="stable")
        again = order[1:][here[order][1:] == here[order][:-1]]
        self._flag("repeated_prompt", "the prompt stood in an earlier row", here, again)
        if other is not None:
            found = (exchange_of(row, other.form) for _, row in other)
            there = np.fromiter((e.key() for e in found if e is not None), dtype=np.uint64)
            _must_be_whole(other)
            shared = np.flatnonzero(np.isin(here, there))
            self._flag("shared_prompt", "the prompt stands in the other split too", here, shared)

    def _flag(self, name: str, meaning: str, here: np.ndarray, found: np.ndarray) -> None:
        rows = np.sort(found[here[found] != 0])
        self.figures[name] = Figure(meaning, int(np.count_nonzero(here)), array("q", rows.tolist()))

    # Giving out

    def to_pandas(self):
        """A DataFrame with a row for each figure: meaning, count, of, share, rows (all of them)."""
        from pandas import DataFrame

        rows = [[f.meaning, f.count, f.of, f.share, f.rows.tolist()] for f in self.figures.values()]
        return DataFrame(rows, index=list(self.figures), columns=["meaning", "count", "of", "share", "rows"])

    def lengths_to_pandas(self):
        """A DataFrame with a row for each kind of text: n, mean, median, 95 %, longest."""
        from pandas import DataFrame

        return DataFrame([lengths.row() for lengths in self.lengths.values() if lengths.n])

    @property
    def summary(self) -> str:
        where = f" ({self.source})" if self.source else ""
        return f"{self.rows:,} rows of {self.form}{where}."

    def _longer(self) -> str:
        sides = ("the best answer", "the others") if self.form == FEEDBACK else ("chosen", "rejected")
        counts = f"in {self.longer:,} rows, shorter in {self.shorter:,}"
        return f"In words, {sides[0]} is longer than {sides[1]} {counts}."

    def _tables(self) -> tuple[list[list[str]], list[list[str]]]:
        """Figures and lengths as text, a list for each line, the first the head."""
        shown = [["figure", "meaning", "rows", "of", "share", "which"]]
        for name, f in self.figures.items():
            shown.append([name, f.meaning, f"{f.count:,}", f"{f.of:,}", f"{f.share:.1%}", f.first_rows()])
        rows = [lengths.row() for lengths in self.lengths.values() if lengths.n]
        return shown, [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)] if rows else []

    def __str__(self) -> str:
        figures, lengths = self._tables()
        return "\n\n".join([self.summary, text_table(figures), text_table(lengths), self._longer()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        figures, lengths = self._tables()
        return html_table(figures, self.summary) + html_table(lengths, self._longer())
