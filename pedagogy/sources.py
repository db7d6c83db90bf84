"""From a name to rows of data: bundled, a file, a folder or the Hugging Face hub, with errors that help."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .schemas import FeedbackError, Problem

if TYPE_CHECKING:
    from datasets import Dataset

BUNDLED = Path(__file__).parent / "assets" / "data"
SPLITS = ("train", "test", "test_unseen")
FILES = (".parquet", ".json", ".jsonl", ".json.gz", ".jsonl.gz")
OFFLINE = "load_feedback() and load_pairs(), without a name, need no network"


def open_source(name: str | Path, split: str | None) -> File | Dataset:
    """The rows behind a name, not yet checked; FeedbackError where name or split leads nowhere."""
    if not isinstance(name, (str, Path)):
        remedy = "give a name or a path; for a data set there is binarize"
        raise FeedbackError(Problem("name", f"a {type(name).__name__}", remedy))
    if str(name) == "bundled":
        return _bundled(split)
    path = Path(name).expanduser()
    if path.is_file():
        return _single_file(path, split)
    if path.is_dir():
        return _folder(path, split)
    if not re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", str(name)) or str(name).endswith(FILES):
        raise FeedbackError(Problem("name", f"no file or folder {str(name)!r}", f"check the path; {OFFLINE}"))
    return _hub(str(name), split)


def _bundled(split: str | None) -> File:
    if split not in SPLITS:
        raise _unknown_split("bundled", split, SPLITS)
    path = BUNDLED / f"{split}.parquet"
    if not path.is_file():
        remedy = "run `make model`, or install the package again"
        raise FeedbackError(Problem("name", f"no bundled data at {path}", remedy))
    return File(path)


def _single_file(path: Path, split: str | None) -> File:
    if not path.name.lower().endswith(FILES):
        raise FeedbackError(Problem("name", f"the file {path.name}", f"save it as one of {', '.join(FILES)}"))
    own = path.name.split(".")[0]
    if split not in (None, "train", own):
        raise _unknown_split(path.name, split, dict.fromkeys(("train", own)), "; one file is one split")
    return File(path)


def _folder(path: Path, split: str | None) -> File | Dataset:
    """train.jsonl and its like are read as they are; any other layout is left to `datasets`."""
    files = [file for file in sorted(path.iterdir()) if file.name.lower().endswith(FILES)]
    named = {file.name.split(".")[0]: file for file in files}
    if split in named:
        return File(named[split])
    if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():  # of save_to_disk
        return _one_split(_try("load_from_disk", str(path)), str(path), split)
    return _hub(str(path), split)


def _hub(name: str, split: str | None) -> Dataset:
    return _one_split(_try("load_dataset", name, split=split), name, split)


def _try(function: str, name: str, **options):
    """A loading function of `datasets`, its errors in our words."""
    import datasets

    try:
        return getattr(datasets, function)(name, **options)
    except datasets.exceptions.DatasetNotFoundError as error:
        remedy = f"check the name; a private or gated one needs `hf auth login`; {OFFLINE}"
        raise FeedbackError(Problem("name", f"no data set {name!r} here or on the hub", remedy)) from error
    except ConnectionError as error:
        found = f"no way to reach {name!r} ({error})"
        raise FeedbackError(Problem("name", found, f"no network? {OFFLINE}")) from error
    except Exception as error:  # a builder raises many kinds
        known = re.search(r"Unknown split .*?\[(.*?)\]", str(error))
        if known:
            raise _unknown_split(name, options.get("split"), re.findall(r"[\w.]+", known[1])) from error
        found = f"{name!r} unreadable ({type(error).__name__}: {error})"
        raise FeedbackError(Problem("name", found, f"mend or convert the files; {OFFLINE}")) from error


def _one_split(data, name: str, split: str | None) -> Dataset:
    if not isinstance(data, dict):
        return data
    if split not in data:
        raise _unknown_split(name, split, data)
    return data[split]


def _unknown_split(source: str, split: str | None, known: Iterable[str], note: str = "") -> FeedbackError:
    remedy = f"use one of {', '.join(map(repr, known))}{note}"
    return FeedbackError(Problem("split", f"the unknown split {split!r}", remedy, source=source))


@dataclass(frozen=True)
class File:
    """The rows of one local file, read anew on each pass."""

    path: Path

    def __iter__(self) -> Iterator[dict]:
        try:
            yield from self._parquet() if self.path.name.lower().endswith(".parquet") else self._json()
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            remedy = "download or save the file again, whole"
            raise FeedbackError(Problem("(file)", f"{error}", remedy, source=str(self.path))) from error

    def _parquet(self) -> Iterator[dict]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(1000):
                    yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise OSError(f"no Parquet: {error}") from error

    def _json(self) -> Iterator[dict]:
        """One object a line, or one list of objects."""
        opener = gzip.open if self.path.name.lower().endswith(".gz") else open
        with opener(self.path, "rt", encoding="utf-8-sig") as file:
            lines = (line for line in file if line.strip())
            first = next(lines, "")
            if first.lstrip().startswith("["):
                yield from self._parse(first + "".join(lines), None)
            elif first:
                yield self._parse(first, 0)
                yield from (self._parse(line, i) for i, line in enumerate(lines, start=1))

    def _parse(self, text: str, row: int | None):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            remedy = "write one JSON object a line, or one list of objects"
            found = f"no JSON ({error})"
            raise FeedbackError(Problem("(file)", found, remedy, row, str(self.path))) from error
