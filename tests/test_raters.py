"""Agreement of raters: κ against its definition, intervals that cover, and what a person's verdicts show."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

import pedagogy as pg
from pedagogy.annotations import make_queue, new_report, new_verdict
from pedagogy.feedback.schemas import FeedbackError
from pedagogy.raters import Share, agreement, cohen_kappa, wilson_interval

labels = st.sampled_from("abc")
ratings = st.lists(st.tuples(labels, labels), min_size=2, max_size=40)


def split(pairs):
    return [a for a, _ in pairs], [b for _, b in pairs]


# Shares and κ


@given(st.integers(1, 200), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(total, data, confidence):
    count = data.draw(st.integers(0, total))
    expected = binomtest(count, total).proportion_ci(confidence, method="wilson")
    assert wilson_interval(count, total, confidence) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize("count, total, confidence", [(3, 2, 0.95), (0, 0, 0.95), (-1, 2, 0.95), (1, 2, 95)])
def test_no_share_no_interval(count, total, confidence):
    with pytest.raises(ValueError):
        wilson_interval(count, total, confidence)


@given(ratings)
def test_kappa_is_agreement_beyond_that_of_all_pairs_of_ratings(pairs):
    first, second = split(pairs)
    observed = np.mean([a == b for a, b in pairs])
    expected = np.mean([a == b for a, b in product(first, second)])  # as if matched at random
    kappa = cohen_kappa(first, second)
    if expected == 1:
        assert math.isnan(kappa.value) and "undefined" in str(kappa)
        return
    assert kappa.value == pytest.approx((observed - expected) / (1 - expected))
    assert (kappa.observed, kappa.expected, kappa.n) == pytest.approx((observed, expected, len(pairs)))
    assert -1 <= kappa.low <= kappa.value <= kappa.high <= 1 and kappa.low < kappa.high


@given(ratings, st.permutations("abc"), st.randoms())
def test_kappa_knows_neither_names_nor_order_nor_who_is_first(pairs, names, random):
    first, second = split(pairs)
    value = cohen_kappa(first, second).value
    renamed = [names["abc".index(a)] for a in first], [names["abc".index(b)] for b in second]
    mixed = split(random.sample(pairs, len(pairs)))
    for other in (renamed, mixed, (second, first)):
        assert cohen_kappa(*other).value == pytest.approx(value, nan_ok=True)


@given(st.lists(labels, min_size=2, max_size=40))
def test_kappa_is_1_for_equals_and_0_for_one_who_never_varies(first):
    if len(set(first)) > 1:
        perfect = cohen_kappa(first, first)
        assert perfect.value == 1 == perfect.high and perfect.low < 1  # an interval, though nobody erred
        assert cohen_kappa(first, "a" * len(first)).value == 0


def test_kappa_of_a_table_by_hand():
    """[[20, 5], [10, 15]]: p_o = 0.7, p_e = 0.5·0.6 + 0.5·0.4 = 0.5, so κ = 0.4."""
    kappa = cohen_kappa("a" * 25 + "b" * 25, "a" * 20 + "b" * 5 + "a" * 10 + "b" * 15)
    assert kappa.value == pytest.approx(0.4) and "κ = 0.40" in str(kappa) and "n = 50" in str(kappa)


@given(st.lists(st.integers(1, 20), min_size=9, max_size=9))
def test_the_standard_error_is_that_of_the_delta_method(counts):
    """Fleiss, Cohen & Everitt's formula against numeric derivatives of κ in the cells' shares."""
    n, shares = sum(counts), np.array(counts) / sum(counts)
    cells = [a + b for a, b in product("abc", repeat=2)]

    def value(p):
        p = (p / p.sum()).reshape(3, 3)
        expected = p.sum(0) @ p.sum(1)
        return (np.trace(p) - expected) / (1 - expected)

    steps = np.eye(9) * 1e-6
    slope = np.array([(value(shares + s) - value(shares - s)) / 2e-6 for s in steps])
    variance = (shares @ slope**2 - (shares @ slope) ** 2) / n
    first, second = split([cell for cell, count in zip(cells, counts, strict=True) for _ in range(count)])
    assert cohen_kappa(first, second).standard_error == pytest.approx(math.sqrt(variance), rel=1e-4)


@pytest.mark.parametrize("n, truth", [(12, 0.3), (30, 0.0), (30, 0.6), (30, 0.9), (20, 0.983)])
def test_the_interval_covers_where_the_usual_one_does_not(n, truth):
    rng, covered, usual = np.random.default_rng(0), 0, 0
    joint = truth * np.diag([0.5, 0.5]) + (1 - truth) * 0.25  # both say each of two answers half the time
    for cells in rng.choice(4, p=joint.ravel(), size=(1500, n)):
        kappa = cohen_kappa(cells // 2, cells % 2)
        covered += kappa.low <= truth <= kappa.high
        usual += abs(kappa.value - truth) <= 1.96 * kappa.standard_error
    assert (0.91 if truth < 0.95 else 0.83) * 1500 < covered >= usual
    if truth >= 0.9:
        assert usual < 0.8 * 1500


def test_kappa_says_in_words_why_it_says_nothing():
    assert "undefined" in str(cohen_kappa("a" * 30, "a" * 30))
    assert "too few pairs for κ: 9" in str(cohen_kappa("ab" * 4 + "a", "ab" * 4 + "a"))
    assert "says nothing" in str(cohen_kappa("a" * 30, "ab" * 15))
    assert "no pair" in str(cohen_kappa([], [])) and "no pair" in str(Share(0, 0))
    with pytest.raises(ValueError, match="3 ratings against 2"):
        cohen_kappa("abc", "ab")


# What verdicts show


def row(prompt: str, scores, words=(40, 30, 20, 10)) -> dict:
    answers = [f"{prompt} {k}" + " word" * n for k, n in enumerate(words)]
    scored = zip(answers, scores, strict=True)
    return {"instruction": prompt, "completions": [{"response": a, "overall_score": s} for a, s in scored]}


ROWS = [row(f"Q{i}?", np.roll([7.0, 5.0, 5.0, 2.0], i).tolist()) for i in range(6)]
SCORES = {c["response"]: c["overall_score"] for r in ROWS for c in r["completions"]}


def judge(choose, feedback=ROWS, **options) -> list[dict]:
    """choose(left text, right text) -> verdict, for a whole queue."""
    queue = make_queue(feedback, **options)
    return [new_verdict(q, choose(q.left_text, q.right_text), 9.0, "me") for q in queue]


def by_score(left: str, right: str) -> str:
    a, b = SCORES[left], SCORES[right]
    return "tie" if a == b else "left" if a > b else "right"


def opposite(left: str, right: str) -> str:
    return {"left": "right", "right": "left", "tie": "tie"}[by_score(left, right)]


def test_pairs_in_place_of_feedback_are_refused():
    with pytest.raises(FeedbackError, match="columns prompt.*load_feedback"):
        agreement(judge(by_score), pg.load_pairs())


def test_one_who_judges_as_the_annotator_agrees_with_it():
    seen = agreement(judge(by_score), ROWS)
    assert seen.annotator.agree == Share(30, 30) and seen.annotator.kappa.value == 1  # 6 of 36 are ties
    assert seen.annotator.with_ties.value == 1 and seen.annotator.with_ties.n == 36
    assert seen.verdicts["tie"] == 6 and seen.repeats == Share(6, 6) and seen.same_side == 0
    assert seen.truth is None and "no truth was given" in str(seen)
    assert not seen.cycles and seen.complete == 0  # a tie decides nothing

    seen = agreement(judge(opposite), ROWS)
    assert seen.annotator.agree == Share(0, 30) and seen.annotator.kappa.value < -0.9
    assert 0 < seen.annotator.with_ties.observed < 0.2  # the ties alone


def test_the_truth_is_a_function_or_a_field():
    verdicts = judge(lambda left, right: "left" if len(left) > len(right) else "right")
    seen = agreement(verdicts, ROWS, truth=lambda prompt, response: len(response))
    assert (
        seen.truth.agree == Share(36, 36) and seen.longer["the truth"] == Share(36, 36) == seen.longer["you"]
    )
    assert seen.annotator_truth.agree == seen.annotator.agree  # you are the truth here
    assert seen.longer["the annotator"].total == 30
    again = agreement(verdicts, ROWS, truth="overall_score")
    assert again.truth.agree == seen.annotator.agree and again.annotator_truth.kappa.value == 1
    assert "You and the truth: the same choice in" in str(seen)


def test_cant_say_is_no_judgement_and_missing_scores_are_none():
    verdicts = judge(lambda left, right: "can't say" if "Q0" in left else by_score(left, right))
    assert agreement(verdicts, ROWS).annotator.with_ties.n == 30
    holes = [{**r, "completions": [c | {"overall_score": None} for c in r["completions"]]} for r in ROWS[1:2]]
    seen = agreement(verdicts, [ROWS[0], *holes, *ROWS[2:]])
    assert seen.annotator.with_ties.n == 24 and seen.annotator.agree == Share(20, 20)
    assert agreement(verdicts, ROWS, truth=lambda *_: None).truth.kappa.n == 0


def test_a_bad_truth_is_named():
    verdicts = judge(by_score)
    with pytest.raises(ValueError, match="truth='utility': no completion has that field"):
        agreement(verdicts, ROWS, truth="utility")
    with pytest.raises(ValueError, match="truth gives 'good'"):
        agreement(verdicts, ROWS, truth=lambda *_: "good")


def test_pairs_of_other_feedback_are_counted_out():
    seen = agreement(judge(by_score), ROWS[:2])
    assert seen.annotator.with_ties.n == 12 and "24 pairs are not in this feedback" in str(seen)
    assert sum(seen.verdicts.values()) == 36


def test_feedback_without_scores_leaves_the_rest_of_the_report():
    bare = [{**r, "completions": [{"response": c["response"]} for c in r["completions"]]} for r in ROWS]
    seen = agreement(judge(by_score), bare, truth=lambda prompt, response: SCORES[response])
    assert seen.annotator.kappa.n == 0 and seen.truth.agree == Share(30, 30)


def test_nothing_judged_yet():
    seen = agreement([], ROWS, truth="overall_score")
    assert "no pair to tell by" in str(seen) and math.isnan(seen.seconds)


def test_the_left_and_the_same_side_twice():
    seen = agreement(judge(lambda *_: "left"), ROWS)
    assert seen.left == Share(36, 36) and seen.repeats == Share(0, 6) and seen.same_side == 6
    assert "κ says nothing" in str(seen.annotator.kappa)


def test_the_first_verdict_counts():
    question = make_queue(ROWS)[0]
    first, again = by_score(question.left_text, question.right_text), question.exchanged()
    same = by_score(again.left_text, again.right_text)
    other = "left" if same == "right" else "right"
    for second, repeats in ((same, Share(1, 1)), (other, Share(0, 1)), ("can't say", Share(0, 1))):
        verdicts = [new_verdict(question, first, 9.0, "me"), new_verdict(again, second, 9.0, "me")]
        seen = agreement(verdicts, ROWS)
        assert seen.repeats == repeats and sum(seen.verdicts.values()) == 1


ANSWERS = [c["response"] for c in ROWS[0]["completions"]]


@pytest.mark.parametrize("n, cyclic", [(3, 2 / 8), (4, 40 / 64)])
def test_cycles_are_found_exactly_where_no_ranking_agrees(n, cyclic):
    """Every way to decide all pairs of n answers: a cycle, or one of the n! rankings."""
    feedback = [row("Q0?", [1.0] * n, (40, 30, 20, 10)[:n])]
    answers = [c["response"] for c in feedback[0]["completions"]]
    found = 0
    for wins in product([True, False], repeat=math.comb(n, 2)):
        beats = {(a, b) if w else (b, a) for (a, b), w in zip(combinations(answers, 2), wins, strict=True)}
        choose = lambda left, right, beats=beats: "left" if (left, right) in beats else "right"  # noqa: E731
        seen = agreement(judge(choose, feedback, repeats=0), feedback)
        ranked = any(beats == set(combinations(order, 2)) for order in permutations(answers))
        assert bool(seen.cycles) != ranked and seen.complete == 1
        found += not ranked
        for witness in seen.cycles:
            texts = [witness.answers[name] for name in witness.cycle]
            assert set(zip(texts, [*texts[1:], texts[0]], strict=True)) <= beats
            assert len(texts) == 3 and "and yet" in str(seen)
        assert seen.by_chance == pytest.approx(cyclic)
    assert found / 2 ** math.comb(n, 2) == cyclic


def test_notes_say_what_weakens_the_verdicts():
    verdicts = judge(by_score)
    quick = [v | {"seconds": 0.2} for v in verdicts[:3]]
    seen = agreement([*quick, *verdicts[3:40], new_report("me"), *verdicts[40:]], ROWS)
    assert "2 of 42 verdicts were given after the report" in str(seen) and "3 of 42" in str(seen)
    assert seen.seconds == 9.0


def test_the_course_exports_them():
    assert pg.agreement is agreement and pg.cohen_kappa is cohen_kappa
