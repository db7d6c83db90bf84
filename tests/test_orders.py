"""Orders against their definitions, brute force over all rankings, networkx and scipy."""

import doctest
import math
import time
from itertools import combinations, islice, permutations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from pedagogy import orders
from pedagogy.orders import (
    OrderError,
    PreferenceOrder,
    best,
    compare_scores,
    condorcet_winner,
    kendall_tau,
    lexicographic,
    majority,
    pareto,
    product_order,
    rival_choices,
    rival_pairs,
    weighted_sum,
)

FIVE = "abcde"
ANY_PAIRS = st.lists(st.sampled_from(list(permutations(FIVE, 2))), unique=True)
RATINGS = st.fixed_dictionaries({name: st.tuples(*[st.integers(1, 3)] * 3) for name in FIVE})


def relation(pairs):
    return PreferenceOrder.from_pairs(pairs, elements=FIVE)


@st.composite
def acyclic(draw):
    """Pairs that all go down one hidden ranking."""
    ranking = draw(st.permutations(FIVE))
    return relation(draw(st.lists(st.sampled_from(list(combinations(ranking, 2))), unique=True)))


def closed(pairs):
    """The closure by its definition: add what transitivity asks until nothing is missing (no networkx)."""
    pairs = set(pairs)
    while missing := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
        pairs |= missing
    return pairs


def agreeing(order):
    """All rankings that contain the stated pairs, by brute force."""
    return [r for r in permutations(order.elements) if all(r.index(a) < r.index(b) for a, b in order.pairs)]


def test_docstring_examples():
    assert doctest.testmod(orders).failed == 0


# Properties and their witnesses


@given(ANY_PAIRS)
def test_checks_agree_with_definitions_and_witnesses_are_true(pairs):
    for order in (relation(pairs), relation(pairs).closure()):
        p = order.pairs
        transitive = all((a, d) in p for a, b in p for c, d in p if b == c)
        assert (order.not_transitive() is None) == transitive
        assert (order.not_asymmetric() is None) == (not any((b, a) in p for a, b in p))
        assert (order.not_irreflexive() is None) == (not any(a == b for a, b in p))
        assert order.is_strict_partial_order() == (transitive and all(a != b for a, b in p))
        if w := order.not_transitive():
            assert (w[0], w[1]) in p and (w[1], w[2]) in p and (w[0], w[2]) not in p
        if w := order.not_asymmetric():
            assert {w, w[::-1]} <= p
        if w := order.not_irreflexive():
            assert (w[0], w[0]) in p


@given(ANY_PAIRS)
def test_closure_is_the_definition_and_cycles_decide(pairs):
    order = relation(pairs)
    assert order.closure().pairs == closed(pairs)
    assert order.closure().closure() == order.closure()
    assert order.closure().is_strict_partial_order() == (order.cycle() is None) == (order.cycles() == [])
    assert all(order.prefers(a, b) == ((a, b) in closed(pairs)) for a, b in product(FIVE, repeat=2))


@given(ANY_PAIRS)
def test_cycles_are_those_of_brute_force(pairs):
    order = relation(pairs)
    paths = [path for k in range(2, 6) for path in permutations(FIVE, k) if path[0] == min(path)]
    loops = [path for path in paths if set(zip(path, path[1:] + path[:1], strict=True)) <= set(pairs)]
    assert sorted(order.cycles()) == sorted(loops)
    assert len(order.cycle() or ()) == min(map(len, loops), default=0)


def test_witnesses_print_as_reasons():
    chain = PreferenceOrder.from_pairs([("a", "b"), ("b", "c")])
    assert chain.not_transitive() == ("a", "b", "c")
    assert repr(chain.not_transitive()) == "a ≻ b and b ≻ c, but not a ≻ c"
    assert not chain.is_strict_partial_order() and chain.closure().is_strict_partial_order()
    loop = PreferenceOrder.from_pairs([("b", "c"), ("c", "a"), ("a", "b")])
    assert repr(loop.cycles()) == "[b ≻ c ≻ a ≻ b]"
    assert repr(loop.closure().not_irreflexive()).startswith("b ≻ b")
    both = PreferenceOrder.from_pairs([("a", "b"), ("b", "a")])
    assert repr(both.violations()[0]) == "a ≻ b and also b ≻ a"
    assert repr(PreferenceOrder.from_pairs([("a", "b")], ["a", "b", "z"])) == "PreferenceOrder(a ≻ b, z)"


