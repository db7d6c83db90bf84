"""Preference data: UltraFeedback's raw rows, and pairs in ultrafeedback_binarized's columns.

Raw feedback: a prompt, its completions, and a judgement of each: four aspects, a critique, an overall_score.
A pair: a prompt x, the chosen response y⁺ and the rejected y⁻, as messages, with their scores.

A check is a generator of all the problems of a row; loading raises the first of them as a FeedbackError.
`schemas.py` has the schemas, `sources.py` turns a name into rows.
"""

from __future__ import annotations

import hashlib
import re
import reprlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from . import schemas
from .schemas import (
    BINARIZABLE,
    MESSAGES,
    NUMBER,
    PAIR,
    RAW,
    TEXT,
    WORDS,
    FeedbackError,
    Problem,
    find_problems,
)
from .sources import File, open_source

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

QUICK = 20_000  # rows; fewer are done before a progress bar says anything


# Public functions


def __getattr__(name: str):
    """RAW_FEATURES and PAIR_FEATURES, made on first use: importing `datasets` takes a second."""
    known = {"RAW_FEATURES": RAW, "PAIR_FEATURES": PAIR}
    if name not in known:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = schemas.to_features(known[name])
    return globals()[name]


def load_feedback(
    name: str | Path = "bundled", split: str | None = "train", drop_bad: bool = False
) -> Dataset:
    """Raw feedback: a data set with RAW_FEATURES, in the order of its source.

        load_feedback(split="test").to_pandas()

    `name` is "bundled" (splits train, test, test_unseen; no network), a .parquet, .json(.gz) or .jsonl(.gz)
    file (one split), a folder, or the name of a data set on the Hugging Face hub. FeedbackError names field,
    row and remedy of the first row that does not fit; `drop_bad` leaves such rows out, and warns how many.
    """
    rows, check = open_source(name, split), partial(find_problems, schema=RAW)
    return _convert(rows, check, _same, RAW, str(name), drop_bad)


def load_pairs(name: str | Path = "bundled", split: str | None = "train", drop_bad: bool = False) -> Dataset:
    """Preference pairs in ultrafeedback_binarized's columns: a data set with PAIR_FEATURES.

        load_pairs()[0]["chosen"][-1]["content"]
        load_pairs("HuggingFaceH4/ultrafeedback_binarized", split="train_prefs")

    Takes what load_feedback takes. Raw feedback is binarized with seed 0. Pairs have columns prompt, chosen
    and rejected, as messages or as plain text; prompt_id is filled in, and a score that is absent is None.
    `messages` repeats chosen, as there.
    """
    rows = open_source(name, split)
    first = next(iter(rows), None)
    if isinstance(first, dict) and "completions" in first:
        return _convert(rows, binarize_problems, partial(_binarize_row, seed=0), PAIR, str(name), drop_bad)
    return _convert(rows, pair_problems, _as_pair, PAIR, str(name), drop_bad)


def binarize(feedback: Dataset | IterableDataset, seed: int = 0) -> Dataset | IterableDataset:
    """Raw feedback to pairs, one a row, as ultrafeedback_binarized does it.

    chosen is the response with the highest overall_score, the first on a tie; rejected is one of the others
    at random, so it *may tie*. The draw depends on seed and prompt alone, not on the order of rows. Scores
    stay as they are. A streamed data set gives a streamed one. FeedbackError where a row has fewer than
    2 completions, or one without response or overall_score.
    """
    from datasets import Dataset, IterableDataset

    if not isinstance(feedback, (Dataset, IterableDataset)):
        remedy = "give one split, feedback['train'], or make a data set with datasets.Dataset.from_list(rows)"
        raise FeedbackError(Problem("feedback", f"a {type(feedback).__name__}", remedy))
    return _convert(feedback, binarize_problems, partial(_binarize_row, seed=seed), PAIR)


def pair_texts(row: dict) -> tuple[str | list[dict], str, str]:
    """(x, y⁺, y⁻) of a pair, ready for policy.gap: responses are the last messages of chosen and rejected.

    x is a string where it is one user message, else the list of messages before the response.
    """
    for problem in pair_problems(row):
        raise FeedbackError(problem)
    *context, chosen = _conversation(row, "chosen")
    single = len(context) == 1 and context[0]["role"] == "user"
    rejected = _conversation(row, "rejected")[-1]
    return context[0]["content"] if single else context, chosen["content"], rejected["content"]


