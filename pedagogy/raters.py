"""How far two raters agree, how sure that is, and what else a person's verdicts show.

Cohen's κ (1960) is agreement beyond chance: (p_o − p_e) / (1 − p_e), where p_o is the share of items rated
alike, and p_e the share that would be if each rater kept to their own frequencies but rated at random. 1 is
perfect, 0 no better than chance.

Ties, two ways, as Zheng et al. (2023, arXiv 2306.05685) do it: the pairs on which both raters chose, and all
pairs with "equally good" as a third answer. The first flatters whoever calls every hard pair a tie; the
second counts against a rater with fine scores, who hardly ever ties. "Can't say" is no rating: left out.

All intervals treat the pairs as independent. Pairs of one prompt share answers, so they are a bit narrow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, median

from .annotations import FILE, OTHER_SIDE, VERDICTS, grouped, in_force, loser, read_file, winner
from .feedback import load_feedback
from .feedback.schemas import FeedbackError, Problem
from .orders import Cycle, PreferenceOrder

FEW = 10  # pairs: with fewer, κ is not worth a number in a report
QUICK = 1.0  # seconds
OVERALL = "overall_score"
ALIKE = 1e-9  # scores this close are a tie
Scorer = Callable[[str, str], float | None] | str


# Shares


def wilson_interval(count: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion count / total (Wilson 1927): never empty, never outside 0 … 1."""
    if not 0 <= count <= total or total == 0:
        raise ValueError(f"{count} of {total} is no share: count from 0 to total, and total at least 1")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} is no level: give a number between 0 and 1, as in 0.95")
    z, p = NormalDist().inv_cdf((1 + confidence) / 2), count / total
    middle = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(p * (1 - p) / total + (z / (2 * total)) ** 2)
    return (max(0.0, middle - half) if count else 0.0), (min(1.0, middle + half) if count < total else 1.0)


@dataclass(frozen=True, repr=False)
class Share:
    """So many of so many, with a 95% Wilson interval; nan where there are none."""

    count: int
    total: int

    @property
    def value(self) -> float:
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.count, self.total) if self.total else (math.nan, math.nan)

    def __repr__(self) -> str:
        if not self.total:
            return "no pair to tell by"
        low, high = self.interval
        return f"{self.count} of {self.total}, {self.value:.0%} (95% interval {low:.0%} to {high:.0%})"


# Cohen's κ


@dataclass(frozen=True, repr=False)
class Kappa:
    """Cohen's κ of two raters; prints as a number with its interval, or as the words why there is none."""

    value: float  # nan where κ is undefined
    low: float
    high: float
    n: int  # items that both rated
    observed: float  # p_o
    expected: float  # p_e
    standard_error: float  # for large n; nan where κ is undefined
    confidence: float = 0.95  # of the interval from low to high
    problem: str = ""  # why it says nothing

    def __repr__(self) -> str:
        if self.problem:
            return self.problem
        interval = f"{self.confidence:.0%} interval {self.low:.2f} to {self.high:.2f}"
        return f"κ = {self.value:.2f} ({interval}, n = {self.n})".replace("-", "−")


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable], confidence: float = 0.95) -> Kappa:
    """Agreement beyond chance of two raters' answers to the same items, in the same order.

    >>> str(cohen_kappa("aab" * 10, "aab" * 9 + "bab"))
    'κ = 0.93 (95% interval 0.63 to 0.99, n = 30)'

    The interval is Wilson's for p_o, with p_e taken as known, as Cohen (1960) does: at n = 10 to 60 it covers
    some 95%, and 84% at worst, as κ nears 1, where value ± 1.96 standard_error can cover less than half.
    `standard_error` is that of Fleiss, Cohen & Everitt (1969). κ is 0/0 where both give one and the same
    answer throughout: value nan, and `problem` says so, as it does where there are fewer than 10 items.
    """
    first, second = list(first), list(second)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} ratings against {len(second)}: give both raters' for the same items")
    n, rows, columns = len(first), Counter(first), Counter(second)
    both = Counter(zip(first, second, strict=True))
    agreed = sum(count for (a, b), count in both.items() if a == b)
    chance = sum(rows[label] * columns[label] for label in rows)  # p_e · n²: whole, so that 1 is exact
    problem = _nothing_said(rows, columns, n)
    if chance == n * n:  # no items, or one answer throughout
        share = 1.0 if n else math.nan
        return Kappa(*[math.nan] * 3, n, share, share, math.nan, confidence, problem)
    expected = chance / n**2
    value = (agreed * n - chance) / (n * n - chance)
    low, high = ((p - expected) / (1 - expected) for p in wilson_interval(agreed, n, confidence))
    low, high = max(-1.0, min(low, value)), max(high, value)  # against rounding
    error = _standard_error(both, rows, columns, value, expected)
    return Kappa(value, low, high, n, agreed / n, expected, error, confidence, problem)


