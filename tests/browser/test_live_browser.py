"""DPO live in a real browser: JupyterLab, Chromium, started by the mouse, paused by the keyboard."""

import pytest

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
    page, errors = lab.open("live.ipynb", CELL.format(policy=str(folders["llama"])), "'a cell below'")
    page.wait_for_selector(".pg-live", timeout=90_000)
    yield page, errors
    page.close()


@pytest.fixture
def live(lab, notebook):
    """A fresh widget. At the end: no error on the console, no markup of the data run, no cell changed."""
    page, errors = notebook
    page.evaluate("document.querySelectorAll('.pg-live').forEach(game => game.dataset.old = 1)")
    lab.run_all(page)
    page.wait_for_selector(".pg-live:not([data-old])", timeout=60_000)
    page.wait_for_function("document.querySelectorAll('.pg-live[data-old]').length === 0")
    yield page
    assert not errors and page.evaluate("window.hacked") is None
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2  # no key cut, moved or added one


STEP = "Number(document.querySelector('.pg-live-bar').getAttribute('aria-valuenow'))"


def past(page, step: int) -> int:
    """Wait until the run is past this step; where it is then."""
    page.wait_for_function(f"document.querySelector('.pg-live-bar') && {STEP} > {step}", timeout=90_000)
    return page.evaluate(STEP)


def main_button(page, text: str) -> None:
    page.wait_for_selector(f".pg-live button:has-text('{text}')", timeout=60_000)


def test_start_by_mouse_pause_and_go_on_by_keyboard(lab, live):
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

    tab_to_slider(live)  # β, by the arrow keys
    live.keyboard.press("ArrowRight")
    live.wait_for_selector(".pg-say:has-text('next start')")
    lab.screenshot(live, "live_paused")
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
    for width in (1280, 1000, 560):
        live.set_viewport_size({"width": width, "height": 2000})
        live.wait_for_timeout(300)
        lab.screenshot(live, f"live_{width}")
        assert live.locator(".pg-live").evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    live.set_viewport_size({"width": 1280, "height": 1000})


def tab_to_slider(page) -> None:
    """The handle of the first slider, from the button after it, by Shift+Tab alone."""
    first = "document.activeElement === document.querySelector('.pg-live .noUi-handle')"
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(first):
            return
    raise AssertionError("Shift+Tab never reached the first slider")


def test_running_the_cell_again_ends_the_run(lab, live):
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
