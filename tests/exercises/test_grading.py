"""A small class, right, wrong, broken and hostile: each gets its marks, with a reason where they are
missing.

The whole simulated class, on the real assignments, is `python tests/exercises/classroom.py`.
"""

import csv
import json
import os
import shutil
import socket
import sys
import threading
import time
import zipfile
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

sys.path.insert(0, str(Path(__file__).parent))
import classroom as room

from pedagogy.grading import __main__ as command
from pedagogy.grading import run, sandbox
from pedagogy.grading.course import Course, CourseError, generate_feedback, release
from pedagogy.grading.execute import Run
from pedagogy.grading.results import results
from pedagogy.grading.run import Graded, Limits, grade, note, noted
from pedagogy.grading.submissions import (
    Submission,
    _restored,
    find,
    identifier,
    left_out,
    put,
    ready,
    stand_in,
    unpacked,
)

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
fds = "/proc/self/fd/"
tries("the grader's log", lambda: [n for n in os.listdir(fds) if os.path.isfile(fds + n)])
tries("devices, written to", lambda: open("/dev/x", "w"))
tries("the machine's settings", lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
libc = __import__("ctypes").CDLL(None)
tries("system, mounted anew", lambda: libc.mount(None, b"/usr", None, 4128, None) == 0)
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
    (same,) = find(unpacked(Path(archive), tmp_path / "out", [NAME]), course, NAME)
    assert same.student == one.student


def test_folders_that_are_no_submissions_are_refused(tmp_path):
    course = room.tiny_course(tmp_path / "course")
    (tmp_path / "in" / "ann" / "other").mkdir(parents=True)
    with pytest.raises(CourseError, match="nothing in"):
        find(tmp_path / "in", course)
    assert left_out(tmp_path / "in", course) == ["ann: no folder in it is named after an assignment"]
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


@pytest.mark.parametrize("way", [".hidden/in", "in/../in"])
def test_a_folder_may_lie_anywhere(tmp_path, released, way):
    course = room.tiny_course(tmp_path / "course")
    (tmp_path / "in").mkdir()
    folder = tmp_path / way
    path = room.hand_in(folder, "ann", NAME, released)
    (path.parent / ".ipynb_checkpoints").mkdir()
    shutil.copy(path, path.parent / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb")
    (one,) = find(folder, course)
    assert one.path is not None and one.path.samefile(path) and not one.notes


def test_half_a_character_anywhere_ends_no_grading(tmp_path, released):
    """As a broken emoji leaves it in the JSON: it is no text that a file can hold."""
    half = "\ud83d"
    notebook = put_back(released, lambda cells, _: cells["total"].metadata.nbgrader.update(grade_id=half))
    notebook.cells.append(
        new_markdown_cell(f"{half} ![](attachment:{half})", attachments={half: {"image/png": half}})
    )
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    named = f"the file was named {os.fsdecode(bytes([255]))}"  # no UTF-8, as old archives have it
    made = ready(Submission("ann", NAME, path, (named,)), released)
    assert not made.reason and any("`?` is not of this assignment" in text for text in made.notes)
    put(made.notebook, tmp_path / "out.ipynb")
    assert "? ![](attachment:?)" in nbformat.read(tmp_path / "out.ipynb", 4).cells[-1].source
    made.notes[0].encode()


def graded_without_a_kernel(course, student, notebook):
    """As ever, but no cell is run: what a test of the open question needs. The feedback page."""
    path = course.root / f"{student}.ipynb"
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    made = ready(Submission(student, NAME, path), nbformat.read(release(course, NAME), 4))
    put(made.notebook, course.root / "submitted" / student / NAME / f"{NAME}.ipynb")
    done = course.api(Run={"not_run": "nothing runs in this test"}).autograde(NAME, student)
    done = generate_feedback(course, NAME, student) if done["success"] else done
    assert done["success"], done
    file = note(course, NAME, student)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(Graded(student, NAME, "", made.notes))))
    return course.feedback(NAME, student).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fresh_course(tmp_path_factory):
    """Released, and nothing graded yet."""
    course = room.tiny_course(tmp_path_factory.mktemp("fresh") / "course")
    release(course, NAME)
    return course


