"""The episode stepper in a real browser: JupyterLab, Chromium, the mouse, then the keyboard alone."""

import re
import statistics

import pytest

from tests.browser.conftest import screenshot
from tests.browser.keyboard import RING, VISIBLE_RING, tab_to

pytestmark = pytest.mark.browser

CELL = """import time
from pedagogy.widgets import EpisodeStepper
prompt = "<script>hacked = 1</script> How do I change a tire?"
stepper = EpisodeStepper({policy!r}, prompt, lambda x, y: len(y), top_k=6, max_new_tokens=60, seed=1)
take = stepper.state.env.step

def slow_when_hot(action):  # so that there is time to press Stop
    time.sleep(0.08 * (stepper.state.temperature == 2))
    return take(action)

stepper.state.env.step = slow_when_hot
stepper"""


@pytest.fixture(scope="module")
def notebook(lab, folders):
    cell = CELL.format(policy=str(folders["llama"]))
    with lab.open("stepper.ipynb", cell, "'a cell below'", ready=".pg-step .pg-bars") as notebook:
        yield notebook


@pytest.fixture
def stepper(notebook):
    with notebook.fresh(".pg-step", ".pg-bars") as page:
        yield page


def at(page, t: int) -> None:
    """Wait until the response has t tokens."""
    page.wait_for_function(
        "want => document.querySelector('.pg-now dd').innerText === want", arg=f"{t} of at most 60"
    )


def tokens(page) -> int:
    return int(page.locator(".pg-now dd").first.inner_text().split()[0])


def status(page) -> str:
    return page.locator(".pg-now").inner_text()


def press(page, name: str) -> None:
    page.get_by_role("button", name=re.compile(f"^{re.escape(name)}$")).click()


def ended(page) -> None:
    page.wait_for_function(
        "/ended by EOS|cut off/.test(document.querySelector('.pg-now').innerText)"
        " && ![...document.querySelectorAll('.pg-step button')].some(b => b.innerText.includes('Stop'))"
    )


def test_an_episode_by_mouse(stepper):
    assert "tire" in stepper.locator(".pg-x").inner_text()
    assert stepper.locator(".pg-acts button").count() == stepper.locator(".pg-bars > div").count() == 6
    action = stepper.locator(".pg-acts button").nth(1)
    bar = stepper.locator(".pg-bars > div").nth(1)
    beside = action.bounding_box(), bar.bounding_box()
    assert abs(beside[0]["y"] - beside[1]["y"]) <= 2  # a bar stands beside its button
    taken = action.inner_text()
    action.click()
    at(stepper, 1)
    assert taken in stepper.locator(".pg-say").first.inner_text()
    press(stepper, "Sample to the end")
    ended(stepper)
    assert stepper.locator(".pg-branch:visible").count() == 1
    screenshot(stepper, "stepper_end")
    press(stepper, "⇤ To the prompt")
    at(stepper, 0)
    stepper.get_by_label("or type").fill("<b>")
    press(stepper, "Append")
    stepper.wait_for_function("document.querySelectorAll('.pg-branch').length > 1")
    press(stepper, "End with EOS")
    stepper.wait_for_function("document.querySelector('.pg-now').innerText.includes('ended by EOS')")
    assert status(stepper).split()[-1] == "3"  # the reward: three characters
    screenshot(stepper, "stepper_mouse")

    stepper.locator(".pg-branch button:visible").first.click()
    stepper.wait_for_function("/here/.test(document.querySelector('.pg-branch').innerText)")
    assert stepper.locator("svg.pg-tree polyline").count() == 3


def test_playing_can_be_stopped_and_gone_on_with(stepper):
    stepper.locator(".pg-step .noUi-handle").focus()
    stepper.keyboard.press("End")
    stepper.wait_for_selector("text=temperature 2")
    tab_to(stepper, "Sample to the end", back=True)
    stepper.keyboard.press("Enter")
    stepper.wait_for_function("Number(document.querySelector('.pg-now dd').innerText.split(' ')[0]) >= 3")
    stepper.keyboard.press("Enter")  # the focus is still on the same button, which now says Stop
    stepper.wait_for_selector("text=Stopped.")
    stopped = tokens(stepper)
    stepper.wait_for_timeout(500)
    assert 3 <= tokens(stepper) == stopped < 60 and "open" in status(stepper)
    assert "Stopped." in stepper.locator(".pg-say").first.inner_text()
    screenshot(stepper, "stepper_stopped")


def test_by_keyboard_alone(stepper):
    """Tab to a control, Space or Enter on it; the focus stays where one goes on."""
    tab_to(stepper, stepper.locator(".pg-acts button").first.inner_text())
    for t in (1, 2, 3):
        stepper.keyboard.press("Enter" if t % 2 else "Space")
        at(stepper, t)
        assert stepper.evaluate(FIRST_ACTION)
    assert stepper.evaluate(RING) == VISIBLE_RING
    for _ in range(6):
        stepper.keyboard.press("Tab")
    assert stepper.evaluate("document.activeElement.tagName") == "INPUT"
    for text in (" zebra", "x"):
        before = tokens(stepper)
        stepper.keyboard.type(text)
        stepper.keyboard.press("Enter")
        stepper.wait_for_function(
            "t => Number(document.querySelector('.pg-now dd').innerText.split(' ')[0]) > t", arg=before
        )
        assert stepper.evaluate("document.activeElement.value") == ""
    grown = tokens(stepper)
    tab_to(stepper, "↶ Undo")
    stepper.keyboard.press("Space")
    at(stepper, grown - 1)
    tab_to(stepper, "Greedy to the end", back=True)
    stepper.keyboard.press("Enter")
    ended(stepper)
    tab_to(stepper, "Sample to the end", back=True)
    stepper.keyboard.press("Enter")
    stepper.wait_for_selector("text=there is no action")
    tab_to(stepper, "⇤ To the prompt")
    stepper.keyboard.press("Enter")
    at(stepper, 0)
    leaf = stepper.locator(".pg-branch button:visible").last.inner_text()
    tab_to(stepper, leaf)
    screenshot(stepper, "stepper_keyboard")
    stepper.keyboard.press("Space")
    stepper.wait_for_function("!document.querySelector('.pg-now dd').innerText.startsWith('0 ')")
    assert stepper.evaluate("document.activeElement.innerText") == leaf
    assert stepper.locator(".pg-branch.pg-here").count() == 1


FIRST_ACTION = "document.activeElement === document.querySelector('.pg-acts button')"


def test_it_fits_narrow_windows(notebook, stepper):
    press(stepper, "Greedy to the end")
    ended(stepper)
    press(stepper, "↶ Undo")
    press(stepper, "Sample one")
    notebook.assert_fits(".pg-step", "stepper", (1280, 1000, 560), 1700)


ROUND_TRIP = """() => new Promise(done => {
    const before = document.querySelector('.pg-now').innerText, start = performance.now();
    document.querySelector('.pg-acts button').click();
    const look = () => document.querySelector('.pg-now')?.innerText !== before
        ? done(performance.now() - start) : requestAnimationFrame(look);
    look() })"""


def test_a_round_trip_from_click_to_screen_is_quick(stepper):
    spent = []
    for _ in range(15):
        if "open" not in status(stepper):
            press(stepper, "⇤ To the prompt")
            at(stepper, 0)
        spent.append(stepper.evaluate(ROUND_TRIP))
    print(f"round trip: median {statistics.median(spent):.0f} ms")
    assert statistics.median(spent) <= 200  # ms on a busy machine; the kernel's share is tested apart
