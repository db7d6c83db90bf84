"""The same raters asked in two ways: "how good is this, 1 to 10?" and "which of these two is better?".

A rater perceives the true utility of an answer, the judge's, with noise. To *rate*, they put what they
perceive on a scale of their own: one is generous, another uses only the middle. To *compare*, they perceive
both answers, each with that same noise, and name the one that seemed better: offset and scale cancel, but two
noises add up and only one bit is said. Some raters are outlier-prone: they often say anything, either way.

So which recovers the true ranking with fewer judgements? `recovery` measures it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pedagogy.howto.annotator import Annotator
from pedagogy.howto.assistants import ASSISTANTS
from pedagogy.howto.judge import judge
from pedagogy.howto.prompts import draw_prompt

LOWEST, HIGHEST = 1, 10
MIDDLE = (LOWEST + HIGHEST) / 2
SLIPS = 0.5  # share of an outlier-prone rater's judgements that have nothing to do with the answers
MOST_DRAWS = 2000  # of an answer, before a prompt is given up
PER_ANSWER = (1, 2, 4, 8, 16)  # judgements asked for, per answer
SHARES = (10, 90)  # percent of the seeds: the spread that is reported

Rating = tuple[int, str, int]  # number of the rater, answer, points
Rewards = dict[str, float]


@dataclass(frozen=True)
class Rater:
    """scale 1 and offset 0 are calibrated: the points they give are, on average, the utility."""

    scale: float = 1.0
    offset: float = 0.0  # points; generous above 0
    noise: float = Annotator.noise  # standard deviation of what is perceived, in points
    slip: float = 0.0  # probability that a judgement has nothing to do with the answers

    def rate(self, utility: float, rng: random.Random) -> int:
        """Whole points, 1 to 10."""
        if rng.random() < self.slip:
            return rng.randint(LOWEST, HIGHEST)
        perceived = rng.gauss(utility, self.noise)
        return min(HIGHEST, max(LOWEST, round(MIDDLE + self.scale * (perceived - MIDDLE) + self.offset)))

    def compare(self, first: float, second: float, rng: random.Random) -> bool:
        """Does an answer of utility `first` seem better than one of utility `second`?"""
        if rng.random() < self.slip:
            return rng.random() < 0.5
        return rng.gauss(first, self.noise) > rng.gauss(second, self.noise)


@dataclass(frozen=True)
class Crowd:
    """How raters differ: standard deviations of offset and log scale, and the share prone to slips."""

    offset: float = 0.0
    log_scale: float = 0.0
    outlier_prone: float = 0.0

    def raters(self, n: int, rng: random.Random) -> list[Rater]:
        """n of them; the share of outlier-prone ones is exact, up to rounding."""
        n_prone = round(self.outlier_prone * n)
        return [
            Rater(
                scale=math.exp(rng.gauss(0, self.log_scale)),
                offset=rng.gauss(0, self.offset),
                slip=SLIPS if i < n_prone else 0.0,
            )
            for i in range(n)
        ]


SCALES = {
    "calibrated": Crowd(),
    "scales differ": Crowd(offset=1.5, log_scale=0.3),
    "scales differ a lot": Crowd(offset=3.0, log_scale=0.3),
}
CROWDS = SCALES | {
    f"{name}, a quarter outlier-prone": replace(crowd, outlier_prone=0.25) for name, crowd in SCALES.items()
}


def draw_answers(rng: random.Random, n: int = 12, apart: float = 0.2) -> Rewards:
    """{answer: true utility} of n answers to one random prompt, no two utilities closer than `apart`.

    So that there is one true ranking, without ties. Prompts with too few different answers are passed over.
    """
    while True:
        _, prompt = draw_prompt("train", rng)
        found: Rewards = {}
        for _ in range(MOST_DRAWS):
            answer = rng.choice(ASSISTANTS).answer(prompt, rng)
            utility = judge(prompt, answer).utility
            if all(abs(utility - other) >= apart for other in found.values()):
                found[answer] = utility
            if len(found) == n:
                return found


# Asking: every answer is judged equally often, each time by a random rater


def _rounds(answers: Iterable[str], rng: random.Random) -> Iterator[list[str]]:
    """The answers in a new random order, for ever."""
    answers = list(answers)
    while True:
        yield rng.sample(answers, len(answers))


def ask_ratings(truth: Rewards, raters: Sequence[Rater], n: int, rng: random.Random) -> list[Rating]:
    """n ratings (number of the rater, answer, points)."""
    one_by_one = (answer for order in _rounds(truth, rng) for answer in order)
    asked = ((rng.randrange(len(raters)), answer) for _, answer in zip(range(n), one_by_one, strict=False))
    return [(rater, answer, raters[rater].rate(truth[answer], rng)) for rater, answer in asked]


def ask_comparisons(
    truth: Rewards, raters: Sequence[Rater], n: int, rng: random.Random
) -> list[tuple[str, str]]:
    """n comparisons (preferred, other)."""
    two_by_two = (
        pair for order in _rounds(truth, rng) for pair in zip(order[::2], order[1::2], strict=False)
    )
    pairs = (pair for _, pair in zip(range(n), two_by_two, strict=False))
    return [(a, b) if rng.choice(raters).compare(truth[a], truth[b], rng) else (b, a) for a, b in pairs]


# Rewards from ratings (from comparisons: utility.fit_bradley_terry)


def mean_ratings(ratings: Iterable[Rating]) -> Rewards:
    """The mean of each answer's points."""
    points: dict[str, list[int]] = {}
    for _, answer, given in ratings:
        points.setdefault(answer, []).append(given)
    return {answer: sum(given) / len(given) for answer, given in points.items()}