@pytest.fixture
def own_course(fresh_course, tmp_path):
    """For a test that gives points in it."""
    shutil.copytree(fresh_course.root, tmp_path / "course")
    return Course(tmp_path / "course")


def give(course, *rows):
    """Fill in and take in the file of open questions: rows of student, points, comment."""
    file = course.root / "points.csv"
    with open(file, "w", newline="", encoding="utf-8") as opened:
        table = csv.writer(opened)
        table.writerow(["student", "assignment", "exercise", "points", "comment"])
        table.writerows([student, NAME, "why", points, comment] for student, points, comment in rows)
    assert command.main(["--course", str(course.root), "points", str(file)]) == 0


def open_questions(course):
    command.report(course)
    with open(course.grades / "open_questions.csv", newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def answering(released, text, **attachments):
    notebook = room.answered(released, room.TINY | {"why": text})
    if attachments:
        notebook.cells[-1].attachments = attachments
    return notebook


def test_a_picture_in_an_answer_is_shown_and_a_lost_one_costs_nothing(own_course, released):
    """Names as Jupyter and VS Code write them: in the URL a space is %20."""
    names = ["plain.png", "Screenshot 2.png", "Bild ä.png", "image (1).png"]
    pictures = {name: {"image/png": f"pixels{number}"} for number, name in enumerate(names)}
    links = [f"![](attachment:{name.replace(' ', '%20')})" for name in [*names, "lost.png"]]
    notebook = room.answered(released, room.TINY | {"why": " ".join(links)})
    notebook.cells[-1].attachments = pictures
    page = graded_without_a_kernel(own_course, "ann", notebook)
    assert all(f"data:image/png;base64,pixels{number}" in page for number in range(4))
    assert "attachment lost.png" in page
    assert open_questions(own_course)["ann"]["points"] == ""


@pytest.mark.parametrize("odd", [{"a.png": {}}, {"a.png": {"image/png": 3}}, {"a.png": "text"}, None])
def test_odd_attachments_are_left_out(tmp_path, released, odd):
    notebook = room.answered(released, {"why": "![](attachment:a.png)"})
    notebook.cells[-1].attachments = odd
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook))
    made = ready(Submission("ann", NAME, path), released)
    last = made.notebook.cells[-1]
    assert not made.reason and "attachments" not in last and last.source == "![](attachment a.png)"


def test_what_stands_in_for_a_submission_has_nothing_of_it(released):
    cells = stand_in(released, "why not").cells
    assert "Not run: why not." in cells[0].source
    assert [cell.source for cell in cells[1:]] == [cell.source for cell in released.cells]


def test_an_answer_of_any_length_breaks_no_report(own_course, released):
    graded_without_a_kernel(own_course, "ann", answering(released, "x" * 200_000))
    for _ in range(2):  # the second time the file is there, and is read
        row = open_questions(own_course)["ann"]
        assert len(row["answer"]) < 32_767 and "all 200,000 characters are in the feedback" in row["answer"]
    give(own_course, ("ann", "2", ""))
    with open(own_course.grades / "open_questions.csv", "a", encoding="utf-8") as file:
        file.write(f"bea,{NAME},why,3,{'y' * 200_000},,1,\n")  # as somebody else may write it
    assert open_questions(own_course) == {}


def standing(course):
    (one,) = results(course, noted(course))
    return one.status, one.total, one.exercises[-1].points


