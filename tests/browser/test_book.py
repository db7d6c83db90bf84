"""The book as a reader meets it: opened as files, wide and on a phone, light and dark, with no network."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import nbformat
import pytest

from pedagogy.publish import book as made
from pedagogy.publish.execute import course
from tests.browser import axe
from tests.browser.conftest import screenshot, watch

EXTERNAL = made.ROOT / "build" / "book-external-links.txt"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RED = 'mjx-merror, [data-mjx-error], [data-mml-node="merror"], mjx-container [fill="red"]'
RULES = {"wcag/h63": "error"}  # beside the standard's: every <th> says which way it heads
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def book():
    """The folder of the book, made from the executed notebooks that are kept."""
    return made.build().parent


@pytest.fixture(scope="session")
def files(book):
    """Every page of it."""
    return sorted(book.rglob("*.html"))


@dataclass
class Visit:
    """What went wrong, and what was there, while one page was open."""

    troubles: list[str] = field(default_factory=list)
    light: list[str] = field(default_factory=list)
    dark: list[str] = field(default_factory=list)
    overflow: dict[int, int] = field(default_factory=dict)
    formulas: int = 0
    red: list[str] = field(default_factory=list)


def opened(chromium, path: Path, theme: str, size: dict = WIDE):
    """The page with its formulas set, and the list that every error and outside request goes to."""
    page = chromium.new_page(viewport=size)
    troubles = watch(page)
    page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    page.goto(path.as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise")
    return page, troubles


@pytest.fixture(scope="session")
def visits(chromium, files):
    """path -> Visit: each page wide and light, then narrow and dark."""
    found = {}
    for path in files:
        found[path] = visit = Visit()
        for theme, size in (("light", WIDE), ("dark", PHONE)):
            page, troubles = opened(chromium, path, theme, size)
            visit.troubles += troubles
            visit.overflow[size["width"]] = page.evaluate(TOO_WIDE)
            setattr(visit, theme, axe.violations(page))
            visit.formulas = page.locator("mjx-container").count()
            visit.red += page.locator(RED).all_inner_texts()
            screenshot(page, f"book-{path.parent.name}-{path.stem}-{theme}")
            page.close()
    return found


def test_every_page_opens_without_errors_and_asks_nothing_of_the_network(visits):
    assert len(visits) > 20
    assert not {path.name: visit.troubles for path, visit in visits.items() if visit.troubles}


def test_no_page_is_wider_than_the_window(visits):
    assert not {path.name: v.overflow for path, v in visits.items() if any(v.overflow.values())}


def test_every_formula_is_set_and_none_is_red(visits, book):
    assert not {path.name: visit.red for path, visit in visits.items() if visit.red}
    for path in course():
        assert visits[book / "notebooks" / f"{path.stem}.html"].formulas > 0 or path.stem.startswith("03")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visits, theme):
    found = {path.name: getattr(visit, theme) for path, visit in visits.items() if getattr(visit, theme)}
    assert not found, "\n".join(f"{name}: {line}" for name, lines in found.items() for line in lines[:8])


def test_the_theme_toggles_and_stays(chromium, book):
    page, _ = opened(chromium, book / "index.html", "light")
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    seen = {}
    for _ in range(3):
        page.locator(".theme-toggle:visible").click()
        seen[page.evaluate("() => document.body.dataset.theme")] = page.evaluate(paper)
    assert seen.keys() == {"auto", "light", "dark"}
    assert seen["light"] == light != seen["dark"]
    page.locator(".theme-toggle:visible").click()
    kept = page.evaluate("() => [document.body.dataset.theme, localStorage.getItem('theme')]")
    assert kept[0] == kept[1]
    page.close()


def test_the_search_finds_a_word_and_leads_to_it(chromium, book):
    page, troubles = opened(chromium, book / "index.html", "light")
    page.locator(".sidebar-search").fill("Condorcet")
    page.locator(".sidebar-search").press("Enter")
    page.wait_for_selector("#search-results li a")
    page.locator("#search-results li a", has_text="Partial orders").first.click()
    page.wait_for_load_state()
    assert "Condorcet" in page.locator("#furo-main-content").inner_text() and not troubles
    page.close()


def test_what_has_the_focus_is_seen(chromium, book):
    page, _ = opened(chromium, book / "notebooks" / "05_chained_probabilities.html", "light", PHONE)
    outlined = "() => [document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
    seen = []
    for _ in range(25):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(outlined))
    assert {tag for tag, _ in seen} >= {"A", "PRE"}, "links, and code that scrolls"
    assert all(style == "solid" for tag, style in seen if tag in ("A", "PRE", "BUTTON"))
    page.close()


def test_the_notebooks_show_outputs_and_say_how_to_run_widgets(book):
    for path in course():
        text = (book / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert "cell_output" in text and "%run ../Latex_macros" not in text
        assert "then open <code" in text and path.name in text
        assert "widget-view" not in text and "Error displaying widget" not in text
    still = {
        path.stem[:2]
        for path in course()
        if "live-note" in (book / f"notebooks/{path.stem}.html").read_text()
    }
    assert still == {"00", "01", "02", "03", "04", "05", "06"}


class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what it loads."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.loads, self.bare, self.tables = set(), [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.ids |= {known["id"]} if "id" in known else set()
        self.links += [known["href"]] if tag == "a" and known.get("href") else []
        self.loads += [known[k] for k in ("src", "href") if tag in ("script", "link", "img") and known.get(k)]
        if tag == "img" and not (known.get("alt") or "").strip():
            self.bare.append(known.get("src", "")[:60])
        if tag == "table":
            self.tables.append(0)
        if tag == "th" and self.tables:
            self.tables[-1] += 1


@pytest.fixture(scope="session")
def parsed(files):
    return {path: Page(path) for path in files}


def test_every_link_inside_the_book_leads_somewhere(parsed):
    """Links to other sites are listed in build/book-external-links.txt; whether they live is not asked."""
    broken, external = [], set()
    for path, page in parsed.items():
        for link in page.links:
            if urlsplit(link).scheme in ("http", "https", "mailto"):
                external.add(link)
                continue
            target, anchor = urldefrag(link)
            file = (path.parent / unquote(target)).resolve() if target else path
            there = parsed[file].ids if file in parsed else None
            if not file.is_file() or (anchor and there is not None and unquote(anchor) not in there):
                broken.append(f"{path.name}: {link}")
    EXTERNAL.write_text("".join(f"{link}\n" for link in sorted(external)))
    assert not broken
    assert external, "the bibliography leads outside"


def test_nothing_is_loaded_from_elsewhere(parsed):
    assert not [
        (p.name, url) for p, page in parsed.items() for url in page.loads if "//" in url.partition(",")[0]
    ]


def test_every_picture_has_words_and_every_table_a_header(parsed):
    assert not {path.name: page.bare for path, page in parsed.items() if page.bare}
    assert not [path.name for path, page in parsed.items() if 0 in page.tables]


def test_every_page_is_valid_html(files):
    found = axe.invalid(files, RULES)
    assert not found, "\n".join(found[:40])


@pytest.mark.parametrize(
    "html, rule", [("<ul><div>x</div></ul>", "element-permitted-content"), ("<b>x</i>", "close-order")]
)
def test_the_validator_can_fail(tmp_path, html, rule):
    page = tmp_path / "bad.html"
    page.write_text(f'<!DOCTYPE html><html lang="en"><head><title>x</title></head><body>{html}</body></html>')
    assert rule in axe.invalid([page])[0]


def test_axe_can_fail(chromium, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text('<html lang="en"><title>x</title><p style="color: #aaa">pale</p><img src="data:,">')
    page, _ = opened(chromium, bad, "light")
    assert {line.partition(":")[0] for line in axe.violations(page)} >= {"color-contrast", "image-alt"}
    page.close()


REGION = re.compile(
    r"(?:###|===) BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME).*?\n(.*?)(?:###|===) END \1", re.DOTALL
)


def one_line(text: str) -> str:
    return " ".join(text.split())


def secrets(source: Path) -> set[str]:
    """The lines of an exercise that students do not get: those in a region, and nowhere outside one."""
    text = "\n".join(cell.source for cell in nbformat.read(source, as_version=4).cells)
    given = one_line(REGION.sub("", text))
    hidden = {one_line(line) for region in REGION.finditer(text) for line in region[2].splitlines()}
    return {line for line in hidden if len(line) > 12 and line not in given}


def test_the_exercises_are_there_without_their_solutions(book):
    sources = sorted((made.ROOT / "notebooks" / "exercises" / "source").glob("*/*.ipynb"))
    assert sources
    for source in sources:
        text = (book / "exercises" / f"{source.stem}.html").read_text(encoding="utf-8")
        shown = one_line(unescape(re.sub(r"<[^>]+>", "", text)))
        hidden = secrets(source)
        assert len(hidden) > 5, "an exercise has a solution and hidden tests"
        assert not [line for line in hidden if line in shown]


def test_no_marker_of_what_is_hidden_is_anywhere(book):
    for path in (*book.rglob("*.html"), *book.rglob("*.js"), *book.rglob("*.ipynb")):
        assert not re.search(r"BEGIN (SOLUTION|HIDDEN|MARK)", path.read_text(encoding="utf-8")), path.name
