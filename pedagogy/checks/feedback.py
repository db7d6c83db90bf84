"""Checks of notebook 03: how pairs are made of feedback, and what may be wrong with it.

Rows are raw feedback; letters A, B, C, … name a row's completions, in their order.
"""

from __future__ import annotations

import builtins
import copy
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from numbers import Integral, Real

import numpy as np

from ..feedback import letter, overall_scores
from ..feedback.strategies import mean_of_aspects
from .finding import CLOSE, Finding, hashable, is_number, near, plain, unanswered
from .trial import diagnosed, unspoilt


def _right(hint: str) -> Finding:
    return Finding(True, None, hint)


def _wrong(mistake: str, hint: str) -> Finding:
    return Finding(False, mistake, hint)


# H4's rule on one row: which pairs can it make?


@diagnosed
def check_h4_pairs(answer, row: Mapping) -> Finding:
    """Is `answer` the set of all (chosen, rejected) that ultrafeedback_binarized's rule can make of a row?"""
    if missing := unanswered(answer, (set, list, tuple, frozenset), 'a set of pairs such as {("A", "B")}'):
        return missing
    scores = overall_scores(row)
    if not all(_is_pair(pair, scores) for pair in answer):
        return _wrong("type", f"Pairs (chosen, rejected) of the letters {', '.join(scores)} are wanted.")
    given, truth = {tuple(pair) for pair in answer}, _h4_pairs(scores)
    best = next(iter(truth))[0]
    if given == truth:
        return _right(f"Right: {best} against any other, {len(truth)} pairs, each as likely.")
    for name, (value, hint) in _h4_mistakes(row, scores, best).items():
        if given == value:
            return _wrong(name, hint)
    if itself := [a for a, b in given if a == b]:
        return _wrong("itself", f"{itself[0]} against itself? Rejected is one of the *others*.")
    if given < truth:
        return _wrong("left out", f"Right, but not all: any of the {len(truth)} others can be rejected.")
    hint = f"Chosen is the answer with the highest overall_score, {best}; rejected is any of the others."
    return _wrong("unknown", f"Not that. {hint}")


def _is_pair(pair, names: Iterable[str]) -> bool:
    """Two of the names; of letters also as a word, such as "AB"."""
    known = [*names]
    two = isinstance(pair, Sequence) and len(pair) == 2
    return two and all(isinstance(name, str) and name in known for name in pair)


def _h4_pairs(scores: Mapping[str, float]) -> set[tuple[str, str]]:
    best = max(scores, key=scores.get)  # the first on a tie
    return {(best, other) for other in scores if other != best}


def _h4_mistakes(row: Mapping, scores: Mapping, best: str) -> dict[str, tuple[set, str]]:
    """The wrong answers that other rules give; one that happens to be right here is none."""
    truth, top, low = _h4_pairs(scores), max(scores.values()), min(scores.values())
    means = {letter(i): mean_of_aspects(c) or 0.0 for i, c in enumerate(row["completions"])}
    tied = sorted(a for a in scores if scores[a] == top)
    by_mean = max(means, key=means.get)
    wrong = {
        "swapped": ({(b, a) for a, b in truth}, "Swapped: the chosen one comes first."),
        "ties left out": (
            {(best, b) for b in scores if scores[b] < top},
            f"You left out what ties with {best}. H4's rule draws from *all* others, so the pair may tie.",
        ),
        "worst rejected": (
            {(best, b) for b in scores if scores[b] == low and b != best},
            "That is best against worst, another rule. Here rejected is drawn from all others.",
        ),
        "all ordered pairs": (
            {(a, b) for a in scores for b in scores if scores[a] > scores[b]},
            f"That is every pair that the scores order. H4's rule makes one, and {best} is always chosen.",
        ),
        "every tied best": (
            {(a, b) for a in tied for b in scores if a != b},
            f"{', '.join(tied)} tie at {top:g}. The *first* of them, {best}, is chosen, every time.",
        ),
        "mean of the aspects": (
            {(by_mean, b) for b in scores if b != by_mean},
            f"You chose by the mean of the aspects, highest for {by_mean}. H4's rule takes overall_score.",
        ),
    }
    return {name: (value, hint) for name, (value, hint) in wrong.items() if value != truth}


