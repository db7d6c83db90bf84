"""A student's notebook holds no line of a solution, of a hidden test or of a rubric, and runs as it is."""

import ast
import builtins
import re
import shutil
import symtable
from pathlib import Path

import nbformat
import pytest

from pedagogy import exercises
from pedagogy.grading.course import HERE, Course, hand_out, release
from pedagogy.grading.execute import RESTORE

BEGIN = re.compile(r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
END = re.compile(r"END (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
ASSIGNMENTS = sorted(path.stem for path in (HERE / "source").glob("*/*.ipynb"))
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*)### END HIDDEN TESTS", re.DOTALL)
# What hidden tests give later cells on purpose: a slip in exercise 2 is not charged twice.
GIVEN = {("5_log_probabilities", "batch-test"): {"my_token_logprobs"}}


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


def answer_and_test_cells(assignment):
    cells = nbformat.read(HERE / "source" / assignment / f"{assignment}.ipynb", as_version=4).cells
    meta = [cell.metadata.get("nbgrader", {}) for cell in cells]
    answered = [m.get("grade") or m.get("solution") for m in meta]
    return [c for c, one in zip(cells, answered, strict=True) if one and c.cell_type == "code"]


def hidden_tests(assignment):
    """grade_id -> the hidden lines of each test cell."""
    tests = [cell for cell in answer_and_test_cells(assignment) if cell.metadata.nbgrader.grade]
    return {cell.metadata.nbgrader.grade_id: HIDDEN.search(cell.source)[1] for cell in tests}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_test_cell_ends_with_its_mark(assignment):
    """The grader believes no points without it."""
    for name, code in hidden_tests(assignment).items():
        *_, function, last = ast.parse(code).body
        assert isinstance(function, ast.FunctionDef) and ast.unparse(last) == f"{function.name}()", name
        returned = function.body[-1]
        called = ast.unparse(returned.value.func) if isinstance(returned, ast.Return) else ""
        assert called.rpartition(".")[2] == "mark", name


def global_names(code):
    """What code binds in the namespace it runs in, without imports; what it imports there; what it reads."""
    top = symtable.symtable(code, "hidden tests", "exec")
    tables, bound, imported, read = [top], set(), set(), set()
    for table in tables:
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table is top or symbol.is_global():
                bound |= {symbol.get_name()} if symbol.is_assigned() else set()
                imported |= {symbol.get_name()} if symbol.is_imported() else set()
                read |= {symbol.get_name()} if symbol.is_referenced() else set()
    return bound, imported, read


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_hidden_tests_bind_no_name_that_a_student_may_have_given(assignment):
    """They run where the student's own helpers are, and would replace one of the same name."""
    for name, code in hidden_tests(assignment).items():
        bound, imported, _ = global_names(code)
        assert bound == {"_hidden"} | GIVEN.get((assignment, name), set()) and not imported, name


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_hidden_tests_read_the_answers_and_import_all_else(assignment):
    """A student may have written `from copy import copy`, or a helper `agrees`."""
    sources = [HIDDEN.sub("", cell.source) for cell in answer_and_test_cells(assignment)]
    answers = set().union(*(global_names(source)[0] for source in sources))
    for name, code in hidden_tests(assignment).items():
        bound, _, read = global_names(code)
        assert read - bound - set(dir(builtins)) <= answers, name


@pytest.mark.parametrize(
    "code",
    ["name = 1", "import name", "def name(): 0", "for name in (): 0", "(name := 1)", "from x import name"],
)
def test_a_name_bound_at_the_top_or_declared_global_is_found(code):
    inside = f"def _hidden():\n    {code}"
    bound, imported, _ = global_names(code)
    assert bound | imported == {"name"}
    bound, imported, _ = global_names(inside)
    assert bound | imported == {"_hidden"}
    bound, imported, _ = global_names(inside.replace(":", ":\n    global name", 1))
    assert bound | imported == {"_hidden", "name"}


def test_restoring_mark_leaves_every_name_of_the_student_s_alone(monkeypatch):
    own = ("agrees", "mark", "reveal", "commit")
    for name in own:
        monkeypatch.setattr(exercises, name, "patched")
    given = dict.fromkeys([*own, *re.findall(r"\w+", RESTORE)], "the student's")
    del given["exec"], given["globals"]
    after = dict(given)
    exec(RESTORE, after)
    assert {name: after[name] for name in given} == given
    assert set(after) - set(given) == {"__builtins__"}
    assert all(callable(getattr(exercises, name)) for name in own)


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


NAME = ASSIGNMENTS[0]


@pytest.fixture
def own_course(tmp_path):
    """With one assignment, for a test that changes it."""
    shutil.copy(HERE / "nbgrader_config.py", tmp_path)
    shutil.copytree(HERE / "source" / NAME, tmp_path / "source" / NAME)
    return Course(tmp_path)


def test_what_a_learner_writes_into_the_release_reaches_neither_book_nor_grader(own_course):
    path, aside = hand_out(own_course, NAME)
    pristine = path.read_bytes()
    assert path == own_course.root / "release" / NAME / f"{NAME}.ipynb" and not aside
    path.write_bytes(b"what a learner wrote")
    made = release(own_course, NAME)
    assert made.read_bytes() == pristine
    made.write_bytes(b"damaged")
    assert release(own_course, NAME).read_bytes() == pristine  # made again
    made.unlink()
    assert release(own_course, NAME).read_bytes() == pristine


def test_a_new_release_moves_what_a_learner_wrote_aside(own_course):
    path, _ = hand_out(own_course, NAME)
    pristine = path.read_bytes()
    assert hand_out(own_course, NAME) == (path, [])
    for name in (f"{NAME}.mine.ipynb", f"{NAME}.mine2.ipynb"):
        path.write_bytes(name.encode())
        assert hand_out(own_course, NAME) == (path, [own_course.root / "release" / name])
        assert path.read_bytes() == pristine
    assert (own_course.root / "release" / f"{NAME}.mine.ipynb").read_bytes() == f"{NAME}.mine.ipynb".encode()
    path.unlink()
    assert hand_out(own_course, NAME) == (path, []) and path.read_bytes() == pristine


def test_a_changed_source_replaces_a_release_that_nobody_wrote_into_and_no_other(own_course):
    path, _ = hand_out(own_course, NAME)
    for title, written in (("Second", b""), ("Third", b"what a learner wrote")):
        source = nbformat.read(own_course.source(NAME), 4)
        source.cells[0].source = f"# {title}"
        nbformat.write(source, own_course.source(NAME))
        if written:
            path.write_bytes(written)
        aside = hand_out(own_course, NAME)[1]
        assert [file.read_bytes() for file in aside] == ([written] if written else [])
        assert f"# {title}" in path.read_text(encoding="utf-8")
