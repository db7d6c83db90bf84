"""Checks of notebook 06: the optimum, the loss, its weights, where it begins, β's direction, the ceiling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .finding import Finding
from .trial import (
    Mistake,
    Refused,
    after_answer,
    as_numbers,
    as_wanted,
    call_either,
    compare,
    diagnosed,
    flat,
    tried,
    unspoilt,
)

OPTIMUM, LOSS, WEIGHTS = "“The best policy”", "“The loss”", "“What a step does”"
DIAL, START, NOISE = "“β, a dial”", "“The real thing”", "“How good can it get?”"
TYPED = 6e-4  # a loss typed with three decimals counts; mistakes are further away than that
WORKED = 1e-5  # what a function works out


# The optimum


@diagnosed
def check_optimum(answer, ref_probs=(0.6, 0.3, 0.1), rewards=(0.0, 1.0, 2.0), beta: float = 0.5) -> Finding:
    """Is `answer` π*, the probabilities that maximise E[r] − β KL(π‖π_ref)? Or a function that gives them.

    A function takes (ref_probs, rewards, beta), as tensors and a number.
    """
    ref, r = (torch.as_tensor(as_numbers(values)) for values in (ref_probs, rewards))
    value = call_either(answer, ref, r, beta) if callable(answer) else answer
    given = as_wanted(value, "one probability for each answer", tuple(ref.shape))
    up = r / beta

    def normal(weights: Tensor) -> Tensor:
        return weights / weights.sum()

    wrong = {
        "not normalised": Mistake(
            ref * up.exp(), "these are π_ref exp(r/β), which do not sum to 1: divide by Z"
        ),
        "β on the wrong side": Mistake(
            normal(ref * (beta * r).exp()),
            "r is multiplied by β here; it is divided: a small β follows r further",
        ),
        "missing reference": Mistake(
            normal(up.exp()), "this is the softmax of r/β; what π_ref finds unlikely must stay less likely"
        ),
        "β forgotten": Mistake(normal(ref * r.exp()), "this is the optimum at β = 1"),
        "sign": Mistake(normal(ref * (-up).exp()), "this flees from reward"),
        "greedy": Mistake((r == r.max()).double(), "all on the best answer: that is the limit β → 0"),
        "logarithms": Mistake(normal(ref * up.exp()).log(), "these are log π*; take exp"),
        "not tilted": Mistake(ref, "this is π_ref itself, the limit β → ∞"),
    }
    right = "Right: π_ref, each answer times exp(r/β), divided by their sum Z."
    return compare(given, normal(ref * up.exp()), wrong, right, OPTIMUM, 2e-3)


# The loss


@diagnosed
def check_dpo_loss(answer, *given) -> Finding:
    """Is `answer` the DPO loss?

    A function (policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta) of log-probs (B,) -> (B,).
    Or a number, the loss of one pair, and `given` its four scores, as of Policy.score, and β.
    """
    if given:
        names = ("policy_chosen", "policy_rejected", "ref_chosen", "ref_rejected", "beta")
        *scores, beta = after_answer(given, *names)
        sums, means = (torch.tensor([[getattr(s, name)] for s in scores]) for name in ("total", "mean"))
        value = as_wanted(answer, "a number, the loss of one pair", (), (1,)).reshape(1)
        return _diagnose(value, sums.double(), beta, _mean_for_sum(means.double(), beta), TYPED)
    if answer is None or answer is ...:
        raise Refused(
            "no answer", "No answer yet: put the function in place of None, or a number and its scores."
        )
    if not callable(answer):
        raise Refused(
            "type", "Numbers alone cannot be checked: give after them four scores and β, or a function."
        )
    logps, beta = _made_up(), 0.3
    value = call_either(answer, *logps, beta)
    one = as_numbers(value)
    if one is not None and one.ndim == 0:
        losses = _losses(logps, beta).mean()
        known = "the batch's mean" if np.isclose(one, losses, atol=WORKED) else "one number"
        hint = "Leave the mean to the caller: who has one loss a pair can still find the pair that is wrong."
        raise Refused(
            "one number for the batch", f"This is {known}; wanted is a loss for each pair.", hint, LOSS
        )
    numbers = as_wanted(value, "one loss for each pair", (len(logps[0]),))
    return _diagnose(numbers, logps, beta, {}, WORKED)


@diagnosed
def check_pair_loss(answer) -> Finding:
    """Is `answer` a function of token log-probs that gives the DPO loss of one pair?

    (policy_chosen (T⁺,), policy_rejected (T⁻,), ref_chosen (T⁺,), ref_rejected (T⁻,), beta) -> a number.
    """
    if answer is None or answer is ...:
        raise Refused("no answer", "No answer yet: put a function of four rows of token log-probs and β.")
    if not callable(answer):
        raise Refused("type", f"A function is wanted, not a {type(answer).__name__}.")
    beta, values, sums, means = 0.3, [], [], []
    for tokens in _made_up_tokens():
        value = as_wanted(call_either(answer, *tokens, beta), "one number, the loss of the pair", (), (1,))
        values.append(value.reshape(()))
        sums.append([t.sum() for t in tokens])
        means.append([t.mean() for t in tokens])
    sums, means = (torch.tensor(rows).T for rows in (sums, means))
    return _diagnose(flat(values), sums, beta, _mean_for_sum(means, beta), WORKED)


def _made_up() -> Tensor:
    """Four rows of log-probs of five pairs: (4, 5). No slip gives the same numbers as another."""
    return -torch.tensor(
        [[9.0, 20.5, 31.0, 14.0, 25.0], [12.5, 18.0, 30.0, 21.0, 19.5],
         [10.0, 23.0, 29.5, 15.5, 22.0], [11.0, 19.0, 33.0, 17.0, 20.0]], dtype=torch.float64
    )  # fmt: skip


def _made_up_tokens() -> list[list[Tensor]]:
    """Token log-probs of three pairs, each of two lengths, under both policies."""
    draw = torch.Generator().manual_seed(6)
    lengths = ((5, 9), (12, 4), (7, 8))
    return [
        [-3 * torch.rand(n, generator=draw, dtype=torch.float64) for n in (a, b, a, b)] for a, b in lengths
    ]


def _losses(logps: Tensor, beta: float) -> Tensor:
    """−log σ(β h), written as log(1 + exp(−β h)): (B,)."""
    return torch.log1p(torch.exp(-beta * _h(logps)))


def _h(logps: Tensor) -> Tensor:
    plus, minus, ref_plus, ref_minus = logps
    return (plus - ref_plus) - (minus - ref_minus)


def _mean_for_sum(means: Tensor, beta: float) -> dict[str, Mistake]:
    why = (
        "log π(y|x) is the *sum* over the tokens; with means it is another loss, "
        "which wants a β that is larger by about the length"
    )
    return {
        "mean for sum": Mistake(_losses(means, beta), why, "Sum the tokens' log-probabilities, EOS included.")
    }


def _diagnose(
    given: np.ndarray, logps: Tensor, beta: float, more: dict[str, Mistake], exact: float
) -> Finding:
    wrong = more | _slips(logps, beta)
    return compare(
        given,
        _losses(logps, beta),
        wrong,
        "Right: −log σ of β times the difference of log-ratios.",
        LOSS,
        exact,
    )


def _slips(logps: Tensor, beta: float) -> dict[str, Mistake]:
    """What each usual slip gives for these log-probs (4, B)."""
    plus, minus, ref_plus, ref_minus = logps
    h, log_sigmoid = _h(logps), torch.nn.functional.logsigmoid
    hint = "Write h = (log π_θ(y⁺) − log π_ref(y⁺)) − (log π_θ(y⁻) − log π_ref(y⁻)) first. Then −log σ(β h)."

    def slip(value: Tensor, why: str) -> Mistake:
        return Mistake(value, why, hint)

    return {
        "sign": slip(log_sigmoid(beta * h), "the minus is missing, so descent would make y⁺ lose"),
        "swapped pair": slip(-log_sigmoid(-beta * h), "y⁺ and y⁻ are exchanged: it learns to prefer y⁻"),
        "β outside the σ": slip(-beta * log_sigmoid(h), "β scales the loss here; it belongs inside"),
        "missing reference": slip(
            -log_sigmoid(beta * (plus - minus)), "π_ref does not occur, so nothing says where to start from"
        ),
        "reference added": slip(
            -log_sigmoid(beta * ((plus - minus) + (ref_plus - ref_minus))),
            "the reference's gap is added; it is subtracted",
        ),
        "policies exchanged": slip(
            -log_sigmoid(beta * ((ref_plus - minus) - (plus - ref_minus))), "π_θ and π_ref are exchanged"
        ),
        "β forgotten": slip(-log_sigmoid(h), "this is the loss at β = 1"),
        "β divides": slip(-log_sigmoid(h / beta), "h is divided by β; it is multiplied"),
        "β on the policy only": slip(
            -log_sigmoid(beta * (plus - minus) - (ref_plus - ref_minus)), "β must multiply both gaps"
        ),
        "no logarithm": slip(-torch.sigmoid(beta * h), "this is −σ; the loss is −log σ"),
        "probability": slip(torch.sigmoid(beta * h), "the chance that y⁺ wins; the loss is −log of it"),
        "margin": slip(beta * h, "this is the margin r̂⁺ − r̂⁻; the loss is −log σ of it"),
        "bits, not nats": slip(_losses(logps, beta) / math.log(2), "this is log₂; losses are in nats"),
    }  # fmt: skip


# A step


@diagnosed
def check_pair_weight(answer, *given) -> Finding:
    """Is `answer` β σ(r̂⁻ − r̂⁺), how hard the gradient pulls at a pair?

    A number, and `given` its implicit rewards r̂⁺ and r̂⁻ and β. Or a function
    (chosen_rewards (B,), rejected_rewards (B,), beta) -> (B,), tried on made-up ones.
    """
    right = "Right: β σ(r̂⁻ − r̂⁺). At 0 it is β/2; a pair ranked wrongly weighs more, up to β."
    if given:
        chosen, rejected, beta = after_answer(given, "chosen_reward", "rejected_reward", "beta")
        value = as_wanted(answer, "a number, the weight of the pair", ())
        truth, wrong = _weights(np.float64(chosen - rejected), beta)
        return compare(value, truth, wrong, right, WEIGHTS, 5e-4)
    rewards = torch.tensor([[1.5, -0.4, 0.3, -2.0], [-0.5, 0.8, 0.3, 1.0]], dtype=torch.float64)
    (value,), wrote = tried(answer, "a function of rewards and β", [(*rewards, 0.3)])
    given_back = as_wanted(value, "one weight for each pair", (rewards.shape[1],))
    truth, wrong = _weights((rewards[0] - rewards[1]).numpy(), 0.3)
    return unspoilt(compare(given_back, truth, wrong, right, WEIGHTS, WORKED), wrote)


def _weights(margin: np.ndarray, beta: float) -> tuple[np.ndarray, dict[str, Mistake]]:
    """The weights of pairs with these margins, and what each usual slip gives."""

    def s(z):
        return 1 / (1 + np.exp(-z))

    return beta * s(-margin), {
        "sign": Mistake(
            beta * s(margin), "pairs that are ranked rightly would weigh most; it is those ranked wrongly"
        ),
        "β forgotten": Mistake(s(-margin), "this lacks the factor β from the inner derivative"),
        "sign and β": Mistake(s(margin), "this is how sure the policy is that y⁺ wins"),
        "β twice": Mistake(beta * s(-beta * margin), "r̂ has its β already"),
        "derivative of σ": Mistake(
            beta * s(margin) * s(-margin), "that is σ′; the derivative of −log σ(z) is −σ(−z)"
        ),
        "the loss": Mistake(np.log1p(np.exp(-margin)), "this is the loss itself; its slope is asked for"),
        "downhill": Mistake(-beta * s(-margin), "this is the derivative itself; its size is asked for"),
    }


@diagnosed
def check_reward_accuracy(answer) -> Finding:
    """Is `answer` a function of four rows of log-probs (B,) that gives the share of pairs with r̂⁺ > r̂⁻?

    (policy_chosen, policy_rejected, ref_chosen, ref_rejected) -> a number. β does not matter to it.
    """
    logps = torch.cat([_made_up(), -torch.tensor([[9.0, 4.0], [7.0, 6.0]]).repeat(2, 1).double()], dim=-1)
    cases = [tuple(logps), tuple(logps[:, 3:])]  # the last two pairs are level: they stand as at step 0
    values, wrote = tried(answer, "a function of four rows of log-probabilities", cases)
    if any(as_numbers(value) is not None and as_numbers(value).ndim for value in values):
        hint = "A comparison gives a boolean for each pair. Their mean, as numbers, is the share."
        raise Refused("not a share", "This is one value for each pair; wanted is their share.", hint, START)
    shares = flat([as_wanted(value, "a share, one number from 0 to 1", ()) for value in values])

    def everywhere(wins) -> np.ndarray:
        return flat([wins(torch.stack(case)) for case in cases])

    def h_won(four):
        return (_h(four) > 0).double().mean()

    wrong = {
        "a level pair is won": Mistake(
            everywhere(lambda four: (_h(four) >= 0).double().mean()),
            "at step 0 all margins are 0, and with ≥ the accuracy would begin at 1; it is a strict >",
        ),
        "a level pair is half won": Mistake(
            everywhere(lambda four: ((_h(four) > 0).double() + (_h(four) == 0) / 2).mean()),
            "level pairs count half here; with the strict > they are not won, and step 0 is at 0",
        ),
        "missing reference": Mistake(
            everywhere(lambda four: (four[0] > four[1]).double().mean()),
            "this asks whether y⁺ is likelier; the implicit reward asks how much likelier than under π_ref",
        ),
        "policies exchanged": Mistake(
            everywhere(lambda four: (_h(four) < 0).double().mean()),
            "this is the share of pairs with the *lower* reward for y⁺: a pair or the policies are exchanged",
        ),
        "a count": Mistake(everywhere(lambda four: (_h(four) > 0).sum()), "divide by the number of pairs"),
        "the mean margin": Mistake(
            everywhere(lambda four: _h(four).mean()), "count the pairs won, not by how much"
        ),
        "per cent": Mistake(everywhere(lambda four: 100 * h_won(four)), "a share is from 0 to 1"),
    }
    right = "Right: the share of pairs with r̂⁺ strictly above r̂⁻. At step 0 it is 0."
    return unspoilt(compare(shares, everywhere(h_won), wrong, right, START, WORKED), wrote)


@diagnosed
def check_first_row(answer) -> Finding:
    """Is `answer` (loss, margin, accuracy) at step 0, where π_θ = π_ref, accuracy the share with r̂⁺ > r̂⁻?"""
    value = as_wanted(answer, "three numbers: loss, margin and accuracy", (3,))
    ln2 = math.log(2)
    wrong = {
        "a coin's accuracy": Mistake(
            (ln2, 0, 0.5), "all margins are exactly 0, and 0 > 0 is false: no pair is won"
        ),
        "everything won": Mistake((ln2, 0, 1), "that would be ≥; with the strict > no pair is won"),
        "no loss": Mistake((0, 0, 0), "−log σ(0) is not 0: σ(0) is ½"),
        "loss of a coin in bits": Mistake((1, 0, 0), "that is log₂ 2; losses are in nats"),
        "σ, not −log σ": Mistake((0.5, 0, 0), "σ(0) = ½; the loss is −log of it"),
    }
    right = "Right: ln 2 = 0.6931, 0 and 0. Anything else at step 0 is a bug: dropout, or another reference."
    return compare(value, (ln2, 0.0, 0.0), wrong, right, START, 1e-3)


@diagnosed
def check_beta_order(answer, betas: Sequence[float] = (0.1, 1.0, 0.01)) -> Finding:
    """Are these the βs in order of KL(π*‖π_ref), the policy closest to π_ref first?"""
    value = as_wanted(answer, f"the {len(betas)} values of β in another order", (len(betas),))
    rising = sorted(betas)
    wrong = {
        "β backwards": Mistake(
            rising,
            "β is the *price* of KL: a higher β stays closer. Several well-known courses have it backwards",
        ),
        "as given": Mistake(list(betas), "this is the order that they came in"),
    }
    if sorted(value.tolist()) != rising:
        raise Refused("other values", f"Put the same values in order: {', '.join(map(str, betas))}.")
    return compare(
        value,
        rising[::-1],
        wrong,
        "Right: KL is paid for at the price β, so a high β stays close.",
        DIAL,
        1e-9,
    )


# The ceiling


@diagnosed
def check_ceiling(answer, worths: Sequence[tuple[float, float]]) -> Finding:
    """Is `answer` the accuracy on these labels that someone has who knows the truth and guesses at ties?

    worths: the true utilities of (chosen, rejected) of each pair.
    """
    won, ties, n = (
        sum(a > b for a, b in worths), sum(a == b for a, b in worths), len(worths)
    )  # fmt: skip
    if not n:
        raise Refused("no pairs", "There are no pairs to compare with: give their true utilities.")
    wrong = {
        "ties left out": Mistake(
            won / max(1, n - ties), "this counts the pairs that are no tie; ties occur in the test, too"
        ),
        "ties lost": Mistake(won / n, "at a tie even a coin is right half of the time"),
        "ties won": Mistake(
            (won + ties) / n, "at a tie the truth does not tell which answer was labelled y⁺"
        ),
        "labels wrong": Mistake(
            (n - won - ties) / n, "this is the share of labels that contradict the truth"
        ),
        "no noise": Mistake(1.0, "some labels contradict the truth: who knows the truth is wrong there"),
    }
    value = as_wanted(answer, "a share, from 0 to 1", ())
    at_ties = "1 true tie counts half" if ties == 1 else f"{ties} true ties count half"
    right = f"Right: {won} of {n} labels agree with the truth, and {at_ties}."
    return compare(value, (won + ties / 2) / n, wrong, right, NOISE, 1e-3)
