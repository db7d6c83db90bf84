"""Preference data: UltraFeedback's raw rows, and pairs in ultrafeedback_binarized's columns.

Raw feedback: a prompt, its completions, and a judgement of each: four aspects, a critique, an overall_score.
A pair: a prompt x, the chosen response y⁺ and the rejected y⁻, as messages, with their scores.

A row walks through small modules: `sources` (from a name to rows), `schemas`, `pairs` and `transcripts` (what
is wrong with one), `strategies` (from raw to pairs). `validation` and `auditing` report on whole data sets.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from . import schemas
from .forms import FEEDBACK, PAIRS, TRANSCRIPTS, find_form
from .pair_rows import as_pair, pair_problems, pair_texts, prompt_id
from .schemas import PAIR, RAW, FeedbackError, Problem, find_problems, numeral
from .sources import File, open_source
from .strategies import STRATEGIES, binarize_problems, pairs_of, ratings_of
from .transcripts import as_messages, transcript_problems

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

__all__ = [
    "FeedbackError", "Problem", "aspect_scores", "binarize", "binarize_problems", "find_problems", "letter",
    "load_feedback", "load_pairs", "overall_scores", "pair_problems", "pair_texts", "prompt_id",
    "split_transcripts",
]  # fmt: skip
QUICK = 20_000  # rows; fewer are done before a progress bar says anything
BATCH = 100  # rows converted at a time


def __getattr__(name: str):
    """RAW_FEATURES and PAIR_FEATURES, made on first use: importing `datasets` takes a second."""
    known = {"RAW_FEATURES": RAW, "PAIR_FEATURES": PAIR}
    if name not in known:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = schemas.to_features(known[name])
    return globals()[name]


# Public functions


def load_feedback(
    name: str | Path = "bundled", split: str | None = "train", drop_bad: bool = False, streaming: bool = False
) -> Dataset | IterableDataset:
    """Raw feedback: a data set with RAW_FEATURES, in the order of its source.

        load_feedback(split="test").to_pandas()

    `name` is "bundled" (splits train, test, test_unseen; no network), a .parquet, .json(.gz) or .jsonl(.gz)
    file (one split), a folder, or the name of a data set on the Hugging Face hub. FeedbackError names field,
    row and remedy of the first row that does not fit; `drop_bad` leaves such rows out, and warns how many.
    `streaming` gives an IterableDataset, which reads and checks a row when it is asked for (and so cannot
    say beforehand how many it will drop).
    """
    rows = open_source(name, split, streaming, forgiving=drop_bad)
    check = partial(find_problems, schema=RAW)
    return _convert(rows, check, _same, RAW, str(name), drop_bad, streaming)


def load_pairs(
    name: str | Path = "bundled",
    split: str | None = "train",
    drop_bad: bool = False,
    streaming: bool = False,
    columns: dict[str, str] | None = None,
) -> Dataset | IterableDataset:
    """Preference pairs in ultrafeedback_binarized's columns: a data set with PAIR_FEATURES.

        load_pairs()[0]["chosen"][-1]["content"]
        load_pairs("HuggingFaceH4/ultrafeedback_binarized", split="train_prefs")
        load_pairs("mine.jsonl", columns={"question": "prompt", "votes.first": "score_chosen"})

    Takes what load_feedback takes, and tells by the first rows which form they have. Raw feedback is
    binarized with seed 0. Pairs have columns prompt, chosen and rejected, as messages or as plain text;
    prompt_id is filled in, and a score that is absent is None. `messages` repeats chosen, as there. Pairs of
    transcripts ("\\n\\nHuman: … \\n\\nAssistant: …") are split, as split_transcripts does. `columns` maps
    other names to these; a dot leads into an object.
    """
    rows, columns = open_source(name, split, streaming, forgiving=drop_bad), columns or {}
    if not isinstance(columns, dict) or (unknown := set(columns.values()) - PAIR.keys() - RAW.keys()):
        found = f"{columns!r}" if not isinstance(columns, dict) else f"the unknown target {min(unknown)!r}"
        remedy = f"map your names to ours: {', '.join(PAIR)}, or fields of raw feedback"
        raise FeedbackError(Problem("columns", found, remedy))
    named = partial(_rename, columns=columns)
    find, make = _PAIR_MAKERS[find_form(map(named, rows))]
    check, convert = (lambda row: find(named(row))), (lambda row: make(named(row)))
    return _convert(rows, check, convert, PAIR, str(name), drop_bad, streaming)


def binarize(
    feedback: Dataset | IterableDataset,
    seed: int = 0,
    strategy: str = "h4",
    margin: float | None = None,
    drop_bad: bool = False,
) -> Dataset | IterableDataset:
    """Raw feedback to pairs, by a rule named after where it is used.

        binarize(load_feedback(), strategy="margin", margin=3)

    | strategy | chosen | rejected | pairs a prompt |
    |---|---|---|---|
    | "h4" | best overall_score | a random other: *may tie* | 1 |
    | "argilla" | best mean of the aspects | a random one with a lower mean | 1; 0 where all tie |
    | "best-vs-worst" | best overall_score | lowest overall_score | 1; 0 where all tie |
    | "all-pairs" | the higher overall_score | the lower | every two that do not tie |
    | "margin" | the higher overall_score | the lower, by at least `margin` | all such pairs |

    "h4" is HuggingFaceH4/ultrafeedback_binarized's rule, "argilla" that of
    argilla/ultrafeedback-binarized-preferences: "N/A" ratings are left out of its means, and score_chosen and
    score_rejected are the means, on the scale 1 to 5. Of several best (or lowest) the first is taken. The
    random draw depends on seed and prompt alone, not on the order of rows. A streamed data set gives a
    streamed one. FeedbackError where a row has fewer than 2 completions, or one without response or score;
    `drop_bad` leaves such rows out. ValueError for an unknown strategy, or a margin that does not fit it.
    """
    _check_strategy(strategy, margin)
    check = partial(binarize_problems, strategy=strategy)
    make = partial(pairs_of, seed=seed, strategy=strategy, margin=margin or 0.0)
    return _convert(one_split(feedback), check, make, PAIR, "feedback", drop_bad)


def split_transcripts(
    source, split: str | None = "train", drop_bad: bool = False
) -> Dataset | IterableDataset:
    """Pairs of Human/Assistant transcripts, as in Anthropic/hh-rlhf, in ultrafeedback_binarized's columns.

        split_transcripts([{"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello!", "rejected": …}])

    `source` is a list of rows, a data set, or a name or path as for load_feedback. What both transcripts say
    before their last answers becomes the messages before the response. FeedbackError names the row where
    they differ there, or where one does not end with an answer.
    """
    named = isinstance(source, (str, Path))
    rows = open_source(source, split, forgiving=drop_bad) if named else source
    if not isinstance(rows, (File, list, tuple)):
        rows = one_split(rows)
    find, make = _PAIR_MAKERS[TRANSCRIPTS]
    return _convert(rows, find, make, PAIR, str(source) if named else "rows", drop_bad)


def aspect_scores(row: dict) -> dict[str, dict[str, float]]:
    """The ratings of a raw row as numbers, {"A": {aspect: 1 … 5}, …}: letters in the order of completions.

    FeedbackError where one is no number: UltraFeedback has "N/A" here and there.
    """
    scores = {}
    for i, completion in enumerate(row["completions"]):
        ratings = dict(zip(schemas.ASPECTS, ratings_of(completion), strict=True))
        for aspect, rating in ratings.items():
            if numeral(rating) is None:
                field = f"completions[{i}].annotations.{aspect}.Rating"
                raise FeedbackError(Problem(field, schemas.show(rating), "leave the row out of comparisons"))
        scores[letter(i)] = {aspect: float(rating) for aspect, rating in ratings.items()}
    return scores


def overall_scores(row: dict) -> dict[str, float]:
    """{"A": overall_score, …}, letters as in aspect_scores."""
    return {letter(i): completion["overall_score"] for i, completion in enumerate(row["completions"])}


def bundled_area(row: dict) -> str:
    """The area that a row of the bundled data is about, such as "garden". ValueError for another row."""
    from ..howto.pipeline import area

    return area(row)


def letter(i: int) -> str:
    """The name of a row's completion number i: A, B, C, …"""
    return chr(ord("A") + i)


