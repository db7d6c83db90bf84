"""Utilities against their definition; Bradley–Terry against other algorithms, closed forms and choix."""

import doctest
import math
from itertools import permutations, product

import choix
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from pedagogy import utility
from pedagogy.orders import Cycle, NotWeak, OrderError, PreferenceOrder
from pedagogy.utility import (
    NeverCompared,
    NeverLoses,
    NoFiniteFit,
    TiesRunAway,
    elo,
    find_utility,
    fit_bradley_terry,
    misrepresented,
    no_finite_fit,
)

FOUR = "abcd"
PAIR = st.sampled_from(list(permutations(FOUR, 2)))
COMPARISONS = st.lists(PAIR, min_size=1, max_size=30)
TIES = st.lists(PAIR, max_size=6)


def comparisons(n, count, seed, spread=1.0):
    """Simulated comparisons of n elements, and each beats the next one so that a finite fit exists."""
    rng = np.random.default_rng(seed)
    rewards = spread * rng.normal(size=n)
    pairs = [(i, (i + 1) % n) for i in range(n)]
    for _ in range(count):
        i, j = map(int, rng.choice(n, 2, replace=False))
        pairs.append((i, j) if rng.random() < 1 / (1 + math.exp(rewards[j] - rewards[i])) else (j, i))
    return pairs


def by_mm(pairs, n):
    """Hunter's (2004) MM: p_i ← wins_i / ∑_j games_ij / (p_i + p_j), until nothing moves. Log p, mean 0."""
    wins = np.zeros((n, n))
    np.add.at(wins, tuple(np.transpose(pairs)), 1)
    games, p = wins + wins.T, np.ones(n)
    for _ in range(100_000):
        old, p = p, wins.sum(1) / (games / (p[:, None] + p)).sum(1)
        p /= np.exp(np.log(p).mean())
        if np.abs(np.log(p / old)).max() < 1e-12:
            return np.log(p)
    raise AssertionError("MM did not converge")


def log_likelihood(rewards, log_nu, pairs, ties):
    """Davidson's model written out, one comparison at a time."""
    total = 0.0
    for outcome, comparison in [*(("win", p) for p in pairs), *(("tie", p) for p in ties)]:
        p, q = (math.exp(rewards[x]) for x in comparison)
        tie = math.exp(log_nu) * math.sqrt(p * q)
        total += math.log((p if outcome == "win" else tie) / (p + q + tie))
    return total


def values(fit, n):
    return np.array([fit.rewards[i] for i in range(n)])


def test_docstring_examples():
    assert doctest.testmod(utility).failed == 0


# Weak order ⇔ utility


@given(st.lists(PAIR, unique=True))
def test_a_utility_represents_the_order_or_the_witness_shows_why_none_can(pairs):
    order = PreferenceOrder.from_pairs(pairs, FOUR)
    found = find_utility(order)
    if isinstance(found, Cycle):
        assert found in order.cycles()
    elif isinstance(found, NotWeak):
        a, b, c = found  # r(a) = r(b) = r(c) and r(a) > r(c): impossible
        assert not order.comparable(a, b) and not order.comparable(b, c) and order.prefers(a, c)
    else:
        assert all(order.prefers(a, b) == (found[a] > found[b]) for a, b in permutations(FOUR, 2))
        assert misrepresented(order, found) is None
        assert PreferenceOrder.from_rewards(found) == order.closure()
        assert misrepresented(order, {a: math.exp(3 * r) - 7 for a, r in found.items()}) is None


@given(st.dictionaries(st.sampled_from(FOUR), st.integers(-2, 2), min_size=1))
def test_every_reward_is_recovered_up_to_an_increasing_function(rewards):
    found = find_utility(PreferenceOrder.from_rewards(rewards))
    for a, b in product(rewards, repeat=2):
        assert (found[a] > found[b]) == (rewards[a] > rewards[b])


@given(st.lists(PAIR, unique=True), st.fixed_dictionaries({a: st.integers(0, 2) for a in FOUR}))
def test_misrepresented_is_the_definition(pairs, rewards):
    order = PreferenceOrder.from_pairs(pairs, FOUR)
    right = all(order.prefers(a, b) == (rewards[a] > rewards[b]) for a, b in product(FOUR, repeat=2))
    assert (misrepresented(order, rewards) is None) == right


