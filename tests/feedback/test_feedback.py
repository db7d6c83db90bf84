"""Loading preference data: the schemas, the rule of binarising, and errors that say where and what to do."""

import copy
import gzip
import json
import pickle
import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pedagogy as pg
from pedagogy import feedback as room
from pedagogy.feedback import (
    PAIR_FEATURES,
    RAW_FEATURES,
    FeedbackError,
    binarize,
    load_feedback,
    load_pairs,
    sources,
)
from pedagogy.feedback.pair_rows import as_pair
from pedagogy.feedback.strategies import pairs_of
from pedagogy.howto.build import rows

REAL = Path(__file__).parents[3] / "shared" / "real" / "ultrafeedback_pairs_200.jsonl"
COLUMNS = ["prompt", "prompt_id", "chosen", "rejected", "messages", "score_chosen", "score_rejected"]


@pytest.fixture(scope="session")
def raw() -> list[dict]:
    return list(rows("train", 24, seed=0))


@pytest.fixture(scope="session")
def stored(raw):
    return datasets.Dataset.from_list(raw, features=RAW_FEATURES)


@pytest.fixture(autouse=True)
def no_traces(tmp_path_factory, monkeypatch):
    """What `datasets` itself keeps goes to a folder of the test's own."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


@pytest.fixture
def world(tmp_path, raw, monkeypatch):
    """A small bundled set in its three splits, where load_feedback looks for it."""
    for split in sources.SPLITS:
        made = raw if split == "train" else list(rows(split, 6, seed=0))
        datasets.Dataset.from_list(made).to_parquet(tmp_path / f"{split}.parquet")
    monkeypatch.setattr(sources, "BUNDLED", tmp_path)
    return tmp_path


def write(path: Path, items: list) -> Path:
    """JSON lines, or a list where the name ends in .json; gzipped where it says so."""
    text = (
        json.dumps(items) if ".json" in path.suffixes[-2:] else "".join(json.dumps(i) + "\n" for i in items)
    )
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


def by_prompt(pairs) -> dict:
    return {row["prompt"]: row for row in pairs}


def completion(response, score) -> dict:
    return {"response": response, "overall_score": score}


def feedback(*scores, prompt="How?") -> datasets.Dataset:
    answers = [completion(f"answer {i}", float(s)) for i, s in enumerate(scores)]
    return datasets.Dataset.from_list([{"instruction": prompt, "completions": answers}])


# The schemas


def test_raw_features_are_ultrafeedbacks_field_for_field():
    assert list(RAW_FEATURES) == [
        "source", "instruction", "models", "completions", "correct_answers", "incorrect_answers",
    ]  # fmt: skip
    inner = RAW_FEATURES["completions"].feature
    assert set(inner) == {
        "annotations", "custom_system_prompt", "model", "principle", "response", "critique",
        "fine-grained_score", "overall_score",
    }  # fmt: skip
    brief, typed = {"Rating", "Rationale"}, {"Type", "Rationale", "Rating", "Rationale For Rating"}
    assert {name: set(aspect) for name, aspect in inner["annotations"].items()} == {
        "instruction_following": brief, "honesty": brief, "truthfulness": typed, "helpfulness": typed,
    }  # fmt: skip
    assert inner["overall_score"].dtype == inner["fine-grained_score"].dtype == "float64"
    assert inner["annotations"]["helpfulness"]["Type"].feature.dtype == "string"


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".jsonl", ".json.gz", ".jsonl.gz"])
def test_a_round_trip_through_a_file_keeps_every_value(tmp_path, raw, stored, suffix):
    path = tmp_path / f"mine{suffix}"
    if suffix == ".parquet":
        stored.to_parquet(path)
    else:
        write(path, raw)
    loaded = load_feedback(path)
    assert loaded.features == RAW_FEATURES
    assert loaded.to_list() == stored.to_list()
    assert load_pairs(path).to_list() == binarize(stored).to_list()


def test_bundled_splits_load_and_share_no_prompt(world):
    prompts = {split: set(load_feedback(split=split)["instruction"]) for split in sources.SPLITS}
    assert [len(prompts[split]) for split in sources.SPLITS] == [24, 6, 6]
    assert len(set.union(*prompts.values())) == 36


def test_fields_that_are_not_in_the_schema_are_left_out(tmp_path, raw):
    extra = copy.deepcopy(raw)
    extra[0]["mine"] = extra[0]["completions"][0]["mine"] = 1
    assert (
        load_feedback(write(tmp_path / "a.jsonl", extra)).to_list()
        == load_feedback(write(tmp_path / "b.jsonl", raw)).to_list()
    )
    inferred = datasets.Dataset.from_list([{"mine": 1, **row} for row in raw])
    assert binarize(inferred).column_names == COLUMNS


# Binarising


def test_pairs_have_ultrafeedback_binarizeds_columns(world):
    pairs = load_pairs()
    assert pairs.features == PAIR_FEATURES and pairs.column_names == COLUMNS
    for row in pairs:
        user, assistant = row["chosen"]
        assert user == row["rejected"][0] == {"role": "user", "content": row["prompt"]}
        assert assistant["role"] == row["rejected"][1]["role"] == "assistant"
        assert row["messages"] == row["chosen"]
        assert row["prompt_id"] == sha256(row["prompt"].encode("utf-8")).hexdigest()


def test_bundled_pairs_are_bundled_feedback_binarized(world):
    assert load_pairs(split="test").to_list() == binarize(load_feedback(split="test"), seed=0).to_list()


@given(st.lists(st.integers(1, 10), min_size=2, max_size=6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_chosen_is_the_first_best_and_rejected_is_another(scores, seed):
    row = pairs_of(feedback(*scores)[0], seed)[0]
    chosen, rejected = (int(row[side][-1]["content"].split()[1]) for side in ("chosen", "rejected"))
    assert chosen == scores.index(max(scores))
    assert rejected != chosen
    assert (row["score_chosen"], row["score_rejected"]) == (scores[chosen], scores[rejected])


def test_every_other_response_is_rejected_about_equally_often():
    counts = dict.fromkeys(["answer 0", "answer 2", "answer 3"], 0)
    row = feedback(5, 9, 9, 1)[0]
    for i in range(900):
        drawn = pairs_of(row | {"instruction": f"How {i}?"}, seed=0)[0]
        counts[drawn["rejected"][-1]["content"]] += 1  # KeyError: the chosen one was rejected too
    assert all(240 < n < 360 for n in counts.values())  # 300 ± 4 standard deviations; answer 2 ties


def test_the_draw_ignores_the_order_of_rows_and_follows_the_seed(stored):
    expected = by_prompt(binarize(stored))
    assert by_prompt(binarize(stored.shuffle(seed=3))) == expected
    parts = [binarize(stored.shard(3, i)) for i in range(3)]
    assert by_prompt(datasets.concatenate_datasets(parts)) == expected
    assert by_prompt(binarize(stored, seed=1)) != expected
    again = [r["rejected"][-1]["content"] for r in binarize(stored)]
    assert again == [r["rejected"][-1]["content"] for r in expected.values()]


def test_the_draw_is_the_same_on_every_machine():
    """Frozen: the bundled pairs must not change under a learner's feet."""
    drawn = [pairs_of(feedback(9, 1, 2, 3, prompt=p)[0], 0)[0] for p in "abcdef"]
    assert [row["score_rejected"] for row in drawn] == [3.0, 2.0, 3.0, 3.0, 2.0, 2.0]


