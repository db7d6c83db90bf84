"""Copies of the notebooks for Colab, which opens a notebook alone: no package, no macros beside it.

A first cell fetches the course where it is missing and goes to its folder, so that the next one, which runs
../Latex_macros.ipynb, works as everywhere. Formulas are written out in plain TeX: they need no definitions
from another cell's output, which not every host applies to the whole page.
"""

from __future__ import annotations

import copy
import re
import tomllib

import nbformat
from nbformat import NotebookNode

from . import launch, macros

THERE = {"torch", "numpy", "ipykernel", "jupyterlab"}  # Colab's own stay: to change them means to restart


def copy_of(notebook: NotebookNode) -> NotebookNode:
    """The notebook with the installing cell first and its formulas in plain TeX."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = macros.expanded(cell.source)
    made.cells.insert(0, nbformat.v4.new_code_cell(install(), id="install"))
    return made


def install() -> str:
    """The first cell: nothing where the package is there, else the course and what Colab lacks for it."""
    project = tomllib.loads((launch.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lacking = [name for name in project["dependencies"] if re.match(r"[\w-]+", name)[0] not in THERE]
    wanted = " ".join(f'"{name}"' for name in lacking)
    return f"""\
# On Colab: fetches the course and what it needs, once. Elsewhere it does nothing.
import importlib.util

if importlib.util.find_spec("pedagogy") is None:
    !git clone --quiet --depth 1 {launch.address()} preferences
    %pip install --quiet {wanted}
    %pip install --quiet --no-deps ./preferences
    importlib.invalidate_caches()
    %cd -q preferences/notebooks"""
