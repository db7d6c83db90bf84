"""A prediction stands once it is revealed; what agrees agrees in type; each property earns its own points."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pedagogy import exercises
from pedagogy.exercises import agrees, commit, mark, reveal


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(exercises, "_committed", {})
    monkeypatch.setattr(exercises, "_revealed", set())


class Evil(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


def test_a_prediction_is_revealed_as_committed(capsys):
    commit("longer wins", "no", among=["yes", "no"])
    assert capsys.readouterr().out == "Committed longer wins: no.\n"
    assert reveal("longer wins") == "no"


def test_run_all_works_twice_but_nobody_changes_a_revealed_answer():
    commit("q", 0.5)
    commit("q", 0.7)  # not yet revealed
    reveal("q")
    commit("q", 0.7)
    with pytest.raises(RuntimeError, match="0.7"):
        commit("q", 0.5)
    assert reveal("q") == 0.7


@pytest.mark.parametrize("answer", [None, ...])
def test_no_answer_is_not_committed(answer):
    with pytest.raises(ValueError, match="no answer yet"):
        commit("q", answer)
    with pytest.raises(RuntimeError, match=r"commit\('q'"):
        reveal("q")


@pytest.mark.parametrize("answer", ["c", True, 1.0, "A"])
def test_only_a_choice_is_committed(answer):
    with pytest.raises(ValueError, match="not among 'a', 1"):
        commit("q", answer, among=["a", 1])


SAME = [
    1, 1.5, True, None, "a", "", b"a", 1 + 2j, math.inf, -math.inf, [1, 2.0], (1, [2.0, {"a": 3}]), {1, 2},
    set(), frozenset("ab"), {"a": [1.0], 2: None}, np.float64(1.5), np.int64(2), np.array([1.5, math.inf]),
    np.array(["a"]), torch.tensor([1.5, -math.inf]), torch.tensor(3), torch.zeros(0), torch.tensor([True]),
    torch.ones(2, dtype=torch.bfloat16), torch.ones(2, requires_grad=True),
]  # fmt: skip


@pytest.mark.parametrize("one", range(len(SAME)))
@pytest.mark.parametrize("other", range(len(SAME)))
def test_each_agrees_with_itself_and_no_other(one, other):
    assert agrees(SAME[one], SAME[other]) is (one == other)


@pytest.mark.parametrize("value, expected", [
    (True, 1), (1, 1.0), (1.0, 1), (np.float64(1), 1.0), (1.0, np.float64(1)), (Evil(2), 1.0), (Evil(1), 1.0),
    ([1.0], (1.0,)), ([1, 2], [1, 2, 3]), ([1, 2, 3], [1, 2]), ({True}, {1}),
    ({True: 0}, {1: 0}), ({1: 0}, {1: False}),
    (torch.ones(2), torch.ones(2, dtype=torch.float64)), (torch.ones(1, 2), torch.ones(2)),
    (torch.ones(2), [1.0, 1.0]),
    (torch.nn.Parameter(torch.ones(2)), torch.ones(2)), (np.ones(2), torch.ones(2)),
    (np.ones(2), np.ones(2, "f4")),
    (np.ones((1, 2)), np.ones(2)), (math.nan, math.nan), ([math.nan], [math.nan]),
    (torch.tensor(math.nan),) * 2,
    (np.array([1, math.nan]),) * 2, (math.inf, -math.inf), (math.inf, 1.0), (1.0, math.inf), (1.0, math.nan),
    (torch.tensor([math.inf]), torch.tensor([1.0])), (torch.tensor([1.0]), torch.tensor([math.inf])),
    ("1", 1),
])  # fmt: skip
def test_another_type_shape_or_value_does_not_agree(value, expected):
    assert agrees(value, expected) is False


@given(st.floats(-1e6, 1e6), st.floats(0, 2))
def test_the_tolerance_is_absolute_or_relative(expected, share):
    value = expected + share * 1e-3 * max(1.0, abs(expected))
    if abs(share - 1) > 1e-4:
        assert agrees(value, expected, tol=1e-3) is (share < 1)
        double = (
            torch.tensor([value, 0.0], dtype=torch.float64),
            torch.tensor([expected, 0.0], dtype=torch.float64),
        )
        assert agrees(*double, tol=1e-3) is (share < 1)


def test_each_property_loses_its_own_points_only(capsys):
    def raises():
        raise TypeError("sum() of <nothing>\nand more")

    def leaves():
        raise SystemExit(0)

    points = mark(
        (2, "sums", lambda: True),
        (1.5, "keeps its input.", lambda: False),
        (1, "raises", raises),
        (1, "leaves", leaves),
    )
    assert type(points) is float and points == 2.0
    assert capsys.readouterr().out.splitlines() == [
        "✓ 2 of 2: sums.", "✗ 0 of 1.5: keeps its input.",
        "✗ 0 of 1: raises. Raised TypeError: sum() of <nothing>",
        "✗ 0 of 1: leaves. Raised SystemExit: 0",
    ]  # fmt: skip


def test_an_answer_with_its_own_truth_earns_nothing():
    assert (
        mark((1, "equal", lambda: Evil(1) == 2), (1, "true", lambda: Evil(1)), (1, "np", lambda: np.True_))
        == 1.0
    )


def test_an_error_without_a_message_is_a_line_too(capsys):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    def raises():
        raise Silent

    assert mark((1, "runs", raises)) == 0.0
    assert "Silent: (no message)" in capsys.readouterr().out


def test_a_time_limit_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mark((1, "ends", interrupted))


@pytest.mark.parametrize("wrong, error", [
    ((1, "asks", True), TypeError), ((1, abs, abs), TypeError), (("1", "asks", abs), ValueError),
    ((0, "asks", abs), ValueError), ((math.nan, "asks", abs), ValueError),
])  # fmt: skip
def test_what_is_no_property_is_the_course_s_own_mistake(wrong, error):
    with pytest.raises(error):
        mark(wrong)


def test_the_report_reads_the_lines_and_html_is_escaped():
    line = exercises._Line(0.0, 2.0, "sums, not <b>", "Raised TypeError: no")
    bundle = exercises._Marks([line])._repr_mimebundle_()
    assert json.loads(json.dumps(bundle[exercises.MARKS]))["lines"] == [
        {"earned": 0.0, "points": 2.0, "asks": "sums, not <b>", "raised": "Raised TypeError: no"}
    ]
    assert "&lt;b&gt;" in bundle["text/html"] and "<b>" not in bundle["text/html"]