def test_a_stream_gives_a_stream_with_the_same_rows(stored, raw):
    expected = binarize(stored).to_list()
    stream = binarize(stored.to_iterable_dataset(num_shards=3))
    assert isinstance(stream, datasets.IterableDataset)
    assert list(stream) == expected
    generated = datasets.IterableDataset.from_generator(lambda: iter(raw))  # does not know its columns
    assert list(binarize(generated)) == expected


def test_a_format_for_training_does_not_reach_the_rows(stored):
    assert binarize(stored.with_format("numpy")).to_list() == binarize(stored).to_list()


def test_nothing_is_written_beside_the_users_data(tmp_path, stored):
    stored.save_to_disk(tmp_path / "mine")
    before = sorted(p.name for p in (tmp_path / "mine").iterdir())
    assert load_pairs(tmp_path / "mine", split=None).num_rows == stored.num_rows
    assert binarize(datasets.load_from_disk(tmp_path / "mine")).num_rows == stored.num_rows
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == before
    assert datasets.is_caching_enabled() and not datasets.are_progress_bars_disabled()


def test_small_jobs_are_silent(world, capfd):
    load_pairs()
    binarize(load_feedback())
    assert capfd.readouterr() == ("", "")


# Other sources


@pytest.mark.skipif(not REAL.is_file(), reason="the real pairs are not beside this checkout")
def test_real_pairs_with_plain_text_columns():
    lines = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    pairs = load_pairs(REAL)
    assert pairs.features == PAIR_FEATURES and len(pairs) == len(lines)
    for row, line in zip(pairs, lines, strict=True):
        assert pg.feedback.pair_texts(row) == (line["prompt"], line["chosen"], line["rejected"])
        assert row["prompt_id"] == sha256(line["prompt"].encode()).hexdigest()
        assert row["score_chosen"] == line["metadata"]["score_chosen"] >= row["score_rejected"]


