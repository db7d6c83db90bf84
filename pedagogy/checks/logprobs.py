"""Checks of notebooks 00 and 05 on numbers: gaps, log-ratios, perplexity, temperature, underflow."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from ..policy import Score
from ..slips import LOGS, MEAN, SLIPS, total
from .finding import CLOSE, Finding, plain, unanswered
from .trial import (
    EXACT,
    Mistake,
    Refused,
    after_answer,
    as_numbers,
    as_wanted,
    call_either,
    compare,
    diagnosed,
    flat,
)

LENGTH, REFERENCE, TEMPERATURE = (
    "Length, notebook 05",
    "Against a reference, notebook 05",
    "Temperature, notebook 05",
)
BOTH_SIDES = ("mean for sum", "EOS dropped", "first token dropped", "bits, not nats", "probabilities summed",
              "log of the mean probability")  # fmt: skip
NATS = "a number in nats, such as 1.23"
MADE_UP = (torch.tensor([-1.5, -0.25, -2.0, -0.75]), torch.tensor([-3.0, -0.5, -0.125]))


@diagnosed
def check_gap(answer, chosen: Score | np.ndarray | None = None, rejected=None) -> Finding:
    """Is `answer` the gap log π(y⁺|x) − log π(y⁻|x), in nats? If not, which mistake is it?

    answer: a number, or a function of the tokens' log-probabilities, (T⁺,) and (T⁻,). chosen and rejected are
    Scores, or such arrays; a function may be tried without.
    """
    rows = MADE_UP if chosen is None and callable(answer) else (chosen, rejected)
    if not callable(answer) and (missing := unanswered(answer, Real, NATS)):
        return missing
    if any(row is None for row in rows):
        raise Refused("type", "This alone cannot be checked: give the Scores of y⁺ and y⁻ after it.")
    pair = [_tokens(row) for row in rows]
    value = plain(call_either(answer, *map(torch.tensor, pair))) if callable(answer) else answer
    if missing := unanswered(value, Real, NATS):
        return missing
    truth = float(pair[0].sum() - pair[1].sum())
    right = f"Right: the gap is {truth:.2f} nats, the sum over y⁺ minus the sum over y⁻."
    return compare(as_wanted(value, NATS, ()), truth, _gap_mistakes(*pair), right, LENGTH)


def _tokens(scored) -> np.ndarray:
    """(T,) float64: the log-probabilities of a Score's tokens, or those themselves."""
    return as_numbers(getattr(scored, "logprobs", scored))


def _sums(*rows: np.ndarray, slip: str) -> list[float]:
    """What a slip makes of each row's sum."""
    tensors = [torch.tensor(row)[None] for row in rows]
    return [float(total(scores, torch.ones_like(scores).bool(), SLIPS[slip])) for scores in tensors]


def _gap_mistakes(plus, minus) -> dict[str, Mistake]:
    """The number that each known mistake gives, and what to tell the learner."""
    plus, minus = _tokens(plus), _tokens(minus)
    sums = float(plus.sum()), float(minus.sum())
    own = {
        "swapped": Mistake(sums[1] - sums[0], "y⁺ and y⁻ are swapped. It is log π(y⁺|x) minus log π(y⁻|x)"),
        "chosen only": Mistake(sums[0], "this is log π(y⁺|x) alone. Subtract log π(y⁻|x)"),
        "rejected only": Mistake(sums[1], "this is log π(y⁻|x) alone. The gap is log π(y⁺|x) minus it"),
        "added": Mistake(sum(sums), "the two were added. A gap is a difference"),
        "ratio of logs": Mistake(
            sums[0] / sums[1], "the two were divided. Dividing probabilities is subtracting their logs"
        ),
    }
    for name in BOTH_SIDES:
        a, b = _sums(plus, minus, slip=name)
        slip = SLIPS[name]
        own[name] = Mistake(a - b, f"in both responses {slip.why}", slip.hint, slip.section)
    return own


