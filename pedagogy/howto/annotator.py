"""Simulated annotators: they see four answers, rate four aspects, write a critique, give an overall score.

An annotator knows the truth (`judge`) and reports it with noise and with biases, each of them one knob. The
default one is fairly good and likes length a little; LENGTH_LOVER shows what a bias does to preference data.
Like UltraFeedback's, it works in two passes, which may disagree: it *rates* the aspects with all answers on
one page, and it *reviews* each answer by itself, with a critique and an overall score.

Zheng et al. 2023 (arXiv 2306.05685) describe these three biases in language models that judge.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

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

verdict_of = lru_cache(maxsize=1 << 14)(judge)  # passes, and annotators that differ in a knob, read the same


@dataclass(frozen=True)
class Annotator:
    """Knobs in points of the overall score, which has 10; a rating, from 1 to 5, moves by half as much.

    noise: standard deviation of what it says.
    length_bias: points per 100 words beyond USUAL_WORDS; fewer words lose them.
    position_bias: points by which the answer that stands first is ahead of the last, the others in between.
        It takes a page with several answers: so it is in the ratings, and not in the overall score.
    self_preference: points for the answers of the assistant `kin`, which it knows for its own.
    """

    noise: float = 1.4
    length_bias: float = 0.6
    position_bias: float = 0.0
    self_preference: float = 0.0
    kin: str = "sim-mentor"

    def annotate(
        self, prompt: str, responses: list[str], rng: random.Random, models: list[str] | None = None
    ) -> list[dict]:
        """Both passes over one page: one dict a response, with the fields that `rate` and `review` give."""
        authors = models or [None] * len(responses)
        return [
            self.rate(prompt, response, rng, place=(i, len(responses)), model=model)
            | self.review(prompt, response, rng, model)
            for i, (response, model) in enumerate(zip(responses, authors, strict=True))
        ]

    def rate(
        self,
        prompt: str,
        response: str,
        rng: random.Random,
        place: tuple[int, int] = (0, 1),
        model: str | None = None,
    ) -> dict:
        """The first pass, of one response, number i of n on the page (`place`): annotations and
        fine-grained_score, the mean of the four ratings."""
        verdict, (i, n) = verdict_of(prompt, response), place
        ahead = self.position_bias * (0.5 - i / (n - 1)) if n > 1 else 0.0
        liking = self._liking(response, model) + ahead
        ratings = {
            aspect: _whole(truth + liking / 2 + rng.gauss(0, self.noise / 2), 5)
            for aspect, truth in aspect_truths(verdict).items()
        }
        return {
            "annotations": {aspect: _annotation(aspect, ratings[aspect], verdict, rng) for aspect in ASPECTS},
            "fine-grained_score": sum(ratings.values()) / len(ratings),
        }

    def review(self, prompt: str, response: str, rng: random.Random, model: str | None = None) -> dict:
        """The second pass, one response by itself: critique and overall_score."""
        verdict = verdict_of(prompt, response)
        said = critique(verdict, rng)
        score = verdict.utility + self._liking(response, model) + rng.gauss(0, self.noise)
        return {"critique": said, "overall_score": float(_whole(score, 10))}

    def _liking(self, response: str, model: str | None) -> float:
        """What has nothing to do with the answer's worth, in points."""
        if self.self_preference and model is None:
            raise ValueError("self_preference needs to know who answered: give the name as `model`")
        length = self.length_bias * (len(response.split()) - USUAL_WORDS) / 100
        return length + self.self_preference * (model == self.kin)


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
