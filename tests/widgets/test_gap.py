"""The gap explorer without a browser: the game, the pages, the controls, the file of picks."""

import base64
import json
import math
import statistics
import time
import warnings
from datetime import datetime, timedelta
from xml.etree import ElementTree

import ipywidgets as ui
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy import feedback
from pedagogy.policy import Score
from pedagogy.records import append_record
from pedagogy.widgets import GapExplorer, gap_page, read_picks, token_strip
from pedagogy.widgets.gap_state import BUGS, VIEWS, Comparison, GapState, Problem
from pedagogy.widgets.markup import (
    luminance,
    number,
    ratio_shade,
    ratio_strip,
    running_sums,
    shade,
    ticks,
    visible,
)
from pedagogy.widgets.picks import load_picks, new_pick
from tests.widgets.conftest import TRAPS, Page, imported_by, widgets

NASTY = "<script>alert(\"x\")</script> & 'single' </article>\n<img src=x onerror=alert(1)>"


def row(prompt: str, *responses: str) -> dict:
    return {"instruction": prompt, "completions": [{"response": r} for r in responses]}


ROWS = [
    row("How do I change a tire?", "Loosen the nuts, then jack it up.", "Jack it up.", "Call me.", "Hm."),
    row("How do I boil an egg?", "Nine minutes.", "Boil it.", "Boil it.", NASTY),
    row(NASTY, "One\ntwo.", NASTY, "Three.", "Four."),
]


class Words:
    """A policy that splits at spaces and gives a word -1 nat for each of its letters, times `scale`."""

    def __init__(self, name="words", scale=1.0, notes=()):
        self.name, self.scale, self.notes, self.calls = name, scale, notes, 0

    def score_many(self, prompt, responses):
        self.calls += 1
        return [self.score(response) for response in responses]

    def score(self, response):
        tokens = [*response.split(" "), "<end>"]
        logprobs = np.array([-self.scale * len(token) for token in tokens], dtype=np.float32)
        return Score(tokens, list(range(len(tokens))), logprobs, True, self.notes)

    def gap(self, pair):
        return self.score(pair["chosen"]).total - self.score(pair["rejected"]).total


class Broken(Words):
    def score_many(self, prompt, responses):
        raise RuntimeError("out of <memory>")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annotations" / "picks.jsonl"


@pytest.fixture
def explore(path):
    """Makes an explorer over ROWS."""

    def make(policy=None, ref=None, **options):
        return GapExplorer(policy or Words(), ref, ROWS, **({"picks": path} | options))

    return make


def reveal(gap: GapExplorer, guess: int = 1) -> None:
    gap.guess.value = guess
    gap.reveal.click()


# The numbers


def test_gap_and_totals_are_the_policys_own(policies, path):
    policy, ref = policies["llama"], policies["qwen2"]
    gap = GapExplorer(policy, ref, ROWS, beta=0.5, picks=path)
    reveal(gap)
    answers = [c["response"] for c in ROWS[0]["completions"][:2]]
    expected, ref_gap = (
        policy.gap(ROWS[0]["instruction"], *answers),
        ref.gap(ROWS[0]["instruction"], *answers),
    )
    prob = 1 / (1 + math.exp(-0.5 * (expected - ref_gap)))
    text = Page(gap.numbers.value).text
    for value in (number(expected, sign=True), number(ref_gap, sign=True), f"{prob:.3f}"):
        assert value in text
    for answer in answers:
        score = policy.score(ROWS[0]["instruction"], answer)
        assert {number(score.total), number(score.mean), str(len(score.tokens))} <= set(_cells(gap))


def _cells(gap) -> list[str]:
    table = gap.numbers.value.split("<tbody>")[1].split("</tbody>")[0]
    return [cell.split("<")[0] for cell in table.split("<td>")[1:]]


