"""A row of any form as one exchange: a prompt, the answers to it, their scores. Forgiving, for audits.

What loading would refuse, such as an empty response, is just what an audit counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from math import isfinite

from .forms import FEEDBACK, TRANSCRIPTS
from .pair_rows import SIDES, conversation, score
from .transcripts import as_messages, is_transcript


@dataclass(frozen=True)
class Exchange:
    """`context`: the messages before the answer. `chosen`: the answer preferred; None where no score says."""

    context: list[dict]
    answers: list[str]
    scores: list[float | None]
    chosen: int | None
    completions: list[dict] = field(default_factory=list)  # of raw feedback

    @property
    def scored(self) -> bool:
        return None not in self.scores

    def prompt(self) -> str | list[dict]:
        """As text where it is one user message."""
        single = len(self.context) == 1 and self.context[0]["role"] == "user"
        return self.context[0]["content"] if single else self.context

    def key(self) -> int:
        """A hash of the prompt, 64 bits, the same whatever its case, spaces and system message."""
        said = [m["content"] for m in self.context if m["role"] != "system"]
        text = "\0".join(" ".join(part.split()).casefold() for part in said)
        return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest())


def exchange_of(row, form: str) -> Exchange | None:
    """The exchange in a row; None where it has not even prompt and answers."""
    try:
        if form == FEEDBACK:
            return _of_feedback(row)
        if form == TRANSCRIPTS and is_transcript(row):
            row = as_messages(row)
        return _of_pair(row)
    except (AttributeError, IndexError, KeyError, TypeError):  # there is no such field, or not of such a kind
        return None


def _of_feedback(row: dict) -> Exchange:
    completions = row["completions"]
    if not isinstance(completions, list) or not all(isinstance(c, dict) for c in completions):
        raise TypeError("no list of completions")
    scores = [_number(completion.get("overall_score")) for completion in completions]
    best = scores.index(max(scores)) if scores and None not in scores else None  # the first on a tie
    answers = [_text(completion["response"]) for completion in completions]
    return Exchange(
        [{"role": "user", "content": _text(row["instruction"])}], answers, scores, best, completions
    )


def _of_pair(row: dict) -> Exchange:
    sides = [conversation(row, side) for side in SIDES]
    context = [{"role": m["role"], "content": _text(m["content"])} for m in sides[0][:-1]]
    answers = [_text(messages[-1]["content"]) for messages in sides]
    return Exchange(context, answers, [_number(score(row, side)) for side in SIDES], 0)


def _text(value) -> str:
    """Text as it is, nothing as empty text; TypeError for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _number(value) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and abs(value) < 1e300 and isfinite(value) else None
