"""Notebook 02's self-checks: right answers pass, and each catalogued mistake is diagnosed as itself."""

import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from pedagogy.checks import orders as checks
from pedagogy.checks.orders import (
    check_chained_prob,
    check_closure,
    check_condorcet,
    check_covers,
    check_extension_count,
    check_finite_fit,
    check_nudge,
    check_relations,
    check_undominated,
)
from pedagogy.orders import PreferenceOrder, condorcet_winner
from pedagogy.utility import fit_bradley_terry, no_finite_fit

STATED = PreferenceOrder.from_pairs([("A", "B"), ("B", "C"), ("D", "C")])
IMPLIED = {("A", "B"), ("B", "C"), ("D", "C"), ("A", "C")}

EVERY_CHECK = [
    lambda answer: check_closure(answer, STATED),
    lambda answer: check_relations(answer, {"A": (1, 2), "B": (2, 1)}, ["AB"]),
    lambda answer: check_extension_count(answer, STATED),
    lambda answer: check_condorcet(answer, [PreferenceOrder.from_ranking("ABC")]),
    lambda answer: check_undominated(answer, {"A": (1, 2), "B": (2, 1)}),
    lambda answer: check_chained_prob(answer, 0.7, 0.8),
]


@pytest.mark.parametrize("check", EVERY_CHECK)
def test_no_answer_and_the_wrong_kind_get_a_plain_word(check):
    assert check(None).mistake == "no answer"
    assert check(...).mistake == "no answer"
    assert check(True).mistake == "type"
    assert check(math.nan).mistake == "type"
    assert check([["not", "hashable"]]).mistake in {"type", "unknown element"}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (IMPLIED, None),
        (sorted(IMPLIED), None),
        (STATED.pairs, "transitivity forgotten"),
        ({(b, a) for a, b in IMPLIED}, "reversed"),
        (IMPLIED | {("A", "A")}, "reflexive"),
        (IMPLIED | {("A", "D")}, "incomparable ordered"),
        (IMPLIED | {("C", "A")}, "one reversed"),
        (IMPLIED - {("D", "C")}, "statement left out"),
        (IMPLIED | {("A", "Z")}, "unknown element"),
        ({"AB"}, "type"),
        ([("A", ["B"])], "type"),
    ],
)
def test_closure(answer, mistake):
    found = check_closure(answer, STATED)
    assert found.mistake == mistake and found.right == (mistake is None)


def test_forgotten_transitivity_is_shown_with_its_chain_even_where_that_is_long():
    chain = PreferenceOrder.from_pairs([("A", "B"), ("B", "C"), ("C", "D")])
    found = check_closure(chain.pairs | {("A", "C"), ("B", "D")}, chain)
    assert found.mistake == "transitivity forgotten" and "so A ≻ D" in found.message


SCORES = {"A": (5, 3), "B": (2, 4), "C": (4, 2), "D": (4, 2), "E": (1, 9)}


@pytest.mark.parametrize(
    ("pair", "said", "mistake"),
    [
        ("AC", ">", None),
        ("CA", "<", None),
        ("CD", "=", None),
        ("AB", "||", None),
        ("AB", "=", "incomparable as equal"),
        ("AB", ">", "sum decides"),
        ("AB", "<", "one aspect decides"),
        ("BC", ">", "one aspect decides"),
        ("CD", "||", "equal as incomparable"),
        ("CD", ">", "equal as ranked"),
        ("AC", "<", "reversed"),
        ("AC", "=", "ranked as equal"),
        ("AC", "||", "ranked as incomparable"),
        ("AC", "better", "type"),
        ("AC", None, "no answer"),
    ],
)
def test_relations(pair, said, mistake):
    assert check_relations({tuple(pair): said}, SCORES, [pair]).mistake == mistake


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ({}, "left out"),
        ({("A", "B"): "||"}, "left out"),
        ({("A", "B"): "||", ("C", "A"): "<", ("D", "C"): "="}, None),
        ({("A", "B"): "||", ("C", "A"): "<", ("D", "C"): "=", ("E", "B"): "="}, "incomparable as equal"),
        ({("A", "B"): []}, "type"),
        ({("A", "B"): ...}, "no answer"),
    ],
)
def test_each_pair_asked_for_needs_its_relation(answer, mistake):
    found = check_relations(answer, SCORES, ["AB", "AC", ("C", "D")])
    assert (found.right, found.mistake) == (mistake is None, mistake)