@diagnosed
def check_tie_chance(answer, scores: Sequence[float]) -> Finding:
    """Is `answer` the probability that H4's rule makes a tie of these scores of one prompt's answers?"""
    if missing := unanswered(answer, Real, "a probability between 0 and 1"):
        return missing
    n, k = len(scores), list(scores).count(max(scores))
    truth = (k - 1) / (n - 1)
    if near(answer, truth, abs_tol=CLOSE):
        return _right(f"Right: {k} share the top, so {k - 1} of the {n - 1} others tie with it.")
    for name, (value, hint) in _tie_mistakes(scores, n, k).items():
        if near(answer, value, abs_tol=CLOSE):
            return _wrong(name, hint)
    return _wrong("unknown", "Not that. Take chosen away: which of the others have its score?")


def _tie_mistakes(scores: Sequence[float], n: int, k: int) -> dict[str, tuple[float, str]]:
    pairs = list(combinations(scores, 2))
    return {
        "ties are impossible": (0.0, "No rule forbids it: rejected is *any* other answer, tied or not."),
        "of all answers": ((k - 1) / n, f"Chosen cannot be drawn again: {n - 1} answers are left, not {n}."),
        "chosen counted": (k / n, "That counts chosen itself among those that can be drawn."),
        "all pairs": (
            sum(a == b for a, b in pairs) / len(pairs),
            "That is the share of tied pairs among all pairs. Chosen is not drawn: it is the top one.",
        ),
        "no tie": (1 - (k - 1) / (n - 1), "That is the probability of *no* tie."),
        "certain": (1.0, "There are answers below the top, too: they can be drawn as well."),
    }


# H4's rule as a function

_TEXTS = ("first", "second", "third", "fourth")
_TRIALS = (  # overall scores, and means of the aspects
    ((4, 9, 6, 2), (2, 3, 5, 1)),
    ((7, 9, 9, 4), (3, 4, 4, 2)),
    ((5, 5, 5, 5), (3, 3, 3, 3)),
)
_DRAWS = range(60)  # of each: one of three others is missed with a chance of (2/3)^60


@diagnosed
def check_binarizer(answer: Callable | None) -> Finding:
    """Does `answer(row, rng)` give (chosen, rejected), two responses, by ultrafeedback_binarized's rule?"""
    if missing := unanswered(answer, Callable, "a function of a row and an rng"):
        return missing
    answer, changed = _on_copies(answer)
    for scores, means in _TRIALS:
        row = _row(scores, means)
        try:
            drawn = [answer(row, random.Random(seed)) for seed in _DRAWS]
            again = [answer(row, random.Random(seed)) for seed in _DRAWS]
        except Exception as error:  # whatever a learner's function may raise is an answer to diagnose
            return _wrong("raises", f"With scores {scores} it raises {type(error).__name__}: {error}")
        if found := _binarizer_mistake(drawn, again, scores, means):
            return _wrong(*found)
    right = _right("Right: the best overall_score, the first on a tie, against any of the others.")
    return unspoilt(right, bool(changed))


def _on_copies(answer: Callable) -> tuple[Callable, list]:
    """The function, given a copy of its row each time, and a list that will hold the rows it changes."""
    changed = []

    def called(row: Mapping, *rest):
        own = copy.deepcopy(row)
        value = answer(own, *rest)
        if own != row:
            changed.append(row)
        return value

    return called, changed


def _row(scores: Sequence[float], means: Sequence[int]) -> dict:
    """A raw row with these scores, all four aspects of a completion rated alike."""
    aspects = ("instruction_following", "honesty", "truthfulness", "helpfulness")
    return {
        "instruction": "a prompt",
        "completions": [
            {
                "response": text,
                "overall_score": float(score),
                "fine-grained_score": float(mean),
                "annotations": {aspect: {"Rating": str(mean), "Rationale": ""} for aspect in aspects},
            }
            for text, score, mean in zip(_TEXTS, scores, means, strict=True)
        ],
    }