def test_plain_text_pairs_are_brought_to_the_same_columns(tmp_path):
    path = write(tmp_path / "mine.jsonl", [{"prompt": "Hi", "chosen": "Hello!", "rejected": "?", "id": 4}])
    (row,) = load_pairs(path)
    assert list(row) == COLUMNS
    assert row["chosen"] == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    assert row["score_chosen"] is None and row["score_rejected"] is None


def test_a_hub_layout_takes_the_same_path_through_datasets(tmp_path, stored, monkeypatch):
    """A folder laid out as ultrafeedback_binarized is; then the hub's own name, its answer simulated."""
    expected = binarize(stored)
    for split in ("train_prefs", "test_prefs"):
        (tmp_path / "data").mkdir(exist_ok=True)
        expected.to_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    assert load_pairs(tmp_path, split="train_prefs").to_list() == expected.to_list()
    with pytest.raises(FeedbackError, match="'train_prefs'") as error:
        load_pairs(tmp_path, split="train")
    assert error.value.problem.field == "split" and "test_prefs" in str(error.value)

    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: asked.append((name, split)) or expected)
    name = "HuggingFaceH4/ultrafeedback_binarized"
    assert load_pairs(name, split="train_prefs").to_list() == expected.to_list()
    assert asked == [(name, "train_prefs")]


def test_a_folder_of_splits_like_the_bundled_one(world):
    assert load_pairs(world, split="test").to_list() == load_pairs(split="test").to_list()


def test_bundled_needs_no_network(no_network):
    for split in sources.SPLITS:
        if not (sources.BUNDLED / f"{split}.parquet").is_file():
            pytest.skip("the bundled data set is not built yet")
        data = load_feedback(split=split)
        assert data.features == RAW_FEATURES and len(load_pairs(split=split)) == len(data) > 0


def test_importing_the_room_is_quick_and_leaves_datasets_alone():
    code = "import sys, pedagogy.feedback; print('datasets' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# Pairs as texts

ASK, REPLY = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}
OTHER, MORE = {"role": "assistant", "content": "?"}, {"role": "user", "content": "And then?"}


