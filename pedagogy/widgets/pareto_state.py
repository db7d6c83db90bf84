"""The Pareto explorer's game in plain Python: four rated answers, weights, and what is chosen."""

from __future__ import annotations

import math
from functools import cached_property

from ..feedback import letter as name_of
from ..feedback.schemas import ASPECTS
from ..orders import PreferenceOrder, best, best_lead, pareto, weighted_sum
from .gap_state import Problem

WEIGHTED, OVERALL, MEAN = "weighted sum", "overall_score", "mean of the aspects"
STEP = 0.05  # of a weight, 0 … 1
SMALL = 1e-6  # of a margin in points: below, it is a tie


class Rated:
    """One row: its answers, their ratings, and what follows without any weights."""

    def __init__(self, row: dict):
        self.prompt: str = row["instruction"]
        completions = {name_of(i): c for i, c in enumerate(row["completions"])}
        self.answers: dict[str, str] = {letter: c["response"] for letter, c in completions.items()}
        read = {letter: _ratings(c) for letter, c in completions.items()}
        self.ratings = {letter: rated for letter, rated in read.items() if None not in rated.values()}
        self.unrated = [letter for letter in read if letter not in self.ratings]
        scores = {letter: _number(c.get("overall_score")) for letter, c in completions.items()}
        self.overall = {letter: s for letter, s in scores.items() if s is not None}
        self.mean = weighted_sum(self.ratings, dict.fromkeys(ASPECTS, 1 / len(ASPECTS)))

    @cached_property
    def order(self) -> PreferenceOrder:
        """At least as good in every aspect, better in one."""
        return pareto(self.ratings)

    @cached_property
    def reach(self) -> dict[str, tuple[float, dict[str, float]]]:
        """For each answer: by how much it can lead under its best weights, and these. See `best_lead`."""
        return {letter: best_lead(self.ratings, letter) for letter in self.ratings}

    def dominators(self, letter: str) -> list[str]:
        return [a for a in self.order.elements if self.order.prefers(a, letter)]

    def twins(self, letter: str) -> list[str]:
        """Answers with the very same ratings."""
        return [a for a, rated in self.ratings.items() if a != letter and rated == self.ratings[letter]]

    def rivals_disagree(self) -> bool:
        """No answer is the best, or tied for it, under both overall_score and the mean."""
        return bool(self.overall and self.mean) and not set(best(self.overall)) & set(best(self.mean))


