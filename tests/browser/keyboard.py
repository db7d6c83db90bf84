"""A widget by the keyboard alone: which button has the focus, how to come to one, and whether it is seen."""

GAME = ".pg-game"  # the class of every widget of the course

# The ring around what has the focus, as a browser draws it.
RING = """(style => `${style.outlineWidth} ${style.outlineStyle} ${style.outlineColor}`)(
    getComputedStyle(document.activeElement))"""
VISIBLE_RING = "3px solid rgb(240, 165, 0)"


def focused(page, text: str, nth: int | None = None) -> bool:
    """Has a button of a widget with this text the focus? `nth`: that one, of those with the same text."""
    script = """([game, text, nth]) => {
        const all = [...document.querySelectorAll(game + ' button')].filter(b => b.innerText.trim() === text);
        const at = all.indexOf(document.activeElement);
        return nth === null ? at >= 0 : at === nth }"""
    return page.evaluate(script, [GAME, text.strip(), nth])


def tab_to(page, text: str, nth: int | None = None, back: bool = False) -> None:
    """Press Tab (`back`: Shift+Tab) until that button has the focus, with a ring. It begins in a widget."""
    if not page.evaluate("game => document.activeElement.closest(game) !== null", GAME):
        page.locator(f"{GAME} :is(button, input)").first.focus()
    for presses in range(80):
        if focused(page, text, nth):
            assert presses == 0 or page.evaluate(RING) == VISIBLE_RING
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab never reached the button {text!r}")


def tab_until(page, true: str, back: bool = False) -> None:
    """Press Tab (or, `back`, Shift+Tab) until this is true of `e`, the element that has the focus."""
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate(f"(e => {true})(document.activeElement)"):
            return
    raise AssertionError(f"Tab never reached an element with {true}")