def aspect_scores(row: dict) -> dict[str, dict[str, float]]:
    """The ratings of a raw row as numbers, {"A": {aspect: 1 … 5}, …}: letters in the order of completions.

    FeedbackError where one is no number: UltraFeedback has "N/A" here and there.
    """
    scores = {}
    for i, completion in enumerate(row["completions"]):
        given = completion["annotations"] or {}
        ratings = {aspect: (given.get(aspect) or {}).get("Rating") for aspect in schemas.ASPECTS}
        for aspect, rating in ratings.items():
            if not re.fullmatch(schemas.NUMERAL, str(rating).strip()):
                field = f"completions[{i}].annotations.{aspect}.Rating"
                raise FeedbackError(Problem(field, schemas.show(rating), "leave the row out of comparisons"))
        scores[letter(i)] = {aspect: float(rating) for aspect, rating in ratings.items()}
    return scores


def overall_scores(row: dict) -> dict[str, float]:
    """{"A": overall_score, …}, letters as in aspect_scores."""
    return {letter(i): completion["overall_score"] for i, completion in enumerate(row["completions"])}


def letter(i: int) -> str:
    """The name of a row's completion number i: A, B, C, …"""
    return chr(ord("A") + i)


def binarize_problems(row) -> Iterator[Problem]:
    """Why a raw row gives no pair."""
    yield from find_problems(row, BINARIZABLE)
    completions = row.get("completions") if isinstance(row, dict) else None
    if isinstance(completions, list) and len(completions) == 1:
        yield Problem("completions", "1 completion", "give at least 2 to choose from, or leave the row out")


def pair_problems(row) -> Iterator[Problem]:
    """What is wrong with a pair, its texts as messages or as plain text."""
    if not isinstance(row, dict):
        yield from find_problems(row, PAIR)
        return
    schema = {"prompt": MESSAGES if isinstance(row.get("prompt"), list) else WORDS}
    for side in ("chosen", "rejected"):
        schema[side] = WORDS if isinstance(row.get(side), str) else MESSAGES
    problems = list(find_problems(row, schema))
    for side in ("chosen", "rejected"):
        problems += find_problems(_score(row, side), NUMBER, f"score_{side}")
    problems += find_problems(row.get("prompt_id"), TEXT, "prompt_id")
    yield from problems or _conversation_problems(row)


def _conversation_problems(row: dict) -> Iterator[Problem]:
    """A pair whose fields fit, but not together."""
    contexts = {}
    for side in ("chosen", "rejected"):
        *contexts[side], last = _conversation(row, side)
        if last["role"] != "assistant":
            remedy = "end with the response, the assistant's message"
            yield Problem(f"{side}[{len(contexts[side])}].role", schemas.show(last["role"]), remedy)
        elif not _holds(contexts[side], row["prompt"]):
            first = reprlib.repr(contexts[side][0]["content"])
            found = f"messages that begin with {first}, not with the prompt {reprlib.repr(row['prompt'])}"
            yield Problem(f"{side}[0].content", found, "make it the prompt, word for word")
    if contexts["chosen"] != contexts["rejected"]:
        found = "other messages before its response than chosen has"
        yield Problem("rejected", found, "compare two responses to the same messages")


def _holds(context: list[dict], prompt: str | list[dict]) -> bool:
    if isinstance(prompt, list):
        return context[: len(prompt)] == [_message(**m) for m in prompt]
    return prompt.strip() in {m["content"].strip() for m in context if m["role"] == "user"}


# Rows: from one form to the other


def _message(role: str, content: str, **_) -> dict:
    return {"content": content, "role": role}


def _conversation(row: dict, side: str) -> list[dict]:
    """The messages of one side, the prompt's first and the response last."""
    prompt, said = row["prompt"], row[side]
    context = [_message("user", prompt)] if isinstance(prompt, str) else [_message(**m) for m in prompt]
    if isinstance(said, str):
        return [*context, _message("assistant", said)]
    said = [_message(**m) for m in said]
    return [*context, *said] if said[0]["role"] == "assistant" else said


def _score(row: dict, side: str) -> float | None:
    """The score in its own column or, as in some exports, under "metadata"."""
    metadata = row.get("metadata")
    return row.get(f"score_{side}", metadata.get(f"score_{side}") if isinstance(metadata, dict) else None)


