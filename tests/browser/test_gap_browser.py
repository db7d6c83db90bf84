"""The gap explorer in a real browser: JupyterLab, Chromium, the mouse, then the keyboard alone."""

import json

import pytest

from tests.browser.conftest import screenshot, wait_until
from tests.browser.keyboard import tab_to, tab_until

pytestmark = pytest.mark.browser

ROWS = [
    [
        "How do I change a tire?",
        "Loosen the lug nuts, then raise the car.\nDo not hurry.",
        "Use a jack.",
        "No.",
    ],
    [
        "<script>hacked = 1</script>",
        '"><img src=x onerror="hacked = 1">',
        "<b onfocus='hacked = 1'>a & b</b>",
        "9.",
    ],
]
CELL = """from pedagogy.widgets import GapExplorer
rows = [{{"instruction": x, "completions": [{{"response": y}} for y in ys]}} for x, *ys in {rows!r}]
GapExplorer({policy!r}, {ref!r}, rows)"""


@pytest.fixture(scope="module")
def notebook(lab, folders):
    """A notebook with the explorer over ROWS, with a tiny random policy and reference."""
    lab.picks = lab.folder / "annotations" / "gap_picks.jsonl"
    cell = CELL.format(rows=ROWS, policy=str(folders["llama"]), ref=str(folders["qwen2"]))
    with lab.open("gap.ipynb", cell, "'a cell below'", ready=".pg-card") as notebook:
        yield notebook


@pytest.fixture
def explorer(lab, notebook):
    """A fresh explorer, without picks."""
    lab.picks.unlink(missing_ok=True)
    with notebook.fresh(".pg-gap", ".pg-card") as page:
        yield page


def picks(lab, n: int) -> list[dict]:
    """The picks on disk, once there are n of them."""
    wait_until(lambda: lab.picks.exists() and lab.picks.read_bytes().count(b"\n") == n)
    return [json.loads(line) for line in lab.picks.read_text().splitlines()]


def gap_shown(page) -> str:
    return page.locator(".pg-verdict b").inner_text()


def test_by_mouse(lab, explorer):
    explorer.get_by_role("button", name="y⁻ is likelier").click()
    assert explorer.locator(".pg-token").count() == 0
    explorer.get_by_role("button", name="Reveal").click()
    explorer.wait_for_selector("svg.pg-curves")
    first = gap_shown(explorer)
    assert first.endswith("nats") and explorer.locator(".pg-strip").count() == 2

    token = explorer.locator(".pg-token").first
    below = "getComputedStyle(document.querySelector('.pg-token'), '::after').display"
    assert explorer.evaluate(below) == "none"
    token.hover()
    assert explorer.evaluate(below) == "block"
    screenshot(explorer, "gap_mouse")

    explorer.get_by_role("button", name="Swap").click()
    flipped = first.translate(str.maketrans("+−", "−+"))
    explorer.wait_for_function(
        "want => document.querySelector('.pg-verdict b').innerText === want", arg=flipped
    )

    explorer.get_by_role("button", name="Next ▶").click()
    explorer.wait_for_selector("svg.pg-curves", state="detached")
    assert explorer.locator(".pg-card").nth(0).inner_text().endswith(ROWS[1][1])
    explorer.get_by_role("button", name="y⁺ is likelier").click()
    explorer.get_by_role("button", name="Reveal").click()
    explorer.wait_for_selector("svg.pg-curves")
    assert gap_shown(explorer) not in (first, flipped)

    saved = picks(lab, 3)
    assert [(p["prompt"], p["chosen"], p["rejected"]) for p in saved] == [
        tuple(ROWS[0][:3]),
        (ROWS[0][0], ROWS[0][2], ROWS[0][1]),
        tuple(ROWS[1][:3]),
    ]
    assert [p["guess"] for p in saved] == [-1, None, 1]


