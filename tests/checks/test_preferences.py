"""Notebook 01's checks: right answers pass, every catalogued mistake is told apart, nothing raises."""

import math

import numpy as np
import pytest

from pedagogy.checks.preferences import (
    PROMPT_REWARDS,
    RL_PARTS,
    WEAK_MISTAKES,
    _agreements,
    check_gamble,
    check_monotone,
    check_open_pairs,
    check_reward_for,
    check_rl_part,
    check_triple,
    check_weak_relation,
    check_within_prompts,
)
from pedagogy.orders import PreferenceOrder
from pedagogy.utility import find_utility

FLAVOURS = PreferenceOrder.from_ranking(["chocolate", "vanilla", "strawberry"])


def flavours(*rewards):
    return dict(zip(FLAVOURS.elements, rewards, strict=False))


@pytest.mark.parametrize("rewards", [(3, 2.5, 1), (1, 0.9, -50), (0, -1, -7)])
def test_a_gamble_that_is_declined(rewards):
    assert check_gamble(flavours(*rewards), FLAVOURS).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ([3, 2, 1], "type"),
        (flavours(3, "2", 1), "type"),
        (flavours(3, math.nan, 1), "type"),
        (flavours(3, 2), "missing"),
        (flavours(1, 2, 3), "order"),
        (flavours(3, 3, 1), "order"),
        (flavours(30, 20, 10), "only shifted or rescaled"),
        (flavours(103, 102, 101), "only shifted or rescaled"),
        (flavours(9, 2, 1), "wrong side"),
    ],
)
def test_gamble_mistakes(answer, mistake):
    found = check_gamble(answer, FLAVOURS)
    assert not found.right and found.mistake == mistake and found.message


REWARDS = {"A": 2.0, "B": 0.4, "C": 0.0, "D": -1.0}
FUNCTIONS = {"2r + 5": lambda r: 2 * r + 5, "−r": lambda r: -r, "r²": lambda r: r * r,
             "exp r": math.exp, "round r": round}  # fmt: skip


@pytest.mark.parametrize("answer", [{"2r + 5", "exp r"}, ["exp r", "2r + 5"]])
def test_increasing_functions(answer):
    assert check_monotone(answer, FUNCTIONS, REWARDS).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ({"log r"}, "unknown name"),
        (1.0, "type"),
        (True, "type"),
        (..., "no answer"),
        (math.exp, "type"),
        (np.array(1.0), "type"),
        ([["a"]], "type"),
        ("2r + 5", "linear only"),
        (set(), "linear only"),
        ({"2r + 5", "exp r", "−r"}, "turned round"),
        ({"2r + 5", "exp r", "r²"}, "turned round"),
        ({"2r + 5", "exp r", "round r"}, "merged"),
    ],
)
def test_monotone_mistakes(answer, mistake):
    found = check_monotone(answer, FUNCTIONS, REWARDS)
    assert not found.right and found.mistake == mistake and found.message


ROW = {
    "instruction": "q",
    "completions": [{"response": r, "overall_score": s} for r, s in (("good", 9), ("poor", 3), ("bad", 3))],
}


@pytest.mark.parametrize("answer", [("q", "good", "poor"), ["q", "good", "bad"]])
def test_a_triple(answer):
    assert check_triple(answer, ROW).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ("abc", "type"),
        (("q", "good"), "type"),
        (("good", "q", "poor"), "prompt"),
        (("q", "q good", "poor"), "not an answer"),
        (("q", 3, "poor"), "not an answer"),
        (("q", ["good"], "poor"), "not an answer"),
        (("q", "good", "good"), "same"),
        (("q", "poor", "bad"), "tie"),
        (("q", "poor", "good"), "swapped"),
    ],
)
def test_triple_mistakes(answer, mistake):
    found = check_triple(answer, ROW)
    assert not found.right and found.mistake == mistake and found.message


TIED = {"A": 7, "B": 4, "C": 7, "D": 4, "E": 7}
OPEN = {("A", "C"), ("A", "E"), ("C", "E"), ("B", "D")}


@pytest.mark.parametrize("answer", [OPEN, [pair[::-1] for pair in OPEN], ["AC", "AE", "CE", "BD"]])
def test_ties(answer):
    assert check_open_pairs(answer, TIED).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        (3, "type"),
        ([3], "type"),
        ([("A", "Z")], "type"),
        (set(), "total order"),
        (OPEN | {("A", "A")}, "itself"),
        (OPEN | {("A", "B")}, "comparable"),
        (OPEN - {("C", "E")}, "ties are transitive"),
        (OPEN - {("B", "D")}, "missed"),
    ],
)
def test_tie_mistakes(answer, mistake):
    found = check_open_pairs(answer, TIED)
    assert not found.right and found.mistake == mistake and found.message


