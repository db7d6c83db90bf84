"""The data set: the schema, the splits, and that it is what the code builds."""

import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from random import Random

import pyarrow.parquet as pq
import pytest

from pedagogy.feedback.schemas import RAW, find_problems
from pedagogy.howto.build import OUT, SIZES, main, rows
from pedagogy.howto.judge import read_prompt
from pedagogy.howto.prompts import MASCOTS, N_UNSEEN, draw_prompt, is_held_out, unseen_tasks
from pedagogy.howto.world import load_world

SPLITS = tuple(SIZES)


@cache
def bundled(split) -> list[dict]:
    if not (OUT / f"{split}.parquet").exists():
        pytest.skip("the bundled data set is not built yet")
    return pq.read_table(OUT / f"{split}.parquet").to_pylist()


def cases(split):
    return [read_prompt(row["instruction"]).case for row in bundled(split)]


def keys(value, schema):
    """True where every object has exactly the schema's fields."""
    if isinstance(schema, dict):
        return value.keys() == schema.keys() and all(keys(value[k], schema[k]) for k in schema)
    return all(keys(item, schema[0]) for item in value) if isinstance(schema, list) else True


# --- Rows as they are built ---------------------------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
def test_raw_schema_field_for_field(split):
    principles = {"helpfulness", "honesty", "truthfulness", "verbalized_calibration"}
    for row in rows(split, 12, seed=3):
        assert list(find_problems(row, RAW)) == [] and keys_match(row)
        assert len(row["completions"]) == 4 == len(set(row["models"]))
        assert row["models"] == [completion["model"] for completion in row["completions"]]
        assert row["source"] in ("howto_family", "howto_single")
        assert {completion["principle"] for completion in row["completions"]} <= principles


def keys_match(row):
    """UltraFeedback gives helpfulness and truthfulness two more fields than the other aspects."""
    return keys(row, RAW)


def test_a_false_belief_stands_in_the_answer_columns():
    found = Counter()
    for row in rows("train", 60, seed=4):
        has_myth = read_prompt(row["instruction"]).has_myth
        assert (row["incorrect_answers"] != ["None"]) == (row["correct_answers"] != ["None"]) == has_myth
        found[has_myth] += 1
    assert 0.05 * 60 < found[True] < 0.4 * 60


def test_the_same_seed_gives_the_same_rows():
    assert list(rows("test", 8, seed=1)) == list(rows("test", 8, seed=1)) != list(rows("test", 8, seed=2))


def test_rows_do_not_depend_on_the_order_of_sets():
    """Python shuffles sets of strings anew in each process; the data must not notice."""
    code = "import json; from pedagogy.howto.build import rows; print(json.dumps(list(rows('train', 12, 0))))"
    said = {
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1 and len(json.loads(said.pop())) == 12


def test_the_course_question_opens_train():
    assert next(rows("train", 1, seed=9))["instruction"] == "How do I change a tire?"


def test_building_writes_three_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pedagogy.howto.build.SIZES", {"train": 3, "test": 2, "test_unseen": 2})
    monkeypatch.setattr(sys, "argv", ["build", "--out", str(tmp_path / "data")])
    main()
    assert [pq.read_table(tmp_path / "data" / f"{split}.parquet").num_rows for split in SPLITS] == [3, 2, 2]


# --- Splits -------------------------------------------------------------------------------------------


def test_unseen_tasks_are_a_fixed_draw_without_the_mascots():
    unseen = unseen_tasks()
    assert unseen == unseen_tasks() and not unseen & set(MASCOTS)
    found = Counter(load_world().by_id[name].is_family for name in unseen)
    assert found == {True: N_UNSEEN["families"], False: N_UNSEEN["singles"]}


def test_each_family_has_combinations_on_both_sides():
    for task in load_world().tasks:
        held = sum(is_held_out(task.case(choice)) for choice in task.choices())
        assert 0.05 < held / task.n_cases < 0.25 if task.is_family else held == 0, task.id


def test_every_value_of_every_attribute_occurs_in_training():
    """A held-out combination is new, but each of its parts has been seen."""
    for task in load_world().tasks:
        seen = {(slot, value) for choice in task.choices() if not is_held_out(task.case(choice))
                for slot, value in choice.items()}  # fmt: skip
        assert seen == {(slot, value) for slot, pool in task.attributes.items() for value in pool}


@pytest.mark.parametrize("split", [*SPLITS, "text"])
def test_draws_keep_to_their_split(split):
    rng, unseen = Random(0), unseen_tasks()
    for _ in range(400):
        case, prompt = draw_prompt(split, rng)
        assert read_prompt(prompt).case.key == case.key
        assert is_held_out(case) == (split == "test")
        assert split == "text" or (case.task.id in unseen) == (split == "test_unseen")


def test_the_training_text_never_shows_a_held_out_combination():
    train = pytest.importorskip("pedagogy.howto.train")
    rng, tasks = Random(0), set()
    for _ in range(250):
        prompt, reply = train.conversation(rng, train.GROWN)
        case = read_prompt(prompt).case
        tasks.add(case.task.id)
        assert not is_held_out(case) and reply
        for sentence in reply.replace("\n", " ").split(". "):  # a stray step may come from another task
            named = load_world().find(sentence)
            assert named is None or not is_held_out(named)
    assert tasks & unseen_tasks()  # the model knows these tasks, though no preference pair shows them


# --- The bundled files --------------------------------------------------------------------------------


def test_sizes():
    for split, least in (("train", 3000), ("test", 400), ("test_unseen", 200)):
        assert len(bundled(split)) == SIZES[split] >= least
    assert sum((OUT / f"{split}.parquet").stat().st_size for split in SPLITS) <= 5e6


def test_splits_share_no_prompt_and_no_held_out_case():
    prompts = Counter(row["instruction"] for split in SPLITS for row in bundled(split))
    assert max(prompts.values()) == 1
    train, test, unseen = ({case.key for case in cases(split)} for split in SPLITS)
    assert not test & train and not unseen & (train | test)
    assert all(is_held_out(case) for case in cases("test"))
    assert not any(is_held_out(case) for split in ("train", "test_unseen") for case in cases(split))


def test_unseen_tasks_occur_nowhere_else():
    train, test, unseen = ({case.task.id for case in cases(split)} for split in SPLITS)
    assert unseen == unseen_tasks() and not unseen & (train | test)
    assert train == {task.id for task in load_world().tasks} - unseen


def test_the_bundled_files_are_what_the_code_builds():
    """Fails where the world, an assistant, the judge or the annotator changed: run pedagogy.howto.build."""
    for split in SPLITS:
        assert bundled(split)[:30] == list(rows(split, 30, seed=0)), f"{split} is out of date"
