"""Preferences as orders: what "a is preferred to b" says, what it implies, and what it leaves open.

A strict preference ≻ should be irreflexive (never a ≻ a) and transitive (a ≻ b and b ≻ c give a ≻ c): a
*strict partial order*. Partial: two elements may be incomparable (a ∥ b), which is not the same as equally
good. Annotators need not oblige, so a PreferenceOrder holds whatever was stated, and a check that fails
returns a `Witness`: the elements that show why, printed as a sentence.

Nothing here is a number: when numbers (rewards) can stand for an order is the subject of `utility.py`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, islice, product
from numbers import Real

import networkx as nx
import numpy as np

Element = Hashable
Scores = Mapping[Element, Sequence[float] | Mapping[str, float]]

MOST_CYCLES = 1000  # simple cycles can be exponentially many
MOST_COUNTED = 20  # elements: 2**20 sets are quick, and 20! is the largest factorial in 64 bits


class Witness(tuple):
    """The elements that show why a property fails. A tuple that prints as the reason, and is always true."""

    reason = ""

    def __new__(cls, *elements: Element):
        return super().__new__(cls, elements)

    def __repr__(self) -> str:
        return self.reason.format(*self)

    def __bool__(self) -> bool:
        return True


class NotIrreflexive(Witness):
    reason = "{0} ≻ {0}: it is preferred to itself"


class NotAsymmetric(Witness):
    reason = "{0} ≻ {1} and also {1} ≻ {0}"


class NotTransitive(Witness):
    reason = "{0} ≻ {1} and {1} ≻ {2}, but not {0} ≻ {2}"


class NotWeak(Witness):
    reason = (
        "{0} ∥ {1} and {1} ∥ {2}, yet {0} ≻ {2}: "
        "if incomparable meant equally good, {0} and {2} would be equally good too"
    )


class Cycle(Witness):
    """The elements of a simple cycle, each preferred to the next and the last to the first."""

    def __repr__(self) -> str:
        return " ≻ ".join(map(str, [*self, self[0]]))


class OrderError(ValueError):
    """Preferences that cannot be used as asked; `witness` has the elements to blame, where there are any."""

    def __init__(self, message: str, witness: Witness | None = None):
        super().__init__(message)
        self.witness = witness


# Reading pairs


def read_pairs(
    pairs: Iterable[tuple[Element, Element]], elements: Iterable[Element] | None = None
) -> tuple[list[tuple], list[Element]]:
    """The pairs as a list, and their elements in order of first mention (or `elements`, where it is given).

    OrderError where something is not a pair, compares an element with itself, or is not in `elements`.
    """
    pairs = [_read_pair(pair) for pair in pairs]
    mentioned = dict.fromkeys(element for pair in pairs for element in pair)
    listed = list(mentioned if elements is None else elements)
    universe = dict.fromkeys(listed)
    if len(universe) < len(listed):
        twice = next(element for element in listed if listed.count(element) > 1)
        raise OrderError(f"{twice!r} is listed twice: name each element once")
    for element in mentioned:
        require_known(element, universe)
    return pairs, listed


def _read_pair(pair: Iterable[Element]) -> tuple[Element, Element]:
    if isinstance(pair, str) or not isinstance(pair, Iterable) or len(both := tuple(pair)) != 2:
        raise OrderError(f"{pair!r} is not a pair: write (preferred, other), as in ('a', 'b')")
    if both[0] == both[1]:
        raise OrderError(
            f"{both[0]!r} is compared with itself: drop that pair, or name the other element in it"
        )
    return both


def require_known(element: Element, universe: Collection[Element]) -> None:
    """OrderError naming an element that is not in the universe."""
    if element not in universe:
        listed = ", ".join(map(repr, islice(universe, 10))) + (", …" if len(universe) > 10 else "")
        raise OrderError(
            f"unknown element {element!r}: the elements are {listed or 'none'}. "
            "Correct its spelling, or name it in elements=[…] when you build this"
        )


class PreferenceOrder:
    """A strict preference relation ≻ on finitely many elements.

    >>> order = PreferenceOrder.from_pairs([("good", "fair"), ("fair", "bad")])
    >>> order.not_transitive()
    good ≻ fair and fair ≻ bad, but not good ≻ bad
    >>> order.prefers("good", "bad")
    True

    The checks (`not_…`, `is_strict_partial_order`) look at the pairs *as stated*. All other questions are
    asked of the order that they generate, the transitive closure: what follows from a statement counts.
    """

    def __init__(self, graph: nx.DiGraph):
        """graph: an edge a → b for each a ≻ b. Use a `from_…` constructor, which checks its input."""
        self.graph = nx.freeze(graph)

    # Building one

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[tuple[Element, Element]], elements: Iterable[Element] | None = None
    ) -> PreferenceOrder:
        """(a, b) says a ≻ b. `elements` lists them all, where some are in no pair.

        Contradictions are kept: finding them is what the checks and `cycles` are for. OrderError on a
        self-preference, on a pair stated twice, or on an element missing from `elements`.
        """
        pairs, universe = read_pairs(pairs, elements)
        seen = set()
        for a, b in pairs:
            if (a, b) in seen:
                raise OrderError(
                    f"{a!r} ≻ {b!r} is stated twice: an order has no counts, so state it once, as in "
                    "dict.fromkeys(pairs). Where repetition is evidence, use fit_bradley_terry"
                )
            seen.add((a, b))
        return cls(_graph(universe, pairs))

    @classmethod
    def from_ranking(cls, ranking: Iterable[Element]) -> PreferenceOrder:
        """A total order: each element ≻ all that follow it, best first."""
        _, universe = read_pairs([], ranking)
        return _transitive(universe, combinations(universe, 2))

    @classmethod
    def from_rewards(cls, rewards: Mapping[Element, float]) -> PreferenceOrder:
        """a ≻ b where a's reward is higher. Always a weak order: equal rewards leave a ∥ b, a tie.

        Only the order of the rewards matters: any increasing function of them gives an equal result.
        """
        _finite(rewards)
        return _compared(rewards, lambda a, b: rewards[a] > rewards[b])

    # The relation as stated

    @property
    def elements(self) -> list[Element]:
        return list(self.graph)

    @property
    def pairs(self) -> set[tuple[Element, Element]]:
        """The relation as a set: every (a, b) with a ≻ b."""
        return set(self.graph.edges)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PreferenceOrder):
            return NotImplemented
        return set(self.elements) == set(other.elements) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash((frozenset(self.elements), frozenset(self.pairs)))

    def __repr__(self) -> str:
        stated = [f"{a} ≻ {b}" for a, b in self.graph.edges]
        return f"PreferenceOrder({', '.join(stated + [str(a) for a in nx.isolates(self.graph)])})"

    def not_irreflexive(self) -> NotIrreflexive | None:
        """An a with a ≻ a, if any: the closure of a cycle has one."""
        return next((NotIrreflexive(a) for a, b in self.graph.edges if a == b), None)

    def not_asymmetric(self) -> NotAsymmetric | None:
        """An (a, b) with a ≻ b and b ≻ a, if any."""
        above = self.graph.has_edge
        return next((NotAsymmetric(a, b) for a, b in self.graph.edges if above(b, a)), None)

    def not_transitive(self) -> NotTransitive | None:
        """An (a, b, c) with a ≻ b and b ≻ c but not a ≻ c, if any."""
        above = self.graph.has_edge
        steps = ((a, b, c) for a, b in self.graph.edges for c in self.graph[b])
        return next((NotTransitive(a, b, c) for a, b, c in steps if not above(a, c)), None)

    def violations(self) -> list[Witness]:
        """One witness for each of irreflexivity, asymmetry and transitivity that fails."""
        checks = self.not_irreflexive(), self.not_asymmetric(), self.not_transitive()
        return [witness for witness in checks if witness is not None]

    def is_strict_partial_order(self) -> bool:
        """Are the pairs, as stated, irreflexive and transitive? (Asymmetry then follows.)

        a ≻ b, b ≻ c alone is not: a ≻ c is missing. Its `closure()` is. After a cycle not even that is.
        """
        return not self.violations()

    # Cycles

    @cached_property
    def _shortest_cycle(self) -> Cycle | None:
        best = None
        for part in nx.strongly_connected_components(self.graph):
            inside = self.graph.subgraph(part)
            for a, b in inside.edges:
                path = nx.shortest_path(inside, b, a)
                best = path if best is None or len(path) < len(best) else best
        return best and self._as_cycle(best)

    def _as_cycle(self, path: list[Element]) -> Cycle:
        """The cycle written from its first element on, in the order of `elements`."""
        first = min(range(len(path)), key=lambda i: self._index[path[i]])
        return Cycle(*path[first:], *path[:first])

    @cached_property
    def _index(self) -> dict[Element, int]:
        return {element: i for i, element in enumerate(self.graph)}

    def cycle(self) -> Cycle | None:
        """A shortest cycle, or None where there is none: then the closure is a strict partial order."""
        return self._shortest_cycle

    def cycles(self, bound: int = MOST_CYCLES) -> list[Cycle]:
        """All simple cycles, shortest first; a warning and `bound` of them where there are more.

        They can be exponentially many. To end them all, it is enough to drop a pair of each.
        """
        paths = list(islice(nx.simple_cycles(self.graph), bound + 1))
        if len(paths) > bound:
            warnings.warn(
                f"more than {bound} simple cycles: only {bound} are listed, not always the shortest. "
                f"Drop a pair of {self.cycle()!r} and look again, or raise bound",
                stacklevel=2,
            )
        return sorted(map(self._as_cycle, paths[:bound]), key=lambda c: (len(c), [self._index[a] for a in c]))

    def _require_acyclic(self, what: str) -> None:
        if cycle := self.cycle():
            raise OrderError(f"{cycle!r} is a cycle, so there is no {what}. Drop one of its pairs", cycle)

    # The order that the statements generate

    @cached_property
    def _closed(self) -> nx.DiGraph:
        close = nx.transitive_closure if self.cycle() else nx.transitive_closure_dag  # much the quicker
        return nx.freeze(close(self.graph))

    def closure(self) -> PreferenceOrder:
        """The smallest transitive relation with these pairs: all that the statements imply.

        A strict partial order if and only if there is no cycle; on a cycle every a gets a ≻ a.
        """
        return _transitive(self.elements, self._closed.edges)

    def hasse(self) -> PreferenceOrder:
        """The covering pairs: a ≻ b with nothing in between, the fewest that have the same closure.

        The transitive reduction, which is unique where there is no cycle (Aho, Garey & Ullman 1972).
        OrderError where there is one.
        """
        self._require_acyclic("Hasse diagram")
        return PreferenceOrder(_graph(self.elements, nx.transitive_reduction(self.graph).edges))

    def layers(self) -> list[list[Element]]:
        """The elements by the length of the longest chain above them, top layer first: where to draw them."""
        self._require_acyclic("layers")
        return [sorted(layer, key=self._index.get) for layer in nx.topological_generations(self.graph)]

    def prefers(self, a: Element, b: Element) -> bool:
        """a ≻ b, stated or implied?"""
        require_known(a, self.graph)
        require_known(b, self.graph)
        return self._closed.has_edge(a, b)

    def comparable(self, a: Element, b: Element) -> bool:
        """a ≻ b or b ≻ a, stated or implied, or a and b are one element?"""
        return self.prefers(a, b) or self.prefers(b, a) or a == b

    def incomparable_pairs(self) -> list[tuple[Element, Element]]:
        """Each {a, b} with a ∥ b, once."""
        return [(a, b) for a, b in combinations(self.graph, 2) if not self.comparable(a, b)]

    def maximal(self) -> list[Element]:
        """Those to which nothing is preferred. Without a cycle at least one, often several."""
        return [a for a in self.graph if self.graph.in_degree(a) == 0]

    def minimal(self) -> list[Element]:
        """Those that are preferred to nothing."""
        return [a for a in self.graph if self.graph.out_degree(a) == 0]

    def not_weak(self) -> NotWeak | None:
        """An (a, b, c) with a ∥ b and b ∥ c yet a ≻ c, if any; else the order is a *weak order*.

        In a weak order ∥ is an equivalence, so that it can be read as "equally good". OrderError on a cycle.
        """
        self._require_acyclic("order")
        above = self._closed.has_edge
        gaps = ((a, b, c) for a, c in self._closed.edges for b in self.graph)
        return next((NotWeak(a, b, c) for a, b, c in gaps if not above(a, b) and not above(b, c)), None)

    # Linear extensions: the rankings that agree with all that is known

    def linear_extensions(self) -> Iterator[tuple[Element, ...]]:
        """Every ranking, best first, that contains this order, one at a time.

        There is always one (Szpilrajn 1930), but there can be n! of them. OrderError on a cycle.
        """
        self._require_acyclic("linear extension")
        return map(tuple, nx.all_topological_sorts(self.graph))

    def count_linear_extensions(self) -> int:
        """How many there are, exactly, for at most 20 elements; OrderError above, or on a cycle.

        A ranking is built from the top, and how it can go on depends only on the *set* placed so far, which
        has with each element all that is preferred to it. So count ways to reach each such set: at most 2^n
        of them, not n!. No method is known to be fast in general: #P-complete (Brightwell & Winkler 1991).
        """
        self._require_acyclic("linear extension")
        if len(self.graph) > MOST_COUNTED:
            raise OrderError(
                f"{len(self.graph)} elements: counting is #P-complete, and this method doubles its work with "
                f"each element, so it stops at {MOST_COUNTED}. Count on a part, or take some of "
                "linear_extensions() with itertools.islice"
            )
        bits = [1 << i for i in range(len(self.graph))]
        above = [sum(bits[self._index[b]] for b in self.graph.predecessors(a)) for a in self.graph]
        ways = np.zeros(1 << len(bits), dtype=np.int64)  # ways[placed]: orders in which to place that set
        sizes = np.bitwise_count(np.arange(len(ways)))
        ways[0] = 1
        for size in range(len(bits)):
            placed = np.flatnonzero((sizes == size) & (ways > 0))
            for bit, needed in zip(bits, above, strict=True):
                ready = placed[(placed & bit == 0) & (placed & needed == needed)]
                ways[ready | bit] += ways[ready]  # for one bit, all of these are different sets
        return int(ways[-1])


def _graph(elements: Iterable[Element], pairs: Iterable[tuple[Element, Element]]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(elements)
    graph.add_edges_from(pairs)
    return graph


def _transitive(elements: Iterable[Element], pairs: Iterable[tuple[Element, Element]]) -> PreferenceOrder:
    """An order of pairs known to be transitive: it is its own closure, which saves working it out."""
    order = PreferenceOrder(_graph(elements, pairs))
    order._closed = order.graph
    return order


def _compared(elements: Iterable[Element], better) -> PreferenceOrder:
    """The order with a ≻ b where better(a, b), a transitive comparison."""
    elements = list(elements)
    return _transitive(elements, ((a, b) for a, b in product(elements, repeat=2) if better(a, b)))


# Orders from several criteria


def _finite(numbers: Mapping[Element, float]) -> None:
    for name, number in numbers.items():
        if not isinstance(number, Real) or not math.isfinite(number):
            raise OrderError(f"{name!r} has the score {number!r}: give it a finite number, or leave it out")


def _by_aspect(scores: Scores) -> dict[Element, dict]:
    """Each element's scores as {aspect: number}; a plain sequence has the aspects 0, 1, 2, …"""
    table = {a: dict(v if isinstance(v, Mapping) else enumerate(v)) for a, v in scores.items()}
    aspects = next(iter(table.values()), {}).keys()
    for element, row in table.items():
        if row.keys() != aspects:
            raise OrderError(
                f"{element!r} is scored on {list(row)}, others on {list(aspects)}: score all alike"
            )
        _finite({(element, aspect): number for aspect, number in row.items()})
    return table


