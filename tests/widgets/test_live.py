"""DPO live without a browser: runs on tiny models, noise, pause and stop, the table, pages, the thread."""

import base64
import math
import threading
import time
from xml.etree import ElementTree

import ipywidgets as ui
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedagogy as pg
from pedagogy.feedback.schemas import FeedbackError
from pedagogy.losses import LOSSES
from pedagogy.policy import load_policy
from pedagogy.references import fingerprint
from pedagogy.widgets import live as live_view
from pedagogy.widgets import live_curves, live_page, live_state
from pedagogy.widgets.gap_state import Problem
from pedagogy.widgets.live_state import DONE, FAILED, STOPPED, Dials, LiveState, flip_labels, hold_out
from tests.conftest import make_pairs
from tests.widgets.conftest import TRAPS, Page, imported_by, widgets

NASTY = "<script>hacked = 1</script> & '\""

pytestmark = pytest.mark.usefixtures("quick_and_apart")


@pytest.fixture
def policy(folders):
    return load_policy(folders["llama"], device="cpu")


OPTIONS = {"batch_size": 4, "max_new_tokens": 8, "lr": 1e-3}


@pytest.fixture
def state(policy):
    return LiveState(policy, make_pairs(24), make_pairs(6, seed=1), **OPTIONS)


@pytest.fixture
def widget(policy):
    made = []

    def make(**options) -> live_view.DPOLive:
        made.append(
            live_view.DPOLive(policy, make_pairs(24), make_pairs(6, seed=1), **{**OPTIONS, **options})
        )
        return made[-1]

    yield make
    for game in made:
        game.close()
        game.state.wait(20)


def run(state: LiveState):
    """Start, and work to the end, without a thread."""
    state.start()
    for _ in state.work():
        pass
    return state.attempt


def fails(*_):
    raise RuntimeError("out of ideas")


# A run


def test_a_run_is_train_dpos_own(state, policy, folders):
    attempt = run(state)
    assert attempt.status == DONE and attempt.step == attempt.steps == 6
    other = load_policy(folders["llama"], device="cpu")
    wanted = pg.train_dpo(
        other, state.pairs, state.held_out, beta=0.1, batch_size=4, lr=1e-3, eval_every=2, fresh=True
    )
    found = state.history()
    same = ["step", "split", "loss", "accuracy", "margin", "chosen_logp", "rejected_logp", "kl"]
    assert found[same].equals(wanted[same])
    assert fingerprint(state.trained().model) == fingerprint(other.model) != fingerprint(policy.model)


def test_the_policy_itself_stays_and_the_loss_begins_at_ln_2(state, policy):
    before = fingerprint(policy.model)
    history = (run(state), state.history())[1]
    assert fingerprint(policy.model) == before and state.policy is policy
    for split in ("train", "held-out"):
        first = history[history.split == split].iloc[0]
        assert first.loss == pytest.approx(math.log(2), abs=1e-4)
        assert first.chosen_change == pytest.approx(0, abs=1e-3)


def test_changes_since_the_start_are_the_margin(state):
    state.dial(beta=0.5, noise=0.3)
    run(state)
    for row in state.history().itertuples():
        assert row.margin == pytest.approx(0.5 * (row.chosen_change - row.rejected_change), abs=1e-4)


def test_changes_are_against_the_policys_own_scores(state, policy):
    run(state)
    last, trained = state.attempt.measured, state.trained()
    change = [
        trained.score(p["prompt"], p["chosen"]).total - policy.score(p["prompt"], p["chosen"]).total
        for p in state.held_out
    ]
    assert last["split"] == "held-out" and last["chosen_change"] == pytest.approx(np.mean(change), abs=1e-3)


@pytest.mark.parametrize("loss_type", sorted(LOSSES))
def test_every_loss_begins_where_its_mark_is(state, loss_type):
    state.dial(loss_type=loss_type, label_smoothing=0.2, beta=0.2)
    attempt = run(state)
    assert not attempt.error and attempt.rows[0]["loss"] == pytest.approx(attempt.dials.start_loss, abs=1e-3)
    if loss_type in ("sigmoid", "robust"):
        assert attempt.dials.start_loss == pytest.approx(math.log(2))


