"""The annotation desk in plain Python: a queue of pairs to judge, a file of verdicts, and what they show."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .. import annotations
from ..annotations import FILE, Question, export_pairs, in_force, make_queue, read_file
from ..raters import Agreement, Scorer, agreement
from ..records import Ledger
from .gap_state import Problem


class DeskState:
    """Pairs are shown one after another; a verdict is on the disk before the next pair is shown.

    feedback holds rows of UltraFeedback's raw schema (default: the bundled training split); prompts, repeats
    and seed are those of annotations.make_queue; truth is that of raters.agreement. Verdicts of earlier
    sessions are read from the file: pairs that have one are not asked again.
    """

    def __init__(
        self,
        feedback=None,
        file: str | Path = FILE,
        seed: int = 0,
        truth: Scorer | None = None,
        prompts: int = 6,
        repeats: int = 6,
        annotator: str = "me",
        clock: Callable[[], float] = time.monotonic,
    ):
        if prompts < 1 or repeats < 0:
            raise ValueError(
                f"prompts={prompts}, repeats={repeats}: give at least 1 prompt, and 0 repeats or more"
            )
        self.feedback = _bundled_feedback() if feedback is None else feedback
        self.truth, self.annotator, self.clock = truth, annotator, clock
        self.queue = make_queue(self.feedback, seed, prompts, repeats)
        self.ledger = Ledger(file, read_file)
        self.notices = list(self.ledger.notices)
        self.shown: Agreement | None = None  # the report, while it is open
        self._look_up()

    # What is on the desk

    @property
    def verdicts(self) -> list[dict]:
        """This annotator's verdicts in force, oldest first, on pairs of other queues too."""
        return [v for v in in_force(self.ledger.records) if v["annotator"] == self.annotator]

    @property
    def done(self) -> int:
        """How many of the queue's pairs have a verdict."""
        return len(self.queue) - len(self._open)

    @property
    def question(self) -> Question | None:
        """The pair to judge; None when all are."""
        return self._open[0] if self._open else None

    def _look_up(self) -> None:
        """Which pairs are open; the clock of the first of them starts."""
        judged = {_key(v) for v in self.verdicts}
        self._open = [question for question in self.queue if question.key not in judged]
        self._since = self.clock()

    # What the learner does

    def judge(self, verdict: str) -> None:
        """Keep "left", "right", "tie" or "can't say" for the pair on the desk, and show the next one."""
        if self.question is None:
            raise Problem("All pairs are judged. Undo takes the last verdict back.")
        seconds = self.clock() - self._since
        self._keep(annotations.new_verdict(self.question, verdict, seconds, self.annotator))

    def undo(self) -> None:
        """Take back the last verdict on a pair of this queue, and show that pair again."""
        asked = {question.key for question in self.queue}
        last = next((v for v in reversed(self.verdicts) if _key(v) in asked), None)
        if last is None:
            raise Problem("There is no verdict to take back.")
        self._keep(annotations.new_undo(last))
        # The pair is first in line again, also where an earlier one is open.
        self._open.sort(key=lambda question: question.key != _key(last))
        self.notices.insert(0, "Taken back: here is that pair again.")

    def open_report(self) -> None:
        """Compare the verdicts with the annotator's and the truth's. Later ones are marked as not blind."""
        if not self.verdicts:
            raise Problem("There are no verdicts yet: judge a few pairs first.")
        if not any(record["kind"] == "report" for record in self._mine()):
            self._keep(annotations.new_report(self.annotator))
        self.shown = self._report()

    def close_report(self) -> None:
        self.shown, self._since = None, self.clock()

    def _report(self) -> Agreement:
        """Without the truth, and saying why, where that cannot be had."""
        try:
            return agreement(self._mine(), self.feedback, self.truth)
        except Exception as error:
            if self.truth is None:
                raise
            why = f"The truth could not be used ({type(error).__name__}: {error})."
            self.notices = [*self.notices, why]
            return agreement(self._mine(), self.feedback)

    def _mine(self) -> list[dict]:
        return [record for record in self.ledger.records if record["annotator"] == self.annotator]

    def export(self) -> None:
        """Write the preferences as training pairs, beside the file of verdicts."""
        path = self.ledger.path.with_name(f"{self.ledger.path.stem}_pairs.jsonl")
        try:
            count = export_pairs(path, self._mine())
        except OSError as error:
            raise Problem(f"{path} could not be written ({error.strerror or error}).") from error
        if not count:
            raise Problem("There is no pair to export yet: ties and “can't say” name no preferred answer.")
        pairs = f"{count} training pair{'s' * (count != 1)}"
        self.notices = [f'{pairs} written. To read them: pedagogy.load_pairs("{path.as_posix()}")']

    def _keep(self, record: dict) -> None:
        """Append a record, and whatever could not be written before."""
        trouble = self.ledger.add(record)
        self._look_up()
        self.shown = None
        self.notices = [f"{trouble} Another file: AnnotationDesk(file=…)."] if trouble else []


def _key(verdict: dict) -> tuple[str, str, str]:
    """As Question.key."""
    return verdict["prompt_id"], verdict["left_text"], verdict["right_text"]


def _bundled_feedback():
    from ..feedback import load_feedback

    return load_feedback(split="train")
