"""Every submission graded in a process of its own, several at once; a stopped run goes on.

What one student's code does ends with its process. A kernel that takes too much memory or disk, or starts
too many processes, is killed, and the cells it never reached say so; a grading process that does not end is
killed too, and its submission is graded as not run, with the reason. What is graded is noted, so that a
stopped run goes on.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
import psutil

from . import course as courses
from .course import Course
from .sandbox import MB, SCRATCH, box_of, filled, write_kernelspec
from .submissions import Ready, Submission, put, ready, stand_in

MEMORY = 4_000 * MB  # of all processes of one submission together
PROCESSES = 64
GRACE = 60  # seconds more than its notebook's wall limit that a grading process has
LOOK = 0.25  # seconds between two looks at what runs
NO_PAGE = 3  # the exit status of a grading process that has marks, but could not make the feedback page


@dataclass(frozen=True)
class Limits:
    """What one submission may use: bytes, processes, seconds a cell and in all (None: as configured)."""

    memory: int = MEMORY
    processes: int = PROCESSES
    cell: int | None = None
    wall: int | None = None


@dataclass
class Graded:
    """One submission, graded by nbgrader: what was amiss, seconds by the clock and of processor time.

    `fingerprint` tells whether it has changed since.
    """

    student: str
    assignment: str
    fingerprint: str
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    processor: float = 0.0


def note(course: Course, assignment: str, student: str) -> Path:
    """The file that says that, and how, a submission was graded."""
    return course.grades / "graded" / assignment / f"{student}.json"


def noted(course: Course) -> list[Graded]:
    """Everything graded so far."""
    files = sorted((course.grades / "graded").glob("*/*.json"))
    return [Graded(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def grade(
    course: Course, submissions: list[Submission], sandboxed: bool, jobs: int = 2, limits: Limits = Limits()
) -> Iterator[Graded]:
    """Grade what is not graded yet, or has changed since; each as soon as it is done."""
    for assignment in dict.fromkeys(s.assignment for s in submissions):
        courses.release(course, assignment)
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix":
        context.set_forkserver_preload(["pedagogy.grading.warm"])
    waiting = [s for s in submissions if not _is_done(course, s)]
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_Running(course, waiting.pop(0), sandboxed, limits, context))
            for one in running[:]:
                if (graded := one.look()) is not None:
                    running.remove(one)
                    yield graded
            time.sleep(LOOK / 5)
    finally:
        for one in running:
            one.end()


def _key(course: Course, submission: Submission) -> str:
    """Empty where the file cannot be read: nothing is noted under that, so the next run tries it again."""
    try:
        return submission.fingerprint() + courses.fingerprint(course, submission.assignment)
    except OSError:
        return ""


def _is_done(course: Course, submission: Submission) -> bool:
    file, key = note(course, submission.assignment, submission.student), _key(course, submission)
    return bool(key) and file.is_file() and json.loads(file.read_text(encoding="utf-8"))["fingerprint"] == key


def _prepare(course: Course, submission: Submission) -> Ready:
    """Put the notebook where nbgrader looks. What goes wrong with one is its reason, and ends no class."""
    place = course.root / "submitted" / submission.student / submission.assignment
    place = place / f"{submission.assignment}.ipynb"
    released = nbformat.read(course.released(submission.assignment), as_version=4)
    try:
        made = ready(submission, released)
        put(made.notebook, place)
    except Exception as error:
        reason = f"it could not be made ready to grade ({type(error).__name__}: {error})"
        made = Ready(stand_in(released, reason), reason)
        with suppress(OSError):
            put(made.notebook, place)
    return made


class _Running:
    """One submission's grading process, watched from outside."""

    def __init__(self, course: Course, submission: Submission, sandboxed: bool, limits: Limits, context):
        self.course, self.submission, self.sandboxed, self.limits = course, submission, sandboxed, limits
        self.context, self.since, self.looked = context, time.monotonic(), 0.0
        note(course, submission.assignment, submission.student).unlink(missing_ok=True)
        made = _prepare(course, submission)
        self.processor = self.kernel = 0.0
        self.notes = [made.reason] if made.reason else made.notes
        self.gave_up, self.failed = bool(made.reason), False
        self.wall = (limits.wall or wall_of(course)) + GRACE
        self._start(made.reason)

    def _start(self, not_run: str) -> None:
        # Short: a socket's path has 100 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.began = time.monotonic()
        given = (self.course, self.submission, self.folder, self.sandboxed, self.limits, not_run)
        self.process = self.context.Process(target=work, args=given)
        self.process.start()

    def look(self) -> Graded | None:
        """None while it runs; else what came of it."""
        if self.process.is_alive():
            if time.monotonic() - self.began > self.wall:
                self.end()
                return self._again(f"grading took longer than {self.wall} s, and was stopped")
            if time.monotonic() - self.looked > LOOK:
                self._watch()
                self.looked = time.monotonic()
            return None
        code, log = self.process.exitcode, self.folder / "log"
        said = log.read_text(errors="replace") if log.is_file() else ""
        spent = self.folder / "processor"
        self.processor = round(self.kernel + (float(spent.read_text()) if spent.is_file() else 0.0), 2)
        self.end()
        if code == NO_PAGE:
            self.failed = True
            self.notes.append(f"the marks stand, but the feedback page could not be made: {_error_in(said)}")
        elif code != 0:
            self.failed = True
            return self._again(f"grading failed (exit status {code}): {_error_in(said)}")
        return self._finished()

    def _finished(self) -> Graded:
        graded = Graded(
            self.submission.student,
            self.submission.assignment,
            "" if self.failed else _key(self.course, self.submission),  # the next run tries it again
            self.notes,
            round(time.monotonic() - self.since, 2),
            self.processor,
        )
        file = note(self.course, graded.assignment, graded.student)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".part").write_text(json.dumps(asdict(graded), indent=1), encoding="utf-8")
        os.replace(file.with_suffix(".part"), file)
        return graded

    def _again(self, reason: str) -> Graded | None:
        """Once more, running nothing: so that nbgrader too has the points, and the feedback the reason."""
        self.notes.append(reason)
        if self.gave_up:
            return self._finished()
        self.gave_up = True
        self._start(reason)
        return None

    def _watch(self) -> None:
        """Kill a kernel that takes too much; its grading process lives on, and sees it die."""
        memory, spent, kernel = 0, 0.0, _descendants(self.process.pid)
        for process in kernel:
            try:
                memory += process.memory_info().rss
                spent += sum(process.cpu_times()[:2])
            except psutil.Error:
                continue
        self.kernel = max(self.kernel, spent)  # as seen at the last look: bubblewrap does not hand it on
        if len(kernel) > self.limits.processes:
            self._end_kernel(
                kernel, f"more than {self.limits.processes} processes started: the kernel was ended"
            )
        elif memory > self.limits.memory:
            self._end_kernel(
                kernel, f"more than {self.limits.memory / MB:,.0f} MB of memory in use: the kernel was ended"
            )
        elif filled(box := box_of(self.folder), [process.pid for process in kernel]) > SCRATCH:
            self._end_kernel(
                kernel,
                f"more than {SCRATCH / MB:,.0f} MB in files outside /tmp: the kernel was ended",
            )
            _delete(box)

    def _end_kernel(self, kernel: list[psutil.Process], why: str) -> None:
        if why not in self.notes:
            self.notes.append(why)
        _kill(kernel)

    def end(self) -> None:
        """Nothing of it is left running, nor on the disk."""
        if self.process.is_alive():
            _kill([*_descendants(self.process.pid), psutil.Process(self.process.pid)])
        self.process.join(10)
        _delete(self.folder)


