"""The annotation desk without a browser: blind, saved at every click, resumed, and then the report."""

import json
import re

import ipywidgets as ui
import pytest
from datasets import Dataset

import pedagogy as pg
from pedagogy.annotations import VERDICTS, read_file
from pedagogy.widgets import AnnotationDesk
from pedagogy.widgets.desk_state import DeskState
from pedagogy.widgets.gap_state import Problem
from tests.widgets.conftest import TRAPS, Page, widgets

NASTY = "<script>alert(\"x\")</script> & 'single' </article>\n<img src=x onerror=alert(1)>"
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
SECRETS = ("Secret-Model", "Hidden principle", "Told rationale", "Told critique", "9.75", "3.25", "utility")


def answer(text: str, score: float) -> dict:
    rated = {k: {"Rating": "9.75", "Rationale": "Told rationale"} for k in ASPECTS}
    told = {"model": "Secret-Model", "principle": "Hidden principle", "critique": "Told critique"}
    told |= {"custom_system_prompt": "Hidden principle", "fine-grained_score": 3.25, "utility": 9.75}
    return {"response": text, "annotations": rated, "overall_score": score, **told}


def row(i: int) -> dict:
    answers = [answer(f"Answer {i}.{k}" + " word" * (8 - k), 9.75 - k) for k in range(4)]
    return {"instruction": f"Question {i}?", "models": ["Secret-Model"] * 4, "completions": answers}


