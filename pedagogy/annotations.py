"""A person's own preferences: which pairs to ask about, the file of verdicts, and training pairs from it.

Four verdicts. "left" and "right" name the better answer. "tie" is a judgement: the two are equally good.
"can't say" is the absence of one. They are not the same: in an order, indifferent is not incomparable.

The file is only ever appended to: taking a verdict back appends a record that says so. `raters.py` measures
how far the verdicts agree with somebody else's.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from dataclasses import replace as changed
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from . import feedback
from .feedback import as_pair, prompt_id
from .feedback.schemas import WORDS, FeedbackError, Problem, find_problems
from .records import load_records, now

if TYPE_CHECKING:
    from datasets import Dataset

FILE = "annotations/desk.jsonl"  # in the folder of the notebook
VERDICTS = ("left", "right", "tie", "can't say")
OTHER_SIDE = {"left": "right", "right": "left"}

STAMP = dict.fromkeys(("id", "time", "annotator"), str)
QUESTION = dict.fromkeys(("prompt", "prompt_id", "left", "right", "left_text", "right_text"), str)
FIELDS = {
    "verdict": STAMP | QUESTION | {"row": int, "verdict": str, "seconds": (int, float)},
    "undo": STAMP | {"undoes": str},
    "report": STAMP,  # the report was opened: verdicts after this one are no longer blind
}


# Which pairs to ask about


@dataclass(frozen=True)
class Question:
    """A pair to judge: two answers to one prompt, on the sides where they are shown.

    left and right are the letters of the row's completions, which are never shown before the end.
    """

    prompt: str
    prompt_id: str
    row: int
    left: str
    right: str
    left_text: str
    right_text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from all others; with exchanged sides it is another question."""
        return self.prompt_id, self.left_text, self.right_text

    def exchanged(self) -> Question:
        sides = {"left": self.right, "right": self.left}
        return changed(self, **sides, left_text=self.right_text, right_text=self.left_text)


def make_queue(feedback, seed: int = 0, prompts: int = 6, repeats: int = 6) -> list[Question]:
    """All pairs of answers to some prompts, in the order to ask them; and some pairs again, sides exchanged.

    All pairs of a prompt, since only they can show a cycle: four answers make six. Prompts, order and sides
    depend on `seed` alone. Each answer is on the left in half of its pairs. Two questions in a row are about
    different prompts (with 3 prompts or more of 4 answers; with fewer, as far as can be). A repeated pair is
    one of the first third, and comes among the last third or later. Repeats are at most a third of the pairs.

    FeedbackError on rows that are not raw feedback; rows without two different answers are passed over.
    """
    rng = random.Random(f"{seed}|annotation queue")
    asked = _interleave([_all_pairs(row, i, rng) for i, row in _choose_rows(feedback, prompts, rng)], rng)
    third = len(asked) // 3
    again = [question.exchanged() for question in _evenly(asked[:third], min(repeats, third), rng)]
    begun, rest = asked[: 2 * third], asked[2 * third :] + again
    rng.shuffle(rest)
    return begun + _interleave(_by_prompt(rest), rng, after=begun[-1].prompt_id if begun else None)


def _choose_rows(feedback, prompts: int, rng: random.Random) -> Iterator[tuple[int, dict]]:
    """Row numbers and rows with different prompts, at random."""
    if isinstance(feedback, dict) or not (hasattr(feedback, "__len__") and hasattr(feedback, "__getitem__")):
        remedy = "give one split as a data set, or a list of rows"
        raise FeedbackError(Problem("feedback", f"a {type(feedback).__name__}", remedy))
    seen = set()
    for i in rng.sample(range(len(feedback)), len(feedback)):
        if len(seen) == prompts:
            return
        row = feedback[i]
        for problem in find_problems(row, {"instruction": WORDS, "completions": [{"response": WORDS}]}):
            raise FeedbackError(changed(problem, row=i))
        if row["instruction"] not in seen and len(_different_answers(row)) > 1:
            seen.add(row["instruction"])
            yield i, row
    if not seen:
        remedy = "give raw feedback with at least 2 different responses to a prompt"
        raise FeedbackError(Problem("completions", "no row with two different answers", remedy))


def _different_answers(row: dict) -> list[tuple[str, str]]:
    """(letter, text) of each answer, the same text only once."""
    first = {}
    for i, completion in enumerate(row["completions"]):
        first.setdefault(completion["response"].strip(), (feedback.letter(i), completion["response"]))
    return list(first.values())


def _all_pairs(row: dict, number: int, rng: random.Random) -> list[Question]:
    """Every two answers, in random order; each answer is on the left in half of its pairs.

    Put the answers on a circle, at random: each is on the left of the next half of the circle.
    """
    prompt, circle = row["instruction"], _different_answers(row)
    rng.shuffle(circle)
    asked = []
    for i, j in combinations(range(len(circle)), 2):
        opposite = 2 * (j - i) == len(circle)
        if 2 * (j - i) > len(circle) or (opposite and rng.random() < 0.5):
            i, j = j, i
        (left, left_text), (right, right_text) = circle[i], circle[j]
        asked.append(Question(prompt, prompt_id(prompt), number, left, right, left_text, right_text))
    rng.shuffle(asked)
    return asked


def _by_prompt(questions: Sequence[Question]) -> list[list[Question]]:
    groups: dict[str, list[Question]] = {}
    for question in questions:
        groups.setdefault(question.prompt_id, []).append(question)
    return list(groups.values())


