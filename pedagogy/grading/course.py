"""Where everything lies, and nbgrader's own API over it: configuration, gradebook, student versions."""

from __future__ import annotations

import hashlib
import logging
import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions import formgrader
from nbgrader.utils import capture_log, temp_attrs
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

# For nbgrader, which calls alembic by its name.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])

HERE = Path(__file__).parents[2] / "notebooks" / "exercises"
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
        config.merge(Config({"CourseDirectory": {"root": str(self.root), "db_url": self.db_url}}))
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
    api = course.api(HTMLExporter=page)
    with temp_attrs(api.coursedir, assignment_id=assignment, student_id=student):
        converter = GenerateFeedback(coursedir=api.coursedir, parent=api)
        converter.force = True
        return capture_log(converter)


def release(course: Course, assignment: str) -> Path:
    """The student version, made by nbgrader's generate_assignment where the source has changed; its path.

    CourseError, with what nbgrader says, where the source is not as it should be.
    """
    stamp = course.released(assignment).with_name(".source")
    now = fingerprint(course, assignment)
    if stamp.is_file() and stamp.read_text() == now and _is_known(course, assignment):
        return course.released(assignment)
    done = course.api().generate_assignment(assignment, force=True, create=True)
    if not done["success"]:
        raise CourseError(
            f"{assignment}: nbgrader could not make the student version.\n{done.get('log', done['error'])}"
        )
    stamp.write_text(now)
    return course.released(assignment)


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
