"""A learner's choices on disk: one line of JSON a pick, only ever appended, readable back as pairs."""

from __future__ import annotations

import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

from ..feedback import prompt_id

PICKS = "annotations/gap_picks.jsonl"  # in the folder of the notebook
TEXTS = dict.fromkeys(("time", "prompt_id", "prompt", "chosen", "rejected", "policy"), str)
FIELDS = TEXTS | {"gap": (int, float), "guess": (int, type(None))}


def new_pick(prompt: str, chosen: str, rejected: str, guess: int | None, gap: float, policy: str) -> dict:
    """One revealed choice, stamped now (ISO 8601, UTC). guess: the sign foretold, +1, -1 or None."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "prompt_id": prompt_id(prompt),
        "prompt": prompt,
        "chosen": chosen,
        "rejected": rejected,
        "guess": guess,
        "gap": gap,
        "policy": policy,
    }


def append_pick(path: str | Path, pick: dict) -> None:
    """Add one line and wait until it is on the disk; missing folders are made. OSError where that fails.

    A last line that was cut off is ended first, so that nothing new is glued to it and nothing old is lost.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(pick, allow_nan=False).encode("ascii") + b"\n"
    with open(path, "a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def load_picks(path: str | Path) -> list[dict]:
    """Every pick in the file, oldest first; a damaged line is skipped with a warning that has its number."""
    picks = []
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            pick = json.loads(line)
            for field, kind in FIELDS.items():
                if not isinstance(pick[field], kind):
                    raise TypeError(field)
        except (ValueError, KeyError, TypeError):
            what = "not a whole pick (cut off or damaged), skipped; the file stays as it is"
            warnings.warn(f"{path}, line {number}: {what}", stacklevel=2)
            continue
        picks.append(pick)
    return picks


def read_picks(path: str | Path = PICKS):
    """The picks as pairs, in load_pairs' columns: a datasets.Dataset, one row a pick, oldest first.

    A learner who changed their mind left two rows. Scores are None: a pick says which, not how much.
    FileNotFoundError where nothing was picked yet; damaged lines are skipped with a warning.
    """
    from datasets import Dataset

    from .. import feedback

    if not Path(path).is_file():
        raise FileNotFoundError(f"no picks in {path}: choose and reveal a pair in the gap explorer first")
    rows = [_as_pair(pick) for pick in load_picks(path)]
    return Dataset.from_list(rows, features=feedback.PAIR_FEATURES)


def _as_pair(pick: dict) -> dict:
    question = {"role": "user", "content": pick["prompt"]}
    chosen, rejected = ([question, {"role": "assistant", "content": pick[s]}] for s in ("chosen", "rejected"))
    same = {key: pick[key] for key in ("prompt", "prompt_id")}
    scores = {"score_chosen": None, "score_rejected": None}
    return {**same, "chosen": chosen, "rejected": rejected, "messages": chosen, **scores}
