"""A check never raises, whatever it is given: an odd answer is wrong, and the finding says so."""

import math
from itertools import cycle

import numpy as np
import pytest
import torch

import pedagogy as pg
from pedagogy import checks
from pedagogy.checks.feedback import _row
from pedagogy.checks.finding import Finding
from pedagogy.orders import PreferenceOrder
from pedagogy.policy import Score

ORDER = PreferenceOrder.from_pairs([("A", "B"), ("B", "C"), ("A", "D")])
ROW = _row((4, 9, 9, 2), (2, 3, 5, 1))
SCORES = {"A": (1, 2), "B": (2, 1), "C": (0, 0)}
SCORE = Score(["t"] * 3, [5, 6, 7], np.array([-1.5, -0.25, -2.0]))
GIVEN = {  # what notebooks give after the answer, where a check cannot do without
    "gap": (SCORE, Score(["t"] * 2, [5, 6], np.array([-1.0, -0.5]))),
    "log_ratio_gap": ([-1.5, -0.25], [-3.0, -0.5], [-1.0, -0.75], [-2.0, -0.25]),
    "gamble": (PreferenceOrder.from_ranking("ABC"),),
    "monotone": ({"exp r": math.exp, "−r": lambda r: -r}, {"A": 2.0, "B": 0.5}),
    "triple": (ROW | {"instruction": "How?"},),
    "open_pairs": ({"A": 1.0, "B": 1.0, "C": 3.0, "D": 3.0},),
    "responses": (4, 3),
    "credit": ([1.0, 3.0, 4.0], 7.0),
    "closure": (ORDER,),
    "relations": (SCORES, ["AB", "AC"]),
    "extension_count": (ORDER,),
    "condorcet": ([PreferenceOrder.from_ranking("ABC")],),
    "undominated": (SCORES,),
    "chained_prob": (0.7, 0.8),
    "h4_pairs": (ROW,),
    "tie_chance": ([9, 9, 4, 3],),
    "tens": ([ROW], [_row((4, 9, 1, 2), (2, 3, 5, 1))]),
    "leaks": (["a", "b", "c"], ["b", "z", "C"]),
    "ceiling": ([(3.0, 1.0), (2.0, 2.0), (1.0, 5.0)],),
}
MORE = {  # and where it could do without
    "pair_weight": (-0.4, 0.8, 0.1),
    "dpo_loss": (SCORE, SCORE, SCORE, SCORE, 0.1),
    "sequence_logprobs": (torch.zeros(1, 3, 5), torch.tensor([[1, 2, 3]]), torch.tensor([[0, 1, 1]])),
    "response_mask": ([1, 2], [3, 3]),
    "perplexity": (SCORE,),
    "temperature": (torch.zeros(2, 3), 0.5),
    "within_prompts": (([2.0, 0.0], [1.0, -1.0], [0.0, 100.0]),),
    "finite_fit": ([("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")],),
    "remembered": ([("How?", "First,"), ("Why?", "First,")],),
}
CALLS = [(name, GIVEN.get(name, ())) for name in checks._HOME] + list(MORE.items())

ODD = [
    None, ..., True, 99, -1, 1.2345, 10**400, float("nan"), float("inf"), 1j, "x", b"x", object(), len,
    [], (), {}, set(), [None], [float("nan")] * 5, ["A", "A"], [["a"]], [[1], [2]], [[1, 2], [3]], [{}],
    ({}, {}), ([], []), (1, 2), ("a", "b"), {"A": None}, {"A": "x"}, {"mean": 1}, [("A", "Z")], {("A", "Z")},
    [(1,)], [("A", ["B"])], {("A", "B"): []}, {("A", "B"): np.ones(2)}, [torch.tensor(9.5)], [np.array(9.5)],
    {"state": np.array([1, 2]), "action": torch.ones(2), "steps": []}, ["How?", np.ones(2), torch.ones(2)],
    np.array(3.5), np.ones(2), (np.array([1, 2]), np.array([3, 4])), np.array("x"), np.array([{}, None]),
    torch.tensor(2.5), torch.tensor(True), torch.tensor([1.0, 2.0]), torch.tensor([True]),
]  # fmt: skip


def giving(value):
    return lambda *_: value


TURN = cycle((True, False))
FUNCTIONS = [*map(giving, ODD), lambda *given: given, lambda *given: given[0] if next(TURN) else None]
EVERY = pytest.mark.parametrize(("name", "given"), CALLS, ids=[name for name, _ in CALLS])


