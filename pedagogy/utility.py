"""Rewards from preferences: when a number for each element can stand for an order, and how to fit one.

Certain preferences: a reward with a ≻ b ⇔ r(a) > r(b) exists if and only if ≻ is a weak order. Any
increasing function of it does as well: its differences mean nothing.

Noisy comparisons: Bradley & Terry (1952) say P(a ≻ b) = σ(r(a) − r(b)), so that differences are log-odds.
Then only a constant is free: here the rewards have mean 0. Ties are modelled as Davidson (1970) does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
from scipy.special import expit, softmax, xlogy

from .orders import Element, OrderError, PreferenceOrder, Witness, read_pairs, require_known

Pairs = Iterable[tuple[Element, Element]]

MOST_STEPS = 500  # of Newton's method, of half a nat at most

# Certain preferences


class WrongOrder(Witness):
    reason = "{0} ≻ {1}, but the reward of {0} is {2:g} and that of {1} is {3:g}"


class WrongTie(Witness):
    reason = (
        "{0} ∥ {1}, but the reward of {0} is {2:g} and that of {1} is {3:g}: a reward compares everything"
    )


def find_utility(order: PreferenceOrder) -> dict[Element, float] | Witness:
    """Rewards with a ≻ b ⇔ r(a) > r(b), or the witness why there are none: a Cycle or a NotWeak triple.

    On a finite set they exist if and only if the order is a weak order (Fishburn 1970, ch. 2). This one
    counts the elements that are worse; any increasing function of it represents the order too. For any order
    without a cycle a *linear extension* gives a ≻ b ⇒ r(a) > r(b), but it also orders incomparable pairs.
    """
    if witness := order.cycle() or order.not_weak():
        return witness
    worse = order.closure().graph.out_degree
    return {a: float(worse(a)) for a in order.elements}


def misrepresented(order: PreferenceOrder, rewards: Mapping[Element, float]) -> Witness | None:
    """A pair (a, b, r(a), r(b)) for which a ≻ b ⇔ r(a) > r(b) fails; None where the rewards represent it."""
    for a in order.elements:
        require_known(a, rewards)
    for a, b in order.closure().graph.edges:
        if not rewards[a] > rewards[b]:
            return WrongOrder(a, b, rewards[a], rewards[b])
    open_pairs = ((a, b) for a, b in order.incomparable_pairs() if rewards[a] != rewards[b])
    return next((WrongTie(a, b, rewards[a], rewards[b]) for a, b in open_pairs), None)


# When does the maximum-likelihood fit exist?


class NeverLoses(Witness):
    """A component of the "beats" graph that lost no comparison with the rest."""

    def __repr__(self) -> str:
        return f"{_listed(self)} never lost to the rest, so a larger lead over the rest always fits better"


class NeverCompared(Witness):
    """A component of the comparisons that has none with the rest."""

    def __repr__(self) -> str:
        return f"{_listed(self)} never met the rest, so nothing says how far from the rest to be"


class TiesRunAway(Witness):
    reason = "no cycle of comparisons has more wins than ties: gaps and ties can grow together for ever"


class NoFiniteFit(OrderError):
    """The likelihood has no finite maximum; `witness` says where it runs to infinity."""


def _listed(elements: Sequence[Element]) -> str:
    return ", ".join(map(str, elements[:10])) + (", …" if len(elements) > 10 else "")


def no_finite_fit(
    pairs: Pairs, ties: Pairs = (), elements: Iterable[Element] | None = None
) -> Witness | None:
    """The component that has no finite rewards by maximum likelihood, or None where the fit is finite.

    Without ties it is finite if and only if the "beats" graph is strongly connected: however the elements are
    divided in two, each part has beaten the other (Ford 1957). A tie counts as an edge both ways, and then
    some cycle must have more wins than ties: else, along a direction in which the rewards of winner and loser
    part at twice the rate of log ν, and those of a tie by no more, no comparison's likelihood ever falls.
    """
    wins, ties, elements = _comparisons(pairs, ties, elements)
    beats = nx.DiGraph([*wins, *ties, *((b, a) for a, b in ties)])
    beats.add_nodes_from(elements)
    if witness := _weak_spot(beats, elements):
        return witness
    limits = nx.DiGraph()  # an edge (a, b, w) asks r(b) − r(a) ≤ w: solvable unless a cycle's sum is < 0
    limits.add_weighted_edges_from([edge for a, b in ties for edge in ((a, b, 2), (b, a, 2))])
    limits.add_weighted_edges_from((a, b, -2) for a, b in wins)  # the stricter one, where both are asked
    return TiesRunAway() if ties and not nx.negative_edge_cycle(limits) else None


def _weak_spot(beats: nx.DiGraph, elements: list[Element]) -> Witness | None:
    """A component without a comparison, or without a loss, against the rest."""
    islands = sorted(nx.weakly_connected_components(beats), key=len)
    if len(islands) > 1:
        return NeverCompared(*(a for a in elements if a in islands[0]))
    parts = nx.condensation(beats)
    if len(parts) > 1:
        top = next(part for part in parts if parts.in_degree(part) == 0)
        return NeverLoses(*(a for a in elements if a in parts.nodes[top]["members"]))
    return None


def _comparisons(pairs: Pairs, ties: Pairs, elements: Iterable[Element] | None) -> tuple[list, list, list]:
    """Wins, ties and elements, checked."""
    wins, ties = list(pairs), list(ties)
    checked, elements = read_pairs([*wins, *ties], elements)
    return checked[: len(wins)], checked[len(wins) :], elements


# Bradley–Terry


@dataclass(frozen=True)
class BradleyTerry:
    """A fitted model: P(a ≻ b) = σ(r(a) − r(b)) or, with ν > 0, Davidson's extension of it to ties."""

    rewards: dict[Element, float]  # in nats of log-odds, mean 0
    standard_errors: dict[Element, float]  # of the rewards, which are relative to the mean of all
    log_likelihood: float  # of all comparisons, in nats; without the prior
    nu: float  # ν: two equals tie with probability ν / (2 + ν); 0 where no tie was given
    covariance: np.ndarray = field(repr=False)  # (n, n), of the rewards, in their order

    def prob(self, a: Element, b: Element) -> float:
        """P(a ≻ b). With ties, P(a ≻ b) + P(b ≻ a) + P(tie) = 1."""
        return float(self._outcomes(a, b)[0][0, 1])

    def prob_tie(self, a: Element, b: Element) -> float:
        """P(a and b tie) = ν √(p_a p_b) / (p_a + p_b + ν √(p_a p_b)), where p = exp r."""
        return float(self._outcomes(a, b)[1][0, 1])

    def gap_error(self, a: Element, b: Element) -> float:
        """The standard error of r(a) − r(b), which unlike that of r(a) needs no convention such as mean 0."""
        for element in (a, b):
            require_known(element, self.rewards)
        contrast = np.array([(name == a) - (name == b) for name in self.rewards], dtype=float)  # (n,)
        return math.sqrt(contrast @ self.covariance @ contrast)

    def _outcomes(self, *elements: Element) -> tuple[np.ndarray, np.ndarray]:
        for element in elements:
            require_known(element, self.rewards)
        return _outcomes(np.array([self.rewards[a] for a in elements]), self.nu)