def _nothing_said(rows: Counter, columns: Counter, n: int) -> str:
    """Why κ says nothing, if so."""
    if not n:
        return "no pair was rated by both"
    if rows.keys() == columns.keys() and len(rows) == 1:
        return "κ is undefined (0/0): both gave one and the same answer every time"
    if n < FEW:
        return f"too few pairs for κ: {n}, and it takes {FEW} to say anything"
    if len(rows) == 1 or len(columns) == 1:
        return "κ says nothing: it is 0 whenever one of the two gives the same answer every time"
    return ""


def _standard_error(both: Counter, rows: Counter, columns: Counter, kappa: float, expected: float) -> float:
    """Of κ, for large n: Fleiss, Cohen & Everitt (1969), equation 13."""
    n = both.total()
    alike = apart = 0.0
    for (a, b), count in both.items():
        if a == b:
            alike += count / n * (1 - (rows[a] + columns[a]) / n * (1 - kappa)) ** 2
        else:
            apart += count / n * ((columns[a] + rows[b]) / n) ** 2
    spread = alike + (1 - kappa) ** 2 * apart - (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, spread) / n) / (1 - expected)


# What the verdicts show


@dataclass(frozen=True, repr=False)
class Versus:
    """Two raters on the same pairs."""

    agree: Share  # where both chose
    kappa: Kappa  # the same pairs
    with_ties: Kappa  # all pairs that both rated, "equally good" being a third answer

    def __repr__(self) -> str:
        return f"the same choice in {self.agree}; {self.kappa}. With ties as a third answer: {self.with_ties}"


@dataclass(frozen=True, repr=False)
class Intransitive:
    """A cycle in the choices on one prompt, by letter, and the beginning of each answer on it."""

    prompt: str
    cycle: Cycle
    answers: dict[str, str]

    def __repr__(self) -> str:
        steps = [f"{a} over {b}" for a, b in pairwise([*self.cycle, self.cycle[0]])]
        chosen = f"{', '.join(steps[:-1])}, and yet {steps[-1]}"
        return f"{self.cycle!r}: on “{shorten(self.prompt)}” you chose {chosen}"


