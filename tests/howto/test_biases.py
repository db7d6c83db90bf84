"""The measures: on rows made by hand, and on the pipeline's, where each knob moves its own measure."""

import pytest

from pedagogy.howto import biases
from pedagogy.howto.annotator import Annotator
from pedagogy.howto.biases import (
    best_changes,
    first_place_gain,
    labels_right,
    longer_wins,
    pair_figures,
    pair_worth,
    win_share,
)
from pedagogy.howto.pipeline import rate, review, sample_answers, sample_prompts

REVERSED = (3, 2, 1, 0)


@pytest.fixture
def worth(monkeypatch):
    """In these tests an answer is worth its number of capitals; its words count as ever."""

    def capitals(prompt, response):
        return float(sum(letter.isupper() for letter in response))

    monkeypatch.setattr(biases, "worth", capitals)
    monkeypatch.setattr(
        biases, "utilities", lambda row: [capitals("", c["response"]) for c in row["completions"]]
    )


def row(*answers):
    """A row of (response, overall score); models m0, m1, …; the mean of the ratings is half the score."""
    completions = [{"response": r, "overall_score": s, "fine-grained_score": s / 2} for r, s in answers]
    return {"instruction": "q", "models": [f"m{i}" for i in range(len(answers))], "completions": completions}


def pair(chosen, rejected, plus=9.0, minus=3.0):
    sides = {"chosen": [{"content": chosen}], "rejected": [{"content": rejected}]}
    return {"prompt": "q", "score_chosen": plus, "score_rejected": minus} | sides


def test_longer_wins_counts_pairs_with_other_scores_and_lengths(worth):
    rows = [row(("A b c", 9), ("A b", 3), ("A", 3)), row(("A", 7), ("a b", 6), ("a c", 6))]
    assert longer_wins(rows) == 2 / 4  # both of the first row's, none of the second's; two are ties
    assert longer_wins(rows, alike=0.5) == 1.0  # only the first row's answers are worth the same


def test_places_and_winners():
    forth, back = [row(("a", 8), ("b", 4))], [row(("a", 6), ("b", 6))]
    assert first_place_gain(forth, back) == pytest.approx(((4 - 3) + (3 - 2)) / 2)
    assert best_changes(forth, back) == 0 and best_changes(forth, [row(("a", 1), ("b", 2))]) == 1
    assert win_share([*forth, row(("a", 1), ("b", 2))], "m0") == 0.5


def test_labels_and_figures_of_pairs(worth):
    pairs = [
        pair("ABCDEFGH i", "A"),
        pair("AB", "ABC d"),
        pair("A", "B", 5, 5),
        pair("ABCDEFGHI", "ABCDEFGH"),
    ]
    assert pair_worth(pairs) == [(8, 1), (2, 3), (1, 1), (9, 8)]
    assert labels_right(pair_worth(pairs)) == 2 / 3
    assert pair_figures(pairs) == {
        "pairs": 4,
        "scores tie": 1 / 4,
        "label right": 2 / 3,
        "rejected is good": 1 / 4,
        "chosen is not good": 2 / 4,
        "chosen is longer": 1 / 4,
    }


def test_each_knob_moves_its_own_measure():
    answers = sample_answers(sample_prompts(120, seed=4), seed=4)
    fair, strong = Annotator(length_bias=0), Annotator(length_bias=9)
    liking = [longer_wins(review(answers, annotator), alike=1) for annotator in (fair, strong)]
    assert liking[0] < liking[1]
    assert first_place_gain(rate(answers, fair), rate(answers, fair, shown=REVERSED)) == 0
    tilted = Annotator(position_bias=2)
    pages = rate(answers, tilted), rate(answers, tilted, shown=REVERSED)
    assert first_place_gain(*pages) > 0.3 and best_changes(*pages) > 0.1
    kin = Annotator(self_preference=9, kin="sim-shrug")
    assert win_share(review(answers, kin), "sim-shrug") > win_share(review(answers, fair), "sim-shrug") + 0.3
