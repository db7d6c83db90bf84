"""Run notebooks top to bottom, headless, each in its own folder; nothing is written back.

Usage: python tests/notebooks/run.py [NAME ...]    every notebook of the course in order, or those named:
a path, or a part of a name such as "00". Exits 1 at the first failing cell and shows it, 2 on a wrong name.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

ROOT = Path(__file__).parents[2]
CELL_SECONDS = 600  # no cell may take longer


class CellFailed(Exception):
    """A cell that failed; the message shows the notebook, the cell's index, its source and why."""


def find(names: list[str]) -> list[Path]:
    """The notebooks meant by `names`, in order; no names: the whole course. Raises ValueError for none."""
    course = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not names:
        return course
    found = []
    for name in names:
        meant = [Path(name).resolve()] if Path(name).is_file() else [p for p in course if name in p.name]
        if not meant:
            raise ValueError(f"no notebook {name!r}; there are: {', '.join(p.stem for p in course)}")
        found += meant
    return found


def execute(path: Path) -> None:
    """Run every cell of one notebook in a fresh kernel. Raises CellFailed at the first that fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",  # this environment's, whatever the notebook was last saved with
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                raise CellFailed(describe(path, index, cell.source, error.traceback)) from None
            except (CellControlSignal, DeadKernelError) as error:  # too slow, or the kernel died
                raise CellFailed(describe(path, index, cell.source, str(error))) from None


def describe(path: Path, index: int, source: str, why: str) -> str:
    """What a reader needs to find the failing cell and mend it."""
    return f"{path.name}, cell {index} (from 0) failed:\n\n{source}\n\n{why}"


def main(names: list[str]) -> int:
    """Run the notebooks with a progress line each; the exit status."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # silences a debugger's note in every kernel
    try:
        paths = find(names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for number, path in enumerate(paths, start=1):
        print(f"[{number}/{len(paths)}] {path.name} ...", end=" ", flush=True)
        start = time.perf_counter()
        try:
            execute(path)
        except CellFailed as error:
            print(f"FAILED after {time.perf_counter() - start:.1f} s", flush=True)
            print(error, file=sys.stderr)
            return 1
        print(f"ok, {time.perf_counter() - start:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