def _aspects(scores: Scores) -> list:
    return list(next(iter(_by_aspect(scores).values()), {}))


def _require_aspects(wanted: Iterable, table: dict[Element, dict]) -> None:
    known = next(iter(table.values()), {}).keys()
    for aspect in wanted:
        if table and aspect not in known:
            raise OrderError(f"unknown aspect {aspect!r}: the scores have {list(known)}")


def pareto(scores: Scores) -> PreferenceOrder:
    """a ≻ b where a is at least as good in every aspect and better in one. Higher is better.

    scores {element: sequence or {aspect: number}}. Better here and worse there is incomparable; so, in a
    strict order, are two with the same scores.
    """
    table = _by_aspect(scores)

    def dominates(a, b):
        return table[a] != table[b] and all(table[a][aspect] >= table[b][aspect] for aspect in table[a])

    return _compared(table, dominates)


def compare_scores(scores: Scores, a: Element, b: Element) -> str:
    """How a and b compare, higher being better in each aspect: ">", "<", "=" or "||" (incomparable).

    Weakly, a ≽ b where a is at least as good in every aspect: a preorder. Both ways is "=", equally good;
    neither way is "||". The strict order `pareto` alone cannot tell these two apart.
    """
    table = _by_aspect(scores)
    require_known(a, table)
    require_known(b, table)
    above = all(table[a][aspect] >= table[b][aspect] for aspect in table[a])
    below = all(table[b][aspect] >= table[a][aspect] for aspect in table[a])
    return {(True, True): "=", (True, False): ">", (False, True): "<", (False, False): "||"}[above, below]