def adjusted_ratings(ratings: Sequence[Rating], shrink: float = 1.0) -> Rewards:
    """Rewards r when points = r(answer) + offset(rater) is fitted by least squares.

    `shrink` pulls the offsets to 0 as that many ratings without one would: raters seen once say little.
    """
    answers = list(dict.fromkeys(answer for _, answer, _ in ratings))
    raters = list(dict.fromkeys(rater for rater, _, _ in ratings))
    design = np.zeros((len(ratings) + len(raters), len(answers) + len(raters)))
    for row, (rater, answer, _) in enumerate(ratings):
        design[row, answers.index(answer)] = 1
        design[row, len(answers) + raters.index(rater)] = 1
    design[len(ratings) :, len(answers) :] = math.sqrt(shrink) * np.eye(len(raters))
    points = np.array([given for _, _, given in ratings] + [0] * len(raters), dtype=float)
    solution = np.linalg.lstsq(design, points, rcond=None)[0]
    return dict(zip(answers, solution[: len(answers)].tolist(), strict=True))


# The experiment

METHODS = ("ratings, averaged", "ratings, offsets fitted", "comparisons")


Found = dict[tuple[str, int], list[float]]


def recovery(
    crowd: Crowd,
    fit: Callable[[list[tuple[str, str]]], Mapping[str, float]],
    agreement: Callable[[Rewards, Mapping[str, float]], float],
    per_answer: Iterable[int] = PER_ANSWER,
    seeds: Iterable[int] = range(20),
    n_answers: int = 12,
    n_raters: int = 20,
) -> Found:
    """{(method, number of judgements): agreement of the rewards with the truth, one number a seed}.

    A seed draws a prompt, its answers, and the raters; all methods and budgets then face the same ones.
    `fit` makes rewards of comparisons and `agreement` compares rewards: they live in `utility` and `orders`,
    rooms above this one. At the same number of judgements, comparisons have read twice as many answers.
    """
    found: Found = {}
    for seed in seeds:
        rng = random.Random(f"recovery-{seed}")
        truth, raters = draw_answers(rng, n_answers), crowd.raters(n_raters, rng)
        for n in (k * n_answers for k in per_answer):
            ratings = ask_ratings(truth, raters, n, rng)
            scores = (
                mean_ratings(ratings),
                adjusted_ratings(ratings),
                fit(ask_comparisons(truth, raters, n, rng)),
            )
            for method, rewards in zip(METHODS, scores, strict=True):
                found.setdefault((method, n), []).append(agreement(truth, rewards))
    return found


def summary(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, and the two ends of the middle 80 % of the seeds."""
    low, high = np.percentile(values, SHARES)
    return float(np.mean(values)), float(low), float(high)


def needed(found: Found, method: str, level: float) -> int | None:
    """The fewest judgements, of those tried, with which the method's mean reaches `level`; None: not one."""
    return min((n for m, n in found if m == method and np.mean(found[m, n]) >= level), default=None)


def lead(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """By how much the first is ahead of the second, seed by seed: mean difference and its standard error."""
    ahead = np.subtract(first, second)
    return float(ahead.mean()), float(ahead.std(ddof=1) / math.sqrt(len(ahead)))