def _binarizer_mistake(drawn: list, again: list, scores: tuple, means: tuple) -> tuple[str, str] | None:
    """(mistake, message) of the first thing that is wrong with these draws, None where nothing is."""
    if drawn[0] is None or drawn[0] is ...:
        return "nothing returned", "It gives nothing yet: return two responses, (chosen, rejected)."
    if not all(_is_pair(pair, _TEXTS) and not isinstance(pair, str) for pair in drawn):
        return "type", f"It gives {drawn[0]!r}: two responses of the row are wanted, (chosen, rejected)."
    best = _TEXTS[scores.index(max(scores))]
    chosen, rejected = ({pair[i] for pair in drawn} for i in (0, 1))
    given = f"With scores {scores}"
    if any(a == b for a, b in drawn):
        return "itself", f"{given} an answer sometimes meets itself: take chosen out before you draw."
    if drawn != again:
        return "not reproducible", "The same rng gives different pairs: draw from `rng`, not from `random`."
    if chosen != {best}:
        return _wrong_chosen(chosen, rejected, scores, means, given)
    if len(rejected) == 3:
        return None
    if rejected == {text for text, score in zip(_TEXTS, scores, strict=True) if score < max(scores)}:
        return "ties left out", f"{given} the rejected one never ties. H4's rule draws from *all* the others."
    if rejected == {_TEXTS[scores.index(min(scores))]}:
        return "worst rejected", f"{given} rejected is always the worst: that is best-vs-worst, another rule."
    if len(rejected) == 1:
        return "not random", f"{given} rejected is always the {rejected.pop()} one. Draw with rng.choice(…)."
    return "others left out", f"{given} some of the others are never rejected: draw from all three."


def _wrong_chosen(chosen: set, rejected: set, scores: tuple, means: tuple, given: str) -> tuple[str, str]:
    tied = [text for text, score in zip(_TEXTS, scores, strict=True) if score == max(scores)]
    if chosen <= set(tied) and len(chosen) > 1:
        return "random best", f"{given} chosen is now one, now another of the tied. The rule: the first."
    if chosen <= set(tied):
        return "not the first on a tie", f"{given} chosen is not the first of the tied: use index or max."
    if rejected == {tied[0]}:
        return "swapped", f"{given} the best one is *rejected*: give (chosen, rejected)."
    if chosen == {_TEXTS[means.index(max(means))]}:
        return "mean of the aspects", f"{given} it chooses by the mean of the aspects, not by overall_score."
    if chosen == {_TEXTS[scores.index(min(scores))]}:
        return "worst chosen", f"{given} the *lowest* score is chosen."
    return "chosen", f"{given} chosen is {' or '.join(sorted(chosen))}; the best is {tied[0]}."


# The score-10 bug


@diagnosed
def check_tens(answer, feedback: Iterable[Mapping], original: Iterable[Mapping]) -> Finding:
    """Is `answer` the set of (row number, letter) of completions whose 10 was a 1 in the original?"""
    if missing := unanswered(answer, (set, list, tuple, frozenset), 'a set such as {(0, "A")}'):
        return missing
    cells = {
        (n, letter(i)): (now, was)
        for n, (row, before) in enumerate(zip(feedback, original, strict=True))
        for i, (now, was) in enumerate(zip(row["completions"], before["completions"], strict=True))
    }
    if not all(hashable(cell) and cell in cells for cell in answer):
        return _wrong("type", 'Completions are named (row number, letter), for example (0, "A").')
    given = set(answer)
    score = {cell: now["overall_score"] for cell, (now, _) in cells.items()}
    truth = {cell for cell, (now, was) in cells.items() if now["overall_score"] != was["overall_score"]}
    if given == truth:
        return _right(f"Right: {len(truth)} tens that their critiques contradict.")
    if not_ten := sorted(cell for cell in given if score[cell] != 10):
        return _wrong("not a ten", f"{not_ten[0]} has {score[not_ten[0]]:g}: the bug only made tens.")
    if given == {cell for cell in cells if score[cell] == 10}:
        return _wrong("every ten", "Those are all the tens. Some are earned: read what the critiques say.")
    if accused := sorted(given - truth):
        said = cells[accused[0]][0].get("critique")
        hint = f"{accused[0]} had its 10 before the bug, generous or not: {said!r}"
        return _wrong("good answer accused", hint)
    sure = {cell for cell in truth if (mean_of_aspects(cells[cell][0]) or 5) <= 2}
    missed = sorted(truth - given)
    if sure and given == sure:
        hint = f"{len(missed)} to go. Bad answers may have good ratings in part: an evasion tells no lies."
        return _wrong("only the sure ones", f"Right as far as it goes; {hint}")
    so_far = "All of these are false" if given else "You accuse none"
    hint = f"{len(missed)} to go, for example in row {missed[0][0]}. Read the critiques of its tens."
    return _wrong("missed", f"{so_far}; {hint}")


