"""Whatever was handed in, read and put in order: a notebook that nbgrader can grade, or the reason why not.

nbgrader drops a whole submission over one renamed cell, a changed identifier or a wrong byte. Here a
notebook is built anew on the released one: the student's cells with their text, every cell that nbgrader
knows with its own metadata; and a file that cannot be read stands as the released notebook, not run, with
the reason.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import zipfile
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from .course import Course, CourseError

LARGEST = 200_000_000  # bytes of one file
IN_URL = ":/?#@!$&()*+,;=%~"  # what nbconvert's Markdown leaves as it is
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
            if _is_folder(student / name):
                found.append(_in_folder(student.name, name, student / name))
    flat = [path for path in _shown(folder) if _is_notebook(path)]
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
    """What in the folder is no submission, each with the reason."""
    known, lines = set(course.assignments()), []
    for path in _shown(folder):
        if path.is_symlink():
            lines.append(f"{path.name}: a link, which is not followed")
        elif path.is_file() and not _is_notebook(path):
            lines.append(f"{path.name}: no notebook (.ipynb)")
        elif path.is_dir():
            lines += _left_out_of(path, known)
    return [_utf8(line) for line in lines]


def _left_out_of(student: Path, known: set[str]) -> list[str]:
    inside = _shown(student)
    lines = [f"{student.name}/{p.name}: a link, which is not followed" for p in inside if p.is_symlink()]
    if not any(path.name in known and _is_folder(path) for path in inside):
        return lines or [f"{student.name}: no folder in it is named after an assignment"]
    others = [path.name for path in inside if not path.is_symlink() and path.name not in known]
    return lines + [f"{student.name}/{name}: not named after an assignment" for name in others]


def _shown(folder: Path) -> list[Path]:
    """What lies in it, but what is hidden or macOS adds to a zip."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _folders(folder: Path) -> list[Path]:
    return [path for path in _shown(folder) if _is_folder(path)]


def _is_folder(path: Path) -> bool:
    """A link is none: it may lead to the solutions."""
    return path.is_dir() and not path.is_symlink()


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb" and path.is_file() and not path.is_symlink()


def identifier(name: str) -> str:
    """A student's name as nbgrader takes it: letters, digits and . _ @ - alone."""
    return re.sub(r"[^\w.@-]", "_", name.strip())


def _in_folder(student: str, assignment: str, folder: Path) -> Submission:
    """The notebook of that name, or the only one there, or, of several others, none."""
    inside = [path for path in sorted(folder.rglob("*")) if _is_notebook(path)]
    names = {path: path.relative_to(folder) for path in inside}
    files = [path for path, name in names.items() if not any(part.startswith(".") for part in name.parts)]
    student, chosen = identifier(student), _chosen(files, assignment)
    if chosen is None:
        what = f"{len(files)} notebooks, none of them named {assignment}.ipynb" if files else "no notebook"
        return Submission(student, assignment, None, (f"the folder has {what}",))
    others = ", ".join(str(names[path]) for path in files if path != chosen)
    if others:
        return Submission(
            student, assignment, chosen, (_utf8(f"graded {names[chosen]}; also there: {others}"),)
        )
    if chosen.stem == assignment:
        return Submission(student, assignment, chosen)
    return Submission(student, assignment, chosen, (_utf8(f"the file was named {chosen.name}"),))


def _chosen(files: list[Path], assignment: str) -> Path | None:
    """Of those with the name, or a browser's name for one more of them, the shallowest, then the newest."""
    again = re.compile(rf"{re.escape(assignment)}([ _-]?\(\d+\)|[ _-]copy\d*)?", re.IGNORECASE)
    named = [path for path in files if again.fullmatch(path.stem)]
    if not named:
        return files[0] if len(files) == 1 else None
    return min(
        named, key=lambda path: (len(path.parts), -path.stat().st_mtime_ns, path.stem != assignment, path)
    )


def _refuse_twins(found: list[Submission]) -> None:
    seen = set()
    for submission in found:
        key = submission.student, submission.assignment
        if key in seen:
            raise CourseError(f"two submissions of {key[1]} by {key[0]}: names differ in odd characters only")
        seen.add(key)


