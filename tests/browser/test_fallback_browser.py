"""The pages that stand in for widgets where no kernel runs: read by axe-core, light, dark and on a phone."""

import pytest

from pedagogy.widgets import (
    AnnotationDesk,
    DPOLive,
    EpisodeStepper,
    GapExplorer,
    OrderBuilder,
    ParetoExplorer,
    RowBrowser,
)
from tests.browser import axe
from tests.browser.conftest import new_page, screenshot
from tests.conftest import make_pairs

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("quick_and_apart")]

ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
THEMES = {  # JupyterLab's own colours
    "light": {"content-font-color1": "#212121", "layout-color0": "#fff", "layout-color2": "#eee",
              "border-color2": "#e0e0e0"},
    "dark": {"content-font-color1": "#fff", "layout-color0": "#111", "layout-color2": "#424242",
             "border-color2": "#616161"},
}  # fmt: skip


def answer(text: str, ratings: str, score: float) -> dict:
    rated = {k: {"Rating": r, "Rationale": "So."} for k, r in zip(ASPECTS, ratings, strict=True)}
    return {
        "model": "sim",
        "response": text,
        "annotations": rated,
        "critique": "Good.",
        "overall_score": score,
    }


ROWS = [
    {"source": source, "instruction": f"How do I {what}?", "completions": [
        answer("Loosen the nuts, then raise the car. " * 60, "5435", 8.0), answer("Use a jack.", "3454", 8.0),
        answer("```python\nprint(1)\n```", "2443", 3.0), answer("No.", "1111", 1.0)]}
    for source, what in (("car", "change a tire"), ("kitchen", "boil an egg"))
]  # fmt: skip


def gap(folders, home):
    explorer = GapExplorer(folders["gpt2"], folders["gpt2-bos"], ROWS, picks=home / "picks.jsonl", bugs=True)
    explorer.guess.value = 1
    explorer.reveal.click()
    explorer.bugs["pad counted"].value = True
    return explorer


def order(folders, home):
    return OrderBuilder("abcd", [("a", "b"), ("b", "c"), ("a", "d")])


def cycle(folders, home):
    return OrderBuilder("abc", [("a", "b"), ("b", "c"), ("c", "a")])


def pareto(folders, home):
    return ParetoExplorer(ROWS)


def rows(folders, home):
    return RowBrowser(ROWS)


def empty(folders, home):
    browser = RowBrowser(ROWS)
    browser.search.value = "nowhere"
    return browser


def desk(folders, home):
    return AnnotationDesk(ROWS, file=home / "desk.jsonl", repeats=1)


def report(folders, home):
    game = AnnotationDesk(ROWS, file=home / "report.jsonl", repeats=1, truth=lambda x, y: len(y))
    for i in range(len(game.state.queue)):
        game.buttons["left" if i % 2 else "right"].click()
    game.look.click()
    assert game.report
    return game


def stepper(folders, home):
    game = EpisodeStepper(folders["llama"], "Why?", lambda x, y: len(y), top_k=5, max_new_tokens=6, seed=0)
    for take in (game.sample, game.undo, game.finish, game.back, game.greedy):
        take.click()
    return game


def live(folders, home):
    game = DPOLive(
        folders["llama"], make_pairs(24), truth=lambda x, y: len(y), batch_size=8, max_new_tokens=8
    )
    game.start()
    assert game.wait(120)
    return game


GAMES = [gap, order, cycle, pareto, rows, empty, desk, report, stepper, live]


NAMELESS = """[...document.querySelectorAll('img, svg')].filter(picture =>
    !picture.closest('[aria-hidden=true]') && !picture.alt && !picture.getAttribute('aria-label')).length"""


def document(title: str, html: str, theme: str) -> str:
    colours = "".join(f"--jp-{name}: {value};" for name, value in THEMES[theme].items())
    style = f":root {{{colours}}} body {{background: var(--jp-layout-color0)}}"
    head = f'<head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
    return f'<!DOCTYPE html><html lang="en">{head}<body><main>{html}</main></body></html>'


@pytest.mark.parametrize("make", GAMES, ids=lambda make: make.__name__)
def test_axe_finds_nothing_serious_and_it_fits_a_phone(make, folders, tmp_path, chromium):
    html = make(folders, tmp_path)._repr_mimebundle_()["text/html"]
    for theme, width in (("light", 1280), ("dark", 390)):
        page, errors = new_page(chromium, width)
        page.set_content(document(make.__name__, html, theme))
        screenshot(page, f"static_{make.__name__}_{theme}")
        assert not errors and not axe.violations(page), theme
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, theme
        assert page.evaluate(NAMELESS) == 0
        page.close()
