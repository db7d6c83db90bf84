"""The Pareto explorer without a browser: what weights can choose, the three rules, the controls."""

from itertools import product

import ipywidgets as ui
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedagogy
from pedagogy.feedback.schemas import ASPECTS
from pedagogy.orders import weighted_sum
from pedagogy.widgets import ParetoExplorer, pareto_page
from pedagogy.widgets.gap_state import Problem
from pedagogy.widgets.pareto_state import MEAN, OVERALL, SMALL, WEIGHTED, ParetoState, Rated, best, best_lead
from tests.widgets.conftest import TRAPS, assert_widget_page_and_picture, widgets

NASTY = "<img src=x onerror=alert(1)> & </article>"
GRID = [dict(zip(ASPECTS, w, strict=True)) for w in product([0, 0.2, 0.5, 1], repeat=4) if any(w)]


def feedback(*ratings: str, overall=None, prompt="Why?", response="Because.") -> dict:
    """A raw row: one answer for each text of four ratings, such as "5431"; "?" is no rating."""
    scores = overall or [None] * len(ratings)
    completions = [
        {
            "response": f"{response} {i}",
            "annotations": {k: {"Rating": r.replace("?", "N/A")} for k, r in zip(ASPECTS, text, strict=True)},
            "overall_score": score,
        }
        for i, (text, score) in enumerate(zip(ratings, scores, strict=True))
    ]
    return {"instruction": prompt, "completions": completions}


rows = st.lists(st.text("12345", min_size=4, max_size=4), min_size=2, max_size=4).map(lambda r: feedback(*r))


# What weights can choose


@given(rows)
def test_best_lead_is_right_about_every_weight_tried(row):
    rated = Rated(row)
    for letter, (lead, weights) in rated.reach.items():
        assert min(weights.values()) > -1e-9 and sum(weights.values()) == pytest.approx(1)
        if lead > SMALL:
            assert best(weighted_sum(rated.ratings, {k: max(0, w) for k, w in weights.items()})) == [letter]
        for grid in GRID:
            found = best(weighted_sum(rated.ratings, grid))
            assert found != [letter] or lead > SMALL
            assert letter not in found or lead > -SMALL


@given(rows)
def test_a_dominated_answer_never_leads_and_says_by_whom(row):
    rated = Rated(row)
    state = ParetoState([row])
    for letter, text in state.prospects().items():
        over = rated.dominators(letter)
        if over:
            assert rated.reach[letter][0] <= SMALL
        assert ("dominated by" in text) == bool(over) and all(a in text for a in over)
        assert ("some weights choose it alone" in text) == (rated.reach[letter][0] > SMALL)


def test_an_answer_between_two_others_is_not_dominated_but_never_chosen():
    """Between (5, 1, 5, 1) and (1, 5, 1, 5): under any weights one of the two has at least 3."""
    state = ParetoState([feedback("5151", "1515", "2222")])
    assert not state.row.dominators("C")
    lead, _ = best_lead(state.row.ratings, "C")
    assert lead == pytest.approx(-1)  # 2 − 3
    assert state.prospects()["C"].startswith("no weights choose it alone: not dominated")
    middle = ParetoState([feedback("5151", "1515", "3333")])  # in the very middle: it can tie
    assert best_lead(middle.row.ratings, "C")[0] == pytest.approx(0, abs=SMALL)
    assert "as good" in middle.prospects()["C"]


def test_examples_on_the_sliders_steps_do_what_they_say():
    state = ParetoState([feedback("5145", "1535", "2455", "4421")])
    told = 0
    for letter, text in state.prospects().items():
        if "such as " in text:
            pairs = [p.rsplit(" ", 1) for p in text.split("such as ")[1].rstrip(".").split(", ")]
            weights = dict.fromkeys(ASPECTS, 0.0) | {k.replace(" ", "_"): float(w) for k, w in pairs}
            state.weigh(**weights)
            assert state.chosen(WEIGHTED) == [letter]
            told += 1
    assert told >= 2


def test_same_ratings_always_tie():
    text = ParetoState([feedback("4444", "4444", "1111")]).prospects()
    assert "rated just like B, so they always tie" in text["A"]
    assert "dominated by A and B" in text["C"] and "never even ties" in text["C"]
    assert "at best it ties" in ParetoState([feedback("5444", "4444")]).prospects()["B"]


# The three rules


@given(rows)
def test_equal_weights_choose_what_the_mean_chooses(row):
    state = ParetoState([row])
    assert state.chosen(WEIGHTED) == state.chosen(MEAN) and state.chosen(MEAN)


@given(rows, st.tuples(*[st.integers(0, 20)] * 4), st.integers(1, 4))
def test_only_the_proportion_of_the_weights_counts(row, steps, factor):
    state, other = ParetoState([row]), ParetoState([row])
    state.weigh(**{k: w / 80 for k, w in zip(ASPECTS, steps, strict=True)})
    other.weigh(**{k: w * factor / 80 for k, w in zip(ASPECTS, steps, strict=True)})
    assert state.chosen(WEIGHTED) == other.chosen(WEIGHTED)
    assert bool(state.chosen(WEIGHTED)) == any(steps)