def test_points_by_hand_stay_with_the_answer_that_they_were_given_for(own_course, released):
    graded_without_a_kernel(own_course, "ann", answering(released, "One answer."))
    give(own_course, ("ann", "2.5", "Say which."))
    assert standing(own_course)[1:] == (2.5, 2.5)
    graded_without_a_kernel(own_course, "ann", answering(released, "One answer."))
    assert standing(own_course)[1:] == (2.5, 2.5) and open_questions(own_course) == {}

    page = graded_without_a_kernel(own_course, "ann", answering(released, "Another answer."))
    assert standing(own_course)[1:] == (0.0, None)
    assert "– of 3" in page and "read by a person: no points yet" in page and "Score: 0.0 / 12.0" in page
    row = open_questions(own_course)["ann"]
    assert (row["answer"], row["earlier"], row["points"]) == ("Another answer.", "2.5 Say which.", "")
    give(own_course, ("ann", "3", ""))
    page = own_course.feedback(NAME, "ann").read_text(encoding="utf-8")
    assert standing(own_course)[1:] == (3.0, 3.0) and "3 of 3" in page and "Say which." not in page


def test_points_from_the_formgrader_stay_too_and_another_picture_is_another_answer(own_course, released):
    def answer(pixels):
        return answering(released, "![](attachment:a.png)", **{"a.png": {"image/png": pixels}})

    graded_without_a_kernel(own_course, "ann", answer("one"))
    with own_course.gradebook() as gradebook:
        grade = gradebook.find_grade("why", NAME, NAME, "ann")
        grade.manual_score, grade.needs_manual_grade = 2.0, False
        gradebook.db.commit()
    command._keep(own_course, [])  # as `grade` begins
    for pixels, points in (("one", 2.0), ("other", None)):
        graded_without_a_kernel(own_course, "ann", answer(pixels))
        assert standing(own_course)[2] == points


def test_points_filled_in_beside_an_answer_are_not_moved_to_another(own_course, released):
    graded_without_a_kernel(own_course, "ann", answering(released, "One\nanswer."))
    file, rows = own_course.grades / "open_questions.csv", open_questions(own_course)
    filled = rows["ann"] | {"answer": "One\r\nanswer.", "points": "2", "comment": "Good."}
    with open(file, "w", newline="", encoding="utf-8") as opened:
        table = csv.DictWriter(opened, filled.keys())
        table.writeheader()
        table.writerow(filled)
    assert open_questions(own_course)["ann"]["points"] == "2"
    graded_without_a_kernel(own_course, "ann", answering(released, "Another answer."))
    row = open_questions(own_course)["ann"]
    assert (row["earlier"], row["points"], row["comment"]) == ("2 Good.", "", "")


@pytest.mark.parametrize(
    "text, given, shown",
    [
        ("An answer.", None, "– of 3 | read by a person: no points yet"),
        (None, None, "0 of 3 | no answer"),
        ("An answer.", ("0", ""), "0 of 3 | read by a person"),
        ("An answer.", ("0", "p < q & more"), "0 of 3 | p &lt; q &amp; more"),
        ("An answer.", ("2.5", ""), "2.5 of 3 | read by a person"),
        ("An answer.", ("2.5", "Say which."), "2.5 of 3 | Say which."),
        ("An answer.", ("3", ""), "3 of 3 |"),
        ("An answer.", ("3", "Well said."), "3 of 3 | Well said."),
    ],
)
def test_the_table_says_how_the_open_question_stands(own_course, released, text, given, shown):
    answer = next(cell.source for cell in released.cells if room.bank.Notebook.id(cell) == "why")
    page = graded_without_a_kernel(own_course, "ann", answering(released, text or answer))
    if given:
        give(own_course, ("ann", *given))
        page = own_course.feedback(NAME, "ann").read_text(encoding="utf-8")
    row = page[page.index('<a href="#why">') :]
    cells = [cell.partition("</td>")[0] for cell in row[: row.index("</tr>")].split("<td")[1:]]
    assert " | ".join(cell.partition(">")[2].strip() for cell in cells).strip() == shown
    (one,) = results(own_course, noted(own_course))
    assert one.exercises[-1].points != 0 or "why: " in one.reason


