"""A person's verdicts: which pairs are asked, the file that loses nothing, and the pairs to train on."""

import json
import signal
import subprocess
import sys
import warnings
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pedagogy as pg
from pedagogy import annotations, records
from pedagogy.annotations import VERDICTS, export_pairs, in_force, make_queue, new_undo, new_verdict, to_pairs
from pedagogy.feedback import pair_texts
from pedagogy.feedback.schemas import FeedbackError

ROOT = Path(__file__).parents[1]


def row(prompt: str, *responses: str) -> dict:
    return {"instruction": prompt, "completions": [{"response": r} for r in responses]}


def rows(count: int = 8, answers: int = 4) -> list[dict]:
    """Answer 0 of a prompt is its longest."""
    return [
        row(f"Prompt {i}?", *(f"{i}.{k}" + " word" * (answers - k) for k in range(answers)))
        for i in range(count)
    ]


def judged(verdicts: str, feedback=None, **options) -> list[dict]:
    """Records of these verdicts, by first letter, on the beginning of a queue."""
    said = {v[0]: v for v in VERDICTS}
    queue = make_queue(feedback or rows(), **options)
    return [new_verdict(q, said[v], 2.0, "me") for q, v in zip(queue, verdicts, strict=False)]


# The queue


@settings(max_examples=40)
@given(st.integers(), st.integers(3, 7), st.integers(0, 9))
def test_a_queue_asks_every_pair_and_some_again(seed, prompts, repeats):
    queue = make_queue(rows(), seed, prompts, repeats)
    pairs = [(q.prompt, frozenset((q.left, q.right))) for q in queue]
    first = list(dict.fromkeys(pairs))
    asked = {prompt for prompt, _ in pairs}
    assert len(asked) == prompts and len(queue) - len(first) == min(repeats, 2 * prompts)
    every = {(p, frozenset(pair)) for p in asked for pair in combinations("ABCD", 2)}
    assert set(first) == every and len({q.key for q in queue}) == len(queue)
    assert all(a.prompt != b.prompt for a, b in pairwise(queue))
    for pair in first:
        at = [i for i, other in enumerate(pairs) if other == pair]
        if len(at) == 2:
            a, b = queue[at[0]], queue[at[1]]
            assert (a.left_text, a.right_text) == (b.right_text, b.left_text)
            assert at[0] < len(first) / 3 and at[1] >= len(first) * 2 // 3


@given(st.integers(), st.integers(2, 5))
def test_each_answer_is_on_the_left_in_half_of_its_pairs(seed, answers):
    queue = make_queue(rows(answers=answers), seed, prompts=8, repeats=0)
    lefts = Counter((q.prompt, q.left) for q in queue)
    for r in rows():
        shares = [lefts[r["instruction"], pg.feedback.letter(k)] for k in range(answers)]
        assert max(shares) - min(shares) <= 1 and sum(shares) == answers * (answers - 1) / 2


def test_sides_and_order_tell_nothing_of_an_answers_place():
    """Over many seeds each answer is on the left half the time, against each other one, and first or last."""
    queues = [make_queue(rows(2), seed, prompts=1, repeats=0) for seed in range(600)]
    left = Counter((q.left, q.right) for queue in queues for q in queue)
    for a, b in combinations("ABCD", 2):
        assert 230 < left[a, b] < 370  # 300 ± 5.7 standard deviations
    first = Counter(frozenset((queue[0].left, queue[0].right)) for queue in queues)
    assert len(first) == 6 and min(first.values()) > 55  # 100 ± 5


def test_a_queue_depends_on_the_seed_alone():
    assert make_queue(rows(), 3) == make_queue(rows(), 3) != make_queue(rows(), 4)
    texts = [q.left_text for q in make_queue(rows(), 3)]
    assert all(q.prompt_id == pg.feedback.prompt_id(q.prompt) for q in make_queue(rows(), 3)) and texts


@pytest.mark.parametrize("prompts", [1, 2])
def test_few_prompts_are_asked_about_all_the_same(prompts):
    queue = make_queue(rows(prompts), 0, prompts=6, repeats=6)
    assert len({q.key for q in queue}) == len(queue) == 8 * prompts  # 6 pairs, and a third of them again


