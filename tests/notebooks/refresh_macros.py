"""Put the macros of Latex_macros.ipynb into the first cell of every course notebook, output and all.

Usage, after a change of Latex_macros.ipynb or for a new notebook:

    .venv/bin/python tests/notebooks/refresh_macros.py

The first cell runs `%run ../Latex_macros.ipynb`, whose output carries the definitions. It is committed *with*
that output (tag keep_output), so that the math is right before anything has run; its input is hidden in
slides (tag remove_input), and it is a slide of its own that the title cell ("-") joins, because a skipped
cell would leave the slides without macros.
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from pedagogy.publish.execute import ROOT, course
from pedagogy.publish.macros import MACROS
from pedagogy.publish.pages import MACRO_CELL


def executed(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook, run with `folder` as working directory; as committed: no counts, times, versions."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    client.execute()
    notebook.metadata.pop("language_info", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
    return notebook


def template() -> nbformat.NotebookNode:
    """The cell that every course notebook starts with, output included."""
    cell = nbformat.v4.new_code_cell(MACRO_CELL, id="0")  # the id nbstripout gives to a first cell
    cell.metadata = {"slideshow": {"slide_type": "slide"}, "tags": ["keep_output", "remove_input"]}
    return executed(nbformat.v4.new_notebook(cells=[cell]), ROOT / "notebooks").cells[0]


def main() -> None:
    nbformat.write(executed(nbformat.read(MACROS, as_version=4), ROOT), MACROS)
    first = template()
    for path in course():  # exercises travel alone, in plain TeX, and are not among them
        notebook = nbformat.read(path, as_version=4)
        has_one = bool(notebook.cells) and notebook.cells[0].source.strip() == MACRO_CELL
        notebook.cells[: int(has_one)] = [first]
        for number, cell in enumerate(notebook.cells):
            cell.id = str(number)  # as nbstripout numbers them
        nbformat.write(notebook, path)
        print(f"refreshed {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