class ParetoState:
    """A row and the weights of its aspects. feedback holds rows of UltraFeedback's raw schema."""

    def __init__(self, feedback=None):
        self.feedback = _bundled() if feedback is None else feedback
        if not len(self.feedback):
            raise ValueError("feedback has no rows: give at least one")
        self.weights = dict.fromkeys(ASPECTS, 1.0)
        self.go(0)

    # What the learner does

    def go(self, index: int) -> None:
        """To the row `index`, counted from 0; stops at both ends. The weights stay."""
        self.index = min(max(int(index), 0), len(self.feedback) - 1)
        self.row = Rated(self.feedback[self.index])
        self.flip = ""

    def next_disagreement(self) -> None:
        """To the next row, round the end, where overall_score and the mean choose different answers."""
        size = len(self.feedback)
        for i in (j % size for j in range(self.index + 1, self.index + size)):
            if Rated(self.feedback[i]).rivals_disagree():
                return self.go(i)
        raise Problem("In no other row do overall_score and the mean of the aspects disagree.")

    def weigh(self, **weights: float) -> None:
        """Set some weights, 0 … 1, and remember it where the choice flips."""
        for aspect, weight in weights.items():
            if aspect not in ASPECTS or not 0 <= weight <= 1:
                raise ValueError(
                    f"{aspect}={weight}: a weight is from 0 to 1, of one of {', '.join(ASPECTS)}"
                )
        before = self.chosen(WEIGHTED)
        self.weights |= weights
        after = self.chosen(WEIGHTED)
        if after != before:
            moved = ", ".join(f"{words(k)} {w:.2f}" for k, w in weights.items())
            self.flip = f"The choice flipped, from {named(before)} to {named(after)}, at {moved}."

    # What follows

    def shares(self) -> dict[str, float] | None:
        """The weights, normalised to sum to 1; None where all are 0."""
        total = math.fsum(self.weights.values())
        return {k: w / total for k, w in self.weights.items()} if total else None

    def rewards(self, rule: str) -> dict[str, float]:
        """{answer: its number} under a rule, for the answers that have one."""
        if rule == WEIGHTED:
            shares = self.shares()
            return weighted_sum(self.row.ratings, shares) if shares else {}
        return self.row.overall if rule == OVERALL else self.row.mean

    def chosen(self, rule: str) -> list[str]:
        rewards = self.rewards(rule)
        return best(rewards) if rewards else []

    def agreement(self) -> str:
        """The three choices in a sentence or two."""
        choices = {rule: self.chosen(rule) for rule in RULES}
        said = "; ".join(f"{rule}: {named(chosen)}" for rule, chosen in choices.items())
        split = "" if set.intersection(*map(set, choices.values())) else " No answer is best under all three."
        first = ""
        if len(choices[OVERALL]) > 1:
            first = f" On a tie in overall_score, binarized data take the first: {choices[OVERALL][0]}."
        return f"Chosen by {said}.{split}{first}"

    def notices(self) -> list[str]:
        said = [self.flip]
        if self.shares() is None:
            said.append("All weights are 0, so nothing is weighed and nothing is chosen: move a slider up.")
        if left_out := self.row.unrated:
            said.append(f"Left out, for want of a rating in some aspect: {', '.join(left_out)}.")
        return [text for text in said if text]

    def prospects(self) -> dict[str, str]:
        """For each rated answer: can weights choose it?"""
        return {letter: self._prospect(letter) for letter in self.row.ratings}

    def _prospect(self, letter: str) -> str:
        lead, weights = self.row.reach[letter]
        if lead > SMALL:
            return f"some weights choose it alone{self._example(letter, weights)}."
        return f"no weights choose it alone: {self._obstacle(letter, lead > -SMALL)}."

    def _obstacle(self, letter: str, ties: bool) -> str:
        """Why an answer never leads; `ties`: some weights make it one of the best."""
        if over := self.row.dominators(letter):
            tie = "at best it ties, where all aspects in which it is worse weigh 0"
            return f"dominated by {named(over, 'and')}; {tie if ties else 'it never even ties for the best'}"
        if twins := self.row.twins(letter):
            never = "" if ties else ", and for any weights another answer is better"
            return f"rated just like {named(twins, 'and')}, so they always tie{never}"
        return f"not dominated, but for any weights another answer is {'as good' if ties else 'better'}"

    def _example(self, letter: str, weights: dict[str, float]) -> str:
        """The weights on the sliders' steps, largest 1, where they still choose the answer alone."""
        largest = max(weights.values())
        near = {k: round(round(w / largest / STEP) * STEP, 2) for k, w in weights.items()}
        if best(weighted_sum(self.row.ratings, near)) != [letter]:
            return ""
        return ", such as " + ", ".join(f"{words(k)} {w:g}" for k, w in near.items() if w)


RULES = (WEIGHTED, MEAN, OVERALL)


def words(aspect: str) -> str:
    return aspect.replace("_", " ")


def named(letters: list[str], joint: str = "or") -> str:
    """A · A or B (a tie) · nothing."""
    if not letters:
        return "nothing"
    listed = letters[0] if len(letters) == 1 else f"{', '.join(letters[:-1])} {joint} {letters[-1]}"
    return f"{listed} (a tie)" if len(letters) > 1 and joint == "or" else listed


def _ratings(completion: dict) -> dict[str, float | None]:
    annotations = completion.get("annotations") or {}
    return {aspect: _number((annotations.get(aspect) or {}).get("Rating")) for aspect in ASPECTS}


def _number(value) -> float | None:
    """A rating is text, and sometimes "N/A"."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _bundled():
    from ..feedback import load_feedback

    return load_feedback(split="train")
