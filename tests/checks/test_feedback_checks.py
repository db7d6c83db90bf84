"""Notebook 03's self-checks: right answers pass, and each catalogued mistake is diagnosed as itself."""

import math
import random

import pytest

from pedagogy.checks import feedback as checks
from pedagogy.checks.feedback import (
    BIAS_EVIDENCE,
    check_bias_evidence,
    check_binarizer,
    check_h4_pairs,
    check_leaks,
    check_repair_rule,
    check_tens,
    check_tie_chance,
)


def row(scores, means):
    return checks._row(scores, means)


TIED = row((7, 9, 9, 4), (5, 3, 4, 2))  # B and C tie at the top, A has the best mean, D is the worst
OTHERS = {("B", "A"), ("B", "C"), ("B", "D")}

EVERY_CHECK = [
    lambda answer: check_h4_pairs(answer, TIED),
    lambda answer: check_tie_chance(answer, [9, 9, 4]),
    check_binarizer,
    lambda answer: check_tens(answer, [TIED], [TIED]),
    check_repair_rule,
    check_bias_evidence,
    lambda answer: check_leaks(answer, ["a"], ["a"]),
]


@pytest.mark.parametrize("check", EVERY_CHECK)
def test_no_answer_and_the_wrong_kind_get_a_plain_word(check):
    for nothing in (None, ...):
        found = check(nothing)
        assert (found.right, found.mistake) == (False, "no answer") and found.message
    for odd in (True, math.nan, [["not", "hashable"]], {3: 4}, object()):
        assert check(odd).mistake in {"type", "unknown name"}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (OTHERS, None),
        (["BA", "BC", "BD"], None),
        ({("A", "B"), ("C", "B"), ("D", "B")}, "swapped"),
        ({("B", "A"), ("B", "D")}, "ties left out"),
        ({("B", "D")}, "worst rejected"),
        ({"BA", "BD", "CA", "CD", "AD"}, "all ordered pairs"),
        ({"BA", "BC", "BD", "CA", "CB", "CD"}, "every tied best"),
        ({"AB", "AC", "AD"}, "mean of the aspects"),
        (OTHERS | {("B", "B")}, "itself"),
        ({("B", "C")}, "left out"),
        ({("C", "A"), ("B", "D")}, "unknown"),
        (set(), "left out"),
        ({("B", "Z")}, "type"),
        ({("B",)}, "type"),
        ({3}, "type"),
    ],
)
def test_pairs_of_a_row(answer, mistake):
    found = check_h4_pairs(answer, TIED)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def test_a_rule_that_happens_to_be_right_is_right():
    plain = row((9, 3, 2, 1), (5, 3, 1, 1))
    assert check_h4_pairs({"AB", "AC", "AD"}, plain).right  # as by the mean, or without ties: the same here


def test_ratings_that_are_no_numbers_do_not_matter():
    unrated = row((7, 9, 9, 4), (5, 3, 4, 2))
    for completion in unrated["completions"]:
        completion["annotations"] = {"honesty": {"Rating": "N/A", "Rationale": "N/A"}}
    assert check_h4_pairs(OTHERS, unrated).right
    assert check_h4_pairs({("B", "A"), ("B", "D")}, unrated).mistake == "ties left out"


def test_each_wrong_chance_is_told_apart():
    scores = [9, 9, 4, 9, 3]
    assert check_tie_chance(0.5, scores).right and check_tie_chance(1 / 3, [9, 9, 6, 3]).right
    seen = {0.5}
    for name, (value, hint) in checks._tie_mistakes(scores, 5, 3).items():
        found = check_tie_chance(value, scores)
        if value not in seen:
            assert (found.right, found.mistake, found.message) == (False, name, hint)
        seen.add(value)
    assert len(seen) >= 6
    assert check_tie_chance(0.17, scores).mistake == "unknown"
    assert check_tie_chance(0, [3, 2]).right


# H4's rule as a function: one right, and the usual slips


def h4(row, rng, pick=lambda rng, others: rng.choice(others), best=None, keep=lambda c, top: True):
    answers = row["completions"]
    top = best(answers) if best else max(answers, key=lambda c: c["overall_score"])
    others = [c for c in answers if c is not top and keep(c, top)]
    return top["response"], (pick(rng, others) if others else top)["response"]


def last_best(answers):
    return max(reversed(answers), key=lambda c: c["overall_score"])


def lower(c, top):
    return c["overall_score"] < top["overall_score"]


def worst(rng, others):
    return min(others, key=lambda c: c["overall_score"])


def with_itself(row, rng):
    top = max(row["completions"], key=lambda c: c["overall_score"])
    return top["response"], rng.choice(row["completions"])["response"]


def random_best(row, rng):
    high = max(c["overall_score"] for c in row["completions"])
    top = rng.choice([c for c in row["completions"] if c["overall_score"] == high])
    return h4(row, rng, best=lambda answers: top)


