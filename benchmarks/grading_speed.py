"""How many seconds, and how much memory, does it take to grade a submission?

Usage: python benchmarks/grading_speed.py [--students 6] [--jobs 2] [--assignment NAME]

Hands in the model solutions of the assignments in turn, grades them as `make grade` does, in the sandbox
where there is one, and prints seconds a submission: by the clock, and of processor time, which a busy
machine changes less. `--students 100` is the class that the aim of 6 seconds is for. Memory is the
largest sum seen of all the processes that the grading started, shared pages counted once for each.
"""

import argparse
import resource
import tempfile
import threading
import time
from pathlib import Path
from shutil import copy, copytree

import nbformat
import psutil

from pedagogy.grading.course import HERE, Course, release
from pedagogy.grading.results import results
from pedagogy.grading.run import MB, grade, noted
from pedagogy.grading.sandbox import trouble
from pedagogy.grading.submissions import find


def solved(course: Course, assignment: str) -> nbformat.NotebookNode:
    """The released notebook with the model solutions."""
    notebook = nbformat.read(release(course, assignment), as_version=4)
    source = nbformat.read(course.source(assignment), as_version=4)
    model = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in source.cells}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = model[cell.metadata.nbgrader.grade_id]
    return notebook


def watch(stop: threading.Event, seen: list[int]) -> None:
    """Once a second, the memory of this process's children; the largest sum ends in `seen`."""
    while not stop.wait(1):
        total = 0
        for process in psutil.Process().children(recursive=True):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
        seen.append(total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--assignment", action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root, folder = Path(scratch) / "course", Path(scratch) / "in"
        root.mkdir()
        copy(HERE / "nbgrader_config.py", root)
        copytree(HERE / "source", root / "source")
        course = Course(root)
        names = given.assignment or course.assignments()
        ready = {name: solved(course, name) for name in names}
        for number in range(given.students):
            name = names[number % len(names)]
            path = folder / f"student{number:03}" / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(ready[name], path)
        (Path(scratch) / "trial").mkdir()
        bare = trouble(course, Path(scratch) / "trial")
        stop, seen = threading.Event(), [0]
        threading.Thread(target=watch, args=(stop, seen), daemon=True).start()
        began, spent = time.perf_counter(), 0.0
        each = {name: [] for name in names}
        for graded in grade(course, find(folder, course), sandboxed=not bare, jobs=given.jobs):
            each[graded.assignment].append(graded.seconds)
            spent += graded.processor
        clock = time.perf_counter() - began
        stop.set()
        odd = [result for result in results(course, noted(course)) if result.status == "look"]
    print(f"sandbox: {bare or 'bubblewrap'}; {given.students} submissions, {given.jobs} at a time")
    print(f"{clock / given.students:.1f} s a submission by the clock, {clock:.0f} s in all")
    print(f"{spent / given.students:.1f} s of processor time a submission")
    print(f"{max(seen) / MB:,.0f} MB at most; the grader itself "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")  # fmt: skip
    for name, seconds in each.items():
        if seconds:
            print(f"  {name}: {min(seconds):.1f} to {max(seconds):.1f} s from start to end")
    for result in odd:
        print(f"  odd: {result.student}, {result.assignment}: {result.reason}")


if __name__ == "__main__":
    main()