def unpacked(archive: Path, folder: Path, assignments: list[str]) -> Path:
    """Where a zip of submissions was unpacked: `folder`, or the only folder in it, but not a student's."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > 20 * LARGEST:
                raise CourseError(f"{archive} holds more than {20 * LARGEST / 1e9:.0f} GB")
            for entry in packed.infolist():
                _dated(entry, packed.extract(entry, folder))
    except zipfile.BadZipFile as error:
        raise CourseError(f"{archive} is no zip file: {error}") from None
    inside = _shown(folder)
    if len(inside) != 1 or not inside[0].is_dir():
        return folder
    is_students = {path.stem for path in inside[0].iterdir()} & set(assignments)
    return folder if is_students else inside[0]


def _dated(entry: zipfile.ZipInfo, path: str) -> None:
    """Give the file its own time, as zipfile does not: of two copies the newer one counts."""
    try:
        seconds = time.mktime((*entry.date_time, 0, 0, -1))
        os.utime(path, (seconds, seconds))
    except (ValueError, OverflowError, OSError):  # a month 0, or before 1970
        pass


def ready(submission: Submission, released: NotebookNode) -> Ready:
    """The notebook to grade, built on the released one; whatever is wrong with the file ends as a reason."""
    try:
        handed_in = _read(submission.path)
    except _Unreadable as error:
        reason = "; ".join([*submission.notes, str(error)] if submission.path else submission.notes)
        return Ready(stand_in(released, _utf8(reason)), _utf8(reason))
    cells, notes = _restored(handed_in.cells, released.cells)
    notes = [_utf8(note) for note in (*submission.notes, *notes)]
    return Ready(_with_notes(_like(released, list(map(_illustrated, cells))), notes), notes=notes)


def stand_in(released: NotebookNode, reason: str) -> NotebookNode:
    """The notebook as it was released, with nothing of the student's in it: it always goes through."""
    notebook = _like(released, list(map(_copy, released.cells)))
    return _with_notes(notebook, [f"Not run: {reason}. Below is the assignment as it was released."])


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
        for cell in raw.get("cells", []):
            if "attachments" in cell:  # nbformat gives up a notebook in which one is odd
                cell["attachments"] = _pictures(cell["attachments"])
        notebook = nbformat.convert(nbformat.reader.reads(json.dumps(raw)), 4)
        notebook.cells = [_copy(cell) for cell in notebook.cells]
    except Exception as error:  # whatever the student's file makes nbformat do
        raise _Unreadable(f"the notebook is damaged ({type(error).__name__}: {error})") from None
    return notebook


def _copy(cell: NotebookNode) -> NotebookNode:
    """A cell's kind, text, pictures and nbgrader identifier, and nothing else of it."""
    source = "".join(cell.source) if isinstance(cell.source, list) else cell.source
    if not isinstance(source, str):
        raise TypeError(f"a cell's source is {type(source).__name__}")
    made = NEW[cell.cell_type](_utf8(source))
    nbgrader = cell.get("metadata", {}).get("nbgrader")
    if isinstance(nbgrader, dict) and isinstance(nbgrader.get("grade_id"), str):
        made.metadata.nbgrader = NotebookNode(nbgrader | {"grade_id": _utf8(nbgrader["grade_id"])})
    if cell.cell_type != "code" and (pictures := _pictures(cell.get("attachments"))):
        made.attachments = pictures
    made.pop("id", None)  # of format 4.5; two cells may share one
    return made


def _pictures(attachments: object) -> NotebookNode:
    """The attachments that are as they should be: name -> kind -> text."""
    found = NotebookNode()
    for name, forms in attachments.items() if isinstance(attachments, dict) else ():
        forms = forms if isinstance(forms, dict) else {}
        texts = {kind: "".join(text) if isinstance(text, list) else text for kind, text in forms.items()}
        if texts and all(isinstance(text, str) for text in texts.values()):
            found[_utf8(name)] = NotebookNode({_utf8(kind): _utf8(text) for kind, text in texts.items()})
    return found


def _illustrated(cell: NotebookNode) -> NotebookNode:
    """A Markdown cell that names a picture which is not there is left with the name: nbconvert makes no page.

    It looks for the name as it stands in a URL, with %20 for a space, where the attachment has a space.
    """
    if cell.cell_type != "markdown":
        return cell
    pictures = cell.get("attachments", NotebookNode())

    def found(reference: re.Match) -> str:
        name = reference[1]
        picture = pictures.get(name) or pictures.get(unquote(name))
        if picture is None:
            return f"attachment {name}"
        pictures[name] = pictures[quote(name, safe=IN_URL)] = picture
        return reference[0]

    cell.source = re.sub(r"""attachment:((?:[^\s()<>\[\]"']|\([^\s()]*\))+)""", found, cell.source)
    return cell


