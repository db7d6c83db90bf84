"""Drawings of orders: better above worse, nothing on top of anything else, words that say what is drawn."""

from itertools import combinations, pairwise

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy.orders import OrderError, PreferenceOrder, product_order
from pedagogy.plots import (
    Described,
    curves_with_spread,
    gaps_by_length,
    hasse,
    hasse_words,
    knob_panels,
    layered,
    length_steps,
    number_lines,
    relation,
    score_bars,
    shares_with_intervals,
)

matplotlib.use("agg")

SIX = "abcdef"


@st.composite
def acyclic(draw):
    """Pairs that all go down one hidden ranking."""
    ranking = draw(st.permutations(SIX))
    pairs = draw(st.lists(st.sampled_from(list(combinations(ranking, 2))), unique=True))
    return PreferenceOrder.from_pairs(pairs, SIX)


@given(acyclic())
def test_a_layout_puts_better_above_worse_and_keeps_lines_off_other_elements(order):
    places, paths = layered(order.layers(), order.hasse().pairs)
    assert set(places) == set(SIX) and len(set(places.values())) == len(SIX)
    assert set(paths) == order.hasse().pairs
    for (a, b), path in paths.items():
        assert (path[0], path[-1]) == (places[a], places[b])
        assert all(upper[1] - lower[1] == 1 for upper, lower in pairwise(path))  # down, a layer at a time
        assert not set(path[1:-1]) & set(places.values())


@given(acyclic())
def test_a_layout_does_not_depend_on_the_order_of_the_edges(order):
    edges = sorted(order.hasse().pairs)
    assert layered(order.layers(), edges) == layered(order.layers(), edges[::-1])


def test_the_words_name_rows_and_lines():
    order = PreferenceOrder.from_pairs([("a", "b"), ("b", "c"), ("a", "c")])
    assert hasse_words(order) == "Hasse diagram, rows from the top: a / b / c. Lines: a above b; b above c."


def test_a_hasse_diagram_draws_each_element_and_each_covering_pair_once():
    quality, size = (PreferenceOrder.from_ranking(r) for r in (["good", "bad"], ["big", "small"]))
    ax = hasse(product_order(quality, size), mark=[("good", "big")])
    assert len(ax.lines) == 4
    assert {text.get_text() for text in ax.texts} == {"good, big", "good, small", "bad, big", "bad, small"}
    thick = [t.get_text() for t in ax.texts if t.get_bbox_patch().get_linewidth() > 2]
    assert thick == ["good, big"]
    assert Described(ax, "a diamond").png.startswith(b"\x89PNG")


def test_a_cycle_has_no_hasse_diagram_but_can_be_drawn_as_a_relation():
    circle = PreferenceOrder.from_pairs([("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")])
    with pytest.raises(OrderError, match="cycle"):
        hasse(circle)
    ax = relation(circle)
    arrows = [note for note in ax.texts if getattr(note, "arrow_patch", None)]
    assert len(arrows) == 4
    assert sum(arrow.arrow_patch.get_linewidth() > 2 for arrow in arrows) == 3
    Described(ax, "a circle")


def test_number_lines_keep_order_and_proportion():
    ax = number_lines({"r": {"a": 0.0, "b": 1.0, "c": 4.0}, "ties": {"a": 2.0, "b": 2.0}})
    places = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert places == [0.0, 0.25, 1.0, 0.0, 0.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["r", "ties"]
    assert {"a", "b", "c", "0", "1", "4", "2"} == {text.get_text() for text in ax.texts}


def test_curves_with_spread_draw_means_and_bands():
    ax = curves_with_spread({"m": {12: (0.5, 0.4, 0.7), 24: (0.8, 0.7, 0.9)}, "n": {12: (0.1, 0, 0.2)}})
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.5, 0.8], [0.1]]
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 2  # not by colour alone
    assert [label.get_text() for label in ax.get_xticklabels()] == ["12", "24"]
    assert ax.collections[0].get_datalim(ax.transData).bounds[1] == pytest.approx(0.4)


def test_score_bars_draw_every_score_of_every_name():
    ax = score_bars({"stored": {1: 3, 10: 2}, "repaired": {10: 1, 7: 4}})
    assert [sorted(bar.get_height() for bar in group) for group in ax.containers] == [[0, 2, 3], [0, 1, 4]]
    assert len({bar.get_hatch() for group in ax.containers for bar in group}) == 2  # not by colour alone
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "7", "10"]
    Described(ax, "bars")


def test_length_steps_end_at_everything_and_name_the_median():
    ax = length_steps({"chosen": [10, 20, 30], "rejected": [5, 5]})
    assert [line.get_ydata()[-1] for line in ax.lines] == [1.0, 1.0]
    assert len({line.get_linestyle() for line in ax.lines}) == 2
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["chosen: median 20 words", "rejected: median 5 words"]


def test_shares_carry_their_intervals():
    ax = shares_with_intervals({0: (0.5, 0.4, 0.7), 3: (0.9, 0.8, 0.95)}, level=0.5)
    assert list(ax.lines[0].get_ydata()) == [0.5, 0.9]
    ends = [tuple(segment[:, 1]) for segment in ax.collections[0].get_segments()]
    assert ends == [pytest.approx((0.4, 0.7)), pytest.approx((0.8, 0.95))]


def test_knob_panels_draw_one_panel_a_knob():
    first = knob_panels({"length": ("share", {0: 0.5, 4: 0.8}, 0.5), "noise": ("right", {0: 1.0}, None)})
    one, two = first.figure.axes
    assert first is one and len(one.lines) == 2 and len(two.lines) == 1
    assert (one.get_title(), two.get_ylabel()) == ("length", "right")
    assert list(one.lines[0].get_ydata()) == [0.5, 0.8]


def test_gaps_by_length_draw_each_pair_and_the_medians_of_its_neighbours():
    differences, gaps = [10, -10, 20, -20, 30, -30], [-1.0, 1.0, -2.0, 2.0, -3.0, 6.0]
    ax = gaps_by_length(differences, gaps, bins=2)
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    assert list(zip(dots.get_xdata(), dots.get_ydata(), strict=True)) == list(
        zip(differences, gaps, strict=True)
    )
    squares = [(s.get_xdata()[0], s.get_ydata()[0]) for s in ax.lines if s.get_marker() == "s"]
    assert squares == [(-20, 2.0), (20, -2.0)]
    assert "tokens" in ax.get_xlabel()
    assert len([s for s in gaps_by_length([1], [2.0]).lines if s.get_marker() == "s"]) == 1