def prompt_id(prompt: str) -> str:
    """The SHA-256 of a prompt in hex, ultrafeedback_binarized's key of a row."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def _as_pair(row: dict) -> dict:
    """Any pair without problems, in ultrafeedback_binarized's columns."""
    chosen, rejected = _conversation(row, "chosen"), _conversation(row, "rejected")
    prompt = row["prompt"]
    if not isinstance(prompt, str):
        prompt = next((m["content"] for m in prompt if m["role"] == "user"), prompt[0]["content"])
    return {
        "prompt": prompt,
        "prompt_id": row.get("prompt_id") or prompt_id(prompt),
        "chosen": chosen,
        "rejected": rejected,
        "messages": chosen,
        "score_chosen": _score(row, "chosen"),
        "score_rejected": _score(row, "rejected"),
    }


def _binarize_row(row: dict, seed: int) -> dict:
    """Best against a random other, drawn from (seed, prompt) alone, whatever the row's place."""
    prompt, completions = row["instruction"], row["completions"]
    best = max(range(len(completions)), key=lambda i: completions[i]["overall_score"])  # the first on a tie
    chosen, others = completions[best], completions[:best] + completions[best + 1 :]
    draw = hashlib.sha256(f"{seed}|{prompt_id(prompt)}".encode()).digest()
    rejected = others[int.from_bytes(draw) % len(others)]  # one of 2**256: as good as uniform
    pair = {"prompt": prompt, "chosen": chosen["response"], "rejected": rejected["response"]}
    scores = {"score_chosen": chosen["overall_score"], "score_rejected": rejected["overall_score"]}
    return _as_pair(pair | scores)


# From a source of rows to a data set


def _same(row: dict) -> dict:
    return {key: row[key] for key in RAW}


def _convert(rows, find: Callable, make: Callable, schema: dict, source: str = "", drop_bad: bool = False):
    """`make(row)` of every row as a data set of `schema`; FeedbackError on the first row with problems."""
    features = schemas.to_features(schema)

    def step(row: dict, i: int) -> dict:
        for problem in find(row):
            hint = "; loading with drop_bad=True leaves such rows out" if source else ""
            raise FeedbackError(replace(problem, remedy=problem.remedy + hint, row=i, source=source))
        return make(row)

    keep = (lambda row: next(find(row), None) is None) if drop_bad else None
    convert = _convert_file if isinstance(rows, File) else _convert_dataset
    data, dropped = convert(rows, step, keep, features)
    if _is_stored(data) and not len(data):
        found = f"no rows, and {dropped} left out" if dropped else "no rows"
        raise FeedbackError(Problem("(all)", found, "check that this is the right data", source=source))
    if dropped:
        warnings.warn(f"{source}: {dropped} rows with problems left out, {len(data)} kept", stacklevel=3)
    return data


def _convert_file(rows: File, step: Callable, keep: Callable | None, features) -> tuple[Dataset, int]:
    """Straight into memory, in Arrow chunks: nothing is written to disk."""
    import pyarrow as pa
    from datasets import Dataset

    seen = made = 0
    chunks = [features.arrow_schema.empty_table()]
    numbered = enumerate(rows)
    while batch := list(islice(numbered, 1000)):
        good = [step(row, i) for i, row in batch if keep is None or keep(row)]
        chunks.append(pa.Table.from_pylist(good, schema=features.arrow_schema))
        seen, made = seen + len(batch), made + len(good)
    return Dataset(pa.concat_tables(chunks)), seen - made


def _convert_dataset(rows, step: Callable, keep: Callable | None, features):
    """Through `map`, which streams where the data set does."""
    rows = rows.with_format(None)  # plain Python values
    columns = rows.column_names or list(next(iter(rows), ()))  # a stream may not know its columns
    stored = _is_stored(rows)
    if stored and not len(rows):
        return rows, 0
    with _no_traces(bar=stored and len(rows) > QUICK):  # `map` hands over lazy rows, hence dict
        kept = rows.filter(lambda row: keep(dict(row))) if keep else rows
        made = {"with_indices": True, "remove_columns": columns, "features": features}
        data = kept.map(lambda row, i: step(dict(row), i), **made)
    return data, len(rows) - len(kept) if stored else 0


def _is_stored(data: Dataset | IterableDataset) -> bool:
    """Whether it has all its rows at hand; a stream has not."""
    from datasets import Dataset

    return isinstance(data, Dataset)


@contextmanager
def _no_traces(bar: bool):
    """`datasets` without cache files beside the user's data (a large result goes to a temporary folder, gone
    when Python ends), hence without stale ones, and without a bar for a quick job."""
    import datasets

    caching, bars = datasets.is_caching_enabled(), not datasets.are_progress_bars_disabled()
    datasets.disable_caching()
    if bars and not bar:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if caching:
            datasets.enable_caching()
        if bars:
            datasets.enable_progress_bars()