def test_many_cycles_stop_at_the_bound_and_say_so():
    everything = PreferenceOrder.from_pairs(permutations(range(12), 2))
    with pytest.warns(UserWarning, match="more than 50 simple cycles"):
        assert len(everything.cycles(bound=50)) == 50
    assert len(everything.cycle()) == 2


# The generated order


@given(acyclic())
def test_hasse_is_the_least_with_the_same_closure(order):
    hasse = order.hasse()
    assert hasse.closure() == order.closure()
    between = {(a, c) for a, b in order.closure().pairs for d, c in order.closure().pairs if b == d}
    assert hasse.pairs == order.closure().pairs - between
    for pair in hasse.pairs:
        assert relation(hasse.pairs - {pair}).closure() != order.closure()


@given(acyclic())
def test_maximal_minimal_comparable_layers(order):
    p = order.closure().pairs
    assert order.maximal() == [a for a in FIVE if not any(y == a for _, y in p)] != []
    assert order.minimal() == [a for a in FIVE if not any(x == a for x, _ in p)] != []
    for a, b in product(FIVE, repeat=2):
        assert order.comparable(a, b) == (a == b or (a, b) in p or (b, a) in p)
    open_pairs = {frozenset(pair) for pair in order.incomparable_pairs()}
    assert len(open_pairs) == len(order.incomparable_pairs()) == 10 - len(p)
    depth = {a: i for i, layer in enumerate(order.layers()) for a in layer}
    assert depth.keys() == set(FIVE) and all(depth[a] < depth[b] for a, b in p)
    assert order.layers()[0] == order.maximal()


@given(acyclic())
def test_linear_extensions_are_those_of_brute_force(order):
    extensions = list(order.linear_extensions())
    assert sorted(extensions) == sorted(agreeing(order)) != []  # Szpilrajn: there is one
    assert order.count_linear_extensions() == len(extensions)
    shared = set.intersection(*(PreferenceOrder.from_ranking(r).pairs for r in extensions))
    assert shared == order.closure().pairs  # an order is all that its extensions agree on


@pytest.mark.parametrize(
    ("order", "count"),
    [
        (PreferenceOrder.from_pairs([]), 1),
        (PreferenceOrder.from_pairs([], range(20)), math.factorial(20)),
        (PreferenceOrder.from_ranking(range(20)), 1),
        (PreferenceOrder.from_pairs([(0, i) for i in range(1, 20)]), math.factorial(19)),
        (product_order(*[PreferenceOrder.from_ranking(range(3))] * 2), 42),  # Young tableaux of a 3×3 square
        (product_order(*[PreferenceOrder.from_ranking(range(2))] * 4), 1680384),  # the Boolean lattice B₄
    ],
)
def test_known_counts_of_linear_extensions(order, count):
    assert order.count_linear_extensions() == count


def test_counting_refuses_above_twenty_and_enumeration_is_lazy():
    antichain = PreferenceOrder.from_pairs([], range(21))
    with pytest.raises(OrderError, match="21 elements: counting is #P-complete"):
        antichain.count_linear_extensions()
    start = time.perf_counter()
    assert all(set(r) == set(range(21)) for r in islice(antichain.linear_extensions(), 3))
    assert time.perf_counter() - start < 5  # 21! of them would outlast us


@given(acyclic())
def test_weak_order_means_incomparability_is_transitive(order):
    alike = {(a, b) for a, b in product(FIVE, repeat=2) if a == b or not order.comparable(a, b)}
    weak = all((a, d) in alike for a, b in alike for c, d in alike if b == c)
    assert (order.not_weak() is None) == weak
    if witness := order.not_weak():
        a, b, c = witness
        assert not order.comparable(a, b) and not order.comparable(b, c) and order.prefers(a, c)


