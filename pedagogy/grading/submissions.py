"""Whatever was handed in, read and put in order: a notebook that nbgrader can grade, or the reason why not.

nbgrader drops a whole submission over one renamed cell, a changed identifier or a wrong byte. Here a
notebook is built anew on the released one: the student's cells with their text, every cell that nbgrader
knows with its own metadata; and a file that cannot be read stands as the released notebook, not run, with
the reason.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from .course import Course, CourseError

LARGEST = 200_000_000  # bytes of one file
NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


@dataclass(frozen=True)
class Submission:
    """One student's file for one assignment; `path` is None where the folder has no notebook."""

    student: str
    assignment: str
    path: Path | None
    notes: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Changes with the file."""
        content = self.path.read_bytes() if self.path and self.path.stat().st_size <= LARGEST else b""
        return hashlib.sha256(
            repr((self.student, self.assignment, self.notes)).encode() + content
        ).hexdigest()


@dataclass
class Ready:
    """A notebook that nbgrader can grade; `reason` says why it shall not be run; `notes` what was mended."""

    notebook: NotebookNode
    reason: str = ""
    notes: list[str] = field(default_factory=list)


def find(folder: Path, course: Course, assignment: str | None = None) -> list[Submission]:
    """What lies in <student>/<assignment>/<notebook>.ipynb, nbgrader's layout; or, given an assignment, in
    <student>.ipynb. CourseError for what is neither, or where nothing is.
    """
    known = course.assignments()
    if assignment is not None and assignment not in known:
        raise CourseError(f"no assignment {assignment!r}; there are: {', '.join(known)}")
    if not folder.is_dir():
        raise CourseError(f"{folder} is no folder of submissions")
    if folder.resolve() == (course.root / "submitted").resolve():
        raise CourseError(f"{folder} is where grading writes its own orderly copies: copy it elsewhere first")
    found = []
    for student in _folders(folder):
        for name in [assignment] if assignment else known:
            if (student / name).is_dir():
                found.append(_in_folder(student.name, name, student / name))
    flat = sorted(path for path in folder.glob("*.ipynb") if path.is_file() and not path.is_symlink())
    if flat and assignment is None:
        raise CourseError(f"{flat[0].name} and others lie loose in {folder}: say which assignment they are")
    found += [Submission(identifier(path.stem), assignment, path) for path in flat]
    if not found:
        raise CourseError(
            f"nothing in {folder} is <student>/<assignment>/<notebook>.ipynb; assignments: {known}"
        )
    _refuse_twins(found)
    return found


def left_out(folder: Path, course: Course) -> list[str]:
    """The students' folders in which none is named after an assignment."""
    known = course.assignments()
    return [path.name for path in _folders(folder) if not any((path / name).is_dir() for name in known)]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def identifier(name: str) -> str:
    """A student's name as nbgrader takes it: letters, digits and . _ @ - alone."""
    return re.sub(r"[^\w.@-]", "_", name.strip())


def _in_folder(student: str, assignment: str, folder: Path) -> Submission:
    """The notebook of that name, or the only one there, or, of several, none."""
    files = sorted(path for path in folder.rglob("*.ipynb") if not any(p.startswith(".") for p in path.parts))
    files = [path for path in files if path.is_file() and not path.is_symlink()]
    exact = [path for path in files if path.name == f"{assignment}.ipynb"]
    student = identifier(student)
    if exact:
        return Submission(student, assignment, exact[0])
    if len(files) == 1:
        return Submission(student, assignment, files[0], (f"the file was named {files[0].name}",))
    what = f"{len(files)} notebooks, none of them named {assignment}.ipynb" if files else "no notebook"
    return Submission(student, assignment, None, (f"the folder has {what}",))


def _refuse_twins(found: list[Submission]) -> None:
    seen = set()
    for submission in found:
        key = submission.student, submission.assignment
        if key in seen:
            raise CourseError(f"two submissions of {key[1]} by {key[0]}: names differ in odd characters only")
        seen.add(key)


def unpacked(archive: Path, folder: Path) -> Path:
    """The folder of a zip of submissions, unpacked into `folder`, or the only folder in it."""
    try:
        with zipfile.ZipFile(archive) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > 20 * LARGEST:
                raise CourseError(f"{archive} holds more than {20 * LARGEST / 1e9:.0f} GB")
            packed.extractall(folder)
    except zipfile.BadZipFile as error:
        raise CourseError(f"{archive} is no zip file: {error}") from None
    inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    return (
        inside[0]
        if len(inside) == 1 and inside[0].is_dir() and not list(inside[0].glob("*.ipynb"))
        else folder
    )


