"""A student's notebook holds no line of a solution, of a hidden test or of a rubric, and runs as it is."""

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from pedagogy.grading.course import HERE, Course, release

BEGIN = re.compile(r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
END = re.compile(r"END (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
ASSIGNMENTS = sorted(path.stem for path in (HERE / "source").glob("*/*.ipynb"))


def secrets(notebook):
    """The lines that stand only inside regions that a release clears."""
    inside, outside = set(), set()
    for cell in notebook.cells:
        within = False
        for line in map(str.strip, cell.source.splitlines()):
            within = within or bool(BEGIN.search(line))
            (inside if within else outside).add(line)
            within = within and not END.search(line)
    return {line for line in inside - outside if len(line) > 3}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    shutil.copy(HERE / "nbgrader_config.py", root)
    shutil.copytree(HERE / "source", root / "source")
    return Course(root)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_nothing_leaks(course, assignment):
    source = nbformat.read(course.source(assignment), as_version=4)
    hidden = secrets(source)
    text = release(course, assignment).read_text(encoding="utf-8")
    released = {line.strip() for cell in nbformat.reads(text, 4).cells for line in cell.source.splitlines()}
    assert len(hidden) > 20  # a ladder has this much to hide
    assert not hidden & released
    assert not BEGIN.search(text) and not END.search(text)
    assert not any(cell.get("outputs") or cell.get("attachments") for cell in nbformat.reads(text, 4).cells)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_what_every_assignment_promises(assignment):
    cells = nbformat.read(HERE / "source" / assignment / f"{assignment}.ipynb", as_version=4).cells
    graded = [c.metadata.nbgrader for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
    text = "\n".join(cell.source for cell in cells)
    assert sum(meta.points for meta in graded) == 20
    assert sum(meta.solution for meta in graded) == 1  # one open question
    assert len(re.findall(r"difficulty [●○]{5} · importance [●○]{5} · minutes \d+ · points \d+", text)) >= 5
    assert not re.search(r"%run|\]\(\.\.?/|src=.\.|\\(def|newcommand)\b|attachment:", text)
    ids = [c.metadata.nbgrader.grade_id for c in cells if "nbgrader" in c.metadata]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_test_cell_ends_with_its_mark(assignment):
    """The grader believes no points without it."""
    cells = nbformat.read(HERE / "source" / assignment / f"{assignment}.ipynb", as_version=4).cells
    for cell in cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade") and not meta.get("solution"):
            last = ast.parse(cell.source).body[-1]
            called = ast.unparse(last.value.func) if isinstance(last, ast.Expr) else ""
            assert called.rpartition(".")[2] == "mark", meta.grade_id


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_an_unanswered_notebook_runs(course, assignment):
    """Without an exception outside the test cells, so that a learner can run all of it at once."""
    from nbclient import NotebookClient

    notebook = nbformat.read(release(course, assignment), as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(Path(course.root)))
    for cell in notebook.cells:
        raised = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        assert not raised or cell.metadata.get("nbgrader", {}).get("grade"), (cell.source, raised[0].evalue)
