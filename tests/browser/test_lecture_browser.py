"""The widgets without code, as a lecturer shows them: Voilà on loopback, each page opened and some used."""

import os
import subprocess
import urllib.request

import pytest

from pedagogy.publish import lecture
from tests.browser import axe
from tests.browser.conftest import free_port, new_page, screenshot, server_environment, wait_until
from tests.browser.keyboard import GAME, tab_to

pytestmark = pytest.mark.browser

# ipywidgets gives a slider's handle a role and a value but no name, and takes none from Python: the label
# stands beside it, and is not read with it.
NAMELESS_SLIDER = "aria-input-field-name: "


@pytest.fixture(scope="module")
def voila(tmp_path_factory, chromium):
    """(the address of the pages, the folder they are served from)."""
    home, folder = tmp_path_factory.mktemp("voila"), tmp_path_factory.mktemp("lecture")
    lecture.write_pages(folder)
    port = free_port()
    command, env = lecture.command(folder, port), lecture.environment() | server_environment(home)
    with open(home / "log.txt", "wb") as log:
        server = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)

        def up():
            assert server.poll() is None, (home / "log.txt").read_text()[-3000:]
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).status == 200
            except OSError:
                return False

        try:
            wait_until(up, 60)
            yield f"http://127.0.0.1:{port}/voila/render", folder
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture
def visit(voila, chromium):
    """Opens a page of a widget; in the end: no console error, no request left, nothing serious for axe."""
    opened = []

    def visit(name: str, ready: str = GAME):
        page, errors = new_page(chromium)
        opened.append((page, errors))
        page.goto(f"{voila[0]}/{name}", timeout=240_000)
        page.locator(ready).first.wait_for(timeout=240_000)
        return page

    yield visit
    for page, errors in opened:
        assert not errors
        assert not [found for found in axe.violations(page) if not found.startswith(NAMELESS_SLIDER)]
        page.close()


def test_the_list_has_every_widget(visit):
    page = visit(lecture.INDEX, ready="li a")
    links = page.locator("li a")
    assert links.all_inner_texts() == [lecture.title(game)[0] for game in lecture.games()]
    assert {os.path.basename(link.get_attribute("href")) for link in links.all()} == {
        lecture.file_name(game) for game in lecture.games()
    }
    screenshot(page, "lecture_index")


@pytest.mark.parametrize("game", lecture.games(), ids=lambda game: game.__name__)
def test_each_page_shows_its_widget_and_no_code(visit, game):
    page = visit(lecture.file_name(game))
    name = lecture.title(game)[0]
    assert page.title() == name and page.get_by_role("heading", name=name).is_visible()
    assert "import" not in page.locator("body").inner_text()
    assert page.locator(".jp-InputArea-editor, .highlight").count() == 0
    screenshot(page, f"lecture_{game.__name__}")


def test_a_widget_works_there_by_keyboard(visit):
    page = visit("order_builder.ipynb")
    tab_to(page, "Add a ≻ b")
    page.keyboard.press("Enter")
    page.wait_for_selector("polyline.pg-covering", state="attached")
    assert "12 of 24 rankings" in page.locator(".pg-facts").inner_text()


def test_what_is_picked_stays_with_the_lecture(visit, voila):
    page = visit("gap_explorer.ipynb")
    page.get_by_role("button", name="y⁺ is likelier").click()
    page.get_by_role("button", name="Reveal").click()
    page.wait_for_selector("svg.pg-curves", timeout=60_000)
    assert (voila[1] / "annotations" / "gap_picks.jsonl").is_file()