@diagnosed
def check_repair_rule(answer: Callable | None) -> Finding:
    """Does `answer(score, mean)` repair an overall_score by the published rule: a score, or "again"?"""
    if missing := unanswered(answer, Callable, "a function of a score and a mean"):
        return missing
    for score, mean, truth, name, hint in _REPAIRS:
        try:
            given = plain(answer(score, mean))
        except Exception as error:
            return _wrong("raises", f"({score}, {mean}) raises {type(error).__name__}: {error}")
        if given is None or given is ...:
            return _wrong(
                "nothing returned", f'({score}, {mean}) gives nothing yet: return a score, or "again".'
            )
        known = isinstance(given, (str, Real))  # an array's != is no answer
        if not known or given != truth or (is_number(truth) and not is_number(given)):
            return _wrong(name, f"({score}, {mean}) gives {given!r}, not {truth!r}. {hint}")
    return _right("Right: the rule that was published, with its edges where they belong.")


_REPAIRS = [  # (score, mean of the aspects, what the rule says, the mistake otherwise, a hint)
    (10, 1.5, 1, "false ten kept", "A mean of 2 or less: it was a 1."),
    (10, 4.75, 10, "good ten changed", "A mean above 4: it is a 10."),
    (10, 3.0, "again", "guessed in between", "Between 2 and 4 the ratings do not settle it: annotate again."),
    (7, 1.5, 7, "other scores changed", "The bug made tens only: every other score stays."),
    (1, 5.0, 1, "other scores changed", "The bug made tens only: every other score stays."),
    (10, 2.0, 1, "edge at 2", "At most 2, with the 2."),
    (10, 4.0, "again", "edge at 4", "*Above* 4 it is kept; 4 itself lies between."),
    (10, 2.25, "again", "means rounded", "The mean of four ratings comes in quarters: do not round it."),
    (10, 4.25, 10, "means rounded", "The mean of four ratings comes in quarters: do not round it."),
]


# What counts as evidence

BIAS_EVIDENCE = {
    "chosen is longer": "Longer ones may be chosen because they *are* better: complete answers are long.",
    "scores rise with length": "So does true quality: a correlation with length has the quality in it.",
    "longer wins among equals": None,
    "the longest answer wins": "Where it is also the best one, a fair annotator does the same.",
}


@diagnosed
def check_bias_evidence(answer: str | None) -> Finding:
    """Which observation shows that an annotator likes length as such? One of BIAS_EVIDENCE."""
    if answer is None or answer is ...:
        return _wrong("no answer", f"No answer yet: one of {list(BIAS_EVIDENCE)} in place of None.")
    if not isinstance(answer, str) or answer not in BIAS_EVIDENCE:
        return _wrong("unknown name", f"{answer!r} is not one of {list(BIAS_EVIDENCE)}.")
    if hint := BIAS_EVIDENCE[answer]:
        return _wrong(answer, f"{hint} Hold the quality fixed.")
    return _right("Right: with equal quality, only the length is left to tell them apart.")


# Contamination