def test_what_is_no_submission_is_listed(tmp_path, released):
    course, folder = room.tiny_course(tmp_path / "course"), tmp_path / "in"
    text = nbformat.writes(released)
    room.hand_in(folder, "gil", NAME, released)
    (folder / "gil" / "0-tiny").mkdir()
    (folder / "hal" / "other").mkdir(parents=True)
    for name in ("ann.ipynb", "bob.IPYNB", "cem.json", "eva.ipynb.zip", ".DS_Store"):
        (folder / name).write_text(text, encoding="utf-8")
    os.symlink(folder / "ann.ipynb", folder / "fred.ipynb")
    assert [one.student for one in find(folder, course, NAME)] == ["gil", "ann", "bob"]
    odd = left_out(folder, course)
    assert odd == [
        "cem.json: no notebook (.ipynb)",
        "eva.ipynb.zip: no notebook (.ipynb)",
        "fred.ipynb: a link, which is not followed",
        "gil/0-tiny: not named after an assignment",
        "hal: no folder in it is named after an assignment",
    ]
    command._keep(course, odd)
    graded_without_a_kernel(course, "gil", released)
    command.report(course)
    page = (course.grades / "report.html").read_text(encoding="utf-8")
    assert all(line in page for line in odd)


def test_of_several_notebooks_the_shallowest_then_the_newest_counts_and_the_others_are_named(tmp_path):
    course = room.tiny_course(tmp_path / "course")
    place = tmp_path / "in" / "ann" / NAME
    (place / "old").mkdir(parents=True)

    def found(**ages):
        for name, age in ages.items():
            path = place / f"{name.replace('__', '/')}.ipynb"
            path.write_bytes(b"")
            os.utime(path, (1e9 - age, 1e9 - age))
        (one,) = find(tmp_path / "in", course)
        return one.path and str(one.path.relative_to(place)), *one.notes

    assert found(draft=9) == ("draft.ipynb", "the file was named draft.ipynb")
    assert found(notes=0) == (None, f"the folder has 2 notebooks, none of them named {NAME}.ipynb")
    others = "also there: draft.ipynb, notes.ipynb"
    assert found(**{f"old__{NAME}": 0}) == (f"old/{NAME}.ipynb", f"graded old/{NAME}.ipynb; {others}")
    assert found(**{NAME: 5})[0] == f"{NAME}.ipynb"
    path, line = found(**{f"{NAME} (1)": 1})
    assert path == f"{NAME} (1).ipynb" and line.startswith(f"graded {path}; also there: {NAME}.ipynb, draft")
    assert found(**{f"{NAME}-Copy1": 7})[0] == f"{NAME} (1).ipynb"


def test_a_linked_folder_is_not_followed(tmp_path, released):
    course, folder = room.tiny_course(tmp_path / "course"), tmp_path / "in"
    room.hand_in(folder, "ann", NAME, released)
    (folder / "bob").mkdir()
    os.symlink(course.source(NAME).parent, folder / "bob" / NAME)
    os.symlink(course.root / "source", folder / "cem")
    os.symlink(course.source(NAME).parent, folder / "ann" / NAME / "more")
    (one,) = find(folder, course)
    assert one.student == "ann" and not one.notes
    assert left_out(folder, course) == [
        f"bob/{NAME}: a link, which is not followed",
        "cem: a link, which is not followed",
    ]


@pytest.mark.parametrize("prefix", ["", "handed_in/"])
def test_a_zip_of_one_student_is_that_student_s(tmp_path, prefix):
    course, archive = room.tiny_course(tmp_path / "course"), tmp_path / "all.ZIP"
    with zipfile.ZipFile(archive, "w") as packed:
        entry = zipfile.ZipInfo(f"{prefix}ann/{NAME}/{NAME}.ipynb", (2020, 2, 3, 4, 5, 6))
        packed.writestr(entry, b"not a notebook")
    (one,) = find(unpacked(archive, tmp_path / "out", [NAME]), course)
    assert one.student == "ann" and time.localtime(one.path.stat().st_mtime)[:6] == (2020, 2, 3, 4, 5, 6)
    assert command.main(["--course", str(course.root), "grade", str(archive), "--unsandboxed"]) == 0