def test_answers_are_the_greedy_ones_before_and_after(state, policy):
    attempt = run(state)
    x, first, last = state.dials.prompt, attempt.answers[0], attempt.answers[-1]
    assert x == state.held_out[0]["prompt"]
    assert (first.step, first.text) == (0, policy.generate(x, 8))
    assert (last.step, last.text) == (6, state.trained().generate(x, 8))
    assert all(a.utility is None for a in attempt.answers) and "utility" not in live_page.static(state)
    assert all(a.tokens <= 8 and (a.ended or a.tokens == 8) for a in attempt.answers)


def test_the_truth_is_asked_only_where_it_is_given(policy):
    state = LiveState(policy, make_pairs(8), make_pairs(2), truth=lambda x, y: len(y), **OPTIONS)
    answer = run(state).answers[-1]
    assert answer.utility == len(answer.text) == state.table().utility.iloc[-1]
    assert "true utility" in live_page.static(state)


# Settings


def test_a_change_takes_effect_with_the_next_start_and_says_so(state):
    assert state.pending() == ""
    state.start()
    pieces = state.work()
    for _ in range(4):
        next(pieces)
    state.dial(beta=0.5, loss_type="ipo")
    assert "next start" in state.pending() and "β 0.5 instead of 0.1" in state.pending()
    for _ in pieces:
        pass
    assert state.attempt.dials.beta == 0.1 and state.pending() == ""
    run(state)
    assert state.table().beta.tolist() == [0.1, 0.5]
    assert state.table().loss_type.tolist() == ["sigmoid", "ipo"]


@given(st.integers(1, 40), st.floats(0, 1), st.integers(0, 5))
def test_noise_flips_a_seeded_share(n, share, seed):
    pairs = make_pairs(n)
    flipped = flip_labels(pairs, share, seed)
    turned = [a != b for a, b in zip(pairs, flipped, strict=True)]
    assert sum(turned) == round(share * n) and flipped == flip_labels(pairs, share, seed)
    for before, after, other in zip(pairs, flipped, turned, strict=True):
        if other:
            assert (after["chosen"], after["rejected"]) == (before["rejected"], before["chosen"])
    more = [a != b for a, b in zip(pairs, flip_labels(pairs, min(1.0, share + 0.2), seed), strict=True)]
    assert all(m or not t for t, m in zip(turned, more, strict=True))  # nested


def test_noise_is_told_and_spares_the_held_out(state):
    clean = run(state).rows[0]
    state.dial(noise=0.5)
    assert "Simulated noise" in live_page.settings_note(state)
    noisy = run(state)
    assert noisy.flipped == 12 and "Simulated noise: 12 of 24" in live_page.status(state)
    assert noisy.rows[0]["chosen_logp"] == pytest.approx(clean["chosen_logp"], abs=1e-4)  # held-out
    labels = [(a["chosen"], a["rejected"]) for a in state.pairs]
    assert labels == [(a["chosen"], a["rejected"]) for a in make_pairs(24)]  # the data stay


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"beta": 0}, "beta"), ({"lr": -1}, "lr"), ({"noise": 2}, "noise"), ({"loss_type": "dpo"}, "dpo"),
     ({"label_smoothing": 0.7}, "label_smoothing"), ({"epochs": 0}, "epochs")],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(policy, wrong, named):
    with pytest.raises(ValueError, match=named):
        LiveState(policy, make_pairs(4), make_pairs(2), **wrong)


def test_bad_pairs_are_named_at_once(policy):
    same = make_pairs(3)
    same[1]["rejected"] = same[1]["chosen"]
    with pytest.raises(FeedbackError, match="row 1.*rejected"):
        LiveState(policy, same)
    with pytest.raises(ValueError, match="no pairs"):
        LiveState(policy, [])


def test_own_pairs_without_held_out_ones_keep_whole_prompts_apart(policy):
    pairs = [row | {"prompt": f"{i % 30} {row['prompt'][:3]}"} for i, row in enumerate(make_pairs(60))]
    state = LiveState(policy, pairs)
    assert len(state.pairs) + len(state.held_out) == 60 and state.held_out
    assert not {r["prompt"] for r in state.pairs} & {r["prompt"] for r in state.held_out}
    assert hold_out(pairs[:1]) == (pairs[:1], [])


def test_without_held_out_pairs_there_is_no_kl_and_no_error(policy):
    state = LiveState(policy, make_pairs(8), (), **OPTIONS)
    attempt = run(state)
    assert attempt.status == DONE and state.table().kl.isna().all()
    assert "KL(π‖π_ref), estimate" not in live_page.charts(attempt) and "no KL" in live_page.data_note(state)