@diagnosed
def check_leaks(answer, train: Sequence[str], test: Sequence[str]) -> Finding:
    """Is `answer` the set of numbers of those test prompts that train has too, in any case and spacing?"""
    if missing := unanswered(answer, (set, list, tuple, frozenset), "a set of row numbers such as {0, 3}"):
        return missing
    rows = [plain(n) for n in answer]
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and 0 <= n < len(test) for n in rows):
        return _wrong("type", f"Numbers of test prompts, 0 to {len(test) - 1}, are wanted.")
    given, seen = set(rows), {_words(prompt) for prompt in train}
    truth = {n for n, prompt in enumerate(test) if _words(prompt) in seen}
    if given == truth:
        return _right(f"Right: {len(truth)} of {len(test)} test prompts were seen in training.")
    if given == {n for n, prompt in enumerate(test) if prompt in set(train)}:
        n = min(truth - given)
        return _wrong("exact match only", f"Test prompt {n} is in train too, in other case or spacing.")
    if given == {n for n, prompt in enumerate(train) if _words(prompt) in {_words(p) for p in test}}:
        return _wrong("train rows", "Those are the numbers of *train* rows. Name the test rows.")
    if given == set(range(len(test))) - truth:
        return _wrong("the clean ones", "Those are the clean ones. Name the leaked.")
    if accused := sorted(given - truth):
        hint = "another prompt about a similar thing is no copy, though it may make the test easier"
        return _wrong("alike is not the same", f"Test prompt {accused[0]} is not in train: {hint}.")
    return _wrong("missed", f"All of these leak, but {len(truth - given)} more do.")


def _words(prompt: str) -> str:
    return " ".join(prompt.casefold().split())


# A row drawn with a seed


@diagnosed
def check_seeded_pair(answer: Callable | None) -> Finding:
    """Does `answer(row, seed)` give positions (chosen, rejected), drawn by seed and prompt alone?"""
    if missing := unanswered(answer, Callable, "a function of a row and a seed"):
        return missing
    answer, changed = _on_copies(answer)
    try:
        with _generators_restored():
            for scores, means in _TRIALS:
                row = _row(scores, means)
                drawn = [answer(row, seed) for seed in _DRAWS]
                if found := _positions_mistake(drawn, scores):
                    return _wrong(*found)
            found = _seed_mistake(answer)
    except Exception as error:  # whatever a learner's function may raise is an answer to diagnose
        return _wrong("raises", f"It raises {type(error).__name__}: {error}")
    if found:
        return _wrong(*found)
    return unspoilt(_right("Right: H4's rule, drawn by the seed and the prompt alone."), bool(changed))


@contextmanager
def _generators_restored() -> Iterator[None]:
    """Afterwards the random numbers that all share, those of random and of NumPy, go on as if untouched."""
    pythons, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)


def _generators_seeded(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)


def _generators_state() -> tuple:
    name, words, *rest = np.random.get_state()
    return random.getstate(), name, words.tolist(), rest


def _positions_mistake(drawn: list, scores: tuple) -> tuple[str, str] | None:
    """What is wrong with these positions, leaving aside how they were drawn."""
    given, top = f"With scores {scores}", max(scores)
    if any(pair is None or pair is ... for pair in drawn):
        return "nothing returned", "It gives nothing yet: return two positions, (chosen, rejected)."
    if not all(isinstance(pair, tuple) and [type(i) for i in pair] == [int, int] for pair in drawn):
        return "type", f"It gives {drawn[0]!r}: a tuple of two ints is wanted, such as (1, 3)."
    if not all(0 <= i < len(scores) for pair in drawn for i in pair):
        return "no such answer", f"{given} it gives {drawn[0]!r}: positions are 0 to {len(scores) - 1}."
    if any(i == j for i, j in drawn):
        return "itself", f"{given} an answer sometimes meets itself: take chosen out before you draw."
    chosen, rejected = ({pair[side] for pair in drawn} for side in (0, 1))
    if rejected == {scores.index(top)}:
        return "swapped", f"{given} the best one is *rejected*: give (chosen, rejected)."
    if any(scores[i] < top for i in chosen):
        return "not the best", f"{given} chosen is sometimes not a best one."
    if chosen != {scores.index(top)}:
        return "not the first on a tie", f"{given} chosen is not always the *first* of the tied."
    others = set(range(len(scores))) - chosen
    if rejected and rejected == {i for i in others if scores[i] < top} != others:
        return "ties left out", f"{given} rejected never ties. H4's rule draws from *all* the others."
    return None