def test_witnesses_of_a_wrong_reward():
    order = PreferenceOrder.from_pairs([("a", "b")], ["a", "b", "c"])
    assert repr(find_utility(order)).startswith("a ∥ c and c ∥ b, yet a ≻ b")
    assert repr(misrepresented(order, {"a": 0, "b": 1, "c": 0})).startswith("a ≻ b, but the reward of a is 0")
    assert repr(misrepresented(order, {"a": 1, "b": 0, "c": 0})).startswith("a ∥ c, but")
    with pytest.raises(OrderError, match="unknown element 'c'"):
        misrepresented(order, {"a": 1, "b": 0})


# Bradley–Terry against other ways to fit it


@pytest.mark.parametrize(("n", "count", "spread"), [(2, 7, 1), (5, 30, 1), (12, 200, 2), (30, 900, 1)])
def test_agrees_with_mm_and_choix(n, count, spread):
    pairs = comparisons(n, count, seed=n, spread=spread)
    fit = fit_bradley_terry(pairs, elements=range(n))
    assert values(fit, n) == pytest.approx(by_mm(pairs, n), abs=1e-6)
    theirs = choix.ilsr_pairwise(n, pairs, tol=1e-10)
    assert values(fit, n) == pytest.approx(theirs - theirs.mean(), abs=1e-6)
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.rewards, -math.inf, pairs, []))
    assert fit.nu == 0 == fit.prob_tie(0, 1)


@pytest.mark.parametrize("prior", [0.01, 1.0, 30.0])
def test_the_prior_agrees_with_choix_where_no_finite_fit_exists(prior):
    n, pairs = 6, [(i, j) for i, j in comparisons(6, 40, seed=1) if i < j]  # all upsets removed
    fit = fit_bradley_terry(pairs, prior=prior, elements=range(n))
    theirs = choix.opt_pairwise(n, pairs, alpha=prior / 2, tol=1e-12)  # its penalty is alpha ∑ r²
    assert values(fit, n) == pytest.approx(theirs, abs=1e-6)
    assert values(fit, n).mean() == pytest.approx(0, abs=1e-12)


def test_lopsided_counts_on_which_plain_newton_diverges():
    often = {(0, 1): 4913, (0, 3): 3, (1, 2): 2, (2, 1): 4471, (2, 3): 1, (3, 0): 1, (3, 2): 1327}
    pairs = [pair for pair, count in often.items() for _ in range(count)]
    fit = fit_bradley_terry(pairs, elements=range(4))
    for i in range(4):  # at the maximum each has won as often as expected
        expected = sum(k * fit.prob(i, a if b == i else b) for (a, b), k in often.items() if i in (a, b))
        assert expected == pytest.approx(sum(k for (a, _), k in often.items() if a == i), abs=1e-6)


@given(COMPARISONS, TIES, st.sampled_from([None, 0.1, 2.0]))
@settings(max_examples=60)
def test_no_other_rewards_fit_better(pairs, ties, prior):
    """The gradient, by differences of the plain likelihood, vanishes; the likelihood is concave."""
    assume(prior or no_finite_fit(pairs, ties) is None)
    fit = fit_bradley_terry(pairs, ties, prior)
    names, log_nu = list(fit.rewards), math.log(fit.nu) if ties else -math.inf

    def objective(r, shift):
        penalty = (prior or 0) / 2 * sum(np.square(np.subtract(r, np.mean(r))))
        return log_likelihood(dict(zip(names, r, strict=True)), log_nu + shift, pairs, ties) - penalty

    r, h = np.array([fit.rewards[name] for name in names]), 1e-5
    for step in np.eye(len(r)) * h:
        assert objective(r + step, 0) - objective(r - step, 0) == pytest.approx(0, abs=2e-5 * h + 1e-12)
    if ties:
        assert objective(r, h) - objective(r, -h) == pytest.approx(0, abs=2e-5 * h + 1e-12)
    assert abs(r.mean()) < 1e-9 and all(error >= 0 for error in fit.standard_errors.values())