def _utf8(text: str) -> str:
    """Half a surrogate pair, as a broken emoji leaves behind, cannot be written to a file."""
    return text.encode("utf-8", "replace").decode()


def _like(released: NotebookNode, cells: list[NotebookNode]) -> NotebookNode:
    metadata = {"kernelspec": released.metadata.kernelspec}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata, nbformat_minor=4)


def _restored(
    cells: list[NotebookNode], released: list[NotebookNode]
) -> tuple[list[NotebookNode], list[str]]:
    """The student's cells with the released ones' metadata and order; the last of twins counts, lost ones
    return.
    """
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
            cells[number] = _as(known[name].cell_type, cell)
            notes.append(f"the cell `{name}` was made a {cell.cell_type} cell: changed back")
    notes += _put_in_order(cells, list(known))
    for name in known:
        if name not in last:
            notes.append(f"the cell `{name}` is missing: " + _put_back(cells, known, name))
    notes += _answers_below(cells, released)
    return cells, list(dict.fromkeys(notes))


def _as(kind: str, cell: NotebookNode) -> NotebookNode:
    """The cell, made another kind; a code cell has no pictures."""
    made = NEW[kind](cell.source, metadata=cell.metadata)
    if kind != "code" and "attachments" in cell:
        made.attachments = cell.attachments
    made.pop("id", None)
    return made


def _put_in_order(cells: list[NotebookNode], names: list[str]) -> list[str]:
    """Put every cell that was moved back among those that were not; the notes that say which."""
    order = [_id(cell) for cell in cells if _id(cell)]
    released = [name for name in names if name in order]
    alike = SequenceMatcher(None, order, released, autojunk=False).get_matching_blocks()
    stay = {name for block in alike for name in order[block.a : block.a + block.size]}
    moved = {_id(cell): cell for cell in cells if _id(cell) and _id(cell) not in stay}
    cells[:] = [cell for cell in cells if _id(cell) not in moved]
    for name in released:
        if name in moved:
            cells.insert(_place(cells, names, name), moved[name])
    return [f"the cell `{name}` was moved: put back in its place" for name in released if name in moved]


def _put_back(cells: list[NotebookNode], known: dict[str, NotebookNode], name: str) -> str:
    """A missing cell, where it was; not a solution in code, which is the student's to write."""
    nbgrader = known[name].metadata.nbgrader
    if nbgrader.solution and not nbgrader.grade:
        return "nothing stands for it"
    cells.insert(_place(cells, list(known), name), _copy(known[name]))
    return "put back"


def _place(cells: list[NotebookNode], names: list[str], name: str) -> int:
    """Where a cell goes that is not there: before the one it preceded."""
    earlier, later = names[: names.index(name)], names[names.index(name) + 1 :]
    after = [number for number, cell in enumerate(cells) if _id(cell) in earlier]
    before = [number for number, cell in enumerate(cells) if _id(cell) in later]
    first = max(after) + 1 if after else 0
    return max(first, min(before)) if before else len(cells)


def _answers_below(cells: list[NotebookNode], released: list[NotebookNode]) -> list[str]:
    """An open question's cell takes in text that was added right below it, where it has none of its own."""
    own, notes = {_id(cell): cell.source for cell in released}, []
    texts = {cell.source.strip() for cell in released} | {""}
    for cell, below in list(zip(cells, cells[1:], strict=False)):
        nbgrader = cell.metadata.get("nbgrader", {})
        if not (nbgrader.get("grade") and nbgrader.get("solution") and cell.source == own[_id(cell)]):
            continue
        if _id(below) or below.cell_type == "code" or below.source.strip() in texts:
            continue
        cell.source = f"{cell.source}\n\n{below.source}"
        if "attachments" in below:
            cell.attachments = below.attachments
        cells[:] = [one for one in cells if one is not below]
        notes.append(f"the answer to `{_id(cell)}` stood in a cell below it: taken into it")
    return notes


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
