"""The book: every notebook with its outputs, the exercises, the package's reference, as plain files.

Usage: python -m pedagogy.publish.book    (make book): build/book/index.html, to open in any browser.

Sphinx reads one folder, so all pages are gathered there first: those written by hand in book/, the executed
notebooks, the exercises as students get them, the reference pages. A file is written only where it changed,
and Sphinx reads only what was written: after one edit the rest stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from ..grading.course import Course, release
from . import api, colab, launch, pages
from .execute import ROOT, CellFailed, course, executed
from .vendor import CannotBuild, modules

BOOK = ROOT / "book"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def build(out: Path = ROOT / "build" / "book", run: Callable[[Path], Path] = executed) -> Path:
    """Make the book in `out` and return its first page. `run` gives a notebook's executed copy.

    Raises CannotBuild where Node.js or a page is at fault, CellFailed where a notebook's cell is.
    """
    modules("mathjax/es5/tex-svg.js")  # which Sphinx copies, see book/conf.py
    gathered = out.with_name(f"{out.name}-pages")
    gather(gathered, run)
    read = out.with_name(f"{out.name}-doctrees")
    options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(read), "-c", str(BOOK)]
    if build_main([*options, str(gathered), str(out)]):
        shutil.rmtree(read, ignore_errors=True)  # or the next build would keep silent about the same pages
        raise CannotBuild("Sphinx's warnings above say which page wants mending")
    for page in out.rglob("*.html"):  # those of sources that are gone
        if page.name != "search.html" and not list(
            gathered.glob(f"{page.relative_to(out).with_suffix('')}.*")
        ):
            page.unlink()
    for path in course():
        write(out / "colab" / path.name, nbformat.writes(colab.copy_of(nbformat.read(path, as_version=4))))
    return out / "index.html"


def gather(folder: Path, run: Callable[[Path], Path]) -> None:
    """All pages of the book into `folder`; what is no page of it any more goes."""
    made = dict(written())
    for path in course():
        notebook = nbformat.read(run(path), as_version=4)
        made[f"notebooks/{path.name}"] = nbformat.writes(pages.page(notebook, path.name, launch.links(path)))
    made |= exercises(Course())
    made |= {f"{name}.rst": text for name, text in api.pages().items()}
    for name, text in made.items():
        write(folder / name, text)
    for picture in (ROOT / "notebooks" / "images").glob("*.png"):
        write(folder / "notebooks" / "images" / picture.name, picture.read_bytes())
        made[f"notebooks/images/{picture.name}"] = ""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in made:
            path.unlink()


def exercises(course: Course) -> dict[str, str]:
    """The exercises as students get them: nbgrader's release, which clears solutions and hidden tests."""
    made = {}
    for path in sorted((course.root / "source").glob("*/*.ipynb")):
        version = nbformat.read(release(course, path.stem), as_version=4)
        made[f"exercises/{path.name}"] = nbformat.writes(pages.exercise(version))
    return made


def written() -> dict[str, str]:
    """The pages written by hand, their links turned from the repository's files to the book's pages."""
    files = {path.name: path for path in BOOK.glob("*.md")}
    files["contributing.md"] = ROOT / "CONTRIBUTING.md"
    made = {name: relinked(path.read_text(encoding="utf-8"), path.parent) for name, path in files.items()}
    made["index.md"] = made["index.md"].replace("<!-- the README's table -->", course_map())
    made["index.md"] = made["index.md"].replace("\nnotebooks/*\n", f"\n{contents()}\n")
    return made


def course_map() -> str:
    """The README's table of the notebooks, with the minutes."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if re.match(r"\| (notebook|\[\d\d_)|\|---\|---\|---\|", line)]
    return "\n".join(table)


def contents() -> str:
    """The notebooks for the navigation, as 00 · Start here: what their titles say before the colon."""
    lines = []
    for path in course():
        cells = nbformat.read(path, as_version=4).cells
        title = next(cell.source for cell in cells if cell.source.startswith("# ")).splitlines()[0]
        lines.append(f"{path.stem[:2]} · {title[2:].partition(':')[0]} <notebooks/{path.stem}>")
    return "\n".join(lines)


def relinked(text: str, folder: Path) -> str:
    """Markdown from `folder`: a link to a file that is a page here leads to it, another names the file."""

    def turned(link: re.Match) -> str:
        words, target, anchor = link[1], (folder / link[2]).resolve(), link[3] or ""
        if not target.is_relative_to(ROOT):
            return link[0]
        name = target.relative_to(ROOT).as_posix()
        if page := page_of(name):
            return f"[{words}]({page}{anchor})"
        return words if name in words else f"{words} (`{name}`)"

    return LINK.sub(turned, text)


def page_of(name: str) -> str | None:
    """Where a file of the repository stands in the book, if it does."""
    if name in ("README.md", "CONTRIBUTING.md"):
        return {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}[name]
    if match := re.fullmatch(r"book/(\w+\.md)|(notebooks/\w+\.ipynb)", name):
        return match[1] or match[2]
    if match := re.fullmatch(r"notebooks/exercises/source/\w+/(\w+\.ipynb)", name):
        return f"exercises/{match[1]}"
    return None


def write(path: Path, content: str | bytes) -> None:
    """Write only a change: Sphinx goes by the time of the last one."""
    content = content.encode() if isinstance(content, str) else content
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> int:
    """Make the book, and say where it is; the exit status is 1 where something has to be mended."""
    try:
        page = build()
    except (CannotBuild, CellFailed) as error:
        print(f"The book was not made: {error}", file=sys.stderr)
        return 1
    print(f"The book: {os.path.relpath(page)} (open it in a browser; no server, no network)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
