"""Checks of notebooks 00 and 05: log π(y|x), token by token, and the gap between two responses."""

from __future__ import annotations

import math
from numbers import Real

from ..policy import Score
from .finding import CLOSE, Finding


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