def test_an_answer_given_twice_is_one_answer_and_a_prompt_in_two_rows_is_asked_once():
    feedback = [row("x?", "a", "b", "a ", "a"), row("y?", "c", "c"), row("x?", "d", "e")]
    for seed in range(9):
        (question,) = make_queue(feedback, seed, repeats=0)
        assert {question.left_text, question.right_text} in ({"a", "b"}, {"d", "e"})
        assert question.row == (0 if "a" in (question.left_text, question.right_text) else 2)


@pytest.mark.parametrize(
    "feedback, words",
    [
        ({"train": rows()}, ("'feedback'", "one split")),
        (iter(rows()), ("'feedback'", "list of rows")),
        ([row("x?", "a", "a"), row("y?", "b")], ("no row with two different answers",)),
        ([], ("no row with two different answers",)),
        ([row("x?", "a", None)], ("row 0", "'completions[1].response'")),
        ([row("", "a", "b")], ("row 0", "'instruction'")),
        ([{"prompt": "x"}], ("row 0", "'instruction'")),
    ],
)  # fmt: skip
def test_unusable_feedback_is_named(feedback, words):
    with pytest.raises(FeedbackError) as error:
        make_queue(feedback)
    assert all(word in str(error.value) for word in words)


# The file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annotations" / "desk.jsonl"


def write(path, some: list[dict]) -> None:
    for record in some:
        records.append_record(path, record)


def test_a_file_cut_off_anywhere_keeps_every_earlier_verdict(path):
    said = judged("lrt")
    write(path, said)
    whole = path.read_bytes()
    start = len(b"\n".join(whole.split(b"\n")[:2])) + 1
    for size in (*range(start, len(whole), 23), *range(len(whole) - 5, len(whole))):
        path.write_bytes(whole[:size])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept = annotations.read_file(path)
            assert kept == said[: 3 if size == len(whole) - 1 else 2]  # but for its line's end it is whole
            records.append_record(path, said[2])
            assert pg.load_annotations(path) == said
        assert path.read_bytes().startswith(whole[:size])  # the damaged piece too is still there


WRITER = """
import sys
from pedagogy.annotations import make_queue, new_verdict
from pedagogy.records import append_record
rows = [{"instruction": "x?", "completions": [{"response": "a " * 4000}, {"response": "b " * 4000}]}]
question = make_queue(rows)[0]
while True:
    record = new_verdict(question, "left", 1.0, "me")
    append_record(sys.argv[1], record)
    print(record["id"], flush=True)
"""


def test_a_killed_process_loses_nothing_that_was_acknowledged(path):
    command = [sys.executable, "-c", WRITER, str(path)]
    writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    told = [writer.stdout.readline() for _ in range(20)]
    writer.send_signal(signal.SIGKILL)
    told += writer.stdout.readlines()  # whole lines: an id is one small write
    writer.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the last line may be cut off
        kept = [v["id"] for v in pg.load_annotations(path)]
    acknowledged = [line.strip() for line in told if line.endswith("\n")]
    assert len(acknowledged) >= 20 and kept[: len(acknowledged)] == acknowledged


@pytest.mark.parametrize(
    "line", [b"[]", b"7", b'{"kind": "verdict"}', b'{"kind": "other"}', b"\xff", b"null", b"[" * 100_000]
)
def test_a_damaged_line_is_skipped_with_its_number(path, line):
    said = judged("l")
    write(path, said)
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.warns(UserWarning, match="line 1: not a whole verdict"):
        assert pg.load_annotations(path) == said


def test_a_verdict_that_is_none_is_damage(path):
    (said,) = judged("l")
    write(path, [said | {"verdict": "up"}])
    with pytest.warns(UserWarning, match="line 1"):
        assert pg.load_annotations(path) == []
    with pytest.raises(ValueError, match="'up'"):
        new_verdict(make_queue(rows())[0], "up", 1.0, "me")


def test_no_file_yet_is_said(path):
    for read in (pg.load_annotations, to_pairs, pg.agreement):
        with pytest.raises(FileNotFoundError, match="annotation desk"):
            read(path)


