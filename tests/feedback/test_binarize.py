"""Strategies: what each may choose, what none may choose, and that neither order nor stream matters."""

import copy
import json
import math

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedagogy as pg
from pedagogy.feedback import PAIR_FEATURES, RAW_FEATURES, FeedbackError
from pedagogy.feedback.pair_rows import prompt_id
from pedagogy.feedback.schemas import ASPECTS
from pedagogy.feedback.strategies import STRATEGIES, mean_of_aspects, pairs_of
from pedagogy.howto.build import rows as build_rows

OPTIONS = {"h4": {}, "argilla": {}, "best-vs-worst": {}, "all-pairs": {}, "margin": {"margin": 2}}
ONE_A_PROMPT = ("h4", "argilla", "best-vs-worst")


@pytest.fixture(scope="module")
def raw() -> list[dict]:
    return list(build_rows("train", 40, seed=5))


@pytest.fixture(scope="module")
def stored(raw):
    return datasets.Dataset.from_list(raw, features=RAW_FEATURES)


def row_of(overall, ratings=None, prompt="How?") -> dict:
    """A raw row; ratings: one list of four a completion, or none at all."""
    completions = [{"response": f"answer {i}", "overall_score": float(s)} for i, s in enumerate(overall)]
    for completion, given_ in zip(completions, ratings or [], strict=bool(ratings)):
        completion["annotations"] = {a: {"Rating": r} for a, r in zip(ASPECTS, given_, strict=True)}
    return {"instruction": prompt, "completions": completions}


def picks(row, **options) -> list[tuple[int, int]]:
    """(chosen, rejected) of every pair, as positions in the row."""
    number = lambda said: int(said[-1]["content"].split()[1])  # noqa: E731
    return [(number(pair["chosen"]), number(pair["rejected"])) for pair in pairs_of(row, **options)]


scores = st.lists(st.integers(1, 10), min_size=2, max_size=6)


@given(scores, st.integers(0, 99))
def test_best_vs_worst(overall, seed):
    found = picks(row_of(overall), strategy="best-vs-worst", seed=seed)
    if len(set(overall)) == 1:
        assert found == []
    else:
        assert found == [(overall.index(max(overall)), overall.index(min(overall)))]


@given(scores)
def test_all_pairs_are_those_that_do_not_tie_each_once_and_the_right_way_round(overall):
    n = len(overall)
    expected = {(i, j) for i in range(n) for j in range(n) if overall[i] > overall[j]}
    found = picks(row_of(overall), strategy="all-pairs")
    assert set(found) == expected and len(found) == len(expected)


@given(scores, st.floats(0.5, 9))
def test_margin_keeps_exactly_those_of_all_pairs_that_differ_enough(overall, margin):
    expected = [
        (i, j) for i, j in picks(row_of(overall), strategy="all-pairs") if overall[i] - overall[j] >= margin
    ]
    assert picks(row_of(overall), strategy="margin", margin=margin) == expected


def test_a_difference_of_exactly_the_margin_counts():
    assert picks(row_of([8.2, 7.9, 7.0, 7.0]), strategy="margin", margin=0.3)[0] == (0, 1)  # 0.29999…


ratings = st.lists(
    st.lists(st.sampled_from(["1", "2", "3", "4", "5", "N/A"]), min_size=4, max_size=4).filter(
        lambda four: set(four) != {"N/A"}
    ),
    min_size=2,
    max_size=5,
)


@given(ratings, st.integers(0, 99))
def test_argilla_takes_the_best_mean_of_aspects_against_a_lower_one(given_, seed):
    """The overall scores say the opposite, and must not matter; "N/A" is left out of a mean."""
    means = [
        sum(map(float, known)) / len(known) for four in given_ for known in [[r for r in four if r != "N/A"]]
    ]
    row = row_of([10 - m for m in means], given_)
    pairs = pairs_of(row, strategy="argilla", seed=seed)
    if max(means) == min(means):
        assert pairs == []
        return
    ((chosen, rejected),) = picks(row, strategy="argilla", seed=seed)
    assert chosen == means.index(max(means)) and means[rejected] < means[chosen]
    assert (pairs[0]["score_chosen"], pairs[0]["score_rejected"]) == (means[chosen], means[rejected])


def test_argilla_draws_every_lower_answer_about_equally_often():
    given_ = [["5"] * 4, ["3"] * 4, ["5"] * 4, ["1"] * 4]
    counts = dict.fromkeys([(0, 1), (0, 3)], 0)
    for i in range(600):
        (pick,) = picks(row_of([5] * 4, given_, prompt=f"How {i}?"), strategy="argilla")
        counts[pick] += 1  # KeyError: it tied, or chose another
    assert all(240 < n < 360 for n in counts.values())  # 300 ± 4.9 standard deviations


