"""The order builder and the Pareto explorer in a real browser: the mouse, then the keyboard alone."""

import re

import pytest

from tests.browser.conftest import screenshot
from tests.browser.keyboard import RING, VISIBLE_RING, focused, tab_to

pytestmark = pytest.mark.browser

CELL = """from pedagogy.widgets import OrderBuilder, ParetoExplorer
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
def answer(text, ratings, score):
    rated = {k: {"Rating": r} for k, r in zip(ASPECTS, ratings)}
    return {"response": text, "annotations": rated, "overall_score": score}
rows = [
    {"instruction": "How do I change a tire?", "completions": [
        answer("Loosen the nuts, then raise the car.", "5435", 8.0),
        answer("Use a jack.", "3454", 8.0),
        answer("Call somebody.", "2443", 3.0), answer("No.", "1111", 1.0)]},
    {"instruction": "<script>hacked = 1</script>", "completions": [
        answer("<img src=x onerror='hacked = 1'>", "5555", 1.0), answer("b & c", "1111", 9.0)]},
]
from IPython.display import display
display(OrderBuilder(["a", "b", "c", "<b onfocus='hacked = 1'>"]), ParetoExplorer(rows))"""


@pytest.fixture(scope="module")
def notebook(lab):
    cells = CELL, "'a cell below'"
    with lab.open("orders.ipynb", *cells, ready=".pg-pareto svg", height=1500) as notebook:
        yield notebook


@pytest.fixture
def games(notebook):
    """Both widgets afresh."""
    with notebook.fresh(".pg-game", ".pg-pareto svg") as page:
        yield page


def pick(page, side: int, name: str) -> None:
    buttons = page.locator(".pg-game").nth(0).locator(".widget-toggle-buttons").nth(side)
    buttons.locator("button", has_text=re.compile(f"^{re.escape(name)}$")).click()


def state(page, a: str, b: str) -> None:
    pick(page, 0, a)
    pick(page, 1, b)
    page.get_by_role("button", name=f"Add {a} ≻ {b}").click()
    page.wait_for_function(
        "t => document.querySelector('.pg-say')?.innerText.includes(t)", arg=f"Added {a} ≻ {b}"
    )


def facts(page) -> str:
    return page.locator(".pg-facts").inner_text()


def test_an_order_by_mouse(games):
    state(games, "a", "b")
    state(games, "b", "c")
    assert "1 pair: a ≻ c" in facts(games) and "4 of 24 rankings" in facts(games)
    assert games.locator(".pg-order polyline.pg-covering").count() == 2
    games.get_by_text("draw the implied pairs").click()
    games.wait_for_selector("polyline.pg-implied")
    games.locator(".pg-game").nth(0).scroll_into_view_if_needed()
    screenshot(games, "order_builder")

    state(games, "c", "a")
    games.wait_for_selector(".pg-broken")
    assert "a ≻ b ≻ c ≻ a" in games.locator(".pg-broken").inner_text()
    assert games.locator("polyline.pg-cycle").count() == 3
    width = "getComputedStyle(document.querySelector('polyline.pg-cycle')).strokeDasharray"
    assert games.evaluate(width) != "none"  # told by more than colour
    screenshot(games, "order_builder_cycle")
    games.get_by_role("button", name="Undo").click()
    games.wait_for_selector(".pg-broken", state="detached")
    assert "4 of 24 rankings" in facts(games)


def test_weights_by_mouse(games):
    pareto = games.locator(".pg-game").nth(1)
    assert "weighted sum: A;" in pareto.inner_text()
    slider = pareto.locator(".widget-slider .noUi-base").nth(1)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    games.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)
    games.wait_for_selector("text=instruction following × 0.00")
    pareto.get_by_text("The choice flipped, from A to B").wait_for()
    pareto.scroll_into_view_if_needed()
    screenshot(games, "pareto_explorer")
    pareto.get_by_role("button", name="Next where they disagree").click()
    pareto.locator(".pg-prompt", has_text="<script>hacked = 1</script>").wait_for()
    assert "dominated by A" in pareto.inner_text()


def test_by_keyboard_alone(games):
    """Tab to a control, Space or Enter on it, arrows on a slider, text in the box."""
    tab_to(games, "b", nth=1)  # over b
    games.keyboard.press("Space")
    tab_to(games, "Add a ≻ b")
    assert games.evaluate(RING) == VISIBLE_RING
    screenshot(games, "order_builder_focus")
    games.keyboard.press("Enter")
    games.wait_for_selector(".pg-order polyline.pg-covering", state="attached")
    assert focused(games, "Add a ≻ b", 0)  # still there: no need to find the way back
    games.keyboard.press("Enter")
    games.wait_for_selector("text=stated already")
    tab_to(games, "↶ Undo")
    games.keyboard.press("Space")
    games.wait_for_selector(".pg-order polyline.pg-covering", state="detached")

    tab_to(games, "Weigh all alike")
    for _ in range(2):
        games.keyboard.press("Shift+Tab")  # from the last slider's number to its handle
    games.keyboard.press("Home")
    games.wait_for_selector("text=helpfulness × 0.00")
    games.keyboard.press("ArrowRight")
    games.wait_for_selector("text=helpfulness × 0.02")  # 0.05 of 3.05
    assert games.evaluate(RING) == VISIBLE_RING
    screenshot(games, "pareto_explorer_focus")


def test_they_fit_narrow_windows(notebook, games):
    state(games, "a", "b")
    notebook.assert_fits(".pg-game", "orders", (1000, 560), 2400)
