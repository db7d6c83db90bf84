"""A notebook with its outputs: run once, and kept for the slides, the book and the tests alike.

What a cell prints depends on the code of the notebook, on this package with its data, on what it reads beside
them, and on the versions of everything else. While none of these changes, the outputs kept in build/executed/
are right, and an edit of prose, or of a place in the slides, costs no run: both come from the notebook as
it is now.

The notebook runs in an empty folder of its own, with a copy of what it reads from outside the package: what a
reader has picked and annotated at home never shows in what is published.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
KEPT = ROOT / "build" / "executed"
BESIDE = ("Latex_macros.ipynb", "benchmarks/dpo_epochs.csv")  # read by notebooks, as ../NAME
CELL_SECONDS = 600  # no cell may take longer


class CellFailed(Exception):
    """A cell that failed; the message shows the notebook, the cell's index, its source and why."""


def course() -> list[Path]:
    """The course's notebooks, in order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def find(names: list[str]) -> list[Path]:
    """The notebooks meant by `names`, paths or parts of names, in order; no names: the whole course.

    ValueError, with the names there are, where one means none.
    """
    if not names:
        return course()
    found = []
    for name in names:
        meant = [Path(name).resolve()] if Path(name).is_file() else [p for p in course() if name in p.name]
        if not meant:
            raise ValueError(f"no notebook {name!r}; there are: {', '.join(p.stem for p in course())}")
        found += meant
    return found


def executed(path: Path, kept: Path = KEPT) -> Path:
    """The file `kept`/NAME.ipynb: the notebook at `path` with all its outputs, run only where none are kept.

    Raises CellFailed at the first cell that fails; what was kept before is not touched then.
    """
    notebook, copy = nbformat.read(path, as_version=4), kept / path.name
    key = fingerprint(notebook)
    before = nbformat.read(copy, as_version=4) if copy.is_file() else None
    if before is not None and before.metadata.get("fingerprint") == key:
        for cell, old in zip(_code(notebook), _code(before), strict=True):
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
    else:
        with tempfile.TemporaryDirectory() as home:
            run(notebook, path.name, _copy_of_course(Path(home)))
    notebook.metadata.fingerprint = key
    if notebook != before:
        _replace(copy, notebook)
    return copy


def fingerprint(notebook: NotebookNode) -> str:
    """A hash of all that this notebook's outputs depend on: its prose and its slides are not part of it."""
    code = hashlib.sha256(_world().encode())
    for cell in _code(notebook):
        code.update(cell.source.encode() + b"\0")
    return code.hexdigest()


def run(notebook: NotebookNode, name: str, folder: Path) -> None:
    """Run every cell in a fresh kernel, with `folder` as its working directory; outputs go into `notebook`.

    Raises CellFailed at the first cell that fails.
    """
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # silences a debugger's note in every kernel
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",  # this environment's, whatever the notebook was last saved with
        store_widget_state=False,  # published pages show each widget's static form
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                raise CellFailed(_describe(name, index, cell.source, error.traceback)) from None
            except (CellControlSignal, DeadKernelError) as error:  # too slow, or the kernel died
                raise CellFailed(_describe(name, index, cell.source, str(error))) from None


def _copy_of_course(home: Path) -> Path:
    """An empty notebooks/ in `home`, with what notebooks read from outside where they look for it."""
    for name in BESIDE:
        (home / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, home / name)
    folder = home / "notebooks"
    folder.mkdir()
    return folder


def _describe(name: str, index: int, source: str, why: str) -> str:
    """What a reader needs to find the failing cell and mend it."""
    return f"{name}, cell {index} (from 0) failed:\n\n{source}\n\n{why}"


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@lru_cache
def _world() -> str:
    """A hash of the package with its data (`publish` changes no output), what is beside, and the versions."""
    package = [
        path
        for path in sorted((ROOT / "pedagogy").rglob("*"))
        if path.is_file() and not {"publish", "__pycache__"} & set(path.relative_to(ROOT).parts)
    ]
    digest = hashlib.sha256()
    for path in (*package, *(ROOT / name for name in BESIDE), ROOT / "constraints.txt"):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _replace(path: Path, notebook: NotebookNode) -> None:
    """Write the file whole or not at all: another build may be reading it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    nbformat.write(notebook, part)
    os.replace(part, path)