def test_a_completion_without_any_rating_is_named_and_only_by_argilla():
    row = row_of([9, 1], [["5"] * 4, ["N/A"] * 4])
    data = datasets.Dataset.from_list([row_of([9, 1], [["5"] * 4, ["4"] * 4]), row])
    with pytest.raises(
        FeedbackError, match=r"row 1, field 'completions\[1\].annotations'.*no rating"
    ) as error:
        pg.binarize(data, strategy="argilla")
    assert "drop_bad" in str(error.value)
    with pytest.warns(UserWarning, match="1 rows with problems left out, 1 kept"):
        assert len(pg.binarize(data, strategy="argilla", drop_bad=True)) == 1
    assert len(pg.binarize(data)) == 2


def test_mean_of_aspects():
    (completion,) = row_of([1], [["5", "N/A", "2", " 4 "]])["completions"]
    assert math.isclose(mean_of_aspects(completion), 11 / 3)
    for nothing in ({}, {"annotations": None}, {"annotations": {"honesty": None}}, {"annotations": "?"}):
        assert mean_of_aspects(nothing) is None


# What holds for every strategy


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_chosen_never_scores_lower_and_ties_only_under_h4(stored, strategy):
    pairs = pg.binarize(stored, strategy=strategy, **OPTIONS[strategy])
    assert pairs.features == PAIR_FEATURES and len(pairs)
    for pair in pairs:
        assert pair["score_chosen"] >= pair["score_rejected"]
        assert strategy == "h4" or pair["score_chosen"] > pair["score_rejected"]
        assert pair["chosen"][-1]["content"] != pair["rejected"][-1]["content"]
        assert pair["prompt_id"] == prompt_id(pair["prompt"])
    if strategy in ONE_A_PROMPT:
        assert len(set(pairs["prompt"])) == len(pairs)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_neither_the_order_of_rows_nor_a_stream_matters(stored, raw, strategy):
    options = {"strategy": strategy, **OPTIONS[strategy], "seed": 3}
    expected = pg.binarize(stored, **options).to_list()
    stream = pg.binarize(stored.to_iterable_dataset(num_shards=4), **options)
    assert isinstance(stream, datasets.IterableDataset) and list(stream) == expected
    generated = datasets.IterableDataset.from_generator(lambda: iter(raw))
    assert list(pg.binarize(generated, **options)) == expected
    shuffled = pg.binarize(stored.shuffle(seed=1), **options).to_list()
    key = lambda pair: json.dumps(pair, sort_keys=True)  # noqa: E731
    assert sorted(shuffled, key=key) == sorted(expected, key=key)


@pytest.mark.parametrize("strategy", ["h4", "argilla"])
def test_the_seed_moves_the_rejected_answer_and_never_the_chosen_one(stored, strategy):
    first, second = (pg.binarize(stored, seed=seed, strategy=strategy) for seed in (0, 1))
    assert first["chosen"] == second["chosen"]
    assert first["rejected"] != second["rejected"]
    assert pg.binarize(stored, seed=0, strategy=strategy).to_list() == first.to_list()


@pytest.mark.parametrize("strategy", ["best-vs-worst", "all-pairs", "margin"])
def test_strategies_without_chance_ignore_the_seed(stored, strategy):
    first, second = (pg.binarize(stored, seed=s, strategy=strategy, **OPTIONS[strategy]) for s in (0, 1))
    assert first.to_list() == second.to_list()


def test_the_default_is_h4(stored):
    assert pg.binarize(stored).to_list() == pg.binarize(stored, strategy="h4").to_list()


# Errors


@pytest.mark.parametrize("name", ["H4", "best", "", None, 3])
def test_an_unknown_strategy_lists_the_known_ones(stored, name):
    with pytest.raises(ValueError, match="unknown strategy") as error:
        pg.binarize(stored, strategy=name)
    assert all(repr(known) in str(error.value) for known in STRATEGIES)


@pytest.mark.parametrize("margin", [None, 0, -1, math.inf, math.nan, "2", True])
def test_a_margin_must_be_a_number_above_0(stored, margin):
    with pytest.raises(ValueError, match="needs margin"):
        pg.binarize(stored, strategy="margin", margin=margin)


