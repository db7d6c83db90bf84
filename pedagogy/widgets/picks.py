"""A learner's choices on disk: one line of JSON a pick, only ever appended, readable back as pairs."""

from __future__ import annotations

from pathlib import Path

from ..annotations import as_dataset
from ..feedback import as_pair, prompt_id
from ..records import load_records, now

PICKS = "annotations/gap_picks.jsonl"  # in the folder of the notebook
TEXTS = dict.fromkeys(("time", "prompt_id", "prompt", "chosen", "rejected", "policy"), str)
PAIR = ("prompt", "prompt_id", "chosen", "rejected")
FIELDS = TEXTS | {"gap": (int, float), "guess": (int, type(None))}


def new_pick(prompt: str, chosen: str, rejected: str, guess: int | None, gap: float, policy: str) -> dict:
    """One revealed choice, stamped now (ISO 8601, UTC). guess: the sign foretold, +1, -1 or None."""
    return {
        "time": now(),
        "prompt_id": prompt_id(prompt),
        "prompt": prompt,
        "chosen": chosen,
        "rejected": rejected,
        "guess": guess,
        "gap": gap,
        "policy": policy,
    }


def load_picks(path: str | Path) -> list[dict]:
    """Every pick in the file, oldest first; a damaged line is skipped with a warning that has its number."""
    return load_records(path, lambda pick: FIELDS, "pick")


def read_picks(path: str | Path = PICKS):
    """The picks as pairs, in load_pairs' columns: a datasets.Dataset, one row a pick, oldest first.

    A learner who changed their mind left two rows. Scores are None: a pick says which, not how much.
    FileNotFoundError where nothing was picked yet; damaged lines are skipped with a warning.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no picks in {path}: choose and reveal a pair in the gap explorer first")
    return as_dataset(as_pair({key: pick[key] for key in PAIR}) for pick in load_picks(path))