def test_texts_of_a_pair_with_one_turn():
    expected = ("Hi", "Hello!", "?")
    assert room.pair_texts({"prompt": "Hi", "chosen": "Hello!", "rejected": "?"}) == expected
    assert room.pair_texts({"prompt": "Hi", "chosen": [ASK, REPLY], "rejected": [ASK, OTHER]}) == expected
    assert room.pair_texts({"prompt": [ASK], "chosen": [REPLY], "rejected": [OTHER]}) == expected


@pytest.mark.parametrize("prompt", ["Hi", "And then?"])
def test_texts_of_a_pair_with_several_turns(prompt):
    before = [ASK, REPLY, MORE]
    row = {"prompt": prompt, "chosen": [*before, REPLY], "rejected": [*before, OTHER]}
    assert room.pair_texts(row) == (before, "Hello!", "?")
    as_messages = {"prompt": before, "chosen": "Hello!", "rejected": [OTHER]}
    assert room.pair_texts(as_messages) == (before, "Hello!", "?")
    (loaded,) = datasets.Dataset.from_list([as_pair(row)])
    assert room.pair_texts(loaded) == (before, "Hello!", "?")


def test_a_system_message_is_part_of_the_prompt():
    system = {"role": "system", "content": "Be brief."}
    row = {"prompt": "Hi", "chosen": [system, ASK, REPLY], "rejected": [system, ASK, OTHER]}
    assert room.pair_texts(row)[0] == [system, ASK]


# Broken input: the message names the field, the row and the remedy


def set_in(row, *path):
    *way, last, value = path
    for key in way:
        row = row[key]
    if value is ...:
        del row[last]
    else:
        row[last] = value