@given(st.dictionaries(st.sampled_from(FIVE), st.integers(-3, 3)))
def test_a_reward_gives_a_weak_order_and_only_its_order_counts(rewards):
    order = PreferenceOrder.from_rewards(rewards)
    assert order.is_strict_partial_order() and order.not_weak() is None
    assert order == PreferenceOrder.from_rewards({a: math.exp(r) + r**3 for a, r in rewards.items()})
    assert order == PreferenceOrder.from_pairs(order.pairs, rewards) and hash(order) is not None


# Several criteria, several voters


@given(RATINGS)
def test_pareto_is_the_product_order(scores):
    order = pareto(scores)
    assert order.is_strict_partial_order()
    levels = product_order(*[PreferenceOrder.from_ranking([3, 2, 1])] * 3)
    for a, b in permutations(FIVE, 2):
        assert order.prefers(a, b) == levels.prefers(scores[a], scores[b])
    named = {name: dict(zip("xyz", vector, strict=True)) for name, vector in scores.items()}
    assert pareto(named) == order


@given(RATINGS, st.permutations(range(3)), st.lists(st.floats(0.01, 9), min_size=3, max_size=3))
def test_scalarisations_extend_pareto(scores, priority, weights):
    better = pareto(scores).pairs
    summed = weighted_sum(scores, weights)
    for order in (lexicographic(scores, priority), PreferenceOrder.from_rewards(summed)):
        assert better <= order.pairs and order.not_weak() is None
    assert max(summed, key=summed.get) in pareto(scores).maximal()
    heavy = {
        aspect: 10.0 ** (3 - place) for place, aspect in enumerate(priority)
    }  # no sum of lesser ones wins
    assert PreferenceOrder.from_rewards(weighted_sum(scores, heavy)) == lexicographic(scores, priority)


def test_good_and_small_are_incomparable():
    things = product_order(
        PreferenceOrder.from_ranking(["good", "bad"]), PreferenceOrder.from_ranking(["big", "small"])
    )
    assert things.incomparable_pairs() == [(("good", "small"), ("bad", "big"))]
    assert things.maximal() == [("good", "big")] and things.count_linear_extensions() == 2


def test_equal_sums_tie_in_spite_of_rounding():
    sums = weighted_sum({"a": (1, 2, 0), "b": (0, 0, 1)}, (0.1, 0.1, 0.3))
    assert 0.1 * 1 + 0.1 * 2 != 0.3 * 1 and sums["a"] == sums["b"]


def test_condorcet():
    voters = [PreferenceOrder.from_ranking(r) for r in ("abc", "bca", "cab")]
    assert majority(voters).pairs == {("a", "b"), ("b", "c"), ("c", "a")}
    assert majority(voters).cycle() == ("a", "b", "c") and condorcet_winner(voters) is None
    assert condorcet_winner(voters + 2 * [PreferenceOrder.from_ranking("bac")]) == "b"
    assert majority(voters[:2]).pairs == {("b", "c")}  # a tie leaves a pair open


@given(st.lists(acyclic(), min_size=1, max_size=4))
def test_majority_by_counting(voters):
    result = majority(voters)
    assert result.not_asymmetric() is None and result.not_irreflexive() is None
    for a, b in permutations(FIVE, 2):
        ayes = sum((a, b) in closed(v.pairs) for v in voters) - sum((b, a) in closed(v.pairs) for v in voters)
        assert ((a, b) in result.pairs) == (ayes > 0)
    beats_all = [a for a in FIVE if all((a, b) in result.pairs for b in FIVE if b != a)]
    assert [condorcet_winner(voters)] == (beats_all or [None])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8))
def test_tau_of_rewards_is_scipys(rewards):
    first, second = zip(*rewards, strict=True)
    ours = kendall_tau(*(PreferenceOrder.from_rewards(dict(enumerate(r))) for r in (first, second)))
    assert ours == pytest.approx(kendalltau(first, second).statistic, nan_ok=True)


