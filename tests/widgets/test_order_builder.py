"""The order builder without a browser: what follows from the pairs, the picture, the controls."""

from itertools import pairwise, permutations, product
from xml.etree import ElementTree

import ipywidgets as ui
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedagogy
from pedagogy.orders import OrderError, PreferenceOrder
from pedagogy.widgets import OrderBuilder, order_page
from pedagogy.widgets.gap_state import Problem
from pedagogy.widgets.hasse import COVER, CYCLE, HEIGHT, IMPLIED, STATED, diagram
from pedagogy.widgets.hasse_draw import png, svg
from pedagogy.widgets.order_state import OrderState
from tests.widgets.conftest import TRAPS, assert_widget_page_and_picture, widgets

NASTY = "<img src=x onerror=alert(1)> & \"q\" 'r'"


@st.composite
def relations(draw, most=5, acyclic=False):
    """Elements and some pairs of different ones; `acyclic`: all along one ranking."""
    elements = "abcdefghijkl"[: draw(st.integers(2, most))]
    ranking = draw(st.permutations(elements))
    pairs = [(a, b) for i, a in enumerate(ranking) for b in ranking[i + 1 :]]
    if not acyclic:
        pairs += [(b, a) for a, b in pairs]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2 * most))
    return list(elements), chosen


def fact(state: OrderState, name: str) -> str:
    return dict(state.facts())[name]


# What follows, against definitions written out


def agrees(ranking, pairs) -> bool:
    return all(ranking.index(a) < ranking.index(b) for a, b in pairs)


@given(relations())
def test_linear_extensions_are_counted(relation):
    elements, pairs = relation
    state = OrderState(elements, pairs)
    rankings = [r for r in permutations(elements) if agrees(r, pairs)]
    assert fact(state, "Linear extensions").startswith(f"{len(rankings)} of ")
    if 0 < len(rankings) <= 4:
        assert all(" ≻ ".join(r) in fact(state, "Linear extensions") for r in rankings)
    assert ("cycle" in state.verdict().lower().replace("no cycle", "")) == (not rankings)


@given(relations(most=4))
def test_a_reward_is_claimed_exactly_where_some_numbers_do(relation):
    elements, pairs = relation
    state = OrderState(elements, pairs)
    above = state.order.closure().pairs

    def represents(numbers):
        r = dict(zip(elements, numbers, strict=True))
        return all(((a, b) in above) == (r[a] > r[b]) for a in elements for b in elements)

    exists = any(map(represents, product(range(len(elements)), repeat=len(elements))))
    assert fact(state, "Is there a reward?").startswith("Yes" if exists else "No")


def test_each_kind_of_order_is_named():
    assert "Nothing is stated" in OrderState("abc").verdict()
    assert "total" in OrderState("abc", [("a", "b"), ("b", "c")]).verdict()
    assert "weak order" in OrderState("abc", [("a", "b"), ("a", "c")]).verdict()
    partial = OrderState("abc", [("a", "b")])
    assert "strict partial order." in partial.verdict()
    assert "c" in fact(partial, "Is there a reward?") and "equally good" in fact(
        partial, "Is there a reward?"
    )


def test_a_cycle_is_named_and_what_is_gone_says_why():
    state = OrderState("abcd", [("a", "b"), ("b", "c"), ("c", "a")])
    assert "a ≻ b ≻ c ≻ a" in state.verdict() and "remove a ≻ b or b ≻ c or c ≻ a" in state.verdict()
    assert "irreflexive" in fact(state, "Implied by transitivity")
    assert "no layers" in fact(state, "Hasse diagram")
    assert "0 of 24" in fact(state, "Linear extensions") and "prefers another" in fact(
        state, "Linear extensions"
    )
    assert "r(a) > r(b) > r(c) > r(a)" in fact(state, "Is there a reward?")
    assert fact(state, "Maximal") == "d"


def test_very_many_cycles_are_not_enumerated():
    elements = "abcdefghijkl"
    state = OrderState(elements, [(a, b) for a in elements for b in elements if a != b])
    assert fact(state, "Cycles").startswith("more than 20: ")