def _interleave(groups: list[list[Question]], rng: random.Random, after: str | None = None) -> list[Question]:
    """One from the fullest group at a time, but not from the group of the one before where that can be."""
    groups, order = [list(group) for group in groups], []
    while any(groups):
        open_groups = [g for g in groups if g and g[0].prompt_id != after] or [g for g in groups if g]
        most = max(map(len, open_groups))
        question = rng.choice([g for g in open_groups if len(g) == most]).pop()
        order.append(question)
        after = question.prompt_id
    return order


def _evenly(questions: Sequence[Question], count: int, rng: random.Random) -> list[Question]:
    """`count` of them, from all prompts alike."""
    return _interleave(_by_prompt(rng.sample(questions, len(questions))), rng)[:count]


# The file


def new_verdict(question: Question, verdict: str, seconds: float, annotator: str) -> dict:
    """A verdict as a record. ValueError on anything but "left", "right", "tie" and "can't say"."""
    if verdict not in VERDICTS:
        raise ValueError(f"verdict {verdict!r} is unknown: give one of {', '.join(map(repr, VERDICTS))}")
    said = {"verdict": verdict, "seconds": round(float(seconds), 3)}
    return _stamp("verdict", annotator) | asdict(question) | said


def new_undo(record: dict) -> dict:
    """A record that takes a verdict back."""
    return _stamp("undo", record["annotator"]) | {"undoes": record["id"]}


def new_report(annotator: str) -> dict:
    """A record that the report was opened."""
    return _stamp("report", annotator)


def _stamp(kind: str, annotator: str) -> dict:
    return {"kind": kind, "id": uuid.uuid4().hex, "time": now(), "annotator": annotator}


def read_file(path: str | Path) -> list[dict]:
    """Every record of a file, undone ones too, oldest first; damaged lines are skipped with a warning.

    FileNotFoundError where nothing was judged yet.
    """
    try:
        return load_records(path, _fields, "verdict")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no verdicts in {path}: judge a pair at the annotation desk first"
        ) from error


def _fields(record: dict) -> dict:
    if record["kind"] == "verdict" and record["verdict"] not in VERDICTS:
        raise ValueError(record["verdict"])
    return FIELDS[record["kind"]]


def in_force(records: Sequence[dict]) -> list[dict]:
    """The verdicts that were not taken back, oldest first; what a failing disk wrote twice counts once."""
    undone = {record["undoes"] for record in records if record["kind"] == "undo"}
    verdicts = {record["id"]: record for record in records if record["kind"] == "verdict"}
    return [record for name, record in verdicts.items() if name not in undone]


def load_annotations(path: str | Path = FILE, annotator: str | None = None) -> list[dict]:
    """The verdicts in force, oldest first, all or one annotator's: made for pandas.DataFrame(…).

    FileNotFoundError where nothing was judged yet; damaged lines are skipped with a warning.
    """
    return [v for v in in_force(read_file(path)) if annotator in (None, v["annotator"])]


def as_verdicts(source: str | Path | Sequence[dict]) -> list[dict]:
    """Verdicts in force, of a file or of a list of records."""
    return load_annotations(source) if isinstance(source, str | Path) else in_force(source)


def grouped(verdicts: Sequence[dict]) -> list[list[dict]]:
    """The verdicts on each pair, whichever side its answers were on; pairs in order of first mention."""
    groups: dict[tuple, list[dict]] = {}
    for v in verdicts:
        groups.setdefault((v["prompt_id"], frozenset((v["left_text"], v["right_text"]))), []).append(v)
    return list(groups.values())


def winner(record: dict) -> str | None:
    """The text of the answer that is preferred; None for a tie, or where nothing could be said."""
    return record[f"{record['verdict']}_text"] if record["verdict"] in OTHER_SIDE else None


def loser(record: dict) -> str | None:
    """The text of the other answer; None where winner is."""
    side = OTHER_SIDE.get(record["verdict"])
    return record[f"{side}_text"] if side else None


# Training pairs


def to_pairs(source: str | Path | Sequence[dict] = FILE) -> Dataset:
    """The preferences as training pairs, in load_pairs' columns: a datasets.Dataset, one row a pair.

        train_dpo(policy, to_pairs())

    Left out: what was taken back, ties and "can't say", which name no y⁺; and pairs that were shown twice
    and judged differently, since neither verdict is worth more than the other (a change of mind is an undo
    and a new verdict). Scores are None: a verdict says which, not how much.
    """
    settled = (_settled(group) for group in grouped(as_verdicts(source)))
    return as_dataset(as_pair(pair) for pair in settled if pair)


def _settled(group: Sequence[dict]) -> dict | None:
    """The pair where all verdicts on it name the same y⁺; "can't say" says nothing."""
    said = [v for v in group if v["verdict"] != "can't say"]
    best = {winner(v) for v in said}
    if len(best) != 1 or None in best:
        return None
    return {"prompt": said[0]["prompt"], "chosen": winner(said[0]), "rejected": loser(said[0])}


def as_dataset(rows: Iterable[dict]) -> Dataset:
    """Pairs as a data set with PAIR_FEATURES, also where there are none."""
    from datasets import Dataset

    rows, features = list(rows), feedback.PAIR_FEATURES
    return Dataset.from_dict({name: [row[name] for row in rows] for name in features}, features=features)


def export_pairs(path: str | Path, source: str | Path | Sequence[dict] = FILE) -> int:
    """to_pairs as a .jsonl file for load_pairs, in place of an older one. Returns how many pairs.

    The new file takes the old one's place at once, so that a reader never finds half of it. OSError
    where it cannot be written; the old one is still there then.
    """
    path, rows = Path(path), to_pairs(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        draft.write_text("".join(json.dumps(row) + "\n" for row in rows), "ascii")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return len(rows)
