"""Checks of notebook 04: states, endings, returns, how many responses, top-p, credit, the bandit's view.

Functions are tried on inputs made up here; each slip below is a function of the same inputs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np
import torch

from .finding import Finding, hashable, near, shown, unanswered
from .trial import Mistake, Refused, as_numbers, as_wanted, call, compare, diagnosed, named, same, tried

STATE = "The prompt belongs to the state"
ODD = "What is odd about this MDP"
ENDING = "Terminated or truncated"
RETURN = "Return and discount"
DERIVED = "Policies derived from one"
CREDIT = "Which token deserves the reward?"
BANDIT = "The whole answer as one action"


def _slip(given: list, tables: list[dict], alike: Callable[[list, list], bool] = operator.eq):
    """(name, why) of the slip that gives `given`, one value for each case; None where none does.

    tables: for each case, slip -> (the value it gives, why). A space at a name's end tells two ways apart.
    """
    for name, (_, why) in tables[0].items():
        if alike(given, [table[name][0] for table in tables]):
            return name.strip(), why
    return None


# The state


def _states(x: list, y: list, t: int) -> dict[str, tuple[list, str]]:
    """What each slip takes for s_t, and why it is none."""
    grown = "s_t is what is known *before* y_t is chosen; the choice itself cannot be part of it"
    return {
        "prompt left out": (
            y[: t - 1],
            "y_<t without x. After the same words, another question makes other next words likely",
        ),
        "action counted": (x + y[:t], f"{grown}: y_≤t is s_t+1"),
        "prompt left out, action counted": (y[:t], f"x is missing, and {grown}"),
        "last token only": ((x + y[: t - 1])[-1:], "the token before is not enough: the policy reads it all"),
        "prompt alone": (x, "x is s₁. What has been said since is part of the state too"),
        "one token short": (x + y[: max(0, t - 2)], "y_<t has t − 1 tokens: y_1 … y_t−1"),
        "one token short ": (x + y[: t - 2], "y_<t has t − 1 tokens: y_1 … y_t−1; mind t = 1"),
        "future counted": (x + y, "the whole response is there, but at t only y_<t has been said"),
        "wrong way round": (y[: t - 1] + x, "the response was put before the prompt; the order is x, then y"),
    }


@diagnosed
def check_state(answer) -> Finding:
    """Is `answer` a function (x, y, t) -> s_t = (x, y_<t)? x, y: lists of token ids; t = 1 … T.

    One list, or the pair (x, y_<t), in any kind of sequence.
    """
    cases = [([11, 12, 13], [1, 2, 3, 4, 5], t) for t in (1, 2, 4, 5)] + [([14, 15], [6, 7, 8], 3)]
    values, _ = tried(answer, "a function of (x, y, t)", cases)
    given = [_flat_ids(value) for value in values]
    if given == [x + y[: t - 1] for x, y, t in cases]:
        return Finding(True, None, "Right: the prompt and all that has been said before t, nothing else.")
    if slip := _slip(given, [_states(*case) for case in cases]):
        return named(*slip, "s₁ is x; each action adds itself.", STATE)
    hint = f"For x = {cases[2][0]}, y = {cases[2][1]} and t = {cases[2][2]} you gave {given[2]}."
    return Finding(False, "unknown", "Not s_t, nor a mistake known here.", hint, STATE)


def _flat_ids(value) -> list[int]:
    """Token ids in one list; a pair (x, y_<t) is joined."""
    parts = [as_numbers(part) for part in value] if isinstance(value, (list, tuple)) else []
    if any(part is not None and part.ndim for part in parts):
        return [token for part in value for token in _flat_ids(part)]
    numbers = as_numbers(value)
    if numbers is None or numbers.ndim != 1 or not np.isfinite(numbers).all() or (numbers % 1).any():
        raise Refused("type", f"A list of token ids is wanted, not {shown(value)}.")
    return [int(n) for n in numbers]


# The end


def _endings(y: list, limit: int, eos: int) -> dict[str, tuple[tuple[bool, bool], str]]:
    """(terminated, truncated) as each slip has it, and what is wrong with it."""
    said, full = y[-1] == eos, len(y) >= limit
    return {
        "limit as termination": (
            (said or full, False),
            "the limit ends the *episode*, but the response has not ended: that is truncation",
        ),
        "swapped": ((full and not said, said), "terminated is EOS, truncated is the limit"),
        "both at once": (
            (said, full),
            "where EOS is the last token allowed, the response has ended by itself",
        ),
        "limit first": (
            (said and not full, full),
            "EOS as the last token allowed still ends the response: terminated, not truncated",
        ),
        "one too early": (
            (said, not said and len(y) >= limit - 1),
            "the last of `limit` tokens is still allowed",
        ),
        "never truncated": ((said, False), "a response that never says EOS would go on for ever"),
        "EOS overlooked": ((False, full), "EOS ends the response, whatever the limit says"),
        "done, twice": ((said or full,) * 2, "this says *that* the episode is over, not *how*"),
    }


@diagnosed
def check_ending(answer) -> Finding:
    """Is `answer` a function (y, limit, eos) -> (terminated, truncated)? y: one token so far, or more."""
    wanted = "a function of (y, limit, eos)"
    said = [[5, 6], [5, 6, 7], [5, 6, 7, 8], [5, 0], [5, 6, 7, 0]]
    cases = [*((y, 4, 0) for y in said), ([9], 1, 3), ([3], 1, 3)]
    given = [_two_flags(value) for value in tried(answer, wanted, cases)[0]]
    truth = [(y[-1] == eos, y[-1] != eos and len(y) >= limit) for y, limit, eos in cases]
    if given == truth:
        return Finding(True, None, "Right: EOS terminates; the limit truncates what has not terminated.")
    tables = [_endings(*case) for case in cases]
    if given == [table["never truncated"][0] for table in tables]:
        if _two_flags(call(answer, [5, 6, 7, 8, 9], 4, 0)[0]) == (False, True):
            why = "`limit` tokens are allowed, not limit + 1"
            return named("one too late", why, "The last token allowed makes it `limit` tokens.", ENDING)
    if slip := _slip(given, tables):
        return named(*slip, "Ask for EOS first, and only then for the limit.", ENDING)
    wrong = next(i for i, (a, b) in enumerate(zip(given, truth, strict=True)) if a != b)
    y, limit, eos = cases[wrong]
    hint = f"Try y = {y}, limit = {limit}, eos = {eos}: (terminated, truncated) is {truth[wrong]}."
    return Finding(False, "unknown", "Not always right, and no mistake known here.", hint, ENDING)


def _two_flags(value) -> tuple[bool, bool]:
    if isinstance(value, (bool, np.bool_)):
        hint = "Gymnasium keeps the two apart: after a truncation more reward might have come."
        raise Refused("one flag", "One flag, where two are wanted: (terminated, truncated).", hint, ENDING)
    flags = as_numbers(value)
    if flags is None or flags.shape != (2,):
        raise Refused("type", f"A pair (terminated, truncated) is wanted, not {value!r:.80}.", None, ENDING)
    return bool(flags[0]), bool(flags[1])


# Returns


def _discounted(rewards: Sequence, weight: Callable[[int, int], float]) -> list[float]:
    """∑_k weight(t, k) r_k for each t."""
    return [sum(weight(t, k) * r for k, r in enumerate(rewards)) for t in range(len(rewards))]


def _return_slips(rewards: Sequence, g: float) -> dict[str, tuple[list[float], str]]:
    later = "G_t looks ahead: it sums what comes from t on"
    truth = _discounted(rewards, lambda t, k: g ** (k - t) if k >= t else 0)
    return {
        "discounted from the start": (
            _discounted(rewards, lambda t, k: g**k if k >= t else 0),
            "you counted the steps from the beginning; seen from t, a reward at k is k − t steps away",
        ),
        "own reward left out": (
            _discounted(rewards, lambda t, k: g ** (k - t - 1) if k > t else 0),
            "the reward of step t itself belongs to G_t, with factor γ⁰ = 1",
        ),
        "own reward left out ": (
            _discounted(rewards, lambda t, k: g ** (k - t) if k > t else 0),
            "the reward of step t itself belongs to G_t, with factor γ⁰ = 1",
        ),
        "one discount too many": (
            _discounted(rewards, lambda t, k: g ** (k - t + 1) if k >= t else 0),
            "the reward of step t itself is not discounted: γ⁰ = 1",
        ),
        "past, not future": (_discounted(rewards, lambda t, k: g ** (t - k) if k <= t else 0), later),
        "past, not future ": (_discounted(rewards, lambda t, k: 1 if k <= t else 0), later),
        "γ ignored": (_discounted(rewards, lambda t, k: k >= t), "each step away costs a factor γ"),
        "total everywhere": (
            [truth[0]] * len(truth),
            "this is G_1 at each step; what is past is paid, not to come",
        ),
        "not summed": ([g**t * r for t, r in enumerate(rewards)], "G_t is a sum over all steps from t on"),
        "wrong way round": (truth[::-1], "the numbers are right and stand in reverse: begin with G_1"),
    }


@diagnosed
def check_returns(answer) -> Finding:
    """Is `answer` a function (rewards, gamma) -> [G_1 … G_T], G_t = ∑_{k≥t} γ^(k−t) r_k?"""
    cases = [([0.0, 0.0, 0.0, 8.0], 0.5), ([1.0, 2.0, 5.0], 0.9), ([2.0, -1.0, 0.5, 4.0], 1.0), ([3.0], 0.5)]
    values, _ = tried(answer, "a function of (rewards, gamma)", cases)
    truth = [_discounted(r, lambda t, k, g=g: g ** (k - t) if k >= t else 0) for r, g in cases]
    numbers = [as_numbers(value) for value in values]
    if all(n is not None and n.ndim == 0 and same(n, t[0]) for n, t in zip(numbers, truth, strict=True)):
        hint = "Go through the rewards from the end: G = r + γ G, and keep each G."
        raise Refused("first only", "This is G_1, the return of the whole episode. Give one for each step.",
                      hint, RETURN)  # fmt: skip
    wanted = "one return for each reward"
    given = [as_wanted(v, wanted, (len(r),)) for v, (r, _) in zip(values, cases, strict=True)]
    if _all_same(given, truth):
        return Finding(True, None, "Right: what is still to come, seen from each step.")
    if slip := _slip(given, [_return_slips(*case) for case in cases], _all_same):
        return named(*slip, "Go through the rewards from the end: G = r + γ G.", RETURN)
    hint = f"For rewards {cases[0][0]} and γ = {cases[0][1]} the returns are {truth[0]}."
    return Finding(False, "unknown", "Not the returns, nor a mistake known here.", hint, RETURN)


def _all_same(given: list, truth: list) -> bool:
    return all(same(as_numbers(a), b, 1e-6) for a, b in zip(given, truth, strict=True))


# How many responses


@diagnosed
def check_responses(answer, vocabulary: int, longest: int) -> Finding:
    """Is `answer` the number of responses of at most `longest` tokens, of which the last is EOS?"""
    if missing := unanswered(answer, Real, "a whole number"):
        return missing
    v, t = int(vocabulary), int(longest)  # numpy's integers would overflow
    if near(answer, sum((v - 1) ** (k - 1) for k in range(1, t + 1)), rel_tol=1e-9):
        return Finding(True, None, f"Right: {v - 1} choices before each EOS, one length after the other.")
    steps = range(1, t + 1)
    slips = {
        "EOS in the middle": (v**t, f"{v}^{t} is all sequences of {t} tokens. After EOS nothing follows"),
        "one length only": ((v - 1) ** (t - 1), f"these have exactly {t} tokens. Shorter ones count"),
        "EOS not counted": (
            sum((v - 1) ** k for k in steps),
            f"these have up to {t} tokens *before* EOS; EOS is one of the {t}",
        ),
        "EOS nowhere": ((v - 1) ** t, "these never end: EOS is the last token of each response"),
        "EOS anywhere": (
            sum(v ** (k - 1) for k in steps),
            f"{v} choices before the end are one too many: EOS is among them",
        ),
        "EOS free": (sum(v**k for k in steps), "all sequences up to that length; but EOS ends one, once"),
        "added": (v * t, f"each step *multiplies* the number of ways by {v - 1}"),
    }  # fmt: skip
    hint = "One token: EOS alone, 1 response. Two: anything but EOS, then EOS. Go on, and add."
    for name, (value, why) in slips.items():
        if near(answer, value, rel_tol=1e-9):
            return named(name, why, hint, ODD)
    return Finding(False, "unknown", "Not that many.", hint, ODD)


# Top-p


def _nucleus(probs: np.ndarray, p: float) -> list[bool]:
    """Which tokens are kept: the fewest whose mass reaches p, likeliest first."""
    kept, mass = [False] * len(probs), 0.0
    for i in sorted(range(len(probs)), key=lambda i: -probs[i]):
        if mass >= p - 1e-12:
            break
        kept[i], mass = True, mass + probs[i]
    return kept


def _rescaled(weights) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    return weights / weights.sum() if weights.sum() else weights


def _top_p_slips(probs: np.ndarray, p: float) -> dict[str, tuple[np.ndarray, str]]:
    kept, order = np.array(_nucleus(probs, p)), np.argsort(-probs, kind="stable")
    fits = np.zeros(len(probs), bool)
    fits[order] = np.cumsum(probs[order]) <= p + 1e-12
    rare = np.zeros(len(probs), bool)
    rare[order[::-1]] = np.cumsum(probs[order[::-1]]) - probs[order[::-1]] < p
    crossing = "the token that carries the mass past p belongs to it, or a sure token could be left out"
    return {
        "not rescaled": (np.where(kept, probs, 0), "what is kept no longer sums to 1: divide by its sum"),
        "crossing token left out": (_rescaled(np.where(fits, probs, 0)), crossing),
        "crossing token left out ": (np.where(fits, probs, 0), f"{crossing}; nor does this sum to 1"),
        "rarest kept": (_rescaled(np.where(rare, probs, 0)), "you began with the *least* likely tokens"),
        "p for each token": (
            _rescaled(np.where(probs >= p, probs, 0)),
            "p is a mass that the tokens reach together, not a threshold for each",
        ),
        "sorted": (
            _rescaled(np.where(kept, probs, 0))[order],
            "the numbers are right, but sorted: put each back in its token's place",
        ),
        "uniform": (_rescaled(kept), "the tokens kept keep their proportions: rescale, do not level"),
        "unchanged": (probs, "nothing was left out"),
    }


@diagnosed
def check_top_p(answer) -> Finding:
    """Is `answer` a function (probs (V,), p) -> (V,), the top-p policy derived from probs?"""
    asked = "a function of (probs, p)"
    spread, mixed = np.array([0.1, 0.4, 0.05, 0.25, 0.2]), np.array([0.02, 0.13, 0.55, 0.3])
    cases = [(spread, 0.5), (spread, 0.8), (mixed, 0.3), (mixed, 0.9), (spread, 1.0)]
    try:
        values, _ = tried(answer, asked, cases)
    except Refused as refused:
        try:
            values, _ = tried(answer, asked, [(torch.from_numpy(probs), p) for probs, p in cases])
        except Refused:
            raise refused from None
    numbers = [as_numbers(value) for value in values]
    empty = [n is not None and n.shape == probs.shape and np.isnan(n).any()
             for n, (probs, _) in zip(numbers, cases, strict=True)]  # fmt: skip
    wanted = "one probability for each token"
    given = [as_wanted(np.zeros(len(probs)) if none else value, wanted, probs.shape)
             for value, none, (probs, _) in zip(values, empty, cases, strict=True)]  # fmt: skip
    truth = [_rescaled(np.where(_nucleus(*case), case[0], 0)) for case in cases]
    if _all_same(given, truth) and not any(empty):
        return Finding(
            True, None, "Right: the fewest of the likeliest whose mass reaches p, rescaled to sum to 1."
        )
    if slip := _slip(given, [_top_p_slips(*case) for case in cases], _all_same):
        hint = "Sort, likeliest first; keep a token if the mass *before* it is below p; rescale."
        return named(*slip, hint, DERIVED)
    hint = f"For probs {spread.tolist()} and p = 0.5, it is {truth[0].round(3).tolist()}."
    return Finding(False, "unknown", "Not the top-p policy, nor a mistake known here.", hint, DERIVED)


# Credit


@diagnosed
def check_credit(answer, values: Sequence[float], reward: float) -> Finding:
    """Is `answer` the credit of each action, V(s_t+1) − V(s_t), with r for the last V(s_T+1)? (T,) numbers.

    values: V(s_1) … V(s_T), the last before EOS is taken. A function (values, reward) may be given instead.
    """
    if callable(answer):
        answer = call(answer, list(values), reward)[0]
    v, r = np.asarray(values, dtype=np.float64), float(reward)
    truth = np.diff([*v, r])
    given = as_wanted(answer, "one credit for each action", v.shape, (len(v) - 1,))
    if len(given) < len(v):
        if same(given, np.diff(v)):
            return named("last action left out", "EOS is an action too: it takes V(s_T) to the reward itself",
                         "Put r at the end of the values, and take the differences.", CREDIT)  # fmt: skip
        raise Refused("shape", f"{len(given)} credits for {len(v)} actions: one each.", None, CREDIT)
    right = f"Right: they sum to r − V(s₁) = {r - v[0]:g}, what the whole answer did better than expected."
    return compare(given, truth, _credit_slips(v, r), right, CREDIT)


def _credit_slips(v: np.ndarray, r: float) -> dict[str, Mistake]:
    n = len(v)
    hint = "How much better off are we after the action than before it?"
    slips = {
        "all to the last": (
            np.eye(n)[-1] * r,
            "EOS was paid, but most of it was earned before: V(s_T) says how much",
        ),
        "spread evenly": (np.full(n, r / n), "each token got the same, the good ones and the bad"),
        "the same for all": (
            np.full(n, r),
            "this is each step's return G_t. It weighs the whole answer, and tells no token from another",
        ),
        "turned round": (-np.diff([*v, r]), "before minus after: a token that helps would get a minus"),
        "reward forgotten": (
            np.diff([*v, 0.0]),
            "the end is worth nothing *more*, but r was paid on the way there",
        ),
        "the return minus the value": (
            r - v,
            "r − V(s_t) credits token t with all that came after it as well; they do not sum to r − V(s₁)",
        ),
        "values, not differences": (v, "V(s_t) says how good the state is, not what the action changed"),
        "measured from the start": (
            np.array([*v[1:], r]) - v[0],
            "you compared with V(s₁) each time; compare with the state just before",
        ),
    }
    return {name: Mistake(value, why, hint) for name, (value, why) in slips.items()}


# The bandit's view

BANDIT_WORDS = {"state": ("x", "(x, y_<t)"), "action": ("a token", "the whole y"), "steps": (1, "T")}
RIGHT_WORDS = {"state": "x", "action": "the whole y", "steps": 1}
WHY_NOT = {
    "state": "before its only action a bandit has seen x and nothing else",
    "action": "a token is the action of the token's MDP; the bandit takes the whole response at once",
    "steps": "there is no second state to act in: one action, one reward, over",
}


@diagnosed
def check_bandit(answer) -> Finding:
    """Is `answer` the view that DPO takes, {"state": …, "action": …, "steps": …}, in the words given?"""
    if missing := unanswered(answer, dict, 'a dictionary with "state", "action" and "steps"'):
        return missing
    for key, words in BANDIT_WORDS.items():
        if key not in answer or answer[key] is None or answer[key] is ...:
            return Finding(False, "no answer", f"No answer yet for {key!r}: one of {words}.")
        if not hashable(answer[key]) or answer[key] not in words:
            return Finding(False, "unknown word", f"{shown(answer[key])} for {key!r}: one of {words}.")
    wrong = [key for key, word in RIGHT_WORDS.items() if answer[key] != word]
    if not wrong:
        return Finding(True, None, "Right: one state x, one action y, one reward. A contextual bandit.")
    if len(wrong) == len(RIGHT_WORDS):
        why = "right for stepping through an answer, but DPO compares whole answers to one prompt"
        return named("the token's view", why, "How many times does DPO look at a reward?", BANDIT)
    return named(wrong[0], WHY_NOT[wrong[0]], None, BANDIT)


# A value, from rollouts

ROLLOUTS = [  # returns, and whether each rollout was finished
    ([7.0, 4.0, 9.0, 0.0, 5.0, 0.0], [True, True, True, False, True, False]),
    ([2.0, 3.0, 7.0], [True, True, True]),
    ([8.5, 0.0, 1.5], [True, False, True]),
]


def _estimates(returns: Sequence, finished: Sequence) -> dict[str, tuple[dict, str]]:
    """{"mean", "stderr", "n", "truncated"} as each slip has them, the right ones first."""
    kept = [g for g, whole in zip(returns, finished, strict=True) if whole]
    n, cut = len(kept), len(returns) - len(kept)
    mean, spread = float(np.mean(kept)), float(np.std(kept, ddof=1))
    right = {"mean": mean, "stderr": spread / n**0.5, "n": n, "truncated": cut}
    every = float(np.std(returns, ddof=1)) / len(returns) ** 0.5
    zeros = {"mean": float(np.mean(returns)), "stderr": every}
    return {
        "right": (right, "the mean of what was finished, with its error, and how many were not"),
        "truncated counted as 0": (
            right | zeros,
            "a truncated rollout was not judged: its 0 is no verdict. Leave it out, and count it",
        ),
        "truncated counted as 0 ": (
            right | zeros | {"n": len(returns)},
            "a truncated rollout was not judged: its 0 is no verdict. Leave it out, and count it",
        ),
        "spread, not error": (
            right | {"stderr": spread},
            "s says how far one rollout lies from the mean; the mean's own error is s / √n",
        ),
        "divided by n": (
            right | {"stderr": spread / n},
            "the error of a mean of n shrinks with √n, not with n",
        ),
        "variance": (
            right | {"stderr": spread**2 / n},
            "s² / n is the variance of the mean: its root is the standard error",
        ),
        "n for n − 1": (
            right | {"stderr": float(np.std(kept)) / n**0.5},
            "the sample's spread divides by n − 1: one degree of freedom went into the mean",
        ),
        "√ of all": (
            right | {"stderr": spread / len(returns) ** 0.5},
            "the mean is one of the finished rollouts only: so is its n",
        ),
        "all counted": (right | {"n": len(returns)}, "n is the number of rollouts that the mean is of"),
        "none truncated": (right | {"truncated": 0}, "say how many rollouts were cut off"),
    }


@diagnosed
def check_value_estimate(answer) -> Finding:
    """Is `answer` a function (returns, finished) -> {"mean", "stderr", "n", "truncated"}, V and its error?

    It should raise ValueError where fewer than two rollouts were finished.
    """
    values, _ = tried(answer, "a function of (returns, finished)", ROLLOUTS)
    wanted = {"mean": float, "stderr": float, "n": int, "truncated": int}
    for value in values:
        if type(value) is not dict or value.keys() != wanted.keys():
            raise Refused("type", f"A dictionary with {', '.join(wanted)} is wanted, not {value!r:.80}.")
        for key, kind in wanted.items():
            if type(value[key]) is not kind:
                told = f"{key!r} is a {type(value[key]).__name__}, {value[key]!r:.30}: wanted is Python's own"
                raise Refused("type", f"{told} {kind.__name__}.", f"{kind.__name__}(…) makes one of it.")
    tables = [_estimates(*case) for case in ROLLOUTS]
    for name in tables[0]:
        if all(_all_near(value, table[name][0]) for value, table in zip(values, tables, strict=True)):
            if name == "right":
                return _lone_rollouts(answer)
            return named(name.strip(), tables[0][name][1], "Pick the finished ones first.", CREDIT)
    hint = f"For returns {ROLLOUTS[2][0]}, finished {ROLLOUTS[2][1]}, it is {tables[2]['right'][0]}."
    return Finding(False, "unknown", "Not the estimate, nor a mistake known here.", hint, CREDIT)


def _all_near(value: dict, truth: dict) -> bool:
    return all(near(value[key], truth[key], rel_tol=1e-6, abs_tol=1e-9) for key in truth)


def _lone_rollouts(answer: Callable) -> Finding:
    """Whether an estimate without an error is refused."""
    for lone in (([5.0, 0.0], [True, False]), ([0.0, 0.0], [False, False])):
        try:
            answer(*lone)
        except ValueError:
            continue
        except Exception as error:
            why = f"It raises {type(error).__name__}, where a ValueError that says what is amiss is wanted"
            return Finding(False, "another error", f"{why}: {error}", None, CREDIT)
        why = "Right numbers; but of fewer than two finished rollouts there is no error to give"
        return Finding(False, "no refusal", f"{why}: raise ValueError.", None, CREDIT)
    return Finding(True, None, "Right: the mean of what was finished, with its error, and how many were not.")


# A memory of states


@diagnosed
def check_remembered(answer, *witness) -> Finding:
    """Is `answer` a function ask -> asked that asks ask(x, y) once for each state, and remembers the answer?

    witness, where it is given: two states (x, y) on which a memory without x goes wrong.
    """
    if missing := unanswered(answer, Callable, "a function of ask"):
        return missing
    questions = []

    def ask(x, y):
        questions.append((x, y))
        return [x, y]

    asked = call(answer, ask)[0]
    if not callable(asked):
        raise Refused("no answer" if asked is None else "type", "It should give a function of (x, y).")
    states = [("How?", "First,"), ("Why?", "First,"), ("How?", ""), ("How?", "First,"), ("Wh", "y?First,")]
    states += [("How?F", "irst,"), ("First,", "How?"), ("a b", "c"), ("a", "b c")]
    given = [call(asked, *state)[0] for state in states]
    slips = {
        "prompt left out": (
            lambda x, y: y,
            "two prompts with the same beginning of an answer are two states",
        ),
        "response left out": (lambda x, y: x, "the state grows with every token; x alone is only s₁"),
        "joined": (
            lambda x, y: x + y,
            "“ab” + “c” reads as “a” + “bc” does. Prompt and response are two things: keep the pair",
        ),
        "joined ": (lambda x, y: f"{x} {y}", "prompt and response joined can read alike: keep the pair"),
        "in any order": (lambda x, y: frozenset((x, y)), "a set forgets which of the two is the prompt"),
    }
    if all(value is None or value is ... for value in given):
        raise Refused("no answer", "The function that it gives has no answer yet.", None, STATE)
    if given != [list(state) for state in states]:
        for name, (key, why) in slips.items():
            first = {}
            if given == [first.setdefault(key(*state), list(state)) for state in states]:
                return named(name.strip(), why, "What does the next token depend on?", STATE)
        return Finding(False, "unknown", "It gives another state's answer.", None, STATE)
    if len(questions) > len(set(states)):
        return Finding(False, "nothing remembered", "Right, but a state is asked about again.", None, STATE)
    return _shared_memory(answer, states[0]) or _falsy_answers(answer) or _witness(*witness)


def _shared_memory(answer: Callable, state: tuple[str, str]) -> Finding | None:
    """Whether a new `ask` is given what another one said about a state."""
    asked = call(answer, lambda x, y: "new")[0]
    if call(asked, *state)[0] == "new":
        return None
    why = "another ask was not asked; it got what the first had said, of a memory that outlives the call"
    hint = "A default such as known={} is made once, for all calls. Make the dictionary inside of remembered."
    return named("one memory for all", why, hint, STATE)


def _falsy_answers(answer: Callable) -> Finding | None:
    """Whether an answer such as 0.0 is remembered like any other."""
    questions = []
    asked = call(answer, lambda x, y: questions.append((x, y)))[0]  # it answers None
    call(asked, "x", "y"), call(asked, "x", "y")
    if len(questions) > 1:
        why = "An answer that is None, 0 or empty is asked for again: test `key in known`"
        return Finding(False, "empty answers forgotten", f"{why}, not the value.", None, STATE)
    return None


def _witness(*given) -> Finding:
    """Whether the two states, where they are given, are told apart by their prompts alone."""
    well = "The function is right"
    for states in given:
        if states is None or states is ...:
            return Finding(
                False, "no witness", f"{well}; the witness is still missing: two states.", None, STATE
            )
        if not (isinstance(states, (list, tuple)) and len(states) == 2 and all(map(_is_state, states))):
            why = f"{well}; as a witness two states, [(x, y), (x, y)], each of two texts, are wanted"
            return Finding(False, "witness: type", f"{why}.", None, STATE)
        if states[0][0] == states[1][0] or states[0][1] != states[1][1]:
            why = f"{well}; but on these two states the given code is right, too"
            return Finding(False, "witness: shows nothing", f"{why}. Which does it confuse?", None, STATE)
    return Finding(True, None, "Right: what is remembered is remembered for (x, y), the whole state.")


def _is_state(pair) -> bool:
    return isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(text, str) for text in pair)
