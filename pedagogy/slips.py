"""The usual slips in computing log π(y|x): the wrong number that each gives, from the plain definitions.

log π(y|x) is made in three steps: every token gets a score, the mask says which tokens count, and what counts
is summed. A slip puts something else in the place of one step, so slips combine.

    working = Working(logits, ids, mask)
    working.logprobs()                              # (B,) right: ∑_t log π(y_t | x, y_<t), nats
    working.logprobs("no shift", "prompt counted")  # (B,) wrong in two ways

Checks recognise a wrong answer by these numbers, the gap explorer shows them, notebook 05 explains them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from .logprobs import pad_batch, response_mask

# Step 1, a score for every token: logits (B, T, V), ids (B, T) -> (B, T), NaN where nothing scores a token


def _normalised(logits: Tensor) -> Tensor:
    return logits.log_softmax(-1)


def _score(logits: Tensor, ids: Tensor, behind: int = 1, normalise: Callable = _normalised) -> Tensor:
    """Token t by the logits at t - behind; 1 is right, since logits predict the *next* token."""
    position = torch.arange(ids.shape[1], device=ids.device)
    at = (position - behind).clamp(0, ids.shape[1] - 1)
    chosen = normalise(logits)[:, at].gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    return chosen.masked_fill(position - behind != at, math.nan)


def _likeliest(logits: Tensor, ids: Tensor) -> Tensor:
    return _score(logits, _normalised(logits).argmax(-1).roll(1, 1))  # position 0 stays NaN


# Step 2, what counts: mask (B, T) true on the response, ids (B, T) -> (B, T)


def before(mask: Tensor) -> Tensor:
    """The prompt: what stands before the first true."""
    return mask.long().cumsum(-1) == 0


def after(mask: Tensor) -> Tensor:
    """Padding: what stands after the last true."""
    return before(mask.flip(-1)).flip(-1)


def _first(mask: Tensor) -> Tensor:
    return mask & (mask.long().cumsum(-1) == 1)


def _last(mask: Tensor) -> Tensor:
    return _first(mask.flip(-1)).flip(-1)


def _moved(mask: Tensor, by: int) -> Tensor:
    """The mask `by` positions later; what would come in at an end is false."""
    empty = torch.zeros_like(mask[:, : abs(by)])
    return torch.cat([empty, mask[:, :-by]] if by > 0 else [mask[:, -by:], empty], dim=1)


def _not_pad(mask: Tensor, ids: Tensor) -> Tensor:
    """Without the tokens that equal the padding's id, where there is padding."""
    padding = ids[after(mask)]
    return mask & (ids != padding[0]) if len(padding) else mask


# Step 3, one number: scores (B, T), NaN where a token does not count -> (B,)


def _log_sum(scores: Tensor) -> Tensor:
    return scores.nan_to_num(-math.inf, neginf=-math.inf).logsumexp(-1)


def _log_mean(scores: Tensor) -> Tensor:
    return _log_sum(scores) - scores.isfinite().sum(-1).log()


def _log_of_product(scores: Tensor) -> Tensor:
    """In float32, where a product of many factors below 1 is 0."""
    return scores.float().exp().nan_to_num(1.0).prod(-1).log()


# The catalogue


@dataclass(frozen=True)
class Slip:
    """`ways`: what people write that amounts to it, the usual one first. `section`: where it is explained."""

    name: str
    step: str  # "score", "mask" or "sum"
    ways: tuple[Callable, ...]
    why: str
    hint: str
    section: str

    def variants(self) -> list[Slip]:
        """The slip with one way each."""
        return [replace(self, ways=(way,)) for way in self.ways]


SHIFT, MASK, END, MEAN, LOGS, CANCELS = (
    "The shift, notebook 05",
    "A batch: shift and mask, notebook 05",
    "The end counts, notebook 05",
    "Perplexity: the mean, and what it is for, notebook 05",
    "Why logs, notebook 05",
    "What cancels, and what does not, notebook 05",
)
NEXT = "logits[:, t] predict token t+1. Pair logits[:, :-1] with ids[:, 1:], and shift the mask with the ids."
VOCABULARY = "A distribution sums to 1 over the vocabulary, the last axis: log_softmax(dim=-1)."
WHICH = "Decode what the mask keeps: ids[mask] should read as the response and its EOS, and nothing else."
MASK_TOO = "The mask says which labels count, so it shifts with them: mask[:, 1:] beside ids[:, 1:]."
ADD = "log π(y|x) is the sum of the log-probabilities of the response's tokens, in nats."