def product_order(*orders: PreferenceOrder) -> PreferenceOrder:
    """The product order on tuples: better or equal in each place, better in one.

    >>> quality = PreferenceOrder.from_ranking(["good", "bad"])
    >>> size = PreferenceOrder.from_ranking(["big", "small"])
    >>> product_order(quality, size).comparable(("good", "small"), ("bad", "big"))
    False
    """
    for order in orders:
        order._require_acyclic("product")

    def dominates(a, b):
        places = zip(orders, a, b, strict=True)
        return a != b and all(x == y or order.prefers(x, y) for order, x, y in places)

    return _compared(product(*(order.elements for order in orders)), dominates)


def lexicographic(scores: Scores, priority: Sequence) -> PreferenceOrder:
    """a ≻ b where a is better in the first aspect of `priority` in which they differ, as in a dictionary.

    Aspects that are not in `priority` do not count. Always a weak order, so a reward exists for finitely
    many elements; on all of R² none does (Debreu 1954).
    """
    table = _by_aspect(scores)
    _require_aspects(priority, table)
    keys = {element: [row[aspect] for aspect in priority] for element, row in table.items()}
    return _compared(table, lambda a, b: keys[a] > keys[b])  # Python compares lists this way


def weighted_sum(scores: Scores, weights: Sequence[float] | Mapping[str, float]) -> dict[Element, float]:
    """{element: ∑ weight · score}, a reward. weights ≥ 0, one for each aspect.

    With all weights above 0 it extends the Pareto order, so its best is Pareto-maximal; with a weight of 0
    a dominated element can tie for the best. Rounded to 9 decimals, for equal sums to be equal numbers: what
    differs by less is a tie.
    """
    table = _by_aspect(scores)
    weights = dict(weights if isinstance(weights, Mapping) else enumerate(weights))
    _require_aspects(weights, table)
    for aspect in next(iter(table.values()), {}):
        if not 0 <= weights.get(aspect, -1) < math.inf:
            raise OrderError(f"aspect {aspect!r} needs a weight: a finite number, 0 or above")
    return {a: round(math.fsum(weights[k] * row[k] for k in row), 9) for a, row in table.items()}


