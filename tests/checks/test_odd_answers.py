"""A check never raises, whatever it is given: an odd answer is wrong, and the finding says so."""

import inspect
from itertools import cycle

import numpy as np
import pytest
import torch

import pedagogy.checks as checks

ODD = [
    None, ..., True, 3, -1, float("nan"), float("inf"), 1j, "x", b"x", object(), len,
    [], (), {}, set(), [None], [float("nan")] * 5, ["A", "A"], [[1], [2]], [[1, 2], [3]], [{}],
    ({}, {}), ([], []), (1, 2), ("a", "b"), {"A": None}, {"A": "x"}, {"mean": 1}, [("A", "B")], {("A", "B")},
    [(1,)], np.array(3.0), np.ones(2), (np.array([1, 2]), np.array([3, 4])), torch.tensor(2.0), torch.ones(2),
]  # fmt: skip


def alone(name: str) -> bool:
    """Whether the check takes an answer and nothing else."""
    check = getattr(checks, f"check_{name}")
    _, *given = inspect.signature(check).parameters.values()
    return not any(one.default is one.empty and one.kind is not one.VAR_POSITIONAL for one in given)


def giving(value):
    return lambda *_: value


TURN = cycle((True, False))
FUNCTIONS = [*map(giving, ODD), lambda *given: given, lambda *given: given[0] if next(TURN) else None]


@pytest.mark.parametrize("name", [name for name in checks._HOME if name != "gap" and alone(name)])
def test_odd_answers_and_functions_that_give_them(name):
    for answer in (*ODD, *FUNCTIONS):
        found = checks.check(name, answer)
        assert not found.right and found.mistake and found.message
        assert found._repr_html_() and repr(found)
