"""A notebook is run once: again when its code or what it depends on changes, never for its prose."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from pedagogy.publish import execute


def write(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def texts(path):
    """What the code cells of an executed copy printed."""
    cells = nbformat.read(path, as_version=4).cells
    return ["".join(o.get("text", "") for o in c.outputs) for c in cells if c.cell_type == "code"]


@pytest.fixture
def runs(monkeypatch):
    """The names of the notebooks that are run; a run only counts them, and prints its number."""
    names = []

    def run(notebook, name, folder):
        names.append(name)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [nbformat.v4.new_output("stream", text=f"run {len(names)}")]

    monkeypatch.setattr(execute, "run", run)
    return names


def test_it_runs_in_an_empty_course_and_leaves_the_notebook_alone(tmp_path):
    (tmp_path / "picks.txt").write_text("mine")
    look = "from pathlib import Path\nprint(*sorted(p.name for p in Path('.').iterdir()))"
    beside = f"print(all(Path('..', name).is_file() for name in {execute.BESIDE!r}))"
    path = write(tmp_path / "a.ipynb", new_code_cell(look), new_code_cell(beside))
    before = path.read_bytes()
    assert texts(execute.executed(path, tmp_path / "kept")) == ["\n", "True\n"]
    assert path.read_bytes() == before


def test_prose_and_slides_are_edited_without_a_run(tmp_path, runs):
    path, kept = tmp_path / "a.ipynb", tmp_path / "kept"
    write(path, new_markdown_cell("one"), new_code_cell("1"))
    execute.executed(path, kept)
    code = new_code_cell("1", metadata={"slideshow": {"slide_type": "subslide"}})
    copy = execute.executed(write(path, new_markdown_cell("two"), new_markdown_cell("three"), code), kept)
    cells = nbformat.read(copy, as_version=4).cells
    assert [cell.source for cell in cells] == ["two", "three", "1"]
    assert cells[2].metadata.slideshow.slide_type == "subslide"
    assert texts(copy) == ["run 1"] and runs == ["a.ipynb"]


def test_nothing_is_written_where_nothing_changed(tmp_path, runs):
    path = write(tmp_path / "a.ipynb", new_code_cell("1"))
    times = {execute.executed(path, tmp_path / "kept").stat().st_mtime_ns for _ in range(2)}
    assert len(times) == 1


@pytest.mark.parametrize("change", ["code", "order", "world"])
def test_another_code_or_package_is_another_run(tmp_path, runs, monkeypatch, change):
    path, kept = write(tmp_path / "a.ipynb", new_code_cell("1"), new_code_cell("2")), tmp_path / "kept"
    execute.executed(path, kept)
    if change == "world":
        monkeypatch.setattr(execute, "_world", lambda: "another package")
    else:
        write(path, *map(new_code_cell, {"code": ["1", "3"], "order": ["2", "1"]}[change]))
    assert texts(execute.executed(path, kept)) == ["run 2", "run 2"]


def test_what_was_kept_outlives_a_failure(tmp_path):
    path, kept = write(tmp_path / "a.ipynb", new_code_cell("print(1)")), tmp_path / "kept"
    execute.executed(path, kept)
    write(path, new_code_cell("print(1)"), new_code_cell("raise SystemError('on purpose')"))
    with pytest.raises(execute.CellFailed, match="a.ipynb, cell 1[^$]*on purpose"):
        execute.executed(path, kept)
    assert texts(kept / "a.ipynb") == ["1\n"]


def test_every_file_that_notebooks_read_from_outside_is_known():
    for path in execute.course():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and "../" in cell.source:
                assert any(f"../{name}" in cell.source for name in execute.BESIDE), cell.source
