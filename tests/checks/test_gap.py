"""Every catalogued mistake is diagnosed as itself; right answers pass in any numeric type."""

import math

import numpy as np
import pytest

from pedagogy.checks.logprobs import _gap_mistakes, check_gap
from pedagogy.policy import Score


def scored(*logprobs):
    n = len(logprobs)
    return Score(["t"] * n, list(range(n)), np.array(logprobs, dtype=np.float32))


CHOSEN, REJECTED = scored(-1.5, -0.25, -2.0, -0.75), scored(-3.0, -0.5, -0.125)
GAP = -4.5 + 3.625


@pytest.mark.parametrize("answer", [GAP, np.float32(GAP), np.float64(GAP), round(GAP, 2)])
def test_the_gap_is_right(answer):
    assert check_gap(answer, CHOSEN, REJECTED).right


def test_an_integer_gap_is_right():
    assert check_gap(-2, scored(-3.0, -1.0), scored(-1.0, -1.0)).right


def test_each_mistake_is_told_apart():
    mistakes = _gap_mistakes(CHOSEN, REJECTED)
    assert len(mistakes) == 8
    for name, (value, hint) in mistakes.items():
        found = check_gap(value, CHOSEN, REJECTED)
        assert (found.right, found.mistake, found.message) == (False, name, hint)


def test_mistakes_by_hand():
    assert check_gap(-4.5 / 4 + 3.625 / 3, CHOSEN, REJECTED).mistake == "mean for sum"
    assert check_gap((-1.5 - 0.25 - 2.0) - (-3.0 - 0.5), CHOSEN, REJECTED).mistake == "EOS dropped"


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [(None, "no answer"), ("−0.9", "type"), (True, "type"), (math.nan, "type"), (99, "unknown")],
)
def test_other_answers_get_a_plain_word(answer, mistake):
    found = check_gap(answer, CHOSEN, REJECTED)
    assert not found.right and found.mistake == mistake and found.message
