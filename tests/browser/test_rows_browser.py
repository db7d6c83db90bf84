"""The row browser in a real browser: the mouse, then the keyboard alone."""

import time

import pytest

from tests.browser.conftest import screenshot
from tests.browser.keyboard import RING, VISIBLE_RING, focused, tab_to, tab_until

pytestmark = pytest.mark.browser

CELL = """from pedagogy.widgets import RowBrowser
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
NASTY = "<img src=x onerror='hacked = 1'><script>hacked = 1</script>"
def answer(text, ratings, score, model="sim-one"):
    rated = {k: {"Rating": r, "Rationale": f"Because of {k}. {NASTY}"} for k, r in zip(ASPECTS, ratings)}
    return {"model": model, "principle": "honesty", "custom_system_prompt": NASTY, "response": text,
            "annotations": rated, "critique": "A step is missing.", "overall_score": score}
def row(prompt, source, *answers):
    return {"source": source, "instruction": prompt, "completions": list(answers)}
rows = [
    row("How do I change a tire?", "car", answer("Loosen the nuts, then raise the car. " * 12, "5435", 8.0),
        answer("Use a jack. " * 9, "3454", 8.0), answer("Call somebody.", "2443", 3.0),
        answer("No.", "1111", 1.0)),
    row("How do I boil an egg?", "kitchen", answer("Nine minutes.", "5555", 9.0), answer("Hm.", "1112", 2.0)),
    row("Write a loop", "code",
        answer("```python\\nfor i in range(9):\\n    print(i)\\n```\\nDone.", "5555", 9.0),
        answer("Long. " * 900, "4444", 5.0), answer("3", ["N/A"] * 4, None)),
    row(NASTY, NASTY, answer(NASTY, "5555", 1.0, NASTY), answer("b & c costs $5, not $6", "1111", 9.0)),
]
RowBrowser(rows)"""
BUNDLED = "import pedagogy as pg\nbrowser = pg.RowBrowser()\nbrowser"


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open("rows.ipynb", CELL, "'a cell below'", ready=".pg-answer", height=1300) as notebook:
        yield notebook


@pytest.fixture
def browser(notebook):
    with notebook.fresh(".pg-rows", ".pg-answer") as page:
        yield page


def wait_for_prompt(page, text: str) -> None:
    page.wait_for_function("t => document.querySelector('.pg-prompt')?.innerText === t", arg=text)


def status(page) -> str:
    return page.locator(".pg-rows [role=status]").first.inner_text()


def button(page, name: str):
    return page.locator(".pg-rows").get_by_role("button", name=name, exact=True)


def test_by_mouse(browser):
    assert "4 of 4 rows" in status(browser)
    cards = browser.locator(".pg-answer")
    assert cards.count() == 4 and "tied for best with B" in cards.nth(0).inner_text()
    assert "Because of honesty" not in cards.nth(0).inner_text()
    cards.nth(0).get_by_text("Rationales of the ratings").click()
    assert "Because of honesty. <img src=x" in cards.nth(0).inner_text()
    screenshot(browser, "rows_mouse")

    button(browser, "Last »").click()
    wait_for_prompt(browser, "<img src=x onerror='hacked = 1'><script>hacked = 1</script>")
    assert "costs $5, not $6" in cards.nth(1).inner_text()  # and not a formula
    button(browser, "◀ Previous").click()
    wait_for_prompt(browser, "Write a loop")
    assert browser.locator(".pg-code").inner_text() == "```python\nfor i in range(9):\n    print(i)\n```"
    browser.get_by_text("words more").click()
    screenshot(browser, "rows_long")

    button(browser, "best − worst").click()
    slider = browser.locator(".pg-rows .widget-slider").nth(0)
    slider.locator(".noUi-handle").nth(0).hover()
    width = slider.locator(".noUi-base").bounding_box()["width"]
    at = slider.locator(".noUi-handle").nth(0).bounding_box()
    browser.mouse.down()
    browser.mouse.move(at["x"] + 0.5 * width, at["y"] + 5, steps=5)
    browser.mouse.up()
    browser.wait_for_function("document.querySelector('.pg-rows [role=status]').innerText.includes('margin')")
    browser.get_by_placeholder("a word or phrase").fill("egg")
    browser.keyboard.press("Enter")
    browser.wait_for_function("document.querySelector('.pg-rows [role=status]').innerText.includes('egg')")
    button(browser, "code (1)").click()
    browser.get_by_text("No row passes all").wait_for()
    assert "Loosen" in browser.locator(".pg-say").first.inner_text() and cards.count() == 0
    screenshot(browser, "rows_empty")
    button(browser, "✕ Clear filters").click()
    browser.wait_for_selector(".pg-answer")
    assert "4 of 4 rows" in status(browser)