_ALL = [
    Slip(
        "no shift", "score", (
            partial(_score, behind=0),
            lambda logits, ids: _score(logits, ids, behind=0).index_fill(1, ids.new_tensor([-1]), math.nan),
        ),
        "token t is scored by the logits at t, which have already read it and predict t+1", NEXT, SHIFT,
    ),
    Slip(
        "shifted the wrong way", "score", (partial(_score, behind=-1),),
        "token t is scored by the logits at t+1: two places too late", NEXT, SHIFT,
    ),
    Slip(
        "shifted twice", "score", (partial(_score, behind=2),),
        "token t is scored by the logits at t−2, which predict t−1",
        f"{NEXT} Once: transformers' own labels= shifts by itself.", SHIFT,
    ),
    Slip(
        "logits summed", "score", (partial(_score, normalise=lambda logits: logits),),
        "logits were summed, without the normaliser, which is another one in every state",
        "Subtract the logsumexp over the vocabulary at each position, or take log_softmax(dim=-1).",
        CANCELS,
    ),
    Slip(
        "softmax over positions", "score", (
            partial(_score, normalise=lambda logits: logits.log_softmax(1)),
            partial(_score, normalise=lambda logits: logits[:, :-1].log_softmax(1)),
            partial(_score, normalise=lambda logits: logits - logits.logsumexp((0, 1))),
            partial(_score, normalise=lambda logits: logits[:, :-1] - logits[:, :-1].logsumexp((0, 1))),
        ),
        "the softmax ran over the positions, so probabilities sum to 1 over time", VOCABULARY, SHIFT,
    ),
    Slip(
        "softmax over the batch", "score", (partial(_score, normalise=lambda logits: logits.log_softmax(0)),),
        "the softmax ran over the rows of the batch", VOCABULARY, SHIFT,
    ),
    Slip(
        "softmax twice", "score",
        (partial(_score, normalise=lambda logits: logits.softmax(-1).log_softmax(-1)),),
        "probabilities were put through a second softmax, which flattens them",
        "log_softmax and cross_entropy want logits. Give them no probabilities.", SHIFT,
    ),
    Slip(
        "likeliest token scored", "score", (_likeliest,),
        "each step counts its likeliest token, not the one that stands there",
        "Take the log-probability at the token's id: gather(-1, ids), not max(-1).", SHIFT,
    ),
    Slip(
        "prompt counted", "mask", (lambda mask, ids: mask | before(mask),),
        "the prompt's own tokens are summed too, though x is given: log π(x, y) in place of log π(y|x)",
        WHICH, MASK,
    ),
    Slip(
        "EOS dropped", "mask", (lambda mask, ids: mask & ~_last(mask),),
        "the last token is left out: that is the chance to begin like this, not to stop here",
        "Stopping is the response's last action. The mask's last true is on EOS.", END,
    ),
    Slip(
        "first token dropped", "mask", (lambda mask, ids: mask & ~_first(mask),),
        "the response's first token is left out; the prompt's last position predicts it", WHICH, SHIFT,
    ),
    Slip(
        "pad counted", "mask", (lambda mask, ids: mask | after(mask),),
        "padding is summed too: the number depends on what else is in the batch",
        f"{WHICH} Padding is told by the row's length.", MASK,
    ),
    Slip(
        "no mask", "mask", (lambda mask, ids: torch.ones_like(mask),),
        "nothing is masked: prompt, response and padding are summed", WHICH, MASK,
    ),
    Slip(
        "mask not shifted", "mask", (lambda mask, ids: _moved(mask, 1),),
        "the ids were shifted and the mask was not: the first token is out, what follows EOS is in",
        MASK_TOO, MASK,
    ),
    Slip(
        "mask one early", "mask", (lambda mask, ids: _moved(mask, -1),),
        "the mask stands one place too early: the prompt's last token is in, EOS is out", MASK_TOO, MASK,
    ),
    Slip(
        "masked by pad id", "mask", (_not_pad,),
        "tokens equal to the pad id are left out; here pad = EOS, so each EOS goes with the padding",
        "Padding is told by the row's length, never by the token's id.", END,
    ),
    Slip(
        "mean for sum", "sum", (lambda scores: scores.nanmean(-1),),
        "this is the mean per token: the length, which belongs to log π(y|x), is divided out", ADD, MEAN,
    ),
    Slip(
        "mean over the padded width", "sum", (
            lambda scores: scores.nansum(-1) / (scores.shape[1] - 1),
            lambda scores: scores.nansum(-1) / scores.shape[1],
        ),
        "the sum is divided by the width of the batch, prompt and padding included", ADD, MEAN,
    ),
    Slip(
        "sign", "sum", (lambda scores: -scores.nansum(-1),),
        "this is the negative log-likelihood, a loss; a log-probability is at most 0",
        "cross_entropy returns −log π of each token. Turn the sign.", LOGS,
    ),
    Slip(
        "mean loss", "sum", (lambda scores: -scores.nanmean(-1),),
        "this is the mean loss per token: the sign is turned, and the sum is divided by the length",
        'cross_entropy averages by default, and returns −log π: take reduction="none", sum, turn the sign.',
        MEAN,
    ),
    Slip(
        "bits, not nats", "sum", (
            lambda scores: scores.nansum(-1) / math.log(2),
            lambda scores: scores.nansum(-1) / math.log(10),
        ),
        "the logarithm has another base, 2 or 10, than e",
        "Nats: the natural logarithm, torch.log and log_softmax. One bit is ln 2 = 0.693 nats.", LOGS,
    ),
    Slip(
        "probability", "sum", (lambda scores: scores.nansum(-1).exp(),),
        "this is π(y|x) itself, the product; its logarithm is wanted", ADD, LOGS,
    ),
    Slip(
        "probabilities summed", "sum", (lambda scores: scores.exp().nansum(-1),),
        "probabilities were added. They multiply; their logarithms add", ADD, LOGS,
    ),
    Slip(
        "log of the summed probabilities", "sum", (_log_sum,),
        "the probabilities were added, and the logarithm taken of their sum", ADD, LOGS,
    ),
    Slip(
        "log of the mean probability", "sum", (_log_mean,),
        "the probabilities were averaged, and the logarithm taken of their mean", ADD, LOGS,
    ),
    Slip(
        "logs multiplied", "sum", (
            lambda scores: scores.nan_to_num(1.0).prod(-1),
            lambda scores: scores.float().nan_to_num(1.0).prod(-1),
        ),
        "the log-probabilities were multiplied. Probabilities multiply; their logarithms add", ADD, LOGS,
    ),
    Slip(
        "product, then its log", "sum", (
            _log_of_product,
            lambda scores: scores.exp().nan_to_num(0.0).prod(-1).log(),  # what is masked out is 0, not 1
        ),
        "the product was taken first. Over many tokens it is 0 in float32, and log 0 = −∞",
        "Take the logarithm of each factor, and add: nothing underflows.", LOGS,
    ),
]  # fmt: skip
SLIPS = {slip.name: slip for slip in _ALL}