def best(rewards: Mapping[Element, float]) -> list[Element]:
    """All with the highest reward: several where they tie."""
    _finite(rewards)
    return [a for a in rewards if rewards[a] == max(rewards.values())]


def best_lead(scores: Scores, element: Element) -> tuple[float, dict]:
    """The largest lead over the best of the others that weights w ≥ 0, ∑w = 1, can give; and such weights.

    Above 0 the element can be the only one that a weighted sum chooses; at 0 it can tie for it; below, it is
    never chosen. A linear program: maximise t subject to w · (its scores − another's) ≥ t for each other one.
    """
    from scipy.optimize import linprog

    table = _by_aspect(scores)
    require_known(element, table)
    aspects = list(table[element])
    rows = {a: np.array([row[k] for k in aspects]) for a, row in table.items()}
    others = [rows[element] - row for a, row in rows.items() if a != element]
    if not others:
        return math.inf, dict.fromkeys(aspects, 1 / len(aspects))
    size = len(aspects)
    found = linprog(
        c=[0.0] * size + [-1.0],
        A_ub=[[*-gap, 1.0] for gap in others],  # t − w · gap ≤ 0
        b_ub=[0.0] * len(others),
        A_eq=[[1.0] * size + [0.0]],
        b_eq=[1.0],
        bounds=[(0, None)] * size + [(None, None)],
    )
    if not found.success:
        raise RuntimeError(f"the weights that favour {element} were not found: {found.message}")
    return float(found.x[-1]), dict(zip(aspects, found.x[:-1].tolist(), strict=True))