def test_a_flip_is_told_and_stays_until_the_next_row():
    state = ParetoState([feedback("5111", "1555"), feedback("5555", "1111")])
    assert state.chosen(WEIGHTED) == ["B"] and not state.notices()
    state.weigh(honesty=0.0, truthfulness=0.0)
    assert state.chosen(WEIGHTED) == ["A", "B"]
    assert "from B to A or B (a tie)" in state.flip and "honesty 0.00" in state.flip
    state.weigh(helpfulness=0.5)
    assert "from A or B (a tie) to A" in state.flip
    state.weigh(helpfulness=0.45)
    assert "to A" in state.notices()[0]
    state.go(1)
    assert not state.notices() and state.weights["helpfulness"] == 0.45


def test_all_weights_zero_choose_nothing_and_say_so():
    state = ParetoState([feedback("5111", "1555")])
    state.weigh(**dict.fromkeys(ASPECTS, 0.0))
    assert state.chosen(WEIGHTED) == [] and "All weights are 0" in " ".join(state.notices())
    assert "<table" in pareto_page.choice(state)


@pytest.mark.parametrize("wrong", [{"honesty": 1.5}, {"honesty": -0.1}, {"beauty": 1.0}])
def test_weights_out_of_range_are_refused(wrong):
    state = ParetoState([feedback("5111", "1555")])
    with pytest.raises(ValueError, match="weigh"):
        state.weigh(**wrong)
    assert state.weights == dict.fromkeys(ASPECTS, 1.0)


def test_ties_and_rivals_are_told():
    state = ParetoState([feedback("5555", "1111", "2222", overall=[3, 9, 9])])
    assert state.chosen(OVERALL) == ["B", "C"] and state.row.rivals_disagree()
    said = state.agreement()
    assert "overall_score: B or C (a tie)" in said and "take the first: B" in said
    assert "No answer is best under all three" in said
    html = pareto_page.choice(state)
    assert html.count(">tie 9<") == 2 and ">✓ 5.00<" in html


def test_the_next_disagreement_is_found_round_the_end():
    agree, differ = feedback("5555", "1111", overall=[9, 1]), feedback("5555", "1111", overall=[1, 9])
    state = ParetoState([agree, differ, agree, agree, differ])
    seen = []
    for _ in range(3):
        state.next_disagreement()
        seen.append(state.index)
    assert seen == [1, 4, 1]
    with pytest.raises(Problem, match="no other row"):
        ParetoState([agree, agree]).next_disagreement()


def test_answers_without_a_rating_are_left_out_and_named():
    state = ParetoState([feedback("5555", "44?4", "1111", overall=[1, 9, None])])
    assert list(state.row.ratings) == ["A", "C"] and state.chosen(OVERALL) == ["B"]
    assert "Left out" in state.notices()[0] and "B" in state.notices()[0]
    none = ParetoState([feedback("????", "????")])
    assert "nothing to order" in pareto_page.static(none) and none.prospects() == {}


def test_one_answer_is_chosen_without_rivals():
    state = ParetoState([feedback("3333")])
    assert state.chosen(WEIGHTED) == ["A"] and "some weights" in state.prospects()["A"]


# The view


def test_the_course_exports_it_and_opens_the_bundled_feedback():
    assert pedagogy.ParetoExplorer is ParetoExplorer
    explorer = ParetoExplorer()
    assert len(explorer.state.feedback) == explorer.row.max and "<svg" in explorer.order.value
    explorer.disagreement.click()
    assert explorer.state.row.rivals_disagree() and "No answer is best" in explorer.choice.value


@pytest.fixture
def explorer():
    return ParetoExplorer([feedback("5111", "1555"), feedback("5555", "1111"), feedback("2222", "3333")])


def test_sliders_change_the_choice(explorer):
    assert 'aria-label="Answer B, chosen by your weights"' in explorer.answers.value
    for aspect in ASPECTS[1:]:
        explorer.weights[aspect].value = 0.0
    assert 'aria-label="Answer A, chosen by your weights"' in explorer.answers.value
    assert "The choice flipped" in explorer.message.value
    explorer.equal.click()
    assert explorer.weights["honesty"].value == 1.0 and "Answer B, chosen" in explorer.answers.value


def test_rows_are_walked_and_stop_at_both_ends(explorer):
    explorer.previous.click()
    assert explorer.row.value == 1
    explorer.next.click()
    explorer.next.click()
    explorer.next.click()
    assert explorer.row.value == 3 and not explorer.message.value.count("did not work")
    explorer.row.value = 2
    assert explorer.state.index == 1 and "dominated by A" in explorer.order.value
    explorer.disagreement.click()
    assert "In no other row" in explorer.message.value


def test_no_text_of_the_data_becomes_markup():
    explorer = ParetoExplorer([feedback("5111", "1555", prompt=NASTY, response=NASTY)])
    html = explorer.answers.value + explorer.order.value + explorer._repr_mimebundle_()["text/html"]
    assert "<img" not in html and html.count("&lt;img") == 2 * 3


def test_an_unforeseen_error_is_shown(explorer):
    explorer._do(lambda: 1 / 0)
    assert "ZeroDivisionError" in explorer.message.value


def test_feedback_without_rows_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        ParetoExplorer([])


def test_controls_are_safe_under_jupyterlabs_keys_and_say_what_they_do(explorer):
    every = list(widgets(explorer))
    assert not [w for w in every if isinstance(w, TRAPS)]
    assert all(w.tooltip for w in every if isinstance(w, ui.Button | ui.IntSlider | ui.FloatSlider))


def test_one_bundle_has_the_widget_a_page_and_a_picture(explorer):
    assert_widget_page_and_picture(explorer._repr_mimebundle_(), "<svg", "Chosen by")
