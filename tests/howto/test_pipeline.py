"""The pipeline: what each stage adds, that a choice changes its stage alone, and what each knob does."""

import copy
import random
from dataclasses import replace
from statistics import mean

import pytest

from pedagogy.feedback.schemas import RAW, find_problems
from pedagogy.feedback.validation import validate
from pedagogy.howto import pipeline
from pedagogy.howto.annotator import Annotator
from pedagogy.howto.assistants import ASSISTANTS, Assistant, Habits
from pedagogy.howto.build import rows as built_rows
from pedagogy.howto.judge import judge, read_prompt
from pedagogy.howto.pipeline import (
    COMPLETION,
    PRINCIPLES,
    annotate,
    ask,
    plant_tens,
    rate,
    review,
    sample_answers,
    sample_prompts,
    utilities,
)
from pedagogy.howto.prompts import is_held_out, unseen_tasks
from pedagogy.howto.voices import load_voices

REVERSED = (3, 2, 1, 0)
CALM = Annotator(noise=0, length_bias=0)


@pytest.fixture(scope="module")
def answers():
    return sample_answers(sample_prompts(25, seed=5), seed=5)


def column(rows, field):
    return [[completion[field] for completion in row["completions"]] for row in rows]


def overall(rows):
    return column(rows, "overall_score")


# Stage by stage


def test_stages_fill_in_a_raw_row(answers):
    prompts = sample_prompts(25, seed=5)
    assert all(row["models"] == row["completions"] == [] for row in prompts)
    filled = {"custom_system_prompt", "model", "principle", "response"}
    for rows, fields in (
        (answers, filled),
        (rate(answers), filled | {"annotations", "fine-grained_score"}),
        (review(answers), filled | {"critique", "overall_score"}),
        (annotate(answers), set(COMPLETION)),
    ):
        for row in rows:
            assert list(find_problems(row, RAW)) == []
            for completion in row["completions"]:
                assert {name for name, value in completion.items() if value is not None} == fields
    assert not validate(annotate(answers))


def test_the_bundled_rows_have_the_same_fields_in_the_same_order(answers):
    bundled, ours = next(built_rows("test", 1, seed=0)), annotate(answers)[0]
    assert list(bundled) == list(ours)
    assert list(bundled["completions"][0]) == list(ours["completions"][0])


@pytest.mark.parametrize("stage", [sample_answers, rate, review, lambda rows: plant_tens(annotate(rows))])
def test_a_stage_leaves_the_rows_it_is_given_alone(stage, answers):
    rows = answers[:5]
    before = copy.deepcopy(rows)
    stage(rows)
    assert rows == before


def test_the_two_passes_can_be_run_in_either_order_and_a_row_can_be_run_alone(answers):
    both = annotate(answers)
    assert both == rate(review(answers)) == review(rate(answers))
    assert both[7] == annotate([answers[7]])[0]


def test_the_same_seed_gives_the_same_and_another_something_else(answers):
    assert sample_prompts(9) == sample_prompts(9) != sample_prompts(9, seed=1)
    assert sample_answers(answers, seed=5) == answers != sample_answers(answers, seed=6)
    assert annotate(answers) == annotate(answers) != annotate(answers, seed=1)


# Stage 1


@pytest.mark.parametrize("split", ["train", "test", "test_unseen"])
def test_prompts_keep_to_their_split(split):
    for row in sample_prompts(15, split=split):
        case = read_prompt(row["instruction"]).case
        assert is_held_out(case) == (split == "test")
        assert (case.task.id in unseen_tasks()) == (split == "test_unseen")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_of_prompts(share):
    rows = sample_prompts(20, myth=share, plain=share, family=share)
    asked = [read_prompt(row["instruction"]) for row in rows]
    assert {row["incorrect_answers"] != ["None"] for row in rows} == {request.has_myth for request in asked}
    assert {request.has_myth for request in asked} == {bool(share)}
    assert {request.case.task.is_family for request in asked} == {bool(share)}
    assert len({row["instruction"] for row in rows}) == 20


def test_prompts_that_are_not_there():
    with pytest.raises(ValueError, match="names no task"):
        ask("What is the capital of France?")
    with pytest.raises(ValueError, match="distinct prompts"):
        sample_prompts(250, split="test_unseen", family=0, plain=1, myth=0)
    with pytest.raises(ValueError, match="no split 'Train'"):  # it would mix in tasks of test_unseen
        sample_prompts(3, split="Train")
    with pytest.raises(ValueError, match="share of 2"):
        sample_prompts(3, family=2)
    with pytest.raises(ValueError, match="no principles"):
        sample_answers(sample_prompts(1), principles=[])
    assert sample_prompts(0) == []


# Stage 2


def test_four_different_assistants_answer():
    for row in sample_answers(sample_prompts(20)):
        assert (
            len(row["models"]) == 4 == len(set(row["models"])) and len(set(column([row], "response")[0])) == 4
        )
        for completion in row["completions"]:
            bank = load_voices()["principles"][completion["principle"]]
            assert completion["custom_system_prompt"] in bank


def test_other_assistants_and_other_principles():
    prompts = sample_prompts(6)
    names = ["sim-oracle", "sim-shrug"]
    mine = Assistant("mine", "plain", "prose", Habits(evade=1.0))
    rows = sample_answers(prompts, assistants=[*names, mine], principles=["honesty"], n=3)
    assert all(row["models"] == [*names, "mine"] for row in rows)
    assert {c["principle"] for row in rows for c in row["completions"]} == {"honesty"}
    assert all("evasive" in judge(r["instruction"], r["completions"][2]["response"]).kinds for r in rows)