def test_a_stated_pair_that_follows_from_others_is_told():
    state = OrderState("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    assert "nothing more" in fact(state, "Implied by transitivity")
    assert "it follows from the rest: a ≻ c" in fact(state, "Implied by transitivity")


# What the learner does


@given(st.lists(st.tuples(st.sampled_from(["add", "remove"]), *[st.sampled_from("abc")] * 2), max_size=12))
def test_undo_leads_back_step_by_step(moves):
    state = OrderState("abc")
    seen = [list(state.pairs)]
    for name, a, b in moves:
        try:
            getattr(state, name)(a, b)
        except Problem as problem:
            assert str(problem)
            assert state.pairs == seen[-1]  # refused: nothing changed
        else:
            seen.append(list(state.pairs))
            assert state.order == PreferenceOrder.from_pairs(state.pairs, "abc")
    while len(seen) > 1:
        seen.pop()
        state.undo()
        assert state.pairs == seen[-1]
    with pytest.raises(Problem, match="nothing to undo"):
        state.undo()


MISTAKES = [
    ("add", "a", "a", "irreflexive"),
    ("add", "a", "b", "stated already"),
    ("remove", "c", "a", "nothing to remove"),
    ("remove", "a", "c", "follows from a ≻ b ≻ c"),
    ("remove", "a", "a", "nothing to remove"),
]


@pytest.mark.parametrize("act, a, b, why", MISTAKES)
def test_mistakes_are_explained(act, a, b, why):
    state = OrderState("abc", [("a", "b"), ("b", "c")])
    with pytest.raises(Problem, match=why):
        getattr(state, act)(a, b)


def test_adding_what_followed_and_removing_what_still_follows_is_noted():
    state = OrderState("abc", [("a", "b"), ("b", "c")])
    state.add("a", "c")
    assert "followed already: a ≻ b ≻ c" in state.notice
    state.remove("a", "c")
    assert "still follows" in state.notice


def test_typed_elements_keep_their_pairs_and_drop_the_others():
    state = OrderState("abc", [("a", "b"), ("b", "c")])
    state.type_elements(" b, c ,x ")
    assert state.elements == ["b", "c", "x"] and state.pairs == [("b", "c")] and "a ≻ b" in state.notice
    state.undo()
    assert state.elements == ["a", "b", "c"] and len(state.pairs) == 2
    state.type_elements("Paris, France; Rome, Italy")
    assert state.elements == ["Paris, France", "Rome, Italy"] and state.text == "Paris, France; Rome, Italy"


@pytest.mark.parametrize("text, why", [("a,,b", "without a name"), ("a,a", "twice"), ("a", "give 2 to 12")])
def test_elements_that_cannot_be_are_explained(text, why):
    with pytest.raises(Problem, match=why):
        OrderState("ab").type_elements(text)


@pytest.mark.parametrize("pairs", [[("a", "z")], [("a", "a")], [("a", "b"), ("a", "b")], ["ab"]])
def test_wrong_pairs_in_the_call_are_errors(pairs):
    with pytest.raises(OrderError):
        OrderBuilder("abc", pairs)


def test_elements_of_a_product_order_have_readable_names():
    state = OrderState(product(["good", "bad"], ["big", "small"]), [(("good", "big"), ("bad", "small"))])
    assert state.pairs == [("good & big", "bad & small")]


# The picture


@given(relations(most=9, acyclic=True), st.booleans())
def test_a_hasse_diagram_shows_each_pair_once_and_higher_is_preferred(relation, implied):
    order = PreferenceOrder.from_pairs(relation[1], relation[0])
    picture = diagram(order, implied)
    kinds = [kind for _, kind in picture.lines]
    assert kinds.count(COVER) == len(order.hasse().pairs) and set(kinds) <= {COVER, IMPLIED}
    assert kinds.count(IMPLIED) == implied * len(order.closure().pairs - order.hasse().pairs)
    for a, b in order.closure().pairs:
        assert picture.boxes[a][1] + HEIGHT < picture.boxes[b][1]
    for points, _ in picture.lines:
        assert all(low < high for (_, low), (_, high) in pairwise(points))  # downwards all the way


@given(relations(most=9, acyclic=True), st.booleans())
def test_no_box_hides_another_or_a_line(relation, implied):
    names = {a: a * (i + 1) for i, a in enumerate(relation[0])}  # of different lengths
    order = PreferenceOrder.from_pairs([(names[a], names[b]) for a, b in relation[1]], names.values())
    picture, (right, bottom) = diagram(order, implied), diagram(order, implied).size
    for name, (x, y) in picture.boxes.items():
        half = picture.widths[name] / 2
        assert half <= x <= right - half and HEIGHT / 2 <= y <= bottom - HEIGHT / 2
        for other, (u, v) in picture.boxes.items():
            assert name == other or abs(x - u) > half + picture.widths[other] / 2 or abs(y - v) > HEIGHT
        for points, _ in picture.lines:
            assert not [p for p in _along(points) if abs(p[0] - x) < half and abs(p[1] - y) < HEIGHT / 2 - 1]


def _along(points, steps=40):
    for (x0, y0), (x1, y1) in pairwise(points):
        yield from ((x0 + (x1 - x0) * t / steps, y0 + (y1 - y0) * t / steps) for t in range(steps + 1))


@given(relations(most=9))
def test_on_a_cycle_every_stated_pair_is_an_arrow_and_the_cycle_is_marked(relation):
    order = PreferenceOrder.from_pairs(relation[1], relation[0])
    picture = diagram(order)
    cycle = order.cycle()
    if cycle is None:
        return
    kinds = [kind for _, kind in picture.lines]
    assert kinds.count(CYCLE) == len(cycle) and kinds.count(STATED) == len(order.pairs) - len(cycle)
    assert set(picture.cycle) == set(cycle) and repr(cycle) in picture.said
    assert len({points[0] + points[-1] for points, _ in picture.lines}) == len(
        order.pairs
    )  # a ≻ b, b ≻ a: two
    drawn = svg(picture)
    assert drawn.count("<polygon") == len(order.pairs) and f'class="pg-{CYCLE}"' in drawn


def test_fewer_lines_cross_than_as_given():
    pairs = [("a", "f"), ("b", "e"), ("c", "d")]  # crossed three times where each layer keeps its order
    picture = diagram(PreferenceOrder.from_pairs(pairs, "abcdef"))
    assert all(abs(points[0][0] - points[-1][0]) < 1 for points, _ in picture.lines)


@pytest.mark.parametrize("pairs", [[], [(NASTY, "b")], [(NASTY, "b"), ("b", NASTY)]])
def test_pictures_are_well_formed_with_any_names(pairs):
    state = OrderState([NASTY, "b", "$x_1$"], pairs)
    tree = ElementTree.fromstring(svg(order_page.picture(state, True)))
    assert tree.get("role") == "img" and "b" in tree.get("aria-label")
    assert {e.tag.split("}")[1] for e in tree.iter()} <= {
        "svg",
        "g",
        "title",
        "rect",
        "text",
        "polyline",
        "polygon",
    }
    assert NASTY in [e.text for e in tree.iter() if e.tag.endswith("title")]
    assert png(order_page.picture(state)).startswith(b"\x89PNG")


# The controls


def test_the_course_exports_it():
    assert pedagogy.OrderBuilder is OrderBuilder


def put(builder, a: str, b: str) -> None:
    builder.first.value, builder.second.value = a, b
    builder.add.click()


def test_three_clicks_state_a_pair_and_everything_follows_at_once():
    builder = OrderBuilder(["a", "b", "c"])
    put(builder, "a", "b")
    put(builder, "b", "c")
    assert builder.add.description == "Add b ≻ c" and builder.remove.description == "Remove b ≻ c"
    assert builder.order == PreferenceOrder.from_pairs([("a", "b"), ("b", "c")])
    assert "a ≻ c" in builder.facts.value and "1 of 6 rankings" in builder.facts.value
    assert "pg-broken" not in builder.verdict.value.split("</style>")[-1]
    put(builder, "c", "a")
    assert "A cycle: a ≻ b ≻ c ≻ a" in builder.verdict.value and "pg-state pg-broken" in builder.verdict.value
    assert "0 of 6 rankings" in builder.facts.value and f'class="pg-{CYCLE}"' in builder.facts.value
    builder.undo.click()
    assert "1 of 6 rankings" in builder.facts.value
    builder.clear.click()
    assert builder.order.pairs == set() and "Undo" in builder.message.value


def test_implied_pairs_are_drawn_on_demand():
    builder = OrderBuilder("abc", [("a", "b"), ("b", "c")])
    assert "pg-implied" not in builder.facts.value
    builder.implied.value = True
    assert "pg-implied" in builder.facts.value and "Dotted" in builder.facts.value


def test_mistakes_show_and_vanish():
    builder = OrderBuilder("ab")
    builder.second.value = "a"
    builder.add.click()
    assert "irreflexive" in builder.message.value
    builder.second.value = "b"
    assert "irreflexive" not in builder.message.value
    builder.names.value = "a, a"
    assert "twice" in builder.message.value and builder.names.value == "a, a"  # there to be mended
    builder.names.value = f"a, {NASTY}"
    assert builder.second.value == NASTY and "<img" not in builder.facts.value + builder.message.value


def test_an_unforeseen_error_is_shown(monkeypatch):
    builder = OrderBuilder("ab")
    monkeypatch.setattr(builder.state, "undo", lambda: 1 / 0)
    builder._do(lambda: builder.state.undo())
    assert "ZeroDivisionError" in builder.message.value


def test_controls_are_safe_under_jupyterlabs_keys_and_say_what_they_do():
    every = list(widgets(OrderBuilder()))
    assert not [w for w in every if isinstance(w, TRAPS)]
    assert all(w.tooltip for w in every if isinstance(w, ui.Button | ui.Text | ui.Checkbox))


def test_one_bundle_has_the_widget_a_page_and_a_picture():
    builder = OrderBuilder("abc", [("a", "b")])
    assert_widget_page_and_picture(builder._repr_mimebundle_(), "<svg", "strict partial order")
    put(builder, "b", "a")
    assert "A cycle: a ≻ b ≻ a" in builder._repr_mimebundle_()["text/html"]
