"""The decks as a lecturer shows them: opened as files with no network, every slide measured at 1280 × 720."""

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote

import nbformat
import pytest

from pedagogy.publish import slides
from pedagogy.publish.execute import course
from tests.browser import axe
from tests.browser.conftest import watch

SIZE = {"width": 1280, "height": 720}
MEASURE = """() => Reveal.getSlides().map(slide => {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);  // with all that comes by itself
    const edge = slide.getBoundingClientRect();
    const beyond = [...slide.querySelectorAll("pre, code, table, img, mjx-container, p")].filter(part => {
        const box = part.getBoundingClientRect();
        const out = box.right > edge.right || box.bottom > edge.bottom;
        return out && box.width && !part.closest("[tabindex]");
    });
    const fonts = [...slide.querySelectorAll(".code pre")].map(x => parseFloat(getComputedStyle(x).fontSize));
    const prose = [...slide.querySelectorAll(".jp-RenderedMarkdown :is(p, li, td)")];
    const heading = (slide.querySelector("h1, h2, h3, .running") || slide).textContent.trim();
    return {
        name: `${h}/${v} ${heading.slice(0, 60)}`,
        high: slide.scrollHeight, wide: slide.scrollWidth, beyond: beyond.map(part => part.tagName),
        empty: slide.innerText.trim() == "" && !slide.querySelector("img"),
        font: Math.min(...fonts, 99), notes: slide.querySelectorAll("aside.notes").length,
        timing: Number(slide.dataset.timing), formulas: slide.querySelectorAll("mjx-container").length,
        red: slide.querySelectorAll("[data-mjx-error], [data-mml-node=merror], svg [fill=red]").length,
        nameless: [...slide.querySelectorAll("img")].filter(image => !image.alt.trim()).length,
        raw: prose.some(part => /\\$[^$]*\\\\[a-zA-Z]/.test(part.innerText)),
    };
})"""

# reveal.js hides all slides but one from screen readers, and axe passes over what is hidden
EXPOSE = "() => document.querySelectorAll('.slides section').forEach(s => s.removeAttribute('aria-hidden'))"
CROPPED = """() => [...document.querySelectorAll(".pdf-page > section")]
    .map((page, i) => [i + 1, page.scrollHeight]).filter(([number, high]) => high > 720)"""


@dataclass
class Deck:
    """One deck as it was measured."""

    minutes: int
    slides: list[dict]
    cropped: list[list[int]]  # pages on which something is cut off: number, pixels
    troubles: list[str] = field(default_factory=list)
    unfair: list[str] = field(default_factory=list)  # what axe-core says


@pytest.fixture(scope="session")
def folder():
    """The decks' folder, made from the executed notebooks that are kept."""
    try:
        decks = slides.build([])
    except slides.CannotBuild as error:
        pytest.skip(str(error))
    return slides.write_index(decks[0].parent).parent


def opened(chromium, file, query=""):
    """A page without a network that shows the file, and the list that every trouble goes to."""
    page = chromium.new_context(viewport=SIZE, offline=True).new_page()
    troubles = watch(page)
    page.goto(file.as_uri() + query)
    if file.name != "index.html":
        page.wait_for_function("window.Reveal && Reveal.isReady()", timeout=120_000)
    return page, troubles


@pytest.fixture(scope="session", params=course(), ids=lambda path: path.stem)
def deck(request, chromium, folder):
    path = request.param
    page, troubles = opened(chromium, folder / f"{path.stem}.html")
    measured = page.evaluate(MEASURE)
    page.context.close()
    page, more = opened(chromium, folder / f"{path.stem}.html", "?print-pdf")  # all slides at once
    troubles = [*troubles, *more]  # before axe reads the style sheets in its own way
    cropped = page.evaluate(CROPPED)
    page.evaluate(EXPOSE)
    unfair = axe.violations(page)
    page.context.close()
    minutes = slides.title_and_minutes(nbformat.read(path, as_version=4))[1]
    return Deck(minutes, measured, cropped, troubles, unfair)