# From rows to a data set


def _same(row: dict) -> list[dict]:
    return [{key: row[key] for key in RAW}]


def _rename(row, columns: dict[str, str]):
    """A row with its values under other names too."""
    if not isinstance(row, dict):
        return row
    named = {}
    for path, name in columns.items():
        value = row
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        named |= {} if value is None else {name: value}
    return row | named


_PAIR_MAKERS: dict[str, tuple[Callable, Callable]] = {
    FEEDBACK: (binarize_problems, pairs_of),
    PAIRS: (pair_problems, lambda row: [as_pair(row)]),
    TRANSCRIPTS: (transcript_problems, lambda row: [as_pair(as_messages(row))]),
}


def _check_strategy(strategy: str, margin: float | None) -> None:
    if strategy not in STRATEGIES:
        raise ValueError(f"unknown strategy {strategy!r}: use one of {', '.join(map(repr, STRATEGIES))}")
    if strategy != "margin" and margin is not None:
        raise ValueError(f"margin={margin!r} is for strategy='margin' only, not {strategy!r}: leave it out")
    number = isinstance(margin, (int, float)) and not isinstance(margin, bool)
    if strategy == "margin" and not (number and math.isfinite(margin) and margin > 0):
        raise ValueError(f"strategy='margin' needs margin, a number of points above 0, not {margin!r}")