# Pause, stop, start again


def test_pause_does_no_work_and_resume_gives_the_same_numbers(policy):
    whole, halting = (LiveState(policy, make_pairs(24), make_pairs(6, 1), **OPTIONS) for _ in range(2))
    run(whole)
    halting.start()
    pieces = halting.work()
    for _ in range(6):
        next(pieces)
    halting.pause()
    done = len(halting.attempt.rows)
    for _ in range(5):
        next(pieces)
    assert len(halting.attempt.rows) == done and "paused" in live_page.status(halting)
    halting.resume()
    for _ in pieces:
        pass
    same = ["step", "split", "loss", "margin", "kl"]
    assert halting.history()[same].equals(whole.history()[same])


def test_stop_measures_where_it_is(state):
    state.start()
    pieces = state.work()
    while state.attempt.step < 3:
        next(pieces)
    state.stop()
    for _ in pieces:
        pass
    assert state.attempt.status == STOPPED and state.attempt.step == 3
    assert state.attempt.measured["step"] == 3 == state.attempt.answers[-1].step
    assert run(state).status == DONE and state.table().step.tolist() == [3, 6]


def test_a_second_run_at_once_is_refused(state, policy):
    state.start()
    with pytest.raises(Problem, match="Stop first"):
        state.start()
    other = LiveState(policy, make_pairs(4), make_pairs(2))  # the cell, run again
    for _ in state.work():
        pass
    assert state.attempt.status == STOPPED and "another" in state.attempt.note and not state.attempt.rows
    with pytest.raises(Problem, match="nothing to pause"):
        other.pause()
    with pytest.raises(Problem, match="nothing to stop"):
        other.stop()


def test_errors_are_told_in_plain_words_and_the_next_run_works(policy):
    state = LiveState(policy, make_pairs(8), make_pairs(2), truth=fails, **OPTIONS)
    assert run(state).status == FAILED
    assert "out of ideas" in live_page.static(state) and "Traceback" not in live_page.static(state)
    state.truth = None
    assert run(state).status == DONE


def test_a_loss_that_is_no_number_names_its_pair(state, monkeypatch):
    state.dial(lr=1e30)
    attempt = run(state)
    assert attempt.status == FAILED and "row" in attempt.error and "lr" in attempt.error
    assert live_page.static(state) and live_page.figure_png(attempt)


def test_nothing_is_trained_yet_is_said(state):
    with pytest.raises(Problem, match="press Start"):
        state.trained()
    assert state.history().empty and state.table().empty


# The widget and its thread


def test_the_thread_trains_while_the_page_changes(widget):
    game = widget()
    before = game.curves.value
    game.go.click()
    assert game.state._thread is not threading.main_thread() and game.wait(60)
    assert game.state.attempt.status == DONE and game.curves.value != before
    assert game.go.description == "▶ Start" and "✓ done" in game.table.value
    assert len(game.runs) == 1 and game.history.step.max() == 6
    assert fingerprint(game.policy.model) != fingerprint(game.state.policy.model)


def test_buttons_pause_resume_and_stop_the_thread(widget, monkeypatch):
    game = widget(epochs=50)
    game.go.click()
    wait_for(lambda: game.state.attempt.step > 1)
    game.go.click()
    assert game.go.description == "▶ Resume" and not game.wait(5)
    with game.state.lock:  # the piece that was at work is done
        halted = game.state.attempt.step
    snapshot = game.policy
    game.beta.value = 0.5
    assert "next start" in game.message.value
    time.sleep(0.2)
    assert game.state.attempt.step == halted
    game.go.click()
    wait_for(lambda: game.state.attempt.step > halted)
    assert fingerprint(snapshot.model) != fingerprint(game.policy.model)
    game.go.click()
    game.end.click()  # also where it is paused
    assert game.wait(20) and game.state.attempt.status == STOPPED
    game.end.click()
    assert "nothing to stop" in game.message.value


def test_a_pause_during_the_last_piece_does_not_hold_up_the_next_run(widget, monkeypatch):
    game = widget()
    finish = live_state.Attempt.finish

    def paused_late(attempt, status):
        game.state.paused = True  # what pause() does, had it come a moment before
        game.state._go_on.clear()
        finish(attempt, status)

    monkeypatch.setattr(live_state.Attempt, "finish", paused_late)
    game.start()
    game.state._thread.join(20)
    monkeypatch.undo()
    game.start()
    assert game.wait(60) and game.runs.status.tolist() == [DONE, DONE]


