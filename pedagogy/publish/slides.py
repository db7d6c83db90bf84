"""The slides: a reveal.js deck of every notebook, its PDF, and a page that lists them.

Usage: python -m pedagogy.publish.slides [NAME ...]    (make slides): build/slides/index.html, for any browser

A notebook is its own deck: each cell says where it stands (slide, subslide, fragment, -, skip), outputs come
with the next key after their code, and widgets stand as they look at their start. Tags help where a slide
would be too full: `output_slide` puts a cell's output on a slide of its own, `small` sets a cell smaller,
`scroll` lets a long output scroll, and `remove_input` leaves out code that only draws. What a lecturer says,
and for how long, stands in slides/notes/, a section for each `##` of the notebook.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from playwright.sync_api import Browser, sync_playwright
from traitlets.config import Config

from .execute import ROOT, CellFailed, course, executed, find
from .pages import shown, worth_a_place
from .vendor import CannotBuild, modules

SLIDES = ROOT / "slides"
OUT = ROOT / "build" / "slides"
LOADED = (  # by a deck, besides the style of the course's own
    "reveal.js/dist/reveal.js",
    "reveal.js/dist/reveal.css",
    "reveal.js/plugin/notes/notes.js",
    "mathjax/es5/tex-svg-full.js",
)
MINUTES = re.compile(r"\*\*About (\d+) minutes")
HEADING = re.compile(r"^#{1,3} +(.+?)\s*$", re.MULTILINE)
PLAIN = {"$": "", r"\log": "log ", r"\pi": "π", r" \mid ": "|", r"\y": "y", r"\x": "x"}
SECTION = re.compile(
    r"^## (?P<title>.+?) · (?P<minutes>\d+) min\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Note:
    """What the lecturer says to one section of a deck, in Markdown, and the minutes it takes."""

    title: str
    minutes: int
    text: str


# From a notebook to a deck


def deck(path: Path) -> str:
    """The HTML of one notebook's deck; it looks for vendor/ beside itself."""
    notebook = nbformat.read(executed(path), as_version=4)
    title, minutes = title_and_minutes(notebook)
    notebook.cells = [part for cell in notebook.cells for part in _parts(cell, path.name)]
    add_running_heads(notebook)
    add_notes(notebook, read_notes(path), minutes)
    html, _ = _exporter().from_notebook_node(notebook, {"deck": {"title": title, "minutes": minutes}})
    return html


def title_and_minutes(notebook: NotebookNode) -> tuple[str, int]:
    """What the notebook's title cell says of it; a formula in the title as plain text."""
    source = notebook.cells[1].source
    title = HEADING.search(source)[1]
    for tex, text in PLAIN.items():
        title = title.replace(tex, text)
    return title, int(MINUTES.search(source)[1])


def _parts(cell: NotebookNode, name: str) -> list[NotebookNode]:
    """A cell as slides show it: without progress bars and warnings; in two where it says `output_slide`."""
    if cell.cell_type != "code":
        return [cell]
    cell.outputs = [_by_keyboard(shown(output, name)) for output in cell.outputs if worth_a_place(output)]
    tags = cell.metadata.get("tags", [])
    if "output_slide" not in tags:
        return [cell]
    output = nbformat.from_dict({**cell, "id": f"{cell.id}-output"})
    output.metadata = nbformat.from_dict(
        {"tags": [*tags, "remove_input"], "slideshow": {"slide_type": "subslide"}}
    )
    cell.outputs = []
    return [cell, output]


def _by_keyboard(output: NotebookNode) -> NotebookNode:
    """A widget taller than a slide scrolls, also for those who have no mouse."""
    if "text/html" in output.get("data", {}):
        region = '<div class="still-widget" tabindex="0" role="region" aria-label="The widget as it starts">'
        output.data["text/html"] = output.data["text/html"].replace('<div class="still-widget">', region)
    return output