def test_no_ties_is_right_where_there_are_none():
    assert check_open_pairs(set(), {"A": 2, "B": 1}).right


def test_the_part_that_is_rl():
    assert check_rl_part("objective").right
    for part in RL_PARTS.keys() - {"objective"}:
        assert check_rl_part(part).mistake == part
    assert check_rl_part(None).mistake == "no answer"
    assert {check_rl_part(answer).mistake for answer in ("policy", ["loss"])} == {"unknown name"}


FUNCTION_CHECKS = [check_weak_relation, check_reward_for, check_within_prompts]


@pytest.mark.parametrize("check", FUNCTION_CHECKS)
@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        (..., "no answer"),
        (3, "type"),
        (lambda *_: None, "no answer"),
        (lambda: 0, "error"),
        (lambda *_: 1 / 0, "error"),
        (lambda *_: "text", "type"),
    ],
)
def test_what_is_no_function_or_fails_gets_a_plain_word(check, answer, mistake):
    found = check(answer)
    assert (found.right, found.mistake) == (False, mistake) and found.message


def relation(holds):
    return lambda rewards: {(a, b) for a in rewards for b in rewards if holds(a, b, rewards[a], rewards[b])}


def test_at_least_as_good():
    assert check_weak_relation(relation(lambda a, b, r, s: r >= s)).right
    for name, (holds, _) in WEAK_MISTAKES.items():
        assert check_weak_relation(relation(holds)).mistake == name
    assert check_weak_relation(lambda rewards: set()).mistake == "unknown"
    assert check_weak_relation(lambda rewards: [("A", "A")]).mistake == "type"


def test_a_right_answer_that_changes_its_input_is_told():
    def emptying(rewards):
        pairs = relation(lambda a, b, r, s: r >= s)(rewards)
        rewards.clear()
        return pairs

    assert check_weak_relation(emptying).mistake == "changes its input"


def by_library(elements, better):
    found = find_utility(PreferenceOrder.from_pairs(better, elements))
    return found if isinstance(found, dict) else None


def counted(elements, better):
    return {a: float(sum((a, b) in better for b in elements)) for a in elements}


def ranked(elements, better):
    ranking = next(PreferenceOrder.from_pairs(better, elements).linear_extensions())
    return {a: -float(i) for i, a in enumerate(ranking)}


def total_only(elements, better):
    return counted(elements, better) if 2 * len(better) == len(elements) * (len(elements) - 1) else None


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (by_library, None),
        (counted, "rewards where there are none"),
        (ranked, "a linear extension"),
        (total_only, "total order wanted"),
        (lambda e, b: {a: -r for a, r in counted(e, b).items()}, "turned round"),
        (lambda e, b: dict.fromkeys(e, 0.0), "order"),
        (lambda e, b: {a: int(r) for a, r in counted(e, b).items()}, "type"),
        (lambda e, b: {a: r for a, r in counted(e, b).items() if a != "A"}, "missing"),
        (lambda e, b: by_library(e, b) or "none", "rewards where there are none"),
    ],
)
def test_reward_for(answer, mistake):
    found = check_reward_for(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def as_wrong_as(name):
    """A function that makes this mistake."""
    return lambda chosen, rejected: _agreements(chosen, rejected)[name].value


SHOWS = ([1.0, 1.0], [0.0, 0.0], [0.0, 10.0])


def test_agreement_within_prompts():
    for name in _agreements(*PROMPT_REWARDS[0]):
        found = check_within_prompts(as_wrong_as(name), SHOWS)
        assert found.mistake == (None if name == "right" else name)
    assert check_within_prompts(lambda c, r: 0.3).mistake == "unknown"
    assert check_within_prompts(lambda c, r: np.float64(0.3)).mistake == "type"


@pytest.mark.parametrize(
    ("example", "mistake"),
    [
        (None, "no answer"),
        (3, "type"),
        ("abc", "type"),
        (([1.0], [0.0]), "type"),
        (([1.0], [0.0], [0.0, 1.0]), "type"),
        (([], [], []), "type"),
        (([1.0], [None], [0.0]), "type"),
        (([1.0], [0.0], [9.0]), "example shows nothing"),
        (([1.0, 3.0], [0.0, 2.0], [9.0, 9.0]), "example shows nothing"),
    ],
)
def test_the_example_comes_first_and_does_not_give_the_bug_away(example, mistake):
    assert check_within_prompts(as_wrong_as("across prompts"), example).mistake == mistake
