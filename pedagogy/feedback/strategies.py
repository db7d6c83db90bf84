"""Binarising: from one prompt with several scored responses to pairs, by the rules found in the wild.

Each strategy is a function: the scores of a prompt's responses and a random number in, (chosen, rejected)
positions out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import combinations
from statistics import fmean

from .pair_rows import as_pair, prompt_id
from .schemas import ASPECTS, BINARIZABLE, RATED_ONLY, Problem, find_problems, numeral

Pairs = list[tuple[int, int]]
ROUNDING = 1e-9  # of a difference: 8.2 - 7.9 is a margin of 0.3


def best_and_random(scores: list[float], draw: int) -> Pairs:
    """The best, the first on a tie, against any other: it may tie. As in ultrafeedback_binarized."""
    best = _best(scores)
    others = [i for i in range(len(scores)) if i != best]
    return [(best, others[draw % len(others)])]


def best_and_random_lower(scores: list[float], draw: int) -> Pairs:
    """The best against one that scores lower; none where all tie. As in Argilla's version."""
    best = _best(scores)
    lower = [i for i, score in enumerate(scores) if score < scores[best]]
    return [(best, lower[draw % len(lower)])] if lower else []


def best_and_worst(scores: list[float], draw: int) -> Pairs:
    """The best against the worst, each the first on a tie; none where all tie."""
    best, worst = _best(scores), scores.index(min(scores))
    return [(best, worst)] if scores[worst] < scores[best] else []


def all_pairs(scores: list[float], draw: int, margin: float = 0.0) -> Pairs:
    """Every two that do not tie and whose scores differ by `margin` or more."""
    ordered = [(i, j) if scores[i] > scores[j] else (j, i) for i, j in combinations(range(len(scores)), 2)]
    leads = [(i, j, scores[i] - scores[j]) for i, j in ordered]
    return [(i, j) for i, j, lead in leads if lead > 0 and lead >= margin - ROUNDING]


def _best(scores: list[float]) -> int:
    return scores.index(max(scores))  # the first on a tie


STRATEGIES: dict[str, Callable] = {
    "h4": best_and_random,
    "argilla": best_and_random_lower,
    "best-vs-worst": best_and_worst,
    "all-pairs": all_pairs,
    "margin": all_pairs,
}


def pairs_of(row: dict, seed: int = 0, strategy: str = "h4", margin: float = 0.0) -> list[dict]:
    """The pairs of one raw row without problems, in ultrafeedback_binarized's columns."""
    prompt, completions = row["instruction"], row["completions"]
    scores = [_score(completion, strategy) for completion in completions]
    digest = hashlib.sha256(f"{seed}|{prompt_id(prompt)}".encode()).digest()
    draw = int.from_bytes(
        digest
    )  # of (seed, prompt) alone; one of 2**256, so its remainder is as good as uniform
    options = {"margin": margin} if strategy == "margin" else {}
    return [
        as_pair({
            "prompt": prompt,
            "chosen": completions[i]["response"],
            "rejected": completions[j]["response"],
            "score_chosen": scores[i],
            "score_rejected": scores[j],
        })
        for i, j in STRATEGIES[strategy](scores, draw, **options)
    ]  # fmt: skip


def _score(completion: dict, strategy: str) -> float | None:
    return mean_of_aspects(completion) if strategy == "argilla" else completion["overall_score"]


def mean_of_aspects(completion: dict) -> float | None:
    """The mean of a completion's ratings, 1 to 5; those that are no number ("N/A") are left out.

    None where no rating is a number. UltraFeedback's own repair takes the mean like this.
    """
    numbers = [rating for rating in map(numeral, ratings_of(completion)) if rating is not None]
    return fmean(numbers) if numbers else None


def ratings_of(completion: dict) -> list:
    """The four ratings as they stand, in the order of ASPECTS; None where one is missing."""
    given = completion.get("annotations")
    notes = [given.get(aspect) if isinstance(given, dict) else None for aspect in ASPECTS]
    return [note.get("Rating") if isinstance(note, dict) else None for note in notes]


def binarize_problems(row, strategy: str = "h4") -> Iterator[Problem]:
    """Why a raw row gives no pair."""
    schema = RATED_ONLY if strategy == "argilla" else BINARIZABLE
    problems = list(find_problems(row, schema))
    yield from problems
    completions = row.get("completions") if isinstance(row, dict) else None
    if isinstance(completions, list) and len(completions) == 1:
        yield Problem("completions", "1 completion", "give at least 2 to choose from, or leave the row out")
    if strategy == "argilla" and not problems:
        yield from unrated(completions)


def unrated(completions: list[dict]) -> Iterator[Problem]:
    """The completions without a single rating that is a number."""
    for i, completion in enumerate(completions):
        if mean_of_aspects(completion) is None:
            found, remedy = "no rating that is a number", "leave the row out, or choose by overall_score"
            yield Problem(f"completions[{i}].annotations", found, remedy)