def test_by_keyboard_alone(browser):
    """Tab to a control, Space or Enter on it, arrows on a slider, text in the box; the focus stays."""
    browser.get_by_placeholder("a word or phrase").focus()
    tab_to(browser, "Next ▶")
    assert browser.evaluate(RING) == VISIBLE_RING
    for prompt in ("How do I boil an egg?", "Write a loop"):
        browser.keyboard.press("Enter")
        wait_for_prompt(browser, prompt)
        assert focused(browser, "Next ▶")
    browser.keyboard.press("Space")
    browser.keyboard.press("Space")  # beyond the end: told, and the focus stays
    browser.get_by_text("This is the last row").wait_for()
    assert focused(browser, "Next ▶")
    browser.keyboard.press("Shift+Tab")
    browser.keyboard.press("Enter")
    wait_for_prompt(browser, "Write a loop")
    assert focused(browser, "◀ Previous")
    browser.keyboard.press("Shift+Tab")
    browser.keyboard.press("Enter")
    wait_for_prompt(browser, "How do I change a tire?")

    tab_until(browser, "e.tagName === 'SUMMARY'")
    for open_ in (True, False, True):  # Enter and Space unfold, as anywhere
        browser.keyboard.press("Enter" if open_ else "Space")
        assert browser.evaluate("document.activeElement.parentElement.open") is open_
    assert browser.evaluate(RING) == VISIBLE_RING
    screenshot(browser, "rows_keyboard")

    browser.get_by_placeholder("a word or phrase").focus()
    tab_to(browser, "helpfulness")
    browser.keyboard.press("Space")
    browser.keyboard.press("Tab")  # the lower handle of the rating
    for rating in ("2", "3"):
        browser.keyboard.press("ArrowRight")
        want = f"helpfulness of some answer: {rating} to 5"
        browser.wait_for_function(
            "t => document.querySelector('.pg-rows [role=status]').innerText.includes(t)", arg=want
        )
    assert browser.evaluate("document.activeElement.className").count("noUi-handle")  # the focus stayed


def test_steps_are_quick(browser):
    """From the key to the new row on the screen, the median of nine; for the notes, not a tight bound."""
    button(browser, "« First").click()
    button(browser, "Next ▶").focus()
    times = []
    for prompt in ("How do I boil an egg?", "Write a loop") * 2:
        start = time.perf_counter()
        browser.keyboard.press("Enter")
        wait_for_prompt(browser, prompt)
        times.append(1000 * (time.perf_counter() - start))
        if prompt == "Write a loop":
            button(browser, "« First").click()
            wait_for_prompt(browser, "How do I change a tire?")
            button(browser, "Next ▶").focus()
    print("ms from key to row:", [round(t) for t in times])
    assert sorted(times)[len(times) // 2] < 500


def test_it_fits_narrow_windows(notebook, browser):
    for width, columns in ((1600, 4), (1000, 2), (520, 1)):
        browser.set_viewport_size({"width": width, "height": 1500})
        grid = "getComputedStyle(document.querySelector('.pg-grid')).gridTemplateColumns.split(' ').length"
        browser.wait_for_function(f"{grid} === {columns}")
        notebook.assert_fits(".pg-rows", "rows", (width,), 1500)
    browser.set_viewport_size({"width": 1280, "height": 1300})


def test_the_bundled_rows(lab):
    with lab.open("rows_bundled.ipynb", BUNDLED, ready=".pg-answer", width=1440, height=1500) as notebook:
        assert notebook.page.locator(".pg-answer").count() == 4
        assert "3,200 of 3,200 rows" in status(notebook.page)
        screenshot(notebook.page, "row_browser")
        notebook.assert_clean()