@given(*[st.floats(-900, 0)] * 4, st.floats(1e-3, 10))
def test_preference_is_a_sigmoid_of_the_gap_of_log_ratios(a, b, c, d, beta):
    scores = [Score(["x"], [0], np.array([x])) for x in (a, b, c, d)]
    seen = Comparison(*scores, beta)
    assert 0 <= seen.prob <= 1
    assert (seen.prob > 0.5) == (beta * (seen.gap - seen.ref_gap) > 0) or abs(seen.prob - 0.5) < 1e-9
    assert seen.prob + seen.swapped().prob == pytest.approx(1)
    assert seen.swapped().gap == -seen.gap
    assert Comparison(*scores[:2], None, None, beta).prob is None


def test_without_a_reference_no_ratio_is_shown(explore):
    gap = explore()
    reveal(gap)
    assert "log-ratio" not in Page(gap.numbers.value).text and "P(y" not in Page(gap.numbers.value).text


def test_a_choice_between_other_letters_compares_those(explore):
    gap = explore()
    gap.picked["plus"].value, gap.picked["minus"].value = "D", "C"
    reveal(gap)
    assert gap.state.shown.gap == Words().gap({"chosen": "Hm.", "rejected": "Call me."})


# Prediction first


def test_nothing_is_scored_or_shown_before_a_guess(explore):
    policy = Words()
    gap = explore(policy)
    gap.reveal.click()
    assert "guess" in gap.message.value
    assert policy.calls == 0 and "pg-token" not in gap.strips.value and "<svg" not in gap.numbers.value