def test_the_principle_of_honesty_makes_fewer_boasts():
    prompts = sample_prompts(60, seed=2)

    def boasts(principle):
        rows = sample_answers(prompts, assistants=["sim-oracle"], principles=[principle], n=1)
        said = [judge(row["instruction"], row["completions"][0]["response"]) for row in rows]
        return sum(verdict.count("boast") + verdict.count("invention") for verdict in said)

    assert boasts("honesty") < 0.75 * boasts("helpfulness")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"assistants": ["sim-nobody", "sim-shrug"], "n": 2}, "no assistant 'sim-nobody'"),
        ({"assistants": ["sim-shrug"]}, "1 assistants cannot give 4"),
        ({"principles": ["kindness"]}, "no principle 'kindness'"),
    ],
)
def test_impossible_answers(choice, message):
    with pytest.raises(ValueError, match=message):
        sample_answers(sample_prompts(1), **choice)


# Stages 3 and 4: each knob, alone


def test_without_knobs_the_truth_is_said(answers):
    rows = annotate(answers, CALM)
    assert overall(rows) == [[round(u) for u in utilities(row)] for row in rows]
    assert rate(answers, CALM) == rate(answers, CALM, shown=REVERSED)


@pytest.mark.parametrize("knob", [{"length_bias": 3.0}, {"self_preference": 3.0}, {"position_bias": 3.0}])
def test_a_knob_leaves_the_slips_as_they_are(answers, knob):
    """Where a knob moves nothing, the very same score comes out: the noise is the same."""
    plain, turned = Annotator(length_bias=0), replace(Annotator(length_bias=0), **knob)
    before, after = overall(annotate(answers, plain)), overall(annotate(answers, turned))
    if "position_bias" in knob:
        assert before == after  # an answer that is read by itself has no position
    if "self_preference" in knob:
        mine = column(answers, "model")
        moved = [a != b for x, y in zip(before, after, strict=True) for a, b in zip(x, y, strict=True)]
        own = [name == plain.kin for names in mine for name in names]
        assert any(moved) and all(own[i] for i, m in enumerate(moved) if m)
    if "length_bias" in knob:
        words = [[len(text.split()) > 90 for text in texts] for texts in column(answers, "response")]
        for x, y, longs in zip(before, after, words, strict=True):
            assert all(b >= a if long else b <= a for a, b, long in zip(x, y, longs, strict=True))


def test_noise_scatters_and_keeps_to_the_scale(answers):
    def error(noise):
        rows = annotate(answers, Annotator(noise=noise, length_bias=0))
        assert {score for scores in overall(rows) for score in scores} <= set(map(float, range(1, 11)))
        pairs = zip(overall(rows), map(utilities, rows), strict=True)
        return mean(abs(a - b) for x, y in pairs for a, b in zip(x, y, strict=True))

    assert error(0) < error(1) < error(4)


def test_position_bias_favours_what_stands_first(answers):
    biased = Annotator(position_bias=4.0)
    forth, back = (column(rate(answers, biased, shown=s), "fine-grained_score") for s in (None, REVERSED))
    assert all(a[0] >= b[0] and a[3] <= b[3] for a, b in zip(forth, back, strict=True))
    assert mean(a[0] - b[0] for a, b in zip(forth, back, strict=True)) > 0.3


def test_self_preference_needs_the_author(answers):
    row = answers[0]
    texts = column([row], "response")[0]
    with pytest.raises(ValueError, match="self_preference"):
        Annotator(self_preference=1.0).annotate(row["instruction"], texts, random.Random(0))


@pytest.mark.parametrize("shown", [(0, 1, 2), (0, 0, 1, 2), (1, 2, 3, 4)])
def test_an_impossible_page(answers, shown):
    with pytest.raises(ValueError, match="shown must name"):
        rate(answers, shown=shown)


# The truth, and the planted bug


def test_utilities_are_the_judges(answers):
    for row in answers[:8]:
        texts = column([row], "response")[0]
        assert utilities(row) == [judge(row["instruction"], text).utility for text in texts]


def test_the_bug_turns_ones_into_tens_and_nothing_else(answers):
    rows = annotate(answers)
    bad = plant_tens(rows, seed=1)
    ones = 0
    for before, after in zip(rows, bad, strict=True):
        for a, b in zip(before["completions"], after["completions"], strict=True):
            ones += a["overall_score"] == 1
            assert b == a | {"overall_score": 10.0 if a["overall_score"] == 1 else a["overall_score"]}
    assert ones > 3


def test_the_bug_strikes_a_share(answers):
    rows = annotate(answers)
    ones = sum(score == 1 for scores in overall(rows) for score in scores)

    def left(share, seed=0):
        return sum(score == 1 for scores in overall(plant_tens(rows, seed, share)) for score in scores)

    assert left(0) == ones and left(1) == 0 < left(0.5) < ones
    assert overall(plant_tens(rows, 0, 0.5)) == overall(plant_tens(rows, 0, 0.5))
    assert overall(plant_tens(rows, 0, 0.5)) != overall(plant_tens(rows, 1, 0.5))
    with pytest.raises(ValueError, match="share"):
        plant_tens(rows, share=3)


def test_names_are_those_of_the_world():
    assert set(PRINCIPLES) == set(load_voices()["principles"])
    assert all(pipeline.find_assistant(a.name) is pipeline.find_assistant(a) is a for a in ASSISTANTS)
    assert Annotator().kin in {a.name for a in ASSISTANTS}
    assert pipeline.area(ask("How do I change a tire?")) == "car"
