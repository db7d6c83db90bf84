"""nbgrader's Execute, so that each cell of a student's notebook ends in a result or in a reason.

nbgrader gives full marks to a test cell without output, none to one with a line on stderr, and drops a
submission whose kernel dies. Here a cell that ran too long, or was never reached, carries an error that
says why, what is printed is capped, and points count only where `pedagogy.exercises.mark` says how they
came about.
"""

from __future__ import annotations

import math
import subprocess
import time
from queue import Empty

from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, ValidationError, validate
from nbformat.v4 import new_output, output_from_msg
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Integer, Unicode

from ..checks.finding import FINDING, MARKS

OUTPUT = 1_000_000  # characters kept of what one cell prints and shows
ANSWERS = 5.0  # seconds that a kernel has to answer after it was interrupted

# Before each test cell: `mark`, `agrees`, `reveal`, `commit` as the package has them, whatever the notebook
# did. It runs in a namespace of its own, so that every name a student gave stays what it was.
_RESTORE = """
import importlib.util, sys, pedagogy.exercises as now
spec = importlib.util.find_spec("pedagogy.exercises")
fresh = importlib.util.module_from_spec(spec)
kept = sys.modules["pedagogy.exercises"]
sys.modules["pedagogy.exercises"] = fresh
try:
    spec.loader.exec_module(fresh)
finally:
    sys.modules["pedagogy.exercises"] = kept
fresh._committed, fresh._revealed = now._committed, now._revealed
for name in ("agrees", "mark", "reveal", "commit"):
    setattr(now, name, getattr(fresh, name))
    student.setdefault(name, getattr(fresh, name))
"""
RESTORE = f"exec({_RESTORE!r}, {{'student': globals()}})"


class Run(Execute):
    """Runs a notebook's cells; what could not run says so in an error output, and nothing is raised."""

    wall = Integer(240, help="seconds for all cells of a notebook together").tag(config=True)
    not_run = Unicode("", help="a reason to start no kernel at all: every cell carries it").tag(config=True)

    iopub_timeout = Integer(10).tag(config=True)  # seconds for outputs to arrive after a cell's end

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Run all cells before the deadline; without a kernel, each carries the reason."""
        self._stopped, self._cell_seconds, self._reached = self.not_run, self.timeout, -1
        self._deadline = time.monotonic() + self.wall
        if not self.not_run:
            try:
                return super().preprocess(nb, resources)
            except (DeadKernelError, RuntimeError) as error:
                what = (
                    "no kernel could be started" if self._reached < 0 else "an earlier cell ended the kernel"
                )
                self._stopped = f"{what} ({error})"
        for cell in nb.cells[max(0, self._reached) :]:
            if cell.cell_type == "code" and not cell.outputs:
                self._leave_out(cell)
        return nb, resources

    def start_new_kernel(self, **options) -> None:
        """Not with the grader's log as its output, through which student code could write it, without end."""
        super().start_new_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Run one cell in what time is left, or leave it out where no more can run."""
        if cell.cell_type != "code" or not cell.source.strip():
            return cell, resources
        left = self._deadline - time.monotonic()
        if not self._stopped and left < 1:
            self._stopped = f"the whole notebook ran longer than {self.wall} s"
        if self._stopped:
            self._leave_out(cell)
            return cell, resources
        self.timeout = max(1, min(self._cell_seconds, math.ceil(left)))
        self._shown, self._reached = 0, index
        try:
            if is_grade(cell):
                self._answers(RESTORE, self.timeout)
            cell, resources = super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            self._died(cell)
        except CellTimeoutError:
            self._after_timeout(cell)
        else:
            if any(o.output_type == "error" and o.ename == "CellTimeoutError" for o in cell.outputs):
                self._after_timeout(cell)
        return cell, resources

    def _after_timeout(self, cell: NotebookNode) -> None:
        """Say how long it had; where the kernel does not answer any more, no later cell can run."""
        cell.outputs = [o for o in cell.get("outputs", []) if o.get("ename") != "CellTimeoutError"]
        cell.outputs.append(
            _error("CellTimeoutError", f"this cell, or what it printed, took longer than {self.timeout} s")
        )
        if not self._answers("", ANSWERS):
            self._stopped = "an earlier cell ran without end, and could not be interrupted"

    def _died(self, cell: NotebookNode) -> None:
        why = "the kernel died here"
        cell.outputs = [*cell.get("outputs", []), _error("KernelDied", why)]
        self._stopped = f"an earlier cell ended the kernel: {why}"

    def _leave_out(self, cell: NotebookNode) -> None:
        cell.outputs = [_error("NotRun", self._stopped)]

    def _answers(self, code: str, seconds: float) -> bool:
        """Run code of our own, silently; does the kernel answer in time?"""
        return run_sync(self._async_answers)(code, seconds)

    async def _async_answers(self, code: str, seconds: float) -> bool:
        asked, deadline = self.kc.execute(code, silent=True, store_history=False), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            await self._async_check_alive()
            try:
                reply = await self.kc.shell_channel.get_msg(timeout=min(left, 1.0))
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") == asked:
                return True
        return False

    def process_message(self, msg: dict, cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Keeps so much of what a cell shows, and says where the rest was dropped; a mark is always kept."""
        if why := _unfit(msg):
            said = {
                "name": "stdout",
                "text": f"\n… an output was dropped, as no notebook can hold it: {why}.\n",
            }
            msg = msg | {"header": {"msg_type": "stream"}, "msg_type": "stream", "content": said}
        content, kind = msg["content"], msg["msg_type"]
        size = _size(content)
        if kind in ("status", "error", "execute_input", "execute_result") or MARKS in content.get("data", {}):
            if kind in ("error", "execute_result") and size > OUTPUT:
                return self._cut(cell)
            return super().process_message(msg, cell, cell_index)
        before, self._shown = self._shown, self._shown + size
        if self._shown <= OUTPUT:
            return super().process_message(msg, cell, cell_index)
        return self._cut(cell) if before <= OUTPUT else None

    @staticmethod
    def _cut(cell: NotebookNode) -> None:
        text = f"\n… the rest of this cell's output was dropped: it is more than {OUTPUT:,} characters.\n"
        cell.outputs.append(new_output("stream", name="stdout", text=text))


