"""What is made for the book before Sphinx has a look: pages, reference, macros, copies for Colab, links."""

import inspect
import re
import runpy
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from docutils.core import publish_doctree
from hypothesis import given
from hypothesis import strategies as st

import pedagogy
from pedagogy.grading.course import Course
from pedagogy.publish import api, book, colab, launch, macros, pages
from pedagogy.publish.execute import course
from tests.notebooks.test_math import katex, math_spans  # noqa: F401 (katex is a fixture)

ROOT = Path(__file__).parents[2]
WIDGET = {pages.WIDGET: {"model_id": "x"}, "text/html": "<p>still</p>", "text/plain": "W", "image/png": "AA"}


def notebook(*outputs, first=pages.MACRO_CELL):
    cells = [nbformat.v4.new_code_cell(first), nbformat.v4.new_markdown_cell("# Title")]
    made = nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("1", outputs=list(outputs))])
    made.metadata = {
        "kernelspec": {"name": "python3", "display_name": "x"},
        "widgets": {},
        "fingerprint": "y",
    }
    return made


def data(**forms):
    return nbformat.v4.new_output("display_data", {k.replace("_", "/"): v for k, v in forms.items()})


# A notebook's page


def test_a_page_has_no_macro_cell_and_says_how_to_run_it():
    page = pages.page(notebook(), "00_start_here.ipynb")
    assert [cell.source for cell in page.cells][0] == "# Title"
    assert "make lab" in page.cells[1].source and "00_start_here.ipynb" in page.cells[1].source
    assert page.metadata.keys() == {"kernelspec"}


def test_a_widget_becomes_its_static_page_with_a_line_on_how_to_use_it():
    (output,) = (
        pages.page(notebook(nbformat.v4.new_output("display_data", WIDGET)), "a<b.ipynb").cells[-1].outputs
    )
    assert output.data.keys() == {"text/html"}
    assert "<p>still</p>" in output.data["text/html"] and "a&lt;b.ipynb" in output.data["text/html"]


def test_a_progress_bar_and_warnings_are_left_out_and_the_rest_stays():
    bar = nbformat.v4.new_output("display_data", {pages.WIDGET: {}, "text/plain": "HBox()"})
    said, warned = (nbformat.v4.new_output("stream", name=name, text="x") for name in ("stdout", "stderr"))
    plain = data(text_plain="7")
    assert pages.page(notebook(bar, said, warned, plain), "x").cells[-1].outputs == [said, plain]


def test_the_given_notebook_is_not_changed():
    given_one = notebook(nbformat.v4.new_output("display_data", WIDGET))
    before = nbformat.writes(given_one)
    pages.page(given_one, "x")
    assert nbformat.writes(given_one) == before


def test_every_header_of_a_table_says_which_way_it_heads():
    table = (
        "<table><thead><tr><th></th><th class='a'>n</th></tr></thead>"
        "<tbody><tr><th>x</th><td>1</td></tr></tbody></table>"
    )
    scoped = pages.with_scopes(table)
    assert re.findall(r'<th scope="(\w+)"', scoped) == ["col", "col", "row"] and "class='a'" in scoped
    assert pages.with_scopes(scoped) == scoped


# The reference


def test_every_public_name_is_on_a_page_of_the_reference():
    documented = {f"pedagogy.{module}" for _, modules in api.ROOMS.values() for module in modules}
    homes = {name: api.home(name).rpartition(".")[0] for name in pedagogy.__all__}
    assert not {name: home for name, home in homes.items() if home not in documented}


def test_every_public_name_has_a_docstring():
    assert not [name for name in pedagogy.__all__ if not inspect.getdoc(getattr(pedagogy, name))]


def test_the_rooms_stand_in_the_order_of_the_floor_plan():
    """The first module of each page, by where the package's docstring names it."""
    plan = pedagogy.__doc__
    places = [re.search(rf"^ {{4}}.*?\b{page}\b", plan, re.M) for page in api.ROOMS]
    assert all(places) and [p.start() for p in places] == sorted(p.start() for p in places)


@pytest.mark.parametrize("module", [module for _, modules in api.ROOMS.values() for module in modules])
def test_docstrings_become_text_without_a_complaint(module):
    room = import_module(f"pedagogy.{module}")
    things = [
        room,
        *(thing for thing in vars(room).values() if getattr(thing, "__module__", "") == room.__name__),
    ]
    for thing in (thing for thing in things if thing.__doc__):
        tree = publish_doctree(
            "\n".join(api.as_rst(inspect.cleandoc(thing.__doc__).splitlines())), settings_overrides=QUIET
        )
        assert not list(tree.findall(lambda node: node.tagname in ("system_message", "problematic"))), thing
        told = re.sub(r"[\s`*]+", "", inspect.cleandoc(thing.__doc__))
        shown = re.sub(r"[\s`*•-]+", "", tree.astext())
        assert shown == re.sub("-", "", told)


QUIET = {"report_level": 5}


