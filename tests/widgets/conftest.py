"""What the tests of all widgets ask: the widgets inside, the HTML as read, the imports, the bundle."""

import ast
import base64
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets as ui

import pedagogy.widgets

# In JupyterLab, arrow keys on one of these move the cell.
TRAPS = (ui.Dropdown, ui.Select, ui.SelectMultiple, ui.RadioButtons, ui.Combobox)


def widgets(widget: ui.Widget) -> Iterator[ui.Widget]:
    """A widget and all that are inside it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets(child)


class Page(HTMLParser):
    """Tags (and how often), attributes and text of a piece of HTML, as a browser would see them."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.attributes, self.text, self._inside_style = Counter(), [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._inside_style = tag == "style"
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag):
        self._inside_style = False

    def handle_data(self, data):
        self.text += "" if self._inside_style else data

    def names(self) -> set[str]:
        return {name for name, _ in self.attributes}

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


def imported_by(name: str) -> set[str]:
    """The modules that a module of pedagogy.widgets imports."""
    source = (Path(pedagogy.widgets.__file__).parent / f"{name}.py").read_text("utf-8")
    return {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def assert_widget_page_and_picture(bundle: dict, shown: str, said: str) -> None:
    """One bundle of all forms: `shown` is in the page, `said` in the plain text."""
    forms = {"application/vnd.jupyter.widget-view+json", "text/html", "image/png", "text/plain"}
    assert forms <= bundle.keys()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert shown in bundle["text/html"] and said in bundle["text/plain"]
