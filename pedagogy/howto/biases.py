"""What a knob of the annotator does to the data: one measure for each, on rows that `pipeline` made.

A bias is measured with the truth held fixed: the same answers again, with one knob turned, or answers of
equal worth. An association with the score will not do: in this world, too, longer answers are mostly better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

from pedagogy.howto.pipeline import utilities, worth

ALIKE = 0.5  # points of true utility: answers this close are worth the same
GOOD = 7.0  # an answer of this utility, of 10, does its job


def longer_wins(rows: Iterable[Mapping], alike: float | None = None) -> float:
    """Of any two answers to a prompt whose overall scores differ: how often is the one with more words ahead?

    With `alike`, only of those whose true utilities are at most so far apart.
    """
    wins = []
    for row in rows:
        score = [c["overall_score"] for c in row["completions"]]
        words = [len(c["response"].split()) for c in row["completions"]]
        truth = utilities(row)
        for i, j in combinations(range(len(score)), 2):
            near = alike is None or abs(truth[i] - truth[j]) <= alike
            if near and score[i] != score[j] and words[i] != words[j]:
                wins.append((score[i] > score[j]) == (words[i] > words[j]))
    return fmean(wins)


def first_place_gain(forth: Sequence[Mapping], back: Sequence[Mapping]) -> float:
    """By how much an answer's mean rating is higher where it stands first than where it stands last.

    forth and back are the same rows, rated with the page in the order of the row and in reverse.
    """
    gains = []
    for row, other in zip(forth, back, strict=True):
        a, b = ([c["fine-grained_score"] for c in r["completions"]] for r in (row, other))
        gains += [a[0] - b[0], b[-1] - a[-1]]
    return fmean(gains)


def best_changes(first: Iterable[Mapping], second: Iterable[Mapping]) -> float:
    """The share of prompts in which another answer has the best mean of ratings, the first on a tie."""
    return fmean(_best(a, "fine-grained_score") != _best(b, "fine-grained_score")
                 for a, b in zip(first, second, strict=True))  # fmt: skip


def win_share(rows: Iterable[Mapping], model: str) -> float:
    """Of the prompts that `model` answered, the share in which its answer has the best overall score."""
    there = [row for row in rows if model in row["models"]]
    return fmean(row["models"][_best(row, "overall_score")] == model for row in there)


def _best(row: Mapping, score: str) -> int:
    scores = [c[score] for c in row["completions"]]
    return scores.index(max(scores))


# Pairs against the truth. A pair has ultrafeedback_binarized's columns.


def pair_worth(pairs: Iterable[Mapping]) -> list[tuple[float, float]]:
    """The true utilities (chosen, rejected) of each pair."""
    return [tuple(worth(pair["prompt"], text) for text in _texts(pair)) for pair in pairs]


def labels_right(pairs: Iterable[tuple[float, float]]) -> float:
    """Of the pairs of utilities that are no tie, the share in which chosen is truly better."""
    return fmean(chosen > rejected for chosen, rejected in pairs if chosen != rejected)


def pair_figures(pairs: Iterable[Mapping]) -> dict[str, float]:
    """What a set of pairs is like: their number, and shares of them. Good: a true utility of GOOD or more."""
    pairs = list(pairs)
    known = pair_worth(pairs)
    words = [[len(text.split()) for text in _texts(pair)] for pair in pairs]
    return {
        "pairs": len(pairs),
        "scores tie": fmean(pair["score_chosen"] == pair["score_rejected"] for pair in pairs),
        "label right": labels_right(known),
        "rejected is good": fmean(rejected >= GOOD for _, rejected in known),
        "chosen is not good": fmean(chosen < GOOD for chosen, _ in known),
        "chosen is longer": fmean(chosen > rejected for chosen, rejected in words),
    }


def _texts(pair: Mapping) -> tuple[str, str]:
    return pair["chosen"][-1]["content"], pair["rejected"][-1]["content"]
