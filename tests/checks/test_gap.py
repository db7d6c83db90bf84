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


@pytest.mark.parametrize("function", [
    lambda a, b: a.sum() - b.sum(), lambda a, b: sum(a.tolist()) - math.fsum(b),
    lambda a, b: float(np.asarray(a).sum() - np.asarray(b).sum()),
])  # fmt: skip
def test_a_function_is_tried(function):
    assert check_gap(function).right and check_gap(function, CHOSEN, REJECTED).right


def test_a_function_that_raises_is_told_where():
    found = check_gap(lambda a: a.sum())
    assert found.mistake == "error" and "2 inputs" in found.hint


def test_an_integer_gap_is_right():
    assert check_gap(-2, scored(-3.0, -1.0), scored(-1.0, -1.0)).right


def test_each_mistake_is_told_apart():
    mistakes = _gap_mistakes(CHOSEN, REJECTED)
    assert len(mistakes) >= 8
    for name, mistake in mistakes.items():
        found = check_gap(mistake.value, CHOSEN, REJECTED)
        assert (found.right, found.mistake) == (False, name) and mistake.why in found.message
        made_up = check_gap(lambda a, b, name=name: _gap_mistakes(a, b)[name].value)
        assert (made_up.right, made_up.mistake) == (False, name)


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
