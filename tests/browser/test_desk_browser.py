"""The annotation desk in a real browser: the mouse, the keyboard alone, and a kernel that was restarted."""

import json

import pytest

from tests.browser.conftest import screenshot
from tests.browser.keyboard import focused, tab_to

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
    with lab.open("desk.ipynb", CELL, "'a cell below'", ready=".pg-desk .pg-desk-answer") as notebook:
        yield notebook


@pytest.fixture
def desk(notebook):
    """A desk as a new session finds it."""
    with notebook.fresh(".pg-desk", ".pg-desk-bar") as page:
        yield page


def saved(lab) -> list[dict]:
    path = lab.folder / "annotations" / "desk.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def wait_for(page, pair: int) -> None:
    page.locator(".pg-desk-bar b", has_text=f"Pair {pair} of 24").wait_for()


def test_by_mouse_and_after_a_restart(lab, desk):
    assert "secret" not in desk.content().replace(json.dumps(CELL), "").split("pg-desk")[-1]
    screenshot(desk, "desk")
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
    lab.visit(desk, "desk.ipynb")
    lab.run_all(desk)
    desk.wait_for_selector(".pg-desk .pg-desk-answer", timeout=90_000)
    wait_for(desk, 4)
    assert len(saved(lab)) == 5


def test_by_keyboard_alone_to_the_report(lab, notebook, desk):
    tab_to(desk, "Right is better ▶")
    screenshot(desk, "desk_focus")
    start = int(desk.locator(".pg-desk-bar b").inner_text().split()[1])
    for number in range(start, 24):
        desk.keyboard.press("Enter" if number % 2 else "Space")
        wait_for(desk, number + 1)
        assert focused(desk, "Right is better ▶")  # the focus stays, so the next press is the next verdict
    desk.keyboard.press("Enter")
    desk.locator(".pg-desk-bar b", has_text="All 24 pairs judged").wait_for()
    screenshot(desk, "desk_done")
    tab_to(desk, "Open the report")
    desk.keyboard.press("Enter")
    desk.locator(".pg-desk-table").first.wait_for()
    assert "You and the truth" in desk.locator(".pg-desk").inner_text()
    screenshot(desk, "desk_report")
    tab_to(desk, "Export as training pairs")
    desk.keyboard.press("Space")
    desk.get_by_text("training pairs written").wait_for()
    assert (lab.folder / "annotations" / "desk_pairs.jsonl").is_file()
    notebook.assert_fits(".pg-desk", "desk", (560,), 1600)
