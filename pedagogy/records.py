"""An append-only file of JSON lines: what was acknowledged is on the disk, and nothing is ever taken out."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

Fields = Mapping[str, type | tuple[type, ...]]


def now() -> str:
    """The time as ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def append_record(path: str | Path, record: dict) -> None:
    """Add one line and wait until it is on the disk; missing folders are made. OSError where that fails.

    A last line that was cut off is ended first, so that nothing new is glued to it and nothing old is lost.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record, allow_nan=False).encode("ascii") + b"\n"
    with open(path, "a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def load_records(path: str | Path, fields: Callable[[dict], Fields], what: str = "record") -> list[dict]:
    """Every record in the file, oldest first; a damaged line is skipped with a warning that has its number.

    fields(record) says what such a record must hold: a type, or types, for each of its fields.
    """
    records = []
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            for field, kind in fields(record).items():
                if not isinstance(record[field], kind):
                    raise TypeError(field)
        except (ValueError, KeyError, TypeError, RecursionError):
            why = f"not a whole {what} (cut off or damaged), skipped; the file stays as it is"
            warnings.warn(f"{path}, line {number}: {why}", stacklevel=3)
            continue
        records.append(record)
    return records


class Ledger:
    """A file's records, oldest first, and those that could not be written yet: kept, and tried again."""

    def __init__(self, path: str | Path, load: Callable[[Path], list[dict]]):
        self.path = Path(path)
        self.unsaved: list[dict] = []
        self.records, self.notices = _earlier(self.path, load)

    def add(self, record: dict) -> str:
        """Keep a record, on the disk if that can be. Returns what to tell the learner, "" if all is well.

        What could not be written before is tried again first, so that the file has the records in order.
        """
        self.records.append(record)
        self.unsaved.append(record)
        while self.unsaved:
            try:
                append_record(self.path, self.unsaved[0])
            except OSError as error:
                why = error.strerror or error
                return (
                    f"This could not be saved in {self.path} ({why}). It is kept in memory, and tried again "
                    "with whatever comes next."
                )
            del self.unsaved[0]
        return ""


def _earlier(path: Path, load: Callable[[Path], list[dict]]) -> tuple[list[dict], list[str]]:
    """The records of earlier sessions, and what there is to say about their file."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            return load(path), [str(w.message) + "." for w in caught]
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"Earlier records in {path} could not be read ({error.strerror or error})."]
