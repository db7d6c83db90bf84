"""A small class, right, wrong, broken and hostile: each gets its marks, with a reason where they are
missing.

The whole simulated class, on the real assignments, is `python tests/exercises/classroom.py`.
"""

import csv
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import classroom as room

from pedagogy.grading import __main__ as command
from pedagogy.grading import sandbox
from pedagogy.grading.course import CourseError, release
from pedagogy.grading.results import results
from pedagogy.grading.run import Limits, grade, noted
from pedagogy.grading.submissions import _restored, find, identifier, left_out, unpacked

NAME = "0_tiny"
LIMITS = Limits(cell=20, wall=100)
SECRET = "only the grader's own environment knows this"

SPY = """
import os, socket, pathlib
def tries(what, attempt):
    try:
        print("ESCAPED" if attempt() else "held", what)
    except BaseException as error:
        print("held", what, type(error).__name__)
tries("source", lambda: os.listdir({root!r} + "/source"))
tries("hidden tests", lambda: open({source!r}).read())
tries("gradebook", lambda: open({root!r} + "/gradebook.db", "rb").read())
tries("another submission", lambda: os.listdir({root!r} + "/submitted"))
tries("what was handed in", lambda: os.listdir({handed!r}))
tries("the course, written to", lambda: open({root!r} + "/source/x", "w"))
tries("network", lambda: socket.create_connection(("127.0.0.1", {port}), 2))
tries("names", lambda: socket.getaddrinfo("pypi.org", 443))
tries("environment", lambda: "GRADER_SECRET" in os.environ)
tries("processes", lambda: len([p for p in os.listdir("/proc") if p.isdigit()]) > 12)
tries("files at home", lambda: [n for n in os.listdir({home!r}) if os.path.isfile({home!r} + "/" + n)])
tries("package, written to", lambda: open({package!r} + "/x.py", "w"))
tries("python, written to", lambda: open({prefix!r} + "/x", "w"))
tries("system, written to", lambda: open("/usr/x", "w"))
tries("root, written to", lambda: open("/x", "w"))
tries("much disk", lambda: [open("/tmp/x%d" % i, "wb").write(bytes(10**8)) for i in range(4)])
tries("limits", lambda: __import__("resource").setrlimit(7, (10**6, 10**6)) is None)
"""
CHEATS = {
    "redefines": "def mark(*_): return 3.0\ndef agrees(*_): return True",
    "patches": "import pedagogy.exercises as e\ne.mark = lambda *_: 3.0\ne.agrees = lambda *_: True",
    "silences": "import sys\nget_ipython().displayhook.write_output_prompt = lambda *_: 1 / 0\n"
    "sys.displayhook = lambda *_: None\nget_ipython().display_formatter.formatters['text/plain'].for_type("
    "float, lambda x, p, c: p.text('3.0'))",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return room.tiny_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def released(course):
    return nbformat.read(release(course, NAME), as_version=4)


@pytest.fixture(scope="module")
def bubblewrap(course, tmp_path_factory):
    if why := sandbox.trouble(course, tmp_path_factory.mktemp("trial")):
        pytest.skip(why)


def put_back(released, change):
    notebook = room.answered(released, room.TINY)
    change(
        {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}, notebook.cells
    )
    return notebook


def renamed(cells, _):
    cells["total"].metadata.nbgrader.grade_id = "sum"
    cells["total-test"].metadata.nbgrader.grade_id = "sum-test"


def duplicated(cells, all_cells):
    twin = cells["total"].copy()
    twin.source = "def total(numbers):\n    return 0"
    all_cells.insert(all_cells.index(cells["total"]), twin)


def without_tests(cells, all_cells):
    for name in ("setup", "which-test", "total-test", "longest-test", "why"):
        all_cells.remove(cells[name])


def tampered(cells, _):
    cells["longest-test"].source = "mark((3, 'given', lambda: True))"
    cells["longest-test"].metadata.nbgrader.points = 300
    cells["longest"].source = "longest = None"
    cells["total"].cell_type = "raw"
    del cells["total"]["outputs"], cells["total"]["execution_count"]


def handed_in(released, folder, root, port):
    """student -> (what must come of each test cell, must it be pointed out, words of the reason)."""
    full, expected = room.FULL, {}

    def student(name, notebook, points, look=False, why=""):
        room.hand_in(folder, name, NAME, notebook)
        expected[name] = room.Expected(name, NAME, full | points, look, why)

    def with_(**answers):
        return room.answered(released, room.TINY | answers)

    none = dict.fromkeys(full, 0.0)
    student("right", with_(), {})
    student(
        "half",
        with_(total="def total(numbers):\n    return sum(numbers) if numbers else None"),
        {"total-test": 3.0},
    )
    for what, (code, lives, why) in room.HOSTILE.items():
        answer = f"{code}\n{room.TINY['total']}"
        lost = {"total-test": 0.0} | ({} if lives else {"longest-test": 0.0})
        student(what.replace(" ", "-"), with_(total=answer), lost, not lives or "took longer" in why, why)
    student("deleted", with_(total=None), {"total-test": 0.0}, True, "`total` is missing")
    student("renamed", put_back(released, renamed), {}, True, "`sum` is not of this assignment")
    student("duplicated", put_back(released, duplicated), {}, True, "several cells `total`")
    student("without-tests", put_back(released, without_tests), {}, True, "put back")
    student("tampered", put_back(released, tampered), {"longest-test": 0.0}, True, "raw cell: changed back")
    student("version-3", room.as_version_3(with_()), {})
    student("prints", with_(total="def total(n):\n    print('y' * 50_000_000)\n    return sum(n)"), {})
    student(
        "warns", with_(total="import warnings\ndef total(n):\n    warnings.warn('!')\n    return sum(n)"), {}
    )
    for what, (content, why) in room.BYTES.items():
        student(what.replace(" ", "-"), content, none, True, why)
    for what, code in CHEATS.items():
        wrong = f"{code}\ndef longest(words): return 0"
        student(what, with_(longest=wrong), {"longest-test": 0.0})
    spy = SPY.format(
        root=str(root), source=str(root / "source" / NAME / f"{NAME}.ipynb"), handed=str(folder), port=port,
        home=str(Path.home()), package=str(Path(sandbox.__file__).parents[1]), prefix=sys.prefix,
    )  # fmt: skip
    student("spy", with_(longest=f"{spy}\n{room.TINY['longest']}"), {})
    return expected


@pytest.fixture(scope="module")
def the_class(course, released, bubblewrap, tmp_path_factory):
    """Graded once: what must come of it, and what did."""
    folder = tmp_path_factory.mktemp("handed-in")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        threading.Thread(target=lambda: server.accept(), daemon=True).start()
        patch.setenv("GRADER_SECRET", SECRET)
        expected = handed_in(released, folder, course.root, server.getsockname()[1])
        list(grade(course, find(folder, course), sandboxed=True, limits=LIMITS))
    return expected, {r.student: r for r in results(course, noted(course))}


def test_everyone_gets_their_marks_with_a_reason(the_class):
    expected, found = the_class
    assert room.differences(list(expected.values()), list(found.values())) == []


def test_a_spy_finds_nothing(the_class, course):
    cells = nbformat.read(course.autograded(NAME, "spy"), 4).cells
    said = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))
    assert said.count("held") == SPY.count("\ntries(") and "ESCAPED" not in said, said
    assert SECRET not in said