def total(scores: Tensor, mask: Tensor, *slips: Slip, ids: Tensor | None = None) -> Tensor:
    """Steps 2 and 3: scores (B, T), NaN where there are none, mask (B, T) of bool -> (B,), nats.

    Each slip in the mask adds and takes away tokens; several do it together.
    """
    counted = _counted(mask, *slips, ids=ids)
    reduce = next((slip.ways[0] for slip in slips if slip.step == "sum"), lambda scores: scores.nansum(-1))
    return reduce(scores.masked_fill(~counted, math.nan))


def _counted(mask: Tensor, *slips: Slip, ids: Tensor | None) -> Tensor:
    counted = mask.clone()
    for slip in slips:
        if slip.step == "mask":
            counted ^= mask ^ slip.ways[0](mask, ids)
    return counted


class Working:
    """log π(y|x) of each row of a batch, and what becomes of it with slips.

    logits (B, T, V); ids (B, T): prompt, response, padding on the right; mask (B, T): true on the response.
    """

    def __init__(self, logits: Tensor, ids: Tensor, mask: Tensor):
        self.logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        self.ids, self.mask = ids, mask.bool()
        self._scores: dict[Callable, Tensor] = {}

    def scores(self, slip: Slip | None = None) -> Tensor:
        """Step 1: (B, T), NaN where nothing scores a token, as at position 0."""
        way = slip.ways[0] if slip else _score
        if way not in self._scores:
            self._scores[way] = way(self.logits, self.ids)
        return self._scores[way]

    def logprobs(self, *slips: str | Slip) -> Tensor:
        """(B,), nats. Slips by name, at most one that scores and one that sums; none: the right numbers."""
        scores, found = self._step_1(slips)
        return total(scores, self.mask, *found, ids=self.ids)

    def counted(self, *slips: str | Slip) -> Tensor:
        """(B, T) of bool: the tokens that the sum is over."""
        scores, found = self._step_1(slips)
        return _counted(self.mask, *found, ids=self.ids) & ~scores.isnan()

    def flipped(self) -> Working:
        """The rows in the other order."""
        return Working(self.logits.flip(0), self.ids.flip(0), self.mask.flip(0))

    def _step_1(self, slips: tuple[str | Slip, ...]) -> tuple[Tensor, list[Slip]]:
        found = [SLIPS[slip] if isinstance(slip, str) else slip for slip in slips]
        for step in ("score", "sum"):
            if len(same := [slip.name for slip in found if slip.step == step]) > 1:
                raise ValueError(f"{' and '.join(same)} take each other's place: give one of them")
        return self.scores(next((slip for slip in found if slip.step == "score"), None)), found


def working(policy, prompt, responses: Sequence[str]) -> Working:
    """The responses to one prompt under a policy, as one batch padded on the right."""
    x, ys = policy.encode_prompt(prompt), [policy.encode_response(y) for y in responses]
    pad = policy.tokenizer.pad_token_id
    ids, lengths = pad_batch([x + y for y in ys], fill=policy.eos_token_id if pad is None else pad)
    attention = response_mask(0 * lengths, lengths).long()  # 0 on padding alone
    with torch.no_grad():
        logits = policy.model(ids.to(policy.device), attention_mask=attention.to(policy.device)).logits
    return Working(logits.cpu(), ids, response_mask(torch.full_like(lengths, len(x)), lengths))