def rival_choices(scores: Scores, overall: Mapping[Element, float]) -> dict[str, bool]:
    """Three ways to choose from one set, and how they differ: the aspects' Pareto order, their mean, and an
    overall score given besides. The choice of a reward is its best, the first of them on a tie.
    """
    ranked, undominated = best(overall), pareto(scores).maximal()
    means = best(weighted_sum(scores, dict.fromkeys(_aspects(scores), 1.0)))
    return {
        "several answers are undominated": len(undominated) > 1,
        "the mean ties for its best": len(means) > 1,
        "overall_score ties for its best": len(ranked) > 1,
        "mean and overall_score choose differently": means[0] != ranked[0],
        "… and no way to break ties would reconcile them": not set(means) & set(ranked),
        "overall_score chooses a dominated answer": ranked[0] not in undominated,
        "… and all its best are dominated": not set(ranked) & set(undominated),
        "the mean chooses a dominated answer": means[0] not in undominated,  # never: its weights are > 0
    }


def rival_pairs(scores: Scores, overall: Mapping[Element, float]) -> list[dict[str, str]]:
    """For each pair of elements, what the Pareto order says of it, and whether the overall score agrees.

    {"aspects": "ordered" | "equal" | "incomparable", "overall_score": "agrees" | "ties" | "reverses", or
    "decides" where there is no order to agree with}.
    """
    pairs = combinations(scores, 2)
    return [_rival_pair(compare_scores(scores, a, b), overall[a] - overall[b]) for a, b in pairs]


