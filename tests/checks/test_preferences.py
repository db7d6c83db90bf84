"""Notebook 01's checks: right answers pass, every catalogued mistake is told apart, nothing raises."""

import math

import pytest

from pedagogy.checks.preferences import (
    RL_PARTS,
    check_gamble,
    check_monotone,
    check_open_pairs,
    check_rl_part,
    check_triple,
)
from pedagogy.orders import PreferenceOrder

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
