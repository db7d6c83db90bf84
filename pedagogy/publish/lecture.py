"""The widgets for a lecture: a page each, without code, served by Voilà on this computer alone.

Usage: python -m pedagogy.publish.lecture [PORT]    (make lecture)

A page is a notebook that shows one widget, made anew each time; the first line of the widget's own module
stands in the list of all pages, so nothing is explained twice. Voilà starts a kernel for each page that is
opened, in build/lecture/: what is picked or annotated in a lecture stays apart from what is picked at home.
"""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import widgets
from ..widgets.controls import Game
from .execute import ROOT

PAGES = ROOT / "build" / "lecture"
INDEX = "index.ipynb"
TEMPLATES = ROOT / "slides"  # holds voila/templates/widgets: Voilà's own page, without other hosts
ARGUMENTS = {"GapExplorer": 'ref="bundled/reference", bugs=True'}  # beyond the defaults: all there is to show
EXTENSIONS = ["@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager"]  # others fail here
IDLE = 120  # seconds after which the kernel of a page that was closed is ended


def games() -> list[type[Game]]:
    """The widgets of the course."""
    known = (getattr(widgets, name) for name in widgets.__all__)
    return [one for one in known if inspect.isclass(one) and issubclass(one, Game)]


def title(game: type[Game]) -> tuple[str, str]:
    """The widget's name, and what it is for, from the first line of its module."""
    line = inspect.getdoc(inspect.getmodule(game)).splitlines()[0]
    name, _, what = line.partition(": ")
    return name, what[0].upper() + what[1:]


def page(game: type[Game]) -> NotebookNode:
    """A notebook that shows one widget, which says itself what it is, under a link to the others."""
    shown = f"{game.__name__}({ARGUMENTS.get(game.__name__, '')})"
    code = nbformat.v4.new_code_cell(f"from pedagogy.widgets import {game.__name__}\n\n{shown}")
    return _notebook(title(game)[0], nbformat.v4.new_markdown_cell(f"[All widgets]({INDEX})"), code)


def file_name(game: type[Game]) -> str:
    return title(game)[0].removeprefix("The ").replace(" ", "_").lower() + ".ipynb"


def write_pages(folder: Path = PAGES) -> None:
    """One notebook for each widget, in `folder`, and index.ipynb with links to all."""
    folder.mkdir(parents=True, exist_ok=True)
    for game in games():
        nbformat.write(page(game), folder / file_name(game))
    lines = [f"- [{title(game)[0]}]({file_name(game)}): {title(game)[1]}" for game in games()]
    listed = nbformat.v4.new_markdown_cell("\n".join(["# The widgets\n", *lines]))
    nbformat.write(_notebook("The widgets", listed), folder / INDEX)


def _notebook(name: str, *cells: NotebookNode) -> NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel, "title": name})


def command(folder: Path, port: int) -> list[str]:
    """Voilà on loopback, serving the pages in `folder`; run it with `environment`."""
    return [
        sys.executable, "-m", "voila", str(folder), "--Voila.ip=127.0.0.1", f"--port={port}",
        "--no-browser", "--template=widgets", f"--MappingKernelManager.cull_idle_timeout={IDLE}",
        "--MappingKernelManager.cull_interval=30",
        *(f"--VoilaConfiguration.extension_allowlist={name}" for name in EXTENSIONS),
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """Where Voilà finds the template, besides what it finds anyway."""
    found = [str(TEMPLATES), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    return os.environ | {"JUPYTER_PATH": os.pathsep.join(found)}


def main(port: int = 8866) -> None:
    """Write the pages, say where they are, and serve them until Ctrl-C."""
    write_pages()
    print(f"The widgets, without code, are at http://127.0.0.1:{port}/voila/render/{INDEX}")
    print("in some seconds; each page takes as long, as it starts Python. Ctrl-C stops.", flush=True)
    os.chdir(PAGES)
    line = command(PAGES, port)
    os.execve(line[0], line, environment())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
