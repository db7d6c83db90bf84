"""Every notebook runs from top to bottom, and is committed in the one form that reviews and slides need."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from pedagogy.publish.execute import NOTEBOOKS, ROOT, course, executed
from tests.notebooks import run

SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
ABSOLUTE = re.compile(r"(?<![\w.~/:])/(?:home|Users|root|tmp|usr|opt|var|mnt)/\w|\b[A-Z]:\\\\?\w")

each_notebook = pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert NOTEBOOKS / "00_start_here.ipynb" in course()


@each_notebook
def test_it_runs_from_top_to_bottom(path):
    executed(path)  # its outputs are kept: for the slides and the book, and until something changes


@each_notebook
def test_it_is_stripped(path):
    result = subprocess.run(
        [sys.executable, "-m", "nbstripout", "--verify", path], capture_output=True, text=True
    )
    assert result.returncode == 0, f"run: .venv/bin/nbstripout {path.relative_to(ROOT)}"
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


@each_notebook
def test_every_cell_says_where_it_stands_in_the_slides(path):
    cells = nbformat.read(path, as_version=4).cells
    types = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells]
    assert not [i for i, slide_type in enumerate(types) if slide_type not in SLIDE_TYPES]
    assert types[:2] == ["slide", "-"], "the title must join the macro cell's slide, or slides have no macros"


@each_notebook
def test_it_names_no_absolute_path(path):
    for index, cell in enumerate(nbformat.read(path, as_version=4).cells):
        assert not ABSOLUTE.search(cell.source), f"cell {index}: {ABSOLUTE.search(cell.source)[0]}"


@pytest.mark.parametrize("path", ["/home/ann/data", "open('/tmp/x')", r"C:\\data", r"C:\data"])
def test_absolute_paths_are_recognised(path):
    assert ABSOLUTE.search(path)


@pytest.mark.parametrize("text", ["../Latex_macros.ipynb", "https://example.org/home/x", "and/or", "a/tmp/b"])
def test_other_slashes_are_not_paths(text):
    assert not ABSOLUTE.search(text)


def write(path: Path, *sources: str) -> Path:
    """A notebook with these code cells."""
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]), path)
    return path


def test_the_runner_stops_at_the_first_failing_cell_and_shows_it(tmp_path, capsys):
    good = write(tmp_path / "good.ipynb", "open('here.txt', 'w').close()", "assert open('here.txt')")
    bad = write(tmp_path / "bad.ipynb", "x = 1", "assert x == 2, 'on purpose'", "raise SystemError('never')")
    before = bad.read_bytes()
    assert run.main([str(good), str(bad), str(good)]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"\[1/3\] good.ipynb \.\.\. ok, [\d.]+ s\n\[2/3\] bad.ipynb \.\.\. FAILED", out)
    assert "[3/3]" not in out
    assert "bad.ipynb, cell 1" in err and "assert x == 2" in err and "on purpose" in err
    assert bad.read_bytes() == before


def test_the_runner_shows_the_cell_that_killed_its_kernel(tmp_path, capsys):
    assert run.main([str(write(tmp_path / "dead.ipynb", "import os; os._exit(1)"))]) == 1
    assert "dead.ipynb, cell 0" in capsys.readouterr().err


def test_the_runner_names_the_notebooks_there_are(capsys):
    assert run.main(["no_such_notebook"]) == 2
    assert "00_start_here" in capsys.readouterr().err