@given(st.text("ab *_|`<>\\:-.π\n"))
def test_any_text_is_taken_literally(text):
    tree = publish_doctree("\n".join(api.as_rst(text.splitlines())), settings_overrides=QUIET)
    assert not list(
        tree.findall(lambda node: node.tagname in ("problematic", "substitution_reference", "target"))
    )


@pytest.mark.parametrize(
    "plain, rst",
    [
        ("π(y|x), a_ and b*", r"π(y\|x), a\_ and b\*"),
        ("`x` and *y*, not 2*3*4", r"``x`` and *y*, not 2\*3\*4"),
        ("- one\n  more\n- two", "- one more\n\n- two"),
        ("Rooms:\n    a  b", "Rooms:\n\n::\n\n        a  b"),
    ],
)
def test_plain_docstrings_keep_their_look(plain, rst):
    assert "\n".join(api.as_rst(plain.splitlines())).strip() == rst


# Macros, and the copies for Colab


def test_every_macro_is_known():
    assert macros.definitions()["piref"] == r"\pi_{\mathrm{ref}}" and macros.definitions()["tp"] == "{t+1}"
    tex = nbformat.read(macros.MACROS, as_version=4).cells[1].outputs[0].data["text/latex"]
    assert len(macros.definitions()) == tex.count(r"\def")


@pytest.mark.parametrize(
    "written, plain",
    [
        (r"$\pi(\y \mid\x)$", r"$\pi(y \mid x)$"),
        (r"$\stateseq$", r"$s_{1}, \ldots, s_{T}$"),
        (r"$\xi + \x_\tp$", r"$\xi + x_{t+1}$"),
        (r"`\x` is $\x$" + "\n```\n\\y\n```\n", "`\\x` is $x$\n```\n\\y\n```\n"),
        (r"a \\x b", r"a \\x b"),
    ],
)
def test_macros_are_written_out(written, plain):
    assert macros.expanded(written) == plain


@pytest.mark.parametrize("path", course(), ids=lambda path: path.stem)
def test_formulas_of_a_copy_for_colab_need_no_macros(path, katex):  # noqa: F811
    copy = colab.copy_of(nbformat.read(path, as_version=4))
    spans = [s for c in copy.cells if c.cell_type == "markdown" for s in math_spans(c.source)]
    assert not [pair for pair in zip(spans, katex(spans, ""), strict=True) if pair[1]]
    assert copy.cells[1].source == pages.MACRO_CELL, "the installing cell, then the notebook as it is"
    assert copy.cells[2:] != [] and nbformat.validate(copy) is None


def run_in_an_empty_folder(tmp_path, found: bool, source: str) -> tuple[list[str], Path]:
    """The commands that the installing cell gives, and where it ends, with or without the package."""
    script = tmp_path / "cell.py"
    script.write_text(
        "import importlib.util, os, sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "said = []\n"
        "shell.system = lambda command: said.append(command) or "
        "(os.system(command) if command.startswith('git') else None)\n"
        "shell.register_magic_function(lambda line: said.append('pip ' + line), magic_name='pip')\n"
        f"importlib.util.find_spec = lambda name: {found} or None\n"
        f"result = shell.run_cell({source!r})\n"
        "result.raise_error()\n"
        "print('\\n'.join(['@' + line for line in said] + ['@@' + os.getcwd()]))\n"
    )
    ran = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = [line[1:] for line in ran.stdout.splitlines() if line.startswith("@")]
    return said[:-1], Path(said[-1][1:])


def test_the_installing_cell_does_nothing_where_the_package_is(tmp_path):
    assert run_in_an_empty_folder(tmp_path, True, colab.install()) == ([], tmp_path)


def test_the_installing_cell_fetches_the_course_and_goes_to_the_notebooks(tmp_path):
    """With a repository of this course's layout in place of the address, and pip only listened to."""
    there = tmp_path / "there"
    (there / "notebooks").mkdir(parents=True)
    shutil.copy(macros.MACROS, there)
    (there / "notebooks" / "keep.txt").write_text("")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *command], cwd=there, check=True)
    source = colab.install().replace(launch.address(), there.as_uri())
    said, ended = run_in_an_empty_folder(tmp_path, False, source)
    assert ended == tmp_path / "preferences" / "notebooks" and (ended / "../Latex_macros.ipynb").is_file()
    assert [line.split()[0] for line in said] == ["git", "pip", "pip"]
    assert "torch" not in said[1].replace('"', " ").split() and "transformers>=" in said[1]


# Links and files