def fit_bradley_terry(
    pairs: Pairs, ties: Pairs = (), prior: float | None = None, elements: Iterable[Element] | None = None
) -> BradleyTerry:
    """Rewards by maximum likelihood or, with `prior`, the posterior mode.

    pairs [(winner, loser), …], where a repeated pair counts each time; ties [(a, b), …]; `elements` lists
    them all, where some are never compared. `prior` is the precision (1/variance, in nats⁻²) of a normal
    prior on the rewards about their mean: 1 says that they differ by a nat or so. It keeps the fit finite.

    Standard errors are from the curvature at the maximum (the observed information; with a prior, Laplace's
    approximation), a rough guide where few comparisons bear on an element. NoFiniteFit where there is no
    finite maximum (Ford 1957), naming the component to blame; OrderError on bad input.

    >>> fit = fit_bradley_terry([("a", "b")] * 3 + [("b", "a")])
    >>> round(fit.prob("a", "b"), 6)
    0.75
    """
    wins, ties, elements = _comparisons(pairs, ties, elements)
    precision = _precision(prior)
    _require_finite(wins, ties, elements, precision)
    n, wins, ties = len(elements), _count(wins, elements), _count(ties, elements)  # (n, n)
    ties += ties.T
    x, curvature = _newton(wins, ties, precision)
    nu = math.exp(x[n]) if ties.any() else 0.0
    covariance = np.linalg.inv(curvature)[:n, :n] - 1 / n  # less what the anchor of the mean adds
    win, tie = _outcomes(x[:n], nu)
    return BradleyTerry(
        rewards=dict(zip(elements, x[:n].tolist(), strict=True)),
        standard_errors=dict(zip(elements, np.sqrt(covariance.diagonal().clip(0)).tolist(), strict=True)),
        log_likelihood=float(xlogy(wins, win).sum() + xlogy(ties, tie).sum() / 2),
        nu=nu,
        covariance=covariance,
    )


def _precision(prior: float | None) -> float:
    """0 for no prior."""
    if prior is not None and not 0 <= prior < math.inf:
        raise OrderError(f"prior={prior!r} is no precision: give a number above 0, or None for no prior")
    return float(prior or 0)