def test_ties_agree_with_a_general_optimiser():
    n, rng = 5, np.random.default_rng(3)
    pairs, ties = comparisons(n, 60, seed=3), [tuple(rng.choice(n, 2, replace=False)) for _ in range(15)]
    fit = fit_bradley_terry(pairs, ties, elements=range(n))
    result = minimize(lambda x: -log_likelihood(x[:n], x[n], pairs, ties), np.zeros(n + 1), tol=1e-9)
    assert values(fit, n) == pytest.approx(result.x[:n] - result.x[:n].mean(), abs=1e-5)
    assert math.log(fit.nu) == pytest.approx(result.x[n], abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-result.fun, abs=1e-9)


@pytest.mark.parametrize(("won", "lost", "tied"), [(3, 1, 0), (1000, 1, 0), (5, 2, 4), (2, 2, 1)])
def test_two_elements_have_a_closed_form(won, lost, tied):
    fit = fit_bradley_terry([("a", "b")] * won + [("b", "a")] * lost, [("b", "a")] * tied)
    total = won + lost + tied
    assert fit.rewards["a"] - fit.rewards["b"] == pytest.approx(math.log(won / lost), abs=1e-9)
    assert fit.gap_error("a", "b") == pytest.approx(math.sqrt(1 / won + 1 / lost))
    assert fit.gap_error("b", "a") == fit.gap_error("a", "b") == pytest.approx(2 * fit.standard_errors["a"])
    assert fit.gap_error("a", "a") == 0
    assert fit.prob("a", "b") == pytest.approx(won / total) and fit.prob("b", "a") == pytest.approx(
        lost / total
    )
    assert fit.prob_tie("a", "b") == pytest.approx(tied / total)
    assert fit.nu == pytest.approx(tied / math.sqrt(won * lost))


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(0, 5))
def test_probabilities_and_log_odds(rewards, nu):
    named = dict(zip("ijk", rewards, strict=True))
    model = utility.BradleyTerry(named, {}, 0.0, nu, np.zeros((3, 3)))
    for a, b in permutations("ijk", 2):
        total = model.prob(a, b) + model.prob(b, a) + model.prob_tie(a, b)
        assert total == pytest.approx(1) and model.prob_tie(a, b) == pytest.approx(model.prob_tie(b, a))
        odds = math.log(model.prob(a, b) / model.prob(b, a))
        assert odds == pytest.approx(
            named[a] - named[b], abs=1e-9
        )  # hence logit P_ik = logit P_ij + logit P_jk


@pytest.mark.parametrize("prior", [0.1, 1.0, 5.0])
def test_standard_errors_with_a_prior(prior):
    """Two elements: ½ prior · ((gap/2)² + (gap/2)²) has the curvature prior/2 in the gap."""
    fit = fit_bradley_terry([("a", "b")] * 4 + [("b", "a")], prior=prior)
    p = fit.prob("a", "b")
    assert fit.gap_error("a", "b") == pytest.approx(1 / math.sqrt(5 * p * (1 - p) + prior / 2))
    assert fit.standard_errors["b"] == pytest.approx(fit.gap_error("a", "b") / 2)
    assert fit.covariance.sum(0) == pytest.approx(0, abs=1e-12)  # the mean is 0 for certain


def test_standard_errors_tell_the_spread_of_the_estimates():
    """Over many samples from the fitted model, the z-scores of the estimates have variance about 1."""
    truth = np.array([0.8, 0.2, -0.3, -0.7])
    schedule = np.array([(i, j) for i in range(4) for j in range(4) if i < j] * 60)
    rng, z = np.random.default_rng(0), []
    for _ in range(200):
        first = rng.random(len(schedule)) < 1 / (1 + np.exp(truth[schedule[:, 1]] - truth[schedule[:, 0]]))
        pairs = np.where(first[:, None], schedule, schedule[:, ::-1]).tolist()
        fit = fit_bradley_terry(pairs, elements=range(4))
        z.append([(fit.rewards[i] - truth[i]) / fit.standard_errors[i] for i in range(4)])
        z[-1].append((fit.rewards[0] - fit.rewards[3] - 1.5) / fit.gap_error(0, 3))
    assert np.var(z, axis=0) == pytest.approx(np.ones(5), abs=0.35)  # 3.5 standard errors of a variance


