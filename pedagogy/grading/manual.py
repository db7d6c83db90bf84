"""Points for the open questions through a CSV file, in place of nbgrader's formgrader."""

from __future__ import annotations

import csv
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry

from .course import Course, CourseError
from .report import plain
from .results import Result

COLUMNS = ["student", "assignment", "exercise", "of", "answer", "points", "comment"]


def write_open(course: Course, results: list[Result], path: Path) -> None:
    """Write every open question that nobody has graded yet, with the answer.

    Points that stand in the file already, and were not taken into the gradebook yet, stay.
    """
    rows, kept = [], _written(path)
    for result in results:
        waiting = [exercise for exercise in result.exercises if exercise.points is None]
        cells = (
            nbformat.read(course.autograded(result.assignment, result.student), 4).cells if waiting else []
        )
        text = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in cells}
        for exercise in waiting:
            key = (result.student, result.assignment, exercise.name)
            rows.append([*key, f"{exercise.of:g}", plain(text[exercise.name]), *kept.get(key, ("", ""))])
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def _written(path: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    """(student, assignment, exercise) -> (points, comment) of a file written before."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, restval=""))
    return {
        (row["student"], row["assignment"], row["exercise"]): (row["points"], row["comment"])
        for row in rows
        if not set(COLUMNS) - set(row)
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
            grade.manual_score, grade.needs_manual_grade = float(row["points"]), False
            if (row.get("comment") or "").strip():
                ids = (row["exercise"], row["assignment"], row["assignment"], row["student"])
                gradebook.find_comment(*ids).manual_comment = row["comment"].strip()
        gradebook.db.commit()
    return list(dict.fromkeys((row["assignment"], row["student"]) for _, row in rows))


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
