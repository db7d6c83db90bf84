"""The macro cell: what is committed is what running it gives, in Latex_macros.ipynb and where it is run."""

import nbformat
import pytest

from pedagogy.publish.execute import course
from tests.notebooks import refresh_macros


@pytest.fixture(scope="session")
def template():
    """The cell that every notebook starts with, freshly run."""
    return refresh_macros.template()


def test_running_the_macros_from_a_notebook_gives_their_committed_output(template):
    committed = nbformat.read(refresh_macros.MACROS, as_version=4)
    (cell,) = (cell for cell in committed.cells if cell.cell_type == "code")
    assert "keep_output" in cell.metadata.tags
    assert cell.outputs == template.outputs
    assert template.outputs[0].data["text/latex"].startswith(r"$\def\x{")


@pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)
def test_a_notebook_starts_with_the_macros_and_their_output(path, template):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first == template, "to refresh: .venv/bin/python tests/notebooks/refresh_macros.py"