def one_split(data) -> Dataset | IterableDataset:
    """The data set given; FeedbackError for anything else, a dictionary of splits too."""
    from datasets import Dataset, IterableDataset

    if isinstance(data, (Dataset, IterableDataset)):
        return data
    remedy = "give one split, feedback['train'], or make a data set with datasets.Dataset.from_list(rows)"
    raise FeedbackError(Problem("feedback", f"a {type(data).__name__}", remedy))


def _convert(
    rows, find: Callable, make: Callable, schema: dict, source: str, drop_bad=False, streaming=False
) -> Dataset | IterableDataset:
    """All that `make(row)` gives for each row, as a data set of `schema`; FeedbackError on the first row in
    which `find` finds a problem, unless such rows are dropped."""
    features = schemas.to_features(schema)

    def step(row: dict, i: int) -> list[dict]:
        for problem in find(row):
            remedy = f"{problem.remedy}; drop_bad=True leaves such rows out"
            raise FeedbackError(replace(problem, remedy=remedy, row=i, source=source))
        return make(row)

    keep = (lambda row: next(find(row), None) is None) if drop_bad else None
    if isinstance(rows, File) and streaming:
        return _stream(rows, step, keep, features)
    if streaming and _is_stored(rows):
        rows = rows.to_iterable_dataset()
    convert = _convert_rows if isinstance(rows, (File, list, tuple)) else _convert_dataset
    data, dropped = convert(rows, step, keep, features)
    if _is_stored(data) and not len(data):
        found = f"no rows, and {dropped} left out" if dropped else "no rows"
        remedy = "check that this is the right data"
        if not isinstance(rows, File) and len(rows) > dropped:
            found, remedy = "no pairs: no two scores differ as they should", "ask for less, or for h4's pairs"
        raise FeedbackError(Problem("(all)", found, remedy, source=source))
    if dropped:
        warnings.warn(f"{source}: {dropped} rows with problems left out, {len(data)} kept", stacklevel=3)
    return data


def _convert_rows(rows: Iterable, step: Callable, keep: Callable | None, features) -> tuple[Dataset, int]:
    """Straight into memory, in Arrow chunks: nothing is written to disk."""
    import pyarrow as pa
    from datasets import Dataset

    dropped = 0
    chunks = [features.arrow_schema.empty_table()]
    numbered = enumerate(rows)
    while batch := list(islice(numbered, 1000)):
        good = [(i, row) for i, row in batch if keep is None or keep(row)]
        made = [new for i, row in good for new in step(row, i)]
        chunks.append(pa.Table.from_pylist(made, schema=features.arrow_schema))
        dropped += len(batch) - len(good)
    return Dataset(pa.concat_tables(chunks)), dropped


def _stream(rows: File, step: Callable, keep: Callable | None, features) -> IterableDataset:
    """Row by row, nothing kept."""
    from datasets import IterableDataset

    def generate() -> Iterator[dict]:
        for i, row in enumerate(rows):
            if keep is None or keep(row):
                yield from step(row, i)

    return IterableDataset.from_generator(generate, features=features)


def _convert_dataset(rows, step: Callable, keep: Callable | None, features):
    """Through `map`, which streams where the data set does."""
    rows = rows.with_format(None)  # plain Python values
    columns = rows.column_names or list(next(iter(rows), ()))  # a stream may not know its columns
    stored = _is_stored(rows)
    if stored and not len(rows):
        return rows, 0

    def convert(batch: dict, indices: list[int]) -> dict:
        lines = zip(*dict(batch).values(), strict=True)
        batched = [dict(zip(batch.keys(), line, strict=True)) for line in lines]
        made = [new for row, i in zip(batched, indices, strict=True) for new in step(row, i)]
        return {name: [new[name] for new in made] for name in features}

    with no_traces(bar=stored and len(rows) > QUICK):  # `map` hands over lazy rows, hence dict
        kept = rows.filter(lambda row: keep(dict(row))) if keep else rows
        made = {"with_indices": True, "remove_columns": columns, "features": features}
        data = kept.map(convert, batched=True, batch_size=BATCH, **made)
    return data, len(rows) - len(kept) if stored else 0


def _is_stored(data: Dataset | IterableDataset) -> bool:
    """Whether it has all its rows at hand; a stream has not."""
    from datasets import Dataset

    return isinstance(data, Dataset)


@contextmanager
def no_traces(bar: bool):
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
