"""The row browser in a real browser: the mouse, then the keyboard alone."""

import time

import pytest

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
RING = """(style => `${style.outlineWidth} ${style.outlineStyle} ${style.outlineColor}`)(
    getComputedStyle(document.activeElement))"""
BUNDLED = "import pedagogy as pg\nbrowser = pg.RowBrowser()\nbrowser"


@pytest.fixture(scope="module")
def notebook(lab):
    page, errors = lab.open("rows.ipynb", CELL, "'a cell below'", height=1300)
    page.wait_for_selector(".pg-answer", timeout=90_000)
    yield page, errors
    page.close()


@pytest.fixture
def browser(lab, notebook):
    """A fresh browser. At the end: no error on the console, no markup of the data run, no cell changed."""
    page, errors = notebook
    page.evaluate("document.querySelector('.pg-rows').dataset.old = 1")
    lab.run_all(page)
    page.wait_for_selector(".pg-rows:not([data-old]) .pg-answer")
    page.wait_for_function("document.querySelectorAll('.pg-rows').length === 1")
    yield page
    assert not errors and page.evaluate("window.hacked") is None
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2  # no key cut, moved or added one


def wait_for_prompt(page, text: str) -> None:
    page.wait_for_function("t => document.querySelector('.pg-prompt')?.innerText === t", arg=text)


def status(page) -> str:
    return page.locator(".pg-rows [role=status]").first.inner_text()


def button(page, name: str):
    return page.locator(".pg-rows").get_by_role("button", name=name, exact=True)


def test_by_mouse(lab, browser):
    assert "4 of 4 rows" in status(browser)
    cards = browser.locator(".pg-answer")
    assert cards.count() == 4 and "tied for best with B" in cards.nth(0).inner_text()
    assert "Because of honesty" not in cards.nth(0).inner_text()
    cards.nth(0).get_by_text("Rationales of the ratings").click()
    assert "Because of honesty. <img src=x" in cards.nth(0).inner_text()
    lab.screenshot(browser, "rows_mouse")

    button(browser, "Last »").click()
    wait_for_prompt(browser, "<img src=x onerror='hacked = 1'><script>hacked = 1</script>")
    assert "costs $5, not $6" in cards.nth(1).inner_text()  # and not a formula
    button(browser, "◀ Previous").click()
    wait_for_prompt(browser, "Write a loop")
    assert browser.locator(".pg-code").inner_text() == "```python\nfor i in range(9):\n    print(i)\n```"
    browser.get_by_text("words more").click()
    lab.screenshot(browser, "rows_long")

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
    lab.screenshot(browser, "rows_empty")
    button(browser, "✕ Clear filters").click()
    browser.wait_for_selector(".pg-answer")
    assert "4 of 4 rows" in status(browser)


def test_by_keyboard_alone(lab, browser):
    """Tab to a control, Space or Enter on it, arrows on a slider, text in the box; the focus stays."""
    browser.get_by_placeholder("a word or phrase").focus()
    tab_to(browser, "Next ▶")
    assert browser.evaluate(RING) == "3px solid rgb(240, 165, 0)"
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

    tab_to_summary(browser)
    for open_ in (True, False, True):  # Enter and Space unfold, as anywhere
        browser.keyboard.press("Enter" if open_ else "Space")
        assert browser.evaluate("document.activeElement.parentElement.open") is open_
    assert browser.evaluate(RING) == "3px solid rgb(240, 165, 0)"
    lab.screenshot(browser, "rows_keyboard")

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


def test_it_fits_narrow_windows(lab, browser):
    for width, columns in ((1600, 4), (1000, 2), (520, 1)):
        browser.set_viewport_size({"width": width, "height": 1500})
        grid = "getComputedStyle(document.querySelector('.pg-grid')).gridTemplateColumns.split(' ').length"
        browser.wait_for_function(f"{grid} === {columns}")
        lab.screenshot(browser, f"rows_{width}")
        assert browser.locator(".pg-rows").evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    browser.set_viewport_size({"width": 1280, "height": 1300})


def test_the_bundled_rows(lab):
    page, errors = lab.open("rows_bundled.ipynb", BUNDLED, width=1440, height=1500)

    def all_idle():  # `open` may have found the other notebook's kernel
        kernels = [session["kernel"] for session in lab.api("sessions")]
        return all(k["execution_state"] == "idle" and k["connections"] > 0 for k in kernels)

    lab.wait_until(all_idle, 90)
    lab.run_all(page)
    page.wait_for_selector(".pg-answer", timeout=120_000)
    assert page.locator(".pg-answer").count() == 4 and "3,200 of 3,200 rows" in status(page)
    lab.screenshot(page, "row_browser")
    assert not errors
    page.close()


def focused(page, text: str) -> bool:
    return page.evaluate("t => document.activeElement.innerText?.trim() === t", text)


def tab_to(page, text: str) -> None:
    """Press Tab until the button with this text has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page, text):
            return
    raise AssertionError(f"Tab never reached the button {text!r}")


def tab_to_summary(page) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            return
    raise AssertionError("Tab never reached a fold")