def _unfit(msg: dict) -> str:
    """Why an output would end the grading of its notebook, or of the class; empty where it would not."""
    kind = msg["msg_type"].removeprefix("update_")
    if kind not in ("display_data", "execute_result", "stream", "error"):
        return ""
    try:
        validate(output_from_msg(msg | {"header": msg["header"] | {"msg_type": kind}}), "output", version=4)
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        return str(error).partition("\n")[0][:200]
    data = msg["content"].get("data", {})
    if not _is_mark(data.get(MARKS, {"lines": []})) or not isinstance(data.get(FINDING, {}), dict):
        return "it is like a mark, or a check's finding, and is none"
    return ""


def _is_mark(given: object) -> bool:
    lines = given.get("lines") if isinstance(given, dict) else None
    return isinstance(lines, list) and all(
        isinstance(line, dict)
        and isinstance(line.get("asks"), str)
        and isinstance(line.get("raised"), str | None)
        and all(isinstance(line.get(number), int | float) for number in ("earned", "points"))
        for line in lines
    )


def _size(content: dict) -> int:
    """Characters in a message, roughly."""
    if "text" in content:
        return len(content["text"])
    return len(str(content.get("data", content)))


def _error(name: str, why: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=why, traceback=[f"{name}: {why}"])


class Vouched(NbGraderPreprocessor):
    """Points count only with the lines of `mark` that add up to them; a warning on stderr costs none."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """A test cell whose points cannot be believed gets an error that says why; stderr becomes stdout."""
        if not is_grade(cell) or cell.cell_type != "code":
            return cell, resources
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
        if not any(output.output_type == "error" for output in cell.outputs):
            why = _unvouched(cell)
            cell.outputs += [_error("NoMark", why)] if why else []
        return cell, resources


def _unvouched(cell: NotebookNode) -> str:
    """Why a test cell's points cannot be believed; empty where they can."""
    results = [
        output.data.get("text/plain", "") for output in cell.outputs if output.output_type == "execute_result"
    ]
    marks = [o.data[MARKS] for o in cell.outputs if o.output_type == "display_data" and MARKS in o.data]
    if len(results) != 1 or len(marks) != 1:
        return f"the tests ended with {len(results)} results and {len(marks)} marks, not with one of each"
    try:
        points = float(results[0])
        lines = marks[0]["lines"]
        total = math.fsum(line["earned"] for line in lines)
        most = math.fsum(line["points"] for line in lines)
    except (KeyError, TypeError, ValueError):
        return "the tests ended with something that is no mark"
    if not (points == total and 0 <= points <= most == float(cell.metadata.nbgrader.points)):
        return f"the points do not add up: {points:g} claimed, {total:g} of {most:g} in the lines"
    return ""