def test_every_slide_fits(deck):
    too_big = [
        f"{s['name']}: {s['wide']} × {s['high']} {s['beyond']}"
        for s in deck.slides
        if s["high"] > SIZE["height"] or s["wide"] > SIZE["width"] or s["beyond"]
    ]
    assert not too_big, "split the cell, or tag it (see pedagogy/publish/slides.py):\n" + "\n".join(too_big)


def test_on_paper_nothing_is_cut_off(deck):
    assert not deck.cropped


def test_no_slide_is_empty_and_code_is_legible(deck):
    assert not [s["name"] for s in deck.slides if s["empty"]]
    assert not [s["name"] for s in deck.slides if s["font"] < 14]


def test_every_formula_is_set(deck):
    assert not [s["name"] for s in deck.slides if s["red"]], "TeX with an error"
    assert not [s["name"] for s in deck.slides if s["raw"]], "TeX that nobody set"
    assert any(s["formulas"] for s in deck.slides)


def test_every_figure_says_what_is_seen(deck):
    assert not [s["name"] for s in deck.slides if s["nameless"]]


def test_every_slide_has_notes_and_the_times_add_up(deck):
    assert {s["notes"] for s in deck.slides} == {1}
    assert sum(s["timing"] for s in deck.slides) == pytest.approx(60 * deck.minutes, abs=len(deck.slides))


def test_nothing_is_loaded_from_elsewhere_and_nothing_fails(deck):
    assert not deck.troubles


def test_axe_finds_nothing_serious(deck):
    assert not deck.unfair, "\n".join(deck.unfair)


@pytest.fixture
def first(chromium, folder):
    page, troubles = opened(chromium, folder / "00_start_here.html")
    yield page
    page.context.close()
    assert not troubles


def test_an_output_waits_for_a_key(first):
    """Predict, run, explain: space shows what was printed, then what it says."""
    first.evaluate("Reveal.slide(2, 0)")
    printed = first.locator("section.present section.present .output.fragment").first
    assert printed.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    first.keyboard.press("Space")
    printed.wait_for(state="visible")


def test_space_alone_goes_through_the_deck(first):
    seen = set()
    for _ in range(200):
        seen.add(first.evaluate("Reveal.getSlidePastCount()"))
        if first.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        first.keyboard.press("Space")
    assert len(seen) == first.evaluate("Reveal.getTotalSlides()")


def test_a_tall_widget_scrolls_by_keyboard_and_shows_its_focus(first):
    place = first.evaluate(
        "() => Reveal.getIndices(document.querySelector('.still-widget').closest('section'))"
    )
    first.evaluate("({h, v}) => Reveal.slide(h, v, 99)", place)
    first.keyboard.press("Tab")
    focused = "() => document.activeElement.classList.contains('still-widget')"
    for _ in range(10):
        if first.evaluate(focused):
            break
        first.keyboard.press("Tab")
    assert first.evaluate(focused)
    assert first.evaluate("() => parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_the_lecturer_sees_notes_and_a_clock(first):
    with first.context.expect_page() as popup:
        first.keyboard.press("s")
    view = popup.value
    view.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value')?.innerText.includes('min')"
    )
    assert "the truth is known" in view.locator(".speaker-controls-notes .value").inner_text()
    assert view.locator(".speaker-controls-time .clock-value").is_visible()


def test_the_list_names_every_deck_with_its_minutes(chromium, folder):
    page, troubles = opened(chromium, folder / "index.html")
    assert not troubles
    assert not axe.violations(page)
    text = page.locator("table").inner_text()
    page.context.close()
    html = (folder / "index.html").read_text(encoding="utf-8")
    links = [unquote(unescape(link)) for link in re.findall(r'href="([^"]+)"', html)]
    for path in course():
        title, minutes = slides.title_and_minutes(nbformat.read(path, as_version=4))
        assert title in text and re.search(rf"\b{minutes}\b", text)
        assert f"{path.stem}.html" in links
    assert all((folder / link).is_file() for link in links)


def test_the_pdf_has_a_page_a_slide(chromium, folder, first):
    pdf = slides.write_pdf(chromium, folder / "00_start_here.html").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == first.evaluate("Reveal.getTotalSlides()")
    assert set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)) == {(b"960", b"540")}  # points