@diagnosed
def check_log_ratio_gap(answer, plus, minus, ref_plus, ref_minus) -> Finding:
    """Is `answer` log π_θ(y⁺|x)/π_ref(y⁺|x) − log π_θ(y⁻|x)/π_ref(y⁻|x), in nats? Four Scores, or arrays."""
    if missing := unanswered(answer, Real, NATS):
        return missing
    rows = [_tokens(row) for row in (plus, minus, ref_plus, ref_minus)]
    a, b, c, d = (float(row.sum()) for row in rows)
    mean = _sums(*rows, slip="mean for sum")
    mistakes = {
        "reference left out": Mistake(a - b, "this is π_θ's gap alone. Subtract the reference's gap"),
        "reference only": Mistake(c - d, "this is the reference's gap. Subtract it from π_θ's"),
        "reference added": Mistake(a - b + c - d, "the reference's gap was added. It is subtracted"),
        "swapped": Mistake(b - a - (d - c), "y⁺ and y⁻ are swapped"),
        "chosen only": Mistake(a - c, "this is y⁺'s log-ratio alone. Subtract that of y⁻"),
        "rejected only": Mistake(b - d, "this is y⁻'s log-ratio alone. It is subtracted from that of y⁺"),
        "log-ratios added": Mistake(a - c + b - d, "the two log-ratios were added. It is their difference"),
        "ratio of logs": Mistake(a / c - b / d, "logs were divided. The log of a ratio is their difference"),
        "mean for sum": Mistake(
            mean[0] - mean[1] - (mean[2] - mean[3]), SLIPS["mean for sum"].why, SLIPS["mean for sum"].hint
        ),
    }
    truth = a - b - (c - d)
    right = f"Right: {truth:.2f} nats, {a - b:.2f} by π_θ, of which {c - d:.2f} by π_ref already."
    return compare(as_wanted(answer, NATS, ()), truth, mistakes, right, REFERENCE)


@diagnosed
def check_perplexity(answer, logprobs=None) -> Finding:
    """Is `answer` the perplexity exp(−mean log π(y_t | …))? A number, with the tokens' `logprobs`, a Score or
    (T,); or a function of those, tried on made-up ones.
    """
    wanted = "a perplexity, one number of at least 1"
    if callable(answer):
        rows = [_tokens(row) for row in (MADE_UP if logprobs is None else [logprobs])]
        given = flat([as_wanted(call_either(answer, torch.tensor(row)), wanted, ()) for row in rows])
    else:
        given = flat([as_wanted(answer, wanted, ())])
        if logprobs is None:
            raise Refused("type", "A number alone cannot be checked: give the log-probabilities after it.")
        rows = (_tokens(logprobs),)
    truth = [_perplexity(row) for row in rows]
    wrong = {name: Mistake([f(row) for row in rows], why) for name, (f, why) in _PERPLEXITY_MISTAKES.items()}
    right = f"Right: {truth[0]:.3f}. On average as unsure as between so many equally likely tokens."
    return compare(given, truth, wrong, right, MEAN)


def _perplexity(logprobs: np.ndarray) -> float:
    return float(np.prod(np.exp(-logprobs / len(logprobs))))  # the geometric mean of 1/p, T roots multiplied


_PERPLEXITY_MISTAKES: dict[str, tuple[Callable[[np.ndarray], float], str]] = {
    "not exponentiated": (lambda s: -s.mean(), "this is the cross-entropy. Its exponential is wanted"),
    "sign": (lambda s: np.exp(s.mean()), "this is below 1: the sign in the exponent is missing"),
    "not divided": (lambda s: np.exp(-s.sum()), "this is 1/π(y|x). Divide by the number of tokens first"),
    "mean not turned": (lambda s: s.mean(), "this is the mean log-probability. Turn the sign, take exp"),
    "base 2": (lambda s: 2 ** -s.mean(), "the mean is in nats, so the base is e. Base 2 goes with bits"),
    "EOS dropped": (lambda s: np.exp(-s[:-1].mean()), "EOS is left out. It is predicted like any token"),
    "one token too few": (
        lambda s: np.exp(-s.sum() / (len(s) - 1)), "the sum has T terms, and was divided by T − 1"
    ),
    "arithmetic mean": (
        lambda s: np.exp(-s).mean(), "this is the plain mean of 1/p. Perplexity is the geometric one"
    ),
    "inverse of the mean probability": (
        lambda s: 1 / np.exp(s).mean(), "probabilities were averaged. Average their logarithms"
    ),
}  # fmt: skip