def test_never_two_at_once_and_closing_ends_the_thread(widget):
    first = widget(epochs=100)
    first.start()
    wait_for(lambda: first.state.attempt.step > 0)
    second = widget(epochs=100)  # the cell, run again
    second.start()
    assert first.wait(20) and "another DPO live" in first.message.value
    wait_for(lambda: second.state.attempt.step > 0)
    assert len([t for t in threading.enumerate() if t.name == "DPO live"]) == 1
    second.close()
    assert second.wait(20) and not [t for t in threading.enumerate() if t.name == "DPO live"]


def test_the_picture_is_drawn_at_most_twice_a_second(widget, monkeypatch):
    game, drawn = widget(epochs=30), []
    show = game._show
    monkeypatch.setattr(game, "_show", lambda error="": (drawn.append(time.monotonic()), show(error)))
    game.start()
    assert game.wait(60)
    gaps = np.diff(drawn[:-1])  # the last one comes when the run ends
    assert (gaps[1:] >= live_view.REDRAW * 0.99).all()


def test_an_error_in_the_thread_is_on_the_page(widget):
    game = widget(truth=fails)
    game.start()
    assert game.wait(20)
    assert "out of ideas" in game.message.value and game.go.description == "▶ Start"


def wait_for(true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


# Controls, layers, pages


def test_controls_are_safe_under_the_keyboard_and_described(widget):
    game = widget(beta=0.3)
    assert game.beta.value == 0.3 and len(game.loss.options) == len(LOSSES)
    for control in widgets(game):
        assert not isinstance(control, TRAPS)
        if isinstance(control, ui.Button | ui.ToggleButtons | ui.Textarea | ui.SelectionSlider):
            assert control.description
            assert getattr(control, "tooltip", None) or getattr(control, "tooltips", None)


@pytest.mark.parametrize("name", ["live_state", "live_page", "live_curves"])
def test_the_game_knows_nothing_of_widgets(name):
    assert not [module for module in imported_by(name) if "ipywidgets" in module or "howto" in module]


def test_one_bundle_holds_widget_page_and_picture(widget):
    game = widget(prompt=NASTY)
    bundle = game._repr_mimebundle_()
    assert "Nothing has run yet" in bundle["text/html"] and "image/png" not in bundle
    game.start()
    game.wait(60)
    bundle = game._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    page = Page(bundle["text/html"])
    assert page.tags["svg"] == 4 and "table" in page.tags and "script" not in page.tags
    said = " ".join(page.values("aria-label"))
    assert "ln 2" in page.text and "nats" in said and "KL" in said and "margin" in said
    assert "done" in bundle["text/plain"]


NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.just(float("inf")))


@given(st.lists(NUMBERS, max_size=30), st.lists(NUMBERS, max_size=8))
def test_curves_stay_inside_their_frame_and_are_labelled(faint, points):
    line, marks = list(enumerate(faint)), list(enumerate(points))
    drawn = live_curves.Curve(marks, line, "#0072b2")
    svg = ElementTree.fromstring(
        live_curves.curves(NASTY, "nats", [drawn], 30, live_curves.Level(0.69, "ln 2 & <b>"))
    )
    assert svg.get("role") == "img" and svg.get("aria-label") == NASTY
    text = " ".join(svg.itertext())
    assert "nats" in text and "steps" in text and "ln 2 & <b>" in text
    for polyline in svg.iter("{http://www.w3.org/2000/svg}polyline"):
        for point in polyline.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= live_curves.WIDTH and 0 <= y <= live_curves.HEIGHT


def test_new_words_are_marked_and_text_is_escaped():
    made = live_page._marked("Use a jack.", "Use <b> strong jack.")
    assert made == "Use <mark>&lt;b&gt; strong</mark> jack."
    assert live_page._marked("the same", "the same") == "the same"


@given(st.floats(0.001, 10), st.sampled_from(sorted(LOSSES)), st.sampled_from(live_state.SMOOTHINGS))
def test_any_dial_has_a_start(beta, loss_type, smoothing):
    assert math.isfinite(Dials(beta=beta, loss_type=loss_type, label_smoothing=smoothing).start_loss)
