"""A course notebook as a page of the book: no kernel, no macro cell, widgets as they look at their start.

Executed outputs come from `execute`; here they are only made fit for a page that nobody can run.
"""

from __future__ import annotations

import copy
import re
from html import escape

import nbformat
from nbformat import NotebookNode

MACRO_CELL = "%run ../Latex_macros.ipynb"
KEPT = {"kernelspec", "language_info"}  # of a notebook's metadata: how to colour its code
WIDGET = "application/vnd.jupyter.widget-view+json"


def page(notebook: NotebookNode, name: str, links: str = "") -> NotebookNode:
    """The notebook as a page; `name` is its file's, for the lines that say how to run it live.

    links: more ways to open it, as Markdown, set beside that line.
    """
    made = _bare(notebook)
    made.cells = [cell for cell in made.cells if cell.source.strip() != MACRO_CELL]
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = [shown(output, name) for output in cell.outputs if worth_a_place(output)]
    made.cells.insert(1, nbformat.v4.new_markdown_cell(run_it(name, links), id="run-it"))
    return made


def run_it(name: str, links: str) -> str:
    """The line under a page's title."""
    yourself = f"*Every output below is from a run. To run it yourself: `make lab`, then open `{name}`.*"
    return f"{yourself} {links}".strip()


def worth_a_place(output: NotebookNode) -> bool:
    """Not warnings on stderr, and no progress bar: a widget without a page of its own says nothing later."""
    if output.output_type == "stream":
        return output.name == "stdout"
    data = output.get("data", {})
    return WIDGET not in data or "text/html" in data


def shown(output: NotebookNode, name: str) -> NotebookNode:
    """The output in the one form a page shows; a widget as its static page, with a line on how to use it."""
    data = output.get("data", {})
    if "text/html" not in data:
        return output
    html = with_scopes(data["text/html"])
    if WIDGET in data:
        live = f"To use it, run this cell of <code>{escape(name)}</code>."
        note = f'<p class="live-note">▶ This is a widget as it stands at its start. {live}</p>'
        html = f'<div class="still-widget">{html}{note}</div>'
    return nbformat.v4.new_output("display_data", {"text/html": html})


def with_scopes(html: str) -> str:
    """The tables in it with each header's direction, for screen readers: pandas leaves it out."""
    for part, scope in (("thead", "col"), ("tbody", "row")):
        told = f'<th scope="{scope}"'
        bodies = re.compile(rf"<{part}>.*?</{part}>", re.DOTALL)
        html = bodies.sub(lambda found, told=told: re.sub(r"<th\b(?![^>]*scope=)", told, found[0]), html)
    return html


def exercise(version: NotebookNode) -> NotebookNode:
    """An exercise's student version as a page: what nbgrader keeps for itself, and outputs, left out."""
    made = _bare(version)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return made


def _bare(notebook: NotebookNode) -> NotebookNode:
    """A copy without metadata, but for how to colour its code."""
    made = copy.deepcopy(notebook)
    made.metadata = {key: value for key, value in made.metadata.items() if key in KEPT}
    for cell in made.cells:
        cell.metadata = {}
    return made
