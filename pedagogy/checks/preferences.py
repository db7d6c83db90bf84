"""Checks of notebook 01: what a preference says, and what a reward adds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, product

from ..orders import PreferenceOrder
from ..utility import WrongOrder, misrepresented
from .finding import Finding, hashable, is_number, plain, unanswered
from .trial import Mistake, Refused, diagnosed, named, tried, unspoilt

FORCED = "What a reward forces on you"
CONSTANT = "A constant for each prompt"


@diagnosed
def check_gamble(answer: Mapping[str, float] | None, order: PreferenceOrder) -> Finding:
    """Rewards that keep the order of three, but put the middle above a coin flip of best and worst?"""
    best, middle, worst = (layer[0] for layer in order.layers())
    if missing := unanswered(answer, Mapping, "a dictionary of rewards"):
        return missing
    answer = {a: plain(r) for a, r in answer.items()}
    if not all(map(is_number, answer.values())):
        return Finding(False, "type", f"A dictionary with a number for each is wanted, not {answer!r}.")
    if missing := [a for a in order.elements if a not in answer]:
        return Finding(False, "missing", f"{missing[0]} has no reward: a reward is for *everything*.")
    if witness := misrepresented(order, answer):
        return Finding(False, "order", f"These rewards no longer state the same preferences: {witness!r}.")
    flip, sure = (answer[best] + answer[worst]) / 2, answer[middle]
    if math.isclose(flip, sure):
        return Finding(
            False, "only shifted or rescaled", "Still evenly spaced: adding a constant, or multiplying by a "
            f"positive one, changes no choice between gambles. Move {middle} alone."
        )  # fmt: skip
    if flip > sure:
        return Finding(
            False, "wrong side", f"The order is right, but the flip is worth {flip:g} and {middle} {sure:g}: "
            f"bring {middle} nearer to {best} than to {worst}."
        )  # fmt: skip
    return Finding(True, None, f"Right: {middle} {sure:g} > flip {flip:g}. Same preferences, other decision.")


@diagnosed
def check_monotone(
    answer: Iterable[str] | None, functions: Mapping[str, Callable], rewards: Mapping[str, float]
) -> Finding:
    """The names of those functions f for which f(r) states the same preferences as r."""
    if missing := unanswered(answer, Iterable, "a set of names"):
        return missing
    names = [answer] if isinstance(answer, str) else list(answer)
    if not all(map(hashable, names)):
        return Finding(False, "type", f"A set of names is wanted, not {answer!r:.80}.")
    chosen = set(names)
    if unknown := chosen - functions.keys():
        return Finding(False, "unknown name", f"{unknown.pop()!r} is not one of {list(functions)}.")
    order = PreferenceOrder.from_rewards(rewards)
    for name, f in functions.items():
        new = {a: f(r) for a, r in rewards.items()}
        broken = misrepresented(order, new)
        if name in chosen and broken:
            a, b = broken[:2]
            if new[a] == new[b]:
                return Finding(False, "merged", f"{name} makes {a} and {b} equal: {a} ≻ {b} is lost.")
            return Finding(False, "turned round", f"{name} is not increasing on these rewards: {broken!r}.")
        if name not in chosen and not broken:
            return Finding(
                False, "linear only", f"You left out {name}. It stretches the gaps, but whatever was higher "
                "stays higher. It need not be a straight line, only increasing."
            )  # fmt: skip
    return Finding(True, None, "Right: exactly those that are increasing on these rewards.")


@diagnosed
def check_triple(answer: Sequence[str] | None, row: Mapping) -> Finding:
    """A triple (x, y⁺, y⁻) of a row of raw feedback, by overall_score."""
    if missing := unanswered(answer, Sequence, "(x, y_plus, y_minus)"):
        return missing
    if isinstance(answer, str) or len(answer) != 3:
        return Finding(False, "type", "Three strings are wanted: prompt, chosen answer, rejected answer.")
    prompt, scores = row["instruction"], {c["response"]: c["overall_score"] for c in row["completions"]}
    x, plus, minus = answer
    if not isinstance(x, str) or x != prompt:
        return Finding(False, "prompt", "x is not this row's instruction: a preference is *given a prompt*.")
    for name, text in (("y⁺", plus), ("y⁻", minus)):
        if not isinstance(text, str) or text not in scores:
            hint = " Leave the prompt out of it." if isinstance(text, str) and prompt in text else ""
            return Finding(False, "not an answer", f"{name} is not the text of an answer of this row.{hint}")
    if plus == minus:
        return Finding(False, "same", "y⁺ and y⁻ are the same answer: nothing is preferred to itself.")
    if scores[plus] == scores[minus]:
        return Finding(False, "tie", f"Both score {scores[plus]:g}: a tie, so no preference.")
    if scores[plus] < scores[minus]:
        return Finding(False, "swapped", "y⁺ and y⁻ are swapped: y⁺ is the one with the higher score.")
    return Finding(True, None, f"Right: {scores[plus]:g} against {scores[minus]:g}. How much is not kept.")


@diagnosed
def check_open_pairs(answer: Iterable[tuple] | None, rewards: Mapping[str, float]) -> Finding:
    """The pairs that a reward leaves open: its ties."""
    if missing := unanswered(answer, Iterable, "a set of pairs"):
        return missing
    pairs = [tuple(pair) if isinstance(plain(pair), Iterable) else (pair,) for pair in answer]
    for pair in pairs:
        if len(pair) != 2 or not hashable(pair) or not set(pair) <= rewards.keys():
            return Finding(False, "type", f"{pair!r} is not a pair of {list(rewards)}.")
        a, b = pair
        if a == b:
            return Finding(False, "itself", f"{a} is as good as itself, always: a tie is between *two*.")
        if rewards[a] != rewards[b]:
            return Finding(False, "comparable", f"{a} has {rewards[a]:g} and {b} {rewards[b]:g}: not open.")
    open_pairs = {frozenset(p) for p in combinations(rewards, 2) if rewards[p[0]] == rewards[p[1]]}
    named = {frozenset(pair) for pair in pairs}
    if open_pairs and not named:
        return Finding(
            False, "total order", "None? You took the reward for a total order. Look for equal numbers."
        )
    if missed := open_pairs - named:
        a, b = sorted(min(missed, key=sorted))
        said = f"You left out {a} and {b}, which have the same reward."
        between = [c for c in rewards if {frozenset((a, c)), frozenset((c, b))} <= named]
        if between:
            return Finding(
                False, "ties are transitive", f"{said} You have both tie with {between[0]}: so they tie too."
            )
        return Finding(False, "missed", said)
    return Finding(True, None, f"Right: {len(open_pairs)} ties. A total *pre*order, not a total order.")


RL_PARTS = {
    "objective": None,
    "loss": "The loss is a classification loss: of two answers, which was chosen? Supervised style.",
    "data": "The pairs lie there before training starts: a fixed data set, as in supervised learning.",
    "sampling": "DPO samples nothing while it trains. That is what it saves, next to PPO.",
    "reward model": "DPO trains none: the policy's own log-ratios take its place.",
}


@diagnosed
def check_rl_part(answer: str | None) -> Finding:
    """Which part of DPO is reinforcement learning?"""
    if answer is None:
        return Finding(False, "no answer", f"No answer yet: one of {list(RL_PARTS)} in place of None.")
    if not isinstance(answer, str) or answer not in RL_PARTS:
        return Finding(False, "unknown name", f"{answer!r} is not one of {list(RL_PARTS)}.")
    if hint := RL_PARTS[answer]:
        return Finding(False, answer, hint)
    return Finding(True, None, "Right: DPO's loss is derived from RL's objective, reward minus β · KL.")


# At least as good

TIED_REWARDS = ({"A": 7.0, "B": 4.0, "C": 7.0, "D": -1.0}, {"P": 0.0, "Q": 2.5, "R": 2.5})


def _related(rewards: Mapping[str, float], holds: Callable) -> set[tuple[str, str]]:
    return {(a, b) for a, b in product(rewards, repeat=2) if holds(a, b, rewards[a], rewards[b])}


WEAK_MISTAKES = {
    "strict": (lambda a, b, r, s: r > s, "it is ≻. At least as good takes in ties, and each with itself"),
    "not reflexive": (lambda a, b, r, s: a != b and r >= s, "each is at least as good as itself, too"),
    "ties once": (lambda a, b, r, s: r > s or (r == s and a <= b), "a tie holds in both directions"),
    "ties left out": (lambda a, b, r, s: r > s or a == b, "two of equal reward are each at least as good"),
    "turned round": (lambda a, b, r, s: r <= s, "the better one comes first in a pair"),
}


@diagnosed
def check_weak_relation(answer) -> Finding:
    """Is `answer` a function of {name: reward} giving {(a, b), …}, all with a at least as good as b?"""
    wanted = "a function of rewards that returns a set of pairs"
    values, wrote = tried(answer, wanted, [(rewards,) for rewards in TIED_REWARDS])
    for value in values:
        if type(value) is not set:
            raise Refused("type", f"A set of pairs is wanted, not a {type(value).__name__}.", None, FORCED)
    for name, (holds, why) in WEAK_MISTAKES.items():
        if values == [_related(rewards, holds) for rewards in TIED_REWARDS]:
            return named(name, why, "Which numbers does ≥ let through that > does not?", FORCED)
    for value, rewards in zip(values, TIED_REWARDS, strict=True):
        truth = _related(rewards, lambda a, b, r, s: r >= s)
        if value != truth:
            pair = min(value ^ truth, key=str)
            told = "is missing" if pair in truth else "does not belong to it"
            return Finding(False, "unknown", f"For the rewards {rewards}, {pair} {told}.", None, FORCED)
    return unspoilt(Finding(True, None, "Right: total, transitive, and with ties in both directions."), wrote)


# A reward, where there is one

RANKING = (["A", "B", "C"], {("A", "B"), ("A", "C"), ("B", "C")})
SHELVES = (["A", "B", "C", "D"], {("A", "B"), ("A", "C"), ("A", "D"), ("B", "D"), ("C", "D")})
SILENCE = (["A", "B"], set())
OPEN_ABOVE = (["A", "B", "C"], {("A", "C")})  # B ∥ A and B ∥ C
TWO_CHAINS = (["A", "B", "C", "D"], {("A", "B"), ("C", "D")})


@diagnosed
def check_reward_for(answer) -> Finding:
    """Is `answer` a function (elements, better) giving rewards with a ≻ b ⇔ r(a) > r(b), or None?"""
    wanted = "a function of (elements, better) that returns rewards or None"
    cases = [RANKING, SHELVES, SILENCE, OPEN_ABOVE, TWO_CHAINS]
    values, wrote = tried(answer, wanted, cases)
    for (elements, better), value in zip(cases[:3], values[:3], strict=True):
        if found := _unfit(elements, better, value):
            return found
    for (elements, better), value in zip(cases[3:], values[3:], strict=True):
        if value is not None:
            return _no_reward_here(elements, better, value)
    right = "Right: rewards where ≻ is a weak order, None where it is not."
    return unspoilt(Finding(True, None, right), wrote)


def _told(elements: list, better: set) -> str:
    said = ", ".join(f"{a} ≻ {b}" for a, b in sorted(better)) or "no preference at all"
    return f"on {', '.join(elements)} with {said}"


def _unfit(elements: list, better: set, rewards) -> Finding | None:
    """Why these are not the rewards of a weak order, for which there are some."""
    shown, mistake = _told(elements, better), None
    if rewards is None:
        mistake = "total order wanted", f"None {shown}: those that are incomparable can share a reward."
    elif type(rewards) is not dict or not all(type(r) is float for r in rewards.values()):
        mistake = (
            "type",
            f"{rewards!r:.80} {shown}: a dictionary of plain floats is wanted, as in {{'A': 1.0}}.",
        )
    elif missing := [a for a in elements if a not in rewards]:
        mistake = "missing", f"{missing[0]} has no reward {shown}: a reward is for *everything*."
    elif witness := misrepresented(PreferenceOrder.from_pairs(better, elements), rewards):
        turned = {a: -r for a, r in rewards.items()}
        if better and not misrepresented(PreferenceOrder.from_pairs(better, elements), turned):
            mistake = "turned round", f"{witness!r}: the better has the *higher* reward."
        elif isinstance(witness, WrongOrder):
            mistake = "order", f"{shown[0].upper()}{shown[1:]}: {witness!r}."
        else:
            mistake = "a linear extension", f"You decided a pair that was left open. {witness!r}."
    return mistake and Finding(False, *mistake, None, FORCED)


def _no_reward_here(elements: list, better: set, rewards) -> Finding:
    """Rewards were given where there are none."""
    try:
        reason = repr(misrepresented(PreferenceOrder.from_pairs(better, elements), rewards))
    except (TypeError, ValueError, KeyError):
        reason = f"{rewards!r:.80} is no reward"
    hint = "Make a reward as if there were one. Then look at every pair: does it say what ≻ says, both ways?"
    told = f"There is no reward {_told(elements, better)}, but you gave one. {reason}."
    return Finding(False, "rewards where there are none", told, hint, FORCED)


# Agreement within each prompt

PROMPT_REWARDS = (
    ([5.0, 1.0, 0.5, 3.0], [4.0, -2.0, 0.5, 3.5]),
    ([0.0, 10.0, 20.0], [-1.0, 9.0, 20.0]),
)


def _points(plus: float, minus: float, tie: float = 0.5) -> float:
    return tie if plus == minus else float(plus > minus)


def _agreements(chosen: list[float], rejected: list[float]) -> dict[str, Mistake]:
    """The true share first, then what the mistakes make of it."""
    pairs, n = list(zip(chosen, rejected, strict=True)), len(chosen)
    clear = [_points(*pair) for pair in pairs if pair[0] != pair[1]]
    share = sum(_points(*pair) for pair in pairs) / n
    return {
        "right": Mistake(share, ""),
        "across prompts": Mistake(
            given_agreement(chosen, rejected),
            "each y⁺ is compared with the y⁻ of *other* prompts, about which no preference says anything",
            "Add 100 to both rewards of one prompt. No preference changes, so the result may not either.",
        ),
        "ties as right": Mistake(sum(_points(*p, 1.0) for p in pairs) / n, "a tie counts half a point here"),
        "ties as wrong": Mistake(sum(_points(*p, 0.0) for p in pairs) / n, "a tie counts half a point here"),
        "ties left out": Mistake(
            sum(clear) / len(clear), "a tie counts half a point, and is one of the prompts"
        ),
        "turned round": Mistake(1 - share, "this rewards the rejected answer"),
        "a sum": Mistake(share * n, "this is a sum; the share of all prompts is wanted"),
        "a percentage": Mistake(100 * share, "a share between 0 and 1 is wanted"),
    }


@diagnosed
def check_within_prompts(answer, *given) -> Finding:
    """Is `answer` a function (chosen, rejected) giving the share of prompts with r(y⁺) > r(y⁻), ties half?

    given: first an example, (chosen, rejected, offsets), in which a constant for each prompt changes what
    comes of comparing across prompts.
    """
    if given and (found := _no_example(given[0])):
        return found
    wanted = "a function of (chosen, rejected) that returns a share"
    values, wrote = tried(answer, wanted, PROMPT_REWARDS)
    for value in values:
        if type(value) is not float:
            raise Refused(
                "type", f"A plain float is wanted, not {value!r:.60} of type {type(value).__name__}."
            )
    tables = [_agreements(*case) for case in PROMPT_REWARDS]
    for name, mistake in tables[0].items():
        if all(math.isclose(v, t[name].value, abs_tol=1e-9) for v, t in zip(values, tables, strict=True)):
            if name == "right":
                return unspoilt(Finding(True, None, "Right: one comparison a prompt, a tie half."), wrote)
            return named(name, mistake.why, mistake.hint, CONSTANT)
    chosen, rejected = PROMPT_REWARDS[0]
    told = f"For y⁺ {chosen} and y⁻ {rejected} it gives {values[0]:g}, not {tables[0]['right'].value:g}."
    return Finding(False, "unknown", told, "Work it out by hand for one prompt.", CONSTANT)


def _no_example(example) -> Finding | None:
    """Why these rewards and offsets do not show the harm of comparing across prompts; None where they do."""
    wanted = "an example, three lists (chosen, rejected, offsets) of equally many numbers"
    if example is None or example is ...:
        return Finding(False, "no answer", f"No answer yet: first put {wanted}, in place of None.")
    lists = list(example) if isinstance(example, Sequence) and len(example) == 3 else []
    if not lists or not all(isinstance(row, Sequence) and all(map(is_number, row)) for row in lists):
        return Finding(False, "type", f"Wanted: {wanted}, not {example!r:.80}.")
    chosen, rejected, offsets = lists
    if not len(chosen) == len(rejected) == len(offsets) > 0:
        return Finding(False, "type", f"Wanted: {wanted}. One for each prompt in each list.")
    shifted = [[r + c for r, c in zip(row, offsets, strict=True)] for row in (chosen, rejected)]
    before, after = given_agreement(chosen, rejected), given_agreement(*shifted)
    if before == after:
        told = (
            f"Your example does not show it: the code as given says {before:g}, with and without the offsets."
        )
        return Finding(
            False, "example shows nothing", told, "Two prompts are enough. Use a large offset.", CONSTANT
        )
    return None


def given_agreement(chosen: Sequence[float], rejected: Sequence[float]) -> float:
    """The planted bug: every chosen answer is compared with the rejected ones of all prompts."""
    return sum(_points(*pair) for pair in product(chosen, rejected)) / (len(chosen) * len(rejected))
