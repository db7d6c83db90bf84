"""Notebook 04's checks: right answers pass however they are written, each mistake is told as itself."""

import math
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

import pedagogy as pg
from pedagogy.checks import check, mdp
from pedagogy.rollouts import derived_policy, returns

NOTEBOOK = Path(pg.__file__).parents[1] / "notebooks" / "04_llm_as_mdp.ipynb"


def assert_told(found, mistake):
    assert (found.right, found.mistake) == (False, mistake) and found.message


# The state


def by_loop(x, y, t):
    state = list(x)
    for token in y[: t - 1]:
        state.append(token)
    return state


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, y, t: x + y[: t - 1],
        lambda x, y, t: [*x, *y][: len(x) + t - 1],
        lambda x, y, t: (x, y[: t - 1]),
        lambda x, y, t: (tuple(x), tuple(y[: t - 1])),
        lambda x, y, t: np.concatenate([x, y[: t - 1]]),
        lambda x, y, t: torch.tensor(x + y)[: len(x) + t - 1],
        lambda x, y, t: (torch.tensor(x), torch.tensor(y)[: t - 1]),
        lambda x, y, t: [torch.tensor(token) for token in x + y[: t - 1]],
        lambda x, y, t: (range(x[0], x[-1] + 1), y[: t - 1]),
        by_loop,
    ],
)
def test_a_state(answer):
    assert check("state", answer).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ([1, 2], "type"),
        (lambda x, y, t: None, "no answer"),
        (lambda x, y, t: "text", "type"),
        (lambda x, y: x, "error"),
        (lambda x, y, t: y[: t - 1], "prompt left out"),
        (lambda x, y, t: x + y[:t], "action counted"),
        (lambda x, y, t: (x, y[:t]), "action counted"),
        (lambda x, y, t: y[:t], "prompt left out, action counted"),
        (lambda x, y, t: [([*x, *y])[len(x) + t - 2]], "last token only"),
        (lambda x, y, t: x, "prompt alone"),
        (lambda x, y, t: x + y[: t - 2], "one token short"),
        (lambda x, y, t: x + y[: max(t - 2, 0)], "one token short"),
        (lambda x, y, t: x + y, "future counted"),
        (lambda x, y, t: y[: t - 1] + x, "wrong way round"),
        (lambda x, y, t: [t], "unknown"),
        (lambda x, y, t: [token + 0.5 for token in x + y[: t - 1]], "type"),
        (lambda x, y, t: (x, torch.tensor(y[: t - 1]) + 0.5), "type"),
        (lambda x, y, t: [math.nan, *x], "type"),
        (lambda x, y, t: [math.inf, *x], "type"),
    ],
)
def test_state_mistakes(answer, mistake):
    found = check("state", answer)
    assert_told(found, mistake)
    assert "cannot be compared" not in found.message


def test_each_state_slip_differs_from_the_others():
    case = ([11, 12, 13], [1, 2, 3, 4, 5], 1), ([11, 12, 13], [1, 2, 3, 4, 5], 4)
    tables = [mdp._states(*one) for one in case]
    seen = [tuple(map(tuple, (table[name][0] for table in tables))) for name in tables[0]]
    assert len(set(seen)) == len(seen)


# The end


def step_by_step(y, limit, eos):
    if y[-1] == eos:
        return True, False
    if len(y) == limit:
        return False, True
    return False, False


@pytest.mark.parametrize(
    "answer",
    [
        step_by_step,
        lambda y, limit, eos: (y[-1] == eos, y[-1] != eos and len(y) >= limit),
        lambda y, limit, eos: [eos in y, len(y) >= limit and eos not in y],
        lambda y, limit, eos: np.array([y[-1] == eos, (len(y) >= limit) & (y[-1] != eos)]),
    ],
)
def test_an_ending(answer):
    assert check("ending", answer).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        (True, "type"),
        (lambda y, limit, eos: y[-1] == eos, "one flag"),
        (lambda y, limit, eos: "EOS", "type"),
        (lambda y, limit, eos: (y[-1] == eos or len(y) >= limit, False), "limit as termination"),
        (lambda y, limit, eos: step_by_step(y, limit, eos)[::-1], "swapped"),
        (lambda y, limit, eos: (y[-1] == eos, len(y) >= limit), "both at once"),
        (lambda y, limit, eos: (y[-1] == eos and len(y) < limit, len(y) >= limit), "limit first"),
        (lambda y, limit, eos: (y[-1] == eos, y[-1] != eos and len(y) > limit), "one too late"),
        (lambda y, limit, eos: (y[-1] == eos, y[-1] != eos and len(y) >= limit - 1), "one too early"),
        (lambda y, limit, eos: (y[-1] == eos, False), "never truncated"),
        (lambda y, limit, eos: (False, len(y) >= limit), "EOS overlooked"),
        (lambda y, limit, eos: (y[-1] == eos or len(y) >= limit,) * 2, "done, twice"),
        (lambda y, limit, eos: (len(y) == 2, False), "unknown"),
    ],
)
def test_ending_mistakes(answer, mistake):
    assert_told(check("ending", answer), mistake)