@given(acyclic(), acyclic())
def test_tau_is_one_only_for_equal_orders(first, second):
    tau = kendall_tau(first, second)
    if not first.pairs or not second.pairs:
        assert math.isnan(tau)
        return
    reverse = relation({(b, a) for a, b in second.pairs})
    assert -1 - 1e-12 <= tau <= 1 + 1e-12
    assert math.isclose(tau, 1) == (first.closure() == second.closure())
    assert math.isclose(tau, -1) == (first.closure() == reverse.closure())
    assert kendall_tau(first, reverse) == pytest.approx(-tau) and kendall_tau(second, first) == tau


def test_tau_by_hand():
    known, guess = relation([("a", "b"), ("b", "c")]), relation([("b", "a"), ("b", "c")])
    assert kendall_tau(known, guess) == pytest.approx((1 - 1) / math.sqrt(3 * 2))
    assert kendall_tau(known, relation([("a", "c")])) == pytest.approx(1 / math.sqrt(3))


# Bad input


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PreferenceOrder.from_pairs([("a", "b"), ("c", "c")]), "'c' is compared with itself: drop"),
        (lambda: PreferenceOrder.from_pairs([("a", "b"), ("a", "b")]), "'a' ≻ 'b' is stated twice"),
        (
            lambda: PreferenceOrder.from_pairs([("a", "z")], ["a", "b"]),
            "unknown element 'z'.*'a', 'b'.*spell",
        ),
        (lambda: PreferenceOrder.from_pairs([("a", "b")], ["a", "b", "a"]), "'a' is listed twice"),
        (lambda: PreferenceOrder.from_pairs(["ab"]), "'ab' is not a pair"),
        (lambda: PreferenceOrder.from_pairs([("a", "b", "c")]), "not a pair"),
        (lambda: PreferenceOrder.from_pairs([5]), "5 is not a pair"),
        (lambda: PreferenceOrder.from_ranking("aba"), "'a' is listed twice"),
        (lambda: PreferenceOrder.from_rewards({"a": math.nan}), "'a' has the score nan"),
        (lambda: pareto({"a": (1, "N/A")}), "has the score 'N/A'"),
        (lambda: relation([]).comparable("a", "q"), "unknown element 'q'"),
        (lambda: relation([]).prefers("q", "a"), "unknown element 'q'"),
        (lambda: pareto({"a": (1, 2), "b": (1,)}), "'b' is scored on"),
        (lambda: pareto({"a": (1, math.inf)}), "score inf"),
        (lambda: lexicographic({"a": {"grace": 1}}, ["charm"]), "unknown aspect 'charm'.*grace"),
        (lambda: weighted_sum({"a": {"grace": 1}}, {}), "'grace' needs a weight"),
        (lambda: weighted_sum({"a": (1, 2)}, (1, -1)), "aspect 1 needs a weight"),
        (lambda: weighted_sum({"a": (1, 2)}, (1, 1, 1)), "unknown aspect 2"),
        (lambda: majority([]), "no orders given"),
        (lambda: majority([PreferenceOrder.from_ranking("ab"), relation([])]), "'c' is in only one"),
    ],
)
def test_bad_input_is_named_with_its_remedy(build, message):
    with pytest.raises(OrderError, match=message):
        build()


@pytest.mark.parametrize(
    "ask",
    [
        PreferenceOrder.hasse,
        PreferenceOrder.layers,
        PreferenceOrder.linear_extensions,  # at once, not at the first item
        PreferenceOrder.count_linear_extensions,
        PreferenceOrder.not_weak,
        lambda order: majority([order]),
        lambda order: kendall_tau(order, order),
        lambda order: product_order(order),
    ],
)
def test_a_cycle_is_the_reason_where_an_order_is_needed(ask):
    loop = relation([("a", "b"), ("b", "c"), ("c", "a"), ("d", "e")])
    with pytest.raises(OrderError, match="a ≻ b ≻ c ≻ a is a cycle, so there is no .*Drop one") as caught:
        ask(loop)
    assert caught.value.witness == ("a", "b", "c")