@given(st.lists(st.integers(0, 9), max_size=30))
def test_the_verdicts_in_force_are_those_of_a_stack(actions):
    """0-2 take the last one back, the rest are verdicts: whatever the sequence, the file says the same."""
    said, log, stack = judged("lrtc" * 9), [], []
    for action in actions:
        if action > 2:
            stack.append(said[len(log)] | {"id": str(len(log))})
            log.append(stack[-1])
        elif stack:
            log.append(new_undo(stack.pop()))
    assert in_force(log) == stack
    assert in_force([*log, *log]) == stack  # as a failing disk may write each line twice


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_text_comes_back_as_it_was(tmp_path_factory, a, b):
    if not a.strip() or not b.strip() or a.strip() == b.strip():
        return
    path = tmp_path_factory.mktemp("desk") / "desk.jsonl"
    (said,) = judged("l", [row(a, a, b)])
    write(path, [said])
    assert pg.load_annotations(path) == [said] and {said["left_text"], said["right_text"]} == {a, b}


def test_annotators_are_kept_apart(path):
    mine, yours = judged("ll")
    write(path, [mine, yours | {"annotator": "you"}])
    assert [v["annotator"] for v in pg.load_annotations(path)] == ["me", "you"]
    assert pg.load_annotations(path, annotator="me") == [mine]


def test_what_cannot_be_written_waits_in_order(path):
    path.parent.write_text("a file where the folder should be")
    ledger = records.Ledger(path, annotations.read_file)
    said = judged("lrt")
    assert "could not be saved" in ledger.add(said[0]) and ledger.add(said[1])
    assert ledger.unsaved == said[:2] == ledger.records
    path.parent.unlink()
    assert ledger.add(said[2]) == "" and not ledger.unsaved and pg.load_annotations(path) == said


# Training pairs


def test_pairs_are_the_preferences_and_nothing_else():
    said = judged("lrtc")
    pairs = to_pairs(said)
    assert pairs.features == pg.feedback.PAIR_FEATURES and len(pairs) == 2
    texts = [pair_texts(pair) for pair in pairs]
    assert texts[0] == (said[0]["prompt"], said[0]["left_text"], said[0]["right_text"])
    assert texts[1] == (said[1]["prompt"], said[1]["right_text"], said[1]["left_text"])
    assert pairs["score_chosen"] == [None, None] and pairs["prompt_id"][0] == said[0]["prompt_id"]
    assert len(to_pairs([*said, new_undo(said[0])])) == 1
    assert len(to_pairs([])) == 0


@pytest.mark.parametrize(
    "first, again, chosen",
    [
        ("left", "right", "left"),  # the same answer, on the other side
        ("left", "left", None),  # the same side: another answer
        ("tie", "left", None),
        ("left", "tie", None),
        ("can't say", "left", "right"),  # no judgement takes nothing away
        ("left", "can't say", "left"),
        ("can't say", "can't say", None),
    ],
)
def test_a_pair_judged_twice_and_differently_is_no_pair(first, again, chosen):
    question = make_queue(rows())[0]
    verdicts = [new_verdict(q, v, 1.0, "me") for q, v in ((question, first), (question.exchanged(), again))]
    texts = [pair_texts(pair)[1] for pair in to_pairs(verdicts)]
    assert texts == ([getattr(question, f"{chosen}_text")] if chosen else [])


@settings(max_examples=12)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_the_export_is_read_by_load_pairs(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("desk") / "pairs.jsonl"
    said = judged("lr", [row(f"?{text}", f"1{text}", f"2{text}"), row("y?", "c", "d")])
    assert export_pairs(path, said) == 2
    assert pg.load_pairs(path).to_list() == to_pairs(said).to_list()


def test_a_failed_export_leaves_the_old_file(path, monkeypatch):
    export_pairs(path, judged("l"))
    before = path.read_bytes()

    def full(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(annotations.os, "replace", full)
    with pytest.raises(OSError, match="full"):
        export_pairs(path, judged("lrl"))
    assert path.read_bytes() == before and [file.name for file in path.parent.iterdir()] == [path.name]
    assert all(json.loads(line) for line in before.splitlines())