@given(COMPARISONS, st.sampled_from([0.1, 2.0]))
def test_a_prior_shrinks_and_the_order_of_the_data_does_not_matter(pairs, prior):
    fit, stronger = fit_bradley_terry(pairs, prior=prior), fit_bradley_terry(pairs[::-1], prior=10 * prior)
    assert sum(r**2 for r in stronger.rewards.values()) <= sum(r**2 for r in fit.rewards.values()) + 1e-12
    again = fit_bradley_terry(pairs[::-1], prior=prior)
    assert again.rewards == pytest.approx(fit.rewards, abs=1e-9)


@pytest.mark.parametrize("prior", [1e-20, 1e-14, 1e-12, 1e300])
def test_an_extreme_prior_gives_a_fit_or_says_why_not(prior):
    try:
        fit = fit_bradley_terry([("a", "b")], prior=prior)
    except NoFiniteFit as error:
        assert "prior" in str(error)
    else:  # where the gradient 1 − σ(gap) − prior · gap/2 is 0
        gap = fit.rewards["a"] - fit.rewards["b"]
        assert 1 / (1 + math.exp(gap)) == pytest.approx(prior * gap / 2, rel=1e-4, abs=1e-300)


def test_never_compared_elements_stay_at_the_priors_mean():
    fit = fit_bradley_terry([("a", "b")], prior=1.0, elements=["a", "b", "c"])
    assert fit.rewards["c"] == pytest.approx(0) and fit.rewards["a"] == -fit.rewards["b"] > 0
    assert fit.standard_errors["c"] > fit.standard_errors["a"]


# When no finite fit exists


def runs_away(pairs, ties, names):
    """Is there a direction, other than adding a constant, along which no comparison's likelihood falls?

    By linear programming, from the definition: the log-odds of what was seen against what was not may not
    fall. Variables: one for each reward, the first held at 0, then log ν, which is 0 without ties.
    """
    at = {name: i for i, name in enumerate(names)}
    win, rows = np.eye(len(names) + 1), []
    for a, b in pairs:
        i, j, tie = win[at[a]], win[at[b]], (win[at[a]] + win[at[b]]) / 2 + win[-1]
        rows += [i - j, i - tie]
    for a, b in ties:
        i, j, tie = win[at[a]], win[at[b]], (win[at[a]] + win[at[b]]) / 2 + win[-1]
        rows += [tie - i, tie - j]
    if not ties:
        rows = rows[::2]
    bounds = [(0, 0), *[(-1, 1)] * (len(names) - 1), (-1, 1) if ties else (0, 0)]
    goals = [sign * goal for goal in win for sign in (1, -1)]
    return any(
        linprog(goal, A_ub=-np.array(rows), b_ub=np.zeros(len(rows)), bounds=bounds).fun < -1e-6
        for goal in goals
    )


@pytest.mark.parametrize(("wins", "ties", "finite"), [(3, 2, True), (2, 2, False), (2, 3, False)])
def test_a_cycle_needs_more_wins_than_ties(wins, ties, finite):
    ring = [(i, (i + 1) % (wins + ties)) for i in range(wins + ties)]
    for tied in (ring[wins:], [(b, a) for a, b in ring[wins:]]):  # a tie has no direction
        assert (no_finite_fit(ring[:wins], tied) is None) == finite
        assert runs_away(ring[:wins], tied, range(wins + ties)) == (not finite)


@given(st.lists(PAIR, min_size=1, max_size=8), TIES)
@settings(max_examples=80)
def test_the_finiteness_check_is_exact(pairs, ties):
    names = list(dict.fromkeys(x for pair in [*pairs, *ties] for x in pair))
    witness = no_finite_fit(pairs, ties)
    assert (witness is not None) == runs_away(pairs, ties, names)
    if isinstance(witness, NeverLoses):
        met = {(a, b) for a, b in [*pairs, *ties] if (a in witness) != (b in witness)}
        assert met and all(a in witness for a, b in met) and met.isdisjoint(ties)
    if isinstance(witness, NeverCompared):
        assert all((a in witness) == (b in witness) for a, b in [*pairs, *ties])
    if witness is None:
        fit_bradley_terry(pairs, ties)
    else:
        with pytest.raises(NoFiniteFit) as caught:
            fit_bradley_terry(pairs, ties)
        assert caught.value.witness == witness and repr(witness) in str(caught.value)


