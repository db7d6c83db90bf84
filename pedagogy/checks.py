"""Self-checks that diagnose: a wrong answer is compared with the answers that the usual mistakes give.

A check works out the right answer itself, from the same scores the learner was given, and says which
mistake a wrong number is an instance of. It never raises on a wrong answer: being wrong is part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Real

from .orders import PreferenceOrder, best, compare_scores, condorcet_winner, majority, pareto, weighted_sum
from .policy import Score
from .utility import misrepresented

CLOSE = 0.006  # nats: an answer typed with two decimals counts


@dataclass(frozen=True)
class Finding:
    """What a check found: `mistake` is None where the answer is right, else the name of the mistake."""

    right: bool
    mistake: str | None
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.message}"


def check_gap(answer: float | None, chosen: Score, rejected: Score) -> Finding:
    """Is `answer` the gap log π(y⁺|x) − log π(y⁻|x), in nats? If not, which mistake is it?"""
    if answer is None:
        return Finding(
            False, "no answer", "No answer yet: put a number in place of None and run the cell again."
        )
    if isinstance(answer, bool) or not isinstance(answer, Real) or math.isnan(answer):
        return Finding(False, "type", f"A number in nats is wanted, not {answer!r}. Try float(…) around it.")
    truth = chosen.total - rejected.total
    if math.isclose(answer, truth, abs_tol=CLOSE):
        return Finding(
            True, None, f"Right: the gap is {truth:.2f} nats, the sum over y⁺ minus the sum over y⁻."
        )
    for name, (value, hint) in _gap_mistakes(chosen, rejected).items():
        if math.isclose(answer, value, abs_tol=CLOSE):
            return Finding(False, name, hint)
    return Finding(
        False, "unknown", "Not the gap, nor a mistake known here. Sum each response's logprobs first."
    )


def _gap_mistakes(chosen: Score, rejected: Score) -> dict[str, tuple[float, str]]:
    """The number that each known mistake gives, and what to tell the learner."""
    gap = chosen.total - rejected.total
    without_eos = [float(score.logprobs[:-1].sum()) for score in (chosen, rejected)]
    without_first = [float(score.logprobs[1:].sum()) for score in (chosen, rejected)]
    return {
        "swapped": (-gap, "This is the gap with y⁺ and y⁻ swapped. It is log π(y⁺|x) minus log π(y⁻|x)."),
        "mean for sum": (
            chosen.mean - rejected.mean,
            "This is the difference of the *means*. log π(y|x) is a sum over tokens: the length stays in it.",
        ),
        "EOS dropped": (
            without_eos[0] - without_eos[1],
            "EOS is missing: ending here is the response's last action, and it is scored like any other.",
        ),
        "first token dropped": (
            without_first[0] - without_first[1],
            "The first token is missing: it is predicted from the prompt alone, and it counts.",
        ),
        "chosen only": (chosen.total, "This is log π(y⁺|x) alone. Subtract log π(y⁻|x)."),
        "rejected only": (rejected.total, "This is log π(y⁻|x) alone. The gap is log π(y⁺|x) minus it."),
        "added": (chosen.total + rejected.total, "The two were added. A gap is a difference."),
        "ratio of logs": (
            chosen.total / rejected.total,
            "The two were divided. Dividing *probabilities* is subtracting their logs.",
        ),
    }


# --- Notebook 01: preferences vs rewards --------------------------------------------------------------


def check_gamble(answer: Mapping[str, float] | None, order: PreferenceOrder) -> Finding:
    """Rewards that keep the order of three, but put the middle above a coin flip of best and worst?"""
    best, middle, worst = (layer[0] for layer in order.layers())
    if answer is None:
        return Finding(False, "no answer", "No answer yet: put a dictionary of rewards in place of None.")
    if not isinstance(answer, Mapping) or not all(_is_number(r) for r in answer.values()):
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


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


# --- Notebook 02: partial orders

RELATIONS = {">": "better", "<": "worse", "=": "equally good", "||": "incomparable"}
NOBODY = "nobody"


def check_closure(answer, order) -> Finding:
    """Is `answer`, a set of pairs (better, worse), all that the statements in `order` imply?"""
    if missing := _unanswered(answer, (set, list, tuple, frozenset), 'a set of pairs such as {("A", "B")}'):
        return missing
    if not all(isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair, Hashable) for pair in answer):
        return Finding(False, "type", 'Each item is a pair (better, worse), as in {("A", "B"), ("B", "C")}.')
    given, truth = set(answer), order.closure().pairs
    if given == truth:
        return Finding(True, None, f"Right: {len(order.pairs)} statements imply {len(truth)} pairs in all.")
    return _wrong_pair(given, truth, order) or _missing_pair(given, truth, order)


def _wrong_pair(given: set, truth: set, order) -> Finding | None:
    """A pair too many, and why it was thought to follow."""
    if given == {(b, a) for a, b in truth}:
        return Finding(False, "reversed", "Each pair is the wrong way round: write (better, worse).")
    for a, b in sorted(given - truth, key=str):
        if not {a, b} <= set(order.elements):
            return Finding(False, "unknown element", f"({a!r}, {b!r}): the elements are {order.elements}.")
        if a == b:
            return Finding(False, "reflexive", f"{a} ≻ {a} cannot be: a strict preference is irreflexive.")
        if (b, a) in truth:
            return Finding(False, "one reversed", f"{a} ≻ {b} is the wrong way round: {b} ≻ {a} follows.")
        hint = f"Nothing stated says {a} ≻ {b}. No chain leads from one to the other: they are incomparable."
        return Finding(False, "incomparable ordered", hint)
    return None


def _missing_pair(given: set, truth: set, order) -> Finding:
    if forgotten := sorted(order.pairs - given, key=str):
        a, b = forgotten[0]
        return Finding(False, "statement left out", f"{a} ≻ {b} was stated, so it belongs to it too.")
    a, c = min(truth - given, key=str)
    b = next(b for b in order.elements if {(a, b), (b, c)} <= truth)
    hint = f"You forgot transitivity: {a} ≻ {b} and {b} ≻ {c}, so {a} ≻ {c}."
    return Finding(False, "transitivity forgotten", hint)


def check_relations(answer, scores) -> Finding:
    """Is `answer`, {(a, b): ">", "<", "=" or "||"}, how the scores compare when higher is better in each?

    scores {name: sequence of numbers}.
    """
    if missing := _unanswered(answer, dict, 'a dictionary such as {("A", "B"): ">"}'):
        return missing
    for pair, said in answer.items():
        if not isinstance(pair, tuple) or len(pair) != 2 or not set(pair) <= set(scores):
            return Finding(False, "unknown element", f"{pair!r}: name a pair of {list(scores)}.")
        if said is None:
            return Finding(False, "no answer", f"No answer yet for {pair}: one of {', '.join(RELATIONS)}.")
        if said not in RELATIONS:
            return Finding(False, "type", f"{said!r} for {pair}: use one of {', '.join(RELATIONS)}.")
    for (a, b), said in answer.items():
        if found := _wrong_relation(a, b, said, scores):
            return found
    return Finding(True, None, "Right, all of them: better, worse, equal and incomparable are four things.")


def _wrong_relation(a, b, said: str, scores) -> Finding | None:
    truth, first, second = compare_scores(scores, a, b), tuple(scores[a]), tuple(scores[b])
    if said == truth:
        return None
    shown = f"{a} has {first} and {b} has {second}"
    if truth == "||" and said == "=":
        hint = f"You treated incomparable as equal: {shown}. Each is better somewhere; that is no tie."
        return Finding(False, "incomparable as equal", hint)
    if truth == "=":
        hint = f"{shown}: the same everywhere. At least as good both ways is what *equally good* means."
        return Finding(False, "equal as incomparable" if said == "||" else "equal as ranked", hint)
    if truth == "||":
        sums = sum(first) - sum(second)
        if sums and said == (">" if sums > 0 else "<"):
            hint = "The sum would say so, but a sum is a reward that you chose. Each is better somewhere."
            return Finding(False, "sum decides", f"{shown}. {hint}")
        hint = f"There is an aspect for {said!r}, and another one against it: incomparable."
        return Finding(False, "one aspect decides", f"{shown}. {hint}")
    name = {"=": "ranked as equal", "||": "ranked as incomparable"}.get(said, "reversed")
    at_least = (a, b) if truth == ">" else (b, a)
    hint = "{0} is at least as good everywhere and better somewhere: {0} ≻ {1}.".format(*at_least)
    return Finding(False, name, f"{shown}. {hint}")


def check_extension_count(answer, order) -> Finding:
    """Is `answer` the number of rankings that agree with `order`?"""
    if missing := _unanswered(answer, Real, "a whole number"):
        return missing
    truth = order.count_linear_extensions()
    if answer == truth:
        return Finding(True, None, f"Right: {truth} rankings agree with what is known.")
    for name, (value, hint) in _extension_mistakes(order).items():
        if answer == value:
            return Finding(False, name, hint)
    return Finding(False, "unknown", "Not that many. Which elements can stand first? Go on from each.")


def _extension_mistakes(order) -> dict[str, tuple[int, str]]:
    n, still_open = len(order.elements), len(order.incomparable_pairs())
    return {
        "nothing known": (math.factorial(n), f"That is {n}!, all rankings. Leave out those that contradict."),
        "one ranking": (1, "Only a total order has a single one. Here some elements are incomparable."),
        "open pairs taken as free": (
            2**still_open,
            f"You gave each of the {still_open} open pairs two ways, independently. Transitivity ties them "
            "together: many of those choices make a cycle.",
        ),
        "layer by layer": (
            math.prod(math.factorial(len(layer)) for layer in order.layers()),
            "You ranked within the rows of the diagram. A row is only a way to draw: an element may be moved "
            "past all that it is incomparable with.",
        ),
        "pairs counted": (len(order.closure().pairs), "That counts the pairs known, not the rankings."),
        "open pairs counted": (still_open, "That counts the pairs left open, not the rankings."),
    }


def check_condorcet(answer, voters) -> Finding:
    """Is `answer` the element that beats each other one by majority? "nobody" where there is none."""
    if missing := _unanswered(answer, Hashable, f'one of the elements, or "{NOBODY}"'):
        return missing
    result, truth = majority(voters), condorcet_winner(voters)
    if answer == (NOBODY if truth is None else truth):
        who = "nobody beats all others by majority" if truth is None else f"{truth} beats each of the others"
        return Finding(True, None, f"Right: {who}.")
    if answer == NOBODY:
        hint = f"A cycle can happen, but need not: {truth} beats each of the others here, one at a time."
        return Finding(False, "cycle assumed", hint)
    if answer not in result.elements:
        return Finding(False, "unknown element", f'Name one of {result.elements}, or "{NOBODY}".')
    firsts = [a for voter in voters for a in voter.maximal()]
    rival = next(b for b in result.elements if b != answer and not result.graph.has_edge(answer, b))
    votes = sum(voter.prefers(answer, rival) for voter in voters)
    hint = f"Against {rival}, {answer} has {votes} of {len(voters)} voters: no majority."
    if firsts.count(answer) == max(map(firsts.count, firsts)):
        return Finding(False, "most first places", f"{answer} has the most first places. {hint}")
    return Finding(False, "beaten", hint)


def check_undominated(answer, scores) -> Finding:
    """Is `answer` the set of elements that no other one dominates, higher being better in each aspect?"""
    if missing := _unanswered(answer, (set, list, tuple, frozenset), 'a set of elements such as {"A"}'):
        return missing
    if not all(isinstance(a, Hashable) for a in answer):
        return Finding(False, "type", 'A set of names such as {"A", "B"} is wanted.')
    order, given = pareto(scores), set(answer)
    truth = set(order.maximal())
    if given == truth:
        return Finding(True, None, f"Right: {', '.join(sorted(truth))}. Nothing dominates them.")
    if unknown := given - set(order.elements):
        return Finding(
            False, "unknown element", f"{sorted(map(str, unknown))}: name some of {order.elements}."
        )
    if not given:
        hint = "No answer is best at everything, but that is not asked: which ones does no other *dominate*?"
        return Finding(False, "best at everything wanted", hint)
    for a in sorted(given - truth):
        above = next(b for b in order.elements if order.prefers(b, a))
        hint = f"{above} dominates {a}: at least as good in every aspect, better in one."
        return Finding(False, "dominated included", hint)
    left_out = min(truth - given)
    aspects = range(len(next(iter(scores.values()))))
    weights = dict.fromkeys(scores[left_out] if isinstance(scores[left_out], dict) else aspects, 1.0)
    hint = f"{left_out} belongs to it too: no other one is at least as good everywhere and better somewhere."
    if given <= set(best(weighted_sum(scores, weights))):
        return Finding(False, "best sum only", f"A best sum is undominated, but not the only one. {hint}")
    return Finding(False, "undominated left out", hint)


def check_chained_prob(answer, p: float, q: float) -> Finding:
    """Is `answer` P(a ≻ c) under Bradley–Terry, given P(a ≻ b) = p and P(b ≻ c) = q?"""
    if missing := _unanswered(answer, Real, "a probability between 0 and 1"):
        return missing
    log_odds = math.log(p / (1 - p)) + math.log(q / (1 - q))
    truth = 1 / (1 + math.exp(-log_odds))
    if math.isclose(answer, truth, abs_tol=CLOSE):
        return Finding(True, None, f"Right: log-odds add up, and σ({log_odds:.2f}) = {truth:.3f}.")
    for name, (value, hint) in _chain_mistakes(p, q, log_odds, truth).items():
        if math.isclose(answer, value, abs_tol=CLOSE):
            return Finding(False, name, hint)
    return Finding(False, "unknown", "Not that. Turn each probability into log-odds, log p/(1 − p), and add.")


def _chain_mistakes(p: float, q: float, log_odds: float, truth: float) -> dict[str, tuple[float, str]]:
    independent = "That would be so for independent events. Here two gaps r(a) − r(b) and r(b) − r(c) add up."
    return {
        "multiplied": (p * q, f"You multiplied the probabilities. {independent}"),
        "either": (1 - (1 - p) * (1 - q), f"That is the chance of one or the other. {independent}"),
        "averaged": ((p + q) / 2, "You took the mean. The gap from a to c is wider than either gap alone."),
        "the smaller": (min(p, q), "You took the smaller one. The gap from a to c is wider than either gap."),
        "the larger": (max(p, q), "You took the larger one. The gap from a to c is wider than either gap."),
        "swapped": (1 - truth, "That is P(c ≻ a)."),
        "log-odds": (log_odds, "Those are the log-odds, r(a) − r(c). One step is left: σ of them."),
        "odds": (math.exp(log_odds), "Those are the odds. One step is left: odds / (1 + odds)."),
    }


def _unanswered(answer, kind, wanted: str) -> Finding | None:
    """The finding where there is no answer yet, or one of another kind."""
    if answer is None or answer is ...:
        return Finding(False, "no answer", f"No answer yet: put {wanted} in place of None, and run again.")
    if isinstance(answer, bool) or not isinstance(answer, kind) or answer != answer:
        return Finding(False, "type", f"Wanted: {wanted}. This is {answer!r}.")
    return None