def test_links_to_files_that_are_pages_lead_there_and_others_name_the_file():
    assert book.relinked("[a](notebooks/06_dpo.ipynb#x)", ROOT) == "[a](notebooks/06_dpo.ipynb#x)"
    assert book.relinked("[a](../notebooks/06_dpo.ipynb)", ROOT / "book") == "[a](notebooks/06_dpo.ipynb)"
    assert book.relinked("[home](../README.md)", ROOT / "book") == "[home](index.md)"
    assert book.relinked("[pins](constraints.txt)", ROOT) == "pins (`constraints.txt`)"
    assert book.relinked("[x](https://example.org/a.md)", ROOT) == "[x](https://example.org/a.md)"
    exercise = "notebooks/exercises/source/6_dpo/6_dpo.ipynb"
    assert book.relinked(f"[x]({exercise})", ROOT) == "[x](exercises/6_dpo.ipynb)"


def test_the_landing_page_has_every_notebook_with_its_minutes():
    page = book.written()["index.md"]
    rows = re.findall(r"^\| \[\w+\]\(notebooks/(\w+)\.ipynb\) \| (\d+) \|", page, re.M)
    said = [re.search(r"About (\d+) minutes", path.read_text(encoding="utf-8"))[1] for path in course()]
    assert rows == [(path.stem, minutes) for path, minutes in zip(course(), said, strict=True)]
    assert all(f"<notebooks/{path.stem}>" in page for path in course())


def test_a_file_is_written_only_where_it_changed(tmp_path):
    file = tmp_path / "a" / "b.md"
    book.write(file, "x")
    first = file.stat().st_mtime_ns
    book.write(file, "x")
    assert file.stat().st_mtime_ns == first
    book.write(file, "y")
    assert file.read_text() == "y"


def test_what_is_no_page_any_more_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "exercises", lambda course: {})
    book.write(tmp_path / "old.md", "x")
    book.gather(tmp_path, lambda path: path)
    assert not (tmp_path / "old.md").exists() and (tmp_path / "index.md").is_file()
    assert {path.name for path in (tmp_path / "notebooks").glob("*.ipynb")} == {
        path.name for path in course()
    }


def test_an_edit_changes_one_page(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "exercises", lambda course: {})
    book.gather(tmp_path / "pages", lambda path: path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "pages").rglob("*") if path.is_file()}
    edited = nbformat.read(course()[0], as_version=4)
    edited.cells[1].source += "\n\nOne more line."
    nbformat.write(edited, tmp_path / "edited.ipynb")
    book.gather(tmp_path / "pages", lambda path: tmp_path / "edited.ipynb" if path == course()[0] else path)
    touched = [path.name for path, then in before.items() if path.stat().st_mtime_ns != then]
    assert touched == [course()[0].name]


def test_an_exercise_comes_without_its_solution(tmp_path):
    shutil.copy(Course().root / "nbgrader_config.py", tmp_path)
    cell = {
        "schema_version": 3,
        "task": False,
        "locked": False,
        "grade": False,
        "solution": True,
        "grade_id": "a",
    }
    source = "def f(x):\n    ### BEGIN SOLUTION\n    return 41 * x\n    ### END SOLUTION"
    made = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# One"),
            nbformat.v4.new_code_cell(source, metadata={"nbgrader": cell}),
        ]
    )
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "source" / "1_one").mkdir(parents=True)
    nbformat.write(made, tmp_path / "source" / "1_one" / "1_one.ipynb")
    ((name, text),) = book.exercises(Course(tmp_path)).items()
    assert name == "exercises/1_one.ipynb" and "def f(x)" in text
    assert "41" not in text and "SOLUTION" not in text and "nbgrader" not in text


# Launch links


def test_the_readme_has_the_address_of_the_one_place():
    assert launch.LINES.search((ROOT / "README.md").read_text(encoding="utf-8"))[0] == launch.badges(), (
        "run: python -m pedagogy.publish.launch"
    )


def test_pages_have_no_links_to_a_placeholder(monkeypatch):
    path = course()[0]
    if not launch.is_set():
        assert launch.links(path) == ""
    monkeypatch.setattr(launch, "address", lambda: "https://github.com/ann/course")
    assert "/gh/ann/course/HEAD?urlpath=lab/tree/notebooks/00_start_here.ipynb" in launch.links(path)
    assert "/github/ann/course/blob/gh-pages/colab/00_start_here.ipynb" in launch.links(path)


def test_binder_installs_what_the_course_installs():
    wanted = (ROOT / ".binder" / "requirements.txt").read_text().splitlines()
    assert {"-c ../constraints.txt", "-e ."} < set(wanted) and any("whl/cpu" in line for line in wanted)
    python = (ROOT / ".binder" / "runtime.txt").read_text().strip()
    assert f"python={python.removeprefix('python-')}" in (ROOT / "environment.yml").read_text()
    for script in ("postBuild", "start"):
        assert subprocess.run(["bash", "-n", ROOT / ".binder" / script]).returncode == 0
        assert (ROOT / ".binder" / script).stat().st_mode & 0o111, "Binder runs it"


def test_the_book_gives_mathjax_the_course_macros():
    config = runpy.run_path(str(ROOT / "book" / "conf.py"))
    assert config["mathjax3_config"]["tex"]["macros"] == macros.definitions()
    assert "//" not in config["mathjax_path"]
