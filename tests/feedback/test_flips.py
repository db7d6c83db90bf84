"""Comparing two binarisations: each kind of difference is counted as itself."""

import pytest

from pedagogy.feedback.flips import compare_pairs


def pairs(**texts):
    """prompt="yn": chosen y, rejected n."""
    return [
        {"prompt": p, "prompt_id": None, "chosen": [{"content": y}], "rejected": [{"content": n}]}
        for p, (y, n) in texts.items()
    ]


def test_each_difference_is_counted_as_itself():
    first = pairs(a="12", b="12", c="12", d="12", e="12", f="12")
    second = pairs(a="12", b="13", c="32", d="21", e="31", g="12")
    assert compare_pairs(first, second) == {
        "same pair": 1, "another rejected": 1, "another chosen": 2, "turned round": 1, "in one only": 2
    }  # fmt: skip


def test_it_does_not_depend_on_the_order_of_rows_or_on_which_comes_first():
    first, second = pairs(a="12", b="12", c="34"), pairs(c="43", b="12", a="14")
    assert compare_pairs(first, second) == compare_pairs(second[::-1], first)
    assert compare_pairs(first, first)["same pair"] == 3
    assert sum(compare_pairs([], []).values()) == 0


def test_several_pairs_of_a_prompt_cannot_be_compared():
    with pytest.raises(ValueError, match="second set has several pairs of the prompt 'a'"):
        compare_pairs(pairs(a="12"), [*pairs(a="12"), *pairs(a="13")])