def _delete(folder: Path) -> None:
    """A folder and all in it, also where student code nested it deeper than shutil follows."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.name == "posix":
        subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL)


def _error_in(log: str) -> str:
    """The last line that names an error: not nbgrader's own, which sends one to the traceback above it."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|NoSuchKernel)\b", line)]
    plain = [line for line in errors if "NbGraderException" not in line]
    return (plain or errors or lines or ["it said nothing"])[-1][:300]


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    """Parents first: the first of a sandbox takes the others with it."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue


def wall_of(course: Course) -> int:
    """The wall limit in nbgrader_config.py."""
    from .execute import Run

    return Run(parent=None, config=course.api().config).wall


def work(
    course: Course, submission: Submission, folder: Path, sandboxed: bool, limits: Limits, not_run: str
) -> None:
    """In the grading process: nbgrader's autograde, then its feedback; exits 1 or NO_PAGE where one fails."""
    os.environ["JUPYTER_PATH"] = str(folder)
    with open(folder / "log", "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)  # the kernel's own notes, too
        os.dup2(log.fileno(), 2)
        settings = write_kernelspec(course, folder, sandboxed)
        settings["Run"]["not_run"] = not_run
        settings["Run"] |= {"timeout": limits.cell} if limits.cell else {}
        settings["Run"] |= {"wall": limits.wall} if limits.wall else {}
        of = submission.assignment, submission.student
        done, status = course.api(**settings).autograde(*of, force=True), 1
        if done["success"]:
            done, status = courses.generate_feedback(course, *of), NO_PAGE
        if not done["success"]:
            log.write(f"{done.get('log', '')}\n{done['error']}")
            log.flush()
            os._exit(status)
    (folder / "processor").write_text(str(round(sum(os.times()[:2]), 2)))
