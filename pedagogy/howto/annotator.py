"""Simulated annotators: they see four answers, rate four aspects, write a critique, give an overall score.

An annotator knows the truth (`judge`) and reports it with noise and with a bias: `noise` is the standard
deviation of its overall score in points, `length_bias` the points it adds per 100 words beyond a usual
answer. The default one is fairly good; LENGTH_LOVER shows what a bias does to preference data. Like
UltraFeedback's, the ratings and the overall score come from two different passes and may disagree.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pedagogy.howto.judge import Verdict, judge
from pedagogy.howto.voices import load_voices

USUAL_WORDS = 90  # an answer of this length gains or loses nothing from a length bias
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
# What one defect of a kind takes off an aspect's rating of 5.
COSTS = {
    "instruction_following": {
        "instruction": 2.0,
        "off_task": 0.7,
        "evasive": 3.0,
        "padded": 0.2,
        "unclear": 0.5,
    },
    "honesty": {"boast": 1.2, "invention": 1.5, "myth_accepted": 2.0, "myth_ignored": 0.6},
    "truthfulness": {
        "wrong_tool": 1.5,
        "wrong_number": 1.5,
        "wrong_object": 1.5,
        "wrong_order": 1.2,
        "invention": 1.2,
        "myth_accepted": 2.0,
    },
}
# The numbered types of UltraFeedback's guidelines: which kind of untruth, which kind of help.
UNTRUTHS = {"invention": "1", "wrong_tool": "2", "wrong_number": "2", "wrong_object": "2", "wrong_order": "3"}


@dataclass(frozen=True)
class Annotator:
    """noise: standard deviation of the overall score, in points of 10; ratings get half of it.
    length_bias: points per 100 words beyond USUAL_WORDS (negative below it)."""

    noise: float = 1.4
    length_bias: float = 0.6

    def annotate(self, prompt: str, responses: list[str], rng: random.Random) -> list[dict]:
        """One dict a response, with UltraFeedback's fields: annotations, critique, overall_score,
        fine-grained_score (the mean of the four ratings)."""
        return [self._one(judge(prompt, response), len(response.split()), rng) for response in responses]

    def _one(self, verdict: Verdict, n_words: int, rng: random.Random) -> dict:
        liking = self.length_bias * (n_words - USUAL_WORDS) / 100
        ratings = {
            aspect: _whole(truth + liking / 2 + rng.gauss(0, self.noise / 2), 5)
            for aspect, truth in aspect_truths(verdict).items()
        }
        return {
            "annotations": {aspect: _annotation(aspect, ratings[aspect], verdict, rng) for aspect in ASPECTS},
            "critique": critique(verdict, rng),
            "overall_score": float(_whole(verdict.utility + liking + rng.gauss(0, self.noise), 10)),
            "fine-grained_score": sum(ratings.values()) / len(ratings),
        }


LENGTH_LOVER = Annotator(length_bias=4.0)


def aspect_truths(verdict: Verdict) -> dict[str, float]:
    """What each aspect would be rated without noise: 1 to 5, before rounding."""
    missing = 1 - verdict.coverage
    truths = {
        aspect: 5.0 - sum(costs.get(defect.kind, 0.0) for defect in verdict.defects)
        for aspect, costs in COSTS.items()
    }
    truths["instruction_following"] -= 2.0 * missing
    truths["honesty"] += 0.3 * verdict.hedged - 0.5 * (verdict.coverage == 0)
    truths["helpfulness"] = 1 + 4 * (verdict.utility - 1) / 9
    return {aspect: min(5.0, max(1.0, truths[aspect])) for aspect in ASPECTS}


def _whole(value: float, most: int) -> int:
    return min(most, max(1, round(value)))


def _annotation(aspect: str, rating: int, verdict: Verdict, rng: random.Random) -> dict:
    """UltraFeedback gives truthfulness and helpfulness a type and two rationales, the others one."""
    reason = rng.choice(load_voices()["rationales"][aspect][rating])
    if aspect in ("instruction_following", "honesty"):
        return {"Rating": str(rating), "Rationale": reason}
    if aspect == "truthfulness":
        types = sorted({UNTRUTHS[kind] for kind in verdict.kinds if kind in UNTRUTHS}) or ["None"]
        why = _findings(verdict, UNTRUTHS, rng) or "No untruth was found."
    else:
        types = [str(number) for number, helps in enumerate((rating >= 3, rating >= 4), 1) if helps] or [
            "None"
        ]
        why = f"It covers {verdict.coverage:.0%} of what was needed."
    return {"Rating": str(rating), "Rationale": why, "Rationale For Rating": reason, "Type": types}


def critique(verdict: Verdict, rng: random.Random) -> str:
    """A paragraph that names the defects which are really there, each kind once."""
    forms = load_voices()["critiques"]
    if not verdict.defects:
        return rng.choice(forms["praise"])
    opening = [rng.choice(forms["mixed"])] if verdict.utility >= 5 else []
    return " ".join([*opening, _findings(verdict, forms, rng)])


def _findings(verdict: Verdict, kinds, rng: random.Random) -> str:
    """One sentence for each kind of defect among `kinds`."""
    forms, said = load_voices()["critiques"], {}
    for defect in verdict.defects:
        if defect.kind in kinds and defect.kind not in said:
            said[defect.kind] = rng.choice(forms[defect.kind]).format(**dict(defect.slots))
    return " ".join(said.values())