def test_the_table_and_the_report_say_it_too(the_class, course):
    command.report(course)
    with open(course.grades / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(the_class[0])
    assert rows["right"]["total"] == "9" and rows["right"]["status"] == "open" and rows["right"]["why"] == ""
    assert all(row["reason"] for row in rows.values() if row["total"] == "0")
    page = (course.grades / "report.html").read_text(encoding="utf-8")
    assert "To look at" in page and "not UTF-8" in page and page.count("<h2>") == 3
    for student in the_class[0]:
        assert course.feedback(NAME, student).stat().st_size < 3_000_000


def test_points_for_the_open_question_come_from_a_file(the_class, course):
    command.report(course)
    path = course.grades / "open_questions.csv"
    text = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(True)))
    row = next(row for row in rows if row["student"] == "right")
    assert row["answer"] == room.OPEN and row["points"] == ""
    row |= {"points": "2.5", "comment": "Say which probabilities."}
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    assert command.main(["--course", str(course.root), "points", str(path)]) == 0
    found = {r.student: r for r in results(course, noted(course))}["right"]
    assert found.total == 11.5 and found.status == "graded"
    assert "Say which probabilities." in course.feedback(NAME, "right").read_text(encoding="utf-8")
    for wrong in ("4", "-1", "nan", "many"):
        file = course.root / "wrong.csv"
        file.write_text(f"student,assignment,exercise,points\nright,{NAME},why,{wrong}\n")
        assert command.main(["--course", str(course.root), "points", str(file)]) == 1


def quick(released, folder, students):
    """Submissions that need no kernel, and so are graded in no time."""
    for student in students:
        room.hand_in(folder, student, NAME, b"not a notebook")