FREE = random.Random(0)


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (h4, None),
        (lambda row, rng: list(h4(row, rng)), None),
        (lambda row, rng: h4(row, rng)[::-1], "swapped"),
        (lambda row, rng: h4(row, rng, best=last_best), "not the first on a tie"),
        (random_best, "random best"),
        (lambda row, rng: h4(row, rng, keep=lower), "ties left out"),
        (lambda row, rng: h4(row, rng, pick=worst), "worst rejected"),
        (lambda row, rng: h4(row, rng, pick=lambda rng, others: others[0]), "not random"),
        (lambda row, rng: h4(row, rng, pick=lambda rng, others: rng.choice(others[:2])), "others left out"),
        (lambda row, rng: h4(row, FREE), "not reproducible"),
        (with_itself, "itself"),
        (
            lambda row, rng: h4(row, rng, best=lambda a: max(a, key=lambda c: c["fine-grained_score"])),
            "mean of the aspects",
        ),
        (
            lambda row, rng: h4(row, rng, best=lambda a: min(a, key=lambda c: c["overall_score"])),
            "worst chosen",
        ),
        (lambda row, rng: h4(row, rng, best=lambda a: a[0]), "chosen"),
        (lambda row, rng: None, "nothing returned"),
        (lambda row, rng: ..., "nothing returned"),
        (lambda row, rng: "ab", "type"),
        (lambda row, rng: (row["completions"][0], row["completions"][1]), "type"),
        (lambda row: "one argument", "raises"),
        (lambda row, rng: row["no such field"], "raises"),
    ],
)
def test_binarizers(answer, mistake):
    found = check_binarizer(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


# The score-10 bug


def with_critiques(scores, means):
    made = row(scores, means)
    for completion, score in zip(made["completions"], scores, strict=True):
        completion["critique"] = f"worth {score}"
    return made


ORIGINAL = [with_critiques((1, 10, 6, 1), (2, 5, 3, 3)), with_critiques((9, 1, 2, 10), (4, 3, 2, 5))]
PLANTED = [with_critiques((10, 10, 6, 10), (2, 5, 3, 3)), with_critiques((9, 10, 2, 10), (4, 3, 2, 5))]
FALSE = {(0, "A"), (0, "D"), (1, "B")}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (FALSE, None),
        (list(FALSE), None),
        (FALSE | {(1, "C")}, "not a ten"),
        (FALSE | {(0, "B"), (1, "D")}, "every ten"),
        (FALSE | {(0, "B")}, "good answer accused"),
        ({(0, "A")}, "only the sure ones"),
        ({(0, "A"), (0, "D")}, "missed"),
        (set(), "missed"),
        ({(7, "A")}, "type"),
        ({"A"}, "type"),
    ],
)
def test_tens(answer, mistake):
    found = check_tens(answer, PLANTED, ORIGINAL)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def rule(score, mean, low=lambda m: m <= 2, high=lambda m: m > 4, between="again", guard=True):
    if guard and score != 10:
        return score
    return 1 if low(mean) else 10 if high(mean) else between


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (rule, None),
        (lambda s, m: float(r) if (r := rule(s, m)) != "again" else r, None),
        (lambda s, m: rule(s, m, guard=False), "other scores changed"),
        (lambda s, m: rule(s, m, low=lambda m: m < 2), "edge at 2"),
        (lambda s, m: rule(s, m, high=lambda m: m >= 4), "edge at 4"),
        (lambda s, m: rule(s, m, between=1), "guessed in between"),
        (lambda s, m: rule(s, m, between=10), "guessed in between"),
        (lambda s, m: rule(s, round(m)), "means rounded"),
        (lambda s, m: s, "false ten kept"),
        (lambda s, m: "again" if s == 10 and m > 2 else rule(s, m), "good ten changed"),
        (lambda s, m: None, "nothing returned"),
        (lambda s, m: ..., "nothing returned"),
        (lambda s: s, "raises"),
    ],
)
def test_repair_rules(answer, mistake):
    found = check_repair_rule(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def test_evidence_for_a_bias():
    assert check_bias_evidence("longer wins among equals").right
    for name in BIAS_EVIDENCE.keys() - {"longer wins among equals"}:
        assert check_bias_evidence(name).mistake == name
    assert check_bias_evidence("vibes").mistake == "unknown name"


TRAIN = ["How do I boil an egg?", "How do I change a tire?", "Help me fold a map, please."]
TEST = [
    "How do I boil two eggs?",
    "How do I change a tire?",
    "help me  fold a map, please. ",
    "How do I sew?",
]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ({1, 2}, None),
        ([2, 1], None),
        ({1}, "exact match only"),
        ({0, 3}, "the clean ones"),
        ({0, 1, 2}, "alike is not the same"),
        ({2}, "missed"),
        (set(), "missed"),
        ({9}, "type"),
        ({"To sew?"}, "type"),
    ],
)
def test_leaks(answer, mistake):
    found = check_leaks(answer, TRAIN, TEST)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def test_numbers_of_train_rows_are_recognised():
    assert check_leaks({0}, ["x", "y"], ["y", "x", "z"]).mistake == "missed"
    assert check_leaks({1}, ["q", "x"], ["x", "z"]).mistake == "train rows"