# Returns


def backwards(rewards, gamma):
    found, g = [], 0.0
    for reward in rewards[::-1]:
        g = reward + gamma * g
        found.insert(0, g)
    return found


def direct(rewards, gamma):
    return [sum(gamma**i * r for i, r in enumerate(rewards[t:])) for t in range(len(rewards))]


@pytest.mark.parametrize("answer", [backwards, direct, returns, lambda r, g: torch.tensor(direct(r, g))])
def test_returns_are_right(answer):
    assert check("returns", answer).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ([8, 8], "type"),
        (lambda r, g: direct(r, g)[0], "first only"),
        (lambda r, g: direct(r, g)[1:], "shape"),
        (lambda r, g: [sum(g**k * r[k] for k in range(t, len(r))) for t in range(len(r))],
         "discounted from the start"),
        (lambda r, g: [*direct(r, g)[1:], 0.0], "own reward left out"),
        (lambda r, g: [G - own for G, own in zip(direct(r, g), r, strict=True)], "own reward left out"),
        (lambda r, g: [g * G for G in direct(r, g)], "one discount too many"),
        (lambda r, g: np.cumsum(r), "past, not future"),
        (lambda r, g: direct(r[::-1], g)[::-1], "past, not future"),
        (lambda r, g: direct(r, 1.0), "γ ignored"),
        (lambda r, g: [direct(r, g)[0]] * len(r), "total everywhere"),
        (lambda r, g: [g**t * reward for t, reward in enumerate(r)], "not summed"),
        (lambda r, g: direct(r, g)[::-1], "wrong way round"),
        (lambda r, g: [3.0] * len(r), "unknown"),
    ],
)  # fmt: skip
def test_return_mistakes(answer, mistake):
    assert_told(check("returns", answer), mistake)


# How many responses


def count(vocabulary, longest):
    """By listing them: EOS is 0."""
    open_ones, ended = [()], 0
    for _ in range(longest):
        ended += len(open_ones)  # each may end now
        open_ones = [(*y, token) for y in open_ones for token in range(1, vocabulary)]
    return ended


@pytest.mark.parametrize(("v", "t"), [(4, 3), (3, 4), (5, 3), (2048, 30)])
def test_how_many_responses(v, t):
    exact = sum((v - 1) ** k for k in range(t))
    assert v > 5 or exact == count(v, t)
    assert check("responses", exact, v, t).right and check("responses", float(exact), v, t).right
    assert check("responses", exact, np.int64(v), np.int64(t)).right
    slips = {
        v**t: "EOS in the middle",
        (v - 1) ** (t - 1): "one length only",
        sum((v - 1) ** k for k in range(1, t + 1)): "EOS not counted",
        (v - 1) ** t: "EOS nowhere",
        sum(v**k for k in range(t)): "EOS anywhere",
        sum(v**k for k in range(1, t + 1)): "EOS free",
        v * t: "added",
        7: "unknown",
    }
    for value, mistake in slips.items():
        assert_told(check("responses", value, v, t), mistake)
    assert_told(check("responses", None, v, t), "no answer")
    assert_told(check("responses", "many", v, t), "type")


# Top-p


def nucleus(probs, p):
    kept, mass = np.zeros_like(probs), 0.0
    for i in np.argsort(-probs):
        kept[i], mass = probs[i], mass + probs[i]
        if mass >= p:
            break
    return kept / kept.sum()


def nucleus_in_torch(probs, p):
    ranked, order = probs.sort(descending=True)
    ranked = ranked.masked_fill(ranked.cumsum(-1) - ranked >= p, 0.0)
    return torch.zeros_like(probs).scatter(0, order, ranked / ranked.sum())


