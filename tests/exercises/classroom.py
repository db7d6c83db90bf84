"""A simulated class: submissions made from the bank's answers, right, wrong, broken and hostile, with
their marks.

Usage: python tests/exercises/classroom.py [STUDENTS]      30 by default: grades them in a sandbox, and
prints what each got beside what it must get; exits 1 where they differ.
"""

from __future__ import annotations

import copy
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

sys.path.insert(0, str(Path(__file__).parent))
import bank

from pedagogy.grading.course import HERE, Course, release

OPEN = "Because the probabilities of all tokens are multiplied, each given what came before."


@dataclass(frozen=True)
class Expected:
    """One student's marks: test cell -> points; `look`: the grader must point it out; `why`: words of the
    reason.
    """

    student: str
    assignment: str
    points: dict[str, float]
    look: bool = False
    why: str = ""


def meta(name: str, kind: str = "code", **flags) -> dict:
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": plain | {"grade_id": name, "cell_type": kind} | flags}


def tiny_course(root: Path) -> Course:
    """A course with one small assignment: a prediction, two functions and an open question; 12 points."""
    tests = {"grade": True, "locked": True}
    cells = [
        new_markdown_cell("# Tiny"),
        new_code_cell(
            "import random\nfrom pedagogy.exercises import commit, reveal\nimport pedagogy as pg",
            metadata=meta("setup", locked=True),
        ),
        new_code_cell(
            "prediction = ...\n### BEGIN SOLUTION\nprediction = 'b'\n### END SOLUTION\n"
            "if prediction is not ...:\n    commit('which', prediction, among=['a', 'b'])",
            metadata=meta("which", solution=True),
        ),
        new_code_cell(
            "### BEGIN HIDDEN TESTS\nmark((2, 'a prediction is committed', "
            "lambda: reveal('which') in ('a', 'b')))\n### END HIDDEN TESTS",
            metadata=meta("which-test", points=2, **tests),
        ),
        new_code_cell(
            "def total(numbers):\n    ### BEGIN SOLUTION\n    return sum(numbers)\n    ### END SOLUTION",
            metadata=meta("total", solution=True),
        ),
        new_code_cell(
            "### BEGIN HIDDEN TESTS\nfrom pedagogy.exercises import agrees, mark\n"
            "numbers = [random.random() for _ in range(9)]\n"
            "mark((3, 'adds up', lambda: agrees(total(list(numbers)), sum(numbers))),\n"
            "     (1, 'nothing adds up to 0', lambda: agrees(total([]), 0)))\n### END HIDDEN TESTS",
            metadata=meta("total-test", points=4, **tests),
        ),
        new_code_cell(
            "def longest(words):\n    ### BEGIN SOLUTION\n    return max(map(len, words))\n"
            "    ### END SOLUTION",
            metadata=meta("longest", solution=True),
        ),
        new_code_cell(
            "### BEGIN HIDDEN TESTS\nfrom pedagogy.exercises import agrees, mark\n"
            "word = 'a' * random.randrange(9, 99)\n"
            "mark((3, 'the longest', lambda: agrees(longest(['b', word]), len(word))))\n### END HIDDEN TESTS",
            metadata=meta("longest-test", points=3, **tests),
        ),
        new_markdown_cell(
            "Why?\n\n=== BEGIN MARK SCHEME ===\nA rubric of three points.\n=== END MARK SCHEME ===\n\n"
            "### BEGIN SOLUTION\nA model answer.\n### END SOLUTION",
            metadata=meta("why", kind="markdown", grade=True, solution=True, points=3),
        ),
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    course = copied(root, [])
    course.source("0_tiny").parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), course.source("0_tiny"))
    return course


TINY = {
    "which": "commit('which', 'b', among=['a', 'b'])",
    "total": "def total(numbers):\n    return sum(numbers)",
    "longest": "def longest(words):\n    return max(map(len, words))",
    "why": OPEN,
}
FULL = {"which-test": 2.0, "total-test": 4.0, "longest-test": 3.0}


def copied(root: Path, assignments: list[str]) -> Course:
    """A course folder of its own, with some of the real assignments."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "nbgrader_config.py", root)
    for name in assignments:
        shutil.copytree(HERE / "source" / name, root / "source" / name)
    return Course(root.resolve())


def answered(released: NotebookNode, answers: dict[str, str | None]) -> NotebookNode:
    """The released notebook with these cells filled in; None deletes the cell."""
    notebook = copy.deepcopy(released)
    for cell in notebook.cells[:]:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers and answers[name] is None:
            notebook.cells.remove(cell)
        elif name in answers:
            cell.source = answers[name]
    return notebook


def hand_in(folder: Path, student: str, assignment: str, notebook: NotebookNode | bytes) -> Path:
    """Into nbgrader's layout; bytes go as they are."""
    path = folder / student / assignment / f"{assignment}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(notebook if isinstance(notebook, bytes) else nbformat.writes(notebook).encode())
    return path


