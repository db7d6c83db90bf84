"""Every submission's points, reasons and diagnosed mistakes: from nbgrader's gradebook and the notebooks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.utils import is_grade

from ..checks.finding import FINDING, MARKS
from .course import Course
from .run import Graded
from .standing import waits

# Errors that the grader wrote, not the student's code.
ODD = {"CellTimeoutError", "KernelDied", "NotRun", "NoMark"}


@dataclass(frozen=True)
class Exercise:
    """One graded cell of one submission; `points` is None where a person has yet to grade it."""

    name: str
    points: float | None
    of: float
    why: list[str] = field(default_factory=list)  # points lost: which property, or which error
    mistakes: list[str] = field(default_factory=list)  # as the visible checks diagnosed them
    odd: bool = False  # it did not come to its end, or its mark is not to be believed
    open: bool = False  # graded by a person
    earlier: str = ""  # points, and a comment, that a person gave to an earlier answer


@dataclass(frozen=True)
class Result:
    """One submission."""

    student: str
    assignment: str
    exercises: list[Exercise]
    notes: list[str]
    seconds: float = 0.0

    @property
    def total(self) -> float:
        """Points so far: an open question that nobody has read counts nothing yet."""
        return sum(exercise.points or 0.0 for exercise in self.exercises)

    @property
    def of(self) -> float:
        return sum(exercise.of for exercise in self.exercises)

    @property
    def status(self) -> str:
        """look: something was odd; open: a question is to be graded by hand; graded."""
        if self.notes or not self.exercises or any(exercise.odd for exercise in self.exercises):
            return "look"
        return "open" if any(exercise.points is None for exercise in self.exercises) else "graded"

    @property
    def reason(self) -> str:
        """What was odd, and why each exercise without any points has none."""
        none = [f"{e.name}: {'; '.join(e.why)}" for e in self.exercises if e.why and (e.odd or not e.points)]
        waiting = [f"{e.name}: to be graded by hand" for e in self.exercises if e.points is None]
        return " | ".join([*self.notes, *none, *waiting])


def results(course: Course, graded: list[Graded]) -> list[Result]:
    """The results of what was graded, by assignment and student."""
    with course.gradebook() as gradebook:
        found = [_result(course, gradebook, one) for one in graded]
    return sorted(found, key=lambda result: (result.assignment, result.student))


def _result(course: Course, gradebook, graded: Graded) -> Result:
    path, exercises = course.autograded(graded.assignment, graded.student), []
    try:
        submission = gradebook.find_submission_notebook(graded.assignment, graded.assignment, graded.student)
        grades = {grade.name: grade for grade in submission.grades}
        comments = {comment.name: comment.manual_comment or "" for comment in submission.comments}
        cells = nbformat.read(path, as_version=4).cells
    except (MissingEntry, OSError, ValueError) as error:
        trouble = f"nbgrader has no grade for it: grade it again ({type(error).__name__})"
        return Result(graded.student, graded.assignment, [], [*graded.notes, trouble], graded.seconds)
    before: list = []  # cells since the last test: an error in one of them is why the next test fails
    for cell in cells:
        if is_grade(cell):
            name = cell.metadata.nbgrader.grade_id
            exercises.append(_exercise(cell, before, grades[name], comments.get(name, "")))
            before = []
        else:
            before.append(cell)
    return Result(graded.student, graded.assignment, exercises, graded.notes, graded.seconds)


def _exercise(cell, before: list, grade, comment: str) -> Exercise:
    is_open = bool(cell.metadata.nbgrader.get("solution"))
    points = None if waits(grade) else grade.score
    earlier = f"{grade.score:g} {comment}".strip() if waits(grade) and grade.manual_score is not None else ""
    errors = [] if is_open else [output for one in [*before, cell] for output in _of_type(one, "error")]
    why, mistakes = [_short(f"{error.ename}: {error.evalue}".strip(": ")) for error in errors], []
    for output in _of_type(cell, "display_data", "execute_result"):
        for line in output.data.get(MARKS, {}).get("lines", []):
            if line["earned"] < line["points"]:
                raised = f" ({line['raised']})" if line.get("raised") else ""
                why.append(_short(f"{line['asks']}{raised}"))
        finding = output.data.get(FINDING, {})
        if finding and not finding.get("right") and finding.get("mistake"):
            mistakes.append(str(finding["mistake"]))
    if is_open and points == 0:
        why.append("no answer" if grade.manual_score is None else "0 points by hand")
    lost = points is not None and points < grade.max_score
    odd = lost and any(error.ename in ODD for error in errors)
    why = list(dict.fromkeys(why)) if lost else []
    return Exercise(grade.name, points, grade.max_score, why, mistakes, odd, is_open, earlier)


def _of_type(cell, *kinds: str) -> list:
    return [output for output in cell.get("outputs", []) if output.output_type in kinds]


def _short(text: str) -> str:
    """One line of at most 160 characters, without terminal colours."""
    line = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(text)).split())
    return line if len(line) <= 160 else line[:159] + "…"
