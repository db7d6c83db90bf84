"""Every notebook as a learner meets it: opened stripped in JupyterLab, run to its end, and looked at."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from pedagogy.publish.execute import BESIDE, NOTEBOOKS, ROOT, course
from tests.browser.conftest import new_page, screenshot

pytestmark = pytest.mark.browser

SECONDS = 900  # 06 trains; on a busy machine with one core for the kernel this is not too many
RED = "mjx-merror, [data-mjx-error], mjx-container [fill=red]"
TEX = """() => [...document.querySelectorAll('.jp-MarkdownCell .jp-RenderedMarkdown')].map(text => {
    const prose = text.cloneNode(true);
    prose.querySelectorAll('mjx-container, code, pre').forEach(part => part.remove());
    return prose.textContent; }).filter(prose => /[$\\\\]/.test(prose))"""  # "$" or a backslash
FAILED = "[data-mime-type='application/vnd.jupyter.error']"
RUN = """failed => document.querySelector(failed) || [...document.querySelectorAll('.jp-CodeCell')]
    .every(cell => /[0-9]/.test(cell.querySelector('.jp-InputArea-prompt')?.textContent))"""


@pytest.fixture(scope="module")
def home(lab):
    """The stripped notebooks in a folder of their own, beside what they read outside the package."""
    home = lab.folder / "course"
    for name in BESIDE:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, home / name)
    apart = shutil.ignore_patterns("exercises", "annotations", ".*")
    shutil.copytree(NOTEBOOKS, home / "notebooks", ignore=apart)
    copies = sorted((home / "notebooks").glob("*.ipynb"))
    subprocess.run([sys.executable, "-m", "nbstripout", *copies], check=True)
    return home


@pytest.mark.parametrize("original", course(), ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(lab, home, original):
    if original.stem == "06_dpo" and os.environ.get("CI"):
        pytest.skip("its training run costs minutes: in CI it runs once, in publish.executed, not here too")
    before, name = original.read_bytes(), f"course/notebooks/{original.name}"
    page, errors = new_page(lab.browser, height=1600)
    lab.visit(page, name)
    assert_math_is_right(page)
    screenshot(page, f"notebook_{original.stem}_opened")

    lab.run_all(page)
    page.wait_for_function(RUN, arg=FAILED, timeout=1000 * SECONDS, polling=500)
    assert not page.locator(FAILED).all_inner_texts()
    assert_math_is_right(page)
    assert page.get_by_text("Error displaying widget").count() == 0
    screenshot(page, f"notebook_{original.stem}")
    for i, game in enumerate(page.locator(".pg-game").all()):
        game.scroll_into_view_if_needed()
        page.wait_for_timeout(500)  # what comes into view is laid out only then, and moves the rest
        game.scroll_into_view_if_needed()
        screenshot(page, f"notebook_{original.stem}_widget_{i}")

    page.keyboard.press("Control+s")
    page.wait_for_selector(".lm-TabBar-tab.jp-mod-dirty", state="detached")  # written whole
    cells = code(home / "notebooks" / original.name)
    assert all(cell.execution_count for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs and not [output for output in outputs if output.output_type == "error"]
    assert not errors
    assert original.read_bytes() == before
    page.close()
    lab.end_sessions(name)


def assert_math_is_right(page) -> None:
    """Every formula is set: none is red, and no TeX is left in the text."""
    page.wait_for_selector(".jp-MarkdownCell mjx-container", state="attached")
    assert not page.locator(RED).all_inner_texts()
    assert not page.evaluate(TEX)


def code(path) -> list:
    return [
        cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code" and cell.source
    ]
