"""python -m pedagogy.grading release | grade FOLDER | points FILE. See notebooks/exercises/README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from .course import HERE, Course, CourseError, generate_feedback, hand_out
from .manual import read_points, write_open
from .report import write_csv, write_report
from .results import results
from .run import Graded, grade, noted
from .sandbox import trouble
from .standing import settle
from .submissions import find, left_out, unpacked

REFUSED = """
Nothing was graded: {why}.

Without a sandbox a student's code runs as you: it can read the hidden tests, the gradebook, the other
submissions and your own files, change them, and use the network. If you accept that, or grade on a machine
where it does not matter, say so:  make grade SUBMISSIONS={folder} UNSANDBOXED=1
(or add --unsandboxed). Time and memory stay limited.
"""


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, 1 where the lecturer has to mend something, 2 for a wrong command, 130 stopped."""
    given = _parser().parse_args(arguments)
    course = Course(given.course.resolve())
    try:
        return {"release": _release, "grade": _grade, "points": _points}[given.command](course, given)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What is graded stays graded: the same command goes on from here.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pedagogy.grading", description="Release and grade the exercises."
    )
    parser.add_argument("--course", type=Path, default=HERE, help="the nbgrader course's folder")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("release", help="make the student versions: no solutions, no hidden tests")
    grading = commands.add_parser("grade", help="grade a folder, or a zip, of submissions")
    grading.add_argument(
        "folder", type=Path, help="<student>/<assignment>/<notebook>.ipynb, or <student>.ipynb"
    )
    grading.add_argument("--assignment", help="only this one; needed where files lie loose")
    grading.add_argument(
        "--unsandboxed", action="store_true", help="run student code as you, without bubblewrap"
    )
    grading.add_argument(
        "--jobs", type=_jobs, default=2, help="submissions at a time; 1 GB of memory each (2)"
    )
    points = commands.add_parser("points", help="take the points for open questions from a CSV file")
    points.add_argument(
        "file", type=Path, help="open_questions.csv, as grade wrote it, with points filled in"
    )
    return parser


def _jobs(given: str) -> int:
    if not given.isdecimal() or not int(given):
        raise argparse.ArgumentTypeError(f"at least 1 submission at a time, not {given}")
    return int(given)


def _release(course: Course, given: argparse.Namespace) -> int:
    for assignment in course.assignments():
        path, aside = hand_out(course, assignment)
        print(path)
        for file in aside:
            print(f"  What was there was not as handed out: it is now {file}", file=sys.stderr)
    return 0


def _grade(course: Course, given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        if not given.unsandboxed and (why := trouble(course, Path(scratch))):
            print(REFUSED.format(why=why, folder=given.folder), file=sys.stderr)
            return 1
        if given.unsandboxed:
            print("WITHOUT A SANDBOX: student code runs as you.", file=sys.stderr)
        folder = given.folder
        if folder.suffix.lower() == ".zip" and not folder.is_dir():
            folder = unpacked(folder, Path(scratch) / "in", course.assignments())
        submissions, began, done = find(folder, course, given.assignment), time.monotonic(), 0
        _keep(course, left_out(folder, course))
        try:
            for graded in grade(course, submissions, sandboxed=not given.unsandboxed, jobs=given.jobs):
                done += 1
                _line(graded, done)
        finally:
            report(course)
        for line in _not_graded(course):
            print(f"NOT GRADED: {line}", file=sys.stderr)
    if done:
        print(f"{done} graded in {time.monotonic() - began:.0f} s.", end=" ")
    print(f"{len(submissions) - done} of {len(submissions)} were graded before and have not changed.")
    print(f"Read first: {course.grades / 'report.html'}")
    print(f"Points: {course.grades / 'grades.csv'}; feedback: {course.root / 'feedback'}")
    return 0


def _keep(course: Course, odd: list[str]) -> None:
    """Before anything is graded: what is left out, for the report; which answers points by hand are for."""
    course.grades.mkdir(parents=True, exist_ok=True)
    (course.grades / "left_out.json").write_text(json.dumps(odd, indent=1), encoding="utf-8")
    with course.gradebook() as gradebook:
        for graded in noted(course):
            settle(course, gradebook, graded.assignment, graded.student)


def _not_graded(course: Course) -> list[str]:
    """What the last run left out."""
    file = course.grades / "left_out.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def _line(graded: Graded, number: int) -> None:
    notes = f"  {'; '.join(graded.notes)}" if graded.notes else ""
    print(f"[{number}] {graded.assignment} {graded.student}: {graded.seconds:.0f} s{notes}", flush=True)


def _points(course: Course, given: argparse.Namespace) -> int:
    if not given.file.is_file():
        raise CourseError(f"no file {given.file}")
    changed = read_points(course, given.file)
    for assignment, student in changed:
        done = generate_feedback(course, assignment, student)
        if not done["success"]:
            raise CourseError(f"{student}, {assignment}: no feedback. {done.get('log', done['error'])}")
    report(course)
    print(f"{len(changed)} submissions have new points; feedback, grades.csv and report.html are made again.")
    return 0


def report(course: Course) -> None:
    """grades.csv, the report on the class and the open questions, of all that was graded so far."""
    found = results(course, noted(course))
    if found:
        write_csv(found, course.grades / "grades.csv")
        write_report(course, found, course.grades / "report.html", _not_graded(course))
        write_open(course, found, course.grades / "open_questions.csv")


if __name__ == "__main__":
    sys.exit(main())
