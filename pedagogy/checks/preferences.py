"""Checks of notebook 01: what a preference says, and what a reward adds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from ..orders import PreferenceOrder
from ..utility import misrepresented
from .finding import Finding, is_number


def check_gamble(answer: Mapping[str, float] | None, order: PreferenceOrder) -> Finding:
    """Rewards that keep the order of three, but put the middle above a coin flip of best and worst?"""
    best, middle, worst = (layer[0] for layer in order.layers())
    if answer is None:
        return Finding(False, "no answer", "No answer yet: put a dictionary of rewards in place of None.")
    if not isinstance(answer, Mapping) or not all(is_number(r) for r in answer.values()):
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


def check_monotone(
    answer: Iterable[str] | None, functions: Mapping[str, Callable], rewards: Mapping[str, float]
) -> Finding:
    """The names of those functions f for which f(r) states the same preferences as r."""
    if answer is None:
        return Finding(False, "no answer", "No answer yet: put a set of names in place of None.")
    chosen = {answer} if isinstance(answer, str) else set(answer)
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


def check_triple(answer: Sequence[str] | None, row: Mapping) -> Finding:
    """A triple (x, y⁺, y⁻) of a row of raw feedback, by overall_score."""
    if answer is None:
        return Finding(False, "no answer", "No answer yet: put (x, y_plus, y_minus) in place of None.")
    if isinstance(answer, str) or not isinstance(answer, Sequence) or len(answer) != 3:
        return Finding(False, "type", "Three strings are wanted: prompt, chosen answer, rejected answer.")
    prompt, scores = row["instruction"], {c["response"]: c["overall_score"] for c in row["completions"]}
    x, plus, minus = answer
    if x != prompt:
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


def check_open_pairs(answer: Iterable[tuple] | None, rewards: Mapping[str, float]) -> Finding:
    """The pairs that a reward leaves open: its ties."""
    if answer is None:
        return Finding(False, "no answer", "No answer yet: put a set of pairs in place of None.")
    if not isinstance(answer, Iterable):
        return Finding(False, "type", f"A set of pairs is wanted, not {answer!r}.")
    pairs = list(answer)
    for pair in pairs:
        if not isinstance(pair, Iterable) or len(both := tuple(pair)) != 2 or not set(both) <= rewards.keys():
            return Finding(False, "type", f"{pair!r} is not a pair of {list(rewards)}.")
        a, b = both
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


def check_rl_part(answer: str | None) -> Finding:
    """Which part of DPO is reinforcement learning?"""
    if answer is None:
        return Finding(False, "no answer", f"No answer yet: one of {list(RL_PARTS)} in place of None.")
    if not isinstance(answer, str) or answer not in RL_PARTS:
        return Finding(False, "unknown name", f"{answer!r} is not one of {list(RL_PARTS)}.")
    if hint := RL_PARTS[answer]:
        return Finding(False, answer, hint)
    return Finding(True, None, "Right: DPO's loss is derived from RL's objective, reward minus β · KL.")