def without_crossing(probs, p, rescale=True):
    order = np.argsort(-probs)
    kept = np.zeros_like(probs)
    kept[order] = np.where(np.cumsum(probs[order]) <= p + 1e-12, probs[order], 0)
    return kept / kept.sum() if rescale else kept


def not_rescaled(probs, p):
    return np.where(nucleus(probs, p) > 0, probs, 0)


def from_the_rarest(probs, p):
    order = np.argsort(probs)
    before = np.cumsum(probs[order]) - probs[order]
    kept = np.zeros_like(probs)
    kept[order] = np.where(before < p, probs[order], 0)
    return kept / kept.sum()


@pytest.mark.parametrize(
    "answer",
    [
        nucleus,
        nucleus_in_torch,
        lambda q, p: derived_policy(np.log(q), top_p=p),
        lambda q, p: list(nucleus(q, p)),
    ],
)
def test_top_p(answer):
    assert check("top_p", answer).right


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ([0.5, 0.5], "type"),
        (lambda q, p: q.no_such_thing(), "error"),
        (lambda q, p: q[:2], "shape"),
        (not_rescaled, "not rescaled"),
        (without_crossing, "crossing token left out"),
        (lambda q, p: without_crossing(q, p, rescale=False), "crossing token left out"),
        (from_the_rarest, "rarest kept"),
        (lambda q, p: np.where(q >= p, q, 0) / np.where(q >= p, q, 0).sum(), "p for each token"),
        (lambda q, p: -np.sort(-nucleus(q, p)), "sorted"),
        (lambda q, p: (nucleus(q, p) > 0) / (nucleus(q, p) > 0).sum(), "uniform"),
        (lambda q, p: q, "unchanged"),
        (lambda q, p: np.full(len(q), 0.3), "unknown"),
    ],
)
def test_top_p_mistakes(answer, mistake):
    assert_told(check("top_p", answer), mistake)


# Credit

VALUES, REWARD = [5.0, 5.5, 2.0, 6.0, 6.5], 7.0


@pytest.mark.parametrize(
    "answer",
    [
        [0.5, -3.5, 4.0, 0.5, 0.5],
        np.diff([*VALUES, REWARD]),
        torch.tensor([0.5, -3.5, 4.0, 0.5, 0.5]),
        lambda values, r: [b - a for a, b in zip(values, [*values[1:], r], strict=True)],
    ],
)
def test_credit(answer):
    assert check("credit", answer, VALUES, REWARD).right


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        ("text", "type"),
        ([1.0, 2.0], "shape"),
        (np.diff(VALUES), "last action left out"),
        ([1.0, 1.0, 1.0, 1.0], "shape"),
        ([0, 0, 0, 0, 7.0], "all to the last"),
        ([1.4] * 5, "spread evenly"),
        ([7.0] * 5, "the same for all"),
        ([-0.5, 3.5, -4.0, -0.5, -0.5], "turned round"),
        ([0.5, -3.5, 4.0, 0.5, -6.5], "reward forgotten"),
        ([2.0, 1.5, 5.0, 1.0, 0.5], "the return minus the value"),
        (VALUES, "values, not differences"),
        ([0.5, -3.0, 1.0, 1.5, 2.0], "measured from the start"),
        ([9.0] * 5, "unknown"),
    ],
)
def test_credit_mistakes(answer, mistake):
    assert_told(check("credit", answer, VALUES, REWARD), mistake)


# The bandit

WORDS = {"state": "x", "action": "the whole y", "steps": 1}


def test_the_bandit():
    assert check("bandit", WORDS).right
    assert_told(check("bandit", None), "no answer")
    assert_told(check("bandit", "x"), "type")
    assert_told(check("bandit", WORDS | {"state": None}), "no answer")
    assert_told(check("bandit", WORDS | {"steps": 2}), "unknown word")
    assert_told(check("bandit", WORDS | {"state": ["x"]}), "unknown word")
    assert_told(check("bandit", WORDS | {"state": np.array([1, 2])}), "unknown word")
    assert_told(
        check("bandit", {"state": "(x, y_<t)", "action": "a token", "steps": "T"}), "the token's view"
    )
    for key, word in {"state": "(x, y_<t)", "action": "a token", "steps": "T"}.items():
        assert_told(check("bandit", WORDS | {key: word}), key)