@EVERY
def test_odd_answers_and_functions_that_give_them(name, given):
    for answer in (*ODD, *FUNCTIONS):
        found = checks.check(name, answer, *given)
        assert not found.right and found.mistake and found.message
        assert "cannot be compared" not in found.message  # the last resort is for what nobody thought of
        assert found._repr_html_() and repr(found)


class Hostile(list):
    """Whatever is asked of it fails."""

    def fail(self, *_):
        raise RuntimeError("no")

    __eq__ = __ne__ = __bool__ = __iter__ = __len__ = __getitem__ = __call__ = __repr__ = __str__ = fail
    __float__ = __hash__ = __array__ = __contains__ = fail


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no words")

    __repr__ = __str__


def unspeakable(*_):
    raise Unspeakable


@EVERY
def test_what_nobody_thinks_of_gets_a_finding_too(name, given):
    for answer in (Hostile(), Hostile, 10**5000, giving(Hostile()), giving(10**5000), unspeakable):
        for check in (getattr(checks, f"check_{name}"), getattr(pg, f"check_{name}")):
            found = check(answer, *given)
            assert isinstance(found, Finding) and not found.right and found.mistake and repr(found)


def test_the_last_resort_says_what_was_given_and_what_went_wrong():
    found = checks.check("closure", Hostile(), ORDER)
    assert found.mistake == "type" and "of type Hostile" in found.message and "RuntimeError" in found.message


@pytest.mark.parametrize("name", GIVEN)
def test_a_call_without_what_belongs_after_the_answer_is_an_error(name):
    if name == "gap":  # a function needs nothing: it is tried on what is made up
        assert checks.check("gap", 1.2).mistake == checks.check("gap", sum, SCORE).mistake == "type"
        return
    for answer in (1.2, {"A"}, sum):
        with pytest.raises(TypeError, match="argument"):
            checks.check(name, answer)


@pytest.mark.parametrize("name", [name for name in MORE if len(MORE[name]) > 1])
def test_a_call_with_too_little_after_the_answer_is_an_error(name):
    with pytest.raises(TypeError, match="after the answer give"):
        checks.check(name, 1.2, *MORE[name][:-1])


def test_what_belongs_after_the_answer_may_be_named():
    assert pg.check_chained_prob(28 / 31, p=0.7, q=0.8).right


@pytest.mark.parametrize("number", [torch.tensor, np.array, np.float32, lambda x: torch.tensor(x).double()])
@pytest.mark.parametrize(
    ("name", "answer", "given"),
    [
        ("chained_prob", 28 / 31, (0.7, 0.8)),
        ("tie_chance", 1 / 3, ([9, 9, 4, 3],)),
        ("responses", 13.0, (4, 3)),
        ("extension_count", 8.0, (PreferenceOrder.from_pairs([("A", "B"), ("A", "C")], elements="ABCD"),)),
        ("underflow", 149.0, ()),
        ("gap", -2.25, GIVEN["gap"]),
        ("log_ratio_gap", 1.25, GIVEN["log_ratio_gap"]),
        ("perplexity", 3.4903, (SCORE,)),
        ("ceiling", 0.5, GIVEN["ceiling"]),
    ],
)
def test_a_number_may_be_a_tensor_or_an_array_without_dimensions(name, answer, given, number):
    assert checks.check(name, number(answer), *given).right


def test_numbers_within_an_answer_and_from_a_function_may_be_so_too():
    best, middle, worst = (torch.tensor(3.0), np.array(2.5), np.float32(1))
    assert pg.check_gamble({"A": best, "B": middle, "C": worst}, *GIVEN["gamble"]).right
    assert pg.check_gap(lambda plus, minus: np.array(float(plus.sum() - minus.sum()))).right
    assert pg.check_leaks({torch.tensor(0), np.int64(2)}, ["a", "b", "c"], ["b", "z", "C"]).right

    def repaired(score, mean):
        return torch.tensor(1 if mean <= 2 else 10) if score == 10 and not 2 < mean <= 4 else "again"

    assert pg.check_repair_rule(lambda score, mean: repaired(score, mean) if score == 10 else score).right


def test_a_count_that_no_float_can_hold_is_compared_exactly():
    count = sum(999 ** (k - 1) for k in range(1, 201))
    assert checks.check("responses", count, 1000, 200).right
    assert checks.check("responses", 999**199, 1000, 200).mistake == "one length only"
