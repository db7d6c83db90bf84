"""Checks of notebook 02: closure, incomparability, linear extensions, majorities, Bradley–Terry."""

from __future__ import annotations

import math
from collections.abc import Hashable
from numbers import Real

from ..orders import best, compare_scores, condorcet_winner, majority, pareto, weighted_sum
from .finding import CLOSE, Finding, unanswered

RELATIONS = {">": "better", "<": "worse", "=": "equally good", "||": "incomparable"}
NOBODY = "nobody"


def check_closure(answer, order) -> Finding:
    """Is `answer`, a set of pairs (better, worse), all that the statements in `order` imply?"""
    if missing := unanswered(answer, (set, list, tuple, frozenset), 'a set of pairs such as {("A", "B")}'):
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
    if missing := unanswered(answer, dict, 'a dictionary such as {("A", "B"): ">"}'):
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
    if missing := unanswered(answer, Real, "a whole number"):
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
    if missing := unanswered(answer, Hashable, f'one of the elements, or "{NOBODY}"'):
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
    if missing := unanswered(answer, (set, list, tuple, frozenset), 'a set of elements such as {"A"}'):
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
    if missing := unanswered(answer, Real, "a probability between 0 and 1"):
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