def test_each_section_to_reread_is_there():
    text = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "markdown")
    headings = {line.lstrip("# ") for line in text.splitlines() if line.startswith("#")}
    named = {mdp.STATE, mdp.ODD, mdp.ENDING, mdp.RETURN, mdp.DERIVED, mdp.CREDIT, mdp.BANDIT}
    assert named <= headings


# A value, from rollouts


def refusing(estimates):
    def answer(returns, finished):
        if sum(finished) < 2:
            raise ValueError("fewer than two finished")
        return estimates(returns, finished)

    return answer


@pytest.mark.parametrize("name", mdp._estimates(*mdp.ROLLOUTS[0]))
def test_an_estimate(name):
    found = check("value_estimate", refusing(lambda *rollouts: mdp._estimates(*rollouts)[name][0]))
    assert found.mistake == (None if name == "right" else name.strip()) and found.message


def right_estimate(returns, finished):
    return mdp._estimates(returns, finished)["right"][0]


def lone_is_zero(returns, finished):
    zero = {"mean": 0.0, "stderr": 0.0, "n": 0, "truncated": 0}
    return right_estimate(returns, finished) if sum(finished) > 1 else zero


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (None, "no answer"),
        (5, "type"),
        (lambda returns, finished: None, "no answer"),
        (lambda returns, finished: (5.0, 1.0, 2, 1), "type"),
        (refusing(lambda *r: right_estimate(*r) | {"mean": np.float64(right_estimate(*r)["mean"])}), "type"),
        (refusing(lambda *r: right_estimate(*r) | {"mean": 5.0}), "unknown"),
        (lone_is_zero, "no refusal"),
        (lambda returns, finished: returns.mean(), "error"),
    ],
)
def test_an_estimate_that_is_none(answer, mistake):
    assert_told(check("value_estimate", answer), mistake)


# A memory of states


def memory(key, falsy_is_new=False):
    def remembered(ask):
        known = {}

        def asked(x, y):
            state = key(x, y)
            if state not in known or (falsy_is_new and not known[state]):
                known[state] = ask(x, y)
            return known[state]

        return asked

    return remembered


STATES = [("How?", "First,"), ("Why?", "First,")]


def shared_memory(known):
    def remembered(ask):
        def asked(x, y):
            if (x, y) not in known:
                known[x, y] = ask(x, y)
            return known[x, y]

        return asked

    return remembered


def shared_by_asks():
    known = {}
    return lambda ask: shared_memory(known.setdefault(ask, {}))(ask)


def test_a_memory_that_all_asks_share():
    answer = shared_memory({})  # as the default argument in remembered(ask, known={}) is
    for _ in range(2):  # the second time, it knows all from the first
        assert_told(check("remembered", answer, STATES), "one memory for all")
    assert check("remembered", shared_by_asks(), STATES).right


@pytest.mark.parametrize(
    ("answer", "witness", "mistake"),
    [
        (memory(lambda x, y: (x, y)), (STATES,), None),
        (memory(lambda x, y: (x, y)), (), None),
        (memory(lambda x, y: (x, y)), (None,), "no witness"),
        (memory(lambda x, y: (x, y)), ("How?",), "witness: type"),
        (memory(lambda x, y: (x, y)), ([("a", "b"), ("a", "c")],), "witness: shows nothing"),
        (memory(lambda x, y: (x, y)), ([("a", "b"), ("a", "b")],), "witness: shows nothing"),
        (memory(lambda x, y: y), (STATES,), "prompt left out"),
        (memory(lambda x, y: x), (STATES,), "response left out"),
        (memory(lambda x, y: x + y), (STATES,), "joined"),
        (memory(lambda x, y: f"{x} {y}"), (STATES,), "joined"),
        (memory(lambda x, y: frozenset((x, y))), (STATES,), "in any order"),
        (memory(lambda x, y: 0), (STATES,), "unknown"),
        (lambda ask: ask, (STATES,), "nothing remembered"),
        (memory(lambda x, y: (x, y), falsy_is_new=True), (STATES,), "empty answers forgotten"),
        (lambda ask: lambda x, y: None, (None,), "no answer"),
        (lambda ask: None, (None,), "no answer"),
        (lambda ask: 5, (None,), "type"),
        (None, (None,), "no answer"),
        (5, (None,), "type"),
    ],
)
def test_a_memory_of_states(answer, witness, mistake):
    found = check("remembered", answer, *witness)
    assert (found.right, found.mistake) == (mistake is None, mistake) and found.message