def _seed_mistake(answer: Callable) -> tuple[str, str] | None:
    """What is wrong with the draw: it should hang on the seed and the prompt, and on nothing else."""
    rows = [_row((4, 9, 6, 2), (2, 3, 5, 1)) | {"instruction": f"prompt {n}"} for n in range(40)]

    def draws(seed: int) -> list:
        return [answer(row, seed) for row in rows]

    _generators_seeded(1)
    before = _generators_state()
    first = draws(0)
    touched = _generators_state() != before
    _generators_seeded(2)
    if first != draws(0) or first != [answer(row, 0) for row in reversed(rows)][::-1]:
        why = "The same prompt and seed give other pairs the second time"
        return "not reproducible", f"{why}: make your own random.Random, from the seed and the prompt."
    if touched:
        why = "random.seed, np.random.choice and their like change what everybody else draws"
        return "everybody's random numbers", f"{why}: make your own random.Random(…)."
    if first != with_salted_hash(lambda: draws(0)):
        why = "hash of a text is another number each time Python starts"
        return "hash of a text", f"{why}. random.Random takes the text itself, or use hashlib."
    if all(answer(rows[0], seed) == first[0] for seed in range(40)):
        return "seed ignored", "Every seed gives the same pair: let the draw hang on the seed, too."
    if len(set(first)) == 1:
        why = "Under one seed every prompt draws the same position"
        return "seed alone", f"{why}: make the random numbers from the seed *and* the prompt."
    if len(set(first)) < 3:
        return "others left out", "Some of the others are never rejected: draw from all three."
    return None


def with_salted_hash(work: Callable):
    """What work() gives in another Python, as it were: `hash` of anything but a number is another there."""
    own = builtins.hash
    builtins.hash = lambda value: own(value) if isinstance(value, (int, float)) else own(("salt", value))
    try:
        return work()
    finally:
        builtins.hash = own


# Evidence, pair by pair


def _evidence_rules(alike: float) -> dict[str, tuple[Callable, str]]:
    """Which pairs each rule counts, by the differences in worth, score and words; the first is right."""
    return {
        "right": (
            lambda worth, score, words: abs(worth) <= alike and score != 0 and words != 0,
            "Right: worth the same, not of the same length, not tied.",
        ),
        "quality not held fixed": (
            lambda worth, score, words: score != 0 and words != 0,
            "You count pairs of which one is truly better: then longer may win for a good reason",
        ),
        "ties counted": (
            lambda worth, score, words: abs(worth) <= alike and words != 0,
            "A pair with equal scores has nobody ahead: it says nothing",
        ),
        "same length counted": (
            lambda worth, score, words: abs(worth) <= alike and score != 0,
            "Where both have as many words, neither is the longer one",
        ),
        "only the worth": (
            lambda worth, score, words: abs(worth) <= alike,
            "Equal worth is asked, and besides, one is longer and one is ahead",
        ),
        "sign forgotten": (
            lambda worth, score, words: worth <= alike and score != 0 and words != 0,
            "The second answer may be the better one: take the absolute difference of the worths",
        ),
        "edge left out": (
            lambda worth, score, words: abs(worth) < alike and score != 0 and words != 0,
            "At most `alike` apart, so a difference of exactly `alike` still counts",
        ),
        "edge left out ": (
            lambda worth, score, words: worth == 0 and score != 0 and words != 0,
            "At most `alike` points apart is asked, not exactly equal",
        ),
        "only where the longer one wins": (
            lambda worth, score, words: abs(worth) <= alike and score * words > 0,
            "Pairs in which the shorter one wins are evidence, too: against a bias",
        ),
        "far apart": (
            lambda worth, score, words: abs(worth) > alike and score != 0 and words != 0,
            "Those are the pairs that differ in worth. Keep the alike",
        ),
    }


