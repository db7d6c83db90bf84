"""Figures of notebook 04: bars in the order given, values with their errors, the end marked."""

import matplotlib
import numpy as np
import pytest

from pedagogy.plots import Described, token_bars, values_with_errors, visible

matplotlib.use("agg")


def test_tokens_can_be_read():
    assert [visible(t) for t in (" a", "\n", "", "x")] == ["␣a", "⏎", "∅", "x"]


def test_bars_stand_in_the_order_given_with_their_numbers():
    ax = token_bars([" a", "$x$", "b"], [0.7, 0.0, 0.0001])
    labels = {
        tick: label.get_text() for tick, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    }
    widths = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in ax.patches}
    assert [labels[place] for place in (2, 1, 0)] == ["␣a", "$x$", "b"]
    assert [widths[place] for place in (2, 1, 0)] == [0.7, 0.0, 0.0001]
    assert [text.get_text() for text in ax.texts] == ["0.700", "0", "< 0.001"]
    low, high = (token_bars(["a"], [p], most=1).get_xlim() for p in (0.1, 0.9))
    assert low == high  # panels that can be compared
    assert Described(ax, "three bars").png.startswith(b"\x89PNG")  # a dollar sign is no mathematics


def test_values_have_bars_of_two_standard_errors_and_an_end():
    t, means, errors = np.array([0, 5, 9]), [2.0, 3.0, 7.5], [0.5, 0.25, 0.0]
    ax = values_with_errors({"one": (t, means, errors), "two": (t, means, errors)})
    bars = [path.vertices[:, 1] for path in ax.collections[0].get_paths()]
    assert [high - low for low, high in bars] == pytest.approx([2.0, 1.0, 0.0])
    ends = [line for line in ax.lines if line.get_markersize() == 13]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in ends] == [(9, 7.5)] * 2
    assert len({line.get_marker() for line in ends}) == 2  # not by colour alone
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
