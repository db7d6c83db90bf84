"""Anthropic-HH style transcripts: what is split where, and which row is named where the two do not match."""

import json

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedagogy as pg
from pedagogy.feedback import PAIR_FEATURES, FeedbackError, pair_texts
from pedagogy.feedback.transcripts import is_transcript, parse, transcript_problems

ONE = {
    "chosen": "\n\nHuman: How do I boil an egg?\n\nAssistant: Simmer it for nine minutes.",
    "rejected": "\n\nHuman: How do I boil an egg?\n\nAssistant: No idea.",
}
TALK = "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: Tell me:\n\n1. why\n\n2. how"
MANY = {"chosen": f"{TALK}\n\nAssistant: Because.\n\nAnd so.", "rejected": f"{TALK}\n\nAssistant: ?"}


def test_one_turn_gives_a_prompt_and_two_responses():
    pairs = pg.split_transcripts([ONE])
    assert pairs.features == PAIR_FEATURES
    assert pair_texts(pairs[0]) == ("How do I boil an egg?", "Simmer it for nine minutes.", "No idea.")
    assert pairs[0]["prompt"] == "How do I boil an egg?" and pairs[0]["score_chosen"] is None


def test_several_turns_are_kept_as_messages_blank_lines_and_all():
    context, chosen, rejected = pair_texts(pg.split_transcripts([MANY])[0])
    assert [m["role"] for m in context] == ["user", "assistant", "user"]
    assert [m["content"] for m in context] == ["Hi", "Hello!", "Tell me:\n\n1. why\n\n2. how"]
    assert (chosen, rejected) == ("Because.\n\nAnd so.", "?")


said = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip)
said = said.filter(lambda text: text and "Human:" not in text and "Assistant:" not in text)


@given(st.lists(said, min_size=2, max_size=6).filter(lambda turns: len(turns) % 2 == 0), said)
def test_whatever_was_said_comes_back(turns, other):
    """Write a transcript from its turns, and read it again."""
    names = ["Human", "Assistant"] * len(turns)
    write = lambda told: "".join(f"\n\n{who}: {text}" for who, text in zip(names, told, strict=False))  # noqa: E731
    row = {"chosen": write(turns), "rejected": write([*turns[:-1], other])}
    assert [m["content"] for m in parse(row["chosen"])] == turns
    assert is_transcript(row) and not list(transcript_problems(row))
    (pair,) = pg.split_transcripts([row])
    assert [m["content"] for m in pair["chosen"]] == turns
    assert pair["rejected"][-1]["content"] == other and pair["rejected"][:-1] == pair["chosen"][:-1]


@pytest.mark.parametrize("kind", ["rows", "stored", "stream", "jsonl", "json", "parquet", "load_pairs"])
def test_every_way_in_gives_the_same(tmp_path, kind):
    rows = [ONE, MANY]
    expected = pg.split_transcripts(rows).to_list()
    stored = datasets.Dataset.from_list(rows)
    path = tmp_path / f"hh.{kind}"
    if kind == "parquet":
        stored.to_parquet(path)
    elif kind in ("jsonl", "json", "load_pairs"):
        path = tmp_path / ("hh.json" if kind == "json" else "hh.jsonl")
        path.write_text(json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows)))
    if kind == "load_pairs":  # tells by itself
        assert pg.load_pairs(path).to_list() == expected
        assert list(pg.load_pairs(path, streaming=True)) == expected
        return
    source = {"rows": rows, "stored": stored, "stream": stored.to_iterable_dataset()}.get(kind, path)
    assert list(pg.split_transcripts(source)) == expected


def turn(row: dict, **changes) -> dict:
    return {**row, **changes}


BROKEN = {
    "another question": (
        turn(ONE, rejected="\n\nHuman: How do I fry an egg?\n\nAssistant: No idea."),
        "rejected", "another conversation from turn 0 on ('How do I fry an egg?')",
    ),
    "another answer on the way": (
        turn(MANY, rejected=MANY["rejected"].replace("Hello!", "Go away.")), "rejected", "from turn 1 on",
    ),
    "one turn more": (turn(MANY, rejected=ONE["rejected"]), "rejected", "another conversation"),
    "stops earlier": (
        turn(MANY, rejected="\n\nHuman: Hi\n\nAssistant: Hello!"), "rejected", "1 turns before its last",
    ),
    "ends with the human": (
        turn(ONE, chosen=ONE["chosen"] + "\n\nHuman: Thanks!"), "chosen", "ends with the human",
    ),
    "an answer alone": (turn(ONE, rejected="\n\nAssistant: Yes."), "rejected", "without a question"),
    "an empty answer": (
        turn(ONE, rejected="\n\nHuman: How do I boil an egg?\n\nAssistant: "), "rejected[1].content", "empty",
    ),
    "an empty question": (turn(ONE, chosen="\n\nHuman:\n\nAssistant: Yes."), "chosen[0].content", "empty"),
    "no speaker": (turn(ONE, rejected="No idea."), "rejected", "begins with 'No idea.'"),
    "empty text": (turn(ONE, rejected=" "), "rejected", "empty text"),
    "no text": (turn(ONE, rejected=None), "rejected", "nothing (null)"),
    "a number": (turn(ONE, rejected=3), "rejected", "the number 3"),
    "missing": ({"chosen": ONE["chosen"]}, "rejected", "no such field"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_row_that_cannot_be_split_is_named(tmp_path, kind):
    row, field, found = BROKEN[kind]
    path = tmp_path / "hh.jsonl"
    path.write_text("\n".join(map(json.dumps, [ONE, row, MANY])))
    for load in (pg.split_transcripts, pg.load_pairs):
        with pytest.raises(FeedbackError) as error:
            load(path)
        assert (error.value.problem.row, error.value.problem.field) == (1, field)
        assert found in str(error.value) and "hh.jsonl, row 1" in str(error.value)
    with pytest.warns(UserWarning, match="1 rows with problems left out, 2 kept"):
        assert len(pg.split_transcripts(path, drop_bad=True)) == 2
    with pytest.raises(FeedbackError, match="row 1"):
        pg.split_transcripts([ONE, row, MANY])
    (problem,) = pg.validate(path)
    assert (problem.row, problem.field) == (1, field)


def test_pairs_with_a_prompt_of_their_own_are_left_as_they_are(tmp_path):
    """A prompt column wins: there a text may begin with "Human:" and mean it."""
    row = {"prompt": "Who spoke?", "chosen": "Human: it says so.", "rejected": "Assistant: no."}
    assert not is_transcript(row)
    path = tmp_path / "plain.jsonl"
    path.write_text(json.dumps(row))
    assert pair_texts(pg.load_pairs(path)[0]) == ("Who spoke?", "Human: it says so.", "Assistant: no.")


@pytest.mark.parametrize("source", [None, 3, {"train": [ONE]}])
def test_something_else_is_refused(source):
    with pytest.raises(FeedbackError, match="Dataset.from_list"):
        pg.split_transcripts(source)


def test_an_audit_sees_the_answers_of_a_transcript():
    audit = pg.audit([ONE, MANY, turn(ONE, rejected=ONE["chosen"]), ONE])
    assert audit.form == "transcripts"
    assert list(audit["identical"].rows) == [2] and list(audit["repeated_prompt"].rows) == [2, 3]