@diagnosed
def check_length_evidence(answer: Callable | None) -> Finding:
    """Does `answer(a, b, alike)` say which pairs can show a bias for length? a, b: worth, score, words."""
    if missing := unanswered(answer, Callable, "a function of a, b and alike"):
        return missing
    alike, steps = (
        0.5,
        [(w, s, n) for w in (-2.0, -0.5, -0.25, 0.0, 0.5, 2.0) for s in (-3, 0, 1) for n in (-40, 0, 9)],
    )
    given = []
    for worth, score, words in steps:
        a, b = (
            {"worth": 5 + worth, "score": 5 + score, "words": 90 + words},
            {"worth": 5.0, "score": 5, "words": 90},
        )
        try:
            given.append(plain(answer(a, b, alike)))
        except Exception as error:
            return _wrong("raises", f"({a}, {b}, {alike}) raises {type(error).__name__}: {error}")
    if given[0] is None or given[0] is ...:
        return _wrong("no answer", "It gives nothing yet: return True or False.")
    if not all(type(value) is bool for value in given):
        odd = next(value for value in given if type(value) is not bool)
        return _wrong("type", f"It gives {odd!r} of type {type(odd).__name__}: True or False is wanted.")
    for name, (rule, why) in _evidence_rules(alike).items():
        if given == [rule(*step) for step in steps]:
            return _right(why) if name == "right" else _wrong(name.strip(), f"{why}.")
    wrong = next(
        step
        for step, value in zip(steps, given, strict=True)
        if value != _evidence_rules(alike)["right"][0](*step)
    )
    said = "worth {:+g}, score {:+g}, words {:+g}".format(*wrong)
    return _wrong("unknown", f"Not yet: look at two answers that differ by {said}, with alike = {alike}.")


# A split without a leak


@diagnosed
def check_prompt_split(answer: Callable | None) -> Finding:
    """Does `answer(pairs, share, seed)` give (train, test), lists of pairs that share no prompt?"""
    if missing := unanswered(answer, Callable, "a function of pairs, share and seed"):
        return missing
    pairs = [{"prompt": f"Prompt {n % 20}", "chosen": f"yes {n}", "rejected": f"no {n}"} for n in range(60)]
    disguised = [
        pair | {"prompt": f"PROMPT  {n % 20}"} if n % 3 == 0 else pair for n, pair in enumerate(pairs)
    ]
    try:
        with _generators_restored():
            parts = [answer(copy.deepcopy(pairs), 0.25, seed) for seed in (0, 0, 1, 2)]
            hidden = answer(copy.deepcopy(disguised), 0.25, 0)
    except Exception as error:
        return _wrong("raises", f"It raises {type(error).__name__}: {error}")
    for part in (*parts, hidden):
        if part is None or part is ...:
            return _wrong("nothing returned", "It gives nothing yet: return two lists, (train, test).")
        if not (isinstance(part, tuple) and [type(side) for side in part] == [list, list]):
            return _wrong("type", f"It gives a {type(part).__name__}: a tuple of two lists is wanted.")
    return _split_mistake(parts, hidden, pairs) or _right("Right: no prompt stands on both sides.")


def _split_mistake(parts: list, hidden: tuple, pairs: list) -> Finding | None:
    train, test = parts[0]
    if lost := len(pairs) - len(train) - len(test):
        told = f"{lost} of {len(pairs)} pairs are gone" if lost > 0 else f"{-lost} pairs stand there twice"
        return _wrong("pairs lost" if lost > 0 else "pairs doubled", f"{told}: each pair goes to one side.")
    ours, theirs = ({pair["prompt"] for pair in side} for side in (train, test))
    if not ours or not theirs:
        return _wrong("one side empty", "One of the two sides is empty.")
    if both := ours & theirs:
        why = "several pairs have one prompt: draw prompts, not pairs"
        return _wrong("a prompt on both sides", f"{len(both)} of 20 prompts stand on both sides; {why}.")
    if len(theirs) != 5:
        return _wrong("another share", f"{len(theirs)} of 20 prompts are in test, not a share of 0.25.")
    if {_words(pair["prompt"]) for pair in hidden[0]} & {_words(pair["prompt"]) for pair in hidden[1]}:
        return _wrong(
            "exact match only", "A prompt leaks in other case or spacing: bring it to one form first."
        )
    if parts[1] != parts[0]:
        return _wrong(
            "not reproducible", "The same seed gives another split: make your own random.Random(seed)."
        )
    if parts[2] == parts[0] == parts[3]:
        return _wrong("seed ignored", "Every seed gives the same split: draw the prompts, by the seed.")
    return None