FORK = PreferenceOrder.from_pairs([("A", "B"), ("A", "C")], elements="ABCD")  # D was never compared


def test_each_wrong_count_is_told_apart():
    assert check_extension_count(8, FORK).right  # B and C after A in 2 ways, D in one of 4 places
    mistakes = checks._extension_mistakes(FORK)
    assert len({value for value, _ in mistakes.values()} - {8}) >= 4
    seen = {8}
    for name, (value, hint) in mistakes.items():
        if value not in seen:
            found = check_extension_count(value, FORK)
            assert (found.right, found.mistake, found.message) == (False, name, hint)
        seen.add(value)
    assert check_extension_count(7, FORK).mistake == "unknown"


VOTERS = [PreferenceOrder.from_ranking(r) for r in ["ABC"] * 3 + ["CBA"] * 2 + ["BCA"] * 2]
CYCLE = [PreferenceOrder.from_ranking(r) for r in ("ABC", "BCA", "CAB")]


@pytest.mark.parametrize(
    ("answer", "voters", "mistake"),
    [
        ("B", VOTERS, None),
        ("A", VOTERS, "most first places"),
        ("C", VOTERS, "beaten"),
        ("nobody", VOTERS, "cycle assumed"),
        ("Z", VOTERS, "unknown element"),
        (torch.tensor([1.0, 2.0]), VOTERS, "unknown element"),
        ("nobody", CYCLE, None),
        ("A", CYCLE, "most first places"),
    ],
)
def test_condorcet(answer, voters, mistake):
    assert condorcet_winner(VOTERS) == "B" and condorcet_winner(CYCLE) is None
    assert check_condorcet(answer, voters).mistake == mistake


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ({"A", "B", "E"}, None),
        (["A", "B", "E"], None),
        ({"A", "B", "C", "E"}, "dominated included"),
        ({"E"}, "best sum only"),
        ({"A", "B"}, "undominated left out"),
        (set(), "best at everything wanted"),
        ({"Z"}, "unknown element"),
        ([("A", ["B"])], "type"),
    ],
)
def test_undominated(answer, mistake):
    scores = SCORES | {"B": (3, 4)}
    assert check_undominated(answer, scores).mistake == mistake
    named = {a: dict(zip(("truth", "help"), v, strict=True)) for a, v in scores.items()}
    assert check_undominated(answer, named).mistake == mistake


def test_each_wrong_chain_is_told_apart():
    truth = 28 / 31  # odds 7/3 times 4, as a probability
    assert check_chained_prob(truth, 0.7, 0.8).right and check_chained_prob(0.9, 0.7, 0.8).right
    for name, (value, hint) in checks._chain_mistakes(0.7, 0.8, math.log(28 / 3), truth).items():
        found = check_chained_prob(value, 0.7, 0.8)
        assert (found.right, found.mistake, found.message) == (False, name, hint)
    assert check_chained_prob(0.33, 0.7, 0.8).mistake == "unknown"


@pytest.mark.parametrize("check", [check_nudge, check_covers, check_finite_fit])
@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        (3, "type"),
        (lambda *_: None, "no answer"),
        (lambda *_: 1 / 0, "error"),
        (lambda *_: "text", "type"),
    ],
)
def test_what_is_no_function_or_fails_gets_a_plain_word(check, answer, mistake):
    found = check(answer)
    assert (found.right, found.mistake) == (False, mistake) and found.message


