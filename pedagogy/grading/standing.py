"""How each graded cell stands: by the tests, by hand, or waiting for a person.

nbgrader keeps points that were given by hand when another answer is handed in, and flags them. Here they stay
only where the answer is the one that they were given for.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import GetGrades
from nbgrader.utils import is_grade, is_solution

if TYPE_CHECKING:
    from .course import Course


def waits(grade) -> bool:
    """Has a person yet to read it? Also where the points by hand are for an earlier answer."""
    if grade.manual_score is None:
        return grade.auto_score is None
    return grade.needs_manual_grade


def worked(cells: list[NotebookNode]) -> dict[str, list[NotebookNode]]:
    """grade_id -> what it is graded on: an open question itself; a test's code, back to the test before."""
    found, before = {}, []
    for cell in cells:
        if is_grade(cell):
            found[cell.metadata.nbgrader.grade_id] = [cell] if is_solution(cell) else before
            before = []
        elif cell.cell_type == "code":
            before.append(cell)
    return found


def settle(course: Course, gradebook, assignment: str, student: str) -> None:
    """Note which answer points by hand are for; where one was handed in again as it was, they stay."""
    try:
        submission = gradebook.find_submission_notebook(assignment, assignment, student)
        grades = [grade for grade in submission.grades if grade.manual_score is not None]
        cells = nbformat.read(course.autograded(assignment, student), 4).cells if grades else []
    except (MissingEntry, OSError, ValueError):  # nbgrader has none, and says so itself
        return
    path, answers = course.grades / "read" / assignment / f"{student}.json", worked(cells)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for grade in grades:
        now = _digest(answers.get(grade.name, []))
        if not grade.needs_manual_grade:
            kept[grade.name] = now
        elif kept.get(grade.name) == now:
            grade.needs_manual_grade = False
    if grades:
        gradebook.db.commit()
        _write(path, json.dumps(kept, indent=1))


def _digest(cells: list[NotebookNode]) -> str:
    """Changes with their text and pictures."""
    content = [(cell.source, cell.get("attachments")) for cell in cells]
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_text(text, encoding="utf-8")
    path.with_suffix(".part").replace(path)


class Standing(GetGrades):
    """nbgrader's points and comments for the feedback, and how each graded cell stands: 0 may be any."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """The score at the head of the page is without points that were given to an earlier answer."""
        self._stale = 0.0
        nb, resources = super().preprocess(nb, resources)
        resources["nbgrader"]["score"] -= self._stale
        return nb, resources

    def _get_score(self, cell: NotebookNode, resources: dict) -> None:
        super()._get_score(cell, resources)
        name = cell.metadata.nbgrader["grade_id"]
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        if waits(grade):
            self._stale += grade.score
            cell.metadata.nbgrader |= {"standing": "waiting", "score": 0.0}
        else:
            cell.metadata.nbgrader["standing"] = "automatic" if grade.manual_score is None else "by hand"