@dataclass(frozen=True, repr=False)
class Agreement:
    """What a person's verdicts show. The first verdict on each pair counts; later ones measure constancy."""

    verdicts: dict[str, int]  # pairs by their first verdict: left, right, tie, can't say
    seconds: float  # per verdict, the median
    annotator: Versus  # you and the annotator
    truth: Versus | None  # you and the truth
    annotator_truth: Versus | None  # the annotator and the truth, on the pairs that you judged
    longer: dict[str, Share]  # by rater: the longer answer is the choice; of the pairs on which you chose
    left: Share  # the choice is the answer on the left
    repeats: Share  # pairs judged again: the same verdict
    same_side: int  # … and of the others: another answer, but on the same side
    cycles: list[Intransitive]  # at most one of each prompt, a shortest one
    complete: int  # prompts of which every pair is decided
    by_chance: float  # how many of these would have a cycle if a coin had decided
    notes: list[str]

    def __repr__(self) -> str:
        return "\n".join(f"{about}: {said}." for about, said in self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """The report in words: (about what, what it is)."""
        counts = ", ".join(f"{name} {count}" for name, count in self.verdicts.items())
        versus = [
            ("You and the annotator", str(self.annotator)),
            ("You and the truth", str(self.truth or NO_TRUTH)),
            *([("The annotator and the truth", str(self.annotator_truth))] if self.truth else []),
        ]
        return [
            ("Verdicts", f"{sum(self.verdicts.values())} pairs: {counts}"),
            *versus,
            ("The longer answer chosen", "; ".join(f"{who}: {share}" for who, share in self.longer.items())),
            ("The left answer chosen", f"{self.left}; sides are shuffled, so half is expected"),
            ("Judged again, the same verdict", str(self.repeats) + self._same_side()),
            ("Your cycles", f"{'; '.join(map(str, self.cycles)) or 'none'} ({self.coin()})"),
            *[("Note", note) for note in self.notes],
        ]

    def _same_side(self) -> str:
        others = self.repeats.total - self.repeats.count
        return (
            f"; {others} changed, {self.same_side} of these with the same side chosen again" if others else ""
        )

    def coin(self) -> str:
        """What the number of cycles is to be measured against."""
        if not self.complete:
            return "no prompt yet of which every pair is decided"
        prompts = f"{self.complete} prompt{'s' * (self.complete != 1)} of which every pair is decided"
        return f"{prompts}; a coin would make a cycle in {self.by_chance:.1f} of them"


NO_TRUTH = "no truth was given; pass truth=…, a function (prompt, response) → number, to compare with it"


def agreement(
    verdicts: str | Path | Sequence[dict] = FILE,
    feedback=None,
    truth: Scorer | None = None,
    annotator: Scorer = OVERALL,
) -> Agreement:
    """Compare a person's verdicts, of a file or a list of records, with the annotator's and with the truth.

    feedback holds the raw rows that were judged (default: the bundled ones). truth is a function (prompt,
    response) -> number, higher is better, or the name of a field of the completions; so is `annotator`. A
    higher score is a choice, equal ones are a tie; where a score is missing, that rater did not judge the
    pair. ValueError where no completion has the field, or what the function returns is no number.
    """
    records = read_file(verdicts) if isinstance(verdicts, str | Path) else list(verdicts)
    said = in_force(records)
    groups = grouped(said)
    first = [group[0] for group in groups]
    answers = _answers(first, load_feedback() if feedback is None else feedback)
    known = [v for v in first if answers[v["prompt"]].keys() >= {v["left_text"], v["right_text"]}]
    raters = {"you": [None if v["verdict"] == "can't say" else v["verdict"] for v in known]}
    raters["the annotator"] = _choices(known, answers, annotator, "annotator")
    if truth is not None:
        raters["the truth"] = _choices(known, answers, truth, "truth")
    return Agreement(
        verdicts={name: sum(v["verdict"] == name for v in first) for name in VERDICTS},
        seconds=median(v["seconds"] for v in said) if said else math.nan,
        annotator=_versus(raters, "you", "the annotator"),
        truth=_versus(raters, "you", "the truth"),
        annotator_truth=_versus(raters, "the annotator", "the truth"),
        longer=_longer(known, raters),
        **_constancy(groups),
        **_cycles(first, answers),
        notes=list(_notes(records, said, len(first) - len(known))),
    )


def _answers(verdicts: Sequence[dict], feedback) -> dict[str, dict[str, dict]]:
    """prompt -> text -> completion, for the prompts that were judged; a prompt may be in several rows."""
    stored = hasattr(feedback, "column_names")  # a data set reads a column in one go
    if stored and not {"instruction", "completions"} <= set(feedback.column_names):
        found = f"the columns {', '.join(feedback.column_names)}"
        remedy = "give the raw feedback that was judged, as of load_feedback, not pairs"
        raise FeedbackError(Problem("feedback", found, remedy))
    prompts = feedback["instruction"] if stored else [row.get("instruction") for row in feedback]
    answers: dict[str, dict[str, dict]] = {v["prompt"]: {} for v in verdicts}
    for i, prompt in enumerate(prompts):
        if prompt in answers:
            for completion in feedback[i]["completions"]:
                answers[prompt].setdefault(completion["response"], completion)
    return answers


def _choices(verdicts: Sequence[dict], answers: dict, scorer: Scorer, who: str) -> list[str | None]:
    """What a rater's scores say of each pair: "left", "right", "tie", or None where one has no score."""
    every = [completion for v in verdicts for completion in answers[v["prompt"]].values()]
    missing = isinstance(scorer, str) and every and not any(scorer in completion for completion in every)
    if missing and scorer != OVERALL:  # feedback may be without scores, but not a name without a field
        raise ValueError(f"{who}={scorer!r}: no completion has that field; they have {', '.join(every[0])}")
    scores: dict[tuple[str, str], float | None] = {}
    for v in verdicts:
        for text in (v["left_text"], v["right_text"]):
            if (v["prompt"], text) not in scores:
                scores[v["prompt"], text] = _score(scorer, v["prompt"], answers[v["prompt"]][text], who)
    return [_choice(*(scores[v["prompt"], v[f"{side}_text"]] for side in OTHER_SIDE)) for v in verdicts]


def _score(scorer: Scorer, prompt: str, completion: dict, who: str) -> float | None:
    given = completion.get(scorer) if isinstance(scorer, str) else scorer(prompt, completion["response"])
    try:
        score = None if given is None else float(given)
    except (TypeError, ValueError) as error:
        found = f"{given!r} for the prompt {shorten(prompt)!r}"
        raise ValueError(
            f"{who} gives {found}: it must give a number, or None where there is none"
        ) from error
    return None if score is None or math.isnan(score) else score


def _choice(left: float | None, right: float | None) -> str | None:
    if left is None or right is None:
        return None
    return "tie" if abs(left - right) <= ALIKE else "left" if left > right else "right"


def _versus(raters: dict[str, list[str | None]], one: str, other: str) -> Versus | None:
    """None where one of the two is not among the raters."""
    if not {one, other} <= raters.keys():
        return None
    both = [(a, b) for a, b in zip(raters[one], raters[other], strict=True) if a and b]
    chose = [(a, b) for a, b in both if "tie" not in (a, b)]
    kappas = (cohen_kappa([a for a, _ in rated], [b for _, b in rated]) for rated in (chose, both))
    return Versus(Share(sum(a == b for a, b in chose), len(chose)), *kappas)


def _longer(verdicts: Sequence[dict], raters: dict[str, list[str | None]]) -> dict[str, Share]:
    """How often each rater chose the answer with more words, on the pairs on which you chose."""
    words = [[len(v[f"{side}_text"].split()) for side in ("left", "right")] for v in verdicts]
    longer = ["left" if left > right else "right" if right > left else None for left, right in words]
    asked = [i for i, side in enumerate(longer) if side and raters["you"][i] in OTHER_SIDE]
    shares = {}
    for who, choices in raters.items():
        chosen = [i for i in asked if choices[i] in OTHER_SIDE]
        shares[who] = Share(sum(choices[i] == longer[i] for i in chosen), len(chosen))
    return shares


def _constancy(groups: Sequence[Sequence[dict]]) -> dict:
    """`left`, `repeats` and `same_side` of an Agreement."""
    chosen = [group[0]["verdict"] for group in groups if winner(group[0]) is not None]
    again = [(group[0], v) for group in groups for v in group[1:]]
    changed = [(a, b) for a, b in again if (winner(a) or a["verdict"]) != (winner(b) or b["verdict"])]
    same_side = [a["verdict"] in OTHER_SIDE and a["verdict"] == b["verdict"] for a, b in changed]
    return {
        "left": Share(chosen.count("left"), len(chosen)),
        "repeats": Share(len(again) - len(changed), len(again)),
        "same_side": sum(same_side),
    }


def _cycles(verdicts: Sequence[dict], answers: dict) -> dict:
    """What the choices on each prompt are as an order: `cycles`, `complete` and `by_chance` of an Agreement.

    Of 2^(n(n−1)/2) ways to decide all pairs of n answers, the n! rankings alone have no cycle.
    """
    cycles, complete, by_chance = [], 0, 0.0
    prompts = dict.fromkeys(v["prompt"] for v in verdicts)
    for prompt in prompts:
        judged = [v for v in verdicts if v["prompt"] == prompt]
        names = _names(judged)
        chosen = [(names[winner(v)], names[loser(v)]) for v in judged if winner(v) is not None]
        if cycle := PreferenceOrder.from_pairs(chosen, sorted(names.values())).cycle():
            texts = {name: text for text, name in names.items()}
            cycles.append(Intransitive(prompt, cycle, {name: texts[name] for name in cycle}))
        n = max(len(names), len({text.strip() for text in answers[prompt]}))
        if n > 2 and len(chosen) == math.comb(n, 2):
            complete, by_chance = complete + 1, by_chance + 1 - math.factorial(n) / 2 ** math.comb(n, 2)
    return {"cycles": cycles, "complete": complete, "by_chance": by_chance}


def _names(verdicts: Sequence[dict]) -> dict[str, str]:
    """text -> letter; should two data sets have given two texts one letter, the later ones are primed."""
    names: dict[str, str] = {}
    for text, name in [(v[f"{side}_text"], v[side]) for v in verdicts for side in OTHER_SIDE]:
        while text not in names and name in names.values():
            name += "′"
        names.setdefault(text, name)
    return names


def _notes(records: Sequence[dict], verdicts: Sequence[dict], unknown: int) -> Iterator[str]:
    opened = next((i for i, record in enumerate(records) if record["kind"] == "report"), len(records))
    late = {record["id"] for record in records[opened:]}
    if after := sum(v["id"] in late for v in verdicts):
        yield f"{after} of {len(verdicts)} verdicts were given after the report was first opened"
    if quick := sum(v["seconds"] < QUICK for v in verdicts):
        yield f"{quick} of {len(verdicts)} verdicts took less than {QUICK:g} s: hardly time to read"
    if unknown:
        yield f"{unknown} pairs are not in this feedback, and so not compared with anybody's scores"


def shorten(text: str, words: int = 9) -> str:
    """The beginning of a text, on one line."""
    parts = text.split()
    return " ".join(parts[:words]) + (" …" if len(parts) > words else "")