# What is put before a right answer, and what must be said of it. The cells before keep their points.
HOSTILE = {  # name: (code, does the kernel live on?, words of the reason)
    "loops": ("while True: pass", True, "took longer"),
    "swallows": (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        False,
        "could not be interrupted",
    ),
    "exits": ("import os; os._exit(0)", False, "kernel died"),
    "hoards": ("hoard = []\nwhile True: hoard.append(bytearray(10**8))", True, ""),
    "forks": ("import os\nwhile True: os.fork()", False, ""),
    "breaks off": ("def unfinished(:", True, "NameError"),
    "raises the time limit": ("raise KeyboardInterrupt", True, "NameError"),
}
BYTES = {  # name: (the file, words of the reason)
    "no UTF-8": (b'{"nbformat": 4, "cells": ["\xff\xfe"]}', "not UTF-8"),
    "no JSON": (b"def total(): ...", "not JSON"),
    "empty": (b"", "empty"),
    "a future format": (
        b'{"nbformat": 5, "nbformat_minor": 0, "cells": [], "metadata": {}}',
        "format 3 or 4",
    ),
    "a list": (b"[1, 2]", "no notebook"),
    "no cells": (b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}}', "damaged"),
}


def as_version_3(notebook: NotebookNode) -> bytes:
    return nbformat.writes(nbformat.convert(copy.deepcopy(notebook), 3), version=3).encode()


def simulated(course: Course, folder: Path, students: int, seed: int = 0) -> list[Expected]:
    """Hand in for that many students, the assignments in turn; what each must get."""
    rng, made = random.Random(seed), []
    names = course.assignments()
    kinds = ["right", "wrong", "wrong", "hostile", "wrong", "right", "broken", "wrong"]
    hostile, broken = list(HOSTILE), list(BYTES)
    for number in range(students):
        assignment, kind = names[number % len(names)], kinds[(number + number // 8) % len(kinds)]
        released = nbformat.read(release(course, assignment), as_version=4)
        source = bank.Notebook(course.source(assignment))
        full = {t: float(source.cells[_at(source, t)].metadata.nbgrader.points) for t in source.graded()}
        answers = bank.parse((bank.BANK / f"{assignment}.py").read_text(encoding="utf-8"))
        chosen = {t: rng.choice([a for a in answers if a.cell == t and a.right]) for t in full}
        student = f"student{number:02}"
        if kind == "broken":
            what = broken[number // 8 % len(broken)]
            hand_in(folder, student, assignment, BYTES[what][0])
            made.append(Expected(student, assignment, dict.fromkeys(full, 0.0), True, BYTES[what][1]))
            continue
        if kind == "wrong":
            test = rng.choice(list(full))
            chosen[test] = rng.choice([a for a in answers if a.cell == test and not a.right])
        filled = {_solution(source, t): a.source or None for t, a in chosen.items()}
        points, look, why = {t: a.points for t, a in chosen.items()}, None in filled.values(), ""
        if kind == "hostile":
            what = hostile[number // 8 % len(hostile)]
            code, lives, why = HOSTILE[what]
            test = list(full)[-1]
            filled[_solution(source, test)] = f"{code}\n{chosen[test].source}"
            points[test], look = 0.0, not lives
        hand_in(folder, student, assignment, answered(released, filled))
        made.append(Expected(student, assignment, points, look, why))
    return made


def _at(notebook: bank.Notebook, test: str) -> int:
    return [notebook.id(cell) for cell in notebook.cells].index(test)


def _solution(notebook: bank.Notebook, test: str) -> str:
    return notebook.id(notebook.cells[notebook.solution_of(test)])


def differences(expected: list[Expected], results: list) -> list[str]:
    """Where the marks are not what they must be."""
    found, off = {(r.student, r.assignment): r for r in results}, []
    for one in expected:
        result = found.get((one.student, one.assignment))
        if result is None:
            off.append(f"{one.student}, {one.assignment}: no result")
            continue
        got = {e.name: e.points for e in result.exercises if not e.open}
        if got != one.points:
            off.append(f"{one.student}, {one.assignment}: {got}, wanted {one.points}. {result.reason}")
        if one.look and result.status != "look":
            off.append(f"{one.student}, {one.assignment}: not pointed out")
        if one.why not in result.reason:
            off.append(f"{one.student}, {one.assignment}: {one.why!r} not in {result.reason!r}")
        if not result.total and not result.reason:
            off.append(f"{one.student}, {one.assignment}: 0 points without a reason")
    return off


def main(students: int) -> int:
    from pedagogy.grading.__main__ import main as grading
    from pedagogy.grading.results import results
    from pedagogy.grading.run import noted

    with tempfile.TemporaryDirectory() as scratch:
        course = copied(Path(scratch) / "course", bank.assignments())
        expected = simulated(course, Path(scratch) / "handed in", students)
        began = time.monotonic()
        status = grading(["--course", str(course.root), "grade", str(Path(scratch) / "handed in")])
        print(f"{students} students in {time.monotonic() - began:.0f} s")
        off = differences(expected, results(course, noted(course)))
    print("\n".join(off) or "every mark is as it must be")
    return 1 if off or status else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