def _rival_pair(relation: str, difference: float) -> dict[str, str]:
    aspects = {"=": "equal", "||": "incomparable"}.get(relation, "ordered")
    agrees = "agrees" if (relation == ">") == (difference > 0) else "reverses"
    said = "ties" if difference == 0 else agrees if aspects == "ordered" else "decides"
    return {"aspects": aspects, "overall_score": said}


# Several voters


def majority(voters: Sequence[PreferenceOrder]) -> PreferenceOrder:
    """a ≻ b where more voters have a ≻ b than b ≻ a; a voter to whom a ∥ b abstains.

    It need not be transitive, even if every voter is: it can cycle (Condorcet 1785). OrderError on a voter
    with a cycle or with other elements than the first.
    """
    elements = _same_elements(voters)

    def wins(a, b):
        return sum(voter.prefers(a, b) - voter.prefers(b, a) for voter in voters) > 0

    return PreferenceOrder(_graph(elements, (p for p in product(elements, repeat=2) if wins(*p))))


def condorcet_winner(voters: Sequence[PreferenceOrder]) -> Element | None:
    """The element that beats each other one by majority, or None: there may be no such element."""
    result = majority(voters)
    return next((a for a in result.elements if result.graph.out_degree(a) == len(result.graph) - 1), None)


def kendall_tau(first: PreferenceOrder, second: PreferenceOrder) -> float:
    """Agreement of two orders in [−1, 1]: Kendall's τ-b (Kendall 1945), ties and incomparables alike.

    (concordant − discordant) / √(pairs comparable in the first · pairs comparable in the second). A pair
    that either leaves open is neither concordant nor discordant, and lowers |τ| unless both leave it open.
    1 exactly for equal closures, −1 for reversed ones; equal to scipy.stats.kendalltau for rewards. nan
    where one of them compares nothing.
    """
    _same_elements([first, second])
    p, q = first.closure().pairs, second.closure().pairs
    if not p or not q:
        return math.nan
    discordant = p & {(b, a) for a, b in q}
    return (len(p & q) - len(discordant)) / math.sqrt(len(p) * len(q))


def _same_elements(orders: Sequence[PreferenceOrder]) -> list[Element]:
    """The elements that all of the orders are on; OrderError where they differ, or one has a cycle."""
    if not orders:
        raise OrderError("no orders given: pass at least one PreferenceOrder")
    for number, order in enumerate(orders):
        order._require_acyclic(f"order in number {number}")
        if extra := set(orders[0].elements) ^ set(order.elements):
            raise OrderError(
                f"{sorted(map(repr, extra))[0]} is in only one of orders 0 and {number}: "
                "build all on the same elements=[…]"
            )
    return orders[0].elements