def test_a_moved_cell_goes_where_it_was(released):
    cells = room.answered(released, room.TINY).cells
    moved = next(cell for cell in cells if room.bank.Notebook.id(cell) == "total")
    cells.remove(moved)
    cells.append(moved)
    made, notes = _restored(cells, released.cells)
    assert list(map(room.bank.Notebook.id, made)) == list(map(room.bank.Notebook.id, released.cells))
    assert notes == ["the cell `total` was moved: put back in its place"]


def test_an_answer_in_a_cell_below_the_open_question_waits_for_a_person(own_course, released):
    notebook = room.answered(released, {})
    notebook.cells.append(new_markdown_cell("My answer.", attachments={"a.png": {"image/png": "x"}}))
    graded_without_a_kernel(own_course, "ann", notebook)
    row = open_questions(own_course)["ann"]
    assert row["answer"].endswith("My answer.") and standing(own_course)[0] == "look"
    assert "the answer to `why` stood in a cell below it" in results(own_course, noted(own_course))[0].reason


PLANTS = """
import ipykernel, pathlib
box = pathlib.Path(ipykernel.get_connection_file()).parent
evil = "{{{{ cycler.__init__.__globals__.os.popen('touch {mark}').read() }}}}"
for folder in (box.parent, box):
    for name in ("log", "processor"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to({victim!r})
    for template in ("exercises", "feedback", "classic", "lab", "base"):
        place = folder / "nbconvert" / "templates" / template
        place.mkdir(parents=True)
        for page in ("points", "index", "base", "feedback"):
            (place / (page + ".html.j2")).write_text(evil)
"""
FILLS = {
    "writes": "open(box + '/x', 'wb').write(bytes(300 * 2**20))",
    "hides": "file = open(box + '/x', 'wb')\nos.unlink(box + '/x')\nfile.write(bytes(300 * 2**20))",
    "hoards": "file = open(os.memfd_create('x'), 'wb')\nfile.write(bytes(300 * 2**20))",
    "nests": "os.chdir(box)\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')",
}


def graded(released, folder, sandboxed, **answers):
    """A course in which each student's code stands before a right `total`, and what came of it."""
    course = room.tiny_course(folder / "course")
    for student, code in answers.items():
        answer = room.TINY | {"total": f"{room.TINY['total']}\n{code}"}
        room.hand_in(folder / "in", student, NAME, room.answered(released, answer))
    list(grade(course, find(folder / "in", course), sandboxed, limits=LIMITS))
    return course, {result.student: result for result in results(course, noted(course))}


def test_nothing_that_the_grader_reads_can_be_planted(released, bubblewrap, tmp_path):
    """Templates in JUPYTER_PATH are programs; through a link the grader would write where it points."""
    victim, mark = tmp_path / "victim", tmp_path / "mark"
    victim.write_text("mine")
    _, found = graded(released, tmp_path, True, ann=PLANTS.format(mark=mark, victim=str(victim)))
    assert victim.read_text() == "mine" and not mark.exists()
    assert "feedback page" not in found["ann"].reason


def test_the_disk_cannot_be_filled(released, bubblewrap, tmp_path):
    before = "import ipykernel, os, time\nbox = os.path.dirname(ipykernel.get_connection_file())"
    fills = {name: f"{before}\n{code}\ntime.sleep(15)" for name, code in FILLS.items()}
    _, found = graded(released, tmp_path, True, **fills)
    for name in FILLS:
        assert "256 MB in files outside /tmp" in found[name].reason, name
        assert found[name].exercises[0].points == 2.0, name