def _exporter() -> SlidesExporter:
    settings = Config()
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_input_tags = {"remove_input"}
    settings.NbConvertBase.display_data_priority = ["text/html", "image/png", "text/latex", "text/plain"]
    return SlidesExporter(
        config=settings,
        template_name="lecture",
        extra_template_basedirs=[str(SLIDES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )


def add_running_heads(notebook: NotebookNode) -> None:
    """Where a slide has no heading of its own, a quiet line says whose continuation it is."""
    cells, heading = [], ""
    for cell in notebook.cells:
        own = cell.cell_type == "markdown" and HEADING.match(cell.source)
        heading = own[1] if own else heading
        if _slide_type(cell) == "subslide" and not own:
            plain = escape(re.sub("[*`]", "", heading), quote=False)  # HTML is not read as Markdown
            line = nbformat.v4.new_markdown_cell(f'<p class="running">{plain}</p>', id=f"{cell.id}-head")
            line.metadata = nbformat.from_dict({"slideshow": {"slide_type": "subslide"}})
            cell.metadata.slideshow["slide_type"] = "-"
            cells.append(line)
        cells.append(cell)
    notebook.cells = cells


def _slide_type(cell: NotebookNode) -> str:
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


# The lecturer's notes


def read_notes(path: Path) -> list[Note]:
    """The notes for the notebook at `path`: slides/notes/NAME.md, one for each of its sections, in order."""
    text = (SLIDES / "notes" / f"{path.stem}.md").read_text(encoding="utf-8")
    return [Note(m["title"], int(m["minutes"]), m["text"].strip()) for m in SECTION.finditer(text)]


def sections(notebook: NotebookNode) -> list[tuple[str, list[int]]]:
    """The deck's sections: each a title, and the indices of the cells that begin its slides."""
    found = []
    for index, cell in enumerate(notebook.cells):
        kind = _slide_type(cell)
        if index == 1 or (kind == "slide" and index):  # the title joins the macros, in cell 0
            if not (heading := HEADING.match(cell.source)):
                raise ValueError(f"cell {cell.id} begins a section without a heading: make it a subslide")
            found.append((heading[1], [index]))
        elif kind == "subslide":
            found[-1][1].append(index)
    return found


def add_notes(notebook: NotebookNode, notes: list[Note], minutes: int) -> None:
    """Put the notes and the timing into the deck's cells. Raises ValueError where they do not fit it."""
    found = sections(notebook)
    if [title for title, _ in found] != [note.title for note in notes]:
        lines = "\n".join(f"    ## {title}" for title, _ in found)
        raise ValueError(
            f"the notes must have these sections, in this order, each with its minutes:\n{lines}"
        )
    if (total := sum(note.minutes for note in notes)) != minutes:
        raise ValueError(f"the notes add up to {total} minutes, and the notebook says {minutes}")
    clock, after = 0, {}
    for (title, starts), note in zip(found, notes, strict=True):
        clock += note.minutes
        when = f"**{note.minutes} min**, until minute {clock} of {minutes}"
        for number, start in enumerate(starts, start=1):
            place = f"{when}. Slide {number} of {len(starts)}: {title}"
            after[start] = f"{place}\n\n{note.text}" if number == 1 else place
            head = notebook.cells[start - 1 if start == 1 else start]
            head.metadata.slideshow["data"] = {"timing": round(60 * note.minutes / len(starts))}
    for start in sorted(after, reverse=True):
        metadata = {"slideshow": {"slide_type": "notes"}}
        said = nbformat.v4.new_markdown_cell(after[start], metadata=metadata, id=f"notes-{start}")
        notebook.cells.insert(start + 1, said)


# Files


def build(names: list[str], out: Path = OUT) -> list[Path]:
    """Write the decks of the notebooks that `names` mean, as in `find`, or of all.

    Raises CannotBuild where Node.js is missing, CellFailed where a notebook fails, ValueError for a name that
    means none, and where the notes of one do not fit it.
    """
    paths, decks = find(names), []
    vendor(out / "vendor")
    for path in paths:
        decks.append(out / f"{path.stem}.html")
        decks[-1].write_text(deck(path), encoding="utf-8")
    return decks


def vendor(folder: Path) -> None:
    """What a deck loads into `folder`: reveal.js, MathJax, the course's own style. Raises CannotBuild."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*modules(*LOADED), SLIDES / "lecture" / "lecture.css"):
        shutil.copy(file, folder)


def write_index(out: Path) -> Path:
    """The page that lists the decks that are in `out`, with their minutes, and the PDFs that there are."""
    rows = []
    for path in course():
        if not (out / f"{path.stem}.html").is_file():
            continue
        title, minutes = title_and_minutes(nbformat.read(path, as_version=4))
        pdf = out / f"{path.stem}.pdf"
        paper = f'<a href="{pdf.name}">PDF<span class="of"> of {path.stem}</span></a>'
        paper = paper if pdf.is_file() else "–"
        link = f'<a href="{path.stem}.html">{escape(title)}</a>'
        rows.append(f"<tr><td>{path.stem[:2]}</td><td>{link}</td><td>{minutes}</td><td>{paper}</td></tr>")
    page = (SLIDES / "lecture" / "index.html").read_text(encoding="utf-8")
    (out / "index.html").write_text(page.replace("<!-- rows -->", "\n".join(rows)), encoding="utf-8")
    return out / "index.html"


def write_pdfs(decks: list[Path]) -> list[Path]:
    """Each deck as a PDF beside it; none where there is no Chromium to print them."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        return [write_pdf(chromium, deck_file) for deck_file in decks]


def write_pdf(chromium: Browser, deck_file: Path) -> Path:
    """The deck as a PDF beside it, a page a slide."""
    page = chromium.new_page()
    page.goto(f"{deck_file.as_uri()}?print-pdf")
    page.wait_for_function("window.Reveal && Reveal.isReady() && document.querySelector('.pdf-page')")
    pdf = deck_file.with_suffix(".pdf")
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    page.close()
    return pdf


def main(names: list[str]) -> int:
    """Build the decks and their PDFs; the exit status."""
    try:
        decks = build(names)
    except (CannotBuild, CellFailed, ValueError) as error:
        print(f"The slides were not made: {error}", file=sys.stderr)
        return 1
    pdfs = write_pdfs(decks)
    for deck_file in decks:
        print(deck_file.relative_to(ROOT))
    print("each with a PDF beside it" if pdfs else "no PDFs: there is no Chromium here to print them")
    print(f"The list: {write_index(OUT).relative_to(ROOT)} (open it in a browser; no server, no network)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
