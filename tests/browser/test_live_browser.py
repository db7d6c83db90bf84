"""DPO live in a real browser: JupyterLab, Chromium, started by the mouse, paused by the keyboard."""

import pytest

from tests.browser.conftest import screenshot
from tests.browser.keyboard import tab_until

pytestmark = pytest.mark.browser

CELL = """import os, random
os.environ["PEDAGOGY_CACHE"] = "cache"
from pedagogy import training
from pedagogy.widgets import DPOLive
training.KL_SAMPLES, training.KL_TOKENS = 2, 8
draw = random.Random(0)
words = "loosen the lug nuts then raise the car with a jack".split()
text = lambda end: " ".join(draw.choices(words, k=5)) + end
pairs = [{{"prompt": text("?"), "chosen": text("."), "rejected": text("?")}} for _ in range(40)]
prompt = "<script>hacked = 1</script> How do I change a tire?"
live = DPOLive({policy!r}, pairs, prompt=prompt, truth=lambda x, y: len(y.split()), epochs=40, lr=1e-3,
               batch_size=4, max_new_tokens=24)
live"""


@pytest.fixture(scope="module")
def notebook(lab, folders):
    cell = CELL.format(policy=str(folders["llama"]))
    with lab.open("live.ipynb", cell, "'a cell below'", ready=".pg-live") as notebook:
        yield notebook


@pytest.fixture
def live(notebook):
    with notebook.fresh(".pg-live", "button") as page:
        yield page


STEP = "Number(document.querySelector('.pg-live-bar').getAttribute('aria-valuenow'))"


def past(page, step: int) -> int:
    """Wait until the run is past this step; where it is then."""
    page.wait_for_function(f"document.querySelector('.pg-live-bar') && {STEP} > {step}", timeout=90_000)
    return page.evaluate(STEP)


def main_button(page, text: str) -> None:
    page.wait_for_selector(f".pg-live button:has-text('{text}')", timeout=60_000)


def test_start_by_mouse_pause_and_go_on_by_keyboard(notebook, live):
    live.get_by_role("button", name="▶ Start").click()
    past(live, 1)
    before = live.locator(".pg-live-now").inner_text()
    live.wait_for_selector("svg[aria-label*='ln 2']")
    assert live.evaluate("document.activeElement.innerText").endswith("Pause")  # the focus has stayed
    live.wait_for_function(
        "was => document.querySelector('.pg-live-now').innerText !== was", arg=before, timeout=60_000
    )
    live.keyboard.press("Space")
    main_button(live, "Resume")
    live.wait_for_selector("text=/Run 1: paused/")
    live.wait_for_timeout(1500)  # the piece that was at work is shown
    halted = live.evaluate(STEP)
    live.wait_for_timeout(1000)
    assert live.evaluate(STEP) == halted

    first = "e === document.querySelector('.pg-live .noUi-handle')"
    tab_until(live, first, back=True)  # β, by the arrow keys
    live.keyboard.press("ArrowRight")
    live.wait_for_selector(".pg-say:has-text('next start')")
    screenshot(live, "live_paused")
    live.get_by_role("button", name="▶ Resume").focus()
    live.keyboard.press("Enter")
    past(live, halted)
    live.get_by_role("button", name="■ Stop").focus()
    live.keyboard.press("Space")
    main_button(live, "Start")
    live.wait_for_selector(".pg-live-runs td:has-text('stopped')")

    live.get_by_role("button", name="▶ Start").click()  # again, with the other β
    past(live, 0)
    live.wait_for_function("document.querySelectorAll('.pg-live-runs tbody tr').length === 2")
    betas = live.locator(".pg-live-runs tbody tr td:nth-child(2)").all_inner_texts()
    assert betas == ["0.1", "0.2"]
    live.get_by_role("button", name="■ Stop").click()
    main_button(live, "Start")
    notebook.assert_fits(".pg-live", "live", (1280, 1000, 560), 2000)


def test_running_the_cell_again_ends_the_run(live):
    live.get_by_role("button", name="▶ Start").click()
    past(live, 0)
    cell = live.locator(".jp-Notebook .jp-Cell").nth(1).locator(".cm-content")
    cell.click()
    live.keyboard.press("Control+a")
    live.keyboard.type("import threading; old = live; live = DPOLive(old.state.policy, pairs)")
    live.keyboard.press("Enter")
    live.keyboard.type(
        "old.wait(30), old.runs.status.tolist(), any(t.name == 'DPO live' for t in threading.enumerate())"
    )
    live.keyboard.press("Control+Enter")
    live.wait_for_selector("text=(True, ['stopped'], False)", timeout=60_000)