def test_a_margin_for_another_strategy_is_refused(stored):
    with pytest.raises(ValueError, match="'margin' only, not 'h4'"):
        pg.binarize(stored, margin=2)


def test_a_margin_that_nothing_reaches(stored):
    with pytest.raises(FeedbackError, match="no pairs"):
        pg.binarize(stored, strategy="margin", margin=9.5)


def test_strategies_by_overall_score_need_no_annotations_and_argilla_no_overall_score(raw):
    scored = [{k: copy.deepcopy(row[k]) for k in ("instruction", "completions")} for row in raw[:5]]
    for row in scored:
        for completion in row["completions"]:
            del completion["annotations"]
    assert len(pg.binarize(datasets.Dataset.from_list(scored), strategy="all-pairs"))
    with pytest.raises(FeedbackError, match=r"completions\[0\].annotations"):
        pg.binarize(datasets.Dataset.from_list(scored), strategy="argilla")
    rated = copy.deepcopy(raw[:5])
    for row in rated:
        for completion in row["completions"]:
            completion["overall_score"] = None
    assert len(pg.binarize(datasets.Dataset.from_list(rated, features=RAW_FEATURES), strategy="argilla"))
    with pytest.raises(FeedbackError, match=r"completions\[0\].overall_score"):
        pg.binarize(datasets.Dataset.from_list(rated, features=RAW_FEATURES))


# The scoring bug


def tens(*means) -> datasets.Dataset:
    """One row whose completions all have a 10, and the given means of their aspects."""
    wanted = {2.0: ["2"] * 4, 2.25: ["2", "2", "2", "3"], 4.0: ["4"] * 4, 4.25: ["4", "4", "4", "5"]}
    wanted[None] = ["N/A"] * 4
    return datasets.Dataset.from_list([row_of([10] * len(means), [wanted[m] for m in means])])


def test_the_published_rule_at_its_edges():
    """≤ 2 is a 1, > 4 is kept, and what lies between, or was not rated, is to be asked again."""
    repaired, table = pg.repair_tens(tens(2.0, 2.25, 4.0, 4.25, None))
    after = [c["overall_score"] for c in repaired[0]["completions"]]
    assert after == [1.0, 10.0, 10.0, 10.0, 10.0]
    assert list(table["verdict"]) == [
        "set to 1",
        "annotate again",
        "annotate again",
        "kept",
        "annotate again",
    ]
    assert list(table["repaired"]) == after and list(table["completion"]) == [0, 1, 2, 3, 4]


def test_asking_again_gives_the_score_that_the_annotator_gives():
    asked = []
    repaired, table = pg.repair_tens(tens(2.0, 2.25, 4.25), lambda row, i: asked.append(i) or 6)
    assert asked == [1]  # once, and only the doubtful one
    assert [c["overall_score"] for c in repaired[0]["completions"]] == [1.0, 6.0, 10.0]


def test_planted_bugs_are_repaired_and_nothing_else_changes(raw):
    planted = [(3, 0), (3, 2), (17, 3), (39, 1)]
    true = copy.deepcopy(raw)
    for n, i in planted:  # answers that are bad by both passes
        true[n]["completions"][i]["overall_score"] = 1.0
        for note in true[n]["completions"][i]["annotations"].values():
            note["Rating"] = "2"
    bugged = copy.deepcopy(true)
    for n, i in planted:
        bugged[n]["completions"][i]["overall_score"] = 10.0
    stored = datasets.Dataset.from_list(true, features=RAW_FEATURES)
    data = datasets.Dataset.from_list(bugged, features=RAW_FEATURES)
    repaired, table = pg.repair_tens(data)
    assert repaired.to_list() == stored.to_list() and repaired.features == stored.features
    flipped = table[table["verdict"] == "set to 1"]
    assert list(zip(flipped["row"], flipped["completion"], strict=True)) == planted
    assert data.to_list() == bugged  # what was given stays as it was
    stream, again = pg.repair_tens(data.to_iterable_dataset())
    assert list(stream) == stored.to_list() and again.equals(table)


def test_repair_names_what_it_cannot_use():
    with pytest.raises(FeedbackError, match="row 0, field 'completions'"):
        pg.repair_tens(datasets.Dataset.from_list([{"prompt": "Hi"}]))
    with pytest.raises(FeedbackError, match=r"row 0, field 'completions\[1\].overall_score'.*None"):
        pg.repair_tens(tens(4.25, 2.25), lambda row, i: None)
    with pytest.raises(FeedbackError, match="Dataset.from_list"):
        pg.repair_tens([{"completions": []}])