CHANGES = {
    "y+": lambda gap: setattr(gap.picked["plus"], "value", "C"),
    "y-": lambda gap: setattr(gap.picked["minus"], "value", "D"),
    "next": lambda gap: gap.next.click(),
    "slider": lambda gap: setattr(gap.row, "value", 3),
    "start": lambda gap: setattr(gap.starts, "value", gap.starts.options[-1][1]),
    "own prompt": lambda gap: (setattr(gap.source, "value", True), setattr(gap.prompt, "value", "Why?")),
    "own response": lambda gap: (
        setattr(gap.typed["plus"], "value", "Mine."),
        setattr(gap.picked["plus"], "value", "own"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_pair_hides_the_numbers_and_asks_again(explore, change):
    gap = explore()
    reveal(gap)
    assert "pg-token" in gap.strips.value
    change(gap)
    assert "pg-token" not in gap.strips.value and "<svg" not in gap.numbers.value
    assert gap.guess.value is None and not gap.message.value
    reveal(gap)
    assert "pg-token" in gap.strips.value


def test_swap_exchanges_the_pair_and_the_sign(explore, path):
    gap = explore()
    gap.swap.click()
    assert (gap.picked["plus"].value, gap.picked["minus"].value) == ("B", "A") and not gap.state.shown
    reveal(gap)
    before = gap.state.shown.gap
    gap.swap.click()
    assert gap.state.shown.gap == -before and number(-before, sign=True) in gap.numbers.value
    picks = load_picks(path)
    assert gap.guess.value is None and gap.guess.disabled  # there is nothing more to guess
    assert [p["guess"] for p in picks] == [1, None]
    assert (picks[0]["chosen"], picks[0]["rejected"]) == (picks[1]["rejected"], picks[1]["chosen"])
    assert gap.state.guesses == (1, 1)


def test_right_and_wrong_guesses_are_counted(explore):
    gap = explore()  # A is longer than B, so y⁺ = A is the less likely one
    reveal(gap, -1)
    assert "right" in gap.numbers.value and "1 of 1" in Page(gap.score.value).text
    gap.picked["minus"].value = "C"
    reveal(gap, 1)
    assert "wrong" in gap.numbers.value and "1 of 2" in Page(gap.score.value).text
    gap.reveal.click()  # the same pair again: nothing more to guess
    assert gap.state.guesses == (1, 2)


def test_a_tie_is_neither_right_nor_wrong(explore):
    gap = explore()
    gap.typed["plus"].value, gap.typed["minus"].value = "ab cd", "ef gh"
    gap.picked["plus"].value = gap.picked["minus"].value = "own"
    reveal(gap)
    text = Page(gap.numbers.value).text
    assert gap.state.guesses == (0, 0) and "equally likely" in text
    assert "Your guess was" not in text


# What a learner can get wrong, in plain words


def test_same_text_twice_and_empty_texts_are_explained(explore):
    gap = explore()
    gap.picked["minus"].value = "A"
    assert "same text" in gap.message.value
    reveal(gap)
    assert not gap.state.shown and "same text" in gap.message.value
    gap.picked["minus"].value = "own"
    assert "y⁻ is empty" in gap.message.value
    gap.typed["minus"].value = "Better."
    assert not gap.message.value
    gap.source.value = True
    gap.prompt.value = " \n"
    assert "prompt is empty" in gap.message.value
    gap.source.value = False
    assert not gap.message.value


def test_a_text_box_is_there_when_it_is_needed_and_only_then(explore):
    gap = explore()
    boxes = [gap.prompt, gap.typed["plus"], gap.typed["minus"]]

    def shown():
        return [box.layout.display != "none" for box in boxes]

    assert shown() == [False, False, False]
    gap.picked["plus"].value = "own"
    assert shown() == [False, True, False]
    gap.picked["minus"].value, gap.source.value = "own", True
    gap.picked["plus"].value = "A"
    assert shown() == [True, False, True]


def test_other_letters_with_the_same_text_are_the_same_response(explore):
    gap = explore()
    gap.next.click()
    gap.picked["plus"].value, gap.picked["minus"].value = "B", "C"
    assert "same text" in gap.message.value


def test_a_prompt_longer_than_the_context_is_explained(policies, path):
    gap = GapExplorer(policies["llama"], None, ROWS, picks=path)
    gap.source.value = True
    gap.prompt.value = "How do I change a tire? " * 200
    reveal(gap)
    assert "context" in gap.message.value and "Traceback" not in gap.message.value
    assert not gap.state.shown and not path.exists()


def test_an_unforeseen_error_is_shown_and_escaped(explore):
    gap = explore(Broken())
    reveal(gap)
    assert "RuntimeError" in gap.message.value and "out of &lt;memory&gt;" in gap.message.value


def test_a_model_of_not_a_number_is_explained(explore):
    gap = explore(Words(scale=math.nan))
    reveal(gap)
    assert "not finite" in gap.message.value and not gap.state.shown


def test_what_a_policy_notes_is_shown_with_the_numbers(explore):
    note = "This text is outside the <world>."
    gap = explore(Words(notes=(note,)), Words("ref", notes=(note,)))
    reveal(gap)
    assert Page(gap.message.value).text == f"y⁺: {note}y⁻: {note}"


@pytest.mark.parametrize("beta", [0, -1, math.nan, math.inf])
def test_beta_is_a_number_above_zero(beta):
    with pytest.raises(ValueError, match="beta"):
        GapState(Words(), None, ROWS, beta)


# Choosing a prompt


def test_prompts_are_walked_by_buttons_slider_and_starts(explore):
    gap = explore()
    assert gap.previous.disabled and gap.row.value == 1 and gap.starts.value == 0
    gap.next.click()
    gap.next.click()
    assert gap.next.disabled and gap.row.value == 3
    gap.row.value = 2
    assert gap.state.prompt == ROWS[1]["instruction"] and ROWS[1]["instruction"] in gap.cards.value
    gap.previous.click()
    assert gap.state.index == 0 and gap.starts.value == 0


def test_starts_are_different_rows_and_the_first_is_among_them(path):
    rows = [row("x" * (50 - i % 7) + str(i), "a", "b") for i in range(40)]
    state = GapState(Words(), None, rows, picks=path)
    assert state.prompts()[0] == 0 and len(set(state.prompts())) == 5
    assert GapState(Words(), None, rows[:1], picks=path).prompts() == [0]


def test_a_typed_prompt_keeps_the_answers_and_comes_back(explore):
    gap = explore()
    gap.source.value = True
    assert gap.prompt.value == ROWS[0]["instruction"]  # something to change, rather than an empty box
    gap.prompt.value = "How do I change a bicycle tire?"
    assert "bicycle" in gap.cards.value and "Jack it up." in gap.cards.value
    gap.source.value = False
    assert "bicycle" not in gap.cards.value
    gap.source.value = True
    assert "bicycle" in gap.cards.value  # kept for the learner
    gap.next.click()
    assert not gap.source.value and "bicycle" not in gap.cards.value


def test_a_row_with_fewer_than_four_answers_works(path):
    gap = GapExplorer(Words(), None, [row("x", "a", "bb"), row("y", "c")], picks=path)
    reveal(gap)
    gap.next.click()
    assert gap.picked["plus"].value == "A" and gap.picked["minus"].value == "own"
    assert "y⁻ is empty" in gap.message.value


def test_a_stored_data_set_does_as_well_as_a_list(path):
    from datasets import Dataset

    state = GapState(Words(), None, Dataset.from_list(ROWS), picks=path)
    assert state.prompts() == GapState(Words(), None, ROWS, picks=path).prompts()


# Escaping and legibility

PIECES = {"style", "div", "article", "header", "span", "br"}
NAMES = {"class", "tabindex", "aria-label", "role", "title", "style", "data-nats"}


def test_no_text_of_the_data_becomes_markup(explore):
    gap = explore(Words(), Words("ref", 2.0))
    gap.row.value = 3
    gap.picked["minus"].value = "B"
    reveal(gap)
    shown = [gap.cards.value, gap.strips.value]
    for html in [*shown, gap_page.static(gap.state)]:
        page = Page(html)
        assert not page.tags.keys() & {"script", "img"} and "onerror" not in page.names()
    assert Page(gap.cards.value).text.count(NASTY) == 2  # the prompt and answer B, as they are
    assert 'alert("x")</script>' in Page(gap.strips.value).text


@given(st.lists(st.tuples(st.text(), st.floats(-30, 0)), min_size=1, max_size=8))
def test_a_strip_shows_every_token_with_its_number_and_nothing_else(pairs):
    tokens, logprobs = zip(*pairs, strict=True)
    page = Page(token_strip(tokens, logprobs))
    assert page.tags.keys() <= PIECES and page.names() <= NAMES
    assert page.text == "".join(map(visible, tokens))
    assert page.values("data-nats") == [number(x) for x in logprobs]
    for spoken, nats in zip(page.values("title"), page.values("data-nats"), strict=True):
        assert f"{nats} nats" in spoken
    assert page.values("tabindex") == ["0"] * len(tokens)


def test_strips_refuse_unequal_lengths():
    with pytest.raises(ValueError):
        token_strip(["a", "b"], [-1.0])


def test_line_breaks_and_blanks_are_visible():
    assert visible("\n\n") == "⏎⏎" and visible("\t") == "⇥" and visible(" ") == "␣" and visible("") == "∅"
    assert visible(" word") == " word" and visible("a\u202eb") == "a\\u202eb"
    assert token_strip([".\n", "Next"], [0, 0]).count("<br>") == 1


@given(st.floats(max_value=0) | st.just(math.nan))
def test_ink_is_legible_on_every_shade(logprob):
    light, dark = sorted((luminance(_rgb(color)) for color in shade(logprob)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@given(st.floats(-8, 0), st.floats(-8, 0))
def test_a_less_likely_token_is_never_lighter(a, b):
    low, high = sorted((a, b))
    assert luminance(_rgb(shade(low)[0])) <= luminance(_rgb(shade(high)[0])) + 1e-2  # rounding to 8 bits


def _rgb(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize(
    ("value", "text"), [(-1.5, "−1.50"), (-0.001, "0.00"), (-math.inf, "−∞"), (2, "2.00")]
)
def test_numbers_have_a_true_minus(value, text):
    assert number(value) == text


# Two policies: the log-ratio of each token


@given(st.lists(st.tuples(st.text(), st.floats(-30, 30)), min_size=1, max_size=8))
def test_a_ratio_strip_shows_a_sign_beside_its_colour(pairs):
    tokens, ratios = zip(*pairs, strict=True)
    page = Page(ratio_strip(tokens, ratios))
    assert page.tags.keys() <= PIECES and page.names() <= NAMES | {"aria-hidden"}
    assert page.values("data-nats") == [number(x, sign=True) for x in ratios]
    signs = ["" if abs(x) < 0.05 else "+" if x > 0 else "−" for x in ratios]
    assert page.text == "".join(s + visible(t) for s, t in zip(signs, tokens, strict=True))


@given(st.floats(-10, 10) | st.just(math.nan))
def test_ink_is_legible_on_every_ratio(ratio):
    light, dark = sorted((luminance(_rgb(color)) for color in ratio_shade(ratio)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_ratio_further_from_0_is_never_lighter(a, b):
    if a * b > 0:
        near, far = sorted((a, b), key=abs)
        assert luminance(_rgb(ratio_shade(far)[0])) <= luminance(_rgb(ratio_shade(near)[0])) + 1e-2


def test_strips_show_either_policy_or_the_ratio(explore):
    gap = explore(Words(), Words("ref", 0.5))
    reveal(gap)
    tokens = Words().score("Jack it up.").tokens
    for view, factor in zip(VIEWS, (-1.0, -0.5, -0.5), strict=True):
        gap.view.value = view
        shown = Page(gap.strips.value).values("data-nats")
        assert shown[-len(tokens) :] == [number(factor * len(t), sign=view == VIEWS[2]) for t in tokens]
    assert 'class="pg-sign"' in gap.strips.value
    gap.picked["minus"].value = "C"  # another pair: the view stays
    reveal(gap)
    assert 'class="pg-sign"' in gap.strips.value


def test_log_ratios_add_up_to_the_difference_of_the_totals(bundled, path):
    gap = GapExplorer(bundled, bundled.name, picks=path)
    reveal(gap)
    shown = gap.state.shown
    for side in ("plus", "minus"):
        score, ref = getattr(shown, side), getattr(shown, f"ref_{side}")
        assert shown.log_ratios(side).sum() == pytest.approx(score.total - ref.total, abs=1e-3)


def test_without_a_reference_there_is_one_view(explore):
    gap = explore()
    reveal(gap)
    assert gap.view.layout.display == "none"
    gap.view.value = VIEWS[2]
    assert "no reference" in gap.message.value and "pg-sign" not in gap.strips.value.split("</style>")[-1]


def test_policies_with_other_tokens_compare_by_totals_alone(explore):
    class Letters(Words):
        def score(self, response):
            logprobs = np.full(len(response), -1.0, dtype=np.float32)
            return Score(list(response), list(range(len(response))), logprobs)

    gap = explore(Words(), Letters("letters"))
    reveal(gap)
    gap.view.value = VIEWS[2]
    assert "other tokens" in gap.strips.value and not Page(gap.strips.value).values("data-nats")


# The table of bugs


@pytest.fixture
def buggy(policies, path):
    gap = GapExplorer(policies["llama"], None, ROWS, picks=path, bugs=True)
    reveal(gap)
    return gap


def table_row(gap, name: str) -> list[str]:
    rows = gap.bug_table.value.split("<tr")[2:]
    return next([c.split("<")[0] for c in r.split("<td>")[1:]] for r in rows if f">{name}</th>" in r)


def test_bugs_are_there_only_where_asked_for(explore):
    gap = explore()
    reveal(gap)
    assert not gap.bug_table.value and gap.bug_table not in gap.children
    assert not any(box in list(widgets(gap)) for box in gap.bugs.values())
    assert "pg-bugs" not in gap_page.static(gap.state).replace(".pg-bugs", "")


def test_bugs_wait_for_the_guess(policies, path):
    gap = GapExplorer(policies["llama"], None, ROWS, picks=path, bugs=True)
    assert all(box.disabled for box in gap.bugs.values()) and not gap.bug_table.value
    reveal(gap)
    assert not any(box.disabled for box in gap.bugs.values()) and "<table" in gap.bug_table.value


def test_the_table_has_the_right_numbers_and_what_each_bug_makes_of_them(buggy):
    plus, minus = buggy.state.shown.plus, buggy.state.shown.minus
    right = table_row(buggy, "✓ as it should be")
    assert right[1:4] == [number(plus.total), number(minus.total), number(buggy.state.shown.gap, sign=True)]
    assert right[0] == f"{len(plus.tokens)}, {len(minus.tokens)}"
    for name in BUGS:
        buggy.bugs[name].value = True
    cut = [float(s.logprobs[:-1].sum()) for s in (plus, minus)]
    assert table_row(buggy, "EOS dropped")[1:3] == [number(x) for x in cut]
    assert table_row(buggy, "mean instead of sum")[1:3] == [number(plus.mean), number(minus.mean)]
    assert table_row(buggy, "prompt counted")[4] == "0.00"  # the same for both
    assert table_row(buggy, "pad counted")[1] == number(plus.total)  # the longer one has no padding
    assert table_row(buggy, "pad counted")[2] != number(minus.total)
    assert table_row(buggy, "no shift")[1] != number(plus.total)
    assert " + ".join(BUGS) in Page(buggy.bug_table.value).text  # all at once
    for name in BUGS:
        assert table_row(buggy, name)[-1]  # one line why


def test_bugs_go_on_and_off_and_the_swap_turns_them(buggy):
    buggy.bugs["EOS dropped"].value = True
    before = table_row(buggy, "EOS dropped")
    buggy.swap.click()
    after = table_row(buggy, "EOS dropped")
    assert (after[1], after[2]) == (before[2], before[1])
    buggy.bugs["EOS dropped"].value = False
    assert "EOS dropped" not in buggy.bug_table.value
    assert len(buggy.state.bug_rows()) == 1


def test_another_sign_is_said_in_words(buggy):
    shown = buggy.state.shown
    signs = {bug.names: bug.gap * shown.gap < 0 for bug in gap_page.all_bugs(shown)}
    text = gap_page.bug_table(gap_page.all_bugs(shown))
    assert text.count("other sign") == sum(signs.values())


def test_the_page_without_a_kernel_has_all_bugs_and_the_ratios(policies, path):
    gap = GapExplorer(policies["llama"], policies["llama"], ROWS, picks=path, bugs=True)
    page = Page(gap._repr_mimebundle_()["text/html"])
    assert all(name in page.text for name in BUGS) and page.values("role").count("list") == 4


# The curves

LOGPROBS = st.lists(st.floats(-40, 0), min_size=1, max_size=60)


@given(LOGPROBS, LOGPROBS)
def test_curves_are_a_labelled_picture_inside_its_frame(plus, minus):
    svg = ElementTree.fromstring(running_sums(plus, minus))
    space = "{http://www.w3.org/2000/svg}"
    assert svg.get("role") == "img" and number(sum(plus) - sum(minus), 1, sign=True) in svg.get("aria-label")
    text = " ".join(svg.itertext())
    assert "nats" in text and "tokens" in text and "y⁺" in text and "y⁻" in text
    solid, dashed = svg.iter(f"{space}polyline")
    assert solid.get("stroke-dasharray") is None and dashed.get("stroke-dasharray")
    _, _, width, height = map(float, svg.get("viewBox").split())
    for line, steps in ((solid, len(plus)), (dashed, len(minus))):
        points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
        assert len(points) == steps + 1
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
        assert all(a[1] <= b[1] + 0.11 for a, b in zip(points, points[1:], strict=False))  # sums only fall


@given(st.floats(-5000, 0), st.floats(0, 5000))
def test_ticks_cover_the_data_and_are_few(low, high):
    made = ticks(low, high)
    assert made[0] <= low + 1e-6 and high - 1e-6 <= made[-1] and 2 <= len(made) <= 8
    assert all(a < b for a, b in zip(made, made[1:], strict=False))


def test_the_figure_ends_at_the_totals():
    from matplotlib.figure import Figure

    from pedagogy.plots import running_logprobs

    ax = running_logprobs([-1.0, -2.0], [-0.5], Figure().add_subplot())
    plus, minus = ax.lines
    assert list(plus.get_ydata()) == [0, -1, -3] and list(minus.get_ydata()) == [0, -0.5]
    assert plus.get_linestyle() != minus.get_linestyle() and plus.get_marker() != minus.get_marker()
    assert "nats" in ax.get_ylabel() and "tokens" in ax.get_xlabel()


# Picks


def test_every_reveal_is_a_line_that_reads_back_as_a_pair(explore, path):
    gap = explore()
    reveal(gap, -1)
    gap.row.value = 3
    gap.picked["minus"].value = "B"
    reveal(gap, 1)
    lines = path.read_bytes().splitlines()
    first, second = map(json.loads, lines)
    assert first["prompt"] == ROWS[0]["instruction"] and first["prompt_id"] == feedback.prompt_id(
        first["prompt"]
    )
    assert first["guess"] == -1 and first["gap"] == Words().gap(first)
    assert first["policy"] == "words" and datetime.fromisoformat(first["time"]).utcoffset() == timedelta(0)
    pairs = read_picks(path)
    assert pairs.features == feedback.PAIR_FEATURES and len(pairs) == 2
    assert feedback.pair_texts(pairs[1]) == (NASTY, second["chosen"], NASTY)
    assert pairs[0]["messages"] == pairs[0]["chosen"] and pairs[0]["score_chosen"] is None


def test_picks_and_score_survive_a_restart(explore):
    reveal(explore(), -1)
    again = explore()
    assert "1 of 1" in again.score.value and "1 pick saved" in again.score.value
    reveal(again, 1)
    assert explore().state.guesses == (1, 2)


def test_a_line_cut_off_is_reported_skipped_and_never_lost(explore, path):
    reveal(explore())
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    gap = explore()
    assert "line 2" in gap.message.value
    reveal(gap)
    assert path.read_bytes().startswith(whole + whole[: len(whole) // 2] + b"\n")
    with pytest.warns(UserWarning, match="line 2: not a whole pick"):
        assert len(read_picks(path)) == 2


GUESS_IS_A_LIST = json.dumps(new_pick("x", "a", "b", [], 1.0, "words")).encode()


@pytest.mark.parametrize("line", [b"[]", b'{"prompt": 3}', b"\xff\xfe", b"null", b'"text"', GUESS_IS_A_LIST])
def test_a_line_that_is_no_pick_is_skipped_with_its_number(path, line):
    append_record(path, new_pick("x", "a", "b", None, 1.0, "words"))
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.warns(UserWarning, match="line 1"):
        assert [p["chosen"] for p in load_picks(path)] == ["a"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_comes_back_as_it_was(tmp_path_factory, chosen, rejected):
    path = tmp_path_factory.mktemp("picks") / "picks.jsonl"
    append_record(path, new_pick("x\n", chosen, rejected, 1, -0.5, "words"))
    append_record(path, new_pick("x\n", rejected, chosen, -1, 0.5, "words"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [(p["chosen"], p["rejected"]) for p in load_picks(path)] == [
            (chosen, rejected),
            (rejected, chosen),
        ]


def test_a_pick_that_cannot_be_written_is_kept_and_tried_again(explore, path):
    path.parent.write_text("a file where the folder should be")
    gap = explore()
    reveal(gap)
    assert gap.state.shown and "could not be saved" in gap.message.value
    assert len(gap.state.ledger.unsaved) == 1 and "1 in memory only" in gap.score.value
    path.parent.unlink()
    gap.swap.click()
    assert not gap.state.ledger.unsaved and not gap.message.value and len(load_picks(path)) == 2


def test_no_picks_yet_is_said(path):
    with pytest.raises(FileNotFoundError, match="reveal a pair"):
        read_picks(path)


# Controls, layers, fallback, speed


def test_controls_are_safe_under_the_keyboard_and_described(explore):
    for control in widgets(explore()):
        assert not isinstance(control, TRAPS)
        if isinstance(control, ui.Button | ui.ToggleButtons | ui.Textarea | ui.IntSlider | ui.Checkbox):
            assert control.description
            assert getattr(control, "tooltip", None) or getattr(control, "tooltips", None)


@pytest.mark.parametrize("name", ["gap_state", "gap_page", "markup", "picks"])
def test_the_game_knows_nothing_of_widgets(name):
    assert not [module for module in imported_by(name) if "ipywidgets" in module or "IPython" in module]


def test_one_bundle_holds_widget_page_and_picture(explore):
    bundle = explore(ref=Words("ref", 0.5))._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    page = Page(bundle["text/html"])
    assert page.values("role").count("list") == 4  # log π, and log-ratios
    assert {"table", "svg"} <= page.tags.keys()
    assert any("Running sums" in label for label in page.values("aria-label"))


def test_the_page_is_what_a_converted_notebook_shows(explore):
    from nbconvert import HTMLExporter

    bundle = explore()._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", bundle)
    cell = nbformat.v4.new_code_cell("gap", outputs=[output])
    exporter = HTMLExporter(template_name="basic")
    exporter.preprocessors = []
    exporter.display_data_priority = ["text/html", "image/png", "text/plain"]
    html, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert html.count('role="list"') == 2 and "<svg" in html


def test_a_pair_without_numbers_still_has_a_page(explore, path):
    gap = GapExplorer(Words(), None, [row("x", "same", "same")], picks=path)
    bundle = gap._repr_mimebundle_()
    assert "same text" in bundle["text/html"] and "image/png" not in bundle
    assert not path.exists()  # a fallback is no pick


def test_a_name_loads_a_policy(folders, path):
    assert GapState(str(folders["llama"]), None, ROWS, picks=path).policy.name == str(folders["llama"])


def test_a_problem_is_raised_by_the_state_itself(path):
    with pytest.raises(Problem, match="guess"):
        GapState(Words(), None, ROWS, picks=path).reveal(None)


@pytest.mark.parametrize("bugs", [False, True])
def test_a_round_trip_is_quick_on_one_core(bundled, path, bugs):
    """From the last choice to the new picture, in seconds of one core; every pair is a new one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        gap = GapExplorer(bundled, "bundled/reference", picks=path, bugs=bugs)
        spent = {"guess": [], "reveal": [], "bug": [], "view": []}
        for _ in range(9):
            gap.next.click()
            steps = {
                "guess": lambda: setattr(gap.guess, "value", 1),  # the policies run here
                "reveal": gap.reveal.click,
                "bug": lambda: setattr(gap.bugs["no shift"], "value", not gap.bugs["no shift"].value),
                "view": lambda: setattr(gap.view, "value", VIEWS[len(gap.state.ledger.records) % 3]),
            }
            for name, act in steps.items():
                start = time.process_time()
                act()
                spent[name].append(time.process_time() - start)
            assert "<svg" in gap.numbers.value
    finally:
        torch.set_num_threads(threads)
    medians = {name: statistics.median(times) for name, times in spent.items()}
    assert max(medians.values()) <= 0.1, medians