def nudge_by(slope, number=float):
    def nudge(rewards, winner, loser, rate):
        moved = checks._nudged(rewards, winner, loser, rate, slope)
        return {a: number(r) for a, r in zip(rewards, moved, strict=True)}

    return nudge


def test_each_wrong_nudge_is_told_apart():
    assert check_nudge(nudge_by(lambda gap: 1 - expit(gap))).right
    for name, (slope, _) in checks.NUDGE_MISTAKES.items():
        assert check_nudge(nudge_by(slope)).mistake == name
    assert check_nudge(nudge_by(lambda gap: 0.0)).mistake == "unknown"
    assert check_nudge(nudge_by(lambda gap: 1 - expit(gap), np.float64)).mistake == "type"


def reduced(pairs):
    return PreferenceOrder.from_pairs(pairs).hasse().pairs  # its OrderError is a ValueError


def unless_round(function):
    return lambda pairs: set() if PreferenceOrder.from_pairs(pairs).cycle() else function(pairs)


def emptied(pairs):
    lines = reduced(pairs)
    pairs.clear()
    return lines


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (reduced, None),
        (lambda pairs: set(pairs), "nothing removed"),
        (lambda pairs: PreferenceOrder.from_pairs(pairs).closure().pairs, "closure"),
        (checks._two_step, "two steps only"),
        (lambda pairs: {(b, a) for a, b in reduced(pairs)}, "upside down"),
        (lambda pairs: {min(reduced(pairs))}, "too much removed"),
        (lambda pairs: reduced(pairs) | {("Y", "Z")}, "unknown"),
        (unless_round(reduced), "cycle drawn"),
        (emptied, "changes its input"),
        (lambda pairs: sorted(reduced(pairs)), "type"),
    ],
)
def test_covers(answer, mistake):
    found = check_covers(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


def fit_unless(refuses, prior=0.1):
    """A fit that raises ValueError where `refuses(pairs)`, and makes up what is not finite."""

    def fit(pairs):
        if refuses(pairs):
            raise ValueError("no finite fit")
        return fit_bradley_terry(pairs, prior=prior if no_finite_fit(pairs) else None).rewards

    return fit


def unbeaten(pairs):
    return {winner for winner, _ in pairs} - {loser for _, loser in pairs}


def one_sided(pairs):
    return {winner for winner, _ in pairs} != {loser for _, loser in pairs}


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (fit_unless(no_finite_fit), None),
        (fit_unless(lambda pairs: False), "never refuses"),
        (fit_unless(unbeaten), "a winless answer"),
        (fit_unless(one_sided), "a group that never loses"),
        (
            fit_unless(lambda pairs: no_finite_fit(pairs) and "D" not in dict(pairs)),
            "a group that never loses",
        ),
        (lambda pairs: {a: r + 1 for a, r in fit_bradley_terry(pairs).rewards.items()}, "mean not 0"),
        (lambda pairs: fit_bradley_terry(pairs, prior=1.0).rewards, "rewards"),
        (lambda pairs: dict.fromkeys("ABC", 0), "type"),
    ],
)
def test_finite_fit(answer, mistake):
    found = check_finite_fit(answer)
    assert found.mistake == mistake and found.right == (mistake is None) and found.message


@pytest.mark.parametrize(
    ("example", "mistake"),
    [
        (None, "no answer"),
        (3, "type"),
        ([3], "type"),
        (["AB"], "type"),
        ([("A", "A")], "type"),
        ([("A", "B"), ("B", "A")], "finite example"),
        ([("A", "B"), ("B", "C"), ("C", "B")], "easy example"),
        ([("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")], "never refuses"),  # a good one: now the function
    ],
)
def test_the_example_of_no_finite_fit_comes_first(example, mistake):
    assert check_finite_fit(fit_unless(lambda pairs: False), example).mistake == mistake