def test_by_keyboard_alone(lab, explorer):
    """Tab to a control, Space or Enter on it, arrows on the slider, text in the box."""
    tab_to(explorer, "Next ▶")
    explorer.keyboard.press("Shift+Tab")
    explorer.keyboard.press("Shift+Tab")  # from the slider's number to its handle
    explorer.keyboard.press("ArrowRight")
    explorer.wait_for_function(
        "want => document.querySelector('.pg-prompt').innerText === want", arg=ROWS[1][0]
    )
    explorer.keyboard.press("ArrowLeft")
    explorer.wait_for_function(
        "want => document.querySelector('.pg-prompt').innerText === want", arg=ROWS[0][0]
    )
    tab_to(explorer, "C", nth=1)  # the C of y⁻
    explorer.keyboard.press("Space")
    explorer.wait_for_selector(".pg-card.minus[aria-label*='Answer C']")
    tab_to(explorer, "my own", nth=0, back=True)
    explorer.keyboard.press("Enter")
    explorer.get_by_label("Your y⁺").wait_for()
    tab_to(explorer, "⇄ Swap")
    explorer.keyboard.press("Tab")
    assert explorer.evaluate("document.activeElement.tagName") == "TEXTAREA"
    explorer.keyboard.type("Raise the car & wait.")
    explorer.keyboard.press("Tab")
    tab_to(explorer, "y⁺ is likelier")
    explorer.keyboard.press("Space")
    tab_to(explorer, "Reveal")
    screenshot(explorer, "gap_keyboard_before")
    explorer.keyboard.press("Enter")
    explorer.wait_for_selector("svg.pg-curves")
    tab_until(explorer, "e.className === 'pg-token'")  # past the other buttons and the strip's own switch
    below = "getComputedStyle(document.activeElement, '::after').display"
    assert explorer.evaluate(below) == "block"
    screenshot(explorer, "gap_keyboard")
    [pick] = picks(lab, 1)
    assert (pick["chosen"], pick["rejected"], pick["guess"]) == ("Raise the car & wait.", ROWS[0][3], 1)


def test_it_fits_narrow_windows(notebook, explorer):
    explorer.get_by_role("button", name="y⁺ is likelier").click()
    explorer.get_by_role("button", name="Reveal").click()
    explorer.wait_for_selector("svg.pg-curves")
    notebook.assert_fits(".pg-gap", "gap", (1000, 560), 1400)


@pytest.fixture
def both(lab, folders):
    """An explorer with a reference that has the same tokens, and with bugs; its numbers revealed."""
    cell = CELL.format(rows=ROWS, policy=str(folders["gpt2"]), ref=str(folders["gpt2-bos"]))
    cell = cell.replace("rows)", "rows, bugs=True)")
    with lab.open("bugs.ipynb", cell, "'a cell below'", ready=".pg-card") as notebook:
        notebook.page.get_by_role("button", name="y⁺ is likelier").click()
        notebook.page.get_by_role("button", name="Reveal").click()
        notebook.page.wait_for_selector("svg.pg-curves")
        yield notebook
        notebook.assert_clean()


def test_two_policies_and_bugs(both):
    explorer = both.page
    explorer.get_by_role("button", name="log π − log π_ref", exact=True).click()
    explorer.wait_for_selector(".pg-sign")
    assert explorer.locator(".pg-strip").count() == 2
    assert explorer.locator(".pg-bugs tbody tr").count() == 1
    for wanted, bug in enumerate(("mean instead of sum", "pad counted"), 2):
        explorer.get_by_label(bug).focus()  # by keyboard: Space on the box
        explorer.keyboard.press("Space")
        explorer.wait_for_function(
            "n => document.querySelectorAll('.pg-bugs tbody tr').length >= n", arg=wanted
        )
    explorer.wait_for_selector("th:has-text('mean instead of sum + pad counted')")  # both at once
    both.assert_fits(".pg-gap", "gap_bugs", (1280, 1000, 560), 1500)