def ready(submission: Submission, released: NotebookNode) -> Ready:
    """The notebook to grade, built on the released one; whatever is wrong with the file ends as a reason."""
    try:
        handed_in = _read(submission.path)
    except _Unreadable as error:
        reason = "; ".join([*submission.notes, str(error)] if submission.path else submission.notes)
        stand_in = _like(released, list(map(_copy, released.cells)))
        return Ready(
            _with_notes(stand_in, [f"Not run: {reason}. Below is the assignment as it was released."]), reason
        )
    cells, notes = _restored(handed_in.cells, released.cells)
    notes = [*submission.notes, *notes]
    return Ready(_with_notes(_like(released, cells), notes), notes=notes)


class _Unreadable(Exception):
    """Why a file is no notebook."""


def _read(path: Path | None) -> NotebookNode:
    if path is None:
        raise _Unreadable("no notebook")
    if path.stat().st_size > LARGEST:
        raise _Unreadable(f"the file has {path.stat().st_size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(f"the file is not UTF-8 text (byte {error.start})") from None
    if not text.strip():
        raise _Unreadable("the file is empty")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(f"the file is not JSON, so no notebook ({error})") from None
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if version not in (3, 4):
        raise _Unreadable(f"the file is no notebook of format 3 or 4 (nbformat: {version!r})")
    try:
        notebook = nbformat.convert(nbformat.reader.reads(text), 4)
        notebook.cells = [_copy(cell) for cell in notebook.cells]
    except Exception as error:  # whatever the student's file makes nbformat do
        raise _Unreadable(f"the notebook is damaged ({type(error).__name__}: {error})") from None
    return notebook


def _copy(cell: NotebookNode) -> NotebookNode:
    """A cell's kind, text and nbgrader identifier, and nothing else of it."""
    source = "".join(cell.source) if isinstance(cell.source, list) else cell.source
    if not isinstance(source, str):
        raise TypeError(f"a cell's source is {type(source).__name__}")
    made = NEW[cell.cell_type](source)
    nbgrader = cell.get("metadata", {}).get("nbgrader")
    if isinstance(nbgrader, dict) and isinstance(nbgrader.get("grade_id"), str):
        made.metadata.nbgrader = NotebookNode(nbgrader)
    made.pop("id", None)  # of format 4.5; two cells may share one
    return made


def _like(released: NotebookNode, cells: list[NotebookNode]) -> NotebookNode:
    metadata = {"kernelspec": released.metadata.kernelspec}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata, nbformat_minor=4)


def _restored(
    cells: list[NotebookNode], released: list[NotebookNode]
) -> tuple[list[NotebookNode], list[str]]:
    """The student's cells with the released ones' metadata; the last of twins counts, lost ones return."""
    known = {_id(cell): cell for cell in released if _id(cell)}
    last = {_id(cell): number for number, cell in enumerate(cells)}
    notes = []
    for number, cell in enumerate(cells):
        name = _id(cell)
        if name is None:
            continue
        if name not in known or last[name] != number:
            del cell.metadata["nbgrader"]
            why = f"there are several cells `{name}`: the last one counts"
            notes.append(
                why if name in known else f"the cell `{name}` is not of this assignment: run, but not graded"
            )
            continue
        cell.metadata.nbgrader = known[name].metadata.nbgrader
        if cell.cell_type != known[name].cell_type:
            cells[number] = NEW[known[name].cell_type](cell.source, metadata=cell.metadata)
            cells[number].pop("id", None)
            notes.append(f"the cell `{name}` was made a {cell.cell_type} cell: changed back")
    for name in known:
        if name not in last:
            notes.append(f"the cell `{name}` is missing: " + _put_back(cells, known, name))
    return cells, list(dict.fromkeys(notes))


def _put_back(cells: list[NotebookNode], known: dict[str, NotebookNode], name: str) -> str:
    """A missing cell, before the one it preceded; not a solution in code, which is the student's to write."""
    nbgrader = known[name].metadata.nbgrader
    if nbgrader.solution and not nbgrader.grade:
        return "nothing stands for it"
    names = list(known)
    later = names[names.index(name) + 1 :]
    after = [number for number, cell in enumerate(cells) if _id(cell) in names[: names.index(name)]]
    before = [number for number, cell in enumerate(cells) if _id(cell) in later]
    first = max(after) + 1 if after else 0
    cells.insert(max(first, min(before)) if before else len(cells), _copy(known[name]))
    return "put back"


def _id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _with_notes(notebook: NotebookNode, notes: list[str]) -> NotebookNode:
    """What the student reads first in the feedback."""
    if notes:
        lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
        cell = new_markdown_cell(f"<b>About this submission</b><ul>{lines}</ul>")
        cell.pop("id", None)
        notebook.cells.insert(0, cell)
    return notebook


def put(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook where nbgrader looks for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
