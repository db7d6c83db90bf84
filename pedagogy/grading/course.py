"""Where everything lies, and nbgrader's own API over it: configuration, gradebook, student versions."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions import formgrader
from nbgrader.utils import capture_log, temp_attrs
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from .standing import Standing, settle

# For nbgrader, which calls alembic by its name.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])

HERE = Path(__file__).parents[2] / "notebooks" / "exercises"
MADE = os.path.join("build", "release")  # where nbgrader writes the student versions
STAMP = ".source"  # beside a student version: what it was made from, and hashes of its files as made
LOCKED = 60  # seconds to wait where another process writes to the gradebook


class CourseError(Exception):
    """What the lecturer has to mend; the message says how."""


@dataclass(frozen=True)
class Course:
    """nbgrader's course directory: nbgrader_config.py, and source/<assignment>/<assignment>.ipynb."""

    root: Path = HERE

    @property
    def grades(self) -> Path:
        return self.root / "grades"

    def assignments(self) -> list[str]:
        """Their names, in order. CourseError where there is none."""
        found = sorted(path.parent.name for path in (self.root / "source").glob("*/*.ipynb"))
        if not found:
            raise CourseError(f"no assignment in {self.root / 'source'}: wanted <name>/<name>.ipynb")
        return found

    def source(self, assignment: str) -> Path:
        return self.root / "source" / assignment / f"{assignment}.ipynb"

    def released(self, assignment: str) -> Path:
        """The student version that the grader and the book go by: nobody works in that folder."""
        return self.root / MADE / assignment / f"{assignment}.ipynb"

    def handed_out(self, assignment: str) -> Path:
        """Its copy for learners, who may write into it."""
        return self.root / "release" / assignment / f"{assignment}.ipynb"

    def autograded(self, assignment: str, student: str) -> Path:
        return self.root / "autograded" / student / assignment / f"{assignment}.ipynb"

    def feedback(self, assignment: str, student: str) -> Path:
        return self.root / "feedback" / student / assignment / f"{assignment}.html"

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.root / 'gradebook.db'}?timeout={LOCKED}"

    def gradebook(self) -> Gradebook:
        return Gradebook(self.db_url, "preferences")

    def api(self, **settings: dict) -> NbGraderAPI:
        """nbgrader's API with this course's configuration, and `settings`: a section's name -> its values."""
        loader = PyFileConfigLoader("nbgrader_config.py", path=str(self.root))
        config = loader.load_config()
        ours = {"root": str(self.root), "db_url": self.db_url, "release_directory": MADE}
        config.merge(Config({"CourseDirectory": ours}))
        config.merge(Config(settings))
        directory = CourseDirectory(config=config)
        api = NbGraderAPI(coursedir=directory, config=config)
        api.log.setLevel(logging.ERROR)
        return api


def generate_feedback(course: Course, assignment: str, student: str) -> dict:
    """nbgrader's feedback page, headed by a table of what points were lost for; its success or log."""
    templates = [Path(__file__).parent / "templates", Path(formgrader.__file__).parent / "templates"]
    page = {
        "template_name": "exercises",
        "template_file": "points.html.j2",
        "extra_template_basedirs": [str(folder) for folder in templates],
    }
    with course.gradebook() as gradebook:
        settle(course, gradebook, assignment, student)
    api = course.api(HTMLExporter=page)
    with temp_attrs(api.coursedir, assignment_id=assignment, student_id=student):
        converter = GenerateFeedback(coursedir=api.coursedir, parent=api)
        converter.preprocessors = [Standing, CSSHTMLHeaderPreprocessor]
        converter.force = True
        return capture_log(converter)


def release(course: Course, assignment: str) -> Path:
    """The student version, made by nbgrader's generate_assignment where the source has changed; its path.

    CourseError, with what nbgrader says, where the source is not as it should be.
    """
    made = course.released(assignment)
    stamp, source = made.with_name(STAMP), fingerprint(course, assignment)
    if _stamped(stamp) == [source, _digest(made)] and _is_known(course, assignment):
        return made
    done = course.api().generate_assignment(assignment, force=True, create=True)
    if not done["success"]:
        raise CourseError(
            f"{assignment}: nbgrader could not make the student version.\n{done.get('log', done['error'])}"
        )
    stamp.write_text(f"{source} {_digest(made)}")
    return made


def hand_out(course: Course, assignment: str) -> tuple[Path, list[Path]]:
    """Put the student version into release/: its path, and where files went that somebody had worked in.

    Those lie beside the assignment's folder: what is in the folder, nbgrader hands to students.
    """
    made, to = release(course, assignment).parent, course.handed_out(assignment).parent
    stamp = to / STAMP
    files = [path for path in sorted(made.rglob("*")) if path.is_file() and path.name != STAMP]
    known = _stamped(stamp)
    aside = [_renew(path, to / path.relative_to(made), known, to.parent) for path in files]
    stamp.write_text("\n".join(map(_digest, files)))
    return course.handed_out(assignment), [path for path in aside if path]


def _renew(made: Path, to: Path, known: list[str], beside: Path) -> Path | None:
    """Copy the file there; one that is there, but was not handed out so, goes to the path returned first."""
    now, aside = _digest(to), None
    if now == _digest(made):
        return None
    if now and now not in known:
        aside = _free(beside / f"{made.stem}.mine{made.suffix}")
        to.rename(aside)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, to)
    return aside


def _free(path: Path) -> Path:
    """The path, numbered where there is such a file already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}{number}{path.suffix}")
    return free


def _stamped(stamp: Path) -> list[str]:
    return stamp.read_text().split() if stamp.is_file() else []


def _digest(path: Path) -> str:
    """Empty where there is no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def fingerprint(course: Course, assignment: str) -> str:
    """Changes with the source of the assignment, or with nbgrader's configuration."""
    config = course.root / "nbgrader_config.py"
    return hashlib.sha256(course.source(assignment).read_bytes() + config.read_bytes()).hexdigest()


def _is_known(course: Course, assignment: str) -> bool:
    with course.gradebook() as gradebook:
        try:
            return bool(gradebook.find_notebook(assignment, assignment))
        except MissingEntry:
            return False