BROKEN_RAW = {
    "missing column": (["instruction", ...], "instruction", "rename"),
    "missing inner field": (["completions", 2, "response", ...], "completions[2].response", "rename"),
    "empty prompt": (["instruction", " "], "instruction", "fill it in"),
    "empty response": (["completions", 1, "response", ""], "completions[1].response", "drop_bad=True"),
    "blank response": (["completions", 3, "response", "\n\t "], "completions[3].response", "fill it in"),
    "null response": (["completions", 0, "response", None], "completions[0].response", "fill it in"),
    "response a number": (["completions", 0, "response", 7], "completions[0].response", "make it text"),
    "score a text": (
        ["completions", 0, "overall_score", "7"], "completions[0].overall_score", "7 without quotation marks",
    ),
    "score a word": (["completions", 0, "overall_score", "good"], "completions[0].overall_score", "a number"),
    "score true": (["completions", 0, "overall_score", True], "completions[0].overall_score", "a number"),
    "no completions": (["completions", []], "completions", "leave the row out"),
    "completions null": (["completions", None], "completions", "leave the row out"),
    "completions an object": (["completions", {"a": 1}], "completions", "make it a list"),
    "a completion a text": (["completions", 1, "just text"], "completions[1]", "make it {annotations"),
    "models a text": (["models", "gpt-4"], "models", "make it a list of texts"),
    "rating a number": (
        ["completions", 0, "annotations", "honesty", "Rating", 5],
        "completions[0].annotations.honesty.Rating", "make it text",
    ),
    "aspect missing": (
        ["completions", 0, "annotations", "honesty", ...], "completions[0].annotations.honesty", "rename",
    ),
    "half a character": (["instruction", "a \ud800"], "instruction", "UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN_RAW)
def test_broken_feedback(tmp_path, raw, kind):
    change, field, remedy = BROKEN_RAW[kind]
    bad = copy.deepcopy(raw[:4])
    set_in(bad[2], *change)
    path = write(tmp_path / "mine.jsonl", bad)
    with pytest.raises(FeedbackError) as error:
        load_feedback(path)
    assert (error.value.problem.row, error.value.problem.field) == (2, field)
    for part in ("mine.jsonl", "row 2", repr(field), remedy):
        assert part in str(error.value)
    with pytest.warns(UserWarning, match="1 rows with problems left out, 3 kept"):
        assert len(load_feedback(path, drop_bad=True)) == 3


BROKEN_SCORES = {
    "one completion": ([completion("a", 1.0)], "completions", "at least 2"),
    "no completion": ([], "completions", "leave the row out"),
    "null score": ([completion("a", 1.0), completion("b", None)], "completions[1].overall_score", "leave"),
    "score not a number": (
        [completion("a", float("nan")), completion("b", 1.0)], "completions[0].overall_score", "finite",
    ),
    "null response": ([completion("a", 1.0), completion(None, 2.0)], "completions[1].response", "leave"),
    "missing score": ([{"response": "a"}, {"response": "b"}], "completions[0].overall_score", "add it"),
    "score a text": ([completion("a", "7"), completion("b", "8")], "completions[0].overall_score", "7 with"),
}  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", BROKEN_SCORES)
def test_feedback_that_gives_no_pair(tmp_path, kind, streamed):
    completions, field, remedy = BROKEN_SCORES[kind]
    items = [{"instruction": "q", "completions": completions}]
    if kind not in ("missing score", "score a text"):  # those are so in a whole column
        items.insert(0, {"instruction": "q", "completions": [completion("a", 1.0), completion("b", 2.0)]})
    data = datasets.Dataset.from_list(items)
    row = len(items) - 1
    with pytest.raises(FeedbackError) as error:
        list(binarize(data.to_iterable_dataset() if streamed else data))
    assert (error.value.problem.row, error.value.problem.field) == (row, field)
    assert f"row {row}" in str(error.value) and field in str(error.value) and remedy in str(error.value)


GOOD = {"prompt": "Hi", "chosen": [ASK, REPLY], "rejected": [ASK, OTHER], "score_chosen": 2.0}
BROKEN_PAIRS = {
    "prompt missing": ({"prompt": ...}, "prompt", "rename"),
    "prompt empty": ({"prompt": ""}, "prompt", "fill it in"),
    "prompt null": ({"prompt": None}, "prompt", "fill it in"),
    "prompt a number": ({"prompt": 3}, "prompt", "make it text"),
    "chosen missing": ({"chosen": ...}, "chosen", "rename"),
    "chosen a number": ({"chosen": 5}, "chosen", "{content, role}"),
    "chosen without messages": ({"chosen": []}, "chosen", "fill it in"),
    "chosen a list of texts": ({"chosen": ["Hi", "Hello!"]}, "chosen[0]", "{content, role}"),
    "message without role": ({"chosen": [ASK, {"content": "a"}]}, "chosen[1].role", "add it"),
    "message without content": ({"rejected": [ASK, {"role": "a"}]}, "rejected[1].content", "add it"),
    "response empty": ({"rejected": [ASK, {**OTHER, "content": ""}]}, "rejected[1].content", "fill it in"),
    "text response empty": ({"rejected": " "}, "rejected", "fill it in"),
    "no response at the end": ({"chosen": [ASK, REPLY, MORE]}, "chosen[2].role", "end with the response"),
    "another prompt": ({"chosen": [MORE, REPLY]}, "chosen[0].content", "word for word"),
    "another context": ({"rejected": [ASK, REPLY, MORE, OTHER]}, "rejected", "the same messages"),
    "score a text": ({"score_chosen": "2"}, "score_chosen", "2 without quotation marks"),
    "prompt_id a number": ({"prompt_id": 17}, "prompt_id", "make it text"),
}


@pytest.mark.parametrize("kind", BROKEN_PAIRS)
def test_broken_pairs(tmp_path, kind):
    change, field, remedy = BROKEN_PAIRS[kind]
    bad = {key: value for key, value in (GOOD | change).items() if value is not ...}
    path = write(tmp_path / "mine.jsonl", [GOOD, bad, GOOD])
    with pytest.raises(FeedbackError) as error:
        load_pairs(path)
    assert (error.value.problem.row, error.value.problem.field) == (1, field)
    for part in ("mine.jsonl", "row 1", repr(field), remedy):
        assert part in str(error.value)
    with pytest.raises(FeedbackError, match="To mend it"):
        room.pair_texts(bad)
    with pytest.warns(UserWarning, match="1 rows with problems left out, 2 kept"):
        assert len(load_pairs(path, drop_bad=True)) == 2


@pytest.mark.parametrize("item", [None, [], 3, "text"])
def test_a_row_that_is_no_object(tmp_path, item):
    path = write(tmp_path / "mine.jsonl", [GOOD, item])
    for load in (load_pairs, load_feedback):
        with pytest.raises(FeedbackError, match="row [01]"):
            load(path)


def test_bad_rows_of_a_hub_set_can_be_dropped(tmp_path, monkeypatch):
    empty = {**GOOD, "rejected": [ASK, {**OTHER, "content": ""}]}
    data = datasets.Dataset.from_list([GOOD, empty])
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: data)
    with pytest.raises(FeedbackError, match=r"some/set, row 1, field 'rejected\[1\].content'.*drop_bad=True"):
        load_pairs("some/set")
    with pytest.warns(UserWarning, match="some/set: 1 rows"):
        assert len(load_pairs("some/set", drop_bad=True)) == 1


KEYS = ["prompt", "chosen", "rejected", "role", "content", "completions"]


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_check_never_fails_itself_and_what_it_passes_can_be_used(row):
    if not list(room.pair_problems(row)):
        assert list(as_pair(row)) == COLUMNS
    if not list(room.binarize_problems(row)):
        assert list(pairs_of(row)[0]) == COLUMNS
    for problem in room.find_problems(row, room.RAW):
        assert problem.field and problem.found and problem.remedy


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_one_change_of_type_is_found_and_named(raw, data):
    """Walk to a random place of a real row and put a value there that cannot be right."""
    row = copy.deepcopy(raw[0])
    place, way = row, ""
    while True:
        key = data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else sorted(place)))
        way += f"[{key}]" if isinstance(place, list) else f".{key}" if way else key
        if not isinstance(place[key], (list, dict)) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = object()
    assert [problem.field for problem in room.find_problems(row, room.RAW)] == [way]


