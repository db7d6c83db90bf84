"""How long texts are, counted in constant memory: how often each length occurs, and what follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Lengths:
    """Lengths of one kind of text. A text of n words adds 1 to the count of n: there are few different n."""

    what: str
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, length: int) -> None:
        self.counts[length] += 1

    @property
    def n(self) -> int:
        return self.counts.total()

    @property
    def mean(self) -> float:
        return sum(length * k for length, k in self.counts.items()) / self.n

    def quantile(self, q: float) -> int:
        """The least length that a share `q` of the texts does not exceed."""
        seen = 0
        for length in sorted(self.counts):
            seen += self.counts[length]
            if seen >= q * self.n:
                break
        return length

    def row(self) -> dict:
        """One row of a table of lengths."""
        middle = {"mean": round(self.mean, 1), "median": self.quantile(0.5)}
        return {
            "texts": self.what,
            "n": self.n,
            **middle,
            "95 %": self.quantile(0.95),
            "longest": max(self.counts),
        }