@pytest.mark.parametrize(
    ("pairs", "ties", "kind", "component", "message"),
    [
        ([("a", "b")], [], NeverLoses, ("a",), "a never lost to the rest.*prior=1.0"),
        ([("b", "c"), ("a", "b"), ("b", "a")], [], NeverLoses, ("b", "a"), "b, a never lost"),
        (
            list(permutations("abc", 2)) + [("x", "y"), ("y", "x")],
            [],
            NeverCompared,
            ("x", "y"),
            "x, y never met",
        ),
        ([("a", "b")], [("a", "b")], TiesRunAway, (), "more wins than ties"),
        ([], [("a", "b")], TiesRunAway, (), "more wins than ties"),
    ],
)
def test_the_component_to_blame_is_named(pairs, ties, kind, component, message):
    with pytest.raises(NoFiniteFit, match=message) as caught:
        fit_bradley_terry(pairs, ties)
    assert type(caught.value.witness) is kind and tuple(caught.value.witness) == component
    if pairs:
        assert fit_bradley_terry(pairs, ties, prior=1.0).rewards  # the remedy works


def test_as_the_prior_weakens_an_unbeaten_element_runs_to_infinity():
    gaps = [fit_bradley_terry([("a", "b")], prior=10.0**-k).rewards["a"] for k in range(7)]
    assert all(np.diff(gaps) > 0.3) and gaps[-1] > 5


def test_a_majority_cycle_cannot_be_expressed():
    fit = fit_bradley_terry([("a", "b"), ("b", "c"), ("c", "a")] * 10)
    assert list(fit.rewards.values()) == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([("a", "a")],), "'a' is compared with itself"),
        (([("a", "b")], [("b", "b")]), "'b' is compared with itself"),
        (([],), "no comparisons: give at least one"),
        (([("a", "b")], (), -1.0), "prior=-1.0 is no precision"),
        (([("a", "b")], (), math.nan), "prior=nan is no precision"),
        (([("a", "b")], (), 1.0, ["a"]), "unknown element 'b'"),
        (([], [("a", "b")], 1.0), "Add a comparison that is not a tie"),
    ],
)
def test_bad_input_is_named_with_its_remedy(arguments, message):
    with pytest.raises(OrderError, match=message):
        fit_bradley_terry(*arguments)


def test_an_unknown_element_has_no_probability():
    fit = fit_bradley_terry([("a", "b"), ("b", "a")])
    for ask in (fit.prob, fit.prob_tie, fit.gap_error):
        with pytest.raises(OrderError, match="unknown element 'z'"):
            ask("a", "z")


# Elo


@given(COMPARISONS, st.floats(0.01, 1))
def test_elo_climbs_the_gradient_of_one_comparison(pairs, step):
    before = elo(pairs[:-1], step, elements=FOUR)
    after, h = elo(pairs, step, elements=FOUR), 1e-6
    for x in FOUR:
        up, down = ({**before, x: before[x] + sign * h} for sign in (1, -1))
        slope = log_likelihood(up, -math.inf, pairs[-1:], []) - log_likelihood(
            down, -math.inf, pairs[-1:], []
        )
        assert after[x] - before[x] == pytest.approx(step * slope / (2 * h), abs=1e-6)
    assert sum(after.values()) == pytest.approx(0, abs=1e-12)


def test_elo_with_small_steps_and_many_passes_ends_at_the_fit():
    pairs = comparisons(6, 60, seed=5)
    np.random.default_rng(0).shuffle(pairs)
    assert elo([tuple(p) for p in pairs] * 300, step=0.005) == pytest.approx(
        fit_bradley_terry([tuple(p) for p in pairs]).rewards, abs=0.05
    )
