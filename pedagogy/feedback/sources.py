"""From a name to rows of data: bundled, a file, a folder or the Hugging Face hub, with errors that help."""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .schemas import FILE, WHOLE, FeedbackError, Problem

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

BUNDLED = Path(__file__).parents[1] / "assets" / "data"
SPLITS = ("train", "test", "test_unseen")
FILES = (".parquet", ".json", ".jsonl", ".json.gz", ".jsonl.gz")
OFFLINE = "load_feedback() and load_pairs(), without a name, need no network"
LINES = "write one JSON object a line, or one list of objects"
BLOCK = 1 << 16  # bytes of a JSON list read at a time
END = object()  # of a JSON list


def open_source(
    name: str | Path, split: str | None, streaming: bool = False, forgiving: bool = False
) -> File | Dataset | IterableDataset:
    """The rows behind a name, not yet checked; FeedbackError where name or split leads nowhere.

    A File reads row by row in any case, and may be a `forgiving` one; `streaming` is for the rest.
    """
    rows = _open(name, split, streaming)
    return replace(rows, forgiving=forgiving) if isinstance(rows, File) else rows


def _open(name: str | Path, split: str | None, streaming: bool) -> File | Dataset | IterableDataset:
    if not isinstance(name, (str, Path)):
        remedy = "give a name or a path; for a data set there is binarize"
        raise FeedbackError(Problem("name", f"a {type(name).__name__}", remedy))
    if str(name) == "bundled":
        return _bundled(split)
    path = Path(name).expanduser()
    if path.is_file():
        return _single_file(path, split)
    if path.is_dir():
        return _folder(path, split, streaming)
    if not re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", str(name)) or str(name).endswith(FILES):
        raise FeedbackError(Problem("name", f"no file or folder {str(name)!r}", f"check the path; {OFFLINE}"))
    return _hub(str(name), split, streaming)


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


def _folder(path: Path, split: str | None, streaming: bool) -> File | Dataset:
    """train.jsonl and its like are read as they are; any other layout is left to `datasets`."""
    files = [file for file in sorted(path.iterdir()) if file.name.lower().endswith(FILES)]
    named = {file.name.split(".")[0]: file for file in files}
    if split in named:
        return File(named[split])
    if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():  # of save_to_disk
        return _one_split(_try("load_from_disk", str(path)), str(path), split)
    return _hub(str(path), split, streaming)


def _hub(name: str, split: str | None, streaming: bool) -> Dataset | IterableDataset:
    options = {"streaming": True} if streaming else {}
    return _one_split(_try("load_dataset", name, split=split, **options), name, split)


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
    """The rows of one local file, read anew on each pass, one after the other."""

    path: Path
    forgiving: bool = False

    def __iter__(self) -> Iterator[dict | Problem]:
        """The rows; FeedbackError at the first that cannot be read, though a forgiving File goes on if it can
        and has a Problem in its place."""
        for item in self.items():
            if isinstance(item, Problem) and not (self.forgiving and item.field == WHOLE):
                raise FeedbackError(item)
            yield item

    def items(self) -> Iterator[dict | Problem]:
        """The rows, and in place of one that cannot be read its Problem. Where it can, reading goes on."""
        row = 0
        try:
            for item in self._parquet() if self._ends(".parquet") else self._json():
                yield replace(item, row=row, source=str(self.path)) if isinstance(item, Problem) else item
                row += 1
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            remedy = "download or save the file again, whole: nothing can be read from here on"
            yield Problem(FILE, f"{error}", remedy, row, str(self.path))

    def _ends(self, suffix: str) -> bool:
        return self.path.name.lower().endswith(suffix)

    def _parquet(self) -> Iterator[dict]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(1000):
                    yield from batch.to_pylist()
        except pa.ArrowException as error:
            raise OSError(f"no Parquet: {error}") from error

    def _json(self) -> Iterator[dict | Problem]:
        """One object a line, or one list of objects."""
        with (gzip.open if self._ends(".gz") else open)(self.path, "rb") as file:
            plain = (line.removeprefix(b"" if i > 1 else codecs.BOM_UTF8) for i, line in enumerate(file, 1))
            numbered = ((i, line) for i, line in enumerate(plain, 1) if line.strip())
            number, first = next(numbered, (1, b""))
            if first.lstrip().startswith(b"["):
                file.seek(0)
                yield from _list_items(file)
            elif first:
                yield _line(first, number)
                yield from (_line(line, number) for number, line in numbered)


def _line(line: bytes, number: int) -> dict | Problem:
    """One line of JSON lines. Each is decoded alone: a bad byte spoils one row, not all that follow."""
    try:
        return json.loads(line.decode())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        return Problem(WHOLE, f"line {number}, which is no JSON ({error})", LINES)


def _list_items(file: BinaryIO) -> Iterator[dict | Problem]:
    """The items of a JSON list, each parsed once it is read whole. A broken one ends the reading."""
    reader = codecs.getincrementaldecoder("utf-8-sig")()
    text, first, size = "", True, BLOCK
    while True:
        try:
            item, rest = _next_item(text, first)
        except (ValueError, RecursionError) as error:  # broken, or not yet read to its end
            block = file.read(size)
            if not block:
                remedy = f"save the file again, whole, or {LINES}"
                yield Problem(FILE, f"a list that is no JSON from here on ({error})", remedy)
                return
            text, size = text + reader.decode(block), 2 * size
        else:
            if item is END:
                if rest.strip() or any(block.strip() for block in iter(partial(file.read, BLOCK), b"")):
                    yield Problem(FILE, "more text after the end of the list", LINES)
                return
            yield item
            text, first, size = rest, False, BLOCK


def _next_item(text: str, first: bool) -> tuple[object, str]:
    """The item that `text`, a part of a JSON list, begins with, and the rest; END for the list's end."""
    text = text.lstrip()
    if first:
        text = text.removeprefix("[").lstrip()
    if text.startswith("]"):
        return END, text[1:]
    if not first:
        if not text.startswith(","):
            raise json.JSONDecodeError("Expecting ',' or ']'", text, 0)
        text = text[1:].lstrip()
    item, end = json.JSONDecoder().raw_decode(text)
    if end == len(text):  # perhaps the first half of a number
        raise json.JSONDecodeError("Expecting ',' or ']'", text, end)
    return item, text[end:]