ROWS = [row(i) for i in range(4)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annotations" / "desk.jsonl"


@pytest.fixture
def desk(path):
    """Makes a desk over ROWS: 24 pairs and 6 of them again."""

    def make(feedback=ROWS, **options):
        return AnnotationDesk(feedback, **({"file": path} | options))

    return make


def judge(desk: AnnotationDesk, verdicts: str) -> None:
    """By the first letter of each: l, r, t, c."""
    for letter in verdicts:
        desk.buttons[next(v for v in VERDICTS if v[0] == letter)].click()


def screen(desk: AnnotationDesk) -> str:
    """Everything a browser gets: all traits of all widgets, and the page for readers without a kernel."""
    states = [w.get_state() for w in widgets(desk)]
    bundle = desk._repr_mimebundle_()
    return json.dumps([states, bundle["text/html"], bundle["text/plain"]], default=str, ensure_ascii=False)


def text(desk: AnnotationDesk, *parts: str) -> str:
    return Page("".join(getattr(desk, part).value for part in parts)).text


# Blind


def test_nothing_tells_who_wrote_what_or_what_others_thought(desk):
    blind = desk(truth="utility")
    for _ in range(len(blind.state.queue)):
        shown = screen(blind)
        assert not [secret for secret in SECRETS if secret in shown]
        question = blind.state.question
        said = text(blind, "question", "answers", "message")
        assert said == f"{question.prompt}Left{question.left_text}Right{question.right_text}"
        judge(blind, "l")
    blind.look.click()
    assert "Secret-Model" not in screen(blind)


def test_a_repeated_pair_is_not_announced(desk):
    game = desk()
    first = re.sub(r"\d+", "#", text(game, "progress"))
    for _ in range(len(game.state.queue) - 1):
        judge(game, "l")
        assert re.sub(r"\d+", "#", text(game, "progress")).replace("verdict ", "verdicts ") == first


# Saved at every click


def test_every_click_is_in_the_file_before_the_next_pair(desk, path):
    game = desk()
    for number, (letter, verdict) in enumerate(zip("lrtc", VERDICTS, strict=True), 1):
        question = game.state.question
        judge(game, letter)
        saved = pg.load_annotations(path)
        assert len(saved) == number and saved[-1]["verdict"] == verdict
        assert [saved[-1][k] for k in ("prompt", "left_text", "right_text", "row", "left", "right")] == [
            getattr(question, k) for k in ("prompt", "left_text", "right_text", "row", "left", "right")
        ]
        assert game.state.question != question and f"Pair {number + 1} of 30" in text(game, "progress")


def test_a_new_desk_goes_on_where_the_last_one_stopped(desk):
    first = desk()
    judge(first, "lrtc")
    again = desk()
    assert again.state.question == first.state.question and again.state.done == 4
    judge(again, "l" * 26)
    assert "All 30 pairs judged" in text(desk(), "progress") and desk().state.question is None
    done = desk()
    judge(done, "l")  # nothing is left to judge, and no button is disabled, lest it lose the focus
    assert "All pairs are judged" in text(done, "message") and len(done.verdicts) == 30
    assert not any(w.disabled for w in widgets(done) if isinstance(w, ui.Button))
    other = desk(seed=1)  # the same pairs from other sides: asked where these were not seen
    assert 0 < other.state.done < 30
    assert desk(annotator="another").state.done == 0


def test_undo_takes_back_and_deletes_nothing(desk, path):
    game = desk()
    asked = game.state.question
    judge(game, "lr")
    game.undo.click()
    game.undo.click()
    assert game.state.question == asked and "Taken back" in text(game, "message")
    judge(game, "r")
    assert [r["kind"] for r in read_file(path)] == ["verdict", "verdict", "undo", "undo", "verdict"]
    assert [v["verdict"] for v in pg.load_annotations(path)] == ["right"]
    assert desk().state.question == game.state.question
    desk().undo.click()  # of an earlier session too
    assert pg.load_annotations(path) == []
    with pytest.raises(Problem, match="no verdict"):
        desk().state.undo()
    empty = desk()
    empty.undo.click()
    assert "no verdict to take back" in text(empty, "message")


def test_what_cannot_be_saved_is_kept_and_tried_again(desk, path):
    path.parent.write_text("a file where the folder should be")
    game = desk()
    judge(game, "l")
    assert "could not be saved" in text(game, "message") and "1 record in memory only" in text(
        game, "progress"
    )
    assert game.state.done == 1
    path.parent.unlink()
    judge(game, "r")
    assert not text(game, "message") and "memory" not in text(game, "progress")
    assert [v["verdict"] for v in pg.load_annotations(path)] == ["left", "right"]


def test_a_damaged_line_is_told_and_kept(desk, path):
    judge(desk(), "lr")
    damaged = path.read_bytes()[:-40]
    path.write_bytes(damaged)
    game = desk()
    assert "line 2" in text(game, "message") and game.state.done == 1
    judge(game, "t")
    assert path.read_bytes().startswith(damaged) and desk().state.done == 2


def test_the_clock_runs_from_showing_to_click(path):
    now = [0.0]
    state = DeskState(ROWS, path, clock=lambda: now[0])
    now[0] = 7.5
    state.judge("left")
    now[0] = 10
    state.open_report()
    now[0] = 60
    state.close_report()
    now[0] = 62
    state.judge("left")
    assert [v["seconds"] for v in state.verdicts] == [7.5, 2.0]


# The report


def test_the_report_opens_when_asked_and_closes_again(desk, path):
    game = desk(truth=lambda prompt, response: -len(response))
    game.look.click()
    assert "no verdicts yet" in text(game, "message") and game.report is None
    judge(game, "l" * 20)
    game.look.click()
    said = text(game, "shown")
    assert "You and the annotator" in said and "You and the truth" in said and "Cohen’s κ" in said
    assert game.report.left == pg.agreement(path, ROWS).left == pg.agreement(game.verdicts, ROWS).left
    assert game.judging.layout.display == "none" == game.answers.layout.display
    game.look.click()
    assert game.report is None and not game.shown.value and game.judging.layout.display is None
    judge(game, "r")
    game.look.click()
    assert "1 of 21 verdicts were given after the report" in text(game, "shown")
    assert [r["kind"] for r in read_file(path)].count("report") == 1


def test_without_a_truth_the_report_says_so(desk):
    game = desk()
    judge(game, "l")
    game.look.click()
    assert "no truth was given" in text(game, "shown")


def test_a_truth_that_fails_is_told_and_the_rest_is_shown(desk):
    def broken(prompt, response):
        raise KeyError("<no such task>")

    game = desk(truth=broken)
    judge(game, "lr")
    game.look.click()
    assert "The truth could not be used (KeyError" in text(game, "message")
    assert "You and the annotator" in text(game, "shown") and "<no such" not in game.message.value


def test_a_cycle_is_shown_in_words(desk):
    game = desk(repeats=0)
    beats = {("A", "B"), ("B", "C"), ("C", "A"), ("A", "D"), ("B", "D"), ("C", "D")}
    for _ in range(24):
        question = game.state.question
        judge(game, "l" if (question.left, question.right) in beats else "r")
    game.look.click()
    said = text(game, "shown")
    assert said.count("A ≻ B ≻ C ≻ A") == 4 and "and yet C over A" in said
    assert "4 prompts of which every pair is decided" in said and "2.5 of them" in said


# Export


def test_the_export_can_be_loaded_and_says_how(desk, path):
    game = desk()
    game.export.click()
    assert "no pair to export" in text(game, "message")
    judge(game, "lrtc")
    game.export.click()
    command = re.search(r'load_pairs\("(.*?)"\)', text(game, "message"))
    pairs = pg.load_pairs(command[1])
    assert pairs.to_list() == game.pairs().to_list() == pg.to_pairs(path).to_list() and len(pairs) == 2


def test_an_export_that_fails_is_told(desk, path):
    game = desk()
    judge(game, "l")
    path.with_name("desk_pairs.jsonl").mkdir()
    game.export.click()
    assert "could not be written" in text(game, "message")


# The view


def test_any_text_is_only_text(desk):
    nasty = [
        {"instruction": NASTY, "completions": [answer(NASTY, 1), answer(f"{NASTY} b", 2), answer("c", 3)]}
    ]
    game = desk(nasty, truth="overall_score")
    for _ in range(len(game.state.queue)):
        bundle = game._repr_mimebundle_()["text/html"]
        assert "<script" not in bundle and "<img" not in bundle and "&lt;script" in bundle
        judge(game, "r")
    game.look.click()
    for html in (game.shown.value, game._repr_mimebundle_()["text/html"], game.message.value):
        assert "<script" not in html and "<img" not in html


def test_controls_are_safe_under_jupyterlabs_keys_and_say_what_they_do(desk):
    every = list(widgets(desk()))
    assert not [w for w in every if isinstance(w, TRAPS)]
    assert all(w.tooltip for w in every if isinstance(w, ui.Button))


def test_one_bundle_has_the_widget_and_a_page(desk):
    game = desk()
    bundle = game._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= bundle.keys()
    assert "0 pairs judged" in bundle["text/plain"]
    judge(game, "l")
    game.look.click()
    bundle = game._repr_mimebundle_()
    assert "You and the annotator" in bundle["text/html"] and "You and the annotator" in bundle["text/plain"]


def test_rows_may_be_a_data_set(desk):
    plain = [{k: r[k] for k in ("instruction", "completions")} for r in ROWS]
    stored, listed = desk(Dataset.from_list(plain)), desk(plain)
    assert stored.state.queue == listed.state.queue
    judge(stored, "lr")
    stored.look.click()
    assert stored.report.annotator.agree.total == 2


def test_bad_numbers_are_refused(desk):
    for options in ({"prompts": 0}, {"repeats": -1}):
        with pytest.raises(ValueError, match="at least 1 prompt"):
            desk(**options)


def test_the_bundled_feedback_is_the_default(path):
    game = pg.AnnotationDesk(file=path)
    assert len(game.state.queue) == 42 and len({q.prompt for q in game.state.queue}) == 6
    judge(game, "l")
    game.look.click()
    assert game.report.annotator.with_ties.n == 1