def _require_finite(wins: list, ties: list, elements: list, precision: float) -> None:
    """NoFiniteFit where the likelihood, times the prior if there is one, has no finite maximum."""
    if not elements:
        raise OrderError("no comparisons: give at least one pair (winner, loser)")
    if precision:
        witness, remedy = TiesRunAway() if ties and not wins else None, "Add a comparison that is not a tie"
    else:
        witness = no_finite_fit(wins, ties, elements)
        remedy = "Add comparisons that go against this, or fit with a prior, as in prior=1.0"
    if witness:
        raise NoFiniteFit(f"The likelihood has no finite maximum: {witness!r}. {remedy}", witness)


def _count(comparisons: list, elements: list) -> np.ndarray:
    """How often (row, column) is in the list. (n, n)"""
    index = {element: i for i, element in enumerate(elements)}
    counts = np.zeros((len(elements), len(elements)))
    for a, b in comparisons:
        counts[index[a], index[b]] += 1
    return counts


def _outcomes(r: np.ndarray, nu: float) -> tuple[np.ndarray, np.ndarray]:
    """P(i ≻ j) and P(i and j tie), both (n, n), from rewards (n,)."""
    win = np.broadcast_to(r[:, None], (len(r), len(r)))
    log_nu = math.log(nu) if nu else -math.inf
    of_win, _, of_tie = softmax([win, win.T, log_nu + (win + win.T) / 2], axis=0)
    return of_win, of_tie


def _newton(wins: np.ndarray, ties: np.ndarray, precision: float) -> tuple[np.ndarray, np.ndarray]:
    """The maximum x, rewards and then (with ties) log ν, and the curvature there.

    The log-likelihood is concave in x. A step that moves no log-odds by more than 1 always climbs, and near
    the top all steps are that small (Bach 2010, Self-concordant analysis for logistic regression).
    """
    x = np.zeros(len(wins) + bool(ties.any()))
    for _ in range(MOST_STEPS):
        gradient, curvature = _derivatives(x, wins, ties, precision)
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError as error:
            raise NoFiniteFit("the rewards differ too much for floats. Use a prior nearer 1") from error
        longest = np.abs(step).max()
        x = x + step * 0.5 / max(longest, 0.5)
        if longest < 1e-8 * max(1.0, np.abs(x).max()):  # the error before this step; after it, its square
            return x, curvature
    raise NoFiniteFit(
        f"no maximum within {MOST_STEPS} steps: the rewards differ too much. Use a larger prior"
    )


def _derivatives(
    x: np.ndarray, wins: np.ndarray, ties: np.ndarray, precision: float
) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the log-posterior, (n,), and minus its second derivatives, (n, n); with ties, n+1.

    A win is a point and a tie half a point. The gradient is points had minus points expected, and ties had
    minus ties expected; the curvature is the covariance of these. As the likelihood does not depend on the
    mean reward, −½ n·mean² anchors it: at mean 0, where the maximum is, it costs nothing.
    """
    n = len(wins)
    r, games = x[:n], wins + wins.T + ties
    win, tie = _outcomes(r, math.exp(x[n]) if len(x) > n else 0.0)
    points = win + tie / 2  # expected, of i against j
    to_rewards = (wins + ties / 2 - games * points).sum(1) - precision * (r - r.mean()) - r.mean()  # (n,)
    to_ties = (ties - games * tie).sum() / 2

    shared = games * (win + tie / 4 - points**2)  # (n, n): what i wins, j loses
    rewards = np.diag(shared.sum(1)) - shared + precision * (np.eye(n) - 1 / n) + 1 / n
    cross = (games * tie * (0.5 - points)).sum(1, keepdims=True)  # (n, 1)
    curvature = np.block([[rewards, cross], [cross.T, (games * tie * (1 - tie)).sum() / 2]])
    return np.append(to_rewards, to_ties)[: len(x)], curvature[: len(x), : len(x)]


# The same, online


def elo(pairs: Pairs, step: float = 0.1, elements: Iterable[Element] | None = None) -> dict[Element, float]:
    """Rewards after one pass through the pairs (winner, loser): the more a win surprises, the more it moves.

    Elo's (1978) rating is Bradley–Terry online: each update is a step up the gradient of the log-likelihood
    of one comparison. Its points are 400 / ln 10 ≈ 174 a nat, and its K = 32 is step = 0.18. With a constant
    step it forgets, which suits players who change; it hovers about the fit instead of reaching it.
    """
    pairs, elements = read_pairs(pairs, elements)
    rewards = dict.fromkeys(elements, 0.0)
    for winner, loser in pairs:
        surprise = 1 - expit(rewards[winner] - rewards[loser])
        rewards[winner] += step * float(surprise)
        rewards[loser] -= step * float(surprise)
    return rewards
