"""Raters do what they say, both ways of asking are fair to each other, and the fits find what is there."""

import math
import random
from statistics import mean, stdev

import pytest
from scipy.stats import kendalltau

import pedagogy as pg
from pedagogy.howto.annotator import Annotator
from pedagogy.howto.judgements import (
    CROWDS,
    METHODS,
    Crowd,
    Rater,
    adjusted_ratings,
    ask_comparisons,
    ask_ratings,
    draw_answers,
    lead,
    mean_ratings,
    needed,
    recovery,
    summary,
)

TRUTH = {"a": 8.0, "b": 6.0, "c": 5.0, "d": 2.0}
EXACT = Rater(noise=0)


def fit(pairs):
    return pg.fit_bradley_terry(pairs, prior=0.2).rewards


def tau(truth, rewards):
    return kendalltau([truth[a] for a in truth], [rewards[a] for a in truth]).statistic


def test_an_exact_rater_says_the_truth_both_ways():
    rng = random.Random(0)
    assert [EXACT.rate(u, rng) for u in (1.0, 3.4, 9.6, 10.0)] == [1, 3, 10, 10]
    assert EXACT.compare(5.1, 5.0, rng) and not EXACT.compare(5.0, 5.1, rng)


def test_offset_and_scale_move_ratings_but_no_comparison():
    plain, odd = Rater(), Rater(scale=0.5, offset=2.0)
    rates = [mean(r.rate(4.0, random.Random(i)) for i in range(300)) for r in (plain, odd)]
    assert rates[1] - rates[0] == pytest.approx(2.0 + 0.75, abs=0.3)  # 5.5 + 0.5 · (4 − 5.5) + 2, not 4
    for i in range(300):
        assert plain.compare(4.0, 5.0, random.Random(i)) == odd.compare(4.0, 5.0, random.Random(i))


def test_ratings_are_whole_points_within_the_scale():
    rng, wild = random.Random(1), Rater(scale=3, offset=4, noise=6, slip=0.3)
    given = [wild.rate(rng.uniform(1, 10), rng) for _ in range(500)]
    assert set(given) <= set(range(1, 11)) and {1, 10} <= set(given)


def test_a_comparison_is_two_perceptions():
    """P(first seems better) = Φ(gap / (noise √2)), Thurstone's case V."""
    rng, rater = random.Random(2), Rater()
    share = mean(rater.compare(6.0, 5.0, rng) for _ in range(6000))
    wanted = 0.5 * (1 + math.erf(1.0 / (Annotator.noise * math.sqrt(2)) / math.sqrt(2)))
    assert share == pytest.approx(wanted, abs=0.025)


def test_slips_have_nothing_to_do_with_the_answers():
    rng, careless = random.Random(3), Rater(slip=1.0)
    assert mean(careless.rate(10.0, rng) for _ in range(3000)) == pytest.approx(5.5, abs=0.25)
    assert mean(careless.compare(10.0, 1.0, rng) for _ in range(3000)) == pytest.approx(0.5, abs=0.04)


def test_a_crowd_is_as_described():
    raters = Crowd(offset=1.5, log_scale=0.3, outlier_prone=0.25).raters(400, random.Random(4))
    assert sum(r.slip > 0 for r in raters) == 100
    assert stdev(r.offset for r in raters) == pytest.approx(1.5, rel=0.15)
    assert stdev(math.log(r.scale) for r in raters) == pytest.approx(0.3, rel=0.15)
    assert set(Crowd().raters(5, random.Random(5))) == {Rater()}


def test_answers_have_one_true_ranking():
    for seed in range(3):
        truth = draw_answers(random.Random(seed), n=8)
        utilities = sorted(truth.values())
        assert len(truth) == 8 and 1 <= utilities[0] and utilities[-1] <= 10
        assert min(b - a for a, b in zip(utilities, utilities[1:], strict=False)) >= 0.2


def test_every_answer_is_judged_equally_often():
    raters = Crowd().raters(3, random.Random(0))
    rated = [answer for _, answer, _ in ask_ratings(TRUTH, raters, 40, random.Random(6))]
    met = [answer for pair in ask_comparisons(TRUTH, raters, 40, random.Random(6)) for answer in pair]
    assert {rated.count(a) for a in TRUTH} == {10} and {met.count(a) for a in TRUTH} == {20}


def test_mean_ratings():
    assert mean_ratings([(0, "a", 4), (1, "a", 7), (1, "b", 3)]) == {"a": 5.5, "b": 3.0}


def test_fitted_offsets_undo_generous_raters():
    """The generous rater saw the worse answers more often: the mean is fooled, the fit is not."""
    ratings = [
        (0, "good", 6),
        (0, "poor", 4),
        (1, "poor", 9),
        (1, "poor", 9),
        (1, "fair", 10),
        (0, "fair", 5),
    ]
    assert mean_ratings(ratings)["poor"] > mean_ratings(ratings)["good"]
    fitted = adjusted_ratings(ratings, shrink=1e-6)
    assert fitted["good"] > fitted["fair"] > fitted["poor"]
    assert fitted["good"] - fitted["poor"] == pytest.approx(1.95, abs=0.1)


@pytest.mark.parametrize("name", CROWDS)
def test_more_judgements_help(name):
    found = recovery(CROWDS[name], fit, tau, per_answer=(1, 16), seeds=range(6), n_answers=8)
    for method in METHODS:
        assert mean(found[method, 128]) > mean(found[method, 8])
        assert all(-1 <= value <= 1 for value in found[method, 8] + found[method, 128])


def test_who_wins_depends_on_the_scales_not_on_the_slogan():
    """Calibrated raters: ratings win. Raters whose scales differ a lot: comparisons beat the plain mean."""
    ahead = {}
    for name in ("calibrated", "scales differ a lot"):
        found = recovery(CROWDS[name], fit, tau, per_answer=(8,), seeds=range(24))
        ahead[name] = lead(found[METHODS[2], 96], found[METHODS[0], 96])
    assert ahead["calibrated"][0] < -2 * ahead["calibrated"][1]
    assert ahead["scales differ a lot"][0] > 2 * ahead["scales differ a lot"][1]


def test_offsets_leave_comparisons_as_they_are():
    """Same seeds, same noise: only the ratings change from crowd to crowd."""
    found = [recovery(CROWDS[n], fit, tau, (2,), range(3)) for n in ("calibrated", "scales differ a lot")]
    assert found[0][METHODS[2], 24] == found[1][METHODS[2], 24]
    assert found[0][METHODS[0], 24] != found[1][METHODS[0], 24]


def test_the_same_seed_gives_the_same_numbers():
    again = [recovery(Crowd(offset=1), fit, tau, (2,), range(2)) for _ in range(2)]
    assert again[0] == again[1]


def test_summaries():
    found = {("m", 12): [0.5, 0.7], ("m", 24): [0.8, 0.9], ("m", 48): [0.9, 0.9]}
    assert needed(found, "m", 0.8) == 24 and needed(found, "m", 0.95) is None
    assert summary(list(range(101))) == pytest.approx((50, 10, 90))
    assert lead([1.0, 3.0], [0.0, 0.0]) == pytest.approx((2.0, 1.0))