# Names and splits that lead nowhere


@pytest.mark.parametrize("split", ["validation", None, "train[:10]", "Test"])
def test_an_unknown_split_lists_the_known_ones(world, split):
    for load in (load_feedback, load_pairs):
        with pytest.raises(FeedbackError) as error:
            load(split=split)
        assert error.value.problem.field == "split"
        assert all(repr(known) in str(error.value) for known in ("train", "test", "test_unseen"))


def test_the_split_of_a_single_file_is_optional(tmp_path):
    path = write(tmp_path / "held_out.jsonl", [GOOD])
    for split in ("train", None, "held_out"):
        assert len(load_pairs(path, split=split)) == 1
    with pytest.raises(FeedbackError, match="'train', 'held_out'; one file is one split"):
        load_pairs(path, split="test")


def test_a_set_saved_with_splits(tmp_path, stored):
    datasets.DatasetDict(a=stored, b=stored.select([0])).save_to_disk(tmp_path / "mine")
    assert len(load_feedback(tmp_path / "mine", split="b")) == 1
    with pytest.raises(FeedbackError, match="use one of 'a', 'b'"):
        load_feedback(tmp_path / "mine")


def test_missing_assets_say_how_to_build_them(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BUNDLED", tmp_path)
    with pytest.raises(FeedbackError, match="make model"):
        load_feedback()


def test_without_network_the_message_says_what_works_offline(monkeypatch):
    def refuse(name, split):
        raise ConnectionError(f"Couldn't reach '{name}' on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(FeedbackError, match="no network.*need no network"):
        load_pairs("HuggingFaceH4/ultrafeedback_binarized", split="train_prefs")


def test_an_unknown_hub_name(monkeypatch):
    def refuse(name, split):
        raise datasets.exceptions.DatasetNotFoundError(f"Dataset '{name}' doesn't exist on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(FeedbackError, match="check the name"):
        load_pairs("nobody/nothing")


@pytest.mark.parametrize(
    ("name", "text", "remedy"),
    [
        ("gone.jsonl", None, "check the path"),
        ("a.csv", "prompt,chosen\n", ".parquet, .json"),
        ("a.parquet", "no parquet", "save the file again"),
        ("a.jsonl.gz", "no gzip", "save the file again"),
        ("a.jsonl", '{"prompt": "Hi", "chosen"', "one JSON object a line"),
        ("a.json", '[{"prompt": "Hi"}', "one JSON object a line"),
        ("a.jsonl", "", "right data"),
        ("a.json", "[]", "right data"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, no_network, name, text, remedy):
    if text is not None:
        (tmp_path / name).write_text(text)
    for load in (load_feedback, load_pairs):
        with pytest.raises(FeedbackError) as error:
            load(tmp_path / name)
        assert name in str(error.value) and remedy in str(error.value)


def test_a_parquet_file_without_a_column(tmp_path, stored):
    stored.remove_columns("models").to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(FeedbackError, match="row 0, field 'models': found no such field, only source, "):
        load_feedback(tmp_path / "mine.parquet")


@pytest.mark.parametrize("thing", [[{"instruction": "q"}], {"train": 1}, None])
def test_binarize_of_something_else_says_how_to_make_a_data_set(thing):
    with pytest.raises(FeedbackError, match="Dataset.from_list"):
        binarize(thing)


def test_a_data_set_as_a_name_is_sent_to_binarize(stored):
    with pytest.raises(FeedbackError, match="there is binarize"):
        load_pairs(stored)


def test_empty_feedback_is_refused(stored):
    with pytest.raises(FeedbackError, match="no rows"):
        binarize(stored.select([]))


def test_errors_survive_other_processes(stored):
    error = pytest.raises(FeedbackError, load_pairs, "bundled", "nowhere").value
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ValueError) and str(again) == str(error) and again.problem == error.problem


def test_over_many_seeds_the_rejected_response_moves_and_chosen_stays(stored):
    chosen, rejected = set(), set()
    for seed in random.Random(0).sample(range(10**6), 12):
        (row,) = binarize(stored.select([0]), seed=seed)
        chosen.add(row["chosen"][-1]["content"])
        rejected.add(row["rejected"][-1]["content"])
    assert len(chosen) == 1 and len(rejected) == 3 and not chosen & rejected


# Ratings as numbers


def test_ratings_become_numbers_named_by_letter(raw):
    scores, overall = pg.aspect_scores(raw[0]), pg.overall_scores(raw[0])
    assert list(scores) == list(overall) == ["A", "B", "C", "D"]
    for completion, aspects, total in zip(
        raw[0]["completions"], scores.values(), overall.values(), strict=True
    ):
        assert aspects == {a: float(note["Rating"]) for a, note in completion["annotations"].items()}
        assert total == completion["overall_score"]


@pytest.mark.parametrize("rating", ["N/A", "", None, "five"])
def test_a_rating_that_is_no_number_is_named(raw, rating):
    row = copy.deepcopy(raw[0])
    row["completions"][2]["annotations"]["honesty"]["Rating"] = rating
    with pytest.raises(FeedbackError, match=r"completions\[2\].annotations.honesty.Rating"):
        pg.aspect_scores(row)


def test_an_aspect_that_was_not_rated_is_named(raw):
    row = copy.deepcopy(raw[0])
    row["completions"][0]["annotations"]["honesty"] = None
    with pytest.raises(FeedbackError, match="honesty"):
        pg.aspect_scores(row)
