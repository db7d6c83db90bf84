"""Checks of notebook 02: closure, incomparability, linear extensions, majorities, Bradley–Terry."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from numbers import Real

from scipy.special import expit

from ..orders import (
    OrderError,
    PreferenceOrder,
    best,
    compare_scores,
    condorcet_winner,
    majority,
    pareto,
    weighted_sum,
)
from ..utility import fit_bradley_terry, no_finite_fit
from .finding import CLOSE, Finding, hashable, near, unanswered
from .trial import Refused, call, diagnosed, named, tried, unspoilt

RELATIONS = {">": "better", "<": "worse", "=": "equally good", "||": "incomparable"}
NOBODY = "nobody"


@diagnosed
def check_closure(answer, order) -> Finding:
    """Is `answer`, a set of pairs (better, worse), all that the statements in `order` imply?"""
    if missing := unanswered(answer, (set, list, tuple, frozenset), 'a set of pairs such as {("A", "B")}'):
        return missing
    if not all(isinstance(pair, tuple) and len(pair) == 2 and hashable(pair) for pair in answer):
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


@diagnosed
def check_relations(answer, scores, asked: Iterable) -> Finding:
    """Is `answer`, {(a, b): ">", "<", "=" or "||"}, how the scores compare when higher is better in each?

    scores {name: sequence of numbers}; asked: the pairs that need an answer, such as ("A", "B") or "AB".
    """
    if missing := unanswered(answer, dict, 'a dictionary such as {("A", "B"): ">"}'):
        return missing
    for pair, said in answer.items():
        if not isinstance(pair, tuple) or len(pair) != 2 or not set(pair) <= set(scores):
            return Finding(False, "unknown element", f"{pair!r}: name a pair of {list(scores)}.")
        if said is None or said is ...:
            return Finding(False, "no answer", f"No answer yet for {pair}: one of {', '.join(RELATIONS)}.")
        if not isinstance(said, str) or said not in RELATIONS:
            return Finding(False, "type", f"{said!r} for {pair}: use one of {', '.join(RELATIONS)}.")
    for (a, b), said in answer.items():
        if found := _wrong_relation(a, b, said, scores):
            return found
    for a, b in asked:
        if not {(a, b), (b, a)} & answer.keys():
            told = f"{(a, b)} is asked for, too: one of {', '.join(RELATIONS)}."
            return Finding(False, "left out", told)
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


@diagnosed
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


@diagnosed
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


@diagnosed
def check_undominated(answer, scores) -> Finding:
    """Is `answer` the set of elements that no other one dominates, higher being better in each aspect?"""
    if missing := unanswered(answer, (set, list, tuple, frozenset), 'a set of elements such as {"A"}'):
        return missing
    if not all(map(hashable, answer)):
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


@diagnosed
def check_chained_prob(answer, p: float, q: float) -> Finding:
    """Is `answer` P(a ≻ c) under Bradley–Terry, given P(a ≻ b) = p and P(b ≻ c) = q?"""
    if missing := unanswered(answer, Real, "a probability between 0 and 1"):
        return missing
    log_odds = math.log(p / (1 - p)) + math.log(q / (1 - q))
    truth = 1 / (1 + math.exp(-log_odds))
    if near(answer, truth, abs_tol=CLOSE):
        return Finding(True, None, f"Right: log-odds add up, and σ({log_odds:.2f}) = {truth:.3f}.")
    for name, (value, hint) in _chain_mistakes(p, q, log_odds, truth).items():
        if near(answer, value, abs_tol=CLOSE):
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


# One step of Bradley–Terry

CHAINED = "The reason in one line: log-odds add up"
INFINITE = "Where the fit runs to infinity"
BLAME = "Who is to blame: the witness"

NUDGES = (
    ({"A": 1.5, "B": 0.3, "C": -2.0}, "A", "B", 0.5),
    ({"A": 1.5, "B": 0.3, "C": -2.0}, "C", "A", 0.2),
)
NUDGE_MISTAKES = {  # of the gap r(winner) − r(loser)
    "σ of the gap": (
        expit,
        "an expected win moves the rewards most. The derivative of log σ is *one minus* σ",
    ),
    "slope of σ": (lambda gap: expit(gap) * expit(-gap), "this is the derivative of σ, not of log σ"),
    "no surprise": (lambda gap: 1.0, "every win moves the rewards alike, so they never come to rest"),
    "log-likelihood": (lambda gap: math.log(expit(gap)), "this is log σ itself, not its derivative"),
    "one minus the gap": (lambda gap: 1 - gap, "the gap has to go through σ first"),
    "turned round": (lambda gap: -expit(-gap), "the sign: a win lifts the winner"),
}


def _nudged(rewards: Mapping, winner, loser, rate: float, slope) -> list[float]:
    by = rate * slope(rewards[winner] - rewards[loser])
    return [r + by * ((a == winner) - (a == loser)) for a, r in rewards.items()]


@diagnosed
def check_nudge(answer) -> Finding:
    """Is `answer` (rewards, winner, loser, rate) → rewards one step up the slope of log σ(gap)?"""
    wanted = "a function of (rewards, winner, loser, rate) that returns rewards"
    values, wrote = tried(answer, wanted, NUDGES)
    for value, (rewards, *_) in zip(values, NUDGES, strict=True):
        if type(value) is not dict or value.keys() != rewards.keys():
            raise Refused(
                "type", f"A dictionary with a reward for each of {list(rewards)}, not {value!r:.80}."
            )
        if odd := [r for r in value.values() if type(r) is not float]:
            hint = "float(…) turns NumPy's number into Python's own."
            raise Refused("type", f"{odd[0]!r} is a {type(odd[0]).__name__}: plain floats are wanted.", hint)
    given = [[value[a] for a in case[0]] for value, case in zip(values, NUDGES, strict=True)]
    if _all_close(given, [_nudged(*case, lambda gap: expit(-gap)) for case in NUDGES]):
        return unspoilt(Finding(True, None, "Right: the more a win surprises, the more it moves."), wrote)
    for name, (slope, why) in NUDGE_MISTAKES.items():
        if _all_close(given, [_nudged(*case, slope) for case in NUDGES]):
            return named(name, why, "Differentiate log σ(z), by the chain rule: σ′(z) / σ(z).", CHAINED)
    hint = "Try equal rewards and a rate of 1: the winner should gain ½, and the loser lose ½."
    return Finding(False, "unknown", "Not that step, nor a mistake known here.", hint, CHAINED)


def _all_close(given: list[list[float]], truth: list[list[float]]) -> bool:
    rows = zip(given, truth, strict=True)
    return all(math.isclose(x, y, abs_tol=1e-9) for row in rows for x, y in zip(*row, strict=True))


# The fewest pairs

DRAWINGS = (
    {("A", "B"), ("B", "C"), ("A", "C")},
    {
        ("A", "B"),
        ("B", "C"),
        ("C", "D"),
        ("A", "D"),
    },  # A ≻ D follows, though neither A ≻ C nor B ≻ D is stated
    {("A", "B"), ("C", "D"), ("A", "D")},
)
ROUND = {("A", "B"), ("B", "C"), ("C", "A")}
DIAGRAM = "A picture of an order: the Hasse diagram"


def _two_step(pairs: set) -> set:
    """Without what two *stated* pairs imply."""
    return {(a, c) for a, c in pairs if not any((a, b) in pairs and (b, c) in pairs for b, _ in pairs)}


def _cover_mistakes(pairs: set) -> dict[str, tuple[set, str]]:
    order = PreferenceOrder.from_pairs(pairs)
    return {
        "nothing removed": (pairs, "what follows from other pairs is still there"),
        "closure": (order.closure().pairs, "this *adds* what follows. A diagram leaves it out"),
        "two steps only": (
            _two_step(pairs),
            "a pair can also follow by a chain of three or more, whose middle pairs nobody stated",
        ),
        "upside down": ({(b, a) for a, b in order.hasse().pairs}, "write each pair as (better, worse)"),
    }


@diagnosed
def check_covers(answer) -> Finding:
    """Is `answer` a function of a set of pairs that gives the fewest with the same closure?

    ValueError is wanted of it where there is a cycle.
    """
    wanted = "a function of a set of pairs that returns a set of pairs"
    values, wrote = tried(answer, wanted, [(pairs,) for pairs in DRAWINGS])
    for value in values:
        if type(value) is not set:
            raise Refused("type", f"A set of pairs is wanted, not a {type(value).__name__}.", None, DIAGRAM)
    tables = [_cover_mistakes(pairs) for pairs in DRAWINGS]
    if values != [PreferenceOrder.from_pairs(pairs).hasse().pairs for pairs in DRAWINGS]:
        for name, (_, why) in tables[0].items():
            if values == [table[name][0] for table in tables]:
                return named(
                    name, why, "Is there another way down from a to b? Then leave (a, b) out.", DIAGRAM
                )
        return _wrong_cover(values)
    if not _refuses(answer, ROUND):
        told = "It should raise ValueError for A ≻ B ≻ C ≻ A: on a cycle there is no diagram."
        return Finding(False, "cycle drawn", told, "Can you walk from an element back to itself?", DIAGRAM)
    return unspoilt(Finding(True, None, "Right: what follows from a longer chain is not drawn."), wrote)


def _wrong_cover(values: list[set]) -> Finding:
    for value, pairs in zip(values, DRAWINGS, strict=True):
        truth, shown = PreferenceOrder.from_pairs(pairs).hasse().pairs, sorted(pairs)
        if lost := truth - value:
            told = f"From {shown} you dropped {min(lost)}, which no other pairs imply."
            return Finding(False, "too much removed", told, None, DIAGRAM)
        if value != truth:
            told = f"For {shown}, {min(value - truth, key=str)} should not be there."
            return Finding(False, "unknown", told, "Is there another way down?", DIAGRAM)
    raise AssertionError("called for right values only")


def _refuses(function, *inputs) -> bool:
    """Does it raise ValueError?"""
    try:
        call(function, *inputs)
    except Refused as refused:
        if isinstance(refused.__cause__, ValueError):
            return True
        raise
    return False


# A fit that knows when there is none

NOISY = [("A", "B")] * 3 + [("B", "A"), ("B", "C"), ("B", "C"), ("C", "B"), ("C", "A"), ("A", "C")]
NO_FIT = {
    "an undefeated answer": [("A", "B"), ("B", "C"), ("C", "B")],
    "a winless answer": [("A", "B"), ("B", "A"), ("B", "C")],
    "a group that never loses": [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "C")],
    "two islands": [("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")],
}


@diagnosed
def check_finite_fit(answer, *given) -> Finding:
    """Is `answer` a function of pairs giving Bradley–Terry's rewards, or ValueError where none are finite?

    given: first an example, pairs without a finite fit in which every answer has won and lost.
    """
    if given and (found := _no_example(given[0])):
        return found
    (rewards,), wrote = tried(answer, "a function of pairs that returns rewards", [(NOISY,)])
    truth = fit_bradley_terry(NOISY).rewards
    if type(rewards) is not dict or rewards.keys() != truth.keys():
        raise Refused("type", f"A dictionary with a reward for each of {list(truth)}, not {rewards!r:.80}.")
    if any(type(r) is not float for r in rewards.values()):
        raise Refused("type", "Plain floats are wanted as rewards.", "float(…), or .tolist() of an array.")
    if found := _wrong_rewards(rewards, truth):
        return found
    accepted = [name for name, pairs in NO_FIT.items() if not _refuses(answer, pairs)]
    if accepted == list(NO_FIT):
        told = "It never refuses, so where no finite fit exists the result is wherever the steps ran out."
        return Finding(False, "never refuses", told, "Raise ValueError before you start to climb.", INFINITE)
    if accepted:
        told = f"It should raise ValueError for {accepted[0]}, as in {NO_FIT[accepted[0]]}."
        hint = "However the answers are divided in two groups, each group must have beaten the other."
        return Finding(False, accepted[0], f"{told} {no_finite_fit(NO_FIT[accepted[0]])!r}.", hint, BLAME)
    return unspoilt(Finding(True, None, "Right: rewards where they exist, and a refusal elsewhere."), wrote)


def _no_example(example) -> Finding | None:
    """Why these pairs do not show that everyone's winning and losing is not enough; None where they do."""
    if missing := unanswered(example, (list, tuple), 'an example, a list of pairs such as [("A", "B"), …],'):
        return missing
    try:
        witness = no_finite_fit(example)
    except (OrderError, TypeError) as error:
        return Finding(False, "type", f"The example: {error}.")
    if witness is None:
        told = "Your example has a finite fit: between any two groups there are wins both ways."
        return Finding(False, "finite example", told, "Join two groups by wins in one direction only.", BLAME)
    winners, losers = ({pair[i] for pair in example} for i in (0, 1))
    if odd := winners ^ losers:
        one = min(odd, key=str)
        told = f"In your example {one} never {'loses' if one in winners else 'wins'}."
        hint = "Too easy: let everyone win and lose at least once. How many answers do you need for that?"
        return Finding(False, "easy example", told, hint, BLAME)
    return None


def _wrong_rewards(rewards: dict, truth: dict) -> Finding | None:
    shift = sum(rewards.values()) / len(rewards)
    if all(math.isclose(rewards[a], r, abs_tol=1e-3) for a, r in truth.items()):
        return None
    if all(math.isclose(rewards[a] - shift, r, abs_tol=1e-3) for a, r in truth.items()):
        told = "The gaps are right. Only they are identified; the mean should be 0 here."
        return Finding(False, "mean not 0", told, "Subtract the mean.", INFINITE)
    shown = {a: round(r, 3) for a, r in truth.items()}
    return Finding(
        False, "rewards", f"For {NOISY} the best rewards are {shown}; yours differ.", None, INFINITE
    )