@diagnosed
def check_temperature(answer, *given) -> Finding:
    """Is `answer` a function (logits (…, V), temperature) -> log-probabilities (…, V) at that temperature?

    Or numbers (…, V), and `given` those two.
    """
    made_up = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(5)) * 2
    tried = [after_answer(given, "logits", "temperature")] if given else [(made_up, 0.5), (made_up, 2.0)]
    if callable(answer):
        values, exact = [call_either(answer, *case) for case in tried], EXACT
    else:
        values, exact = [answer] * len(tried), CLOSE
    wanted, shape = "log-probabilities, of the shape of the logits", tuple(as_numbers(tried[0][0]).shape)
    numbers = flat([as_wanted(value, wanted, shape) for value in values])
    cases = [(torch.as_tensor(logits).double(), float(tau)) for logits, tau in tried]

    def everywhere(f) -> np.ndarray:
        return flat([f(logits, tau) for logits, tau in cases])

    truth = everywhere(lambda z, tau: z / tau - (z / tau).exp().sum(-1, keepdim=True).log())
    wrong = {name: Mistake(everywhere(f), why) for name, (f, why) in _TEMPERATURE_MISTAKES.items()}
    right = "Right: the logits are divided, then normalised. Above 1 it flattens, below 1 it sharpens."
    return compare(numbers, truth, wrong, right, TEMPERATURE, exact)


_TEMPERATURE_MISTAKES: dict[str, tuple[Callable[[Tensor, float], Tensor], str]] = {
    "not normalised again": (
        lambda z, tau: z.log_softmax(-1) / tau,
        "log-probabilities were divided, and their exponentials no longer sum to 1. Normalise afterwards",
    ),
    "logits only": (lambda z, tau: z / tau, "these are logits. log_softmax is still to come"),
    "multiplied": (
        lambda z, tau: (z * tau).log_softmax(-1),
        "the logits were multiplied, so a high temperature sharpens. It should flatten",
    ),
    "after the softmax": (
        lambda z, tau: (z.softmax(-1) / tau).log_softmax(-1),
        "probabilities were divided, and put through a second softmax. Divide the logits",
    ),
    "ignored": (lambda z, tau: z.log_softmax(-1), "the temperature has no effect: this is temperature 1"),
    "probability": (lambda z, tau: (z / tau).softmax(-1), "these are probabilities. Their logs are wanted"),
    "logarithm of a power": (
        lambda z, tau: (z.log_softmax(-1) * tau).log_softmax(-1).exp(),
        "probabilities were raised to the power τ. It is 1/τ, and the logarithm of that",
    ),
    "softmax over positions": (
        lambda z, tau: (z / tau).log_softmax(-2 if z.ndim > 1 else -1), SLIPS["softmax over positions"].why
    ),
}  # fmt: skip


@diagnosed
def check_underflow(answer, probability: float = 0.5) -> Finding:
    """Is `answer` the largest number of tokens of this probability whose product float32 can tell from 0?"""
    if missing := unanswered(answer, Real, wanted := "a whole number of tokens"):
        return missing
    truth = _factors(probability, np.float32(0))
    bits = -np.log2(probability)
    wrong = {
        "one too many": Mistake(truth + 1, "with that many it is 0 already"),
        "digits, not range": Mistake(
            24 // bits, "24 bits is how precisely float32 holds a number, not how small it may be"
        ),
        "full precision only": Mistake(
            126 // bits, "below 2^−126 float32 goes on for a while, with fewer and fewer digits"
        ),
        "float64": Mistake(1074 // bits, "that is for float64, twice as wide"),
        "decimal digits": Mistake(38, "38 is float32's range in powers of ten"),
    }
    right = f"Right: {truth} tokens, {truth * np.log(probability):.0f} nats. Logarithms go on for ever."
    return compare(as_wanted(answer, wanted, ()), float(truth), wrong, right, LOGS)


def _factors(probability: float, zero: np.floating) -> int:
    """How often a number of the type of `zero` may be multiplied by a probability before it is 0."""
    factor, product, n = type(zero)(probability), type(zero)(1), 0
    while (product := product * factor) > zero:
        n += 1
    return n