def test_a_stopped_run_goes_on_and_a_changed_file_is_graded_again(tmp_path, released):
    course, folder = room.tiny_course(tmp_path / "course"), tmp_path / "in"
    quick(released, folder, "abc")
    run = grade(course, find(folder, course), sandboxed=False, jobs=1)
    first = next(run).student
    run.close()  # as Ctrl-C does
    rest = [graded.student for graded in grade(course, find(folder, course), sandboxed=False, jobs=1)]
    assert first == "a" and rest == ["b", "c"]
    (folder / "b" / NAME / f"{NAME}.ipynb").write_bytes(b"not a notebook either")
    assert [one.student for one in grade(course, find(folder, course), sandboxed=False)] == ["b"]
    assert len(results(course, noted(course))) == 3


def test_without_a_sandbox_nothing_runs_until_it_is_allowed(tmp_path, released, monkeypatch, capsys):
    course, folder = room.tiny_course(tmp_path / "course"), tmp_path / "in"
    room.hand_in(folder, "ann", NAME, room.answered(released, room.TINY))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    asked = ["--course", str(course.root), "grade", str(folder)]
    assert command.main(asked) == 1
    said = capsys.readouterr().err
    assert "bubblewrap is not installed" in said and "--unsandboxed" in said and "Nothing was graded" in said
    assert not (course.root / "submitted").exists()
    assert command.main([*asked, "--unsandboxed"]) == 0
    assert "WITHOUT A SANDBOX" in capsys.readouterr().err
    assert {e.name: e.points for e in results(course, noted(course))[0].exercises} == room.FULL | {
        "why": None
    }


def test_loose_files_and_archives_are_submissions_too(tmp_path, released):
    course, folder = room.tiny_course(tmp_path / "course"), tmp_path / "in"
    folder.mkdir()
    (folder / "ann müller.ipynb").write_text(nbformat.writes(released), encoding="utf-8")
    with pytest.raises(CourseError, match="which assignment"):
        find(folder, course)
    (one,) = find(folder, course, NAME)
    assert one.student == "ann_müller"
    archive = shutil.make_archive(str(tmp_path / "all"), "zip", folder)
    (same,) = find(unpacked(Path(archive), tmp_path / "out"), course, NAME)
    assert same.student == one.student


def test_folders_that_are_no_submissions_are_refused(tmp_path):
    course = room.tiny_course(tmp_path / "course")
    (tmp_path / "in" / "ann" / "other").mkdir(parents=True)
    with pytest.raises(CourseError, match="nothing in"):
        find(tmp_path / "in", course)
    assert left_out(tmp_path / "in", course) == ["ann"]
    (course.root / "submitted").mkdir()
    with pytest.raises(CourseError, match="copy it elsewhere"):
        find(course.root / "submitted", course)
    with pytest.raises(CourseError, match="no folder"):
        find(tmp_path / "nowhere", course)
    with pytest.raises(CourseError, match="no assignment"):
        find(tmp_path / "in", course, "9_none")
    for twin in ("a b", "a_b"):
        (tmp_path / "in" / twin / NAME).mkdir(parents=True)
    with pytest.raises(CourseError, match="two submissions"):
        find(tmp_path / "in", course)


def test_a_student_s_link_is_not_followed(tmp_path):
    course = room.tiny_course(tmp_path / "course")
    (tmp_path / "in" / "ann" / NAME).mkdir(parents=True)
    os.symlink(course.source(NAME), tmp_path / "in" / "ann" / NAME / f"{NAME}.ipynb")
    (one,) = find(tmp_path / "in", course)
    assert one.path is None and one.notes == ("the folder has no notebook",)


@pytest.mark.parametrize("name", ["../x", "a/b", "a*b?", " x "])
def test_a_name_stays_inside_its_folder(name):
    assert "/" not in identifier(name) and "*" not in identifier(name)


def test_a_missing_cell_goes_where_it_was(released):
    """A renamed solution still stands before its test, which is put back after it."""
    cells = room.answered(released, {"total-test": None, "setup": None}).cells
    next(cell for cell in cells if room.bank.Notebook.id(cell) == "total").metadata.nbgrader.grade_id = "sum"
    made, notes = _restored(cells, released.cells)
    names = [room.bank.Notebook.id(cell) for cell in made]
    assert names == [
        None,
        "setup",
        "which",
        "which-test",
        None,
        "total-test",
        "longest",
        "longest-test",
        "why",
    ]
    assert len(notes) == 4
