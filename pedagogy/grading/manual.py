"""Points for the open questions through a CSV file, in place of nbgrader's formgrader."""

from __future__ import annotations

import csv
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry

from .course import Course, CourseError
from .report import plain
from .results import Result
from .standing import waits, worked

COLUMNS = ["student", "assignment", "exercise", "of", "answer", "earlier", "points", "comment"]
LONGEST = 30_000  # characters of an answer: a cell of a spreadsheet holds 32,767
csv.field_size_limit(2**31 - 1)  # of a file that somebody else wrote


def write_open(course: Course, results: list[Result], path: Path) -> None:
    """Write every open question that waits, with the answer; `earlier` has the points for another answer.

    Points that stand in the file already, and were not taken into the gradebook yet, stay, if they stand
    beside the same answer.
    """
    rows, kept = [], _written(path)
    for result in results:
        waiting = [exercise for exercise in result.exercises if exercise.points is None]
        done = course.autograded(result.assignment, result.student)
        answers = worked(nbformat.read(done, 4).cells) if waiting else {}
        for exercise in waiting:
            key = (result.student, result.assignment, exercise.name)
            answer = _cut(plain("\n\n".join(cell.source for cell in answers[exercise.name])))
            before, points, comment = kept.get(key, (answer, "", ""))
            earlier = plain(exercise.earlier)
            if _words(before) != _words(answer):
                earlier, points, comment = earlier or f"{points} {comment}".strip(), "", ""
            rows.append([*key, f"{exercise.of:g}", answer, earlier, points, comment])
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def _cut(answer: str) -> str:
    if len(answer) <= LONGEST:
        return answer
    return f"{answer[:LONGEST]}… (cut here: all {len(answer):,} characters are in the feedback)"


def _words(text: str) -> list[str]:
    """A spreadsheet may write other line ends, or leave out the apostrophe before a formula."""
    return text.lstrip("'").split()


def _written(path: Path) -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """(student, assignment, exercise) -> (answer, points, comment) of a file written before."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, restval=""))
    return {
        (row["student"], row["assignment"], row["exercise"]): (row["answer"], row["points"], row["comment"])
        for row in rows
        if not set(COLUMNS) - {"earlier"} - set(row)
    }


def read_points(course: Course, path: Path) -> list[tuple[str, str]]:
    """Put the points and comments of a filled-in file into the gradebook; the submissions they are of.

    Rows without points are left alone. CourseError, naming the row, for points that are no number between
    0 and what the exercise is worth, and for a student or exercise that the gradebook does not have: then
    none is put.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        rows = [(table.line_num, row) for row in table if (row.get("points") or "").strip()]
    if missing := {"student", "assignment", "exercise", "points"} - set(table.fieldnames or []):
        raise CourseError(f"{path}: no column {', '.join(sorted(missing))}")
    with course.gradebook() as gradebook:
        found = [(_found_grade(gradebook, row, line), row) for line, row in rows]
        for grade, row in found:
            stale, grade.manual_score = waits(grade), float(row["points"])
            grade.needs_manual_grade = False
            _comment(gradebook, row, stale)
        gradebook.db.commit()
    return list(dict.fromkeys((row["assignment"], row["student"]) for _, row in rows))


def _comment(gradebook, row: dict, stale: bool) -> None:
    """An empty comment leaves the one that is there, unless that one was on an earlier answer."""
    text = (row.get("comment") or "").strip()
    if not (text or stale):
        return
    try:
        ids = (row["exercise"], row["assignment"], row["assignment"], row["student"])
        gradebook.find_comment(*ids).manual_comment = text or None
    except MissingEntry:  # a test cell: nbgrader keeps comments on solutions alone
        pass


def _found_grade(gradebook, row: dict, line: int):
    where = f"line {line}: {row['student']}, {row['assignment']}, {row['exercise']}"
    try:
        grade = gradebook.find_grade(row["exercise"], row["assignment"], row["assignment"], row["student"])
    except MissingEntry:
        raise CourseError(f"{where}: the gradebook has no such submission or exercise") from None
    try:
        points = float(row["points"])
    except ValueError:
        raise CourseError(f"{where}: the points are a number, not {row['points']!r}") from None
    if not 0 <= points <= grade.max_score:
        raise CourseError(f"{where}: {points:g} points, of 0 to {grade.max_score:g}")
    return grade
