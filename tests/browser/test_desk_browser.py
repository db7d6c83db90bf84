"""The annotation desk in a real browser: the mouse, the keyboard alone, and a kernel that was restarted."""

import json

import pytest

pytestmark = pytest.mark.browser

CELL = """from pedagogy.widgets import AnnotationDesk
LONG = " Loosen the nuts, raise the car, change the wheel, lower the car, tighten the nuts." * 4
def answer(k, i):
    return {"response": f"Answer {k} of {i}." + LONG[: 90 * k * k], "overall_score": float(9 - 2 * k),
            "model": "secret-model", "critique": "secret critique"}
rows = [{"instruction": f"How do I change tire number {i}?", "completions": [answer(k, i) for k in range(4)]}
        for i in range(3)]
rows[1]["instruction"] = "<script>hacked = 1</script> & co?"
rows[1]["completions"][0]["response"] = "<img src=x onerror='hacked = 1'>"
AnnotationDesk(rows, truth=lambda prompt, response: float(response.count(".")))"""


@pytest.fixture(scope="module")
def notebook(lab):
    page, errors = lab.open("desk.ipynb", CELL, "'a cell below'", height=1000)
    page.wait_for_selector(".pg-desk .pg-desk-answer", timeout=90_000)
    yield page, errors
    page.close()


@pytest.fixture
def desk(lab, notebook):
    """A desk as a new session finds it. At the end: no console error, no markup run, no cell moved."""
    page, errors = notebook
    page.evaluate("document.querySelectorAll('.pg-desk').forEach(desk => desk.dataset.old = 1)")
    lab.run_all(page)
    page.wait_for_selector(".pg-desk:not([data-old]) .pg-desk-bar")
    page.wait_for_function("document.querySelectorAll('.pg-desk[data-old]').length === 0")
    yield page
    assert not errors and page.evaluate("window.hacked") is None
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2


def saved(lab) -> list[dict]:
    path = lab.folder / "annotations" / "desk.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def wait_for(page, pair: int) -> None:
    page.locator(".pg-desk-bar b", has_text=f"Pair {pair} of 24").wait_for()


def test_by_mouse_and_after_a_restart(lab, desk):
    assert "secret" not in desk.content().replace(json.dumps(CELL), "").split("pg-desk")[-1]
    lab.screenshot(desk, "desk")
    where = desk.get_by_role("button", name="Left is better").bounding_box()
    for number, name in enumerate(("Left is better", "Right is better", "Equally good", "Can’t say"), 2):
        desk.get_by_role("button", name=name).click()
        wait_for(desk, number)
    assert desk.get_by_role("button", name="Left is better").bounding_box() == where  # it never moves
    assert [v["verdict"] for v in saved(lab)] == ["left", "right", "tie", "can't say"]
    desk.get_by_role("button", name="Undo").click()
    wait_for(desk, 4)
    desk.get_by_text("Taken back").wait_for()

    lab.end_sessions()  # the kernel is gone
    desk.goto(f"{lab.url}/lab/tree/desk.ipynb?token={lab.token}&reset", timeout=90_000)
    desk.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    lab.wait_for_kernel()
    lab.run_all(desk)
    desk.wait_for_selector(".pg-desk .pg-desk-answer", timeout=90_000)
    wait_for(desk, 4)
    assert len(saved(lab)) == 5


def focused(page) -> str:
    return page.evaluate("(e => e.tagName === 'BUTTON' ? e.innerText.trim() : '')(document.activeElement)")


def tab_to(page, text: str) -> None:
    if not page.evaluate("document.activeElement.closest('.pg-desk') !== null"):
        page.locator(".pg-desk button").first.focus()
    for _ in range(20):
        if text in focused(page):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reached {text!r}")


def test_by_keyboard_alone_to_the_report(lab, desk):
    tab_to(desk, "Right is better")
    lab.screenshot(desk, "desk_focus")
    start = int(desk.locator(".pg-desk-bar b").inner_text().split()[1])
    for number in range(start, 24):
        desk.keyboard.press("Enter" if number % 2 else "Space")
        wait_for(desk, number + 1)
        assert "Right is better" in focused(desk)  # the focus stays, so the next press is the next verdict
    desk.keyboard.press("Enter")
    desk.locator(".pg-desk-bar b", has_text="All 24 pairs judged").wait_for()
    lab.screenshot(desk, "desk_done")
    tab_to(desk, "Open the report")
    desk.keyboard.press("Enter")
    desk.locator(".pg-desk-table").first.wait_for()
    assert "You and the truth" in desk.locator(".pg-desk").inner_text()
    lab.screenshot(desk, "desk_report")
    tab_to(desk, "Export as training pairs")
    desk.keyboard.press("Space")
    desk.get_by_text("training pairs written").wait_for()
    assert (lab.folder / "annotations" / "desk_pairs.jsonl").is_file()
    desk.set_viewport_size({"width": 560, "height": 1600})
    assert desk.locator(".pg-desk").evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    lab.screenshot(desk, "desk_560")
    desk.set_viewport_size({"width": 1280, "height": 1000})
