"""Signs: what an audit looks for in one row. A sign is a meaning and a question to an exchange.

The answer is None where the question does not arise, as for ties where nothing is scored.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from ..encoding import Encoder
from .exchanges import Exchange
from .forms import FEEDBACK
from .repair import AGAIN, FLIP, verdict
from .schemas import FeedbackError, Problem, numeral
from .strategies import mean_of_aspects, ratings_of

FAR = 4.5  # points of overall_score: half its scale
Sign = tuple[str, Callable[..., bool | None]]


def signs_of(form: str, cut: bool) -> dict[str, Sign]:
    """The signs to look for in rows of a form, by name; `cut`: also those that need tokens."""
    return (FEEDBACK_SIGNS if form == FEEDBACK else PAIR_SIGNS) | (CUT_SIGNS if cut else {})


def _tied(e: Exchange) -> bool | None:
    return sum(score == e.scores[e.chosen] for score in e.scores) > 1 if e.scored and e.scores else None


def _chosen_lower(e: Exchange) -> bool | None:
    return e.scores[0] < e.scores[1] if e.scored else None


def _differences(e: Exchange) -> list[float]:
    """overall_score − mean of the aspects, which is stretched from its scale, 1 to 5, to 1 to 10."""
    means = [mean_of_aspects(completion) for completion in e.completions]
    known = [(m, s) for m, s in zip(means, e.scores, strict=True) if m is not None and s is not None]
    return [score - (1 + (mean - 1) * 9 / 4) for mean, score in known]


def _has_ten(said: str) -> Callable[[Exchange], bool]:
    return lambda e: any(said == verdict(completion) for completion in e.completions)


SHARED: dict[str, Sign] = {
    "empty_response": ("an answer is empty", lambda e: not all(a.strip() for a in e.answers)),
    "identical": ("two answers are the same", lambda e: _repeats(a.strip() for a in e.answers)),
}
PAIR_SIGNS: dict[str, Sign] = {
    "tied": ("chosen and rejected tie in score", _tied),
    "chosen_lower": ("chosen scores lower than rejected", _chosen_lower),
} | SHARED  # fmt: skip
FEEDBACK_SIGNS: dict[str, Sign] = {
    "tied": ("the best overall_score is shared: a pair may tie", _tied),
    "all_tied": ("all overall_scores are the same", lambda e: len(set(e.scores)) == 1 if e.scored else None),
    "false_ten": ("a 10 whose aspects average 2 or less: the bug's sign", _has_ten(FLIP)),
    "doubtful_ten": ("a 10 whose aspects average 4 or less, or are not rated", _has_ten(AGAIN)),
    "far_above": (
        f"overall_score {FAR} points or more above the mean of the aspects",
        lambda e: any(difference >= FAR for difference in _differences(e)),
    ),
    "far_below": (
        f"overall_score {FAR} points or more below it",
        lambda e: any(difference <= -FAR for difference in _differences(e)),
    ),
    "not_rated": ('a rating is "N/A" or missing', lambda e: any(
        numeral(rating) is None for completion in e.completions for rating in ratings_of(completion)
    )),
} | SHARED  # fmt: skip


def _repeats(items) -> bool:
    items = list(items)
    return len(set(items)) < len(items)


# In tokens


@dataclass
class Encoded:
    prompt: int  # tokens
    answers: list[int]  # tokens, EOS included
    cut: int
    same: bool  # two answers are the same after the cut


CUT_SIGNS: dict[str, Sign] = {
    "cut": ("an answer is cut by max_tokens", lambda t: t.prompt + max(t.answers, default=0) > t.cut),
    "same_when_cut": ("two answers are the same after max_tokens", lambda t: t.same),
}


@dataclass
class TokenCount:
    """Counts tokens as a policy would score them: prompt by the chat template, answers with EOS."""

    encoder: Encoder
    cut: int

    @classmethod
    def of(cls, tokenizer, max_tokens: int | None) -> TokenCount | None:
        if max_tokens is not None and (not isinstance(max_tokens, int) or max_tokens < 1):
            raise ValueError(f"max_tokens must be a whole number of at least 1, not {max_tokens!r}")
        if tokenizer is None:
            if max_tokens is not None:
                raise ValueError("max_tokens needs a tokenizer to count with: tokenizer=policy.tokenizer")
            return None
        tokenizer = copy(getattr(tokenizer, "tokenizer", tokenizer))
        tokenizer.model_max_length = sys.maxsize  # no model runs: no warning of a text too long for one
        return cls(Encoder(tokenizer), max_tokens or 0)

    def encode(self, exchange: Exchange, row: int) -> Encoded:
        answers = [self.encoder.response(answer) for answer in exchange.answers]
        prompt = self._prompt(exchange.prompt(), row)
        left = max(0, self.cut - prompt)
        same = _repeats(tuple(ids[:left]) for ids in answers)
        return Encoded(prompt, [len(ids) for ids in answers], self.cut, same)

    def _prompt(self, prompt, row: int) -> int:
        if not isinstance(prompt, str) and not self.encoder.tokenizer.chat_template:
            prompt = "\n".join(message["content"] for message in prompt)
        if isinstance(prompt, str) and not prompt.strip():
            return 0
        try:
            return len(self.encoder.prompt(prompt)[0])
        except Exception as error:  # a template may refuse what it likes
            remedy = "leave the row out, or audit without a tokenizer"
            found = f"messages that the chat template refuses ({error})"
            raise FeedbackError(Problem("prompt", found, remedy, row)) from error
