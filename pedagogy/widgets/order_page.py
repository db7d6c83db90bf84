"""What the order builder shows, as HTML, and as a picture for readers without a kernel."""

from __future__ import annotations

from html import escape

from .gap_page import page
from .hasse import Diagram, diagram
from .hasse_draw import svg
from .order_state import OrderState

STYLE = """<style>
.pg-order {display: grid; gap: 8px 28px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr))}
.pg-page .pg-order figure {margin: 0} .pg-order figcaption {font-size: 12.5px; opacity: .85}
.pg-page dl.pg-facts {display: grid; grid-template-columns: minmax(90px, 150px) 1fr; gap: 5px 14px;
  margin: 0; font-size: 13.5px; overflow-wrap: anywhere}
.pg-page .pg-facts :is(dt, dd) {float: none; width: auto; margin: 0; padding: 0}
.pg-page .pg-facts dt {font-weight: 600; overflow-wrap: normal}
.pg-page .pg-state {font-size: 16px; margin: 4px 0 8px; padding: 5px 12px;
  border-left: 4px solid currentColor; overflow-wrap: anywhere}
.pg-page .pg-state.pg-broken {border: 4px dashed #d55e00; border-radius: 4px; font-weight: 600}
</style>"""


def picture(state: OrderState, implied: bool = False) -> Diagram:
    top = () if state.order.cycle() else state.order.maximal()
    return diagram(state.order, implied, strong=top)


def verdict(state: OrderState) -> str:
    broken = " pg-broken" if state.order.cycle() else ""
    sign = "⟳ " if broken else ""
    return f'{STYLE}<div class="pg-state{broken}" role="status">{sign}{escape(state.verdict())}</div>'


def legend(state: OrderState, implied: bool) -> str:
    if state.order.cycle():
        return "Arrows run from the preferred element to the other. Thick and dashed: the cycle."
    more = " Dotted: implied, and not covering." if implied else ""
    return f"Higher is preferred, along the lines; thick edge: maximal.{more}"


def facts(state: OrderState, implied: bool = False) -> str:
    """The picture, and beside it what follows."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in state.facts())
    caption = f"<figcaption>{legend(state, implied)}</figcaption>"
    return (
        f'{STYLE}<div class="pg-order"><figure>{svg(picture(state, implied))}{caption}</figure>'
        f'<dl class="pg-facts">{rows}</dl></div>'
    )


def static(state: OrderState) -> str:
    """The same where no kernel runs."""
    return page(f"<h3>The order builder</h3>{verdict(state)}{facts(state)}")