def test_networkx_agrees_on_larger_graphs():
    rng = np.random.default_rng(0)
    for _ in range(5):
        pairs = {tuple(sorted(map(int, pair))) for pair in rng.integers(0, 40, (80, 2)) if pair[0] != pair[1]}
        order, graph = PreferenceOrder.from_pairs(sorted(pairs)), nx.DiGraph(sorted(pairs))
        assert order.closure().pairs == {(a, b) for a in graph for b in nx.descendants(graph, a)}
        assert order.hasse().pairs == set(nx.transitive_reduction(graph).edges)
        assert set(order.maximal()) == {a for a in graph if not nx.ancestors(graph, a)}
        comparable = {frozenset(pair) for pair in order.closure().pairs}
        open_pairs = {frozenset(pair) for pair in order.incomparable_pairs()}
        assert open_pairs == {frozenset(pair) for pair in combinations(graph, 2)} - comparable


# Rival ways to choose


@given(RATINGS)
def test_two_score_vectors_compare_in_one_of_four_ways(scores):
    order, mirrored = pareto(scores), {">": "<", "<": ">", "=": "=", "||": "||"}
    for a, b in combinations(scores, 2):
        said = compare_scores(scores, a, b)
        assert compare_scores(scores, b, a) == mirrored[said]
        assert (said == ">") == order.prefers(a, b)
        assert (said == "=") == (scores[a] == scores[b])
        assert compare_scores(scores, a, a) == "="


def test_comparing_an_unknown_element_is_an_error():
    with pytest.raises(OrderError, match="unknown element 'z'"):
        compare_scores({"a": (1, 2)}, "a", "z")


def test_best_keeps_ties_in_order():
    assert best({"a": 1, "b": 3, "c": 3}) == ["b", "c"]
    with pytest.raises(OrderError, match="finite"):
        best({"a": math.nan})


TOTALS = st.fixed_dictionaries({name: st.integers(1, 4) for name in FIVE})


@given(RATINGS, TOTALS)
def test_rival_choices_by_their_definitions(scores, overall):
    said = list(rival_choices(scores, overall).values())
    mean = {a: sum(v) for a, v in scores.items()}
    top_mean, top_overall = ([a for a in r if r[a] == max(r.values())] for r in (mean, overall))
    above = {a: [b for b in scores if compare_scores(scores, b, a) == ">"] for a in scores}
    assert said == [
        sum(not above[a] for a in scores) > 1,
        len(top_mean) > 1,
        len(top_overall) > 1,
        top_mean[0] != top_overall[0],
        not set(top_mean) & set(top_overall),
        bool(above[top_overall[0]]),
        all(above[a] for a in top_overall),
        False,  # the mean never chooses a dominated answer
    ]


@given(RATINGS, TOTALS)
def test_rival_pairs_do_not_depend_on_which_element_comes_first(scores, overall):
    backwards = dict(reversed(scores.items()))
    pairs = rival_pairs(scores, overall)
    assert len(pairs) == math.comb(len(scores), 2)
    assert sorted(map(str, pairs)) == sorted(map(str, rival_pairs(backwards, overall)))
    itself = rival_pairs({a: (v,) for a, v in overall.items()}, overall)  # one aspect, the same numbers
    assert {tuple(pair.values()) for pair in itself} <= {("ordered", "agrees"), ("equal", "ties")}


def test_rival_pairs_by_hand():
    scores = {"a": (5, 5), "b": (4, 4), "c": (4, 4), "d": (1, 6)}
    overall = {"a": 3, "b": 4, "c": 2, "d": 3}
    said = [tuple(pair.values()) for pair in rival_pairs(scores, overall)]
    assert said == [
        ("ordered", "reverses"),
        ("ordered", "agrees"),
        ("incomparable", "ties"),
        ("equal", "decides"),
        ("incomparable", "decides"),
        ("incomparable", "decides"),
    ]