ODD = """
from pedagogy.checks.finding import FINDING, MARKS
class Odd:
    def __init__(self, *bundle): self.bundle = bundle
    def _repr_mimebundle_(self, **_): return self.bundle
def total(numbers):
    display({MARKS: [1]}, {MARKS: {"lines": [1]}}, {FINDING: "right"}, raw=True)
    return sum(numbers)
shown = display("a", display_id=True)
shown.update({"text/html": 3}, raw=True)
display(Odd({"text/plain": None}, {}))
"""


def test_an_odd_output_costs_no_points(released, tmp_path):
    kinds = {
        "ann": f"{ODD}Odd({{'text/plain': 'x', 'text/html': 3}}, {{}})",
        "bob": f"{ODD}Odd({{'text/plain': 'x', 'image/png': 'eA=='}}, {{'image/png': 3}})",
    }
    course, found = graded(released, tmp_path, False, **kinds)
    assert [found[student].total for student in kinds] == [9, 9]
    cells = nbformat.read(course.autograded(NAME, "ann"), 4).cells
    said = "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))
    assert said.count("an output was dropped") == 9 and "None is not valid" in said
    assert course.feedback(NAME, "ann").is_file() and found["ann"].status == "open"
    page = "the marks stand, but the feedback page could not be made: AttributeError: 'int' object has no"
    assert page in found["bob"].reason and found["bob"].status == "look"


def test_the_reason_is_the_error_and_not_where_to_find_it():
    log = "[ERROR] failed\n  Traceback\n    a.b.SomeError: the reason\n      at a line\n\n"
    last = "nbgrader.converters.base.NbGraderException: Please see the the above traceback"
    assert run._error_in(log + last) == "a.b.SomeError: the reason"
    assert run._error_in(last) == last and run._error_in("no\nnews\n") == "news" and run._error_in("")


@pytest.mark.parametrize(
    "dies_at, said", [(0, "no kernel could be started"), (2, "an earlier cell ended the kernel")]
)
def test_a_kernel_that_dies_late_has_been_started(monkeypatch, dies_at, said):
    def preprocess(self, notebook, resources):
        for index, cell in enumerate(notebook.cells[:dies_at]):
            self.preprocess_cell(cell, resources, index)
        raise DeadKernelError("Kernel died")

    monkeypatch.setattr(ExecutePreprocessor, "preprocess", preprocess)
    monkeypatch.setattr(ExecutePreprocessor, "preprocess_cell", lambda self, cell, *_: (cell, {}))
    made, _ = Run().preprocess(new_notebook(cells=[new_code_cell("1") for _ in range(3)]), {})
    assert [bool(cell.outputs) for cell in made.cells] == [index >= dies_at - 1 for index in range(3)]
    assert said in made.cells[-1].outputs[0].evalue


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_no_jobs_at_all_are_refused(jobs, capsys):
    with pytest.raises(SystemExit):
        command.main(["grade", "in", "--jobs", jobs])
    assert f"at least 1 submission at a time, not {jobs}" in capsys.readouterr().err


def test_one_that_cannot_be_made_ready_ends_no_class(tmp_path, released, monkeypatch):
    def refuses(submission, released):
        if submission.student == "b":
            raise KeyError("odd")
        return ready(submission, released)

    course, folder = room.tiny_course(tmp_path / "course"), tmp_path / "in"
    quick(released, folder, "abc")
    handed_in = find(folder, course)
    (folder / "c" / NAME / f"{NAME}.ipynb").unlink()
    monkeypatch.setattr(run, "ready", refuses)
    assert len(list(grade(course, handed_in, sandboxed=False))) == 3
    found = {result.student: result.reason for result in results(course, noted(course))}
    assert "not JSON" in found["a"] and "made ready to grade (KeyError: 'odd')" in found["b"]
    assert "made ready to grade (FileNotFoundError" in found["c"]
